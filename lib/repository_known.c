/* repository_known.c - whether the folder is the one that the images of the store lie in. */
#include "config.h"

#include <string.h>

#include "image.h"
#include "keys.h"
#include "repository.h"
#include "repository_known.h"
#include "workers.h"

struct knowing {
	const char *setting;
	const unsigned char *known; /* or NULL */
	enum repository_making making;
	bool found;
	unsigned char mark[REPOSITORY_MARK_SIZE];
};

/* ---- in a process of its own ---- */

static int look(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct knowing *knowing = context;
	unsigned char mark[REPOSITORY_MARK_SIZE];

	(void)job;
	int result = repository_hold(knowing->setting, knowing->known, knowing->making, mark, e);
	return result <= 0 ? result : worker_send(worker, mark, sizeof mark, e);
}

/* ---- in the parent ---- */

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct knowing *knowing = context;

	(void)job;
	if (length != sizeof knowing->mark)
		return err_set(e, ERR_CORRUPT, "a frame of %zu bytes", length);
	memcpy(knowing->mark, bytes, length);
	knowing->found = true;
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	const struct knowing *knowing = context;

	(void)job;
	if (outcome->code == ERR_DEADLINE)
		return err_set(e, ERR_DEADLINE, "repository %s: does not answer", knowing->setting);
	return outcome->code < 0 ? err_set(e, outcome->code, "%s", outcome->text ? outcome->text : "no answer")
				 : 0;
}

/* 1, or 0: it knows none. */
static int read_known(struct store *store, const struct key *key, struct bytes *known, struct err *e)
{
	int result = store_get(store, key->bytes, key->length, known, e);

	if (result == 1 && known->length != REPOSITORY_MARK_SIZE)
		return err_set(e, ERR_CORRUPT, "the mark of the repository, as the store has it, is damaged");
	return result;
}

/* A folder is made before there are images; later it was there, and is missed. */
static int choose_making(struct store *store, enum repository_making *making, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(images_done) struct images images = {0};

	if (store_view_open(&view, store, e) < 0 || image_all(view, &images, e) < 0)
		return e->code;
	*making = images.count > 0 ? REPOSITORY_ADOPT : REPOSITORY_MAKE;
	return 0;
}

int repository_known(const struct conf *conf, const char *setting, struct store *store, bool change,
		     struct err *e)
{
	struct knowing knowing = {.setting = setting, .making = REPOSITORY_LOOK};
	const struct workers_job job = {&knowing, look, received, finished};
	const struct workers_limits limits = {.parallel = 1, .stall_ms = conf->image.stall_ms};
	cleanup(bytes_done) struct bytes raw = {0};
	struct key key;

	if (setting[0] != '/')
		return 0;
	key_add_name(key_begin(&key, KEY_REPOSITORY), setting);
	int known = read_known(store, &key, &raw, e);
	if (known < 0 || (change && choose_making(store, &knowing.making, e) < 0))
		return e->code;
	knowing.known = known ? raw.data : NULL;
	int result = workers_run(&job, 1, &limits, NULL, e);
	if (result < 0 || known || !change)
		return result;
	return store_put(store, key.bytes, key.length, knowing.mark, sizeof knowing.mark, e);
}
