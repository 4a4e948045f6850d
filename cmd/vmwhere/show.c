/* show.c - rows about VMs, and for people from when they are. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "log.h"
#include "mem.h"
#include "str.h"
#include "vmwhere.h"
#include "when.h"

/* What a table shows unless -o chose. */
static const char *const shown_by_default[] = {
	[MODE_WHERE] = "VM,HOST,STATE,SINCE,SEEN,OS,ADMIN",
	[MODE_ON] = "VM,STATE,VCPU,MEMORY,DISK,OS,ADMIN",
	[MODE_HISTORY] = "VM,HOST,STATE,SINCE,UNTIL",
	[MODE_DIFF] = "CHANGE,VM,FROM,HOST,WAS,STATE",
	[MODE_DUPLICATES] = "VM,UUID,HOST,STATE,SINCE,SEEN",
	[MODE_AFFECTED] = "VM,HOST,DIED,GRADE,NOW,NOW_HOST,NOW_SINCE,ADMIN",
};

#define OF_VM                                                                                                \
	"VM,UUID,HOST,STATE,SINCE,SEEN,STALE,OS,MANAGER,CLUSTER,VCPU,MEMORY,DISK,NIC,ADMIN,GRADE,SNAPSHOT,"  \
	"AGE"

/* What JSON shows unless -o chose: all but what belongs to other modes. */
static const char *const json_by_default[] = {
	[MODE_WHERE] = OF_VM,
	[MODE_ON] = OF_VM,
	[MODE_HISTORY] = OF_VM ",UNTIL",
	[MODE_DIFF] = OF_VM ",CHANGE,FROM,WAS",
	[MODE_DUPLICATES] = OF_VM,
	[MODE_AFFECTED] = OF_VM ",DIED,NOW,NOW_HOST,NOW_SINCE",
};

int show_columns(struct show *show, const struct options *options, struct err *e)
{
	bool plain =
		options->mode != MODE_HISTORY && options->mode != MODE_DIFF && options->mode != MODE_AFFECTED;
	enum rows_format format = options->cli.format;
	const char *selection = options->cli.columns;

	*show = (struct show){.options = options};
	/* A stream of events is a line an event. */
	if (options->mode == MODE_AFFECTED && format == ROWS_TABLE)
		format = ROWS_RAW;
	if (!selection)
		selection = (format == ROWS_JSON ? json_by_default : shown_by_default)[options->mode];
	return rows_new(&show->rows, where_columns, plain ? COLUMNS_OF_VM : COLUMNS_ALL, format, selection,
			options->cli.no_headings, 1, stdout, e);
}

int show_begin(struct show *show, const struct options *options, struct store_view *view, struct err *e)
{
	int result = show_columns(show, options, e);
	show->view = view;
	if (result == 0 && rows_wants(show->rows, COLUMN_ADMIN))
		result = admins_load(view, &show->admins, e);
	return result < 0 ? result : 0;
}

int show_roll(struct show *show, int64_t at, struct err *e)
{
	int result = roll_open(&show->roll, show->view, at, e);
	if (result < 0)
		return result;
	show->clock = at == WHEN_UNKNOWN ? when_now() : at;
	show->lists = mem_zalloc(roll_host_count(show->roll), sizeof *show->lists);
	show->shown = mem_zalloc(roll_host_count(show->roll), sizeof *show->shown);
	return 0;
}

void show_done(struct show *show)
{
	for (size_t i = 0; show->roll && i < roll_host_count(show->roll); i++)
		roll_list_done(&show->lists[i]);
	free(show->lists);
	free(show->shown);
	roll_close(show->roll);
	admins_done(&show->admins);
	rows_free(show->rows);
}

/* ---- cells ---- */

static void list_nics(struct rows *rows, const struct vm *vm)
{
	for (size_t i = 0; i < vm->nic_count; i++) {
		const struct vm_nic *nic = &vm->nics[i];
		cleanup(str_done) struct str text = {0};
		str_addf(&text, "%s %s ", nic->mac ? nic->mac : "-", nic->model ? nic->model : "-");
		if (nic->rate_bps == VM_UNKNOWN)
			str_add_char(&text, '-');
		else
			str_addf(&text, "%llu", (unsigned long long)nic->rate_bps);
		str_addf(&text, " %s", nic->network ? nic->network : "-");
		rows_list_add(rows, COLUMN_NIC, str_text(&text));
	}
}

static void describe_nic(struct str *json, const struct vm_nic *nic)
{
	json_open_object(json);
	json_add_key(json, "mac");
	json_add_text(json, nic->mac);
	json_add_key(json, "model");
	json_add_text(json, nic->model);
	json_add_key(json, "rate_bps");
	if (nic->rate_bps == VM_UNKNOWN)
		json_add_null(json);
	else
		json_add_number(json, nic->rate_bps);
	json_add_key(json, "network");
	json_add_text(json, nic->network);
	json_close_object(json);
}

/* Without XML the cards are unknown, which is not to have none. */
static void describe_nics(struct str *json, const struct vm *vm)
{
	if (!vm->xml_known) {
		json_add_null(json);
		return;
	}
	json_open_array(json);
	for (size_t i = 0; i < vm->nic_count; i++)
		describe_nic(json, &vm->nics[i]);
	json_close_array(json);
}

static void show_nics(const struct show *show, const struct vm *vm)
{
	if (show->options->cli.format == ROWS_JSON)
		describe_nics(rows_json(show->rows, COLUMN_NIC), vm);
	else
		list_nics(show->rows, vm);
}

static void show_admins(const struct show *show, const struct vm *vm, const char *host)
{
	size_t count = admins_of(&show->admins, vm->uuid, vm->name, host, NULL, 0);
	cleanup(cleanup_mem) const struct admin **found = mem_zalloc(count, sizeof(struct admin *));

	admins_of(&show->admins, vm->uuid, vm->name, host, found, count);
	for (size_t i = 0; i < count; i++) {
		cleanup(cleanup_mem) char *person = admins_person(found[i]);
		bool named = found[i]->admin && *found[i]->admin;
		rows_list_add(show->rows, COLUMN_ADMIN, named ? found[i]->admin : person);
	}
}

void show_attributes(const struct show *show, const struct vm *vm, const char *host)
{
	struct rows *rows = show->rows;
	char uuid[VM_UUID_TEXT_SIZE];

	rows_text(rows, COLUMN_VM, vm->name);
	rows_text(rows, COLUMN_HOST, host);
	rows_text(rows, COLUMN_STATE, vm_state_name(vm->state));
	if (rows_wants(rows, COLUMN_UUID))
		rows_text(rows, COLUMN_UUID, vm_uuid_format(vm->uuid, uuid));
	rows_text(rows, COLUMN_OS, vm->os);
	rows_number(rows, COLUMN_VCPU, vm->vcpus);
	rows_number(rows, COLUMN_MEMORY, vm->memory_bytes);
	rows_number(rows, COLUMN_DISK, vm->disk_bytes);
	if (rows_wants(rows, COLUMN_NIC))
		show_nics(show, vm);
	if (show->admins.count)
		show_admins(show, vm, host);
}

void show_list(const struct show *show, const struct roll_list *list)
{
	struct rows *rows = show->rows;
	bool known = list->answered != WHEN_UNKNOWN;
	int64_t age = known ? show->clock - list->answered : 0;

	rows_text(rows, COLUMN_MANAGER, list->host.manager);
	rows_text(rows, COLUMN_CLUSTER, list->host.cluster);
	rows_bool(rows, COLUMN_STALE, list->stale);
	rows_text(rows, COLUMN_GRADE, affected_grade_name(list->followed ? AFFECTED_CERTAIN : AFFECTED_PROBABLE));
	rows_number(rows, COLUMN_SNAPSHOT, list->snapshot ? list->snapshot : ROWS_UNKNOWN);
	rows_number(rows, COLUMN_AGE, !known ? ROWS_UNKNOWN : age > 0 ? (uint64_t)age / 1000 : 0);
}

int show_host(struct show *show, size_t index, const struct roll_list **list, struct err *e)
{
	if (!show->shown[index]) {
		int result = roll_host_at(show->roll, index, &show->lists[index], e);
		if (result < 0)
			return result;
		show->shown[index] = true;
	}
	*list = &show->lists[index];
	return 0;
}

int show_vm(struct show *show, const struct roll_vm *vm, struct err *e)
{
	const struct roll_list *list;

	int result = show_host(show, vm->host, &list, e);
	if (result < 0)
		return result;
	show_attributes(show, &vm->vm, list->host.name);
	show_list(show, list);
	rows_time(show->rows, COLUMN_SINCE, vm->since);
	rows_time(show->rows, COLUMN_SEEN, vm->seen);
	show->vms++;
	return rows_end(show->rows, e);
}

/* ---- from when ---- */

bool show_is_for_people(const struct show *show)
{
	const struct cli *cli = &show->options->cli;

	return cli->format == ROWS_TABLE && !cli->no_headings && !cli->quiet;
}

static void print_age(const struct show *show, int64_t at)
{
	char age[WHEN_TEXT_SIZE];
	int64_t elapsed = show->clock - at;

	printf("%s %s", when_format_duration(elapsed > 0 ? elapsed : 0, age),
	       show->options->at_text ? "before" : "ago");
}

/* The one host that was shown, or NULL. */
static const struct roll_list *only_host(const struct show *show)
{
	const struct roll_list *only = NULL;

	for (size_t i = 0; i < roll_host_count(show->roll); i++) {
		if (show->shown[i] && only)
			return NULL;
		if (show->shown[i])
			only = &show->lists[i];
	}
	return only;
}

static void print_as_of(const struct show *show)
{
	const struct roll_list *only = only_host(show);
	if (only && only->answered == WHEN_UNKNOWN)
		only = NULL;
	int64_t at = only ? only->answered : roll_snapshot(show->roll)->begun;
	char text[WHEN_TEXT_SIZE];

	printf("as of %s (%s, ", when_format(at, WHEN_LOCAL, text),
	       only && only->followed ? "followed live" : "snapshot");
	print_age(show, at);
	printf(")\n");
}

static void print_stale(const struct show *show)
{
	enum { MAXIMUM = 10 };
	size_t stale = 0;

	for (size_t i = 0; i < roll_host_count(show->roll); i++) {
		const struct roll_list *list = &show->lists[i];
		bool expected = list->answered != WHEN_UNKNOWN || !list->off;
		if (!show->shown[i] || !list->stale || list->ended || !expected || stale++ >= MAXIMUM)
			continue;
		cleanup(cleanup_mem) char *why = str_escape(list->why ? list->why : "no answer");
		printf("stale: %s, ", list->host.name);
		if (list->answered == WHEN_UNKNOWN)
			printf("never answered");
		else
			print_age(show, list->answered);
		printf(": %s\n", why);
	}
	if (stale > MAXIMUM)
		printf("stale: %zu hosts more\n", stale - MAXIMUM);
}

int show_end(struct show *show, struct err *e)
{
	int result = rows_finish(show->rows, e);
	if (result < 0 || !show->roll || !show_is_for_people(show))
		return result;
	bool any = false;
	for (size_t i = 0; i < roll_host_count(show->roll); i++)
		any |= show->shown[i];
	if (any) {
		print_as_of(show);
		print_stale(show);
	}
	return 0;
}
