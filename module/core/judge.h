/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * judge - from a picture to findings: what is wrong, how sure, the four Coffman conditions, the
 * cheapest to break
 */
#ifndef LOCKLAB_CORE_JUDGE_H
#define LOCKLAB_CORE_JUDGE_H

#include "env.h"
#include "model.h"

/**
 * judge_bytes() - memory that judge() needs for this picture
 *
 * Return: bytes, 0 if the picture is too large (or contradicts itself: an index out of range).
 */
size_t judge_bytes(const struct lab_picture *picture);

/**
 * judge() - fill in findings and verdict
 * @picture: tasks, locks, waits, holds, groups and their indices are filled in
 * @memory: judge_bytes() bytes, aligned for u64; the findings live in it
 *
 * Pure: no clock, no I/O. Findings come ordered: faults first, then by size.
 */
void judge(struct lab_picture *picture, void *memory);

#endif
