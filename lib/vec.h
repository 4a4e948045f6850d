/* vec.h - a growable array of any type. */
#ifndef VMROLL_VEC_H
#define VMROLL_VEC_H

#include <stddef.h>
#include <stdlib.h>

#include "mem.h"

/* `VEC(struct host) hosts = {0};` All zero bytes is an empty one. Items move when it grows: keep indices, not pointers. */
#define VEC(type)                                                                                            \
	struct {                                                                                             \
		type *items;                                                                                 \
		size_t count;                                                                                \
		size_t capacity;                                                                             \
	}

#define vec_reserve(vec, wanted)                                                                             \
	do {                                                                                                 \
		if ((vec)->capacity < (wanted)) {                                                            \
			size_t vec_capacity_ = (vec)->capacity ? (vec)->capacity : 8;                        \
			while (vec_capacity_ < (wanted))                                                     \
				vec_capacity_ *= 2;                                                          \
			(vec)->items = mem_resize((vec)->items, vec_capacity_, sizeof *(vec)->items);        \
			(vec)->capacity = vec_capacity_;                                                     \
		}                                                                                            \
	} while (0)

/* Appends a copy of the item, a value of the vector's type. */
#define vec_push(vec, ...)                                                                                   \
	do {                                                                                                 \
		vec_reserve(vec, (vec)->count + 1);                                                          \
		(vec)->items[(vec)->count++] = (__VA_ARGS__);                                                \
	} while (0)

/* Appends an item of zero bytes and gives its address, valid until the vector next grows. */
#define vec_push_zero(vec)                                                                                   \
	({                                                                                                   \
		vec_reserve(vec, (vec)->count + 1);                                                          \
		__typeof__((vec)->items) vec_new_ = &(vec)->items[(vec)->count++];                           \
		__builtin_memset(vec_new_, 0, sizeof *vec_new_);                                             \
		vec_new_;                                                                                    \
	})

/* Frees the array, not what its items own; empties the vector. */
#define vec_done(vec)                                                                                        \
	do {                                                                                                 \
		free((vec)->items);                                                                          \
		(vec)->items = NULL;                                                                         \
		(vec)->count = (vec)->capacity = 0;                                                          \
	} while (0)

/* `vec_foreach (&hosts, host) …` with host a pointer to each item in turn. */
#define vec_foreach(vec, item)                                                                               \
	for (__typeof__((vec)->items + 0) item = (vec)->items;                                               \
	     (item) != NULL && (item) < (vec)->items + (vec)->count; (item)++)

#endif
