#!/usr/bin/env bats
# vmgroup.bats - groups deployed to real hosts, and taken away again: whole, or not at all
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab

bats_require_minimum_version 1.5.0

# The kills at random points are so many.
: "${VMGROUP_KILLS:=15}"

# A guest that boots from its disk becomes two images of the repository, and goes.
setup_file()
{
	lab_up --hosts 3 --guests 0
	lab_env
	export golden=$BATS_FILE_TMPDIR/golden VMROLL_HOSTS=$LAB_HOSTS_FILE TZ=UTC
	mkdir "$golden"
	lab_disk tiny host1 --agent
	lab_env
	virsh -q -c "$LAB_URI_host1" dumpxml tiny >"$golden/tiny.xml"
	cp --sparse=always "$LAB_DIR/host/host1/lib/images/tiny.raw" "$golden/tiny.raw"
	virsh -q -c "$LAB_URI_host1" undefine tiny
	virsh -q -c "$LAB_URI_host1" vol-delete tiny.raw default
	sed 's|tiny.raw|tiny.qcow2|; s|type=.raw.|type="qcow2"|' "$golden/tiny.xml" >"$golden/tinyq.xml"
	qemu-img convert -O qcow2 "$golden/tiny.raw" "$golden/tiny.qcow2"
}

setup()
{
	local host
	lab_env
	folder=$BATS_TEST_TMPDIR
	export VMROLL_STORE=lmdb:$folder/store VMROLL_CONFIG=$folder/vmroll.conf
	settings ''
	for host in $LAB_HOSTS; do
		state "$host" >"$folder/before.$host"
	done
	mastimg import --name tiny --xml "$golden/tiny.xml" "$golden/tiny.raw"
}

teardown()
{
	local host
	background_end_all
	for host in $LAB_HOSTS; do
		sweep "$host"
	done
}

teardown_file()
{
	lab_down
}

# settings TEXT: in the section deploy; transfers that stall for 3 s are given up.
settings()
{
	cat >"$VMROLL_CONFIG" <<-END
		image { repository = "$folder/images" reserve = "0%" stall = "3s" }
		deploy { $1 }
	END
}

uri()
{
	local name=LAB_URI_$1
	printf '%s' "${!name}"
}

# state HOST: all that a deployment could leave there.
state()
{
	virsh -q -c "$(uri "$1")" list --all --name --uuid | sort
	virsh -q -c "$(uri "$1")" pool-refresh default >/dev/null
	virsh -q -c "$(uri "$1")" vol-list default | sort
	virsh -q -c "$(uri "$1")" pool-list --all --transient --name
	virsh -q -c "$(uri "$1")" pool-list --all | sort
	find "$LAB_DIR/host/$1/lib/images" "$LAB_DIR/host/$1/lib/qemu/nvram" -printf '%f %s\n' 2>/dev/null | sort
}

as_before()
{
	local host
	for host in $LAB_HOSTS; do
		diff "$folder/before.$host" <(state "$host") || return 1
	done
}

# sweep HOST: whatever a test that failed left, so that the next one can be believed.
sweep()
{
	local name
	lab_heal "$1"
	lab_latency "$1" off
	lab_storage "$1" off
	for name in $(virsh -q -c "$(uri "$1")" list --all --name); do
		virsh -q -c "$(uri "$1")" destroy "$name" 2>/dev/null || true
		virsh -q -c "$(uri "$1")" undefine --nvram "$name" || true
	done
	rm -f "$LAB_DIR/host/$1/lib/images/"*
	virsh -q -c "$(uri "$1")" pool-refresh default >/dev/null || true
}

# bases HOST: how many lie there.
bases()
{
	virsh -q -c "$(uri "$1")" vol-list default | awk '/vmroll-base/ { n++ } END { print n + 0 }'
}

# value D COLUMN [VM]: of `vmgroup status`.
value()
{
	vmgroup status -J "$1" | jq -r "select(${3:+.vm == \"$3\" and} true) | .$2"
}

hosts_of()
{
	value "$1" host | sort | uniq -c | awk '{ printf "%s%s=%s", (NR > 1 ? " " : ""), $2, $1 }'
}

# For wait_until: a process of background has ended; a volume of shop is on a host; a guest has said its address.
ended()
{
	if background_alive "$1"; then return 1; fi
}

begun()
{
	[ -n "$(find "$LAB_DIR/host/$1/lib/images" -name 'shop-*')" ]
}

knows_address()
{
	[[ $(value "$1" address) == 172.31.* ]]
}

shop()
{
	vmgroup create shop web=tiny*3 db=tiny
}

@test "deploy, boot, undeploy: each guest shows its own UUID, and every host is as before" {
	shop
	run -0 --separate-stderr vmgroup deploy --policy spread --start shop
	[ -z "$output$stderr" ]
	[ "$(value shop host | sort | uniq -c | awk '{ print $1 }' | sort | xargs)" = '1 1 2' ]
	[ "$(value shop vm | xargs)" = 'shop-web1 shop-web2 shop-web3 shop-db' ]
	for vm in shop-web1 shop-web2 shop-web3 shop-db; do
		lab_booted "$vm" "$(value shop host "$vm")"
		lab_console "$vm" | grep -q "^ready $(value shop uuid "$vm") "
	done
	[ "$(value shop uuid | sort -u | wc -l)" -eq 4 ]
	[ "$(value shop 'macs[0]' | sort -u | wc -l)" -eq 4 ]
	[ "$(value shop state | sort -u)" = running ]
	run -1 --separate-stderr vmgroup undeploy shop
	[[ $stderr == *"shop-web1 runs on $(value shop host shop-web1)"* ]]
	[[ $stderr == *'--force'* ]]
	[ "$(value shop state | sort -u)" = running ]
	run -0 --separate-stderr vmgroup undeploy --force shop
	[ -z "$output$stderr" ]
	as_before
	run -1 vmgroup status shop
}

@test "status: the guest's address from its agent, remembered when its host is silent" {
	vmgroup create one a=tiny
	vmgroup deploy --host host2 --start one
	wait_until 60 knows_address one
	address=$(value one address)
	lab_cut host2
	run -3 --separate-stderr vmgroup status -J one
	lab_heal host2
	[ "$(jq -r '[.address, .state] | join(" ")' <<<"$output")" = "$address " ]
	[[ $stderr == 'vmgroup: host2: '* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	vmgroup undeploy --force one
	as_before
}

@test "--linked: a base once a host, shared by deployments, gone with the last" {
	shop
	run -0 --separate-stderr vmgroup deploy --policy spread --linked --start shop
	[ -z "$output$stderr" ]
	[ "$(bases host1)" -eq 1 ]
	virsh -q -c "$(uri "$(value shop host shop-web1)")" dumpxml shop-web1 | grep -q "type='qcow2'"
	lab_booted shop-db "$(value shop host shop-db)"
	lab_console shop-db | grep -q "^ready $(value shop uuid shop-db) "
	vmgroup deploy --policy spread --linked --name other shop
	[ "$(bases host1)" -eq 1 ]
	vmgroup undeploy --force shop
	[ "$(bases host1)" -eq 1 ]
	# What stands on it still boots.
	vmgroup start other
	lab_booted other-web1 "$(value other host other-web1)"
	vmgroup undeploy --force other
	as_before
}

@test "a group's qcow2 images are volumes of that format, made of one upload a host" {
	mastimg import --name tinyq --xml "$golden/tinyq.xml" "$golden/tiny.qcow2"
	vmgroup create shopq web=tinyq*3
	vmgroup deploy --host host3 --start shopq
	lab_exec host3 qemu-img info -U --output=json "/var/lib/libvirt/images/$(value shopq 'volumes[0]' shopq-web2)" |
		jq -se '.[0].format == "qcow2" and (.[0] | has("backing-filename") | not)'
	lab_booted shopq-web2 host3
	[ "$(bases host3)" -eq 0 ]
	vmgroup undeploy --force shopq
	as_before
}

@test "the same again is a no-op; another name is a second environment; a change of the group touches later ones only" {
	shop
	vmgroup deploy shop
	ids=$(value shop uuid)
	run -0 --separate-stderr vmgroup deploy -v shop
	[[ $stderr == *'is there already'* ]]
	[ "$(value shop uuid)" = "$ids" ]
	vmgroup remove shop db
	vmgroup deploy --name d2 shop
	[ "$(value shop vm | wc -l)" -eq 4 ]
	[ "$(value d2 vm | xargs)" = 'd2-web1 d2-web2 d2-web3' ]
	run -2 --separate-stderr vmgroup deploy --name 'a b' shop
	vmgroup create else a=tiny
	run -2 --separate-stderr vmgroup deploy --name d2 else
	[[ $stderr == *'one of group shop'* ]]
	vmgroup undeploy shop
	[ "$(vmgroup status -r | wc -l)" -eq 3 ]
	vmgroup undeploy d2
	as_before
}

@test "undeploy --all GROUP: all its deployments; without --all only what is called so, however often" {
	vmgroup create one a=tiny
	vmgroup deploy one
	vmgroup deploy --name d1 one
	vmgroup deploy --name one2 one
	vmgroup undeploy one
	run -1 --separate-stderr vmgroup undeploy one
	[[ $stderr == *'group one has d1, one2: --all'* ]]
	[ "$(vmgroup status -r | wc -l)" -eq 2 ]
	run -0 --separate-stderr vmgroup undeploy --all one
	[ -z "$output$stderr" ]
	run -0 vmgroup status -r
	[ -z "$output" ]
	run -0 vmgroup undeploy --all one
	as_before
}

@test "first-fit: what does not fit on a host goes to the next; what fits nowhere is refused whole, with the shortfall" {
	lab_storage host1 150M
	lab_storage host2 80M
	lab_storage host3 10M
	vmgroup create three vm=tiny*3
	run -0 --separate-stderr vmgroup deploy --dry-run -J three
	[ "$(jq -r '[.host, (.vms | join("+"))] | join("=")' <<<"$output" | xargs)" = \
		'host1=three-vm1+three-vm2 host2=three-vm3 host3=' ]
	run -0 vmgroup status -r
	[ -z "$output" ]
	vmgroup deploy three
	[ "$(hosts_of three)" = 'host1=2 host2=1' ]
	# What is promised is not given twice, though it is not used yet.
	run -4 --separate-stderr vmgroup deploy --name more three
	[[ $stderr == *'host1: default has '*' short of '* ]]
	[[ $stderr == *'host3: default has '*' short of '* ]]
	[[ $stderr == *'3 of 3 VMs find no place'* ]]
	run -1 --separate-stderr vmgroup deploy --dry-run -J --name more three
	jq -se 'map(select(.host != null)) | all(.short_bytes > 0)' <<<"$output"
	[[ $stderr == *'host1: default has '*' short of '*'it does not fit'* ]]
	run -0 vmgroup deploy --over-commit 1000 --name more three
	vmgroup undeploy more
	vmgroup undeploy three
	lab_storage host1 off
	lab_storage host2 off
	lab_storage host3 off
	as_before
}

@test "what one deployment over-commits is no room for another that does not" {
	lab_storage host1 200M
	vmgroup create three vm=tiny*3
	vmgroup create one vm=tiny
	vmgroup deploy --host host1 --over-commit 200 three
	run -4 --separate-stderr vmgroup deploy --host host1 --name more one
	[[ $stderr == *'host1: default has '*' short of '* ]]
	run -0 vmgroup deploy --dry-run -J --host host1 --over-commit 200 --name more one
	jq -se '.[0] | .left_bytes == 2 * (.free_bytes - .reserved_bytes) - .promised_bytes - .need_bytes' <<<"$output"
	run -0 vmgroup deploy --host host1 --over-commit 200 --name more one
	vmgroup undeploy more
	vmgroup undeploy three
	lab_storage host1 off
	as_before
}

@test "two deployments race for the last space: one is refused, the other whole" {
	local host
	for host in $LAB_HOSTS; do
		lab_storage "$host" 80M
	done
	vmgroup create three vm=tiny*3
	background first vmgroup deploy --name d1 three
	run --separate-stderr vmgroup deploy --name d2 three
	second=$status
	wait_until 60 ended first
	[ "$(vmgroup status -J | jq -r .deployment | sort -u | wc -l)" -eq 1 ]
	grep -h 'find no place' "$BATS_FILE_TMPDIR/first.err" <(echo "$stderr")
	if [ "$second" -eq 0 ]; then kept=d2; else kept=d1; fi
	[ "$(value "$kept" progress | sort -u)" = 'done' ]
	vmgroup undeploy "$kept"
	for host in $LAB_HOSTS; do
		lab_storage "$host" off
	done
	as_before
}

@test "names: one that any host has is refused before anything is made, with host and VM" {
	sed 's|<name>tiny<|<name>shop-web2<|; /<uuid>/d; /<mac /d' "$golden/tiny.xml" >"$folder/taken.xml"
	virsh -q -c "$LAB_URI_host3" define "$folder/taken.xml"
	state host3 >"$folder/before.host3"
	shop
	run -2 --separate-stderr vmgroup deploy --host host1 shop
	[[ $stderr == *'host3 has a VM shop-web2 already'* ]]
	run -2 --separate-stderr vmgroup deploy --dry-run --host host1 shop
	[[ $stderr == *'host3 has a VM shop-web2 already'* ]]
	as_before
	run -0 vmgroup status -r
	[ -z "$output" ]
	virsh -q -c "$LAB_URI_host3" undefine shop-web2
}

@test "names: one that another deployment has is refused too, where its host is silent or it is only being made" {
	vmgroup create one b-c=tiny
	vmgroup create two c=tiny
	vmgroup deploy --host host2 --name a one
	lab_cut host2
	run -2 --separate-stderr vmgroup deploy --host host1 --name a-b two
	lab_heal host2
	[[ $stderr == *'deployment a has a VM a-b-c already'* ]]
	vmgroup undeploy a
	background first vmgroup deploy --host host1 --name a one
	run --separate-stderr vmgroup deploy --host host3 --name a-b two
	second=$status
	wait_until 60 ended first
	[ "$(cat "$BATS_FILE_TMPDIR/first.err" <(echo "$stderr") | grep -c 'has a VM a-b-c already')" -eq 1 ]
	if [ "$second" -eq 0 ]; then vmgroup undeploy a-b; else vmgroup undeploy a; fi
	as_before
}

@test "a damaged image is not deployed: what was made is taken back, and it is named" {
	shop
	file=$(find "$folder/images" -name '*vda.raw')
	printf 'x' | dd of="$file" bs=1 seek=5000000 conv=notrunc status=none
	run -4 --separate-stderr vmgroup deploy --policy spread shop
	[[ $stderr == *'image tiny: '*'mastimg verify tiny'* ]]
	[[ $stderr == *'nothing of it is left'* ]]
	as_before
	run -1 vmgroup status shop
}

@test "a disk that is full in the middle, for more was promised than there is: all is taken back" {
	vmgroup create three vm=tiny*3
	lab_storage host1 50M
	run -4 --separate-stderr vmgroup deploy --host host1 --host host2 --over-commit 1000 three
	[[ $stderr == *'host1: three-vm'*'No space left'* ]]
	[[ $stderr == *'nothing of it is left'* ]]
	lab_storage host1 off
	as_before
	run -1 vmgroup status three
}

@test "a host that dies in the middle keeps its part, which is removed when it is back" {
	shop
	lab_latency host2 100ms
	background deploy vmgroup deploy --policy spread shop
	wait_until 60 begun host2
	lab_cut host2
	wait_until 120 ended deploy
	grep -q 'host2: ' "$BATS_FILE_TMPDIR/deploy.err"
	grep -q 'still to be removed' "$BATS_FILE_TMPDIR/deploy.err"
	run -3 --separate-stderr vmgroup undeploy shop
	run -2 --separate-stderr vmgroup deploy shop
	[[ $stderr == *'undeploy shop'* ]]
	lab_heal host2
	lab_latency host2 off
	run -0 --separate-stderr vmgroup undeploy shop
	[ -z "$output$stderr" ]
	as_before
}

@test "undeploy while a host is down is remembered, and finished later" {
	shop
	vmgroup deploy --policy spread --linked shop
	lab_cut host3
	run -3 --separate-stderr vmgroup undeploy shop
	[[ $stderr == *'host3: '* ]]
	[[ $stderr == *'vmgroup undeploy shop'* ]]
	run -3 --separate-stderr vmgroup status -J shop
	[ "$(jq -r 'select(.host != "host3") | .progress' <<<"$output" | sort -u)" = removed ]
	lab_heal host3
	run -0 --separate-stderr vmgroup undeploy shop
	[ -z "$output$stderr" ]
	as_before
}

@test "a host that is lost for good: what lay there is named and forgotten, and the rest removed" {
	local uuid volume
	shop
	vmgroup deploy --policy spread --linked shop
	run -1 --separate-stderr vmgroup undeploy --forget-host host3 shop
	[[ $stderr == *'host3 answers'*'nothing was removed'* ]]
	run -1 --separate-stderr vmgroup undeploy --forget-host host9 shop
	[[ $stderr == *"has nothing on a host 'host9'"* ]]
	[ "$(value shop progress | sort -u)" = 'done' ]
	uuid=$(vmgroup status -J shop | jq -rs '[.[] | select(.host == "host3")][0].uuid')
	volume=$(vmgroup status -J shop | jq -rs '[.[] | select(.host == "host3")][0].volumes[0]')
	state host3 >"$folder/left.host3"
	lab_cut host3
	run -3 vmgroup undeploy shop
	run -0 --separate-stderr vmgroup undeploy --forget-host host3 shop
	lab_heal host3
	[[ $stderr == *'host3: VM shop-'*"($uuid) is left behind"* ]]
	[[ $stderr == *"host3: volume ${volume##*/} in pool default is left behind"* ]]
	[[ $stderr == *'host3: volume vmroll-base-'*' is left behind'* ]]
	[[ $stderr != *'host1: '* && $stderr != *'host2: '* ]]
	run -0 vmgroup status -r
	[ -z "$output" ]
	run -0 vmgroup log -J shop
	jq -se '.[-1].what == "undeploy shop --forget-host host3"' <<<"$output"
	diff "$folder/left.host3" <(state host3)
	sweep host3
	as_before
	# What stands where hosts(5) no longer says is forgotten without a question, and runs on.
	vmgroup deploy --policy spread --start --name again shop
	grep -v '^host2' "$LAB_HOSTS_FILE" >"$folder/gone"
	VMROLL_HOSTS=$folder/gone run -0 --separate-stderr vmgroup undeploy --force --forget-host host2 again
	[[ $stderr == *'host2: VM again-'*' is left behind'* ]]
	[ -n "$(virsh -q -c "$(uri host2)" list --name)" ]
	vmgroup delete shop
	sweep host2
	as_before
}

@test "a host that does not answer is not used, and said" {
	vmgroup create three vm=tiny*3
	lab_cut host1
	run -0 --separate-stderr vmgroup deploy three
	lab_heal host1
	[[ $stderr == *'host1: '*'nothing is placed there'* ]]
	[ "$(hosts_of three)" = 'host2=3' ]
	vmgroup undeploy three
	as_before
}

@test "a host whose address changes in hosts(5) is found there; one that is gone from it, at its old one" {
	vmgroup create one a=tiny
	sed "s|$(uri host2)|qemu+tcp://[$LAB_ADDRESS6_host2]/system|" "$LAB_HOSTS_FILE" >"$folder/moved"
	VMROLL_HOSTS=$folder/moved vmgroup deploy --host host2 --linked one
	sed "s|$LAB_ADDRESS_host2|$LAB_ADDRESS_host3|g" "$LAB_HOSTS_FILE" >"$folder/other"
	VMROLL_HOSTS=$folder/other run -0 vmgroup status -J one
	jq -se --arg there "$LAB_ADDRESS_host3" '.[0] | .state == null and .host_address == $there' <<<"$output"
	lab_cut host3
	VMROLL_HOSTS=$folder/other run -3 vmgroup undeploy one
	lab_heal host3
	grep -v '^host2' "$LAB_HOSTS_FILE" >"$folder/gone"
	VMROLL_HOSTS=$folder/gone run -0 vmgroup status -J one
	jq -se '.[0].state == "shut off"' <<<"$output"
	vmgroup undeploy one
	vmgroup deploy --host host2 one
	VMROLL_HOSTS=$folder/gone vmgroup undeploy one
	as_before
}

@test "resume of what was undeployed ends no VM that runs" {
	vmgroup create one a=tiny
	vmgroup deploy --host host2 --start one
	lab_cut host2
	run -3 vmgroup undeploy one
	lab_heal host2
	run -3 --separate-stderr vmgroup resume one
	[[ $stderr == *'one-a: it runs: --force ends it'* ]]
	[ "$(value one state)" = running ]
	vmgroup undeploy --force one
	as_before
}

@test "what an admin removed, renamed or snapshotted by hand: said where it is missed, and undeployed" {
	vmgroup create four a=tiny b=tiny c=tiny d=tiny
	vmgroup deploy --host host1 four
	virsh -q -c "$LAB_URI_host1" undefine four-a
	virsh -q -c "$LAB_URI_host1" domrename four-b renamed
	virsh -q -c "$LAB_URI_host1" vol-delete "$(value four 'volumes[0]' four-c)" default
	virsh -q -c "$LAB_URI_host1" snapshot-create-as four-d kept --no-metadata 2>/dev/null || true
	run -1 --separate-stderr vmgroup start four
	[[ $stderr == *'four-a on host1: it is not there any more: vmgroup undeploy four'* ]]
	run -0 --separate-stderr vmgroup undeploy four
	[ -z "$output$stderr" ]
	as_before
}

@test "external snapshots: overlays, of which the record does not know, are named as left behind" {
	local images=/var/lib/libvirt/images kind
	vmgroup create two a=tiny b=tiny
	for kind in '' --linked; do
		# shellcheck disable=SC2086 # none, or one
		vmgroup deploy --host host1 $kind two
		virsh -q -c "$LAB_URI_host1" snapshot-create-as two-a first --disk-only \
			--diskspec "vda,snapshot=external,file=$images/of-a.first"
		virsh -q -c "$LAB_URI_host1" snapshot-create-as two-a second --disk-only \
			--diskspec "vda,snapshot=external,file=$images/of-a.second"
		vmgroup start two
		virsh -q -c "$LAB_URI_host1" snapshot-create-as two-b third --disk-only --no-metadata \
			--diskspec "vda,snapshot=external,file=$images/of-b.third"
		run -0 --separate-stderr vmgroup undeploy --force two
		[ "$(sort <<<"$stderr")" = "$(printf 'vmgroup: host1: two-%s is left behind: the deployment did not make it\n' \
			"a: $images/of-a.first" "a: $images/of-a.second" "b: $images/of-b.third")" ]
		lab_exec host1 rm "$images/of-a.first" "$images/of-a.second" "$images/of-b.third"
		as_before
	done
}

@test "another station, whose numbers are the same: what it has on the hosts is not touched" {
	vmgroup create one a=tiny
	vmgroup deploy --host host1 --linked one
	(
		export VMROLL_STORE=lmdb:$folder/other
		sed "s|$folder/images|$folder/images.other|" "$VMROLL_CONFIG" >"$folder/other.conf"
		export VMROLL_CONFIG=$folder/other.conf
		cp --sparse=always "$golden/tiny.raw" "$folder/changed.raw"
		printf 'another content' | dd of="$folder/changed.raw" bs=1 seek=60000000 conv=notrunc status=none
		mastimg import --name tiny --xml "$golden/tiny.xml" "$folder/changed.raw"
		vmgroup create one a=tiny
		run -2 vmgroup deploy --host host1 --linked one
		vmgroup deploy --host host1 --linked --name two one
		[ "$(bases host1)" -eq 2 ]
		vmgroup undeploy two
	)
	[ "$(bases host1)" -eq 1 ]
	vmgroup start one
	lab_booted one-a host1
	vmgroup undeploy --force one
	as_before
}

@test "SIGTERM: what was made is taken back" {
	shop
	lab_latency host2 50ms
	background deploy vmgroup deploy --policy spread shop
	wait_until 60 begun host2
	background_signal deploy TERM
	wait_until 60 ended deploy
	lab_latency host2 off
	[ "$(head -1 "$BATS_FILE_TMPDIR/deploy.err")" = 'vmgroup: interrupted' ]
	grep -q 'nothing of it is left' "$BATS_FILE_TMPDIR/deploy.err"
	as_before
	run -0 vmgroup status -r
	[ -z "$output" ]
}

@test "start, stop and restart in order" {
	vmgroup create two a=tiny b=tiny
	vmgroup deploy --policy spread two
	[ "$(value two state | sort -u)" = 'shut off' ]
	run -0 --separate-stderr vmgroup start -v two
	[[ $stderr == *'two-a on '*'two-b on '* ]]
	[ "$(value two state | sort -u)" = running ]
	lab_booted two-a "$(value two host two-a)"
	lab_booted two-b "$(value two host two-b)"
	run -0 --separate-stderr vmgroup stop -v two
	[[ $stderr == *'two-b on '*'two-a on '* ]]
	[ "$(value two state | sort -u)" = 'shut off' ]
	run -0 vmgroup stop two
	vmgroup start two
	# Nobody has booted yet who would obey.
	run -3 --separate-stderr vmgroup stop --timeout 1ms two
	[[ $stderr == *'--force'* ]]
	run -0 vmgroup stop --timeout 1ms --force two
	[ "$(value two state | sort -u)" = 'shut off' ]
	vmgroup undeploy two
	as_before
}

@test "--reset-identity: a copy is reset, and said what; the image stays as it is" {
	vmgroup create one a=tiny
	run -4 --separate-stderr vmgroup deploy --reset-identity one
	[[ $stderr == *'virt-sysprep is not installed'* ]]
	mkdir "$folder/bin"
	cat >"$folder/bin/virt-sysprep" <<-'END'
		#!/bin/bash
		while [[ $1 != -a ]]; do shift; done
		printf 'another identity' | dd of="$2" bs=1 seek=60000000 conv=notrunc status=none
		echo '[   1.0] Performing "machine-id" ...'
		echo '[   2.0] Performing "ssh-hostkeys" ...'
	END
	chmod +x "$folder/bin/virt-sysprep"
	PATH=$folder/bin:$PATH run -0 --separate-stderr vmgroup deploy --host host1 --linked --reset-identity one
	[[ $stderr == *'image tiny: '*'machine-id, ssh-hostkeys'* ]]
	lab_exec host1 grep -q 'another identity' "/var/lib/libvirt/images/$(virsh -q -c "$LAB_URI_host1" vol-list default |
		awk '/vmroll-base/ { print $1 }')"
	mastimg verify tiny
	[ -z "$(find "$folder/images/staging" -mindepth 1)" ]
	vmgroup undeploy one
	as_before
}

@test "a definition that a host refuses: all is taken back, and the host says why" {
	sed "s|machine='[^']*'|machine='no-such-machine'|" "$golden/tiny.xml" >"$folder/odd.xml"
	mastimg import --name odd --xml "$folder/odd.xml" "$golden/tiny.raw"
	vmgroup create mixed a=tiny b=odd
	run --separate-stderr vmgroup deploy --policy spread --linked mixed
	[ "$status" -ne 0 ]
	[[ $stderr == *': mixed-b: '*no-such-machine* ]]
	[[ $stderr == *'nothing of it is left'* ]]
	as_before
	run -1 vmgroup status mixed
}

@test "linked deployments at the same time fill a base once, and give it up while others come" {
	local round
	vmgroup create one a=tiny
	for round in 1 2 3; do
		background first vmgroup deploy --host host1 --linked --name d1 one
		background second vmgroup deploy --host host1 --linked --name d2 one
		wait_until 60 ended first
		wait_until 60 ended second
		[ "$(bases host1)" -eq 1 ]
		vmgroup undeploy d1
		# The last that stands on it goes as another comes.
		background first vmgroup undeploy d2
		background second vmgroup deploy --host host1 --linked --start --name d3 one
		wait_until 60 ended first
		wait_until 60 ended second
		[ "$(value d3 progress)" = 'done' ]
		[ "$(bases host1)" -eq 1 ]
		vmgroup undeploy --force d3
		[ -z "$(cat "$BATS_FILE_TMPDIR/first.err" "$BATS_FILE_TMPDIR/second.err")" ]
		as_before
	done
}

# kill_at MS COMMAND...: it is killed so long after its start, unless it has ended.
kill_at()
{
	local ms=$1 pid
	shift
	"$@" >/dev/null 2>&1 3>&- &
	pid=$!
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
	! kill -KILL "$pid" 2>/dev/null || killed=$((killed + 1))
	wait "$pid" 2>/dev/null || true
}

# took COMMAND...: milliseconds.
took()
{
	local begin=${EPOCHREALTIME/./}
	"$@"
	echo $(((${EPOCHREALTIME/./} - begin) / 1000 + 1))
}

# overlays: of clones that are being made on host1
overlays()
{
	find "$LAB_DIR/host/host1/lib/images" -name '*.vmroll-overlay'
}

# killed_in_clone: wide is deployed to host1, and killed while a disk is cloned there; false where this process got no turn meanwhile
killed_in_clone()
{
	vmgroup undeploy wide 2>/dev/null || true
	background deploy vmgroup deploy --host host1 wide
	until [[ -n $(overlays) ]] || ended deploy; do :; done
	background_end deploy KILL
	[[ -n $(overlays) ]]
}

@test "kill -9 while a disk is cloned: what helped to clone it goes with the rest" {
	cp --sparse=always "$golden/tiny.raw" "$folder/wide.raw"
	truncate -s 600M "$folder/wide.raw"
	head -c 300M /dev/urandom | dd of="$folder/wide.raw" bs=1M seek=200 conv=notrunc status=none
	mastimg import --name wide --xml "$golden/tiny.xml" "$folder/wide.raw"
	vmgroup create wide 'web=wide*3'
	wait_until 60 killed_in_clone
	vmgroup undeploy wide
	as_before
	wait_until 60 killed_in_clone
	vmgroup resume wide
	[ -z "$(overlays)" ]
	cmp "$folder/wide.raw" "$LAB_DIR/host/host1/lib/images/$(value wide volumes wide-web3 | jq -r '.[0]' | sed 's|.*/||')"
	vmgroup undeploy wide
	as_before
}

@test "kill -9 at random points: resume finishes it, undeploy removes it, twice is once" {
	local round linked deploy undeploy before killed=0
	shop
	deploy=$(took vmgroup deploy --policy spread shop)
	undeploy=$(took vmgroup undeploy shop)
	RANDOM=4711
	for ((round = 0; round < VMGROUP_KILLS; round++)); do
		linked=()
		((round % 2)) || linked=(--linked)
		before=$killed
		kill_at $((RANDOM % deploy)) vmgroup deploy --policy spread "${linked[@]}" shop
		# As fast as this machine is now.
		if ((killed > before)); then deploy=$((deploy * 21 / 20)); else deploy=$((deploy * 3 / 4 + 20)); fi
		if ((round % 3 == 0)); then
			kill_at $((RANDOM % undeploy)) vmgroup undeploy shop
		elif ((round % 3 == 1)); then
			kill_at $((RANDOM % deploy)) vmgroup resume shop
		fi
		if ((round % 3)) && vmgroup status shop >/dev/null 2>&1; then
			vmgroup resume shop
			[ "$(value shop progress | sort -u)" = 'done' ]
			vmgroup resume shop
		fi
		if vmgroup status shop >/dev/null 2>&1; then
			vmgroup undeploy shop
		fi
		as_before
		run -1 vmgroup undeploy shop
	done
	# Many of them hit.
	[ "$killed" -gt "$((VMGROUP_KILLS / 3))" ]
	vmgroup deploy shop
	vmgroup undeploy shop
	as_before
}
