// SPDX-License-Identifier: GPL-2.0
/*
 * events_test - suspicions come when they should, are counted exactly, and wakers are remembered
 *
 * suite: timeout=60 live
 */
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/events.h"
#include "subject.h"

#define FOREVER_MS 30000 /* a watchdog, not a bound on anything */
#define NR_PARKS   400
#define NR_POSTS   25

FIXTURE(events)
{
	struct subject target, other;
	struct events *e;
	char why[256];
};

FIXTURE_SETUP(events)
{
	if (geteuid())
		SKIP(return, "BPF needs root");
}

FIXTURE_TEARDOWN(events)
{
	events_close(self->e);
	subject_stop(&self->target);
	subject_stop(&self->other);
}

static void go(struct subject *t)
{
	__atomic_store_n(&t->page->go, 1, __ATOMIC_RELEASE);
	futex(&t->page->go, FUTEX_WAKE, 1);
}

static void await_go(struct subject_page *page)
{
	page->tid = own_tid();
	while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE))
		futex(&page->go, FUTEX_WAIT, 0);
}

static bool open_events(FIXTURE_DATA(events) * self, size_t ring_bytes)
{
	u32 tgid = (u32)self->target.pid;

	self->e = events_open(&tgid, 1, ring_bytes, self->why, sizeof(self->why));
	if (!self->e)
		printf("# %s\n", self->why);
	return self->e;
}

/* Until a suspicion of this kind comes. */
static bool await_kind(struct events *e, u32 kind, struct lab_suspicion *s)
{
	u64 end = clock_ns() + FOREVER_MS * 1000000ull;

	while (clock_ns() < end)
		if (events_wait(e, 100, s) > 0 && s->kind == kind)
			return true;
	return false;
}

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;
static pthread_barrier_t both;

static void *other_order(void *page)
{
	pthread_mutex_lock(&second);
	pthread_barrier_wait(&both);
	((struct subject_page *)page)->other_tid = own_tid();
	pthread_mutex_lock(&first);
	return NULL;
}

static void deadlocks(struct subject_page *page)
{
	pthread_t thread;

	await_go(page);
	pthread_barrier_init(&both, NULL, 2);
	pthread_mutex_lock(&first);
	pthread_create(&thread, NULL, other_order, page);
	pthread_barrier_wait(&both);
	pthread_mutex_lock(&second);
}

TEST_F(events, the_wait_that_closes_a_cycle_is_noticed)
{
	struct events_count count;
	struct lab_suspicion s = { 0 };

	ASSERT_EQ(0, subject_start(&self->target, deadlocks));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	ASSERT_TRUE(open_events(self, 0));
	go(&self->target);
	ASSERT_TRUE(await_kind(self->e, LAB_SUSPECT_CYCLE, &s));
	EXPECT_EQ(self->target.pid, s.tgid);
	EXPECT_TRUE(s.tid == self->target.page->tid || s.tid == self->target.page->other_tid);
	while (events_wait(self->e, 0, NULL) > 0)
		;
	events_count(self->e, &count);
	EXPECT_EQ(0, count.lost);
	EXPECT_EQ(count.sent, count.received);
}

static void locks_twice(struct subject_page *page)
{
	await_go(page);
	pthread_mutex_lock(&first);
	pthread_mutex_lock(&first);
}

TEST_F(events, a_thread_that_waits_for_itself_is_noticed)
{
	struct lab_suspicion s = { 0 };

	ASSERT_EQ(0, subject_start(&self->target, locks_twice));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	ASSERT_TRUE(open_events(self, 0));
	go(&self->target);
	ASSERT_TRUE(await_kind(self->e, LAB_SUSPECT_CYCLE, &s));
	EXPECT_EQ(self->target.pid, s.tid);
}

static void waits_for_nobody(struct subject_page *page)
{
	static sem_t nobody;

	await_go(page);
	sem_init(&nobody, 0, 0);
	sem_wait(&nobody);
}

TEST_F(events, a_process_that_sleeps_as_a_whole_is_noticed)
{
	struct lab_suspicion s = { 0 };

	ASSERT_EQ(0, subject_start(&self->target, waits_for_nobody));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	ASSERT_TRUE(open_events(self, 0));
	go(&self->target);
	ASSERT_TRUE(await_kind(self->e, LAB_SUSPECT_ALONE, &s));
	EXPECT_EQ(self->target.pid, s.tgid);
}

TEST_F(events, others_are_not_looked_at)
{
	struct events_count count;

	/* The target sleeps all the time; somebody else deadlocks. */
	ASSERT_EQ(0, subject_start(&self->target, waits_for_nobody));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	ASSERT_EQ(0, subject_start(&self->other, deadlocks));
	ASSERT_TRUE(subject_await_sleep(&self->other, 0, SYS_futex));
	ASSERT_TRUE(open_events(self, 0));
	go(&self->other);
	while (!__atomic_load_n(&self->other.page->other_tid, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	ASSERT_TRUE(subject_await_sleep(&self->other, self->other.page->other_tid, SYS_futex));
	ASSERT_TRUE(subject_await_sleep(&self->other, 0, SYS_futex));
	EXPECT_EQ(0, events_wait(self->e, 0, NULL));
	events_count(self->e, &count);
	EXPECT_EQ(0, count.sent);
}

static u32 *parking;

static void *parks(void *page)
{
	struct subject_page *p = page;

	p->other_tid = own_tid();
	for (u32 i = 0; i < NR_PARKS; i++) {
		u32 word = 0;

		__atomic_store_n(&parking, &word, __ATOMIC_RELEASE);
		while (!__atomic_load_n(&word, __ATOMIC_ACQUIRE))
			futex(&word, FUTEX_WAIT_PRIVATE, 0);
	}
	__atomic_store_n(&parking, &p->word, __ATOMIC_RELEASE);
	return NULL;
}

/* Another thread sleeps on its own stack again and again; each time it is asleep, it is woken. */
static void has_a_parking_thread(struct subject_page *page)
{
	pthread_t thread;

	await_go(page);
	pthread_create(&thread, NULL, parks, page);
	for (u32 i = 0; i < NR_PARKS; i++) {
		u32 *word;

		while (!(word = __atomic_exchange_n(&parking, NULL, __ATOMIC_ACQ_REL)))
			sched_yield();
		await_asleep(page->other_tid, SYS_futex);
		page->count++;
		__atomic_store_n(word, 1, __ATOMIC_RELEASE);
		futex(word, FUTEX_WAKE_PRIVATE, 1);
	}
	pthread_join(thread, NULL);
}

TEST_F(events, what_the_ring_loses_is_counted_exactly)
{
	struct events_count count;
	int got, drained = 0;

	ASSERT_EQ(0, subject_start(&self->target, has_a_parking_thread));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	ASSERT_TRUE(open_events(self, 4096));
	go(&self->target);
	ASSERT_EQ(self->target.pid, waitpid(self->target.pid, NULL, 0));
	self->target.pid = 0;
	/* Nobody has read so far. */
	while ((got = events_wait(self->e, 0, NULL)) > 0)
		drained += got;
	events_count(self->e, &count);
	EXPECT_EQ(NR_PARKS, self->target.page->count);
	EXPECT_LE(NR_PARKS, count.sent);
	EXPECT_EQ(count.sent, count.received + count.lost);
	EXPECT_EQ(drained, count.received);
	EXPECT_LT(0, count.received);
	EXPECT_LT(0, count.lost);
}

static sem_t items;

static void *consumer(void *page)
{
	struct subject_page *p = page;

	p->address = (u64)&items;
	__atomic_store_n(&p->other_tid, own_tid(), __ATOMIC_RELEASE);
	for (;;)
		sem_wait(&items);
	return NULL;
}

static void produces(struct subject_page *page)
{
	pthread_t thread;

	prctl(PR_SET_NAME, "producer");
	sem_init(&items, 0, 0);
	await_go(page);
	pthread_create(&thread, NULL, consumer, page);
	while (!__atomic_load_n(&page->other_tid, __ATOMIC_ACQUIRE))
		sched_yield();
	for (int i = 0; i < NR_POSTS; i++) {
		await_asleep(page->other_tid, SYS_futex);
		sem_post(&items);
	}
	await_asleep(page->other_tid, SYS_futex);
	page->count = 1;
	for (;;)
		pause();
}

TEST_F(events, who_used_to_wake_is_remembered)
{
	struct lab_waker waker = { 0 };
	u64 now;

	ASSERT_EQ(0, subject_start(&self->target, produces));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	ASSERT_TRUE(open_events(self, 0));
	go(&self->target);
	ASSERT_TRUE(subject_await_sleep(&self->target, (u32)self->target.pid, SYS_pause));
	ASSERT_TRUE(
		events_waker(self->e, (u32)self->target.pid, self->target.page->address, &waker));
	now = clock_ns();
	EXPECT_EQ(NR_POSTS, waker.count);
	EXPECT_EQ(self->target.pid, waker.tid);
	EXPECT_STREQ("producer", waker.comm);
	EXPECT_GE(now, waker.last_ns);
	EXPECT_FALSE(events_waker(self->e, (u32)self->target.pid, self->target.page->address + 4096,
				  &waker));
}

TEST_HARNESS_MAIN
