/* store_pages.c - reads the file of LMDB 0.9, believing nothing in it. */
#include "config.h"

#include "store_pages_raw.h"

void pages_init(struct pages *pages, const unsigned char *map, uint64_t file_bytes,
		const struct pages_meta *meta, const struct pages_free *free, store_check *check)
{
	uint64_t in_file = file_bytes / meta->page_size;

	*pages = (struct pages){
		.map = map,
		.page_size = meta->page_size,
		.page_count = meta->last_page + 1,
		.page_limit = in_file <= meta->last_page ? in_file : meta->last_page + 1,
		.tree = meta->data,
		.free = free,
		.check = check,
	};
}

int pages_bad(uint64_t number, const char *why, struct err *e)
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
static size_t node_extent(const struct pages *pages, const unsigned char *node, size_t room, bool leaf, bool first)
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
		return pages_bad(number, "is not what its place demands", e);
	const char *why = check_nodes(pages, page, leaf);
	if (!why)
		why = check_keys(pages, page, leaf, level->low, level->high);
	if (why)
		return pages_bad(number, why, e);
	*seen = (struct pages_seen){number, from};
	return 0;
}

/* What is free may hold an old state of a page, sound in itself. */
static bool is_usable(const struct pages *pages, uint64_t first, uint64_t count)
{
	if (first < 2 || first >= pages->page_limit || count > pages->page_limit - first)
		return false;
	for (uint64_t number = first; pages->free && number < first + count; number++)
		if (pages_is_free(pages->free, number))
			return false;
	return true;
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
		level->high = above->index + 1 < above->count ? node_key(node_at(above->page, above->index + 1))
							      : above->high;
	}
	if (!is_usable(pages, number, 1))
		return pages_bad(number, "is free, or outside of the file", e);
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

int pages_descend(struct pages_cursor *cursor, bool last, struct err *e)
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
	return pages_descend(cursor, false, e);
}

int pages_find_last(struct pages_cursor *cursor, struct pages *pages, struct err *e)
{
	cursor->pages = pages;
	cursor->depth = 0;
	return pages_descend(cursor, true, e);
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
		return pages_descend(cursor, back, e);
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

	if (!is_usable(pages, number, needed))
		return pages_bad(number, "is free, or outside of the file", e);
	const unsigned char *page = pages->map + number * pages->page_size;
	uint64_t held = get32(page + HEADER_OVERFLOW_COUNT);
	if (get64(page) != number || get16(page + HEADER_FLAGS) != KIND_OVERFLOW || held < needed ||
	    held > pages->page_limit - number)
		return pages_bad(number, "is not what its place demands", e);
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

static int check_at(const struct pages *pages, const struct pages_level *leaf, size_t index, struct err *e)
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
