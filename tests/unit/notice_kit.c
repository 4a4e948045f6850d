/* notice_kit.c - hosts that died, built by hand, and whom that concerns: what tests of messages begin with. */
#include "config.h"

#include <time.h>

#include "unit.h"

#include "mem.h"
#include "notice_kit.h"
#include "scratch.h"
#include "vec.h"
#include "when.h"

struct world world;

int kit_begin(void **state)
{
	(void)state;
	world = (struct world){0};
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	return 0;
}

int kit_end(void **state)
{
	(void)state;
	notices_done(&world.notices);
	for (size_t i = 0; i < world.count; i++) {
		incident_done(&world.incidents[i]);
		affected_done(&world.affected[i]);
	}
	people_done(&world.people);
	admins_done(&world.admins);
	conf_done(&world.conf);
	return 0;
}

int kit_open(void **state)
{
	return scratch_open(state);
}

int kit_close(void **state)
{
	return scratch_close(state);
}

struct affected *add_host(const char *host, int64_t answered)
{
	struct incident *incident = &world.incidents[world.count];
	struct affected *affected = &world.affected[world.count];

	*incident = (struct incident){.id = "7K3F",
				      .host = mem_string(host),
				      .at = died,
				      .opened = died,
				      .group = mem_string("7K3F"),
				      .acknowledged = WHEN_UNKNOWN,
				      .closed = WHEN_UNKNOWN,
				      .closing = WHEN_UNKNOWN};
	*affected = (struct affected){.host = mem_string(host),
				      .died = died,
				      .snapshot = answered == WHEN_UNKNOWN ? 0 : 7,
				      .answered = answered};
	world.cases[world.count] = (struct notice_case){incident, affected};
	world.count++;
	return affected;
}

struct affected_vm *add_vm(struct affected *affected, const char *name, enum affected_now now)
{
	affected->vms = mem_resize(affected->vms, affected->count + 1, sizeof *affected->vms);
	struct affected_vm *vm = &affected->vms[affected->count++];

	*vm = (struct affected_vm){.grade = AFFECTED_PROBABLE, .now = now, .now_since = WHEN_UNKNOWN};
	vm->vm.name = mem_string(name);
	vm_uuid_from_name(name, vm->vm.uuid);
	vm->vm.state = VM_RUNNING;
	if (now == AFFECTED_RESTARTED) {
		vm->now_host = mem_string("host2");
		vm->now_since = died + 101000;
	}
	return vm;
}

void list(const char *csv)
{
	struct err e = {0};

	assert_ok(admins_parse(&world.admins, csv, strlen(csv), "list", NULL, NULL, &e), &e);
}

/* Beside a relay for mail. */
void settings(const char *text)
{
	cleanup(cleanup_mem) char *all = mem_format("smtp { url = \"smtp://m\" }\n%s\n", text);
	struct err e = {0};

	conf_done(&world.conf);
	scratch_write(all, strlen(all));
	assert_ok(conf_read(&world.conf, scratch_path, &e), &e);
}

void build(void)
{
	notices_done(&world.notices);
	people_done(&world.people);
	if (!world.conf.path)
		settings("");
	people_build(&world.people, &world.admins, &world.conf);
	notices_build(&world.notices, world.cases, world.count, &world.admins, &world.people, &world.conf);
}

void with_fallback(void)
{
	settings("notify { fallback = \"Ops@example.org\" }");
}

const struct notice *of(const char *person)
{
	const struct notice *notice = notices_find(&world.notices, person);

	if (!notice)
		fail_msg("%s hears nothing", person);
	return notice;
}
