/* domxml_tree.c - documents of libxml2, read and written by the rules of domxml.h. */
#include "config.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "domxml_private.h"

MEM_DEFINE_CLEANUP(xmlParserCtxt, xmlFreeParserCtxt)
MEM_DEFINE_CLEANUP(xmlBuffer, xmlBufferFree)

int domxml_read(xmlDoc **document, const char *text, size_t length, const char *root, struct err *e)
{
	cleanup(cleanup_xmlFreeParserCtxt) xmlParserCtxt *parser = xmlNewParserCtxt();

	if (length > DOMXML_SIZE_MAX)
		return err_set(e, ERR_TOO_LARGE, "XML of %zu bytes, more than %d", length, DOMXML_SIZE_MAX);
	if (!parser)
		return err_set(e, ERR_ENV, "libxml2: no parser");
	/* Not NOENT, DTDLOAD, XINCLUDE or HUGE: with NONET alone libxml2 keeps its limits. The other two flags only silence it. */
	cleanup(cleanup_xmlFreeDoc) xmlDoc *doc =
		xmlCtxtReadMemory(parser, text, (int)length, NULL, "UTF-8",
				  XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!doc) {
		const xmlError *cause = xmlCtxtGetLastError(parser);
		size_t end = cause && cause->message ? strcspn(cause->message, "\n") : 0;
		return err_set(e, ERR_CORRUPT, "bad XML, line %d: %.*s", cause ? cause->line : 0,
			       end < 200 ? (int)end : 200, end ? cause->message : "");
	}
	if (doc->intSubset || doc->extSubset)
		return err_set(e, ERR_CORRUPT, "bad XML: it has a DTD");
	const xmlNode *top = xmlDocGetRootElement(doc);
	if (!top || (root && !domxml_is_element(top, root)))
		return err_set(e, ERR_CORRUPT, "bad XML: not a <%s>", root ? root : "…");
	*document = doc;
	doc = NULL;
	return 0;
}

bool domxml_is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !node->ns && strcmp((const char *)node->name, name) == 0;
}

xmlNode *domxml_child(const xmlNode *parent, const char *name)
{
	for (xmlNode *node = parent ? parent->children : NULL; node; node = node->next)
		if (domxml_is_element(node, name))
			return node;
	return NULL;
}

char *domxml_text(const xmlNode *node)
{
	if (!node)
		return NULL;
	xmlChar *content = xmlNodeGetContent(node);
	char *text = content && *content ? mem_string((const char *)content) : NULL;
	xmlFree(content);
	return text;
}

char *domxml_attribute(const xmlNode *node, const char *name)
{
	if (!node)
		return NULL;
	xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)name);
	char *text = value && *value ? mem_string((const char *)value) : NULL;
	xmlFree(value);
	return text;
}

char *domxml_child_attribute(const xmlNode *node, const char *name, const char *key)
{
	return domxml_attribute(domxml_child(node, name), key);
}

uint64_t domxml_number(const char *text)
{
	uint64_t value;

	if (!text || str_parse_number(text, 0, UINT64_MAX, &value, NULL) < 0)
		return 0;
	return value;
}

/* libvirt's virScaleInteger: KB, MB, … are powers of 1000, K, KiB, … of 1024. */
static uint64_t unit_bytes(const char *unit)
{
	static const char letters[] = "KMGTPE";
	uint64_t base = 1024;
	uint64_t scale = 1;

	if (strcasecmp(unit, "b") == 0 || strcasecmp(unit, "bytes") == 0)
		return 1;
	const char *letter = strchr(letters, toupper((unsigned char)unit[0]));
	if (!letter)
		return 0;
	if (unit[1] && strcasecmp(unit + 1, "iB") != 0) {
		if (strcasecmp(unit + 1, "B") != 0)
			return 0;
		base = 1000;
	}
	for (const char *l = letters; l <= letter; l++)
		scale *= base;
	return scale;
}

uint64_t domxml_bytes(const xmlNode *node, const char *unit)
{
	cleanup(cleanup_mem) char *text = domxml_text(node);
	cleanup(cleanup_mem) char *said = domxml_attribute(node, "unit");
	uint64_t bytes;

	if (__builtin_mul_overflow(domxml_number(text), unit_bytes(said ? said : unit), &bytes))
		return 0;
	return bytes;
}

/* ---- writing ---- */

bool domxml_can_hold(const char *text)
{
	size_t length = strlen(text);

	while (length > 0) {
		uint32_t c;
		size_t size = str_utf8_character(text, length, &c);
		if (size == 0 || (c < 0x20 && !strchr("\t\n\r", (int)c)) || c == 0xFFFE || c == 0xFFFF)
			return false;
		text += size;
		length -= size;
	}
	return true;
}

/* libxml2 says with NULL that memory ran out, and nothing else, where names are ours. */
static xmlNode *made(xmlNode *node)
{
	if (!node)
		mem_exhausted();
	return node;
}

xmlDoc *domxml_new_document(const char *root)
{
	xmlDoc *document = xmlNewDoc((const xmlChar *)"1.0");

	if (!document)
		mem_exhausted();
	/* Without it all beyond ASCII is written as numbers. */
	document->encoding = xmlStrdup((const xmlChar *)"UTF-8");
	xmlDocSetRootElement(document, made(xmlNewDocNode(document, NULL, (const xmlChar *)root, NULL)));
	return document;
}

xmlNode *domxml_add(xmlNode *parent, const char *name, const char *text)
{
	return made(xmlNewTextChild(parent, NULL, (const xmlChar *)name, (const xmlChar *)text));
}

xmlNode *domxml_child_or_add(xmlNode *parent, const char *name)
{
	xmlNode *node = domxml_child(parent, name);

	return node ? node : domxml_add(parent, name, NULL);
}

void domxml_set(xmlNode *node, const char *name, const char *value)
{
	if (!value)
		xmlUnsetProp(node, (const xmlChar *)name);
	else if (!xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)value))
		mem_exhausted();
}

void domxml_set_text(xmlNode *node, const char *text)
{
	/* xmlNodeSetContent would take entities for what they are not. */
	xmlNodeSetContent(node, NULL);
	if (text)
		xmlNodeAddContent(node, (const xmlChar *)text);
}

void domxml_remove(xmlNode *node)
{
	if (!node)
		return;
	xmlNode *before = node->prev;
	if (before && xmlIsBlankNode(before)) {
		xmlUnlinkNode(before);
		xmlFreeNode(before);
	}
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

void domxml_remove_child(xmlNode *parent, const char *name)
{
	domxml_remove(domxml_child(parent, name));
}

void domxml_write(const xmlDoc *document, struct str *out)
{
	cleanup(cleanup_xmlBufferFree) xmlBuffer *buffer = xmlBufferCreate();

	if (!buffer || xmlNodeDump(buffer, (xmlDoc *)document, xmlDocGetRootElement(document), 0, 0) < 0)
		mem_exhausted();
	str_add_n(out, xmlBufferContent(buffer), (size_t)xmlBufferLength(buffer));
	str_add_char(out, '\n');
}
