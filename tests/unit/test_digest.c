/* test_digest.c - SHA-256 is that of the standard, in whatever parts the bytes come. */
#include "config.h"

#include "unit.h"

#include "digest.h"
#include "mem.h"

/* FIPS 180-4 examples, and the third of "Additional SHA-256 test vectors" of NIST. */
static const char of_nothing[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char of_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char of_million_a[] = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void expect(const unsigned char *sha256, const char *wanted)
{
	char text[DIGEST_TEXT_SIZE];

	assert_string_equal(digest_format(sha256, text), wanted);
}

static void it_is_the_standards(void **state)
{
	(void)state;
	unsigned char sha256[DIGEST_SIZE];
	cleanup(cleanup_mem) char *letters = mem_alloc(1000000);
	struct err e = {0};

	assert_ok(digest_of("", 0, sha256, &e), &e);
	expect(sha256, of_nothing);
	assert_ok(digest_of("abc", 3, sha256, &e), &e);
	expect(sha256, of_abc);
	memset(letters, 'a', 1000000);
	assert_ok(digest_of(letters, 1000000, sha256, &e), &e);
	expect(sha256, of_million_a);
}

static void parts_do_not_matter(void **state)
{
	(void)state;
	unsigned char sha256[DIGEST_SIZE];
	cleanup(cleanup_digest) struct digest *digest = digest_new();
	struct err e = {0};

	digest_add(digest, "a", 1);
	digest_add(digest, NULL, 0);
	digest_add_zeros(digest, 0);
	digest_add(digest, "bc", 2);
	assert_ok(digest_end(digest, sha256, &e), &e);
	expect(sha256, of_abc);
}

static void zeros_are_bytes(void **state)
{
	(void)state;
	static const uint64_t lengths[] = {1, 16383, 16384, 16385, 3 << 20};
	cleanup(cleanup_mem) char *zeros = mem_zalloc(1, 4 << 20);

	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		unsigned char wanted[DIGEST_SIZE], sha256[DIGEST_SIZE];
		cleanup(cleanup_digest) struct digest *digest = digest_new();
		struct err e = {0};
		assert_ok(digest_of(zeros, lengths[i], wanted, &e), &e);
		digest_add_zeros(digest, lengths[i]);
		assert_ok(digest_end(digest, sha256, &e), &e);
		assert_memory_equal(sha256, wanted, DIGEST_SIZE);
	}
}

static void text_is_read_as_it_is_written(void **state)
{
	(void)state;
	unsigned char sha256[DIGEST_SIZE], upper[DIGEST_SIZE];
	char text[DIGEST_TEXT_SIZE];
	struct err e = {0};

	assert_ok(digest_parse(of_abc, sha256, &e), &e);
	expect(sha256, of_abc);
	memcpy(text, of_abc, sizeof text);
	text[0] = 'B';
	assert_ok(digest_parse(text, upper, &e), &e);
	assert_memory_equal(upper, sha256, DIGEST_SIZE);
}

static void other_text_is_refused(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"ba78",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015adad",
		"ga7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015a ",
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		unsigned char sha256[DIGEST_SIZE] = "untouched";
		struct err e = {0};
		assert_error(digest_parse(texts[i], sha256, &e), ERR_USAGE, &e, "64 hexadecimal digits expected");
		assert_string_equal((char *)sha256, "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_standards),   cmocka_unit_test(parts_do_not_matter),
		cmocka_unit_test(zeros_are_bytes),       cmocka_unit_test(text_is_read_as_it_is_written),
		cmocka_unit_test(other_text_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
