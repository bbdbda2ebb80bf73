/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * model - tasks wait for locks, locks are held by tasks
 *
 * Data only. The sources (user/observe, later the module) fill a picture, the judge (judge.h) adds
 * findings, the faces (user/report) show it. Everything refers to everything by index into the
 * picture's arrays; LAB_NONE is "no such thing". Strings and arrays belong to whoever built the
 * picture and live as long as it.
 */
#ifndef LOCKLAB_CORE_MODEL_H
#define LOCKLAB_CORE_MODEL_H

#include "env.h"

#define LAB_NONE (~0u)

enum lab_lock_kind {
	LAB_FUTEX, /* a futex word of a library we do not know */
	LAB_MUTEX,
	LAB_RWLOCK,
	LAB_CONDVAR,
	LAB_SEMAPHORE,
	LAB_BARRIER,
	LAB_ONCE,
	LAB_THREAD, /* join: the end of a thread */
	LAB_SPINLOCK,
	LAB_STDIO, /* FILE lock */
	LAB_MALLOC, /* malloc arena and other one-word low-level locks of libc */
	LAB_PIPE,
	LAB_SOCKET,
	LAB_PROCESS, /* waitpid: the end of a process */
	LAB_FLOCK,
	LAB_RECORD_LOCK, /* fcntl: POSIX or open-file-description record lock */
	LAB_KERNEL_LOCK,
	LAB_NR_KINDS
};

enum lab_lock_attrs {
	LAB_RECURSIVE = 1 << 0,
	LAB_ERRORCHECK = 1 << 1,
	LAB_ADAPTIVE = 1 << 2,
	LAB_PI = 1 << 3,
	LAB_ROBUST = 1 << 4,
	LAB_PRIO_PROTECT = 1 << 5,
	LAB_PSHARED = 1 << 6,
	LAB_PREFER_WRITER = 1 << 7,
	LAB_READ_HELD = 1 << 8, /* a rwlock now held by readers, who are not recorded */
	LAB_FREE =
		1 << 9, /* the word says nobody holds it: a hand-off in flight, or a lost wake-up */
	LAB_RUST = 1 << 10, /* LAB_FUTEX as Rust's std uses it */
	LAB_GO = 1 << 11, /* LAB_FUTEX as Go's runtime uses it */
	LAB_INCONSISTENT = 1 << 12, /* owner field and word disagree */
	/*
	 * The kernel refused this PI lock (EDEADLK or ESRCH) and the C library parked the caller.
	 */
	LAB_EDEADLK = 1 << 13,
	LAB_OWNER_REUSED =
		1 << 14, /* the recorded TID was handed on to a newer task: the owner is gone */
};

enum lab_space {
	LAB_SPACE_KERNEL, /* a = b = 0 */
	LAB_SPACE_MM, /* a = lowest tgid that has this address space; private or anonymous memory */
	/* a = device, b = inode: shared mapping (address = offset), pipe, socket, file */
	LAB_SPACE_INODE,
	LAB_SPACE_TASK, /* a = tgid: the end of a process */
};

struct lab_frame {
	const char *function; /* NULL unknown */
	const char *file; /* NULL unknown */
	const char *module; /* NULL unknown */
	u32 line; /* 0 unknown */
	u64 address;
};

enum lab_task_status {
	LAB_TASK_IS_ASKED = 1 << 0, /* the user asked about its process */
	LAB_TASK_IS_GONE = 1 << 1, /* does not exist any more: known only by a TID in a lock word */
	LAB_TASK_IS_STOPPED = 1 << 2, /* T, t or frozen: it could go on if somebody let it */
	LAB_TASK_IS_STEADY =
		/* same state, call, arguments and switch count in every pass of this look */
		1 << 3,
	LAB_TASK_WAITS_TIMED = 1 << 4, /* the wait ends by itself */
	LAB_TASK_WAITS_ANY =
		1 << 5, /* any one of its locks would do (futex_waitv, poll); otherwise all */
	LAB_TASK_SPINS = 1 << 6, /* waits without a system call */
	LAB_TASK_SIGNALLED = 1 << 7, /* a signal is pending: the wait may end by itself */
	LAB_TASK_HANDLES_SIGNALS =
		1 << 8, /* a signal handler of this process may wake an ownerless wait */
	LAB_TASK_OPAQUE = 1 << 9, /* 32-bit, no permission, ...: could be doing anything */
};

/**
 * struct lab_task - a task, and what it waits for and holds
 * @first_wait: into picture.waits; @nr_waits of them. None: it runs, or waits for something nobody
 * here could give
 * @first_hold: into picture.holds; @nr_holds of them
 * @wait_ns: how long it has waited, -1 unknown
 * @call: what it is blocked in, for people: "futex(FUTEX_WAIT)", "read", NULL unknown
 * @stack: innermost frame first, @nr_frames; NULL not taken
 * @stack_note: why the stack is short or missing, NULL when it is whole
 */
struct lab_task {
	u32 tgid;
	u32 tid;
	u32 status; /* enum lab_task_status */
	char state; /* as in /proc/PID/stat, '?' unknown, '-' gone */
	const char *comm;
	u32 first_wait, nr_waits;
	u32 first_hold, nr_holds;
	s64 wait_ns;
	const char *call;
	const struct lab_frame *stack;
	u32 nr_frames;
	const char *stack_note;
};

/**
 * struct lab_lock - something that tasks wait for
 * @word: the futex word as read, 0 if not a word
 * @owner_tid: TID recorded in the lock, in the waiters' namespace; 0 none recorded
 * @symbol: what it is called in the program ("A", "pool.lock"), NULL unknown
 * @first_wait: into picture.lock_waits (indices of waits), @nr_waits
 * @first_hold: into picture.lock_holds (indices of holds), @nr_holds: the holders that are known
 * @wakers: group of tasks any one of which could end a wait here though no holder is recorded;
 * LAB_NONE none needed
 * @unseen: somebody we do not see may end a wait here: never part of a deadlock
 */
struct lab_lock {
	enum lab_lock_kind kind;
	u32 attrs; /* enum lab_lock_attrs */
	enum lab_space space;
	u64 space_a, space_b;
	u64 address;
	u32 word;
	u32 owner_tid;
	const char *symbol;
	u32 first_wait, nr_waits;
	u32 first_hold, nr_holds;
	u32 wakers;
	bool unseen;
};

enum lab_access {
	LAB_EXCLUSIVE,
	LAB_SHARED
};

struct lab_wait {
	u32 task, lock;
	enum lab_access access;
};

enum lab_hold_source {
	LAB_HOLD_OWNER, /* the lock's own owner field */
	LAB_HOLD_ROBUST, /* the task's robust list */
	LAB_HOLD_SCAN, /* found by scanning memory for the shape of a held mutex */
	LAB_HOLD_KERNEL, /* the kernel says so (/proc/locks, descriptors) */
	LAB_HOLD_TARGET, /* it is the thing waited for: a thread or process that has to end */
};

struct lab_hold {
	u32 task, lock;
	enum lab_hold_source source;
	enum lab_access access;
	bool steady; /* read the same in every pass */
	u32 depth; /* recursion depth, 1 normally */
};

/* Tasks any one of which could end a wait, though none is known to hold anything. */
struct lab_group {
	u32 first_member, nr_members; /* into picture.members: task indices */
	const char *what; /* "the other threads of process 12", "whoever has the write end open" */
	/*
	 * somebody outside could act too (signal handler, shared word, io_uring): at most probable
	 */
	bool doubtful;
};

enum lab_finding_kind {
	LAB_DEADLOCK,
	LAB_SELF_DEADLOCK,
	LAB_ABANDONED_LOCK,
	LAB_STALL,
	LAB_PREEMPTABLE_CYCLE,
	LAB_SPIN_DEADLOCK,
	LAB_IO_CYCLE,
	LAB_LOCK_ORDER_INVERSION,
	LAB_PRIORITY_INVERSION,
	LAB_CONVOY,
	LAB_STARVATION,
	LAB_NR_FINDING_KINDS
};

enum lab_certainty {
	LAB_PROVEN,
	LAB_PROBABLE,
	LAB_POTENTIAL
};

enum lab_coffman {
	LAB_MUTUAL_EXCLUSION,
	LAB_HOLD_AND_WAIT,
	LAB_NO_PREEMPTION,
	LAB_CIRCULAR_WAIT,
	LAB_NR_CONDITIONS
};

/*
 * Why a condition holds, or does not; user/report/evidence.c says it in words with the task and
 * lock that show it.
 *
 *   condition         holds  reason
 *   ----------------  ----- 
 *   ------------------------------------------------------------------------------
 *   mutual exclusion   1     OWNERS_RECORDED, OWNER_UNKNOWN (kind is exclusive), SHARED (readers
 *   keep a writer out)
 *                      0     NOT_A_LOCK, SHARED (permits)
 *                     -1     OWNER_UNKNOWN (a futex word of an unknown library, or a word that says
 *                     free)
 *   hold and wait      1     EACH_HOLDS_AND_WAITS
 *                      0     OWNER_GONE (it holds, and waits for nothing: abandoned_lock)
 *                     -1     NONE_KNOWN_HELD
 *   no preemption      1     NOTHING_TAKES_AWAY
 *                      0     TIMED, SIGNALLED
 *                     -1     SIGNAL_HANDLER
 *   circular wait      1     CYCLE, SELF, KNOT
 *                      0     NO_CYCLE
 *                     -1     OUTSIDER
 */
enum lab_reason {
	LAB_BECAUSE_OWNERS_RECORDED, /* each lock is exclusive and names its owner */
	LAB_BECAUSE_OWNER_UNKNOWN, /* the kind is exclusive, but records no owner */
	/* condition, barrier, pipe, join ...: nothing is held exclusively */
	LAB_BECAUSE_NOT_A_LOCK,
	LAB_BECAUSE_SHARED, /* readers or permits */
	LAB_BECAUSE_EACH_HOLDS_AND_WAITS,
	LAB_BECAUSE_NONE_KNOWN_HELD, /* waits seen, holds not recorded by this kind */
	LAB_BECAUSE_OWNER_GONE, /* the owner went away holding it */
	LAB_BECAUSE_NOTHING_TAKES_AWAY, /* no timeout, no signal, not robust with a dead owner */
	LAB_BECAUSE_TIMED,
	LAB_BECAUSE_SIGNALLED,
	LAB_BECAUSE_SIGNAL_HANDLER,
	LAB_BECAUSE_CYCLE, /* the cycle itself */
	LAB_BECAUSE_KNOT, /* everybody who could help waits as well */
	LAB_BECAUSE_SELF,
	LAB_BECAUSE_NO_CYCLE, /* it waits for somebody who will never act, not in a circle */
	/* everybody seen waits, but somebody outside could act (shared word, io_uring) */
	LAB_BECAUSE_OUTSIDER,
	LAB_NR_REASONS
};

struct lab_condition {
	s8 holds; /* 1 yes, 0 no, -1 can not tell */
	enum lab_reason reason;
	u32 task, lock; /* that show it best; LAB_NONE none in particular */
};

/* What to do, said in words by user/report/evidence.c. */
enum lab_remedy {
	/* break circular wait: one order for these locks; @task takes @lock out of it */
	LAB_REMEDY_ORDER,
	LAB_REMEDY_RECURSIVE, /* self: release first, or make it recursive or error-checking */
	LAB_REMEDY_ROBUST, /* owner died: make it robust, release on every path out of the thread */
	LAB_REMEDY_WAKE, /* nobody left to signal, post or arrive: find the missing wake-up */
	LAB_REMEDY_DRAIN, /* pipes: close unused ends, read and write at once (poll) */
	LAB_REMEDY_UPGRADE, /* rwlock: do not ask for it again while holding it */
	LAB_REMEDY_LET_TIME_OUT, /* preemptable: it ends by itself; mind the retry (livelock) */
	LAB_REMEDY_REAP, /* join or waitpid in a circle */
	LAB_NR_REMEDIES
};

/**
 * struct lab_finding - what is wrong, how sure, and why
 * @first_task: into picture.finding_tasks; @nr_tasks. In a cycle, task i waits for lock i, which
 * task i+1 holds
 * @first_lock: into picture.finding_locks; @nr_locks
 * @first_victim: into picture.finding_tasks too: @nr_victims tasks stuck behind it, not part of it
 * @is_cycle: tasks and locks are in cycle order (otherwise: tasks are those stuck, locks what they
 * wait for)
 *	A reader may wait for a queued writer of a rwlock that readers hold: then task i+1 is
 *	queued for lock i, and waits for it too
 * @asked: touches a process the user asked about, as member or victim
 */
struct lab_finding {
	enum lab_finding_kind kind;
	enum lab_certainty certainty;
	u32 first_task, nr_tasks;
	u32 first_lock, nr_locks;
	u32 first_victim, nr_victims;
	bool is_cycle;
	bool asked;
	struct lab_condition conditions[LAB_NR_CONDITIONS];
	enum lab_remedy remedy;
	enum lab_coffman cheapest; /* the condition that is cheapest to break here */
	u32 remedy_task, remedy_lock; /* where */
};

enum lab_verdict {
	LAB_NONE_WRONG,
	LAB_FOUND,
	LAB_UNKNOWN
};
enum lab_mode {
	LAB_SNAPSHOT,
	LAB_SAMPLED,
	LAB_EVENTS
};

/**
 * struct lab_picture - everything one look saw, and what was found in it
 * @not_seen: what could not be looked at, one line each ("tid 12: no permission")
 * @blind: something could not be seen that might hold the answer: no findings then means
 * LAB_UNKNOWN
 */
struct lab_picture {
	enum lab_mode mode;
	enum lab_verdict verdict;
	u64 lost_events;
	bool blind;
	struct lab_task *tasks;
	u32 nr_tasks;
	struct lab_lock *locks;
	u32 nr_locks;
	struct lab_wait *waits; /* sorted by task */
	u32 nr_waits;
	struct lab_hold *holds; /* sorted by task */
	u32 nr_holds;
	u32 *lock_waits; /* indices of waits, sorted by lock */
	u32 *lock_holds; /* indices of holds, sorted by lock */
	struct lab_group *groups;
	u32 nr_groups;
	u32 *members;
	u32 nr_members;
	struct lab_finding *findings;
	u32 nr_findings;
	u32 *finding_tasks;
	u32 nr_finding_tasks;
	u32 *finding_locks;
	u32 nr_finding_locks;
	const char **not_seen;
	u32 nr_not_seen;
};

const char *lab_lock_kind_name(enum lab_lock_kind kind);
const char *lab_finding_kind_name(enum lab_finding_kind kind);
const char *lab_certainty_name(enum lab_certainty certainty);
const char *lab_condition_name(enum lab_coffman condition);
bool lab_finding_is_fault(enum lab_finding_kind kind); /* counts for exit status 1 */

#endif
