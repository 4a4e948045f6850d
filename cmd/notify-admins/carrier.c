/* carrier.c - the ways to reach people. */
#include "config.h"

#include "carrier.h"

const struct carrier *const carriers[CARRIER_COUNT] = {
	[DELIVERY_MAIL] = &carrier_mail,
};
