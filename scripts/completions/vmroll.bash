# vmroll.bash - completion of every utility: its own --help says what there is
# shellcheck shell=bash

# _vmroll_words WHAT: what can stand at a place that --help calls WHAT.
_vmroll_words()
{
	case $1 in
	FILE | SOURCE) compgen -f -- "$word" ;;
	GROUP | GROUP...) compgen -W "$(vmgroup list -r -o GROUP 2>/dev/null)" -- "$word" ;;
	D) compgen -W "$(_vmroll_deployments)" -- "$word" ;;
	'D|GROUP') compgen -W "$(_vmroll_deployments) $(vmgroup list -r -o GROUP 2>/dev/null)" -- "$word" ;;
	HOST | HOST...) compgen -W "$(_vmroll_hosts)" -- "$word" ;;
	COL,...) _vmroll_columns ;;
	INCIDENT) compgen -W "$(notify-admins incidents -r -o INCIDENT 2>/dev/null)" -- "$word" ;;
	NAME | NAME...) [[ $program != *mastimg ]] || compgen -W "$("$program" list -r -o NAME 2>/dev/null)" -- "$word" ;;
	VM | VM... | VM@HOST) compgen -W "$(vmwhere --all -rn -o VM 2>/dev/null)" -- "$word" ;;
	esac
}

_vmroll_deployments()
{
	vmgroup list -r -o DEPLOYED 2>/dev/null | tr , '\n' | grep -vx -e -
}

_vmroll_hosts()
{
	awk '!/^[[:space:]]*(#|$)/ { print $1 }' "${VMROLL_HOSTS:-/etc/vmroll/hosts}" 2>/dev/null
}

# The last of a list of columns; those before it stay.
_vmroll_columns()
{
	local before=''
	[[ $word != *,* ]] || before=${word%,*},
	compgen -P "$before" -W "$("$program" -o help 2>/dev/null | awk 'NR > 1 && $1 != "-" { print $1 }')" -- "${word##*,}"
}

# The argument of the option $1, as --help names it; nothing if it takes none.
_vmroll_argument()
{
	awk -v option="$1" '
		/^  +-/ {
			for (i = 1; i <= 3; i++) {
				name = $i
				sub(/,$/, "", name)
				if (name != option) continue
				# "-x, --name ARGUMENT" or "--name ARGUMENT": it stands one blank behind.
				if (match($0, /--[a-z-]+ [^ ]+/)) {
					split(substr($0, RSTART, RLENGTH), part, " ")
					print part[2]
				}
				exit
			}
		}' <<<"$help"
}

_vmroll()
{
	local program=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
	local help argument
	COMPREPLY=()
	help=$("$program" --help 2>/dev/null) || return 0
	argument=$(_vmroll_argument "$before")
	# Folders end in a slash, blanks are quoted; a test calls this where there is nothing to complete.
	[[ $argument$(_vmroll_operand) != *@(FILE|SOURCE)* ]] || compopt -o filenames 2>/dev/null
	if [[ -n $argument ]]; then
		mapfile -t COMPREPLY < <(_vmroll_words "$argument")
	elif [[ $word == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_vmroll_options)" -- "$word")
	else
		mapfile -t COMPREPLY < <(_vmroll_operands)
	fi
}

_vmroll_options()
{
	grep -oE '^  +-.{26}' <<<"$help" | grep -oE -- '-{1,2}[A-Za-z][a-z-]*'
}

# What the command that was given takes.
_vmroll_operand()
{
	((COMP_CWORD < 2)) || awk -v command="${COMP_WORDS[1]}" '
		/^Commands:/ { on = 1; next }
		/^$/ { on = 0 }
		on && $1 == command { gsub(/[][]/, "", $2); print $2 }' <<<"$help"
}

# Commands, where the utility has some, and their operands; else what its synopsis names.
_vmroll_operands()
{
	local commands
	commands=$(awk '/^Commands:/ { on = 1; next } /^$/ { on = 0 } on { print $1 }' <<<"$help")
	if [[ -n $commands ]]; then
		((COMP_CWORD > 1)) || compgen -W "$commands" -- "$word"
		_vmroll_words "$(_vmroll_operand)"
		return
	fi
	_vmroll_words "$(grep -oE '(HOST|VM)(\.\.\.)?' <<<"$help" | head -n 1)"
}

complete -F _vmroll vmsnap hostping vmwhere notify-admins vmgroup mastimg
