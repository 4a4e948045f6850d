/*
 * sip.h - calls over SIP (RFC 3261) with G.711 audio (RFC 3551) and keys (RFC 4733), by libre, of which this is the only user.
 *
 * One user agent that calls and cannot be called: INVITEs to it are refused, OPTIONS is answered. It speaks UDP and
 * TCP, registers where a registrar is given, and authenticates by digest (MD5, which is what libre has), but only to
 * the exchange and the registrar: of what others were shown, the password could be guessed. Redirects are not followed and transfers (REFER) not obeyed: a list or a peer must not choose who else is called.
 *
 * Everything runs in one thread inside sip_loop, and there is one agent a process; handlers are called from there and
 * may call anything here but sip_loop and sip_free. Nothing is ever called from inside the call that caused it.
 *
 * Where the sound goes: to the address of their SDP, unless that is no place for a call (multicast, broadcast, 0.0.0.0,
 * loopback while we are not on it): then the call is refused. Sound and keys are taken only from the address of their SDP
 * or the one that their signalling comes from; the first valid packet fixes address and port until they send a
 * new SDP. If it came from another address than SDP names (a peer behind NAT), ours goes there too (RFC 4961).
 *
 * Built without libre (sip_is_built is false) each function that can fail does so with ERR_USAGE.
 */
#ifndef VMROLL_SIP_H
#define VMROLL_SIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { SIP_RATE = 8000 }; /* samples a second */

struct sip;
struct sip_call;
struct sip_timer;

struct sip_settings {
	const char *from; /* "sip:vmroll@10.0.0.9:5060[;transport=tcp]": the host is an address of this machine */
	const char *registrar; /* "sip:10.0.0.5", or NULL: there is none */
	const char *exchange; /* "sip:0@10.0.0.5": calls to its host may be authenticated, as to that of REGISTRAR; or NULL */
	const char *user;     /* for digest authentication, with PASSWORD; NULL: the user of FROM */
	const char *password; /* or NULL: whoever demands authentication refuses us */
	int64_t ring_timeout_ms;
};

/* How a call ended. lib/sip_end.c has the table of responses. */
enum sip_end {
	SIP_END_HUNG_UP,     /* by us */
	SIP_END_BYE,         /* by them */
	SIP_END_BUSY,        /* 486, 600 */
	SIP_END_NO_ANSWER,   /* it rang until ring_timeout, or 480, 487, or 408 after it rang */
	SIP_END_DECLINED,    /* 603 */
	SIP_END_UNREACHABLE, /* for now: nothing came back, no route, no DNS, 5xx, not registered */
	SIP_END_REFUSED /* for good: no such number, no common codec, authentication refused, a redirect */
};

/* Any of them may be NULL. CONTEXT is what sip_call was given. */
struct sip_handlers {
	void (*ringing)(void *context);       /* once */
	void (*answered)(void *context);      /* once; from now on sip_call_play is heard */
	void (*key)(void *context, char key); /* each press once; one of 0123456789*#ABCD */
	void (*played)(void *context);        /* the last sample of what was given last went out */
	/* Once for every call, also for those that we hang up; the call is gone when it returns. TEXT says why, for people: "486 Busy Here". */
	void (*ended)(void *context, enum sip_end end, const char *text);
};

/* Whether this was built with libre. */
bool sip_is_built(void);

/*
 * Whether URI may be called: "sip:[USER@]HOST[:PORT][;transport=udp|tcp][;user=phone]" of at most 255 bytes of plain
 * ASCII. Escapes other than %23, headers, passwords and other parameters (maddr, method, ...) are not taken. ERR_USAGE.
 */
int sip_check_uri(const char *uri, struct err *e);

/*
 * The agent. If the port of FROM is taken, a free one is used: see sip_port. Registration begins with sip_loop.
 * SETTINGS is copied. ERR_USAGE for settings that cannot be used, ERR_ENV if the address is not this machine's. The
 * caller calls sip_free.
 */
int sip_new(struct sip **sip, const struct sip_settings *settings, struct err *e);
void sip_free(struct sip *sip); /* NULL-safe. Calls that are left end without a word to anybody: see sip_stop. */
uint16_t sip_port(const struct sip *sip); /* the port that is listened on */

/*
 * Begins a call to URI; *CALL is valid until `ended` returns. HANDLERS is borrowed until then. Only a bad URI is an error
 * here (ERR_USAGE); whatever else goes wrong comes through `ended`.
 */
int sip_call(struct sip *sip, const char *uri, const struct sip_handlers *handlers, void *context,
	     struct sip_call **call, struct err *e);
/* Plays COUNT samples (SIP_RATE, one channel; copied) in place of what is playing; 0: silence. While they hold the call it waits. */
void sip_call_play(struct sip_call *call, const int16_t *samples, size_t count);
/* Ends the call: CANCEL or BYE, whichever fits. `ended` follows from the loop. */
void sip_call_hang_up(struct sip_call *call);
/* RTP packets that came from them and were valid. */
uint64_t sip_call_received(const struct sip_call *call);

/* Calls READABLE from the loop while FD (borrowed) can be read or has been closed by its peer; NULL: no longer. ERR_ENV. */
int sip_watch(struct sip *sip, int fd, void (*readable)(void *context), void *context, struct err *e);
/* Calls FIRE once, DELAY_MS from now; the timer is gone then. Cancelling takes ownership; NULL-safe. */
struct sip_timer *sip_after(struct sip *sip, int64_t delay_ms, void (*fire)(void *context), void *context);
void sip_timer_cancel(struct sip_timer *timer);

/* Runs until sip_stop. ERR_ENV. */
int sip_loop(struct sip *sip, struct err *e);
/* From a handler: hangs up what is left, unregisters, and has sip_loop return, within a second. */
void sip_stop(struct sip *sip);

#endif
