/* test_progress.c - lines of what moves: on a terminal drawn anew and gone at the end, elsewhere printed, and only where they are wanted. */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "mem.h"
#include "progress.h"

/* What was written to it, in a file or by a terminal that passes it on. */
struct screen {
	FILE *out;
	int reader;
	char text[8192];
};

static int open_file(void **state)
{
	struct screen *screen = mem_zalloc(1, sizeof *screen);

	screen->out = tmpfile();
	if (!screen->out)
		return -1;
	screen->reader = dup(fileno(screen->out));
	*state = screen;
	return 0;
}

static int open_terminal(void **state)
{
	struct screen *screen = mem_zalloc(1, sizeof *screen);
	struct winsize size = {.ws_row = 5, .ws_col = 60};
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);

	if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 || ioctl(master, TIOCSWINSZ, &size) < 0)
		return -1;
	screen->out = fopen(ptsname(master), "w");
	screen->reader = master;
	*state = screen;
	setenv("TERM", "xterm", 1);
	return screen->out ? 0 : -1;
}

static int close_screen(void **state)
{
	struct screen *screen = *state;

	fclose(screen->out);
	close(screen->reader);
	free(screen);
	return 0;
}

/* A terminal passes on what it got when it has time to: a mark that is written last is waited for. */
static void read_terminal(struct screen *screen)
{
	const char mark = '\036';
	struct pollfd ready = {.fd = screen->reader, .events = POLLIN};
	size_t length = 0;

	fputc(mark, screen->out);
	fflush(screen->out);
	while (length == 0 || screen->text[length - 1] != mark) {
		assert_in_range(length, 0, sizeof screen->text - 2);
		assert_int_equal(poll(&ready, 1, 60000), 1);
		ssize_t got = read(screen->reader, screen->text + length, sizeof screen->text - 1 - length);
		assert_true(got > 0);
		length += (size_t)got;
	}
	screen->text[length - 1] = '\0';
}

static const char *seen(struct screen *screen, bool file)
{
	fflush(screen->out);
	if (file) {
		ssize_t length = pread(screen->reader, screen->text, sizeof screen->text - 1, 0);
		screen->text[length > 0 ? length : 0] = '\0';
	} else {
		read_terminal(screen);
	}
	return screen->text;
}

static void use(struct screen *screen, const char *when, bool quiet)
{
	cleanup(cleanup_progress) struct progress *progress = NULL;
	struct err e = {0};

	assert_ok(progress_new(&progress, screen->out, when, quiet, &e), &e);
	progress_set(progress, "web1 vda", 0, 4 << 20);
	progress_set(progress, "web1 vda", 1 << 20, 4 << 20);
	progress_drop(progress, "web1 vda");
}

static void elsewhere_it_is_printed_only_if_asked_for(void **state)
{
	struct screen *screen = *state;

	use(screen, NULL, false);
	use(screen, "auto", false);
	use(screen, "never", false);
	assert_string_equal(seen(screen, true), "");
	use(screen, "always", true);
	assert_string_equal(seen(screen, true), "web1 vda   25 %  1 MiB of 4 MiB\n");
}

static void another_word_is_misuse(void **state)
{
	struct screen *screen = *state;
	struct progress *progress;
	struct err e = {0};

	assert_error(progress_new(&progress, screen->out, "maybe", false, &e), ERR_USAGE, &e,
		     "none of auto, always and never");
}

static void what_has_no_end_is_counted(void **state)
{
	struct screen *screen = *state;
	cleanup(cleanup_progress) struct progress *progress = NULL;
	struct err e = {0};

	assert_ok(progress_new(&progress, screen->out, "always", false, &e), &e);
	progress_set(progress, "a\n\033[31mb", 0, 0);
	progress_set(progress, "a\n\033[31mb", 3 << 20, 0);
	progress_drop(progress, "a\n\033[31mb");
	/* One that never began is no line. */
	progress_drop(progress, "other");
	assert_string_equal(seen(screen, true), "a\\n\\x1b[31mb  3 MiB\n");
}

static void on_a_terminal_the_lines_go_at_the_end(void **state)
{
	struct screen *screen = *state;
	cleanup(cleanup_progress) struct progress *progress = NULL;
	struct err e = {0};

	assert_ok(progress_new(&progress, screen->out, NULL, false, &e), &e);
	progress_set(progress, "web1 vda", 1 << 20, 4 << 20);
	assert_non_null(strstr(seen(screen, false), "web1 vda   25 %  1 MiB of 4 MiB\r\n"));
	progress_hide(progress);
	assert_string_equal(seen(screen, false), "\033[1A\033[J");
	progress_hide(progress);
	assert_string_equal(seen(screen, false), "");
	progress_set(progress, "web1 vda", 2 << 20, 4 << 20);
	assert_non_null(strstr(seen(screen, false), "50 %"));
	progress_drop(progress, "web1 vda");
	assert_string_equal(seen(screen, false), "\033[1A\033[J");
}

static void a_terminal_is_silent_if_so_wished(void **state)
{
	struct screen *screen = *state;

	use(screen, "never", false);
	use(screen, NULL, true);
	setenv("TERM", "dumb", 1);
	use(screen, NULL, false);
	assert_string_equal(seen(screen, false), "");
}

/* One that is too wide, or too many, would push what stands above away. */
static void what_does_not_fit_is_cut(void **state)
{
	struct screen *screen = *state;
	cleanup(cleanup_progress) struct progress *progress = NULL;
	struct err e = {0};
	char label[100];

	memset(label, 'x', sizeof label);
	label[99] = '\0';
	assert_ok(progress_new(&progress, screen->out, NULL, false, &e), &e);
	progress_set(progress, label, 0, 1);
	const char *first = seen(screen, false);
	assert_int_equal(strcspn(first, "\r"), 59);
	for (int i = 0; i < 10; i++) {
		cleanup(cleanup_mem) char *other = mem_format("%d", i);
		progress_set(progress, other, 0, 1);
	}
	progress_hide(progress);
	seen(screen, false);
	progress_set(progress, "9", 0, 1);
	unsigned lines = 0;
	for (const char *c = seen(screen, false); *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 3);
}

#define file_test(test) cmocka_unit_test_setup_teardown(test, open_file, close_screen)
#define terminal_test(test) cmocka_unit_test_setup_teardown(test, open_terminal, close_screen)

int main(void)
{
	const struct CMUnitTest tests[] = {
		file_test(elsewhere_it_is_printed_only_if_asked_for),
		file_test(another_word_is_misuse),
		file_test(what_has_no_end_is_counted),
		terminal_test(on_a_terminal_the_lines_go_at_the_end),
		terminal_test(a_terminal_is_silent_if_so_wished),
		terminal_test(what_does_not_fit_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
