/* http_private.h - what the parts of http share: a pool of connections, each in a thread of its own, that jobs wait for. */
#ifndef VMROLL_HTTP_PRIVATE_H
#define VMROLL_HTTP_PRIVATE_H

#include <curl/curl.h>
#include <pthread.h>

#include "http.h"

enum { POOL_CONNECTIONS = SMTP_CONNECTIONS, SLOT_SOCKETS_MAX = 4 };

/* What a connection carries out; the first member of a mail's transaction, and of a request. */
struct job {
	struct job *next;
	uint64_t tag;
	struct err outcome;
};

/* One connection and its thread. */
struct slot {
	struct pool *pool;
	pthread_t thread;
	bool running;
	CURL *easy;
	struct job *current;
	char message[CURL_ERROR_SIZE];
	int sockets[SLOT_SOCKETS_MAX]; /* what is open, under the lock of the pool, so that pool_close can end it; -1: none */
};

/* What is done with jobs: in a slot's thread, which waits; and how they are freed. */
struct pool_work {
	void (*carry_out)(struct slot *slot);
	void (*free)(struct job *job);
};

struct queue {
	struct job *first, **last;
};

/* Embedded in what gives it its work. */
struct pool {
	const struct pool_work *work;
	struct slot slots[POOL_CONNECTIONS];
	pthread_mutex_t lock; /* of all below, and of what slots say that it is */
	pthread_cond_t more;
	struct queue waiting, finished;
	size_t idle; /* threads that wait for work */
	bool abandoned;
	int event; /* eventfd: something is finished */
	size_t pending;
	int64_t timeout_ms; /* of one job, connecting included */
};

/* POOL is all zero bytes. Each slot has a connection set up with what all have in common; the caller adds its own options to slots[].easy. It calls pool_close, also after a failure. */
int pool_open(struct pool *pool, const struct pool_work *work, int64_t timeout_ms, struct err *e);
/* Abandons what is pending; does nothing for one that was never opened. */
void pool_close(struct pool *pool);
/* Queues JOB, of which it takes ownership. */
int pool_submit(struct pool *pool, struct job *job, struct err *e);
/* A finished one, which the caller frees, or NULL: then the event is not readable any more. */
struct job *pool_finished(struct pool *pool);

/* Sets up what every connection has: deadlines, and sockets that slot_hang_up reaches. */
int slot_open(struct slot *slot, struct err *e);
/* shutdown(2) of all its sockets; with the lock of the pool held. */
void slot_hang_up(struct slot *slot, int how);

/* Texts that must not come back in a message. All zero bytes is none. */
struct secrets {
	char **items;
	size_t count, capacity;
};

void secrets_done(struct secrets *secrets);
/* One that is too short to be a secret is left out. */
void secrets_add(struct secrets *secrets, const char *text);
/* The value of a header line, and the last word of it: "Bearer TOKEN". */
void secrets_add_header(struct secrets *secrets, const char *line);
/* Puts "..." in place of each. */
void secrets_hide(const struct secrets *secrets, struct str *text);

#endif
