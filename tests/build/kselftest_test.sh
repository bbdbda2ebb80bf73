#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# suite: timeout=900
#
# The tests also run the kernel's way, by lib.mk and runner.sh.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
unset MAKEFLAGS MFLAGS MAKELEVEL

# In a copy of the tests that has only a known suite: all of them at once is what 'make check' does.
runs()
{
	output=$(${MAKE:-make} -C tests O="$LOCKLAB_OUTPUT" TARGETS=core run_tests 2>&1) || { echo "$output"; return 1; }
	printf '%s\n' "$output"
	nr=$(find tests/core -name '*_test.c' -o -name '*_test.sh' | wc -l)
	[ "$nr" -gt 0 ] || { echo "tests/core has no suite"; return 1; }
	[ "$(printf '%s\n' "$output" | grep -c '^ok [0-9]* selftests: ')" -eq "$nr" ] || { echo "not $nr suites ok"; return 1; }
	! printf '%s\n' "$output" | grep '^not ok'
}

lists()
{
	${MAKE:-make} -s -C tests O="$LOCKLAB_OUTPUT" TARGETS=core emit_tests
}

plan 2
check "run_tests runs the suites of a folder" runs
check "emit_tests lists them" lists
finish
