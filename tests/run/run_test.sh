#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# suite: timeout=60
#
# The runner judges the judges: each way in which a suite can be wrong has to be called wrong, and only those.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# suite NAME LINE...: a suite that is this script
suite()
{
	file=$dir/$1_test.sh
	shift
	{
		echo '#!/bin/sh'
		printf '%s\n' "$@"
	} >"$file"
	chmod +x "$file"
}

# judged STATUS LAST TEXT SUITE...: runs them; its exit status and last line are these, and TEXT is in the output
judged()
{
	want_status=$1
	want_last=$2
	want_text=$3
	shift 3
	status=0
	output=$("$LOCKLAB_OUTPUT/run" -o "$dir" "$@" 2>&1) || status=$?
	printf '%s\n' "$output"
	[ "$status" = "$want_status" ] || { echo "exit status $status, not $want_status"; return 1; }
	last=$(printf '%s\n' "$output" | tail -n 1)
	[ "$last" = "$want_last" ] || { echo "last line is not '$want_last'"; return 1; }
	case $output in
	*"$want_text"*) ;;
	*) echo "nowhere: $want_text"; return 1 ;;
	esac
}

one()
{
	name=$1
	shift
	judged "$@" "$dir/${name}_test.sh"
}

# What a suite started in a session of its own must not outlive the run.
nothing_left()
{
	one behind 1 "1 passed, 1 failed, 0 skipped" "left 1 processes behind" || return 1
	if kill -0 "$(cat "$dir/pid")" 2>/dev/null; then
		echo "it still lives"
		return 1
	fi
}

interrupted()
{
	rm -f "$dir/pid"
	"$LOCKLAB_OUTPUT/run" -o "$dir" "$dir/sleeper_test.sh" >"$dir/out" 2>&1 &
	run=$!
	until [ -s "$dir/pid" ]; do
		kill -0 $run || return 1
		sleep 0.01
	done
	kill -TERM $run
	status=0
	wait $run || status=$?
	if kill -0 "$(cat "$dir/pid")" 2>/dev/null; then
		echo "its suite outlived it"
		return 1
	fi
	[ $status = 143 ] || { echo "exit status $status"; return 1; }
}

suite good 'echo TAP version 13' 'echo 1..2' 'echo ok 1 one' 'echo ok 2 - two'
suite late 'echo ok 1 one' 'echo 1..1'
suite bad 'echo 1..2' 'echo ok 1 one' 'echo "# it is 3, not 4"' 'echo not ok 2 two' 'exit 1'
suite crash 'echo 1..2' 'echo ok 1 one' 'kill -SEGV $$'
suite hang '# suite: timeout=1' 'echo 1..2' 'echo ok 1 one' 'sleep 1000'
suite short 'echo 1..3' 'echo ok 1 one' 'echo ok 2 two'
suite long 'echo 1..1' 'echo ok 1 one' 'echo ok 2 two'
suite noplan 'echo ok 1 one'
suite silent ':'
suite status 'echo 1..1' 'echo ok 1 one' 'exit 7'
suite skips 'echo "1..0 # SKIP no kernel here"' 'exit 4'
suite skips2 'echo "there is no BTF" >&2' 'exit 4'
suite skips3 'exit 4'
suite someskip 'echo 1..3' 'echo ok 1 one' 'echo "ok 2 two # SKIP too small a machine"' 'echo "ok 3 # SKIP likewise"'
suite bareskip 'echo 1..1' 'echo "ok 1 one # SKIP"'
suite bail 'echo 1..1' 'echo ok 1 one' 'echo "Bail out! no memory"'
suite xpass 'echo 1..1' 'echo "ok 1 one # XPASS"'
suite behind 'echo 1..1' 'echo ok 1 one' "setsid sh -c 'echo \$\$ >$dir/pid; exec sleep 1000' >/dev/null 2>&1 &" \
	"until [ -s $dir/pid ]; do sleep 0.01; done"
suite sleeper 'echo 1..1' "echo \$\$ >$dir/pid.new; mv $dir/pid.new $dir/pid; exec sleep 1000"
suite control 'echo 1..1' "printf 'not ok 1 bell\\033[31m\\007\\n'"

plan 24
check "all good" one good 0 "2 passed, 0 failed, 0 skipped" "ok 2 $dir/good: two"
check "a plan at the end" one late 0 "1 passed, 0 failed, 0 skipped" "1..1"
check "a failed test, its diagnostics again at the end" one bad 1 "1 passed, 1 failed, 0 skipped" "
#   $dir/bad: two
#     it is 3, not 4"
check "a crash" one crash 1 "1 passed, 1 failed, 0 skipped" "killed by signal 11"
check "a hang, with who hung" one hang 1 "1 passed, 1 failed, 0 skipped" "(sleep), state S"
check "a hang is ended by its own watchdog" one hang 1 "1 passed, 1 failed, 0 skipped" "ended it after 1 s"
check "fewer results than planned" one short 1 "2 passed, 1 failed, 0 skipped" "planned 3 results and printed 2"
check "more results than planned" one long 1 "2 passed, 1 failed, 0 skipped" "planned 1 results and printed 2"
check "no plan" one noplan 1 "1 passed, 1 failed, 0 skipped" "no plan"
check "nothing at all" one silent 1 "0 passed, 1 failed, 0 skipped" "no plan"
check "an error although all passed" one status 1 "1 passed, 1 failed, 0 skipped" "exited with 7"
check "a suite that skips" one skips 4 "0 passed, 0 failed, 1 skipped" "# SKIP no kernel here"
check "a suite that skips by its exit status" one skips2 4 "0 passed, 0 failed, 1 skipped" "# SKIP there is no BTF"
check "a suite that skips without a reason" one skips3 1 "0 passed, 1 failed, 0 skipped" "gave no reason"
check "tests that skip" one someskip 0 "1 passed, 0 failed, 2 skipped" "# SKIP too small a machine"
check "a test that skips without a reason" one bareskip 1 "0 passed, 1 failed, 0 skipped" "without a reason"
check "bailing out" one bail 1 "1 passed, 1 failed, 0 skipped" "Bail out! no memory"
check "a pass that should have failed" one xpass 1 "0 passed, 1 failed, 0 skipped" "XPASS"
check "a process left behind is found and ended" nothing_left
check "control characters stay out of the terminal" one control 1 "0 passed, 1 failed, 0 skipped" 'bell\x1b[31m\x07'
check "a run is a suite of another run" judged 1 "3 passed, 1 failed, 1 skipped" "inner: $dir/bad: two" \
	"inner=$LOCKLAB_OUTPUT/run -o $dir $dir/good_test.sh $dir/skips_test.sh $dir/bad_test.sh"
check "an unknown suite" judged 2 "run: $dir/none_test.sh: No such file or directory" "" "$dir/none_test.sh"
check "a selection that matches nothing" judged 2 "0 passed, 0 failed, 0 skipped" "no suite matches" -s nothing "$dir/good_test.sh"
check "an interrupted run takes its suite with it" interrupted
finish
