/*
 * roll_private.h - what the files of roll share: its records, and the rules of what is visible when.
 *
 * Every change of a host (a list that differs, an event, its end) has a number
 * from one counter. list/HOST/CHANGE says that the change is complete, when it
 * was, and which change began the host's present life. A VM record counts if
 * its number is not above the position read, not below that life, and not
 * that of a change still being written (pend/HOST).
 */
#ifndef VMROLL_ROLL_PRIVATE_H
#define VMROLL_ROLL_PRIVATE_H

#include "keys.h"
#include "roll.h"
#include "vec.h"

/* ---- records (roll_record.c, roll_results.c): encode appends to OUT, decode is 0 or ERR_CORRUPT, ERR_SCHEMA ---- */

enum { ROLL_RECORD_VERSION = 1 };

/* Passes each field of a record, or of a map inside one, to FIELD. */
typedef int roll_field(unsigned key, const struct rec_value *value, void *context, struct err *e);
int roll_read(const void *data, size_t length, roll_field *field, void *context, struct err *e);
int roll_read_map(const struct rec_value *map, roll_field *field, void *context, struct err *e);
/* Written unless WHEN_UNKNOWN, unless 0. */
void roll_put_instant(struct str *out, unsigned key, int64_t instant);
void roll_put_number(struct str *out, unsigned key, uint64_t number);
/* Replaces *TEXT. */
int roll_take_text(const struct rec_value *value, char **text, struct err *e);

struct roll_counters {
	uint64_t change, snapshot, session; /* the newest of each */
};
void roll_counters_encode(const struct roll_counters *counters, struct str *out);
int roll_counters_decode(const void *data, size_t length, struct roll_counters *counters, struct err *e);

struct roll_header {
	struct roll_snapshot snapshot; /* its id stands in the key */
	uint64_t base;                 /* the newest change when it began */
	uint64_t set;                  /* number of the set that its results follow */
	uint64_t set_chunks, result_chunks;
	uint64_t ordered; /* from that snapshot up to this one none began before the one before it; 0: not known */
};
void roll_header_encode(const struct roll_header *header, struct str *out);
int roll_header_decode(const void *data, size_t length, struct roll_header *header, struct err *e);

/* The hosts of hosts(5) at a snapshot, sorted by name. */
struct roll_member {
	char *name;
	unsigned char uuid[VM_UUID_SIZE];
	bool known; /* it answered once, so that uuid is meant */
	bool off;   /* as roll_list */
};
struct roll_set {
	VEC(struct roll_member) members;
};
enum { ROLL_CHUNK_ITEMS = 1 }; /* sets and results are arrays under this key, in chunks */
void roll_set_done(struct roll_set *set);
void roll_member_encode(const struct roll_member *member, struct str *out); /* one item of an array */
int roll_members_decode(const void *data, size_t length, struct roll_set *set, struct err *e); /* appends */

enum roll_outcome { ROLL_ANSWERED, ROLL_FAILED, ROLL_NOT_ASKED, ROLL_OFF };
struct roll_result {
	enum roll_outcome outcome;
	int64_t answered;  /* when; unless ROLL_ANSWERED, when it last did, or WHEN_UNKNOWN */
	uint64_t snapshot; /* of that answer; 0: never */
	uint64_t change;   /* what its list of this snapshot was written as; 0: it was as before */
	int code;          /* ROLL_FAILED: an err_code */
	char *why;
};
struct roll_results {
	VEC(struct roll_result) items; /* in the order of the set */
};
void roll_results_done(struct roll_results *results);
/* BEGUN is that of the header: near instants are written short. */
void roll_result_encode(const struct roll_result *result, int64_t begun, struct str *out);
int roll_results_decode(const void *data, size_t length, const struct roll_snapshot *snapshot,
			struct roll_results *results, struct err *e); /* appends */

enum roll_entry_kind { ROLL_ENTRY_LIST, ROLL_ENTRY_EVENT, ROLL_ENTRY_END };
struct roll_entry {
	uint64_t change; /* stands in the key */
	enum roll_entry_kind kind;
	int64_t at;
	uint64_t snapshot; /* the list's; the newest one of an event */
	uint64_t life;     /* the change that began the host's present life */
};
void roll_entry_encode(const struct roll_entry *entry, struct str *out);
int roll_entry_decode(const void *data, size_t length, struct roll_entry *entry, struct err *e);

void roll_host_encode(const struct roll_host *host, struct str *out);
int roll_host_decode(const void *data, size_t length, struct roll_host *host, struct err *e);

/* A VM on a host from a change on. */
struct roll_record {
	struct vm vm;
	uint64_t change;
	int64_t at;    /* of that change */
	int64_t since; /* when its state began */
};
void roll_record_done(struct roll_record *record);
void roll_record_encode(const struct roll_record *record, struct str *out);
/* Whether the RECORD that is written so says the same of the VM but for its times; FIELDS is what vm_encode_fields makes of it. Cheap; a false "no" is possible. */
bool roll_record_says(const struct str *record, const struct str *fields);
int roll_record_decode(const void *data, size_t length, struct roll_record *record, struct err *e);

struct roll_live {
	uint64_t session;
	int64_t from, to; /* WHEN_UNKNOWN: still */
	char *why;
};
void roll_live_done(struct roll_live *live);
void roll_live_encode(const struct roll_live *live, struct str *out);
int roll_live_decode(const void *data, size_t length, struct roll_live *live, struct err *e);

void roll_instant_encode(int64_t at, struct str *out);
int roll_instant_decode(const void *data, size_t length, int64_t *at, struct err *e);

/* ---- what is visible (roll_visible.c) ---- */

/* Reads KEY and decodes by its kind. 1, 0 if absent, negative. RAW may be NULL. */
int roll_get_counters(struct store_view *view, struct roll_counters *counters, struct bytes *raw, struct err *e);
int roll_get_header(struct store_view *view, uint64_t id, struct roll_header *header, struct err *e);
int roll_get_pending(struct store_view *view, const unsigned char *host, uint64_t *change, struct err *e);
int roll_get_set(struct store_view *view, const struct roll_header *header, struct roll_set *set, struct err *e);
int roll_get_results(struct store_view *view, const struct roll_header *header, struct roll_results *results,
		     struct err *e);
/* The newest header with an id below BELOW and, unless AT is WHEN_UNKNOWN, begun at or before AT. 1/0. */
int roll_newest_header(struct store_view *view, uint64_t below, int64_t at, struct roll_header *header,
		       struct err *e);
/* Index of NAME in a set, SIZE_MAX if it is not there. */
size_t roll_set_find(const struct roll_set *set, const char *name);
/* The same by UUID; a walk. */
size_t roll_set_find_uuid(const struct roll_set *set, const unsigned char *uuid);

/* Which of a host's changes are seen: those up to POSITION, from LIFE on, but PENDING. */
struct roll_bounds {
	uint64_t position, life, pending; /* pending 0: none */
};
bool roll_visible(const struct roll_bounds *bounds, uint64_t change);

/* Which of a host's entries an instant sees: the newest that is at or below CONFIRMED, or at or before AT; none above CEILING is looked at. */
struct roll_moment {
	int64_t at; /* WHEN_UNKNOWN: now, every entry */
	uint64_t confirmed, ceiling;
};
extern const struct roll_moment roll_now;
/* The host's entry in force and its bounds. 1, 0 if it had none yet, negative. An end is an entry too. */
int roll_get_entry(struct store_view *view, const unsigned char *host, const struct roll_moment *moment,
		   struct roll_entry *entry, struct roll_bounds *bounds, struct err *e);
/* The host's attributes as of BOUNDS. 1/0. */
int roll_get_host(struct store_view *view, const unsigned char *host, const struct roll_bounds *bounds,
		  struct roll_host *attributes, struct err *e);
/* One VM on one host as of BOUNDS; gone is 0 too. 1/0. */
int roll_get_vm(struct store_view *view, const unsigned char *host, const unsigned char *vm,
		const struct roll_bounds *bounds, struct roll_record *record, struct err *e);

/* Walks the VMs of one host in the order of their UUIDs, the newest visible record of each, VM_GONE included. */
struct roll_walk;
int roll_walk_open(struct roll_walk **walk, struct store_view *view, const unsigned char *host,
		   const struct roll_bounds *bounds, struct err *e);
int roll_walk_next(struct roll_walk *walk, struct roll_record *record, struct err *e); /* 1/0/negative */
/* The same in two steps, for who can often do without decoding. The candidate is borrowed until the next step. */
struct roll_candidate {
	unsigned char vm[VM_UUID_SIZE];
	uint64_t change;
	struct str value; /* the record */
};
int roll_walk_step(struct roll_walk *walk, const struct roll_candidate **candidate, struct err *e); /* 1/0/negative */
int roll_walk_decode(const struct roll_walk *walk, const struct roll_candidate *candidate,
		     struct roll_record *record, struct err *e);
void roll_walk_close(struct roll_walk *walk);
void cleanup_roll_walk(struct roll_walk **walk);

/* ---- following (roll_follow.c) ---- */

/* Whether the host was followed live at AT (not WHEN_UNKNOWN); then *CONFIRMED is until when that is known, at most AT. 1/0/negative. */
int roll_get_followed(struct store_view *view, const unsigned char *host, int64_t at, int64_t *confirmed,
		      struct err *e);

/* ---- writing (roll_change.c) ---- */

/* What a change puts; collected first, because it may need several batches. */
struct roll_plan_op {
	size_t key, key_length, value, value_length; /* in bytes */
};
struct roll_plan {
	struct str bytes;
	VEC(struct roll_plan_op) puts;
};
void roll_plan_done(struct roll_plan *plan);
void roll_plan_put(struct roll_plan *plan, const struct key *key, const struct str *value);
/* The record of a VM, and the index entries that are missing. */
int roll_plan_vm(struct roll_plan *plan, struct store_view *view, const unsigned char *host,
		 const struct roll_record *record, struct err *e);
/*
 * Writes the plan and ENTRY of the host all or nothing. COUNTERS as read from RAW (length 0: absent); ENTRY's change
 * is the next. ERR_CONFLICT: somebody else wrote meanwhile; read again and plan anew.
 */
int roll_plan_commit(const struct roll_plan *plan, struct store *store, const unsigned char *host,
		     const struct roll_entry *entry, const struct roll_counters *counters,
		     const struct bytes *raw, struct err *e);
/* Removes what a killed writer left of the change PENDING of the host. */
int roll_clear_pending(struct store *store, const unsigned char *host, uint64_t pending, struct err *e);
/* Adds the counters' comparison and their new value to a batch. */
void roll_batch_counters(struct store_batch *batch, const struct roll_counters *counters,
			 const struct bytes *raw);

/* Adds the end of a host to a batch. 1, 0 if there is nothing to end, negative. */
int roll_batch_end(struct store_batch *batch, struct store_view *view, const unsigned char *host,
		   uint64_t change, uint64_t snapshot, int64_t at, struct err *e);

/* How often a writer that loses to others tries again; and what it says if it lost each time: ERR_LOCKED for ERR_CONFLICT, else RESULT. */
enum { ROLL_TRIES = 100 };
int roll_give_up(int result, struct err *e);

#endif
