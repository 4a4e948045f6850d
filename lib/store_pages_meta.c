/* store_pages_meta.c - the two meta pages, each of which must fit the other. */
#include "config.h"

#include <errno.h>
#include <unistd.h>

#include "store_pages_raw.h"

/* struct MDB_meta, with two of struct MDB_db in it. */
enum {
	META_MAGIC_AT = HEADER,
	META_VERSION_AT = HEADER + 4,
	META_FREE_AT = HEADER + 24,
	META_DATA_AT = META_FREE_AT + 48,
	META_LAST_AT = META_DATA_AT + 48,
	META_TRANSACTION_AT = META_LAST_AT + 8,
	META_END = META_TRANSACTION_AT + 8,
	TREE_PAGE_SIZE = 0, /* struct MDB_db */
	TREE_FLAGS = 4,
	TREE_DEPTH = 6,
	TREE_BRANCH = 8,
	TREE_LEAF = 16,
	TREE_OVERFLOW = 24,
	TREE_ENTRIES = 32,
	TREE_ROOT = 40,
	INTEGER_KEY = 0x08,
	META_READ = 256
};

static const uint32_t magic = 0xBEEFC0DE, data_version = 1;

static int bad_meta(const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "damaged, or not a store: %s", why);
}

static bool decode_tree(const unsigned char *at, uint16_t flags, uint64_t last_page, struct pages_tree *tree)
{
	tree->depth = get16(at + TREE_DEPTH);
	tree->branch_pages = get64(at + TREE_BRANCH);
	tree->leaf_pages = get64(at + TREE_LEAF);
	tree->overflow_pages = get64(at + TREE_OVERFLOW);
	tree->entries = get64(at + TREE_ENTRIES);
	tree->root = get64(at + TREE_ROOT);
	if (get16(at + TREE_FLAGS) != flags || tree->depth > PAGES_DEPTH_MAX)
		return false;
	if (tree->root == PAGES_NONE)
		return tree->depth == 0;
	return tree->depth > 0 && tree->root > 1 && tree->root <= last_page;
}

int pages_decode_meta(const unsigned char *page, struct pages_meta *meta, struct err *e)
{
	struct pages_meta found = {0};

	if (get32(page + META_MAGIC_AT) != magic || get16(page + HEADER_FLAGS) != KIND_META)
		return bad_meta("no meta page", e);
	if (get32(page + META_VERSION_AT) != data_version)
		return bad_meta("another version of LMDB's format", e);
	found.page_size = get32(page + META_FREE_AT + TREE_PAGE_SIZE);
	found.last_page = get64(page + META_LAST_AT);
	found.transaction = get64(page + META_TRANSACTION_AT);
	if (found.page_size < 512 || found.page_size > PAGES_SIZE_MAX ||
	    (found.page_size & (found.page_size - 1)))
		return bad_meta("impossible page size", e);
	if (found.last_page < 1 || found.last_page >= PAGES_MAP_BYTES / found.page_size)
		return bad_meta("impossible number of pages", e);
	if (!decode_tree(page + META_FREE_AT, INTEGER_KEY, found.last_page, &found.free) ||
	    !decode_tree(page + META_DATA_AT, 0, found.last_page, &found.data))
		return bad_meta("impossible root", e);
	*meta = found;
	return 0;
}

static int read_at(int fd, unsigned char *bytes, size_t length, uint64_t offset, struct err *e)
{
	size_t done = 0;

	while (done < length) {
		ssize_t got = pread(fd, bytes + done, length - done, (off_t)(offset + done));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(e, ERR_ENV, errno, "read");
		if (got == 0)
			return err_set(e, ERR_CORRUPT, "truncated: not even two pages long");
		done += (size_t)got;
	}
	return 0;
}

static int decode_pair(const unsigned char *first, const unsigned char *second, struct pages_metas *metas,
		       struct err *e)
{
	struct pages_meta even = {0}, odd = {0};

	if (get64(first) != 0 || get64(second) != 1)
		return bad_meta("meta pages out of place", e);
	if (pages_decode_meta(first, &even, e) < 0 || pages_decode_meta(second, &odd, e) < 0)
		return ERR_CORRUPT;
	if (even.page_size != odd.page_size)
		return bad_meta("two page sizes", e);
	/* LMDB writes transaction N to meta page N mod 2, so that the last two are always there. */
	bool even_is_newest = even.transaction > odd.transaction;
	uint64_t newest = even_is_newest ? even.transaction : odd.transaction;
	uint64_t older = even_is_newest ? odd.transaction : even.transaction;
	if (newest - older != 1 || even.transaction % 2 != 0)
		return bad_meta("transactions out of order", e);
	*metas = even_is_newest ? (struct pages_metas){even, odd} : (struct pages_metas){odd, even};
	if (metas->newest.last_page < metas->older.last_page)
		return bad_meta("fewer pages than before", e);
	return 0;
}

int pages_read_metas(int fd, struct pages_metas *metas, struct err *e)
{
	unsigned char first[META_READ], second[META_READ];
	int result = ERR_CORRUPT;

	/* A writer may be in the middle of one of the two. */
	for (int attempt = 0; attempt < 100; attempt++) {
		result = read_at(fd, first, sizeof first, 0, e);
		if (result < 0)
			return result;
		uint64_t page_size = get32(first + META_FREE_AT + TREE_PAGE_SIZE);
		result = read_at(fd, second, sizeof second, page_size, e);
		if (result == 0)
			result = decode_pair(first, second, metas, e);
		if (result != ERR_CORRUPT)
			return result;
	}
	return result;
}
