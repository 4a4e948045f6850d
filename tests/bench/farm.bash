# shellcheck shell=bash
# farm.bash - tens of thousands of addresses that answer ping, from one network namespace.
#
#     source "${0%/*}/farm.bash"
#     farm_up 10000        $FARM_ADDRESSES: a file of them; $FARM_HOSTS: as hosts(5)
#
# Everything goes away when the script ends, the process FARM_PID too.

farm_down()
{
	[[ -z ${FARM_PID:-} ]] || kill "$FARM_PID" 2>/dev/null
	[[ -z ${FARM_ROUTE:-} ]] || ip route del "$FARM_ROUTE" 2>/dev/null
	[[ -z ${FARM_NAMESPACE:-} ]] || ip netns del "$FARM_NAMESPACE" 2>/dev/null
	[[ -z ${FARM_DIR:-} ]] || rm -rf "$FARM_DIR"
}

# A second octet that no route uses yet: several farms can be up at a time.
farm_free_octet()
{
	local octet
	for octet in $(seq 200 2 250); do
		[[ -n $(ip route show root "10.$octet.0.0/15") ]] || { echo "$octet"; return; }
	done
	echo 'farm: no free network' >&2
	return 1
}

farm_up()
{
	local count=$1 octet
	((!$(id -u))) || { echo 'farm: needs root' >&2; exit 77; }
	trap farm_down EXIT
	trap 'exit 130' INT TERM
	octet=$(farm_free_octet)
	FARM_DIR=$(mktemp -d)
	FARM_NAMESPACE=farm$$
	ip netns add "$FARM_NAMESPACE"
	ip link add "fm$$" type veth peer name eth0 netns "$FARM_NAMESPACE"
	ip addr add "10.$((octet + 1)).0.1/24" dev "fm$$"
	ip link set "fm$$" up
	ip -n "$FARM_NAMESPACE" link set lo up
	ip -n "$FARM_NAMESPACE" addr add "10.$((octet + 1)).0.2/24" dev eth0
	ip -n "$FARM_NAMESPACE" link set eth0 up
	ip -n "$FARM_NAMESPACE" route add local "10.$octet.0.0/16" dev lo
	ip netns exec "$FARM_NAMESPACE" sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv4.icmp_msgs_per_sec=1000000 \
		net.ipv4.icmp_msgs_burst=100000
	FARM_ROUTE=10.$octet.0.0/16
	ip route add "$FARM_ROUTE" via "10.$((octet + 1)).0.2"
	FARM_GATEWAY=10.$((octet + 1)).0.2
	FARM_ADDRESSES=$FARM_DIR/addresses
	FARM_HOSTS=$FARM_DIR/hosts
	awk -v n="$count" -v o="$octet" 'BEGIN { for (i = 1; i <= n; i++) printf "10.%d.%d.%d\n", o, i / 256, i % 256 }' \
		>"$FARM_ADDRESSES"
	awk '{ printf "host%d %s - -\n", NR, $1 }' "$FARM_ADDRESSES" >"$FARM_HOSTS"
	fping -q -t 5000 "$(head -n 1 "$FARM_ADDRESSES")"
	export FARM_DIR FARM_NAMESPACE FARM_ROUTE FARM_GATEWAY FARM_ADDRESSES FARM_HOSTS
}

# Echo requests that this machine sent so far.
farm_sent()
{
	awk '$1 == "IcmpMsg:" && !n { n = split($0, name); next } $1 == "IcmpMsg:" { for (i = 2; i <= n; i++) if (name[i] == "OutType8") print $i }' /proc/net/snmp
}

# User and system seconds of process PID and of its living children.
farm_cpu()
{
	local pid=$1 task hertz
	hertz=$(getconf CLK_TCK)
	for task in "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null); do
		sed 's/.*) //' "/proc/$task/stat" 2>/dev/null
	done | awk -v hz="$hertz" '{ t += $12 + $13 } END { printf "%.2f", t / hz }'
}
