/* leftover.c - files of a deployed machine that its deployment did not make. */
#include "config.h"

#include <string.h>

#include "domxml.h"
#include "image.h"
#include "leftover.h"
#include "log.h"
#include "mem.h"
#include "str.h"
#include "virt_control.h"
#include "virt_volume.h"

enum { CHAIN_MAX = 64 };

struct leftover {
	struct virt *virt;
	const struct deployed *machine;
	struct image_texts told;
};

static void leftover_done(struct leftover *leftover)
{
	image_texts_done(&leftover->told);
}

static const char *name_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Whether PATH can be in the machine's pool. A disk of type volume has no path, only a name. */
static bool is_in_pool(const struct deployed *machine, const char *path)
{
	size_t length = (size_t)(name_of(path) - path);

	if (length == 0 || !machine->pool_path)
		return true;
	return strlen(machine->pool_path) == length - 1 && strncmp(machine->pool_path, path, length - 1) == 0;
}

static bool is_recorded(const struct deployed *machine, const char *path)
{
	const char *name = name_of(path);

	if (!is_in_pool(machine, path))
		return false;
	vec_foreach(&machine->disks, disk)
		if (strcmp(disk->volume, name) == 0 || (disk->base && strcmp(disk->base, name) == 0))
			return true;
	return false;
}

static bool is_told(const struct leftover *leftover, const char *path)
{
	vec_foreach(&leftover->told, told)
		if (strcmp(*told, path) == 0)
			return true;
	return false;
}

/* What the file at PATH stands on, if the machine's pool has it; else NULL. The caller frees. */
static char *backing_of(const struct leftover *leftover, const char *path)
{
	struct virt_volume volume = {0};
	struct err ignored = {0};
	char *backing = NULL;

	if (!is_in_pool(leftover->machine, path))
		return NULL;
	if (virt_volume_find(leftover->virt, leftover->machine->pool, name_of(path), &volume, &ignored) == 1 &&
	    volume.backing_path)
		backing = mem_string(volume.backing_path);
	virt_volume_done(&volume);
	return backing;
}

/* A stopped machine's definition has the uppermost file alone. What was told has been followed. */
static void follow(struct leftover *leftover, const char *source)
{
	cleanup(cleanup_mem) char *path = mem_string(source);

	for (int depth = 0; path && depth < CHAIN_MAX; depth++) {
		if (is_recorded(leftover->machine, path) || is_told(leftover, path))
			return;
		log_warning("%s: %s: %s is left behind: the deployment did not make it",
			    leftover->machine->host, leftover->machine->name, path);
		char *below = backing_of(leftover, path);
		vec_push(&leftover->told, path);
		path = below;
	}
}

static bool is_its_own(const struct domxml_disk *disk)
{
	if (disk->read_only || disk->shareable || !disk->source || !disk->type)
		return false;
	if (disk->device && !str_equal(disk->device, "disk"))
		return false;
	return str_equal(disk->type, "file") || str_equal(disk->type, "block") ||
	       str_equal(disk->type, "volume");
}

static int look_at(struct leftover *leftover, const char *xml, struct err *e)
{
	struct domxml domain = {0};
	int result = domxml_parse(&domain, xml, strlen(xml), e);

	if (result < 0)
		return result;
	vec_foreach(&domain.disks, disk)
		if (is_its_own(disk))
			follow(leftover, disk->source);
	domxml_done(&domain);
	return 0;
}

/* What was done to a running machine may be in one of both definitions only. */
void leftover_tell(struct virt *virt, const struct deployed *machine)
{
	cleanup(leftover_done) struct leftover leftover = {.virt = virt, .machine = machine};
	cleanup(cleanup_mem) char *config = NULL;
	cleanup(cleanup_mem) char *live = NULL;
	struct err e = {0};
	int result = virt_domain_config(virt, machine->uuid, &config, &e);

	if (result == 0)
		result = look_at(&leftover, config, &e);
	if (result == 0)
		result = virt_domain_live(virt, machine->uuid, &live, &e);
	if (result == 0)
		result = look_at(&leftover, live, &e);
	if (result < 0 && result != ERR_NOT_FOUND)
		log_warning("%s: %s: whether it leaves files behind is not known: %s", machine->host,
			    machine->name, e.text);
}
