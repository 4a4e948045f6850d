/* fuzz_admins.c - any bytes as admins(5): rows that are found by their VM, or bad lines that are all named. */
#include "config.h"

#include <string.h>

#include "admins.h"
#include "fuzz.h"
#include "mem.h"
#include "str.h"

const char fuzz_name[] = "admins";

static void count_bad(void *context, const char *source, unsigned line, const char *text)
{
	size_t *count = context;

	fuzz_check(source && line > 0 && *text);
	(*count)++;
}

static void check_row(const struct admins *admins, const struct admin *admin)
{
	cleanup(cleanup_mem) char *person = admins_person(admin);
	cleanup(cleanup_mem) char *name = mem_string(admin->vm);
	unsigned char uuid[VM_UUID_SIZE];
	struct err e;
	bool is_uuid = vm_uuid_parse(admin->vm, uuid, &e) == 0;
	char *host = strrchr(name, '@');

	if (host)
		*host++ = '\0';
	fuzz_check(*person && *admin->vm && !str_has_control(admin->vm) && !str_has_control(person));
	fuzz_check(!admin->policy || conf_check_name(admin->policy, &e) == 0);
	fuzz_check(!admin->voice_lang || conf_check_lang(admin->voice_lang, &e) == 0);
	for (size_t i = 0; i < admin->groups.count; i++)
		fuzz_check(conf_check_name(admin->groups.items[i], &e) == 0);
	fuzz_check(admins_of(admins, is_uuid ? uuid : NULL, is_uuid ? NULL : name, host, NULL, 0) > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct admins admins = {0};
	struct err e = {0};
	size_t bad = 0;
	int result = admins_parse(&admins, (const char *)data, size, "list", count_bad, &bad, &e);

	fuzz_check(result == (bad > 0 ? ERR_USAGE : 0));
	for (size_t i = 0; i < admins.count; i++)
		check_row(&admins, &admins.items[i]);
	admins_done(&admins);
	return 0;
}
