# image_lib.bash - what the benches of mastimg and vmgroup share: a lab, a VM of 4 GiB with 1 GiB of data, settings, times
# shellcheck shell=bash

bench_folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
bench_lab=$bench_folder/../lab/lab
# shellcheck disable=SC2034 # for whoever sources this
runs=${RUNS:-3}

# bench_begin HOSTS
bench_begin()
{
	(($(id -u) == 0)) || {
		echo "${0##*/}: the lab needs root" >&2
		exit 2
	}
	command -v mastimg vmgroup >/dev/null || {
		echo "${0##*/}: mastimg and vmgroup are not in PATH: PATH=BUILD/bin:\$PATH ${0##*/}" >&2
		exit 2
	}
	bench_scratch=$(mktemp -d /var/tmp/vmroll-bench.XXXXXX)
	trap 'bench_end' EXIT
	trap 'exit 130' INT TERM
	LAB_DIR=$("$bench_lab" up --owner $$ --hosts "$1" --guests 0 --no-wait)
	# shellcheck source=/dev/null
	source "$LAB_DIR/env"
	export VMROLL_CONFIG=$bench_scratch/vmroll.conf VMROLL_STORE=lmdb:$bench_scratch/store
	export VMROLL_HOSTS=$LAB_HOSTS_FILE
	repository=$bench_scratch/images
	printf 'image { repository = "%s" reserve = "0%%" keep = 2 }\n' "$repository" >"$VMROLL_CONFIG"
}

bench_end()
{
	[[ -z ${LAB_DIR:-} ]] || "$bench_lab" down "$LAB_DIR"
	rm -rf "$bench_scratch"
}

# limit_network RATE: what goes to each host
limit_network()
{
	local host
	for host in $LAB_HOSTS; do
		ip netns exec "vmroll-$LAB_PREFIX-$host" cat /sys/class/net/eth0/iflink
	done | while read -r index; do
		tc qdisc replace dev "$(ip -o link | sed -n "s/^$index: \\([^@:]*\\).*/\\1/p")" \
			root tbf rate "$1" burst 1mb latency 50ms
	done
}

# on HOST COMMAND...: virsh
on()
{
	local uri=LAB_URI_$1
	shift
	virsh -q -c "${!uri}" "$@" </dev/null
}

# The file of a volume, from outside.
volume_file()
{
	echo "$LAB_DIR/host/$1/lib/images/$2"
}

# make_source: a VM `source` on host1, off; its data lies in pieces of 1 MiB with holes between
make_source()
{
	local file piece
	on host1 vol-create-as default source.raw 4G --format raw --allocation 0 >/dev/null
	file=$(volume_file host1 source.raw)
	for ((piece = 0; piece < 1024; piece++)); do
		printf 'seek=%d\n' "$((piece * 4))"
	done | while IFS= read -r seek; do
		dd if=/dev/urandom of="$file" bs=1M count=1 conv=notrunc status=none "$seek"
	done
	cat >"$bench_scratch/source.xml" <<-END
	<domain type='qemu'><name>source</name><memory unit='MiB'>96</memory><os><type>hvm</type></os><devices>
	<disk type='file' device='disk'><driver name='qemu' type='raw'/>
	<source file='/var/lib/libvirt/images/source.raw'/><target dev='vda' bus='virtio'/></disk>
	</devices></domain>
	END
	on host1 define "$bench_scratch/source.xml" >/dev/null
}

# seconds COMMAND...: how long it takes when nothing else is on its way to the disk; its output goes to stderr
seconds()
{
	local begun
	sync
	begun=$EPOCHREALTIME
	"$@" >&2
	bc -l <<<"$EPOCHREALTIME - $begun"
}

# middle: of the numbers on standard input, one a line
middle()
{
	sort -g | awk '{ n[NR] = $1 } END { printf "%.2f\n", n[int((NR + 1) / 2)] }'
}

# divide A B
divide()
{
	printf '%.2f\n' "$(bc -l <<<"$1 / $2")"
}

# copy_up HOST FILE: as a new volume copy.raw, by virsh
copy_up()
{
	on "$1" vol-create-as default copy.raw 4G --format raw --allocation 0
	on "$1" vol-upload --sparse --pool default copy.raw "$2"
}

drop_copy()
{
	on "$1" vol-delete --pool default copy.raw >/dev/null
}

# count_vms: domains on all hosts of the lab whose names begin with $1
count_vms()
{
	local host
	for host in $LAB_HOSTS; do
		on "$host" list --all --name
	done | grep -c "^$1" || true
}
