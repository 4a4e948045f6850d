/* store_kit.c - a store in a folder of its own for each test. */
#include "config.h"

#include "unit.h"

#include <ftw.h>
#include <unistd.h>

#include "mem.h"
#include "store_kit.h"

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

void kit_remove(const char *folder)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* In memory where that can be: what these tests end are processes, not the power. */
const char *kit_base(void)
{
	const char *chosen = getenv("TMPDIR");

	if (chosen && *chosen)
		return chosen;
	return access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp";
}

int kit_setup(void **state)
{
	struct kit *kit = mem_zalloc(1, sizeof *kit);

	kit->folder = mem_format("%s/vmroll-store-XXXXXX", kit_base());
	if (!mkdtemp(kit->folder))
		return -1;
	kit->uri = mem_format("lmdb:%s", kit->folder);
	kit_reopen(kit, STORE_WRITE);
	*state = kit;
	return 0;
}

int kit_teardown(void **state)
{
	struct kit *kit = *state;

	kit_close(kit);
	kit_remove(kit->folder);
	free(kit->folder);
	free(kit->uri);
	free(kit);
	return 0;
}

void kit_close(struct kit *kit)
{
	store_close(kit->store);
	kit->store = NULL;
}

void kit_reopen(struct kit *kit, enum store_mode mode)
{
	struct err e = {0};

	kit_close(kit);
	assert_ok(store_open(&kit->store, kit->uri, mode, &e), &e);
}

/* Lengths from nothing to beyond a page. */
static size_t value_of(unsigned number, char *value)
{
	size_t length = number % 50 == 0 ? 3000 + number % 5000 : number % 200;

	for (size_t i = 0; i < length; i++)
		value[i] = (char)(number * 7 + i);
	return length;
}

static void add(struct store_batch *batch, unsigned number)
{
	struct err e = {0};
	char key[32], value[8000];

	snprintf(key, sizeof key, "k/%08u", number);
	size_t length = value_of(number, value);
	if (!store_batch_fits(batch, 1, strlen(key) + length))
		assert_ok(store_batch_commit(batch, &e), &e);
	store_batch_put(batch, key, strlen(key), value, length);
}

void kit_fill(struct kit *kit, unsigned first, unsigned count)
{
	struct err e = {0};
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);

	for (unsigned i = 0; i < count; i++)
		add(batch, first + i);
	assert_ok(store_batch_commit(batch, &e), &e);
}

/* COUNT is prime, so that the steps meet every number. */
void kit_fill_shuffled(struct kit *kit, unsigned count)
{
	struct err e = {0};
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);

	for (unsigned i = 0, number = 0; i < count; i++, number = (number + 7919) % count)
		add(batch, number);
	assert_ok(store_batch_commit(batch, &e), &e);
}

void kit_delete_every(struct kit *kit, unsigned count, unsigned step)
{
	struct err e = {0};
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);

	for (unsigned i = 0; i < count; i += step) {
		char key[32];
		snprintf(key, sizeof key, "k/%08u", i);
		if (store_batch_room(batch) == 0)
			assert_ok(store_batch_commit(batch, &e), &e);
		store_batch_delete(batch, key, strlen(key));
	}
	assert_ok(store_batch_commit(batch, &e), &e);
}

void kit_check_item(const struct store_item *item)
{
	char key[32], value[8000];
	unsigned number = 0;

	assert_int_equal(item->key_length, 10);
	memcpy(key, item->key, 10);
	key[10] = '\0';
	assert_int_equal(sscanf(key, "k/%8u", &number), 1);
	assert_int_equal(item->value_length, value_of(number, value));
	assert_memory_equal(item->value, value, item->value_length);
}

unsigned kit_count(struct kit *kit, bool reverse)
{
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	unsigned count = 0;
	char before[10] = "";
	int found;

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, "k/", 2, reverse, &e), &e);
	while ((found = store_cursor_next(cursor, &item, &e)) == 1) {
		kit_check_item(&item);
		if (count++)
			assert_true((memcmp(before, item.key, 10) < 0) != reverse);
		memcpy(before, item.key, 10);
	}
	assert_ok(found, &e);
	return count;
}

enum { SAME_KEYS = 17, LOG_KEYS = 50 };

int kit_write_number(struct store *store, unsigned number, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	char key[32], value[2000];

	memset(value, 'x', sizeof value);
	for (unsigned i = 0; i < SAME_KEYS; i++) {
		snprintf(key, sizeof key, "same/%u", i);
		memcpy(value, &number, sizeof number);
		store_batch_put(batch, key, strlen(key), value, sizeof number + (number * i) % 1900);
	}
	snprintf(key, sizeof key, "log/%08u", number);
	store_batch_put(batch, key, strlen(key), &number, sizeof number);
	snprintf(key, sizeof key, "log/%08u", number - LOG_KEYS);
	store_batch_delete(batch, key, strlen(key));
	return store_batch_commit(batch, e);
}

/* 0 where there is no such key. */
static int read_number(struct store *store, const char *key, unsigned *number, struct err *e)
{
	struct bytes value = {0};
	int found = store_get(store, key, strlen(key), &value, e);

	*number = 0;
	if (found > 0 && value.length >= sizeof *number)
		memcpy(number, value.data, sizeof *number);
	bytes_done(&value);
	return found < 0 ? found : 0;
}

static int require_number(struct store *store, const char *key, unsigned wanted, struct err *e)
{
	unsigned number = 0;
	int result = read_number(store, key, &number, e);

	if (result == 0 && number != wanted)
		return err_set(e, ERR_CONFLICT, "%s says %u, not %u", key, number, wanted);
	return result;
}

int kit_read_number(struct store *store, unsigned *number, struct err *e)
{
	unsigned found = 0;
	char key[32];
	int result = read_number(store, "same/0", &found, e);

	for (unsigned i = 1; result == 0 && i < SAME_KEYS; i++) {
		snprintf(key, sizeof key, "same/%u", i);
		result = require_number(store, key, found, e);
	}
	/* From the one after it, which is not there, to the one that it removed. */
	for (unsigned i = 0; result == 0 && found && i < LOG_KEYS + 2; i++) {
		unsigned of = found + 1 - i;
		snprintf(key, sizeof key, "log/%08u", of);
		result = require_number(store, key, i == 0 || i == LOG_KEYS + 1 || of > found ? 0 : of, e);
	}
	if (result == 0)
		*number = found;
	return result;
}
