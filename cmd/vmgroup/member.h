/* member.h - members as they are said on the command line: NAME=IMAGE*COUNT, NAME=VM@HOST, GROUP. */
#ifndef VMGROUP_MEMBER_H
#define VMGROUP_MEMBER_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "group.h"
#include "hosts.h"
#include "store.h"
#include "str.h"
#include "vmgroup.h"

struct member {
	char *name; /* of the virtual machine; NULL: a group */
	char *of; /* name of the image or group; of a VM that is to be captured, what its image will be called */
	uint64_t id;      /* of that; GROUP_IMAGE_TO_COME until it was captured */
	uint64_t count;   /* of an image */
	char *vm;         /* to be captured, or NULL */
	const char *host; /* where; borrowed */
	const char *word; /* as it was said; borrowed */
};
struct members {
	struct member *items;
	size_t count, capacity;
	struct hosts hosts;
	bool has_hosts; /* they were read: somebody named one */
};
void members_done(struct members *members);

/*
 * Reads the COUNT words at WORDS, and finds what they name: an exact name, else the beginning of one name only. VM@HOST is the image that was registered
 * from that VM, or one to come. ERR_USAGE, ERR_AMBIGUOUS, ERR_NOT_FOUND, all with the word.
 */
int members_read(const struct options *o, struct store_view *view, char **words, size_t count,
		 struct members *members, struct err *e);
/* Captures what is to come, one after the other. If one fails, those before it stay images, and are named on stderr. */
int members_capture(struct options *o, struct store *store, struct members *members, struct err *e);
/* Behind those that GROUP has; REPLACE: in the place of one of the same name, if there is one. */
void members_add_to(const struct members *members, bool replace, struct group *group);
/* "VERB web=centos9*3 db=db9 group:base", for the log: as much as fits a line. */
void members_describe(const struct members *members, const char *verb, struct str *text);

#endif
