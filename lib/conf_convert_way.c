/* conf_convert_way.c - settings that say whom to tell by which way. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "address.h"
#include "conf_convert.h"
#include "mem.h"
#include "str.h"

enum { NAME_MAX_BYTES = 63, DAY_MINUTES = 24 * 60 };

#define DIGITS "0123456789"
#define GROUP "group:"
#define WEBHOOK "webhook:"
#define COMMAND "command:"

/* The field of TARGET that SETTING names, as TYPE. */
#define FIELD(type) ((type *)(void *)((char *)target + setting->offset))

int conf_check_name(const char *text, struct err *e)
{
	size_t length = strlen(text);

	if (length > 0 && length <= NAME_MAX_BYTES && !str_has_control(text) &&
	    text[strcspn(text, " ;:,@\"")] == '\0')
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is not a name: 1 to %d bytes without blanks and ; : , @ \"",
		       text, NAME_MAX_BYTES);
}

int conf_check_lang(const char *text, struct err *e)
{
	size_t length = strlen(text);

	if (length > 0 && length <= NAME_MAX_BYTES &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz" DIGITS "-") == length)
		return 0;
	return err_set(e, ERR_USAGE, "\"%s\" is not a voice: expected a language such as \"en-gb\" or \"ja\"",
		       text);
}

int conf_convert_name(void *target, const struct conf_setting *setting, const struct conf_list *values,
		      struct err *e)
{
	int result = conf_check_name(values->items[0], e);

	return result < 0 ? result : conf_convert_text(target, setting, values, e);
}

int conf_convert_names(void *target, const struct conf_setting *setting, const struct conf_list *values,
		       struct err *e)
{
	for (size_t i = 0; i < values->count; i++) {
		int result = conf_check_name(values->items[i], e);
		if (result < 0)
			return result;
	}
	*FIELD(struct conf_list) = conf_list_copy(values);
	return 0;
}

int conf_convert_lang(void *target, const struct conf_setting *setting, const struct conf_list *values,
		      struct err *e)
{
	int result = conf_check_lang(values->items[0], e);

	return result < 0 ? result : conf_convert_text(target, setting, values, e);
}

int conf_convert_phone(void *target, const struct conf_setting *setting, const struct conf_list *values,
		       struct err *e)
{
	int result = address_check_phone(values->items[0], e);

	return result < 0 ? result : conf_convert_text(target, setting, values, e);
}

int conf_convert_sip_from(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	const char *uri = values->items[0];
	struct err cause;

	if (*uri == '\0')
		return 0;
	if (address_check_sip(uri, &cause) < 0 || !strchr(uri, '@'))
		return err_set(
			e, ERR_USAGE,
			"expected who calls, at our own address, such as \"sip:vmroll@10.0.0.9:5060\"");
	return conf_convert_text(target, setting, values, e);
}

int conf_convert_registrar(void *target, const struct conf_setting *setting, const struct conf_list *values,
			   struct err *e)
{
	const char *uri = values->items[0];
	struct err cause;

	if (*uri == '\0')
		return 0;
	if (address_check_sip(uri, &cause) < 0 || strchr(uri, '@'))
		return err_set(e, ERR_USAGE, "expected sip:HOST[:PORT], such as \"sip:10.0.0.5\"");
	return conf_convert_text(target, setting, values, e);
}

/* TEXT with VALUE where its only %s stands (NULL: another number of them, or another %). The caller frees it. */
static char *fill_in(const char *text, const char *value)
{
	const char *place = strchr(text, '%');

	if (!place || place[1] != 's' || strchr(place + 1, '%'))
		return NULL;
	return mem_format("%.*s%s%s", (int)(place - text), text, value, place + 2);
}

int conf_convert_exchange(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	const char *uri = values->items[0];
	cleanup(cleanup_mem) char *example = fill_in(uri, "0");
	const char *at = strchr(uri, '@');
	struct err cause;

	if (*uri == '\0')
		return 0;
	if (!example || !at || strchr(at, '%') || address_check_sip(example, &cause) < 0)
		return err_set(e, ERR_USAGE,
			       "expected a sip: URI with %%s for the number, such as \"sip:%%s@10.0.0.5\"");
	return conf_convert_text(target, setting, values, e);
}

int conf_convert_reply(void *target, const struct conf_setting *setting, const struct conf_list *values,
		       struct err *e)
{
	static const char id_and_token[] = "7K3F-ABCDEFGHIJKLMNOP";
	const char *address = values->items[0];
	cleanup(cleanup_mem) char *filled =
		strchr(address, '%') ? fill_in(address, id_and_token) : mem_string(address);
	const char *at = strrchr(address, '@');
	struct err cause;

	if (*address == '\0')
		return 0;
	if (!filled || !at || strchr(at, '%') || address_check_email(filled, &cause) < 0)
		return err_set(
			e, ERR_USAGE, "expected a mail address, such as \"vmroll+%%s@example.org\", with at most one %%s before the @");
	return conf_convert_text(target, setting, values, e);
}

int conf_convert_folder(void *target, const struct conf_setting *setting, const struct conf_list *values,
			struct err *e)
{
	const char *folder = values->items[0];

	if (*folder == '\0')
		return 0;
	if (*folder != '/')
		return err_set(e, ERR_USAGE, "expected the absolute path of a folder");
	return conf_convert_text(target, setting, values, e);
}

int conf_convert_http_url(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	const char *url = values->items[0];
	size_t scheme = str_starts(url, "http://") ? 7 : str_starts(url, "https://") ? 8 : 0;

	if (scheme == 0 || strcspn(url + scheme, "/?#") == 0 || strchr(url, ' '))
		return err_set(e, ERR_USAGE, "expected http:// or https:// and where");
	if (memchr(url + scheme, '@', strcspn(url + scheme, "/?#")))
		return err_set(e, ERR_USAGE,
			       "user and password do not belong there: let headers_command print them");
	return conf_convert_text(target, setting, values, e);
}

int conf_convert_format(void *target, const struct conf_setting *setting, const struct conf_list *values,
			struct err *e)
{
	bool slack = str_equal(values->items[0], "slack");

	if (!slack && !str_equal(values->items[0], "alertmanager"))
		return err_set(e, ERR_USAGE, "expected \"alertmanager\" or \"slack\"");
	*FIELD(enum conf_webhook_format) = slack ? CONF_WEBHOOK_SLACK : CONF_WEBHOOK_ALERTMANAGER;
	return 0;
}

int conf_convert_bool(void *target, const struct conf_setting *setting, const struct conf_list *values,
		      struct err *e)
{
	bool yes = str_equal(values->items[0], "yes");

	if (!yes && !str_equal(values->items[0], "no"))
		return err_set(e, ERR_USAGE, "expected \"yes\" or \"no\"");
	*FIELD(bool) = yes;
	return 0;
}

/* "HH:MM" at *TEXT, which is moved behind it: minutes of the day, or -1. */
static int take_minute(const char **text)
{
	const char *t = *text;

	for (size_t i = 0; i < 5; i++)
		if (i == 2 ? t[i] != ':' : !isdigit((unsigned char)t[i]))
			return -1;
	int hour = (t[0] - '0') * 10 + t[1] - '0';
	int minute = (t[3] - '0') * 10 + t[4] - '0';
	*text += 5;
	return hour < 24 && minute < 60 ? hour * 60 + minute : -1;
}

int conf_convert_quiet(void *target, const struct conf_setting *setting, const struct conf_list *values,
		       struct err *e)
{
	struct conf_person *person = target;
	const char *text = values->items[0];
	bool none = *text == '\0';
	int from = none ? -1 : take_minute(&text);
	int to = from < 0 || *text++ != '-' ? -1 : take_minute(&text);

	(void)setting;
	if (!none && (to < 0 || *text || from == to))
		return err_set(e, ERR_USAGE, "expected two different times of day, such as \"22:00-07:00\"");
	person->quiet_from = from;
	person->quiet_to = to;
	return 0;
}

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char)tolower((unsigned char)*text);
}

char *conf_person_key(const char *address, struct err *e)
{
	struct err cause;
	bool is_email = address_check_email(address, &cause) == 0;

	if (!is_email && address_check_phone(address, &cause) < 0) {
		err_set(e, ERR_USAGE, "\"%s\" is neither a mail address nor a telephone", address);
		return NULL;
	}
	char *key = mem_string(address);
	if (is_email)
		lower(key);
	return key;
}

/* One of `to`, as struct conf_step keeps it; NULL with the reason. */
static char *addressee(const char *text, struct err *e)
{
	struct err cause;

	if (str_starts(text, GROUP))
		return conf_check_name(text + strlen(GROUP), e) == 0 ? mem_string(text) : NULL;
	if (str_equal(text, "fallback"))
		return mem_string(text);
	char *key = conf_person_key(text, &cause);
	if (!key)
		err_set(e, ERR_USAGE,
			"\"%s\" is neither \"" GROUP
			"NAME\", the mail address or telephone of a person, nor \"fallback\"",
			text);
	return key;
}

int conf_convert_to(void *target, const struct conf_setting *setting, const struct conf_list *values,
		    struct err *e)
{
	struct conf_list *to = FIELD(struct conf_list);

	for (size_t i = 0; i < values->count; i++) {
		char *item = addressee(values->items[i], e);
		if (!item)
			return ERR_USAGE;
		conf_list_take(to, item);
	}
	return 0;
}

/* WAY is filled but for the name of a mail or voice, of which there is none. */
static int parse_way(const char *text, struct conf_way *way, struct err *e)
{
	bool webhook = str_starts(text, WEBHOOK);
	const char *name = webhook || str_starts(text, COMMAND) ? strchr(text, ':') + 1 : NULL;

	if (!name && !str_equal(text, "mail") && !str_equal(text, "voice"))
		return err_set(e, ERR_USAGE, "\"%s\" is no channel: expected \"mail\", \"voice\", \"webhook:NAME\" or \"command:NAME\"",
			       text);
	if (name && conf_check_name(name, e) < 0)
		return ERR_USAGE;
	way->channel = webhook ? CONF_WEBHOOK : name ? CONF_COMMAND : *text == 'm' ? CONF_MAIL : CONF_VOICE;
	way->name = mem_string(name);
	return 0;
}

/* The ledger tells the messages of a step apart by person and channel. */
static int check_once(const struct conf_step *step, enum conf_channel channel, struct err *e)
{
	static const char *const names[] = {"mail", "voice", "webhook", "command"};

	for (size_t i = 0; i < step->way_count; i++)
		if (step->ways[i].channel == channel)
			return err_set(e, ERR_USAGE,
				       "more than one %s in a step: give the other a step of its own",
				       names[channel]);
	return 0;
}

int conf_convert_channels(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	struct conf_step *step = target;

	(void)setting;
	for (size_t i = 0; i < values->count; i++) {
		struct conf_way way = {0};
		if (parse_way(values->items[i], &way, e) < 0)
			return ERR_USAGE;
		int result = check_once(step, way.channel, e);
		step->ways = mem_resize(step->ways, step->way_count + 1, sizeof *step->ways);
		step->ways[step->way_count++] = way;
		if (result < 0)
			return result;
	}
	return 0;
}

int conf_convert_copy(void *target, const struct conf_setting *setting, const struct conf_list *values,
		      struct err *e)
{
	for (size_t i = 0; i < values->count; i++) {
		const char *text = values->items[i];
		struct err cause;
		if (!str_starts(text, WEBHOOK) && !str_starts(text, COMMAND) &&
		    address_check_email(text, &cause) < 0)
			return err_set(
				e, ERR_USAGE,
				"\"%s\" is neither \"webhook:NAME\", \"command:NAME\" nor a mail address", text);
	}
	*FIELD(struct conf_list) = conf_list_copy(values);
	return 0;
}
