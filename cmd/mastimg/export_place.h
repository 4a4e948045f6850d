/* export_place.h - where an export goes: under a name of its own until it is complete. */
#ifndef MASTIMG_EXPORT_PLACE_H
#define MASTIMG_EXPORT_PLACE_H

#include "err.h"

/* What PATH, which ends in no slash, is called until it is complete: no other process has that name. The caller frees it. */
char *export_partial(const char *path);
/* Removes what exports to PATH have left whose processes are gone. */
void export_sweep(const char *path);
/* Removes PARTIAL, a file or a folder of files, if it is there. */
void export_remove(const char *partial);
/* PARTIAL becomes PATH, which must not exist, on disk. ERR_ENV. */
int export_publish(const char *partial, const char *path, struct err *e);

#endif
