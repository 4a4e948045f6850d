#!/usr/bin/env bats
# notify-ack.bats - who answers, by hand or by mail: their own calls end, nobody else's; and nothing is acknowledged by what a machine wrote

# shellcheck disable=SC2154 # output, stderr and status are set by run
bats_require_minimum_version 1.5.0
load ../lib/wait

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	export VMROLL_CONFIG=$scratch/vmroll.conf TZ=UTC
	unset VMROLL_STORE VMROLL_HOSTS
	store=lmdb:$scratch/store
	printf 'store = "%s"\nhosts = "%s"\n' "$store" "$scratch/hosts" >"$VMROLL_CONFIG"
	printf 'host1 192.0.2.1 - -\nhost2 192.0.2.2 - -\n' >"$scratch/hosts"
	id=$(fixture incident host1 -60)
	fixture cell "$id" sato@example.org mail first sent 1
	fixture cell "$id" sato@example.org voice first no_answer 2 no_answer
	fixture cell "$id" ito@example.org mail first pending 1
	fixture cell "$id" '+81 90' voice escalation busy 3 busy
	other=$(fixture incident host2 -50)
	fixture cell "$other" sato@example.org mail first sent 1
	token=$(fixture token "$id" sato@example.org)
	cp -a "${store#lmdb:}" "$scratch/before"
}

# As it was before anybody answered.
again()
{
	rm -rf "${store#lmdb:}"
	cp -a "$scratch/before" "${store#lmdb:}"
}

teardown()
{
	rm -rf "$scratch"
}

# fixture FIELD...: one line of it.
fixture()
{
	local IFS=$'\t'
	echo "$*" | "${top_builddir:?}/tests/lib/fixture" "$store" "$scratch/hosts"
}

# states [ID]: PERSON CHANNEL STATE ACKNOWLEDGED_BY of each cell, on one line.
states()
{
	notify-admins log --incident "${1:-$id}" --json |
		jq -r '[.person, .channel, .state, .acknowledged_by // "-"] | join(" ")' | sort | paste -sd,
}

untouched='+81 90 voice busy -,ito@example.org mail pending -,sato@example.org mail sent -,sato@example.org voice no_answer -'
answered='+81 90 voice busy -,ito@example.org mail pending -,sato@example.org mail acknowledged sato@example.org,sato@example.org voice acknowledged sato@example.org'

# reply [FIELD...]: a person's mail to the reply address, with more fields before it.
reply()
{
	(($# == 0)) || printf '%s\n' "$@"
	cat <<-END
		From: Sato <sato@example.org>
		To: vmroll+${to-$id-$token}@example.org
		Subject: Re: [vmroll] host1 down
		Date: Fri, 20 Nov 2026 12:40:00 +0900
		Message-ID: <1@example.org>

		On my way.
	END
}

# acknowledges MAIL... (lines on stdin)
acknowledges()
{
	run --separate-stderr notify-admins ack --mail -
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[[ $output == *"$id host1: acknowledged by sato@example.org"* ]]
	[ "$(states)" = "$answered" ]
}

# acknowledges_nothing WHY: the mail on stdin is dealt with, and says so.
acknowledges_nothing()
{
	run --separate-stderr notify-admins ack --mail -
	echo "$output$stderr"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[[ $stderr == *"standard input: acknowledges nothing: "*"$1"* ]]
	[ "$(states)" = "$untouched" ]
	[ "$(notify-admins incidents -r -o STATE | sort -u)" = open ]
}

@test "ack by a person who was told is theirs alone, and says who has still to answer" {
	run notify-admins ack --by Sato@Example.org --note 'on my way' "${id,,}"
	[ "$status" -eq 0 ]
	[ "${lines[0]}" = "$id host1: acknowledged by sato@example.org" ]
	[ "${lines[1]}" = 'still to answer: ito@example.org, +81 90' ] || [ "${lines[1]}" = 'still to answer: +81 90, ito@example.org' ]
	[ "$(states)" = "$answered" ]
	[ "$(states "$other")" = 'sato@example.org mail sent -' ]
	[ "$(notify-admins incidents --json | jq -r 'select(.host == "host1") | "\(.state) \(.acknowledged_by) \(.whole) \(.note)"')" = \
		'acknowledged sato@example.org false on my way' ]

	run notify-admins ack --by sato@example.org "$id"
	[ "${lines[0]}" = "$id host1: sato@example.org has it already" ]
	# The others' turn; the first keeps it.
	run notify-admins ack --by ito@example.org host1
	[ "${lines[0]}" = "$id host1: acknowledged by ito@example.org" ]
	[ "${lines[1]}" = 'still to answer: +81 90' ]
	run notify-admins ack --by '+81 90' host1
	[ "${#lines[@]}" -eq 1 ]
	[ "$(notify-admins incidents --json | jq -r 'select(.host == "host1").acknowledged_by')" = sato@example.org ]
}

@test "ack by anybody else, and with --all, is for everybody" {
	run notify-admins ack --by ops host1
	[ "$output" = "$id host1: acknowledged by ops" ]
	[ "$(states)" = "$untouched" ]
	run notify-admins ack --by sato@example.org --all host2
	[ "$output" = "$other host2: acknowledged by sato@example.org, for everybody" ]
	[ "$(states "$other")" = 'sato@example.org mail acknowledged sato@example.org' ]
	[ "$(notify-admins incidents -r -o WHOLE | sort -u)" = yes ] || [ "$(notify-admins incidents -r -o WHOLE | sort -u)" = true ]
	run notify-admins ack -q --by ito@example.org host1
	[ -z "$output" ]
}

@test "log shows step, outcome, address and who answered; NEXT of what is tried again" {
	notify-admins ack -q --by sato@example.org "$id"
	run notify-admins log --incident "$id" --json
	[ "$(jq -r 'select(.channel == "voice" and .person == "+81 90") | "\(.kind) \(.state) \(.step) \(.outcome) \(.address) \(.acknowledged_by)"' <<<"$output")" = \
		'escalation busy 3 busy +81 90 null' ]
	[ "$(jq -r 'select(.person == "ito@example.org") | "\(.step) \(.outcome) \(.next != null)"' <<<"$output")" = '1 null true' ]
	[ "$(jq -r 'select(.channel == "voice" and .person == "sato@example.org") | "\(.state) \(.outcome) \(.next) \(.acknowledged_by)"' <<<"$output")" = \
		'acknowledged no_answer null sato@example.org' ]
	run notify-admins log --incident "$id"
	[[ ${lines[0]} == *STEP*ACKNOWLEDGED_BY* ]]
}

@test "a reply to the address acknowledges for whom it was written to" {
	reply | acknowledges
}

@test "a reply with the token in its subject does, however it is encoded, folded or written" {
	local subject
	for subject in \
		"Re: [vmroll] host1 down [$id-$token]" \
		"AW: (${id,,}-${token,,})" \
		"=?utf-8?q?Re:_[$id-${token:0:7}?="$'\n'" =?utf-8?Q?${token:7}]?=" \
		"=?ISO-8859-1?Q?R=E9p_:_[$id-$token]?=" \
		"=?utf-8?b?$(printf '返信: [%s-%s]' "$id" "$token" | base64 -w0)?=" \
		"Re:"$'\n\t'"[$id-$token]"; do
		again
		printf 'To: vmroll@example.org\nSubject: %s\n\nok\n' "$subject" | acknowledges
	done
}

@test "where a mail server writes the address does as well; CRLF and an mbox line are no matter" {
	local name
	for name in Cc Delivered-To X-Original-To Envelope-To; do
		again
		printf 'From sato@example.org Fri Nov 20 12:40:00 2026\r\nReturn-Path: <sato@example.org>\r\nTo: x@y\r\n%s: <vmroll+%s@example.org>\r\n\r\nok\r\n' \
			"$name" "$id-$token" | acknowledges
	done
}

@test "a wrong token acknowledges nothing: changed, cut, of another person or incident, of none" {
	local wrong=${token:0:15}0
	[[ $wrong != "$token" ]] || wrong=${token:0:15}1
	local why='not that of anybody who was told'
	to=$id-$wrong reply | acknowledges_nothing "$why"
	to=$other-$token reply | acknowledges_nothing "$why"
	to=ZZZZ-$token reply | acknowledges_nothing "$why"
	to=$id-$(fixture token "$id" nobody@example.org) reply | acknowledges_nothing "$why"
	to=$id-$(fixture token "$other" sato@example.org) reply | acknowledges_nothing "$why"
	to=$id-${token:0:15} reply | acknowledges_nothing 'there is no token'
	to=$id-${token}0 reply | acknowledges_nothing 'there is no token'
	to=$id reply | acknowledges_nothing 'there is no token'
	to='' reply "Subject: [$id-]" | acknowledges_nothing 'there is no token'
	: | acknowledges_nothing 'there is no token'
	# In the body anybody may quote anything.
	printf 'To: vmroll@example.org\n\n[%s-%s]\n' "$id" "$token" | acknowledges_nothing 'there is no token'
}

@test "another person's token acknowledges theirs, whoever sends it; the right one among wrong ones is found" {
	local its
	its=$(fixture token "$id" ito@example.org)
	reply | sed "s/^To: .*/To: vmroll+$other-$token@example.org, vmroll+$id-$its@example.org/" >"$scratch/mail"
	run notify-admins ack --mail "$scratch/mail"
	[ "$status" -eq 0 ]
	[[ ${lines[0]} == "$id host1: acknowledged by ito@example.org" ]]
	[[ $(states) == *'sato@example.org mail sent -'* ]]
}

@test "what mail programs send by themselves acknowledges nothing" {
	# Postfix: a bounce. Sieve and vacation(1). Exchange, out of office. GNU mailutils. A list. A read receipt. Lotus. Exim.
	reply 'Return-Path: <>' 'Content-Type: multipart/report; report-type=delivery-status;' $'\tboundary="x"' 'Auto-Submitted: auto-replied' |
		acknowledges_nothing automatic
	reply 'Auto-Submitted: auto-replied (vacation)' 'Precedence: bulk' | acknowledges_nothing 'it is automatic'
	reply 'auto-submitted:' ' auto-generated' 'X-Auto-Response-Suppress: All' | acknowledges_nothing 'it is automatic'
	reply 'Precedence: junk' | acknowledges_nothing Precedence
	reply 'Precedence: list' 'List-Id: <x.example.org>' | acknowledges_nothing Precedence
	reply 'precedence: AUTO_REPLY' | acknowledges_nothing Precedence
	reply 'X-Autoreply: yes' | acknowledges_nothing X-Autoreply
	reply 'X-Autorespond: out of office' | acknowledges_nothing X-Autorespond
	reply 'Content-Type: multipart/report;' ' report-type=disposition-notification' | acknowledges_nothing 'a report'
	reply 'Return-Path:  <>' | acknowledges_nothing 'wants no answer'
	reply 'From MAILER-DAEMON Fri Nov 20 12:40:00 2026' | acknowledges_nothing 'a mail server'
	reply | sed 's/^From: .*/From: Mail Delivery Subsystem <MAILER-DAEMON@example.org>/' | acknowledges_nothing 'a mail server'
	# Said once "no" and once otherwise.
	reply 'Auto-Submitted: no' 'Auto-Submitted: auto-replied' | acknowledges_nothing 'it is automatic'
	# A person.
	reply 'Auto-Submitted: no' 'X-Auto-Response-Suppress: All' 'Return-Path: <sato@example.org>' | acknowledges
}

@test "a large mail is read to its end; a header that never ends, or has a NUL, acknowledges nothing" {
	{ reply 'X-Long: '"$(printf '%70000s' x)"; } | acknowledges_nothing 'longer than 65536 bytes'
	reply | sed 's/^Date: .*/X: a\x00b/' | acknowledges_nothing NUL
	head -c 1000000 /dev/zero | acknowledges_nothing 'longer than'
	head -c 1000000 /dev/urandom | tr -d '\0' | acknowledges_nothing ''
	# Whoever writes sees no broken pipe.
	set -o pipefail
	{ reply && head -c 1000000 /dev/zero; } | notify-admins ack --mail - >"$scratch/out"
	[[ $(<"$scratch/out") == "$id host1: acknowledged by sato@example.org"* ]]
	{ reply 'Precedence: bulk' && head -c 1000000 /dev/zero; } | notify-admins ack -q --mail -
}

@test "two replies at once, and one twice: each counts once" {
	local its
	its=$(fixture token "$id" ito@example.org)
	reply >"$scratch/1"
	to=$id-$its reply >"$scratch/2"
	for mail in 1 2 1; do
		notify-admins ack --mail - <"$scratch/$mail" >"$scratch/out.$mail$RANDOM" &
	done
	wait
	[ "$(cat "$scratch"/out.* | grep -c 'acknowledged by')" -eq 2 ]
	[ "$(cat "$scratch"/out.* | grep -c 'has it already')" -eq 1 ]
	[[ $(states) == *'ito@example.org mail acknowledged ito@example.org'*'sato@example.org voice acknowledged sato@example.org' ]]
}

@test "those told together are acknowledged together, as far as they concern the person" {
	local third=$other
	# As the engine does for hosts that die within group_wait.
	rm -rf "${store#lmdb:}"
	id=$(fixture incident host1 -60)
	fixture cell "$id" sato@example.org mail first sent 1
	fixture cell "$id" ito@example.org mail first sent 1
	token=$(fixture token "$id" sato@example.org)
	third=$(fixture incident host2 -60 "$id")
	fixture cell "$third" sato@example.org mail first sent 1
	run notify-admins ack --mail - < <(reply)
	[[ $output == *"$id host1: acknowledged by sato@example.org"*"$third host2: acknowledged by sato@example.org"*'still to answer: ito@example.org' ]]
	run notify-admins ack --mail - < <(to=$id-$(fixture token "$id" ito@example.org) reply)
	[ "$output" = "$id host1: acknowledged by ito@example.org" ]
}

@test "without a key nobody can have been offered a reply; one that others can read is refused" {
	rm "${store#lmdb:}/reply.key"
	reply | acknowledges_nothing 'not that of anybody'
	[ ! -e "${store#lmdb:}/reply.key" ]
	token=$(fixture token "$id" sato@example.org)
	[ "$(stat -c %a "${store#lmdb:}/reply.key")" = 600 ]
	chmod 640 "${store#lmdb:}/reply.key"
	run notify-admins ack --mail - < <(reply)
	[ "$status" -eq 4 ]
	[[ $output == *'reply.key: others can read'* ]]
	[ "$(states)" = "$untouched" ]
}

@test "no store, a bad setting, misuse: the mail server hears of it" {
	rm -rf "${store#lmdb:}"
	run notify-admins ack --mail - < <(reply)
	[ "$status" -eq 4 ]
	[ ! -e "${store#lmdb:}" ]
	run notify-admins ack --mail "$scratch/nothing"
	[ "$status" -eq 4 ]
	for words in "--mail - $id" '--mail - --by ito' '--mail - --all'; do
		# shellcheck disable=SC2086 # several words
		run notify-admins ack $words < <(reply)
		[ "$status" -eq 2 ]
	done
	echo 'nonsense = 1' >"$VMROLL_CONFIG"
	run notify-admins ack --mail - < <(reply)
	[ "$status" -eq 2 ]
}

# What notify-admins(8) shows for a .forward and a procmailrc, without the words of those.
@test "the lines of the manual page for a mail server work as they stand" {
	local line count=0
	while read -r line; do
		again
		run bash -c "$line" < <(reply)
		[ "$status" -eq 0 ]
		[ "$(states)" = "$answered" ]
		count=$((count + 1))
	done < <(mandoc -T utf8 -O width=300 "${top_srcdir:?}/man/notify-admins.8" | sed $'s|.\b||g' |
		sed -n 's/^ *"\?| *\(notify-admins .*--mail -[^"]*\)"\?$/\1/p')
	[ "$count" -eq 3 ]
	# Where it fails for now, the mail server is asked to try again.
	rm -rf "${store#lmdb:}"
	line=$(mandoc -T utf8 -O width=300 "$top_srcdir/man/notify-admins.8" | sed $'s|.\b||g' | sed -n 's/^ *"| *\(notify-admins .*\)"$/\1/p' | head -n 1)
	run bash -c "$line" < <(reply)
	[ "$status" -eq 75 ]
}
