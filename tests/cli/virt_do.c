/*
 * virt_do.c - for tests: does one thing through lib/virt_volume.h or lib/virt_control.h, and says what came of it.
 *
 * usage: virt_do URI COMMAND [ARGUMENT...]; the commands are in the table at the end. What fails is a line on standard error,
 * "NAME: message" with the name of its err_code, and status 1. --stall MS before URI does it in a worker that is killed when no
 * progress came for so long.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"
#include "disk.h"
#include "err.h"
#include "imagefile.h"
#include "mem.h"
#include "str.h"
#include "virt.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "when.h"
#include "workers.h"

static const char *const CODES[] = {"OK",   "NOT_FOUND", "USAGE",     "AMBIGUOUS", "PARTIAL",  "ENV",
				    "NET",  "AUTH",      "TEMPORARY", "PERMANENT", "CORRUPT",  "SCHEMA",
				    "FULL", "DEADLINE",  "LOCKED",    "CONFLICT",  "TOO_LARGE"};

static struct virt *virt;
static struct worker *worker; /* NULL: in this process */
static char **arguments;      /* of the command, with NULL at the end */

static int moved(void *context, uint64_t done_bytes, struct err *e)
{
	(void)context;
	if (worker)
		return worker_send(worker, &done_bytes, sizeof done_bytes, e);
	fprintf(stderr, "moved %" PRIu64 "\n", done_bytes);
	return 0;
}

static const struct disk_progress progress = {moved, NULL};

static uint64_t number(const char *text)
{
	return text ? strtoull(text, NULL, 10) : 0;
}

static void print_names(struct virt_names *names)
{
	vec_foreach(names, name)
		puts(*name);
	virt_names_done(names);
}

/* ---- pools and volumes ---- */

static void print_pool(const struct virt_pool *pool)
{
	printf("%s %s %s %s %" PRIu64 " %" PRIu64 "\n", pool->name, pool->type, pool->path ? pool->path : "-",
	       pool->active ? "active" : "inactive", pool->capacity_bytes, pool->available_bytes);
}

static int do_pool(struct err *e)
{
	cleanup(virt_pool_done) struct virt_pool pool = {0};

	int result = virt_pool_find(virt, arguments[0], &pool, e);
	if (result == 0)
		print_pool(&pool);
	return result;
}

static int do_pools(struct err *e)
{
	struct virt_pools pools = {0};

	int result = virt_pool_list(virt, &pools, e);
	vec_foreach(&pools, pool)
		print_pool(pool);
	virt_pools_done(&pools);
	return result;
}

static int do_at(struct err *e)
{
	cleanup(cleanup_mem) char *pool = NULL;
	cleanup(cleanup_mem) char *name = NULL;
	bool made;

	int result = virt_volume_at(virt, arguments[0], &pool, &name, &made, e);
	if (result == 0)
		printf("%s %s %s\n", pool, name, made ? "made" : "there");
	return result;
}

static int do_drop(struct err *e)
{
	return virt_pool_drop(virt, arguments[0], e);
}

static int do_find(struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume v = {0};

	int result = virt_volume_find(virt, arguments[0], arguments[1], &v, e);
	if (result == 0)
		puts("none");
	if (result == 1)
		printf("%s %s %s %s %" PRIu64 " %" PRIu64 "\n", v.name, v.path, v.format ? v.format : "-",
		       v.backing_path ? v.backing_path : "-", v.capacity_bytes, v.allocation_bytes);
	return result;
}

static int do_modified(struct err *e)
{
	cleanup(virt_volume_done) struct virt_volume v = {0};

	int result = virt_volume_find(virt, arguments[0], arguments[1], &v, e);
	if (result == 1)
		printf("%" PRId64 "\n", v.modified);
	return result;
}

static int do_names(struct err *e)
{
	struct virt_names names = {0};

	int result = virt_volume_names(virt, arguments[0], &names, e);
	print_names(&names);
	return result;
}

/* POOL NAME FORMAT BYTES [BACKING FORMAT] */
static int do_create_as(bool read_only, struct err *e)
{
	const struct virt_volume_spec spec = {
		.name = arguments[1],
		.format = arguments[2],
		.capacity_bytes = number(arguments[3]),
		.backing_path = arguments[4],
		.backing_format = arguments[4] ? arguments[5] : NULL,
		.read_only = read_only,
	};
	cleanup(cleanup_mem) char *path = NULL;

	int result = virt_volume_create(virt, arguments[0], &spec, &path, e);
	if (result == 0)
		puts(path);
	return result;
}

static int do_create(struct err *e)
{
	return do_create_as(false, e);
}

static int do_create_base(struct err *e)
{
	return do_create_as(true, e);
}

/* POOL NAME FORMAT FROM_POOL FROM */
static int do_clone(struct err *e)
{
	const struct virt_volume_spec spec = {.name = arguments[1], .format = arguments[2]};
	cleanup(cleanup_mem) char *path = NULL;

	int result =
		virt_volume_clone(virt, arguments[0], &spec, arguments[3], arguments[4], &progress, &path, e);
	if (result == 0)
		puts(path);
	return result;
}

static int do_delete(struct err *e)
{
	return virt_volume_delete(virt, arguments[0], arguments[1], e);
}

static int copy(struct disk_reader *reader, struct disk_writer *writer, struct err *e)
{
	struct disk_copied copied;
	char text[DIGEST_TEXT_SIZE];

	int result = disk_copy(reader, writer, worker ? &progress : NULL, &copied, e);
	if (result == 0)
		printf("%s %" PRIu64 " %" PRIu64 "\n", digest_format(copied.sha256, text), copied.size_bytes,
		       copied.data_bytes);
	return result;
}

static int do_digest(struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;

	int result = virt_volume_read(&reader, virt, arguments[0], arguments[1], e);
	return result < 0 ? result : copy(reader, NULL, e);
}

/* POOL NAME FOLDER FILE */
static int do_download(struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;

	int result = virt_volume_read(&reader, virt, arguments[0], arguments[1], e);
	if (result == 0)
		result = imagefile_write(&writer, arguments[2], arguments[3], e);
	return result < 0 ? result : copy(reader, writer, e);
}

static int do_upload(struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	const char *name = arguments[3];
	const struct imagefile file = {arguments[2], &name, 1};

	int result = imagefile_read(&reader, &file, e);
	if (result == 0)
		result = virt_volume_write(&writer, virt, arguments[0], arguments[1], e);
	return result < 0 ? result : copy(reader, writer, e);
}

/* ---- domains ---- */

static unsigned char uuid[VIRT_UUID_SIZE];

static int do_uuid(struct err *e)
{
	(void)e;
	for (size_t i = 0; i < sizeof uuid; i++)
		printf("%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	puts("");
	return 0;
}

static int do_state(struct err *e)
{
	int state = 0;

	int result = virt_domain_state(virt, uuid, &state, e);
	if (result == 0)
		puts("none");
	if (result == 1)
		printf("%d %s\n", state, virt_state_is_active(state) ? "active" : "off");
	return result;
}

static int print_xml(int (*read)(struct virt *, const unsigned char *, char **, struct err *), struct err *e)
{
	cleanup(cleanup_mem) char *xml = NULL;

	int result = read(virt, uuid, &xml, e);
	if (result == 0)
		puts(xml);
	return result;
}

static int do_config(struct err *e)
{
	return print_xml(virt_domain_config, e);
}

static int do_live(struct err *e)
{
	return print_xml(virt_domain_live, e);
}

static int do_define(struct err *e)
{
	cleanup(str_done) struct str xml = {0};
	int byte;

	while ((byte = getchar()) != EOF)
		str_add_char(&xml, (char)byte);
	return virt_domain_define(virt, str_text(&xml), e);
}

static int do_undefine(struct err *e)
{
	return virt_domain_undefine(virt, uuid, e);
}

static int do_start(struct err *e)
{
	return virt_domain_start(virt, uuid, e);
}

static int do_shutdown(struct err *e)
{
	return virt_domain_shutdown(virt, uuid, when_monotonic() + (int64_t)number(arguments[1]), e);
}

static int do_destroy(struct err *e)
{
	return virt_domain_destroy(virt, uuid, e);
}

static int do_addresses(struct err *e)
{
	struct virt_names addresses = {0};

	int result = virt_domain_addresses(virt, uuid, &addresses, e);
	print_names(&addresses);
	return result;
}

static int do_freeze(struct err *e)
{
	return virt_domain_freeze(virt, uuid, (int)number(arguments[1]), e);
}

static int do_thaw(struct err *e)
{
	return virt_domain_thaw(virt, uuid, e);
}

static void begun(void *context)
{
	(void)context;
	puts("begun");
	fflush(stdout);
}

static int refuse(void *context, uint64_t done_bytes, struct err *e)
{
	(void)context;
	return err_set(e, ERR_PERMANENT, "enough after %" PRIu64, done_bytes);
}

/* DOMAIN FORMAT (TARGET FILE)... */
static int backup(const struct disk_progress *told, struct err *e)
{
	struct virt_backup_disk disks[8];
	size_t count = 0;

	for (char **pair = arguments + 2; pair[0] && pair[1] && count < 8; pair += 2)
		disks[count++] = (struct virt_backup_disk){pair[0], pair[1], arguments[1]};
	return virt_domain_backup(virt, uuid, disks, count, begun, NULL, told, e);
}

static int do_backup(struct err *e)
{
	return backup(&progress, e);
}

static int do_backup_refused(struct err *e)
{
	static const struct disk_progress refusing = {refuse, NULL};

	return backup(&refusing, e);
}

static int do_backup_abort(struct err *e)
{
	return virt_domain_backup_abort(virt, uuid, NULL, e);
}

static int do_memory(struct err *e)
{
	uint64_t bytes;

	int result = virt_free_memory(virt, &bytes, e);
	if (result == 0)
		printf("%" PRIu64 "\n", bytes);
	return result;
}

static const struct command {
	const char *name;
	int (*run)(struct err *e);
	int least; /* arguments */
	bool of_domain;
} COMMANDS[] = {
	{"pools", do_pools, 0, false},
	{"pool", do_pool, 1, false},
	{"at", do_at, 1, false},
	{"drop", do_drop, 1, false},
	{"find", do_find, 2, false},
	{"modified", do_modified, 2, false},
	{"names", do_names, 1, false},
	{"create", do_create, 4, false},
	{"create-base", do_create_base, 4, false},
	{"clone", do_clone, 5, false},
	{"delete", do_delete, 2, false},
	{"digest", do_digest, 2, false},
	{"download", do_download, 4, false},
	{"upload", do_upload, 4, false},
	{"memory", do_memory, 0, false},
	{"define", do_define, 0, false},
	{"uuid", do_uuid, 1, true},
	{"state", do_state, 1, true},
	{"config", do_config, 1, true},
	{"live", do_live, 1, true},
	{"undefine", do_undefine, 1, true},
	{"start", do_start, 1, true},
	{"shutdown", do_shutdown, 2, true},
	{"destroy", do_destroy, 1, true},
	{"addresses", do_addresses, 1, true},
	{"freeze", do_freeze, 2, true},
	{"thaw", do_thaw, 1, true},
	{"backup", do_backup, 4, true},
	{"backup-refused", do_backup_refused, 4, true},
	{"backup-abort", do_backup_abort, 1, true},
};

/* A UUID of 32 digits is taken as it is, so that domains that are gone can be asked for. */
static int find_domain(const char *name, struct err *e)
{
	char digits[3] = {0};

	if (strlen(name) != 2 * (size_t)VIRT_UUID_SIZE)
		return virt_domain_find(virt, name, uuid, e);
	for (size_t i = 0; i < VIRT_UUID_SIZE; i++) {
		memcpy(digits, name + 2 * i, 2);
		uuid[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	return 0;
}

struct order {
	const char *uri;
	const struct command *command;
};

static int obey(const struct order *order, struct err *e)
{
	int result = virt_open_control(&virt, order->uri, e);

	if (result == 0 && order->command->of_domain)
		result = find_domain(arguments[0], e);
	if (result == 0)
		result = order->command->run(e);
	virt_close(virt);
	return result;
}

/* ---- in a worker ---- */

static int work(struct worker *self, size_t job, void *context, struct err *e)
{
	(void)job;
	worker = self;
	return obey(context, e);
}

static int received(void *context, size_t job, const void *bytes, size_t length, struct err *e)
{
	(void)context;
	(void)job;
	(void)bytes;
	(void)length;
	(void)e;
	fputs("moved\n", stderr);
	return 0;
}

static int finished(void *context, size_t job, const struct workers_outcome *outcome, struct err *e)
{
	(void)context;
	(void)job;
	return outcome->code < 0 ? err_set(e, outcome->code, "%s", outcome->text) : 0;
}

static int obey_in_worker(struct order *order, int64_t stall_ms, struct err *e)
{
	const struct workers_job job = {order, work, received, finished};
	const struct workers_limits limits = {.parallel = 1, .stall_ms = stall_ms};

	return workers_run(&job, 1, &limits, NULL, e);
}

static const struct command *find_command(const char *name, int count)
{
	for (size_t i = 0; i < sizeof COMMANDS / sizeof COMMANDS[0]; i++)
		if (strcmp(COMMANDS[i].name, name) == 0 && count >= COMMANDS[i].least)
			return &COMMANDS[i];
	return NULL;
}

int main(int count, char **words)
{
	struct err e = {0};
	int64_t stall_ms = 0;

	if (count > 2 && strcmp(words[1], "--stall") == 0) {
		stall_ms = (int64_t)number(words[2]);
		words += 2;
		count -= 2;
	}
	struct order order = {.uri = words[1]};
	if (count >= 3)
		order.command = find_command(words[2], count - 3);
	if (!order.command) {
		fputs("usage: virt_do [--stall MS] URI COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	arguments = words + 3;
	int result = stall_ms ? obey_in_worker(&order, stall_ms, &e) : obey(&order, &e);
	if (result < 0)
		fprintf(stderr, "%s: %s\n", CODES[-result], e.text);
	return result < 0;
}
