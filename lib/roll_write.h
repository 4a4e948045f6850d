/* roll_write.h - private to roll: a snapshot being written. */
#ifndef VMROLL_ROLL_WRITE_H
#define VMROLL_ROLL_WRITE_H

#include "map.h"
#include "roll_private.h"

struct roll_report {
	enum { REPORT_NONE, REPORT_ANSWERED, REPORT_FAILED } outcome;
	int64_t answered;
	uint64_t change; /* what its list was written as; 0: nothing differed */
	size_t vms;
	int code;
	char *why;
	unsigned char uuid[VM_UUID_SIZE];
};

struct roll_writer {
	struct store *store;
	const struct hosts *hosts;
	int64_t begun;
	uint64_t snapshot, base;
	struct roll_report *reports; /* one for each of hosts->items, which may go before the writer */
	size_t report_count;
	struct map *answered;   /* UUID of each host that answered to its report */
	struct roll_header old; /* the newest finished snapshot; id 0: none */
	struct roll_set old_set;
	struct roll_results old_results;
};

#endif
