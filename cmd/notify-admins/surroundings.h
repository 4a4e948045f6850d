/*
 * surroundings.h - what the ways to reach people stand on, and whether a death has cut one.
 *
 * A process of its own looks up, again and again, the addresses of the mail relay, the telephone exchange, the
 * registrar and the name servers, and the network cards behind them: once a name server has died a lookup hangs,
 * and a card is not seen any more. What was known last counts; a lookup that fails takes nothing back. Whoever does
 * not wait for the first answer still has what the settings, resolv.conf(5) and /etc/hosts say. Nothing is known of
 * what lies behind a relay or a name server on the loopback, of the SRV records of an exchange, or of the hosts of
 * people's own sip: URIs.
 */
#ifndef NOTIFY_SURROUNDINGS_H
#define NOTIFY_SURROUNDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "affected.h"
#include "conf.h"
#include "dependence.h"
#include "err.h"
#include "hosts.h"
#include "str.h"

struct surroundings;

/* Forks, and waits for nothing. CONF is borrowed by this call only. ERR_ENV. The caller calls surroundings_free. */
int surroundings_start(struct surroundings **surroundings, const struct conf *conf, struct err *e);
void surroundings_free(struct surroundings *surroundings); /* NULL-safe; whatever is being looked up is given up */

/* Readable when there is something to collect; -1: not now. Changes with surroundings_collect. */
int surroundings_fd(const struct surroundings *surroundings);
/* Takes what was found, without waiting. Negative, once, if the process ended: what it knew stays, and a later call starts another. */
int surroundings_collect(struct surroundings *surroundings, struct err *e);
/* Lets it look now, not within a minute. */
int surroundings_look_again(struct surroundings *surroundings, struct err *e);

/*
 * Which channels DEATHS have very likely cut: sets CUT of these (CONF_MAIL, CONF_VOICE; numbered as enum
 * delivery_channel), touches the others not, and appends to WHY the reasons, for people, on one line. A name server
 * counts where the host of a channel is a name, and if all that are configured died. CONF: which VMs the settings name.
 */
void surroundings_judge_all(const struct surroundings *surroundings, const struct conf *conf,
			    const struct dependence_death *deaths, size_t count, bool cut[], struct str *why);
/* The same for one death. DEAD: its line of hosts(5), or NULL. */
void surroundings_judge(const struct surroundings *surroundings, const struct conf *conf,
			const struct host *dead, const struct affected *affected, bool cut[], struct str *why);

#endif
