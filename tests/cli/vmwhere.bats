#!/usr/bin/env bats
# vmwhere.bats - where it is, where it was, what ran there: from stores filled through the roll's own interface.

# shellcheck disable=SC2154 # stderr_lines is set by run
# shellcheck disable=SC2016 # hostile names are not expanded
# shellcheck disable=SC2059 # a byte in octal or hexadecimal is a format of its own
bats_require_minimum_version 1.5.0

setup() {
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	export VMROLL_CONFIG=$scratch/vmroll.conf VMROLL_STORE=lmdb:$scratch/store VMROLL_HOSTS=$scratch/hosts TZ=UTC
	: >"$VMROLL_CONFIG"
	: >"$VMROLL_HOSTS"
	tab=$'\t'
}

teardown() {
	rm -rf "$scratch"
}

# fill: lines of roll_script on stdin; T is the day of the tests.
T=2026-11-20T
fill() {
	sed "s/ T\([0-9:]*\)/ $T\1+00:00/g" | "${top_builddir:?}/tests/cli/roll_script" "$VMROLL_STORE"
}

# A day: host1 dies at 12:33:21, web1 is restarted on host2.
fill_day() {
	fill <<-'END'
		snap T12:15:00 host1=web1,db1,old- host2=web2 host3=mail
		snap T12:30:00 host1=web1,db1,old- host2=web2 host3=!
		snap T12:35:00 host1=! host2=web2,web1/7 host3=mail
	END
}

rows() {
	printf '%s\n' "$@" | tr ' ' '\t'
}

@test "without a store or a snapshot: status 4, run vmsnap first" {
	run --separate-stderr vmwhere
	[ "$status" -eq 4 ]
	[[ $stderr == *"run vmsnap first"* ]]
	run --separate-stderr vmwhere -o NOPE
	[ "$status" -eq 2 ]
	fill </dev/null
	for mode in "" web1 "--on host1" "--duplicates" "--history web1" "--diff now now"; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr vmwhere $mode
		[ "$status" -eq 4 ]
		[[ $stderr == "vmwhere: "*"run vmsnap first" ]]
	done
}

@test "what runs is listed by host and name; --all adds what is shut off" {
	fill_day
	run --separate-stderr vmwhere -r -o HOST,VM,STATE
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$output" = "$(rows 'host1 db1 running' 'host1 web1 running' 'host2 web1 running' 'host2 web2 running' 'host3 mail running')" ]
	run --separate-stderr vmwhere -r -o VM,STATE --all
	[ "${#lines[@]}" -eq 6 ]
	[[ $output == *"old${tab}shut off"* ]]
}

@test "a table says from when it is, and which hosts are stale; raw output and JSON do not" {
	fill_day
	run --separate-stderr vmwhere
	[[ $output == *$'\nas of 2026-11-20 12:35:00 (snapshot, '*' ago)'* ]]
	[[ $output == *$'\nstale: host1, '*' ago: no route' ]]
	run --separate-stderr vmwhere --on host1 --at "2026-11-20 12:33:21"
	[[ $output == "VM "*" STATE "*" VCPU "*" MEMORY "*" DISK "*" OS "*" ADMIN"* ]]
	[[ $output == *$'\nas of 2026-11-20 12:30:01 (snapshot, 3m20s before)' ]]
	fill <<<'snap T13:00:00 host1=a host2=b host3=! host4=! host5=off host6='
	[[ $(vmwhere) == *$'\nstale: host3, '*$' ago: no route\nstale: host4, never answered: no route' ]]
	# A gateway has no libvirt to answer.
	fill <<<'snap T13:15:00 gate=gate host1=web1 host2=web2,web1/7 host3=mail'
	[[ $(vmwhere) != *"stale:"* ]]
	for quiet in -r -J -n -q; do
		run --separate-stderr vmwhere "$quiet"
		[[ $output != *"as of"* && $output != *"stale:"* ]]
	done
}

@test "any instant of the past" {
	fill_day
	run vmwhere -r -o HOST,VM,STALE --at "2026-11-20 12:20"
	[ "$output" = "$(rows 'host1 db1 no' 'host1 web1 no' 'host2 web2 no' 'host3 mail no')" ]
	run vmwhere -r -o HOST,VM,STALE --at "2026-11-20 12:31"
	[ "$output" = "$(rows 'host1 db1 no' 'host1 web1 no' 'host2 web2 no' 'host3 mail yes')" ]
	run --separate-stderr vmwhere --at "2026-11-20 12:00"
	[ "$status" -eq 1 ]
	[[ $stderr == *"no snapshot at or before 2026-11-20 12:00:00: the oldest is of 2026-11-20 12:15:00" ]]
}

@test "JSON: the keys that are promised, one object a line" {
	fill_day
	run --separate-stderr vmwhere -J web1
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	for line in "${lines[@]}"; do
		[ "$(jq -r 'keys_unsorted | join(" ")' <<<"$line")" = "schema vm uuid host state since seen stale os manager cluster vcpu memory_bytes disk_bytes nics admins grade snapshot age_s" ]
	done
	[ "$(jq -c '[.schema, .vm, .host, .state, .since, .seen, .stale, .os, .manager, .vcpu, .memory_bytes, .disk_bytes, .admins, .grade, .snapshot]' <<<"${lines[0]}")" = \
		'[1,"web1","host2","running","2026-11-20T12:35:01+00:00","2026-11-20T12:35:01+00:00",false,"Debian 12",null,2,4294967296,null,[],"probable",3]' ]
	[ "$(jq -c '[.host, .stale, .seen, (.nics | length), .age_s > 0]' <<<"${lines[1]}")" = '["host1",true,"2026-11-20T12:30:01+00:00",1,true]' ]
}

@test "a VM is named in many ways; exact wins; a prefix must fit one" {
	fill <<<'snap T12:00:00 host1=web,web1,both,a@b host2=mail,both'
	uuid=$(vmwhere -r -o UUID mail)
	mac=$(vmwhere -J mail | jq -r '.nics[0].mac')
	IFS=- read -r a b c d e <<<"$uuid"
	swapped=${a:6:2}${a:4:2}${a:2:2}${a:0:2}-${b:2:2}${b:0:2}-${c:2:2}${c:0:2}-$d-$e
	for name in mail m "$uuid" "${uuid//-/}" "${uuid^^}" "${uuid:0:15}" "$swapped" "$mac" "${mac//:/-}" "${mac^^}" mail@host2; do
		run --separate-stderr vmwhere -r -o VM "$name"
		[ "$status" -eq 0 ]
		[ "$output" = mail ]
	done
	[ "$(vmwhere -r -o VM web)" = web ]
	[ "$(vmwhere -r -o VM a@b)" = a@b ]
	[ "$(vmwhere -r -o VM a@b@host1)" = a@b ]
	[ "$(vmwhere -r -o VM both | wc -l)" -eq 2 ]
	[ "$(vmwhere -r -o HOST both@host2)" = host2 ]
	run --separate-stderr vmwhere we
	[ "$status" -eq 2 ]
	[ -z "$output" ]
	[[ $stderr == "vmwhere: 'we' fits several VMs: web "*", web1 "* ]]
}

@test "each that is not found is named, the others are shown: status 1; not clear: 2" {
	fill_day
	run --separate-stderr vmwhere -r -o VM,HOST nope mail "" neither
	[ "$output" = "$(rows 'mail host3')" ]
	[[ $stderr == *"nope: no such VM"*"neither: no such VM"* ]]
	[ "$status" -eq 2 ]
	run --separate-stderr vmwhere -r -o VM nope mail
	[ "$status" -eq 1 ]
	run --separate-stderr vmwhere -r -o VM nope we mail
	[ "$status" -eq 2 ]
	run --separate-stderr vmwhere --at "2026-11-20 12:20" web1@host2
	[ "$status" -eq 1 ]
	[[ $stderr == *"web1@host2: no such VM at that time" ]]
}

@test "--on: an empty host is empty, an unknown one is status 1, one that never answered is not empty" {
	fill <<<'snap T12:00:00 host1= host2=! host3=a-'
	run --separate-stderr vmwhere --on host1 -r
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run --separate-stderr vmwhere --on host9
	[ "$status" -eq 1 ]
	[[ $stderr == "vmwhere: host9: no such host" ]]
	run --separate-stderr vmwhere --on host2
	[ "$status" -eq 1 ]
	[[ $stderr == "vmwhere: host2: never answered: no route" ]]
	[ -z "$(vmwhere --on host3 -r)" ]
	[ "$(vmwhere --on host3 -r --all -o VM)" = a ]
}

@test "a renamed, a reinstalled and a removed host" {
	fill <<-'END'
		snap T12:00:00 old=a h2=b h3=c
		snap T12:15:00 new:old=a h2:2=d h3=c
		snap T12:30:00 new:old=a h2:2=d
	END
	[ "$(vmwhere -r -o HOST,VM --at "2026-11-20 12:05")" = "$(rows 'h2 b' 'h3 c' 'old a')" ]
	[ "$(vmwhere -r -o HOST,VM --at "2026-11-20 12:20")" = "$(rows 'h2 d' 'h3 c' 'new a')" ]
	[ "$(vmwhere -r -o HOST,VM)" = "$(rows 'h2 d' 'new a')" ]
	[ "$(vmwhere --history a -r -o HOST,UNTIL)" = "$(rows 'new -')" ]
	[ "$(vmwhere --history b -r -o HOST,SINCE,UNTIL)" = "$(rows "h2 ${T}12:00:01+00:00 ${T}12:15:02+00:00")" ]
	[ "$(vmwhere --history c -r -o HOST,SINCE,UNTIL)" = "$(rows "h3 ${T}12:00:01+00:00 ${T}12:30:02+00:00")" ]
	run --separate-stderr vmwhere --on old
	[ "$status" -eq 1 ]
}

@test "--history: each stretch on each host; what is long gone too" {
	fill <<-'END'
		snap T12:00:00 host1=a host2=
		snap T12:15:00 host1=a- host2=
		snap T12:30:00 host1= host2=a
		event T12:31:00 host2 -a
	END
	run --separate-stderr vmwhere --history a -r
	[ "$output" = "$(printf '%s\n' "a${tab}host1${tab}running${tab}${T}12:00:01+00:00${tab}${T}12:15:01+00:00" \
		"a${tab}host1${tab}shut off${tab}${T}12:15:01+00:00${tab}${T}12:30:01+00:00" \
		"a${tab}host2${tab}running${tab}${T}12:30:01+00:00${tab}${T}12:31:00+00:00")" ]
	run --separate-stderr vmwhere a
	[ "$status" -eq 1 ]
	run --separate-stderr vmwhere --history b
	[ "$status" -eq 1 ]
	[[ $stderr == *"b: no such VM, now or ever" ]]
}

@test "--history NAME@HOST: the one of that name that was there" {
	fill <<-'END'
		snap T12:00:00 host1=a host2=b,b@host1
	END
	for name in a@host1 b@host2 b@host1 b@host1@host2; do
		run --separate-stderr vmwhere --history "$name" -r -o VM
		[ "$status" -eq 0 ]
		[ "$output" = "$([[ $name == b@host1* ]] && echo b@host1 || echo "${name%@*}")" ]
	done
	run --separate-stderr vmwhere --history a@host2
	[ "$status" -eq 1 ]
}

@test "--diff: appeared, gone, moved, state; with --all any change" {
	fill <<-'END'
		snap T12:00:00 h1=stays,moves,stops,goes,restarts h2=twin h3=twin
		snap T12:15:00 h1=stays,stops-,restarts/9 h2=moves,comes,twin h3=
	END
	run --separate-stderr vmwhere --diff "2026-11-20 12:05" "2026-11-20 12:20" -r
	[ "$status" -eq 0 ]
	[ "$(sort <<<"$output")" = "$(printf '%s\n' "appeared${tab}comes${tab}-${tab}h2${tab}-${tab}running" \
		"gone${tab}goes${tab}h1${tab}-${tab}running${tab}-" "gone${tab}twin${tab}h3${tab}-${tab}running${tab}-" \
		"moved${tab}moves${tab}h1${tab}h2${tab}running${tab}running" \
		"state${tab}stops${tab}h1${tab}h1${tab}running${tab}shut off")" ]
	run --separate-stderr vmwhere --diff "2026-11-20 12:05" "2026-11-20 12:20" --all -r -o CHANGE,VM
	[[ $output == *"changed${tab}restarts"* ]]
	run --separate-stderr vmwhere --diff "2026-11-20 12:16" "2026-11-20 12:20" -r
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run --separate-stderr vmwhere --diff "2026-11-20 12:16"
	[ "$status" -eq 2 ]
}

@test "--duplicates: one UUID on two hosts at once" {
	fill <<-'END'
		snap T12:00:00 h1=a,b,c h2=a,b- h3=a
		snap T12:15:00 h1=a,b,c h2=b- h3=
	END
	[ "$(vmwhere --duplicates --at "2026-11-20 12:05" -r -o VM,HOST | sort)" = "$(rows 'a h1' 'a h2' 'a h3')" ]
	run --separate-stderr vmwhere --duplicates -r
	[ "$status" -eq 1 ]
	[ -z "$output$stderr" ]
	[ "$(vmwhere --duplicates --all -r -o VM,HOST | sort)" = "$(rows 'b h1' 'b h2')" ]
}

@test "a clock set back between snapshots reorders nothing" {
	fill <<-'END'
		snap T12:00:00 h1=a
		snap T13:00:00 h1=a,b
		snap T12:15:00 h1=a,b,c
	END
	[ "$(vmwhere -r -o VM | xargs)" = "a b c" ]
	[ "$(vmwhere -r -o VM --at "2026-11-20 12:20" | xargs)" = "a b c" ]
	[ "$(vmwhere -r -o VM --at "2026-11-20 12:05")" = a ]
}

@test "what was followed live is certain" {
	fill <<-'END'
		snap T12:00:00 h1=a h2=b
		follow T12:01:00 T12:10:00 h1
		event T12:05:00 h1 c
	END
	[ "$(vmwhere -r -o VM,GRADE --at "2026-11-20 12:06")" = "$(rows 'a certain' 'c certain' 'b probable')" ]
	[ "$(vmwhere -r -o VM,GRADE --at "2026-11-20 12:20")" = "$(rows 'a probable' 'c probable' 'b probable')" ]
	[[ $(vmwhere --on h1 --at "2026-11-20 12:06") == *"as of 2026-11-20 12:06:00 (followed live, 0s before)" ]]
}

@test "--affected: whom each death touches, raw or JSON, an unfinished line is not read" {
	fill_day
	raw="${T}12:33:21.123+00:00${tab}host1${tab}DOWN${tab}3 of 4 pings lost"
	wanted="db1${tab}host1${tab}${T}12:33:21+00:00${tab}probable${tab}not seen${tab}-${tab}-${tab}-
web1${tab}host1${tab}${T}12:33:21+00:00${tab}probable${tab}restarted${tab}host2${tab}${T}12:35:01+00:00${tab}-"
	run --separate-stderr vmwhere --affected <<<"$raw"
	[ "$status" -eq 0 ]
	[ "$output" = "$wanted" ]
	run --separate-stderr vmwhere --affected <<<'{"time":"2026-11-20T12:33:21.123+00:00","host":"host1","state":"DOWN","more":1}'
	[ "$output" = "$wanted" ]
	run --separate-stderr vmwhere --affected < <(printf '%s\n%s' "${raw/DOWN/UP}" "$raw")
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	run --separate-stderr vmwhere --affected -J <<<"$raw"
	[ "$(jq -rc '[.vm, .host, .state, .grade, .now, .now_host, .snapshot, .age_s]' <<<"${lines[1]}")" = \
		'["web1","host1","running","probable","restarted","host2",2,200]' ]
}

@test "--affected: a bad line and a host without a list are told, the others are done: status 3" {
	fill_day
	run --separate-stderr vmwhere --affected -o VM < <(printf '%s\n' nonsense "${T}12:33:21Z${tab}host9${tab}DOWN${tab}x" \
		"${T}12:33:21Z${tab}-${tab}ISOLATED${tab}x" "${T}12:33:21Z${tab}host3${tab}DOWN${tab}x")
	[ "$status" -eq 3 ]
	[ "$output" = mail ]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[[ $stderr == *"line 1"*"host9: no list before ${T}12:33:21+00:00"* ]]
}

@test "--affected: each line is answered as it comes" {
	fill_day
	mkfifo "$scratch/in" "$scratch/out"
	vmwhere --affected -o VM <"$scratch/in" >"$scratch/out" 3>&- &
	pid=$!
	exec 5>"$scratch/in" 6<"$scratch/out"
	echo "${T}12:33:21Z${tab}host2${tab}DOWN${tab}x" >&5
	read -r -t 30 first <&6
	[ "$first" = web2 ]
	kill -0 "$pid"
	exec 5>&-
	wait "$pid"
	exec 6<&-
}

@test "hostile names: escaped in table and raw, lossless in JSON" {
	fill <<<'snap T12:00:00 h1=tab\there,rtl\u202ex,new\nline,$(id);"\x27,nul\x20\x2d,bad\xff,\\x41'
	run --separate-stderr vmwhere -r -o VM
	[ "$output" = "$(printf '%s\n' '$(id);"'\' '\\x41' 'bad\xff' 'new\nline' 'nul -' 'rtl\u202ex' 'tab\there' | LC_ALL=C sort)" ]
	run --separate-stderr vmwhere -o VM -n
	[ "${#lines[@]}" -eq 7 ]
	run --separate-stderr vmwhere -J
	[ "${#lines[@]}" -eq 7 ]
	[ "$(jq -s '[.[].vm] | index("tab\there") != null and index("rtl\u202ex") != null and index("new\nline") != null and index("\\x41") != null and index("$(id);\"'\''") != null' <<<"$output")" = true ]
	run --separate-stderr vmwhere $'new\nline'
	[ "$status" -eq 0 ]
	run --separate-stderr vmwhere $'no\nsuch'
	[ "$status" -eq 1 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
}

@test "output that cannot be written is status 4" {
	fill_day
	for mode in "" -r -J "--on host1" "--history web1" "--all"; do
		status=0
		# shellcheck disable=SC2086 # several words
		vmwhere $mode >/dev/full 2>"$scratch/err" || status=$?
		[ "$status" -eq 4 ]
		grep -q '^vmwhere: standard output' "$scratch/err"
	done
	status=0
	vmwhere --affected >/dev/full 2>"$scratch/err" <<<"${T}12:33:21Z${tab}host1${tab}DOWN${tab}x" || status=$?
	[ "$status" -eq 4 ]
}

@test "a flipped bit is status 4, or changes nothing; never a signal" {
	fill_day
	vmwhere -r --all -o VM,UUID,HOST,STATE,SINCE,NIC >"$scratch/good"
	size=$(stat -c %s "$scratch/store/data.mdb")
	cp "$scratch/store/data.mdb" "$scratch/whole"
	seen=0
	for ((i = 0; i < 60; i++)); do
		cp "$scratch/whole" "$scratch/store/data.mdb"
		offset=$((i * 7919 * 131 % size))
		byte=$(od -An -tu1 -j "$offset" -N 1 "$scratch/whole")
		printf "\\x$(printf %02x $((byte ^ 1 << i % 8)))" | dd of="$scratch/store/data.mdb" bs=1 seek="$offset" conv=notrunc status=none
		status=0
		vmwhere -r --all -o VM,UUID,HOST,STATE,SINCE,NIC >"$scratch/out" 2>"$scratch/err" || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 4 ]
		[ "$status" -eq 4 ] || cmp "$scratch/good" "$scratch/out"
		[ "$status" -eq 0 ] || { seen=1; grep -q '^vmwhere: ' "$scratch/err"; }
	done
	[ "$seen" -eq 1 ]
}

@test "a record that fails its check is named by its key" {
	fill_day
	cp "$scratch/store/data.mdb" "$scratch/whole"
	# The name stands in the record and in the index, in no other place.
	while IFS=: read -r offset _; do
		cp "$scratch/whole" "$scratch/store/data.mdb"
		printf 'M' | dd of="$scratch/store/data.mdb" bs=1 seek="$offset" conv=notrunc status=none
		status=0
		vmwhere --on host3 -r >"$scratch/out" 2>>"$scratch/err" || status=$?
		[ "$status" -eq 0 ] || [ "$status" -eq 4 ]
	done < <(grep -abo mail "$scratch/whole")
	grep -q 'vmwhere: .*vm/' "$scratch/err"
}

@test "JSON of a mode has the columns of a VM and its own" {
	fill_day
	of_vm="schema vm uuid host state since seen stale os manager cluster vcpu memory_bytes disk_bytes nics admins grade snapshot age_s"
	keys() {
		jq -r 'keys_unsorted | join(" ")' | sort -u
	}
	[ "$(vmwhere -J --on host2 | keys)" = "$of_vm" ]
	[ "$(vmwhere -J --duplicates | keys)" = "$of_vm" ]
	[ "$(vmwhere -J --history web1 | keys)" = "$of_vm until" ]
	[ "$(vmwhere -J --diff "2026-11-20 12:20" now | keys)" = "$of_vm change from was" ]
	[ "$(vmwhere -J --affected <<<"${T}12:33:21Z${tab}host1${tab}DOWN${tab}x" | keys)" = "$of_vm died now now_host now_since" ]
	[ "$(vmwhere -J -o vm,host,VM mail)" = '{"schema":1,"vm":"mail","host":"host3"}' ]
}

@test "a time that occurs twice is told, unless -q, wherever it stands" {
	fill_day
	export TZ=Europe/Berlin
	run --separate-stderr vmwhere --at "2026-10-25 02:30"
	[ "$status" -eq 1 ]
	[[ $stderr == *"--at: '2026-10-25 02:30' occurs twice: the first is meant, 2026-10-25T02:30:00+02:00"* ]]
	for order in "-q --at" "--at"; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr vmwhere $order "2026-10-25 02:30" -q
		[ "$status" -eq 1 ]
		[[ $stderr != *twice* ]]
	done
}

@test "all administrators of a VM are shown, however many" {
	fill_day
	{
		echo vm,admin,email,phone,process
		for ((i = 0; i < 100; i++)); do
			echo "web2,\"Admin $i, $i\",a$i@example.org,,"
		done
	} | notify-admins import -
	[ "$(vmwhere -J web2 | jq '.admins | length')" -eq 100 ]
	[[ $(vmwhere -r -o ADMIN web2) == 'Admin 0\x2c 0,Admin 1\x2c 1,'* ]]
}

@test "modes exclude each other; --at goes with the present ones only" {
	fill_day
	for wrong in "--on host1 --duplicates" "--on host1 --on host2" "--history web1 --at now" "--affected --at now" "--diff now now now" "--on host1 web1" "--at never" "-o NOPE" "--affected -o NOPE"; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr vmwhere $wrong </dev/null
		[ "$status" -eq 2 ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[ -z "$output" ]
	done
}
