/*
 * conf.h - vmroll.conf(5): the settings of all utilities, their defaults and units.
 *
 * The only user of libconfuse, which accepts a file cut off inside a section
 * and expands ${ENV}: both are refused here before it sees the text.
 */
#ifndef VMROLL_CONF_H
#define VMROLL_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

/* A list of strings; of a command, its argv. */
struct conf_list {
	char **items;
	size_t count;
};

/* Appends ITEM, of which it takes ownership; a NULL stands behind the last. */
void conf_list_take(struct conf_list *list, char *item);
void conf_list_done(struct conf_list *list);

/* A list of argvs: on_incident = { "vmsnap", "logger -t vmroll incident" }; each string is split at blanks, no shell. */
struct conf_commands {
	struct conf_list *items; /* each items[].items is NULL-terminated, fit for execvp */
	size_t count;
};

struct conf_ping {
	int64_t interval_ms;        /* 1s */
	int64_t timeout_ms;         /* 1s */
	unsigned window_lost;       /* the 3 of "3/4" */
	unsigned window_size;       /* the 4 */
	struct conf_list reference; /* addresses that prove that we are not cut off */
	unsigned isolation_share;   /* percent, 50 */
	int64_t isolation_max_ms;   /* 2m */
};

struct conf_snapshot {
	int64_t host_deadline_ms; /* 4s */
	int64_t deadline_ms;      /* 30s */
	int64_t reread_ms;        /* 15m */
	int64_t period_ms;        /* 15m: how often cron runs vmsnap; lists older than two are told */
};

struct conf_notify {
	char *admins;                     /* path or URL of the administrators' list, or NULL */
	struct conf_list fallback;        /* mail addresses */
	int64_t group_wait_ms;            /* 5s */
	int64_t settle_ms;                /* 5m */
	char *redirect;                   /* NULL or one mail address that gets everything */
	struct conf_commands on_incident; /* default { "vmsnap" } */
	unsigned rate_person;             /* mails a person an hour, 60 */
	unsigned rate_total;              /* mails an hour in all, 10000 */
	unsigned voice_minute;            /* calls a person in a minute, 1 */
	unsigned voice_quarter;           /* in 15 minutes, 3 */
	unsigned voice_hour;              /* in an hour, 7 */
	unsigned voice_total;             /* calls an hour in all, 500 */
	char *policy;          /* of whoever has none of their own: "default"; there is one of that name */
	struct conf_list copy; /* who hears of every incident whole: "webhook:NAME", "command:NAME", mail addresses */
	char *templates; /* folder, or NULL: the built-in ones */
	char *reply; /* NULL: replies are not offered; else the address that takes them, where %s (at most one) becomes ID-TOKEN; without it the token stands in the subject */
};

enum conf_tls { CONF_TLS_REQUIRED, CONF_TLS_OPPORTUNISTIC, CONF_TLS_NONE };

struct conf_smtp {
	char *url;  /* smtp://host:587 or smtps://host:465, or NULL */
	char *from; /* mail address */
	enum conf_tls tls;
	char *user;                        /* NULL: no authentication */
	char *password;                    /* NULL; a file that holds one must not be readable by others */
	struct conf_list password_command; /* argv, NULL-terminated; empty: none */
	char *ca_file;                     /* NULL: the system's */
	char *vm;                          /* NULL, or the name of the VM that the relay runs in */
};

struct conf_sip {
	char *from; /* "sip:vmroll@10.0.0.9:5060", the host being our own address; NULL: no calls */
	char *exchange; /* "sip:%s@10.0.0.5": where numbers go, with exactly one %s; NULL: only sip: URIs can be called */
	char *registrar; /* "sip:10.0.0.5", or NULL */
	char *user;      /* these three as for smtp */
	char *password;
	struct conf_list password_command;
	int64_t ring_timeout_ms; /* 30s */
	char *voice_lang;        /* "en-gb": of whoever has none of their own */
	unsigned calls;          /* at a time, 100 */
	char *vm;                /* NULL, or the name of the VM that the exchange runs in */
};

/* ---- policy "NAME" { step { … } … } ---- */

enum conf_channel {
	CONF_MAIL,
	CONF_VOICE,
	CONF_WEBHOOK,
	CONF_COMMAND
}; /* numbered as enum delivery_channel */

/* One item of `channels`. */
struct conf_way {
	enum conf_channel channel;
	char *name; /* of "webhook:NAME" and "command:NAME", which exist; else NULL */
};

enum { CONF_STEPS_MAX = 16 };

struct conf_step {
	int64_t after_ms;    /* since the first notice was due */
	struct conf_list to; /* empty: whom it concerns; else each "group:NAME", "fallback", or the key of a person (mail address in lower case, or telephone) */
	struct conf_way *ways; /* at least one; at most one of each channel */
	size_t way_count;
};

struct conf_policy {
	char *name;
	struct conf_step *steps; /* 1 to CONF_STEPS_MAX, after_ms never falling */
	size_t step_count;
	int64_t repeat_ms; /* the whole again after that; 0: once, else longer than the last after_ms */
	unsigned line;     /* where it stands in the file; 0: a shipped one */
};

/* ---- person "KEY" { … }: what holds for a person beside or instead of the list's rows ---- */

struct conf_person {
	char *key;                                        /* mail address in lower case, or telephone */
	char *name, *email, *phone, *voice_lang, *policy; /* NULL: as the list has it */
	struct conf_list groups;                          /* beside those of the list */
	int quiet_from,
		quiet_to; /* minutes of the local day, 0 to 1439; both -1: none. Passes midnight if from is the greater */
	bool mail_only;
};

enum conf_webhook_format { CONF_WEBHOOK_ALERTMANAGER, CONF_WEBHOOK_SLACK };

struct conf_webhook {
	char *name, *url; /* http:// or https:// */
	enum conf_webhook_format format;
	struct conf_list headers_command; /* argv, or empty; prints header lines "Name: value" */
	char *ca_file;                    /* NULL: the system's */
};

struct conf_command {
	char *name;
	struct conf_list argv; /* NULL-terminated, fit for execvp */
};

struct conf_image {
	char *repository; /* folder, or "pool:NAME@URI" (repository.h) */
	unsigned reserve; /* percent of a file system or pool that stays free, 5; on the hosts too */
	unsigned keep;    /* generations of an image, 1 */
	int64_t stall_ms; /* 60s: a transfer that moves nothing for so long is given up */
};

struct conf_deploy {
	char *pool;                   /* "default" */
	char *policy;                 /* "first-fit", "best-fit" or "spread" */
	unsigned jobs;                /* transfers at a time, 8 */
	unsigned over_commit_percent; /* 100: no more storage is promised than there is */
};

struct conf {
	char *path;  /* the file it came from, or NULL for built-in defaults */
	char *store; /* URI */
	char *hosts; /* path of hosts(5) */
	int64_t retention_ms;
	unsigned parallel; /* workers, 32 */
	struct conf_ping ping;
	struct conf_snapshot snapshot;
	struct conf_notify notify;
	struct conf_smtp smtp;
	struct conf_sip sip;
	struct conf_image image;
	struct conf_deploy deploy;
	struct conf_policy *policies; /* "default" and "both" are always among them */
	size_t policy_count;
	struct conf_person *persons;
	size_t person_count;
	struct conf_webhook *webhooks;
	size_t webhook_count;
	struct conf_command *commands;
	size_t command_count;
};

/*
 * Reads the settings. PATH NULL: SYSCONFDIR/vmroll.conf, whose absence means
 * the defaults; a file that was named must exist. ERR_USAGE with PATH:LINE
 * (unknown or duplicate key or title, bad unit, a name that leads nowhere, cut short, `${`, a secret
 * in a file that others can read);
 * ERR_ENV if it cannot be read. The caller calls conf_done.
 */
int conf_read(struct conf *conf, const char *path, struct err *e);
void conf_done(struct conf *conf);
/* The one of that name, or NULL. Borrowed. */
const struct conf_policy *conf_find_policy(const struct conf *conf, const char *name);
const struct conf_webhook *conf_find_webhook(const struct conf *conf, const char *name);
const struct conf_command *conf_find_command(const struct conf *conf, const char *name);

/* Whether TEXT can name a policy, webhook, command or group: 1 to 63 bytes of UTF-8 without blanks, control characters and ; : , @ " */
int conf_check_name(const char *text, struct err *e);
/* Whether TEXT can name a voice: [a-z0-9-]+, at most 63 bytes. Whether there is one: speech.h. */
int conf_check_lang(const char *text, struct err *e);
/* Whether URI can be the setting `store`, wherever it was said. ERR_USAGE says what was expected. */
int conf_check_store(const char *uri, struct err *e);

/* Calls WARN for each thing that is valid but surely not meant: an empty fallback, a redirect left set, no smtp url, a policy of the file that calls while there is no sip.from. */
void conf_warnings(const struct conf *conf, void (*warn)(void *context, const char *text), void *context);

#endif
