/* fixture.c - writes into a store what the lines on stdin say, so that a test begins where it wants to
 *
 * usage: fixture STORE-URI HOSTS-FILE <lines
 *
 * Fields are separated by tabs. TIME is @SECONDS or -SECONDS (before now).
 *	snapshot TIME          begins a list of all hosts
 *	list HOST TIME         HOST answered then; its VMs follow
 *	vm NAME [UUID] [STATE] one of them: running (default) or shutoff
 *	failed HOST            HOST did not answer
 *	end TIME               ends the list
 *	state HOST STATE TIME  hostping recorded it
 *	heartbeat TIME         hostping was alive
 *	due                    the backoff of every delivery is over
 *	incident HOST TIME [GROUP] HOST went down then, and is told with GROUP: prints its id
 *	cell ID PERSON CHANNEL KIND STATE [STEP [OUTCOME]]   what PERSON is told of it; names as in `notify-admins log`
 *	token ID PERSON        prints what PERSON has to show for a reply
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hosts.h"
#include "hoststate.h"
#include "ledger.h"
#include "mem.h"
#include "roll.h"
#include "store.h"
#include "str.h"
#include "token.h"
#include "vec.h"
#include "when.h"

struct fixture {
	const char *uri;
	struct store *store;
	struct hosts hosts;
	struct roll_writer *writer;
	const char *host; /* whose VMs follow, or NULL */
	int64_t answered;
	VEC(struct vm) vms;
};

static void require(int result, const struct err *e)
{
	if (result >= 0)
		return;
	fprintf(stderr, "fixture: %s\n", e->text);
	exit(4);
}

static int64_t read_time(const char *text)
{
	double seconds = strtod(text + 1, NULL);

	return text[0] == '@' ? (int64_t)(seconds * 1000) : when_now() - (int64_t)(seconds * 1000);
}

static void put_list(struct fixture *f)
{
	struct err e = {0};
	struct roll_changes changes;
	struct roll_host host = {
		.cpus = VM_UNKNOWN, .mhz = VM_UNKNOWN, .memory_bytes = VM_UNKNOWN, .uuid_derived = true};

	if (!f->host)
		return;
	host.name = (char *)f->host;
	vm_uuid_from_name(f->host, host.uuid);
	require(roll_put_list(f->writer, &host, f->vms.items, f->vms.count, f->answered, &changes, &e), &e);
	vec_foreach(&f->vms, vm)
		vm_done(vm);
	f->vms.count = 0;
	f->host = NULL;
}

static void add_vm(struct fixture *f, char **fields, size_t count)
{
	struct err e = {0};
	struct vm *vm = vec_push_zero(&f->vms);
	size_t length;

	require(str_unescape(fields[1], &vm->name, &length, &e), &e);
	vm_uuid_from_name(fields[1], vm->uuid);
	if (count > 2 && *fields[2])
		require(vm_uuid_parse(fields[2], vm->uuid, &e), &e);
	vm->state = count > 3 && strcmp(fields[3], "shutoff") == 0 ? VM_SHUTOFF : VM_RUNNING;
	vm->domain_id = vm->state == VM_RUNNING ? (int)f->vms.count : -1;
	vm->vcpus = 1;
	vm->memory_bytes = 1 << 20;
	vm->disk_bytes = 1 << 20;
	vm->xml_known = true;
	vm->xml_read = f->answered;
}

static void put_state(struct fixture *f, char **fields)
{
	struct err e = {0};
	struct hoststate state = {
		.host = fields[1], .since = read_time(fields[3]), .rtt_us = -1, .recorded = read_time(fields[3])};

	require(hoststate_parse(fields[2], &state.state, &e), &e);
	require(hoststate_put(f->store, &state, &e), &e);
}

static void end_backoff(struct fixture *f)
{
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(ledger_done) struct ledger ledger = {0};

	require(store_view_open(&view, f->store, &e), &e);
	require(ledger_read(view, NULL, &ledger, &e), &e);
	vec_foreach(&ledger, delivery)
		if (delivery_is_open(delivery))
			delivery->next = when_now();
	store_view_close(view);
	view = NULL;
	require(ledger_put(f->store, ledger.items, ledger.count, "fixture", &e), &e);
}

static void open_incident(struct fixture *f, char **fields, size_t count)
{
	struct err e = {0};
	cleanup(incident_done) struct incident incident = {
		.host = mem_string(fields[1]), .at = read_time(fields[2]), .opened = when_now()};

	require(incident_open(f->store, &incident, &e), &e);
	require(incident_set_group(f->store, incident.id, count > 3 ? fields[3] : incident.id, &e), &e);
	puts(incident.id);
}

/* The number of the one called TEXT among COUNT. */
#define number_of(text, count, name)                                                                         \
	({                                                                                                   \
		unsigned number_ = 0;                                                                        \
		while (number_ < (count) && !str_equal(name(number_), (text)))                               \
			number_++;                                                                           \
		number_;                                                                                     \
	})

static void put_cell(struct fixture *f, char **fields, size_t count)
{
	struct err e = {0};
	cleanup(delivery_done) struct delivery cell = {
		.person = mem_string(fields[2]),
		.address = mem_string(fields[2]),
		.channel = number_of(fields[3], DELIVERY_COMMAND, delivery_channel_name),
		.kind = number_of(fields[4], DELIVERY_SUMMARY, delivery_kind_name),
		.state = number_of(fields[5], DELIVERY_ACKNOWLEDGED, delivery_state_name),
		.step = count > 6 ? (unsigned)strtoul(fields[6], NULL, 10) : 0,
		.outcome = count > 7 ? number_of(fields[7], CALL_REFUSED, call_end_name) : CALL_NONE,
		.begun = WHEN_UNKNOWN,
		.next = when_now(),
		.sent = WHEN_UNKNOWN,
		.lease = WHEN_UNKNOWN,
		.acknowledged = WHEN_UNKNOWN,
	};

	snprintf(cell.incident, sizeof cell.incident, "%s", fields[1]);
	require(ledger_put(f->store, &cell, 1, "fixture", &e), &e);
}

static void show_token(struct fixture *f, char **fields)
{
	struct err e = {0};
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(incident_done) struct incident incident = {0};
	struct token_key key;
	char token[TOKEN_SIZE];

	require(store_view_open(&view, f->store, &e), &e);
	require(incident_find(view, fields[1], &incident, &e), &e);
	require(token_key_get(f->uri, &key, &e), &e);
	require(token_make(&key, incident.id, incident.at, fields[2], token, &e), &e);
	puts(token);
}

static void take_line(struct fixture *f, char **fields, size_t count)
{
	struct err e = {0};
	const char *what = fields[0];

	if (strcmp(what, "vm") != 0)
		put_list(f);
	if (strcmp(what, "snapshot") == 0) {
		require(roll_begin(&f->writer, f->store, &f->hosts, read_time(fields[1]), &e), &e);
	} else if (strcmp(what, "list") == 0) {
		const struct host *host = hosts_find(&f->hosts, fields[1]);
		f->host = host ? host->name : NULL;
		f->answered = read_time(fields[2]);
	} else if (strcmp(what, "vm") == 0) {
		add_vm(f, fields, count);
	} else if (strcmp(what, "failed") == 0) {
		require(roll_put_failure(f->writer, fields[1], ERR_NET, "no answer", &e), &e);
	} else if (strcmp(what, "end") == 0) {
		require(roll_finish(f->writer, read_time(fields[1]), &e), &e);
		roll_writer_free(f->writer);
		f->writer = NULL;
	} else if (strcmp(what, "state") == 0) {
		put_state(f, fields);
	} else if (strcmp(what, "due") == 0) {
		end_backoff(f);
	} else if (strcmp(what, "incident") == 0) {
		open_incident(f, fields, count);
	} else if (strcmp(what, "cell") == 0) {
		put_cell(f, fields, count);
	} else if (strcmp(what, "token") == 0) {
		show_token(f, fields);
	} else if (strcmp(what, "heartbeat") == 0) {
		require(hoststate_put_heartbeat(f->store, read_time(fields[1]), false, &e), &e);
	} else {
		require(err_set(&e, ERR_USAGE, "'%s' is unknown", what), &e);
	}
}

int main(int argc, char **argv)
{
	struct fixture f = {.uri = argv[1]};
	struct err e = {0};
	char *line = NULL;
	size_t size = 0;

	if (argc != 3)
		return 2;
	require(hosts_read(&f.hosts, argv[2], &e), &e);
	require(store_open(&f.store, argv[1], STORE_WRITE, &e), &e);
	while (getline(&line, &size, stdin) > 0) {
		char *fields[8] = {0};
		char *rest = line;
		size_t count = 0;
		line[strcspn(line, "\n")] = '\0';
		while (rest && count < 8)
			fields[count++] = strsep(&rest, "\t");
		if (*fields[0])
			take_line(&f, fields, count);
	}
	free(line);
	vec_done(&f.vms);
	store_close(f.store);
	hosts_done(&f.hosts);
	return 0;
}
