/* text.c - vmgroup export, import: definitions as text. */
#include "config.h"

#include <stdio.h>

#include "common.h"
#include "grouptext.h"
#include "log.h"
#include "mem.h"
#include "speaker.h"
#include "textfile.h"

/* ---- export ---- */

static int find_groups(const struct options *o, struct store_view *view, struct groups *groups, struct err *e)
{
	if (o->cli.operand_count == 0)
		return group_all(view, groups, e);
	for (size_t i = 0; i < o->cli.operand_count; i++) {
		struct group group;
		if (group_require(view, o->cli.operands[i], &group, e) < 0)
			return e->code;
		vec_push(groups, group);
	}
	return 0;
}

int command_export(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(groups_done) struct groups groups = {0};
	cleanup(str_done) struct str text = {0};

	if (cli_store(&o->conf, STORE_READ, &store, o->e) < 0 || store_view_open(&view, store, o->e) < 0 ||
	    find_groups(o, view, &groups, o->e) < 0 || grouptext_write(view, &groups, &text, o->e) < 0)
		return o->e->code;
	fwrite(text.data, 1, text.length, stdout);
	return 0;
}

/* ---- import ---- */

static int read_definitions(const char *path, struct grouptext *definitions, struct err *e)
{
	cleanup(str_done) struct str text = {0};

	if (textfile_read(path, &text, NULL, e) < 0)
		return e->code;
	return grouptext_read(path, str_text(&text), text.length, definitions, e);
}

int command_import(void *context)
{
	struct options *o = context;
	cleanup(cleanup_store) struct store *store = NULL;
	cleanup(grouptext_done) struct grouptext definitions = {0};
	struct grouptext_outcome outcome;

	if (cli_operands(&o->cli, 1, 1, o->e) < 0)
		return o->e->code;
	const char *path = str_equal(o->cli.operands[0], "-") ? "/dev/stdin" : o->cli.operands[0];
	if (read_definitions(path, &definitions, o->e) < 0 || cli_store(&o->conf, STORE_WRITE, &store, o->e) < 0 ||
	    grouptext_import(store, &definitions, o->replace, o->comment, speaker_name(), &outcome, o->e) < 0)
		return o->e->code;
	log_info("%s: %zu made, %zu replaced, %zu as they were", path, outcome.made, outcome.replaced,
		 outcome.same);
	return 0;
}
