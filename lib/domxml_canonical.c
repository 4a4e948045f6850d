/* domxml_canonical.c - a domain's definition as text that is the same for the same meaning. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "domxml_rewrite_private.h"

/* Pieces of text that are put in order. */
struct pieces {
	struct str *items;
	size_t count, capacity;
};

static void pieces_done(struct pieces *pieces)
{
	vec_foreach(pieces, piece)
		str_done(piece);
	vec_done(pieces);
}

static int compare_pieces(const void *a, const void *b)
{
	return strcmp(str_text(a), str_text(b));
}

static void add_sorted(struct str *out, struct pieces *pieces)
{
	if (pieces->count)
		qsort(pieces->items, pieces->count, sizeof *pieces->items, compare_pieces);
	vec_foreach(pieces, piece)
		str_add_n(out, str_text(piece), piece->length);
}

/* As a string of JSON would be: whatever is in it, it ends where it ends. */
static void add_quoted(struct str *out, const char *text, size_t length)
{
	str_add_char(out, '"');
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '"' || text[i] == '\\')
			str_add_char(out, '\\');
		str_add_char(out, text[i]);
	}
	str_add_char(out, '"');
}

/* A name is told by its namespace, not by the prefix that somebody gave it. */
static void add_name(struct str *out, const xmlNs *namespace, const xmlChar *name)
{
	if (namespace && namespace->href) {
		const char *href = (const char *)namespace->href;
		add_quoted(out, href, strlen(href));
	}
	str_add(out, (const char *)name);
}

static void add_attributes(struct str *out, const xmlNode *node)
{
	cleanup(pieces_done) struct pieces pieces = {0};

	for (const xmlAttr *attribute = node->properties; attribute; attribute = attribute->next) {
		struct str *piece = vec_push_zero(&pieces);
		xmlChar *value = xmlNodeGetContent((const xmlNode *)attribute);
		str_add_char(piece, ' ');
		add_name(piece, attribute->ns, attribute->name);
		str_add_char(piece, '=');
		add_quoted(piece, (const char *)value, value ? strlen((const char *)value) : 0);
		xmlFree(value);
	}
	add_sorted(out, &pieces);
}

static void add_text(struct str *out, const xmlNode *node)
{
	const char *text = (const char *)node->content;
	size_t length = text ? strlen(text) : 0;

	while (length > 0 && isspace((unsigned char)text[length - 1]))
		length--;
	while (length > 0 && isspace((unsigned char)*text)) {
		text++;
		length--;
	}
	if (length > 0)
		add_quoted(out, text, length);
}

/* Of these the order says nothing: libvirt has one of its own, and guests go by addresses. */
static bool is_unordered(const xmlNode *node)
{
	static const char *const names[] = {"domain", "devices", "metadata", "features"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (domxml_is_element(node, names[i]))
			return true;
	return false;
}

static void add_node(struct str *out, const xmlNode *node);

static void add_children(struct str *out, const xmlNode *node)
{
	cleanup(pieces_done) struct pieces pieces = {0};
	bool sorted = is_unordered(node);

	for (const xmlNode *below = node->children; below; below = below->next)
		add_node(sorted ? vec_push_zero(&pieces) : out, below);
	add_sorted(out, &pieces);
}

static void add_node(struct str *out, const xmlNode *node)
{
	if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE)
		add_text(out, node);
	if (node->type != XML_ELEMENT_NODE)
		return;
	str_add_char(out, '<');
	add_name(out, node->ns, node->name);
	add_attributes(out, node);
	str_add_char(out, '{');
	add_children(out, node);
	str_add(out, "}\n");
}

int domxml_canonical(const char *xml, size_t length, struct str *out, struct err *e)
{
	cleanup(cleanup_xmlFreeDoc) xmlDoc *document = NULL;
	cleanup(domxml_done) struct domxml domain = {0};

	int result = domxml_parse(&domain, xml, length, e);
	if (result == 0)
		result = domxml_read(&document, xml, length, "domain", e);
	if (result < 0)
		return result;
	domxml_strip_life(xmlDocGetRootElement(document));
	add_node(out, xmlDocGetRootElement(document));
	return 0;
}
