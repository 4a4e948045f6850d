/* store_folder.h - the folder that a store lives in: its modes, and on what file system it lies. */
#ifndef VMROLL_STORE_FOLDER_H
#define VMROLL_STORE_FOLDER_H

#include <stdbool.h>

#include "err.h"

/* Modes of the store whatever the umask is: readers must be able to write the lock file. */
enum { FOLDER_MODE = 02770, FOLDER_DATA_MODE = 0640, FOLDER_LOCK_MODE = 0660 };

/* The name of the network file system that TYPE (f_type of statfs(2)) stands for; NULL: it is none. */
const char *folder_network_name(unsigned long type);

/*
 * Opens FOLDER (absolute), made first if CREATE and it is missing; the caller
 * closes *FD. ERR_USAGE: not an absolute path. ERR_ENV: missing, not a
 * folder, permission, or on a network file system, where neither locks nor
 * maps hold.
 */
int folder_open(const char *folder, bool create, int *fd, struct err *e);
/* Opens NAME in it, made with MODE if it is missing, whatever the umask is; the caller closes *FD. ERR_ENV, ERR_FULL. */
int folder_open_file(int folder_fd, const char *name, unsigned mode, int *fd, struct err *e);

#endif
