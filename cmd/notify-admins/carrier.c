/* carrier.c - the ways to reach people. */
#include "config.h"

#include "carrier.h"

const struct carrier *const carriers[CARRIER_COUNT] = {
	[DELIVERY_MAIL] = &carrier_mail,
	[DELIVERY_VOICE] = &carrier_voice,
	[DELIVERY_WEBHOOK] = &carrier_webhook,
	[DELIVERY_COMMAND] = &carrier_command,
};
