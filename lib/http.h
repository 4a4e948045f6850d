/*
 * http.h - the only user of libcurl: fetching a URL, handing mail to a relay, posting to a web server.
 *
 * The relay is spoken to by up to SMTP_CONNECTIONS connections, each used for
 * one mail after the other; a mail is one transaction to one recipient, with a
 * deadline of its own, so that one that hangs delays none of the others. None of
 * the smtp functions waits for the relay: poll smtp_fd, then take what smtp_finished has.
 * A poster is the same for requests to one web server.
 */
#ifndef VMROLL_HTTP_H
#define VMROLL_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/*
 * Reads what stands at URL (http, https, ftp, ftps, sftp, file) and appends it
 * to BODY. At most MAXIMUM bytes (ERR_TOO_LARGE) in at most TIMEOUT_MS
 * (ERR_DEADLINE). ERR_USAGE: no such URL or scheme; ERR_NET; ERR_AUTH;
 * ERR_TEMPORARY and ERR_PERMANENT: refused by the server; ERR_ENV: a local file that cannot be read.
 * Certificates are checked, against the file that the environment variable SSL_CERT_FILE names, else the
 * system's; for sftp the host's key against ~/.ssh/known_hosts, and ours is the first of id_ed25519, id_ecdsa and id_rsa there.
 * Messages name the URL as http_shown does. On failure BODY is as before.
 */
int http_fetch(const char *url, size_t maximum, int64_t timeout_ms, struct str *body, struct err *e);

/* URL without user and password, fit for messages and the store; the caller frees. */
char *http_shown(const char *url);

enum { SMTP_CONNECTIONS = 4 };

enum smtp_tls { SMTP_TLS_REQUIRED, SMTP_TLS_OPPORTUNISTIC, SMTP_TLS_NONE };

/* How the relay is reached; borrowed by smtp_new only. */
struct smtp_relay {
	const char *url; /* smtp://host[:port] or smtps://host[:port] */
	enum smtp_tls tls; /* for smtp:, whether STARTTLS must succeed; certificates are checked except where opportunistic */
	const char *user; /* NULL: no authentication */
	const char *password;
	const char *ca_file; /* NULL: the system's */
	int64_t timeout_ms;  /* of one transaction, connecting included */
};

struct smtp;

/* No connection is made yet. ERR_USAGE: a URL that is no relay's. The caller calls smtp_free, which abandons what is pending. */
int smtp_new(struct smtp **smtp, const struct smtp_relay *relay, struct err *e);
void smtp_free(struct smtp *smtp); /* NULL-safe */
void cleanup_smtp(struct smtp **smtp);

/*
 * Queues one mail; MESSAGE (CRLF lines, as mail_compose writes them) and the addresses are copied. TAG
 * comes back from smtp_finished. ERR_USAGE for an address that mail_check_address refuses.
 */
int smtp_submit(struct smtp *smtp, uint64_t tag, const char *from, const char *to, const char *message,
		size_t length, struct err *e);

/* Submitted and not yet handed back by smtp_finished. */
size_t smtp_pending(const struct smtp *smtp);

/* Readable when smtp_finished has something; not after it returned false. */
int smtp_fd(const struct smtp *smtp);

/*
 * One finished transaction: true with its TAG and in *E the outcome: code 0 when
 * the relay took it (250 after the data); ERR_PERMANENT: the relay refused this recipient or message
 * for good (5xx); ERR_TEMPORARY: for now (4xx), or it refuses its service or our sender; ERR_AUTH: credentials, or no TLS where
 * it is required; ERR_NET; ERR_DEADLINE. The message says at which command and what the relay said.
 */
bool smtp_finished(struct smtp *smtp, uint64_t *tag, struct err *e);

/* Where requests go; borrowed by poster_new only. */
struct post_target {
	const char *url;            /* http or https; user and password in it are used and never shown */
	const char *const *headers; /* lines "Name: value" of every request, NULL-terminated, or NULL */
	const char *ca_file;        /* NULL: as http_fetch has it */
	int64_t timeout_ms;         /* of one request, connecting included */
};

/* One request; borrowed. */
struct post_content {
	const char *bytes;
	size_t length;
	const char *type;           /* Content-Type */
	const char *const *headers; /* lines of this request alone, NULL-terminated, or NULL */
};

struct poster;

/* ERR_USAGE unless LINE is "Name: value" (RFC 9110, 5.5) of printable UTF-8, and no header that says where a request ends. The message does not hold the value. */
int http_check_header(const char *line, struct err *e);

/* No connection is made yet. ERR_USAGE: the URL, or a header line that http_check_header refuses. The caller calls poster_free, which abandons what is pending. */
int poster_new(struct poster **poster, const struct post_target *target, struct err *e);
void poster_free(struct poster *poster); /* NULL-safe */
void cleanup_poster(struct poster **poster);
/* In place of the target's headers, for what is submitted from now on. */
int poster_set_headers(struct poster *poster, const char *const *headers, struct err *e);
/* Queues one request; all is copied. TAG comes back from poster_finished. ERR_USAGE for a header line as above. */
int poster_submit(struct poster *poster, uint64_t tag, const struct post_content *content, struct err *e);
size_t poster_pending(const struct poster *poster);
/* Readable when poster_finished has something; not after it returned false. */
int poster_fd(const struct poster *poster);
/*
 * One finished request: true with its TAG and in *E the outcome, by the status of the answer (RFC 9110, 15): code 0:
 * 2xx; ERR_TEMPORARY: 408, 425, 429, 5xx (the message has what Retry-After asks for);
 * ERR_AUTH: 401, 403, 407; ERR_PERMANENT: the other 4xx, and 3xx, which are not
 * followed; ERR_NET, also for a certificate that is not vouched for; ERR_DEADLINE. The message quotes the first line of the answer's body, of which 4 KB are read;
 * neither what the target's headers say nor the URL's user, password, path and query are in it.
 */
bool poster_finished(struct poster *poster, uint64_t *tag, struct err *e);

#endif
