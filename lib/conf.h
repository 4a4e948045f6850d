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
};

/*
 * Reads the settings. PATH NULL: SYSCONFDIR/vmroll.conf, whose absence means
 * the defaults; a file that was named must exist. ERR_USAGE with PATH:LINE
 * (unknown or duplicate key, bad unit, cut short, `${`, a secret in a file that others can read);
 * ERR_ENV if it cannot be read. The caller calls conf_done.
 */
int conf_read(struct conf *conf, const char *path, struct err *e);
void conf_done(struct conf *conf);
/* Whether URI can be the setting `store`, wherever it was said. ERR_USAGE says what was expected. */
int conf_check_store(const char *uri, struct err *e);

/* Calls WARN for each thing that is valid but surely not meant: an empty fallback, a redirect left set, no smtp url. */
void conf_warnings(const struct conf *conf, void (*warn)(void *context, const char *text), void *context);

#endif
