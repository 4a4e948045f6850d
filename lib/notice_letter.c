/* notice_letter.c - how it reads: the figure that decides first, and what to do last. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "notice.h"
#include "notice_page.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { ROWS_MAX = 500, NAMES_IN_SUBJECT = 3 };

void letter_done(struct letter *letter)
{
	free(letter->subject);
	free(letter->text);
	free(letter->html);
	*letter = (struct letter){0};
}

/* ---- times ---- */

struct stamp {
	char date[11], clock[9], zone[8];
};

static struct stamp stamp_of(int64_t instant)
{
	char text[WHEN_TEXT_SIZE];
	struct stamp stamp = {0};

	when_format(instant, WHEN_RFC3339, text);
	if (strlen(text) < 20)
		return stamp;
	snprintf(stamp.date, sizeof stamp.date, "%.10s", text);
	snprintf(stamp.clock, sizeof stamp.clock, "%.8s", text + 11);
	snprintf(stamp.zone, sizeof stamp.zone, "%.7s", strcmp(text + 19, "Z") == 0 ? "UTC" : text + 19);
	return stamp;
}

/* The time of day; with the date where that is not the one of REFERENCE. */
static const char *short_time(int64_t instant, int64_t reference, char *text)
{
	struct stamp stamp = stamp_of(instant);
	struct stamp near = stamp_of(reference);
	bool same = strcmp(stamp.date, near.date) == 0;

	snprintf(text, WHEN_TEXT_SIZE, "%s%s%s", same ? "" : stamp.date, same ? "" : " ", stamp.clock);
	return text;
}

/* ---- subjects ---- */

/* "host1", "host1, host2", "37 hosts": of the incidents that concern the person. */
static void add_hosts(struct str *out, const struct notices *notices, const struct notice *notice)
{
	size_t count = 0;

	for (size_t i = 0; i < notices->case_count; i++)
		count += notice->concerned[i];
	if (count > NAMES_IN_SUBJECT) {
		str_addf(out, "%zu hosts", count);
		return;
	}
	const char *between = "";
	for (size_t i = 0; i < notices->case_count; i++)
		if (notice->concerned[i]) {
			str_addf(out, "%s%s", between, notices->cases[i].incident->host);
			between = ", ";
		}
}

static const struct notice_case *first_case(const struct notices *notices, const struct notice *notice)
{
	const struct notice_case *first = NULL;

	for (size_t i = 0; i < notices->case_count; i++)
		if (notice->concerned[i] && (!first || notices->cases[i].incident->at < first->incident->at))
			first = &notices->cases[i];
	return first ? first : &notices->cases[0];
}

static size_t count_back(const struct notice *notice)
{
	size_t back = 0;

	vec_foreach(notice, item)
		back += notice_is_back(item->vm);
	return back;
}

static const char *plural(size_t count)
{
	return count == 1 ? "" : "s";
}

static void add_what(struct str *out, enum delivery_kind kind, const struct notices *notices,
		     const struct notice *notice)
{
	const struct notice_case *first = first_case(notices, notice);

	if (kind == DELIVERY_FOLLOW_UP && notice->count > 0)
		str_addf(out, ": %zu of %zu VM%s back", count_back(notice), notice->count, plural(notice->count));
	else if (notice->count > 0)
		str_addf(out, ": check %zu VM%s", notice->count, plural(notice->count));
	else if (!first->affected || first->affected->snapshot == 0)
		str_add(out, ": no list of its VMs");
	else
		str_add(out, ": no VM ran there");
}

static char *host_subject(enum delivery_kind kind, const struct notices *notices, const struct notice *notice)
{
	struct str out = {0};
	const struct incident *first = first_case(notices, notice)->incident;
	char text[WHEN_TEXT_SIZE];

	str_add(&out, "[vmroll] ");
	add_hosts(&out, notices, notice);
	if (kind == DELIVERY_RECOVERY) {
		str_addf(&out, " up %s", when_format(first->closed, WHEN_CLOCK, text));
		str_addf(&out, ", down for %s", when_format_duration(first->closed - first->at, text));
		return str_take(&out);
	}
	str_addf(&out, " down %s", when_format(first->at, WHEN_CLOCK, text));
	add_what(&out, kind, notices, notice);
	return str_take(&out);
}

/* ---- one incident ---- */

static void add_death(struct page *page, const struct incident *incident)
{
	struct stamp at = stamp_of(incident->at);
	cleanup(cleanup_mem) char *detail = incident->detail ? str_escape(incident->detail) : NULL;
	char text[WHEN_TEXT_SIZE];

	page_add_line(page, "%s stopped answering on %s at %s %s%s", incident->host, at.date, at.clock,
		      at.zone, detail ? "" : ".");
	if (detail)
		page_add_line(page, "(%s).", detail);
	if (incident->closed != WHEN_UNKNOWN && incident->recovered)
		page_add_line(page, "It answers again since %s.",
			      short_time(incident->closed, incident->at, text));
}

static char *where_now(const struct affected_vm *vm, const struct incident *incident)
{
	char time[WHEN_TEXT_SIZE];

	if (vm->now_host && vm->now_since != WHEN_UNKNOWN)
		short_time(vm->now_since, incident->at, time);
	if (vm->now == AFFECTED_BACK)
		return mem_format("runs on %s as before, seen at %s", vm->now_host, time);
	if (vm->now == AFFECTED_RESTARTED && vm->now_since < incident->at)
		return mem_format("ran on %s already at %s", vm->now_host, time);
	if (vm->now == AFFECTED_RESTARTED)
		return mem_format("restarted on %s at %s", vm->now_host, time);
	if (vm->grade == AFFECTED_MOVED)
		return mem_string("had moved away before");
	return mem_string(vm->now == AFFECTED_NOT_SEEN ? "not seen since" : "no newer list");
}

static char *unreachable_text(const struct admin *admin)
{
	return mem_format("%s, %s: no mail address", admin->admin && *admin->admin ? admin->admin : "listed",
			  admin->phone ? admin->phone : "no telephone either");
}

/* The VMs of one case for one reason; nothing if there is none. */
static size_t add_items(struct page *page, const struct notices *notices, const struct notice *notice,
			size_t incident, enum notice_reason reason, const char *heading)
{
	cleanup(page_table_done) struct page_table table = {0};
	const struct incident *at = notices->cases[incident].incident;
	size_t count = 0;

	vec_foreach(notice, item) {
		if (item->incident != incident || item->reason != reason || count++ >= ROWS_MAX)
			continue;
		cleanup(cleanup_mem) char *where = where_now(item->vm, at);
		cleanup(cleanup_mem) char *who =
			item->unreachable ? unreachable_text(item->unreachable) : mem_string(item->process);
		page_add_row(&table, item->vm->vm.name, who, where);
	}
	if (count == 0)
		return 0;
	page_add_line(page, "%s", heading);
	page_add_table(page, &table);
	if (count > ROWS_MAX)
		page_add_line(page, "  and %zu more: vmwhere --on %s", count - ROWS_MAX, at->host);
	page_end_block(page);
	return count;
}

static void add_evidence(struct page *page, const struct notice_case *at)
{
	const struct affected *affected = at->affected;
	char when[WHEN_TEXT_SIZE];
	char age[WHEN_TEXT_SIZE];

	if (!affected || affected->snapshot == 0) {
		page_add_line(page, "There is no list of what ran on %s before it stopped.", at->incident->host);
		return;
	}
	if (affected->followed) {
		page_add_line(page, "Followed live until it stopped: certain.");
		return;
	}
	page_add_line(page, "From the list of %s, %s before it stopped: probable.",
		      short_time(affected->answered, affected->died, when),
		      when_format_duration(affected->died - affected->answered, age));
}

static void add_case(struct page *page, enum delivery_kind kind, const struct notices *notices,
		     const struct notice *notice, size_t incident)
{
	const struct notice_case *at = &notices->cases[incident];
	const char *heading = kind == DELIVERY_FIRST ? "Please check:" : "Your VMs since:";

	add_items(page, notices, notice, incident, NOTICE_OWN, heading);
	add_items(page, notices, notice, incident, NOTICE_NOBODY,
		  "No administrator is listed for these; you are the fallback:");
	add_items(page, notices, notice, incident, NOTICE_NO_WAY,
		  "Who is listed for these cannot be mailed; please call:");
	add_items(page, notices, notice, incident, NOTICE_COPY, "For your information:");
	if (at->affected && at->affected->snapshot != 0 && at->affected->count == 0) {
		page_add_line(page, "No VM was running on it.");
		page_end_block(page);
	}
	add_evidence(page, at);
}

static void add_acknowledgement(struct page *page, const struct incident *incident)
{
	char text[WHEN_TEXT_SIZE];

	if (incident->acknowledged != WHEN_UNKNOWN) {
		cleanup(cleanup_mem) char *by =
			str_escape(incident->acknowledged_by ? incident->acknowledged_by : "somebody");
		cleanup(cleanup_mem) char *note = str_escape(incident->note ? incident->note : "");
		page_add_line(page, "Acknowledged by %s at %s%s%s.", by,
			      short_time(incident->acknowledged, incident->at, text), *note ? ": " : "", note);
		return;
	}
	cleanup(cleanup_mem) char *command =
		mem_format("notify-admins ack %s", incident->group ? incident->group : incident->id);
	page_add_command(page, "To acknowledge: run", command);
}

static void write_host_letter(struct letter *letter, enum delivery_kind kind, const struct notices *notices,
			      const struct notice *notice)
{
	struct page page = {0};
	const struct notice_case *first = first_case(notices, notice);

	letter->subject = host_subject(kind, notices, notice);
	for (size_t i = 0; i < notices->case_count; i++) {
		if (!notice->concerned[i])
			continue;
		add_death(&page, notices->cases[i].incident);
		page_end_block(&page);
		add_case(&page, kind, notices, notice, i);
		if (&notices->cases[i] != first || notices->case_count > 1)
			page_end_block(&page);
	}
	add_acknowledgement(&page, first->incident);
	page_finish(&page, &letter->text, &letter->html);
}

/* ---- recovery ---- */

static bool any_elsewhere(const struct notice *notice, const struct notices *notices)
{
	vec_foreach(notice, item)
		if (item->vm->now == AFFECTED_RESTARTED &&
		    !str_equal(item->vm->now_host, notices->cases[item->incident].incident->host))
			return true;
	return false;
}

static void write_recovery(struct letter *letter, const struct notices *notices, const struct notice *notice)
{
	struct page page = {0};

	letter->subject = host_subject(DELIVERY_RECOVERY, notices, notice);
	for (size_t i = 0; i < notices->case_count; i++) {
		const struct incident *incident = notices->cases[i].incident;
		char age[WHEN_TEXT_SIZE];
		if (!notice->concerned[i])
			continue;
		struct stamp up = stamp_of(incident->closed);
		page_add_line(&page, "%s answers again since %s at %s %s; it had been down for %s.",
			      incident->host, up.date, up.clock, up.zone,
			      when_format_duration(incident->closed - incident->at, age));
		page_end_block(&page);
		for (enum notice_reason reason = NOTICE_OWN; reason <= NOTICE_COPY; reason++)
			add_items(&page, notices, notice, i, reason,
				  reason == NOTICE_OWN    ? "Your VMs:"
				  : reason == NOTICE_COPY ? "For your information:"
							  : "VMs for which you are the fallback:");
	}
	if (any_elsewhere(notice, notices))
		page_add_command(&page, "Make sure that none of them runs twice:", "vmwhere --duplicates");
	else
		page_add_line(&page, "No answer is needed.");
	page_finish(&page, &letter->text, &letter->html);
}

/* ---- trouble of our own ---- */

struct trouble {
	const char *subject, *over_subject, *text, *over_text, *advice, *command;
};

static const struct trouble troubles[] = {
	[INCIDENT_ISOLATED] = {"isolated, or all dead, since", "not isolated any more since",
			       "Nothing answers any more: this station is cut off, or everything is dead.",
			       "Hosts answer again.", "See for yourself:", "hostping"},
	[INCIDENT_HEARTBEAT] = {"nobody watches the hosts since", "the hosts are watched again since",
				"hostping has given no sign of life: a host that dies now is not noticed.",
				"hostping watches again.", "See what it says:", "hostping --status"},
	[INCIDENT_LIST] = {"no list of VMs since",
			   "VMs are listed again since", "No list of the running VMs was taken for two periods: what a host ran when it dies becomes a guess.",
			   "The running VMs are listed again.", "Take one and see what it says:", "vmsnap -v"},
};

static void write_trouble(struct letter *letter, enum delivery_kind kind, const struct incident *incident)
{
	const struct trouble *trouble = &troubles[incident->kind];
	bool over = kind == DELIVERY_RECOVERY;
	struct stamp at = stamp_of(over ? incident->closed : incident->at);
	struct page page = {0};

	letter->subject =
		mem_format("[vmroll] %s %s", over ? trouble->over_subject : trouble->subject, at.clock);
	page_add_line(&page, "%s", over ? trouble->over_text : trouble->text);
	page_add_line(&page, "Since %s %s %s.", at.date, at.clock, at.zone);
	if (incident->detail && !over) {
		cleanup(cleanup_mem) char *detail = str_escape(incident->detail);
		page_add_line(&page, "(%s)", detail);
	}
	page_end_block(&page);
	if (!over) {
		page_add_command(&page, trouble->advice, trouble->command);
		add_acknowledgement(&page, incident);
	}
	page_finish(&page, &letter->text, &letter->html);
}

void letter_write(struct letter *letter, enum delivery_kind kind, const struct notices *notices,
		  const struct notice *notice, int64_t now)
{
	const struct incident *first = first_case(notices, notice)->incident;

	(void)now;
	if (first->kind != INCIDENT_HOST)
		write_trouble(letter, kind, first);
	else if (kind == DELIVERY_RECOVERY)
		write_recovery(letter, notices, notice);
	else
		write_host_letter(letter, kind, notices, notice);
}

/* ---- who could not be told ---- */

static void add_failed(struct page *page, const struct notices *notices, const struct delivery *failed)
{
	const struct notice *notice = notices_find(notices, failed->person);
	cleanup(cleanup_mem) char *person = str_escape(failed->person);
	cleanup(cleanup_mem) char *error = str_escape(failed->error ? failed->error : "unknown");

	page_add_line(page, "%s: %s", person, error);
	for (size_t i = 0; notice && i < notices->case_count; i++)
		add_items(page, notices, notice, i, NOTICE_OWN, "Their VMs:");
}

void letter_undelivered(struct letter *letter, const struct notices *notices,
			const struct delivery *const *failed, size_t count, int64_t now)
{
	const struct incident *first = notices->cases[0].incident;
	struct page page = {0};
	char text[WHEN_TEXT_SIZE];

	(void)now;
	letter->subject = mem_format("[vmroll] %s down %s: %zu could not be told", first->host,
				     when_format(first->at, WHEN_CLOCK, text), count);
	page_add_line(&page, "%zu administrator%s could not be told that %s is down. Please pass it on.",
		      count, plural(count), first->host);
	page_end_block(&page);
	for (size_t i = 0; i < count; i++)
		add_failed(&page, notices, failed[i]);
	page_end_block(&page);
	add_acknowledgement(&page, first);
	page_finish(&page, &letter->text, &letter->html);
}

void letter_test(struct letter *letter, const char *person, int64_t now)
{
	struct stamp at = stamp_of(now);
	cleanup(cleanup_mem) char *shown = str_escape(person);
	struct page page = {0};

	letter->subject = mem_format("[vmroll] test %s: nothing happened", at.clock);
	page_add_line(&page, "This is what a message of vmroll to %s looks like. Nothing happened.", shown);
	page_add_line(&page, "Sent on %s at %s %s.", at.date, at.clock, at.zone);
	page_end_block(&page);
	page_add_line(&page, "No answer is needed.");
	page_finish(&page, &letter->text, &letter->html);
}
