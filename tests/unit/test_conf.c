/* test_conf.c - vmroll.conf(5): values and defaults, what is refused with its line, and every cut. */
#include "config.h"

#include "unit.h"

#include "conf.h"
#include "mem.h"
#include "scratch.h"
#include "str.h"
#include "textfile.h"

static int read_text(struct conf *conf, const char *text, struct err *e)
{
	scratch_write(text, strlen(text));
	return conf_read(conf, scratch_path, e);
}

static void read_example(struct str *text)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/scripts/examples/vmroll.conf", getenv("top_srcdir"));
	struct err e = {0};

	assert_ok(textfile_read(path, text, NULL, &e), &e);
}

static void an_empty_file_gives_the_defaults(void **state)
{
	(void)state;
	static const char *const empty[] = {"", "\n", "# nothing\n", "ping { }\n",
					    "# begin vmroll\n# end vmroll\n"};

	for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
		cleanup(conf_done) struct conf conf = {0};
		struct err e = {0};
		assert_ok(read_text(&conf, empty[i], &e), &e);
		assert_string_equal(conf.path, scratch_path);
		assert_string_equal(conf.store, "lmdb:" STATEDIR);
		assert_string_equal(conf.hosts, SYSCONFDIR "/hosts");
		assert_int_equal(conf.retention_ms, INT64_C(400) * 24 * 3600 * 1000);
		assert_int_equal(conf.parallel, 32);
		assert_int_equal(conf.ping.interval_ms, 1000);
		assert_int_equal(conf.ping.timeout_ms, 1000);
		assert_int_equal(conf.ping.window_lost, 3);
		assert_int_equal(conf.ping.window_size, 4);
		assert_int_equal(conf.ping.reference.count, 0);
		assert_int_equal(conf.ping.isolation_share, 50);
		assert_int_equal(conf.ping.isolation_max_ms, 120000);
		assert_int_equal(conf.snapshot.host_deadline_ms, 4000);
		assert_int_equal(conf.snapshot.deadline_ms, 30000);
		assert_int_equal(conf.snapshot.reread_ms, 900000);
		assert_int_equal(conf.snapshot.period_ms, 900000);
		assert_null(conf.notify.admins);
		assert_int_equal(conf.notify.fallback.count, 0);
		assert_int_equal(conf.notify.group_wait_ms, 5000);
		assert_int_equal(conf.notify.settle_ms, 300000);
		assert_null(conf.notify.redirect);
		assert_int_equal(conf.notify.on_incident.count, 1);
		assert_string_equal(conf.notify.on_incident.items[0].items[0], "vmsnap");
		assert_null(conf.notify.on_incident.items[0].items[1]);
		assert_int_equal(conf.notify.rate_person, 60);
		assert_int_equal(conf.notify.rate_total, 10000);
		assert_null(conf.smtp.url);
		assert_null(conf.smtp.from);
		assert_int_equal(conf.smtp.tls, CONF_TLS_REQUIRED);
		assert_null(conf.smtp.user);
		assert_null(conf.smtp.password);
		assert_int_equal(conf.smtp.password_command.count, 0);
		assert_null(conf.smtp.ca_file);
	}
}

static void every_setting_is_read(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	assert_ok(
		read_text(
			&conf,
			"store = \"lmdb:/srv/roll\" hosts = \"/srv/hosts\" retention = \"30d\" parallel = 8\n"
			"ping { interval = 100ms timeout = \"250ms\" window = \"2/3\"\n"
			"  reference = { \"10.0.0.1\", \"2001:db8::1\" } isolation_share = \"75%\" "
			"isolation_max = \"90s\" }\n"
			"snapshot { host_deadline = \"2s\" deadline = \"10s\" reread = \"5m\" period = "
			"\"1h\" }\n"
			"notify { admins = \"https://intra/vms.csv\" fallback = { \"a@example.org\", "
			"\"b@example.org\" }\n"
			"  group_wait = \"0\" settle = \"1m30s\" redirect = \"me@example.org\"\n"
			"  on_incident = { \"vmsnap -q\", \"logger  -t vmroll incident\" } rate_person = 5 "
			"rate_total = 500 }\n"
			"smtp { url = \"smtps://mail:465\" from = \"vmroll@example.org\" tls = \"none\" user "
			"= \"u\"\n"
			"  password_command = { \"pass\", \"with blank\", \"q\\\"\\\\\" } ca_file = "
			"\"/etc/ssl/ours.pem\" }\n",
			&e),
		&e);
	assert_string_equal(conf.store, "lmdb:/srv/roll");
	assert_string_equal(conf.hosts, "/srv/hosts");
	assert_int_equal(conf.retention_ms, INT64_C(30) * 24 * 3600 * 1000);
	assert_int_equal(conf.parallel, 8);
	assert_int_equal(conf.ping.interval_ms, 100);
	assert_int_equal(conf.ping.timeout_ms, 250);
	assert_int_equal(conf.ping.window_lost, 2);
	assert_int_equal(conf.ping.window_size, 3);
	assert_int_equal(conf.ping.reference.count, 2);
	assert_string_equal(conf.ping.reference.items[1], "2001:db8::1");
	assert_int_equal(conf.ping.isolation_share, 75);
	assert_int_equal(conf.ping.isolation_max_ms, 90000);
	assert_int_equal(conf.snapshot.host_deadline_ms, 2000);
	assert_int_equal(conf.snapshot.deadline_ms, 10000);
	assert_int_equal(conf.snapshot.reread_ms, 300000);
	assert_int_equal(conf.snapshot.period_ms, 3600000);
	assert_string_equal(conf.notify.admins, "https://intra/vms.csv");
	assert_int_equal(conf.notify.fallback.count, 2);
	assert_string_equal(conf.notify.fallback.items[1], "b@example.org");
	assert_int_equal(conf.notify.group_wait_ms, 0);
	assert_int_equal(conf.notify.settle_ms, 90000);
	assert_string_equal(conf.notify.redirect, "me@example.org");
	assert_int_equal(conf.notify.on_incident.count, 2);
	assert_int_equal(conf.notify.on_incident.items[1].count, 4);
	assert_string_equal(conf.notify.on_incident.items[1].items[3], "incident");
	assert_null(conf.notify.on_incident.items[1].items[4]);
	assert_int_equal(conf.notify.rate_person, 5);
	assert_int_equal(conf.notify.rate_total, 500);
	assert_string_equal(conf.smtp.url, "smtps://mail:465");
	assert_string_equal(conf.smtp.from, "vmroll@example.org");
	assert_int_equal(conf.smtp.tls, CONF_TLS_NONE);
	assert_string_equal(conf.smtp.user, "u");
	assert_int_equal(conf.smtp.password_command.count, 3);
	assert_string_equal(conf.smtp.password_command.items[1], "with blank");
	assert_string_equal(conf.smtp.password_command.items[2], "q\"\\");
	assert_null(conf.smtp.password_command.items[3]);
	assert_string_equal(conf.smtp.ca_file, "/etc/ssl/ours.pem");
}

static void an_empty_list_takes_the_default_away(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	assert_ok(read_text(&conf, "notify { on_incident = { } redirect = \"\" }\nsmtp { user = \"\" }\n", &e),
		  &e);
	assert_int_equal(conf.notify.on_incident.count, 0);
	assert_null(conf.notify.redirect);
	assert_null(conf.smtp.user);
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"colour = \"red\"\n", ":1: unknown setting colour"},
		{"\n\nping {\n\n timeuot = \"1s\" }\n", ":5: unknown setting ping.timeuot"},
		{"interval = \"1s\"\n", ":1: unknown setting interval"},
		{"pong { }\n", ":1: unknown section pong"},
		{"retention { }\n", ":1: unknown section retention"},
		{"ping = \"1s\"\n", ":1: unknown setting ping"},
		{"ping { smtp { } }\n", ":1: section smtp inside section ping"},
		{"parallel = 1\nhosts = \"/h\"\nparallel = 1\n", ":3: setting parallel is on line 1 already"},
		{"ping { timeout = \"1s\"\ntimeout = \"1s\" }\n",
		 ":2: setting ping.timeout is on line 1 already"},
		{"ping { }\n# one more\nping { timeout = \"1s\" }\n",
		 ":3: section ping is on line 1 already"},
		{"notify { fallback = { }\nfallback = { } }\n",
		 ":2: setting notify.fallback is on line 1 already"},
		{"ping {\n  interval = \"5\" }\n", ":2: ping.interval = \"5\": expected a duration with its "
						   "unit, from 10ms to 1h, such as \"1s\""},
		{"ping { interval = \"5ms\" }\n", "from 10ms to 1h"},
		{"ping { interval = \"61m\" }\n", "from 10ms to 1h"},
		{"ping { interval = \"1 parsec\" }\n", "expected a duration"},
		{"ping { interval = \"-1s\" }\n", "expected a duration"},
		{"ping { interval = \"99999999999999999999d\" }\n", "expected a duration"},
		{"ping { timeout = \"0\" }\n", ":1: ping.timeout = \"0\""},
		{"retention = \"\"\n", ":1: retention = \"\": expected a duration"},
		{"parallel = 0\n", ":1: parallel = \"0\": expected a whole number from 1 to 1024"},
		{"parallel = 1025\n", "from 1 to 1024"},
		{"parallel = \"8 \"\n", "from 1 to 1024"},
		{"parallel = 0x10\n", "from 1 to 1024"},
		{"parallel = -1\n", "from 1 to 1024"},
		{"ping { window = \"4/3\" }\n", "ping.window = \"4/3\": expected \"LOST/PROBES\""},
		{"ping { window = \"0/3\" }\n", "expected \"LOST/PROBES\""},
		{"ping { window = \"3\" }\n", "expected \"LOST/PROBES\""},
		{"ping { window = \"3/65\" }\n", "expected \"LOST/PROBES\""},
		{"ping { window = \"2/4\" }\n", "LOST more than half of PROBES"},
		{"ping { window = \"3/4/5\" }\n", "expected \"LOST/PROBES\""},
		{"ping { isolation_share = \"50\" }\n", "expected a share from 1% to 100%"},
		{"ping { isolation_share = \"101%\" }\n", "expected a share from 1% to 100%"},
		{"ping { isolation_share = \"%\" }\n", "expected a share from 1% to 100%"},
		{"ping { reference = { \"10.0.0.1\", \"10.0.0.300\" } }\n",
		 "ping.reference: \"10.0.0.300\" is not"},
		{"store = \"sqlite:/x\"\n", "expected a store such as"},
		{"store = \"lmdb:relative\"\n", "expected a store such as"},
		{"hosts = \"\"\n", ":1: hosts = \"\": expected some text"},
		{"notify { fallback = { \"ops\" } }\n",
		 "notify.fallback = \"ops\": \"ops\" is not a mail address"},
		{"notify { redirect = \"a@b c\" }\n", "is not a mail address"},
		{"notify { on_incident = { \"vmsnap\", \" \" } }\n", "notify.on_incident: expected commands"},
		{"smtp { url = \"http://mail\" }\n", "expected smtp://HOST[:PORT]"},
		{"smtp { url = \"smtp://\" }\n", "expected smtp://HOST[:PORT]"},
		{"smtp { url = \"mail:587\" }\n", "expected smtp://HOST[:PORT]"},
		{"smtp { url = \"smtp://u:secret@mail\" }\n", "user and password have settings of their own"},
		{"smtp { from = \"nobody\" }\n", "is not a mail address"},
		{"smtp { tls = \"yes\" }\n", "expected \"required\", \"opportunistic\" or \"none\""},
		{"smtp { password = \"p\"\npassword_command = { \"pass\" } }\n",
		 ":2: smtp.password and smtp.password_command are both set"},
		{"smtp { password_command = { \"\" } }\n", "expected a command and its arguments"},
		{"store = \"lmdb:/${HOME}\"\n", ":1: ${ is not allowed"},
		{"\nstore = ${HOME}\n", ":2: ${ is not allowed"},
		{"store = 'lmdb:/x'\n", ":1: unexpected character"},
		{"// comment\n", ":1: unexpected character"},
		{"/* comment */\n", ":1: unexpected character"},
		{"include(\"/etc/passwd\")\n", ":1: unexpected character near \"(\""},
		{"parallel += 1\n", ":1: unexpected character near \"+\""},
		{"notify { fallback += { \"a@b\" } }\n", ":1: unexpected character near \"+\""},
		{"p\xC3\xA4rallel = 1\n", ":1: unexpected character"},
		{"store = \"lmdb:/x\\n\"\n", "unknown escape"},
		{"store = \"lmdb:/x\n\"\n", ":1: a string without its closing \""},
		{"store = \"lmdb:/x\\\n\"\n", "unknown escape"},
		{"\"store\" = \"lmdb:/x\"\n", "expected a name before a string"},
		{"parallel = 1 2\n", ":1: 2 has no value"},
		{"parallel = 1, hosts = \"/h\"\n", "a comma stands only between"},
		{"parallel\nhosts = \"/h\"\n", ":2: expected = or { after \"parallel\""},
		{"parallel = = 1\n", "expected a name before ="},
		{"= 1\n", "expected a name before ="},
		{"{ }\n", "expected a name before {"},
		{"parallel = 1 }\n", ":1: } without {"},
		{"ping { timeout }\n", "timeout has no value"},
		{"ping { timeout = }\n", "timeout has no value"},
		{"notify { fallback = { , } }\n", "a comma stands only between"},
		{"notify { fallback = { { } } }\n", "expected a name before {"},
		{"notify { fallback = { \"a@b\"\n \"c@d\" } }\n", ":2: "},
		{"hosts = { \"/h\" }\n", ":1: "},
		{"smtp { password = \"a\" \"secret\" }\n", "expected a name before a string"},
		{"parallel = 1", ":1: the last line does not end"},
		{"parallel =\n", ":1: parallel has no value: the file is cut short"},
		{"ping {\n\n", ":3: section ping of line 1 is not closed: the file is cut short"},
		{"notify { fallback = {\n", ":2: the list of line 1 is not closed: the file is cut short"},
		{"parallel = 1\r\n", ":1: carriage return"},
		{"parallel = 1\n\x1b\n", ":2: control character 0x1B"},
		{"# \xFF\n", ":1: byte 0xFF is not UTF-8"},
		{"# begin vmroll\nparallel = 1\n",
		 ":2: \"# begin vmroll\" of line 1 without \"# end vmroll\""},
		{"# begin vmroll\n# end vmroll\nparallel = 1\n", ":3: text after \"# end vmroll\""},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct conf conf = {0};
		struct err e = {0};
		int result = read_text(&conf, cases[i].text, &e);
		if (result != ERR_USAGE)
			fail_msg("accepted: %s", cases[i].text);
		assert_error(result, ERR_USAGE, &e, cases[i].expected);
		assert_true(str_starts(e.text, scratch_path));
		assert_null(strstr(e.text, "secret"));
		assert_null(conf.store);
	}
}

/* libconfuse keeps its lexer between files: a bad one must not reach into the next. */
static void a_bad_file_leaves_nothing_behind(void **state)
{
	(void)state;
	static const char *const bad[] = {"store = \"lmdb:/x\n", "hosts = { \"/h\" }\n", "ping { \n"};

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cleanup(conf_done) struct conf conf = {0};
		struct err e = {0};
		assert_int_equal(read_text(&conf, bad[i], &e), ERR_USAGE);
		assert_ok(read_text(&conf, "parallel = 7\n", &e), &e);
		assert_int_equal(conf.parallel, 7);
	}
}

static void a_password_needs_a_private_file(void **state)
{
	(void)state;
	static const char *const secrets[] = {
		"smtp {\n password = \"geheim\" }\n",
		"notify {\n admins = \"https://u:geheim@intra/vms.csv\" }\n",
	};
	static const mode_t open_modes[] = {0640, 0604, 0644, 0620};

	for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
		struct err e = {0};
		for (size_t j = 0; j < sizeof open_modes / sizeof open_modes[0]; j++) {
			struct conf conf = {0};
			scratch_write(secrets[i], strlen(secrets[i]));
			assert_int_equal(chmod(scratch_path, open_modes[j]), 0);
			assert_error(conf_read(&conf, scratch_path, &e), ERR_USAGE, &e, ":2: holds a password");
			assert_null(strstr(e.text, "geheim"));
		}
		cleanup(conf_done) struct conf conf = {0};
		assert_int_equal(chmod(scratch_path, 0600), 0);
		assert_ok(conf_read(&conf, scratch_path, &e), &e);
	}
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};
	assert_int_equal(chmod(scratch_path, 0644), 0);
	assert_ok(read_text(&conf,
			    "smtp { password = \"\" }\nnotify { admins = \"https://intra/a@b:c.csv\" }\n", &e),
		  &e);
	assert_int_equal(chmod(scratch_path, 0600), 0);
}

static void a_file_that_cannot_be_read_is_the_environment(void **state)
{
	(void)state;
	struct conf conf = {0};
	struct err e = {0};

	assert_error(conf_read(&conf, "/tmp/vmroll-not-there/c", &e), ERR_ENV, &e,
		     "/tmp/vmroll-not-there/c: No such file");
	assert_error(conf_read(&conf, "/tmp", &e), ERR_ENV, &e, "/tmp: ");
}

static void every_cut_of_the_marked_example_is_seen(void **state)
{
	(void)state;
	cleanup(str_done) struct str text = {0};

	read_example(&text);
	for (size_t length = 1; length < text.length; length++) {
		struct conf conf = {0};
		struct err e = {0};
		scratch_write(text.data, length);
		if (conf_read(&conf, scratch_path, &e) != ERR_USAGE)
			fail_msg("accepted when cut at byte %zu", length);
	}
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};
	scratch_write(text.data, text.length);
	assert_ok(conf_read(&conf, scratch_path, &e), &e);
}

/* Without the marks, only a cut between two lines and outside of braces is left, as the page says. */
static void a_cut_of_an_unmarked_file_is_seen_inside_of_braces_and_lines(void **state)
{
	(void)state;
	cleanup(str_done) struct str text = {0};
	int depth = 0;

	read_example(&text);
	const char *start = strchr(text.data, '\n') + 1;
	size_t whole = (size_t)(strstr(text.data, "# end vmroll") - start);
	for (size_t length = 1; length < whole; length++) {
		struct conf conf = {0};
		struct err e = {0};
		const char *last = start + length - 1;
		depth += (*last == '{') - (*last == '}');
		scratch_write(start, length);
		int result = conf_read(&conf, scratch_path, &e);
		conf_done(&conf);
		if ((result == 0) != (*last == '\n' && depth == 0))
			fail_msg("cut at byte %zu gives %d: %s", length, result, e.text);
	}
}

static void count_warning(void *context, const char *text)
{
	struct str *all = context;

	str_addf(all, "%s\n", text);
}

static void what_is_valid_but_not_meant_is_warned_of(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *warnings;
	} cases[] = {
		{"notify { fallback = \"a@b.c\" }\nsmtp { url = \"smtp://m\" from = \"a@b.c\" }\n", ""},
		{"smtp { url = \"smtp://m\" from = \"a@b.c\" }\n",
		 "notify.fallback is empty: nobody hears of a VM without an administrator\n"},
		{"notify { fallback = \"a@b.c\" redirect = \"a@b.c\" }\nsmtp { url = \"smtp://m\" }\n",
		 "notify.redirect is set: every mail goes to that one address\n"
		 "smtp.from is not set: no mail can be sent\n"},
		{"notify { fallback = \"a@b.c\" }\nsmtp { user = \"u\" tls = \"none\" }\n",
		 "smtp.url is not set: no mail can be sent\n"
		 "smtp.user is set without smtp.password or smtp.password_command\n"
		 "smtp.user is set and smtp.tls is not \"required\": the password may travel in clear\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(conf_done) struct conf conf = {0};
		cleanup(str_done) struct str warnings = {0};
		struct err e = {0};
		assert_ok(read_text(&conf, cases[i].text, &e), &e);
		conf_warnings(&conf, count_warning, &warnings);
		assert_string_equal(str_text(&warnings), cases[i].warnings);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_gives_the_defaults),
		cmocka_unit_test(every_setting_is_read),
		cmocka_unit_test(an_empty_list_takes_the_default_away),
		cmocka_unit_test(what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(a_bad_file_leaves_nothing_behind),
		cmocka_unit_test(a_password_needs_a_private_file),
		cmocka_unit_test(a_file_that_cannot_be_read_is_the_environment),
		cmocka_unit_test(every_cut_of_the_marked_example_is_seen),
		cmocka_unit_test(a_cut_of_an_unmarked_file_is_seen_inside_of_braces_and_lines),
		cmocka_unit_test(what_is_valid_but_not_meant_is_warned_of),
	};

	return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
