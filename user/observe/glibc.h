/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * glibc - what the GNU C library's locks look like in memory, and how their waiters sleep
 *
 * Pure: bytes in, answers out. All that is known about glibc's layouts is here and in glibc.c, and
 * nowhere else.
 *
 *   object      word waited on            call (untimed)                  val             owner
 *   ---------   -----------------------   -----------------------------   -------------  
 *   --------------------------
 *   mutex       +0                        WAIT                            2               TID at +8
 *     robust    +0                        WAIT                            WAITERS | TID   the word
 *     PP        +0                        WAIT                            ceiling<<19|2   TID at +8
 *     PI        +0                        LOCK_PI                         -               the word
 *   rwlock      +8 reader                 WAIT_BITSET                     3               writer:
 *   TID at +24
 *               +8 writer                 WAIT_BITSET                     2               readers:
 *               not recorded
 *               +12 writer                WAIT_BITSET                     3               as its
 *               first writer
 *               +0 reader that yields     WAIT_BITSET                     the word        readers:
 *               not recorded
 *   condition   +40, +44 (+32, +36)       WAIT_BITSET                     0, or sequence  none
 *   semaphore   +0                        WAIT_BITSET                     0               none
 *   barrier     +4                        WAIT                            the round       none
 *   once        +0                        WAIT, PRIVATE                   4n + 1          none
 *   thread      tid in its descriptor     WAIT_BITSET, never PRIVATE      the TID         the TID
 *   low-level   +0                        WAIT, PRIVATE as a constant     2               none;
 *   FILE: descriptor at +8
 *
 * WAIT_BITSET comes with CLOCK_REALTIME, also without a timeout. A timed lock of any mutex but PI
 * is a WAIT_BITSET with a timeout. Measured on 2.36 x86-64 (Debian 12). The fields of mutex,
 * rwlock, semaphore and barrier are the same in the sources of 2.31 to 2.41 for 64-bit x86 and Arm;
 * the condition variable lost a field (see struct glibc_cond_layout). Up to 2.33 a joiner and
 * others sleep in plain WAIT, and a refused PI lock in pause(2), which is not recognised.
 */
#ifndef LOCKLAB_OBSERVE_GLIBC_H
#define LOCKLAB_OBSERVE_GLIBC_H

#include "core/env.h"
#include "core/model.h"

#define GLIBC_MUTEX_SIZE   40
#define GLIBC_RWLOCK_SIZE  56
#define GLIBC_COND_SIZE	   48
#define GLIBC_SEM_SIZE	   16
#define GLIBC_BARRIER_SIZE 20

/* pthread_mutex_t.__kind */
enum glibc_mutex_kind {
	GLIBC_MUTEX_TYPE = 0x03, /* normal, recursive, errorcheck, adaptive */
	GLIBC_MUTEX_ROBUST = 0x10,
	GLIBC_MUTEX_PI = 0x20,
	GLIBC_MUTEX_PP = 0x40,
	GLIBC_MUTEX_PSHARED = 0x80,
	GLIBC_MUTEX_ELISION = 0x300, /* wanted, not wanted */
	GLIBC_MUTEX_ALL = 0x3f3,
};

/* Words of robust and PI mutexes: an interface of the kernel's, linux/futex.h. */
#define GLIBC_TID_MASK	 0x3fffffffu
#define GLIBC_OWNER_DIED 0x40000000u
#define GLIBC_WAITERS	 0x80000000u

/* Words of the other mutexes; PP keeps its ceiling above the low two bits. */
enum glibc_lock_word {
	GLIBC_FREE,
	GLIBC_LOCKED,
	GLIBC_CONTENDED
};

#define GLIBC_MUTEX_OWNER_AT 8
#define GLIBC_MUTEX_KIND_AT  16
#define GLIBC_MUTEX_LIST_AT  32 /* where a robust list points to */

struct glibc_mutex {
	u32 word, count, owner, nusers, kind;
	s16 spins, elision;
	u64 previous, next;
};

#define GLIBC_RWLOCK_PHASE_AT	8
#define GLIBC_RWLOCK_WRITERS_AT 12
#define GLIBC_RWLOCK_OWNER_AT	24

/* pthread_rwlock_t.__readers */
enum glibc_rwlock_bits {
	GLIBC_RWLOCK_WRITE_PHASE = 1,
	GLIBC_RWLOCK_WRITE_LOCKED = 2, /* a writer holds it, or is the first in line */
	GLIBC_RWLOCK_READERS_WAIT = 4,
	GLIBC_RWLOCK_ONE_READER = 8,
};

struct glibc_rwlock {
	u32 readers, writers, phase_futex, writers_futex, pad[2], owner, shared;
	u64 elision, pad2;
	u32 flags;
};

/*
 * 2.25 to 2.40 have __g_refs before __g_size; 2.41 has no __g_refs. Both are tried: the offset of
 * the word waited on and the shape of the rest tell.
 */
struct glibc_cond_layout {
	const char *versions;
	u32 orig_size_at, waiters_at, signals_at;
};

extern const struct glibc_cond_layout glibc_cond_layouts[2];

/*
 * struct pthread, for joins and FILE locks. It begins with the thread control block, which holds
 * its own address; the loader of a program that lies about it lies to itself only.
 */
struct glibc_thread_layout {
	u32 self_at[2]; /* words that hold the address of the descriptor itself */
	u32 nr_self;
	u32 tid_at;
	u32 robust_head_at;
};

extern const struct glibc_thread_layout glibc_thread_layout;

/* Unpack what lies at the start of the object. */
void glibc_mutex_parse(struct glibc_mutex *m, const u8 bytes[GLIBC_MUTEX_SIZE]);
void glibc_rwlock_parse(struct glibc_rwlock *l, const u8 bytes[GLIBC_RWLOCK_SIZE]);

/* Whether pthread_mutex_init() can have made this kind. */
bool glibc_mutex_kind_is_valid(u32 kind);

/* enum lab_lock_attrs of a valid kind. */
u32 glibc_mutex_attrs(u32 kind);

/**
 * glibc_mutex_owner() - who the mutex says holds it
 *
 * Return: a TID as its process knows it; 0 nobody, or an owner that died (robust), or not yet or no
 * longer recorded.
 */
u32 glibc_mutex_owner(const struct glibc_mutex *m);

/**
 * glibc_mutex_is_held() - whether these bytes are, beyond reasonable doubt, a mutex that somebody
 * holds
 *
 * For scans: everything is checked, also what a waiter's call would vouch for. That the owner lives
 * is for the caller to check.
 */
bool glibc_mutex_is_held(const struct glibc_mutex *m);

/* Depth of recursion, 1 for what can not be locked twice. */
u32 glibc_mutex_depth(const struct glibc_mutex *m);

/* Whether nothing in it contradicts its being a rwlock. */
bool glibc_rwlock_is_plausible(const struct glibc_rwlock *l);

/* Likewise, and write-locked by the owner that it names; for scans. */
bool glibc_rwlock_is_write_held(const struct glibc_rwlock *l);

/**
 * glibc_cond_is_plausible() - whether somebody can be asleep on word @group of this condition
 * variable
 * @bytes: GLIBC_COND_SIZE bytes from its start
 */
bool glibc_cond_is_plausible(const struct glibc_cond_layout *layout, const u8 *bytes, u32 group);

/* Whether somebody can be asleep on this semaphore. */
bool glibc_sem_is_plausible(const u8 bytes[GLIBC_SEM_SIZE]);

/* Whether somebody can be asleep in this barrier since its round was @round. */
bool glibc_barrier_is_plausible(const u8 bytes[GLIBC_BARRIER_SIZE], u32 round);

#endif
