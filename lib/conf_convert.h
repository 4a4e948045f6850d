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
 * TARGET that SETTING names, which must hold nothing yet. ERR_USAGE says what was expected.
 */
typedef int conf_convert(void *target, const struct conf_setting *setting, const struct conf_list *values,
			 struct err *e);

struct conf_setting {
	const char *section; /* NULL: at the top */
	const char *name;
	const char *standard; /* what holds where nothing is set, as it would stand in the file; of a list its one item; NULL: none */
	conf_convert *convert;
	size_t offset; /* of the field in the target: struct conf, or that of the section with a title */
	int64_t minimum;
	int64_t maximum;
	bool is_list;
	bool is_secret; /* never shown in a message */
};

conf_convert conf_convert_text, conf_convert_optional, conf_convert_store, conf_convert_email,
	conf_convert_optional_email, conf_convert_smtp_url, conf_convert_duration, conf_convert_number,
	conf_convert_percent, conf_convert_window, conf_convert_tls, conf_convert_argv, conf_convert_commands,
	conf_convert_hosts, conf_convert_emails, conf_convert_repository, conf_convert_placement;

/* Of whom by which way: conf_convert_way.c. */
conf_convert conf_convert_name, conf_convert_names, conf_convert_lang, conf_convert_phone,
	conf_convert_sip_from, conf_convert_exchange, conf_convert_registrar, conf_convert_to,
	conf_convert_channels, conf_convert_copy, conf_convert_folder, conf_convert_reply, conf_convert_quiet,
	conf_convert_bool, conf_convert_http_url, conf_convert_format;

/* The key of the person with that mail address or telephone, which the caller frees; NULL: it is neither, and E says so. */
char *conf_person_key(const char *address, struct err *e);
/* A copy with a NULL behind the last, so that it serves as argv. */
struct conf_list conf_list_copy(const struct conf_list *values);

#endif
