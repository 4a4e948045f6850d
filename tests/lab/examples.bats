#!/usr/bin/env bats
# examples.bats - every example of every man page, run on real hosts in a root of its own that is thrown away

# shellcheck source=tests/lab/lib/lab.bash
source "$BATS_TEST_DIRNAME/lib/lab.bash"
# shellcheck source=tests/lab/lib/throwaway.bash
source "$BATS_TEST_DIRNAME/lib/throwaway.bash"
: "${top_srcdir:?}"

setup_file()
{
	lab_up --hosts 3 --guests 8
	lab_disk golden host1
	lab_disk pg1 host2
	lab_disk ns1 host3 --format=qcow2
	mkdir "$BATS_FILE_TMPDIR/mail"
	background smtp "$top_srcdir/tests/lib/smtp-server" "$BATS_FILE_TMPDIR/mail"
	wait_until 10 test -s "$BATS_FILE_TMPDIR/mail/port"
}

setup()
{
	lab_env
}

teardown_file()
{
	lab_down
}

# What an example may end with, where it is not only 0: no such host, incident or history here is a valid no.
status_of()
{
	case $1 in
	*' --channel voice ito@'*) echo 2 ;; # no exchange is set here
	*192.0.2.7* | *7k3f* | *'--at 12:33'* | *'yesterday 18:00'*) echo 0 1 ;;
	*) echo 0 ;;
	esac
}

# Needs what this machine has not: a service manager, a terminal, a host that is not ours.
not_here()
{
	[[ $1 == systemctl\ * ]]
}

for_ever()
{
	[[ $1 == *' --watch'* || $1 == *' --follow'* || $1 == *' --board'* ]]
}

# Runs in the thrown-away root: /etc/vmroll is the lab's, and there is a list already.
prepare()
{
	mkdir -p /etc/vmroll /var/lib/vmroll /var/log/vmroll /backup
	cp "$LAB_HOSTS_FILE" /etc/vmroll/hosts
	printf '%s\n' vm,admin,email,phone,process db1,Ito,ito@example.org,+81312345678,postgres \
		web1,Sato,sato@example.org,,httpd >/etc/vmroll/admins.csv
	cat >/etc/vmroll/vmroll.conf <<-END
		ping { reference = { "$LAB_REFERENCE" } }
		notify { admins = "/etc/vmroll/admins.csv" fallback = { "ops@example.org" } }
		smtp { url = "smtp://127.0.0.1:$(<"$BATS_FILE_TMPDIR/mail/port")" from = "vmroll@example.org" tls = "none" }
	END
	truncate -s 16M /root/debian12.raw
	cat >/root/debian12.xml <<-END
		<domain type='qemu'><name>debian12</name><uuid>5b8c2d5e-6f0a-4b39-9a2e-0d6f4a1c7e21</uuid>
		<memory unit='MiB'>96</memory><os><type arch='x86_64'>hvm</type></os><devices>
		<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/images/debian12.qcow2'/>
		<target dev='vda' bus='virtio'/></disk></devices></domain>
	END
	unset VMROLL_CONFIG VMROLL_STORE VMROLL_HOSTS
	vmsnap
	notify-admins import
	hostping >/dev/null
	cd /root || return
}

# run_example COMMAND: says what happened if it is not what was expected.
run_example()
{
	local command=$1 status=0 limit=60 expected
	expected=" $(status_of "$command") "
	if for_ever "$command"; then
		limit=4 expected=' 0 124 '
	fi
	timeout "$limit" bash -o pipefail -c "$command" >/root/output 2>/root/errors || status=$?
	if [[ $expected != *" $status "* || ($status == 0 && -s /root/errors && $command != *' -v'*) ]]; then
		printf '%s\n  status %s, expected%s\n' "$command" "$status" "$expected"
		sed 's/^/  /' /root/output /root/errors
		return 1
	fi
}

run_page()
{
	local command failed=0 count=0
	while read -r command; do
		# A line of crontab(5): what it runs.
		if [[ $command =~ ^(@[a-z]+|[*0-9][^ ]*( +[*0-9][^ ]*){4})\ +(vmroll\ +)?(.*) ]]; then
			command=${BASH_REMATCH[4]}
		fi
		not_here "$command" && continue
		run_example "$command" || failed=1
		count=$((count + 1))
	done < <("$top_srcdir/tests/meta/rules/examples" "$top_srcdir/man/$1")
	((count)) && ((failed == 0))
}

examples_of()
{
	export -f status_of not_here for_ever prepare run_example run_page
	run in_throwaway "prepare; run_page $1"
	echo "$output"
	[[ $status -eq 0 ]]
}

@test "hostping(8)" {
	examples_of hostping.8
}

@test "mastimg(8)" {
	examples_of mastimg.8
}

@test "notify-admins(8)" {
	examples_of notify-admins.8
}

@test "vmgroup(8), then vmroll-groups(5)" {
	examples_of vmgroup.8
	examples_of vmroll-groups.5
}

@test "vmsnap(8)" {
	examples_of vmsnap.8
}

@test "vmwhere(8)" {
	examples_of vmwhere.8
}

@test "vmroll(7)" {
	examples_of vmroll.7
}

@test "every page with commands is run here, or is a file's that has a test of its own" {
	for page in "$top_srcdir"/man/*.[1-8]; do
		case ${page##*/} in
		vmroll.conf.5 | vmroll-templates.5 | hosts.5 | admins.5) ;;
		*) grep -q "examples_of ${page##*/}" "${BASH_SOURCE[0]}" "$BATS_TEST_FILENAME" ;;
		esac
	done
}
