#!/usr/bin/env bats
# call.bats - people called by lib/call: real speech over real SIP to telephones that do as they are told

# shellcheck disable=SC2154 # stderr and output are set by run
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
bats_require_minimum_version 1.5.0
load ../lib/wait

message='host1 is down. press 1.' thanks='Thank you.' passed='Somebody else is asked.' all='web1: database.'

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	tools=${top_srcdir:?}/tests/lib
	people=${top_builddir:?}/tests/cli/call_people
	pids=()
	for library in SIP SPEECH; do
		if ! grep -q "define HAVE_$library 1" "$top_builddir/config.h"; then
			skip "built without what calls need"
		fi
	done
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

# call_all [OPTION...] USER...: what is said is in output.
call_all()
{
	local arguments=()
	for argument; do
		case $argument in
		@*) arguments+=("sip:${argument#@}@127.0.0.1:$port") ;;
		*) arguments+=("$argument") ;;
		esac
	done
	run --separate-stderr timeout 120 "$people" --message "$message" --thanks "$thanks" --passed "$passed" --all "$all" \
		"${arguments[@]}"
	echo "$output $stderr"
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

# call USER [OPTION...]
call()
{
	call_all "${@:2}" sip:vmroll@127.0.0.1 "@$1"
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

# heard USER TEXT [LANG]: the newest call of USER heard that text, said by a process of its own.
heard()
{
	local file
	wait_for happened ".event == \"recorded\" and .user == \"$1\""
	file=$(jq -sr "[.[] | select(.event == \"recorded\" and .user == \"$1\")][-1].file" "$scratch/events")
	"$people" --say "${3:-en-gb}" "$2" >"$scratch/text"
	"$tools/wav-find" "$scratch/text" "$scratch/$(basename "$file")" 0.8
}

unheard()
{
	! heard "$@"
}

@test "the message is heard as it was synthesised; 1 acknowledges and is thanked" {
	phone --plan 'ito key=1@a2.5'
	call ito
	said 'ended 0 key 1 '
	heard ito "$message"
	heard ito "$thanks"
	unheard ito "$passed"
	happened '.event == "bye" and .by == "caller"'
}

@test "in the language of whoever is called" {
	phone --plan 'sato key=1@a3.5'
	message='ほすと いち' call sato --lang ja
	said 'ended 0 key 1 '
	heard sato 'ほすと いち' ja
	unheard sato 'ほすと いち'
}

@test "2 says it again at once, 3 passes it on, 4 names every VM, another key asks again" {
	phone --plan 'again key=2@1 key=1@4.5' --plan 'pass key=3@1' --plan 'list key=4@1 key=1@7' --plan 'other key=9@1 bye=4.5' \
		--plan 'dtmf by=dtmf key=3@1'
	call_all --prompt 'press one' sip:vmroll@127.0.0.1 @again @pass @list @other @dtmf
	said 'ended 0 key 1 '
	said 'ended 1 key 3 '
	said 'ended 2 key 1 '
	said 'ended 3 key 9 '
	said 'ended 4 key 3 '
	heard again "$message"
	heard pass "$passed"
	heard list "$all"
	heard list 'press one'
	heard other 'press one'
	unheard pass "$message"
}

@test "each end is told apart" {
	phone --plan 'busy status=486' --plan 'decline status=603' --plan 'ring ring=ever' --plan 'nobody status=404' --plan 'mute mute' \
		--plan 'early bye=0.3' --plan 'broken status=503'
	call_all --ring 1500 sip:vmroll@127.0.0.1 @busy @decline @ring @nobody @mute @early @broken
	said 'ended 0 busy - 486 Busy Here'
	said 'ended 1 declined - 603 Decline'
	said 'ended 2 no_answer - rang for *'
	said 'ended 3 refused - 404 Not Found'
	said 'ended 4 unreachable - *did not ring*'
	said 'ended 5 early_bye - *hung up*'
	said 'ended 6 unreachable - 503 *'
	wait_for happened '.event == "cancelled" and .user == "ring"'
}

@test "a voicemail hears it three times; a line without sound is told apart" {
	phone --plan 'voicemail' --plan 'silent silent'
	call_all sip:vmroll@127.0.0.1 @voicemail @silent
	said 'ended 0 no_key - *'
	said 'ended 1 no_audio - *'
	heard voicemail "$message"
	file=$(jq -sr '[.[] | select(.event == "recorded" and .user == "voicemail")][0].file' "$scratch/events")
	once=$(stat -c %s "$scratch/text")
	[ "$(stat -c %s "$scratch/$(basename "$file")")" -gt $((3 * once + 9 * 16000)) ]
	[ "$(stat -c %s "$scratch/$(basename "$file")")" -lt $((4 * once + 10 * 16000)) ]
}

@test "where nothing is asked it is said twice, and any key ends it" {
	phone --plan 'listen' --plan 'key key=1@0.8'
	message='host1 is back.' call_all --told sip:vmroll@127.0.0.1 @listen @key
	said 'ended 0 no_key - *'
	said 'ended 1 key 1 '
	heard listen 'host1 is back.'
	unheard key "$thanks"
}

@test "a number goes through the exchange, which may want a password" {
	phone --user roll --password s3cret --plan '+8131234 auth=407 key=1@1' --plan '*72%23 key=1@1' --plan '*72# key=1@1'
	export SIP_PASSWORD=s3cret
	call_all --user roll --exchange "sip:%s@127.0.0.1:$port" sip:vmroll@127.0.0.1 +8131234 '*72#' 'x; rm' '12@evil'
	said 'ended 0 key 1 '
	said 'ended 1 key 1 '
	said 'refused 2 *neither a number*'
	said 'refused 3 *neither a number*'
	[[ $output != *s3cret* ]]
}

@test "what ails all calls is said once: a wrong password, an address that is not ours, a port that is taken" {
	phone --user roll --password s3cret --plan 'ito key=1@0.6'
	SIP_PASSWORD=wr0ng call_all --again --registrar "sip:127.0.0.1:$port" --user roll sip:vmroll@127.0.0.1 @ito @ito @ito
	[ "$(grep -c '^ended . unreachable' <<<"$output")" -eq 6 ]
	[ "$(grep -c '^trouble' <<<"$output")" -eq 1 ]
	said 'trouble registration at *403*'
	[[ $output != *wr0ng* ]]
	call_all --again sip:vmroll@192.0.2.7 @ito @ito
	[ "$(grep -c '^trouble' <<<"$output")" -eq 1 ]
	said 'trouble *192.0.2.7*not an address of this machine*'
	call_all "sip:vmroll@127.0.0.1:$port" @ito
	said "trouble *port $port is taken*"
	said 'ended 0 key 1 '
}

@test "20 at once, and no more than may be" {
	phone --plan '* key=1@a2.5'
	users=()
	for i in {1..25}; do
		users+=("@user$i")
	done
	call_all --calls 20 sip:vmroll@127.0.0.1 "${users[@]}"
	[ "$(grep -c '^ended [0-9]* key 1' <<<"$output")" -eq 25 ]
	jq -se '[foreach .[] as $e (0; if $e.event == "invited" then . + 1 elif $e.event == "bye" then . - 1 else . end)] | max <= 20' \
		"$scratch/events"
	heard user7 "$message"
	heard user25 "$thanks"
}

@test "killed in the middle of a call: settled as unreachable, and the next are called" {
	phone --plan 'ito bye=60' --plan 'sato key=1@0.6'
	"$people" --message "$message" --again sip:vmroll@127.0.0.1 "sip:ito@127.0.0.1:$port" >"$scratch/people.out" 2>&1 3>&- &
	pids+=($!)
	wait_for happened '.event == "answered"'
	kill -9 "$(sed -n 's/^process //p' "$scratch/people.out")"
	printf 'ito key=1@0.6\n' >"$scratch/plan"
	wait_for grep -q '^left' "$scratch/people.out"
	output=$(cat "$scratch/people.out")
	said 'trouble the process that calls: killed by signal 9'
	said 'ended 0 unreachable - *killed by signal 9'
	said 'ended 0 key 1 '
	[ "$(grep -c ^process <<<"$output")" -eq 2 ]
}

@test "whoever orders is killed: the calls are hung up, and nothing is left" {
	phone --plan 'ito bye=60' --plan 'ring ring=ever'
	"$people" --message "$message" sip:vmroll@127.0.0.1 "sip:ito@127.0.0.1:$port" "sip:ring@127.0.0.1:$port" >"$scratch/people.out" 2>&1 3>&- &
	parent=$!
	wait_for happened '.event == "answered" and .user == "ito"'
	wait_for happened '.event == "ringing" and .user == "ring"'
	child=$(sed -n 's/^process //p' "$scratch/people.out")
	kill -9 "$parent"
	wait_for happened '.event == "bye" and .by == "caller"'
	wait_for happened '.event == "cancelled" and .user == "ring"'
	wait_for not_running "$child"
}

not_running()
{
	! kill -0 "$1"
}

@test "the end hangs up what is under way, within a second or so" {
	phone --plan 'ito bye=60' --plan 'ring ring=ever' --plan 'mute mute'
	call_all --leave 2000 sip:vmroll@127.0.0.1 @ito @ring @mute
	said 'left *'
	[ "$(grep -c '^ended' <<<"$output")" -eq 0 ]
	happened '.event == "bye" and .by == "caller" and .user == "ito"'
	happened '.event == "cancelled" and .user == "ring"'
}

@test "a synthesis that is killed is one text less, not the end" {
	phone --plan '* ring=1 key=1@a2.5'
	"$people" --message "$message" --again sip:vmroll@127.0.0.1 "sip:ito@127.0.0.1:$port" >"$scratch/people.out" 2>&1 3>&- &
	pids+=($!)
	wait_for happened '.event == "ringing"'
	child=$(sed -n 's/^process //p' "$scratch/people.out")
	kill -9 "$(pgrep -P "$child")"
	wait_for grep -q '^left' "$scratch/people.out"
	output=$(cat "$scratch/people.out")
	[ "$(grep -c '^ended' <<<"$output")" -eq 2 ]
	said 'ended 0 key 1 '
	[ "$(grep -c ^process <<<"$output")" -eq 1 ]
}

# configure [TEXT]: settings for notify-admins, whose calls go through the phone.
configure()
{
	cat >"$scratch/conf" <<END
store = "lmdb:$scratch/store"
sip { from = "sip:vmroll@127.0.0.1" exchange = "sip:%s@127.0.0.1:$port" ring_timeout = "2s" }
person "sato@example.org" { name = "Sato" phone = "+8131" voice_lang = "ja" }
person "mori@example.org" { phone = "+8132" mail_only = "yes" }
$*
END
}

# try [OPTION...] PERSON
try()
{
	run --separate-stderr timeout 60 "$top_builddir/bin/notify-admins" -C "$scratch/conf" test --channel voice "$@"
	echo "$status $output $stderr"
}

@test "notify-admins test --channel voice calls, and says how it ended" {
	phone --plan '+8131 key=5@1' --plan 'ito key=1@a2.5' --plan 'busy status=486' --plan 'nobody status=404' --plan 'broken status=503' \
		--plan 'voicemail'
	configure
	try +8131
	[ "$status" -eq 0 ]
	[ "$output" = '+8131: heard: key 5 was pressed' ]
	for name in Sato SATO@example.org; do
		try "$name"
		[ "$status" -eq 0 ]
	done
	try --dry-run "sip:ito@127.0.0.1:$port"
	[ "$status" -eq 0 ]
	text=$(tail -n 1 <<<"$output")
	[[ $text == *vmroll* ]]
	try "sip:ito@127.0.0.1:$port"
	[ "$status" -eq 0 ]
	for case in 'busy 1 busy (486' 'nobody 4 refused for good (404' 'broken 4 could not be reached (503' 'voicemail 1 answered, but no key'; do
		read -r user code text <<<"$case"
		try "sip:$user@127.0.0.1:$port"
		[ "$status" -eq "$code" ]
		[[ $stderr == *"$text"* ]]
	done
}

@test "notify-admins test --channel voice calls nobody who must not be called" {
	phone
	configure
	try mori@example.org
	[ "$status" -eq 2 ]
	[[ $stderr == *'wants mail only'* ]]
	try '12;rm'
	[ "$status" -ne 0 ]
	configure 'notify { redirect = "me@example.org" }'
	try +8131
	[ "$status" -eq 2 ]
	[[ $stderr == *'notify.redirect is set'* ]]
	try --dry-run +8131
	[ "$status" -eq 0 ]
	sed -i '/^sip/d; /^notify/d' "$scratch/conf"
	try +8131
	[ "$status" -eq 2 ]
	[[ $stderr == *'sip.from is not set'* ]]
	run "$top_builddir/bin/notify-admins" -C "$scratch/conf" test --channel pigeon Sato
	[ "$status" -eq 2 ]
	[[ $output == *pigeon* ]]
	[ ! -s "$scratch/events" ]
}
