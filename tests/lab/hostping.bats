#!/usr/bin/env bats
# hostping.bats - hostping over real hosts that are cut, killed, healed, and over our own cut uplink

load lib/lab

setup_file()
{
	lab_up --hosts 3 --guests 0
}

teardown_file()
{
	lab_down
}

setup()
{
	lab_env
	export VMROLL_CONFIG=$BATS_TEST_TMPDIR/vmroll.conf VMROLL_STORE=lmdb:$BATS_TEST_TMPDIR/store
	export VMROLL_HOSTS=$BATS_TEST_TMPDIR/hosts
	cp "$LAB_HOSTS_FILE" "$VMROLL_HOSTS"
	settings "reference = { \"$LAB_REFERENCE\" }"
}

teardown()
{
	background_end_all
	rm -rf "$BATS_FILE_TMPDIR/background"
	local host
	for host in host1 host2 host3 gateway all; do
		[[ -z ${LAB_DIR:-} ]] || lab_heal "$host"
	done
}

settings()
{
	printf 'ping { interval = "200ms" timeout = "1s" %s }\n' "$*" >"$VMROLL_CONFIG"
}

watch()
{
	background watch hostping --watch
	wait_until 30 seen "$BATS_FILE_TMPDIR/watch.out" $'\thost1\tUP'
	wait_until 30 seen "$BATS_FILE_TMPDIR/watch.out" $'\thost2\tUP'
	wait_until 30 seen "$BATS_FILE_TMPDIR/watch.out" $'\thost3\tUP'
}

# said REGEX: a line of the watcher, within a time that only a failure reaches.
said()
{
	wait_until 30 seen "$BATS_FILE_TMPDIR/watch.out" "$1" ||
		{ cat "$BATS_FILE_TMPDIR/watch.out" "$BATS_FILE_TMPDIR/watch.err"; return 1; }
}

never_said()
{
	run ! seen "$BATS_FILE_TMPDIR/watch.out" "$1"
}

state_is()
{
	[[ $(hostping --status -r -o state "$1") == "$2" ]]
}

bats_require_minimum_version 1.5.0

@test "a cut host is DOWN, a healed one UP, and the store knows both" {
	watch
	lab_cut host1
	said $'\thost1\tDOWN\t3 of 4 pings lost; 2 of 2 others answer'
	wait_until 30 state_is host1 DOWN
	lab_heal host1
	said $'\thost1\tUP\tafter'
	wait_until 30 state_is host1 UP
	never_said $'\thost[23]\tDOWN'
}

@test "a host without power is DOWN; confirm ports that are dead too confirm it" {
	sed -i '/^host2[[:blank:]]/s/[^[:blank:]]*$/confirm=tcp:16509+22/' "$VMROLL_HOSTS"
	watch
	lab_kill host2
	said $'\thost2\tDOWN\t3 of 4 pings lost; ports 16509 and 22 silent; 2 of 2 others answer'
}

@test "a host that drops pings and serves libvirt stays UP: icmp silent" {
	sed -i '/^host2[[:blank:]]/s/[^[:blank:]]*$/confirm=tcp:16509/' "$VMROLL_HOSTS"
	watch
	lab_exec host2 sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	said $'\thost2\tUP\ticmp silent'
	lab_exec host2 sysctl -qw net.ipv4.icmp_echo_ignore_all=0
	said $'\thost2\tUP\ticmp answers again'
	never_said DOWN
}

@test "our own uplink cut: ISOLATED, and nobody is DOWN" {
	watch
	lab_cut all
	said $'\t-\tISOLATED\tthe reference does not answer'
	lab_heal all
	said $'\t-\tUP\tno longer isolated'
	never_said DOWN
}

@test "two of three dead at once, a reference answers: both are told" {
	watch
	lab_cut host1
	lab_cut host2
	said $'\thost1\tDOWN'
	said $'\thost2\tDOWN'
	never_said ISOLATED
	never_said $'\thost3\tDOWN'
}

@test "IPv6: a cut host is DOWN, a healed one UP" {
	local host address
	for host in host1 host2 host3; do
		address=LAB_ADDRESS6_$host
		printf '%s %s - -\n' "$host" "${!address}"
	done >"$VMROLL_HOSTS"
	watch
	lab_cut host3
	said $'\thost3\tDOWN'
	lab_heal host3
	said $'\thost3\tUP\tafter'
}

@test "20 ms of distance are a round trip of 20 ms" {
	lab_latency host1 20ms
	run hostping -J host1
	lab_latency host1 off
	[ "$status" -eq 0 ]
	[ "$(jq '.rtt_ms >= 20' <<<"$output")" = true ]
}
