#!/usr/bin/env bats
# notify-silence.bats - hosts are silenced for a while, listed, and heard again

# shellcheck disable=SC2154 # output, stderr and status are set by run
bats_require_minimum_version 1.5.0

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	export VMROLL_CONFIG=$scratch/vmroll.conf TZ=UTC SUDO_USER=ito
	unset VMROLL_STORE VMROLL_HOSTS
	printf 'store = "lmdb:%s"\nhosts = "%s"\n' "$scratch/store" "$scratch/hosts" >"$VMROLL_CONFIG"
	printf 'host%s 192.0.2.1 - -\n' 1 2 3 >"$scratch/hosts"
}

teardown()
{
	rm -rf "$scratch"
}

# silences [OPTION...]: HOST STATE WHY BY, a line each.
silences()
{
	notify-admins silences "$@" -r -o HOST,STATE,WHY,BY | tr '\t' ' '
}

# until_of HOST: when its silence ends, in seconds since the epoch.
until_of()
{
	date -d "$(notify-admins silences --json | jq -r --arg host "$1" 'select(.host == $host).until')" +%s
}

@test "silence says until when; silences lists it with why and by whom" {
	run notify-admins silence host1 host2 --for 2h --why 'new memory'
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == 'host1: silenced until 20'??-??-??\ ??:??:?? ]]
	[[ ${lines[1]} == 'host2: silenced until '* ]]
	[ "$(silences)" = $'host1 active new memory ito\nhost2 active new memory ito' ]
	[ "$(($(until_of host1) - $(date +%s)))" -le 7200 ]
	[ "$(($(until_of host1) - $(date +%s)))" -gt 7000 ]
	run notify-admins silences
	[[ ${lines[0]} == HOST*UNTIL*SINCE*WHY*BY*STATE ]]
	[ "$(notify-admins silences --json | jq -sr '.[0] | keys_unsorted | join(" ")')" = 'schema host until since why by state' ]
	run notify-admins silence -q --for 1h --why x --by 'ops team' host3
	[ -z "$output" ]
	[[ $(silences) == *'host3 active x ops team' ]]
}

@test "the last one wins, be it shorter, and says so" {
	notify-admins silence host1 --for 2h --why long
	run notify-admins silence host1 --for 1m --why short
	[[ $output == *', in place of the silence it had' ]]
	[ "$(silences --all)" = 'host1 active short ito' ]
	[ "$(($(until_of host1) - $(date +%s)))" -le 60 ]
}

@test "unsilence ends it; what is over is listed with --all; pruning takes it" {
	notify-admins silence host1 host2 --for 2h --why x
	notify-admins silence host3 --for 1ms --why y
	run notify-admins unsilence host1
	[ "$status" -eq 0 ]
	[ "$output" = 'host1: not silenced any more' ]
	[ "$(silences)" = 'host2 active x ito' ]
	[ "$(silences --all)" = $'host1 ended x ito\nhost2 active x ito\nhost3 expired y ito' ]
	run --separate-stderr notify-admins unsilence host1 host2
	[ "$status" -eq 3 ]
	[ "$stderr" = 'notify-admins: host1 is not silenced' ]
	[ "$output" = 'host2: not silenced any more' ]
	run --separate-stderr notify-admins unsilence host1 host9
	[ "$status" -eq 1 ]
	[ "${stderr_lines[1]}" = 'notify-admins: host9 is not silenced' ]
	# A moment is an age, too.
	vmsnap --prune=1d
	[ "$(silences --all | wc -l)" -eq 3 ]
	vmsnap --prune=0
	[ -z "$(silences --all)" ]
}

@test "--until takes a time; a time of day is the next" {
	local clock now
	now=$(date +%s)
	notify-admins silence host1 --until "@$((now + 3600))" --why x
	[ "$(until_of host1)" -eq $((now + 3600)) ]
	# In an hour, in TZ, and an hour ago, which is tomorrow.
	for offset in 3600 -3600; do
		clock=$(date -d "@$((now + offset))" +%H:%M:%S)
		notify-admins silence host1 --until "$clock" --why x
		[ "$(until_of host1)" -eq $((now + (offset > 0 ? offset : offset + 86400))) ]
	done
	notify-admins silence host1 --until '2099-01-01 00:00' --why x
	[[ $(notify-admins silences -r -o UNTIL) == 2099-01-01T00:00:00* ]]
}

@test "misuse: nothing is silenced" {
	for words in \
		'silence --for 1h --why x' \
		'silence host1 --for 1h' \
		'silence host1 --why x' \
		'silence host1 --for 1h --until 23:00 --why x' \
		'silence host1 --for 0 --why x' \
		'silence host1 --for 10 --why x' \
		'silence host1 --for 100000d --why x' \
		'silence host1 --until @1 --why x' \
		'silence host1 --until 25:00 --why x' \
		'silences host1' \
		'unsilence'; do
		# shellcheck disable=SC2086 # several words
		run notify-admins $words
		echo "$words: $output"
		[ "$status" -eq 2 ]
	done
	run notify-admins silence host1 --for 1h --why ''
	[ "$status" -eq 2 ]
	run notify-admins silence host1 --for 1h --why $'a\nb'
	[ "$status" -eq 2 ]
	# One that is not there, and none is silenced.
	run notify-admins silence host1 host9 --for 1h --why x
	[ "$status" -eq 1 ]
	[[ $output == *"host9"*"$scratch/hosts"* ]]
	notify-admins silence -q host3 --for 1h --why x
	[ "$(silences --all)" = 'host3 active x ito' ]
}

@test "a host that is renamed keeps its silence" {
	printf '%s\n' $'snapshot\t-9' $'list\thost1\t-9' $'end\t-8' |
		"${top_builddir:?}/tests/lib/fixture" "lmdb:$scratch/store" "$scratch/hosts"
	notify-admins silence host1 --for 2h --why x
	sed -i 's/^host1 /new1 /' "$scratch/hosts"
	vmsnap --rename host1 new1
	[ "$(silences)" = 'new1 active x ito' ]
	# One that left hosts(5) can still be heard again.
	sed -i '/^new1/d' "$scratch/hosts"
	notify-admins unsilence new1
}

@test "listing into a full device: status 4" {
	notify-admins silence host1 --for 2h --why x
	notify-admins silences >/dev/full 2>/dev/null && status=0 || status=$?
	[ "$status" -eq 4 ]
}
