/* ledger_kit.c - a store for each test of the ledger, and cells in it. */
#include "config.h"

#include <sys/wait.h>
#include <unistd.h>

#include "ledger_kit.h"
#include "mem.h"
#include "unit.h"
#include "vec.h"
#include "when.h"

char folder[64];
struct store *store;
char *me;

int open_store(void **state)
{
	struct err e = {0};
	(void)state;

	snprintf(folder, sizeof folder, "/tmp/vmroll-test-ledger.XXXXXX");
	assert_non_null(mkdtemp(folder));
	cleanup(cleanup_mem) char *uri = mem_format("lmdb:%s/store", folder);
	assert_ok(store_open(&store, uri, STORE_WRITE, &e), &e);
	me = ledger_owner();
	return 0;
}

int close_store(void **state)
{
	(void)state;
	store_close(store);
	free(me);
	pid_t pid = fork();
	if (pid == 0)
		execlp("rm", "rm", "-rf", folder, NULL);
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

struct delivery cell_of(const char *incident, const char *person)
{
	struct delivery cell = {.begun = WHEN_UNKNOWN, .next = 0, .sent = WHEN_UNKNOWN, .lease = WHEN_UNKNOWN};

	snprintf(cell.incident, sizeof cell.incident, "%s", incident);
	cell.person = mem_string(person);
	cell.address = mem_string(person);
	cell.message_id = mem_format("first.%s@example.org", person);
	return cell;
}

void claim(struct delivery *cell, const char *owner, int64_t now)
{
	struct err e = {0};

	assert_ok(ledger_claim(store, cell, 1, owner, now, NULL, &e), &e);
}

void put(const struct delivery *cell, const char *owner)
{
	struct err e = {0};

	assert_ok(ledger_put(store, cell, 1, owner, &e), &e);
}

struct delivery stored(const char *incident, const char *person)
{
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(ledger_done) struct ledger ledger = {0};
	struct delivery found = {0};

	assert_ok(store_view_open(&view, store, &e), &e);
	assert_ok(ledger_read(view, incident, &ledger, &e), &e);
	vec_foreach(&ledger, cell)
		if (strcmp(cell->person, person) == 0)
			delivery_copy(&found, cell);
	assert_non_null(found.person);
	return found;
}

struct delivery call_of(const char *incident, const char *person)
{
	struct delivery cell = cell_of(incident, person);

	cell.channel = DELIVERY_VOICE;
	return cell;
}
