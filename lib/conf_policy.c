/* conf_policy.c - policy "NAME" { step { … } … }: reading and judging escalation policies, and the shipped ones. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conf_private.h"
#include "mem.h"
#include "str.h"

enum { REPEAT_MIN_MS = 1000 };

/* What stands here is what the page says: it is read as the file is. */
static const char shipped[] = "policy \"default\" {\n"
			      "	step { channels = { \"mail\" } }\n"
			      "	step { after = \"3m\" channels = { \"voice\" } }\n"
			      "}\n"
			      "policy \"both\" {\n"
			      "	step { channels = { \"mail\", \"voice\" } }\n"
			      "}\n";

static void policy_done(struct conf_policy *policy)
{
	for (size_t i = 0; i < policy->step_count; i++) {
		struct conf_step *step = &policy->steps[i];
		conf_list_done(&step->to);
		for (size_t j = 0; j < step->way_count; j++)
			free(step->ways[j].name);
		free(step->ways);
	}
	free(policy->steps);
	free(policy->name);
}

void conf_policies_done(struct conf *conf)
{
	for (size_t i = 0; i < conf->policy_count; i++)
		policy_done(&conf->policies[i]);
	free(conf->policies);
}

const struct conf_policy *conf_find_policy(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->policy_count; i++)
		if (str_equal(conf->policies[i].name, name))
			return &conf->policies[i];
	return NULL;
}

static int check_step(const struct conf_policy *policy, const struct conf_source *source, size_t place,
		      struct err *e)
{
	const struct conf_step *step = &policy->steps[policy->step_count - 1];
	unsigned line = source->places.items[place].line;

	if (step->way_count == 0)
		return err_set(e, ERR_USAGE, "%s:%u: a step without channels", source->path, line);
	if (policy->step_count > 1 && step->after_ms < step[-1].after_ms)
		return err_set(e, ERR_USAGE,
			       "%s:%u: a step that comes before the one above it: order them by `after`",
			       source->path, line);
	return 0;
}

static int read_step(struct conf_policy *policy, const struct conf_source *source, size_t place, struct err *e)
{
	if (policy->step_count == CONF_STEPS_MAX)
		return err_set(e, ERR_USAGE, "%s:%u: more than %d steps in policy \"%s\"", source->path,
			       source->places.items[place].line, CONF_STEPS_MAX, policy->name);
	policy->steps = mem_resize(policy->steps, policy->step_count + 1, sizeof *policy->steps);
	struct conf_step *step = &policy->steps[policy->step_count++];
	*step = (struct conf_step){0};
	int result = conf_source_fill(source, "step", place, step, e);
	return result < 0 ? result : check_step(policy, source, place, e);
}

static int check_repeat(const struct conf_policy *policy, const struct conf_source *source, size_t place,
			struct err *e)
{
	if (policy->repeat_ms == 0)
		return 0;
	if (policy->repeat_ms >= REPEAT_MIN_MS &&
	    policy->repeat_ms > policy->steps[policy->step_count - 1].after_ms)
		return 0;
	err_set(e, ERR_USAGE, "expected 0, or more than the `after` of the last step and at least 1s");
	return conf_source_wrap(source, place, "repeat", e);
}

int conf_policy_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e)
{
	const struct conf_place *at = &source->places.items[place];
	int result = conf_check_name(at->title, e);

	if (result < 0)
		return err_wrap(e, "%s:%u: policy", source->path, at->line);
	conf->policies = mem_resize(conf->policies, conf->policy_count + 1, sizeof *conf->policies);
	struct conf_policy *policy = &conf->policies[conf->policy_count++];
	*policy = (struct conf_policy){.name = mem_string(at->title), .line = at->line};
	result = conf_source_fill(source, "policy", place, policy, e);
	for (size_t i = place + 1; i < source->places.count && result == 0; i++)
		if (source->places.items[i].parent == place)
			result = read_step(policy, source, i, e);
	if (result == 0 && policy->step_count == 0)
		result = err_set(e, ERR_USAGE, "%s:%u: policy \"%s\" has no step", source->path, at->line,
				 policy->name);
	return result < 0 ? result : check_repeat(policy, source, place, e);
}

int conf_policy_ship(struct conf *conf, struct err *e)
{
	cleanup(conf_source_done) struct conf_source source = {0};
	int result = conf_source_read(&source, "shipped policies", shipped, e);

	for (size_t i = CONF_TOP + 1; i < source.places.count && result == 0; i++) {
		const struct conf_place *place = &source.places.items[i];
		if (place->parent != CONF_TOP || conf_find_policy(conf, place->title))
			continue;
		result = conf_policy_read(conf, &source, i, e);
		conf->policies[conf->policy_count - 1].line = 0;
	}
	return result;
}

static int check_ways(const struct conf *conf, const struct conf_step *step, struct err *e)
{
	for (size_t i = 0; i < step->way_count; i++) {
		const struct conf_way *way = &step->ways[i];
		if (way->channel == CONF_WEBHOOK && !conf_find_webhook(conf, way->name))
			return err_set(e, ERR_USAGE, "there is no webhook \"%s\"", way->name);
		if (way->channel == CONF_COMMAND && !conf_find_command(conf, way->name))
			return err_set(e, ERR_USAGE, "there is no command \"%s\"", way->name);
	}
	return 0;
}

/* The steps of the file stand in the order of their places. */
static int check_steps(const struct conf *conf, const struct conf_source *source, size_t place, struct err *e)
{
	const struct conf_policy *policy = conf_find_policy(conf, source->places.items[place].title);
	size_t step = 0;

	for (size_t i = place + 1; i < source->places.count && step < policy->step_count; i++) {
		if (source->places.items[i].parent != place)
			continue;
		if (check_ways(conf, &policy->steps[step++], e) < 0)
			return conf_source_wrap(source, i, "channels", e);
	}
	return 0;
}

int conf_policy_check(const struct conf *conf, const struct conf_source *source, struct err *e)
{
	size_t notify = conf_source_find(source, "notify");
	int result = 0;

	for (size_t i = CONF_TOP + 1; i < source->places.count && result == 0; i++)
		if (str_equal(source->places.items[i].section->name, "policy"))
			result = check_steps(conf, source, i, e);
	if (result < 0 || conf_find_policy(conf, conf->notify.policy))
		return result;
	err_set(e, ERR_USAGE, "there is no policy \"%s\"", conf->notify.policy);
	return conf_source_wrap(source, notify, "policy", e);
}
