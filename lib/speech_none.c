/* speech_none.c - in place of espeak-ng where vmroll was built without it. */
#include "config.h"

#include "speech_private.h"

bool speech_is_built(void)
{
	return false;
}

static int missing(struct err *e)
{
	return err_set(e, ERR_ENV, "this vmroll was built without espeak-ng and cannot speak");
}

int speech_begin(struct err *e)
{
	return missing(e);
}

int speech_voice(const char *lang, struct err *e)
{
	return speech_check_form(lang, e);
}

int speech_say(const char *lang, const char *text, struct speech *speech, struct err *e)
{
	(void)lang;
	(void)text;
	(void)speech;
	return missing(e);
}
