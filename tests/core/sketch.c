// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdlib.h>

#include "sketch.h"

#define GUARD	   64
#define GUARD_BYTE 0xa5

static void *grown(void *array, u32 nr, u32 *room, size_t size)
{
	if (nr < *room)
		return array;
	*room = *room ? *room * 2 : 16;
	array = realloc(array, *room * size);
	if (!array)
		abort();
	return array;
}

struct sketch *sketch_new(void)
{
	struct sketch *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	return s;
}

void sketch_clear(struct sketch *s)
{
	struct lab_picture *p = &s->p;

	p->nr_tasks = p->nr_locks = p->nr_waits = p->nr_holds = p->nr_groups = p->nr_members = 0;
	p->lost_events = 0;
	p->blind = false;
	p->verdict = LAB_NONE_WRONG;
	p->nr_findings = p->nr_finding_tasks = p->nr_finding_locks = 0;
}

void sketch_free(struct sketch *s)
{
	free(s->p.tasks);
	free(s->p.locks);
	free(s->p.waits);
	free(s->p.holds);
	free(s->p.lock_waits);
	free(s->p.lock_holds);
	free(s->p.groups);
	free(s->p.members);
	free(s->memory);
	free(s);
}

u32 sketch_task(struct sketch *s)
{
	struct lab_picture *p = &s->p;

	p->tasks = grown(p->tasks, p->nr_tasks, &s->room_tasks, sizeof(*p->tasks));
	p->tasks[p->nr_tasks] = (struct lab_task){
		.tgid = 100,
		.tid = 100 + p->nr_tasks,
		.status = LAB_TASK_IS_ASKED | LAB_TASK_IS_STEADY,
		.state = 'S',
		.comm = "sketch",
		.wait_ns = -1,
	};
	return p->nr_tasks++;
}

u32 sketch_lock(struct sketch *s, enum lab_lock_kind kind)
{
	struct lab_picture *p = &s->p;

	p->locks = grown(p->locks, p->nr_locks, &s->room_locks, sizeof(*p->locks));
	p->locks[p->nr_locks] = (struct lab_lock){
		.kind = kind,
		.space = LAB_SPACE_MM,
		.space_a = 100,
		.address = 0x1000 + 64 * (u64)p->nr_locks,
		.wakers = LAB_NONE,
	};
	return p->nr_locks++;
}

static void add_wait(struct sketch *s, u32 task, u32 lock, enum lab_access access)
{
	struct lab_picture *p = &s->p;

	p->waits = grown(p->waits, p->nr_waits, &s->room_waits, sizeof(*p->waits));
	p->waits[p->nr_waits++] = (struct lab_wait){ .task = task, .lock = lock, .access = access };
}

static void add_hold(struct sketch *s, u32 task, u32 lock, enum lab_access access)
{
	struct lab_picture *p = &s->p;

	p->holds = grown(p->holds, p->nr_holds, &s->room_holds, sizeof(*p->holds));
	p->holds[p->nr_holds++] = (struct lab_hold){
		.task = task,
		.lock = lock,
		.source = p->locks[lock].kind == LAB_THREAD ? LAB_HOLD_TARGET : LAB_HOLD_OWNER,
		.access = access,
		.steady = true,
		.depth = 1,
	};
}

void sketch_wait(struct sketch *s, u32 task, u32 lock)
{
	add_wait(s, task, lock, LAB_EXCLUSIVE);
}

void sketch_read_wait(struct sketch *s, u32 task, u32 lock)
{
	add_wait(s, task, lock, LAB_SHARED);
}

void sketch_hold(struct sketch *s, u32 task, u32 lock)
{
	add_hold(s, task, lock, LAB_EXCLUSIVE);
}

void sketch_read_hold(struct sketch *s, u32 task, u32 lock)
{
	add_hold(s, task, lock, LAB_SHARED);
}

u32 sketch_group(struct sketch *s, u32 nr, const u32 *members)
{
	struct lab_picture *p = &s->p;

	p->groups = grown(p->groups, p->nr_groups, &s->room_groups, sizeof(*p->groups));
	p->groups[p->nr_groups] = (struct lab_group){
		.first_member = p->nr_members,
		.nr_members = nr,
		.what = "whoever could",
	};
	for (u32 i = 0; i < nr; i++) {
		p->members =
			grown(p->members, p->nr_members, &s->room_members, sizeof(*p->members));
		p->members[p->nr_members++] = members[i];
	}
	return p->nr_groups++;
}

static int by_task_of_wait(const void *a, const void *b)
{
	const struct lab_wait *x = a, *y = b;

	return x->task < y->task ? -1 : x->task > y->task;
}

static int by_task_of_hold(const void *a, const void *b)
{
	const struct lab_hold *x = a, *y = b;

	return x->task < y->task ? -1 : x->task > y->task;
}

static bool is_sorted_waits(const struct lab_picture *p)
{
	for (u32 i = 1; i < p->nr_waits; i++)
		if (p->waits[i].task < p->waits[i - 1].task)
			return false;
	return true;
}

static bool is_sorted_holds(const struct lab_picture *p)
{
	for (u32 i = 1; i < p->nr_holds; i++)
		if (p->holds[i].task < p->holds[i - 1].task)
			return false;
	return true;
}

void sketch_index(struct sketch *s)
{
	struct lab_picture *p = &s->p;
	u32 sum;

	if (!is_sorted_waits(p))
		qsort(p->waits, p->nr_waits, sizeof(*p->waits), by_task_of_wait);
	if (!is_sorted_holds(p))
		qsort(p->holds, p->nr_holds, sizeof(*p->holds), by_task_of_hold);
	p->lock_waits = realloc(p->lock_waits, (p->nr_waits + 1) * sizeof(u32));
	p->lock_holds = realloc(p->lock_holds, (p->nr_holds + 1) * sizeof(u32));
	if (!p->lock_waits || !p->lock_holds)
		abort();
	for (u32 i = 0; i < p->nr_tasks; i++)
		p->tasks[i].nr_waits = p->tasks[i].nr_holds = p->tasks[i].first_wait =
			p->tasks[i].first_hold = 0;
	for (u32 i = 0; i < p->nr_locks; i++)
		p->locks[i].nr_waits = p->locks[i].nr_holds = 0;
	for (u32 i = p->nr_waits; i-- > 0;) {
		p->tasks[p->waits[i].task].first_wait = i;
		p->tasks[p->waits[i].task].nr_waits++;
		p->locks[p->waits[i].lock].nr_waits++;
	}
	for (u32 i = p->nr_holds; i-- > 0;) {
		p->tasks[p->holds[i].task].first_hold = i;
		p->tasks[p->holds[i].task].nr_holds++;
		p->locks[p->holds[i].lock].nr_holds++;
	}
	sum = 0;
	for (u32 i = 0; i < p->nr_locks; i++) {
		p->locks[i].first_wait = sum;
		sum += p->locks[i].nr_waits;
		p->locks[i].nr_waits = 0;
	}
	sum = 0;
	for (u32 i = 0; i < p->nr_locks; i++) {
		p->locks[i].first_hold = sum;
		sum += p->locks[i].nr_holds;
		p->locks[i].nr_holds = 0;
	}
	for (u32 i = 0; i < p->nr_waits; i++) {
		struct lab_lock *l = &p->locks[p->waits[i].lock];

		p->lock_waits[l->first_wait + l->nr_waits++] = i;
	}
	for (u32 i = 0; i < p->nr_holds; i++) {
		struct lab_lock *l = &p->locks[p->holds[i].lock];

		p->lock_holds[l->first_hold + l->nr_holds++] = i;
	}
}

bool sketch_judge(struct sketch *s)
{
	size_t bytes;
	u8 *guard;

	sketch_index(s);
	bytes = judge_bytes(&s->p);
	if (!bytes)
		return false;
	if (bytes + GUARD > s->bytes) {
		free(s->memory);
		s->bytes = bytes + GUARD;
		s->memory = malloc(s->bytes);
		if (!s->memory)
			abort();
	}
	guard = (u8 *)s->memory + bytes;
	memset(guard, GUARD_BYTE, GUARD);
	judge(&s->p, s->memory);
	for (u32 i = 0; i < GUARD; i++)
		if (guard[i] != GUARD_BYTE)
			return false;
	return true;
}

static bool are(const u32 *have, u32 nr_have, u32 nr, const u32 *want)
{
	if (nr_have == nr && !memcmp(have, want, nr * sizeof(*want)))
		return true;
	printf("# have:");
	for (u32 i = 0; i < nr_have; i++)
		printf(" %u", have[i]);
	printf("\n# want:");
	for (u32 i = 0; i < nr; i++)
		printf(" %u", want[i]);
	printf("\n");
	return false;
}

bool sketch_tasks_are(const struct sketch *s, u32 f, u32 nr, const u32 *tasks)
{
	return are(&s->p.finding_tasks[s->p.findings[f].first_task], s->p.findings[f].nr_tasks, nr,
		   tasks);
}

bool sketch_locks_are(const struct sketch *s, u32 f, u32 nr, const u32 *locks)
{
	return are(&s->p.finding_locks[s->p.findings[f].first_lock], s->p.findings[f].nr_locks, nr,
		   locks);
}

bool sketch_victims_are(const struct sketch *s, u32 f, u32 nr, const u32 *tasks)
{
	return are(&s->p.finding_tasks[s->p.findings[f].first_victim], s->p.findings[f].nr_victims,
		   nr, tasks);
}
