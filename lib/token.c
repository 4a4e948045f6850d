/* token.c - what proves that a reply comes from somebody who was told: a word that cannot be guessed. */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "mem.h"
#include "store.h"
#include "str.h"
#include "token.h"

#define KEY_FILE "reply.key"

enum { DIGEST_BYTES = 32, ID_LENGTH_MIN = 4, BITS_A_LETTER = 5 };

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* ---- the key ---- */

static int check_key_file(int fd, const char *path, struct err *e)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	if (!S_ISREG(status.st_mode))
		return err_set(e, ERR_ENV, "%s: no regular file", path);
	if (status.st_mode & 077)
		return err_set(
			e, ERR_ENV,
			"%s: others can read or write it (mode %03o): set mode 600, or remove it and what "
			"was offered so far is void",
			path, status.st_mode & 0777);
	if (status.st_size != TOKEN_KEY_BYTES)
		return err_set(e, ERR_ENV,
			       "%s: %lld bytes, where %d are expected: remove it, and a new one is made",
			       path, (long long)status.st_size, TOKEN_KEY_BYTES);
	return 0;
}

static int read_key(const char *path, struct token_key *key, struct err *e)
{
	/* A FIFO in its place must not hang us. */
	cleanup(cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	if (check_key_file(fd, path, e) < 0)
		return e->code;
	ssize_t length = read(fd, key->bytes, sizeof key->bytes);
	if (length < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	return length == sizeof key->bytes ? 1 : err_set(e, ERR_ENV, "%s: ended early", path);
}

int token_key_read(const char *uri, struct token_key *key, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;

	if (store_file_path(uri, KEY_FILE, &path, e) < 0)
		return e->code;
	return read_key(path, key, e);
}

static int no_room_or(int errnum, const char *path, struct err *e)
{
	return err_set_errno(e, errnum == ENOSPC || errnum == EDQUOT ? ERR_FULL : ERR_ENV, errnum, "%s", path);
}

static int write_key(int fd, const char *path, const struct stat *folder, struct err *e)
{
	struct token_key key;

	if (getrandom(key.bytes, sizeof key.bytes, 0) != sizeof key.bytes)
		return err_set_errno(e, ERR_ENV, errno, "random bytes for %s", path);
	ssize_t written = write(fd, key.bytes, sizeof key.bytes);
	/* A part of it is what there was room for. */
	int errnum = written < 0 ? errno : ENOSPC;
	OPENSSL_cleanse(&key, sizeof key);
	if (written != sizeof key.bytes)
		return no_room_or(errnum, path, e);
	/* Made by root, it is for those who use the store. */
	if (geteuid() == 0 && fchown(fd, folder->st_uid, folder->st_gid) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	return fsync(fd) < 0 ? no_room_or(errno, path, e) : 0;
}

/* Whole under its name or not at all; of two who make it at once the first stays. */
static int make_key(const char *path, struct err *e)
{
	cleanup(cleanup_mem) char *folder = mem_string_n(path, strlen(path) - sizeof KEY_FILE);
	cleanup(cleanup_mem) char *name = mem_format("%s.XXXXXX", path);
	cleanup(cleanup_fd) int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat status;

	if (folder_fd < 0 || fstat(folder_fd, &status) < 0)
		return err_set_errno(e, ERR_ENV, errno, "%s", folder);
	cleanup(cleanup_fd) int fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0)
		return no_room_or(errno, path, e);
	int result = write_key(fd, path, &status, e);
	if (result == 0 && link(name, path) < 0 && errno != EEXIST)
		result = err_set_errno(e, ERR_ENV, errno, "%s", path);
	unlink(name);
	if (result == 0 && fsync(folder_fd) < 0)
		result = err_set_errno(e, ERR_ENV, errno, "%s", folder);
	return result;
}

int token_key_get(const char *uri, struct token_key *key, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;

	if (store_file_path(uri, KEY_FILE, &path, e) < 0)
		return e->code;
	int result = read_key(path, key, e);
	if (result != 0)
		return result;
	if (make_key(path, e) < 0)
		return e->code;
	result = read_key(path, key, e);
	return result == 0 ? err_set(e, ERR_ENV, "%s: is gone again", path) : result;
}

/* ---- tokens ---- */

static void encode(const unsigned char *digest, char *token)
{
	for (size_t i = 0; i < TOKEN_LENGTH; i++) {
		size_t bit = i * BITS_A_LETTER;
		unsigned pair = (unsigned)digest[bit / 8] << 8 | digest[bit / 8 + 1];
		token[i] = alphabet[pair >> (16 - BITS_A_LETTER - bit % 8) & 31];
	}
	token[TOKEN_LENGTH] = '\0';
}

int token_make(const struct token_key *key, const char *incident, int64_t at, const char *person, char *token,
	       struct err *e)
{
	cleanup(str_done) struct str text = {0};
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	/* An id holds no blank, nor does a number: no two of these read the same. */
	str_addf(&text, "reply %s %lld %s", incident, (long long)at, person);
	if (!HMAC(EVP_sha256(), key->bytes, sizeof key->bytes, (const unsigned char *)str_text(&text),
		  text.length, digest, &length) ||
	    length != DIGEST_BYTES)
		return err_set(e, ERR_ENV, "libcrypto has no HMAC-SHA256");
	encode(digest, token);
	return 0;
}

bool token_check(const struct token_key *key, const char *incident, int64_t at, const char *person,
		 const char *token)
{
	char wanted[TOKEN_SIZE];

	return strlen(token) == TOKEN_LENGTH && token_make(key, incident, at, person, wanted, NULL) == 0 &&
	       CRYPTO_memcmp(wanted, token, TOKEN_LENGTH) == 0;
}

/* ---- in a text ---- */

/* The letter that C stands for, '\0' if none. */
static char letter(char c)
{
	char big = (char)toupper((unsigned char)c);

	if (big == 'O')
		return '0';
	if (big == 'I' || big == 'L')
		return '1';
	return big && strchr(alphabet, big) ? big : '\0';
}

/* Length of the word at TEXT, of letters of the alphabet and nothing else that a word may hold; 0: none. */
static size_t word_length(const char *text)
{
	size_t length = 0;

	while (letter(text[length]))
		length++;
	return isalnum((unsigned char)text[length]) || (unsigned char)text[length] >= 0x80 ? 0 : length;
}

static void copy_letters(char *to, const char *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = letter(from[i]);
	to[length] = '\0';
}

bool token_find(const char *text, size_t *place, char *id, size_t id_size, char *token)
{
	while (text[*place]) {
		const char *word = text + *place;
		size_t length = word_length(word);
		bool fits = length >= ID_LENGTH_MIN && length < id_size && word[length] == '-' &&
			    word_length(word + length + 1) == TOKEN_LENGTH;
		if (fits) {
			copy_letters(id, word, length);
			copy_letters(token, word + length + 1, TOKEN_LENGTH);
			*place += length + 1 + TOKEN_LENGTH;
			return true;
		}
		while (isalnum((unsigned char)text[*place]) || (unsigned char)text[*place] >= 0x80)
			++*place;
		*place += text[*place] != '\0';
	}
	return false;
}
