/* import.c - mastimg import: an image from a folder, an archive, or a disk with a definition. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "domxml.h"
#include "domxml_rewrite.h"
#include "interrupt.h"
#include "lock.h"
#include "log.h"
#include "manifest.h"
#include "mastimg.h"
#include "mem.h"
#include "repository_places.h"
#include "repository_work.h"
#include "source.h"
#include "stage.h"
#include "str.h"
#include "when.h"

/* Larger ones are lies: no file system of today has them. */
static const uint64_t disk_bytes_max = UINT64_C(64) << 40;

/* Of one import; the process that works sees it as it was at the fork. */
struct import {
	const struct options *o;
	const char *path;
	struct image image; /* at first what is decided here: id, name, comment, keep; then what is there */
	struct stage stage;
	struct lock stage_lock, image_lock;
	struct progress *progress;
};

static void import_done(struct import *import)
{
	lock_done(&import->image_lock);
	lock_done(&import->stage_lock);
	stage_done(&import->stage);
	image_done(&import->image);
	progress_free(import->progress);
}

/* ---- in the process of the work: disks ---- */

struct work {
	const struct import *import;
	struct repository *repository;
	struct repository_worker *worker;
	struct source *source;
	const struct image_disk *disk; /* that is being read */
};

static char *label_of(const struct work *work)
{
	return mem_format("%s %s", work->import->image.name, work->disk->target);
}

static int on_preparing(void *context, const char *phase, uint64_t done_bytes, uint64_t total_bytes,
			struct err *e)
{
	const struct work *work = context;
	cleanup(cleanup_mem) char *label =
		mem_format("%s %s %s", work->import->image.name, work->disk->target, phase);

	return repository_worker_moved(work->worker, label, done_bytes, total_bytes, e);
}

static int check_copied(const struct work *work, const struct disk_copied *copied, struct err *e)
{
	const struct image_disk *disk = work->disk;

	if (copied->size_bytes != disk->virtual_bytes)
		return err_set(e, ERR_CORRUPT, "%s: disk %.64s: has %llu bytes, %llu expected",
			       work->import->path, disk->target, (unsigned long long)copied->size_bytes,
			       (unsigned long long)disk->virtual_bytes);
	if (work->source->proven && memcmp(copied->sha256, disk->sha256, DIGEST_SIZE) != 0)
		return err_set(e, ERR_CORRUPT, "%s: disk %.64s: damaged: its digest is not that of its manifest",
			       work->import->path, disk->target);
	return 0;
}

static int take_disk(struct work *work, struct image_disk *made, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *label = label_of(work);
	const struct stage *stage = &work->import->stage;
	struct disk_copied copied;
	char *file;

	/* It becomes a part of names and definitions on hosts. */
	if (!str_equal(made->format, "raw") && !str_equal(made->format, "qcow2"))
		return err_set(e, ERR_CORRUPT, "%s: disk %.64s: its format is neither raw nor qcow2",
			       work->import->path, made->target);
	if (made->virtual_bytes > disk_bytes_max)
		return err_set(e, ERR_CORRUPT, "%s: disk %.64s: no disk has %llu bytes", work->import->path,
			       made->target, (unsigned long long)made->virtual_bytes);
	if (work->source->read_disk(work->source, work->disk, &reader, e) < 0 ||
	    repository_write(work->repository, stage->id, stage->image, stage->generation, made->target,
			     made->virtual_bytes, &writer, &file, e) < 0)
		return e->code;
	image_texts_done(&made->files);
	vec_push(&made->files, file);
	if (repository_worker_copy(work->worker, label, made->virtual_bytes, reader, writer,
				   DISK_DIGEST_WHOLE | DISK_DIGEST_DATA, &copied, e) < 0 ||
	    check_copied(work, &copied, e) < 0)
		return e->code;
	memcpy(made->sha256, copied.sha256, DIGEST_SIZE);
	memcpy(made->data_sha256, copied.data_sha256, DIGEST_SIZE);
	made->source_modified = WHEN_UNKNOWN;
	return 0;
}

/* ---- its definition ---- */

static bool has_disk(const struct domxml *domain, const char *target)
{
	vec_foreach(&domain->disks, disk)
		if (disk->target && strcmp(disk->target, target) == 0)
			return true;
	return false;
}

/* What it says itself is proven by its digest; what a manifest says of it is not. */
static int describe(struct image *image, const char *xml, size_t length, struct err *e)
{
	cleanup(domxml_done) struct domxml domain = {0};
	cleanup(str_done) struct str canonical = {0};
	struct image_generation *generation = &image->generations.items[0];

	if (domxml_parse(&domain, xml, length, e) < 0 || domxml_canonical(xml, length, &canonical, e) < 0 ||
	    digest_of(str_text(&canonical), canonical.length, generation->definition_sha256, e) < 0)
		return e->code;
	vec_foreach(&generation->disks, disk)
		if (strcmp(disk->target, IMAGE_NVRAM) != 0 && !has_disk(&domain, disk->target))
			return err_set(e, ERR_CORRUPT, "there is a disk %.64s that the definition has not",
				       disk->target);
	mem_replace(&image->os, domain.os);
	mem_replace(&image->os_id, domain.os_id);
	mem_replace(&image->arch, domain.arch);
	image->vcpus = domain.vcpus;
	image->memory_bytes = domain.memory_bytes;
	return 0;
}

static int take_config(struct work *work, struct image *image, struct err *e)
{
	const struct stage *stage = &work->import->stage;
	struct image_generation *generation = &image->generations.items[0];
	unsigned char expected[DIGEST_SIZE];
	cleanup(cleanup_mem) char *xml = NULL;
	size_t length;

	memcpy(expected, generation->config_sha256, DIGEST_SIZE);
	if (work->source->read_config(work->source, &xml, &length, e) < 0 ||
	    digest_of(xml, length, generation->config_sha256, e) < 0)
		return e->code;
	if (work->source->proven && memcmp(expected, generation->config_sha256, DIGEST_SIZE) != 0)
		return err_set(e, ERR_CORRUPT,
			       "%s: its definition is damaged: its digest is not that of its manifest",
			       work->import->path);
	if (describe(image, xml, length, e) < 0)
		return err_wrap(e, "%s", work->import->path);
	free(generation->config);
	generation->config = NULL;
	return repository_write_text(work->repository, stage->id, stage->image, stage->generation,
				     "domain.xml", xml, length, &generation->config, e);
}

/* ---- all of it ---- */

/* The generation that is meant, as the first of a new image. */
static void begin_image(const struct work *work, struct image *image)
{
	const struct import *import = work->import;
	struct image_generation *first;

	image_copy(image, &work->source->image);
	while (image->generations.count > 1)
		image_generation_done(&image->generations.items[--image->generations.count]);
	first = &image->generations.items[0];
	first->number = import->stage.generation;
	image->id = import->stage.image;
	image->made = first->number;
	image->registered = import->stage.begun;
	image->updated = first->captured;
	image->keep = import->image.keep;
	mem_replace(&image->name, import->image.name);
	if (import->image.comment)
		mem_replace(&image->comment, import->image.comment);
}

static int check_room(const struct work *work, struct err *e)
{
	const struct conf_image *conf = &work->import->o->conf.image;
	char wanted[32], there[32];
	uint64_t room;

	if (repository_room(work->repository, conf->reserve, &room, e) < 0)
		return e->code;
	if (room >= work->source->bytes)
		return 0;
	str_format_bytes(work->source->bytes, wanted, sizeof wanted);
	str_format_bytes(room, there, sizeof there);
	return err_set(e, ERR_FULL,
		       "repository %s: %s wanted for %s, %s there beside the %u %% that are never used",
		       conf->repository, wanted, work->import->path, there, conf->reserve);
}

static int write_manifest(const struct work *work, const struct image *image, struct err *e)
{
	const struct stage *stage = &work->import->stage;
	cleanup(str_done) struct str text = {0};
	cleanup(cleanup_mem) char *file = NULL;

	manifest_write(image, &text);
	return repository_write_text(work->repository, stage->id, stage->image, stage->generation,
				     MANIFEST_NAME, text.data, text.length, &file, e);
}

static int take_all(struct work *work, struct image *image, struct err *e)
{
	const struct stage *stage = &work->import->stage;
	struct image_generation *generation = &image->generations.items[0];

	if (check_room(work, e) < 0 || repository_stage(work->repository, stage->id, e) < 0)
		return e->code;
	for (size_t i = 0; i < generation->disks.count; i++) {
		work->disk = &work->source->image.generations.items[0].disks.items[i];
		if (take_disk(work, &generation->disks.items[i], e) < 0)
			return e->code;
	}
	if (take_config(work, image, e) < 0 || write_manifest(work, image, e) < 0 ||
	    repository_publish(work->repository, stage->id, stage->image, e) < 0)
		return e->code;
	vec_foreach(&generation->disks, disk)
		if (repository_physical(work->repository, image->id, disk, &disk->physical_bytes, e) < 0)
			return e->code;
	return 0;
}

static int send_image(const struct work *work, const struct image *image, struct err *e)
{
	cleanup(str_done) struct str record = {0};

	image_encode(image, &record);
	return repository_worker_send(work->worker, record.data, record.length, e);
}

/* 1, or 0: there is no generation of that number. */
static int try_generation(struct work *work, size_t number, struct err *e)
{
	const struct import *import = work->import;
	cleanup(cleanup_source) struct source *source = NULL;
	cleanup(image_done) struct image image = {0};

	int result = source_open(&source, import->path, import->o->xml, number, e);
	if (result <= 0)
		return result;
	source->moved = on_preparing;
	source->context = work;
	work->source = source;
	begin_image(work, &image);
	if (take_all(work, &image, e) < 0)
		return e->code;
	return send_image(work, &image, e) < 0 ? e->code : 1;
}

/* Of a folder of a repository the newest generation that is whole: the store may have known of a rollback. */
static int act(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	struct work work = {.import = context, .repository = repository, .worker = worker};
	struct err first = {0};
	int result = try_generation(&work, 0, &first);

	for (size_t number = 1; result == ERR_CORRUPT || result == ERR_NOT_FOUND; number++) {
		result = try_generation(&work, number, e);
		if (result == 0)
			break;
	}
	if (result == 1)
		return 0;
	*e = first;
	return first.code;
}

static int act_unstage(struct repository *repository, struct repository_worker *worker, void *context,
		       struct err *e)
{
	const struct stage *stage = context;

	(void)worker;
	return repository_unstage(repository, stage->id, stage->image, stage->generation, e);
}

/* ---- in the parent ---- */

static void on_moved(void *context, const char *label, uint64_t done_bytes, uint64_t total_bytes)
{
	const struct import *import = context;

	progress_set_only(import->progress, label, done_bytes, total_bytes);
}

static int on_image(void *context, const void *bytes, size_t length, struct err *e)
{
	struct import *import = context;
	struct image image;

	if (image_decode(bytes, length, &image, e) < 0)
		return e->code;
	image_done(&import->image);
	import->image = image;
	return 0;
}

static int work_on(struct import *import, struct err *e)
{
	const struct conf_image *conf = &import->o->conf.image;
	const struct repository_work work = {.setting = conf->repository,
					     .stall_ms = conf->stall_ms,
					     .stop = interrupt_watch(),
					     .act = act,
					     .moved = on_moved,
					     .took = on_image,
					     .context = import};

	return repository_work(&work, e);
}

/* What cannot be removed now has its stage still, for gc. */
static void give_up(struct import *import, struct store *store)
{
	const struct conf_image *conf = &import->o->conf.image;
	const struct repository_work work = {.setting = conf->repository,
					     .stall_ms = conf->stall_ms,
					     .act = act_unstage,
					     .context = &import->stage};
	struct err why = {0};

	if (repository_work(&work, &why) < 0 || stage_end(store, import->stage.id, &why) < 0)
		log_warning("what was imported of %s is left for 'mastimg gc': %s", import->path, why.text);
}

/* What is decided before: its name, and what goes with it. */
static int decide(struct import *import, struct store *store, struct err *e)
{
	const struct options *o = import->o;
	cleanup(cleanup_source) struct source *source = NULL;

	if (source_open(&source, import->path, o->xml, 0, e) < 0)
		return e->code;
	const char *name = o->name ? o->name : source->image.name;
	if (!name)
		return err_set(e, ERR_USAGE,
			       "%s: the name of its domain cannot be that of an image: give --name", o->xml);
	import->image.name = mem_string(name);
	import->image.comment = mem_string(o->comment);
	import->image.keep = o->keep ? o->keep : o->conf.image.keep;
	return check_free(store, name, e);
}

static int begin_stage(struct import *import, struct store *store, struct err *e)
{
	const struct conf *conf = &import->o->conf;
	struct stage *stage = &import->stage;

	if (repository_number(conf, store, &stage->id, e) < 0)
		return e->code;
	stage->generation = 1;
	stage->what = mem_format("import %s", import->image.name);
	stage->repository = mem_string(conf->image.repository);
	stage->begun = when_now();
	if (stage_begin(store, conf->store, stage, &import->stage_lock, e) < 0)
		return e->code;
	import->image.id = stage->image;
	return lock_image(import->o, &import->image, false, &import->image_lock, e);
}

static int import_one(struct import *import, struct store *store, struct err *e)
{
	if (begin_stage(import, store, e) < 0)
		return e->code;
	int result = work_on(import, e);
	if (result == 0)
		result = image_create(store, &import->image, import->stage.id, e);
	if (result < 0)
		give_up(import, store);
	return result;
}

int command_import(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(import_done) struct import import = {.o = o, .stage_lock = LOCK_NONE, .image_lock = LOCK_NONE};

	if (cli_operands(&o->cli, 1, 1, o->e) < 0 || open_progress(o, &import.progress, o->e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0)
		return o->e->code;
	import.path = o->cli.operands[0];
	if (decide(&import, store, o->e) < 0 || import_one(&import, store, o->e) < 0)
		return o->e->code;
	progress_hide(import.progress);
	log_info("image %s: imported from %s", import.image.name, import.path);
	return 0;
}
