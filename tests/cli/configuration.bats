#!/usr/bin/env bats
# configuration.bats - settings and hosts as each utility takes or refuses them, and the examples of their pages.

# shellcheck disable=SC2154 # bats sets output, status and stderr
bats_require_minimum_version 1.5.0

: "${top_srcdir:?}" "${programs?}"
mapfile -t utilities < <(xargs -rn 1 basename <<<"$programs")

setup() {
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	conf=$scratch/vmroll.conf
	hosts=$scratch/hosts
	unset VMROLL_CONFIG VMROLL_STORE VMROLL_HOSTS
	printf 'notify { fallback = { "ops@example.org" } }\nsmtp { url = "smtp://mail" from = "v@example.org" }\n' >"$conf"
	printf 'host1 10.0.0.1\n' >"$hosts"
	[ "${#utilities[@]}" -gt 0 ]
}

teardown() {
	rm -rf "$scratch"
}

# check UTILITY: --check-config of $conf and $hosts.
check() {
	run --separate-stderr "$1" --check-config -C "$conf" --hosts "$hosts"
	echo "$1: status $status: $output$stderr"
}

# refuses PLACE TEXT: each utility ends with 2 and names the place and what is wrong, once.
refuses() {
	for utility in "${utilities[@]}"; do
		check "$utility"
		[ "$status" -eq 2 ]
		[ -z "$output" ]
		[[ $stderr == "$utility: $1: "*"$2"* ]]
		[[ $stderr != *$'\n'* ]]
	done
}

accepts() {
	for utility in "${utilities[@]}"; do
		check "$utility"
		[ "$status" -eq 0 ]
		[ -z "$output" ]
		[ "$stderr" == "${1:+$utility: $1}" ]
	done
}

# example PAGE N: the Nth display of its section EXAMPLES.
example() {
	sed -n '/^\.Sh EXAMPLES/,$p' "$top_srcdir/man/$1" |
		awk -v wanted="$2" '/^\.Ed/ { on = 0 } on { print } /^\.Bd/ { on = ++count == wanted }'
}

@test "what is right is taken in silence" {
	accepts
}

@test "the file may be named by the environment, and must exist then" {
	for utility in "${utilities[@]}"; do
		VMROLL_CONFIG=$conf VMROLL_HOSTS=$hosts run --separate-stderr "$utility" --check-config
		[ "$status" -eq 0 ]
		VMROLL_CONFIG=$scratch/none run --separate-stderr "$utility" --check-config
		[ "$status" -eq 4 ]
		[[ $stderr == "$utility: $scratch/none: No such file"* ]]
		VMROLL_CONFIG=$scratch/none run --separate-stderr "$utility" --check-config -C "$conf" --hosts "$hosts"
		[ "$status" -eq 0 ]
	done
}

@test "an unknown key" {
	printf '\nping {\n\tinterwal = "1s"\n}\n' >>"$conf"
	refuses "$conf:5" "unknown setting ping.interwal"
}

@test "a key that stands there twice" {
	printf 'parallel = 1\nparallel = 1\n' >>"$conf"
	refuses "$conf:4" "setting parallel is on line 3 already"
}

@test "a bad unit" {
	printf 'retention = "400"\n' >>"$conf"
	refuses "$conf:3" "expected a duration with its unit"
}

@test "a secret that others can read" {
	printf 'smtp {\n password = "geheim"\n}\n' >"$conf"
	for mode in 640 604 660; do
		chmod "$mode" "$conf"
		refuses "$conf:2" "holds a password"
		[[ $stderr != *geheim* ]]
	done
	printf 'notify { fallback = "a@b.c" }\nsmtp { url = "smtp://m" from = "a@b.c" user = "u" password = "p" }\n' >"$conf"
	chmod 600 "$conf"
	accepts
}

@test "settings cut short, and hosts cut short" {
	printf 'ping {\n\tinterval = "1s"\n' >>"$conf"
	refuses "$conf:5" "section ping of line 3 is not closed: the file is cut short"
	printf '' >"$conf"
	printf 'host1 10.0.0.1\nhost2 10.0.0.2' >"$hosts"
	refuses "$hosts:2" "cut short"
}

@test "a policy of our own that calls, and nothing to call with, is warned of" {
	printf 'policy "night" { step { channels = "voice" } }\n' >>"$conf"
	accepts "$conf: sip.from is not set: policy \"night\" calls nobody"
	printf 'sip { from = "sip:v@10.0.0.9" exchange = "sip:%%s@10.0.0.5" }\n' >>"$conf"
	accepts
}

@test "a name that leads nowhere" {
	printf 'policy "night" {\n step { channels = { "mail", "webhook:chat" } }\n}\n' >>"$conf"
	refuses "$conf:4" 'there is no webhook "chat"'
}

@test "a step that is cut short" {
	printf 'policy "night" {\n step {\n' >>"$conf"
	refuses "$conf:5" "section step of line 4 inside section policy of line 3 is not closed: the file is cut short"
}

@test "an empty fallback is warned of" {
	printf 'smtp { url = "smtp://mail" from = "v@example.org" }\n' >"$conf"
	accepts "$conf: notify.fallback is empty: nobody hears of a VM without an administrator"
}

@test "a bad host" {
	printf '# two of a name\nhost1 10.0.0.2\n' >>"$hosts"
	refuses "$hosts:3" "host host1 is on line 1 already"
}

@test "the examples of vmroll.conf(5), hosts(5), notify-admins(8) and the shipped ones are right" {
	example vmroll.conf.5 1 >"$conf"
	example hosts.5 1 >"$hosts"
	grep -q '^# begin vmroll' "$conf"
	grep -q '^host3 ' "$hosts"
	accepts "$conf: notify.redirect is set: every mail goes to that one address"
	{
		echo 'notify { fallback = { "ops@example.org" } }'
		example vmroll.conf.5 2
	} >"$conf"
	grep -q password_command "$conf"
	accepts
	{
		echo 'smtp { url = "smtp://mail" from = "v@example.org" }'
		example vmroll.conf.5 3
	} >"$conf"
	grep -q '^policy "night" {' "$conf"
	accepts
	{
		echo 'smtp { url = "smtp://mail" from = "v@example.org" }'
		example notify-admins.8 3
	} >"$conf"
	grep -q '^policy "urgent" {' "$conf"
	accepts
	conf=$top_srcdir/scripts/examples/vmroll.conf hosts=$top_srcdir/scripts/examples/hosts
	accepts "$conf: notify.redirect is set: every mail goes to that one address"
}

@test "the example of vmroll-templates(5) is right, and the page has every name that a template may use" {
	page=$top_srcdir/man/vmroll-templates.5
	mkdir -p "$scratch/templates/en"
	example vmroll-templates.5 1 >"$scratch/templates/en/mail-first.txt"
	grep -q $'^${name}\t' "$scratch/templates/en/mail-first.txt"
	printf 'notify { fallback = { "ops@example.org" } templates = "%s" }\nsmtp { url = "smtp://mail" from = "v@example.org" }\n' \
		"$scratch/templates" >"$conf"
	run notify-admins --check-config -C "$conf" --hosts "$hosts"
	echo "$output"
	[[ $status -eq 0 && -z $output ]]
	mapfile -t names < <(grep -oP '^\t\{"\K[a-z_-]+' "$top_srcdir/lib/wording_names.c" | sort -u)
	[[ ${#names[@]} -gt 80 ]]
	for name in "${names[@]}"; do
		grep -qP "(?<![\\w-])$name(?![\\w-])" "$page" || { echo "$name: not described"; return 1; }
	done
}
