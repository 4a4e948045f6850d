/* take.c - takes one snapshot: asks the hosts, writes what they answer. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "ask.h"
#include "known.h"
#include "lock.h"
#include "log.h"
#include "mem.h"
#include "roll.h"
#include "take.h"
#include "vec.h"
#include "virt.h"
#include "when.h"
#include "workers.h"

/* Of a host's time, kept back from the reading of XML for the way home. */
enum { HOMEWARD_PERCENT = 10 };

struct run {
	const struct take *take;
	struct store *store;
	struct roll_writer *writer;
	struct known *known;    /* by place in hosts(5) */
	VEC(size_t) order;      /* job number to place in hosts(5) */
	struct answer *answers; /* by job */
	VEC(size_t) contested;  /* jobs whose list is put last */
	size_t answered, failed;
	struct roll_changes total;
	size_t xml_left; /* VMs whose XML comes next time */
};

static void run_done(struct run *run)
{
	for (size_t i = 0; run->answers && i < run->order.count; i++)
		answer_done(&run->answers[i]);
	free(run->answers);
	known_free(run->known, run->take->hosts->count);
	vec_done(&run->order);
	vec_done(&run->contested);
	roll_writer_free(run->writer);
}

static const struct host *host_of(const struct run *run, size_t job)
{
	return &run->take->hosts->items[run->order.items[job]];
}

/* ---- in a worker ---- */

struct sending {
	struct worker *worker;
};

static int send_frame(void *context, const void *bytes, size_t length, struct err *e)
{
	const struct sending *sending = context;

	return worker_send(sending->worker, bytes, length, e);
}

static int ask_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_virt) struct virt *virt = NULL;
	const struct run *run = context;
	const struct conf_snapshot *conf = &run->take->conf->snapshot;
	struct sending sending = {worker};
	const struct answer_sink sink = {send_frame, &sending};
	int64_t left = worker_time_left_ms(worker);
	struct question question = {
		.host = host_of(run, job),
		.known = &run->known[run->order.items[job]],
		.reread_ms = conf->reread_ms,
		.until = when_monotonic() + left - conf->host_deadline_ms * HOMEWARD_PERCENT / 100,
	};
	int result = virt_open(&virt, question.host->uri, e);

	if (result == 0)
		result = ask_host(virt, &question, &sink, e);
	return result < 0 ? result : worker_finish(worker, e);
}

/* ---- in the parent ---- */

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct run *run = context;

	return answer_receive(&run->answers[job], bytes, length, e);
}

static void report_failure(const struct run *run, size_t job, const char *why)
{
	/* Its reason may be hostile text of the other side: log escapes what breaks a line. */
	if (run->known[run->order.items[job]].failed)
		log_info("%s: %s (as last time)", host_of(run, job)->name, why);
	else
		log_error("%s: %s", host_of(run, job)->name, why);
}

static int put_failure(struct run *run, size_t job, int code, const char *why, struct err *e)
{
	run->failed++;
	report_failure(run, job, why);
	return roll_put_failure(run->writer, host_of(run, job)->name, code, why, e);
}

/* What libvirt told, now or before, under the names of hosts(5). */
static void describe_host(const struct run *run, size_t job, struct roll_host *host)
{
	const struct answer *answer = &run->answers[job];
	const struct host *listed = host_of(run, job);
	const struct roll_host *facts = answer->facts ? &answer->host : &run->known[run->order.items[job]].host;

	*host = *facts;
	host->name = listed->name;
	host->address = listed->address;
	host->cluster = listed->cluster;
	host->manager = listed->manager;
}

static int put_list(struct run *run, size_t job, struct err *e)
{
	const struct answer *answer = &run->answers[job];
	struct roll_changes changes = {0};
	struct roll_host host;

	describe_host(run, job, &host);
	int result = roll_put_list(run->writer, &host, answer->vms.items, answer->vms.count, answer->asked,
				   &changes, e);
	/* What is wrong with this one answer must not cost the others theirs. */
	if (result == ERR_USAGE || result == ERR_CONFLICT || result == ERR_TOO_LARGE)
		return put_failure(run, job, result, e->text, e);
	if (result < 0)
		return result;
	run->answered++;
	run->total.appeared += changes.appeared;
	run->total.gone += changes.gone;
	run->total.changed += changes.changed;
	run->total.vms += changes.vms;
	vec_foreach(&answer->vms, vm)
		run->xml_left += !vm->xml_known;
	return 0;
}

static bool is_contested(const struct run *run, size_t job)
{
	struct roll_host host;

	describe_host(run, job, &host);
	return roll_is_contested(run->writer, &host);
}

static int put_contested(struct run *run, struct err *e)
{
	int result = 0;

	vec_foreach(&run->contested, job) {
		if (result == 0)
			result = put_list(run, *job, e);
		answer_done(&run->answers[*job]);
	}
	return result;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct run *run = context;
	struct answer *answer = &run->answers[job];
	int result;

	if (answer->listed && is_contested(run, job)) {
		vec_push(&run->contested, job);
		return 0;
	}
	if (answer->listed)
		result = put_list(run, job, e);
	else if (outcome->asked)
		result = put_failure(run, job, outcome->code ? outcome->code : ERR_CORRUPT,
				     outcome->code ? outcome->text : "it ended without a list", e);
	else {
		run->failed++;
		report_failure(run, job, outcome->text);
		result = 0;
	}
	answer_done(answer);
	return result;
}

/* ---- the whole ---- */

static bool is_wanted(const struct take *take, const struct host *host)
{
	if (!take->only || !take->only[0])
		return hosts_is_asked(host);
	for (char *const *name = take->only; *name; name++)
		if (strcmp(*name, host->name) == 0)
			return true;
	return false;
}

static int check_names(const struct take *take, struct err *e)
{
	const struct host *host;

	for (char *const *name = take->only; name && *name; name++) {
		if (hosts_require(take->hosts, *name, &host, e) < 0)
			return err_set(e, ERR_USAGE, "%s: no such host in %s", *name, take->hosts->path);
		if (!host->uri)
			return err_set(e, ERR_USAGE, "%s:%u: %s has no libvirt URI", take->hosts->path,
				       host->line, host->name);
	}
	return 0;
}

/* Hosts that failed last time go last: they must not take the time of the others. */
static void choose_order(struct run *run)
{
	const struct hosts *hosts = run->take->hosts;

	for (int failed = 0; failed <= 1; failed++)
		for (size_t i = 0; i < hosts->count; i++)
			if (is_wanted(run->take, &hosts->items[i]) && run->known[i].failed == failed)
				vec_push(&run->order, i);
	run->answers = mem_zalloc(run->order.count, sizeof *run->answers);
}

static int ask_all(struct run *run, struct err *e)
{
	const struct conf *conf = run->take->conf;
	const struct workers_job job = {run, ask_job, received, finished};
	const struct workers_limits limits = {
		.parallel = conf->parallel,
		.job_deadline_ms = conf->snapshot.host_deadline_ms,
		.run_deadline_ms = conf->snapshot.deadline_ms,
	};
	int result = workers_run(&job, run->order.count, &limits, run->take->stop, e);

	/* Who was not asked is counted; the header is due all the same. */
	return result == ERR_DEADLINE ? 0 : result;
}

static void summarise(const struct run *run, int64_t begun)
{
	char took[WHEN_TEXT_SIZE];

	when_format_duration(when_now() - begun, took);
	log_info("%zu of %zu hosts answered in %s: %zu VMs, %zu new, %zu gone, %zu changed", run->answered,
		 run->order.count, took, run->total.vms, run->total.appeared, run->total.gone,
		 run->total.changed);
	if (run->xml_left > 0)
		log_info("%zu without what only the XML says: the next run tries again", run->xml_left);
}

/* Each failure was named already, or is known from last time: cron mails what is printed. */
static int judge(const struct run *run)
{
	if (run->failed == 0)
		return 0;
	if (run->answered > 0)
		return ERR_PARTIAL;
	log_info("no host answered");
	return ERR_NET;
}

static int hold_lock(const struct take *take, struct lock *lock, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;
	int result = store_lock_path(take->conf->store, "vmsnap", &path, e);

	return result < 0 ? result : lock_acquire(lock, path, e);
}

int take_snapshot(const struct take *take, struct store *store, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(run_done) struct run run = {.take = take, .store = store};
	int64_t begun = when_now();
	int result = check_names(take, e);

	if (result == 0)
		result = hold_lock(take, &lock, e);
	if (result == 0)
		result = known_read(&run.known, store, take->hosts, e);
	if (result < 0)
		return result;
	result = roll_begin(&run.writer, store, take->hosts, begun, e);
	if (result < 0)
		return result;
	for (size_t i = 0; i < take->hosts->count; i++)
		run.known[i].failed = roll_failed_last_time(run.writer, take->hosts->items[i].name);
	choose_order(&run);
	result = ask_all(&run, e);
	if (result == 0)
		result = put_contested(&run, e);
	if (result == 0)
		result = roll_finish(run.writer, when_now(), e);
	if (result < 0)
		return result;
	summarise(&run, begun);
	*e = (struct err){0};
	return judge(&run);
}
