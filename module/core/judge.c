// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * judge - picture -> wait-for graph -> circles -> findings
 *
 *   node                    needs
 *   ---------------------- 
 *   ---------------------------------------------------------------------------------
 *   task                    all locks it waits for, or any (LAB_TASK_WAITS_ANY)
 *   lock                    all its holders, or any (KINDS_ANY_HOLDER); without a holder its group
 *   of wakers read side of a lock     the writer that has it; else the writers queued for it. Only
 *   for locks that readers have
 *   group                   any member
 *
 * Who is not seen is never accused: a lock that nobody known could release, a lock marked unseen, a
 * task that could not be looked at and an empty group can always act. Gone tasks never act, except
 * that the kernel lets go of what it manages.
 */
#include "carve.h"
#include "coffman.h"
#include "judge.h"
#include "kinds.h"
#include "wfg.h"

/* A circle that becomes a finding. */
struct draft {
	u32 circle;
	u32 nr_tasks;
	u32 lowest_tid;
	u32 owner; /* gone task that it rests on */
	u32 lock; /* lock that nobody will ever release, its owner not known as a task */
	enum lab_finding_kind kind;
	bool asked;
	bool through_group;
};

struct sort_item {
	u64 key;
	u32 value;
};

#define INSERTION_SORT 24u /* below this many, sorting by digits costs more than it saves */

struct judge {
	struct lab_picture *p;
	struct wfg *g;
	const struct wfg_circle *circles;
	const u32 *circle_nodes;
	struct draft *drafts;
	u32 nr_drafts;
	u32 *draft_of; /* by circle; LAB_NONE: no finding */
	u32 *read_side; /* by lock: node that its readers wait at, LAB_NONE: the lock itself */
	u32 *read_side_lock; /* by read side, in the order of their nodes */
	u32 *gone_holder; /* by lock: a task that took it along, LAB_NONE */
	u32 *group_alive; /* by group: members that are not gone */
	u32 *task_stamp, *lock_stamp;
	u32 stamp;
	u32 *victim_first; /* by draft, one more than there are: into victims */
	u32 *victims;
	struct sort_item *items, *items_too;
	u32 *digits; /* [256] */
};

struct sizes {
	u32 max_nodes, max_edges;
	u32 max_findings, max_finding_tasks, max_finding_locks;
	u64 max_circles, max_items;
};

/* ---- is the picture one at all? */

static bool is_range(u32 first, u32 nr, u32 limit)
{
	return first <= limit && nr <= limit - first;
}

/* Every wait and hold belongs to the range of its task, none to two. */
static bool are_tasks_valid(const struct lab_picture *p)
{
	u64 waits = 0, holds = 0;
	u32 t, i;

	for (t = 0; t < p->nr_tasks; t++) {
		const struct lab_task *task = &p->tasks[t];

		if (!is_range(task->first_wait, task->nr_waits, p->nr_waits) ||
		    !is_range(task->first_hold, task->nr_holds, p->nr_holds))
			return false;
		for (i = 0; i < task->nr_waits; i++)
			if (p->waits[task->first_wait + i].task != t)
				return false;
		for (i = 0; i < task->nr_holds; i++)
			if (p->holds[task->first_hold + i].task != t)
				return false;
		waits += task->nr_waits;
		holds += task->nr_holds;
	}
	return waits == p->nr_waits && holds == p->nr_holds;
}

/* Likewise. */
static bool are_locks_valid(const struct lab_picture *p)
{
	u64 waits = 0, holds = 0;
	u32 l, i;

	for (l = 0; l < p->nr_locks; l++) {
		const struct lab_lock *lock = &p->locks[l];

		if ((u32)lock->kind >= LAB_NR_KINDS ||
		    !is_range(lock->first_wait, lock->nr_waits, p->nr_waits) ||
		    !is_range(lock->first_hold, lock->nr_holds, p->nr_holds) ||
		    (lock->wakers != LAB_NONE && lock->wakers >= p->nr_groups))
			return false;
		for (i = 0; i < lock->nr_waits; i++) {
			u32 wait = p->lock_waits[lock->first_wait + i];

			if (wait >= p->nr_waits || p->waits[wait].lock != l)
				return false;
		}
		for (i = 0; i < lock->nr_holds; i++) {
			u32 hold = p->lock_holds[lock->first_hold + i];

			if (hold >= p->nr_holds || p->holds[hold].lock != l)
				return false;
		}
		waits += lock->nr_waits;
		holds += lock->nr_holds;
	}
	return waits == p->nr_waits && holds == p->nr_holds;
}

static bool are_edges_valid(const struct lab_picture *p)
{
	u32 i;

	for (i = 0; i < p->nr_waits; i++)
		if (p->waits[i].task >= p->nr_tasks || p->waits[i].lock >= p->nr_locks)
			return false;
	for (i = 0; i < p->nr_holds; i++)
		if (p->holds[i].task >= p->nr_tasks || p->holds[i].lock >= p->nr_locks)
			return false;
	return true;
}

static bool are_groups_valid(const struct lab_picture *p)
{
	u64 sum = 0;
	u32 i;

	for (i = 0; i < p->nr_groups; i++) {
		if (!is_range(p->groups[i].first_member, p->groups[i].nr_members, p->nr_members))
			return false;
		sum += p->groups[i].nr_members;
	}
	for (i = 0; i < p->nr_members; i++)
		if (p->members[i] >= p->nr_tasks)
			return false;
	/* No member twice, or the graph would be larger than the picture. */
	return sum <= p->nr_members;
}

static bool has_arrays(const struct lab_picture *p)
{
	return (p->tasks || !p->nr_tasks) && (p->locks || !p->nr_locks) &&
	       (p->waits || !p->nr_waits) && (p->holds || !p->nr_holds) &&
	       (p->lock_waits || !p->nr_waits) && (p->lock_holds || !p->nr_holds) &&
	       (p->groups || !p->nr_groups) && (p->members || !p->nr_members);
}

/* ---- how large can it all get? */

/*
 * A finding has at least one waiting task and one lock that is waited for. Cycles and knots share
 * neither tasks nor locks, and a lock without its owner is laid at one door only (gone_holder[]),
 * so there are at most so many.
 */
static u64 most_findings(const struct lab_picture *p)
{
	u64 waiting = 0, wanted = 0;
	u32 i;

	for (i = 0; i < p->nr_tasks; i++)
		waiting += p->tasks[i].nr_waits != 0;
	for (i = 0; i < p->nr_locks; i++)
		wanted += p->locks[i].nr_waits != 0;
	return (waiting < wanted ? waiting : wanted) + wanted;
}

static bool measure(const struct lab_picture *p, struct sizes *s)
{
	const u64 limit = (LAB_NONE >> 1) - 1;
	u64 nodes = (u64)p->nr_tasks + 2 * (u64)p->nr_locks + p->nr_groups;
	u64 edges = 2 * (u64)p->nr_waits + 2 * (u64)p->nr_holds + p->nr_locks + p->nr_members;
	u64 tasks = (u64)p->nr_tasks + p->nr_waits;
	u64 locks = (u64)p->nr_locks + p->nr_waits;
	u64 findings;

	if (nodes > limit || edges > limit || tasks > limit || locks > limit)
		return false;
	findings = most_findings(p);
	if (findings > limit)
		return false;
	s->max_nodes = (u32)nodes;
	s->max_edges = (u32)edges;
	s->max_findings = (u32)findings;
	s->max_finding_tasks = (u32)tasks;
	s->max_finding_locks = (u32)locks;
	s->max_circles = nodes;
	s->max_items = findings > p->nr_tasks ? findings : p->nr_tasks;
	return true;
}

/* What is left for the caller lies first, then what only the judge needs. */
static u64 lay_out(const struct lab_picture *p, const struct sizes *s, void *memory,
		   struct judge *j, struct lab_picture *out)
{
	u64 offset = 0;

	out->findings = carve(&offset, memory, s->max_findings, sizeof(*out->findings));
	out->finding_tasks =
		carve(&offset, memory, s->max_finding_tasks, sizeof(*out->finding_tasks));
	out->finding_locks =
		carve(&offset, memory, s->max_finding_locks, sizeof(*out->finding_locks));
	j->g = carve(&offset, memory, wfg_bytes(s->max_nodes, s->max_edges), 1);
	j->drafts = carve(&offset, memory, (u64)s->max_findings + 1, sizeof(*j->drafts));
	j->draft_of = carve(&offset, memory, s->max_circles, sizeof(*j->draft_of));
	j->read_side = carve(&offset, memory, p->nr_locks, sizeof(*j->read_side));
	j->read_side_lock = carve(&offset, memory, p->nr_locks, sizeof(*j->read_side_lock));
	j->gone_holder = carve(&offset, memory, p->nr_locks, sizeof(*j->gone_holder));
	j->group_alive = carve(&offset, memory, p->nr_groups, sizeof(*j->group_alive));
	j->task_stamp = carve(&offset, memory, p->nr_tasks, sizeof(*j->task_stamp));
	j->lock_stamp = carve(&offset, memory, p->nr_locks, sizeof(*j->lock_stamp));
	j->victim_first =
		carve(&offset, memory, (u64)s->max_findings + 2, sizeof(*j->victim_first));
	j->victims = carve(&offset, memory, p->nr_tasks, sizeof(*j->victims));
	j->items = carve(&offset, memory, s->max_items, sizeof(*j->items));
	j->items_too = carve(&offset, memory, s->max_items, sizeof(*j->items_too));
	j->digits = carve(&offset, memory, 256, sizeof(*j->digits));
	return offset;
}

size_t judge_bytes(const struct lab_picture *p)
{
	struct lab_picture out;
	struct sizes sizes;
	struct judge j;
	u64 bytes;

	if (!has_arrays(p) || !measure(p, &sizes) || !are_edges_valid(p) || !are_tasks_valid(p) ||
	    !are_locks_valid(p) || !are_groups_valid(p))
		return 0;
	if (!wfg_bytes(sizes.max_nodes, sizes.max_edges))
		return 0;
	bytes = lay_out(p, &sizes, NULL, &j, &out);
	return bytes > (size_t)-1 ? 0 : (size_t)bytes;
}

/* ---- the graph */

static u32 lock_node(const struct judge *j, u32 lock)
{
	return j->p->nr_tasks + lock;
}

static u32 group_node(const struct judge *j, u32 group)
{
	return j->p->nr_tasks + j->p->nr_locks + group;
}

static u32 first_read_side(const struct judge *j)
{
	return j->p->nr_tasks + j->p->nr_locks + j->p->nr_groups;
}

static const struct lab_hold *hold_at(const struct judge *j, const struct lab_lock *lock, u32 i)
{
	return &j->p->holds[j->p->lock_holds[lock->first_hold + i]];
}

static const struct lab_wait *wait_at(const struct judge *j, const struct lab_lock *lock, u32 i)
{
	return &j->p->waits[j->p->lock_waits[lock->first_wait + i]];
}

static bool is_task_gone(const struct judge *j, u32 task)
{
	return task_is_gone(&j->p->tasks[task]);
}

/* Its holder went away and the lock with it, or not: then this hold keeps nobody waiting. */
static bool is_released(const struct judge *j, const struct lab_lock *lock,
			const struct lab_hold *hold)
{
	return is_task_gone(j, hold->task) && lock_survives_owner(lock);
}

/* The node that a wait leads to. */
static u32 wait_node(const struct judge *j, const struct lab_wait *wait)
{
	if (wait->access == LAB_SHARED && j->read_side[wait->lock] != LAB_NONE)
		return j->read_side[wait->lock];
	return lock_node(j, wait->lock);
}

static void add_tasks(struct judge *j)
{
	u32 t;

	for (t = 0; t < j->p->nr_tasks; t++) {
		u32 status = j->p->tasks[t].status, flags = 0;

		if (status & LAB_TASK_WAITS_ANY)
			flags |= WFG_ANY;
		if (status & (LAB_TASK_WAITS_TIMED | LAB_TASK_SIGNALLED))
			flags |= WFG_TIMED;
		if (is_task_gone(j, t))
			flags |= WFG_DEAD;
		else if (status & LAB_TASK_OPAQUE)
			flags |= WFG_LIVE;
		wfg_add_node(j->g, flags);
	}
}

/* A lock of many holders where one is enough, or of one that is waited for in full. */
static u32 flags_of_lock(struct judge *j, u32 l)
{
	const struct lab_lock *lock = &j->p->locks[l];
	u32 i;

	j->gone_holder[l] = LAB_NONE;
	if (!lock->nr_waits || lock->unseen)
		return WFG_LIVE;
	for (i = 0; i < lock->nr_holds; i++) {
		u32 holder = hold_at(j, lock, i)->task;

		if (is_task_gone(j, holder) && !lock_survives_owner(lock) &&
		    holder < j->gone_holder[l])
			j->gone_holder[l] = holder;
	}
	if ((lock->attrs & LAB_OWNER_REUSED) && j->gone_holder[l] == LAB_NONE)
		return lock_survives_owner(lock) ? WFG_LIVE : WFG_DEAD;
	/* Everybody who could have helped is gone; an end of file would be help enough. */
	if (!lock->nr_holds && lock->wakers != LAB_NONE && j->p->groups[lock->wakers].nr_members &&
	    !j->group_alive[lock->wakers])
		return kind_is(lock, KINDS_KERNEL_RELEASES) ? WFG_LIVE : WFG_DEAD;
	return kind_is(lock, KINDS_ANY_HOLDER) ? WFG_ANY : 0;
}

static void count_group_members(struct judge *j)
{
	u32 g, m;

	for (g = 0; g < j->p->nr_groups; g++) {
		const struct lab_group *group = &j->p->groups[g];

		j->group_alive[g] = 0;
		for (m = 0; m < group->nr_members; m++)
			j->group_alive[g] +=
				!is_task_gone(j, j->p->members[group->first_member + m]);
	}
}

/*
 * A reader does not wait for other readers, but for the writers that are in front of it. All of
 * them where the lock prefers writers; otherwise it may be next after the first, so any of them is
 * enough.
 */
static void add_read_sides(struct judge *j)
{
	u32 nr = 0, l, i;

	for (l = 0; l < j->p->nr_locks; l++) {
		const struct lab_lock *lock = &j->p->locks[l];
		bool readers_wait = false, readers_hold = false, writer_holds = false;
		u32 flags = 0;

		j->read_side[l] = LAB_NONE;
		if (lock->unseen || !kind_is(lock, KINDS_RW) || (lock->attrs & LAB_OWNER_REUSED))
			continue;
		for (i = 0; i < lock->nr_waits; i++)
			readers_wait |= wait_at(j, lock, i)->access == LAB_SHARED;
		for (i = 0; i < lock->nr_holds; i++) {
			if (hold_at(j, lock, i)->access == LAB_SHARED)
				readers_hold = true;
			else if (!is_released(j, lock, hold_at(j, lock, i)))
				writer_holds = true;
		}
		if (!readers_wait || !readers_hold)
			continue;
		if (!writer_holds && !(lock->attrs & LAB_PREFER_WRITER))
			flags = WFG_ANY;
		j->read_side_lock[nr++] = l;
		j->read_side[l] = wfg_add_node(j->g, flags);
	}
}

static void add_nodes(struct judge *j)
{
	u32 i;

	count_group_members(j);
	add_tasks(j);
	for (i = 0; i < j->p->nr_locks; i++)
		wfg_add_node(j->g, flags_of_lock(j, i));
	for (i = 0; i < j->p->nr_groups; i++)
		wfg_add_node(j->g, WFG_ANY);
	add_read_sides(j);
}

static void add_read_side_edges(struct judge *j, u32 l)
{
	const struct lab_lock *lock = &j->p->locks[l];
	bool writer_holds = false;
	u32 i;

	for (i = 0; i < lock->nr_holds; i++) {
		const struct lab_hold *hold = hold_at(j, lock, i);

		if (hold->access != LAB_EXCLUSIVE || is_released(j, lock, hold))
			continue;
		wfg_add_edge(j->g, j->read_side[l], hold->task);
		writer_holds = true;
	}
	if (writer_holds || !kind_is(lock, KINDS_WRITER_BLOCKS_READER))
		return;
	for (i = 0; i < lock->nr_waits; i++) {
		const struct lab_wait *wait = wait_at(j, lock, i);

		if (wait->access == LAB_EXCLUSIVE && !is_task_gone(j, wait->task))
			wfg_add_edge(j->g, j->read_side[l], wait->task);
	}
}

static void add_lock_edges(struct judge *j, u32 l)
{
	const struct lab_lock *lock = &j->p->locks[l];
	u32 i;

	if (!lock->nr_waits)
		return;
	for (i = 0; i < lock->nr_holds; i++)
		if (!is_released(j, lock, hold_at(j, lock, i)))
			wfg_add_edge(j->g, lock_node(j, l), hold_at(j, lock, i)->task);
	if (!lock_has_group(lock))
		return;
	/* An empty group is one that nobody could list. */
	if (j->group_alive[lock->wakers] || !j->p->groups[lock->wakers].nr_members)
		wfg_add_edge(j->g, lock_node(j, l), group_node(j, lock->wakers));
}

static void add_edges(struct judge *j)
{
	const struct lab_picture *p = j->p;
	u32 i, m;

	for (i = 0; i < p->nr_waits; i++)
		wfg_add_edge(j->g, p->waits[i].task, wait_node(j, &p->waits[i]));
	for (i = 0; i < p->nr_locks; i++) {
		add_lock_edges(j, i);
		if (j->read_side[i] != LAB_NONE)
			add_read_side_edges(j, i);
	}
	for (i = 0; i < p->nr_groups; i++) {
		for (m = 0; m < p->groups[i].nr_members; m++) {
			u32 member = p->members[p->groups[i].first_member + m];

			if (!is_task_gone(j, member))
				wfg_add_edge(j->g, group_node(j, i), member);
		}
	}
}

/* ---- circles -> drafts */

static u32 circle_node(const struct judge *j, u32 circle, u32 i)
{
	return j->circle_nodes[j->circles[circle].first + i];
}

static bool is_task_node(const struct judge *j, u32 node)
{
	return node < j->p->nr_tasks;
}

static bool is_group_node(const struct judge *j, u32 node)
{
	return node >= group_node(j, 0) && node < first_read_side(j);
}

/* The lock that a node is, or is the read side of; LAB_NONE for tasks and groups. */
static u32 lock_of_node(const struct judge *j, u32 node)
{
	if (is_task_node(j, node) || is_group_node(j, node))
		return LAB_NONE;
	if (node >= first_read_side(j))
		return j->read_side_lock[node - first_read_side(j)];
	return node - j->p->nr_tasks;
}

static void add_member(struct judge *j, struct draft *d, u32 task)
{
	const struct lab_task *t = &j->p->tasks[task];

	d->nr_tasks++;
	if (t->tid < d->lowest_tid)
		d->lowest_tid = t->tid;
	d->asked |= (t->status & LAB_TASK_IS_ASKED) != 0;
}

/*
 * Kinds of a circle, the more telling first: pipes and processes need other cures than locks;
 * threads that spin are seen by other means; a circle that is closed only because nobody else is
 * left to help is a stall, not a deadlock.
 */
static enum lab_finding_kind kind_of(const struct draft *d, bool is_cycle, bool has_io, bool spins)
{
	if (has_io)
		return LAB_IO_CYCLE;
	if (is_cycle && d->nr_tasks == 1 && !d->through_group)
		return LAB_SELF_DEADLOCK;
	if (spins)
		return LAB_SPIN_DEADLOCK;
	return d->through_group ? LAB_STALL : LAB_DEADLOCK;
}

static bool draft_circle(struct judge *j, struct draft *d)
{
	const struct wfg_circle *circle = &j->circles[d->circle];
	bool has_io = false, spins = false, near_miss = true;
	u32 i;

	for (i = 0; i < circle->nr; i++) {
		u32 node = circle_node(j, d->circle, i);

		if (is_task_node(j, node)) {
			add_member(j, d, node);
			spins |= (j->p->tasks[node].status & LAB_TASK_SPINS) != 0;
		} else if (is_group_node(j, node)) {
			d->through_group = true;
		} else {
			const struct lab_lock *lock = &j->p->locks[lock_of_node(j, node)];

			has_io |= kind_is(lock, KINDS_IO);
			near_miss &= kind_is(lock, KINDS_NEAR_MISS);
		}
	}
	d->kind = circle->is_timed ? LAB_PREEMPTABLE_CYCLE
				   : kind_of(d, circle->is_cycle, has_io, spins);
	/* Sleeping with a timeout until somebody has work is what healthy threads do. */
	return !circle->is_timed || (near_miss && !d->through_group);
}

/*
 * The tasks that wait for @l directly and can not go on because of it; each task and lock once a
 * stamp. With @out NULL they are only counted.
 */
static void direct_waiters(struct judge *j, struct draft *d, u32 l, enum lab_access held, u32 *out,
			   u32 *nr)
{
	const struct lab_lock *lock = &j->p->locks[l];
	u32 i;

	if (j->lock_stamp[l] == j->stamp)
		return;
	j->lock_stamp[l] = j->stamp;
	for (i = 0; i < lock->nr_waits; i++) {
		const struct lab_wait *wait = wait_at(j, lock, i);
		u32 node = wait_node(j, wait);

		if (j->task_stamp[wait->task] == j->stamp || is_task_gone(j, wait->task) ||
		    !wfg_is_stuck(j->g, node) || !wfg_is_held_up(j->g, wait->task))
			continue;
		if (node == j->read_side[l] && held == LAB_SHARED)
			continue;
		j->task_stamp[wait->task] = j->stamp;
		if (out)
			out[(*nr)++] = wait->task;
		else
			add_member(j, d, wait->task);
	}
}

/* All that went with a gone owner; see direct_waiters(). */
static void waiters_of_gone(struct judge *j, struct draft *d, u32 *out, u32 *nr)
{
	const struct lab_task *owner;
	u32 i;

	j->stamp++;
	if (d->owner == LAB_NONE) {
		direct_waiters(j, d, d->lock, LAB_EXCLUSIVE, out, nr);
		return;
	}
	owner = &j->p->tasks[d->owner];
	for (i = 0; i < owner->nr_holds; i++) {
		const struct lab_hold *hold = &j->p->holds[owner->first_hold + i];

		if (j->gone_holder[hold->lock] == d->owner)
			direct_waiters(j, d, hold->lock, hold->access, out, nr);
	}
}

static bool draft_dead(struct judge *j, struct draft *d, u32 node)
{
	d->kind = LAB_ABANDONED_LOCK;
	if (is_task_node(j, node)) {
		d->owner = node;
		d->asked |= (j->p->tasks[node].status & LAB_TASK_IS_ASKED) != 0;
	} else {
		d->lock = lock_of_node(j, node);
		if (!(j->p->locks[d->lock].attrs & LAB_OWNER_REUSED)) {
			d->kind = LAB_STALL;
			d->through_group = true;
		}
	}
	waiters_of_gone(j, d, NULL, NULL);
	return d->nr_tasks != 0;
}

static bool is_dead_circle(const struct judge *j, u32 circle)
{
	u32 node = circle_node(j, circle, 0);

	/* Tasks wait for locks, so only a dead node is a circle of one. */
	return j->circles[circle].nr == 1 &&
	       (is_task_node(j, node) || lock_of_node(j, node) != LAB_NONE);
}

static void draft_all(struct judge *j)
{
	u32 nr_circles = wfg_circles(j->g, &j->circles, &j->circle_nodes), c;

	for (c = 0; c < nr_circles; c++) {
		struct draft *d = &j->drafts[j->nr_drafts];
		bool keep;

		memset(d, 0, sizeof(*d));
		d->circle = c;
		d->lowest_tid = LAB_NONE;
		d->owner = LAB_NONE;
		d->lock = LAB_NONE;
		if (is_dead_circle(j, c))
			keep = draft_dead(j, d, circle_node(j, c, 0));
		else
			keep = draft_circle(j, d);
		j->draft_of[c] = keep ? j->nr_drafts++ : LAB_NONE;
	}
}

/* ---- who else is stuck */

/* Return: draft that the task is stuck behind without being in its circle. */
static u32 draft_behind(const struct judge *j, u32 task)
{
	u32 circle = wfg_behind(j->g, task);

	if (circle == WFG_NONE || j->draft_of[circle] == LAB_NONE || is_task_gone(j, task))
		return LAB_NONE;
	/* A wait with a timeout is not stuck behind a deadlock: it comes back, for good or ill. */
	if (!j->circles[circle].is_timed && !wfg_is_stuck(j->g, task))
		return LAB_NONE;
	if (j->task_stamp[task] == j->stamp)
		return LAB_NONE;
	return j->draft_of[circle];
}

static void stamp_circles(struct judge *j)
{
	u32 d, i;

	j->stamp++;
	for (d = 0; d < j->nr_drafts; d++) {
		for (i = 0; i < j->circles[j->drafts[d].circle].nr; i++) {
			u32 node = circle_node(j, j->drafts[d].circle, i);

			if (is_task_node(j, node))
				j->task_stamp[node] = j->stamp;
		}
	}
}

/*
 * Victims by draft: a counting sort. Direct waiters of a gone owner are among them until
 * fill_victims().
 */
static void find_victims(struct judge *j)
{
	u32 d, t;

	stamp_circles(j);
	memset(j->victim_first, 0, ((size_t)j->nr_drafts + 2) * sizeof(*j->victim_first));
	for (t = 0; t < j->p->nr_tasks; t++) {
		d = draft_behind(j, t);
		if (d == LAB_NONE)
			continue;
		j->victim_first[d + 2]++;
		j->drafts[d].asked |= (j->p->tasks[t].status & LAB_TASK_IS_ASKED) != 0;
	}
	for (d = 1; d < j->nr_drafts + 2; d++)
		j->victim_first[d] += j->victim_first[d - 1];
	for (t = 0; t < j->p->nr_tasks; t++) {
		d = draft_behind(j, t);
		if (d != LAB_NONE)
			j->victims[j->victim_first[d + 1]++] = t;
	}
}

/* ---- order */

static void insertion_sort(struct sort_item *items, u32 nr)
{
	u32 i, k;

	for (i = 1; i < nr; i++) {
		struct sort_item item = items[i];

		for (k = i; k > 0 && items[k - 1].key > item.key; k--)
			items[k] = items[k - 1];
		items[k] = item;
	}
}

/*
 * items[0, nr) by key, equal keys as they were: a radix sort that skips the digits that all have in
 * common.
 */
static void sort_items(struct judge *j, u32 nr)
{
	struct sort_item *from = j->items, *to = j->items_too;
	u32 shift, i;

	if (nr <= INSERTION_SORT) {
		insertion_sort(from, nr);
		return;
	}
	for (shift = 0; shift < 64; shift += 8) {
		u32 sum = 0;

		memset(j->digits, 0, 256 * sizeof(*j->digits));
		for (i = 0; i < nr; i++)
			j->digits[from[i].key >> shift & 255]++;
		if (j->digits[from[0].key >> shift & 255] == nr)
			continue;
		for (i = 0; i < 256; i++) {
			u32 count = j->digits[i];

			j->digits[i] = sum;
			sum += count;
		}
		for (i = 0; i < nr; i++)
			to[j->digits[from[i].key >> shift & 255]++] = from[i];
		to = from;
		from = from == j->items ? j->items_too : j->items;
	}
	if (from != j->items)
		memcpy(j->items, from, nr * sizeof(*from));
}

static void sort_by_tid(struct judge *j, u32 *tasks, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		j->items[i].key = (u64)j->p->tasks[tasks[i]].tid << 32 | tasks[i];
		j->items[i].value = tasks[i];
	}
	sort_items(j, nr);
	for (i = 0; i < nr; i++)
		tasks[i] = j->items[i].value;
}

/*
 * Faults first, then what was asked about, then the larger, then the lower TID. Leaves the drafts'
 * numbers in items[].
 */
static void sort_drafts(struct judge *j)
{
	const u32 most = (1u << 30) - 1;
	u32 i;

	for (i = 0; i < j->nr_drafts; i++) {
		const struct draft *d = &j->drafts[i];
		u32 size = d->nr_tasks < most ? d->nr_tasks : most;

		j->items[i].key = (u64)!lab_finding_is_fault(d->kind) << 63 | (u64)!d->asked << 62 |
				  (u64)(most - size) << 32 | d->lowest_tid;
		j->items[i].value = i;
	}
	sort_items(j, j->nr_drafts);
}

/* ---- drafts -> findings */

static void put_task(struct judge *j, struct lab_finding *f, u32 task)
{
	j->p->finding_tasks[j->p->nr_finding_tasks++] = task;
	j->task_stamp[task] = j->stamp;
	f->nr_tasks++;
}

static void put_lock(struct judge *j, struct lab_finding *f, u32 lock)
{
	j->p->finding_locks[j->p->nr_finding_locks++] = lock;
	j->lock_stamp[lock] = j->stamp;
	f->nr_locks++;
}

/* In cycle order, beginning with the lowest TID: every task is followed by what it waits for. */
static void fill_cycle(struct judge *j, const struct draft *d, struct lab_finding *f)
{
	u32 nr = j->circles[d->circle].nr, start = LAB_NONE, i;

	for (i = 0; i < nr; i++) {
		u32 node = circle_node(j, d->circle, i);

		if (is_task_node(j, node) &&
		    (start == LAB_NONE ||
		     j->p->tasks[node].tid < j->p->tasks[circle_node(j, d->circle, start)].tid))
			start = i;
	}
	for (i = 0; i < nr; i++) {
		u32 node = circle_node(j, d->circle, (start + i) % nr);
		u32 lock = lock_of_node(j, node);

		if (is_task_node(j, node))
			put_task(j, f, node);
		else if (lock != LAB_NONE)
			put_lock(j, f, lock);
	}
}

static void fill_knot(struct judge *j, const struct draft *d, struct lab_finding *f)
{
	u32 i;

	for (i = 0; i < j->circles[d->circle].nr; i++)
		if (is_task_node(j, circle_node(j, d->circle, i)))
			put_task(j, f, circle_node(j, d->circle, i));
}

static void fill_dead(struct judge *j, struct draft *d, struct lab_finding *f)
{
	waiters_of_gone(j, d, &j->p->finding_tasks[f->first_task], &f->nr_tasks);
	j->p->nr_finding_tasks += f->nr_tasks;
}

static bool is_lock_of(const struct judge *j, const struct draft *d, bool is_dead, u32 lock)
{
	if (!is_dead)
		return wfg_is_stuck(j->g, lock_node(j, lock)) ||
		       (j->read_side[lock] != LAB_NONE && wfg_is_stuck(j->g, j->read_side[lock]));
	return d->owner == LAB_NONE ? lock == d->lock : j->gone_holder[lock] == d->owner;
}

/* What the tasks wait for, in the order of the tasks. */
static void fill_locks(struct judge *j, const struct draft *d, bool is_dead, struct lab_finding *f)
{
	u32 i, w;

	j->stamp++; /* waiters_of_gone() has stamped locks, too */
	for (i = 0; i < f->nr_tasks; i++) {
		u32 t = j->p->finding_tasks[f->first_task + i];
		const struct lab_task *task = &j->p->tasks[t];

		j->task_stamp[t] = j->stamp;
		for (w = 0; w < task->nr_waits; w++) {
			u32 lock = j->p->waits[task->first_wait + w].lock;

			if (j->lock_stamp[lock] != j->stamp && is_lock_of(j, d, is_dead, lock))
				put_lock(j, f, lock);
		}
	}
}

static void fill_victims(struct judge *j, u32 draft, struct lab_finding *f)
{
	u32 i;

	f->first_victim = j->p->nr_finding_tasks;
	for (i = j->victim_first[draft]; i < j->victim_first[draft + 1]; i++) {
		if (j->task_stamp[j->victims[i]] == j->stamp)
			continue;
		j->p->finding_tasks[j->p->nr_finding_tasks++] = j->victims[i];
		f->nr_victims++;
	}
}

static void fill_finding(struct judge *j, u32 draft)
{
	struct draft *d = &j->drafts[draft];
	struct lab_finding *f = &j->p->findings[j->p->nr_findings++];
	struct coffman_case c;

	memset(f, 0, sizeof(*f));
	f->kind = d->kind;
	f->asked = d->asked;
	f->first_task = j->p->nr_finding_tasks;
	f->first_lock = j->p->nr_finding_locks;
	c.is_dead = is_dead_circle(j, d->circle);
	f->is_cycle = j->circles[d->circle].is_cycle && !c.is_dead &&
		      (!d->through_group || d->kind == LAB_IO_CYCLE);
	j->stamp++;
	if (f->is_cycle) {
		fill_cycle(j, d, f);
	} else {
		if (c.is_dead)
			fill_dead(j, d, f);
		else
			fill_knot(j, d, f);
		sort_by_tid(j, &j->p->finding_tasks[f->first_task], f->nr_tasks);
		fill_locks(j, d, c.is_dead, f);
	}
	fill_victims(j, draft, f);
	sort_by_tid(j, &j->p->finding_tasks[f->first_victim], f->nr_victims);
	c.picture = j->p;
	c.finding = f;
	c.lock_stamp = j->lock_stamp;
	c.stamp = j->stamp;
	c.owner = d->owner;
	c.through_group = d->through_group;
	coffman_fill(&c);
}

static enum lab_verdict verdict(const struct lab_picture *p)
{
	u32 i;

	for (i = 0; i < p->nr_findings; i++)
		if (p->findings[i].asked && lab_finding_is_fault(p->findings[i].kind))
			return LAB_FOUND;
	return p->lost_events || p->blind ? LAB_UNKNOWN : LAB_NONE_WRONG;
}

void judge(struct lab_picture *p, void *memory)
{
	struct sizes sizes;
	struct judge j;
	u32 i;

	memset(&j, 0, sizeof(j));
	p->nr_findings = 0;
	p->nr_finding_tasks = 0;
	p->nr_finding_locks = 0;
	p->verdict = LAB_UNKNOWN;
	if (!measure(p, &sizes))
		return;
	lay_out(p, &sizes, memory, &j, p);
	j.p = p;
	j.g = wfg_init(j.g, sizes.max_nodes, sizes.max_edges);
	memset(j.task_stamp, 0, p->nr_tasks * sizeof(*j.task_stamp));
	memset(j.lock_stamp, 0, p->nr_locks * sizeof(*j.lock_stamp));
	add_nodes(&j);
	add_edges(&j);
	wfg_solve(j.g);
	draft_all(&j);
	find_victims(&j);
	sort_drafts(&j);
	/* Filling sorts with items[], so the order has to go elsewhere: draft_of[] has served. */
	for (i = 0; i < j.nr_drafts; i++)
		j.draft_of[i] = j.items[i].value;
	for (i = 0; i < j.nr_drafts; i++)
		fill_finding(&j, j.draft_of[i]);
	p->verdict = verdict(p);
}
