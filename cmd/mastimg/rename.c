/* rename.c - mastimg rename: another name for an image. */
#include "config.h"

#include <string.h>

#include "lock.h"
#include "mastimg.h"
#include "mem.h"

int command_rename(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(image_done) struct image old = {0};
	cleanup(image_done) struct image new = {0};
	cleanup(lock_done) struct lock lock = LOCK_NONE;

	if (cli_operands(&o->cli, 2, 2, o->e) < 0 || image_check_name(o->cli.operands[1], o->e) < 0 ||
	    cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0 ||
	    require_image(store, o->cli.operands[0], &old, o->e) < 0 ||
	    lock_update(o, &old, &lock, o->e) < 0 || reread_image(store, &old, o->e) < 0)
		return o->e->code;
	if (strcmp(old.name, o->cli.operands[1]) != 0 && check_free(store, o->cli.operands[1], o->e) < 0)
		return o->e->code;
	image_copy(&new, &old);
	mem_replace(&new.name, o->cli.operands[1]);
	return image_replace(store, &old, &new, 0, o->e);
}
