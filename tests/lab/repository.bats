#!/usr/bin/env bats
# repository.bats - a storage pool of a real libvirt host as the repository of images
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab

bats_require_minimum_version 1.5.0

setup_file()
{
	lab_up --hosts 1 --guests 0
}

setup()
{
	lab_env
	setting=pool:default@$LAB_URI_host1
	images=$LAB_DIR/host/host1/lib/images
	source=$BATS_TEST_TMPDIR/source.raw
}

teardown()
{
	background_end_all
	[[ -z ${LAB_DIR:-} ]] || rm -f "$LAB_DIR"/host/host1/lib/images/*
}

teardown_file()
{
	lab_down
}

use()
{
	"${top_builddir:?}/tests/cli/repository_use" "$setting" "$@"
}

# make_source BYTES: data, a hole, data at the very end.
make_source()
{
	truncate -s "$1" "$source"
	head -c $(($1 < 300000 ? $1 : 300000)) /dev/urandom | dd of="$source" conv=notrunc status=none
	printf end | dd of="$source" conv=notrunc bs=1 seek=$(($1 - 3)) status=none
}

digest()
{
	sha256sum <"$1" | cut -d ' ' -f 1
}

# The volumes there, one a line.
volumes()
{
	virsh -q -c "$LAB_URI_host1" pool-refresh default >&2
	virsh -q -c "$LAB_URI_host1" vol-list default | awk '{ print $1 }' | sort
}

@test "a disk comes back as it was, and its holes are none" {
	make_source $((64 << 20))
	run -0 use write 7 1 vda "$source"
	[ "$output" = "vmroll-7.1-vda $(digest "$source")" ]
	run -0 use read 7 vmroll-7.1-vda $((64 << 20))
	[[ $output == "$((64 << 20)) "*" $(digest "$source")" ]]
	(("$(use physical 7 vmroll-7.1-vda)" < 1 << 20))
	cmp "$source" "$images/vmroll-7.1-vda"
}

@test "lengths that no sector has, and nothing at all" {
	for bytes in 1000003 513 4; do
		make_source "$bytes"
		run -0 use write 7 1 vda "$source"
		run -0 use read 7 vmroll-7.1-vda "$bytes"
		[[ $output == "$bytes "*" $(digest "$source")" ]]
		use unstage 7 1
	done
	truncate -s 0 "$source"
	use write 7 1 vda "$source"
	run -0 use read 7 vmroll-7.1-vda 0
	[ "$output" = "0 0 $(digest "$source")" ]
}

@test "texts come back with their own length" {
	run -0 use text 7 1 config.xml '<domain/>'
	[ "$output" = vmroll-7.1-config.xml ]
	run -0 use read-text 7 vmroll-7.1-config.xml
	[ "$output" = '<domain/>' ]
	use text 7 1 empty ''
	run -0 use read-text 7 vmroll-7.1-empty
	[ "$output" = '' ]
}

@test "what belongs to others stays, whatever is given up" {
	make_source 100000
	touch "$images"/{guest.raw,vmroll-7,vmroll-7.x,vmroll-7.01-vda,vmroll-70.1-vda,vmroll-07.1-vda}
	use write 7 1 vda "$source"
	use text 7 1 config.xml x
	use text 7 1 manifest.json x
	use write 7 2 vda "$source"
	use text 7 2 config.xml x
	use publish 7
	run -0 use ids
	[ "$output" = $'7\n70' ]
	use unstage 7 2
	use write 7 3 vda "$source"
	use tidy 7 1 vmroll-7.1-vda vmroll-7.1-config.xml
	run -0 volumes
	[ "$output" = "$(printf '%s\n' guest.raw vmroll-7 vmroll-7.01-vda vmroll-07.1-vda vmroll-7.1-config.xml vmroll-7.1-manifest.json \
		vmroll-7.1-vda vmroll-7.x vmroll-70.1-vda | sort)" ]
	use tidy 7
	use tidy 7
	run -0 volumes
	[ "$output" = "$(printf '%s\n' guest.raw vmroll-7 vmroll-7.01-vda vmroll-07.1-vda vmroll-7.x vmroll-70.1-vda | sort)" ]
}

@test "what is there is not written again, and layers are refused" {
	make_source 100000
	use write 7 1 vda "$source"
	run --separate-stderr use write 7 1 vda "$source"
	((status != 0))
	[[ $stderr == *"vmroll-7.1-vda"*"exists"* ]]
	run -2 --separate-stderr use layer 7 2 "$source"
	[[ $stderr == *"has no layers"* ]]
	run -2 --separate-stderr use write 7 1 ../../etc/x "$source"
	[[ $stderr == *"cannot name a file"* ]]
}

@test "damage is found" {
	make_source 200000
	use write 7 1 vda "$source"
	use text 7 1 config.xml '<domain/>'
	printf '?' | dd of="$images/vmroll-7.1-vda" bs=1 seek=777 conv=notrunc status=none
	run -0 use read 7 vmroll-7.1-vda 200000
	[[ $output != *"$(digest "$source")" ]]
	truncate -s 199999 "$images/vmroll-7.1-vda"
	run -4 --separate-stderr use read 7 vmroll-7.1-vda 200000
	[[ $stderr == *"vmroll-7.1-vda: damaged: holds less than the 200000 bytes"* ]]
	printf '?' | dd of="$images/vmroll-7.1-config.xml" bs=1 seek=100 conv=notrunc status=none
	run -4 --separate-stderr use read-text 7 vmroll-7.1-config.xml
	[[ $stderr == *"is no text"* ]]
	rm "$images/vmroll-7.1-vda"
	run -1 --separate-stderr use read 7 vmroll-7.1-vda 200000
	[[ $stderr == *vmroll-7.1-vda* ]]
	run -4 --separate-stderr use read 7 guest.raw 200000
	[[ $stderr == *"is no volume of image 7"* ]]
}

@test "a pool that is full is told, and what was begun can be given up" {
	lab_storage host1 32M
	head -c $((48 << 20)) /dev/urandom >"$source"
	run -4 --separate-stderr use write 7 1 vda "$source"
	[[ $stderr == *"vmroll-7.1-vda"*"o space left"* ]]
	use unstage 7 1
	run -0 volumes
	[ -z "$output" ]
	lab_storage host1 off
}

@test "the room is what the reserve leaves" {
	lab_storage host1 64M
	local all half
	all=$(use room 0)
	half=$(use room 50)
	((all > 60 << 20 && all <= 64 << 20))
	((all - half >= 31 << 20 && all - half <= 33 << 20))
	[ "$(use room 100)" = 0 ]
	lab_storage host1 off
}

@test "killed in the middle, and given up" {
	head -c $((200 << 20)) /dev/urandom >"$source"
	background write use write 7 1 vda "$source"
	wait_until 20 test -s "$images/vmroll-7.1-vda"
	background_end write KILL
	use unstage 7 1
	run -0 volumes
	[ -z "$output" ]
	use write 7 1 vda "$source"
	cmp "$source" "$images/vmroll-7.1-vda"
}

@test "a pool that is not there, and one that is not active" {
	setting=pool:nowhere@$LAB_URI_host1
	run -4 --separate-stderr use ids
	[[ $stderr == *"repository pool:nowhere@"*nowhere* ]]
	setting=pool:default@$LAB_URI_host1
	virsh -q -c "$LAB_URI_host1" pool-destroy default
	run -4 --separate-stderr use room 5
	[[ $stderr == *"is not active: virsh pool-start default"* ]]
	virsh -q -c "$LAB_URI_host1" pool-start default
	use room 5
}
