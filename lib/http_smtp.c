/*
 * http_smtp.c - handing mail to a relay: transactions over a few connections of libcurl's.
 *
 * One thread a connection, not one curl_multi for all: libcurl 7.88 waits for
 * the 250 after the message, and for the answer to QUIT, inside curl_multi_perform,
 * so that one mute transaction would stop the others and the caller too.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_private.h"
#include "mail.h"
#include "mem.h"
#include "str.h"

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
		slot_transact(slot);
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
		if (slot_open(&new->slots[i], relay, e) < 0)
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
		slot_hang_up(&smtp->slots[i], smtp->slots[i].current ? SHUT_RDWR : SHUT_RD);
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
