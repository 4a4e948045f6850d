/* news.h - by which ways somebody hears what follows the first notice. */
#ifndef NOTIFY_NEWS_H
#define NOTIFY_NEWS_H

#include <stddef.h>

#include "cells.h"
#include "people.h"
#include "telling.h"

enum { NEWS_WAYS_MAX = 4 };

/*
 * The ways that have reached PERSON for INCIDENT, but the telephone: nobody is called for what needs no answer. Whom the
 * telephone alone has reached hears by mail if CONTACT (who they are; NULL: not known any more) has an address; else of the
 * recovery by a call, and of a follow-up not at all. Returns how many DRAFTS were filled; they borrow from the cells and CONTACT.
 */
size_t news_ways(const struct cells *cells, const struct person *contact, const char *incident,
		 const char *person, enum delivery_kind kind, struct draft drafts[NEWS_WAYS_MAX]);

#endif
