#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Makes an ordinary pthread program hang, looks at it from outside, and explains it. Usage: demo.sh OUTPUT. Exit status 0 exactly when
# the deadlock was found.
set -eu

output=$1
program=$output/tests/hang/mutex_abba

"$program" &
pid=$!
trap 'kill -9 $pid 2>/dev/null || :; wait $pid 2>/dev/null || :' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# It hangs when each of its threads (the two and the one that waits for them) sleeps, and none has run since the look before.
sleeping()
{
	[ "$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)" -ge 3 ] || return 1
	! grep -h '^State:' "/proc/$pid"/task/*/status 2>/dev/null | grep -qv '(sleeping)'
}

switches()
{
	cat "/proc/$pid"/task/*/status 2>/dev/null | grep ctxt_switches
}

echo "A program of two threads and two mutexes, $program, runs as process $pid."
before=
looks=0
until [ "$looks" -eq 3 ]; do
	kill -0 "$pid" 2>/dev/null || { echo "$program ended instead of hanging" >&2; exit 1; }
	now=$(switches)
	if [ "$now" = "$before" ] && sleeping; then
		looks=$((looks + 1))
	else
		looks=0
	fi
	before=$now
	sleep 0.02
done
echo "It hangs. What does locklab say?"
echo
echo "\$ locklab diagnose $pid"
status=0
"$output/locklab" diagnose "$pid" || status=$?
[ "$status" -eq 1 ] || { echo "not explained: locklab exited with $status" >&2; exit 1; }
# The same once more, for a machine to judge.
"$output/locklab" diagnose --json "$pid" | tr -d ' \n' | grep -q '"findings":\[{"kind":"deadlock"' ||
	{ echo "not explained: no deadlock among the findings" >&2; exit 1; }
