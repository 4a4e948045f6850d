#!/usr/bin/env bats
# install.bats - what make install puts where, and that uninstall takes all of it away

: "${top_srcdir:?}" "${top_builddir:?}" "${programs?}"
mapfile -t utilities < <(xargs -rn 1 basename <<<"$programs")

# The make of this test must not talk to the one that runs it.
clean_make()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$top_builddir" "$@"
}

setup_file()
{
	export destination=$BATS_FILE_TMPDIR/root root
	root=$destination$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
	clean_make install DESTDIR="$destination"
}

@test "each utility is installed with its page and completion" {
	for program in "${utilities[@]}"; do
		[[ -x $root/bin/$program ]]
		[[ -e $root/share/man/man8/$program.8 ]]
		[[ -e $root/share/bash-completion/completions/$program ]]
	done
}

@test "the words of messages are installed to be copied, each language whole" {
	templates=$root/share/vmroll/templates
	[[ -e $templates/en/mail-first.txt && -e $templates/ja/call-first.txt ]]
	diff <(cd "$templates/en" && ls) <(cd "$templates/ja" && ls)
	diff -r "$templates/en" "$top_srcdir/lib/templates/en"
	conf=$BATS_TEST_TMPDIR/vmroll.conf
	printf 'notify { templates = "%s" fallback = "ops@example.org" }\nsmtp { url = "smtp://m" from = "v@example.org" }\n' "$templates" >"$conf"
	echo 'host1 10.0.0.1 - -' >"$BATS_TEST_TMPDIR/hosts"
	run "$root/bin/notify-admins" --check-config -C "$conf" --hosts "$BATS_TEST_TMPDIR/hosts"
	echo "$output"
	[[ $status -eq 0 && -z $output ]]
}

@test "nothing is installed outside the prefix" {
	run find "$destination" ! -type d ! -path "$root/*"
	echo "$output"
	[[ -z $output ]]
}

@test "the units are valid, and start what was installed" {
	mkdir "$BATS_TEST_TMPDIR/units"
	cp "$root"/lib/systemd/system/* "$BATS_TEST_TMPDIR/units"
	run grep -r '@[a-z]*@' "$BATS_TEST_TMPDIR/units"
	[[ -z $output ]]
	sed -i "s|^ExecStart=|&$destination|" "$BATS_TEST_TMPDIR"/units/*.service
	run systemd-analyze verify --man=no "$BATS_TEST_TMPDIR"/units/*
	echo "$output"
	[[ $status -eq 0 && -z $output ]]
}

@test "each timer has its service" {
	for timer in "$root"/lib/systemd/system/*.timer; do
		[[ -e ${timer%.timer}.service ]]
	done
}

@test "crontab and timers run the same commands" {
	cron=$(sed -n 's/^[*0-9/]* *[*0-9]* *\* \* \*  *//p' "$top_srcdir/scripts/examples/crontab" | sort)
	timers=$(for timer in "$top_srcdir"/scripts/systemd/*.timer; do
		sed -n 's|^ExecStart=@bindir@/||p' "${timer%.timer}.service.in"
	done | sort)
	diff <(echo "$cron") <(echo "$timers")
}

@test "README shows the crontab of the examples" {
	while read -r line; do
		echo "$line"
		grep -qxF "    $line" "$top_srcdir/README"
	done < <(grep -v '^#' "$top_srcdir/scripts/examples/crontab" | grep .)
}

# The units that a line of DOCUMENT names after COMMAND.
units_after()
{
	grep -oP "systemctl $1\\K( [a-z.-]+)+$" "$2" | xargs -n 1 | sort
}

@test "README enables every unit that can be, and what vmroll(7) stops is started again" {
	enabled=$(units_after 'enable --now' "$top_srcdir/README")
	diff <(echo "$enabled") <(cd "$root/lib/systemd/system" && grep -lx '\[Install\]' -- * | sed 's/\.service$//' | sort)
	diff <(echo "$enabled") <(units_after start "$top_srcdir/man/vmroll.7")
}

@test "deps --build has every library that configure asks for" {
	packages=$("$top_srcdir/scripts/deps" --build --list)
	asked=$(grep -oP '^PKG_CHECK_MODULES\(\[(?!CMOCKA)\w+\], \[\K[^] ]+' "$top_srcdir/configure.ac")
	[[ $(wc -w <<<"$asked") -gt 9 ]]
	for library in $asked; do
		owner=$(dpkg -S "$(readlink -f "$(pkg-config --variable=pcfiledir "$library")/$library.pc")")
		echo "$library: $owner"
		grep -qxF "${owner%%:*}" <<<"$packages"
	done
	grep -qx uthash-dev <<<"$packages"
}

@test "logrotate takes the example, and rotates without losing the writer" {
	log=$BATS_TEST_TMPDIR/events
	exec 7>>"$log"
	echo first >&7
	sed "s|/var/log/vmroll/events|$log|; /su vmroll/d" "$top_srcdir/scripts/examples/logrotate" >"$BATS_TEST_TMPDIR/conf"
	logrotate --force --state "$BATS_TEST_TMPDIR/state" "$BATS_TEST_TMPDIR/conf"
	echo second >&7
	[[ $(cat "$log") == second && $(cat "$log.1") == first ]]
}

@test "sysusers and tmpfiles take their files" {
	mkdir -p "$BATS_TEST_TMPDIR/r/etc"
	SYSTEMD_LOG_LEVEL=warning run systemd-sysusers --root="$BATS_TEST_TMPDIR/r" --replace=/usr/lib/sysusers.d/vmroll.conf "$root/lib/sysusers.d/vmroll.conf"
	echo "$output"
	[[ $status -eq 0 ]]
	grep -q '^vmroll:' "$BATS_TEST_TMPDIR/r/etc/passwd"
}

@test "setup refuses to touch this machine for a package" {
	run clean_make setup DESTDIR="$destination"
	[[ $status -ne 0 ]]
}

@test "make dist leaves nothing of the repository out" {
	files=$(git -c safe.directory='*' -C "$top_srcdir" ls-files 2>/dev/null) || skip 'this is no clone, or there is no git'
	[[ $files == *README* ]]
	clean_make distdir distdir="$BATS_TEST_TMPDIR/dist"
	while read -r file; do
		# What is removed and not yet committed is no part of it any more.
		[[ $file == .git* || ! -e $top_srcdir/$file || -e $BATS_TEST_TMPDIR/dist/$file ]] || missing+=$file$'\n'
	done <<<"$files"
	echo "${missing:-}"
	[[ -z ${missing:-} ]]
}

@test "uninstall leaves no file behind" {
	clean_make uninstall DESTDIR="$destination"
	run find "$destination" ! -type d
	echo "$output"
	[[ -z $output ]]
}
