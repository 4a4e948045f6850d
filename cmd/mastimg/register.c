/* register.c - mastimg register, update: VMs captured as images. */
#include "config.h"

#include <string.h>

#include "capture.h"
#include "interrupt.h"
#include "log.h"
#include "mastimg.h"
#include "mem.h"
#include "roll.h"
#include "str.h"
#include "survey.h"
#include "when.h"

/* ---- which VM, and where ---- */

/* VM[@HOST]; a VM may have an @ in its name, too. */
struct source {
	char *vm;
	const struct host *host; /* NULL: not said */
};

static void source_done(struct source *source)
{
	cleanup_mem(&source->vm);
}

static int split(const struct hosts *hosts, const char *text, struct source *source, struct err *e)
{
	const char *at = strrchr(text, '@');
	const struct host *host = at ? hosts_find(hosts, at + 1) : NULL;

	if (at == text || *text == '\0')
		return err_set(e, ERR_USAGE, "'%s': expected VM or VM@HOST", text);
	if (host && !host->uri)
		return err_set(e, ERR_USAGE, "%s: has no libvirt URI in %s", host->name, hosts->path);
	source->vm = host ? mem_string_n(text, (size_t)(at - text)) : mem_string(text);
	source->host = host;
	return 0;
}

/* The host that the newest roll has it on: *HOST, or NULL where it has it not, or more than once. */
static int look_in_roll(struct roll *roll, const struct hosts *hosts, const char *vm,
			const struct host **host, struct err *e)
{
	struct roll_vm *found = NULL;
	size_t count = 0;

	int result = roll_find_vms(roll, vm, &found, &count, e);
	for (size_t i = 0; i < count; i++) {
		cleanup(roll_list_done) struct roll_list list = {0};
		if (count == 1 && str_equal(found[i].vm.name, vm) &&
		    roll_host_at(roll, found[i].host, &list, NULL) > 0)
			*host = hosts_find(hosts, list.host.name);
		roll_vm_done(&found[i]);
	}
	cleanup_mem(&found);
	return result;
}

/* What the roll does not know for certain is asked of the hosts: it may be old, or there is none. */
static const struct host *ask_roll(struct store *store, const struct hosts *hosts, const char *vm)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll) struct roll *roll = NULL;
	const struct host *host = NULL;

	if (store_view_open(&view, store, NULL) < 0 || roll_open(&roll, view, WHEN_UNKNOWN, NULL) < 0 ||
	    look_in_roll(roll, hosts, vm, &host, NULL) < 0)
		return NULL;
	return host && hosts_is_asked(host) ? host : NULL;
}

static int ask_hosts(const struct options *o, const struct hosts *hosts, const char *text,
		     struct source *source, struct err *e)
{
	const char *at = strrchr(text, '@');
	int result = survey_find(&o->conf, hosts, source->vm, &source->host, e);

	if (result == ERR_NOT_FOUND && at)
		return err_set(e, ERR_NOT_FOUND, "there is no host '%s' in %s, and no VM called '%s'", at + 1,
			       hosts->path, text);
	return result;
}

/* ---- capturing ---- */

struct job {
	const struct options *o;
	struct store *store;
	struct hosts hosts;
	struct source source;
	struct progress *progress;
	const char *image; /* its name */
};

static void job_done(struct job *job)
{
	progress_free(job->progress);
	source_done(&job->source);
	hosts_done(&job->hosts);
	store_close(job->store);
}

static void on_moved(void *context, const char *target, size_t number, size_t count, const char *phase,
		     uint64_t done_bytes, uint64_t total_bytes)
{
	const struct job *job = context;
	cleanup(cleanup_mem) char *label =
		mem_format("%s %s %zu/%zu %s", job->image, target, number, count, phase);

	progress_set_only(job->progress, label, done_bytes, total_bytes);
}

static int open_job(struct job *job, struct err *e)
{
	int result = open_progress(job->o, &job->progress, e);

	if (result == 0)
		result = cli_hosts(&job->o->conf, &job->hosts, e);
	if (result == 0)
		result = cli_store(&job->o->conf, STORE_WRITE, &job->store, e);
	return result;
}

static struct capture_order order_of(struct job *job, const struct capture_progress *progress)
{
	const struct options *o = job->o;

	return (struct capture_order){
		.capture =
			{
				.conf = &o->conf,
				.host = job->source.host,
				.vm = job->source.vm,
				.quiesce = o->quiesce,
				.progress = progress,
				.stop = interrupt_watch(),
			},
		.name = job->image,
		.comment = o->comment,
		.keep = o->keep,
	};
}

/* -v; what was left out stays to be seen in `show`. */
static void tell(const struct image *image, uint64_t written_bytes)
{
	const struct image_generation *newest = &image->generations.items[0];
	char written[32];
	char size[32];

	str_format_bytes(written_bytes, written, sizeof written);
	str_format_bytes(image_virtual_bytes(image), size, sizeof size);
	log_info("image %s: generation %llu of %s@%s, %s%s: %zu disk%s of %s, %s written (%llu bytes)",
		 image->name, (unsigned long long)newest->number, image->vm, image->host,
		 newest->running ? "running" : "off", newest->quiesced ? ", frozen" : "", newest->disks.count,
		 newest->disks.count == 1 ? "" : "s", size, written, (unsigned long long)written_bytes);
	vec_foreach(&newest->left_out, left)
		log_info("image %s: left out: %s", image->name, *left);
}

static int end_job(struct job *job, int result, struct image *image, uint64_t written_bytes)
{
	progress_free(job->progress);
	job->progress = NULL;
	if (result == 0 || result == ERR_PARTIAL)
		tell(image, written_bytes);
	return result;
}

/* ---- register ---- */

/* The VM's own name, if an image can have it. */
static int choose_name(const struct options *o, struct job *job, struct err *e)
{
	unsigned char uuid[VM_UUID_SIZE];

	job->image = o->name ? o->name : job->source.vm;
	if (o->name)
		return 0;
	if (image_check_name(job->image, NULL) == 0 && vm_uuid_parse(job->image, uuid, NULL) < 0)
		return 0;
	return err_set(e, ERR_USAGE, "an image cannot be called '%s' as its VM: give it a name with --name",
		       job->image);
}

static int register_there(struct job *job, struct image *image, uint64_t *written_bytes, struct err *e)
{
	const struct capture_progress progress = {on_moved, job};
	struct capture_order order = order_of(job, &progress);

	return capture_register(&order, job->store, image, written_bytes, e);
}

/* Where it was said, else where the roll has it, else where the hosts say. */
static int find_and_register(struct job *job, const char *text, struct image *image, uint64_t *written_bytes,
			     struct err *e)
{
	bool said = job->source.host != NULL;

	if (!said)
		job->source.host = ask_roll(job->store, &job->hosts, job->source.vm);
	if (job->source.host) {
		int result = register_there(job, image, written_bytes, e);
		if (result != ERR_NOT_FOUND || said)
			return result;
	}
	int result = ask_hosts(job->o, &job->hosts, text, &job->source, e);
	return result < 0 ? result : register_there(job, image, written_bytes, e);
}

int command_register(void *context)
{
	struct options *o = context;
	cleanup(job_done) struct job job = {.o = o};
	cleanup(image_done) struct image image = {0};
	uint64_t written_bytes = 0;

	int result = cli_operands(&o->cli, 1, 1, o->e);
	if (result == 0)
		result = open_job(&job, o->e);
	if (result == 0)
		result = split(&job.hosts, o->cli.operands[0], &job.source, o->e);
	/* What stands behind the @ is no host: then it must be a VM's name, or nothing is right. */
	if (result == 0 && !job.source.host && strchr(job.source.vm, '@'))
		result = ask_hosts(o, &job.hosts, o->cli.operands[0], &job.source, o->e);
	if (result == 0)
		result = choose_name(o, &job, o->e);
	if (result == 0)
		result = check_free(job.store, job.image, o->e);
	if (result < 0)
		return result;
	result = find_and_register(&job, o->cli.operands[0], &image, &written_bytes, o->e);
	return end_job(&job, result, &image, written_bytes);
}

/* ---- update ---- */

static int known_source(const struct image *old, struct job *job, struct err *e)
{
	if (!old->host || !old->vm)
		return err_set(e, ERR_USAGE,
			       "image %s: was imported: say with --from which VM it shall follow", old->name);
	int result = hosts_require(&job->hosts, old->host, &job->source.host, e);
	if (result < 0)
		return err_wrap(e, "image %s: say with --from where %s is now", old->name, old->vm);
	job->source.vm = mem_string(old->vm);
	return 0;
}

static int find_source(const struct options *o, const struct image *old, struct job *job, struct err *e)
{
	if (!o->from)
		return known_source(old, job, e);
	int result = split(&job->hosts, o->from, &job->source, e);
	if (result == 0 && !job->source.host)
		result = ask_hosts(o, &job->hosts, o->from, &job->source, e);
	return result;
}

int command_update(void *context)
{
	struct options *o = context;
	cleanup(job_done) struct job job = {.o = o};
	cleanup(image_done) struct image old = {0};
	cleanup(image_done) struct image image = {0};
	const struct capture_progress progress = {on_moved, &job};
	uint64_t written_bytes = 0;

	int result = cli_operands(&o->cli, 1, 1, o->e);
	if (result == 0)
		result = open_job(&job, o->e);
	if (result == 0)
		result = require_image(job.store, o->cli.operands[0], &old, o->e);
	if (result == 0)
		result = find_source(o, &old, &job, o->e);
	if (result < 0)
		return result;
	job.image = old.name;
	struct capture_order order = order_of(&job, &progress);
	result = capture_update(&order, job.store, &old, &image, &written_bytes, o->e);
	return end_job(&job, result, &image, written_bytes);
}
