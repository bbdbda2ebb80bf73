/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stack - file:line stacks and the names of locks, from ELF and DWARF
 *
 * Registers and stack memory are copied here while we may look; ELF and DWARF, which the target
 * controls, are parsed in a child without privilege (jail.c), which answers in a plain format that
 * is checked.
 */
#ifndef LOCKLAB_OBSERVE_STACK_H
#define LOCKLAB_OBSERVE_STACK_H

#include "builder.h"
#include "memory.h"

struct stack_request {
	const struct lab_task_record *record; /* registers; whose stack */
	struct lab_frame *frames; /* out: allocated from the builder */
	u32 nr_frames;
	const char *note; /* out: why short or missing; NULL whole */
};

struct symbol_request {
	u64 address; /* of a lock, in the process's memory */
	const char *symbol; /* out: "A", "pool.lock", "queue[3].lock"; NULL unknown */
};

#define STACKS_BUDGET_NS 2000000000ull

/**
 * stacks_resolve() - stacks and lock names of one process
 * @m: its memory
 * @budget_ns: how long it may take, 0: STACKS_BUDGET_NS; what is not done by then keeps NULL and
 *             a note
 *
 * Return: 0 or -errno if nothing could be done at all.
 */
int stacks_resolve(struct builder *b, struct memory *m, u32 tgid, struct stack_request *stacks,
		   u32 nr_stacks, struct symbol_request *symbols, u32 nr_symbols, u64 budget_ns);

#endif
