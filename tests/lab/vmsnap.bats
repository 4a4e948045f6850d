#!/usr/bin/env bats
# vmsnap.bats - vmsnap against real libvirt hosts: lists, failures, passwords
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab
load lib/vmsnap

bats_require_minimum_version 1.5.0

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
