/* session.h - what every command about deployments works with: settings, hosts, the store, and signals. */
#ifndef VMGROUP_SESSION_H
#define VMGROUP_SESSION_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "deployment.h"
#include "hosts.h"
#include "lock.h"
#include "progress.h"
#include "store.h"
#include "vmgroup.h"
#include "workers.h"

struct session {
	const struct options *options;
	const struct conf *conf;
	struct store *store;
	struct hosts hosts;
	struct progress *progress;
};

/* The caller calls session_done. */
int session_open(struct session *session, const struct options *options, enum store_mode mode, struct err *e);
void session_done(struct session *session);

/*
 * From now on SIGINT, SIGTERM and SIGHUP are counted: the first sets *session_stop(), so that what is being made is taken back, the
 * second *session_stop_twice(), so that taking back is given up, too.
 */
void session_catch_signals(void);
const volatile sig_atomic_t *session_stop(void);
const volatile sig_atomic_t *session_stop_twice(void);

/* Waits until TRY (which returns ERR_LOCKED as long as somebody else has it) returns something else, or *STOP: ERR_LOCKED. */
int session_wait_lock(int (*try)(void *context, struct err *e), void *context,
		      const volatile sig_atomic_t *stop, struct err *e);

/* The same for the lock of BASE. */
int session_wait_base(struct session *session, const struct deployed_base *base, struct lock *lock,
		      const volatile sig_atomic_t *stop, struct err *e);

/* How HOST of a deployment is reached: as hosts(5) says now; by RECORDED where it knows no such host any more. */
const char *session_uri(const struct session *session, const char *host, const char *recorded);
/* The same for all machines, in their records. */
void session_locate(const struct session *session, struct deployment *deployment);

/* The deployment that TEXT names, located, and its lock. ERR_NOT_FOUND; ERR_LOCKED says that somebody is at it. */
int session_take(struct session *session, const char *text, struct deployment *deployment, struct lock *lock,
		 struct err *e);
/* ERR_LOCKED with what to do, where somebody is at the deployment. */
int session_lock(struct session *session, const struct deployment *deployment, struct lock *lock, struct err *e);

/* In the log of the deployment's group, with --comment: "deploy as d1". */
int session_log(struct session *session, const struct deployment *deployment, const char *what, struct err *e);

/* Limits of work that says each step: image.stall without a word is too long. */
enum { SESSION_ASK_MS = 10 * 1000 };
void session_limits(const struct session *session, struct workers_limits *limits);

#endif
