/*
 * store_lmdb.h - what the parts of the embedded backend share: LMDB writes
 * and pins pages, store_pages reads them.
 */
#ifndef VMROLL_STORE_LMDB_H
#define VMROLL_STORE_LMDB_H

#include <lmdb.h>
#include <sys/types.h>

#include "store_backend.h"
#include "store_pages.h"

struct lmdb_view;

struct lmdb {
	struct lmdb *next_open;
	pid_t process;
	MDB_env *env;
	MDB_dbi dbi;
	char *subject; /* "store FOLDER" */
	int fd;
	size_t page_size;
	const unsigned char *map; /* our own, of the same file; NULL: none yet */
	const void *lmdb_map;
	store_check *check;
	unsigned commits;
	struct lmdb_view *idle; /* kept for the next view: its reader's place is taken, but it pins nothing */
};

/*
 * The last transaction's number and the counts of its tree, written by each
 * batch: a meta page whose bits changed leads to a tree that says otherwise.
 */
struct lmdb_state {
	uint64_t transaction, entries, branch_pages, leaf_pages, overflow_pages;
};

extern const struct pages_key lmdb_state_key;

/* LMDB's CODE as ours: the only place that knows them. */
int lmdb_failed(const struct lmdb *db, int code, const char *what, struct err *e);
/* Puts the store's name before E, for ERR_CORRUPT and the like. Returns its code. */
int lmdb_damaged(const struct lmdb *db, int code, struct err *e);

/* An environment that is not open yet, in db->env. */
int lmdb_new_environment(struct lmdb *db, struct err *e);
/* Makes the data file with FIRST in it unless there is one; under the folder's lock. */
int lmdb_make(struct lmdb *db, const char *folder, int folder_fd, const struct store_operation *first,
	      struct err *e);

int lmdb_open(void **handle, const char *folder, const struct store_backend_options *options, struct err *e);
void lmdb_close(void *handle);
int lmdb_file_path(const char *folder, const char *name, char **path, struct err *e);

/* Writing, in store_lmdb_write.c. The transaction is LMDB's own write lock. */
int lmdb_commit(void *handle, const struct store_operation *operations, size_t count, struct err *e);
/* Writes the state of TRANSACTION, as its last operation. An LMDB code. */
int lmdb_put_state(MDB_txn *transaction, MDB_dbi dbi);

/* Shows the state of transaction NUMBER; PAGES borrows FREE. 1, or 0 if its meta page has been overwritten meanwhile. */
int lmdb_show(const struct lmdb *db, uint64_t number, struct pages *pages, struct pages_free *free,
	      struct err *e);
void lmdb_view_free(struct lmdb_view *view); /* NULL-safe */

#endif
