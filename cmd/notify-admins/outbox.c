/* outbox.c - what should be said and written of deliveries, found anew in each round. */
#include "config.h"

#include "outbox.h"
#include "vec.h"

void outbox_done(struct outbox *outbox)
{
	vec_foreach(outbox, message)
		ledger_done(message);
	vec_done(outbox);
	ledger_done(&outbox->changes);
}

bool outbox_add(struct outbox *outbox, struct ledger *message)
{
	if (message->count == 0)
		return false;
	vec_push(outbox, *message);
	*message = (struct ledger){0};
	return true;
}

bool outbox_has(const struct outbox *outbox, const struct delivery *cell)
{
	vec_foreach(outbox, message)
		vec_foreach(message, own)
			if (delivery_is(own, cell))
				return true;
	return false;
}

void outbox_change(struct outbox *outbox, const struct delivery *cell)
{
	struct delivery *copy = vec_push_zero(&outbox->changes);

	delivery_copy(copy, cell);
}
