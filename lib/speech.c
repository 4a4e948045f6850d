/* speech.c - what is said, and the processes that synthesise it. */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mem.h"
#include "speech_private.h"
#include "vec.h"
#include "when.h"

enum { KNOWN_MAX = 64, NICENESS = 10, ERROR_MAX = 512 };

/* The first two go down, with the language, NUL, and the text; the others come up: samples, or an err_code and its text. */
enum frame_kind { FRAME_SAY, FRAME_CHECK, FRAME_SPEECH, FRAME_ERROR };

void speech_done(struct speech *speech)
{
	vec_done(speech);
}

/* ---- what is said ---- */

static bool is_name_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

int speech_check_form(const char *lang, struct err *e)
{
	size_t length = strlen(lang), variants = 0;
	bool good = length > 0 && length <= SPEECH_LANG_MAX && lang[0] != '+' && lang[length - 1] != '+';

	for (size_t i = 0; i < length && good; i++)
		if (lang[i] == '+')
			good = ++variants == 1;
		else
			good = is_name_character(lang[i]);
	if (good)
		return 0;
	cleanup(cleanup_mem) char *shown = str_escape(lang);
	return err_set(e, ERR_USAGE,
		       "'%.80s' is no language of espeak-ng: expected one as en-gb, ja or en-us+f3", shown);
}

/* Those of its own that espeak-ng would take out of the text: control characters (1 begins a command), and the private use area, where it keeps marks. */
static bool is_said(uint32_t codepoint)
{
	return codepoint >= 0x20 && codepoint != 0x7f && !(codepoint >= 0x80 && codepoint < 0xa0) &&
	       !(codepoint >= 0xe000 && codepoint <= 0xf8ff);
}

/* Where the text is cut if it is too long: before the word that does not fit, unless that is most of it. */
static size_t end_of(const struct str *text)
{
	size_t end = text->length;

	if (end <= SPEECH_TEXT_MAX)
		return end;
	for (end = SPEECH_TEXT_MAX; end > SPEECH_TEXT_MAX / 2; end--)
		if (text->data[end] == ' ')
			return end;
	for (end = SPEECH_TEXT_MAX; (text->data[end] & 0xc0) == 0x80; end--)
		continue;
	return end;
}

void speech_clean(const char *text, struct str *clean)
{
	size_t left = strlen(text);

	while (left > 0 && clean->length <= SPEECH_TEXT_MAX) {
		uint32_t codepoint = 0;
		size_t length = str_utf8_character(text, left, &codepoint);
		if (length > 0 && is_said(codepoint))
			str_add_n(clean, text, length);
		else
			str_add_char(clean, ' ');
		text += length > 0 ? length : 1;
		left -= length > 0 ? length : 1;
	}
	if (clean->length == 0)
		return;
	clean->length = end_of(clean);
	clean->data[clean->length] = '\0';
}

/* ---- in the process that synthesises ---- */

static int answer_error(struct channel *channel, const struct err *error, struct err *e)
{
	char bytes[sizeof(int32_t) + ERROR_MAX];
	int32_t code = error->code;
	size_t length = strnlen(error->text, ERROR_MAX);

	memcpy(bytes, &code, sizeof code);
	memcpy(bytes + sizeof code, error->text, length);
	return channel_send(channel, FRAME_ERROR, bytes, sizeof code + length, e);
}

static int answer(struct channel *channel, const struct frame *frame, struct err *e)
{
	const char *lang = frame->bytes;
	cleanup(speech_done) struct speech speech = {0};
	size_t length = strnlen(lang, frame->length);

	if (length + 1 >= frame->length || lang[frame->length - 1] != '\0')
		return err_set(e, ERR_CORRUPT, "a request that is cut short");
	struct err error = {0};
	int result = frame->kind == FRAME_CHECK ? speech_voice(lang, &error)
						: speech_say(lang, lang + length + 1, &speech, &error);
	if (result < 0)
		return answer_error(channel, &error, e);
	return channel_send(channel, FRAME_SPEECH, speech.items, speech.count * sizeof *speech.items, e);
}

/*
 * espeak-ng lets each text sound a little as those before were: so each is said by a copy of the process that has said none,
 * and the same text is the same sound.
 */
static int answer_in_copy(struct channel *channel, const struct frame *frame)
{
	struct err e;
	pid_t parent = getpid();
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(getppid() == parent && answer(channel, frame, &e) == 0 ? 0 : 4);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	/* The channel may hold half an answer: whoever asked is told in the same way as of any death. */
	if (pid > 0 && WIFSIGNALED(status))
		raise(WTERMSIG(status));
	return pid > 0 ? WEXITSTATUS(status) : 4;
}

static int worker_body(struct channel *channel, void *context)
{
	struct frame frame;
	struct err e;

	(void)context;
	/* The process that paces the sound of calls comes first. */
	setpriority(PRIO_PROCESS, 0, NICENESS);
	/* A failure is met again, and answered, with the first request. */
	(void)speech_begin(&e);
	while (channel_wait(channel, &frame, &e) == 1)
		if (answer_in_copy(channel, &frame) != 0)
			return 4;
	return 0;
}

/* ---- on the other side ---- */

int speech_start(struct child *worker, struct err *e)
{
	return child_start(worker, worker_body, NULL, e);
}

static int ask(struct child *worker, enum frame_kind kind, const char *lang, const char *text, struct err *e)
{
	cleanup(str_done) struct str request = {0};
	size_t length = strlen(text);

	if (speech_check_form(lang, e) < 0)
		return e->code;
	str_add_n(&request, lang, strlen(lang) + 1);
	/* More is not said; and never so much that the channel, which is empty, would make us wait. */
	str_add_n(&request, text, length < 2 * SPEECH_TEXT_MAX ? length : 2 * SPEECH_TEXT_MAX);
	str_add_char(&request, '\0');
	return channel_send(&worker->channel, (unsigned char)kind, request.data, request.length, e);
}

int speech_ask(struct child *worker, const char *lang, const char *text, struct err *e)
{
	return ask(worker, FRAME_SAY, lang, text, e);
}

static int take_error(const struct frame *frame, struct err *e)
{
	int32_t code;

	if (frame->length < sizeof code)
		return err_set(e, ERR_NET, "the process that synthesises sent an answer cut short");
	memcpy(&code, frame->bytes, sizeof code);
	/* ERR_NET is kept for the process itself. */
	return err_set(e, code == ERR_USAGE ? ERR_USAGE : ERR_ENV, "%.*s", (int)(frame->length - sizeof code),
		       (const char *)frame->bytes + sizeof code);
}

static int take_frame(const struct frame *frame, struct speech *speech, struct err *e)
{
	struct speech taken = {0};

	if (frame->kind == FRAME_ERROR)
		return take_error(frame, e);
	taken.count = frame->length / sizeof *taken.items;
	vec_reserve(&taken, taken.count + 1);
	memcpy(taken.items, frame->bytes, taken.count * sizeof *taken.items);
	*speech = taken;
	return 1;
}

int speech_take(struct child *worker, struct speech *speech, struct err *e)
{
	struct frame frame;

	for (;;) {
		int result = channel_next(&worker->channel, &frame, e);
		if (result == 1)
			return take_frame(&frame, speech, e);
		if (result == 0)
			result = channel_fill(&worker->channel, e);
		if (result == 0)
			return 0;
		if (result < 0)
			return err_set(e, ERR_NET, "the process that synthesises is gone");
	}
}

/* ---- languages ---- */

static int wait_for_answer(struct child *worker, struct err *e)
{
	int64_t until = when_monotonic() + SPEECH_WAIT_MS;
	cleanup(speech_done) struct speech nothing = {0};
	int result;

	while ((result = speech_take(worker, &nothing, e)) == 0) {
		int64_t left = until - when_monotonic();
		struct pollfd event = {.fd = worker->channel.fd, .events = POLLIN};
		if (left <= 0)
			return err_set(e, ERR_ENV, "espeak-ng does not answer");
		poll(&event, 1, (int)left);
	}
	return result < 0 ? result : 0;
}

static int check(const char *lang, struct err *e)
{
	struct child worker;
	char how[64];

	if (speech_start(&worker, e) < 0)
		return e->code;
	int result = ask(&worker, FRAME_CHECK, lang, "", e);
	if (result == 0)
		result = wait_for_answer(&worker, e);
	if (result != ERR_NET) {
		child_kill(&worker);
		return result;
	}
	child_collect(&worker, how, sizeof how);
	return err_set(e, ERR_ENV, "espeak-ng: %s: %s", lang, how);
}

/* Lists name the same few again and again. */
int speech_check_lang(const char *lang, struct err *e)
{
	static char known[KNOWN_MAX][SPEECH_LANG_MAX + 1];
	static size_t count;

	if (speech_check_form(lang, e) < 0)
		return e->code;
	for (size_t i = 0; i < count; i++)
		if (strcmp(known[i], lang) == 0)
			return 0;
	int result = speech_is_built() ? check(lang, e) : 0;
	if (result == 0 && count < KNOWN_MAX)
		strncpy(known[count++], lang, SPEECH_LANG_MAX);
	return result;
}
