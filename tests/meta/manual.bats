#!/usr/bin/env bats
# manual.bats - programs, man pages, completions and documents say the same

# shellcheck disable=SC2016 # what is planted is not expanded
# shellcheck source=tests/meta/rules.bash
source "$BATS_TEST_DIRNAME/rules.bash"

: "${top_builddir:?}" "${programs?}"
mapfile -t utilities < <(xargs -rn 1 basename <<<"$programs")

# A program with options -x --extra and --plain, a command and a column, of which a page may speak.
plant_program()
{
	plant bin/prog '#!/bin/sh' 'if [ "$1" = -o ]; then printf "COLUMN JSON\nVM vm\nMEMORY memory_bytes\n"; exit; fi' \
		"cat <<'END'" 'prog - x' '' 'Usage:' '  prog [FILE]' '' 'Commands:' '  fetch FILE                   get it' '' \
		'Options:' '  -x, --extra FILE             more' '      --plain[=AGE]            less' \
		'  -o, --output COL,...         columns' '  -h, --help                   this' '' 'See x.' END
	chmod +x "$tree/bin/prog"
	PATH=$tree/bin:$PATH
	plant man/vmroll.7 '.It Fl h , Fl -help' '.It Fl o , Fl -output Ar COL'
}

@test "each utility's options, commands and columns are those of its page" {
	holds manual "${utilities[@]}"
}

@test "a page that says all is spared" {
	plant_program
	plant man/prog.8 '.It Fl x , Fl -extra Ar FILE' '.It Fl -plain Ns Op = Ns Ar AGE' '.It Cm fetch Ar FILE' \
		'.It VM vm' '.It MEMORY' '.Ql memory_bytes'
	spares manual prog
}

@test "an option, command or column without a line, and one too many, are found" {
	plant_program
	plant man/prog.8 '.It Fl x Ar FILE' '.It Fl -plain' '.It Fl -gone' '.It VM vm'
	echo '.It Fl Z' >>"$tree/man/vmroll.7"
	finds manual '--extra: not described' '--gone: prog has no' 'command fetch' 'column MEMORY' 'memory_bytes' \
		'-Z: no utility has it' -- prog
	[[ $(wc -l <<<"$output") -eq 6 ]]
}

@test "mandoc finds nothing, no section is missing, each reference leads somewhere" {
	holds pages
}

@test "a page with a mistake, without a section, with a dead reference is found" {
	plant man/prog.8 '.Dd November 20, 2026' '.Dt PROG 8' '.Os' '.Sh NAME' '.Nm prog' '.Nd x' '.Sh DESCRIPTION' \
		'.Bl -tag' '.It a' '.Sh SEE ALSO' '.Xr nothing 5'
	finds pages 'prog.8:8' 'no section EXAMPLES' 'no section EXIT STATUS' 'nothing(5)'
}

# completes WORD...: what bash offers for the last of them.
completes()
{
	(
		source "$top_srcdir/scripts/completions/vmroll.bash"
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_vmroll
		printf '%s\n' "${COMPREPLY[@]}" | sort
	)
}

@test "completion offers every option and command of every utility" {
	for program in "${utilities[@]}"; do
		diff <("$rules/help" options "$program") <(completes "$program" -)
		commands=$("$rules/help" commands "$program")
		[[ -z $commands ]] || diff <(echo "$commands") <(completes "$program" '')
	done
}

@test "completion offers columns, hosts and files where they can stand" {
	plant_program
	plant hosts '# x' 'host1 10.0.0.1 - -' 'host2 10.0.0.2 - -'
	complete_hosts=$tree/hosts
	[[ $(completes prog -o M) == MEMORY ]]
	[[ $(completes prog -o VM,M) == VM,MEMORY ]]
	[[ $(completes prog fetch "$tree/man/v") == "$tree/man/vmroll.7" ]]
	[[ $(completes prog --ex) == --extra ]]
	[[ $(completes prog fe) == fetch ]]
	[[ $(completes prog --extra "$tree/man/v") == "$tree/man/vmroll.7" ]]
	[[ $(VMROLL_HOSTS=$complete_hosts completes hostping host2) == host2 ]]
}

@test "each utility has a completion, a page, and a test of its own" {
	for program in "${utilities[@]}"; do
		echo "$program"
		grep -q "^complete .*\b$program\b" "$top_srcdir/scripts/completions/vmroll.bash"
		[[ -e $top_srcdir/man/$program.8 ]]
		[[ -e $top_srcdir/tests/cli/$program.bats ]]
	done
}

@test "what README, HACKING and NEWS name exists" {
	holds mentions "${utilities[@]}"
}

@test "a command, option or file that does not exist is found" {
	plant_program
	plant README '    scripts/gone --now' 'Run `prog --extra x`, or `prog --lost`.' 'See [the manual](man/prog.8).'
	plant man/prog.8 ''
	finds mentions scripts/gone 'prog --lost' -- prog
	[[ $(wc -l <<<"$output") -eq 2 ]]
}
