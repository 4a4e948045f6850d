/* conf_convert.c - the kinds of settings: from the text in vmroll.conf(5) to a field of struct conf. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "conf_convert.h"
#include "mem.h"
#include "str.h"
#include "vec.h"
#include "when.h"

/* window.h judges by these bounds: what is not more than half could say both at once. */
enum { WINDOW_MAX = 32 };

/* The field of TARGET that SETTING names, as TYPE. */
#define FIELD(type) ((type *)(void *)((char *)target + setting->offset))

int conf_convert_text(void *target, const struct conf_setting *setting, const struct conf_list *values,
		      struct err *e)
{
	if (values->items[0][0] == '\0')
		return err_set(e, ERR_USAGE, "expected some text");
	*FIELD(char *) = mem_string(values->items[0]);
	return 0;
}

int conf_convert_optional(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	(void)e;
	if (values->items[0][0] != '\0')
		*FIELD(char *) = mem_string(values->items[0]);
	return 0;
}

int conf_check_store(const char *uri, struct err *e)
{
	return str_starts(uri, "lmdb:/")
		       ? 0
		       : err_set(e, ERR_USAGE, "expected a store such as \"lmdb:/var/lib/vmroll\"");
}

int conf_convert_store(void *target, const struct conf_setting *setting, const struct conf_list *values,
		       struct err *e)
{
	int result = conf_check_store(values->items[0], e);

	return result < 0 ? result : conf_convert_text(target, setting, values, e);
}

int conf_convert_repository(void *target, const struct conf_setting *setting, const struct conf_list *values,
			    struct err *e)
{
	const char *text = values->items[0];
	const char *at = str_starts(text, "pool:") ? strchr(text, '@') : NULL;

	if (text[0] != '/' && !(at && at > text + strlen("pool:") && at[1]))
		return err_set(
			e, ERR_USAGE,
			"expected a folder such as \"/var/lib/vmroll/images\", or a storage pool such as "
			"\"pool:images@qemu+ssh://store1/system\"");
	return conf_convert_text(target, setting, values, e);
}

int conf_convert_placement(void *target, const struct conf_setting *setting, const struct conf_list *values,
			   struct err *e)
{
	static const char *const policies[] = {"first-fit", "best-fit", "spread"};

	for (size_t i = 0; i < sizeof policies / sizeof policies[0]; i++)
		if (strcmp(values->items[0], policies[i]) == 0)
			return conf_convert_text(target, setting, values, e);
	return err_set(e, ERR_USAGE, "expected \"first-fit\", \"best-fit\" or \"spread\"");
}

int conf_convert_email(void *target, const struct conf_setting *setting, const struct conf_list *values,
		       struct err *e)
{
	int result = address_check_email(values->items[0], e);

	return result < 0 ? result : conf_convert_text(target, setting, values, e);
}

int conf_convert_optional_email(void *target, const struct conf_setting *setting,
				const struct conf_list *values, struct err *e)
{
	return values->items[0][0] == '\0' ? 0 : conf_convert_email(target, setting, values, e);
}

int conf_convert_smtp_url(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	const char *url = values->items[0];
	size_t scheme = str_starts(url, "smtp://") ? 7 : str_starts(url, "smtps://") ? 8 : 0;

	if (*url == '\0')
		return 0;
	if (strchr(url, '@'))
		return err_set(e, ERR_USAGE, "user and password have settings of their own");
	if (scheme == 0 || url[scheme + strcspn(url + scheme, ":/? ")] == ' ' ||
	    strcspn(url + scheme, ":/? ") == 0)
		return err_set(
			e, ERR_USAGE,
			"expected smtp://HOST[:PORT] or smtps://HOST[:PORT], such as \"smtp://mail:587\"");
	return conf_convert_text(target, setting, values, e);
}

int conf_convert_duration(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	char minimum[WHEN_TEXT_SIZE], maximum[WHEN_TEXT_SIZE];
	int64_t milliseconds;
	struct err cause;

	int result = when_parse_duration(values->items[0], &milliseconds, &cause);
	if (result == 0 && milliseconds >= setting->minimum && milliseconds <= setting->maximum) {
		*FIELD(int64_t) = milliseconds;
		return 0;
	}
	return err_set(e, ERR_USAGE, "expected a duration with its unit, from %s to %s, such as \"%s\"",
		       when_format_duration(setting->minimum, minimum),
		       when_format_duration(setting->maximum, maximum), setting->standard);
}

int conf_convert_number(void *target, const struct conf_setting *setting, const struct conf_list *values,
			struct err *e)
{
	uint64_t number;
	struct err cause;

	int result = str_parse_number(values->items[0], (uint64_t)setting->minimum,
				      (uint64_t)setting->maximum, &number, &cause);
	if (result < 0)
		return err_set(e, ERR_USAGE, "expected a whole number from %lld to %lld",
			       (long long)setting->minimum, (long long)setting->maximum);
	*FIELD(unsigned) = (unsigned)number;
	return 0;
}

int conf_convert_percent(void *target, const struct conf_setting *setting, const struct conf_list *values,
			 struct err *e)
{
	size_t length = strlen(values->items[0]);

	if (length > 1 && values->items[0][length - 1] == '%') {
		cleanup(cleanup_mem) char *digits = mem_string_n(values->items[0], length - 1);
		struct conf_list number = {&digits, 1};
		if (conf_convert_number(target, setting, &number, e) == 0)
			return 0;
	}
	return err_set(e, ERR_USAGE, "expected a share from %lld%% to %lld%%, such as \"%s\"",
		       (long long)setting->minimum, (long long)setting->maximum, setting->standard);
}

int conf_convert_window(void *target, const struct conf_setting *setting, const struct conf_list *values,
			struct err *e)
{
	cleanup(cleanup_mem) char *lost_text = mem_string(values->items[0]);
	char *slash = strchr(lost_text, '/');
	uint64_t lost, size;
	struct err cause;

	if (slash)
		*slash = '\0';
	if (!slash || str_parse_number(slash + 1, 1, WINDOW_MAX, &size, &cause) < 0 ||
	    str_parse_number(lost_text, size / 2 + 1, size, &lost, &cause) < 0)
		return err_set(e, ERR_USAGE, "expected \"LOST/PROBES\", LOST more than half of PROBES, PROBES at most %d, such as \"%s\"",
			       WINDOW_MAX, setting->standard);
	struct conf *conf = target;
	conf->ping.window_lost = (unsigned)lost;
	conf->ping.window_size = (unsigned)size;
	return 0;
}

int conf_convert_tls(void *target, const struct conf_setting *setting, const struct conf_list *values,
		     struct err *e)
{
	static const char *const names[] = {
		[CONF_TLS_REQUIRED] = "required", [CONF_TLS_OPPORTUNISTIC] = "opportunistic", [CONF_TLS_NONE] = "none"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!str_equal(values->items[0], names[i]))
			continue;
		*FIELD(enum conf_tls) = (enum conf_tls)i;
		return 0;
	}
	return err_set(e, ERR_USAGE, "expected \"required\", \"opportunistic\" or \"none\"");
}

void conf_list_done(struct conf_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct conf_list){0};
}

void conf_list_take(struct conf_list *list, char *item)
{
	list->items = mem_resize(list->items, list->count + 2, sizeof *list->items);
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

struct conf_list conf_list_copy(const struct conf_list *values)
{
	struct conf_list copy = {mem_zalloc(values->count + 1, sizeof *copy.items), values->count};

	for (size_t i = 0; i < values->count; i++)
		copy.items[i] = mem_string(values->items[i]);
	return copy;
}

int conf_convert_argv(void *target, const struct conf_setting *setting, const struct conf_list *values,
		      struct err *e)
{
	if (values->count > 0 && values->items[0][0] == '\0')
		return err_set(e, ERR_USAGE, "expected a command and its arguments, each in quotes");
	*FIELD(struct conf_list) = conf_list_copy(values);
	return 0;
}

static struct conf_list split_command(const char *command)
{
	cleanup(cleanup_mem) char *text = mem_string(command);
	size_t room = strlen(text) / 2 + 1;
	cleanup(cleanup_mem) char **words = mem_zalloc(room, sizeof *words);
	struct conf_list borrowed = {words, str_split_blanks(text, words, room)};

	return conf_list_copy(&borrowed);
}

int conf_convert_commands(void *target, const struct conf_setting *setting, const struct conf_list *values,
			  struct err *e)
{
	for (size_t i = 0; i < values->count; i++)
		if (values->items[i][strspn(values->items[i], " \t")] == '\0')
			return err_set(e, ERR_USAGE, "expected commands, each in quotes as a whole");
	struct conf_commands *commands = FIELD(struct conf_commands);
	commands->items = mem_zalloc(values->count, sizeof *commands->items);
	commands->count = values->count;
	for (size_t i = 0; i < values->count; i++)
		commands->items[i] = split_command(values->items[i]);
	return 0;
}

static int check_each(const struct conf_list *values, int (*check)(const char *text, struct err *e),
		      struct err *e)
{
	int result = 0;

	for (size_t i = 0; i < values->count && result == 0; i++)
		result = check(values->items[i], e);
	return result;
}

int conf_convert_hosts(void *target, const struct conf_setting *setting, const struct conf_list *values,
		       struct err *e)
{
	int result = check_each(values, address_check_host, e);

	if (result == 0)
		*FIELD(struct conf_list) = conf_list_copy(values);
	return result;
}

int conf_convert_emails(void *target, const struct conf_setting *setting, const struct conf_list *values,
			struct err *e)
{
	int result = check_each(values, address_check_email, e);

	if (result == 0)
		*FIELD(struct conf_list) = conf_list_copy(values);
	return result;
}
