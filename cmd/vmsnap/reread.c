/* reread.c - hosts(5) read again while its hosts are followed. */
#include "config.h"

#include "log.h"
#include "mem.h"
#include "reread.h"
#include "str.h"

/* What --follow and its snapshots make use of. */
static bool same_host(const struct host *a, const struct host *b)
{
	return str_equal(a->name, b->name) && str_equal(a->address, b->address) && str_equal(a->uri, b->uri) &&
	       str_equal(a->cluster, b->cluster) && str_equal(a->manager, b->manager) && a->off == b->off;
}

static bool same_hosts(const struct hosts *a, const struct hosts *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!same_host(&a->items[i], &b->items[i]))
			return false;
	return true;
}

bool reread_hosts(const struct conf *conf, const struct hosts *now, struct hosts *fresh)
{
	cleanup(hosts_done) struct hosts read = {0};
	struct err e = {0};
	int result = hosts_read(&read, conf->hosts, &e);

	if (result == 0 && read.count == 0)
		result = err_set(&e, ERR_USAGE, "%s: no hosts", conf->hosts);
	if (result < 0) {
		log_error("%s: the hosts that were read before stay", e.text);
		return false;
	}
	if (same_hosts(now, &read))
		return false;
	*fresh = read;
	read = (struct hosts){0};
	return true;
}
