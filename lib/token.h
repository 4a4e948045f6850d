/*
 * token.h - what proves that a reply comes from somebody who was told: a word that cannot be guessed.
 *
 * The only user of libcrypto. A token is the first 80 bits of HMAC-SHA256 (RFC 2104, FIPS 180-4) over
 * the incident, when it happened (an id may come back after years) and the person, in Crockford's base 32
 * as the ids are: it survives being lower-cased, which mail does to addresses. The key lies beside the
 * store, in DIR/reply.key of lmdb:DIR, and goes nowhere else; without it no token can be told from noise.
 */
#ifndef VMROLL_TOKEN_H
#define VMROLL_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { TOKEN_KEY_BYTES = 32, TOKEN_LENGTH = 16, TOKEN_SIZE = TOKEN_LENGTH + 1 };

struct token_key {
	unsigned char bytes[TOKEN_KEY_BYTES];
};

/*
 * The key of the store at URI. 1; 0 if none was made yet. ERR_ENV if it cannot be read, or if others than its owner
 * can read or write it, or it is no file of TOKEN_KEY_BYTES bytes: whoever knows it acknowledges in everybody's name.
 */
int token_key_read(const char *uri, struct token_key *key, struct err *e);
/* The same, and makes it, 0600 and the folder's owner's, unless somebody else was first. ERR_ENV, ERR_FULL. */
int token_key_get(const char *uri, struct token_key *key, struct err *e);

/* Writes into TOKEN (TOKEN_SIZE bytes) what PERSON (admins_person) has to show for INCIDENT, which happened AT. */
int token_make(const struct token_key *key, const char *incident, int64_t at, const char *person, char *token,
	       struct err *e);
/* Whether TOKEN is that; takes the same time whatever it is. False also if it cannot be found out. */
bool token_check(const struct token_key *key, const char *incident, int64_t at, const char *person,
		 const char *token);

/*
 * Finds the next "INCIDENT-TOKEN" in TEXT from *PLACE on, on its own among what is neither letter nor figure, and
 * writes both in capitals (I and L as 1, O as 0): ID (ID_SIZE bytes) and TOKEN (TOKEN_SIZE). False if there is none.
 * *PLACE goes behind it.
 */
bool token_find(const char *text, size_t *place, char *id, size_t id_size, char *token);

#endif
