/* http_slot.c - one connection: its sockets, which can be hung up from outside, and its deadlines. */
#include "config.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_private.h"

enum { CONNECT_TIMEOUT_MS = 20 * 1000 };

void slot_hang_up(struct slot *slot, int how)
{
	for (size_t i = 0; i < SLOT_SOCKETS_MAX; i++)
		if (slot->sockets[i] >= 0)
			shutdown(slot->sockets[i], how);
}

static void replace_socket(struct slot *slot, int old, int new)
{
	pthread_mutex_lock(&slot->pool->lock);
	for (size_t i = 0; i < SLOT_SOCKETS_MAX; i++)
		if (slot->sockets[i] == old) {
			slot->sockets[i] = new;
			break;
		}
	pthread_mutex_unlock(&slot->pool->lock);
}

static curl_socket_t on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

	(void)purpose;
	if (fd >= 0)
		replace_socket(context, -1, fd);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *context, curl_socket_t fd)
{
	replace_socket(context, fd, -1);
	return close(fd);
}

static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct slot *slot = context;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	pthread_mutex_lock(&slot->pool->lock);
	bool abandoned = slot->pool->abandoned;
	pthread_mutex_unlock(&slot->pool->lock);
	return abandoned;
}

int slot_open(struct slot *slot, struct err *e)
{
	long timeout_ms = (long)slot->pool->timeout_ms;

	slot->easy = curl_easy_init();
	if (!slot->easy)
		return err_set(e, ERR_ENV, "cannot set libcurl up");
	curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_MAXCONNECTS, 1L);
	curl_easy_setopt(slot->easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(slot->easy, CURLOPT_OPENSOCKETDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(slot->easy, CURLOPT_CLOSESOCKETDATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(slot->easy, CURLOPT_XFERINFODATA, slot);
	curl_easy_setopt(slot->easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(slot->easy, CURLOPT_ERRORBUFFER, slot->message);
	curl_easy_setopt(slot->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(slot->easy, CURLOPT_TIMEOUT_MS, timeout_ms);
	curl_easy_setopt(slot->easy, CURLOPT_CONNECTTIMEOUT_MS,
			 timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS);
	return 0;
}
