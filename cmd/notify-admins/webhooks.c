/* webhooks.c - posting to the webhooks of the settings, each with the headers that prove who we are. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "command.h"
#include "http.h"
#include "mem.h"
#include "vec.h"
#include "webhooks.h"
#include "when.h"

enum {
	TIMEOUT_MS = 30 * 1000,
	COMMAND_LIMIT_MS = 20 * 1000,
	COMMANDS_AT_ONCE = 4,
	HEADERS_FRESH_MS = 5 * 60 * 1000,
	HEADERS_PAUSE_MS = 30 * 1000, /* a server that refuses everybody must not make us ask without end */
	HEADERS_MAX = 20
};

enum message_state { WAITING /* for headers */, POSTED, ENDED };

struct message {
	enum message_state state;
	uint64_t tag;
	size_t webhook;
	char *body;
	size_t length;
	char *key;           /* its header line */
	unsigned generation; /* of the headers that went with it */
	bool again;          /* it is made once more already */
	struct err outcome;
};

struct webhook {
	const struct conf_webhook *settings;
	struct poster *poster; /* NULL: could not be set up, `trouble` says why */
	struct err trouble;    /* the newest of headers_command; code 0: none */
	unsigned generation;   /* how often it printed headers */
	int64_t asked;         /* when it last ended (CLOCK_MONOTONIC) */
	bool asking;
	bool refused;      /* the server does not take these headers */
	unsigned refusals; /* how many in a row it did not take */
};

struct webhooks {
	struct webhook *items;
	size_t count;
	struct {
		struct message **items;
		size_t count, capacity;
	} messages;
	struct commands *commands; /* tags are indices of items */
	int epoll;
};

static void message_free(struct message *message)
{
	free(message->body);
	free(message->key);
	free(message);
}

static void end(struct message *message, const struct err *outcome)
{
	message->state = ENDED;
	message->outcome = *outcome;
}

static struct message *find_message(const struct webhooks *webhooks, uint64_t tag)
{
	vec_foreach(&webhooks->messages, message)
		if ((*message)->tag == tag && (*message)->state == POSTED)
			return *message;
	return NULL;
}

static void post(struct webhooks *webhooks, struct message *message)
{
	struct webhook *webhook = &webhooks->items[message->webhook];
	struct post_content content = {
		.bytes = message->body,
		.length = message->length,
		.type = "application/json",
		.headers = (const char *const[]){message->key, NULL},
	};
	struct err e = {0};

	message->generation = webhook->generation;
	message->state = POSTED;
	if (poster_submit(webhook->poster, message->tag, &content, &e) < 0)
		end(message, &e);
}

/* ---- headers ---- */

static bool has_headers(const struct webhook *webhook)
{
	if (webhook->settings->headers_command.count == 0)
		return true;
	int64_t age = when_monotonic() - webhook->asked;
	if (webhook->generation == 0 || webhook->trouble.code != 0)
		return false;
	if (!webhook->refused)
		return age < HEADERS_FRESH_MS;
	return webhook->refusals > 1 && age < HEADERS_PAUSE_MS;
}

static void ask(struct webhooks *webhooks, size_t index)
{
	struct webhook *webhook = &webhooks->items[index];
	struct command_order order = {
		.argv = webhook->settings->headers_command.items,
		.kept = COMMAND_STDOUT,
		.limit_ms = COMMAND_LIMIT_MS,
	};

	if (webhook->asking)
		return;
	webhook->asking = true;
	commands_submit(webhooks->commands, index, &order);
}

/* Cuts TEXT into lines, in place. */
static int split_lines(char *text, const char *lines[HEADERS_MAX + 1], struct err *e)
{
	size_t count = 0;
	char *rest = NULL;

	for (char *line = strtok_r(text, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
		if (count == HEADERS_MAX)
			return err_set(e, ERR_AUTH, "prints more than %d header lines", HEADERS_MAX);
		lines[count++] = line;
	}
	lines[count] = NULL;
	return count > 0 ? 0 : err_set(e, ERR_AUTH, "printed nothing");
}

static int take_lines(struct webhook *webhook, struct command_end *ended, struct err *e)
{
	const char *lines[HEADERS_MAX + 1];
	char why[100];

	if (ended->error != 0 || ended->late || ended->status != 0) {
		command_end_text(ended, why, sizeof why);
		return err_set(e, ERR_AUTH, "%s", why);
	}
	if (ended->output.length >= COMMAND_OUTPUT_MAX ||
	    memchr(str_text(&ended->output), '\0', ended->output.length))
		return err_set(e, ERR_AUTH, "prints what is no list of header lines");
	if (ended->output.length == 0)
		return err_set(e, ERR_AUTH, "printed nothing");
	if (split_lines(ended->output.data, lines, e) < 0)
		return e->code;
	return poster_set_headers(webhook->poster, lines, e);
}

static void take_headers(struct webhooks *webhooks, struct command_end *ended)
{
	size_t index = (size_t)ended->tag;
	struct webhook *webhook = &webhooks->items[index];
	struct err e = {0};

	webhook->asking = false;
	webhook->asked = when_monotonic();
	if (take_lines(webhook, ended, &e) < 0) {
		err_wrap(&e, "headers_command: %s", webhook->settings->headers_command.items[0]);
		/* Whatever it is, it is ours to set right, and no reason to give the message up. */
		e.code = ERR_AUTH;
	} else {
		webhook->generation++;
		webhook->refused = false;
	}
	webhook->trouble = e;
	vec_foreach(&webhooks->messages, message) {
		if ((*message)->webhook != index || (*message)->state != WAITING)
			continue;
		if (e.code == 0)
			post(webhooks, *message);
		else
			end(*message, &e);
	}
}

/* Whether the message is made once more: only what changed since can make a difference. */
static bool try_again(struct webhooks *webhooks, struct message *message)
{
	struct webhook *webhook = &webhooks->items[message->webhook];

	if (webhook->settings->headers_command.count == 0)
		return false;
	if (message->generation == webhook->generation && !webhook->refused) {
		webhook->refused = true;
		webhook->refusals++;
	}
	if (message->again || (has_headers(webhook) && message->generation == webhook->generation))
		return false;
	message->again = true;
	message->state = WAITING;
	if (has_headers(webhook))
		post(webhooks, message);
	else
		ask(webhooks, message->webhook);
	return true;
}

/* ---- the rest ---- */

static void take_answers(struct webhooks *webhooks, struct webhook *webhook)
{
	struct err outcome = {0};
	uint64_t tag;

	while (webhook->poster && poster_finished(webhook->poster, &tag, &outcome)) {
		struct message *message = find_message(webhooks, tag);
		if (outcome.code == 0)
			webhook->refusals = 0;
		if (message && (outcome.code != ERR_AUTH || !try_again(webhooks, message)))
			end(message, &outcome);
	}
}

bool webhooks_finished(struct webhooks *webhooks, uint64_t *tag, struct err *outcome)
{
	struct command_end ended;

	while (commands_finished(webhooks->commands, &ended)) {
		take_headers(webhooks, &ended);
		command_end_done(&ended);
	}
	for (size_t i = 0; i < webhooks->count; i++)
		take_answers(webhooks, &webhooks->items[i]);
	vec_foreach(&webhooks->messages, message) {
		if ((*message)->state != ENDED)
			continue;
		*tag = (*message)->tag;
		*outcome = (*message)->outcome;
		message_free(*message);
		*message = webhooks->messages.items[--webhooks->messages.count];
		return true;
	}
	return false;
}

static struct webhook *find_webhook(const struct webhooks *webhooks, const char *name)
{
	for (size_t i = 0; i < webhooks->count; i++)
		if (str_equal(webhooks->items[i].settings->name, name))
			return &webhooks->items[i];
	return NULL;
}

int webhooks_submit(struct webhooks *webhooks, uint64_t tag, const char *name, const struct str *json,
		    const char *key, struct err *e)
{
	struct webhook *webhook = find_webhook(webhooks, name);

	if (!webhook)
		return err_set(e, ERR_PERMANENT, "webhook %s: is not in the settings", name);
	bool ready = has_headers(webhook);
	bool hopeless =
		!ready && webhook->trouble.code != 0 && when_monotonic() - webhook->asked < HEADERS_PAUSE_MS;
	if (!webhook->poster || hopeless) {
		*e = webhook->trouble;
		return e->code;
	}
	struct message *message = mem_zalloc(1, sizeof *message);
	message->tag = tag;
	message->webhook = (size_t)(webhook - webhooks->items);
	message->body = mem_copy(str_text(json), json->length);
	message->length = json->length;
	message->key = mem_format("Idempotency-Key: %s", key);
	vec_push(&webhooks->messages, message);
	if (ready)
		post(webhooks, message);
	else
		ask(webhooks, message->webhook);
	return 0;
}

int webhooks_fd(const struct webhooks *webhooks)
{
	return webhooks->epoll;
}

static int watch(struct webhooks *webhooks, int fd, struct err *e)
{
	struct epoll_event event = {.events = EPOLLIN};

	if (epoll_ctl(webhooks->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return err_set_errno(e, ERR_ENV, errno, "epoll");
	return 0;
}

static void set_up(struct webhooks *webhooks, struct webhook *webhook, const struct conf_webhook *settings)
{
	struct post_target target = {.url = settings->url, .ca_file = settings->ca_file, .timeout_ms = TIMEOUT_MS};

	webhook->settings = settings;
	if (poster_new(&webhook->poster, &target, &webhook->trouble) < 0)
		return;
	if (watch(webhooks, poster_fd(webhook->poster), &webhook->trouble) < 0) {
		poster_free(webhook->poster);
		webhook->poster = NULL;
	}
}

int webhooks_new(struct webhooks **webhooks, const struct conf *conf, struct err *e)
{
	cleanup(cleanup_webhooks) struct webhooks *new = mem_zalloc(1, sizeof *new);

	new->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (new->epoll < 0)
		return err_set_errno(e, ERR_ENV, errno, "epoll");
	if (commands_new(&new->commands, COMMANDS_AT_ONCE, e) < 0 || watch(new, commands_fd(new->commands), e) < 0)
		return e->code;
	new->count = conf->webhook_count;
	new->items = mem_zalloc(conf->webhook_count + 1, sizeof *new->items);
	for (size_t i = 0; i < conf->webhook_count; i++)
		set_up(new, &new->items[i], &conf->webhooks[i]);
	*webhooks = new;
	new = NULL;
	return 0;
}

void webhooks_free(struct webhooks *webhooks)
{
	if (!webhooks)
		return;
	for (size_t i = 0; i < webhooks->count; i++)
		poster_free(webhooks->items[i].poster);
	free(webhooks->items);
	vec_foreach(&webhooks->messages, message)
		message_free(*message);
	vec_done(&webhooks->messages);
	commands_free(webhooks->commands);
	if (webhooks->epoll >= 0)
		close(webhooks->epoll);
	free(webhooks);
}

void cleanup_webhooks(struct webhooks **webhooks)
{
	webhooks_free(*webhooks);
}
