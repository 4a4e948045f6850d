/* taking.c - VMs captured as images for groups, as mastimg register and update do. */
#include "config.h"

#include "capture.h"
#include "interrupt.h"
#include "log.h"
#include "mem.h"
#include "progress.h"
#include "str.h"
#include "taking.h"

bool taking_is_stopped(void)
{
	return *interrupt_watch() != 0;
}

struct taking {
	struct progress *progress;
	const char *name; /* of the image */
	struct capture_progress told;
	struct capture_order order;
	struct image image;
	uint64_t written_bytes;
};

static void taking_done(struct taking *taking)
{
	progress_free(taking->progress);
	image_done(&taking->image);
}

static void on_moved(void *context, const char *target, size_t number, size_t count, const char *phase,
		     uint64_t done_bytes, uint64_t total_bytes)
{
	const struct taking *taking = context;
	cleanup(cleanup_mem) char *label =
		mem_format("%s %s %zu/%zu %s", taking->name, target, number, count, phase);

	progress_set_only(taking->progress, label, done_bytes, total_bytes);
}

static int begin(struct taking *taking, const struct options *o, const struct host *host, const char *vm,
		 const char *name, struct err *e)
{
	if (progress_new(&taking->progress, stderr, o->progress, o->cli.quiet, e) < 0)
		return e->code;
	taking->name = name;
	taking->told = (struct capture_progress){on_moved, taking};
	taking->order = (struct capture_order){.capture = {.conf = &o->conf,
							   .host = host,
							   .vm = vm,
							   .quiesce = o->quiesce,
							   .progress = &taking->told,
							   .stop = interrupt_watch()},
					       .name = name};
	return 0;
}

/* What is recorded and left something behind is done; that it did is said. */
static int settle(struct taking *taking, int result, const struct err *e)
{
	char bytes[32];

	progress_free(taking->progress);
	taking->progress = NULL;
	if (result == ERR_PARTIAL)
		log_warning("%s", e->text);
	else if (result < 0)
		return result;
	str_format_bytes(taking->written_bytes, bytes, sizeof bytes);
	log_info("image %s: generation %llu of %s@%s: %s written", taking->image.name,
		 (unsigned long long)taking->image.generations.items[0].number, taking->image.vm,
		 taking->image.host, bytes);
	return 0;
}

int taking_register(const struct options *o, struct store *store, const struct host *host, const char *vm,
		    const char *name, uint64_t *id, struct err *e)
{
	cleanup(taking_done) struct taking taking = {0};

	if (begin(&taking, o, host, vm, name, e) < 0)
		return e->code;
	int result = capture_register(&taking.order, store, &taking.image, &taking.written_bytes, e);
	if (settle(&taking, result, e) < 0)
		return result;
	*id = taking.image.id;
	return 0;
}

int taking_update(const struct options *o, struct store *store, const struct host *host,
		  const struct image *old, struct err *e)
{
	cleanup(taking_done) struct taking taking = {0};

	if (begin(&taking, o, host, old->vm, old->name, e) < 0)
		return e->code;
	int result = capture_update(&taking.order, store, old, &taking.image, &taking.written_bytes, e);
	return settle(&taking, result, e);
}
