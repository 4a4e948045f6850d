/* hosts.c - hosts(5): the physical hosts, one a line, and the rules of its fields. */
#include "config.h"

#include <ctype.h>
#include <string.h>

#include "address.h"
#include "hosts.h"
#include "map.h"
#include "mem.h"
#include "str.h"
#include "textfile.h"
#include "vec.h"

enum { NAME_MAX_BYTES = 253, FIELDS = 4, MAC_BYTES = 6 };

#define WORD_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static void host_done(struct host *host)
{
	free(host->name);
	free(host->address);
	free(host->uri);
	free(host->cluster);
	free(host->manager);
	free(host->ups);
	free(host->mac);
}

void hosts_done(struct hosts *hosts)
{
	for (size_t i = 0; i < hosts->count; i++)
		host_done(&hosts->items[i]);
	free(hosts->items);
	free(hosts->path);
	map_free(hosts->index);
	*hosts = (struct hosts){0};
}

int hosts_check_name(const char *text, struct err *e)
{
	size_t length = strlen(text);

	if (length == 0 || length > NAME_MAX_BYTES || text[0] == '-' || strspn(text, WORD_CHARACTERS ":") != length)
		return err_set(e, ERR_USAGE,
			       "\"%s\" is not a host name (letters, digits, . _ : and -, at most %d)", text,
			       NAME_MAX_BYTES);
	return 0;
}

static int parse_name(struct host *host, const char *text, struct err *e)
{
	int result = hosts_check_name(text, e);

	if (result == 0)
		host->name = mem_string(text);
	return result;
}

static int parse_address(struct host *host, const char *text, struct err *e)
{
	int result = address_check_host(text, e);

	if (result == 0)
		host->address = mem_string(text);
	return result;
}

/* libvirt knows which URIs and aliases there are; here only what cannot be one is refused, such as a comment. */
static int parse_uri(struct host *host, const char *text, struct err *e)
{
	size_t scheme = strspn(text, WORD_CHARACTERS "+");

	if (scheme == 0 || (text[scheme] != '\0' && text[scheme] != ':'))
		return err_set(e, ERR_USAGE,
			       "\"%s\" is not a libvirt URI or alias, such as qemu+ssh://host1/system", text);
	host->uri = mem_string(text);
	return 0;
}

static int parse_confirm(struct host *host, const char *value, struct err *e)
{
	if (!str_starts(value, "tcp:"))
		return err_set(e, ERR_USAGE, "confirm=%s: expected tcp:PORT[+PORT]...", value);
	cleanup(cleanup_mem) char *ports = mem_string(value + 4);
	char *rest = ports;

	for (char *port; (port = strsep(&rest, "+"));) {
		uint64_t number;
		if (host->confirm_count == HOSTS_CONFIRM_MAX)
			return err_set(e, ERR_USAGE, "confirm=%s: more than %d ports", value, HOSTS_CONFIRM_MAX);
		int result = str_parse_number(port, 1, UINT16_MAX, &number, e);
		if (result < 0) {
			err_wrap(e, "confirm=%s", value);
			return result;
		}
		host->confirm[host->confirm_count++] = (uint16_t)number;
	}
	return 0;
}

static bool is_word(const char *text)
{
	return text && *text && text[strspn(text, WORD_CHARACTERS)] == '\0';
}

/* SERVER[:PORT], an IPv6 address in brackets; cut up in place. */
static bool is_server(char *text)
{
	uint64_t port;
	struct err cause;
	bool bracket = text[0] == '[';
	char *end = bracket ? strchr(text, ']') : text + strcspn(text, ":");

	if (!end || (bracket && !strchr(text, ':')))
		return false;
	char *colon = bracket ? end + 1 : end;
	if (*colon && (*colon != ':' || str_parse_number(colon + 1, 1, UINT16_MAX, &port, &cause) < 0))
		return false;
	*end = '\0';
	return address_check_host(text + bracket, &cause) == 0;
}

static int parse_ups(struct host *host, const char *value, struct err *e)
{
	cleanup(cleanup_mem) char *copy = mem_string(value);
	char *rest = copy;
	char *ups = strsep(&rest, "@");
	char *server = strsep(&rest, "/");

	if (!is_word(ups) || !server || !is_word(rest) || !is_server(server))
		return err_set(e, ERR_USAGE, "ups=%s: expected UPS@SERVER[:PORT]/OUTLET", value);
	host->ups = mem_string(value);
	return 0;
}

static int parse_mac(struct host *host, const char *value, struct err *e)
{
	unsigned digits = 0;
	char mac[3 * MAC_BYTES];

	for (const char *c = value; *c; c++) {
		if ((*c == ':' || *c == '-') && digits > 0 && digits % 2 == 0 && c[1] && c[-1] != *c)
			continue;
		if (!isxdigit((unsigned char)*c) || digits == 2 * MAC_BYTES)
			return err_set(e, ERR_USAGE, "mac=%s: expected six bytes such as 52:54:00:12:34:56",
				       value);
		size_t at = 3 * (digits / 2) + digits % 2;
		mac[at] = (char)tolower((unsigned char)*c);
		mac[at + 1] = ':';
		digits++;
	}
	if (digits != 2 * MAC_BYTES)
		return err_set(e, ERR_USAGE, "mac=%s: expected six bytes such as 52:54:00:12:34:56", value);
	mac[sizeof mac - 1] = '\0';
	host->mac = mem_string(mac);
	return 0;
}

static int parse_cluster(struct host *host, const char *value, struct err *e)
{
	(void)e;
	host->cluster = mem_string(value);
	return 0;
}

static int parse_manager(struct host *host, const char *value, struct err *e)
{
	(void)e;
	host->manager = mem_string(value);
	return 0;
}

static int parse_off(struct host *host, const char *value, struct err *e)
{
	(void)value;
	(void)e;
	host->off = true;
	return 0;
}

static const struct option {
	const char *name;
	bool has_value;
	int (*parse)(struct host *host, const char *value, struct err *e);
} options[] = {
	{"cluster", true, parse_cluster}, {"confirm", true, parse_confirm}, {"mac", true, parse_mac},
	{"manager", true, parse_manager}, {"off", false, parse_off},        {"ups", true, parse_ups},
};

enum { OPTION_COUNT = sizeof options / sizeof options[0] };

static int parse_option(struct host *host, char *name, bool *seen, struct err *e)
{
	char *value = strchr(name, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (!str_equal(name, options[i].name))
			continue;
		if (seen[i])
			return err_set(e, ERR_USAGE, "option %s given twice", name);
		if (options[i].has_value ? !value || !*value : value != NULL)
			return err_set(e, ERR_USAGE, "option %s %s", name,
				       options[i].has_value ? "needs a value" : "takes no value");
		seen[i] = true;
		return options[i].parse(host, value, e);
	}
	return err_set(e, ERR_USAGE,
		       "unknown option \"%s\"; there are cluster, confirm, mac, manager, off and ups", name);
}

static int parse_options(struct host *host, char *text, struct err *e)
{
	bool seen[OPTION_COUNT] = {0};
	int result = 0;

	for (char *option; result == 0 && (option = strsep(&text, ","));)
		result = parse_option(host, option, seen, e);
	return result;
}

static int parse_fields(struct host *host, char *line, struct err *e)
{
	char *fields[FIELDS] = {0};
	size_t count = str_split_blanks(line, fields, FIELDS);

	if (count < 2 || count > FIELDS)
		return err_set(e, ERR_USAGE, "%zu field%s; expected: name address [libvirt-URI [options]]",
			       count, count == 1 ? "" : "s");
	int result = parse_name(host, fields[0], e);
	if (result == 0 && !str_equal(fields[1], "-"))
		result = parse_address(host, fields[1], e);
	if (result == 0 && fields[2] && !str_equal(fields[2], "-"))
		result = parse_uri(host, fields[2], e);
	if (result == 0 && fields[3] && !str_equal(fields[3], "-"))
		result = parse_options(host, fields[3], e);
	return result;
}

static int parse_lines(struct hosts *hosts, char *text, struct err *e)
{
	VEC(struct host) items = {0};
	unsigned line_number = 0;
	int result = 0;

	for (char *line; result == 0 && (line = strsep(&text, "\n"));) {
		line_number++;
		line += strspn(line, " \t");
		if (*line == '\0' || *line == '#')
			continue;
		struct host *host = vec_push_zero(&items);
		host->line = line_number;
		result = parse_fields(host, line, e);
		if (result < 0)
			err_wrap(e, "%s:%u", hosts->path, line_number);
	}
	hosts->items = items.items;
	hosts->count = items.count;
	return result;
}

static int index_names(struct hosts *hosts, struct err *e)
{
	hosts->index = map_new();
	for (size_t i = 0; i < hosts->count; i++) {
		struct host *host = &hosts->items[i];
		if (map_add(hosts->index, host->name, strlen(host->name), host))
			continue;
		return err_set(e, ERR_USAGE, "%s:%u: host %s is on line %u already", hosts->path, host->line,
			       host->name, hosts_find(hosts, host->name)->line);
	}
	return 0;
}

int hosts_read(struct hosts *hosts, const char *path, struct err *e)
{
	cleanup(str_done) struct str text = {0};
	cleanup(hosts_done) struct hosts read_hosts = {0};

	int result = textfile_read(path, &text, NULL, e);
	if (result == 0)
		result = textfile_check(path, str_text(&text), text.length, e);
	if (result < 0)
		return result;
	read_hosts.path = mem_string(path);
	result = parse_lines(&read_hosts, text.data, e);
	if (result == 0)
		result = index_names(&read_hosts, e);
	if (result < 0)
		return result;
	*hosts = read_hosts;
	read_hosts = (struct hosts){0};
	return 0;
}

const struct host *hosts_find(const struct hosts *hosts, const char *name)
{
	return map_find(hosts->index, name, strlen(name));
}

int hosts_require(const struct hosts *hosts, const char *name, const struct host **host, struct err *e)
{
	const struct host *found = hosts_find(hosts, name);

	if (!found)
		return err_set(e, ERR_NOT_FOUND, "host %s is not in %s", name, hosts->path);
	*host = found;
	return 0;
}

bool hosts_is_asked(const struct host *host)
{
	return host->uri && !host->off;
}
