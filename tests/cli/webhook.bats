#!/usr/bin/env bats
# webhook.bats - trial messages to a real web server and to real commands: what arrives, who is told what went wrong, and that no secret gets out

# shellcheck disable=SC2154 # stderr and output are set by run
# shellcheck disable=SC2016 # scripts and hostile arguments are not expanded here
bats_require_minimum_version 1.5.0
load ../lib/wait

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	tools=${top_srcdir:?}/tests/lib
	export VMROLL_CONFIG=$scratch/vmroll.conf TZ=UTC
	unset VMROLL_STORE VMROLL_HOSTS SSL_CERT_FILE http_proxy https_proxy all_proxy
	hook=$scratch/hook
	pids=()
	mkdir "$hook"
	: >"$scratch/hosts"
	settings
}

teardown()
{
	end_processes "${pids[@]}"
	rm -rf "$scratch"
}

# settings [LINE...]: more lines of the webhook ops.
settings()
{
	umask 077
	cat >"$VMROLL_CONFIG" <<-END
		store = "lmdb:$scratch/store"
		hosts = "$scratch/hosts"
		webhook "ops" {
			url = "${scheme:-http}://127.0.0.1:$(cat "$hook/port" 2>/dev/null || echo 1)/a/path"
			$(printf '%s\n' "$@")
		}
		webhook "chat" {
			url = "http://127.0.0.1:$(cat "$hook/port" 2>/dev/null || echo 1)/services/T0/h1dden"
			format = "slack"
		}
		command "pager" { argv = { "$scratch/pager", "a b", "\$(touch $scratch/shell)", "*" } }
	END
}

# serve [OPTION...]: starts the server; settings then point to it.
serve()
{
	rm -f "$hook/port"
	"$tools/webhook-server" "$@" "$hook" 2>"$scratch/server.err" 3>&- &
	pids+=($!)
	wait_for test -s "$hook/port"
	settings
}

# script NAME: an executable with stdin as its text.
script()
{
	{
		echo '#!/bin/bash'
		cat
	} >"$scratch/$1"
	chmod +x "$scratch/$1"
}

# request FILTER: what jq shows of the newest.
request()
{
	tail -n 1 "$hook/requests" | jq -r "$1"
}

# header NAME [NUMBER]: of that request, the newest if none is given.
header()
{
	sed -n "${2:-\$}p" "$hook/requests" | jq -r --arg name "$1" '.headers[] | select(.[0] == $name) | .[1]'
}

requests()
{
	touch "$hook/requests"
	wc -l <"$hook/requests"
}

trial()
{
	run --separate-stderr notify-admins test Ito --channel "$@"
	echo "$status: $output $stderr"
}

@test "a trial in Alertmanager's form arrives whole" {
	serve
	trial webhook:ops
	[ "$status" -eq 0 ]
	[ "$(request .path)" = /a/path ]
	[ "$(request .method)" = POST ]
	[ "$(header Content-Type)" = application/json ]
	[[ $(header Idempotency-Key) == vmroll.test.* ]]
	[[ $(header User-Agent) == vmroll/* ]]
	request .body | jq -e '.version == "4" and .status == "firing" and .receiver == "ops" and .truncatedAlerts == 0
		and (.groupKey | type) == "string" and (.groupLabels | type) == "object" and (.commonLabels | type) == "object"
		and (.commonAnnotations | type) == "object" and (.externalURL | type) == "string" and (.alerts | length) == 1'
	request .body | jq -e '.alerts[0] | .status == "firing" and .labels.alertname == "VmrollTest" and
		(.annotations.summary | type) == "string" and (.startsAt | startswith("20")) and
		.endsAt == "0001-01-01T00:00:00Z" and .generatorURL == "" and (.fingerprint | length) == 16'
}

@test "a trial in Slack's form arrives; its URL is a secret" {
	serve --fault 404,body=no_service,times=1 --fault echo,times=1
	for _ in 1 2; do
		trial webhook:chat
		[ "$status" -eq 4 ]
		[[ $stderr != *h1dden* && $output != *h1dden* ]]
	done
	[[ $stderr == *"webhook:chat: http://127.0.0.1:"*" answers 400: Cannot POST ..."* ]]
	trial webhook:chat -v
	[ "$status" -eq 0 ]
	[[ $stderr != *h1dden* && $output != *h1dden* ]]
	[ "$(request .path)" = /services/T0/h1dden ]
	request .body | jq -e 'keys == ["text"] and (.text | startswith("This is a test of vmroll"))'
}

@test "a dry run shows the body and sends nothing" {
	serve
	trial webhook:ops --dry-run
	[ "$status" -eq 0 ]
	jq -e '.version == "4"' <<<"$output"
	trial webhook:chat --dry-run
	jq -e '.text | length > 0' <<<"$output"
	trial command:pager --dry-run
	jq -e 'type == "object"' <<<"$output"
	[ "$(requests)" -eq 0 ]
}

@test "what the server says is told, with what to do" {
	serve --fault 503,retry=120,body=busy,times=1 --fault redirect,times=1 --fault 401,times=1 --fault drop,times=1
	trial webhook:ops
	[[ $stderr == *'answers 503, asks to be tried again after 2m: busy'* ]]
	trial webhook:ops
	[[ $stderr == *'answers 302, sends us elsewhere, where we do not go: set the url right'* ]]
	trial webhook:ops
	[[ $stderr == *'answers 401, refuses our credentials'* ]]
	trial webhook:ops
	[ "$status" -eq 4 ]
	[ "$(requests)" -eq 4 ]
	trial webhook:ops
	[ "$status" -eq 0 ]
}

@test "a channel that is not in the settings is misuse" {
	for channel in webhook:none command:none webhook: command:; do
		trial "$channel"
		[ "$status" -eq 2 ]
		[[ $stderr == *"$channel: the settings have none of that name"* ]]
	done
}

@test "https: a certificate that is vouched for, and no other" {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hook.test \
		-addext subjectAltName=IP:127.0.0.1 -keyout "$scratch/key" -out "$scratch/cert" -batch 2>/dev/null
	scheme=https
	serve --cert "$scratch/cert" --key "$scratch/key"
	trial webhook:ops
	[ "$status" -eq 4 ]
	[[ $stderr == *certificate* ]]
	[ "$(requests)" -eq 0 ]
	settings "ca_file = \"$scratch/cert\""
	trial webhook:ops
	[ "$status" -eq 0 ]
	[ "$(requests)" -eq 1 ]
}

@test "what headers_command prints goes with the request and nowhere else" {
	serve --demand 'Authorization: Bearer t0pS3cret'
	script headers <<-'END'
		printf 'Authorization: Bearer %s\r\n\nX-Two: 2\n' t0pS3cret
	END
	settings "headers_command = { \"$scratch/headers\" }"
	trial webhook:ops -v
	[ "$status" -eq 0 ]
	[ "$(header X-Two)" = 2 ]
	[[ $output$stderr != *S3cret* ]]
	echo echo >"$hook/faults"
	trial webhook:ops -v
	[ "$status" -eq 4 ]
	[[ $stderr == *'answers 400'* && $output$stderr != *S3cret* ]]
}

@test "while a request is under way no process shows a secret in its arguments or environment" {
	serve --fault hang
	script headers <<<'echo "Authorization: Bearer $(cat "${0%/*}/secret")"'
	echo t0pS3cret >"$scratch/secret"
	settings "headers_command = { \"$scratch/headers\" }"
	notify-admins test Ito --channel webhook:ops >"$scratch/run.out" 2>&1 3>&- &
	local pid=$! file
	pids+=("$pid")
	wait_for test -s "$hook/requests"
	[ "$(header Authorization)" = 'Bearer t0pS3cret' ]
	for file in /proc/[0-9]*/cmdline /proc/"$pid"/environ; do
		! grep -qas S3cret "$file" || {
			echo "$file: $(tr '\0' ' ' <"$file")"
			return 1
		}
	done
	[[ $(cat "$scratch/run.out") != *S3cret* ]]
}

@test "headers that the server does not take are asked for once more, and the same message is sent" {
	serve --demand 'X-Key: key-2'
	script headers <<-'END'
		echo x >>"${0%/*}/asked"
		echo "X-Key: key-$(wc -l <"${0%/*}/asked")"
	END
	settings "headers_command = { \"$scratch/headers\" }"
	trial webhook:ops
	[ "$status" -eq 0 ]
	[ "$(requests)" -eq 2 ]
	[ "$(header X-Key 1)" = key-1 ]
	[ "$(header X-Key 2)" = key-2 ]
	[ "$(header Idempotency-Key 1)" = "$(header Idempotency-Key 2)" ]
	# Once more, and not without end.
	echo 'X-Key: other' >"$hook/demand"
	trial webhook:ops
	[ "$status" -eq 4 ]
	[[ $stderr == *'answers 401, refuses our credentials'* ]]
	[ "$(requests)" -eq 4 ]
	[ "$(wc -l <"$scratch/asked")" -eq 4 ]
}

@test "a headers_command that fails, prints nothing, or what is no header, is named; nothing is sent" {
	serve
	settings "headers_command = { \"$scratch/headers\", \"x\" }"
	trial webhook:ops
	[ "$status" -eq 4 ]
	[[ $stderr == *"webhook:ops: headers_command: $scratch/headers: No such file or directory"* ]]
	script headers <<<'echo "X-Key: s3cret"; exit 3'
	trial webhook:ops
	[[ $stderr == *'headers: exit status 3'* && $stderr != *s3cret* ]]
	script headers <<<':'
	trial webhook:ops
	[[ $stderr == *'headers: printed nothing'* ]]
	local line
	for line in 's3cret' 'X Key: s3cret' 'Content-Length: s3cret' 'X-Key:' 'X-Key: s3\tcret'; do
		script headers <<<"echo -e 'X-Good: 1\n$line'"
		trial webhook:ops
		[ "$status" -eq 4 ]
		[[ $stderr == *'headers: '*header* && $stderr != *s3*cret* ]]
	done
	script headers <<<'exec head -c 100000 /dev/zero'
	trial webhook:ops
	[[ $stderr == *'no list of header lines'* ]]
	[ "$(requests)" -eq 0 ]
}

@test "a command gets the message as JSON, the arguments as they are, and no shell" {
	script pager <<-'END'
		cat >"${0%/*}/input"
		printf '%s\n' "$@" >"${0%/*}/arguments"
		env | grep ^VMROLL_ | sort >"${0%/*}/environment"
		ls /proc/self/fd >"${0%/*}/descriptors"
		ps -o pid=,pgid=,sid= -p $$ >"${0%/*}/session"
		echo all is well
	END
	trial command:pager
	[ "$status" -eq 0 ]
	[ "$output" = 'command:pager: took it' ]
	jq -e 'type == "object"' "$scratch/input"
	grep -q Ito "$scratch/input"
	[ "$(cat "$scratch/arguments")" = "$(printf '%s\n' 'a b' "\$(touch $scratch/shell)" '*')" ]
	[ ! -e "$scratch/shell" ]
	[ "$(cat "$scratch/environment")" = "VMROLL_CONFIG=$VMROLL_CONFIG
VMROLL_HOSTS=$scratch/hosts
VMROLL_STORE=lmdb:$scratch/store" ]
	[ "$(wc -l <"$scratch/descriptors")" -le 5 ]
	read -r pid group session <"$scratch/session"
	[ "$pid" = "$group" ]
	[ "$pid" = "$session" ]
}

@test "how a command ends says whether it is tried again; its first line on stderr says why" {
	script pager <<<'exec <&-; echo out; printf "\n\e[31mno such user\nmore\n" >&2; exit "$(cat "${0%/*}/status")"'
	local code
	for code in 65 67 77 75 1; do
		echo "$code" >"$scratch/status"
		trial command:pager
		[ "$status" -eq 4 ]
		[ "$stderr" = "notify-admins: command:pager: exit status $code: \\x1b[31mno such user" ]
	done
	script pager <<<'kill -KILL $$'
	trial command:pager
	[ "$stderr" = 'notify-admins: command:pager: killed by signal 9' ]
	rm "$scratch/pager"
	trial command:pager
	[ "$stderr" = 'notify-admins: command:pager: No such file or directory' ]
}
