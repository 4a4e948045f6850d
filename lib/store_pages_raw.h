/* store_pages_raw.h - the bytes of LMDB's pages, for the parts of store_pages only. */
#ifndef VMROLL_STORE_PAGES_RAW_H
#define VMROLL_STORE_PAGES_RAW_H

#include <string.h>

#include "store_pages.h"

/* struct MDB_page up to mp_ptrs, and struct MDB_node up to mn_data. */
enum {
	HEADER = 16, /* struct MDB_page up to mp_ptrs */
	HEADER_FLAGS = 10,
	HEADER_LOWER = 12,
	HEADER_UPPER = 14,
	HEADER_OVERFLOW_COUNT = 12,
	KIND_BRANCH = 0x01,
	KIND_LEAF = 0x02,
	KIND_OVERFLOW = 0x04,
	KIND_META = 0x08,
	NODE_HEADER = 8,
	NODE_OVERFLOW = 0x01,
	KEY_MAX = 511
};

static inline uint16_t get16(const unsigned char *at)
{
	uint16_t number;

	memcpy(&number, at, sizeof number);
	return number;
}

static inline uint32_t get32(const unsigned char *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof number);
	return number;
}

static inline uint64_t get64(const unsigned char *at)
{
	uint64_t number;

	memcpy(&number, at, sizeof number);
	return number;
}

/* "page N: WHY"; ERR_CORRUPT. */
int pages_bad(uint64_t number, const char *why, struct err *e);
/* From where the cursor is, down to the first or the last record: 1, or 0 in an empty tree. */
int pages_descend(struct pages_cursor *cursor, bool last, struct err *e);

#endif
