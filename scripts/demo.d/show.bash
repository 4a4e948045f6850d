# shellcheck shell=bash
# shellcheck disable=SC2154 # demo sets the folder
# show: what the demos say, the commands that they show, and what they wait for

bold='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
	bold=$'\e[1m' plain=$'\e[0m'
fi

heading()
{
	printf '\n%s%s%s\n\n' "$bold" "$*" "$plain"
}

say()
{
	printf '%s\n' "$*"
}

die()
{
	printf 'demo: %s\n' "$*" >&2
	exit 1
}

# typed ARGUMENT...: a command as it would be typed.
typed()
{
	local argument words=()
	for argument; do
		[[ $argument =~ ^[-A-Za-z0-9_@%+=:,./]+$ ]] || argument="'$argument'"
		words+=("$argument")
	done
	printf '%s$ %s%s\n' "$bold" "${words[*]}" "$plain"
}

# A command, and what it prints.
show()
{
	typed "$@"
	"$@" || true
	printf '\n'
}

# show_line LINE: the same of a line with pipes.
show_line()
{
	printf '%s$ %s%s\n' "$bold" "$1" "$plain"
	bash -c "$1" || true
	printf '\n'
}

# must COMMAND...: shown, too, but the demo ends where it fails.
must()
{
	typed "$@"
	"$@" || die "$1 failed"
	printf '\n'
}

# step TEXT COMMAND...: a line with the time it took; its output only if it fails.
step()
{
	local text=$1 began=$SECONDS
	shift
	printf '  %-52s' "$text"
	"$@" >"$demo/step.log" 2>&1 || {
		printf 'failed\n'
		tail -n 40 "$demo/step.log" >&2
		exit 1
	}
	printf '%3d s\n' $((SECONDS - began))
}

# await SECONDS WHAT COMMAND...: until the command is true.
await()
{
	local deadline=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		((SECONDS < deadline)) || {
			tail -n 20 "$demo"/*.err >&2
			die "$what did not happen"
		}
		sleep 0.1
	done
}
