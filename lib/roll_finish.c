/* roll_finish.c - the end of a snapshot: hosts that left are ended, then set, results and, last, the header are put. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "map.h"
#include "mem.h"
#include "rec.h"
#include "roll_write.h"
#include "when.h"

/* A record of chunks stays far below what a batch takes. */
enum { CHUNK_BYTES = 256 << 10 };

struct finish {
	struct roll_writer *writer;
	struct roll_set set;
	struct roll_results results; /* in the order of set */
	struct roll_header header;
};

static void finish_done(struct finish *finish)
{
	/* Names and reasons are borrowed. */
	vec_done(&finish->set.members);
	vec_done(&finish->results.items);
}

static int compare_host(const void *a, const void *b)
{
	return strcmp((*(const struct host *const *)a)->name, (*(const struct host *const *)b)->name);
}

/* Where the snapshot before has this host: by name, or by what a rename says. 1, 0 if it does not. */
static int find_old(const struct roll_writer *writer, const char *name, size_t *index, struct err *e)
{
	cleanup(bytes_done) struct bytes alias = {0};
	struct key key;

	*index = roll_set_find(&writer->old_set, name);
	if (*index != SIZE_MAX)
		return 1;
	key_add_text(key_begin(&key, KEY_ALIAS), name);
	int result = store_get(writer->store, key.bytes, key.length, &alias, e);
	if (result <= 0 || alias.length != VM_UUID_SIZE)
		return result < 0 ? result : 0;
	*index = roll_set_find_uuid(&writer->old_set, alias.data);
	return *index != SIZE_MAX;
}

static void take_answer(const struct roll_writer *writer, const struct roll_report *report,
			struct roll_member *member, struct roll_result *result)
{
	member->known = true;
	memcpy(member->uuid, report->uuid, VM_UUID_SIZE);
	result->outcome = ROLL_ANSWERED;
	result->answered = report->answered;
	result->snapshot = writer->snapshot;
	result->change = report->change;
}

static void carry_forward(const struct roll_writer *writer, size_t index, struct roll_member *member,
			  struct roll_result *result)
{
	const struct roll_member *old = &writer->old_set.members.items[index];

	/* Not where another name answered as that host: it was renamed. */
	if (!old->known || map_find(writer->answered, old->uuid, VM_UUID_SIZE))
		return;
	member->known = true;
	memcpy(member->uuid, old->uuid, VM_UUID_SIZE);
	result->answered = writer->old_results.items.items[index].answered;
	result->snapshot = writer->old_results.items.items[index].snapshot;
}

static int judge_host(const struct roll_writer *writer, const struct host *host, struct roll_member *member,
		      struct roll_result *result, struct err *e)
{
	const struct roll_report *report = &writer->reports[host - writer->hosts->items];
	size_t index;

	bool off = !hosts_is_asked(host);

	*member = (struct roll_member){.name = host->name, .off = off};
	*result = (struct roll_result){.answered = WHEN_UNKNOWN, .outcome = off ? ROLL_OFF : ROLL_NOT_ASKED};
	if (report->outcome == REPORT_ANSWERED) {
		take_answer(writer, report, member, result);
		return 0;
	}
	if (report->outcome == REPORT_FAILED) {
		result->outcome = ROLL_FAILED;
		result->code = report->code;
		result->why = report->why;
	}
	int found = find_old(writer, host->name, &index, e);
	if (found > 0)
		carry_forward(writer, index, member, result);
	return found < 0 ? found : 0;
}

static void count_result(struct roll_snapshot *snapshot, const struct roll_result *result,
			 const struct roll_report *report)
{
	if (result->outcome == ROLL_OFF)
		return;
	snapshot->hosts++;
	snapshot->answered += result->outcome == ROLL_ANSWERED;
	snapshot->failed += result->outcome == ROLL_FAILED;
	snapshot->not_asked += result->outcome == ROLL_NOT_ASKED;
	if (result->outcome == ROLL_ANSWERED)
		snapshot->vms += report->vms;
}

/* Where the clock went back, what is in order begins anew. */
static uint64_t ordered_since(const struct roll_writer *writer)
{
	const struct roll_header *old = &writer->old;

	if (!old->snapshot.id || writer->begun < old->snapshot.begun)
		return writer->snapshot;
	return old->ordered ? old->ordered : old->snapshot.id;
}

static int gather(struct finish *finish, struct roll_writer *writer, int64_t ended, struct err *e)
{
	const struct hosts *hosts = writer->hosts;
	cleanup(cleanup_mem) const struct host **sorted = mem_zalloc(hosts->count, sizeof *sorted);

	finish->writer = writer;
	finish->header = (struct roll_header){
		.snapshot = {.id = writer->snapshot, .begun = writer->begun, .ended = ended},
		.base = writer->base,
		.ordered = ordered_since(writer)};
	for (size_t i = 0; i < hosts->count; i++)
		sorted[i] = &hosts->items[i];
	if (hosts->count)
		qsort(sorted, hosts->count, sizeof *sorted, compare_host);
	for (size_t i = 0; i < hosts->count; i++) {
		struct roll_result result;
		struct roll_member member;
		int judged = judge_host(writer, sorted[i], &member, &result, e);
		if (judged < 0)
			return judged;
		vec_push(&finish->set.members, member);
		vec_push(&finish->results.items, result);
		count_result(&finish->header.snapshot, &result, &writer->reports[sorted[i] - hosts->items]);
	}
	return 0;
}

/* ---- hosts that left ---- */

/* Ends as many of the hosts LEFT from *NEXT on as a batch takes; all in one number. */
static int try_end_some(struct roll_writer *writer, const unsigned char *const *left, size_t count,
			size_t *next, int64_t at, struct err *e)
{
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(writer->store);
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(bytes_done) struct bytes raw = {0};
	struct roll_counters counters;
	bool any = false;
	size_t i;

	int result = store_view_open(&view, writer->store, e);
	if (result == 0)
		result = roll_get_counters(view, &counters, &raw, e);
	if (result < 0)
		return result;
	counters.change++;
	roll_batch_counters(batch, &counters, &raw);
	for (i = *next; i < count && store_batch_fits(batch, 1, 256); i++) {
		result = roll_batch_end(batch, view, left[i], counters.change, writer->snapshot, at, e);
		if (result < 0)
			return result;
		any |= result > 0;
	}
	store_view_close(view);
	view = NULL;
	result = any ? store_batch_commit(batch, e) : 0;
	if (result == 0)
		*next = i;
	return result;
}

int roll_batch_end(struct store_batch *batch, struct store_view *view, const unsigned char *host,
		   uint64_t change, uint64_t snapshot, int64_t at, struct err *e)
{
	struct roll_entry entry = {
		.change = change, .kind = ROLL_ENTRY_END, .at = at, .snapshot = snapshot, .life = change};
	cleanup(str_done) struct str value = {0};
	struct roll_bounds bounds;
	struct roll_entry old;
	struct key key;

	int result = roll_get_entry(view, host, &roll_now, &old, &bounds, e);
	if (result <= 0 || old.kind == ROLL_ENTRY_END)
		return result < 0 ? result : 0;
	roll_entry_encode(&entry, &value);
	key_host_change(&key, KEY_LIST, host, change);
	store_batch_put(batch, key.bytes, key.length, value.data, value.length);
	return 1;
}

static int end_left(const struct finish *finish, struct err *e)
{
	struct roll_writer *writer = finish->writer;
	VEC(const unsigned char *) left = {0};
	struct map *kept = map_new();
	size_t next = 0;
	int result = 0;

	vec_foreach(&finish->set.members, member)
		if (member->known)
			map_add(kept, member->uuid, VM_UUID_SIZE, member);
	vec_foreach(&writer->old_set.members, member)
		if (member->known && !map_find(kept, member->uuid, VM_UUID_SIZE))
			vec_push(&left, member->uuid);
	for (int tries = 0; next < left.count && tries < ROLL_TRIES; tries += result == ERR_CONFLICT) {
		result = try_end_some(writer, left.items, left.count, &next, finish->header.snapshot.ended, e);
		if (result < 0 && result != ERR_CONFLICT)
			break;
	}
	map_free(kept);
	vec_done(&left);
	return roll_give_up(result, e);
}

/* ---- chunks ---- */

struct chunks {
	struct store_batch *batch;
	const char *prefix;
	uint64_t number, count;
	struct str open; /* items of the chunk being filled */
};

/* Puts the chunk that is open. The batch is committed where it is full: without the header nobody reads this. */
static int close_chunk(struct chunks *chunks, struct err *e)
{
	cleanup(str_done) struct str record = {0};
	struct key key;
	int result = 0;

	if (chunks->count > UINT16_MAX)
		return err_set(e, ERR_TOO_LARGE, "too many hosts for one snapshot");
	rec_begin(&record, ROLL_RECORD_VERSION);
	rec_array(&record, ROLL_CHUNK_ITEMS);
	str_add_n(&record, chunks->open.data, chunks->open.length);
	rec_close(&record);
	rec_end(&record);
	key_add_u16(key_add_u64(key_begin(&key, chunks->prefix), chunks->number), (uint16_t)chunks->count);
	if (!store_batch_fits(chunks->batch, 4, record.length + key.length + 1024))
		result = store_batch_commit(chunks->batch, e);
	store_batch_put(chunks->batch, key.bytes, key.length, record.data, record.length);
	chunks->count++;
	str_reset(&chunks->open);
	return result;
}

static int put_members(struct finish *finish, struct store_batch *batch, struct err *e)
{
	struct chunks chunks = {.batch = batch, .prefix = KEY_SET, .number = finish->header.set};
	int result = 0;

	vec_foreach(&finish->set.members, member) {
		roll_member_encode(member, &chunks.open);
		if (chunks.open.length > CHUNK_BYTES && (result = close_chunk(&chunks, e)) < 0)
			break;
	}
	if (result == 0 && chunks.open.length)
		result = close_chunk(&chunks, e);
	finish->header.set_chunks = chunks.count;
	str_done(&chunks.open);
	return result;
}

static int put_results(struct finish *finish, struct store_batch *batch, struct err *e)
{
	struct chunks chunks = {.batch = batch, .prefix = KEY_RESULTS, .number = finish->header.snapshot.id};
	int result = 0;

	vec_foreach(&finish->results.items, item) {
		roll_result_encode(item, finish->header.snapshot.begun, &chunks.open);
		if (chunks.open.length > CHUNK_BYTES && (result = close_chunk(&chunks, e)) < 0)
			break;
	}
	if (result == 0 && chunks.open.length)
		result = close_chunk(&chunks, e);
	finish->header.result_chunks = chunks.count;
	str_done(&chunks.open);
	return result;
}

static bool set_same(const struct roll_set *a, const struct roll_set *b)
{
	if (a->members.count != b->members.count)
		return false;
	for (size_t i = 0; i < a->members.count; i++) {
		const struct roll_member *x = &a->members.items[i], *y = &b->members.items[i];
		if (strcmp(x->name, y->name) != 0 || x->known != y->known || x->off != y->off ||
		    memcmp(x->uuid, y->uuid, VM_UUID_SIZE) != 0)
			return false;
	}
	return true;
}

static int put_snapshot(struct finish *finish, struct err *e)
{
	struct roll_writer *writer = finish->writer;
	cleanup(cleanup_store_batch) struct store_batch *batch = store_batch_new(writer->store);
	cleanup(str_done) struct str value = {0};
	struct key key;
	int result = 0;

	finish->header.set = writer->old.set;
	finish->header.set_chunks = writer->old.set_chunks;
	if (!writer->old.snapshot.id || !set_same(&finish->set, &writer->old_set)) {
		finish->header.set = writer->snapshot;
		result = put_members(finish, batch, e);
	}
	if (result == 0)
		result = put_results(finish, batch, e);
	if (result < 0)
		return result;
	roll_header_encode(&finish->header, &value);
	key_add_u64(key_begin(&key, KEY_SNAPSHOT), writer->snapshot);
	store_batch_put(batch, key.bytes, key.length, value.data, value.length);
	return store_batch_commit(batch, e);
}

int roll_finish(struct roll_writer *writer, int64_t ended, struct err *e)
{
	cleanup(finish_done) struct finish finish = {0};

	int result = gather(&finish, writer, ended, e);
	if (result == 0)
		result = end_left(&finish, e);
	return result < 0 ? result : put_snapshot(&finish, e);
}
