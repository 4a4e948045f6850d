/* str.h - growable strings, escaping, and strict parsing of small values. */
#ifndef VMROLL_STR_H
#define VMROLL_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* A string that grows; always NUL-terminated once anything was added; may hold NUL bytes. All zero bytes is an empty one. */
struct str {
	char *data;
	size_t length;
	size_t capacity;
};

void str_done(struct str *s);  /* frees; fit for cleanup(str_done) */
void str_reset(struct str *s); /* empties, keeps the memory */
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const void *bytes, size_t length);
void str_add_char(struct str *s, char c);
void str_add_number(struct str *s, uint64_t number); /* decimal */
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The text ("" if nothing was added); borrowed, valid until the next change. */
const char *str_text(const struct str *s);
/* Hands the text to the caller, who frees it; *s is empty again. */
char *str_take(struct str *s);

/*
 * Appends BYTES so that they are one printable word or phrase of a line:
 * backslash, TAB, CR, LF become \\ \t \r \n; other control characters and
 * bytes that are not UTF-8 become \xHH; characters that are invisible or turn
 * the direction of text (Unicode Cf, U+2028, U+2029, C1 controls) \uHHHH, above U+FFFF their bytes \xHH. str_unescape inverts it.
 */
void str_add_escaped(struct str *s, const char *bytes, size_t length);
/* The same as a string of its own, which the caller frees. */
char *str_escape(const char *text);
/* Inverts str_add_escaped; the caller frees *BYTES, NUL-terminated beyond LENGTH. ERR_USAGE on a bad escape. */
int str_unescape(const char *text, char **bytes, size_t *length, struct err *e);

/* Length in bytes (1 to 4) of the UTF-8 character at BYTES, 0 if there is none (RFC 3629: no surrogates, no overlong forms). CODEPOINT may be NULL. */
size_t str_utf8_character(const char *bytes, size_t length, uint32_t *codepoint);
bool str_is_utf8(const char *bytes, size_t length);
/* Whether TEXT holds a byte below 0x20 or 0x7F, a C1 control, or is not UTF-8. */
bool str_has_control(const char *text);

bool str_equal(const char *a, const char *b); /* NULL equals NULL only */
bool str_starts(const char *text, const char *prefix);

/* Whole decimal number without sign or blanks, MINIMUM to MAXIMUM; else ERR_USAGE naming the text and the range. */
int str_parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value, struct err *e);
/* "16 GiB", "1.5 GiB", "512 B": at most 4 significant characters before the unit. Writes at most SIZE bytes. */
void str_format_bytes(uint64_t bytes, char *text, size_t size);

/*
 * Splits LINE in place at runs of blanks into fields, as fstab(5) is. Stores
 * at most MAXIMUM pointers into LINE and returns how many fields there are
 * (which may be more than MAXIMUM).
 */
size_t str_split_blanks(char *line, char **fields, size_t maximum);

#endif
