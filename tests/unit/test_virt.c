/* test_virt.c - libvirt's test driver, which runs inside this process; real daemons are in tests/lab. */
#include "config.h"

#include "unit.h"

#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mem.h"
#include "virt.h"
#include "when.h"

static char *node_path;

/* Two running domains and one that is shut off, with a name to be afraid of. */
static int write_node(void **state)
{
	static const char xml[] =
		"<node><cpu><mhz>2400</mhz><model>test</model><active>4</active><nodes>1</nodes>"
		"<sockets>1</sockets><cores>4</cores><threads>1</threads></cpu><memory>8388608</memory>"
		"<domain type='test'><name>web1</name><uuid>11111111-1111-4111-8111-111111111111</uuid>"
		"<memory>1048576</memory><vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os></domain>"
		"<domain type='test'><name>a&#9;b\xE2\x80\xAE;$(id)</name>"
		"<uuid>22222222-2222-4222-8222-222222222222</uuid>"
		"<memory>524288</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>"
		"<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
		"<name>off1</name><uuid>33333333-3333-4333-8333-333333333333</uuid>"
		"<memory>524288</memory><vcpu>1</vcpu><os><type>hvm</type></os>"
		"<test:runstate>5</test:runstate></domain></node>";
	char path[] = "/tmp/test_virt.XXXXXX";
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

	assert_ok(virt_open(&virt, uri, &e), &e);
	return virt;
}

static const struct virt_domain *find(const struct virt_list *list, const char *name)
{
	vec_foreach(&list->domains, domain)
		if (strcmp(domain->name, name) == 0)
			return domain;
	fail_msg("no domain %s", name);
	return NULL;
}

static void lists_running_and_stopped(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	cleanup(virt_list_done) struct virt_list list = {0};
	struct err e = {0};

	(void)state;
	assert_ok(virt_list(virt, &list, &e), &e);
	assert_int_equal(list.domains.count, 3);
	const struct virt_domain *web1 = find(&list, "web1");
	assert_int_equal(web1->state, 1);
	assert_true(web1->id >= 0);
	assert_memory_equal(web1->uuid, "\x11\x11\x11\x11\x11\x11\x41\x11\x81\x11\x11\x11\x11\x11\x11\x11", 16);
	assert_int_equal(find(&list, "off1")->state, 5);
	assert_int_equal(find(&list, "off1")->id, -1);
	find(&list, "a\tb\xE2\x80\xAE;$(id)");
}

struct reading {
	pthread_mutex_t lock;
	size_t calls;
	size_t seen[8];
	size_t stop_after;
	bool missing;
};

static int take_xml(void *context, size_t place, const char *xml, const struct err *why)
{
	struct reading *reading = context;

	(void)why;
	pthread_mutex_lock(&reading->lock);
	reading->missing |= !xml || !strstr(xml, "<domain");
	reading->seen[place]++;
	size_t turn = ++reading->calls;
	pthread_mutex_unlock(&reading->lock);
	return turn == reading->stop_after ? 42 : 0;
}

static void reads_chosen_xml_once(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	cleanup(virt_list_done) struct virt_list list = {0};
	struct reading reading = {.lock = PTHREAD_MUTEX_INITIALIZER};
	const size_t chosen[] = {2, 0};
	struct err e = {0};

	(void)state;
	assert_ok(virt_list(virt, &list, &e), &e);
	assert_int_equal(virt_read_xml(&list, chosen, 2, when_monotonic() + 60000, take_xml, &reading), 0);
	assert_int_equal(reading.calls, 2);
	assert_int_equal(reading.seen[0], 1);
	assert_int_equal(reading.seen[1], 0);
	assert_int_equal(reading.seen[2], 1);
	assert_false(reading.missing);
}

static void stops_reading_when_told_or_late(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	cleanup(virt_list_done) struct virt_list list = {0};
	struct reading reading = {.lock = PTHREAD_MUTEX_INITIALIZER, .stop_after = 1};
	const size_t chosen[] = {0, 1, 2};
	struct err e = {0};

	(void)state;
	assert_ok(virt_list(virt, &list, &e), &e);
	assert_int_equal(virt_read_xml(&list, chosen, 3, when_monotonic() - 1, take_xml, &reading), 0);
	assert_int_equal(reading.calls, 0);
	assert_int_equal(virt_read_xml(&list, chosen, 3, when_monotonic() + 60000, take_xml, &reading), 42);
	/* Others may have been on their way, but not all went on. */
	assert_in_range(reading.calls, 1, 3);
}

static void reads_facts(void **state)
{
	cleanup(cleanup_virt) struct virt *virt = open_node();
	cleanup(virt_facts_done) struct virt_facts facts = {0};
	struct err e = {0};

	(void)state;
	assert_ok(virt_read_facts(virt, &facts, &e), &e);
	assert_string_equal(facts.hypervisor, "TEST");
	assert_int_equal(facts.cpus, 4);
	assert_int_equal(facts.mhz, 2400);
	assert_true(facts.memory_bytes == 8ULL << 30);
	assert_non_null(strstr(facts.capabilities, "<capabilities>"));
	assert_non_null(facts.libvirt_version);
}

/* A port of which nobody listens: bound here, never listened on. */
static void names_what_is_wrong(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int deaf = socket(AF_INET, SOCK_STREAM, 0);
	struct virt *virt = NULL;
	struct err e = {0};

	(void)state;
	assert_int_equal(bind(deaf, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(getsockname(deaf, (struct sockaddr *)&address, &size), 0);
	cleanup(cleanup_mem) char *uri =
		mem_format("test+tcp://127.0.0.1:%u/default", (unsigned)ntohs(address.sin_port));
	assert_error(virt_open(&virt, uri, &e), ERR_NET, &e, "refused");
	close(deaf);
	assert_true(virt_open(&virt, "nonsense://", &e) < 0);
	assert_true(virt_open(&virt, "test:///no/such/file.xml", &e) < 0);
	assert_null(virt);
	assert_true(e.text[0] != '\0');
}

static void names_events(void **state)
{
	(void)state;
	assert_string_equal(virt_event_name(2), "started");
	assert_string_equal(virt_event_detail(2, 1), "migrated");
	assert_string_equal(virt_event_name(5), "stopped");
	assert_string_equal(virt_event_detail(5, 1), "destroyed");
	assert_string_equal(virt_event_name(-1), "unknown");
	assert_string_equal(virt_event_name(1000), "unknown");
	assert_string_equal(virt_event_detail(5, 1000), "unknown");
	assert_string_equal(virt_event_detail(1000, 0), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_running_and_stopped),
		cmocka_unit_test(reads_chosen_xml_once),
		cmocka_unit_test(stops_reading_when_told_or_late),
		cmocka_unit_test(reads_facts),
		cmocka_unit_test(names_what_is_wrong),
		cmocka_unit_test(names_events),
	};

	return cmocka_run_group_tests(tests, write_node, remove_node);
}
