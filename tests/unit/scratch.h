/* scratch.h - a file of a test's own, with given text, gone at the end. */
#ifndef VMROLL_SCRATCH_H
#define VMROLL_SCRATCH_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char scratch_path[] = "/tmp/vmroll-test-XXXXXX";

static inline int scratch_open(void **state)
{
	(void)state;
	int fd = mkstemp(scratch_path);
	return fd < 0 ? -1 : close(fd);
}

static inline int scratch_close(void **state)
{
	(void)state;
	return unlink(scratch_path);
}

static inline void scratch_write(const void *text, size_t length)
{
	FILE *file = fopen(scratch_path, "w");

	if (!file || fwrite(text, 1, length, file) != length || fclose(file) != 0)
		abort();
}

#endif
