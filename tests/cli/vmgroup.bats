#!/usr/bin/env bats
# vmgroup.bats - groups made, changed, drawn, carried as text, and forgotten: all that needs no host

# shellcheck disable=SC2154 # output, stderr, lines and status are set by run
bats_require_minimum_version 1.5.0

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	export VMROLL_CONFIG=$scratch/vmroll.conf TZ=UTC SUDO_USER=ito LC_ALL=C.UTF-8
	unset VMROLL_STORE VMROLL_HOSTS
	printf 'store = "lmdb:%s"\nhosts = "%s"\nimage { repository = "%s" }\n' "$scratch/store" "$scratch/hosts" \
		"$scratch/images" >"$VMROLL_CONFIG"
	printf 'host1 192.0.2.1 test:///default -\nhost2 192.0.2.2 - -\n' >"$scratch/hosts"
}

teardown()
{
	rm -rf "$scratch"
}

# images NAME...: they are there, and as $ID_NAME their numbers.
images()
{
	local number
	for name; do
		number=$("${top_builddir:?}/tests/cli/image_put" "lmdb:$scratch/store" "$name")
		declare -g "id_$name=$number"
	done
}

# files_of NUMBER: the repository holds files of that image.
files_of()
{
	mkdir -p "$scratch/images/images/$1"
	chmod 700 "$scratch/images" "$scratch/images/images" "$scratch/images/images/$1"
	echo content >"$scratch/images/images/$1/1-vda.raw"
}

# members GROUP: its members, a blank between.
members()
{
	vmgroup show -r -o NAME,IMAGE,COUNT "$1" | tr '\t\n' ': ' | sed 's/ $//'
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
	[[ $stderr == "vmgroup: "*"$message"* ]]
}

@test "a group is made of images, counted and named, and of groups, in this order" {
	images centos9 db9
	run vmgroup create base dns=centos9
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	vmgroup create --comment 'the shop' shop 'web=centos9*3' db=db9 base
	[ "$(members shop)" = 'web:centos9:3 db:db9:1 base:-:1' ]
	[ "$(vmgroup list -r -o GROUP,MEMBERS,VMS,IN,COMMENT)" = $'base\t1\t1\tshop\t-\nshop\t3\t5\t-\tthe shop' ]
	[ "$(vmgroup list -r -o GROUP,SIZE)" = $'base\t4294967296\nshop\t21474836480' ]
	run vmgroup list
	[[ ${lines[0]} == GROUP*MEMBERS*VMS*SIZE*DEPLOYED*COMMENT ]]
}

@test "a bare word is a group if there is one, else an image under its own name; both is ambiguous" {
	images centos9 both
	vmgroup create both
	vmgroup create base
	vmgroup create x base centos9
	[ "$(members x)" = 'base:-:0 centos9:centos9:1' ]
	fails 2 "'both': a group and an image: say group:both or image:both" vmgroup add x both
	vmgroup add x group:both image:both
	[ "$(members x)" = 'base:-:0 centos9:centos9:1 both:-:0 both:both:1' ]
	vmgroup create y 'centos9*2'
	[ "$(members y)" = 'centos9:centos9:2' ]
	fails 1 "'none': no group and no image is called so" vmgroup add x none
	fails 1 "'w=none': no image 'none'" vmgroup add x w=none
	# A group is no image.
	fails 1 "'w=base': no image 'base'" vmgroup add x w=base
}

@test "the beginning of one name will do, of several not" {
	images centos9 centos8 debian12
	vmgroup create base
	vmgroup create x a=deb bas
	[ "$(members x)" = 'a:debian12:1 base:-:0' ]
	fails 2 centos8 vmgroup add x b=cent
	fails 2 centos8 vmgroup add x cent
	vmgroup create bass
	[ "$(members base)" = '' ]
	fails 2 bass vmgroup show ba
}

@test "what cannot be a member is refused, and nothing is made" {
	images a
	for bad in 'web=a*0' 'web=a*10001' 'web=a*x' 'web=a*'; do
		fails 2 "'$bad': count" vmgroup create x "$bad"
	done
	for bad in -x x/y 'x y' ''; do
		run vmgroup create -- "$bad"
		[ "$status" -eq 2 ]
	done
	fails 2 'two VMs would be called web2: of web*3 in group x and of web2*1 in group x' \
		vmgroup create x 'web=a*3' web2=a
	fails 1 'host host9 is not in' vmgroup create x db=vm@host9
	fails 2 'host host2 has no libvirt URI' vmgroup create x db=vm@host2
	fails 2 'say NAME=VM@HOST' vmgroup create x 'a b@host1'
	[ -z "$(vmgroup list -r)" ]
	fails 2 'too few arguments' vmgroup create
}

@test "no group contains itself, and the way round is told" {
	vmgroup create a
	vmgroup create b a
	vmgroup create c b
	fails 2 'a > c > b > a: a group cannot contain itself' vmgroup add a c
	fails 2 'a > a: a group cannot contain itself' vmgroup add a a
	[ "$(members a)" = '' ]
}

@test "a clash above what is changed is refused, and both places are named" {
	images x
	vmgroup create left web=x
	vmgroup create right
	vmgroup create all left right
	fails 2 'two VMs would be called web: of web*1 in group left and of web*1 in group right' vmgroup add right web=x
	fails 2 'group left is a member twice' vmgroup add all left
}

@test "remove takes VMs and groups out; all of them or none" {
	images a b
	vmgroup create base
	vmgroup create x web=a db=b base
	fails 1 "'mail' is no member of group x" vmgroup remove x web mail
	[ "$(members x)" = 'web:a:1 db:b:1 base:-:0' ]
	vmgroup remove x web base
	[ "$(members x)" = 'db:b:1' ]
	vmgroup create db
	vmgroup add x db=b && false
	vmgroup add x group:db
	fails 2 "'db' is a group and a VM in x: say group:db or image:db" vmgroup remove x db
	vmgroup remove x group:db
	vmgroup add x group:db
	vmgroup remove x image:db
	[ "$(members x)" = 'db:-:0' ]
	fails 2 'too few arguments' vmgroup remove x
}

@test "--with-images takes images that nobody else uses, with their files" {
	images a b c
	files_of "$id_a"
	files_of "$id_b"
	files_of "$id_c"
	vmgroup create x 'one=a' 'two=b' 'more=c'
	vmgroup create other mail=b
	vmgroup remove --with-images x one two
	[ ! -e "$scratch/images/images/$id_a" ]
	[ -e "$scratch/images/images/$id_b/1-vda.raw" ]
	fails 1 "no image 'a'" vmgroup add x again=a
	vmgroup add x two=b
	# The same image twice in what goes, and a user that stays.
	vmgroup add x twice=c
	vmgroup delete --with-images x
	[ ! -e "$scratch/images/images/$id_c" ]
	[ -e "$scratch/images/images/$id_b/1-vda.raw" ]
	[ "$(members other)" = 'mail:b:1' ]
	vmgroup remove other mail
	[ -e "$scratch/images/images/$id_b/1-vda.raw" ]
}

@test "add --replace gives a member another image or count in its place" {
	images a b
	vmgroup create base
	vmgroup create x 'web=a*2' base db=a
	fails 2 'two VMs would be called web1' vmgroup add x 'web=a*5'
	vmgroup add --replace x 'web=b*5' mail=a base
	[ "$(members x)" = 'web:b:5 base:-:0 db:a:1 mail:a:1' ]
	[[ $(vmgroup log -r -o WHAT x | tail -n 1) == 'add --replace web=b*5 mail=a group:base' ]]
}

@test "a group in use is not deleted; those that use it are named" {
	vmgroup create low
	vmgroup create high low
	vmgroup create higher low
	fails 1 'group low is a member of high, higher' vmgroup delete low
	vmgroup remove high low
	vmgroup delete higher
	vmgroup delete low
	[ "$(vmgroup list -r -o GROUP)" = high ]
	fails 1 "no group 'low'" vmgroup delete low
}

@test "a rename and a copy leave members as they are" {
	images a
	vmgroup create low web=a
	vmgroup create high low
	vmgroup rename low lower
	[ "$(members high)" = 'lower:-:1' ]
	fails 2 'there is a group high already' vmgroup rename lower high
	fails 2 'there is a group lower already' vmgroup create lower
	fails 2 'there is a group lower already' vmgroup copy high lower
	vmgroup create --comment first one web=a
	vmgroup copy one two
	vmgroup copy --comment third one three
	[ "$(members three)" = 'web:a:1' ]
	[ "$(vmgroup list -r -o GROUP,COMMENT | tr '\t\n' ': ')" = 'high:- lower:- one:first three:third two:first ' ]
	# Copies are apart from then on.
	vmgroup add two db=a
	[ "$(members one)" = 'web:a:1' ]
}

@test "tree draws each group once, in lines or in ASCII as the locale is" {
	images a
	vmgroup create base dns=a
	vmgroup create shop 'web=a*3' base
	vmgroup create all shop base
	run vmgroup tree all
	[ "$output" = "$(
		cat <<-'END'
			NAME             COUNT  IMAGE
			all                  4  -
			├─ shop              4  -
			│  ├─ web            3  a
			│  └─ base           1  -
			│     └─ dns         1  a
			└─ base (above)      1  -
		END
	)" ]
	LC_ALL=C run vmgroup tree
	[ "${lines[3]}" = '|  |- web            3  a' ]
	[ "${lines[6]}" = '`- base (above)      1  -' ]
	LC_ALL='' LC_CTYPE='' LANG=en_US.utf8 run vmgroup tree
	[[ ${lines[2]} == ├* ]]
	vmgroup create lone
	[ "$(vmgroup tree -r -o DEPTH,PATH | tr '\t\n' ': ')" = \
		'0:all 1:all/shop 2:all/shop/web 2:all/shop/base 3:all/shop/base/dns 1:all/base 0:lone ' ]
	vmgroup tree -J base | jq -se 'map([.name, .kind, .count, .image, .depth, .again]) ==
		[["base", "group", 1, null, 0, false], ["dns", "image", 1, "a", 1, false]]'
}

@test "log says what was done to a group, by whom and why, under all its names" {
	images a
	vmgroup create --comment 'for tests' one 'web=a*2'
	vmgroup create two
	vmgroup add --comment 'more room' one db=a two
	vmgroup rename one first
	vmgroup remove first db
	vmgroup delete --comment 'no longer' two && false
	vmgroup remove first two
	vmgroup delete --comment 'no longer' two
	[ "$(vmgroup log -r -o GROUP,WHAT,BY,COMMENT first)" = "$(
		printf '%s\t%s\t%s\t%s\n' one 'create web=a*2' ito 'for tests' one 'add db=a group:two' ito 'more room' \
			one 'rename to first' ito - first 'remove db' ito - first 'remove two' ito -
	)" ]
	[ "$(vmgroup log -r -o WHAT,COMMENT two)" = $'create\t-\ndelete\tno longer' ]
	[ "$(vmgroup log -r | wc -l)" -eq 7 ]
	vmgroup log -J first | jq -se --argjson id "$(vmgroup list -J | jq .id)" 'all(.id == $id and (.time | type) == "string")'
	fails 1 "no group 'none', nor was there ever" vmgroup log none
	vmsnap --prune=0
	[ -z "$(vmgroup log -r)" ]
	[ "$(members first)" = 'web:a:2' ]
	fails 2 '--comment' vmgroup delete --comment $'a\nb' first
}

@test "export and import: a whole tree comes back on another station" {
	images a b
	vmgroup create base dns=a
	vmgroup create --comment ' the shop: #1 \ ' shop 'web=a*3' base
	vmgroup create all db=b shop base
	vmgroup export all >"$scratch/text"
	vmgroup list -J | jq -c 'del(.id, .created, .changed)' >"$scratch/before"
	vmgroup import "$scratch/text"
	[ "$(vmgroup log -r | wc -l)" -eq 3 ]
	for group in all shop base; do vmgroup delete "$group"; done
	run vmgroup import -v --comment moved - <"$scratch/text"
	[ "$status" -eq 0 ]
	[[ $output == *'3 made, 0 replaced, 0 as they were' ]]
	diff "$scratch/before" <(vmgroup list -J | jq -c 'del(.id, .created, .changed)')
	diff "$scratch/text" <(vmgroup export all)
	[ "$(members all)" = 'db:b:1 shop:-:4 base:-:1' ]
	[[ $(vmgroup log -r -o GROUP,WHAT,COMMENT base | tail -n 1) == $'base\timport\tmoved' ]]
	# Those at the top have all of the others below them.
	[ "$(vmgroup export | grep -c '^group')" -eq 3 ]
}

@test "an import that is killed anywhere leaves whole groups, and is simply run again" {
	images a
	{
		printf 'group all {\n'
		printf '\tgroup g%s\n' {1..300}
		printf '}\n'
		for i in {1..300}; do printf 'group g%s {\n\timage v%s- = a * 2\n}\n' "$i" "$i"; done
	} >"$scratch/text"
	for i in {1..20}; do
		timeout -s KILL "0.0$((RANDOM % 10))$((RANDOM % 10))" vmgroup import "$scratch/text" || true
		# Whatever is there is whole: what it consists of can be told.
		vmgroup list -r -o GROUP,VMS >"$scratch/list" || [ ! -e "$scratch/store/data.mdb" ]
		[ "$(awk '$2 != 2 && $1 != "all"' "$scratch/list" | wc -l)" -eq 0 ]
	done
	vmgroup import "$scratch/text"
	[ "$(vmgroup list -r | wc -l)" -eq 301 ]
	[ "$(vmgroup show -r all | wc -l)" -eq 300 ]
}

@test "import replaces only when asked, and never half" {
	images a
	vmgroup create x web=a
	printf 'group new {\n}\ngroup x {\n\timage web = a * 2\n\tgroup new\n}\n' >"$scratch/text"
	fails 2 "$scratch/text:3: group x is there already, and differs" vmgroup import "$scratch/text"
	[ "$(vmgroup list -r -o GROUP)" = x ]
	vmgroup import --replace "$scratch/text"
	[ "$(members x)" = 'web:a:2 new:-:0' ]
	printf 'group y {\n}\ngroup z {\n\timage web = none\n}\n' >"$scratch/text"
	fails 2 "$scratch/text:4: there is no image none" vmgroup import "$scratch/text"
	printf 'group y {\n\tgroup z\n}\ngroup z {\n\tgroup y\n}\n' >"$scratch/text"
	fails 2 "$scratch/text: y > z > y: a group cannot contain itself" vmgroup import "$scratch/text"
	[ "$(vmgroup list -r -o GROUP)" = $'new\nx' ]
}

@test "a file that is cut short, or is none, is refused with its line" {
	vmgroup create x
	vmgroup export >"$scratch/text"
	vmgroup delete x
	for lines in $(seq 1 $(($(wc -l <"$scratch/text") - 1))); do
		head -n "$lines" "$scratch/text" >"$scratch/cut"
		fails 2 'cut short' vmgroup import "$scratch/cut"
	done
	[ -z "$(vmgroup list -r)" ]
	fails 4 "$scratch/none" vmgroup import "$scratch/none"
	printf 'web = a\n' >"$scratch/text"
	fails 2 "$scratch/text:1: 'web': expected group NAME {" vmgroup import "$scratch/text"
	vmgroup import /dev/null
}

@test "update says which images have no source, and which hosts are not known" {
	images a
	vmgroup create x web=a
	vmgroup create empty
	run vmgroup update empty
	[ "$status" -eq 0 ]
	printf 'host9 192.0.2.9 - -\n' >"$scratch/hosts"
	fails 1 'image a: host host1 is not in' vmgroup update x
	fails 1 "no group 'none'" vmgroup update none
	[ "$(vmgroup log -r x | wc -l)" -eq 1 ]
}

@test "a store that was never written, and commands that do not exist" {
	fails 4 'vmsnap' vmgroup list
	vmgroup create x
	fails 2 'unknown command' vmgroup make x
	fails 2 'what is to be done' vmgroup
	fails 2 'unexpected argument' vmgroup list x
	run vmgroup list -o help
	[[ $output == *DEPLOYED* ]]
	run vmgroup log -o help
	[[ $output == *WHAT* ]]
}

# completes WORD...: what bash offers for the last of them.
completes()
{
	(
		# shellcheck source=scripts/completions/vmroll.bash
		source "${top_srcdir:?}/scripts/completions/vmroll.bash"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_vmroll
		echo "${COMPREPLY[*]}"
	)
}

@test "completion knows the groups" {
	vmgroup create shop
	vmgroup create mail
	[ "$(completes vmgroup show '')" = 'mail shop' ]
	[ "$(completes vmgroup add s)" = shop ]
	[ "$(completes vmgroup tree s)" = shop ]
	[ "$(completes vmgroup undeploy m)" = mail ]
	[ "$(completes vmgroup resume m)" = '' ]
}

@test "what is used again and again in a shell at once is not lost" {
	images a
	vmgroup create x
	for i in {1..8}; do
		vmgroup add x "vm$i=a" &
	done
	wait
	[ "$(members x | wc -w)" -eq 8 ]
}

@test "options of other commands are refused, not passed over: undeploy --dry-run undeploys nothing" {
	fails 2 '--dry-run does not go with undeploy' vmgroup undeploy --dry-run d
	fails 2 '--start does not go with create' vmgroup create --start g
	fails 2 '--with-images does not go with copy' vmgroup copy --with-images a b
	fails 2 "unknown command 'frob'" vmgroup --all frob
	fails 2 '--timeout: 0 gives' vmgroup stop --timeout 0 d
	run -1 vmgroup undeploy --jobs 2 --force d
}

@test "a repository that is not mounted: nothing is deployed of it, no image is deleted, and it stays as it is" {
	local refusal="repository $scratch/images: is not the one that images lie in (no marker): is it mounted?"
	mkdir -m 700 "$scratch/images"
	images a spare
	mkdir -m 700 "$scratch/images/images"
	files_of "$id_spare"
	vmgroup create g a=a
	vmgroup create other spare=spare
	run --separate-stderr vmgroup delete --with-images other
	[ "$status" -eq 0 ]
	[ -e "$scratch/images/vmroll-repository" ]
	mv "$scratch/images" "$scratch/mounted"
	mkdir -m 700 "$scratch/images"
	fails 4 "$refusal" vmgroup deploy g
	fails 4 "$refusal" vmgroup deploy --dry-run g
	run -3 --separate-stderr vmgroup delete --with-images g
	[[ $stderr == *"image a: $refusal"* ]]
	[ "$(mastimg list -r -o NAME)" = a ]
	[ -z "$(ls -A "$scratch/images")" ]
}
