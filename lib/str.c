/* str.c - growable strings, escaping, and strict parsing of small values. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

void str_done(struct str *s)
{
	free(s->data);
	*s = (struct str){0};
}

void str_reset(struct str *s)
{
	s->length = 0;
	if (s->data)
		s->data[0] = '\0';
}

static void reserve(struct str *s, size_t more)
{
	size_t wanted = s->length + more + 1;

	if (wanted <= s->capacity)
		return;
	size_t capacity = s->capacity ? s->capacity : 64;
	while (capacity < wanted)
		capacity *= 2;
	s->data = mem_resize(s->data, capacity, 1);
	s->capacity = capacity;
}

void str_add_n(struct str *s, const void *bytes, size_t length)
{
	reserve(s, length);
	if (length)
		memcpy(s->data + s->length, bytes, length);
	s->length += length;
	s->data[s->length] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	reserve(s, 1);
	s->data[s->length++] = c;
	s->data[s->length] = '\0';
}

void str_add_number(struct str *s, uint64_t number)
{
	char digits[20];
	size_t first = sizeof digits;

	do {
		digits[--first] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	str_add_n(s, digits + first, sizeof digits - first);
}

void str_addf(struct str *s, const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	if (length < 0)
		mem_exhausted();
	str_add_n(s, text, (size_t)length);
	free(text);
}

const char *str_text(const struct str *s)
{
	return s->data ? s->data : "";
}

char *str_take(struct str *s)
{
	char *text = s->data ? s->data : mem_string("");

	*s = (struct str){0};
	return text;
}

size_t str_utf8_character(const char *bytes, size_t length, uint32_t *codepoint)
{
	const unsigned char *b = (const unsigned char *)bytes;
	uint32_t value;
	size_t size;

	if (length == 0)
		return 0;
	if (b[0] < 0x80) {
		size = 1;
		value = b[0];
	} else if (b[0] >= 0xC2 && b[0] <= 0xDF) {
		size = 2;
		value = b[0] & 0x1FU;
	} else if (b[0] >= 0xE0 && b[0] <= 0xEF) {
		size = 3;
		value = b[0] & 0x0FU;
	} else if (b[0] >= 0xF0 && b[0] <= 0xF4) {
		size = 4;
		value = b[0] & 0x07U;
	} else {
		return 0;
	}
	if (length < size)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((b[i] & 0xC0) != 0x80)
			return 0;
		value = value << 6 | (b[i] & 0x3FU);
	}
	if ((size == 3 && value < 0x800) || (size == 4 && value < 0x10000) || value > 0x10FFFF ||
	    (value >= 0xD800 && value <= 0xDFFF))
		return 0;
	if (codepoint)
		*codepoint = value;
	return size;
}

bool str_is_utf8(const char *bytes, size_t length)
{
	while (length > 0) {
		size_t size = str_utf8_character(bytes, length, NULL);
		if (size == 0)
			return false;
		bytes += size;
		length -= size;
	}
	return true;
}

bool str_has_control(const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		uint32_t c;
		size_t size = str_utf8_character(text, length, &c);
		if (size == 0 || c < 0x20 || (c >= 0x7F && c < 0xA0))
			return true;
		text += size;
		length -= size;
	}
	return false;
}

/* General category Cf of Unicode 15, the tags, and the two separators: what would hide or turn the rest of a line. */
static bool is_invisible(uint32_t c)
{
	return (c >= 0x80 && c < 0xA0) || c == 0xAD || (c >= 0x600 && c <= 0x605) || c == 0x61C ||
	       c == 0x6DD || c == 0x70F || c == 0x890 || c == 0x891 || c == 0x8E2 || c == 0x180E ||
	       (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) ||
	       c == 0xFEFF || (c >= 0xFFF9 && c <= 0xFFFB) || c == 0x110BD || c == 0x110CD ||
	       (c >= 0x13430 && c <= 0x1343F) || (c >= 0x1BCA0 && c <= 0x1BCA3) ||
	       (c >= 0x1D173 && c <= 0x1D17A) || (c >= 0xE0000 && c <= 0xE007F);
}

static void add_bytes(struct str *s, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		str_addf(s, "\\x%02x", (unsigned)(unsigned char)bytes[i]);
}

static void add_escaped_character(struct str *s, const char *bytes, size_t size, uint32_t c)
{
	switch (c) {
	case '\\':
		str_add_n(s, "\\\\", 2);
		return;
	case '\t':
		str_add_n(s, "\\t", 2);
		return;
	case '\n':
		str_add_n(s, "\\n", 2);
		return;
	case '\r':
		str_add_n(s, "\\r", 2);
		return;
	default:
		break;
	}
	if (c < 0x20 || c == 0x7F || (c > 0xFFFF && is_invisible(c)))
		add_bytes(s, bytes, size);
	else if (is_invisible(c))
		str_addf(s, "\\u%04x", (unsigned)c);
	else
		str_add_n(s, bytes, size);
}

void str_add_escaped(struct str *s, const char *bytes, size_t length)
{
	size_t plain = 0;

	/* Nearly every name is printable ASCII: copy it as it is. */
	while (plain < length && bytes[plain] >= 0x20 && bytes[plain] < 0x7F && bytes[plain] != '\\')
		plain++;
	str_add_n(s, bytes, plain);
	bytes += plain;
	length -= plain;

	while (length > 0) {
		uint32_t c;
		size_t size = str_utf8_character(bytes, length, &c);
		if (size == 0) {
			size = 1;
			add_bytes(s, bytes, size);
		} else {
			add_escaped_character(s, bytes, size, c);
		}
		bytes += size;
		length -= size;
	}
}

char *str_escape(const char *text)
{
	struct str s = {0};

	str_add_escaped(&s, text, strlen(text));
	return str_take(&s);
}

static int hex_value(const char *text, size_t digits, uint32_t *value)
{
	*value = 0;
	for (size_t i = 0; i < digits; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return -1;
		int c = tolower((unsigned char)text[i]);
		*value = *value << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return 0;
}

static void add_codepoint(struct str *s, uint32_t c)
{
	/* \u stands for the invisible characters only, all of which lie between U+0080 and U+FFFF. */
	if (c < 0x800) {
		str_add_char(s, (char)(0xC0 | c >> 6));
	} else {
		str_add_char(s, (char)(0xE0 | c >> 12));
		str_add_char(s, (char)(0x80 | (c >> 6 & 0x3F)));
	}
	str_add_char(s, (char)(0x80 | (c & 0x3F)));
}

/* Reads the escape behind a backslash; returns how many bytes it took, 0 if it is none of ours. */
static size_t unescape_one(struct str *s, const char *text)
{
	uint32_t value;

	switch (text[0]) {
	case '\\':
		str_add_char(s, '\\');
		return 1;
	case 't':
		str_add_char(s, '\t');
		return 1;
	case 'n':
		str_add_char(s, '\n');
		return 1;
	case 'r':
		str_add_char(s, '\r');
		return 1;
	case 'x':
		if (hex_value(text + 1, 2, &value) < 0)
			return 0;
		str_add_char(s, (char)value);
		return 3;
	case 'u':
		if (hex_value(text + 1, 4, &value) < 0 || value < 0x80)
			return 0;
		add_codepoint(s, value);
		return 5;
	default:
		return 0;
	}
}

int str_unescape(const char *text, char **bytes, size_t *length, struct err *e)
{
	cleanup(str_done) struct str s = {0};

	while (*text) {
		size_t plain = strcspn(text, "\\");
		str_add_n(&s, text, plain);
		text += plain;
		if (!*text)
			break;
		size_t taken = unescape_one(&s, text + 1);
		if (taken == 0)
			return err_set(e, ERR_USAGE, "bad escape '\\%.5s'", text + 1);
		text += 1 + taken;
	}
	*length = s.length;
	*bytes = str_take(&s);
	return 0;
}

bool str_equal(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

int str_parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *value, struct err *e)
{
	char *end;

	errno = 0;
	unsigned long long number = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || number < minimum || number > maximum)
		return err_set(e, ERR_USAGE, "'%s' is not a number from %llu to %llu", text,
			       (unsigned long long)minimum, (unsigned long long)maximum);
	*value = number;
	return 0;
}

static const char byte_units[] = "KMGTPE";

void str_format_bytes(uint64_t bytes, char *text, size_t size)
{
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1023.95 && unit < sizeof byte_units - 1) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		snprintf(text, size, "%llu B", (unsigned long long)bytes);
	else if (fabs(value - round(value)) < 0.05 || value >= 100)
		snprintf(text, size, "%.0f %ciB", value, byte_units[unit - 1]);
	else
		snprintf(text, size, "%.1f %ciB", value, byte_units[unit - 1]);
}

size_t str_split_blanks(char *line, char **fields, size_t maximum)
{
	size_t count = 0;

	for (;;) {
		line += strspn(line, " \t");
		if (!*line)
			return count;
		if (count < maximum)
			fields[count] = line;
		count++;
		line += strcspn(line, " \t");
		if (*line)
			*line++ = '\0';
	}
}
