/* survey.c - every VM of some hosts, asked in parallel. */
#include "config.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "domxml.h"
#include "log.h"
#include "mem.h"
#include "rec.h"
#include "str.h"
#include "survey.h"
#include "virt.h"
#include "when.h"
#include "workers.h"

enum { DEADLINE_MIN_MS = 10 * 1000, FRAME_VERSION = 1 };

enum { FRAME_VM = 1, FRAME_PATHS };

static void surveyed_done(struct surveyed *surveyed)
{
	vm_done(&surveyed->vm);
	image_texts_done(&surveyed->paths);
}

void survey_done(struct survey *survey)
{
	vec_foreach(&survey->vms, surveyed)
		surveyed_done(surveyed);
	vec_done(&survey->vms);
	vec_done(&survey->failed);
	vec_foreach(&survey->reasons, reason)
		free(*reason);
	vec_done(&survey->reasons);
}

struct surveying {
	const struct host *const *hosts;
	bool detailed;
	struct survey *survey;
};

/* ---- in the worker ---- */

struct asking {
	struct worker *worker;
	struct virt_list list;
	pthread_mutex_t lock; /* around the worker and *e while several threads read XML */
	struct err *e;
};

static void asking_done(struct asking *asking)
{
	virt_list_done(&asking->list);
	pthread_mutex_destroy(&asking->lock);
}

static int send_vm(struct asking *asking, const struct surveyed *surveyed)
{
	cleanup(str_done) struct str vm = {0};
	cleanup(str_done) struct str frame = {0};

	vm_encode(&surveyed->vm, &vm);
	rec_begin(&frame, FRAME_VERSION);
	rec_bytes(&frame, FRAME_VM, vm.data, vm.length);
	rec_array(&frame, FRAME_PATHS);
	vec_foreach(&surveyed->paths, path)
		rec_item_text(&frame, *path);
	rec_close(&frame);
	rec_end(&frame);
	return worker_send(asking->worker, frame.data, frame.length, asking->e);
}

static void take_domain(const struct virt_domain *domain, struct surveyed *surveyed)
{
	surveyed->vm = (struct vm){
		.name = mem_string(domain->name),
		.state = (enum vm_state)domain->state,
		.reason = domain->reason,
		.domain_id = domain->id,
		.vcpus = domain->vcpus,
		.memory_bytes = domain->memory_bytes,
		.disk_bytes = VM_UNKNOWN,
		.xml_read = WHEN_UNKNOWN,
	};
	memcpy(surveyed->vm.uuid, domain->uuid, sizeof surveyed->vm.uuid);
}

static uint64_t capacity_of(const struct virt_domain *domain, const char *target)
{
	uint64_t bytes;

	vec_foreach(&domain->disks, disk)
		if (str_equal(disk->target, target))
			return disk->capacity_bytes;
	return target && virt_disk_capacity(domain, target, &bytes, NULL) == 0 ? bytes : VM_UNKNOWN;
}

/* A disk of unknown size makes the sum unknown. */
static void take_disks(const struct virt_domain *domain, const struct domxml *xml, struct surveyed *surveyed)
{
	uint64_t total = 0;

	vec_foreach(&xml->disks, disk) {
		if (str_equal(disk->device, "cdrom") || str_equal(disk->device, "floppy"))
			continue;
		if (disk->source)
			vec_push(&surveyed->paths, mem_string(disk->source));
		uint64_t bytes = total == VM_UNKNOWN ? VM_UNKNOWN : capacity_of(domain, disk->target);
		if (bytes == VM_UNKNOWN || __builtin_add_overflow(total, bytes, &total))
			total = VM_UNKNOWN;
	}
	surveyed->vm.disk_bytes = total;
}

/* XML that cannot be read or understood leaves the VM as the list has it. */
static int on_xml(void *context, size_t place, const char *text, const struct err *why)
{
	struct asking *asking = context;
	const struct virt_domain *domain = &asking->list.domains.items[place];
	cleanup(domxml_done) struct domxml xml = {0};
	cleanup(surveyed_done) struct surveyed surveyed = {0};

	(void)why;
	take_domain(domain, &surveyed);
	if (text && domxml_parse(&xml, text, strlen(text), NULL) == 0) {
		surveyed.vm.os = mem_string(xml.os);
		surveyed.vm.os_id = mem_string(xml.os_id);
		surveyed.vm.xml_known = true;
		take_disks(domain, &xml, &surveyed);
	}
	pthread_mutex_lock(&asking->lock);
	int result = send_vm(asking, &surveyed);
	pthread_mutex_unlock(&asking->lock);
	return result;
}

static int read_details(struct asking *asking)
{
	size_t count = asking->list.domains.count;
	cleanup(cleanup_mem) size_t *places = mem_zalloc(count + 1, sizeof *places);

	for (size_t i = 0; i < count; i++)
		places[i] = i;
	return virt_read_xml(&asking->list, places, count,
			     when_monotonic() + worker_time_left_ms(asking->worker), on_xml, asking);
}

static int send_list(struct asking *asking)
{
	int result = 0;

	for (size_t i = 0; i < asking->list.domains.count && result == 0; i++) {
		cleanup(surveyed_done) struct surveyed surveyed = {0};
		take_domain(&asking->list.domains.items[i], &surveyed);
		result = send_vm(asking, &surveyed);
	}
	return result;
}

static int ask(struct worker *worker, size_t job, void *context, struct err *e)
{
	const struct surveying *surveying = context;
	cleanup(cleanup_virt) struct virt *virt = NULL;
	cleanup(asking_done) struct asking asking = {
		.worker = worker,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.e = e,
	};

	int result = virt_open(&virt, surveying->hosts[job]->uri, e);
	if (result == 0)
		result = virt_list(virt, &asking.list, e);
	if (result == 0)
		result = surveying->detailed ? read_details(&asking) : send_list(&asking);
	/* What is slow in closing is no failure. */
	return result < 0 ? result : worker_finish(worker, e);
}

/* ---- in the parent ---- */

static int take_paths(const struct rec_value *value, struct surveyed *surveyed, struct err *e)
{
	struct rec_reader reader;
	struct rec_value item;
	char *path;
	int result;

	if (value->type != REC_ARRAY)
		return err_set(e, ERR_CORRUPT, "something else than an array");
	rec_enter(&reader, value);
	while ((result = rec_next(&reader, NULL, &item, e)) == 1) {
		if (rec_as_text(&item, &path, e) < 0)
			return e->code;
		vec_push(&surveyed->paths, path);
	}
	return result;
}

static int take_field(unsigned key, const struct rec_value *value, struct surveyed *surveyed, struct err *e)
{
	if (key == FRAME_VM && !surveyed->vm.name)
		return vm_decode(value->data, value->length, &surveyed->vm, e);
	return key == FRAME_PATHS ? take_paths(value, surveyed, e) : 0;
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	struct surveying *surveying = context;
	struct surveyed *surveyed = vec_push_zero(&surveying->survey->vms);
	struct rec_reader reader;
	struct rec_value value;
	unsigned version;
	unsigned key;

	surveyed->host = surveying->hosts[job];
	int result = rec_open(&reader, bytes, length, FRAME_VERSION, &version, e);
	while (result >= 0 && (result = rec_next(&reader, &key, &value, e)) == 1)
		result = take_field(key, &value, surveyed, e);
	if (result == 0 && !surveyed->vm.name)
		return err_set(e, ERR_CORRUPT, "a VM without a name");
	return result;
}

/* Half a list is none. */
static void forget_vms(struct survey *survey, const struct host *host)
{
	size_t kept = 0;

	for (size_t i = 0; i < survey->vms.count; i++) {
		if (survey->vms.items[i].host == host)
			surveyed_done(&survey->vms.items[i]);
		else
			survey->vms.items[kept++] = survey->vms.items[i];
	}
	survey->vms.count = kept;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	struct surveying *surveying = context;
	struct survey *survey = surveying->survey;

	(void)e;
	survey->asked++;
	if (outcome->code == 0)
		return 0;
	forget_vms(survey, surveying->hosts[job]);
	vec_push(&survey->failed, surveying->hosts[job]);
	vec_push(&survey->reasons, mem_string(outcome->text));
	return 0;
}

/* Hosts lie in one array, in the order of their file. */
static int compare(const void *a, const void *b)
{
	const struct surveyed *x = a, *y = b;

	if (x->host != y->host)
		return x->host < y->host ? -1 : 1;
	int order = strcmp(x->vm.name, y->vm.name);
	return order ? order : memcmp(x->vm.uuid, y->vm.uuid, VM_UUID_SIZE);
}

int survey_hosts(const struct conf *conf, const struct host *const *hosts, size_t count, bool detailed,
		 struct survey *survey, struct err *e)
{
	struct surveying surveying = {.hosts = hosts, .detailed = detailed, .survey = survey};
	const struct workers_job job = {&surveying, ask, received, finished};
	int64_t deadline_ms = conf->snapshot.host_deadline_ms;
	const struct workers_limits limits = {
		.parallel = conf->parallel,
		.job_deadline_ms = deadline_ms > DEADLINE_MIN_MS ? deadline_ms : DEADLINE_MIN_MS,
	};

	int result = count ? workers_run(&job, count, &limits, NULL, e) : 0;
	if (survey->vms.count)
		qsort(survey->vms.items, survey->vms.count, sizeof *survey->vms.items, compare);
	return result;
}

int survey_report(const struct survey *survey, struct err *e)
{
	for (size_t i = 0; i < survey->failed.count; i++)
		log_error("%s: %s", survey->failed.items[i]->name, survey->reasons.items[i]);
	if (survey->failed.count == 0)
		return 0;
	return err_set(e, survey->failed.count == survey->asked ? ERR_ENV : ERR_PARTIAL, "%s", "");
}

/* ---- one VM ---- */

static bool is_called(const struct surveyed *surveyed, const char *text)
{
	unsigned char uuid[VM_UUID_SIZE];

	if (strcmp(surveyed->vm.name, text) == 0)
		return true;
	return vm_uuid_parse(text, uuid, NULL) == 0 && memcmp(uuid, surveyed->vm.uuid, sizeof uuid) == 0;
}

static int choose(const struct survey *survey, const char *vm, const struct host **host, struct err *e)
{
	cleanup(str_done) struct str names = {0};
	cleanup(cleanup_mem) char *shown = str_escape(vm);
	size_t count = 0;

	vec_foreach(&survey->vms, surveyed) {
		if (!is_called(surveyed, vm))
			continue;
		str_addf(&names, "%s%s", count++ ? ", " : "", surveyed->host->name);
		*host = surveyed->host;
	}
	if (count > 1)
		return err_set(e, ERR_AMBIGUOUS, "VM '%s' is on %s: say %s@HOST", shown, str_text(&names), shown);
	if (count == 1)
		return 0;
	if (survey->failed.count)
		return err_set(e, ERR_NET, "VM '%s' is on no host that answered; %s did not (%s)%s", shown,
			       survey->failed.items[0]->name, survey->reasons.items[0],
			       survey->failed.count > 1 ? ", nor did others" : "");
	return err_set(e, ERR_NOT_FOUND, "no host has a VM '%s'", shown);
}

int survey_find(const struct conf *conf, const struct hosts *hosts, const char *vm, const struct host **host,
		struct err *e)
{
	cleanup(survey_done) struct survey survey = {0};
	cleanup(cleanup_mem) const struct host **asked = mem_zalloc(hosts->count + 1, sizeof *asked);
	size_t count = 0;

	for (size_t i = 0; i < hosts->count; i++)
		if (hosts_is_asked(&hosts->items[i]))
			asked[count++] = &hosts->items[i];
	int result = survey_hosts(conf, asked, count, false, &survey, e);
	return result < 0 ? result : choose(&survey, vm, host, e);
}
