/* test_store.c - the store's promises: order, all or nothing, limits, views, addresses, schema. */
#include "config.h"

#include "unit.h"

#include <lmdb.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "store.h"
#include "store_kit.h"
#include "str.h"

static void put_text(struct store *store, const char *key, const char *value)
{
	struct err e = {0};

	assert_ok(store_put(store, key, strlen(key), value, strlen(value), &e), &e);
}

/* NULL if KEY is absent; the caller frees. */
static char *get_text(struct store *store, const char *key)
{
	struct err e = {0};
	struct bytes value = {0};

	int found = store_get(store, key, strlen(key), &value, &e);
	assert_ok(found, &e);
	return found ? value.data : NULL;
}

static void assert_value(struct store *store, const char *key, const char *wanted)
{
	cleanup(cleanup_mem) char *value = get_text(store, key);

	if (!wanted)
		assert_null(value);
	else if (!value)
		fail_msg("%s is absent", key);
	else
		assert_string_equal(value, wanted);
}

/* The keys that a cursor gives, each followed by a blank. */
static void walk(struct store *store, const char *prefix, bool reverse, const char *seek, struct str *keys)
{
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	int found;

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, prefix, strlen(prefix), reverse, &e), &e);
	if (seek)
		assert_ok(store_cursor_seek(cursor, seek, strlen(seek), &e), &e);
	str_reset(keys);
	str_add(keys, "");
	while ((found = store_cursor_next(cursor, &item, &e)) == 1) {
		if (item.key_length > 5 && memcmp(item.key, "meta/", 5) == 0)
			continue;
		str_add_n(keys, item.key, item.key_length);
		str_add_char(keys, ' ');
	}
	assert_ok(found, &e);
	assert_int_equal(store_cursor_next(cursor, &item, &e), 0);
}

static void what_is_put_is_got(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	struct bytes value = {0};

	put_text(kit->store, "a", "one");
	put_text(kit->store, "b", "");
	put_text(kit->store, "a", "two");
	assert_value(kit->store, "a", "two");
	assert_value(kit->store, "b", "");
	assert_value(kit->store, "c", NULL);
	assert_ok(store_put(kit->store, "\xFF\0x", 3, "\0\0", 2, &e), &e);
	assert_int_equal(store_get(kit->store, "\xFF\0x", 3, &value, &e), 1);
	assert_int_equal(value.length, 2);
	assert_memory_equal(value.data, "\0\0\0", 3);
	bytes_done(&value);
	assert_ok(store_delete(kit->store, "a", 1, &e), &e);
	assert_ok(store_delete(kit->store, "a", 1, &e), &e);
	assert_value(kit->store, "a", NULL);
	kit_reopen(kit, STORE_READ);
	assert_value(kit->store, "b", "");
	assert_error(store_put(kit->store, "a", 1, "", 0, &e), ERR_USAGE, &e, "opened for reading");
}

static void cursors_walk_a_prefix_both_ways(void **state)
{
	struct kit *kit = *state;
	cleanup(str_done) struct str keys = {0};
	static const char *const names[] = {"a", "h/", "h/1", "h/2", "h/3", "h0", "z", "\xFF", "\xFF\xFF"};
	static const struct {
		const char *prefix, *seek, *forward, *back;
	} cases[] = {
		{"h/", NULL, "h/ h/1 h/2 h/3 ", "h/3 h/2 h/1 h/ "},
		{"h/", "h/2", "h/2 h/3 ", "h/2 h/1 h/ "},
		{"h/", "h/25", "h/3 ", "h/2 h/1 h/ "},
		{"h/", "a", "h/ h/1 h/2 h/3 ", ""},
		{"h/", "z", "", "h/3 h/2 h/1 h/ "},
		{"h/", "h/9", "", "h/3 h/2 h/1 h/ "},
		{"h/", "h", "h/ h/1 h/2 h/3 ", ""},
		{"i", NULL, "", ""},
		{"\xFF", NULL, "\xFF \xFF\xFF ", "\xFF\xFF \xFF "},
		{"", NULL, "a h/ h/1 h/2 h/3 h0 z \xFF \xFF\xFF ", "\xFF\xFF \xFF z h0 h/3 h/2 h/1 h/ a "},
		{"", "h/3", "h/3 h0 z \xFF \xFF\xFF ", "h/3 h/2 h/1 h/ a "},
		{"h/1", NULL, "h/1 ", "h/1 "},
	};

	walk(kit->store, "", false, NULL, &keys);
	assert_string_equal(str_text(&keys), "");
	walk(kit->store, "", true, NULL, &keys);
	assert_string_equal(str_text(&keys), "");
	for (size_t i = sizeof names / sizeof *names; i-- > 0;)
		put_text(kit->store, names[i], "x");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		walk(kit->store, cases[i].prefix, false, cases[i].seek, &keys);
		assert_string_equal(str_text(&keys), cases[i].forward);
		walk(kit->store, cases[i].prefix, true, cases[i].seek, &keys);
		assert_string_equal(str_text(&keys), cases[i].back);
	}
}

static void a_cursor_can_seek_again_and_again(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;

	kit_fill(kit, 0, 1000);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, "k/", 2, false, &e), &e);
	for (unsigned i = 0; i < 1000; i += 7) {
		char key[32];
		snprintf(key, sizeof key, "k/%08u", (i * 37) % 1000);
		assert_ok(store_cursor_seek(cursor, key, strlen(key), &e), &e);
		assert_int_equal(store_cursor_next(cursor, &item, &e), 1);
		assert_int_equal(item.key_length, strlen(key));
		assert_memory_equal(item.key, key, item.key_length);
		kit_check_item(&item);
	}
	assert_ok(store_cursor_seek(cursor, "k/zzz", 5, &e), &e);
	assert_int_equal(store_cursor_next(cursor, &item, &e), 0);
}

static void many_keys_in_any_order_come_back_in_order(void **state)
{
	struct kit *kit = *state;

	enum { COUNT = 20011 };
	kit_fill_shuffled(kit, COUNT);
	assert_int_equal(kit_count(kit, false), COUNT);
	assert_int_equal(kit_count(kit, true), COUNT);
	kit_delete_every(kit, COUNT, 3);
	assert_int_equal(kit_count(kit, false), COUNT - (COUNT + 2) / 3);
	kit_reopen(kit, STORE_WRITE);
	kit_delete_every(kit, COUNT, 1);
	assert_int_equal(kit_count(kit, true), 0);
}

static void a_batch_is_all_or_nothing(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);

	put_text(kit->store, "taken", "1");
	store_batch_put(batch, "a", 1, "x", 1);
	store_batch_claim(batch, "taken", 5, "2", 1);
	store_batch_delete(batch, "taken", 5);
	assert_int_equal(store_batch_count(batch), 3);
	assert_error(store_batch_commit(batch, &e), ERR_CONFLICT, &e, "'taken': is taken");
	assert_int_equal(store_batch_count(batch), 0);
	assert_value(kit->store, "a", NULL);
	assert_value(kit->store, "taken", "1");
	store_batch_put(batch, "a", 1, "x", 1);
	store_batch_claim(batch, "free", 4, "2", 1);
	store_batch_delete(batch, "taken", 5);
	assert_ok(store_batch_commit(batch, &e), &e);
	assert_value(kit->store, "a", "x");
	assert_value(kit->store, "free", "2");
	assert_value(kit->store, "taken", NULL);
	assert_ok(store_batch_commit(batch, &e), &e);
}

static void of_several_writes_to_a_key_the_last_is_done(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);

	store_batch_put(batch, "a", 1, "1", 1);
	store_batch_put(batch, "b", 1, "1", 1);
	store_batch_delete(batch, "c", 1);
	store_batch_put(batch, "a", 1, "2", 1);
	store_batch_delete(batch, "b", 1);
	store_batch_put(batch, "c", 1, "2", 1);
	assert_int_equal(store_batch_count(batch), 3);
	assert_ok(store_batch_commit(batch, &e), &e);
	assert_value(kit->store, "a", "2");
	assert_value(kit->store, "b", NULL);
	assert_value(kit->store, "c", "2");
	/* Of a claim its condition stays, whatever is written after it. */
	store_batch_claim(batch, "a", 1, "3", 1);
	store_batch_put(batch, "a", 1, "4", 1);
	assert_error(store_batch_commit(batch, &e), ERR_CONFLICT, &e, "'a': is taken");
	store_batch_claim(batch, "d", 1, "3", 1);
	store_batch_put(batch, "d", 1, "4", 1);
	assert_ok(store_batch_commit(batch, &e), &e);
	assert_value(kit->store, "a", "2");
	assert_value(kit->store, "d", "4");
}

static void expectations(void **state)
{
	struct kit *kit = *state;
	static const struct {
		const char *key, *value;
		int result;
	} cases[] = {
		{"is", "1", 0},
		{"is", "2", ERR_CONFLICT},
		{"is", "", ERR_CONFLICT},
		{"is", NULL, ERR_CONFLICT},
		{"not", NULL, 0},
		{"not", "1", ERR_CONFLICT},
		{"not", "", ERR_CONFLICT},
	};

	put_text(kit->store, "is", "1");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = {0};
		cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);
		store_batch_put(batch, "done", 4, "x", 1);
		store_batch_expect(batch, cases[i].key, strlen(cases[i].key), cases[i].value,
				   cases[i].value ? strlen(cases[i].value) : 0);
		if (store_batch_commit(batch, &e) != cases[i].result)
			fail_msg("case %zu: %s", i, e.text);
		assert_value(kit->store, "done", cases[i].result ? NULL : "x");
		assert_ok(store_delete(kit->store, "done", 4, &e), &e);
	}
}

static void limits(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);
	cleanup(cleanup_mem) char *big = mem_zalloc(1, STORE_BATCH_BYTES + 1);
	char key[STORE_KEY_MAX + 1];

	memset(key, 'k', sizeof key);
	assert_ok(store_put(kit->store, key, STORE_KEY_MAX, "", 0, &e), &e);
	assert_error(store_put(kit->store, key, STORE_KEY_MAX + 1, "", 0, &e), ERR_TOO_LARGE, &e, "481");
	assert_error(store_put(kit->store, "", 0, "", 0, &e), ERR_USAGE, &e, "empty key");
	assert_error(store_put(kit->store, "\0a", 2, "", 0, &e), ERR_USAGE, &e, "NUL");
	assert_error(store_put(kit->store, "k", 1, big, STORE_BATCH_BYTES + 1, &e), ERR_TOO_LARGE, &e, "1048576");
	assert_ok(store_put(kit->store, "big", 3, big, STORE_BATCH_BYTES - 64, &e), &e);
	assert_true(store_batch_fits(batch, 128, 1000));
	assert_false(store_batch_fits(batch, 129, 1000));
	assert_false(store_batch_fits(batch, 1, STORE_BATCH_BYTES + 1));
	for (unsigned i = 0; i < STORE_BATCH_OPERATIONS; i++) {
		assert_int_equal(store_batch_room(batch), STORE_BATCH_OPERATIONS - i);
		snprintf(key, sizeof key, "l/%u", i);
		store_batch_put(batch, key, strlen(key), "v", 1);
	}
	assert_ok(store_batch_commit(batch, &e), &e);
	for (unsigned i = 0; i <= STORE_BATCH_OPERATIONS; i++) {
		snprintf(key, sizeof key, "m/%u", i);
		store_batch_put(batch, key, strlen(key), "v", 1);
	}
	assert_error(store_batch_commit(batch, &e), ERR_TOO_LARGE, &e, "128");
	assert_value(kit->store, "m/0", NULL);
	assert_value(kit->store, "l/127", "v");
}

static void large_values_come_back(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	for (size_t length = 1; length < 600000; length = length * 3 + 1) {
		cleanup(cleanup_mem) char *value = mem_alloc(length);
		struct bytes got = {0};
		for (size_t i = 0; i < length; i++)
			value[i] = (char)(i * 31 + length);
		assert_ok(store_put(kit->store, "v", 1, value, length, &e), &e);
		assert_int_equal(store_get(kit->store, "v", 1, &got, &e), 1);
		assert_int_equal(got.length, length);
		assert_memory_equal(got.data, value, length);
		bytes_done(&got);
	}
}

static void a_view_stays_as_it_was(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *old = NULL, *new = NULL;
	struct bytes value = {0};

	put_text(kit->store, "k", "old");
	assert_ok(store_view_open(&old, kit->store, &e), &e);
	for (int i = 0; i < 200; i++)
		put_text(kit->store, "k", "new");
	assert_ok(store_view_open(&new, kit->store, &e), &e);
	assert_int_equal(store_view_get(old, "k", 1, &value, &e), 1);
	assert_string_equal(value.data, "old");
	bytes_done(&value);
	assert_int_equal(store_view_get(new, "k", 1, &value, &e), 1);
	assert_string_equal(value.data, "new");
	bytes_done(&value);
}

static void addresses(void **state)
{
	(void)state;
	static const struct {
		const char *uri;
		int result;
		const char *text;
	} cases[] = {
		{"", ERR_USAGE, "lmdb:/FOLDER"},
		{"/var/lib/vmroll", ERR_USAGE, "lmdb:/FOLDER"},
		{"lmdb", ERR_USAGE, "lmdb:/FOLDER"},
		{"etcd:https://a:2379", ERR_USAGE, "lmdb:/FOLDER"},
		{"lmdb:relative", ERR_USAGE, "absolute path"},
		{"lmdb:/nonexistent/vmroll", ERR_ENV, "run vmsnap first"},
		{"lmdb:/dev/null", ERR_ENV, "Not a directory"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct err e = {0};
		struct store *store = NULL;
		assert_error(store_open(&store, cases[i].uri, STORE_READ, &e), cases[i].result, &e,
			     cases[i].text);
		assert_null(store);
	}
}

static void a_new_store_has_its_modes_whatever_the_umask_is(void **state)
{
	struct kit *kit = *state;
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = {{"", 02770}, {"/data.mdb", 0640}, {"/lock.mdb", 0660}};
	struct err e = {0};
	cleanup(cleanup_mem) char *folder = mem_format("%s/new", kit->folder);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", folder);

	/* Who is not root cannot open again what he made without any permission. */
	const mode_t masks[] = {0, 0027, geteuid() == 0 ? 0777 : 0077};

	for (size_t m = 0; m < sizeof masks / sizeof *masks; m++) {
		cleanup(cleanup_store) struct store *store = NULL;
		mode_t before = umask(masks[m]);
		int result = store_open(&store, uri, STORE_WRITE, &e);
		umask(before);
		assert_ok(result, &e);
		put_text(store, "k", "v");
		for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
			cleanup(cleanup_mem) char *path = mem_format("%s%s", folder, files[i].name);
			struct stat status;
			assert_int_equal(stat(path, &status), 0);
			assert_int_equal(status.st_mode & 07777, files[i].mode);
		}
		cleanup(cleanup_mem) char *beside = mem_format("%s/.new", folder);
		assert_int_not_equal(access(beside, F_OK), 0);
		kit_remove(folder);
	}
}

static void schemas(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	struct store *store = NULL;

	put_text(kit->store, "k", "v");
	put_text(kit->store, "meta/schema", "0");
	kit_reopen(kit, STORE_READ);
	assert_value(kit->store, "k", "v");
	kit_close(kit);
	assert_error(store_open(&store, kit->uri, STORE_WRITE, &e), ERR_SCHEMA, &e, "vmsnap --migrate");
	kit_reopen(kit, STORE_MIGRATE);
	assert_value(kit->store, "meta/schema", "1");
	assert_value(kit->store, "k", "v");
	kit_reopen(kit, STORE_WRITE);
	put_text(kit->store, "meta/schema", "99");
	kit_close(kit);
	for (int mode = STORE_READ; mode <= STORE_MIGRATE; mode++)
		assert_error(store_open(&store, kit->uri, mode, &e), ERR_SCHEMA, &e, "schema 99 is newer");
	assert_null(store);
}

static void a_schema_that_is_none(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	struct store *store = NULL;

	put_text(kit->store, "meta/schema", "one");
	kit_close(kit);
	assert_error(store_open(&store, kit->uri, STORE_READ, &e), ERR_CORRUPT, &e, "meta/schema");
	assert_null(store);
}

static void one_process_opens_a_store_once(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	struct store *again = NULL;

	assert_error(store_open(&again, kit->uri, STORE_READ, &e), ERR_USAGE, &e, "open in this process");
	put_text(kit->store, "k", "v");
	assert_value(kit->store, "k", "v");
}

static int use_in_child(struct kit *kit)
{
	struct err e = {0};
	struct store *own = NULL;

	if (store_put(kit->store, "k", 1, "child", 5, &e) != ERR_ENV ||
	    !strstr(e.text, "a child opens its own"))
		return 1;
	store_close(kit->store);
	kit->store = NULL;
	if (store_open(&own, kit->uri, STORE_WRITE, &e) < 0 || store_put(own, "child", 5, "1", 1, &e) < 0)
		return 2;
	store_close(own);
	return 0;
}

static void a_child_opens_its_own(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct bytes value = {0};
	int status = -1;

	put_text(kit->store, "k", "parent");
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	pid_t child = fork();
	if (child == 0)
		_exit(use_in_child(kit));
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	for (int i = 0; i < 200; i++)
		put_text(kit->store, "k", "later");
	assert_int_equal(store_view_get(view, "k", 1, &value, &e), 1);
	assert_string_equal(value.data, "parent");
	bytes_done(&value);
	assert_value(kit->store, "child", "1");
}

static void its_size_is_that_of_its_pages(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t before = 0, after = 0;

	assert_ok(store_size(kit->store, &before, &e), &e);
	kit_fill(kit, 0, 10000);
	assert_ok(store_size(kit->store, &after, &e), &e);
	assert_true(before > 0 && after - before > 10000 * 40 && after - before < 10000 * 400);
}

/* As mdb_copy -c does, which is how a store is made smaller. */
static void a_compacted_copy_is_a_store(void **state)
{
	struct kit *kit = *state;
	MDB_env *env = NULL;
	cleanup(cleanup_mem) char *folder = mem_format("%s/copy", kit->folder);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", folder);

	enum { COUNT = 2003 };
	kit_fill_shuffled(kit, COUNT);
	kit_delete_every(kit, COUNT, 2);
	kit_close(kit);
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_open(env, kit->folder, MDB_RDONLY, 0660), 0);
	assert_int_equal(mdb_env_copy2(env, folder, MDB_CP_COMPACT), 0);
	mdb_env_close(env);
	free(kit->uri);
	kit->uri = mem_string(uri);
	kit_reopen(kit, STORE_READ);
	assert_int_equal(kit_count(kit, false), COUNT / 2);
	for (unsigned i = 0; i < 5; i++) {
		kit_reopen(kit, STORE_WRITE);
		kit_fill(kit, COUNT + i, 1);
		assert_int_equal(kit_count(kit, false), COUNT / 2 + i + 1);
	}
}

static void locks_lie_beside_the_store(void **state)
{
	(void)state;
	struct err e = {0};
	cleanup(cleanup_mem) char *path = NULL;

	assert_ok(store_lock_path("lmdb:/var/lib/x", "vmsnap", &path, &e), &e);
	assert_string_equal(path, "/var/lib/x/vmsnap.lock");
	assert_error(store_lock_path("x:/var/lib/x", "vmsnap", &path, &e), ERR_USAGE, &e, "lmdb:/FOLDER");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(what_is_put_is_got),
		kit_test(cursors_walk_a_prefix_both_ways),
		kit_test(a_cursor_can_seek_again_and_again),
		kit_test(many_keys_in_any_order_come_back_in_order),
		kit_test(a_batch_is_all_or_nothing),
		kit_test(of_several_writes_to_a_key_the_last_is_done),
		kit_test(expectations),
		kit_test(limits),
		kit_test(large_values_come_back),
		kit_test(a_view_stays_as_it_was),
		cmocka_unit_test(addresses),
		kit_test(a_new_store_has_its_modes_whatever_the_umask_is),
		kit_test(schemas),
		kit_test(a_schema_that_is_none),
		kit_test(one_process_opens_a_store_once),
		kit_test(a_child_opens_its_own),
		kit_test(a_compacted_copy_is_a_store),
		kit_test(its_size_is_that_of_its_pages),
		cmocka_unit_test(locks_lie_beside_the_store),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
