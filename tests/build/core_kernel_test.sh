#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# suite: timeout=300
#
# The core compiles as kernel code as well, without a warning, and leaves nothing in the source tree.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
[ -n "$KDIR" ] || { echo "no kernel headers (package linux-headers-amd64)"; exit 4; }

compiles()
{
	rm -rf "$LOCKLAB_OUTPUT/core-kernel"
	output=$(${MAKE:-make} --no-print-directory O="$LOCKLAB_OUTPUT" core-kernel 2>&1) || { echo "$output"; return 1; }
	[ -z "$output" ] || { echo "$output"; return 1; }
	for source in module/core/*.c; do
		[ -s "$LOCKLAB_OUTPUT/core-kernel/${source%.c}.o" ] || { echo "no object of $source"; return 1; }
	done
}

# The kernel has no unsigned division of 64 bits on 32-bit machines, no libc and no floating point: what the objects ask for says so.
asks_for_little()
{
	for object in "$LOCKLAB_OUTPUT"/core-kernel/module/core/*.o; do
		nm -u "$object" || return 1
	done | awk 'NF' | sed 's/.* U //; s/^ *U //' | sort -u >"$LOCKLAB_OUTPUT/core-kernel/undefined"
	for object in "$LOCKLAB_OUTPUT"/core-kernel/module/core/*.o; do
		nm --defined-only "$object" | awk '{ print $3 }'
	done | sort -u >"$LOCKLAB_OUTPUT/core-kernel/defined"
	others=$(comm -23 "$LOCKLAB_OUTPUT/core-kernel/undefined" "$LOCKLAB_OUTPUT/core-kernel/defined" |
		grep -vxE '__fentry__|__x86_return_thunk|__x86_indirect_.*|mem(set|cpy|move|cmp)|str(len|cmp|ncmp)|__stack_chk_fail|__ubsan_.*')
	[ -z "$others" ] || { echo "$others"; return 1; }
}

tree_is_clean()
{
	left=$(find module Kbuild -newer "$before" -type f)
	[ -z "$left" ] || { echo "$left"; return 1; }
}

before=$(mktemp)
trap 'rm -f "$before"' EXIT
plan 3
check "core compiles as kernel code with W=1, silently" compiles
check "core asks the kernel for memory functions at most" asks_for_little
check "the source tree stays as it was" tree_is_clean
finish
