/* map.h - finds a pointer by a string of bytes. The only user of uthash. */
#ifndef VMROLL_MAP_H
#define VMROLL_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map;

struct map *map_new(void);
void map_free(struct map *map); /* NULL-safe; values are the caller's */
void cleanup_map(struct map **map);
/* False, and nothing changes, if KEY is there already. KEY is borrowed: it must outlive the map. */
bool map_add(struct map *map, const void *key, size_t length, void *value);
/* The value, or NULL. MAP may be NULL: an empty one. */
void *map_find(const struct map *map, const void *key, size_t length);

#endif
