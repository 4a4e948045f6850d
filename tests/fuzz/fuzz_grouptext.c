/* fuzz_grouptext.c - any bytes as definitions of groups: groups that keep the rules, or an error with its line. */
#include "config.h"

#include <string.h>

#include "fuzz.h"
#include "grouptext.h"

const char fuzz_name[] = "grouptext";

static void check_member(const struct grouptext_member *member)
{
	struct err e;

	fuzz_check(image_check_name(member->of, &e) == 0);
	fuzz_check(!member->name || image_check_name(member->name, &e) == 0);
	fuzz_check(!member->name || (member->count >= 1 && member->count <= GROUP_COUNT_MAX));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct grouptext text = {0};
	struct err e = {0};
	int result = grouptext_read("f", (const char *)data, size, &text, &e);

	fuzz_check(result == 0 || result == ERR_USAGE);
	fuzz_check(result == 0 || (strncmp(e.text, "f:", 2) == 0 && strchr("123456789", e.text[2])));
	vec_foreach(&text, group) {
		fuzz_check(image_check_name(group->name, &e) == 0);
		fuzz_check(!group->comment || !str_has_control(group->comment));
		vec_foreach(&group->members, member)
			check_member(member);
	}
	grouptext_done(&text);
	return 0;
}
