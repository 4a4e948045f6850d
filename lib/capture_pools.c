/* capture_pools.c - who uses a transient pool: several captures may share one, and the last of them removes it. */
#include "config.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "capture_private.h"
#include "digest.h"
#include "keys.h"
#include "lock.h"
#include "mem.h"
#include "when.h"

enum { RETRY_MS = 50 };

void capture_pools_done(struct capture_pools *pools)
{
	vec_foreach(&pools->locks, lock)
		lock_done(lock);
	vec_done(&pools->locks);
}

/* A number for the pool of that name on that host. */
static int part_of(const char *host_uri, const char *pool, uint64_t *part, struct err *e)
{
	cleanup(cleanup_digest) struct digest *digest = digest_new();
	unsigned char sha256[DIGEST_SIZE];

	digest_add(digest, host_uri, strlen(host_uri) + 1);
	digest_add(digest, pool, strlen(pool));
	int result = digest_end(digest, sha256, e);
	if (result == 0)
		*part = key_read_u64(sha256) >> 2;
	return result;
}

static int acquire(struct capture_pools *pools, const char *store_uri, const char *host_uri, const char *pool,
		   bool shared, struct err *e)
{
	cleanup(cleanup_mem) char *path = NULL;
	struct lock lock = LOCK_NONE;
	uint64_t part = 0;

	int result = store_lock_path(store_uri, "pools", &path, e);
	if (result == 0)
		result = part_of(host_uri, pool, &part, e);
	if (result == 0)
		result = lock_acquire_part(&lock, path, part, shared, e);
	if (result == 0)
		vec_push(&pools->locks, lock);
	return result;
}

/* Whoever holds it alone is removing it, which is short. */
int capture_pools_hold(struct capture_pools *pools, const char *store_uri, const char *host_uri,
		       const char *pool, int64_t wait_ms, struct err *e)
{
	int64_t until = when_monotonic() + wait_ms;
	int result;

	while ((result = acquire(pools, store_uri, host_uri, pool, true, e)) == ERR_LOCKED &&
	       when_monotonic() < until)
		poll(NULL, 0, RETRY_MS);
	return result;
}

int capture_pools_claim(struct capture_pools *pools, const char *store_uri, const char *host_uri,
			const char *pool, struct err *e)
{
	int result = acquire(pools, store_uri, host_uri, pool, false, e);

	return result == ERR_LOCKED ? 0 : result < 0 ? result : 1;
}
