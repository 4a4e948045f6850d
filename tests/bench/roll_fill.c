/*
 * roll_fill.c - fills a store through the roll's own interface: HOSTS hosts of VMS machines each, a snapshot
 * every 15 minutes for DAYS days that end now, and one in a hundred machines moves each day.
 *
 *	roll_fill STORE-URI [HOSTS [VMS [DAYS]]]
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "roll.h"
#include "vec.h"
#include "when.h"

enum { SNAPSHOTS_A_DAY = 96, PERIOD_MS = 15 * 60 * 1000 };

struct machines {
	VEC(struct vm) items;
};

struct cluster {
	struct store *store;
	struct hosts hosts;
	struct roll_host *attributes;
	struct machines *machines; /* by host */
	size_t host_count, vm_count;
	struct err e;
};

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void must(int result, const struct cluster *cluster)
{
	if (result >= 0)
		return;
	fprintf(stderr, "roll_fill: %s\n", cluster->e.text);
	exit(4);
}

static void make_vm(struct vm *vm, size_t number)
{
	static const char *const roles[] = {"web", "db", "mail", "app", "build", "cache"};
	static const char *const systems[] = {"Debian 12", "Ubuntu 22.04", "Windows Server 2022"};
	static const char *const ids[] = {"http://debian.org/debian/12", "http://ubuntu.com/ubuntu/22.04",
					  "http://microsoft.com/win/2k22"};

	vm_decode_begin(vm);
	for (size_t i = 0; i < VM_UUID_SIZE; i += 8) {
		uint64_t random = random_number();
		memcpy(vm->uuid + i, &random, sizeof random);
	}
	vm->name = mem_format("%s-%06zu", roles[number % 6], number);
	vm->state = number % 20 ? VM_RUNNING : VM_SHUTOFF;
	vm->reason = 1;
	vm->domain_id = number % 20 ? (int)(number % 400) + 1 : -1;
	vm->os = mem_string(systems[number % 3]);
	vm->os_id = mem_string(ids[number % 3]);
	vm->vcpus = 1 + number % 8;
	vm->memory_bytes = (uint64_t)(1 + number % 16) << 30;
	vm->disk_bytes = (uint64_t)(10 + number % 490) << 30;
	vm->nics = mem_zalloc(1, sizeof *vm->nics);
	vm->nic_count = 1;
	vm->nics->mac = mem_format("52:54:%02zx:%02zx:%02zx:%02zx", number >> 24 & 255, number >> 16 & 255,
				   number >> 8 & 255, number & 255);
	vm->nics->network = mem_format("br%zu", number % 4);
	vm->nics->model = mem_string("virtio");
	vm->nics->rate_bps = VM_UNKNOWN;
	vm->xml_known = true;
	vm->xml_read = 1700000000000;
	vm->disks_mark = number;
}

static void make_host(struct cluster *cluster, size_t index)
{
	struct roll_host *host = &cluster->attributes[index];

	host->name = mem_format("host%05zu", index);
	vm_uuid_from_name(host->name, host->uuid);
	host->address = mem_format("10.%zu.%zu.%zu", index >> 16 & 255, index >> 8 & 255, index & 255);
	host->cluster = mem_format("cluster%zu", index % 10);
	host->manager = mem_format("center%zu", index % 10);
	host->hypervisor = mem_string("QEMU");
	host->hypervisor_version = mem_string("7.2.0");
	host->libvirt_version = mem_string("9.0.0");
	host->os = mem_string("Debian GNU/Linux 12");
	host->cpu_model = mem_string("x86_64");
	host->cpus = 64;
	host->mhz = 2600;
	host->memory_bytes = UINT64_C(1) << 39;
	for (size_t i = 0; i < cluster->vm_count; i++)
		make_vm(vec_push_zero(&cluster->machines[index].items), index * cluster->vm_count + i);
}

static void make_hosts_file(struct cluster *cluster)
{
	char path[] = "/tmp/vmroll-bench-XXXXXX";
	FILE *file = fdopen(mkstemp(path), "w");

	for (size_t i = 0; i < cluster->host_count; i++)
		fprintf(file, "%s %s test:/// -\n", cluster->attributes[i].name, cluster->attributes[i].address);
	fclose(file);
	int result = hosts_read(&cluster->hosts, path, &cluster->e);
	unlink(path);
	must(result, cluster);
}

static void move_one(struct cluster *cluster, size_t snapshot)
{
	struct machines *from = &cluster->machines[random_number() % cluster->host_count];
	struct machines *to = &cluster->machines[random_number() % cluster->host_count];

	if (from == to || from->items.count == 0)
		return;
	size_t index = random_number() % from->items.count;
	struct vm vm = from->items.items[index];
	from->items.items[index] = from->items.items[--from->items.count];
	vm.domain_id = 1000 + (int)snapshot;
	vm.reason = 2;
	vec_push(&to->items, vm);
}

static void take_snapshot(struct cluster *cluster, int64_t begun)
{
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;

	must(roll_begin(&writer, cluster->store, &cluster->hosts, begun, &cluster->e), cluster);
	for (size_t i = 0; i < cluster->host_count; i++) {
		const struct machines *machines = &cluster->machines[i];
		int64_t answered = begun + 100 + (int64_t)(random_number() % 2000);
		must(roll_put_list(writer, &cluster->attributes[i], machines->items.items,
				   machines->items.count, answered, NULL, &cluster->e),
		     cluster);
	}
	must(roll_finish(writer, begun + 2500, &cluster->e), cluster);
}

static size_t argument(int argc, char **argv, int index, size_t otherwise)
{
	return argc > index ? strtoul(argv[index], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	struct cluster cluster = {.host_count = argument(argc, argv, 2, 1000),
				  .vm_count = argument(argc, argv, 3, 100)};
	size_t snapshots = argument(argc, argv, 4, 30) * SNAPSHOTS_A_DAY;
	size_t moved = 0, vms = cluster.host_count * cluster.vm_count;
	uint64_t bytes;

	if (argc < 2)
		return 2;
	if (snapshots == 0)
		snapshots = 1;
	cluster.attributes = mem_zalloc(cluster.host_count, sizeof *cluster.attributes);
	cluster.machines = mem_zalloc(cluster.host_count, sizeof *cluster.machines);
	for (size_t i = 0; i < cluster.host_count; i++)
		make_host(&cluster, i);
	make_hosts_file(&cluster);
	must(store_open(&cluster.store, argv[1], STORE_WRITE, &cluster.e), &cluster);
	int64_t begin = when_now() - (int64_t)snapshots * PERIOD_MS;
	for (size_t i = 0; i < snapshots; i++) {
		for (; moved * 100 * SNAPSHOTS_A_DAY < i * vms; moved++)
			move_one(&cluster, i);
		take_snapshot(&cluster, begin + (int64_t)i * PERIOD_MS);
	}
	must(store_size(cluster.store, &bytes, &cluster.e), &cluster);
	printf("%zu hosts, %zu VMs, %zu snapshots, %zu moves: %.1f MB in use\n", cluster.host_count, vms,
	       snapshots, moved, (double)bytes / 1e6);
	store_close(cluster.store);
	return 0;
}
