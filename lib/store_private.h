/* store_private.h - what store.c and store_batch.c share. */
#ifndef VMROLL_STORE_PRIVATE_H
#define VMROLL_STORE_PRIVATE_H

#include "store_backend.h"
#include "str.h"

enum { CHECKSUM_SIZE = 4 };

struct store {
	const struct store_backend *backend;
	void *handle;
	char *uri;
	bool readable_only;
	unsigned generation;
};

/* ERR_ENV in a child of the process that opened STORE. */
int store_check_process(const struct store *store, struct err *e);
/* Keys that begin with NUL are the backend's own; longer ones than STORE_KEY_MAX no backend has to take. */
int store_check_key(const unsigned char *key, size_t key_length, struct err *e);
/* Appends the checksum and VALUE: the raw value that backends keep. Where it begins in BYTES. */
size_t store_seal(struct str *bytes, const void *key, size_t key_length, const void *value, size_t value_length);

#endif
