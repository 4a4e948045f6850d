/* board.c - all hosts on a full screen, live: a prober in a child, and a picture of its cells. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostping.h"
#include "log.h"
#include "mem.h"
#include "prober.h"
#include "screen.h"
#include "when.h"

enum { REFRESH_MS = 250, STALLED_MS = 5000 };

struct board {
	const struct options *o;
	struct targets targets;
	struct cells *cells;
	size_t cells_size;
	pid_t prober;
	int messages; /* what the prober says on stderr */
	struct screen *screen;
};

static volatile sig_atomic_t asked_to_end;

static void end_asked(int number)
{
	(void)number;
	asked_to_end = 1;
}

static void catch_signals(void)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = end_asked};

	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		sigaction(ending[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int map_cells(struct board *board, struct err *e)
{
	size_t count = board->targets.count;

	board->cells_size = sizeof *board->cells + count * sizeof board->cells->items[0];
	board->cells = mmap(NULL, board->cells_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (board->cells == MAP_FAILED) {
		board->cells = NULL;
		return err_set_errno(e, ERR_ENV, errno, "memory of the board");
	}
	board->cells->count = count;
	board->cells->beat_ms = when_monotonic();
	for (size_t i = 0; i < count; i++) {
		board->cells->items[i].since_ms = WHEN_UNKNOWN;
		board->cells->items[i].rtt_us = -1;
	}
	return 0;
}

/* The terminal is the board's alone: what the prober has to say comes through a pipe. */
static int run_prober(struct board *board, const int messages[2], pid_t parent)
{
	struct targets_wish targets_wish = wish_of(board->o);
	struct prober_wish wish = {.conf = &board->o->conf, .targets = &targets_wish, .cells = board->cells};
	struct err e = {0};
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (null < 0 || getppid() != parent)
		return err_exit_status(ERR_ENV);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(messages[1], STDERR_FILENO);
	close(messages[0]);
	close(messages[1]);
	int result = prober_watch(board->o->icmp, &wish, &board->targets, &e);
	if (result < 0)
		log_err(&e);
	return err_exit_status(result);
}

static int start_prober(struct board *board, struct err *e)
{
	int messages[2];
	pid_t self = getpid();

	if (pipe2(messages, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_set_errno(e, ERR_ENV, errno, "pipe");
	board->prober = fork();
	if (board->prober == 0)
		_exit(run_prober(board, messages, self));
	int saved = errno;
	close(messages[1]);
	board->messages = messages[0];
	return board->prober < 0 ? err_set_errno(e, ERR_ENV, saved, "fork") : 0;
}

/* The last whole line that the prober said. */
static void read_messages(struct board *board, struct str *said)
{
	char text[4096];
	ssize_t length;

	while ((length = read(board->messages, text, sizeof text)) > 0) {
		str_add_n(said, text, (size_t)length);
		size_t end = said->length;
		while (end > 0 && said->data[end - 1] == '\n')
			end--;
		const char *newline = end > 0 ? memrchr(said->data, '\n', end) : NULL;
		if (newline) {
			size_t skip = (size_t)(newline + 1 - said->data);
			memmove(said->data, said->data + skip, end - skip);
			end -= skip;
		}
		said->length = end;
		if (said->data)
			said->data[end] = '\0';
	}
}

static bool prober_ended(struct board *board)
{
	if (board->prober <= 0 || waitpid(board->prober, NULL, WNOHANG) != board->prober)
		return false;
	board->prober = 0;
	return true;
}

static int show(struct board *board, struct err *e)
{
	cleanup(str_done) struct str said = {0};

	while (!asked_to_end) {
		bool ended = prober_ended(board);
		read_messages(board, &said);
		if (ended && !asked_to_end)
			return err_set(e, ERR_ENV, "the prober ended%s%s", said.length > 0 ? ": " : "",
				       str_text(&said));
		bool stalled = when_monotonic() - board->cells->beat_ms > STALLED_MS;
		screen_draw(board->screen, stalled ? "the prober does not move" : str_text(&said));
		enum screen_wish wish = screen_input(board->screen, REFRESH_MS);
		if (wish == SCREEN_LEAVE)
			return 0;
		if (wish == SCREEN_GO_ON)
			str_reset(&said);
	}
	return 0;
}

static void board_done(struct board *board)
{
	screen_free(board->screen);
	if (board->prober > 0) {
		kill(board->prober, SIGTERM);
		waitpid(board->prober, NULL, 0);
	}
	cleanup_fd(&board->messages);
	if (board->cells)
		munmap(board->cells, board->cells_size);
	targets_done(&board->targets);
}

int run_board(const struct options *o, struct err *e)
{
	cleanup(board_done) struct board board = {.o = o, .messages = -1};
	struct targets_wish wish = wish_of(o);

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, ERR_ENV, "--board needs a terminal");
	if (targets_read(&board.targets, &wish, e) < 0 || map_cells(&board, e) < 0)
		return e->code;
	/* Before the fork, so that the child knows the names; the prober takes its copy of the targets. */
	if (start_prober(&board, e) < 0)
		return e->code;
	catch_signals();
	if (screen_new(&board.screen, &board.targets, board.cells, e) < 0)
		return e->code;
	screen_remember(board.screen, o);
	return show(&board, e);
}
