#!/usr/bin/env bats
# demo.bats - scripts/demo --down takes away what was kept or killed, and nothing else

# shellcheck source=tests/lab/lib/lab.bash
source "$BATS_TEST_DIRNAME/lib/lab.bash"
: "${top_srcdir:?}"

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
