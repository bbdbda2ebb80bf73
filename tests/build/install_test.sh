#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is installed works from where it was put, and uninstall takes all of it away again.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

make_it()
{
	${MAKE:-make} --no-print-directory O="$LOCKLAB_OUTPUT" DESTDIR="$dir" PREFIX=/opt/lab "$@"
}

installs()
{
	make_it install || return 1
	(cd / && "$dir/opt/lab/bin/locklab" --version) || return 1
	(cd / && "$dir/opt/lab/bin/locklab" --help) | grep -q diagnose
}

page()
{
	[ -f user/cli/locklab.1 ] || { echo "user/cli/locklab.1 is not there"; return 1; }
	cmp user/cli/locklab.1 "$dir/opt/lab/share/man/man1/locklab.1"
}

completes()
{
	file=$dir/opt/lab/share/bash-completion/completions/locklab
	[ -f "$file" ] || { echo "not installed: $file"; return 1; }
	# shellcheck disable=SC2016 # for that bash
	bash -c '. "$1" && complete -p locklab' bash "$file"
}

nothing_left()
{
	make_it uninstall || return 1
	left=$(find "$dir" -type f -o -type l)
	[ -z "$left" ] || { echo "$left"; return 1; }
}

plan 4
check "the installed command runs" installs
check "the manual page is installed" page
check "bash takes the installed completion" completes
check "uninstall leaves no file" nothing_left
finish
