/* dependence.c - whether a service that our messages need has died with a host, as far as can be known. */
#include "config.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "dependence.h"
#include "mem.h"
#include "notice.h"
#include "vec.h"

bool dependence_same_address(const struct icmp_address *a, const struct icmp_address *b)
{
	return a->family == b->family && a->scope == b->scope &&
	       memcmp(a->bytes, b->bytes, a->family == AF_INET ? 4 : 16) == 0;
}

static bool is_loopback(const struct icmp_address *address)
{
	static const unsigned char six[16] = {[15] = 1};

	return address->family == AF_INET ? address->bytes[0] == 127
					  : memcmp(address->bytes, six, sizeof six) == 0;
}

/* ---- names ---- */

/* As DNS compares (RFC 4343): ASCII letters, whatever the locale. */
static unsigned char fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

static bool same_letters(const char *a, const char *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (fold(a[i]) != fold(b[i]))
			return false;
	return true;
}

/* Without the dot of the root. */
static size_t name_length(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && name[length - 1] == '.' ? length - 1 : length;
}

/* Whether a machine called NAME can be meant by HOST. The first "label" of an address is none. */
static bool name_fits(const char *name, const char *host)
{
	struct icmp_address address;
	size_t length = name_length(name);
	size_t whole = name_length(host);
	size_t label = strcspn(host, ".");

	if (length == 0 || length > whole)
		return false;
	if (icmp_address_parse(host, &address, NULL) == 0)
		label = whole;
	return (length == whole || length == label) && same_letters(name, host, length);
}

static bool is_loopback_name(const char *host)
{
	struct icmp_address address;

	if (icmp_address_parse(host, &address, NULL) == 0)
		return is_loopback(&address);
	return name_length(host) == strlen("localhost") && same_letters(host, "localhost", strlen("localhost"));
}

/* ---- for people ---- */

static void add_escaped(struct str *why, const char *text)
{
	str_add_escaped(why, text, strlen(text));
}

static void begin(struct str *why, const struct dependence_service *service)
{
	str_add(why, why->length ? "; the " : "the ");
	str_add(why, service->what);
	str_add_char(why, ' ');
	add_escaped(why, service->host);
}

static void say_vm(struct str *why, const struct dependence_service *service, const char *is,
		   const struct affected_vm *vm, const struct dependence_death *death)
{
	begin(why, service);
	str_add(why, is);
	str_add(why, " the VM ");
	add_escaped(why, vm->vm.name);
	str_add(why, ", which ran on ");
	add_escaped(why, death->affected->host);
}

static void say_host(struct str *why, const struct dependence_service *service, const char *is,
		     const struct dependence_death *death)
{
	begin(why, service);
	str_add(why, is);
	str_add_char(why, ' ');
	add_escaped(why, death->affected->host);
	str_add(why, " itself");
}

static void say_mac(struct str *why, const struct dependence_address *address)
{
	char literal[ICMP_ADDRESS_TEXT_SIZE];
	char mac[VM_MAC_TEXT_SIZE];

	str_addf(why, " (%s has its MAC address %s)", icmp_address_format(&address->address, literal),
		 vm_mac_format(address->mac, mac));
}

/* ---- the grounds ---- */

static bool by_settings(const struct dependence_service *service, const struct dependence_death *death,
			struct str *why)
{
	if (!service->vm)
		return false;
	for (size_t i = 0; i < death->affected->count; i++) {
		const struct affected_vm *vm = &death->affected->vms[i];
		if (notice_is_back(vm) || strcmp(vm->vm.name, service->vm) != 0)
			continue;
		say_vm(why, service, " is", vm, death);
		return true;
	}
	return false;
}

static const struct affected_vm *vm_of_mac(const struct affected *affected, const unsigned char *mac)
{
	for (size_t i = 0; i < affected->count; i++)
		if (!notice_is_back(&affected->vms[i]) && vm_has_mac(&affected->vms[i].vm, mac))
			return &affected->vms[i];
	return NULL;
}

static bool is_host_mac(const struct dependence_death *death, const unsigned char *mac)
{
	unsigned char own[VM_MAC_SIZE];

	return death->host && death->host->mac && vm_mac_parse(death->host->mac, own) &&
	       memcmp(own, mac, sizeof own) == 0;
}

static bool by_mac(const struct dependence_service *service, const struct dependence_death *death, struct str *why)
{
	for (size_t i = 0; i < service->address_count; i++) {
		const struct dependence_address *address = &service->addresses[i];
		if (!address->has_mac || is_loopback(&address->address))
			continue;
		const struct affected_vm *vm = vm_of_mac(death->affected, address->mac);
		if (vm)
			say_vm(why, service, " is", vm, death);
		else if (is_host_mac(death, address->mac))
			say_host(why, service, " is", death);
		else
			continue;
		say_mac(why, address);
		return true;
	}
	return false;
}

static bool by_address(const struct dependence_service *service, const struct dependence_death *death,
		       struct str *why)
{
	struct icmp_address own;
	char literal[ICMP_ADDRESS_TEXT_SIZE];

	if (!death->host || !death->host->address ||
	    icmp_address_parse(death->host->address, &own, NULL) < 0 || is_loopback(&own))
		return false;
	for (size_t i = 0; i < service->address_count; i++) {
		if (!dependence_same_address(&service->addresses[i].address, &own))
			continue;
		say_host(why, service, " is", death);
		str_addf(why, " (%s is its address)", icmp_address_format(&own, literal));
		return true;
	}
	return false;
}

static bool by_name(const struct dependence_service *service, const struct dependence_death *death,
		    struct str *why)
{
	const char *address = death->host ? death->host->address : NULL;

	if (service->vm || is_loopback_name(service->host))
		return false;
	for (size_t i = 0; i < death->affected->count; i++) {
		const struct affected_vm *vm = &death->affected->vms[i];
		if (notice_is_back(vm) || !name_fits(vm->vm.name, service->host))
			continue;
		say_vm(why, service, ", by its name, is", vm, death);
		return true;
	}
	if (!name_fits(death->affected->host, service->host) && !(address && name_fits(address, service->host)))
		return false;
	say_host(why, service, ", by its name, is", death);
	return true;
}

bool dependence_judge(const struct dependence_service *service, const struct dependence_death *death,
		      struct str *why)
{
	return by_settings(service, death, why) || by_mac(service, death, why) ||
	       by_address(service, death, why) || by_name(service, death, why);
}
