/* sip_register.c - registration with the exchange (RFC 3261 section 10), and the calls that wait for it. */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "mem.h"
#include "sip_private.h"

enum { EXPIRES_S = 600 };

static void settle_waiting(struct sip *sip, const char *why)
{
	struct le *le = list_head(&sip->calls);

	while (le) {
		struct sip_call *call = le->data;
		le = le->next;
		if (call->state != SIP_WAITING)
			continue;
		if (why)
			sip_call_end(call, SIP_END_UNREACHABLE, why);
		else
			sip_call_start(call);
	}
}

static char *describe(const struct sip *sip, int error, const struct sip_msg *message)
{
	if (!message)
		return mem_format("registration at %s: %s", sip->registrar, strerror(error));
	return mem_format("registration at %s: %u %.*s", sip->registrar, message->scode,
			  (int)message->reason.l, message->reason.p);
}

static void responded(int error, const struct sip_msg *message, void *context)
{
	struct sip *sip = context;

	if (!error && message && message->scode < 300) {
		sip->registered = SIP_REGISTER_DONE;
		settle_waiting(sip, NULL);
		return;
	}
	sip->registered = SIP_REGISTER_FAILED;
	cleanup(cleanup_mem) char *why = describe(sip, error, message);
	settle_waiting(sip, why);
}

void sip_register(struct sip *sip)
{
	int error;

	if (sip->registered == SIP_REGISTER_DONE || sip->registered == SIP_REGISTER_TRYING)
		return;
	sip->registration = mem_deref(sip->registration);
	sip->registered = SIP_REGISTER_TRYING;
	error = sipreg_register(&sip->registration, sip->stack, sip->registrar, sip->from_uri, NULL,
				sip->from_uri, EXPIRES_S, sip->contact, NULL, 0, 0, sip_authenticate, sip,
				false, responded, sip, NULL, NULL);
	if (error)
		responded(error, NULL, sip);
}
