/* ledger.c - who was told what: claims, backoff, and what may be written over what. */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "keys.h"
#include "ledger.h"
#include "mem.h"
#include "vec.h"
#include "when.h"

enum {
	TRIES_MAX = 16,
	CELLS_A_BATCH = STORE_BATCH_OPERATIONS / 2,
	PERSON_KEY_MAX = 300,
	BACKOFF_FIRST_MS = 60 * 1000,
	BACKOFF_MAX_MS = 60 * 60 * 1000,
	LEASE_MS = 10 * 60 * 1000,
	GIVE_UP_MS = 5 * 24 * 60 * 60 * 1000 /* RFC 5321, 4.5.4.1 */
};

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

/* ---- rules ---- */

int64_t ledger_backoff(unsigned attempts)
{
	int64_t wait = BACKOFF_FIRST_MS;

	for (unsigned i = 1; i < attempts && wait < BACKOFF_MAX_MS; i++)
		wait *= 2;
	return wait < BACKOFF_MAX_MS ? wait : BACKOFF_MAX_MS;
}

/*
 * A time much further ahead than it was ever set is one of a clock that was put back since. Much: NOW
 * may be from before another process set it, who waited less for the store.
 */
static bool is_over(int64_t time, int64_t now, int64_t longest)
{
	return time <= now || time - now > 2 * longest;
}

bool delivery_is_due(const struct delivery *delivery, int64_t now)
{
	if (delivery->state == DELIVERY_PENDING)
		return is_over(delivery->next, now, BACKOFF_MAX_MS);
	return delivery->state == DELIVERY_SENDING &&
	       (is_over(delivery->lease, now, LEASE_MS) || !ledger_owner_lives(delivery->owner));
}

void delivery_settle(struct delivery *delivery, const struct err *outcome, int64_t now)
{
	mem_replace(&delivery->owner, NULL);
	delivery->lease = WHEN_UNKNOWN;
	mem_replace(&delivery->error, outcome->code ? outcome->text : NULL);
	if (outcome->code == 0) {
		delivery->state = DELIVERY_SENT;
		delivery->sent = now;
	} else if (outcome->code == ERR_PERMANENT || outcome->code == ERR_USAGE ||
		   (delivery->begun != WHEN_UNKNOWN && now - delivery->begun > GIVE_UP_MS)) {
		delivery->state = DELIVERY_FAILED;
	} else {
		delivery->state = DELIVERY_PENDING;
		delivery->next = now + ledger_backoff(delivery->attempts);
	}
}

/* ---- cells in the store ---- */

static struct key *incident_key(struct key *key, const char *incident)
{
	key_add_text(key_begin(key, KEY_DELIVERY), incident);
	return key_add(key, "", 1);
}

static struct key *cell_key(struct key *key, const struct delivery *delivery)
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

/* 1 with the cell and its bytes, 0 if it is not in the store. */
static int read_cell(struct store_view *view, const struct delivery *wanted, struct delivery *stored,
		     struct bytes *raw, struct err *e)
{
	struct key key;

	cell_key(&key, wanted);
	int result = store_view_get(view, key.bytes, key.length, raw, e);
	if (result == 1 && delivery_decode(raw->data, raw->length, stored, e) < 0)
		return e->code;
	return result;
}

static void add_cell(struct store_batch *batch, const struct delivery *delivery, const struct bytes *before)
{
	cleanup(str_done) struct str record = {0};
	struct key key;

	cell_key(&key, delivery);
	delivery_encode(delivery, &record);
	store_batch_expect(batch, key.bytes, key.length, before->data, before->length);
	store_batch_put(batch, key.bytes, key.length, record.data, record.length);
}

/* What becomes of a cell: given what the store has (STORED, or NULL) makes *CELL what is to be written, true, or leaves it. */
typedef bool rule(struct delivery *cell, const struct delivery *stored, void *context);

static int apply_cell(struct store_view *view, struct store_batch *batch, struct delivery *cell, rule *decide,
		      void *context, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};
	cleanup(delivery_done) struct delivery stored = {0};

	int result = read_cell(view, cell, &stored, &raw, e);
	if (result < 0)
		return result;
	if (decide(cell, result == 1 ? &stored : NULL, context))
		add_cell(batch, cell, &raw);
	return 0;
}

static int apply_once(struct store *store, struct delivery *cells, size_t count, rule *decide, void *context,
		      struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(store);

	if (store_view_open(&view, store, e) < 0)
		return e->code;
	for (size_t i = 0; i < count; i++)
		if (apply_cell(view, batch, &cells[i], decide, context, e) < 0)
			return e->code;
	/* No view may be held while another writer is waited for. */
	store_view_close(view);
	view = NULL;
	return store_batch_count(batch) ? store_batch_commit(batch, e) : 0;
}

static void restore(struct delivery *cells, const struct delivery *before, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		delivery_done(&cells[i]);
		delivery_copy(&cells[i], &before[i]);
	}
}

/* All of CELLS in one transaction; lost to another, it is all decided anew from what that one wrote. */
static int apply_batch(struct store *store, struct delivery *cells, size_t count, rule *decide, void *context,
		       struct err *e)
{
	cleanup(ledger_done) struct ledger before = {0};
	int result = ERR_CONFLICT;

	for (size_t i = 0; i < count; i++) {
		struct delivery *copy = vec_push_zero(&before);
		delivery_copy(copy, &cells[i]);
	}
	for (int attempt = 0; attempt < TRIES_MAX && result == ERR_CONFLICT; attempt++) {
		if (attempt > 0)
			restore(cells, before.items, count);
		result = apply_once(store, cells, count, decide, context, e);
	}
	if (result < 0)
		restore(cells, before.items, count);
	return result;
}

static int apply(struct store *store, struct delivery *cells, size_t count, rule *decide, void *context,
		 struct err *e)
{
	for (size_t done = 0; done < count; done += CELLS_A_BATCH) {
		size_t part = count - done < CELLS_A_BATCH ? count - done : CELLS_A_BATCH;
		if (apply_batch(store, cells + done, part, decide, context, e) < 0)
			return err_wrap(e, "ledger");
	}
	return 0;
}

struct claim {
	const char *owner;
	int64_t now;
};

static void take_over(struct delivery *cell, const struct delivery *stored)
{
	cell->attempts = stored->attempts;
	cell->begun = stored->begun;
	if (stored->message_id)
		mem_replace(&cell->message_id, stored->message_id);
}

static bool decide_claim(struct delivery *cell, const struct delivery *stored, void *context)
{
	const struct claim *claim = context;

	if (stored && !delivery_is_due(stored, claim->now)) {
		delivery_done(cell);
		delivery_copy(cell, stored);
		return false;
	}
	if (stored)
		take_over(cell, stored);
	cell->state = DELIVERY_SENDING;
	cell->attempts++;
	if (cell->begun == WHEN_UNKNOWN)
		cell->begun = claim->now;
	mem_replace(&cell->owner, claim->owner);
	cell->lease = claim->now + LEASE_MS;
	return true;
}

int ledger_claim(struct store *store, struct delivery *cells, size_t count, const char *owner, int64_t now,
		 struct err *e)
{
	struct claim claim = {owner, now};

	return apply(store, cells, count, decide_claim, &claim, e);
}

static bool decide_put(struct delivery *cell, const struct delivery *stored, void *context)
{
	const char *me = context;

	if (!stored)
		return true;
	switch (stored->state) {
	case DELIVERY_SENT:
	case DELIVERY_EXPIRED:
		return false;
	case DELIVERY_FAILED:
		return cell->handed && !stored->handed;
	case DELIVERY_SENDING:
		return str_equal(stored->owner, me) || !ledger_owner_lives(stored->owner);
	case DELIVERY_PENDING:
		break;
	}
	return true;
}

int ledger_put(struct store *store, const struct delivery *cells, size_t count, const char *owner, struct err *e)
{
	cleanup(ledger_done) struct ledger copies = {0};

	for (size_t i = 0; i < count; i++) {
		struct delivery *copy = vec_push_zero(&copies);
		delivery_copy(copy, &cells[i]);
	}
	return apply(store, copies.items, count, decide_put, (void *)owner, e);
}

int ledger_get(struct store_view *view, const struct delivery *wanted, struct delivery *stored, struct err *e)
{
	cleanup(bytes_done) struct bytes raw = {0};

	return read_cell(view, wanted, stored, &raw, e);
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

	if (find_old(store, before, &old, e) < 0)
		return err_wrap(e, "ledger");
	vec_foreach(&old, cell) {
		struct key key;
		cell_key(&key, cell);
		store_batch_delete(batch, key.bytes, key.length);
		bool last = cell + 1 == old.items + old.count;
		if ((last || store_batch_room(batch) == 0) && store_batch_commit(batch, e) < 0)
			return err_wrap(e, "ledger");
		++*removed;
	}
	return 0;
}
