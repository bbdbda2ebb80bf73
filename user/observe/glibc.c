// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * glibc - what the GNU C library's locks look like in memory
 *
 * Sources of the rules: glibc's nptl/pthread_mutex_lock.c, pthread_rwlock_common.c,
 * pthread_cond_wait.c, sem_waitcommon.c, pthread_barrier_wait.c and their headers, read for 2.31 to
 * 2.41; linux/futex.h; and programs looked at with gdb on 2.36.
 */
#include <string.h>

#include "glibc.h"

/* More threads than a kernel has TIDs for are no threads: a count above it is no count. */
#define MAX_THREADS (1u << 22)

const struct glibc_cond_layout glibc_cond_layouts[2] = {
	{ .versions = "2.25 to 2.40", .orig_size_at = 32, .waiters_at = 36, .signals_at = 40 },
	{ .versions = "2.41", .orig_size_at = 24, .waiters_at = 28, .signals_at = 32 },
};

const struct glibc_thread_layout glibc_thread_layout = {
#if defined(__x86_64__)
	/*
	 * Measured on 2.36; tcbhead_t is padded to 704 bytes on purpose, so that these stay where
	 * they are.
	 */
	.self_at = { 0x00, 0x10 },
	.nr_self = 2,
	.tid_at = 0x2d0,
	.robust_head_at = 0x2e0,
#else
	/*
	 * Where the thread pointer lies behind the descriptor (aarch64), nothing in it points to
	 * itself: 24 words of padding, two of list. From the sources, not measured.
	 */
	.nr_self = 0,
	.tid_at = 0xd0,
	.robust_head_at = 0xe0,
#endif
};

static u32 u32_at(const u8 *bytes, u32 offset)
{
	u32 v;

	memcpy(&v, bytes + offset, sizeof(v));
	return v;
}

static u64 u64_at(const u8 *bytes, u32 offset)
{
	u64 v;

	memcpy(&v, bytes + offset, sizeof(v));
	return v;
}

void glibc_mutex_parse(struct glibc_mutex *m, const u8 bytes[GLIBC_MUTEX_SIZE])
{
	m->word = u32_at(bytes, 0);
	m->count = u32_at(bytes, 4);
	m->owner = u32_at(bytes, GLIBC_MUTEX_OWNER_AT);
	m->nusers = u32_at(bytes, 12);
	m->kind = u32_at(bytes, GLIBC_MUTEX_KIND_AT);
	memcpy(&m->spins, bytes + 20, sizeof(m->spins));
	memcpy(&m->elision, bytes + 22, sizeof(m->elision));
	m->previous = u64_at(bytes, 24);
	m->next = u64_at(bytes, GLIBC_MUTEX_LIST_AT);
}

void glibc_rwlock_parse(struct glibc_rwlock *l, const u8 bytes[GLIBC_RWLOCK_SIZE])
{
	l->readers = u32_at(bytes, 0);
	l->writers = u32_at(bytes, 4);
	l->phase_futex = u32_at(bytes, GLIBC_RWLOCK_PHASE_AT);
	l->writers_futex = u32_at(bytes, GLIBC_RWLOCK_WRITERS_AT);
	l->pad[0] = u32_at(bytes, 16);
	l->pad[1] = u32_at(bytes, 20);
	l->owner = u32_at(bytes, GLIBC_RWLOCK_OWNER_AT);
	l->shared = u32_at(bytes, 28);
	l->elision = u64_at(bytes, 32);
	l->pad2 = u64_at(bytes, 40);
	l->flags = u32_at(bytes, 48);
}

bool glibc_mutex_kind_is_valid(u32 kind)
{
	u32 protocol = kind & (GLIBC_MUTEX_PI | GLIBC_MUTEX_PP);

	if (kind & ~(u32)GLIBC_MUTEX_ALL)
		return false;
	if (protocol == (GLIBC_MUTEX_PI | GLIBC_MUTEX_PP))
		return false;
	/* pthread_mutex_init() answers ENOTSUP. */
	if ((kind & GLIBC_MUTEX_ROBUST) && protocol == GLIBC_MUTEX_PP)
		return false;
	/*
	 * Wanted or not: settype(NORMAL) says not, whatever else the mutex is; only a plain one may
	 * be given to it later.
	 */
	if ((kind & GLIBC_MUTEX_ELISION) == GLIBC_MUTEX_ELISION)
		return false;
	return true;
}

u32 glibc_mutex_attrs(u32 kind)
{
	static const u32 types[] = { 0, LAB_RECURSIVE, LAB_ERRORCHECK, LAB_ADAPTIVE };
	u32 attrs = types[kind & GLIBC_MUTEX_TYPE];

	if (kind & GLIBC_MUTEX_ROBUST)
		attrs |= LAB_ROBUST;
	if (kind & GLIBC_MUTEX_PI)
		attrs |= LAB_PI;
	if (kind & GLIBC_MUTEX_PP)
		attrs |= LAB_PRIO_PROTECT;
	/* Every robust mutex has the bit, shared or not. */
	if ((kind & GLIBC_MUTEX_PSHARED) && !(kind & GLIBC_MUTEX_ROBUST))
		attrs |= LAB_PSHARED;
	return attrs;
}

u32 glibc_mutex_owner(const struct glibc_mutex *m)
{
	if (m->kind & (GLIBC_MUTEX_ROBUST | GLIBC_MUTEX_PI))
		return m->word & GLIBC_OWNER_DIED ? 0 : m->word & GLIBC_TID_MASK;
	return m->owner;
}

u32 glibc_mutex_depth(const struct glibc_mutex *m)
{
	return (m->kind & GLIBC_MUTEX_TYPE) == 1 && m->count ? m->count : 1;
}

bool glibc_mutex_is_held(const struct glibc_mutex *m)
{
	bool by_word = m->kind & (GLIBC_MUTEX_ROBUST | GLIBC_MUTEX_PI);
	bool is_recursive = (m->kind & GLIBC_MUTEX_TYPE) == 1;
	u32 state = m->kind & GLIBC_MUTEX_PP ? m->word & 3 : m->word;

	if (!m->owner || m->owner >= MAX_THREADS || !glibc_mutex_kind_is_valid(m->kind))
		return false;
	/* The owner is a user, and so is each thread that waits for a condition with this mutex. */
	if (!m->nusers || m->nusers > MAX_THREADS)
		return false;
	if (by_word) {
		if (m->word & GLIBC_OWNER_DIED || (m->word & GLIBC_TID_MASK) != m->owner)
			return false;
	} else if (state != GLIBC_LOCKED && state != GLIBC_CONTENDED) {
		return false;
	}
	/* Robust, PI and PP mutexes count 1 whatever their type. */
	if (is_recursive ? !m->count || m->count > 0x7fffffff : m->count > 1)
		return false;
	if (!is_recursive && !(m->kind & (GLIBC_MUTEX_ROBUST | GLIBC_MUTEX_PI | GLIBC_MUTEX_PP)) &&
	    m->count)
		return false;
	if (m->elision && !(m->kind & GLIBC_MUTEX_ELISION))
		return false;
	if (m->spins && (m->kind & GLIBC_MUTEX_TYPE) != 3)
		return false;
	/* On its owner's list if robust, on none otherwise. */
	if (m->kind & GLIBC_MUTEX_ROBUST)
		return m->previous && m->next;
	return !m->previous && !m->next;
}

bool glibc_rwlock_is_plausible(const struct glibc_rwlock *l)
{
	u32 readers = l->readers / GLIBC_RWLOCK_ONE_READER;

	return readers < MAX_THREADS && (l->writers & 0x7fffffff) < MAX_THREADS &&
	       l->phase_futex <= 3 && l->writers_futex <= 3 && !l->pad[0] && !l->pad[1] &&
	       l->owner < MAX_THREADS && l->shared <= 1 && !l->elision && !l->pad2 && l->flags <= 2;
}

bool glibc_rwlock_is_write_held(const struct glibc_rwlock *l)
{
	u32 locked = GLIBC_RWLOCK_WRITE_PHASE | GLIBC_RWLOCK_WRITE_LOCKED;

	return glibc_rwlock_is_plausible(l) && l->owner && (l->readers & locked) == locked &&
	       (l->phase_futex & 1) && (l->writers_futex & 1);
}

bool glibc_cond_is_plausible(const struct glibc_cond_layout *layout, const u8 *bytes, u32 group)
{
	/* Both count in steps of two; bit 0 says which group is which, or that a group changes. */
	u64 sequence = u64_at(bytes, 0) >> 1;
	u64 start = u64_at(bytes, 8) >> 1;
	u32 orig_size = u32_at(bytes, layout->orig_size_at);
	u32 waiters = u32_at(bytes, layout->waiters_at) >> 3;

	if (group > 1)
		return false;
	/* Each waiter took a number, and is counted as long as it is inside. */
	if (!sequence || !waiters || waiters > MAX_THREADS || sequence < start)
		return false;
	/* Those who wait came after the first group began, all but the few that linger. */
	if (sequence - start > MAX_THREADS + (u64)waiters)
		return false;
	return (orig_size & 3) != 3 && orig_size >> 2 < MAX_THREADS;
}

bool glibc_sem_is_plausible(const u8 bytes[GLIBC_SEM_SIZE])
{
	u32 waiters = u32_at(bytes, 4);
	u32 is_shared = u32_at(bytes, 8);

	/*
	 * A waiter is counted before it sleeps; the flag is 0 or the futex call's PRIVATE bit,
	 * which it takes away.
	 */
	return waiters && waiters < MAX_THREADS && (is_shared == 0 || is_shared == 128) &&
	       u32_at(bytes, 0) < 0x80000000u;
}

bool glibc_barrier_is_plausible(const u8 bytes[GLIBC_BARRIER_SIZE], u32 round)
{
	u32 in = u32_at(bytes, 0);
	u32 now = u32_at(bytes, 4);
	u32 count = u32_at(bytes, 8);
	u32 is_shared = u32_at(bytes, 12);
	u32 out = u32_at(bytes, 16);

	/*
	 * The waiter is the (in)th to come, and its round is not full; who has left had come
	 * before.
	 */
	return count && count < 0x80000000u && (is_shared == 0 || is_shared == 128) && in > round &&
	       now >= round && now - round <= count && out <= in &&
	       in - round <= 2 * (u64)count + 1;
}
