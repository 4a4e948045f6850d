# shellcheck shell=bash
# shellcheck disable=SC2154 # demo, show.bash and the lab set what is used here
# groups: two machines become master images, and a group of them a test environment, twice, until it is taken back

groups_up()
{
	local host
	prepare 'vmroll: two machines become master images, and many machines are made of them'
	step 'three hosts' "$lab" up --dir "$demo/lab" --hosts 3 --guests 0 --owner "${owner:-$$}"
	# shellcheck source=/dev/null
	source "$demo/lab/env"
	# Else all three have the same: what is free on this machine, which changes all the time.
	for host in $LAB_HOSTS; do
		"$lab" storage "$host" 512M
	done
	step 'web on host1, which boots from its disk' source_up web host1 raw
	step 'db on host2, which does, too' source_up db host2 qcow2
	groups_settings
	export VMROLL_CONFIG=$demo/vmroll.conf
}

# source_up VM HOST FORMAT: a machine that runs and was made by hand.
source_up()
{
	"$lab" disk "$1" "$2" "--format=$3" --agent
	"$lab" start "$1" "$2"
	await 30 "the guest agent of $1" on "$2" guestinfo "$1"
}

groups_settings()
{
	cat >"$demo/vmroll.conf" <<-END
		store = "lmdb:$demo/store"
		hosts = "$LAB_HOSTS_FILE"
		image { repository = "$demo/images" }
	END
}

# on HOST COMMAND...: virsh there.
on()
{
	local uri=LAB_URI_$1
	virsh -q -c "${!uri}" "${@:2}" >/dev/null 2>&1
}

# The first words of the lines, in one.
names()
{
	awk 'NF { print $1 }' | sort | xargs | sed 's/^$/none/'
}

# What each host has: its machines, and the volumes in its pool.
holdings()
{
	local host uri
	for host in $LAB_HOSTS; do
		uri=LAB_URI_$host
		virsh -q -c "${!uri}" pool-refresh default >/dev/null
		printf '  %s  machines: %s\n  %s  volumes:  %s\n' \
			"$host" "$(virsh -q -c "${!uri}" list --all --name | names)" \
			"${host//?/ }" "$(virsh -q -c "${!uri}" vol-list default | names)"
	done
}

chapter_images()
{
	heading "$((++chapter)). Two machines become master images while they run"
	show mastimg candidates
	must mastimg register web@host1 --comment 'web server, patched in November'
	must mastimg register db@host2 --quiesce
	show mastimg list
	show mastimg verify
}

chapter_group()
{
	heading "$((++chapter)). A group of three web servers and a data base"
	must vmgroup create shop web='web*3' db=db --comment 'the shop as it is tested'
	show vmgroup tree shop
	show vmgroup deploy shop --name test --policy spread --dry-run
}

chapter_deployment()
{
	before=$(holdings)
	heading "$((++chapter)). It is deployed to the three hosts, and started"
	must vmgroup deploy shop --name test --policy spread --start
	show_words test
	show vmgroup status test
	say 'The same again changes nothing:'
	printf '\n'
	must vmgroup deploy shop --name test
}

# show_words DEPLOYMENT: what each of its machines says of itself on its serial line, which must be its own UUID.
show_words()
{
	local host vm uri uuid words
	say 'Each has booted, and says who it is on its serial line:'
	printf '\n'
	for host in $LAB_HOSTS; do
		uri=LAB_URI_$host
		for vm in $(virsh -q -c "${!uri}" list --name | grep "^$1-" | sort); do
			"$lab" booted "$vm" "$host"
			await 30 "the guest agent of $vm" on "$host" guestinfo "$vm"
			uuid=$(virsh -q -c "${!uri}" domuuid "$vm" | head -n 1)
			words=$("$lab" console "$vm" | grep -a "^ready $uuid" | tail -n 1 | tr -d '\r')
			printf '  %s  %-12s %s\n' "$host" "$vm" "$words"
		done
	done
	printf '\n'
}

chapter_second()
{
	heading "$((++chapter)). A second one beside it, of linked clones"
	must vmgroup deploy shop --name next --policy spread --linked --start
	show_words next
	show vmgroup status
}

chapter_undeployment()
{
	heading "$((++chapter)). Both are taken back"
	show vmgroup undeploy test
	must vmgroup undeploy shop --all --force
	show vmgroup status
	say 'What is left on the hosts is what was there before:'
	printf '\n'
	holdings
	printf '\n'
	[[ $(holdings) == "$before" ]] || die 'something is left'
}

groups_chapters()
{
	chapter_images
	chapter_group
	chapter_deployment
	chapter_second
	chapter_undeployment
}

groups_done()
{
	:
}

groups_play()
{
	cat <<-END
		  vmgroup deploy shop --name mine --linked --start
		  vmgroup status mine; lab console mine-db
		  vmgroup undeploy mine --force
	END
}
