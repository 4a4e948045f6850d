#!/usr/bin/env bats
# notify-admins.bats - the whole chain on real hosts: a host dies, its guests come back elsewhere, it returns; the mails as received
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file
# shellcheck disable=SC2016 # the inner bash expands them

load lib/lab

bats_require_minimum_version 1.5.0

setup_file()
{
	lab_up --hosts 3 --guests 8 --no-wait
}

teardown_file()
{
	lab_down
}

setup()
{
	lab_env
	folder=$BATS_TEST_TMPDIR
	tools=$BATS_TEST_DIRNAME/../lib
	mail=$folder/mail
	export VMROLL_STORE=lmdb:$folder/store VMROLL_HOSTS=$LAB_HOSTS_FILE VMROLL_CONFIG=$folder/vmroll.conf TZ=UTC
	mkdir "$mail"
	background relay "$tools/smtp-server" "$mail"
	wait_until 20 test -s "$mail/port"
	settings
	# A host that was healed a moment ago may still be one without a route.
	wait_until 30 vmsnap
	printf '%s\n' vm,admin,email,phone,process 'db1,Ito,ito@example.org,,postgres' 'mail1,Ito,ito@example.org,,postfix' \
		'app2,Sato,sato@example.org,,tomcat' 'web1,Sato,sato@example.org,,httpd' 'web2,Ueda,ueda@example.org,,httpd' |
		notify-admins import -
}

teardown()
{
	background_end_all
	lab_heal all
}

settings()
{
	cat >"$VMROLL_CONFIG" <<-END
		ping { ${window:-interval = "300ms"} timeout = "1s" reference = { "$LAB_REFERENCE" } isolation_max = "2s" }
		notify { fallback = { "ops@example.org" } group_wait = "1s" settle = "${settle:-1h}" }
		smtp { url = "smtp://127.0.0.1:$(cat "$mail/port")" from = "vmroll@example.org" tls = "none" }
	END
}

watch()
{
	mkfifo "$folder/pipe"
	background notify bash -c 'exec notify-admins -v - <"$1"' - "$folder/pipe"
	background watch bash -c 'exec hostping --watch > >(exec tee "$1" >"$2")' - "$folder/events" "$folder/pipe"
	wait_until 20 seen "$folder/events" 'host1.UP'
	wait_until 20 seen "$folder/events" 'host2.UP'
	wait_until 20 seen "$folder/events" 'host3.UP'
}

count_to()
{
	jq -r --arg to "$1" 'select(.event == "mail" and .to[0] == $to) | .file' "$mail/events" 2>/dev/null | wc -l
}

has_told()
{
	[[ $(count_to "$1") -ge $2 ]]
}

mail_to()
{
	"$tools/mail-show" "$mail/new/$(jq -r --arg to "$1" 'select(.event == "mail" and .to[0] == $to) | .file' "$mail/events" | tail -n 1)"
}

@test "our own uplink cut: nobody but the fallback, once; two of three hosts dead: real, and told" {
	# On a busy machine their answers come back some time apart, which must not look like a death of the last.
	window='window = "6/7"' settings
	watch
	lab_cut all
	wait_until 30 has_told ops@example.org 1
	[[ $(mail_to ops@example.org) == *'isolated, or all dead'* ]]
	lab_heal all
	wait_until 30 has_told ops@example.org 2
	[ "$(count_to ito@example.org)" -eq 0 ]

	lab_cut host1
	lab_cut host2
	wait_until 30 has_told ito@example.org 1
	wait_until 30 has_told sato@example.org 1
	[[ $(mail_to sato@example.org) == *'app2  tomcat'* || $(mail_to sato@example.org) == *'web1  httpd'* ]]
	cat "$folder/events" "$mail/events"
	[ "$(count_to ueda@example.org)" -eq 0 ]
}

# After this the guests of host1 are off.
@test "death, restart elsewhere, return: each hears what concerns them, three times" {
	settle=20s settings
	watch
	lab_kill host1
	wait_until 30 has_told ito@example.org 1
	wait_until 30 has_told sato@example.org 1
	run mail_to ito@example.org
	echo "$output"
	[[ ${lines[1]} == 'Subject: [vmroll] host1 down '*': check 2 VMs' ]]
	[[ $output == *'  db1    postgres  '* && $output == *'  mail1  postfix   '* && $output == *'pings lost'* ]]
	[[ $(mail_to sato@example.org) == *'app2  tomcat'* ]]
	[[ $(mail_to sato@example.org) != *web1* ]]
	[ "$(count_to ueda@example.org)" -eq 0 ]

	lab_start db1 host2
	lab_start mail1 host3
	wait_until 60 has_told ito@example.org 2
	run mail_to ito@example.org
	echo "$output"
	[[ ${lines[1]} == *': 2 of 2 VMs back' ]]
	[[ $output == *'db1    postgres  restarted on host2 at '* && $output == *'mail1  postfix   restarted on host3 at '* ]]
	wait_until 60 has_told sato@example.org 2
	[[ $(mail_to sato@example.org) == *'app2  tomcat  not seen since'* ]]

	lab_heal host1
	wait_until 60 has_told ito@example.org 3
	wait_until 60 has_told sato@example.org 3
	[[ $(mail_to ito@example.org) == *'host1 up '*'vmwhere --duplicates'* ]]
	[ "$(count_to ueda@example.org)" -eq 0 ]
	[ "$(count_to ops@example.org)" -eq 0 ]
	background_end watch
	notify-admins - <"$folder/events"
	[ "$(count_to ito@example.org)" -eq 3 ]
}
