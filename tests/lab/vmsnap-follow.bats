#!/usr/bin/env bats
# vmsnap-follow.bats - vmsnap --follow against real libvirt hosts: events, hosts that go and come, its own processes
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab
load lib/vmsnap

bats_require_minimum_version 1.5.0

followed()
{
	seen "$BATS_FILE_TMPDIR/follow.out" "	$1	-	-	connected|\"$1\".*\"connected\""
}

all_followed()
{
	followed host1 && followed host2 && followed host3
}

follow()
{
	background follow vmsnap --follow "$@"
	wait_until 60 all_followed
}

event()
{
	seen "$BATS_FILE_TMPDIR/follow.out" "$1"
}

@test "--follow: stop, start and migration are lines at once, and in the roll" {
	follow
	lab_stop web2
	wait_until 20 event "	host3	web2	$LAB_UUID_web2	stopped	destroyed"
	lab_start web2 host3
	wait_until 20 event "	host3	web2	$LAB_UUID_web2	started	booted"
	lab_migrate web2 host2
	wait_until 20 event "	host2	web2	$LAB_UUID_web2	started	migrated"
	wait_until 20 event "	host3	web2	$LAB_UUID_web2	stopped	migrated"
	lab_migrate web2 host3
	wait_until 20 event "	host3	web2	$LAB_UUID_web2	started	migrated"
	background_end follow
	[ ! -s "$BATS_FILE_TMPDIR/follow.err" ]
	# What was followed is what a fresh look finds.
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
}

@test "--follow -J: the keys of an event" {
	follow -J
	lab_stop web1
	wait_until 20 event '"event": *"stopped"'
	lab_start web1 host2
	wait_until 20 event '"event": *"started"'
	background_end follow
	run -0 jq -r 'select(.event == "stopped") | keys_unsorted | join(" ")' "$BATS_FILE_TMPDIR/follow.out"
	[ "${lines[0]}" = 'schema time host vm uuid event detail' ]
}

# start_those_off HOST: the guests that ran there before it lost its power
start_those_off()
{
	local guest
	lab_where | awk -F '\t' -v host="$1" '$2 == host && $3 == "shut off" && $1 != "backup1" { print $1 }' >"$folder/off"
	while read -r guest; do
		lab_start "$guest" "$1"
	done <"$folder/off"
}

@test "--follow: a host that is lost is told, tried again, and told again" {
	follow
	lab_kill host3
	wait_until 60 event '	host3	.*	lost'
	lab_heal host3
	wait_until 120 connected_times 2 host3
	background_end follow
	start_those_off host3
}

# shard: the process that follows: the first of those that go on
shard()
{
	pgrep -o -P "$(proc_pid "$BATS_FILE_TMPDIR/background/follow")"
}

# connected_times COUNT HOST
connected_times()
{
	[ "$(grep -c "	$2	.*	connected" "$BATS_FILE_TMPDIR/follow.out")" -ge "$1" ]
}

# refused_again COUNT HOST: with -v each failure is told
refused_again()
{
	[ "$(grep -c "$2: no answer within" "$BATS_FILE_TMPDIR/follow.err")" -ge "$1" ]
}

@test "--follow: a libvirtd that hangs is lost, and found again; no thread more hangs on it each time, nobody else is lost" {
	local shard threads=()
	printf 'snapshot { host_deadline = "1s" }\n' >"$VMROLL_CONFIG"
	follow -v
	shard=$(shard)
	lab_signal host2 STOP
	if ! wait_until 60 event '	host2	.*	lost' || ! wait_until 60 refused_again 3 host2; then
		lab_signal host2 CONT
		false
	fi
	threads=("/proc/$shard/task"/*)
	lab_signal host2 CONT
	# libvirt's event loop, a thread a host, and the one that hangs
	[ "${#threads[@]}" -le 5 ]
	wait_until 120 connected_times 2 host2
	[ "$(shard)" = "$shard" ]
	run ! event '	host[13]	.*	lost'
	background_end follow
}

@test "--follow: a process of ours that dies or hangs is replaced" {
	local shard
	printf 'snapshot { host_deadline = "1s" }\n' >"$VMROLL_CONFIG"
	follow
	shard=$(shard)
	kill -s KILL "$shard"
	wait_until 120 connected_times 2 host1
	wait_until 120 connected_times 2 host3
	event '	host1	.*	lost	killed by signal 9'
	shard=$(shard)
	kill -s STOP "$shard"
	wait_until 120 connected_times 3 host1
	wait_until 120 connected_times 3 host3
	event '	host1	.*	lost	the process that followed it hung'
	run ! kill -0 "$shard"
	background_end follow
}

@test "--follow: a host whose address leads to another one is not taken for it" {
	vmsnap
	awk -v OFS='\t' 'NR == 1 { one = $3 } NR == 2 { $3 = one } { print }' "$LAB_HOSTS_FILE" >"$folder/hosts"
	vmwhere --on host2 -r -o VM >"$folder/before"
	export VMROLL_HOSTS=$folder/hosts
	background follow vmsnap --follow --reread 1s
	wait_until 60 followed host1
	several_snapshots() { [ "$(vmsnap --list -r -o ID | wc -l)" -ge 6 ]; }
	wait_until 60 several_snapshots
	vmwhere --on host2 -r -o VM >"$folder/after"
	run ! followed host2
	background_end follow
	[ -s "$folder/before" ]
	cmp "$folder/before" "$folder/after"
}

@test "--follow: a host that was installed anew is another one; the life of the old one has ended" {
	local uuid=$LAB_DIR/host/host3/uuid old new
	old=$(<"$uuid")
	follow
	lab_kill host3
	wait_until 60 event '	host3	.*	lost'
	cat /proc/sys/kernel/random/uuid >"$uuid"
	new=$(<"$uuid")
	sed -i "s/$old/$new/" "$LAB_DIR/host/host3/etc/libvirtd.conf"
	lab_heal host3
	wait_until 120 connected_times 2 host3
	background_end follow
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
	run -0 vmwhere --on "$new" --all -r -o VM
	[[ $output == *web2* ]]
	run vmwhere --on "$old" --all -r -o VM
	[[ $output != *web2* ]]
	start_those_off host3
}

@test "--follow beside a mute host follows the others" {
	printf 'snapshot { host_deadline = "2s" }\n' >"$VMROLL_CONFIG"
	cat "$LAB_MUTE_FILE" "$LAB_HOSTS_FILE" >"$folder/hosts"
	VMROLL_HOSTS=$folder/hosts follow
	lab_stop app1
	wait_until 20 event "	app1	$LAB_UUID_app1	stopped	destroyed"
	lab_start app1 host2
	wait_until 20 event "	app1	$LAB_UUID_app1	started	booted"
	background_end follow
}

@test "--follow: hosts(5) is read again before each snapshot and on SIGHUP; a bad or empty one is told" {
	head -n 2 "$LAB_HOSTS_FILE" >"$folder/hosts"
	export VMROLL_HOSTS=$folder/hosts
	background follow vmsnap --follow
	wait_until 60 followed host2
	cp "$LAB_HOSTS_FILE" "$folder/hosts"
	background_signal follow HUP
	wait_until 20 event '	host3	.*	connected'
	run -0 vmwhere --on host3
	: >"$folder/hosts"
	background_signal follow HUP
	wait_until 20 seen "$BATS_FILE_TMPDIR/follow.err" 'no hosts: the hosts that were read before stay'
	printf 'host1\n' >"$folder/hosts"
	background_signal follow HUP
	wait_until 20 seen "$BATS_FILE_TMPDIR/follow.err" 'hosts:1: .*: the hosts that were read before stay'
	run -0 vmwhere --on host3
	cp "$LAB_HOSTS_FILE" "$folder/hosts"
	background_end follow
	# Nobody's life ended meanwhile.
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
}

@test "--follow: a snapshot does not end a host that hosts(5) has got meanwhile" {
	head -n 2 "$LAB_HOSTS_FILE" >"$folder/hosts"
	export VMROLL_HOSTS=$folder/hosts
	background follow vmsnap --follow --reread 2s
	wait_until 60 followed host2
	cp "$LAB_HOSTS_FILE" "$folder/hosts"
	wait_until 20 event '	host3	.*	connected'
	background_end follow
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
}

@test "only one follows; kill -9 leaves neither process nor lock" {
	follow
	run -5 --separate-stderr vmsnap --follow
	local pid children=()
	pid=$(proc_pid "$BATS_FILE_TMPDIR/background/follow")
	mapfile -t children < <(pgrep -P "$pid")
	[ "${#children[@]}" -ge 1 ]
	background_end follow KILL
	gone() { ! kill -0 "${children[@]}" 2>/dev/null; }
	wait_until 20 gone
	rm -f "$BATS_FILE_TMPDIR/follow.out"
	follow
	background_end follow
}

@test "--follow into a full device ends with 4" {
	run -4 --separate-stderr bash -c 'timeout 60 vmsnap --follow >/dev/full'
	[[ $stderr == 'vmsnap: standard output: No space left on device' ]]
}
