/* group_record.c - a group as a record. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "group_private.h"
#include "mem.h"
#include "rec.h"
#include "when.h"

enum { RECORD_VERSION = 1 };

enum field { FIELD_NAME = 1, FIELD_COMMENT, FIELD_CREATED, FIELD_CHANGED, FIELD_MEMBERS };

enum member_field { MEMBER_NAME = 1, MEMBER_IMAGE, MEMBER_GROUP, MEMBER_COUNT };

static void encode_member(const struct group_member *member, struct str *out)
{
	rec_open_map(out);
	rec_text(out, MEMBER_NAME, member->name);
	if (member->image)
		rec_uint(out, MEMBER_IMAGE, member->image);
	if (member->group)
		rec_uint(out, MEMBER_GROUP, member->group);
	if (member->image)
		rec_uint(out, MEMBER_COUNT, member->count);
	rec_close(out);
}

void group_encode(const struct group *group, struct str *out)
{
	rec_begin(out, RECORD_VERSION);
	rec_text(out, FIELD_NAME, group->name);
	rec_text(out, FIELD_COMMENT, group->comment);
	rec_int(out, FIELD_CREATED, group->created);
	rec_int(out, FIELD_CHANGED, group->changed);
	rec_array(out, FIELD_MEMBERS);
	vec_foreach(&group->members, member)
		encode_member(member, out);
	rec_close(out);
	rec_end(out);
}

static int take_member_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct group_member *member = context;

	switch (field) {
	case MEMBER_NAME:
		return rec_replace_text(value, &member->name, e);
	case MEMBER_IMAGE:
		return rec_as_uint(value, &member->image, e);
	case MEMBER_GROUP:
		return rec_as_uint(value, &member->group, e);
	case MEMBER_COUNT:
		return rec_as_uint(value, &member->count, e);
	default:
		return 0;
	}
}

static int check_name(const char *name, const char *what, struct err *e)
{
	if (!name)
		return err_set(e, ERR_CORRUPT, "%s without a name", what);
	return image_check_name(name, e) < 0 ? err_set(e, ERR_CORRUPT, "%s with a bad name", what) : 0;
}

/* It names machines of one image, or it is a group. */
static int check_member(const struct group_member *member, struct err *e)
{
	if (!member->image == !member->group || !member->image != !member->name)
		return err_set(e, ERR_CORRUPT, "a member that is neither image nor group");
	if (member->group)
		return 0;
	if (member->count < 1 || member->count > GROUP_COUNT_MAX)
		return err_set(e, ERR_CORRUPT, "a member that is there %llu times",
			       (unsigned long long)member->count);
	return check_name(member->name, "a member", e);
}

static int take_member(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct group *group = context;
	struct group_member *member = vec_push_zero(&group->members);
	int result = rec_read_map(value, take_member_field, member, e);

	(void)field;
	return result < 0 ? result : check_member(member, e);
}

static int take_field(void *context, unsigned field, const struct rec_value *value, struct err *e)
{
	struct group *group = context;

	switch (field) {
	case FIELD_NAME:
		return rec_replace_text(value, &group->name, e);
	case FIELD_COMMENT:
		return rec_replace_text(value, &group->comment, e);
	case FIELD_CREATED:
		return rec_as_int(value, &group->created, e);
	case FIELD_CHANGED:
		return rec_as_int(value, &group->changed, e);
	case FIELD_MEMBERS:
		return rec_read_array(value, take_member, group, e);
	default:
		return 0;
	}
}

int group_decode(const void *data, size_t length, struct group *group, struct err *e)
{
	struct group read = {.created = WHEN_UNKNOWN, .changed = WHEN_UNKNOWN};
	int result = rec_read(data, length, RECORD_VERSION, take_field, &read, e);

	if (result == 0)
		result = check_name(read.name, "it is", e);
	if (result < 0) {
		group_done(&read);
		return result;
	}
	*group = read;
	return 0;
}
