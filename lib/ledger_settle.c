/* ledger_settle.c - who was told what: what an attempt came to, and when there is another. */
#include "config.h"

#include "ledger_private.h"
#include "mem.h"
#include "when.h"

enum {
	SECOND_MS = 1000,
	MINUTE_MS = 60 * SECOND_MS,
	BACKOFF_MAX_MS = 60 * MINUTE_MS,
	GIVE_UP_MS = 5 * 24 * 60 * MINUTE_MS /* RFC 5321, 4.5.4.1 */
};

static int64_t doubling(int64_t first, unsigned attempts)
{
	int64_t wait = first;

	for (unsigned i = 1; i < attempts && wait < BACKOFF_MAX_MS; i++)
		wait *= 2;
	return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

int64_t ledger_backoff(unsigned attempts)
{
	return doubling(MINUTE_MS, attempts);
}

int64_t ledger_call_backoff(enum call_end end, unsigned attempts)
{
	switch (end) {
	case CALL_BUSY:
	case CALL_NO_AUDIO:
		return MINUTE_MS;
	case CALL_NO_ANSWER:
	case CALL_EARLY_BYE:
		return 2 * MINUTE_MS;
	case CALL_NO_KEY:
		return 3 * MINUTE_MS;
	case CALL_DECLINED:
		return 5 * MINUTE_MS;
	case CALL_UNREACHABLE:
		return doubling(30 * SECOND_MS, attempts);
	case CALL_NONE:
	case CALL_KEY:
	case CALL_REFUSED:
		break;
	}
	return ledger_backoff(attempts);
}

/* ---- what a state means ---- */

/*
 * A time much further ahead than it was ever set is one of a clock that was put back since. Much: NOW
 * may be from before another process set it, who waited less for the store.
 */
static bool is_over(int64_t time, int64_t now, int64_t longest)
{
	return time <= now || time - now > 2 * longest;
}

static bool is_unheard_call(const struct delivery *delivery)
{
	return delivery->state == DELIVERY_BUSY || delivery->state == DELIVERY_NO_ANSWER ||
	       delivery->state == DELIVERY_DECLINED || delivery->state == DELIVERY_NO_KEY;
}

bool delivery_is_due(const struct delivery *delivery, int64_t now)
{
	if (delivery->state == DELIVERY_PENDING || (is_unheard_call(delivery) && delivery->next != WHEN_UNKNOWN))
		return is_over(delivery->next, now, BACKOFF_MAX_MS);
	return delivery->state == DELIVERY_SENDING &&
	       (is_over(delivery->lease, now, LEDGER_LEASE_MS) || !ledger_owner_lives(delivery->owner));
}

bool delivery_is_open(const struct delivery *delivery)
{
	return delivery->state == DELIVERY_PENDING || delivery->state == DELIVERY_SENDING ||
	       (is_unheard_call(delivery) && delivery->next != WHEN_UNKNOWN);
}

bool delivery_has_reached(const struct delivery *delivery)
{
	return delivery->state == DELIVERY_SENT || delivery->state == DELIVERY_HEARD ||
	       delivery->state == DELIVERY_ACKNOWLEDGED ||
	       (delivery->state == DELIVERY_EXPIRED && delivery->complete);
}

/* ---- outcomes ---- */

static void settle_message(struct delivery *delivery, const struct err *outcome, int64_t now)
{
	if (outcome->code == 0) {
		delivery->state = DELIVERY_SENT;
		delivery->sent = now;
	} else if (outcome->code == ERR_PERMANENT || outcome->code == ERR_USAGE ||
		   (delivery->begun != WHEN_UNKNOWN && now - delivery->begun > GIVE_UP_MS)) {
		delivery->state = DELIVERY_FAILED;
	} else {
		delivery->state = DELIVERY_PENDING;
		delivery->next = now + ledger_backoff(delivery->attempts);
	}
}

static void settle_key(struct delivery *delivery, char key, int64_t now)
{
	delivery->state = DELIVERY_HEARD;
	delivery->key = key;
	delivery->sent = now;
	delivery->next = WHEN_UNKNOWN;
	if (key != '1')
		return;
	delivery->state = DELIVERY_ACKNOWLEDGED;
	delivery->acknowledged = now;
	mem_replace(&delivery->acknowledged_by, delivery->person);
}

static enum delivery_state state_after(enum call_end end)
{
	switch (end) {
	case CALL_BUSY:
		return DELIVERY_BUSY;
	case CALL_NO_ANSWER:
		return DELIVERY_NO_ANSWER;
	case CALL_DECLINED:
		return DELIVERY_DECLINED;
	case CALL_NO_KEY:
	case CALL_EARLY_BYE:
	case CALL_NO_AUDIO:
		return DELIVERY_NO_KEY;
	case CALL_REFUSED:
		return DELIVERY_FAILED;
	case CALL_NONE:
	case CALL_KEY:
	case CALL_UNREACHABLE:
		break;
	}
	return DELIVERY_PENDING;
}

static void settle_unheard(struct delivery *delivery, enum call_end end, int64_t now)
{
	bool again = end != CALL_REFUSED && delivery->attempts < LEDGER_CALLS_MAX;

	delivery->state = state_after(end);
	delivery->next = again ? now + ledger_call_backoff(end, delivery->attempts) : WHEN_UNKNOWN;
	/* A pending cell without a time would be due for ever. */
	if (!again && delivery->state == DELIVERY_PENDING)
		delivery->state = DELIVERY_FAILED;
}

void delivery_settle(struct delivery *delivery, const struct delivery_outcome *outcome, int64_t now)
{
	mem_replace(&delivery->owner, NULL);
	delivery->lease = WHEN_UNKNOWN;
	delivery->held = false;
	delivery->outcome = outcome->call;
	bool says_why = outcome->err.code || (outcome->call != CALL_NONE && outcome->err.text[0]);
	mem_replace(&delivery->error, says_why ? outcome->err.text : NULL);
	if (outcome->call == CALL_NONE)
		settle_message(delivery, &outcome->err, now);
	else if (outcome->call == CALL_KEY)
		settle_key(delivery, outcome->key, now);
	else
		settle_unheard(delivery, outcome->call, now);
}
