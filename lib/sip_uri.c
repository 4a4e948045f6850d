/* sip_uri.c - which SIP URIs are taken, and their parts: checked before libre sees them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "mem.h"
#include "sip_private.h"
#include "str.h"

enum { URI_MAX_BYTES = 255 };

static const char SCHEME[] = "sip:";
/* RFC 3261 section 25.1, user: unreserved and user-unreserved, without escapes and without ";" and "?", which begin parameters and headers. */
static const char USER_CHARACTERS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
				      "-_.!~*'()&=+$,/#";

/* Of escapes only that of "#", a key of telephones, which is taken both ways. */
static bool is_user(const char *text, size_t length)
{
	static const char HASH[] = "%23";
	const size_t hash = sizeof HASH - 1;

	if (length == 0)
		return false;
	while (length > 0) {
		size_t taken = length >= hash && memcmp(text, HASH, hash) == 0 ? hash : 1;
		if (taken == 1 && !strchr(USER_CHARACTERS, *text))
			return false;
		text += taken;
		length -= taken;
	}
	return true;
}

static int parse_user(const char **text, struct sip_uri *uri, struct err *e)
{
	const char *at = strchr(*text, '@');
	size_t length;

	if (!at)
		return 0;
	length = (size_t)(at - *text);
	if (!is_user(*text, length))
		return err_set(e, ERR_USAGE, "the part before the @ is no plain user or number");
	uri->user = mem_string_n(*text, length);
	*text = at + 1;
	return 0;
}

static int parse_host(const char **text, struct sip_uri *uri, struct err *e)
{
	const char *start = *text;
	size_t length;

	if (*start == '[') {
		length = strcspn(++start, "]");
		if (start[length] != ']')
			return err_set(e, ERR_USAGE, "no ] after the IPv6 address");
		*text = start + length + 1;
	} else {
		length = strcspn(start, ":;");
		*text = start + length;
	}
	uri->host = mem_string_n(start, length);
	if (strchr(uri->host, '%'))
		return err_set(e, ERR_USAGE, "a host with a %%");
	return address_check_host(uri->host, e);
}

static int parse_port(const char **text, struct sip_uri *uri, struct err *e)
{
	uint64_t port;
	size_t length;

	if (**text != ':')
		return 0;
	length = strcspn(++*text, ";");
	cleanup(cleanup_mem) char *digits = mem_string_n(*text, length);
	if (str_parse_number(digits, 1, UINT16_MAX, &port, e) < 0)
		return err_wrap(e, "port");
	uri->port = (uint16_t)port;
	*text += length;
	return 0;
}

/* Of all parameters only those that choose no other host and no other method. */
static int parse_parameters(const char *text, struct sip_uri *uri, struct err *e)
{
	while (*text == ';') {
		size_t length = strcspn(++text, ";");
		cleanup(cleanup_mem) char *parameter = mem_string_n(text, length);
		if (str_equal(parameter, "transport=tcp"))
			uri->is_tcp = true;
		else if (!str_equal(parameter, "transport=udp") && !str_equal(parameter, "user=phone"))
			return err_set(
				e, ERR_USAGE,
				"of parameters only transport=udp, transport=tcp and user=phone are taken");
		text += length;
	}
	return *text ? err_set(e, ERR_USAGE, "something stands after the host") : 0;
}

static int parse(const char *text, struct sip_uri *uri, struct err *e)
{
	if (strlen(text) > URI_MAX_BYTES)
		return err_set(e, ERR_USAGE, "longer than %d bytes", URI_MAX_BYTES);
	for (const char *c = text; *c; c++)
		if (*c <= ' ' || *c > '~')
			return err_set(e, ERR_USAGE, "blanks, control characters or letters beyond ASCII");
	if (!str_starts(text, SCHEME))
		return err_set(e, ERR_USAGE, "does not begin with sip:");
	text += strlen(SCHEME);
	if (parse_user(&text, uri, e) < 0 || parse_host(&text, uri, e) < 0 || parse_port(&text, uri, e) < 0)
		return e ? e->code : ERR_USAGE;
	return parse_parameters(text, uri, e);
}

int sip_uri_parse(const char *text, struct sip_uri *uri, struct err *e)
{
	struct sip_uri parsed = {0};
	struct err why = {0};

	if (parse(text, &parsed, &why) < 0) {
		sip_uri_done(&parsed);
		cleanup(cleanup_mem) char *shown = str_escape(text);
		return err_set(e, ERR_USAGE, "%s: not a SIP address that can be called: %s", shown, why.text);
	}
	*uri = parsed;
	return 0;
}

void sip_uri_done(struct sip_uri *uri)
{
	free(uri->user);
	free(uri->host);
	*uri = (struct sip_uri){0};
}

char *sip_uri_hostport(const struct sip_uri *uri)
{
	struct str out = {0};

	str_addf(&out, strchr(uri->host, ':') ? "[%s]" : "%s", uri->host);
	if (uri->port)
		str_addf(&out, ":%u", uri->port);
	return str_take(&out);
}

int sip_check_uri(const char *uri, struct err *e)
{
	struct sip_uri parsed;

	if (sip_uri_parse(uri, &parsed, e) < 0)
		return ERR_USAGE;
	sip_uri_done(&parsed);
	return 0;
}
