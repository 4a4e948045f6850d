/* import.c - notify-admins import: takes a new list of administrators whole, or refuses it whole. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http.h"
#include "langs.h"
#include "log.h"
#include "map.h"
#include "mem.h"
#include "notify.h"
#include "str.h"

enum { LIST_MAX = 64 << 20, FETCH_TIMEOUT_MS = 60 * 1000 };

static int read_stream(FILE *in, const char *name, struct str *text, struct err *e)
{
	char buffer[64 * 1024];
	size_t length;

	while ((length = fread(buffer, 1, sizeof buffer, in)) > 0) {
		if (text->length + length > LIST_MAX)
			return err_set(e, ERR_TOO_LARGE, "%s: larger than %d bytes", name, LIST_MAX);
		str_add_n(text, buffer, length);
	}
	return ferror(in) ? err_set_errno(e, ERR_ENV, errno, "%s", name) : 0;
}

static int read_file(const char *path, struct str *text, struct err *e)
{
	cleanup(cleanup_file) FILE *file = fopen(path, "re");

	if (!file)
		return err_set_errno(e, ERR_ENV, errno, "%s", path);
	return read_stream(file, path, text, e);
}

static int read_source(const char *source, struct str *text, struct err *e)
{
	if (strcmp(source, "-") == 0)
		return read_stream(stdin, "standard input", text, e);
	if (strstr(source, "://"))
		return http_fetch(source, LIST_MAX, FETCH_TIMEOUT_MS, text, e);
	return read_file(source, text, e);
}

static void say_bad_line(void *context, const char *source, unsigned line, const char *text)
{
	(void)context;
	log_error("%s:%u: %s", source, line, text);
}

static char *entry_text(const struct admin *admin)
{
	cleanup(cleanup_mem) char *person = admins_person(admin);

	return mem_format("%s\n%s", admin->vm, person);
}

/* How many entries of OLD are not in NEW. */
static size_t count_lost(const struct admins *old, const struct admins *new)
{
	struct map *known = map_new();
	VEC(char *) texts = {0};
	size_t lost = 0;

	for (size_t i = 0; i < new->count; i++) {
		vec_push(&texts, entry_text(&new->items[i]));
		map_add(known, texts.items[i], strlen(texts.items[i]), known);
	}
	for (size_t i = 0; i < old->count; i++) {
		cleanup(cleanup_mem) char *text = entry_text(&old->items[i]);
		lost += !map_find(known, text, strlen(text));
	}
	map_free(known);
	vec_foreach(&texts, text)
		free(*text);
	vec_done(&texts);
	return lost;
}

static int load_old(struct store *store, struct admins *old, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	return admins_load(view, old, e);
}

/* A list that shrinks like this is more likely to be a mistake than a wish. */
static int check_loss(struct store *store, const struct admins *new, bool force, struct err *e)
{
	cleanup(admins_done) struct admins old = {0};

	int have_old = load_old(store, &old, e);
	if (have_old < 0)
		return have_old;
	if (force)
		return 0;
	if (new->count == 0)
		return err_set(e, ERR_USAGE,
			       "%s: the list is empty; the one in force stays (--force takes it)", new->source);
	size_t lost = have_old ? count_lost(&old, new) : 0;
	if (lost * 2 > old.count)
		return err_set(
			e, ERR_USAGE,
			"%s: %zu of %zu entries would be lost; the list in force stays (--force takes it)",
			new->source, lost, old.count);
	return 0;
}

/* Names each row whose policy the settings do not have. */
static int check_policies(const struct conf *conf, const struct admins *new, struct err *e)
{
	size_t bad = 0;

	for (size_t i = 0; i < new->count; i++) {
		const struct admin *admin = &new->items[i];
		if (!admin->policy || conf_find_policy(conf, admin->policy))
			continue;
		log_error("%s:%u: there is no policy \"%s\" in the settings", new->source, admin->line,
			  admin->policy);
		bad++;
	}
	if (bad == 0)
		return 0;
	return err_set(e, ERR_USAGE, "%s: %zu bad line%s", new->source, bad, bad == 1 ? "" : "s");
}

static int take(struct options *o, const struct admins *new, struct err *e)
{
	cleanup(cleanup_store) struct store *store = NULL;

	if (cli_store(&o->conf, STORE_WRITE, &store, e) < 0 || check_loss(store, new, o->force, e) < 0)
		return e->code;
	if (o->dry_run)
		return 0;
	if (admins_save(store, new, e) < 0)
		return e->code;
	log_info("%s: %zu entries", new->source, new->count);
	return 0;
}

int command_import(void *context)
{
	struct options *o = context;
	struct err *e = o->e;
	cleanup(str_done) struct str text = {0};
	cleanup(admins_done) struct admins new = {0};

	if (cli_operands(&o->cli, 0, 1, e) < 0)
		return e->code;
	const char *source = o->cli.operand_count ? o->cli.operands[0] : o->conf.notify.admins;
	if (!source)
		return err_set(e, ERR_USAGE, "no SOURCE given, and notify.admins is not set");
	if (read_source(source, &text, e) < 0)
		return e->code;
	cleanup(cleanup_mem) char *shown = strstr(source, "://") ? http_shown(source) : mem_string(source);
	if (admins_parse(&new, str_text(&text), text.length, shown, say_bad_line, NULL, e) < 0 ||
	    check_policies(&o->conf, &new, e) < 0 || langs_check_list(&new, e) < 0)
		return err_wrap(e, "the list in force stays");
	return take(o, &new, e);
}
