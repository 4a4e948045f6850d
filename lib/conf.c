/* conf.c - vmroll.conf(5): the settings of all utilities, their defaults and units. */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "address.h"
#include "conf.h"
#include "conf_convert.h"
#include "conf_private.h"
#include "conf_source.h"
#include "mem.h"
#include "str.h"
#include "textfile.h"

static unsigned line_of(const struct conf_source *source, const char *section, const char *name)
{
	return conf_source_line(source, conf_source_find(source, section), name);
}

/* What a Slack webhook is asked by is all that it asks for: who knows it may post. */
static unsigned line_of_webhook(const struct conf_source *source, const struct conf *conf)
{
	size_t webhook = 0;

	for (size_t i = CONF_TOP + 1; i < source->places.count; i++)
		if (str_equal(source->places.items[i].section->name, "webhook") &&
		    conf->webhooks[webhook++].format == CONF_WEBHOOK_SLACK)
			return conf_source_line(source, i, "url");
	return 0;
}

static unsigned line_of_secret(const struct conf_source *source, const struct conf *conf)
{
	if (conf->smtp.password)
		return line_of(source, "smtp", "password");
	if (conf->sip.password)
		return line_of(source, "sip", "password");
	if (conf->notify.admins && address_has_password(conf->notify.admins))
		return line_of(source, "notify", "admins");
	return line_of_webhook(source, conf);
}

static int check_secret(const struct conf *conf, const struct conf_source *source, mode_t mode, struct err *e)
{
	unsigned line = line_of_secret(source, conf);

	if (line == 0 || (mode & (S_IRWXG | S_IRWXO)) == 0)
		return 0;
	return err_set(e, ERR_USAGE,
		       "%s:%u: holds a password, and others than its owner may use the file (mode %04o): "
		       "chmod 600, or use a password_command",
		       source->path, line, (unsigned)mode & 07777);
}

static int check_one_password(const struct conf_source *source, const char *section, const char *password,
			      const struct conf_list *command, struct err *e)
{
	if (!password || command->count == 0)
		return 0;
	return err_set(e, ERR_USAGE, "%s:%u: %s.password and %s.password_command are both set", source->path,
		       line_of(source, section, "password_command"), section, section);
}

static int check_together(const struct conf *conf, const struct conf_source *source, mode_t mode, struct err *e)
{
	int result = check_one_password(source, "smtp", conf->smtp.password, &conf->smtp.password_command, e);

	if (result == 0)
		result = check_one_password(source, "sip", conf->sip.password, &conf->sip.password_command, e);
	if (result == 0)
		result = conf_policy_check(conf, source, e);
	if (result == 0)
		result = conf_person_check(conf, source, e);
	if (result == 0)
		result = conf_copy_check(conf, source, e);
	return result < 0 ? result : check_secret(conf, source, mode, e);
}

/* What fills struct conf itself. */
static int fill_plain(struct conf *conf, const struct conf_source *source, struct err *e)
{
	int result = conf_source_fill(source, NULL, CONF_TOP, conf, e);

	for (size_t i = 0; i < CONF_SECTION_COUNT && result == 0; i++)
		if (!conf_sections[i].several)
			result = conf_source_fill(source, conf_sections[i].name,
						  conf_source_find(source, conf_sections[i].name), conf, e);
	return result;
}

static int read_titled(struct conf *conf, const struct conf_source *source, struct err *e)
{
	static const struct {
		const char *section;
		int (*read)(struct conf *conf, const struct conf_source *source, size_t place, struct err *e);
	} readers[] = {{"policy", conf_policy_read},
		       {"person", conf_person_read},
		       {"webhook", conf_webhook_read},
		       {"command", conf_command_read}};
	int result = 0;

	for (size_t i = CONF_TOP + 1; i < source->places.count; i++)
		for (size_t j = 0; j < sizeof readers / sizeof readers[0] && result == 0; j++)
			if (str_equal(source->places.items[i].section->name, readers[j].section))
				result = readers[j].read(conf, source, i, e);
	return result < 0 ? result : conf_policy_ship(conf, e);
}

static int read_text(struct conf *conf, const char *path, const char *text, mode_t mode, struct err *e)
{
	cleanup(conf_source_done) struct conf_source source = {0};

	int result = conf_source_read(&source, path, text, e);
	if (result == 0)
		result = fill_plain(conf, &source, e);
	if (result == 0)
		result = read_titled(conf, &source, e);
	return result < 0 ? result : check_together(conf, &source, mode, e);
}

static int read_file(struct conf *conf, const char *path, struct err *e)
{
	cleanup(str_done) struct str text = {0};
	mode_t mode = 0;

	int result = textfile_read(path, &text, &mode, e);
	if (result == 0)
		result = textfile_check(path, str_text(&text), text.length, e);
	if (result == 0)
		result = read_text(conf, path, str_text(&text), mode, e);
	conf->path = mem_string(path);
	return result;
}

int conf_read(struct conf *conf, const char *path, struct err *e)
{
	cleanup(conf_done) struct conf read_conf = {0};
	static const char standard_path[] = SYSCONFDIR "/vmroll.conf";
	bool absent = !path && access(standard_path, F_OK) < 0 && errno == ENOENT;

	int result = absent ? read_text(&read_conf, standard_path, "", 0, e)
			    : read_file(&read_conf, path ? path : standard_path, e);
	if (result < 0)
		return result;
	*conf = read_conf;
	read_conf = (struct conf){0};
	return 0;
}

static void notify_done(struct conf_notify *notify)
{
	free(notify->admins);
	conf_list_done(&notify->fallback);
	free(notify->redirect);
	for (size_t i = 0; i < notify->on_incident.count; i++)
		conf_list_done(&notify->on_incident.items[i]);
	free(notify->on_incident.items);
	free(notify->policy);
	conf_list_done(&notify->copy);
	free(notify->templates);
	free(notify->reply);
}

static void smtp_done(struct conf_smtp *smtp)
{
	free(smtp->url);
	free(smtp->from);
	free(smtp->user);
	free(smtp->password);
	conf_list_done(&smtp->password_command);
	free(smtp->ca_file);
	free(smtp->vm);
}

static void sip_done(struct conf_sip *sip)
{
	free(sip->from);
	free(sip->exchange);
	free(sip->registrar);
	free(sip->user);
	free(sip->password);
	conf_list_done(&sip->password_command);
	free(sip->voice_lang);
	free(sip->vm);
}

void conf_done(struct conf *conf)
{
	free(conf->path);
	free(conf->store);
	free(conf->hosts);
	conf_list_done(&conf->ping.reference);
	notify_done(&conf->notify);
	smtp_done(&conf->smtp);
	sip_done(&conf->sip);
	free(conf->image.repository);
	free(conf->deploy.pool);
	free(conf->deploy.policy);
	conf_policies_done(conf);
	conf_persons_done(conf);
	conf_receivers_done(conf);
	*conf = (struct conf){0};
}
