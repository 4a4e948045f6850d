/* map.c - finds a pointer by a string of bytes. */
#include "config.h"

#include "map.h"
#include "mem.h"

#define uthash_malloc(size) mem_alloc(size)
#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	void *value;
};

struct map {
	struct entry *entries;
};

struct map *map_new(void)
{
	return mem_zalloc(1, sizeof(struct map));
}

void map_free(struct map *map)
{
	struct entry *entry, *next;

	if (!map)
		return;
	HASH_ITER(hh, map->entries, entry, next) {
		HASH_DEL(map->entries, entry);
		free(entry);
	}
	free(map);
}

void cleanup_map(struct map **map)
{
	map_free(*map);
}

void *map_find(const struct map *map, const void *key, size_t length)
{
	struct entry *entry = NULL;

	if (map)
		HASH_FIND(hh, map->entries, key, length, entry);
	return entry ? entry->value : NULL;
}

bool map_add(struct map *map, const void *key, size_t length, void *value)
{
	if (map_find(map, key, length))
		return false;
	struct entry *entry = mem_zalloc(1, sizeof *entry);
	entry->value = value;
	HASH_ADD_KEYPTR(hh, map->entries, key, length, entry);
	return true;
}
