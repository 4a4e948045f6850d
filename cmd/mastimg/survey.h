/* survey.h - every VM of some hosts, asked in parallel by processes that can be given up. */
#ifndef MASTIMG_SURVEY_H
#define MASTIMG_SURVEY_H

#include <stdbool.h>
#include <stddef.h>

#include "conf.h"
#include "err.h"
#include "hosts.h"
#include "image.h"
#include "vec.h"
#include "vm.h"

struct surveyed {
	const struct host *host;  /* borrowed from the hosts that were asked */
	struct vm vm;             /* os and disk_bytes are known only where XML_KNOWN */
	struct image_texts paths; /* of its disks */
};

struct survey {
	VEC(struct surveyed) vms; /* by host in the order in which they were given, then by name */
	VEC(const struct host *) failed;
	VEC(char *) reasons; /* of each that failed */
	size_t asked;
};
void survey_done(struct survey *survey);

/*
 * Asks the COUNT hosts, each within conf->snapshot.host_deadline_ms (at least ten seconds). DETAILED: also the XML of
 * each VM, for its system, size and paths. Hosts that fail are no error: survey->failed.
 */
int survey_hosts(const struct conf *conf, const struct host *const *hosts, size_t count, bool detailed,
		 struct survey *survey, struct err *e);

/* Names each host that failed on stderr. ERR_PARTIAL if there was any, ERR_ENV if none answered; with an empty message. */
int survey_report(const struct survey *survey, struct err *e);

/*
 * The only VM of that exact name, or else UUID, on any of HOSTS that is asked for its VMs; *HOST is where. ERR_NOT_FOUND; ERR_AMBIGUOUS
 * names the hosts; ERR_NET: not found, but some hosts did not answer.
 */
int survey_find(const struct conf *conf, const struct hosts *hosts, const char *vm, const struct host **host,
		struct err *e);

#endif
