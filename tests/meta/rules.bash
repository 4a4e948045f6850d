# shellcheck shell=bash
# rules.bash - holds a rule against this project, and against what a test plants to break it

: "${top_srcdir:?}"
rules=$BATS_TEST_DIRNAME/rules
tree=$BATS_TEST_TMPDIR/tree

# plant FILE TEXT...: a line a TEXT, in a tree of its own.
plant()
{
	local file=$tree/$1
	shift
	mkdir -p "${file%/*}"
	printf '%s\n' "$@" >"$file"
}

# holds RULE [ARGUMENT...]: the rule says nothing about this project.
holds()
{
	local rule=$1
	shift
	run "$rules/$rule" "$top_srcdir" "$@"
	echo "$output"
	[[ $status -eq 0 && -z $output ]]
}

# finds RULE LINE... [-- ARGUMENT...]: what is planted is found, at these places.
finds()
{
	local rule=$1 places=()
	shift
	while (($#)) && [[ $1 != -- ]]; do
		places+=("$1")
		shift
	done
	shift || true
	run "$rules/$rule" "$tree" "$@"
	echo "$output"
	[[ $status -eq 1 ]]
	for place in "${places[@]}"; do
		[[ $output == *"$place"* ]]
	done
}

# spares RULE [ARGUMENT...]: what is planted breaks nothing.
spares()
{
	local rule=$1
	shift
	run "$rules/$rule" "$tree" "$@"
	echo "$output"
	[[ $status -eq 0 && -z $output ]]
}
