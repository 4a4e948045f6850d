# shellcheck shell=bash
# lab.bash: for the bats files that use the lab.
#
#     load lib/lab
#     setup_file()    { lab_up --hosts 3 --guests 8; }
#     setup()         { lab_env; }
#     teardown_file() { lab_down; }
#
# Without root every test of the file skips, and says so.

LAB=${BASH_SOURCE[0]%/*}/../lab
# shellcheck source=tests/lab/lib/base.bash
source "${BASH_SOURCE[0]%/*}/base.bash"

# lab_up [OPTION...]: a lab for this file, with all LAB_* variables set. It
# is owned by this shell, so that lab sweep finds it if the run is killed.
lab_up()
{
	((!$(id -u))) || return 0
	LAB_DIR=$("$LAB" up --owner "$$" "$@") || return 1
	export LAB_DIR
	lab_env
}

# lab_env: the LAB_* variables of $LAB_DIR, where they are not inherited or
# have changed since (lab nodes, lab mute and lab sasl add some).
lab_env()
{
	[[ -n ${LAB_DIR:-} ]] || skip 'the lab needs root'
	# shellcheck source=/dev/null
	source "$LAB_DIR/env"
}

lab_down()
{
	background_end_all
	[[ -z ${LAB_DIR:-} ]] || "$LAB" down "$LAB_DIR"
}

# lab_cut host1, lab_heal host1, lab_where ...: the commands of lab.
for lab_command in cut kill heal latency storage signal exec start stop shutdown \
	migrate where console disk booted nodes shuffle mute sasl; do
	eval "lab_$lab_command() { \"\$LAB\" $lab_command \"\$@\"; }"
done
unset lab_command

# background NAME COMMAND...: starts it, keeps its pid, and its output in
# $BATS_FILE_TMPDIR/NAME.out and NAME.err.
background()
{
	local name=$1
	shift
	mkdir -p "$BATS_FILE_TMPDIR/background"
	"$@" </dev/null >"$BATS_FILE_TMPDIR/$name.out" 2>"$BATS_FILE_TMPDIR/$name.err" 3>&- 4>&- &
	proc_record "$BATS_FILE_TMPDIR/background/$name" $!
}

background_alive()
{
	proc_pid "$BATS_FILE_TMPDIR/background/$1" >/dev/null
}

# background_end NAME [SIGNAL]: TERM unless told, and waits until it is gone.
background_end()
{
	proc_end "$BATS_FILE_TMPDIR/background/$1" "${2:-TERM}"
}

# background_signal NAME SIGNAL
background_signal()
{
	kill -s "$2" "$(proc_pid "$BATS_FILE_TMPDIR/background/$1")"
}

background_end_all()
{
	local file
	for file in "$BATS_FILE_TMPDIR"/background/*; do
		[[ ! -e $file ]] || proc_end "$file" KILL
	done
}

# seen FILE REGEX: for wait_until 10 seen FILE REGEX
seen()
{
	grep -Eq -- "$2" "$1" 2>/dev/null
}
