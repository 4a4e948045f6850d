/*
 * store.h - one ordered key-value interface over the backends.
 *
 * Keys are byte strings of 1 to STORE_KEY_MAX bytes in memcmp order, whose
 * first byte is not NUL; keys.h of tier 2 says which exist. Every value carries a CRC32C (RFC 3720, B.4)
 * over key and value, checked on each read: a mismatch is ERR_CORRUPT with
 * the key in the message, never a wrong answer. What is returned is copied
 * out; no pointer into a map escapes. Nothing here may be held open across
 * network, libvirt or child processes.
 *
 * URIs: lmdb:/ABSOLUTE/FOLDER. A folder on a network file system is refused.
 */
#ifndef VMROLL_STORE_H
#define VMROLL_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct store;

enum { STORE_KEY_MAX = 480, STORE_BATCH_OPERATIONS = 128, STORE_BATCH_BYTES = 1 << 20 };

/* Schema of what this version writes; meta/schema in the store. */
enum { STORE_SCHEMA = 1 };

enum store_mode {
	STORE_READ, /* must exist; ERR_ENV "run vmsnap first" if it does not */
	STORE_WRITE, /* created (folder 2770, data 0640, lock 0660) if it does not exist; dead readers are cleared */
	STORE_MIGRATE /* as WRITE, and a store of an older schema is rewritten to STORE_SCHEMA */
};

/*
 * Opens the store at URI; the caller closes it with store_close, after its
 * views. Not to be used across fork: a child opens its own. ERR_USAGE (URI, or
 * it is open in this process already), ERR_ENV (missing, permission, network
 * file system), ERR_CORRUPT (truncated or not a store), ERR_SCHEMA (written by
 * a newer version, which is named; or to be written and older). A fault inside
 * the map (SIGBUS, SIGSEGV) ends the process with a message and status 4.
 */
int store_open(struct store **store, const char *uri, enum store_mode mode, struct err *e);
void store_close(struct store *store); /* NULL-safe */
void cleanup_store(struct store **store);

/* The PATH of the lock NAME (lock.h) of the store at URI; the caller frees it. ERR_USAGE. Its folder exists once the store was opened for writing. */
int store_lock_path(const char *uri, const char *name, char **path, struct err *e);
/* The same of a file that is called NAME as it is, and is kept with the store. */
int store_file_path(const char *uri, const char *name, char **path, struct err *e);

struct bytes {
	void *data; /* NUL-terminated beyond length, so that text can be used as it is */
	size_t length;
};

void bytes_done(struct bytes *bytes);

/* 1 with a copy of the value in *VALUE (the caller calls bytes_done), 0 if the key is absent, negative on error. */
int store_get(struct store *store, const void *key, size_t key_length, struct bytes *value, struct err *e);

/* One-operation transactions. ERR_FULL, ERR_ENV, ERR_CORRUPT, ERR_TOO_LARGE. Deleting an absent key succeeds. */
int store_put(struct store *store, const void *key, size_t key_length, const void *value, size_t value_length,
	      struct err *e);
int store_delete(struct store *store, const void *key, size_t key_length, struct err *e);

/*
 * A bounded transaction: all or nothing, durable when committed. Adding is
 * sticky-error: operations after a failed one do nothing and commit reports
 * the first failure. Keys and values are copied in. Of several writes to one
 * key only the last is done (etcd takes no more than one); what claims and
 * expectations say is decided on the state before the batch.
 */
struct store_batch;

struct store_batch *store_batch_new(struct store *store);
void store_batch_free(struct store_batch *batch); /* NULL-safe; forgets what was not committed */
void cleanup_store_batch(struct store_batch **batch);
void store_batch_put(struct store_batch *batch, const void *key, size_t key_length, const void *value,
		     size_t value_length);
void store_batch_delete(struct store_batch *batch, const void *key, size_t key_length);
/* Put-if-absent: if KEY exists at commit, nothing of the batch happens and commit returns ERR_CONFLICT. */
void store_batch_claim(struct store_batch *batch, const void *key, size_t key_length, const void *value,
		       size_t value_length);
/* Compare: unless KEY has exactly this VALUE at commit (NULL: is absent), nothing happens and commit returns ERR_CONFLICT. */
void store_batch_expect(struct store_batch *batch, const void *key, size_t key_length, const void *value,
			size_t value_length);
/* Operations that still fit, and whether VALUE_LENGTH more bytes would. */
size_t store_batch_room(const struct store_batch *batch);
bool store_batch_fits(const struct store_batch *batch, size_t operations, size_t bytes);
size_t store_batch_count(const struct store_batch *batch);
/* Writes all. Empties the batch for reuse, whatever came of it. ERR_CONFLICT, ERR_TOO_LARGE (over 128 operations or 1 MiB), ERR_FULL, ERR_ENV, ERR_CORRUPT. */
int store_batch_commit(struct store_batch *batch, struct err *e);

/*
 * A view is one consistent state of the store for several reads. Short-lived:
 * an old view pins old pages.
 */
struct store_view;

int store_view_open(struct store_view **view, struct store *store, struct err *e);
void store_view_close(struct store_view *view); /* NULL-safe */
void cleanup_store_view(struct store_view **view);
/* Grows with each batch that anybody commits: tells a store that a writer holds from one that only is slow. */
uint64_t store_view_revision(const struct store_view *view);
int store_view_get(struct store_view *view, const void *key, size_t key_length, struct bytes *value,
		   struct err *e);

/*
 * A cursor walks the keys that begin with PREFIX, in order or (REVERSE) against it.
 * store_cursor_seek moves so that the next item is the first with key >= KEY
 * (reverse: the last with key <= KEY) inside the prefix; without it all of the prefix is walked.
 * A cursor of VIEW must be freed before the view.
 */
struct store_cursor;

int store_cursor_open(struct store_cursor **cursor, struct store_view *view, const void *prefix,
		      size_t prefix_length, bool reverse, struct err *e);
void store_cursor_close(struct store_cursor *cursor); /* NULL-safe */
void cleanup_store_cursor(struct store_cursor **cursor);
int store_cursor_seek(struct store_cursor *cursor, const void *key, size_t key_length, struct err *e);

struct store_item {
	const unsigned char *key; /* whole key, prefix included */
	size_t key_length;
	const unsigned char *value; /* without the checksum */
	size_t value_length;
};

/* 1 and *ITEM (borrowed until the next call on this cursor), 0 at the end, ERR_CORRUPT with the key named (the cursor may go on past it). */
int store_cursor_next(struct store_cursor *cursor, struct store_item *item, struct err *e);

/* Bytes in use by the data, for reports: pages in use times page size. */
int store_size(struct store *store, uint64_t *bytes, struct err *e);

#endif
