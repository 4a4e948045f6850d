/* store_hold.c - holds the write lock of the store in FOLDER until its input ends, as a slow writer would: store_hold FOLDER */
#include "config.h"

#include <lmdb.h>
#include <stdio.h>

static int hold(MDB_env *env, const char *folder)
{
	MDB_txn *transaction = NULL;
	int code = mdb_env_set_mapsize(env, (size_t)64 << 30);

	if (!code)
		code = mdb_env_open(env, folder, MDB_NOTLS, 0660);
	if (!code)
		code = mdb_txn_begin(env, NULL, 0, &transaction);
	if (code)
		return code;
	puts("held");
	fflush(stdout);
	while (getchar() != EOF)
		continue;
	mdb_txn_abort(transaction);
	return 0;
}

int main(int count, char **arguments)
{
	MDB_env *env = NULL;

	if (count != 2) {
		fputs("usage: store_hold FOLDER\n", stderr);
		return 2;
	}
	int code = mdb_env_create(&env);
	if (!code)
		code = hold(env, arguments[1]);
	if (code)
		fprintf(stderr, "store_hold: %s: %s\n", arguments[1], mdb_strerror(code));
	mdb_env_close(env);
	return code ? 4 : 0;
}
