/* test_lock.c - one process at a time: who holds a lock, and what takes it from them. */
#include "config.h"

#include "unit.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lock.h"
#include "mem.h"

struct place {
	char *folder;
	char *path;
};

static int set_up(void **state)
{
	struct place *place = mem_zalloc(1, sizeof *place);

	place->folder = mem_string("/tmp/vmroll-lock-XXXXXX");
	if (!mkdtemp(place->folder))
		return -1;
	place->path = mem_format("%s/x.lock", place->folder);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	struct place *place = *state;

	unlink(place->path);
	rmdir(place->folder);
	free(place->path);
	free(place->folder);
	free(place);
	return 0;
}

/* A child that does ACT, says its result through a pipe, and waits to be killed. */
struct child {
	pid_t process;
	int result;
};

static struct child start(int (*act)(const char *path), const char *path)
{
	int ends[2];
	struct child child = {0};

	assert_int_equal(pipe(ends), 0);
	child.process = fork();
	if (child.process == 0) {
		/* A case that fails does not come to its end(), and who holds our output open keeps the run. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		int result = act(path);
		if (write(ends[1], &result, sizeof result) == sizeof result)
			pause();
		_exit(1);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &child.result, sizeof child.result), sizeof child.result);
	close(ends[0]);
	return child;
}

static void end(const struct child *child)
{
	assert_int_equal(kill(child->process, SIGKILL), 0);
	assert_int_equal(waitpid(child->process, NULL, 0), child->process);
}

static int take(const char *path)
{
	struct lock lock = LOCK_NONE;

	return lock_acquire(&lock, path, NULL);
}

static int do_nothing(const char *path)
{
	(void)path;
	return 0;
}

static void another_process_is_named_and_its_death_frees(void **state)
{
	struct place *place = *state;
	struct err e = {0};
	struct lock lock = LOCK_NONE;
	char wanted[64];
	struct child holder = start(take, place->path);

	assert_int_equal(holder.result, 0);
	snprintf(wanted, sizeof wanted, "held by process %ld", (long)holder.process);
	assert_error(lock_acquire(&lock, place->path, &e), ERR_LOCKED, &e, wanted);
	end(&holder);
	assert_ok(lock_acquire(&lock, place->path, &e), &e);
	lock_done(&lock);
	lock_done(&lock);
}

static void it_is_refused_twice_and_can_be_taken_again(void **state)
{
	struct place *place = *state;
	struct err e = {0};
	struct lock lock = LOCK_NONE, second = LOCK_NONE;

	assert_ok(lock_acquire(&lock, place->path, &e), &e);
	assert_error(lock_acquire(&second, place->path, &e), ERR_USAGE, &e, "already");
	/* The refusal has not dropped it. */
	struct child other = start(take, place->path);
	assert_int_equal(other.result, ERR_LOCKED);
	end(&other);
	lock_done(&lock);
	other = start(take, place->path);
	assert_int_equal(other.result, 0);
	end(&other);
}

static struct lock inherited = LOCK_NONE;

static int drop_inherited(const char *path)
{
	(void)path;
	lock_done(&inherited);
	return 0;
}

static void children_neither_hold_nor_drop_it(void **state)
{
	struct place *place = *state;
	struct err e = {0};

	assert_ok(lock_acquire(&inherited, place->path, &e), &e);
	struct child dropper = start(drop_inherited, place->path);
	struct child other = start(take, place->path);
	assert_int_equal(other.result, ERR_LOCKED);
	end(&other);
	end(&dropper);
	struct child bystander = start(do_nothing, place->path);
	lock_done(&inherited);
	other = start(take, place->path);
	assert_int_equal(other.result, 0);
	end(&other);
	end(&bystander);
}

static void its_file_can_be_shared_by_the_group(void **state)
{
	struct place *place = *state;
	struct err e = {0};
	struct lock lock = LOCK_NONE;
	struct stat status;
	mode_t before = umask(0777);
	int result = lock_acquire(&lock, place->path, &e);

	umask(before);
	assert_ok(result, &e);
	assert_int_equal(stat(place->path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0660);
	lock_done(&lock);
}

static void what_cannot_be_made_is_an_error(void **state)
{
	struct place *place = *state;
	struct err e = {0};
	struct lock lock = LOCK_NONE;
	cleanup(cleanup_mem) char *path = mem_format("%s/missing/x.lock", place->folder);

	assert_error(lock_acquire(&lock, path, &e), ERR_ENV, &e, "No such file");
	assert_int_equal(symlink("/dev/null", place->path), 0);
	assert_error(lock_acquire(&lock, place->path, &e), ERR_ENV, &e, place->path);
	assert_int_equal(lock.process, 0);
}

/* ---- parts of a file ---- */

static int take_seven(const char *path)
{
	struct lock lock = LOCK_NONE;

	return lock_acquire_part(&lock, path, 7, false, NULL);
}

static int share_seven(const char *path)
{
	struct lock lock = LOCK_NONE;

	return lock_acquire_part(&lock, path, 7, true, NULL);
}

static void each_part_is_a_lock_of_its_own(void **state)
{
	struct place *place = *state;
	struct err e = {0};
	struct lock six = LOCK_NONE, seven = LOCK_NONE;
	struct child holder = start(take_seven, place->path);

	assert_int_equal(holder.result, 0);
	assert_ok(lock_acquire_part(&six, place->path, 6, false, &e), &e);
	assert_error(lock_acquire_part(&seven, place->path, 7, false, &e), ERR_LOCKED, &e, "number 7: held");
	assert_error(lock_acquire_part(&seven, place->path, 7, true, &e), ERR_LOCKED, &e, "number 7: held");
	end(&holder);
	assert_ok(lock_acquire_part(&seven, place->path, 7, false, &e), &e);
	/* Giving up one keeps the other, though both lie in one file. */
	lock_done(&six);
	struct child other = start(share_seven, place->path);
	assert_int_equal(other.result, ERR_LOCKED);
	end(&other);
	assert_error(lock_acquire_part(&six, place->path, 7, false, &e), ERR_LOCKED, &e, "held");
	lock_done(&seven);
}

static void readers_share_a_part_and_keep_out_who_wants_it_alone(void **state)
{
	struct place *place = *state;
	struct err e = {0};
	struct lock first = LOCK_NONE, second = LOCK_NONE, alone = LOCK_NONE;
	struct child reader = start(share_seven, place->path);

	assert_int_equal(reader.result, 0);
	assert_ok(lock_acquire_part(&first, place->path, 7, true, &e), &e);
	assert_ok(lock_acquire_part(&second, place->path, 7, true, &e), &e);
	lock_done(&first);
	lock_done(&second);
	assert_error(lock_acquire_part(&alone, place->path, 7, false, &e), ERR_LOCKED, &e, "held");
	end(&reader);
	assert_ok(lock_acquire_part(&alone, place->path, 7, false, &e), &e);
	lock_done(&alone);
}

static void children_do_not_keep_a_part_from_being_given_up(void **state)
{
	struct place *place = *state;
	struct err e = {0};

	assert_ok(lock_acquire_part(&inherited, place->path, 7, false, &e), &e);
	struct child dropper = start(drop_inherited, place->path);
	struct child bystander = start(do_nothing, place->path);
	struct child early = start(take_seven, place->path);
	lock_done(&inherited);
	struct child late = start(take_seven, place->path);
	end(&early);
	end(&late);
	end(&bystander);
	end(&dropper);
	assert_int_equal(early.result, ERR_LOCKED);
	assert_int_equal(late.result, 0);
}

#define place_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		place_test(another_process_is_named_and_its_death_frees),
		place_test(it_is_refused_twice_and_can_be_taken_again),
		place_test(children_neither_hold_nor_drop_it),
		place_test(its_file_can_be_shared_by_the_group),
		place_test(what_cannot_be_made_is_an_error),
		place_test(each_part_is_a_lock_of_its_own),
		place_test(readers_share_a_part_and_keep_out_who_wants_it_alone),
		place_test(children_do_not_keep_a_part_from_being_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
