/* claim.h - whether a message may go: claimed in the store, or the store waited for long enough. Serves post.c alone. */
#ifndef NOTIFY_CLAIM_H
#define NOTIFY_CLAIM_H

#include <stdbool.h>

#include "post.h"

/* The cells of POST are to be claimed, together with what else is. */
void claim_gather(struct posts *posts, const struct post *post);
/* Hands to the recorder what was gathered. */
void claim_hand_over(struct posts *posts);
/* To be called in each round before claim_allows: watches whether the store gets anything done. */
void claim_look(struct posts *posts);
/* Whether it may be sent now; takes out of it what others have. None may be left. */
bool claim_allows(struct posts *posts, struct post *post);

#endif
