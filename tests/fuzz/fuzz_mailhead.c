/* fuzz_mailhead.c - any bytes as a mail: fields without NUL and folding, text that is UTF-8, or an error. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mailhead.h"
#include "str.h"
#include "token.h"

const char fuzz_name[] = "mailhead";

static void check_tokens(const char *text)
{
	char id[12];
	char token[TOKEN_SIZE];
	size_t place = 0;

	for (size_t before = 0; token_find(text, &place, id, sizeof id, token); before = place) {
		fuzz_check(place > before && place <= strlen(text));
		fuzz_check(strlen(id) >= 4 && strlen(token) == TOKEN_LENGTH);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mailhead head = {0};
	struct err e = {0};
	int result = mailhead_parse(&head, (const char *)data, size, &e);

	fuzz_check(result == 0 || result == ERR_USAGE || result == ERR_TOO_LARGE);
	fuzz_check(result == 0 || head.count == 0);
	const char *why = mailhead_automatic(&head);
	fuzz_check(!why || *why);
	for (size_t i = 0; i < head.count; i++) {
		const struct mailhead_field *field = &head.items[i];
		size_t place = 0;
		fuzz_check(*field->name && !strpbrk(field->name, " \t\n:"));
		fuzz_check(!strchr(field->value, '\n'));
		fuzz_check(mailhead_next(&head, field->name, &place) != NULL);
		char *text = mailhead_decode(field->value);
		fuzz_check(str_is_utf8(text, strlen(text)) && strlen(text) <= size);
		check_tokens(text);
		free(text);
	}
	mailhead_done(&head);
	return 0;
}
