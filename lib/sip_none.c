/* sip_none.c - in place of the calls, where there was no libre to build them with. */
#include "config.h"

#include "sip.h"

static int refuse(struct err *e)
{
	return err_set(e, ERR_USAGE, "built without libre: no calls");
}

bool sip_is_built(void)
{
	return false;
}

int sip_check_uri(const char *uri, struct err *e)
{
	(void)uri;
	return refuse(e);
}

int sip_new(struct sip **sip, const struct sip_settings *settings, struct err *e)
{
	(void)sip;
	(void)settings;
	return refuse(e);
}

void sip_free(struct sip *sip)
{
	(void)sip;
}

uint16_t sip_port(const struct sip *sip)
{
	(void)sip;
	return 0;
}

int sip_call(struct sip *sip, const char *uri, const struct sip_handlers *handlers, void *context,
	     struct sip_call **call, struct err *e)
{
	(void)sip;
	(void)uri;
	(void)handlers;
	(void)context;
	(void)call;
	return refuse(e);
}

void sip_call_play(struct sip_call *call, const int16_t *samples, size_t count)
{
	(void)call;
	(void)samples;
	(void)count;
}

void sip_call_hang_up(struct sip_call *call)
{
	(void)call;
}

uint64_t sip_call_received(const struct sip_call *call)
{
	(void)call;
	return 0;
}

int sip_watch(struct sip *sip, int fd, void (*readable)(void *context), void *context, struct err *e)
{
	(void)sip;
	(void)fd;
	(void)readable;
	(void)context;
	return refuse(e);
}

struct sip_timer *sip_after(struct sip *sip, int64_t delay_ms, void (*fire)(void *context), void *context)
{
	(void)sip;
	(void)delay_ms;
	(void)fire;
	(void)context;
	return NULL;
}

void sip_timer_cancel(struct sip_timer *timer)
{
	(void)timer;
}

int sip_loop(struct sip *sip, struct err *e)
{
	(void)sip;
	return refuse(e);
}

void sip_stop(struct sip *sip)
{
	(void)sip;
}
