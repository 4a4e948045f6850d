/* test_incident.c - one incident a host at a time, whoever opens it; what was before the last close is history. */
#include "config.h"

#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "incident.h"
#include "mem.h"
#include "rec.h"
#include "vec.h"
#include "when.h"

static char folder[64];
static struct store *store;

static int open_store(void **state)
{
	struct err e = {0};
	(void)state;

	snprintf(folder, sizeof folder, "/tmp/vmroll-test-incident.XXXXXX");
	assert_non_null(mkdtemp(folder));
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s/store", folder);
	assert_ok(store_open(&store, uri, STORE_WRITE, &e), &e);
	return 0;
}

static int close_store(void **state)
{
	(void)state;
	store_close(store);
	pid_t pid = fork();
	if (pid == 0)
		execlp("rm", "rm", "-rf", folder, NULL);
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

/* Opens one for HOST at AT; the id goes to ID. */
static int opening(const char *host, int64_t at, char *id)
{
	struct err e = {0};
	cleanup(incident_done) struct incident incident = {
		.host = mem_string(host), .at = at, .opened = 1000000 + at};

	int result = incident_open(store, &incident, &e);
	assert_ok(result, &e);
	if (id)
		snprintf(id, INCIDENT_ID_SIZE, "%s", incident.id);
	return result;
}

static void get(const char *id, struct incident *incident)
{
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_int_equal(incident_get(view, id, incident, &e), 1);
}

static size_t count_active(void)
{
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(incidents_done) struct incidents active = {0};

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(incident_active(view, &active, &e), &e);
	return active.count;
}

static void ids_are_read_as_people_write_them(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	struct err e = {0};

	assert_ok(incident_parse_id("7k3f", id, &e), &e);
	assert_string_equal(id, "7K3F");
	assert_ok(incident_parse_id("oiL9z", id, &e), &e);
	assert_string_equal(id, "0119Z");
	static const char *const bad[] = {
		"", "7K3", "7K3U", "7K 3", "7K3F7K3F7K3F", "host1-with-dash", "\xC3\xA9\xC3\xA9"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_error(incident_parse_id(bad[i], id, &e), ERR_USAGE, &e, "is not an incident");
}

static void one_open_a_host(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	char again[INCIDENT_ID_SIZE];

	assert_int_equal(opening("host1", 1000, id), INCIDENT_OPENED);
	assert_int_equal(strlen(id), 4);
	assert_int_equal(opening("host1", 2000, again), INCIDENT_STANDS);
	assert_string_equal(again, id);
	assert_int_equal(opening("host2", 1000, again), INCIDENT_OPENED);
	assert_string_not_equal(again, id);
	assert_int_equal(count_active(), 2);
}

static void the_last_close_is_the_end_of_history(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	struct err e = {0};

	opening("host1", 1000, id);
	assert_int_equal(incident_close(store, id, 5000, 5005, "up", true, &e), 1);
	assert_int_equal(incident_close(store, id, 9000, 9005, "again", false, &e), 0);
	assert_int_equal(opening("host1", 1000, NULL), INCIDENT_HISTORY);
	assert_int_equal(opening("host1", 5000, NULL), INCIDENT_HISTORY);
	assert_int_equal(opening("host1", 5001, NULL), INCIDENT_OPENED);

	cleanup(incident_done) struct incident incident = {0};
	get(id, &incident);
	assert_int_equal(incident.closed, 5000);
	assert_int_equal(incident.closing, 5005);
	assert_string_equal(incident.closed_why, "up");
	assert_true(incident.recovered);
	assert_error(incident_close(store, "ZZZZ", 1, 1, "x", false, &e), ERR_NOT_FOUND, &e, "no incident ZZZZ");
}

static void a_close_ahead_of_the_clock_hides_nothing(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	struct err e = {0};

	opening("host1", 1000, id);
	assert_int_equal(incident_close(store, id, 9000000, 9000005, "up", true, &e), 1);
	assert_int_equal(opening("host1", 2000, NULL), INCIDENT_OPENED);
}

static void all_that_is_said_of_it_is_kept(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	struct err e = {0};

	opening("host1", 1000, id);
	assert_int_equal(incident_acknowledge(store, id, 2000, "Sato", "on my way", false, &e), 1);
	assert_int_equal(incident_acknowledge(store, id, 3000, "Ito", NULL, false, &e), 0);
	assert_int_equal(incident_set_group(store, id, "7K3F", &e), 1);
	assert_int_equal(incident_set_group(store, id, "AAAA", &e), 0);
	assert_int_equal(incident_set_told(store, id, WHEN_UNKNOWN, &e), 1);
	assert_int_equal(incident_set_told(store, id, WHEN_UNKNOWN, &e), 0);
	assert_int_equal(incident_set_told(store, id, 77, &e), 1);
	assert_int_equal(incident_set_told(store, id, 77, &e), 0);
	assert_int_equal(incident_set_step(store, id, INCIDENT_FOLLOWED, &e), 1);
	assert_int_equal(incident_set_handed(store, id, 2, &e), 1);
	assert_int_equal(incident_set_handed(store, id, 1, &e), 0);

	cleanup(incident_done) struct incident incident = {0};
	get(id, &incident);
	assert_string_equal(incident.host, "host1");
	assert_int_equal(incident.at, 1000);
	assert_int_equal(incident.opened, 1001000);
	assert_string_equal(incident.acknowledged_by, "Sato");
	assert_string_equal(incident.note, "on my way");
	assert_string_equal(incident.group, "7K3F");
	assert_int_equal(incident.steps, INCIDENT_TOLD | INCIDENT_FOLLOWED);
	assert_int_equal(incident.listed, 77);
	assert_int_equal(incident.handed, 2);
	assert_int_equal(incident.closed, WHEN_UNKNOWN);
}

static void it_may_become_everybody_s_later(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	struct err e = {0};

	opening("host1", 1000, id);
	assert_int_equal(incident_acknowledge(store, id, 2000, "sato@b", NULL, false, &e), 1);
	assert_int_equal(incident_acknowledge(store, id, 3000, "ops", "all of it", true, &e), 1);
	assert_int_equal(incident_acknowledge(store, id, 4000, "ops", NULL, true, &e), 0);
	assert_int_equal(incident_acknowledge(store, id, 4000, "ito@b", "me too", false, &e), 0);

	cleanup(incident_done) struct incident incident = {0};
	get(id, &incident);
	assert_true(incident.whole);
	assert_string_equal(incident.acknowledged_by, "sato@b");
	assert_int_equal(incident.acknowledged, 2000);
	assert_string_equal(incident.note, "all of it");
}

static void its_silence_is_kept(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	struct err e = {0};
	cleanup(incident_done) struct incident silenced = {
		.host = mem_string("host2"), .at = 1000, .silence = mem_string("planned"), .silenced_until = 7000};

	opening("host1", 1000, id);
	cleanup(incident_done) struct incident incident = {0};
	get(id, &incident);
	assert_null(incident.silence);
	assert_int_equal(incident.silenced_until, WHEN_UNKNOWN);
	assert_int_equal(incident_set_silence(store, id, "planned", 5000, &e), 1);
	assert_int_equal(incident_set_silence(store, id, "planned", 5000, &e), 0);
	assert_int_equal(incident_set_silence(store, id, "planned", 6000, &e), 1);
	incident_done(&incident);
	get(id, &incident);
	assert_string_equal(incident.silence, "planned");
	assert_int_equal(incident.silenced_until, 6000);

	assert_int_equal(incident_open(store, &silenced, &e), INCIDENT_OPENED);
	incident_done(&incident);
	get(silenced.id, &incident);
	assert_string_equal(incident.silence, "planned");
	assert_int_equal(incident.silenced_until, 7000);
}

/* As written before one person could acknowledge for themselves. */
static void an_old_record_acknowledges_for_everybody(void **state)
{
	(void)state;
	struct err e = {0};

	for (int acknowledged = 0; acknowledged < 2; acknowledged++) {
		cleanup(str_done) struct str record = {0};
		cleanup(incident_done) struct incident incident = {0};
		rec_begin(&record, 1);
		rec_uint(&record, 1, INCIDENT_HOST);
		rec_text(&record, 2, "host1");
		rec_int(&record, 3, 1000);
		if (acknowledged) {
			rec_int(&record, 9, 2000);
			rec_text(&record, 10, "Sato");
		}
		rec_end(&record);
		assert_ok(incident_decode("7K3F", record.data, record.length, &incident, &e), &e);
		assert_int_equal(incident.whole, acknowledged);
		assert_int_equal(incident.acknowledged, acknowledged ? 2000 : WHEN_UNKNOWN);
		assert_int_equal(incident.silenced_until, WHEN_UNKNOWN);
	}
}

static void it_is_found_by_id_and_by_host(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	opening("host1", 1000, id);
	assert_ok(store_view_open(&view, store, &e), &e);

	for (int i = 0; i < 2; i++) {
		cleanup(incident_done) struct incident incident = {0};
		assert_ok(incident_find(view, i ? "host1" : id, &incident, &e), &e);
		assert_string_equal(incident.id, id);
	}
	struct incident none;
	assert_error(incident_find(view, "ZZZZ", &none, &e), ERR_NOT_FOUND, &e, "no incident ZZZZ");
	assert_error(incident_find(view, "host-nine", &none, &e), ERR_USAGE, &e, "is not an incident");
}

static void crowded_ids_grow(void **state)
{
	(void)state;
	char id[INCIDENT_ID_SIZE];
	char first[INCIDENT_ID_SIZE];
	struct err e = {0};

	/* The id follows from host and time, so the same pair wants the same id again once the first is out of the way. */
	opening("host1", 1000, first);
	cleanup(cleanup_mem) char *key = mem_format("open/host1");
	assert_ok(store_delete(store, key, strlen(key), &e), &e);
	assert_int_equal(opening("host1", 1000, id), INCIDENT_OPENED);
	assert_string_not_equal(id, first);
	for (int i = 0; i < 12; i++) {
		assert_ok(store_delete(store, key, strlen(key), &e), &e);
		assert_int_equal(opening("host1", 1000, id), INCIDENT_OPENED);
	}
	assert_int_equal(strlen(id), 5);
}

/* Several processes see the same death at once. */
static void a_race_has_one_winner(void **state)
{
	(void)state;
	enum { RACERS = 4, ROUNDS = 25 };
	int opened = 0;
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s/store", folder);

	store_close(store);
	store = NULL;
	pid_t racers[RACERS];
	for (size_t i = 0; i < RACERS; i++) {
		racers[i] = fork();
		if (racers[i] != 0)
			continue;
		struct err e = {0};
		int mine = 0;
		if (store_open(&store, uri, STORE_WRITE, &e) < 0)
			_exit(255);
		for (int round = 0; round < ROUNDS; round++) {
			struct incident incident = {.host = mem_format("host%d", round), .at = 1000 + (int64_t)i};
			mine += incident_open(store, &incident, &e) == INCIDENT_OPENED;
			incident_done(&incident);
		}
		store_close(store);
		_exit(mine);
	}
	for (size_t i = 0; i < RACERS; i++) {
		int status;
		assert_int_equal(waitpid(racers[i], &status, 0), racers[i]);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) <= ROUNDS);
		opened += WEXITSTATUS(status);
	}
	assert_int_equal(opened, ROUNDS);
	struct err e = {0};
	assert_ok(store_open(&store, uri, STORE_WRITE, &e), &e);
	assert_int_equal(count_active(), ROUNDS);
}

static void pruning_spares_what_is_open_or_unfinished(void **state)
{
	(void)state;
	char old[INCIDENT_ID_SIZE], unfinished[INCIDENT_ID_SIZE];
	struct err e = {0};
	uint64_t removed = 0;

	opening("host1", 1000, old);
	opening("host2", 1000, unfinished);
	opening("host3", 1000, NULL);
	incident_close(store, old, 2000, 2000, "up", true, &e);
	incident_close(store, unfinished, 2000, 2000, "up", true, &e);
	assert_int_equal(incident_retire(store, old, &e), 1);
	assert_ok(incident_prune(store, 2000, &removed, &e), &e);
	assert_int_equal(removed, 0);
	assert_ok(incident_prune(store, 2001, &removed, &e), &e);
	assert_int_equal(removed, 1);
	assert_int_equal(count_active(), 2);
	assert_int_equal(opening("host1", 1500, NULL), INCIDENT_HISTORY);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, open_store, close_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_read_as_people_write_them),
		TEST(one_open_a_host),
		TEST(the_last_close_is_the_end_of_history),
		TEST(a_close_ahead_of_the_clock_hides_nothing),
		TEST(all_that_is_said_of_it_is_kept),
		TEST(it_may_become_everybody_s_later),
		TEST(its_silence_is_kept),
		cmocka_unit_test(an_old_record_acknowledges_for_everybody),
		TEST(it_is_found_by_id_and_by_host),
		TEST(crowded_ids_grow),
		TEST(a_race_has_one_winner),
		TEST(pruning_spares_what_is_open_or_unfinished),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
