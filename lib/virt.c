/* virt.c - the domains and the facts of one host, through libvirt. */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "mem.h"
#include "str.h"
#include "virt.h"
#include "virt_private.h"
#include "when.h"

/* libvirtd's max_client_requests is 5 by default: more would only wait in its queue. */
enum { XML_THREADS = 5 };

/* Everything else comes from the host, which was reached. */
static bool is_of_connection(const virError *error)
{
	switch (error->domain) {
	case VIR_FROM_RPC:
	case VIR_FROM_REMOTE:
	case VIR_FROM_SSH:
	case VIR_FROM_LIBSSH:
		return true;
	default:
		return false;
	}
}

/* The number of a system error comes along (virReportSystemError); QEMU's and programs' errors are text, in English. */
static int code_of_system_error(const virError *error)
{
	int errnum = error->code == VIR_ERR_SYSTEM_ERROR ? error->int1 : 0;

	if (errnum == ENOSPC || errnum == EDQUOT || errnum == ENOMEM ||
	    strstr(error->message, "No space left on device") ||
	    strstr(error->message, "Cannot allocate memory"))
		return ERR_FULL;
	if (errnum == EEXIST || strstr(error->message, "already exists"))
		return ERR_CONFLICT;
	return 0;
}

static int error_code(const virError *error)
{
	int code = code_of_system_error(error);

	if (code < 0)
		return code;
	switch (error->code) {
	case VIR_ERR_AUTH_FAILED:
	case VIR_ERR_AUTH_CANCELLED:
	case VIR_ERR_AUTH_UNAVAILABLE:
	case VIR_ERR_ACCESS_DENIED:
		return ERR_AUTH;
	case VIR_ERR_NO_DOMAIN:
	case VIR_ERR_NO_STORAGE_POOL:
	case VIR_ERR_NO_STORAGE_VOL:
		return ERR_NOT_FOUND;
	case VIR_ERR_DOM_EXIST:
	case VIR_ERR_STORAGE_VOL_EXIST:
		return ERR_CONFLICT;
	case VIR_ERR_RPC:
	case VIR_ERR_GNUTLS_ERROR:
	case VIR_ERR_OPERATION_TIMEOUT:
		return ERR_NET;
	default:
		return is_of_connection(error) ? ERR_NET : ERR_ENV;
	}
}

int virt_error(struct err *e, const char *subject)
{
	static const char auth_prefix[] = "authentication failed";
	const virError *error = virGetLastError();

	if (!error || error->code == VIR_ERR_OK || !error->message)
		return err_set(e, ERR_ENV, "%s%slibvirt gave no reason", subject ? subject : "",
			       subject ? ": " : "");
	int code = error_code(error);
	/* The message may quote what the other side sent. */
	cleanup(cleanup_mem) char *message = str_escape(error->message);
	bool prefix = code == ERR_AUTH && !str_starts(message, auth_prefix);
	err_set(e, code, "%s%s%s", prefix ? auth_prefix : "", prefix ? ": " : "", message);
	if (subject)
		err_wrap(e, "%s", subject);
	return code;
}

int virt_error_as(struct err *e, int code, const char *subject)
{
	virt_error(e, subject);
	if (e)
		e->code = code;
	return code;
}

bool virt_cannot(void)
{
	const virError *error = virGetLastError();

	switch (error ? error->code : VIR_ERR_OK) {
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_OPERATION_UNSUPPORTED:
	case VIR_ERR_CONFIG_UNSUPPORTED:
	case VIR_ERR_ARGUMENT_UNSUPPORTED:
		return true;
	case VIR_ERR_INVALID_ARG:
		return strstr(error->message, "unsupported flags") != NULL;
	default:
		return false;
	}
}

static void say_nothing(void *context, virErrorPtr error)
{
	(void)context;
	(void)error;
}

/* libvirt has looked in auth.conf before it asks here; there is nobody to ask. */
static int know_nothing(virConnectCredentialPtr credentials, unsigned count, void *context)
{
	(void)credentials;
	(void)count;
	(void)context;
	return -1;
}

int virt_connect(struct virt **virt, const char *uri, unsigned flags, struct err *e)
{
	static int types[] = {VIR_CRED_AUTHNAME, VIR_CRED_ECHOPROMPT, VIR_CRED_REALM, VIR_CRED_PASSPHRASE,
			      VIR_CRED_NOECHOPROMPT};
	static virConnectAuth auth = {types, sizeof types / sizeof types[0], know_nothing, NULL};

	virSetErrorFunc(NULL, say_nothing);
	virConnectPtr connection = virConnectOpenAuth(uri, &auth, flags);
	if (!connection)
		return virt_error(e, NULL);
	*virt = mem_zalloc(1, sizeof **virt);
	(*virt)->connection = connection;
	atomic_init(&(*virt)->references, 1);
	return 0;
}

int virt_open(struct virt **virt, const char *uri, struct err *e)
{
	return virt_connect(virt, uri, VIR_CONNECT_RO, e);
}

void virt_release(struct virt *virt)
{
	if (atomic_fetch_sub(&virt->references, 1) > 1)
		return;
	if (virt->listener.release)
		virt->listener.release(virt->listener.context);
	free(virt);
}

void virt_close(struct virt *virt)
{
	if (!virt)
		return;
	virt_unfollow(virt);
	virConnectClose(virt->connection);
	virt_release(virt);
}

void cleanup_virt(struct virt **virt)
{
	virt_close(*virt);
}

/* ---- the list ---- */

static void domain_done(struct virt_domain *domain)
{
	if (domain->handle)
		virDomainFree(domain->handle);
	free(domain->name);
	vec_foreach(&domain->disks, disk) {
		free(disk->target);
		free(disk->source);
	}
	vec_done(&domain->disks);
}

void virt_list_done(struct virt_list *list)
{
	vec_foreach(&list->domains, domain)
		domain_done(domain);
	vec_done(&list->domains);
}

/* Name, UUID and id came with the handle: none of these three calls goes out. */
static int add_domain(struct virt_list *list, virDomainPtr handle, struct err *e)
{
	const char *name = virDomainGetName(handle);
	struct virt_domain domain = {.vcpus = VIRT_UNKNOWN, .memory_bytes = VIRT_UNKNOWN};

	if (!name || virDomainGetUUID(handle, domain.uuid) < 0)
		return virt_error(e, "domain without name or UUID");
	domain.id = (int)virDomainGetID(handle);
	domain.name = mem_string(name);
	virDomainRef(handle);
	domain.handle = handle;
	vec_push(&list->domains, domain);
	return 0;
}

static int as_unsigned(const virTypedParameter *parameter, uint64_t *value)
{
	switch (parameter->type) {
	case VIR_TYPED_PARAM_INT:
		*value = parameter->value.i < 0 ? 0 : (uint64_t)parameter->value.i;
		return 0;
	case VIR_TYPED_PARAM_UINT:
		*value = parameter->value.ui;
		return 0;
	case VIR_TYPED_PARAM_ULLONG:
		*value = parameter->value.ul;
		return 0;
	case VIR_TYPED_PARAM_LLONG:
		*value = parameter->value.l < 0 ? 0 : (uint64_t)parameter->value.l;
		return 0;
	default:
		return -1;
	}
}

/* "block.12.name": fields come in the order of their index, the name first. */
static void take_block(struct virt_domain *domain, const virTypedParameter *parameter)
{
	const char *field = strrchr(parameter->field, '.');
	bool is_text = parameter->type == VIR_TYPED_PARAM_STRING;
	uint64_t bytes;

	if (strcmp(field, ".name") == 0 && is_text) {
		struct virt_disk *disk = vec_push_zero(&domain->disks);
		disk->target = mem_string(parameter->value.s);
		disk->capacity_bytes = VIRT_UNKNOWN;
		return;
	}
	if (domain->disks.count == 0)
		return;
	struct virt_disk *last = &domain->disks.items[domain->disks.count - 1];
	if (strcmp(field, ".path") == 0 && is_text)
		mem_replace(&last->source, parameter->value.s);
	else if (strcmp(field, ".capacity") == 0 && as_unsigned(parameter, &bytes) == 0)
		last->capacity_bytes = bytes;
}

static void take_parameter(struct virt_domain *domain, const virTypedParameter *parameter)
{
	uint64_t number;

	if (str_starts(parameter->field, "block.")) {
		take_block(domain, parameter);
		return;
	}
	if (as_unsigned(parameter, &number) < 0)
		return;
	if (strcmp(parameter->field, "state.state") == 0)
		domain->state = (int)number;
	else if (strcmp(parameter->field, "state.reason") == 0)
		domain->reason = (int)number;
	else if (strcmp(parameter->field, "vcpu.current") == 0)
		domain->vcpus = number;
	else if (strcmp(parameter->field, "balloon.maximum") == 0 && number < UINT64_MAX / 1024)
		domain->memory_bytes = number * 1024;
}

static int take_stats(struct virt_list *list, const virDomainStatsRecord *record, struct err *e)
{
	int result = add_domain(list, record->dom, e);

	if (result < 0)
		return result;
	struct virt_domain *domain = &list->domains.items[list->domains.count - 1];
	for (int i = 0; i < record->nparams; i++)
		take_parameter(domain, &record->params[i]);
	if (domain->vcpus != VIRT_UNKNOWN)
		list->detailed = true;
	return 0;
}

static int list_by_stats(struct virt *virt, struct virt_list *list, struct err *e)
{
	const unsigned what = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BALLOON |
			      VIR_DOMAIN_STATS_BLOCK;
	virDomainStatsRecordPtr *records = NULL;

	int count = virConnectGetAllDomainStats(virt->connection, what, &records,
						VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	if (count < 0)
		return virt_error(e, "list of domains");
	int result = 0;
	for (int i = 0; i < count && result == 0; i++)
		result = take_stats(list, records[i], e);
	virDomainStatsRecordListFree(records);
	return result;
}

static int take_info(struct virt_list *list, virDomainPtr handle, struct err *e)
{
	virDomainInfo info;

	if (virDomainGetInfo(handle, &info) < 0) {
		/* It vanished since the listing. */
		int result = virt_error(e, NULL);
		return result == ERR_NOT_FOUND ? 0 : result;
	}
	int result = add_domain(list, handle, e);
	if (result < 0)
		return result;
	struct virt_domain *domain = &list->domains.items[list->domains.count - 1];
	domain->state = info.state;
	domain->vcpus = info.nrVirtCpu;
	domain->memory_bytes = (uint64_t)info.maxMem * 1024;
	return 0;
}

static int list_one_by_one(struct virt *virt, struct virt_list *list, struct err *e)
{
	virDomainPtr *handles = NULL;
	int result = 0;

	int count = virConnectListAllDomains(virt->connection, &handles, 0);
	if (count < 0)
		return virt_error(e, "list of domains");
	for (int i = 0; i < count; i++) {
		if (result == 0)
			result = take_info(list, handles[i], e);
		virDomainFree(handles[i]);
	}
	free(handles);
	list->detailed = true;
	return result;
}

int virt_list(struct virt *virt, struct virt_list *list, struct err *e)
{
	cleanup(virt_list_done) struct virt_list found = {0};
	int result = list_by_stats(virt, &found, e);

	if (result < 0 && virGetLastErrorCode() == VIR_ERR_NO_SUPPORT)
		result = list_one_by_one(virt, &found, e);
	if (result < 0)
		return result;
	*list = found;
	found = (struct virt_list){0};
	return 0;
}

/* ---- XML ---- */

struct xml_reading {
	const struct virt_list *list;
	const size_t *chosen;
	size_t count;
	int64_t until;
	int (*each)(void *context, size_t place, const char *xml, const struct err *why);
	void *context;
	atomic_size_t next;
	atomic_int result;
};

static bool read_next(struct xml_reading *reading)
{
	size_t turn = atomic_fetch_add(&reading->next, 1);
	struct err why = {0};
	int none = 0;

	if (turn >= reading->count || atomic_load(&reading->result) || when_monotonic() >= reading->until)
		return false;
	size_t place = reading->chosen[turn];
	char *xml = virDomainGetXMLDesc(reading->list->domains.items[place].handle, 0);
	if (!xml)
		virt_error(&why, NULL);
	int result = reading->each(reading->context, place, xml, &why);
	if (result)
		atomic_compare_exchange_strong(&reading->result, &none, result);
	free(xml);
	return result == 0;
}

static void *read_thread(void *context)
{
	while (read_next(context))
		continue;
	return NULL;
}

/* A connection carries several calls at once, so that far hosts cost fewer round trips. */
int virt_read_xml(const struct virt_list *list, const size_t *chosen, size_t count, int64_t until,
		  int (*each)(void *context, size_t place, const char *xml, const struct err *why), void *context)
{
	pthread_t threads[XML_THREADS];
	size_t started = 0;
	struct xml_reading reading = {
		.list = list,
		.chosen = chosen,
		.count = count,
		.until = until,
		.each = each,
		.context = context,
	};

	/* This thread is one of them: without any other, all is read all the same. */
	while (started + 1 < count && started + 1 < XML_THREADS &&
	       pthread_create(&threads[started], NULL, read_thread, &reading) == 0)
		started++;
	read_thread(&reading);
	for (size_t i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return atomic_load(&reading.result);
}

int virt_disk_capacity(const struct virt_domain *domain, const char *target, uint64_t *bytes, struct err *e)
{
	virDomainBlockInfo info;

	if (virDomainGetBlockInfo(domain->handle, target, &info, 0) < 0)
		return virt_error(e, target);
	*bytes = info.capacity;
	return 0;
}

int virt_interface_xml(struct virt *virt, const char *device, char **xml, struct err *e)
{
	virInterfacePtr interface = virInterfaceLookupByName(virt->connection, device);

	if (!interface)
		return virt_error(e, device);
	char *text = virInterfaceGetXMLDesc(interface, 0);
	virInterfaceFree(interface);
	if (!text)
		return virt_error(e, device);
	*xml = text;
	return 0;
}

/* ---- facts ---- */

/* libvirt packs versions as major * 1,000,000 + minor * 1,000 + release. */
static char *version_text(unsigned long version)
{
	return mem_format("%lu.%lu.%lu", version / 1000000, version / 1000 % 1000, version % 1000);
}

static char *take_text(char *from_libvirt)
{
	char *copy = mem_string(from_libvirt);

	free(from_libvirt);
	return copy;
}

/* Whether it is the driver's way, or this user's rights, that there are no capabilities: then there never are. */
static bool has_no_capabilities(void)
{
	switch (virGetLastErrorCode()) {
	case VIR_ERR_NO_SUPPORT:
	case VIR_ERR_ACCESS_DENIED:
	case VIR_ERR_OPERATION_DENIED:
		return true;
	default:
		return false;
	}
}

int virt_read_facts(struct virt *virt, struct virt_facts *facts, struct err *e)
{
	virConnectPtr connection = virt->connection;
	virNodeInfo node;
	unsigned long version;
	const char *type = virConnectGetType(connection);

	if (!type)
		return virt_error(e, "facts of the host");
	/* They say who the host is: one that does not tell for once must not become another. */
	char *capabilities = take_text(virConnectGetCapabilities(connection));
	if (!capabilities && !has_no_capabilities())
		return virt_error(e, "capabilities of the host");
	*facts = (struct virt_facts){
		.capabilities = capabilities,
		.hypervisor = mem_string(type),
		.cpus = VIRT_UNKNOWN,
		.mhz = VIRT_UNKNOWN,
		.memory_bytes = VIRT_UNKNOWN,
	};
	facts->hostname = take_text(virConnectGetHostname(connection));
	if (virConnectGetVersion(connection, &version) == 0)
		facts->hypervisor_version = version_text(version);
	if (virConnectGetLibVersion(connection, &version) == 0)
		facts->libvirt_version = version_text(version);
	if (virNodeGetInfo(connection, &node) == 0) {
		facts->cpus = node.cpus;
		facts->mhz = node.mhz ? node.mhz : VIRT_UNKNOWN;
		facts->memory_bytes = (uint64_t)node.memory * 1024;
	}
	if (virConnectIsAlive(connection) == 0) {
		virt_facts_done(facts);
		return err_set(e, ERR_NET, "the connection broke");
	}
	return 0;
}

void virt_facts_done(struct virt_facts *facts)
{
	free(facts->capabilities);
	free(facts->hypervisor);
	free(facts->hypervisor_version);
	free(facts->libvirt_version);
	free(facts->hostname);
	*facts = (struct virt_facts){0};
}
