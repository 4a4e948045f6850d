/* conf_people.c - person "ADDRESS" { … }, and the receivers: webhook "NAME" { … }, command "NAME" { … }. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "conf_convert.h"
#include "conf_private.h"
#include "mem.h"
#include "str.h"

static void person_done(struct conf_person *person)
{
	free(person->key);
	free(person->name);
	free(person->email);
	free(person->phone);
	free(person->voice_lang);
	free(person->policy);
	conf_list_done(&person->groups);
}

void conf_persons_done(struct conf *conf)
{
	for (size_t i = 0; i < conf->person_count; i++)
		person_done(&conf->persons[i]);
	free(conf->persons);
}

void conf_receivers_done(struct conf *conf)
{
	for (size_t i = 0; i < conf->webhook_count; i++) {
		free(conf->webhooks[i].name);
		free(conf->webhooks[i].url);
		conf_list_done(&conf->webhooks[i].headers_command);
		free(conf->webhooks[i].ca_file);
	}
	free(conf->webhooks);
	for (size_t i = 0; i < conf->command_count; i++) {
		free(conf->commands[i].name);
		conf_list_done(&conf->commands[i].argv);
	}
	free(conf->commands);
}

/* Titles that differ in case only are one person. */
static int check_double(const struct conf *conf, const struct conf_source *source, size_t place,
			const char *key, struct err *e)
{
	size_t person = 0;

	for (size_t i = CONF_TOP + 1; i < place; i++) {
		const struct conf_place *other = &source->places.items[i];
		if (!str_equal(other->section->name, "person"))
			continue;
		if (str_equal(conf->persons[person++].key, key))
			return err_set(e, ERR_USAGE, "%s:%u: section person \"%s\" is on line %u already",
				       source->path, source->places.items[place].line, key, other->line);
	}
	return 0;
}

int conf_person_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e)
{
	const struct conf_place *at = &source->places.items[place];
	cleanup(cleanup_mem) char *key = conf_person_key(at->title, e);

	if (!key)
		return err_wrap(e, "%s:%u: person", source->path, at->line);
	int result = check_double(conf, source, place, key, e);
	if (result < 0)
		return result;
	conf->persons = mem_resize(conf->persons, conf->person_count + 1, sizeof *conf->persons);
	struct conf_person *person = &conf->persons[conf->person_count++];
	*person = (struct conf_person){.key = key};
	key = NULL;
	return conf_source_fill(source, "person", place, person, e);
}

int conf_person_check(const struct conf *conf, const struct conf_source *source, struct err *e)
{
	size_t person = 0;

	for (size_t i = CONF_TOP + 1; i < source->places.count; i++) {
		if (!str_equal(source->places.items[i].section->name, "person"))
			continue;
		const char *policy = conf->persons[person++].policy;
		if (!policy || conf_find_policy(conf, policy))
			continue;
		err_set(e, ERR_USAGE, "there is no policy \"%s\"", policy);
		return conf_source_wrap(source, i, "policy", e);
	}
	return 0;
}

static int check_name_at(const struct conf_source *source, size_t place, struct err *e)
{
	const struct conf_place *at = &source->places.items[place];
	int result = conf_check_name(at->title, e);

	return result < 0 ? err_wrap(e, "%s:%u: %s", source->path, at->line, at->section->name) : 0;
}

static int fail_without(const struct conf_source *source, size_t place, const char *setting, struct err *e)
{
	const struct conf_place *at = &source->places.items[place];

	return err_set(e, ERR_USAGE, "%s:%u: %s \"%s\" without %s", source->path, at->line, at->section->name,
		       at->title, setting);
}

int conf_webhook_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e)
{
	int result = check_name_at(source, place, e);

	if (result < 0)
		return result;
	conf->webhooks = mem_resize(conf->webhooks, conf->webhook_count + 1, sizeof *conf->webhooks);
	struct conf_webhook *webhook = &conf->webhooks[conf->webhook_count++];
	*webhook = (struct conf_webhook){.name = mem_string(source->places.items[place].title)};
	result = conf_source_fill(source, "webhook", place, webhook, e);
	return result < 0 || webhook->url ? result : fail_without(source, place, "url", e);
}

int conf_command_read(struct conf *conf, const struct conf_source *source, size_t place, struct err *e)
{
	int result = check_name_at(source, place, e);

	if (result < 0)
		return result;
	conf->commands = mem_resize(conf->commands, conf->command_count + 1, sizeof *conf->commands);
	struct conf_command *command = &conf->commands[conf->command_count++];
	*command = (struct conf_command){.name = mem_string(source->places.items[place].title)};
	result = conf_source_fill(source, "command", place, command, e);
	return result < 0 || command->argv.count > 0 ? result : fail_without(source, place, "argv", e);
}

const struct conf_webhook *conf_find_webhook(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->webhook_count; i++)
		if (str_equal(conf->webhooks[i].name, name))
			return &conf->webhooks[i];
	return NULL;
}

const struct conf_command *conf_find_command(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->command_count; i++)
		if (str_equal(conf->commands[i].name, name))
			return &conf->commands[i];
	return NULL;
}

int conf_copy_check(const struct conf *conf, const struct conf_source *source, struct err *e)
{
	for (size_t i = 0; i < conf->notify.copy.count; i++) {
		const char *item = conf->notify.copy.items[i];
		const char *colon = strchr(item, ':');
		if (!colon || (str_starts(item, "webhook:") ? (const void *)conf_find_webhook(conf, colon + 1)
							    : (const void *)conf_find_command(conf, colon + 1)))
			continue;
		err_set(e, ERR_USAGE, "there is no %.*s \"%s\"", (int)(colon - item), item, colon + 1);
		return conf_source_wrap(source, conf_source_find(source, "notify"), "copy", e);
	}
	return 0;
}
