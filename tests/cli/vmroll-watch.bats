#!/usr/bin/env bats
# vmroll-watch.bats - the chain is whole, or it ends: never a part of it alone

bats_require_minimum_version 1.5.0
load ../lib/wait
: "${top_srcdir:?}"

setup()
{
	if (($(id -u))); then
		skip 'hostping opens its socket as root, or with the capability that make setup gives'
	fi
	cd "$BATS_TEST_TMPDIR" || return
	printf 'alone 127.0.0.1 - -\n' >hosts
	cat >vmroll.conf <<-END
		store = "lmdb:$PWD/store"
		hosts = "$PWD/hosts"
		ping { interval = "50ms" timeout = "50ms" reference = { "127.0.0.1" } }
		notify { fallback = { "ops@example.org" } }
		smtp { url = "smtp://127.0.0.1:1" from = "vmroll@example.org" tls = "none" }
	END
	export VMROLL_CONFIG=$PWD/vmroll.conf
	"$top_srcdir/scripts/vmroll-watch" "$PWD/events" 2>errors 3>&- &
	chain=$!
	wait_for seen UP
}

teardown()
{
	[[ -z ${chain:-} ]] || kill "$chain" 2>/dev/null || true
	wait
}

seen()
{
	grep -q $'\talone\t'"$1"$'\t' events
}

# The process of that name right below the chain; setpriv becomes it in its own time.
part()
{
	wait_for pgrep -P "$chain" -f "(^|/)$1( |$)" >&2
	pgrep -P "$chain" -f "(^|/)$1( |$)"
}

ended()
{
	! kill -0 "$1" 2>/dev/null
}

ends_with()
{
	local status=0
	wait "$chain" || status=$?
	[[ $status -eq $1 ]]
}

# Ends one part; the others must follow, and the chain must say which it was.
end_part()
{
	local parts
	mapfile -t parts < <(pgrep -P "$chain")
	[[ ${#parts[@]} -eq 3 ]]
	kill -KILL "$(part "$1")"
	ends_with 4
	for pid in "${parts[@]}"; do
		wait_for ended "$pid"
	done
	chain=''
	grep -q "[ ]$1 137" errors
}

@test "asked to end, the chain ends with 0 and leaves nothing" {
	mapfile -t parts < <(pgrep -P "$chain")
	kill -TERM "$chain"
	ends_with 0
	chain=''
	for pid in "${parts[@]}"; do
		wait_for ended "$pid"
	done
	[[ ! -s errors ]]
}

@test "when notify-admins dies, the chain ends" {
	end_part notify-admins
}

@test "when hostping dies, the chain ends" {
	end_part hostping
}

@test "when tee dies, the chain ends" {
	end_part tee
}

@test "on SIGHUP hosts(5) is read again, and the chain goes on" {
	printf 'alone 127.0.0.1 - -\nsecond 127.0.0.2 - -\n' >hosts
	kill -HUP "$chain"
	wait_for grep -q $'\tsecond\tUP\t' events
	kill -0 "$chain"
}
