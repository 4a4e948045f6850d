# shellcheck shell=bash
# shellcheck disable=SC2154 # demo and show.bash set what is used here
# death: a host dies, and each administrator learns what to check

# Whether what was built can call people.
can_call()
{
	local library
	for library in SIP SPEECH; do
		grep -q "define HAVE_$library 1" "$build/config.h" || return 1
	done
}

death_settings()
{
	cat >"$demo/admins.csv" <<-'END'
		vm,admin,email,phone,process,policy
		db1,Ito Taro,ito@example.org,+81312345678,postgres,call
		mail1,Ito Taro,ito@example.org,+81312345678,postfix,call
		app2,佐藤 花子,sato@example.org,,httpd,
		web1,佐藤 花子,sato@example.org,,httpd,
	END
	cat >"$demo/vmroll.conf" <<-END
		store = "lmdb:$demo/store"
		hosts = "$LAB_HOSTS_FILE"
		ping { reference = { "$LAB_REFERENCE" } }
		notify {
		    admins   = "$demo/admins.csv"
		    fallback = { "ops@example.org" }
		}
		smtp {
		    url  = "smtp://127.0.0.1:$(<"$demo/mail/port")"
		    from = "vmroll@example.org"
		    tls  = "none"
		}
		policy "call" {
		    step { channels = { "mail" } }
		    step { after = "5s" channels = { "voice" } }
		}
	END
	[[ -z $calls ]] || cat >>"$demo/vmroll.conf" <<-END
		sip {
		    from     = "sip:vmroll@127.0.0.1"
		    exchange = "sip:%s@127.0.0.1:$(<"$demo/phone/port")"
		}
	END
}

mails()
{
	find "$demo/mail/new" -name '*.eml' 2>/dev/null | wc -l
}

mailed()
{
	(($(mails) >= $1))
}

# The mails that were not shown yet, as a reader sees them.
shown=0
show_mails()
{
	local file
	for file in $(find "$demo/mail/new" -name '*.eml' | sort | tail -n +$((shown + 1))); do
		/usr/bin/python3 - "$file" <<-'END'
			import email, email.policy, sys
			mail = email.message_from_binary_file(open(sys.argv[1], "rb"), policy=email.policy.default)
			lines = [f"{name}: {mail[name]}" for name in ("To", "Subject")] + [""]
			lines += mail.get_body(("plain",)).get_content().rstrip().splitlines()
			print("\n".join(f"  | {line}".rstrip() for line in lines), end="\n\n")
		END
		shown=$((shown + 1))
	done
}

# The telephone of the one who is called. Who answers it listens for some seconds, then presses 1.
start_phone()
{
	can_call || return 0
	calls=1
	start phone "$source/tests/lib/sip-phone" ${keep:+--stay} --plan '* ring=1 key=1@a9' "$demo/phone"
	await 10 'the telephone' test -s "$demo/phone/port"
}

# phone_told EVENT [FILTER]: whether the telephone did that in the one call; a FILTER (jq) says what of it is printed.
phone_told()
{
	jq -r --arg event "$1" "select(.event == \$event) | ${2:-.event}" "$demo/phone/events" 2>/dev/null | grep .
}

phone_did()
{
	phone_told "$1" >/dev/null
}

# show_phone EVENT TEXT: a line as soon as it happens; TEXT is a filter, too.
show_phone()
{
	await 60 "'$1' at the telephone" phone_did "$1"
	printf '  %s  %s\n' "$(date -d "@$(phone_told "$1" .time)" '+%T.%3N')" "$(phone_told "$1" "$2")"
}

# keep_recording: under a name that is free, where the demo was started, else among what is temporary.
keep_recording()
{
	local folder
	for folder in "$started_in" "${TMPDIR:-/tmp}"; do
		hold
		keep_in "$folder" || folder=''
		release
		[[ -n $folder ]] || continue
		say "What was heard is kept: $recording"
		return 0
	done
	say "The recording could not be kept: neither $started_in nor ${TMPDIR:-/tmp} takes it."
}

# Whole under its name, or not there; what has that name already stays.
keep_in()
{
	local new name number
	new=$(mktemp "$1/.vmroll-demo-call.XXXXXX" 2>/dev/null) || return 1
	if cp "$demo/phone/$(phone_told recorded .file)" "$new" 2>/dev/null && chmod 644 "$new"; then
		for number in '' -{2..999}; do
			name=$1/vmroll-demo-call$number.wav
			mv -nT "$new" "$name" 2>/dev/null || break
			# What was there stays, and so does the new one.
			[[ -e $new ]] || {
				recording=$name
				return 0
			}
		done
	fi
	rm -f "$new"
	return 1
}

# Some seconds of the board, as an operator has it before him, where there is a terminal to draw it on.
show_board()
{
	[[ -t 0 && -t 1 ]] || return 0
	heading 'The board, for five seconds:  hostping --board'
	sleep 1
	timeout --foreground -s INT 5 hostping --board || true
}

told()
{
	grep -qP "\t$1\t$2\t" "$demo/events" 2>/dev/null
}

on_host()
{
	"$lab" where | awk -F '\t' -v host="$1" '$2 == host && $3 == "running" { print $1 }'
}

death_up()
{
	prepare 'vmroll: three hosts, eight guests, one of the hosts dies'
	step 'hosts and guests' "$lab" up --dir "$demo/lab" --owner "${owner:-$$}"
	# shellcheck source=/dev/null
	source "$demo/lab/env"
	mkdir "$demo/mail"
	start smtp "$source/tests/lib/smtp-server" ${keep:+--stay} "$demo/mail"
	await 10 'the mail server' test -s "$demo/mail/port"
	start_phone
	death_settings
	export VMROLL_CONFIG=$demo/vmroll.conf
}

chapter_roll()
{
	heading "$((++chapter)). The roll is taken"
	show notify-admins import
	show vmsnap -v
	show vmwhere
	show_policy
	say 'From here on the chain runs:'
	printf '\n%s$ hostping --watch | tee -a events | notify-admins - &\n$ tail -f events%s\n' "$bold" "$plain"
	: >"$demo/events"
	start watch "$source/scripts/vmroll-watch" "$demo/events"
	await 20 'the first word of every host' told_all UP
	cat "$demo/events"
}

show_policy()
{
	if [[ -z $calls ]]; then
		say 'Built without libre or espeak-ng: nobody is called.'
		printf '\n'
		return
	fi
	say 'Ito is called as well, if he does not answer his mail: of vmroll.conf,'
	printf '\n'
	sed -n '/^policy/,$s/^/  | /p' "$VMROLL_CONFIG"
	printf '\n'
	say 'So, if host1 died now:'
	printf '\n'
	show_line "notify-admins --host host1 --dry-run | sed -n '/^Until.*Ito/,/voice/p'"
}

told_all()
{
	local host
	for host in $LAB_HOSTS; do
		told "$host" "$1" || return 1
	done
}

chapter_death()
{
	victims=$(on_host host1)
	heading "$((++chapter)). The power of host1 fails. On it: ${victims//$'\n'/ }"
	show date '+%T.%3N'
	"$lab" kill host1
	await 30 'host1 DOWN' told host1 DOWN
	tail -n 1 "$demo/events"
	printf '\n'
	show date '+%T.%3N'
	show hostping --status
	await 30 'the first mails' mailed 2
	say 'The mails, as they arrived:'
	printf '\n'
	show_mails
	show vmwhere --on host1
}

acknowledged()
{
	notify-admins log -r -o CHANNEL,STATE | grep -qP "^$1\tacknowledged$"
}

chapter_call()
{
	[[ -n $calls ]] || return 0
	heading "$((++chapter)). Ito has not answered his mail: he is called"
	show_phone invited '"\(.user) is called by \(.caller)."'
	show_phone ringing '"It rings."'
	show_phone answered '"Somebody answers, and hears:"'
	printf '\n'
	show_line "notify-admins --host host1 --at $(died_at) --dry-run | sed -n '/^Call/,/^\[4]/p' | fold -s -w 80"
	show_phone key '"The key \(.key) is pressed."'
	show_phone bye '"The \(.by) hangs up."'
	printf '\n'
	await 10 'the acknowledgement' acknowledged voice
	await 10 'the recording' phone_did recorded
	show notify-admins log -o PERSON,CHANNEL,ADDRESS,STEP,STATE,OUTCOME,ACKNOWLEDGED_BY
	keep_recording
}

died_at()
{
	awk -F '\t' '$2 == "host1" && $3 == "DOWN" { print $1 }' "$demo/events"
}

chapter_restart()
{
	local guest host target=2
	heading "$((++chapter)). Its guests are started on the other hosts"
	for guest in $victims; do
		host=host$target target=$((5 - target))
		say "$guest -> $host"
		"$lab" start "$guest" "$host"
	done
	printf '\n'
	show vmsnap
	show vmwhere
	await 60 'the follow-up mails' mailed $((shown + 2))
	show_mails
	if [[ -z $calls ]]; then
		say 'One of them sees to it:'
		printf '\n'
		show notify-admins ack --by ito@example.org host1
	fi
	show notify-admins incidents
}

chapter_recovery()
{
	heading "$((++chapter)). host1 comes back"
	"$lab" heal host1
	await 60 'host1 UP' recovered
	tail -n 1 "$demo/events"
	printf '\n'
	await 30 'the mails of the recovery' mailed $((shown + 2))
	show_mails
	show notify-admins log
	show hostping --status
}

# UP for the second time: the first was at the start.
recovered()
{
	(($(grep -cP '\thost1\tUP\t' "$demo/events") >= 2))
}

death_chapters()
{
	chapter_roll
	chapter_death
	chapter_call
	show_board
	chapter_restart
	chapter_recovery
}

death_done()
{
	[[ -z $recording ]] || say "What Ito heard: $recording"
}

death_play()
{
	cat <<-END
		  hostping --board                 # live; q quits
		  lab kill host2; tail -f $demo/events     # Ctrl-C; then: lab heal host2
		  ls $demo/mail/new                # the mails
		  ls $demo/phone                   # what the telephone saw and heard
	END
}
