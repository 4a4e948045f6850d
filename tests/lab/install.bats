#!/usr/bin/env bats
# install.bats - what README says of one's own hosts: install, setup, and the user vmroll does all the work

# shellcheck source=tests/lab/lib/lab.bash
source "$BATS_TEST_DIRNAME/lib/lab.bash"
# shellcheck source=tests/lab/lib/throwaway.bash
source "$BATS_TEST_DIRNAME/lib/throwaway.bash"
: "${top_srcdir:?}" "${top_builddir:?}"

setup_file()
{
	lab_up --hosts 2 --guests 2
}

setup()
{
	lab_env
}

teardown_file()
{
	lab_down
}

# make install && make setup, from the build folder as it is; then PATH is a user's.
installed()
{
	unset VMROLL_CONFIG VMROLL_STORE VMROLL_HOSTS MAKEFLAGS MFLAGS MAKELEVEL
	rm -rf /var/lib/vmroll /var/log/vmroll /etc/vmroll
	make -s -C "$top_builddir" install >/dev/null
	make -s -C "$top_builddir" setup >/dev/null
	bin=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")/bin
	PATH=$bin:/usr/sbin:/usr/bin:/sbin:/bin
	mkdir /etc/vmroll
	cp "$LAB_HOSTS_FILE" /etc/vmroll/hosts
	cat >/etc/vmroll/vmroll.conf <<-END
		ping { interval = "50ms" timeout = "50ms" reference = { "$LAB_REFERENCE" } }
		notify { fallback = { "you@example.org" } redirect = "you@example.org" }
		smtp { url = "smtp://127.0.0.1:1" from = "vmroll@example.org" tls = "none" }
	END
	cd /
}

as_vmroll()
{
	setpriv --reuid vmroll --regid vmroll --clear-groups "$@"
}

# as_service COMMAND...: in the place of this shell, with the capabilities, and the lack of new ones, of the unit.
as_service()
{
	local caps=+net_raw,+net_admin
	exec setpriv --reuid vmroll --regid vmroll --clear-groups --bounding-set "-all,$caps" --inh-caps "$caps" \
		--ambient-caps "$caps" --no-new-privs "$@"
}

mode()
{
	stat -c '%a %U:%G' "$1"
}

in_installed()
{
	# shellcheck disable=SC2163 # its name is what is exported
	export -f installed as_vmroll as_service mode wait_until told_up "$1"
	run in_throwaway "installed; $1"
	echo "$output"
	[[ $status -eq 0 ]]
}

first_steps()
{
	as_vmroll vmsnap --check-config
	as_vmroll vmsnap
	as_vmroll vmwhere --on host1 >/dev/null
	as_vmroll hostping >/dev/null
	[[ $(mode /var/lib/vmroll) == '2770 vmroll:vmroll' ]]
	[[ $(mode /var/lib/vmroll/data.mdb) == '640 vmroll:vmroll' ]]
	[[ $(mode /var/lib/vmroll/lock.mdb) == '660 vmroll:vmroll' ]]
	[[ $(mode "$bin/hostping") == '750 root:vmroll' ]]
}

@test "the user vmroll takes the list and pings, without being root" {
	in_installed first_steps
}

others()
{
	as_vmroll vmsnap
	useradd -G vmroll colleague
	useradd stranger
	runuser -u colleague -- vmwhere >/dev/null
	status=0
	runuser -u stranger -- vmwhere 2>/dev/null || status=$?
	[[ $status == 4 ]]
	! runuser -u stranger -- hostping 2>/dev/null
}

@test "a member of the group reads the store, a stranger does not, nor does he ping" {
	in_installed others
}

told_up()
{
	[[ $(grep -c $'\tUP\t' /var/log/vmroll/events) == 2 ]]
}

# The notifier of a chain that runs as a service must not have what hostping needs.
service()
{
	libexec=${bin%/bin}/libexec/vmroll
	as_service "$libexec/vmroll-watch" &
	chain=$!
	trap 'kill "$chain"' EXIT
	wait_until 30 told_up
	notifier=$(pgrep -P "$chain" -f notify-admins)
	grep -E '^Cap(Prm|Eff|Amb):' "/proc/$notifier/status"
	[[ $(grep -cE '^Cap(Prm|Eff|Amb):[[:blank:]]0+$' "/proc/$notifier/status") == 3 ]]
	kill "$chain"
	wait "$chain"
	trap - EXIT
}

@test "the chain runs with the unit's privileges, and only hostping has any" {
	in_installed service
}
