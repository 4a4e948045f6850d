# shellcheck shell=bash
# wait.bash - what the tests of the utilities share: waiting for a condition, ending what they began

# wait_for COMMAND...: until it succeeds; the deadline is for a test that would hang.
# What it prints is not shown; logs in $scratch are, if it never came.
wait_for()
{
	local deadline=$((SECONDS + 60))
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= deadline)); then
			echo "never: $*"
			[[ -z ${scratch:-} ]] || tail -n 20 "$scratch"/*.out "$scratch"/*.err 2>/dev/null
			return 1
		fi
		sleep 0.05
	done
}

# end_processes PID...: and waits until they are gone.
end_processes()
{
	local pid
	for pid; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}
