/* capture_clean.c - removes from hosts what a stage names. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "capture_private.h"
#include "mem.h"
#include "str.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "workers.h"

/* A host that says nothing for so long keeps its part. */
enum { CLEAN_STALL_MS = 15 * 1000, PARALLEL = 16 };

struct remote {
	const struct stage_remote *remote;
	size_t host;    /* place in hosts */
	bool is_theirs; /* a pool that somebody else uses, and will remove */
	bool gone;
};

struct cleaning {
	struct stage *stage;
	VEC(struct remote) remotes; /* as in the stage */
	VEC(const struct stage_remote *) hosts;
	struct capture_pools claimed;
	struct str failures;
};

static void cleaning_done(struct cleaning *cleaning)
{
	vec_done(&cleaning->remotes);
	vec_done(&cleaning->hosts);
	capture_pools_done(&cleaning->claimed);
	str_done(&cleaning->failures);
}

static bool is_job(const struct stage_remote *remote)
{
	static const unsigned char none[sizeof remote->backup_of];

	return memcmp(remote->backup_of, none, sizeof none) != 0;
}

static bool is_pool(const struct stage_remote *remote)
{
	return remote->pool && !remote->volume;
}

/* ---- in the worker of one host ---- */

/* Also thaws: who died between freezing and the backup could not. */
static int end_job(struct virt *virt, const struct stage_remote *remote, struct err *e)
{
	int result = virt_domain_backup_abort(virt, remote->backup_of, e);

	if (result == 0)
		virt_domain_thaw(virt, remote->backup_of, NULL);
	return result == ERR_NOT_FOUND ? 0 : result;
}

/* A pool that is not there any more takes what it knew with it. */
static int delete_volume(struct virt *virt, const struct stage_remote *remote, struct err *e)
{
	int result = virt_volume_delete(virt, remote->pool, remote->volume, e);

	return result == ERR_NOT_FOUND ? 0 : result;
}

static int remove_one(struct virt *virt, const struct stage_remote *remote, struct err *e)
{
	int result = is_job(remote) ? end_job(virt, remote, e) : 0;

	if (result == 0 && remote->volume)
		result = delete_volume(virt, remote, e);
	if (result == 0 && is_pool(remote))
		result = virt_pool_drop(virt, remote->pool, e);
	return result;
}

/* Jobs write volumes, volumes lie in pools. */
static bool is_of_pass(const struct stage_remote *remote, int pass)
{
	if (is_job(remote))
		return pass == 0;
	return pass == (is_pool(remote) ? 2 : 1);
}

static int clean_host(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct cleaning *cleaning = context;
	cleanup(cleanup_virt) struct virt *virt = NULL;
	int result = virt_open_control(&virt, cleaning->hosts.items[job]->uri, e);

	for (int pass = 0; pass < 3; pass++)
		for (size_t i = 0; i < cleaning->remotes.count && result == 0; i++) {
			const struct remote *remote = &cleaning->remotes.items[i];
			if (remote->host != job || remote->is_theirs || !is_of_pass(remote->remote, pass))
				continue;
			result = remove_one(virt, remote->remote, e);
			if (result == 0)
				result = worker_send(worker, &i, sizeof i, e);
		}
	return result;
}

/* ---- in the parent ---- */

static int on_removed(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct cleaning *cleaning = context;
	size_t place;

	if (length == sizeof place)
		memcpy(&place, bytes, sizeof place);
	if (length != sizeof place || place >= cleaning->remotes.count ||
	    cleaning->remotes.items[place].host != job)
		return err_set(e, ERR_CORRUPT, "bad frame from the worker");
	cleaning->remotes.items[place].gone = true;
	return 0;
}

static int on_finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct cleaning *cleaning = context;

	(void)e;
	if (outcome->code < 0)
		str_addf(&cleaning->failures, "%s%s: %s", cleaning->failures.length ? "; " : "",
			 cleaning->hosts.items[job]->host, outcome->text);
	return 0;
}

static size_t host_of(struct cleaning *cleaning, const struct stage_remote *remote)
{
	for (size_t i = 0; i < cleaning->hosts.count; i++)
		if (str_equal(cleaning->hosts.items[i]->uri, remote->uri))
			return i;
	vec_push(&cleaning->hosts, remote);
	return cleaning->hosts.count - 1;
}

/* A pool is removed by whoever can have it alone; else those who use it will. */
static int sort_out(struct cleaning *cleaning, const char *store_uri, struct err *e)
{
	vec_foreach(&cleaning->stage->remotes, remote) {
		int claimed = is_pool(remote) ? capture_pools_claim(&cleaning->claimed, store_uri,
								    remote->uri, remote->pool, e)
					      : 1;
		if (claimed < 0)
			return claimed;
		vec_push(&cleaning->remotes,
			 (struct remote){remote, host_of(cleaning, remote), claimed == 0, claimed == 0});
	}
	return 0;
}

static void forget_gone(struct cleaning *cleaning)
{
	struct stage *stage = cleaning->stage;
	size_t kept = 0;

	for (size_t i = 0; i < cleaning->remotes.count; i++) {
		if (cleaning->remotes.items[i].gone)
			capture_remote_done(&stage->remotes.items[i]);
		else
			stage->remotes.items[kept++] = stage->remotes.items[i];
	}
	stage->remotes.count = kept;
}

int capture_clean(const struct conf *conf, struct store *store, struct stage *stage, struct err *e)
{
	const struct workers_limits limits = {
		.parallel = conf->parallel < PARALLEL ? conf->parallel : PARALLEL,
		.stall_ms = CLEAN_STALL_MS,
	};
	cleanup(cleaning_done) struct cleaning cleaning = {.stage = stage};
	const struct workers_job job = {&cleaning, clean_host, on_removed, on_finished};

	if (stage->remotes.count == 0)
		return 0;
	int result = sort_out(&cleaning, conf->store, e);
	if (result == 0)
		result = workers_run(&job, cleaning.hosts.count, &limits, NULL, e);
	if (result < 0)
		return result;
	forget_gone(&cleaning);
	result = stage_update(store, stage, e);
	if (result == 0 && cleaning.failures.length)
		return err_set(e, ERR_PARTIAL,
			       "%s: what was made there is removed by 'mastimg gc', once it answers",
			       str_text(&cleaning.failures));
	return result;
}
