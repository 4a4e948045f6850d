# shellcheck shell=bash
# nodes: hundreds of hosts out of one libvirtd, by libvirt's test driver.
#
# A node is an XML file, DIR/nodes/nodeN.xml, with one line a domain; each has
# an address of its own, all of which lead to the lab host "nodes". The
# driver's limits: a connection sees the file as it was when it opened, no
# events, no statistics but the state.

nodes_address()
{
	printf '%s.%d.%d' "$lab_wide" $(($1 >> 8)) $(($1 & 255))
}

# nodes_write NODES DOMAINS: one in ten shut off, one in fifty paused, four
# in five say their OS; UUIDs and MACs follow from the numbers.
nodes_write()
{
	awk -v nodes="$1" -v domains="$2" -v folder="$LAB_DIR/nodes" '
	function domain(n, i,   id, kind, state, os, xml) {
		id = (n - 1) * domains + i
		kind = kinds[id % 4]
		state = i % 10 == 0 ? 5 : i % 50 == 7 ? 3 : 1
		xml = "<domain type=\"test\" xmlns:test=\"http://libvirt.org/schemas/domain/test/1.0\">"
		xml = xml sprintf("<name>%s-%d</name>", kind, id)
		xml = xml sprintf("<uuid>%04x%04x-%04x-4000-8000-%012x</uuid>",
			id * 40503 % 65536, id * 25173 % 65536, id * 13849 % 65536, id)
		if (id % 5)
			xml = xml "<metadata><libosinfo:libosinfo xmlns:libosinfo=" \
				"\"http://libosinfo.org/xmlns/libvirt/domain/1.0\"><libosinfo:os id=\"" \
				oses[id % 3] "\"/></libosinfo:libosinfo></metadata>"
		xml = xml sprintf("<memory unit=\"MiB\">%d</memory><vcpu>%d</vcpu>",
			1024 * (1 + id % 16), 1 + id % 8)
		xml = xml "<os><type arch=\"x86_64\">hvm</type><boot dev=\"hd\"/></os>" \
			"<features><acpi/><apic/></features><clock offset=\"utc\"/><devices>"
		xml = xml disk(kind, id, "vda")
		if (kind == "db")
			xml = xml disk(kind, id, "vdb")
		xml = xml sprintf("<interface type=\"bridge\"><mac address=\"52:54:%02x:%02x:%02x:%02x\"/>" \
			"<source bridge=\"br%d\"/><model type=\"virtio\"/></interface>",
			id / 16777216 % 256, id / 65536 % 256, id / 256 % 256, id % 256, id % 4)
		xml = xml "<serial type=\"pty\"/><memballoon model=\"virtio\"/></devices>"
		return xml "<test:runstate>" state "</test:runstate></domain>"
	}
	function disk(kind, id, device) {
		return sprintf("<disk type=\"file\" device=\"disk\"><driver name=\"qemu\" type=\"qcow2\"/>" \
			"<source file=\"/var/lib/libvirt/images/%s-%d-%s.qcow2\"/>" \
			"<target dev=\"%s\" bus=\"virtio\"/></disk>", kind, id, device, device)
	}
	BEGIN {
		split("db mail app", kinds, " "); kinds[0] = "web"
		oses[0] = "http://debian.org/debian/12"
		oses[1] = "http://ubuntu.com/ubuntu/22.04"
		oses[2] = "http://microsoft.com/win/2k22"
		for (n = 1; n <= nodes; n++) {
			file = folder "/node" n ".xml"
			print "<node><cpu><mhz>2600</mhz><model>x86_64</model><active>32</active>" \
				"<nodes>2</nodes><sockets>1</sockets><cores>8</cores><threads>2</threads>" \
				"</cpu><memory>268435456</memory>" >file
			for (i = 1; i <= domains; i++)
				print domain(n, i) >file
			print "</node>" >file
			close(file)
		}
	}'
}

nodes_hosts_file()
{
	local n address
	for ((n = 1; n <= $1; n++)); do
		address=$(nodes_address "$n")
		printf 'node%d\t%s\ttest+tcp://%s%s\tcluster=c%d\n' "$n" "$address" \
			"$address" "$LAB_DIR/nodes/node$n.xml" $(((n - 1) / 50 + 1))
	done >"$LAB_DIR/nodes/hosts"
}

cmd_nodes()
{
	local nodes=${1:?nodes: how many nodes?} domains=${2:?nodes: how many domains each?} writer
	((nodes >= 1 && nodes <= 30000)) || lab_die 'nodes: from 1 to 30000'
	mkdir "$LAB_DIR/nodes" || lab_die 'nodes: there are nodes already'
	nodes_write "$nodes" "$domains" &
	writer=$!
	host_make nodes 250
	net_widen nodes 0.0/17
	host_boot nodes
	nodes_hosts_file "$nodes"
	wait "$writer"
	env_add LAB_NODES_FILE "$LAB_DIR/nodes/hosts"
	echo "$LAB_DIR/nodes/hosts"
}

# nodes_move_out NODE COUNT: its last COUNT domains leave for a file of
# their own.
nodes_move_out()
{
	local file=$LAB_DIR/nodes/node$1.xml lines stay
	lines=$(wc -l <"$file")
	stay=$((lines - 1 - $2))
	((stay >= 1)) || lab_die "shuffle: node$1 has not $2 domains"
	: >"$file.out"
	awk -v stay="$stay" -v end="$lines" -v rest="$file.rest" -v out="$file.out" '
		{ print >(NR <= stay || NR == end ? rest : out) }' "$file"
}

nodes_move_in()
{
	local file=$LAB_DIR/nodes/node$2.xml
	sed -i "1r $LAB_DIR/nodes/node$1.xml.out" "$file.rest"
	mv "$file.rest" "$file"
}

# shuffle COUNT: moves COUNT domains in all, each to the next node, as many
# from each node; who connects from now on sees them there.
cmd_shuffle()
{
	local nodes count=${1:?shuffle: how many domains?} n from
	nodes=$(wc -l <"$LAB_DIR/nodes/hosts")
	local moves=()
	for ((n = 1; n <= nodes; n++)); do
		moves[n]=$((count / nodes + (n <= count % nodes)))
		nodes_move_out "$n" "${moves[n]}"
	done
	for ((n = 1; n <= nodes; n++)); do
		from=$((n > 1 ? n - 1 : nodes))
		nodes_move_in "$from" "$n"
	done
	rm -f "$LAB_DIR"/nodes/*.out
}
