/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * carve - arrays out of the one piece of memory that a caller passes in
 */
#ifndef LOCKLAB_CORE_CARVE_H
#define LOCKLAB_CORE_CARVE_H

#include "env.h"

/**
 * carve() - the next array
 * @offset: bytes carved so far; moves on, and stays a multiple of 8
 * @memory: aligned for u64; NULL to learn only the size
 * @nr: elements
 * @size: of one; the product fits 63 bits
 */
static inline void *carve(u64 *offset, void *memory, u64 nr, size_t size)
{
	void *p = memory ? (u8 *)memory + (size_t)*offset : NULL;

	*offset = (*offset + nr * size + 7) & ~(u64)7;
	return p;
}

#endif
