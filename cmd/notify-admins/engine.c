/* engine.c - the copy of what is unfinished, and its upkeep. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "engine.h"
#include "log.h"
#include "mem.h"
#include "relay.h"
#include "str.h"
#include "vec.h"
#include "when.h"

enum { REFRESH_MS = 1000 };

bool engine_has_passed(int64_t now, int64_t since, int64_t wait)
{
	return now < since || now - since >= wait;
}

void engine_wake(struct engine *engine, int64_t ms)
{
	int64_t at = when_monotonic() + (ms > 0 ? ms : 0);

	if (engine->wake < 0 || at < engine->wake)
		engine->wake = at;
}

bool engine_say_once(struct engine *engine, const char *text)
{
	vec_foreach(&engine->said, said)
		if (strcmp(*said, text) == 0)
			return false;
	vec_push(&engine->said, mem_string(text));
	return true;
}

void engine_record(struct engine *engine, struct record *record)
{
	if (engine->recorder)
		recorder_add(engine->recorder, record);
	else
		record_free(record);
}

int engine_read_hosts(struct engine *engine)
{
	struct hosts fresh;
	struct err e = {0};

	if (hosts_read(&fresh, engine->conf->hosts, &e) < 0)
		return log_err(&e);
	hosts_done(engine->hosts);
	*engine->hosts = fresh;
	return 0;
}

struct incident *engine_incident(struct engine *engine, const char *id)
{
	vec_foreach(&engine->incidents, incident)
		if (strcmp(incident->id, id) == 0)
			return incident;
	return NULL;
}

/* ---- cells ---- */

static char *cell_text(const struct delivery *cell)
{
	return mem_format("%s %d.%u %d %s", cell->incident, (int)cell->kind, cell->part, (int)cell->channel,
			  cell->person);
}

struct delivery *engine_cell(struct engine *engine, const struct delivery *wanted)
{
	cleanup(cleanup_mem) char *text = cell_text(wanted);
	size_t place = (size_t)(uintptr_t)map_find(engine->cell_index, text, strlen(text));

	return place ? &engine->cells.items[place - 1] : NULL;
}

static void index_cell(struct engine *engine, size_t place)
{
	char *text = cell_text(&engine->cells.items[place]);

	vec_push(&engine->key_texts, text);
	map_add(engine->cell_index, text, strlen(text), (void *)(uintptr_t)(place + 1));
}

void engine_set_cell(struct engine *engine, const struct delivery *cell)
{
	struct delivery *place = engine_cell(engine, cell);
	struct delivery copy;

	delivery_copy(&copy, cell);
	if (place) {
		delivery_done(place);
		*place = copy;
		return;
	}
	vec_push(&engine->cells, copy);
	index_cell(engine, engine->cells.count - 1);
}

static void forget_copy(struct engine *engine)
{
	incidents_done(&engine->incidents);
	ledger_done(&engine->cells);
	map_free(engine->cell_index);
	engine->cell_index = NULL;
	vec_foreach(&engine->key_texts, text)
		free(*text);
	vec_done(&engine->key_texts);
}

/* ---- reading anew ---- */

static int read_all(struct engine *engine, struct incidents *incidents, struct ledger *cells, struct err *e)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;

	if (store_view_open(&view, engine->store, e) < 0 || incident_active(view, incidents, e) < 0)
		return e->code;
	vec_foreach(incidents, incident)
		if (ledger_read(view, incident->id, cells, e) < 0)
			return e->code;
	return 0;
}

/* What is on its way to a person is so whatever the store knows of it. */
static void lay_posts_over(struct engine *engine)
{
	vec_foreach(&engine->posts, post)
		vec_foreach(&(*post)->cells, cell)
			engine_set_cell(engine, cell);
}

static int refresh(struct engine *engine, struct err *e)
{
	cleanup(incidents_done) struct incidents incidents = {0};
	cleanup(ledger_done) struct ledger cells = {0};

	if (read_all(engine, &incidents, &cells, e) < 0)
		return e->code;
	forget_copy(engine);
	engine->incidents = incidents;
	engine->cells = cells;
	incidents = (struct incidents){0};
	cells = (struct ledger){0};
	engine->cell_index = map_new();
	for (size_t i = 0; i < engine->cells.count; i++)
		index_cell(engine, i);
	lay_posts_over(engine);
	engine->stale = false;
	engine->loaded = when_monotonic();
	return 0;
}

void engine_refresh(struct engine *engine)
{
	struct err e = {0};

	if (engine->dry_run && engine->loaded)
		return;
	if (engine->recorder && recorder_pending(engine->recorder) > 0)
		return;
	if (engine->claims || engine->puts || (!engine->stale && when_monotonic() - engine->loaded < REFRESH_MS))
		return;
	if (refresh(engine, &e) == 0)
		return;
	engine->broken = true;
	if (engine_say_once(engine, e.text))
		log_err(&e);
}

/* ---- what has finished ---- */

static void take_record(struct engine *engine, struct record *record)
{
	switch (record->task) {
	case RECORD_OPEN:
		events_opened(engine, record);
		break;
	case RECORD_CLAIM:
		post_claimed(engine, record);
		break;
	case RECORD_PUT:
		post_settled(engine, record);
		break;
	case RECORD_CLOSE:
	case RECORD_GROUP:
	case RECORD_STEP:
	case RECORD_HANDED:
	case RECORD_RETIRE:
		/* Somebody else may have been first, with another group for one. */
		engine->stale = engine->stale || record->result != 1;
		break;
	}
	record_free(record);
}

static void collect_records(struct engine *engine)
{
	struct record *record;
	struct err e = {0};
	int result;

	while (engine->recorder && (result = recorder_next(engine->recorder, &record, &e)) != 0) {
		if (result < 0) {
			engine->broken = true;
			log_err(&e);
			return;
		}
		engine->broken = false;
		take_record(engine, record);
	}
}

void engine_collect(struct engine *engine)
{
	struct err outcome = {0};
	uint64_t tag;

	collect_records(engine);
	while (engine->smtp && smtp_finished(engine->smtp, &tag, &outcome))
		post_sent(engine, tag, &outcome);
}

void engine_tick(struct engine *engine)
{
	engine->soon = engine->later = false;
	engine->wake = -1;
	hooks_step(&engine->hooks, engine->conf);
	engine_refresh(engine);
	events_tick(engine);
	tell_tick(engine);
	post_tick(engine);
	/* Somebody else may acknowledge or close; and the clock goes on. */
	if (engine->incidents.count > 0)
		engine_wake(engine, REFRESH_MS);
}

bool engine_is_idle(const struct engine *engine)
{
	return engine->posts.count == 0 && !engine->claims && !engine->puts &&
	       (!engine->recorder || recorder_pending(engine->recorder) == 0);
}

/* ---- start and end ---- */

/* The commands of on_incident look at the same store. */
static void set_environment(const struct conf *conf)
{
	setenv("VMROLL_STORE", conf->store, 1);
	setenv("VMROLL_HOSTS", conf->hosts, 1);
	if (conf->path)
		setenv("VMROLL_CONFIG", conf->path, 1);
}

int engine_start(struct engine *engine, const struct conf *conf, struct hosts *hosts, bool dry_run, struct err *e)
{
	*engine = (struct engine){
		.conf = conf,
		.hosts = hosts,
		.dry_run = dry_run,
		.stale = true,
		.next_tag = 1,
		.isolated_since = WHEN_UNKNOWN,
		.isolation_over = WHEN_UNKNOWN,
		.wake = -1,
		.owner = ledger_owner(),
		.cell_index = map_new(),
	};
	if (store_open(&engine->store, conf->store, STORE_READ, e) < 0)
		return e->code;
	if (dry_run)
		return 0;
	set_environment(conf);
	/* Before there are threads. */
	if (recorder_start(&engine->recorder, conf->store, engine->owner, e) < 0)
		return e->code;
	return relay_open(&engine->smtp, conf, e);
}

void engine_done(struct engine *engine)
{
	vec_foreach(&engine->posts, post)
		post_free(*post);
	vec_done(&engine->posts);
	vec_foreach(&engine->plans, plan)
		plan_free(*plan);
	vec_done(&engine->plans);
	vec_foreach(&engine->rates, rate)
		free(rate->person);
	vec_done(&engine->rates);
	vec_foreach(&engine->seen_up, host)
		free(*host);
	vec_done(&engine->seen_up);
	vec_foreach(&engine->said, text)
		free(*text);
	vec_done(&engine->said);
	forget_copy(engine);
	record_free(engine->claims);
	record_free(engine->puts);
	hooks_done(&engine->hooks);
	smtp_free(engine->smtp);
	recorder_free(engine->recorder);
	store_close(engine->store);
	free(engine->owner);
}
