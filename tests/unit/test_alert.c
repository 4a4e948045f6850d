/* test_alert.c - bodies for Alertmanager's receivers and for Slack: whole, valid and bounded, whatever a VM is called. */
#include "config.h"

#include <time.h>

#include "unit.h"

#include "alert.h"
#include "json.h"
#include "mem.h"
#include "str.h"
#include "vec.h"
#include "when.h"

static const int64_t died = 1795145601000; /* 2026-11-20 12:33:21 +0900 */

/* One person's notice of a few hosts, built by hand. */
struct world {
	struct incident incidents[3];
	struct affected affected[3];
	struct notice_case cases[3];
	bool concerned[3];
	struct notice notice;
	struct notices notices;
	struct affected_vm *vms[20000];
	struct str json;
	struct json *body;
};

static struct world world;

static int begin(void **state)
{
	(void)state;
	world = (struct world){0};
	world.notice = (struct notice){.person = (char *)"sato@example.org", .concerned = world.concerned};
	world.notices = (struct notices){.cases = world.cases};
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	return 0;
}

static int end(void **state)
{
	(void)state;
	for (size_t i = 0; i < world.notice.count; i++) {
		vm_done(&world.vms[i]->vm);
		free(world.vms[i]);
	}
	vec_done(&world.notice);
	str_done(&world.json);
	json_free(world.body);
	return 0;
}

static struct incident *add_host(const char *host)
{
	size_t i = world.notices.case_count++;

	world.incidents[i] = (struct incident){.id = "7K3F",
					       .host = (char *)host,
					       .at = died,
					       .opened = died,
					       .detail = (char *)"4 of 4 pings lost",
					       .group = (char *)"7K3F",
					       .acknowledged = WHEN_UNKNOWN,
					       .closed = WHEN_UNKNOWN,
					       .closing = WHEN_UNKNOWN};
	world.affected[i] =
		(struct affected){.host = (char *)host, .died = died, .snapshot = 7, .answered = died - 201000};
	world.cases[i] = (struct notice_case){&world.incidents[i], &world.affected[i]};
	world.concerned[i] = true;
	return &world.incidents[i];
}

static struct affected_vm *add_vm(const char *name, const char *process)
{
	struct affected_vm *vm = mem_zalloc(1, sizeof *vm);

	vm->grade = AFFECTED_PROBABLE;
	vm->now = AFFECTED_NOT_SEEN;
	vm->now_since = WHEN_UNKNOWN;
	vm->vm.name = mem_string(name);
	vm_uuid_from_name(name, vm->vm.uuid);
	world.affected[0].count++;
	world.vms[world.notice.count] = vm;
	vec_push(&world.notice, (struct notice_item){.vm = vm, .process = process});
	return vm;
}

static struct alert_source source(enum delivery_kind kind)
{
	return (struct alert_source){.kind = kind, .notices = &world.notices, .notice = &world.notice};
}

static void parse(void)
{
	struct err e = {0};

	json_free(world.body);
	world.body = NULL;
	assert_ok(json_parse(str_text(&world.json), world.json.length, &world.body, &e), &e);
}

static void write_alert(enum delivery_kind kind)
{
	struct alert_source from = source(kind);

	str_reset(&world.json);
	alert_write(&world.json, &from, "ops");
	parse();
}

static const char *write_slack(enum delivery_kind kind)
{
	struct alert_source from = source(kind);

	str_reset(&world.json);
	alert_write_slack(&world.json, &from);
	parse();
	return json_text(json_get(world.body, "text"));
}

/* The text at a path of names; one that begins with a figure is an index. */
static const char *at(const char *path)
{
	const struct json *value = world.body;
	char name[100];

	while (*path) {
		size_t length = strcspn(path, "/");
		snprintf(name, sizeof name, "%.*s", (int)length, path);
		bool index = *name >= '0' && *name <= '9';
		value = index ? json_at(value, (size_t)strtol(name, NULL, 10)) : json_get(value, name);
		if (!value)
			fail_msg("no %s in %s", name, str_text(&world.json));
		path += length + (path[length] == '/');
	}
	const char *text = json_text(value);
	return text ? text : "not a text";
}

static int64_t number(const char *name)
{
	int64_t value = -1;

	assert_true(json_int(json_get(world.body, name), &value));
	return value;
}

static const struct json *label(size_t alert, const char *name)
{
	const struct json *alerts = json_get(world.body, "alerts");

	return json_get(json_get(json_at(alerts, alert), "labels"), name);
}

static void the_body_is_version_4_whole(void **state)
{
	(void)state;
	add_host("host1");
	add_vm("web1", "httpd");
	struct affected_vm *db = add_vm("db1", NULL);
	db->now = AFFECTED_RESTARTED;
	db->now_host = (char *)"host2";
	db->now_since = died + 101000;
	write_alert(DELIVERY_FIRST);

	assert_string_equal(at("version"), "4");
	assert_string_equal(at("groupKey"), "{}:{incident=\"7K3F\"}");
	assert_int_equal(number("truncatedAlerts"), 0);
	assert_string_equal(at("status"), "firing");
	assert_string_equal(at("receiver"), "ops");
	assert_string_equal(at("groupLabels/incident"), "7K3F");
	assert_string_equal(at("externalURL"), "");
	assert_int_equal(json_count(json_get(world.body, "alerts")), 3);

	assert_string_equal(at("alerts/0/status"), "firing");
	assert_string_equal(at("alerts/0/labels/alertname"), "HostDown");
	assert_string_equal(at("alerts/0/labels/host"), "host1");
	assert_string_equal(at("alerts/0/labels/instance"), "host1");
	assert_string_equal(at("alerts/0/labels/severity"), "critical");
	assert_string_equal(at("alerts/0/annotations/summary"), "host1 stopped answering");
	assert_string_equal(at("alerts/0/annotations/detail"), "4 of 4 pings lost");
	assert_string_equal(at("alerts/0/annotations/message"), "first");
	assert_string_equal(at("alerts/0/annotations/vms"), "2");
	assert_string_equal(at("alerts/0/annotations/acknowledge"), "notify-admins ack 7K3F");
	assert_string_equal(at("alerts/0/startsAt"), "2026-11-20T12:33:21.000+09:00");
	assert_string_equal(at("alerts/0/endsAt"), "0001-01-01T00:00:00Z");
	assert_string_equal(at("alerts/0/generatorURL"), "");
	assert_null(label(0, "vm"));

	assert_string_equal(at("alerts/1/labels/alertname"), "VMHostDown");
	assert_string_equal(at("alerts/1/labels/vm"), "web1");
	assert_string_equal(at("alerts/1/labels/host"), "host1");
	assert_int_equal(strlen(at("alerts/1/labels/uuid")), 36);
	assert_string_equal(at("alerts/1/annotations/process"), "httpd");
	assert_string_equal(at("alerts/1/annotations/person"), "sato@example.org");
	assert_string_equal(at("alerts/1/annotations/where"), "not seen since");
	assert_string_equal(at("alerts/1/annotations/incident"), "7K3F");
	assert_string_equal(at("alerts/1/annotations/evidence"),
			    "probable, from the list of 2026-11-20T12:30:00+09:00");
	assert_string_equal(at("alerts/2/annotations/where"),
			    "restarted on host2, seen at 2026-11-20T12:35:02+09:00");
	assert_int_equal(strlen(at("alerts/2/fingerprint")), 16);
}

/* JSON without what stands between its values, so that the page can set it well. */
static char *compact(const char *text)
{
	struct str out = {0};
	bool inside = false;

	for (; *text; text++) {
		if (*text == '"' && text[-1] != '\\')
			inside = !inside;
		if (inside || !strchr(" \n", *text))
			str_add_char(&out, *text);
	}
	return str_take(&out);
}

/* The body that notify-admins(8) shows, as mandoc would print it. */
static char *body_of_the_page(void)
{
	const char *source = getenv("top_srcdir");
	cleanup(cleanup_mem) char *path = mem_format("%s/man/notify-admins.8", source ? source : "..");
	cleanup(cleanup_file) FILE *page = fopen(path, "r");
	cleanup(str_done) struct str body = {0};
	bool shown = false;
	char line[1000];

	assert_non_null(page);
	while (fgets(line, sizeof line, page)) {
		shown = shown ? !str_starts(line, ".Ed") : str_starts(line, "{ \"version\"");
		for (char *escape = line; shown && (escape = strstr(escape, "\\e"));) {
			escape++;
			memmove(escape, escape + 1, strlen(escape));
		}
		if (shown)
			str_add(&body, line);
	}
	return compact(str_text(&body));
}

static void the_page_shows_what_is_sent(void **state)
{
	(void)state;
	struct err e = {0};
	add_host("host1");
	assert_ok(vm_uuid_parse("4dea22b3-1d52-48f3-a516-782e98ab3fa0", add_vm("web1", "httpd")->vm.uuid, &e),
		  &e);
	write_alert(DELIVERY_FIRST);
	cleanup(cleanup_mem) char *shown = body_of_the_page();
	cleanup(cleanup_mem) char *sent = compact(str_text(&world.json));

	assert_string_equal(shown, sent);
}

static void what_is_common_stands_apart(void **state)
{
	(void)state;
	add_host("host1");
	add_vm("web1", NULL);
	write_alert(DELIVERY_FIRST);
	assert_string_equal(at("commonLabels/host"), "host1");
	assert_string_equal(at("commonLabels/incident"), "7K3F");
	assert_null(json_get(json_get(world.body, "commonLabels"), "alertname"));
	assert_null(json_get(json_get(world.body, "commonLabels"), "vm"));
	assert_string_equal(at("commonAnnotations/acknowledge"), "notify-admins ack 7K3F");
	assert_null(json_get(json_get(world.body, "commonAnnotations"), "summary"));

	add_host("host2");
	write_alert(DELIVERY_FIRST);
	assert_int_equal(json_count(json_get(world.body, "alerts")), 3);
	assert_null(json_get(json_get(world.body, "commonLabels"), "host"));
	assert_string_equal(at("commonLabels/severity"), "critical");
}

/* Worked out apart from this program: FNV-1a of each name and value, sorted, each followed by 0xFF. */
static void a_fingerprint_is_the_one_of_prometheus(void **state)
{
	(void)state;
	alert_write_test(&world.json, "ops", died);
	parse();
	assert_string_equal(at("alerts/0/labels/alertname"), "VmrollTest");
	assert_string_equal(at("alerts/0/fingerprint"), "ed3a8d8041aee59e");
}

static void an_alert_is_the_same_until_it_is_over(void **state)
{
	(void)state;
	struct incident *incident = add_host("host1");
	add_vm("web1", "httpd");
	add_vm("web2", "httpd");
	write_alert(DELIVERY_FIRST);
	cleanup(cleanup_mem) char *first = mem_string(at("alerts/1/fingerprint"));
	assert_string_not_equal(first, at("alerts/2/fingerprint"));
	assert_string_not_equal(first, at("alerts/0/fingerprint"));

	incident->closed = died + 600000;
	incident->recovered = true;
	/* Told late: a receiver that never saw it fire would drop the end. */
	write_alert(DELIVERY_FIRST);
	assert_string_equal(at("status"), "firing");
	write_alert(DELIVERY_RECOVERY);
	assert_string_equal(at("status"), "resolved");
	assert_string_equal(at("alerts/1/status"), "resolved");
	assert_string_equal(at("alerts/1/endsAt"), "2026-11-20T12:43:21.000+09:00");
	assert_string_equal(at("alerts/0/annotations/summary"), "host1 answers again");
	assert_string_equal(at("alerts/1/fingerprint"), first);
	assert_null(json_get(json_get(world.body, "commonAnnotations"), "acknowledge"));
}

static void names_arrive_as_they_are(void **state)
{
	(void)state;
	static const char *const names[] = {"a\"b\\c",       "\t\n\x01",    "\xe2\x80\xaegnp.exe",
					    "{{ .Labels }}", "'; rm -rf /", "<script>",
					    "佐藤"};
	struct incident *incident = add_host("host1");
	incident->acknowledged = died;
	incident->acknowledged_by = (char *)"\"Ito\"";

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		add_vm(names[i], names[i]);
	add_vm("bad \xff utf8", NULL);
	write_alert(DELIVERY_FIRST);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_string_equal(json_text(label(i + 1, "vm")), names[i]);
	assert_string_equal(json_text(label(8, "vm")), "bad \\xff utf8");
	assert_string_equal(at("alerts/0/annotations/acknowledged_by"), "\"Ito\"");
}

static void nothing_at_all_is_still_a_body(void **state)
{
	(void)state;
	write_alert(DELIVERY_FIRST);
	assert_int_equal(json_count(json_get(world.body, "alerts")), 0);
	assert_string_equal(at("version"), "4");
	assert_string_equal(write_slack(DELIVERY_FIRST), "");
	add_host("host1");
	world.cases[0].affected = NULL;
	write_alert(DELIVERY_FIRST);
	assert_int_equal(json_count(json_get(world.body, "alerts")), 1);
	assert_null(json_get(json_get(json_at(json_get(world.body, "alerts"), 0), "annotations"), "vms"));
	assert_non_null(strstr(write_slack(DELIVERY_FIRST), "`host1` down since"));
}

static void ten_thousand_vms_are_bounded(void **state)
{
	(void)state;
	char name[1001];

	add_host("host1");
	for (size_t i = 0; i < 10000; i++) {
		snprintf(name, sizeof name, "vm%05zu%s", i, i % 2 ? "" : "\x01\x01\x01\x01\x01\x01\x01\x01\x01");
		if (i % 7 == 0)
			memset(name + strlen(name), '\x02', sizeof name - 1 - strlen(name));
		name[sizeof name - 1] = '\0';
		add_vm(name, "httpd");
	}
	write_alert(DELIVERY_FIRST);
	size_t alerts = json_count(json_get(world.body, "alerts"));
	assert_in_range(alerts, 100, 9999);
	assert_int_equal(number("truncatedAlerts"), 10001 - alerts);
	assert_string_equal(at("alerts/0/labels/alertname"), "HostDown");
	assert_true(world.json.length <= ALERT_BODY_MAX);

	const char *text = write_slack(DELIVERY_FIRST);
	assert_true(strlen(text) <= ALERT_TEXT_MAX);
	assert_non_null(strstr(text, " more\nTo acknowledge"));
	assert_non_null(strstr(text, "check 10000 VMs"));
}

static void trouble_of_our_own_is_an_alert(void **state)
{
	(void)state;
	static const struct {
		enum incident_kind kind;
		const char *name, *slack;
	} cases[] = {
		{INCIDENT_ISOLATED, "VmrollIsolated", "Nothing answers"},
		{INCIDENT_HEARTBEAT, "VmrollNotWatching",
		 "Nobody watches the hosts since 2026-11-20T12:33:21+09:00"},
		{INCIDENT_LIST, "VmrollNoList", "No list of VMs since"},
	};
	struct incident *incident = add_host("-");
	world.cases[0].affected = NULL;

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		incident->kind = cases[i].kind;
		write_alert(DELIVERY_FIRST);
		assert_string_equal(at("alerts/0/labels/alertname"), cases[i].name);
		assert_null(label(0, "host"));
		assert_non_null(strstr(write_slack(DELIVERY_FIRST), cases[i].slack));
	}
	incident->closed = died + 60000;
	assert_string_equal(write_slack(DELIVERY_RECOVERY),
			    "VMs are listed again since 2026-11-20T12:34:21+09:00");
}

static void who_could_not_be_told_is_named(void **state)
{
	(void)state;
	struct delivery cell = {.person = (char *)"ito@example.org", .error = (char *)"550 <no> such user"};
	const struct delivery *failed[] = {&cell, &cell};
	struct alert_source from = {
		.kind = DELIVERY_UNDELIVERED, .notices = &world.notices, .failed = failed, .failed_count = 2};
	add_host("host1");

	alert_write(&world.json, &from, "ops");
	parse();
	assert_string_equal(at("alerts/0/annotations/undelivered"),
			    "ito@example.org: 550 <no> such user; ito@example.org: 550 <no> such user");
	str_reset(&world.json);
	alert_write_slack(&world.json, &from);
	parse();
	assert_non_null(strstr(at("text"), ": 2 administrators could not be told\n• `ito@example.org`: "
					   "`550 &lt;no&gt; such user`"));
}

static void slack_reads_well(void **state)
{
	(void)state;
	struct incident *incident = add_host("host1");
	add_vm("web1", "httpd");
	add_vm("db1", NULL);

	assert_string_equal(write_slack(DELIVERY_FIRST),
			    "`host1` down since 2026-11-20T12:33:21+09:00: check 2 VMs\n"
			    "• `web1` `httpd`: `not seen since`\n"
			    "• `db1`: `not seen since`\n"
			    "To acknowledge: `notify-admins ack 7K3F`");
	incident->acknowledged = died + 1;
	incident->acknowledged_by = (char *)"Ito";
	assert_non_null(strstr(write_slack(DELIVERY_FOLLOW_UP), "\nAcknowledged by `Ito`"));
	incident->closed = died + 600000;
	assert_non_null(strstr(write_slack(DELIVERY_RECOVERY),
			       "`host1` up again since 2026-11-20T12:43:21+09:00: 2 VMs"));
	assert_null(strstr(write_slack(DELIVERY_RECOVERY), "cknowledge"));
	add_host("host2");
	assert_non_null(strstr(write_slack(DELIVERY_FIRST), "2 hosts down since"));
	assert_non_null(strstr(write_slack(DELIVERY_FIRST), "• `web1` of `host1` `httpd`"));
}

/* Between backticks nothing is formatted and nobody is called: so none may come from a name. */
static void names_cannot_speak_in_slack(void **state)
{
	(void)state;
	static const char *const names[] = {"<!channel>",
					    "*bold* _it_ ~s~",
					    "`code`",
					    "```",
					    "a & b &amp; c",
					    "<https://evil|bank>",
					    "@here",
					    "x\ny",
					    "\xe2\x80\xae"
					    "abc"};
	add_host("host1");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		add_vm(names[i], names[i]);
	const char *text = write_slack(DELIVERY_FIRST);

	assert_non_null(strstr(text, "`&lt;!channel&gt;` `&lt;!channel&gt;`"));
	assert_non_null(strstr(text, "`*bold* _it_ ~s~`"));
	assert_non_null(strstr(text, "`'code'` `'code'`"));
	assert_non_null(strstr(text, "`'''`"));
	assert_non_null(strstr(text, "`a &amp; b &amp;amp; c`"));
	assert_non_null(strstr(text, "`x\\ny`"));
	assert_null(strpbrk(text, "<>"));
	bool inside = false;
	for (const char *c = text; *c; c++) {
		inside = *c == '`' ? !inside : inside;
		assert_false(!inside && strchr("*_~@|", *c));
		assert_false(inside && *c == '\n');
	}
	assert_false(inside);
}

static void long_names_are_cut_at_a_character(void **state)
{
	(void)state;
	cleanup(str_done) struct str name = {0};

	while (name.length < 1000)
		str_add(&name, "佐");
	add_host("host1");
	add_vm(str_text(&name), NULL);
	const char *text = write_slack(DELIVERY_FIRST);
	assert_non_null(strstr(text, "佐…`: "));
	assert_true(strlen(text) < 400);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_body_is_version_4_whole, begin, end),
		cmocka_unit_test_setup_teardown(the_page_shows_what_is_sent, begin, end),
		cmocka_unit_test_setup_teardown(what_is_common_stands_apart, begin, end),
		cmocka_unit_test_setup_teardown(a_fingerprint_is_the_one_of_prometheus, begin, end),
		cmocka_unit_test_setup_teardown(an_alert_is_the_same_until_it_is_over, begin, end),
		cmocka_unit_test_setup_teardown(names_arrive_as_they_are, begin, end),
		cmocka_unit_test_setup_teardown(nothing_at_all_is_still_a_body, begin, end),
		cmocka_unit_test_setup_teardown(ten_thousand_vms_are_bounded, begin, end),
		cmocka_unit_test_setup_teardown(trouble_of_our_own_is_an_alert, begin, end),
		cmocka_unit_test_setup_teardown(who_could_not_be_told_is_named, begin, end),
		cmocka_unit_test_setup_teardown(slack_reads_well, begin, end),
		cmocka_unit_test_setup_teardown(names_cannot_speak_in_slack, begin, end),
		cmocka_unit_test_setup_teardown(long_names_are_cut_at_a_character, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
