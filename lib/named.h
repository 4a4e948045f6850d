/*
 * named.h - the names of images, groups and deployments: which id each stands for.
 *
 * A record PREFIX NAME (KEY_IMAGE_NAME, KEY_GROUP_NAME, KEY_DEPLOYMENT_NAME) holds the id. People may give the beginning
 * of a name: an exact name always wins, else the one that begins so.
 */
#ifndef VMROLL_NAMED_H
#define VMROLL_NAMED_H

#include <stdint.h>

#include "err.h"
#include "store.h"

/* 1 with the *ID that exactly NAME stands for, 0 if there is none. ERR_CORRUPT. */
int named_find(struct store_view *view, const char *prefix, const char *name, uint64_t *id, struct err *e);
/*
 * 0 with the *ID that TEXT, a name or the beginning of one name only, stands for. ERR_NOT_FOUND: "no image 'x'" (WHAT is
 * "image"); ERR_AMBIGUOUS with the first candidates; ERR_CORRUPT.
 */
int named_require(struct store_view *view, const char *prefix, const char *what, const char *text,
		  uint64_t *id, struct err *e);

struct named {
	char *name;
	uint64_t id;
};
struct named_list {
	struct named *items;
	size_t count, capacity;
};
void named_list_done(struct named_list *list);
/* All names that begin with TEXT ("": all), in their order; added to *LIST. */
int named_all(struct store_view *view, const char *prefix, const char *text, struct named_list *list,
	      struct err *e);

/* Parts of a batch. NAME stands for ID from now on: ERR_CONFLICT at commit if it is taken. */
void named_claim(struct store_batch *batch, const char *prefix, const char *name, uint64_t id);
/* NAME, which stands for ID (else ERR_CONFLICT at commit), is free again. */
void named_drop(struct store_batch *batch, const char *prefix, const char *name, uint64_t id);

#endif
