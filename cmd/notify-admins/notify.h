/* notify.h - the options of notify-admins, and its commands: one file each, as its man page has one section each. */
#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "admins.h"
#include "cli.h"
#include "conf.h"
#include "err.h"
#include "letter.h"
#include "vec.h"

struct options {
	struct cli cli;
	struct conf conf;
	struct err *e; /* where a command leaves its message */
	bool all;
	bool dry_run;
	bool force;
	const char *at;
	const char *by;
	const char *channel;
	const char *incident;
	const char *mail;
	const char *note;
	const char *until;
	const char *why;
	int64_t drain_ms;
	int64_t for_ms;
	bool has_for;
	VEC(const char *) hosts; /* of the rehearsal */
};

/* Columns of the listings, for `-o`. */
extern const struct cli_listing admins_listing, incidents_listing, log_listing, silences_listing;

/* Each gets struct options, is run after the settings were read, and returns an err_code with the message in options->e. */
int command_ack(void *context);
int command_admins(void *context);
int command_close(void *context);
int command_import(void *context);
int command_incidents(void *context);
int command_log(void *context);
int command_silence(void *context);
int command_silences(void *context);
int command_test(void *context);
int command_unsilence(void *context);
/* `ack --mail`. */
int acknowledge_by_mail(struct options *o, struct err *e);
/* A mail without its encodings, on standard output: for the eye. */
void show_letter(const struct letter *letter, const char *name, const char *address);
/* A template of the administrator's could not be used: what E says of it. */
void complain_of_template(const struct err *e);
/* `--host H --dry-run`. */
int rehearse(struct options *o, struct err *e);

#endif
