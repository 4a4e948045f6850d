/* test_icmp.c - real packets in a network namespace of the test's own: answers, losses, lies, and a stepped clock. */
#include "config.h"

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sched.h>
#include <sys/capability.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "icmp.h"
#include "mem.h"
#include "when.h"

static const int64_t MILLISECOND = 1000000;
static int64_t wall_step_ns;

/* What the linker finds before libc's: the wall clock as the test steps it. */
int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = (int)syscall(SYS_clock_gettime, clock, now);

	if (clock == CLOCK_REALTIME)
		now->tv_sec += wall_step_ns / 1000000000;
	return result;
}

static int64_t stall_ns;

/* The same: we are not running for a while before a batch goes out. */
int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
	int64_t until_ns = when_monotonic_ns() + stall_ns;

	while (stall_ns > 0 && when_monotonic_ns() < until_ns)
		poll(NULL, 0, 1);
	return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

static int write_file(const char *path, const char *text)
{
	cleanup(cleanup_fd) int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int raise_loopback(void)
{
	cleanup(cleanup_fd) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};

	return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &request);
}

static int enter_namespace(void **state)
{
	(void)state;
	char user[64];
	char group[64];
	snprintf(user, sizeof user, "0 %u 1", (unsigned)geteuid());
	snprintf(group, sizeof group, "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWNET) < 0 &&
	    (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 || write_file("/proc/self/uid_map", user) < 0 ||
	     write_file("/proc/self/setgroups", "deny") < 0 || write_file("/proc/self/gid_map", group) < 0)) {
		printf("# not permitted to make a network namespace: %s\n", strerror(errno));
		exit(77);
	}
	assert_int_equal(raise_loopback(), 0);
	write_file("/proc/sys/net/ipv4/icmp_ratelimit", "0");
	return 0;
}

static void set_silent(bool silent)
{
	assert_int_equal(write_file("/proc/sys/net/ipv4/icmp_echo_ignore_all", silent ? "1" : "0"), 0);
}

static struct icmp *open_with(const char *const *addresses, size_t count, int64_t timeout_ns)
{
	struct icmp *icmp = NULL;
	struct err e = {0};
	struct icmp_address parsed[8];

	assert_ok(icmp_open(&icmp, &e), &e);
	for (size_t i = 0; i < count; i++)
		assert_ok(icmp_address_parse(addresses[i], &parsed[i], &e), &e);
	icmp_set_targets(icmp, parsed, count);
	icmp_set_timeout(icmp, timeout_ns);
	return icmp;
}

static void wait_for(const struct icmp *icmp)
{
	int fds[2];
	int64_t left_ns = icmp_deadline(icmp) - when_monotonic_ns();

	icmp_descriptors(icmp, fds);
	struct pollfd polled[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
	if (left_ns > 0)
		poll(polled, 2, (int)(left_ns / MILLISECOND) + 1);
}

/* Waits for the next outcome, however long that takes: each request has one. */
static struct icmp_outcome next_outcome(struct icmp *icmp)
{
	struct icmp_outcome outcome;

	while (!icmp_next(icmp, &outcome))
		wait_for(icmp);
	return outcome;
}

static void assert_nothing(struct icmp *icmp)
{
	struct icmp_outcome outcome;

	assert_int_equal(icmp_next(icmp, &outcome), 0);
}

static void both_families_answer(void)
{
	static const char *const addresses[] = {"127.0.0.1", "::1", "127.1.2.3"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 3, 5000 * MILLISECOND);
	bool seen[3] = {false};

	for (uint32_t i = 0; i < 3; i++)
		icmp_send(icmp, i);
	icmp_flush(icmp);
	for (int i = 0; i < 3; i++) {
		struct icmp_outcome outcome = next_outcome(icmp);
		assert_int_equal(outcome.result, ICMP_ANSWERED);
		assert_true(outcome.rtt_us >= 1 && outcome.rtt_us < 5000000);
		seen[outcome.target] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
	assert_int_equal(icmp_deadline(icmp), INT64_MAX);
	assert_nothing(icmp);
}

/* A new namespace permits nobody to open unprivileged ICMP sockets. */
static void raw_sockets_answer(void **state)
{
	(void)state;
	both_families_answer();
}

static void datagram_sockets_answer(void **state)
{
	(void)state;
	cleanup(cleanup_fd) int before = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(raise_loopback(), 0);
	assert_int_equal(write_file("/proc/sys/net/ipv4/ping_group_range", "0 0"), 0);
	both_families_answer();
	assert_int_equal(setns(before, CLONE_NEWNET), 0);
}

static void silence_is_lost_at_its_deadline(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 1, 50 * MILLISECOND);

	set_silent(true);
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	assert_nothing(icmp);
	struct icmp_outcome outcome = next_outcome(icmp);
	set_silent(false);
	assert_int_equal(outcome.result, ICMP_LOST);
	assert_true(when_monotonic_ns() >= outcome.sent_ns + 50 * MILLISECOND);
	assert_nothing(icmp);
}

static void our_own_failure_is_blind(void **state)
{
	(void)state;
	static const char *const addresses[] = {"192.0.2.1", "127.0.0.1", "2001:db8::1"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 3, 5000 * MILLISECOND);

	for (uint32_t i = 0; i < 3; i++)
		icmp_send(icmp, i);
	icmp_flush(icmp);
	for (int i = 0; i < 3; i++) {
		struct icmp_outcome outcome = next_outcome(icmp);
		assert_int_equal(outcome.result, outcome.target == 1 ? ICMP_ANSWERED : ICMP_BLIND);
		assert_int_equal(outcome.errnum, outcome.target == 1 ? 0 : ENETUNREACH);
	}
}

/* Somebody on the path who sees each request and answers as it likes. */
struct liar {
	int fd;
	int elsewhere;            /* the same, from another address */
	unsigned char packet[64]; /* the ICMP message of the newest request */
	size_t length;
};

static int liar_socket(const char *address)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	struct sockaddr_in self = {.sin_family = AF_INET};

	assert_true(fd >= 0);
	assert_int_equal(inet_pton(AF_INET, address, &self.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&self, sizeof self), 0);
	return fd;
}

static struct liar liar_open(void)
{
	return (struct liar){.fd = liar_socket("127.0.0.1"), .elsewhere = liar_socket("127.0.0.2")};
}

static void liar_close(struct liar *liar)
{
	cleanup_fd(&liar->fd);
	cleanup_fd(&liar->elsewhere);
	set_silent(false);
}

static void liar_hear(struct liar *liar)
{
	unsigned char packet[128];
	ssize_t length;

	do
		length = recv(liar->fd, packet, sizeof packet, 0);
	while (length < 28 || packet[20] != ICMP_ECHO);
	liar->length = (size_t)length - 20;
	memcpy(liar->packet, packet + 20, liar->length);
}

static void say(int fd, const unsigned char *request, size_t length, size_t spoiled)
{
	unsigned char reply[64] = {0};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint32_t sum = 0;

	memcpy(reply, request, length);
	reply[0] = ICMP_ECHOREPLY;
	reply[2] = reply[3] = 0;
	if (spoiled > 0)
		reply[spoiled] ^= 0x40;
	for (size_t i = 0; i < length; i += 2)
		sum += (uint32_t)reply[i] << 8 | reply[i + 1];
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = ~((sum & 0xFFFF) + (sum >> 16));
	reply[2] = (unsigned char)(sum >> 8);
	reply[3] = (unsigned char)sum;
	assert_int_equal(sendto(fd, reply, length, 0, (struct sockaddr *)&to, sizeof to), length);
}

static void forged_replies_are_ignored(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 1, 5000 * MILLISECOND);
	cleanup(liar_close) struct liar liar = liar_open();

	set_silent(true);
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	liar_hear(&liar);
	assert_int_equal(liar.length, 24);
	for (size_t byte = 4; byte < 24; byte++)
		if (byte < 6 || byte > 7) /* the sequence is for people only */
			say(liar.fd, liar.packet, liar.length, byte);
	say(liar.fd, liar.packet, 8, 0);
	say(liar.fd, liar.packet, 22, 0);
	say(liar.elsewhere, liar.packet, liar.length, 0);
	assert_nothing(icmp);
	say(liar.fd, liar.packet, liar.length, 0);
	assert_int_equal(next_outcome(icmp).result, ICMP_ANSWERED);
}

static void duplicate_and_late_replies_are_ignored(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 1, 5000 * MILLISECOND);
	cleanup(liar_close) struct liar liar = liar_open();

	set_silent(true);
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	liar_hear(&liar);
	for (int i = 0; i < 5; i++)
		say(liar.fd, liar.packet, liar.length, 0);
	assert_int_equal(next_outcome(icmp).result, ICMP_ANSWERED);
	assert_nothing(icmp);
	icmp_set_timeout(icmp, 50 * MILLISECOND);
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	say(liar.fd, liar.packet, liar.length, 0); /* the answer to the request before */
	assert_int_equal(next_outcome(icmp).result, ICMP_LOST);
	liar_hear(&liar);
	say(liar.fd, liar.packet, liar.length, 0); /* too late */
	assert_nothing(icmp);
}

static void several_at_once_do_not_mix(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	enum { COUNT = 20, EACH = 500 };
	struct icmp *several[COUNT];

	for (int i = 0; i < COUNT; i++)
		several[i] = open_with(addresses, 1, 5000 * MILLISECOND);
	for (int round = 0; round < EACH; round++)
		for (int i = 0; i < COUNT; i++)
			icmp_send(several[i], 0);
	for (int i = 0; i < COUNT; i++)
		icmp_flush(several[i]);
	for (int i = 0; i < COUNT; i++) {
		for (int round = 0; round < EACH; round++)
			assert_int_equal(next_outcome(several[i]).result, ICMP_ANSWERED);
		assert_nothing(several[i]);
		icmp_free(several[i]);
	}
}

static void a_full_buffer_is_blindness_not_death(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	enum { COUNT = 150000 };
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 1, 3600000 * MILLISECOND);
	size_t results[3] = {0};

	for (int i = 0; i < COUNT; i++)
		icmp_send(icmp, 0);
	icmp_flush(icmp);
	struct icmp_outcome outcome;
	while (icmp_next(icmp, &outcome))
		results[outcome.result]++;
	/* What overran is known by the next packet that comes through. */
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	results[next_outcome(icmp).result]++;
	icmp_set_timeout(icmp, MILLISECOND);
	while (icmp_deadline(icmp) != INT64_MAX)
		results[next_outcome(icmp).result]++;
	assert_int_equal(results[ICMP_LOST], 0);
	assert_int_equal(results[ICMP_ANSWERED] + results[ICMP_BLIND], COUNT + 1);
	assert_true(results[ICMP_BLIND] > 0);
}

static void a_stepped_clock_changes_nothing(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	static const int64_t steps_ns[] = {3600000000000, -7200000000000, 3600000000000};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 1, 10000 * MILLISECOND);

	for (size_t i = 0; i < sizeof steps_ns / sizeof steps_ns[0]; i++) {
		struct icmp_outcome outcome;
		icmp_send(icmp, 0);
		icmp_flush(icmp);
		wall_step_ns += steps_ns[i];
		outcome = next_outcome(icmp);
		assert_int_equal(outcome.result, ICMP_ANSWERED);
		assert_true(outcome.rtt_us < 10000000);
		assert_true(icmp_deadline(icmp) == INT64_MAX);
	}
	wall_step_ns = 0;
}

/* The kernel begins to stamp packets a while after the first socket asks for it; until then it stamps what is read. */
static void await_time_stamps(struct icmp *icmp)
{
	const int64_t wait_ns = 20 * MILLISECOND;
	struct icmp_outcome outcome;

	do {
		icmp_send(icmp, 0);
		icmp_flush(icmp);
		int64_t until_ns = when_monotonic_ns() + wait_ns;
		while (when_monotonic_ns() < until_ns)
			poll(NULL, 0, 5);
		outcome = next_outcome(icmp);
	} while (outcome.result != ICMP_ANSWERED || outcome.rtt_us * INT64_C(1000) >= wait_ns);
}

static void a_reply_that_waited_for_us_is_not_late(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 1, 500 * MILLISECOND);

	await_time_stamps(icmp);
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	while (when_monotonic_ns() < icmp_deadline(icmp) + 10 * MILLISECOND)
		poll(NULL, 0, 5);
	struct icmp_outcome outcome = next_outcome(icmp);
	assert_int_equal(outcome.result, ICMP_ANSWERED);
	assert_true(outcome.rtt_us < 500000);
}

static void a_reply_is_not_late_because_we_stood_still_before_we_asked(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 2, 100 * MILLISECOND);

	icmp_send(icmp, 0);
	icmp_send(icmp, 1);
	stall_ns = 300 * MILLISECOND;
	icmp_flush(icmp);
	stall_ns = 0;
	assert_int_equal(next_outcome(icmp).result, ICMP_ANSWERED);
	assert_int_equal(next_outcome(icmp).result, ICMP_ANSWERED);
}

static void new_targets_forget_the_old(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1", "127.0.0.2"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 2, 20 * MILLISECOND);
	struct icmp_address one;
	struct err e = {0};

	icmp_send(icmp, 1);
	icmp_flush(icmp);
	icmp_send(icmp, 0);
	assert_ok(icmp_address_parse("127.0.0.3", &one, &e), &e);
	icmp_set_targets(icmp, &one, 1);
	assert_nothing(icmp);
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	assert_int_equal(next_outcome(icmp).result, ICMP_ANSWERED);
	assert_nothing(icmp);
}

static void addresses_are_read_and_written(void **state)
{
	(void)state;
	static const char *const good[] = {"127.0.0.1", "::1", "2001:db8::7", "fe80::1%lo"};
	static const char *const bad[] = {"",
					  "localhost",
					  "1.2.3",
					  "1.2.3.4%lo",
					  "fe80::1%nosuch0",
					  "::1 ",
					  "1.2.3.4\n",
					  "%lo",
					  "0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0"};
	char text[ICMP_ADDRESS_TEXT_SIZE];
	struct icmp_address address;
	struct err e = {0};

	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		assert_ok(icmp_address_parse(good[i], &address, &e), &e);
		assert_string_equal(icmp_address_format(&address, text), good[i]);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(icmp_address_parse(bad[i], &address, &e), ERR_USAGE);
}

/* Last: what is dropped is gone for this process. */
static void capabilities_are_gone_for_good(void **state)
{
	(void)state;
	static const char *const addresses[] = {"127.0.0.1"};
	cleanup(cleanup_icmp) struct icmp *icmp = open_with(addresses, 1, 5000 * MILLISECOND);
	struct icmp *second = NULL;
	struct err e = {0};

	assert_ok(icmp_drop_capabilities(&e), &e);
	cap_t now = cap_get_proc();
	cap_t none = cap_init();
	assert_int_equal(cap_compare(now, none), 0);
	cap_free(now);
	cap_free(none);
	assert_error(icmp_open(&second, &e), ERR_ENV, &e, "cap_net_raw");
	icmp_send(icmp, 0);
	icmp_flush(icmp);
	assert_int_equal(next_outcome(icmp).result, ICMP_ANSWERED);
	assert_ok(icmp_drop_capabilities(&e), &e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(raw_sockets_answer),
		cmocka_unit_test(datagram_sockets_answer),
		cmocka_unit_test(silence_is_lost_at_its_deadline),
		cmocka_unit_test(our_own_failure_is_blind),
		cmocka_unit_test(forged_replies_are_ignored),
		cmocka_unit_test(duplicate_and_late_replies_are_ignored),
		cmocka_unit_test(several_at_once_do_not_mix),
		cmocka_unit_test(a_full_buffer_is_blindness_not_death),
		cmocka_unit_test(a_stepped_clock_changes_nothing),
		cmocka_unit_test(a_reply_that_waited_for_us_is_not_late),
		cmocka_unit_test(a_reply_is_not_late_because_we_stood_still_before_we_asked),
		cmocka_unit_test(new_targets_forget_the_old),
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(capabilities_are_gone_for_good),
	};
	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
