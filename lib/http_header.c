/* http_header.c - header lines that others wrote, on their way into a request. */
#include "config.h"

#include <string.h>
#include <strings.h>

#include "http.h"
#include "str.h"

enum { NAME_MAX_LENGTH = 100, HEADER_MAX = 8192 };

/* A token of RFC 9110, 5.6.2. */
static size_t token_length(const char *text)
{
	return strspn(text, "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
}

/* What says where a request ends, or is said by us. */
static bool is_ours(const char *line, size_t name)
{
	static const char *const names[] = {"Content-Length", "Content-Type", "Expect", "Transfer-Encoding"};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strlen(names[i]) == name && strncasecmp(line, names[i], name) == 0)
			return true;
	return false;
}

int http_check_header(const char *line, struct err *e)
{
	size_t name = token_length(line);
	const char *value = line[name] == ':' ? line + name + 1 + strspn(line + name + 1, " ") : "";

	if (name == 0 || line[name] != ':')
		return err_set(e, ERR_USAGE, "a header line that is not 'Name: value'");
	if (name > NAME_MAX_LENGTH || strlen(line) > HEADER_MAX)
		return err_set(e, ERR_USAGE, "a header line that is too long (%d bytes are allowed)", HEADER_MAX);
	if (str_has_control(line))
		return err_set(e, ERR_USAGE, "header %.*s: holds a control character, or is not UTF-8",
			       (int)name, line);
	if (!*value)
		return err_set(e, ERR_USAGE, "header %.*s: has no value", (int)name, line);
	if (is_ours(line, name))
		return err_set(e, ERR_USAGE, "header %.*s: is not to be set", (int)name, line);
	return 0;
}
