/* people.c - who is who: the administrators' list and the settings, joined person by person. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "map.h"
#include "mem.h"
#include "people.h"
#include "str.h"
#include "vec.h"

struct group {
	char *name;
	VEC(size_t) members; /* indices of persons */
};

/* Of who stands in notify.copy alone. */
struct copy_policy {
	struct conf_policy policy;
	struct conf_step step;
	struct conf_way way;
};

struct people_index {
	struct map *by_key;   /* to the index of the person, plus one */
	struct map *by_group; /* to the group */
	VEC(struct group *) groups;
	VEC(struct copy_policy *) copies;
};

static char *lower(const char *text)
{
	char *copy = mem_string(text);

	for (char *c = copy; *c; c++)
		*c = (char)tolower((unsigned char)*c);
	return copy;
}

static bool is_uri(const char *phone)
{
	return str_starts(phone, "sip:");
}

static bool is_email(const char *key)
{
	return strchr(key, '@') && !is_uri(key);
}

/* ---- building ---- */

static struct person *find_or_add(struct people *people, const char *key)
{
	struct map *by_key = people->index->by_key;
	size_t place = (size_t)(uintptr_t)map_find(by_key, key, strlen(key));

	if (place > 0)
		return &people->items[place - 1];
	struct person *person = vec_push_zero(people);
	person->key = mem_string(key);
	person->quiet_from = person->quiet_to = -1;
	map_add(by_key, person->key, strlen(person->key), (void *)(uintptr_t)people->count);
	return person;
}

static void set_if_unknown(char **field, const char *value)
{
	if (!*field && value && *value)
		*field = mem_string(value);
}

static void set_if_said(char **field, const char *value)
{
	if (value)
		mem_replace(field, value);
}

static void add_groups(struct person *person, const struct conf_list *groups)
{
	for (size_t i = 0; i < groups->count; i++) {
		bool known = false;
		for (size_t j = 0; j < person->groups.count; j++)
			known = known || str_equal(person->groups.items[j], groups->items[i]);
		if (!known)
			conf_list_take(&person->groups, mem_string(groups->items[i]));
	}
}

/* Until all is known, the name of the policy stands in unknown_policy. */
static void add_row(struct people *people, const struct admin *admin)
{
	cleanup(cleanup_mem) char *key = admins_person(admin);
	struct person *person = find_or_add(people, key);

	set_if_unknown(&person->name, admin->admin);
	set_if_unknown(&person->email, admin->email);
	set_if_unknown(&person->phone, admin->phone);
	set_if_unknown(&person->voice_lang, admin->voice_lang);
	set_if_unknown(&person->unknown_policy, admin->policy);
	add_groups(person, &admin->groups);
}

/* Who is known by an address has it, if nothing else was said. */
static struct person *add_address(struct people *people, const char *address)
{
	bool by_mail = is_email(address);
	cleanup(cleanup_mem) char *key = by_mail ? lower(address) : mem_string(address);
	struct person *person = find_or_add(people, key);

	set_if_unknown(by_mail ? &person->email : &person->phone, address);
	return person;
}

static void add_configured(struct people *people, const struct conf_person *configured)
{
	struct person *person = find_or_add(people, configured->key);

	set_if_said(&person->name, configured->name);
	set_if_said(&person->email, configured->email);
	set_if_said(&person->phone, configured->phone);
	set_if_said(&person->voice_lang, configured->voice_lang);
	set_if_said(&person->unknown_policy, configured->policy);
	add_groups(person, &configured->groups);
	person->quiet_from = configured->quiet_from;
	person->quiet_to = configured->quiet_to;
	person->mail_only = configured->mail_only;
	add_address(people, configured->key);
}

static void add_named(struct people *people, const struct conf_policy *policy)
{
	for (size_t i = 0; i < policy->step_count; i++)
		for (size_t j = 0; j < policy->steps[i].to.count; j++) {
			const char *to = policy->steps[i].to.items[j];
			if (!str_starts(to, "group:") && !str_equal(to, "fallback"))
				add_address(people, to);
		}
}

/* The name in ITEM is that of a webhook or command, or ITEM is a mail address. */
static void add_copy(struct people *people, const char *item)
{
	size_t known = people->count;
	bool by_mail = is_email(item);
	struct person *person = by_mail ? add_address(people, item) : find_or_add(people, item);

	if (people->count == known)
		return;
	struct copy_policy *copy = mem_zalloc(1, sizeof *copy);
	copy->way.channel = by_mail ? CONF_MAIL : str_starts(item, "webhook:") ? CONF_WEBHOOK : CONF_COMMAND;
	copy->way.name = by_mail ? NULL : strchr(person->key, ':') + 1;
	copy->step.ways = &copy->way;
	copy->step.way_count = 1;
	copy->policy = (struct conf_policy){.name = person->key, .steps = &copy->step, .step_count = 1};
	person->policy = &copy->policy;
	vec_push(&people->index->copies, copy);
}

static void add_all(struct people *people, const struct admins *admins, const struct conf *conf)
{
	for (size_t i = 0; admins && i < admins->count; i++)
		add_row(people, &admins->items[i]);
	for (size_t i = 0; i < conf->person_count; i++)
		add_configured(people, &conf->persons[i]);
	for (size_t i = 0; i < conf->notify.fallback.count; i++)
		add_address(people, conf->notify.fallback.items[i]);
	for (size_t i = 0; i < conf->policy_count; i++)
		add_named(people, &conf->policies[i]);
	for (size_t i = 0; i < conf->notify.copy.count; i++)
		add_copy(people, conf->notify.copy.items[i]);
}

static void choose_policy(struct person *person, const struct conf *conf)
{
	const struct conf_policy *own = conf_find_policy(conf, person->unknown_policy);

	if (own)
		mem_replace(&person->unknown_policy, NULL);
	if (!person->policy)
		person->policy = own ? own : conf_find_policy(conf, conf->notify.policy);
}

static void join_groups(struct people *people, size_t place)
{
	const struct person *person = &people->items[place];
	struct people_index *index = people->index;

	for (size_t i = 0; i < person->groups.count; i++) {
		const char *name = person->groups.items[i];
		struct group *group = map_find(index->by_group, name, strlen(name));
		if (!group) {
			group = mem_zalloc(1, sizeof *group);
			group->name = mem_string(name);
			map_add(index->by_group, group->name, strlen(group->name), group);
			vec_push(&index->groups, group);
		}
		vec_push(&group->members, place);
	}
}

void people_build(struct people *people, const struct admins *admins, const struct conf *conf)
{
	*people = (struct people){.index = mem_zalloc(1, sizeof *people->index)};
	people->index->by_key = map_new();
	people->index->by_group = map_new();
	add_all(people, admins, conf);
	for (size_t i = 0; i < people->count; i++) {
		set_if_unknown(&people->items[i].voice_lang, conf->sip.voice_lang);
		choose_policy(&people->items[i], conf);
		join_groups(people, i);
	}
}

static void index_free(struct people_index *index)
{
	if (!index)
		return;
	map_free(index->by_key);
	map_free(index->by_group);
	vec_foreach(&index->groups, group) {
		free((*group)->name);
		vec_done(&(*group)->members);
		free(*group);
	}
	vec_done(&index->groups);
	vec_foreach(&index->copies, copy)
		free(*copy);
	vec_done(&index->copies);
	free(index);
}

void people_done(struct people *people)
{
	vec_foreach(people, person) {
		free(person->key);
		free(person->name);
		free(person->email);
		free(person->phone);
		free(person->voice_lang);
		free(person->unknown_policy);
		conf_list_done(&person->groups);
	}
	vec_done(people);
	index_free(people->index);
	*people = (struct people){0};
}

/* ---- asking ---- */

const struct person *people_find(const struct people *people, const char *key)
{
	size_t place = people->index ? (size_t)(uintptr_t)map_find(people->index->by_key, key, strlen(key)) : 0;

	return place > 0 ? &people->items[place - 1] : NULL;
}

const struct person *people_find_address(const struct people *people, const char *address)
{
	cleanup(cleanup_mem) char *key = is_email(address) ? lower(address) : mem_string(address);
	const struct person *found = people_find(people, key);

	for (size_t i = 0; i < people->count && !found; i++)
		if (people->items[i].email && strcasecmp(people->items[i].email, address) == 0)
			found = &people->items[i];
	return found;
}

const struct person *people_next_of(const struct people *people, const char *group, size_t *place)
{
	const struct group *of = people->index ? map_find(people->index->by_group, group, strlen(group)) : NULL;

	if (!of || *place >= of->members.count)
		return NULL;
	return &people->items[of->members.items[(*place)++]];
}
