// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot - one record of every task, taken by a task iterator
 *
 * Runs in the reader's context when user space reads the iterator: no probe, nothing on the path of
 * the tasks looked at.
 *
 * A task may run while we look at it. What it is blocked in counts only if it was off the CPU, not
 * runnable and had the same switch count before and after the rest was read (a sequence count that
 * the scheduler keeps for us); otherwise it is shown as running.
 *
 * Reading memory may fault a page in, and the target chooses what stands behind its pages:
 *
 *   userfaultfd  bpf_copy_from_user_task() -> access_process_vm() -> get_user_pages_remote() with
 *                no "locked" argument, hence without FOLL_UNLOCKABLE; then faultin_page() does not
 *                set FAULT_FLAG_ALLOW_RETRY, and handle_userfault() answers SIGBUS instead of
 *                waiting. We get -EFAULT.
 *   a file system that somebody else serves (FUSE, network)
 *                would wait in the page fault, unkillable. Such mappings are not read here
 *                (is_served_here()).
 *   mmap_lock    held for writing by a call that blocks: bpf_find_vma() only tries the lock.
 *                Without it nothing is read.
 *
 * What remains is said in looking.tgid before each read, so that a supervisor knows whom to leave
 * out the next time.
 */
#include "task.bpf.h"

#define EBUSY		16
#define TMPFS_MAGIC	0x01021994
#define HUGETLBFS_MAGIC 0x958458f6
#define EXT_MAGIC	0xef53
#define XFS_MAGIC	0x58465342
#define BTRFS_MAGIC	0x9123683e
#define F2FS_MAGIC	0xf2f52010
#define RAMFS_MAGIC	0x858458f6
#define EROFS_MAGIC	0xe0f5e1e2
#define SQUASHFS_MAGIC	0x73717368
/*
 * FMODE_BACKING was bit 25 up to 6.12 and is bit 24 on 6.18, where bit 25 marks files that fanotify
 * passes over, such as that behind anonymous shared memory. Either bit makes us look; the file
 * system of what is found tells.
 */
#define MAYBE_FMODE_BACKING (1 << 24 | 1 << 25)
#define OVERLAYFS_MAGIC	    0x794c7630
#define FUSE_MAGIC	    0x65735546 /* passthrough */
#define VM_SHARED	    0x00000008
#define FIND_VMA_TRIES	    32
#define SIGNALS		    64
#define MAX_SKIP	    16

struct backing_file___full {
	struct path user_path;
} __attribute__((preserve_access_index));

struct rq___clocks {
	u64 clock;
	u64 clock_task;
} __attribute__((preserve_access_index));

struct cfs_rq___queue {
	struct rq___clocks *rq;
} __attribute__((preserve_access_index));

const volatile __u32 only_tgid; /* as the looker numbers it; 0: everybody */

/* What is looked at now, for a supervisor; see snapshotter_suspect(). */
struct {
	__u32 tgid;
	__u32 unused;
	__u64 steps;
} looking SEC(".data.looking");

__u32 skip[MAX_SKIP];
__u32 nr_skip;

/* The last process seen says how many threads it has: user space compares with what it got. */
__u32 nr_visited;
__u32 nr_threads;

/*
 * One reader, one pass at a time: the scratch is global because a record does not fit on a BPF
 * stack. Not static: clang would split the structs, and then their BTF no longer fits.
 */
struct lab_task_record record;
struct {
	struct sighand_struct *sighand;
	__u32 tgid;
	bool catches;
	__u8 actions[SIGNALS * 32];
} handlers = {};

struct {
	struct signal_struct *signal;
	__u32 level, looker_level;
	__u32 tgid, ppid, ns_tgid, ns;
} process = {};

/*
 * The mapping last asked for: most threads of a process wait in the same one, and with thousands of
 * threads the lookup would be a third of the pass. Not kept beyond the pass.
 */
struct {
	__u64 mm;
	__u64 start, end, pgoff, ino;
	__u32 dev;
	bool shared;
	bool readable; /* a read of it does not wait for somebody else */
} seen = {};

static __always_inline bool is_served_here(__u64 magic)
{
	switch (magic) {
	case TMPFS_MAGIC: /* also memfd, SysV and anonymous shared memory */
	case HUGETLBFS_MAGIC:
	case EXT_MAGIC:
	case XFS_MAGIC:
	case BTRFS_MAGIC:
	case F2FS_MAGIC:
	case RAMFS_MAGIC:
	case EROFS_MAGIC:
	case SQUASHFS_MAGIC:
		return true;
	}
	return false;
}

/* dev_t as stat(2) shows it: new_encode_dev() in include/linux/kdev_t.h. */
static __always_inline __u32 encode_dev(__u32 dev)
{
	__u32 major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xff) << 12;
}

static long see_vma(struct task_struct *task, struct vm_area_struct *vma, void *context)
{
	struct file *file = vma->vm_file;
	struct inode *inode;

	seen.start = vma->vm_start;
	seen.end = vma->vm_end;
	seen.shared = vma->vm_flags & VM_SHARED;
	seen.readable = true;
	seen.pgoff = seen.ino = seen.dev = 0;
	if (!file)
		return 0;
	inode = file->f_inode;
	seen.readable = is_served_here(inode->i_sb->s_magic);
	seen.pgoff = vma->vm_pgoff << 12;
	seen.ino = inode->i_ino;
	seen.dev = encode_dev(inode->i_sb->s_dev);
	/* On overlayfs the file that is mapped is not the one that was opened; /proc/PID/maps names
	 * the latter. */
	if (bpf_core_type_exists(struct backing_file___full) &&
	    file->f_mode & MAYBE_FMODE_BACKING) {
		__u64 magic;

		inode = BPF_CORE_READ((struct backing_file___full *)file, user_path.dentry,
				      d_inode);
		magic = BPF_CORE_READ(inode, i_sb, s_magic);
		if (magic == OVERLAYFS_MAGIC || magic == FUSE_MAGIC) {
			seen.ino = BPF_CORE_READ(inode, i_ino);
			seen.dev = encode_dev(BPF_CORE_READ(inode, i_sb, s_dev));
		}
	}
	return 0;
}

/* The word's mapping, and the memory round the word as far as that mapping goes. */
static __always_inline void read_window(struct task_struct *task, __u64 uaddr)
{
	long err = -EBUSY;
	int i;

	if (record.mm != seen.mm || uaddr < seen.start || uaddr >= seen.end) {
		seen.mm = 0;
		for (i = 0; i < FIND_VMA_TRIES && err == -EBUSY; i++)
			err = bpf_find_vma(task, uaddr, see_vma, NULL, 0);
		if (err)
			return;
		seen.mm = record.mm;
	}
	record.flags |= LAB_TASK_VMA;
	if (seen.shared)
		record.flags |= LAB_TASK_VMA_SHARED;
	record.vma_start = seen.start;
	record.vma_pgoff = seen.pgoff;
	record.vma_ino = seen.ino;
	record.vma_dev = seen.dev;
	if (!seen.readable)
		return;

	looking.tgid = record.tgid;
	looking.steps++;
	if (uaddr - seen.start >= LAB_WINDOW_BEFORE && seen.end - uaddr >= LAB_WINDOW_AFTER) {
		/* One mapping, so one read; it fails as a whole if a page of it can not be had. */
		if (!bpf_copy_from_user_task(record.window, sizeof(record.window),
					     (void *)(uaddr - LAB_WINDOW_BEFORE), task, 0)) {
			record.flags |= LAB_TASK_BEFORE | LAB_TASK_AFTER;
			record.after_len = LAB_WINDOW_AFTER;
			goto done;
		}
	}
	if (uaddr - seen.start >= LAB_WINDOW_BEFORE &&
	    !bpf_copy_from_user_task(record.window, LAB_WINDOW_BEFORE,
				     (void *)(uaddr - LAB_WINDOW_BEFORE), task, 0))
		record.flags |= LAB_TASK_BEFORE;
	if (seen.end - uaddr >= LAB_WINDOW_AFTER &&
	    !bpf_copy_from_user_task(record.window + LAB_WINDOW_BEFORE, LAB_WINDOW_AFTER,
				     (void *)uaddr, task, 0))
		record.after_len = LAB_WINDOW_AFTER;
	else if (seen.end - uaddr >= 24 &&
		 !bpf_copy_from_user_task(record.window + LAB_WINDOW_BEFORE, 24, (void *)uaddr,
					  task, 0))
		record.after_len = 24;
	else if (!bpf_copy_from_user_task(record.window + LAB_WINDOW_BEFORE, 4, (void *)uaddr, task,
					  0))
		record.after_len = 4;
	if (record.after_len)
		record.flags |= LAB_TASK_AFTER;
done:
	looking.tgid = 0;
	looking.steps++;
}

/* Does the process catch a signal other than the two that the C library keeps for itself? Asked
 * once a process and pass. */
static __always_inline bool catches_signals(struct task_struct *task)
{
	struct sighand_struct *sighand = task->sighand;
	__u32 size = bpf_core_type_size(struct k_sigaction), i;

	if (sighand == handlers.sighand && record.tgid == handlers.tgid)
		return handlers.catches;
	handlers.sighand = sighand;
	handlers.tgid = record.tgid;
	handlers.catches = false;
	if (!sighand || size > 32 ||
	    bpf_probe_read_kernel(handlers.actions, sizeof(handlers.actions),
				  (char *)sighand +
					  bpf_core_field_offset(struct sighand_struct, action)))
		return false;
	for (i = 0; i < SIGNALS; i++) {
		__u32 at = i * size;
		__u64 handler;

		/* sa_handler comes first in k_sigaction; 0 is SIG_DFL, 1 SIG_IGN. */
		if (at > sizeof(handlers.actions) - 8)
			break;
		handler = *(__u64 *)(handlers.actions + (at & (sizeof(handlers.actions) - 8)));
		if (handler > 1 && i + 1 != 32 && i + 1 != 33)
			handlers.catches = true;
	}
	return handlers.catches;
}

static __always_inline bool has_signal(struct task_struct *task)
{
	/* Not TIF_SIGPENDING: its bit moved between kernels, and freezing sets it as well. */
	return (task->pending.signal.sig[0] | task->signal->shared_pending.signal.sig[0]) &
	       ~task->blocked.sig[0];
}

/*
 * How long has it been off the CPU? exec_start is on its run queue's clock_task, which falls behind
 * that queue's clock by the time that interrupts and the host stole, on each CPU differently: put
 * it back, then compare with our own queue's clock, which is at most a tick old. The way to a queue
 * is the entity's cfs_rq (with group scheduling, which has cfs_rq.rq): the per-CPU symbol itself
 * can be taken only on a kernel with KALLSYMS_ALL.
 */
static __always_inline __u64 off_cpu(struct task_struct *task)
{
	struct task_struct *looker = bpf_get_current_task_btf();
	struct cfs_rq___queue *own, *its;
	__u64 now, then;

	own = (void *)looker->se.cfs_rq;
	its = (void *)task->se.cfs_rq;
	then = task->se.exec_start;
	if (bpf_core_field_exists(own->rq)) {
		now = own->rq->clock;
		then += its->rq->clock - its->rq->clock_task;
	} else {
		now = looker->se.exec_start;
	}
	return now > then ? now - then : 1;
}

/*
 * Numbers as the looker's PID namespace has them, and as the task's own does. Those of a process
 * are kept for its next thread.
 */
static __always_inline void read_ids(struct task_struct *task)
{
	struct pid *pid = task->thread_pid, *group, *parent, *looker;
	__u32 level;

	if (!pid) { /* released since the iterator found it */
		record.tid = task->pid;
		record.tgid = task->tgid;
		record.flags |= LAB_TASK_EXITED;
		return;
	}
	level = pid->level;
	if (process.signal != task->signal || process.level != level) {
		looker = bpf_get_current_task_btf()->thread_pid;
		group = task->signal->pids[PID_TYPE_TGID];
		parent = task->real_parent->signal->pids[PID_TYPE_TGID];
		process.signal = task->signal;
		process.level = level;
		process.looker_level = looker->level;
		process.tgid =
			process.looker_level ? pid_number(group, process.looker_level) : task->tgid;
		/* A parent outside the looker's namespace has no number there. */
		process.ppid = 0;
		if (pid_namespace_of(parent, process.looker_level) ==
		    pid_namespace_of(looker, process.looker_level))
			process.ppid = pid_number(parent, process.looker_level);
		process.ns_tgid = level ? pid_number(group, level) : task->tgid;
		process.ns = BPF_CORE_READ(pid_namespace_of(pid, level), ns.inum);
	}
	record.tid = process.looker_level ? pid_number(pid, process.looker_level) : task->pid;
	record.tgid = process.tgid;
	record.ppid = process.ppid;
	record.ns_tid = level ? pid_number(pid, level) : task->pid;
	record.ns_tgid = process.ns_tgid;
	record.ns = process.ns;
}

static __always_inline void read_regs(struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (!regs)
		return;
	if ((regs->cs & 0xffff) == ARCH_USER32_CS)
		record.flags |= LAB_TASK_COMPAT;
	record.regs[LAB_REG_AX] = regs->ax;
	record.regs[LAB_REG_DX] = regs->dx;
	record.regs[LAB_REG_CX] = regs->cx;
	record.regs[LAB_REG_BX] = regs->bx;
	record.regs[LAB_REG_SI] = regs->si;
	record.regs[LAB_REG_DI] = regs->di;
	record.regs[LAB_REG_BP] = regs->bp;
	record.regs[LAB_REG_SP] = regs->sp;
	record.regs[LAB_REG_R8] = regs->r8;
	record.regs[LAB_REG_R9] = regs->r9;
	record.regs[LAB_REG_R10] = regs->r10;
	record.regs[LAB_REG_R11] = regs->r11;
	record.regs[LAB_REG_R12] = regs->r12;
	record.regs[LAB_REG_R13] = regs->r13;
	record.regs[LAB_REG_R14] = regs->r14;
	record.regs[LAB_REG_R15] = regs->r15;
	record.regs[LAB_REG_IP] = regs->ip;
	record.flags |= LAB_TASK_REGS;
	record.syscall = (__s64)regs->orig_ax;
	record.args[0] = regs->di;
	record.args[1] = regs->si;
	record.args[2] = regs->dx;
	record.args[3] = regs->r10;
	record.args[4] = regs->r8;
	record.args[5] = regs->r9;
}

static __always_inline void forget_call(void)
{
	record.syscall = -1;
	__builtin_memset(record.args, 0, sizeof(record.args));
}

static __always_inline bool is_skipped(__u32 tgid)
{
	__u32 i;

	for (i = 0; i < MAX_SKIP; i++)
		if (i < nr_skip && skip[i] == tgid)
			return true;
	return false;
}

SEC("iter.s/task")
int take_snapshot(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct task_struct___frozen *freezer;
	struct task_struct___io_uring *ring;
	unsigned int state, exit_state, flags;

	if (ctx->meta->seq_num == 0) {
		handlers.sighand = NULL;
		process.signal = NULL;
		seen.mm = 0;
	}
	if (!task)
		return 0;
	__builtin_memset(&record, 0, sizeof(record));
	read_ids(task);
	if (only_tgid && record.tgid != only_tgid)
		return 0;
	nr_visited++;
	nr_threads = task->signal->nr_threads;

	flags = task->flags;
	state = task->__state;
	exit_state = task->exit_state;
	record.switches = task->nvcsw + task->nivcsw;
	record.syscall = -1;
	record.state = state_letter(state, exit_state);
	record.mm = (__u64)task->mm;
	record.start_ns = task->start_boottime;
	record.runtime_ns = task->se.sum_exec_runtime;
	bpf_probe_read_kernel(record.comm, sizeof(record.comm), &task->comm);
	if (flags & PF_KTHREAD)
		record.flags |= LAB_TASK_KTHREAD;
	if (flags & PF_EXITING)
		record.flags |= LAB_TASK_EXITING;
	if (exit_state)
		record.flags |= LAB_TASK_EXITED;
	if (task->on_cpu)
		record.flags |= LAB_TASK_ON_CPU;
	if (task->ptrace)
		record.flags |= LAB_TASK_PTRACED;
	freezer = (void *)task;
	if (state & TASK_FROZEN_BIT ||
	    (bpf_core_field_exists(freezer->frozen) && BPF_CORE_READ_BITFIELD(freezer, frozen)))
		record.flags |= LAB_TASK_FREEZING;
	ring = (void *)task;
	if (flags & PF_IO_WORKER || (bpf_core_field_exists(ring->io_uring) && ring->io_uring))
		record.flags |= LAB_TASK_IO_URING;
	if (!exit_state && !(flags & (PF_KTHREAD | PF_IO_WORKER)) && record.mm) {
		if (has_signal(task))
			record.flags |= LAB_TASK_SIGNAL;
		if (catches_signals(task))
			record.flags |= LAB_TASK_SIGCAUGHT;
		read_regs(task);
		if (!state || record.flags & (LAB_TASK_ON_CPU | LAB_TASK_COMPAT))
			forget_call();
		else
			record.off_cpu_ns = off_cpu(task);
		if (call_waits_on_word(record.syscall, record.args[0], record.args[1]) &&
		    !is_skipped(record.tgid))
			read_window(task, record.args[0]);
		/* Moved meanwhile: nothing of it belongs together. */
		if (state && (task->__state != state || task->on_cpu ||
			      task->nvcsw + task->nivcsw != record.switches)) {
			record.state = 'R';
			record.switches = task->nvcsw + task->nivcsw;
			record.off_cpu_ns = 0;
			record.flags &= ~(LAB_TASK_BEFORE | LAB_TASK_AFTER | LAB_TASK_VMA |
					  LAB_TASK_VMA_SHARED);
			record.after_len = 0;
			forget_call();
		}
	}
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
