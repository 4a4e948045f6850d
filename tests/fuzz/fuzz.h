/* fuzz.h - what a fuzz target gives: one function of libFuzzer's, and its name. */
#ifndef VMROLL_FUZZ_H
#define VMROLL_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Its inputs are in tests/fuzz/corpus/NAME. */
extern const char fuzz_name[];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The path of a private file with this content, the same at each call; it lives as long as the process. */
const char *fuzz_file(const uint8_t *data, size_t size);

/* Ends the process unless TRUTH: a promise was broken. */
#define fuzz_check(truth)                                                                                    \
	do {                                                                                                 \
		if (!(truth))                                                                                \
			fuzz_broken(#truth, __FILE__, __LINE__);                                             \
	} while (0)
void fuzz_broken(const char *promise, const char *file, int line) __attribute__((noreturn));

#endif
