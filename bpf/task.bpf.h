/* SPDX-License-Identifier: GPL-2.0 */
/*
 * task - what the BPF programs read of a task_struct, the same on every kernel since 6.1
 *
 * vmlinux.h may come from any of them. A field that some kernels lack, or had under another name,
 * is read through a flavour of its struct (the part of the name after three underscores is dropped
 * when libbpf looks it up) and asked for first.
 */
#ifndef LOCKLAB_BPF_TASK_H
#define LOCKLAB_BPF_TASK_H

#include "vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "uapi/snapshot.h"

/* Macros of the kernel are not in BTF. */
#define PF_EXITING	     0x00000004
#define PF_IO_WORKER	     0x00000010
#define PF_KTHREAD	     0x00200000
#define TASK_REPORT	     0x7f /* __state bits that have a letter of their own */
#define TASK_IDLE_BITS	     0x402
#define TASK_RTLOCK_WAIT_BIT 0x1000
#define TASK_FROZEN_BIT	     0x8000
#define PID_TYPE_TGID	     1

struct task_struct___frozen {
	unsigned int frozen : 1;
} __attribute__((preserve_access_index));

struct task_struct___io_uring {
	void *io_uring;
} __attribute__((preserve_access_index));

/* x86-64's part: which registers carry a system call. */
#define ARCH_USER32_CS	   0x23
#define NR_FUTEX	   202
#define NR_RESTART_SYSCALL 219
#define NR_FUTEX_WAITV	   449
#define NR_FUTEX_WAIT	   455

enum futex_command {
	CMD_WAIT = 0,
	CMD_WAKE = 1,
	CMD_LOCK_PI = 6,
	CMD_WAIT_BITSET = 9,
	CMD_WAIT_REQUEUE_PI = 11,
	CMD_LOCK_PI2 = 13,
};

#define FUTEX_OPTIONS 0x180 /* PRIVATE, CLOCK_REALTIME */

static __always_inline bool futex_op_waits(__u64 op)
{
	switch (op & 0xffffffff & ~FUTEX_OPTIONS) {
	case CMD_WAIT:
	case CMD_LOCK_PI:
	case CMD_WAIT_BITSET:
	case CMD_WAIT_REQUEUE_PI:
	case CMD_LOCK_PI2:
		return true;
	}
	return false;
}

/*
 * Is args[0] of this system call a futex word that the caller waits on? futex_waitv's is an array
 * of them: user space reads that. restart_syscall keeps the registers of the call that it takes up
 * again, so a futex wait shows there as well.
 */
static __always_inline bool call_waits_on_word(__s64 nr, __u64 uaddr, __u64 op)
{
	if (!uaddr || uaddr & 3)
		return false;
	switch (nr) {
	case NR_FUTEX:
	case NR_RESTART_SYSCALL:
		return futex_op_waits(op);
	case NR_FUTEX_WAIT:
		return true;
	}
	return false;
}

/* As /proc/PID/stat has it (task_state_index() in include/linux/sched.h). */
static __always_inline char state_letter(unsigned int state, unsigned int exit_state)
{
	unsigned int s = (state | exit_state) & TASK_REPORT;

	if ((state & TASK_IDLE_BITS) == TASK_IDLE_BITS)
		return 'I';
	if (s & 0x40)
		return 'P';
	if (s & 0x20)
		return 'Z';
	if (s & 0x10)
		return 'X';
	if (s & 0x08)
		return 't';
	if (s & 0x04)
		return 'T';
	if (s & 0x02)
		return 'D';
	if (s & 0x01)
		return 'S';
	if (state & (TASK_RTLOCK_WAIT_BIT | TASK_FROZEN_BIT))
		return 'D';
	return 'R'; /* or just being woken */
}

/*
 * Address of @pid's entry for the PID namespace of that @level, as a number: kernels up to 6.1
 * refuse arithmetic with a variable on a pointer whose type they know, so it is read back as one
 * that they know nothing of.
 */
static __always_inline __u64 upid_at(struct pid *pid, __u32 level)
{
	__u64 address = 0;

	bpf_probe_read_kernel(&address, sizeof(address), &pid);
	return address + bpf_core_field_offset(struct pid, numbers) +
	       level * bpf_core_type_size(struct upid);
}

/* Number of @pid in the PID namespace of that @level, which must be its own or one above it. */
static __always_inline __u32 pid_number(struct pid *pid, __u32 level)
{
	struct upid up = {};

	if (!pid || level > BPF_CORE_READ(pid, level))
		return 0;
	bpf_probe_read_kernel(&up.nr, sizeof(up.nr),
			      (void *)(upid_at(pid, level) +
				       bpf_core_field_offset(struct upid, nr)));
	return up.nr;
}

static __always_inline struct pid_namespace *pid_namespace_of(struct pid *pid, __u32 level)
{
	struct pid_namespace *ns = NULL;

	if (!pid)
		return NULL;
	bpf_probe_read_kernel(&ns, sizeof(ns),
			      (void *)(upid_at(pid, level) +
				       bpf_core_field_offset(struct upid, ns)));
	return ns;
}

#endif
