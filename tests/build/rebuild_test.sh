#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# suite: timeout=600
#
# make builds what a change touches, and only that. All in a copy of the tree.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
tar -c --exclude=./.git --exclude=./.output . | tar -x -C "$tree"
unset MAKEFLAGS MFLAGS MAKELEVEL

# The libraries of one room will do.
build()
{
	${MAKE:-make} --no-print-directory -C "$tree" O=out out/libcore.a "$@" 2>&1
}

all_of_it()
{
	build || return 1
	[ -s "$tree/out/libcore.a" ]
}

nothing()
{
	output=$(build) || { echo "$output"; return 1; }
	! printf '%s\n' "$output" | grep -E '^  (CC|AR|LD)' || { echo "$output"; return 1; }
}

# rebuilt N: the next make compiles N files (all: that many as there are)
rebuilt()
{
	want=$1
	shift
	output=$(build "$@") || { echo "$output"; return 1; }
	printf '%s\n' "$output"
	found=$(printf '%s\n' "$output" | grep -c '^  CC ')
	[ "$found" -eq "$want" ] || { echo "compiled $found files, not $want"; return 1; }
}

header()
{
	touch "$tree/module/core/model.h"
	want=$(cd "$tree" && grep -lE 'module/core/model\.h' out/obj/module/core/*.d | wc -l)
	[ "$want" -gt 0 ] || { echo "nothing includes it"; return 1; }
	rebuilt "$want"
}

removed_source()
{
	printf '%s\n' '#include "env.h"' 'int extra(void);' 'int extra(void) { return 1; }' >"$tree/module/core/extra.c"
	build CFLAGS=-O1 || return 1
	ar t "$tree/out/libcore.a" | grep -qx extra.o || { echo "not in the archive"; return 1; }
	rm "$tree/module/core/extra.c"
	build CFLAGS=-O1 || return 1
	! ar t "$tree/out/libcore.a" | grep -qx extra.o || { echo "still in the archive"; return 1; }
}

verbose()
{
	rm -f "$tree"/out/obj/module/core/model.o
	build CFLAGS=-O1 V=1 | grep -q -- '-MMD -MP -c -o out/obj/module/core/model.o module/core/model.c'
}

clean_tree()
{
	rm -rf "$tree/out"
	(cd "$tree" && find . -type f | sort) >"$tree.after"
	find . -path ./.git -prune -o -path ./.output -prune -o -type f -print | sort >"$tree.before"
	diff "$tree.before" "$tree.after"
	status=$?
	rm -f "$tree.before" "$tree.after"
	return $status
}

nr=$(find module/core -name '*.c' | wc -l)
plan 8
check "a first make builds" all_of_it
check "a second make has nothing to do" nothing
check "after a header changed, what includes it is compiled" header
check "then there is nothing to do" nothing
check "other flags compile everything" rebuilt "$nr" CFLAGS=-O1
check "a removed source file leaves its archive" removed_source
check "V=1 shows the commands" verbose
check "nothing is made outside of the output folder" clean_tree
finish
