/*
 * domxml_private.h - what the parts of domxml share: reading and writing documents by the rules of domxml.h.
 *
 * libvirt looks only at elements without a namespace; so do all lookups here.
 */
#ifndef VMROLL_DOMXML_PRIVATE_H
#define VMROLL_DOMXML_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "domxml.h"
#include "mem.h"
#include "str.h"

MEM_DEFINE_CLEANUP(xmlDoc, xmlFreeDoc)

/* Reads TEXT as a document whose root is a <ROOT> (NULL: any); the caller frees it. Errors as domxml_parse. */
int domxml_read(xmlDoc **document, const char *text, size_t length, const char *root, struct err *e);

bool domxml_is_element(const xmlNode *node, const char *name);
/* The first child element of that name; NULL in gives NULL out, so that lookups chain. */
xmlNode *domxml_child(const xmlNode *parent, const char *name);

/* The caller frees; NULL if there is no such node or attribute, or it is empty. NULL in gives NULL out. */
char *domxml_text(const xmlNode *node);
char *domxml_attribute(const xmlNode *node, const char *name);
char *domxml_child_attribute(const xmlNode *node, const char *name, const char *key);

/* A number that is not one is 0, not an error: the rest of the document still counts. NULL is 0. */
uint64_t domxml_number(const char *text);
/* The number in NODE times its attribute unit (UNIT where it has none: "KiB" of memory, "B" of storage); 0 if that makes no sense. */
uint64_t domxml_bytes(const xmlNode *node, const char *unit);

/* ---- writing ---- */

/* Whether XML 1.0 can hold TEXT at all: UTF-8 without control characters but TAB, LF and CR, U+FFFE and U+FFFF. */
bool domxml_can_hold(const char *text);
/* An empty document with the root <ROOT>; the caller frees it. */
xmlDoc *domxml_new_document(const char *root);
/* Appends <NAME>TEXT</NAME> (TEXT NULL: empty) to PARENT, escaped, and returns it. */
xmlNode *domxml_add(xmlNode *parent, const char *name, const char *text);
/* The first child of that name, which is made if there is none. */
xmlNode *domxml_child_or_add(xmlNode *parent, const char *name);
/* Sets an attribute, escaped; VALUE NULL takes it away. */
void domxml_set(xmlNode *node, const char *name, const char *value);
/* Replaces all that is in NODE by TEXT, escaped; NULL empties it. */
void domxml_set_text(xmlNode *node, const char *text);
/* Takes NODE with the blanks before it out of its document, and frees it. NULL does nothing. */
void domxml_remove(xmlNode *node);
void domxml_remove_child(xmlNode *parent, const char *name);
/* Appends the XML of the document's root to OUT, without a declaration, and a newline. */
void domxml_write(const xmlDoc *document, struct str *out);

#endif
