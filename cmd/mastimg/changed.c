/* changed.c - mastimg list --changed: images whose source VM differs from them. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "domxml.h"
#include "domxml_rewrite.h"
#include "digest.h"
#include "log.h"
#include "mastimg.h"
#include "mem.h"
#include "str.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "when.h"
#include "workers.h"

enum { STALL_MS = 10 * 1000 };

/* Of one image: how its source differs. */
struct verdict {
	bool known;
	char *how; /* NULL: not at all; where it is not known: why */
};

struct comparing {
	const struct images *images;
	const struct hosts *hosts;
	VEC(const struct host *) asked; /* each once: a job */
	struct verdict *verdicts;       /* one an image */
};

static void comparing_done(struct comparing *comparing)
{
	for (size_t i = 0; i < comparing->images->count; i++)
		free(comparing->verdicts[i].how);
	free(comparing->verdicts);
	vec_done(&comparing->asked);
}

static bool is_of(const struct image *image, const struct host *host)
{
	return image->vm && str_equal(image->host, host->name);
}

/* ---- in the worker: one image ---- */

struct comparison {
	struct virt *virt;
	const struct virt_pools *pools;
	const struct image *image;
	struct str how;     /* what differs, with commas */
	struct str unknown; /* what could not be asked */
};

static void comparison_done(struct comparison *comparison)
{
	str_done(&comparison->how);
	str_done(&comparison->unknown);
}

static void note(struct str *list, const char *what, const char *target)
{
	if (list->length)
		str_add(list, ", ");
	str_addf(list, "%s%s%s", what, target ? " " : "", target ? target : "");
}

static int compare_definition(struct comparison *comparison, const char *xml, struct err *e)
{
	cleanup(str_done) struct str canonical = {0};
	unsigned char sha256[DIGEST_SIZE];

	int result = domxml_canonical(xml, strlen(xml), &canonical, e);
	if (result == 0)
		result = digest_of(canonical.data, canonical.length, sha256, e);
	if (result == 0 &&
	    memcmp(sha256, comparison->image->generations.items[0].definition_sha256, sizeof sha256) != 0)
		note(&comparison->how, "definition", NULL);
	return result;
}

/* The pool over the folder that PATH lies in, and its NAME there: none is made to find out. */
static const struct virt_pool *pool_of(const struct virt_pools *pools, const char *path, const char **name)
{
	for (size_t i = 0; i < pools->count; i++) {
		const struct virt_pool *pool = &pools->items[i];
		size_t length = pool->active && pool->path ? strlen(pool->path) : 0;
		if (length == 0 || strncmp(path, pool->path, length) != 0 || path[length] != '/')
			continue;
		*name = path + length + 1;
		if (!strchr(*name, '/'))
			return pool;
	}
	return NULL;
}

/* 1 with *MODIFIED, 0 if it cannot be told. */
static int find_modified(struct comparison *comparison, const struct domxml_disk *disk, int64_t *modified,
			 struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume volume = {0};
	const char *name = disk->volume;
	const struct virt_pool *pool =
		disk->pool || !disk->source ? NULL : pool_of(comparison->pools, disk->source, &name);

	if (!pool && !disk->pool)
		return 0;
	int result = virt_volume_find(comparison->virt, pool ? pool->name : disk->pool, name, &volume, e);
	if (result > 0)
		*modified = volume.modified;
	if (result == ERR_NOT_FOUND || (result > 0 && volume.modified == WHEN_UNKNOWN))
		return 0;
	return result;
}

static const struct domxml_disk *find_disk(const struct domxml *domain, const char *target)
{
	vec_foreach(&domain->disks, disk)
		if (str_equal(disk->target, target))
			return disk;
	return NULL;
}

static int compare_disk(struct comparison *comparison, const struct image_disk *was,
			const struct domxml *domain, struct err *e)
{
	const struct domxml_disk *disk = find_disk(domain, was->target);
	int64_t modified = WHEN_UNKNOWN;

	if (!disk || !str_equal(disk->source, was->source_path)) {
		note(&comparison->how, "disk", was->target);
		return 0;
	}
	int result = find_modified(comparison, disk, &modified, e);
	if (result == 0)
		note(&comparison->unknown, "disk", was->target);
	if (result > 0 && modified != was->source_modified)
		note(&comparison->how, "disk", was->target);
	return result < 0 ? result : 0;
}

static int compare_disks(struct comparison *comparison, const char *xml, struct err *e)
{
	cleanup(domxml_done) struct domxml domain = {0};
	const struct image_generation *newest = &comparison->image->generations.items[0];

	int result = domxml_parse(&domain, xml, strlen(xml), e);
	vec_foreach(&newest->disks, disk)
		if (result == 0 && !str_equal(disk->target, IMAGE_NVRAM))
			result = compare_disk(comparison, disk, &domain, e);
	return result;
}

static int compare(struct comparison *comparison, struct err *e)
{
	const unsigned char *uuid = comparison->image->vm_uuid;
	cleanup(cleanup_mem) char *xml = NULL;
	int state;

	int result = virt_domain_state(comparison->virt, uuid, &state, e);
	if (result == 0)
		note(&comparison->how, "gone", NULL);
	if (result <= 0)
		return result;
	if (virt_state_is_active(state))
		note(&comparison->how, "running", NULL);
	result = virt_domain_config(comparison->virt, uuid, &xml, e);
	if (result == 0)
		result = compare_definition(comparison, xml, e);
	if (result == 0 && !virt_state_is_active(state))
		result = compare_disks(comparison, xml, e);
	return result;
}

/* ---- in the worker: one host ---- */

/* A frame: the place of the image, whether it is known, how it differs. */
static int send_verdict(struct worker *worker, size_t place, bool known, const char *how, struct err *e)
{
	cleanup(str_done) struct str frame = {0};

	str_add_n(&frame, &place, sizeof place);
	str_add_char(&frame, known ? 1 : 0);
	str_add(&frame, how);
	return worker_send(worker, frame.data, frame.length, e);
}

static int compare_image(struct worker *worker, struct virt *virt, const struct virt_pools *pools,
			 const struct comparing *comparing, size_t place, struct err *e)
{
	cleanup(comparison_done) struct comparison comparison = {virt, pools,
								 &comparing->images->items[place], .how = {0}};
	struct err why = {0};

	int result = compare(&comparison, &why);
	if (result == ERR_NET || result == ERR_AUTH) {
		*e = why;
		return result;
	}
	if (result < 0)
		return send_verdict(worker, place, false, why.text, e);
	if (comparison.how.length == 0 && comparison.unknown.length) {
		cleanup(cleanup_mem) char *text =
			mem_format("%s lies in no storage pool", str_text(&comparison.unknown));
		return send_verdict(worker, place, false, text, e);
	}
	return send_verdict(worker, place, true, str_text(&comparison.how), e);
}

static int work(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct comparing *comparing = context;
	const struct host *host = comparing->asked.items[job];
	cleanup(cleanup_virt) struct virt *virt = NULL;
	cleanup(virt_pools_done) struct virt_pools pools = {0};

	int result = virt_open_control(&virt, host->uri, e);
	if (result == 0)
		result = virt_pool_list(virt, &pools, e);
	for (size_t i = 0; i < comparing->images->count && result == 0; i++)
		if (is_of(&comparing->images->items[i], host))
			result = compare_image(worker, virt, &pools, comparing, i, e);
	return result;
}

/* ---- in the parent ---- */

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct comparing *comparing = context;
	const char *text = bytes;
	size_t place;

	if (length <= sizeof place)
		return err_set(e, ERR_CORRUPT, "bad frame from the worker");
	memcpy(&place, bytes, sizeof place);
	if (place >= comparing->images->count ||
	    !is_of(&comparing->images->items[place], comparing->asked.items[job]))
		return err_set(e, ERR_CORRUPT, "bad frame from the worker");
	struct verdict *verdict = &comparing->verdicts[place];
	size_t head = sizeof place + 1;
	free(verdict->how);
	verdict->known = text[sizeof place] == 1;
	verdict->how = length > head ? mem_string_n(text + head, length - head) : NULL;
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct comparing *comparing = context;
	const struct host *host = comparing->asked.items[job];

	(void)e;
	if (outcome->code == 0)
		return 0;
	log_error("%s: %s", host->name, outcome->text);
	for (size_t i = 0; i < comparing->images->count; i++) {
		struct verdict *verdict = &comparing->verdicts[i];
		if (is_of(&comparing->images->items[i], host) && !verdict->known && !verdict->how)
			verdict->how = mem_format("%s does not answer", host->name);
	}
	return 0;
}

static void ask_once(struct comparing *comparing, const struct host *host)
{
	vec_foreach(&comparing->asked, known)
		if (*known == host)
			return;
	vec_push(&comparing->asked, host);
}

/* What was imported has no source to differ from. */
static void choose_hosts(struct comparing *comparing)
{
	for (size_t i = 0; i < comparing->images->count; i++) {
		const struct image *image = &comparing->images->items[i];
		const struct host *host =
			image->vm && image->host ? hosts_find(comparing->hosts, image->host) : NULL;
		if (host && host->uri)
			ask_once(comparing, host);
		else if (image->vm && image->host)
			comparing->verdicts[i].how = mem_format("there is no host %s any more", image->host);
		else
			comparing->verdicts[i].known = true;
	}
}

/* Those that are not known are changes, too, for whoever reads the list. */
static int take_verdicts(struct comparing *comparing, struct image_texts *changes, struct err *e)
{
	bool all_known = true;

	for (size_t i = 0; i < comparing->images->count; i++) {
		const struct verdict *verdict = &comparing->verdicts[i];
		all_known = all_known && verdict->known;
		vec_push(changes,
			 verdict->known ? mem_string(verdict->how)
					: mem_format("unknown: %s", verdict->how ? verdict->how : "not asked"));
	}
	return all_known ? 0 : err_set(e, ERR_PARTIAL, "%s", "");
}

int images_changed(const struct options *o, const struct images *images, struct image_texts *changes,
		   struct err *e)
{
	cleanup(hosts_done) struct hosts hosts = {0};
	int result = cli_hosts(&o->conf, &hosts, e);

	if (result < 0)
		return result;
	cleanup(comparing_done) struct comparing comparing = {
		.images = images,
		.hosts = &hosts,
		.verdicts = mem_zalloc(images->count + 1, sizeof *comparing.verdicts),
	};
	const struct workers_job job = {&comparing, work, received, finished};
	const struct workers_limits limits = {.parallel = o->conf.parallel, .stall_ms = STALL_MS};
	choose_hosts(&comparing);
	if (comparing.asked.count)
		result = workers_run(&job, comparing.asked.count, &limits, NULL, e);
	return result < 0 ? result : take_verdicts(&comparing, changes, e);
}
