/* test_message.c - a message as JSON says what it is documented to say, of the person alone, and loses no name. */
#include "config.h"

#include "unit.h"

#include "json.h"
#include "mem.h"
#include "message.h"
#include "notice_kit.h"
#include "str.h"
#include "when.h"
#include "wording_private.h"

static const struct wording english = {.lang = "en-gb"};

static struct json *parsed(const struct str *text)
{
	struct json *tree = NULL;
	struct err e = {0};

	assert_ok(json_parse(text->data, text->length, &tree, &e), &e);
	return tree;
}

static struct json *message_to(const char *person, enum delivery_kind kind)
{
	cleanup(str_done) struct str text = {0};

	assert_int_equal(message_write(&text, kind, &world.notices, of(person), &english, "key-1", NULL), 0);
	return parsed(&text);
}

static const struct json *host_of(const struct json *message, size_t place)
{
	return json_at(json_get(message, "hosts"), place);
}

static void assert_text(const struct json *object, const char *key, const char *wanted)
{
	const struct json *value = json_get(object, key);

	if (!value)
		fail_msg("no key %s", key);
	if (!str_equal(json_text(value), wanted))
		fail_msg("%s: '%s', not '%s'", key, json_text(value) ? json_text(value) : "(no text)",
			 wanted ? wanted : "(none)");
}

static void assert_number(const struct json *object, const char *key, int64_t wanted)
{
	int64_t number;

	if (!json_int(json_get(object, key), &number))
		fail_msg("no number %s", key);
	assert_int_equal(number, wanted);
}

static void a_death(void)
{
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "web2", AFFECTED_NOT_SEEN);
	add_vm(one, "db1", AFFECTED_NOT_SEEN);
	add_vm(add_host("host2", died - 201000), "db2", AFFECTED_NOT_SEEN);
	world.incidents[0].detail = mem_string("3 of 4 pings lost");
	world.incidents[0].acknowledged = died + 60000;
	world.incidents[0].acknowledged_by = mem_string("Ito");
	world.incidents[0].note = mem_string("on my way");
	list("vm,admin,email,phone,process\nweb1,Sato,S@x,,httpd\nweb2,Sato,S@x,,\ndb1,Ito,i@x,,pg\ndb2,Ito,"
	     "i@x,,\n");
	build();
}

static void what_a_message_says(void **state)
{
	(void)state;
	a_death();
	cleanup(cleanup_json) struct json *message = message_to("s@x", DELIVERY_FIRST);
	char uuid[VM_UUID_TEXT_SIZE];

	assert_number(message, "schema", 1);
	assert_text(message, "kind", "first");
	assert_text(message, "event", "down");
	assert_text(message, "incident", "7K3F");
	assert_text(message, "idempotency_key", "key-1");
	assert_text(message, "person", "s@x");
	assert_text(message, "person_name", "Sato");
	assert_text(message, "person_address", "S@x");
	assert_text(message, "lang", "en-gb");
	assert_text(message, "since", "2026-11-20T12:33:21+09:00");
	assert_text(message, "zone", "+09:00");
	assert_text(message, "ended", NULL);
	assert_text(message, "acknowledged", "2026-11-20T12:34:21+09:00");
	assert_text(message, "acknowledged_by", "Ito");
	assert_text(message, "note", "on my way");
	assert_text(message, "acknowledge", "notify-admins ack 7K3F");
	assert_text(message, "reply", NULL);
	assert_number(message, "down_count", 2);
	assert_number(message, "host_count", 1);
	assert_number(message, "vm_count", 2);
	assert_number(message, "back_count", 1);
	assert_int_equal(json_count(json_get(message, "hosts")), 1);

	const struct json *host = host_of(message, 0);
	assert_text(host, "incident", "7K3F");
	assert_text(host, "name", "host1");
	assert_text(host, "date", "2026-11-20");
	assert_text(host, "clock", "12:33:21");
	assert_text(host, "detail", "3 of 4 pings lost");
	assert_text(host, "list_at", "2026-11-20T12:30:00+09:00");
	assert_text(host, "list_time", "12:30:00");
	assert_text(host, "list_age", "3m21s");
	assert_int_equal(json_count(json_get(host, "own")), 2);
	assert_number(host, "own_more", 0);

	const struct json *vm = json_at(json_get(host, "own"), 0);
	assert_text(vm, "name", "web1");
	vm_uuid_format(world.affected[0].vms[0].vm.uuid, uuid);
	assert_text(vm, "uuid", uuid);
	assert_text(vm, "host", "host1");
	assert_text(vm, "process", "httpd");
	assert_text(vm, "grade", "probable");
	assert_text(vm, "where", "restarted on host2 at 12:35:02");
	assert_text(vm, "now", "restarted");
	assert_text(vm, "now_host", "host2");
	assert_text(vm, "now_since", "2026-11-20T12:35:02+09:00");
	assert_text(vm, "owner", NULL);
	assert_text(json_at(json_get(host, "own"), 1), "process", NULL);
	assert_text(json_at(json_get(host, "own"), 1), "now_host", NULL);
}

static void where_a_vm_is_since(void **state)
{
	(void)state;
	static const struct {
		enum affected_now now;
		enum affected_grade grade;
		int64_t since; /* after the death */
		const char *name, *where;
	} cases[] = {
		{AFFECTED_BACK, AFFECTED_PROBABLE, 60000, "back", "runs on host2 as before, seen at 12:34:21"},
		{AFFECTED_BACK, AFFECTED_MOVED, 86400000, "back",
		 "runs on host2 as before, seen at 2026-11-21 12:33:21"},
		{AFFECTED_RESTARTED, AFFECTED_PROBABLE, -1000, "earlier", "ran on host2 already at 12:33:20"},
		{AFFECTED_RESTARTED, AFFECTED_CERTAIN, 0, "restarted", "restarted on host2 at 12:33:21"},
		{AFFECTED_NOT_SEEN, AFFECTED_MOVED, 0, "moved", "had moved away before"},
		{AFFECTED_NOT_SEEN, AFFECTED_PROBABLE, 0, "not_seen", "not seen since"},
		{AFFECTED_NO_NEWER_LIST, AFFECTED_PROBABLE, 0, "unknown", "no newer list"},
	};

	struct affected *one = add_host("host1", died - 1000);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	list("vm,admin,email,phone,process\nweb1,Sato,s@x,,\n");
	build();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct affected_vm *vm = &one->vms[0];
		vm->now = cases[i].now;
		vm->grade = cases[i].grade;
		vm->now_since = died + cases[i].since;
		bool known = vm->now == AFFECTED_BACK || vm->now == AFFECTED_RESTARTED;
		mem_replace(&vm->now_host, known ? "host2" : NULL);
		cleanup(cleanup_json) struct json *message = message_to("s@x", DELIVERY_FIRST);
		const struct json *row = json_at(json_get(host_of(message, 0), "own"), 0);
		assert_text(row, "now", cases[i].name);
		assert_text(row, "where", cases[i].where);
		assert_text(row, "now_host", known ? "host2" : NULL);
		assert_int_equal(json_text(json_get(row, "now_since")) != NULL, known);
	}
}

static void no_name_is_changed(void **state)
{
	(void)state;
	static const char *const hostile[] = {"a\tb\x01\xE2\x80\xAE<${end}>\"\\", "日本", "x\ny"};

	struct affected *one = add_host("host1", died - 1000);
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
		add_vm(one, hostile[i], AFFECTED_NOT_SEEN);
	settings("notify { fallback = \"s@x\" }");
	list("vm,admin,email,phone,process\n");
	build();
	cleanup(cleanup_json) struct json *message = message_to("s@x", DELIVERY_FIRST);
	assert_true(json_holds(json_get(message, "fallback")));
	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++)
		assert_text(json_at(json_get(host_of(message, 0), "nobody"), i), "name", hostile[i]);
}

static void who_did_not_answer_and_who_could_not_be_told(void **state)
{
	(void)state;
	a_death();
	const struct notice *const owners[] = {of("s@x"), of("i@x")};
	cleanup(str_done) struct str text = {0};
	cleanup(str_done) struct str undelivered = {0};
	struct notice notice;
	notice_for_others(&notice, &world.notices, "oncall@x", NULL, "oncall@x", owners, 2);
	message_write(&text, DELIVERY_ESCALATION, &world.notices, &notice, &english, NULL, NULL);
	cleanup(cleanup_json) struct json *message = parsed(&text);

	assert_text(message, "kind", "escalation");
	assert_text(message, "idempotency_key", NULL);
	assert_number(message, "vm_count", 4);
	assert_number(message, "host_count", 2);
	assert_int_equal(json_count(json_get(message, "unanswered")), 2);
	assert_text(json_at(json_get(message, "unanswered"), 1), "person", "i@x");
	assert_text(json_at(json_get(message, "unanswered"), 1), "name", "Ito");
	assert_text(json_at(json_get(host_of(message, 1), "own"), 0), "owner", "Ito");
	notice_done(&notice);

	struct delivery cell = {.person = (char *)"i@x", .error = (char *)"550 gone"};
	struct delivery stranger = {.person = (char *)"z@x"};
	const struct delivery *const failed[] = {&cell, &stranger};
	message_undelivered(&undelivered, &world.notices, failed, 2, &english, NULL, NULL);
	cleanup(cleanup_json) struct json *told = parsed(&undelivered);
	assert_text(told, "kind", "undelivered");
	assert_text(told, "person", NULL);
	assert_number(told, "failed_count", 2);
	const struct json *first = json_at(json_get(told, "failed"), 0);
	assert_text(first, "error", "550 gone");
	assert_int_equal(json_count(json_get(first, "vms")), 2);
	assert_text(json_at(json_get(first, "vms"), 1), "name", "db2");
	assert_text(json_at(json_get(told, "failed"), 1), "error", "unknown");
}

/* ---- the keys are those that templates are promised, and no others ---- */

static void check_keys(const struct json *object, const struct template_name *names, size_t *lists)
{
	for (; names->name; names++) {
		const struct json *value = json_get(object, names->name);
		if (!value)
			fail_msg("'%s' is declared, and not in the message", names->name);
		if (names->type != TEMPLATE_LIST)
			continue;
		*lists += json_count(value) > 0;
		for (size_t i = 0; i < json_count(value); i++)
			check_keys(json_at(value, i), names->items, lists);
	}
}

static bool is_declared(const struct template_name *names, const char *key, size_t length)
{
	for (; names->name; names++)
		if ((strlen(names->name) == length && strncmp(names->name, key, length) == 0) ||
		    (names->items && is_declared(names->items, key, length)))
			return true;
	return false;
}

/* No value of the text may hold a quote and a colon. */
static void check_no_others(const char *text, const struct template_name *names)
{
	for (const char *end = strstr(text, "\":"); end; end = strstr(end + 1, "\":")) {
		const char *key = end;
		while (key[-1] != '"')
			key--;
		if (!is_declared(names, key, (size_t)(end - key)))
			fail_msg("%.*s is not declared", (int)(end - key), key);
	}
}

static void keys_are_the_names_of_templates(void **state)
{
	(void)state;
	const struct template_name *names = wording_uses[0].names;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "phone", AFFECTED_NOT_SEEN);
	add_vm(one, "unlisted", AFFECTED_NOT_SEEN);
	settings("notify { fallback = \"ops@x\" copy = \"copy@x\" }");
	list("vm,admin,email,phone,process\nweb1,Sato,s@x,,httpd\nphone,P,,+8190,\n");
	build();
	size_t lists = 0;
	static const char *const people[] = {"s@x", "ops@x", "copy@x"};

	for (size_t i = 0; i < sizeof people / sizeof people[0]; i++) {
		cleanup(str_done) struct str text = {0};
		message_write(&text, DELIVERY_ESCALATION, &world.notices, of(people[i]), &english, NULL, NULL);
		cleanup(cleanup_json) struct json *message = parsed(&text);
		check_keys(message, names, &lists);
		check_no_others(str_text(&text), names);
	}
	cleanup(str_done) struct str text = {0};
	struct delivery cell = {.person = (char *)"s@x"};
	const struct delivery *failed = &cell;
	message_undelivered(&text, &world.notices, &failed, 1, &english, NULL, NULL);
	cleanup(cleanup_json) struct json *message = parsed(&text);
	check_keys(message, names, &lists);
	check_no_others(str_text(&text), names);
	/* hosts and unanswered of three; own, nobody, unreachable, copy; failed and its vms: each list had something in it. */
	assert_int_equal(lists, 3 + 3 + 4 + 2);
}

static void a_trial_is_one(void **state)
{
	(void)state;
	cleanup(str_done) struct str text = {0};

	message_test(&text, "Ito", died, &english);
	cleanup(cleanup_json) struct json *message = parsed(&text);
	assert_text(message, "kind", "test");
	assert_text(message, "event", "test");
	assert_text(message, "person", "Ito");
	assert_text(message, "clock", "12:33:21");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KIT_TEST(what_a_message_says),
		KIT_TEST(where_a_vm_is_since),
		KIT_TEST(no_name_is_changed),
		KIT_TEST(who_did_not_answer_and_who_could_not_be_told),
		KIT_TEST(keys_are_the_names_of_templates),
		KIT_TEST(a_trial_is_one),
	};
	return cmocka_run_group_tests(tests, kit_open, kit_close);
}
