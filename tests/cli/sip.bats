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
	exchange=sip:0@127.0.0.1
	call ask --user roll --exchange "$exchange" --keys 1
	said 'key 0 1'
	call proxy --user roll --exchange "$exchange" --keys 1
	said 'key 0 1'
	SIP_PASSWORD=wr0ng call ask --user roll --exchange "$exchange"
	said 'ended 0 refused 0 401 *'
	# From here on they are strangers, who could guess the password from an answer.
	for options in "" "--exchange sip:0@127.0.0.2"; do
		# shellcheck disable=SC2086 # several words
		call ask --user roll $options
		said 'ended 0 refused 0 401 *: the password is for the exchange alone'
	done
	[ "$(jq -s '[.[] | select(.event == "challenged")] | length' "$scratch/events")" -eq 6 ]
	unset SIP_PASSWORD
	call ask --user roll --exchange "$exchange"
	said 'ended 0 refused 0 401 Unauthorized'
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
	# However it is written: libre would follow each of them.
	printf '%s status=302 to=sip:press@127.0.0.1:%s %s\n' zero "$port" code=0302 large "$port" code=4294967598 \
		alien "$port" alien proxied "$port" auth=407 >>"$scratch/plan"
	for user in elsewhere zero large alien; do
		call "$user"
		said 'ended 0 refused 0 302 *: redirects are not followed'
	done
	[ "$(jq -s '[.[] | select(.event == "invited")] | length' "$scratch/events")" -eq 4 ]
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

# sipp_party SCENARIO [OPTION...]: another stack, for one call; sets port. Its status is that of `wait $party`.
sipp_party()
{
	port=$(python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	(cd "$scratch" && exec timeout 60 sipp -sf "$tools/sip/$1.xml" -i 127.0.0.1 -p "$port" -m 1 -nostdin \
		-trace_err "${@:2}") >"$scratch/sipp.out" 2>&1 3>&- &
	party=$!
	pids+=("$party")
	wait_for sh -c "ss -Hlnu 'sport = :$port' | grep -q . || ss -Hlnt 'sport = :$port' | grep -q ."
}

# content: the party saw what its scenario wants, to the end.
content()
{
	wait "$party" || {
		tail -n 40 "$scratch"/sipp.out "$scratch"/*errors.log
		return 1
	}
}

@test "sipp: busy, declined, rings for ever and is cancelled, answers; UDP and TCP" {
	for transport in '' tcp; do
		tcp=${transport:+-t t1}
		# shellcheck disable=SC2086 # one word or two
		{
			sipp_party busy $tcp
			call bob
			said 'ended 0 busy 0 486 Busy Here'
			content
			sipp_party decline $tcp
			call bob
			said 'ended 0 declined 0 603 Decline'
			content
			sipp_party ring $tcp
			call bob --ring 500
			said 'ended 0 no-answer 0 rang for *'
			content
			sipp_party answer $tcp -rtp_echo
			chirp 1
			call bob --play "$scratch/chirp"
			said 'ended 0 hung-up [1-9]*'
			content
		}
	done
}

@test "sipp as a registrar checks the digest" {
	phone --plan 'press key=1@0.2'
	called=$port
	for case in 's3cret key 0 1' 'wr0ng ended 0 unreachable 0 registration at *: 403 Forbidden'; do
		sipp_party registrar
		SIP_PASSWORD=${case%% *} run --separate-stderr timeout 60 "$caller" --registrar "sip:127.0.0.1:$port" \
			--user roll --keys 1 "$from" "sip:press@127.0.0.1:$called"
		echo "$output $stderr"
		said "${case#* }"
		content
	done
}

@test "whoever calls us is refused, whoever asks is answered, noise is let pass by" {
	phone --plan 'press key=1@3'
	"$caller" --keys 1 "$from" "sip:press@127.0.0.1:$port" >"$scratch/caller.out" 2>&1 3>&- &
	pids+=($!)
	wait_for grep -q answered "$scratch/caller.out"
	run timeout 20 "$tools/sip/stranger" "$(sed -n 's/^port //p' "$scratch/caller.out")"
	echo "$output"
	[ "$output" = 'udp OPTIONS 200
udp INVITE 403
udp REFER 405
udp SUBSCRIBE 405
udp BYE 481
tcp OPTIONS 200
tcp INVITE 403
tcp REFER 405
tcp SUBSCRIBE 405
tcp BYE 481
noise OPTIONS 200' ]
	# The call that was up has noticed nothing.
	wait_for grep -q '^ended 0 hung-up' "$scratch/caller.out"
	[ "$(cut -d' ' -f1 "$scratch/caller.out" | xargs)" = 'port ringing answered key ended' ]
}

@test "a flood of strangers costs no memory, and no call" {
	phone --plan talk
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1 \
		"$caller" "$from" "sip:talk@127.0.0.1:$port" >"$scratch/caller.out" 2>&1 3>&- &
	pid=$!
	pids+=("$pid")
	wait_for grep -q answered "$scratch/caller.out"
	before=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	run timeout 60 "$tools/sip/stranger" --flood 6000 "$(sed -n 's/^port //p' "$scratch/caller.out")"
	[ "$output" = 'flood OPTIONS 200' ]
	after=$(awk '/^VmHWM/ { print $2 }' "/proc/$pid/status")
	echo "from $before KiB to $after KiB"
	[ $((after - before)) -lt 8192 ]
	[ "$(cut -d' ' -f1 "$scratch/caller.out" | xargs)" = 'port ringing answered' ]
}

@test "there are descriptors for as many calls as there may be" {
	phone --plan '* ring=ever'
	uris=()
	for i in {1..120}; do
		uris+=("sip:user$i@127.0.0.1:$port")
	done
	(ulimit -Sn 64 && exec timeout 60 "$caller" --ring 2000 "$from" "${uris[@]}") >"$scratch/caller.out" 2>&1 3>&-
	[ "$(grep -c '^ended [0-9]* no-answer ' "$scratch/caller.out")" -eq 120 ]
}

@test "one of three at once: each by itself; stopping hangs all of them up, within a second" {
	phone --plan 'press key=1@0.3' --plan 'busy status=486' --plan 'ring ring=ever' --plan 'talk'
	run timeout 60 "$caller" --ring 500 --keys 1 "$from" "sip:press@127.0.0.1:$port" "sip:busy@127.0.0.1:$port" \
		"sip:ring@127.0.0.1:$port"
	echo "$output"
	said 'ended 0 hung-up *'
	said 'ended 1 busy *'
	said 'ended 2 no-answer *'
	run timeout 60 "$caller" --stop 800 "$from" "sip:talk@127.0.0.1:$port" "sip:ring@127.0.0.1:$port"
	echo "$output"
	said 'ended 0 hung-up *'
	said 'ended 1 hung-up *'
	wait_for happened '.event == "bye" and .user == "talk"'
	wait_for happened '.event == "cancelled" and .user == "ring" and .time > 0'
}

@test "a port that is taken: another; an address that is not ours, and settings that cannot be: said" {
	phone --plan 'press key=1@0.2'
	run timeout 60 "$caller" --keys 1 "sip:vmroll@127.0.0.1:$port" "sip:press@127.0.0.1:$port"
	echo "$output"
	said 'key 0 1'
	[ "$(sed -n 's/^port //p' <<<"$output")" -ne "$port" ]
	run timeout 60 "$caller" sip:vmroll@192.0.2.1 "sip:press@127.0.0.1:$port"
	[ "$status" -eq 1 ]
	[[ $output == *'192.0.2.1: not an address of this machine'* ]]
	for bad in sip:vmroll@localhost sip:vmroll@0.0.0.0 'sip:a%40b@127.0.0.1' mailto:x@127.0.0.1; do
		run timeout 60 "$caller" "$bad" "sip:press@127.0.0.1:$port"
		[ "$status" -eq 1 ]
		[[ $output == *'sip.from'* ]]
	done
}

@test "packets that get lost: INVITE is said again, a BYE that is not answered holds nobody up" {
	phone --plan 'deaf deaf=2 key=1@0.2'
	call deaf --keys 1
	said 'key 0 1'
	happened '.event == "bye"'
}

@test "answers with bytes that are wrong end calls, and nothing else" {
	phone --plan '* garble bye=1' --plan 'well key=1@2'
	uris=()
	for i in {1..80}; do
		uris+=("sip:garbled$i@127.0.0.1:$port")
	done
	run --separate-stderr timeout 120 "$caller" --keys 1 --ring 3000 --for 4000 "$from" "${uris[@]}" "sip:well@127.0.0.1:$port"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	said 'key 80 1'
	# Each ended once, and not all in the same way.
	[ "$(grep ^ended <<<"$output" | cut -d' ' -f2 | sort -n | uniq | wc -l)" -eq 81 ]
	[ "$(grep -c ^ended <<<"$output")" -eq 81 ]
	[ "$(grep ^ended <<<"$output" | cut -d' ' -f3 | sort -u | wc -l)" -ge 3 ]
}
