/* test_store_faults.c - what kills writers and readers, fills disks and denies files does not harm the store. */
#include "config.h"

#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mem.h"
#include "store.h"
#include "store_folder.h"
#include "store_kit.h"

enum { NOBODY = 65534, KILLS = 200, OWN_STATUS = 42 };

/* A child that runs ACT with its end of a pipe; what it returns is its exit status. */
struct child {
	pid_t process;
	int from;
};

struct errand {
	struct kit *kit;
	int to;
	const char *folder;
};

static struct child start(int (*act)(struct errand *errand), struct kit *kit, const char *folder)
{
	int ends[2];
	struct child child = {0};

	assert_int_equal(pipe(ends), 0);
	child.process = fork();
	assert_true(child.process >= 0);
	if (child.process == 0) {
		struct errand errand = {kit, ends[1], folder};
		alarm(120);
		close(ends[0]);
		_exit(act(&errand));
	}
	close(ends[1]);
	child.from = ends[0];
	return child;
}

static int wait_for(struct child *child)
{
	int status = -1;

	close(child->from);
	assert_int_equal(waitpid(child->process, &status, 0), child->process);
	return status;
}

static void kill_child(struct child *child)
{
	assert_int_equal(kill(child->process, SIGKILL), 0);
	assert_int_equal(wait_for(child), SIGKILL);
}

static void expect_success(struct child *child)
{
	char text[ERR_TEXT_SIZE + 32];
	ssize_t length = read(child->from, text, sizeof text - 1);

	text[length > 0 ? length : 0] = '\0';
	int status = wait_for(child);
	if (status != 0)
		fail_msg("child: status %x: %s", status, text);
}

/* For a child: says why, and gives the status to end with. */
static int complain(const struct errand *errand, const char *what, const struct err *e)
{
	char text[ERR_TEXT_SIZE + 32];
	int length = snprintf(text, sizeof text, "%s: '%s'", what, e->text);

	return write(errand->to, text, (size_t)length) < 0 ? 2 : 1;
}

static void say(const struct errand *errand, unsigned number)
{
	if (write(errand->to, &number, sizeof number) != sizeof number)
		_exit(3);
}

static unsigned hear(const struct child *child)
{
	unsigned number = 0;

	if (read(child->from, &number, sizeof number) != sizeof number)
		fail_msg("the child said nothing: status %x", wait_for(&(struct child){child->process, -1}));
	return number;
}

/* Killed writers */

static unsigned random_below(unsigned limit)
{
	static uint64_t state = 20261120;

	state = state * 6364136223846793005 + 1442695040888963407;
	return (unsigned)(state >> 33) % limit;
}

/* The number of the last batch, after a check that it is there as a whole. */
static unsigned check_batches(struct store *store)
{
	struct err e = {0};
	unsigned number = 0;

	assert_ok(kit_read_number(store, &number, &e), &e);
	return number;
}

static int write_for_ever(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;

	unsigned number = 0;

	if (store_open(&store, errand->kit->uri, STORE_WRITE, &e) < 0 || kit_read_number(store, &number, &e) < 0)
		return complain(errand, "open", &e);
	for (number++;; number++) {
		if (kit_write_number(store, number, &e) < 0)
			return complain(errand, "write", &e);
		say(errand, number);
	}
}

static void wait_a_moment(unsigned most_us)
{
	const struct timespec moment = {0, random_below(most_us) * 1000L};

	nanosleep(&moment, NULL);
}

static void killed_writers_lose_nothing_acknowledged(void **state)
{
	struct kit *kit = *state;
	unsigned halfway = 0;

	for (unsigned i = 0; i < KILLS; i++) {
		kit_close(kit);
		struct child writer = start(write_for_ever, kit, NULL);
		unsigned acknowledged = 0;
		for (unsigned wanted = random_below(20) + 1; wanted > 0; wanted--)
			acknowledged = hear(&writer);
		wait_a_moment(300);
		assert_int_equal(kill(writer.process, SIGKILL), 0);
		for (unsigned more; read(writer.from, &more, sizeof more) == sizeof more;)
			acknowledged = more;
		assert_int_equal(wait_for(&writer), SIGKILL);
		kit_reopen(kit, i % 2 ? STORE_WRITE : STORE_READ);
		unsigned found = check_batches(kit->store);
		if (found != acknowledged && found != acknowledged + 1)
			fail_msg("%u was acknowledged, %u is there", acknowledged, found);
		halfway += found > acknowledged;
	}
	print_message("%u of %u died between commit and acknowledgement\n", halfway, KILLS);
}

static void a_writer_goes_on_after_another_was_killed(void **state)
{
	struct kit *kit = *state;

	for (unsigned i = 0; i < KILLS / 4; i++) {
		struct err e = {0};
		struct child other = start(write_for_ever, kit, NULL);
		for (unsigned wanted = random_below(5) + 1; wanted > 0; wanted--)
			hear(&other);
		wait_a_moment(300);
		kill_child(&other);
		unsigned found = check_batches(kit->store);
		assert_ok(kit_write_number(kit->store, found + 1, &e), &e);
		assert_int_equal(check_batches(kit->store), found + 1);
	}
}

static int make_stores_for_ever(struct errand *errand)
{
	struct err e = {0};

	for (unsigned i = 0;; i++) {
		cleanup(cleanup_store) struct store *store = NULL;
		kit_remove(errand->folder);
		cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", errand->folder);
		if (store_open(&store, uri, STORE_WRITE, &e) < 0)
			return complain(errand, "open", &e);
		say(errand, i);
	}
}

static void a_store_is_never_seen_half_made(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *folder = mem_format("%s/young", kit->folder);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", folder);

	for (unsigned i = 0; i < KILLS; i++) {
		struct err e = {0};
		struct store *store = NULL;
		struct child maker = start(make_stores_for_ever, kit, folder);
		hear(&maker);
		wait_a_moment(2000);
		kill_child(&maker);
		int result = store_open(&store, uri, STORE_READ, &e);
		if (result < 0)
			assert_error(result, ERR_ENV, &e, "run vmsnap first");
		store_close(store);
		assert_ok(store_open(&store, uri, STORE_WRITE, &e), &e);
		assert_ok(store_put(store, "k", 1, "v", 1, &e), &e);
		store_close(store);
	}
}

static int open_new_and_add(struct errand *errand)
{
	struct err e = {0};
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", errand->folder);
	char key[32];

	snprintf(key, sizeof key, "by/%d", (int)getpid());
	if (store_open(&store, uri, STORE_WRITE, &e) < 0 || store_put(store, key, strlen(key), "", 0, &e) < 0)
		return complain(errand, "add", &e);
	return 0;
}

static void several_may_make_it_at_once(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *folder = mem_format("%s/young", kit->folder);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", folder);

	for (int round = 0; round < 20; round++) {
		struct child makers[8];
		struct err e = {0};
		struct store *store = NULL;
		for (size_t i = 0; i < 8; i++)
			makers[i] = start(open_new_and_add, kit, folder);
		for (size_t i = 0; i < 8; i++)
			expect_success(&makers[i]);
		assert_ok(store_open(&store, uri, STORE_READ, &e), &e);
		for (size_t i = 0; i < 8; i++) {
			struct bytes value = {0};
			char key[32];
			snprintf(key, sizeof key, "by/%d", (int)makers[i].process);
			assert_int_equal(store_get(store, key, strlen(key), &value, &e), 1);
			bytes_done(&value);
		}
		store_close(store);
		kit_remove(folder);
	}
}

/* Readers */

static int hold_view(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	struct store_view *view = NULL;

	if (store_open(&store, errand->kit->uri, STORE_READ, &e) < 0 || store_view_open(&view, store, &e) < 0)
		return complain(errand, "view", &e);
	say(errand, 1);
	pause();
	return 0;
}

static off_t file_length(const struct kit *kit)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/data.mdb", kit->folder);
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

static void overwrite(struct store *store, unsigned times)
{
	char value[3000];

	memset(value, 'v', sizeof value);
	for (unsigned i = 0; i < times; i++) {
		struct err e = {0};
		memcpy(value, &i, sizeof i);
		assert_ok(store_put(store, "k", 1, value, sizeof value, &e), &e);
	}
}

static void a_killed_reader_does_not_make_the_store_grow(void **state)
{
	struct kit *kit = *state;

	kit_close(kit);
	for (int opened_before = 0; opened_before <= 1; opened_before++) {
		struct child reader = start(hold_view, kit, NULL);
		hear(&reader);
		kit_reopen(kit, STORE_WRITE);
		if (!opened_before)
			kill_child(&reader);
		overwrite(kit->store, 200);
		if (opened_before)
			kill_child(&reader);
		off_t before = file_length(kit);
		overwrite(kit->store, 10000);
		assert_in_range(file_length(kit) - before, 0, 2 << 20);
		kit_close(kit);
	}
}

static void readers_have_a_limit_that_is_named(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	struct store_view *views[2000];
	size_t count = 0;
	int result = 0;

	while (count < 2000 && (result = store_view_open(&views[count], kit->store, &e)) == 0)
		count++;
	assert_error(result, ERR_ENV, &e, "places for readers are taken");
	assert_in_range(count, 1000, 1100);
	while (count > 0)
		store_view_close(views[--count]);
	overwrite(kit->store, 1);
	assert_int_equal(check_batches(kit->store), 0);
}

static int hold_all_places(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	struct store_view *view = NULL;

	if (store_open(&store, errand->kit->uri, STORE_READ, &e) < 0)
		return complain(errand, "open", &e);
	while (store_view_open(&view, store, &e) == 0)
		continue;
	say(errand, 1);
	pause();
	return 0;
}

static void places_of_dead_readers_are_taken_over(void **state)
{
	struct kit *kit = *state;

	kit_reopen(kit, STORE_READ);
	struct child reader = start(hold_all_places, kit, NULL);
	hear(&reader);
	kill_child(&reader);
	kit_reopen(kit, STORE_READ);
	assert_int_equal(check_batches(kit->store), 0);
}

static int read_for_ever(struct errand *errand)
{
	struct err e = {0};

	for (unsigned round = 1;; round++) {
		cleanup(cleanup_store) struct store *store = NULL;
		if (store_open(&store, errand->kit->uri, round % 3 ? STORE_READ : STORE_WRITE, &e) < 0)
			return complain(errand, "open", &e);
		for (unsigned i = 0; i < 20; i++) {
			cleanup(cleanup_store_view) struct store_view *view = NULL;
			struct bytes first = {0}, last = {0};
			if (store_view_open(&view, store, &e) < 0 ||
			    store_view_get(view, "same/0", 6, &first, &e) < 0 ||
			    store_view_get(view, "same/16", 7, &last, &e) < 0)
				return complain(errand, "read", &e);
			if (first.length && memcmp(first.data, last.data, sizeof(unsigned)) != 0)
				return complain(errand, "two batches in one view", &e);
			bytes_done(&first);
			bytes_done(&last);
		}
		say(errand, round);
	}
}

static int write_some(struct errand *errand)
{
	struct err e = {0};
	cleanup(cleanup_store) struct store *store = NULL;

	if (store_open(&store, errand->kit->uri, STORE_WRITE, &e) < 0)
		return complain(errand, "open", &e);
	for (unsigned number = 1; number <= 2000; number++)
		if (kit_write_number(store, number, &e) < 0)
			return complain(errand, "write", &e);
	return 0;
}

static void nobody_sees_what_others_are_writing(void **state)
{
	struct kit *kit = *state;
	struct child readers[3], writers[2];

	kit_close(kit);
	for (size_t i = 0; i < 3; i++)
		readers[i] = start(read_for_ever, kit, NULL);
	for (size_t i = 0; i < 2; i++)
		writers[i] = start(write_some, kit, NULL);
	for (size_t i = 0; i < 2; i++)
		expect_success(&writers[i]);
	for (size_t i = 0; i < 3; i++) {
		char said[ERR_TEXT_SIZE] = "";
		unsigned before = hear(&readers[i]);
		while (before && hear(&readers[i]) <= 10)
			continue;
		assert_int_equal(kill(readers[i].process, SIGKILL), 0);
		while (read(readers[i].from, said, sizeof said - 1) > 0)
			continue;
		if (wait_for(&readers[i]) != SIGKILL)
			fail_msg("reader: %s", said);
	}
	kit_reopen(kit, STORE_READ);
	assert_int_equal(check_batches(kit->store), 2000);
}

/* Disks and permissions */

/* In a mount namespace of its own; false where this user may not. */
static bool mount_private(const char *folder, const char *options)
{
	return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("vmroll-test", folder, "tmpfs", 0, options) == 0;
}

static int fill_disk(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	unsigned number = 0;
	int result = 0;

	if (!mount_private(errand->folder, "size=1m"))
		return complain(errand, "mount", &e);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", errand->folder);
	if (store_open(&store, uri, STORE_WRITE, &e) < 0)
		return complain(errand, "open", &e);
	while (result == 0 && number < 100000) {
		char key[32], value[3000] = "";
		snprintf(key, sizeof key, "fill/%08u", number);
		result = store_put(store, key, strlen(key), value, sizeof value, &e);
		number += result == 0;
	}
	if (result != ERR_FULL || !strstr(e.text, "No space left") || number < 50)
		return complain(errand, "full", &e);
	store_close(store);
	if (store_open(&store, uri, STORE_READ, &e) < 0)
		return complain(errand, "reading", &e);
	for (unsigned i = 0; i < number + 1; i++) {
		char key[32];
		struct bytes value = {0};
		snprintf(key, sizeof key, "fill/%08u", i);
		if (store_get(store, key, strlen(key), &value, &e) != (i < number))
			return complain(errand, key, &e);
		bytes_done(&value);
	}
	store_close(store);
	/* With more room it goes on as if nothing had been. */
	if (mount("vmroll-test", errand->folder, NULL, MS_REMOUNT, "size=4m") < 0 ||
	    store_open(&store, uri, STORE_WRITE, &e) < 0 || store_put(store, "more", 4, "", 0, &e) < 0)
		return complain(errand, "after", &e);
	store_close(store);
	return 0;
}

static int make_on_full_disk(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", errand->folder);

	if (!mount_private(errand->folder, "size=8k"))
		return complain(errand, "mount", &e);
	if (store_open(&store, uri, STORE_WRITE, &e) != ERR_FULL)
		return complain(errand, "open", &e);
	if (mount("vmroll-test", errand->folder, NULL, MS_REMOUNT, "size=4m") < 0 ||
	    store_open(&store, uri, STORE_WRITE, &e) < 0)
		return complain(errand, "after", &e);
	store_close(store);
	return 0;
}

/* A folder of FOLDER. */
static bool make_in(const char *folder, const char *name)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", folder, name);

	return mkdir(path, 0700) == 0;
}

/* A container whose image has a store already: the first who writes gets a copy of it. */
static int use_overlay(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	struct bytes value = {0};
	const char *folder = errand->folder;
	cleanup(cleanup_mem) char *image = mem_format("lmdb:%s/image", folder);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s/seen", folder);
	cleanup(cleanup_mem) char *options =
		mem_format("lowerdir=%s/image,upperdir=%s/upper,workdir=%s/work", folder, folder, folder);

	if (!mount_private(folder, "size=8m") || !make_in(folder, "image") || !make_in(folder, "upper") ||
	    !make_in(folder, "work") || !make_in(folder, "seen"))
		return complain(errand, "prepare", &e);
	if (store_open(&store, image, STORE_WRITE, &e) < 0 || store_put(store, "k", 1, "v", 1, &e) < 0)
		return complain(errand, "image", &e);
	store_close(store);
	if (mount("vmroll-test", uri + strlen("lmdb:"), "overlay", 0, options) < 0)
		return complain(errand, "overlay", &e);
	if (store_open(&store, uri, STORE_WRITE, &e) < 0 || store_put(store, "l", 1, "w", 1, &e) < 0 ||
	    store_get(store, "k", 1, &value, &e) != 1)
		return complain(errand, "write", &e);
	bytes_done(&value);
	store_close(store);
	if (store_open(&store, uri, STORE_READ, &e) < 0 || store_get(store, "l", 1, &value, &e) != 1)
		return complain(errand, "read", &e);
	bytes_done(&value);
	store_close(store);
	return 0;
}

static int use_read_only_disk(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	struct bytes value = {0};
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", errand->folder);

	if (!mount_private(errand->folder, "size=4m") || store_open(&store, uri, STORE_WRITE, &e) < 0 ||
	    store_put(store, "k", 1, "v", 1, &e) < 0)
		return complain(errand, "prepare", &e);
	store_close(store);
	if (mount("vmroll-test", errand->folder, NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		return complain(errand, "remount", &e);
	if (store_open(&store, uri, STORE_WRITE, &e) != ERR_ENV || !strstr(e.text, "Read-only file system"))
		return complain(errand, "write", &e);
	if (store_open(&store, uri, STORE_READ, &e) < 0 || store_get(store, "k", 1, &value, &e) != 1)
		return complain(errand, "read", &e);
	bytes_done(&value);
	store_close(store);
	return 0;
}

static void needs_root(void)
{
	if (geteuid() != 0) {
		print_message("needs root: mounts a disk of its own\n");
		skip();
	}
}

static void run_on_disk_of_its_own(struct kit *kit, int (*act)(struct errand *errand))
{
	cleanup(cleanup_mem) char *folder = mem_format("%s/disk", kit->folder);

	needs_root();
	assert_int_equal(mkdir(folder, 0700), 0);
	struct child child = start(act, kit, folder);
	expect_success(&child);
}

static void a_full_disk_is_told_and_harms_nothing(void **state)
{
	run_on_disk_of_its_own(*state, fill_disk);
}

static void a_store_cannot_be_made_on_a_full_disk(void **state)
{
	run_on_disk_of_its_own(*state, make_on_full_disk);
}

static void a_read_only_disk_can_be_read(void **state)
{
	run_on_disk_of_its_own(*state, use_read_only_disk);
}

static void an_overlay_is_written_to(void **state)
{
	run_on_disk_of_its_own(*state, use_overlay);
}

static int become(uid_t user, gid_t group)
{
	return setgroups(0, NULL) < 0 || setgid(group) < 0 || setuid(user) < 0 ? -1 : 0;
}

static int use_as_member(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	struct bytes value = {0};

	if (become(NOBODY - 1, NOBODY) < 0)
		return complain(errand, "become", &e);
	if (store_open(&store, errand->kit->uri, STORE_READ, &e) < 0 || store_get(store, "k", 1, &value, &e) != 1)
		return complain(errand, "read", &e);
	bytes_done(&value);
	store_close(store);
	if (store_open(&store, errand->kit->uri, STORE_WRITE, &e) != ERR_ENV ||
	    !strstr(e.text, "data.mdb: this user may not write it"))
		return complain(errand, "write", &e);
	return 0;
}

static int use_without_lock(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;

	if (become(NOBODY - 1, NOBODY) < 0)
		return complain(errand, "become", &e);
	if (store_open(&store, errand->kit->uri, STORE_READ, &e) != ERR_ENV ||
	    !strstr(e.text, "lock.mdb: readers write it too: join its group (vmroll): Permission denied"))
		return complain(errand, "lock.mdb", &e);
	return 0;
}

static int use_as_stranger(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;

	if (become(NOBODY - 1, NOBODY - 1) < 0)
		return complain(errand, "become", &e);
	if (store_open(&store, errand->kit->uri, STORE_READ, &e) != ERR_ENV ||
	    !strstr(e.text, "only members of its group (vmroll)"))
		return complain(errand, "stranger", &e);
	return 0;
}

static void run_as(struct kit *kit, int (*act)(struct errand *errand))
{
	struct child child = start(act, kit, NULL);

	expect_success(&child);
}

static void members_of_the_group_read_and_others_do_not(void **state)
{
	struct kit *kit = *state;
	static const char *const files[] = {"", "/data.mdb", "/lock.mdb"};
	struct err e = {0};
	cleanup(cleanup_mem) char *lock = mem_format("%s/lock.mdb", kit->folder);

	needs_root();
	assert_ok(store_put(kit->store, "k", 1, "v", 1, &e), &e);
	kit_close(kit);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		cleanup(cleanup_mem) char *path = mem_format("%s%s", kit->folder, files[i]);
		assert_int_equal(chown(path, 0, NOBODY), 0);
	}
	assert_int_equal(chmod(kit->folder, 02770), 0);
	run_as(kit, use_as_member);
	run_as(kit, use_as_stranger);
	assert_int_equal(chmod(kit->folder, 02775), 0);
	run_as(kit, use_as_stranger);
	assert_int_equal(chmod(lock, 0644), 0);
	run_as(kit, use_without_lock);
}

static void the_group_is_inherited(void **state)
{
	struct kit *kit = *state;
	static const char *const files[] = {"data.mdb", "lock.mdb"};
	struct err e = {0};
	struct store *store = NULL;
	cleanup(cleanup_mem) char *folder = mem_format("%s/young", kit->folder);
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", folder);

	needs_root();
	assert_int_equal(mkdir(folder, 0700), 0);
	assert_int_equal(chown(folder, 0, NOBODY), 0);
	assert_int_equal(chmod(folder, 02770), 0);
	assert_ok(store_open(&store, uri, STORE_WRITE, &e), &e);
	store_close(store);
	for (size_t i = 0; i < 2; i++) {
		cleanup(cleanup_mem) char *path = mem_format("%s/%s", folder, files[i]);
		struct stat status;
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_gid, NOBODY);
	}
}

static void network_file_systems_have_names(void **state)
{
	(void)state;
	static const struct {
		unsigned long type;
		const char *name;
	} cases[] = {
		{0x6969, "NFS"},
		{0xFF534D42, "CIFS"},
		{0xFE534D42, "SMB2"},
		{0x517B, "SMB"},
		{0x00C36400, "Ceph"},
		{0x01021997, "9P"},
		{0x65735546, "FUSE"},
		{0xEF53, NULL} /* ext4 */,
		{0x58465342, NULL} /* XFS */,
		{0x9123683E, NULL} /* btrfs */,
		{0x01021994, NULL} /* tmpfs */,
		{0x2FC12FC1, NULL} /* ZFS */,
		{0x794C7630, NULL} /* overlay */,
	};

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *name = folder_network_name(cases[i].type);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
		else
			assert_null(name);
	}
}

/* For another user than ours, so that the kernel answers statfs(2) without asking anybody. */
static int use_on_fuse(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s", errand->folder);
	char options[128];
	int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (device < 0)
		return complain(errand, "/dev/fuse", &e);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=%d,group_id=%d", device, NOBODY, NOBODY);
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("vmroll-test", errand->folder, "fuse", 0, options) < 0)
		return complain(errand, "mount", &e);
	for (int mode = STORE_READ; mode <= STORE_WRITE; mode++)
		if (store_open(&store, uri, mode, &e) != ERR_ENV ||
		    !strstr(e.text, "network file system (FUSE)"))
			return complain(errand, "open", &e);
	return 0;
}

static void a_network_file_system_is_refused(void **state)
{
	if (access("/dev/fuse", R_OK | W_OK) < 0) {
		print_message("no /dev/fuse to mount\n");
		skip();
	}
	run_on_disk_of_its_own(*state, use_on_fuse);
}

/* Faults inside the map */

static int read_what_is_cut_off(struct errand *errand)
{
	struct err e = {0};
	struct store *store = NULL;
	struct store_view *view = NULL;
	struct bytes value = {0};

	dup2(errand->to, STDERR_FILENO);
	cleanup(cleanup_mem) char *path = mem_format("%s/data.mdb", errand->kit->folder);
	if (store_open(&store, errand->kit->uri, STORE_READ, &e) < 0 || store_view_open(&view, store, &e) < 0)
		return complain(errand, "open", &e);
	if (truncate(path, 8192) < 0)
		return complain(errand, "truncate", &e);
	store_view_get(view, "k/00000100", 10, &value, &e);
	return complain(errand, "still here", &e);
}

static void a_store_cut_while_it_is_read(void **state)
{
	struct kit *kit = *state;
	char text[2 * ERR_TEXT_SIZE] = "";

	kit_fill(kit, 0, 1000);
	kit_close(kit);
	struct child child = start(read_what_is_cut_off, kit, NULL);
	assert_true(read(child.from, text, sizeof text - 1) > 0);
	int status = wait_for(&child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) != 4)
		fail_msg("status %x: %s", status, text);
	cleanup(cleanup_mem) char *wanted =
		mem_format("vmroll: store %s: damaged: a page cannot be read\n", kit->folder);
	assert_string_equal(text, wanted);
}

/* The test runner has handlers of its own; what counts is the one before the store was opened. */
static void own_handler(int signal_number)
{
	(void)signal_number;
	_exit(OWN_STATUS);
}

static int open_with_handler(struct errand *errand, void (*handler)(int))
{
	struct err e = {0};
	struct store *store = NULL;
	const struct rlimit none = {0};

	setrlimit(RLIMIT_CORE, &none);
	signal(SIGSEGV, handler);
	signal(SIGBUS, handler);
	return store_open(&store, errand->kit->uri, STORE_READ, &e) < 0 ? complain(errand, "open", &e) : 0;
}

static void fault(void)
{
	/* The first page is never mapped, and what is not NULL no sanitizer stops before. */
	volatile uintptr_t nowhere = 64;

	*(volatile int *)nowhere = 1;
}

static int fault_with_handler(struct errand *errand)
{
	int result = open_with_handler(errand, own_handler);

	fault();
	return result;
}

static int fault_by_default(struct errand *errand)
{
	int result = open_with_handler(errand, SIG_DFL);

	fault();
	return result;
}

static int be_killed(struct errand *errand)
{
	int result = open_with_handler(errand, SIG_DFL);

	kill(getpid(), SIGBUS);
	return result;
}

static int be_killed_with_handler(struct errand *errand)
{
	int result = open_with_handler(errand, own_handler);

	kill(getpid(), SIGBUS);
	return result;
}

static void a_fault_elsewhere_is_not_the_stores(void **state)
{
	struct kit *kit = *state;
	static const struct {
		int (*act)(struct errand *errand);
		int status;
	} cases[] = {
		{fault_with_handler, OWN_STATUS << 8},
		{fault_by_default, SIGSEGV},
		{be_killed, SIGBUS},
		{be_killed_with_handler, OWN_STATUS << 8},
	};

	kit_close(kit);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct child child = start(cases[i].act, kit, NULL);
		assert_int_equal(wait_for(&child), cases[i].status);
	}
}

static void closing_puts_the_handlers_back(void **state)
{
	struct kit *kit = *state;
	struct sigaction inside, outside;

	kit_reopen(kit, STORE_READ);
	assert_int_equal(sigaction(SIGBUS, NULL, &inside), 0);
	kit_close(kit);
	assert_int_equal(sigaction(SIGBUS, NULL, &outside), 0);
	assert_true(inside.sa_sigaction != outside.sa_sigaction);
	kit_reopen(kit, STORE_READ);
	assert_int_equal(sigaction(SIGBUS, NULL, &inside), 0);
	assert_true(inside.sa_sigaction != outside.sa_sigaction);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(killed_writers_lose_nothing_acknowledged),
		kit_test(a_writer_goes_on_after_another_was_killed),
		kit_test(a_store_is_never_seen_half_made),
		kit_test(several_may_make_it_at_once),
		kit_test(a_killed_reader_does_not_make_the_store_grow),
		kit_test(nobody_sees_what_others_are_writing),
		kit_test(readers_have_a_limit_that_is_named),
		kit_test(places_of_dead_readers_are_taken_over),
		kit_test(a_full_disk_is_told_and_harms_nothing),
		kit_test(a_store_cannot_be_made_on_a_full_disk),
		kit_test(a_read_only_disk_can_be_read),
		kit_test(an_overlay_is_written_to),
		kit_test(members_of_the_group_read_and_others_do_not),
		kit_test(the_group_is_inherited),
		cmocka_unit_test(network_file_systems_have_names),
		kit_test(a_network_file_system_is_refused),
		kit_test(a_store_cut_while_it_is_read),
		kit_test(a_fault_elsewhere_is_not_the_stores),
		kit_test(closing_puts_the_handlers_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
