/* conf_convert.h - the kinds of settings: from the text in vmroll.conf(5) to a field of struct conf. */
#ifndef VMROLL_CONF_CONVERT_H
#define VMROLL_CONF_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf.h"
#include "err.h"

struct conf_setting;

/*
 * Stores VALUES (exactly one unless the setting is a list) in the field of
 * CONF that SETTING names, which must hold nothing yet. ERR_USAGE says what was expected.
 */
typedef int conf_convert(struct conf *conf, const struct conf_setting *setting,
			 const struct conf_list *values, struct err *e);

struct conf_setting {
	const char *section; /* NULL: at the top */
	const char *name;
	const char *standard; /* what holds where nothing is set, as it would stand in the file; of a list its one item; NULL: none */
	conf_convert *convert;
	size_t offset; /* of the field in struct conf */
	int64_t minimum;
	int64_t maximum;
	bool is_list;
	bool is_secret; /* never shown in a message */
};

conf_convert conf_convert_text, conf_convert_optional, conf_convert_store, conf_convert_email,
	conf_convert_optional_email, conf_convert_smtp_url, conf_convert_duration, conf_convert_number,
	conf_convert_percent, conf_convert_window, conf_convert_tls, conf_convert_argv, conf_convert_commands,
	conf_convert_hosts, conf_convert_emails;

#endif
