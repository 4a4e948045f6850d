/* hostping.h - what hostping was asked to do, for its parts. */
#ifndef HOSTPING_HOSTPING_H
#define HOSTPING_HOSTPING_H

#include <stdbool.h>
#include <stddef.h>

#include "cli.h"
#include "icmp.h"
#include "targets.h"
#include "vec.h"

enum hostping_mode { MODE_ONCE, MODE_WATCH, MODE_BOARD, MODE_STATUS };

struct options {
	struct cli cli;
	enum hostping_mode mode;
	bool mode_given;
	struct conf conf;
	struct icmp *icmp; /* NULL: the sockets could not be opened, and ICMP_ERROR says why */
	struct err icmp_error;
	char *const *names; /* hosts asked for, NULL: all */
	size_t name_count;
	VEC(char *) read_names; /* those that came on standard input */
};

/* The columns of once and --status, in this order. */
enum hostping_column {
	COLUMN_HOST,
	COLUMN_ADDRESS,
	COLUMN_STATE,
	COLUMN_SINCE,
	COLUMN_RTT,
	COLUMN_LOSS,
	COLUMN_DETAIL,
	COLUMN_SEEN,
	COLUMN_AGE
};

/* Each returns 0, 1 ("some host is down") or an err_code, after having printed what it has to say about it. */
int run_once(const struct options *o, struct err *e);
int run_status(const struct options *o, struct err *e);
int run_board(const struct options *o, struct err *e);

/* The targets that the options ask for. */
struct targets_wish wish_of(const struct options *o);

/* The rows of the options on stdout; NULL and *E if -o names no column. The age is --status' own. */
struct rows *rows_of(const struct options *o, struct err *e);

#endif
