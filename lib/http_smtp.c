/*
 * http_smtp.c - handing mail to a relay: transactions over a few connections of libcurl's.
 *
 * One thread a connection, not one curl_multi for all: libcurl 7.88 waits for
 * the 250 after the message, and for the answer to QUIT, inside curl_multi_perform,
 * so that one mute transaction would stop the others and the caller too.
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "http.h"
#include "mail.h"
#include "mem.h"
#include "when.h"

enum { CONNECT_TIMEOUT_MS = 20 * 1000, SHOWN_REPLY_MAX = 200, SOCKETS_MAX = 4 };

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

static const char *const stage_names[] = {"greeting",  "EHLO",    "STARTTLS", "AUTH",
					  "MAIL FROM", "RCPT TO", "DATA",     "message"};

struct transaction {
	struct transaction *next;
	uint64_t tag;
	char *from;
	struct curl_slist *recipients;
	char *message;
	size_t length, sent;
	enum stage stage;
	enum stage refused; /* where the relay said 4xx or 5xx, STAGE_CONNECT: nowhere from MAIL on */
	char reply[SHOWN_REPLY_MAX]; /* newest line from the relay */
	struct err outcome;
};

/* One connection and its thread. */
struct slot {
	struct smtp *smtp;
	pthread_t thread;
	bool running;
	CURL *easy;
	struct transaction *current;
	bool quitting; /* curl has said QUIT: what comes now is no answer of interest */
	char message[CURL_ERROR_SIZE];
	int sockets[SOCKETS_MAX]; /* what is open, under the lock of smtp, so that smtp_free can end it; -1: none */
};

struct queue {
	struct transaction *first, **last;
};

struct smtp {
	struct slot slots[SMTP_CONNECTIONS];
	pthread_mutex_t lock; /* of all below, and of what slots say that it is */
	pthread_cond_t work;
	struct queue waiting, finished;
	size_t idle; /* threads that wait for work */
	bool abandoned;
	int event; /* eventfd: something is finished */
	size_t pending;
	int64_t timeout_ms;
};

static void queue_add(struct queue *queue, struct transaction *transaction)
{
	transaction->next = NULL;
	*queue->last = transaction;
	queue->last = &transaction->next;
}

static struct transaction *queue_take(struct queue *queue)
{
	struct transaction *transaction = queue->first;

	if (!transaction)
		return NULL;
	queue->first = transaction->next;
	if (!queue->first)
		queue->last = &queue->first;
	return transaction;
}

static void transaction_free(struct transaction *transaction)
{
	if (!transaction)
		return;
	curl_slist_free_all(transaction->recipients);
	free(transaction->from);
	free(transaction->message);
	free(transaction);
}

static void hang_up(struct slot *slot, int how)
{
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (slot->sockets[i] >= 0)
			shutdown(slot->sockets[i], how);
}

static void replace_socket(struct slot *slot, int old, int new)
{
	pthread_mutex_lock(&slot->smtp->lock);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		if (slot->sockets[i] == old) {
			slot->sockets[i] = new;
			break;
		}
	pthread_mutex_unlock(&slot->smtp->lock);
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd >= 0)
		replace_socket(context, -1, fd);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *context, curl_socket_t fd)
{
	replace_socket(context, fd, -1);
	return close(fd);
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct slot *slot = context;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	pthread_mutex_lock(&slot->smtp->lock);
	bool abandoned = slot->smtp->abandoned;
	pthread_mutex_unlock(&slot->smtp->lock);
	return abandoned;
}

static size_t give_message(char *buffer, size_t size, size_t count, void *context)
{
	struct slot *slot = context;
	struct transaction *transaction = slot->current;
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
			slot->current->stage = commands[i].stage;
	}
	slot->quitting = length >= 4 && memcmp(bytes, "QUIT", 4) == 0;
}

static int reply_code(const struct transaction *transaction)
{
	return (int)strtol(transaction->reply, NULL, 10);
}

static void note_reply(struct slot *slot, const char *bytes, size_t length)
{
	struct transaction *transaction = slot->current;

	if (slot->quitting)
		return;
	while (length > 0 && (bytes[length - 1] == '\n' || bytes[length - 1] == '\r'))
		length--;
	snprintf(transaction->reply, sizeof transaction->reply, "%.*s", (int)(length > 1000 ? 1000 : length),
		 bytes);
	if (transaction->stage < STAGE_MAIL || reply_code(transaction) < 400)
		return;
	transaction->refused = transaction->stage;
	/* After a refusal curl says QUIT and waits for the answer, for up to two minutes: let it find the end instead. */
	pthread_mutex_lock(&slot->smtp->lock);
	hang_up(slot, SHUT_RD);
	pthread_mutex_unlock(&slot->smtp->lock);
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
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, checked ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, checked ? 2L : 0L);
	if (relay->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, relay->ca_file);
	if (relay->user) {
		curl_easy_setopt(easy, CURLOPT_USERNAME, relay->user);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, relay->password ? relay->password : "");
	}
}

static int open_slot(struct slot *slot, const struct smtp_relay *relay, struct err *e)
{
	slot->easy = curl_easy_init();
	if (!slot->easy)
		return err_set(e, ERR_ENV, "cannot set libcurl up");
	curl_easy_setopt(slot->easy, CURLOPT_URL, relay->url);
	curl_easy_setopt(slot->easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(slot->easy, CURLOPT_PROXY, "");
	curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_READFUNCTION, give_message);
	curl_easy_setopt(slot->easy, CURLOPT_READDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(slot->easy, CURLOPT_OPENSOCKETDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(slot->easy, CURLOPT_XFERINFODATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(slot->easy, CURLOPT_DEBUGFUNCTION, on_protocol);
	curl_easy_setopt(slot->easy, CURLOPT_DEBUGDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_VERBOSE, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_ERRORBUFFER, slot->message);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, (long)relay->timeout_ms);
	curl_easy_setopt(slot->easy, CURLOPT_CONNECTTIMEOUT_MS,
			 (long)(relay->timeout_ms < CONNECT_TIMEOUT_MS ? relay->timeout_ms : CONNECT_TIMEOUT_MS));
	set_security(slot->easy, relay);
	return 0;
}

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

/* The connection was kept from an earlier mail, and the relay had given it up meanwhile: that says nothing about this mail. */
static bool worth_a_fresh_connection(const struct slot *slot, CURLcode result)
{
	long connects = 1;

	curl_easy_getinfo(slot->easy, CURLINFO_NUM_CONNECTS, &connects);
	if (connects > 0 || slot->current->sent > 0)
		return false;
	if (reply_code(slot->current) == 421)
		return true;
	return slot->current->reply[0] == '\0' &&
	       (result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING);
}

static int outcome(const struct slot *slot, CURLcode result, struct err *e)
{
	const struct transaction *transaction = slot->current;
	cleanup(cleanup_mem) char *reply = str_escape(transaction->reply);
	const char *stage = stage_names[transaction->stage];
	const char *why = *slot->message ? slot->message : curl_easy_strerror(result);
	char limit[WHEN_TEXT_SIZE];

	if (result == CURLE_OPERATION_TIMEDOUT)
		return err_set(e, ERR_DEADLINE, "relay: no answer within %s (%s)",
			       when_format_duration(slot->smtp->timeout_ms, limit), stage);
	if (transaction->refused)
		return err_set(e, reply_code(transaction) >= 500 ? ERR_PERMANENT : ERR_TEMPORARY,
			       "relay refuses %s: %s", stage_names[transaction->refused], reply);
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
	struct transaction *transaction = slot->current;

	slot->message[0] = '\0';
	slot->quitting = false;
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

static void *serve(void *context)
{
	struct slot *slot = context;
	struct smtp *smtp = slot->smtp;

	pthread_mutex_lock(&smtp->lock);
	while (!smtp->abandoned) {
		struct transaction *transaction = queue_take(&smtp->waiting);
		if (!transaction) {
			smtp->idle++;
			pthread_cond_wait(&smtp->work, &smtp->lock);
			smtp->idle--;
			continue;
		}
		slot->current = transaction;
		pthread_mutex_unlock(&smtp->lock);
		transact(slot);
		pthread_mutex_lock(&smtp->lock);
		slot->current = NULL;
		queue_add(&smtp->finished, transaction);
		eventfd_write(smtp->event, 1);
	}
	pthread_mutex_unlock(&smtp->lock);
	return NULL;
}

int smtp_new(struct smtp **smtp, const struct smtp_relay *relay, struct err *e)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	if (check_relay(relay->url, e) < 0)
		return e->code;
	cleanup(cleanup_smtp) struct smtp *new = mem_zalloc(1, sizeof *new);
	pthread_mutex_init(&new->lock, NULL);
	pthread_cond_init(&new->work, NULL);
	new->waiting.last = &new->waiting.first;
	new->finished.last = &new->finished.first;
	new->timeout_ms = relay->timeout_ms;
	for (size_t i = 0; i < SMTP_CONNECTIONS; i++) {
		new->slots[i].smtp = new;
		memset(new->slots[i].sockets, -1, sizeof new->slots[i].sockets);
	}
	new->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (new->event < 0)
		return err_set_errno(e, ERR_ENV, errno, "eventfd");
	for (size_t i = 0; i < SMTP_CONNECTIONS; i++)
		if (open_slot(&new->slots[i], relay, e) < 0)
			return e->code;
	*smtp = new;
	new = NULL;
	return 0;
}

static void end_threads(struct smtp *smtp)
{
	pthread_mutex_lock(&smtp->lock);
	smtp->abandoned = true;
	for (size_t i = 0; i < SMTP_CONNECTIONS; i++)
		/* An idle connection still says QUIT; only nobody waits for the answer. */
		hang_up(&smtp->slots[i], smtp->slots[i].current ? SHUT_RDWR : SHUT_RD);
	pthread_cond_broadcast(&smtp->work);
	pthread_mutex_unlock(&smtp->lock);
	for (size_t i = 0; i < SMTP_CONNECTIONS; i++)
		if (smtp->slots[i].running)
			pthread_join(smtp->slots[i].thread, NULL);
}

void smtp_free(struct smtp *smtp)
{
	struct transaction *transaction;

	if (!smtp)
		return;
	end_threads(smtp);
	for (size_t i = 0; i < SMTP_CONNECTIONS; i++)
		curl_easy_cleanup(smtp->slots[i].easy);
	while ((transaction = queue_take(&smtp->waiting)))
		transaction_free(transaction);
	while ((transaction = queue_take(&smtp->finished)))
		transaction_free(transaction);
	if (smtp->event >= 0)
		close(smtp->event);
	pthread_cond_destroy(&smtp->work);
	pthread_mutex_destroy(&smtp->lock);
	free(smtp);
}

void cleanup_smtp(struct smtp **smtp)
{
	smtp_free(*smtp);
}

/* Signals are the caller's: a thread that took one would leave its loop asleep. SIGPIPE among them, where OpenSSL writes to a relay that is gone. */
static int start_thread(struct slot *slot)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int result = pthread_create(&slot->thread, NULL, serve, slot);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	slot->running = result == 0;
	return result;
}

/* A connection more only while there is more work than idle threads; called with the lock held. */
static int staff(struct smtp *smtp)
{
	size_t waiting = 0;

	for (const struct transaction *t = smtp->waiting.first; t && waiting <= smtp->idle; t = t->next)
		waiting++;
	pthread_cond_signal(&smtp->work);
	if (waiting <= smtp->idle)
		return 0;
	for (size_t i = 0; i < SMTP_CONNECTIONS; i++)
		if (!smtp->slots[i].running)
			return start_thread(&smtp->slots[i]);
	return 0;
}

int smtp_submit(struct smtp *smtp, uint64_t tag, const char *from, const char *to, const char *message,
		size_t length, struct err *e)
{
	if (mail_check_address(from, e) < 0 || mail_check_address(to, e) < 0)
		return e->code;
	struct transaction *transaction = mem_zalloc(1, sizeof *transaction);
	transaction->tag = tag;
	transaction->from = mem_string(from);
	transaction->recipients = curl_slist_append(NULL, to);
	transaction->message = mem_copy(message, length);
	transaction->length = length;
	pthread_mutex_lock(&smtp->lock);
	queue_add(&smtp->waiting, transaction);
	int result = staff(smtp);
	bool nobody = result != 0 && !smtp->slots[0].running;
	if (nobody)
		transaction_free(queue_take(&smtp->waiting));
	pthread_mutex_unlock(&smtp->lock);
	if (nobody)
		return err_set_errno(e, ERR_ENV, result, "cannot start a thread");
	smtp->pending++;
	return 0;
}

size_t smtp_pending(const struct smtp *smtp)
{
	return smtp->pending;
}

int smtp_fd(const struct smtp *smtp)
{
	return smtp->event;
}

bool smtp_finished(struct smtp *smtp, uint64_t *tag, struct err *e)
{
	eventfd_t ignored;

	pthread_mutex_lock(&smtp->lock);
	struct transaction *transaction = queue_take(&smtp->finished);
	if (!transaction)
		eventfd_read(smtp->event, &ignored);
	pthread_mutex_unlock(&smtp->lock);
	if (!transaction)
		return false;
	smtp->pending--;
	*tag = transaction->tag;
	*e = transaction->outcome;
	transaction_free(transaction);
	return true;
}
