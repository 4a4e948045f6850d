/* sip_private.h - what the parts of sip share. */
#ifndef VMROLL_SIP_PRIVATE_H
#define VMROLL_SIP_PRIVATE_H

/* What libre's headers would like to know of the system; struct sa has IPv6 in it as the library has. */
#define HAVE_INET6 1
#ifndef HAVE_INTTYPES_H
#define HAVE_INTTYPES_H 1
#endif
#ifndef HAVE_STDBOOL_H
#define HAVE_STDBOOL_H 1
#endif
/* libre has a struct sip and allocators of the same names as ours: its own are not used here. */
#define sip libre_sip
#define mem_alloc libre_mem_alloc
#define mem_zalloc libre_mem_zalloc
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wconversion"
#include <re/re.h>
#pragma GCC diagnostic pop
#undef sip
#undef mem_alloc
#undef mem_zalloc

#include "sip.h"

enum {
	SIP_PACKET_SAMPLES = 160, /* 20 ms */
	SIP_EVENT_PAYLOAD = 101,  /* telephone-event as we offer it */
	SIP_RTP_HEADER = 12
};

/* A SIP URI that sip_check_uri took; the parts are copies. */
struct sip_uri {
	char *user;    /* or NULL */
	char *host;    /* without brackets */
	uint16_t port; /* 0: none given */
	bool is_tcp;
};
int sip_uri_parse(const char *text, struct sip_uri *uri, struct err *e);
void sip_uri_done(struct sip_uri *uri);
/* "HOST" or "[HOST]", with ":PORT" where there is one; the caller frees. */
char *sip_uri_hostport(const struct sip_uri *uri);

enum sip_registered { SIP_REGISTER_NONE, SIP_REGISTER_TRYING, SIP_REGISTER_DONE, SIP_REGISTER_FAILED };

/* When whose packet goes out: one timer for all calls, see sip_pace.c. */
struct sip_pace {
	int timer;
	unsigned slot;
	int64_t next_ns; /* CLOCK_MONOTONIC: when SLOT is due */
	size_t running;  /* calls that send */
	struct mbuf *packet;
};

struct sip {
	struct libre_sip *stack;
	struct sipsess_sock *sessions;
	struct sip_lsnr *listener;
	struct dnsc *dns;
	struct sa address; /* with the port in use */
	char *from_uri;    /* of From */
	char *contact;     /* user part of Contact */
	char *user;
	char *password;
	char *registrar;
	char *registrar_host; /* of both, NULL where there is none */
	char *exchange_host;
	int64_t ring_timeout_ms;
	struct sip_call *connecting; /* its first INVITE is on its way out */
	struct sipreg *registration;
	enum sip_registered registered;
	struct list calls;
	struct list watches;
	struct list timers;
	struct sip_pace pace;
	struct tmr stop;
	bool stopping;
	bool closed; /* libre has given the stack back */
};

/* Keys of one call, by whichever way they come. */
struct sip_keys {
	enum {
		SIP_KEYS_NONE,
		SIP_KEYS_RTP,
		SIP_KEYS_INFO
	} way;              /* the first way seen; the other says the same once more */
	uint32_t source;    /* SSRC */
	uint32_t timestamp; /* of the latest event */
	uint8_t event;
	bool is_over;
	uint32_t info_number; /* CSeq of the latest INFO */
};

struct sip_media {
	struct udp_sock *socket;
	struct sa local;
	struct sa named;      /* where SDP says they listen */
	struct sa signalling; /* where their answer came from */
	struct sa source;     /* learnt; unset until the first valid packet */
	uint8_t payload;      /* 0 PCMU, 8 PCMA */
	uint8_t event_payload;
	bool is_held;
	bool is_sending;
	unsigned slot;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
	bool is_marked; /* the next packet begins anew */
	uint64_t received;
	int16_t *samples; /* being played */
	size_t count;
	size_t next;
};

enum sip_state { SIP_WAITING, SIP_TRYING, SIP_RINGING, SIP_UP, SIP_OVER };

struct sip_call {
	struct le le;
	struct sip *sip;
	const struct sip_handlers *handlers;
	void *context;
	char *uri;
	char *branch; /* of the newest INVITE that went out; NULL: none did */
	enum sip_state state;
	struct sipsess *session;
	struct sdp_session *sdp;
	struct sdp_media *audio;
	struct tmr ring;
	struct tmr ending;
	enum sip_end end;
	char *text;
	struct sip_media media;
	struct sip_keys keys;
};

/* ---- sip_call.c ---- */
void sip_call_start(struct sip_call *call); /* registration is done, or there is none */
/* Has the call end so from the loop. TEXT is copied; the first to say so wins. */
void sip_call_end(struct sip_call *call, enum sip_end end, const char *text);
void sip_call_free(struct sip_call *call);
void sip_call_key(struct sip_call *call, char key);
/* "486 Busy Here"; the caller frees. */
char *sip_call_response_text(const struct sip_msg *message);
/* Whether the call goes to the exchange or the registrar: nobody else is shown what is made of the password. */
bool sip_call_is_trusted(const struct sip_call *call);
int sip_authenticate(char **user, char **password, const char *realm, void *context);

/* ---- sip_redirect.c ---- */
/* For libre's trace: a final 3xx must be stopped before libre sees it. */
void sip_redirect_trace(bool sent, enum sip_transp transport, const struct sa *from, const struct sa *to,
			const uint8_t *packet, size_t length, void *context);

/* ---- sip_end.c ---- */
enum sip_end sip_end_of_response(unsigned status, bool rang);

/* ---- sip_register.c ---- */
void sip_register(struct sip *sip); /* unless it is done or under way */

/* ---- sip_sdp.c ---- */
int sip_sdp_offer(struct sip_call *call, struct mbuf **body);
int sip_sdp_take(struct sip_call *call, const struct sip_msg *message, bool is_offer, struct err *e);

/* ---- sip_media.c ---- */
int sip_media_open(struct sip_call *call);
void sip_media_close(struct sip_call *call);

/* ---- sip_pace.c ---- */
int sip_pace_open(struct sip *sip, struct err *e);
void sip_pace_close(struct sip *sip);
void sip_pace_start(struct sip_call *call);
void sip_pace_stop(struct sip_call *call);
void sip_pace_send_due(struct sip *sip);

/* ---- sip_keys.c ---- */
void sip_keys_rtp(struct sip_call *call, const struct rtp_header *header, struct mbuf *payload);
void sip_keys_info(struct libre_sip *stack, const struct sip_msg *message, void *context);

#endif
