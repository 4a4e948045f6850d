/* hosts.h - hosts(5): the physical hosts, one a line, and the rules of its fields. */
#ifndef VMROLL_HOSTS_H
#define VMROLL_HOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"

enum { HOSTS_CONFIRM_MAX = 8 };

/* One line: `name address libvirt-URI options`. NULL for a field that is `-` or an option that is not given. */
struct host {
	char *name;    /* [A-Za-z0-9._:-]{1,253}; unique in the file */
	char *address; /* IPv4 or IPv6 literal, or a DNS name */
	char *uri;     /* libvirt connection URI, passed through unchanged */
	char *cluster;
	char *manager;                       /* name of the VM that manages this host */
	char *ups;                           /* UPS@SERVER[:PORT]/OUTLET */
	char *mac;                           /* for wake-on-LAN, lower case with colons */
	bool off;                            /* known, not watched */
	uint16_t confirm[HOSTS_CONFIRM_MAX]; /* TCP ports of confirm=tcp:A+B */
	size_t confirm_count;
	unsigned line; /* where it stands in the file, from 1 */
};

struct hosts {
	struct host *items; /* in the order of the file */
	size_t count;
	char *path;
	void *index; /* by name; hosts.c's own */
};

/*
 * Reads the file at PATH. ERR_USAGE with PATH:LINE and what was expected (unknown option,
 * duplicate name, bad field, control character, NUL byte, a last line without a newline: cut short); ERR_ENV
 * if it cannot be read. An empty file is valid. The caller calls hosts_done.
 */
int hosts_read(struct hosts *hosts, const char *path, struct err *e);
void hosts_done(struct hosts *hosts);
/* ERR_USAGE with what was expected if no host can be called TEXT. */
int hosts_check_name(const char *text, struct err *e);
/* The host of that NAME, or NULL; borrowed. */
const struct host *hosts_find(const struct hosts *hosts, const char *name);
/* As hosts_find, but an absent host is ERR_NOT_FOUND with a message naming it and the file. */
int hosts_require(const struct hosts *hosts, const char *name, const struct host **host, struct err *e);
/* Whether a list of its VMs is expected of HOST: it has a URI and is not off. */
bool hosts_is_asked(const struct host *host);

#endif
