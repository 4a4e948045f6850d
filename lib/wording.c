/* wording.c - in whose words a message is said: which template stands for a name and a language. */
#include "config.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mem.h"
#include "textfile.h"
#include "wording.h"
#include "wording_private.h"

enum { LANG_SIZE = 32 };

static const char subject[] = "Subject: ";

static const struct wording_use *find_use(const char *name)
{
	const struct wording_use *use = wording_uses;

	while (use->name && strcmp(use->name, name) != 0)
		use++;
	return use->name ? use : NULL;
}

static int parse(const struct wording_use *use, const char *path, const char *text, size_t length,
		 struct template **template, struct err *e)
{
	if (use->mail && (length < strlen(subject) || memcmp(text, subject, strlen(subject)) != 0))
		return err_set(e, ERR_USAGE, "%s:1: expected \"%s\" and what it is about", path, subject);
	return template_parse(template, path, text, length, use->names, e);
}

/* ---- those of the administrator ---- */

static int read_file(const struct wording_use *use, const char *path, struct template **template, struct err *e)
{
	cleanup(str_done) struct str text = {0};
	struct stat status;

	if (stat(path, &status) < 0)
		return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
							   : err_set_errno(e, ERR_ENV, errno, "%s", path);
	/* What waits for a writer, or never ends, must not keep a message from going out. */
	if (!S_ISREG(status.st_mode))
		return err_set(e, ERR_USAGE, "%s: not a regular file", path);
	if (status.st_size > TEMPLATE_SIZE_MAX)
		return err_set(e, ERR_USAGE, "%s: larger than %d KiB", path, TEMPLATE_SIZE_MAX >> 10);
	if (textfile_read(path, &text, NULL, e) < 0)
		return e->code;
	return parse(use, path, str_text(&text), text.length, template, e);
}

static int check_folder(const char *folder, struct err *e)
{
	struct stat status;

	if (stat(folder, &status) < 0)
		return err_set_errno(e, errno == ENOENT || errno == ENOTDIR ? ERR_USAGE : ERR_ENV, errno,
				     "templates: %s", folder);
	return S_ISDIR(status.st_mode) ? 0 : err_set(e, ERR_USAGE, "templates: %s: not a folder", folder);
}

/* ---- which one ---- */

static int find_built_in(const struct wording_use *use, const char *lang, struct template **template)
{
	for (const struct wording_text *text = wording_texts; text->name; text++)
		if (strcmp(text->lang, lang) == 0 && strcmp(text->name, use->name) == 0)
			return parse(use, use->name, text->text, strlen(text->text), template, NULL);
	return ERR_NOT_FOUND;
}

/* In that language: 1 found; 0 not; what is wrong with the administrator's is left in *E. */
static int try_lang(const char *folder, const struct wording_use *use, const char *lang,
		    struct template **template, struct err *e)
{
	if (folder) {
		cleanup(cleanup_mem) char *path = mem_format("%s/%s/%s.txt", folder, lang, use->name);
		struct err bad = {0};
		int result = read_file(use, path, template, &bad);
		if (result == 0)
			return 1;
		if (result != ERR_NOT_FOUND && e->code == 0)
			*e = bad;
	}
	return find_built_in(use, lang, template) == 0;
}

/* The language comes from a list of people, and becomes part of a path. */
static bool copy_lang(const char *lang, char *copy)
{
	size_t length = lang ? strlen(lang) : 0;

	if (length == 0 || length >= LANG_SIZE)
		return false;
	for (size_t i = 0; i <= length; i++) {
		unsigned char c = (unsigned char)lang[i];
		if (c && !isalnum(c) && !strchr("-_+", c))
			return false;
		copy[i] = (char)tolower(c);
	}
	return true;
}

int wording_find(const struct wording *wording, const char *name, struct template **template, struct err *e)
{
	const struct wording_use *use = find_use(name);
	const char *folder = wording->folder;
	struct err bad = {0};
	char lang[LANG_SIZE];

	if (!use)
		return err_set(e, ERR_NOT_FOUND, "no message is called '%s'", name);
	if (folder && check_folder(folder, &bad) < 0)
		folder = NULL;
	bool found = copy_lang(wording->lang, lang) && try_lang(folder, use, lang, template, &bad);
	if (!found && copy_lang(wording->lang, lang) && strpbrk(lang, "-_+")) {
		*strpbrk(lang, "-_+") = '\0';
		found = try_lang(folder, use, lang, template, &bad);
	}
	if (!found && !try_lang(folder, use, "en", template, &bad))
		return err_set(e, ERR_NOT_FOUND, "'%s' has no words", name);
	if (bad.code == 0)
		return 0;
	if (e)
		*e = bad;
	return 1;
}

/* ---- looking at all of them ---- */

struct inspection {
	void (*bad)(void *context, const char *text);
	void *context;
	size_t count; /* of what is bad */
};

static void complain(struct inspection *inspection, const char *text)
{
	inspection->count++;
	inspection->bad(inspection->context, text);
}

static void inspect_file(struct inspection *inspection, const char *folder, const char *lang, const char *file)
{
	static const char ending[] = ".txt";
	size_t length = strlen(file);
	cleanup(cleanup_template) struct template *template = NULL;
	cleanup(cleanup_mem) char *path = mem_format("%s/%s/%s", folder, lang, file);
	struct err e = {0};

	/* What an editor leaves, a README: not ours to judge. */
	if (file[0] == '.' || length < sizeof ending || strcmp(file + length - strlen(ending), ending) != 0)
		return;
	cleanup(cleanup_mem) char *name = mem_string_n(file, length - strlen(ending));
	const struct wording_use *use = find_use(name);
	if (!use)
		err_set(&e, ERR_USAGE, "%s: no message is called '%s'", path, name);
	else
		read_file(use, path, &template, &e);
	if (e.code)
		complain(inspection, e.text);
}

static void free_entries(struct dirent **entries, int count)
{
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

static void inspect_lang(struct inspection *inspection, const char *folder, const char *lang)
{
	cleanup(cleanup_mem) char *path = mem_format("%s/%s", folder, lang);
	struct dirent **files = NULL;
	struct err e = {0};
	int count = lang[0] == '.' ? 0 : scandir(path, &files, NULL, alphasort);

	if (count < 0 && errno != ENOTDIR) {
		err_set_errno(&e, ERR_ENV, errno, "%s", path);
		complain(inspection, e.text);
	}
	for (int i = 0; i < count; i++)
		inspect_file(inspection, folder, lang, files[i]->d_name);
	free_entries(files, count);
}

int wording_check(const char *folder, void (*bad)(void *context, const char *text), void *context, struct err *e)
{
	struct inspection inspection = {bad, context, 0};
	struct dirent **langs = NULL;

	if (!folder)
		return 0;
	if (check_folder(folder, e) < 0)
		return e->code;
	int count = scandir(folder, &langs, NULL, alphasort);
	if (count < 0)
		return err_set_errno(e, ERR_ENV, errno, "templates: %s", folder);
	for (int i = 0; i < count; i++)
		inspect_lang(&inspection, folder, langs[i]->d_name);
	free_entries(langs, count);
	if (inspection.count > 0)
		return err_set(e, ERR_USAGE, "%s: %zu template%s cannot be used", folder, inspection.count,
			       inspection.count == 1 ? "" : "s");
	return 0;
}
