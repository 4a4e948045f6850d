/* when.c - instants and durations: reading, writing, clocks. */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "when.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };
static const int64_t DAY = 24LL * HOUR;

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t when_now(void)
{
	return clock_ns(CLOCK_REALTIME) / 1000000;
}

int64_t when_monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t when_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Floor division: instants before 1970 are valid. */
static int64_t whole_seconds(int64_t instant)
{
	int64_t seconds = instant / 1000;

	return instant % 1000 < 0 ? seconds - 1 : seconds;
}

static void format_zone(long offset_s, bool colon, char *text, size_t size)
{
	char sign = offset_s < 0 ? '-' : '+';
	unsigned minutes = (unsigned)((offset_s < 0 ? -offset_s : offset_s) / 60);

	snprintf(text, size, "%c%02u%s%02u", sign, minutes / 60 % 100, colon ? ":" : "", minutes % 60);
}

/* strftime would translate the names into the user's language, which RFC 5322 forbids. */
static void format_mail(const struct tm *tm, char *text)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char zone[8];

	format_zone(tm->tm_gmtoff, false, zone, sizeof zone);
	snprintf(text, WHEN_TEXT_SIZE, "%.3s, %d %.3s %d %02d:%02d:%02d %s", days + 3L * tm->tm_wday, tm->tm_mday,
		 months + 3L * tm->tm_mon, tm->tm_year + 1900, tm->tm_hour, tm->tm_min, tm->tm_sec, zone);
}

const char *when_format(int64_t instant, enum when_style style, char *text)
{
	struct tm tm;
	time_t seconds = (time_t)whole_seconds(instant);

	if (instant == WHEN_UNKNOWN || !localtime_r(&seconds, &tm)) {
		snprintf(text, WHEN_TEXT_SIZE, "-");
		return text;
	}
	if (style == WHEN_MAIL) {
		format_mail(&tm, text);
		return text;
	}
	if (style == WHEN_CLOCK) {
		strftime(text, WHEN_TEXT_SIZE, "%H:%M:%S", &tm);
		return text;
	}
	if (style == WHEN_LOCAL) {
		strftime(text, WHEN_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
		return text;
	}
	char zone[8];
	char stamp[32];
	format_zone(tm.tm_gmtoff, true, zone, sizeof zone);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
	if (style == WHEN_EVENT)
		snprintf(text, WHEN_TEXT_SIZE, "%s.%03d%s", stamp, (int)(instant - (int64_t)seconds * 1000),
			 zone);
	else
		snprintf(text, WHEN_TEXT_SIZE, "%s%s", stamp, zone);
	return text;
}

/* Reads exactly DIGITS digits at *text and moves past them. */
static bool take_digits(const char **text, int digits, int *value)
{
	*value = 0;
	for (int i = 0; i < digits; i++) {
		if (!isdigit((unsigned char)**text))
			return false;
		*value = *value * 10 + (*(*text)++ - '0');
	}
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

/* ".5", ".123456": a fraction of a second, cut to milliseconds. */
static bool take_fraction(const char **text, int *milliseconds)
{
	int scale = 100;

	*milliseconds = 0;
	if (!take_char(text, '.'))
		return true;
	if (!isdigit((unsigned char)**text))
		return false;
	while (isdigit((unsigned char)**text)) {
		*milliseconds += (*(*text)++ - '0') * scale;
		scale /= 10;
	}
	return true;
}

static bool take_date(const char **text, struct tm *tm)
{
	if (!take_digits(text, 4, &tm->tm_year) || !take_char(text, '-') ||
	    !take_digits(text, 2, &tm->tm_mon) || !take_char(text, '-') || !take_digits(text, 2, &tm->tm_mday))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon -= 1;
	return tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday >= 1 && tm->tm_mday <= 31;
}

static bool take_clock(const char **text, struct tm *tm, int *milliseconds)
{
	*milliseconds = 0;
	tm->tm_sec = 0;
	if (!take_digits(text, 2, &tm->tm_hour) || !take_char(text, ':') || !take_digits(text, 2, &tm->tm_min))
		return false;
	if (take_char(text, ':') && (!take_digits(text, 2, &tm->tm_sec) || !take_fraction(text, milliseconds)))
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

/* "Z", "+09:00", "-0330": seconds east of UTC. */
static bool take_zone(const char **text, long *offset_s)
{
	int hours;
	int minutes;
	long sign = 1;

	if (take_char(text, 'Z') || take_char(text, 'z')) {
		*offset_s = 0;
		return true;
	}
	if (**text == '-')
		sign = -1;
	else if (**text != '+')
		return false;
	(*text)++;
	if (!take_digits(text, 2, &hours))
		return false;
	take_char(text, ':');
	if (!take_digits(text, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*offset_s = sign * (hours * 3600L + minutes * 60L);
	return true;
}

static bool is_wall_time(time_t seconds, const struct tm *wall)
{
	struct tm tm;

	return localtime_r(&seconds, &tm) && tm.tm_year == wall->tm_year && tm.tm_mon == wall->tm_mon &&
	       tm.tm_mday == wall->tm_mday && tm.tm_hour == wall->tm_hour && tm.tm_min == wall->tm_min;
}

static long offset_at(time_t seconds)
{
	struct tm tm;

	return localtime_r(&seconds, &tm) ? tm.tm_gmtoff : 0;
}

/*
 * Local wall time to an instant, by the offset before and the one after a change of clocks that may be near.
 * Where clocks go back both fit, and the earlier is taken. mktime would only tell summer time from standard time,
 * and zones change for other reasons too.
 */
static int from_local(const struct tm *wall, int milliseconds, int64_t *instant, bool *ambiguous,
		      const char *text, struct err *e)
{
	enum { NEAR_S = 24 * 60 * 60 };
	struct tm normal = *wall;
	time_t as_utc = timegm(&normal);
	time_t before = as_utc - offset_at(as_utc - NEAR_S), after = as_utc - offset_at(as_utc + NEAR_S);
	bool before_fits = is_wall_time(before, wall), after_fits = is_wall_time(after, wall);

	if (!before_fits && !after_fits)
		return err_set(e, ERR_USAGE, "'%s' is not a time that exists here", text);
	/* Clocks that go back change to a smaller offset, by which the same wall time is later. */
	*instant = (int64_t)(before_fits ? before : after) * 1000 + milliseconds;
	*ambiguous = before_fits && after_fits && before != after;
	return 0;
}

static int bad_time(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE,
		       "'%s' is not a time: expected 2026-11-20 12:33:21, 12:33, 15m ago, "
		       "yesterday 18:00, @SECONDS or RFC 3339",
		       text);
}

static int parse_epoch(const char *text, int64_t *instant, struct err *e)
{
	const char *rest = text + 1;
	int64_t seconds = 0;
	int milliseconds;

	if (!isdigit((unsigned char)*rest))
		return bad_time(text, e);
	while (isdigit((unsigned char)*rest)) {
		seconds = seconds * 10 + (*rest++ - '0');
		if (seconds > 253402300799LL) /* the last second of the year 9999 */
			return bad_time(text, e);
	}
	if (!take_fraction(&rest, &milliseconds) || *rest)
		return bad_time(text, e);
	*instant = seconds * 1000 + milliseconds;
	return 0;
}

static int parse_ago(const char *text, int64_t now, int64_t *instant, struct err *e)
{
	char duration[64];
	size_t length = strlen(text) - strlen(" ago");
	int64_t milliseconds;
	struct err ignored;

	if (length >= sizeof duration)
		return bad_time(text, e);
	memcpy(duration, text, length);
	duration[length] = '\0';
	if (when_parse_duration(duration, &milliseconds, &ignored) < 0)
		return bad_time(text, e);
	*instant = now - milliseconds;
	return 0;
}

/* Midday avoids every hour that a change of clocks can skip when a day is subtracted. */
static void day_of(int64_t now, int days_back, struct tm *tm)
{
	time_t seconds = (time_t)whole_seconds(now);

	localtime_r(&seconds, tm);
	tm->tm_hour = 12;
	tm->tm_min = tm->tm_sec = 0;
	tm->tm_mday -= days_back;
	tm->tm_isdst = -1;
	mktime(tm);
	tm->tm_hour = 0;
}

/* "yesterday", "today 18:00": 1 with *tm and *milliseconds filled, 0 if the text begins with neither. */
static int take_day_name(const char **text, int64_t now, struct tm *tm)
{
	static const char *const names[] = {"today", "yesterday"};

	for (int days_back = 0; days_back < 2; days_back++) {
		size_t length = strlen(names[days_back]);
		if (strncmp(*text, names[days_back], length) != 0)
			continue;
		*text += length;
		day_of(now, days_back, tm);
		return 1;
	}
	return 0;
}

/* A time of day alone: the latest that is past. */
static int parse_clock(const char *text, int64_t now, int64_t *instant, bool *ambiguous, struct err *e)
{
	for (int days_back = 0; days_back < 2; days_back++) {
		const char *rest = text;
		struct tm tm = {0};
		int milliseconds;

		day_of(now, days_back, &tm);
		if (!take_clock(&rest, &tm, &milliseconds) || *rest)
			return bad_time(text, e);
		int result = from_local(&tm, milliseconds, instant, ambiguous, text, e);
		if (result < 0 || *instant <= now)
			return result;
	}
	return 0;
}

static int parse_date(const char *text, int64_t now, int64_t *instant, bool *ambiguous, struct err *e)
{
	const char *rest = text;
	struct tm tm = {0};
	int milliseconds = 0;
	long offset_s;

	if (!take_day_name(&rest, now, &tm) && !take_date(&rest, &tm))
		return bad_time(text, e);
	if (!*rest)
		return from_local(&tm, 0, instant, ambiguous, text, e);
	if (!take_char(&rest, ' ') && !take_char(&rest, 'T') && !take_char(&rest, 't'))
		return bad_time(text, e);
	if (!take_clock(&rest, &tm, &milliseconds))
		return bad_time(text, e);
	if (!*rest)
		return from_local(&tm, milliseconds, instant, ambiguous, text, e);
	if (!take_zone(&rest, &offset_s) || *rest)
		return bad_time(text, e);
	struct tm normal = tm;
	time_t seconds = timegm(&normal);
	if (normal.tm_mday != tm.tm_mday)
		return bad_time(text, e);
	*instant = ((int64_t)seconds - offset_s) * 1000 + milliseconds;
	return 0;
}

int when_parse(const char *text, int64_t now, int64_t *instant, bool *ambiguous, struct err *e)
{
	size_t length = strlen(text);
	bool twice = false;
	int64_t value;
	int result;

	if (strcmp(text, "now") == 0) {
		value = now;
		result = 0;
	} else if (text[0] == '@') {
		result = parse_epoch(text, &value, e);
	} else if (length > 4 && strcmp(text + length - 4, " ago") == 0) {
		result = parse_ago(text, now, &value, e);
	} else if (length > 2 && text[2] == ':') {
		result = parse_clock(text, now, &value, &twice, e);
	} else {
		result = parse_date(text, now, &value, &twice, e);
	}
	if (result < 0)
		return result;
	*instant = value;
	if (ambiguous)
		*ambiguous = twice;
	return 0;
}

static const struct {
	const char *name;
	int64_t milliseconds;
} units[] = {
	{"d", 24LL * HOUR}, {"h", HOUR}, {"m", MINUTE}, {"s", SECOND}, {"ms", 1},
};

static const size_t unit_count = sizeof units / sizeof units[0];

static int bad_duration(const char *text, struct err *e)
{
	return err_set(e, ERR_USAGE, "'%s' is not a duration: expected for example 250ms, 15m or 1h30m", text);
}

/* The unit that begins at TEXT and ends before a digit or the end; -1 if none. */
static int unit_at(const char *text, size_t *length)
{
	*length = 0;
	while (isalpha((unsigned char)text[*length]))
		(*length)++;
	for (size_t i = 0; i < unit_count; i++)
		if (strlen(units[i].name) == *length && strncmp(text, units[i].name, *length) == 0)
			return (int)i;
	return -1;
}

int when_parse_duration(const char *text, int64_t *milliseconds, struct err *e)
{
	const char *rest = text;
	int64_t total = 0;
	int last_unit = -1;

	if (strcmp(text, "0") == 0) {
		*milliseconds = 0;
		return 0;
	}
	do {
		int64_t number = 0;
		size_t length;
		if (!isdigit((unsigned char)*rest))
			return bad_duration(text, e);
		while (isdigit((unsigned char)*rest) && number < 1000000000)
			number = number * 10 + (*rest++ - '0');
		int unit = unit_at(rest, &length);
		if (unit <= last_unit || number >= 1000000000)
			return bad_duration(text, e);
		total += number * units[unit].milliseconds;
		if (total > 36500 * DAY)
			return bad_duration(text, e);
		last_unit = unit;
		rest += length;
	} while (*rest);
	*milliseconds = total;
	return 0;
}

const char *when_format_duration(int64_t milliseconds, char *text)
{
	const char *sign = milliseconds < 0 ? "-" : "";
	int64_t rest = milliseconds < 0 ? -milliseconds : milliseconds;
	size_t unit = 0;

	/* Milliseconds say nothing beside a whole second. */
	if (rest >= SECOND)
		rest -= rest % SECOND;
	while (unit < unit_count - 1 && rest < units[unit].milliseconds)
		unit++;
	if (rest == 0) {
		snprintf(text, WHEN_TEXT_SIZE, "0s");
		return text;
	}
	int64_t first = rest / units[unit].milliseconds;
	int64_t remainder = rest % units[unit].milliseconds;
	int64_t second = unit + 1 < unit_count ? remainder / units[unit + 1].milliseconds : 0;
	if (second > 0)
		snprintf(text, WHEN_TEXT_SIZE, "%s%lld%s%lld%s", sign, (long long)first, units[unit].name,
			 (long long)second, units[unit + 1].name);
	else
		snprintf(text, WHEN_TEXT_SIZE, "%s%lld%s", sign, (long long)first, units[unit].name);
	return text;
}
