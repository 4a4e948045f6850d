/* tarfile_private.h - what the two halves of tarfile share. */
#ifndef VMROLL_TARFILE_PRIVATE_H
#define VMROLL_TARFILE_PRIVATE_H

#include <archive.h>
#include <archive_entry.h>

#include "tarfile.h"

/* ERR_FULL, ERR_ENV or ERR_CORRUPT with libarchive's message about PATH. */
int tarfile_failed(struct archive *archive, const char *path, struct err *e);

#endif
