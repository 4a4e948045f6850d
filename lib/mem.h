/* mem.h - allocation that does not fail, and cleanup attributes. */
#ifndef VMROLL_MEM_H
#define VMROLL_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

/* Out of memory ends the process with status 4 after a message: nothing useful could follow. The caller owns what is returned. */
void *mem_alloc(size_t size) __attribute__((malloc, returns_nonnull));
void *mem_zalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *mem_resize(void *block, size_t count, size_t size) __attribute__((returns_nonnull));
void *mem_copy(const void *source, size_t size) __attribute__((malloc, returns_nonnull));
/* NULL gives NULL. */
char *mem_string(const char *source);
char *mem_string_n(const char *source, size_t length) __attribute__((malloc, returns_nonnull));
char *mem_format(const char *format, ...) __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

/* What happens when memory runs out, for the wrappers of libraries that report it. */
void mem_exhausted(void) __attribute__((noreturn));

/* Frees *STRING and stores a copy of VALUE (NULL allowed) in its place. */
void mem_replace(char **string, const char *value);

/* `cleanup(f) T x` calls f(&x) when x leaves its scope. */
#define cleanup(function) __attribute__((cleanup(function)))

/* Defines cleanup_NAME(T **) for use with cleanup(): frees through FREE. */
#define MEM_DEFINE_CLEANUP(type, free_function)                                                              \
	static inline void cleanup_##free_function(type **item)                                              \
	{                                                                                                    \
		free_function(*item);                                                                        \
	}

void cleanup_mem(void *pointer_to_pointer);

static inline void cleanup_fd(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#endif
