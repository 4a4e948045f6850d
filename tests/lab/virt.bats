#!/usr/bin/env bats
# virt.bats - pools, volumes, streams, domains and backups of real hosts, through lib/virt and nothing else
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab

bats_require_minimum_version 1.5.0

images=/var/lib/libvirt/images

setup_file()
{
	lab_up --hosts 2 --guests 0
	lab_env
	lab_disk boot1 host1 --agent
	# 4 MiB in three pieces, one of them at an odd place, and a hole at the end.
	export SOURCE=$BATS_FILE_TMPDIR/source
	truncate -s 64M "$SOURCE"
	head -c 2M /dev/urandom | dd of="$SOURCE" bs=1M seek=5 conv=notrunc status=none
	head -c 1M /dev/urandom | dd of="$SOURCE" bs=1M seek=40 conv=notrunc status=none
	head -c 1000000 /dev/urandom | dd of="$SOURCE" bs=4k seek=14337 conv=notrunc status=none
	SOURCE_SHA256=$(sha256sum <"$SOURCE" | cut -d ' ' -f 1)
	export SOURCE_SHA256
}

setup()
{
	lab_env
	uri=$LAB_URI_host1
	pool=$LAB_DIR/host/host1/lib/images
}

teardown()
{
	background_end_all
	# The next one begins as this one did.
	virsh -q -c "$uri" destroy boot1 >/dev/null 2>&1 || true
	virsh -q -c "$uri" destroy copy1 >/dev/null 2>&1 || true
}

teardown_file()
{
	lab_down
}

# on COMMAND...: on host1
on()
{
	"$top_builddir/tests/cli/virt_do" "$uri" "$@"
}

# fails CODE COMMAND...: it fails so
fails()
{
	local code=$1
	shift
	run -1 --separate-stderr on "$@"
	[[ $stderr == *"$code: "* ]] || {
		printf 'expected %s, got: %s\n' "$code" "$stderr"
		return 1
	}
}

allocated()
{
	du --block-size=1 "$1" | cut -f 1
}

# upload NAME: SOURCE as a volume of the pool
upload()
{
	on create default "$1" raw 67108864
	on upload default "$1" "$BATS_FILE_TMPDIR" source
}

# remove NAME...
remove()
{
	local name
	for name; do
		on delete default "$name"
	done
}

@test "pools: found, listed, inactive ones too; what is not there is told" {
	run -0 on pool default
	[[ $output == "default dir $images active "* ]]
	fails NOT_FOUND pool nowhere
	virsh -q -c "$uri" pool-define-as --name asleep --type dir --target /srv/asleep
	run -0 on pool asleep
	[[ $output == 'asleep dir /srv/asleep inactive '* ]]
	run -0 on pools
	[ "${#lines[@]}" -eq 2 ]
	fails NOT_FOUND find asleep a
	[[ $stderr == *'pool asleep is not active'* ]]
	fails NOT_FOUND names asleep
	virsh -q -c "$uri" pool-undefine asleep
}

@test "volumes: made sparse, found, listed, deleted; deleted again is no error" {
	run -0 on create default a.raw raw 10485760
	[ "$output" = "$images/a.raw" ]
	run -0 on find default a.raw
	[ "$output" = "a.raw $images/a.raw raw - 10485760 0" ]
	run -0 on modified default a.raw
	[ "$((output / 1000))" = "$(stat -c %Y "$pool/a.raw")" ]
	run -0 on names default
	grep -Fxq a.raw <<<"$output"
	remove a.raw a.raw
	[ ! -e "$pool/a.raw" ]
	run -0 on find default a.raw
	[ "$output" = none ]
	fails NOT_FOUND delete nowhere a.raw
}

@test "a volume that is there is never made again, not if no pool has seen it either" {
	printf precious >"$pool/unseen"
	fails CONFLICT create default unseen qcow2 1048576
	fails CONFLICT create default unseen raw 1048576
	on create default seen raw 1048576
	fails CONFLICT clone default unseen raw default seen
	fails CONFLICT clone default unseen qcow2 default seen
	remove seen
	[ "$(<"$pool/unseen")" = precious ]
	# Asked for, it is looked for.
	run -0 on find default unseen
	[[ $output == "unseen $images/unseen raw - 8 "* ]]
	fails CONFLICT create default unseen raw 1048576
	remove unseen
	[ ! -e "$pool/unseen" ]
}

@test "formats that there are not, and names that cannot be, are refused" {
	fails USAGE create default x vmdkx 1048576
	fails ENV create default a/b raw 1048576
}

@test "overlays stand on a base that nobody may write" {
	run -0 on create-base default base raw 1048576
	[ "$(stat -c %a "$pool/base")" = 444 ]
	on create default over qcow2 1048576 "$images/base" raw
	run -0 on find default over
	[[ $output == "over $images/over qcow2 $images/base 1048576 "* ]]
	remove over base
}

@test "content: up and down again, holes stay holes" {
	local used
	upload up.raw
	run -0 on digest default up.raw
	[[ $output == "$SOURCE_SHA256 67108864 "* ]]
	run -0 on download default up.raw "$BATS_TEST_TMPDIR" down
	[[ $output == "$SOURCE_SHA256 67108864 "* ]]
	cmp "$SOURCE" "$BATS_TEST_TMPDIR/down"
	for used in "$(allocated "$pool/up.raw")" "$(allocated "$BATS_TEST_TMPDIR/down")"; do
		[ "$used" -ge 4000000 ]
		[ "$used" -le 4600000 ]
	done
	remove up.raw
	fails NOT_FOUND digest default up.raw
}

@test "content: what was in the volume before does not show through a hole" {
	on create default old.raw raw 67108864
	head -c 64M /dev/zero | tr '\0' x >"$pool/old.raw"
	on upload default old.raw "$BATS_FILE_TMPDIR" source
	cmp "$SOURCE" "$pool/old.raw"
	remove old.raw
}

@test "clones: raw, qcow2, and what stood on a base stands alone" {
	upload from.raw
	on clone default twin.raw raw default from.raw
	cmp "$SOURCE" "$pool/twin.raw"
	[ "$(allocated "$pool/twin.raw")" -le 4600000 ]
	on clone default twin.qcow2 qcow2 default from.raw
	on create default over.qcow2 qcow2 67108864 "$images/from.raw" raw
	on clone default alone.qcow2 qcow2 default over.qcow2
	on clone default alone.raw raw default over.qcow2
	cmp "$SOURCE" "$pool/alone.raw"
	run -0 on find default alone.qcow2
	[[ $output == "alone.qcow2 $images/alone.qcow2 qcow2 - 67108864 "* ]]
	[ "$(allocated "$pool/alone.raw")" -le 4600000 ]
	fails CONFLICT clone default twin.raw raw default from.raw
	fails NOT_FOUND clone default another.raw raw default nothing
	remove over.qcow2 from.raw
	qemu-img compare -q "$pool/alone.qcow2" "$pool/twin.qcow2"
	remove twin.raw twin.qcow2 alone.qcow2 alone.raw
}

@test "a raw clone has the size, bytes and holes of its source, and what helped is gone" {
	on create default large.raw raw 8589935616
	dd if=/dev/urandom of="$pool/large.raw" bs=1M seek=8000 count=2 conv=notrunc status=none
	on clone default twin.raw raw default large.raw
	cmp "$pool/large.raw" "$pool/twin.raw"
	[ "$(stat -c %s "$pool/twin.raw")" = 8589935616 ]
	[ "$(allocated "$pool/twin.raw")" -le 2200000 ]
	remove twin.raw large.raw
	# The daemon would round the qcow2 between up to 1024 bytes.
	on create default odd.raw raw 1000448
	on clone default twin.raw raw default odd.raw
	[ "$(stat -c %s "$pool/twin.raw")" = 1000448 ]
	remove twin.raw odd.raw
	run -0 find "$pool" -name '*overlay*'
	[ -z "$output" ]
}

@test "a base that running guests stand on can be cloned" {
	on create-base default base.raw raw 67108864
	on create default over.qcow2 qcow2 67108864 "$images/base.raw" raw
	on start boot1
	virsh -q -c "$uri" attach-disk boot1 "$images/over.qcow2" vdb --driver qemu --subdriver qcow2
	on clone default twin.raw raw default base.raw
	cmp "$pool/base.raw" "$pool/twin.raw"
	on destroy boot1
	remove twin.raw over.qcow2 base.raw
}

@test "a file that no pool has gets a pool for as long as it is wanted" {
	local name
	lab_exec host1 mkdir -p /srv/vms
	lab_exec host1 cp --sparse=always /dev/stdin /srv/vms/x.raw <"$SOURCE"
	run -0 on at /srv/vms/x.raw
	[[ $output == vmroll-*' x.raw made' ]]
	name=${output%% *}
	run -0 on at /srv/vms/x.raw
	[ "$output" = "$name x.raw made" ]
	run -0 on digest "$name" x.raw
	[[ $output == "$SOURCE_SHA256 "* ]]
	# A file that came later is looked for.
	lab_exec host1 touch /srv/vms/y.raw
	run -0 on at /srv/vms/y.raw
	[ "$output" = "$name y.raw made" ]
	on drop "$name"
	on drop "$name"
	run -0 on pools
	[ "${#lines[@]}" -eq 1 ]
	lab_exec host1 test -s /srv/vms/x.raw
}

@test "no pool is made for nothing, over devices, or left behind; those of others are not dropped" {
	run -0 on at "$images/boot1.raw"
	[ "$output" = 'default boot1.raw there' ]
	lab_exec host1 mkdir -p /srv/empty
	fails NOT_FOUND at /srv/empty/x.raw
	fails NOT_FOUND at /srv/missing/x.raw
	fails NOT_FOUND at "$images/nothing"
	fails NOT_FOUND at /dev/null
	fails NOT_FOUND at x.raw
	run -0 on pools
	[ "${#lines[@]}" -eq 1 ]
	fails USAGE drop default
	virsh -q -c "$uri" pool-define-as --name vmroll-mine --type dir --target /srv/empty
	fails USAGE drop vmroll-mine
	virsh -q -c "$uri" pool-undefine vmroll-mine
}

@test "a pool that is full says so, to streams, clones and backups" {
	local uri=$LAB_URI_host2
	lab_storage host2 8M
	on create default half raw 67108864
	head -c 12M /dev/urandom >"$BATS_TEST_TMPDIR/random"
	fails FULL upload default half "$BATS_TEST_TMPDIR" random
	fails FULL clone default other raw default half
	fails FULL clone default other qcow2 default half
	run -0 on find default other
	[ "$output" = none ]
	on delete default half
	upload fits
	run -0 on digest default fits
	[[ $output == "$SOURCE_SHA256 "* ]]
	lab_storage host2 off
}

@test "a host that dies in the middle of a stream costs the stall, and no more" {
	head -c 400M /dev/urandom >"$pool/long.raw"
	lab_latency host1 50ms
	background stream "$top_builddir/tests/cli/virt_do" --stall 3000 "$uri" \
		download default long.raw "$BATS_TEST_TMPDIR" down
	wait_until 60 seen "$BATS_FILE_TMPDIR/stream.err" '^moved'
	background_alive stream
	lab_cut host1
	stalled() { seen "$BATS_FILE_TMPDIR/stream.err" '^DEADLINE: nothing moved for 3s'; }
	wait_until 60 stalled
	lab_heal host1
	lab_latency host1 off
	wait_until 60 on delete default long.raw
	# What was written so far is gone with its process, or told by nobody as whole.
	run -0 on pool default
}

@test "a copy whose process was killed goes on in the daemon; then it can be deleted" {
	head -c 300M /dev/urandom >"$pool/long.raw"
	background copy "$top_builddir/tests/cli/virt_do" "$uri" clone default long.qcow2 qcow2 default long.raw
	wait_until 30 test -s "$pool/long.qcow2"
	background_end copy KILL
	wait_until 60 on delete default long.qcow2
	[ ! -e "$pool/long.qcow2" ]
	# It is killed before the daemon has copied all, unless this one gets no turn meanwhile: then again.
	killed_between()
	{
		on delete default twin.raw
		background copy "$top_builddir/tests/cli/virt_do" "$uri" clone default twin.raw raw default long.raw
		until [[ -e $pool/twin.raw.vmroll-overlay || -s $pool/twin.raw ]]; do :; done
		background_end copy KILL
		[ -e "$pool/twin.raw.vmroll-overlay" ]
	}
	wait_until 60 killed_between
	wait_until 60 on delete default twin.raw
	[ ! -e "$pool/twin.raw" ]
	[ ! -e "$pool/twin.raw.vmroll-overlay" ]
	# Nor is one left of which nothing was cloned yet.
	on create default twin.raw.vmroll-overlay qcow2 314572800 "$images/long.raw" raw
	remove twin.raw long.raw
	[ ! -e "$pool/twin.raw.vmroll-overlay" ]
}

# ---- domains ----

# uuid NAME: 32 digits
uuid()
{
	on uuid "$1" | tr -d -
}

@test "a domain: started, told, shut down, pulled; each twice is no error" {
	local id
	run -0 on uuid boot1
	[ "$output" = "$(virsh -q -c "$uri" domuuid boot1 | tr -d '\n')" ]
	id=$(uuid boot1)
	run -0 on state "$id"
	[ "$output" = '5 off' ]
	on shutdown "$id" 1000
	on destroy "$id"
	on start "$id"
	on start "$id"
	run -0 on state "$id"
	[ "$output" = '1 active' ]
	lab_booted boot1 host1
	on shutdown "$id" 60000
	run -0 on state "$id"
	[ "$output" = '5 off' ]
	on start "$id"
	on destroy "$id"
	on destroy "$id"
	run -0 on state "$id"
	[ "$output" = '5 off' ]
	fails NOT_FOUND uuid nobody
	run -0 on state 00000000000000000000000000000001
	[ "$output" = none ]
	on shutdown 00000000000000000000000000000001 1000
	on destroy 00000000000000000000000000000001
	on undefine 00000000000000000000000000000001
	fails NOT_FOUND start 00000000000000000000000000000001
	fails NOT_FOUND config 00000000000000000000000000000001
}

@test "a guest that does not go down costs its time" {
	on start boot1
	# Nobody listens to the button yet.
	fails DEADLINE shutdown boot1 200
	[[ $stderr == *'boot1 still runs'* ]]
	virsh -q -c "$uri" suspend boot1
	fails ENV shutdown boot1 200
	[[ $stderr == *'boot1 is paused'* ]]
	on destroy boot1
}

# definition NAME UUID: boot1's, with these
definition()
{
	on config boot1 | sed "s|<name>.*</name>|<name>$1</name>|; s|<uuid>.*</uuid>|<uuid>$2</uuid>|; /<mac /d"
}

@test "definitions: new ones only; names and UUIDs that are taken, and XML that is wrong, are refused" {
	local first=10000000-0000-4000-8000-000000000001 second=10000000-0000-4000-8000-000000000002 before
	definition copy1 "$first" | on define
	before=$(on config copy1)
	definition copy1 "$second" >"$BATS_TEST_TMPDIR/name"
	definition copy2 "$first" >"$BATS_TEST_TMPDIR/uuid"
	definition copy1 "$first" | sed 's|>1</vcpu>|>2</vcpu>|' >"$BATS_TEST_TMPDIR/same"
	local bad
	for bad in name uuid same; do
		fails CONFLICT define <"$BATS_TEST_TMPDIR/$bad"
		[[ $stderr == *'copy1'* ]]
	done
	[ "$(on config copy1)" = "$before" ]
	definition copy2 "$second" | sed 's|<devices>|<devices><warp/>|' >"$BATS_TEST_TMPDIR/wrong"
	fails USAGE define <"$BATS_TEST_TMPDIR/wrong"
	fails CORRUPT define <<<'<domain>'
	on undefine copy1
	fails NOT_FOUND uuid copy1
}

@test "a host without memory for a domain says so" {
	definition huge 10000000-0000-4000-8000-000000000003 |
		sed 's|<memory .*|<memory unit="TiB">4</memory>|; /<currentMemory /d' | on define
	fails FULL start huge
	on undefine huge
}

@test "what a domain left behind does not keep it from being undefined" {
	local id
	definition copy1 10000000-0000-4000-8000-000000000001 | on define
	id=$(uuid copy1)
	# Of the disk of boot1, which is off.
	on start "$id"
	virsh -q -c "$uri" managedsave copy1 >/dev/null
	on undefine "$id"
	run -0 on state "$id"
	[ "$output" = none ]
}

agent_answers()
{
	[[ $(on addresses boot1) == 172.31.* ]]
}

@test "addresses from the agent; file systems held still; both told where there is no agent" {
	on start boot1
	lab_booted boot1 host1
	wait_until 30 agent_answers
	run -0 on addresses boot1
	[ "${#lines[@]}" -eq 1 ]
	on freeze boot1 5
	on thaw boot1
	on thaw boot1
	on destroy boot1
	fails ENV freeze boot1 1
}

@test "memory for more domains" {
	local total
	total=$(($(awk '/^MemTotal/ { print $2 }' /proc/meminfo) * 1024))
	run -0 on memory
	[ "$output" -gt 0 ]
	[ "$output" -le "$total" ]
}

# ---- backups ----

@test "a backup of a running guest: whole, at one instant, and as sparse as qcow2 is" {
	on start boot1
	lab_booted boot1 host1
	wait_until 30 agent_answers
	on freeze boot1 5
	run -0 --separate-stderr on backup boot1 raw vda "$images/b.raw"
	[ "${lines[0]}" = begun ]
	# A job that is done at the first look has told nothing.
	[[ -z $stderr || $stderr == 'moved '* ]]
	run -0 on backup boot1 qcow2 vda "$images/b.qcow2"
	qemu-img compare -q -U "$pool/boot1.raw" "$pool/b.raw"
	qemu-img compare -q -U "$pool/boot1.raw" "$pool/b.qcow2"
	on thaw boot1
	# It can be read, and deleted, at once.
	run -0 on digest default b.raw
	[[ $output == "$(sha256sum <"$pool/b.raw" | cut -d ' ' -f 1) 67108864 "* ]]
	[ "$(allocated "$pool/b.qcow2")" -lt 40000000 ]
	remove b.raw b.qcow2
	on destroy boot1
}

# add_wide: a second disk, vdb, whose copy takes a while
add_wide()
{
	on create default wide.raw raw 1073741824
	head -c 1G /dev/urandom >"$pool/wide.raw"
	virsh -q -c "$uri" attach-disk boot1 "$images/wide.raw" vdb --driver qemu --subdriver raw >/dev/null
}

@test "a backup that is refused, fails or is stopped leaves no job" {
	on start boot1
	fails USAGE backup boot1 raw vdz "$images/b.raw"
	fails USAGE backup boot1 raw vda "$images/boot1.raw"
	fails ENV backup boot1 raw vda /nowhere/b.raw
	add_wide
	fails PERMANENT backup-refused boot1 raw vdb "$images/b.raw"
	remove b.raw
	on backup-abort boot1
	on backup-abort 00000000000000000000000000000001
	on backup boot1 raw vda "$images/b.raw"
	remove b.raw
	on destroy boot1
	fails CONFLICT backup boot1 raw vda "$images/b.raw"
	on backup-abort boot1
	remove wide.raw
}

@test "a backup whose target is full fails as such" {
	on start boot1
	lab_exec host1 mkdir -p /srv/small
	lab_exec host1 mount -t tmpfs -o size=4m tmpfs /srv/small
	run --separate-stderr on backup boot1 raw vda /srv/small/b.raw
	local said=$stderr status=$status
	lab_exec host1 umount /srv/small
	on destroy boot1
	[ "$status" -eq 1 ]
	[[ $said == *'FULL: '* ]]
}

@test "a backup that a killed process left behind can be ended; meanwhile there is no other" {
	on start boot1
	add_wide
	background job "$top_builddir/tests/cli/virt_do" "$uri" backup boot1 raw vdb "$images/b.raw"
	wait_until 30 seen "$BATS_FILE_TMPDIR/job.out" begun
	background_end job KILL
	fails LOCKED backup boot1 raw vda "$images/c.raw"
	on backup-abort boot1
	on backup-abort boot1
	on backup boot1 raw vda "$images/c.raw"
	on destroy boot1
	remove b.raw c.raw wide.raw
}
