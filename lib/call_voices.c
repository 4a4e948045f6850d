/* call_voices.c - the texts of calls as sound. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "call_voices.h"
#include "vec.h"

/* KEPT_MAX: samples of texts that nobody waits for, over an hour. */
enum { WORKERS = 2, KEPT_MAX = 32 << 20 };

struct wish {
	voices_ready *ready;
	void *context;
};

struct sound {
	char *lang, *text;
	enum { SOUND_QUEUED, SOUND_ASKED, SOUND_READY, SOUND_FAILED } state;
	struct speech speech;
	VEC(struct wish) wishes;
	uint64_t used; /* the greater the more recently */
};

struct worker {
	struct voices *voices;
	struct child child;
	struct sound *sound; /* it was asked for; NULL: idle */
	struct sip_timer *late;
};

struct voices {
	struct sip *sip;
	VEC(struct sound *) sounds; /* in the order in which they were wanted first */
	size_t kept;                /* samples */
	uint64_t uses;
	struct worker workers[WORKERS];
};

static void pump(struct voices *voices);

/* ---- sounds ---- */

static void sound_free(struct sound *sound)
{
	free(sound->lang);
	free(sound->text);
	speech_done(&sound->speech);
	vec_done(&sound->wishes);
	free(sound);
}

static void remove_sound(struct voices *voices, size_t index)
{
	struct sound *sound = voices->sounds.items[index];

	voices->kept -= sound->speech.count;
	memmove(voices->sounds.items + index, voices->sounds.items + index + 1,
		(voices->sounds.count - index - 1) * sizeof *voices->sounds.items);
	voices->sounds.count--;
	sound_free(sound);
}

static void remove_failed(struct voices *voices)
{
	for (size_t i = voices->sounds.count; i-- > 0;)
		if (voices->sounds.items[i]->state == SOUND_FAILED)
			remove_sound(voices, i);
}

/* Makes room, but for the one that was just made. */
static void evict(struct voices *voices)
{
	while (voices->kept > KEPT_MAX) {
		size_t oldest = voices->sounds.count;
		for (size_t i = 0; i < voices->sounds.count; i++) {
			const struct sound *sound = voices->sounds.items[i];
			bool older = oldest == voices->sounds.count ||
				     sound->used < voices->sounds.items[oldest]->used;
			if (sound->state == SOUND_READY && sound->used != voices->uses && older)
				oldest = i;
		}
		if (oldest == voices->sounds.count)
			return;
		remove_sound(voices, oldest);
	}
}

static struct sound *find(struct voices *voices, const char *lang, const char *text)
{
	vec_foreach(&voices->sounds, sound)
		if ((*sound)->state != SOUND_FAILED && strcmp((*sound)->text, text) == 0 &&
		    strcmp((*sound)->lang, lang) == 0)
			return *sound;
	return NULL;
}

static struct sound *add(struct voices *voices, const char *lang, const char *text)
{
	struct sound *sound = mem_zalloc(1, sizeof *sound);

	sound->lang = mem_string(lang);
	sound->text = mem_string(text);
	vec_push(&voices->sounds, sound);
	return sound;
}

/* One after the other from the list, for whoever is called may forget others. */
static void grant(struct sound *sound, const struct err *failure)
{
	while (sound->wishes.count > 0) {
		struct wish wish = sound->wishes.items[--sound->wishes.count];
		wish.ready(wish.context, failure ? NULL : &sound->speech, failure);
	}
}

static void succeed(struct voices *voices, struct sound *sound, struct speech *speech)
{
	sound->speech = *speech;
	sound->state = SOUND_READY;
	sound->used = ++voices->uses;
	voices->kept += speech->count;
	evict(voices);
	grant(sound, NULL);
}

static void fail(struct sound *sound, const struct err *failure)
{
	sound->state = SOUND_FAILED;
	grant(sound, failure);
}

/* ---- processes ---- */

static void stop_waiting(struct worker *worker)
{
	sip_timer_cancel(worker->late);
	worker->late = NULL;
	worker->sound = NULL;
}

static void dismiss(struct worker *worker, char *how, size_t size)
{
	(void)sip_watch(worker->voices->sip, worker->child.channel.fd, NULL, NULL, NULL);
	child_collect(&worker->child, how, size);
}

/* Ends the process, and what it was asked for with it. */
static void lose(struct worker *worker, const char *why)
{
	struct voices *voices = worker->voices;
	struct sound *sound = worker->sound;
	struct err failure = {0};
	char how[64];

	stop_waiting(worker);
	dismiss(worker, how, sizeof how);
	if (!sound)
		return;
	err_set(&failure, ERR_ENV, "espeak-ng: %s", why ? why : how);
	fail(sound, &failure);
	remove_failed(voices);
	pump(voices);
}

static void is_late(void *context)
{
	struct worker *worker = context;

	worker->late = NULL;
	lose(worker, "takes too long");
}

static void take(void *context)
{
	struct worker *worker = context;
	struct voices *voices = worker->voices;
	struct sound *sound = worker->sound;
	struct speech speech = {0};
	struct err e = {0};

	int result = speech_take(&worker->child, &speech, &e);
	if (result == 0)
		return;
	if (result == ERR_NET || !sound) {
		speech_done(&speech);
		lose(worker, NULL);
		return;
	}
	stop_waiting(worker);
	if (result == 1)
		succeed(voices, sound, &speech);
	else
		fail(sound, &e);
	remove_failed(voices);
	pump(voices);
}

static int employ(struct worker *worker, struct err *e)
{
	if (worker->child.pid != 0)
		return 0;
	if (speech_start(&worker->child, e) < 0)
		return e->code;
	if (sip_watch(worker->voices->sip, worker->child.channel.fd, take, worker, e) == 0)
		return 0;
	child_kill(&worker->child);
	return e->code;
}

/* One that died while it was idle is replaced once. */
static int ask(struct worker *worker, const struct sound *sound, struct err *e)
{
	char how[64];

	if (employ(worker, e) < 0)
		return e->code;
	int result = speech_ask(&worker->child, sound->lang, sound->text, e);
	if (result != ERR_NET)
		return result;
	dismiss(worker, how, sizeof how);
	return employ(worker, e) < 0 ? e->code : speech_ask(&worker->child, sound->lang, sound->text, e);
}

static struct worker *find_idle(struct voices *voices)
{
	for (size_t i = 0; i < WORKERS; i++)
		if (!voices->workers[i].sound)
			return &voices->workers[i];
	return NULL;
}

static struct sound *find_queued(struct voices *voices)
{
	vec_foreach(&voices->sounds, sound)
		if ((*sound)->state == SOUND_QUEUED)
			return *sound;
	return NULL;
}

static void pump(struct voices *voices)
{
	struct worker *worker;
	struct sound *sound;

	while ((worker = find_idle(voices)) && (sound = find_queued(voices))) {
		struct err e = {0};
		sound->state = SOUND_ASKED;
		worker->sound = sound;
		if (ask(worker, sound, &e) == 0) {
			worker->late = sip_after(voices->sip, SPEECH_WAIT_MS, is_late, worker);
			continue;
		}
		worker->sound = NULL;
		fail(sound, &e);
	}
}

/* ---- for the calls ---- */

struct voices *voices_new(struct sip *sip)
{
	struct voices *voices = mem_zalloc(1, sizeof *voices);

	voices->sip = sip;
	for (size_t i = 0; i < WORKERS; i++)
		voices->workers[i].voices = voices;
	return voices;
}

void voices_free(struct voices *voices)
{
	if (!voices)
		return;
	for (size_t i = 0; i < WORKERS; i++) {
		struct worker *worker = &voices->workers[i];
		stop_waiting(worker);
		if (worker->child.pid != 0)
			(void)sip_watch(voices->sip, worker->child.channel.fd, NULL, NULL, NULL);
		child_kill(&worker->child);
	}
	vec_foreach(&voices->sounds, sound)
		sound_free(*sound);
	vec_done(&voices->sounds);
	free(voices);
}

void voices_want(struct voices *voices, const char *lang, const char *text, voices_ready *ready, void *context)
{
	struct sound *sound = find(voices, lang, text);

	if (sound && sound->state == SOUND_READY) {
		sound->used = ++voices->uses;
		ready(context, &sound->speech, NULL);
		return;
	}
	if (!sound)
		sound = add(voices, lang, text);
	vec_push(&sound->wishes, (struct wish){.ready = ready, .context = context});
	pump(voices);
}

void voices_forget(struct voices *voices, const void *context)
{
	vec_foreach(&voices->sounds, sound) {
		size_t kept = 0;
		vec_foreach(&(*sound)->wishes, wish)
			if (wish->context != context)
				(*sound)->wishes.items[kept++] = *wish;
		(*sound)->wishes.count = kept;
	}
}
