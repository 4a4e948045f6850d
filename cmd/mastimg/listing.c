/* listing.c - mastimg list, show: what images there are, and all that is known of them. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "mastimg.h"
#include "mem.h"
#include "str.h"
#include "vm.h"
#include "when.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

enum { IMAGES_MAX = 1 << 20 };

/* ---- list ---- */

enum {
	IMAGES_NAME,
	IMAGES_ID,
	IMAGES_OS,
	IMAGES_OS_ID,
	IMAGES_ARCH,
	IMAGES_VCPU,
	IMAGES_MEMORY,
	IMAGES_DISKS,
	IMAGES_SIZE,
	IMAGES_PHYSICAL,
	IMAGES_GENERATIONS,
	IMAGES_KEEP,
	IMAGES_VM,
	IMAGES_UUID,
	IMAGES_HOST,
	IMAGES_REGISTERED,
	IMAGES_UPDATED,
	IMAGES_COMMENT,
	IMAGES_CHANGE
};

static const struct column images_columns[] = {
	[IMAGES_NAME] = {"NAME", "name", "of the image", ROWS_TEXT, false, false},
	[IMAGES_ID] = {"ID", "id", "its number, which it keeps", ROWS_NUMBER, true, false},
	[IMAGES_OS] = {"OS", "os", "guest operating system", ROWS_TEXT, false, false},
	[IMAGES_OS_ID] = {"OS_ID", "os_id", "libosinfo's identifier of it", ROWS_TEXT, true, false},
	[IMAGES_ARCH] = {"ARCH", "arch", "architecture", ROWS_TEXT, true, false},
	[IMAGES_VCPU] = {"VCPU", "vcpu", "virtual CPUs", ROWS_NUMBER, true, false},
	[IMAGES_MEMORY] = {"MEMORY", "memory_bytes", "memory", ROWS_BYTES, true, false},
	[IMAGES_DISKS] = {"DISKS", "disks", "how many disks", ROWS_NUMBER, true, false},
	[IMAGES_SIZE] = {"SIZE", "size_bytes", "of all disks, as a guest sees them", ROWS_BYTES, false, false},
	[IMAGES_PHYSICAL] = {"PHYSICAL", "physical_bytes", "taken up in the repository", ROWS_BYTES, false, false},
	[IMAGES_GENERATIONS] = {"GENERATIONS", "generations", "how many are kept now", ROWS_NUMBER, false, false},
	[IMAGES_KEEP] = {"KEEP", "keep", "how many are kept at most", ROWS_NUMBER, true, false},
	[IMAGES_VM] = {"VM", "vm", "where it came from", ROWS_TEXT, false, false},
	[IMAGES_UUID] = {"UUID", "vm_uuid", "UUID of that VM", ROWS_TEXT, true, false},
	[IMAGES_HOST] = {"HOST", "host", "host of that VM then", ROWS_TEXT, false, false},
	[IMAGES_REGISTERED] = {"REGISTERED", "registered", "when it was made", ROWS_TIME, true, false},
	[IMAGES_UPDATED] = {"UPDATED", "updated", "when it was last captured", ROWS_TIME, false, false},
	[IMAGES_COMMENT] = {"COMMENT", "comment", "what it is for", ROWS_TEXT, false, false},
	[IMAGES_CHANGE] = {"CHANGE", "change", "--changed: how its source differs", ROWS_TEXT, true, false},
};
const struct cli_listing images_listing = {images_columns, COUNT(images_columns)};

static void fill_source(struct rows *rows, const struct image *image, size_t vm, size_t uuid, size_t host)
{
	char text[VM_UUID_TEXT_SIZE];

	rows_text(rows, vm, image->vm);
	rows_text(rows, host, image->host);
	if (image->vm)
		rows_text(rows, uuid, vm_uuid_format(image->vm_uuid, text));
}

static int print_image(struct rows *rows, const struct image *image, const char *change, struct err *e)
{
	rows_text(rows, IMAGES_NAME, image->name);
	rows_number(rows, IMAGES_ID, image->id);
	rows_text(rows, IMAGES_OS, image->os);
	rows_text(rows, IMAGES_OS_ID, image->os_id);
	rows_text(rows, IMAGES_ARCH, image->arch);
	rows_number(rows, IMAGES_VCPU, image->vcpus);
	rows_number(rows, IMAGES_MEMORY, image->memory_bytes);
	rows_number(rows, IMAGES_DISKS, image->generations.items[0].disks.count);
	rows_number(rows, IMAGES_SIZE, image_virtual_bytes(image));
	rows_number(rows, IMAGES_PHYSICAL, image_physical_bytes(image));
	rows_number(rows, IMAGES_GENERATIONS, image->generations.count);
	rows_number(rows, IMAGES_KEEP, image->keep);
	fill_source(rows, image, IMAGES_VM, IMAGES_UUID, IMAGES_HOST);
	rows_time(rows, IMAGES_REGISTERED, image->registered);
	rows_time(rows, IMAGES_UPDATED, image->updated);
	rows_text(rows, IMAGES_COMMENT, image->comment);
	rows_text(rows, IMAGES_CHANGE, change);
	return rows_end(rows, e);
}

/* The store is closed again: what follows may ask hosts. */
static int read_images(const struct options *o, struct images *images, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int result = cli_store(&o->conf, STORE_READ, &store, e);

	return result < 0 ? result : choose_images(o, store, images, e);
}

/* Of --changed, what matters is how. */
static const char *columns_of_list(const struct options *o)
{
	if (o->cli.columns || !o->changed || o->cli.format == ROWS_JSON)
		return o->cli.columns;
	return "NAME,CHANGE,VM,HOST,UPDATED,COMMENT";
}

int command_list(void *context)
{
	struct options *o = context;
	cleanup(image_texts_done) struct image_texts changes = {0};
	cleanup(images_done) struct images images = {0};
	cleanup(cleanup_rows) struct rows *rows = NULL;
	int partial = 0;

	o->cli.columns = columns_of_list(o);
	rows = cli_rows(&o->cli, o->e);
	if (!rows || cli_operands(&o->cli, 0, IMAGES_MAX, o->e) < 0 || read_images(o, &images, o->e) < 0)
		return o->e->code;
	if (o->changed)
		partial = images_changed(o, &images, &changes, o->e);
	if (partial < 0 && partial != ERR_PARTIAL)
		return partial;
	for (size_t i = 0; i < images.count; i++) {
		const char *change = o->changed ? changes.items[i] : NULL;
		if ((!o->changed || change) && print_image(rows, &images.items[i], change, o->e) < 0)
			return o->e->code;
	}
	return rows_finish(rows, o->e) < 0 ? o->e->code : partial;
}

/* ---- show ---- */

enum {
	DISKS_NAME,
	DISKS_ID,
	DISKS_GENERATION,
	DISKS_CAPTURED,
	DISKS_STATE,
	DISKS_DISK,
	DISKS_SIZE,
	DISKS_PHYSICAL,
	DISKS_FORMAT,
	DISKS_SHA256,
	DISKS_FILES,
	DISKS_CONFIG,
	DISKS_CONFIG_SHA256,
	DISKS_LEFT_OUT,
	DISKS_SOURCE,
	DISKS_SOURCE_FORMAT,
	DISKS_VM,
	DISKS_UUID,
	DISKS_HOST,
	DISKS_OS,
	DISKS_OS_ID,
	DISKS_ARCH,
	DISKS_VCPU,
	DISKS_MEMORY,
	DISKS_KEEP,
	DISKS_REGISTERED,
	DISKS_UPDATED,
	DISKS_COMMENT
};

static const struct column disks_columns[] = {
	[DISKS_NAME] = {"NAME", "name", "of the image", ROWS_TEXT, false, false},
	[DISKS_ID] = {"ID", "id", "its number, which it keeps", ROWS_NUMBER, true, false},
	[DISKS_GENERATION] = {"GENERATION", "generation", "number, rising with each capture", ROWS_NUMBER,
			      false, false},
	[DISKS_CAPTURED] = {"CAPTURED", "captured", "at which instant", ROWS_TIME, false, false},
	[DISKS_STATE] = {"STATE", "state", "what its source was doing: running, quiesced, stopped", ROWS_TEXT,
			 false, false},
	[DISKS_DISK] = {"DISK", "disk", "as the guest's definition calls it", ROWS_TEXT, false, false},
	[DISKS_SIZE] = {"SIZE", "size_bytes", "as a guest sees it", ROWS_BYTES, false, false},
	[DISKS_PHYSICAL] = {"PHYSICAL", "physical_bytes", "taken up in the repository", ROWS_BYTES, false, false},
	[DISKS_FORMAT] = {"FORMAT", "format", "in which it is deployed", ROWS_TEXT, false, false},
	[DISKS_SHA256] = {"SHA256", "sha256", "of what a guest sees", ROWS_TEXT, true, false},
	[DISKS_FILES] = {"FILES", "files", "where it lies: the base, then layers over it", ROWS_LIST, true, false},
	[DISKS_CONFIG] = {"CONFIG", "config", "where the domain's definition lies", ROWS_TEXT, true, false},
	[DISKS_CONFIG_SHA256] = {"CONFIG_SHA256", "config_sha256", "of that file", ROWS_TEXT, true, false},
	[DISKS_LEFT_OUT] = {"LEFT_OUT", "left_out", "what of its source is not in it", ROWS_LIST, true, false},
	[DISKS_SOURCE] = {"SOURCE", "source", "path of the disk on its host", ROWS_TEXT, true, false},
	[DISKS_SOURCE_FORMAT] = {"SOURCE_FORMAT", "source_format", "its format there", ROWS_TEXT, true, false},
	[DISKS_VM] = {"VM", "vm", "where it came from", ROWS_TEXT, true, false},
	[DISKS_UUID] = {"UUID", "vm_uuid", "UUID of that VM", ROWS_TEXT, true, false},
	[DISKS_HOST] = {"HOST", "host", "host of that VM then", ROWS_TEXT, true, false},
	[DISKS_OS] = {"OS", "os", "guest operating system", ROWS_TEXT, true, false},
	[DISKS_OS_ID] = {"OS_ID", "os_id", "libosinfo's identifier of it", ROWS_TEXT, true, false},
	[DISKS_ARCH] = {"ARCH", "arch", "architecture", ROWS_TEXT, true, false},
	[DISKS_VCPU] = {"VCPU", "vcpu", "virtual CPUs", ROWS_NUMBER, true, false},
	[DISKS_MEMORY] = {"MEMORY", "memory_bytes", "memory", ROWS_BYTES, true, false},
	[DISKS_KEEP] = {"KEEP", "keep", "how many generations are kept at most", ROWS_NUMBER, true, false},
	[DISKS_REGISTERED] = {"REGISTERED", "registered", "when the image was made", ROWS_TIME, true, false},
	[DISKS_UPDATED] = {"UPDATED", "updated", "when it was last captured", ROWS_TIME, true, false},
	[DISKS_COMMENT] = {"COMMENT", "comment", "what it is for", ROWS_TEXT, true, false},
};
const struct cli_listing disks_listing = {disks_columns, COUNT(disks_columns)};

struct showing {
	struct rows *rows;
	const struct repository *repository; /* NULL: cannot be opened; then names without folder */
	const struct image *image;
	const struct image_generation *generation;
};

static void fill_image(const struct showing *showing)
{
	const struct image *image = showing->image;
	struct rows *rows = showing->rows;

	rows_text(rows, DISKS_NAME, image->name);
	rows_number(rows, DISKS_ID, image->id);
	fill_source(rows, image, DISKS_VM, DISKS_UUID, DISKS_HOST);
	rows_text(rows, DISKS_OS, image->os);
	rows_text(rows, DISKS_OS_ID, image->os_id);
	rows_text(rows, DISKS_ARCH, image->arch);
	rows_number(rows, DISKS_VCPU, image->vcpus);
	rows_number(rows, DISKS_MEMORY, image->memory_bytes);
	rows_number(rows, DISKS_KEEP, image->keep);
	rows_time(rows, DISKS_REGISTERED, image->registered);
	rows_time(rows, DISKS_UPDATED, image->updated);
	rows_text(rows, DISKS_COMMENT, image->comment);
}

static const char *state_of(const struct image *image, const struct image_generation *generation)
{
	if (!image->vm)
		return NULL;
	return generation->quiesced ? "quiesced" : generation->running ? "running" : "stopped";
}

static void fill_generation(const struct showing *showing)
{
	const struct image_generation *generation = showing->generation;
	struct rows *rows = showing->rows;
	char digest[DIGEST_TEXT_SIZE];

	rows_number(rows, DISKS_GENERATION, generation->number);
	rows_time(rows, DISKS_CAPTURED, generation->captured);
	rows_text(rows, DISKS_STATE, state_of(showing->image, generation));
	rows_text(rows, DISKS_CONFIG, generation->config);
	rows_text(rows, DISKS_CONFIG_SHA256, digest_format(generation->config_sha256, digest));
	vec_foreach(&generation->left_out, text)
		rows_list_add(rows, DISKS_LEFT_OUT, *text);
}

static void fill_disk(const struct showing *showing, const struct image_disk *disk)
{
	struct rows *rows = showing->rows;
	char digest[DIGEST_TEXT_SIZE];

	rows_text(rows, DISKS_DISK, disk->target);
	rows_number(rows, DISKS_SIZE, disk->virtual_bytes);
	rows_number(rows, DISKS_PHYSICAL, disk->physical_bytes);
	rows_text(rows, DISKS_FORMAT, disk->format);
	rows_text(rows, DISKS_SHA256, digest_format(disk->sha256, digest));
	vec_foreach(&disk->files, file)
		rows_list_add(rows, DISKS_FILES, *file);
	rows_text(rows, DISKS_SOURCE, disk->source_path);
	rows_text(rows, DISKS_SOURCE_FORMAT, disk->source_format);
}

/* A row a disk; one without disks is to be seen, too. */
static int print_generation(const struct showing *showing, struct err *e)
{
	size_t disks = showing->generation->disks.count;

	for (size_t i = 0; i < disks || i == 0; i++) {
		fill_image(showing);
		fill_generation(showing);
		if (i < disks)
			fill_disk(showing, &showing->generation->disks.items[i]);
		if (rows_end(showing->rows, e) < 0)
			return e->code;
	}
	return 0;
}

int command_show(void *context)
{
	struct options *o = context;
	cleanup(images_done) struct images images = {0};
	cleanup(cleanup_rows) struct rows *rows = cli_rows(&o->cli, o->e);

	if (!rows || cli_operands(&o->cli, 1, IMAGES_MAX, o->e) < 0 || read_images(o, &images, o->e) < 0)
		return o->e->code;
	vec_foreach(&images, image) {
		vec_foreach(&image->generations, generation) {
			struct showing showing = {rows, NULL, image, generation};
			if (print_generation(&showing, o->e) < 0)
				return o->e->code;
		}
	}
	return rows_finish(rows, o->e);
}
