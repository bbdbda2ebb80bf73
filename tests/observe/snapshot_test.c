// SPDX-License-Identifier: GPL-2.0
/*
 * snapshot_test - both sources of snapshots say the same, and say what is so
 *
 * suite: timeout=180 live
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/memory.h"
#include "observe/snapshot.h"
#include "subject.h"

#define PAGE   4096
#define NOBODY 65534

static struct look_progress progress;

FIXTURE(snapshot)
{
	struct subject target;
	struct snapshotter *snapshotter;
	struct snapshot s;
};

FIXTURE_VARIANT(snapshot)
{
	enum snapshot_source source;
};

FIXTURE_VARIANT_ADD(snapshot, bpf){
	.source = SNAPSHOT_BPF,
};

FIXTURE_VARIANT_ADD(snapshot, proc){
	.source = SNAPSHOT_PROC,
};

FIXTURE_SETUP(snapshot)
{
	memset(&progress, 0, sizeof(progress));
	if (variant->source == SNAPSHOT_BPF && geteuid())
		SKIP(return, "BPF needs root");
}

FIXTURE_TEARDOWN(snapshot)
{
	snapshotter_close(self->snapshotter);
	snapshot_free(&self->s);
	subject_stop(&self->target);
}

/* A pass over the target, and the record of one of its threads (0: the one that the page names). */
static const struct lab_task_record *look(FIXTURE_DATA(snapshot) * self,
					  enum snapshot_source source, u32 tid)
{
	char why[256] = "";

	if (!self->snapshotter)
		self->snapshotter = snapshotter_open(source, (u32)self->target.pid, &progress, why,
						     sizeof(why));
	if (!self->snapshotter) {
		printf("# %s\n", why);
		return NULL;
	}
	if (snapshotter_take(self->snapshotter, &self->s))
		return NULL;
	return snapshot_find(&self->s, tid ? tid : self->target.page->tid);
}

static void sleeps_in_shared_memory(struct subject_page *page)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < PAGE; i++)
		map[i] = (char)i;
	*(u32 *)(map + 1024) = 77;
	sleep_on(page, map + 1024, FUTEX_WAIT, 77);
}

TEST_F(snapshot, a_futex_wait_comes_with_its_window_and_mapping)
{
	const struct lab_task_record *r;
	const struct mapping *mapping;
	struct memory *m;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_shared_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(self->target.pid, r->tgid);
	EXPECT_EQ(getpid(), r->ppid);
	EXPECT_EQ('S', r->state);
	EXPECT_EQ(SYS_futex, r->syscall);
	EXPECT_EQ(self->target.page->address, r->args[0]);
	EXPECT_EQ(FUTEX_WAIT, r->args[1]);
	EXPECT_EQ(77, r->args[2]);
	EXPECT_EQ(LAB_TASK_BEFORE | LAB_TASK_AFTER | LAB_TASK_VMA | LAB_TASK_VMA_SHARED,
		  r->flags &
			  (LAB_TASK_BEFORE | LAB_TASK_AFTER | LAB_TASK_VMA | LAB_TASK_VMA_SHARED |
			   LAB_TASK_COMPAT | LAB_TASK_KTHREAD | LAB_TASK_ON_CPU | LAB_TASK_SIGNAL |
			   LAB_TASK_PTRACED | LAB_TASK_EXITED));
	EXPECT_EQ(LAB_WINDOW_AFTER, r->after_len);
	EXPECT_EQ(77, *(u32 *)(r->window + LAB_WINDOW_BEFORE));
	for (int i = 0; i < LAB_WINDOW_BEFORE; i++)
		ASSERT_EQ((u8)(1024 - LAB_WINDOW_BEFORE + i), r->window[i]);
	for (int i = 4; i < LAB_WINDOW_AFTER; i++)
		ASSERT_EQ((u8)(1024 + i), r->window[LAB_WINDOW_BEFORE + i]);
	EXPECT_NE(0, r->regs[LAB_REG_SP]);
	EXPECT_NE(0, r->regs[LAB_REG_IP]);

	m = memory_open(r->tgid, &progress);
	mapping = memory_mapping_at(m, r->args[0]);
	ASSERT_NE(NULL, mapping);
	EXPECT_EQ(mapping->start, r->vma_start);
	EXPECT_EQ(mapping->ino, r->vma_ino);
	EXPECT_EQ(mapping->dev, r->vma_dev);
	EXPECT_EQ(mapping->pgoff, r->vma_pgoff);
	EXPECT_NE(0, r->vma_ino);
	memory_close(m);
}

static void sleeps_in_a_file(struct subject_page *page)
{
	char name[] = "/tmp/locklab-test-XXXXXX";
	int fd = mkstemp(name);
	char *map;
	struct stat st;

	unlink(name);
	if (fd < 0 || ftruncate(fd, 3 * PAGE) || fstat(fd, &st))
		return;
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	page->second = st.st_ino;
	page->count = (u32)st.st_dev;
	sleep_on(page, map + 512, FUTEX_WAIT, 0);
}

TEST_F(snapshot, a_shared_file_is_named_as_stat_names_it)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_a_file));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(self->target.page->second, r->vma_ino);
	EXPECT_EQ(self->target.page->count, r->vma_dev);
	EXPECT_EQ(2 * PAGE, r->vma_pgoff);
	EXPECT_TRUE(r->flags & LAB_TASK_VMA_SHARED);
	EXPECT_TRUE(r->flags & LAB_TASK_AFTER);
}

static void sleeps_in_private_memory(struct subject_page *page)
{
	static u32 word = 5;

	sleep_on(page, &word, FUTEX_WAIT_PRIVATE, 5);
}

TEST_F(snapshot, private_memory_is_not_shared)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_private_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_TRUE(r->flags & LAB_TASK_VMA);
	EXPECT_FALSE(r->flags & LAB_TASK_VMA_SHARED);
	EXPECT_EQ(5, *(u32 *)(r->window + LAB_WINDOW_BEFORE));
}

static void sleeps_at_the_end_of_memory(struct subject_page *page)
{
	char *map =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(map + PAGE, PAGE);
	*(u32 *)(map + PAGE - 4) = 9;
	sleep_on(page, map + PAGE - 4, FUTEX_WAIT_PRIVATE, 9);
}

TEST_F(snapshot, the_window_ends_with_the_mapping)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_at_the_end_of_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(4, r->after_len);
	EXPECT_EQ(9, *(u32 *)(r->window + LAB_WINDOW_BEFORE));
	EXPECT_TRUE(r->flags & LAB_TASK_BEFORE);
}

static void sleeps_at_the_beginning_of_memory(struct subject_page *page)
{
	char *map =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(map, PAGE);
	sleep_on(page, map + PAGE + 8, FUTEX_WAIT_PRIVATE, 0);
}

TEST_F(snapshot, the_window_begins_with_the_mapping)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_at_the_beginning_of_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(LAB_WINDOW_AFTER, r->after_len);
	EXPECT_FALSE(r->flags & LAB_TASK_BEFORE);
}

/* Whoever touches @map's page at @at waits for a server that never answers. */
static void never_serve(struct subject_page *page, char *map, size_t at)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { .start = (u64)(map + at), .len = PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range)) {
		page->lacks = 1;
		page->tid = own_tid();
		for (;;)
			pause();
	}
}

static void has_a_neighbour_that_is_never_served(struct subject_page *page)
{
	char *map =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	map[0] = 1;
	never_serve(page, map, PAGE);
	page->second = (u64)(map + PAGE);
	sleep_on(page, map + PAGE - 24, FUTEX_WAIT_PRIVATE, 0);
}

TEST_F(snapshot, a_page_that_is_never_served_does_not_stop_the_look)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, has_a_neighbour_that_is_never_served));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, -1));
	if (self->target.page->lacks)
		SKIP(return, "no userfaultfd here");
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_TRUE(r->flags & LAB_TASK_BEFORE);
	EXPECT_TRUE(r->flags & LAB_TASK_AFTER);
	EXPECT_EQ(24, r->after_len);
}

static void *sleeper(void *page)
{
	sleep_on(page, (void *)((struct subject_page *)page)->second, FUTEX_WAIT_PRIVATE, 0);
	return NULL;
}

static void loses_its_word_to_a_server_that_never_answers(struct subject_page *page)
{
	char *map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;

	/* The word must be there when somebody goes to sleep on it. */
	map[0] = 1;
	page->second = (u64)map + 64;
	pthread_create(&thread, NULL, sleeper, page);
	while (!__atomic_load_n(&page->tid, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	await_asleep(page->tid, SYS_futex);
	never_serve(page, map, 0);
	madvise(map, PAGE, MADV_DONTNEED);
	for (;;)
		pause();
}

TEST_F(snapshot, memory_that_is_never_served_can_not_be_read)
{
	const struct lab_task_record *r;
	struct memory *m;
	char byte;

	ASSERT_EQ(0, subject_start(&self->target, loses_its_word_to_a_server_that_never_answers));
	ASSERT_TRUE(subject_await_sleep(&self->target, (u32)self->target.pid, SYS_pause));
	if (self->target.page->lacks)
		SKIP(return, "no userfaultfd here");
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(SYS_futex, r->syscall);
	EXPECT_FALSE(r->flags & (LAB_TASK_BEFORE | LAB_TASK_AFTER));
	EXPECT_EQ(0, r->after_len);
	m = memory_open((u32)self->target.pid, &progress);
	EXPECT_EQ(-EFAULT, memory_read(m, self->target.page->second, &byte, 1));
	memory_close(m);
}

static void has_a_neighbour_that_was_never_touched(struct subject_page *page)
{
	char *map =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	map[0] = 1;
	sleep_on(page, map + PAGE - 24, FUTEX_WAIT_PRIVATE, 0);
}

TEST_F(snapshot, a_page_never_touched_reads_as_zeros)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, has_a_neighbour_that_was_never_touched));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(LAB_WINDOW_AFTER, r->after_len);
}

static void has_an_odd_name(struct subject_page *page)
{
	prctl(PR_SET_NAME, "a) S 1 (\n\033[2J");
	sleep_on(page, &page->word, FUTEX_WAIT, 0);
}

TEST_F(snapshot, a_name_may_be_anything)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, has_an_odd_name));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_STREQ("a) S 1 (\n\033[2J", r->comm);
	EXPECT_EQ('S', r->state);
}

static void lives_in_a_namespace(struct subject_page *page)
{
	pid_t inner;

	if (unshare(CLONE_NEWPID)) {
		page->lacks = 1;
	} else {
		inner = fork();
		if (!inner) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			page->count = own_tid();
			futex(&page->word, FUTEX_WAIT, 0);
			_exit(0);
		}
		page->other_tid = (u32)inner;
	}
	page->tid = own_tid();
	for (;;)
		pause();
}

TEST_F(snapshot, a_thread_has_its_own_number_in_its_own_namespace)
{
	const struct lab_task_record *r;
	struct stat ns;
	char path[64];
	char why[256];
	pid_t pid;

	ASSERT_EQ(0, subject_start(&self->target, lives_in_a_namespace));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_pause));
	if (self->target.page->lacks)
		SKIP(return, "no right to make a PID namespace");
	/* Its number as we see it. */
	pid = (pid_t)self->target.page->other_tid;
	while (!subject_is_asleep(pid, (u32)pid, SYS_futex))
		poll(NULL, 0, 1);
	self->snapshotter =
		snapshotter_open(variant->source, (u32)pid, &progress, why, sizeof(why));
	ASSERT_NE(NULL, self->snapshotter);
	r = look(self, variant->source, (u32)pid);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(pid, r->tid);
	EXPECT_EQ(pid, r->tgid);
	EXPECT_EQ(1, r->ns_tid);
	EXPECT_EQ(1, r->ns_tgid);
	EXPECT_EQ(self->target.pid, r->ppid);
	snprintf(path, sizeof(path), "/proc/%d/ns/pid", pid);
	ASSERT_EQ(0, stat(path, &ns));
	EXPECT_EQ(ns.st_ino, r->ns);
	kill(pid, SIGKILL);
}

static void ends(struct subject_page *page)
{
}

TEST_F(snapshot, a_zombie_is_one)
{
	const struct lab_task_record *r;
	siginfo_t info;

	ASSERT_EQ(0, subject_start(&self->target, ends));
	ASSERT_EQ(0, waitid(P_PID, (id_t)self->target.pid, &info, WEXITED | WNOWAIT));
	r = look(self, variant->source, (u32)self->target.pid);
	ASSERT_NE(NULL, r);
	EXPECT_EQ('Z', r->state);
	EXPECT_TRUE(r->flags & LAB_TASK_EXITED);
	EXPECT_EQ(-1, r->syscall);
}

static void runs_for_ever(struct subject_page *page)
{
	page->tid = own_tid();
	for (;;)
		__asm__ volatile("" ::
					 : "memory");
}

TEST_F(snapshot, a_running_thread_is_in_no_system_call)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, runs_for_ever));
	while (!__atomic_load_n(&self->target.page->tid, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ('R', r->state);
	EXPECT_EQ(-1, r->syscall);
	EXPECT_FALSE(r->flags & LAB_TASK_AFTER);
}

TEST_F(snapshot, a_stopped_thread_is_stopped)
{
	const struct lab_task_record *r;
	siginfo_t info;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_private_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	kill(self->target.pid, SIGSTOP);
	ASSERT_EQ(0, waitid(P_PID, (id_t)self->target.pid, &info, WSTOPPED));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ('T', r->state);
	kill(self->target.pid, SIGCONT);
}

TEST_F(snapshot, a_traced_thread_says_so)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_private_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_FALSE(r->flags & LAB_TASK_PTRACED);
	ASSERT_EQ(0, ptrace(PTRACE_SEIZE, self->target.pid, 0, 0));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_TRUE(r->flags & LAB_TASK_PTRACED);
}

static void on_signal(int nr)
{
}

static void has_signals(struct subject_page *page)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGUSR1);
	while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE)) {
		page->tid = own_tid();
		futex(&page->go, FUTEX_WAIT, 0);
	}
	signal(SIGUSR2, on_signal);
	page->other_tid = own_tid();
	sleep_on(page, &page->word, FUTEX_WAIT, 0);
}

TEST_F(snapshot, a_blocked_signal_is_not_pending_and_a_handler_is_a_handler)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, has_signals));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_FALSE(r->flags & LAB_TASK_SIGNAL);
	EXPECT_FALSE(r->flags & LAB_TASK_SIGCAUGHT);
	__atomic_store_n(&self->target.page->go, 1, __ATOMIC_RELEASE);
	futex(&self->target.page->go, FUTEX_WAKE, 1);
	while (!__atomic_load_n(&self->target.page->other_tid, __ATOMIC_ACQUIRE))
		poll(NULL, 0, 1);
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_TRUE(r->flags & LAB_TASK_SIGCAUGHT);
}

static void has_a_ring(struct subject_page *page)
{
	struct io_uring_params params = { 0 };

	if (syscall(SYS_io_uring_setup, 4, &params) < 0)
		page->lacks = 1;
	sleep_on(page, &page->word, FUTEX_WAIT, 0);
}

TEST_F(snapshot, an_io_uring_is_seen)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, has_a_ring));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	if (self->target.page->lacks)
		SKIP(return, "no io_uring here");
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_TRUE(r->flags & LAB_TASK_IO_URING);
}

TEST_F(snapshot, how_long_it_sleeps_keeps_pace_with_the_clock)
{
	const s64 slack = 50000000; /* two clocks that are a tick old each, on a machine where ticks
				       come late */
	const struct lab_task_record *r;
	u64 first, then, now;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_private_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	if (!r->off_cpu_ns)
		SKIP(return, "/proc does not say since when a thread sleeps");
	first = r->off_cpu_ns;
	then = clock_ns();
	EXPECT_GE(slack, (s64)(first - (then - self->target.page->when_ns)));
	while ((now = clock_ns()) - then < 300000000)
		poll(NULL, 0, 10);
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	now = clock_ns();
	EXPECT_GE(slack, llabs((s64)(r->off_cpu_ns - first) - (s64)(now - then)));
	EXPECT_EQ('S', r->state);
}

#define NR_SLEEPERS 300

static void *one_of_many(void *page)
{
	__atomic_fetch_add(&((struct subject_page *)page)->count, 1, __ATOMIC_ACQ_REL);
	for (;;)
		futex(&((struct subject_page *)page)->word, FUTEX_WAIT, 0);
	return NULL;
}

static void has_many_threads(struct subject_page *page)
{
	pthread_t thread;

	for (int i = 0; i < NR_SLEEPERS; i++)
		pthread_create(&thread, NULL, one_of_many, page);
	while (__atomic_load_n(&page->count, __ATOMIC_ACQUIRE) < NR_SLEEPERS)
		sched_yield();
	page->tid = own_tid();
	for (;;)
		pause();
}

TEST_F(snapshot, every_thread_is_there_once_in_order_and_is_found)
{
	ASSERT_EQ(0, subject_start(&self->target, has_many_threads));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_pause));
	ASSERT_NE(NULL, look(self, variant->source, 0));
	EXPECT_EQ(NR_SLEEPERS + 1, self->s.nr);
	for (u32 i = 0; i < self->s.nr; i++) {
		EXPECT_EQ(self->target.pid, self->s.records[i].tgid);
		EXPECT_EQ(&self->s.records[i], snapshot_find(&self->s, self->s.records[i].tid));
		if (i)
			EXPECT_LT(self->s.records[i - 1].tid, self->s.records[i].tid);
	}
	EXPECT_EQ(NULL, snapshot_find(&self->s, 0));
	EXPECT_EQ(NULL, snapshot_find(&self->s, 0x7fffffff));
	EXPECT_FALSE(self->s.whole);
}

static void *short_lived(void *page)
{
	return NULL;
}

static void *breeder(void *page)
{
	pthread_t thread;

	for (;;)
		if (!pthread_create(&thread, NULL, short_lived, page))
			pthread_join(thread, NULL);
	return NULL;
}

static void breeds_threads(struct subject_page *page)
{
	pthread_t thread;

	for (int i = 0; i < 4; i++)
		pthread_create(&thread, NULL, breeder, page);
	pthread_create(&thread, NULL, one_of_many, page);
	sleep_on(page, &page->word, FUTEX_WAIT, 0);
}

TEST_F(snapshot, threads_that_come_and_go_hide_none_that_stays)
{
	const u64 limit_ns = 5000000000ull;
	u64 begin = clock_ns();

	ASSERT_EQ(0, subject_start(&self->target, breeds_threads));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	/*
	 * As often as a slow machine can in good time, but never so few times that it proves
	 * nothing.
	 */
	for (int i = 0; i < 20 || (i < 300 && clock_ns() - begin < limit_ns); i++)
		ASSERT_NE(NULL, look(self, variant->source, 0));
}

TEST_F(snapshot, a_process_to_be_left_alone_is_left_alone)
{
	const struct lab_task_record *r;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_private_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	progress.skip[0] = 1;
	progress.skip[1] = (u32)self->target.pid;
	progress.nr_skip = 2;
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(SYS_futex, r->syscall);
	EXPECT_FALSE(r->flags & (LAB_TASK_BEFORE | LAB_TASK_AFTER));
}

TEST_F(snapshot, the_whole_system_has_us_in_it)
{
	const struct lab_task_record *r;
	char why[256];

	self->snapshotter = snapshotter_open(variant->source, 0, &progress, why, sizeof(why));
	ASSERT_NE(NULL, self->snapshotter);
	r = look(self, variant->source, own_tid());
	ASSERT_NE(NULL, r);
	EXPECT_EQ(getpid(), r->tgid);
	EXPECT_EQ('R', r->state);
	EXPECT_TRUE(self->s.whole);
	EXPECT_EQ(0, snapshotter_suspect(&progress));
}

TEST_F(snapshot, looking_does_not_make_the_target_run)
{
	const struct lab_task_record *r;
	u64 switches;

	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_private_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	r = look(self, variant->source, 0);
	ASSERT_NE(NULL, r);
	switches = r->switches;
	for (int i = 0; i < 100; i++) {
		r = look(self, variant->source, 0);
		ASSERT_NE(NULL, r);
		ASSERT_EQ(switches, r->switches);
		ASSERT_EQ('S', r->state);
	}
}

TEST_F(snapshot, who_is_not_there_is_not_looked_at)
{
	char why[256] = "";
	struct subject t;

	ASSERT_EQ(0, subject_start(&t, ends));
	waitpid(t.pid, NULL, 0);
	EXPECT_EQ(NULL, snapshotter_open(variant->source, (u32)t.pid, &progress, why, sizeof(why)));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_NE('\0', why[0]);
	t.pid = 0;
	subject_stop(&t);
}

/* Without privilege: BPF says what it lacks, /proc marks what it may not see. */
TEST_F(snapshot, without_privilege_it_says_so)
{
	char why[256] = "";
	int status;
	pid_t pid;

	if (geteuid())
		SKIP(return, "needs root to give privilege up");
	ASSERT_EQ(0, subject_start(&self->target, sleeps_in_private_memory));
	ASSERT_TRUE(subject_await_sleep(&self->target, 0, SYS_futex));
	/* In a process of its own: who gave its privilege up can not end root's children. */
	fflush(NULL);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		const struct lab_task_record *r;

		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(100);
		if (variant->source == SNAPSHOT_BPF) {
			if (snapshotter_open(SNAPSHOT_BPF, 0, &progress, why, sizeof(why)) ||
			    errno != EPERM)
				_exit(1);
			_exit(strstr(why, "root") && !strchr(why, '\n') ? 0 : 2);
		}
		r = look(self, variant->source, 0);
		_exit(r && r->flags & LAB_TASK_UNREADABLE && r->syscall == -1 && r->state == 'S'
			      ? 0
			      : 3);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
}

TEST_HARNESS_MAIN
