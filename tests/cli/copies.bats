#!/usr/bin/env bats
# copies.bats - backing up and compacting a store by the commands that vmroll(7) shows.

# shellcheck disable=SC2154 # bats sets stderr
bats_require_minimum_version 1.5.0

setup() {
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	export VMROLL_CONFIG=$scratch/vmroll.conf VMROLL_STORE=lmdb:$scratch/store VMROLL_HOSTS=$scratch/hosts TZ=UTC
	: >"$VMROLL_CONFIG"
	: >"$VMROLL_HOSTS"
	snap 12:15 'host1=web1,db1,old- host2=web2'
	snap 12:30 'host1=db1 host2=web2,web1/7'
}

teardown() {
	rm -rf "$scratch"
}

# snap HH:MM HOSTS: adds a snapshot.
snap() {
	printf 'snap 2026-11-20T%s:00+00:00 %s\n' "$1" "$2" | "${top_builddir:?}/tests/cli/roll_script" "$VMROLL_STORE"
}

# commands WORD: the lines of the example that begins with the command WORD, on our folders.
commands() {
	sed -n '/^\.Sh EXAMPLES/,$p' "${top_srcdir:?}/man/vmroll.7" |
		awk -v first="$1" '/^\.Ed/ { if (wanted) printf "%s", text; on = wanted = 0 }
			on { sub(/^[$#] /, ""); if (text == "" && $1 == first) wanted = 1; text = text $0 "\n" }
			/^\.Bd/ { on = 1; text = "" }' |
		sed -e "s|/var/lib/vmroll|$scratch/store|g" -e "s|/backup|$scratch/backup|g" -e '/^systemctl /d'
}

everything() {
	vmwhere --all -r --history web1
	vmwhere --all -r --at '2026-11-20 12:20'
	vmwhere --all -r
}

@test "a back-up is a store that answers the same" {
	everything >"$scratch/before"
	[ -s "$scratch/before" ]
	mkdir "$scratch/backup"
	commands umask >"$scratch/script"
	grep -q '^mdb_copy -c' "$scratch/script"
	bash -e "$scratch/script"
	[ "$(stat -c %a "$scratch/backup/vmroll-today/data.mdb")" = 640 ]
	VMROLL_STORE=lmdb:$scratch/backup/vmroll-today everything >"$scratch/after"
	cmp "$scratch/before" "$scratch/after"
}

@test "compacting keeps all that is known, owner and mode, and what is written goes on" {
	for ((i = 0; i < 60; i++)); do
		snap "13:$(printf %02d "$i")" "host1=db1,x$i host2=web2"
	done
	everything >"$scratch/before"
	mode=$(stat -c '%a %u %g' "$scratch/store/data.mdb")
	size=$(stat -c %s "$scratch/store/data.mdb")
	commands systemctl >"$scratch/script"
	grep -q '^mdb_copy -c' "$scratch/script"
	bash -e "$scratch/script"
	everything >"$scratch/after"
	cmp "$scratch/before" "$scratch/after"
	[ "$(stat -c '%a %u %g' "$scratch/store/data.mdb")" = "$mode" ]
	[ "$(stat -c %s "$scratch/store/data.mdb")" -lt "$size" ]
	[ "$(ls "$scratch/store")" = "$(printf 'data.mdb\nlock.mdb')" ]
	snap 14:00 'host1=new host2=web2'
	run --separate-stderr vmwhere -r -o HOST new
	[ "$output" = host1 ]
	[ -z "$stderr" ]
}
