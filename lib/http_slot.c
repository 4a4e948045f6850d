/* http_slot.c - one connection to the mail relay: a transaction, and what became of it. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_private.h"
#include "mem.h"
#include "str.h"
#include "when.h"

enum { CONNECT_TIMEOUT_MS = 20 * 1000 };

static const char *const stage_names[] = {"greeting",  "EHLO",    "STARTTLS", "AUTH",
					  "MAIL FROM", "RCPT TO", "DATA",     "message"};

void slot_hang_up(struct slot *slot, int how)
{
	for (size_t i = 0; i < SMTP_SOCKETS_MAX; i++)
		if (slot->sockets[i] >= 0)
			shutdown(slot->sockets[i], how);
}

static void replace_socket(struct slot *slot, int old, int new)
{
	pthread_mutex_lock(&slot->smtp->lock);
	for (size_t i = 0; i < SMTP_SOCKETS_MAX; i++)
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
	slot_hang_up(slot, SHUT_RD);
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

int slot_open(struct slot *slot, const struct smtp_relay *relay, struct err *e)
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

/* A relay that will not have our sender refuses everybody alike: that is ours to set right, and no reason to give a person up. */
static int refusal_code(const struct transaction *transaction)
{
	bool for_good = reply_code(transaction) >= 500 && transaction->refused != STAGE_MAIL;

	return for_good ? ERR_PERMANENT : ERR_TEMPORARY;
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

void slot_transact(struct slot *slot)
{
	CURLcode result = perform(slot, false);
	if (result != CURLE_OK && worth_a_fresh_connection(slot, result))
		result = perform(slot, true);
	if (result != CURLE_OK)
		outcome(slot, result, &slot->current->outcome);
}
