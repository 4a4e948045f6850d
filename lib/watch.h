/*
 * watch.h - judges all hosts by their probes: UNKNOWN, UP, DOWN; and ourselves: ISOLATED.
 *
 * Pure: no clock, no input or output; instants are CLOCK_MONOTONIC
 * nanoseconds that the caller hands in, so that no step of the wall clock
 * reaches a decision. The rules are those of hostping(8):
 *
 * - A host holds its state until k of its last n probes say the opposite.
 * - What fails on our own side is no probe, but counts as a sign that we are blind.
 * - A host whose confirm port answered after a lost probe is alive, "icmp silent".
 * - We are blind (ISOLATED) when every reference lost its latest k-1 probes;
 *   or, without references, when more than the given share of at least 5
 *   hosts that were UP did; or when nothing ever answered. Then no host goes
 *   DOWN, and what was lost meanwhile is forgotten afterwards.
 * - References that have not answered for isolation_max, while more than half
 *   of the hosts did that are not DOWN, are dead themselves or never were any:
 *   as long as that is so, they make nobody blind.
 */
#ifndef VMROLL_WATCH_H
#define VMROLL_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hoststate.h"
#include "window.h"

enum { WATCH_SHARE_HOSTS_MIN = 5 };

/* The index that stands for ourselves in a change. */
#define WATCH_SELF UINT32_MAX

struct watch_rule {
	struct window_rule window;
	unsigned isolation_share; /* percent */
	int64_t isolation_max_ns;
};

enum watch_reason {
	WATCH_PINGS,          /* k of n probes answered, or were lost */
	WATCH_ICMP_SILENT,    /* UP by a confirm port alone */
	WATCH_ICMP_BACK,      /* UP, and ICMP answers again */
	WATCH_NO_REFERENCE,   /* ISOLATED: no reference answers */
	WATCH_MOST_SILENT,    /* ISOLATED: more than the share of the hosts fell silent at once */
	WATCH_NEVER_ANSWERED, /* ISOLATED: nothing answered since the start */
	WATCH_ALL_DEAD,       /* ISOLATED for isolation_max: isolated, or all dead */
	WATCH_SEES_AGAIN      /* UP, of ourselves: the isolation is over */
};

struct watch_change {
	uint32_t host; /* index, or WATCH_SELF */
	enum host_state state;
	enum watch_reason reason;
	int64_t at_ns;     /* DOWN, ISOLATED: when the first lost probe was sent; else when the answer came */
	unsigned lost, of; /* probes in the host's window */
	size_t answering; /* how many of the OTHERS answer: the hosts beside this one; of ourselves: all hosts */
	size_t others;
	int64_t lasted_ns; /* WATCH_SEES_AGAIN: how long we were blind */
};

struct watch;

/* COUNT hosts, indices 0 to COUNT-1, all UNKNOWN, then REFERENCES addresses that are judged but never reported. The caller calls watch_free. */
struct watch *watch_new(const struct watch_rule *rule, size_t count, size_t references);
void watch_free(struct watch *watch); /* NULL-safe */
void cleanup_watch(struct watch **watch);

/* Host INDEX of WATCH goes on with all that host OLD_INDEX of OLD had: state and window. */
void watch_adopt(struct watch *watch, uint32_t index, const struct watch *old, uint32_t old_index);
/* As if seen in STATE before (its newest in the store), which a mixed window then leaves. */
void watch_assume(struct watch *watch, uint32_t index, enum host_state state);
/* Goes on with OLD's view of ourselves: whether anything ever answered, and since when we are blind. To be called after all watch_adopt. */
void watch_adopt_self(struct watch *watch, const struct watch *old);

/* A probe sent at SENT_NS was answered, at NOW_NS. */
void watch_answered(struct watch *watch, uint32_t index, int64_t sent_ns, int64_t now_ns);
/* A probe sent at SENT_NS was lost. */
void watch_lost(struct watch *watch, uint32_t index, int64_t sent_ns, int64_t now_ns);
/* A probe could not be sent, or its answer not received, by our own fault. */
void watch_blind(struct watch *watch, uint32_t index, int64_t sent_ns);
/* The number that the next answered or lost probe of the host will have, for watch_confirmed. */
uint32_t watch_probes(const struct watch *watch, uint32_t index);
/* A confirm port answered after the lost probe of that NUMBER. */
void watch_confirmed(struct watch *watch, uint32_t index, uint32_t number, int64_t now_ns);
/* Lets time pass: isolation_max. */
void watch_tick(struct watch *watch, int64_t now_ns);

/* 1 and the oldest change not yet taken, or 0. */
int watch_next(struct watch *watch, struct watch_change *change);

enum host_state watch_state(const struct watch *watch, uint32_t index);
/* Lost probes in the window, and how many it holds (*OF). */
unsigned watch_loss(const struct watch *watch, uint32_t index, unsigned *of);
bool watch_is_isolated(const struct watch *watch);
/* For how long no reference has answered while most hosts did, as watch_tick saw it; -1: it is not so. */
int64_t watch_unwitnessed_ns(const struct watch *watch, int64_t now_ns);
bool watch_is_silent(const struct watch *watch, uint32_t index); /* UP by a confirm port alone */
/* Whether the window says something, or is full: a run that fills it once may stop. */
bool watch_is_decided(const struct watch *watch, uint32_t index);

#endif
