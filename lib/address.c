/* address.c - the forms of network, mail and phone addresses that people write in the configuration. */
#include "config.h"

#include <arpa/inet.h>
#include <string.h>

#include "address.h"
#include "mem.h"
#include "str.h"

enum {
	NAME_MAX_BYTES = 253,
	LABEL_MAX_BYTES = 63,
	LOCAL_MAX_BYTES = 64,
	EMAIL_MAX_BYTES = 254,
	PHONE_MAX_BYTES = 32,
	SIP_MAX_BYTES = 512
};

#define DIGITS "0123456789"
#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static bool is_ip(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_ip_with_zone(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	const char *zone = strchr(text, '%');

	if (!zone)
		return false;
	cleanup(cleanup_mem) char *address = mem_string_n(text, (size_t)(zone - text));
	size_t length = strlen(zone + 1);
	return inet_pton(AF_INET6, address, bytes) == 1 && length > 0 &&
	       strspn(zone + 1, LETTERS DIGITS "._-") == length;
}

/* Labels of letters (any beyond ASCII, if INTERNATIONAL), digits, hyphens and underscores. */
static bool is_dns_name(const char *text, bool international)
{
	size_t length = strlen(text);

	if (length == 0 || length > NAME_MAX_BYTES)
		return false;
	for (const char *label = text; *label;) {
		size_t bytes = strcspn(label, ".");
		if (bytes == 0 || bytes > LABEL_MAX_BYTES || label[0] == '-' || label[bytes - 1] == '-')
			return false;
		for (size_t i = 0; i < bytes; i++)
			if (!strchr(LETTERS DIGITS "-_", label[i]) &&
			    !(international && (unsigned char)label[i] >= 0x80))
				return false;
		label += bytes;
		if (*label == '.')
			label++;
	}
	return true;
}

int address_check_host(const char *text, struct err *e)
{
	if (is_ip(text) || is_ip_with_zone(text))
		return 0;
	/* What is all digits and dots was meant as IPv4: no top-level domain is a number (RFC 3696, 2). */
	if (text[strspn(text, DIGITS ".")] != '\0' && is_dns_name(text, false))
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is not an IPv4 or IPv6 address or a DNS name", text);
}

static bool is_local_part(const char *text, size_t length)
{
	if (length == 0 || length > LOCAL_MAX_BYTES || text[0] == '.' || text[length - 1] == '.')
		return false;
	for (size_t i = 0; i < length; i++) {
		bool atom = (unsigned char)text[i] >= 0x80 ||
			    (text[i] && strchr(LETTERS DIGITS "!#$%&'*+-/=?^_`{|}~", text[i]));
		if (!atom && (text[i] != '.' || text[i - 1] == '.'))
			return false;
	}
	return true;
}

static bool is_address_literal(const char *text)
{
	size_t length = strlen(text);

	if (length < 3 || text[0] != '[' || text[length - 1] != ']')
		return false;
	cleanup(cleanup_mem) char *inside = mem_string_n(text + 1, length - 2);
	const char *address = strncmp(inside, "IPv6:", 5) == 0 ? inside + 5 : inside;
	unsigned char bytes[sizeof(struct in6_addr)];
	return inet_pton(address == inside ? AF_INET : AF_INET6, address, bytes) == 1;
}

int address_check_email(const char *text, struct err *e)
{
	const char *at = strrchr(text, '@');

	if (!str_has_control(text) && strlen(text) <= EMAIL_MAX_BYTES && at &&
	    is_local_part(text, (size_t)(at - text)) &&
	    (is_dns_name(at + 1, true) || is_address_literal(at + 1)))
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is not a mail address (name@domain)", text);
}

/* Unreserved characters of RFC 3261, 25.1, and +: no escape, no password, no second URI, nothing that ends the user. */
static bool is_sip_user(const char *text, size_t length)
{
	return length > 0 && strspn(text, LETTERS DIGITS "-_.!~*'()+") == length;
}

/* HOST[:PORT], an IPv6 address in brackets. */
static bool is_host_port(const char *text)
{
	size_t length = *text == '[' ? strcspn(text, "]") + 1 : strcspn(text, ":");
	struct err cause;
	uint64_t port;

	if (*text == '[' && text[length - 1] != ']')
		return false;
	if (text[length] != '\0' &&
	    (text[length] != ':' || str_parse_number(text + length + 1, 1, 65535, &port, &cause) < 0))
		return false;
	cleanup(cleanup_mem) char *host =
		*text == '[' ? mem_string_n(text + 1, length - 2) : mem_string_n(text, length);
	bool is_ipv6 = strchr(host, ':') != NULL;
	return is_ipv6 == (*text == '[') && !strchr(host, '%') && address_check_host(host, &cause) == 0;
}

/* Parameters that lead the call somewhere else (maddr, method, headers) are not among these. */
static bool are_sip_parameters(const char *text)
{
	static const char *const harmless[] = {"transport=udp", "transport=tcp", "user=phone"};

	while (*text == ';') {
		size_t length = strcspn(++text, ";");
		bool known = false;
		for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
			known = known ||
				(strlen(harmless[i]) == length && strncmp(text, harmless[i], length) == 0);
		if (!known)
			return false;
		text += length;
	}
	return *text == '\0';
}

int address_check_sip(const char *text, struct err *e)
{
	const char *rest = str_starts(text, "sip:") && strlen(text) <= SIP_MAX_BYTES ? text + 4 : "";
	const char *at = strchr(rest, '@');
	bool user = !at || is_sip_user(rest, (size_t)(at - rest));
	const char *host = at ? at + 1 : rest;
	size_t length = strcspn(host, ";");
	cleanup(cleanup_mem) char *host_port = mem_string_n(host, length);

	if (user && is_host_port(host_port) && are_sip_parameters(host + length))
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is not a sip: URI as it is taken here: sip:USER@HOST[:PORT], and no parameter but transport=udp or tcp",
		       text);
}

int address_check_phone(const char *text, struct err *e)
{
	size_t length = strlen(text);
	bool number = length > 0 && length <= PHONE_MAX_BYTES && text[strspn(text, DIGITS "+*#")] == '\0';
	struct err cause;

	if (number || address_check_sip(text, &cause) == 0)
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is not a phone number (digits, +, * and #) or a sip: URI", text);
}

/* The user of a sip: URI may hold what ends the authority of a URL; an @ further on is escaped. */
static const char *uri_authority(const char *uri, size_t *length)
{
	const char *slashes = strstr(uri, "://");
	const char *colon = strchr(uri, ':');

	if (!colon)
		return NULL;
	const char *start = slashes == colon ? slashes + 3 : colon + 1;
	size_t end = slashes == colon ? strcspn(start, "/?#") : strlen(start);
	const char *at = memrchr(start, '@', end);
	*length = at ? (size_t)(start + end - at - 1) : end;
	return at ? at + 1 : start;
}

char *address_uri_host(const char *uri)
{
	size_t length;
	const char *host = uri_authority(uri, &length);

	if (!host)
		return NULL;
	bool bracketed = length > 0 && host[0] == '[';
	host += bracketed;
	size_t end = strcspn(host, bracketed ? "]" : ":;?/#");
	return end > 0 ? mem_string_n(host, end) : NULL;
}

bool address_has_password(const char *text)
{
	const char *user = strstr(text, "://");

	if (!user)
		return false;
	user += 3;
	size_t authority = strcspn(user, "/?#");
	const char *colon = memchr(user, ':', authority);
	return colon && memchr(colon, '@', authority - (size_t)(colon - user));
}
