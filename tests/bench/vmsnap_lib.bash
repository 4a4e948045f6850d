# vmsnap_lib.bash - what the benches of vmsnap share: a lab without hosts, settings, times
# shellcheck shell=bash

bench_folder=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
bench_lab=$bench_folder/../lab/lab

bench_begin()
{
	(($(id -u) == 0)) || {
		echo "${0##*/}: the lab needs root" >&2
		exit 2
	}
	command -v vmsnap >/dev/null || {
		echo "${0##*/}: vmsnap is not in PATH: PATH=BUILD/bin:\$PATH ${0##*/}" >&2
		exit 2
	}
	LAB_DIR=$("$bench_lab" up --owner $$ --hosts 0)
	export LAB_DIR
	trap '"$bench_lab" down "$LAB_DIR"; rm -rf "$bench_scratch"' EXIT
	bench_scratch=$(mktemp -d /var/tmp/vmroll-bench.XXXXXX)
	export VMROLL_CONFIG=$bench_scratch/vmroll.conf VMROLL_STORE=lmdb:$bench_scratch/store
	export VMROLL_HOSTS=$bench_scratch/hosts
	: >"$VMROLL_CONFIG"
}

# seconds COMMAND...: how long it takes; its output goes to stderr
seconds()
{
	local begun=$EPOCHREALTIME
	"$@" >&2
	bc -l <<<"$EPOCHREALTIME - $begun"
}

# newest KEY: of the newest snapshot
newest()
{
	vmsnap --list -J | head -n 1 | jq ".$1"
}

# divide A B
divide()
{
	printf '%.1f' "$(bc -l <<<"$1 / $2")"
}
