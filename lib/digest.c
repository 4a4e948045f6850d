/* digest.c - SHA-256 by libcrypto. */
#include "config.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/evp.h>

#include "digest.h"
#include "mem.h"

struct digest {
	EVP_MD_CTX *context;
	bool failed;
};

struct digest *digest_new(void)
{
	struct digest *digest = mem_zalloc(1, sizeof *digest);

	digest->context = EVP_MD_CTX_new();
	if (!digest->context)
		mem_exhausted();
	digest->failed = !EVP_DigestInit_ex(digest->context, EVP_sha256(), NULL);
	return digest;
}

void digest_free(struct digest *digest)
{
	if (!digest)
		return;
	EVP_MD_CTX_free(digest->context);
	free(digest);
}

void cleanup_digest(struct digest **digest)
{
	digest_free(*digest);
}

void digest_add(struct digest *digest, const void *bytes, size_t length)
{
	if (!digest->failed && !EVP_DigestUpdate(digest->context, bytes, length))
		digest->failed = true;
}

void digest_add_zeros(struct digest *digest, uint64_t length)
{
	/* Small enough to stay in the processor's first cache. */
	static const unsigned char zeros[16 << 10];

	while (length > 0) {
		size_t part = length < sizeof zeros ? (size_t)length : sizeof zeros;
		digest_add(digest, zeros, part);
		length -= part;
	}
}

int digest_end(struct digest *digest, unsigned char *sha256, struct err *e)
{
	unsigned char result[EVP_MAX_MD_SIZE];

	if (digest->failed || !EVP_DigestFinal_ex(digest->context, result, NULL))
		return err_set(e, ERR_ENV, "libcrypto has no SHA-256");
	memcpy(sha256, result, DIGEST_SIZE);
	return 0;
}

int digest_of(const void *bytes, size_t length, unsigned char *sha256, struct err *e)
{
	cleanup(cleanup_digest) struct digest *digest = digest_new();

	digest_add(digest, bytes, length);
	return digest_end(digest, sha256, e);
}

bool digest_is_known(const unsigned char *sha256)
{
	static const unsigned char none[DIGEST_SIZE];

	return memcmp(sha256, none, DIGEST_SIZE) != 0;
}

const char *digest_format(const unsigned char *sha256, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < DIGEST_SIZE; i++) {
		text[2 * i] = digits[sha256[i] >> 4];
		text[2 * i + 1] = digits[sha256[i] & 15];
	}
	text[DIGEST_TEXT_SIZE - 1] = '\0';
	return text;
}

/* The value of a hexadecimal digit, whatever the locale; -1 if it is none. */
static int digit_value(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *place = c ? strchr(digits, c) : NULL;

	return place ? (int)((place - digits) % 16) : -1;
}

int digest_parse(const char *text, unsigned char *sha256, struct err *e)
{
	unsigned char parsed[DIGEST_SIZE];
	bool valid = strlen(text) == DIGEST_TEXT_SIZE - 1;

	for (size_t i = 0; valid && i < DIGEST_SIZE; i++) {
		int high = digit_value(text[2 * i]), low = digit_value(text[2 * i + 1]);
		valid = high >= 0 && low >= 0;
		if (valid)
			parsed[i] = (unsigned char)(high << 4 | low);
	}
	if (!valid)
		return err_set(e, ERR_USAGE, "'%.80s': a SHA-256 of 64 hexadecimal digits expected", text);
	memcpy(sha256, parsed, DIGEST_SIZE);
	return 0;
}
