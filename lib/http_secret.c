/* http_secret.c - what was sent to prove who we are, and must not come back in a message. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "http_private.h"
#include "mem.h"
#include "vec.h"

enum { SECRET_MIN = 4 /* shorter ones are words of everybody's */ };

void secrets_done(struct secrets *secrets)
{
	vec_foreach(secrets, secret) {
		explicit_bzero(*secret, strlen(*secret));
		free(*secret);
	}
	vec_done(secrets);
}

void secrets_add(struct secrets *secrets, const char *text)
{
	if (strlen(text) >= SECRET_MIN)
		vec_push(secrets, mem_string(text));
}

void secrets_add_header(struct secrets *secrets, const char *line)
{
	const char *value = strchr(line, ':') + 1;
	const char *word = strrchr(value, ' ');

	secrets_add(secrets, value + strspn(value, " "));
	if (word)
		secrets_add(secrets, word + 1);
}

static void replace_all(struct str *text, const char *what)
{
	struct str replaced = {0};
	const char *rest = str_text(text);

	for (const char *found; (found = strstr(rest, what)); rest = found + strlen(what)) {
		str_add_n(&replaced, rest, (size_t)(found - rest));
		str_add(&replaced, "...");
	}
	str_add(&replaced, rest);
	str_done(text);
	*text = replaced;
}

void secrets_hide(const struct secrets *secrets, struct str *text)
{
	vec_foreach(secrets, secret)
		replace_all(text, *secret);
}
