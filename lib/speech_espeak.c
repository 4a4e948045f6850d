/* speech_espeak.c - synthesis by espeak-ng, in this process. */
#include "config.h"

#include <errno.h>
#include <espeak-ng/espeak_ng.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mem.h"
#include "speech_private.h"
#include "vec.h"

/* Slower than its usual 175 words a minute: for people who were just woken, over a telephone. */
enum { WORDS_A_MINUTE = 150 };

bool speech_is_built(void)
{
	return true;
}

/* ---- what the library prints is an error's text, not output of ours ---- */

struct hush {
	int file, saved;
};

static struct hush hush_begin(void)
{
	struct hush hush = {.file = memfd_create("speech", MFD_CLOEXEC),
			    .saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1)};

	if (hush.file >= 0 && hush.saved >= 0)
		dup2(hush.file, STDERR_FILENO);
	return hush;
}

/* TEXT: the first line of what was printed, "" if nothing was. */
static void hush_end(struct hush *hush, char *text, size_t size)
{
	ssize_t length = -1;

	text[0] = '\0';
	if (hush->saved >= 0)
		dup2(hush->saved, STDERR_FILENO);
	if (hush->file >= 0)
		length = pread(hush->file, text, size - 1, 0);
	text[length > 0 ? length : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	cleanup_fd(&hush->saved);
	cleanup_fd(&hush->file);
}

/* ---- the library ---- */

static int explain(espeak_ng_STATUS status, struct err *e)
{
	char text[256];

	espeak_ng_GetStatusCodeMessage(status, text, sizeof text);
	return err_set(e, ERR_ENV, "espeak-ng: %s", text);
}

/* Opening its output, which is needed though nothing is played, it would look for the sound server of whoever runs this. */
static void keep_from_sound_server(void)
{
	setenv("PULSE_SERVER", "unix:/dev/null", 1);
	setenv("HOME", "/nonexistent", 1);
}

static espeak_ng_STATUS initialise(void)
{
	espeak_ng_ERROR_CONTEXT context = NULL;

	keep_from_sound_server();
	espeak_ng_InitializePath(NULL);
	espeak_ng_STATUS status = espeak_ng_Initialize(&context);
	espeak_ng_ClearErrorContext(&context);
	if (status == ENS_OK)
		status = espeak_ng_InitializeOutput(ENOUTPUT_MODE_SYNCHRONOUS, 0, NULL);
	if (status == ENS_OK)
		status = espeak_ng_SetParameter(espeakRATE, WORDS_A_MINUTE, 0);
	/* Makes the list, which takes longest. */
	if (status == ENS_OK)
		espeak_ListVoices(NULL);
	return status;
}

int speech_begin(struct err *e)
{
	static bool begun;
	const char *path;
	char printed[256];

	if (begun)
		return 0;
	struct hush hush = hush_begin();
	espeak_ng_STATUS status = initialise();
	hush_end(&hush, printed, sizeof printed);
	begun = status == ENS_OK;
	if (begun)
		return 0;
	explain(status, e);
	espeak_Info(&path);
	return err_wrap(e, "the data of espeak-ng in %s (package espeak-ng-data)", path);
}

/* ---- voices ---- */

/* Of each voice `languages` is a list: a byte of priority (less is better), the name, NUL; at the end NUL. 0: not that language. */
static unsigned char speaks(const espeak_VOICE *voice, const char *lang)
{
	for (const char *item = voice->languages; *item; item += strlen(item) + 1)
		if (strcasecmp(item + 1, lang) == 0)
			return (unsigned char)*item;
	return 0;
}

static bool is_called(const espeak_VOICE *voice, const char *name)
{
	const char *file = strrchr(voice->identifier, '/');

	return strcasecmp(voice->name, name) == 0 || strcasecmp(file ? file + 1 : voice->identifier, name) == 0;
}

static const espeak_VOICE *find_voice(const char *lang)
{
	const espeak_VOICE **voices = espeak_ListVoices(NULL);
	const espeak_VOICE *best = NULL;
	unsigned char best_priority = 0;

	for (size_t i = 0; voices[i]; i++) {
		unsigned char priority = speaks(voices[i], lang);
		if (strncmp(voices[i]->identifier, "mb/", 3) == 0)
			continue;
		if (priority != 0 && (!best || priority < best_priority)) {
			best = voices[i];
			best_priority = priority;
		}
	}
	for (size_t i = 0; voices[i] && !best; i++)
		if (strncmp(voices[i]->identifier, "mb/", 3) != 0 && is_called(voices[i], lang))
			best = voices[i];
	return best;
}

static bool has_variant(const char *variant)
{
	espeak_VOICE wanted = {.languages = "variant"};
	const espeak_VOICE **voices = espeak_ListVoices(&wanted);

	for (size_t i = 0; voices[i]; i++)
		if (is_called(voices[i], variant))
			return true;
	return false;
}

static int unknown(const char *lang, struct err *e)
{
	return err_set(e, ERR_USAGE, "%s is no language of espeak-ng (espeak-ng --voices lists them)", lang);
}

static int select_voice(const char *lang, struct err *e)
{
	char name[SPEECH_LANG_MAX + 1], file[128];

	snprintf(name, sizeof name, "%s", lang);
	char *variant = strchr(name, '+');
	if (variant)
		*variant++ = '\0';
	const espeak_VOICE *voice = find_voice(name);
	if (!voice)
		return unknown(lang, e);
	snprintf(file, sizeof file, "%s%s%s", voice->identifier, variant ? "+" : "", variant ? variant : "");
	/* Listing variants replaces the list that VOICE is of. */
	if (variant && !has_variant(variant))
		return unknown(lang, e);
	espeak_ng_STATUS status = espeak_ng_SetVoiceByName(file);
	return status == ENS_OK ? 0 : explain(status, e);
}

int speech_voice(const char *lang, struct err *e)
{
	char printed[256];

	if (speech_check_form(lang, e) < 0 || speech_begin(e) < 0)
		return e->code;
	struct hush hush = hush_begin();
	int result = select_voice(lang, e);
	hush_end(&hush, printed, sizeof printed);
	/* Without its dictionary a voice is no failure to the library, but nobody would understand it. */
	if (result == 0 && printed[0] != '\0')
		return err_set(e, ERR_ENV, "espeak-ng: %s: %s", lang, printed);
	return result;
}

/* ---- synthesis ---- */

struct capture {
	int16_t *items;
	size_t count, capacity;
	unsigned rate;
};

/* The library's callback has no context of the caller's before the first event. */
static struct capture *capture;

static int take_samples(short *samples, int count, espeak_EVENT *events)
{
	for (; events && events->type != espeakEVENT_LIST_TERMINATED; events++)
		if (events->type == espeakEVENT_SAMPLERATE)
			capture->rate = (unsigned)events->id.number;
	if (!samples || count <= 0)
		return 0;
	vec_reserve(capture, capture->count + (size_t)count);
	memcpy(capture->items + capture->count, samples, (size_t)count * sizeof *samples);
	capture->count += (size_t)count;
	return capture->count > (size_t)SPEECH_SECONDS_MAX * capture->rate;
}

static void capture_done(struct capture *taken)
{
	vec_done(taken);
}

static espeak_ng_STATUS synthesise(const struct str *text, struct capture *taken)
{
	char printed[256];

	capture = taken;
	espeak_SetSynthCallback(take_samples);
	struct hush hush = hush_begin();
	espeak_ng_STATUS status = espeak_ng_Synthesize(str_text(text), text->length + 1, 0, POS_CHARACTER, 0,
						       espeakCHARS_UTF8 | espeakENDPAUSE, NULL, NULL);
	hush_end(&hush, printed, sizeof printed);
	capture = NULL;
	return status;
}

int speech_say(const char *lang, const char *text, struct speech *speech, struct err *e)
{
	cleanup(str_done) struct str clean = {0};
	cleanup(capture_done) struct capture taken = {0};

	if (speech_voice(lang, e) < 0)
		return e->code;
	speech_clean(text, &clean);
	taken.rate = (unsigned)espeak_ng_GetSampleRate();
	espeak_ng_STATUS status = synthesise(&clean, &taken);
	if (status != ENS_OK && status != ENS_SPEECH_STOPPED)
		return explain(status, e);
	return speech_to_telephone(taken.items, taken.count, taken.rate, speech, e);
}
