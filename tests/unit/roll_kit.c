/* roll_kit.c - snapshots and states of the roll in a small language. */
#include "config.h"

#include "unit.h"

#include "mem.h"
#include "roll_kit.h"
#include "vec.h"
#include "when.h"

const unsigned char *roll_kit_host_uuid(const char *name)
{
	static unsigned char uuid[VM_UUID_SIZE];

	vm_uuid_from_name(name, uuid);
	return uuid;
}

const unsigned char *roll_kit_vm_uuid(const char *name)
{
	static unsigned char uuid[VM_UUID_SIZE];
	cleanup(cleanup_mem) char *text = mem_format("vm %s", name);

	vm_uuid_from_name(text, uuid);
	return uuid;
}

void roll_kit_vm(const char *text, struct vm *vm)
{
	size_t length = strcspn(text, "-/>");
	cleanup(cleanup_mem) char *whole = mem_string_n(text, length);
	const char *mark = text + length;
	struct err e = {0};

	vm_decode_begin(vm);
	memcpy(vm->uuid, roll_kit_vm_uuid(whole), VM_UUID_SIZE);
	whole[strcspn(whole, ":")] = '\0';
	assert_ok(str_unescape(whole, &vm->name, &length, &e), &e);
	vm->state = *mark == '-' ? VM_SHUTOFF : VM_RUNNING;
	vm->reason = *mark == '>' ? 2 : 1;
	vm->domain_id = *mark == '-' ? -1 : *mark == '/' ? (int)strtol(mark + 1, NULL, 10) : 1;
	vm->vcpus = 2;
	vm->memory_bytes = UINT64_C(4) << 30;
	vm->os = mem_string("Debian 12");
	vm->xml_known = true;
	vm->xml_read = 1;
	vm->nics = mem_zalloc(1, sizeof *vm->nics);
	vm->nic_count = 1;
	vm->nics->mac = mem_format("52:54:00:%02x:%02x:%02x", vm->uuid[13], vm->uuid[14], vm->uuid[15]);
	vm->nics->rate_bps = VM_UNKNOWN;
}

struct list {
	char *name, *identity, *vms;
};

struct world {
	char *text;
	struct hosts hosts;
	VEC(struct list) lists;
};

/* Through a file: hosts(5) is read by its own reader. */
static void read_hosts(struct world *world)
{
	char path[] = "/tmp/vmroll-hosts-XXXXXX";
	struct err e = {0};
	int fd = mkstemp(path);
	FILE *file = fdopen(fd, "w");

	vec_foreach(&world->lists, list) {
		if (strcmp(list->vms, "gate") == 0)
			fprintf(file, "%s - - -\n", list->name);
		else
			fprintf(file, "%s - test:///%s %s\n", list->name, list->name,
				strcmp(list->vms, "off") == 0 ? "off" : "-");
	}
	fclose(file);
	int result = hosts_read(&world->hosts, path, &e);
	unlink(path);
	assert_ok(result, &e);
}

static void world_read(struct world *world, const char *text)
{
	char *save = NULL;

	*world = (struct world){.text = mem_string(text)};
	for (char *word = strtok_r(world->text, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(word, '=');
		*equals = '\0';
		char *colon = strchr(word, ':');
		struct list list = {
			.name = mem_string_n(word, strcspn(word, ":")), .identity = word, .vms = equals + 1};
		if (colon && !strchr("0123456789", colon[1]))
			list.identity = colon + 1;
		vec_push(&world->lists, list);
	}
	read_hosts(world);
}

static void world_done(struct world *world)
{
	vec_foreach(&world->lists, list)
		free(list->name);
	vec_done(&world->lists);
	hosts_done(&world->hosts);
	free(world->text);
}

static void put_list(struct roll_writer *writer, const struct list *list, int64_t at)
{
	VEC(struct vm) vms = {0};
	struct err e = {0};
	char *save = NULL;
	struct roll_host host = {.name = list->name, .cpus = 8, .mhz = VM_UNKNOWN, .memory_bytes = VM_UNKNOWN};

	memcpy(host.uuid, roll_kit_host_uuid(list->identity), VM_UUID_SIZE);
	for (char *word = strtok_r(list->vms, ",", &save); word; word = strtok_r(NULL, ",", &save))
		roll_kit_vm(word, vec_push_zero(&vms));
	assert_ok(roll_put_list(writer, &host, vms.items, vms.count, at, NULL, &e), &e);
	vec_foreach(&vms, vm)
		vm_done(vm);
	vec_done(&vms);
}

static void take(struct kit *kit, int64_t at, const char *text, bool finish)
{
	cleanup(cleanup_roll_writer) struct roll_writer *writer = NULL;
	cleanup(world_done) struct world world;
	struct err e = {0};

	world_read(&world, text);
	assert_ok(roll_begin(&writer, kit->store, &world.hosts, at, &e), &e);
	vec_foreach(&world.lists, list) {
		if (*list->vms == '!')
			assert_ok(roll_put_failure(writer, list->name, ERR_NET, "no route", &e), &e);
		else if (*list->vms != '?' && strcmp(list->vms, "off") != 0 && strcmp(list->vms, "gate") != 0)
			put_list(writer, list, at + SECOND);
	}
	if (finish)
		assert_ok(roll_finish(writer, at + 2 * SECOND, &e), &e);
}

void roll_kit_snap(struct kit *kit, int64_t at, const char *text)
{
	take(kit, at, text, true);
}

void roll_kit_unfinished(struct kit *kit, int64_t at, const char *text)
{
	take(kit, at, text, false);
}

bool roll_kit_event(struct kit *kit, const char *host, const char *text, int64_t at)
{
	cleanup(vm_done) struct vm vm;
	struct err e = {0};
	bool changed;

	roll_kit_vm(*text == '-' ? text + 1 : text, &vm);
	if (*text == '-')
		vm.state = VM_GONE;
	assert_ok(roll_put_event(kit->store, roll_kit_host_uuid(host), &vm, at, &changed, &e), &e);
	return changed;
}

void roll_kit_follow(struct kit *kit, const char *host, int64_t from, int64_t until)
{
	struct err e = {0};
	uint64_t session;

	assert_ok(roll_follow_open(kit->store, from, &session, &e), &e);
	assert_ok(roll_follow_begin(kit->store, session, roll_kit_host_uuid(host), from, &e), &e);
	assert_ok(roll_follow_alive(kit->store, session, until, &e), &e);
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_vms(struct roll *roll, size_t index, struct str *out)
{
	cleanup(cleanup_roll_cursor) struct roll_cursor *cursor = NULL;
	VEC(char *) names = {0};
	struct err e = {0};
	struct roll_vm vm;
	int result;

	assert_ok(roll_vms(&cursor, roll, index, &e), &e);
	while ((result = roll_vms_next(cursor, &vm, &e)) > 0) {
		vec_push(&names, mem_format(vm.vm.domain_id > 1 ? "%s%s/%d" : "%s%s", vm.vm.name,
					    vm_is_active(&vm.vm) ? "" : "-", vm.vm.domain_id));
		assert_int_equal(vm.host, index);
		roll_vm_done(&vm);
	}
	assert_ok(result, &e);
	if (names.count)
		qsort(names.items, names.count, sizeof *names.items, compare_text);
	vec_foreach(&names, name) {
		str_addf(out, "%s%s", name == names.items ? "" : ",", *name);
		free(*name);
	}
	vec_done(&names);
}

char *roll_kit_state(struct kit *kit, int64_t at)
{
	cleanup(cleanup_store_view) struct store_view *view = NULL;
	cleanup(cleanup_roll) struct roll *roll = NULL;
	struct err e = {0};
	struct str out = {0};

	assert_ok(store_view_open(&view, kit->store, &e), &e);
	int result = roll_open(&roll, view, at, &e);
	if (result == ERR_ENV || result == ERR_NOT_FOUND)
		return mem_string("none");
	assert_ok(result, &e);
	for (size_t i = 0; i < roll_host_count(roll); i++) {
		cleanup(roll_list_done) struct roll_list list = {0};
		assert_int_equal(roll_host_at(roll, i, &list, &e), 1);
		str_addf(&out, "%s%s%s%s=", i ? " " : "", list.host.name, list.stale ? "!" : "",
			 list.followed ? "~" : "");
		add_vms(roll, i, &out);
	}
	return str_take(&out);
}

void roll_kit_expect(struct kit *kit, int64_t at, const char *text, int line)
{
	cleanup(cleanup_mem) char *state = roll_kit_state(kit, at);

	if (strcmp(state, text) != 0)
		fail_msg("line %d: '%s', not '%s'", line, state, text);
}
