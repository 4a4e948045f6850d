/* sip_end.c - what a final response says about the callee, and whether to try again. */
#include "config.h"

#include "sip_private.h"

struct meaning {
	unsigned status;
	enum sip_end end;
};

/* Sections are those of RFC 3261 unless another is named. What is not here goes by its class. */
static const struct meaning MEANINGS[] = {
	{408, SIP_END_UNREACHABLE}, /* 21.4.9  Request Timeout: nobody was found in time (but see below) */
	{480, SIP_END_NO_ANSWER},   /* 21.4.18 Temporarily Unavailable: not logged in, or do not disturb */
	{481, SIP_END_UNREACHABLE}, /* 21.4.19 Call/Transaction Does Not Exist: the peer lost its state */
	{482, SIP_END_UNREACHABLE}, /* 21.4.20 Loop Detected: the exchange's routing, which is mended there */
	{483, SIP_END_UNREACHABLE}, /* 21.4.21 Too Many Hops: the same */
	{486, SIP_END_BUSY},        /* 21.4.24 Busy Here */
	{487, SIP_END_NO_ANSWER},   /* 21.4.25 Request Terminated: given up, by whoever did */
	{491, SIP_END_UNREACHABLE}, /* 21.4.27 Request Pending */
	{600, SIP_END_BUSY},        /* 21.6.1  Busy Everywhere */
	{603, SIP_END_DECLINED},    /* 21.6.2  Decline */
	{607, SIP_END_DECLINED},    /* RFC 8197, 4: Unwanted */
	{608, SIP_END_DECLINED},    /* RFC 8688, 3: Rejected, on the callee's behalf */
};

enum sip_end sip_end_of_response(unsigned status, bool rang)
{
	if (status == 408 && rang)
		return SIP_END_NO_ANSWER;
	for (size_t i = 0; i < sizeof MEANINGS / sizeof *MEANINGS; i++)
		if (MEANINGS[i].status == status)
			return MEANINGS[i].end;
	/*
	 * 21.3 Redirection is not followed. 21.4: the same request will not fare better, for whatever it was:
	 * 400, 401 and 407 (authentication), 403, 404, 405, 406, 410, 413 to 416, 420, 421, 484, 485, 488, 493.
	 * 21.5: the server failed, not the call: 500, 501, 502, 503, 504, 505, 513.
	 * 21.6: 604 Does Not Exist Anywhere, 606 Not Acceptable.
	 */
	return status / 100 == 5 ? SIP_END_UNREACHABLE : SIP_END_REFUSED;
}
