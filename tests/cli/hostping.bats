#!/usr/bin/env bats
# hostping.bats - real packets in a network namespace: who lives and dies is a matter of its filter

bats_require_minimum_version 1.5.0
load ../lib/wait

: "${top_srcdir:?}" "${top_builddir:?}"

# A network of the test's own, in which every address of 10.0.0.0/24 is at
# home, and silent until it is made to live. Without root it is a user namespace's.
setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/hostping.XXXXXX")
	export VMROLL_CONFIG=$scratch/vmroll.conf VMROLL_STORE=lmdb:$scratch/store VMROLL_HOSTS=$scratch/hosts
	pids=()
	local unshare=(unshare -n) enter=(nsenter -n)
	if (($(id -u))); then
		unshare=(unshare -rn) enter=(nsenter -U --preserve-credentials -n)
	fi
	"${unshare[@]}" sleep infinity 3>&- &
	network=$!
	inside=("${enter[@]}" -t "$network")
	wait_for "${inside[@]}" true
	wait_for own_network
	in_network ip link set lo up
	# Whatever is not local goes out here, and nobody is at the other end.
	in_network ip link add quiet arp off type veth peer name nobody
	in_network ip link set nobody up
	in_network ip link set quiet up
	in_network ip addr add 10.255.255.1/8 dev quiet
	in_network ip route add local 10.0.0.0/24 dev lo
	in_network iptables -A INPUT -d 10.0.0.0/24 -j DROP
	settings
	hosts host1 host2 host3
	live 1 2 3
}

teardown()
{
	local pid
	for pid in "${pids[@]}" "$network"; do
		kill -KILL "$pid" 2>/dev/null || true
	done
	wait "${pids[@]}" "$network" 2>/dev/null || true
	rm -rf "$scratch"
}

own_network()
{
	[[ $(readlink "/proc/$network/ns/net") != "$(readlink /proc/self/ns/net)" ]] &&
		[[ $(tr '\0' ' ' <"/proc/$network/cmdline") == sleep* ]]
}

in_network()
{
	"${inside[@]}" "$@"
}

# settings [KEY = VALUE...]: of the section ping.
settings()
{
	printf 'ping { interval = "100ms" timeout = "500ms" %s }\n' "$*" >"$VMROLL_CONFIG"
}

# hosts [NAME[:OPTIONS]...]: host N of the list has the address 10.0.0.N.
hosts()
{
	local n=0 host options
	for host; do
		n=$((n + 1))
		options=-
		[[ $host != *:* ]] || options=${host#*:}
		printf '%s 10.0.0.%d - %s\n' "${host%%:*}" "$n" "$options"
	done >"$VMROLL_HOSTS"
}

# change -I|-D N...: the kernel takes all at once, so that no probe sees the half of it.
change()
{
	local list
	list=$(printf ',10.0.0.%d' "${@:2}")
	in_network iptables "$1" INPUT -d "${list#,}" -j ACCEPT
}

live()
{
	change -I "$@"
}

die()
{
	change -D "$@"
}

# Our own link: every send fails at once.
unplug()
{
	in_network ip link set quiet down
	in_network ip route del local 10.0.0.0/24 dev lo table local
}

plug()
{
	in_network ip route add local 10.0.0.0/24 dev lo
}

# once OPTION...: a single run; $status, $output and $stderr.
once()
{
	run --separate-stderr in_network hostping "$@"
}

# start NAME COMMAND...: in the background and in the network; $pid, $scratch/NAME.out and .err.
start()
{
	local name=$1
	shift
	"${inside[@]}" "$@" >"$scratch/$name.out" 2>"$scratch/$name.err" 3>&- 9>&- &
	pid=$!
	pids+=("$pid")
}

watch()
{
	start watch hostping --watch "$@"
	watcher=$pid
}

said()
{
	grep -qE -- "$1" "$scratch/${2:-watch}.out"
}

complained()
{
	grep -qE -- "$1" "$scratch/${2:-watch}.err"
}

state_is()
{
	[[ $(hostping --status -r -o state "$1") == "$2" ]]
}

# A turn of the loop lies between two rounds: what was told before it is with the recorder.
rounds_pass()
{
	local sent
	sent=$(echoes_sent)
	more_sent() { (($(echoes_sent) >= sent + 6)); }
	wait_for more_sent
}

echoes_sent()
{
	in_network cat /proc/net/snmp | awk '$1 == "IcmpMsg:" && !n { n = split($0, name); next }
		$1 == "IcmpMsg:" { for (i = 2; i <= n; i++) if (name[i] == "OutType8") print $i }'
}

recorder_of()
{
	cat "/proc/$1/task/$1/children"
}

@test "a single run says who lives, in table, raw and JSON, and records it" {
	once
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ ${lines[0]} =~ ^HOST\ +ADDRESS\ +STATE\ +SINCE\ +RTT\ +LOSS$ ]]
	[[ ${lines[1]} =~ ^host1\ +10.0.0.1\ +UP\ .*\ ms\ +0\ %$ ]]
	[ "${#lines[@]}" -eq 4 ]
	once -r -o host,state,loss
	[ "$output" = $'host1\tUP\t0\nhost2\tUP\t0\nhost3\tUP\t0' ]
	once -J host2
	[ "$(jq -r 'keys_unsorted | join(" ")' <<<"$output")" = 'schema host address state since rtt_ms loss detail' ]
	[ "$(jq -r '[.host, .state, .rtt_ms < 500] | join(" ")' <<<"$output")" = 'host2 UP true' ]
	state_is host3 UP
}

@test "a dead host is status 1, and its state lasts from run to run" {
	once -q
	[ "$status" -eq 0 ]
	die 2
	once -J
	[ "$status" -eq 1 ]
	since=$(jq -r 'select(.host == "host2") | select(.state == "DOWN") | .since' <<<"$output")
	[ -n "$since" ]
	[ "$(jq -r 'select(.host == "host2") | .rtt_ms' <<<"$output")" = null ]
	[[ $(jq -r 'select(.host == "host2") | .detail' <<<"$output") == "3 of 3 pings lost; 2 of 2 others answer" ]]
	once -J
	[ "$(jq -r 'select(.host == "host2") | .since' <<<"$output")" = "$since" ]
	[ "$(jq -r 'select(.host == "host1") | .state' <<<"$output")" = UP ]
	live 2
	once
	[ "$status" -eq 0 ]
}

@test "-q prints nothing, and the status says it" {
	die 2
	once -q
	[ "$status" -eq 1 ]
	[ -z "$output$stderr" ]
}

@test "hosts are chosen by name, by address, and from standard input" {
	live 9
	once -r -o host,state host3 10.0.0.9
	[ "$status" -eq 0 ]
	[ "$output" = $'host3\tUP\n10.0.0.9\tUP' ]
	run in_network hostping -r -o host - <<<$'host2 10.0.0.9\nhost2\n'
	[ "$status" -eq 0 ]
	[ "$output" = $'host2\n10.0.0.9' ]
	run in_network hostping -r - </dev/null
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	once host7.invalid.
	[ "$status" -eq 2 ]
	[[ $stderr == *"'host7.invalid.' is neither a host of $VMROLL_HOSTS nor an address" ]]
	once $'host1\nforged'
	[ "$status" -eq 2 ]
	[[ $stderr != *$'\n'* ]]
}

@test "a host that is off is not asked" {
	hosts host1 host2:off host3
	once -r -o host
	[ "$output" = $'host1\nhost3' ]
}

@test "where nothing answers at all, nobody is called dead" {
	once -q
	die 1 2 3
	once -r -o host,state
	[ "$status" -eq 4 ]
	[ "$output" = $'host1\tUNKNOWN\nhost2\tUNKNOWN\nhost3\tUNKNOWN' ]
	[[ $stderr == *isolated* ]]
	state_is host1 UP
}

@test "asked for one dead host, others of the list are the witnesses" {
	die 2
	once host2
	[ "$status" -eq 1 ]
	die 1 3
	once host3
	[ "$status" -eq 4 ]
}

@test "without a route the state is unknown, never DOWN" {
	sed -i 's/10.0.0.1 /192.0.2.1 /' "$VMROLL_HOSTS"
	in_network ip route add local 192.0.2.1 dev lo
	once -q
	in_network ip route del local 192.0.2.1 dev lo table local
	once -r -o host,state
	[ "$status" -eq 3 ]
	[ "$output" = $'host1\tUNKNOWN\nhost2\tUP\nhost3\tUP' ]
	[[ $stderr == *"host1: not known"* ]]
	[[ $stderr == *"Network is unreachable"* ]]
	state_is host1 UP
}

@test "a queue of our own that is full is no death" {
	settings 'reference = { "10.0.0.1" }'
	once -q
	# Everything to this one goes through a queue that takes nothing.
	in_network ip route add 192.0.2.0/24 dev quiet
	printf 'far 192.0.2.1 - -\n' >>"$VMROLL_HOSTS"
	in_network tc qdisc add dev quiet root pfifo limit 0
	once -r -o host,state
	[ "$status" -eq 3 ]
	[ "${lines[-1]}" = $'far\tUNKNOWN' ]
	[[ $stderr == *'No buffer space available'* ]]
}

@test "--status reads the store alone" {
	once --status
	[ "$status" -eq 4 ]
	once -q
	die 1 2 3
	run hostping --status -J
	[ "$status" -eq 0 ]
	[ "$(jq -r 'select(.host == "host1") | [.state, (.age_s < 60)] | join(" ")' <<<"$output")" = 'UP true' ]
	[ "$(jq -rs '.[0] | keys_unsorted | join(" ")' <<<"$output")" = 'schema host address state since rtt_ms loss detail seen age_s' ]
	run hostping --status
	[[ ${lines[-1]} == 'as of '*' ago)' ]]
	live 1 3
	once -q
	run hostping --status -J
	[ "$status" -eq 1 ]
	[ "$(jq -rs 'map(.since <= .seen) | all' <<<"$output")" = true ]
	live 2
	once -q
	# What is not watched is not waited for.
	printf 'unwatched - - -\n' >>"$VMROLL_HOSTS"
	run hostping --status -r -o host
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	run hostping --status nobody
	[ "$status" -eq 1 ]
	hosts host1 host2 host3 host4
	run hostping --status -r -o host,state
	[ "$status" -eq 3 ]
	[ "${lines[-1]}" = $'host4\tUNKNOWN' ]
	run hostping --status host4
	[ "$status" -eq 4 ]
}

@test "--watch tells each change once, with the time of the first lost reply" {
	watch
	wait_for said $'\thost3\tUP\t-$'
	before=$(date +%s%3N)
	die 2
	wait_for said $'\thost2\tDOWN\t3 of 4 pings lost; 2 of 2 others answer$'
	at=$(awk -F '\t' '$3 == "DOWN" { print $1 }' "$scratch/watch.out")
	[[ $at =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}[+-][0-9]{2}:[0-9]{2}$ ]]
	[ "$(date -d "$at" +%s%3N)" -ge "$((before - 600))" ]
	live 2
	wait_for said $'\thost2\tUP\tafter [0-9a-z]+$'
	kill -TERM "$watcher"
	wait "$watcher"
	[ "$(cut -f 2,3 "$scratch/watch.out" | sort)" = $'host1\tUP\nhost2\tDOWN\nhost2\tUP\nhost2\tUP\nhost3\tUP' ]
	[ ! -s "$scratch/watch.err" ]
	wait_for state_is host2 UP
}

@test "--watch -J: an object a line" {
	watch -J
	wait_for said '"host3"'
	die 1
	wait_for said '"DOWN"'
	[ "$(jq -rs '.[-1] | keys_unsorted | join(" ")' "$scratch/watch.out")" = 'schema time host state detail' ]
	[ "$(jq -rs '.[0].detail' "$scratch/watch.out")" = null ]
}

@test "a port that accepts or refuses keeps a host UP: icmp silent" {
	hosts host1:confirm=tcp:16509+22 host2 host3:confirm=tcp:9
	# Never two probes of a host on their way: a port is heard before the next is lost, however busy the machine.
	printf 'ping { interval = "500ms" timeout = "400ms" reference = { "::1" } }\n' >"$VMROLL_CONFIG"
	watch
	wait_for said $'\thost3\tUP'
	in_network sysctl -qw net.ipv4.icmp_echo_ignore_all=1
	wait_for said $'\thost1\tUP\ticmp silent$'
	wait_for said $'\thost3\tUP\ticmp silent$'
	wait_for said $'\thost2\tDOWN\t3 of 4 pings lost'
	die 3
	wait_for said $'\thost3\tDOWN\t3 of 4 pings lost; port 9 silent; 1 of 2 others answer$'
	in_network sysctl -qw net.ipv4.icmp_echo_ignore_all=0
	wait_for said $'\thost1\tUP\ticmp answers again$'
	run ! said $'\thost1\tDOWN'
}

@test "references: all silent is ISOLATED, one that answers makes mass death real" {
	live 4 5
	settings 'reference = { "10.0.0.4", "10.0.0.5" } isolation_max = "1s"'
	watch
	wait_for said $'\thost3\tUP'
	die 1 2 3 4 5
	wait_for said $'\t-\tISOLATED\tnone of the references answers$'
	wait_for said $'\t-\tISOLATED\tisolated, or all dead$'
	run ! said DOWN
	wait_for state_is host1 UP
	isolated_in_store() { run --separate-stderr hostping --status; [[ $stderr == *'isolated since '* ]]; }
	wait_for isolated_in_store
	[ "$status" -eq 4 ]
	live 5
	wait_for said $'\t-\tUP\tno longer isolated, after'
	for host in host1 host2 host3; do
		wait_for said $'\t'"$host"$'\tDOWN'
	done
}

@test "references that are dead for good are said, and hide no death for longer than isolation_max" {
	warning='the reference does not answer, though hosts do: see reference in vmroll.conf\(5\)'
	settings 'reference = { "10.0.0.9" } isolation_max = "1s"'
	once
	[ "$status" -eq 0 ]
	[[ $stderr =~ $warning ]]
	watch
	wait_for complained "$warning"
	die 2
	wait_for said $'\thost2\tDOWN'
	of_status() { [[ $(hostping --status) =~ $warning ]]; }
	wait_for of_status
	live 9
	of_status_no_more() { ! of_status; }
	wait_for of_status_no_more
	die 9
	[ "$(hostping --status -r -o state host2)" = DOWN ]
}

@test "SIGHUP does not make a reference answer that does not" {
	settings 'reference = { "10.0.0.9" }'
	watch -v
	wait_for said $'\thost3\tUP'
	die 2
	wait_for said $'\t-\tISOLATED\tthe reference does not answer, but 2 of 3 hosts do$'
	kill -HUP "$watcher"
	wait_for complained '3 hosts from now on'
	rounds_pass
	run ! said 'no longer isolated'
	run ! said DOWN
}

@test "without references: most hosts silent at once is ISOLATED" {
	hosts host{1..6}
	live 4 5 6
	watch
	wait_for said $'\thost6\tUP'
	die 1 2 3 4
	wait_for said $'\t-\tISOLATED\tonly [0-9] of 6 hosts answer$'
	live 1 2 3 4
	wait_for said $'\t-\tUP\tno longer isolated'
	run ! said DOWN
}

@test "our own cut link is ISOLATED, and nobody is DOWN" {
	live 4
	settings 'reference = { "10.0.0.4" }'
	watch
	wait_for said $'\thost3\tUP'
	unplug
	wait_for said $'\t-\tISOLATED\tthe reference does not answer$'
	wait_for complained 'probes failed on our own side: Network is unreachable'
	run ! said DOWN
	plug
	wait_for said $'\t-\tUP\tno longer isolated'
}

@test "a host that answers half of its pings says nothing" {
	# So wide that a reply which a busy machine delays makes no difference.
	settings 'window = "7/8"'
	watch
	wait_for said $'\thost3\tUP'
	count=$(wc -l <"$scratch/watch.out")
	# Every other request is lost for long enough to fill many windows: a filter, not a race with the clock.
	in_network iptables -I INPUT -d 10.0.0.1 -p icmp --icmp-type echo-request -m statistic --mode nth --every 2 --packet 0 -j DROP
	dropped() { in_network iptables -nvxL INPUT | awk '/statistic/ { exit $1 < 20 }'; }
	wait_for dropped
	cat "$scratch/watch.out"
	[ "$(wc -l <"$scratch/watch.out")" -eq "$count" ]
}

@test "a locked store delays no line, and what happened meanwhile is recorded after it" {
	once -q
	mkfifo "$scratch/hold"
	"$top_builddir/tests/cli/store_hold" "$scratch/store" <"$scratch/hold" >"$scratch/hold.out" 3>&- &
	pids+=("$!")
	exec 9>"$scratch/hold"
	wait_for grep -q held "$scratch/hold.out"
	watch
	wait_for said $'\thost3\tUP'
	die 2
	wait_for said $'\thost2\tDOWN'
	live 2
	wait_for said $'\thost2\tUP\tafter'
	die 3
	wait_for said $'\thost3\tDOWN'
	state_is host3 UP
	exec 9>&-
	wait_for state_is host3 DOWN
	state_is host2 UP
}

# A thousand hosts and more: what they have to say does not fit into a pipe.
many_hosts()
{
	awk -v n="$1" 'BEGIN { for (i = 1; i <= n; i++) printf "host%04d 10.7.%d.%d - -\n", i, i / 250, i % 250 + 1 }' >"$VMROLL_HOSTS"
	printf 'host0000 10.0.0.1 - -\n' >>"$VMROLL_HOSTS"
	in_network ip route add local 10.7.0.0/16 dev lo
}

# are_down COUNT: so many hosts, as the store has it.
are_down()
{
	(($(hostping --status -r -n -o STATE | grep -cx DOWN) == $1))
}

@test "a reader that does not read delays no probe, and finds the newest of each host" {
	many_hosts 3000
	settings 'reference = { "10.0.0.1" }'
	mkfifo "$scratch/lines"
	exec 8<>"$scratch/lines"
	"${inside[@]}" hostping --watch >"$scratch/lines" 2>"$scratch/watch.err" 3>&- 8>&- &
	pids+=("$!")
	wait_for state_is host3000 UP
	in_network ip route del local 10.7.0.0/16 dev lo table local
	# A line precedes its record: once all are recorded, every UP that waited has given way.
	wait_for are_down 3000
	cat "$scratch/lines" >"$scratch/watch.out" 3>&- &
	pids+=("$!")
	exec 8>&-
	wait_for said $'\thost3000\tDOWN'
	for host in host0001 host1500 host2999; do
		wait_for said $'\t'"$host"$'\tDOWN'
	done
	# 64 KiB were in the pipe; of the rest no host said more than its newest.
	[ "$(grep -c $'\tUP\t' "$scratch/watch.out")" -lt 2500 ]
	[ "$(cut -f 2 "$scratch/watch.out" | sort | uniq -c | awk '$1 > 2' | wc -l)" -eq 0 ]
}

@test "a killed recorder is replaced, and nothing is lost but its time" {
	watch
	wait_for said $'\thost3\tUP'
	wait_for state_is host3 UP
	read -r recorder <<<"$(recorder_of "$watcher")"
	kill -KILL "$recorder"
	wait_for complained 'recorder: killed by signal 9; another one starts'
	die 3
	wait_for said $'\thost3\tDOWN'
	wait_for state_is host3 DOWN
}

@test "what a killed recorder had not written is written by the next" {
	watch
	wait_for state_is host3 UP
	start hold "$top_builddir/tests/cli/store_hold" "${VMROLL_STORE#lmdb:}" < <(wait_for test -e "$scratch/go")
	wait_for said held hold
	die 3
	wait_for said $'\thost3\tDOWN'
	rounds_pass
	read -r recorder <<<"$(recorder_of "$watcher")"
	kill -KILL "$recorder"
	touch "$scratch/go"
	wait_for complained 'recorder: killed by signal 9; another one starts'
	wait_for state_is host3 DOWN
}

@test "blindness does not outlive its hostping in the store" {
	ours() { "$top_builddir/tests/cli/store_dump" "$VMROLL_STORE" hs/now/-; }
	blind_in_store() { [[ $(ours) == *"none of the references answers"* || $(ours) == *"the reference does not"* ]]; }
	sees_in_store() { [[ -n $(ours) ]] && ! blind_in_store; }
	live 4
	settings 'reference = { "10.0.0.4" }'
	watch
	wait_for said $'\thost3\tUP'
	die 1 2 3 4
	wait_for said $'\t-\tISOLATED'
	wait_for blind_in_store
	kill -TERM "$watcher"
	wait "$watcher"
	live 1 2 3 4
	watch
	wait_for sees_in_store
}

@test "a killed prober leaves no silent watcher: the reader sees the end, the store what was told" {
	mkfifo "$scratch/lines"
	"${inside[@]}" hostping --watch >"$scratch/lines" 2>"$scratch/watch.err" 3>&- &
	watcher=$!
	pids+=("$watcher")
	cat "$scratch/lines" >"$scratch/watch.out" 3>&- &
	reader=$!
	pids+=("$reader")
	wait_for said $'\thost3\tUP'
	rounds_pass
	read -r recorder <<<"$(recorder_of "$watcher")"
	kill -KILL "$watcher"
	wait "$reader"
	recorder_gone() { [[ ! -e /proc/$recorder ]]; }
	wait_for recorder_gone
	state_is host3 UP
}

@test "two at once: both tell, one records, and the other takes over" {
	watch
	wait_for state_is host3 UP
	start second hostping --watch
	second=$pid
	wait_for complained 'another hostping records into .*: this one probes without recording' second
	wait_for said $'\thost3\tUP' second
	die 2
	wait_for said $'\thost2\tDOWN'
	wait_for said $'\thost2\tDOWN' second
	kill -TERM "$watcher"
	wait "$watcher"
	live 2
	wait_for said $'\thost2\tUP\tafter' second
	wait_for state_is host2 UP
	[ "$(grep -c 'without recording' "$scratch/second.err")" -eq 1 ]
	once -v host1
	[ "$status" -eq 0 ]
	[[ $stderr == *'not recorded twice'* ]]
	kill -TERM "$second"
	wait "$second"
}

@test "SIGHUP reads the hosts again; a bad file keeps the old" {
	watch
	wait_for said $'\thost3\tUP'
	die 2
	wait_for said $'\thost2\tDOWN'
	hosts host1 host2 host4
	kill -HUP "$watcher"
	wait_for said $'\thost4\tUP'
	echo 'host1 10.0.0.1' >>"$VMROLL_HOSTS"
	kill -HUP "$watcher"
	wait_for complained "$VMROLL_HOSTS:4: .*the hosts stay as they were"
	live 2
	wait_for said $'\thost2\tUP\tafter'
	[ "$(grep -c $'\thost1\t' "$scratch/watch.out")" -eq 1 ]
	kill -TERM "$watcher"
	wait "$watcher"
}

@test "it has no capability left, and cannot get one" {
	watch
	wait_for said $'\thost1\tUP'
	for process in "$watcher" $(recorder_of "$watcher"); do
		[ "$(awk '/^Cap(Inh|Prm|Eff|Amb)/ && $2 !~ /^0+$/' "/proc/$process/status")" = '' ]
		grep -q $'^NoNewPrivs:\t1$' "/proc/$process/status"
	done
}

@test "IPv6 hosts live and die too" {
	printf 'six fd00::6 - -\nloop ::1 - -\n' >"$VMROLL_HOSTS"
	in_network ip -6 addr add fd00::1/64 dev quiet nodad
	in_network ip -6 route add local fd00::6 dev lo
	watch
	wait_for said $'\tsix\tUP'
	in_network ip -6 route del local fd00::6 dev lo table local
	wait_for said $'\tsix\tDOWN'
}

@test "output that cannot be written ends it" {
	status=0
	in_network hostping >/dev/full 2>"$scratch/once.err" || status=$?
	[ "$status" -eq 4 ]
	complained '^hostping: standard output: cannot write: No space left' once
	state_is host1 UP
	status=0
	in_network hostping --watch >/dev/full 2>"$scratch/watch.err" || status=$?
	[ "$status" -eq 4 ]
	complained '^hostping: standard output: No space left' watch
	set +o pipefail
	in_network hostping --watch | head -n 1 | grep -q UP
	[ "${PIPESTATUS[0]}" -eq 141 ]
}

@test "--board shows the hosts, filters, resizes, and gives the terminal back" {
	die 2
	"${inside[@]}" "$top_srcdir/tests/cli/board" use hostping --board
	"${inside[@]}" "$top_srcdir/tests/cli/board" back hostping --board
}

@test "--board says what there is to say until a key is typed, and not that another one records" {
	watch
	wait_for state_is host3 UP
	printf 'lost 192.0.2.1 - -\n' >>"$VMROLL_HOSTS"
	"${inside[@]}" "$top_srcdir/tests/cli/board" said hostping --board
}

@test "--board tells long names apart on a small terminal" {
	hosts a-long-name-of-a-host-01 a-long-name-of-a-host-02
	"${inside[@]}" "$top_srcdir/tests/cli/board" names hostping --board
}

@test "--board without a terminal says so" {
	run --separate-stderr in_network hostping --board
	[ "$status" -eq 4 ]
	[[ $stderr == 'hostping: --board needs a terminal' ]]
	"${inside[@]}" "$top_srcdir/tests/cli/board" dumb hostping --board
}

@test "misuse is status 2" {
	for bad in '--watch --board' '--watch -o host' '--status --watch'; do
		# shellcheck disable=SC2086 # several words on purpose
		once $bad
		[ "$status" -eq 2 ]
	done
	settings 'window = "2/4"'
	once
	[ "$status" -eq 2 ]
	[[ $stderr == *window* ]]
}
