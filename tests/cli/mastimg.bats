#!/usr/bin/env bats
# mastimg.bats - images imported, looked at, verified, carried elsewhere, and what enemies and kill -9 leave: all that needs no host

# shellcheck disable=SC2154 # output, stderr, lines and status are set by run
bats_require_minimum_version 1.5.0

# shellcheck source=tests/lib/wait.bash
source "${top_srcdir:?}/tests/lib/wait.bash"

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	repository=$scratch/images
	export VMROLL_CONFIG=$scratch/vmroll.conf TZ=UTC LC_ALL=C.UTF-8 TMPDIR=$scratch
	unset VMROLL_STORE VMROLL_HOSTS
	printf 'store = "lmdb:%s"\nhosts = "%s"\nimage { repository = "%s" reserve = "0%%" }\n' "$scratch/store" \
		"$scratch/hosts" "$repository" >"$VMROLL_CONFIG"
	: >"$scratch/hosts"
	cd "$scratch" || return
	definition debian12 qcow2 vda >debian12.xml
	disk debian12.raw
}

teardown()
{
	cd /
	rm -rf "$scratch"
}

# definition NAME FORMAT TARGET...: a domain with these disks, and a CD-ROM.
definition()
{
	local name=$1 format=$2
	shift 2
	echo "<domain type='qemu'><name>$name</name><uuid>0e5d6a5c-3f07-4a60-9f0c-5d0f6a0d9b11</uuid>"
	echo "<memory unit='MiB'>512</memory><vcpu>2</vcpu><os><type arch='x86_64'>hvm</type></os><devices>"
	for target; do
		echo "<disk type='file' device='disk'><driver name='qemu' type='$format'/>"
		echo "<source file='/images/$name-$target'/><target dev='$target' bus='virtio'/></disk>"
	done
	echo "<disk type='file' device='cdrom'><target dev='sda'/></disk></devices></domain>"
}

# disk FILE [SEED]: 4 MiB, of which 256 KiB are data.
disk()
{
	truncate -s 4M "$1"
	openssl enc -aes-128-ctr -K "$(printf '%032d' "${2:-1}")" -iv 0 -in /dev/zero 2>/dev/null |
		dd of="$1" bs=64k count=4 seek=3 conv=notrunc iflag=fullblock status=none || true
}

# imported [OPTION...]: the image debian12, of debian12.raw.
imported()
{
	mastimg import --xml debian12.xml "$@" debian12.raw
}

# updated FILE [KEEP]: debian12 has another generation, of FILE.
updated()
{
	"${top_builddir:?}/tests/cli/image_update" "lmdb:$scratch/store" "$repository" debian12 "$@"
}

# shown COLUMN [NAME]: of each disk of each generation.
shown()
{
	mastimg show -r -o "$1" "${2:-debian12}"
}

digest()
{
	sha256sum "$1" | cut -d ' ' -f 1
}

# fails STATUS MESSAGE COMMAND...: it ends so, says that alone, and prints nothing.
fails()
{
	local wanted=$1 message=$2
	shift 2
	run --separate-stderr "$@"
	echo "status $status: $stderr"
	[ "$status" -eq "$wanted" ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == "mastimg: "*"$message"* ]]
}

# silent COMMAND...: it succeeds and says nothing.
silent()
{
	run --separate-stderr "$@"
	echo "status $status: $output $stderr"
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
}

# nothing_is_left [IMAGES]: no stage, nothing staged, files of so many images (0) only, and no temporary file.
nothing_is_left()
{
	[ -z "$("${top_builddir:?}/tests/cli/store_dump" "lmdb:$scratch/store" img/stage/)" ]
	[ -z "$(find "$repository/staging" -mindepth 1 2>/dev/null)" ]
	[ "$(find "$repository/images" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" -eq "${1:-0}" ]
	[ -z "$(find . -name '*.part*')" ]
}

# ---- in and out ----

@test "a raw disk and a definition become an image, with what the guest sees and no more" {
	silent imported --comment 'for tests'
	run mastimg list -r -o NAME,OS,SIZE,PHYSICAL,GENERATIONS,VM,HOST,COMMENT
	[ "$output" = $'debian12\thvm x86_64\t4194304\t262144\t1\t-\t-\tfor tests' ]
	[ "$(shown NAME,GENERATION,DISK,SIZE,FORMAT,FILES)" = $'debian12\t1\tvda\t4194304\tqcow2\t1-vda.raw' ]
	[ "$(shown SHA256)" = "$(digest debian12.raw)" ]
	cmp "$repository/images/1/1-vda.raw" debian12.raw
	[ "$(shown CONFIG_SHA256)" = "$(digest debian12.xml)" ]
	nothing_is_left 1
	silent mastimg verify
	run mastimg list
	[[ ${lines[0]} == NAME*OS*SIZE*PHYSICAL*GENERATIONS*VM*HOST*UPDATED*COMMENT ]]
	mastimg show -J debian12 | jq -se '.[0] | .schema == 1 and .files == ["1-vda.raw"] and .vcpu == 2
		and .memory_bytes == 536870912 and .left_out == [] and .vm == null and .keep == 1'
	mastimg list -J | jq -se 'length == 1 and .[0].size_bytes == 4194304'
}

@test "what is in the repository can be read by its owner alone" {
	imported
	[ -z "$(find "$repository/images" "$repository/staging" -perm /077)" ]
}

@test "a folder and an archive carry it elsewhere, holes as holes" {
	imported --comment 'as it was'
	silent mastimg export debian12 folder
	silent mastimg export debian12 debian12.tar
	cmp folder/vda.raw debian12.raw
	cmp folder/domain.xml debian12.xml
	[ "$(du -k folder/vda.raw | cut -f 1)" -le 300 ]
	[ "$(stat -c %s debian12.tar)" -lt 300000 ]
	mkdir untarred
	tar -xf debian12.tar -C untarred
	cmp untarred/vda.raw debian12.raw
	jq -e '.vmroll_image == 1 and .name == "debian12" and .generations[0].disks[0].files == ["vda.raw"]' \
		untarred/manifest.json
	silent mastimg import --name a folder
	silent mastimg import --name b debian12.tar
	silent mastimg import --name c untarred
	for name in a b c; do
		[ "$(shown SHA256 "$name")" = "$(digest debian12.raw)" ]
		[ "$(mastimg list -r -o COMMENT "$name")" = 'as it was' ]
	done
	[ "$(du -k "$repository/images/3/1-vda.raw" | cut -f 1)" -le 300 ]
	nothing_is_left 4
	# In whatever order its files stand.
	tar -cf turned.tar -C folder --sparse ./vda.raw ./domain.xml ./manifest.json
	silent mastimg import --name d turned.tar
	tar -cf turned.tar -C folder .
	silent mastimg import --name e turned.tar
}

@test "disks that are empty, full, or of odd size come out as they went in" {
	truncate -s 10M empty.raw
	head -c 1000001 /dev/urandom >odd.raw
	head -c 1 /dev/zero >small.raw
	for name in empty odd small; do
		silent mastimg import --xml debian12.xml --name "$name" "$name.raw"
		[ "$(shown SHA256 "$name")" = "$(digest "$name.raw")" ]
		mastimg export "$name" "$name.tar"
		mastimg export "$name" "$name"
		cmp "$name/vda.raw" "$name.raw"
		silent mastimg import --name "$name-again" "$name.tar"
		[ "$(shown SHA256 "$name-again")" = "$(digest "$name.raw")" ]
	done
	silent mastimg verify
}

@test "an export appears when it is whole, and spares what is there" {
	imported
	mkdir there
	fails 2 'there: is there already' mastimg export debian12 there
	fails 2 'debian12.raw: is there already' mastimg export debian12 debian12.raw
	fails 4 'missing/x' mastimg export debian12 missing/x
	fails 4 'missing/x.tar' mastimg export debian12 missing/x.tar
	printf x | dd of="$repository/images/1/1-vda.raw" bs=1 seek=200000 conv=notrunc status=none
	fails 4 'debian12: disk vda is damaged' mastimg export debian12 folder
	fails 4 'debian12: disk vda is damaged' mastimg export debian12 debian12.tar
	[ ! -e folder ]
	[ ! -e debian12.tar ]
	nothing_is_left 1
}

@test "an export where nothing can be renamed without replacing, as on NFS" {
	command -v strace >/dev/null || skip "strace is not installed"
	# Leaks cannot be looked for beside it.
	local plainly=(env ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=renameat2 -e inject=renameat2:error=EINVAL)
	imported
	silent "${plainly[@]}" mastimg export debian12 debian12.tar
	silent "${plainly[@]}" mastimg export debian12 folder
	grep -q EINVAL trace
	nothing_is_left 1
	silent mastimg import --name a debian12.tar
	silent mastimg import --name b folder
	fails 2 'folder: is there already' "${plainly[@]}" mastimg export debian12 folder
}

@test "what a killed export has left goes with the next one to the same place, and nothing else" {
	local gone
	imported
	true &
	gone=$!
	wait "$gone"
	mkdir "folder.part$gone"
	touch "folder.part$gone/vda.raw" "other.part$gone" "folder.part$$" folder.partner "debian12.tar.part$gone"
	silent mastimg export debian12 folder
	[ ! -e "folder.part$gone" ]
	[ -e "folder.part$$" ]
	[ -e folder.partner ]
	[ -e "other.part$gone" ]
	silent mastimg export debian12 "$PWD/debian12.tar"
	[ ! -e "debian12.tar.part$gone" ]
	rm "folder.part$$" folder.partner "other.part$gone"
	nothing_is_left 1
}

@test "only the newest generation is exported, with its layers in one file" {
	imported
	disk newer.raw 2
	updated newer.raw
	mastimg export debian12 folder
	cmp folder/vda.raw newer.raw
	[ "$(jq -c '[.generations[].number]' folder/manifest.json)" = '[2]' ]
	silent mastimg import --name b folder
	[ "$(shown SHA256 b)" = "$(digest newer.raw)" ]
}

# ---- names ----

@test "names that are taken, impossible or ambiguous are refused before anything is copied" {
	imported
	fails 2 "there is an image 'debian12' already" imported
	fails 2 "is no name" imported --name 'a b'
	fails 2 "is no name" imported --name ''
	imported --name debian11
	fails 2 "image 'debian': several begin so: debian11, debian12" mastimg show debian
	fails 1 "no image 'centos'" mastimg show centos
	fails 1 "no image ''" mastimg show ''
	[ "$(shown NAME debian11)" = debian11 ]
	imported --name debian
	[ "$(shown NAME debian)" = debian ]
	definition 'a/b' raw vda >hostile.xml
	fails 2 "give --name" mastimg import --xml hostile.xml debian12.raw
	silent mastimg import --xml hostile.xml --name ab debian12.raw
	[ "$(shown FORMAT ab)" = raw ]
}

@test "a rename frees the old name, and is refused where the new one is taken" {
	imported
	imported --name other
	fails 2 "there is an image 'other' already" mastimg rename debian12 other
	fails 2 "is no name" mastimg rename debian12 -- -x
	silent mastimg rename debian12 debian12
	silent mastimg rename debian12 d
	[ "$(mastimg list -r -o NAME,ID)" = $'d\t1\nother\t2' ]
	silent imported
}

@test "a repository that is not mounted is told, and nothing is made or deleted there" {
	local refusal="repository $repository: is not the one that images lie in"
	imported
	mv images mounted
	for command in 'delete debian12' 'export debian12 out' verify gc 'import --name b --xml debian12.xml debian12.raw'; do
		# shellcheck disable=SC2086 # words of a command line
		fails 4 "$refusal (no folder): is it mounted?" mastimg $command
		[ ! -e images ]
	done
	mkdir -m 700 images
	for command in 'delete debian12' 'export debian12 out' verify gc 'import --name b --xml debian12.xml debian12.raw'; do
		# shellcheck disable=SC2086
		fails 4 "$refusal (no marker): is it mounted?" mastimg $command
		[ -z "$(ls -A images)" ]
	done
	cp -r mounted/. images
	head -c 16 /dev/zero >images/vmroll-repository
	fails 4 "$refusal (another marker): is it mounted?" mastimg delete debian12
	rm -r images
	mv mounted images
	silent mastimg verify
	silent mastimg delete debian12
}

@test "a repository from before there were markers gets one, and one whose store was lost keeps its own" {
	imported
	rm images/vmroll-repository
	rm -r store
	silent mastimg import images/images/1
	[ "$(stat -c %s images/vmroll-repository)" = 16 ]
	cp images/vmroll-repository marker
	rm -r store
	silent mastimg import images/images/1
	cmp marker images/vmroll-repository
	silent mastimg verify
}

@test "several images are deleted, and each that cannot be is named" {
	imported
	imported --name b
	run --separate-stderr mastimg delete debian12 nothing b
	[ "$status" -eq 3 ]
	[ "$stderr" = "mastimg: no image 'nothing'" ]
	[ -z "$(mastimg list -r)" ]
	nothing_is_left
	fails 1 "no image 'b'" mastimg delete b
	imported
	fails 1 "no image 'debian1': to delete debian12 give its whole name" mastimg delete debian1
	[ "$(shown NAME debian1)" = debian12 ]
	silent mastimg delete debian12
}

@test "a rollback drops nothing for a generation that is not there" {
	imported
	disk second.raw 2
	updated second.raw 2
	mv "$repository/images/1/1-domain.xml" kept.xml
	fails 1 "image debian12: nothing is dropped, since generation 1 cannot be gone back to: " mastimg rollback debian12
	[ "$(shown GENERATION | wc -l)" -eq 2 ]
	mv "$repository" gone
	fails 4 "nothing is dropped" mastimg rollback debian12
	[ ! -e "$repository" ]
	mv gone "$repository"
	mv kept.xml "$repository/images/1/1-domain.xml"
	silent mastimg rollback debian12
	silent mastimg verify
}

# in_the_way: what no command removes lies in the folder of debian12.
in_the_way()
{
	mkdir "$repository/images/1/in-the-way"
}

@test "a deletion that cannot remove all files is gone on with by gc, which says what hinders it, once" {
	imported
	in_the_way
	fails 3 "image debian12 is deleted, but its files, number 1 in $repository, are left for 'mastimg gc': " \
		mastimg delete debian12
	silent mastimg list
	fails 3 "delete debian12: $repository/images/1/in-the-way: cannot be removed" mastimg gc
	rmdir "$repository/images/1/in-the-way"
	silent mastimg gc
	nothing_is_left
	silent mastimg gc
}

@test "a deletion that is killed at any point is gone on with by gc, and nothing of it is left" {
	for _ in {1..10}; do
		imported
		# So many that removing them takes a while.
		touch "$(echo "$repository"/images/*)"/9-{1..2000}
		mastimg delete debian12 3>&- &
		sleep "0.0$((RANDOM % 6))"
		kill -KILL $! 2>/dev/null || true
		wait $! || true
		wait_for deletion_is_gone
		silent mastimg gc
		nothing_is_left "$(mastimg list -r -o NAME | wc -l)"
		run mastimg delete debian12
		[ "$status" -le 1 ]
	done
}

deletion_is_gone()
{
	! pgrep -f "mastimg delete debian12"
}

@test "gc folds the layers that an update could not" {
	imported
	disk second.raw 2
	updated second.raw 1
	[[ $(shown FILES) == *layer* ]]
	silent mastimg gc
	[ "$(shown FILES)" = 1-vda.raw ]
	[ "$(shown SHA256)" = "$(digest second.raw)" ]
	cmp "$repository/images/1/1-vda.raw" second.raw
	[ -z "$(find "$repository" -name '*.layer*')" ]
	silent mastimg verify
	disk third.raw 3
	updated third.raw 2
	silent mastimg gc
	[ "$(shown FILES | wc -l)" -eq 2 ]
	silent mastimg verify
}

@test "an image that a group uses is kept" {
	imported
	vmgroup create shop web=debian12
	fails 1 'image debian12 is used by group shop' mastimg delete debian12
	[ "$(shown NAME)" = debian12 ]
	mastimg rename debian12 d
	[ "$(vmgroup show -r -o IMAGE shop)" = d ]
	vmgroup delete shop
	silent mastimg delete d
	nothing_is_left
}

# ---- disks by hand ----

@test "a definition by hand that cannot be one is refused with what it wants" {
	definition hand raw nvram >nvram.xml
	fails 2 "nvram.xml: its disk cannot be called nvram" mastimg import --xml nvram.xml debian12.raw
	grep -v '^<domain' debian12.xml | sed '1i <domain type="qemu"><name>hand</name>' >plain.xml
	fails 2 "plain.xml: bad XML: a domain without UUID" mastimg import --xml plain.xml debian12.raw
	nothing_is_left
}

@test "a qcow2 file is made raw by qemu-img" {
	qemu-img convert -f raw -O qcow2 debian12.raw debian12.qcow2
	silent mastimg import --xml debian12.xml debian12.qcow2
	[ "$(shown SHA256)" = "$(digest debian12.raw)" ]
	nothing_is_left 1
	mkdir empty
	fails 2 'qemu-img is not installed' env PATH="$scratch/empty" "$(type -P mastimg)" import --xml debian12.xml \
		--name b debian12.qcow2
	nothing_is_left 1
}

@test "a qcow2 file that leads to others is refused, and so are other containers" {
	qemu-img create -q -f qcow2 -b /etc/passwd -F raw backed.qcow2
	fails 2 'has a backing file' mastimg import --xml debian12.xml backed.qcow2
	qemu-img create -q -f qcow2 -o "data_file=$scratch/other.raw,data_file_raw=on" data.qcow2 1M
	fails 2 'data in another file' mastimg import --xml debian12.xml data.qcow2
	qemu-img create -q -f vmdk disk.vmdk 1M
	fails 2 'is VMDK' mastimg import --xml debian12.xml disk.vmdk
	printf 'QFI\373\0\0\0\11' | cat - debian12.raw >newer.qcow2
	fails 2 'version that is not known' mastimg import --xml debian12.xml newer.qcow2
	head -c 60 data.qcow2 >short.qcow2
	fails 2 'cut short' mastimg import --xml debian12.xml short.qcow2
	# What qemu-img says of it is said.
	qemu-img create -q -f qcow2 bad.qcow2 1M
	printf '\377' | dd of=bad.qcow2 bs=1 seek=20 conv=notrunc status=none
	fails 4 'bad.qcow2' mastimg import --xml debian12.xml bad.qcow2
	nothing_is_left
}

@test "a definition that is not of one disk is refused, and so is what is no definition" {
	definition two raw vda vdb >two.xml
	fails 2 'defines 2 disks' mastimg import --xml two.xml debian12.raw
	definition none raw >none.xml
	fails 2 'defines 0 disks' mastimg import --xml none.xml debian12.raw
	echo '<domain' >broken.xml
	fails 2 'broken.xml' mastimg import --xml broken.xml debian12.raw
	fails 1 'missing.xml' mastimg import --xml missing.xml debian12.raw
	fails 1 'missing.raw' mastimg import --xml debian12.xml missing.raw
	: >empty.raw
	fails 2 'empty.raw: is empty' mastimg import --xml debian12.xml empty.raw
	fails 2 'neither a file' mastimg import --xml debian12.xml .
	nothing_is_left
}

# ---- what enemies pack ----

# pack FILE COMMAND...: an archive with the files of folder/, changed by Python that knows it as `tar`.
pack()
{
	python3 - "$1" "$2" <<-'END'
		import io, os, sys, tarfile
		tar = tarfile.open(sys.argv[1], 'w')
		def put(name, content=b'x', **what):
		    info = tarfile.TarInfo(name)
		    info.size = len(content)
		    for key, value in what.items():
		        setattr(info, key, value)
		    tar.addfile(info, io.BytesIO(content))
		def file(name):
		    put(name, open('folder/' + name, 'rb').read())
		def rest():
		    for name in sorted(os.listdir('folder')):
		        file(name)
		exec(sys.argv[2])
		tar.close()
	END
}

# refused MESSAGE PYTHON: such an archive.
refused()
{
	pack bad.tar "$2"
	fails 4 "$1" mastimg import --name bad bad.tar
	nothing_is_left 1
}

@test "an archive with anything that leads elsewhere is refused whole" {
	imported
	mastimg export debian12 folder
	refused 'leads elsewhere' 'rest(); put("../evil")'
	refused 'leads elsewhere' 'rest(); put("/tmp/evil")'
	refused 'leads elsewhere' 'rest(); put("a/b")'
	refused 'neither a file' 'rest(); put("link", b"", type=tarfile.SYMTYPE, linkname="/etc/shadow")'
	refused 'neither a file' 'rest(); put("hard", b"", type=tarfile.LNKTYPE, linkname="vda.raw")'
	refused 'neither a file' 'rest(); put("dev", b"", type=tarfile.CHRTYPE)'
	refused 'neither a file' 'rest(); put("fifo", b"", type=tarfile.FIFOTYPE)'
	refused 'neither a file' 'file("manifest.json"); file("domain.xml"); put("vda.raw", b"", type=tarfile.SYMTYPE, linkname="/etc/shadow")'
	refused 'is in it twice' 'rest(); file("vda.raw")'
	refused 'is in it twice' 'rest(); put("manifest.json", b"{}")'
	refused 'does not know it' 'rest(); put("extra")'
	refused 'there is no vda.raw' 'file("manifest.json"); file("domain.xml")'
	refused 'there is no manifest.json' 'file("vda.raw")'
	refused 'more than' '[put("x%d" % i, b"") for i in range(5000)]'
	[ ! -e ../evil ]
}

@test "an archive whose content is not what its manifest says is refused" {
	imported
	mastimg export debian12 folder
	refused 'where its manifest says' 'file("manifest.json"); file("domain.xml"); put("vda.raw", b"short")'
	refused 'disk vda: damaged' 'file("manifest.json"); file("domain.xml"); put("vda.raw", b"\0" * 4194304)'
	refused 'definition is damaged' 'file("manifest.json"); put("domain.xml", b"<domain/>"); file("vda.raw")'
	refused 'manifest.json' 'put("manifest.json", b"{")'
	refused 'manifest.json' 'put("manifest.json", b"[" * 100000)'
	refused 'larger than' 'put("manifest.json", b" " * 5000000)'
	# A disk of holes that never end.
	sed 's/4194304/8000000000000000000/' folder/manifest.json >huge.json
	refused 'no disk has' 'put("manifest.json", open("huge.json", "rb").read()); file("domain.xml"); put("vda.raw", b"0\n" + b"\0" * 510, pax_headers={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "vda.raw", "GNU.sparse.realsize": "8000000000000000000"})'
}

@test "an archive that is cut short, compressed, or none at all is refused" {
	imported
	mastimg export debian12 good.tar
	for length in 0 100 512 5000 100000 260000; do
		head -c "$length" good.tar >bad.tar
		run --separate-stderr mastimg import --name bad bad.tar
		echo "$length: $status $stderr"
		[ "$status" -eq 4 ]
		nothing_is_left 1
	done
	gzip -c good.tar >bad.tar
	fails 4 'bad.tar' mastimg import --name bad bad.tar
	mkfifo bad.fifo
	fails 2 'neither a file' mastimg import bad.fifo
	fails 2 'has no manifest.json' mastimg import .
}

@test "a folder whose files are links, devices or forged is refused" {
	imported
	mastimg export debian12 folder
	cp -r folder linked
	mv linked/vda.raw .
	ln -s "$scratch/vda.raw" linked/vda.raw
	fails 4 'vda.raw' mastimg import --name bad linked
	cp -r folder piped
	rm piped/domain.xml
	mkfifo piped/domain.xml
	fails 4 'domain.xml: is no regular file' mastimg import --name bad piped
	cp -r folder forged
	sed -i 's,"vda.raw","../folder/vda.raw",' forged/manifest.json
	fails 4 'is no file of an image' mastimg import --name bad forged
	cp -r folder format
	sed -i 's,"format":"qcow2","format":"raw/../x",' format/manifest.json
	fails 4 'neither raw nor qcow2' mastimg import --name bad format
	cp -r folder other
	sed -i 's,"vda","vdb",' other/manifest.json
	fails 4 'disk vdb that the definition has not' mastimg import --name bad other
	nothing_is_left 1
}

# ---- damage ----

@test "verify names what is damaged or missing, looks at the rest, and ends with 3" {
	imported
	imported --name b
	imported --name c
	imported --name d
	printf x | dd of="$repository/images/2/1-vda.raw" bs=1 seek=200000 conv=notrunc status=none
	rm "$repository/images/3/1-vda.raw"
	echo '<domain/>' >"$repository/images/4/1-domain.xml"
	run --separate-stderr mastimg verify
	[ "$status" -eq 3 ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 3 ]
	[[ ${stderr_lines[0]} == "mastimg: image b: generation 1: disk vda: $repository/images/2/1-vda.raw: its content is not what was recorded" ]]
	[[ ${stderr_lines[1]} == "mastimg: image c: generation 1: disk vda: "*"1-vda.raw"* ]]
	[[ ${stderr_lines[2]} == "mastimg: image d: generation 1: definition: "*"1-domain.xml"* ]]
	silent mastimg verify debian12
	run --separate-stderr mastimg verify -v debian12
	[ "$stderr" = 'mastimg: image debian12: is well' ]
	fails 1 "no image 'x'" mastimg verify x
}

@test "verify --quick sees what is missing or cut, and reads no content" {
	imported
	imported --name b
	imported --name c
	printf x | dd of="$repository/images/1/1-vda.raw" bs=1 seek=200000 conv=notrunc status=none
	truncate -s 1M "$repository/images/2/1-vda.raw"
	rm "$repository/images/3/1-domain.xml"
	run --separate-stderr mastimg verify --quick
	[ "$status" -eq 3 ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ ${stderr_lines[0]} == *"image b: generation 1: disk vda"* ]]
	[[ ${stderr_lines[1]} == *"image c: generation 1: definition"* ]]
}

@test "every generation is verified, each with its layers" {
	imported
	disk second.raw 2
	disk third.raw 3
	updated second.raw
	updated third.raw
	silent mastimg verify
	printf x | dd of="$repository/images/1/3-vda.layer" bs=1 seek=70000 conv=notrunc status=none
	fails 3 'generation 3: disk vda' mastimg verify
	printf x | dd of="$repository/images/1/2-vda.layer" bs=1 seek=70000 conv=notrunc status=none
	run --separate-stderr mastimg verify
	[ "$status" -eq 3 ]
	[[ $stderr == *'generation 2: disk vda'* ]]
}

# ---- generations ----

@test "a rollback drops the newest generation, and never the last" {
	imported
	disk second.raw 2
	updated second.raw
	[ "$(shown GENERATION,FILES)" = $'2\t1-vda.raw,2-vda.layer\n1\t1-vda.raw' ]
	silent mastimg rollback debian12
	[ "$(shown GENERATION,SHA256)" = "1"$'\t'"$(digest debian12.raw)" ]
	[ -z "$(find "$repository/images/1" -name '2-*')" ]
	silent mastimg verify
	fails 1 'has one generation only' mastimg rollback debian12
	# A number that was dropped is not given again: others may know it.
	updated second.raw
	[ "$(shown GENERATION)" = $'3\n1' ]
	silent mastimg verify
}

# ---- a lost store ----

@test "a folder of the repository is an image again after its store was lost" {
	imported --comment 'the old one'
	disk second.raw 2
	updated second.raw
	mv store lost
	imported --name other
	run --separate-stderr mastimg gc
	[ "$status" -eq 0 ]
	[[ $stderr == *"mastimg import $repository/images/1' takes it back"* ]]
	silent mastimg import --name again "$repository/images/1"
	[ "$(shown SHA256 again)" = "$(digest second.raw)" ]
	[ "$(mastimg list -r -o COMMENT again)" = 'the old one' ]
	silent mastimg verify
	# What is made anew is beside what was there, and never mixed with it.
	[ "$(mastimg list -r -o NAME,ID)" = $'again\t3\nother\t2' ]
}

@test "of a folder of the repository the newest generation that is whole is taken" {
	imported
	disk second.raw 2
	updated second.raw
	rm "$repository"/images/1/2-vda.layer*
	silent mastimg import --name again "$repository/images/1"
	[ "$(shown SHA256 again)" = "$(digest debian12.raw)" ]
}

# ---- interruption ----

# slow: an import that lasts until it is ended, of a disk that is a pipe's end to nobody: it stands still within its copy.
large()
{
	truncate -s 40G large.raw
}

staged()
{
	[ -n "$(find "$repository/staging" -name '*.raw' 2>/dev/null)" ]
}

@test "an import that is interrupted takes back what it made" {
	large
	for signal in INT TERM HUP; do
		mastimg import --xml debian12.xml large.raw 2>large.err 3>&- &
		wait_for staged
		kill -"$signal" $!
		status=0
		wait $! || status=$?
		[ "$status" -eq 4 ]
		[[ $(<large.err) == 'mastimg: '*interrupted ]]
		nothing_is_left
	done
}

@test "under nohup a terminal that goes away ends nothing" {
	large
	(trap '' HUP; exec mastimg import --xml debian12.xml large.raw 2>large.err 3>&-) &
	wait_for staged
	kill -HUP $!
	wait $!
	[ ! -s large.err ]
	[ "$(mastimg list -r -o NAME)" = debian12 ]
}

@test "what kill -9 leaves of an import, gc removes, and nothing else" {
	large
	imported
	mastimg import --xml debian12.xml --name large large.raw 3>&- &
	wait_for staged
	# Somebody works at it.
	silent mastimg gc
	staged
	kill -KILL $!
	wait $! || true
	wait_for mastimg_is_gone
	run --separate-stderr mastimg gc --dry-run
	[ "$status" -eq 0 ]
	[[ $output == 'import large, begun '*"staged files in $repository" ]]
	staged
	run --separate-stderr mastimg gc -v
	[ "$status" -eq 0 ]
	[[ $stderr == 'mastimg: import large: what was left is removed'* ]]
	nothing_is_left 1
	silent mastimg verify
	silent mastimg gc
}

# The process that works dies with its parent, a moment later.
mastimg_is_gone()
{
	! pgrep -f "mastimg import --xml debian12.xml --name large "
}

@test "kill -9 at any point leaves an image, or nothing after gc" {
	head -c 3000000 /dev/urandom >filled.raw
	for _ in {1..25}; do
		mastimg import --xml debian12.xml --name large filled.raw 3>&- &
		sleep "0.0$((RANDOM % 5))$((RANDOM % 10))"
		kill -KILL $! 2>/dev/null || true
		wait $! || true
		wait_for mastimg_is_gone
		silent mastimg gc
		# One that was published and not recorded is what the stage knew, and is gone, too.
		nothing_is_left "$(mastimg list -r -o NAME | wc -l)"
		silent mastimg verify
		run mastimg delete large
		[ "$status" -le 1 ]
	done
}

@test "files that no generation needs go, those of an image that nobody knows are told, and stay" {
	imported
	disk second.raw 2
	updated second.raw 1
	cp -a "$repository/images/1" "$repository/images/77"
	echo x >"$repository/images/1/9-vda.raw"
	chmod 600 "$repository/images/1/9-vda.raw"
	run --separate-stderr mastimg gc
	[ "$status" -eq 0 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"number 77 is no image that the store knows"*"mastimg import $repository/images/77"* ]]
	[ ! -e "$repository/images/1/9-vda.raw" ]
	[ ! -e "$repository/images/1/1-domain.xml" ]
	silent mastimg verify
	silent mastimg import --name again "$repository/images/77"
	[ "$(shown SHA256 again)" = "$(digest second.raw)" ]
	run --separate-stderr mastimg gc --unknown --dry-run
	[[ $output == 'number 77 in '* ]]
	[ -e "$repository/images/77" ]
	silent mastimg gc --unknown
	[ ! -e "$repository/images/77" ]
	silent mastimg gc
	silent mastimg verify
}

@test "of two imports under one name one wins, and the other leaves nothing" {
	for round in 1 2 3; do
		imported --name "n$round" 2>first.err 3>&- &
		imported --name "n$round" 2>second.err 3>&- || true
		wait $! || true
		[ "$(mastimg list -r -o NAME | grep -cx "n$round")" -eq 1 ]
		nothing_is_left "$round"
	done
	silent mastimg verify
}

@test "who reads an image keeps others from changing its files" {
	large
	mastimg import --xml debian12.xml --name large large.raw 3>&- &
	importer=$!
	imported
	disk second.raw 2
	updated second.raw
	wait_for staged
	silent mastimg rollback debian12
	end_processes "$importer"
	nothing_is_left 1
}

# ---- the rest ----

@test "progress is shown where it is asked for" {
	run --separate-stderr imported --progress=always
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	silent imported --name b --progress never
	fails 2 'none of auto, always and never' imported --name c --progress=maybe
	large
	mastimg import --xml debian12.xml --name large --progress=always large.raw 2>large.err 3>&- &
	wait_for staged
	kill $!
	wait $! || true
	nothing_is_left 2
}

@test "an option that does not go with the command is refused, and nothing is done" {
	imported
	fails 2 "--dry-run does not go with delete" mastimg delete --dry-run debian12
	fails 2 "--unknown does not go with verify" mastimg verify --unknown
	fails 2 "--keep does not go with rename" mastimg rename debian12 other --keep 2
	[ "$(mastimg list -r -o NAME)" = debian12 ]
	silent mastimg verify --progress never
}

@test "misuse is told: no command, too few or too many arguments, numbers out of range" {
	fails 2 'what is to be done' mastimg
	fails 2 "unknown command 'frob'" mastimg frob
	for command in delete show 'export a' import 'rename a' rollback; do
		# shellcheck disable=SC2086 # several words
		fails 2 'too few arguments' mastimg $command
	done
	for command in 'rename a b c' 'rollback a b' 'export a b c' 'gc a' 'import a b'; do
		# shellcheck disable=SC2086 # several words
		fails 2 'unexpected argument' mastimg $command
	done
	fails 2 '--keep' mastimg import --keep 0 x
	fails 2 '--keep' mastimg import --keep 101 x
	fails 2 '--comment' mastimg import --comment $'a\nb' x
	fails 4 'run vmsnap first' mastimg list
}

@test "a repository that cannot be, or has no room, is told" {
	printf 'store = "lmdb:%s"\nimage { repository = "%s/missing/images" }\n' "$scratch/store" "$scratch" \
		>"$VMROLL_CONFIG"
	fails 4 'missing' imported
	printf 'store = "lmdb:%s"\nimage { repository = "%s" reserve = "90%%" }\n' "$scratch/store" "$repository" \
		>"$VMROLL_CONFIG"
	read -r free all < <(stat -f -c '%a %b' "$scratch")
	if ((free * 10 < all * 9)); then
		fails 4 'wanted for debian12.raw' imported
		nothing_is_left
	else
		silent imported
	fi
}
