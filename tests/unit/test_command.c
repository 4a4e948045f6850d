/* test_command.c - commands get their input whole, say how they ended, and none of them holds up anybody. */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "command.h"
#include "mem.h"
#include "str.h"
#include "when.h"

enum { WAIT_MS = 20000, AT_ONCE = 8 };

static struct commands *commands;

static int open_commands(void **state)
{
	(void)state;
	struct err e = {0};
	return commands_new(&commands, AT_ONCE, &e);
}

static int close_commands(void **state)
{
	(void)state;
	commands_free(commands);
	commands = NULL;
	return 0;
}

static char *const *shell(const char *script)
{
	static char *argv[16][4];
	static char texts[16][200];
	static size_t next;
	size_t i = next++ % 16;

	snprintf(texts[i], sizeof texts[i], "%s", script);
	argv[i][0] = (char *)"sh";
	argv[i][1] = (char *)"-c";
	argv[i][2] = texts[i];
	return argv[i];
}

static void submit(uint64_t tag, struct command_order order)
{
	order.limit_ms = order.limit_ms ? order.limit_ms : WAIT_MS;
	commands_submit(commands, tag, &order);
}

static void wait_for(struct command_end *end)
{
	int64_t deadline = when_monotonic() + 2 * WAIT_MS;

	while (!commands_finished(commands, end)) {
		struct pollfd ready = {.fd = commands_fd(commands), .events = POLLIN};
		assert_true(when_monotonic() < deadline);
		/* Without a limit of its own: whatever is due must make it readable. */
		assert_int_not_equal(poll(&ready, 1, WAIT_MS), 0);
	}
}

/* Runs one; the text of its output and of its end. */
static void expect(struct command_order order, const char *output, const char *text)
{
	struct command_end end;
	char shown[100];

	submit(7, order);
	wait_for(&end);
	assert_int_equal(end.tag, 7);
	assert_string_equal(str_text(&end.output), output);
	command_end_text(&end, shown, sizeof shown);
	assert_string_equal(shown, text);
	command_end_done(&end);
	assert_int_equal(commands_pending(commands), 0);
}

static void each_end_is_told(void **state)
{
	(void)state;
	char *absent[] = {(char *)"/nonexistent", NULL};

	expect((struct command_order){.argv = shell("exit 0")}, "", "exit status 0");
	expect((struct command_order){.argv = shell("exit 67")}, "", "exit status 67");
	expect((struct command_order){.argv = shell("kill -SEGV $$")}, "", "killed by signal 11");
	expect((struct command_order){.argv = absent}, "", "No such file or directory");
}

static void what_is_kept_is_what_was_asked_for(void **state)
{
	(void)state;
	expect((struct command_order){.argv = shell("echo out")}, "out\n", "exit status 0");
	expect((struct command_order){.argv = shell("echo out; echo err >&2; exit 1"), .kept = COMMAND_STDERR},
	       "err\n", "exit status 1");
}

static void input_arrives_whole(void **state)
{
	(void)state;
	cleanup(str_done) struct str input = {0};

	for (size_t i = 0; i < 1 << 17; i++)
		str_addf(&input, "%08zu", i);
	struct command_order order = {.input = input.data, .length = input.length};
	order.argv = shell("wc -c; wc -c </dev/stdin | tr -d 0-9");
	expect(order, "1048576\n\n", "exit status 0");
	order.argv = shell("cksum /dev/stdin | cut -d ' ' -f 2");
	expect(order, "1048576\n", "exit status 0");
	expect((struct command_order){.argv = shell("wc -c"), .input = "", .length = 0}, "0\n", "exit status 0");
	expect((struct command_order){.argv = shell("wc -c")}, "0\n", "exit status 0");
}

static void who_does_not_read_is_no_trouble(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *input = mem_zalloc(4 << 20, 1);

	expect((struct command_order){.argv = shell("exec <&-; exit 3"), .input = input, .length = 4 << 20},
	       "", "exit status 3");
	expect((struct command_order){.argv = shell("head -c 1 | tr '\\0' x"), .input = input, .length = 4 << 20},
	       "x", "exit status 0");
}

static void too_much_output_is_dropped(void **state)
{
	(void)state;
	struct command_end end;

	submit(1, (struct command_order){.argv = shell("head -c 9999999 /dev/zero; exit 5")});
	wait_for(&end);
	assert_int_equal(WEXITSTATUS(end.status), 5);
	assert_int_equal(end.output.length, COMMAND_OUTPUT_MAX);
	command_end_done(&end);
}

static void who_is_late_is_ended_with_all_it_began(void **state)
{
	(void)state;
	struct command_end end;
	const char *script = "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.1; done'";

	expect((struct command_order){.argv = shell("echo a; exec sleep 1000"), .limit_ms = 200}, "a\n",
	       "took too long, killed by signal 15");
	expect((struct command_order){.argv = shell(
					      "trap 'echo b; exit 9' TERM; while :; do sleep 0.1; done"),
				      .limit_ms = 200},
	       "b\n", "took too long, exit status 9");
	submit(1, (struct command_order){.argv = shell(script), .limit_ms = 500});
	wait_for(&end);
	assert_true(end.late);
	assert_int_equal(WTERMSIG(end.status), SIGKILL);
	pid_t grandchild = (pid_t)strtol(str_text(&end.output), NULL, 10);
	command_end_done(&end);
	assert_true(grandchild > 1);
	for (int64_t deadline = when_monotonic() + WAIT_MS; kill(grandchild, 0) == 0; poll(NULL, 0, 10)) {
		/* Whoever adopts it may not collect it: a zombie runs no more. */
		cleanup(cleanup_mem) char *path = mem_format("/proc/%d/stat", (int)grandchild);
		cleanup(cleanup_file) FILE *file = fopen(path, "r");
		char text[200] = "";
		if (!file || !fgets(text, sizeof text, file) || strstr(text, ") Z "))
			break;
		assert_true(when_monotonic() < deadline);
	}
}

static void what_is_left_behind_holds_up_nobody(void **state)
{
	(void)state;
	struct command_end end;

	submit(1, (struct command_order){.argv = shell("sleep 1000 & echo $!")});
	wait_for(&end);
	assert_int_equal(end.status, 0);
	pid_t left = (pid_t)strtol(str_text(&end.output), NULL, 10);
	assert_true(left > 1);
	kill(left, SIGKILL);
	command_end_done(&end);
}

static void only_so_many_run_at_once(void **state)
{
	(void)state;
	char folder[] = "/tmp/vmroll-test-command.XXXXXX";
	struct command_end end;
	bool seen[40] = {false};

	assert_non_null(mkdtemp(folder));
	cleanup(cleanup_mem) char *script =
		mem_format("cd %s; mkdir $$; set -- *; echo $#; sleep 0.05; rmdir $$", folder);
	char *const *argv = shell(script);
	for (uint64_t i = 0; i < 40; i++)
		submit(i, (struct command_order){.argv = argv});
	assert_int_equal(commands_pending(commands), 40);
	long most = 0;
	for (size_t i = 0; i < 40; i++) {
		wait_for(&end);
		long together = strtol(str_text(&end.output), NULL, 10);
		most = together > most ? together : most;
		assert_false(seen[end.tag]);
		seen[end.tag] = true;
		command_end_done(&end);
	}
	assert_in_range(most, 2, AT_ONCE);
	assert_int_equal(rmdir(folder), 0);
}

static void a_command_has_a_session_and_nothing_of_ours(void **state)
{
	(void)state;
	int ends[2];

	/* Not close-on-exec: what others opened without care. */
	assert_int_equal(pipe(ends), 0);
	expect((struct command_order){.argv = shell("set -- /proc/self/fd/*; [ $# -le 4 ] && echo few")},
	       "few\n", "exit status 0");
	expect((struct command_order){.argv = shell("read -r _ _ _ _ group session _ </proc/$$/stat; [ "
						    "$group = $$ ] && [ $session = $$ ]")},
	       "", "exit status 0");
	close(ends[0]);
	close(ends[1]);
}

static void freeing_ends_what_runs(void **state)
{
	struct command_end end;

	submit(1, (struct command_order){.argv = shell("echo $$ >&2; exec sleep 1000"), .kept = COMMAND_STDERR});
	assert_false(commands_finished(commands, &end));
	close_commands(state);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void the_first_line_is_a_password(void **state)
{
	(void)state;
	struct err e = {0};
	cleanup(cleanup_mem) char *line = NULL;

	assert_ok(command_first_line(shell("echo 's3 cret'; echo more"), WAIT_MS, &line, &e), &e);
	assert_string_equal(line, "s3 cret");
	assert_error(command_first_line(shell("exit 3"), WAIT_MS, &line, &e), ERR_AUTH, &e,
		     "sh: printed nothing (exit status 3)");
	assert_error(command_first_line(shell("exec sleep 1000"), 200, &line, &e), ERR_AUTH, &e,
		     "sh: no answer within 200ms");
	assert_error(command_first_line((char *const[]){(char *)"/nonexistent", NULL}, 200, &line, &e),
		     ERR_AUTH, &e, "/nonexistent: No such file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_end_is_told, open_commands, close_commands),
		cmocka_unit_test_setup_teardown(what_is_kept_is_what_was_asked_for, open_commands, close_commands),
		cmocka_unit_test_setup_teardown(input_arrives_whole, open_commands, close_commands),
		cmocka_unit_test_setup_teardown(who_does_not_read_is_no_trouble, open_commands, close_commands),
		cmocka_unit_test_setup_teardown(too_much_output_is_dropped, open_commands, close_commands),
		cmocka_unit_test_setup_teardown(who_is_late_is_ended_with_all_it_began, open_commands,
						close_commands),
		cmocka_unit_test_setup_teardown(what_is_left_behind_holds_up_nobody, open_commands, close_commands),
		cmocka_unit_test_setup_teardown(only_so_many_run_at_once, open_commands, close_commands),
		cmocka_unit_test_setup_teardown(a_command_has_a_session_and_nothing_of_ours, open_commands,
						close_commands),
		cmocka_unit_test_setup_teardown(freeing_ends_what_runs, open_commands, close_commands),
		cmocka_unit_test(the_first_line_is_a_password),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
