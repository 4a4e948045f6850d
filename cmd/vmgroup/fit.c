/* fit.c - which host takes which machine of a deployment, and what is missing where none does. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "log.h"
#include "mem.h"
#include "rows.h"

void fit_done(struct fit *fit)
{
	vec_foreach(&fit->present, present)
		free(*present);
	vec_done(&fit->present);
	vec_done(&fit->hosts);
	vec_done(&fit->place_hosts);
	vec_done(&fit->machines);
	vec_done(&fit->bases);
}

/* ---- what a disk becomes ---- */

static bool is_nvram(const struct image_disk *disk)
{
	return strcmp(disk->target, IMAGE_NVRAM) == 0;
}

const char *fit_format(const struct image_disk *disk, bool linked, bool has_files)
{
	if (is_nvram(disk) || !has_files)
		return "raw";
	return linked ? "qcow2" : disk->format;
}

bool fit_has_base(const struct image_disk *disk, bool linked, bool has_files)
{
	return !is_nvram(disk) && (linked || strcmp(fit_format(disk, linked, has_files), "raw") != 0);
}

/* A base never grows: in a file it takes what there is of it in the repository. */
uint64_t fit_base_bytes(const struct image_disk *disk, bool has_files)
{
	if (!has_files || disk->physical_bytes == 0 || disk->physical_bytes > disk->virtual_bytes)
		return disk->virtual_bytes;
	return disk->physical_bytes;
}

/* ---- what there is ---- */

/* The bases of SOURCE that lie on HOST already: all of them, or it counts as none. */
static bool has_bases(const struct fit_order *order, const struct source *source, const char *host)
{
	size_t wanted = 0, found = 0;

	vec_foreach(&source->disks, disk)
		wanted += !is_nvram(disk->disk);
	vec_foreach(order->bases, base)
		found += base->whole && base->own == 0 && base->image == source->image.id &&
			 base->generation == source->number && strcmp(base->host, host) == 0 &&
			 strcmp(base->pool, order->pool) == 0;
	return wanted == found;
}

/* What would never do is said once, here, and left out. */
static bool can_take(const struct fit_order *order, const struct asked *asked)
{
	if (!asked->candidate || !asked->answered || asked->refusal)
		return false;
	if (!order->linked || asked->has_files)
		return true;
	log_warning("%s: pool %s holds no files: nothing linked is placed there", asked->host->name, order->pool);
	return false;
}

static uint64_t less(uint64_t from, uint64_t bytes)
{
	return from > bytes ? from - bytes : 0;
}

static void add_host(struct fit *fit, const struct fit_order *order, const struct asked *asked)
{
	struct deployment_promise promise = {
		.host = asked->host->name,
		.pool = order->pool,
		.allocated = asked_allocated,
		.context = (void *)asked,
	};
	struct fit_host host = {.asked = asked};
	struct place_host place = {.memory_bytes = PLACE_UNKNOWN};

	deployment_promised(order->deployments, order->bases, &promise);
	host.promised_bytes = promise.storage_bytes;
	host.promised_memory_bytes = promise.memory_bytes;
	host.reserved_bytes = asked->capacity_bytes / 100 * order->session->conf->image.reserve;
	place.storage_bytes = less(asked->available_bytes, host.reserved_bytes);
	place.promised_bytes = host.promised_bytes;
	if (asked->memory_bytes != UINT64_MAX)
		place.memory_bytes = less(asked->memory_bytes, host.promised_memory_bytes);
	vec_push(&fit->hosts, host);
	vec_push(&fit->place_hosts, place);
}

/* ---- what is wanted ---- */

/* Pools of one deployment have one name, and mostly are of one kind: what differs is only where raw stands for qcow2. */
static bool all_have_files(const struct fit *fit)
{
	vec_foreach(&fit->hosts, host)
		if (!host->asked->has_files)
			return false;
	return true;
}

static void add_base(struct fit *fit, const struct fit_order *order, const struct source *source, bool has_files)
{
	struct place_base base = {0};
	bool *present = mem_zalloc(fit->hosts.count ? fit->hosts.count : 1, sizeof *present);

	vec_foreach(&source->disks, disk)
		if (fit_has_base(disk->disk, order->linked, has_files))
			base.storage_bytes += fit_base_bytes(disk->disk, has_files);
	for (size_t i = 0; i < fit->hosts.count; i++)
		present[i] = !order->session->options->reset_identity &&
			     has_bases(order, source, fit->hosts.items[i].asked->host->name);
	base.present = present;
	vec_push(&fit->present, present);
	vec_push(&fit->bases, base);
}

static void add_machine(struct fit *fit, const struct fit_order *order, const struct group_vm *vm)
{
	size_t place = source_place(order->sources, vm->image);
	const struct source *source = &order->sources->items[place];
	struct place_machine machine = {.memory_bytes = source->memory_bytes, .base = SIZE_MAX, .host = SIZE_MAX};

	vec_foreach(&source->disks, disk)
		machine.storage_bytes += disk->disk->virtual_bytes;
	if (fit->bases.items[place].storage_bytes > 0)
		machine.base = place;
	vec_push(&fit->machines, machine);
}

int fit_all(struct fit *fit, const struct fit_order *order, struct err *e)
{
	const struct options *options = order->session->options;
	const char *policy = options->policy ? options->policy : order->session->conf->deploy.policy;

	fit->linked = order->linked;
	if (place_policy_parse(policy, &fit->place.policy, e) < 0)
		return err_wrap(e, "--policy");
	vec_foreach(order->asked, asked)
		if (can_take(order, asked))
			add_host(fit, order, asked);
	bool has_files = all_have_files(fit);
	vec_foreach(order->sources, source)
		add_base(fit, order, source, has_files);
	vec_foreach(order->vms, vm)
		add_machine(fit, order, vm);
	fit->place.hosts = fit->place_hosts.items;
	fit->place.host_count = fit->place_hosts.count;
	fit->place.machines = fit->machines.items;
	fit->place.machine_count = fit->machines.count;
	fit->place.bases = fit->bases.items;
	fit->place.base_count = fit->bases.count;
	fit->place.over_commit_percent = order->session->conf->deploy.over_commit_percent;
	return place_all(&fit->place);
}

/* ---- what is missing ---- */

static size_t first_unplaced(const struct fit *fit)
{
	for (size_t i = 0; i < fit->machines.count; i++)
		if (fit->machines.items[i].host == SIZE_MAX)
			return i;
	return SIZE_MAX;
}

static bool lies_there(const struct fit *fit, size_t base, size_t host)
{
	if (fit->present.items[base][host])
		return true;
	for (size_t i = 0; i < fit->machines.count; i++)
		if (fit->machines.items[i].base == base && fit->machines.items[i].host == host)
			return true;
	return false;
}

static uint64_t storage_short(const struct fit *fit, size_t machine, size_t host)
{
	return less(place_need(&fit->place, machine, host), fit->place_hosts.items[host].storage_left);
}

static uint64_t memory_short(const struct fit *fit, size_t machine, size_t host)
{
	const struct place_host *there = &fit->place_hosts.items[host];

	if (there->memory_bytes == PLACE_UNKNOWN)
		return 0;
	return less(fit->machines.items[machine].memory_bytes, there->memory_left);
}

enum { SIZE_TEXT = 32 };

static void tell_host(const struct fit *fit, const struct fit_order *order, size_t machine, size_t host)
{
	const struct fit_host *there = &fit->hosts.items[host];
	const struct place_host *place = &fit->place_hosts.items[host];
	char wanted[SIZE_TEXT], available[SIZE_TEXT], promised[SIZE_TEXT], left[SIZE_TEXT], missing[SIZE_TEXT];
	uint64_t storage = storage_short(fit, machine, host), memory = memory_short(fit, machine, host);

	str_format_bytes(there->asked->available_bytes, available, sizeof available);
	str_format_bytes(there->promised_bytes + there->reserved_bytes, promised, sizeof promised);
	if (storage > 0) {
		str_format_bytes(place_need(&fit->place, machine, host), wanted, sizeof wanted);
		str_format_bytes(place->storage_left, left, sizeof left);
		str_format_bytes(storage, missing, sizeof missing);
		log_error("%s: %s has %s free, %s of them promised or kept free, and in the end %s left: "
			  "%s short of the %s that %s takes",
			  there->asked->host->name, order->pool, available, promised, left, missing, wanted,
			  order->vms->items[machine].name);
	}
	if (memory > 0) {
		str_format_bytes(place->memory_left, left, sizeof left);
		str_format_bytes(memory, missing, sizeof missing);
		log_error("%s: %s of memory left: %s short for %s", there->asked->host->name, left, missing,
			  order->vms->items[machine].name);
	}
}

int fit_tell_shortfall(const struct fit *fit, const struct fit_order *order, struct err *e)
{
	size_t machine = first_unplaced(fit), unplaced = 0;

	for (size_t host = 0; machine != SIZE_MAX && host < fit->hosts.count; host++)
		tell_host(fit, order, machine, host);
	for (size_t i = 0; i < fit->machines.count; i++)
		unplaced += fit->machines.items[i].host == SIZE_MAX;
	return err_set(e, ERR_FULL, "no room: %zu of %zu VMs find no place: nothing was done", unplaced,
		       fit->machines.count);
}

/* ---- --dry-run ---- */

enum column_number {
	C_HOST,
	C_VMS,
	C_NEED,
	C_FREE,
	C_PROMISED,
	C_RESERVED,
	C_LEFT,
	C_SHORT,
	C_MEMORY,
	C_MEMORY_FREE,
	C_MEMORY_PROMISED,
	C_MEMORY_LEFT,
	C_MEMORY_SHORT,
	COLUMNS
};

static const struct column placement_columns[COLUMNS] = {
	[C_HOST] = {.name = "HOST", .json = "host", .help = "name of the host; - for what finds no place"},
	[C_VMS] = {.name = "VMS", .json = "vms", .help = "VMs that would go there", .kind = ROWS_LIST},
	[C_NEED] = {.name = "NEED", .json = "need_bytes", .help = "storage that they take", .kind = ROWS_BYTES},
	[C_FREE] = {.name = "FREE", .json = "free_bytes", .help = "free in the pool now", .kind = ROWS_BYTES},
	[C_PROMISED] = {.name = "PROMISED",
			.json = "promised_bytes",
			.help = "of that, promised to other deployments",
			.kind = ROWS_BYTES},
	[C_RESERVED] = {.name = "RESERVED",
			.json = "reserved_bytes",
			.help = "of that, kept free (image.reserve)",
			.kind = ROWS_BYTES},
	[C_LEFT] = {.name = "LEFT", .json = "left_bytes", .help = "left in the end", .kind = ROWS_BYTES},
	[C_SHORT] = {.name = "SHORT",
		     .json = "short_bytes",
		     .help = "missing for the first VM without a place",
		     .kind = ROWS_BYTES},
	[C_MEMORY] = {.name = "MEMORY",
		      .json = "memory_bytes",
		      .help = "memory of the VMs",
		      .kind = ROWS_BYTES,
		      .hidden = true},
	[C_MEMORY_FREE] = {.name = "MEMORY-FREE",
			   .json = "memory_free_bytes",
			   .help = "memory that is free now",
			   .kind = ROWS_BYTES,
			   .hidden = true},
	[C_MEMORY_PROMISED] = {.name = "MEMORY-PROMISED",
			       .json = "memory_promised_bytes",
			       .help = "of that, promised to other deployments",
			       .kind = ROWS_BYTES,
			       .hidden = true},
	[C_MEMORY_LEFT] = {.name = "MEMORY-LEFT",
			   .json = "memory_left_bytes",
			   .help = "memory left in the end",
			   .kind = ROWS_BYTES,
			   .hidden = true},
	[C_MEMORY_SHORT] = {.name = "MEMORY-SHORT",
			    .json = "memory_short_bytes",
			    .help = "memory missing for the first VM without a place",
			    .kind = ROWS_BYTES,
			    .hidden = true},
};
const struct cli_listing placement_listing = {placement_columns, COLUMNS};

static void show_machines(struct rows *rows, const struct fit *fit, const struct fit_order *order,
			  const char *deployment, size_t host)
{
	uint64_t memory = 0, storage = 0;

	for (size_t i = 0; i < fit->machines.count; i++) {
		if (fit->machines.items[i].host != host)
			continue;
		cleanup(cleanup_mem) char *name = mem_format("%s-%s", deployment, order->vms->items[i].name);
		rows_list_add(rows, C_VMS, name);
		storage += fit->machines.items[i].storage_bytes;
		memory += fit->machines.items[i].memory_bytes;
	}
	for (size_t i = 0; host != SIZE_MAX && i < fit->bases.count; i++)
		if (!fit->present.items[i][host] && lies_there(fit, i, host))
			storage += fit->bases.items[i].storage_bytes;
	rows_number(rows, C_NEED, storage);
	rows_number(rows, C_MEMORY, memory);
}

static void show_host(struct rows *rows, const struct fit *fit, size_t host)
{
	const struct fit_host *there = &fit->hosts.items[host];
	const struct place_host *place = &fit->place_hosts.items[host];
	size_t machine = first_unplaced(fit);

	rows_text(rows, C_HOST, there->asked->host->name);
	rows_number(rows, C_FREE, there->asked->available_bytes);
	rows_number(rows, C_PROMISED, there->promised_bytes);
	rows_number(rows, C_RESERVED, there->reserved_bytes);
	rows_number(rows, C_LEFT, place->storage_left);
	rows_number(rows, C_MEMORY_PROMISED, there->promised_memory_bytes);
	if (place->memory_bytes != PLACE_UNKNOWN) {
		rows_number(rows, C_MEMORY_FREE, there->asked->memory_bytes);
		rows_number(rows, C_MEMORY_LEFT, place->memory_left);
	}
	if (machine != SIZE_MAX) {
		rows_number(rows, C_SHORT, storage_short(fit, machine, host));
		rows_number(rows, C_MEMORY_SHORT, memory_short(fit, machine, host));
	}
}

int fit_show(const struct fit *fit, const struct fit_order *order, const char *deployment, struct err *e)
{
	cleanup(cleanup_rows) struct rows *rows = cli_rows(&order->session->options->cli, e);
	int result = rows ? 0 : ERR_USAGE;

	for (size_t i = 0; result == 0 && i < fit->hosts.count; i++) {
		show_machines(rows, fit, order, deployment, i);
		show_host(rows, fit, i);
		result = rows_end(rows, e);
	}
	if (result == 0 && first_unplaced(fit) != SIZE_MAX) {
		show_machines(rows, fit, order, deployment, SIZE_MAX);
		result = rows_end(rows, e);
	}
	return result < 0 ? result : rows_finish(rows, e);
}
