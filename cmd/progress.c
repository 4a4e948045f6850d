/* progress.c - what is being copied or read: a line each on a terminal, with percent, rate and the time that is left. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mem.h"
#include "progress.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { DRAW_MS = 200, PRINT_MS = 10 * 1000, WIDTH_DEFAULT = 80, HEIGHT_DEFAULT = 24, SIZE_TEXT = 32 };

struct line {
	char *label; /* escaped */
	uint64_t done, total;
	uint64_t sample_done; /* where it was when its rate was last looked at */
	int64_t sample_at;
	double rate; /* bytes a second, smoothed; 0: not known yet */
	int64_t printed;
};

struct progress {
	FILE *out;
	bool silent;
	bool terminal;
	int64_t drawn_at;
	size_t drawn; /* lines of ours that stand on the terminal, the cursor below them */
	VEC(struct line) lines;
};

static int choose(struct progress *progress, const char *when, bool quiet, struct err *e)
{
	const char *kind = getenv("TERM");

	progress->terminal = isatty(fileno(progress->out)) && kind && strcmp(kind, "dumb") != 0;
	if (!when || strcmp(when, "auto") == 0)
		progress->silent = quiet || !progress->terminal;
	else if (strcmp(when, "never") == 0)
		progress->silent = true;
	else if (strcmp(when, "always") != 0)
		return err_set(e, ERR_USAGE, "--progress: '%.32s' is none of auto, always and never", when);
	return 0;
}

int progress_new(struct progress **progress, FILE *out, const char *when, bool quiet, struct err *e)
{
	struct progress made = {.out = out};

	if (choose(&made, when, quiet, e) < 0)
		return e->code;
	*progress = mem_copy(&made, sizeof made);
	return 0;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	progress_hide(progress);
	vec_foreach(&progress->lines, line)
		free(line->label);
	vec_done(&progress->lines);
	free(progress);
}

void cleanup_progress(struct progress **progress)
{
	progress_free(*progress);
}

/* ---- a line ---- */

static void add_rate(struct str *text, const struct line *line)
{
	char rate[SIZE_TEXT];
	char left[WHEN_TEXT_SIZE];

	if (line->rate < 1)
		return;
	str_format_bytes((uint64_t)line->rate, rate, sizeof rate);
	str_addf(text, "  %s/s", rate);
	if (line->total <= line->done)
		return;
	double left_ms = (double)(line->total - line->done) / line->rate * 1000;
	/* A tenth of a second does not matter to whoever waits. */
	if (left_ms < 1e15)
		str_addf(text, "  %s left", when_format_duration((int64_t)(left_ms / 1000 + 1) * 1000, left));
}

static void format_line(struct str *text, const struct line *line)
{
	char done[SIZE_TEXT];
	char total[SIZE_TEXT];

	str_format_bytes(line->done, done, sizeof done);
	str_format_bytes(line->total, total, sizeof total);
	str_add(text, line->label);
	if (line->total > 0)
		str_addf(text, "  %3u %%  %s of %s",
			 (unsigned)((double)line->done / (double)line->total * 100), done, total);
	else
		str_addf(text, "  %s", done);
	add_rate(text, line);
}

/* ---- on a terminal ---- */

void progress_hide(struct progress *progress)
{
	if (progress->drawn > 0) {
		fprintf(progress->out, "\033[%zuA\033[J", progress->drawn);
		fflush(progress->out);
	}
	progress->drawn = 0;
}

static struct winsize size_of(const struct progress *progress)
{
	struct winsize size = {0};

	if (ioctl(fileno(progress->out), TIOCGWINSZ, &size) < 0 || size.ws_col == 0 || size.ws_row < 3)
		size = (struct winsize){.ws_col = WIDTH_DEFAULT, .ws_row = HEIGHT_DEFAULT};
	return size;
}

/* One that is wider than the terminal would take up two lines, and be left behind. */
static int width_that_fits(const char *text, int columns)
{
	int width = 0;

	for (int shown = 0; text[width] && shown < columns - 1; shown++) {
		size_t length = str_utf8_character(text + width, strlen(text + width), NULL);
		width += length > 0 ? (int)length : 1;
	}
	return width;
}

static void draw(struct progress *progress)
{
	struct winsize size = size_of(progress);
	size_t room = size.ws_row - 2U;

	progress_hide(progress);
	vec_foreach(&progress->lines, line) {
		cleanup(str_done) struct str text = {0};
		if (progress->drawn == room)
			break;
		format_line(&text, line);
		fprintf(progress->out, "%.*s\n", width_that_fits(str_text(&text), size.ws_col), str_text(&text));
		progress->drawn++;
	}
	fflush(progress->out);
}

/* ---- elsewhere ---- */

static void print(struct progress *progress, struct line *line, int64_t now)
{
	cleanup(str_done) struct str text = {0};

	format_line(&text, line);
	fprintf(progress->out, "%s\n", str_text(&text));
	fflush(progress->out);
	line->printed = now;
}

/* ---- what has moved ---- */

static struct line *find(struct progress *progress, const char *label)
{
	vec_foreach(&progress->lines, line)
		if (strcmp(line->label, label) == 0)
			return line;
	return NULL;
}

static struct line *find_or_begin(struct progress *progress, const char *label, uint64_t done, int64_t now)
{
	struct line *line = find(progress, label);

	if (line)
		return line;
	line = vec_push_zero(&progress->lines);
	line->label = mem_string(label);
	line->sample_done = done;
	line->sample_at = line->printed = now;
	return line;
}

/* An eighth of what is new each time: it neither jumps nor lies about a link that has become slow. */
static void take_sample(struct line *line, int64_t now)
{
	int64_t passed = now - line->sample_at;

	if (passed < DRAW_MS)
		return;
	uint64_t moved = line->done > line->sample_done ? line->done - line->sample_done : 0;
	double rate = (double)moved * 1000 / (double)passed;
	line->rate = line->rate > 0 ? line->rate * 7 / 8 + rate / 8 : rate;
	line->sample_done = line->done;
	line->sample_at = now;
}

void progress_set(struct progress *progress, const char *label, uint64_t done_bytes, uint64_t total_bytes)
{
	if (progress->silent)
		return;
	cleanup(cleanup_mem) char *escaped = str_escape(label);
	int64_t now = when_monotonic();
	struct line *line = find_or_begin(progress, escaped, done_bytes, now);

	line->done = done_bytes;
	line->total = total_bytes;
	take_sample(line, now);
	if (!progress->terminal) {
		if (now - line->printed >= PRINT_MS)
			print(progress, line, now);
	} else if (progress->drawn == 0 || now - progress->drawn_at >= DRAW_MS) {
		draw(progress);
		progress->drawn_at = now;
	}
}

static void drop_line(struct progress *progress, struct line *line)
{
	if (!progress->terminal)
		print(progress, line, when_monotonic());
	free(line->label);
	size_t at = (size_t)(line - progress->lines.items);
	memmove(line, line + 1, (progress->lines.count - at - 1) * sizeof *line);
	progress->lines.count--;
	if (progress->terminal)
		draw(progress);
}

void progress_drop(struct progress *progress, const char *label)
{
	cleanup(cleanup_mem) char *escaped = str_escape(label);
	struct line *line = find(progress, escaped);

	if (line)
		drop_line(progress, line);
}

void progress_set_only(struct progress *progress, const char *label, uint64_t done_bytes, uint64_t total_bytes)
{
	cleanup(cleanup_mem) char *escaped = str_escape(label);

	if (!find(progress, escaped))
		while (progress->lines.count > 0)
			drop_line(progress, &progress->lines.items[0]);
	progress_set(progress, label, done_bytes, total_bytes);
}
