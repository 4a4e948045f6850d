/* http_private.h - what the parts of http share: the connections to the mail relay. */
#ifndef VMROLL_HTTP_PRIVATE_H
#define VMROLL_HTTP_PRIVATE_H

#include <curl/curl.h>
#include <pthread.h>

#include "http.h"

enum { SMTP_SHOWN_REPLY_MAX = 200, SMTP_SOCKETS_MAX = 4 };

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
	struct transaction *next;
	uint64_t tag;
	char *from;
	struct curl_slist *recipients;
	char *message;
	size_t length, sent;
	enum stage stage;
	enum stage refused; /* where the relay said 4xx or 5xx, STAGE_CONNECT: nowhere from MAIL on */
	char reply[SMTP_SHOWN_REPLY_MAX]; /* newest line from the relay */
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
	int sockets[SMTP_SOCKETS_MAX]; /* what is open, under the lock of smtp, so that smtp_free can end it; -1: none */
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

/* Sets the connection up as RELAY says; nothing is connected yet. */
int slot_open(struct slot *slot, const struct smtp_relay *relay, struct err *e);
/* Carries out its current transaction, and waits for that. */
void slot_transact(struct slot *slot);
/* shutdown(2) of all its sockets; with the lock of smtp held. */
void slot_hang_up(struct slot *slot, int how);

#endif
