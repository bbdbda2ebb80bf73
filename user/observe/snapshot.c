// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * snapshot - what every source of snapshots needs: room, order, an index by thread
 */
#include "snapshotter.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EMPTY_SLOT (~0u)

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

bool progress_skips(const struct look_progress *progress, u32 tgid)
{
	for (u32 i = 0; i < progress->nr_skip && i < LOOK_MAX_SKIP; i++)
		if (progress->skip[i] == tgid)
			return true;
	return false;
}

void progress_step(struct look_progress *progress, u32 tgid)
{
	/* The supervisor reads these while we may be stuck: they have to be in memory before what
	 * comes next. */
	__atomic_store_n(&progress->tgid, tgid, __ATOMIC_RELAXED);
	__atomic_fetch_add(&progress->steps, 1, __ATOMIC_RELEASE);
}

int snapshot_reserve(struct snapshot *s, u32 nr)
{
	struct lab_task_record *records;
	u32 capacity = s->capacity ? s->capacity : 256;

	if (nr <= s->capacity)
		return 0;
	while (capacity < nr) {
		if (capacity > UINT32_MAX / 2)
			return -ENOMEM;
		capacity *= 2;
	}
	records = realloc(s->records, (size_t)capacity * sizeof(*records));
	if (!records)
		return -ENOMEM;
	s->records = records;
	s->capacity = capacity;
	return 0;
}

static int by_process(const void *a, const void *b)
{
	const struct lab_task_record *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return 0;
}

static void sort(struct snapshot *s)
{
	u32 kept = 0;
	bool sorted = true;

	for (u32 i = 1; i < s->nr && sorted; i++)
		sorted = by_process(&s->records[i - 1], &s->records[i]) < 0;
	if (sorted)
		return;
	qsort(s->records, s->nr, sizeof(*s->records), by_process);
	/* exec() in a thread other than the first takes over the leader's TID under the iterator:
	 * then it comes twice. */
	for (u32 i = 0; i < s->nr; i++)
		if (!kept || by_process(&s->records[kept - 1], &s->records[i]))
			s->records[kept++] = s->records[i];
	s->nr = kept;
}

static u32 slot_of(u32 tid, u32 size)
{
	return tid * 0x9e3779b1u &
	       (size - 1); /* Knuth's multiplicative hash; TIDs run in sequence */
}

static int index_by_tid(struct snapshot *s)
{
	u32 size = 64;

	while (size < 2 * (u64)s->nr) {
		if (size > UINT32_MAX / 4)
			return -ENOMEM;
		size *= 2;
	}
	if (size > s->by_tid_size) {
		u32 *slots = realloc(s->by_tid, (size_t)size * sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		s->by_tid = slots;
		s->by_tid_size = size;
	}
	memset(s->by_tid, 0xff, (size_t)s->by_tid_size * sizeof(*s->by_tid));
	for (u32 i = 0; i < s->nr; i++) {
		u32 slot = slot_of(s->records[i].tid, s->by_tid_size);

		while (s->by_tid[slot] != EMPTY_SLOT)
			slot = (slot + 1) & (s->by_tid_size - 1);
		s->by_tid[slot] = i;
	}
	return 0;
}

const struct lab_task_record *snapshot_find(const struct snapshot *s, u32 tid)
{
	u32 slot;

	if (!s->by_tid_size || !tid)
		return NULL;
	for (slot = slot_of(tid, s->by_tid_size); s->by_tid[slot] != EMPTY_SLOT;
	     slot = (slot + 1) & (s->by_tid_size - 1))
		if (s->records[s->by_tid[slot]].tid == tid)
			return &s->records[s->by_tid[slot]];
	return NULL;
}

void snapshot_free(struct snapshot *s)
{
	free(s->records);
	free(s->by_tid);
	memset(s, 0, sizeof(*s));
}

struct snapshotter *snapshotter_open(enum snapshot_source source, u32 tgid,
				     struct look_progress *progress, char *why, size_t why_size)
{
	if (tgid && kill(tgid, 0) && errno == ESRCH) {
		snprintf(why, why_size, "no process %u", tgid);
		errno = ESRCH;
		return NULL;
	}
	if (source == SNAPSHOT_BPF)
		return snapshotter_bpf_open(tgid, progress, why, why_size);
	return snapshotter_proc_open(tgid, progress, why, why_size);
}

int snapshotter_take(struct snapshotter *snapshotter, struct snapshot *s)
{
	u64 start = now_ns();
	int err;

	s->nr = 0;
	err = snapshotter->take(snapshotter, s);
	progress_step(snapshotter->progress, 0);
	if (err)
		return err;
	sort(s);
	err = index_by_tid(s);
	if (err)
		return err;
	s->whole = !snapshotter->tgid;
	s->taken_ns = now_ns();
	s->duration_ns = s->taken_ns - start;
	return 0;
}

void snapshotter_close(struct snapshotter *snapshotter)
{
	if (snapshotter)
		snapshotter->close(snapshotter);
}
