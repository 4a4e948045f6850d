/*
 * http_pool.c - a few connections of libcurl's, and the jobs that wait for them.
 *
 * One thread a connection, not one curl_multi for all: libcurl 7.88 waits for
 * the 250 after a mail, and for the answer to QUIT, inside curl_multi_perform,
 * so that one mute transaction would stop the others and the caller too.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_private.h"

static void queue_add(struct queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
}

static struct job *queue_take(struct queue *queue)
{
	struct job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->next;
	if (!queue->first)
		queue->last = &queue->first;
	return job;
}

static void *serve(void *context)
{
	struct slot *slot = context;
	struct pool *pool = slot->pool;

	pthread_mutex_lock(&pool->lock);
	while (!pool->abandoned) {
		struct job *job = queue_take(&pool->waiting);
		if (!job) {
			pool->idle++;
			pthread_cond_wait(&pool->more, &pool->lock);
			pool->idle--;
			continue;
		}
		slot->current = job;
		pthread_mutex_unlock(&pool->lock);
		pool->work->carry_out(slot);
		pthread_mutex_lock(&pool->lock);
		slot->current = NULL;
		queue_add(&pool->finished, job);
		eventfd_write(pool->event, 1);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

int pool_open(struct pool *pool, const struct pool_work *work, int64_t timeout_ms, struct err *e)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->more, NULL);
	pool->work = work;
	pool->waiting.last = &pool->waiting.first;
	pool->finished.last = &pool->finished.first;
	pool->timeout_ms = timeout_ms;
	for (size_t i = 0; i < POOL_CONNECTIONS; i++) {
		pool->slots[i].pool = pool;
		memset(pool->slots[i].sockets, -1, sizeof pool->slots[i].sockets);
	}
	pool->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (pool->event < 0)
		return err_set_errno(e, ERR_ENV, errno, "eventfd");
	for (size_t i = 0; i < POOL_CONNECTIONS; i++)
		if (slot_open(&pool->slots[i], e) < 0)
			return e->code;
	return 0;
}

static void end_threads(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->abandoned = true;
	for (size_t i = 0; i < POOL_CONNECTIONS; i++)
		/* An idle connection still says QUIT; only nobody waits for the answer. */
		slot_hang_up(&pool->slots[i], pool->slots[i].current ? SHUT_RDWR : SHUT_RD);
	pthread_cond_broadcast(&pool->more);
	pthread_mutex_unlock(&pool->lock);
	for (size_t i = 0; i < POOL_CONNECTIONS; i++)
		if (pool->slots[i].running)
			pthread_join(pool->slots[i].thread, NULL);
}

void pool_close(struct pool *pool)
{
	struct job *job;

	if (!pool->work)
		return;
	end_threads(pool);
	for (size_t i = 0; i < POOL_CONNECTIONS; i++)
		curl_easy_cleanup(pool->slots[i].easy);
	while ((job = queue_take(&pool->waiting)) || (job = queue_take(&pool->finished)))
		pool->work->free(job);
	if (pool->event >= 0)
		close(pool->event);
	pthread_cond_destroy(&pool->more);
	pthread_mutex_destroy(&pool->lock);
}

/* Signals are the caller's: a thread that took one would leave its loop asleep. SIGPIPE among them, where OpenSSL writes to a peer that is gone. */
static int start_thread(struct slot *slot)
{
	sigset_t all;
	sigset_t before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int result = pthread_create(&slot->thread, NULL, serve, slot);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	slot->running = result == 0;
	return result;
}

/* A connection more only while there is more work than idle threads; called with the lock held. */
static int staff(struct pool *pool)
{
	size_t waiting = 0;

	for (const struct job *job = pool->waiting.first; job && waiting <= pool->idle; job = job->next)
		waiting++;
	pthread_cond_signal(&pool->more);
	if (waiting <= pool->idle)
		return 0;
	for (size_t i = 0; i < POOL_CONNECTIONS; i++)
		if (!pool->slots[i].running)
			return start_thread(&pool->slots[i]);
	return 0;
}

int pool_submit(struct pool *pool, struct job *job, struct err *e)
{
	pthread_mutex_lock(&pool->lock);
	queue_add(&pool->waiting, job);
	int result = staff(pool);
	bool nobody = result != 0 && !pool->slots[0].running;
	if (nobody)
		pool->work->free(queue_take(&pool->waiting));
	pthread_mutex_unlock(&pool->lock);
	if (nobody)
		return err_set_errno(e, ERR_ENV, result, "cannot start a thread");
	pool->pending++;
	return 0;
}

struct job *pool_finished(struct pool *pool)
{
	eventfd_t ignored;

	pthread_mutex_lock(&pool->lock);
	struct job *job = queue_take(&pool->finished);
	if (!job)
		eventfd_read(pool->event, &ignored);
	pthread_mutex_unlock(&pool->lock);
	if (job)
		pool->pending--;
	return job;
}
