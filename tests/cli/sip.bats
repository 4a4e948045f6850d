#!/usr/bin/env bats
# sip.bats - calls of lib/sip to telephones of two other makes: tests/lib/sip-phone and sipp

# shellcheck disable=SC2154 # stderr and output are set by run
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
bats_require_minimum_version 1.5.0
load ../lib/wait

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	tools=${top_srcdir:?}/tests/lib
	caller=${top_builddir:?}/tests/cli/sip_call
	from=sip:vmroll@127.0.0.1
	pids=()
	if ! grep -q 'define HAVE_SIP 1' "$top_builddir/config.h"; then
		skip "built without libre"
	fi
}

teardown()
{
	end_processes "${pids[@]}"
	rm -rf "$scratch"
}

# phone [OPTION...]: sets port.
phone()
{
	"$tools/sip-phone" "$@" "$scratch" >"$scratch/phone.out" 2>&1 3>&- &
	pids+=($!)
	wait_for test -s "$scratch/port"
	port=$(cat "$scratch/port")
}

# call USER [OPTION...]: to the phone, over $transport if set; what is said is in output.
call()
{
	run --separate-stderr timeout 60 "$caller" "${@:2}" "$from" "sip:$1@127.0.0.1:$port${transport:+;transport=$transport}"
	echo "$output $stderr"
	[ "$status" -eq 0 ]
}

# said LINE: as a pattern, is a line of the output.
said()
{
	local line
	while IFS= read -r line; do
		# shellcheck disable=SC2053 # a pattern
		[[ $line != $1 ]] || return 0
	done <<<"$output"
	echo "not said: $1"
	return 1
}

# happened FILTER: some event of the phone is so (jq).
happened()
{
	jq -se "any(.[]; $1)" "$scratch/events" >/dev/null || {
		cat "$scratch/events"
		return 1
	}
}

# chirp SECONDS: from 300 to 3000 Hz, in $scratch/chirp.
chirp()
{
	python3 - "$1" >"$scratch/chirp" <<'END'
import array, math, sys
seconds = float(sys.argv[1])
count = int(seconds * 8000)
array.array("h", [int(9000 * math.sin(2 * math.pi * (300 * t + 1350 * t * t / seconds))) for t in
                  (i / 8000 for i in range(count))]).tofile(sys.stdout.buffer)
END
}

@test "each outcome is told apart" {
	phone --plan 'busy status=486' --plan 'everywhere status=600' --plan 'decline status=603' \
		--plan 'nobody status=404' --plan 'nowhere status=604' --plan 'codec status=488' --plan 'away status=480' \
		--plan 'broken status=503' --plan 'timeout status=408' --plan 'forbidden status=403'
	for case in 'busy busy 0 486 Busy Here' 'everywhere busy 0 600 Busy Everywhere' 'decline declined 0 603 Decline' \
		'nobody refused 0 404 Not Found' 'nowhere refused 0 604 *' 'codec refused 0 488 *' 'away no-answer 0 480 *' \
		'broken unreachable 0 503 *' 'timeout no-answer 0 408 *' 'forbidden refused 0 403 *'; do
		call "${case%% *}"
		said 'ringing 0'
		said "ended 0 ${case#* }"
	done
}

@test "over TCP as well" {
	phone --plan 'busy status=486' --plan 'press key=1@0.3' --plan 'bye bye=0' --plan 'ring ring=ever' --plan 'tone by=info key=4@0.2'
	transport=tcp
	call busy
	said 'ended 0 busy 0 486 Busy Here'
	call press --keys 1
	said 'key 0 1'
	said 'ended 0 hung-up *'
	happened '.event == "bye" and .by == "caller"'
	call bye
	said 'ended 0 bye *'
	call tone --keys 1
	said 'key 0 4'
	call ring --ring 500
	said 'ended 0 no-answer 0 rang for *'
	wait_for happened '.event == "cancelled"'
	from="$from;transport=tcp" transport='' call press --keys 1
	said 'key 0 1'
	[ "$(jq -s '[.[] | select(.event == "invited" and .transport != "tcp")] | length' "$scratch/events")" -eq 0 ]
}

@test "nobody answers: CANCEL; nobody there, mute, no route, no such host: for now" {
	phone --plan 'ring ring=ever' --plan 'mute mute'
	call ring --ring 700
	said 'ringing 0'
	said 'ended 0 no-answer 0 rang for *'
	wait_for happened '.event == "cancelled"'
	call mute --ring 700
	said 'ended 0 unreachable 0 *did not ring*'
	free=$port
	end_processes "${pids[@]}"
	port=$free transport=tcp call anybody
	said 'ended 0 unreachable 0 *Connection refused*'
	run timeout 60 "$caller" --ring 1000 "$from" sip:x@no-such-host.invalid sip:x@192.0.2.1
	echo "$output"
	said 'ended 0 unreachable 0 *no-such-host.invalid*'
	said 'ended 1 unreachable 0 *192.0.2.1*'
}

@test "a key counts once, whatever is lost of it, and by whichever way it comes" {
	phone --plan 'keys key=1@0.2 key=1@0.6 key=#@1 key=*@1.4' --plan 'start key=7@0.2 lose=start' \
		--plan 'end key=7@0.2 key=7@0.6 lose=end' --plan 'info by=info key=5@0.2 twice' --plan 'dtmf by=dtmf key=9@0.2' \
		--plan 'audio key=2@a0.5'
	call keys --keys 4
	[ "$(grep '^key' <<<"$output" | cut -d' ' -f3 | tr -d '\n')" = '11#*' ]
	call start --for 1500
	[ "$(grep -c '^key 0 7' <<<"$output")" -eq 1 ]
	call end --for 1500
	[ "$(grep -c '^key 0 7' <<<"$output")" -eq 2 ]
	call info --for 1000
	[ "$(grep -c '^key 0 5' <<<"$output")" -eq 1 ]
	happened '.event == "info" and .status == 200'
	call dtmf --keys 1
	said 'key 0 9'
	call audio --keys 1
	said 'key 0 2'
}

@test "they hang up at once; they say nothing; they send sound and press nothing" {
	phone --plan 'bye bye=0' --plan 'silent silent' --plan 'voicemail'
	call bye
	said 'answered 0'
	said 'ended 0 bye *'
	chirp 0.5
	call silent --play "$scratch/chirp"
	said 'ended 0 hung-up 0 *'
	call voicemail --play "$scratch/chirp"
	said 'ended 0 hung-up [1-9]*'
}

@test "what is played is what they hear, in both codecs" {
	phone --plan 'ulaw codec=pcmu silent' --plan 'alaw codec=pcma' --plan 'early early ring=0.5'
	chirp 2
	for user in ulaw alaw early; do
		rm -f "$scratch"/*.wav
		call "$user" --play "$scratch/chirp"
		said 'played 0'
		wait_for sh -c "ls '$scratch'/*.wav"
		"$tools/wav-find" "$scratch/chirp" "$scratch"/*.wav 0.99
	done
	# It can say no: what is played backwards is another sound.
	python3 -c 'import array,sys
a = array.array("h"); a.frombytes(open(sys.argv[1], "rb").read()); a.reverse(); a.tofile(open(sys.argv[2], "wb"))' \
		"$scratch/chirp" "$scratch/back"
	run "$tools/wav-find" "$scratch/back" "$scratch"/*.wav
	[ "$status" -eq 1 ]
}

@test "authentication: of INVITE, by both codes; a wrong password is refused for good" {
	phone --user roll --password s3cret --plan 'ask auth=401 key=1@0.2' --plan 'proxy auth=407 key=1@0.2'
	export SIP_PASSWORD=s3cret
	call ask --user roll --keys 1
	said 'key 0 1'
	call proxy --user roll --keys 1
	said 'key 0 1'
	SIP_PASSWORD=wr0ng call ask --user roll
	said 'ended 0 refused 0 401 *'
	unset SIP_PASSWORD
	call ask --user roll
	said 'ended 0 refused 0 401 *'
	[[ $output$stderr != *wr0ng* ]]
}

@test "registration: with a password, before the first call; refused or mute: for now; taken back at the end" {
	phone --user roll --password s3cret --plan 'press key=1@0.2'
	registrar=sip:127.0.0.1:$port
	SIP_PASSWORD=s3cret call press --registrar "$registrar" --user roll --keys 1
	said 'key 0 1'
	happened '.event == "registered" and .user == "vmroll" and .expires > 0'
	wait_for happened '.event == "registered" and .expires == 0'
	SIP_PASSWORD=wr0ng call press --registrar "$registrar" --user roll
	said "ended 0 unreachable 0 registration at $registrar: 403 *"
	printf 'REGISTER mute\n' >"$scratch/plan"
	SIP_PASSWORD=s3cret call press --registrar "$registrar" --user roll --ring 500
	said "ended 0 unreachable 0 registration at $registrar: no answer *"
}

@test "held: answered, silent meanwhile, and the message goes on where it was" {
	phone --plan 'hold hold=0.5@0.7'
	chirp 2
	call hold --play "$scratch/chirp"
	said 'played 0'
	happened '.event == "held" and .status == 200 and .direction == "recvonly"'
	happened '.event == "resumed" and .status == 200 and .direction == "sendrecv"'
	jq -se '([.[] | select(.event == "holding")][0].packets) - ([.[] | select(.event == "held")][0].packets) | . <= 2' \
		"$scratch/events"
	[ "$(jq -s '[.[] | select(.event == "rtp")][0].packets' "$scratch/events")" -ge 98 ]
}

@test "no redirect, no strange SDP, nobody else's keys" {
	phone
	printf 'elsewhere status=302 to=sip:press@127.0.0.1:%s\npress key=1@0.2\nvideo sdp=video\nnone sdp=none
multicast sdp=multicast\ngarbage sdp=garbage\nnocodec sdp=nocodec\nnat sdp=nat\nspoof spoof=1@0.5\n' "$port" >"$scratch/plan"
	call elsewhere
	said 'ended 0 refused 0 302 *: redirects are not followed'
	[ "$(jq -s '[.[] | select(.event == "invited" and .user == "press")] | length' "$scratch/events")" -eq 0 ]
	for user in video none multicast garbage nocodec; do
		call "$user"
		said 'ended 0 refused 0 *'
		# It was answered: it has to be hung up.
		wait_for happened ".event == \"bye\" and .user == \"$user\""
	done
	call spoof --for 1500
	[ "$(grep -c '^key' <<<"$output")" -eq 0 ]
	happened '.event == "spoofed"'
	# Behind NAT: what they send tells where they are.
	chirp 1
	call nat --play "$scratch/chirp"
	wait_for sh -c "jq -se 'any(.[]; .event == \"rtp\" and .user == \"nat\" and .packets > 40)' '$scratch/events'"
}
