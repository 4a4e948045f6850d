/* tell.c - a change in words: the detail of a line. */
#include "config.h"

#include "tell.h"
#include "when.h"

static void add_ports(const struct confirm_ports *ports, struct str *text)
{
	if (ports->count == 0)
		return;
	str_add(text, ports->count == 1 ? "; port" : "; ports");
	for (uint16_t i = 0; i < ports->count; i++) {
		const char *before = i == 0 ? " " : i + 1 < ports->count ? ", " : " and ";
		str_addf(text, "%s%u", before, ports->ports[i]);
	}
	str_add(text, " silent");
}

static void tell_down(const struct watch_change *change, const struct targets *targets, struct str *text)
{
	str_addf(text, "%u of %u pings lost", change->lost, change->of);
	add_ports(targets_confirm(targets, change->host), text);
	if (change->others > 0)
		str_addf(text, "; %zu of %zu others answer", change->answering, change->others);
}

static void add_silent_references(const struct targets *targets, struct str *text)
{
	str_add(text, targets->references == 1 ? "the reference does not answer"
					       : "none of the references answers");
}

void tell_unwitnessed(const struct targets *targets, struct str *text)
{
	add_silent_references(targets, text);
	str_add(text, ", though hosts do: see reference in vmroll.conf(5)");
}

static void tell_no_reference(const struct watch_change *change, const struct targets *targets, struct str *text)
{
	add_silent_references(targets, text);
	if (2 * change->answering > change->others)
		str_addf(text, ", but %zu of %zu hosts do", change->answering, change->others);
}

static void tell_up(const struct watch_change *change, int64_t down_ms, struct str *text)
{
	char lasted[WHEN_TEXT_SIZE];

	if (down_ms > 0)
		str_addf(text, "after %s", when_format_duration(down_ms, lasted));
	if (change->reason == WATCH_ICMP_SILENT)
		str_addf(text, "%sicmp silent", text->length > 0 ? "; " : "");
	if (change->reason == WATCH_ICMP_BACK)
		str_add(text, "icmp answers again");
}

void tell_detail(const struct watch_change *change, const struct targets *targets, int64_t down_ms,
		 struct str *text)
{
	char lasted[WHEN_TEXT_SIZE];

	switch (change->reason) {
	case WATCH_NO_REFERENCE:
		tell_no_reference(change, targets, text);
		return;
	case WATCH_MOST_SILENT:
		str_addf(text, "only %zu of %zu hosts answer", change->answering, change->others);
		return;
	case WATCH_NEVER_ANSWERED:
		str_add(text, "nothing has answered since the start");
		return;
	case WATCH_ALL_DEAD:
		str_add(text, "isolated, or all dead");
		return;
	case WATCH_SEES_AGAIN:
		str_addf(text, "no longer isolated, after %s",
			 when_format_duration(change->lasted_ns / 1000000, lasted));
		return;
	default:
		if (change->state == HOST_DOWN)
			tell_down(change, targets, text);
		else
			tell_up(change, down_ms, text);
	}
}
