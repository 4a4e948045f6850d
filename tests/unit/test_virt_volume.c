/* test_virt_volume.c - pools, volumes and domains of libvirt's test driver, whose disks are made up; real ones are in tests/lab. */
#include "config.h"

#include "unit.h"

#include <unistd.h>

#include "mem.h"
#include "virt_control.h"
#include "virt_volume.h"
#include "when.h"

static char *node_path;

static int write_node(void **state)
{
	static const char xml[] =
		"<node><cpu><mhz>2400</mhz><model>test</model><active>4</active><nodes>1</nodes>"
		"<sockets>1</sockets><cores>4</cores><threads>1</threads></cpu><memory>8388608</memory>"
		"<domain type='test'><name>web1</name><uuid>11111111-1111-4111-8111-111111111111</uuid>"
		"<memory>1048576</memory><vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os></domain>"
		"<pool type='dir'><name>images</name><target><path>/images</path></target></pool>"
		"<pool type='logical'><name>vg</name><source><name>vg</name></source>"
		"<target><path>/dev/vg</path></target></pool></node>";
	char path[] = "/tmp/test_virt_volume.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	if (fd < 0 || write(fd, xml, sizeof xml - 1) != (ssize_t)sizeof xml - 1)
		return -1;
	close(fd);
	node_path = mem_string(path);
	return 0;
}

static int remove_node(void **state)
{
	(void)state;
	unlink(node_path);
	free(node_path);
	return 0;
}

static struct virt *open_node(void)
{
	cleanup(cleanup_mem) char *uri = mem_format("test://%s", node_path);
	struct virt *virt;
	struct err e = {0};

	assert_ok(virt_open_control(&virt, uri, &e), &e);
	return virt;
}

static void pools_are_told_with_their_kind(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	cleanup(virt_pool_done) struct virt_pool images = {0};
	cleanup(virt_pool_done) struct virt_pool group = {0};
	cleanup(virt_pools_done) struct virt_pools all = {0};
	struct virt_pool none;
	struct err e = {0};

	(void)state;
	assert_ok(virt_pool_find(virt, "images", &images, &e), &e);
	assert_string_equal(images.path, "/images");
	assert_true(images.active && virt_pool_has_files(&images) && images.available_bytes > 0);
	assert_ok(virt_pool_find(virt, "vg", &group, &e), &e);
	assert_string_equal(group.type, "logical");
	assert_false(virt_pool_has_files(&group));
	assert_ok(virt_pool_list(virt, &all, &e), &e);
	assert_int_equal(all.count, 2);
	assert_error(virt_pool_find(virt, "none", &none, &e), ERR_NOT_FOUND, &e, "pool none");
}

static void check_volume(struct virt *virt, const char *pool, uint64_t capacity, uint64_t allocation)
{
	cleanup(virt_volume_done) struct virt_volume volume = {0};
	struct err e = {0};

	assert_int_equal(virt_volume_find(virt, pool, "a", &volume, &e), 1);
	assert_true(volume.capacity_bytes == capacity);
	assert_true(volume.allocation_bytes == allocation);
}

/* Less than all of a logical volume would be a snapshot, which overflows. */
static void files_are_sparse_and_devices_are_whole(void **state)
{
	const struct virt_volume_spec spec = {.name = "a", .format = "raw", .capacity_bytes = 1 << 20};
	cleanup(cleanup_virt) struct virt *virt = open_node();
	cleanup(cleanup_mem) char *path = NULL;
	struct err e = {0};

	(void)state;
	assert_ok(virt_volume_create(virt, "images", &spec, NULL, &e), &e);
	check_volume(virt, "images", 1 << 20, 0);
	assert_ok(virt_volume_create(virt, "vg", &spec, &path, &e), &e);
	assert_string_equal(path, "/dev/vg/a");
	check_volume(virt, "vg", 1 << 20, 1 << 20);
}

static void devices_hold_raw_volumes_only(void **state)
{
	const struct virt_volume_spec spec = {.name = "a", .format = "qcow2", .capacity_bytes = 1 << 20};
	cleanup(cleanup_virt) struct virt *virt = open_node();
	struct err e = {0};

	(void)state;
	assert_error(virt_volume_create(virt, "vg", &spec, NULL, &e), ERR_USAGE, &e,
		     "pool vg is of type logical and has no qcow2 volumes");
	assert_ok(virt_volume_create(virt, "images", &spec, NULL, &e), &e);
}

static void a_clone_is_as_large_as_its_source(void **state)
{
	const struct virt_volume_spec spec = {.name = "b", .format = "raw", .capacity_bytes = 1 << 20};
	const struct virt_volume_spec clone = {.name = "a", .format = "raw"};
	cleanup(cleanup_virt) struct virt *virt = open_node();
	struct err e = {0};

	(void)state;
	assert_ok(virt_volume_create(virt, "vg", &spec, NULL, &e), &e);
	assert_ok(virt_volume_clone(virt, "vg", &clone, "vg", "b", NULL, NULL, &e), &e);
	check_volume(virt, "vg", 1 << 20, 1 << 20);
	assert_error(virt_volume_clone(virt, "vg", &clone, "vg", "b", NULL, NULL, &e), ERR_CONFLICT, &e,
		     "volume a");
	assert_error(virt_volume_clone(virt, "none", &clone, "vg", "b", NULL, NULL, &e), ERR_NOT_FOUND, &e,
		     "none");
}

static void what_is_gone_is_no_error_to_delete(void **state)
{
	const struct virt_volume_spec spec = {.name = "a", .format = "raw", .capacity_bytes = 1 << 20};
	cleanup(cleanup_virt) struct virt *virt = open_node();
	cleanup(virt_names_done) struct virt_names names = {0};
	struct virt_volume volume;
	struct err e = {0};

	(void)state;
	assert_ok(virt_volume_create(virt, "images", &spec, NULL, &e), &e);
	assert_error(virt_volume_create(virt, "images", &spec, NULL, &e), ERR_CONFLICT, &e,
		     "volume a in pool images");
	assert_ok(virt_volume_names(virt, "images", &names, &e), &e);
	assert_int_equal(names.count, 1);
	assert_string_equal(names.items[0], "a");
	for (int i = 0; i < 2; i++)
		assert_ok(virt_volume_delete(virt, "images", "a", &e), &e);
	assert_int_equal(virt_volume_find(virt, "images", "a", &volume, &e), 0);
	assert_error(virt_volume_delete(virt, "none", "a", &e), ERR_NOT_FOUND, &e, "pool none");
}

static void names_of_transient_pools(void **state)
{
	cleanup(cleanup_mem) char *one = virt_volume_pool("/srv/vms/a.raw");
	cleanup(cleanup_mem) char *other = virt_volume_pool("/srv/vms/b.raw");
	cleanup(cleanup_mem) char *elsewhere = virt_volume_pool("/srv/vm/sa.raw");
	cleanup(cleanup_mem) char *top = virt_volume_pool("/a.raw");

	(void)state;
	assert_string_equal(one, other);
	assert_string_not_equal(one, elsewhere);
	assert_int_equal(strncmp(one, VIRT_POOL_PREFIX, strlen(VIRT_POOL_PREFIX)), 0);
	assert_non_null(top);
	assert_null(virt_volume_pool("/dev/vg/a"));
	assert_null(virt_volume_pool("a.raw"));
	assert_null(virt_volume_pool("/srv/"));
	assert_null(virt_volume_pool(""));
}

static void only_pools_of_ours_are_dropped(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	struct err e = {0};

	(void)state;
	assert_error(virt_pool_drop(virt, "images", &e), ERR_USAGE, &e, "not made here");
	assert_ok(virt_pool_drop(virt, VIRT_POOL_PREFIX "gone", &e), &e);
}

/* ---- domains ---- */

static const unsigned char nobody[VIRT_UUID_SIZE] = {1};

static void power(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	unsigned char uuid[VIRT_UUID_SIZE];
	int domain_state = 0;
	struct err e = {0};

	(void)state;
	assert_ok(virt_domain_find(virt, "web1", uuid, &e), &e);
	assert_int_equal(uuid[0], 0x11);
	assert_int_equal(virt_domain_state(virt, uuid, &domain_state, &e), 1);
	assert_true(virt_state_is_active(domain_state));
	for (int i = 0; i < 2; i++)
		assert_ok(virt_domain_shutdown(virt, uuid, when_monotonic() + 1000, &e), &e);
	assert_int_equal(virt_domain_state(virt, uuid, &domain_state, &e), 1);
	assert_false(virt_state_is_active(domain_state));
	for (int i = 0; i < 2; i++)
		assert_ok(virt_domain_start(virt, uuid, &e), &e);
	for (int i = 0; i < 2; i++)
		assert_ok(virt_domain_destroy(virt, uuid, &e), &e);
	for (int i = 0; i < 2; i++)
		assert_ok(virt_domain_undefine(virt, uuid, &e), &e);
	assert_error(virt_domain_find(virt, "web1", uuid, &e), ERR_NOT_FOUND, &e, "Domain not found");
}

static void who_is_not_there(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	struct virt_names addresses = {0};
	char *xml;
	int domain_state;
	struct err e = {0};

	(void)state;
	assert_int_equal(virt_domain_state(virt, nobody, &domain_state, &e), 0);
	assert_ok(virt_domain_shutdown(virt, nobody, 0, &e), &e);
	assert_ok(virt_domain_destroy(virt, nobody, &e), &e);
	assert_ok(virt_domain_undefine(virt, nobody, &e), &e);
	assert_ok(virt_domain_backup_abort(virt, nobody, NULL, &e), &e);
	assert_error(virt_domain_start(virt, nobody, &e), ERR_NOT_FOUND, &e, "Domain not found");
	assert_error(virt_domain_config(virt, nobody, &xml, &e), ERR_NOT_FOUND, &e, "Domain not found");
	assert_error(virt_domain_live(virt, nobody, &xml, &e), ERR_NOT_FOUND, &e, "Domain not found");
	assert_error(virt_domain_addresses(virt, nobody, &addresses, &e), ERR_NOT_FOUND, &e, "Domain not found");
	assert_error(virt_domain_freeze(virt, nobody, 1, &e), ERR_NOT_FOUND, &e, "Domain not found");
	assert_error(virt_domain_thaw(virt, nobody, &e), ERR_NOT_FOUND, &e, "Domain not found");
}

#define DOMAIN(name, uuid)                                                                                   \
	"<domain type='test'><name>" name "</name><uuid>" uuid "</uuid><memory>1024</memory>"                \
	"<os><type>hvm</type></os></domain>"

static void nothing_is_defined_over_another(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	unsigned char uuid[VIRT_UUID_SIZE];
	struct err e = {0};

	(void)state;
	assert_error(virt_domain_define(virt, DOMAIN("web1", "22222222-2222-4222-8222-222222222222"), &e),
		     ERR_CONFLICT, &e, "web1: name is taken by domain web1");
	assert_error(virt_domain_define(virt, DOMAIN("web2", "11111111-1111-4111-8111-111111111111"), &e),
		     ERR_CONFLICT, &e, "web2: UUID is taken by domain web1");
	assert_error(virt_domain_define(virt, DOMAIN("web1", "11111111-1111-4111-8111-111111111111"), &e),
		     ERR_CONFLICT, &e, "taken");
	assert_error(virt_domain_define(virt, "<domain>", &e), ERR_CORRUPT, &e, "bad XML");
	assert_ok(virt_domain_define(virt, DOMAIN("web2", "22222222-2222-4222-8222-222222222222"), &e), &e);
	assert_ok(virt_domain_find(virt, "web2", uuid, &e), &e);
}

static void what_a_driver_does_not_tell_is_unknown(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	uint64_t bytes = 0;
	struct err e = {0};

	(void)state;
	assert_ok(virt_free_memory(virt, &bytes, &e), &e);
	assert_true(bytes == VIRT_UNKNOWN);
}

static void who_reads_only_changes_nothing(void **state)
{
	const struct virt_volume_spec spec = {.name = "a", .format = "raw", .capacity_bytes = 1 << 20};
	cleanup(cleanup_mem) char *uri = mem_format("test://%s", node_path);
	cleanup(cleanup_virt) struct virt *virt = NULL;
	struct err e = {0};

	(void)state;
	assert_ok(virt_open(&virt, uri, &e), &e);
	assert_true(virt_volume_create(virt, "images", &spec, NULL, &e) < 0);
	assert_non_null(strstr(e.text, "read only"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pools_are_told_with_their_kind),
		cmocka_unit_test(files_are_sparse_and_devices_are_whole),
		cmocka_unit_test(devices_hold_raw_volumes_only),
		cmocka_unit_test(a_clone_is_as_large_as_its_source),
		cmocka_unit_test(what_is_gone_is_no_error_to_delete),
		cmocka_unit_test(names_of_transient_pools),
		cmocka_unit_test(only_pools_of_ours_are_dropped),
		cmocka_unit_test(power),
		cmocka_unit_test(who_is_not_there),
		cmocka_unit_test(nothing_is_defined_over_another),
		cmocka_unit_test(what_a_driver_does_not_tell_is_unknown),
		cmocka_unit_test(who_reads_only_changes_nothing),
	};

	return cmocka_run_group_tests(tests, write_node, remove_node);
}
