/* conf_settings.h - the table of all settings: where each stands, what holds without it, and which field it fills. */
#ifndef VMROLL_CONF_SETTINGS_H
#define VMROLL_CONF_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "conf_convert.h"

struct conf_section {
	const char *name;
	const char *inside; /* NULL: at the top */
	const char *titled; /* what its title is, as `name "TITLE" {` says it; NULL: it has none */
	bool several;       /* may stand there more than once */
};

enum { CONF_SETTING_COUNT = 73, CONF_SECTION_COUNT = 12 };

/* Fields of a section with a title, and of those inside it, are fields of its own struct; the others of struct conf. */
extern const struct conf_setting conf_settings[CONF_SETTING_COUNT];
extern const struct conf_section conf_sections[CONF_SECTION_COUNT];

/* NULL, if there is none. SECTION NULL: at the top. */
const struct conf_setting *conf_find_setting(const char *section, const char *name);
const struct conf_section *conf_find_section(const char *inside, const char *name);

#endif
