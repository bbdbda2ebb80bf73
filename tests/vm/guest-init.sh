#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
#
# shellcheck shell=dash
#
# PID 1 of a guest: mounts what a Debian system has mounted, runs the suites named in /lab/suites, and ends the guest with their
# exit status. The kernel logs to ttyS0; KTAP goes to ttyS1.
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /tmp
mount -t devpts pts /dev/pts
mount -t tmpfs shm /dev/shm
mount -t tmpfs tmp /tmp
chmod 1777 /tmp /dev/shm
ln -sf /proc/self/fd /dev/fd
ln -sf /proc/self/fd/0 /dev/stdin
ln -sf /proc/self/fd/1 /dev/stdout
ln -sf /proc/self/fd/2 /dev/stderr
ip link set lo up
# What Debian's kernel loads by itself when it is asked; a kernel that was given may have them built in.
for module in inet_diag tcp_diag unix_diag; do
	[ ! -f "/modules/$module.ko" ] || insmod "/modules/$module.ko"
done
exec >/dev/ttyS1 2>&1
stty -F /dev/ttyS1 -opost 2>/dev/null
echo "# guest $(uname -r), $(nproc) processors, up $(cut -d' ' -f1 /proc/uptime) s"

cd /lab || exit 1
status=1
if [ -x /lab/run-suites ]; then
	/lab/run-suites
	status=$?
fi
# What the kernel had to say is part of the verdict.
if dmesg | grep -E 'WARNING:|BUG:|Oops|INFO: task|possible (recursive|circular|irq)|general protection' >/tmp/complaints; then
	sed 's/^/# kernel: /' /tmp/complaints
	[ $status -ne 0 ] || status=1
fi
echo "# guest-exit $status, up $(cut -d' ' -f1 /proc/uptime) s"
sync
/bin/leave $status
# Not reached: leave ends the machine.
poweroff -f
