/* store_pages.c - reads the file of LMDB 0.9, believing nothing in it. */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "store_pages.h"

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
	KEY_MAX = 511,
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

static uint16_t get16(const unsigned char *at)
{
	uint16_t number;

	memcpy(&number, at, sizeof number);
	return number;
}

static uint32_t get32(const unsigned char *at)
{
	uint32_t number;

	memcpy(&number, at, sizeof number);
	return number;
}

static uint64_t get64(const unsigned char *at)
{
	uint64_t number;

	memcpy(&number, at, sizeof number);
	return number;
}

/* Meta pages */

static int bad_meta(const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "damaged, or not a store: %s", why);
}

static bool decode_tree(const unsigned char *at, uint16_t flags, uint64_t last_page,
			struct pages_tree *tree)
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
	if (found.last_page < 1 || found.last_page > (uint64_t)INT64_MAX / found.page_size)
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

static int decode_pair(const unsigned char *first, const unsigned char *second,
		       struct pages_metas *metas, struct err *e)
{
	struct pages_meta even, odd;

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

/* Pages */

void pages_init(struct pages *pages, const unsigned char *map, uint64_t file_bytes,
		const struct pages_meta *meta, bool free_tree, store_check *check)
{
	uint64_t in_file = file_bytes / meta->page_size;

	*pages = (struct pages){
		.map = map,
		.page_size = meta->page_size,
		.page_count = meta->last_page + 1,
		.page_limit = in_file <= meta->last_page ? in_file : meta->last_page + 1,
		.tree = free_tree ? meta->free : meta->data,
		.integer_keys = free_tree,
		.check = check,
	};
}

static int bad_page(uint64_t number, const char *why, struct err *e)
{
	return err_set(e, ERR_CORRUPT, "page %llu: %s", (unsigned long long)number, why);
}

static size_t node_count(const unsigned char *page)
{
	return (size_t)(get16(page + HEADER_LOWER) - HEADER) / 2;
}

static const unsigned char *node_at(const unsigned char *page, size_t index)
{
	return page + get16(page + HEADER + 2 * index);
}

static struct pages_key node_key(const unsigned char *node)
{
	return (struct pages_key){node + NODE_HEADER, get16(node + 6)};
}

static uint64_t node_child(const unsigned char *node)
{
	return get16(node) | (uint64_t)get16(node + 2) << 16 | (uint64_t)get16(node + 4) << 32;
}

static size_t node_data_length(const unsigned char *node)
{
	return get16(node) | (size_t)get16(node + 2) << 16;
}

static int compare(const struct pages *pages, struct pages_key a, struct pages_key b)
{
	if (pages->integer_keys) {
		uint64_t left = get64(a.data), right = get64(b.data);
		return left < right ? -1 : left > right;
	}
	int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);
	if (order)
		return order;
	return a.length < b.length ? -1 : a.length > b.length;
}

/* The bytes that the node takes of its page, 0 if it cannot be one. */
static size_t node_extent(const struct pages *pages, const unsigned char *node, size_t room, bool leaf,
			  bool first)
{
	if (room < NODE_HEADER)
		return 0;
	size_t key_length = get16(node + 6), length = NODE_HEADER + key_length;
	bool keyless = !leaf && first;
	if (key_length > KEY_MAX || (!keyless && key_length == 0))
		return 0;
	if (pages->integer_keys && !keyless && key_length != 8)
		return 0;
	if (leaf) {
		unsigned flags = get16(node + 4);
		if (flags & ~(unsigned)NODE_OVERFLOW)
			return 0;
		length += flags ? sizeof(uint64_t) : node_data_length(node);
	}
	length += length % 2;
	return length <= room ? length : 0;
}

/* LMDB keeps the nodes without a gap between mp_upper and the end of the page. */
static const char *check_nodes(const struct pages *pages, const unsigned char *page, bool leaf)
{
	size_t lower = get16(page + HEADER_LOWER), upper = get16(page + HEADER_UPPER);
	unsigned char taken[PAGES_SIZE_MAX / 2];

	if (lower < HEADER + 2 || lower % 2 || upper % 2 || upper < lower || upper > pages->page_size)
		return "its bounds are impossible";
	size_t count = node_count(page), filled = 0, area = pages->page_size - upper;
	memset(taken, 0, area / 2);
	for (size_t i = 0; i < count; i++) {
		size_t at = get16(page + HEADER + 2 * i);
		if (at % 2 || at < upper || at >= pages->page_size)
			return "a node lies outside";
		size_t extent = node_extent(pages, page + at, pages->page_size - at, leaf, i == 0);
		if (extent == 0)
			return "a node is impossible";
		unsigned char *begin = taken + (at - upper) / 2;
		if (memchr(begin, 1, extent / 2))
			return "two nodes overlap";
		memset(begin, 1, extent / 2);
		filled += extent;
	}
	return filled == area ? NULL : "its nodes leave a gap";
}

static const char *check_keys(const struct pages *pages, const unsigned char *page, bool leaf,
			      struct pages_key low, struct pages_key high)
{
	size_t count = node_count(page);
	struct pages_key before = low;
	bool may_equal = true; /* the first key may be the one that the branch names */

	for (size_t i = leaf ? 0 : 1; i < count; i++) {
		struct pages_key key = node_key(node_at(page, i));
		if (before.data) {
			int order = compare(pages, before, key);
			if (order > 0 || (order == 0 && !may_equal))
				return "its keys are out of order";
		}
		before = key;
		may_equal = false;
	}
	if (before.data && high.data && compare(pages, before, high) >= 0)
		return "its keys belong elsewhere";
	return NULL;
}

/* Checks page NUMBER, to which the node FROM leads (NULL: the root), unless it was met in this place before. */
static int check_page(struct pages *pages, uint64_t number, const unsigned char *from, bool leaf,
		      const struct pages_level *level, struct err *e)
{
	struct pages_seen *seen = &pages->seen[number % PAGES_SEEN];
	const unsigned char *page = level->page;

	if (seen->number == number && seen->from == from)
		return 0;
	if (get64(page) != number || get16(page + HEADER_FLAGS) != (leaf ? KIND_LEAF : KIND_BRANCH))
		return bad_page(number, "is not what its place demands", e);
	const char *why = check_nodes(pages, page, leaf);
	if (!why)
		why = check_keys(pages, page, leaf, level->low, level->high);
	if (why)
		return bad_page(number, why, e);
	*seen = (struct pages_seen){number, from};
	return 0;
}

/* Cursor */

/* Fills the level below the innermost with the child at its index (the root if there is none). */
static int descend(struct pages_cursor *cursor, struct err *e)
{
	struct pages *pages = cursor->pages;
	struct pages_level *level = &cursor->levels[cursor->depth];
	const unsigned char *from = NULL;
	uint64_t number = pages->tree.root;

	*level = (struct pages_level){0};
	if (cursor->depth) {
		const struct pages_level *above = level - 1;
		from = node_at(above->page, above->index);
		number = node_child(from);
		level->low = above->index ? node_key(from) : above->low;
		level->high = above->index + 1 < above->count
				      ? node_key(node_at(above->page, above->index + 1))
				      : above->high;
	}
	if (number < 2 || number >= pages->page_limit)
		return bad_page(number, "lies outside of the file", e);
	level->page = pages->map + number * pages->page_size;
	bool leaf = cursor->depth + 1 == pages->tree.depth;
	int result = check_page(pages, number, from, leaf, level, e);
	if (result < 0)
		return result;
	level->count = node_count(level->page);
	cursor->depth++;
	return 0;
}

/* Index of the first node whose key is >= KEY; in a branch, of the child that holds KEY. */
static size_t search_page(const struct pages *pages, const struct pages_level *level, bool leaf,
			  struct pages_key key, bool *exact)
{
	size_t low = leaf ? 0 : 1, high = level->count;

	*exact = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(pages, node_key(node_at(level->page, middle)), key);
		if (order == 0) {
			*exact = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return leaf ? low : low - 1;
}

int pages_find(struct pages_cursor *cursor, struct pages *pages, struct pages_key key, struct err *e)
{
	bool exact = false;

	cursor->pages = pages;
	cursor->depth = 0;
	while (cursor->depth < pages->tree.depth) {
		bool leaf = cursor->depth + 1 == pages->tree.depth;
		int result = descend(cursor, e);
		if (result < 0)
			return result;
		struct pages_level *level = &cursor->levels[cursor->depth - 1];
		level->index = search_page(pages, level, leaf, key, &exact);
	}
	return exact;
}

static int descend_to_end(struct pages_cursor *cursor, bool last, struct err *e)
{
	while (cursor->depth < cursor->pages->tree.depth) {
		int result = descend(cursor, e);
		if (result < 0)
			return result;
		struct pages_level *level = &cursor->levels[cursor->depth - 1];
		level->index = last ? level->count - 1 : 0;
	}
	return cursor->depth ? 1 : 0;
}

int pages_find_first(struct pages_cursor *cursor, struct pages *pages, struct err *e)
{
	cursor->pages = pages;
	cursor->depth = 0;
	return descend_to_end(cursor, false, e);
}

int pages_find_last(struct pages_cursor *cursor, struct pages *pages, struct err *e)
{
	cursor->pages = pages;
	cursor->depth = 0;
	return descend_to_end(cursor, true, e);
}

/* Leaves what is exhausted, upwards, and goes down on the other side. At the end the position stays as it is. */
static int step_page(struct pages_cursor *cursor, bool back, struct err *e)
{
	unsigned depth = cursor->depth;

	while (--depth > 0) {
		struct pages_level *above = &cursor->levels[depth - 1];
		if (back ? above->index == 0 : above->index + 1 >= above->count)
			continue;
		above->index = back ? above->index - 1 : above->index + 1;
		cursor->depth = depth;
		return descend_to_end(cursor, back, e);
	}
	return 0;
}

int pages_settle(struct pages_cursor *cursor, struct err *e)
{
	if (cursor->depth == 0)
		return 0;
	const struct pages_level *leaf = &cursor->levels[cursor->depth - 1];
	return leaf->index < leaf->count ? 1 : step_page(cursor, false, e);
}

int pages_next(struct pages_cursor *cursor, struct err *e)
{
	if (cursor->depth == 0)
		return 0;
	struct pages_level *leaf = &cursor->levels[cursor->depth - 1];
	if (leaf->index < leaf->count)
		leaf->index++;
	return pages_settle(cursor, e);
}

int pages_previous(struct pages_cursor *cursor, struct err *e)
{
	if (cursor->depth == 0)
		return 0;
	struct pages_level *leaf = &cursor->levels[cursor->depth - 1];
	if (leaf->index == 0)
		return step_page(cursor, true, e);
	leaf->index--;
	return 1;
}

static int overflow_value(const struct pages *pages, const unsigned char *node, const unsigned char **value,
			  struct err *e)
{
	uint64_t number = get64(node + NODE_HEADER + get16(node + 6));
	uint64_t needed = (HEADER + node_data_length(node) + pages->page_size - 1) / pages->page_size;

	if (number < 2 || number >= pages->page_limit || needed > pages->page_limit - number)
		return bad_page(number, "lies outside of the file", e);
	const unsigned char *page = pages->map + number * pages->page_size;
	uint64_t held = get32(page + HEADER_OVERFLOW_COUNT);
	if (get64(page) != number || get16(page + HEADER_FLAGS) != KIND_OVERFLOW || held < needed ||
	    held > pages->page_limit - number)
		return bad_page(number, "is not what its place demands", e);
	*value = page + HEADER;
	return 0;
}

static int item_at(const struct pages *pages, const struct pages_level *leaf, size_t index,
		   struct store_item *raw, struct err *e)
{
	const unsigned char *node = node_at(leaf->page, index);
	struct pages_key key = node_key(node);
	const unsigned char *value = key.data + key.length;

	if ((get16(node + 4) & NODE_OVERFLOW) && overflow_value(pages, node, &value, e) < 0)
		return ERR_CORRUPT;
	*raw = (struct store_item){key.data, key.length, value, node_data_length(node)};
	return 0;
}

int pages_item(const struct pages_cursor *cursor, struct store_item *raw, struct err *e)
{
	const struct pages_level *leaf = &cursor->levels[cursor->depth - 1];

	return item_at(cursor->pages, leaf, leaf->index, raw, e);
}

static int check_at(const struct pages *pages, const struct pages_level *leaf, size_t index,
		    struct err *e)
{
	struct store_item raw;

	if (item_at(pages, leaf, index, &raw, e) < 0)
		return ERR_CORRUPT;
	if (raw.key[0] == '\0')
		return 0;
	return pages->check(raw.key, raw.key_length, raw.value, raw.value_length, e);
}

int pages_check_around(const struct pages_cursor *cursor, struct err *e)
{
	if (cursor->depth == 0)
		return 0;
	const struct pages_level *leaf = &cursor->levels[cursor->depth - 1];
	if (leaf->index > 0 && check_at(cursor->pages, leaf, leaf->index - 1, e) < 0)
		return ERR_CORRUPT;
	if (leaf->index < leaf->count && check_at(cursor->pages, leaf, leaf->index, e) < 0)
		return ERR_CORRUPT;
	return 0;
}

/* Guards */

/* The pages down both edges of the child at INDEX of LEVEL: where pages merge, LMDB looks there. */
static int guard_sibling(const struct pages_cursor *at, unsigned depth, size_t index, struct err *e)
{
	struct pages_cursor edge = *at;

	for (int last = 0; last <= 1; last++) {
		edge.depth = depth;
		edge.levels[depth - 1].index = index;
		int result = descend_to_end(&edge, last, e);
		if (result < 0)
			return result;
	}
	return 0;
}

static int guard_siblings(const struct pages_cursor *at, struct err *e)
{
	for (unsigned depth = 1; depth < at->depth; depth++) {
		const struct pages_level *level = &at->levels[depth - 1];
		if (level->index > 0 && guard_sibling(at, depth, level->index - 1, e) < 0)
			return ERR_CORRUPT;
		if (level->index + 1 < level->count && guard_sibling(at, depth, level->index + 1, e) < 0)
			return ERR_CORRUPT;
	}
	return 0;
}

int pages_guard(struct pages *pages, struct pages_key key, bool deletion, struct err *e)
{
	struct pages_cursor at;
	struct store_item raw;
	int found = pages_find(&at, pages, key, e);

	if (found < 0)
		return found;
	/* An overflow page of the old value is freed by what its header says. */
	if (found ? pages_item(&at, &raw, e) < 0 : pages_check_around(&at, e) < 0)
		return ERR_CORRUPT;
	return deletion ? guard_siblings(&at, e) : 0;
}

/* An IDL of LMDB: the count, then page numbers in falling order. The record may be longer than the list. */
static int check_free_list(const struct pages *pages, const struct store_item *raw, struct err *e)
{
	size_t held = raw->value_length / sizeof(uint64_t);
	uint64_t count = held ? get64(raw->value) : 0, before = pages->page_count;

	if (held == 0 || count > held - 1)
		return err_set(e, ERR_CORRUPT, "free pages: a list is longer than its record");
	for (size_t i = 1; i <= count; i++) {
		uint64_t number = get64(raw->value + i * sizeof(uint64_t));
		if (number < 2 || number >= before)
			return err_set(e, ERR_CORRUPT, "free pages: a list is out of order");
		before = number;
	}
	return 0;
}

static bool lists_page(const struct store_item *raw, uint64_t wanted)
{
	uint64_t count = get64(raw->value);

	for (size_t i = 1; i <= count; i++)
		if (get64(raw->value + i * sizeof(uint64_t)) == wanted)
			return true;
	return false;
}

/* Walks all lists; WANTED, unless PAGES_NONE, is looked for: 1 if it is there. */
static int walk_free(struct pages *pages, uint64_t wanted, struct err *e)
{
	struct pages_cursor at;
	struct store_item raw;
	bool listed = false;

	int found = pages_find_first(&at, pages, e);
	for (; found == 1; found = pages_next(&at, e)) {
		if (pages_item(&at, &raw, e) < 0 || check_free_list(pages, &raw, e) < 0)
			return ERR_CORRUPT;
		listed = listed || (wanted != PAGES_NONE && lists_page(&raw, wanted));
	}
	return found < 0 ? found : listed;
}

int pages_guard_free(struct pages *pages, struct err *e)
{
	int result = walk_free(pages, PAGES_NONE, e);

	return result < 0 ? result : 0;
}

int pages_are_free(struct pages *free_pages, uint64_t first, uint64_t last, struct err *e)
{
	for (uint64_t number = first; number <= last; number++) {
		int listed = walk_free(free_pages, number, e);
		if (listed <= 0)
			return listed;
	}
	return 1;
}
