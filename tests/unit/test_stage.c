/* test_stage.c - what an operation may have made is known until it ended, and is taken over only from the dead. */
#include "config.h"

#include "unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "keys.h"
#include "mem.h"
#include "stage.h"
#include "store_kit.h"
#include "when.h"

#if defined(__SANITIZE_ADDRESS__)
enum { FORGERIES = 5000 };
#else
enum { FORGERIES = 50000 };
#endif

static void add_remote(struct stage *stage, const char *volume)
{
	struct stage_remote *remote = vec_push_zero(&stage->remotes);

	remote->host = mem_string("host1");
	remote->uri = mem_string("qemu+tcp://10.77.0.1/system");
	remote->pool = mem_string("default");
	remote->volume = mem_string(volume);
	memset(remote->backup_of, volume ? 0 : 9, sizeof remote->backup_of);
}

static void make(struct stage *stage)
{
	*stage = (struct stage){.generation = 1,
				.what = mem_string("register web1"),
				.folder = mem_string("7"),
				.repository = mem_string("/var/lib/vmroll/images"),
				.begun = 1763600000000};
	add_remote(stage, "vmroll-7-vda.raw");
}

static size_t list(struct kit *kit, struct stages *stages)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(stage_all(view, stages, &e), &e);
	return stages->count;
}

static size_t count(struct kit *kit)
{
	cleanup(stages_done) struct stages stages = {0};

	return list(kit, &stages);
}

static void what_is_recorded_is_read(void **state)
{
	struct kit *kit = *state;
	cleanup(stage_done) struct stage stage = {0};
	cleanup(stages_done) struct stages stages = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	struct err e = {0};

	make(&stage);
	assert_ok(stage_begin(kit->store, kit->uri, &stage, &lock, &e), &e);
	assert_int_equal(stage.id, 1);
	assert_int_equal(stage.image, 1);
	add_remote(&stage, NULL);
	assert_ok(stage_update(kit->store, &stage, &e), &e);
	assert_int_equal(list(kit, &stages), 1);
	cleanup(str_done) struct str first = {0};
	cleanup(str_done) struct str second = {0};
	stage_encode(&stage, &first);
	stage_encode(&stages.items[0], &second);
	assert_int_equal(first.length, second.length);
	assert_memory_equal(first.data, second.data, first.length);
	assert_null(stages.items[0].remotes.items[1].volume);
	assert_int_equal(stages.items[0].remotes.items[1].backup_of[15], 9);
	assert_ok(stage_end(kit->store, stage.id, &e), &e);
	assert_ok(stage_end(kit->store, stage.id, &e), &e);
	assert_int_equal(count(kit), 0);
}

static void an_update_is_for_its_image(void **state)
{
	struct kit *kit = *state;
	cleanup(stage_done) struct stage stage = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	struct err e = {0};

	make(&stage);
	stage.image = 40;
	assert_ok(stage_begin(kit->store, kit->uri, &stage, &lock, &e), &e);
	assert_int_equal(stage.image, 40);
	assert_int_equal(stage.id, 1);
}

/* ---- who works, and who is dead ---- */

/* A child that begins a stage, says so, and waits to be killed. */
static pid_t start_worker(struct kit *kit, uint64_t *id)
{
	int ends[2];

	kit_close(kit);
	assert_int_equal(pipe(ends), 0);
	pid_t process = fork();
	if (process == 0) {
		struct stage stage = {0};
		struct lock lock = LOCK_NONE;
		struct store *store;
		make(&stage);
		if (store_open(&store, kit->uri, STORE_WRITE, NULL) < 0 ||
		    stage_begin(store, kit->uri, &stage, &lock, NULL) < 0 ||
		    write(ends[1], &stage.id, sizeof stage.id) != sizeof stage.id)
			_exit(1);
		pause();
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], id, sizeof *id), sizeof *id);
	close(ends[0]);
	kit_reopen(kit, STORE_WRITE);
	return process;
}

static void it_is_taken_over_from_the_dead_only(void **state)
{
	struct kit *kit = *state;
	cleanup(stage_done) struct stage stage = {0};
	struct stage other;
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	struct lock second = LOCK_NONE;
	uint64_t id;
	struct err e = {0};

	pid_t worker = start_worker(kit, &id);
	assert_int_equal(stage_take(kit->store, kit->uri, id, &stage, &lock, &e), 0);
	assert_int_equal(lock.process, 0);
	assert_int_equal(kill(worker, SIGKILL), 0);
	assert_int_equal(waitpid(worker, NULL, 0), worker);
	assert_int_equal(stage_take(kit->store, kit->uri, id, &stage, &lock, &e), 1);
	assert_string_equal(stage.what, "register web1");
	/* Two sweepers do not meet. */
	assert_int_equal(stage_take(kit->store, kit->uri, id, &other, &second, &e), 0);
	assert_int_equal(second.process, 0);
}

static void one_that_ended_meanwhile_is_nobodys(void **state)
{
	struct kit *kit = *state;
	cleanup(stage_done) struct stage stage = {0};
	struct stage taken;
	struct lock lock = LOCK_NONE;
	struct err e = {0};

	make(&stage);
	assert_ok(stage_begin(kit->store, kit->uri, &stage, &lock, &e), &e);
	assert_ok(stage_end(kit->store, stage.id, &e), &e);
	lock_done(&lock);
	assert_int_equal(stage_take(kit->store, kit->uri, stage.id, &taken, &lock, &e), 0);
	assert_int_equal(lock.process, 0);
	/* And its lock is free again. */
	assert_ok(stage_begin(kit->store, kit->uri, &stage, &lock, &e), &e);
	struct lock second = LOCK_NONE;
	assert_error(stage_begin(kit->store, kit->uri, &stage, &second, &e), ERR_LOCKED, &e, "register web1");
	lock_done(&lock);
}

/* ---- forged records ---- */

static int decode(const struct stage *stage, struct err *e)
{
	cleanup(stage_done) struct stage again = {0};
	cleanup(str_done) struct str record = {0};

	stage_encode(stage, &record);
	return stage_decode(record.data, record.length, &again, e);
}

static void a_record_that_leads_elsewhere_is_refused(void **state)
{
	static const char *const folders[] = {"..", "/", "../images", "7/../..", "", "."};
	cleanup(stage_done) struct stage stage = {0};
	struct err e = {0};

	(void)state;
	make(&stage);
	assert_error(decode(&stage, &e), ERR_CORRUPT, &e, "what for");
	stage.id = stage.image = 7;
	assert_ok(decode(&stage, &e), &e);
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		mem_replace(&stage.folder, folders[i]);
		assert_error(decode(&stage, &e), ERR_CORRUPT, &e, "is no folder of its own");
	}
	mem_replace(&stage.folder, NULL);
	assert_ok(decode(&stage, &e), &e);
	mem_replace(&stage.remotes.items[0].host, NULL);
	assert_error(decode(&stage, &e), ERR_CORRUPT, &e, "on no host");
}

static uint64_t random_state = 88172645463325252u;

static unsigned pick(unsigned below)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (unsigned)((random_state * 0x2545F4914F6CDD1D) >> 33) % below;
}

static void forged_bytes_are_an_error_or_a_stage(void **state)
{
	cleanup(stage_done) struct stage stage = {0};
	cleanup(str_done) struct str record = {0};
	unsigned refused = 0;

	(void)state;
	make(&stage);
	stage.id = stage.image = 7;
	stage_encode(&stage, &record);
	for (int i = 0; i < FORGERIES; i++) {
		cleanup(cleanup_mem) unsigned char *forged = mem_copy(record.data, record.length);
		size_t length = pick(4) == 0 ? pick((unsigned)record.length + 1) : record.length;
		cleanup(stage_done) struct stage read = {0};
		struct err e = {0};
		for (unsigned flips = pick(4); flips > 0; flips--)
			forged[pick((unsigned)record.length)] = (unsigned char)pick(256);
		if (stage_decode(forged, length, &read, &e) < 0) {
			refused++;
			assert_true(e.text[0] != '\0');
		} else {
			assert_true(read.what && read.id > 0);
		}
	}
	assert_in_range(refused, FORGERIES / 10, FORGERIES - 1);
}

static void a_damaged_one_is_told_with_its_number(void **state)
{
	struct kit *kit = *state;
	struct stage stage;
	struct lock lock = LOCK_NONE;
	struct key key;
	struct err e = {0};

	key_add_u64(key_begin(&key, KEY_STAGE), 12);
	assert_ok(store_put(kit->store, key.bytes, key.length, "\xA1\x00\x01", 3, &e), &e);
	assert_error(stage_take(kit->store, kit->uri, 12, &stage, &lock, &e), ERR_CORRUPT, &e, "stage 12");
	assert_int_equal(lock.process, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(what_is_recorded_is_read),
		kit_test(an_update_is_for_its_image),
		kit_test(it_is_taken_over_from_the_dead_only),
		kit_test(one_that_ended_meanwhile_is_nobodys),
		cmocka_unit_test(a_record_that_leads_elsewhere_is_refused),
		cmocka_unit_test(forged_bytes_are_an_error_or_a_stage),
		kit_test(a_damaged_one_is_told_with_its_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
