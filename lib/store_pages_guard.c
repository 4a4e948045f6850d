/* store_pages_guard.c - what LMDB is about to trust: the pages that it will change, and its lists of free ones. */
#include "config.h"

#include <stdlib.h>

#include "mem.h"
#include "store_pages_raw.h"

/* The pages down both edges of the child at INDEX of LEVEL: where pages merge, LMDB looks there. */
static int guard_sibling(const struct pages_cursor *at, unsigned depth, size_t index, struct err *e)
{
	struct pages_cursor edge = *at;

	for (int last = 0; last <= 1; last++) {
		edge.depth = depth;
		edge.levels[depth - 1].index = index;
		int result = pages_descend(&edge, last, e);
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

/* Free pages */

void pages_free_done(struct pages_free *free_pages)
{
	free(free_pages->bits);
	*free_pages = (struct pages_free){0};
}

static void empty_map(struct pages_free *free_pages, uint64_t page_count)
{
	size_t words = (size_t)(page_count / 64 + 1);

	if (words > free_pages->words) {
		free_pages->bits = mem_resize(free_pages->bits, words, sizeof *free_pages->bits);
		free_pages->words = words;
	}
	memset(free_pages->bits, 0, free_pages->words * sizeof *free_pages->bits);
}

/* An IDL of LMDB: the count, then page numbers in falling order. The record may be longer than the list. */
static int add_list(struct pages_free *free_pages, uint64_t page_count, const struct store_item *raw,
		    struct err *e)
{
	size_t held = raw->value_length / sizeof(uint64_t);
	uint64_t count = held ? get64(raw->value) : 0, before = page_count;

	if (held == 0 || count > held - 1)
		return err_set(e, ERR_CORRUPT, "free pages: a list is longer than its record");
	for (size_t i = 1; i <= count; i++) {
		uint64_t number = get64(raw->value + i * sizeof(uint64_t));
		if (number < 2 || number >= before || pages_is_free(free_pages, number))
			return err_set(e, ERR_CORRUPT, "free pages: a list is out of order");
		free_pages->bits[number / 64] |= UINT64_C(1) << number % 64;
		before = number;
	}
	return 0;
}

int pages_read_free(struct pages_free *free_pages, const unsigned char *map, uint64_t file_bytes,
		    const struct pages_meta *meta, struct err *e)
{
	struct pages pages;
	struct pages_cursor at;
	struct store_item raw;

	pages_init(&pages, map, file_bytes, meta, NULL, NULL);
	pages.tree = meta->free;
	pages.integer_keys = true;
	empty_map(free_pages, pages.page_count);
	int found = pages_find_first(&at, &pages, e);
	for (; found == 1; found = pages_next(&at, e))
		if (pages_item(&at, &raw, e) < 0 || add_list(free_pages, pages.page_count, &raw, e) < 0)
			return ERR_CORRUPT;
	return found;
}
