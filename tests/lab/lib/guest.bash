# shellcheck shell=bash
# guest: small real machines: Debian's cloud kernel under TCG, and busybox.

guest_names=(db1 web1 web2 mail1 app1 dns1 app2 cache1)
guest_modules=(button evdev)
guest_cmdline='console=ttyS0 quiet nokaslr mitigations=off lsm=capability audit=0 cryptomgr.notests no_timer_check lpj=4000000 tsc=reliable'

# The name of guest number $1, from 0.
guest_name()
{
	if (($1 < ${#guest_names[@]})); then
		printf '%s' "${guest_names[$1]}"
	else
		printf 'vm%d' $(($1 + 1))
	fi
}

guest_list()
{
	local path
	for path in "$LAB_DIR"/guest/*.xml; do
		[[ ! -e $path ]] || basename "$path" .xml
	done
}

guest_require()
{
	[[ -n ${1:-} && -e $LAB_DIR/guest/$1.xml ]] || lab_die "${1:-}: no such guest"
}

# guest_fetch: once a machine, the kernel, its modules and the guest agent into the cache.
guest_fetch()
{
	mkdir -p "$lab_cache"
	(
		flock 8
		guest_fetched || guest_fetch_packages
	) 8<"$lab_cache"
}

guest_fetched()
{
	local file
	for file in vmlinuz qemu-ga "${guest_modules[@]/%/.ko}" "${disk_modules[@]/%/.ko}"; do
		[[ -e $lab_cache/$file ]] || return 1
	done
}

# guest_download FOLDER: the package that the newest kernel's depends on, and the guest agent's.
guest_download()
{
	local package
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: *\(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
	[[ -n $package ]] || return 1
	(cd "$1" && apt-get -qq -o APT::Sandbox::User=root download "$package" qemu-guest-agent)
}

# Lists that are missing, or older than the archive, are read anew.
guest_fetch_packages()
{
	local work package module
	work=$(mktemp -d "$lab_cache/fetch.XXXXXX")
	# shellcheck disable=SC2064 # the folder of now
	trap "rm -rf '$work'" EXIT
	guest_download "$work" 2>/dev/null || {
		apt-get -qq -o DPkg::Lock::Timeout=120 update
		guest_download "$work"
	} || lab_die 'linux-image-cloud-amd64, qemu-guest-agent: cannot be downloaded'
	for package in "$work"/*.deb; do
		dpkg -x "$package" "$work/x"
	done
	# A kernel with modules of another would be taken for whole.
	rm -f "$lab_cache/vmlinuz"
	for module in "${guest_modules[@]}" "${disk_modules[@]}"; do
		find "$work/x/lib/modules" -name "$module.ko" -exec mv -t "$lab_cache" {} +
	done
	mv "$work/x/usr/sbin/qemu-ga" "$lab_cache"
	mv "$work"/x/boot/vmlinuz-* "$lab_cache/vmlinuz"
	rm -rf "$work"
}

# guest_root FOLDER: what a guest finds at its start.
guest_root()
{
	local module
	mkdir -p "$1"/{bin,proc,sys,dev}
	for module in "${guest_modules[@]}"; do
		cp "$lab_cache/$module.ko" "$1"
	done
	cp "$lab_lib/guest-init" "$1/init"
	cp "$(command -v busybox)" "$1/bin/busybox"
}

guest_cpio()
{
	(cd "$1" && find . | busybox cpio -o -H newc) 2>/dev/null
}

# guest_boot_files: kernel and initramfs as files of the lab.
guest_boot_files()
{
	local root=$LAB_DIR/boot/root
	guest_root "$root"
	guest_cpio "$root" >"$LAB_DIR/boot/initramfs"
	rm -rf "$root"
	cp "$lab_cache/vmlinuz" "$LAB_DIR/boot/vmlinuz"
}

guest_osinfo()
{
	case $1 in
	db*) echo 'http://debian.org/debian/12' ;;
	web*) echo 'http://ubuntu.com/ubuntu/22.04' ;;
	esac
}

guest_xml_metadata()
{
	local os
	os=$(guest_osinfo "$1")
	[[ -z $os ]] || cat <<-END
		<metadata>
		  <libosinfo:libosinfo xmlns:libosinfo="http://libosinfo.org/xmlns/libvirt/domain/1.0">
		    <libosinfo:os id="$os"/>
		  </libosinfo:libosinfo>
		</metadata>
	END
}

guest_mac()
{
	printf '52:54:00:77:%02x:%02x' "$lab_slot" "$1"
}

guest_disk()
{
	mkdir -p "$LAB_DIR/images"
	truncate -s "$2" "$LAB_DIR/images/$1.raw"
}

# The kernel is given from outside; the disk is empty.
guest_xml_os()
{
	cat <<-END
		<kernel>$LAB_DIR/boot/vmlinuz</kernel>
		<initrd>$LAB_DIR/boot/initramfs</initrd>
		<cmdline>$guest_cmdline</cmdline>
	END
}

# The disk is shareable, so that QEMU takes no lock on it: when a host is
# cut off and its guest is started elsewhere, both run, as two machines
# without fencing would.
guest_xml_disk()
{
	cat <<-END
		<disk type='file' device='disk'>
		  <driver name='qemu' type='raw' cache='none'/>
		  <source file='$LAB_DIR/images/$1.raw'/>
		  <target dev='vda' bus='virtio'/>
		  <shareable/>
		</disk>
	END
}

# guest_xml NAME NUMBER UUID OS DISK: what it boots, and its disk, as XML.
guest_xml()
{
	cat <<-END
		<domain type='qemu'>
		  <name>$1</name>
		  <uuid>$3</uuid>
		  $(guest_xml_metadata "$1")
		  <memory unit='MiB'>96</memory>
		  <vcpu>1</vcpu>
		  <os>
		    <type arch='x86_64' machine='pc'>hvm</type>
		    $4
		  </os>
		  <features><acpi/><tcg><tb-cache unit='MiB'>64</tb-cache></tcg></features>
		  <clock offset='utc'><timer name='hpet' present='no'/></clock>
		  <devices>
		    $5
		    <interface type='bridge'>
		      <mac address='$(guest_mac "$2")'/>
		      <source bridge='guests'/>
		      <model type='virtio'/>
		    </interface>
		    <serial type='file'>
		      <source path='$LAB_DIR/guest/$1.console' append='on'/>
		    </serial>
		    <controller type='usb' model='none'/>
		    <video><model type='none'/></video>
		    <memballoon model='none'/>
		  </devices>
		</domain>
	END
}

# A machine that is defined and shut off: nothing of it ever runs.
guest_xml_off()
{
	cat <<-END
		<domain type='qemu'>
		  <name>$1</name>
		  <uuid>$3</uuid>
		  <memory unit='GiB'>2</memory>
		  <vcpu>4</vcpu>
		  <os><type arch='x86_64' machine='pc'>hvm</type></os>
		  <devices>
		    <disk type='file' device='disk'>
		      <driver name='qemu' type='raw'/>
		      <source file='$LAB_DIR/images/$1.raw'/>
		      <target dev='vda' bus='virtio'/>
		    </disk>
		    <interface type='bridge'>
		      <mac address='$(guest_mac "$2")'/>
		      <source bridge='guests'/>
		      <model type='e1000'/>
		      <bandwidth><inbound average='125000'/><outbound average='125000'/></bandwidth>
		    </interface>
		  </devices>
		</domain>
	END
}

guest_uuid_make()
{
	mkdir -p "$LAB_DIR/guest"
	tee "$LAB_DIR/guest/$1.uuid" </proc/sys/kernel/random/uuid
}

guest_make()
{
	local uuid
	uuid=$(guest_uuid_make "$1")
	guest_disk "$1" 1G
	guest_xml "$1" "$2" "$uuid" "$(guest_xml_os)" "$(guest_xml_disk "$1")" >"$LAB_DIR/guest/$1.xml"
}

guest_make_off()
{
	local uuid
	uuid=$(guest_uuid_make "$1")
	guest_disk "$1" 20G
	guest_xml_off "$1" "$2" "$uuid" >"$LAB_DIR/guest/$1.xml"
}

# guest_start HOST GUEST...: defines them there and starts them.
guest_start()
{
	local host=$1 guest script=
	shift
	for guest; do
		script+="define $LAB_DIR/guest/$guest.xml; start $guest; "
	done
	[[ -n $script ]] || return 0
	host_virsh "$host" "$script" >/dev/null
	lab_say "$host runs $*"
}

# How often the guest has come up, by its own word.
guest_boots()
{
	local n
	n=$(grep -ac "^ready $(lab_fact "$LAB_DIR/guest/$1.uuid") " \
		"$LAB_DIR/guest/$1.console" 2>/dev/null) || true
	echo "${n:-0}"
}

guest_booted()
{
	(($(guest_boots "$1") > $2))
}

guest_wait()
{
	wait_until 60 guest_booted "$1" "$2" ||
		lab_die "$1: does not come up: $(tail -n 3 "$LAB_DIR/guest/$1.console" 2>&1)"
	lab_say "$1 has booted"
}

# The hosts where a guest is running now, as those hosts say.
guest_hosts()
{
	local host running
	for host in $(host_list); do
		host_alive "$host" || continue
		running=$(host_virsh "$host" list --name --state-running) ||
			lab_die "$host: does not list its guests"
		! grep -qxF -- "$1" <<<"$running" || echo "$host"
	done
}

guest_host()
{
	local hosts
	hosts=$(guest_hosts "$1") || exit 1
	[[ -n $hosts ]] || lab_die "$1: runs nowhere"
	[[ $hosts != *$'\n'* ]] || lab_die "$1: runs on several hosts: ${hosts//$'\n'/ }"
	printf '%s' "$hosts"
}

# The destination listens on its address, given here: the hosts' names
# resolve nowhere.
guest_migrate()
{
	local from
	from=$(guest_host "$1")
	[[ $from != "$2" ]] || lab_die "$1: is on $2 already"
	virsh -q -c "$(host_uri "$from")" migrate --live --unsafe --persistent \
		--undefinesource "$1" "$(host_uri "$2")" \
		--migrateuri "tcp://$(net_address "$2")" >/dev/null
}

# GUEST HOST STATE, tab-separated, for each domain of each host that is on.
guest_where()
{
	local host
	for host in $(host_list); do
		host_alive "$host" || continue
		host_virsh "$host" list --all | awk -v host="$host" '
			NF { state = $3
			     for (i = 4; i <= NF; i++) state = state " " $i
			     print $2 "\t" host "\t" state }'
	done
}
