# shellcheck shell=bash
# host: one real libvirtd with files, addresses and processes of its own.

# The folder of its storage pool, as the host sees it.
host_images=/var/lib/libvirt/images

host_list()
{
	local path
	for path in "$LAB_DIR"/host/*/; do
		[[ ! -e $path/init ]] || basename "$path"
	done
}

host_require()
{
	[[ -n ${1:-} && -e $LAB_DIR/host/$1/id ]] || lab_die "${1:-}: no such host"
}

host_alive()
{
	proc_pid "$LAB_DIR/host/$1/init" >/dev/null
}

host_uri()
{
	printf 'qemu+tcp://%s/system' "$(net_address "$1")"
}

# host_conf NAME: what libvirtd and its QEMU driver read. The clients are
# many and anonymous: hundreds of connections at once must not queue.
host_conf()
{
	local folder=$LAB_DIR/host/$1
	cat >"$folder/etc/libvirtd.conf" <<-END
		listen_tls = 0
		listen_tcp = 1
		tcp_port = "16509"
		auth_tcp = "none"
		auth_unix_rw = "none"
		host_uuid = "$(lab_fact "$folder/uuid")"
		max_clients = 20000
		max_queued_clients = 20000
		max_anonymous_clients = 20000
		log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
	END
	cat >"$folder/etc/qemu.conf" <<-END
		security_driver = "none"
		user = "root"
		group = "root"
		namespaces = []
		cgroup_controllers = []
		stdio_handler = "file"
	END
}

# Where is kept what libvirtd found out about this QEMU on this kernel: its
# hosts need not ask again, which costs each a second.
host_capabilities()
{
	printf '%s/capabilities-%s-%s' "$lab_cache" "$(uname -r)" \
		"$(stat -Lc %Z "$(command -v libvirtd)" "$(command -v qemu-system-x86_64)" | xargs |
			tr ' ' -)"
}

# host_make NAME ID: its network and files; not running yet.
host_make()
{
	local folder=$LAB_DIR/host/$1 known
	net_add "$1" "$2"
	mkdir -p "$folder"/{etc/qemu,lib/images,log,cache}
	cat /proc/sys/kernel/random/uuid >"$folder/uuid"
	host_conf "$1"
	host_pool "$folder"
	known=$(host_capabilities)
	[[ ! -d $known ]] || cp -rp "$known/." "$folder/cache/"
	# A host's own name must resolve, and at once: libvirtd asks for it
	# when it starts a guest.
	printf '127.0.0.1 localhost\n%s %s\n' "$(net_address "$1")" "$1" >"$folder/hosts"
	echo 'hosts: files' >"$folder/nsswitch.conf"
	host_accounts "$folder"
	: >"$folder/init"
}

# The pool `default` of every host, active from its start.
host_pool()
{
	mkdir -p "$1/etc/storage/autostart"
	cat >"$1/etc/storage/default.xml" <<-END
		<pool type='dir'>
		  <name>default</name>
		  <uuid>$(</proc/sys/kernel/random/uuid)</uuid>
		  <source/>
		  <target><path>$host_images</path></target>
		</pool>
	END
	ln -s /etc/libvirt/storage/default.xml "$1/etc/storage/autostart/default.xml"
}

# host_storage NAME SIZE: its pool becomes an empty file system of that size, above whatever it holds; again: of another
# size. Whoever has files open below keeps them.
host_storage()
{
	local how=
	! host_enter "$1" mountpoint -q "$host_images" || how=remount,
	host_enter "$1" mount -t tmpfs -o "${how}mode=711,size=$2" tmpfs "$host_images" ||
		lab_die "$1: storage: $2 does not do"
	host_virsh "$1" pool-refresh default >/dev/null
	lab_say "$1 has $2 of storage"
}

host_storage_off()
{
	! host_enter "$1" mountpoint -q "$host_images" || host_enter "$1" umount "$host_images" ||
		lab_die "$1: storage: who uses it must stop first"
	host_virsh "$1" pool-refresh default >/dev/null
}

# The accounts are the host's own: libvirt's QEMU driver does not start without
# libvirt-qemu, which only the package makes that starts services.
host_accounts()
{
	printf '%s\n' root:x:0:0:root:/root:/bin/bash libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin >"$1/passwd"
	printf '%s\n' root:x:0: libvirt-qemu:x:64055: >"$1/group"
}

# host_enter NAME COMMAND...: runs it on the host, as its root would.
host_enter()
{
	local pid child
	pid=$(proc_pid "$LAB_DIR/host/$1/init") || {
		printf 'lab: %s: is off\n' "$1" >&2
		return 1
	}
	shift
	child=$(lab_fact "/proc/$pid/task/$pid/children")
	nsenter --target "${child%% *}" --mount --uts --ipc --net --pid "$@"
}

# host_virsh NAME COMMAND...: bounded, for a libvirtd may be stopped.
host_virsh()
{
	local host=$1
	shift
	host_enter "$host" timeout 60 virsh -q -c qemu:///system "$@"
}

host_booted()
{
	host_enter "$1" test -S /run/libvirt/libvirt-sock
}

# host_boot NAME: as after power-on; returns when libvirtd answers.
host_boot()
{
	local folder=$LAB_DIR/host/$1
	setsid ip netns exec "$(net_ns "$1")" \
		unshare --mount --uts --ipc --pid --fork --kill-child \
		"$lab_lib/host-init" "$LAB_DIR" "$1" \
		</dev/null >>"$folder/console" 2>&1 9>&- &
	proc_record "$folder/init" $! || host_boot_failed "$1"
	wait_until "${LAB_BOOT_SECONDS:-30}" host_booted "$1" || host_boot_failed "$1"
	host_virsh "$1" uri >/dev/null || host_boot_failed "$1"
	lab_say "$1 answers at $(net_address "$1")"
}

host_boot_failed()
{
	tail -n 5 "$LAB_DIR/host/$1/console" "$LAB_DIR/host/$1/log/libvirtd.log" >&2 || true
	lab_die "$1: libvirtd does not answer"
}

# Power off, at once: no process of the host survives, no peer is told.
host_kill()
{
	net_cut "$1"
	host_end "$1"
	lab_say "$1 has no power"
}

host_end()
{
	proc_end "$LAB_DIR/host/$1/init"
	: >"$LAB_DIR/host/$1/init"
	net_empty_out "$(net_ns "$1")" || lab_die "$1: processes that do not end"
}

host_heal()
{
	net_heal "$1"
	[[ ! -e $LAB_DIR/host/$1/init ]] || host_alive "$1" || host_boot "$1"
}

# The pids, outside, of a host's processes with a given name.
host_pids()
{
	local pid
	for pid in $(net_pids "$(net_ns "$1")"); do
		[[ $(lab_fact "/proc/$pid/comm") != "$2" ]] || echo "$pid"
	done
}

# host_signal HOST SIGNAL: to its libvirtd alone. STOP makes a host whose
# kernel answers and whose libvirtd does not; KILL drops every connection.
host_signal()
{
	local pid
	for pid in $(host_pids "$1" libvirtd); do
		kill -s "$2" "$pid"
	done
}
