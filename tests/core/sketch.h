/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sketch - a picture made by hand, for tests of what looks at pictures
 *
 * Tasks and locks are numbered in the order they are added; task i has TID 100 + i, process 100,
 * and was asked about, steady and asleep unless a test changes it. Waits and holds may be added in
 * any order.
 */
#ifndef LOCKLAB_TESTS_CORE_SKETCH_H
#define LOCKLAB_TESTS_CORE_SKETCH_H

#include "core/judge.h"

struct sketch {
	struct lab_picture p;
	u32 room_tasks, room_locks, room_waits, room_holds, room_groups, room_members;
	void *memory;
	size_t bytes;
};

struct sketch *sketch_new(void);
void sketch_free(struct sketch *s);
void sketch_clear(struct sketch *s); /* empty, memory kept */

u32 sketch_task(struct sketch *s);
u32 sketch_lock(struct sketch *s, enum lab_lock_kind kind);
void sketch_wait(struct sketch *s, u32 task, u32 lock);
void sketch_read_wait(struct sketch *s, u32 task, u32 lock);
void sketch_hold(struct sketch *s, u32 task, u32 lock);
void sketch_read_hold(struct sketch *s, u32 task, u32 lock);
u32 sketch_group(struct sketch *s, u32 nr, const u32 *members);

void sketch_index(struct sketch *s); /* sort by task, index by lock */

/*
 * Index and judge, in memory of exactly the size asked for, with a guard behind it. Return: false
 * if the picture was refused or the guard was overwritten.
 */
bool sketch_judge(struct sketch *s);

/* Does finding @f say exactly these tasks, in this order? */
bool sketch_tasks_are(const struct sketch *s, u32 f, u32 nr, const u32 *tasks);
bool sketch_locks_are(const struct sketch *s, u32 f, u32 nr, const u32 *locks);
bool sketch_victims_are(const struct sketch *s, u32 f, u32 nr, const u32 *tasks);

#define LIST(...)                                               \
	(sizeof((u32[]){ __VA_ARGS__ }) / sizeof(u32)), (u32[]) \
	{                                                       \
		__VA_ARGS__                                     \
	}

#endif
