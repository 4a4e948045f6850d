/*
 * digest.h - SHA-256 (FIPS 180-4) of what flows by; libcrypto uses the processor's instructions: 2 GB/s where it has them
 * (SHA-NI), a fifth of that where not. A hole costs as much as data: nothing of SHA-256 can be left out.
 */
#ifndef VMROLL_DIGEST_H
#define VMROLL_DIGEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { DIGEST_SIZE = 32, DIGEST_TEXT_SIZE = 65 };

struct digest;

struct digest *digest_new(void);
void digest_free(struct digest *digest); /* NULL-safe */
void cleanup_digest(struct digest **digest);
/* What fails in these two is told by digest_end. */
void digest_add(struct digest *digest, const void *bytes, size_t length);
void digest_add_zeros(struct digest *digest, uint64_t length);
/* Ends it: only digest_free may follow. ERR_ENV: libcrypto was configured so that it has no SHA-256. */
int digest_end(struct digest *digest, unsigned char *sha256, struct err *e);
/* All at once. */
int digest_of(const void *bytes, size_t length, unsigned char *sha256, struct err *e);

/* Whether there is one: all bytes 0 stand for none. */
bool digest_is_known(const unsigned char *sha256);

/* Lower case hexadecimal, DIGEST_TEXT_SIZE bytes with the NUL. Returns TEXT. */
const char *digest_format(const unsigned char *sha256, char *text);
/* ERR_USAGE unless TEXT is 64 hexadecimal digits. */
int digest_parse(const char *text, unsigned char *sha256, struct err *e);

#endif
