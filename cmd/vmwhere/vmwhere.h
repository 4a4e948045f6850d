/* vmwhere.h - what the parts of vmwhere share. */
#ifndef VMROLL_VMWHERE_H
#define VMROLL_VMWHERE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "admins.h"
#include "affected.h"
#include "cli.h"
#include "err.h"
#include "roll.h"
#include "rows.h"
#include "store.h"

enum where_column {
	COLUMN_VM,
	COLUMN_UUID,
	COLUMN_HOST,
	COLUMN_STATE,
	COLUMN_SINCE,
	COLUMN_SEEN,
	COLUMN_STALE,
	COLUMN_OS,
	COLUMN_MANAGER,
	COLUMN_CLUSTER,
	COLUMN_VCPU,
	COLUMN_MEMORY,
	COLUMN_DISK,
	COLUMN_NIC,
	COLUMN_ADMIN,
	COLUMN_GRADE,
	COLUMN_SNAPSHOT,
	COLUMN_AGE,
	COLUMNS_OF_VM, /* those below are for some modes only */
	COLUMN_UNTIL = COLUMNS_OF_VM,
	COLUMN_CHANGE,
	COLUMN_FROM,
	COLUMN_WAS,
	COLUMN_DIED,
	COLUMN_NOW,
	COLUMN_NOW_HOST,
	COLUMN_NOW_SINCE,
	COLUMNS_ALL
};

extern const struct column where_columns[COLUMNS_ALL];

enum where_mode { MODE_WHERE, MODE_ON, MODE_HISTORY, MODE_DIFF, MODE_DUPLICATES, MODE_AFFECTED };

struct options {
	struct cli cli;
	enum where_mode mode;
	const char *subject; /* of --on, --history */
	const char *first;   /* of --diff; the other is the operand */
	const char *at_text;
	int64_t at; /* WHEN_UNKNOWN: now */
	bool all;   /* also what does not run */
};

/* ---- show.c: rows about VMs ---- */

struct show {
	const struct options *options;
	struct store_view *view;
	struct rows *rows;
	struct admins admins;
	struct roll *roll;
	int64_t clock;           /* the instant asked for */
	struct roll_list *lists; /* by host index, read when first shown */
	bool *shown;
	size_t vms;
};

/* Opens the rows of the mode alone. ERR_USAGE for a wrong -o. The caller calls show_done. */
int show_columns(struct show *show, const struct options *options, struct err *e);
/* The same, with the administrators if their column is shown. */
int show_begin(struct show *show, const struct options *options, struct store_view *view, struct err *e);
/* Opens the roll at the instant AT. */
int show_roll(struct show *show, int64_t at, struct err *e);
void show_done(struct show *show);

/* What is known of the VM itself, on HOST. */
void show_attributes(const struct show *show, const struct vm *vm, const char *host);
/* How good a list is at the clock of SHOW. */
void show_list(const struct show *show, const struct roll_list *list);
/* One row of a VM at the roll's instant. */
int show_vm(struct show *show, const struct roll_vm *vm, struct err *e);
/* Prints the table, and for people from when it is. */
int show_end(struct show *show, struct err *e);
/* Whether show_end says more than the rows. */
bool show_is_for_people(const struct show *show);
/* The list of a host of the roll, borrowed; it counts as shown. */
int show_host(struct show *show, size_t index, const struct roll_list **list, struct err *e);

/* ---- one file a mode: 0, or an err_code already told ---- */

int where_find(const struct options *options, struct store *store); /* find.c */
int where_list(const struct options *options, struct store *store);
int where_on(const struct options *options, struct store *store);
int where_duplicates(const struct options *options, struct store *store); /* duplicates.c */
int where_history(const struct options *options, struct store *store);    /* history.c */
int where_diff(const struct options *options, struct store *store);       /* diff.c */
int where_affected(const struct options *options, struct store *store);   /* filter.c */

/* Prints the message and returns its code. */
int told(struct err *e);

#endif
