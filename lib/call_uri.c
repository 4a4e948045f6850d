/* call_uri.c - from an address of a list to the URI that is called. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "call.h"
#include "sip.h"
#include "str.h"

enum { NUMBER_MAX = 40 };

static bool is_number(const char *to)
{
	size_t length = strspn(to, "0123456789+*#");

	return length > 0 && length <= NUMBER_MAX && to[length] == '\0';
}

/* RFC 3261, 25.1: in the user part of a URI # must be escaped, + and * need not be. */
static void add_number(struct str *uri, const char *number)
{
	for (; *number; number++)
		if (*number == '#')
			str_add(uri, "%23");
		else
			str_add_char(uri, *number);
}

static int check_exchange(const char *exchange, struct err *e)
{
	const char *place = exchange ? strchr(exchange, '%') : NULL;

	if (!exchange)
		return err_set(e, ERR_USAGE, "a number can be called only where sip.exchange is set");
	if (!place || place[1] != 's' || strchr(place + 1, '%'))
		return err_set(e, ERR_USAGE,
			       "sip.exchange: '%.80s' is no URI with one %%s, as sip:%%s@10.0.0.5", exchange);
	return 0;
}

static int number_uri(const char *exchange, const char *number, char **uri, struct err *e)
{
	cleanup(str_done) struct str made = {0};

	if (check_exchange(exchange, e) < 0)
		return e->code;
	const char *place = strchr(exchange, '%');
	str_add_n(&made, exchange, (size_t)(place - exchange));
	add_number(&made, number);
	str_add(&made, place + 2);
	if (sip_check_uri(str_text(&made), e) < 0)
		return err_wrap(e, "sip.exchange");
	*uri = str_take(&made);
	return 0;
}

int call_uri(const char *exchange, const char *to, char **uri, struct err *e)
{
	if (is_number(to))
		return number_uri(exchange, to, uri, e);
	if (strncasecmp(to, "sip:", 4) != 0) {
		cleanup(cleanup_mem) char *shown = str_escape(to);
		return err_set(e, ERR_USAGE,
			       "'%.80s' cannot be called: it is neither a number ([0-9+*#]) nor a sip: URI",
			       shown);
	}
	if (sip_check_uri(to, e) < 0)
		return e->code;
	*uri = mem_string(to);
	return 0;
}
