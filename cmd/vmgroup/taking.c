/* taking.c - VMs captured as images for groups, as mastimg register and update do. */
#include "config.h"

#include "capture.h"
#include "log.h"
#include "mem.h"
#include "progress.h"
#include "taking.h"

struct watching {
	struct progress *progress;
	const char *name;
};

static void moved(void *context, const char *target, size_t number, size_t count, const char *phase,
		  uint64_t done_bytes, uint64_t total_bytes)
{
	const struct watching *watching = context;
	cleanup(cleanup_mem) char *label =
		mem_format("%s %s %zu/%zu %s", watching->name, target, number, count, phase);
	cleanup(cleanup_mem) char *shown = str_escape(label);

	progress_set(watching->progress, shown, done_bytes, total_bytes);
}

/* What is recorded and left something behind is done; that it did is said. */
static int settle(struct watching *watching, const char *name, int result, uint64_t written_bytes, struct err *e)
{
	char bytes[32];

	progress_hide(watching->progress);
	if (result == ERR_PARTIAL)
		log_warning("%s", e->text);
	if (result < 0 && result != ERR_PARTIAL)
		return result;
	str_format_bytes(written_bytes, bytes, sizeof bytes);
	log_info("image %s: %s written", name, bytes);
	return 0;
}

int taking_register(struct options *o, struct store *store, const struct host *host, const char *vm,
		    const char *name, struct image *image, struct err *e)
{
	cleanup(cleanup_progress) struct progress *progress = NULL;
	struct watching watching = {.name = name};
	const struct capture_progress told = {moved, &watching};
	const struct capture_order order = {
		.capture = {.conf = &o->conf, .host = host, .vm = vm, .quiesce = o->quiesce, .progress = &told},
		.name = name};
	uint64_t written = 0;

	if (progress_new(&progress, stderr, o->progress, o->cli.quiet, e) < 0)
		return e->code;
	watching.progress = progress;
	return settle(&watching, name, capture_register(&order, store, image, &written, e), written, e);
}

int taking_update(struct options *o, struct store *store, const struct host *host, const struct image *old,
		  struct err *e)
{
	cleanup(cleanup_progress) struct progress *progress = NULL;
	cleanup(image_done) struct image image = {0};
	struct watching watching = {.name = old->name};
	const struct capture_progress told = {moved, &watching};
	const struct capture_order order = {
		.capture = {.conf = &o->conf, .host = host, .vm = old->vm, .quiesce = o->quiesce, .progress = &told}};
	uint64_t written = 0;

	if (progress_new(&progress, stderr, o->progress, o->cli.quiet, e) < 0)
		return e->code;
	watching.progress = progress;
	return settle(&watching, old->name, capture_update(&order, store, old, &image, &written, e), written, e);
}
