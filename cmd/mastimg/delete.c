/* delete.c - mastimg delete: images that nothing uses, with all their files. */
#include "config.h"

#include <string.h>

#include "log.h"
#include "mastimg.h"
#include "mem.h"
#include "removal.h"
#include "str.h"

enum { IMAGES_MAX = 1 << 20 };

/* By its exact name alone: the beginning of one, mistyped or left over, must not cost another image. */
static int find_exact(struct store *store, const char *name, struct image *image, struct err *e)
{
	if (require_image(store, name, image, e) < 0)
		return e->code;
	return strcmp(image->name, name) == 0
		       ? 0
		       : err_set(e, ERR_NOT_FOUND, "no image '%s': to delete %s give its whole name", name,
				 image->name);
}

static int delete_one(const struct options *o, struct store *store, const char *name, struct err *e)
{
	cleanup(image_done) struct image image = {0};
	char freed[32];
	uint64_t bytes = 0;

	if (find_exact(store, name, &image, e) < 0 || removal_image(&o->conf, store, &image, &bytes, e) < 0)
		return e->code;
	str_format_bytes(bytes, freed, sizeof freed);
	log_info("image %s: deleted, %s are free again", image.name, freed);
	return 0;
}

int command_delete(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	size_t failed = 0;
	int last = 0;

	if (cli_operands(&o->cli, 1, IMAGES_MAX, o->e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0)
		return o->e->code;
	for (size_t i = 0; i < o->cli.operand_count; i++) {
		int result = delete_one(o, store, o->cli.operands[i], o->e);
		if (result < 0) {
			log_err(o->e);
			failed++;
			last = result;
		}
	}
	/* Each was named. */
	o->e->text[0] = '\0';
	return failed == 0 || failed == o->cli.operand_count ? last : ERR_PARTIAL;
}
