/* mailhead_decode.c - encoded words in a header: RFC 2047. */
#include "config.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "mailhead.h"
#include "mem.h"
#include "str.h"

/* =?CHARSET?ENCODING?TEXT?= */
struct word {
	char encoding; /* 'B' or 'Q' */
	const char *text;
	size_t text_length;
	size_t length; /* of the whole */
};

/* Length of what ends before the next '?' and holds no blank. */
static size_t part_length(const char *text)
{
	return strcspn(text, "? \t\r");
}

static bool find_word(const char *text, struct word *word)
{
	if (strncmp(text, "=?", 2) != 0)
		return false;
	size_t charset = part_length(text + 2);
	const char *encoding = text + 2 + charset;
	if (charset == 0 || encoding[0] != '?' || !strchr("BbQq", encoding[1]) || !encoding[1] ||
	    encoding[2] != '?')
		return false;
	word->encoding = (char)toupper((unsigned char)encoding[1]);
	word->text = encoding + 3;
	/* Blanks in it are against the rule, and common. */
	word->text_length = strcspn(word->text, "?");
	if (word->text[word->text_length] != '?' || word->text[word->text_length + 1] != '=')
		return false;
	word->length = (size_t)(word->text - text) + word->text_length + 2;
	return true;
}

static int digit(char c, const char *digits)
{
	const char *found = c ? strchr(digits, c) : NULL;

	return found ? (int)(found - digits) : -1;
}

static void decode_quoted(const struct word *word, struct str *out)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < word->text_length; i++) {
		char c = word->text[i];
		int high = i + 2 < word->text_length
				   ? digit((char)toupper((unsigned char)word->text[i + 1]), hex)
				   : -1;
		int low = high >= 0 ? digit((char)toupper((unsigned char)word->text[i + 2]), hex) : -1;
		if (c == '=' && low >= 0) {
			str_add_char(out, (char)(high * 16 + low));
			i += 2;
		} else {
			str_add_char(out, c == '_' ? ' ' : c);
		}
	}
}

static void decode_base64(const struct word *word, struct str *out)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0;
	unsigned count = 0;

	for (size_t i = 0; i < word->text_length; i++) {
		int value = digit(word->text[i], letters);
		if (value < 0)
			continue;
		bits = bits << 6 | (unsigned)value;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		str_add_char(out, (char)(bits >> count & 0xFF));
	}
}

/* Blanks between two encoded words are none (RFC 2047, 6.2). */
static size_t gap_to_word(const char *text)
{
	struct word word;
	size_t gap = strspn(text, " \t\r");

	return find_word(text + gap, &word) ? gap : 0;
}

static void add_clean(struct str *out, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t size = str_utf8_character(bytes + i, length - i, NULL);
		if (size == 0)
			str_add_char(out, '?');
		else if (size == 1 && iscntrl((unsigned char)bytes[i]))
			str_add_char(out, ' ');
		else
			str_add_n(out, bytes + i, size);
		i += size ? size : 1;
	}
}

char *mailhead_decode(const char *value)
{
	cleanup(str_done) struct str bytes = {0};
	struct str clean = {0};
	struct word word;

	while (*value) {
		if (!find_word(value, &word)) {
			str_add_char(&bytes, *value++);
			continue;
		}
		if (word.encoding == 'Q')
			decode_quoted(&word, &bytes);
		else
			decode_base64(&word, &bytes);
		value += word.length;
		value += gap_to_word(value);
	}
	add_clean(&clean, str_text(&bytes), bytes.length);
	return clean.data ? str_take(&clean) : mem_string("");
}
