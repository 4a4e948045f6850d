/* notice.c - who must hear what: joins what died with the administrators' list, person by person. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "mem.h"
#include "notice.h"
#include "vec.h"

/* Of one VM; more rows than these are no people. */
enum { PEOPLE_MAX = 64 };

struct join {
	struct notices *notices;
	const struct admins *admins;
	const struct conf_list *fallback;
	struct map *by_person; /* to the index of its notice, plus one */
};

static char *lower(const char *text)
{
	char *copy = mem_string(text);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static struct notice *find_or_add(struct join *join, const char *person, const char *name, const char *address)
{
	struct notices *notices = join->notices;
	size_t place = (size_t)(uintptr_t)map_find(join->by_person, person, strlen(person));

	if (place > 0)
		return &notices->items[place - 1];
	struct notice *notice = vec_push_zero(notices);
	notice->person = mem_string(person);
	notice->name = mem_string(name);
	notice->address = mem_string(address);
	notice->concerned = mem_zalloc(notices->case_count, sizeof *notice->concerned);
	map_add(join->by_person, notice->person, strlen(notice->person), (void *)(uintptr_t)notices->count);
	return notice;
}

static void tell_fallback(struct join *join, size_t incident, const struct notice_item *item)
{
	if (join->fallback->count == 0)
		join->notices->untold++;
	for (size_t i = 0; i < join->fallback->count; i++) {
		cleanup(cleanup_mem) char *person = lower(join->fallback->items[i]);
		struct notice *notice = find_or_add(join, person, NULL, join->fallback->items[i]);
		notice->fallback = true;
		notice->concerned[incident] = true;
		if (item)
			vec_push(notice, *item);
	}
}

static void tell_admin(struct join *join, const struct notice_item *item, const struct admin *admin)
{
	cleanup(cleanup_mem) char *person = admins_person(admin);
	bool named = admin->admin && *admin->admin;
	struct notice *notice = find_or_add(join, person, named ? admin->admin : NULL, admin->email);

	notice->concerned[item->incident] = true;
	vec_push(notice, *item);
}

static void join_vm(struct join *join, size_t incident, const struct affected_vm *vm)
{
	const struct notice_case *at = &join->notices->cases[incident];
	const struct admin *people[PEOPLE_MAX];
	struct notice_item item = {.incident = incident, .vm = vm};
	size_t told = 0;
	size_t count = join->admins ? admins_of(join->admins, vm->vm.uuid, vm->vm.name, at->incident->host,
						people, PEOPLE_MAX)
				    : 0;

	for (size_t i = 0; i < count && i < PEOPLE_MAX; i++)
		if (people[i]->email) {
			item.process = people[i]->process;
			tell_admin(join, &item, people[i]);
			told++;
		}
	if (told > 0)
		return;
	item.reason = count > 0 ? NOTICE_NO_MAIL : NOTICE_NOBODY;
	item.unreachable = count > 0 ? people[0] : NULL;
	item.process = count > 0 ? people[0]->process : NULL;
	tell_fallback(join, incident, &item);
}

/* A person is listed twice for a VM (by name and by UUID, say): once is enough. */
static void drop_doubles(struct notice *notice)
{
	size_t kept = 0;

	for (size_t i = 0; i < notice->count; i++) {
		bool seen = kept > 0 && notice->items[kept - 1].vm == notice->items[i].vm;
		if (seen && !notice->items[kept - 1].process)
			notice->items[kept - 1].process = notice->items[i].process;
		if (!seen)
			notice->items[kept++] = notice->items[i];
	}
	notice->count = kept;
}

static void join_cases(struct join *join)
{
	for (size_t i = 0; i < join->notices->case_count; i++) {
		const struct affected *affected = join->notices->cases[i].affected;
		if (!affected || affected->count == 0)
			tell_fallback(join, i, NULL);
		for (size_t j = 0; affected && j < affected->count; j++)
			join_vm(join, i, &affected->vms[j]);
	}
}

static int fallback_last(const void *a, const void *b)
{
	const struct notice *left = a;
	const struct notice *right = b;

	if (left->fallback != right->fallback)
		return left->fallback ? 1 : -1;
	return strcmp(left->person, right->person);
}

void notices_build(struct notices *notices, const struct notice_case *cases, size_t case_count,
		   const struct admins *admins, const struct conf_list *fallback)
{
	*notices = (struct notices){.cases = cases, .case_count = case_count};
	struct join join = {notices, admins, fallback, map_new()};

	join_cases(&join);
	map_free(join.by_person);
	vec_foreach(notices, notice)
		drop_doubles(notice);
	if (notices->count > 1)
		qsort(notices->items, notices->count, sizeof *notices->items, fallback_last);
}

void notices_done(struct notices *notices)
{
	vec_foreach(notices, notice) {
		free(notice->person);
		free(notice->name);
		free(notice->address);
		free(notice->concerned);
		vec_done(notice);
	}
	vec_done(notices);
}

const struct notice *notices_find(const struct notices *notices, const char *person)
{
	vec_foreach(notices, notice)
		if (strcmp(notice->person, person) == 0)
			return notice;
	return NULL;
}

bool notice_is_back(const struct affected_vm *vm)
{
	return vm->now == AFFECTED_RESTARTED || vm->now == AFFECTED_BACK || vm->grade == AFFECTED_MOVED;
}

bool notice_is_complete(const struct notice *notice)
{
	vec_foreach(notice, item)
		if (!notice_is_back(item->vm))
			return false;
	return notice->count > 0;
}
