/* store_lmdb.c - opens, makes and closes the embedded backend. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "mem.h"
#include "store_fault.h"
#include "store_folder.h"
#include "store_lmdb.h"
#include "str.h"

enum { READERS_MAX = 1022, ATTEMPTS = 100 };

static const char data_name[] = "data.mdb", lock_name[] = "lock.mdb";

static const unsigned char state_name[] = {'\0', 's', 't', 'a', 't', 'e'};
const struct pages_key lmdb_state_key = {state_name, sizeof state_name};

/* Codes */

static bool is_full(const struct lmdb *db)
{
	struct statvfs space;

	return fstatvfs(db->fd, &space) == 0 && (uint64_t)space.f_bavail * space.f_frsize < 1 << 20;
}

int lmdb_failed(const struct lmdb *db, int code, const char *what, struct err *e)
{
	switch (code) {
	case EIO: /* LMDB's code for a short write too */
		if (!is_full(db))
			break;
		return err_set_errno(e, ERR_FULL, ENOSPC, "%s: %s", db->subject, what);
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return err_set_errno(e, ERR_FULL, code, "%s: %s", db->subject, what);
	case MDB_MAP_FULL:
		return err_set(e, ERR_FULL, "%s: %s: at its limit of %zu GiB", db->subject, what,
			       PAGES_MAP_BYTES >> 30);
	case MDB_READERS_FULL:
		return err_set(e, ERR_ENV, "%s: %s: all %d places for readers are taken", db->subject, what,
			       READERS_MAX);
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_INCOMPATIBLE:
	case MDB_CURSOR_FULL:
	case MDB_MAP_RESIZED:
	case MDB_NOTFOUND:
	case MDB_BAD_VALSIZE:
		return err_set(e, ERR_CORRUPT, "%s: %s: damaged: %s", db->subject, what, mdb_strerror(code));
	case MDB_VERSION_MISMATCH:
		return err_set(e, ERR_ENV, "%s: %s: in use through another version of LMDB", db->subject, what);
	default:
		break;
	}
	return err_set(e, ERR_ENV, "%s: %s: %s", db->subject, what, mdb_strerror(code));
}

int lmdb_damaged(const struct lmdb *db, int code, struct err *e)
{
	err_wrap(e, "%s", db->subject);
	return code;
}

static void assertion_failed(MDB_env *env, const char *message)
{
	fault_exit(mdb_env_get_userctx(env), message);
}

int lmdb_new_environment(struct lmdb *db, struct err *e)
{
	int code = mdb_env_create(&db->env);

	if (!code)
		code = mdb_env_set_mapsize(db->env, PAGES_MAP_BYTES);
	if (!code)
		code = mdb_env_set_maxreaders(db->env, READERS_MAX);
	if (!code)
		code = mdb_env_set_userctx(db->env, db->subject);
	if (!code)
		code = mdb_env_set_assert(db->env, assertion_failed);
	return code ? lmdb_failed(db, code, "LMDB", e) : 0;
}

/*
 * Who will write opens it as a writer, though only LMDB writes: on an overlay file system the first such open copies the
 * file, and a map of the original would never change. Where that is refused, LMDB tells why.
 */
static int open_data(struct lmdb *db, int folder_fd, bool write, struct err *e)
{
	const int flags = O_CLOEXEC | O_NOFOLLOW;

	db->fd = write ? openat(folder_fd, data_name, O_RDWR | flags) : -1;
	if (db->fd < 0)
		db->fd = openat(folder_fd, data_name, O_RDONLY | flags);
	if (db->fd >= 0)
		return 1;
	if (errno == ENOENT)
		return 0;
	return err_set_errno(e, ERR_ENV, errno, "%s: %s%s", db->subject, data_name,
			     errno == EACCES ? ": only members of its group (vmroll) may read it" : "");
}

static int open_or_make_data(struct lmdb *db, const char *folder, int folder_fd,
			     const struct store_backend_options *options, struct err *e)
{
	bool write = options->mode != STORE_READ;
	int found = open_data(db, folder_fd, write, e);

	if (found)
		return found < 0 ? found : 0;
	if (!write)
		return err_set(e, ERR_ENV, "%s: nothing in it yet: run vmsnap first", db->subject);
	if (flock(folder_fd, LOCK_EX) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", db->subject);
	int made = lmdb_make(db, folder, folder_fd, &options->first, e);
	flock(folder_fd, LOCK_UN);
	if (made < 0)
		return made;
	found = open_data(db, folder_fd, write, e);
	return found == 0  ? err_set(e, ERR_ENV, "%s: %s vanished", db->subject, data_name)
	       : found < 0 ? found
			   : 0;
}

/* Showing */

/* Whether the tree is the one that transaction NUMBER wrote. */
static int check_state(struct pages *pages, uint64_t number, struct err *e)
{
	struct pages_cursor at;
	struct store_item raw;
	struct lmdb_state state;
	const struct pages_tree *tree = &pages->tree;

	int found = pages_find(&at, pages, lmdb_state_key, e);
	if (found < 0)
		return found;
	if (found == 0)
		return err_set(e, ERR_CORRUPT, "damaged, or not a store: it does not know its state");
	if (pages_item(&at, &raw, e) < 0)
		return ERR_CORRUPT;
	if (raw.value_length != sizeof state)
		return err_set(e, ERR_CORRUPT, "damaged: its state has a wrong length");
	memcpy(&state, raw.value, sizeof state);
	/* A copy made by mdb_copy -c begins with transaction 1. */
	if (state.transaction != number && number != 1)
		return err_set(e, ERR_CORRUPT, "damaged: this is not the state that was written last");
	if (state.entries != tree->entries || state.branch_pages != tree->branch_pages ||
	    state.leaf_pages != tree->leaf_pages || state.overflow_pages != tree->overflow_pages)
		return err_set(e, ERR_CORRUPT, "damaged: its counts do not match");
	return 0;
}

static int file_bytes(const struct lmdb *db, uint64_t *bytes, struct err *e)
{
	struct stat status;

	if (fstat(db->fd, &status) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", db->subject);
	*bytes = (uint64_t)status.st_size;
	return 0;
}

/* The meta page of transaction NUMBER: false if it has been overwritten meanwhile. */
static bool meta_of(const struct lmdb *db, uint64_t number, struct pages_meta *meta)
{
	struct pages_meta again;
	const unsigned char *page = db->map + (number & 1) * db->page_size;

	if (pages_decode_meta(page, meta, NULL) < 0 || pages_decode_meta(page, &again, NULL) < 0)
		return false;
	return meta->transaction == number && meta->page_size == db->page_size &&
	       memcmp(meta, &again, sizeof again) == 0;
}

/* The state of META. What the caller does not pin may change meanwhile. */
static int show(const struct lmdb *db, const struct pages_meta *meta, struct pages *pages,
		struct pages_free *free_pages, struct err *e)
{
	uint64_t bytes = 0;

	/* Asked after the meta page was read: what that one names was in the file before it. */
	if (file_bytes(db, &bytes, e) < 0)
		return ERR_ENV;
	if (pages_read_free(free_pages, db->map, bytes, meta, e) < 0)
		return ERR_CORRUPT;
	pages_init(pages, db->map, bytes, meta, free_pages, db->check);
	return check_state(pages, meta->transaction, e);
}

int lmdb_show(const struct lmdb *db, uint64_t number, struct pages *pages, struct pages_free *free_pages,
	      struct err *e)
{
	struct pages_meta meta;
	uint64_t bytes = 0;

	if (file_bytes(db, &bytes, e) < 0)
		return ERR_ENV;
	if (bytes < 2 * db->page_size)
		return err_set(e, ERR_CORRUPT, "%s: truncated", db->subject);
	if (!meta_of(db, number, &meta))
		return 0;
	int result = show(db, &meta, pages, free_pages, e);
	return result < 0 ? lmdb_damaged(db, result, e) : 1;
}

/* Opening */

/* Pages at the end that are free may never have been written. */
static int check_end(const struct pages *pages, struct err *e)
{
	for (uint64_t number = pages->page_limit; number < pages->page_count; number++)
		if (!pages_is_free(pages->free, number))
			return err_set(e, ERR_CORRUPT, "truncated: page %llu is missing",
				       (unsigned long long)number);
	return 0;
}

static int check_meta(const struct lmdb *db, const struct pages_meta *meta, struct err *e)
{
	cleanup(pages_free_done) struct pages_free free_pages = {0};
	struct pages pages;

	if (meta->transaction == 0)
		return 0;
	int result = show(db, meta, &pages, &free_pages, e);
	return result < 0 ? result : check_end(&pages, e);
}

/* Both states, since a changed bit may make the older one look newest. Writers may pass by meanwhile. */
static int check_metas(struct lmdb *db, struct err *e)
{
	struct pages_metas metas, again;
	int result = ERR_CORRUPT;

	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		result = pages_read_metas(db->fd, &metas, e);
		if (result < 0)
			return result;
		db->page_size = metas.newest.page_size;
		result = check_meta(db, &metas.newest, e);
		if (result == 0)
			result = check_meta(db, &metas.older, e);
		if (result != ERR_CORRUPT)
			return result;
		if (pages_read_metas(db->fd, &again, NULL) < 0 || memcmp(&again, &metas, sizeof again) == 0)
			return result;
	}
	return result;
}

static int map_data(struct lmdb *db, struct err *e)
{
	void *map = mmap(NULL, PAGES_MAP_BYTES, PROT_READ, MAP_SHARED, db->fd, 0);

	if (map == MAP_FAILED)
		return err_set_errno(e, ERR_ENV, errno, "%s: mapping %zu GiB of address space", db->subject,
				     PAGES_MAP_BYTES >> 30);
	db->map = map;
	int result = fault_watch(map, PAGES_MAP_BYTES, db->subject, e);
	if (result < 0)
		return result;
	result = check_metas(db, e);
	return result < 0 ? lmdb_damaged(db, result, e) : 0;
}

static int open_failed(const struct lmdb *db, int folder_fd, bool write, int code, struct err *e)
{
	if (code != EACCES)
		return lmdb_failed(db, code, "opening it", e);
	if (faccessat(folder_fd, lock_name, R_OK | W_OK, AT_EACCESS) < 0)
		return err_set_errno(e, ERR_ENV, code, "%s: %s: readers write it too: join its group (vmroll)",
				     db->subject, lock_name);
	return err_set_errno(e, ERR_ENV, code, "%s: %s%s", db->subject, data_name,
			     write ? ": this user may not write it" : "");
}

/*
 * For its mode; what fails here LMDB finds too, and can tell a read-only disk.
 * Closed again before LMDB opens it: closing a file drops all locks that the process has on it.
 */
static void make_lock_file(int folder_fd)
{
	cleanup(cleanup_fd) int lock = -1;

	folder_open_file(folder_fd, lock_name, FOLDER_LOCK_MODE, &lock, NULL);
}

static int open_environment(struct lmdb *db, const char *folder, int folder_fd, bool write, struct err *e)
{
	int result = lmdb_new_environment(db, e);

	if (result < 0)
		return result;
	make_lock_file(folder_fd);
	int code = mdb_env_open(db->env, folder, MDB_NOTLS | (write ? 0 : MDB_RDONLY), FOLDER_LOCK_MODE);
	return code ? open_failed(db, folder_fd, write, code, e) : 0;
}

/* LMDB does not tell where its map is; a value that both can see does. */
static int watch_lmdb_map(struct lmdb *db, struct err *e)
{
	MDB_txn *transaction = NULL;
	MDB_val key = {lmdb_state_key.length, (void *)lmdb_state_key.data}, value;
	cleanup(pages_free_done) struct pages_free free_pages = {0};
	struct pages pages;
	struct pages_cursor at;
	struct store_item raw;
	int result = 0, shown = 0;

	for (int attempt = 0; attempt < ATTEMPTS && shown == 0; attempt++) {
		if (transaction)
			mdb_txn_abort(transaction);
		int code = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &transaction);
		if (code)
			return lmdb_failed(db, code, "opening it", e);
		shown = lmdb_show(db, mdb_txn_id(transaction), &pages, &free_pages, e);
	}
	if (shown == 1 && pages_find(&at, &pages, lmdb_state_key, e) == 1 && pages_item(&at, &raw, e) == 0) {
		int code = mdb_dbi_open(transaction, NULL, 0, &db->dbi);
		if (!code)
			code = mdb_get(transaction, db->dbi, &key, &value);
		if (code)
			result = lmdb_failed(db, code, "opening it", e);
		else
			db->lmdb_map = (const unsigned char *)value.mv_data - (raw.value - db->map);
	} else {
		result = shown < 0 ? shown : err_set(e, ERR_CORRUPT, "%s: damaged: no state in it", db->subject);
	}
	mdb_txn_abort(transaction);
	return result < 0 ? result : fault_watch(db->lmdb_map, PAGES_MAP_BYTES, db->subject, e);
}

/* Two environments of one file in one process would drop each other's locks (lmdb.h, Caveats). */
static struct lmdb *all_open;

static int enlist(struct lmdb *db, struct err *e)
{
	struct stat mine, other;

	if (fstat(db->fd, &mine) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", db->subject);
	for (const struct lmdb *open = all_open; open; open = open->next_open)
		if (open->process == getpid() && fstat(open->fd, &other) == 0 &&
		    mine.st_dev == other.st_dev && mine.st_ino == other.st_ino)
			return err_set(e, ERR_USAGE, "%s: is open in this process already", db->subject);
	db->process = getpid();
	db->next_open = all_open;
	all_open = db;
	return 0;
}

static void delist(const struct lmdb *db)
{
	for (struct lmdb **link = &all_open; *link; link = &(*link)->next_open)
		if (*link == db) {
			*link = db->next_open;
			return;
		}
}

static int open_all(struct lmdb *db, const char *folder, const struct store_backend_options *options,
		    struct err *e)
{
	cleanup(cleanup_fd) int folder_fd = -1;
	bool write = options->mode != STORE_READ;

	int result = folder_open(folder, write, &folder_fd, e);
	if (result == 0)
		result = open_or_make_data(db, folder, folder_fd, options, e);
	if (result == 0)
		result = enlist(db, e);
	if (result == 0)
		result = map_data(db, e);
	if (result == 0)
		result = open_environment(db, folder, folder_fd, write, e);
	if (result == 0)
		result = watch_lmdb_map(db, e);
	if (result == 0 && write) {
		int code = mdb_reader_check(db->env, NULL);
		result = code ? lmdb_failed(db, code, "clearing dead readers", e) : 0;
	}
	return result;
}

int lmdb_open(void **handle, const char *folder, const struct store_backend_options *options, struct err *e)
{
	struct lmdb *db = mem_zalloc(1, sizeof *db);

	db->fd = -1;
	db->check = options->check;
	db->subject = mem_format("store %s", folder);
	int result = open_all(db, folder, options, e);
	if (result < 0) {
		lmdb_close(db);
		return result;
	}
	*handle = db;
	return 0;
}

void lmdb_close(void *handle)
{
	struct lmdb *db = handle;

	delist(db);
	lmdb_view_free(db->idle);
	if (db->env)
		mdb_env_close(db->env);
	fault_forget(db->lmdb_map);
	fault_forget(db->map);
	if (db->map)
		munmap((void *)db->map, PAGES_MAP_BYTES);
	cleanup_fd(&db->fd);
	free(db->subject);
	free(db);
}

int lmdb_file_path(const char *folder, const char *name, char **path, struct err *e)
{
	if (folder[0] != '/')
		return err_set(e, ERR_USAGE, "store '%s': an absolute path expected", folder);
	*path = mem_format("%s/%s", folder, name);
	return 0;
}
