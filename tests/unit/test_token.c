/* test_token.c - a token fits one person and one incident; the key is one for all processes, and nobody else's. */
#include "config.h"

#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "mem.h"
#include "store_kit.h"
#include "token.h"

/* Made apart, from HMAC-SHA256 of 'reply 7K3F 1795131201000 sato@example.org' under the key 00 01 … 1f. */
static const char known[] = "PEM0VE56BNC4N2WY";

static struct token_key test_key(void)
{
	struct token_key key;

	for (size_t i = 0; i < sizeof key.bytes; i++)
		key.bytes[i] = (unsigned char)i;
	return key;
}

static void make(const char *incident, int64_t at, const char *person, char *token)
{
	struct token_key key = test_key();
	struct err e = {0};

	assert_ok(token_make(&key, incident, at, person, token, &e), &e);
	assert_int_equal(strlen(token), TOKEN_LENGTH);
}

static void it_is_the_hmac_in_base_32(void **state)
{
	(void)state;
	char token[TOKEN_SIZE];

	make("7K3F", 1795131201000, "sato@example.org", token);
	assert_string_equal(token, known);
}

static void it_fits_one_person_and_one_incident(void **state)
{
	(void)state;
	struct token_key key = test_key();
	struct token_key other = test_key();
	char token[TOKEN_SIZE];

	other.bytes[31] ^= 1;
	make("7K3F", 1000, "sato@example.org", token);
	assert_true(token_check(&key, "7K3F", 1000, "sato@example.org", token));
	assert_false(token_check(&other, "7K3F", 1000, "sato@example.org", token));
	assert_false(token_check(&key, "7K3G", 1000, "sato@example.org", token));
	assert_false(token_check(&key, "7K3F", 1001, "sato@example.org", token));
	assert_false(token_check(&key, "7K3F", 1000, "sato@example.or", token));
	assert_false(token_check(&key, "7K3F 1000", 1000, "sato@example.org", token));
	assert_false(token_check(&key, "7K3F", 1000, "sato@example.org", ""));
	for (size_t i = 0; i < TOKEN_LENGTH; i++) {
		char changed[TOKEN_SIZE];
		memcpy(changed, token, sizeof changed);
		changed[i] = changed[i] == '0' ? '1' : '0';
		assert_false(token_check(&key, "7K3F", 1000, "sato@example.org", changed));
	}
}

static void it_is_found_wherever_a_reply_has_it(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"vmroll+7K3F-0123456789ABCDEF@example.org",
		"\"vmroll\" <vmroll+7k3f-0123456789abcdef@example.org>, x@y",
		"Re: [vmroll] host1 down [7K3F-0123456789ABCDEF]",
		"7K3F-O12345678gABCDEF 7K3F-0123456789ABCDEF",
		"a-7K3F-ol23456789abcdef",
	};
	static const char *const tokens[] = {"0123456789ABCDEF", "0123456789ABCDEF", "0123456789ABCDEF",
					     "012345678GABCDEF", "0123456789ABCDEF"};
	char id[12];
	char token[TOKEN_SIZE];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		size_t place = 0;
		assert_true(token_find(texts[i], &place, id, sizeof id, token));
		assert_string_equal(id, "7K3F");
		assert_string_equal(token, tokens[i]);
		if (i == 3)
			assert_true(token_find(texts[i], &place, id, sizeof id, token));
		assert_false(token_find(texts[i], &place, id, sizeof id, token));
	}
}

static void what_is_none_is_passed_over(void **state)
{
	(void)state;
	static const char *const texts[] = {
		"",
		"-",
		"7K3F-0123456789ABCDE",
		"7K3F-0123456789ABCDEF0",
		"7K3-0123456789ABCDEF",
		"7K3F7K3F7K3F-0123456789ABCDEF",
		"7K3F_0123456789ABCDEF",
		"7K3F-0123456789ABCDEU",
		"\xC3\xA9"
		"7K3F-0123456789ABCDEF",
		"7K3F-0123456789ABCDEF\xC3\xA9",
		"uU7K3F-0123456789ABCDEF",
	};
	char id[12];
	char token[TOKEN_SIZE];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		size_t place = 0;
		assert_false(token_find(texts[i], &place, id, sizeof id, token));
		assert_int_equal(place, strlen(texts[i]));
	}
}

/* ---- the key ---- */

static char *key_path(const struct kit *kit)
{
	return mem_format("%s/reply.key", strchr(kit->uri, ':') + 1);
}

static void the_first_makes_it_and_all_have_the_same(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *path = key_path(kit);
	struct token_key keys[2];
	struct stat status;
	struct err e = {0};

	assert_int_equal(token_key_read(kit->uri, &keys[0], &e), 0);
	assert_int_equal(token_key_get(kit->uri, &keys[0], &e), 1);
	assert_int_equal(token_key_get(kit->uri, &keys[1], &e), 1);
	assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
	assert_int_equal(token_key_read(kit->uri, &keys[1], &e), 1);
	assert_memory_equal(&keys[0], &keys[1], sizeof keys[0]);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode & 07777, 0600);
	assert_int_equal(status.st_size, TOKEN_KEY_BYTES);
}

static void of_many_who_make_it_at_once_one_wins(void **state)
{
	enum { RACERS = 8 };
	struct kit *kit = *state;
	struct token_key first, key;
	struct err e = {0};
	int start[2], told[2];

	assert_int_equal(pipe(start) + pipe(told), 0);
	for (int i = 0; i < RACERS; i++)
		if (fork() == 0) {
			char c;
			close(start[1]);
			ssize_t ignored = read(start[0], &c, 1);
			memset(&key, 0, sizeof key);
			ignored += token_key_get(kit->uri, &key, &e);
			ignored += write(told[1], &key, sizeof key);
			_exit(ignored < 0);
		}
	close(start[0]);
	close(start[1]);
	for (int i = 0; i < RACERS; i++) {
		assert_int_equal(read(told[0], i ? &key : &first, sizeof key), sizeof key);
		assert_true(i == 0 || memcmp(&key, &first, sizeof key) == 0);
		assert_true(wait(NULL) > 0);
	}
	close(told[0]);
	close(told[1]);
	assert_int_equal(token_key_read(kit->uri, &key, &e), 1);
	assert_memory_equal(&key, &first, sizeof key);
}

static void one_that_others_can_read_or_that_is_short_is_refused(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *path = key_path(kit);
	struct token_key key;
	struct err e = {0};
	static const mode_t modes[] = {0640, 0604, 0620, 0660};

	assert_int_equal(token_key_get(kit->uri, &key, &e), 1);
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_error(token_key_get(kit->uri, &key, &e), ERR_ENV, &e, "others can read or write it");
		assert_error(token_key_read(kit->uri, &key, &e), ERR_ENV, &e, "reply.key");
	}
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(truncate(path, 31), 0);
	assert_error(token_key_get(kit->uri, &key, &e), ERR_ENV, &e, "31 bytes, where 32 are expected");
	assert_int_equal(truncate(path, 0), 0);
	assert_error(token_key_get(kit->uri, &key, &e), ERR_ENV, &e, "0 bytes");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/zero", path), 0);
	assert_error(token_key_get(kit->uri, &key, &e), ERR_ENV, &e, "reply.key");
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_error(token_key_get(kit->uri, &key, &e), ERR_ENV, &e, "no regular file");
}

/* A disk that is full after 16 bytes. */
static void what_does_not_fit_is_no_key(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_mem) char *path = key_path(kit);
	struct token_key key;
	struct err e = {0};
	int status;

	pid_t pid = fork();
	if (pid == 0) {
		struct rlimit limit = {16, 16};
		signal(SIGXFSZ, SIG_IGN);
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(token_key_get(kit->uri, &key, &e) == ERR_FULL && strstr(e.text, "reply.key") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(path, F_OK), -1);
	cleanup(cleanup_mem) char *left = mem_format("%s.*", path);
	glob_t found;
	assert_int_equal(glob(left, 0, NULL, &found), GLOB_NOMATCH);
	assert_int_equal(token_key_get(kit->uri, &key, &e), 1);
}

static void no_store_no_key(void **state)
{
	(void)state;
	struct token_key key;
	struct err e = {0};

	assert_error(token_key_get("lmdb:/nowhere/at/all", &key, &e), ERR_ENV, &e, "/nowhere/at/all");
	assert_int_equal(token_key_read("lmdb:/nowhere/at/all", &key, &e), 0);
	assert_error(token_key_get("x:/y", &key, &e), ERR_USAGE, &e, "lmdb:/FOLDER");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_hmac_in_base_32),
		cmocka_unit_test(it_fits_one_person_and_one_incident),
		cmocka_unit_test(it_is_found_wherever_a_reply_has_it),
		cmocka_unit_test(what_is_none_is_passed_over),
		kit_test(the_first_makes_it_and_all_have_the_same),
		kit_test(of_many_who_make_it_at_once_one_wins),
		kit_test(one_that_others_can_read_or_that_is_short_is_refused),
		kit_test(what_does_not_fit_is_no_key),
		cmocka_unit_test(no_store_no_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
