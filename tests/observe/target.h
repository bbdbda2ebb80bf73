/* SPDX-License-Identifier: GPL-2.0 */
/*
 * target - small programs of tests/observe/targets, built and run to be looked at
 */
#ifndef LOCKLAB_TESTS_OBSERVE_TARGET_H
#define LOCKLAB_TESTS_OBSERVE_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "observe/builder.h"
#include "observe/memory.h"
#include "observe/snapshot.h"
#include "observe/stack.h"

#define TARGET_MAX 64

struct target_thread {
	char name[32];
	pid_t tid;
};

struct target_lock {
	char name[128];
	u64 address;
};

/* A running target: what it said of itself. */
struct target {
	pid_t pid;
	struct target_thread threads[TARGET_MAX];
	u32 nr_threads;
	struct target_lock locks[TARGET_MAX];
	u32 nr_locks;
};

/* A look at it. */
struct target_look {
	struct look_progress progress;
	struct snapshot snapshot;
	struct builder *builder;
	struct memory *memory;
	struct stack_request stacks[TARGET_MAX];
	u32 nr_stacks;
	struct symbol_request symbols[TARGET_MAX];
	u32 nr_symbols;
	int result;
	u64 duration_ns;
};

/* The source file @name; NULL: not found from here. */
const char *target_source(const char *name);

/* Compile @source of tests/observe/targets with @flags to @output. Return: whether that worked. */
bool target_build(const char *source, const char *flags, const char *output);

/* Number of the line of @source that has @marker in it; 0 none. */
u32 target_line(const char *source, const char *marker);

/*
 * Start it with one argument or NULL, wait until main and all threads of it sleep (but those called
 * "clock").
 */
bool target_start(struct target *t, const char *path, const char *argument);
void target_stop(struct target *t);
pid_t target_tid(const struct target *t, const char *name);

/*
 * Snapshot, stacks of all threads and names of all locks. Return: NULL, or why it can not be looked
 * at.
 */
const char *target_look(struct target_look *l, const struct target *t, enum snapshot_source source);
/* Stacks and names once more, of the same snapshot. */
void target_resolve(struct target_look *l, const struct target *t);
void target_look_end(struct target_look *l);
const struct stack_request *target_stack(const struct target_look *l, pid_t tid);

/* Index of the first frame with that function, -1 none. */
int target_frame(const struct stack_request *s, const char *function);

#endif
