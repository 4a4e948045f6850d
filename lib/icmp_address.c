/* icmp_address.c - addresses as text, and as the kernel wants them. */
#include "config.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "icmp.h"
#include "icmp_private.h"

int icmp_address_parse(const char *text, struct icmp_address *address, struct err *e)
{
	struct icmp_address parsed = {.family = AF_INET};
	char plain[INET6_ADDRSTRLEN];
	const char *percent = strchr(text, '%');
	size_t length = percent ? (size_t)(percent - text) : strlen(text);

	if (!percent && inet_pton(AF_INET, text, parsed.bytes) == 1) {
		*address = parsed;
		return 0;
	}
	if (length >= sizeof plain)
		return err_set(e, ERR_USAGE, "'%.64s' is not an address", text);
	memcpy(plain, text, length);
	plain[length] = '\0';
	parsed.family = AF_INET6;
	if (inet_pton(AF_INET6, plain, parsed.bytes) != 1)
		return err_set(e, ERR_USAGE, "'%.64s' is not an address", text);
	if (percent) {
		parsed.scope = if_nametoindex(percent + 1);
		if (parsed.scope == 0)
			return err_set(e, ERR_USAGE, "'%.64s': no interface '%.16s'", text, percent + 1);
	}
	*address = parsed;
	return 0;
}

int icmp_address_from(const struct sockaddr *from, struct icmp_address *address, struct err *e)
{
	struct icmp_address taken = {.family = (uint8_t)from->sa_family};

	if (from->sa_family == AF_INET) {
		memcpy(taken.bytes, &((const struct sockaddr_in *)from)->sin_addr, 4);
	} else if (from->sa_family == AF_INET6) {
		memcpy(taken.bytes, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
		taken.scope = ((const struct sockaddr_in6 *)from)->sin6_scope_id;
	} else {
		return err_set(e, ERR_USAGE, "neither an IPv4 nor an IPv6 address");
	}
	*address = taken;
	return 0;
}

const char *icmp_address_format(const struct icmp_address *address, char *text)
{
	char interface[IF_NAMESIZE];

	inet_ntop(address->family, address->bytes, text, ICMP_ADDRESS_TEXT_SIZE);
	if (address->scope != 0 && if_indextoname(address->scope, interface)) {
		size_t used = strlen(text);
		snprintf(text + used, ICMP_ADDRESS_TEXT_SIZE - used, "%%%s", interface);
	}
	return text;
}

socklen_t icmp_fill_endpoint(const struct icmp_address *address, uint16_t port, union icmp_endpoint *to)
{
	memset(to, 0, sizeof *to);
	if (address->family == AF_INET) {
		to->v4.sin_family = AF_INET;
		to->v4.sin_port = htons(port);
		memcpy(&to->v4.sin_addr, address->bytes, 4);
		return sizeof to->v4;
	}
	to->v6.sin6_family = AF_INET6;
	to->v6.sin6_port = htons(port);
	to->v6.sin6_scope_id = address->scope;
	memcpy(&to->v6.sin6_addr, address->bytes, 16);
	return sizeof to->v6;
}

socklen_t icmp_address_socket(const struct icmp_address *address, uint16_t port, struct sockaddr_storage *to)
{
	union icmp_endpoint endpoint;
	socklen_t length = icmp_fill_endpoint(address, port, &endpoint);

	memset(to, 0, sizeof *to);
	memcpy(to, &endpoint, length);
	return length;
}
