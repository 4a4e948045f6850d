#!/usr/bin/env bats
# vmsnap.bats - vmsnap against real libvirt hosts: lists, failures, passwords, events
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab

bats_require_minimum_version 1.5.0

setup_file()
{
	lab_up --hosts 3 --guests 8 --no-wait
	lab_mute --count 2
	lab_mute --mode refuse
	lab_mute --mode half
	lab_mute --mode garbage
	lab_sasl
	lab_env
}

setup()
{
	lab_env
	folder=$BATS_TEST_TMPDIR
	export VMROLL_STORE=lmdb:$folder/store VMROLL_HOSTS=$LAB_HOSTS_FILE
	export VMROLL_CONFIG=$folder/vmroll.conf TZ=UTC
	: >"$VMROLL_CONFIG"
}

teardown()
{
	background_end_all
}

teardown_file()
{
	lab_down
}

newest()
{
	vmsnap --list -J | head -n 1 | jq -r "[.$1${2:+,.$2}${3:+,.$3}${4:+,.$4}] | map(tostring) | join(\" \")"
}

@test "three hosts, eight guests and one that is off" {
	run -0 --separate-stderr vmsnap
	[ -z "$output$stderr" ]
	[ "$(newest hosts answered failed vms)" = '3 3 0 9' ]
}

@test "what libvirt and QEMU say of a guest is in the roll" {
	vmsnap
	run -0 vmwhere -J db1
	[ "$(jq -r '[.uuid, .host, .state, .vcpu] | map(tostring) | join(" ")' <<<"$output")" = "$LAB_UUID_db1 host1 running 1" ]
	# Within its XML and the files behind it, as virsh says them.
	local bytes mac
	bytes=$(virsh -q -c "$LAB_URI_host1" domstats --block db1 | awk -F= '/capacity/ { sum += $2 } END { print sum + 0 }')
	mac=$(virsh -q -c "$LAB_URI_host1" domiflist db1 | awk '{ print $NF }' | head -n 1)
	[ "$(jq .disk_bytes <<<"$output")" = "$bytes" ]
	[[ $(jq -c .nics <<<"$output") == *"$mac"* ]]
	run -0 vmwhere --all -J backup1
	[ "$(jq -r .state <<<"$output")" = 'shut off' ]
	[ "$(jq .disk_bytes <<<"$output")" != null ]
}

@test "the uplink of a bridge tells a network card's rate" {
	local rate
	lab_exec host1 ip link add name uplink type veth peer name far
	lab_exec host1 ip link set uplink master guests up
	lab_exec host1 ip link set far up
	vmsnap
	rate=$(($(lab_exec host1 cat /sys/class/net/uplink/speed) * 1000000))
	lab_exec host1 ip link del uplink
	[ "$rate" -gt 0 ]
	run -0 vmwhere -J db1
	[ "$(jq '.nics[0].rate_bps' <<<"$output")" = "$rate" ]
	run -0 vmwhere --all -J backup1
	[ "$(jq '.nics[0].rate_bps' <<<"$output")" = 1024000000 ]
}

@test "nothing changed: nothing is new, gone or changed" {
	vmsnap
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
}

@test "a host is known by its UUID, whatever hosts(5) calls it" {
	vmsnap
	sed 's/^host1/alpha/' "$LAB_HOSTS_FILE" >"$folder/hosts"
	run -0 --separate-stderr vmsnap --hosts "$folder/hosts" -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
}

@test "two names for one host: the second is refused, and says why" {
	sed '1p; 1s/^host1/twin/' "$LAB_HOSTS_FILE" >"$folder/hosts"
	run -3 --separate-stderr vmsnap --hosts "$folder/hosts"
	[[ $stderr == *host1*twin* || $stderr == *twin*host1* ]]
	[ "$(newest hosts answered failed vms)" = '4 3 1 9' ]
}

@test "two names for one host: whoever had it keeps it, run after run, until it goes" {
	vmsnap
	sed '1p; 1s/^host1/twin/' "$LAB_HOSTS_FILE" >"$folder/hosts"
	for _ in {1..8}; do
		run -3 vmsnap --hosts "$folder/hosts"
		run -0 vmwhere -r -o HOST db1
		[ "$output" = host1 ]
	done
	sed 1s/^host1/twin/ "$LAB_HOSTS_FILE" >"$folder/hosts"
	run -0 --separate-stderr vmsnap --hosts "$folder/hosts" -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
	run -0 vmwhere -r -o HOST db1
	[ "$output" = twin ]
}

@test "two hosts that change their names are asked at once, and are who they are" {
	vmsnap
	sed '1s/^host1/host2/; 2s/^host2/host1/' "$LAB_HOSTS_FILE" >"$folder/hosts"
	run -0 --separate-stderr vmsnap --hosts "$folder/hosts" -v
	[[ $stderr == *': 9 VMs, 0 new, 0 gone, 0 changed' ]]
	run -0 vmwhere -r -o HOST db1
	[ "$output" = host2 ]
}

@test "mute, refusing, half-answering and nonsensical hosts fail by name; the others are stored" {
	printf 'snapshot { host_deadline = "2s" }\n' >"$VMROLL_CONFIG"
	cat "$LAB_HOSTS_FILE" "$LAB_MUTE_FILE" "$LAB_REFUSE_FILE" "$LAB_HALF_FILE" "$LAB_GARBAGE_FILE" >"$folder/hosts"
	run -3 --separate-stderr vmsnap --hosts "$folder/hosts"
	[ -z "$output" ]
	[[ $stderr == *'mute1: no answer within 2s'* ]]
	[[ $stderr == *'mute2: no answer within 2s'* ]]
	[[ $stderr == *'half1: '* ]]
	[[ $stderr == *'garbage1: '* ]]
	[[ $stderr == *'refuse1: '*refused* ]]
	[ "${#stderr_lines[@]}" -eq 5 ]
	[ "$(newest hosts answered failed vms)" = '8 3 5 9' ]
}

@test "a password from auth.conf is used" {
	run -0 --separate-stderr vmsnap --hosts "$LAB_SASL_FILE"
	[ -z "$stderr" ]
	[ "$(newest hosts answered failed)" = '1 1 0' ]
}

@test "a wrong password is named as such" {
	run -4 --separate-stderr vmsnap --hosts "$LAB_SASL_FILE.wrong"
	[[ $stderr == 'vmsnap: sasl: authentication failed'* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "no password: nobody is asked on the terminal" {
	run -4 --separate-stderr script -qec "vmsnap --hosts '$LAB_SASL_FILE.none' 2>'$folder/err'" /dev/null </dev/null
	[ -z "$output" ]
	[[ $(<"$folder/err") == 'vmsnap: sasl: authentication failed'* ]]
}

@test "a libvirtd that hangs costs its deadline, and keeps its last list" {
	printf 'snapshot { host_deadline = "2s" }\n' >"$VMROLL_CONFIG"
	vmsnap
	lab_signal host2 STOP
	run --separate-stderr vmsnap
	lab_signal host2 CONT
	[ "$status" -eq 3 ]
	[ "$stderr" = 'vmsnap: host2: no answer within 2s' ]
	[ "$(newest hosts answered failed)" = '3 2 1' ]
}

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
	if ! wait_until 60 event '	host2	.*	lost' || ! wait_until 60 refused_again 5 host2; then
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

@test "a disk that is full: 4, and the old lists stay" {
	local disk=$folder/disk
	mkdir "$disk"
	mount -t tmpfs -o size=400k tmpfs "$disk"
	VMROLL_STORE=lmdb:$disk/store run --separate-stderr vmsnap
	VMROLL_STORE=lmdb:$disk/store vmwhere -r -o VM >"$folder/before"
	dd if=/dev/zero of="$disk/fill" bs=1k 2>/dev/null || true
	lab_stop cache1
	for _ in {1..20}; do
		VMROLL_STORE=lmdb:$disk/store run --separate-stderr vmsnap
		[ "$status" -eq 0 ] || break
	done
	VMROLL_STORE=lmdb:$disk/store vmwhere -r -o VM >"$folder/after" || true
	umount "$disk"
	lab_start cache1 host2
	[ "$status" -eq 4 ]
	[[ $stderr == *'No space left'* || $stderr == *full* ]]
	[ "$(wc -l <"$folder/before")" -ge 7 ]
	[ "$(wc -l <"$folder/after")" -ge 7 ]
}
