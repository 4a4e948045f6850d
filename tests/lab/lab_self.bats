#!/usr/bin/env bats
# The lab proves itself: what other tests take for granted about it.
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab

bats_require_minimum_version 1.5.0

setup_file()
{
	lab_up --hosts 3 --guests 8
}

setup()
{
	lab_env
}

teardown_file()
{
	lab_down
}

pings()
{
	fping -q -r 3 -t 1000 "$1"
}

silent()
{
	! fping -q -r 0 -t 500 "$1"
}

# answers URI: bounded, because libvirt's connect is not.
answers()
{
	timeout 30 virsh -q -c "$1" uri </dev/null
}

runs_on()
{
	lab_where | grep -qx "$1	$2	running"
}

off_on()
{
	lab_where | grep -qx "$1	$2	shut off"
}

boots()
{
	local uuid=LAB_UUID_$1
	lab_console "$1" | grep -c "^ready ${!uuid} "
}

# left PREFIX FOLDER: whatever still speaks of a lab.
left()
{
	local file
	ip netns | grep -F "vmroll-$1-" || true
	cat /sys/class/net/*/ifalias | grep -F "vmroll-lab $1 " || true
	grep -lF "$2" /proc/[0-9]*/mountinfo 2>/dev/null || true
	for file in /proc/[0-9]*/cmdline; do
		[[ $file == "/proc/$$/cmdline" ]] || ! grep -qsF "$2" "$file" || echo "$file"
	done
	[[ ! -e $2 ]] || echo "$2"
}

@test "three hosts answer, under IPv4 and IPv6, to ping and to libvirt" {
	local host address address6 uri uuid
	[ "$LAB_HOSTS" = 'host1 host2 host3' ]
	for host in $LAB_HOSTS; do
		address=LAB_ADDRESS_$host address6=LAB_ADDRESS6_$host
		uri=LAB_URI_$host uuid=LAB_UUID_$host
		pings "${!address}"
		pings "${!address6}"
		answers "${!uri}"
		answers "qemu+tcp://[${!address6}]/system"
		virsh -c "${!uri}" capabilities | grep -q "<uuid>${!uuid}</uuid>"
		[ "$(virsh -q -c "${!uri}" hostname)" = "$host" ]
	done
	pings "$LAB_REFERENCE"
}

@test "hosts(5): name, address, URI and options of each host" {
	run -0 cut -f 1-3 "$LAB_HOSTS_FILE"
	[ "${lines[0]}" = "host1	$LAB_ADDRESS_host1	$LAB_URI_host1" ]
	[ "${#lines[@]}" -eq 3 ]
}

@test "eight guests run a Debian kernel and know their own UUID" {
	local guest uuid
	[ "$(wc -w <<<"$LAB_GUESTS")" -eq 8 ]
	[ "$(lab_where | grep -c '	running$')" -eq 8 ]
	for guest in $LAB_GUESTS; do
		uuid=LAB_UUID_$guest
		lab_console "$guest" | grep -Eq "^ready ${!uuid} [0-9.-]+-cloud-amd64"
	done
}

@test "a host knows the accounts that libvirt needs, and none of this machine" {
	[ "$(lab_exec host1 getent passwd | cut -d : -f 1 | xargs)" = 'root libvirt-qemu' ]
	[ "$(lab_exec host1 getent group | cut -d : -f 1 | xargs)" = 'root libvirt-qemu' ]
}

@test "one domain is defined and off" {
	off_on backup1 host1
}

# pool URI FIELD: of the pool `default`, in bytes where it is a size.
pool()
{
	virsh -q -c "$1" pool-refresh default >/dev/null
	virsh -q -c "$1" pool-info --bytes default | sed -n "s/^$2: *//p"
}

@test "every host has a storage pool of its own" {
	local host uri
	for host in $LAB_HOSTS; do
		uri=LAB_URI_$host
		[ "$(pool "${!uri}" State)" = running ]
		[ "$(pool "${!uri}" Autostart)" = yes ]
		virsh -q -c "${!uri}" pool-dumpxml default | grep -q '<path>/var/lib/libvirt/images</path>'
	done
	virsh -q -c "$LAB_URI_host2" vol-create-as default mine 1M
	[ -e "$LAB_DIR/host/host2/lib/images/mine" ]
	run -1 virsh -q -c "$LAB_URI_host1" vol-info mine default
	virsh -q -c "$LAB_URI_host2" vol-delete mine default
	[ ! -e "$LAB_DIR/host/host2/lib/images/mine" ]
}

@test "storage: a host has little room, then less, then what it had" {
	virsh -q -c "$LAB_URI_host3" vol-create-as default below 1M
	lab_storage host3 64M
	[ "$(pool "$LAB_URI_host3" Capacity)" -eq 67108864 ]
	run -1 virsh -q -c "$LAB_URI_host3" vol-info below default
	virsh -q -c "$LAB_URI_host3" vol-create-as default full 40M
	[ "$(pool "$LAB_URI_host3" Available)" -le 25165824 ]
	run -1 virsh -q -c "$LAB_URI_host3" vol-create-as default more 40M
	[[ $output == *'No space left on device'* ]]
	run -1 lab_storage host3 16M
	lab_storage host3 48M
	[ "$(pool "$LAB_URI_host3" Capacity)" -eq 50331648 ]
	virsh -q -c "$LAB_URI_host3" vol-info full default
	background hold "$LAB" exec host3 bash -c 'exec 3</var/lib/libvirt/images/full; echo open; exec sleep 600'
	wait_until 10 seen "$BATS_FILE_TMPDIR/hold.out" open
	run -1 lab_storage host3 off
	[[ $output == *'who uses it must stop first'* ]]
	lab_exec host3 pkill -x sleep
	wait_until 10 lab_storage host3 off
	background_end hold
	virsh -q -c "$LAB_URI_host3" vol-delete below default
	run -1 virsh -q -c "$LAB_URI_host3" vol-info full default
	[ "$(pool "$LAB_URI_host3" Capacity)" -gt 67108864 ]
	run -1 lab_storage host3 lots
	[[ $output == *'expected a size as 64M, or off'* ]]
}

@test "cut: a host falls silent, the others do not; heal: as before" {
	lab_cut host1
	silent "$LAB_ADDRESS_host1"
	silent "$LAB_ADDRESS6_host1"
	pings "$LAB_ADDRESS_host2"
	lab_exec host1 virsh -q list --name | grep -qx db1
	lab_heal host1
	wait_until 10 pings "$LAB_ADDRESS_host1"
	answers "$LAB_URI_host1"
	runs_on db1 host1
}

@test "cut all: the station hears nobody" {
	lab_cut all
	silent "$LAB_ADDRESS_host2"
	silent "$LAB_REFERENCE"
	lab_heal all
	wait_until 10 pings "$LAB_ADDRESS_host2"
	wait_until 10 pings "$LAB_REFERENCE"
}

@test "a guest of a host that is cut off can be started elsewhere, and then runs twice" {
	lab_cut host2
	lab_start web1 host3
	lab_heal host2
	runs_on web1 host2
	runs_on web1 host3
	lab_exec host3 virsh -q -c qemu:///system destroy web1
	lab_exec host3 virsh -q -c qemu:///system undefine web1
	run -0 lab_where
	[ "$(grep -c '^web1	' <<<"$output")" -eq 1 ]
}

@test "migrate: the guest is elsewhere, and did not boot" {
	local before
	runs_on web2 host3
	before=$(boots web2)
	lab_migrate web2 host2
	runs_on web2 host2
	[ "$(boots web2)" -eq "$before" ]
	run -1 off_on web2 host3
	lab_migrate web2 host3
	runs_on web2 host3
}

@test "shutdown: a guest obeys its power button" {
	lab_shutdown dns1
	off_on dns1 host3
	lab_start dns1 host3
	lab_stop dns1
	off_on dns1 host3
	lab_start dns1 host3
}

@test "kill: nothing of the host is left; its guests start elsewhere; heal boots it without them, with its storage" {
	virsh -q -c "$LAB_URI_host1" vol-create-as default kept 1M
	lab_storage host1 64M
	lab_kill host1
	silent "$LAB_ADDRESS_host1"
	[ -z "$(ip netns pids "vmroll-$LAB_PREFIX-host1")" ]
	run -1 runs_on db1 host1
	lab_start db1 host2
	runs_on db1 host2
	[ "$(boots db1)" -eq 2 ]
	lab_heal host1
	answers "$LAB_URI_host1"
	off_on db1 host1
	[ "$(pool "$LAB_URI_host1" State)" = running ]
	[ "$(pool "$LAB_URI_host1" Capacity)" -gt 67108864 ]
	virsh -q -c "$LAB_URI_host1" vol-delete kept default
	virsh -c "$LAB_URI_host1" capabilities | grep -q "<uuid>$LAB_UUID_host1</uuid>"
	lab_stop db1
	lab_start db1 host1
}

# far ADDRESS: no answer comes sooner than the distance allows.
far()
{
	run -0 fping -q -c 5 -p 50 "$1"
	[[ $output =~ min/avg/max\ =\ ([0-9]+) ]]
	[ "${BASH_REMATCH[1]}" -ge 20 ]
}

@test "latency: the host is far away, also after a cut, until it is not" {
	lab_latency host1 20ms
	wait_until 10 pings "$LAB_ADDRESS_host1"
	far "$LAB_ADDRESS_host1"
	far "$LAB_ADDRESS6_host1"
	answers "$LAB_URI_host1"
	lab_cut host1
	silent "$LAB_ADDRESS_host1"
	lab_heal host1
	wait_until 10 pings "$LAB_ADDRESS_host1"
	far "$LAB_ADDRESS_host1"
	wait_until 10 pings "$LAB_ADDRESS6_host1"
	far "$LAB_ADDRESS6_host1"
	lab_latency host1 off
	wait_until 10 pings "$LAB_ADDRESS_host1"
	[ ! -e "$LAB_DIR/proc/delay-host1" ]
}

@test "signal: a stopped libvirtd hangs its clients while the host pings" {
	lab_signal host2 STOP
	pings "$LAB_ADDRESS_host2"
	run -124 timeout 2 virsh -q -c "$LAB_URI_host2" uri
	lab_signal host2 CONT
	answers "$LAB_URI_host2"
}

@test "signal: a killed libvirtd comes back, its guests never left" {
	local pid
	pid=$(lab_exec host2 cat /run/libvirtd.pid)
	lab_signal host2 KILL
	libvirtd_is_new()
	{
		[ "$(lab_exec host2 cat /run/libvirtd.pid)" != "$pid" ] && answers "$LAB_URI_host2"
	}
	wait_until 20 libvirtd_is_new
	runs_on web1 host2
	[ "$(boots web1)" -eq 1 ] || [ "$(boots web1)" -eq 2 ]
}

@test "mute, half, garbage: a connect hangs or fails; refuse: refused at once" {
	local mode file uri address
	for mode in mute half garbage refuse; do
		lab_mute --mode "$mode" --count 40
	done
	lab_env
	for file in "$LAB_MUTE_FILE" "$LAB_HALF_FILE"; do
		[ "$(wc -l <"$file")" -eq 40 ]
		read -r _ address uri _ < <(tail -n 1 "$file")
		pings "$address"
		run -124 timeout 2 virsh -q -c "$uri" uri
	done
	read -r _ _ uri _ <"$LAB_GARBAGE_FILE"
	run -1 timeout 10 virsh -q -c "$uri" uri
	read -r _ address uri _ <"$LAB_REFUSE_FILE"
	pings "$address"
	run -1 timeout 10 virsh -q -c "$uri" uri
	[[ $output == *'Connection refused'* ]]
}

@test "sasl: the right password enters, a wrong one and none are named as such" {
	local uri
	lab_sasl
	lab_env
	uri=$(cut -f 3 "$LAB_SASL_FILE")
	answers "$uri"
	uri=$(cut -f 3 "$LAB_SASL_FILE.wrong")
	run -1 answers "$uri"
	[[ $output == *'authentication failed'* ]]
	uri=$(cut -f 3 "$LAB_SASL_FILE.none")
	run -1 answers "$uri"
	[[ $output == *'authentication failed'* ]]
	run -1 answers "qemu+tcp://$(cut -f 2 "$LAB_SASL_FILE")/system"
}

@test "nodes: hundreds of hosts of many domains, each with its address" {
	local uri address
	lab_nodes 300 20
	lab_env
	[ "$(wc -l <"$LAB_NODES_FILE")" -eq 300 ]
	read -r _ address uri _ < <(tail -n 1 "$LAB_NODES_FILE")
	pings "$address"
	run -0 timeout 20 virsh -q -c "$uri" list --all --name
	[ "$(grep -c . <<<"$output")" -eq 20 ]
	run -0 timeout 20 virsh -q -c "$uri" list --state-shutoff --name
	[ "$(grep -c . <<<"$output")" -eq 2 ]
	run -0 cat "$LAB_DIR"/nodes/*.xml
	[ "$(grep -o '<uuid>.*</uuid>' <<<"$output" | sort -u | wc -l)" -eq 6000 ]
}

@test "shuffle: domains move, and none is lost" {
	local uri moved
	uri=$(awk 'NR == 2 { print $3 }' "$LAB_NODES_FILE")
	moved=$(timeout 20 virsh -q -c "$(awk 'NR == 1 { print $3 }' "$LAB_NODES_FILE")" \
		list --all --name | grep -c .)
	[ "$moved" -eq 20 ]
	lab_shuffle 301
	# 20 domains, one left to node 3, two of node 1 came
	run -0 timeout 20 virsh -q -c "$uri" list --all --name
	[ "$(grep -c . <<<"$output")" -eq 21 ]
	grep -qx 'web-20' <<<"$output"
	run -0 cat "$LAB_DIR"/nodes/*.xml
	[ "$(grep -c '<domain ' <<<"$output")" -eq 6000 ]
	lab_shuffle 1
	run -0 timeout 20 virsh -q -c "$uri" list --all --name
	[ "$(grep -c . <<<"$output")" -eq 22 ]
}

# copy GUEST HOST NEW: another domain of a copy of its disk, in the host's pool.
copy()
{
	local uri=LAB_URI_$2 disk
	disk=$(virsh -q -c "${!uri}" domblklist "$1" | sed -n 's|^ *vda *.*/||p')
	virsh -q -c "${!uri}" vol-clone "$disk" "$3.img" default
	virsh -q -c "${!uri}" dumpxml "$1" | sed "/<uuid>/d; /<mac /d; s|/$1\.console|/$3.console|
		s|<name>$1<|<name>$3<|; s|/$disk'|/$3.img'|" >"$BATS_TEST_TMPDIR/$3.xml"
	virsh -q -c "${!uri}" define "$BATS_TEST_TMPDIR/$3.xml"
	virsh -q -c "${!uri}" start "$3"
}

@test "disk: a guest boots from a raw disk of its own, and counts its boots there; a copy goes on, as another" {
	lab_disk golden host1
	lab_env
	off_on golden host1
	virsh -q -c "$LAB_URI_host1" vol-info golden.raw default | grep -q '64.00 MiB'
	run -1 grep -qE '<(kernel|initrd)>' <(virsh -q -c "$LAB_URI_host1" dumpxml golden)
	lab_start golden host1
	lab_console golden | grep -Eq "^ready $LAB_UUID_golden [0-9.-]+-cloud-amd64 disk 1"
	lab_shutdown golden
	copy golden host1 my-copy
	lab_booted my-copy host1
	lab_console my-copy | grep -q "^ready $(virsh -c "$LAB_URI_host1" domuuid my-copy | head -n 1) .* disk 2"
	[ "$(lab_console my-copy | grep -c "$LAB_UUID_golden")" -eq 0 ]
	lab_start golden host1
	lab_console golden | grep -q "^ready $LAB_UUID_golden .* disk 2"
	virsh -q -c "$LAB_URI_host1" destroy my-copy
	virsh -q -c "$LAB_URI_host1" undefine --remove-all-storage my-copy
	[ ! -e "$LAB_DIR/host/host1/lib/images/my-copy.img" ]
}

@test "disk --format=qcow2 --agent: the real guest agent freezes, and tells an address of its own" {
	local address
	lab_disk silver host2 --format=qcow2 --agent
	lab_env
	lab_start silver host2
	lab_booted silver host2
	lab_exec host2 qemu-img info -U --output=json /var/lib/libvirt/images/silver.qcow2 | jq -se '.[0].format == "qcow2"'
	agent()
	{
		virsh -q -c "$LAB_URI_host2" "$@"
	}
	wait_until 20 agent guestinfo silver
	agent domfsinfo silver | grep -q '/disk .* ext4'
	address=$(agent domifaddr silver --source agent | awk '$1 == "eth0" { print $4 }')
	[[ $address == 172.31.* ]]
	agent domfsfreeze silver
	run -0 agent qemu-agent-command silver '{"execute":"guest-fsfreeze-status"}'
	[[ $output == *frozen* ]]
	agent domfsthaw silver
	run -0 agent qemu-agent-command silver '{"execute":"guest-fsfreeze-status"}'
	[[ $output == *thawed* ]]
	lab_stop silver
}

@test "disk --shared: outside of the pool, where each host can run it; taken and bad names are refused" {
	lab_disk both host1 --shared
	lab_env
	lab_start both host1
	run -0 virsh -q -c "$LAB_URI_host1" domblklist both
	[[ $output == *"$LAB_DIR/images/both.raw"* ]]
	lab_migrate both host2
	runs_on both host2
	[ "$(boots both)" -eq 1 ]
	lab_stop both
	run -1 lab_disk both host2
	[[ $output == *'is there already'* ]]
	run -1 lab_disk a/b host2
	run -1 lab_disk more host2 --format=vdi
	run -1 lab_booted more host2
}

@test "two labs at once; removing one leaves nothing of it, and all of the other" {
	local other station=$LAB_STATION
	other=$(TMPDIR=$BATS_TEST_TMPDIR "$LAB" up --prefix "o$$" --hosts 2 --guests 1 --owner $$)
	(
		# shellcheck source=/dev/null
		source "$other/env"
		[ "$LAB_STATION" != "$station" ]
		answers "$LAB_URI_host2"
		"$LAB" sasl
		"$LAB" latency host1 20ms
		"$LAB" mute
	)
	[ -n "$(left "o$$" "$other")" ]
	run -1 "$LAB" up --prefix "o$$" --hosts 0
	[[ $output == *'another lab has it'* ]]
	"$LAB" down "$other"
	[ -z "$(left "o$$" "$other")" ]
	answers "$LAB_URI_host1"
	answers "$LAB_URI_host2"
}

interrupted()
{
	local signal=$1 expected=$2 folder=$BATS_TEST_TMPDIR/lab pid status=0
	env --default-signal=INT "$LAB" --dir "$folder" up --prefix "i$$" --hosts 2 --guests 2 \
		--owner $$ >/dev/null 3>&- &
	pid=$!
	wait_until 20 test -s "$folder/host/host2/init"
	kill -s "$signal" "$pid"
	wait "$pid" || status=$?
	[ "$status" -eq "$expected" ]
	[ -z "$(left "i$$" "$folder")" ]
}

@test "Ctrl-C in the middle of up leaves nothing" {
	interrupted INT 130
}

@test "SIGTERM in the middle of up leaves nothing" {
	interrupted TERM 143
}

@test "SIGKILL in the middle of up: down removes what is there" {
	local folder=$BATS_TEST_TMPDIR/lab pid
	"$LAB" --dir "$folder" up --prefix "k$$" --hosts 2 --guests 2 --owner $$ >/dev/null 3>&- &
	pid=$!
	wait_until 20 test -s "$folder/host/host1/init"
	kill -s KILL "$pid"
	wait "$pid" || true
	[ -n "$(left "k$$" "$folder")" ]
	"$LAB" down "$folder"
	[ -z "$(left "k$$" "$folder")" ]
}

@test "sweep removes the labs of dead owners, and of lost folders, and no others" {
	local dead=$BATS_TEST_TMPDIR/dead lost=$BATS_TEST_TMPDIR/lost owner
	sleep 1000 3>&- &
	owner=$!
	"$LAB" --dir "$dead" up --prefix "d$$" --hosts 1 --guests 0 --owner "$owner"
	"$LAB" --dir "$lost" up --prefix "l$$" --hosts 1 --guests 0 --owner $$
	"$LAB" sweep
	[ -n "$(left "d$$" "$dead")" ]
	kill "$owner"
	wait "$owner" || true
	rm -rf "$lost"
	"$LAB" sweep
	[ -z "$(left "d$$" "$dead")" ]
	[ -z "$(left "l$$" "$lost")" ]
	answers "$LAB_URI_host1"
}

@test "what is no lab, is taken, or has a bad name is refused" {
	local folder=$BATS_TEST_TMPDIR/full
	mkdir "$folder"
	touch "$folder/mine"
	run -1 "$LAB" down "$folder"
	[[ $output == *'not a lab'* ]]
	run -1 "$LAB" --dir "$folder" up --hosts 0
	[[ $output == *'not empty'* ]]
	[ -e "$folder/mine" ]
	run -1 "$LAB" --dir "$LAB_DIR" up --hosts 0
	[[ $output == *'not empty'* ]]
	answers "$LAB_URI_host1"
	run -1 "$LAB" up --prefix 'a/b'
	run -1 "$LAB" --dir "$folder" where
	run -1 lab_cut host9
	run -1 lab_start db1 host9
	run -2 "$LAB" fly
}

@test "a failing up leaves nothing and says why" {
	local folder=$BATS_TEST_TMPDIR/lab
	mkdir "$BATS_TEST_TMPDIR/bin"
	printf '#!/bin/sh\necho broken >&2; exit 1\n' >"$BATS_TEST_TMPDIR/bin/libvirtd"
	chmod +x "$BATS_TEST_TMPDIR/bin/libvirtd"
	PATH=$BATS_TEST_TMPDIR/bin:$PATH LAB_BOOT_SECONDS=2 \
		run -1 "$LAB" --dir "$folder" up --prefix "f$$" --hosts 2 --guests 0
	[[ $output == *'libvirtd does not answer'* ]]
	[ -z "$(left "f$$" "$folder")" ]
}
