/* status.c - vmgroup status: deployments, and each machine: where it is, what it does, how it is reached. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "group.h"
#include "log.h"
#include "mem.h"
#include "session.h"
#include "virt_control.h"
#include "str.h"
#include "vm.h"

enum column_number {
	C_DEPLOYMENT,
	C_VM,
	C_HOST,
	C_STATE,
	C_ADDRESS,
	C_PROGRESS,
	C_GROUP,
	C_MEMBER,
	C_UUID,
	C_IMAGE,
	C_GENERATION,
	C_LINKED,
	C_HOST_ADDRESS,
	C_POOL,
	C_PATH,
	C_VOLUMES,
	C_MACS,
	C_BEGUN,
	C_ENDED,
	C_WHY,
	COLUMNS
};

static const struct column status_columns[COLUMNS] = {
	[C_DEPLOYMENT] = {.name = "DEPLOYMENT", .json = "deployment", .help = "name of the deployment"},
	[C_VM] = {.name = "VM", .json = "vm", .help = "name of the VM"},
	[C_HOST] = {.name = "HOST", .json = "host", .help = "host that it was deployed to"},
	[C_STATE] = {.name = "STATE", .json = "state", .help = "as libvirt says now; - unknown, or not there"},
	[C_ADDRESS] = {.name = "ADDRESS",
		       .json = "address",
		       .help = "of the guest: from its agent, a lease or ARP; else the last known"},
	[C_PROGRESS] = {.name = "PROGRESS",
			.json = "progress",
			.help = "planned, copied, defined, removed; done once all of the deployment is"},
	[C_GROUP] = {.name = "GROUP", .json = "group", .help = "group, by its name then", .hidden = true},
	[C_MEMBER] = {.name = "MEMBER", .json = "member", .help = "name in the group", .hidden = true},
	[C_UUID] = {.name = "UUID", .json = "uuid", .help = "UUID of the VM", .hidden = true},
	[C_IMAGE] = {.name = "IMAGE",
		     .json = "image_id",
		     .help = "number of the image",
		     .kind = ROWS_NUMBER,
		     .hidden = true},
	[C_GENERATION] = {.name = "GENERATION",
			  .json = "generation",
			  .help = "of the image",
			  .kind = ROWS_NUMBER,
			  .hidden = true},
	[C_LINKED] = {.name = "LINKED",
		      .json = "linked",
		      .help = "whether its disks stand on a base",
		      .kind = ROWS_BOOL,
		      .hidden = true},
	[C_HOST_ADDRESS] = {.name = "HOST-ADDRESS",
			    .json = "host_address",
			    .help = "address of the host",
			    .hidden = true},
	[C_POOL] = {.name = "POOL", .json = "pool", .help = "storage pool", .hidden = true},
	[C_PATH] = {.name = "PATH", .json = "path", .help = "where the pool is mounted", .hidden = true},
	[C_VOLUMES] = {.name = "VOLUMES",
		       .json = "volumes",
		       .help = "volumes in the pool",
		       .kind = ROWS_LIST,
		       .hidden = true},
	[C_MACS] = {.name = "MACS",
		    .json = "macs",
		    .help = "addresses of its network cards",
		    .kind = ROWS_LIST,
		    .hidden = true},
	[C_BEGUN] = {.name = "BEGUN",
		     .json = "begun",
		     .help = "when the deployment began",
		     .kind = ROWS_TIME,
		     .hidden = true},
	[C_ENDED] = {.name = "ENDED",
		     .json = "ended",
		     .help = "when all of it was there",
		     .kind = ROWS_TIME,
		     .hidden = true},
	[C_WHY] = {.name = "WHY", .json = "why", .help = "what it failed at, if it is unfinished", .hidden = true},
};
const struct cli_listing status_listing = {status_columns, COLUMNS};

/* ---- what hosts say of the machines ---- */

/* STATE_UNKNOWN: the host did not answer; STATE_GONE: it has no such domain. */
enum { STATE_UNKNOWN = -1, STATE_GONE = -2 };

struct machine_now {
	int state;
	char *address;
};

struct now {
	struct machine_now *machines;
	size_t count;
};

static void now_done(struct now *now)
{
	for (size_t i = 0; i < now->count; i++)
		free(now->machines[i].address);
	free(now->machines);
}

/* What goes home of one machine: its state, then the text of its first address. */
struct report {
	uint64_t place;
	int64_t state;
	char address[64];
};

struct watching {
	struct session *session;
	struct deployment *deployment;
	struct now now;
	VEC(struct crew_host) hosts;
	size_t failed;
};

static void find_address(struct virt *virt, const struct deployed *machine, struct report *report)
{
	struct virt_names addresses = {0};
	struct err ignored = {0};

	if (virt_domain_addresses(virt, machine->uuid, &addresses, &ignored) == 0 && addresses.count > 0)
		snprintf(report->address, sizeof report->address, "%s", addresses.items[0]);
	virt_names_done(&addresses);
}

static int report_machine(struct worker *worker, struct virt *virt, const struct deployed *machine,
			  size_t place, struct err *e)
{
	struct report report = {.place = place, .state = STATE_GONE};
	int state;
	int result = virt_domain_state(virt, machine->uuid, &state, e);

	if (result < 0)
		return result;
	if (result == 1)
		report.state = state;
	if (result == 1 && virt_state_is_active(state))
		find_address(virt, machine, &report);
	return worker_send(worker, &report, sizeof report, e);
}

static int watch_job(struct worker *worker, size_t job, void *context, struct err *e)
{
	cleanup(cleanup_virt) struct virt *virt = NULL;
	const struct watching *watching = context;
	const struct crew_host *host = &watching->hosts.items[job];
	/* Agents are not asked through a connection that only reads. */
	int result = virt_open_control(&virt, host->uri, e);

	vec_foreach(&host->machines, place)
		if (result == 0)
			result = report_machine(worker, virt, &watching->deployment->machines.items[*place],
						*place, e);
	return result < 0 ? result : worker_finish(worker, e);
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct watching *watching = context;
	struct report report;

	(void)job;
	if (length != sizeof report)
		return err_set(e, ERR_CORRUPT, "bad frame from the worker");
	memcpy(&report, bytes, sizeof report);
	report.address[sizeof report.address - 1] = '\0';
	if (report.place >= watching->now.count)
		return err_set(e, ERR_CORRUPT, "bad frame from the worker");
	struct machine_now *machine = &watching->now.machines[report.place];
	machine->state = (int)report.state;
	if (report.address[0])
		mem_replace(&machine->address, report.address);
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct watching *watching = context;

	(void)e;
	if (outcome->code == 0)
		return 0;
	log_error("%s: %s", watching->hosts.items[job].name, outcome->text);
	watching->failed++;
	return 0;
}

static int watch(struct watching *watching, struct err *e)
{
	struct crew crew = {0};
	const struct workers_job job = {watching, watch_job, received, finished};
	const struct workers_limits limits = {
		.parallel = watching->session->conf->parallel,
		.job_deadline_ms = SESSION_ASK_MS,
	};
	size_t count = watching->deployment->machines.count;

	watching->now = (struct now){mem_zalloc(count, sizeof(struct machine_now)), count};
	for (size_t i = 0; i < count; i++)
		watching->now.machines[i].state = STATE_UNKNOWN;
	crew_begin(&crew, watching->session, watching->deployment, NULL);
	vec_foreach(&crew.hosts, host)
		vec_push(&watching->hosts, *host);
	vec_done(&crew.hosts);
	return workers_run(&job, watching->hosts.count, &limits, session_stop(), e);
}

static void watching_done(struct watching *watching)
{
	now_done(&watching->now);
	vec_foreach(&watching->hosts, host)
		vec_done(&host->machines);
	vec_done(&watching->hosts);
}

/* ---- rows ---- */

static const char *progress_name(const struct deployment *deployment, const struct deployed *machine)
{
	if (deployment->state == DEPLOYMENT_DONE)
		return "done";
	switch (machine->state) {
	case DEPLOYED_PLANNED:
		return "planned";
	case DEPLOYED_COPIED:
		return "copied";
	case DEPLOYED_DEFINED:
		return "defined";
	default:
		return "removed";
	}
}

static void show_record(struct rows *rows, const struct deployment *deployment, const struct deployed *machine)
{
	char uuid[VM_UUID_TEXT_SIZE];

	rows_text(rows, C_DEPLOYMENT, deployment->name);
	rows_text(rows, C_GROUP, deployment->group_name);
	rows_bool(rows, C_LINKED, deployment->linked);
	rows_time(rows, C_BEGUN, deployment->begun);
	rows_time(rows, C_ENDED, deployment->ended);
	rows_text(rows, C_WHY, deployment->failure);
	rows_text(rows, C_VM, machine->name);
	rows_text(rows, C_HOST, machine->host);
	rows_text(rows, C_PROGRESS, progress_name(deployment, machine));
	rows_text(rows, C_MEMBER, machine->member);
	rows_text(rows, C_UUID, vm_uuid_format(machine->uuid, uuid));
	rows_number(rows, C_IMAGE, machine->image);
	rows_number(rows, C_GENERATION, machine->generation);
	rows_text(rows, C_HOST_ADDRESS, machine->address);
	rows_text(rows, C_POOL, machine->pool);
	rows_text(rows, C_PATH, machine->pool_path);
	vec_foreach(&machine->disks, disk)
		rows_list_add(rows, C_VOLUMES, disk->volume);
	vec_foreach(&machine->macs, mac)
		rows_list_add(rows, C_MACS, *mac);
}

static int show_machine(struct rows *rows, const struct deployment *deployment,
			const struct deployed *machine, const struct machine_now *now, struct err *e)
{
	show_record(rows, deployment, machine);
	rows_text(rows, C_STATE, now->state >= 0 ? vm_state_name((enum vm_state)now->state) : NULL);
	rows_text(rows, C_ADDRESS, now->address ? now->address : machine->guest_address);
	return rows_end(rows, e);
}

/* ---- what is kept ---- */

/* Addresses for the time when a host is silent. Whoever may not write the store only looks. */
static int remember_address(struct store *store, const char *store_uri, const struct deployment *seen,
			    size_t place, const char *address, struct err *e)
{
	cleanup(lock_done) struct lock lock = LOCK_NONE;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(deployment_done) struct deployment now = {0};
	int result = deployment_lock(store_uri, seen->id, &lock, e);

	if (result == 0)
		result = store_view_open(&view, store, e);
	if (result == 0)
		result = deployment_find(view, seen->name, &now, e);
	store_view_close(view);
	view = NULL;
	if (result <= 0 || now.id != seen->id || place >= now.machines.count)
		return result;
	mem_replace(&now.machines.items[place].guest_address, address);
	return deployment_put_machine(store, &now, place, e);
}

struct news {
	const struct deployment *deployment;
	size_t place;
	char *address;
};

struct status_news {
	VEC(struct news) items;
};

static void news_done(struct status_news *news)
{
	vec_foreach(&news->items, item)
		free(item->address);
	vec_done(&news->items);
}

static void remember(struct session *session, const struct status_news *news)
{
	struct err e = {0};
	int result = 0;

	if (news->items.count == 0)
		return;
	store_close(session->store);
	session->store = NULL;
	result = cli_store(session->conf, STORE_WRITE, &session->store, &e);
	vec_foreach(&news->items, item)
		if (result >= 0)
			result = remember_address(session->store, session->conf->store, item->deployment,
						  item->place, item->address, &e);
	if (result < 0)
		log_info("addresses are not remembered: %s", e.text);
}

/* ---- the whole ---- */

struct status {
	struct session session;
	struct deployments deployments;
	struct rows *rows;
	struct status_news news;
	size_t failed;
};

static void status_done(struct status *status)
{
	rows_free(status->rows);
	news_done(&status->news);
	deployments_done(&status->deployments);
	session_done(&status->session);
}

static void note_address(struct status *status, const struct deployment *deployment, size_t place,
			 const char *address)
{
	if (address && !str_equal(address, deployment->machines.items[place].guest_address))
		vec_push(&status->news.items, (struct news){deployment, place, mem_string(address)});
}

static int show_deployment(struct status *status, struct deployment *deployment, struct err *e)
{
	cleanup(watching_done) struct watching watching = {.session = &status->session, .deployment = deployment};
	int result = watch(&watching, e);

	for (size_t i = 0; result == 0 && i < deployment->machines.count; i++) {
		note_address(status, deployment, i, watching.now.machines[i].address);
		result = show_machine(status->rows, deployment, &deployment->machines.items[i],
				      &watching.now.machines[i], e);
	}
	status->failed += watching.failed;
	return result;
}

static int read_deployments(struct status *status, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	const struct cli *cli = &status->session.options->cli;
	int result = store_view_open(&view, status->session.store, e);

	if (result == 0 && cli->operand_count == 0)
		return deployment_all(view, &status->deployments, e);
	struct deployment deployment = {0};
	if (result == 0)
		result = deployment_require(view, cli->operands[0], &deployment, e);
	if (result == 0)
		vec_push(&status->deployments, deployment);
	return result;
}

int command_status(void *context)
{
	const struct options *o = context;
	cleanup(status_done) struct status status = {0};
	int result = cli_operands(&o->cli, 0, 1, o->e);

	if (result == 0)
		result = session_open(&status.session, o, STORE_READ, o->e);
	if (result == 0)
		result = read_deployments(&status, o->e);
	if (result < 0)
		return result;
	vec_foreach(&status.deployments, deployment)
		session_locate(&status.session, deployment);
	status.rows = cli_rows(&o->cli, o->e);
	if (!status.rows)
		return ERR_USAGE;
	vec_foreach(&status.deployments, deployment)
		if (result == 0)
			result = show_deployment(&status, deployment, o->e);
	if (result == 0)
		result = rows_finish(status.rows, o->e);
	remember(&status.session, &status.news);
	return result == 0 && status.failed > 0 ? ERR_PARTIAL : result;
}
