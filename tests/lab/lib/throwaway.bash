# shellcheck shell=bash
# throwaway.bash - runs functions in a copy of / that is gone afterwards

# in_throwaway COMMAND...: as root in a private root folder, written to memory, in which nobody has used vmroll yet.
# /tmp, /proc, /dev, /run and the network are the machine's. Functions must be exported with export -f before.
in_throwaway()
{
	export throwaway=$BATS_TEST_TMPDIR/throwaway
	mkdir "$throwaway"
	# shellcheck disable=SC2016 # for the shell in the namespace
	unshare --mount bash -c '
		set -e
		mount --make-rprivate /
		mount -t tmpfs none "$throwaway"
		mkdir "$throwaway"/{upper,work,root}
		mount -t overlay none -o "lowerdir=/,upperdir=$throwaway/upper,workdir=$throwaway/work" "$throwaway/root"
		for folder in proc sys dev run tmp; do
			mount --rbind "/$folder" "$throwaway/root/$folder"
		done
		rm -rf "$throwaway"/root/{etc,var/lib,var/log}/vmroll
		exec chroot "$throwaway/root" bash -ec "$*"' - "$@"
}
