# shellcheck shell=bash
# up: building a lab, removing it, and finding those that were left behind.

up_options()
{
	up_hosts=3 up_guests=8 up_owner=$PPID up_wait=1 up_ours=
	lab_prefix=p$$ LAB_DIR=$lab_given
	while (($#)); do
		case $1 in
		--prefix) lab_prefix=$2 ;;
		--hosts) up_hosts=$2 ;;
		--guests) up_guests=$2 ;;
		--owner) up_owner=$2 ;;
		--dir) LAB_DIR=$2 ;;
		--no-wait)
			up_wait=
			shift
			continue
			;;
		*) lab_die "up: $1: unknown option" ;;
		esac
		shift 2
	done
	[[ $lab_prefix =~ ^[a-z0-9]{1,12}$ ]] ||
		lab_die "prefix $lab_prefix: expected 1 to 12 of a-z and 0-9"
	((up_hosts >= 0 && up_hosts <= 200)) || lab_die "up: hosts: from 0 to 200"
	((up_hosts > 0)) || up_guests=0
}

# The folder, and in it who we are, before anything else is made.
up_folder()
{
	if [[ -z $LAB_DIR ]]; then
		LAB_DIR=$(mktemp -d "${TMPDIR:-/tmp}/vmroll-lab.$lab_prefix.XXXXXX")
		chmod 755 "$LAB_DIR"
	else
		mkdir -p "$LAB_DIR"
		rmdir "$LAB_DIR" 2>/dev/null || lab_die "$LAB_DIR: not empty"
		mkdir "$LAB_DIR"
	fi
	up_ours=1
	LAB_DIR=$(readlink -f "$LAB_DIR")
	: >"$LAB_DIR/.vmroll-lab"
	echo "$lab_prefix" >"$LAB_DIR/prefix"
	mkdir "$LAB_DIR/proc" "$LAB_DIR/host"
	proc_record "$LAB_DIR/proc/up" $$
	((up_owner == 0)) || proc_record "$LAB_DIR/owner" "$up_owner"
}

# up_host NUMBER: guests are dealt round, so that host1 has the 1st, the
# (N+1)th and so on.
up_host()
{
	local host=host$1 guests=() i
	host_make "$host" "$1"
	host_boot "$host"
	for ((i = $1 - 1; i < up_guests; i += up_hosts)); do
		guests+=("$(guest_name "$i")")
	done
	guest_start "$host" "${guests[@]}"
	(($1 != 1)) || host_virsh "$host" define "$LAB_DIR/guest/backup1.xml" >/dev/null
}

up_guests_make()
{
	local i
	((up_hosts > 0)) || return 0
	for ((i = 0; i < up_guests; i++)); do
		guest_make "$(guest_name "$i")" "$i"
	done
	guest_make_off backup1 255
}

up_env()
{
	local name
	env_add LAB_DIR "$LAB_DIR"
	env_add LAB_PREFIX "$lab_prefix"
	env_add LAB_STATION "$lab_station"
	env_add LAB_REFERENCE "$(net_address gateway)"
	env_add LAB_HOSTS_FILE "$LAB_DIR/hosts"
	env_add LAB_HOSTS "$(host_list | sort -V | xargs)"
	env_add LAB_GUESTS "$(guest_list | grep -vx backup1 | xargs)"
	for name in $(host_list); do
		env_add "LAB_ADDRESS_$name" "$(net_address "$name")"
		env_add "LAB_ADDRESS6_$name" "$(net_address6 "$name")"
		env_add "LAB_URI_$name" "$(host_uri "$name")"
		env_add "LAB_UUID_$name" "$(lab_fact "$LAB_DIR/host/$name/uuid")"
	done
	for name in $(guest_list); do
		env_add "LAB_UUID_$name" "$(lab_fact "$LAB_DIR/guest/$name.uuid")"
	done
}

up_hosts_file()
{
	local host
	for host in $(host_list | sort -V); do
		printf '%s\t%s\t%s\tcluster=blue,manager=center1\n' \
			"$host" "$(net_address "$host")" "$(host_uri "$host")"
	done >"$LAB_DIR/hosts"
}

# up_parallel COMMAND ARGUMENT...: COMMAND with each argument, all at once.
up_parallel()
{
	local command=$1 pids=() failed=0 pid
	shift
	while (($#)); do
		(
			trap - EXIT INT TERM
			"$command" "$1"
		) &
		proc_record "$LAB_DIR/proc/up-$1" $! || true
		pids+=($!)
		shift
	done
	for pid in "${pids[@]}"; do
		wait "$pid" || failed=1
	done
	((!failed)) || lab_die 'up: failed'
}

up_undo()
{
	local status=$?
	trap - EXIT INT TERM
	disown -a
	if [[ -n $up_ours ]]; then
		rm -f "$LAB_DIR/proc/up"
		lab_remove || true
	fi
	exit "$status"
}

up_keep_capabilities()
{
	local from=$LAB_DIR/host/host1/cache known temporary
	known=$(host_capabilities)
	[[ ! -d $known && -n $(host_list) ]] || return 0
	# which makes it look at every QEMU there is
	host_virsh host1 capabilities >/dev/null
	mkdir -p "$lab_cache"
	temporary=$(mktemp -d "$lab_cache/fetch.XXXXXX")
	cp -rp "$from/." "$temporary/"
	mv -T "$temporary" "$known" 2>/dev/null || rm -rf "$temporary"
}

cmd_up()
{
	local i
	up_options "$@"
	((up_guests == 0)) || guest_fetch
	trap up_undo EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	up_folder
	net_claim
	net_add gateway 253
	((up_guests == 0)) || guest_boot_files
	up_guests_make
	# shellcheck disable=SC2046 # one word a number
	up_parallel up_host $(seq "$up_hosts")
	up_hosts_file
	up_env
	if [[ -n $up_wait ]]; then
		for ((i = 0; i < up_guests; i++)); do
			guest_wait "$(guest_name "$i")" 0
		done
	fi
	up_keep_capabilities
	trap - EXIT INT TERM
	rm -f "$LAB_DIR"/proc/up*
	echo "$LAB_DIR"
}

# lab_remove: programs that may still be building first, then hosts, then
# the network, then the folder, whose going says that all is gone.
lab_remove()
{
	local file
	lab_prefix=$(lab_fact "$LAB_DIR/prefix")
	lab_slot=$(lab_fact "$LAB_DIR/slot")
	for file in "$LAB_DIR"/proc/up*; do
		[[ ! -e $file || $file == *.log ]] || proc_end "$file"
	done
	for file in "$LAB_DIR"/host/*/init; do
		lab_hurry_end "$file"
	done
	if [[ -n $lab_slot ]]; then
		net_names
		net_down
	fi
	for file in "$LAB_DIR"/proc/*; do
		[[ ! -e $file || $file == *.log ]] || proc_end "$file"
	done
	rm -rf "$LAB_DIR"
	lab_say "$LAB_DIR is gone"
}

# Ends a host without waiting, so that all of them end at the same time.
lab_hurry_end()
{
	local pid
	! pid=$(proc_pid "$1") || kill -s KILL "$pid" 2>/dev/null || true
}

# An owner that was never recorded (0) owns for ever.
lab_orphan()
{
	lab_is "$1" && [[ -e $1/owner ]] && proc_gone "$1/owner" && proc_gone "$1/proc/up"
}

# sweep_folders: labs whose owner has died.
sweep_folders()
{
	local dir
	for dir in "${TMPDIR:-/tmp}"/vmroll-lab.* "$@"; do
		! lab_orphan "$dir" || (LAB_DIR=$(readlink -f "$dir") && lab_remove)
	done
}

# sweep_lost PREFIX SLOT FOLDER: somebody removed the folder of a lab that
# was up; what is left says by its names whose it is.
sweep_lost()
{
	lab_prefix=$1 lab_slot=$2 LAB_DIR=$3
	net_names
	net_down
}

cmd_sweep()
{
	local link word prefix dir
	sweep_folders
	for link in /sys/class/net/vl*; do
		link=${link##*/}
		read -r word prefix dir <<<"$(net_alias "$link")"
		[[ $word == vmroll-lab ]] || continue
		if [[ -e $dir ]]; then
			sweep_folders "$dir"
		else
			sweep_lost "$prefix" "${link#vl}" "$dir"
		fi
	done
}
