#!/usr/bin/env bats
# notify-admins.bats - from a line of hostping to the mail as it arrives at a real SMTP server, and all that goes wrong on the way

# shellcheck disable=SC2154 # stderr and output are set by run
# shellcheck disable=SC2016 # hostile names are not expanded
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
	mail=$scratch/mail
	pids=()
	mkdir "$mail"
	for host in host1 host2 host3; do
		echo "$host 192.0.2.${host#host} test:///default -"
	done >"$scratch/hosts"
	settings
}

teardown()
{
	end_processes "${pids[@]}"
	rm -rf "$scratch"
}

# settings [NOTIFY...]: more settings of the section notify.
settings()
{
	cat >"$VMROLL_CONFIG" <<-END
		store = "$store"
		hosts = "$scratch/hosts"
		ping { isolation_max = "1s" }
		notify {
			$([[ $* == *group_wait* ]] || echo 'group_wait = "200ms"')
			$(printf '%s\n' "$@")
			$([[ $* == *fallback* ]] || echo 'fallback = { "ops@example.org" }')
			$([[ $* == *settle* ]] || echo 'settle = "1h"')
			$([[ $* == *on_incident* ]] || echo 'on_incident = { }')
		}
		smtp {
			from = "vmroll@example.org"
			url = "smtp://127.0.0.1:$(cat "$mail/port" 2>/dev/null || echo 1)"
			${smtp_settings:-tls = "none"}
		}
	END
}

# relay [OPTION...]: starts the server; settings then point to it.
relay()
{
	rm -f "$mail/port"
	"$tools/smtp-server" "$@" "$mail" 2>"$scratch/relay.err" 3>&- &
	pids+=($!)
	relay_pid=$!
	wait_for test -s "$mail/port"
	settings "${notify_settings[@]}"
}

# Fields separated by blanks become fields separated by tabs.
fixture()
{
	tr ' ' '\t' | "$built/fixture" "$store" "$scratch/hosts"
}

# A list 5 minutes ago: web1, web2, db1 on host1, mail on host2; all hosts are up.
day()
{
	fixture <<-'END'
		snapshot -301
		list host1 -300
		vm web1
		vm web2
		vm db1
		vm old  shutoff
		list host2 -300
		vm mail
		list host3 -300
		end -299
		state host1 UP -250
		state host2 UP -250
		state host3 UP -250
	END
	people 'web1,Sato 佐藤,sato@example.org,,httpd' 'web2,Sato 佐藤,sato@example.org,,httpd' 'db1,Ito,ito@example.org,+81 90' \
		'mail,Ito,ito@example.org,,postfix'
}

# people ROW...
people()
{
	printf '%s\n' vm,admin,email,phone,process "$@" | sed 's/+81 90$/,postgres/' >"$scratch/admins.csv"
	notify-admins import --force "$scratch/admins.csv"
}

# line HOST STATE SECONDS-AGO [DETAIL]
line()
{
	printf '@%s\t%s\t%s\t%s\n' "$(($(date +%s) - $3))" "$1" "$2" "${4-}"
}

mails()
{
	find "$mail/new" -type f 2>/dev/null | wc -l
}

has_mails()
{
	[[ $(mails) -ge $1 ]]
}

# The newest message to ADDRESS, as mail-show [OPTION...] shows it.
mail_to()
{
	local file
	file=$(jq -r --arg to "$1" 'select(.event == "mail" and .to[0] == $to) | .file' "$mail/events" | tail -n 1)
	[[ -n $file ]] || return 1
	"$tools/mail-show" "${@:2}" "$mail/new/$file"
}

count_to()
{
	jq -r --arg to "$1" 'select(.event == "mail" and .to[0] == $to) | .file' "$mail/events" 2>/dev/null | wc -l
}

incident()
{
	notify-admins incidents --all -r -o INCIDENT,HOST | awk -v host="$1" '$2 == host { id = $1 } END { print id }'
}

@test "a death: each person gets one mail that says what to check, and how that is known" {
	relay
	day
	line host1 DOWN 60 '3 of 4 pings lost; host2, host3 answer' | notify-admins -
	[ "$(mails)" -eq 2 ]
	at=$(date -d '60 seconds ago' +%H:%M)
	run mail_to sato@example.org
	echo "$output"
	[[ ${lines[0]} == 'To: Sato 佐藤 <sato@example.org>' ]]
	[[ ${lines[1]} == "Subject: [vmroll] host1 down $at:"??': check 2 VMs' || ${lines[1]} == *': check 2 VMs' ]]
	[[ $output == *"host1 stopped answering on $(date +%F) at "* ]]
	[[ $output == *'(3 of 4 pings lost; host2, host3 answer).'* ]]
	[[ $output == *$'Please check:\n  web1  httpd  no newer list\n  web2  httpd  no newer list\n'* ]]
	[[ $output == *'before it stopped: probable.'* ]]
	[[ ${lines[-1]} == "To acknowledge: run  notify-admins ack $(incident host1)" ]]
	run mail_to ito@example.org
	[[ $output == *'check 1 VM'* && $output == *$'\n  db1  postgres  no newer list\n'* ]]
	[[ $output != *web1* ]]
}

@test "the mail is marked as automatic, has an id of its own and an HTML form" {
	relay
	day
	line host1 DOWN 60 | notify-admins -
	[ "$(mail_to sato@example.org --header Auto-Submitted)" = auto-generated ]
	[[ $(mail_to sato@example.org --header Message-ID) == "<vmroll.$(incident host1).first."*"@example.org>" ]]
	[ "$(mail_to sato@example.org --header Message-ID)" != "$(mail_to ito@example.org --header Message-ID)" ]
	[ -z "$(mail_to sato@example.org --header In-Reply-To)" ]
	run mail_to sato@example.org --html
	[[ $output == *'<tr><td>web1</td><td>httpd</td>'* ]]
	[[ $output != *http://* && $output != *https://* ]]
}

@test "hosts that die within group_wait are one message a person" {
	relay
	day
	{ line host1 DOWN 60; line host2 DOWN 59; } | notify-admins -
	[ "$(mails)" -eq 2 ]
	run mail_to ito@example.org
	echo "$output"
	[[ ${lines[1]} == *'host1, host2 down '*': check 2 VMs' ]]
	[[ $output == *'  db1  postgres'* && $output == *'  mail  postfix'* ]]
	run mail_to sato@example.org
	[[ ${lines[1]} == *' host1 down '* && $output != *host2* ]]
}

@test "JSON lines, unknown fields, empty and bad lines, an unfinished last line" {
	relay
	day
	at=$(date -d '60 seconds ago' --iso-8601=seconds)
	run --separate-stderr notify-admins - < <(
		printf '\nno line at all\n{"schema":1,"time":"%s","host":"host1","state":"DOWN","detail":null,"new":[1,{}]}\n' "$at"
		line host2 UP 10 | sed 's/$/\tmore\tfields/'
		line host3 DOWN 60 | tr -d '\n'
	)
	echo "$stderr"
	[ "$status" -eq 0 ]
	[[ $stderr == *'line 2: not a line of hostping'* ]]
	[ "$(mails)" -eq 2 ]
	[ "$(notify-admins incidents -r -o HOST)" = host1 ]
}

@test "the whole log replayed tells nobody; so does an UP with no incident" {
	relay
	day
	{ line host1 DOWN 60; sleep 0.5; line host1 UP 30; } >"$scratch/log" </dev/null
	{ head -n 1 "$scratch/log"; wait_for has_mails 2; tail -n 1 "$scratch/log"; } | notify-admins -
	[ "$(mails)" -eq 4 ]
	notify-admins - <"$scratch/log"
	cat "$scratch/log" "$scratch/log" | notify-admins -
	line host2 UP 5 | notify-admins -
	notify-admins
	[ "$(mails)" -eq 4 ]
}

@test "the recovery goes to those who were told, in the same thread" {
	relay
	day
	{ line host1 DOWN 60; wait_for has_mails 2; line host1 UP 20; } | notify-admins -
	[ "$(mails)" -eq 4 ]
	run mail_to sato@example.org
	echo "$output"
	[[ ${lines[1]} == *'host1 up '*', down for 4'[0-9]s ]]
	first=$("$tools/mail-show" --header Message-ID "$mail/new/000001.eml")
	other=$("$tools/mail-show" --header Message-ID "$mail/new/000002.eml")
	reply=$(mail_to sato@example.org --header In-Reply-To)
	[[ $reply == "$first" || $reply == "$other" ]]
	[ "$(mail_to sato@example.org --header References)" = "$reply" ]
	run notify-admins incidents --all -r -o STATE,HOST
	[ "$output" = $'up\thost1' ]
}

@test "a host that is back before anybody was told, or flaps: nobody is told of that" {
	relay
	day
	settings 'group_wait = "3s"'
	for _ in 1 2 3 4 5; do line host1 DOWN 0; line host1 UP 0; done >"$scratch/log"
	awk -F '\t' -v OFS='\t' -v now="$(date +%s)" '{ $1 = "@" now - 60 + NR; print }' "$scratch/log" | notify-admins -
	[ "$(mails)" -eq 0 ]
	[ "$(notify-admins incidents -r | wc -l)" -eq 0 ]
}

@test "a host never seen UP, or not in hosts(5), opens nothing" {
	relay
	day
	echo 'host9 192.0.2.9 test:///default -' >>"$scratch/hosts"
	run --separate-stderr notify-admins - < <(line host9 DOWN 60; line stranger DOWN 60)
	[ "$status" -eq 0 ]
	[[ $stderr == *'stranger: not in '*': nobody is told of it'* ]]
	[ "$(notify-admins incidents -r | wc -l)" -eq 0 ]
	mkfifo "$scratch/lines"
	notify-admins - <"$scratch/lines" 3>&- &
	notifier=$!
	exec 8>"$scratch/lines"
	# hostping may have been told to read hosts(5) again, and we not.
	line host1 DOWN 80 >&8
	wait_for has_mails 2
	sed -i 's/^host9/host10/' "$scratch/hosts"
	{ line host10 UP 70; line host10 DOWN 60; } >&8
	exec 8>&-
	wait "$notifier"
	[[ $(mail_to ops@example.org) == *'host10 down '*': no list of its VMs'* ]]
}

@test "what concerns nobody goes to the fallback" {
	relay
	day
	people 'web1,Sato,sato@example.org,,httpd' 'db1,Ito,,+819012345678,postgres'
	line host1 DOWN 60 | notify-admins -
	run mail_to ops@example.org
	echo "$output"
	[[ $output == *'No administrator is listed for these; you are the fallback:'*web2* ]]
	[[ $output == *'Who is listed for these cannot be reached; please pass it on:'*'db1  Ito, +819012345678: cannot be reached'* ]]
	[[ $output == *'check 2 VMs'* && $output != *old* ]]
	line host3 DOWN 50 | notify-admins -
	run mail_to ops@example.org
	[[ $output == *': no VM ran there'* && $output == *'No VM was running on it.'* ]]
}

@test "nobody to tell: status 3 and an error, once" {
	relay
	day
	settings 'fallback = { }'
	people 'web1,Sato,sato@example.org,,httpd'
	run --separate-stderr notify-admins - < <(line host1 DOWN 60)
	echo "$stderr"
	[ "$status" -eq 3 ]
	[[ $stderr == *'host1: nobody to tell for 2 VMs: no administrator can be reached and notify.fallback is empty'* ]]
	[ "$(mails)" -eq 1 ]
	run --separate-stderr notify-admins
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "a follow-up comes once, when their VMs are back, and threads" {
	relay
	day
	{
		line host1 DOWN 60
		wait_for has_mails 2
		fixture <<-'END'
			snapshot -10
			failed host1
			list host2 -9
			vm mail
			vm db1
			list host3 -9
			end -9
		END
		wait_for has_mails 3
	} | notify-admins -
	run mail_to ito@example.org
	echo "$output"
	[[ $output == *'1 of 1 VM back'* && $output == *'db1  postgres  restarted on host2 at '* ]]
	[[ $(mail_to ito@example.org --header In-Reply-To) == *'.first.'* ]]
	notify-admins
	[ "$(mails)" -eq 3 ]
	[ "$(count_to ito@example.org)" -eq 2 ]
}

@test "when settle has passed the follow-up says what is known, after a fresh look" {
	relay
	day
	settings 'settle = "1s"' "on_incident = { \"$scratch/look\" }"
	cat >"$scratch/look" <<-END
		#!/bin/bash
		echo "\$VMROLL_STORE \$VMROLL_HOSTS" >>"$scratch/looked"
		[[ \$(wc -l <"$scratch/looked") -eq 2 ]] || exit 0
		printf 'snapshot\t-1\nfailed\thost1\nlist\thost2\t-0.9\nvm\tweb2\nlist\thost3\t-0.9\nend\t-0.8\n' |
			"$built/fixture" "$store" "$scratch/hosts"
	END
	chmod +x "$scratch/look"
	line host1 DOWN 60 | notify-admins --drain 20s -
	[ "$(mails)" -eq 4 ]
	[ "$(sort -u "$scratch/looked")" = "$store $scratch/hosts" ]
	[ "$(wc -l <"$scratch/looked")" -eq 2 ]
	run mail_to sato@example.org
	echo "$output"
	[[ $output == *'1 of 2 VMs back'* && $output == *'web1  httpd  not seen since'* && $output == *'web2  httpd  restarted on host2'* ]]
}

@test "whoever could be told in the first notice that all is back gets no follow-up" {
	relay
	day
	settings 'settle = "1s"'
	fixture <<-'END'
		snapshot -30
		failed host1
		list host2 -29
		vm mail
		vm web1
		vm web2
		vm db1
		list host3 -29
		end -29
	END
	line host1 DOWN 60 | notify-admins --drain 20s -
	[ "$(mails)" -eq 2 ]
	[[ $(mail_to sato@example.org) == *'restarted on host2'* ]]
}

@test "4xx and no network: tried again later; 5xx: given up, and the fallback is told" {
	relay --fault RCPT=450,to=sato@example.org --fault RCPT=550,to=ito@example.org
	day
	run --separate-stderr notify-admins - < <(line host1 DOWN 60)
	echo "$stderr"
	[ "$status" -eq 3 ]
	[[ $stderr == *'sato@example.org: relay refuses RCPT TO: 450'*'will try again'* ]]
	[[ $stderr == *'ito@example.org: relay refuses RCPT TO: 550'*'given up'* ]]
	run mail_to ops@example.org
	echo "$output"
	[[ ${lines[1]} == *'1 could not be told' ]]
	[[ $output == *'ito@example.org: relay refuses RCPT TO: 550'*'db1  postgres'* ]]
	run notify-admins log --json --incident host1
	[ "$(jq -r 'select(.person == "sato@example.org") | "\(.state) \(.attempts)"' <<<"$output")" = 'pending 1' ]
	[ "$(jq -r 'select(.person == "ito@example.org") | .state' <<<"$output")" = failed ]
	next=$(jq -r 'select(.person == "sato@example.org") | .next' <<<"$output")
	[ $(($(date -d "$next" +%s) - $(date +%s))) -ge 30 ]
	run --separate-stderr notify-admins
	[ "$status" -eq 0 ]
	[ "$(mails)" -eq 1 ]
}

@test "what failed is tried again when its time has come, with the same Message-ID" {
	relay --fault message=451,to=sato@example.org,times=1
	day
	run notify-admins - < <(line host1 DOWN 60)
	[ "$status" -eq 3 ]
	id=$(notify-admins log --json | jq -r 'select(.person == "sato@example.org") | .message_id')
	fixture <<<due
	notify-admins
	[ "$(mails)" -eq 2 ]
	[ "$(mail_to sato@example.org --header Message-ID)" = "<$id>" ]
	[ "$(notify-admins log --json | jq -r 'select(.person == "sato@example.org") | "\(.state) \(.attempts)"')" = 'sent 2' ]
}

@test "what failed still goes out when the host is back, and says so; who has acknowledged hears of the return only" {
	relay --fault RCPT=451
	day
	run notify-admins - < <(line host1 DOWN 60; line host2 DOWN 60)
	notify-admins ack --by ito@example.org host2
	run notify-admins - < <(line host1 UP 1)
	echo >"$mail/faults"
	fixture <<<due
	notify-admins
	notify-admins
	[ "$(mails)" -eq 2 ]
	[[ $(mail_to sato@example.org) == *'host1 stopped answering'*'It answers again since '*web1* ]]
	[[ $(mail_to ito@example.org) == *'host1 answers again since '* ]]
	[ "$(notify-admins log --json | jq -r '.person + " " + .kind + " " + .state' | sort -u)" = \
		$'ito@example.org first acknowledged\nito@example.org recovery sent\nsato@example.org first sent' ]
}

@test "150 hosts at once: one message a person, and it counts them" {
	relay
	seq 150 | sed 's/.*/node& 192.0.2.1 test:\/\/\/default -/' >"$scratch/hosts"
	{
		printf 'snapshot\t-301\n'
		seq 150 | sed 's/.*/list\tnode&\t-300\nvm\tvm&/'
		printf 'end\t-299\n'
		seq 150 | sed 's/.*/state\tnode&\tUP\t-250/'
	} | "$built/fixture" "$store" "$scratch/hosts"
	mapfile -t rows < <(seq 150 | sed 's/.*/vm&,Ito,ito@example.org,,x/')
	people "${rows[@]}"
	settings 'group_wait = "5s"'
	# Written first: the lines arrive at once, however slow the shell that makes them.
	for host in $(seq 150); do line "node$host" DOWN 60; done >"$scratch/lines"
	notify-admins - <"$scratch/lines"
	[ "$(mails)" -eq 1 ]
	[[ $(mail_to ito@example.org) == *'[vmroll] 150 hosts down '*': check 150 VMs'* ]]
	id=$(incident node7)
	[ "$(notify-admins ack --by Ito "$id" | wc -l)" -eq 150 ]
}

@test "no relay at all: status 4, and all is pending" {
	day
	run --separate-stderr notify-admins - < <(line host1 DOWN 60)
	[ "$status" -eq 4 ]
	[[ $stderr == *'no message went out: 2 failed'* ]]
	[ "$(notify-admins log --json | jq -r .state | sort -u)" = pending ]
}

@test "STARTTLS required and not offered: nothing is sent" {
	smtp_settings='tls = "required"'
	relay
	day
	run --separate-stderr notify-admins - < <(line host1 DOWN 60)
	[ "$status" -eq 4 ]
	[[ $stderr == *'relay offers no TLS, which is required'* ]]
	[ "$(mails)" -eq 0 ]
}

@test "TLS and a password from a command, which is never shown" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=relay.test \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$scratch/key" -out "$scratch/cert" -batch 2>/dev/null
	printf '#!/bin/sh\necho s3cr3t-word\n' >"$scratch/password"
	chmod +x "$scratch/password"
	smtp_settings="tls = \"required\" user = \"roll\" password_command = { \"$scratch/password\" } ca_file = \"$scratch/cert\""
	relay --cert "$scratch/cert" --key "$scratch/key" --user roll --password s3cr3t-word
	day
	line host1 DOWN 60 | notify-admins -v - 2>"$scratch/err"
	[ "$(mails)" -eq 2 ]
	printf '#!/bin/sh\necho wr0ng-word\n' >"$scratch/password"
	run notify-admins -v - < <(line host2 DOWN 60)
	[ "$status" -eq 4 ]
	[[ $output == *'relay refuses our credentials'* ]]
	run ! grep -E "s3cr3t|wr0ng" <<<"$output$(cat "$scratch/err")"
	printf '#!/bin/sh\nexit 1\n' >"$scratch/password"
	run notify-admins
	[ "$status" -eq 4 ]
	[[ $output == *'password_command'*'printed nothing'* ]]
}

@test "one mute transaction delays nobody else" {
	relay --fault message=mute,to=sato@example.org
	day
	{ line host1 DOWN 60; cat; } < <(wait_for has_mails 1; wait_for test -e "$scratch/go") | notify-admins - &
	pids+=($!)
	wait_for has_mails 1
	line host2 DOWN 60 >/dev/null
	[ "$(count_to ito@example.org)" -eq 1 ]
	[ "$(notify-admins log --json | jq -r 'select(.person == "sato@example.org") | .state')" = sending ]
	touch "$scratch/go"
	kill %1 2>/dev/null || true
}

@test "two at once: one incident, and nobody hears twice" {
	relay
	day
	line host1 DOWN 60 >"$scratch/line"
	for _ in 1 2 3 4; do
		notify-admins - <"$scratch/line" &
		pids+=($!)
	done
	notify-admins &
	wait "${pids[@]:1}" $!
	[ "$(notify-admins incidents -r | wc -l)" -eq 1 ]
	cat "$mail/events"
	notify-admins log --json
	[ "$(count_to sato@example.org)" -eq 1 ]
	[ "$(count_to ito@example.org)" -eq 1 ]
}

@test "one run of cron at a time: a second ends with 5 and says so with -v only" {
	relay
	day
	notify-admins
	mkfifo "$scratch/release"
	/usr/bin/python3 -c 'import fcntl, sys
lock = open(sys.argv[1], "r+")
fcntl.lockf(lock, fcntl.LOCK_EX)
open(sys.argv[2], "w").close()
open(sys.argv[3]).read()' "$scratch/store/notify-admins.lock" "$scratch/held" "$scratch/release" 3>&- &
	pids+=($!)
	wait_for test -e "$scratch/held"
	run --separate-stderr notify-admins
	[ "$status" -eq 5 ]
	[ -z "$output$stderr" ]
	run --separate-stderr notify-admins -v
	[ "$status" -eq 5 ]
	[[ $stderr == *notify-admins.lock* ]]
	run --separate-stderr notify-admins --dry-run
	[ "$status" -eq 0 ]
	line host1 DOWN 60 | notify-admins -
	[ "$(mails)" -eq 2 ]
	: >"$scratch/release"
	wait "${pids[-1]}"
	notify-admins
}

@test "while another writer holds the store, mails go out, and are recorded after" {
	relay
	day
	mkfifo "$scratch/hold" "$scratch/lines"
	"$top_builddir/tests/cli/store_hold" "$scratch/store" <"$scratch/hold" >"$scratch/held" 3>&- &
	pids+=($!)
	exec 7>"$scratch/hold"
	wait_for grep -q held "$scratch/held"
	notify-admins - <"$scratch/lines" 3>&- 7>&- &
	notifier=$!
	pids+=($!)
	exec 8>"$scratch/lines"
	line host1 DOWN 60 >&8
	wait_for has_mails 2
	[ "$(notify-admins incidents -r | wc -l)" -eq 0 ]
	exec 7>&- 8>&-
	wait "$notifier"
	[ "$(notify-admins log --json | jq -r .state | sort | uniq -c | tr -s ' ')" = ' 2 sent' ]
	notify-admins
	[ "$(mails)" -eq 2 ]
}

# killed FAULT: kills notify-admins while the relay stands still at that point, then runs it again.
killed()
{
	relay --fault "$1"
	day
	line host1 DOWN 60 >"$scratch/line"
	notify-admins - <"$scratch/line" 3>&- &
	notifier=$!
	has_faults() { [[ $(grep -c '"fault"' "$mail/events" 2>/dev/null) -ge 2 ]]; }
	wait_for has_faults
	kill -9 "$notifier"
	wait "$notifier" || true
	kill "$relay_pid"
	wait "$relay_pid" || true
	relay
	notify-admins
	[ "$(count_to sato@example.org)" -ge 1 ] && [ "$(count_to sato@example.org)" -le 2 ]
	[ "$(count_to ito@example.org)" -ge 1 ] && [ "$(count_to ito@example.org)" -le 2 ]
	notify-admins
}

@test "who could not be told before the host was back still hears that it was down" {
	relay
	day
	settings 'rate_total = 1'
	{ line host1 DOWN 60; line host3 DOWN 60; wait_for has_mails 1; line host1 UP 20; line host3 UP 20; } |
		notify-admins -
	[ "$(notify-admins log --json | jq -r 'select(.person == "sato@example.org") | .state')" = pending ]
	[ "$(mails)" -eq 1 ]
	settings 'rate_total = 100'
	fixture <<<due
	notify-admins
	run mail_to ops@example.org
	echo "$output"
	[[ $output == *'host3 stopped answering'*'It answers again since '* ]]
}

@test "who was told is told the end, also when the list names somebody else meanwhile" {
	relay
	day
	{
		line host1 DOWN 60
		wait_for has_mails 2
		people 'web1,New,new@example.org,,httpd' 'web2,New,new@example.org,,httpd' 'db1,New,new@example.org,,postgres'
		line host1 UP 20
	} | notify-admins -
	[[ $(mail_to sato@example.org) == *'host1 up '*'host1 answers again since'* ]]
	[ "$(count_to sato@example.org)" -eq 2 ]
}

@test "a clock that is put back hides neither a return nor the next death" {
	relay
	day
	{
		line host1 DOWN -3600
		wait_for has_mails 2
		line host1 UP 20
		wait_for has_mails 4
		line host1 DOWN 10
		wait_for has_mails 6
	} | notify-admins -
	[ "$(count_to ito@example.org)" -eq 3 ]
}

@test "killed before the relay greets, at each command, and before its last answer: told at least once" {
	for fault in greeting=mute EHLO=mute MAIL=mute RCPT=mute DATA=mute; do
		killed "$fault"
		[ "$(mails)" -eq 2 ]
		teardown
		setup
	done
}

@test "killed after each write to the store: nobody counts as told of whom the store knows nothing" {
	for write in 2 3 4 5 6 7; do
		relay
		day
		line host1 DOWN 60 >"$scratch/line"
		# -D: the tracer is the child, and $! the traced. Leaks cannot be looked for beside it.
		ASAN_OPTIONS=detect_leaks=0 strace -D -f -qq -o "$scratch/trace" -e trace=fdatasync \
			-e inject=fdatasync:signal=SIGSTOP:when="$write" notify-admins - <"$scratch/line" 3>&- &
		notifier=$!
		pids+=($!)
		is_stopped() { grep -q SIGSTOP "$scratch/trace" || ! kill -0 "$notifier"; }
		wait_for is_stopped
		kill -9 "$notifier" || true
		wait "$notifier" || true
		notify-admins
		[ "$(count_to sato@example.org)" -ge 1 ]
		[ "$(count_to ito@example.org)" -ge 1 ]
		teardown
		setup
	done
}

@test "killed after the relay took it and before it was recorded: one more with the same Message-ID" {
	killed message=hang
	for file in "$mail"/new/*; do
		"$tools/mail-show" --header To "$file"
		"$tools/mail-show" --header Message-ID "$file"
	done | paste - - | sort >"$scratch/ids"
	[ "$(wc -l <"$scratch/ids")" -eq 4 ]
	[ "$(sort -u "$scratch/ids" | wc -l)" -eq 2 ]
}

@test "cron: what the store knows is told, once; a host that leaves hosts(5) ends its incident" {
	relay
	day
	fixture <<<'state host1 DOWN -30'
	notify-admins
	notify-admins
	[ "$(mails)" -eq 2 ]
	sed -i /host1/d "$scratch/hosts"
	notify-admins
	[ "$(mails)" -eq 2 ]
	[ "$(notify-admins incidents --all -r -o STATE)" = 'left hosts(5)' ]
}

@test "cron: a host that died and came back between two runs is told of, once" {
	relay
	day
	fixture <<-'END'
		state host1 DOWN -50
		state host1 UP -10
	END
	notify-admins
	notify-admins
	[ "$(mails)" -eq 2 ]
	run mail_to sato@example.org
	echo "$output"
	[[ $output == *'host1 stopped answering'*'It answers again since '*web1* ]]
	[ "$(notify-admins incidents --all -r -o HOST,STATE)" = $'host1\tup' ]
	{ line host1 DOWN 50; line host1 UP 10; } | notify-admins -
	[ "$(mails)" -eq 2 ]
}

@test "cron: no death: back within group_wait, never seen UP before, over for more than a day" {
	relay
	day
	settings 'group_wait = "5s"'
	echo 'host4 192.0.2.4 test:///default -' >>"$scratch/hosts"
	fixture <<-'END'
		state host1 DOWN -14
		state host1 UP -10
		state host4 DOWN -100
		state host4 UP -50
		state host2 UP -300000
		state host2 DOWN -200000
		state host2 UP -100000
	END
	notify-admins
	[ "$(mails)" -eq 0 ]
	[ "$(notify-admins incidents --all -r -o HOST)" = host1 ]
}

@test "an old log is no news to a store that knows nothing of it; of today's, each death once" {
	relay
	day
	{ line host1 DOWN 200000; line host1 UP 190000; line host2 DOWN 200; line host2 UP 100; } >"$scratch/log"
	notify-admins - <"$scratch/log"
	[ "$(mails)" -eq 1 ]
	[[ $(mail_to ito@example.org) == *'host2 stopped answering'*'It answers again since '* ]]
	cat "$scratch/log" "$scratch/log" | notify-admins -
	[ "$(mails)" -eq 1 ]
}

@test "who is added to the list while a host is down hears of it, and nobody hears again" {
	relay
	day
	line host1 DOWN 60 | notify-admins -
	[ "$(mails)" -eq 2 ]
	people 'web1,Sato 佐藤,sato@example.org,,httpd' 'web1,New,new@example.org,,httpd' 'db1,Ito,ito@example.org,,x'
	notify-admins
	notify-admins
	[ "$(count_to new@example.org)" -eq 1 ]
	[[ $(mail_to new@example.org) == *'check 1 VM'* ]]
	# web2 stands in the list no more.
	[ "$(count_to ops@example.org)" -eq 1 ]
	[[ $(mail_to ops@example.org) == *'No administrator is listed'*web2* ]]
	[ "$(mails)" -eq 4 ]
	line host1 UP 0 | notify-admins -
	[ "$(count_to new@example.org)" -eq 2 ]
}

@test "nobody watches, or no list is taken: the fallback hears it once, and that it is over" {
	relay
	day
	fixture <<<'heartbeat -400'
	notify-admins
	notify-admins
	[ "$(mails)" -eq 1 ]
	[[ $(mail_to ops@example.org) == *'nobody watches the hosts since'*'hostping --status'* ]]
	fixture <<<'heartbeat -1'
	notify-admins
	[[ $(mail_to ops@example.org) == *'the hosts are watched again since'* ]]
	fixture <<<'heartbeat -1'
	notify-admins
	[ "$(mails)" -eq 2 ]
	echo 'snapshot { period = "1m" }' >>"$VMROLL_CONFIG"
	notify-admins
	notify-admins
	[ "$(mails)" -eq 3 ]
	[[ $(mail_to ops@example.org) == *'no list of VMs since'*'vmsnap -v'* ]]
}

@test "isolated for longer than isolation_max: the fallback hears it once" {
	relay
	day
	{ line - ISOLATED 30; wait_for has_mails 1; line - UP 1; wait_for has_mails 2; } | notify-admins -
	[ "$(count_to ops@example.org)" -eq 2 ]
	run "$tools/mail-show" "$mail/new/000001.eml"
	[[ ${lines[1]} == *'isolated, or all dead, since '* ]]
	[[ $(mail_to ops@example.org) == *'not isolated any more'* ]]
}

@test "ack: by id in any case or by host; the first keeps it; all told together are meant" {
	relay
	day
	{ line host1 DOWN 60; line host2 DOWN 59; } | notify-admins -
	id=$(incident host1)
	run notify-admins ack --by Sato --note 'on my way' "${id,,}"
	[ "$status" -eq 0 ]
	[[ $output == *"$id host1: acknowledged by Sato"* && $output == *'host2: acknowledged by Sato'* ]]
	run notify-admins ack --by Ito host1
	[ "$status" -eq 0 ]
	[[ $output == *'Sato has it already'* ]]
	[ "$(notify-admins incidents --json | jq -r 'select(.host == "host1") | "\(.state) \(.acknowledged_by) \(.note)"')" = 'acknowledged Sato on my way' ]
	run notify-admins ack ZZZZ
	[ "$status" -eq 1 ]
	run notify-admins ack
	[ "$status" -eq 2 ]
	run notify-admins ack --note $'a\nb' "$id"
	[ "$status" -eq 2 ]
}

@test "close ends it, tells nobody, and a later UP tells nobody" {
	relay
	day
	line host1 DOWN 60 | notify-admins -
	notify-admins close --by Ito host1
	line host1 UP 0 | notify-admins -
	notify-admins
	[ "$(mails)" -eq 2 ]
	[ "$(notify-admins incidents --all -r -o STATE)" = 'closed by Ito' ]
}

@test "redirect: one mailbox gets everything, and sees for whom" {
	relay
	day
	settings 'redirect = "me@example.org"'
	line host1 DOWN 60 | notify-admins -
	[ "$(count_to me@example.org)" -eq 2 ]
	[ "$(mails)" -eq 2 ]
	[[ $("$tools/mail-show" "$mail/new/000001.eml")$("$tools/mail-show" "$mail/new/000002.eml") == *'(for sato@example.org; redirected to you)'* ]]
}

@test "--dry-run prints the messages; a rehearsal needs no death; neither leaves a trace" {
	day
	run --separate-stderr notify-admins --dry-run - < <(line host1 DOWN 60)
	[ "$status" -eq 0 ]
	[[ $output == *'To: Sato 佐藤 <sato@example.org>'*'web1  httpd'* || $output == *'To: Ito <ito@example.org>'* ]]
	run --separate-stderr notify-admins --host host1 --host host2 --dry-run
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	[[ $output == *'To: Ito <ito@example.org>'*'host1, host2 down'*'check 2 VMs'* ]]
	run notify-admins --host host1 --at '10m ago' --dry-run
	[[ $output == *'no list of its VMs'* ]]
	run notify-admins --host host1
	[ "$status" -eq 2 ]
	run notify-admins --host nowhere --dry-run
	[ "$status" -eq 1 ]
	[ "$(notify-admins incidents --all -r | wc -l)" -eq 0 ]
	[ "$(notify-admins log -r | wc -l)" -eq 0 ]
}

@test "test PERSON: by name, by address, of the list or not" {
	relay
	day
	notify-admins test 'Sato 佐藤'
	notify-admins test stranger@example.org
	[ "$(count_to sato@example.org)" -eq 1 ]
	[[ $(mail_to stranger@example.org) == *'nothing happened'* ]]
	run notify-admins test nobody
	[ "$status" -eq 1 ]
	run notify-admins test $'a@b\nRCPT'
	[ "$status" -eq 2 ]
}

@test "import: whole, or refused whole with each bad line; the last good list stays" {
	day
	printf '%s\n' vm,admin,email,phone,process 'web1,A,a@example.org,,x' 'web2,A,not an address,,x' $'web3,A\x07,a@example.org,,x' >"$scratch/bad.csv"
	run --separate-stderr notify-admins import "$scratch/bad.csv"
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"$scratch/bad.csv:3:"*"$scratch/bad.csv:4:"* ]]
	[ "$(notify-admins admins -r | wc -l)" -eq 4 ]
	echo vm,admin,email,phone,process >"$scratch/empty.csv"
	run notify-admins import "$scratch/empty.csv"
	[ "$status" -eq 2 ]
	printf '%s\n' vm,admin,email,phone,process 'web1,Sato,sato@example.org,,httpd' >"$scratch/small.csv"
	run notify-admins import "$scratch/small.csv"
	[ "$status" -eq 2 ]
	[[ $output == *'3 of 4 entries would be lost'* ]]
	notify-admins import --force - <"$scratch/small.csv"
	[ "$(notify-admins admins -r -o VM,PROCESS,SOURCE)" = $'web1\thttpd\t\\x2d' ]
	notify-admins import "file://$scratch/admins.csv"
	[ "$(notify-admins admins --json | jq -r .email | sort -u | wc -l)" -eq 2 ]
	run notify-admins import "$scratch/absent.csv"
	[ "$status" -eq 4 ]
	run notify-admins import
	[ "$status" -eq 2 ]
	settings "admins = \"$scratch/small.csv\""
	notify-admins import --force
	[ "$(notify-admins admins -r | wc -l)" -eq 1 ]
}

@test "import: what a person wants is taken, and a policy that the settings have not is refused" {
	day
	printf '%s\n' vm,admin,email,phone,process,policy,group,voice_lang \
		'web1,Sato,sato@example.org,,httpd,both,"on-call; db",ja' 'db1,Ito,ito@example.org,112,,,,' >"$scratch/new.csv"
	notify-admins import --force "$scratch/new.csv"
	[ "$(notify-admins admins -r -o VM,VOICE_LANG,POLICY,GROUP)" = $'web1\tja\tboth\ton-call,db\ndb1\t-\t-\t-' ]
	[ "$(notify-admins admins -J | jq -c '[.policy, .group, .voice_lang]' | head -1)" = '["both",["on-call","db"],"ja"]' ]
	[[ $(notify-admins admins) != *POLICY* ]]
	sed -i 's/both/night/' "$scratch/new.csv"
	run --separate-stderr notify-admins import --force "$scratch/new.csv"
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"$scratch/new.csv:2: there is no policy \"night\" in the settings"*'the list in force stays: '* ]]
	[ "$(notify-admins admins -r -o POLICY | head -1)" = both ]
	echo 'policy "night" { step { channels = "mail" } }' >>"$VMROLL_CONFIG"
	notify-admins import --force "$scratch/new.csv"
	[ "$(notify-admins admins -r -o POLICY | head -1)" = night ]
}

@test "a language that nobody can be called in: --check-config and import name where it stands" {
	grep -q 'define HAVE_SPEECH 1' "$top_builddir/config.h" || skip "built without espeak-ng"
	day
	printf 'sip { voice_lang = "qq" }\nperson "ito@example.org" { voice_lang = "ja" }\nperson "sato@example.org" { voice_lang = "xx-yy" }\n' \
		>>"$VMROLL_CONFIG"
	run --separate-stderr notify-admins --check-config
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"$VMROLL_CONFIG: sip.voice_lang: "*qq*"$VMROLL_CONFIG: person \"sato@example.org\": voice_lang: "*xx-yy*': 2 languages that nobody can be called in' ]]
	[[ $stderr != *ito@* ]]
	printf '%s\n' vm,admin,email,phone,process,voice_lang 'web1,Sato,sato@example.org,,httpd,ja' \
		'db1,Ito,ito@example.org,112,,zz' >"$scratch/new.csv"
	run --separate-stderr notify-admins import --force "$scratch/new.csv"
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"$scratch/new.csv:3: voice_lang: "*zz*'the list in force stays: '*': 1 bad line' ]]
	[ "$(notify-admins admins -r | wc -l)" -eq 4 ]
	sed -i 's/zz$/en-gb/' "$scratch/new.csv"
	notify-admins import --force "$scratch/new.csv"
	[ "$(notify-admins admins -r -o VOICE_LANG)" = $'ja\nen-gb' ]
	sed -i 's/"qq"/"ja"/; s/"xx-yy"/"en-us"/' "$VMROLL_CONFIG"
	run --separate-stderr notify-admins --check-config
	[[ $status -eq 0 && -z $stderr ]]
}

@test "a policy of the list that the settings do not have any more is said once, and that of everybody holds" {
	relay
	day
	echo 'policy "night" { step { channels = "mail" } }' >>"$VMROLL_CONFIG"
	printf '%s\n' vm,admin,email,phone,process,policy web1,Sato,sato@example.org,,httpd,night \
		mail,Sato,sato@example.org,,, >"$scratch/new.csv"
	notify-admins import --force "$scratch/new.csv"
	settings
	run --separate-stderr notify-admins - < <(line host1 DOWN 60; line host2 DOWN 50)
	echo "$stderr"
	[ "$status" -eq 0 ]
	[ "$stderr" = 'notify-admins: sato@example.org: the settings have no policy "night", which the list names: "default" holds' ]
	[ "$(count_to sato@example.org)" -eq 1 ]
}

@test "import reads http, bounded, and shows no password" {
	day
	python3 -u -m http.server --bind 127.0.0.1 --directory "$scratch" 0 >"$scratch/http" 2>&1 3>&- &
	pids+=($!)
	wait_for grep -q 'port [0-9]' "$scratch/http"
	port=$(grep -oE 'port [0-9]+' "$scratch/http" | cut -d ' ' -f 2)
	notify-admins import "http://me:hidden@127.0.0.1:$port/admins.csv"
	[ "$(notify-admins admins -r -o SOURCE | sort -u)" = "http://127.0.0.1:$port/admins.csv" ]
	run notify-admins import "http://me:hidden@127.0.0.1:$port/absent.csv"
	[ "$status" -eq 4 ]
	[[ $output == *"http://127.0.0.1:$port/absent.csv: "*404* && $output != *hidden* ]]
	[ "$(notify-admins admins -r | wc -l)" -eq 4 ]
}

@test "hostile names reach the mail escaped, and forge nothing" {
	relay
	fixture < <(printf '%s\n' 'snapshot -301' 'list host1 -300' 'vm a\tb\nBcc:\u202ex' 'vm $(id);,"<script>' 'vm \xff' 'end -299' 'state host1 UP -250')
	printf '%s\n' vm,admin,email,phone,process '"$(id);,""<script>","O""Brien, <x>",obrien@example.org,,"a <b> & c"' >"$scratch/admins.csv"
	notify-admins import "$scratch/admins.csv"
	line host1 DOWN 60 'x\nBcc: evil@example.org\u202e' | notify-admins -
	[ "$(jq -r 'select(.event == "mail") | .to | length' "$mail/events" | sort -u)" = 1 ]
	run mail_to ops@example.org
	echo "$output"
	[[ $output == *'a\tb\nBcc:\u202ex'* && $output == *'\xff'* && $output == *'(x\nBcc: evil@example.org\u202e)'* ]]
	[ -z "$(mail_to ops@example.org --header Bcc)" ]
	[[ $(mail_to obrien@example.org --header To) == '"O\"Brien, <x>" <obrien@example.org>' ]]
	run mail_to obrien@example.org --html
	[[ $output == *'<td>$(id);,&quot;&lt;script&gt;</td><td>a &lt;b&gt; &amp; c</td>'* ]]
}

# template LANG/NAME: standard input becomes that template of the administrator's.
template()
{
	mkdir -p "$scratch/templates/${1%/*}"
	cat >"$scratch/templates/$1.txt"
}

# in_japanese: sato@example.org is told in Japanese.
in_japanese()
{
	printf '%s\n' vm,admin,email,phone,process,voice_lang 'web1,Sato 佐藤,sato@example.org,,httpd,ja' 'db1,Ito,ito@example.org,,pg,' |
		notify-admins import --force -
}

@test "words of the administrator's: a mail arrives as they were written, in the language of each" {
	notify_settings=("templates = \"$scratch/templates\"")
	mkdir "$scratch/templates"
	relay
	day
	in_japanese
	template ja/mail-first <<-'END'
		Subject: 【障害】${host} が ${clock} に停止
		${person_name} 様

		${each hosts}
		${each own}
		${name}	${process}	${where}
		${end}
		${end}

		引き受ける方は  ${acknowledge}
	END
	line host1 DOWN 60 | notify-admins -
	run mail_to sato@example.org
	echo "$output"
	[[ ${lines[1]} == 'Subject: 【障害】host1 が '??:??:??' に停止' ]]
	[[ $output == *$'\nSato 佐藤 様\n\n  web1  httpd  新しい一覧なし\n\n引き受ける方は  notify-admins ack '"$(incident host1)" ]]
	run mail_to sato@example.org --html
	[[ $output == *'<tr><td>web1</td><td>httpd</td><td>新しい一覧なし</td></tr>'* ]]
	run mail_to ito@example.org
	[[ ${lines[1]} == *'host1 down '*': check 1 VM' ]]
}

@test "without words of the administrator's each is told in their language, if it is built in" {
	relay
	day
	in_japanese
	line host1 DOWN 60 | notify-admins -
	run mail_to sato@example.org
	[[ ${lines[1]} == *'host1 停止 '*': VM 1 台を確認してください' ]]
	run notify-admins test --dry-run sato@example.org
	[[ $output == *'Subject: [vmroll] テスト '* ]]
	run notify-admins --host host2 --dry-run
	[[ $output == *'host2 down '* ]]
}

@test "a bad template: --check-config names file and line; the built-in one goes out, said once" {
	notify_settings=("templates = \"$scratch/templates\"")
	mkdir "$scratch/templates"
	relay
	day
	run --separate-stderr notify-admins --check-config
	[[ $status -eq 0 && -z $stderr ]]
	printf 'Subject: x\n${hots}\n' | template en/mail-first
	printf '${if listed}\n' | template ja/call-first
	printf 'x\n' | template en/mail-frist
	run --separate-stderr notify-admins --check-config
	echo "$stderr"
	[ "$status" -eq 2 ]
	[[ $stderr == *"$scratch/templates/en/mail-first.txt:2: there is no 'hots' here: expected one of "* ]]
	[[ $stderr == *"$scratch/templates/ja/call-first.txt:1: \${if ...} is not closed: expected \${end}"* ]]
	[[ $stderr == *"$scratch/templates/en/mail-frist.txt: no message is called 'mail-frist'"* ]]
	run --separate-stderr notify-admins - < <(line host1 DOWN 60)
	echo "$stderr"
	[ "$status" -eq 0 ]
	[ "$(grep -c 'mail-first.txt:2: ' <<<"$stderr")" -eq 1 ]
	[ "$(mails)" -eq 2 ]
	run mail_to sato@example.org
	[[ ${lines[1]} == *': check 2 VMs' ]]
	rm -r "$scratch/templates"
	run --separate-stderr notify-admins --check-config
	[ "$status" -eq 2 ]
}

@test "a reply is offered where replies are taken, to an address that cannot be guessed" {
	notify_settings=('reply = "vmroll+%s@example.org"')
	relay
	day
	run notify-admins --dry-run - < <(line host1 DOWN 60)
	[[ $output == *'To acknowledge: reply to this mail, or run  notify-admins ack '* ]]
	[ ! -e "$scratch/store/reply.key" ]
	line host1 DOWN 60 | notify-admins -
	id=$(incident host1)
	address=$(mail_to sato@example.org --header Reply-To)
	echo "$address"
	[[ $address =~ ^"vmroll+$id-"[0-9A-Z]{16}@example.org$ ]]
	[ "$address" != "$(mail_to ito@example.org --header Reply-To)" ]
	run mail_to sato@example.org
	[[ ${lines[-1]} == "To acknowledge: reply to this mail, or run  notify-admins ack $id" ]]
	[[ ${lines[1]} != *"$id"* ]]
	line host1 UP 20 | notify-admins -
	[ -z "$(mail_to sato@example.org --header Reply-To)" ]
}

@test "a reply to an address without room for a token: the subject carries it" {
	notify_settings=('reply = "vmroll@example.org"')
	relay
	day
	line host1 DOWN 60 | notify-admins -
	[ "$(mail_to sato@example.org --header Reply-To)" = vmroll@example.org ]
	run mail_to sato@example.org
	[[ ${lines[1]} =~ ': check 2 VMs ['"$(incident host1)"'-'[0-9A-Z]{16}']'$ ]]
}

@test "1,000 administrators in one incident: each told once" {
	relay
	{
		printf 'snapshot\t-301\nlist\thost1\t-300\n'
		seq -f $'vm\tvm%.0f' 1000
		printf 'list\thost2\t-300\nlist\thost3\t-300\nend\t-299\nstate\thost1\tUP\t-250\n'
	} | "$built/fixture" "$store" "$scratch/hosts"
	mapfile -t rows < <(seq 1000 | sed 's/.*/vm&,P&,p&@example.org,,x/')
	people "${rows[@]}"
	line host1 DOWN 60 | notify-admins -
	[ "$(mails)" -eq 1000 ]
	[ "$(jq -r 'select(.event == "mail") | .to[0]' "$mail/events" | sort -u | wc -l)" -eq 1000 ]
	[ "$(jq -r 'select(.event == "connect")' "$mail/events" | grep -c connect)" -le 8 ]
	notify-admins
	[ "$(mails)" -eq 1000 ]
}

@test "a person's hourly limit holds back what is too much, and says so" {
	relay
	day
	settings 'rate_person = 1'
	{ line host1 DOWN 60; wait_for has_mails 2; line host2 DOWN 50; } | notify-admins - 2>"$scratch/err"
	[ "$(count_to ito@example.org)" -eq 1 ]
	grep -q 'ito@example.org: held back: has had 1 messages within an hour' "$scratch/err"
	[ "$(notify-admins log --json | jq -r 'select(.state == "pending") | .person + " " + .error')" = \
		'ito@example.org held back: has had 1 messages within an hour' ]
	settings 'rate_person = 10'
	fixture <<<due
	notify-admins
	[ "$(count_to ito@example.org)" -eq 2 ]
}

@test "the hourly limit of all holds for any number of processes together" {
	relay
	day
	mapfile -t rows < <(seq 30 | sed 's/.*/web1,P&,p&@example.org,,x/')
	people "${rows[@]}" 'web2,Sato,sato@example.org,,x' 'db1,Sato,sato@example.org,,x'
	settings 'rate_total = 7'
	line host1 DOWN 60 >"$scratch/line"
	for _ in 1 2 3 4; do
		notify-admins - <"$scratch/line" 3>&- &
		pids+=($!)
	done
	notify-admins
	wait "${pids[@]:1}"
	notify-admins log --json
	[ "$(mails)" -eq 7 ]
	[ "$(notify-admins log --json | jq -r .state | sort | uniq -c | tr -s ' ')" = $' 24 pending\n 7 sent' ]
}

@test "on_incident runs beside: one that hangs delays no mail" {
	relay
	day
	settings 'on_incident = { "sleep 300", "nonexistent-command" }'
	mkfifo "$scratch/lines"
	notify-admins - <"$scratch/lines" 2>"$scratch/err" 3>&- &
	notifier=$!
	exec 8>"$scratch/lines"
	line host1 DOWN 60 >&8
	wait_for has_mails 2
	wait_for grep -q 'on_incident: nonexistent-command: No such file' "$scratch/err"
	kill "$notifier"
	exec 8>&-
	wait "$notifier"
}

@test "SIGTERM ends it, SIGHUP reads hosts(5) again, a bad file keeps the old" {
	relay
	day
	mkfifo "$scratch/lines"
	notify-admins - <"$scratch/lines" 2>"$scratch/err" 3>&- &
	notifier=$!
	pids+=($!)
	exec 8>"$scratch/lines"
	line host1 DOWN 60 >&8
	wait_for has_mails 2
	cp "$scratch/hosts" "$scratch/good"
	echo 'bad' >"$scratch/hosts"
	kill -HUP "$notifier"
	wait_for grep -q "$scratch/hosts:1:" "$scratch/err"
	grep -v host1 "$scratch/good" >"$scratch/hosts"
	kill -HUP "$notifier"
	is_closed() { [[ $(notify-admins incidents --all -r -o STATE) == 'left hosts(5)' ]]; }
	wait_for is_closed
	kill -TERM "$notifier"
	wait "$notifier"
	exec 8>&-
}

@test "every listing into a full device: status 4" {
	relay
	day
	line host1 DOWN 60 | notify-admins -
	for command in admins incidents log --help --version '--host host1 --dry-run'; do
		# shellcheck disable=SC2086 # several words
		run --separate-stderr bash -c 'notify-admins "$@" >/dev/full' - $command
		[ "$status" -eq 4 ]
		[[ $stderr == *'standard output: cannot write'* ]]
	done
}

@test "misuse and missing things end with the right status" {
	run notify-admins frobnicate
	[ "$status" -eq 2 ]
	run notify-admins - extra
	[ "$status" -eq 2 ]
	run notify-admins --drain 5 -
	[ "$status" -eq 2 ]
	run notify-admins admins
	[ "$status" -eq 4 ]
	day
	run notify-admins log --incident ZZZZ
	[ "$status" -eq 1 ]
	run notify-admins incidents -o NOSUCH
	[ "$status" -eq 2 ]
	run notify-admins --check-config
	[ "$status" -eq 0 ]
	sed -i 's/from = .*//' "$VMROLL_CONFIG"
	run notify-admins
	[ "$status" -eq 2 ]
	[[ $output == *'smtp.url and smtp.from must be set'* ]]
}
