// SPDX-License-Identifier: GPL-2.0
/* Each kind of finding, each near-miss, each doubt, each condition: one claim a test. */
#include <kselftest_harness.h>

#include "sketch.h"

FIXTURE(judge)
{
	struct sketch *s;
};

FIXTURE_SETUP(judge)
{
	self->s = sketch_new();
}

FIXTURE_TEARDOWN(judge)
{
	sketch_free(self->s);
}

static struct lab_finding *finding(struct sketch *s, u32 f)
{
	return &s->p.findings[f];
}

static struct lab_condition *condition(struct sketch *s, enum lab_coffman c)
{
	return &s->p.findings[0].conditions[c];
}

static void add_status(struct sketch *s, u32 task, u32 status)
{
	s->p.tasks[task].status |= status;
}

/* @nr tasks, each with lock i, waiting for lock i + 1. */
static void add_ring(struct sketch *s, u32 nr, enum lab_lock_kind kind)
{
	u32 task = s->p.nr_tasks, lock = s->p.nr_locks;

	for (u32 i = 0; i < nr; i++) {
		sketch_task(s);
		sketch_lock(s, kind);
	}
	for (u32 i = 0; i < nr; i++) {
		sketch_hold(s, task + i, lock + i);
		sketch_wait(s, task + i, lock + (i + 1) % nr);
	}
}

/* Task @task waits for a new lock that only @members could do something about. */
static u32 add_ownerless(struct sketch *s, u32 task, enum lab_lock_kind kind, u32 group)
{
	u32 lock = sketch_lock(s, kind);

	s->p.locks[lock].wakers = group;
	sketch_wait(s, task, lock);
	return lock;
}

static void expect_condition(struct __test_metadata *_metadata, struct sketch *s,
			     enum lab_coffman c, s8 holds, enum lab_reason reason)
{
	EXPECT_EQ(condition(s, c)->holds, holds)
	{
		TH_LOG("%s", lab_condition_name(c));
	}
	EXPECT_EQ(condition(s, c)->reason, reason)
	{
		TH_LOG("%s", lab_condition_name(c));
	}
}

/* ---- kinds */

TEST_F(judge, nothing_is_nothing_wrong)
{
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(self->s->p.verdict, LAB_NONE_WRONG);
	EXPECT_EQ(self->s->p.nr_findings, 0);
}

TEST_F(judge, two_mutexes_the_wrong_way_round_are_a_deadlock)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX);
	s->p.tasks[0].wait_ns = 5000;
	s->p.tasks[1].wait_ns = 3000;
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.verdict, LAB_FOUND);
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
	EXPECT_EQ(finding(s, 0)->certainty, LAB_PROVEN);
	EXPECT_TRUE(finding(s, 0)->is_cycle);
	EXPECT_TRUE(finding(s, 0)->asked);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(1, 0)));
	EXPECT_EQ(finding(s, 0)->nr_victims, 0);
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 1, LAB_BECAUSE_OWNERS_RECORDED);
	expect_condition(_metadata, s, LAB_HOLD_AND_WAIT, 1, LAB_BECAUSE_EACH_HOLDS_AND_WAITS);
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, 1, LAB_BECAUSE_NOTHING_TAKES_AWAY);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_CYCLE);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_ORDER);
	EXPECT_EQ(finding(s, 0)->cheapest, LAB_CIRCULAR_WAIT);
	/* the one that came last closed it */
	EXPECT_EQ(finding(s, 0)->remedy_task, 1);
	EXPECT_EQ(finding(s, 0)->remedy_lock, 0);
}

TEST_F(judge, a_cycle_begins_with_the_lowest_tid_and_keeps_its_order)
{
	struct sketch *s = self->s;

	add_ring(s, 5, LAB_MUTEX);
	for (u32 i = 0; i < 5; i++)
		s->p.tasks[i].tid = 100 + (i + 2) % 5;
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(3, 4, 0, 1, 2)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(4, 0, 1, 2, 3)));
}

TEST_F(judge, one_task_and_its_own_mutex_is_a_self_deadlock)
{
	struct sketch *s = self->s;

	add_ring(s, 1, LAB_MUTEX);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_SELF_DEADLOCK);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_RECURSIVE);
	EXPECT_EQ(finding(s, 0)->cheapest, LAB_HOLD_AND_WAIT);
	EXPECT_EQ(finding(s, 0)->remedy_task, 0);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_SELF);
}

TEST_F(judge, an_owner_that_went_away_is_an_abandoned_lock)
{
	struct sketch *s = self->s;

	for (u32 i = 0; i < 4; i++)
		sketch_task(s);
	add_status(s, 0, LAB_TASK_IS_GONE);
	s->p.tasks[0].status &= ~(u32)LAB_TASK_IS_STEADY;
	for (u32 i = 0; i < 3; i++)
		sketch_lock(s, LAB_MUTEX);
	sketch_hold(s, 0, 0);
	sketch_hold(s, 0, 1);
	sketch_wait(s, 1, 1);
	sketch_wait(s, 2, 0);
	sketch_hold(s, 2, 2);
	sketch_wait(s, 3, 2);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.verdict, LAB_FOUND);
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_ABANDONED_LOCK);
	EXPECT_EQ(finding(s, 0)->certainty, LAB_PROVEN);
	EXPECT_FALSE(finding(s, 0)->is_cycle);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(1, 2)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(1, 0)));
	EXPECT_TRUE(sketch_victims_are(s, 0, LIST(3)));
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 1, LAB_BECAUSE_OWNERS_RECORDED);
	expect_condition(_metadata, s, LAB_HOLD_AND_WAIT, 0, LAB_BECAUSE_OWNER_GONE);
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, 1, LAB_BECAUSE_NOTHING_TAKES_AWAY);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 0, LAB_BECAUSE_NO_CYCLE);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_ROBUST);
	EXPECT_EQ(finding(s, 0)->cheapest, LAB_NO_PREEMPTION);
	EXPECT_EQ(finding(s, 0)->remedy_task, 0);
	EXPECT_EQ(condition(s, LAB_HOLD_AND_WAIT)->task, 0);
}

TEST_F(judge, a_zombie_will_not_unlock_either)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	s->p.tasks[0].state = 'Z';
	sketch_lock(s, LAB_MUTEX);
	sketch_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_ABANDONED_LOCK);
}

TEST_F(judge, an_owner_whose_tid_was_handed_on_is_gone)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_lock(s, LAB_MUTEX);
	s->p.locks[0].attrs = LAB_OWNER_REUSED;
	sketch_wait(s, 0, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_ABANDONED_LOCK);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(0)));
	EXPECT_EQ(finding(s, 0)->remedy_task, LAB_NONE);
}

TEST_F(judge, the_newer_task_with_that_tid_is_not_the_owner)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	sketch_lock(s, LAB_MUTEX);
	s->p.locks[0].attrs = LAB_OWNER_REUSED;
	sketch_hold(s, 1, 0);
	sketch_wait(s, 0, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_ABANDONED_LOCK);
}

TEST_F(judge, two_dead_owners_of_one_lock_are_one_finding)
{
	struct sketch *s = self->s;

	for (u32 i = 0; i < 3; i++)
		sketch_task(s);
	add_status(s, 0, LAB_TASK_IS_GONE);
	add_status(s, 1, LAB_TASK_IS_GONE);
	sketch_lock(s, LAB_RWLOCK);
	sketch_read_hold(s, 0, 0);
	sketch_read_hold(s, 1, 0);
	sketch_wait(s, 2, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(2)));
}

TEST_F(judge, two_dead_owners_of_two_locks_are_two_findings)
{
	struct sketch *s = self->s;

	for (u32 i = 0; i < 5; i++)
		sketch_task(s);
	for (u32 i = 0; i < 2; i++) {
		add_status(s, i, LAB_TASK_IS_GONE);
		sketch_lock(s, LAB_MUTEX);
		sketch_hold(s, i, i);
	}
	sketch_wait(s, 2, 0);
	sketch_wait(s, 3, 1);
	sketch_wait(s, 4, 1);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 2);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(3, 4)));
	EXPECT_TRUE(sketch_tasks_are(s, 1, LIST(2)));
}

TEST_F(judge, everybody_asleep_and_nobody_left_is_a_stall)
{
	struct sketch *s = self->s;
	u32 all[3], group;

	for (u32 i = 0; i < 3; i++)
		all[i] = sketch_task(s);
	group = sketch_group(s, 3, all);
	add_ownerless(s, 0, LAB_CONDVAR, group);
	add_ownerless(s, 1, LAB_SEMAPHORE, group);
	sketch_lock(s, LAB_MUTEX);
	sketch_hold(s, 0, 2);
	sketch_wait(s, 2, 2);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.verdict, LAB_FOUND);
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_STALL);
	EXPECT_EQ(finding(s, 0)->certainty, LAB_PROVEN);
	EXPECT_FALSE(finding(s, 0)->is_cycle);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1, 2)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(0, 1, 2)));
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 0, LAB_BECAUSE_NOT_A_LOCK);
	expect_condition(_metadata, s, LAB_HOLD_AND_WAIT, -1, LAB_BECAUSE_NONE_KNOWN_HELD);
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, 1, LAB_BECAUSE_NOTHING_TAKES_AWAY);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_KNOT);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_WAKE);
	EXPECT_EQ(finding(s, 0)->cheapest, LAB_CIRCULAR_WAIT);
}

TEST_F(judge, a_single_thread_that_nobody_will_wake_is_a_stall_not_a_self_deadlock)
{
	struct sketch *s = self->s;

	sketch_task(s);
	add_ownerless(s, 0, LAB_SEMAPHORE, sketch_group(s, LIST(0)));
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_STALL);
	EXPECT_FALSE(finding(s, 0)->is_cycle);
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 0, LAB_BECAUSE_SHARED);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_KNOT);
}

TEST_F(judge, wakers_that_are_all_gone_leave_a_stall)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	add_status(s, 1, LAB_TASK_IS_GONE);
	add_ownerless(s, 0, LAB_CONDVAR, sketch_group(s, LIST(1)));
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_STALL);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0)));
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 0, LAB_BECAUSE_NO_CYCLE);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_WAKE);
}

TEST_F(judge, a_rwlock_asked_for_again_by_its_readers_is_an_upgrade)
{
	struct sketch *s = self->s;
	u32 lock;

	sketch_task(s);
	sketch_task(s);
	lock = add_ownerless(s, 0, LAB_RWLOCK, sketch_group(s, LIST(0, 1)));
	s->p.locks[lock].attrs = LAB_READ_HELD;
	sketch_wait(s, 1, lock);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_STALL);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_UPGRADE);
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 1, LAB_BECAUSE_SHARED);
}

TEST_F(judge, spinning_in_a_cycle_is_a_spin_deadlock)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_SPINLOCK);
	add_status(s, 0, LAB_TASK_SPINS);
	add_status(s, 1, LAB_TASK_SPINS);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_SPIN_DEADLOCK);
	EXPECT_TRUE(finding(s, 0)->is_cycle);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_ORDER);
}

TEST_F(judge, spinning_on_locks_without_owners_is_a_spin_deadlock_too)
{
	struct sketch *s = self->s;
	u32 group;

	sketch_task(s);
	sketch_task(s);
	group = sketch_group(s, LIST(0, 1));
	add_ownerless(s, 0, LAB_SPINLOCK, group);
	add_ownerless(s, 1, LAB_SPINLOCK, group);
	add_status(s, 0, LAB_TASK_SPINS);
	add_status(s, 1, LAB_TASK_SPINS);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_SPIN_DEADLOCK);
	EXPECT_FALSE(finding(s, 0)->is_cycle);
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 1, LAB_BECAUSE_OWNER_UNKNOWN);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_ORDER);
}

TEST_F(judge, two_full_pipes_are_an_io_cycle_in_order)
{
	struct sketch *s = self->s;
	u32 one, two;

	sketch_task(s);
	sketch_task(s);
	one = add_ownerless(s, 0, LAB_PIPE, sketch_group(s, LIST(1)));
	two = add_ownerless(s, 1, LAB_PIPE, sketch_group(s, LIST(0)));
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_IO_CYCLE);
	EXPECT_TRUE(finding(s, 0)->is_cycle);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(one, two)));
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_DRAIN);
	EXPECT_EQ(finding(s, 0)->cheapest, LAB_HOLD_AND_WAIT);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_CYCLE);
}

TEST_F(judge, its_own_write_end_left_open_is_an_io_cycle)
{
	struct sketch *s = self->s;

	sketch_task(s);
	add_ownerless(s, 0, LAB_PIPE, sketch_group(s, LIST(0)));
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_IO_CYCLE);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_SELF);
}

TEST_F(judge, a_parent_in_waitpid_and_its_child_in_a_full_pipe_are_an_io_cycle)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	add_ownerless(s, 0, LAB_PROCESS, sketch_group(s, LIST(1)));
	add_ownerless(s, 1, LAB_PIPE, sketch_group(s, LIST(0, 1)));
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_IO_CYCLE);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1)));
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_DRAIN);
}

TEST_F(judge, file_locks_with_owners_are_a_deadlock)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_FLOCK);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
}

TEST_F(judge, two_threads_that_join_each_other_are_a_deadlock)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_THREAD);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_REAP);
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 0, LAB_BECAUSE_NOT_A_LOCK);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_CYCLE);
}

TEST_F(judge, joining_with_the_lock_held_that_the_thread_needs_is_a_deadlock)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	sketch_lock(s, LAB_MUTEX);
	sketch_lock(s, LAB_THREAD);
	sketch_hold(s, 0, 0);
	sketch_hold(s, 1, 1);
	sketch_wait(s, 0, 1);
	sketch_wait(s, 1, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_REAP);
	EXPECT_EQ(finding(s, 0)->remedy_task, 0);
	EXPECT_EQ(finding(s, 0)->remedy_lock, 1);
	EXPECT_EQ(finding(s, 0)->cheapest, LAB_HOLD_AND_WAIT);
}

TEST_F(judge, a_writer_waits_for_every_reader)
{
	struct sketch *s = self->s;

	/* 0 and 1 read L0; 2 wants to write it, and has the mutex that only 1 waits for */
	for (u32 i = 0; i < 3; i++)
		sketch_task(s);
	sketch_lock(s, LAB_RWLOCK);
	sketch_lock(s, LAB_MUTEX);
	sketch_read_hold(s, 0, 0);
	sketch_read_hold(s, 1, 0);
	sketch_wait(s, 2, 0);
	sketch_hold(s, 2, 1);
	sketch_wait(s, 1, 1);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(1, 2)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(1, 0)));
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, 1, LAB_BECAUSE_SHARED);
}

TEST_F(judge, reading_again_behind_a_queued_writer_is_a_deadlock)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	sketch_lock(s, LAB_RWLOCK);
	s->p.locks[0].attrs = LAB_PREFER_WRITER;
	sketch_read_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	sketch_read_wait(s, 0, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(0, 0)));
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_UPGRADE);
	EXPECT_EQ(finding(s, 0)->remedy_task, 0);
}

TEST_F(judge, any_of_several_locks_that_are_all_stuck_is_a_knot)
{
	struct sketch *s = self->s;

	for (u32 i = 0; i < 3; i++) {
		sketch_task(s);
		sketch_lock(s, LAB_MUTEX);
		sketch_hold(s, i, i);
	}
	sketch_wait(s, 0, 1);
	sketch_wait(s, 0, 2);
	add_status(s, 0, LAB_TASK_WAITS_ANY);
	sketch_wait(s, 1, 0);
	sketch_wait(s, 2, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
	EXPECT_FALSE(finding(s, 0)->is_cycle);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1, 2)));
	EXPECT_TRUE(sketch_locks_are(s, 0, LIST(1, 2, 0)));
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_KNOT);
	expect_condition(_metadata, s, LAB_HOLD_AND_WAIT, 1, LAB_BECAUSE_EACH_HOLDS_AND_WAITS);
}

/* ---- who waits behind */

TEST_F(judge, those_behind_a_deadlock_are_its_victims)
{
	struct sketch *s = self->s;
	u32 group;

	add_ring(s, 2, LAB_MUTEX);
	for (u32 i = 2; i < 6; i++)
		sketch_task(s);
	sketch_wait(s, 4, 0);
	sketch_wait(s, 3, 1);
	/* waits for anybody of its process, and everybody is stuck because of the two */
	group = sketch_group(s, LIST(0, 1, 3, 4));
	add_ownerless(s, 2, LAB_CONDVAR, group);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_DEADLOCK);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1)));
	EXPECT_TRUE(sketch_victims_are(s, 0, LIST(2, 3, 4)));
}

TEST_F(judge, a_victim_that_was_asked_about_is_enough)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX);
	sketch_task(s);
	sketch_wait(s, 2, 0);
	s->p.tasks[0].status &= ~(u32)LAB_TASK_IS_ASKED;
	s->p.tasks[1].status &= ~(u32)LAB_TASK_IS_ASKED;
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.verdict, LAB_FOUND);
	s->p.tasks[2].status &= ~(u32)LAB_TASK_IS_ASKED;
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_FALSE(finding(s, 0)->asked);
	EXPECT_EQ(s->p.verdict, LAB_NONE_WRONG);
}

TEST_F(judge, a_timed_wait_behind_a_deadlock_is_no_victim)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX);
	sketch_task(s);
	sketch_wait(s, 2, 0);
	add_status(s, 2, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->nr_victims, 0);
}

TEST_F(judge, findings_come_faults_first_asked_first_larger_first)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX); /* 0 1: timed */
	add_status(s, 0, LAB_TASK_WAITS_TIMED);
	add_ring(s, 4, LAB_MUTEX); /* 2 3 4 5: nobody asked */
	for (u32 i = 2; i < 6; i++)
		s->p.tasks[i].status &= ~(u32)LAB_TASK_IS_ASKED;
	add_ring(s, 2, LAB_MUTEX); /* 6 7 */
	add_ring(s, 2, LAB_MUTEX); /* 8 9: lower TIDs */
	s->p.tasks[8].tid = 8;
	s->p.tasks[9].tid = 9;
	add_ring(s, 3, LAB_MUTEX); /* 10 11 12 */
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 5);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(10, 11, 12)));
	EXPECT_TRUE(sketch_tasks_are(s, 1, LIST(8, 9)));
	EXPECT_TRUE(sketch_tasks_are(s, 2, LIST(6, 7)));
	EXPECT_TRUE(sketch_tasks_are(s, 3, LIST(2, 3, 4, 5)));
	EXPECT_TRUE(sketch_tasks_are(s, 4, LIST(0, 1)));
	EXPECT_EQ(finding(s, 4)->kind, LAB_PREEMPTABLE_CYCLE);
}

/* ---- near-misses and the healthy */

TEST_F(judge, a_timed_wait_in_a_cycle_is_preemptable_and_no_fault)
{
	struct sketch *s = self->s;

	add_ring(s, 3, LAB_MUTEX);
	add_status(s, 1, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.verdict, LAB_NONE_WRONG);
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_PREEMPTABLE_CYCLE);
	EXPECT_TRUE(finding(s, 0)->is_cycle);
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, 0, LAB_BECAUSE_TIMED);
	EXPECT_EQ(condition(s, LAB_NO_PREEMPTION)->task, 1);
	EXPECT_EQ(condition(s, LAB_NO_PREEMPTION)->lock, 2);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, 1, LAB_BECAUSE_CYCLE);
	EXPECT_EQ(finding(s, 0)->remedy, LAB_REMEDY_LET_TIME_OUT);
	EXPECT_EQ(finding(s, 0)->cheapest, LAB_NO_PREEMPTION);
	EXPECT_EQ(finding(s, 0)->remedy_task, 1);
}

TEST_F(judge, a_pending_signal_in_a_cycle_is_preemptable)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX);
	add_status(s, 1, LAB_TASK_SIGNALLED);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_PREEMPTABLE_CYCLE);
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, 0, LAB_BECAUSE_SIGNALLED);
}

TEST_F(judge, a_timed_wait_at_an_abandoned_lock_is_told_with_what_does_not_hold)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	add_status(s, 0, LAB_TASK_IS_GONE);
	sketch_lock(s, LAB_MUTEX);
	sketch_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	add_status(s, 1, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_ABANDONED_LOCK);
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, 0, LAB_BECAUSE_TIMED);
}

TEST_F(judge, one_untimed_wait_at_an_abandoned_lock_is_enough_to_be_stuck_for_ever)
{
	struct sketch *s = self->s;

	for (u32 i = 0; i < 3; i++)
		sketch_task(s);
	add_status(s, 0, LAB_TASK_IS_GONE);
	sketch_lock(s, LAB_MUTEX);
	sketch_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	sketch_wait(s, 2, 0);
	add_status(s, 1, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(1, 2)));
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, 1, LAB_BECAUSE_NOTHING_TAKES_AWAY);
}

TEST_F(judge, an_unseen_releaser_may_know_what_became_of_the_owner)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_lock(s, LAB_MUTEX);
	s->p.locks[0].attrs = LAB_OWNER_REUSED;
	s->p.locks[0].unseen = true;
	sketch_wait(s, 0, 0);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, readers_do_not_wait_for_readers)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_RWLOCK);
	for (u32 i = 0; i < 2; i++)
		s->p.waits[i].access = LAB_SHARED;
	for (u32 i = 0; i < 2; i++)
		s->p.holds[i].access = LAB_SHARED;
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_reader_behind_a_timed_writer_is_preemptable)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	sketch_lock(s, LAB_RWLOCK);
	sketch_read_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	add_status(s, 1, LAB_TASK_WAITS_TIMED);
	sketch_read_wait(s, 0, 0);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_PREEMPTABLE_CYCLE);
}

TEST_F(judge, shared_file_locks_do_not_queue_behind_a_writer)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	sketch_lock(s, LAB_FLOCK);
	sketch_read_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	sketch_read_wait(s, 0, 0);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_chain_that_ends_in_a_running_task_is_contention)
{
	struct sketch *s = self->s;

	for (u32 i = 0; i < 4; i++)
		sketch_task(s);
	for (u32 i = 0; i < 3; i++) {
		sketch_lock(s, LAB_MUTEX);
		sketch_hold(s, i, i);
		sketch_wait(s, i + 1, i);
	}
	s->p.tasks[0].state = 'R';
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
	EXPECT_EQ(s->p.verdict, LAB_NONE_WRONG);
}

TEST_F(judge, a_stopped_owner_could_be_continued)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	add_status(s, 0, LAB_TASK_IS_STOPPED);
	sketch_lock(s, LAB_MUTEX);
	sketch_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_stopped_task_in_a_cycle_is_stuck_all_the_same)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX);
	add_status(s, 0, LAB_TASK_IS_STOPPED);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 1);
}

TEST_F(judge, who_can_not_be_looked_at_is_not_accused)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX);
	add_status(s, 0, LAB_TASK_OPAQUE);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_lock_that_somebody_unseen_may_release_is_not_accused)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_MUTEX);
	s->p.locks[0].unseen = true;
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, an_unseen_lock_of_a_gone_owner_is_not_accused)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	add_status(s, 0, LAB_TASK_IS_GONE);
	sketch_lock(s, LAB_MUTEX);
	s->p.locks[0].unseen = true;
	sketch_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_lock_that_names_nobody_is_not_accused)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_lock(s, LAB_FUTEX);
	sketch_wait(s, 0, 0);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, an_empty_group_is_one_that_nobody_could_list)
{
	struct sketch *s = self->s;

	sketch_task(s);
	add_ownerless(s, 0, LAB_CONDVAR, sketch_group(s, 0, NULL));
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_pool_with_a_live_main_is_idle_on_purpose)
{
	struct sketch *s = self->s;
	u32 group, condition;

	for (u32 i = 0; i < 4; i++)
		sketch_task(s);
	group = sketch_group(s, LIST(0, 1, 2, 3));
	condition = add_ownerless(s, 1, LAB_CONDVAR, group);
	sketch_wait(s, 2, condition);
	sketch_wait(s, 3, condition);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_pool_where_one_sleeps_with_a_timeout_is_healthy)
{
	struct sketch *s = self->s;
	u32 group, condition;

	for (u32 i = 0; i < 3; i++)
		sketch_task(s);
	group = sketch_group(s, LIST(0, 1, 2));
	condition = add_ownerless(s, 0, LAB_CONDVAR, group);
	sketch_wait(s, 1, condition);
	sketch_wait(s, 2, condition);
	add_status(s, 2, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_lone_sleeper_with_a_timeout_is_no_near_miss)
{
	struct sketch *s = self->s;

	sketch_task(s);
	add_ownerless(s, 0, LAB_SEMAPHORE, sketch_group(s, LIST(0)));
	add_status(s, 0, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, two_ends_of_a_socket_that_poll_with_timeouts_are_no_near_miss)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_SOCKET);
	add_status(s, 0, LAB_TASK_WAITS_TIMED);
	add_status(s, 1, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, a_robust_lock_survives_its_owner)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	add_status(s, 0, LAB_TASK_IS_GONE);
	sketch_lock(s, LAB_MUTEX);
	s->p.locks[0].attrs = LAB_ROBUST;
	sketch_hold(s, 0, 0);
	sketch_wait(s, 1, 0);
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
	/* unless the C library has parked the waiter where no owner's death will reach it */
	s->p.locks[0].attrs |= LAB_EDEADLK;
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_ABANDONED_LOCK);
}

TEST_F(judge, the_kernel_lets_go_for_the_dead)
{
	static const enum lab_lock_kind kinds[] = { LAB_THREAD, LAB_PIPE, LAB_SOCKET,
						    LAB_PROCESS, LAB_FLOCK, LAB_RECORD_LOCK };
	struct sketch *s = self->s;

	for (u32 k = 0; k < 6; k++) {
		sketch_clear(s);
		sketch_task(s);
		sketch_task(s);
		add_status(s, 0, LAB_TASK_IS_GONE);
		sketch_lock(s, kinds[k]);
		sketch_hold(s, 0, 0);
		sketch_wait(s, 1, 0);
		ASSERT_TRUE(sketch_judge(s));
		EXPECT_EQ(s->p.nr_findings, 0)
		{
			TH_LOG("%s", lab_lock_kind_name(kinds[k]));
		}
	}
}

TEST_F(judge, a_pipe_whose_writers_are_all_gone_is_at_its_end)
{
	struct sketch *s = self->s;

	sketch_task(s);
	sketch_task(s);
	add_status(s, 1, LAB_TASK_IS_GONE);
	add_ownerless(s, 0, LAB_PIPE, sketch_group(s, LIST(1)));
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

TEST_F(judge, one_permit_is_enough)
{
	struct sketch *s = self->s;

	add_ring(s, 2, LAB_SEMAPHORE);
	sketch_task(s);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	sketch_hold(s, 2, 0); /* who runs */
	ASSERT_TRUE(sketch_judge(s));
	EXPECT_EQ(s->p.nr_findings, 0);
}

/* ---- certainty */

TEST_F(judge, a_deadlock_with_an_unsteady_task_is_probable)
{
	add_ring(self->s, 2, LAB_MUTEX);
	self->s->p.tasks[1].status &= ~(u32)LAB_TASK_IS_STEADY;
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(finding(self->s, 0)->certainty, LAB_PROBABLE);
}

TEST_F(judge, a_deadlock_with_an_unsteady_hold_is_probable)
{
	add_ring(self->s, 2, LAB_MUTEX);
	self->s->p.holds[1].steady = false;
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(finding(self->s, 0)->certainty, LAB_PROBABLE);
}

TEST_F(judge, a_deadlock_over_a_word_that_contradicts_itself_is_probable)
{
	add_ring(self->s, 2, LAB_MUTEX);
	self->s->p.locks[1].attrs = LAB_INCONSISTENT;
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(finding(self->s, 0)->certainty, LAB_PROBABLE);
}

TEST_F(judge, what_is_found_with_events_lost_is_probable)
{
	add_ring(self->s, 2, LAB_MUTEX);
	self->s->p.lost_events = 1;
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(finding(self->s, 0)->certainty, LAB_PROBABLE);
	EXPECT_EQ(self->s->p.verdict, LAB_FOUND);
}

TEST_F(judge, an_unsteady_victim_takes_nothing_from_the_proof)
{
	add_ring(self->s, 2, LAB_MUTEX);
	sketch_task(self->s);
	sketch_wait(self->s, 2, 0);
	self->s->p.tasks[2].status &= ~(u32)LAB_TASK_IS_STEADY;
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(finding(self->s, 0)->nr_victims, 1);
	EXPECT_EQ(finding(self->s, 0)->certainty, LAB_PROVEN);
}

TEST_F(judge, a_stall_that_an_outsider_could_end_is_probable)
{
	struct sketch *s = self->s;

	sketch_task(s);
	add_ownerless(s, 0, LAB_SEMAPHORE, sketch_group(s, LIST(0)));
	s->p.groups[0].doubtful = true;
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->certainty, LAB_PROBABLE);
	expect_condition(_metadata, s, LAB_CIRCULAR_WAIT, -1, LAB_BECAUSE_OUTSIDER);
}

TEST_F(judge, a_stall_that_a_signal_handler_could_end_is_probable)
{
	struct sketch *s = self->s;

	sketch_task(s);
	add_ownerless(s, 0, LAB_SEMAPHORE, sketch_group(s, LIST(0)));
	add_status(s, 0, LAB_TASK_HANDLES_SIGNALS);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->certainty, LAB_PROBABLE);
	expect_condition(_metadata, s, LAB_NO_PREEMPTION, -1, LAB_BECAUSE_SIGNAL_HANDLER);
}

TEST_F(judge, a_signal_handler_does_not_unlock_mutexes)
{
	add_ring(self->s, 2, LAB_MUTEX);
	add_status(self->s, 0, LAB_TASK_HANDLES_SIGNALS);
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(finding(self->s, 0)->certainty, LAB_PROVEN);
	expect_condition(_metadata, self->s, LAB_NO_PREEMPTION, 1, LAB_BECAUSE_NOTHING_TAKES_AWAY);
}

TEST_F(judge, a_futex_word_of_an_unknown_library_claims_no_mutual_exclusion)
{
	struct sketch *s = self->s;
	u32 group;

	sketch_task(s);
	sketch_task(s);
	group = sketch_group(s, LIST(0, 1));
	add_ownerless(s, 0, LAB_FUTEX, group);
	add_ownerless(s, 1, LAB_FUTEX, group);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_EQ(finding(s, 0)->kind, LAB_STALL);
	expect_condition(_metadata, s, LAB_MUTUAL_EXCLUSION, -1, LAB_BECAUSE_OWNER_UNKNOWN);
}

/* ---- verdict */

TEST_F(judge, nothing_found_with_events_lost_is_unknown)
{
	self->s->p.lost_events = 3;
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(self->s->p.verdict, LAB_UNKNOWN);
}

TEST_F(judge, nothing_found_while_blind_is_unknown)
{
	self->s->p.blind = true;
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(self->s->p.verdict, LAB_UNKNOWN);
}

TEST_F(judge, a_near_miss_while_blind_is_still_unknown)
{
	self->s->p.blind = true;
	add_ring(self->s, 2, LAB_MUTEX);
	add_status(self->s, 1, LAB_TASK_WAITS_TIMED);
	ASSERT_TRUE(sketch_judge(self->s));
	EXPECT_EQ(self->s->p.nr_findings, 1);
	EXPECT_EQ(self->s->p.verdict, LAB_UNKNOWN);
}

TEST_F(judge, judging_twice_says_the_same)
{
	struct sketch *s = self->s;

	add_ring(s, 3, LAB_MUTEX);
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_TRUE(sketch_judge(s));
	ASSERT_EQ(s->p.nr_findings, 1);
	EXPECT_TRUE(sketch_tasks_are(s, 0, LIST(0, 1, 2)));
}

TEST_HARNESS_MAIN
