# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # lab and lab.bash set some and use others
# base: messages, the run folder, and processes known by pid and start time.
#
# A lab is a folder. It holds everything that `lab down` needs, each fact in a
# file written before the thing it speaks of is made, so that a lab whose
# program was killed at any moment can still be removed whole.

# lab_say WHAT: told where LAB_VERBOSE is set, with the seconds since the start.
lab_say()
{
	[[ -z ${LAB_VERBOSE:-} ]] || printf 'lab: %3d s: %s\n' "$SECONDS" "$*" >&2
}

lab_die()
{
	printf 'lab: %s\n' "$*" >&2
	exit 1
}

# The first line of a file, or nothing: a missing fact is an empty one.
lab_fact()
{
	local value=
	[[ -r $1 ]] && { read -r value <"$1" || true; }
	printf '%s' "$value"
}

lab_is()
{
	[[ -f $1/.vmroll-lab ]]
}

lab_require()
{
	[[ -n ${LAB_DIR:-} ]] || lab_die 'which lab? set LAB_DIR or use --dir DIR'
	lab_is "$LAB_DIR" || lab_die "$LAB_DIR: not a lab"
	lab_prefix=$(lab_fact "$LAB_DIR/prefix")
	lab_slot=$(lab_fact "$LAB_DIR/slot")
	[[ -n $lab_slot ]] || lab_die "$LAB_DIR: not up"
	net_names
}

# env_add NAME VALUE: a variable more in the file that users source.
env_add()
{
	printf "export %s='%s'\n" "$1" "$2" >>"$LAB_DIR/env"
}

# wait_until SECONDS COMMAND...: polls, true as soon as COMMAND is.
wait_until()
{
	local deadline=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		((SECONDS < deadline)) || return 1
		sleep 0.05
	done
}

# Field 22 of /proc/PID/stat: with it a pid cannot be mistaken for the
# later process that was given the same number.
proc_start_time()
{
	local stat
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	stat=${stat##*) }
	# shellcheck disable=SC2086 # split into fields on purpose
	set -- $stat
	[[ $1 != Z ]] || return 1
	printf '%s' "${20}"
}

# proc_record FILE PID
proc_record()
{
	local start
	start=$(proc_start_time "$2") || return 1
	printf '%s %s\n' "$2" "$start" >"$1"
}

# proc_pid FILE: the pid, if that very process still lives.
proc_pid()
{
	local pid='' start='' now
	[[ -r $1 ]] || return 1
	read -r pid start <"$1" || true
	[[ -n $pid && -n $start ]] || return 1
	now=$(proc_start_time "$pid") || return 1
	[[ $now == "$start" ]] || return 1
	printf '%s' "$pid"
}

proc_gone()
{
	! proc_pid "$1" >/dev/null
}

# proc_end FILE [SIGNAL [SECONDS]]: ends that very process, which may take so long, and forgets it.
proc_end()
{
	local pid
	if pid=$(proc_pid "$1"); then
		kill -s "${2:-KILL}" "$pid" 2>/dev/null || true
		wait_until "${3:-5}" proc_gone "$1" || lab_die "process $pid does not end"
	fi
	rm -f "$1"
}

# proc_spawn NAME COMMAND...: in the background, in a session of its own so
# that a Ctrl-C meant for its starter does not reach it.
proc_spawn()
{
	local name=$1
	shift
	mkdir -p "$LAB_DIR/proc"
	setsid "$@" </dev/null >"$LAB_DIR/proc/$name.log" 2>&1 9>&- &
	proc_record "$LAB_DIR/proc/$name" $! ||
		lab_die "$name: $(tail -n 3 "$LAB_DIR/proc/$name.log")"
}

# build_helper NAME: compiles lib/NAME.c into the lab.
build_helper()
{
	mkdir -p "$LAB_DIR/bin"
	[[ -x $LAB_DIR/bin/$1 ]] ||
		${CC:-cc} -O2 -o "$LAB_DIR/bin/$1" "$lab_lib/$1.c"
}
