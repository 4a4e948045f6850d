/* export.c - mastimg export: the newest generation of an image as a folder, or an archive. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "export_place.h"
#include "imagefile.h"
#include "interrupt.h"
#include "lock.h"
#include "log.h"
#include "manifest.h"
#include "mastimg.h"
#include "mem.h"
#include "repository_known.h"
#include "repository_work.h"
#include "str.h"
#include "tarfile.h"

#define CONFIG_NAME "domain.xml"

enum { FOLDER_MODE = 0700 };

struct export
{
	const struct options *o;
	const char *path;
	char *partial; /* what it is called until it is complete */
	bool is_tar;
	struct image image; /* the newest generation only */
	struct lock lock;
	struct progress *progress;
};

static void export_done(struct export *export)
{
	lock_done(&export->lock);
	image_done(&export->image);
	progress_free(export->progress);
	free(export->partial);
}

/* ---- in the process of the work ---- */

struct work {
	const struct export *export;
	struct repository *repository;
	struct repository_worker *worker;
	char *config;
	size_t config_length;
	struct str manifest;
};

static void work_done(struct work *work)
{
	free(work->config);
	str_done(&work->manifest);
}

static char *file_of(const struct image_disk *disk)
{
	return mem_format("%s.raw", disk->target);
}

/* What it is there: one file a disk, and no path of this machine's repository. */
static void write_manifest(struct work *work)
{
	cleanup(image_done) struct image image = {0};
	struct image_generation *generation;

	image_copy(&image, &work->export->image);
	generation = &image.generations.items[0];
	mem_replace(&generation->config, CONFIG_NAME);
	vec_foreach(&generation->disks, disk) {
		image_texts_done(&disk->files);
		vec_push(&disk->files, file_of(disk));
	}
	manifest_write(&image, &work->manifest);
}

/* Reads DISK, and holds it against its digest. */
static int copy(const struct work *work, const struct image_disk *disk, const char *phase,
		struct disk_writer *writer, struct err *e)
{
	const struct image *image = &work->export->image;
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_mem) char *label = mem_format("%s %s %s", image->name, disk->target, phase);
	struct disk_copied copied;

	if (repository_read(work->repository, image, disk, &reader, e) < 0 ||
	    repository_worker_copy(work->worker, label, disk->virtual_bytes, reader, writer,
				   image_disk_digest(disk), &copied, e) < 0)
		return e->code;
	if (!image_disk_is(disk, &copied))
		return err_set(
			e, ERR_CORRUPT,
			"image %s: disk %s is damaged: its digest does not fit; 'mastimg verify' tells more",
			image->name, disk->target);
	return 0;
}

/* ---- a folder ---- */

static int put_disk(const struct work *work, const struct image_disk *disk, struct err *e)
{
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *file = file_of(disk);

	if (imagefile_write(&writer, work->export->partial, file, e) < 0)
		return e->code;
	return copy(work, disk, "copying", writer, e);
}

static int put_text(const struct work *work, const char *name, const char *text, size_t length, struct err *e)
{
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	const struct disk_chunk chunk = {text, length};

	if (imagefile_write(&writer, work->export->partial, name, e) < 0 || writer->write(writer, &chunk, e) < 0)
		return e->code;
	return writer->finish(writer, e);
}

static int put_all(const struct work *work, struct err *e)
{
	const char *folder = work->export->partial;

	if (mkdir(folder, FOLDER_MODE) < 0)
		return err_set_errno(e, errno == ENOSPC ? ERR_FULL : ERR_ENV, errno, "%s", folder);
	vec_foreach(&work->export->image.generations.items[0].disks, disk)
		if (put_disk(work, disk, e) < 0)
			return e->code;
	if (put_text(work, CONFIG_NAME, work->config, work->config_length, e) < 0)
		return e->code;
	return put_text(work, MANIFEST_NAME, work->manifest.data, work->manifest.length, e);
}

/* ---- an archive ---- */

/* Its map of holes stands before its content: so it is read twice, and damage is found before anything is written of it. */
static int pack_disk(const struct work *work, struct tarfile_writer *tar, const struct image_disk *disk,
		     struct err *e)
{
	cleanup(tarfile_extents_done) struct tarfile_extents extents = {0};
	cleanup(cleanup_disk_writer) struct disk_writer *measure = tarfile_measure(&extents);
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *file = file_of(disk);

	if (copy(work, disk, "reading", measure, e) < 0 ||
	    tarfile_add_disk(tar, file, disk->virtual_bytes, &extents, &writer, e) < 0)
		return e->code;
	return copy(work, disk, "packing", writer, e);
}

static int pack_all(const struct work *work, struct err *e)
{
	cleanup(cleanup_tarfile_writer) struct tarfile_writer *tar = NULL;

	if (tarfile_create(&tar, work->export->partial, e) < 0 ||
	    tarfile_add_text(tar, MANIFEST_NAME, work->manifest.data, work->manifest.length, e) < 0 ||
	    tarfile_add_text(tar, CONFIG_NAME, work->config, work->config_length, e) < 0)
		return e->code;
	vec_foreach(&work->export->image.generations.items[0].disks, disk)
		if (pack_disk(work, tar, disk, e) < 0)
			return e->code;
	return tarfile_finish(tar, e);
}

static int act(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	const struct export *export = context;
	const struct image_generation *generation = &export->image.generations.items[0];
	cleanup(work_done) struct work work = {export, repository, worker, NULL, 0, {0}};

	write_manifest(&work);
	if (repository_read_text(repository, &export->image, generation->config, generation->config_sha256,
				 &work.config, &work.config_length, e) < 0)
		return e->code;
	return export->is_tar ? pack_all(&work, e) : put_all(&work, e);
}

/* ---- in the parent ---- */

static void on_moved(void *context, const char *label, uint64_t done_bytes, uint64_t total_bytes)
{
	const struct export *export = context;

	progress_set_only(export->progress, label, done_bytes, total_bytes);
}

static int export_image(struct export *export, struct err *e)
{
	const struct conf_image *conf = &export->o->conf.image;
	const struct repository_work work = {.setting = conf->repository,
					     .stall_ms = conf->stall_ms,
					     .stop = interrupt_watch(),
					     .act = act,
					     .moved = on_moved,
					     .context = export};
	int result = repository_work(&work, e);

	if (result == 0)
		result = export_publish(export->partial, export->path, e);
	if (result < 0)
		export_remove(export->partial);
	return result;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text);
	size_t end_length = strlen(end);

	return length > end_length && strcmp(text + length - end_length, end) == 0;
}

/* A name that nobody else has: two exports to one place do not write into each other. */
static int choose_place(struct export *export, struct err *e)
{
	cleanup(cleanup_mem) char *path = mem_string(export->o->cli.operands[1]);
	struct stat status;

	if (lstat(path, &status) == 0)
		return err_set(e, ERR_USAGE, "%s: is there already", path);
	while (strlen(path) > 1 && path[strlen(path) - 1] == '/')
		path[strlen(path) - 1] = '\0';
	if (!*path)
		return err_set(e, ERR_USAGE, "an empty name cannot be written to");
	export->is_tar = ends_in(path, ".tar");
	export_sweep(path);
	export->partial = export_partial(path);
	return 0;
}

/* The newest alone; which others there are does not matter elsewhere. */
static int choose_image(struct export *export, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;
	struct image *image = &export->image;
	const struct options *o = export->o;

	if (cli_store(&o->conf, STORE_READ, &store, e) < 0 ||
	    require_image(store, o->cli.operands[0], image, e) < 0 ||
	    lock_image(o, image, true, &export->lock, e) < 0)
		return e->code;
	int result = repository_known(&o->conf, o->conf.image.repository, store, false, e);
	if (result == 0)
		result = reread_image(store, image, e);
	while (result == 0 && image->generations.count > 1)
		image_generation_done(&image->generations.items[--image->generations.count]);
	return result;
}

int command_export(void *context)
{
	struct options *o = context;
	cleanup(export_done) struct export export = {.o = o, .lock = LOCK_NONE};

	if (cli_operands(&o->cli, 2, 2, o->e) < 0 || open_progress(o, &export.progress, o->e) < 0)
		return o->e->code;
	export.path = o->cli.operands[1];
	if (choose_place(&export, o->e) < 0 || choose_image(&export, o->e) < 0 || export_image(&export, o->e) < 0)
		return o->e->code;
	progress_hide(export.progress);
	log_info("image %s: exported to %s", export.image.name, export.path);
	return 0;
}
