#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the suites that are in OUTPUT/vm/initramfs on another kernel: vm.sh OUTPUT KERNEL, with KERNEL 6.1, 6.12 or a path to a
# vmlinuz. The guest's KTAP comes out as it is printed; the guest's exit status is this one's.
#
# TCG, because no /dev/kvm is needed; thread=single, because QEMU 7.2's multi-threaded TCG hangs now and then when the kernel
# patches its own text (tracepoints, BPF attach).
set -u

output=$1
kernel=$2
case $kernel in
*/*) image=$kernel ;;
*) image=$output/vm/$kernel/vmlinuz ;;
esac
if [ ! -r "$image" ]; then
	echo "vm.sh: no kernel $image" >&2
	exit 2
fi
logs=$(mktemp -d "$output/vm/run.XXXXXX") || exit 1
qemu=
# shellcheck disable=SC2317 # called by trap
finish()
{
	[ -z "$qemu" ] || kill "$qemu" 2>/dev/null
	rm -rf "$logs"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# The kernel takes several archives in a row.
cat "$output/vm/initramfs" >"$logs/initramfs"
[ ! -f "${image%/*}/modules.cpio" ] || cat "${image%/*}/modules.cpio" >>"$logs/initramfs"

qemu-system-x86_64 -accel tcg,thread=single -cpu max -smp 2 -m "${VM_MEMORY:-2048}" \
	-kernel "$image" -initrd "$logs/initramfs" \
	-append "console=ttyS0 loglevel=4 panic=-1 oops=panic" \
	-display none -vga none -nodefaults -no-reboot -no-user-config \
	-serial "file:$logs/console" -serial stdio \
	-device isa-debug-exit,iobase=0xf4,iosize=0x04 </dev/null 2>"$logs/qemu" &
qemu=$!
wait "$qemu"
status=$?
qemu=

# QEMU's status is (v << 1) | 1 with v = 16 + the guest's.
if [ "$status" -ge 33 ] && [ "$status" -le 127 ] && [ $((status & 1)) -eq 1 ]; then
	exit $(((status >> 1) - 16))
fi
echo "# the guest did not report (QEMU ended with $status); its last words:"
tail -n 20 "$logs/console" | tr -d '\r' | sed 's/^/# /'
sed 's/^/# qemu: /' "$logs/qemu"
exit 1
