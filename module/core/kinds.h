/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * kinds - what the judge has to know of each kind of lock
 */
#ifndef LOCKLAB_CORE_KINDS_H
#define LOCKLAB_CORE_KINDS_H

#include "model.h"

#define KIND(kind) (1u << (kind))

/*
 * One of several holders is enough to end a wait: one permit, one signal, one byte, one thread that
 * ends its process. For a futex word of a library we do not know, because it must not be accused.
 */
#define KINDS_ANY_HOLDER                                                              \
	(KIND(LAB_FUTEX) | KIND(LAB_CONDVAR) | KIND(LAB_SEMAPHORE) | KIND(LAB_PIPE) | \
	 KIND(LAB_SOCKET) | KIND(LAB_PROCESS))

/* When a holder goes away, the kernel lets go for it: end of file, exit status, lock released. */
#define KINDS_KERNEL_RELEASES                                                       \
	(KIND(LAB_THREAD) | KIND(LAB_PIPE) | KIND(LAB_SOCKET) | KIND(LAB_PROCESS) | \
	 KIND(LAB_FLOCK) | KIND(LAB_RECORD_LOCK))

/* Shared and exclusive access differ. */
#define KINDS_RW \
	(KIND(LAB_RWLOCK) | KIND(LAB_FLOCK) | KIND(LAB_RECORD_LOCK) | KIND(LAB_KERNEL_LOCK))

/* A queued writer keeps new readers out. File locks do not queue that way. */
#define KINDS_WRITER_BLOCKS_READER (KIND(LAB_RWLOCK) | KIND(LAB_KERNEL_LOCK))

/* Nothing is held exclusively: it is an event that somebody has to bring about. */
#define KINDS_EVENT                                                                  \
	(KIND(LAB_CONDVAR) | KIND(LAB_BARRIER) | KIND(LAB_THREAD) | KIND(LAB_PIPE) | \
	 KIND(LAB_SOCKET) | KIND(LAB_PROCESS))

#define KINDS_IO (KIND(LAB_PIPE) | KIND(LAB_SOCKET) | KIND(LAB_PROCESS))

/* The call returns with EINTR when a signal is handled. */
#define KINDS_INTERRUPTIBLE (KINDS_IO | KIND(LAB_FLOCK) | KIND(LAB_RECORD_LOCK))

/*
 * A cycle of these with a timed wait is worth a word; two idle ends of a socket with timeouts are
 * not.
 */
#define KINDS_NEAR_MISS                                                                 \
	(KIND(LAB_MUTEX) | KIND(LAB_RWLOCK) | KIND(LAB_THREAD) | KIND(LAB_SPINLOCK) |   \
	 KIND(LAB_STDIO) | KIND(LAB_MALLOC) | KIND(LAB_FLOCK) | KIND(LAB_RECORD_LOCK) | \
	 KIND(LAB_KERNEL_LOCK) | KIND(LAB_ONCE))

static inline bool kind_is(const struct lab_lock *lock, u32 kinds)
{
	return KIND(lock->kind) & kinds;
}

/* Who could end a wait for @lock is known only as a group. */
static inline bool lock_has_group(const struct lab_lock *lock)
{
	return lock->wakers != LAB_NONE && (!lock->nr_holds || kind_is(lock, KINDS_ANY_HOLDER));
}

/* A task that will never run again: known by its TID only, or a zombie whose TID is still taken. */
static inline bool task_is_gone(const struct lab_task *task)
{
	return (task->status & LAB_TASK_IS_GONE) || task->state == 'Z' || task->state == 'X';
}

/*
 * The owner's death ends the wait (EOWNERDEAD), unless the C library has parked the waiter where
 * nothing will reach it.
 */
static inline bool lock_survives_owner(const struct lab_lock *lock)
{
	return kind_is(lock, KINDS_KERNEL_RELEASES) ||
	       ((lock->attrs & LAB_ROBUST) && !(lock->attrs & LAB_EDEADLK));
}

#endif
