/*
 * template_private.h - a template as template_parse leaves it: a list of nodes, of which those that open know where they close.
 */
#ifndef VMROLL_TEMPLATE_PRIVATE_H
#define VMROLL_TEMPLATE_PRIVATE_H

#include <stddef.h>

#include "template.h"

enum node_type { NODE_TEXT, NODE_VALUE, NODE_EACH, NODE_IF, NODE_ELSE, NODE_END };

struct node {
	enum node_type type;
	unsigned line;
	/* NODE_TEXT: bytes of `text`. */
	size_t start, length;
	/* NODE_VALUE, NODE_EACH, NODE_IF: the member, of the item of the each that is SCOPE deep (0: of the data); NULL is `more`. */
	const char *name;
	unsigned scope;
	/* NODE_EACH, NODE_IF: the node that closes it; NODE_IF with else, NODE_ELSE: see `otherwise`. */
	size_t end;
	size_t otherwise; /* NODE_IF: its else, or its end */
};

struct template
{
	struct str text;
	struct {
		struct node *items;
		size_t count, capacity;
	} nodes;
};

#endif
