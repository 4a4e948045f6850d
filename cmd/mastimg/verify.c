/* verify.c - mastimg verify: images read, and held against their digests. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "interrupt.h"
#include "lock.h"
#include "log.h"
#include "mastimg.h"
#include "mem.h"
#include "repository_known.h"
#include "repository_work.h"
#include "str.h"

enum { IMAGES_MAX = 1 << 20 };

struct verify {
	const struct options *o;
	const struct image *image;
	struct progress *progress;
	size_t damaged; /* of that image */
};

/* ---- in the process of the work ---- */

struct work {
	struct repository *repository;
	struct repository_worker *worker;
	const struct image *image;
	bool quick;
};

/* What is wrong is told, and the rest is looked at; what is no fault of the files ends it. */
static int tell(const struct work *work, const struct image_generation *generation, const char *what,
		const struct err *why, struct err *e)
{
	cleanup(str_done) struct str text = {0};

	if (why->code != ERR_CORRUPT && why->code != ERR_NOT_FOUND) {
		*e = *why;
		return why->code;
	}
	str_addf(&text, "image %s: generation %llu: %s: %s", work->image->name,
		 (unsigned long long)generation->number, what, why->text);
	return repository_worker_send(work->worker, text.data, text.length, e);
}

static int read_disk(const struct work *work, const struct image_generation *generation,
		     const struct image_disk *disk, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_mem) char *label = mem_format("%s %s generation %llu", work->image->name,
						      disk->target, (unsigned long long)generation->number);
	cleanup(cleanup_mem) char *where = repository_where(work->repository, work->image, disk);
	struct disk_copied copied;

	if (work->quick) {
		uint64_t bytes;
		return repository_physical(work->repository, work->image->id, disk, &bytes, e);
	}
	if (repository_read(work->repository, work->image, disk, &reader, e) < 0 ||
	    repository_worker_copy(work->worker, label, disk->virtual_bytes, reader, NULL, DISK_DIGEST_WHOLE,
				   &copied, e) < 0)
		return e->code;
	if (copied.size_bytes != disk->virtual_bytes)
		return err_set(e, ERR_CORRUPT, "%s: has another size than was recorded", where);
	if (memcmp(copied.sha256, disk->sha256, DIGEST_SIZE) != 0)
		return err_set(e, ERR_CORRUPT, "%s: its content is not what was recorded", where);
	return 0;
}

static int read_config(const struct work *work, const struct image_generation *generation, struct err *e)
{
	cleanup(cleanup_mem) char *text = NULL;
	size_t length;

	return repository_read_text(work->repository, work->image, generation->config,
				    generation->config_sha256, &text, &length, e);
}

static int read_generation(const struct work *work, const struct image_generation *generation, struct err *e)
{
	struct err why = {0};

	if (read_config(work, generation, &why) < 0 && tell(work, generation, "definition", &why, e) < 0)
		return e->code;
	vec_foreach(&generation->disks, disk) {
		cleanup(cleanup_mem) char *what = mem_format("disk %s", disk->target);
		if (read_disk(work, generation, disk, &why) < 0 && tell(work, generation, what, &why, e) < 0)
			return e->code;
	}
	return 0;
}

static int act(struct repository *repository, struct repository_worker *worker, void *context, struct err *e)
{
	const struct verify *verify = context;
	const struct work work = {repository, worker, verify->image, verify->o->quick};

	vec_foreach(&verify->image->generations, generation)
		if (read_generation(&work, generation, e) < 0)
			return e->code;
	return 0;
}

/* ---- in the parent ---- */

static void on_moved(void *context, const char *label, uint64_t done_bytes, uint64_t total_bytes)
{
	const struct verify *verify = context;

	progress_set_only(verify->progress, label, done_bytes, total_bytes);
}

static int on_damage(void *context, const void *bytes, size_t length, struct err *e)
{
	struct verify *verify = context;

	(void)e;
	progress_hide(verify->progress);
	log_error("%.*s", (int)length, (const char *)bytes);
	verify->damaged++;
	return 0;
}

static int verify_image(struct verify *verify, struct err *e)
{
	const struct conf_image *conf = &verify->o->conf.image;
	const struct repository_work work = {.setting = conf->repository,
					     .stall_ms = conf->stall_ms,
					     .stop = interrupt_watch(),
					     .act = act,
					     .moved = on_moved,
					     .took = on_damage,
					     .context = verify};

	return repository_work(&work, e);
}

/* As it is once nobody can change it. 1, or 0: it is gone. */
static int lock_and_read(const struct options *o, struct store *store, uint64_t id, struct lock *lock,
			 struct image *image, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (lock_image(o, image, true, lock, e) < 0 || store_view_open(&view, store, e) < 0)
		return e->code;
	image_done(image);
	return image_find_id(view, id, image, e);
}

/* 0: it is well, or gone; 1: it is damaged, or could not be looked at; each said. */
static int verify_one(struct verify *verify, struct store *store, struct image *image, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	int result = lock_and_read(verify->o, store, image->id, &lock, image, e);

	verify->damaged = 0;
	verify->image = image;
	if (result == 0)
		return 0;
	if (result == 1)
		result = verify_image(verify, e);
	progress_hide(verify->progress);
	if (result == ERR_LOCKED) {
		log_err(e);
		return 1;
	}
	if (result < 0)
		return result;
	if (verify->damaged == 0)
		log_info("image %s: is well", image->name);
	return verify->damaged > 0;
}

static void verify_done(struct verify *verify)
{
	progress_free(verify->progress);
}

int command_verify(void *context)
{
	struct options *o = context;
	cleanup(verify_done) struct verify verify = {.o = o};
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(images_done) struct images images = {0};
	size_t bad = 0;

	if (cli_operands(&o->cli, 0, IMAGES_MAX, o->e) < 0 || open_progress(o, &verify.progress, o->e) < 0 ||
	    cli_store(&o->conf, STORE_READ, &store, o->e) < 0 || choose_images(o, store, &images, o->e) < 0)
		return o->e->code;
	if (images.count > 0 && repository_known(&o->conf, o->conf.image.repository, store, false, o->e) < 0)
		return o->e->code;
	vec_foreach(&images, image) {
		int result = verify_one(&verify, store, image, o->e);
		if (result < 0)
			return result;
		bad += (size_t)result;
	}
	/* Each was named. */
	o->e->text[0] = '\0';
	return bad > 0 ? ERR_PARTIAL : 0;
}
