/* test_grouptext.c - definitions as text: what is written and read again is the same, and each mistake has its line. */
#include "config.h"

#include "unit.h"

#include "grouptext.h"
#include "image_kit.h"
#include "mem.h"
#include "store_kit.h"
#include "textfile.h"
#include "vec.h"

/* ---- short words ---- */

static int try_read(const char *text, struct grouptext *definitions, struct err *e)
{
	return grouptext_read("f", text, strlen(text), definitions, e);
}

static int try_import(struct kit *kit, const char *text, bool replace, struct grouptext_outcome *outcome,
		      struct err *e)
{
	cleanup(grouptext_done) struct grouptext definitions = {0};

	if (try_read(text, &definitions, e) < 0)
		return e->code;
	return grouptext_import(kit->store, &definitions, replace, "why", "ito", outcome, e);
}

static void import(struct kit *kit, const char *text, size_t made, size_t replaced, size_t same)
{
	struct grouptext_outcome outcome;
	struct err e = {0};

	assert_ok(try_import(kit, text, true, &outcome, &e), &e);
	assert_int_equal(outcome.made, made);
	assert_int_equal(outcome.replaced, replaced);
	assert_int_equal(outcome.same, same);
}

/* Of the group NAME; NULL: of all. */
static void export(struct kit *kit, const char *name, struct str *text)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(groups_done) struct groups groups = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	if (name)
		assert_int_equal(group_find(view, name, vec_push_zero(&groups), &e), 1);
	else
		assert_ok(group_all(view, &groups, &e), &e);
	assert_ok(grouptext_write(view, &groups, text, &e), &e);
}

static void assert_exports(struct kit *kit, const char *name, const char *wanted)
{
	cleanup(str_done) struct str text = {0};

	export(kit, name, &text);
	if (!strstr(str_text(&text), wanted))
		fail_msg("not in '%s'", str_text(&text));
}

static void assert_refused(const char *text, const char *message)
{
	struct grouptext definitions = {0};
	struct err e = {0};

	assert_error(try_read(text, &definitions, &e), ERR_USAGE, &e, message);
}

static const char tree[] = "group all {\n"
			   "\tcomment The shop\n"
			   "\timage db = b\n"
			   "\tgroup front\n"
			   "\tgroup base\n"
			   "}\n"
			   "\n"
			   "group front {\n"
			   "\timage web = a * 3\n"
			   "\tgroup base\n"
			   "}\n"
			   "\n"
			   "group base {\n"
			   "\timage dns = a\n"
			   "}\n";

static int setup(void **state)
{
	int result = kit_setup(state);

	if (result == 0) {
		image_kit_make(*state, "a");
		image_kit_make(*state, "b");
	}
	return result;
}

#define text_test(test) cmocka_unit_test_setup_teardown(test, setup, kit_teardown)

/* ---- cases ---- */

static void a_tree_comes_back_as_it_was(void **state)
{
	struct kit *kit = *state;

	import(kit, tree, 3, 0, 0);
	assert_exports(kit, "all", tree);
	import(kit, tree, 0, 0, 3);
	import(kit, tree, 0, 0, 3);
}

static void each_group_stands_there_once_and_with_its_marks(void **state)
{
	struct kit *kit = *state;
	cleanup(str_done) struct str one = {0};
	cleanup(str_done) struct str all = {0};

	import(kit, tree, 3, 0, 0);
	export(kit, "all", &one);
	assert_true(str_starts(str_text(&one), TEXTFILE_BEGIN "\n"));
	assert_non_null(strstr(str_text(&one), TEXTFILE_END "\n"));
	export(kit, NULL, &all);
	assert_null(strstr(strstr(str_text(&all), "group base {") + 1, "group base {"));
	import(kit, str_text(&all), 0, 0, 3);
	assert_exports(kit, "base", "\ngroup base {\n\timage dns = a\n}\n\n");
}

/* Each beginning of what was exported but the whole is refused. */
static void a_file_cut_short_is_an_error(void **state)
{
	struct kit *kit = *state;
	cleanup(str_done) struct str text = {0};
	struct err e = {0};

	import(kit, tree, 3, 0, 0);
	export(kit, NULL, &text);
	for (size_t length = strlen(TEXTFILE_BEGIN) + 1; length < text.length; length++) {
		struct grouptext definitions = {0};
		assert_int_equal(grouptext_read("f", text.data, length, &definitions, &e), ERR_USAGE);
		assert_null(definitions.items);
	}
	assert_refused("group x {\n", "f:1: group x of line 1 has no closing brace: the file is cut short");
	assert_refused("group x {\n}", "f:2: the last line does not end: the file is cut short");
}

static void people_write_it_as_they_like(void **state)
{
	struct kit *kit = *state;

	import(kit, "# a remark\n\n  group   x{ \n#\n\t image a\n image web=a*2  \nimage  db  =  b\n\n}\t\n",
	       1, 0, 0);
	assert_exports(kit, "x", "group x {\n\timage a = a\n\timage web = a * 2\n\timage db = b\n}\n");
	import(kit, "", 0, 0, 0);
	import(kit, "group group {\nimage image = a\nimage comment = a\ngroup x2\n}\ngroup x2 {\n}\n", 2, 0, 0);
	assert_exports(kit, "group", "group group {\n\timage image = a\n\timage comment = a\n\tgroup x2\n}\n");
}

static void comments_keep_their_characters(void **state)
{
	struct kit *kit = *state;

	import(kit, "group x {\n\tcomment \\x20a # b \\\\ \xE2\x80\x93 }\\x20\n}\n", 1, 0, 0);
	assert_exports(kit, "x", "\tcomment \\x20a # b \\\\ \xE2\x80\x93 }\\x20\n");
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(group_done) struct group group = {0};
	struct err e = {0};
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_int_equal(group_find(view, "x", &group, &e), 1);
	assert_string_equal(group.comment, " a # b \\ \xE2\x80\x93 } ");
}

static void mistakes_have_their_line(void **state)
{
	(void)state;
	assert_refused("web = a\n", "f:1: 'web': expected group NAME {");
	assert_refused("\ngroup x\n", "f:2: expected group NAME {");
	assert_refused("group x y {\n}\n", "f:1: expected group NAME {");
	assert_refused("group x { image a }\n", "f:1: 'image a }': expected a line of its own");
	assert_refused("group -x {\n}\n", "f:1: group: ");
	assert_refused("group x {\nweb = a\n}\n", "f:2: 'web': expected image, group, comment or }");
	assert_refused("group x {\nimage\n}\n", "f:2: image: ");
	assert_refused("group x {\nimage web =\n}\n", "f:2: image: ");
	assert_refused("group x {\nimage web = a b\n}\n", "f:2: 'b': expected image NAME = IMAGE [* COUNT]");
	assert_refused("group x {\nimage web = a * 0\n}\n", "f:2: count: ");
	assert_refused("group x {\nimage web = a *\n}\n", "f:2: count: ");
	assert_refused("group x {\nimage web = a * 10001\n}\n", "f:2: count: ");
	assert_refused("group x {\ngroup y {\n}\n", "f:2: '{': expected group NAME, one a line");
	assert_refused("group x {\ncomment \\q\n}\n", "f:2: comment: ");
	assert_refused("group x {\ncomment \\n\n}\n", "f:2: a comment of UTF-8 without control characters");
	assert_refused("group x {\ncomment a\ncomment b\n}\n", "f:3: a second comment");
	assert_refused("group x {\n} y\n", "f:2: 'y': expected the end of the line");
	assert_refused("group x {\n}\ngroup x {\n}\n", "f:3: group x is on line 1 already");
	assert_refused("group x {\nimage w = a\n\nimage w = b\n}\n", "f:4: member w is on line 2 already");
	assert_refused("group x {\ngroup w\ngroup w\n}\n", "f:3: group w is on line 2 already");
	assert_refused("group x {\r\n}\n", "f:1: carriage return");
}

static void what_is_named_must_be_there(void **state)
{
	struct kit *kit = *state;
	struct grouptext_outcome outcome;
	struct err e = {0};

	assert_error(try_import(kit, "group x {\n}\ngroup y {\nimage web = none\n}\n", false, &outcome, &e),
		     ERR_USAGE, &e, "f:4: there is no image none");
	assert_error(try_import(kit, "group x {\n}\ngroup y {\ngroup none\n}\n", false, &outcome, &e),
		     ERR_USAGE, &e, "f:4: there is no group none, nor is it defined here");
	/* Nothing of it was made. */
	import(kit, "group x {\n}\n", 1, 0, 0);
	import(kit, "group z {\ngroup x\n}\n", 1, 0, 0);
}

static void what_differs_is_replaced_only_when_asked(void **state)
{
	struct kit *kit = *state;
	struct grouptext_outcome outcome;
	struct err e = {0};

	import(kit, "group x {\nimage web = a\n}\n", 1, 0, 0);
	assert_error(try_import(kit, "group n {\n}\ngroup x {\nimage web = b\n}\n", false, &outcome, &e),
		     ERR_USAGE, &e, "f:3: group x is there already, and differs");
	assert_exports(kit, "x", "image web = a\n");
	import(kit, "group n {\n}\ngroup x {\nimage web = b\n}\n", 1, 1, 0);
	assert_exports(kit, "x", "image web = b\n");
}

/* From a in b to b in a: neither is wrong once both are there. */
static void several_are_held_against_the_rules_together(void **state)
{
	struct kit *kit = *state;
	struct grouptext_outcome outcome;
	struct err e = {0};

	import(kit, "group x {\n}\ngroup y {\ngroup x\n}\n", 2, 0, 0);
	import(kit, "group x {\ngroup y\n}\ngroup y {\n}\n", 0, 2, 0);
	assert_error(try_import(kit, "group y {\ngroup x\n}\n", true, &outcome, &e), ERR_USAGE, &e,
		     "f: y > x > y");
	assert_error(try_import(kit, "group p {\ngroup q\n}\ngroup q {\ngroup p\n}\n", false, &outcome, &e),
		     ERR_USAGE, &e, "a group cannot contain itself");
	assert_error(try_import(kit, "group p {\nimage w = a\ngroup q\n}\ngroup q {\nimage w = a\n}\n", false,
				&outcome, &e),
		     ERR_USAGE, &e, "two VMs would be called w");
	import(kit, "group q {\nimage w = a\n}\n", 1, 0, 0);
}

/* More than one batch holds, the highest first in the text. */
static void hundreds_of_groups_come_in_at_once(void **state)
{
	struct kit *kit = *state;
	cleanup(str_done) struct str text = {0};
	enum { GROUPS = 300 };

	str_add(&text, "group all {\n");
	for (int i = 0; i < GROUPS; i++)
		str_addf(&text, "group g%d\n", i);
	str_add(&text, "}\n");
	for (int i = 0; i < GROUPS; i++)
		str_addf(&text, "group g%d {\nimage vm%d- = a * 2\n}\n", i, i);
	import(kit, str_text(&text), GROUPS + 1, 0, 0);
	import(kit, str_text(&text), 0, 0, GROUPS + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		text_test(a_tree_comes_back_as_it_was),
		text_test(each_group_stands_there_once_and_with_its_marks),
		text_test(a_file_cut_short_is_an_error),
		text_test(people_write_it_as_they_like),
		text_test(comments_keep_their_characters),
		cmocka_unit_test(mistakes_have_their_line),
		text_test(what_is_named_must_be_there),
		text_test(what_differs_is_replaced_only_when_asked),
		text_test(several_are_held_against_the_rules_together),
		text_test(hundreds_of_groups_come_in_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
