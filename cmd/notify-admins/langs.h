/* langs.h - whether the languages that people are to be called in are some that can be spoken. */
#ifndef NOTIFY_LANGS_H
#define NOTIFY_LANGS_H

#include "admins.h"
#include "conf.h"
#include "err.h"

/*
 * Says of each language in the settings that cannot be spoken where it stands. ERR_USAGE if there was any. Without
 * espeak-ng in this build, or without its data, which is said, nothing is checked; so with the next.
 */
int langs_check_settings(const struct conf *conf, struct err *e);
/* The same of each row of ADMINS, until LANGS_BAD_MAX are found: each costs a process. */
int langs_check_list(const struct admins *admins, struct err *e);

enum { LANGS_BAD_MAX = 20 };

#endif
