/* http_smtp.c - handing mail to a relay: a transaction over a connection of the pool, and what became of it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http_private.h"
#include "mail.h"
#include "mem.h"
#include "str.h"
#include "when.h"

enum { SHOWN_REPLY_MAX = 200 };

/* How far a transaction got: the command that was sent last. */
enum stage {
	STAGE_CONNECT,
	STAGE_EHLO,
	STAGE_STARTTLS,
	STAGE_AUTH,
	STAGE_MAIL,
	STAGE_RCPT,
	STAGE_DATA,
	STAGE_MESSAGE
};

struct transaction {
	struct job job;
	char *from;
	struct curl_slist *recipients;
	char *message;
	size_t length, sent;
	enum stage stage;
	enum stage refused; /* where the relay said 4xx or 5xx, STAGE_CONNECT: nowhere from MAIL on */
	bool quitting;      /* curl has said QUIT: what comes now is no answer of interest */
	char reply[SHOWN_REPLY_MAX]; /* newest line from the relay */
};

struct smtp {
	struct pool pool;
};

static const char *const stage_names[] = {"greeting",  "EHLO",    "STARTTLS", "AUTH",
					  "MAIL FROM", "RCPT TO", "DATA",     "message"};

static struct transaction *current(const struct slot *slot)
{
	return (struct transaction *)slot->current;
}

static size_t give_message(char *buffer, size_t size, size_t count, void *context)
{
	struct slot *slot = context;
	struct transaction *transaction = current(slot);
	size_t length = transaction->length - transaction->sent;

	if (length > size * count)
		length = size * count;
	memcpy(buffer, transaction->message + transaction->sent, length);
	transaction->sent += length;
	transaction->stage = STAGE_MESSAGE;
	return length;
}

static void note_command(struct slot *slot, const char *bytes, size_t length)
{
	static const struct {
		const char *verb;
		enum stage stage;
	} commands[] = {
		{"EHLO ", STAGE_EHLO},    {"HELO ", STAGE_EHLO}, {"STARTTLS\r\n", STAGE_STARTTLS},
		{"AUTH ", STAGE_AUTH},    {"MAIL ", STAGE_MAIL}, {"RCPT ", STAGE_RCPT},
		{"DATA\r\n", STAGE_DATA},
	};
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		size_t verb = strlen(commands[i].verb);
		if (length >= verb && memcmp(bytes, commands[i].verb, verb) == 0)
			current(slot)->stage = commands[i].stage;
	}
	current(slot)->quitting = length >= 4 && memcmp(bytes, "QUIT", 4) == 0;
}

static int reply_code(const struct transaction *transaction)
{
	return (int)strtol(transaction->reply, NULL, 10);
}

static void note_reply(struct slot *slot, const char *bytes, size_t length)
{
	struct transaction *transaction = current(slot);

	if (transaction->quitting)
		return;
	while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
		length--;
	snprintf(transaction->reply, sizeof transaction->reply, "%.*s", (int)(length > 1000 ? 1000 : length),
		 bytes);
	if (transaction->stage < STAGE_MAIL || reply_code(transaction) < 400)
		return;
	transaction->refused = transaction->stage;
	/* After a refusal curl says QUIT and waits for the answer, for up to two minutes: let it find the end instead. */
	pthread_mutex_lock(&slot->pool->lock);
	slot_hang_up(slot, SHUT_RD);
	pthread_mutex_unlock(&slot->pool->lock);
}

static int on_protocol(CURL *easy, curl_infotype type, char *bytes, size_t length, void *context)
{
	struct slot *slot = context;

	(void)easy;
	if (!slot->current)
		return 0;
	if (type == CURLINFO_HEADER_OUT)
		note_command(slot, bytes, length);
	else if (type == CURLINFO_HEADER_IN)
		note_reply(slot, bytes, length);
	return 0;
}

static void set_security(CURL *easy, const struct smtp_relay *relay)
{
	static const long wanted[] = {
		[SMTP_TLS_REQUIRED] = CURLUSESSL_ALL,
		[SMTP_TLS_OPPORTUNISTIC] = CURLUSESSL_TRY,
		[SMTP_TLS_NONE] = CURLUSESSL_NONE,
	};
	/* Where clear text would do as well, a certificate that nobody vouches for is no worse. */
	bool checked = relay->tls != SMTP_TLS_OPPORTUNISTIC;

	curl_easy_setopt(easy, CURLOPT_USE_SSL, wanted[relay->tls]);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, checked ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, checked ? 2L : 0L);
	if (relay->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, relay->ca_file);
	if (relay->user) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, relay->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, relay->password ? relay->password : "");
	}
}

static void set_connection(struct slot *slot, const struct smtp_relay *relay)
{
	curl_easy_setopt(slot->easy, CURLOPT_URL, relay->url);
	curl_easy_setopt(slot->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(slot->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(slot->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_READFUNCTION, give_message);
	curl_easy_setopt(slot->easy, CURLOPT_READDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_DEBUGFUNCTION, on_protocol);
	curl_easy_setopt(slot->easy, CURLOPT_DEBUGDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_VERBOSE, 1L);
	set_security(slot->easy, relay);
}

/* The connection was kept from an earlier mail, and the relay had given it up meanwhile: that says nothing about this mail. */
static bool worth_a_fresh_connection(const struct slot *slot, CURLcode result)
{
	long connects = 1;

	curl_easy_getinfo(slot->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (connects > 0 || current(slot)->sent > 0)
		return false;
	if (reply_code(current(slot)) == 421)
		return true;
	return current(slot)->reply[0] == '\0' &&
	       (result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING);
}

/* A relay that will not have our sender refuses everybody alike: that is ours to set right, and no reason to give a person up. */
static int refusal_code(const struct transaction *transaction)
{
	bool for_good = reply_code(transaction) >= 500 && transaction->refused != STAGE_MAIL;

	return for_good ? ERR_PERMANENT : ERR_TEMPORARY;
}

static int outcome(const struct slot *slot, CURLcode result, struct err *e)
{
	const struct transaction *transaction = current(slot);
	cleanup(cleanup_mem) char *reply = str_escape(transaction->reply);
	const char *stage = stage_names[transaction->stage];
	const char *why = *slot->message ? slot->message : curl_easy_strerror(result);
	char limit[WHEN_TEXT_SIZE];

	if (result == CURLE_OPERATION_TIMEDOUT)
		return err_set(e, ERR_DEADLINE, "relay: no answer within %s (%s)",
			       when_format_duration(slot->pool->timeout_ms, limit), stage);
	if (transaction->refused)
		return err_set(e, refusal_code(transaction), "relay refuses %s: %s",
			       stage_names[transaction->refused], reply);
	switch (result) {
	case CURLE_LOGIN_DENIED:
		return err_set(e, ERR_AUTH, "relay refuses our credentials: %s", reply);
	case CURLE_USE_SSL_FAILED:
		return err_set(e, ERR_AUTH, "relay offers no TLS, which is required: %s", reply);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
		return err_set(e, ERR_AUTH, "relay: TLS: %s", why);
	default:
		break;
	}
	if (reply_code(transaction) >= 400)
		return err_set(e, ERR_TEMPORARY, "relay refuses its service (%s): %s", stage, reply);
	return err_set(e, ERR_NET, "relay: %s (%s)", why, stage);
}

static CURLcode perform(struct slot *slot, bool fresh)
{
	struct transaction *transaction = current(slot);

	slot->message[0] = '\0';
	transaction->quitting = false;
	transaction->stage = STAGE_CONNECT;
	transaction->refused = STAGE_CONNECT;
	transaction->sent = 0;
	transaction->reply[0] = '\0';
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_FROM, transaction->from);
	curl_easy_setopt(slot->easy, CURLOPT_MAIL_RCPT, transaction->recipients);
	curl_easy_setopt(slot->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)transaction->length);
	curl_easy_setopt(slot->easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
	return curl_easy_perform(slot->easy);
}

static void transact(struct slot *slot)
{
	CURLcode result = perform(slot, false);
	if (result != CURLE_OK && worth_a_fresh_connection(slot, result))
		result = perform(slot, true);
	if (result != CURLE_OK)
		outcome(slot, result, &slot->current->outcome);
}

static void transaction_free(struct job *job)
{
	struct transaction *transaction = (struct transaction *)job;

	if (!transaction)
		return;
	curl_slist_free_all(transaction->recipients);
	free(transaction->from);
	free(transaction->message);
	free(transaction);
}

static const struct pool_work smtp_work = {.carry_out = transact, .free = transaction_free};

/* ---- the relay ---- */

static int check_relay(const char *url, struct err *e)
{
	CURLU *parts = curl_url();
	char *scheme = NULL;
	char *user = NULL;

	bool good = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    str_starts(scheme, "smtp") && curl_url_get(parts, CURLUPART_USER, &user, 0) != CURLUE_OK;
	curl_free(scheme);
	curl_free(user);
	curl_url_cleanup(parts);
	if (good)
		return 0;
	cleanup(cleanup_mem) char *shown = http_shown(url);
	return err_set(e, ERR_USAGE, "'%s' is not a relay such as smtp://mail:587", shown);
}

int smtp_new(struct smtp **smtp, const struct smtp_relay *relay, struct err *e)
{
	if (check_relay(relay->url, e) < 0)
		return e->code;
	cleanup(cleanup_smtp) struct smtp *new = mem_zalloc(1, sizeof *new);
	if (pool_open(&new->pool, &smtp_work, relay->timeout_ms, e) < 0)
		return e->code;
	for (size_t i = 0; i < POOL_CONNECTIONS; i++)
		set_connection(&new->pool.slots[i], relay);
	*smtp = new;
	new = NULL;
	return 0;
}

void smtp_free(struct smtp *smtp)
{
	if (!smtp)
		return;
	pool_close(&smtp->pool);
	free(smtp);
}

void cleanup_smtp(struct smtp **smtp)
{
	smtp_free(*smtp);
}

int smtp_submit(struct smtp *smtp, uint64_t tag, const char *from, const char *to, const char *message,
		size_t length, struct err *e)
{
	if (mail_check_address(from, e) < 0 || mail_check_address(to, e) < 0)
		return e->code;
	struct transaction *transaction = mem_zalloc(1, sizeof *transaction);
	transaction->job.tag = tag;
	transaction->from = mem_string(from);
	transaction->recipients = curl_slist_append(NULL, to);
	transaction->message = mem_copy(message, length);
	transaction->length = length;
	return pool_submit(&smtp->pool, &transaction->job, e);
}

size_t smtp_pending(const struct smtp *smtp)
{
	return smtp->pool.pending;
}

int smtp_fd(const struct smtp *smtp)
{
	return smtp->pool.event;
}

bool smtp_finished(struct smtp *smtp, uint64_t *tag, struct err *e)
{
	struct job *job = pool_finished(&smtp->pool);

	if (!job)
		return false;
	*tag = job->tag;
	*e = job->outcome;
	transaction_free(job);
	return true;
}
