// SPDX-License-Identifier: GPL-2.0
/*
 * The judge over all small pictures, and over random and hostile ones
 *
 * The oracle plays: a task that has all it waits for, or gives up, runs to its end and lets go of
 * everything; every order in which tasks may do so is tried. Who never comes to run, in no order,
 * is stuck, and exactly those have to be accused. LAB_TEST_EFFORT as in wfg_test.c.
 *
 * suite: timeout=400
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "sketch.h"

static u32 effort(void)
{
	const char *percent = getenv("LAB_TEST_EFFORT");

	if (percent)
		return (u32)atoi(percent);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 10;
#else
	return 100;
#endif
}

static u64 random_state;

static u32 random_below(u32 limit)
{
	/* xorshift64*, Vigna 2016 */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (u32)((random_state * 0x2545f4914f6cdd1dull >> 32) * limit >> 32);
}

/* ---- the oracle */

static bool is_gone(const struct lab_picture *p, u32 t)
{
	return (p->tasks[t].status & LAB_TASK_IS_GONE) || p->tasks[t].state == 'Z';
}

static bool kernel_lets_go(const struct lab_lock *l)
{
	switch (l->kind) {
	case LAB_THREAD:
	case LAB_PIPE:
	case LAB_SOCKET:
	case LAB_PROCESS:
	case LAB_FLOCK:
	case LAB_RECORD_LOCK:
		return true;
	default:
		return false;
	}
}

static bool outlives_owner(const struct lab_lock *l)
{
	return kernel_lets_go(l) || ((l->attrs & LAB_ROBUST) && !(l->attrs & LAB_EDEADLK));
}

static bool one_holder_is_enough(const struct lab_lock *l)
{
	switch (l->kind) {
	case LAB_FUTEX:
	case LAB_CONDVAR:
	case LAB_SEMAPHORE:
	case LAB_PIPE:
	case LAB_SOCKET:
	case LAB_PROCESS:
		return true;
	default:
		return false;
	}
}

static bool has_readers_and_writers(const struct lab_lock *l)
{
	return l->kind == LAB_RWLOCK || l->kind == LAB_FLOCK || l->kind == LAB_RECORD_LOCK ||
	       l->kind == LAB_KERNEL_LOCK;
}

static const struct lab_hold *hold_at(const struct lab_picture *p, const struct lab_lock *l, u32 i)
{
	return &p->holds[p->lock_holds[l->first_hold + i]];
}

static bool group_has_acted(const struct lab_picture *p, const struct lab_lock *l, const bool *done)
{
	const struct lab_group *g = &p->groups[l->wakers];
	u32 nr_alive = 0;

	if (!g->nr_members)
		return true;
	for (u32 i = 0; i < g->nr_members; i++) {
		u32 member = p->members[g->first_member + i];

		nr_alive += !is_gone(p, member);
		if (done[member])
			return true;
	}
	return !nr_alive && !l->nr_holds && kernel_lets_go(l);
}

static bool reader_gets_in(const struct lab_picture *p, const struct lab_lock *l, const bool *done)
{
	bool any = false, all = true, writer = false;
	u32 nr = 0;

	for (u32 i = 0; i < l->nr_holds; i++) {
		const struct lab_hold *h = hold_at(p, l, i);

		if (h->access == LAB_EXCLUSIVE && !(is_gone(p, h->task) && outlives_owner(l))) {
			writer = true;
			all &= done[h->task];
		}
	}
	if (writer)
		return all;
	if (l->kind != LAB_RWLOCK && l->kind != LAB_KERNEL_LOCK)
		return true;
	for (u32 i = 0; i < l->nr_waits; i++) {
		const struct lab_wait *w = &p->waits[p->lock_waits[l->first_wait + i]];

		if (w->access != LAB_EXCLUSIVE || is_gone(p, w->task))
			continue;
		nr++;
		any |= done[w->task];
		all &= done[w->task];
	}
	return !nr || (l->attrs & LAB_PREFER_WRITER ? all : any);
}

static bool has_what(const struct lab_picture *p, const struct lab_wait *w, const bool *done)
{
	const struct lab_lock *l = &p->locks[w->lock];
	bool any = false, all = true, shared = false, dead = false;
	u32 nr = 0;

	if (l->unseen)
		return true;
	for (u32 i = 0; i < l->nr_holds; i++) {
		const struct lab_hold *h = hold_at(p, l, i);

		shared |= h->access == LAB_SHARED;
		if (is_gone(p, h->task) && outlives_owner(l))
			continue;
		dead |= is_gone(p, h->task);
		nr++;
		any |= done[h->task];
		all &= done[h->task];
	}
	if ((l->attrs & LAB_OWNER_REUSED) && !dead)
		return outlives_owner(l);
	if (w->access == LAB_SHARED && shared && has_readers_and_writers(l) &&
	    !(l->attrs & LAB_OWNER_REUSED))
		return reader_gets_in(p, l, done);
	if (l->wakers != LAB_NONE && !l->nr_holds)
		return group_has_acted(p, l, done);
	if (one_holder_is_enough(l)) {
		if (l->wakers != LAB_NONE) {
			const struct lab_group *g = &p->groups[l->wakers];
			u32 nr_alive = 0;

			for (u32 i = 0; i < g->nr_members; i++)
				nr_alive += !is_gone(p, p->members[g->first_member + i]);
			if (nr_alive || !g->nr_members) {
				nr++;
				any |= group_has_acted(p, l, done);
			}
		}
		return !nr || any;
	}
	return all;
}

static bool may_run(const struct lab_picture *p, u32 t, const bool *done)
{
	const struct lab_task *task = &p->tasks[t];
	bool any = false, all = true;

	if (is_gone(p, t))
		return false;
	if (task->status & (LAB_TASK_WAITS_TIMED | LAB_TASK_SIGNALLED | LAB_TASK_OPAQUE))
		return true;
	for (u32 i = 0; i < task->nr_waits; i++) {
		bool has = has_what(p, &p->waits[task->first_wait + i], done);

		any |= has;
		all &= has;
	}
	return all || (any && (task->status & LAB_TASK_WAITS_ANY));
}

#define FEW 3

/* Every order: a state is the set of those that have run. */
static void play(const struct lab_picture *p, u32 state, bool *visited, bool *ran)
{
	bool done[FEW];

	if (visited[state])
		return;
	visited[state] = true;
	for (u32 t = 0; t < p->nr_tasks; t++) {
		done[t] = state >> t & 1;
		ran[t] |= done[t];
	}
	for (u32 t = 0; t < p->nr_tasks; t++)
		if (!done[t] && may_run(p, t, done))
			play(p, state | 1u << t, visited, ran);
}

/* For pictures too large for every order: round after round, until nobody is added. */
static void rounds(const struct lab_picture *p, bool *ran)
{
	bool changed = true;

	memset(ran, 0, p->nr_tasks * sizeof(*ran));
	while (changed) {
		changed = false;
		for (u32 t = 0; t < p->nr_tasks; t++) {
			if (!ran[t] && may_run(p, t, ran)) {
				ran[t] = true;
				changed = true;
			}
		}
	}
}

/* ---- what every picture's findings must fulfil */

static bool waits_for(const struct lab_picture *p, u32 t, u32 lock, enum lab_access *access)
{
	for (u32 i = 0; i < p->tasks[t].nr_waits; i++) {
		const struct lab_wait *w = &p->waits[p->tasks[t].first_wait + i];

		if (w->lock == lock) {
			*access = w->access;
			return true;
		}
	}
	return false;
}

static bool holds(const struct lab_picture *p, u32 t, u32 lock)
{
	for (u32 i = 0; i < p->tasks[t].nr_holds; i++)
		if (p->holds[p->tasks[t].first_hold + i].lock == lock)
			return true;
	return false;
}

static bool in_group(const struct lab_picture *p, u32 t, u32 lock)
{
	u32 wakers = p->locks[lock].wakers;

	for (u32 i = 0; wakers != LAB_NONE && i < p->groups[wakers].nr_members; i++)
		if (p->members[p->groups[wakers].first_member + i] == t)
			return true;
	return false;
}

static const char *check_cycle(const struct lab_picture *p, const struct lab_finding *f)
{
	const u32 *tasks = &p->finding_tasks[f->first_task],
		  *locks = &p->finding_locks[f->first_lock];

	if (f->nr_locks != f->nr_tasks)
		return "as many locks as tasks make a cycle";
	for (u32 i = 0; i < f->nr_tasks; i++) {
		u32 next = tasks[(i + 1) % f->nr_tasks];
		enum lab_access access, queued;

		if (p->tasks[tasks[i]].tid < p->tasks[tasks[0]].tid)
			return "a cycle begins with its lowest TID";
		if (!waits_for(p, tasks[i], locks[i], &access))
			return "a task of a cycle does not wait for its lock";
		if (!holds(p, next, locks[i]) && !in_group(p, next, locks[i]) &&
		    !(access == LAB_SHARED && waits_for(p, next, locks[i], &queued) &&
		      queued == LAB_EXCLUSIVE))
			return "a lock of a cycle is not held by the next task";
	}
	return NULL;
}

static const char *check_others(const struct lab_picture *p, const struct lab_finding *f)
{
	enum lab_access access;

	for (u32 i = 0; i < f->nr_tasks; i++) {
		u32 t = p->finding_tasks[f->first_task + i];
		bool waits = false;

		if (i && p->tasks[p->finding_tasks[f->first_task + i - 1]].tid >= p->tasks[t].tid)
			return "tasks are not sorted";
		for (u32 k = 0; k < f->nr_locks; k++)
			waits |= waits_for(p, t, p->finding_locks[f->first_lock + k], &access);
		if (!waits)
			return "a task waits for none of the locks";
	}
	for (u32 k = 0; k < f->nr_locks; k++) {
		bool wanted = false;

		for (u32 i = 0; i < f->nr_tasks; i++)
			wanted |= waits_for(p, p->finding_tasks[f->first_task + i],
					    p->finding_locks[f->first_lock + k], &access);
		if (!wanted)
			return "a lock that no task waits for";
	}
	return NULL;
}

static bool has_gone_holder(const struct lab_picture *p, u32 lock)
{
	for (u32 i = 0; i < p->locks[lock].nr_holds; i++)
		if (is_gone(p, hold_at(p, &p->locks[lock], i)->task))
			return true;
	return false;
}

static bool is_up_to_a_group(const struct lab_picture *p, const struct lab_lock *l)
{
	const struct lab_group *g;

	if (l->wakers == LAB_NONE || !l->nr_holds)
		return l->wakers != LAB_NONE;
	g = &p->groups[l->wakers];
	for (u32 i = 0; i < g->nr_members && one_holder_is_enough(l); i++)
		if (!is_gone(p, p->members[g->first_member + i]))
			return true;
	return false;
}

static const char *check_kind(const struct lab_picture *p, const struct lab_finding *f)
{
	bool grouped = false, ends = false, io = false;

	for (u32 i = 0; i < f->nr_locks; i++) {
		u32 l = p->finding_locks[f->first_lock + i];
		const struct lab_lock *lock = &p->locks[l];

		grouped |= is_up_to_a_group(p, lock);
		io |= lock->kind == LAB_PIPE || lock->kind == LAB_SOCKET ||
		      lock->kind == LAB_PROCESS;
		if (lock->unseen)
			return "a lock that may be released unseen";
		if (f->kind == LAB_ABANDONED_LOCK && !has_gone_holder(p, l) &&
		    !(lock->attrs & LAB_OWNER_REUSED))
			return "abandoned by nobody";
	}
	for (u32 i = 0; i < f->nr_tasks; i++) {
		u32 status = p->tasks[p->finding_tasks[f->first_task + i]].status;

		ends |= (status & (LAB_TASK_WAITS_TIMED | LAB_TASK_SIGNALLED)) != 0;
		if (status & LAB_TASK_OPAQUE)
			return "a task that nobody could look at";
	}
	switch (f->kind) {
	case LAB_SELF_DEADLOCK:
		return f->nr_tasks == 1 && f->is_cycle && !grouped ? NULL : "no self-deadlock";
	case LAB_DEADLOCK:
		return !grouped && !ends ? NULL : "no deadlock";
	case LAB_STALL:
		return grouped && !f->is_cycle ? NULL : "no stall";
	case LAB_PREEMPTABLE_CYCLE:
		return ends && f->is_cycle && !grouped ? NULL : "not preemptable";
	case LAB_IO_CYCLE:
		return io && !ends ? NULL : "no pipe, socket or process";
	case LAB_SPIN_DEADLOCK:
		return !ends ? NULL : "no spin deadlock";
	case LAB_ABANDONED_LOCK:
		return !f->is_cycle ? NULL : "abandoned, but a cycle";
	default:
		return "a kind that is not for the judge to find";
	}
}

#define BIT(n) (1u << (n))

static const char *check_conditions(const struct lab_picture *p, const struct lab_finding *f)
{
	static const u32 reasons[LAB_NR_CONDITIONS][3] = {
		/* by holds + 1; the table in model.h */
		[LAB_MUTUAL_EXCLUSION] = { BIT(LAB_BECAUSE_OWNER_UNKNOWN),
					   BIT(LAB_BECAUSE_NOT_A_LOCK) | BIT(LAB_BECAUSE_SHARED),
					   BIT(LAB_BECAUSE_OWNERS_RECORDED) |
						   BIT(LAB_BECAUSE_OWNER_UNKNOWN) |
						   BIT(LAB_BECAUSE_SHARED) },
		[LAB_HOLD_AND_WAIT] = { BIT(LAB_BECAUSE_NONE_KNOWN_HELD),
					BIT(LAB_BECAUSE_OWNER_GONE),
					BIT(LAB_BECAUSE_EACH_HOLDS_AND_WAITS) },
		[LAB_NO_PREEMPTION] = { BIT(LAB_BECAUSE_SIGNAL_HANDLER),
					BIT(LAB_BECAUSE_TIMED) | BIT(LAB_BECAUSE_SIGNALLED),
					BIT(LAB_BECAUSE_NOTHING_TAKES_AWAY) },
		[LAB_CIRCULAR_WAIT] = { BIT(LAB_BECAUSE_OUTSIDER), BIT(LAB_BECAUSE_NO_CYCLE),
					BIT(LAB_BECAUSE_CYCLE) | BIT(LAB_BECAUSE_KNOT) |
						BIT(LAB_BECAUSE_SELF) },
	};

	for (u32 i = 0; i < LAB_NR_CONDITIONS; i++) {
		const struct lab_condition *c = &f->conditions[i];

		if (c->holds < -1 || c->holds > 1 || !(reasons[i][c->holds + 1] & BIT(c->reason)))
			return "a condition with a reason of another";
		if ((c->task != LAB_NONE && c->task >= p->nr_tasks) ||
		    (c->lock != LAB_NONE && c->lock >= p->nr_locks))
			return "a condition shown by nobody";
	}
	if (f->remedy >= LAB_NR_REMEDIES || f->cheapest >= LAB_NR_CONDITIONS)
		return "no such remedy";
	if ((f->remedy_task != LAB_NONE && f->remedy_task >= p->nr_tasks) ||
	    f->remedy_lock >= p->nr_locks)
		return "a remedy nowhere";
	if (f->kind == LAB_PREEMPTABLE_CYCLE && f->conditions[LAB_NO_PREEMPTION].holds != 0)
		return "preemptable, but not so";
	return NULL;
}

static u64 rank(const struct lab_picture *p, const struct lab_finding *f)
{
	u32 lowest = LAB_NONE;

	for (u32 i = 0; i < f->nr_tasks; i++)
		if (p->tasks[p->finding_tasks[f->first_task + i]].tid < lowest)
			lowest = p->tasks[p->finding_tasks[f->first_task + i]].tid;
	return (u64)!lab_finding_is_fault(f->kind) << 63 | (u64)!f->asked << 62 |
	       (u64)(100000 - f->nr_tasks) << 32 | lowest;
}

struct accused {
	bool is_member, is_victim, in_fault;
};

static const char *check_findings(const struct lab_picture *p, const bool *ran,
				  struct accused *accused)
{
	bool found = false;

	memset(accused, 0, p->nr_tasks * sizeof(*accused));
	for (u32 i = 0; i < p->nr_findings; i++) {
		const struct lab_finding *f = &p->findings[i];
		bool fault = lab_finding_is_fault(f->kind), asked = false;
		const char *wrong;

		if (!f->nr_tasks || !f->nr_locks)
			return "a finding without tasks or locks";
		for (u32 k = 0; k < f->nr_tasks + f->nr_victims; k++) {
			bool victim = k >= f->nr_tasks;
			u32 at = victim ? f->first_victim + k - f->nr_tasks : f->first_task + k;
			u32 t;

			if (at >= p->nr_finding_tasks)
				return "tasks out of range";
			t = p->finding_tasks[at];
			if (t >= p->nr_tasks || is_gone(p, t))
				return "no such task";
			asked |= (p->tasks[t].status & LAB_TASK_IS_ASKED) != 0;
			if (victim && at > f->first_victim &&
			    p->tasks[p->finding_tasks[at - 1]].tid >= p->tasks[t].tid)
				return "victims are not sorted";
			/*
			 * in one circle or behind one; those who wait directly for somebody who is
			 * gone say so besides
			 */
			if (victim && (accused[t].is_victim || accused[t].is_member))
				return "a victim twice, or a member too";
			if (victim && fault && ran[t])
				return "a victim that can run";
			if (!victim && fault && ran[t] && f->kind != LAB_ABANDONED_LOCK &&
			    f->conditions[LAB_CIRCULAR_WAIT].reason != LAB_BECAUSE_NO_CYCLE &&
			    f->conditions[LAB_CIRCULAR_WAIT].reason != LAB_BECAUSE_OUTSIDER)
				return "accused, but can run";
			if (!victim && !fault && !ran[t])
				return "preemptable, but never runs";
			if (victim)
				accused[t].is_victim = true;
			else if (f->kind != LAB_ABANDONED_LOCK &&
				 f->conditions[LAB_CIRCULAR_WAIT].reason != LAB_BECAUSE_NO_CYCLE &&
				 f->conditions[LAB_CIRCULAR_WAIT].reason != LAB_BECAUSE_OUTSIDER)
				accused[t].is_member = true;
			accused[t].in_fault |= fault;
		}
		for (u32 k = 0; k < f->nr_locks; k++)
			if (f->first_lock + k >= p->nr_finding_locks ||
			    p->finding_locks[f->first_lock + k] >= p->nr_locks)
				return "no such lock";
		if (f->asked < asked)
			return "asked about, but not said so";
		wrong = f->is_cycle ? check_cycle(p, f) : check_others(p, f);
		if (!wrong)
			wrong = check_kind(p, f);
		if (!wrong)
			wrong = check_conditions(p, f);
		if (wrong)
			return wrong;
		if (i && rank(p, &p->findings[i - 1]) > rank(p, f))
			return "findings are not sorted";
		found |= fault && f->asked;
	}
	if (p->verdict != (found ? LAB_FOUND : p->lost_events || p->blind ? LAB_UNKNOWN
									  : LAB_NONE_WRONG))
		return "verdict";
	for (u32 t = 0; t < p->nr_tasks; t++)
		if (!is_gone(p, t) && !ran[t] && !accused[t].in_fault)
			return "stuck, but not found";
	return NULL;
}

static void print_picture(const struct lab_picture *p)
{
	for (u32 t = 0; t < p->nr_tasks && t < 12; t++)
		printf("# task %u: status %#x\n", t, p->tasks[t].status);
	for (u32 l = 0; l < p->nr_locks && l < 12; l++)
		printf("# lock %u: kind %u attrs %#x group %d\n", l, p->locks[l].kind,
		       p->locks[l].attrs, (int)p->locks[l].wakers);
	for (u32 i = 0; i < p->nr_waits && i < 24; i++)
		printf("# %u waits for %u %s\n", p->waits[i].task, p->waits[i].lock,
		       p->waits[i].access ? "shared" : "");
	for (u32 i = 0; i < p->nr_holds && i < 24; i++)
		printf("# %u holds %u %s\n", p->holds[i].task, p->holds[i].lock,
		       p->holds[i].access ? "shared" : "");
	for (u32 i = 0; i < p->nr_findings && i < 8; i++) {
		const struct lab_finding *f = &p->findings[i];

		printf("# finding: %s of", lab_finding_kind_name(f->kind));
		for (u32 k = 0; k < f->nr_tasks && k < 12; k++)
			printf(" %u", p->finding_tasks[f->first_task + k]);
		printf("\n");
	}
}

static const char *judge_small(struct sketch *s)
{
	bool visited[1 << FEW] = { false }, ran[FEW] = { false };
	struct accused accused[FEW];
	const char *wrong;

	if (!sketch_judge(s))
		return "refused, or wrote too far";
	play(&s->p, 0, visited, ran);
	wrong = check_findings(&s->p, ran, accused);
	if (wrong)
		print_picture(&s->p);
	return wrong;
}

static void start_picture(struct sketch *s, const u32 *status, enum lab_lock_kind kind,
			  u32 nr_locks)
{
	sketch_clear(s);
	for (u32 t = 0; t < FEW; t++) {
		sketch_task(s);
		s->p.tasks[t].status |= status[t];
	}
	for (u32 l = 0; l < nr_locks; l++)
		sketch_lock(s, kind);
}

static bool thinned_out(void)
{
	return effort() < 100 && random_below(100) >= effort();
}

/* With one owner a lock and one wait a task, who waits for whom is a function: follow it. */
static void count_by_following(const struct lab_picture *p, u32 *nr_faults, u32 *nr_near)
{
	u32 next[FEW], gone_needed = 0;

	*nr_faults = *nr_near = 0;
	for (u32 t = 0; t < FEW; t++) {
		next[t] = LAB_NONE;
		if (p->tasks[t].nr_waits && !is_gone(p, t) &&
		    !(p->tasks[t].status & LAB_TASK_OPAQUE)) {
			const struct lab_lock *l = &p->locks[p->waits[p->tasks[t].first_wait].lock];

			if (l->nr_holds)
				next[t] = hold_at(p, l, 0)->task;
		}
		if (next[t] != LAB_NONE && is_gone(p, next[t]))
			gone_needed |= 1u << next[t];
	}
	*nr_faults = (u32)__builtin_popcount(gone_needed);
	for (u32 t = 0; t < FEW; t++) {
		bool lowest = true, timed = false;
		u32 at = t, steps = 0;

		do {
			lowest &= at >= t;
			timed |= (p->tasks[at].status & LAB_TASK_WAITS_TIMED) != 0;
			at = next[at];
		} while (at != LAB_NONE && at != t && ++steps < FEW);
		if (at != t || !lowest)
			continue;
		*nr_faults += !timed;
		*nr_near += timed;
	}
}

TEST(every_picture_of_three_tasks_and_three_mutexes)
{
	static const u32 statuses[] = { 0, LAB_TASK_WAITS_TIMED, LAB_TASK_IS_GONE,
					LAB_TASK_OPAQUE };
	struct sketch *s = sketch_new();
	u64 nr = 0, nr_found = 0;

	random_state = 1;
	for (u32 code = 0; code < 1u << 18; code++) {
		u32 status[FEW], nr_faults, nr_near, nr_have = 0;
		const char *wrong;

		if (thinned_out())
			continue;
		for (u32 t = 0; t < FEW; t++)
			status[t] = statuses[code >> (2 * t) & 3];
		start_picture(s, status, LAB_MUTEX, 3);
		for (u32 i = 0; i < 3; i++) {
			u32 owner = code >> (6 + 2 * i) & 3, wait = code >> (12 + 2 * i) & 3;

			if (owner)
				sketch_hold(s, owner - 1, i);
			if (wait)
				sketch_wait(s, i, wait - 1);
		}
		wrong = judge_small(s);
		ASSERT_EQ(wrong, NULL)
		{
			TH_LOG("%s", wrong);
		}
		count_by_following(&s->p, &nr_faults, &nr_near);
		for (u32 i = 0; i < s->p.nr_findings; i++)
			nr_have += lab_finding_is_fault(s->p.findings[i].kind);
		if (nr_have != nr_faults || s->p.nr_findings != nr_faults + nr_near)
			print_picture(&s->p);
		ASSERT_EQ(nr_have, nr_faults);
		ASSERT_EQ(s->p.nr_findings, nr_faults + nr_near);
		nr++;
		nr_found += s->p.nr_findings != 0;
	}
	TH_LOG("%llu pictures, %llu with a finding", (unsigned long long)nr,
	       (unsigned long long)nr_found);
	EXPECT_GT(nr_found, nr / 20);
	sketch_free(s);
}

/*
 * A lock is free, or has an owner (mutex), or a group of its own (condvar); a task waits for none,
 * one, both or any of them.
 */
TEST(every_picture_of_three_tasks_and_two_locks_with_owners_or_wakers)
{
	static const u32 statuses[] = { 0, LAB_TASK_WAITS_TIMED, LAB_TASK_IS_GONE };
	struct sketch *s = sketch_new();
	u64 nr = 0, nr_found = 0;

	random_state = 2;
	for (u32 code = 0; code < 27 * 125 * 121; code++) {
		u32 rest = code, status[FEW];
		const char *wrong;

		if (thinned_out())
			continue;
		for (u32 t = 0; t < FEW; t++, rest /= 3)
			status[t] = statuses[rest % 3];
		start_picture(s, status, LAB_MUTEX, 2);
		for (u32 t = 0; t < FEW; t++, rest /= 5) {
			u32 wait = rest % 5;

			if (wait & 1 || wait == 4)
				sketch_wait(s, t, 0);
			if (wait >= 2)
				sketch_wait(s, t, 1);
			if (wait == 4)
				s->p.tasks[t].status |= LAB_TASK_WAITS_ANY;
		}
		for (u32 l = 0; l < 2; l++, rest /= 11) {
			u32 choice = rest % 11, members[FEW], nr_members = 0;

			if (choice >= 8) {
				sketch_hold(s, choice - 8, l);
				continue;
			}
			for (u32 t = 0; t < FEW; t++)
				if (choice >> t & 1)
					members[nr_members++] = t;
			if (!nr_members)
				continue;
			s->p.locks[l].kind = LAB_CONDVAR;
			s->p.locks[l].wakers = sketch_group(s, nr_members, members);
		}
		wrong = judge_small(s);
		ASSERT_EQ(wrong, NULL)
		{
			TH_LOG("%s", wrong);
		}
		nr++;
		nr_found += s->p.nr_findings != 0;
	}
	TH_LOG("%llu pictures, %llu with a finding", (unsigned long long)nr,
	       (unsigned long long)nr_found);
	EXPECT_GT(nr_found, nr / 20);
	sketch_free(s);
}

TEST(every_picture_of_three_tasks_and_two_rwlocks)
{
	static const u32 statuses[] = { 0, LAB_TASK_WAITS_TIMED, LAB_TASK_IS_GONE };
	struct sketch *s = sketch_new();
	u64 nr = 0, nr_found = 0;

	random_state = 3;
	for (u32 code = 0; code < 2 * 27 * 125 * 121; code++) {
		u32 rest = code / 2, status[FEW];
		const char *wrong;

		if (thinned_out())
			continue;
		for (u32 t = 0; t < FEW; t++, rest /= 3)
			status[t] = statuses[rest % 3];
		start_picture(s, status, LAB_RWLOCK, 2);
		for (u32 l = 0; l < 2; l++)
			s->p.locks[l].attrs = code & 1 ? LAB_PREFER_WRITER : 0;
		for (u32 t = 0; t < FEW; t++, rest /= 5) {
			switch (rest % 5) {
			case 1:
			case 2:
				sketch_wait(s, t, rest % 5 - 1);
				break;
			case 3:
			case 4:
				sketch_read_wait(s, t, rest % 5 - 3);
				break;
			}
		}
		for (u32 l = 0; l < 2; l++, rest /= 11) {
			u32 choice = rest % 11;

			if (choice >= 8)
				sketch_hold(s, choice - 8, l);
			for (u32 t = 0; t < FEW && choice < 8; t++)
				if (choice >> t & 1)
					sketch_read_hold(s, t, l);
		}
		wrong = judge_small(s);
		ASSERT_EQ(wrong, NULL)
		{
			TH_LOG("%s", wrong);
		}
		nr++;
		nr_found += s->p.nr_findings != 0;
	}
	TH_LOG("%llu pictures, %llu with a finding", (unsigned long long)nr,
	       (unsigned long long)nr_found);
	EXPECT_GT(nr_found, nr / 20);
	sketch_free(s);
}

/* ---- random pictures of everything */

static void random_picture(struct sketch *s, u32 max_tasks)
{
	u32 nr_tasks = 1 + random_below(max_tasks), nr_locks = 1 + random_below(max_tasks);
	u32 nr_groups = random_below(4);
	u32 members[256];

	sketch_clear(s);
	s->p.lost_events = !random_below(8);
	s->p.blind = !random_below(8);
	for (u32 t = 0; t < nr_tasks; t++) {
		sketch_task(s);
		if (!random_below(12))
			s->p.tasks[t].status |= 1u << random_below(10);
		if (!random_below(30))
			s->p.tasks[t].state = 'Z';
	}
	for (u32 g = 0; g < nr_groups; g++) {
		u32 nr = random_below(nr_tasks < 8 ? nr_tasks + 1 : 8);

		for (u32 i = 0; i < nr; i++)
			members[i] = random_below(nr_tasks);
		sketch_group(s, nr, members);
		s->p.groups[g].doubtful = !random_below(3);
	}
	for (u32 l = 0; l < nr_locks; l++) {
		sketch_lock(s, random_below(3) ? LAB_MUTEX : random_below(LAB_NR_KINDS));
		if (!random_below(6))
			s->p.locks[l].attrs = 1u << random_below(15);
		s->p.locks[l].unseen = !random_below(30);
		if (nr_groups && !random_below(4))
			s->p.locks[l].wakers = random_below(nr_groups);
		for (u32 i = random_below(8) ? 1 : random_below(3); i > 0; i--) {
			if (random_below(6))
				sketch_hold(s, random_below(nr_tasks), l);
			else
				sketch_read_hold(s, random_below(nr_tasks), l);
		}
	}
	for (u32 t = 0; t < nr_tasks; t++) {
		u32 nr = random_below(5) ? 1 : random_below(3), first = random_below(nr_locks);

		for (u32 i = 0; i < nr && i < nr_locks; i++) {
			if (random_below(5))
				sketch_wait(s, t, (first + i) % nr_locks);
			else
				sketch_read_wait(s, t, (first + i) % nr_locks);
		}
	}
}

static void fuzz(struct __test_metadata *_metadata, u32 nr_pictures, u32 max_tasks, u64 seed)
{
	struct accused accused[256];
	struct sketch *s = sketch_new();
	bool ran[256];
	u32 nr_found = 0;

	random_state = seed;
	nr_pictures = nr_pictures * effort() / 100 + 1;
	for (u32 i = 0; i < nr_pictures; i++) {
		const char *wrong;

		random_picture(s, max_tasks);
		ASSERT_TRUE(sketch_judge(s));
		rounds(&s->p, ran);
		wrong = check_findings(&s->p, ran, accused);
		if (wrong)
			print_picture(&s->p);
		ASSERT_EQ(wrong, NULL)
		{
			TH_LOG("picture %u: %s", i, wrong);
		}
		nr_found += s->p.nr_findings != 0;
	}
	TH_LOG("%u pictures, %u with a finding", nr_pictures, nr_found);
	EXPECT_GT(nr_found, nr_pictures / 10);
	sketch_free(s);
}

TEST(random_small_pictures)
{
	fuzz(_metadata, 300000, 6, 4);
}

TEST(random_larger_pictures)
{
	fuzz(_metadata, 10000, 200, 5);
}

/* ---- hostile pictures */

static u32 nasty(u32 limit)
{
	switch (random_below(6)) {
	case 0:
		return LAB_NONE;
	case 1:
		return LAB_NONE - 1;
	case 2:
		return limit;
	case 3:
		return 1u << 31;
	case 4:
		return 0;
	default:
		return random_below(limit + 2);
	}
}

static void spoil(struct lab_picture *p)
{
	struct lab_task *t = &p->tasks[random_below(p->nr_tasks)];
	struct lab_lock *l = &p->locks[random_below(p->nr_locks)];

	switch (random_below(14)) {
	case 0:
		t->first_wait = nasty(p->nr_waits);
		break;
	case 1:
		t->nr_waits = nasty(p->nr_waits);
		break;
	case 2:
		t->first_hold = nasty(p->nr_holds);
		break;
	case 3:
		t->nr_holds = nasty(p->nr_holds);
		break;
	case 4:
		l->first_wait = nasty(p->nr_waits);
		break;
	case 5:
		l->nr_waits = nasty(p->nr_waits);
		break;
	case 6:
		l->first_hold = nasty(p->nr_holds);
		break;
	case 7:
		l->nr_holds = nasty(p->nr_holds);
		break;
	case 8:
		l->wakers = nasty(p->nr_groups);
		break;
	case 9:
		l->kind = nasty(LAB_NR_KINDS);
		break;
	case 10:
		if (p->nr_waits)
			p->waits[random_below(p->nr_waits)].lock = nasty(p->nr_locks);
		break;
	case 11:
		if (p->nr_holds)
			p->lock_holds[random_below(p->nr_holds)] = nasty(p->nr_holds);
		break;
	case 12:
		if (p->nr_waits)
			p->lock_waits[random_below(p->nr_waits)] = nasty(p->nr_waits);
		break;
	case 13:
		if (p->nr_members)
			p->members[random_below(p->nr_members)] = nasty(p->nr_tasks);
		break;
	}
}

TEST(a_picture_that_contradicts_itself_is_refused_or_judged_within_its_memory)
{
	u32 nr = 200000 * effort() / 100, nr_refused = 0, nr_judged = 0;
	struct sketch *s = sketch_new();

	random_state = 6;
	for (u32 i = 0; i < nr; i++) {
		size_t bytes;
		u8 *memory;

		random_picture(s, 8);
		sketch_index(s);
		for (u32 k = 1 + random_below(3); k > 0; k--)
			spoil(&s->p);
		bytes = judge_bytes(&s->p);
		if (!bytes) {
			nr_refused++;
			continue;
		}
		memory = malloc(bytes + 16);
		ASSERT_NE(memory, NULL);
		memset(memory, 0xa5, bytes + 16);
		judge(&s->p, memory);
		for (u32 k = 0; k < 16; k++)
			ASSERT_EQ(memory[bytes + k], 0xa5);
		for (u32 k = 0; k < s->p.nr_finding_tasks; k++)
			ASSERT_LT(s->p.finding_tasks[k], s->p.nr_tasks);
		for (u32 k = 0; k < s->p.nr_finding_locks; k++)
			ASSERT_LT(s->p.finding_locks[k], s->p.nr_locks);
		free(memory);
		nr_judged++;
	}
	TH_LOG("%u refused, %u judged", nr_refused, nr_judged);
	EXPECT_GT(nr_refused, nr / 4);
	EXPECT_GT(nr_judged, nr / 20);
	sketch_free(s);
}

TEST(arrays_that_are_missing_and_kinds_that_do_not_exist_are_refused)
{
	struct sketch *s = sketch_new();
	u32 *lock_waits;

	sketch_task(s);
	sketch_lock(s, LAB_MUTEX);
	sketch_wait(s, 0, 0);
	sketch_index(s);
	EXPECT_NE(judge_bytes(&s->p), 0);
	s->p.locks[0].kind = LAB_NR_KINDS;
	EXPECT_EQ(judge_bytes(&s->p), 0);
	s->p.locks[0].kind = LAB_MUTEX;
	lock_waits = s->p.lock_waits;
	s->p.lock_waits = NULL;
	EXPECT_EQ(judge_bytes(&s->p), 0);
	s->p.lock_waits = lock_waits;
	s->p.nr_groups = 1;
	EXPECT_EQ(judge_bytes(&s->p), 0);
	s->p.nr_groups = 0;
	s->p.nr_tasks = 1u << 31;
	EXPECT_EQ(judge_bytes(&s->p), 0);
	s->p.nr_tasks = 1;
	sketch_free(s);
}

TEST(groups_that_share_their_members_are_refused)
{
	struct sketch *s = sketch_new();

	/*
	 * a thousand groups of a thousand in one array would be a million edges from two thousand
	 * words
	 */
	sketch_task(s);
	sketch_group(s, LIST(0));
	sketch_group(s, LIST(0));
	sketch_index(s);
	EXPECT_NE(judge_bytes(&s->p), 0);
	s->p.groups[0].nr_members = 2;
	EXPECT_EQ(judge_bytes(&s->p), 0);
	sketch_free(s);
}

TEST_HARNESS_MAIN
