# shellcheck shell=bash
# mute: hosts that are alive and whose libvirtd is not as it should be.
#
# The lab host "MODE" has any number of addresses and one listener for all:
#   mute     accepts, and never says a word
#   half     answers the first message with half a message, then nothing
#   garbage  answers with bytes that are no libvirt message
#   refuse   nobody listens: the connection is refused

cmd_mute()
{
	local mode=mute count=1 port=16509 id third
	while (($#)); do
		case $1 in
		--mode) mode=$2 ;;
		--count) count=$2 ;;
		--port) port=$2 ;;
		*) lab_die "mute: $1: unknown option" ;;
		esac
		shift 2 || lab_die "mute: $1: needs a value"
	done
	case $mode in
	mute) id=240 third=128 ;;
	half) id=241 third=160 ;;
	garbage) id=242 third=192 ;;
	refuse) id=243 third=224 ;;
	*) lab_die "mute: $mode: unknown mode" ;;
	esac
	((count >= 1 && count <= 8000)) || lab_die 'mute: from 1 to 8000 hosts'
	[[ ! -e $LAB_DIR/host/$mode ]] || lab_die "mute: there is a $mode already"
	net_add "$mode" "$id"
	net_widen "$mode" "$third.0/19"
	[[ $mode == refuse ]] || mute_listen "$mode" "$port"
	mute_hosts_file "$mode" "$third" "$count" "$port"
	env_add "LAB_${mode^^}_FILE" "$LAB_DIR/host/$mode/hosts"
	echo "$LAB_DIR/host/$mode/hosts"
}

mute_listens()
{
	[[ -n $(ip netns exec "$(net_ns "$1")" ss -Hltn "sport = :$2") ]]
}

mute_listen()
{
	build_helper mute
	proc_spawn "$1" ip netns exec "$(net_ns "$1")" "$LAB_DIR/bin/mute" "$1" "$2"
	wait_until 5 mute_listens "$1" "$2" ||
		lab_die "$1: $(lab_fact "$LAB_DIR/proc/$1.log")"
}

mute_hosts_file()
{
	local n address
	for ((n = 1; n <= $3; n++)); do
		address=$lab_wide.$(($2 + (n >> 8))).$((n & 255))
		printf '%s%d\t%s\tqemu+tcp://%s:%d/system\tcluster=%s\n' \
			"$1" "$n" "$address" "$address" "$4" "$1"
	done >"$LAB_DIR/host/$1/hosts"
}
