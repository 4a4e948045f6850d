/*
 * roll_kit.h - snapshots and states of the roll in a small language.
 *
 * "h1=web,db- h2=! h3=? h4:2=" are the hosts of hosts(5): h1 answers with web running and db shut off; h2
 * fails; h3 is not asked ("h3=off": hosts(5) says off; "h3=gate": it gives no URI); h4 answers with no VM and, reinstalled, with its second UUID
 * ("n1:h1=": under a new name). A VM
 * is NAME, NAME- shut off, NAME/N with domain id N, NAME> come by migration. The second UUID of a VM is NAME:2.
 * A name is written as str_escape writes it, and \x2d for its hyphens, \x20 for blanks.
 * A state reads the same, with ! behind a stale host, ~ behind a followed one.
 */
#ifndef VMROLL_ROLL_KIT_H
#define VMROLL_ROLL_KIT_H

#include "roll.h"
#include "store_kit.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE };

/* Identities that follow from a name. */
const unsigned char *roll_kit_host_uuid(const char *name);
const unsigned char *roll_kit_vm_uuid(const char *name);
/* A VM of the language; vm_done by the caller. */
void roll_kit_vm(const char *text, struct vm *vm);

/* Takes a whole snapshot that began at AT; each host answers 1 s after. */
void roll_kit_snap(struct kit *kit, int64_t at, const char *text);
/* The same without its header, as if killed before the end. */
void roll_kit_unfinished(struct kit *kit, int64_t at, const char *text);
/* An event: VM of the language, "-" before it: gone. Returns whether it changed anything. */
bool roll_kit_event(struct kit *kit, const char *host, const char *vm, int64_t at);

/* A follower of its own follows HOST from FROM on, alive at UNTIL; as roll_follow_begin and roll_follow_alive. */
void roll_kit_follow(struct kit *kit, const char *host, int64_t from, int64_t until);

/* What the roll says of AT (WHEN_UNKNOWN: now), in the language; the caller frees. */
char *roll_kit_state(struct kit *kit, int64_t at);
void roll_kit_expect(struct kit *kit, int64_t at, const char *text, int line);
#define expect_state(kit, at, text) roll_kit_expect(kit, at, text, __LINE__)

#endif
