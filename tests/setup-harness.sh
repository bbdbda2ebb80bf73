#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Takes the kernel's own test harness, its test runner and checkpatch out of Debian's kernel source package, which apt brings
# and checks. Usage: setup-harness.sh OUTPUT. Leaves
#
#	OUTPUT/kernel/tools/testing/selftests/	harness headers, lib.mk, kselftest/runner.sh, run_kselftest.sh
#	OUTPUT/kernel/scripts/			checkpatch.pl and its word lists, extract-vmlinux
#	OUTPUT/kselftest			-> the first of the two
#	OUTPUT/checkpatch			-> the second
#
# The 150 MB package lives only as long as this runs. What is there is there whole: it appears by one rename at the end.
set -eu

output=$1
# The newest that Debian 12 has first. 6.1's harness runs a test's body even after SKIP in its setup.
packages="linux-source-6.12 linux-source-6.1"

mkdir -p "$output"
output=$(cd "$output" && pwd)
work=$(mktemp -d "$output/harness.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say()
{
	printf '  %-8s %s\n' HARNESS "$*"
}

fetch()
{
	for package in $packages; do
		say "$package: downloading 150 MB, once"
		# As root apt downloads as user _apt, who has to be able to write here; if that can not be, it falls back with a warning.
		if (cd "$work" && apt-get download -qq "$package" 2>apt.err); then
			return 0
		fi
	done
	return 1
}

if ! fetch; then
	# A fresh machine has no package lists yet, an old one has stale ones.
	if [ "$(id -u)" -eq 0 ]; then
		apt-get update -qq || true
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo apt-get update -qq || true
	fi
	if ! fetch; then
		sed 's/^/  /' "$work/apt.err" >&2
		echo "no package of '$packages' can be downloaded: run 'apt-get update' as root, then make again" >&2
		exit 3
	fi
fi

set -- "$work"/linux-source-*.deb
say "$package: taking the test harness and checkpatch out"
mkdir "$work/tree"
dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$package.tar.xz" | xz -dc -T0 |
	tar -x -C "$work/tree" --strip-components=1 \
		"$package/tools/testing/selftests/kselftest" \
		"$package/tools/testing/selftests/kselftest.h" \
		"$package/tools/testing/selftests/kselftest_harness.h" \
		"$package/tools/testing/selftests/lib.mk" \
		"$package/tools/testing/selftests/run_kselftest.sh" \
		"$package/scripts/checkpatch.pl" "$package/scripts/spelling.txt" \
		"$package/scripts/const_structs.checkpatch" "$package/scripts/extract-vmlinux"
for file in tools/testing/selftests/kselftest_harness.h tools/testing/selftests/kselftest.h \
	tools/testing/selftests/lib.mk tools/testing/selftests/kselftest/runner.sh scripts/checkpatch.pl; do
	if [ ! -s "$work/tree/$file" ]; then
		echo "$package has no $file" >&2
		exit 3
	fi
done
echo "$package" >"$work/tree/package"
# Newer than whatever asked for it, so that make does not ask again.
find "$work/tree" -type f -exec touch {} +

rm -rf "$output/kernel"
mv "$work/tree" "$output/kernel"
ln -sfn kernel/tools/testing/selftests "$output/kselftest"
ln -sfn kernel/scripts "$output/checkpatch"
