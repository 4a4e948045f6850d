/* reread.h - hosts(5) read again while its hosts are followed. */
#ifndef VMSNAP_REREAD_H
#define VMSNAP_REREAD_H

#include <stdbool.h>

#include "conf.h"
#include "hosts.h"

/*
 * Reads the list of CONF again; true with *FRESH, the caller's, if it says other than NOW. One that
 * is bad or empty is told, and is false: a file that is being written must not end the life of any host.
 */
bool reread_hosts(const struct conf *conf, const struct hosts *now, struct hosts *fresh);

#endif
