/*
 * store_pages.h - reads the file of LMDB 0.9 (data version 1), believing nothing in it.
 *
 * LMDB trusts its file: a flipped bit makes it skip keys, end in an assertion
 * or fault. So this module reads in its place, from a map of its own, while a
 * transaction of LMDB pins the pages. Each page is checked when it is first
 * met in a view: its number, its kind, its nodes (they lie inside, do not
 * overlap and fill what they should), the order of its keys, and that all of them lie
 * between the keys of the branch that led here. With a checksum in each
 * value, and the last transaction's number and counts in a record of their
 * own, a change of any bit is an error or changes no answer.
 *
 * Layout: struct MDB_page, MDB_meta, MDB_db and MDB_node of mdb.c; native
 * byte order, 64-bit.
 */
#ifndef VMROLL_STORE_PAGES_H
#define VMROLL_STORE_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "store_backend.h"

enum { PAGES_DEPTH_MAX = 32, PAGES_SEEN = 256, PAGES_SIZE_MAX = 0x8000 };

/* Without padding, since states are compared as bytes. */
struct pages_tree {
	uint64_t branch_pages, leaf_pages, overflow_pages, entries;
	uint64_t root; /* PAGES_NONE: empty */
	uint64_t depth;
};

#define PAGES_NONE UINT64_MAX

/* How large a store can be: address space only, since the file grows as it is written. */
#define PAGES_MAP_BYTES ((size_t)64 << 30)

struct pages_meta {
	uint64_t page_size;
	uint64_t last_page;
	uint64_t transaction;
	struct pages_tree free, data;
};

struct pages_metas {
	struct pages_meta newest, older; /* older.transaction 0: there is no older state */
};

/* Reads and checks both meta pages of the file FD. ERR_CORRUPT, ERR_ENV. */
int pages_read_metas(int fd, struct pages_metas *metas, struct err *e);
/* The meta page at PAGE alone. ERR_CORRUPT. */
int pages_decode_meta(const unsigned char *page, struct pages_meta *meta, struct err *e);

/* Which pages of a state are free: all others are in one of its trees. All zero bytes is an empty one. */
struct pages_free {
	uint64_t *bits;
	size_t words;
};

/* Checks the lists of free pages of META and fills FREE_PAGES from them. 0 or ERR_CORRUPT. */
int pages_read_free(struct pages_free *free_pages, const unsigned char *map, uint64_t file_bytes,
		    const struct pages_meta *meta, struct err *e);
void pages_free_done(struct pages_free *free_pages);

static inline bool pages_is_free(const struct pages_free *free_pages, uint64_t number)
{
	return number / 64 < free_pages->words && (free_pages->bits[number / 64] >> number % 64 & 1);
}

/* A page that was checked, and the node that led to it: what is right in one place is wrong in another. */
struct pages_seen {
	uint64_t number;
	const unsigned char *from;
};

/* One state of the file. The map and what pins its pages belong to the caller. */
struct pages {
	const unsigned char *map;
	size_t page_size;
	uint64_t page_limit; /* pages from this number on are not in the file, or not of this state */
	uint64_t page_count; /* pages of this state; more than page_limit where free ones at the end were never written */
	struct pages_tree tree;
	bool integer_keys;             /* the tree of free pages */
	const struct pages_free *free; /* NULL: not known */
	store_check *check;
	struct pages_seen seen[PAGES_SEEN]; /* by number modulo PAGES_SEEN */
};

/* PAGES over the data of META in a file of FILE_BYTES; FREE, which may be NULL, is borrowed. */
void pages_init(struct pages *pages, const unsigned char *map, uint64_t file_bytes,
		const struct pages_meta *meta, const struct pages_free *free, store_check *check);

struct pages_key {
	const unsigned char *data; /* NULL: no bound */
	size_t length;
};

struct pages_level {
	const unsigned char *page;
	size_t index, count;
	struct pages_key low, high;
};

/* A position between or on the records of a tree; depth 0 in an empty one. */
struct pages_cursor {
	struct pages *pages;
	unsigned depth;
	struct pages_level levels[PAGES_DEPTH_MAX];
};

/* To the first record with key >= KEY (which may be past the last of its page): 1 if it is KEY, else 0. Negative: ERR_CORRUPT. */
int pages_find(struct pages_cursor *cursor, struct pages *pages, struct pages_key key, struct err *e);
int pages_find_first(struct pages_cursor *cursor, struct pages *pages, struct err *e);
int pages_find_last(struct pages_cursor *cursor, struct pages *pages, struct err *e);
/* Steps: 1 on a record, 0 past the end. pages_settle moves from past the last of a page to the first of the next. */
int pages_settle(struct pages_cursor *cursor, struct err *e);
int pages_next(struct pages_cursor *cursor, struct err *e);
int pages_previous(struct pages_cursor *cursor, struct err *e);
/* The record at the position; borrowed from the map. ERR_CORRUPT. */
int pages_item(const struct pages_cursor *cursor, struct store_item *raw, struct err *e);
/* Checks the value of the record at the position and of the one before it, as far as they lie in the same page: a changed key hides beside the place where it belongs. */
int pages_check_around(const struct pages_cursor *cursor, struct err *e);

/* Before LMDB writes: checks the pages on the way to KEY; for a deletion also those beside it that LMDB may merge. */
int pages_guard(struct pages *pages, struct pages_key key, bool deletion, struct err *e);
#endif
