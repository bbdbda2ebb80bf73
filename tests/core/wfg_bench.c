// SPDX-License-Identifier: GPL-2.0
/*
 * wfg_bench - how long the judge takes, and that it is linear
 *
 * Pictures of N tasks and about N locks, in shapes that are hard for one part or the other. Per
 * shape and size: median of the repeats with the smallest and largest, for judge() and for
 * judge_bytes() (which checks the picture); last the time per task of the largest picture against
 * the smallest: 1.0 is linear, caches make it more.
 *
 *	wfg_bench [REPEATS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sketch.h"

#define NR_SIZES    4
#define MAX_REPEATS 101

static const u32 sizes[NR_SIZES] = { 25000, 50000, 100000, 200000 };

static u64 random_state = 1;

static u32 random_below(u32 limit)
{
	/* xorshift64*, Vigna 2016 */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (u32)((random_state * 0x2545f4914f6cdd1dull >> 32) * limit >> 32);
}

/* CPU time, so that a busy machine does not count as slowness of the judge; its caches still do. */
static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static void add_tasks_and_mutexes(struct sketch *s, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		sketch_task(s);
		sketch_lock(s, LAB_MUTEX);
	}
}

/* Each waits for the next, the last one runs: nothing is wrong. */
static void chain(struct sketch *s, u32 nr)
{
	add_tasks_and_mutexes(s, nr);
	for (u32 i = 0; i < nr; i++) {
		sketch_hold(s, i, i);
		if (i + 1 < nr)
			sketch_wait(s, i, i + 1);
	}
}

/* Two and two. */
static void pairs(struct sketch *s, u32 nr)
{
	add_tasks_and_mutexes(s, nr);
	for (u32 i = 0; i < nr; i++) {
		sketch_hold(s, i, i);
		sketch_wait(s, i, i ^ 1);
	}
}

static void ring(struct sketch *s, u32 nr)
{
	add_tasks_and_mutexes(s, nr);
	for (u32 i = 0; i < nr; i++) {
		sketch_hold(s, i, i);
		sketch_wait(s, i, (i + 1) % nr);
	}
}

/* One ring, its order all over memory. */
static void shuffled(struct sketch *s, u32 nr)
{
	u32 *order = malloc(nr * sizeof(*order));

	if (!order)
		abort();
	add_tasks_and_mutexes(s, nr);
	for (u32 i = 0; i < nr; i++) {
		u32 k = random_below(i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	for (u32 i = 0; i < nr; i++) {
		sketch_hold(s, order[i], order[i]);
		sketch_wait(s, order[i], order[(i + 1) % nr]);
	}
	free(order);
}

/* A process where everybody sleeps on a condition of its own that anybody could signal. */
static void stall(struct sketch *s, u32 nr)
{
	u32 *members = malloc(nr * sizeof(*members));

	if (!members)
		abort();
	for (u32 i = 0; i < nr; i++) {
		members[i] = sketch_task(s);
		sketch_lock(s, LAB_CONDVAR);
		s->p.locks[i].wakers = 0;
		sketch_wait(s, i, i);
	}
	sketch_group(s, nr, members);
	free(members);
}

/* Two in a deadlock, all others behind one of their locks. */
static void crowd(struct sketch *s, u32 nr)
{
	add_tasks_and_mutexes(s, nr);
	for (u32 i = 0; i < nr; i++) {
		sketch_hold(s, i, i);
		sketch_wait(s, i, i == 0);
	}
}

static void anything(struct sketch *s, u32 nr)
{
	add_tasks_and_mutexes(s, nr);
	for (u32 i = 0; i < nr; i++) {
		sketch_hold(s, random_below(nr), i);
		if (random_below(20))
			sketch_wait(s, i, random_below(nr));
	}
}

/*
 * Rwlocks that two readers have each: one large component with many cycles, to look for the
 * shortest in.
 */
static void readers(struct sketch *s, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		sketch_task(s);
		sketch_lock(s, LAB_RWLOCK);
	}
	for (u32 i = 0; i < nr; i++) {
		sketch_read_hold(s, i, i);
		sketch_read_hold(s, random_below(nr), i);
		sketch_wait(s, i, (i + 1) % nr);
	}
}

/* Likewise, but every way leads on and none back before the end: searches can not stop early. */
static void ladder(struct sketch *s, u32 nr)
{
	for (u32 i = 0; i < nr; i++) {
		sketch_task(s);
		sketch_lock(s, LAB_RWLOCK);
	}
	for (u32 i = 0; i < nr; i++) {
		sketch_read_hold(s, i, i);
		sketch_read_hold(s, (i + 1) % nr, i);
		sketch_wait(s, i, (i + 1) % nr);
	}
}

static const struct shape {
	const char *name;
	void (*make)(struct sketch *s, u32 nr);
	u32 nr_findings; /* LAB_NONE: not known */
} shapes[] = {
	{ "one chain that runs", chain, 0 },
	{ "pairs, each a deadlock", pairs, LAB_NONE },
	{ "one cycle of all", ring, 1 },
	{ "one cycle, shuffled", shuffled, 1 },
	{ "all in one stall", stall, 1 },
	{ "two and a crowd behind", crowd, 1 },
	{ "random owners", anything, LAB_NONE },
	{ "random pairs of readers", readers, LAB_NONE },
	{ "ladder of readers", ladder, LAB_NONE },
};

static int by_value(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

static bool measure(struct sketch *s, const struct shape *shape, u32 nr, u32 repeats,
		    double *per_task)
{
	u64 check_ns[MAX_REPEATS], judge_ns[MAX_REPEATS];
	void *memory = NULL;
	size_t bytes = 0;

	sketch_clear(s);
	shape->make(s, nr);
	sketch_index(s);
	for (u32 i = 0; i < repeats + 1; i++) { /* the first one warms up, and pays for the pages */
		u64 begin = now_ns(), middle;

		bytes = judge_bytes(&s->p);
		middle = now_ns();
		if (!memory)
			memory = malloc(bytes);
		if (!bytes || !memory)
			return false;
		if (i)
			check_ns[i - 1] = middle - begin;
		begin = now_ns();
		judge(&s->p, memory);
		if (i)
			judge_ns[i - 1] = now_ns() - begin;
	}
	free(memory);
	if (shape->nr_findings != LAB_NONE && s->p.nr_findings != shape->nr_findings)
		return false;
	qsort(check_ns, repeats, sizeof(*check_ns), by_value);
	qsort(judge_ns, repeats, sizeof(*judge_ns), by_value);
	*per_task = (double)judge_ns[repeats / 2] / nr;
	printf("%-24s %7u %8u %9.2f %7.2f..%-7.2f %7.2f %8.1f\n", shape->name, nr, s->p.nr_findings,
	       (double)judge_ns[repeats / 2] / 1e6, (double)judge_ns[0] / 1e6,
	       (double)judge_ns[repeats - 1] / 1e6, (double)check_ns[repeats / 2] / 1e6,
	       (double)bytes / 1e6);
	return true;
}

int main(int argc, char **argv)
{
	u32 repeats = argc > 1 ? (u32)atoi(argv[1]) : 7;
	struct sketch *s = sketch_new();

	if (repeats < 5 || repeats > MAX_REPEATS) {
		fprintf(stderr, "%s: repeats: a number from 5 to %u\n", argv[0], MAX_REPEATS);
		return 2;
	}
	printf("%-24s %7s %8s %9s %16s %7s %8s\n", "picture", "tasks", "findings", "CPU ms",
	       "least..most", "check", "MB");
	for (u32 i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		double per_task[NR_SIZES];

		for (u32 k = 0; k < NR_SIZES; k++) {
			if (!measure(s, &shapes[i], sizes[k], repeats, &per_task[k])) {
				fprintf(stderr, "%s: not judged as it should be\n", shapes[i].name);
				return 1;
			}
		}
		printf("%-24s %7s per task, largest against smallest: %.2f\n\n", "", "",
		       per_task[NR_SIZES - 1] / per_task[0]);
	}
	sketch_free(s);
	return 0;
}
