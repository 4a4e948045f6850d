/* test_group.c - groups: no cycle, no name twice, nothing that leads nowhere, whoever else writes at the same time. */
#include "config.h"

#include "unit.h"

#include "group.h"
#include "image_kit.h"
#include "keys.h"
#include "mem.h"
#include "references.h"
#include "store_kit.h"
#include "vec.h"
#include "when.h"

/* What another writer does between the look of one and its batch: once. */
static void (*meanwhile)(struct kit *kit);
static struct kit *meanwhile_kit;

int __real_store_batch_commit(struct store_batch *batch, struct err *e);
int __wrap_store_batch_commit(struct store_batch *batch, struct err *e);
int __wrap_store_batch_commit(struct store_batch *batch, struct err *e)
{
	void (*now)(struct kit * kit) = meanwhile;

	/* That of the number which a new group gets is not yet the batch that counts. */
	if (now && store_batch_count(batch) > 2) {
		meanwhile = NULL;
		now(meanwhile_kit);
	}
	return __real_store_batch_commit(batch, e);
}

static void at_the_same_time(struct kit *kit, void (*other)(struct kit *kit))
{
	meanwhile = other;
	meanwhile_kit = kit;
}

/* ---- short words ---- */

static int try_find(struct kit *kit, const char *name, struct group *group)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	int result = group_find(view, name, group, &e);
	assert_ok(result, &e);
	return result;
}

static void find(struct kit *kit, const char *name, struct group *group)
{
	assert_int_equal(try_find(kit, name, group), 1);
	assert_string_equal(group->name, name);
}

/* Members: "web=7*3", an image by its id, or "group". */
static void add_member(struct kit *kit, struct group *group, const char *text)
{
	char name[64];
	unsigned long long image, count = 1;

	if (sscanf(text, "%63[^=]=%llu*%llu", name, &image, &count) >= 2) {
		group_add_image(group, name, image, count);
	} else {
		cleanup(group_done) struct group below = {0};
		find(kit, text, &below);
		group_add_group(group, below.id);
	}
}

static void add_members(struct kit *kit, struct group *group, const char *members)
{
	cleanup(cleanup_mem) char *copy = mem_string(members);
	char *rest = copy;

	for (char *word; (word = strsep(&rest, " "));)
		if (*word)
			add_member(kit, group, word);
}

static int try_make(struct kit *kit, const char *name, const char *members, struct err *e)
{
	cleanup(group_done) struct group group = {.name = mem_string(name)};

	add_members(kit, &group, members);
	return group_create(kit->store, &group, "create", "ito", e);
}

static void make(struct kit *kit, const char *name, const char *members)
{
	struct err e = {0};

	assert_ok(try_make(kit, name, members, &e), &e);
}

static int try_add(struct kit *kit, const char *name, const char *members, struct err *e)
{
	cleanup(group_done) struct group old = {0};
	cleanup(group_done) struct group new = {0};

	find(kit, name, &old);
	group_copy(&new, &old);
	add_members(kit, &new, members);
	return group_replace(kit->store, &old, &new, "add", "because", "ito", e);
}

static int try_rename(struct kit *kit, const char *name, const char *to, struct err *e)
{
	cleanup(group_done) struct group old = {0};
	cleanup(group_done) struct group new = {0};

	find(kit, name, &old);
	group_copy(&new, &old);
	mem_replace(&new.name, to);
	return group_replace(kit->store, &old, &new, "rename", NULL, "ito", e);
}

static uint64_t revision(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct err e = {0};
	uint64_t number;

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(references_revision(view, &number, &e), &e);
	return number;
}

static int try_delete(struct kit *kit, const char *name, struct err *e)
{
	cleanup(group_done) struct group group = {0};

	find(kit, name, &group);
	return group_delete(kit->store, &group, revision(kit), "gone", "ito", e);
}

/* Names of all machines, a blank behind each. */
static int try_expand(struct kit *kit, const char *name, struct str *names, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(group_done) struct group group = {0};
	cleanup(group_vms_done) struct group_vms vms = {0};

	find(kit, name, &group);
	assert_ok(store_view_open(&view, kit->store, e), e);
	int result = group_expand(view, &group, &vms, e);
	vec_foreach(&vms, vm)
		str_addf(names, "%s ", vm->name);
	return result;
}

static void assert_expands(struct kit *kit, const char *name, const char *wanted)
{
	cleanup(str_done) struct str names = {0};
	struct err e = {0};

	assert_ok(try_expand(kit, name, &names, &e), &e);
	assert_string_equal(str_text(&names), wanted);
}

/* ---- images a and b have ids that the tests say as %llu ---- */

static const char *members(const char *format, ...) __attribute__((format(printf, 1, 2)));
static const char *members(const char *format, ...)
{
	static char text[8][256];
	static unsigned next;
	va_list arguments;
	char *chosen = text[next++ % 8];

	va_start(arguments, format);
	vsnprintf(chosen, sizeof text[0], format, arguments);
	va_end(arguments);
	return chosen;
}

static unsigned long long image(struct kit *kit, const char *name)
{
	return image_kit_make(kit, name);
}

/* ---- cases ---- */

static void a_group_is_kept_as_it_was_made(void **state)
{
	struct kit *kit = *state;
	cleanup(group_done) struct group made = {.name = mem_string("shop"), .comment = mem_string("the shop")};
	cleanup(group_done) struct group found = {0};
	uint64_t id = image_kit_make(kit, "centos9");
	struct err e = {0};

	group_add_image(&made, "web", id, 3);
	group_add_image(&made, "db", id, 1);
	assert_ok(group_create(kit->store, &made, "create", "ito", &e), &e);
	find(kit, "shop", &found);
	assert_int_equal(found.id, made.id);
	assert_int_equal(found.created, made.created);
	assert_string_equal(found.comment, "the shop");
	assert_int_equal(found.members.count, 2);
	assert_string_equal(found.members.items[0].name, "web");
	assert_int_equal(found.members.items[0].count, 3);
	assert_int_equal(found.members.items[1].image, id);
	assert_expands(kit, "shop", "web1 web2 web3 db ");
}

static void members_start_in_their_order_and_a_shared_group_counts_once(void **state)
{
	struct kit *kit = *state;
	unsigned long long a = image(kit, "a");

	make(kit, "base", members("dns=%llu log=%llu", a, a));
	make(kit, "shop", members("db=%llu base web=%llu*2", a, a));
	make(kit, "mail", members("base mx=%llu", a));
	make(kit, "all", "shop mail base");
	assert_expands(kit, "all", "db dns log web1 web2 mx ");
	make(kit, "empty", "");
	assert_expands(kit, "empty", "");
}

static void no_group_contains_itself_at_any_depth(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	make(kit, "a", "");
	make(kit, "b", "a");
	make(kit, "c", "b");
	make(kit, "side", "a b");
	assert_error(try_add(kit, "a", "a", &e), ERR_USAGE, &e, "a > a: a group cannot contain itself");
	assert_error(try_add(kit, "a", "b", &e), ERR_USAGE, &e, "a > b > a");
	assert_error(try_add(kit, "a", "side", &e), ERR_USAGE, &e, "a > side > a");
	assert_error(try_add(kit, "a", "c", &e), ERR_USAGE, &e, "a > c > b > a: a group cannot contain itself");
	assert_expands(kit, "c", "");
}

static void depth_is_bounded_from_the_highest_down(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	make(kit, "g1", "");
	for (int i = 2; i <= GROUP_DEPTH_MAX; i++)
		make(kit, members("g%d", i), members("g%d", i - 1));
	assert_error(try_make(kit, "over", members("g%d", GROUP_DEPTH_MAX), &e), ERR_USAGE, &e,
		     "65 deep: at most 64");
	/* Below, too: what stands above would be too deep. */
	make(kit, "new", "");
	assert_error(try_add(kit, "g1", "new", &e), ERR_USAGE, &e, "group g64 would be 65 deep");
	make(kit, "tower1", "");
	for (int i = 2; i <= GROUP_DEPTH_MAX; i++)
		make(kit, members("tower%d", i), members("tower%d", i - 1));
	assert_error(try_add(kit, "g1", "tower64", &e), ERR_USAGE, &e, "group g1 would be 65 deep");
	assert_expands(kit, "g64", "");
}

static void a_ladder_of_shared_groups_is_quick(void **state)
{
	struct kit *kit = *state;
	unsigned long long a = image(kit, "a");

	/* 2^60 ways down, were each walked. */
	make(kit, "l0", members("x=%llu", a));
	make(kit, "r0", members("y=%llu", a));
	for (int i = 1; i < 60; i++) {
		make(kit, members("l%d", i), members("l%d r%d", i - 1, i - 1));
		make(kit, members("r%d", i), members("l%d r%d", i - 1, i - 1));
	}
	assert_expands(kit, "l59", "x y ");
}

static void a_name_is_not_twice_in_the_whole(void **state)
{
	struct kit *kit = *state;
	unsigned long long a = image(kit, "a");
	struct err e = {0};

	assert_error(try_make(kit, "shop", members("web=%llu web=%llu", a, a), &e), ERR_USAGE, &e,
		     "two VMs would be called web: of web*1 in group shop and of web*1 in group shop");
	assert_error(try_make(kit, "shop", members("web=%llu*3 web2=%llu", a, a), &e), ERR_USAGE, &e,
		     "two VMs would be called web2: of web*3 in group shop and of web2*1 in group shop");
	make(kit, "shop", members("web=%llu*3", a));
	make(kit, "mail", members("mx=%llu", a));
	make(kit, "all", "shop mail");
	make(kit, "world", "all");
	/* The clash arises two levels above what is changed. */
	assert_error(try_add(kit, "mail", members("web1=%llu", a), &e), ERR_USAGE, &e,
		     "two VMs would be called web1: of web*3 in group shop and of web1*1 in group mail");
	assert_ok(try_add(kit, "mail", members("web=%llu", a), &e), &e);
	assert_error(try_add(kit, "mail", "shop shop", &e), ERR_USAGE, &e, "group shop is a member twice");
}

static void bounds_are_said(void **state)
{
	struct kit *kit = *state;
	unsigned long long a = image(kit, "a");
	struct err e = {0};

	assert_error(try_make(kit, "x", members("web=%llu*0", a), &e), ERR_USAGE, &e, "count from 1 to 10000");
	assert_error(try_make(kit, "x", members("web=%llu*10001", a), &e), ERR_USAGE, &e,
		     "count from 1 to 10000");
	assert_error(try_make(kit, "x y", "", &e), ERR_USAGE, &e, "x y");
	assert_error(try_make(kit, "x", members("w/b=%llu", a), &e), ERR_USAGE, &e, "w/b");
	for (int i = 0; i < 10; i++)
		make(kit, members("g%d", i), members("vm%d-=%llu*10000", i, a));
	make(kit, "most", "g0 g1 g2 g3 g4 g5 g6 g7 g8 g9");
	assert_error(try_add(kit, "most", members("more=%llu", a), &e), ERR_USAGE, &e, "more than 100000 VMs");
}

static void as_many_members_as_may_be_fit_the_store(void **state)
{
	struct kit *kit = *state;
	cleanup(group_done) struct group group = {.name = mem_string("large"),
						  .comment = mem_alloc(GROUP_COMMENT_MAX + 1)};
	cleanup(group_done) struct group found = {0};
	struct err e = {0};
	uint64_t a = image_kit_make(kit, "a");

	memset(group.comment, 'x', GROUP_COMMENT_MAX);
	group.comment[GROUP_COMMENT_MAX] = '\0';
	for (int i = 0; i < GROUP_MEMBERS_MAX; i++) {
		cleanup(cleanup_mem) char *name = mem_format("%064d", i);
		group_add_image(&group, name, a, 1);
	}
	assert_ok(group_create(kit->store, &group, "create", "ito", &e), &e);
	find(kit, "large", &found);
	assert_int_equal(found.members.count, GROUP_MEMBERS_MAX);
	assert_ok(try_rename(kit, "large", "larger", &e), &e);
	assert_error(try_add(kit, "larger", members("more=%llu", (unsigned long long)a), &e), ERR_USAGE, &e,
		     "10001 members: at most 10000; put them into several groups");
}

static void what_is_not_there_is_no_member(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	assert_error(try_make(kit, "x", "web=999", &e), ERR_CONFLICT, &e, "the image of member web is gone");
	cleanup(group_done) struct group group = {.name = mem_string("y")};
	group_add_group(&group, 999);
	assert_error(group_create(kit->store, &group, "create", "ito", &e), ERR_CONFLICT, &e, "is gone");
}

static void a_name_is_taken_once(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	make(kit, "a", "");
	make(kit, "b", "");
	assert_error(try_make(kit, "a", "", &e), ERR_CONFLICT, &e, "there is a group a already");
	assert_error(try_rename(kit, "a", "b", &e), ERR_CONFLICT, &e, "there is a group b already");
	assert_ok(try_rename(kit, "a", "c", &e), &e);
	make(kit, "a", "");
}

static void a_rename_leaves_references_whole(void **state)
{
	struct kit *kit = *state;
	unsigned long long a = image(kit, "a");
	cleanup(group_done) struct group gone = {0};
	struct err e = {0};

	make(kit, "low", members("x=%llu", a));
	make(kit, "high", "low");
	assert_ok(try_rename(kit, "low", "lower", &e), &e);
	assert_expands(kit, "high", "x ");
	assert_int_equal(try_find(kit, "low", &gone), 0);
	assert_error(try_delete(kit, "lower", &e), ERR_REFUSED, &e, "group lower is a member of high");
}

static void what_is_used_is_not_deleted(void **state)
{
	struct kit *kit = *state;
	cleanup(group_done) struct group gone = {0};
	struct err e = {0};

	make(kit, "low", "");
	make(kit, "high", "low");
	make(kit, "higher", "low high");
	assert_error(try_delete(kit, "low", &e), ERR_REFUSED, &e, "a member of high, higher");
	assert_ok(try_delete(kit, "higher", &e), &e);
	assert_ok(try_delete(kit, "high", &e), &e);
	assert_ok(try_delete(kit, "low", &e), &e);
	assert_int_equal(try_find(kit, "low", &gone), 0);
}

static void users_are_those_that_name_it(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(groups_done) struct groups users = {0};
	unsigned long long a = image(kit, "a"), b = image(kit, "b");
	struct err e = {0};

	make(kit, "two", members("x=%llu", a));
	make(kit, "one", members("y=%llu z=%llu", b, a));
	make(kit, "none", members("y=%llu", b));
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(group_users(view, a, &users, &e), &e);
	assert_int_equal(users.count, 2);
	assert_string_equal(users.items[0].name, "one");
	assert_string_equal(users.items[1].name, "two");
}

/* ---- two writers ---- */

static void other_adds_a_to_b(struct kit *kit)
{
	struct err e = {0};

	assert_ok(try_add(kit, "b", "a", &e), &e);
}

static void two_writers_make_no_cycle(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	make(kit, "a", "");
	make(kit, "b", "");
	at_the_same_time(kit, other_adds_a_to_b);
	assert_error(try_add(kit, "a", "b", &e), ERR_USAGE, &e, "a > b > a");
	assert_null(meanwhile);
}

static void other_changes_a(struct kit *kit)
{
	struct err e = {0};

	assert_ok(try_add(kit, "a", "b", &e), &e);
}

static void of_two_writers_of_one_group_the_second_is_told(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	make(kit, "a", "");
	make(kit, "b", "");
	make(kit, "c", "");
	at_the_same_time(kit, other_changes_a);
	assert_error(try_add(kit, "a", "c", &e), ERR_CONFLICT, &e, "somebody else changed it just now");
}

static void other_makes_something_else(struct kit *kit)
{
	make(kit, "other", "");
}

static void who_is_overtaken_by_others_goes_on(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	cleanup(group_done) struct group other = {0};

	make(kit, "a", "");
	make(kit, "b", "");
	at_the_same_time(kit, other_makes_something_else);
	assert_ok(try_add(kit, "a", "b", &e), &e);
	find(kit, "other", &other);
}

static void other_deletes_image_a(struct kit *kit)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(image_done) struct image image = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_int_equal(image_find(view, "a", &image, &e), 1);
	store_view_close(view);
	view = NULL;
	assert_ok(image_delete(kit->store, &image, revision(kit), &e), &e);
}

static void an_image_that_is_deleted_meanwhile_is_no_member(void **state)
{
	struct kit *kit = *state;
	unsigned long long a = image(kit, "a");
	struct err e = {0};

	at_the_same_time(kit, other_deletes_image_a);
	assert_error(try_make(kit, "x", members("web=%llu", a), &e), ERR_CONFLICT, &e, "is gone");
}

static void other_takes_b_in(struct kit *kit)
{
	struct err e = {0};

	assert_ok(try_add(kit, "a", "b", &e), &e);
}

static void a_group_that_is_taken_in_meanwhile_is_not_deleted(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};

	make(kit, "a", "");
	make(kit, "b", "");
	at_the_same_time(kit, other_takes_b_in);
	assert_int_equal(try_delete(kit, "b", &e), ERR_CONFLICT);
	assert_error(try_delete(kit, "b", &e), ERR_REFUSED, &e, "a member of a");
}

/* ---- the log ---- */

static int take_event(void *context, const struct group_event *event)
{
	str_addf(context, "%s: %s by %s%s%s\n", event->group, event->what, event->by,
		 event->comment ? ": " : "", event->comment ? event->comment : "");
	return 0;
}

static void assert_log(struct kit *kit, const char *group, const char *wanted)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(str_done) struct str text = {0};
	struct err e = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_ok(group_events(view, group, take_event, &text, &e), &e);
	assert_string_equal(str_text(&text), wanted);
}

static void what_is_done_is_in_the_log(void **state)
{
	struct kit *kit = *state;
	struct err e = {0};
	struct group_event deployed = {.group = (char *)"c", .what = (char *)"deploy as d1", .by = (char *)"sato"};

	make(kit, "a", "");
	make(kit, "b", "");
	assert_ok(try_add(kit, "a", "b", &e), &e);
	assert_ok(try_rename(kit, "a", "c", &e), &e);
	/* What failed is not. */
	try_rename(kit, "b", "c", &e);
	deployed.at = when_now();
	for (int i = 0; i < 2; i++)
		assert_ok(group_log(kit->store, &deployed, &e), &e);
	assert_log(kit,
		   "c", "a: create by ito\na: add by ito: because\na: rename by ito\nc: deploy as d1 by sato\nc: deploy as d1 by sato\n");
	assert_log(kit, "b", "b: create by ito\n");
	assert_ok(try_delete(kit, "c", &e), &e);
	assert_log(kit, "c", "c: deploy as d1 by sato\nc: deploy as d1 by sato\nc: delete by ito: gone\n");
	assert_log(kit, "none", "");
}

static void the_log_is_pruned_by_age(void **state)
{
	struct kit *kit = *state;
	struct group_event event = {.group = (char *)"c", .what = (char *)"deploy", .by = (char *)"sato"};
	uint64_t removed = 0;
	struct err e = {0};

	for (event.at = 1000; event.at < 1300; event.at++)
		assert_ok(group_log(kit->store, &event, &e), &e);
	assert_ok(group_log_prune(kit->store, 1000, &removed, &e), &e);
	assert_int_equal(removed, 0);
	assert_ok(group_log_prune(kit->store, 1299, &removed, &e), &e);
	assert_int_equal(removed, 299);
	assert_log(kit, "c", "c: deploy by sato\n");
}

/* ---- records ---- */

static void what_is_no_group_is_said(void **state)
{
	struct kit *kit = *state;
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	struct group group;
	struct err e = {0};
	struct key key;

	make(kit, "a", "");
	cleanup(group_done) struct group a = {0};
	find(kit, "a", &a);
	key_add_u64(key_begin(&key, KEY_GROUP), a.id);
	assert_ok(store_put(kit->store, key.bytes, key.length, "\xA1\x00\x01", 3, &e), &e);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(group_find(view, "a", &group, &e), ERR_CORRUPT, &e, "without a name");
	store_view_close(view);
	view = NULL;
	assert_ok(store_delete(kit->store, key.bytes, key.length, &e), &e);
	assert_ok(store_view_open(&view, kit->store, &e), &e);
	assert_error(group_find(view, "a", &group, &e), ERR_CORRUPT, &e, "its record is missing");
}

/* Every beginning of a record, and every byte of it changed, is a group that keeps the rules or ERR_CORRUPT. */
static void damaged_records_are_no_crash(void **state)
{
	(void)state;
	cleanup(group_done) struct group group = {.name = mem_string("a"), .comment = mem_string("c")};
	cleanup(str_done) struct str record = {0};
	struct err e = {0};

	group_add_image(&group, "web", 7, 300);
	group_add_group(&group, 8);
	group_encode(&group, &record);
	for (size_t i = 0; i < record.length; i++) {
		struct group read;
		assert_true(group_decode(record.data, i, &read, &e) < 0);
		for (unsigned value = 0; value < 256; value++) {
			cleanup(cleanup_mem) char *copy = mem_copy(record.data, record.length);
			copy[i] = (char)value;
			if (group_decode(copy, record.length, &read, &e) < 0)
				continue;
			assert_non_null(read.name);
			vec_foreach(&read.members, member)
				assert_true(!member->image == !member->name && !member->image != !member->group);
			group_done(&read);
		}
	}
}

static void a_cycle_in_a_forged_store_ends(void **state)
{
	struct kit *kit = *state;
	cleanup(group_done) struct group a = {0};
	cleanup(str_done) struct str record = {0};
	cleanup(str_done) struct str names = {0};
	struct err e = {0};
	struct key key;

	make(kit, "a", "");
	make(kit, "b", "");
	find(kit, "a", &a);
	group_add_group(&a, a.id);
	group_encode(&a, &record);
	key_add_u64(key_begin(&key, KEY_GROUP), a.id);
	assert_ok(store_put(kit->store, key.bytes, key.length, record.data, record.length, &e), &e);
	assert_expands(kit, "a", "");
	assert_error(try_add(kit, "b", "a", &e), ERR_USAGE, &e, "a > a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		kit_test(a_group_is_kept_as_it_was_made),
		kit_test(members_start_in_their_order_and_a_shared_group_counts_once),
		kit_test(no_group_contains_itself_at_any_depth),
		kit_test(depth_is_bounded_from_the_highest_down),
		kit_test(a_ladder_of_shared_groups_is_quick),
		kit_test(a_name_is_not_twice_in_the_whole),
		kit_test(bounds_are_said),
		kit_test(as_many_members_as_may_be_fit_the_store),
		kit_test(what_is_not_there_is_no_member),
		kit_test(a_name_is_taken_once),
		kit_test(a_rename_leaves_references_whole),
		kit_test(what_is_used_is_not_deleted),
		kit_test(users_are_those_that_name_it),
		kit_test(two_writers_make_no_cycle),
		kit_test(of_two_writers_of_one_group_the_second_is_told),
		kit_test(who_is_overtaken_by_others_goes_on),
		kit_test(an_image_that_is_deleted_meanwhile_is_no_member),
		kit_test(a_group_that_is_taken_in_meanwhile_is_not_deleted),
		kit_test(what_is_done_is_in_the_log),
		kit_test(the_log_is_pruned_by_age),
		kit_test(what_is_no_group_is_said),
		cmocka_unit_test(damaged_records_are_no_crash),
		kit_test(a_cycle_in_a_forged_store_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
