/* domxml_rewrite_private.h - what the parts of domxml_rewrite share. */
#ifndef VMROLL_DOMXML_REWRITE_PRIVATE_H
#define VMROLL_DOMXML_REWRITE_PRIVATE_H

#include "domxml_private.h"
#include "domxml_rewrite.h"
#include "map.h"

/* Takes out of a <domain> what only a running one has, or what is made anew each time. */
void domxml_strip_life(xmlNode *root);

struct rewriting {
	const struct domxml_change *change;
	const struct domxml *old;
	bool *used;        /* by disk of the change */
	size_t nic;        /* the next */
	VEC(char *) lines; /* of what is kept */
	struct map *told;  /* the same, to find them */
};

/* One line of what is kept, unless it is there. KIND: "serial"; WHAT may be hostile, NULL is nothing to tell. */
void domxml_keep(struct rewriting *rewriting, const char *kind, const char *what);
/* The file in this attribute gets the new domain's name where its name has the old one's, else it is kept. */
void domxml_rename_file(struct rewriting *rewriting, xmlNode *node, const char *attribute, const char *kind);
/* Whatever in NODE and below is a file of the host is kept: values that are a path, or hold one after '='. */
void domxml_keep_files(struct rewriting *rewriting, const xmlNode *node, const char *kind);

/* Each turns one device into that of the new domain. The first two: ERR_USAGE, ERR_CORRUPT; a disk may be removed. */
int domxml_rewrite_disk(struct rewriting *rewriting, xmlNode *disk, struct err *e);
int domxml_rewrite_interface(struct rewriting *rewriting, xmlNode *interface, struct err *e);
void domxml_rewrite_line(struct rewriting *rewriting, xmlNode *line); /* serial, console, channel, … */
void domxml_rewrite_graphics(struct rewriting *rewriting, xmlNode *graphics);
void domxml_rewrite_hostdev(struct rewriting *rewriting, xmlNode *hostdev);
void domxml_rewrite_tpm(struct rewriting *rewriting, xmlNode *tpm);
void domxml_rewrite_vsock(struct rewriting *rewriting, xmlNode *vsock);
void domxml_rewrite_filesystem(struct rewriting *rewriting, xmlNode *filesystem);
void domxml_rewrite_shmem(struct rewriting *rewriting, xmlNode *shmem);

#endif
