/* test_admins.c - admins(5): what a list may hold, each bad line named, and whom a VM has. */
#include "config.h"

#include "unit.h"

#include "admins.h"
#include "mem.h"
#include "str.h"
#include "textfile.h"

#define HEADER "vm,admin,email,phone,process\n"
#define HEADER_ALL "vm,admin,email,phone,process,voice_lang,policy,group\n"

static void note_bad(void *context, const char *source, unsigned line, const char *text)
{
	str_addf(context, "%s:%u: %s\n", source, line, text);
}

static int parse(struct admins *admins, const char *text, struct str *bad, struct err *e)
{
	return admins_parse(admins, text, strlen(text), "list", note_bad, bad, e);
}

static void the_example_is_read(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *path = mem_format("%s/scripts/examples/admins.csv", getenv("top_srcdir"));
	cleanup(str_done) struct str text = {0};
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};

	assert_ok(textfile_read(path, &text, NULL, &e), &e);
	assert_ok(admins_parse(&admins, text.data, text.length, path, NULL, NULL, &e), &e);
	assert_int_equal(admins.count, 6);
	assert_string_equal(admins.source, path);
	assert_true(admins.imported > 0);
	assert_string_equal(admins.items[2].admin, "Ito, Taro");
	assert_string_equal(admins.items[2].phone, "sip:ito@pbx.example.org");
	assert_int_equal(admins.items[2].line, 4);
	assert_int_equal(admins.items[3].line, 6);
	assert_null(admins.items[3].phone);
	assert_null(admins.items[3].process);
	assert_string_equal(admins.items[4].admin, "\xE4\xBC\x8A\xE8\x97\xA4 \xE8\x8A\xB1\xE5\xAD\x90");
	assert_null(admins.items[5].email);
}

/* The Nth display of the page that is as wide as the text. */
static void read_example_of_page(unsigned n, struct admins *admins)
{
	static const char begin[] = ".Bd -literal\n";
	cleanup(cleanup_mem) char *path = mem_format("%s/man/admins.5", getenv("top_srcdir"));
	cleanup(str_done) struct str page = {0};
	struct err e = {0};

	assert_ok(textfile_read(path, &page, NULL, &e), &e);
	const char *example = str_text(&page);
	for (unsigned i = 0; i < n; i++) {
		example = strstr(example, begin);
		assert_non_null(example);
		example += strlen(begin);
	}
	size_t length = (size_t)(strstr(example, ".Ed\n") - example);
	assert_ok(admins_parse(admins, example, length, path, NULL, NULL, &e), &e);
}

static void the_examples_of_the_page_are_right(void **state)
{
	(void)state;
	cleanup(admins_done) struct admins plain = {0}, all = {0};

	read_example_of_page(1, &plain);
	assert_int_equal(plain.count, 5);
	read_example_of_page(2, &all);
	assert_int_equal(all.count, 3);
	assert_string_equal(all.items[0].policy, "both");
	assert_string_equal(all.items[2].voice_lang, "en-gb");
	assert_int_equal(all.items[2].groups.count, 2);
}

static void rows_are_rfc_4180(void **state)
{
	(void)state;
	cleanup(str_done) struct str bad = {0};
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};

	assert_ok(parse(&admins,
			"\xEF\xBB\xBFnote,Process,PHONE,email,\"admin\",vm\r\n"
			"\"two\r\nlines\",\"a \"\"b\"\", c\",112,a@example.org, Ann ,\"web, 1\"\r\n"
			"\r\n"
			"\"\",\"\",\"\",b@example.org,,\"\"\"quoted\"\"\"\n",
			&bad, &e),
		  &e);
	assert_int_equal(admins.count, 2);
	assert_string_equal(admins.items[0].vm, "web, 1");
	assert_string_equal(admins.items[0].process, "a \"b\", c");
	assert_string_equal(admins.items[0].admin, " Ann ");
	assert_string_equal(admins.items[0].phone, "112");
	assert_int_equal(admins.items[0].line, 2);
	assert_string_equal(admins.items[1].vm, "\"quoted\"");
	assert_string_equal(admins.items[1].admin, "");
	assert_null(admins.items[1].phone);
	assert_int_equal(admins.items[1].line, 5);
	assert_string_equal(str_text(&bad), "");
}

static void columns_that_may_be_there_are_read(void **state)
{
	(void)state;
	cleanup(str_done) struct str bad = {0};
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};

	assert_ok(parse(&admins,
			"Group,vm,admin,email,phone,process,Policy,VOICE_LANG\n"
			" on-call ;; \xE9\x81\x8B\xE7\x94\xA8  db;,web1,A,a@b.c,,x,both,en-gb\n"
			",web2,A,A@b.c,,x,,\n"
			",web3,A,a@B.c,,x,both,en-gb\n",
			&bad, &e),
		  &e);
	assert_string_equal(admins.items[0].policy, "both");
	assert_string_equal(admins.items[0].voice_lang, "en-gb");
	assert_int_equal(admins.items[0].groups.count, 3);
	assert_string_equal(admins.items[0].groups.items[0], "on-call");
	assert_string_equal(admins.items[0].groups.items[1], "\xE9\x81\x8B\xE7\x94\xA8");
	assert_string_equal(admins.items[0].groups.items[2], "db");
	assert_null(admins.items[1].policy);
	assert_null(admins.items[1].voice_lang);
	assert_int_equal(admins.items[1].groups.count, 0);
}

static void an_empty_list_is_valid(void **state)
{
	(void)state;
	static const char *const empty[] = {"", "\xEF\xBB\xBF", "\n\n", HEADER, HEADER "\n"};

	for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
		cleanup(admins_done) struct admins admins = {0};
		struct err e = {0};
		assert_ok(parse(&admins, empty[i], NULL, &e), &e);
		assert_int_equal(admins.count, 0);
		assert_int_equal(admins_of(&admins, NULL, "web1", "host1", NULL, 0), 0);
	}
}

static void each_bad_line_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *bad;
	} cases[] = {
		{"vm,admin,email,phone\nx,y,a@b.c,\n",
		 "list:1: no column process; the first row must name vm,admin,email,phone,process\n"},
		{"vm;admin;email;phone;process\n",
		 "list:1: no column vm; the first row must name vm,admin,email,phone,process\n"},
		{"vm,admin,email,phone,process,email\n", "list:1: column email stands there twice\n"},
		{HEADER "web1,A,a@b.c,,x\nweb1,A\nweb2,A,a@b.c,,x,y\nweb3,A,a@b.c,,x\n",
		 "list:3: 2 fields, but the first row has 5\nlist:4: 6 fields, but the first row has 5\n"},
		{HEADER ",A,a@b.c,,\n@h,A,a@b.c,,\nv@,A,a@b.c,,\n",
		 "list:2: no vm\n"
		 "list:3: vm \"@h\": expected a UUID, NAME or NAME@HOST\n"
		 "list:4: vm \"v@\": expected a UUID, NAME or NAME@HOST\n"},
		{HEADER "web1,A,,,\n", "list:2: neither email nor phone: nobody to tell\n"},
		{HEADER "web1,A,a,,\nweb1,A,a@b c,,\nweb1,A, a@b.c,,\n",
		 "list:2: \"a\" is not a mail address (name@domain)\n"
		 "list:3: \"a@b c\" is not a mail address (name@domain)\n"
		 "list:4: \" a@b.c\" is not a mail address (name@domain)\n"},
		{HEADER "web1,A,,03-1234,\nweb1,A,,sip:,\nweb1,A,,sip:a b@c,\nweb1,A,,0x,\n",
		 "list:2: \"03-1234\" is not a phone number (digits, +, * and #) or a sip: URI\n"
		 "list:3: \"sip:\" is not a phone number (digits, +, * and #) or a sip: URI\n"
		 "list:4: \"sip:a b@c\" is not a phone number (digits, +, * and #) or a sip: URI\n"
		 "list:5: \"0x\" is not a phone number (digits, +, * and #) or a sip: URI\n"},
		{HEADER "web1,A,a@b.c,,\nweb2,A,a@b.c,,\nweb1,B,A@B.C,,\nweb1,B,,112,\nweb1,C,,112,x\n",
		 "list:4: web1 has a@b.c on line 2 already\nlist:6: web1 has 112 on line 5 already\n"},
		{HEADER "6F1E3C52-8D0A-4B7E-9A55-0C1D2E3F4A5B,A,a@b.c,,\n6f1e3c528d0a4b7e9a550c1d2e3f4a5b,A,"
			"a@b.c,,\n",
		 "list:3: 6f1e3c528d0a4b7e9a550c1d2e3f4a5b has a@b.c on line 2 already\n"},
		{HEADER "we\tb1,A,a@b.c,,\nweb1,A\x01,a@b.c,,\nweb1,A,\"a@b.c\r\nBcc: "
			"x@y.z\",,\nweb1,A,a@b.c,1\x7F,\n"
			"web1,A,a@b.c,,\"x\ny\"\nweb1,A,a@b.c,,x\ry\nweb1,A\xC2\x9B,a@b.c,,\n",
		 "list:2: field 1: control character 0x09\n"
		 "list:3: field 2: control character 0x01\n"
		 "list:4: field 3: control character 0x0D\n"
		 "list:6: field 4: control character 0x7F\n"
		 "list:7: field 5: control character 0x0A\n"
		 "list:9: field 5: control character 0x0D\n"
		 "list:10: field 2: control character 0x9B\n"},
		{"note," HEADER "\x1b[2J,web1,A,a@b.c,,\n", "list:2: field 1: control character 0x1B\n"},
		{HEADER "web1,\xE4\xF6,a@b.c,,\n", "list:2: field 2: byte 0xE4 is not UTF-8\n"},
		{HEADER "web1,A,a@b.c,,x\n\nweb2,\"A,a@b.c,,x\nweb3,A,a@b.c,,x\n",
		 "list:4: a quote that is not closed\n"},
		{HEADER "web1,\"A\nB\",\"a@b.c,,x\n", "list:3: a quote that is not closed\n"},
		{HEADER "web1,A\"B,a@b.c,,x\nweb2,\"A\"B,a@b.c,,x\nweb3,A,a@b.c,,x\nweb4,A,,,\n",
		 "list:2: a quote inside of a field that is not quoted\n"
		 "list:3: text behind a closing quote\n"
		 "list:5: neither email nor phone: nobody to tell\n"},
		{HEADER "web1,A,a@b.c,,x", "list:2: the last row has no line break: the list is cut short\n"},
		{HEADER "web1,A,a@b.c,,\"x\"",
		 "list:2: the last row has no line break: the list is cut short\n"},
		{"vm,admin,email,phone,process",
		 "list:1: the last row has no line break: the list is cut short\n"},
		{"\"vm,admin\n", "list:1: a quote that is not closed\n"},
		{"vm,admin,email,phone,process,group,GROUP\n", "list:1: column group stands there twice\n"},
		{HEADER_ALL "web1,A,a@b.c,,,EN,,\nweb1,A,b@b.c,,,en_gb,,\nweb1,A,c@b.c,,,,a b,\n"
			    "web1,A,d@b.c,,,,,on:call\nweb1,A,e@b.c,,,../x,,\n",
		 "list:2: voice_lang: \"EN\" is not a voice: expected a language such as \"en-gb\" or "
		 "\"ja\"\n"
		 "list:3: voice_lang: \"en_gb\" is not a voice: expected a language such as \"en-gb\" or "
		 "\"ja\"\n"
		 "list:4: policy: \"a b\" is not a name: 1 to 63 bytes without blanks and ; : , @ \"\n"
		 "list:5: group: \"on:call\" is not a name: 1 to 63 bytes without blanks and ; : , @ \"\n"
		 "list:6: voice_lang: \"../x\" is not a voice: expected a language such as \"en-gb\" or "
		 "\"ja\"\n"},
		{HEADER_ALL "web1,A,a@b.c,,,,both,\nweb2,A,a@b.c,,,,,\nweb3,A,A@b.c,,,,default,\n"
			    "web4,A,,112,,ja,,\nweb5,A,,112,,en,,\nweb6,A,,112,,ja,,\n",
		 "list:4: policy \"default\" for a@b.c, who has \"both\" on line 2\n"
		 "list:6: voice_lang \"en\" for 112, who has \"ja\" on line 5\n"},
		{HEADER_ALL "web1,A,a@b.c,,,ja,,\nweb2,A,a@b.c,,,en,both,\nweb3,A,a@b.c,,,,default,\n"
			    "web4,A,a@b.c,,,,both,\n",
		 "list:3: voice_lang \"en\" for a@b.c, who has \"ja\" on line 2\n"
		 "list:5: policy \"both\" for a@b.c, who has \"default\" on line 4\n"},
		{HEADER "web1,A,,sip:a@h;maddr=10.6.6.6,\nweb1,A,,sip:a@h?Replaces=x,\nweb1,A,,sips:a@h,\n",
		 "list:2: \"sip:a@h;maddr=10.6.6.6\" is not a phone number (digits, +, * and #) or a sip: "
		 "URI\n"
		 "list:3: \"sip:a@h?Replaces=x\" is not a phone number (digits, +, * and #) or a sip: URI\n"
		 "list:4: \"sips:a@h\" is not a phone number (digits, +, * and #) or a sip: URI\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(str_done) struct str bad = {0};
		struct admins admins = {0};
		struct err e = {0};
		int result = parse(&admins, cases[i].text, &bad, &e);
		assert_string_equal(str_text(&bad), cases[i].bad);
		assert_error(result, ERR_USAGE, &e, " bad line");
		assert_null(admins.items);
	}
}

static void without_a_callback_the_first_bad_line_is_told(void **state)
{
	(void)state;
	static const char text[] = HEADER "web1,A,,,\nweb2,A,,,\n";
	struct admins admins = {0};
	struct err e = {0};

	assert_error(admins_parse(&admins, text, strlen(text), "list", NULL, NULL, &e), ERR_USAGE, &e,
		     "list:2: neither email nor phone: nobody to tell (2 bad lines)");
}

static void a_nul_byte_is_a_control_character(void **state)
{
	(void)state;
	static const char text[] = HEADER "web1\0,A,a@b.c,,\n";
	struct admins admins = {0};
	struct err e = {0};

	assert_error(admins_parse(&admins, text, sizeof text - 1, "list", NULL, NULL, &e), ERR_USAGE, &e,
		     "list:2: field 1: control character 0x00");
}

static void a_field_has_a_limit(void **state)
{
	(void)state;
	cleanup(str_done) struct str text = {0};
	struct admins admins = {0};
	struct err e = {0};

	str_addf(&text, HEADER "%0*d,A,a@b.c,,\n", 2049, 1);
	assert_error(admins_parse(&admins, text.data, text.length, "list", NULL, NULL, &e), ERR_USAGE, &e,
		     "list:2: field 1: longer than 2048 bytes");
}

static void every_cut_is_between_two_rows_or_seen(void **state)
{
	(void)state;
	static const char text[] =
		HEADER "web1,A,a@example.org,112,x\r\n\"web2\",\"B\",b@example.org,\"119\",\"y\"\n";

	for (size_t length = 1; length < sizeof text - 1; length++) {
		struct admins admins = {0};
		struct err e = {0};
		int result = admins_parse(&admins, text, length, "list", NULL, NULL, &e);
		admins_done(&admins);
		if ((result == 0) != (text[length - 1] == '\n'))
			fail_msg("cut at byte %zu gives %d: %s", length, result, e.text);
	}
}

static void names_of(const struct admins *admins, const char *uuid_text, const char *name, const char *host,
		     struct str *names)
{
	const struct admin *found[8];
	unsigned char uuid[VM_UUID_SIZE];
	struct err e = {0};

	if (uuid_text)
		assert_ok(vm_uuid_parse(uuid_text, uuid, &e), &e);
	size_t count = admins_of(admins, uuid_text ? uuid : NULL, name, host, found, 8);
	str_reset(names);
	for (size_t i = 0; i < count; i++)
		str_addf(names, "%s ", found[i]->admin);
}

static void a_vm_has_the_rows_of_its_uuid_its_place_and_its_name(void **state)
{
	(void)state;
	cleanup(str_done) struct str bad = {0}, names = {0};
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};

	assert_ok(parse(&admins,
			HEADER "web1,name1,a@b.c,,\n"
			       "6f1e3c52-8d0a-4b7e-9a55-0c1d2e3f4a5b,uuid,u@b.c,,\n"
			       "web1,name2,b@b.c,,\n"
			       "web1@host2,place,p@b.c,,\n"
			       "a@b,split,s@b.c,,\n"
			       "a@b@host1,whole,w@b.c,,\n"
			       "web1,name3,,112,\n",
			&bad, &e),
		  &e);
	names_of(&admins, NULL, "web1", "host1", &names);
	assert_string_equal(str_text(&names), "name1 name2 name3 ");
	names_of(&admins, NULL, "web1", NULL, &names);
	assert_string_equal(str_text(&names), "name1 name2 name3 ");
	names_of(&admins, "6f1e3c52-8d0a-4b7e-9a55-0c1d2e3f4a5b", "web1", "host2", &names);
	assert_string_equal(str_text(&names), "uuid place name1 name2 name3 ");
	names_of(&admins, "523c1e6f-0a8d-7e4b-9a55-0c1d2e3f4a5b", "other", "host2", &names);
	assert_string_equal(str_text(&names), "uuid ");
	names_of(&admins, "523c1e6f-0a8d-7e4b-9a55-0c1d2e3f4a5c", "other", "host2", &names);
	assert_string_equal(str_text(&names), "");
	names_of(&admins, NULL, "a", "b", &names);
	assert_string_equal(str_text(&names), "split ");
	names_of(&admins, NULL, "a@b", "host1", &names);
	assert_string_equal(str_text(&names), "whole ");
	names_of(&admins, NULL, "a@b", "host9", &names);
	assert_string_equal(str_text(&names), "");
	names_of(&admins, NULL, "WEB1", "host1", &names);
	assert_string_equal(str_text(&names), "");

	const struct admin *one[1] = {NULL};
	assert_int_equal(admins_of(&admins, NULL, "web1", "host2", one, 1), 4);
	assert_string_equal(one[0]->admin, "place");
}

static void a_person_is_the_mail_address_else_the_phone(void **state)
{
	(void)state;
	static char email[] = "Sato@Example.ORG", phone[] = "112";
	struct admin admin = {.email = email, .phone = phone};
	cleanup(cleanup_mem) char *by_email = admins_person(&admin);
	admin.email = NULL;
	cleanup(cleanup_mem) char *by_phone = admins_person(&admin);

	assert_string_equal(by_email, "sato@example.org");
	assert_string_equal(by_phone, "112");
}

static void a_hundred_thousand_rows_are_all_found(void **state)
{
	(void)state;
	enum { ROWS = 100000 };
	cleanup(str_done) struct str text = {0}, bad = {0};
	cleanup(admins_done) struct admins admins = {0};
	struct err e = {0};

	str_add(&text, HEADER);
	for (unsigned i = 0; i < ROWS; i++)
		str_addf(&text, "vm%u@host%u,Person %u,person%u@example.org,+8130000%u,process %u\n", i / 2,
			 i / 200, i % 1000, i % 1000, i, i);
	assert_ok(parse(&admins, str_text(&text), &bad, &e), &e);
	assert_int_equal(admins.count, ROWS);
	for (unsigned i = 0; i < ROWS; i += 2) {
		char name[32], host[32];
		const struct admin *found[2];
		snprintf(name, sizeof name, "vm%u", i / 2);
		snprintf(host, sizeof host, "host%u", i / 200);
		assert_int_equal(admins_of(&admins, NULL, name, host, found, 2), 2);
		assert_ptr_equal(found[0], &admins.items[i]);
		assert_ptr_equal(found[1], &admins.items[i + 1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_example_is_read),
		cmocka_unit_test(the_examples_of_the_page_are_right),
		cmocka_unit_test(rows_are_rfc_4180),
		cmocka_unit_test(columns_that_may_be_there_are_read),
		cmocka_unit_test(an_empty_list_is_valid),
		cmocka_unit_test(each_bad_line_is_named),
		cmocka_unit_test(without_a_callback_the_first_bad_line_is_told),
		cmocka_unit_test(a_nul_byte_is_a_control_character),
		cmocka_unit_test(a_field_has_a_limit),
		cmocka_unit_test(every_cut_is_between_two_rows_or_seen),
		cmocka_unit_test(a_vm_has_the_rows_of_its_uuid_its_place_and_its_name),
		cmocka_unit_test(a_person_is_the_mail_address_else_the_phone),
		cmocka_unit_test(a_hundred_thousand_rows_are_all_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
