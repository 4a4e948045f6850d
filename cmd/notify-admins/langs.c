/* langs.c - whether the languages that people are to be called in are some that can be spoken. */
#include "config.h"

#include "langs.h"
#include "log.h"
#include "mem.h"
#include "speech.h"
#include "str.h"

/* What was found so far. */
struct look {
	size_t bad;
	bool blind; /* espeak-ng cannot be asked: that is no fault of the language */
};

/* PLACE is who names it. */
static void look_at(struct look *look, const char *place, const char *lang)
{
	struct err e = {0};

	if (!lang || look->blind || !speech_is_built())
		return;
	int result = speech_check_lang(lang, &e);
	if (result == ERR_USAGE) {
		log_error("%s: %s", place, e.text);
		look->bad++;
	} else if (result < 0) {
		log_warning("%s: the languages of calls are not checked", e.text);
		look->blind = true;
	}
}

int langs_check_settings(const struct conf *conf, struct err *e)
{
	const char *path = conf->path ? conf->path : "settings";
	cleanup(cleanup_mem) char *everybody = mem_format("%s: sip.voice_lang", path);
	struct look look = {0};

	look_at(&look, everybody, conf->sip.voice_lang);
	for (size_t i = 0; i < conf->person_count; i++) {
		cleanup(cleanup_mem) char *shown = str_escape(conf->persons[i].key);
		cleanup(cleanup_mem) char *place = mem_format("%s: person \"%s\": voice_lang", path, shown);
		look_at(&look, place, conf->persons[i].voice_lang);
	}
	if (look.bad == 0)
		return 0;
	return err_set(e, ERR_USAGE, "%s: %zu language%s that nobody can be called in", path, look.bad,
		       look.bad == 1 ? "" : "s");
}

int langs_check_list(const struct admins *admins, struct err *e)
{
	struct look look = {0};

	for (size_t i = 0; i < admins->count && look.bad < LANGS_BAD_MAX; i++) {
		const struct admin *admin = &admins->items[i];
		cleanup(cleanup_mem) char *place = mem_format("%s:%u: voice_lang", admins->source, admin->line);
		look_at(&look, place, admin->voice_lang);
	}
	if (look.bad == 0)
		return 0;
	return err_set(e, ERR_USAGE, "%s: %zu bad line%s", admins->source, look.bad, look.bad == 1 ? "" : "s");
}
