/* spoken_name.c - a name as it can be heard: words and numbers, what cannot be read as a word spelled. */
#include "config.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "mem.h"
#include "spoken.h"
#include "spoken_private.h"
#include "vec.h"

/*
 * What is heard of a name is counted in beats: a word, a number, a spelled letter or figure is one. Of a name of more,
 * the first and the last are said: in db-prod-eu-03 it is the end that tells it from the others, in a random one
 * nothing does.
 */
enum { BEATS_MAX = 12, BEATS_HEAD = 7, BEATS_TAIL = 4, WORD_MAX = 12, NUMBER_MAX = 4, NAME_BYTES_MAX = 1024 };

enum class { CLASS_LETTER, CLASS_FIGURE, CLASS_FOREIGN, CLASS_BLANK, CLASS_PAUSE };

struct beat {
	bool pause; /* something stood between it and the one before */
	size_t length;
	char text[WORD_MAX + 4];
};

struct beats {
	VEC(struct beat) all;
	bool pause; /* before the next */
};

/*
 * Han characters are read as "Chinese letter" by all but the Chinese voices of espeak-ng: of a name that has others
 * beside them these are said, and else none.
 */
static bool is_han(uint32_t c)
{
	return (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x3FFFD);
}

/* Of the character at TEXT; *SIZE is that of what is to be passed over. */
static enum class class_of(const char *text, size_t length, size_t *size) {
	uint32_t c = 0;

	*size = str_utf8_character(text, length, &c); if (*size == 0){ *size = 1; return CLASS_PAUSE;}
if (c == ' ') return CLASS_BLANK;
if (c < 0x80)
	return isalpha((int)c) ? CLASS_LETTER : isdigit((int)c) ? CLASS_FIGURE : CLASS_PAUSE;
return spoken_is_speakable(text, *size, c) && !is_han(c) ? CLASS_FOREIGN : CLASS_PAUSE;
}

static void add_beat(struct beats *beats, const char *text, size_t length)
{
	struct beat *beat = vec_push_zero(&beats->all);

	beat->pause = beats->pause;
	beat->length = length;
	memcpy(beat->text, text, length);
	beats->pause = false;
}

/* Capitals: a voice reads a lone small letter as a word ("a"). */
static void spell(struct beats *beats, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		char letter = (char)toupper((unsigned char)text[i]);
		add_beat(beats, &letter, 1);
	}
}

/* A word has a vowel and is of three letters at least: "web" is, "db", "srv" and "httpd" are not. */
static bool is_word(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (strchr("aeiouyAEIOUY", text[i]))
			return length > 2;
	return false;
}

static void add_letters(struct beats *beats, const char *text, size_t length)
{
	char word[WORD_MAX];

	if (!is_word(text, length)) {
		spell(beats, text, length);
		return;
	}
	/* Small: voices spell some words in capitals, and not others. */
	for (size_t i = 0; i < length && i < WORD_MAX; i++)
		word[i] = (char)tolower((unsigned char)text[i]);
	add_beat(beats, word, length < WORD_MAX ? length : WORD_MAX);
}

/* "12" is a number; "03" and "20261120" are figures. */
static void add_figures(struct beats *beats, const char *text, size_t length)
{
	if (length <= NUMBER_MAX && (text[0] != '0' || length == 1))
		add_beat(beats, text, length);
	else
		spell(beats, text, length);
}

/* Of another script, cut at a character. */
static void add_foreign(struct beats *beats, const char *text, size_t length)
{
	while (length > 0) {
		size_t taken = 0;
		while (taken < length) {
			size_t size = str_utf8_character(text + taken, length - taken, NULL);
			if (taken + size > WORD_MAX)
				break;
			taken += size;
		}
		add_beat(beats, text, taken);
		text += taken;
		length -= taken;
	}
}

/* Bytes of TEXT that are of one class; a capital after a small letter begins a new word. */
static size_t run_length(const char *text, size_t length, enum class class)
{
	size_t at = 0;

	while (at < length) {
		size_t size;
		if (class_of(text + at, length - at, &size) != class ||
		    (at > 0 && isupper((unsigned char)text[at]) && islower((unsigned char)text[at - 1])))
			break;
		at += size;
	}
	return at;
}

static void split(struct beats *beats, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t size;
		enum class class = class_of(bytes, length, &size);
		size_t run = run_length(bytes, length, class);
		if (class == CLASS_LETTER)
			add_letters(beats, bytes, run);
		else if (class == CLASS_FIGURE)
			add_figures(beats, bytes, run);
		else if (class == CLASS_FOREIGN)
			add_foreign(beats, bytes, run);
		else if (class == CLASS_PAUSE)
			beats->pause = beats->all.count > 0;
		bytes += run;
		length -= run;
	}
}

static void add_range(struct str *out, const struct beats *beats, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		const struct beat *beat = &beats->all.items[i];
		if (i > from)
			str_add(out, beat->pause ? ", " : " ");
		str_add_n(out, beat->text, beat->length);
	}
}

void spoken_add_name(struct str *out, const char *bytes, size_t length)
{
	struct beats beats = {0};

	split(&beats, bytes, length < NAME_BYTES_MAX ? length : NAME_BYTES_MAX);
	size_t count = beats.all.count;
	if (count <= BEATS_MAX) {
		add_range(out, &beats, 0, count);
	} else {
		add_range(out, &beats, 0, BEATS_HEAD);
		str_add(out, ", ");
		add_range(out, &beats, count - BEATS_TAIL, count);
	}
	vec_done(&beats.all);
}

/* ---- what may go to a voice ---- */

/* Blocks of punctuation, symbols, private use and pictures: a voice would name them, or worse. */
static bool is_symbol(uint32_t c)
{
	return (c >= 0x80 && c < 0xC0) || c == 0xD7 || c == 0xF7 || (c >= 0x2000 && c <= 0x2BFF) ||
	       (c >= 0x2E00 && c <= 0x3000) || c == 0x3003 || c == 0x3004 || (c >= 0x3008 && c <= 0x3020) ||
	       (c >= 0xE000 && c <= 0xF8FF) || (c >= 0xFE00 && c <= 0xFE6F) || (c >= 0xFF01 && c <= 0xFF0F) ||
	       (c >= 0xFF1A && c <= 0xFF20) || (c >= 0xFF3B && c <= 0xFF40) || (c >= 0xFF5B && c <= 0xFF65) ||
	       (c >= 0xFFE0 && c <= 0xFFFF) || (c >= 0x1D000 && c <= 0x1FFFF) || c >= 0xE0000;
}

bool spoken_is_speakable(const char *bytes, size_t size, uint32_t codepoint)
{
	cleanup(str_done) struct str escaped = {0};

	/* What str.h shows as an escape is invisible. */
	str_add_escaped(&escaped, bytes, size);
	return escaped.length == size && !is_symbol(codepoint);
}

static bool is_clean(const char *text, size_t size, uint32_t c)
{
	if (c < 0x80)
		return isalnum((int)c) || (c && strchr(".,;:?!'", (int)c));
	return spoken_is_speakable(text, size, c);
}

void spoken_add_clean(struct str *out, const char *text, size_t maximum)
{
	size_t length = strlen(text);
	size_t begun = out->length;
	bool blank = false;

	while (length > 0) {
		uint32_t c = 0;
		size_t size = str_utf8_character(text, length, &c);
		bool clean = size > 0 && is_clean(text, size, c);
		if (out->length - begun + size + blank > maximum)
			return;
		if (clean && blank && out->length > begun)
			str_add_char(out, ' ');
		if (clean)
			str_add_n(out, text, size);
		blank = !clean;
		text += size ? size : 1;
		length -= size ? size : 1;
	}
}
