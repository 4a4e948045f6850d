#!/usr/bin/env bats
# notify-escalate.bats - from a death to the key that somebody presses: policies, answers, silences, limits; real mail, real calls

# shellcheck disable=SC2154 # stderr and output are set by run
bats_require_minimum_version 1.5.0
load ../lib/wait

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	tools=${top_srcdir:?}/tests/lib
	built=${top_builddir:?}/tests/lib
	export VMROLL_CONFIG=$scratch/vmroll.conf TZ=UTC
	unset VMROLL_STORE VMROLL_HOSTS
	store=lmdb:$scratch/store
	mail=$scratch/mail phone=$scratch/phone
	pids=()
	mkdir "$mail" "$phone"
	for host in host1 host2 host3; do
		echo "$host 192.0.2.${host#host} test:///default -"
	done >"$scratch/hosts"
	cat >"$scratch/pager" <<-'SCRIPT'
		#!/bin/bash
		cat >>"$(dirname "$0")/paged"
		echo >>"$(dirname "$0")/paged"
	SCRIPT
	chmod 755 "$scratch/pager"
	: >"$scratch/paged"
	relay
}

teardown()
{
	end_processes "${pids[@]}"
	rm -rf "$scratch"
}

relay()
{
	"$tools/smtp-server" "$mail" 2>"$scratch/relay.err" 3>&- &
	pids+=($!)
	wait_for test -s "$mail/port"
}

# telephones PLAN...: of "USER WORD...", at an exchange of ours.
telephones()
{
	local plans=()
	for plan; do
		plans+=(--plan "$plan")
	done
	"$tools/sip-phone" "${plans[@]}" "$phone" >"$scratch/phone.out" 2>&1 3>&- &
	pids+=($!)
	wait_for test -s "$phone/port"
}

needs_calls()
{
	for library in SIP SPEECH; do
		if ! grep -q "define HAVE_$library 1" "$top_builddir/config.h"; then
			skip "built without what calls need"
		fi
	done
}

# settings TEXT: at the top; NOTIFY of the section notify is in $notify.
settings()
{
	cat >"$VMROLL_CONFIG" <<-END
		store = "$store"
		hosts = "$scratch/hosts"
		notify {
			group_wait = "${group_wait:-100ms}"
			fallback = { "ops@example.org" }
			settle = "1h"
			on_incident = { }
			${notify:-}
		}
		smtp { from = "vmroll@example.org" url = "smtp://127.0.0.1:$(cat "$mail/port")" tls = "none" }
		command "pager" { argv = { "$scratch/pager" } }
		$([[ ! -s $phone/port ]] || echo "sip { from = \"sip:vmroll@127.0.0.1\" exchange = \"sip:%s@127.0.0.1:$(cat "$phone/port")\" ring_timeout = \"2s\" }")
		$1
	END
}

fixture()
{
	tr ' ' '\t' | "$built/fixture" "$store" "$scratch/hosts"
}

# day ROW...: web1, web2, db1 on host1, mail on host2, app on host3; all hosts are up; the list has these rows.
day()
{
	fixture <<-'END'
		snapshot -301
		list host1 -300
		vm web1
		vm web2
		vm db1
		list host2 -300
		vm mail
		list host3 -300
		vm app
		end -299
		state host1 UP -250
		state host2 UP -250
		state host3 UP -250
	END
	printf '%s\n' vm,admin,email,phone,process,voice_lang,policy,group "$@" >"$scratch/admins.csv"
	notify-admins import --force "$scratch/admins.csv"
}

# line HOST STATE SECONDS-AGO
line()
{
	printf '@%s\t%s\t%s\t%s\n' "$(($(date +%s) - $3))" "$1" "$2" '3 of 4 pings lost'
}

# watch: notify-admins reads lines from descriptor 8.
watch()
{
	mkfifo "$scratch/lines"
	notify-admins -v - <"$scratch/lines" >"$scratch/watch.out" 2>"$scratch/watch.err" 3>&- &
	pids+=($!)
	exec 8>"$scratch/lines"
}

say()
{
	line "$@" >&8
}

mail_to()
{
	local file
	file=$(jq -r --arg to "$1" 'select(.event == "mail" and .to[0] == $to) | .file' "$mail/events" | tail -n 1)
	[[ -n $file ]] || return 1
	"$tools/mail-show" "$mail/new/$file"
}

count_to()
{
	jq -r --arg to "$1" 'select(.event == "mail" and .to[0] == $to) | .file' "$mail/events" 2>/dev/null | wc -l
}

has_mails()
{
	[[ $(count_to "$1") -ge $2 ]]
}

calls_to()
{
	jq -r --arg user "$1" 'select(.event == "invited" and .user == $user) | .user' "$phone/events" 2>/dev/null | wc -l
}

was_called()
{
	[[ $(calls_to "$1") -ge $2 ]]
}

pages()
{
	jq -s length "$scratch/paged"
}

# logged FILTER: some cell is so (jq).
logged()
{
	notify-admins log --json >"$scratch/cells.json"
	jq -se "any(.[]; $1)" "$scratch/cells.json" >/dev/null
}

incident()
{
	notify-admins incidents --all -r -o INCIDENT,HOST | awk -v host="$1" '$2 == host { id = $1 } END { print id }'
}

quick='policy "quick" { step { after = "0s" channels = { "mail" } } step { after = "1s" to = "group:oncall" channels = { "mail", "command:pager" } } }'

@test "nobody answers: the group of the next step is told, and whose VMs they are" {
	settings "$quick"
	day 'web1,Sato,sato@example.org,,httpd,,quick,' 'db1,Ito,ito@example.org,,pg,,,' 'app,Ueda,ueda@example.org,,,,,oncall'
	watch
	say host1 DOWN 10
	wait_for has_mails ueda@example.org 1
	mail_to ueda@example.org >"$scratch/text"
	grep -q web1 "$scratch/text"
	grep -q Sato "$scratch/text"
	# Ito's policy names nobody else.
	run ! grep -q db1 "$scratch/text"
	wait_for logged '.person == "ueda@example.org" and .kind == "escalation" and .step == 2 and .channel == "command" and .state == "sent"'
	[ "$(pages)" -eq 1 ]
	jq -e '.kind == "escalation"' "$scratch/paged"
	exec 8>&-
}

@test "who answers ends their own escalation, not that of others" {
	settings "${quick//1s/3s}"
	day 'web1,Sato,sato@example.org,,httpd,,quick,' 'db1,Ito,ito@example.org,,pg,,quick,' 'app,Ueda,ueda@example.org,,,,,oncall'
	watch
	say host1 DOWN 10
	wait_for has_mails sato@example.org 1
	notify-admins ack --by sato@example.org host1
	wait_for has_mails ueda@example.org 1
	mail_to ueda@example.org >"$scratch/text"
	grep -q db1 "$scratch/text"
	run ! grep -q web1 "$scratch/text"
	grep -q 'sato@example.org' "$scratch/text"
	exec 8>&-
}

# Of a death that comes later, and that nobody answers for: when they are told, what was due before would have come.
witness='policy "witness" { step { after = "0s" channels = { "mail" } } step { after = "4s" to = "witness@example.org" channels = { "mail" } } }'

@test "an acknowledgement for everybody, and a return, end all escalation" {
	settings "${quick//1s/2s} $witness"
	day 'web1,Sato,sato@example.org,,httpd,,quick,' 'mail,Ito,ito@example.org,,pg,,quick,' 'none,Ueda,ueda@example.org,,,,,oncall' \
		'app,Wada,wada@example.org,,,,witness,'
	watch
	say host1 DOWN 10
	say host2 DOWN 10
	wait_for has_mails sato@example.org 1
	wait_for has_mails ito@example.org 1
	notify-admins ack --all host1
	say host2 UP 0
	wait_for has_mails ito@example.org 2
	say host3 DOWN 10
	wait_for has_mails witness@example.org 1
	[ "$(count_to ueda@example.org)" -eq 0 ]
	exec 8>&-
}

@test "who stands in for somebody answers for them" {
	settings "$quick $witness"' policy "chain" { step { after = "0s" channels = { "mail" } } step { after = "1s" to = "group:oncall" channels = { "mail" } } step { after = "4s" to = "boss@example.org" channels = { "mail" } } }'
	day 'web1,Sato,sato@example.org,,httpd,,chain,' 'none,Ueda,ueda@example.org,,,,,oncall' 'app,Wada,wada@example.org,,,,witness,'
	watch
	say host1 DOWN 10
	wait_for has_mails ueda@example.org 1
	notify-admins ack --by ueda@example.org host1
	say host3 DOWN 10
	wait_for has_mails witness@example.org 1
	[ "$(count_to boss@example.org)" -eq 0 ]
	exec 8>&-
}

@test "a silence: nobody hears, the incident says why; when it is over and the host still down, all are told" {
	settings ''
	day 'web1,Sato,sato@example.org,,httpd,,,'
	notify-admins -q silence host1 --for 4s --why planned
	notify-admins -q silence host2 --for 1h --why 'new memory'
	watch
	say host1 DOWN 10
	say host2 DOWN 10
	wait_for grep -q 'host1 is silenced: planned' "$scratch/watch.err"
	[ "$(count_to sato@example.org)" -eq 0 ]
	say host2 UP 0
	wait_for has_mails sato@example.org 1
	[[ $(mail_to sato@example.org) == *'host1 down'* ]]
	# Of host2, which came back within its silence, nobody ever hears.
	run notify-admins log -r -o HOST
	[[ $output != *host2* ]]
	run notify-admins incidents --all --json
	jq -se 'any(.[]; .host == "host1" and .silence == "planned")' <<<"$output"
	exec 8>&-
}

@test "too many messages: one summary takes their place, and they count as told" {
	notify='rate_person = 1' settings ''
	day 'web1,Sato,sato@example.org,,httpd,,,' 'mail,Sato,sato@example.org,,,,,' 'app,Sato,sato@example.org,,,,,'
	watch
	say host1 DOWN 10
	wait_for has_mails sato@example.org 1
	say host2 DOWN 9
	wait_for logged '.host == "host2" and .state == "pending"'
	say host3 DOWN 8
	wait_for has_mails sato@example.org 2
	mail_to sato@example.org >"$scratch/text"
	grep -q '3 hosts down' "$scratch/text"
	grep -q '5 VMs\|3 VMs' "$scratch/text"
	wait_for logged '.host == "host2" and .kind == "first" and .state == "sent"'
	wait_for logged '.host == "host3" and .kind == "first" and .state == "sent"'
	[ "$(count_to sato@example.org)" -eq 2 ]
	exec 8>&-
}

@test "a receiver of copies hears of everything once, and makes nobody count as told" {
	notify='copy = { "command:pager" }' settings ''
	day 'web1,Sato,sato@example.org,,httpd,,,'
	line host1 DOWN 10 | notify-admins -
	[ "$(pages)" -eq 1 ]
	jq -e '[.. | .name? // empty] | contains(["web1", "db1"])' "$scratch/paged"
	[ "$(count_to ops@example.org)" -eq 1 ]
	line host1 UP 0 | notify-admins -
	[ "$(pages)" -eq 2 ]
	jq -se '.[1].kind == "recovery"' "$scratch/paged"
}

@test "the rehearsal shows the timetable" {
	settings "$quick"' policy "night" { step { after = "0s" channels = { "mail" } } step { after = "3m" channels = { "voice" } } step { after = "10m" to = "group:nobody" channels = { "mail" } } repeat = "30m" }'
	day 'web1,Sato,sato@example.org,,httpd,,night,' 'db1,Ito,ito@example.org,,,,quick,' 'app,Ueda,ueda@example.org,,,,,oncall'
	at=$(date -d '60 seconds ago' +%s)
	run -0 notify-admins --host host1 --at "@$at" --dry-run
	[[ $output == *'Until somebody answers for Sato (policy night):'* ]]
	[[ $output == *"$(date -d "@$at" +%T)  mail     sato@example.org"* ]]
	[[ $output == *"$(date -d "@$((at + 600))" +%T)  nobody of group:nobody can be reached"* ]]
	[[ $output == *'again every 30m'* ]]
	[[ $output == *"$(date -d "@$((at + 1))" +%T)  mail     ueda@example.org  Ueda"* ]]
	[ "$(count_to sato@example.org)" -eq 0 ]
}

@test "the rehearsal says what a call would say, to whom one is made" {
	# Nothing is called: neither libre nor a telephone is needed.
	echo 5999 >"$phone/port"
	settings 'policy "boss" { step { channels = { "mail" } } step { after = "3m" to = "ueda@example.org" channels = { "voice" } } }'
	day 'web1,Sato,sato@example.org,+8190,httpd,en-gb,both,' 'db1,Ito,ito@example.org,,pg,,both,' \
		'web2,Kato,kato@example.org,+8191,,,boss,' 'app,Ueda,ueda@example.org,+8192,,,,'
	run -0 notify-admins --host host1 --dry-run
	echo "$output"
	[[ $output == *$'\nCall: Sato <+8190> (en-gb)\n\n'*'host 1 is down'*'web 1. Press 1 '*$'\n\n[4] '*'H T T P D'* ]]
	[ "$(grep -c '^Call: ' <<<"$output")" -eq 1 ]
}

# ---- calls ----

both='policy "both" { step { after = "0s" channels = { "mail", "voice" } } step { after = "8s" to = "group:oncall" channels = { "voice" } } }'

@test "where all is redirected nobody is called, and a dry run shows whom and what is meant" {
	notify='redirect = "me@example.org"'
	settings "$both"' sip { from = "sip:vmroll@127.0.0.1" exchange = "sip:%s@127.0.0.1" }'
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,'
	run -0 notify-admins --host host1 --dry-run
	[[ $output == *'  voice    +8190'* ]]
	run -0 notify-admins --dry-run - < <(line host1 DOWN 60)
	echo "$output"
	[[ $output == *'Call: Sato <+8190> (en-gb)'*'Please check 1 virtual machine: '*'[4] '* ]]
	[[ $output == *'To: Sato <sato@example.org>'* ]]
	line host1 DOWN 60 | notify-admins -
	[ "$(notify-admins log -r -o PERSON,CHANNEL,STATE)" = $'ops@example.org\tmail\tsent\nsato@example.org\tmail\tsent' ]
}

@test "mail and a call at once; the key 1 acknowledges, and the sound is the message" {
	needs_calls
	telephones '+8190 key=1@2'
	settings "$both"
	day 'web1,Sato,sato@example.org,+8190,httpd,en-gb,both,' 'app,Ueda,ueda@example.org,+8199,,,,oncall'
	watch
	say host1 DOWN 10
	wait_for logged '.channel == "voice" and .state == "acknowledged" and .acknowledged_by == "sato@example.org"'
	has_mails sato@example.org 1
	jq -se 'any(.[]; .event == "key" and .user == "+8190")' "$phone/events"
	wait_for logged '.channel == "mail" and .state == "acknowledged"'
	run notify-admins incidents --json
	jq -se 'any(.[]; .host == "host1" and (.acknowledged_by | contains("sato@example.org")))' <<<"$output"
	# What was said is what the dry run shows.
	wav=$phone/$(jq -sr '[.[] | select(.event == "recorded")][0].file' "$phone/events" | xargs basename)
	[ -s "$wav" ]
	exec 8>&-
}

@test "busy, then no answer: each stands in the log as what it was, and the next step calls another, who acknowledges" {
	needs_calls
	telephones '+8190 status=486' '+8191 ring=ever' '+8199 key=1@2'
	settings "$both"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,' 'db1,Ito,,+8191,pg,,both,' 'app,Ueda,ueda@example.org,+8199,,,,oncall'
	watch
	say host1 DOWN 10
	wait_for logged '.person == "sato@example.org" and .state == "busy" and .outcome == "busy" and .next != null'
	wait_for logged '.person == "+8191" and .state == "no_answer" and .outcome == "no_answer"'
	jq -se 'any(.[]; .event == "cancelled")' "$phone/events"
	wait_for logged '.person == "ueda@example.org" and .kind == "escalation" and .state == "acknowledged"'
	# Who stands in for two is called once; and as somebody has it, nobody is called again.
	[ "$(calls_to +8199)" -eq 1 ]
	wait_for logged '.person == "sato@example.org" and .state == "busy" and .next == null'
	[ "$(calls_to +8190)" -eq 1 ]
	exec 8>&-
}

@test "the key 3 passes it on at once" {
	needs_calls
	telephones '+8190 key=3@2' '+8199 key=1@2'
	settings "${both//8s/1h}"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,' 'app,Ueda,ueda@example.org,+8199,,,,oncall'
	watch
	say host1 DOWN 10
	wait_for logged '.person == "sato@example.org" and .state == "heard"'
	wait_for logged '.person == "ueda@example.org" and .state == "acknowledged"'
	exec 8>&-
}

@test "only a telephone: called at once although the policy calls later; not in their quiet hours" {
	needs_calls
	telephones '+8190 key=1@2' '+8191 key=1@2'
	now=$(date +%H:%M) later=$(date -d '2 hours' +%H:%M)
	settings "person \"+8191\" { quiet = \"$now-$later\" }"
	day 'web1,Sato,,+8190,httpd,,,' 'db1,Ito,,+8191,pg,,,'
	watch
	say host1 DOWN 10
	wait_for logged '.person == "+8190" and .state == "acknowledged"'
	wait_for logged '.person == "+8191" and .state == "pending" and .next != null'
	[ "$(calls_to +8191)" -eq 0 ]
	exec 8>&-
}

@test "an exchange that is mute delays no mail" {
	needs_calls
	telephones '* mute'
	settings "$both"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,' 'db1,Ito,ito@example.org,+8191,pg,,both,'
	watch
	say host1 DOWN 10
	wait_for has_mails sato@example.org 1
	wait_for has_mails ito@example.org 1
	logged '.channel == "voice" and .state == "sending"'
	exec 8>&-
}

@test "the relay ran on the dead host: whoever has a telephone is called at once" {
	needs_calls
	telephones '+8190 key=1@2'
	settings ''
	sed -i 's/tls = "none" }/tls = "none" vm = "web2" }/' "$VMROLL_CONFIG"
	day 'web1,Sato,sato@example.org,+8190,httpd,,,'
	watch
	say host1 DOWN 10
	wait_for logged '.channel == "voice" and .state == "acknowledged"'
	grep -q 'web2.*the other way is tried at once' "$scratch/watch.err"
	exec 8>&-
}

@test "a call in the middle of which notify-admins is killed is made again, by the next run" {
	needs_calls
	telephones '+8190 key=1@6'
	settings "$both"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,'
	watch
	watch_pid=${pids[-1]}
	say host1 DOWN 10
	wait_for was_called +8190 1
	wait_for logged '.channel == "voice" and .state == "sending"'
	kill -9 "$watch_pid"
	exec 8>&-
	sed -i 's/fallback/voice_minute = 10 fallback/' "$VMROLL_CONFIG"
	notify-admins
	logged '.channel == "voice" and .state == "acknowledged"'
	[ "$(calls_to +8190)" -eq 2 ]
	[ "$(count_to sato@example.org)" -eq 1 ]
}

# ---- what must not be forgotten, and who must not be called ----

@test "the next step comes although the first notice was held back by a limit" {
	notify='rate_person = 1' settings "$quick"
	day 'web1,Sato,sato@example.org,,httpd,,quick,' 'mail,Sato,sato@example.org,,,,quick,' 'app,Ueda,ueda@example.org,,,,,oncall'
	watch
	say host1 DOWN 10
	wait_for has_mails sato@example.org 1
	say host2 DOWN 9
	wait_for logged '.host == "host2" and .person == "sato@example.org" and .state == "pending"'
	wait_for logged '.host == "host2" and .person == "ueda@example.org" and .kind == "escalation"'
	exec 8>&-
}

@test "the next step comes in the quiet hours of whoever can only be called" {
	needs_calls
	telephones '* key=1@2'
	now=$(date +%H:%M) later=$(date -d '9 hours' +%H:%M)
	settings "person \"+8191\" { quiet = \"$now-$later\" } policy \"night\" { step { after = \"0s\" channels = { \"voice\" } } step { after = \"1s\" to = \"group:oncall\" channels = { \"mail\" } } }"
	day 'web1,Ito,,+8191,pg,,night,' 'app,Ueda,ueda@example.org,,,,,oncall'
	watch
	say host1 DOWN 10
	wait_for has_mails ueda@example.org 1
	logged '.person == "+8191" and .state == "pending"'
	[ "$(calls_to +8191)" -eq 0 ]
	exec 8>&-
}

@test "a call that could not be made gives way to that of the next step" {
	needs_calls
	telephones '* status=503'
	notify='voice_minute = 100 voice_quarter = 100 voice_hour = 100' \
		settings 'policy "twice" { step { after = "0s" channels = { "voice" } } step { after = "2s" channels = { "voice" } } }'
	day 'web1,Sato,,+8190,httpd,,twice,' 'app,Ueda,ueda@example.org,,,,,'
	watch
	say host1 DOWN 10
	wait_for logged '.person == "+8190" and .step == 1 and .outcome == "unreachable"'
	wait_for logged '.person == "+8190" and .step == 2 and .outcome == "unreachable"'
	logged '.person == "+8190" and .step == 1 and .state == "expired"'
	say host3 DOWN 9
	wait_for has_mails ueda@example.org 1
	[ "$(calls_to +8190)" -eq 2 ]
	exec 8>&-
}

@test "who sees to their own is still called for others" {
	needs_calls
	telephones '* status=486'
	settings 'policy "quick" { step { after = "0s" channels = { "mail" } } step { after = "3s" to = "group:oncall" channels = { "voice" } } }'
	day 'web1,Sato,sato@example.org,,httpd,,quick,' 'db1,Ueda,ueda@example.org,+8199,,,quick,oncall' 'app,Ito,ito@example.org,,,,,'
	watch
	say host1 DOWN 10
	wait_for has_mails ueda@example.org 1
	notify-admins ack --by ueda@example.org host1
	wait_for logged '.person == "ueda@example.org" and .kind == "escalation" and .state == "busy"'
	say host3 DOWN 9
	wait_for has_mails ito@example.org 1
	logged '.person == "ueda@example.org" and .kind == "escalation" and .state == "busy" and .next != null'
	exec 8>&-
}

@test "the key 3 of the only one there is passes it on to the fallback" {
	needs_calls
	telephones '+8190 key=3@2'
	settings "${both//8s/1h}"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,oncall'
	watch
	say host1 DOWN 10
	wait_for logged '.person == "sato@example.org" and .state == "heard"'
	wait_for logged '.person == "ops@example.org" and .kind == "escalation" and .state == "sent"'
	exec 8>&-
}

@test "who answered while being called is not called again after notify-admins was killed" {
	needs_calls
	telephones '+8190 ring=ever'
	settings "$both"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,'
	watch
	watch_pid=${pids[-1]}
	say host1 DOWN 10
	wait_for was_called +8190 1
	wait_for logged '.channel == "voice" and .state == "sending"'
	notify-admins ack --by sato@example.org host1
	kill -9 "$watch_pid"
	exec 8>&-
	sed -i 's/fallback/voice_minute = 10 fallback/' "$VMROLL_CONFIG"
	notify-admins
	run ! logged '.channel == "voice" and .state == "sending"'
	[ "$(calls_to +8190)" -eq 1 ]
}

@test "that it is over is told by telephone after the quiet hours" {
	needs_calls
	telephones '+8190 key=1@2'
	notify='voice_minute = 10' settings ''
	day 'web1,Sato,,+8190,httpd,,,'
	line host1 DOWN 10 | notify-admins -
	logged '.channel == "voice" and .state == "acknowledged"'
	notify='voice_minute = 10' settings "person \"+8190\" { quiet = \"$(date +%H:%M)-$(date -d '9 hours' +%H:%M)\" }"
	line host1 UP 0 | notify-admins -
	logged '.kind == "recovery" and .channel == "voice" and .state == "pending" and .next != null'
	[ "$(calls_to +8190)" -eq 1 ]
}

@test "a relay that is mute delays no call" {
	needs_calls
	echo greeting=mute >"$mail/faults"
	telephones '+8190 key=1@2'
	settings 'policy "both" { step { after = "0s" channels = { "mail" } } step { after = "1s" channels = { "voice" } } }'
	sed -i 's/fallback = /policy = "both" fallback = /' "$VMROLL_CONFIG"
	mapfile -t rows < <(for i in {1..200}; do echo "web1,P$i,p$i@example.org,,,,,"; done)
	day 'web1,Sato,a@example.org,+8190,httpd,,,' "${rows[@]}"
	watch
	say host1 DOWN 10
	wait_for logged '.channel == "voice" and .state == "acknowledged"'
	# And by then not even the first mail was tried to everybody.
	[ "$(notify-admins log -r -o PERSON | sort -u | wc -l)" -lt 200 ]
	exec 8>&-
}

@test "a number that is refused: said, but whom the mail has reached is nobody to be passed on" {
	needs_calls
	telephones '+8190 status=404' '+8191 status=404'
	settings "$both"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,' 'db1,Ito,,+8191,pg,,both,'
	watch
	say host1 DOWN 10
	wait_for logged '.person == "sato@example.org" and .channel == "voice" and .state == "failed" and .outcome == "refused"'
	# Whom nothing has reached is.
	wait_for logged '.person == "ops@example.org" and .kind == "undelivered" and .state == "sent"'
	mail_to ops@example.org >"$scratch/text"
	grep -q +8191 "$scratch/text"
	run ! grep -q sato@example.org "$scratch/text"
	exec 8>&-
}

@test "cron: while a call rings, the death of another host is told, though no other run may begin" {
	needs_calls
	telephones '+8190 ring=ever'
	settings "$both"
	sed -i 's/ring_timeout = "2s"/ring_timeout = "1m"/' "$VMROLL_CONFIG"
	day 'web1,Sato,sato@example.org,+8190,httpd,,both,' 'mail,Ito,ito@example.org,,postfix,,,'
	fixture <<<'state host1 DOWN -10'
	notify-admins 2>"$scratch/cron.err" 3>&- &
	pids+=($!)
	wait_for was_called +8190 1
	fixture <<<'state host2 DOWN -5'
	run -5 notify-admins
	wait_for has_mails ito@example.org 1
	logged '.channel == "voice" and .state == "sending"'
}
