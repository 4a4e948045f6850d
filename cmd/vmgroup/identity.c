/* identity.c - images copied on the station, and what makes a machine this one taken out of the copies. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "disk.h"
#include "identity.h"
#include "imagefile.h"
#include "log.h"
#include "mem.h"
#include "repository.h"

static const char program[] = "virt-sysprep";

/* LIMIT_MS: it boots a small machine of its own, which takes minutes without KVM. */
enum { LIMIT_MS = 30 * 60 * 1000, POLL_MS = 500 };

void identity_done(struct identity *identity)
{
	struct err e = {0};

	for (size_t i = 0; i < identity->stages.count; i++) {
		struct stage *stage = &identity->stages.items[i];
		if (repository_unstage(identity->repository, stage->id, 0, 0, &e) < 0 ||
		    stage_end(identity->session->store, stage->id, &e) < 0)
			log_warning("%s: %s: see mastimg gc", stage->what, e.text);
		lock_done(&identity->locks.items[i]);
		stage_done(stage);
	}
	vec_done(&identity->stages);
	vec_done(&identity->locks);
	repository_close(identity->repository);
	identity->repository = NULL;
}

/* ---- whether it can be done ---- */

static bool is_installed(void)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t length = strcspn(path, ":");
		cleanup(cleanup_mem) char *file = mem_format("%.*s/%s", (int)length, path, program);
		if (length > 0 && access(file, X_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

int identity_check(struct session *session, struct err *e)
{
	if (str_starts(session->conf->image.repository, "pool:"))
		return err_set(
			e, ERR_USAGE, "--reset-identity: copies are changed on the station: the repository must be a folder");
	if (!is_installed())
		return err_set(e, ERR_ENV, "--reset-identity: %s is not installed (guestfs-tools)", program);
	return 0;
}

/* ---- the copy ---- */

static struct stage *begin_stage(struct identity *identity, const struct source *source, struct err *e)
{
	struct stage stage = {
		.what = mem_format("reset the identity of a copy of %s", source->image.name),
		.repository = mem_string(identity->session->conf->image.repository),
	};
	struct lock lock = LOCK_NONE;

	if (stage_begin(identity->session->store, identity->session->conf->store, &stage, &lock, e) < 0) {
		stage_done(&stage);
		return NULL;
	}
	vec_push(&identity->stages, stage);
	vec_push(&identity->locks, lock);
	return &identity->stages.items[identity->stages.count - 1];
}

struct copying {
	struct session *session;
	const char *label;
	uint64_t total_bytes;
};

static int moved(void *context, uint64_t done_bytes, struct err *e)
{
	const struct copying *copying = context;

	progress_set(copying->session->progress, copying->label, done_bytes, copying->total_bytes);
	return *session_stop() ? err_set(e, ERR_ENV, "interrupted") : 0;
}

static int copy_disk(struct identity *identity, const struct stage *stage, const struct source *source,
		     struct source_disk *disk, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	cleanup(cleanup_disk_writer) struct disk_writer *writer = NULL;
	cleanup(cleanup_mem) char *label = mem_format("copy of %s %s", source->image.name, disk->disk->target);
	struct copying copying = {identity->session, label, disk->disk->virtual_bytes};
	const struct disk_progress progress = {moved, &copying};
	struct disk_copied copied;

	int result = repository_read(identity->repository, &source->image, disk->disk, &reader, e);
	if (result == 0)
		result = repository_write(identity->repository, stage->id, source->image.id, source->number,
					  disk->disk->target, disk->disk->virtual_bytes, &writer,
					  &disk->staged, e);
	if (result == 0)
		result = disk_copy_digests(reader, writer, &progress, image_disk_digest(disk->disk), &copied, e);
	progress_drop(identity->session->progress, label);
	if (result == 0 && !image_disk_is(disk->disk, &copied))
		return err_set(
			e, ERR_CORRUPT,
			"what was read of its disk %s is not what was registered: see mastimg verify %s",
			disk->disk->target, source->image.name);
	return result;
}

static bool is_changed(const struct source_disk *disk)
{
	return strcmp(disk->disk->target, IMAGE_NVRAM) != 0;
}

static int copy_disks(struct identity *identity, struct source *source, struct err *e)
{
	uint64_t room, wanted = 0;
	const struct stage *stage = begin_stage(identity, source, e);
	if (!stage)
		return e->code;
	int result = repository_stage(identity->repository, stage->id, e);
	if (result == 0)
		result = repository_room(identity->repository, identity->session->conf->image.reserve, &room, e);
	if (result < 0)
		return result;
	vec_foreach(&source->disks, disk)
		wanted += disk->disk->physical_bytes;
	if (room < wanted)
		return err_set(e, ERR_FULL, "no room for a copy of it in %s",
			       identity->session->conf->image.repository);
	source->folder = mem_format("%s/staging/%llu", identity->session->conf->image.repository,
				    (unsigned long long)stage->id);
	vec_foreach(&source->disks, disk)
		if (result == 0 && is_changed(disk))
			result = copy_disk(identity, stage, source, disk, e);
	return result;
}

/* ---- the reset ---- */

struct arguments {
	VEC(char *) items;
};

static void arguments_done(struct arguments *arguments)
{
	vec_foreach(&arguments->items, item)
		free(*item);
	vec_done(&arguments->items);
}

static void fill_arguments(struct arguments *arguments, const struct source *source)
{
	vec_push(&arguments->items, mem_string(program));
	vec_push(&arguments->items, mem_string("--format"));
	vec_push(&arguments->items, mem_string("raw"));
	vec_foreach(&source->disks, disk) {
		if (!disk->staged)
			continue;
		vec_push(&arguments->items, mem_string("-a"));
		vec_push(&arguments->items, mem_format("%s/%s", source->folder, disk->staged));
	}
	vec_push(&arguments->items, NULL);
}

static int wait_for(struct commands *commands, struct command_end *end, struct err *e)
{
	while (!commands_finished(commands, end)) {
		struct pollfd poll_fd = {.fd = commands_fd(commands), .events = POLLIN};
		if (*session_stop())
			return err_set(e, ERR_ENV, "interrupted");
		poll(&poll_fd, 1, POLL_MS);
	}
	return 0;
}

/* It says: [  12.3] Performing "ssh-hostkeys" ... */
static void tell_operations(const struct source *source, const char *output)
{
	static const char doing[] = "Performing \"";
	cleanup(str_done) struct str operations = {0};

	for (const char *at = output; (at = strstr(at, doing));) {
		at += strlen(doing);
		str_add(&operations, operations.length ? ", " : "");
		str_add_n(&operations, at, strcspn(at, "\"\n"));
	}
	log_notice("image %s: reset in the copies that are deployed: %s", source->image.name,
		   operations.length ? str_text(&operations) : "nothing that it said");
}

static int run_program(const struct source *source, struct err *e)
{
	cleanup(cleanup_commands) struct commands *commands = NULL;
	cleanup(command_end_done) struct command_end end = {0};
	cleanup(arguments_done) struct arguments arguments = {0};
	struct command_order order = {.kept = COMMAND_STDOUT, .limit_ms = LIMIT_MS};
	char how[128];

	fill_arguments(&arguments, source);
	order.argv = arguments.items.items;
	int result = commands_new(&commands, 1, e);
	if (result < 0)
		return result;
	commands_submit(commands, 0, &order);
	result = wait_for(commands, &end, e);
	if (result < 0)
		return result;
	if (end.error || !WIFEXITED(end.status) || WEXITSTATUS(end.status) != 0) {
		command_end_text(&end, how, sizeof how);
		return err_set(e, ERR_ENV, "%s: %s", program, how);
	}
	tell_operations(source, str_text(&end.output));
	return 0;
}

/* What is uploaded is held against this. */
static int read_again(const struct source *source, struct source_disk *disk, struct err *e)
{
	cleanup(cleanup_disk_reader) struct disk_reader *reader = NULL;
	const char *file = disk->staged;
	const struct imagefile staged = {source->folder, &file, 1};
	struct disk_copied copied;

	int result = imagefile_read(&reader, &staged, e);
	if (result == 0)
		result = disk_copy_digests(reader, NULL, NULL, DISK_DIGEST_DATA, &copied, e);
	if (result == 0)
		memcpy(disk->staged_sha256, copied.data_sha256, DIGEST_SIZE);
	return result;
}

static int reset_one(struct identity *identity, struct source *source, struct err *e)
{
	int result = copy_disks(identity, source, e);

	if (result == 0)
		result = run_program(source, e);
	vec_foreach(&source->disks, disk)
		if (result == 0 && disk->staged)
			result = read_again(source, disk, e);
	return result < 0 ? err_wrap(e, "image %s", source->image.name) : 0;
}

int identity_reset(struct identity *identity, struct session *session, struct sources *sources, struct err *e)
{
	identity->session = session;
	int result = repository_open(&identity->repository, session->conf->image.repository, e);

	vec_foreach(sources, source)
		if (result == 0)
			result = reset_one(identity, source, e);
	return result;
}
