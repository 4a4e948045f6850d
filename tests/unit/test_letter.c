/* test_letter.c - the letter reads as promised, in each language, also in words of the administrator's, and whatever is wrong with those. */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#include "letter.h"
#include "mem.h"
#include "notice_kit.h"
#include "str.h"
#include "vec.h"
#include "when.h"
#include "wording_private.h"

static const struct wording english;

/* ---- templates of the administrator's ---- */

static char *folder;

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
	(void)status;
	(void)type;
	(void)place;
	return remove(path);
}

static int begin(void **state)
{
	folder = mem_string("/tmp/vmroll-test-XXXXXX");
	return mkdtemp(folder) ? kit_begin(state) : -1;
}

static int end(void **state)
{
	nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(folder);
	return kit_end(state);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

/* The template NAME in LANG. */
static void write_template(const char *lang, const char *name, const char *text)
{
	cleanup(cleanup_mem) char *lang_folder = mem_format("%s/%s", folder, lang);
	cleanup(cleanup_mem) char *path = mem_format("%s/%s.txt", lang_folder, name);

	mkdir(lang_folder, 0700);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

/* ---- cases ---- */

/* host1 with web1, which is back, and web2, of Sato. */
static void simple_death(void)
{
	struct affected *one = add_host("host1", died - 201000);

	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "web2", AFFECTED_NOT_SEEN);
	list("vm,admin,email,phone,process\nweb1,Sato,s@x,,httpd\nweb2,Sato,s@x,,httpd\n");
	build();
}

/* Writes the letter to S@X; what is returned by letter_write must be WANTED. */
static struct letter letter_to(enum delivery_kind kind, const struct wording *wording, int wanted, struct err *e)
{
	struct letter letter = {0};

	assert_int_equal(letter_write(&letter, kind, &world.notices, of("s@x"), wording, e), wanted);
	return letter;
}

static void the_letter_reads_as_promised(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "web2", AFFECTED_NOT_SEEN);
	world.incidents[0].detail = mem_string(
		"3 of 4 pings lost; ports 16509 and 22 silent; host2, host3 and the gateway answer");
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\nweb2,S,s@x,,httpd\n");
	build();
	cleanup(letter_done) struct letter letter = {0};
	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("s@x"), &english, NULL);

	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: check 2 VMs");
	assert_string_equal(letter.text,
			    "host1 stopped answering on 2026-11-20 at 12:33:21 +09:00\n"
			    "(3 of 4 pings lost; ports 16509 and 22 silent; host2, host3 and the gateway\n"
			    "answer).\n"
			    "\n"
			    "Please check:\n"
			    "  web1  httpd  restarted on host2 at 12:35:02\n"
			    "  web2  httpd  not seen since\n"
			    "\n"
			    "From the list of 12:30:00, 3m21s before it stopped: probable.\n"
			    "To acknowledge: run  notify-admins ack 7K3F\n");
}

static void follow_up_and_recovery_say_what_changed(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "web1", AFFECTED_RESTARTED);
	add_vm(one, "web2", AFFECTED_NOT_SEEN);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\nweb2,S,s@x,,httpd\n");
	build();
	struct letter letter = {0};

	world.incidents[0].acknowledged = died + 60000;
	world.incidents[0].acknowledged_by = mem_string("Ito\n");
	letter_write(&letter, DELIVERY_FOLLOW_UP, &world.notices, of("s@x"), &english, NULL);
	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: 1 of 2 VMs back");
	assert_non_null(strstr(letter.text, "Acknowledged by Ito\\n at 12:34:21."));
	letter_done(&letter);

	world.incidents[0].closed = died + 401000;
	letter_write(&letter, DELIVERY_RECOVERY, &world.notices, of("s@x"), &english, NULL);
	assert_string_equal(letter.subject, "[vmroll] host1 up 12:40:02, down for 6m41s");
	assert_true(str_starts(letter.text,
			       "host1 answers again since 2026-11-20 at 12:40:02 +09:00; it had been"));
	assert_non_null(strstr(letter.text, "vmwhere --duplicates"));
	letter_done(&letter);
}

static void east_asian_names_align_and_hostile_ones_are_escaped(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "ウェブ", AFFECTED_NOT_SEEN);
	add_vm(one, "a\tb\xE2\x80\xAE<", AFFECTED_NOT_SEEN);
	with_fallback();
	list("vm,admin,email,phone,process\nウェブ,S,s@x,,httpd\n");
	build();
	struct letter letter = {0};

	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("s@x"), &english, NULL);
	assert_non_null(strstr(letter.text, "  ウェブ  httpd  not seen since\n"));
	letter_done(&letter);
	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("ops@example.org"), &english, NULL);
	assert_non_null(strstr(letter.text, "  a\\tb\\u202e<  -  not seen since\n"));
	assert_non_null(strstr(letter.html, "<td>a\\tb\\u202e&lt;</td>"));
	letter_done(&letter);
}

static void many_hosts_are_counted(void **state)
{
	(void)state;
	static const char *const names[] = {"host1", "host2", "host3"};
	for (size_t i = 0; i < 3; i++)
		add_vm(add_host(names[i], died - 201000), "web1", AFFECTED_NO_NEWER_LIST);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\n");
	build();
	cleanup(letter_done) struct letter letter = {0};
	letter_write(&letter, DELIVERY_FIRST, &world.notices, of("s@x"), &english, NULL);

	assert_string_equal(letter.subject, "[vmroll] host1, host2, host3 down 12:33:21: check 3 VMs");
}

static void who_refuses_is_named_with_what_they_should_know(void **state)
{
	(void)state;
	add_vm(add_host("host1", died), "web1", AFFECTED_NO_NEWER_LIST);
	list("vm,admin,email,phone,process\nweb1,S,s@x,,httpd\n");
	build();
	cleanup(delivery_done) struct delivery cell = {.person = mem_string("s@x"),
						       .error = mem_string("550 no such user")};
	const struct delivery *failed = &cell;
	cleanup(letter_done) struct letter letter = {0};
	letter_undelivered(&letter, &world.notices, &failed, 1, &english, NULL);

	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: 1 could not be told");
	assert_non_null(strstr(letter.text, "s@x: 550 no such user\nTheir VMs:\n  web1  httpd"));
}

static void a_reply_is_offered_only_where_it_is_taken(void **state)
{
	(void)state;
	simple_death();
	struct wording wording = {.reply = "vmroll+7K3F-abc@example.org"};
	struct letter letter = letter_to(DELIVERY_FIRST, &wording, 0, NULL);
	assert_non_null(
		strstr(letter.text, "To acknowledge: reply to this mail, or run  notify-admins ack 7K3F\n"));
	assert_non_null(strstr(
		letter.html,
		"<p>To acknowledge: reply to this mail, or run <code>notify-admins ack 7K3F</code></p>"));
	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: check 2 VMs");
	letter_done(&letter);

	wording.reply_token = "7K3F-abc";
	letter = letter_to(DELIVERY_FIRST, &wording, 0, NULL);
	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: check 2 VMs [7K3F-abc]");
	letter_done(&letter);

	wording.reply = NULL;
	letter = letter_to(DELIVERY_FIRST, &wording, 0, NULL);
	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: check 2 VMs");
	assert_non_null(strstr(letter.text, "To acknowledge: run  notify-admins ack 7K3F\n"));
	letter_done(&letter);
}

static void others_hear_whose_vms_and_who_did_not_answer(void **state)
{
	(void)state;
	struct affected *one = add_host("host1", died - 201000);
	add_vm(one, "web1", AFFECTED_NOT_SEEN);
	add_vm(one, "db1", AFFECTED_NOT_SEEN);
	add_vm(one, "mail", AFFECTED_NOT_SEEN);
	list("vm,admin,email,phone,process\nweb1,Sato,s@x,,httpd\ndb1,,i@x,,pg\nmail,Suzuki,z@x,,postfix\n");
	build();
	const struct notice *const owners[] = {of("s@x"), of("i@x")};
	struct notice notice;
	notice_for_others(&notice, &world.notices, "oncall@x", "On call", "oncall@x", owners, 2);
	cleanup(letter_done) struct letter letter = {0};
	assert_int_equal(letter_write(&letter, DELIVERY_ESCALATION, &world.notices, &notice, &english, NULL), 0);

	assert_string_equal(letter.subject, "[vmroll] host1 down 12:33:21: Sato, i@x have not answered");
	assert_string_equal(letter.text, "Sato (s@x) has not answered.\n"
					 "i@x (i@x) has not answered.\n"
					 "You are told in their place.\n"
					 "\n"
					 "host1 stopped answering on 2026-11-20 at 12:33:21 +09:00.\n"
					 "\n"
					 "Please see to it that somebody checks:\n"
					 "  web1  httpd  Sato  not seen since\n"
					 "  db1   pg     i@x   not seen since\n"
					 "\n"
					 "From the list of 12:30:00, 3m21s before it stopped: probable.\n"
					 "To acknowledge: run  notify-admins ack 7K3F\n");
	notice_done(&notice);

	/* The notice of who did not answer themself says the same of them. */
	struct letter alone = letter_to(DELIVERY_ESCALATION, &english, 0, NULL);
	assert_string_equal(alone.subject, "[vmroll] host1 down 12:33:21: Sato has not answered");
	assert_non_null(strstr(alone.text, "  web1  httpd  Sato  not seen since\n"));
	letter_done(&alone);
}

static void a_summary_counts_what_is_theirs(void **state)
{
	(void)state;
	for (int i = 1; i <= 37; i++) {
		cleanup(cleanup_mem) char *name = mem_format("host%d", i);
		struct affected *host = add_host(name, died - 201000);
		add_vm(host, i <= 9 ? "web1" : "other", AFFECTED_NO_NEWER_LIST);
		if (i <= 3)
			add_vm(host, "web2", AFFECTED_NO_NEWER_LIST);
	}
	list("vm,admin,email,phone,process\nweb1,Sato,s@x,,httpd\nweb2,Sato,s@x,,\nother,Ito,i@x,,\n");
	build();
	struct letter letter = letter_to(DELIVERY_SUMMARY, &english, 0, NULL);

	assert_string_equal(letter.subject, "[vmroll] 37 hosts down: you have 12 VMs on 9 of them");
	assert_true(str_starts(letter.text,
			       "37 hosts are down; you have 12 VMs on 9 of them.\n"
			       "This is one message in place of many: there were too many to send each.\n"
			       "\n"
			       "host1: stopped answering on 2026-11-20 at 12:33:21 +09:00.\n"
			       "  web1  httpd  no newer list\n"
			       "  web2  -      no newer list\n"
			       "\n"
			       "host2: "));
	assert_null(strstr(letter.text, "host10"));
	letter_done(&letter);
}

static void trouble_of_our_own(void **state)
{
	(void)state;
	static const struct {
		enum incident_kind kind;
		const char *subject, *text, *over;
	} cases[] = {
		{INCIDENT_ISOLATED, "[vmroll] isolated, or all dead, since 12:33:21",
		 "Nothing answers any more: this station is cut off, or everything is dead.\n"
		 "Since 2026-11-20 12:33:21 +09:00.\n(all silent)\n\nSee for yourself:  hostping\n"
		 "To acknowledge: run  notify-admins ack 7K3F\n",
		 "[vmroll] not isolated any more since 12:40:02"},
		{INCIDENT_HEARTBEAT, "[vmroll] nobody watches the hosts since 12:33:21",
		 "hostping has given no sign of life: a host that dies now is not noticed.\n"
		 "Since 2026-11-20 12:33:21 +09:00.\n(all silent)\n\nSee what it says:  hostping --status\n"
		 "To acknowledge: run  notify-admins ack 7K3F\n",
		 "[vmroll] the hosts are watched again since 12:40:02"},
		{INCIDENT_LIST, "[vmroll] no list of VMs since 12:33:21",
		 "No list of the running VMs was taken for two periods: what a host ran when\n"
		 "it dies becomes a guess.\n"
		 "Since 2026-11-20 12:33:21 +09:00.\n(all silent)\n\n"
		 "Take one and see what it says:  vmsnap -v\n"
		 "To acknowledge: run  notify-admins ack 7K3F\n",
		 "[vmroll] VMs are listed again since 12:40:02"},
	};

	add_host("-", WHEN_UNKNOWN);
	world.incidents[0].detail = mem_string("all silent");
	world.cases[0].affected = NULL;
	settings("notify { fallback = \"s@x\" }");
	list("vm,admin,email,phone,process\n");
	build();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		world.incidents[0].kind = cases[i].kind;
		world.incidents[0].closed = WHEN_UNKNOWN;
		struct letter letter = letter_to(DELIVERY_FIRST, &english, 0, NULL);
		assert_string_equal(letter.subject, cases[i].subject);
		assert_string_equal(letter.text, cases[i].text);
		letter_done(&letter);
		world.incidents[0].closed = died + 401000;
		letter = letter_to(DELIVERY_RECOVERY, &english, 0, NULL);
		assert_string_equal(letter.subject, cases[i].over);
		assert_null(strstr(letter.text, "acknowledge"));
		letter_done(&letter);
	}
}

static void a_trial_says_that_nothing_happened(void **state)
{
	(void)state;
	cleanup(letter_done) struct letter letter = {0};

	assert_int_equal(letter_test(&letter, "Ito <b>\n", died, &english, NULL), 0);
	assert_string_equal(letter.subject, "[vmroll] test 12:33:21: nothing happened");
	assert_string_equal(letter.text,
			    "This is what a message of vmroll to Ito <b>\\n looks like. Nothing happened.\n"
			    "Sent on 2026-11-20 at 12:33:21 +09:00.\n\nNo answer is needed.\n");
	assert_non_null(
		strstr(letter.html, "<p>This is what a message of vmroll to Ito &lt;b&gt;\\n looks like."));
}

static void japanese(void **state)
{
	(void)state;
	simple_death();
	world.incidents[0].detail = mem_string("4 回のうち 3 回の ping を失いました。ポート 16509 と 22 "
					       "も応答せず、host2、host3 とゲートウェイは応答しています");
	const struct wording wording = {.lang = "ja"};
	struct letter letter = letter_to(DELIVERY_FIRST, &wording, 0, NULL);

	assert_string_equal(letter.subject, "[vmroll] host1 停止 12:33:21: VM 2 台を確認してください");
	/* Wrapped between characters at 76 columns, where no stop would begin a line. */
	assert_string_equal(letter.text,
			    "host1 は 2026-11-20 12:33:21 +09:00 から応答がありません。\n"
			    "(4 回のうち 3 回の ping を失いました。ポート 16509 と 22 も応答せず、host2、\n"
			    "host3 とゲートウェイは応答しています)\n"
			    "\n"
			    "確認してください:\n"
			    "  web1  httpd  12:35:02 に host2 で再起動\n"
			    "  web2  httpd  以後どこにも見えません\n"
			    "\n"
			    "停止の 3m21s 前、12:30:00 の一覧によります: ほぼ確実。\n"
			    "対応を引き受けるには: 次を実行してください  notify-admins ack 7K3F\n");
	letter_done(&letter);
}

/* Everything that is not there in one is in the other, and each says something of every kind. */
static void each_language_has_words_for_everything(void **state)
{
	(void)state;
	static const char *const langs[] = {"en", "ja"};
	static const enum delivery_kind kinds[] = {DELIVERY_FIRST, DELIVERY_FOLLOW_UP, DELIVERY_RECOVERY,
						   DELIVERY_ESCALATION, DELIVERY_SUMMARY};

	simple_death();
	world.incidents[0].closed = died + 401000;
	for (size_t i = 0; i < sizeof langs / sizeof langs[0]; i++) {
		const struct wording wording = {.lang = langs[i]};
		for (const struct wording_use *use = wording_uses; use->name; use++) {
			size_t found = 0;
			for (const struct wording_text *text = wording_texts; text->name; text++)
				found += strcmp(text->lang, langs[i]) == 0 && strcmp(text->name, use->name) == 0;
			if (found != 1)
				fail_msg("%s/%s: %zu templates", langs[i], use->name, found);
			cleanup(cleanup_template) struct template *template = NULL;
			struct err e = {0};
			assert_ok(wording_find(&wording, use->name, &template, &e), &e);
		}
		for (size_t j = 0; j < sizeof kinds / sizeof kinds[0]; j++) {
			struct letter letter = letter_to(kinds[j], &wording, 0, NULL);
			assert_true(str_starts(letter.subject, "[vmroll] ") && !strchr(letter.subject, '\n'));
			assert_true(strlen(letter.text) > 50);
			assert_null(strchr(letter.text, '$'));
			letter_done(&letter);
		}
	}
}

static void which_template_stands_for_a_language(void **state)
{
	(void)state;
	static const struct {
		const char *lang, *subject;
	} cases[] = {
		{"ja", "ja of mine"},    {"ja-JP", "ja of mine"},    {"en-gb", "british"},
		{"EN-GB", "british"},    {"en-us", "en of mine"},    {"en", "en of mine"},
		{"de", "en of mine"},    {NULL, "en of mine"},       {"", "en of mine"},
		{"../ja", "en of mine"}, {"ja/../ja", "en of mine"}, {"ja+f3", "ja of mine"},
	};

	simple_death();
	write_template("ja", "mail-first", "Subject: ja of mine\n");
	write_template("en", "mail-first", "Subject: en of mine\n");
	write_template("en-gb", "mail-first", "Subject: british\n");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct wording wording = {.folder = folder, .lang = cases[i].lang};
		struct letter letter = letter_to(DELIVERY_FIRST, &wording, 0, NULL);
		assert_string_equal(letter.subject, cases[i].subject);
		assert_string_equal(letter.text, "");
		letter_done(&letter);
	}
	/* Of those that the administrator has not, the built-in one of the language comes before their English. */
	write_template("en", "mail-recovery", "Subject: en of mine\n");
	world.incidents[0].closed = died + 401000;
	const struct wording wording = {.folder = folder, .lang = "ja"};
	struct letter letter = letter_to(DELIVERY_RECOVERY, &wording, 0, NULL);
	assert_non_null(strstr(letter.subject, "復帰"));
	letter_done(&letter);
}

static void own_words_become_text_and_html(void **state)
{
	(void)state;
	simple_death();
	world.incidents[0].detail = mem_string("${each hosts} <b>");
	write_template("en", "where", "${if restarted}on ${now_host}\n${else}\ngone\n${end}\n");
	write_template("en", "mail-first",
		       "Subject: ${person_name}: ${host}\n"
		       "\n\n\n"
		       "  Dear ${person_name}, ${detail} costs $$5.\n"
		       "${each hosts}\n"
		       "VM\tRUNS\tNOW\tID\n"
		       "${each own}\n"
		       "${name}\t${process}\t${where}\t${incident}\n"
		       "${end}\n"
		       "${end}\n"
		       "\n"
		       "Do:  ${acknowledge}\n"
		       "\n");
	const struct wording wording = {.folder = folder};
	struct letter letter = letter_to(DELIVERY_FIRST, &wording, 0, NULL);

	assert_string_equal(letter.subject, "Sato: host1");
	assert_string_equal(letter.text, "Dear Sato, ${each hosts} <b> costs $5.\n"
					 "  VM    RUNS   NOW       ID\n"
					 "  web1  httpd  on host2  7K3F\n"
					 "  web2  httpd  gone      7K3F\n"
					 "\n"
					 "Do:  notify-admins ack 7K3F\n");
	assert_non_null(strstr(letter.html, "<p>Dear Sato, ${each hosts} &lt;b&gt; costs $5.</p>\n<table>\n"
					    "<tr><td>VM</td><td>RUNS</td><td>NOW</td><td>ID</td></tr>\n"));
	assert_non_null(strstr(letter.html, "<p>Do: <code>notify-admins ack 7K3F</code></p>\n"));
	letter_done(&letter);
}

static void what_is_wrong_with_a_template_stops_no_message(void **state)
{
	(void)state;
	static const char built_in[] = "[vmroll] host1 down 12:33:21: check 2 VMs";
	struct wording wording = {.folder = folder};
	cleanup(cleanup_mem) char *path = mem_format("%s/en/mail-first.txt", folder);
	struct err e = {0};
	struct letter letter;

	simple_death();
	write_template("en", "mail-first", "Subject: x\n${hots}\n");
	letter = letter_to(DELIVERY_FIRST, &wording, 1, &e);
	assert_string_equal(letter.subject, built_in);
	assert_true(str_starts(e.text, path) && strstr(e.text, ".txt:2: there is no 'hots' here"));
	letter_done(&letter);

	write_template("en", "mail-first", "Dear ${person_name}\n");
	letter = letter_to(DELIVERY_FIRST, &wording, 1, &e);
	assert_string_equal(letter.subject, built_in);
	assert_non_null(strstr(e.text, ".txt:1: expected \"Subject: \""));
	letter_done(&letter);

	/* Neither a folder, nor what waits for a writer for ever. */
	assert_int_equal(remove(path), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	letter = letter_to(DELIVERY_FIRST, &wording, 1, &e);
	assert_non_null(strstr(e.text, "not a regular file"));
	letter_done(&letter);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	letter = letter_to(DELIVERY_FIRST, &wording, 1, &e);
	assert_non_null(strstr(e.text, "not a regular file"));
	letter_done(&letter);
	assert_int_equal(remove(path), 0);

	/* One that makes too much of it. */
	cleanup(str_done) struct str greedy = {0};
	str_add(&greedy, "Subject: x\n");
	for (int i = 0; i < 12; i++)
		str_add(&greedy, "${each hosts}${each own}");
	str_add(&greedy, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	for (int i = 0; i < 24; i++)
		str_add(&greedy, "${end}");
	str_add_char(&greedy, '\n');
	write_template("en", "mail-first", str_text(&greedy));
	letter = letter_to(DELIVERY_FIRST, &wording, 1, &e);
	assert_string_equal(letter.subject, built_in);
	letter_done(&letter);

	/* The words of one part only: the rest is as it was. */
	assert_int_equal(remove(path), 0);
	write_template("en", "where", "${now}\n");
	letter = letter_to(DELIVERY_FIRST, &wording, 1, &e);
	assert_non_null(strstr(e.text, "where.txt:1: there is no 'now' here"));
	assert_non_null(strstr(letter.text, "  web2  httpd  not seen since\n"));
	letter_done(&letter);

	wording.folder = "/nonexistent/templates";
	letter = letter_to(DELIVERY_FIRST, &wording, 1, &e);
	assert_string_equal(letter.subject, built_in);
	assert_non_null(strstr(e.text, "templates: /nonexistent/templates: No such file"));
	letter_done(&letter);
}

struct complaints {
	VEC(char *) texts;
};

static void note_complaint(void *context, const char *text)
{
	struct complaints *complaints = context;

	vec_push(&complaints->texts, mem_string(text));
}

static void every_template_is_inspected(void **state)
{
	(void)state;
	struct complaints complaints = {0};
	struct err e = {0};
	cleanup(cleanup_mem) char *note = mem_format("%s/README", folder);

	assert_int_equal(wording_check(NULL, note_complaint, &complaints, &e), 0);
	write_template("en", "mail-first", "Subject: x\n");
	assert_ok(wording_check(folder, note_complaint, &complaints, &e), &e);
	assert_int_equal(close(open(note, O_CREAT | O_WRONLY, 0600)), 0);
	write_template("ja", "call-prompt", "${end}\n");
	write_template("ja", "mial-first", "Subject: x\n");
	write_template("ja", ".mail-first", "${end}\n");
	write_template("fr", "mail-test", "\nSubject: x\n");
	assert_error(wording_check(folder, note_complaint, &complaints, &e), ERR_USAGE, &e,
		     "3 templates cannot be used");
	assert_int_equal(complaints.texts.count, 3);
	assert_non_null(strstr(complaints.texts.items[0], "/fr/mail-test.txt:1: expected \"Subject: \""));
	assert_non_null(strstr(complaints.texts.items[1], "/ja/call-prompt.txt:1: ${end} without"));
	assert_non_null(
		strstr(complaints.texts.items[2], "/ja/mial-first.txt: no message is called 'mial-first'"));
	assert_error(wording_check("/nonexistent", note_complaint, &complaints, &e), ERR_USAGE, &e,
		     "/nonexistent");
	vec_foreach(&complaints.texts, text)
		free(*text);
	vec_done(&complaints.texts);
}

/* 300 hosts with the longest and worst of names: said as far as there is room, counted beyond. */
static void the_worst_is_bounded(void **state)
{
	(void)state;
	char name[1001];
	cleanup(str_done) struct str csv = {0};

	memset(name, '\x1b', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	for (int i = 0; i < 201; i++) {
		cleanup(cleanup_mem) char *host = mem_format("host%d", i);
		struct affected *affected = add_host(host, died - 201000);
		for (int j = 0; j < (i == 0 ? 600 : 20); j++)
			add_vm(affected, name, AFFECTED_NO_NEWER_LIST);
	}
	settings("notify { fallback = \"s@x\" }");
	list("vm,admin,email,phone,process\n");
	build();
	struct letter letter = letter_to(DELIVERY_FIRST, &english, 0, NULL);
	assert_string_equal(letter.subject, "[vmroll] 201 hosts down 12:33:21: check 4600 VMs");
	assert_non_null(strstr(letter.text, "\nand 100 more:  vmwhere --on host0\n"));
	assert_non_null(strstr(letter.text, "\nand 19 more:  vmwhere --on host199\n"));
	assert_non_null(strstr(letter.text, "\nand 1 more hosts:  notify-admins incidents\n"));
	assert_non_null(strstr(letter.text, "To acknowledge: "));
	assert_null(strchr(letter.text, '\x1b'));
	/* 500 bytes of the name, as \x1b each. */
	assert_non_null(strstr(letter.text, "\\x1b...  -  no newer list\n"));
	assert_true(strlen(letter.text) < 10 << 20);
	letter_done(&letter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_letter_reads_as_promised),
		TEST(follow_up_and_recovery_say_what_changed),
		TEST(east_asian_names_align_and_hostile_ones_are_escaped),
		TEST(many_hosts_are_counted),
		TEST(who_refuses_is_named_with_what_they_should_know),
		TEST(a_reply_is_offered_only_where_it_is_taken),
		TEST(others_hear_whose_vms_and_who_did_not_answer),
		TEST(a_summary_counts_what_is_theirs),
		TEST(trouble_of_our_own),
		TEST(a_trial_says_that_nothing_happened),
		TEST(japanese),
		TEST(each_language_has_words_for_everything),
		TEST(which_template_stands_for_a_language),
		TEST(own_words_become_text_and_html),
		TEST(what_is_wrong_with_a_template_stops_no_message),
		TEST(every_template_is_inspected),
		TEST(the_worst_is_bounded),
	};
	return cmocka_run_group_tests(tests, kit_open, kit_close);
}
