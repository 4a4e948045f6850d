/* sip_timer.c - what is to be done later, in the loop. */
#include "config.h"

#include <stdlib.h>

#include "mem.h"
#include "sip_private.h"

struct sip_timer {
	struct le le;
	struct tmr tmr;
	void (*fire)(void *context);
	void *context;
};

static void timer_fired(void *context)
{
	struct sip_timer *timer = context;
	void (*fire)(void *) = timer->fire;
	void *argument = timer->context;

	sip_timer_cancel(timer);
	fire(argument);
}

struct sip_timer *sip_after(struct sip *sip, int64_t delay_ms, void (*fire)(void *context), void *context)
{
	struct sip_timer *timer = mem_zalloc(1, sizeof *timer);

	timer->fire = fire;
	timer->context = context;
	list_append(&sip->timers, &timer->le, timer);
	tmr_start(&timer->tmr, delay_ms > 0 ? (uint64_t)delay_ms : 0, timer_fired, timer);
	return timer;
}

void sip_timer_cancel(struct sip_timer *timer)
{
	if (!timer)
		return;
	tmr_cancel(&timer->tmr);
	list_unlink(&timer->le);
	free(timer);
}
