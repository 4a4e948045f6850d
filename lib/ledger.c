/* ledger.c - who was told what: owners, finding and forgetting. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "ledger_private.h"
#include "mem.h"
#include "rate.h"
#include "vec.h"
#include "when.h"

enum { PERSON_KEY_MAX = 300 };

/* ---- owners ---- */

/* The 22nd field of /proc/PID/stat, proc(5): with the pid it names a process for as long as the machine is up. */
static bool process_start(const char *pid, char *start, size_t size)
{
	cleanup(cleanup_mem) char *path = mem_format("/proc/%s/stat", pid);
	cleanup(cleanup_file) FILE *file = fopen(path, "re");
	char line[1024];

	if (!file || !fgets(line, sizeof line, file))
		return false;
	/* The name of the program, in brackets, may hold anything. */
	char *rest = strrchr(line, ')');
	for (int field = 2; rest && field < 22; field++)
		rest = strchr(rest + 1, ' ');
	if (!rest)
		return false;
	snprintf(start, size, "%.*s", (int)strcspn(rest + 1, " "), rest + 1);
	return true;
}

static bool boot_id(char *id, size_t size)
{
	cleanup(cleanup_file) FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || !fgets(id, (int)size, file))
		return false;
	id[strcspn(id, "\n")] = '\0';
	return true;
}

char *ledger_owner(void)
{
	char boot[64] = "unknown";
	char start[32] = "0";
	cleanup(cleanup_mem) char *pid = mem_format("%ld", (long)getpid());

	boot_id(boot, sizeof boot);
	process_start(pid, start, sizeof start);
	return mem_format("%s:%s:%s", boot, pid, start);
}

bool ledger_owner_lives(const char *owner)
{
	cleanup(cleanup_mem) char *copy = mem_string(owner);
	char boot[64];
	char start[32];
	char *rest = copy;

	if (!owner || !boot_id(boot, sizeof boot))
		return true;
	const char *its_boot = strsep(&rest, ":");
	const char *pid = strsep(&rest, ":");
	if (!pid || !rest || strcmp(its_boot, boot) != 0 || strspn(pid, "0123456789") != strlen(pid))
		return true;
	/* Another user's process may be there and its files be hidden (proc(5), hidepid). */
	if (kill((pid_t)strtol(pid, NULL, 10), 0) < 0 && errno == ESRCH)
		return false;
	return !process_start(pid, start, sizeof start) || strcmp(start, rest) == 0;
}

/* ---- cells in the store ---- */

static struct key *incident_key(struct key *key, const char *incident)
{
	key_add_text(key_begin(key, KEY_DELIVERY), incident);
	return key_add(key, "", 1);
}

struct key *ledger_cell_key(struct key *key, const struct delivery *delivery)
{
	cleanup(cleanup_mem) char *kind =
		delivery->part ? mem_format("%s.%u", delivery_kind_name(delivery->kind), delivery->part)
			       : mem_string(delivery_kind_name(delivery->kind));

	incident_key(key, delivery->incident);
	key_add(key, kind, strlen(kind) + 1);
	key_add(key, delivery_channel_name(delivery->channel),
		strlen(delivery_channel_name(delivery->channel)) + 1);
	return key_add(key, delivery->person, strnlen(delivery->person, PERSON_KEY_MAX));
}

int ledger_read_cell(struct store_view *view, const struct delivery *wanted, struct delivery *stored,
		     struct bytes *raw, struct err *e)
{
	struct key key;

	ledger_cell_key(&key, wanted);
	int result = store_view_get(view, key.bytes, key.length, raw, e);
	if (result == 1 && delivery_decode(raw->data, raw->length, stored, e) < 0)
		return e->code;
	return result;
}

int ledger_get(struct store_view *view, const struct delivery *wanted, struct delivery *stored, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};

	return ledger_read_cell(view, wanted, stored, &raw, e);
}

int ledger_read(struct store_view *view, const char *incident, struct ledger *ledger, struct err *e)
{
	cleanup(cleanup_store_cursor) struct store_cursor *cursor = NULL;
	struct store_item item;
	struct key key;
	int result;

	if (incident)
		incident_key(&key, incident);
	else
		key_begin(&key, KEY_DELIVERY);
	if (store_cursor_open(&cursor, view, key.bytes, key.length, false, e) < 0)
		return e->code;
	while ((result = store_cursor_next(cursor, &item, e)) == 1) {
		struct delivery delivery;
		if (delivery_decode(item.value, item.value_length, &delivery, e) < 0)
			return e->code;
		vec_push(ledger, delivery);
	}
	return result;
}

/* ---- keeping ---- */

static int is_needed(struct store_view *view, const char *id, int64_t before, struct err *e)
{
	cleanup(incident_done) struct incident incident = {0};
	cleanup(bytes_done) struct bytes active = {0};
	struct key key;

	int result = incident_get(view, id, &incident, e);
	if (result <= 0)
		return result;
	if (incident.closed == WHEN_UNKNOWN || incident.closing >= before)
		return 1;
	key_add_text(key_begin(&key, KEY_ACTIVE), id);
	return store_view_get(view, key.bytes, key.length, &active, e);
}

static int find_old(struct store *store, int64_t before, struct ledger *old, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(ledger_done) struct ledger all = {0};
	const char *incident = "";
	int needed = 1;

	if (store_view_open(&view, store, e) < 0 || ledger_read(view, NULL, &all, e) < 0)
		return e->code;
	/* Cells of one incident stand together. */
	vec_foreach(&all, cell) {
		if (strcmp(cell->incident, incident) != 0)
			needed = is_needed(view, cell->incident, before, e);
		if (needed < 0)
			return needed;
		incident = cell->incident;
		if (needed == 0) {
			struct delivery *copy = vec_push_zero(old);
			delivery_copy(copy, cell);
		}
	}
	return 0;
}

int ledger_prune(struct store *store, int64_t before, uint64_t *removed, struct err *e)
{
	cleanup(ledger_done) struct ledger old = {0};
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);
	uint64_t counters = 0;

	if (find_old(store, before, &old, e) < 0 || rate_prune(store, when_now(), &counters, e) < 0)
		return err_wrap(e, "ledger");
	vec_foreach(&old, cell) {
		struct key key;
		ledger_cell_key(&key, cell);
		store_batch_delete(batch, key.bytes, key.length);
		bool last = cell + 1 == old.items + old.count;
		if ((last || store_batch_room(batch) == 0) && store_batch_commit(batch, e) < 0)
			return err_wrap(e, "ledger");
		++*removed;
	}
	return 0;
}
