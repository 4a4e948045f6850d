/* test_place.c - placement by hand-worked cases, and what must hold of any. */
#include "config.h"

#include "unit.h"

#include <stdbool.h>

#include "mem.h"
#include "place.h"

enum { HOSTS_MAX = 12, MACHINES_MAX = 40, BASES_MAX = 4 };

/* A placement that owns what it is about. Figures are small, so that they can be worked by hand. */
struct scene {
	struct place place;
	struct place_host hosts[HOSTS_MAX];
	struct place_machine machines[MACHINES_MAX];
	struct place_base bases[BASES_MAX];
	bool present[BASES_MAX][HOSTS_MAX];
};

static void scene_init(struct scene *scene, enum place_policy policy)
{
	memset(scene, 0, sizeof *scene);
	scene->place = (struct place){.policy = policy,
				      .hosts = scene->hosts,
				      .machines = scene->machines,
				      .bases = scene->bases,
				      .over_commit_percent = 100};
}

static void add_host(struct scene *scene, uint64_t storage, uint64_t memory)
{
	scene->hosts[scene->place.host_count++] =
		(struct place_host){.storage_bytes = storage, .memory_bytes = memory};
}

static void add_machine(struct scene *scene, uint64_t storage, uint64_t memory, size_t base)
{
	scene->machines[scene->place.machine_count++] =
		(struct place_machine){.storage_bytes = storage, .memory_bytes = memory, .base = base};
}

static void add_machines(struct scene *scene, const uint64_t *storages, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_machine(scene, storages[i], 0, SIZE_MAX);
}

/* "0 1 1 -": the host of each machine. */
static void assert_hosts(const struct scene *scene, const char *wanted)
{
	char text[MACHINES_MAX * 4] = "";
	size_t length = 0;

	for (size_t i = 0; i < scene->place.machine_count; i++) {
		size_t host = scene->machines[i].host;
		const char *blank = i ? " " : "";
		length += (size_t)(host == SIZE_MAX
					   ? snprintf(text + length, sizeof text - length, "%s-", blank)
					   : snprintf(text + length, sizeof text - length, "%s%zu", blank, host));
	}
	assert_string_equal(text, wanted);
}

#define PLACES(scene, wanted_result, wanted_hosts)                                                           \
	do {                                                                                                 \
		assert_int_equal(place_all(&(scene)->place), wanted_result);                                 \
		assert_hosts(scene, wanted_hosts);                                                           \
	} while (0)

/* ---- policies ---- */

static void policies_have_names(void **state)
{
	static const char *const names[] = {"first-fit", "best-fit", "spread"};
	enum place_policy policy;
	struct err e = {0};

	(void)state;
	for (enum place_policy p = PLACE_FIRST_FIT; p <= PLACE_SPREAD; p++) {
		assert_ok(place_policy_parse(names[p], &policy, &e), &e);
		assert_int_equal(policy, p);
	}
	assert_error(place_policy_parse("worst-fit", &policy, &e), ERR_USAGE, &e,
		     "first-fit, best-fit and spread");
	assert_error(place_policy_parse("", &policy, &e), ERR_USAGE, &e, "''");
}

static void first_fit_takes_the_first_with_room(void **state)
{
	static const uint64_t storages[] = {6, 5, 4, 3, 2};
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 10, PLACE_UNKNOWN);
	add_host(&scene, 10, PLACE_UNKNOWN);
	add_host(&scene, 100, PLACE_UNKNOWN);
	add_machines(&scene, storages, 5);
	PLACES(&scene, 1, "0 1 0 1 1");
	assert_int_equal(scene.hosts[0].storage_left, 0);
	assert_int_equal(scene.hosts[1].storage_left, 0);
	assert_int_equal(scene.hosts[2].storage_left, 100);
	assert_int_equal(scene.hosts[0].machines, 2);
	assert_int_equal(scene.hosts[1].machines, 3);
	assert_int_equal(scene.hosts[2].machines, 0);
}

static void best_fit_takes_the_fullest_with_room(void **state)
{
	static const uint64_t storages[] = {5, 5, 8, 2};
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_BEST_FIT);
	add_host(&scene, 20, PLACE_UNKNOWN);
	add_host(&scene, 6, PLACE_UNKNOWN);
	add_host(&scene, 10, PLACE_UNKNOWN);
	add_machines(&scene, storages, 4);
	/* 20 6 10 > 20 1 10 > 20 1 5 > 12 1 5 > 12 1 3 */
	PLACES(&scene, 1, "1 2 0 2");
}

static void best_fit_looks_at_memory_next(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_BEST_FIT);
	add_host(&scene, 10, 9);
	add_host(&scene, 10, 4);
	add_host(&scene, 10, PLACE_UNKNOWN);
	add_machine(&scene, 1, 4, SIZE_MAX);
	add_machine(&scene, 10, 4, SIZE_MAX);
	add_machine(&scene, 10, 4, SIZE_MAX);
	PLACES(&scene, 1, "1 0 2");
}

static void best_fit_goes_where_the_base_is(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_BEST_FIT);
	add_host(&scene, 100, PLACE_UNKNOWN);
	add_host(&scene, 95, PLACE_UNKNOWN);
	scene.place.base_count = 1;
	scene.present[0][1] = true;
	scene.bases[0] = (struct place_base){10, scene.present[0]};
	add_machine(&scene, 1, 0, 0);
	add_machine(&scene, 1, 0, 0);
	/* Though a second copy of the base would leave least on the first. */
	PLACES(&scene, 1, "1 1");
}

static void spread_takes_the_one_with_the_fewest(void **state)
{
	static const uint64_t storages[] = {1, 1, 1, 1, 1, 1, 1};
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_SPREAD);
	add_host(&scene, 2, PLACE_UNKNOWN);
	add_host(&scene, 9, PLACE_UNKNOWN);
	add_host(&scene, 5, PLACE_UNKNOWN);
	add_machines(&scene, storages, 7);
	/* Of the same count the one with the most room; the first is full after two. */
	PLACES(&scene, 1, "1 2 0 1 2 0 1");
}

static void spread_looks_at_memory_last(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_SPREAD);
	add_host(&scene, 5, 4);
	add_host(&scene, 5, 6);
	add_host(&scene, 5, 5);
	add_machine(&scene, 1, 1, SIZE_MAX);
	add_machine(&scene, 1, 1, SIZE_MAX);
	PLACES(&scene, 1, "1 2");
}

/* ---- room ---- */

static void takes_room_to_the_last_byte(void **state)
{
	struct scene scene;

	(void)state;
	for (enum place_policy p = PLACE_FIRST_FIT; p <= PLACE_SPREAD; p++) {
		scene_init(&scene, p);
		add_host(&scene, UINT64_MAX, 7);
		add_machine(&scene, UINT64_MAX, 7, SIZE_MAX);
		add_machine(&scene, 0, 0, SIZE_MAX);
		PLACES(&scene, 1, "0 0");
		add_machine(&scene, 1, 0, SIZE_MAX);
		PLACES(&scene, 0, "0 0 -");
		scene.machines[2] = (struct place_machine){.memory_bytes = 1, .base = SIZE_MAX};
		PLACES(&scene, 0, "0 0 -");
	}
}

static void goes_to_the_next_for_memory(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 100, 3);
	add_host(&scene, 100, 4);
	add_machine(&scene, 1, 4, SIZE_MAX);
	add_machine(&scene, 1, 3, SIZE_MAX);
	PLACES(&scene, 1, "1 0");
	assert_int_equal(scene.hosts[0].memory_left, 0);
	assert_int_equal(scene.hosts[1].memory_left, 0);
}

static void does_not_look_at_memory_that_is_unknown(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 10, PLACE_UNKNOWN);
	add_host(&scene, 10, 1);
	add_machine(&scene, 5, 1ULL << 60, SIZE_MAX);
	add_machine(&scene, 5, PLACE_UNKNOWN, SIZE_MAX);
	add_machine(&scene, 5, PLACE_UNKNOWN, SIZE_MAX);
	PLACES(&scene, 1, "0 0 1");
	assert_true(scene.hosts[0].memory_left == PLACE_UNKNOWN);
	assert_int_equal(scene.hosts[1].memory_left, 1);
}

static void over_commits_storage_alone(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 10, 10);
	add_machine(&scene, 15, 10, SIZE_MAX);
	PLACES(&scene, 0, "-");
	scene.place.over_commit_percent = 150;
	PLACES(&scene, 1, "0");
	assert_int_equal(scene.hosts[0].storage_left, 0);
	scene.machines[0].storage_bytes = 16;
	PLACES(&scene, 0, "-");
	scene.machines[0] = (struct place_machine){.storage_bytes = 1, .memory_bytes = 11, .base = SIZE_MAX};
	PLACES(&scene, 0, "-");
	scene.hosts[0].storage_bytes = UINT64_MAX / 2;
	scene.machines[0] = (struct place_machine){.storage_bytes = UINT64_MAX - 1, .base = SIZE_MAX};
	scene.place.over_commit_percent = 1000;
	PLACES(&scene, 1, "0");
}

static void what_is_promised_goes_off_what_over_commit_makes(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 10, PLACE_UNKNOWN);
	add_machine(&scene, 3, 0, SIZE_MAX);
	scene.hosts[0].promised_bytes = 8;
	PLACES(&scene, 0, "-");
	scene.place.over_commit_percent = 150;
	PLACES(&scene, 1, "0");
	assert_int_equal(scene.hosts[0].storage_left, 4);
	/* Others have promised more of it than this one would. */
	scene.hosts[0].promised_bytes = 16;
	PLACES(&scene, 0, "-");
	assert_int_equal(scene.hosts[0].storage_left, 0);
}

static void places_nothing_where_there_is_nothing(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_SPREAD);
	PLACES(&scene, 1, "");
	add_machine(&scene, 0, 0, SIZE_MAX);
	PLACES(&scene, 0, "-");
	add_host(&scene, 0, 0);
	PLACES(&scene, 1, "0");
}

/* ---- bases ---- */

static void counts_a_base_once_a_host(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 16, PLACE_UNKNOWN);
	add_host(&scene, 13, PLACE_UNKNOWN);
	scene.place.base_count = 2;
	scene.bases[0] = (struct place_base){10, NULL};
	scene.bases[1] = (struct place_base){10, NULL};
	for (int i = 0; i < 4; i++)
		add_machine(&scene, 2, 0, 0);
	PLACES(&scene, 1, "0 0 0 1");
	assert_int_equal(scene.hosts[0].storage_left, 0);
	assert_int_equal(scene.hosts[1].storage_left, 1);
	/* Another base is another 10. */
	scene.machines[3].base = 1;
	PLACES(&scene, 1, "0 0 0 1");
	scene.machines[2].base = 1;
	PLACES(&scene, 0, "0 0 1 -");
}

static void does_not_count_a_base_that_is_there(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 3, PLACE_UNKNOWN);
	add_host(&scene, 3, PLACE_UNKNOWN);
	scene.place.base_count = 1;
	scene.present[0][1] = true;
	scene.bases[0] = (struct place_base){UINT64_MAX, scene.present[0]};
	add_machine(&scene, 2, 0, 0);
	PLACES(&scene, 1, "1");
	assert_int_equal(scene.hosts[1].storage_left, 1);
}

static void tells_what_is_needed_where(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 14, PLACE_UNKNOWN);
	add_host(&scene, 1, PLACE_UNKNOWN);
	add_host(&scene, 1, PLACE_UNKNOWN);
	scene.place.base_count = 1;
	scene.present[0][2] = true;
	scene.bases[0] = (struct place_base){10, scene.present[0]};
	add_machine(&scene, 2, 0, 0);
	add_machine(&scene, 3, 0, 0);
	add_machine(&scene, 4, 0, SIZE_MAX);
	PLACES(&scene, 0, "0 - -");
	assert_int_equal(place_need(&scene.place, 0, 0), 12);
	assert_int_equal(place_need(&scene.place, 1, 0), 3);
	assert_int_equal(place_need(&scene.place, 1, 1), 13);
	assert_int_equal(place_need(&scene.place, 1, 2), 3);
	assert_int_equal(place_need(&scene.place, 2, 1), 4);
	scene.bases[0].storage_bytes = UINT64_MAX;
	assert_true(place_need(&scene.place, 1, 1) == UINT64_MAX);
}

/* ---- the second try ---- */

static void largest_first_places_what_the_order_does_not(void **state)
{
	static const uint64_t storages[] = {3, 3, 2, 2, 5, 5};
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 10, PLACE_UNKNOWN);
	add_host(&scene, 10, PLACE_UNKNOWN);
	/* In order: 3+3+2+2 fill the first, 5+5 the second. */
	add_machines(&scene, storages, 6);
	PLACES(&scene, 1, "0 0 0 0 1 1");
	/* In order 3+3 leave no room for the second 7. */
	scene.place.machine_count = 4;
	scene.machines[0].storage_bytes = scene.machines[1].storage_bytes = 3;
	scene.machines[2].storage_bytes = scene.machines[3].storage_bytes = 7;
	PLACES(&scene, 1, "0 1 0 1");
	assert_int_equal(scene.hosts[0].storage_left, 0);
	/* And where even that does not help, the first try is what people see. */
	scene.machines[3].storage_bytes = 8;
	PLACES(&scene, 0, "0 0 1 -");
	assert_int_equal(scene.hosts[0].storage_left, 4);
	assert_int_equal(scene.hosts[1].storage_left, 3);
}

/* Small in storage and large in memory is large. */
static void largest_is_the_larger_share(void **state)
{
	struct scene scene;

	(void)state;
	scene_init(&scene, PLACE_FIRST_FIT);
	add_host(&scene, 1000, 10);
	add_host(&scene, 1000, 10);
	add_machine(&scene, 90, 3, SIZE_MAX);
	add_machine(&scene, 80, 3, SIZE_MAX);
	add_machine(&scene, 1, 7, SIZE_MAX);
	add_machine(&scene, 1, 7, SIZE_MAX);
	PLACES(&scene, 1, "0 1 0 1");
}

/* Each policy tries twice. */
static void every_policy_tries_again(void **state)
{
	struct scene scene;

	(void)state;
	for (enum place_policy p = PLACE_FIRST_FIT; p <= PLACE_SPREAD; p++) {
		scene_init(&scene, p);
		add_host(&scene, 6, PLACE_UNKNOWN);
		add_host(&scene, 10, PLACE_UNKNOWN);
		add_machine(&scene, 2, 0, SIZE_MAX);
		add_machine(&scene, 4, 0, SIZE_MAX);
		add_machine(&scene, 10, 0, SIZE_MAX);
		PLACES(&scene, 1, "0 0 1");
	}
}

/* ---- whatever the figures ---- */

static uint64_t seed = 88172645463325252ULL;

static uint64_t random_below(uint64_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % limit;
}

static void scene_random(struct scene *scene)
{
	static const unsigned percents[] = {100, 100, 150, 250, 50};
	uint64_t scale = random_below(4) ? 1 : UINT64_MAX / 128;
	size_t hosts = random_below(HOSTS_MAX + 1), machines = random_below(MACHINES_MAX + 1);

	scene_init(scene, (enum place_policy)random_below(3));
	scene->place.over_commit_percent = percents[random_below(5)];
	scene->place.base_count = random_below(BASES_MAX + 1);
	for (size_t i = 0; i < hosts; i++)
		add_host(scene, random_below(100) * scale, random_below(4) ? random_below(60) : PLACE_UNKNOWN);
	for (size_t i = 0; i < hosts; i++)
		scene->hosts[i].promised_bytes = random_below(2) * random_below(50) * scale;
	for (size_t b = 0; b < scene->place.base_count; b++) {
		for (size_t i = 0; i < HOSTS_MAX; i++)
			scene->present[b][i] = random_below(3) == 0;
		scene->bases[b] = (struct place_base){random_below(30) * scale,
						      random_below(2) ? scene->present[b] : NULL};
	}
	for (size_t i = 0; i < machines; i++) {
		size_t base = random_below(scene->place.base_count + 1);
		add_machine(scene, random_below(20) * scale, random_below(10),
			    base == scene->place.base_count ? SIZE_MAX : base);
	}
}

/* What HOST holds, added up anew from who is there. */
static void assert_adds_up(const struct scene *scene, size_t host)
{
	const struct place_host *h = &scene->hosts[host];
	unsigned __int128 storage = h->storage_left, memory = 0;
	bool counted[BASES_MAX] = {false};
	size_t machines = 0;

	for (size_t i = 0; i < scene->place.machine_count; i++) {
		const struct place_machine *m = &scene->machines[i];
		if (m->host != host)
			continue;
		machines++;
		storage += m->storage_bytes;
		memory += m->memory_bytes;
		if (m->base == SIZE_MAX || counted[m->base])
			continue;
		counted[m->base] = true;
		const struct place_base *base = &scene->bases[m->base];
		storage += base->present && base->present[host] ? 0 : base->storage_bytes;
	}
	unsigned __int128 all = (unsigned __int128)h->storage_bytes * scene->place.over_commit_percent / 100;
	all = all > UINT64_MAX ? UINT64_MAX : all;
	assert_true(storage == (all > h->promised_bytes ? all - h->promised_bytes : 0));
	assert_true(h->memory_bytes == PLACE_UNKNOWN ? h->memory_left == PLACE_UNKNOWN
						     : memory + h->memory_left == h->memory_bytes);
	assert_int_equal(machines, h->machines);
}

static size_t count_placed(const struct scene *scene)
{
	size_t placed = 0;

	for (size_t i = 0; i < scene->place.machine_count; i++) {
		assert_true(scene->machines[i].host == SIZE_MAX ||
			    scene->machines[i].host < scene->place.host_count);
		placed += scene->machines[i].host != SIZE_MAX;
	}
	return placed;
}

/* A machine that was left out has no room on any host as it is then: nothing left that could be bigger. */
static void assert_left_out_for_a_reason(const struct scene *scene)
{
	for (size_t i = 0; i < scene->place.machine_count; i++) {
		const struct place_machine *m = &scene->machines[i];
		for (size_t h = 0; m->host == SIZE_MAX && h < scene->place.host_count; h++) {
			const struct place_host *host = &scene->hosts[h];
			bool memory = host->memory_left == PLACE_UNKNOWN || m->memory_bytes <= host->memory_left;
			assert_false(memory && place_need(&scene->place, i, h) <= host->storage_left);
		}
	}
}

static void never_more_than_there_is(void **state)
{
	size_t whole = 0, partly = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct scene scene;
		scene_random(&scene);
		int result = place_all(&scene.place);
		size_t placed = count_placed(&scene);
		assert_int_equal(result, placed == scene.place.machine_count);
		for (size_t i = 0; i < scene.place.host_count; i++)
			assert_adds_up(&scene, i);
		assert_left_out_for_a_reason(&scene);
		whole += result == 1;
		partly += result == 0 && placed > 0;
	}
	/* Both happened often, or this says little. */
	assert_true(whole > 2000 && partly > 2000);
}

static void the_same_again_is_the_same(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct place_machine before[MACHINES_MAX];
		struct scene scene;
		scene_random(&scene);
		int result = place_all(&scene.place);
		memcpy(before, scene.machines, sizeof before);
		assert_int_equal(place_all(&scene.place), result);
		assert_memory_equal(before, scene.machines, sizeof before);
	}
}

/* The storage that plain first-fit leaves on each host, which nothing but the order decides; whether it places all. */
static bool first_fit(const struct scene *scene, uint64_t *left)
{
	for (size_t h = 0; h < scene->place.host_count; h++)
		left[h] = scene->hosts[h].storage_bytes > scene->hosts[h].promised_bytes
				  ? scene->hosts[h].storage_bytes - scene->hosts[h].promised_bytes
				  : 0;
	for (size_t i = 0; i < scene->place.machine_count; i++) {
		uint64_t need = scene->machines[i].storage_bytes;
		size_t host = 0;
		while (host < scene->place.host_count && left[host] < need)
			host++;
		if (host == scene->place.host_count)
			return false;
		left[host] -= need;
	}
	return true;
}

static void first_fit_is_in_order_or_the_largest_come_first(void **state)
{
	size_t in_order = 0, helped = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct scene scene;
		uint64_t left[HOSTS_MAX];
		scene_random(&scene);
		scene.place.policy = PLACE_FIRST_FIT;
		scene.place.over_commit_percent = 100;
		for (size_t i = 0; i < scene.place.machine_count; i++)
			scene.machines[i].base = SIZE_MAX;
		for (size_t h = 0; h < scene.place.host_count; h++)
			scene.hosts[h].memory_bytes = PLACE_UNKNOWN;
		bool plain = first_fit(&scene, left);
		int result = place_all(&scene.place);
		for (size_t h = 0; plain && h < scene.place.host_count; h++)
			assert_true(left[h] == scene.hosts[h].storage_left);
		assert_true(result == 1 || !plain);
		in_order += plain;
		helped += result == 1 && !plain;
	}
	assert_true(in_order > 2000);
	assert_true(helped > 100);
}

/* A large cluster, nearly full, so that hosts are looked at to the end; it must not take a person's time. */
static void places_ten_thousand(void **state)
{
	enum { HOSTS = 1000, MACHINES = 10000 };
	cleanup(cleanup_mem) struct place_host *hosts = mem_zalloc(HOSTS, sizeof *hosts);
	cleanup(cleanup_mem) struct place_machine *machines = mem_zalloc(MACHINES, sizeof *machines);
	struct place_base bases[50] = {{0}};
	struct place place = {.hosts = hosts,
			      .host_count = HOSTS,
			      .machines = machines,
			      .machine_count = MACHINES,
			      .bases = bases,
			      .base_count = 50,
			      .over_commit_percent = 100};

	(void)state;
	for (size_t i = 0; i < HOSTS; i++)
		hosts[i] = (struct place_host){.storage_bytes = 1200, .memory_bytes = 1000};
	for (size_t i = 0; i < 50; i++)
		bases[i].storage_bytes = 1;
	for (size_t i = 0; i < MACHINES; i++)
		machines[i] = (struct place_machine){
			.storage_bytes = 100, .memory_bytes = 90, .base = random_below(50)};
	for (place.policy = PLACE_FIRST_FIT; place.policy <= PLACE_SPREAD; place.policy++)
		assert_int_equal(place_all(&place), 1);
	machines[0].storage_bytes = 1201;
	assert_int_equal(place_all(&place), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_have_names),
		cmocka_unit_test(first_fit_takes_the_first_with_room),
		cmocka_unit_test(best_fit_takes_the_fullest_with_room),
		cmocka_unit_test(best_fit_looks_at_memory_next),
		cmocka_unit_test(best_fit_goes_where_the_base_is),
		cmocka_unit_test(spread_takes_the_one_with_the_fewest),
		cmocka_unit_test(spread_looks_at_memory_last),
		cmocka_unit_test(takes_room_to_the_last_byte),
		cmocka_unit_test(goes_to_the_next_for_memory),
		cmocka_unit_test(does_not_look_at_memory_that_is_unknown),
		cmocka_unit_test(over_commits_storage_alone),
		cmocka_unit_test(what_is_promised_goes_off_what_over_commit_makes),
		cmocka_unit_test(places_nothing_where_there_is_nothing),
		cmocka_unit_test(counts_a_base_once_a_host),
		cmocka_unit_test(does_not_count_a_base_that_is_there),
		cmocka_unit_test(tells_what_is_needed_where),
		cmocka_unit_test(largest_first_places_what_the_order_does_not),
		cmocka_unit_test(largest_is_the_larger_share),
		cmocka_unit_test(every_policy_tries_again),
		cmocka_unit_test(never_more_than_there_is),
		cmocka_unit_test(the_same_again_is_the_same),
		cmocka_unit_test(first_fit_is_in_order_or_the_largest_come_first),
		cmocka_unit_test(places_ten_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
