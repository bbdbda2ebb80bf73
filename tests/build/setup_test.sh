#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# setup says what is missing and how to get it, and says nothing when nothing is.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
command -v dpkg-query >/dev/null || { echo "no Debian: no dpkg-query"; exit 4; }

silent()
{
	output=$(tests/setup.sh --check dpkg apt 2>&1) || return 1
	[ -z "$output" ] || { echo "$output"; return 1; }
}

tells()
{
	status=0
	output=$(tests/setup.sh --check dpkg no-such-package-1 apt no-such-package-2 2>&1) || status=$?
	[ "$output" = "setup: missing packages: no-such-package-1 no-such-package-2
setup: as root: apt-get install --no-install-recommends no-such-package-1 no-such-package-2" ] || {
		echo "$output"
		return 1
	}
	[ "$status" = 3 ] || { echo "exit status $status"; return 1; }
}

whole_names()
{
	! tests/setup.sh --check dp pt 2>/dev/null
}

plan 3
check "nothing missing, nothing said" silent
check "says what is missing, and the command" tells
check "names are compared whole" whole_names
finish
