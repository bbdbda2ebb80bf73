#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Packs what a guest needs: initramfs.sh OUTPUT SUITE... with SUITE a tests/*/*_test.c that is built. Leaves
# OUTPUT/vm/initramfs: busybox, guest-init.sh, the command, the runner, the suites, the programs they look at, and the shared
# libraries of all of them.
set -eu

output=$(cd "$1" && pwd)
shift
tree=$(mktemp -d "$output/vm/tree.XXXXXX")
trap 'rm -rf "$tree"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

chmod 755 "$tree"
mkdir -p "$tree/bin" "$tree/proc" "$tree/sys" "$tree/dev" "$tree/etc" "$tree/lab/.output/tests" "$tree/var/tmp"
cp /bin/busybox "$tree/bin/"
cp "$output/vm/leave" "$tree/bin/leave"
install -m 755 tests/vm/guest-init.sh "$tree/init"
echo 'root:x:0:0:root:/tmp:/bin/sh' >"$tree/etc/passwd"
echo 'nobody:x:65534:65534:nobody:/tmp:/bin/sh' >>"$tree/etc/passwd"

cp "$output/locklab" "$output/run" "$tree/lab/.output/"
for room in hang healthy hostile; do
	if [ -d "$output/tests/$room" ]; then
		mkdir -p "$tree/lab/.output/tests/$room"
		find "$output/tests/$room" -type f -perm /111 -exec cp {} "$tree/lab/.output/tests/$room/" \;
	fi
done
for suite; do
	# The runner reads a suite's settings from its source.
	mkdir -p "$tree/lab/$(dirname "$suite")" "$tree/lab/.output/$(dirname "$suite")"
	cp "$suite" "$tree/lab/$suite"
	cp "$output/${suite%.c}" "$tree/lab/.output/${suite%.c}"
done
install -m 755 tests/vm/guest-suites.sh "$tree/lab/run-suites"

# Shared libraries, and the loader, where the programs expect them.
find "$tree/lab/.output" -type f -perm /111 -exec ldd {} + 2>/dev/null |
	sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) (0x.*/\1/p' | sort -u |
	while read -r library; do
		mkdir -p "$tree$(dirname "$library")"
		cp -L "$library" "$tree$library"
	done

(cd "$tree" && find . | cpio -o -H newc -R 0:0 --quiet) >"$output/vm/initramfs.new"
mv "$output/vm/initramfs.new" "$output/vm/initramfs"
