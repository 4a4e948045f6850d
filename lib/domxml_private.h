/*
 * domxml_private.h - what the parts of domxml share; nobody else includes it.
 *
 * Where a node may be NULL the answer is NULL or 0, so that lookups chain.
 */
#ifndef VMROLL_DOMXML_PRIVATE_H
#define VMROLL_DOMXML_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "err.h"
#include "mem.h"

MEM_DEFINE_CLEANUP(xmlDoc, xmlFreeDoc)

/* Reads TEXT, whose outermost element must be ROOT, by the rules of domxml.h. xmlFreeDoc frees *DOCUMENT. */
int domxml_read(xmlDoc **document, const char *text, size_t length, const char *root, struct err *e);

bool domxml_is_element(const xmlNode *node, const char *name);
/* The first child element of PARENT (may be NULL) with this name. */
const xmlNode *domxml_child(const xmlNode *parent, const char *name);
/* The caller frees these; NULL if there is no such node or attribute, or it is empty. */
char *domxml_text(const xmlNode *node);
char *domxml_attribute(const xmlNode *node, const char *name);
char *domxml_child_attribute(const xmlNode *node, const char *name, const char *key);

/* A decimal number; 0 for what is none, NULL too. */
uint64_t domxml_number(const char *text);
/*
 * The bytes that NODE (may be NULL) says: a number and an attribute `unit`, as virScaleInteger reads it, DEFAULT_UNIT where there is none ("KiB"
 * of memory, "bytes" of storage). 0 for what is none.
 */
uint64_t domxml_bytes(const xmlNode *node, const char *default_unit);

#endif
