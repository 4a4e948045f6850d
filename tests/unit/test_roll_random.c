/* test_roll_random.c - histories made up at random: each instant is as it was, and pruning keeps what it must. */
#include "config.h"

#include "unit.h"

#include "keys.h"
#include "mem.h"
#include "roll_kit.h"
#include "roll_private.h"
#include "vec.h"
#include "when.h"

#define T0 INT64_C(1763600000000)
enum { HOSTS = 5, VMS = 8, STEPS = 30, SEEDS = 6 };

/* What is known at an instant. */
struct moment {
	int64_t at;
	char *state;
};

struct world {
	unsigned seed;
	int64_t clock;
	bool listed[HOSTS]; /* in hosts(5) */
	bool failed[HOSTS];
	char vms[HOSTS][VMS]; /* 0: not there, r: running, s: shut off, else its domain id */
	VEC(struct moment) moments;
};

static unsigned pick(struct world *world, unsigned below)
{
	world->seed = world->seed * 1103515245 + 12345;
	return (world->seed >> 16) % below;
}

static void world_done(struct world *world)
{
	vec_foreach(&world->moments, moment)
		free(moment->state);
	vec_done(&world->moments);
}

static void add_vms(const char *vms, struct str *out)
{
	bool any = false;

	for (unsigned v = 0; v < VMS; v++) {
		if (!vms[v])
			continue;
		str_addf(out, "%sv%u", any ? "," : "", v);
		if (vms[v] == 's')
			str_add_char(out, '-');
		else if (vms[v] != 'r')
			str_addf(out, "/%d", vms[v] - '0');
		any = true;
	}
}

static void remember(struct world *world)
{
	struct str out = {0};

	for (unsigned h = 0; h < HOSTS; h++) {
		if (!world->listed[h])
			continue;
		str_addf(&out, "%sh%u%s=", out.length ? " " : "", h, world->failed[h] ? "!" : "");
		add_vms(world->vms[h], &out);
	}
	vec_push(&world->moments, (struct moment){world->clock, str_take(&out)});
}

static void change_vms(struct world *world, unsigned h)
{
	static const char states[] = "\0rrs23";

	for (unsigned i = pick(world, 4); i > 0; i--)
		world->vms[h][pick(world, VMS)] = states[pick(world, 6)];
}

static void snapshot(struct kit *kit, struct world *world)
{
	cleanup(str_done) struct str text = {0};

	for (unsigned h = 0; h < HOSTS; h++) {
		if (pick(world, 8) == 0)
			world->listed[h] = !world->listed[h];
		if (!world->listed[h]) {
			memset(world->vms[h], 0, VMS);
			continue;
		}
		unsigned what = pick(world, 6);
		str_addf(&text, "%sh%u=", text.length ? " " : "", h);
		world->failed[h] = what < 2;
		if (what < 2) {
			str_add_char(&text, what ? '!' : '?');
		} else {
			change_vms(world, h);
			add_vms(world->vms[h], &text);
		}
	}
	roll_kit_snap(kit, world->clock, str_text(&text));
	world->clock += 3 * SECOND;
	remember(world);
}

static bool has_list(struct kit *kit, unsigned h)
{
	cleanup(cleanup_mem) char *name = mem_format("h%u", h);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll) struct roll *roll = NULL;
	cleanup(roll_list_done) struct roll_list list = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_open(&roll, view, WHEN_UNKNOWN, &e), &e);
	return roll_find_host(roll, name, &list, &e) > 0 && list.answered != WHEN_UNKNOWN;
}

static void event(struct kit *kit, struct world *world)
{
	unsigned h = pick(world, HOSTS), v = pick(world, VMS);
	char host[8], vm[8];

	if (!world->listed[h] || !has_list(kit, h))
		return;
	bool gone = world->vms[h][v] != 0;
	snprintf(host, sizeof host, "h%u", h);
	snprintf(vm, sizeof vm, "%sv%u", gone ? "-" : "", v);
	assert_true(roll_kit_event(kit, host, vm, world->clock));
	world->vms[h][v] = gone ? 0 : 'r';
	remember(world);
}

static void live(struct kit *kit, struct world *world, unsigned seed)
{
	*world = (struct world){.seed = seed, .clock = T0};
	for (unsigned step = 0; step < STEPS; step++) {
		snapshot(kit, world);
		for (unsigned i = pick(world, 4); i > 0; i--) {
			world->clock += MINUTE;
			event(kit, world);
		}
		world->clock += 5 * MINUTE;
	}
}

static void check_from(struct kit *kit, const struct world *world, int64_t from)
{
	vec_foreach(&world->moments, moment) {
		if (moment->at >= from)
			expect_state(kit, moment->at, moment->state);
	}
}

static void each_instant_is_as_it_was(void **state)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		cleanup(world_done) struct world world;
		live(*state, &world, seed);
		check_from(*state, &world, T0);
		kit_teardown(state);
		kit_setup(state);
	}
}

/* ---- pruning ---- */

static size_t count_keys(struct kit *kit, const char *prefix)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct err e = {0};
	size_t count = 0;

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, prefix, strlen(prefix), false, &e), &e);
	while (store_cursor_next(cursor, &item, &e) > 0)
		count++;
	return count;
}

/* Every hint of a host has a record, and every record its hint. */
static void check_hints(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *hints = NULL, *records = NULL;
	struct store_item item;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(store_cursor_open(&hints, view, KEY_BY_UUID, strlen(KEY_BY_UUID), false, &e), &e);
	while (store_cursor_next(hints, &item, &e) > 0) {
		cleanup(cleanup_store_cursor) struct store_cursor *found = NULL;
		struct store_item record;
		struct key key;
		key_add_uuid(key_add_uuid(key_begin(&key, KEY_VM), item.key + 5 + VM_UUID_SIZE), item.key + 5);
		assert_ok(store_cursor_open(&found, view, key.bytes, key.length, false, &e), &e);
		assert_int_equal(store_cursor_next(found, &record, &e), 1);
	}
	assert_ok(store_cursor_open(&records, view, KEY_VM, strlen(KEY_VM), false, &e), &e);
	while (store_cursor_next(records, &item, &e) > 0) {
		struct key_vm_parts parts;
		struct bytes value = {0};
		struct key key;
		assert_true(key_parse_vm(&item, &parts));
		key_by_uuid(&key, parts.vm, parts.host);
		int found = store_view_get(view, key.bytes, key.length, &value, &e);
		bytes_done(&value);
		cleanup(roll_record_done) struct roll_record record;
		assert_ok(roll_record_decode(item.value, item.value_length, &record, &e), &e);
		/* A tombstone alone needs no hint. */
		if (record.vm.state != VM_GONE)
			assert_int_equal(found, 1);
	}
}

static void pruning_keeps_what_it_must(void **state)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct kit *kit = *state;
		cleanup(world_done) struct world world;
		uint64_t removed;
		struct err e = {0};
		live(kit, &world, seed * 77);
		for (unsigned round = 1; round < 4; round++) {
			const struct moment *moment = &world.moments.items[world.moments.count * round / 4];
			size_t before = count_keys(kit, "");
			assert_ok(roll_prune(kit->store, moment->at, &removed, &e), &e);
			assert_true(removed > 0);
			assert_int_equal(count_keys(kit, ""), before - removed);
			check_from(kit, &world, moment->at);
			check_hints(kit);
			assert_ok(roll_prune(kit->store, moment->at, &removed, &e), &e);
			assert_int_equal(removed, 0);
		}
		assert_ok(roll_prune(kit->store, world.clock + HOUR, &removed, &e), &e);
		check_from(kit, &world, world.moments.items[world.moments.count - 1].at);
		expect_state(kit, WHEN_UNKNOWN, world.moments.items[world.moments.count - 1].state);
		assert_int_equal(count_keys(kit, KEY_SNAPSHOT), 1);
		assert_int_equal(count_keys(kit, KEY_RESULTS), 1);
		assert_int_equal(count_keys(kit, KEY_SET), 1);
		check_hints(kit);
		/* The store goes on from there. */
		world.clock += 2 * HOUR;
		snapshot(kit, &world);
		expect_state(kit, WHEN_UNKNOWN, world.moments.items[world.moments.count - 1].state);
		kit_teardown(state);
		kit_setup(state);
	}
}

static void a_clock_that_jumps_prunes_nothing_that_is_seen(void **state)
{
	for (unsigned seed = 1; seed <= SEEDS; seed++) {
		struct kit *kit = *state;
		cleanup(world_done) struct world world = {.seed = seed * 31, .clock = T0};
		char *before[STEPS];
		uint64_t removed;
		struct err e = {0};
		for (unsigned step = 0; step < STEPS; step++) {
			snapshot(kit, &world);
			expect_state(kit, WHEN_UNKNOWN, world.moments.items[world.moments.count - 1].state);
			world.clock += ((int64_t)pick(&world, 50) - 15) * MINUTE;
		}
		for (unsigned i = 0; i < STEPS; i++)
			before[i] = roll_kit_state(kit, world.moments.items[i].at);
		int64_t at = world.moments.items[STEPS / 2].at;
		assert_ok(roll_prune(kit->store, at, &removed, &e), &e);
		for (unsigned i = 0; i < STEPS; i++) {
			if (world.moments.items[i].at >= at)
				expect_state(kit, world.moments.items[i].at, before[i]);
			free(before[i]);
		}
		kit_teardown(state);
		kit_setup(state);
	}
}

static void the_oldest_instant_may_lie_within_a_snapshot(void **state)
{
	struct kit *kit = *state;
	int64_t within = T0 + HOUR + SECOND / 2;
	uint64_t removed;
	struct err e = {0};

	roll_kit_snap(kit, T0, "h1=a h2=!");
	roll_kit_snap(kit, T0 + HOUR, "h1=b h2=c");
	roll_kit_snap(kit, T0 + 2 * HOUR, "h1=b h2=d");
	expect_state(kit, within, "h1=a h2!=");
	assert_ok(roll_prune(kit->store, within, &removed, &e), &e);
	expect_state(kit, within, "h1=a h2!=");
	expect_state(kit, T0 + HOUR + MINUTE, "h1=b h2=c");
}

/* What came after a clock was set back is no reason to remove what an instant before it shows. */
static void an_event_of_a_clock_set_back_removes_nothing_that_is_seen(void **state)
{
	struct kit *kit = *state;
	uint64_t removed;
	struct err e = {0};

	roll_kit_snap(kit, T0, "h1=a");
	roll_kit_snap(kit, T0 + HOUR, "h1=a");
	roll_kit_event(kit, "h1", "-a", T0 + 3 * MINUTE);
	roll_kit_snap(kit, T0 + HOUR + MINUTE, "h1=");
	expect_state(kit, T0 + 5 * MINUTE, "h1=a");
	assert_ok(roll_prune(kit->store, T0 + 5 * MINUTE, &removed, &e), &e);
	expect_state(kit, T0 + 5 * MINUTE, "h1=a");
	expect_state(kit, WHEN_UNKNOWN, "h1=");
}

static void a_host_that_is_gone_leaves_nothing(void **state)
{
	struct kit *kit = *state;
	uint64_t removed;
	struct err e = {0};

	roll_kit_snap(kit, T0, "h1=a,b,c h2=a,d");
	roll_kit_follow(kit, "h1", T0 + MINUTE, T0 + 2 * MINUTE);
	roll_kit_snap(kit, T0 + HOUR, "h2=a,d");
	roll_kit_snap(kit, T0 + 2 * HOUR, "h2=a,d");
	assert_ok(roll_prune(kit->store, T0 + 3 * HOUR, &removed, &e), &e);
	expect_state(kit, WHEN_UNKNOWN, "h2=a,d");
	assert_int_equal(count_keys(kit, KEY_VM), 2);
	assert_int_equal(count_keys(kit, KEY_BY_UUID), 2);
	assert_int_equal(count_keys(kit, KEY_BY_NAME), 2);
	assert_int_equal(count_keys(kit, KEY_BY_MAC), 2);
	assert_int_equal(count_keys(kit, KEY_LIST), 1);
	assert_int_equal(count_keys(kit, KEY_HOST), 1);
	assert_int_equal(count_keys(kit, KEY_XML), 1);
	assert_int_equal(count_keys(kit, KEY_FOLLOWED), 0);
	assert_int_equal(count_keys(kit, KEY_FOLLOWER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(each_instant_is_as_it_was),
		kit_test(pruning_keeps_what_it_must),
		kit_test(a_clock_that_jumps_prunes_nothing_that_is_seen),
		kit_test(the_oldest_instant_may_lie_within_a_snapshot),
		kit_test(an_event_of_a_clock_set_back_removes_nothing_that_is_seen),
		kit_test(a_host_that_is_gone_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
