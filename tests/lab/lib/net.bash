# shellcheck shell=bash
# net: one bridge a lab, which carries the station's address and is the
# claim to a slot; one namespace and veth pair a host.
#
# slot S (1-99): 10.77.S.0/24 and fd77:S::/64, bridge vlS, links vlS-ID.
# 10.(100+S).0.0/16 is routed to hosts that have more than one address.

net_names()
{
	lab_bridge=vl$lab_slot
	lab_net=10.77.$lab_slot
	lab_net6=fd77:$lab_slot:
	lab_station=$lab_net.254
	lab_wide=10.$((100 + lab_slot))
}

# What a bridge's alias says: "vmroll-lab PREFIX DIR".
net_alias()
{
	lab_fact "/sys/class/net/$1/ifalias"
}

net_slot_used()
{
	[[ -e /sys/class/net/vl$1 ]] || [[ -n $(ip -4 route show "10.77.$1.0/24") ]]
}

net_prefix_used()
{
	local link word prefix _
	for link in /sys/class/net/vl*; do
		read -r word prefix _ <<<"$(net_alias "${link##*/}")"
		[[ $word == vmroll-lab && $prefix == "$1" ]] && return 0
	done
	return 1
}

# The lock is held on the folder /run itself: it leaves no file.
net_lock()
{
	exec 9</run
	flock 9
}

net_unlock()
{
	exec 9<&-
}

net_claim()
{
	local slot
	net_lock
	! net_prefix_used "$lab_prefix" ||
		lab_die "prefix $lab_prefix: another lab has it (ip -d link show type bridge)"
	for ((slot = 1; slot <= 99; slot++)); do
		net_slot_used "$slot" || break
	done
	((slot <= 99)) || lab_die 'no free slot: see lab sweep'
	lab_slot=$slot
	net_names
	echo "$slot" >"$LAB_DIR/slot"
	lab_say "$LAB_DIR: prefix $lab_prefix, bridge $lab_bridge, network $lab_net.0/24"
	ip link add "$lab_bridge" type bridge stp_state 0 mcast_snooping 0
	ip link set "$lab_bridge" alias "vmroll-lab $lab_prefix $LAB_DIR"
	net_unlock
	net_station_up
}

# The MAC is fixed: a bridge otherwise takes its ports' lowest, and a
# changed one looks like loss to whoever cached it.
net_station_up()
{
	ip -batch - <<-END
		link set $lab_bridge address $(net_mac 254)
		addr add $lab_station/24 dev $lab_bridge
		addr add ${lab_net6}:fe/64 dev $lab_bridge nodad
		link set $lab_bridge up
	END
}

net_mac()
{
	printf '02:77:00:00:%02x:%02x' "$lab_slot" "$1"
}

net_ns()
{
	printf 'vmroll-%s-%s' "$lab_prefix" "$1"
}

net_link()
{
	printf '%s-%s' "$lab_bridge" "$(lab_fact "$LAB_DIR/host/$1/id")"
}

net_address()
{
	printf '%s.%s' "$lab_net" "$(lab_fact "$LAB_DIR/host/$1/id")"
}

net_address6()
{
	printf '%s:%x' "$lab_net6" "$(lab_fact "$LAB_DIR/host/$1/id")"
}

# net_add NAME ID: a namespace with eth0 and a bridge for its guests.
net_add()
{
	local ns link
	mkdir -p "$LAB_DIR/host/$1"
	echo "$2" >"$LAB_DIR/host/$1/id"
	ns=$(net_ns "$1")
	link=$(net_link "$1")
	ip netns add "$ns"
	ip link add "$link" type veth peer name eth0 address "$(net_mac "$2")" netns "$ns"
	ip link set "$link" master "$lab_bridge" up
	ip -n "$ns" -batch - <<-END
		link set lo up
		addr add $lab_net.$2/24 dev eth0
		addr add ${lab_net6}:$(printf %x "$2")/64 dev eth0 nodad
		link set eth0 up
		route add default via $lab_station
		link add guests type bridge stp_state 0
		link set guests up
	END
}

# net_widen NAME THIRD/BITS: the host answers for a whole range of
# addresses, 10.(100+S).THIRD/BITS.
net_widen()
{
	ip -n "$(net_ns "$1")" route add local "$lab_wide.$2" dev lo
	ip route add "$lab_wide.$2" via "$(net_address "$1")" dev "$lab_bridge"
}

net_cut()
{
	ip link set "$(net_link "$1")" down
	lab_say "$1 has no network"
}

net_heal()
{
	ip link set "$(net_link "$1")" up
	lab_say "$1 has network"
}

# net_all up|down: every host's network in one step.
net_all()
{
	local host
	for host in "$LAB_DIR"/host/*/; do
		echo "link set $(net_link "$(basename "$host")") $1"
	done | ip -batch -
}

net_pids()
{
	[[ ! -e /run/netns/$1 ]] || ip netns pids "$1"
}

net_empty()
{
	[[ -z $(net_pids "$1") ]]
}

# Whatever runs in a namespace of the lab is the lab's: nothing else enters.
net_empty_out()
{
	local pid
	for pid in $(net_pids "$1"); do
		kill -s KILL "$pid" 2>/dev/null || true
	done
	wait_until 10 net_empty "$1"
}

# The bridge is ours if it says so, or if it says nothing, we claimed its
# slot, and nobody is claiming one now.
net_bridge_ours()
{
	[[ -e /sys/class/net/$lab_bridge ]] || return 1
	case $(net_alias "$lab_bridge") in
	"vmroll-lab $lab_prefix $LAB_DIR" | '') ;;
	*) return 1 ;;
	esac
}

# The names of the lab's namespaces. A prefix has no '-', so that no other
# lab's match.
net_ns_list()
{
	local path
	for path in "/run/netns/vmroll-$lab_prefix-"*; do
		[[ ! -e $path ]] || echo "${path##*/}"
	done
}

# net_down: all that runs in the namespaces, they themselves, the links.
net_down()
{
	local ns link ours=
	net_lock
	! net_bridge_ours || ours=1
	net_unlock
	[[ -n $ours ]] || return 0
	for ns in $(net_ns_list); do
		net_empty_out "$ns" || lab_die "$ns: processes that do not end"
		ip netns del "$ns"
	done
	for link in "/sys/class/net/$lab_bridge-"*; do
		[[ ! -e $link ]] || echo "link del ${link##*/}"
	done | ip -force -batch - 2>/dev/null || true
	ip link del "$lab_bridge"
}

# net_latency HOST MILLISECONDS: takes the host's link out of the bridge and
# puts a process between that holds each frame for half the time a way.
# netem does this too, but is missing from many kernels. The station must
# not answer ARP on the bridge before the wire: the host, when it asks anew
# (after a cut), would send all of its answers past the wire.
net_latency()
{
	local link
	net_latency_off "$1"
	link=$(net_link "$1")
	build_helper delay
	proc_spawn "delay-$1" "$LAB_DIR/bin/delay" "$link"a "$link"b $(($2 * 500))
	wait_until 5 test -e "/sys/class/net/${link}b" ||
		lab_die "$1: latency: $(lab_fact "$LAB_DIR/proc/delay-$1.log")"
	ip link add "${link}c" type bridge stp_state 0 mcast_snooping 0
	echo 8 >"/proc/sys/net/ipv4/conf/${link}c/arp_ignore"
	echo 1 >"/proc/sys/net/ipv6/conf/${link}c/disable_ipv6"
	ip -batch - <<-END
		link set ${link}a master ${link}c up
		link set ${link}b master $lab_bridge up
		link set $link master ${link}c
		link set ${link}c up
	END
}

net_latency_off()
{
	local link
	link=$(net_link "$1")
	[[ -e $LAB_DIR/proc/delay-$1 || -e /sys/class/net/${link}c ]] || return 0
	[[ ! -e /sys/class/net/$link ]] || ip link set "$link" master "$lab_bridge"
	proc_end "$LAB_DIR/proc/delay-$1"
	[[ ! -e /sys/class/net/${link}c ]] || ip link del "${link}c"
}
