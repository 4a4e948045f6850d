/* policy.c - when whom by which way: the turns of an escalation. */
#include "config.h"

#include <string.h>

#include "policy.h"
#include "str.h"

bool policy_turn(const struct conf_policy *policy, unsigned number, struct turn *turn)
{
	unsigned steps = (unsigned)policy->step_count;
	unsigned round = number / steps;

	if (round > 0 && policy->repeat_ms == 0)
		return false;
	const struct conf_step *what = &policy->steps[number % steps];
	*turn = (struct turn){.number = number,
			      .step = number % steps + 1,
			      .round = round,
			      .after_ms = (int64_t)round * policy->repeat_ms + what->after_ms,
			      .what = what};
	return true;
}

static bool reaches(const struct turn *turn, const struct person *person, const struct conf *conf)
{
	for (size_t i = 0; i < turn->what->way_count; i++)
		if (person_has(person, conf, turn->what->ways[i].channel))
			return true;
	return false;
}

bool policy_first_turn(const struct person *person, const struct conf *conf, struct turn *first)
{
	static struct conf_way mail = {.channel = CONF_MAIL};
	static const struct conf_step by_mail = {.ways = &mail, .way_count = 1};

	for (unsigned number = 0; number < person->policy->step_count; number++)
		if (policy_turn(person->policy, number, first) && first->what->to.count == 0 &&
		    reaches(first, person, conf))
			return true;
	*first = (struct turn){.number = POLICY_NO_TURN, .what = &by_mail};
	return person_has(person, conf, CONF_MAIL);
}

/* Goes through all that `to` names, doubles and all. */
struct walk {
	const struct people *people;
	const struct conf *conf;
	const struct person *owner;
	const struct conf_list *to;
	size_t item;  /* of `to` */
	size_t inner; /* in it, where it is several */
};

/* The next of the item where the walk stands; NULL: it has no more. */
static const struct person *next_of_item(struct walk *walk, const char *to)
{
	const struct conf_list *fallback = &walk->conf->notify.fallback;

	if (str_starts(to, "group:"))
		return people_next_of(walk->people, to + strlen("group:"), &walk->inner);
	if (str_equal(to, "fallback"))
		return walk->inner < fallback->count
			       ? people_find_address(walk->people, fallback->items[walk->inner++])
			       : NULL;
	return walk->inner++ == 0 ? people_find(walk->people, to) : NULL;
}

static const struct person *next(struct walk *walk)
{
	if (walk->to->count == 0)
		return walk->item++ == 0 ? walk->owner : NULL;
	for (; walk->item < walk->to->count; walk->item++, walk->inner = 0) {
		const struct person *person = next_of_item(walk, walk->to->items[walk->item]);
		if (person)
			return person;
	}
	return NULL;
}

/* Whether PERSON, who comes as number PLACE, has come before. */
static bool came_before(struct walk walk, const struct person *person, size_t place)
{
	for (size_t i = 0; i < place; i++)
		if (next(&walk) == person)
			return true;
	return false;
}

const struct person *policy_next_person(const struct people *people, const struct conf *conf,
					const struct person *owner, const struct turn *turn, size_t *place)
{
	const struct walk begin = {people, conf, owner, &turn->what->to, 0, 0};
	struct walk walk = begin;
	const struct person *person;

	for (size_t i = 0; i < *place; i++)
		next(&walk);
	while ((person = next(&walk)) != NULL)
		if (!came_before(begin, person, (*place)++))
			return person;
	return NULL;
}
