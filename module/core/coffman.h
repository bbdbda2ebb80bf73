/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * coffman - what a finding says: how sure it is, the four conditions, what to do
 *
 * Coffman, Elphick, Shoshani, "System Deadlocks", ACM Computing Surveys 3:2, 1971: a deadlock needs
 * mutual exclusion, hold and wait, no preemption and circular wait, all four. So each finding says
 * which hold, and which one is the cheapest to break.
 */
#ifndef LOCKLAB_CORE_COFFMAN_H
#define LOCKLAB_CORE_COFFMAN_H

#include "env.h"
#include "model.h"

/**
 * struct coffman_case - a finding, and what the judge knows of it
 * @finding: its kind, tasks and locks are filled in
 * @lock_stamp: one for each lock of the picture; @stamp marks those that are in the finding
 * @is_dead: rests on somebody who went away, not on a circle
 * @owner: that somebody, LAB_NONE if not known as a task
 * @through_group: at least one wait in it could be ended by a group only
 */
struct coffman_case {
	const struct lab_picture *picture;
	struct lab_finding *finding;
	const u32 *lock_stamp;
	u32 stamp;
	bool is_dead;
	u32 owner;
	bool through_group;
};

/*
 * Fill in the finding's certainty, conditions, remedy and cheapest condition. O(its tasks, locks
 * and their holds).
 */
void coffman_fill(const struct coffman_case *c);

#endif
