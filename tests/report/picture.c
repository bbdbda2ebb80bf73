// SPDX-License-Identifier: GPL-2.0
/*
 * picture - pictures made by hand, findings and all, for tests of the faces
 */
#include <stdio.h>
#include <stdlib.h>

#include "picture.h"

static void *array(u32 max, size_t size)
{
	void *memory = calloc((size_t)max + 1, size);

	if (!memory)
		abort();
	return memory;
}

static void check(bool fits)
{
	if (!fits) {
		fprintf(stderr, "picture.c: too small a drawing\n");
		abort();
	}
}

void drawing_init(struct drawing *d, u32 max)
{
	memset(d, 0, sizeof(*d));
	d->max = max;
	d->p.tasks = array(max, sizeof(*d->p.tasks));
	d->p.locks = array(max, sizeof(*d->p.locks));
	d->p.waits = array(max, sizeof(*d->p.waits));
	d->p.holds = array(max, sizeof(*d->p.holds));
	d->p.lock_waits = array(max, sizeof(*d->p.lock_waits));
	d->p.lock_holds = array(max, sizeof(*d->p.lock_holds));
	d->p.groups = array(max, sizeof(*d->p.groups));
	d->p.members = array(max, sizeof(*d->p.members));
	d->p.findings = array(max, sizeof(*d->p.findings));
	d->p.finding_tasks = array(max, sizeof(*d->p.finding_tasks));
	d->p.finding_locks = array(max, sizeof(*d->p.finding_locks));
	d->p.not_seen = array(max, sizeof(*d->p.not_seen));
}

void drawing_free(struct drawing *d)
{
	free(d->p.tasks);
	free(d->p.locks);
	free(d->p.waits);
	free(d->p.holds);
	free(d->p.lock_waits);
	free(d->p.lock_holds);
	free(d->p.groups);
	free(d->p.members);
	free(d->p.findings);
	free(d->p.finding_tasks);
	free(d->p.finding_locks);
	free(d->p.not_seen);
}

u32 drawing_task(struct drawing *d, u32 tgid, u32 tid, const char *comm)
{
	check(d->p.nr_tasks < d->max);
	d->p.tasks[d->p.nr_tasks] = (struct lab_task){
		.tgid = tgid,
		.tid = tid,
		.comm = comm,
		.state = 'S',
		.wait_ns = -1,
		.status = LAB_TASK_IS_ASKED | LAB_TASK_IS_STEADY,
	};
	return d->p.nr_tasks++;
}

u32 drawing_lock(struct drawing *d, enum lab_lock_kind kind, const char *symbol, u64 address)
{
	check(d->p.nr_locks < d->max);
	d->p.locks[d->p.nr_locks] = (struct lab_lock){
		.kind = kind,
		.symbol = symbol,
		.address = address,
		.space = LAB_SPACE_MM,
		.space_a = 4711,
		.word = 2,
		.wakers = LAB_NONE,
	};
	return d->p.nr_locks++;
}

u32 drawing_group(struct drawing *d, const char *what)
{
	check(d->p.nr_groups < d->max);
	d->p.groups[d->p.nr_groups] =
		(struct lab_group){ .first_member = d->p.nr_members, .what = what };
	return d->p.nr_groups++;
}

void drawing_member(struct drawing *d, u32 group, u32 task)
{
	check(d->p.nr_members < d->max && group + 1 == d->p.nr_groups);
	d->p.members[d->p.nr_members++] = task;
	d->p.groups[group].nr_members++;
}

void drawing_wait(struct drawing *d, u32 task, u32 lock)
{
	check(d->p.nr_waits < d->max);
	d->p.waits[d->p.nr_waits++] = (struct lab_wait){ .task = task, .lock = lock };
}

void drawing_hold(struct drawing *d, u32 task, u32 lock, enum lab_hold_source source)
{
	check(d->p.nr_holds < d->max);
	d->p.holds[d->p.nr_holds++] = (struct lab_hold){
		.task = task, .lock = lock, .source = source, .steady = true, .depth = 1
	};
	if (source == LAB_HOLD_OWNER)
		d->p.locks[lock].owner_tid = d->p.tasks[task].tid;
}

void drawing_not_seen(struct drawing *d, const char *what)
{
	check(d->p.nr_not_seen < d->max);
	d->p.not_seen[d->p.nr_not_seen++] = what;
}

static int by_task_wait(const void *a, const void *b)
{
	const struct lab_wait *x = a, *y = b;

	return x->task != y->task ? (x->task > y->task) - (x->task < y->task)
				  : (x->lock > y->lock) - (x->lock < y->lock);
}

static int by_task_hold(const void *a, const void *b)
{
	const struct lab_hold *x = a, *y = b;

	return x->task != y->task ? (x->task > y->task) - (x->task < y->task)
				  : (x->lock > y->lock) - (x->lock < y->lock);
}

void drawing_index(struct drawing *d)
{
	struct lab_picture *p = &d->p;
	u32 i, lock, nr_w = 0, nr_h = 0;

	qsort(p->waits, p->nr_waits, sizeof(*p->waits), by_task_wait);
	qsort(p->holds, p->nr_holds, sizeof(*p->holds), by_task_hold);
	for (i = p->nr_waits; i-- > 0;) {
		p->tasks[p->waits[i].task].first_wait = i;
		p->tasks[p->waits[i].task].nr_waits++;
	}
	for (i = p->nr_holds; i-- > 0;) {
		p->tasks[p->holds[i].task].first_hold = i;
		p->tasks[p->holds[i].task].nr_holds++;
	}
	for (i = 0; i < p->nr_waits; i++)
		p->locks[p->waits[i].lock].nr_waits++;
	for (i = 0; i < p->nr_holds; i++)
		p->locks[p->holds[i].lock].nr_holds++;
	for (lock = 0; lock < p->nr_locks; lock++) {
		p->locks[lock].first_wait = nr_w;
		p->locks[lock].first_hold = nr_h;
		nr_w += p->locks[lock].nr_waits;
		nr_h += p->locks[lock].nr_holds;
		p->locks[lock].nr_waits = p->locks[lock].nr_holds = 0;
	}
	for (i = 0; i < p->nr_waits; i++) {
		struct lab_lock *l = &p->locks[p->waits[i].lock];

		p->lock_waits[l->first_wait + l->nr_waits++] = i;
	}
	for (i = 0; i < p->nr_holds; i++) {
		struct lab_lock *l = &p->locks[p->holds[i].lock];

		p->lock_holds[l->first_hold + l->nr_holds++] = i;
	}
}

static u32 put_tasks(struct drawing *d, const u32 *tasks, u32 nr)
{
	u32 first = d->p.nr_finding_tasks;

	check(first + nr <= d->max);
	if (nr)
		memcpy(d->p.finding_tasks + first, tasks, nr * sizeof(*tasks));
	d->p.nr_finding_tasks += nr;
	return first;
}

struct lab_finding *drawing_finding(struct drawing *d, enum lab_finding_kind kind, const u32 *tasks,
				    u32 nr_tasks, const u32 *locks, u32 nr_locks,
				    const u32 *victims, u32 nr_victims)
{
	static const enum lab_reason reasons[LAB_NR_CONDITIONS] = {
		LAB_BECAUSE_OWNERS_RECORDED, LAB_BECAUSE_EACH_HOLDS_AND_WAITS,
		LAB_BECAUSE_NOTHING_TAKES_AWAY, LAB_BECAUSE_CYCLE
	};
	struct lab_finding *f = &d->p.findings[d->p.nr_findings];
	u32 c;

	check(d->p.nr_findings < d->max && d->p.nr_finding_locks + nr_locks <= d->max);
	d->p.nr_findings++;
	*f = (struct lab_finding){
		.kind = kind,
		.certainty = LAB_PROVEN,
		.nr_tasks = nr_tasks,
		.nr_locks = nr_locks,
		.nr_victims = nr_victims,
		.first_lock = d->p.nr_finding_locks,
		.is_cycle = nr_tasks == nr_locks,
		.asked = true,
		.remedy = LAB_REMEDY_ORDER,
		.cheapest = LAB_CIRCULAR_WAIT,
		.remedy_task = nr_tasks ? tasks[0] : LAB_NONE,
		.remedy_lock = nr_locks ? locks[0] : LAB_NONE,
	};
	f->first_task = put_tasks(d, tasks, nr_tasks);
	f->first_victim = put_tasks(d, victims, nr_victims);
	if (nr_locks)
		memcpy(d->p.finding_locks + f->first_lock, locks, nr_locks * sizeof(*locks));
	d->p.nr_finding_locks += nr_locks;
	for (c = 0; c < LAB_NR_CONDITIONS; c++)
		f->conditions[c] = (struct lab_condition){ 1, reasons[c], LAB_NONE, LAB_NONE };
	if (lab_finding_is_fault(kind))
		d->p.verdict = LAB_FOUND;
	return f;
}

/* A few functions to be stuck in, so that the places in a report differ. */
enum {
	NR_PLACES = 4,
	DEPTH = 5
};

static const struct lab_frame stacks[NR_PLACES][DEPTH] = {
#define STACK(number, name, at)                                                                 \
	[number] = {                                                                            \
		{ "futex_wait", NULL, "/lib/x86_64-linux-gnu/libc.so.6", 0, 0x7f00000a1000 },   \
		{ "pthread_mutex_lock", NULL, "/lib/x86_64-linux-gnu/libc.so.6", 0,             \
		  0x7f00000a2000 },                                                             \
		{ name, "src/bank.c", "/opt/bank", at, 0x555555555100 + number },               \
		{ "worker", "src/bank.c", "/opt/bank", 77, 0x555555555200 },                    \
		{ "start_thread", NULL, "/lib/x86_64-linux-gnu/libc.so.6", 0, 0x7f00000a3000 }, \
	}
	STACK(0, "transfer", 41),
	STACK(1, "transfer_back", 52),
	STACK(2, "audit", 63),
	STACK(3, "close_account", 70),
};

static const char *const symbols[] = { "accounts", "journal", "audit_log",
				       "pool.lock", "table[3].lock", "cache" };

void drawing_cycle(struct drawing *d, u32 n, enum lab_lock_kind kind, u32 nr_victims)
{
	u32 *ids = array(n + nr_victims, sizeof(*ids)), *locks = array(n, sizeof(*locks)), i;

	drawing_init(d, 2 * (n + nr_victims) + 64);
	drawing_task(d, 4711, 4711, "bank");
	for (i = 0; i < n; i++) {
		ids[i] = drawing_task(d, 4711, 4712 + i, "worker");
		d->p.tasks[ids[i]].stack = stacks[i % NR_PLACES];
		d->p.tasks[ids[i]].nr_frames = DEPTH;
		d->p.tasks[ids[i]].wait_ns = 12345000000LL;
		d->p.tasks[ids[i]].call = "futex(FUTEX_WAIT)";
		locks[i] = drawing_lock(
			d, kind, i < sizeof(symbols) / sizeof(symbols[0]) ? symbols[i] : NULL,
			0x555555558040 + 64 * (u64)i);
	}
	for (i = 0; i < nr_victims; i++)
		ids[n + i] = drawing_task(d, 4711, 4712 + n + i, "client");
	for (i = 0; i < n; i++) {
		drawing_wait(d, ids[i], locks[i]);
		drawing_hold(d, ids[(i + 1) % n], locks[i], LAB_HOLD_OWNER);
	}
	for (i = 0; i < nr_victims; i++)
		drawing_wait(d, ids[n + i], locks[i % n]);
	drawing_index(d);
	drawing_finding(d, n == 1 ? LAB_SELF_DEADLOCK : LAB_DEADLOCK, ids, n, locks, n, ids + n,
			nr_victims);
	free(ids);
	free(locks);
}
