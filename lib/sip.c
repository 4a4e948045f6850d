/* sip.c - the user agent: its sockets, its loop, and whom it answers. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "mem.h"
#include "sip_private.h"

#define DEBUG_MODULE "vmroll"
#define DEBUG_LEVEL 0
#include <re/re_dbg.h>

#include "str.h"

enum {
	DEFAULT_PORT = 5060,
	PORT_TRIES = 16,
	HASH_SIZE = 256,
	NAME_SERVERS = 4,
	DESCRIPTORS = 4096,
	STOP_MS = 800 /* what the other side has to take a BYE; the loop is gone within a second */
};

struct watch {
	struct le le;
	int fd;
	void (*readable)(void *context);
	void *context;
};

/*
 * libre says on stderr what it could not read, a line for each datagram of noise that anybody sends. This takes the
 * place of its own function: nothing in here prints.
 */
__attribute__((visibility("default"))) int re_fprintf(FILE *stream, const char *format, ...)
{
	(void)stream;
	(void)format;
	return 0;
}

bool sip_is_built(void)
{
	return true;
}

static int add_transports(struct sip *sip, bool only_tcp)
{
	int error = 0;

	if (!only_tcp)
		error = sip_transp_add(sip->stack, SIP_TRANSP_UDP, &sip->address);
	if (!error && sa_port(&sip->address) == 0 && !only_tcp)
		error = sip_transp_laddr(sip->stack, &sip->address, SIP_TRANSP_UDP, &sip->address);
	if (!error)
		error = sip_transp_add(sip->stack, SIP_TRANSP_TCP, &sip->address);
	if (!error && sa_port(&sip->address) == 0)
		error = sip_transp_laddr(sip->stack, &sip->address, SIP_TRANSP_TCP, &sip->address);
	return error;
}

/* The port that was wanted; where it is taken a free one, the same for both transports. */
static int listen_somewhere(struct sip *sip, const struct sip_uri *from, struct err *e)
{
	uint16_t port = from->port ? from->port : DEFAULT_PORT;
	int error = EADDRINUSE;

	for (int i = 0; i < PORT_TRIES && error == EADDRINUSE; i++) {
		sip_transp_flush(sip->stack);
		sa_set_port(&sip->address, i == 0 ? port : 0);
		error = add_transports(sip, from->is_tcp);
	}
	if (error == EADDRNOTAVAIL)
		return err_set(e, ERR_ENV, "%s: not an address of this machine", from->host);
	return error ? err_set_errno(e, ERR_ENV, error, "%s: listening for SIP", from->host) : 0;
}

/*
 * Whoever wants to know whether we are there is told so; everything else that is no call of ours is refused. Without
 * a transaction (RFC 3261 section 8.2.7), which libre keeps for half a minute: strangers can send many.
 */
static bool answer_request(const struct sip_msg *message, void *context)
{
	struct sip *sip = context;

	if (pl_strcmp(&message->met, "OPTIONS") == 0)
		(void)sip_replyf(sip->stack, message, 200, "OK",
				 "Allow: INVITE, ACK, BYE, CANCEL, INFO, OPTIONS\r\n"
				 "Accept: application/sdp, application/dtmf-relay, application/dtmf\r\n"
				 "Content-Length: 0\r\n\r\n");
	else if (pl_strcmp(&message->met, "ACK") != 0)
		(void)sip_reply(sip->stack, message, 405, "Method Not Allowed");
	return true;
}

static void refuse_call(const struct sip_msg *message, void *context)
{
	struct sip *sip = context;

	(void)sip_reply(sip->stack, message, 403, "No Calls Are Taken Here");
}

static void all_closed(void *context)
{
	struct sip *sip = context;

	sip->closed = true;
	re_cancel();
}

static void open_dns(struct sip *sip)
{
	struct sa servers[NAME_SERVERS];
	uint32_t count = NAME_SERVERS;

	/* Without resolv.conf: as the C library does. */
	if (dns_srv_get(NULL, 0, servers, &count) != 0 || count == 0) {
		count = 1;
		(void)sa_set_str(&servers[0], "127.0.0.1", 53);
	}
	if (dnsc_alloc(&sip->dns, NULL, servers, count) != 0)
		sip->dns = NULL;
}

/* A call is a descriptor, and so is whoever connects to us: the usual 1024 are fewer than calls there may be. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	/* Refused, it stays as it was. */
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int open_stack(struct sip *sip, const struct sip_uri *from, struct err *e)
{
	int error = libre_init();

	if (error)
		return err_set_errno(e, ERR_ENV, error, "libre");
	dbg_init(DBG_EMERG, DBG_NONE);
	raise_limit();
	error = fd_setsize(DESCRIPTORS);
	open_dns(sip);
	if (!error)
		error = sip_alloc(&sip->stack, sip->dns, HASH_SIZE, HASH_SIZE, HASH_SIZE, "vmroll",
				  all_closed, sip);
	if (error)
		return err_set_errno(e, ERR_ENV, error, "libre");
	sip_set_trace_handler(sip->stack, sip_redirect_trace);
	if (listen_somewhere(sip, from, e) < 0)
		return e ? e->code : ERR_ENV;
	error = sipsess_listen(&sip->sessions, sip->stack, HASH_SIZE, refuse_call, sip);
	if (!error)
		error = sip_listen(&sip->listener, sip->stack, true, answer_request, sip);
	return error ? err_set_errno(e, ERR_ENV, error, "libre") : sip_pace_open(sip, e);
}

static bool is_quotable(const char *text)
{
	return !str_has_control(text) && !strpbrk(text, "\"\\");
}

/* Who we are to others: where there is a registrar, an address of its domain (RFC 3261 section 10.2). */
static int set_identity(struct sip *sip, const struct sip_settings *settings, const struct sip_uri *from,
			struct err *e)
{
	struct sip_uri registrar = {0};
	char *hostport;

	sip->contact = mem_string(from->user ? from->user : "vmroll");
	sip->user = mem_string(settings->user && *settings->user ? settings->user : sip->contact);
	sip->password = mem_string(settings->password);
	if (!is_quotable(sip->user))
		return err_set(e, ERR_USAGE, "sip.user: control characters, quotes or backslashes");
	if (settings->registrar && sip_uri_parse(settings->registrar, &registrar, e) < 0)
		return err_wrap(e, "sip.registrar");
	hostport = sip_uri_hostport(settings->registrar ? &registrar : from);
	sip->from_uri = mem_format("sip:%s@%s", sip->contact, hostport);
	sip->registrar_host = mem_string(registrar.host);
	sip->registrar = mem_string(settings->registrar);
	free(hostport);
	sip_uri_done(&registrar);
	return 0;
}

static int set_exchange(struct sip *sip, const char *exchange, struct err *e)
{
	cleanup(sip_uri_done) struct sip_uri uri = {0};

	if (exchange && sip_uri_parse(exchange, &uri, e) < 0)
		return err_wrap(e, "sip.exchange");
	sip->exchange_host = mem_string(uri.host);
	return 0;
}

static int open_agent(struct sip *sip, const struct sip_settings *settings, struct err *e)
{
	cleanup(sip_uri_done) struct sip_uri from = {0};

	if (sip_uri_parse(settings->from, &from, e) < 0)
		return err_wrap(e, "sip.from");
	if (sa_set_str(&sip->address, from.host, 0) != 0 || sa_is_any(&sip->address))
		return err_set(e, ERR_USAGE, "sip.from: %s: the host has to be an address of this machine",
			       from.host);
	if (set_identity(sip, settings, &from, e) < 0 || set_exchange(sip, settings->exchange, e) < 0)
		return e ? e->code : ERR_USAGE;
	sip->ring_timeout_ms = settings->ring_timeout_ms;
	return open_stack(sip, &from, e);
}

int sip_new(struct sip **sip, const struct sip_settings *settings, struct err *e)
{
	struct sip *made = mem_zalloc(1, sizeof *made);
	struct err why = {0};

	made->pace.timer = -1;
	if (open_agent(made, settings, &why) < 0) {
		sip_free(made);
		return err_set(e, why.code, "%s", why.text);
	}
	*sip = made;
	return 0;
}

static void close_stack(struct sip *sip)
{
	if (!sip->stack)
		return;
	if (!sip->closed) {
		sip_close(sip->stack, true);
		if (!sip->stopping)
			sip->closed = true;
	}
	if (sip->closed)
		mem_deref(sip->stack);
	sip->stack = NULL;
}

void sip_free(struct sip *sip)
{
	if (!sip)
		return;
	while (list_head(&sip->calls))
		sip_call_free(list_head(&sip->calls)->data);
	while (list_head(&sip->timers))
		sip_timer_cancel(list_head(&sip->timers)->data);
	while (list_head(&sip->watches)) {
		struct watch *watch = list_head(&sip->watches)->data;
		(void)sip_watch(sip, watch->fd, NULL, NULL, NULL);
	}
	tmr_cancel(&sip->stop);
	sip_pace_close(sip);
	mem_deref(sip->registration);
	mem_deref(sip->listener);
	mem_deref(sip->sessions);
	close_stack(sip);
	mem_deref(sip->dns);
	libre_close();
	free(sip->from_uri);
	free(sip->contact);
	free(sip->user);
	if (sip->password)
		explicit_bzero(sip->password, strlen(sip->password));
	free(sip->password);
	free(sip->registrar);
	free(sip->registrar_host);
	free(sip->exchange_host);
	free(sip);
}

uint16_t sip_port(const struct sip *sip)
{
	return sa_port(&sip->address);
}

int sip_authenticate(char **user, char **password, const char *realm, void *context)
{
	const struct sip *sip = context;
	int error;

	(void)realm;
	if (!sip->password)
		return EAUTH;
	error = str_dup(user, sip->user);
	return error ? error : str_dup(password, sip->password);
}

static void watch_ready(int flags, void *context)
{
	struct watch *watch = context;

	(void)flags;
	watch->readable(watch->context);
}

static void unwatch(struct sip *sip, int fd)
{
	for (struct le *le = list_head(&sip->watches); le; le = le->next) {
		struct watch *watch = le->data;
		if (watch->fd != fd)
			continue;
		fd_close(fd);
		list_unlink(&watch->le);
		free(watch);
		return;
	}
}

int sip_watch(struct sip *sip, int fd, void (*readable)(void *context), void *context, struct err *e)
{
	struct watch *watch;
	int error;

	unwatch(sip, fd);
	if (!readable)
		return 0;
	watch = mem_zalloc(1, sizeof *watch);
	watch->fd = fd;
	watch->readable = readable;
	watch->context = context;
	error = fd_listen(fd, FD_READ, watch_ready, watch);
	if (error) {
		free(watch);
		return err_set_errno(e, ERR_ENV, error, "watching a descriptor");
	}
	list_append(&sip->watches, &watch->le, watch);
	return 0;
}

int sip_loop(struct sip *sip, struct err *e)
{
	int error;

	if (sip->registrar)
		sip_register(sip);
	error = re_main(NULL);
	return error ? err_set_errno(e, ERR_ENV, error, "waiting for calls") : 0;
}

static void stop_waiting(void *context)
{
	(void)context;
	re_cancel();
}

/* libre keeps the stack until the last BYE and the unregistering are answered: then all_closed is called. */
static void close_quietly(void *context)
{
	struct sip *sip = context;

	tmr_start(&sip->stop, STOP_MS, stop_waiting, sip);
	sip->registration = mem_deref(sip->registration);
	sip->listener = mem_deref(sip->listener);
	sip->sessions = mem_deref(sip->sessions);
	sip_close(sip->stack, false);
}

void sip_stop(struct sip *sip)
{
	if (sip->stopping)
		return;
	sip->stopping = true;
	for (struct le *le = list_head(&sip->calls); le; le = le->next)
		sip_call_hang_up(le->data);
	/* After the timers by which the calls end. */
	tmr_start(&sip->stop, 1, close_quietly, sip);
}
