/* turn.c - one person's turns: what their policy says, who it reaches, and what of that is still missing. */
#include "config.h"

#include "policy.h"
#include "standing.h"
#include "telling.h"
#include "vec.h"
#include "when.h"

static bool is_own(const struct turn *turn)
{
	return turn->what->to.count == 0;
}

static bool first_turn(const struct course *course, struct turn *first)
{
	return policy_first_turn(course->notice->contact, course->telling->state->conf, first);
}

/* ---- whether it still goes on ---- */

static bool goes_on(const struct course *course, size_t index)
{
	const struct incident *incident = &course->plan->incidents.items[index];

	return course->notice->concerned[index] && telling_is_unanswered(incident) &&
	       !state_is_silenced(course->telling->state, incident) &&
	       !plan_is_answered(course->telling->state, course->plan, incident, course->notice);
}

/* The first notice goes out whatever became of it since; but nobody is called for what is over. */
static bool is_wanted(const struct course *course, size_t index, const struct draft *draft, bool first)
{
	const struct incident *incident = &course->plan->incidents.items[index];

	if (!first || draft->channel == DELIVERY_VOICE)
		return goes_on(course, index);
	return course->notice->concerned[index] && telling_wants_first(course->telling->state, incident);
}

/* ---- what is missing ---- */

/* One mail, webhook and command for each kind of message; a call for each turn, one after the other. Then *OLDER is a call that is still to be tried again, or NULL. */
static bool is_missing(const struct cells *cells, const char *incident, const struct draft *draft,
		       struct delivery **older)
{
	struct cell_walk walk = cells_walk(cells, incident, draft->person);
	struct delivery *cell;

	*older = NULL;
	while ((cell = cells_step(&walk))) {
		if (cell->channel != draft->channel || cell->kind != draft->kind)
			continue;
		if (draft->channel != DELIVERY_VOICE || cell->part >= draft->part ||
		    cell->state == DELIVERY_SENDING || (delivery_is_open(cell) && cell->attempts == 0))
			return false;
		if (delivery_is_open(cell))
			*older = cell;
	}
	return true;
}

static void add_incident(const struct course *course, size_t index, const struct draft *draft, bool first,
			 struct ledger *message)
{
	const char *id = course->plan->incidents.items[index].id;
	struct delivery *older;

	if (!is_missing(&course->telling->state->cells, id, draft, &older) ||
	    !is_wanted(course, index, draft, first))
		return;
	/* An older call gives way to the new one. */
	if (older)
		telling_stop(course->telling, older);
	telling_add(course->telling, message, id, draft);
}

static bool tell_by(const struct course *course, const struct turn *turn, const struct person *person,
		    const struct conf_way *way, bool first)
{
	cleanup(ledger_done) struct ledger message = {0};
	const char *address = person_address(person, way);
	struct draft draft = {
		.kind = is_own(turn) ? DELIVERY_FIRST : DELIVERY_ESCALATION,
		.part = first ? 0 : turn->number,
		.step = turn->step,
		.channel = (enum delivery_channel)way->channel,
		.person = person->key,
		.name = person->name,
		/* While everything goes to one mailbox, also who has no address. */
		.address = address ? address : person->key,
		.fallback = course->notice->fallback,
	};

	if (!person_has(person, course->telling->state->conf, way->channel))
		return false;
	for (size_t i = 0; i < course->plan->incidents.count; i++)
		add_incident(course, i, &draft, first, &message);
	return telling_hand_out(course->telling, person, &message);
}

static bool tell_turn(const struct course *course, const struct turn *turn, bool first)
{
	const struct person *person;
	size_t place = 0;
	bool missing = false;

	while ((person = policy_next_person(&course->plan->people, course->telling->state->conf,
					    course->notice->contact, turn, &place)))
		for (size_t i = 0; i < turn->what->way_count; i++)
			if (is_own(turn) || person != course->notice->contact)
				missing = tell_by(course, turn, person, &turn->what->ways[i], first) || missing;
	return missing;
}

/* ---- what died is the way itself ---- */

static bool is_cut(const struct course *course, enum conf_channel channel)
{
	return channel <= CONF_VOICE && course->plan->cut[channel];
}

/* Each way of the turn leads through what has died: then the other one, at once. */
static bool tell_otherwise(const struct course *course, const struct turn *first)
{
	static const enum conf_channel channels[] = {CONF_MAIL, CONF_VOICE};
	const struct person *person = course->notice->contact;
	bool missing = false;

	for (size_t i = 0; i < first->what->way_count; i++)
		if (person_has(person, course->telling->state->conf, first->what->ways[i].channel) &&
		    !is_cut(course, first->what->ways[i].channel))
			return false;
	for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++) {
		const struct conf_way way = {.channel = channels[i]};
		if (!is_cut(course, channels[i]))
			missing = tell_by(course, first, person, &way, true) || missing;
	}
	return missing;
}

bool course_tell_first(const struct course *course)
{
	struct turn first;

	if (!first_turn(course, &first))
		return false;
	bool missing = tell_turn(course, &first, true);
	return tell_otherwise(course, &first) || missing;
}

/* ---- later turns ---- */

/* How many turns have come by now. */
static unsigned count_due(const struct conf_policy *policy, int64_t elapsed)
{
	int64_t round = policy->repeat_ms > 0 ? elapsed / policy->repeat_ms : 0;
	unsigned steps = 0;

	while (steps < policy->step_count && policy->steps[steps].after_ms <= elapsed - round * policy->repeat_ms)
		steps++;
	return (unsigned)round * (unsigned)policy->step_count + steps;
}

static bool has_passed_it_on(const struct course *course)
{
	for (size_t i = 0; i < course->plan->incidents.count; i++)
		if (course->notice->concerned[i] &&
		    standing_of(&course->telling->state->cells, course->plan->incidents.items[i].id,
				course->notice->contact->key)
			    .passed)
			return true;
	return false;
}

static bool reaches_others(const struct course *course, const struct turn *turn)
{
	const struct person *person;
	size_t place = 0;

	while ((person = policy_next_person(&course->plan->people, course->telling->state->conf,
					    course->notice->contact, turn, &place)))
		for (size_t i = 0; i < turn->what->way_count; i++)
			if (person != course->notice->contact &&
			    person_has(person, course->telling->state->conf, turn->what->ways[i].channel))
				return true;
	return false;
}

/* To the next whom the policy names; if it names nobody who can be reached, to the fallback. */
static void pass_on(const struct course *course)
{
	static struct conf_way mail = {.channel = CONF_MAIL};
	static char name[] = "fallback";
	static char *fallback[] = {name, NULL};
	struct conf_step last = {.to = {fallback, 1}, .ways = &mail, .way_count = 1};
	struct turn turn;

	for (unsigned number = 0;
	     policy_turn(course->notice->contact->policy, number, &turn) && turn.round == 0; number++)
		if (!is_own(&turn) && reaches_others(course, &turn)) {
			tell_turn(course, &turn, false);
			return;
		}
	turn = (struct turn){.what = &last};
	tell_turn(course, &turn, false);
}

void course_escalate(const struct course *course)
{
	const struct conf_policy *policy = course->notice->contact->policy;
	unsigned due = count_due(policy, course->elapsed);
	unsigned oldest = due > policy->step_count ? due - (unsigned)policy->step_count : 0;
	bool passed = has_passed_it_on(course);
	struct turn first, turn;
	unsigned begun = first_turn(course, &first) ? first.number : POLICY_NO_TURN;

	if (passed)
		pass_on(course);
	/* The newest first: a call that was missed long ago is not made up for. */
	for (unsigned number = due; number-- > oldest;)
		if (number != begun && policy_turn(policy, number, &turn) && !(passed && is_own(&turn)))
			tell_turn(course, &turn, false);
	if (policy_turn(policy, due, &turn))
		course->telling->state->later = true;
}

/* ---- a course ---- */

static int64_t begin_of(const struct course *course, size_t index)
{
	const struct incident *incident = &course->plan->incidents.items[index];
	struct standing standing =
		standing_of(&course->telling->state->cells, incident->id, course->notice->contact->key);
	struct turn first;

	if (standing.begun != WHEN_UNKNOWN)
		return standing.begun;
	/* Whose first notice has not begun, say because they are new in the list, has nothing behind them. */
	if (first_turn(course, &first))
		return course->telling->now;
	/* One that lies ahead was ended by hand. */
	return incident->silenced_until > incident->opened && incident->silenced_until <= course->telling->now
		       ? incident->silenced_until
		       : incident->opened;
}

struct course course_of(struct telling *telling, const struct plan *plan, const struct notice *notice)
{
	struct course course = {.telling = telling, .plan = plan, .notice = notice};

	for (size_t i = 0; i < plan->incidents.count; i++) {
		int64_t elapsed = notice->concerned[i] ? telling->now - begin_of(&course, i) : 0;
		if (elapsed > course.elapsed)
			course.elapsed = elapsed;
	}
	return course;
}
