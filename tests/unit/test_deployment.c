/*
 * test_deployment.c - a plan of any size is there whole or not at all, two planners never promise the same room, and
 * a base goes with its last user; whichever commit a process is killed at.
 */
#include "config.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deployment.h"
#include "keys.h"
#include "lock.h"
#include "mem.h"
#include "references.h"
#include "store_kit.h"
#include "when.h"

enum { GIB = 1 << 30 };

static long commits_left = -1; /* negative: nobody dies */
static bool die_before;

int __real_store_batch_commit(struct store_batch *batch, struct err *e);
int __wrap_store_batch_commit(struct store_batch *batch, struct err *e);

int __wrap_store_batch_commit(struct store_batch *batch, struct err *e)
{
	bool last = commits_left == 0;

	if (last && die_before)
		raise(SIGKILL);
	int result = __real_store_batch_commit(batch, e);
	if (last)
		raise(SIGKILL);
	if (commits_left > 0)
		commits_left--;
	return result;
}

/* ---- what is planned ---- */

static void add_disk(struct deployed *machine, const char *volume, bool linked)
{
	struct deployed_disk *disk = vec_push_zero(&machine->disks);

	disk->target = mem_string("vda");
	disk->volume = mem_string(volume);
	disk->format = mem_string("qcow2");
	disk->base = mem_string(linked ? "base-7.1-vda.raw" : NULL);
	disk->capacity_bytes = GIB;
	disk->need_bytes = GIB;
}

static void make_machine(struct deployment *deployment, size_t number)
{
	struct deployed *machine = vec_push_zero(&deployment->machines);
	cleanup(cleanup_mem) char *volume = mem_format("%s-web%zu-vda.%llu.qcow2", deployment->name,
						       number + 1, (unsigned long long)deployment->id);

	machine->name = mem_format("%s-web%zu", deployment->name, number + 1);
	machine->member = mem_format("web%zu", number + 1);
	memset(machine->uuid, (int)number, sizeof machine->uuid);
	machine->host = mem_format("host%zu", number % 3 + 1);
	machine->address = mem_string("10.0.0.1");
	machine->uri = mem_string("qemu+tcp://10.0.0.1/system");
	machine->pool = mem_string("default");
	machine->pool_path = mem_string("/var/lib/libvirt/images");
	machine->image = 7;
	machine->generation = 1;
	machine->memory_bytes = 100;
	vec_push(&machine->macs, mem_string("52:54:00:00:00:01"));
	add_disk(machine, volume, deployment->linked);
}

static struct deployment make(uint64_t id, const char *name, size_t machines, bool linked)
{
	struct deployment deployment = {
		.id = id,
		.name = mem_string(name),
		.group = 5,
		.group_name = mem_string("shop"),
		.begun = 1000,
		.ended = WHEN_UNKNOWN,
		.linked = linked,
		.start = true,
	};

	for (size_t i = 0; i < machines; i++)
		make_machine(&deployment, i);
	return deployment;
}

static void add_base(struct deployed_bases *bases, const char *host)
{
	struct deployed_base *base = vec_push_zero(bases);

	base->host = mem_string(host);
	base->uri = mem_string("qemu+tcp://10.0.0.1/system");
	base->pool = mem_string("default");
	base->volume = mem_string("base-7.1-vda.raw");
	base->target = mem_string("vda");
	base->image = 7;
	base->generation = 1;
	base->capacity_bytes = base->need_bytes = GIB;
}

static struct deployed_bases three_bases(void)
{
	struct deployed_bases bases = {0};

	add_base(&bases, "host1");
	add_base(&bases, "host2");
	add_base(&bases, "host3");
	return bases;
}

static struct deployment_basis basis_of(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct deployment_basis basis;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(deployment_basis(view, &basis, &e), &e);
	return basis;
}

static int plan(struct kit *kit, const struct deployment *deployment, const struct deployed_bases *bases,
		struct err *e)
{
	static const struct deployed_bases none;
	struct deployment_basis basis = basis_of(kit);

	return deployment_plan(kit->store, deployment, bases ? bases : &none, &basis, e);
}

static int find(struct kit *kit, const char *name, struct deployment *deployment)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	int result = deployment_find(view, name, deployment, &e);
	assert_ok(result, &e);
	return result;
}

static size_t count_keys(struct kit *kit, const char *prefix)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct err e = {0};
	size_t count = 0;

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(store_cursor_open(&cursor, view, prefix, strlen(prefix), false, &e), &e);
	while (store_cursor_next(cursor, &item, &e) == 1)
		count++;
	return count;
}

static struct deployed_bases all_bases(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct deployed_bases bases = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(deployment_all_bases(view, &bases, &e), &e);
	return bases;
}

/* ---- the cases ---- */

static void what_is_planned_is_read_back(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment made = make(9, "d1", 3, true), read = {0};
	cleanup(deployed_bases_done) struct deployed_bases bases = three_bases();
	struct err e = {0};

	assert_int_equal(find(kit, "d1", &read), 0);
	assert_ok(plan(kit, &made, &bases, &e), &e);
	assert_int_equal(find(kit, "d1", &read), 1);
	assert_int_equal(read.id, 9);
	assert_string_equal(read.group_name, "shop");
	assert_int_equal(read.group, 5);
	assert_int_equal(read.begun, 1000);
	assert_true(read.ended == WHEN_UNKNOWN && read.linked && read.start && !read.reset_identity);
	assert_null(read.failure);
	assert_int_equal(read.state, DEPLOYMENT_BUILDING);
	assert_int_equal(read.machines.count, 3);
	const struct deployed *machine = &read.machines.items[2];
	assert_string_equal(machine->name, "d1-web3");
	assert_string_equal(machine->member, "web3");
	assert_memory_equal(machine->uuid, made.machines.items[2].uuid, VM_UUID_SIZE);
	assert_string_equal(machine->host, "host3");
	assert_string_equal(machine->address, "10.0.0.1");
	assert_string_equal(machine->pool_path, "/var/lib/libvirt/images");
	assert_int_equal(machine->image, 7);
	assert_int_equal(machine->generation, 1);
	assert_int_equal(machine->memory_bytes, 100);
	assert_string_equal(machine->macs.items[0], "52:54:00:00:00:01");
	assert_int_equal(machine->state, DEPLOYED_PLANNED);
	assert_null(machine->guest_address);
	assert_string_equal(machine->disks.items[0].volume, "d1-web3-vda.9.qcow2");
	assert_string_equal(machine->disks.items[0].base, "base-7.1-vda.raw");
	assert_int_equal(machine->disks.items[0].need_bytes, GIB);
}

static void each_step_is_recorded(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment made = make(9, "d1", 3, false), read = {0};
	struct err e = {0};

	assert_ok(plan(kit, &made, NULL, &e), &e);
	made.machines.items[1].state = DEPLOYED_DEFINED;
	made.machines.items[1].guest_address = mem_string("10.1.1.1");
	assert_ok(deployment_put_machine(kit->store, &made, 1, &e), &e);
	made.state = DEPLOYMENT_REMOVING;
	made.ended = 2000;
	made.failure = mem_string("host1: disk full");
	assert_ok(deployment_put(kit->store, &made, &e), &e);
	assert_int_equal(find(kit, "d1", &read), 1);
	assert_int_equal(read.state, DEPLOYMENT_REMOVING);
	assert_int_equal(read.ended, 2000);
	assert_string_equal(read.failure, "host1: disk full");
	assert_int_equal(read.machines.items[0].state, DEPLOYED_PLANNED);
	assert_int_equal(read.machines.items[1].state, DEPLOYED_DEFINED);
	assert_string_equal(read.machines.items[1].guest_address, "10.1.1.1");
}

static void two_thousand_machines_are_one_plan(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment made = make(9, "big", 2000, true), read = {0};
	cleanup(deployed_bases_done) struct deployed_bases bases = {0};
	struct err e = {0};

	for (int i = 0; i < 300; i++) {
		cleanup(cleanup_mem) char *host = mem_format("host%d", i);
		add_base(&bases, host);
	}
	assert_ok(plan(kit, &made, &bases, &e), &e);
	assert_int_equal(find(kit, "big", &read), 1);
	assert_int_equal(read.machines.count, 2000);
	assert_string_equal(read.machines.items[1999].name, "big-web2000");
	cleanup(deployed_bases_done) struct deployed_bases found = all_bases(kit);
	assert_int_equal(found.count, 300);
	vec_foreach(&found, base)
		assert_int_equal(base->users.count, 1);
	assert_ok(deployment_forget(kit->store, &made, &e), &e);
	assert_int_equal(count_keys(kit, "dep/vm/") + count_keys(kit, "dep/id/") + count_keys(kit, "dep/n/") +
				 count_keys(kit, "dep/use/"),
			 0);
}

static void of_two_planners_one_plans_again(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment first = make(9, "d1", 3, false),
						   second = make(10, "d2", 3, false), read = {0};
	static const struct deployed_bases none;
	struct err e = {0};

	struct deployment_basis basis = basis_of(kit);
	assert_ok(deployment_plan(kit->store, &first, &none, &basis, &e), &e);
	assert_error(deployment_plan(kit->store, &second, &none, &basis, &e), ERR_CONFLICT, &e, "another plan");
	assert_int_equal(find(kit, "d2", &read), 0);
	/* Next time it may be a smaller one. */
	deployed_done(&second.machines.items[2]);
	second.machines.count = 2;
	basis = basis_of(kit);
	assert_ok(deployment_plan(kit->store, &second, &none, &basis, &e), &e);
	assert_int_equal(find(kit, "d2", &read), 1);
	assert_int_equal(read.machines.count, 2);
}

static void a_taken_name_is_told_as_such(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment first = make(9, "d1", 1, false),
						   second = make(10, "d1", 1, false);
	struct err e = {0};

	assert_ok(plan(kit, &first, NULL, &e), &e);
	assert_error(plan(kit, &second, NULL, &e), ERR_CONFLICT, &e, "name");
	assert_string_equal(e.text, "name");
}

static void a_group_or_image_deleted_meanwhile_is_a_conflict(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment made = make(9, "d1", 1, false);
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(kit->store);
	static const struct deployed_bases none;
	struct err e = {0};

	struct deployment_basis basis = basis_of(kit);
	references_hold(batch, basis.references);
	assert_ok(store_batch_commit(batch, &e), &e);
	assert_error(deployment_plan(kit->store, &made, &none, &basis, &e), ERR_CONFLICT, &e, "another plan");
}

static uint64_t half(void *context, const char *volume)
{
	(void)context;
	return strstr(volume, "web1-") ? GIB / 2 : UINT64_MAX;
}

static struct deployment_promise promised(struct kit *kit, const char *host, const char *pool)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(deployments_done) struct deployments all = {0};
	cleanup(deployed_bases_done) struct deployed_bases bases = all_bases(kit);
	struct deployment_promise promise = {.host = host, .pool = pool, .allocated = half};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(deployment_all(view, &all, &e), &e);
	deployment_promised(&all, &bases, &promise);
	return promise;
}

static void what_is_promised_is_what_was_not_taken_yet(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment made = make(9, "d1", 4, true);
	cleanup(deployed_bases_done) struct deployed_bases bases = three_bases();
	struct err e = {0};

	assert_ok(plan(kit, &made, &bases, &e), &e);
	/* host1: web1, half of it there, web4, and the base. */
	assert_int_equal(promised(kit, "host1", "default").storage_bytes, UINT64_C(5) * GIB / 2);
	assert_int_equal(promised(kit, "host1", "default").memory_bytes, 200);
	assert_int_equal(promised(kit, "host1", "other").storage_bytes, 0);
	assert_int_equal(promised(kit, "host9", "default").storage_bytes, 0);
	made.state = DEPLOYMENT_DONE;
	assert_ok(deployment_put(kit->store, &made, &e), &e);
	assert_int_equal(promised(kit, "host1", "default").storage_bytes, UINT64_C(5) * GIB / 2);
	assert_int_equal(promised(kit, "host1", "default").memory_bytes, 0);
	made.machines.items[3].state = DEPLOYED_REMOVED;
	assert_ok(deployment_put_machine(kit->store, &made, 3, &e), &e);
	assert_int_equal(promised(kit, "host1", "default").storage_bytes, UINT64_C(3) * GIB / 2);
}

static void a_base_goes_with_its_last_user(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment first = make(9, "d1", 3, true),
						   second = make(10, "d2", 3, true);
	cleanup(deployed_bases_done) struct deployed_bases bases = three_bases();
	struct err e = {0};

	assert_ok(plan(kit, &first, &bases, &e), &e);
	bases.items[0].whole = true;
	assert_ok(deployment_put_base(kit->store, &bases.items[0], &e), &e);
	bases.items[0].whole = false;
	assert_ok(plan(kit, &second, &bases, &e), &e);
	cleanup(deployed_bases_done) struct deployed_bases found = all_bases(kit);
	assert_int_equal(found.count, 3);
	assert_true(found.items[0].whole && !found.items[1].whole);
	assert_int_equal(found.items[0].users.count, 2);
	struct deployment_basis before = basis_of(kit);
	assert_int_equal(deployment_leave_base(kit->store, 9, &found.items[0], &e), 0);
	assert_true(basis_of(kit).plans > before.plans);
	assert_int_equal(deployment_leave_base(kit->store, 9, &found.items[0], &e), 0);
	assert_int_equal(deployment_leave_base(kit->store, 10, &found.items[0], &e), 1);
	assert_int_equal(deployment_leave_base(kit->store, 10, &found.items[0], &e), 1);
	assert_int_equal(deployment_condemn_base(kit->store, 10, &found.items[0], &e), 1);
	cleanup(deployed_bases_done) struct deployed_bases condemned = all_bases(kit);
	assert_true(condemned.count == 3 && !condemned.items[0].whole);
	assert_int_equal(condemned.items[0].users.count, 1);
	assert_ok(deployment_forget_base(kit->store, 10, &found.items[0], &e), &e);
	cleanup(deployed_bases_done) struct deployed_bases left = all_bases(kit);
	assert_int_equal(left.count, 2);
	assert_string_equal(left.items[0].host, "host2");
}

static void who_comes_to_a_condemned_base_keeps_it_recorded(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment first = make(9, "d1", 3, true),
						   second = make(10, "d2", 3, true),
						   third = make(11, "d3", 3, true);
	cleanup(deployed_bases_done) struct deployed_bases bases = three_bases();
	struct err e = {0};

	assert_ok(plan(kit, &first, &bases, &e), &e);
	assert_int_equal(deployment_leave_base(kit->store, 9, &bases.items[0], &e), 1);
	assert_ok(plan(kit, &second, &bases, &e), &e);
	assert_int_equal(deployment_condemn_base(kit->store, 9, &bases.items[0], &e), 0);
	assert_int_equal(deployment_condemn_base(kit->store, 10, &bases.items[0], &e), 1);
	assert_ok(plan(kit, &third, &bases, &e), &e);
	assert_ok(deployment_forget_base(kit->store, 10, &bases.items[0], &e), &e);
	cleanup(deployed_bases_done) struct deployed_bases left = all_bases(kit);
	assert_int_equal(left.count, 3);
	assert_int_equal(left.items[0].users.count, 1);
	assert_int_equal(left.items[0].users.items[0], 11);
}

static void a_base_of_its_own_is_another_one(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment first = make(9, "d1", 1, true),
						   second = make(10, "d2", 1, true);
	cleanup(deployed_bases_done) struct deployed_bases bases = {0};
	struct err e = {0};

	add_base(&bases, "host1");
	assert_ok(plan(kit, &first, &bases, &e), &e);
	bases.items[0].own = 10;
	assert_ok(plan(kit, &second, &bases, &e), &e);
	cleanup(deployed_bases_done) struct deployed_bases found = all_bases(kit);
	assert_int_equal(found.count, 2);
	assert_int_equal(found.items[0].users.items[0], 9);
	assert_int_equal(found.items[1].users.items[0], 10);
}

static void names_too_long_for_a_key_are_refused(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment made = make(9, "d1", 1, true), read = {0};
	cleanup(deployed_bases_done) struct deployed_bases bases = {0};
	struct err e = {0};

	add_base(&bases, "host1");
	free(bases.items[0].pool);
	bases.items[0].pool = mem_alloc(1001);
	memset(bases.items[0].pool, 'p', 1000);
	bases.items[0].pool[1000] = '\0';
	assert_error(plan(kit, &made, &bases, &e), ERR_USAGE, &e, "too long");
	assert_int_equal(find(kit, "d1", &read), 0);
}

static size_t users(struct kit *kit, uint64_t image, uint64_t generation)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_texts_done) struct image_texts names = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(deployment_users(view, image, generation, &names, &e), &e);
	return names.count;
}

static void who_uses_an_image_and_who_still_reads_it(void **state)
{
	struct kit *kit = *state;
	cleanup(deployment_done) struct deployment made = make(9, "d1", 2, true);
	struct err e = {0};

	assert_ok(plan(kit, &made, NULL, &e), &e);
	assert_int_equal(users(kit, 7, 0), 1);
	assert_int_equal(users(kit, 7, 1), 1);
	assert_int_equal(users(kit, 7, 2), 0);
	assert_int_equal(users(kit, 8, 0), 0);
	made.state = DEPLOYMENT_DONE;
	assert_ok(deployment_put(kit->store, &made, &e), &e);
	assert_int_equal(users(kit, 7, 0), 1);
	assert_int_equal(users(kit, 7, 1), 0);
	for (size_t i = 0; i < 2; i++) {
		made.machines.items[i].state = DEPLOYED_REMOVED;
		assert_ok(deployment_put_machine(kit->store, &made, i, &e), &e);
	}
	assert_int_equal(users(kit, 7, 0), 0);
}

static void deployments_are_found_by_name_and_by_group(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(deployment_done) struct deployment first = make(9, "shop-b", 1, false),
						   second = make(10, "shop-a", 1, false), read = {0};
	cleanup(deployments_done) struct deployments all = {0}, of_group = {0}, of_none = {0};
	struct err e = {0};

	second.group = 6;
	assert_ok(plan(kit, &first, NULL, &e), &e);
	assert_ok(plan(kit, &second, NULL, &e), &e);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(deployment_all(view, &all, &e), &e);
	assert_int_equal(all.count, 2);
	assert_string_equal(all.items[0].name, "shop-a");
	assert_ok(deployment_of_group(view, 5, &of_group, &e), &e);
	assert_int_equal(of_group.count, 1);
	assert_string_equal(of_group.items[0].name, "shop-b");
	assert_ok(deployment_of_group(view, 4, &of_none, &e), &e);
	assert_int_equal(of_none.count, 0);
	assert_error(deployment_require(view, "shop", &read, &e), ERR_AMBIGUOUS, &e, "shop-a");
	assert_error(deployment_require(view, "x", &read, &e), ERR_NOT_FOUND, &e, "no deployment 'x'");
	assert_ok(deployment_require(view, "shop-b", &read, &e), &e);
	assert_int_equal(read.id, 9);
}

static void a_record_that_is_cut_or_missing_is_said(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(deployment_done) struct deployment made = make(9, "d1", 3, false), read = {0};
	struct key key;
	struct err e = {0};

	assert_ok(plan(kit, &made, NULL, &e), &e);
	key_add_u64(key_add_u64(key_begin(&key, KEY_DEPLOYED), 9), 1);
	assert_ok(store_delete(kit->store, key.bytes, key.length, &e), &e);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(deployment_find(view, "d1", &read, &e), ERR_CORRUPT, &e, "2 VMs of 3");
	store_view_close(view);
	view = NULL;
	assert_ok(store_put(kit->store, key.bytes, key.length, "\xBF\x00\x01\xFF", 4, &e), &e);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(deployment_find(view, "d1", &read, &e), ERR_CORRUPT, &e, "d1");
}

static void one_process_works_at_a_deployment(void **state)
{
	struct kit *kit = *state;
	cleanup(lock_done) struct lock first = LOCK_NONE, second = LOCK_NONE, other = LOCK_NONE;
	struct err e = {0};

	assert_ok(deployment_lock(kit->uri, 9, &first, &e), &e);
	assert_int_equal(deployment_lock(kit->uri, 9, &second, &e), ERR_LOCKED);
	assert_ok(deployment_lock(kit->uri, 10, &other, &e), &e);
	lock_done(&first);
	assert_ok(deployment_lock(kit->uri, 9, &second, &e), &e);
}

/* ---- killed at each commit ---- */

enum { MANY = 300 };

/* Runs WORK in a child that dies before or after its commit NUMBER; true if it lived to the end. */
static bool run_until(struct kit *kit, long number, bool before, void (*work)(struct kit *kit))
{
	int status;

	kit_close(kit);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct kit own = {.uri = kit->uri};
		kit_reopen(&own, STORE_WRITE);
		commits_left = number;
		die_before = before;
		work(&own);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WTERMSIG(status) != SIGKILL)
		fail_msg("at commit %ld: status %x", number, (unsigned)status);
	kit_reopen(kit, STORE_WRITE);
	return WIFEXITED(status);
}

static void plan_many(struct kit *kit)
{
	cleanup(deployment_done) struct deployment made = make(9, "many", MANY, true);
	cleanup(deployed_bases_done) struct deployed_bases bases = three_bases();
	cleanup(lock_done) struct lock lock = LOCK_NONE;

	if (deployment_lock(kit->uri, 9, &lock, NULL) < 0 || plan(kit, &made, &bases, NULL) < 0)
		_exit(1);
}

static void leave_and_forget(struct kit *kit)
{
	cleanup(deployment_done) struct deployment made = make(9, "many", MANY, true);
	cleanup(deployed_bases_done) struct deployed_bases bases = three_bases();
	cleanup(lock_done) struct lock lock = LOCK_NONE;

	if (deployment_lock(kit->uri, 9, &lock, NULL) < 0)
		_exit(1);
	for (size_t i = 0; i < bases.count; i++)
		if (deployment_forget_base(kit->store, 9, &bases.items[i], NULL) < 0)
			_exit(1);
	if (deployment_forget(kit->store, &made, NULL) < 0)
		_exit(1);
}

static void expect_nothing(struct kit *kit)
{
	struct err e = {0};

	assert_ok(deployment_tidy(kit->store, kit->uri, &e), &e);
	assert_int_equal(count_keys(kit, "dep/"), 0);
}

static bool expect_whole_or_nothing(struct kit *kit)
{
	cleanup(deployment_done) struct deployment read = {0};

	if (find(kit, "many", &read) == 0) {
		expect_nothing(kit);
		return false;
	}
	assert_int_equal(read.machines.count, MANY);
	assert_int_equal(promised(kit, "host3", "default").memory_bytes, MANY / 3 * 100);
	return true;
}

static void expect_whole(struct kit *kit)
{
	struct err e = {0};

	assert_ok(deployment_tidy(kit->store, kit->uri, &e), &e);
	assert_true(expect_whole_or_nothing(kit));
	cleanup(deployed_bases_done) struct deployed_bases bases = all_bases(kit);
	assert_int_equal(bases.count, 3);
	vec_foreach(&bases, base)
		assert_int_equal(base->users.count, 1);
}

static void a_killed_plan_is_whole_or_nothing(void **state)
{
	struct kit *kit = *state;
	unsigned whole = 0, nothing = 0;
	bool finished = false;

	for (long number = 0; !finished; number++)
		for (int before = 0; before <= 1; before++) {
			finished = run_until(kit, number, before, plan_many);
			bool is_whole = expect_whole_or_nothing(kit);
			assert_true(is_whole || !finished);
			if (is_whole)
				expect_whole(kit);
			whole += is_whole;
			nothing += !is_whole;
			if (is_whole)
				leave_and_forget(kit);
			expect_nothing(kit);
		}
	assert_true(whole >= 2 && nothing >= 4);
}

static void a_killed_forgetting_is_finished_by_the_next(void **state)
{
	struct kit *kit = *state;
	unsigned killed = 0;
	bool finished = false;

	for (long number = 0; !finished; number++)
		for (int before = 0; before <= 1; before++) {
			plan_many(kit);
			finished = run_until(kit, number, before, leave_and_forget);
			killed += !finished;
			expect_whole_or_nothing(kit);
			leave_and_forget(kit);
			expect_nothing(kit);
		}
	assert_true(killed >= 6);
}

static void who_is_still_planning_is_left_alone(void **state)
{
	struct kit *kit = *state;
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	struct err e = {0};

	/* The head is the last commit: all before it is there. */
	run_until(kit, 2, false, plan_many);
	assert_true(count_keys(kit, "dep/vm/") > 0);
	assert_ok(deployment_lock(kit->uri, 9, &lock, &e), &e);
	assert_ok(deployment_tidy(kit->store, kit->uri, &e), &e);
	assert_true(count_keys(kit, "dep/vm/") > 0);
	lock_done(&lock);
	expect_nothing(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(what_is_planned_is_read_back),
		kit_test(each_step_is_recorded),
		kit_test(two_thousand_machines_are_one_plan),
		kit_test(of_two_planners_one_plans_again),
		kit_test(a_taken_name_is_told_as_such),
		kit_test(a_group_or_image_deleted_meanwhile_is_a_conflict),
		kit_test(what_is_promised_is_what_was_not_taken_yet),
		kit_test(a_base_goes_with_its_last_user),
		kit_test(who_comes_to_a_condemned_base_keeps_it_recorded),
		kit_test(a_base_of_its_own_is_another_one),
		kit_test(names_too_long_for_a_key_are_refused),
		kit_test(who_uses_an_image_and_who_still_reads_it),
		kit_test(deployments_are_found_by_name_and_by_group),
		kit_test(a_record_that_is_cut_or_missing_is_said),
		kit_test(one_process_works_at_a_deployment),
		kit_test(a_killed_plan_is_whole_or_nothing),
		kit_test(a_killed_forgetting_is_finished_by_the_next),
		kit_test(who_is_still_planning_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
