// SPDX-License-Identifier: GPL-2.0
/*
 * held_test - what a thread holds is found although nobody waits for it, nothing else is, and the
 * target does not grow by it
 *
 * suite: live timeout=120
 *
 * Each target is a child whose main thread takes locks and then one of them twice: a self-deadlock,
 * so that a look goes into detail.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/look.h"

static pthread_mutex_t stuck = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t normal = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t never, released = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t recursive, errorcheck, adaptive, pi, robust, robust_pi, with_cond;
static pthread_rwlock_t written = PTHREAD_RWLOCK_INITIALIZER;
static pthread_rwlock_t read_only = PTHREAD_RWLOCK_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static pthread_mutex_t *in_heap, *in_shared;

static struct stage {
	pid_t main, other;
	u64 shared_address;
} * stage;

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	_exit(1);
}

#define MUST(call) must(call, #call)

static void init(pthread_mutex_t *m, int type, int protocol, int robustness, int shared)
{
	pthread_mutexattr_t a;

	MUST(pthread_mutexattr_init(&a));
	MUST(pthread_mutexattr_settype(&a, type));
	MUST(pthread_mutexattr_setprotocol(&a, protocol));
	MUST(pthread_mutexattr_setrobust(&a, robustness));
	MUST(pthread_mutexattr_setpshared(&a, shared));
	MUST(pthread_mutex_init(m, &a));
}

static bool asleep_in(pid_t tgid, pid_t tid, int sysno)
{
	char path[64], line[256];
	int nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", tgid, tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f) || sscanf(line, "%d", &nr) != 1)
		nr = -1;
	fclose(f);
	return nr == sysno;
}

static void *wait_for_cond(void *arg)
{
	MUST(pthread_mutex_lock(&with_cond));
	__atomic_store_n(&stage->other, gettid(), __ATOMIC_RELEASE);
	MUST(pthread_cond_wait(&cond, &with_cond));
	return arg;
}

/*
 * A likeness of a held mutex where a function has returned from: below the stack pointer of whoever
 * calls it.
 */
static __attribute__((noinline)) void leave_behind(void)
{
	volatile char deep[16384];
	volatile pthread_mutex_t copy;

	memset((void *)deep, 0, sizeof(deep));
	memcpy((void *)&copy, &normal, sizeof(copy));
	memcpy((void *)(deep + 64), &normal, sizeof(copy));
	__asm__ volatile("" ::"r"(&copy), "r"(deep)
			 : "memory");
}

static __attribute__((noinline)) void get_stuck(void)
{
	/* Not this function's frame either, which may cover what was left. */
	MUST(pthread_mutex_lock(&stuck));
	stage->main = gettid();
	MUST(pthread_mutex_lock(&stuck));
}

static void hold_everything(void)
{
	pthread_t t;

	init(&recursive, PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, 0);
	init(&errorcheck, PTHREAD_MUTEX_ERRORCHECK, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, 0);
	init(&adaptive, PTHREAD_MUTEX_ADAPTIVE_NP, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, 0);
	init(&pi, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED, 0);
	init(&robust, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_ROBUST, 0);
	init(&robust_pi, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_ROBUST, 0);
	MUST(pthread_mutex_init(&with_cond, NULL));
	in_heap = malloc(sizeof(*in_heap));
	MUST(pthread_mutex_init(in_heap, NULL));
	in_shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	init(in_shared, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED, 1);
	stage->shared_address = (u64)in_shared;

	/* Nobody waits for it, but it has a second user. */
	MUST(pthread_create(&t, NULL, wait_for_cond, NULL));
	while (!__atomic_load_n(&stage->other, __ATOMIC_ACQUIRE) ||
	       !asleep_in(getpid(), stage->other, __NR_futex))
		usleep(200);
	MUST(pthread_mutex_lock(&with_cond));

	MUST(pthread_mutex_lock(&normal));
	for (int i = 0; i < 3; i++)
		MUST(pthread_mutex_lock(&recursive));
	MUST(pthread_mutex_lock(&errorcheck));
	MUST(pthread_mutex_lock(&adaptive));
	MUST(pthread_mutex_lock(&pi));
	MUST(pthread_mutex_lock(&robust));
	MUST(pthread_mutex_lock(&robust_pi));
	MUST(pthread_mutex_lock(in_heap));
	MUST(pthread_mutex_lock(in_shared));
	MUST(pthread_rwlock_wrlock(&written));
	MUST(pthread_rwlock_rdlock(&read_only));
	MUST(pthread_mutex_lock(&released));
	MUST(pthread_mutex_unlock(&released));
	leave_behind();
	get_stuck();
}

/* 512 MiB that were never touched, and 16 that were, with one lock at the very end. */
static void hold_in_much_memory(void)
{
	size_t much = 512 << 20, some = 16 << 20;
	char *m = mmap(NULL, much, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (m == MAP_FAILED)
		_exit(1);
	/* No pages larger than those touched. */
	madvise(m, much, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < some; i += sizeof(long))
		*(long *)(m + i) = (long)i;
	in_heap = (void *)(m + some - sizeof(*in_heap));
	stage->shared_address = (u64)in_heap;
	MUST(pthread_mutex_init(in_heap, NULL));
	MUST(pthread_mutex_lock(in_heap));
	get_stuck();
}

/* A list that leads nowhere and one that leads round: the kernel and we must both survive it. */
static void circular_list(void)
{
	static struct {
		u64 next, offset, pending;
	} head;
	static u64 links[2];

	links[0] = (u64)&links[1];
	links[1] = (u64)&links[0];
	head.next = (u64)&links[0];
	head.offset = 8;
	MUST(-(int)syscall(SYS_set_robust_list, &head, sizeof(head)));
	MUST(pthread_mutex_lock(&normal));
	get_stuck();
}

static void wild_list(void)
{
	static struct {
		u64 next, offset, pending;
	} head = { .next = 0xdead000000000001ull, .offset = ~0ull };

	MUST(-(int)syscall(SYS_set_robust_list, &head, sizeof(head)));
	MUST(pthread_mutex_lock(&normal));
	get_stuck();
}

FIXTURE(held)
{
	pid_t child;
	struct look *look;
	const struct lab_picture *p;
	const struct lab_task *main;
	struct look_progress progress;
	long resident_before, resident_after;
};

FIXTURE_VARIANT(held)
{
	enum look_source source;
};

FIXTURE_VARIANT_ADD(held, bpf){ .source = LOOK_BPF };
FIXTURE_VARIANT_ADD(held, proc){ .source = LOOK_PROC };

FIXTURE_SETUP(held)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, stage);
}

FIXTURE_TEARDOWN(held)
{
	if (self->child > 0) {
		kill(self->child, SIGKILL);
		waitpid(self->child, NULL, 0);
	}
	look_close(self->look);
	munmap(stage, sizeof(*stage));
}

static long resident(pid_t pid)
{
	char path[64];
	long pages = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	f = fopen(path, "r");
	if (f && fscanf(f, "%*d %ld", &pages) != 1)
		pages = -1;
	if (f)
		fclose(f);
	return pages;
}

static void look_at(struct __test_metadata *_metadata, FIXTURE_DATA(held) * self,
		    const FIXTURE_VARIANT(held) * variant, void (*play)(void))
{
	struct look_options options = { .nr_tgids = 1,
					.held = true,
					.source = variant->source,
					.progress = &self->progress };
	char why[256] = "";
	u32 tgid;

	self->child = fork();
	ASSERT_LE(0, self->child);
	if (!self->child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		play();
		_exit(1);
	}
	while (!stage->main || !asleep_in(self->child, stage->main, __NR_futex)) {
		ASSERT_EQ(0, waitpid(self->child, NULL, WNOHANG));
		usleep(200);
	}
	tgid = (u32)self->child;
	options.tgids = &tgid;
	self->look = look_open(&options, why, sizeof(why));
	ASSERT_NE(NULL, self->look)
	TH_LOG("%s", why);
	self->resident_before = resident(self->child);
	ASSERT_EQ(0, look_once(self->look, &self->p, why, sizeof(why)))
	TH_LOG("%s", why);
	self->resident_after = resident(self->child);
	ASSERT_LE(1, self->p->nr_findings);
	for (u32 i = 0; i < self->p->nr_tasks; i++)
		if (self->p->tasks[i].tid == (u32)stage->main)
			self->main = &self->p->tasks[i];
	ASSERT_NE(NULL, self->main);
}

static const struct lab_hold *hold_of(FIXTURE_DATA(held) * self, const void *address)
{
	for (u32 i = 0; i < self->main->nr_holds; i++) {
		const struct lab_hold *h = &self->p->holds[self->main->first_hold + i];

		if (self->p->locks[h->lock].address == (u64)address)
			return h;
	}
	return NULL;
}

static void expect(struct __test_metadata *_metadata, FIXTURE_DATA(held) * self, const void *lock,
		   const char *name, u32 attrs, u32 depth, enum lab_hold_source source)
{
	const struct lab_hold *h = hold_of(self, lock);
	const struct lab_lock *l;

	EXPECT_NE(NULL, h)
	TH_LOG("%s is not held", name);
	if (!h)
		return;
	l = &self->p->locks[h->lock];
	EXPECT_EQ(LAB_MUTEX, l->kind)
	TH_LOG("%s", name);
	EXPECT_EQ(attrs, l->attrs)
	TH_LOG("%s", name);
	EXPECT_EQ(depth, h->depth)
	TH_LOG("%s", name);
	EXPECT_EQ(source, h->source)
	TH_LOG("%s", name);
	EXPECT_EQ(LAB_EXCLUSIVE, h->access);
	EXPECT_EQ(0, l->nr_waits)
	TH_LOG("%s", name);
}

TEST_F(held, finds_all_that_is_held_and_nothing_else)
{
	const struct lab_hold *h;
	u32 nr_shared = 0;

	look_at(_metadata, self, variant, hold_everything);
	expect(_metadata, self, &normal, "normal", 0, 1, LAB_HOLD_SCAN);
	expect(_metadata, self, &recursive, "recursive", LAB_RECURSIVE, 3, LAB_HOLD_SCAN);
	expect(_metadata, self, &errorcheck, "errorcheck", LAB_ERRORCHECK, 1, LAB_HOLD_SCAN);
	expect(_metadata, self, &adaptive, "adaptive", LAB_ADAPTIVE, 1, LAB_HOLD_SCAN);
	expect(_metadata, self, &pi, "pi", LAB_PI, 1, LAB_HOLD_SCAN);
	expect(_metadata, self, &robust, "robust", LAB_ROBUST, 1, LAB_HOLD_ROBUST);
	expect(_metadata, self, &robust_pi, "robust_pi", LAB_ROBUST | LAB_PI, 1, LAB_HOLD_ROBUST);
	expect(_metadata, self, &with_cond, "with_cond", 0, 1, LAB_HOLD_SCAN);
	h = hold_of(self, &written);
	ASSERT_NE(NULL, h);
	EXPECT_EQ(LAB_RWLOCK, self->p->locks[h->lock].kind);
	/* The one it is stuck at is known from its own wait. */
	h = hold_of(self, &stuck);
	ASSERT_NE(NULL, h);
	EXPECT_EQ(LAB_HOLD_OWNER, h->source);
	for (u32 i = 0; i < self->main->nr_holds; i++) {
		h = &self->p->holds[self->main->first_hold + i];
		nr_shared += self->p->locks[h->lock].space == LAB_SPACE_INODE;
	}
	EXPECT_EQ(1, nr_shared);

	EXPECT_EQ(NULL, hold_of(self, &never));
	EXPECT_EQ(NULL, hold_of(self, &released));
	/* Readers leave no name. */
	EXPECT_EQ(NULL, hold_of(self, &read_only));
	/*
	 * Eight mutexes, one in the heap, one shared, the rwlock, the one it is stuck at: no
	 * likeness on the stack.
	 */
	EXPECT_EQ(12, self->main->nr_holds);
	for (u32 i = 0; i < self->p->nr_tasks; i++)
		if (self->p->tasks[i].tid == (u32)stage->other)
			EXPECT_EQ(0, self->p->tasks[i].nr_holds);
}

TEST_F(held, reads_much_memory_without_touching_more)
{
	const struct look_timing *timing;

	look_at(_metadata, self, variant, hold_in_much_memory);
	EXPECT_NE(NULL, hold_of(self, (void *)stage->shared_address));
	/* In pages: the 128 thousand that were never touched are still not there. */
	EXPECT_GT(64, labs(self->resident_after - self->resident_before));
	timing = look_timing(self->look);
	TH_LOG("16 MiB scanned in %.1f ms", (double)timing->held_ns / 1e6);
}

TEST_F(held, survives_a_circular_list)
{
	look_at(_metadata, self, variant, circular_list);
	EXPECT_NE(NULL, hold_of(self, &normal));
}

TEST_F(held, survives_a_wild_list)
{
	look_at(_metadata, self, variant, wild_list);
	EXPECT_NE(NULL, hold_of(self, &normal));
}

TEST_HARNESS_MAIN
