/* store_lmdb_make.c - makes a store in a folder beside and moves it into place, so that none is ever seen half made. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mem.h"
#include "store_folder.h"
#include "store_lmdb.h"

static int fill(struct lmdb *db, const char *folder, const struct store_operation *first, struct err *e)
{
	MDB_txn *transaction = NULL;
	MDB_val key = {first->key_length, (void *)first->key};
	MDB_val value = {first->raw_length, (void *)first->raw};

	int result = lmdb_new_environment(db, e);
	if (result < 0)
		return result;
	int code = mdb_env_open(db->env, folder, 0, FOLDER_DATA_MODE);
	if (!code)
		code = mdb_txn_begin(db->env, NULL, 0, &transaction);
	if (!code)
		code = mdb_dbi_open(transaction, NULL, 0, &db->dbi);
	if (!code)
		code = mdb_put(transaction, db->dbi, &key, &value, 0);
	if (!code)
		code = lmdb_put_state(transaction, db->dbi);
	if (!code) {
		code = mdb_txn_commit(transaction);
		transaction = NULL;
	}
	if (transaction)
		mdb_txn_abort(transaction);
	return code ? lmdb_failed(db, code, "making it", e) : 0;
}

static void remove_new(int folder_fd)
{
	unlinkat(folder_fd, ".new/data.mdb", 0);
	unlinkat(folder_fd, ".new/lock.mdb", 0);
	unlinkat(folder_fd, ".new", AT_REMOVEDIR);
}

static int move_into_place(struct lmdb *db, int folder_fd, struct err *e)
{
	if (fchmodat(folder_fd, ".new/data.mdb", FOLDER_DATA_MODE, 0) < 0 ||
	    renameat(folder_fd, ".new/data.mdb", folder_fd, "data.mdb") < 0 || fsync(folder_fd) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", db->subject);
	return 0;
}

int lmdb_make(struct lmdb *db, const char *folder, int folder_fd, const struct store_operation *first,
	      struct err *e)
{
	cleanup(cleanup_mem) char *beside = mem_format("%s/%s", folder, ".new");

	if (faccessat(folder_fd, "data.mdb", F_OK, 0) == 0)
		return 0;
	remove_new(folder_fd);
	if (mkdir(beside, 0700) < 0)
		return err_set_errno(e, errno == ENOSPC ? ERR_FULL : ERR_ENV, errno, "%s", db->subject);
	int result = fill(db, beside, first, e);
	if (db->env)
		mdb_env_close(db->env);
	db->env = NULL;
	if (result == 0)
		result = move_into_place(db, folder_fd, e);
	remove_new(folder_fd);
	return result;
}
