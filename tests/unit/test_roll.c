/* test_roll.c - any instant of the past gives what was there: lists, events, clocks, hosts that come and go. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "roll_kit.h"
#include "when.h"

#define T0 INT64_C(1763600000000)
#define at(minutes) (T0 + (int64_t)((minutes)*MINUTE))

static void a_store_without_a_snapshot_says_so(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct roll *roll;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(roll_open(&roll, view, WHEN_UNKNOWN, &e), ERR_ENV, &e, "run vmsnap first");
	store_view_close(view);
	roll_kit_snap(kit, at(0), "h1=a");
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(roll_open(&roll, view, at(-1), &e), ERR_NOT_FOUND, &e, "the oldest is of");
}

static void any_instant_can_be_asked(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b h2=c-");
	roll_kit_snap(kit, at(15), "h1=a h2=b,c-");
	roll_kit_snap(kit, at(30), "h1=a h2=b,c-");
	roll_kit_snap(kit, at(45), "h1=a- h2=b,c,d");
	expect_state(kit, at(-1), "none");
	expect_state(kit, at(0), "h1!= h2!=");
	expect_state(kit, at(1), "h1=a,b h2=c-");
	expect_state(kit, at(15), "h1=a,b h2=c-");
	expect_state(kit, at(15) + SECOND - 1, "h1=a,b h2=c-");
	expect_state(kit, at(15) + SECOND, "h1=a h2=b,c-");
	expect_state(kit, at(44), "h1=a h2=b,c-");
	expect_state(kit, at(46), "h1=a- h2=b,c,d");
	expect_state(kit, WHEN_UNKNOWN, "h1=a- h2=b,c,d");
}

static void a_failing_host_keeps_its_list_and_is_stale(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2=b h3=!");
	roll_kit_snap(kit, at(15), "h1=! h2=? h3=!");
	roll_kit_snap(kit, at(30), "h1=! h2=c h3=d");
	expect_state(kit, at(1), "h1=a h2=b h3!=");
	expect_state(kit, at(16), "h1!=a h2!=b h3!=");
	expect_state(kit, WHEN_UNKNOWN, "h1!=a h2=c h3=d");

	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll) struct roll *roll = NULL;
	cleanup(roll_list_done) struct roll_list list = {0};
	struct err e = {0};
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_open(&roll, view, WHEN_UNKNOWN, &e), &e);
	assert_int_equal(roll_find_host(roll, "h1", &list, &e), 1);
	assert_string_equal(list.why, "no route");
	assert_int_equal(list.snapshot, 1);
	assert_int_equal(list.answered, at(0) + SECOND);
	assert_int_equal(roll_snapshot(roll)->failed, 1);
	assert_int_equal(roll_snapshot(roll)->answered, 2);
	assert_int_equal(roll_snapshot(roll)->vms, 2);
	roll_list_done(&list);
	assert_int_equal(roll_find_host(roll, "h9", &list, &e), 0);
}

static void the_writer_knows_who_failed_last_time(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
	struct hosts hosts = {0};
	struct err e = {0};

	roll_kit_snap(kit, at(0), "h1=! h2=? h3=a");
	assert_ok(roll_begin(&writer, kit->store, &hosts, at(15), &e), &e);
	assert_true(roll_failed_last_time(writer, "h1"));
	assert_false(roll_failed_last_time(writer, "h2"));
	assert_false(roll_failed_last_time(writer, "h3"));
	assert_false(roll_failed_last_time(writer, "h4"));
}

static void a_clock_set_back_loses_and_reorders_nothing(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a");
	roll_kit_snap(kit, at(60), "h1=a,b");   /* the clock ran an hour ahead */
	roll_kit_snap(kit, at(15), "h1=a,b,c"); /* set right */
	roll_kit_snap(kit, at(30), "h1=a,c");
	expect_state(kit, at(1), "h1=a");
	expect_state(kit, at(16), "h1=a,b,c"); /* b is there, though its record is of minute 60 */
	expect_state(kit, at(31), "h1=a,c");
	expect_state(kit, at(61), "h1=a,c");
	expect_state(kit, WHEN_UNKNOWN, "h1=a,c");
}

/* As the contract has it: the newest by number that began at or before AT; 0: none. */
static uint64_t find_by_walking(struct store_view *view, int64_t at)
{
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot snapshot;
	struct err e = {0};
	int result;

	assert_ok(roll_snapshots_open(&list, view, &e), &e);
	while ((result = roll_snapshots_next(list, &snapshot, &e)) > 0)
		if (snapshot.begun <= at)
			return snapshot.id;
	assert_ok(result, &e);
	return 0;
}

static void the_snapshot_of_an_instant_is_found_whatever_the_clock_did(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};
	int64_t clock = T0;

	srand(4711);
	for (unsigned i = 0; i < 150; i++) {
		clock += rand() % 10 ? rand() % 20 * MINUTE : -(rand() % 200 * MINUTE);
		if (rand() % 8)
			roll_kit_snap(kit, clock, "h1=");
		else
			roll_kit_unfinished(kit, clock, "h1=");
	}
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	for (int64_t at = T0 - 8 * HOUR; at < T0 + 24 * HOUR; at += 3 * MINUTE + 1) {
		cleanup(cleanup_roll) struct roll *roll = NULL;
		uint64_t wanted = find_by_walking(view, at);
		int result = roll_open(&roll, view, at, &e);
		assert_int_equal(result, wanted ? 0 : ERR_NOT_FOUND);
		if (roll)
			assert_int_equal(roll_snapshot(roll)->id, wanted);
	}
}

static void an_unfinished_snapshot_leaves_whole_lists(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2=b");
	roll_kit_unfinished(kit, at(15), "h1=c h2=?");
	expect_state(kit, at(14), "h1=a h2=b");
	expect_state(kit, at(16), "h1=c h2=b");
	expect_state(kit, WHEN_UNKNOWN, "h1=c h2=b");
	roll_kit_snap(kit, at(30), "h1=! h2=b");
	expect_state(kit, WHEN_UNKNOWN, "h1!=c h2=b");
	expect_state(kit, at(16), "h1=c h2=b");
}

static void a_host_is_its_uuid(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2=b");
	roll_kit_snap(kit, at(15), "h1:2=c h2=b"); /* reinstalled */
	expect_state(kit, at(1), "h1=a h2=b");
	expect_state(kit, WHEN_UNKNOWN, "h1=c h2=b");
	roll_kit_snap(kit, at(30), "h1=a h2=b"); /* the old disk again */
	expect_state(kit, at(16), "h1=c h2=b");
	expect_state(kit, WHEN_UNKNOWN, "h1=a h2=b");
}

static void a_host_that_leaves_ends_and_may_return(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b h2=c");
	roll_kit_snap(kit, at(15), "h2=c");
	roll_kit_snap(kit, at(30), "h1=a h2=c");
	roll_kit_snap(kit, at(45), "h1=a,b h2=c");
	expect_state(kit, at(1), "h1=a,b h2=c");
	expect_state(kit, at(16), "h2=c");
	expect_state(kit, at(31), "h1=a h2=c");
	expect_state(kit, WHEN_UNKNOWN, "h1=a,b h2=c");

	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct roll_interval *intervals;
	struct err e = {0};
	size_t count;
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_history(view, roll_kit_vm_uuid("a"), &intervals, &count, &e), &e);
	assert_int_equal(count, 2);
	assert_int_equal(intervals[0].from, at(0) + SECOND);
	assert_int_equal(intervals[0].until, at(15) + 2 * SECOND);
	assert_int_equal(intervals[1].from, at(30) + SECOND);
	assert_int_equal(intervals[1].until, WHEN_UNKNOWN);
	for (size_t i = 0; i < count; i++)
		roll_interval_done(&intervals[i]);
	free(intervals);
}

/* Takes a snapshot of one host of that NAME, UUID and VMs. */
static void snap_as(struct kit *kit, int64_t when, const char *name, const unsigned char *uuid, bool derived,
		    const char *vm_name)
{
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
	cleanup(vm_done) struct vm vm;
	struct host item = {.name = (char *)name};
	struct hosts hosts = {0};
	struct roll_host host = {.name = (char *)name, .uuid_derived = derived};
	char path[] = "/tmp/vmroll-hosts-XXXXXX";
	struct err e = {0};
	FILE *file = fdopen(mkstemp(path), "w");

	fprintf(file, "%s - test:/// -\n", item.name);
	fclose(file);
	assert_ok(hosts_read(&hosts, path, &e), &e);
	unlink(path);
	if (uuid)
		memcpy(host.uuid, uuid, VM_UUID_SIZE);
	roll_kit_vm(vm_name, &vm);
	assert_ok(roll_begin(&writer, kit->store, &hosts, when, &e), &e);
	if (uuid)
		assert_ok(roll_put_list(writer, &host, &vm, 1, when, NULL, &e), &e);
	assert_ok(roll_finish(writer, when, &e), &e);
	hosts_done(&hosts);
}

static void assert_history(struct kit *kit, const char *vm, size_t wanted, const char *first, const char *last)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct roll_interval *intervals;
	struct err e = {0};
	size_t count;

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_history(view, roll_kit_vm_uuid(vm), &intervals, &count, &e), &e);
	assert_int_equal(count, wanted);
	assert_string_equal(intervals[0].host, first);
	assert_string_equal(intervals[count - 1].host, last);
	for (size_t i = 0; i < count; i++)
		roll_interval_done(&intervals[i]);
	free(intervals);
}

static void a_renamed_host_goes_on(void **state)
{
	struct kit *kit = *state;
	unsigned char uuid[VM_UUID_SIZE];

	memcpy(uuid, roll_kit_host_uuid("x"), sizeof uuid);
	snap_as(kit, at(0), "old", uuid, false, "a");
	snap_as(kit, at(15), "new", uuid, false, "a");
	expect_state(kit, at(1), "old=a");
	expect_state(kit, WHEN_UNKNOWN, "new=a");
	assert_history(kit, "a", 1, "new", "new");
}

static void a_host_of_derived_identity_is_renamed_by_hand(void **state)
{
	struct kit *kit = *state;
	unsigned char old[VM_UUID_SIZE], new[VM_UUID_SIZE];
	struct err e = {0};

	vm_uuid_from_name("old", old);
	vm_uuid_from_name("new", new);
	snap_as(kit, at(0), "old", old, true, "a");
	assert_error(roll_rename(kit->store, "nobody", "new", &e), ERR_NOT_FOUND, &e, "nobody");
	assert_ok(roll_rename(kit->store, "old", "new", &e), &e);
	snap_as(kit, at(15), "new", NULL, true, "a"); /* it does not answer, and is known all the same */
	expect_state(kit, WHEN_UNKNOWN, "new!=a");
	snap_as(kit, at(30), "new", new, true, "a");
	expect_state(kit, WHEN_UNKNOWN, "new=a");
	assert_history(kit, "a", 1, "new", "new");
}

static void forgetting_ends_a_host(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	roll_kit_snap(kit, at(0), "h1=a h2=b");
	assert_error(roll_forget(kit->store, "h9", at(1), &e), ERR_NOT_FOUND, &e, "h9");
	assert_ok(roll_forget(kit->store, "h1", at(5), &e), &e);
	expect_state(kit, at(4), "h1=a h2=b");
	expect_state(kit, at(6), "h1= h2=b");
	roll_kit_snap(kit, at(15), "h1=a h2=b");
	expect_state(kit, at(6), "h1= h2=b");
	expect_state(kit, WHEN_UNKNOWN, "h1=a h2=b");
}

static void two_names_of_one_host_are_refused(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
	struct hosts hosts = {0};
	char path[] = "/tmp/vmroll-hosts-XXXXXX";
	struct err e = {0};
	FILE *file = fdopen(mkstemp(path), "w");
	struct roll_host one = {.name = (char *)"one", .uuid = {7}}, two = {.name = (char *)"two", .uuid = {7}};

	fputs("one - test:/// -\ntwo - test:/// -\n", file);
	fclose(file);
	assert_ok(hosts_read(&hosts, path, &e), &e);
	unlink(path);
	assert_ok(roll_begin(&writer, kit->store, &hosts, at(0), &e), &e);
	assert_ok(roll_put_list(writer, &one, NULL, 0, at(0), NULL, &e), &e);
	assert_error(roll_put_list(writer, &two, NULL, 0, at(0), NULL, &e), ERR_CONFLICT, &e, "one and two");
	assert_ok(roll_put_list(writer, &one, NULL, 0, at(0), NULL, &e), &e);
	struct vm twice[2] = {{.uuid = {1}, .name = (char *)"a"}, {.uuid = {1}, .name = (char *)"b"}};
	assert_error(roll_put_list(writer, &one, twice, 2, at(0), NULL, &e), ERR_USAGE, &e, "listed twice");
	one.name = (char *)"three";
	assert_error(roll_put_list(writer, &one, NULL, 0, at(0), NULL, &e), ERR_NOT_FOUND, &e, "three");
	hosts_done(&hosts);
}

static uint64_t changes_so_far(struct kit *kit)
{
	struct bytes value = {0};
	struct err e = {0};

	assert_int_equal(store_get(kit->store, "meta/seq", 8, &value, &e), 1);
	uint64_t number = ((unsigned char *)value.data)[4];
	bytes_done(&value);
	return number;
}

static void nothing_changed_is_nothing_written(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a,b h2=c-");
	uint64_t before = changes_so_far(kit);
	roll_kit_snap(kit, at(15), "h1=a,b h2=c-");
	assert_int_equal(changes_so_far(kit), before);
	roll_kit_snap(kit, at(30), "h1=a,b h2=c");
	assert_int_equal(changes_so_far(kit), before + 1);
}

static void what_xml_said_is_kept_while_it_is_not_read(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
	struct roll_changes changes;
	struct hosts hosts = {0};
	struct err e = {0};
	char path[] = "/tmp/vmroll-hosts-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	struct roll_host host = {.name = (char *)"h1", .cpus = 8, .mhz = VM_UNKNOWN, .memory_bytes = VM_UNKNOWN};
	struct vm bare, *vms;
	size_t count;

	roll_kit_snap(kit, at(0), "h1=a");
	fputs("h1 - test:/// -\n", file);
	fclose(file);
	assert_ok(hosts_read(&hosts, path, &e), &e);
	unlink(path);
	memcpy(host.uuid, roll_kit_host_uuid("h1"), VM_UUID_SIZE);
	vm_decode_begin(&bare);
	memcpy(bare.uuid, roll_kit_vm_uuid("a"), VM_UUID_SIZE);
	bare.name = (char *)"a";
	bare.state = VM_RUNNING;
	bare.reason = 1;
	bare.domain_id = 1;
	assert_ok(roll_begin(&writer, kit->store, &hosts, at(15), &e), &e);
	assert_ok(roll_put_list(writer, &host, &bare, 1, at(15), &changes, &e), &e);
	assert_int_equal(changes.changed + changes.appeared + changes.gone, 0);
	bare.reason = 5;
	host.mhz = 1234;
	assert_ok(roll_put_list(writer, &host, &bare, 1, at(15), &changes, &e), &e);
	assert_int_equal(changes.changed, 1);
	assert_ok(roll_finish(writer, at(15), &e), &e);

	assert_ok(roll_current(kit->store, host.uuid, &vms, &count, &e), &e);
	assert_int_equal(count, 1);
	assert_string_equal(vms->os, "Debian 12");
	assert_int_equal(vms->nic_count, 1);
	assert_int_equal(vms->vcpus, 2);
	assert_int_equal(vms->xml_read, 1);
	assert_true(vms->xml_known);
	assert_int_equal(vms->reason, 5);
	vm_done(vms);
	free(vms);
	hosts_done(&hosts);
}

static void since_is_when_the_state_began(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll) struct roll *roll = NULL;
	struct roll_vm *vms;
	struct err e = {0};
	size_t count;

	roll_kit_snap(kit, at(0), "h1=a-,b,c");
	roll_kit_snap(kit, at(15), "h1=a,b/2,c");
	roll_kit_snap(kit, at(30), "h1=a,b/2,c");
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_open(&roll, view, WHEN_UNKNOWN, &e), &e);
	static const struct {
		const char *name;
		int64_t since;
	} wanted[] = {{"a", at(15) + SECOND}, {"b", at(15) + SECOND}, {"c", at(0) + SECOND}};
	for (size_t i = 0; i < 3; i++) {
		assert_ok(roll_find_vms(roll, wanted[i].name, &vms, &count, &e), &e);
		assert_int_equal(count, 1);
		assert_int_equal(vms->since, wanted[i].since);
		assert_int_equal(vms->seen, at(30) + SECOND);
		roll_vm_done(vms);
		free(vms);
	}
}

/* ---- events and following ---- */

static void events_stand_between_snapshots(void **state)
{
	struct kit *kit = *state;

	roll_kit_snap(kit, at(0), "h1=a h2=b");
	assert_true(roll_kit_event(kit, "h1", "c", at(2)));
	assert_false(roll_kit_event(kit, "h1", "c", at(3)));
	assert_true(roll_kit_event(kit, "h1", "-a", at(4)));
	assert_false(roll_kit_event(kit, "h1", "-a", at(5)));
	assert_true(roll_kit_event(kit, "h2", "a", at(6)));
	expect_state(kit, at(1), "h1=a h2=b");
	expect_state(kit, at(3), "h1=a,c h2=b");
	expect_state(kit, at(5), "h1=c h2=b");
	expect_state(kit, at(7), "h1=c h2=a,b");
	roll_kit_snap(kit, at(15), "h1=c h2=a,b");
	expect_state(kit, at(3), "h1=a,c h2=b");
	expect_state(kit, at(7), "h1=c h2=a,b");
	expect_state(kit, WHEN_UNKNOWN, "h1=c h2=a,b");
	roll_kit_snap(kit, at(30), "h1=! h2=a,b");
	expect_state(kit, at(3), "h1=a,c h2=b");
	expect_state(kit, WHEN_UNKNOWN, "h1!=c h2=a,b");
}

static uint64_t revision_of(struct store *store)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, store, &e), &e);
	return store_view_revision(view);
}

/* A host that was away comes back with all of its VMs changed: not a transaction a VM. */
static void events_of_one_instant_are_one_change(void **state)
{
	enum { VMS = 300 };
	struct kit *kit = *state;
	struct vm vms[VMS];
	const struct vm *pointers[VMS];
	struct err e = {0};
	bool changed = false;

	roll_kit_snap(kit, at(0), "h1=a h2=");
	for (size_t i = 0; i < VMS; i++) {
		cleanup(cleanup_mem) char *name = mem_format("v%zu", i);
		roll_kit_vm(name, &vms[i]);
		pointers[i] = &vms[i];
	}
	uint64_t before = revision_of(kit->store);
	assert_ok(roll_put_events(kit->store, roll_kit_host_uuid("h1"), pointers, VMS, at(1), &changed, &e), &e);
	assert_true(changed);
	/* 300 records and their hints, at most 128 operations a batch. */
	assert_in_range(revision_of(kit->store) - before, 1, 30);
	assert_ok(roll_put_events(kit->store, roll_kit_host_uuid("h1"), pointers, VMS, at(2), &changed, &e), &e);
	assert_false(changed);
	assert_ok(roll_put_events(kit->store, roll_kit_host_uuid("h1"), pointers, 0, at(2), &changed, &e), &e);
	assert_false(changed);
	expect_state(kit, at(0.5), "h1=a h2=");
	for (size_t i = 2; i < VMS; i++)
		vms[i].state = VM_GONE;
	assert_ok(roll_put_events(kit->store, roll_kit_host_uuid("h1"), pointers, VMS, at(3), &changed, &e), &e);
	assert_true(changed);
	expect_state(kit, WHEN_UNKNOWN, "h1=a,v0,v1 h2=");
	for (size_t i = 0; i < VMS; i++)
		vm_done(&vms[i]);
}

static void an_event_of_an_unknown_host_is_refused(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(vm_done) struct vm vm;

	roll_kit_snap(kit, at(0), "h1=a");
	roll_kit_vm("b", &vm);
	assert_error(roll_put_event(kit->store, roll_kit_host_uuid("h9"), &vm, at(1), NULL, &e), ERR_USAGE,
		     &e, "no list yet");
}

/* The list was answered at minute 15, but is put after events of minutes 14 and 16. */
static void an_event_later_than_the_answer_wins(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
	struct hosts hosts = {0};
	struct err e = {0};
	char path[] = "/tmp/vmroll-hosts-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");
	struct roll_host host = {.name = (char *)"h1", .cpus = 8, .mhz = VM_UNKNOWN, .memory_bytes = VM_UNKNOWN};
	struct vm list[3];

	roll_kit_snap(kit, at(0), "h1=a,b");
	fputs("h1 - test:/// -\n", file);
	fclose(file);
	assert_ok(hosts_read(&hosts, path, &e), &e);
	unlink(path);
	memcpy(host.uuid, roll_kit_host_uuid("h1"), VM_UUID_SIZE);
	assert_ok(roll_begin(&writer, kit->store, &hosts, at(13), &e), &e);
	roll_kit_event(kit, "h1", "e", at(14));  /* missed to end: the list knows better */
	roll_kit_event(kit, "h1", "-b", at(16)); /* later than the list */
	roll_kit_event(kit, "h1", "d", at(16));
	const char *const names[] = {"a-", "b", "c"};
	for (size_t i = 0; i < 3; i++)
		roll_kit_vm(names[i], &list[i]);
	assert_ok(roll_put_list(writer, &host, list, 3, at(15), NULL, &e), &e);
	assert_ok(roll_finish(writer, at(17), &e), &e);
	expect_state(kit, WHEN_UNKNOWN, "h1=a-,c,d");
	for (size_t i = 0; i < 3; i++)
		vm_done(&list[i]);
	hosts_done(&hosts);
}

static void a_host_is_followed_while_somebody_lives(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	uint64_t first, second;
	unsigned char h1[VM_UUID_SIZE], h2[VM_UUID_SIZE];

	memcpy(h1, roll_kit_host_uuid("h1"), sizeof h1);
	memcpy(h2, roll_kit_host_uuid("h2"), sizeof h2);
	roll_kit_snap(kit, at(0), "h1=a h2=b");
	assert_ok(roll_follow_open(kit->store, at(1), &first, &e), &e);
	assert_ok(roll_follow_begin(kit->store, first, h1, at(1), &e), &e);
	assert_ok(roll_follow_begin(kit->store, first, h2, at(1), &e), &e);
	assert_ok(roll_follow_alive(kit->store, first, at(5), &e), &e);
	assert_ok(roll_follow_end(kit->store, first, h2, at(3), "connection lost", &e), &e);
	assert_ok(roll_follow_end(kit->store, first, h2, at(4), "again", &e), &e);
	expect_state(kit, at(0.5), "h1=a h2=b");
	expect_state(kit, at(2), "h1~=a h2~=b");
	expect_state(kit, at(3), "h1~=a h2~=b");
	expect_state(kit, at(4), "h1~=a h2=b");
	expect_state(kit, at(5) + 2 * ROLL_FOLLOW_PERIOD_MS, "h1~=a h2=b");
	expect_state(kit, at(5) + 2 * ROLL_FOLLOW_PERIOD_MS + 1, "h1=a h2=b");

	/* The first was killed; the heartbeat of its successor is none of its own. */
	assert_ok(roll_follow_open(kit->store, at(10), &second, &e), &e);
	assert_ok(roll_follow_begin(kit->store, second, h2, at(10), &e), &e);
	assert_ok(roll_follow_alive(kit->store, second, at(12), &e), &e);
	assert_int_not_equal(first, second);
	expect_state(kit, at(11), "h1=a h2~=b");
	expect_state(kit, at(2), "h1~=a h2~=b");
}

/* ---- finding ---- */

static void find(struct kit *kit, const char *text, int wanted_result, size_t wanted_count)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll) struct roll *roll = NULL;
	struct roll_vm *vms = NULL;
	struct err e = {0};
	size_t count = 0;

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_open(&roll, view, WHEN_UNKNOWN, &e), &e);
	int result = roll_find_vms(roll, text, &vms, &count, &e);
	if (result != wanted_result || count != wanted_count)
		fail_msg("'%s': %d with %zu, not %d with %zu: %s", text, result, count, wanted_result,
			 wanted_count, e.text);
	for (size_t i = 0; i < count; i++)
		roll_vm_done(&vms[i]);
	free(vms);
}

static void people_name_vms_in_many_ways(void **state)
{
	struct kit *kit = *state;
	unsigned char swapped[VM_UUID_SIZE];
	char uuid[VM_UUID_TEXT_SIZE], other[VM_UUID_TEXT_SIZE], mac[VM_MAC_TEXT_SIZE], upper[VM_MAC_TEXT_SIZE];
	cleanup(cleanup_mem) char *long_name = mem_zalloc(1001, 1);
	cleanup(cleanup_mem) char *list = NULL;

	memset(long_name, 'n', 1000);
	list = mem_format("h1=web,web1,web12,a@h2,%s,%s1,twin,both h2=mail,twin:2,both h3=x,x:2", long_name,
			  long_name);
	roll_kit_snap(kit, at(0), list);
	vm_uuid_format(roll_kit_vm_uuid("mail"), uuid);
	vm_uuid_swap(roll_kit_vm_uuid("mail"), swapped);
	vm_uuid_format(swapped, other);
	vm_mac_format((unsigned char[]){0x52, 0x54, 0, roll_kit_vm_uuid("mail")[13],
					roll_kit_vm_uuid("mail")[14], roll_kit_vm_uuid("mail")[15]},
		      mac);
	for (size_t i = 0; i < sizeof upper; i++)
		upper[i] = mac[i] == ':' ? '-' : mac[i];

	find(kit, "mail", 0, 1);
	find(kit, uuid, 0, 1);
	find(kit, other, 0, 1);
	find(kit, mac, 0, 1);
	find(kit, upper, 0, 1);
	uuid[13] = '\0';
	find(kit, uuid, 0, 1);
	find(kit, "mai", 0, 1);
	find(kit, "web", 0, 1); /* exact wins */
	find(kit, "we", ERR_AMBIGUOUS, 0);
	find(kit, "web1", 0, 1);
	find(kit, "web12@h1", 0, 1);
	find(kit, "web12@h2", 0, 0);
	find(kit, "a@h2", 0, 1);
	find(kit, "a@h2@h1", 0, 1);
	find(kit, "twin", 0, 2); /* two VMs of one name */
	find(kit, "twin@h2", 0, 1);
	find(kit, "both", 0, 2); /* one VM on two hosts */
	find(kit, "both@h2", 0, 1);
	find(kit, "bot", 0, 2);
	find(kit, "twi", ERR_AMBIGUOUS, 0);
	find(kit, "nothing", 0, 0);
	find(kit, "", ERR_USAGE, 0);
	find(kit, long_name, 0, 1);
	roll_kit_snap(kit, at(15), "h1=web1- h2=mail");
	find(kit, "web", 0, 1); /* a prefix of one only, now; and shut off */
	find(kit, "twin", 0, 0);
}

static void a_vm_of_the_past_is_found_in_history(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	unsigned char *uuids;
	struct err e = {0};
	size_t count;

	roll_kit_snap(kit, at(0), "h1=a h2=");
	roll_kit_snap(kit, at(15), "h1= h2=a");
	roll_kit_snap(kit, at(30), "h1= h2=");
	roll_kit_snap(kit, at(45), "h1=a- h2=");
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_find_ever(view, "a", &uuids, &count, &e), &e);
	assert_int_equal(count, 1);
	assert_memory_equal(uuids, roll_kit_vm_uuid("a"), VM_UUID_SIZE);
	free(uuids);

	struct roll_interval *intervals;
	assert_ok(roll_history(view, roll_kit_vm_uuid("a"), &intervals, &count, &e), &e);
	assert_int_equal(count, 3);
	static const struct {
		const char *host;
		double from, until;
		uint64_t snapshot;
	} wanted[] = {{"h1", 0, 15, 1}, {"h2", 15, 30, 2}, {"h1", 45, 0, 4}};
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(intervals[i].host, wanted[i].host);
		assert_int_equal(intervals[i].from, at(wanted[i].from) + SECOND);
		assert_int_equal(intervals[i].until,
				 wanted[i].until > 0 ? at(wanted[i].until) + SECOND : WHEN_UNKNOWN);
		assert_int_equal(intervals[i].snapshot, wanted[i].snapshot);
		assert_false(intervals[i].followed);
		roll_interval_done(&intervals[i]);
	}
	free(intervals);
}

static void snapshots_are_listed_newest_first(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll_snapshots) struct roll_snapshots *list = NULL;
	struct roll_snapshot snapshot;
	struct err e = {0};

	roll_kit_snap(kit, at(0), "h1=a,b h2=!");
	roll_kit_unfinished(kit, at(10), "h1=a,b h2=c");
	roll_kit_snap(kit, at(15), "h1=a,b h2=c h3=?");
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(roll_snapshots_open(&list, view, &e), &e);
	assert_int_equal(roll_snapshots_next(list, &snapshot, &e), 1);
	assert_int_equal(snapshot.id, 3);
	assert_int_equal(snapshot.begun, at(15));
	assert_int_equal(snapshot.ended, at(15) + 2 * SECOND);
	assert_int_equal(snapshot.hosts, 3);
	assert_int_equal(snapshot.not_asked, 1);
	assert_int_equal(snapshot.vms, 3);
	assert_int_equal(roll_snapshots_next(list, &snapshot, &e), 1);
	assert_int_equal(snapshot.id, 1);
	assert_int_equal(snapshot.failed, 1);
	assert_int_equal(roll_snapshots_next(list, &snapshot, &e), 0);
}

/* More than a batch takes: results and names stand in several records. */
static void thousands_of_hosts_are_kept_in_chunks(void **state)
{
	struct kit *kit = *state;
	enum { COUNT = 4000 };
	cleanup(cleanup_mem) char *long_name = mem_zalloc(1, 151);
	struct hosts hosts = {0};
	char path[] = "/tmp/vmroll-hosts-XXXXXX";
	struct err e = {0};
	FILE *file = fdopen(mkstemp(path), "w");

	memset(long_name, 'x', 150);
	for (unsigned i = 0; i < COUNT; i++)
		fprintf(file, "h%05u%s - test:/// -\n", i, long_name);
	fclose(file);
	assert_ok(hosts_read(&hosts, path, &e), &e);
	unlink(path);
	for (unsigned round = 0; round < 2; round++) {
		cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
		assert_ok(roll_begin(&writer, kit->store, &hosts, at(round), &e), &e);
		for (unsigned i = 0; i < COUNT; i++) {
			cleanup(cleanup_mem) char *why = mem_format("%u %u %s", round, i, long_name);
			assert_ok(roll_put_failure(writer, hosts.items[i].name, ERR_NET, why, &e), &e);
		}
		assert_ok(roll_finish(writer, at(round), &e), &e);
	}
	hosts_done(&hosts);

	cleanup(cleanup_store_view) struct store_view *view = NULL;
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	for (unsigned round = 0; round < 2; round++) {
		cleanup(cleanup_roll) struct roll *roll = NULL;
		assert_ok(roll_open(&roll, view, at(round), &e), &e);
		assert_int_equal(roll_host_count(roll), COUNT);
		assert_int_equal(roll_snapshot(roll)->failed, COUNT);
		for (unsigned i = 0; i < COUNT; i += 399) {
			cleanup(roll_list_done) struct roll_list list = {0};
			cleanup(cleanup_mem) char *why = mem_format("%u %u %s", round, i, long_name);
			assert_int_equal(roll_host_at(roll, i, &list, &e), 1);
			assert_string_equal(list.why, why);
			assert_int_equal(list.answered, WHEN_UNKNOWN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(a_store_without_a_snapshot_says_so),
		kit_test(any_instant_can_be_asked),
		kit_test(a_failing_host_keeps_its_list_and_is_stale),
		kit_test(the_writer_knows_who_failed_last_time),
		kit_test(a_clock_set_back_loses_and_reorders_nothing),
		kit_test(the_snapshot_of_an_instant_is_found_whatever_the_clock_did),
		kit_test(an_unfinished_snapshot_leaves_whole_lists),
		kit_test(a_host_is_its_uuid),
		kit_test(a_host_that_leaves_ends_and_may_return),
		kit_test(a_renamed_host_goes_on),
		kit_test(a_host_of_derived_identity_is_renamed_by_hand),
		kit_test(forgetting_ends_a_host),
		kit_test(two_names_of_one_host_are_refused),
		kit_test(nothing_changed_is_nothing_written),
		kit_test(what_xml_said_is_kept_while_it_is_not_read),
		kit_test(since_is_when_the_state_began),
		kit_test(events_stand_between_snapshots),
		kit_test(events_of_one_instant_are_one_change),
		kit_test(an_event_of_an_unknown_host_is_refused),
		kit_test(an_event_later_than_the_answer_wins),
		kit_test(a_host_is_followed_while_somebody_lives),
		kit_test(people_name_vms_in_many_ways),
		kit_test(a_vm_of_the_past_is_found_in_history),
		kit_test(snapshots_are_listed_newest_first),
		kit_test(thousands_of_hosts_are_kept_in_chunks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
