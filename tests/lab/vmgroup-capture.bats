#!/usr/bin/env bats
# vmgroup-capture.bats - groups of VMs of real hosts: registered as members, captured again, and what fails on the way
# shellcheck disable=SC2030,SC2031,SC2154 # LAB_* come from the lab's env file

load lib/lab

bats_require_minimum_version 1.5.0

setup_file()
{
	lab_up --hosts 2 --guests 0 --no-wait
	lab_disk web1 host1
	lab_disk db1 host2 --format=qcow2
	lab_env
}

setup()
{
	lab_env
	folder=$BATS_TEST_TMPDIR
	export VMROLL_STORE=lmdb:$folder/store VMROLL_HOSTS=$LAB_HOSTS_FILE
	export VMROLL_CONFIG=$folder/vmroll.conf TZ=UTC
	printf 'image { repository = "%s/images" }\n' "$folder" >"$VMROLL_CONFIG"
}

teardown_file()
{
	lab_down
}

# members GROUP: its members, a blank between.
members()
{
	vmgroup show -r -o NAME,IMAGE,COUNT "$1" | tr '\t\n' ': ' | sed 's/ $//'
}

@test "a VM that is no image yet is registered, and is one from then on" {
	run vmgroup create shop 'web=web1@host1*3' db1@host2
	echo "$output"
	[ "$status" -eq 0 ]
	[ -z "$output" ]
	[ "$(members shop)" = 'web:web1:3 db1:db1:1' ]
	mastimg verify
	[ "$(mastimg list -r -o NAME,VM,HOST)" = $'db1\tdb1\thost2\nweb1\tweb1\thost1' ]
	# Again, it is that image; the same VM twice in one command is one.
	vmgroup create other more=web1@host1 again=web1@host1
	[ "$(members other)" = 'more:web1:1 again:web1:1' ]
	[ "$(mastimg list -r | wc -l)" -eq 2 ]
}

@test "a VM of a name that is taken is registered under its member's" {
	vmgroup create one web1@host1
	mastimg rename web1 db1
	vmgroup create two data=db1@host2
	[ "$(members two)" = 'data:data:1' ]
	run --separate-stderr vmgroup create three db1=db1@host2
	[ "$status" -eq 0 ]
	[ "$(members three)" = 'db1:data:1' ]
}

@test "if the second VM fails, the first stays an image, which is said, and there is no group" {
	run --separate-stderr vmgroup create shop web=web1@host1 db=none@host2
	echo "$stderr"
	[ "$status" -eq 1 ]
	[[ ${stderr_lines[0]} == 'vmgroup: image web1 was made and stays: '* ]]
	[[ ${stderr_lines[1]} == "vmgroup: 'db=none@host2': "*none* ]]
	[ "${#stderr_lines[@]}" -eq 2 ]
	[ "$(mastimg list -r -o NAME)" = web1 ]
	[ -z "$(vmgroup list -r)" ]
	# What the rules refuse is refused before anything is captured.
	run --separate-stderr vmgroup create shop x=db1@host2 x=web1
	[ "$status" -eq 2 ]
	[ "$(mastimg list -r -o NAME)" = web1 ]
	vmgroup create shop web=web1@host1 db=db1@host2
	[ "$(members shop)" = 'web:web1:1 db:db1:1' ]
}

@test "update captures each image of the group and of those below it once, and names what fails" {
	vmgroup create base db=db1@host2
	vmgroup create shop 'web=web1@host1*2' base
	run --separate-stderr vmgroup update -v shop --comment 'new release'
	[ "$status" -eq 0 ]
	[ "$(grep -c 'image web1: generation 2 of web1@host1' <<<"$stderr")" -eq 1 ]
	[ "$(grep -c 'image db1: generation 2 of db1@host2' <<<"$stderr")" -eq 1 ]
	[[ $(vmgroup log -r -o WHAT,COMMENT shop | tail -n 1) == $'update web1 db1\tnew release' ]]
	mastimg verify
	sed 's/^host2[[:blank:]].*/host2 192.0.2.1 - -/' "$LAB_HOSTS_FILE" >"$folder/hosts"
	run --separate-stderr vmgroup update --hosts "$folder/hosts" shop
	echo "$stderr"
	[ "$status" -eq 3 ]
	[ "$stderr" = "vmgroup: image db1: host host2 has no libvirt URI in $folder/hosts" ]
	run --separate-stderr vmgroup update --hosts "$folder/hosts" base
	[ "$status" -eq 2 ]
}

@test "what is deployed is not deleted, nor are its images; a rename does not lose it" {
	vmgroup create shop web=web1@host1
	vmgroup deploy --name trial shop
	run --separate-stderr vmgroup delete --with-images shop
	[ "$status" -eq 1 ]
	[ "$stderr" = 'vmgroup: group shop is deployed as trial: undeploy it first' ]
	vmgroup remove --with-images shop web
	[ "$(mastimg list -r -o NAME)" = web1 ]
	vmgroup rename shop store
	[ "$(vmgroup list -r -o GROUP,VMS,DEPLOYED)" = $'store\t0\ttrial' ]
	vmgroup undeploy trial
	[ "$(vmgroup list -r -o GROUP,DEPLOYED)" = $'store\t-' ]
	vmgroup add store web=web1
	vmgroup delete --with-images store
	[ -z "$(mastimg list -r)" ]
	[ -z "$(ls "$folder/images/images")" ]
}
