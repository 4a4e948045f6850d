/*
 * store_backend.h - what a backend of store.h does: raw bytes, no checksums, no schema.
 *
 * Only store.c and the backends include this. Every function returns as the
 * one of store.h does that it serves. Keys never begin with a NUL byte: those
 * are the backend's own. A claim or an expectation is decided on the state
 * before the batch; all decisions come before all writes, and no two writes
 * of a batch are to one key.
 */
#ifndef VMROLL_STORE_BACKEND_H
#define VMROLL_STORE_BACKEND_H

#include "store.h"

enum store_operation_kind { STORE_PUT, STORE_DELETE, STORE_CLAIM, STORE_EXPECT };

struct store_operation {
	enum store_operation_kind kind;
	const unsigned char *key;
	size_t key_length;
	const void *raw; /* NULL for STORE_DELETE, and for the expectation that the key is absent */
	size_t raw_length;
};

/* Whether a raw value belongs to its key; ERR_CORRUPT names the key. */
typedef int store_check(const void *key, size_t key_length, const void *raw, size_t raw_length, struct err *e);

struct store_backend_options {
	enum store_mode mode;
	store_check *check;
	/* What a new store begins with: it is never seen without. */
	struct store_operation first;
};

struct store_backend {
	const char *scheme;
	int (*open)(void **handle, const char *place, const struct store_backend_options *options, struct err *e);
	void (*close)(void *handle);
	int (*file_path)(const char *place, const char *name, char **path, struct err *e);
	int (*size)(void *handle, uint64_t *bytes, struct err *e);
	int (*commit)(void *handle, const struct store_operation *operations, size_t count, struct err *e);

	int (*view_open)(void **view, void *handle, struct err *e);
	void (*view_close)(void *view);
	uint64_t (*view_revision)(const void *view);
	/* What is found is borrowed until the next call on this view. The caller checks it; that nothing was found is checked here. */
	int (*view_get)(void *view, const void *key, size_t key_length, struct store_item *raw, struct err *e);

	int (*cursor_open)(void **cursor, void *view, const void *prefix, size_t prefix_length, bool reverse,
			   struct err *e);
	void (*cursor_close)(void *cursor);
	int (*cursor_seek)(void *cursor, const void *key, size_t key_length, struct err *e);
	int (*cursor_next)(void *cursor, struct store_item *raw, struct err *e);
};

extern const struct store_backend store_lmdb;

/* "key 'vm/…'" with what does not print escaped and the middle of a long key left out. */
void store_describe_key(const void *key, size_t key_length, char *text, size_t size);

#endif
