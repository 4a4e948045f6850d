#!/usr/bin/env bats
# surroundings.bats - what a death cuts, with a real name server that falls mute, and real neighbours, in a network of the test's own

bats_require_minimum_version 1.5.0
load ../lib/wait

: "${top_srcdir:?}" "${top_builddir:?}"

relay_mac=52:54:00:77:00:05 names_mac=52:54:00:77:00:35

# The station, and a peer with two cards: 10.9.5.5 is where the mail relay is, 10.9.53.53 where the name server is.
setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/surroundings.XXXXXX")
	pids=() unshare=(unshare -nm) enter=(nsenter -n -m)
	if (($(id -u))); then
		unshare=(unshare -rnm) enter=(nsenter -U --preserve-credentials -n -m)
	fi
	"${unshare[@]}" true || skip "no namespaces can be made here"
	"${unshare[@]}" sleep infinity 3>&- &
	station=$!
	pids+=("$station")
	wait_for has_begun "$station" self
	"${enter[@]}" -t "$station" unshare -n sleep infinity 3>&- &
	peer=$!
	pids+=("$peer")
	wait_for has_begun "$peer" "$station"
	in_station ip link set lo up
	join relay 10.9.5 fd00:9:5 5 "$relay_mac"
	join names 10.9.53 fd00:9:53 53 "$names_mac"
	printf 'nameserver 10.9.53.53\noptions timeout:1 attempts:1\n' >"$scratch/resolv.conf"
	printf '127.0.0.1 localhost\n10.9.5.5 post.example.org listed\n' >"$scratch/hosts"
	in_station mount --bind "$scratch/resolv.conf" /etc/resolv.conf
	in_station mount --bind "$scratch/hosts" /etc/hosts
	echo mute >"$scratch/zone"
}

teardown()
{
	exec 4>&-
	[[ -z ${names:-} ]] || pids+=("$names")
	[[ -z ${show:-} ]] || pids+=("$show")
	kill -KILL "${pids[@]}" 2>/dev/null || true
	wait "${pids[@]}" 2>/dev/null || true
	rm -rf "$scratch"
}

# has_begun PID OTHER: it is what it was told to run, in another network than OTHER.
has_begun()
{
	[[ $(readlink "/proc/$1/ns/net") != "$(readlink "/proc/$2/ns/net")" ]] &&
		[[ $(tr '\0' ' ' <"/proc/$1/cmdline") == sleep* ]]
}

in_station()
{
	"${enter[@]}" -t "$station" "$@"
}

in_peer()
{
	"${enter[@]}" -t "$peer" "$@"
}

# join LINK NET NET6 LAST MAC: a wire to a card of the peer.
join()
{
	in_station ip link add "$1" type veth peer name "$1" netns "$peer" address "$5"
	in_station ip addr add "$2.1/24" dev "$1"
	in_station ip addr add "$3::1/64" dev "$1" nodad
	in_station ip link set "$1" up
	in_peer ip addr add "$2.$4/24" dev "$1"
	in_peer ip addr add "$3::$4/64" dev "$1" nodad
	in_peer ip link set "$1" up
}

# zone LINE...: what the name server answers from now on.
zone()
{
	printf '%s\n' "$@" >"$scratch/zone.new"
	mv "$scratch/zone.new" "$scratch/zone"
}

start_names()
{
	"${enter[@]}" -t "$peer" "$top_srcdir/tests/lib/name-server" 10.9.53.53 "$scratch/zone" \
		>"$scratch/names.out" 2>"$scratch/names.err" 3>&- &
	names=$!
	wait_for grep -qx ready "$scratch/names.out"
}

# start SETTING...: begins to look, with these settings.
start()
{
	printf '%s\n' 'store = "lmdb:/nowhere"' "$@" >"$scratch/vmroll.conf"
	mkfifo "$scratch/in"
	exec 4<>"$scratch/in"
	"${enter[@]}" -t "$station" "$top_builddir/tests/cli/surroundings_show" "$scratch/vmroll.conf" \
		<"$scratch/in" >"$scratch/show.out" 2>"$scratch/show.err" 3>&- 4>&- &
	show=$!
}

has_lines()
{
	(($(wc -l <"$scratch/show.out") >= $1))
}

# ask HOST ADDRESS VM MAC: what that death would cut, into $output.
ask()
{
	local asked
	asked=$(wc -l <"$scratch/show.out")
	printf '%s\n' "$*" >&4
	wait_for has_lines $((asked + 1))
	output=$(tail -n 1 "$scratch/show.out")
	echo "$* -> $output"
}

# would WANTED HOST ADDRESS VM MAC: after another look, if need be.
would()
{
	echo again >&4
	ask "${@:2}"
	[[ $output == "$1" ]]
}

# asked NAME COUNT: so often at least was the name server asked for it.
asked()
{
	(($(grep -cx "$1" "$scratch/names.out") >= $2))
}

# touch_relay ADDRESS: a packet goes there, so that the kernel knows the card.
touch_relay()
{
	in_station bash -c "echo >/dev/udp/$1/25"
	wait_for knows_neighbour "$1"
}

knows_neighbour()
{
	in_station ip neigh show to "$1" | grep -q lladdr
}

named='smtp { url = "smtp://mail.example.org:25" from = "vmroll@example.org" }'
literal='smtp { url = "smtp://10.9.5.5:25" from = "vmroll@example.org" }'

@test "what the settings and files say counts while nothing was found yet" {
	start 'smtp { url = "smtp://mail.example.org" from = "a@example.org" vm = "post" }' \
		'sip { from = "sip:vmroll@10.9.5.1" exchange = "sip:%s@pbx.example.org" registrar = "sip:10.9.5.5" }'
	ask host1 10.0.0.1 post -
	[[ $output == "cut mail: the mail relay mail.example.org is the VM post, which ran on host1" ]]
	ask host1 10.0.0.1 PBX -
	[[ $output == "cut voice: the telephone exchange pbx.example.org, by its name, is the VM PBX, which ran on host1" ]]
	ask host1 10.9.5.5 web1 -
	[[ $output == "cut voice: the registrar 10.9.5.5 is host1 itself (10.9.5.5 is its address)" ]]
	ask host1 10.9.53.53 - -
	[[ $output == "cut mail,voice: the name server 10.9.53.53 is host1 itself (10.9.53.53 is its address), and no other is configured: mail relay and telephone exchange cannot be looked up" ]]
	ask host1 10.0.0.1 web1 -
	[[ $output == "cut nothing" ]]
}

@test "the card behind a name is found, and a name server that falls mute takes nothing back" {
	zone 'mail.example.org 10.9.5.5'
	start_names
	start "$named"
	touch_relay 10.9.5.5
	wanted="cut mail: the mail relay mail.example.org is the VM post, which ran on host1 (10.9.5.5 has its MAC address $relay_mac)"
	wait_for would "$wanted" host1 10.0.0.1 post "$relay_mac"
	zone mute
	echo again >&4
	wait_for grep -q 'mail relay mail.example.org: ' "$scratch/show.err"
	in_station ip neigh flush dev relay
	count=$(grep -cx mail.example.org "$scratch/names.out")
	echo again >&4
	wait_for asked mail.example.org $((count + 2))
	ask host1 10.0.0.1 post "$relay_mac"
	[[ $output == "$wanted" ]]
	ask host1 10.9.5.5 - -
	[[ $output == "cut mail: the mail relay mail.example.org is host1 itself (10.9.5.5 is its address)" ]]
	ask host1 10.0.0.1 web1 52:54:00:77:00:06
	[[ $output == "cut nothing" ]]
}

@test "a name that has moved is somebody else's" {
	zone 'mail.example.org 10.9.5.5'
	start_names
	start "$named"
	wait_for would "cut mail: the mail relay mail.example.org is host1 itself (10.9.5.5 is its address)" host1 10.9.5.5 - -
	zone 'mail.example.org 10.9.5.6'
	wait_for would "cut mail: the mail relay mail.example.org is host1 itself (10.9.5.6 is its address)" host1 10.9.5.6 - -
	ask host1 10.9.5.5 - -
	[[ $output == "cut nothing" ]]
}

@test "the card of a name server is found; one that is left is enough" {
	start_names
	start "$named"
	wait_for would "cut mail: the name server 10.9.53.53 is the VM dns1, which ran on host1 (10.9.53.53 has its MAC address $names_mac), and no other is configured: mail relay cannot be looked up" \
		host1 10.0.0.1 dns1 "$names_mac"
	echo 'nameserver 10.9.5.7' >>"$scratch/resolv.conf"
	wait_for would 'cut nothing' host1 10.0.0.1 dns1 "$names_mac"
}

@test "an address and a name of /etc/hosts need no name server" {
	start 'smtp { url = "smtp://Post.Example.org" from = "a@example.org" }' \
		'sip { from = "sip:vmroll@10.9.5.1" exchange = "sip:%s@10.9.5.9" }'
	ask host1 10.9.53.53 - -
	[[ $output == "cut nothing" ]]
	ask host1 10.9.5.5 - -
	[[ $output == "cut mail: the mail relay Post.Example.org is host1 itself (10.9.5.5 is its address)" ]]
	touch_relay 10.9.5.5
	wait_for would "cut mail: the mail relay Post.Example.org is the VM post, which ran on host1 (10.9.5.5 has its MAC address $relay_mac)" \
		host1 10.0.0.1 post "$relay_mac"
}

@test "cards are found over IPv6 too" {
	zone 'mail.example.org fd00:9:5::5'
	start_names
	start "$named"
	touch_relay fd00:9:5::5
	wait_for would "cut mail: the mail relay mail.example.org is the VM post, which ran on host1 (fd00:9:5::5 has its MAC address $relay_mac)" \
		host1 10.0.0.1 post "$relay_mac"
}

@test "a card that nobody has answered for is not known" {
	in_peer ip link set relay down
	start "$literal"
	in_station bash -c 'echo >/dev/udp/10.9.5.5/25' || true
	in_station ip neigh show to 10.9.5.5
	wait_for would "cut mail: the mail relay 10.9.5.5 is host1 itself (10.9.5.5 is its address)" host1 10.9.5.5 - -
	ask host1 10.0.0.1 post 00:00:00:00:00:00
	[[ $output == "cut nothing" ]]
}

@test "a relay on the loopback says nothing of what lies behind it" {
	start 'smtp { url = "smtp://localhost:25" from = "a@example.org" }'
	ask host1 127.0.0.1 localhost 00:00:00:00:00:00
	[[ $output == "cut nothing" ]]
	ask host1 10.9.53.53 - -
	[[ $output == "cut nothing" ]]
}

@test "while a lookup hangs, what needs none is found, answers come, and the end is at once" {
	printf 'nameserver 10.9.53.53\noptions timeout:30 attempts:5\n' >"$scratch/resolv.conf"
	start_names
	start "$named" 'sip { from = "sip:vmroll@10.9.5.1" exchange = "sip:%s@10.9.5.5" }'
	touch_relay 10.9.5.5
	wait_for asked mail.example.org 1
	for _ in {1..50}; do
		echo again >&4
	done
	ask host1 10.0.0.1 mail -
	[[ $output == "cut mail: the mail relay mail.example.org, by its name, is the VM mail, which ran on host1" ]]
	ask host1 10.9.5.5 - -
	[[ $output == "cut voice: the telephone exchange 10.9.5.5 is host1 itself (10.9.5.5 is its address)" ]]
	exec 4>&-
	wait_for is_gone "$show"
	wait "$show"
}

is_gone()
{
	[[ ! -e /proc/$1 || $(cut -d ' ' -f 3 "/proc/$1/stat") == Z ]]
}

@test "when the looking process is killed that is said, and what is known stays" {
	zone 'mail.example.org 10.9.5.5'
	start_names
	start "$named"
	wanted="cut mail: the mail relay mail.example.org is host1 itself (10.9.5.5 is its address)"
	wait_for would "$wanted" host1 10.9.5.5 - -
	pkill -KILL -P "$show"
	wait_for grep -q 'the process ended: killed by signal 9; what is known stays' "$scratch/show.err"
	would "$wanted" host1 10.9.5.5 - -
	[[ $(grep -c 'the process ended' "$scratch/show.err") -eq 1 ]]
}

@test "SIGHUP lets notify-admins look now" {
	zone 'mail.example.org 10.9.5.5'
	start_names
	echo 'host1 10.0.0.1 - -' >"$scratch/machines"
	printf '%s\n' "store = \"lmdb:$scratch/store\"" "hosts = \"$scratch/machines\"" "$named" >"$scratch/vmroll.conf"
	mkfifo "$scratch/in"
	exec 4<>"$scratch/in"
	"${enter[@]}" -t "$station" notify-admins -C "$scratch/vmroll.conf" - <"$scratch/in" 3>&- 4>&- &
	show=$!
	# IPv4 and IPv6. By itself it looks each minute, which is as long as is waited for each of these.
	wait_for asked mail.example.org 2
	for count in 4 6 8; do
		kill -HUP "$show"
		wait_for asked mail.example.org "$count"
	done
}

@test "a looking process dies with who started it" {
	start "$literal"
	wait_for pgrep -P "$show"
	child=$(pgrep -P "$show")
	{ kill -KILL "$show" && wait "$show"; } 2>/dev/null || true
	wait_for is_gone "$child"
}
