/* store_lmdb_view.c - views and cursors of the embedded backend. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "store_lmdb.h"

enum { ATTEMPTS = 100 };

struct lmdb_view {
	struct lmdb *db;
	MDB_txn *transaction;
	uint64_t number; /* of the transaction that PAGES shows, once it was checked */
	struct pages pages;
	struct pages_free free_pages;
};

/* Sets VIEW's pages to what its transaction pins: 1, or 0 if another must be begun. */
static int show_pinned(struct lmdb_view *view, struct err *e)
{
	uint64_t number = mdb_txn_id(view->transaction);

	if (number == view->number)
		return 1;
	view->number = 0;
	int shown = lmdb_show(view->db, number, &view->pages, &view->free_pages, e);
	if (shown == 1)
		view->number = number;
	return shown;
}

static int begin_reading(struct lmdb_view *view)
{
	struct lmdb *db = view->db;

	if (view->transaction)
		return mdb_txn_renew(view->transaction);
	int code = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &view->transaction);
	if (code == MDB_READERS_FULL) {
		int dead = 0;
		mdb_reader_check(db->env, &dead);
		if (dead)
			code = mdb_txn_begin(db->env, NULL, MDB_RDONLY, &view->transaction);
	}
	return code;
}

void lmdb_view_free(struct lmdb_view *view)
{
	if (!view)
		return;
	if (view->transaction)
		mdb_txn_abort(view->transaction);
	pages_free_done(&view->free_pages);
	free(view);
}

static int open_view(struct lmdb_view *view, struct err *e)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		int code = begin_reading(view);
		if (code)
			return lmdb_failed(view->db, code, "reading", e);
		int shown = show_pinned(view, e);
		if (shown)
			return shown < 0 ? shown : 0;
		mdb_txn_reset(view->transaction);
	}
	return err_set(e, ERR_CORRUPT, "%s: damaged: its newest state has no meta page", view->db->subject);
}

static int lmdb_view_open(void **handle, void *store, struct err *e)
{
	struct lmdb *db = store;
	struct lmdb_view *view = db->idle;

	if (view) {
		db->idle = NULL;
	} else {
		view = mem_zalloc(1, sizeof *view);
		view->db = db;
	}
	int result = open_view(view, e);
	if (result < 0) {
		lmdb_view_free(view);
		return result;
	}
	*handle = view;
	return 0;
}

static uint64_t lmdb_view_revision(const void *handle)
{
	const struct lmdb_view *view = handle;

	return view->number;
}

/* One view is kept for the next: its reader's place is taken, but it pins nothing. */
static void lmdb_view_close(void *handle)
{
	struct lmdb_view *view = handle;

	if (view->db->idle) {
		lmdb_view_free(view);
		return;
	}
	mdb_txn_reset(view->transaction);
	view->db->idle = view;
}

static int lmdb_view_get(void *handle, const void *key, size_t key_length, struct store_item *raw, struct err *e)
{
	struct lmdb_view *view = handle;
	struct pages_cursor at;

	int found = pages_find(&at, &view->pages, (struct pages_key){key, key_length}, e);
	int result = found == 1 ? pages_item(&at, raw, e) : found == 0 ? pages_check_around(&at, e) : found;
	return result < 0 ? lmdb_damaged(view->db, result, e) : found;
}

/* Cursors */

struct lmdb_cursor {
	struct lmdb_view *view;
	struct pages_cursor at;
	bool reverse, begun, ended;
	bool pending; /* a seek has moved here, and this record was not given yet */
	size_t prefix_length;
	unsigned char prefix[STORE_KEY_MAX];
};

static int lmdb_cursor_open(void **handle, void *view, const void *prefix, size_t prefix_length, bool reverse,
			    struct err *e)
{
	(void)e;
	struct lmdb_cursor *cursor = mem_zalloc(1, sizeof *cursor);

	cursor->view = view;
	cursor->reverse = reverse;
	cursor->prefix_length = prefix_length;
	if (prefix_length)
		memcpy(cursor->prefix, prefix, prefix_length);
	*handle = cursor;
	return 0;
}

static void lmdb_cursor_close(void *handle)
{
	free(handle);
}

/* The least key above all that begin with the prefix; length 0 if there is none. */
static size_t after_prefix(const struct lmdb_cursor *cursor, unsigned char *after)
{
	size_t length = cursor->prefix_length;

	memcpy(after, cursor->prefix, length);
	while (length && after[length - 1] == 0xFF)
		length--;
	if (length)
		after[length - 1]++;
	return length;
}

/* Moves to the first record with key >= KEY (reverse: the last with key < KEY, or <= if OR_EQUAL): 1, 0 if none. */
static int move_to(struct lmdb_cursor *cursor, struct pages_key key, bool or_equal, struct err *e)
{
	int found = pages_find(&cursor->at, &cursor->view->pages, key, e);

	if (found < 0 || pages_check_around(&cursor->at, e) < 0)
		return ERR_CORRUPT;
	if (!cursor->reverse)
		return pages_settle(&cursor->at, e);
	return found && or_equal ? 1 : pages_previous(&cursor->at, e);
}

static int move_to_begin(struct lmdb_cursor *cursor, struct err *e)
{
	unsigned char bound[STORE_KEY_MAX] = {1}; /* above the backend's own keys */
	size_t length = cursor->prefix_length;

	if (!cursor->reverse) {
		if (length)
			memcpy(bound, cursor->prefix, length);
		return move_to(cursor, (struct pages_key){bound, length ? length : 1}, true, e);
	}
	length = after_prefix(cursor, bound);
	return length ? move_to(cursor, (struct pages_key){bound, length}, false, e)
		      : pages_find_last(&cursor->at, &cursor->view->pages, e);
}

static bool is_inside(const struct lmdb_cursor *cursor, const struct store_item *raw)
{
	return raw->key[0] != '\0' && raw->key_length >= cursor->prefix_length &&
	       memcmp(raw->key, cursor->prefix, cursor->prefix_length) == 0;
}

/* How KEY lies to the prefix: negative before all keys that begin with it, 0 among them, positive after. */
static int compare_prefix(const struct lmdb_cursor *cursor, const void *key, size_t key_length)
{
	size_t common = key_length < cursor->prefix_length ? key_length : cursor->prefix_length;
	int order = memcmp(key, cursor->prefix, common);

	return order ? order : key_length < cursor->prefix_length ? -1 : 0;
}

static int lmdb_cursor_seek(void *handle, const void *key, size_t key_length, struct err *e)
{
	struct lmdb_cursor *cursor = handle;
	int side = compare_prefix(cursor, key, key_length);
	int found = 0;

	cursor->begun = true;
	if (side == 0)
		found = move_to(cursor, (struct pages_key){key, key_length}, true, e);
	else if ((side < 0) != cursor->reverse)
		found = move_to_begin(cursor, e);
	if (found < 0)
		return lmdb_damaged(cursor->view->db, found, e);
	cursor->ended = found == 0;
	cursor->pending = found == 1;
	return 0;
}

static int step(struct lmdb_cursor *cursor, struct err *e)
{
	if (!cursor->begun) {
		cursor->begun = true;
		return move_to_begin(cursor, e);
	}
	if (cursor->pending) {
		cursor->pending = false;
		return 1;
	}
	return cursor->reverse ? pages_previous(&cursor->at, e) : pages_next(&cursor->at, e);
}

static int lmdb_cursor_next(void *handle, struct store_item *raw, struct err *e)
{
	struct lmdb_cursor *cursor = handle;
	int found = cursor->ended ? 0 : step(cursor, e);

	cursor->ended = found != 1;
	if (found == 1) {
		found = pages_item(&cursor->at, raw, e) < 0 ? ERR_CORRUPT : is_inside(cursor, raw);
		/* What should be the last of the prefix may stand here with a changed key. */
		if (found == 0) {
			cursor->ended = true;
			found = pages_check_around(&cursor->at, e);
		}
	}
	return found < 0 ? lmdb_damaged(cursor->view->db, found, e) : found;
}

static int lmdb_size(void *handle, uint64_t *bytes, struct err *e)
{
	void *opened = NULL;

	int result = lmdb_view_open(&opened, handle, e);
	if (result < 0)
		return result;
	const struct pages *pages = &((struct lmdb_view *)opened)->pages;
	*bytes = pages->page_size *
		 (pages->tree.branch_pages + pages->tree.leaf_pages + pages->tree.overflow_pages);
	lmdb_view_close(opened);
	return 0;
}

const struct store_backend store_lmdb = {
	.scheme = "lmdb",
	.open = lmdb_open,
	.close = lmdb_close,
	.file_path = lmdb_file_path,
	.size = lmdb_size,
	.commit = lmdb_commit,
	.view_open = lmdb_view_open,
	.view_close = lmdb_view_close,
	.view_revision = lmdb_view_revision,
	.view_get = lmdb_view_get,
	.cursor_open = lmdb_cursor_open,
	.cursor_close = lmdb_cursor_close,
	.cursor_seek = lmdb_cursor_seek,
	.cursor_next = lmdb_cursor_next,
};
