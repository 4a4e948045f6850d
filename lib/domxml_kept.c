/* domxml_kept.c - files of the host in a domain's XML: given the new domain's name, or kept and told. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "domxml_rewrite_private.h"

void domxml_keep(struct rewriting *rewriting, const char *kind, const char *what)
{
	if (!what)
		return;
	cleanup(cleanup_mem) char *escaped = str_escape(what);
	cleanup(cleanup_mem) char *line = mem_format("%s: %s", kind, escaped);
	if (!map_add(rewriting->told, line, strlen(line), line))
		return;
	vec_push(&rewriting->lines, line);
	line = NULL;
}

static bool is_word_byte(char c)
{
	return isalnum((unsigned char)c) || (unsigned char)c >= 0x80;
}

/* Whether WORD, found at PLACE of TEXT, ends and begins there. */
static bool stands_alone(const char *text, const char *place, const char *word)
{
	const char *end = place + strlen(word);

	return !(place > text && is_word_byte(place[-1]) && is_word_byte(word[0])) &&
	       !(is_word_byte(end[0]) && is_word_byte(end[-1]));
}

/* TEXT with NEW for each whole OLD; the caller frees. NULL: there is none. */
static char *replace_word(const char *text, const char *old, const char *new)
{
	cleanup(str_done) struct str result = {0};
	const char *rest = text;
	bool found = false;

	for (const char *place = text; *old && (place = strstr(place, old));) {
		if (!stands_alone(text, place, old)) {
			place++;
			continue;
		}
		str_add_n(&result, rest, (size_t)(place - rest));
		str_add(&result, new);
		rest = place += strlen(old);
		found = true;
	}
	str_add(&result, rest);
	return found ? str_take(&result) : NULL;
}

/* Only the last part of PATH: a folder of another name need not exist. */
static char *renamed(const struct rewriting *rewriting, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *file = slash ? slash + 1 : path;
	cleanup(cleanup_mem) char *by_name = replace_word(file, rewriting->old->name, rewriting->change->name);
	cleanup(cleanup_mem) char *by_uuid =
		replace_word(by_name ? by_name : file, rewriting->old->uuid, rewriting->change->uuid);
	const char *new = by_uuid ? by_uuid : by_name;

	return new ? mem_format("%.*s%s", (int)(file - path), path, new) : NULL;
}

void domxml_rename_file(struct rewriting *rewriting, xmlNode *node, const char *attribute, const char *kind)
{
	cleanup(cleanup_mem) char *path = domxml_attribute(node, attribute);
	cleanup(cleanup_mem) char *new = path ? renamed(rewriting, path) : NULL;

	if (new)
		domxml_set(node, attribute, new);
	else
		domxml_keep(rewriting, kind, path);
}

/* "/x", "file=/x,if=none", "pty:/x"; not what every host has. */
static bool names_file(const char *text)
{
	static const char *const everywhere[] = {"/dev/random", "/dev/urandom", "/dev/hwrng"};

	for (size_t i = 0; i < sizeof everywhere / sizeof everywhere[0]; i++)
		if (str_equal(text, everywhere[i]))
			return false;
	return text[0] == '/' || strstr(text, "=/") || strstr(text, ":/");
}

static void keep_file(struct rewriting *rewriting, const char *kind, const xmlChar *value)
{
	if (value && names_file((const char *)value))
		domxml_keep(rewriting, kind, (const char *)value);
}

void domxml_keep_files(struct rewriting *rewriting, const xmlNode *node, const char *kind)
{
	if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
		keep_file(rewriting, kind, node->content);
	if (node->type != XML_ELEMENT_NODE)
		return;
	for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
		xmlChar *value = xmlNodeGetContent((const xmlNode *)attribute);
		keep_file(rewriting, kind, value);
		xmlFree(value);
	}
	for (const xmlNode *below = node->children; below; below = below->next)
		domxml_keep_files(rewriting, below, kind);
}
