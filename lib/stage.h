/*
 * stage.h - the journal of operations on the repository: what each is about to make, recorded before it does.
 *
 * Whoever works holds the lock of its stage (a part of one lock file, lock.h); a stage whose lock can be taken is of a
 * process that has ended, and whoever took it (stage_take) removes what it names, then ends it.
 */
#ifndef VMROLL_STAGE_H
#define VMROLL_STAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"
#include "lock.h"
#include "store.h"
#include "str.h"
#include "vec.h"

/* Something on a host that must go again: a volume by path, or a transient pool, and perhaps a backup job. */
struct stage_remote {
	char *host; /* name in hosts(5) */
	char *uri;  /* as it was then */
	char *pool, *volume; /* volume NULL: the transient pool itself; pool NULL: a backup job, by what names of its files begin with */
	unsigned char backup_of[16]; /* the domain whose job it is; all zero: it is no job */
	bool thaw;                   /* its file systems may have been frozen for it */
};

struct stage {
	uint64_t id;         /* of serial.h */
	uint64_t image;      /* the image that it is for; of a registration the same as id */
	uint64_t generation; /* of that image, which is being made */
	char *what;          /* for people: "register web1" */
	char *folder;        /* name below the repository's staging folder; NULL: none */
	char *repository;    /* the setting, as it was then */
	int64_t begun;
	VEC(struct stage_remote) remotes;
};
void stage_done(struct stage *stage);

/*
 * Takes a number for STAGE (unless its id is set; image, if 0, becomes the same), takes its lock and records it. URI is the
 * store's. The caller calls lock_done when it ended. ERR_LOCKED: a stage of that id is being worked at.
 */
int stage_begin(struct store *store, const char *uri, struct stage *stage, struct lock *lock, struct err *e);
/* Records it anew: more remotes. To be called before they are made. */
int stage_update(struct store *store, const struct stage *stage, struct err *e);
/* All that it named is gone, or belongs to somebody. Absent is success. */
int stage_end(struct store *store, uint64_t id, struct err *e);

struct stages {
	struct stage *items;
	size_t count, capacity;
};
void stages_done(struct stages *stages);
int stage_all(struct store_view *view, struct stages *stages, struct err *e);
/*
 * Takes over the stage ID if nobody works at it any more: 1 with *STAGE as it is now (stage_done) and its *LOCK; 0 if
 * somebody does, or it ended meanwhile. A damaged record is ERR_CORRUPT.
 */
int stage_take(struct store *store, const char *uri, uint64_t id, struct stage *stage, struct lock *lock,
	       struct err *e);

/* Record (rec.h). ERR_CORRUPT, ERR_SCHEMA. */
void stage_encode(const struct stage *stage, struct str *out);
int stage_decode(const void *data, size_t length, struct stage *stage, struct err *e);

#endif
