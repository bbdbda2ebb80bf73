/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * loop - is the code round an instruction pointer a loop that only waits for a word of memory?
 */
#ifndef LOCKLAB_OBSERVE_LOOP_H
#define LOCKLAB_OBSERVE_LOOP_H

#include "core/env.h"
#include "uapi/snapshot.h"

#define LOOP_BEFORE	  128 /* bytes of code looked at before the instruction pointer */
#define LOOP_AFTER	  128 /* and from it on */
#define LOOP_MAX_CODE	  32 /* instructions in the loop */
#define LOOP_MAX_OPERANDS 8 /* different memory operands */
#define LOOP_NO_REG	  0xff

/**
 * struct loop_operand - a place in memory that the loop uses: base + index * scale + disp
 * @base, @index: enum lab_reg, none of them changed by the loop, or LOOP_NO_REG
 * @via: the base is not a register but the 8 bytes at another operand (its index), LOOP_NO_REG not
 * so
 * @size: bytes: 1, 2, 4 or 8
 * @is_pointer: used as somebody's @via
 * @is_modified: by an exchange or another atomic read-modify-write
 * @takes_with: the register that a compare-and-exchange would store there, LOOP_NO_REG unknown
 */
struct loop_operand {
	s64 disp;
	u8 base, index, scale, via;
	u8 size;
	bool is_pointer;
	bool is_modified;
	u8 takes_with;
};

/**
 * struct loop_shape - what one loop does
 * @waits: true if all that it does is to read memory and registers, and atomics on one word.
 * Otherwise nothing else is set
 * @accumulates: some register is computed from its own old value: a counter, perhaps
 * @written: the registers that the loop writes, bit n for enum lab_reg n
 * @code: where its instructions begin, relative to the instruction pointer
 */
struct loop_shape {
	bool waits;
	bool accumulates;
	u32 written;
	u32 nr_operands, nr_code;
	struct loop_operand operands[LOOP_MAX_OPERANDS];
	s16 code[LOOP_MAX_CODE];
};

/**
 * loop_decode() - decode x86-64 code round an instruction pointer
 * @code: LOOP_BEFORE bytes before @ip and LOOP_AFTER from it on; @valid of them, beginning with
 * @skip, could be read
 * @ip: address of the instruction the task was at
 * @shape: the answer
 *
 * Parses bytes that a target controls: run it where a mistake of the disassembler costs nothing
 * (jail.h). Follows at most a few hundred instructions.
 */
void loop_decode(const u8 *code, u32 skip, u32 valid, u64 ip, struct loop_shape *shape);

/* Whether @shape, which came from a child that a target's bytes may have taken over, is well
 * formed. */
bool loop_is_sane(const struct loop_shape *shape);

#endif
