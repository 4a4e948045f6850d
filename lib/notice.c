/* notice.c - who must hear what: joins what died with the administrators' list, person by person. */
#include "config.h"

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
	const struct people *people;
	const struct conf *conf;
	struct map *by_person; /* to the index of its notice, plus one */
};

static struct notice *find(struct join *join, const struct person *person)
{
	size_t place = (size_t)(uintptr_t)map_find(join->by_person, person->key, strlen(person->key));

	return place > 0 ? &join->notices->items[place - 1] : NULL;
}

static struct notice *find_or_add(struct join *join, const struct person *person)
{
	struct notices *notices = join->notices;
	const char *address = person->email ? person->email : person->phone;
	struct notice *notice = find(join, person);

	if (notice)
		return notice;
	notice = vec_push_zero(notices);
	notice->contact = person;
	notice->person = mem_string(person->key);
	notice->name = mem_string(person->name);
	notice->address = mem_string(address ? address : person->key);
	notice->concerned = mem_zalloc(notices->case_count, sizeof *notice->concerned);
	map_add(join->by_person, notice->person, strlen(notice->person), (void *)(uintptr_t)notices->count);
	return notice;
}

static void tell(struct notice *notice, size_t incident, const struct notice_item *item)
{
	notice->copy = false;
	notice->concerned[incident] = true;
	if (item)
		vec_push(notice, *item);
}

static void tell_fallback(struct join *join, size_t incident, const struct notice_item *item)
{
	const struct conf_list *fallback = &join->conf->notify.fallback;

	if (fallback->count == 0)
		join->notices->untold++;
	for (size_t i = 0; i < fallback->count; i++) {
		struct notice *notice = find_or_add(join, people_find_address(join->people, fallback->items[i]));
		notice->fallback = true;
		tell(notice, incident, item);
	}
}

/* Who hears for another reason too is no mere copy. */
static void tell_copies(struct join *join, size_t incident, const struct notice_item *item)
{
	const struct conf_list *copy = &join->conf->notify.copy;

	for (size_t i = 0; i < copy->count; i++) {
		const struct person *person = people_find_address(join->people, copy->items[i]);
		struct notice *notice = find(join, person);
		bool only = !notice || notice->copy;
		notice = find_or_add(join, person);
		tell(notice, incident, item);
		notice->copy = only;
	}
}

static const struct person *person_of(const struct join *join, const struct admin *admin)
{
	cleanup(cleanup_mem) char *key = admins_person(admin);

	return people_find(join->people, key);
}

static void join_vm(struct join *join, size_t incident, const struct affected_vm *vm)
{
	const struct notice_case *at = &join->notices->cases[incident];
	const struct admin *rows[PEOPLE_MAX];
	struct notice_item item = {.incident = incident, .vm = vm};
	size_t told = 0;
	size_t count = join->admins ? admins_of(join->admins, vm->vm.uuid, vm->vm.name, at->incident->host,
						rows, PEOPLE_MAX)
				    : 0;

	for (size_t i = 0; i < count && i < PEOPLE_MAX; i++) {
		const struct person *person = person_of(join, rows[i]);
		if (!person || !person_is_reachable(person, join->conf))
			continue;
		item.process = rows[i]->process;
		tell(find_or_add(join, person), incident, &item);
		told++;
	}
	item.process = count > 0 ? rows[0]->process : NULL;
	if (told == 0) {
		item.reason = count > 0 ? NOTICE_NO_WAY : NOTICE_NOBODY;
		item.unreachable = count > 0 ? rows[0] : NULL;
		tell_fallback(join, incident, &item);
	}
	item.reason = NOTICE_COPY;
	item.unreachable = NULL;
	tell_copies(join, incident, &item);
}

/* A person is listed twice for a VM (by name and by UUID, say), or would get a copy beside it: the first reason is enough. */
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

/* A case in which no VM is known. */
static void join_bare(struct join *join, size_t incident)
{
	tell_fallback(join, incident, NULL);
	tell_copies(join, incident, NULL);
}

static void join_cases(struct join *join)
{
	for (size_t i = 0; i < join->notices->case_count; i++) {
		const struct affected *affected = join->notices->cases[i].affected;
		if (!affected || affected->count == 0)
			join_bare(join, i);
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
	if (left->copy != right->copy)
		return left->copy ? 1 : -1;
	return strcmp(left->person, right->person);
}

void notices_build(struct notices *notices, const struct notice_case *cases, size_t case_count,
		   const struct admins *admins, const struct people *people, const struct conf *conf)
{
	*notices = (struct notices){.cases = cases, .case_count = case_count};
	struct join join = {notices, admins, people, conf, map_new()};

	join_cases(&join);
	map_free(join.by_person);
	vec_foreach(notices, notice)
		drop_doubles(notice);
	if (notices->count > 1)
		qsort(notices->items, notices->count, sizeof *notices->items, fallback_last);
}

void notice_for_others(struct notice *notice, const struct notices *notices, const char *person,
		       const char *name, const char *address, const struct notice *const *owners, size_t count)
{
	*notice = (struct notice){
		.person = mem_string(person), .name = mem_string(name), .address = mem_string(address)};
	notice->concerned = mem_zalloc(notices->case_count, sizeof *notice->concerned);
	for (size_t i = 0; i < count; i++) {
		for (size_t j = 0; j < notices->case_count; j++)
			notice->concerned[j] |= owners[i]->concerned[j];
		vec_foreach(owners[i], item) {
			vec_push(notice, *item);
			notice->items[notice->count - 1].owner = owners[i];
		}
	}
}

void notice_done(struct notice *notice)
{
	free(notice->person);
	free(notice->name);
	free(notice->address);
	free(notice->concerned);
	vec_done(notice);
}

void notices_done(struct notices *notices)
{
	vec_foreach(notices, notice)
		notice_done(notice);
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
