/*
 * notice_kit.h - hosts that died, built by hand, and whom that concerns: what tests of messages begin with.
 */
#ifndef VMROLL_NOTICE_KIT_H
#define VMROLL_NOTICE_KIT_H

#include <stdint.h>

#include "affected.h"
#include "notice.h"
#include "people.h"

enum { KIT_DEATH = 1795145601, /* 2026-11-20 12:33:21 +0900 */ KIT_HOSTS_MAX = 300 };
static const int64_t died = (int64_t)KIT_DEATH * 1000;

/* Cases of hosts with VMs. The time zone is Tokyo's. */
struct world {
	struct incident incidents[KIT_HOSTS_MAX];
	struct affected affected[KIT_HOSTS_MAX];
	struct notice_case cases[KIT_HOSTS_MAX];
	size_t count;
	struct admins admins;
	struct people people;
	struct conf conf;
	struct notices notices;
};
extern struct world world;

/* Of a group of tests, and of each. */
int kit_open(void **state);
int kit_close(void **state);
int kit_begin(void **state);
int kit_end(void **state);
#define KIT_TEST(function) cmocka_unit_test_setup_teardown(function, kit_begin, kit_end)

/* One more host that died, with its list of that moment (WHEN_UNKNOWN: none). */
struct affected *add_host(const char *host, int64_t answered);
/* One of its VMs. Valid until the next. */
struct affected_vm *add_vm(struct affected *affected, const char *name, enum affected_now now);
/* The administrators' list. */
void list(const char *csv);
/* vmroll.conf(5), beside a relay for mail. */
void settings(const char *text);
void with_fallback(void);
/* Builds world.notices anew. */
void build(void);
/* The notice of that person; fails if there is none. */
const struct notice *of(const char *person);

#endif
