/*
 * template.h - a small language for texts that an administrator may replace.
 *
 *	${name}                          a value
 *	${each LIST} ... ${end}          once for each item, whose names come before those outside
 *	${if NAME} ... ${else} ... ${end}  not for null, false, 0, "" and a list of none
 *	$$                               a dollar
 *
 * Inside each, `more` is true but in the last round. A line that holds nothing but control words (each, if, else, end)
 * vanishes with its line break. Which names there are is declared, so that a mistake is found when the text is read and
 * not on the night when it is needed. Values are JSON (json.h); what stands in one is never read as a template.
 */
#ifndef VMROLL_TEMPLATE_H
#define VMROLL_TEMPLATE_H

#include <stddef.h>

#include "err.h"
#include "json.h"
#include "str.h"

enum {
	TEMPLATE_SIZE_MAX = 64 << 10,    /* bytes of a template */
	TEMPLATE_DEPTH_MAX = 16,         /* each and if within each other */
	TEMPLATE_OUTPUT_MAX = 16 << 20,  /* bytes that one makes */
	TEMPLATE_STEPS_MAX = 4 * 1000000 /* parts of it that are written, or tested, while it makes them */
};

enum template_type {
	TEMPLATE_VALUE, /* text or number: can be put in, and asked for with `if` */
	TEMPLATE_TRUTH, /* only `if` */
	TEMPLATE_LIST   /* `each` and `if` */
};

/* A name that templates may use; a table of them ends with an empty one. */
struct template_name {
	const char *name;
	enum template_type type;
	const struct template_name *items; /* TEMPLATE_LIST: what each item has */
};

struct template;

/*
 * Reads TEXT, which PATH is named for in messages; NAMES must outlive *TEMPLATE, TEXT need not. ERR_USAGE with
 * PATH:LINE and what was expected: an unknown name, one of another type, a control word that is not closed or not
 * opened, a lone dollar, what textfile_check refuses, a bound. The caller calls template_free.
 */
int template_parse(struct template **template, const char *path, const char *text, size_t length,
		   const struct template_name *names, struct err *e);
void template_free(struct template *template); /* NULL-safe */
void cleanup_template(struct template **template);

/* How a value is written: appends it to OUT so that it can do no harm there (str_add_escaped is one of these). */
typedef void template_put(struct str *out, const char *bytes, size_t length);

/*
 * Appends to OUT what TEMPLATE makes of DATA, an object with the members that its names say; one that is absent counts
 * as null, and null is written as nothing. ERR_TOO_LARGE over a bound: then OUT has what came before.
 */
int template_render(const struct template *template, const struct json *data, template_put *put,
		    struct str *out, struct err *e);

#endif
