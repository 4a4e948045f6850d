/* candidates.c - mastimg candidates: every VM of every host, and whether it is registered. */
#include "config.h"

#include <string.h>

#include "mastimg.h"
#include "mem.h"
#include "str.h"
#include "survey.h"

enum {
	CANDIDATES_VM,
	CANDIDATES_UUID,
	CANDIDATES_HOST,
	CANDIDATES_STATE,
	CANDIDATES_OS,
	CANDIDATES_SIZE,
	CANDIDATES_PATHS,
	CANDIDATES_IMAGES
};

static const struct column candidates_columns[] = {
	[CANDIDATES_VM] = {"VM", "vm", "name", ROWS_TEXT, false, false},
	[CANDIDATES_UUID] = {"UUID", "uuid", "UUID", ROWS_TEXT, true, false},
	[CANDIDATES_HOST] = {"HOST", "host", "physical host", ROWS_TEXT, false, false},
	[CANDIDATES_STATE] = {"STATE", "state", "power state, as virsh says it", ROWS_TEXT, false, false},
	[CANDIDATES_OS] = {"OS", "os", "guest operating system", ROWS_TEXT, false, false},
	[CANDIDATES_SIZE] = {"SIZE", "size_bytes", "of all disks, as the guest sees them", ROWS_BYTES, false,
			     false},
	[CANDIDATES_PATHS] = {"PATHS", "paths", "where its disks lie", ROWS_LIST, false, false},
	[CANDIDATES_IMAGES] = {"IMAGES", "images", "images that were captured from it", ROWS_LIST, false, false},
};
const struct cli_listing candidates_listing = {candidates_columns,
					       sizeof candidates_columns / sizeof candidates_columns[0]};

static int read_images(const struct options *o, struct images *images, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	/* Before the first image there need not be a store. */
	int result = cli_store(&o->conf, STORE_WRITE, &store, e);
	if (result == 0)
		result = store_view_open(&view, store, e);
	return result < 0 ? result : image_all(view, images, e);
}

/* Those that were named, else all that are asked for their VMs. */
static int choose_hosts(const struct options *o, const struct hosts *hosts, const struct host **chosen,
			size_t *count, struct err *e)
{
	*count = 0;
	for (size_t i = 0; i < o->cli.operand_count; i++) {
		if (hosts_require(hosts, o->cli.operands[i], &chosen[*count], e) < 0)
			return e->code;
		if (!chosen[(*count)++]->uri)
			return err_set(e, ERR_USAGE, "%s: has no libvirt URI in %s", o->cli.operands[i],
				       hosts->path);
	}
	for (size_t i = 0; o->cli.operand_count == 0 && i < hosts->count; i++)
		if (hosts_is_asked(&hosts->items[i]))
			chosen[(*count)++] = &hosts->items[i];
	return 0;
}

/* A VM keeps its UUID wherever it goes. */
static void add_images(struct rows *rows, const struct images *images, const struct vm *vm)
{
	for (size_t i = 0; i < images->count; i++)
		if (images->items[i].vm && memcmp(images->items[i].vm_uuid, vm->uuid, VM_UUID_SIZE) == 0)
			rows_list_add(rows, CANDIDATES_IMAGES, images->items[i].name);
}

static int print(struct rows *rows, const struct surveyed *surveyed, const struct images *images, struct err *e)
{
	const struct vm *vm = &surveyed->vm;
	char uuid[VM_UUID_TEXT_SIZE];

	rows_text(rows, CANDIDATES_VM, vm->name);
	rows_text(rows, CANDIDATES_UUID, vm_uuid_format(vm->uuid, uuid));
	rows_text(rows, CANDIDATES_HOST, surveyed->host->name);
	rows_text(rows, CANDIDATES_STATE, vm_state_name(vm->state));
	rows_text(rows, CANDIDATES_OS, vm->os);
	rows_number(rows, CANDIDATES_SIZE, vm->disk_bytes);
	vec_foreach(&surveyed->paths, path)
		rows_list_add(rows, CANDIDATES_PATHS, *path);
	add_images(rows, images, vm);
	return rows_end(rows, e);
}

static int print_all(struct rows *rows, const struct survey *survey, const struct images *images, struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < survey->vms.count && result == 0; i++)
		result = print(rows, &survey->vms.items[i], images, e);
	return result == 0 ? rows_finish(rows, e) : result;
}

int command_candidates(void *context)
{
	struct options *o = context;
	cleanup(hosts_done) struct hosts hosts = {0};
	cleanup(images_done) struct images images = {0};
	cleanup(survey_done) struct survey survey = {0};
	cleanup(cleanup_rows) struct rows *rows = cli_rows(&o->cli, o->e);
	size_t count;

	if (!rows || cli_hosts(&o->conf, &hosts, o->e) < 0)
		return o->e->code;
	cleanup(cleanup_mem) const struct host **chosen =
		mem_zalloc(hosts.count + o->cli.operand_count + 1, sizeof *chosen);
	int result = choose_hosts(o, &hosts, chosen, &count, o->e);
	if (result == 0)
		result = read_images(o, &images, o->e);
	if (result == 0)
		result = survey_hosts(&o->conf, chosen, count, true, &survey, o->e);
	if (result == 0)
		result = print_all(rows, &survey, &images, o->e);
	return result < 0 ? result : survey_report(&survey, o->e);
}
