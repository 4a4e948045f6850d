/* capture_clean.c - removes from hosts what a stage names. */
#include "config.h"

#include <poll.h>
#include <string.h>

#include "capture.h"
#include "capture_private.h"
#include "mem.h"
#include "str.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "workers.h"

/* A host that says nothing for so long keeps its part. */
enum { CLEAN_STALL_MS = 15 * 1000, PARALLEL = 16, SETTLE_MS = 1000, ROUNDS_MAX = 8 };

struct remote {
	const struct stage_remote *remote;
	size_t host;    /* place in hosts */
	bool is_theirs; /* a pool that somebody else uses, and will remove */
	bool gone;
};

struct cleaning {
	struct stage *stage;
	bool in_flight;             /* who made it may have died while its host did what it was asked */
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

static bool is_volume(const struct stage_remote *remote)
{
	return remote->pool && remote->volume;
}

/* ---- in the worker of one host ---- */

struct visit {
	const struct cleaning *cleaning;
	size_t host;
	struct virt *virt;
	struct worker *worker;
	bool found; /* in this round: something was there */
};

static bool is_of(const struct visit *visit, const struct remote *remote)
{
	return remote->host == visit->host && !remote->is_theirs;
}

/* Who died between freezing and the backup could not thaw. */
static int end_job(struct visit *visit, const struct stage_remote *remote, struct err *e)
{
	int result = virt_domain_backup_abort(visit->virt, remote->backup_of, remote->volume, e);

	if (result == 0 && remote->thaw)
		virt_domain_thaw(visit->virt, remote->backup_of, NULL);
	return result == ERR_NOT_FOUND ? 0 : result;
}

/* A pool that is not there any more takes what it knew with it. */
static int delete_volume(struct visit *visit, const struct stage_remote *remote, struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume volume = {0};
	int result = virt_volume_find(visit->virt, remote->pool, remote->volume, &volume, e);

	if (result > 0) {
		visit->found = true;
		result = virt_volume_delete(visit->virt, remote->pool, remote->volume, e);
	}
	return result == ERR_NOT_FOUND ? 0 : result;
}

/* Jobs write volumes: they end first. */
static int remove_all(struct visit *visit, struct err *e)
{
	int result = 0;

	visit->found = false;
	vec_foreach(&visit->cleaning->remotes, remote)
		if (result == 0 && is_of(visit, remote) && is_job(remote->remote))
			result = end_job(visit, remote->remote, e);
	vec_foreach(&visit->cleaning->remotes, remote)
		if (result == 0 && is_of(visit, remote) && is_volume(remote->remote))
			result = delete_volume(visit, remote->remote, e);
	return result;
}

/* What the dead have asked for is still done after they died: only what stays away is gone. */
static int remove_until_gone(struct visit *visit, struct err *e)
{
	int result = remove_all(visit, e);

	for (int rounds = 0; result == 0 && visit->cleaning->in_flight && rounds < ROUNDS_MAX; rounds++) {
		poll(NULL, 0, SETTLE_MS);
		result = worker_send(visit->worker, "", 1, e);
		if (result == 0)
			result = remove_all(visit, e);
		if (!visit->found)
			break;
	}
	return result;
}

static int drop_pools(struct visit *visit, struct err *e)
{
	int result = 0;

	vec_foreach(&visit->cleaning->remotes, remote)
		if (result == 0 && is_of(visit, remote) && is_pool(remote->remote))
			result = virt_pool_drop(visit->virt, remote->remote->pool, e);
	return result;
}

/* All or nothing: what is gone already does no harm. */
static int clean_host(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct cleaning *cleaning = context;
	cleanup(cleanup_virt) struct virt *virt = NULL;

	struct visit visit = {.cleaning = cleaning, .host = job, .worker = worker};
	int result = virt_open_control(&virt, cleaning->hosts.items[job]->uri, e);

	visit.virt = virt;
	if (result == 0)
		result = remove_until_gone(&visit, e);
	return result < 0 ? result : drop_pools(&visit, e);
}

/* ---- in the parent ---- */

/* A sign of life. */
static int on_frame(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	(void)context;
	(void)job;
	(void)bytes;
	(void)length;
	(void)e;
	return 0;
}

static int on_finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct cleaning *cleaning = context;

	(void)e;
	if (outcome->code < 0)
		str_addf(&cleaning->failures, "%s%s: %s", cleaning->failures.length ? "; " : "",
			 cleaning->hosts.items[job]->host, outcome->text);
	vec_foreach(&cleaning->remotes, remote)
		if (remote->host == job && outcome->code == 0)
			remote->gone = true;
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

int capture_clean_after(const struct conf *conf, struct store *store, struct stage *stage, bool in_flight,
			struct err *e)
{
	const struct workers_limits limits = {
		.parallel = conf->parallel < PARALLEL ? conf->parallel : PARALLEL,
		.stall_ms = CLEAN_STALL_MS,
	};
	cleanup(cleaning_done) struct cleaning cleaning = {.stage = stage, .in_flight = in_flight};
	const struct workers_job job = {&cleaning, clean_host, on_frame, on_finished};

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

int capture_clean(const struct conf *conf, struct store *store, struct stage *stage, struct err *e)
{
	return capture_clean_after(conf, store, stage, true, e);
}
