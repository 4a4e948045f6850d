/* test_capture_plan.c - what is taken of a machine, how, and what is not. */
#include "config.h"

#include "unit.h"

#include "capture_plan.h"
#include "mem.h"
#include "str.h"
#include "virt.h"

static const uint64_t GIB = 1ULL << 30;

struct machine {
	struct domxml config, live;
	struct capture_facts facts;
	struct capture_plan plan;
};

static void machine_done(struct machine *machine)
{
	capture_plan_done(&machine->plan);
	capture_facts_done(&machine->facts);
	domxml_done(&machine->config);
	domxml_done(&machine->live);
}

static void parse(struct domxml *domain, const char *inside)
{
	cleanup(cleanup_mem) char *text = mem_format(
		"<domain "
		"type='kvm'><name>web1</name><uuid>8f1e3a90-1111-4222-8333-444455556666</uuid>%s</domain>",
		inside);
	struct err e = {0};

	assert_ok(domxml_parse(domain, text, strlen(text), &e), &e);
}

static void add_pool(struct machine *machine, const char *name, const char *type, uint64_t available_bytes)
{
	struct virt_pool pool = {
		.name = mem_string(name),
		.type = mem_string(type),
		.path = mem_string("/pool"),
		.active = true,
		.capacity_bytes = 100 * GIB,
		.available_bytes = available_bytes,
	};

	vec_push(&machine->facts.pools, pool);
}

/* As worker and host would have found it: LIVE NULL is a machine that is off. */
static void prepare(struct machine *machine, const char *config, const char *live)
{
	parse(&machine->config, config);
	if (live)
		parse(&machine->live, live);
	machine->facts.config = &machine->config;
	machine->facts.live = live ? &machine->live : NULL;
	machine->facts.spare = "default";
	machine->facts.reserve = 5;
	machine->facts.sources = mem_zalloc(DOMXML_DEVICES_MAX, sizeof *machine->facts.sources);
	add_pool(machine, "default", "dir", 50 * GIB);
}

static void set_source(struct capture_source *source, const char *pool, const char *format, uint64_t taken_bytes)
{
	*source = (struct capture_source){
		.wanted = true,
		.pool = mem_string(pool),
		.why = mem_string(pool ? NULL : "no pool has it"),
		.volume =
			{
				.name = mem_string(pool ? "volume" : NULL),
				.format = mem_string(format),
				.capacity_bytes = 10 * GIB,
				.allocation_bytes = taken_bytes,
				.modified = 77,
			},
	};
}

#define DISK(type, source, format, target, more)                                                             \
	"<disk type='" type "' device='disk'><driver name='qemu' type='" format "'/><source " source         \
	"/><target dev='" target "' bus='virtio'/>" more "</disk>"
#define DEVICES(...) "<devices>" __VA_ARGS__ "</devices>"
#define RAW DISK("file", "file='/pool/a.raw'", "raw", "vda", "")
#define QCOW2 DISK("file", "file='/pool/a.qcow2'", "qcow2", "vda", "")

static int decide(struct machine *machine, struct err *e)
{
	return capture_plan(&machine->facts, &machine->plan, e);
}

static const struct capture_item *only_item(struct machine *machine)
{
	struct err e = {0};

	assert_ok(decide(machine, &e), &e);
	assert_int_equal(machine->plan.items.count, 1);
	return &machine->plan.items.items[0];
}

static void assert_left_out(const struct machine *machine, const char *text)
{
	vec_foreach(&machine->plan.left_out, left)
		if (str_equal(*left, text))
			return;
	fail_msg("'%s' is not among what was left out", text);
}

static void a_stopped_raw_disk_is_read_as_it_is(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine, DEVICES(RAW), NULL);
	set_source(&machine.facts.sources[0], "default", "raw", GIB);
	const struct capture_item *item = only_item(&machine);
	assert_int_equal(item->way, CAPTURE_PLAIN);
	assert_null(item->copy_pool);
	assert_string_equal(item->format, "raw");
	assert_int_equal(item->data_bytes, GIB);
	assert_int_equal(item->modified, 77);
	assert_int_equal(machine.plan.left_out.count, 0);
}

/* The guest wrote the head of a container, with a backing file of its choice, onto its raw disk. */
static void what_a_guest_wrote_onto_a_raw_disk_is_not_believed(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine, DEVICES(RAW), NULL);
	set_source(&machine.facts.sources[0], "default", "qcow2", GIB);
	machine.facts.sources[0].volume.backing_path = mem_string("/etc/shadow");
	assert_int_equal(only_item(&machine)->way, CAPTURE_PLAIN);
	assert_int_equal(machine.plan.left_out.count, 0);
}

static void a_disk_without_format_is_raw(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine, DEVICES("<disk type='file'><source file='/pool/a'/><target dev='sda'/></disk>"), NULL);
	set_source(&machine.facts.sources[0], "default", "qcow2", GIB);
	assert_int_equal(only_item(&machine)->way, CAPTURE_PLAIN);
}

static void a_stopped_qcow2_is_flattened_beside_it(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine, DEVICES(QCOW2), NULL);
	add_pool(&machine, "fast", "fs", 50 * GIB);
	set_source(&machine.facts.sources[0], "fast", "qcow2", GIB);
	const struct capture_item *item = only_item(&machine);
	assert_int_equal(item->way, CAPTURE_FLATTEN);
	assert_string_equal(item->copy_pool, "fast");
	assert_string_equal(item->format, "qcow2");
	assert_int_equal(item->copy_bytes, 10 * GIB);
}

static void a_backing_chain_is_told(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine, DEVICES(QCOW2), NULL);
	set_source(&machine.facts.sources[0], "default", "qcow2", GIB);
	machine.facts.sources[0].volume.backing_path = mem_string("/pool/base.qcow2");
	assert_int_equal(only_item(&machine)->way, CAPTURE_FLATTEN);
	assert_left_out(&machine, "vda: its chain of backing files (flattened)");
}

static void a_container_that_its_pool_takes_for_raw_is_refused(void **state)
{
	cleanup(machine_done) struct machine machine = {0};
	struct err e = {0};

	(void)state;
	prepare(&machine, DEVICES(DISK("block", "dev='/dev/vg/a'", "qcow2", "vda", "")), NULL);
	add_pool(&machine, "vg", "logical", 50 * GIB);
	set_source(&machine.facts.sources[0], "vg", "raw", GIB);
	assert_error(decide(&machine, &e), ERR_USAGE, &e, "its machine says qcow2, its storage pool says raw");
}

static void a_logical_volume_is_read_as_it_is(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine, DEVICES(DISK("block", "dev='/dev/vg/a'", "raw", "vda", "")), NULL);
	add_pool(&machine, "vg", "logical", 0);
	set_source(&machine.facts.sources[0], "vg", "raw", 10 * GIB);
	assert_int_equal(only_item(&machine)->way, CAPTURE_PLAIN);
}

static void all_disks_of_a_running_machine_are_backed_up(void **state)
{
	cleanup(machine_done) struct machine machine = {0};
	struct err e = {0};
	const char *devices = DEVICES(RAW DISK("block", "dev='/dev/vg/a'", "raw", "vdb", ""));

	(void)state;
	prepare(&machine, devices, devices);
	add_pool(&machine, "vg", "logical", 0);
	set_source(&machine.facts.sources[0], "default", "raw", GIB);
	set_source(&machine.facts.sources[1], "vg", "raw", 10 * GIB);
	assert_ok(decide(&machine, &e), &e);
	assert_int_equal(machine.plan.items.count, 2);
	vec_foreach(&machine.plan.items, item) {
		assert_int_equal(item->way, CAPTURE_BACKUP);
		assert_string_equal(item->copy_pool, "default");
		/* However little of it is data. */
		assert_int_equal(item->copy_bytes, 10 * GIB);
	}
}

static void a_network_disk_needs_a_running_machine(void **state)
{
	cleanup(machine_done) struct machine off = {0};
	cleanup(machine_done) struct machine running = {0};
	const char *devices = DEVICES(DISK("network", "protocol='nbd' name='export'", "raw", "vda", ""));
	struct err e = {0};

	(void)state;
	prepare(&off, devices, NULL);
	set_source(&off.facts.sources[0], NULL, NULL, VIRT_UNKNOWN);
	assert_error(decide(&off, &e), ERR_USAGE, &e, "vda (nbd:export): a network disk");
	assert_non_null(strstr(e.text, "a running one can be captured"));
	prepare(&running, devices, devices);
	set_source(&running.facts.sources[0], NULL, NULL, VIRT_UNKNOWN);
	assert_int_equal(only_item(&running)->way, CAPTURE_BACKUP);
	assert_int_equal(running.plan.items.items[0].copy_bytes, 10 * GIB);
}

static void what_is_no_part_of_an_image_is_named(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine,
		DEVICES(RAW "<disk type='file' device='cdrom'><target dev='sda'/></disk>"
			    "<disk type='file' device='floppy'><target dev='fda'/></disk>" DISK(
				    "file", "file='/pool/s'", "raw", "vdb", "<shareable/>")
				    DISK("file", "file='/pool/r'", "raw", "vdc", "<readonly/>") "<tpm/>"),
		NULL);
	set_source(&machine.facts.sources[0], "default", "raw", GIB);
	assert_string_equal(only_item(&machine)->target, "vda");
	assert_left_out(&machine, "sda: CD-ROM");
	assert_left_out(&machine, "fda: floppy");
	assert_left_out(&machine, "vdb: shareable");
	assert_left_out(&machine, "vdc: read-only");
	assert_left_out(&machine, "tpm: what its TPM holds");
}

static void what_the_run_differs_in_is_named(void **state)
{
	cleanup(machine_done) struct machine machine = {0};

	(void)state;
	prepare(&machine, DEVICES(RAW DISK("file", "file='/pool/b'", "raw", "vdb", "")),
		DEVICES(RAW DISK("file", "file='/pool/c'", "raw", "vdc", "")));
	set_source(&machine.facts.sources[0], "default", "raw", GIB);
	assert_string_equal(only_item(&machine)->target, "vda");
	assert_left_out(&machine, "vdb: not attached while it runs");
	assert_left_out(&machine, "vdc: attached only for as long as it runs");
}

static void a_machine_without_disks_is_refused(void **state)
{
	cleanup(machine_done) struct machine machine = {0};
	struct err e = {0};

	(void)state;
	prepare(&machine, DEVICES("<disk type='file' device='cdrom'><target dev='sda'/></disk>"), NULL);
	assert_error(decide(&machine, &e), ERR_USAGE, &e, "no disk that can be captured");
}

static void a_lun_and_a_strange_name_are_refused(void **state)
{
	cleanup(machine_done) struct machine lun = {0};
	cleanup(machine_done) struct machine strange = {0};
	struct err e = {0};

	(void)state;
	prepare(&lun,
		DEVICES("<disk type='block' device='lun'><source dev='/dev/sdx'/><target dev='sda'/></disk>"),
		NULL);
	assert_error(decide(&lun, &e), ERR_USAGE, &e, "LUN");
	prepare(&strange, DEVICES(DISK("file", "file='/pool/a'", "raw", "../../vda", "")), NULL);
	set_source(&strange.facts.sources[0], "default", "raw", GIB);
	assert_error(decide(&strange, &e), ERR_USAGE, &e, "small letters");
}

/* The two copies of a running machine lie there together, those of a stopped one do not. */
static void room_is_looked_for(void **state)
{
	const char *devices = DEVICES(QCOW2 DISK("file", "file='/pool/b'", "qcow2", "vdb", ""));
	struct err e = {0};

	(void)state;
	for (int running = 0; running < 2; running++) {
		cleanup(machine_done) struct machine machine = {0};
		prepare(&machine, devices, running ? devices : NULL);
		machine.facts.pools.items[0].available_bytes = 16 * GIB;
		set_source(&machine.facts.sources[0], "default", "qcow2", GIB);
		set_source(&machine.facts.sources[1], "default", "qcow2", GIB);
		if (!running)
			assert_ok(decide(&machine, &e), &e);
		else
			assert_error(
				decide(&machine, &e), ERR_FULL,
				&e, "pool default: the copy needs 20 GiB for a while, there are 11 GiB (5 % stay free)");
	}
}

static void firmware_variables_come_last_or_are_named(void **state)
{
	static const char firmware[] =
		"<os><type>hvm</type><nvram>/nvram/web1_VARS.fd</nvram></os>" DEVICES(RAW);
	cleanup(machine_done) struct machine there = {0};
	cleanup(machine_done) struct machine absent = {0};
	struct err e = {0};

	(void)state;
	prepare(&there, firmware, NULL);
	set_source(&there.facts.sources[0], "default", "raw", GIB);
	set_source(&there.facts.nvram, "vmroll-nvram", "raw", GIB);
	assert_ok(decide(&there, &e), &e);
	assert_int_equal(there.plan.items.count, 2);
	assert_string_equal(there.plan.items.items[1].target, IMAGE_NVRAM);
	assert_string_equal(there.plan.items.items[1].path, "/nvram/web1_VARS.fd");
	assert_int_equal(there.plan.items.items[1].way, CAPTURE_PLAIN);
	prepare(&absent, firmware, NULL);
	set_source(&absent.facts.sources[0], "default", "raw", GIB);
	absent.facts.nvram.wanted = true;
	assert_string_equal(only_item(&absent)->target, "vda");
	assert_left_out(&absent, "nvram: its file is not there (made anew from the template)");
}

static void an_encrypted_disk_needs_a_running_machine(void **state)
{
	cleanup(machine_done) struct machine off = {0};
	cleanup(machine_done) struct machine running = {0};
	const char *devices =
		DEVICES(DISK("file", "file='/pool/a'", "qcow2", "vda", "<encryption format='luks'/>"));
	struct err e = {0};

	(void)state;
	prepare(&off, devices, NULL);
	set_source(&off.facts.sources[0], "default", "qcow2", GIB);
	assert_error(decide(&off, &e), ERR_USAGE, &e, "encrypted");
	prepare(&running, devices, devices);
	set_source(&running.facts.sources[0], "default", "qcow2", GIB);
	assert_int_equal(only_item(&running)->way, CAPTURE_BACKUP);
	assert_left_out(&running, "vda: its encryption (the image holds clear content)");
}

static void copies_need_a_pool_of_files(void **state)
{
	cleanup(machine_done) struct machine machine = {0};
	const char *devices = DEVICES(DISK("block", "dev='/dev/vg/a'", "raw", "vda", ""));
	struct err e = {0};

	(void)state;
	prepare(&machine, devices, devices);
	machine.facts.spare = "elsewhere";
	set_source(&machine.facts.sources[0], NULL, NULL, VIRT_UNKNOWN);
	assert_error(decide(&machine, &e), ERR_USAGE, &e, "no active pool 'elsewhere'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stopped_raw_disk_is_read_as_it_is),
		cmocka_unit_test(what_a_guest_wrote_onto_a_raw_disk_is_not_believed),
		cmocka_unit_test(a_disk_without_format_is_raw),
		cmocka_unit_test(a_stopped_qcow2_is_flattened_beside_it),
		cmocka_unit_test(a_backing_chain_is_told),
		cmocka_unit_test(a_container_that_its_pool_takes_for_raw_is_refused),
		cmocka_unit_test(a_logical_volume_is_read_as_it_is),
		cmocka_unit_test(all_disks_of_a_running_machine_are_backed_up),
		cmocka_unit_test(a_network_disk_needs_a_running_machine),
		cmocka_unit_test(what_is_no_part_of_an_image_is_named),
		cmocka_unit_test(what_the_run_differs_in_is_named),
		cmocka_unit_test(a_machine_without_disks_is_refused),
		cmocka_unit_test(a_lun_and_a_strange_name_are_refused),
		cmocka_unit_test(room_is_looked_for),
		cmocka_unit_test(firmware_variables_come_last_or_are_named),
		cmocka_unit_test(an_encrypted_disk_needs_a_running_machine),
		cmocka_unit_test(copies_need_a_pool_of_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
