/*
 * mailhead.h - the header of a mail that came from anywhere: RFC 5322, encoded words (RFC 2047).
 *
 * For finding out what a mail is, not for showing it. Whatever it holds, it is read in bounded room
 * and time; what is no field is passed over. Both line ends are taken, and the "From " line of mbox(5).
 */
#ifndef VMROLL_MAILHEAD_H
#define VMROLL_MAILHEAD_H

#include <stddef.h>

#include "err.h"

enum { MAILHEAD_MAX = 64 * 1024 };

struct mailhead_field {
	char *name;  /* in lower case */
	char *value; /* unfolded, without blanks around it; no NUL, else any bytes */
};

/* All zero bytes is an empty one. */
struct mailhead {
	char *envelope; /* of the "From " line: its sender, "" if it names none; NULL: no such line */
	struct mailhead_field *items;
	size_t count, capacity;
};
void mailhead_done(struct mailhead *head);

/*
 * Reads one mail from FD, keeps its header, and reads the rest too, so that whoever writes it sees no broken pipe. The
 * caller calls mailhead_done. ERR_TOO_LARGE: a header over MAILHEAD_MAX; ERR_USAGE: a NUL in it; ERR_ENV: reading failed.
 */
int mailhead_read(struct mailhead *head, int fd, struct err *e);
/* The same of bytes, which end with the header or go on. */
int mailhead_parse(struct mailhead *head, const char *bytes, size_t length, struct err *e);

/* The value of the next field called NAME (in lower case) from *PLACE on, which starts at 0; NULL at the end. Borrowed. */
const char *mailhead_next(const struct mailhead *head, const char *name, size_t *place);

/*
 * Why the mail was written by no human being, or NULL: an automatic reply (RFC 3834 and the marks in use beside it), one
 * to many, a report of a delivery or of a reading (RFC 3464, RFC 8098), or one that wants no answer (a null
 * sender). X-Auto-Response-Suppress is none of it: it asks something of those who answer.
 */
const char *mailhead_automatic(const struct mailhead *head);

/*
 * VALUE with its encoded words decoded, in UTF-8: of other character sets only what is ASCII in all of them is right, the
 * rest becomes '?'. Control characters become blanks. The caller frees.
 */
char *mailhead_decode(const char *value);

#endif
