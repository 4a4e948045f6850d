/* window.c - the last probes of one host, and what k of n of them say. */
#include "config.h"

#include "window.h"

int window_check_rule(const struct window_rule *rule, struct err *e)
{
	if (rule->needed < 1 || rule->needed > rule->size || rule->size > WINDOW_SIZE_MAX ||
	    2 * rule->needed <= rule->size)
		return err_set(e, ERR_USAGE,
			       "window %u/%u: expected K/N with K more than half of N, and N at most %d",
			       rule->needed, rule->size, WINDOW_SIZE_MAX);
	return 0;
}

static uint32_t mask(unsigned bits)
{
	return bits >= 32 ? UINT32_MAX : (UINT32_C(1) << bits) - 1;
}

void window_add(struct window *window, const struct window_rule *rule, bool lost)
{
	window->lost = (window->lost << 1 | lost) & mask(rule->size);
	if (window->filled < rule->size)
		window->filled++;
}

void window_amend(struct window *window, unsigned age)
{
	if (age < window->filled)
		window->lost &= ~(UINT32_C(1) << age);
}

void window_forget_lost(struct window *window)
{
	if (window->lost != 0)
		window->filled = (uint8_t)__builtin_ctz(window->lost);
	window->lost = 0;
}

unsigned window_lost(const struct window *window)
{
	return (unsigned)__builtin_popcount(window->lost);
}

unsigned window_lost_run(const struct window *window)
{
	return window->lost == UINT32_MAX ? WINDOW_SIZE_MAX : (unsigned)__builtin_ctz(~window->lost);
}

int window_oldest_lost(const struct window *window)
{
	return window->lost == 0 ? -1 : 31 - __builtin_clz(window->lost);
}

enum window_verdict window_judge(const struct window *window, const struct window_rule *rule)
{
	unsigned lost = window_lost(window);

	if (lost >= rule->needed)
		return WINDOW_SILENT;
	if (window->filled - lost >= rule->needed)
		return WINDOW_ANSWERS;
	return WINDOW_MIXED;
}
