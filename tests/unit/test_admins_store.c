/* test_admins_store.c - the administrators' list in the store: whole or not at all. */
#include "config.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "admins.h"
#include "keys.h"
#include "mem.h"
#include "rec.h"
#include "store_kit.h"
#include "str.h"
#include "when.h"

enum { ROWS = 4000, ROUNDS = 25 };

/* A list whose every row names LABEL, several chunks long. */
static void make_list(struct admins *admins, const char *label, unsigned rows)
{
	cleanup(str_done) struct str text = {0};
	struct err e = {0};

	str_add(&text, "vm,admin,email,phone,process\n");
	for (unsigned i = 0; i < rows; i++)
		str_addf(&text, "vm%u,%s,person%u@example.org,%s,%0*u\n", i, label, i, i % 2 ? "112" : "",
			 100, i);
	assert_ok(admins_parse(admins, str_text(&text), text.length, label, NULL, NULL, &e), &e);
}

static void save_list(struct store *store, const char *label, unsigned rows)
{
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};

	make_list(&admins, label, rows);
	assert_ok(admins_save(store, &admins, &e), &e);
}

static int load_now(struct store *store, struct admins *admins, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	assert_ok(store_view_open(&view, store, e), e);
	return admins_load(view, admins, e);
}

static int imported_now(struct store *store, int64_t *imported, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	assert_ok(store_view_open(&view, store, e), e);
	return admins_imported(view, imported, e);
}

static void check_whole(const struct admins *admins)
{
	assert_int_equal(admins->count, ROWS);
	for (size_t i = 0; i < admins->count; i++)
		assert_string_equal(admins->items[i].admin, admins->source);
}

static unsigned count_keys(struct store *store, const char *prefix)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct err e = {0};
	unsigned count = 0;

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, prefix, strlen(prefix), false, &e), &e);
	while (store_cursor_next(cursor, &item, &e) == 1)
		count++;
	return count;
}

static void there_is_none_before_the_first(void **state)
{
	struct kit *kit = *state;
	struct admins admins = {0};
	struct err e = {0};

	assert_int_equal(load_now(kit->store, &admins, &e), 0);
}

static void a_list_comes_back_as_it_was(void **state)
{
	struct kit *kit = *state;
	cleanup(admins_done) struct admins saved = {0}, loaded = {0};
	struct err e = {0};

	make_list(&saved, "first", ROWS);
	assert_ok(admins_save(kit->store, &saved, &e), &e);
	assert_int_equal(load_now(kit->store, &loaded, &e), 1);
	assert_int_equal(loaded.count, saved.count);
	assert_string_equal(loaded.source, "first");
	assert_int_equal(loaded.imported, saved.imported);
	for (size_t i = 0; i < ROWS; i++) {
		const struct admin *a = &saved.items[i], *b = &loaded.items[i];
		assert_true(str_equal(a->vm, b->vm) && str_equal(a->admin, b->admin) &&
			    str_equal(a->email, b->email) && str_equal(a->phone, b->phone) &&
			    str_equal(a->process, b->process) && a->line == b->line);
	}
	const struct admin *found[1];
	assert_int_equal(admins_of(&loaded, NULL, "vm7", NULL, found, 1), 1);
	assert_string_equal(found[0]->email, "person7@example.org");
	assert_true(count_keys(kit->store, KEY_ADMINS_ROWS) > 2);
}

static void save_text(struct store *store, const char *csv)
{
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};

	assert_ok(admins_parse(&admins, csv, strlen(csv), "list", NULL, NULL, &e), &e);
	assert_ok(admins_save(store, &admins, &e), &e);
}

/* Of the only part of the list. */
static void find_chunk(struct store *store, struct key *key, struct str *record)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct err e = {0};

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, KEY_ADMINS_ROWS, strlen(KEY_ADMINS_ROWS), false, &e), &e);
	assert_int_equal(store_cursor_next(cursor, &item, &e), 1);
	key->length = 0;
	key_add(key, item.key, item.key_length);
	str_reset(record);
	str_add_n(record, item.value, item.value_length);
}

static void what_a_person_wants_comes_back(void **state)
{
	struct kit *kit = *state;
	cleanup(admins_done) struct admins loaded = {0};
	struct err e = {0};

	save_text(kit->store, "vm,admin,email,phone,process,voice_lang,policy,group\n"
			      "web1,A,a@b.c,,x,ja,both,on;call\nweb2,B,,112,,,,\nweb3,C,c@b.c,,,,,db\n");
	assert_int_equal(load_now(kit->store, &loaded, &e), 1);
	assert_int_equal(loaded.count, 3);
	assert_string_equal(loaded.items[0].voice_lang, "ja");
	assert_string_equal(loaded.items[0].policy, "both");
	assert_int_equal(loaded.items[0].groups.count, 2);
	assert_string_equal(loaded.items[0].groups.items[1], "call");
	assert_string_equal(loaded.items[1].phone, "112");
	assert_null(loaded.items[1].policy);
	assert_int_equal(loaded.items[1].groups.count, 0);
	assert_string_equal(loaded.items[2].groups.items[0], "db");
	assert_int_equal(loaded.items[2].line, 4);
}

/* Rows as vmroll wrote them before persons had a voice, a policy and groups. */
static void a_list_of_an_older_vmroll_is_read(void **state)
{
	struct kit *kit = *state;
	cleanup(admins_done) struct admins loaded = {0};
	cleanup(str_done) struct str record = {0};
	struct key key;
	struct err e = {0};

	save_text(kit->store, "vm,admin,email,phone,process,policy\nv,A,a@b.c,,,both\nw,B,b@b.c,,,\n");
	find_chunk(kit->store, &key, &record);
	str_reset(&record);
	rec_begin(&record, 1);
	rec_array(&record, 1);
	for (unsigned i = 0; i < 2; i++) {
		rec_item_text(&record, i == 0 ? "web1" : "web2");
		rec_item_text(&record, "Ann");
		rec_item_text(&record, NULL);
		rec_item_text(&record, "112");
		rec_item_text(&record, "httpd");
		rec_item_uint(&record, 2 + i);
	}
	rec_close(&record);
	rec_end(&record);
	assert_ok(store_put(kit->store, key.bytes, key.length, record.data, record.length, &e), &e);
	assert_int_equal(load_now(kit->store, &loaded, &e), 1);
	assert_int_equal(loaded.count, 2);
	assert_string_equal(loaded.items[1].vm, "web2");
	assert_string_equal(loaded.items[1].phone, "112");
	assert_string_equal(loaded.items[1].process, "httpd");
	assert_int_equal(loaded.items[1].line, 3);
	assert_null(loaded.items[1].policy);
}

static void what_a_list_does_not_use_an_older_vmroll_need_not_know(void **state)
{
	struct kit *kit = *state;
	static const struct {
		const char *csv;
		int result;
	} cases[] = {{"vm,admin,email,phone,process,policy,group\nv,A,a@b.c,,,,\n", 0},
		     {"vm,admin,email,phone,process,policy\nu,B,b@b.c,,,\nv,A,a@b.c,,,both\n", ERR_SCHEMA},
		     {"vm,admin,email,phone,process,voice_lang\nv,A,a@b.c,,,ja\n", ERR_SCHEMA},
		     {"vm,admin,email,phone,process,group\nv,A,a@b.c,,,on\n", ERR_SCHEMA}};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(str_done) struct str record = {0};
		struct rec_reader reader;
		struct key key;
		unsigned version;
		struct err e = {0};
		save_text(kit->store, cases[i].csv);
		find_chunk(kit->store, &key, &record);
		assert_int_equal(rec_open(&reader, record.data, record.length, 1, &version, &e), cases[i].result);
	}
}

static void a_list_of_a_newer_vmroll_says_so(void **state)
{
	struct kit *kit = *state;
	cleanup(str_done) struct str record = {0};
	struct admins loaded = {0};
	struct key key;
	struct err e = {0};

	save_text(kit->store, "vm,admin,email,phone,process\nv,A,a@b.c,,\n");
	find_chunk(kit->store, &key, &record);
	str_reset(&record);
	rec_begin(&record, 3);
	rec_end(&record);
	assert_ok(store_put(kit->store, key.bytes, key.length, record.data, record.length, &e), &e);
	assert_error(load_now(kit->store, &loaded, &e), ERR_SCHEMA, &e, "administrators' list: ");
}

static void an_empty_list_is_a_list(void **state)
{
	struct kit *kit = *state;
	cleanup(admins_done) struct admins loaded = {0};
	struct err e = {0};

	save_list(kit->store, "full", 10);
	save_list(kit->store, "empty", 0);
	assert_int_equal(load_now(kit->store, &loaded, &e), 1);
	assert_int_equal(loaded.count, 0);
	assert_string_equal(loaded.source, "empty");
	assert_int_equal(count_keys(kit->store, KEY_ADMINS_ROWS), 0);
}

static void a_list_larger_than_any_transaction_fits(void **state)
{
	struct kit *kit = *state;
	cleanup(admins_done) struct admins loaded = {0};
	struct err e = {0};

	save_list(kit->store, "large", 100000);
	assert_int_equal(load_now(kit->store, &loaded, &e), 1);
	assert_int_equal(loaded.count, 100000);
	assert_true(count_keys(kit->store, KEY_ADMINS_ROWS) > STORE_BATCH_BYTES / (128 * 1024));
}

static void who_reads_meanwhile_sees_the_old_list(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(admins_done) struct admins old = {0}, new = {0};
	struct err e = {0};

	save_list(kit->store, "old", ROWS);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	save_list(kit->store, "new", ROWS);
	assert_int_equal(admins_load(view, &old, &e), 1);
	assert_string_equal(old.source, "old");
	check_whole(&old);
	assert_int_equal(load_now(kit->store, &new, &e), 1);
	assert_string_equal(new.source, "new");
	check_whole(&new);
}

static void when_it_was_imported_is_told_without_reading_it(void **state)
{
	struct kit *kit = *state;
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};
	int64_t imported = WHEN_UNKNOWN;

	assert_int_equal(imported_now(kit->store, &imported, &e), 0);
	assert_int_equal(imported, WHEN_UNKNOWN);
	save_list(kit->store, "old", ROWS);
	assert_int_equal(imported_now(kit->store, &imported, &e), 1);
	assert_int_equal(load_now(kit->store, &admins, &e), 1);
	assert_int_equal(imported, admins.imported);
}

static void what_an_interrupted_import_left_is_deleted(void **state)
{
	struct kit *kit = *state;
	cleanup(admins_done) struct admins loaded = {0};
	struct key key;
	struct err e = {0};

	save_list(kit->store, "list", ROWS);
	unsigned chunks = count_keys(kit->store, KEY_ADMINS_ROWS);
	for (unsigned i = 0; i < 300; i++) {
		key_add_u64(key_add_u64(key_begin(&key, KEY_ADMINS_ROWS), 4711), i);
		assert_ok(store_put(kit->store, key.bytes, key.length, "left", 4, &e), &e);
	}
	assert_ok(store_put(kit->store, KEY_ADMINS_WRITER, strlen(KEY_ADMINS_WRITER), "dead", 4, &e), &e);
	assert_int_equal(load_now(kit->store, &loaded, &e), 1);
	check_whole(&loaded);
	save_list(kit->store, "list", ROWS);
	assert_int_equal(count_keys(kit->store, KEY_ADMINS_ROWS), chunks);
	assert_int_equal(count_keys(kit->store, KEY_ADMINS_WRITER), 0);
}

static void a_missing_part_is_damage(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct admins admins = {0};
	struct key key = {.length = 0};
	struct err e = {0};

	save_list(kit->store, "list", ROWS);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, KEY_ADMINS_ROWS, strlen(KEY_ADMINS_ROWS), true, &e), &e);
	assert_int_equal(store_cursor_next(cursor, &item, &e), 1);
	key_add(&key, item.key, item.key_length);
	assert_ok(store_delete(kit->store, key.bytes, key.length, &e), &e);
	assert_error(load_now(kit->store, &admins, &e), ERR_CORRUPT, &e,
		     "administrators' list: a part of it is missing");
	assert_null(admins.items);
	assert_ok(store_put(kit->store, key.bytes, key.length, "\xA0", 1, &e), &e);
	assert_int_equal(load_now(kit->store, &admins, &e), ERR_CORRUPT);
	assert_null(admins.items);
}

/* In a child: saves lists by turns until it is killed, or COUNT times; exits 0 unless something other than being overtaken went wrong. */
static void import_again_and_again(const char *uri, const char *labels[2], unsigned count)
{
	cleanup(cleanup_store) struct store *store = NULL;
	struct admins lists[2] = {0};
	struct err e = {0};
	int result = store_open(&store, uri, STORE_WRITE, &e);

	for (unsigned i = 0; i < 2; i++)
		make_list(&lists[i], labels[i], ROWS);
	for (unsigned i = 0; i < count && (result == 0 || result == ERR_LOCKED); i++)
		result = admins_save(store, &lists[i % 2], &e);
	if (result != 0 && result != ERR_LOCKED)
		fprintf(stderr, "%s\n", e.text);
	_exit(result == 0 || result == ERR_LOCKED ? 0 : 1);
}

static void a_killed_import_leaves_the_old_or_the_new_list(void **state)
{
	struct kit *kit = *state;
	static const char *labels[2] = {"even", "odd"};
	unsigned seed = 11;

	save_list(kit->store, "even", ROWS);
	kit_close(kit);
	for (unsigned round = 0; round < ROUNDS; round++) {
		cleanup(admins_done) struct admins loaded = {0};
		struct err e = {0};
		pid_t child = fork();
		if (child == 0)
			import_again_and_again(kit->uri, labels, UINT32_MAX);
		assert_true(child > 0);
		usleep((useconds_t)(rand_r(&seed) % 60000));
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, NULL, 0), child);
		kit_reopen(kit, STORE_WRITE);
		assert_int_equal(load_now(kit->store, &loaded, &e), 1);
		check_whole(&loaded);
		kit_close(kit);
	}
	kit_reopen(kit, STORE_WRITE);
}

static void of_two_imports_at_a_time_none_is_mixed(void **state)
{
	struct kit *kit = *state;
	static const char *labels[2][2] = {{"a", "b"}, {"c", "d"}};
	cleanup(admins_done) struct admins loaded = {0};
	struct err e = {0};
	pid_t children[2];

	kit_close(kit);
	for (unsigned i = 0; i < 2; i++) {
		children[i] = fork();
		if (children[i] == 0)
			import_again_and_again(kit->uri, labels[i], 8);
		assert_true(children[i] > 0);
	}
	for (unsigned i = 0; i < 2; i++) {
		int status;
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	kit_reopen(kit, STORE_WRITE);
	assert_int_equal(load_now(kit->store, &loaded, &e), 1);
	check_whole(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(there_is_none_before_the_first),
		kit_test(when_it_was_imported_is_told_without_reading_it),
		kit_test(a_list_comes_back_as_it_was),
		kit_test(what_a_person_wants_comes_back),
		kit_test(a_list_of_an_older_vmroll_is_read),
		kit_test(what_a_list_does_not_use_an_older_vmroll_need_not_know),
		kit_test(a_list_of_a_newer_vmroll_says_so),
		kit_test(an_empty_list_is_a_list),
		kit_test(a_list_larger_than_any_transaction_fits),
		kit_test(who_reads_meanwhile_sees_the_old_list),
		kit_test(what_an_interrupted_import_left_is_deleted),
		kit_test(a_missing_part_is_damage),
		kit_test(a_killed_import_leaves_the_old_or_the_new_list),
		kit_test(of_two_imports_at_a_time_none_is_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
