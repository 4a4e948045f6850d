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

static bool is_sip_uri(const char *text)
{
	size_t length = strlen(text);
	size_t scheme = str_starts(text, "sip:") ? 4 : str_starts(text, "sips:") ? 5 : 0;

	return scheme > 0 && length > scheme && length <= SIP_MAX_BYTES && text[scheme] != '@' &&
	       text[length - 1] != '@' && text[strcspn(text, " \"<>\\^`{|},")] == '\0';
}

int address_check_phone(const char *text, struct err *e)
{
	size_t length = strlen(text);
	bool number = length > 0 && length <= PHONE_MAX_BYTES && text[strspn(text, DIGITS "+*#")] == '\0';

	if (number || (!str_has_control(text) && is_sip_uri(text)))
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is not a phone number (digits, +, * and #) or a sip: URI", text);
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
