/* test_hosts.c - hosts(5): what a line may say, and what is refused with its line. */
#include "config.h"

#include "unit.h"

#include "hosts.h"
#include "mem.h"
#include "scratch.h"
#include "str.h"

static int read_text(struct hosts *hosts, const char *text, struct err *e)
{
	scratch_write(text, strlen(text));
	return hosts_read(hosts, scratch_path, e);
}

static void a_whole_line_is_read(void **state)
{
	(void)state;
	cleanup(hosts_done) struct hosts hosts = {0};
	struct err e = {0};

	assert_ok(read_text(&hosts,
			    "# the blue rack\n\n"
			    "host1 10.0.0.1\tqemu+tcp://10.0.0.1/system  "
			    "cluster=blue,manager=center1,ups=rack1@nut1:3493/"
			    "2,mac=52-54-00-AB-cd-0f,confirm=tcp:16509+22\n"
			    "  host2 fe80::1%eth0 - off\n"
			    "db.host:3 - test:///default -\n"
			    "host4 host4.example.org\n",
			    &e),
		  &e);
	assert_int_equal(hosts.count, 4);
	const struct host *host = hosts_find(&hosts, "host1");
	assert_non_null(host);
	assert_string_equal(host->address, "10.0.0.1");
	assert_string_equal(host->uri, "qemu+tcp://10.0.0.1/system");
	assert_string_equal(host->cluster, "blue");
	assert_string_equal(host->manager, "center1");
	assert_string_equal(host->ups, "rack1@nut1:3493/2");
	assert_string_equal(host->mac, "52:54:00:ab:cd:0f");
	assert_int_equal(host->confirm_count, 2);
	assert_int_equal(host->confirm[0], 16509);
	assert_int_equal(host->confirm[1], 22);
	assert_false(host->off);
	assert_int_equal(host->line, 3);

	host = hosts_find(&hosts, "host2");
	assert_true(host->off);
	assert_null(host->uri);
	assert_string_equal(host->address, "fe80::1%eth0");
	assert_null(hosts_find(&hosts, "db.host:3")->address);
	assert_null(hosts_find(&hosts, "host4")->uri);
	assert_string_equal(hosts.path, scratch_path);
}

static void an_absent_host_is_named_with_the_file(void **state)
{
	(void)state;
	cleanup(hosts_done) struct hosts hosts = {0};
	const struct host *host = NULL;
	struct err e = {0};

	assert_ok(read_text(&hosts, "host1 10.0.0.1\n", &e), &e);
	assert_ok(hosts_require(&hosts, "host1", &host, &e), &e);
	assert_ptr_equal(host, &hosts.items[0]);
	assert_error(hosts_require(&hosts, "host9", &host, &e), ERR_NOT_FOUND, &e, "host host9 is not in /tmp/");
}

static void an_empty_file_is_valid(void **state)
{
	(void)state;
	static const char *const empty[] = {"", "\n", "# nothing yet\n", "# begin vmroll\n# end vmroll\n"};

	for (size_t i = 0; i < sizeof empty / sizeof empty[0]; i++) {
		cleanup(hosts_done) struct hosts hosts = {0};
		struct err e = {0};
		assert_ok(read_text(&hosts, empty[i], &e), &e);
		assert_int_equal(hosts.count, 0);
		assert_null(hosts_find(&hosts, "host1"));
	}
}

static void bad_lines_are_refused_with_their_line(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{"host1\n", ":1: 1 field; expected: name address"},
		{"\nhost1 10.0.0.1 - - -\n", ":2: 5 fields"},
		{"host1 10.0.0.1\nhost2 10.0.0.2\nhost1 10.0.0.3\n", ":3: host host1 is on line 1 already"},
		{"-q 10.0.0.1\n", ":1: \"-q\" is not a host name"},
		{"- 10.0.0.1\n", ":1: \"-\" is not a host name"},
		{"h\xC3\xB6st 10.0.0.1\n", "is not a host name"},
		{"host1 10.0.0.300\n", ":1: \"10.0.0.300\" is not an IPv4"},
		{"host1 10.0.0\n", "is not an IPv4"},
		{"host1 a..b\n", "is not an IPv4"},
		{"host1 :::1\n", "is not an IPv4"},
		{"host1 10.0.0.1 # the old one\n", "fields"},
		{"host1 10.0.0.1 #old\n", "\"#old\" is not a libvirt URI"},
		{"host1 10.0.0.1 - claster=blue\n", ":1: unknown option \"claster\""},
		{"host1 10.0.0.1 - cluster=a,cluster=b\n", "option cluster given twice"},
		{"host1 10.0.0.1 - cluster\n", "option cluster needs a value"},
		{"host1 10.0.0.1 - cluster=\n", "option cluster needs a value"},
		{"host1 10.0.0.1 - off=1\n", "option off takes no value"},
		{"host1 10.0.0.1 - off=\n", "option off takes no value"},
		{"host1 10.0.0.1 - off,\n", "unknown option \"\""},
		{"host1 10.0.0.1 - confirm=16509\n", "expected tcp:PORT"},
		{"host1 10.0.0.1 - confirm=tcp:0\n", "confirm=tcp:0"},
		{"host1 10.0.0.1 - confirm=tcp:65536\n", "confirm=tcp:65536"},
		{"host1 10.0.0.1 - confirm=tcp:22+\n", "confirm=tcp:22+"},
		{"host1 10.0.0.1 - confirm=tcp:1+2+3+4+5+6+7+8+9\n", "more than 8 ports"},
		{"host1 10.0.0.1 - mac=52:54:00:12:34\n", "expected six bytes"},
		{"host1 10.0.0.1 - mac=52:54:00:12:34:56:78\n", "expected six bytes"},
		{"host1 10.0.0.1 - mac=5:254:00:12:34:56\n", "expected six bytes"},
		{"host1 10.0.0.1 - mac=52:54:00:12:34:56:\n", "expected six bytes"},
		{"host1 10.0.0.1 - mac=52:54:00:12:34:5g\n", "expected six bytes"},
		{"host1 10.0.0.1 - ups=rack1\n", "expected UPS@SERVER[:PORT]/OUTLET"},
		{"host1 10.0.0.1 - ups=rack1@nut1\n", "expected UPS@SERVER[:PORT]/OUTLET"},
		{"host1 10.0.0.1 - ups=rack1@nut1:/2\n", "expected UPS@SERVER[:PORT]/OUTLET"},
		{"host1 10.0.0.1 - ups=rack1@nut1:99999/2\n", "ups=rack1@nut1:99999/2"},
		{"host1 10.0.0.1 - ups=@nut1/2\n", "expected UPS@SERVER[:PORT]/OUTLET"},
		{"host1 10.0.0.1 - ups=rack1@nut1/\n", "expected UPS@SERVER[:PORT]/OUTLET"},
		{"host1 10.0.0.1\r\n", ":1: carriage return"},
		{"host1 10.0.0.1\n\x01\n", ":2: control character 0x01"},
		{"host1 10.0.0.1\n\xC2\x85\n", ":2: control character 0x85"},
		{"host1 10.0.0.1 - cluster=\xFF\n", ":1: byte 0xFF is not UTF-8"},
		{"\xEF\xBB\xBFhost1 10.0.0.1\n", ":1: begins with a byte order mark"},
		{"host1 10.0.0.1\nhost2 10.0.0.2", ":2: the last line does not end"},
		{"# begin vmroll\nhost1 10.0.0.1\n",
		 ":2: \"# begin vmroll\" of line 1 without \"# end vmroll\""},
		{"# begin vmroll\n# end vmroll\n\nhost1 10.0.0.1\n", ":4: text after"},
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct hosts hosts = {0};
		struct err e = {0};
		int result = read_text(&hosts, cases[i].text, &e);
		if (result != ERR_USAGE)
			fail_msg("accepted: %s", cases[i].text);
		assert_error(result, ERR_USAGE, &e, cases[i].expected);
		assert_true(str_starts(e.text, scratch_path));
		assert_null(hosts.items);
	}
}

static void a_nul_byte_ends_nothing(void **state)
{
	(void)state;
	static const char text[] = "host1 10.0.0.1\n\0host2 10.0.0.2\n";
	struct hosts hosts = {0};
	struct err e = {0};

	scratch_write(text, sizeof text - 1);
	assert_error(hosts_read(&hosts, scratch_path, &e), ERR_USAGE, &e, ":2: control character 0x00");
}

static void a_file_that_cannot_be_read_is_the_environment(void **state)
{
	(void)state;
	struct hosts hosts = {0};
	struct err e = {0};

	assert_error(hosts_read(&hosts, "/tmp/vmroll-not-there/hosts", &e), ERR_ENV, &e, "No such file");
	assert_error(hosts_read(&hosts, "/tmp", &e), ERR_ENV, &e, "/tmp: ");
}

static void every_cut_of_a_marked_file_is_seen(void **state)
{
	(void)state;
	static const char text[] = "# begin vmroll\nhost1 10.0.0.1\nhost2 10.0.0.2 - off\n# end vmroll\n";

	for (size_t length = 1; length < sizeof text - 1; length++) {
		struct hosts hosts = {0};
		struct err e = {0};
		scratch_write(text, length);
		assert_error(hosts_read(&hosts, scratch_path, &e), ERR_USAGE, &e, "cut short");
	}
}

static void a_hundred_thousand_lines_are_all_found(void **state)
{
	(void)state;
	enum { LINES = 100000 };
	cleanup(str_done) struct str text = {0};
	cleanup(hosts_done) struct hosts hosts = {0};
	struct err e = {0};

	for (unsigned i = 0; i < LINES; i++)
		str_addf(&text, "host%u 10.%u.%u.%u qemu+tcp://host%u/system cluster=c%u,confirm=tcp:16509+22\n",
			 i, i >> 16, i >> 8 & 255, i & 255, i, i / 100);
	assert_ok(read_text(&hosts, str_text(&text), &e), &e);
	assert_int_equal(hosts.count, LINES);
	for (unsigned i = 0; i < LINES; i++) {
		char name[32];
		snprintf(name, sizeof name, "host%u", i);
		assert_ptr_equal(hosts_find(&hosts, name), &hosts.items[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_line_is_read),
		cmocka_unit_test(an_absent_host_is_named_with_the_file),
		cmocka_unit_test(an_empty_file_is_valid),
		cmocka_unit_test(bad_lines_are_refused_with_their_line),
		cmocka_unit_test(a_nul_byte_ends_nothing),
		cmocka_unit_test(a_file_that_cannot_be_read_is_the_environment),
		cmocka_unit_test(every_cut_of_a_marked_file_is_seen),
		cmocka_unit_test(a_hundred_thousand_lines_are_all_found),
	};

	return cmocka_run_group_tests(tests, scratch_open, scratch_close);
}
