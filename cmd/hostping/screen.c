/* screen.c - the picture of the board. */
#include "config.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "hoststate.h"
#include "mem.h"
#include "screen.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum {
	STATE_WIDTH = 9,
	SINCE_WIDTH = 21,
	RTT_WIDTH = 11,
	NAME_WIDTH_MIN = 8,
	PROBES_WIDTH_MIN = 12,
	HEAD_LINES = 2,
	FOOT_LINES = 1,
	FILTER_MAX = 64,
	KEY_ESCAPE = 27,
	KEY_RUBOUT = 127
};

enum color { COLOR_NONE, COLOR_OF_DOWN, COLOR_OF_UP, COLOR_OF_UNKNOWN };

/* What the store said of a host. */
struct remembered {
	int64_t since_ms;
	uint8_t state;
};

struct screen {
	const struct targets *targets;
	const struct cells *cells;
	SCREEN *terminal;
	bool colored;
	int longest_name, longest_address; /* with a blank after each */
	struct remembered *remembered;     /* a host each, or NULL */
	VEC(uint32_t) shown;               /* hosts in their order on the screen */
	size_t counts[HOST_ISOLATED + 1];
	size_t top; /* the first line shown, in SHOWN */
	char filter[FILTER_MAX];
	bool typing; /* the filter */
};

static const wchar_t *const heights[CELL_STEPS + 1] = {L" ",      L"\u2581", L"\u2582", L"\u2583", L"\u2584",
						       L"\u2585", L"\u2586", L"\u2587", L"\u2588"};

static void measure(struct screen *screen)
{
	char address[ICMP_ADDRESS_TEXT_SIZE];

	screen->longest_name = NAME_WIDTH_MIN;
	screen->longest_address = sizeof "ADDRESS";
	for (uint32_t i = 0; i < screen->targets->count; i++) {
		int name = (int)strlen(targets_name(screen->targets, i)) + 1;
		if (name > screen->longest_name)
			screen->longest_name = name;
		if (screen->targets->addresses[i].family == 0)
			continue;
		icmp_address_format(&screen->targets->addresses[i], address);
		if ((int)strlen(address) + 1 > screen->longest_address)
			screen->longest_address = (int)strlen(address) + 1;
	}
}

int screen_new(struct screen **screen, const struct targets *targets, const struct cells *cells, struct err *e)
{
	SCREEN *terminal = newterm(NULL, stdout, stdin);

	/* A terminal that cannot move its cursor is known, and can show nothing. */
	if (!terminal || !tigetstr("cup"))
		return err_set(e, ERR_ENV, "the terminal '%.32s' is not known or cannot be used",
			       getenv("TERM") ? getenv("TERM") : "");
	struct screen *opened = mem_zalloc(1, sizeof *opened);
	opened->targets = targets;
	opened->cells = cells;
	opened->terminal = terminal;
	measure(opened);
	set_term(terminal);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	const char *no_color = getenv("NO_COLOR");
	opened->colored = !(no_color && *no_color) && has_colors();
	if (opened->colored) {
		start_color();
		use_default_colors();
		init_pair(COLOR_OF_DOWN, COLOR_RED, -1);
		init_pair(COLOR_OF_UP, COLOR_GREEN, -1);
		init_pair(COLOR_OF_UNKNOWN, COLOR_YELLOW, -1);
	}
	*screen = opened;
	return 0;
}

void screen_free(struct screen *screen)
{
	if (!screen)
		return;
	endwin();
	delscreen(screen->terminal);
	vec_done(&screen->shown);
	free(screen->remembered);
	free(screen);
}

void screen_remember(struct screen *screen, const struct options *o)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e;

	if (cli_store(&o->conf, STORE_READ, &store, &e) < 0 || store_view_open(&view, store, &e) < 0)
		return;
	screen->remembered = mem_zalloc(screen->targets->count, sizeof *screen->remembered);
	for (uint32_t i = 0; i < screen->targets->count; i++) {
		cleanup(hoststate_done) struct hoststate state = {0};
		if (hoststate_get(view, targets_name(screen->targets, i), &state, &e) == 1)
			screen->remembered[i] = (struct remembered){state.since, (uint8_t)state.state};
	}
	store_view_close(view);
	view = NULL;
}

/* ---- which hosts ---- */

static enum host_state state_of(const struct screen *screen, uint32_t index)
{
	uint8_t state = screen->cells->items[index].state;

	return state > HOST_ISOLATED ? HOST_UNKNOWN : (enum host_state)state;
}

static bool matches(const struct screen *screen, uint32_t index)
{
	char address[ICMP_ADDRESS_TEXT_SIZE];

	if (screen->filter[0] == '\0')
		return true;
	if (strcasestr(targets_name(screen->targets, index), screen->filter) ||
	    strcasestr(hoststate_name(state_of(screen, index)), screen->filter))
		return true;
	return screen->targets->addresses[index].family != 0 &&
	       strcasestr(icmp_address_format(&screen->targets->addresses[index], address), screen->filter);
}

/* DOWN first, then those that are not known, then the rest; each in the order of the list. */
static void choose(struct screen *screen)
{
	static const enum host_state order[] = {HOST_DOWN, HOST_UNKNOWN, HOST_UP};

	screen->shown.count = 0;
	memset(screen->counts, 0, sizeof screen->counts);
	for (uint32_t i = 0; i < screen->targets->count; i++)
		screen->counts[state_of(screen, i)]++;
	for (size_t o = 0; o < sizeof order / sizeof order[0]; o++)
		for (uint32_t i = 0; i < screen->targets->count; i++)
			if (state_of(screen, i) == order[o] && matches(screen, i))
				vec_push(&screen->shown, i);
}

static size_t page_lines(void)
{
	return LINES > HEAD_LINES + FOOT_LINES ? (size_t)(LINES - HEAD_LINES - FOOT_LINES) : 1;
}

static void keep_in_range(struct screen *screen)
{
	size_t last = screen->shown.count > page_lines() ? screen->shown.count - page_lines() : 0;

	if (screen->top > last)
		screen->top = last;
}

/* ---- how each looks ---- */

/* Writes TEXT escaped, in exactly WIDTH columns where there is that much room. */
static void add_field(int width, const char *text)
{
	cleanup(str_done) struct str escaped = {0};
	const char *next;
	int used = 0;

	str_add_escaped(&escaped, text, strlen(text));
	next = str_text(&escaped);
	while (*next && used < width - 1) {
		uint32_t codepoint;
		size_t length = str_utf8_character(next, strlen(next), &codepoint);
		int columns = wcwidth((wchar_t)codepoint);
		if (length == 0 || columns < 0 || used + columns > width - 1)
			break;
		addnstr(next, (int)length);
		used += columns;
		next += length;
	}
	while (used++ < width)
		addch(' ');
}

static void set_color(const struct screen *screen, enum color color)
{
	if (screen->colored)
		attrset(color == COLOR_NONE ? A_NORMAL : (attr_t)COLOR_PAIR(color));
	else
		attrset(color == COLOR_OF_DOWN ? A_REVERSE : A_NORMAL);
}

static enum color color_of(enum host_state state)
{
	return state == HOST_DOWN ? COLOR_OF_DOWN : state == HOST_UP ? COLOR_OF_UP : COLOR_OF_UNKNOWN;
}

static int64_t since_of(const struct screen *screen, uint32_t index)
{
	const struct cell *cell = &screen->cells->items[index];

	if (screen->remembered && cell->changes == 1 && screen->remembered[index].state == cell->state)
		return screen->remembered[index].since_ms;
	return cell->since_ms;
}

static void draw_probes(const struct screen *screen, const struct cell *cell, int room)
{
	int count = room < CELLS_PROBES ? room : CELLS_PROBES;
	unsigned first = (cell->next + CELLS_PROBES - (unsigned)(count < 0 ? 0 : count)) % CELLS_PROBES;

	for (int i = 0; i < count; i++) {
		uint8_t height = cell->probes[(first + (unsigned)i) % CELLS_PROBES];
		set_color(screen, height == CELL_LOST ? COLOR_OF_DOWN : COLOR_NONE);
		addwstr(height == CELL_LOST ? L"x" : heights[height <= CELL_STEPS ? height : 0]);
	}
	set_color(screen, COLOR_NONE);
}

/* What is left for name and address, when some probes are to be seen. */
static int room(void)
{
	return COLS - STATE_WIDTH - SINCE_WIDTH - RTT_WIDTH - PROBES_WIDTH_MIN;
}

/* A name tells hosts apart: where the room is not enough for both, the address gives way. */
static int address_width(const struct screen *screen)
{
	return screen->longest_name + screen->longest_address <= room() ? screen->longest_address : 0;
}

static int name_width(const struct screen *screen)
{
	if (screen->longest_name <= room())
		return screen->longest_name;
	return room() < NAME_WIDTH_MIN ? NAME_WIDTH_MIN : room();
}

static void draw_host(const struct screen *screen, uint32_t index, int line)
{
	const struct cell *cell = &screen->cells->items[index];
	enum host_state state = state_of(screen, index);
	char address[ICMP_ADDRESS_TEXT_SIZE] = "-";
	char since[WHEN_TEXT_SIZE];
	char rtt[RTT_WIDTH + 8] = "-";

	move(line, 0);
	set_color(screen, color_of(state));
	add_field(STATE_WIDTH, cell->silent ? "UP silent" : hoststate_name(state));
	set_color(screen, COLOR_NONE);
	add_field(name_width(screen), targets_name(screen->targets, index));
	if (screen->targets->addresses[index].family != 0)
		icmp_address_format(&screen->targets->addresses[index], address);
	add_field(address_width(screen), address);
	add_field(SINCE_WIDTH, when_format(since_of(screen, index), WHEN_LOCAL, since));
	if (cell->rtt_us >= 0)
		snprintf(rtt, sizeof rtt, "%.2f ms", cell->rtt_us / 1000.0);
	add_field(RTT_WIDTH, rtt);
	draw_probes(screen, cell, COLS - getcurx(stdscr) - 1);
}

static void draw_head(const struct screen *screen)
{
	move(0, 0);
	set_color(screen, screen->counts[HOST_DOWN] > 0 ? COLOR_OF_DOWN : COLOR_NONE);
	printw("%zu down", screen->counts[HOST_DOWN]);
	set_color(screen, COLOR_NONE);
	printw("  %zu unknown  %zu up", screen->counts[HOST_UNKNOWN], screen->counts[HOST_UP]);
	if (screen->cells->isolated) {
		set_color(screen, COLOR_OF_DOWN);
		printw("  ISOLATED");
		set_color(screen, COLOR_NONE);
	} else if (screen->cells->unwitnessed) {
		set_color(screen, COLOR_OF_UNKNOWN);
		printw("  no reference answers");
		set_color(screen, COLOR_NONE);
	}
	if (screen->shown.count > 0)
		printw("   %zu-%zu of %zu", screen->top + 1,
		       screen->top + page_lines() < screen->shown.count ? screen->top + page_lines()
									: screen->shown.count,
		       screen->shown.count);
	move(1, 0);
	attrset(A_BOLD);
	add_field(STATE_WIDTH, "STATE");
	add_field(name_width(screen), "HOST");
	add_field(address_width(screen), "ADDRESS");
	add_field(SINCE_WIDTH, "SINCE");
	add_field(RTT_WIDTH, "RTT");
	addstr("LAST PROBES");
	attrset(A_NORMAL);
}

static void draw_foot(const struct screen *screen, const char *message)
{
	move(LINES - 1, 0);
	if (*message && !screen->typing) {
		add_field(COLS, message);
	} else if (screen->typing || screen->filter[0]) {
		printw("/%s", screen->filter);
		if (screen->typing)
			addch('_' | A_BLINK);
	} else {
		addstr("q quit   / filter   j k scroll   Space b page");
	}
}

void screen_draw(struct screen *screen, const char *message)
{
	size_t lines = page_lines();

	choose(screen);
	keep_in_range(screen);
	erase();
	draw_head(screen);
	for (size_t i = 0; i < lines && screen->top + i < screen->shown.count; i++)
		draw_host(screen, screen->shown.items[screen->top + i], (int)i + HEAD_LINES);
	draw_foot(screen, message);
	refresh();
}

/* ---- keys ---- */

static void type(struct screen *screen, int key)
{
	size_t length = strlen(screen->filter);

	if (key == '\r' || key == '\n' || key == KEY_ENTER) {
		screen->typing = false;
	} else if (key == KEY_ESCAPE) {
		screen->typing = false;
		screen->filter[0] = '\0';
	} else if (key == KEY_BACKSPACE || key == KEY_RUBOUT || key == '\b') {
		if (length > 0)
			screen->filter[length - 1] = '\0';
	} else if (key >= ' ' && key < KEY_RUBOUT && length + 1 < sizeof screen->filter) {
		screen->filter[length] = (char)key;
		screen->filter[length + 1] = '\0';
	}
	screen->top = 0;
}

static void scroll_up(struct screen *screen, size_t lines)
{
	screen->top = screen->top > lines ? screen->top - lines : 0;
}

static bool obey(struct screen *screen, int key)
{
	switch (key) {
	case 'q':
		return false;
	case '/':
		screen->typing = true;
		screen->filter[0] = '\0';
		break;
	case 'j':
	case KEY_DOWN:
		screen->top++;
		break;
	case 'k':
	case KEY_UP:
		scroll_up(screen, 1);
		break;
	case ' ':
	case KEY_NPAGE:
		screen->top += page_lines();
		break;
	case 'b':
	case KEY_PPAGE:
		scroll_up(screen, page_lines());
		break;
	case 'g':
	case KEY_HOME:
		screen->top = 0;
		break;
	case 'G':
	case KEY_END:
		screen->top = screen->shown.count;
		break;
	case KEY_ESCAPE:
		screen->filter[0] = '\0';
		break;
	default:
		break;
	}
	return true;
}

enum screen_wish screen_input(struct screen *screen, int wait_ms)
{
	enum screen_wish wish = SCREEN_NOTHING;

	timeout(wait_ms);
	int key = getch();
	/* Whatever was typed meanwhile is done before the next drawing. */
	for (timeout(0); key != ERR; key = getch()) {
		if (screen->typing)
			type(screen, key);
		else if (!obey(screen, key))
			return SCREEN_LEAVE;
		if (key != KEY_RESIZE)
			wish = SCREEN_GO_ON;
		keep_in_range(screen);
	}
	return wish;
}
