/* grouptext.c - definitions of groups as text: what is common to writing and reading. */
#include "config.h"

#include <stdlib.h>

#include "grouptext.h"
#include "mem.h"

static void member_done(struct grouptext_member *member)
{
	free(member->name);
	free(member->of);
}

static void group_text_done(struct grouptext_group *group)
{
	free(group->name);
	free(group->comment);
	vec_foreach(&group->members, member)
		member_done(member);
	vec_done(&group->members);
}

void grouptext_done(struct grouptext *text)
{
	free(text->path);
	text->path = NULL;
	vec_foreach(text, group)
		group_text_done(group);
	vec_done(text);
}
