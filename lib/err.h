/* err.h - error codes, and a message that grows a cause at a time. */
#ifndef VMROLL_ERR_H
#define VMROLL_ERR_H

#include <stddef.h>

/* Every fallible library function returns 0 (iterators: 1 for an item, 0 at the end) or one of these. */
enum err_code {
	ERR_NOT_FOUND = -1,  /* asked for something that validly is not there */
	ERR_USAGE = -2,      /* wrong argument or wrong configuration */
	ERR_AMBIGUOUS = -3,  /* a prefix that fits several */
	ERR_PARTIAL = -4,    /* some targets failed, the others are done */
	ERR_ENV = -5,        /* the environment: file, permission, a service that is not there */
	ERR_NET = -6,        /* the network: no route, refused, reset; may pass */
	ERR_AUTH = -7,       /* credentials refused or missing */
	ERR_TEMPORARY = -8,  /* a peer refused for now (SMTP 4xx, HTTP 5xx) */
	ERR_PERMANENT = -9,  /* a peer refused for good (SMTP 5xx, HTTP 4xx) */
	ERR_CORRUPT = -10,   /* data that fails its check */
	ERR_SCHEMA = -11,    /* data written by a newer version */
	ERR_FULL = -12,      /* no room: disk, map, quota */
	ERR_DEADLINE = -13,  /* time ran out */
	ERR_LOCKED = -14,    /* somebody else is at it */
	ERR_CONFLICT = -15,  /* a claim or a comparison in a transaction was lost */
	ERR_TOO_LARGE = -16, /* over a stated limit */
	ERR_REFUSED = -17    /* a valid no: somebody needs it as it is */
};

enum { ERR_TEXT_SIZE = 1024 };

/* Lives on the stack or inside another struct and owns nothing. All zero bytes is "no error". */
struct err {
	int code;                 /* 0 or an err_code */
	char text[ERR_TEXT_SIZE]; /* UTF-8, one line, no trailing newline; cut at a character if too long */
};

/*
 * Sets the message of *e (which may be NULL) and returns CODE, so that a
 * failing function can end in `return err_set(e, ERR_..., ...)`.
 */
int err_set(struct err *e, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, then ": " and strerror(ERRNUM). */
int err_set_errno(struct err *e, int code, int errnum, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts the formatted subject and ": " before the message that *e has already. Returns e->code, or ERR_ENV if e is NULL. */
int err_wrap(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit status of vmroll(7) for a return value: 0 for anything not negative, else 1 to 5. */
int err_exit_status(int code);

#endif
