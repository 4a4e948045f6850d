/* channel.c - the ways to reach people. */
#include "config.h"

#include "channel.h"

const struct channel *const channels[CHANNEL_COUNT] = {
	[DELIVERY_MAIL] = &channel_mail,
};
