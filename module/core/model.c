// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * model - the names that every face uses for kinds, certainties and conditions
 */
#include "model.h"

static const char *name_in(const char *const *names, u32 nr, u32 value)
{
	return value < nr && names[value] ? names[value] : "unknown";
}

const char *lab_lock_kind_name(enum lab_lock_kind kind)
{
	static const char *const names[LAB_NR_KINDS] = {
		[LAB_FUTEX] = "futex",
		[LAB_MUTEX] = "mutex",
		[LAB_RWLOCK] = "rwlock",
		[LAB_CONDVAR] = "condvar",
		[LAB_SEMAPHORE] = "semaphore",
		[LAB_BARRIER] = "barrier",
		[LAB_ONCE] = "once",
		[LAB_THREAD] = "thread",
		[LAB_SPINLOCK] = "spinlock",
		[LAB_STDIO] = "stdio",
		[LAB_MALLOC] = "malloc",
		[LAB_PIPE] = "pipe",
		[LAB_SOCKET] = "socket",
		[LAB_PROCESS] = "process",
		[LAB_FLOCK] = "flock",
		[LAB_RECORD_LOCK] = "record_lock",
		[LAB_KERNEL_LOCK] = "kernel_lock",
	};

	return name_in(names, LAB_NR_KINDS, (u32)kind);
}

const char *lab_finding_kind_name(enum lab_finding_kind kind)
{
	static const char *const names[LAB_NR_FINDING_KINDS] = {
		[LAB_DEADLOCK] = "deadlock",
		[LAB_SELF_DEADLOCK] = "self_deadlock",
		[LAB_ABANDONED_LOCK] = "abandoned_lock",
		[LAB_STALL] = "stall",
		[LAB_PREEMPTABLE_CYCLE] = "preemptable_cycle",
		[LAB_SPIN_DEADLOCK] = "spin_deadlock",
		[LAB_IO_CYCLE] = "io_cycle",
		[LAB_LOCK_ORDER_INVERSION] = "lock_order_inversion",
		[LAB_PRIORITY_INVERSION] = "priority_inversion",
		[LAB_CONVOY] = "convoy",
		[LAB_STARVATION] = "starvation",
	};

	return name_in(names, LAB_NR_FINDING_KINDS, (u32)kind);
}

const char *lab_certainty_name(enum lab_certainty certainty)
{
	static const char *const names[] = {
		[LAB_PROVEN] = "proven",
		[LAB_PROBABLE] = "probable",
		[LAB_POTENTIAL] = "potential",
	};

	return name_in(names, LAB_POTENTIAL + 1, (u32)certainty);
}

const char *lab_condition_name(enum lab_coffman condition)
{
	static const char *const names[LAB_NR_CONDITIONS] = {
		[LAB_MUTUAL_EXCLUSION] = "mutual_exclusion",
		[LAB_HOLD_AND_WAIT] = "hold_and_wait",
		[LAB_NO_PREEMPTION] = "no_preemption",
		[LAB_CIRCULAR_WAIT] = "circular_wait",
	};

	return name_in(names, LAB_NR_CONDITIONS, (u32)condition);
}

bool lab_finding_is_fault(enum lab_finding_kind kind)
{
	switch (kind) {
	case LAB_DEADLOCK:
	case LAB_SELF_DEADLOCK:
	case LAB_ABANDONED_LOCK:
	case LAB_STALL:
	case LAB_SPIN_DEADLOCK:
	case LAB_IO_CYCLE:
		return true;
	default:
		return false;
	}
}
