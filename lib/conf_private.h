/* conf_private.h - what the parts of conf share: the sections with a title. */
#ifndef VMROLL_CONF_PRIVATE_H
#define VMROLL_CONF_PRIVATE_H

#include "conf.h"
#include "conf_source.h"
#include "err.h"

/* Each reads the section at PLACE and appends it to CONF. ERR_USAGE with PATH:LINE. */
int conf_policy_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e);
int conf_person_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e);
int conf_webhook_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e);
int conf_command_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e);

/* Adds the shipped policies that CONF does not have. */
int conf_policy_ship(struct conf *conf, struct err *e);

/* Whether each name leads somewhere, once all are read. ERR_USAGE with PATH:LINE. */
int conf_policy_check(const struct conf *conf, const struct conf_source *source, struct err *e);
int conf_person_check(const struct conf *conf, const struct conf_source *source, struct err *e);
int conf_copy_check(const struct conf *conf, const struct conf_source *source, struct err *e);

void conf_policies_done(struct conf *conf);
void conf_persons_done(struct conf *conf);
void conf_receivers_done(struct conf *conf);

#endif
