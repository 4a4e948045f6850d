/* roll_read.h - private to roll: the roll at an instant, opened. */
#ifndef VMROLL_ROLL_READ_H
#define VMROLL_ROLL_READ_H

#include "roll_private.h"

/* One host of the set, looked up when first asked for. */
struct roll_seat {
	bool looked_up;
	bool listed; /* it has a list in force: entry and bounds are set */
	struct roll_entry entry;
	struct roll_bounds bounds;
	uint64_t confirmed; /* changes up to this are vouched for by the answer below, whatever their clock said */
	uint64_t vouched; /* the same, but 0 if the answer below is older than the snapshot */
	int64_t answered;
	uint64_t snapshot;
	bool stale;
	const char *why; /* borrowed from results or constant */
	bool followed;
	int64_t followed_until;
};

struct roll {
	struct store_view *view;
	int64_t at;    /* WHEN_UNKNOWN: now */
	int64_t clock; /* the same, or what the clock says */
	bool ever_followed;
	uint64_t ceiling; /* no change above it was made at or before AT */
	struct roll_header header;
	struct roll_set set;
	struct roll_results results;
	struct roll_seat *seats;
	/* The snapshot before: for hosts that answered this one after AT only. */
	bool previous_loaded;
	struct roll_header previous; /* id 0: none */
	struct roll_set previous_set;
	struct roll_results previous_results;
};

/* The seat of host INDEX, looked up. */
int roll_seat(struct roll *roll, size_t index, struct roll_seat **seat, struct err *e);
/* Fills *VM of RECORD on that seat; takes the record's VM over. */
void roll_seat_vm(const struct roll_seat *seat, size_t index, struct roll_record *record, struct roll_vm *vm);

#endif
