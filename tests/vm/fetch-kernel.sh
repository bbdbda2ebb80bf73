#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Gets one of Debian's kernels to boot a guest with: fetch-kernel.sh OUTPUT FLAVOUR leaves OUTPUT/vm/FLAVOUR/vmlinuz, in
# OUTPUT/vm/FLAVOUR/package which package it is from, and in OUTPUT/vm/FLAVOUR/modules.cpio the modules that a running Debian loads
# when somebody asks who is at the other end of a socket. FLAVOUR is 6.1 or 6.12. The package itself is not installed and does not
# stay. What is there is there whole: it appears by one rename at the end.
set -eu

output=$1
flavour=$2

case $flavour in
6.1) meta=linux-image-amd64 ;;
6.12) meta=linux-image-6.12-amd64 ;;
*)
	echo "fetch-kernel.sh: no flavour '$flavour': there are 6.1 and 6.12" >&2
	exit 2
	;;
esac

mkdir -p "$output/vm"
output=$(cd "$output" && pwd)
work=$(mktemp -d "$output/vm/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The meta package depends on the one with the kernel in it.
package_of()
{
	apt-cache depends "$1" 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1
}

download()
{
	package=$(package_of "$meta")
	[ -n "$package" ] && (cd "$work" && apt-get download -qq "$package" 2>apt.err)
}

printf '  %-8s %s\n' KERNEL "$flavour: downloading, once"
if ! download; then
	# A fresh machine has no package lists yet, an old one has stale ones.
	if [ "$(id -u)" -eq 0 ]; then
		apt-get update -qq || true
	elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
		sudo apt-get update -qq || true
	fi
	if ! download; then
		[ ! -s "$work/apt.err" ] || sed 's/^/  /' "$work/apt.err" >&2
		echo "kernel $flavour can not be downloaded: run 'apt-get update' as root, then make again" >&2
		exit 3
	fi
fi
mkdir "$work/tree" "$work/done"
dpkg-deb --fsys-tarfile "$work"/linux-image-*.deb | tar -x -C "$work/tree" --wildcards './boot/vmlinuz-*' \
	'*/inet_diag.ko*' '*/tcp_diag.ko*' '*/unix_diag.ko*'
mv "$work"/tree/boot/vmlinuz-* "$work/done/vmlinuz"
echo "$package" >"$work/done/package"
mkdir "$work/modules" "$work/modules/modules"
find "$work/tree" -name '*_diag.ko*' -exec cp {} "$work/modules/modules/" \;
find "$work/modules" -name '*.xz' -exec xz -d {} +
(cd "$work/modules" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/done/modules.cpio"
chmod 755 "$work/done"
# Made now, whatever the package says: make compares.
touch "$work/done/vmlinuz"
rm -rf "$output/vm/$flavour"
mv "$work/done" "$output/vm/$flavour"
