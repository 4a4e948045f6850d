#!/usr/bin/env bats
# import.bats - notify-admins import from real servers: https, ftp, ftps, sftp; what they refuse, and wires that break

# shellcheck disable=SC2154 # stderr and output are set by run
# shellcheck disable=SC2030,SC2031 # each test has an environment of its own
bats_require_minimum_version 1.5.0
load ../lib/wait

setup()
{
	scratch=$(mktemp -d "${BATS_TMPDIR:-/tmp}/vmroll.XXXXXX")
	tools=${top_srcdir:?}/tests/lib
	export VMROLL_CONFIG=$scratch/vmroll.conf TZ=UTC HOME=$scratch/home
	unset VMROLL_STORE VMROLL_HOSTS SSL_CERT_FILE SSH_AUTH_SOCK
	pids=()
	mkdir -p "$scratch/files" "$HOME/.ssh"
	chmod 700 "$HOME/.ssh"
	: >"$scratch/hosts"
	printf 'store = "lmdb:%s/store"\nhosts = "%s/hosts"\n' "$scratch" "$scratch" >"$VMROLL_CONFIG"
	# Longer than what any buffer between takes.
	{
		echo vm,admin,email,phone,process
		seq -f 'vm%.0f,Ito,ito@example.org,,a process that takes room' 100000
	} >"$scratch/files/list.csv"
}

teardown()
{
	end_processes "${pids[@]}"
	rm -rf "$scratch"
}

# serve KIND [OPTION...]: sets port.
serve()
{
	rm -f "$scratch/port-$1"
	"$tools/list-server" "$1" "$scratch" "${@:2}" >"$scratch/$1.log" 2>&1 3>&- &
	pids+=($!)
	wait_for test -s "$scratch/port-$1"
	port=$(cat "$scratch/port-$1")
}

# authority NAME ADDRESS: an authority, and a certificate of its for ADDRESS.
authority()
{
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=$1" \
		-keyout "$scratch/$1.ca.key" -out "$scratch/$1.ca" -batch 2>/dev/null
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" \
		-keyout "$scratch/$1.key" -out "$scratch/$1.request" -batch 2>/dev/null
	openssl x509 -req -in "$scratch/$1.request" -CA "$scratch/$1.ca" -CAkey "$scratch/$1.ca.key" -CAcreateserial \
		-days 2 -extfile <(echo "subjectAltName=IP:$2") -out "$scratch/$1.cert" 2>/dev/null
}

# taken URL: whole, and under its name without a password.
taken()
{
	notify-admins import "$1"
	[ "$(notify-admins admins -r | wc -l)" -eq 100000 ]
	[ "$(notify-admins admins -r -o SOURCE | sort -u)" = "${1/roll:s3cr3t@/}" ]
}

# refused URL STATUS PATTERN: with that message, no password in it, and nothing taken.
refused()
{
	run --separate-stderr notify-admins import "$1"
	echo "$status $stderr"
	[ "$status" -eq "$2" ]
	# shellcheck disable=SC2053 # a pattern
	[[ $stderr == $3 ]]
	[[ $stderr != *s3cr3t* && $stderr != *wr0ng* ]]
	! notify-admins admins >/dev/null 2>&1 || return 1
}

@test "https: a certificate that is vouched for, and no other" {
	authority good 127.0.0.1
	serve https --cert "$scratch/good.cert" --key "$scratch/good.key"
	refused "https://127.0.0.1:$port/list.csv" 4 '*certificate*'
	authority strange 127.0.0.1
	SSL_CERT_FILE=$scratch/strange.ca refused "https://127.0.0.1:$port/list.csv" 4 '*certificate*'
	SSL_CERT_FILE=$scratch/absent refused "https://127.0.0.1:$port/list.csv" 4 '*certificate*'
	export SSL_CERT_FILE=$scratch/good.ca
	refused "https://127.0.0.1:$port/absent.csv" 4 '*404*'
	taken "https://127.0.0.1:$port/list.csv"
}

@test "https: a certificate of another name is refused" {
	authority other 192.0.2.1
	serve https --cert "$scratch/other.cert" --key "$scratch/other.key"
	SSL_CERT_FILE=$scratch/other.ca refused "https://127.0.0.1:$port/list.csv" 4 "*'127.0.0.1'*"
}

@test "ftp: login, a file that is not there, the list" {
	serve ftp
	refused "ftp://roll:wr0ng@127.0.0.1:$port/list.csv" 4 '*denied*'
	refused "ftp://127.0.0.1:$port/list.csv" 4 '*denied*'
	refused "ftp://roll:s3cr3t@127.0.0.1:$port/absent.csv" 4 '*absent.csv: The file does not exist*'
	taken "ftp://roll:s3cr3t@127.0.0.1:$port/list.csv"
}

@test "ftps: a certificate that is vouched for, then the login" {
	authority good 127.0.0.1
	serve ftps --cert "$scratch/good.cert" --key "$scratch/good.key"
	refused "ftps://roll:s3cr3t@127.0.0.1:$port/list.csv" 4 '*certificate*'
	export SSL_CERT_FILE=$scratch/good.ca
	refused "ftps://roll:wr0ng@127.0.0.1:$port/list.csv" 4 '*denied*'
}

# OpenSSH's package would start a server of its own: what is not installed is only unpacked.
find_sshd()
{
	sshd=/usr/sbin/sshd
	[[ ! -x $sshd ]] || return 0
	(cd "$scratch" && apt-get -qq -o APT::Sandbox::User=root download openssh-server) ||
		skip 'openssh-server is not installed, and cannot be downloaded'
	dpkg -x "$scratch"/openssh-server_*.deb "$scratch/unpacked"
	sshd=$scratch/unpacked/usr/sbin/sshd
}

# OpenSSH's sshd; sets port.
start_sshd()
{
	local start=(exec)
	find_sshd
	for kind in ed25519 ecdsa; do
		ssh-keygen -q -t "$kind" -N '' -f "$scratch/host_$kind"
	done
	ssh-keygen -q -t ed25519 -N '' -f "$scratch/user"
	cp "$scratch/user.pub" "$scratch/authorized"
	# Root's sshd wants /run/sshd and an account: in a namespace of its own, so that nothing is left of them.
	# shellcheck disable=SC2016 # the inner bash expands it
	[[ $(id -u) -ne 0 ]] ||
		start=(exec unshare -m bash -c 'mount -t tmpfs none /run && mkdir -m 755 /run/sshd &&
			{ grep -v ^sshd: /etc/passwd; echo sshd:x:65530:65534::/run/sshd:/usr/sbin/nologin; } >/run/passwd &&
			mount --bind /run/passwd /etc/passwd && exec "$@"' -)
	for port in $(shuf -i 20000-30000 -n 20); do
		cat >"$scratch/sshd_config" <<-END
			Port $port
			ListenAddress 127.0.0.1
			HostKey $scratch/host_ed25519
			HostKey $scratch/host_ecdsa
			AuthorizedKeysFile $scratch/authorized
			PidFile none
			UsePAM no
			StrictModes no
			PasswordAuthentication no
			PermitRootLogin yes
			Subsystem sftp internal-sftp
		END
		("${start[@]}" "$sshd" -D -e -f "$scratch/sshd_config" 2>"$scratch/sshd.log" 3>&-) &
		pids+=($!)
		wait_for grep -qE 'Server listening|Address already in use|fatal' "$scratch/sshd.log"
		! grep -q 'Server listening' "$scratch/sshd.log" || break
	done
	wait_for grep -q 'Server listening' "$scratch/sshd.log"
}

# An account without a login shell, such as nobody's, is let in nowhere.
need_login()
{
	[[ $(getent passwd "$(id -u)" | cut -d : -f 7) != *nologin ]] || skip 'sshd lets nobody in who has no login shell'
}

known()
{
	ssh-keyscan -p "$1" 127.0.0.1 2>/dev/null >"$HOME/.ssh/known_hosts"
}

@test "sftp: hosts in known_hosts only, and the user's key" {
	need_login
	start_sshd
	url=sftp://127.0.0.1:$port$scratch/files/list.csv
	cp "$scratch/user" "$HOME/.ssh/id_ed25519"
	refused "$url" 4 '*host key is not that of ~/.ssh/known_hosts*'
	known "$port"
	rm "$HOME/.ssh/id_ed25519"
	refused "$url" 4 '*uthentication*'
	ssh-keygen -q -t ed25519 -N '' -f "$HOME/.ssh/id_ed25519"
	refused "$url" 4 '*uthentication*'
	cp "$scratch/user" "$HOME/.ssh/id_ed25519"
	refused "${url/list/absent}" 4 '*No such file*'
	taken "$url"
	# The host is another one.
	ssh-keygen -q -t ed25519 -N '' -f "$scratch/other"
	printf '[127.0.0.1]:%s %s\n' "$port" "$(cut -d ' ' -f 1,2 "$scratch/other.pub")" >"$HOME/.ssh/known_hosts"
	run notify-admins import --force "$url"
	[ "$status" -eq 4 ]
	[[ $output == *'host key is not that of ~/.ssh/known_hosts'* ]]
}

@test "a wire that breaks: nothing is taken, whatever was fetched by then" {
	need_login
	authority good 127.0.0.1
	export SSL_CERT_FILE=$scratch/good.ca
	serve https --cert "$scratch/good.cert" --key "$scratch/good.key"
	serve cut --to "$port" --after 300000
	refused "https://127.0.0.1:$port/list.csv" 4 '*list.csv: transfer closed with * bytes remaining*'
	start_sshd
	cp "$scratch/user" "$HOME/.ssh/id_ed25519"
	serve cut --to "$port" --after 300000
	known "$port"
	refused "sftp://127.0.0.1:$port$scratch/files/list.csv" 4 '*list.csv: *'
	[[ $stderr != *uthentication* && $stderr != *known_hosts* ]]
}
