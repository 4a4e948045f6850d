#!/usr/bin/env bats
# mastimg-pool.bats - the repository as a storage pool of a real libvirt host: in, out, verified, and what kill -9 leaves there

# shellcheck disable=SC2154 # the lab's variables, and what run sets
bats_require_minimum_version 1.5.0

# shellcheck source=tests/lab/lib/lab.bash
source "$BATS_TEST_DIRNAME/lib/lab.bash"

setup_file()
{
	lab_up --hosts 1 --guests 0
}

setup()
{
	lab_env
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	cd "$scratch" || return
	export VMROLL_CONFIG=$scratch/vmroll.conf TMPDIR=$scratch
	printf 'store = "lmdb:%s"\nhosts = "%s"\nimage { repository = "pool:default@%s" reserve = "0%%" }\n' \
		"$scratch/store" "$LAB_HOSTS_FILE" "$LAB_URI_host1" >"$VMROLL_CONFIG"
	cat >debian12.xml <<-'END'
		<domain type='qemu'><name>debian12</name><uuid>0e5d6a5c-3f07-4a60-9f0c-5d0f6a0d9b11</uuid>
		<memory unit='MiB'>96</memory><os><type arch='x86_64'>hvm</type></os><devices>
		<disk type='file' device='disk'><source file='/images/debian12.raw'/><target dev='vda' bus='virtio'/></disk>
		</devices></domain>
	END
	truncate -s 16M debian12.raw
	head -c 1000000 /dev/urandom | dd of=debian12.raw bs=64k seek=3 conv=notrunc status=none
}

teardown()
{
	mastimg list -r -o NAME | xargs -r mastimg delete
	cd /
	rm -rf "$scratch"
}

teardown_file()
{
	lab_down
}

volumes()
{
	virsh -c "$LAB_URI_host1" vol-list default | awk '/vmroll-/ { print $1 }' | sort | xargs
}

silent()
{
	run --separate-stderr "$@"
	echo "status $status: $output ${stderr:-}"
	[[ $status -eq 0 && -z $output${stderr:-} ]]
}

@test "an image goes in and out, is verified, and deleted" {
	silent mastimg import --xml debian12.xml debian12.raw
	[[ $(volumes) == 'vmroll-1.1-domain.xml vmroll-1.1-manifest.json vmroll-1.1-vda' ]]
	silent mastimg verify
	silent mastimg verify --quick
	silent mastimg export debian12 folder
	cmp folder/vda.raw debian12.raw
	silent mastimg export debian12 debian12.tar
	silent mastimg import --name two debian12.tar
	[[ $(mastimg show -r -o FILES,SHA256 two) == "vmroll-2.1-vda"$'\t'"$(sha256sum debian12.raw | cut -d ' ' -f 1)" ]]
	silent mastimg gc
	silent mastimg delete debian12 two
	[[ -z $(volumes) ]]
}

@test "damage there is found" {
	silent mastimg import --xml debian12.xml debian12.raw
	disk=$LAB_DIR/host/host1/lib/images/vmroll-1.1-vda
	printf x | dd of="$disk" bs=1 seek=300000 conv=notrunc status=none
	run --separate-stderr mastimg verify
	[[ $status -eq 3 ]]
	[[ ${stderr:-} == *'image debian12: generation 1: disk vda'* ]]
}

@test "what kill -9 leaves in the pool, gc removes" {
	silent mastimg import --xml debian12.xml debian12.raw
	truncate -s 40G large.raw
	mastimg import --xml debian12.xml --name large large.raw 3>&- &
	wait_until 30 large_is_there
	kill -KILL $!
	wait $! || true
	wait_until 30 nobody_writes
	silent mastimg gc
	[[ $(volumes) == 'vmroll-1.1-domain.xml vmroll-1.1-manifest.json vmroll-1.1-vda' ]]
	silent mastimg verify
}

large_is_there()
{
	[[ $(volumes) == *vmroll-2.1-vda* ]]
}

nobody_writes()
{
	! pgrep -f 'mastimg import --xml debian12.xml --name large '
}

@test "a host that does not answer is told within image.stall" {
	silent mastimg import --xml debian12.xml debian12.raw
	sed -i 's/reserve/stall = "2s" reserve/' "$VMROLL_CONFIG"
	lab_signal host1 STOP
	run --separate-stderr mastimg verify
	lab_signal host1 CONT
	echo "$status: ${stderr:-}"
	[[ $status -eq 5 ]]
	[[ ${stderr:-} == *'nothing moved for 2 s'* ]]
}
