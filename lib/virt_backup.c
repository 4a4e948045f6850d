/* virt_backup.c - copies of the disks of a running domain, as they are at one instant. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "domxml_storage.h"
#include "mem.h"
#include "vec.h"
#include "virt_control.h"
#include "virt_private.h"

enum { JOB_POLL_MS = 200 };

/* ---- what the daemon says of the job ---- */

struct job {
	int type;      /* virDomainJobType */
	int operation; /* virDomainJobOperation */
	uint64_t done_bytes;
	bool succeeded;
	char *message; /* why not, or NULL */
};

static void job_done(struct job *job)
{
	free(job->message);
	*job = (struct job){0};
}

static void take_parameter(struct job *job, const virTypedParameter *parameter)
{
	if (strcmp(parameter->field, VIR_DOMAIN_JOB_OPERATION) == 0 && parameter->type == VIR_TYPED_PARAM_INT)
		job->operation = parameter->value.i;
	else if (strcmp(parameter->field, VIR_DOMAIN_JOB_DISK_PROCESSED) == 0 &&
		 parameter->type == VIR_TYPED_PARAM_ULLONG)
		job->done_bytes = parameter->value.ul;
	else if (strcmp(parameter->field, VIR_DOMAIN_JOB_SUCCESS) == 0 &&
		 parameter->type == VIR_TYPED_PARAM_BOOLEAN)
		job->succeeded = parameter->value.b;
	else if (strcmp(parameter->field, VIR_DOMAIN_JOB_ERRMSG) == 0 && parameter->type == VIR_TYPED_PARAM_STRING)
		mem_replace(&job->message, parameter->value.s);
}

/* FLAGS: 0 of the one that runs, or VIR_DOMAIN_JOB_STATS_COMPLETED. */
static int read_job(virDomainPtr domain, unsigned flags, struct job *job, struct err *e)
{
	virTypedParameterPtr parameters = NULL;
	int count = 0;

	job_done(job);
	if (virDomainGetJobStats(domain, &job->type, &parameters, &count, flags) < 0)
		return virt_domain_error(domain, e);
	for (int i = 0; i < count; i++)
		take_parameter(job, &parameters[i]);
	virTypedParamsFree(parameters, count);
	return 0;
}

static bool is_running(const struct job *job)
{
	return job->type == VIR_DOMAIN_JOB_BOUNDED || job->type == VIR_DOMAIN_JOB_UNBOUNDED;
}

/* ---- ending it ---- */

/* The daemon forgets a job that was aborted only when QEMU has let go of its files. */
static int wait_until_idle(virDomainPtr domain, struct err *e)
{
	cleanup(job_done) struct job job = {0};

	for (;;) {
		int result = read_job(domain, 0, &job, e);
		if (result < 0 || !is_running(&job))
			return result;
		poll(NULL, 0, JOB_POLL_MS);
	}
}

static int abort_job(virDomainPtr domain, struct err *e)
{
	cleanup(job_done) struct job job = {0};

	int result = read_job(domain, 0, &job, e);
	if (result < 0 || !is_running(&job) || job.operation != VIR_DOMAIN_JOB_OPERATION_BACKUP)
		return result;
	if (virDomainAbortJob(domain) < 0)
		result = virt_domain_error(domain, e);
	/* It may have ended just before. */
	int waited = wait_until_idle(domain, result < 0 ? NULL : e);
	return waited < 0 ? waited : 0;
}

/* 1: it has no process, and so no job. */
static int is_off(virDomainPtr domain)
{
	int state;

	if (virDomainGetState(domain, &state, NULL, 0) < 0)
		return virt_error(NULL, NULL) == ERR_NOT_FOUND;
	return !virt_state_is_active(state);
}

/* A job of somebody else's may have begun meanwhile. One that ends just now is nobody's. */
static bool is_of(virDomainPtr domain, const char *mark)
{
	if (!mark)
		return true;
	char *xml = virDomainBackupGetXMLDesc(domain, 0);
	bool found = xml && strstr(xml, mark);
	free(xml);
	return found;
}

int virt_domain_backup_abort(struct virt *virt, const unsigned char *uuid, const char *mark, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result < 0)
		return result == ERR_NOT_FOUND ? 0 : result;
	if (!is_of(domain, mark))
		return 0;
	result = abort_job(domain, e);
	return result < 0 && is_off(domain) ? 0 : result;
}

/* ---- beginning it ---- */

static int stopped(virDomainPtr domain, struct err *e)
{
	return err_set(e, ERR_CONFLICT, "%s: it stopped, or went to another host, meanwhile",
		       virDomainGetName(domain));
}

/* The daemon would make us wait half a minute for the other one, and then speak of a lock. */
static int check_idle(virDomainPtr domain, struct err *e)
{
	cleanup(job_done) struct job job = {0};

	int result = read_job(domain, 0, &job, e);
	if (result < 0)
		return is_off(domain) ? stopped(domain, e) : result;
	if (!is_running(&job))
		return 0;
	return err_set(e, ERR_LOCKED, "%s: another job runs on it (%s): try again when it is done",
		       virDomainGetName(domain),
		       job.operation == VIR_DOMAIN_JOB_OPERATION_BACKUP ? "a backup" : "not a backup");
}

int virt_domain_check_idle(struct virt *virt, const unsigned char *uuid, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	return result < 0 ? result : check_idle(domain, e);
}

static int begin_code(void)
{
	switch (virGetLastErrorCode()) {
	case VIR_ERR_OPERATION_TIMEOUT:
		return ERR_LOCKED;
	case VIR_ERR_XML_ERROR:
	case VIR_ERR_XML_DETAIL:
	case VIR_ERR_INVALID_ARG:
		return ERR_USAGE;
	default:
		return virt_cannot() ? ERR_USAGE : 0;
	}
}

static int begin_error(virDomainPtr domain, struct err *e)
{
	int code = begin_code();
	int result = virt_domain_error(domain, e);

	if (code == 0)
		return result;
	if (e)
		e->code = code;
	return code;
}

static int begin_job(virDomainPtr domain, const struct virt_backup_disk *disks, size_t count, struct err *e)
{
	cleanup(cleanup_mem) struct domxml_backup_disk *listed = mem_zalloc(count, sizeof *listed);
	cleanup(str_done) struct str xml = {0};

	for (size_t i = 0; i < count; i++)
		listed[i] = (struct domxml_backup_disk){disks[i].target, disks[i].file, disks[i].format};
	domxml_write_backup(&xml, listed, count);
	int result = check_idle(domain, e);
	if (result < 0)
		return result;
	if (virDomainBackupBegin(domain, str_text(&xml), NULL, 0) == 0)
		return 0;
	result = begin_error(domain, e);
	return is_off(domain) ? stopped(domain, e) : result;
}

/* ---- waiting for it ---- */

static int judge(virDomainPtr domain, struct err *e)
{
	cleanup(job_done) struct job job = {0};
	const char *name = virDomainGetName(domain);

	int result = read_job(domain, VIR_DOMAIN_JOB_STATS_COMPLETED, &job, e);
	if (is_off(domain))
		return stopped(domain, e);
	if (result < 0)
		return result;
	if (job.operation != VIR_DOMAIN_JOB_OPERATION_BACKUP)
		return err_set(e, ERR_CONFLICT, "%s: the backup ended unseen", name);
	if (job.type == VIR_DOMAIN_JOB_COMPLETED && job.succeeded)
		return 0;
	const char *why = job.message ? job.message : "no reason was given";
	bool is_full = strstr(why, "No space left on device") != NULL;
	return err_set(e, is_full ? ERR_FULL : ERR_ENV, "%s: the backup failed: %s", name, why);
}

static int tell(const struct disk_progress *progress, const struct job *job, uint64_t *before, struct err *e)
{
	if (!progress || job->done_bytes == *before)
		return 0;
	*before = job->done_bytes;
	return progress->moved(progress->context, job->done_bytes, e);
}

static int wait_for_job(virDomainPtr domain, const struct disk_progress *progress, struct err *e)
{
	cleanup(job_done) struct job job = {0};
	uint64_t before = 0;

	for (;;) {
		int result = read_job(domain, 0, &job, e);
		if (result < 0)
			return is_off(domain) ? stopped(domain, e) : result;
		if (!is_running(&job))
			return judge(domain, e);
		result = tell(progress, &job, &before, e);
		if (result != 0) {
			abort_job(domain, NULL);
			return result;
		}
		poll(NULL, 0, JOB_POLL_MS);
	}
}

int virt_domain_backup(struct virt *virt, const unsigned char *uuid, const struct virt_backup_disk *disks,
		       size_t count, void (*begun)(void *context), void *begun_context,
		       const struct disk_progress *progress, struct err *e)
{
	cleanup(cleanup_domain) virDomainPtr domain = NULL;

	int result = virt_domain_lookup(virt, uuid, &domain, e);
	if (result == 0)
		result = begin_job(domain, disks, count, e);
	if (result < 0)
		return result;
	if (begun)
		begun(begun_context);
	return wait_for_job(domain, progress, e);
}
