# shellcheck shell=bash
# disk: guests that boot from a disk of their own, as any machine does: SeaBIOS, master boot record, SYSLINUX, kernel.
#
# The disk has 64 MiB. Its first partition (FAT) holds the kernel and an initramfs; on the second (ext4) the guest counts
# its boots and finds QEMU's guest agent. It is made once a machine, by programs that need no loop device.

disk_modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci virtio_blk virtio_console
	failover net_failover virtio_net)
# in sectors of 512 bytes
disk_fat=(2048 81920) disk_ext4=(83968 45056)
disk_mbr=/usr/lib/syslinux/mbr/mbr.bin

# disk_agent FOLDER: the agent with its libraries, which are those of this machine's QEMU.
disk_agent()
{
	local library
	cp "$lab_cache/qemu-ga" "$1"
	for library in $(ldd "$1/qemu-ga" | grep -o '/[^ ]*'); do
		cp -L "$library" "$1"
	done
	mv "$1"/ld-linux-*.so.* "$1/ld.so"
}

disk_initramfs()
{
	local module
	guest_root "$1/root"
	mkdir "$1"/root/{disk,run}
	cp "$lab_lib/disk-init" "$1/root"
	for module in "${disk_modules[@]}"; do
		cp "$lab_cache/$module.ko" "$1/root"
	done
	guest_cpio "$1/root" | gzip >"$1/initramfs"
}

# disk_partition TYPE ACTIVE START COUNT: an entry of the table. What it says in cylinders nobody reads any more.
disk_partition()
{
	local number
	printf '%b' "\\x$2\\xfe\\xff\\xff\\x$1\\xfe\\xff\\xff"
	for number in "$3" "$4"; do
		printf -v number '\\x%02x\\x%02x\\x%02x\\x%02x' \
			$((number & 255)) $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24))
		printf '%b' "$number"
	done
}

disk_boot_record()
{
	cat "$disk_mbr" /dev/zero | head -c 446
	disk_partition 0e 80 "${disk_fat[@]}"
	disk_partition 83 00 "${disk_ext4[@]}"
	head -c 32 /dev/zero
	printf '\x55\xaa'
}

# disk_fill_fat IMAGE FOLDER: the kernel and FOLDER/initramfs, and who loads them.
disk_fill_fat()
{
	local offset=$((disk_fat[0] * 512))
	mformat -i "$1@@$offset" -T "${disk_fat[1]}" -H "${disk_fat[0]}" -h 16 -s 63 ::
	syslinux --install --offset "$offset" "$1"
	printf 'DEFAULT vmlinuz initrd=initramfs %s\n' "$guest_cmdline" >"$2/syslinux.cfg"
	mcopy -i "$1@@$offset" "$lab_cache/vmlinuz" "$2/initramfs" "$2/syslinux.cfg" ::
}

# disk_fill_ext4 IMAGE FOLDER: what is in FOLDER/disk.
disk_fill_ext4()
{
	mkdir -p "$2/disk/agent"
	echo 0 >"$2/disk/boots"
	disk_agent "$2/disk/agent"
	mke2fs -q -t ext4 -E offset=$((disk_ext4[0] * 512)) -d "$2/disk" "$1" $((disk_ext4[1] / 2))k
}

disk_build()
{
	truncate -s 64M "$1/raw"
	disk_boot_record | dd of="$1/raw" conv=notrunc status=none
	disk_initramfs "$1"
	disk_fill_fat "$1/raw" "$1"
	disk_fill_ext4 "$1/raw" "$1"
}

# disk_name: of the disk in the cache that is made of what is there now.
disk_name()
{
	local digest
	digest=$(cat "$lab_lib"/{disk.bash,disk-init,guest-init,guest.bash} "$lab_cache"/{vmlinuz,qemu-ga} | sha256sum)
	printf '%s/disk-%s.raw' "$lab_cache" "${digest:0:16}"
}

# disk_write FORMAT FILE: a copy of the disk, which is made first unless it is known.
disk_write()
(
	flock 8
	disk=$(disk_name)
	if [[ ! -e $disk ]]; then
		rm -f "$lab_cache"/disk-*.raw
		work=$(mktemp -d "$lab_cache/fetch.XXXXXX")
		# shellcheck disable=SC2064 # the folder of now
		trap "rm -rf '$work'" EXIT
		disk_build "$work" >"$work/log" 2>&1 || lab_die "disk: $(tail -n 3 "$work/log")"
		mv "$work/raw" "$disk"
		lab_say "$disk is made"
	fi
	qemu-img convert -O "$1" "$disk" "$2"
) 8<"$lab_cache"

disk_options()
{
	disk_format=raw disk_agent='' disk_shared=''
	while (($#)); do
		case $1 in
		--format=raw | --format=qcow2) disk_format=${1#*=} ;;
		--agent) disk_agent=1 ;;
		--shared) disk_shared=1 ;;
		*) lab_die "disk: $1: expected --format=raw, --format=qcow2, --agent or --shared" ;;
		esac
		shift
	done
}

# disk_path GUEST: its file, as the host sees it.
disk_path()
{
	if [[ -n $disk_shared ]]; then
		printf '%s/images/%s.%s' "$LAB_DIR" "$1" "$disk_format"
	else
		printf '%s/%s.%s' "$host_images" "$1" "$disk_format"
	fi
}

disk_xml_agent()
{
	[[ -z $disk_agent ]] || cat <<-END
		<channel type='unix'>
		  <target type='virtio' name='org.qemu.guest_agent.0'/>
		</channel>
	END
}

# What only such a guest has: see guest_xml.
disk_xml()
{
	cat <<-END
		<disk type='file' device='disk'>
		  <driver name='qemu' type='$disk_format'/>
		  <source file='$(disk_path "$1")'/>
		  <target dev='vda' bus='virtio'/>
		</disk>
		$(disk_xml_agent)
	END
}

# disk_make HOST GUEST: its disk there, and the guest, defined and off.
disk_make()
{
	local uuid number new
	number=$(guest_list | wc -l)
	uuid=$(guest_uuid_make "$2")
	mkdir -p "$LAB_DIR/images"
	new=$(mktemp "$LAB_DIR/images/.new.XXXXXX")
	disk_write "$disk_format" "$new"
	# On the host: its storage may be limited.
	host_enter "$1" cp --sparse=always "$new" "$(disk_path "$2")"
	rm "$new"
	guest_xml "$2" "$number" "$uuid" '' "$(disk_xml "$2")" >"$LAB_DIR/guest/$2.xml"
	host_virsh "$1" "pool-refresh default; define $LAB_DIR/guest/$2.xml" >/dev/null
	env_add "LAB_UUID_$2" "$uuid"
}

# disk_uuid HOST DOMAIN
disk_uuid()
{
	host_virsh "$1" domuuid -- "$2" | head -n 1
}

disk_said()
{
	grep -aq "^ready $2 .* disk " "$LAB_DIR/guest/$1.console"
}
