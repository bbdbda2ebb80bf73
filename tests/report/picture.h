/* SPDX-License-Identifier: GPL-2.0 */
/*
 * picture - pictures made by hand, findings and all, for tests of the faces
 */
#ifndef LOCKLAB_TESTS_REPORT_PICTURE_H
#define LOCKLAB_TESTS_REPORT_PICTURE_H

#include "core/model.h"

/* Strings are not copied. Room for @max of each thing. */
struct drawing {
	struct lab_picture p;
	u32 max;
};

void drawing_init(struct drawing *d, u32 max);
void drawing_free(struct drawing *d);
u32 drawing_task(struct drawing *d, u32 tgid, u32 tid, const char *comm);
u32 drawing_lock(struct drawing *d, enum lab_lock_kind kind, const char *symbol, u64 address);
u32 drawing_group(struct drawing *d, const char *what);
void drawing_member(struct drawing *d, u32 group, u32 task); /* of the last group only */
void drawing_wait(struct drawing *d, u32 task, u32 lock);
void drawing_hold(struct drawing *d, u32 task, u32 lock, enum lab_hold_source source);
void drawing_not_seen(struct drawing *d, const char *what);

/* Sorts and indexes: after the last wait and hold, before the findings. */
void drawing_index(struct drawing *d);

/* Tasks and locks as given; conditions as the judge would have them for a plain cycle. */
struct lab_finding *drawing_finding(struct drawing *d, enum lab_finding_kind kind, const u32 *tasks,
				    u32 nr_tasks, const u32 *locks, u32 nr_locks,
				    const u32 *victims, u32 nr_victims);

/*
 * Ready-made. A circle of @n threads "worker" of process 4711 ("bank"), tid 4712 on, mutexes m0,
 * m1, ...; task i waits for lock i, which task i + 1 holds. Each with the stack pthread_mutex_lock,
 * transfer_I() at bank.c:4I, worker(), start_thread.
 */
void drawing_cycle(struct drawing *d, u32 n, enum lab_lock_kind kind, u32 nr_victims);

#endif
