/* trial_voice.h - a trial call. */
#ifndef NOTIFY_TRIAL_VOICE_H
#define NOTIFY_TRIAL_VOICE_H

#include "err.h"
#include "notify.h"

/*
 * Calls PERSON, somebody of the list or the settings (by name, mail address or telephone), a number or a sip: URI, and
 * says a trial message; in a dry run shows it. 0: a key was pressed; ERR_NOT_FOUND: nobody of that name, or the
 * call ended without a key, and how; ERR_USAGE, ERR_NET or ERR_PERMANENT: nobody could be called.
 */
int trial_voice(struct options *o, const char *person, struct err *e);

#endif
