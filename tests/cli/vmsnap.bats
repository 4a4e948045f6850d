#!/usr/bin/env bats
# vmsnap.bats - vmsnap on libvirt's test driver: nodes are files, no daemon is needed
# shellcheck disable=SC2016,SC2154 # texts for other programs; what bats sets

bats_require_minimum_version 1.5.0
load ../lib/wait

setup()
{
	folder=$BATS_TEST_TMPDIR
	export VMROLL_CONFIG=$folder/vmroll.conf VMROLL_STORE=lmdb:$folder/store
	export VMROLL_HOSTS=$folder/hosts TZ=UTC
	: >"$VMROLL_HOSTS"
	: >"$VMROLL_CONFIG"
	settings
}

# A follower that a failed test left would go on for ever.
teardown()
{
	[[ -z ${follower:-} ]] || kill -9 "$follower" 2>/dev/null || true
}

# settings [TEXT]: what goes into section snapshot
settings()
{
	printf 'snapshot {\n%s\n}\n' "${1:-}" >"$VMROLL_CONFIG"
}

# domain NAME [UUID-DIGIT [STATE [VCPUS]]]
domain()
{
	printf '<domain type="test" xmlns:test="http://libvirt.org/schemas/domain/test/1.0"><name>%s</name>' "$1"
	printf '<uuid>%s0000000-0000-4000-8000-000000000000</uuid>' "${2:-1}"
	printf '<metadata><o:libosinfo xmlns:o="http://libosinfo.org/xmlns/libvirt/domain/1.0">'
	printf '<o:os id="http://debian.org/debian/12"/></o:libosinfo></metadata>'
	printf '<memory unit="MiB">512</memory><vcpu>%s</vcpu><os><type arch="x86_64">hvm</type></os>' "${4:-2}"
	printf '<devices><interface type="bridge"><mac address="52:54:00:00:00:0%s"/>' "${2:-1}"
	printf '<source bridge="br0"/><bandwidth><inbound average="1000"/></bandwidth>'
	printf '<model type="virtio"/></interface></devices>'
	printf '<test:runstate>%s</test:runstate></domain>\n' "${3:-1}"
}

# node NAME DOMAINS...: a host in the list of hosts, and the file behind it
node()
{
	local name=$1
	shift
	printf '<node>%s<memory>8388608</memory>%s</node>\n' \
		'<cpu><mhz>2400</mhz><model>test</model><active>4</active><nodes>1</nodes><sockets>1</sockets><cores>4</cores><threads>1</threads></cpu>' \
		"$*" >"$folder/$name.xml"
	grep -q "^$name	" "$VMROLL_HOSTS" ||
		printf '%s\t192.0.2.1\ttest://%s\tcluster=blue,manager=center1\n' "$name" "$folder/$name.xml" >>"$VMROLL_HOSTS"
}

# bad NAME: a host that refuses: nobody listens on the port of discard
bad()
{
	printf '%s\t127.0.0.1\ttest+tcp://127.0.0.1:9/default\t-\n' "$1" >>"$VMROLL_HOSTS"
}

# newest KEY...: values of the newest snapshot
newest()
{
	vmsnap --list -J | head -n 1 | jq -r "[.$1${2:+,.$2}${3:+,.$3}${4:+,.$4}] | map(tostring) | join(\" \")"
}

@test "a snapshot is silent, and counted" {
	node host1 "$(domain web1 1)" "$(domain db1 2)"
	node host2 "$(domain off1 3 5)"
	run -0 --separate-stderr vmsnap
	[ -z "$output$stderr" ]
	[ "$(newest hosts answered failed vms)" = '2 2 0 3' ]
}

@test "-v says what was done" {
	node host1 "$(domain web1 1)"
	run -0 --separate-stderr vmsnap -v
	[ -z "$output" ]
	[[ $stderr == 'vmsnap: 1 of 1 hosts answered in '*': 1 VMs, 1 new, 0 gone, 0 changed' ]]
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 1 VMs, 0 new, 0 gone, 0 changed' ]]
}

@test "a changed, a gone and a new VM are seen" {
	node host1 "$(domain web1 1)" "$(domain db1 2)"
	vmsnap
	node host1 "$(domain web1 1 3)" "$(domain new1 4)"
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 2 VMs, 1 new, 1 gone, 1 changed' ]]
}

@test "other vCPUs show once the XML is old enough" {
	settings 'reread = "1s"'
	node host1 "$(domain web1 1 1 2)"
	vmsnap
	node host1 "$(domain web1 1 1 8)"
	changed() { vmsnap -v 2>&1 | grep -q ' 1 changed$'; }
	wait_for changed
}

@test "hosts that are named are asked, the others are not" {
	node host1 "$(domain web1 1)"
	node host2 "$(domain web2 2)"
	run -0 vmsnap host2
	[ "$(newest hosts answered failed vms)" = '2 1 1 1' ]
	run -2 --separate-stderr vmsnap host9
	[ "$stderr" = "vmsnap: host9: no such host in $VMROLL_HOSTS" ]
}

@test "a host without a URI is not asked, and cannot be" {
	node host1 "$(domain web1 1)"
	printf 'ups1\t192.0.2.2\t-\t-\n' >>"$VMROLL_HOSTS"
	run -0 --separate-stderr vmsnap
	[ -z "$stderr" ]
	run -2 --separate-stderr vmsnap ups1
	[ "$stderr" = "vmsnap: $VMROLL_HOSTS:2: ups1 has no libvirt URI" ]
}

@test "a host that is off is not asked, unless it is named" {
	node host1 "$(domain web1 1)"
	node host2 "$(domain web2 2)"
	sed -i '/^host2/s/cluster=blue/off/' "$VMROLL_HOSTS"
	run -0 vmsnap
	[ "$(newest answered)" = 1 ]
	run -0 vmsnap host2
	[ "$(newest answered vms)" = '1 1' ]
}

@test "an empty list of hosts is said, and nothing is written" {
	run -0 --separate-stderr vmsnap
	[[ $stderr == *'no hosts: nothing to ask' ]]
	run -0 --separate-stderr vmsnap --follow
	[[ $stderr == *'no hosts: nothing to ask' ]]
	[ ! -e "$folder/store" ]
}

@test "some fail: 3, each named once; the next time only with -v" {
	node host1 "$(domain web1 1)"
	bad broken
	run -3 --separate-stderr vmsnap
	[[ $stderr == 'vmsnap: broken: '*refused* ]]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(newest hosts answered failed vms)" = '2 1 1 1' ]
	run -3 --separate-stderr vmsnap
	[ -z "$stderr" ]
	run -3 --separate-stderr vmsnap -v
	[[ $stderr == *'broken: '*'refused'*'(as last time)'* ]]
	node broken "$(domain web2 2)"
	sed -i '/^broken.*127/d' "$VMROLL_HOSTS"
	node broken "$(domain web2 2)"
	vmsnap
	sed -i '/^broken/d' "$VMROLL_HOSTS"
	bad broken
	run -3 --separate-stderr vmsnap
	[[ $stderr == 'vmsnap: broken: '* ]]
}

@test "a VM that is too large for the store costs its host alone" {
	node host1 "$(domain web1 1)"
	node host2 "$(domain web2 2 | perl -pe 's/br0/"x" x 1200000/e')"
	node host3 "$(domain web3 3)"
	run -3 --separate-stderr vmsnap
	[[ $stderr == *host2:* && $stderr != *host1* && $stderr != *host3* ]]
	[ "$(newest answered)" = 2 ]
	[ "$(newest failed)" = 1 ]
	node host2 "$(domain web2 2)"
	run -0 vmsnap
	[ "$(newest vms)" = 3 ]
}

@test "nobody answers: 4" {
	bad broken1
	bad broken2
	run -4 --separate-stderr vmsnap
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "$(newest hosts answered failed vms)" = '2 0 2 0' ]
}

@test "hostile names go in and come out" {
	local long
	long=$(printf 'n%.0s' {1..1000})
	node host1 "$(domain 'a&#9;b&#x202E;$(id);,&quot;' 1)" "$(domain "$long" 2)"
	run -0 --separate-stderr vmsnap
	[ -z "$output$stderr" ]
	[ "$(newest vms)" = 2 ]
}

@test "XML larger than any real VM's: it is listed all the same, and so are the others" {
	node host1 "$(domain web1 1)" '@HUGE@'
	domain huge 2 | sed 's|<memory |<description>@TEXT@</description>&|' >"$folder/huge"
	python3 - "$folder/host1.xml" "$folder/huge" <<-'END'
		import sys
		node, vm = sys.argv[1:]
		text = open(vm).read().replace("@TEXT@", "x" * 5000000)
		whole = open(node).read().replace("@HUGE@", text)
		open(node, "w").write(whole)
	END
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *'2 VMs, 2 new'*'1 without what only the XML says: the next run tries again'* ]]
	run -0 vmwhere -J
	[ "$(jq -r '[.vm, .os, .memory_bytes] | map(tostring) | join(" ")' <<<"$output" | sort | xargs)" = \
		'huge null null web1 Debian 12 536870912' ]
}

@test "XML that libvirt refuses fails that host alone" {
	node host1 "$(domain web1 1)"
	printf '<node><domain' >"$folder/cut.xml"
	printf 'cut\t192.0.2.1\ttest://%s\t-\n' "$folder/cut.xml" >>"$VMROLL_HOSTS"
	run -3 --separate-stderr vmsnap
	[[ $stderr == 'vmsnap: cut: '* ]]
	[ "$(newest answered vms)" = '1 1' ]
}

@test "--list: keys, columns, newest first, --since" {
	node host1 "$(domain web1 1)"
	vmsnap
	vmsnap
	run -0 vmsnap --list -J
	[ "${#lines[@]}" -eq 2 ]
	[ "$(jq -r 'keys_unsorted | join(" ")' <<<"${lines[0]}")" = 'schema id begun ended hosts answered failed vms' ]
	[ "$(jq .id <<<"${lines[0]}")" -gt "$(jq .id <<<"${lines[1]}")" ]
	run -0 vmsnap --list
	[[ ${lines[0]} =~ ^ID\ +BEGUN\ +ENDED\ +HOSTS\ +ANSWERED\ +FAILED\ +VMS$ ]]
	run -0 vmsnap --list -r -o vms,ID
	[[ ${lines[0]} =~ ^1$'\t'[0-9]+$ ]]
	run -0 vmsnap --list --since '1h ago' -r
	[ "${#lines[@]}" -eq 2 ]
	run -1 --separate-stderr vmsnap --list --since '@4000000000' -r
	[ -z "$output" ]
	run -2 vmsnap --list --since whenever
	run -2 vmsnap --since '1h ago'
}

@test "--list without a snapshot: 4, run vmsnap first" {
	run -4 --separate-stderr vmsnap --list
	[[ $stderr == *'run vmsnap first'* ]]
}

@test "--prune keeps the newest state" {
	node host1 "$(domain web1 1)"
	vmsnap
	vmsnap
	run -0 --separate-stderr vmsnap --prune
	[ -z "$output$stderr" ]
	run -0 vmsnap --prune 1s
	run -0 vmsnap --prune=0
	[ "$(newest vms)" = 1 ]
	run -2 vmsnap --prune soon
	run -2 vmsnap --prune=1d 2d
}

# state HOST STATE AGE-IN-SECONDS: hostping recorded it
state()
{
	printf 'state\t%s\t%s\t-%s\n' "$@" | "${top_builddir:?}/tests/lib/fixture" "$VMROLL_STORE" "$VMROLL_HOSTS"
}

# transitions HOST: how many hostping recorded
transitions()
{
	"${top_builddir:?}/tests/cli/store_dump" "$VMROLL_STORE" "hs/log/$1" | wc -l
}

@test "--prune removes what hostping recorded long ago, but not the state in force then" {
	node host1 "$(domain web1 1)"
	vmsnap
	state host1 UP 9000000
	state host1 DOWN 8000000
	state host1 UP 7000000
	state host1 DOWN 10
	[ "$(transitions host1)" = 4 ]
	run -0 vmsnap --prune 10d
	[ "$(transitions host1)" = 2 ]
	run -0 vmsnap --prune=0
	[ "$(transitions host1)" = 1 ]
	run -1 hostping --status
	[[ $output == *host1*DOWN* ]]
}

@test "--rename takes along what hostping recorded" {
	node host1 "$(domain web1 1)"
	vmsnap
	state host1 UP 100
	state host1 DOWN 50
	run -0 vmsnap --rename host1 host5
	sed -i 's/^host1/host5/' "$VMROLL_HOSTS"
	[ "$(transitions host1)" = 0 ]
	[ "$(transitions host5)" = 2 ]
	run -1 hostping --status
	[[ $output == *host5*DOWN* ]]
}

@test "--forget and --rename" {
	node host1 "$(domain web1 1)"
	vmsnap
	run -1 --separate-stderr vmsnap --forget host9
	[[ $stderr == *host9* ]]
	run -1 vmsnap --rename host9 host8
	run -2 vmsnap --rename host1
	run -0 vmsnap --rename host1 host5
	sed -i 's/^host1/host5/' "$VMROLL_HOSTS"
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 1 VMs, 0 new, 0 gone, 0 changed' ]]
	run -0 vmsnap --forget host5
	for name in '' -x 'a b' $'a\tb'; do
		run -2 --separate-stderr vmsnap --rename host1 -- "$name"
		[[ $stderr == *'is not a host name'* ]]
	done
}

@test "--migrate leaves a store of this version as it is" {
	node host1 "$(domain web1 1)"
	vmsnap
	run -0 --separate-stderr vmsnap --migrate
	[ -z "$output$stderr" ]
	[ "$(newest vms)" = 1 ]
}

@test "actions exclude each other" {
	run -2 --separate-stderr vmsnap --list --follow
	[[ $stderr == *'only one of'* ]]
	run -2 vmsnap --reread 5m
	run -2 vmsnap --follow --reread 1ms
	run -2 vmsnap --follow host1
}

@test "--check-config" {
	node host1 "$(domain web1 1)"
	run -0 vmsnap --check-config
	echo 'host1 - - nonsense=1' >>"$VMROLL_HOSTS"
	run -2 --separate-stderr vmsnap --check-config
	[[ $stderr == *"$VMROLL_HOSTS:2"* ]]
}

@test "a store that cannot be written: 4" {
	node host1 "$(domain web1 1)"
	run -4 --separate-stderr vmsnap -S lmdb:/proc/vmroll
	[ -n "$stderr" ]
}

@test "output that cannot be written: 4" {
	node host1 "$(domain web1 1)"
	vmsnap
	for option in -J -r -n; do
		run -4 --separate-stderr bash -c "vmsnap --list $option >/dev/full"
		[[ $stderr == *'cannot write'* || $stderr == *'No space left'* ]]
	done
}

@test "SIGPIPE ends it as any filter" {
	node host1 "$(domain web1 1)"
	vmsnap
	run -0 bash -c 'vmsnap --list -J | true; [[ ${PIPESTATUS[0]} == 141 || ${PIPESTATUS[0]} == 0 ]]'
}

# listener: something that accepts on a free port of loopback and says nothing
listener()
{
	coproc MUTE { exec python3 -c '
import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64)
print(s.getsockname()[1], flush=True)
sys.stdin.read()' 3>&-; }
	read -r port <&"${MUTE[0]}"
}

@test "a mute host costs its deadline, no more; who answers is stored" {
	settings 'host_deadline = "1s"'
	node host1 "$(domain web1 1)"
	listener
	printf 'mute\t127.0.0.1\tqemu+tcp://127.0.0.1:%s/system\t-\n' "$port" >>"$VMROLL_HOSTS"
	run -3 --separate-stderr vmsnap
	[ "$stderr" = 'vmsnap: mute: no answer within 1s' ]
	[ "$(newest hosts answered failed vms)" = '2 1 1 1' ]
}

@test "when the run's deadline passes, the rest is not asked" {
	settings 'host_deadline = "10s" deadline = "1s"'
	echo 'parallel = 1' >>"$VMROLL_CONFIG"
	listener
	printf 'mute%d\t127.0.0.1\tqemu+tcp://127.0.0.1:'"$port"'/system\t-\n' 1 2 3 >>"$VMROLL_HOSTS"
	run -4 --separate-stderr vmsnap
	[[ $stderr == *'mute2: not asked'*'mute3: not asked'* ]]
}

# asking PID: a vmsnap that has got as far as asking has a worker
asking()
{
	wait_for pgrep -P "$1"
}

gone()
{
	! kill -0 "$@"
}

# mute_host: one that answers nothing, far longer than a test takes
mute_host()
{
	settings 'host_deadline = "50s" deadline = "55s"'
	listener
	printf 'mute\t127.0.0.1\tqemu+tcp://127.0.0.1:%s/system\t-\n' "$port" >>"$VMROLL_HOSTS"
}

@test "two at once: the second ends with 5" {
	mute_host
	vmsnap 3>&- &
	local first=$!
	asking "$first"
	run -5 --separate-stderr vmsnap
	[[ $stderr == *"$first"* ]]
	kill "$first"
	wait "$first" || true
}

@test "kill -9 leaves no worker and no lock" {
	node host1 "$(domain web1 1)"
	mute_host
	vmsnap 3>&- &
	local first=$! left
	asking "$first"
	mapfile -t left < <(pgrep -P "$first")
	kill -9 "$first"
	wait "$first" || true
	wait_for gone "${left[@]}"
	run -0 vmsnap host1
}

@test "SIGTERM ends it in order: what answered is stored, the rest was not asked" {
	node host1 "$(domain web1 1)"
	mute_host
	vmsnap 3>&- 2>/dev/null &
	local first=$! status=0
	asking "$first"
	kill -TERM "$first"
	wait -f "$first" || status=$?
	[[ $status == [34] ]]
	[ "$(newest hosts)" = 2 ]
}

# following: --follow has connected to HOST
following()
{
	wait_for grep "	$1	-	-	connected" "$folder/out"
}

@test "--follow: a host that is known by its name only is followed under its new name too" {
	node host1 "$(domain web1 1)"
	vmsnap
	vmsnap --rename host1 host5
	sed -i 's/^host1/host5/' "$VMROLL_HOSTS"
	vmsnap --follow 3>&- >"$folder/out" &
	follower=$!
	following host5
	kill "$follower"
	wait "$follower"
	follower=
	run -0 --separate-stderr vmsnap -v
	[[ $stderr == *': 1 VMs, 0 new, 0 gone, 0 changed' ]]
}

@test "--follow: a snapshot that is killed is told" {
	node host1 "$(domain web1 1)"
	mute_host
	vmsnap --follow --reread 1s 3>&- >"$folder/out" 2>"$folder/err" &
	follower=$!
	asking "$follower"
	kill -9 "$(pgrep -n -P "$follower")"
	wait_for grep '^vmsnap: snapshot: killed by signal 9$' "$folder/err"
	kill "$follower"
	wait "$follower"
	follower=
}

@test "what the XML says is what vmwhere shows" {
	node host1 "$(domain web1 1)" "$(domain off1 2 5)"
	vmsnap
	run -0 vmwhere --all -J web1
	[ "$(jq -r '[.vm, .uuid, .host, .state, .os, .vcpu, .memory_bytes, .manager, .cluster] | map(tostring) | join(" ")' <<<"$output")" = \
		'web1 10000000-0000-4000-8000-000000000000 host1 running Debian 12 2 536870912 center1 blue' ]
	[ "$(jq -c .nics <<<"$output")" = '[{"mac":"52:54:00:00:00:01","model":"virtio","rate_bps":8192000,"network":"br0"}]' ]
	run -0 vmwhere --all -J off1
	[ "$(jq -r .state <<<"$output")" = 'shut off' ]
}

# interface NAME SPEED STATE: of the host, a port of a bridge, or alone
interface()
{
	printf '<interface type="ethernet" name="%s"><link speed="%s" state="%s"/></interface>' "$@"
}

@test "a network card without a limit is as fast as its uplink, where the host says how fast that is" {
	node host1 '<interface type="bridge" name="br0"><bridge>' "$(interface eth0 1000 up)" '</bridge></interface>' \
		'<interface type="bridge" name="br1"><bridge>' "$(interface eth1 1000 down)" '</bridge></interface>' \
		"$(domain limited 1)" "$(domain bridged 2 | sed 's|<bandwidth>.*</bandwidth>||')" \
		"$(domain dark 3 | sed 's|<bandwidth>.*</bandwidth>||; s/br0/br1/')" \
		"$(domain odd 4 | sed 's|<bandwidth>.*</bandwidth>||; s/br0/br9/')"
	run -0 --separate-stderr vmsnap
	[ -z "$stderr" ]
	run -0 vmwhere -J
	[ "$(jq -r '[.vm, .nics[0].rate_bps] | map(tostring) | join(" ")' <<<"$output" | sort | xargs)" = \
		'bridged 1000000000 dark null limited 8192000 odd null' ]
}

# Each run finds other VMs in other states, so that each has something to write.
rewrite()
{
	local n=$1
	node host1 "$(domain "web$n" 1 $((n % 2 ? 1 : 3)) "$((1 + n % 8))")" "$(domain db1 $((2 + n % 5)))"
	node host2 "$(domain "mail$n" 8)"
}

@test "killed at 200 moments: the store is whole, what was told is kept, no lock is left" {
	local n pid pause killed=0
	settings 'reread = "1s"'
	for n in {1..200}; do
		rewrite "$n"
		vmsnap 3>&- &
		pid=$!
		# Before its first step, in the middle, after its last.
		printf -v pause '0.%03d' $((RANDOM % 250))
		sleep "$pause"
		kill -9 "$pid" 2>/dev/null || true
		if wait "$pid" 2>/dev/null; then
			[ "$(vmwhere --all -r -o VM "mail$n")" = "mail$n" ]
		else
			killed=$((killed + 1))
		fi
	done
	[ "$killed" -ge 10 ]
	rewrite 201
	run -0 --separate-stderr vmsnap
	[ -z "$stderr" ]
	[ "$(vmwhere --all -r -o VM,STATE | sort | head -n 1 | cut -f 1)" = db1 ]
	[ "$(vmwhere --all -r -o VM | wc -l)" -eq 3 ]
	vmwhere --history mail201 >/dev/null
	# Numbers only ever grow, and each listed snapshot has its header.
	vmsnap --list -r -o ID | sort -rnc
}
