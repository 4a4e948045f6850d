/* ask.c - what the hosts are asked before anything is placed. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "log.h"
#include "mem.h"
#include "rec.h"
#include "virt.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "when.h"
#include "workers.h"

/* ANSWER_MS: of a host's time, kept for its pool and for the way home. */
enum { RECORD_VERSION = 1, ANSWER_MS = 4000 };

enum field {
	FIELD_REFUSAL = 1,
	FIELD_PATH,
	FIELD_FILES,
	FIELD_CAPACITY,
	FIELD_AVAILABLE,
	FIELD_MEMORY,
	FIELD_DOMAINS,
	FIELD_VOLUMES,
	FIELD_ALLOCATIONS
};

static void asked_done(struct asked *asked)
{
	map_free(asked->allocated);
	free(asked->refusal);
	free(asked->pool_path);
	image_texts_done(&asked->domains);
	image_texts_done(&asked->volumes);
	vec_done(&asked->allocations);
}

void asked_hosts_done(struct asked_hosts *asked)
{
	vec_foreach(asked, host)
		asked_done(host);
	vec_done(asked);
}

struct asking {
	struct session *session;
	const char *pool;
	const struct deployments *deployments;
	const struct deployed_bases *bases;
	struct asked_hosts *asked;
	size_t answered;
};

/* ---- in a worker ---- */

static int write_pool(struct virt *virt, const struct asking *asking, struct str *answer, struct err *e)
{
	struct virt_pool pool = {0};
	struct err why = {0};

	int result = virt_pool_find(virt, asking->pool, &pool, &why);
	if (result == ERR_NOT_FOUND) {
		rec_text(answer, FIELD_REFUSAL, why.text);
		return 0;
	}
	if (result < 0)
		return err_set(e, result, "%s", why.text);
	if (!pool.active)
		rec_text(answer, FIELD_REFUSAL, "its pool is not active");
	rec_text(answer, FIELD_PATH, pool.path);
	rec_bool(answer, FIELD_FILES, virt_pool_has_files(&pool));
	rec_uint(answer, FIELD_CAPACITY, pool.capacity_bytes);
	rec_uint(answer, FIELD_AVAILABLE, pool.available_bytes);
	virt_pool_done(&pool);
	return 0;
}

static int write_domains(struct virt *virt, struct str *answer, struct err *e)
{
	struct virt_list list = {0};
	int result = virt_list(virt, &list, e);

	rec_array(answer, FIELD_DOMAINS);
	vec_foreach(&list.domains, domain)
		rec_item_text(answer, domain->name);
	rec_close(answer);
	virt_list_done(&list);
	return result;
}

/* Volumes of deployments there, and what each takes; what is not asked in time counts as nothing taken. */
struct volumes {
	VEC(const char *) names;
	VEC(uint64_t) allocations;
};

static void volumes_done(struct volumes *volumes)
{
	vec_done(&volumes->names);
	vec_done(&volumes->allocations);
}

static int look_at(struct virt *virt, struct worker *worker, const struct asking *asking, const char *name,
		   struct volumes *volumes, struct err *e)
{
	struct virt_volume volume = {0};

	if (worker_time_left_ms(worker) < ANSWER_MS)
		return 0;
	int result = virt_volume_find(virt, asking->pool, name, &volume, e);
	if (result == 1) {
		vec_push(&volumes->names, name);
		vec_push(&volumes->allocations, volume.allocation_bytes);
	}
	virt_volume_done(&volume);
	return result < 0 ? result : 0;
}

static bool is_there(const struct asking *asking, const struct asked *asked, const char *host, const char *pool)
{
	return strcmp(host, asked->host->name) == 0 && strcmp(pool, asking->pool) == 0;
}

static int look_at_machine(struct virt *virt, struct worker *worker, const struct asking *asking,
			   const struct deployed *machine, struct volumes *volumes, struct err *e)
{
	int result = 0;

	vec_foreach(&machine->disks, disk)
		if (result == 0)
			result = look_at(virt, worker, asking, disk->volume, volumes, e);
	return result;
}

static int look_at_all(struct virt *virt, struct worker *worker, const struct asking *asking,
		       const struct asked *asked, struct volumes *volumes, struct err *e)
{
	int result = 0;

	vec_foreach(asking->deployments, deployment)
		vec_foreach(&deployment->machines, machine)
			if (result == 0 && is_there(asking, asked, machine->host, machine->pool))
				result = look_at_machine(virt, worker, asking, machine, volumes, e);
	vec_foreach(asking->bases, base)
		if (result == 0 && is_there(asking, asked, base->host, base->pool))
			result = look_at(virt, worker, asking, base->volume, volumes, e);
	return result;
}

static void write_volumes(const struct volumes *volumes, struct str *answer)
{
	rec_array(answer, FIELD_VOLUMES);
	vec_foreach(&volumes->names, name)
		rec_item_text(answer, *name);
	rec_close(answer);
	rec_array(answer, FIELD_ALLOCATIONS);
	vec_foreach(&volumes->allocations, allocation)
		rec_item_uint(answer, *allocation);
	rec_close(answer);
}

static int write_room(struct virt *virt, struct worker *worker, const struct asking *asking,
		      const struct asked *asked, struct str *answer, struct err *e)
{
	cleanup(volumes_done) struct volumes volumes = {0};
	uint64_t memory_bytes = UINT64_MAX;

	struct err ignored = {0};
	/*
	 * Before the pool: what is written to volumes in between is then taken from its room, and promised still. The other
	 * way round it would be neither. A pool that is not there has no volumes.
	 */
	if (look_at_all(virt, worker, asking, asked, &volumes, &ignored) == 0)
		write_volumes(&volumes, answer);
	int result = write_pool(virt, asking, answer, e);
	if (result == 0)
		result = virt_free_memory(virt, &memory_bytes, e);
	rec_uint(answer, FIELD_MEMORY, memory_bytes);
	return result;
}

static int ask_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_virt) struct virt *virt = NULL;
	cleanup(str_done) struct str answer = {0};
	const struct asking *asking = context;
	const struct asked *asked = &asking->asked->items[job];

	int result = virt_open_control(&virt, asked->host->uri, e);
	rec_begin(&answer, RECORD_VERSION);
	if (result == 0)
		result = write_domains(virt, &answer, e);
	if (result == 0 && asked->candidate)
		result = write_room(virt, worker, asking, asked, &answer, e);
	rec_end(&answer);
	if (result == 0)
		result = worker_send(worker, answer.data, answer.length, e);
	return result < 0 ? result : worker_finish(worker, e);
}

/* ---- in the parent ---- */

static int take_allocation(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct asked *asked = context;
	uint64_t bytes;

	(void)field;
	if (rec_as_uint(value, &bytes, e) < 0)
		return e->code;
	vec_push(&asked->allocations, bytes);
	return 0;
}

static int take_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct asked *asked = context;

	switch (field) {
	case FIELD_REFUSAL:
		return rec_replace_text(value, &asked->refusal, e);
	case FIELD_PATH:
		return rec_replace_text(value, &asked->pool_path, e);
	case FIELD_FILES:
		return rec_as_bool(value, &asked->has_files, e);
	case FIELD_CAPACITY:
		return rec_as_uint(value, &asked->capacity_bytes, e);
	case FIELD_AVAILABLE:
		return rec_as_uint(value, &asked->available_bytes, e);
	case FIELD_MEMORY:
		return rec_as_uint(value, &asked->memory_bytes, e);
	case FIELD_DOMAINS:
		return image_texts_read(value, &asked->domains, e);
	case FIELD_VOLUMES:
		return image_texts_read(value, &asked->volumes, e);
	case FIELD_ALLOCATIONS:
		return rec_read_array(value, take_allocation, asked, e);
	default:
		return 0;
	}
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct asking *asking = context;
	struct asked *asked = &asking->asked->items[job];
	int result = rec_read(bytes, length, RECORD_VERSION, take_field, asked, e);

	if (result == 0 && asked->volumes.count != asked->allocations.count)
		result = err_set(e, ERR_CORRUPT, "bad answer from the worker");
	asked->answered = result == 0;
	return result;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct asking *asking = context;
	struct asked *asked = &asking->asked->items[job];

	(void)e;
	asking->answered += asked->answered;
	if (!asked->answered)
		mem_replace(&asked->refusal, outcome->code ? outcome->text : "it ended without an answer");
	if (asked->refusal && !*session_stop())
		log_warning("%s: %s: %s", asked->host->name, asked->refusal,
			    asked->candidate ? "nothing is placed there" : "names of its VMs are not known");
	asked->allocated = map_new();
	for (size_t i = 0; i < asked->volumes.count; i++)
		map_add(asked->allocated, asked->volumes.items[i], strlen(asked->volumes.items[i]),
			&asked->allocations.items[i]);
	return 0;
}

/* ---- the whole ---- */

static bool is_named(const struct options *options, const struct host *host)
{
	vec_foreach(&options->hosts, name)
		if (strcmp(*name, host->name) == 0)
			return true;
	return false;
}

static int check_names(struct session *session, struct err *e)
{
	const struct host *host;

	vec_foreach(&session->options->hosts, name) {
		if (hosts_require(&session->hosts, *name, &host, e) < 0)
			return err_set(e, ERR_USAGE, "--host: %s: no such host in %s", *name,
				       session->hosts.path);
		if (!host->uri)
			return err_set(e, ERR_USAGE, "--host: %s:%u: %s has no libvirt URI",
				       session->hosts.path, host->line, host->name);
	}
	return 0;
}

static void choose_hosts(struct session *session, struct asked_hosts *asked)
{
	const struct options *options = session->options;

	for (size_t i = 0; i < session->hosts.count; i++) {
		const struct host *host = &session->hosts.items[i];
		bool named = is_named(options, host);
		if (!named && !hosts_is_asked(host))
			continue;
		struct asked *added = vec_push_zero(asked);
		added->host = host;
		added->candidate = named || options->hosts.count == 0;
	}
}

int ask_hosts(struct session *session, const char *pool, const struct deployments *deployments,
	      const struct deployed_bases *bases, struct asked_hosts *asked, struct err *e)
{
	struct asking asking = {session, pool, deployments, bases, asked, 0};
	const struct workers_job job = {&asking, ask_job, received, finished};
	const struct conf_snapshot *conf = &session->conf->snapshot;
	const struct workers_limits limits = {
		.parallel = session->conf->parallel,
		.job_deadline_ms =
			conf->host_deadline_ms > SESSION_ASK_MS ? conf->host_deadline_ms : SESSION_ASK_MS,
	};

	int result = check_names(session, e);
	if (result < 0)
		return result;
	choose_hosts(session, asked);
	if (asked->count == 0)
		return err_set(e, ERR_USAGE, "%s: no host that can be asked", session->hosts.path);
	result = workers_run(&job, asked->count, &limits, session_stop(), e);
	if (result == 0 && *session_stop())
		return err_set(e, ERR_ENV, "interrupted");
	if (result == 0 && asking.answered == 0)
		return err_set(e, ERR_NET, "no host answered");
	return result;
}

uint64_t asked_allocated(void *context, const char *volume)
{
	const struct asked *asked = context;
	const uint64_t *bytes = map_find(asked->allocated, volume, strlen(volume));

	return bytes ? *bytes : UINT64_MAX;
}

const struct asked *asked_domain(const struct asked_hosts *asked, const char *name)
{
	vec_foreach(asked, host)
		vec_foreach(&host->domains, domain)
			if (strcmp(*domain, name) == 0)
				return host;
	return NULL;
}
