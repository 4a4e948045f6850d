/* conf_source.h - a file of settings, read but not yet judged: what stands where, and filling structs from it. */
#ifndef VMROLL_CONF_SOURCE_H
#define VMROLL_CONF_SOURCE_H

#include <stddef.h>

#include "conf_settings.h"
#include "err.h"
#include "vec.h"

enum { CONF_TOP = 0 /* the place of what stands in no section */ };

/* A section that stands in the file. */
struct conf_place {
	const struct conf_section *section; /* NULL: CONF_TOP */
	char *title;                        /* or NULL */
	unsigned line;
	size_t parent;
	void *values;                       /* libconfuse's */
	unsigned lines[CONF_SETTING_COUNT]; /* where each setting stands in it; 0: nowhere */
};

struct conf_source {
	const char *path;              /* for messages; borrowed */
	VEC(struct conf_place) places; /* in the order of the file, CONF_TOP first */
	size_t open;                   /* the innermost while it is read */
	void *values;
};

/* Reads TEXT. ERR_USAGE with PATH:LINE. PATH must outlive *SOURCE; the caller calls conf_source_done whatever comes of it. */
int conf_source_read(struct conf_source *source, const char *path, const char *text, struct err *e);
void conf_source_done(struct conf_source *source);

/* The place of a section of which there is one at most; SIZE_MAX: it is not in the file. */
size_t conf_source_find(const struct conf_source *source, const char *section);
/* The line of SETTING in that place, 0 if it is not there. PLACE may be SIZE_MAX. */
unsigned conf_source_line(const struct conf_source *source, size_t place, const char *setting);

/*
 * Fills the fields of TARGET for SECTION (NULL: the top): with what stands in PLACE, else with what holds
 * where nothing is set; PLACE may be SIZE_MAX. ERR_USAGE with PATH:LINE.
 */
int conf_source_fill(const struct conf_source *source, const char *section, size_t place, void *target,
		     struct err *e);
/* ERR_USAGE with PATH:LINE and SECTION.SETTING before what E says already. */
int conf_source_wrap(const struct conf_source *source, size_t place, const char *setting, struct err *e);

#endif
