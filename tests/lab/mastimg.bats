#!/usr/bin/env bats
# mastimg.bats - VMs of real hosts captured as master images: each kind of disk, and all that can go wrong meanwhile
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab

bats_require_minimum_version 1.5.0

setup_file()
{
	lab_up --hosts 3 --guests 0
	lab_env
}

setup()
{
	lab_env
	folder=$BATS_TEST_TMPDIR
	repository=$folder/repository
	export VMROLL_STORE=lmdb:$folder/store VMROLL_HOSTS=$LAB_HOSTS_FILE
	export VMROLL_CONFIG=$folder/vmroll.conf TZ=UTC
	configure
	made=()
}

teardown()
{
	local vm host
	background_end_all
	for host in host1 host2 host3; do
		freely "$host" 2>/dev/null || true
	done
	for vm in "${made[@]}"; do
		machine_end "${vm% *}" "${vm##* }"
	done
}

teardown_file()
{
	lab_down
}

# configure [STALL]
configure()
{
	printf 'image {\n\trepository = "%s"\n\tstall = "%s"\n\treserve = "0%%"\n}\n' \
		"$repository" "${1:-10s}" >"$VMROLL_CONFIG"
}

# on HOST VIRSH-COMMAND...
on()
{
	local uri=LAB_URI_$1
	shift
	virsh -q -c "${!uri}" "$@"
}

# images HOST: the folder of its pool, from outside.
images()
{
	printf '%s' "$LAB_DIR/host/$1/lib/images"
}

# content FILE MIB: half of it data, half a hole.
content()
{
	rm -f "$1"
	head -c "$(($2 * 524288))" /dev/urandom >"$1"
	truncate -s "$2M" "$1"
}

# raw HOST NAME [MIB]: a file in its pool.
raw()
{
	content "$(images "$1")/$2.raw" "${3:-8}"
	on "$1" pool-refresh default
}

# disk SOURCE FORMAT TARGET [MORE]: XML of a disk that is a file in the pool.
disk()
{
	printf '<disk type="file" device="disk"><driver name="qemu" type="%s"/><source file="/var/lib/libvirt/images/%s"/>' \
		"$2" "$1"
	printf '<target dev="%s" bus="virtio"/>%s</disk>' "$3" "${4:-}"
}

# machine NAME HOST XML...: defines it with these devices. It runs no system: its firmware finds none.
machine()
{
	local name=$1 host=$2 escaped
	shift 2
	escaped=$(sed 's/&/\&amp;/g; s/</\&lt;/g' <<<"$name")
	cat >"$folder/domain.xml" <<-END
		<domain type='qemu'>
		  <name>$escaped</name>
		  <memory unit='MiB'>32</memory>
		  <vcpu>1</vcpu>
		  <os>$MACHINE_OS<type arch='x86_64' machine='pc'>hvm</type></os>
		  <features><acpi/></features>
		  <devices>
		    $*
		    <controller type='usb' model='none'/>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	END
	on "$host" define "$folder/domain.xml"
	made+=("$name $host")
}
MACHINE_OS=

# machine_end NAME HOST: and its files, and nothing of ours may be left on the host by then.
machine_end()
{
	on "$2" destroy "$1" 2>/dev/null || true
	on "$2" undefine --snapshots-metadata --nvram "$1" 2>/dev/null || true
	rm -f "$(images "$2")"/*.raw "$(images "$2")"/*.qcow2 "$(images "$2")"/*.snap
	on "$2" pool-refresh default 2>/dev/null || true
}

# clean HOST...: no copy, no pool of ours, no backup job is left there.
clean()
{
	local host vm
	for host; do
		[ -z "$(find "$(images "$host")/" -name 'vmroll-*')" ] || return 1
		[[ $(on "$host" pool-list --all --name) != *vmroll-* ]] || return 1
		for vm in $(on "$host" list --name); do
			if on "$host" backup-dumpxml "$vm" 2>/dev/null; then
				return 1
			fi
		done
	done
}

# tidy: nothing in the repository that is no image's; no stage in the store.
tidy()
{
	[ -z "$(ls -A "$repository/staging" 2>/dev/null)" ] || return 1
	[ -z "$("$top_builddir"/tests/cli/store_dump "$VMROLL_STORE" img/stage/)" ] || return 1
}

# stored IMAGE DISK: the file that its base is.
stored()
{
	mastimg show -J "$1" | jq -r "select(.disk == \"$2\") | \"$repository/images/\(.id)/\(.files[0])\"" | head -n 1
}

# of IMAGE DISK JQ: a fact of its newest generation.
of()
{
	mastimg show -J "$1" | jq -r "select(.disk == \"$2\") | $3" | head -n 1
}

# guest_writes VM HOST OFFSET LENGTH: as if the guest had.
guest_writes()
{
	on "$2" qemu-monitor-command --hmp "$1" \
		"qemu-io -d /machine/peripheral/virtio-disk0/virtio-backend \"write -q -P 0x5a $3 $4\""
}

@test "a stopped raw disk is read as it is: content, holes, digest, paths" {
	raw host1 web1 16
	machine web1 host1 "$(disk web1.raw raw vda)"
	run -0 --separate-stderr mastimg register web1@host1 --comment 'front end'
	[ -z "$output$stderr" ]
	cmp "$(stored web1 vda)" "$(images host1)/web1.raw"
	[ "$(of web1 vda .sha256)" = "$(sha256sum <"$(images host1)/web1.raw" | cut -d' ' -f1)" ]
	[ "$(of web1 vda .source)" = /var/lib/libvirt/images/web1.raw ]
	[ "$(of web1 vda '.host + " " + .vm + " " + .state + " " + .format + " " + .comment')" = 'host1 web1 stopped raw front end' ]
	[ "$(of web1 vda .size_bytes)" -eq $((16 << 20)) ]
	[ "$(($(stat -c %b "$(stored web1 vda)") * 512))" -le $((9 << 20)) ]
	clean host1
	tidy
}

@test "a running VM: all its disks at one instant, while it goes on writing" {
	raw host1 a 64
	raw host1 b 64
	machine busy host1 "$(disk a.raw raw vda)" "$(disk b.raw raw vdb)"
	on host1 start busy
	cp "$(images host1)/a.raw" "$folder/before"
	writing()
	{
		local i=0
		while :; do
			guest_writes busy host1 "$((i++ % 500 * 65536))" 64k || return
		done
	}
	background writer writing
	run -0 mastimg register busy@host1
	background_end writer
	[ "$(of busy vda .state)" = running ]
	# The second disk, which nobody wrote, is whole; the first is as large as it was, and differs only where the guest wrote.
	cmp "$(stored busy vdb)" "$(images host1)/b.raw"
	[ "$(stat -c %s "$(stored busy vda)")" -eq $((64 << 20)) ]
	[ "$(sha256sum <"$(stored busy vda)" | cut -d' ' -f1)" = "$(of busy vda .sha256)" ]
	cmp <(tail -c +32768001 "$(stored busy vda)") <(tail -c +32768001 "$folder/before")
	clean host1
	tidy
}

@test "a stopped qcow2 is flattened on its host" {
	content "$folder/raw" 16
	qemu-img convert -O qcow2 "$folder/raw" "$(images host2)/db.qcow2"
	on host2 pool-refresh default
	machine db host2 "$(disk db.qcow2 qcow2 vda)"
	run -0 mastimg register db@host2
	cmp "$(stored db vda)" "$folder/raw"
	[ "$(of db vda '.format + " " + .source_format')" = 'qcow2 qcow2' ]
	clean host2
	tidy
}

@test "chains of backing files and snapshots are flattened, and said" {
	content "$folder/raw" 16
	qemu-img convert -O qcow2 "$folder/raw" "$(images host2)/base.qcow2"
	on host2 pool-refresh default
	machine chain host2 "$(disk base.qcow2 qcow2 vda)"
	on host2 snapshot-create-as chain inside
	on host2 start chain
	on host2 snapshot-create-as chain outside --disk-only --diskspec vda,file=/var/lib/libvirt/images/top.snap
	guest_writes chain host2 0 1M
	run -0 --separate-stderr mastimg register chain@host2 -v --name running
	[[ $stderr == *'vda: its chain of backing files (flattened)'* ]]
	on host2 destroy chain
	run -0 --separate-stderr mastimg register chain@host2 -v --name stopped
	[[ $stderr == *'vda: its chain of backing files (flattened)'* ]]
	[ "$(of running vda '.left_out[0]')" = 'vda: its chain of backing files (flattened)' ]
	[ "$(of running vda .sha256)" = "$(of stopped vda .sha256)" ]
	cmp <(tail -c +1048577 "$(stored stopped vda)") <(tail -c +1048577 "$folder/raw")
	run -1 cmp -n 1048576 "$(stored stopped vda)" "$folder/raw"
	clean host2
	tidy
}

@test "what a guest wrote onto its raw disk is content, and not believed" {
	content "$(images host1)/evil.raw" 8
	touch "$folder/secret"
	qemu-img create -q -f qcow2 -F raw -b "$folder/secret" "$folder/head" 8M
	dd if="$folder/head" of="$(images host1)/evil.raw" conv=notrunc status=none
	on host1 pool-refresh default
	machine evil host1 "$(disk evil.raw raw vda)"
	run -0 mastimg register evil@host1
	cmp "$(stored evil vda)" "$(images host1)/evil.raw"
	clean host1
}

@test "CD-ROMs, floppies, shareable and read-only disks are left out, and named" {
	raw host1 v
	raw host1 s
	raw host1 r
	machine parts host1 "$(disk v.raw raw vda)" "$(disk s.raw raw vdb '<shareable/>')" "$(disk r.raw raw vdc '<readonly/>')" \
		"<disk type='file' device='cdrom'><target dev='hda'/></disk><disk type='file' device='floppy'><target dev='fda'/></disk>"
	run -0 mastimg register parts@host1
	run -0 of parts vda '.left_out | sort | join("; ")'
	[ "$output" = 'fda: floppy; hda: CD-ROM; vdb: shareable; vdc: read-only' ]
	run -0 mastimg show -r -o DISK parts
	[ "$output" = vda ]
}

@test "--quiesce without an agent: an error that says so; nothing is left" {
	raw host1 dumb
	machine dumb host1 "$(disk dumb.raw raw vda)"
	on host1 start dumb
	run -4 --separate-stderr mastimg register dumb@host1 --quiesce
	[[ $stderr == *dumb@host1*--quiesce*agent* ]]
	run -1 mastimg show dumb
	clean host1
	tidy
}

@test "--quiesce with the real agent: frozen at that instant, thawed after" {
	lab_disk frost host3 --agent
	lab_env
	made+=('frost host3')
	lab_start frost host3
	lab_booted frost host3
	wait_until 30 on host3 guestinfo frost
	run -0 mastimg register frost@host3 --quiesce
	[ "$(of frost vda .state)" = quiesced ]
	run -0 on host3 qemu-agent-command frost '{"execute":"guest-fsfreeze-status"}'
	[[ $output == *thawed* ]]
	clean host3
}

@test "a block device that no pool has: through the backup of a running VM; refused with the reason when it is off" {
	local loop
	content "$folder/block" 8
	loop=$(losetup --find --show "$folder/block")
	machine block host1 "<disk type='block' device='disk'><driver name='qemu' type='raw'/><source dev='$loop'/><target dev='vda' bus='virtio'/></disk>"
	run -2 --separate-stderr mastimg register block@host1
	[[ $stderr == *"vda ($loop)"*'running one can be captured'* ]]
	on host1 start block
	run -0 mastimg register block@host1
	cmp "$(stored block vda)" "$folder/block"
	on host1 destroy block
	losetup --detach "$loop"
	clean host1
	tidy
}

@test "a network disk: through the backup of a running VM; refused with the reason when it is off" {
	content "$folder/export" 8
	background nbd qemu-nbd --socket="$folder/nbd" --format=raw --persistent --shared=8 "$folder/export"
	wait_until 10 test -S "$folder/nbd"
	machine net host1 "<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd' name=''><host transport='unix' socket='$folder/nbd'/></source><target dev='vda' bus='virtio'/></disk>"
	run -2 --separate-stderr mastimg register net@host1
	[[ $stderr == *'vda (nbd:'*'network disk'*'running one can be captured'* ]]
	on host1 start net
	run -0 mastimg register net@host1
	cmp "$(stored net vda)" "$folder/export"
	clean host1
	tidy
}

@test "disks outside of all pools, and the variables of firmware: through pools that are gone after" {
	mkdir -p "$(images host1)/../apart"
	content "$(images host1)/../apart/out.raw" 8
	head -c 131072 /dev/urandom >"$(images host1)/../apart/out_VARS.fd"
	MACHINE_OS="<loader readonly='yes' type='pflash'>/usr/share/OVMF/OVMF_CODE.fd</loader><nvram>/var/lib/libvirt/apart/out_VARS.fd</nvram>"
	machine out host1 "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/var/lib/libvirt/apart/out.raw'/><target dev='vda' bus='virtio'/></disk>"
	run -0 mastimg register out@host1
	cmp "$(stored out vda)" "$(images host1)/../apart/out.raw"
	cmp "$(stored out nvram)" "$(images host1)/../apart/out_VARS.fd"
	clean host1
	tidy
}

@test "a VM of any name: by --name; without, it is asked for" {
	local name=$'a\tb "c" & <d> \xe3\x81\x82'
	raw host1 any
	machine "$name" host1 "$(disk any.raw raw vda)"
	run -2 --separate-stderr mastimg register "$name@host1"
	[[ $stderr == *--name* ]]
	run -0 mastimg register "$name@host1" --name plain
	run -0 mastimg show -J plain
	[ "$(jq -r .vm <<<"$output" | head -n 1)" = "$name" ]
	run -0 mastimg update plain
}

@test "unknown hosts and VMs, and a name that several hosts have" {
	raw host1 twin
	raw host2 twin
	machine twin host1 "$(disk twin.raw raw vda)"
	machine twin host2 "$(disk twin.raw raw vda)"
	run -1 --separate-stderr mastimg register nobody@host1
	[[ $stderr == *nobody@host1* ]]
	run -1 --separate-stderr mastimg register nobody
	[[ $stderr == *"no host has a VM 'nobody'"* ]]
	run -1 --separate-stderr mastimg register twin@host9
	[[ $stderr == *host9* ]]
	run -2 --separate-stderr mastimg register twin
	[[ $stderr == *host1*host2*twin@HOST* ]]
	vmsnap
	run -2 --separate-stderr mastimg register twin
	[[ $stderr == *host1*host2* ]]
	on host2 undefine twin
	run -0 mastimg register twin
	[ "$(of twin vda .host)" = host1 ]
	run -2 --separate-stderr mastimg register twin@host1
	[[ $stderr == *"there is an image 'twin' already"* ]]
}

@test "a VM without a host is found where the roll has it, without asking the others" {
	raw host2 found
	machine found host2 "$(disk found.raw raw vda)"
	vmsnap
	lab_cut host1
	run -0 mastimg register found
	lab_heal host1
	[ "$(of found vda .host)" = host2 ]
}

@test "update: what changed is written and no more; id, name and comment stay, and what the old generation held" {
	local id
	raw host1 up 64
	machine up host1 "$(disk up.raw raw vda)"
	mastimg register up@host1 --comment first --keep 2
	id=$(of up vda .id)
	cp "$(stored up vda)" "$folder/first"
	# 1 % of it, in one place.
	dd if=/dev/urandom of="$(images host1)/up.raw" bs=64k count=10 seek=100 conv=notrunc status=none
	run -0 --separate-stderr mastimg update up -v
	[ "$(sed -n 's/.* written (\([0-9]*\) bytes).*/\1/p' <<<"$stderr")" -le $((64 * 1048576 / 20)) ]
	[ "$(of up vda .id)" = "$id" ]
	[ "$(of up vda .comment)" = first ]
	[ "$(of up vda .generation)" -eq 2 ]
	[ "$(of up vda '.files | length')" -eq 2 ]
	[ "$(of up vda .sha256)" = "$(sha256sum <"$(images host1)/up.raw" | cut -d' ' -f1)" ]
	cmp "$(stored up vda)" "$folder/first"
	# With the next, the first generation goes, and the layer is folded into the base.
	dd if=/dev/urandom of="$(images host1)/up.raw" bs=64k count=10 seek=200 conv=notrunc status=none
	run -0 mastimg update up --keep 1 --comment second
	[ "$(of up vda .comment)" = second ]
	[ "$(of up vda '.files | length')" -eq 1 ]
	cmp "$(stored up vda)" "$(images host1)/up.raw"
	clean host1
	tidy
}

@test "update: a repository that is not there is told, and leaves nothing for gc" {
	raw host1 web1
	machine web1 host1 "$(disk web1.raw raw vda)"
	run -0 mastimg register web1@host1
	repository=$folder/no/where configure
	run -4 --separate-stderr mastimg update web1
	[[ $stderr == *"$folder/no/where: is not there: is it mounted?" ]]
	tidy
	clean host1
}

@test "update --from: another VM is its source from then on; a disk of another size is a new base" {
	raw host1 old 8
	raw host2 new 16
	machine old host1 "$(disk old.raw raw vda)"
	machine new host2 "$(disk new.raw raw vda)"
	mastimg register old@host1 --name both
	run -0 mastimg update both --from new@host2
	cmp "$(stored both vda)" "$(images host2)/new.raw"
	[ "$(of both vda '.host + " " + .vm')" = 'host2 new' ]
	on host1 undefine old
	run -0 mastimg update both
	tidy
}

# reading: content arrives in the repository.
reading()
{
	[ -n "$(find "$repository/staging" -name '*-vda*' 2>/dev/null)" ]
}

# slowly HOST: what comes from it takes long enough for something to happen meanwhile.
slowly()
{
	lab_exec "$1" tc qdisc add dev eth0 root tbf rate 160mbit burst 256k latency 400ms
}

freely()
{
	lab_exec "$1" tc qdisc del dev eth0 root
}

# ended NAME: its status once it has ended.
ended()
{
	local pid
	pid=$(cut -d' ' -f1 "$BATS_FILE_TMPDIR/background/$1")
	wait_until 60 background_gone "$1"
	wait "$pid"
}

background_gone()
{
	! background_alive "$1"
}

# meanwhile VM HOST COMMAND...: registers it, and does COMMAND while its content is read; *stderr* is what register said.
meanwhile()
{
	slowly "$2"
	background register mastimg register "$1@$2"
	wait_until 20 reading
	"${@:3}"
	freely "$2"
	status=0
	ended register || status=$?
	stderr=$(<"$BATS_FILE_TMPDIR/register.err")
}

@test "a VM that vanishes, starts or is defined anew while it is captured: refused, and nothing is left" {
	raw host1 gone 64
	machine gone host1 "$(disk gone.raw raw vda)"
	meanwhile gone host1 on host1 undefine gone
	[ "$status" -eq 4 ]
	[[ $stderr == *'gone@host1: it went away meanwhile'* ]]
	tidy
	machine gone host1 "$(disk gone.raw raw vda)"
	meanwhile gone host1 on host1 start gone
	[ "$status" -eq 4 ]
	[[ $stderr == *'gone@host1: it was started meanwhile'* ]]
	on host1 destroy gone
	tidy
	meanwhile gone host1 on host1 setvcpus gone 2 --config --maximum
	[ "$status" -eq 4 ]
	[[ $stderr == *'gone@host1: its definition was changed meanwhile'* ]]
	run -1 mastimg show gone
	clean host1
	tidy
}

@test "a running VM that is stopped while its copy is read: the instant of the backup is captured" {
	raw host1 stops 256
	machine stops host1 "$(disk stops.raw raw vda)"
	on host1 start stops
	cp "$(images host1)/stops.raw" "$folder/before"
	meanwhile stops host1 on host1 destroy stops
	[ "$status" -eq 0 ]
	cmp "$(stored stops vda)" "$folder/before"
	clean host1
	tidy
}

# other_backup VM: somebody else's, on host1, which lasts until it is ended.
other_backup()
{
	cat >"$folder/other.xml" <<-END
		<domainbackup mode='pull'>
		  <server transport='unix' socket='/run/other.sock'/>
		  <disks><disk name='vda' backup='yes' type='file'><scratch file='/var/lib/libvirt/images/other.raw'/></disk></disks>
		</domainbackup>
	END
	on host1 backup-begin "$1" "$folder/other.xml"
}

@test "a running VM that another backup is made of: told with status 5, and that backup goes on" {
	raw host1 busy
	machine busy host1 "$(disk busy.raw raw vda)"
	on host1 start busy
	other_backup busy
	run -5 --separate-stderr mastimg register busy@host1
	[[ $stderr == *'busy: another job runs on it (a backup): try again when it is done' ]]
	on host1 backup-dumpxml busy
	tidy
	on host1 domjobabort busy
	run -0 mastimg register busy@host1
	clean host1
	tidy
}

# Who was killed may take a moment to be gone: until then gc spares what is theirs.
cleared()
{
	mastimg gc && tidy
}

@test "gc ends no backup job but that of whoever was killed" {
	raw host1 others 64
	machine others host1 "$(disk others.raw raw vda)"
	on host1 start others
	slowly host1
	background register mastimg register others@host1
	wait_until 20 reading
	background_end register KILL
	freely host1
	other_backup others
	wait_until 60 cleared
	on host1 backup-dumpxml others
	on host1 domjobabort others
	clean host1
}

@test "a running VM that goes to another host while its copy is read: the instant of the backup is captured" {
	raw host1 goes 64
	machine goes host1 "$(disk goes.raw raw vda)"
	on host1 start goes
	cp "$(images host1)/goes.raw" "$folder/before"
	cp "$(images host1)/goes.raw" "$(images host2)/goes.raw"
	made+=("goes host2")
	meanwhile goes host1 virsh -q -c "$LAB_URI_host1" migrate --live --unsafe --persistent --undefinesource goes \
		"$LAB_URI_host2" --migrateuri "tcp://$LAB_ADDRESS_host2"
	[ "$status" -eq 0 ]
	cmp "$(stored goes vda)" "$folder/before"
	on host2 domstate goes
	clean host1 host2
	tidy
}

@test "no room beside the source: refused before anything is copied" {
	lab_storage host3 64M
	truncate -s 48M "$folder/raw"
	qemu-img convert -O qcow2 "$folder/raw" "$folder/full.qcow2"
	lab_exec host3 cp /dev/stdin /var/lib/libvirt/images/full.qcow2 <"$folder/full.qcow2"
	lab_exec host3 fallocate -l 40M /var/lib/libvirt/images/filler
	on host3 pool-refresh default
	machine full host3 "$(disk full.qcow2 qcow2 vda)"
	run -4 --separate-stderr mastimg register full@host3
	[[ $stderr == *'full@host3: pool default: the copy needs 48 MiB for a while, there are'* ]]
	on host3 undefine full
	lab_storage host3 off
	tidy
}

@test "the source's pool runs full in the middle: an error that says so, and nothing is left" {
	lab_storage host3 400M
	head -c 128M /dev/urandom >"$folder/raw"
	lab_exec host3 cp /dev/stdin /var/lib/libvirt/images/raw <"$folder/raw"
	lab_exec host3 qemu-img convert -O qcow2 /var/lib/libvirt/images/raw /var/lib/libvirt/images/full.qcow2
	lab_exec host3 rm /var/lib/libvirt/images/raw
	on host3 pool-refresh default
	machine full host3 "$(disk full.qcow2 qcow2 vda)"
	# The host's qemu-img finds room for a part of the copy only: somebody was faster.
	cp "$(command -v qemu-img)" "$folder/qemu-img"
	# shellcheck disable=SC2016 # the script's own
	printf '#!/bin/sh\n[ "$1" != convert ] || head -c 230M /dev/zero >/var/lib/libvirt/images/filler\nexec %q "$@"\n' \
		"$folder/qemu-img" >"$folder/late"
	chmod 755 "$folder/late"
	lab_exec host3 mount --bind "$folder/late" "$(command -v qemu-img)"
	run --separate-stderr mastimg register full@host3
	lab_exec host3 umount "$(command -v qemu-img)"
	echo "$stderr"
	[ "$status" -eq 4 ]
	[[ $stderr == *'full@host3: vda: flattening'*'No space left on device'* ]]
	[ -z "$(lab_exec host3 find /var/lib/libvirt/images/ -name 'vmroll-*')" ]
	on host3 undefine full
	lab_storage host3 off
	tidy
}

@test "the repository runs full in the middle: an error that says so, and nothing is left" {
	raw host1 large 32
	machine large host1 "$(disk large.raw raw vda)"
	mkdir "$repository"
	mount -t tmpfs -o size=24M,mode=700 tmpfs "$repository"
	slowly host1
	background filler bash -c "until compgen -G '$repository/staging/*/*' >/dev/null; do :; done; exec fallocate -l 12M '$repository/filler'"
	run --separate-stderr mastimg register large@host1
	freely host1
	background_end filler
	[ "$status" -eq 4 ]
	[[ $stderr == *'No space left on device'* ]]
	tidy
	run -1 mastimg show large
	rm -f "$repository/filler"
	fallocate -l 20M "$repository/filler"
	run -4 --separate-stderr mastimg register large@host1
	[[ $stderr == *'the image needs about 16 MiB'* ]]
	umount "$repository"
	clean host1
}

@test "a host that dies in the middle is given up; what it keeps is removed by gc once it is back" {
	configure 2s
	content "$folder/raw" 128
	qemu-img convert -O qcow2 "$folder/raw" "$(images host2)/dies.qcow2"
	on host2 pool-refresh default
	machine dies host2 "$(disk dies.qcow2 qcow2 vda)"
	meanwhile dies host2 lab_cut host2
	[ "$status" -eq 5 ]
	[[ $stderr == *"dies@host2: given up: nothing moved for 2s; what was made there is removed by 'mastimg gc', once it answers" ]]
	[ -n "$("$top_builddir"/tests/cli/store_dump "$VMROLL_STORE" img/stage/)" ]
	lab_heal host2
	run -0 mastimg gc
	clean host2
	tidy
	run -0 mastimg register dies@host2
	cmp "$(stored dies vda)" "$folder/raw"
}

@test "two updates of one image at once: one is refused" {
	raw host1 race 64
	machine race host1 "$(disk race.raw raw vda)"
	mastimg register race@host1
	slowly host1
	background register mastimg update race
	wait_until 20 reading
	run -5 --separate-stderr mastimg update race
	[[ $stderr == *'image race: is being updated already'* ]]
	run -5 --separate-stderr mastimg rename race other
	[[ $stderr == 'mastimg: image race: is being updated: try again once that has ended' ]]
	run -5 --separate-stderr mastimg delete race
	[[ $stderr == 'mastimg: image race: is being read by another process: a deployment, export, update or verify; try again when it is done' ]]
	run -5 --separate-stderr mastimg rollback race
	[[ $stderr == 'mastimg: image race: somebody reads or changes it: try again once that has ended' ]]
	freely host1
	ended register
	[ "$(of race vda .generation)" -eq 2 ]
	tidy
}

@test "interrupted by a signal: what was begun is taken back at once" {
	content "$folder/raw" 128
	qemu-img convert -O qcow2 "$folder/raw" "$(images host1)/int.qcow2"
	on host1 pool-refresh default
	machine int host1 "$(disk int.qcow2 qcow2 vda)"
	meanwhile int host1 background_signal register TERM
	[ "$status" -eq 4 ]
	[[ $stderr == *interrupted* ]]
	clean host1
	tidy
}

# killed_at SECONDS COMMAND...: with kill -9 then, unless it was faster.
killed_at()
{
	timeout -s KILL "$1" "${@:2}" 2>/dev/null || true
}

# moment: somewhere in the time that it takes.
moment()
{
	printf '0.%03d' $((RANDOM % 600 + 1))
}

# swept: gc has found nothing to spare, and left nothing.
swept()
{
	mastimg gc && clean host1 host2 && tidy
}

@test "killed at any moment of register and update: after gc nothing is left, and nothing is lost" {
	local count=${MASTIMG_KILLS:-20} round # run has an i of its own
	content "$folder/raw" 16
	qemu-img convert -O qcow2 "$folder/raw" "$(images host1)/kill.qcow2"
	on host1 pool-refresh default
	machine kill host1 "$(disk kill.qcow2 qcow2 vda)"
	raw host2 live 16
	machine live host2 "$(disk live.raw raw vda)"
	on host2 start live
	mastimg register kill@host1 --name kept
	for ((round = 0; round < count; round++)); do
		case $((round % 3)) in
		0) killed_at "$(moment)" mastimg register kill@host1 --name stopped ;;
		1) killed_at "$(moment)" mastimg register live@host2 --name running ;;
		2)
			dd if=/dev/urandom of="$folder/raw" bs=64k count=4 seek=$((RANDOM % 200)) conv=notrunc status=none
			qemu-img convert -O qcow2 "$folder/raw" "$(images host1)/kill.qcow2"
			killed_at "$(moment)" mastimg update kept
			;;
		esac
		# Who was killed may take a moment to be gone: until then gc spares what is theirs.
		wait_until 60 swept || {
			mastimg gc -v
			clean host1 host2
			tidy
		}
		# What is there is whole; each folder is an image's.
		run -0 mastimg verify
		run -0 mastimg show kept
		[ "$(find "$repository/images" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort)" = "$(mastimg list -J | jq .id | sort)" ]
		mastimg delete stopped 2>/dev/null || true
		mastimg delete running 2>/dev/null || true
	done
}

@test "candidates: every VM of every host, what it has, and whether it is registered" {
	raw host1 one
	raw host2 two
	machine one host1 "$(disk one.raw raw vda)"
	machine two host2 "$(disk two.raw raw vda)"
	on host2 start two
	mastimg register one@host1 --name first
	run -0 --separate-stderr mastimg candidates -J
	[ -z "$stderr" ]
	jq -se 'map(select(.vm != "backup1")) | map({vm, host, state, size_bytes, paths, images}) == [
		{vm: "one", host: "host1", state: "shut off", size_bytes: 8388608, paths: ["/var/lib/libvirt/images/one.raw"], images: ["first"]},
		{vm: "two", host: "host2", state: "running", size_bytes: 8388608, paths: ["/var/lib/libvirt/images/two.raw"], images: []}]' <<<"$output"
	run -0 mastimg candidates -r -o VM host2
	[ "$output" = two ]
	run -1 mastimg candidates host9
}

@test "candidates: hosts that fail are named, the others shown; none that answers is an error" {
	raw host1 one
	machine one host1 "$(disk one.raw raw vda)"
	lab_mute --count 1 --mode refuse
	lab_env
	cat "$LAB_HOSTS_FILE" "$LAB_REFUSE_FILE" >"$folder/hosts"
	run -3 --separate-stderr mastimg candidates -r -o VM --hosts "$folder/hosts"
	[ "$output" = $'backup1\none' ]
	[ -n "$stderr" ]
	run -4 --separate-stderr mastimg candidates --hosts "$LAB_REFUSE_FILE"
	[ -n "$stderr" ]
}

@test "list --changed: definition, content, disks, running and gone; a host that does not answer is unknown" {
	change()
	{
		mastimg list --changed -J | jq -r "select(.name == \"$1\") | .change"
	}
	raw host1 ch
	raw host2 far
	machine ch host1 "$(disk ch.raw raw vda)"
	machine far host2 "$(disk far.raw raw vda)"
	mastimg register ch@host1
	mastimg register far@host2
	run -0 --separate-stderr mastimg list --changed
	[ -z "$output$stderr" ]
	printf x | dd of="$(images host1)/ch.raw" conv=notrunc status=none
	[ "$(change ch)" = 'disk vda' ]
	mastimg update ch
	[ -z "$(change ch)" ]
	on host1 setvcpus ch 2 --config --maximum
	[ "$(change ch)" = definition ]
	mastimg update ch
	on host1 start ch
	[[ $(change ch) == running* ]]
	on host1 destroy ch
	on host1 undefine ch
	[ "$(change ch)" = gone ]
	lab_cut host2
	run -3 --separate-stderr mastimg list --changed -J
	lab_heal host2
	[[ $stderr == *host2* ]]
	[[ $(jq -r 'select(.name == "far") | .change' <<<"$output") == unknown* ]]
}

@test "a repository that is a storage pool" {
	lab_exec host3 mkdir -p /var/lib/libvirt/repository
	on host3 pool-create-as masters dir --target /var/lib/libvirt/repository
	repository=pool:masters@$LAB_URI_host3
	configure
	raw host1 pooled
	machine pooled host1 "$(disk pooled.raw raw vda)"
	run -0 mastimg register pooled@host1
	run -0 mastimg update pooled
	[ "$(of pooled vda .generation)" -eq 2 ]
	run -0 mastimg verify
	cmp "$LAB_DIR/host/host3/lib/repository/$(of pooled vda '.files[0]')" "$(images host1)/pooled.raw"
	on host3 pool-destroy masters
}
