/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * snapshot - what one look takes of one task
 *
 * The BPF task iterator (bpf/snapshot.bpf.c) and the /proc reader (user/observe/snapshot_proc.c)
 * fill the same record, so that nothing above them asks which one it was. A field that a source can
 * not fill is 0 (or -1 where 0 means something).
 */
#ifndef LOCKLAB_UAPI_SNAPSHOT_H
#define LOCKLAB_UAPI_SNAPSHOT_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define LAB_COMM_LEN 16

/*
 * The window: user memory round the futex word, [uaddr - BEFORE, uaddr + AFTER). Covers every glibc
 * object from any of its words.
 */
#define LAB_WINDOW_BEFORE 48
#define LAB_WINDOW_AFTER  80

/* DWARF numbers of x86-64, so that an unwinder takes regs[] as it is. */
enum lab_reg {
	LAB_REG_AX,
	LAB_REG_DX,
	LAB_REG_CX,
	LAB_REG_BX,
	LAB_REG_SI,
	LAB_REG_DI,
	LAB_REG_BP,
	LAB_REG_SP,
	LAB_REG_R8,
	LAB_REG_R9,
	LAB_REG_R10,
	LAB_REG_R11,
	LAB_REG_R12,
	LAB_REG_R13,
	LAB_REG_R14,
	LAB_REG_R15,
	LAB_REG_IP,
	LAB_NR_REGS
};

enum lab_task_flags {
	LAB_TASK_KTHREAD = 1 << 0, /* kernel thread: no user memory */
	/* zombie or dead: will never run again, its TID still taken */
	LAB_TASK_EXITED = 1 << 1,
	LAB_TASK_EXITING = 1 << 2, /* PF_EXITING: on its way out */
	LAB_TASK_COMPAT = 1 << 3, /* 32-bit code: its registers and layouts are not read */
	/* regs[] is whole (BPF); otherwise only SP and IP are, if not 0 */
	LAB_TASK_REGS = 1 << 4,
	LAB_TASK_SIGNAL = 1 << 5, /* a signal is pending: a wait may end by itself */
	LAB_TASK_IO_URING = 1 << 6, /* has an io_uring open: completions may wake */
	LAB_TASK_BEFORE = 1 << 7, /* window before the word was read */
	/* window from the word on was read, after_len bytes of it */
	LAB_TASK_AFTER = 1 << 8,
	LAB_TASK_VMA = 1 << 9, /* the vma_ fields describe the mapping of args[0] */
	LAB_TASK_ON_CPU = 1 << 10, /* was running on a CPU when looked at */
	/* frozen or in a frozen cgroup: asleep, but not by its own wish */
	LAB_TASK_FREEZING = 1 << 11,
	LAB_TASK_PTRACED = 1 << 12, /* somebody traces it */
	/* catches a signal other than 32 and 33: a handler may post */
	LAB_TASK_SIGCAUGHT = 1 << 13,
	LAB_TASK_VMA_SHARED = 1 << 14, /* that mapping is MAP_SHARED */
	/* its system call, registers and memory may not be looked at (no permission) */
	LAB_TASK_UNREADABLE = 1 << 15,
};

/**
 * struct lab_task_record - one task at one look
 * @tgid: process, as the looker's PID namespace numbers it
 * @tid: thread, likewise
 * @ppid: tgid of the real parent, likewise; 0 if it has no number there
 * @ns_tid: thread ID in its own PID namespace: what it writes into lock words
 * @ns_tgid: its process ID there
 * @ns: identity of that namespace (nsfs inode), 0 unknown
 * @flags: enum lab_task_flags
 * @state: letter as in /proc/PID/stat: R S D T t Z X I
 * @mm: identity of the address space, opaque, never shown; 0 none. From /proc: the tgid
 * @start_ns: when it was created, CLOCK_BOOTTIME (from /proc: to a clock tick)
 * @switches: voluntary + involuntary context switches so far
 * @off_cpu_ns: how long it had been off the CPU at the look, to a tick; 0 unknown
 * @runtime_ns: CPU time it has used so far
 * @syscall: number of the system call it is blocked in, -1 none. restart_syscall is reported as it
 * is
 * @args: its six arguments
 * @regs: user registers at entry to the kernel, by enum lab_reg
 * @vma_start: mapping of args[0], first address
 * @vma_pgoff: its offset in the file, bytes
 * @vma_ino: inode of the file behind it, 0 anonymous
 * @vma_dev: device of that inode, as in stat(2)'s st_dev (new_encode_dev)
 * @after_len: bytes of @window from LAB_WINDOW_BEFORE on that were read
 * @comm: as the kernel has it: any bytes, NUL-terminated
 * @window: user memory round args[0] if @syscall is a futex wait
 */
struct lab_task_record {
	__u32 tgid;
	__u32 tid;
	__u32 ppid;
	__u32 ns_tid;
	__u32 ns_tgid;
	__u32 ns;
	__u32 flags;
	__u32 state;
	__u64 mm;
	__u64 start_ns;
	__u64 switches;
	__u64 off_cpu_ns;
	__u64 runtime_ns;
	__s64 syscall;
	__u64 args[6];
	__u64 regs[LAB_NR_REGS];
	__u64 vma_start;
	__u64 vma_pgoff;
	__u64 vma_ino;
	__u32 vma_dev;
	__u32 after_len;
	char comm[LAB_COMM_LEN];
	__u8 window[LAB_WINDOW_BEFORE + LAB_WINDOW_AFTER];
};

#endif
