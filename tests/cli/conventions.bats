#!/usr/bin/env bats
# conventions.bats - what vmroll(7) promises of every utility alike.

# shellcheck disable=SC2154 # bats sets stderr_lines
bats_require_minimum_version 1.5.0

utilities=(vmsnap hostping vmwhere notify-admins mastimg vmgroup)

setup() {
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	export VMROLL_CONFIG=$scratch/vmroll.conf VMROLL_STORE=lmdb:$scratch/store VMROLL_HOSTS=$scratch/hosts
	printf 'notify { fallback = { "ops@example.org" } }\nsmtp { url = "smtp://127.0.0.1:1" from = "vmroll@example.org" }\n' >"$VMROLL_CONFIG"
	printf 'host1 127.0.0.1 - -\n' >"$VMROLL_HOSTS"
}

teardown() {
	rm -rf "$scratch"
}

@test "--help goes to stdout with status 0" {
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" --help
		[ "$status" -eq 0 ]
		[[ $output == "$u - "* ]]
		[[ $output == *Usage:* ]]
		[ -z "$stderr" ]
	done
}

@test "--version names the utility and the package" {
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" -V
		[ "$status" -eq 0 ]
		[[ $output == "$u (vmroll) "[0-9]* ]]
	done
}

@test "misuse goes to stderr with status 2 and a hint" {
	for u in "${utilities[@]}"; do
		for bad in --no-such-option -Z --hosts --json=yes; do
			run --separate-stderr "$u" "$bad"
			[ "$status" -eq 2 ]
			[ -z "$output" ]
			[[ $stderr == "$u: "*"try '$u --help'" ]]
		done
	done
}

@test "an unknown letter is named, wherever in its word it stands" {
	for u in "${utilities[@]}"; do
		for bad in -Zv -vZ -qvZ; do
			run --separate-stderr "$u" --json "$bad"
			[ "$status" -eq 2 ]
			[[ $stderr == "$u: unknown option '-Z'"* ]]
		done
	done
}

@test "the program's name is a constant, never argv[0]" {
	for u in "${utilities[@]}"; do
		ln -s "$(command -v "$u")" "$scratch/other-name"
		run --separate-stderr "$scratch/other-name" --no-such-option
		[[ $stderr == "$u: "* ]]
		rm "$scratch/other-name"
	done
}

@test "a control character in an argument cannot forge a line on stderr" {
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" $'--x\nforged: line'
		[ "$status" -eq 2 ]
		# shellcheck disable=SC2154 # bats sets it
		[ "${#stderr_lines[@]}" -eq 1 ]
	done
}

@test "every option of the common set exists everywhere" {
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" --help
		for option in --config --store --hosts --json --raw --output --noheadings --check-config --syslog --quiet --verbose --help --version; do
			[[ $output == *" $option"* ]] || { echo "$u has no $option"; return 1; }
		done
	done
}

@test "-o help lists the columns; an unknown column is named" {
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" -o help
		[ "$status" -eq 0 ]
		[[ $output == COLUMN* ]]
	done
}

@test "output that cannot be written is status 4, named" {
	for u in "${utilities[@]}"; do
		for option in --help --version "-ohelp"; do
			status=0
			"$u" "$option" >/dev/full 2>"$scratch/err" || status=$?
			[ "$status" -eq 4 ]
			grep -q "^$u: standard output: cannot write" "$scratch/err"
		done
	done
}

@test "what cannot be seen in a message is shown, a backslash stays single" {
	run --separate-stderr vmwhere $'--x\\\u202e\u009b'
	[ "$status" -eq 2 ]
	[[ $stderr == *"option '--x\\\\\u202e\u009b'"* ]]
	run --separate-stderr vmwhere -C $'/no\u202ehow\\'
	[ "$status" -eq 4 ]
	[[ $stderr == "vmwhere: /no\\u202ehow\\: "* ]]
}

@test "no file is written to for a standard stream that is closed" {
	printf 'host1 127.0.0.1 test+tcp://127.0.0.1:1/ -\n' >"$VMROLL_HOSTS"
	for u in vmsnap hostping vmwhere notify-admins; do
		for closed in '2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
			run bash -c "$u -v $closed"
			[ -d "$scratch/store" ]
			run grep -r "^$u: " "$scratch"
			[ -z "$output" ]
		done
	done
	run --separate-stderr bash -c 'hostping host1 >&-'
	[ "$status" -eq 4 ]
	[[ $stderr == *"hostping: standard output: cannot write"* ]]
}

@test "an empty argument does not choose a default" {
	for u in "${utilities[@]}"; do
		for option in -C -S --hosts; do
			run --separate-stderr "$u" --check-config "$option" ""
			[ "$status" -eq 2 ]
			[[ $stderr == "$u: an empty argument"* ]]
		done
	done
}

@test "a store that is none is misuse wherever it is said" {
	for u in "${utilities[@]}"; do
		for store in relative lmdb:relative other:/x; do
			run --separate-stderr "$u" --check-config -S "$store"
			[ "$status" -eq 2 ]
			[[ $stderr == "$u: store '$store': expected a store such as"* ]]
			VMROLL_STORE=$store run --separate-stderr "$u" --check-config
			[ "$status" -eq 2 ]
		done
	done
}

@test "--check-config: valid is silent and 0, talks with -v" {
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" --check-config
		[ "$status" -eq 0 ]
		[ -z "$output$stderr" ]
		run --separate-stderr "$u" --check-config -v
		[ "$status" -eq 0 ]
		[[ $stderr == *": 1 host; "* ]]
	done
}

@test "--check-config: an empty fallback is warned of" {
	: >"$VMROLL_CONFIG"
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" --check-config
		[ "$status" -eq 0 ]
		[[ $stderr == *fallback* ]]
	done
}

@test "--check-config: a bad setting or host is status 2 with file and line" {
	for u in "${utilities[@]}"; do
		printf '\nparalel = 3\n' >"$VMROLL_CONFIG"
		run --separate-stderr "$u" --check-config
		[ "$status" -eq 2 ]
		[[ $stderr == "$u: $VMROLL_CONFIG:2: "* ]]
		: >"$VMROLL_CONFIG"
		printf 'host1 127.0.0.1 - -\nhost1 127.0.0.2 - -\n' >"$VMROLL_HOSTS"
		run --separate-stderr "$u" --check-config
		[ "$status" -eq 2 ]
		[[ $stderr == "$u: $VMROLL_HOSTS:2: "* ]]
		printf 'host1 127.0.0.1 - -\n' >"$VMROLL_HOSTS"
	done
}

@test "a configuration that was named must exist" {
	for u in "${utilities[@]}"; do
		run --separate-stderr "$u" -C "$scratch/none" --check-config
		[ "$status" -eq 4 ] || [ "$status" -eq 2 ]
		[[ $stderr == "$u: $scratch/none: "* ]]
	done
}

@test "a store on a path that is no folder, or of no known kind, is an error" {
	: >"$scratch/file"
	run --separate-stderr vmwhere -S "lmdb:$scratch/file/store" web1
	[ "$status" -eq 4 ]
	run --separate-stderr vmwhere -S "mysql:/x" web1
	[ "$status" -eq 2 ]
	run --separate-stderr vmwhere web1
	[ "$status" -eq 4 ]
	[[ $stderr == *"run vmsnap first"* ]]
}
