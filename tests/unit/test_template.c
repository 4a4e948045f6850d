/* test_template.c - a template says what it is told, each mistake is named with its line, and no data gets out of hand. */
#include "config.h"

#include "unit.h"

#include "json.h"
#include "mem.h"
#include "str.h"
#include "template.h"

static const struct template_name vm_names[] = {
	{"name", TEMPLATE_VALUE, NULL},
	{"process", TEMPLATE_VALUE, NULL},
	{NULL, TEMPLATE_VALUE, NULL},
};
static const struct template_name host_names[] = {
	{"name", TEMPLATE_VALUE, NULL},
	{"vms", TEMPLATE_LIST, vm_names},
	{NULL, TEMPLATE_VALUE, NULL},
};
static const struct template_name names[] = {
	{"person", TEMPLATE_VALUE, NULL},     {"count", TEMPLATE_VALUE, NULL}, {"over", TEMPLATE_TRUTH, NULL},
	{"hosts", TEMPLATE_LIST, host_names}, {NULL, TEMPLATE_VALUE, NULL},
};

static const char data[] = "{\"person\":\"Ito\",\"count\":2,\"over\":false,\"hosts\":["
			   "{\"name\":\"host1\",\"vms\":[{\"name\":\"web1\",\"process\":\"httpd\"},"
			   "{\"name\":\"db1\",\"process\":null}]},"
			   "{\"name\":\"host2\",\"vms\":[]}]}";

static int parse(struct template **template, const char *text, struct err *e)
{
	return template_parse(template, "en/x.txt", text, strlen(text), names, e);
}

static int render(const char *text, const char *json, struct str *out, struct err *e)
{
	cleanup(cleanup_template) struct template *template = NULL;
	cleanup(cleanup_json) struct json *tree = NULL;

	assert_ok(parse(&template, text, e), e);
	assert_ok(json_parse(json, strlen(json), &tree, e), e);
	return template_render(template, tree, str_add_escaped, out, e);
}

static void what_is_written(void **state)
{
	(void)state;
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"", ""},
		{"plain\n", "plain\n"},
		{"${person}: ${count}\n", "Ito: 2\n"},
		{"${ person }\n", "Ito\n"},
		{"$$5, $${person}, a}b{\n", "$5, ${person}, a}b{\n"},
		{"${if over}yes${else}no${end}\n", "no\n"},
		{"${if person}yes${end}${if over}no${end}\n", "yes\n"},
		{"${if hosts}some${else}none${end}\n", "some\n"},
		{"${each hosts}${name}${if more}, ${end}${end}\n", "host1, host2\n"},
		/* The name inside is that of the VM; the one outside is still there. */
		{"${each hosts}${each vms}${name}/${person} ${end}${end}\n", "web1/Ito db1/Ito \n"},
		{"${each hosts}${each vms}${name}${if process} (${process})${end}${if "
		 "more};${end}${end}|${if more}+${end}${end}\n",
		 "web1 (httpd);db1|+|\n"},
		/* A line of control words alone vanishes, also with blanks around; any other keeps its line break. */
		{"a\n${each hosts}\n  ${name}\n${end}\nb\n", "a\n  host1\n  host2\nb\n"},
		{"a\n  ${if over} \t\nx\n${else}${if person}\ny\n${end}${end}\nb\n", "a\ny\nb\n"},
		{"a\n${if over}x${end}\nb\n", "a\n\nb\n"},
		{"a\n${if over}\n\n${end}\nb\n", "a\nb\n"},
		{"日本 ${person}\t語\n", "日本 Ito\t語\n"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cleanup(str_done) struct str out = {0};
		struct err e = {0};
		assert_ok(render(cases[i].text, data, &out, &e), &e);
		assert_string_equal(str_text(&out), cases[i].wanted);
	}
}

static void what_is_wrong_is_named_with_its_line(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"a\n${nobody}\n",
		 "en/x.txt:2: there is no 'nobody' here: expected one of person, count, over, hosts"},
		{"${process}\n", "en/x.txt:1: there is no 'process' here"},
		{"${each hosts}\n${each vms}\n${end}\n${process}\n${end}\n",
		 "en/x.txt:4: there is no 'process' here: expected one of name, vms, person"},
		{"${more}\n", "en/x.txt:1: there is no 'more' here"},
		{"${each hosts}${more}${end}\n", "en/x.txt:1: 'more' is yes or no: expected ${if more}"},
		{"${over}\n", "en/x.txt:1: 'over' is yes or no: expected ${if over}"},
		{"\n${hosts}\n", "en/x.txt:2: 'hosts' is a list: expected ${each hosts}"},
		{"${each person}${end}\n", "en/x.txt:1: 'person' is no list: expected ${person}"},
		{"${each over}${end}\n", "en/x.txt:1: 'over' is no list: expected ${if over}"},
		{"a\nb\n${each hosts}\nc\n", "en/x.txt:3: ${each ...} is not closed: expected ${end}"},
		{"${if over}\n${if person}x${end}\n", "en/x.txt:1: ${if ...} is not closed: expected ${end}"},
		{"x\n${end}\n", "en/x.txt:2: ${end} without ${each LIST} or ${if NAME} before it"},
		{"${else}\n", "en/x.txt:1: ${else} without ${if NAME} before it"},
		{"${each hosts}${else}${end}\n", "en/x.txt:1: ${else} without ${if NAME} before it"},
		{"${if over}${else}\n${else}${end}\n", "en/x.txt:2: a second ${else}: expected ${end}"},
		{"costs 5$\n", "en/x.txt:1: '$' alone: expected ${NAME}, or $$ for a dollar"},
		{"$person\n", "en/x.txt:1: '$' alone: expected ${NAME}, or $$ for a dollar"},
		{"\n\n${person\n}\n", "en/x.txt:3: '${' is not closed: expected '}' in the same line"},
		{"${}\n", "en/x.txt:1: expected ${NAME}, ${each LIST}, ${if NAME}, ${else} or ${end}"},
		{"${if}\n", "en/x.txt:1: expected ${NAME}, ${each LIST}"},
		{"${each hosts vms}${end}\n", "en/x.txt:1: expected ${NAME}, ${each LIST}"},
		{"${end hosts}\n", "en/x.txt:1: expected ${NAME}, ${each LIST}"},
		{"${person count}\n", "en/x.txt:1: expected ${NAME}, ${each LIST}"},
		{"a\nno end", "en/x.txt:2: the last line does not end: the file is cut short"},
		{"a\r\nb\r\n", "en/x.txt:1: carriage return: lines end in LF alone"},
		{"a\n\xFF\n", "en/x.txt:2: byte 0xFF is not UTF-8"},
		{"\xEF\xBB\xBF"
		 "a\n",
		 "en/x.txt:1: begins with a byte order mark"},
		{"a\x1B[2J\n", "en/x.txt:1: control character 0x1B"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct template *template = NULL;
		struct err e = {0};
		assert_error(parse(&template, cases[i].text, &e), ERR_USAGE, &e, cases[i].message);
		assert_null(template);
	}
}

/* COUNT times TEXT, then a line break. */
static char *repeated(const char *text, size_t count)
{
	struct str out = {0};

	for (size_t i = 0; i < count; i++)
		str_add(&out, text);
	str_add_char(&out, '\n');
	return str_take(&out);
}

static void templates_are_bounded(void **state)
{
	(void)state;
	struct template *template = NULL;
	struct err e = {0};
	cleanup(cleanup_mem) char *deep = repeated("${if over}", TEMPLATE_DEPTH_MAX + 1);
	cleanup(cleanup_mem) char *large = repeated("x", TEMPLATE_SIZE_MAX);
	cleanup(cleanup_mem) char *long_tag = repeated("${person                                  ", 4);
	cleanup(cleanup_mem) char *fits = repeated("x", TEMPLATE_SIZE_MAX - 1);

	assert_error(parse(&template, deep, &e), ERR_USAGE, &e,
		     "en/x.txt:1: more than 16 each and if within each other");
	assert_error(parse(&template, large, &e), ERR_USAGE, &e, "en/x.txt: larger than 64 KiB");
	assert_error(parse(&template, long_tag, &e), ERR_USAGE, &e, "is not closed");
	assert_ok(parse(&template, fits, &e), &e);
	template_free(template);
}

/* A list of COUNT hosts without anything. */
static char *hosts(size_t count)
{
	struct str out = {0};

	str_add(&out, "{\"hosts\":[{}");
	for (size_t i = 1; i < count; i++)
		str_add(&out, ",{}");
	str_add(&out, "]}");
	return str_take(&out);
}

static void what_is_made_is_bounded(void **state)
{
	(void)state;
	cleanup(cleanup_mem) char *json = hosts(300);
	cleanup(cleanup_mem) char *thousand = repeated("x", 1000);
	cleanup(cleanup_mem) char *text = mem_format("${each hosts}${each hosts}%s${end}${end}\n", thousand);
	cleanup(cleanup_mem) char *quiet =
		mem_string("${each hosts}${each hosts}${each hosts}${if over}x${end}${end}${end}${end}\n");
	struct err e = {0};

	/* 300 x 300 x 1,000 bytes, cut at 16 MiB; what came before is there. */
	cleanup(cleanup_mem) char *one_line = mem_string(text);
	*strchr(one_line, '\n') = ' ';
	cleanup(str_done) struct str out = {0};
	assert_error(render(one_line, json, &out, &e), ERR_TOO_LARGE, &e, "longer than 16 MiB");
	assert_true(out.length >= TEMPLATE_OUTPUT_MAX && out.length < TEMPLATE_OUTPUT_MAX + 2000);
	/* 27 million times nothing. */
	cleanup(str_done) struct str nothing = {0};
	assert_error(render(quiet, json, &nothing, &e), ERR_TOO_LARGE, &e, "take too long");
	assert_int_equal(nothing.length, 0);
}

static void no_value_is_read_as_a_template(void **state)
{
	(void)state;
	cleanup(str_done) struct str out = {0};
	struct err e = {0};

	assert_ok(render("${person}${each hosts}[${name}]${end}\n",
			 "{\"person\":\"${end}$$${count}\\nSubject: "
			 "x\",\"count\":7,\"hosts\":[{\"name\":\"${each hosts}\"},"
			 "{\"name\":{\"a\":1}},{\"name\":[1]},{\"name\":true},{},3,null]}",
			 &out, &e),
		  &e);
	/* What is neither text nor number is nothing. */
	assert_string_equal(str_text(&out), "${end}$$${count}\\nSubject: x[${each hosts}][][][][][][]\n");
}

static void data_of_another_shape_does_no_harm(void **state)
{
	(void)state;
	static const char *const shapes[] = {
		"{}", "[]", "3", "null", "\"x\"", "{\"hosts\":\"x\"}", "{\"hosts\":{\"a\":[]}}"};

	for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
		cleanup(str_done) struct str out = {0};
		struct err e = {0};
		assert_ok(render("<${person}${each hosts}${name}${end}${if over}x${else}y${end}>\n",
				 shapes[i], &out, &e),
			  &e);
		assert_string_equal(str_text(&out), "<y>\n");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written),
		cmocka_unit_test(what_is_wrong_is_named_with_its_line),
		cmocka_unit_test(templates_are_bounded),
		cmocka_unit_test(what_is_made_is_bounded),
		cmocka_unit_test(no_value_is_read_as_a_template),
		cmocka_unit_test(data_of_another_shape_does_no_harm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
