#!/usr/bin/env bats
# demo.bats - scripts/demo from its beginning to its end; --down takes away what was kept or killed, and nothing else

# shellcheck source=tests/lab/lib/lab.bash
source "$BATS_TEST_DIRNAME/lib/lab.bash"
: "${top_srcdir:?}" "${top_builddir:?}"

setup()
{
	((!$(id -u))) || skip 'the demo needs root'
	# What a demo has when its hosts are gone or not made yet.
	export TMPDIR=$BATS_TEST_TMPDIR
	demo=$TMPDIR/vmroll-demo.planted
	mkdir "$demo"
	: >"$demo/.vmroll-demo"
	background chain sleep 600
	background owner sleep 600
	cp "$BATS_FILE_TMPDIR/background/chain" "$demo/watch.pid"
	cp "$BATS_FILE_TMPDIR/background/owner" "$demo/owner"
}

teardown()
{
	background_end_all
}

@test "a demo that runs is spared" {
	run "$top_srcdir/scripts/demo" --down
	echo "$output"
	[[ $status -eq 0 && $output == "$demo: runs still"* && -e $demo/owner ]]
	background_alive chain
}

@test "one that was killed goes, with its processes; then there is none" {
	background_end owner KILL
	run "$top_srcdir/scripts/demo" --down
	echo "$output"
	[[ $status -eq 0 && $output == "$demo: removed" && ! -e $demo ]]
	run background_alive chain
	[[ $status -ne 0 ]]
	run "$top_srcdir/scripts/demo" --down
	[[ $status -eq 0 && $output == 'There is no demo here.' ]]
}

@test "a folder of that name that is no demo is left alone" {
	rm "$demo/.vmroll-demo" "$demo/owner"
	run "$top_srcdir/scripts/demo" --down
	[[ $status -eq 0 && -e $demo/watch.pid ]]
	background_alive chain
}

@test "a folder where nothing is built, and what no demo knows, are refused before anything is made" {
	run "$top_srcdir/scripts/demo" --build "$TMPDIR"
	[[ $status -eq 1 && $output == *'is not built there' ]]
	run "$top_srcdir/scripts/demo" --fly
	[[ $status -eq 2 && $output == usage:* ]]
	[[ $(ls "$TMPDIR") == "${demo##*/}" ]]
}

@test "who is called presses 1, and the others hear of it; only what was heard stays, beside what was there" {
	background_end_all
	rm -r "$demo"
	mkdir "$TMPDIR/here"
	cd "$TMPDIR/here"
	echo mine >vmroll-demo-call.wav
	run "$top_srcdir/scripts/demo" --build "$top_builddir"
	echo "$output"
	[[ $status -eq 0 ]]
	[[ $output == *'+81312345678 is called by sip:vmroll@127.0.0.1.'* ]]
	[[ ${output//$'\n'/} == *'Please check 2 virtual machines: D B 1; mail 1. Press 1'* ]]
	[[ $output == *'The key 1 is pressed.'* ]]
	grep -Eq '^ito@example.org +voice +\+81312345678 +2 +acknowledged +key +ito@example.org' <<<"$output"
	# The mail to the other, after the call.
	[[ ${output#*The key 1 is pressed.} == *'To: 佐藤 花子'*'Acknowledged by Ito Taro <ito@example.org>'* ]]
	[[ $output == *"What Ito heard: $PWD/vmroll-demo-call-2.wav"* ]]
	[[ $(<vmroll-demo-call.wav) == mine ]]
	[[ $(find "$TMPDIR" -mindepth 1 | sort) == "$PWD"$'\n'"$PWD/vmroll-demo-call-2.wav"$'\n'"$PWD/vmroll-demo-call.wav" ]]
	sounds vmroll-demo-call-2.wav
}

@test "two guests become master images, two deployments of a group boot on three hosts, and nothing of them stays" {
	local words
	background_end_all
	rm -r "$demo"
	run "$top_srcdir/scripts/demo" --groups --build "$top_builddir"
	echo "$output"
	[[ $status -eq 0 ]]
	# Eight machines, none of which takes itself for another, each at the second boot of its disk.
	words=$(grep -E '^  host[123]  (test|next)-(web[123]|db) +ready [0-9a-f-]{36} .* disk 2$' <<<"$output")
	[[ $(awk '{ print $4 }' <<<"$words" | sort -u | wc -l) -eq 8 ]]
	[[ $(awk '{ print $2 }' <<<"$words" | sort -u | wc -l) -eq 8 ]]
	for host in host1 host2 host3; do
		grep -q "^  $host  test-" <<<"$words"
	done
	[[ $(grep -Ec '^(test|next) .* running +172\.31\.[0-9.]+ +done$' <<<"$output") -eq 12 ]]
	[[ $output == *'test-db runs on host'*'nothing was removed'* ]]
	[[ $output == *$'\n  host3  machines: none\n         volumes:  none\n'* ]]
	[[ -z $(ls -A "$TMPDIR") ]]
}

# sounds WAV: 8 kHz, 16 bits, one channel; seconds of it, that are loud for the most part of a speech.
sounds()
{
	python3 - "$1" <<-'END'
		import array, sys, wave
		with wave.open(sys.argv[1], "rb") as file:
		    assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (8000, 2, 1), file.getparams()
		    samples = array.array("h", file.readframes(file.getnframes()))
		pieces = [max(map(abs, samples[i:i + 800])) for i in range(0, len(samples), 800)]
		loud = sum(piece > 1000 for piece in pieces)
		assert 80 <= len(pieces) and len(pieces) < 2 * loud, (len(pieces), loud)
	END
}
