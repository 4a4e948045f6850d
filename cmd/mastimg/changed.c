/* changed.c - mastimg list --changed: images whose source VM differs from them. */
#include "config.h"

#include "mastimg.h"

int images_changed(const struct options *o, const struct images *images, struct image_texts *changes,
		   struct err *e)
{
	(void)o;
	(void)images;
	(void)changes;
	return err_set(e, ERR_USAGE, "--changed: this version cannot do it yet");
}
