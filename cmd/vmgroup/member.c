/* member.c - members as they are said on the command line: NAME=IMAGE*COUNT, NAME=VM@HOST, GROUP. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "member.h"
#include "taking.h"

enum { DESCRIPTION_MAX = 1000 };

static void member_done(struct member *member)
{
	free(member->name);
	free(member->of);
	free(member->vm);
}

void members_done(struct members *members)
{
	vec_foreach(members, member)
		member_done(member);
	vec_done(members);
	if (members->has_hosts)
		hosts_done(&members->hosts);
}

/* web=centos9*3 */
static void member_add_text(struct str *text, const char *name, const char *image, uint64_t count)
{
	str_addf(text, "%s=%s", name, image);
	if (count != 1)
		str_addf(text, "*%llu", (unsigned long long)count);
}

void members_describe(const struct members *members, const char *verb, struct str *text)
{
	size_t said = 0;

	str_add(text, verb);
	vec_foreach(members, member) {
		if (text->length > DESCRIPTION_MAX)
			break;
		said++;
		str_add_char(text, ' ');
		if (member->name)
			member_add_text(text, member->name, member->of, member->count);
		else
			str_addf(text, "group:%s", member->of);
	}
	if (said < members->count)
		str_addf(text, " and %zu more", members->count - said);
}

/* A VM of that name, or that group. */
static struct group_member *find_place(const struct group *group, const struct member *member)
{
	vec_foreach(&group->members, there)
		if (member->name ? str_equal(there->name, member->name) : there->group == member->id)
			return there;
	return NULL;
}

void members_add_to(const struct members *members, bool replace, struct group *group)
{
	vec_foreach(members, member) {
		struct group_member *place = replace ? find_place(group, member) : NULL;
		if (place && member->name) {
			place->image = member->id;
			place->count = member->count;
		} else if (!place && member->name) {
			group_add_image(group, member->name, member->id, member->count);
		} else if (!place) {
			group_add_group(group, member->id);
		}
	}
}

/* ---- a word ---- */

/* Cuts *COUNT off the end of TEXT. */
static int take_count(char *text, uint64_t *count, struct err *e)
{
	char *star = strrchr(text, '*');

	*count = 1;
	if (!star)
		return 0;
	*star = '\0';
	return str_parse_number(star + 1, 1, GROUP_COUNT_MAX, count, e) < 0 ? err_wrap(e, "count") : 0;
}

/* NAME= before the rest of TEXT, if what stands there can be one: a VM's name may hold anything. */
static char *take_name(char **text)
{
	char *equals = strchr(*text, '=');
	struct err e;

	if (!equals)
		return NULL;
	cleanup(cleanup_mem) char *name = mem_string_n(*text, (size_t)(equals - *text));
	if (image_check_name(name, &e) < 0)
		return NULL;
	*text = equals + 1;
	return mem_string(name);
}

static int read_hosts(const struct options *o, struct members *members, struct err *e)
{
	if (members->has_hosts)
		return 0;
	if (cli_hosts(&o->conf, &members->hosts, e) < 0)
		return e->code;
	members->has_hosts = true;
	return 0;
}

/* The image that was registered from it: 1, 0 if there is none. */
static int find_captured(struct store_view *view, const struct member *member, struct image *found, struct err *e)
{
	cleanup(images_done) struct images images = {0};

	if (image_all(view, &images, e) < 0)
		return e->code;
	vec_foreach(&images, image)
		if (str_equal(image->vm, member->vm) && str_equal(image->host, member->host)) {
			*found = *image;
			*image = (struct image){0};
			return 1;
		}
	return 0;
}

/* Another word that names the same VM; NULL: none. */
static const struct member *find_same_vm(const struct members *members, const struct member *member)
{
	vec_foreach(members, other)
		if (other != member && str_equal(other->vm, member->vm) && str_equal(other->host, member->host))
			return other;
	return NULL;
}

/* 1: an image, or one to come, is called NAME. */
static int is_taken(const struct members *members, struct store_view *view, const char *name, struct err *e)
{
	cleanup(image_done) struct image image = {0};

	vec_foreach(members, other)
		if (other->vm && str_equal(other->of, name))
			return 1;
	return image_find(view, name, &image, e);
}

/* Its image is called as the VM is, if anything of ours can be called that and nothing is; else as the member. */
static int name_to_come(const struct members *members, struct store_view *view, struct member *member,
			struct err *e)
{
	struct err unfit;
	bool fits = image_check_name(member->vm, &unfit) == 0;

	if (!member->name && !fits)
		return err_set(e, ERR_USAGE, "say NAME=VM@HOST: %s", unfit.text);
	if (!member->name)
		member->name = mem_string(member->vm);
	int taken = fits ? is_taken(members, view, member->vm, e) : 1;
	const char *name = taken == 0 ? member->vm : member->name;
	if (taken == 1)
		taken = is_taken(members, view, name, e);
	if (taken != 0)
		return taken < 0 ? taken
				 : err_set(e, ERR_USAGE, "there is an image %s already, of another VM", name);
	member->of = mem_string(name);
	return 0;
}

/* A VM that is no image yet. */
static int read_to_come(const struct members *members, struct store_view *view, struct member *member,
			struct err *e)
{
	const struct member *same = find_same_vm(members, member);

	member->id = GROUP_IMAGE_TO_COME;
	if (!same)
		return name_to_come(members, view, member, e);
	member->of = mem_string(same->of);
	if (!member->name)
		member->name = mem_string(same->name);
	return 0;
}

/* TEXT is VM@HOST: the last @ splits. */
static int read_vm(const struct options *o, struct store_view *view, struct members *members,
		   struct member *member, char *text, struct err *e)
{
	cleanup(image_done) struct image captured = {0};
	char *at = strrchr(text, '@');
	const struct host *host;

	if (take_count(at, &member->count, e) < 0 || read_hosts(o, members, e) < 0 ||
	    hosts_require(&members->hosts, at + 1, &host, e) < 0)
		return e->code;
	if (!host->uri)
		return err_set(e, ERR_USAGE, "host %s has no libvirt URI in %s", host->name, members->hosts.path);
	member->vm = mem_string_n(text, (size_t)(at - text));
	member->host = host->name;
	if (!*member->vm)
		return err_set(e, ERR_USAGE, "expected VM@HOST");
	int result = find_captured(view, member, &captured, e);
	if (result <= 0)
		return result < 0 ? result : read_to_come(members, view, member, e);
	member->of = mem_string(captured.name);
	member->id = captured.id;
	mem_replace(&member->vm, NULL);
	if (!member->name)
		member->name = mem_string(captured.name);
	return 0;
}

static int read_image(struct store_view *view, struct member *member, char *text, struct err *e)
{
	cleanup(image_done) struct image image = {0};

	if (take_count(text, &member->count, e) < 0 || image_require(view, text, &image, e) < 0)
		return e->code;
	member->of = mem_string(image.name);
	member->id = image.id;
	if (!member->name)
		member->name = mem_string(image.name);
	return 0;
}

static int read_group(struct store_view *view, struct member *member, const char *text, struct err *e)
{
	cleanup(group_done) struct group group = {0};

	if (group_require(view, text, &group, e) < 0)
		return e->code;
	member->of = mem_string(group.name);
	member->id = group.id;
	return 0;
}

/* ---- a bare word ---- */

enum kind { KIND_NONE, KIND_IMAGE, KIND_GROUP, KIND_BOTH };

static enum kind kind_of(bool is_image, bool is_group)
{
	if (is_image && is_group)
		return KIND_BOTH;
	return is_image ? KIND_IMAGE : is_group ? KIND_GROUP : KIND_NONE;
}

static int look_exactly(struct store_view *view, const char *text, enum kind *kind, struct err *e)
{
	cleanup(image_done) struct image image = {0};
	cleanup(group_done) struct group group = {0};

	int is_image = image_find(view, text, &image, e);
	int is_group = is_image < 0 ? is_image : group_find(view, text, &group, e);
	if (is_group < 0)
		return is_group;
	*kind = kind_of(is_image == 1, is_group == 1);
	return 0;
}

/* What begins so, where nothing is called so. */
static int look_for_beginning(struct store_view *view, const char *text, enum kind *kind, struct err *e)
{
	cleanup(image_done) struct image image = {0};
	cleanup(group_done) struct group group = {0};
	struct err image_error = {0};

	int is_image = image_require(view, text, &image, &image_error);
	int is_group = group_require(view, text, &group, e);
	if (is_image < 0 && is_image != ERR_NOT_FOUND) {
		*e = image_error;
		return is_image;
	}
	if (is_group < 0 && is_group != ERR_NOT_FOUND)
		return is_group;
	*kind = kind_of(is_image == 0, is_group == 0);
	return 0;
}

static int read_bare(struct store_view *view, struct member *member, char *text, struct err *e)
{
	enum kind kind = KIND_NONE;

	if (look_exactly(view, text, &kind, e) < 0)
		return e->code;
	if (kind == KIND_NONE && look_for_beginning(view, text, &kind, e) < 0)
		return e->code;
	switch (kind) {
	case KIND_IMAGE:
		return read_image(view, member, text, e);
	case KIND_GROUP:
		return read_group(view, member, text, e);
	case KIND_BOTH:
		return err_set(e, ERR_AMBIGUOUS, "a group and an image: say group:%s or image:%s", text, text);
	default:
		return err_set(e, ERR_NOT_FOUND, "no group and no image is called so, nor begins so");
	}
}

static int read_word(const struct options *o, struct store_view *view, struct members *members,
		     struct member *member, char *text, struct err *e)
{
	if (str_starts(text, "group:"))
		return read_group(view, member, text + strlen("group:"), e);
	if (str_starts(text, "image:"))
		return read_image(view, member, text + strlen("image:"), e);
	member->name = take_name(&text);
	if (strchr(text, '@'))
		return read_vm(o, view, members, member, text, e);
	if (member->name || strchr(text, '*'))
		return read_image(view, member, text, e);
	return read_bare(view, member, text, e);
}

int members_read(const struct options *o, struct store_view *view, char **words, size_t count,
		 struct members *members, struct err *e)
{
	for (size_t i = 0; i < count; i++) {
		cleanup(cleanup_mem) char *text = mem_string(words[i]);
		struct member *member = vec_push_zero(members);
		member->word = words[i];
		if (read_word(o, view, members, member, text, e) < 0) {
			cleanup(cleanup_mem) char *word = str_escape(words[i]);
			return err_wrap(e, "'%.200s'", word);
		}
	}
	return 0;
}

/* ---- what is to come ---- */

/* They stay: who tries again has them already. */
static void say_what_stays(const struct members *members, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (members->items[i].vm)
			log_notice("image %s was made and stays: the same command goes on from there",
				   members->items[i].of);
}

static int capture(struct options *o, struct store *store, struct members *members, struct member *member,
		   struct err *e)
{
	const struct host *host = hosts_find(&members->hosts, member->host);
	const struct member *same = find_same_vm(members, member);

	/* One that came before it. */
	if (same && same->id != GROUP_IMAGE_TO_COME) {
		member->id = same->id;
		return 0;
	}
	if (taking_register(o, store, host, member->vm, member->of, &member->id, e) < 0) {
		cleanup(cleanup_mem) char *word = str_escape(member->word);
		return err_wrap(e, "'%.200s'", word);
	}
	return 0;
}

int members_capture(struct options *o, struct store *store, struct members *members, struct err *e)
{
	for (size_t i = 0; i < members->count; i++)
		if (members->items[i].vm && capture(o, store, members, &members->items[i], e) < 0) {
			say_what_stays(members, i);
			return e->code;
		}
	return 0;
}
