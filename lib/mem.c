/* mem.c - allocation that does not fail, and cleanup attributes. */
#include "config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

void mem_exhausted(void)
{
	static const char message[] = "vmroll: out of memory\n";
	ssize_t ignored = write(STDERR_FILENO, message, sizeof message - 1);

	(void)ignored;
	_exit(4);
}

static void *checked(void *block)
{
	if (!block)
		mem_exhausted();
	return block;
}

void *mem_alloc(size_t size)
{
	return checked(malloc(size ? size : 1));
}

void *mem_zalloc(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size ? size : 1));
}

void *mem_resize(void *block, size_t count, size_t size)
{
	return checked(reallocarray(block, count ? count : 1, size ? size : 1));
}

void *mem_copy(const void *source, size_t size)
{
	void *copy = mem_alloc(size);

	if (size)
		memcpy(copy, source, size);
	return copy;
}

char *mem_string(const char *source)
{
	return source ? checked(strdup(source)) : NULL;
}

char *mem_string_n(const char *source, size_t length)
{
	char *copy = mem_alloc(length + 1);

	if (length)
		memcpy(copy, source, length);
	copy[length] = '\0';
	return copy;
}

char *mem_format(const char *format, ...)
{
	char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	int length = vasprintf(&text, format, arguments);
	va_end(arguments);
	return checked(length < 0 ? NULL : text);
}

void mem_replace(char **string, const char *value)
{
	char *copy = mem_string(value);

	free(*string);
	*string = copy;
}

void cleanup_mem(void *pointer_to_pointer)
{
	void *block;

	memcpy(&block, pointer_to_pointer, sizeof block);
	free(block);
}
