// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * coffman - what a finding says: how sure it is, the four conditions, what to do
 */
#include "coffman.h"
#include "kinds.h"

static u32 task_index(const struct coffman_case *c, u32 i)
{
	return c->picture->finding_tasks[c->finding->first_task + i];
}

static u32 lock_index(const struct coffman_case *c, u32 i)
{
	return c->picture->finding_locks[c->finding->first_lock + i];
}

static const struct lab_task *task_at(const struct coffman_case *c, u32 i)
{
	return &c->picture->tasks[task_index(c, i)];
}

static const struct lab_lock *lock_at(const struct coffman_case *c, u32 i)
{
	return &c->picture->locks[lock_index(c, i)];
}

static const struct lab_hold *hold_of(const struct coffman_case *c, const struct lab_lock *lock,
				      u32 i)
{
	return &c->picture->holds[c->picture->lock_holds[lock->first_hold + i]];
}

static bool is_in_finding(const struct coffman_case *c, u32 lock)
{
	return c->lock_stamp[lock] == c->stamp;
}

/*
 * What the task waits for in this finding: in a cycle its own lock, otherwise the first of its
 * waits that belongs here.
 */
static u32 lock_of_task(const struct coffman_case *c, u32 i)
{
	const struct lab_task *task = task_at(c, i);
	u32 w;

	if (c->finding->is_cycle)
		return lock_index(c, i);
	for (w = 0; w < task->nr_waits; w++) {
		u32 lock = c->picture->waits[task->first_wait + w].lock;

		if (is_in_finding(c, lock))
			return lock;
	}
	return LAB_NONE;
}

static bool has_kind(const struct coffman_case *c, u32 kinds)
{
	u32 i;

	for (i = 0; i < c->finding->nr_locks; i++)
		if (kind_is(lock_at(c, i), kinds))
			return true;
	return false;
}

/* Return: index in the finding of a task with one of these flags, LAB_NONE if there is none. */
static u32 find_status(const struct coffman_case *c, u32 status)
{
	u32 i;

	for (i = 0; i < c->finding->nr_tasks; i++)
		if (task_at(c, i)->status & status)
			return i;
	return LAB_NONE;
}

/* A lock in it whose group somebody outside could belong to. */
static u32 find_doubt(const struct coffman_case *c)
{
	u32 i;

	for (i = 0; i < c->finding->nr_locks; i++) {
		const struct lab_lock *lock = lock_at(c, i);

		if (lock_has_group(lock) && c->picture->groups[lock->wakers].doubtful)
			return lock_index(c, i);
	}
	return LAB_NONE;
}

/*
 * A task whose signal handler could end it: by a wake-up that a group is waiting for, or by
 * interrupting a call.
 */
static u32 find_handler(const struct coffman_case *c)
{
	if (c->through_group || has_kind(c, KINDS_INTERRUPTIBLE))
		return find_status(c, LAB_TASK_HANDLES_SIGNALS);
	return LAB_NONE;
}

/*
 * Proven: what it rests on was read more than once and did not change, nothing was lost, nobody
 * unseen could end it. Anything less is probable.
 */
static enum lab_certainty certainty(const struct coffman_case *c)
{
	u32 i, h;

	if (c->picture->lost_events || find_doubt(c) != LAB_NONE || find_handler(c) != LAB_NONE)
		return LAB_PROBABLE;
	for (i = 0; i < c->finding->nr_tasks; i++)
		if (!(task_at(c, i)->status & LAB_TASK_IS_STEADY))
			return LAB_PROBABLE;
	for (i = 0; i < c->finding->nr_locks; i++) {
		const struct lab_lock *lock = lock_at(c, i);

		if (lock->attrs & LAB_INCONSISTENT)
			return LAB_PROBABLE;
		for (h = 0; h < lock->nr_holds; h++)
			if (!hold_of(c, lock, h)->steady)
				return LAB_PROBABLE;
	}
	return LAB_PROVEN;
}

static struct lab_condition because(s8 holds, enum lab_reason reason, u32 task, u32 lock)
{
	struct lab_condition condition = {
		.holds = holds, .reason = reason, .task = task, .lock = lock
	};

	return condition;
}

static bool is_read_held(const struct coffman_case *c, const struct lab_lock *lock)
{
	u32 h;

	if (!kind_is(lock, KINDS_RW))
		return false;
	if (lock->attrs & LAB_READ_HELD)
		return true;
	for (h = 0; h < lock->nr_holds; h++)
		if (hold_of(c, lock, h)->access == LAB_SHARED)
			return true;
	return false;
}

/* Of one lock; the weaker the claim, the higher the rank. */
static u32 exclusion_of(const struct coffman_case *c, const struct lab_lock *lock, s8 *holds,
			enum lab_reason *reason)
{
	*holds = 0;
	*reason = LAB_BECAUSE_NOT_A_LOCK;
	if (kind_is(lock, KINDS_EVENT))
		return 6;
	*reason = LAB_BECAUSE_SHARED;
	if (kind_is(lock, KIND(LAB_SEMAPHORE)))
		return 5;
	*holds = -1;
	*reason = LAB_BECAUSE_OWNER_UNKNOWN;
	if (!lock->nr_holds && ((lock->attrs & LAB_FREE) || kind_is(lock, KIND(LAB_FUTEX))))
		return 4;
	*holds = 1;
	*reason = LAB_BECAUSE_SHARED;
	if (is_read_held(c, lock))
		return 2;
	*reason = LAB_BECAUSE_OWNER_UNKNOWN;
	if (!lock->nr_holds && !(lock->attrs & LAB_OWNER_REUSED))
		return 3;
	*reason = LAB_BECAUSE_OWNERS_RECORDED;
	return 1;
}

/* As strong as the weakest lock in it. */
static struct lab_condition mutual_exclusion(const struct coffman_case *c)
{
	struct lab_condition worst = because(-1, LAB_BECAUSE_OWNER_UNKNOWN, LAB_NONE, LAB_NONE);
	u32 highest = 0, i;

	for (i = 0; i < c->finding->nr_locks; i++) {
		enum lab_reason reason;
		s8 holds;
		u32 rank = exclusion_of(c, lock_at(c, i), &holds, &reason);

		if (rank <= highest)
			continue;
		highest = rank;
		worst = because(holds, reason, c->owner, lock_index(c, i));
	}
	return worst;
}

static bool holds_one_of_them(const struct coffman_case *c, const struct lab_task *task)
{
	u32 h;

	for (h = 0; h < task->nr_holds; h++)
		if (is_in_finding(c, c->picture->holds[task->first_hold + h].lock))
			return true;
	return false;
}

static struct lab_condition hold_and_wait(const struct coffman_case *c)
{
	u32 i;

	if (c->finding->kind == LAB_ABANDONED_LOCK)
		return because(0, LAB_BECAUSE_OWNER_GONE, c->owner, lock_index(c, 0));
	for (i = 0; i < c->finding->nr_tasks; i++)
		if (!holds_one_of_them(c, task_at(c, i)))
			return because(-1, LAB_BECAUSE_NONE_KNOWN_HELD, task_index(c, i),
				       lock_of_task(c, i));
	return because(1, LAB_BECAUSE_EACH_HOLDS_AND_WAITS, task_index(c, 0), lock_of_task(c, 0));
}

/*
 * A timeout or signal of one task opens a circle; at an abandoned lock it lets that one go, so
 * there it takes all of them.
 */
static struct lab_condition no_preemption(const struct coffman_case *c)
{
	const u32 ends = LAB_TASK_WAITS_TIMED | LAB_TASK_SIGNALLED;
	u32 i, which = find_status(c, ends);

	for (i = 0; i < c->finding->nr_tasks && c->is_dead; i++)
		if (!(task_at(c, i)->status & ends))
			which = LAB_NONE;
	if (which != LAB_NONE)
		return because(0,
			       task_at(c, which)->status & LAB_TASK_WAITS_TIMED
				       ? LAB_BECAUSE_TIMED
				       : LAB_BECAUSE_SIGNALLED,
			       task_index(c, which), lock_of_task(c, which));
	which = find_handler(c);
	if (which != LAB_NONE)
		return because(-1, LAB_BECAUSE_SIGNAL_HANDLER, task_index(c, which),
			       lock_of_task(c, which));
	return because(1, LAB_BECAUSE_NOTHING_TAKES_AWAY, LAB_NONE, LAB_NONE);
}

static struct lab_condition circular_wait(const struct coffman_case *c)
{
	u32 doubt = find_doubt(c);

	if (doubt != LAB_NONE)
		return because(-1, LAB_BECAUSE_OUTSIDER, LAB_NONE, doubt);
	if (c->is_dead)
		return because(0, LAB_BECAUSE_NO_CYCLE, c->owner, lock_index(c, 0));
	if (!c->finding->is_cycle)
		return because(1, LAB_BECAUSE_KNOT, LAB_NONE, LAB_NONE);
	return because(1, c->finding->nr_tasks == 1 ? LAB_BECAUSE_SELF : LAB_BECAUSE_CYCLE,
		       task_index(c, 0), lock_index(c, 0));
}

/*
 * Who closed the circle: the one that has waited for the shortest time. Without its request all
 * others would have gone on, and the order in which they took their locks stands; so it is the one
 * to change. The first, where times are not known.
 */
static u32 newest_waiter(const struct coffman_case *c)
{
	u32 newest = 0, i;

	for (i = 0; i < c->finding->nr_tasks; i++) {
		if (task_at(c, i)->wait_ns < 0)
			return 0;
		if (task_at(c, i)->wait_ns < task_at(c, newest)->wait_ns)
			newest = i;
	}
	return newest;
}

/* A task that waits for a lock of these kinds; the first, if none does. */
static u32 waiter_for_kind(const struct coffman_case *c, u32 kinds)
{
	u32 i;

	for (i = 0; i < c->finding->nr_tasks; i++) {
		u32 lock = lock_of_task(c, i);

		if (lock != LAB_NONE && kind_is(&c->picture->locks[lock], kinds))
			return i;
	}
	return 0;
}

/* A task that asks again for the rwlock that it has. */
static u32 upgrader(const struct coffman_case *c)
{
	u32 i, h;

	for (i = 0; i < c->finding->nr_tasks; i++) {
		const struct lab_task *task = task_at(c, i);
		u32 lock = lock_of_task(c, i);

		if (lock == LAB_NONE || !kind_is(&c->picture->locks[lock], KIND(LAB_RWLOCK)))
			continue;
		for (h = 0; h < task->nr_holds; h++)
			if (c->picture->holds[task->first_hold + h].lock == lock)
				return i;
	}
	return LAB_NONE;
}

static enum lab_remedy remedy_of_cycle(const struct coffman_case *c, u32 *who)
{
	*who = upgrader(c);
	if (*who != LAB_NONE)
		return LAB_REMEDY_UPGRADE;
	*who = 0;
	if (has_kind(c, KIND(LAB_THREAD) | KIND(LAB_PROCESS))) {
		*who = waiter_for_kind(c, KIND(LAB_THREAD) | KIND(LAB_PROCESS));
		return LAB_REMEDY_REAP;
	}
	if (c->finding->nr_tasks == 1)
		return LAB_REMEDY_RECURSIVE;
	*who = newest_waiter(c);
	return LAB_REMEDY_ORDER;
}

/*
 * Locks without a recorded owner. One rwlock that readers have, and everybody asks for it again:
 * somebody in there is one of the readers. Several exclusive locks: they are held in here, too.
 * Otherwise nobody is left to signal.
 */
static enum lab_remedy remedy_of_stall(const struct coffman_case *c, u32 *who)
{
	bool only_locks = true;
	u32 i;

	*who = LAB_NONE;
	for (i = 0; i < c->finding->nr_locks; i++)
		only_locks &= !kind_is(lock_at(c, i),
				       KINDS_EVENT | KIND(LAB_SEMAPHORE) | KIND(LAB_FUTEX)) &&
			      !(lock_at(c, i)->attrs & LAB_FREE);
	if (!only_locks || c->is_dead)
		return LAB_REMEDY_WAKE;
	if (c->finding->nr_locks > 1) {
		*who = newest_waiter(c);
		return LAB_REMEDY_ORDER;
	}
	if (is_read_held(c, lock_at(c, 0))) {
		*who = 0;
		return LAB_REMEDY_UPGRADE;
	}
	if (c->finding->nr_tasks == 1) {
		*who = 0;
		return LAB_REMEDY_RECURSIVE;
	}
	return LAB_REMEDY_WAKE;
}

static enum lab_remedy remedy(const struct coffman_case *c, u32 *who)
{
	u32 timed;

	*who = LAB_NONE;
	switch (c->finding->kind) {
	case LAB_ABANDONED_LOCK:
		return LAB_REMEDY_ROBUST;
	case LAB_PREEMPTABLE_CYCLE:
		timed = find_status(c, LAB_TASK_WAITS_TIMED);
		*who = timed == LAB_NONE ? find_status(c, LAB_TASK_SIGNALLED) : timed;
		return LAB_REMEDY_LET_TIME_OUT;
	case LAB_IO_CYCLE:
		if (has_kind(c, KIND(LAB_PIPE) | KIND(LAB_SOCKET))) {
			*who = waiter_for_kind(c, KIND(LAB_PIPE) | KIND(LAB_SOCKET));
			return LAB_REMEDY_DRAIN;
		}
		*who = waiter_for_kind(c, KIND(LAB_PROCESS));
		return LAB_REMEDY_REAP;
	case LAB_STALL:
		return remedy_of_stall(c, who);
	case LAB_SPIN_DEADLOCK:
		return c->through_group ? remedy_of_stall(c, who) : remedy_of_cycle(c, who);
	default:
		return remedy_of_cycle(c, who);
	}
}

/*
 * The condition that the remedy breaks: the one whose breaking changes the fewest places.
 *
 *   one order (ORDER): one request moves, nobody gives anything up        -> circular wait
 *   a wake-up from outside the circle (WAKE): likewise                    -> circular wait
 *   have it no more when asking (RECURSIVE, UPGRADE, REAP, DRAIN): one unlock, close or read before
 *   one wait -> hold and wait take it away (ROBUST: from the dead; LET_TIME_OUT: already so)       
 *   -> no preemption
 *
 * Mutual exclusion is what the lock is there for, so it never is the cheapest.
 */
static enum lab_coffman cheapest(enum lab_remedy remedy)
{
	switch (remedy) {
	case LAB_REMEDY_RECURSIVE:
	case LAB_REMEDY_UPGRADE:
	case LAB_REMEDY_REAP:
	case LAB_REMEDY_DRAIN:
		return LAB_HOLD_AND_WAIT;
	case LAB_REMEDY_ROBUST:
	case LAB_REMEDY_LET_TIME_OUT:
		return LAB_NO_PREEMPTION;
	default:
		return LAB_CIRCULAR_WAIT;
	}
}

void coffman_fill(const struct coffman_case *c)
{
	struct lab_finding *f = c->finding;
	u32 who;

	f->certainty = certainty(c);
	f->conditions[LAB_MUTUAL_EXCLUSION] = mutual_exclusion(c);
	f->conditions[LAB_HOLD_AND_WAIT] = hold_and_wait(c);
	f->conditions[LAB_NO_PREEMPTION] = no_preemption(c);
	f->conditions[LAB_CIRCULAR_WAIT] = circular_wait(c);
	f->remedy = remedy(c, &who);
	f->cheapest = cheapest(f->remedy);
	f->remedy_task = who == LAB_NONE ? c->owner : task_index(c, who);
	f->remedy_lock = who == LAB_NONE ? lock_index(c, 0) : lock_of_task(c, who);
}
