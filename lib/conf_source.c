/* conf_source.c - a file of settings, read but not yet judged: what stands where, and filling structs from it. */
#include "config.h"

#include <confuse.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "conf_scan.h"
#include "conf_source.h"
#include "mem.h"
#include "str.h"

void conf_source_done(struct conf_source *source)
{
	vec_foreach(&source->places, place)
		free(place->title);
	vec_done(&source->places);
	cfg_free(source->values);
}

static const char *section_name(const struct conf_place *place)
{
	return place->section ? place->section->name : NULL;
}

/* ---- what stands where ---- */

static int note_setting(struct conf_source *source, const struct conf_scan_found *found, struct err *e)
{
	struct conf_place *place = &source->places.items[source->open];
	const char *section = section_name(place);
	const struct conf_setting *setting = conf_find_setting(section, found->name);
	const char *prefix = section ? section : "";
	const char *dot = section ? "." : "";

	if (!setting)
		return err_set(e, ERR_USAGE, "%s:%u: unknown setting %s%s%s", source->path, found->line,
			       prefix, dot, found->name);
	unsigned *line = &place->lines[setting - conf_settings];
	if (*line)
		return err_set(e, ERR_USAGE, "%s:%u: setting %s%s%s is on line %u already", source->path,
			       found->line, prefix, dot, found->name, *line);
	*line = found->line;
	return 0;
}

static int unknown_section(const struct conf_source *source, const struct conf_scan_found *found, struct err *e)
{
	const char *around = section_name(&source->places.items[source->open]);

	if (around)
		return err_set(e, ERR_USAGE, "%s:%u: section %s inside section %s", source->path, found->line,
			       found->name, around);
	for (size_t i = 0; i < CONF_SECTION_COUNT; i++)
		if (str_equal(conf_sections[i].name, found->name))
			return err_set(e, ERR_USAGE, "%s:%u: section %s stands only inside of section %s",
				       source->path, found->line, found->name, conf_sections[i].inside);
	return err_set(e, ERR_USAGE, "%s:%u: unknown section %s", source->path, found->line, found->name);
}

static int check_title(const struct conf_source *source, const struct conf_section *section,
		       const struct conf_scan_found *found, struct err *e)
{
	if (section->titled && !found->title)
		return err_set(e, ERR_USAGE, "%s:%u: expected %s \"%s\" {", source->path, found->line,
			       section->name, section->titled);
	if (!section->titled && found->title)
		return err_set(e, ERR_USAGE, "%s:%u: section %s has no title", source->path, found->line,
			       section->name);
	return 0;
}

/* Steps are told apart by their place only. */
static int check_only(const struct conf_source *source, const struct conf_section *section,
		      const struct conf_scan_found *found, struct err *e)
{
	if (section->several && !section->titled)
		return 0;
	vec_foreach(&source->places, place) {
		if (place->section != section || !str_equal(place->title, found->title))
			continue;
		return err_set(e, ERR_USAGE, "%s:%u: section %s%s%s%s is on line %u already", source->path,
			       found->line, section->name, found->title ? " \"" : "",
			       found->title ? found->title : "", found->title ? "\"" : "", place->line);
	}
	return 0;
}

static int note_section(struct conf_source *source, const struct conf_scan_found *found, struct err *e)
{
	const struct conf_section *section =
		conf_find_section(section_name(&source->places.items[source->open]), found->name);

	if (!section)
		return unknown_section(source, found, e);
	int result = check_title(source, section, found, e);
	if (result == 0)
		result = check_only(source, section, found, e);
	if (result < 0)
		return result;
	struct conf_place *place = vec_push_zero(&source->places);
	place->section = section;
	place->title = mem_string(found->title);
	place->line = found->line;
	place->parent = source->open;
	source->open = source->places.count - 1;
	return 0;
}

static int note(void *context, const struct conf_scan_found *found, struct err *e)
{
	struct conf_source *source = context;

	switch (found->kind) {
	case CONF_SCAN_SETTING:
		return note_setting(source, found, e);
	case CONF_SCAN_OPEN:
		return note_section(source, found, e);
	case CONF_SCAN_CLOSE:
		source->open = source->places.items[source->open].parent;
	}
	return 0;
}

/* ---- libconfuse ---- */

/* It gives its error callback no context. */
static struct parse_failure {
	const char *path;
	struct err *e;
} failure;

static void take_error(cfg_t *cfg, const char *format, va_list arguments) __attribute__((format(printf, 2, 0)));

static void take_error(cfg_t *cfg, const char *format, va_list arguments)
{
	char text[256];

	vsnprintf(text, sizeof text, format, arguments);
	err_set(failure.e, ERR_USAGE, "%s:%d: %s", failure.path, cfg->line, text);
}

/* The options of every section, and of the top behind them; a section inside another stands behind it in the table. */
struct options {
	cfg_opt_t of[CONF_SECTION_COUNT + 1][CONF_SETTING_COUNT + CONF_SECTION_COUNT + 1];
};

static void fill_options(struct options *options, size_t index)
{
	const char *name = index < CONF_SECTION_COUNT ? conf_sections[index].name : NULL;
	cfg_opt_t *next = options->of[index];

	for (size_t i = 0; i < CONF_SETTING_COUNT; i++)
		if (str_equal(conf_settings[i].section, name))
			*next++ = conf_settings[i].is_list
					  ? (cfg_opt_t)CFG_STR_LIST(conf_settings[i].name, NULL, CFGF_NODEFAULT)
					  : (cfg_opt_t)CFG_STR(conf_settings[i].name, NULL, CFGF_NODEFAULT);
	for (size_t i = 0; i < CONF_SECTION_COUNT; i++) {
		const struct conf_section *section = &conf_sections[i];
		cfg_flag_t flags = (section->several ? CFGF_MULTI : CFGF_NONE) |
				   (section->titled ? CFGF_TITLE : CFGF_NONE);
		if (str_equal(section->inside, name))
			*next++ = (cfg_opt_t)CFG_SEC(section->name, options->of[i], flags);
	}
	*next = (cfg_opt_t)CFG_END();
}

static int parse(struct conf_source *source, const char *text, struct err *e)
{
	cleanup(cleanup_mem) struct options *options = mem_zalloc(1, sizeof *options);
	struct err why = {0};

	/* What stands inside of another must be there when libconfuse copies the whole. */
	for (size_t i = 0; i <= CONF_SECTION_COUNT; i++)
		fill_options(options, i);
	source->values = cfg_init(options->of[CONF_SECTION_COUNT], CFGF_NONE);
	if (!source->values)
		mem_exhausted();
	cfg_set_error_function(source->values, take_error);
	/* Callers whose own failures need no text would print what is left in *E by a success. */
	err_set(&why, ERR_USAGE, "%s: not a configuration", source->path);
	failure = (struct parse_failure){source->path, &why};
	int result = *text ? cfg_parse_buf(source->values, text) : CFG_SUCCESS;
	failure = (struct parse_failure){0};
	return result == CFG_SUCCESS ? 0 : err_set(e, ERR_USAGE, "%s", why.text);
}

/* Both saw the same sections in the same order; if not, something passed the scan that should not have. */
static int find_values(struct conf_source *source, struct err *e)
{
	unsigned seen[CONF_SECTION_COUNT] = {0};
	size_t parent = CONF_TOP;

	source->places.items[CONF_TOP].values = source->values;
	for (size_t i = CONF_TOP + 1; i < source->places.count; i++) {
		struct conf_place *place = &source->places.items[i];
		unsigned *count = &seen[place->section - conf_sections];
		if (place->parent != CONF_TOP && place->parent != parent) {
			parent = place->parent;
			*count = 0;
		}
		place->values = cfg_getnsec(source->places.items[place->parent].values, place->section->name,
					    (*count)++);
		if (!place->values)
			return err_set(e, ERR_USAGE, "%s:%u: section %s cannot be read", source->path,
				       place->line, place->section->name);
	}
	return 0;
}

int conf_source_read(struct conf_source *source, const char *path, const char *text, struct err *e)
{
	*source = (struct conf_source){.path = path};
	vec_push_zero(&source->places);
	int result = conf_scan(path, text, note, source, e);
	if (result == 0)
		result = parse(source, text, e);
	return result < 0 ? result : find_values(source, e);
}

/* ---- looking up ---- */

size_t conf_source_find(const struct conf_source *source, const char *section)
{
	if (!section)
		return CONF_TOP;
	for (size_t i = CONF_TOP + 1; i < source->places.count; i++)
		if (str_equal(source->places.items[i].section->name, section))
			return i;
	return SIZE_MAX;
}

unsigned conf_source_line(const struct conf_source *source, size_t place, const char *setting)
{
	if (place == SIZE_MAX)
		return 0;
	const struct conf_place *at = &source->places.items[place];
	return at->lines[conf_find_setting(section_name(at), setting) - conf_settings];
}

int conf_source_wrap(const struct conf_source *source, size_t place, const char *setting, struct err *e)
{
	const char *section = section_name(&source->places.items[place]);

	return err_wrap(e, "%s:%u: %s%s%s", source->path, conf_source_line(source, place, setting),
			section ? section : "", section ? "." : "", setting);
}

/* ---- filling ---- */

/* The items are borrowed from OPTION; the caller frees the array. */
static struct conf_list values_of(cfg_opt_t *option)
{
	struct conf_list values = {NULL, cfg_opt_size(option)};

	values.items = mem_zalloc(values.count + 1, sizeof *values.items);
	for (size_t i = 0; i < values.count; i++)
		values.items[i] = cfg_opt_getnstr(option, (unsigned)i);
	return values;
}

static int fill_set(const struct conf_source *source, const struct conf_setting *setting, size_t place,
		    void *target, struct err *e)
{
	struct conf_list values = values_of(cfg_getopt(source->places.items[place].values, setting->name));
	cleanup(cleanup_mem) char **items = values.items;
	bool show = values.count == 1 && !setting->is_secret && !address_has_password(items[0]);

	if (setting->convert(target, setting, &values, e) == 0)
		return 0;
	if (show)
		err_wrap(e, "%s%s%s = \"%s\"", setting->section ? setting->section : "",
			 setting->section ? "." : "", setting->name, items[0]);
	else
		err_wrap(e, "%s%s%s", setting->section ? setting->section : "", setting->section ? "." : "",
			 setting->name);
	return err_wrap(e, "%s:%u", source->path, source->places.items[place].lines[setting - conf_settings]);
}

static int fill_standard(const struct conf_setting *setting, void *target, struct err *e)
{
	char *items[] = {(char *)setting->standard, NULL};
	struct conf_list values = {items, setting->standard ? 1 : 0};

	if (values.count == 0 && !setting->is_list)
		return 0;
	int result = setting->convert(target, setting, &values, e);
	return result < 0 ? err_wrap(e, "default of %s = \"%s\"", setting->name, items[0]) : 0;
}

int conf_source_fill(const struct conf_source *source, const char *section, size_t place, void *target,
		     struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < CONF_SETTING_COUNT && result == 0; i++) {
		const struct conf_setting *setting = &conf_settings[i];
		if (!str_equal(setting->section, section))
			continue;
		bool set = place != SIZE_MAX && source->places.items[place].lines[i] > 0;
		result = set ? fill_set(source, setting, place, target, e) : fill_standard(setting, target, e);
	}
	return result;
}
