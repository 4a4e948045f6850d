/* ask.c - asks one host: list, facts, and the XML that is due. */
#include "config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "domxml.h"
#include "mem.h"
#include "str.h"
#include "uplink.h"
#include "when.h"

static const int64_t XML_AGE_MS = 24LL * 60 * 60 * 1000;

struct asking {
	struct virt *virt;
	const struct question *question;
	const struct answer_sink *sink;
	struct virt_list list;
	struct uplinks uplinks;
	VEC(struct vm) vms;      /* in the order of the list */
	VEC(size_t) due;         /* places whose XML is to be read, the new ones first */
	bool others;             /* not the VMs that were known, or started anew */
	atomic_bool no_capacity; /* the driver cannot tell the size of a disk */
	int64_t now;
	pthread_mutex_t lock; /* around the sink and *e while several threads read XML */
	struct err *e;
};

static void asking_done(struct asking *asking)
{
	vec_foreach(&asking->vms, vm)
		vm_done(vm);
	vec_done(&asking->vms);
	vec_done(&asking->due);
	virt_list_done(&asking->list);
	uplinks_done(&asking->uplinks);
	pthread_mutex_destroy(&asking->lock);
}

/* ---- what the list says, and what it means ---- */

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *next = bytes;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ next[i]) * 0x100000001B3ULL;
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return text ? hash_bytes(hash, text, strlen(text) + 1) : hash_bytes(hash, "\1", 1);
}

/*
 * High half: which disks there are. Low half: how large they are, 0 where the
 * host does not say, as happens while a VM is busy (migration, backup).
 */
static uint64_t disks_mark(const struct virt_list *list, const struct virt_domain *domain)
{
	uint64_t names = 0xCBF29CE484222325ULL;
	uint64_t sizes = names;
	bool sized = false;

	if (!list->detailed)
		return 0;
	vec_foreach(&domain->disks, disk) {
		names = hash_text(hash_text(names, disk->target), disk->source);
		if (disk->capacity_bytes == VIRT_UNKNOWN)
			continue;
		sizes = hash_bytes(hash_text(sizes, disk->target), &disk->capacity_bytes,
				   sizeof disk->capacity_bytes);
		sized = true;
	}
	return (names ^ names << 32) >> 32 << 32 | (sized ? (sizes ^ sizes >> 32) & UINT32_MAX : 0);
}

static bool same_disks(uint64_t before, uint64_t now)
{
	bool sized = (uint32_t)before != 0 && (uint32_t)now != 0;

	return before >> 32 == now >> 32 && (!sized || before == now);
}

static bool is_marked_stale(const struct question *question, const unsigned char *uuid)
{
	for (size_t i = 0; i < question->stale_count; i++)
		if (memcmp(question->stale + i * VM_UUID_SIZE, uuid, VM_UUID_SIZE) == 0)
			return true;
	return false;
}

static bool has_changed(const struct asking *asking, const struct vm *known, const struct virt_domain *domain,
			uint64_t mark)
{
	if (!known->xml_known || known->domain_id != domain->id || !str_equal(known->name, domain->name))
		return true;
	if (domain->vcpus != VIRT_UNKNOWN && known->vcpus != domain->vcpus)
		return true;
	if (asking->list.detailed && !same_disks(known->disks_mark, mark))
		return true;
	return is_marked_stale(asking->question, domain->uuid);
}

static bool has_aged(const struct asking *asking, const struct vm *known)
{
	int64_t limit = asking->list.detailed ? XML_AGE_MS : asking->question->reread_ms;

	/* A time in the future comes from a clock that was wrong. */
	return known->xml_read > asking->now || asking->now - known->xml_read >= limit;
}

/* Xen tells an idle guest (blocked) from a busy one: for us both are running, or history would never rest. */
static enum vm_state steady_state(int state)
{
	return state == VM_BLOCKED ? VM_RUNNING : (enum vm_state)state;
}

static void overlay(struct vm *vm, const struct virt_domain *domain, uint64_t mark)
{
	memcpy(vm->uuid, domain->uuid, sizeof vm->uuid);
	mem_replace(&vm->name, domain->name);
	vm->state = steady_state(domain->state);
	vm->reason = domain->state == VM_BLOCKED ? 0 : domain->reason;
	vm->domain_id = domain->id;
	if (domain->vcpus != VIRT_UNKNOWN)
		vm->vcpus = domain->vcpus;
	if (domain->memory_bytes != VIRT_UNKNOWN)
		vm->memory_bytes = domain->memory_bytes;
	if (!same_disks(vm->disks_mark, mark) || (uint32_t)mark != 0)
		vm->disks_mark = mark;
}

static void take_domain(struct asking *asking, const struct virt_domain *domain, bool *changed, bool *aged)
{
	const struct vm *known = known_vm(asking->question->known, domain->uuid);
	uint64_t mark = disks_mark(&asking->list, domain);
	struct vm vm = {
		.vcpus = VM_UNKNOWN,
		.memory_bytes = VM_UNKNOWN,
		.disk_bytes = VM_UNKNOWN,
		.xml_read = WHEN_UNKNOWN,
	};

	if (known)
		vm_copy(&vm, known);
	*changed = !known || has_changed(asking, known, domain, mark);
	*aged = !*changed && has_aged(asking, known);
	asking->others |= !known || known->domain_id != domain->id;
	overlay(&vm, domain, mark);
	vec_push(&asking->vms, vm);
}

static int take_list(struct asking *asking)
{
	VEC(size_t) aged = {0};
	size_t active = 0;

	vec_foreach(&asking->list.domains, domain) {
		size_t place = asking->vms.count;
		bool is_changed;
		bool is_aged;
		take_domain(asking, domain, &is_changed, &is_aged);
		if (is_changed)
			vec_push(&asking->due, place);
		else if (is_aged)
			vec_push(&aged, place);
		active += vm_is_active(&asking->vms.items[place]);
	}
	vec_foreach(&aged, place)
		vec_push(&asking->due, *place);
	/* Another machine may answer at this address: then the VMs are others, or none. */
	asking->others |= asking->vms.count != asking->question->known->count || active == 0 || aged.count > 0;
	vec_done(&aged);
	return 0;
}

/* ---- facts ---- */

/* os-release(5), of this machine. The caller frees; NULL if there is none. */
static char *local_os(void)
{
	cleanup(cleanup_file) FILE *file = fopen("/etc/os-release", "re");
	char line[256];

	while (file && fgets(line, sizeof line, file)) {
		char *value = line + strlen("PRETTY_NAME=");
		if (!str_starts(line, "PRETTY_NAME="))
			continue;
		value += strspn(value, "\"'");
		return mem_string_n(value, strcspn(value, "\"'\n"));
	}
	return NULL;
}

/* qemu:///system and the like; the test driver has no machine at all, and a socket of its own may be a tunnel's end. */
static bool is_this_machine(const char *uri)
{
	return strstr(uri, ":///") && !strstr(uri, "socket=") && !str_starts(uri, "test:");
}

static int read_identity(struct roll_host *host, const struct virt_facts *facts, const char *name, struct err *e)
{
	cleanup(domxml_host_done) struct domxml_host capabilities = {0};
	int result = facts->capabilities ? domxml_parse_capabilities(&capabilities, facts->capabilities,
								     strlen(facts->capabilities), e)
					 : 0;

	if (result < 0)
		return err_wrap(e, "capabilities");
	host->cpu_model = mem_string(capabilities.cpu_model ? capabilities.cpu_model : capabilities.arch);
	if (capabilities.uuid && vm_uuid_parse(capabilities.uuid, host->uuid, NULL) == 0)
		return 0;
	vm_uuid_from_name(name, host->uuid);
	host->uuid_derived = true;
	return 0;
}

static int send_facts(struct asking *asking)
{
	cleanup(virt_facts_done) struct virt_facts facts = {0};
	cleanup(roll_host_done) struct roll_host host = {0};
	const struct host *asked = asking->question->host;

	int result = virt_read_facts(asking->virt, &facts, asking->e);
	if (result == 0)
		result = read_identity(&host, &facts, asked->name, asking->e);
	if (result < 0)
		return result;
	host.hypervisor = mem_string(facts.hypervisor);
	host.hypervisor_version = mem_string(facts.hypervisor_version);
	host.libvirt_version = mem_string(facts.libvirt_version);
	host.os = is_this_machine(asked->uri) ? local_os() : NULL;
	host.cpus = facts.cpus;
	host.mhz = facts.mhz;
	host.memory_bytes = facts.memory_bytes;
	return answer_send_facts(asking->sink, &host, asking->e);
}

/* ---- XML ---- */

/* A limit, else what the uplink can carry. */
static uint64_t rate_of(struct asking *asking, const struct domxml_nic *nic)
{
	uint64_t kib_s = nic->inbound_kib_s > nic->outbound_kib_s ? nic->inbound_kib_s : nic->outbound_kib_s;

	if (kib_s == 0)
		return uplinks_rate(&asking->uplinks, nic->uplink);
	return kib_s > UINT64_MAX / 8192 ? VM_UNKNOWN : kib_s * 8192;
}

static void take_nics(struct asking *asking, struct vm *vm, struct domxml *xml)
{
	vm->nics = xml->nics.count ? mem_zalloc(xml->nics.count, sizeof *vm->nics) : NULL;
	vm->nic_count = xml->nics.count;
	for (size_t i = 0; i < xml->nics.count; i++)
		vm->nics[i] = (struct vm_nic){
			.mac = mem_string(xml->nics.items[i].mac),
			.network = mem_string(xml->nics.items[i].network),
			.model = mem_string(xml->nics.items[i].model),
			.rate_bps = rate_of(asking, &xml->nics.items[i]),
		};
}

static uint64_t disk_capacity(struct asking *asking, const struct virt_domain *domain, const char *target)
{
	uint64_t bytes;

	vec_foreach(&domain->disks, disk)
		if (str_equal(disk->target, target))
			return disk->capacity_bytes;
	if (asking->no_capacity || !target)
		return VM_UNKNOWN;
	if (virt_disk_capacity(domain, target, &bytes, NULL) == 0)
		return bytes;
	/* One that cannot do it for a disk that the XML names cannot do it at all: ask no more. */
	asking->no_capacity = true;
	return VM_UNKNOWN;
}

/* CD-ROMs and floppies are somebody else's; a disk of unknown size makes the sum unknown. */
static uint64_t total_capacity(struct asking *asking, const struct virt_domain *domain, const struct domxml *xml)
{
	uint64_t total = 0;

	vec_foreach(&xml->disks, disk) {
		if (str_equal(disk->device, "cdrom") || str_equal(disk->device, "floppy"))
			continue;
		uint64_t bytes = disk_capacity(asking, domain, disk->target);
		if (bytes == VM_UNKNOWN || __builtin_add_overflow(total, bytes, &total))
			return VM_UNKNOWN;
	}
	return total;
}

static void take_xml(struct asking *asking, size_t place, struct domxml *xml)
{
	const struct vm *before = &asking->vms.items[place];
	const struct virt_domain *domain = &asking->list.domains.items[place];
	struct vm vm = *before;

	vm.name = mem_string(before->name);
	vm.os = mem_string(xml->os);
	vm.os_id = mem_string(xml->os_id);
	take_nics(asking, &vm, xml);
	if (domain->vcpus == VIRT_UNKNOWN)
		vm.vcpus = xml->vcpus;
	if (domain->memory_bytes == VIRT_UNKNOWN)
		vm.memory_bytes = xml->memory_bytes;
	vm.disk_bytes = total_capacity(asking, domain, xml);
	vm.xml_known = true;
	vm.xml_read = asking->now;
	vm_done(&asking->vms.items[place]);
	asking->vms.items[place] = vm;
}

/* XML that cannot be read or understood leaves the VM as the list has it: it is asked for again next time. */
static int on_xml(void *context, size_t place, const char *text, const struct err *why)
{
	cleanup(domxml_done) struct domxml xml = {0};
	struct asking *asking = context;

	(void)why;
	if (!text || domxml_parse(&xml, text, strlen(text), NULL) < 0)
		return 0;
	/* Each place is one thread's own. */
	take_xml(asking, place, &xml);
	pthread_mutex_lock(&asking->lock);
	int result = answer_send_vm(asking->sink, place, &asking->vms.items[place], asking->e);
	pthread_mutex_unlock(&asking->lock);
	return result;
}

static int send_list(struct asking *asking)
{
	int result = 0;

	for (size_t i = 0; i < asking->vms.count && result == 0; i++)
		result = answer_send_vm(asking->sink, i, &asking->vms.items[i], asking->e);
	return result < 0 ? result : answer_send_listed(asking->sink, asking->now, asking->e);
}

int ask_host(struct virt *virt, const struct question *question, const struct answer_sink *sink, struct err *e)
{
	cleanup(asking_done) struct asking asking = {
		.virt = virt,
		.uplinks = UPLINKS_INIT(virt),
		.question = question,
		.sink = sink,
		.now = when_now(),
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.e = e,
	};
	int result = virt_list(virt, &asking.list, e);

	if (result == 0)
		result = take_list(&asking);
	if (result == 0 && (asking.others || !question->known->any || question->identify))
		result = send_facts(&asking);
	if (result == 0)
		result = send_list(&asking);
	if (result == 0)
		result = virt_read_xml(&asking.list, asking.due.items, asking.due.count, question->until,
				       on_xml, &asking);
	return result;
}
