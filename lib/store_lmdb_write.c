/* store_lmdb_write.c - batches of the embedded backend: what LMDB will touch is checked before it does. */
#include "config.h"

#include <string.h>

#include "store_lmdb.h"

enum { READER_CHECK_EVERY = 64 };

struct writing {
	struct lmdb *db;
	MDB_txn *transaction;
	struct pages pages; /* the state before */
	struct pages_free free_pages;
	const struct store_operation *operations;
	size_t count;
};

static int show_before(struct writing *writing, struct err *e)
{
	struct lmdb *db = writing->db;
	uint64_t number = mdb_txn_id(writing->transaction) - 1;

	int shown = lmdb_show(db, number, &writing->pages, &writing->free_pages, e);
	if (shown == 0)
		return err_set(e, ERR_CORRUPT, "%s: damaged: its newest state has no meta page", db->subject);
	return shown < 0 ? shown : 0;
}

static int lost(const struct lmdb *db, const struct store_operation *operation, struct err *e)
{
	char key[ERR_TEXT_SIZE / 2];

	store_describe_key(operation->key, operation->key_length, key, sizeof key);
	return err_set(e, ERR_CONFLICT, "%s: %s: %s", db->subject, key,
		       operation->kind == STORE_CLAIM || !operation->raw ? "is taken" : "was changed by another");
}

static bool is_as_expected(const struct store_operation *operation, const struct store_item *raw)
{
	const void *wanted = operation->kind == STORE_CLAIM ? NULL : operation->raw;

	if (!raw || !wanted)
		return !raw && !wanted;
	return raw->value_length == operation->raw_length && memcmp(raw->value, wanted, raw->value_length) == 0;
}

static int decide(struct writing *writing, const struct store_operation *operation, struct err *e)
{
	struct lmdb *db = writing->db;
	struct pages_key key = {operation->key, operation->key_length};
	struct pages_cursor at;
	struct store_item raw = {0};

	if (operation->kind != STORE_CLAIM && operation->kind != STORE_EXPECT)
		return 0;
	int found = pages_find(&at, &writing->pages, key, e);
	if (found < 0 || (found == 1 && pages_item(&at, &raw, e) < 0) || pages_check_around(&at, e) < 0)
		return lmdb_damaged(db, ERR_CORRUPT, e);
	return is_as_expected(operation, found ? &raw : NULL) ? 0 : lost(db, operation, e);
}

static int prepare(struct writing *writing, struct err *e)
{
	int result = show_before(writing, e);

	for (size_t i = 0; result == 0 && i < writing->count; i++)
		result = decide(writing, &writing->operations[i], e);
	for (size_t i = 0; result == 0 && i < writing->count; i++) {
		const struct store_operation *operation = &writing->operations[i];
		struct pages_key key = {operation->key, operation->key_length};
		if (operation->kind != STORE_EXPECT)
			result = pages_guard(&writing->pages, key, operation->kind == STORE_DELETE, e);
		if (result < 0)
			lmdb_damaged(writing->db, result, e);
	}
	return result;
}

static int write_one(struct writing *writing, const struct store_operation *operation)
{
	MDB_val key = {operation->key_length, (void *)operation->key};
	MDB_val value = {operation->raw_length, (void *)operation->raw};
	int code;

	switch (operation->kind) {
	case STORE_PUT:
	case STORE_CLAIM:
		return mdb_put(writing->transaction, writing->db->dbi, &key, &value, 0);
	case STORE_DELETE:
		code = mdb_del(writing->transaction, writing->db->dbi, &key, NULL);
		return code == MDB_NOTFOUND ? 0 : code;
	case STORE_EXPECT:
		break;
	}
	return 0;
}

int lmdb_put_state(MDB_txn *transaction, MDB_dbi dbi)
{
	MDB_val key = {lmdb_state_key.length, (void *)lmdb_state_key.data};
	struct lmdb_state state = {.transaction = mdb_txn_id(transaction)};
	MDB_val value = {sizeof state, &state};
	MDB_stat counts;

	/* Put twice: the first may add to the counts that the second, of the same size, then tells. */
	int code = mdb_put(transaction, dbi, &key, &value, 0);
	if (!code)
		code = mdb_stat(transaction, dbi, &counts);
	if (code)
		return code;
	state.entries = counts.ms_entries;
	state.branch_pages = counts.ms_branch_pages;
	state.leaf_pages = counts.ms_leaf_pages;
	state.overflow_pages = counts.ms_overflow_pages;
	return mdb_put(transaction, dbi, &key, &value, 0);
}

/* Takes the transaction, whatever comes of it. */
static int write_all(struct writing *writing, struct err *e)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < writing->count; i++)
		code = write_one(writing, &writing->operations[i]);
	if (!code)
		code = lmdb_put_state(writing->transaction, writing->db->dbi);
	if (!code)
		code = mdb_txn_commit(writing->transaction);
	else
		mdb_txn_abort(writing->transaction);
	return code ? lmdb_failed(writing->db, code, "writing", e) : 0;
}

int lmdb_commit(void *handle, const struct store_operation *operations, size_t count, struct err *e)
{
	struct lmdb *db = handle;
	struct writing writing = {.db = db, .operations = operations, .count = count};

	/* A reader that was killed since pins old pages, and a writer may be open for months. */
	if (++db->commits % READER_CHECK_EVERY == 0)
		mdb_reader_check(db->env, NULL);
	int code = mdb_txn_begin(db->env, NULL, 0, &writing.transaction);
	if (code)
		return lmdb_failed(db, code, "writing", e);
	int result = prepare(&writing, e);
	pages_free_done(&writing.free_pages);
	if (result < 0) {
		mdb_txn_abort(writing.transaction);
		return result;
	}
	return write_all(&writing, e);
}
