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
		assert_null(conf.smtp.vm);
		assert_int_equal(conf.notify.voice_minute, 1);
		assert_int_equal(conf.notify.voice_quarter, 3);
		assert_int_equal(conf.notify.voice_hour, 7);
		assert_int_equal(conf.notify.voice_total, 500);
		assert_string_equal(conf.notify.policy, "default");
		assert_int_equal(conf.notify.copy.count, 0);
		assert_null(conf.notify.templates);
		assert_null(conf.notify.reply);
		assert_null(conf.sip.from);
		assert_null(conf.sip.exchange);
		assert_null(conf.sip.registrar);
		assert_null(conf.sip.user);
		assert_null(conf.sip.password);
		assert_int_equal(conf.sip.password_command.count, 0);
		assert_int_equal(conf.sip.ring_timeout_ms, 30000);
		assert_string_equal(conf.sip.voice_lang, "en-gb");
		assert_int_equal(conf.sip.calls, 100);
		assert_null(conf.sip.vm);
		assert_string_equal(conf.image.repository, STATEDIR "/images");
		assert_int_equal(conf.image.reserve, 5);
		assert_int_equal(conf.image.keep, 1);
		assert_int_equal(conf.image.stall_ms, 60000);
		assert_string_equal(conf.deploy.pool, "default");
		assert_string_equal(conf.deploy.policy, "first-fit");
		assert_int_equal(conf.deploy.jobs, 8);
		assert_int_equal(conf.deploy.over_commit_percent, 100);
		assert_int_equal(conf.policy_count, 2);
		assert_int_equal(conf.person_count, 0);
		assert_int_equal(conf.webhook_count, 0);
		assert_int_equal(conf.command_count, 0);
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

static void settings_of_calls_and_copies_are_read(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	assert_ok(read_text(&conf,
			    "notify { voice_minute = 2 voice_quarter = 4 voice_hour = 8 voice_total = 100 "
			    "policy = both\n"
			    "  copy = { \"webhook:chat\", \"command:pager\", \"Log@Example.org\" }\n"
			    "  templates = \"/etc/vmroll/texts\" reply = \"vmroll+%s@example.org\" }\n"
			    "smtp { vm = \"mail1\" }\n"
			    "sip { from = \"sip:vmroll@10.0.0.9:5060\" exchange = "
			    "\"sip:0%s@10.0.0.5;transport=tcp\"\n"
			    "  registrar = \"sip:10.0.0.5\" user = \"u\" password_command = { \"pass\", "
			    "\"sip\" }\n"
			    "  ring_timeout = \"20s\" voice_lang = \"ja\" calls = 5 vm = \"pbx1\" }\n"
			    "webhook \"chat\" { url = \"https://chat.example.org/x\" headers_command = { "
			    "\"cat\", \"/h\" }\n"
			    "  ca_file = \"/ca.pem\" }\n"
			    "command \"pager\" { argv = { \"/usr/bin/pager\", \"a b\" } }\n",
			    &e),
		  &e);
	assert_int_equal(conf.notify.voice_minute, 2);
	assert_int_equal(conf.notify.voice_quarter, 4);
	assert_int_equal(conf.notify.voice_hour, 8);
	assert_int_equal(conf.notify.voice_total, 100);
	assert_string_equal(conf.notify.policy, "both");
	assert_int_equal(conf.notify.copy.count, 3);
	assert_string_equal(conf.notify.copy.items[0], "webhook:chat");
	assert_string_equal(conf.notify.copy.items[2], "Log@Example.org");
	assert_string_equal(conf.notify.templates, "/etc/vmroll/texts");
	assert_string_equal(conf.notify.reply, "vmroll+%s@example.org");
	assert_string_equal(conf.smtp.vm, "mail1");
	assert_string_equal(conf.sip.from, "sip:vmroll@10.0.0.9:5060");
	assert_string_equal(conf.sip.exchange, "sip:0%s@10.0.0.5;transport=tcp");
	assert_string_equal(conf.sip.registrar, "sip:10.0.0.5");
	assert_string_equal(conf.sip.user, "u");
	assert_string_equal(conf.sip.password_command.items[1], "sip");
	assert_null(conf.sip.password_command.items[2]);
	assert_int_equal(conf.sip.ring_timeout_ms, 20000);
	assert_string_equal(conf.sip.voice_lang, "ja");
	assert_int_equal(conf.sip.calls, 5);
	assert_string_equal(conf.sip.vm, "pbx1");
	const struct conf_webhook *webhook = conf_find_webhook(&conf, "chat");
	assert_string_equal(webhook->url, "https://chat.example.org/x");
	assert_int_equal(webhook->format, CONF_WEBHOOK_ALERTMANAGER);
	assert_int_equal(webhook->headers_command.count, 2);
	assert_string_equal(webhook->ca_file, "/ca.pem");
	const struct conf_command *command = conf_find_command(&conf, "pager");
	assert_int_equal(command->argv.count, 2);
	assert_string_equal(command->argv.items[1], "a b");
	assert_null(command->argv.items[2]);
	assert_null(conf_find_webhook(&conf, "pager"));
	assert_null(conf_find_command(&conf, "chat"));
}

static void a_policy_is_its_steps(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	assert_ok(
		read_text(
			&conf,
			"policy \"night\" {\n"
			"	step { channels = { \"mail\" } }\n"
			"	step { after = \"3m\" channels = \"voice\" }\n"
			"	step { after = \"3m\" to = { \"group:on-call\", \"Boss@Example.org\", "
			"\"+8190\", \"fallback\" }\n"
			"	       channels = { \"voice\", \"command:c\", \"mail\", \"webhook:w\" } }\n"
			"	repeat = \"30m\"\n"
			"}\n"
			"webhook \"w\" { url = \"http://127.0.0.1:1/\" }\ncommand \"c\" { argv = \"true\" }\n"
			"policy \"both\" { step { channels = \"voice\" } }\n",
			&e),
		&e);
	assert_int_equal(conf.policy_count, 3);
	const struct conf_policy *night = conf_find_policy(&conf, "night");
	assert_int_equal(night->line, 1);
	assert_int_equal(night->repeat_ms, 30 * 60000);
	assert_int_equal(night->step_count, 3);
	assert_int_equal(night->steps[0].after_ms, 0);
	assert_int_equal(night->steps[0].to.count, 0);
	assert_int_equal(night->steps[0].way_count, 1);
	assert_int_equal(night->steps[0].ways[0].channel, CONF_MAIL);
	assert_int_equal(night->steps[1].after_ms, 180000);
	assert_int_equal(night->steps[1].ways[0].channel, CONF_VOICE);
	const struct conf_step *last = &night->steps[2];
	assert_int_equal(last->to.count, 4);
	assert_string_equal(last->to.items[0], "group:on-call");
	assert_string_equal(last->to.items[1], "boss@example.org");
	assert_string_equal(last->to.items[3], "fallback");
	assert_int_equal(last->way_count, 4);
	assert_int_equal(last->ways[1].channel, CONF_COMMAND);
	assert_string_equal(last->ways[1].name, "c");
	assert_int_equal(last->ways[3].channel, CONF_WEBHOOK);
	assert_string_equal(last->ways[3].name, "w");
	/* What the file says of a shipped one holds; the other one is as shipped. */
	const struct conf_policy *both = conf_find_policy(&conf, "both");
	assert_int_equal(both->steps[0].way_count, 1);
	assert_int_equal(both->line, 10);
	const struct conf_policy *standard = conf_find_policy(&conf, "default");
	assert_int_equal(standard->line, 0);
	assert_int_equal(standard->repeat_ms, 0);
	assert_int_equal(standard->step_count, 2);
	assert_int_equal(standard->steps[0].ways[0].channel, CONF_MAIL);
	assert_int_equal(standard->steps[1].after_ms, 180000);
	assert_int_equal(standard->steps[1].ways[0].channel, CONF_VOICE);
}

static void the_shipped_policies_are_there(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	assert_ok(read_text(&conf, "", &e), &e);
	const struct conf_policy *both = conf_find_policy(&conf, "both");
	assert_int_equal(both->step_count, 1);
	assert_int_equal(both->steps[0].after_ms, 0);
	assert_int_equal(both->steps[0].way_count, 2);
	assert_int_equal(both->steps[0].ways[1].channel, CONF_VOICE);
	assert_null(conf_find_policy(&conf, "neither"));
}

/* The page shows them: what it shows is what there is. */
static void the_shipped_policies_are_those_of_the_page(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *path = mem_format("%s/man/vmroll.conf.5", getenv("top_srcdir"));
	cleanup(str_done) struct str page = {0};
	cleanup(conf_done) struct conf shown = {0}, shipped = {0};
	struct err e = {0};

	assert_ok(textfile_read(path, &page, NULL, &e), &e);
	char *begin = strstr(page.data, "policy \"default\" {\n");
	assert_non_null(begin);
	*strstr(begin, ".Ed\n") = '\0';
	assert_ok(read_text(&shown, begin, &e), &e);
	assert_ok(read_text(&shipped, "", &e), &e);
	assert_int_equal(shown.policy_count, shipped.policy_count);
	for (size_t i = 0; i < shown.policy_count; i++) {
		const struct conf_policy *a = &shown.policies[i], *b = conf_find_policy(&shipped, a->name);
		assert_true(a->line > 0 && b->line == 0);
		assert_int_equal(a->step_count, b->step_count);
		assert_int_equal(a->repeat_ms, b->repeat_ms);
		for (size_t j = 0; j < a->step_count; j++) {
			assert_int_equal(a->steps[j].after_ms, b->steps[j].after_ms);
			assert_int_equal(a->steps[j].to.count, b->steps[j].to.count);
			assert_int_equal(a->steps[j].way_count, b->steps[j].way_count);
			for (size_t k = 0; k < a->steps[j].way_count; k++)
				assert_int_equal(a->steps[j].ways[k].channel, b->steps[j].ways[k].channel);
		}
	}
}

static void persons_are_read(void **state)
{
	(void)state;
	cleanup(conf_done) struct conf conf = {0};
	struct err e = {0};

	assert_ok(read_text(&conf,
			    "person \"Ito@Example.org\" { name = \"Ito \\\"T\\\"\" email = \"i@example.org\" "
			    "phone = \"*21#\"\n"
			    "  voice_lang = \"ja\" policy = \"both\" groups = { \"on-call\", db } quiet = "
			    "\"22:00-07:30\"\n"
			    "  mail_only = \"yes\" }\n"
			    "person \"sip:Desk@pbx.example.org\" { quiet = \"00:00-23:59\" }\n"
			    "person \"+8190\" { }\n",
			    &e),
		  &e);
	assert_int_equal(conf.person_count, 3);
	const struct conf_person *ito = &conf.persons[0];
	assert_string_equal(ito->key, "ito@example.org");
	assert_string_equal(ito->name, "Ito \"T\"");
	assert_string_equal(ito->email, "i@example.org");
	assert_string_equal(ito->phone, "*21#");
	assert_string_equal(ito->voice_lang, "ja");
	assert_string_equal(ito->policy, "both");
	assert_int_equal(ito->groups.count, 2);
	assert_string_equal(ito->groups.items[1], "db");
	assert_int_equal(ito->quiet_from, 22 * 60);
	assert_int_equal(ito->quiet_to, 7 * 60 + 30);
	assert_true(ito->mail_only);
	const struct conf_person *desk = &conf.persons[1];
	assert_string_equal(desk->key, "sip:Desk@pbx.example.org");
	assert_null(desk->email);
	assert_null(desk->policy);
	assert_int_equal(desk->quiet_to, 23 * 60 + 59);
	assert_false(desk->mail_only);
	assert_string_equal(conf.persons[2].key, "+8190");
	assert_int_equal(conf.persons[2].quiet_from, -1);
	assert_int_equal(conf.persons[2].quiet_to, -1);
}

#define MAILS "{ step { channels = \"mail\" } }\n"

static void what_is_wrong_with_whom_to_tell_is_named_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		/* titles and nesting */
		{"policy { }\n", ":1: expected policy \"NAME\" {"},
		{"person { }\n", ":1: expected person \"ADDRESS\" {"},
		{"ping \"x\" { }\n", ":1: section ping has no title"},
		{"policy \"p\" { step \"x\" { } }\n", ":1: section step has no title"},
		{"policy p { }\n", ":1: expected = or { after \"policy\""},
		{"policy \"p\" = 1\n", "expected a name before ="},
		{"policy \"p\" \"q\" { }\n",
		 ":1: expected = before the value of \"policy\", or { behind its title"},
		{"smtp { password \"secret\"\n}\n", ":2: expected = before the value of \"password\""},
		{"smtp { password \"secret\"\nuser = \"u\" }\n",
		 ":2: expected = before the value of \"password\""},
		{"smtp { password \"secret\" { } }\n", ":1: section password inside section smtp"},
		{"\nstep { }\n", ":2: section step stands only inside of section policy"},
		{"ping { step { } }\n", ":1: section step inside section ping"},
		{"policy \"p\" { policy \"q\" { } }\n", ":1: section policy inside section policy"},
		{"policy \"p\" { step { step { } } }\n", ":1: section step inside section step"},
		{"policy \"p\" { after = \"1s\" }\n", ":1: unknown setting policy.after"},
		{"policy \"p\" {\n step { repeat = \"1s\" } }\n", ":2: unknown setting step.repeat"},
		{"policy \"p\" {\n step { after = \"1s\"\n after = \"1s\" } }\n",
		 ":3: setting step.after is on line 2 already"},
		{"policy \"p\" " MAILS "policy \"q\" " MAILS "policy \"p\" " MAILS,
		 ":3: section policy \"p\" is on line 1 already"},
		{"webhook \"w\" { url = \"http://h\" }\n\nwebhook \"w\" { url = \"http://h\" }\n",
		 ":3: section webhook \"w\" is on line 1 already"},
		{"person \"a@b.c\" { }\nperson \"A@B.c\" { }\n",
		 ":2: section person \"a@b.c\" is on line 1 already"},
		{"policy \"${HOME}\" " MAILS, ":1: ${ is not allowed"},
		{"policy \"p\\n\" " MAILS, "unknown escape"},
		{"policy \"p\n\" " MAILS, ":1: a string without its closing \""},
		/* cuts */
		{"policy \"p\"\n", ":1: policy has a title and no {: the file is cut short"},
		{"policy \"p\" {\n", ":2: section policy of line 1 is not closed: the file is cut short"},
		{"policy \"p\" {\n step {\n", ":3: section step of line 2 inside section policy of line 1 is "
					      "not closed: the file is cut short"},
		{"policy \"p\" {\n step {\n channels = {\n",
		 ":4: the list of line 3 is not closed: the file is cut short"},
		{"policy \"p\" {\n step { channels = \"mail\" }\n",
		 ":3: section policy of line 1 is not closed: the file is cut short"},
		/* policies */
		{"policy \"a b\" " MAILS, ":1: policy: \"a b\" is not a name"},
		{"policy \"\" " MAILS, ":1: policy: \"\" is not a name"},
		{"policy \"p\" { }\n", ":1: policy \"p\" has no step"},
		{"policy \"p\" {\n step { } }\n", ":2: a step without channels"},
		{"policy \"p\" {\n step { channels = { } } }\n", ":2: a step without channels"},
		{"policy \"p\" {\n step { channels = \"fax\" } }\n",
		 ":2: step.channels = \"fax\": \"fax\" is no channel"},
		{"policy \"p\" {\n step { channels = \"Mail\" } }\n", "\"Mail\" is no channel"},
		{"policy \"p\" {\n step { channels = \"webhook\" } }\n", "\"webhook\" is no channel"},
		{"policy \"p\" {\n step { channels = \"webhook:\" } }\n", "\"\" is not a name"},
		{"policy \"p\" {\n step { channels = \"mail\" }\n step { channels = { \"mail\", "
		 "\"webhook:w\" } } }\n",
		 ":3: step.channels: there is no webhook \"w\""},
		{"command \"w\" { argv = \"x\" }\npolicy \"p\" {\n step { channels = \"webhook:w\" } }\n",
		 ":3: step.channels: there is no webhook \"w\""},
		{"policy \"p\" {\n step { channels = \"command:c\" } }\n",
		 ":2: step.channels: there is no command \"c\""},
		{"policy \"p\" {\n step { channels = { \"webhook:a\", \"webhook:b\" } } }\n",
		 ":2: step.channels: more than one webhook in a step"},
		{"policy \"p\" {\n step { channels = { \"command:a\", \"mail\", \"command:a\" } } }\n",
		 ":2: step.channels: more than one command in a step"},
		{"policy \"p\" {\n step { channels = { \"mail\", \"mail\" } } }\n",
		 "more than one mail in a step"},
		{"policy \"p\" {\n step { to = \"on-call\" channels = \"mail\" } }\n",
		 ":2: step.to = \"on-call\": \"on-call\" is neither \"group:NAME\", the mail address"},
		{"policy \"p\" {\n step { to = { \"a@b.c\", \"group:\" } channels = \"mail\" } }\n",
		 ":2: step.to: \"\" is not a name"},
		{"policy \"p\" {\n step { to = \"sip:a@b?x=y\" channels = \"mail\" } }\n", ":2: step.to"},
		{"policy \"p\" {\n step { after = \"2m\" channels = \"mail\" }\n step { after = \"1m\" "
		 "channels = \"mail\" } }\n",
		 ":3: a step that comes before the one above it"},
		{"policy \"p\" {\n step { after = \"8d\" channels = \"mail\" } }\n", "from 0s to 7d"},
		{"policy \"p\" {\n step { after = \"2m\" channels = \"mail\" }\n repeat = \"2m\" }\n",
		 ":3: policy.repeat: expected 0, or more than the `after` of the last step"},
		{"policy \"p\" {\n repeat = \"2ms\" step { channels = \"mail\" } }\n",
		 ":2: policy.repeat: expected 0"},
		{"notify {\n policy = \"night\" }\n", ":2: notify.policy: there is no policy \"night\""},
		{"notify { policy = \"\" }\n", ":1: notify.policy = \"\""},
		/* persons */
		{"person \"Ito\" { }\n", ":1: person: \"Ito\" is neither a mail address nor a telephone"},
		{"person \"\" { }\n", ":1: person: \"\" is neither"},
		{"person \"sip:a@b;maddr=c\" { }\n", ":1: person: \"sip:a@b;maddr=c\" is neither"},
		{"person \"a@b.c\" {\n policy = \"night\" }\n",
		 ":2: person.policy: there is no policy \"night\""},
		{"person \"a@b.c\" {\n phone = \"03-1234\" }\n",
		 ":2: person.phone = \"03-1234\": \"03-1234\" is not a phone"},
		{"person \"a@b.c\" {\n phone = \"sip:a@b?Replaces=x\" }\n", "is not a phone number"},
		{"person \"a@b.c\" {\n email = \"x\" }\n", ":2: person.email = \"x\""},
		{"person \"a@b.c\" {\n voice_lang = \"en_GB\" }\n",
		 ":2: person.voice_lang = \"en_GB\": \"en_GB\" is not a voice"},
		{"person \"a@b.c\" {\n voice_lang = \"../x\" }\n", "is not a voice"},
		{"person \"a@b.c\" {\n voice_lang = \"\" }\n", "is not a voice"},
		{"person \"a@b.c\" {\n groups = \"a;b\" }\n",
		 ":2: person.groups = \"a;b\": \"a;b\" is not a name"},
		{"person \"a@b.c\" {\n quiet = \"22-07\" }\n",
		 ":2: person.quiet = \"22-07\": expected two different times"},
		{"person \"a@b.c\" {\n quiet = \"22:00-22:00\" }\n", "expected two different times"},
		{"person \"a@b.c\" {\n quiet = \"22:00-24:00\" }\n", "expected two different times"},
		{"person \"a@b.c\" {\n quiet = \"22:60-07:00\" }\n", "expected two different times"},
		{"person \"a@b.c\" {\n quiet = \"22:00-07:00x\" }\n", "expected two different times"},
		{"person \"a@b.c\" {\n quiet = \"22:00\" }\n", "expected two different times"},
		{"person \"a@b.c\" {\n quiet = \"2:00-7:00\" }\n", "expected two different times"},
		{"person \"a@b.c\" {\n mail_only = \"true\" }\n", "expected \"yes\" or \"no\""},
		/* receivers */
		{"webhook \"w\" { }\n", ":1: webhook \"w\" without url"},
		{"webhook \"w x\" { url = \"http://h\" }\n", ":1: webhook: \"w x\" is not a name"},
		{"webhook \"w\" {\n url = \"ftp://h\" }\n", ":2: webhook.url: expected http:// or https://"},
		{"webhook \"w\" {\n url = \"https://\" }\n", "expected http:// or https://"},
		{"webhook \"w\" {\n url = \"https://u:secret@h/\" }\n",
		 ":2: webhook.url: user and password do not"},
		{"webhook \"w\" {\n url = \"gopher://secret\" }\n", ":2: webhook.url"},
		{"webhook \"w\" {\n url = \"http://h\" format = \"xml\" }\n",
		 "expected \"alertmanager\" or \"slack\""},
		{"command \"c\" { }\n", ":1: command \"c\" without argv"},
		{"command \"c\" {\n argv = { } }\n", ":1: command \"c\" without argv"},
		{"command \"c\" {\n argv = \"\" }\n", "expected a command and its arguments"},
		{"notify {\n copy = { \"webhook:w\" } }\n", ":2: notify.copy: there is no webhook \"w\""},
		{"notify {\n copy = { \"a@b.c\", \"command:c\" } }\n",
		 ":2: notify.copy: there is no command \"c\""},
		{"notify {\n copy = { \"ops\" } }\n",
		 ":2: notify.copy = \"ops\": \"ops\" is neither \"webhook:NAME\""},
		{"notify { templates = \"texts\" }\n", "expected the absolute path of a folder"},
		{"notify { reply = \"vmroll\" }\n", "expected a mail address"},
		{"notify { reply = \"vmroll+%s%s@example.org\" }\n", "expected a mail address"},
		{"notify { reply = \"vmroll+%d@example.org\" }\n", "expected a mail address"},
		{"notify { reply = \"vmroll@%s.example.org\" }\n", "expected a mail address"},
		{"notify { voice_minute = 0 }\n", "from 1 to 1000"},
		/* calls */
		{"sip { from = \"sip:10.0.0.9\" }\n", ":1: sip.from = \"sip:10.0.0.9\": expected who calls"},
		{"sip { from = \"10.0.0.9\" }\n", "expected who calls"},
		{"sip { from = \"sip:v@10.0.0.9;maddr=1.2.3.4\" }\n", "expected who calls"},
		{"sip { exchange = \"sip:10.0.0.5\" }\n", "expected a sip: URI with %s"},
		{"sip { exchange = \"sip:x@10.0.0.5\" }\n", "expected a sip: URI with %s"},
		{"sip { exchange = \"sip:%s%s@10.0.0.5\" }\n", "expected a sip: URI with %s"},
		{"sip { exchange = \"sip:%d@10.0.0.5\" }\n", "expected a sip: URI with %s"},
		{"sip { exchange = \"sip:x@%s\" }\n", "expected a sip: URI with %s"},
		{"sip { exchange = \"sip:%s@10.0.0.5?X=1\" }\n", "expected a sip: URI with %s"},
		{"sip { registrar = \"sip:u@10.0.0.5\" }\n", "expected sip:HOST[:PORT]"},
		{"sip { voice_lang = \"EN\" }\n", "is not a voice"},
		{"sip { calls = 0 }\n", "from 1 to 1000"},
		{"sip { password = \"secret\"\npassword_command = { \"pass\" } }\n",
		 ":2: sip.password and sip.password_command are both set"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct conf conf = {0};
		struct err e = {0};
		int result = read_text(&conf, cases[i].text, &e);
		if (result != ERR_USAGE || !strstr(e.text, cases[i].expected))
			fail_msg("%s gives %d: %s", cases[i].text, result, e.text);
		assert_true(str_starts(e.text, scratch_path));
		assert_null(strstr(e.text, "secret"));
		assert_null(conf.store);
	}
}

static void a_policy_has_so_many_steps_and_no_more(void **state)
{
	(void)state;
	for (unsigned steps = CONF_STEPS_MAX; steps <= CONF_STEPS_MAX + 1; steps++) {
		cleanup(conf_done) struct conf conf = {0};
		cleanup(str_done) struct str text = {0};
		struct err e = {0};
		str_add(&text, "policy \"p\" {\n");
		for (unsigned i = 0; i < steps; i++)
			str_add(&text, "step { channels = mail }\n");
		str_add(&text, "}\n");
		int result = read_text(&conf, str_text(&text), &e);
		if (steps == CONF_STEPS_MAX)
			assert_ok(result, &e);
		else
			assert_error(result, ERR_USAGE, &e, ":18: more than 16 steps in policy \"p\"");
	}
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
		"sip {\n password = \"geheim\" }\n",
		"webhook \"w\" {\n url = \"https://hooks.example.org/geheim\" format = \"slack\" }\n",
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

#define WELL "smtp { url = \"smtp://m\" from = \"a@b.c\" }\n"

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
		{WELL
		 "notify { fallback = \"a@b.c\" policy = \"both\" copy = \"webhook:v\" reply = \"r@b.c\" }\n"
		 "person \"a@b.c\" { policy = \"default\" }\n"
		 "policy \"q\" { step { channels = { \"webhook:w\", \"command:c\" } } }\n"
		 "webhook \"v\" { url = \"http://h\" }\nwebhook \"w\" { url = \"http://h\" }\n"
		 "command \"c\" { argv = \"x\" }\n",
		 ""},
		{WELL "notify { fallback = \"a@b.c\" }\npolicy \"both\" { step { channels = { \"mail\", "
		      "\"voice\" } } }\n"
		      "policy \"m\" { step { channels = \"mail\" } }\n",
		 "sip.from is not set: policy \"both\" calls nobody\n"},
		{WELL "notify { fallback = \"a@b.c\" }\nwebhook \"v\" { url = \"http://h\" }\ncommand \"v\" "
		      "{ argv = \"x\" }\n",
		 "webhook \"v\" is not used: no policy and not notify.copy names it\n"
		 "command \"v\" is not used: no policy and not notify.copy names it\n"},
		{WELL "notify { fallback = \"a@b.c\" }\nsip { from = \"sip:v@10.0.0.9\" user = \"u\" }\n"
		      "policy \"v\" { step { channels = \"voice\" } }\n",
		 "sip.exchange is not set: telephone numbers cannot be called, only sip: addresses\n"
		 "sip.user is set without sip.password or sip.password_command\n"},
		{WELL "notify { fallback = \"a@b.c\" }\nsip { exchange = \"sip:%s@10.0.0.5\" }\n",
		 "sip.from is not set: nobody can be called\n"},
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
		cmocka_unit_test(settings_of_calls_and_copies_are_read),
		cmocka_unit_test(a_policy_is_its_steps),
		cmocka_unit_test(the_shipped_policies_are_there),
		cmocka_unit_test(the_shipped_policies_are_those_of_the_page),
		cmocka_unit_test(persons_are_read),
		cmocka_unit_test(what_is_wrong_with_whom_to_tell_is_named_with_its_line),
		cmocka_unit_test(a_policy_has_so_many_steps_and_no_more),
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
