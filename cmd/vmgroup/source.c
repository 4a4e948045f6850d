/* source.c - the master images that a deployment is made from. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "domxml.h"
#include "imagefile.h"
#include "mem.h"
#include "repository_known.h"
#include "source.h"
#include "when.h"
#include "workers.h"

/* PATIENCE_MS: layers are folded into a base in that time, mostly. */
enum { PATIENCE_MS = 30 * 1000 };

static void source_done(struct source *source)
{
	image_done(&source->image);
	lock_done(&source->lock);
	free(source->xml);
	free(source->folder);
	vec_foreach(&source->disks, disk)
		free(disk->staged);
	vec_done(&source->disks);
}

void sources_done(struct sources *sources)
{
	vec_foreach(sources, source)
		source_done(source);
	vec_done(sources);
}

size_t source_place(const struct sources *sources, uint64_t id)
{
	for (size_t i = 0; i < sources->count; i++)
		if (sources->items[i].image.id == id)
			return i;
	return SIZE_MAX;
}

/* ---- record and lock ---- */

struct lock_try {
	const char *path;
	uint64_t id;
	int64_t until;
	struct lock *lock;
};

static int try_lock(void *context, struct err *e)
{
	const struct lock_try *try = context;
	int result = lock_acquire_part(try->lock, try->path, try->id, true, e);

	if (result == ERR_LOCKED && when_monotonic() >= try->until)
		return err_set(e, ERR_DEADLINE, "its files are being changed: try again later");
	return result;
}

static int lock_image(struct session *session, uint64_t id, struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;
	int result = store_lock_path(session->conf->store, "images", &path, e);
	struct lock_try try = {path, id, when_monotonic() + PATIENCE_MS, lock};

	try.path = path;
	return result < 0 ? result : session_wait_lock(try_lock, &try, session_stop(), e);
}

static int read_record(struct session *session, uint64_t id, struct image *image, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	int result = store_view_open(&view, session->store, e);

	if (result == 0)
		result = image_find_id(view, id, image, e);
	if (result == 0)
		return err_set(e, ERR_NOT_FOUND, "image %llu does not exist any more", (unsigned long long)id);
	return result < 0 ? result : 0;
}

static int choose_generation(struct source *source, uint64_t number, struct err *e)
{
	const struct image *image = &source->image;

	source->generation = number ? image_find_generation(image, number) : &image->generations.items[0];
	if (!source->generation)
		return err_set(e, ERR_NOT_FOUND, "image %s: its generation %llu is gone: undeploy",
			       image->name, (unsigned long long)number);
	source->number = source->generation->number;
	vec_foreach(&source->generation->disks, disk)
		((struct source_disk *)vec_push_zero(&source->disks))->disk = disk;
	return 0;
}

int source_add(struct session *session, struct sources *sources, uint64_t id, uint64_t generation, struct err *e)
{
	if (source_place(sources, id) != SIZE_MAX)
		return 0;
	struct source *source = vec_push_zero(sources);
	source->lock = (struct lock)LOCK_NONE;
	source->image.id = id;
	int result = lock_image(session, id, &source->lock, e);
	if (result < 0)
		return err_wrap(e, "image %llu", (unsigned long long)id);
	result = read_record(session, id, &source->image, e);
	return result < 0 ? result : choose_generation(source, generation, e);
}

/* ---- definitions ---- */

struct reading {
	struct session *session;
	struct sources *sources;
};

static int read_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_repository) struct repository *repository = NULL;
	cleanup(cleanup_mem) char *text = NULL;
	const struct reading *reading = context;
	const struct source *source = &reading->sources->items[job];
	size_t length = 0;

	int result = repository_open(&repository, reading->session->conf->image.repository, e);
	if (result == 0)
		result = repository_read_text(repository, &source->image, source->generation->config,
					      source->generation->config_sha256, &text, &length, e);
	return result < 0 ? result : worker_send(worker, text, length, e);
}

static int take_definition(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	const struct reading *reading = context;
	struct source *source = &reading->sources->items[job];
	struct domxml domain = {0};
	int result = domxml_parse(&domain, bytes, length, e);

	if (result < 0)
		return result;
	free(source->xml);
	source->xml = mem_string_n(bytes, length);
	source->xml_length = length;
	source->nics = domain.nics.count;
	source->memory_bytes =
		domain.memory_bytes == UINT64_MAX ? source->image.memory_bytes : domain.memory_bytes;
	domxml_done(&domain);
	return 0;
}

static int read_ended(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	const struct reading *reading = context;
	const struct source *source = &reading->sources->items[job];

	if (outcome->code == 0 && source->xml)
		return 0;
	return err_set(e, outcome->code ? outcome->code : ERR_CORRUPT, "image %s: %s", source->image.name,
		       outcome->code ? outcome->text : "it has no definition");
}

int source_read(struct session *session, struct sources *sources, struct err *e)
{
	struct reading reading = {session, sources};
	const struct workers_job job = {&reading, read_job, take_definition, read_ended};
	struct workers_limits limits;

	session_limits(session, &limits);
	if (repository_known(session->conf, session->conf->image.repository, session->store, false, e) < 0)
		return e->code;
	int result = workers_run(&job, sources->count, &limits, session_stop(), e);
	if (result == 0 && *session_stop())
		return err_set(e, ERR_ENV, "interrupted");
	return result;
}

/* ---- content ---- */

int source_open_disk(struct repository *repository, const struct source *source,
		     const struct source_disk *disk, struct disk_reader **reader, struct err *e)
{
	const char *file = disk->staged;
	const struct imagefile staged = {source->folder, &file, 1};

	if (!disk->staged)
		return repository_read(repository, &source->image, disk->disk, reader, e);
	return imagefile_read(reader, &staged, e);
}

unsigned source_digest(const struct source_disk *disk)
{
	return disk->staged ? DISK_DIGEST_DATA : image_disk_digest(disk->disk);
}

bool source_is(const struct source_disk *disk, const struct disk_copied *copied)
{
	if (!disk->staged)
		return image_disk_is(disk->disk, copied);
	return memcmp(copied->data_sha256, disk->staged_sha256, DIGEST_SIZE) == 0;
}
