/* speaker.c - who gives a command, and what they may say. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "speaker.h"
#include "str.h"

const char *speaker_name(void)
{
	const char *name = getenv("SUDO_USER");
	const struct passwd *entry = name && *name ? NULL : getpwuid(getuid());

	return name && *name ? name : entry ? entry->pw_name : "somebody";
}

int speaker_check(const char *option, const char *text, struct err *e)
{
	if (text && (str_has_control(text) || strlen(text) > 500))
		return err_set(e, ERR_USAGE, "%s: control characters, not UTF-8, or longer than 500 bytes",
			       option);
	return 0;
}
