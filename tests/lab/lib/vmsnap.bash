# shellcheck shell=bash
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file
# vmsnap.bash - the lab of vmsnap's tests, and a store of its own for each

setup_file()
{
	lab_up --hosts 3 --guests 8 --no-wait
	lab_mute --count 2
	lab_mute --mode refuse
	lab_mute --mode half
	lab_mute --mode garbage
	lab_sasl
	lab_env
}

setup()
{
	lab_env
	folder=$BATS_TEST_TMPDIR
	export VMROLL_STORE=lmdb:$folder/store VMROLL_HOSTS=$LAB_HOSTS_FILE
	export VMROLL_CONFIG=$folder/vmroll.conf TZ=UTC
	: >"$VMROLL_CONFIG"
}

teardown()
{
	background_end_all
}

teardown_file()
{
	lab_down
}

newest()
{
	vmsnap --list -J | head -n 1 | jq -r "[.$1${2:+,.$2}${3:+,.$3}${4:+,.$4}] | map(tostring) | join(\" \")"
}
