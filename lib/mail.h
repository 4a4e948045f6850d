/*
 * mail.h - composes one Internet mail: RFC 5322, MIME (RFC 2045, 2046), encoded words (RFC 2047).
 *
 * Pure: no clock, no network, no randomness; the same input gives the same
 * bytes. All text in is UTF-8 with LF line ends; all bytes out are ASCII with
 * CRLF in lines of at most 76 characters (an address that is not ASCII aside,
 * which stands as RFC 6532 has it), so that nothing on the way has a reason to
 * change them.
 */
#ifndef VMROLL_MAIL_H
#define VMROLL_MAIL_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/* One mail. All is borrowed. */
struct mail {
	const char *from;      /* address */
	const char *from_name; /* or NULL */
	const char *to;        /* address */
	const char *to_name;   /* or NULL */
	const char *reply_to;  /* address, or NULL: From */
	const char *subject;
	int64_t date;
	const char *message_id;  /* without angle brackets: see mail_message_id */
	const char *in_reply_to; /* the same, or NULL: begins a thread */
	const char *text;        /* what a plain reader shows */
	const char *html;        /* the alternative, or NULL: text only */
};

/*
 * Appends the whole message to OUT. ERR_USAGE, and nothing appended, for a
 * control character (CR and LF included) or bytes that are not UTF-8 in any header, and for what
 * mail_check_address refuses. Text and HTML may hold anything: it arrives byte for byte, but for NUL, which ends it.
 */
int mail_compose(const struct mail *mail, struct str *out, struct err *e);

/*
 * ERR_USAGE unless ADDRESS may stand between the angle brackets of an SMTP
 * command: local@domain, without blanks, quotes, brackets or
 * controls, at most 254 bytes (RFC 5321, 4.5.3.1). What admins(5)
 * lets through passes; this is the last guard before the wire.
 */
int mail_check_address(const char *address, struct err *e);

/*
 * An identifier (RFC 5322, 3.6.4) that is the same whenever it is made from the same PARTS
 * (NULL-terminated), and else different: the readable prefix NAME, a hash of
 * all parts, and the domain of the address FROM. The caller frees.
 */
char *mail_message_id(const char *name, const char *const *parts, const char *from);

/* Appends TEXT so that HTML (and a double-quoted attribute of it) shows it and nothing else. */
void mail_add_html(struct str *out, const char *text);

#endif
