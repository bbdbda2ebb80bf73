// SPDX-License-Identifier: GPL-2.0
/*
 * futex_live_test - every lock of this machine's libc, with somebody really asleep on it, is
 * recognised from outside
 *
 * suite: live timeout=300
 *
 * Each scene is a child that takes a lock in its main thread and lets one more thread go to sleep
 * on it. The test waits until /proc says that thread sleeps in a futex call, and then looks: with
 * BPF and from /proc alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/look.h"

#define HOURS 3

/* What child and test both see; in the child's memory it is one more shared mapping. */
struct stage {
	pid_t holder, waiter; /* 0: no such thread */
	pid_t second; /* another one that has to be asleep first */
	u64 lock; /* address in the child */
	int lacks; /* the machine lacks something */
	union {
		pthread_mutex_t mutex;
		pthread_rwlock_t rwlock;
		pthread_cond_t cond;
		pthread_barrier_t barrier;
		sem_t sem;
		u32 word;
	} shared;
};

static struct stage *stage;

static struct {
	/* As in most programs, locks have neighbours. */
	u64 before[8];
	pthread_mutex_t mutex, other;
	pthread_rwlock_t rwlock;
	pthread_cond_t cond;
	pthread_barrier_t barrier;
	sem_t sem;
	pthread_once_t once;
	u32 word;
	u64 after[8];
} my = { .once = PTHREAD_ONCE_INIT };

static void must(int err, const char *what)
{
	if (!err)
		return;
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	_exit(1);
}

#define MUST(call) must(call, #call)

static struct timespec in_hours(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += HOURS * 3600;
	return t;
}

static bool asleep_in(pid_t tgid, pid_t tid, int sysno)
{
	char path[64], line[256], state = 0;
	int nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", tgid, tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f) || sscanf(line, "%d", &nr) != 1)
		nr = -1;
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", tgid, tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return nr == sysno && state == 'S';
}

static void wait_asleep(pid_t tgid, pid_t *tid, int sysno)
{
	while (!__atomic_load_n(tid, __ATOMIC_ACQUIRE) || !asleep_in(tgid, *tid, sysno))
		usleep(200);
}

static void *as_waiter(void *arg)
{
	void (*wait)(void) = arg;

	__atomic_store_n(&stage->waiter, gettid(), __ATOMIC_RELEASE);
	wait();
	return NULL;
}

static void *as_second(void *arg)
{
	void (*wait)(void) = arg;

	__atomic_store_n(&stage->second, gettid(), __ATOMIC_RELEASE);
	wait();
	return NULL;
}

static void start(void *(*role)(void *), void (*wait)(void))
{
	pthread_t t;

	MUST(pthread_create(&t, NULL, role, wait));
}

/* ---- mutexes */

static pthread_mutex_t *the_mutex = &my.mutex;

static void init_mutex(pthread_mutex_t *m, int type, int protocol, int robust, int shared)
{
	pthread_mutexattr_t a;

	MUST(pthread_mutexattr_init(&a));
	MUST(pthread_mutexattr_settype(&a, type));
	MUST(pthread_mutexattr_setprotocol(&a, protocol));
	MUST(pthread_mutexattr_setrobust(&a, robust));
	MUST(pthread_mutexattr_setpshared(&a, shared));
	MUST(pthread_mutex_init(m, &a));
}

static void lock_mutex(void)
{
	MUST(pthread_mutex_lock(the_mutex));
}

static void timedlock_mutex(void)
{
	struct timespec t = in_hours(CLOCK_REALTIME);

	MUST(pthread_mutex_timedlock(the_mutex, &t));
}

static void clocklock_mutex(void)
{
	struct timespec t = in_hours(CLOCK_MONOTONIC);

	MUST(pthread_mutex_clocklock(the_mutex, CLOCK_MONOTONIC, &t));
}

static void hold_mutex(int type, int protocol, int robust, int shared, void (*wait)(void))
{
	if (shared == PTHREAD_PROCESS_SHARED)
		the_mutex = &stage->shared.mutex;
	stage->lock = (u64)the_mutex;
	stage->holder = gettid();
	init_mutex(the_mutex, type, protocol, robust, shared);
	lock_mutex();
	start(as_waiter, wait);
}

#define MUTEX_SCENE(name, type, protocol, robust, shared, wait)                                   \
	static void name(void)                                                                    \
	{                                                                                         \
		hold_mutex(PTHREAD_MUTEX_##type, PTHREAD_PRIO_##protocol, PTHREAD_MUTEX_##robust, \
			   PTHREAD_PROCESS_##shared, wait);                                       \
	}

MUTEX_SCENE(mutex_normal, NORMAL, NONE, STALLED, PRIVATE, lock_mutex)
MUTEX_SCENE(mutex_errorcheck, ERRORCHECK, NONE, STALLED, PRIVATE, lock_mutex)
MUTEX_SCENE(mutex_adaptive, ADAPTIVE_NP, NONE, STALLED, PRIVATE, lock_mutex)
MUTEX_SCENE(mutex_pi, NORMAL, INHERIT, STALLED, PRIVATE, lock_mutex)
MUTEX_SCENE(mutex_pi_recursive, RECURSIVE, INHERIT, STALLED, PRIVATE, lock_mutex)
MUTEX_SCENE(mutex_pi_timed, NORMAL, INHERIT, STALLED, PRIVATE, timedlock_mutex)
MUTEX_SCENE(mutex_pi_clock, NORMAL, INHERIT, STALLED, PRIVATE, clocklock_mutex)
MUTEX_SCENE(mutex_robust, NORMAL, NONE, ROBUST, PRIVATE, lock_mutex)
MUTEX_SCENE(mutex_robust_timed, NORMAL, NONE, ROBUST, PRIVATE, timedlock_mutex)
MUTEX_SCENE(mutex_robust_pi, NORMAL, INHERIT, ROBUST, PRIVATE, lock_mutex)
MUTEX_SCENE(mutex_timed, NORMAL, NONE, STALLED, PRIVATE, timedlock_mutex)
MUTEX_SCENE(mutex_clock, NORMAL, NONE, STALLED, PRIVATE, clocklock_mutex)
MUTEX_SCENE(mutex_shared, NORMAL, NONE, STALLED, SHARED, lock_mutex)
MUTEX_SCENE(mutex_shared_robust, NORMAL, NONE, ROBUST, SHARED, lock_mutex)
MUTEX_SCENE(mutex_shared_pi, NORMAL, INHERIT, STALLED, SHARED, lock_mutex)

static void mutex_recursive(void)
{
	hold_mutex(PTHREAD_MUTEX_RECURSIVE, PTHREAD_PRIO_NONE, PTHREAD_MUTEX_STALLED,
		   PTHREAD_PROCESS_PRIVATE, lock_mutex);
	lock_mutex();
	lock_mutex();
}

/* Only real-time threads take these. */
static void mutex_protect(void)
{
	struct sched_param param = { .sched_priority = 1 };
	pthread_mutexattr_t a;

	if (sched_setscheduler(0, SCHED_FIFO, &param)) {
		stage->lacks = 1;
		return;
	}
	stage->lock = (u64)the_mutex;
	stage->holder = gettid();
	MUST(pthread_mutexattr_init(&a));
	MUST(pthread_mutexattr_setprotocol(&a, PTHREAD_PRIO_PROTECT));
	MUST(pthread_mutexattr_setprioceiling(&a, 7));
	MUST(pthread_mutex_init(the_mutex, &a));
	lock_mutex();
	start(as_waiter, lock_mutex);
}

/* ---- PI locks that the kernel refuses */

static void lock_twice(void)
{
	lock_mutex();
	stage->holder = gettid();
	lock_mutex();
}

static void pi_self(void)
{
	stage->lock = (u64)the_mutex;
	init_mutex(the_mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED,
		   PTHREAD_PROCESS_PRIVATE);
	start(as_waiter, lock_twice);
}

static void robust_pi_self(void)
{
	stage->lock = (u64)the_mutex;
	init_mutex(the_mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_ROBUST,
		   PTHREAD_PROCESS_PRIVATE);
	start(as_waiter, lock_twice);
}

static int second_holds, waiter_holds;

static void other_then_mutex(void)
{
	MUST(pthread_mutex_lock(&my.other));
	stage->holder = gettid();
	__atomic_store_n(&second_holds, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&waiter_holds, __ATOMIC_ACQUIRE))
		usleep(200);
	lock_mutex();
}

static void mutex_then_other(void)
{
	lock_mutex();
	__atomic_store_n(&waiter_holds, 1, __ATOMIC_RELEASE);
	wait_asleep(getpid(), &stage->second, __NR_futex);
	MUST(pthread_mutex_lock(&my.other));
}

/* The second sleeps in the kernel; the waiter closes the circle, and is the one to be refused. */
static void pi_cycle(void)
{
	stage->lock = (u64)&my.other;
	init_mutex(the_mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED,
		   PTHREAD_PROCESS_PRIVATE);
	init_mutex(&my.other, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED,
		   PTHREAD_PROCESS_PRIVATE);
	start(as_second, other_then_mutex);
	while (!__atomic_load_n(&second_holds, __ATOMIC_ACQUIRE))
		usleep(200);
	start(as_waiter, mutex_then_other);
}

static void exit_holding(void)
{
	lock_mutex();
	stage->holder = gettid();
}

static void pi_owner_gone(void)
{
	pthread_t t;

	stage->lock = (u64)the_mutex;
	init_mutex(the_mutex, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED,
		   PTHREAD_PROCESS_PRIVATE);
	MUST(pthread_create(&t, NULL, (void *(*)(void *))exit_holding, NULL));
	MUST(pthread_join(t, NULL));
	start(as_waiter, lock_mutex);
}

static void owner_gone(void)
{
	pthread_t t;

	stage->lock = (u64)the_mutex;
	MUST(pthread_create(&t, NULL, (void *(*)(void *))exit_holding, NULL));
	MUST(pthread_join(t, NULL));
	start(as_waiter, lock_mutex);
}

/* ---- rwlocks */

static pthread_rwlock_t *the_rwlock = &my.rwlock;

static void rd_lock(void)
{
	MUST(pthread_rwlock_rdlock(the_rwlock));
}

static void wr_lock(void)
{
	MUST(pthread_rwlock_wrlock(the_rwlock));
}

static void rd_timedlock(void)
{
	struct timespec t = in_hours(CLOCK_REALTIME);

	MUST(pthread_rwlock_timedrdlock(the_rwlock, &t));
}

static void wr_timedlock(void)
{
	struct timespec t = in_hours(CLOCK_REALTIME);

	MUST(pthread_rwlock_timedwrlock(the_rwlock, &t));
}

static void init_rwlock(int preference, int shared)
{
	pthread_rwlockattr_t a;

	if (shared == PTHREAD_PROCESS_SHARED)
		the_rwlock = &stage->shared.rwlock;
	stage->lock = (u64)the_rwlock;
	MUST(pthread_rwlockattr_init(&a));
	MUST(pthread_rwlockattr_setkind_np(&a, preference));
	MUST(pthread_rwlockattr_setpshared(&a, shared));
	MUST(pthread_rwlock_init(the_rwlock, &a));
}

static void write_held(int preference, int shared, void (*wait)(void))
{
	init_rwlock(preference, shared);
	wr_lock();
	stage->holder = gettid();
	start(as_waiter, wait);
}

static void read_held(int preference, void (*second)(void), void (*wait)(void))
{
	init_rwlock(preference, PTHREAD_PROCESS_PRIVATE);
	rd_lock();
	if (second) {
		start(as_second, second);
		wait_asleep(getpid(), &stage->second, __NR_futex);
	}
	start(as_waiter, wait);
}

#define READER PTHREAD_RWLOCK_PREFER_READER_NP
#define WRITER PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP

static void rwlock_reader(void)
{
	write_held(READER, PTHREAD_PROCESS_PRIVATE, rd_lock);
}

static void rwlock_reader_w(void)
{
	write_held(WRITER, PTHREAD_PROCESS_PRIVATE, rd_lock);
}

static void rwlock_reader_timed(void)
{
	write_held(READER, PTHREAD_PROCESS_PRIVATE, rd_timedlock);
}

static void rwlock_writer(void)
{
	write_held(READER, PTHREAD_PROCESS_PRIVATE, wr_lock);
}

static void rwlock_writer_w(void)
{
	write_held(WRITER, PTHREAD_PROCESS_PRIVATE, wr_lock);
}

static void rwlock_writer_shared(void)
{
	write_held(READER, PTHREAD_PROCESS_SHARED, wr_lock);
}

static void rwlock_writer_after_reader(void)
{
	init_rwlock(READER, PTHREAD_PROCESS_PRIVATE);
	wr_lock();
	stage->holder = gettid();
	start(as_second, rd_lock);
	wait_asleep(getpid(), &stage->second, __NR_futex);
	start(as_waiter, wr_lock);
}

static void rwlock_readers(void)
{
	read_held(READER, NULL, wr_lock);
}

static void rwlock_readers_timed(void)
{
	read_held(READER, NULL, wr_timedlock);
}

static void rwlock_readers_w(void)
{
	read_held(WRITER, NULL, wr_lock);
}

static void rwlock_second_writer(void)
{
	read_held(READER, wr_lock, wr_lock);
}

static void rwlock_yielding_reader(void)
{
	read_held(WRITER, wr_lock, rd_lock);
}

static void rwlock_yielding_reader_timed(void)
{
	read_held(WRITER, wr_lock, rd_timedlock);
}

/* ---- what has no owner */

static pthread_cond_t *the_cond = &my.cond;

static void wait_cond(void)
{
	lock_mutex();
	MUST(pthread_cond_wait(the_cond, the_mutex));
}

static void timedwait_cond(void)
{
	struct timespec t = in_hours(CLOCK_REALTIME);

	lock_mutex();
	MUST(pthread_cond_timedwait(the_cond, the_mutex, &t));
}

static void cond(void)
{
	stage->lock = (u64)the_cond;
	start(as_waiter, wait_cond);
}

static void cond_timed(void)
{
	stage->lock = (u64)the_cond;
	start(as_waiter, timedwait_cond);
}

static void wait_cond_once(void)
{
	lock_mutex();
	MUST(pthread_cond_wait(the_cond, the_mutex));
	MUST(pthread_mutex_unlock(the_mutex));
	pause();
}

/* After a signal, waiters sleep on the other of its two words. */
static void cond_second_group(void)
{
	stage->lock = (u64)the_cond;
	start(as_second, wait_cond_once);
	wait_asleep(getpid(), &stage->second, __NR_futex);
	MUST(pthread_cond_signal(the_cond));
	wait_asleep(getpid(), &stage->second, __NR_pause);
	start(as_waiter, wait_cond);
}

static sem_t *the_sem = &my.sem;

static void wait_sem(void)
{
	sem_wait(the_sem);
}

static void timedwait_sem(void)
{
	struct timespec t = in_hours(CLOCK_REALTIME);

	sem_timedwait(the_sem, &t);
}

static void sem(void)
{
	stage->lock = (u64)the_sem;
	sem_init(the_sem, 0, 0);
	start(as_waiter, wait_sem);
}

static void sem_timed(void)
{
	stage->lock = (u64)the_sem;
	sem_init(the_sem, 0, 0);
	start(as_waiter, timedwait_sem);
}

static void sem_named(void)
{
	char name[32];

	snprintf(name, sizeof(name), "/locklab-test-%d", getpid());
	the_sem = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
	sem_unlink(name);
	stage->lock = (u64)the_sem;
	start(as_waiter, wait_sem);
}

static void wait_sem_on_stack(void)
{
	sem_t s;

	sem_init(&s, 0, 0);
	stage->lock = (u64)&s;
	for (;;)
		sem_wait(&s);
}

/* Looks much like a parked PI waiter, and its thread holds a PI mutex. */
static void sem_on_stack(void)
{
	init_mutex(&my.other, PTHREAD_MUTEX_NORMAL, PTHREAD_PRIO_INHERIT, PTHREAD_MUTEX_STALLED,
		   PTHREAD_PROCESS_PRIVATE);
	MUST(pthread_mutex_lock(&my.other));
	start(as_waiter, wait_sem_on_stack);
}

static void wait_barrier(void)
{
	pthread_barrier_wait(&my.barrier);
}

static void barrier(void)
{
	stage->lock = (u64)&my.barrier;
	MUST(pthread_barrier_init(&my.barrier, NULL, 3));
	start(as_waiter, wait_barrier);
}

static void meet_twice(void)
{
	pthread_barrier_wait(&my.barrier);
	pthread_barrier_wait(&my.barrier);
}

static void barrier_second_round(void)
{
	stage->lock = (u64)&my.barrier;
	MUST(pthread_barrier_init(&my.barrier, NULL, 2));
	start(as_waiter, meet_twice);
	pthread_barrier_wait(&my.barrier);
}

static void never_ends(void)
{
	stage->second = gettid();
	pause();
}

static void call_once_(void)
{
	pthread_once(&my.once, never_ends);
}

static void once(void)
{
	stage->lock = (u64)&my.once;
	start(as_second, call_once_);
	wait_asleep(getpid(), &stage->second, __NR_pause);
	start(as_waiter, call_once_);
}

static pthread_t main_thread;

static void join_main(void)
{
	pthread_join(main_thread, NULL);
}

static void join_main_timed(void)
{
	struct timespec t = in_hours(CLOCK_REALTIME);

	pthread_timedjoin_np(main_thread, NULL, &t);
}

static void join(void)
{
	main_thread = pthread_self();
	stage->holder = gettid();
	start(as_waiter, join_main);
}

static void join_timed(void)
{
	main_thread = pthread_self();
	stage->holder = gettid();
	start(as_waiter, join_main_timed);
}

static FILE *the_file;

static void write_file(void)
{
	fputs("x", the_file);
}

static void stdio(void)
{
	the_file = fopen("/dev/null", "w");
	flockfile(the_file);
	flockfile(the_file);
	stage->holder = gettid();
	start(as_waiter, write_file);
}

/* ---- what is not libc's */

static void wait_word(void)
{
	syscall(SYS_futex, &my.word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void foreign(void)
{
	my.word = 2;
	stage->lock = (u64)&my.word;
	start(as_waiter, wait_word);
}

/* As good a likeness of a held mutex as there is. */
static void wait_likeness(void)
{
	syscall(SYS_futex, &my.mutex, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void foreign_likeness(void)
{
	lock_mutex();
	*(u32 *)&my.mutex = 2;
	stage->lock = (u64)&my.mutex;
	start(as_waiter, wait_likeness);
}

static void wait_futex2(void)
{
	/* flags: 32 bits, private */
	if (syscall(455, &my.word, 2ul, 0xfffffffful, 0x82, NULL, CLOCK_MONOTONIC) &&
	    errno == ENOSYS) {
		stage->lacks = 1;
		pause();
	}
}

static void futex2(void)
{
	my.word = 2;
	stage->lock = (u64)&my.word;
	start(as_waiter, wait_futex2);
}

static void lock_pi_word(void)
{
	syscall(SYS_futex, &my.word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static void foreign_pi(void)
{
	my.word = (u32)gettid();
	stage->holder = gettid();
	stage->lock = (u64)&my.word;
	start(as_waiter, lock_pi_word);
}

#define ALL_ATTRS                                                                                 \
	(LAB_RECURSIVE | LAB_ERRORCHECK | LAB_ADAPTIVE | LAB_PI | LAB_ROBUST | LAB_PRIO_PROTECT | \
	 LAB_PSHARED | LAB_PREFER_WRITER | LAB_READ_HELD | LAB_FREE | LAB_RUST | LAB_GO |         \
	 LAB_INCONSISTENT | LAB_EDEADLK | LAB_OWNER_REUSED)

FIXTURE(scene)
{
	pid_t child;
	struct look_progress progress;
};

FIXTURE_VARIANT(scene)
{
	void (*play)(void);
	enum lab_lock_kind kind;
	u32 attrs;
	enum lab_access access;
	bool timed;
	bool owned; /* by stage->holder */
	bool gone; /* who is no more */
	bool parked; /* from /proc it may be unknown what it asked for */
	u32 depth;
	enum lab_hold_source source;
};

FIXTURE_SETUP(scene)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, stage);
	self->child = fork();
	ASSERT_LE(0, self->child);
	if (!self->child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		variant->play();
		for (;;)
			pause();
	}
}

FIXTURE_TEARDOWN(scene)
{
	kill(self->child, SIGKILL);
	waitpid(self->child, NULL, 0);
	munmap(stage, sizeof(*stage));
}

FIXTURE_VARIANT_ADD(scene, mutex_normal){ .play = mutex_normal, .kind = LAB_MUTEX, .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_recursive){ .play = mutex_recursive,
					     .kind = LAB_MUTEX,
					     .attrs = LAB_RECURSIVE,
					     .owned = true,
					     .depth = 3 };
FIXTURE_VARIANT_ADD(scene, mutex_errorcheck){ .play = mutex_errorcheck,
					      .kind = LAB_MUTEX,
					      .attrs = LAB_ERRORCHECK,
					      .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_adaptive){ .play = mutex_adaptive,
					    .kind = LAB_MUTEX,
					    .attrs = LAB_ADAPTIVE,
					    .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_pi){ .play = mutex_pi,
				      .kind = LAB_MUTEX,
				      .attrs = LAB_PI,
				      .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_pi_recursive){ .play = mutex_pi_recursive,
						.kind = LAB_MUTEX,
						.attrs = LAB_PI | LAB_RECURSIVE,
						.owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_pi_timed){ .play = mutex_pi_timed,
					    .kind = LAB_MUTEX,
					    .attrs = LAB_PI,
					    .timed = true,
					    .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_pi_clock){ .play = mutex_pi_clock,
					    .kind = LAB_MUTEX,
					    .attrs = LAB_PI,
					    .timed = true,
					    .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_robust){ .play = mutex_robust,
					  .kind = LAB_MUTEX,
					  .attrs = LAB_ROBUST,
					  .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_robust_timed){ .play = mutex_robust_timed,
						.kind = LAB_MUTEX,
						.attrs = LAB_ROBUST,
						.timed = true,
						.owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_robust_pi){ .play = mutex_robust_pi,
					     .kind = LAB_MUTEX,
					     .attrs = LAB_ROBUST | LAB_PI,
					     .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_timed){ .play = mutex_timed,
					 .kind = LAB_MUTEX,
					 .timed = true,
					 .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_clock){ .play = mutex_clock,
					 .kind = LAB_MUTEX,
					 .timed = true,
					 .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_shared){ .play = mutex_shared,
					  .kind = LAB_MUTEX,
					  .attrs = LAB_PSHARED,
					  .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_shared_robust){ .play = mutex_shared_robust,
						 .kind = LAB_MUTEX,
						 .attrs = LAB_PSHARED | LAB_ROBUST,
						 .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_shared_pi){ .play = mutex_shared_pi,
					     .kind = LAB_MUTEX,
					     .attrs = LAB_PSHARED | LAB_PI,
					     .owned = true };
FIXTURE_VARIANT_ADD(scene, mutex_protect){ .play = mutex_protect,
					   .kind = LAB_MUTEX,
					   .attrs = LAB_PRIO_PROTECT,
					   .owned = true };
FIXTURE_VARIANT_ADD(scene, pi_self){ .play = pi_self,
				     .kind = LAB_MUTEX,
				     .attrs = LAB_PI | LAB_EDEADLK,
				     .parked = true,
				     .owned = true };
FIXTURE_VARIANT_ADD(scene, robust_pi_self){ .play = robust_pi_self,
					    .kind = LAB_MUTEX,
					    .attrs = LAB_PI | LAB_ROBUST | LAB_EDEADLK,
					    .parked = true,
					    .owned = true };
FIXTURE_VARIANT_ADD(scene, pi_cycle){ .play = pi_cycle,
				      .kind = LAB_MUTEX,
				      .attrs = LAB_PI | LAB_EDEADLK,
				      .parked = true,
				      .owned = true };
FIXTURE_VARIANT_ADD(scene, pi_owner_gone){ .play = pi_owner_gone,
					   .kind = LAB_MUTEX,
					   .attrs = LAB_PI | LAB_EDEADLK,
					   .parked = true,
					   .owned = true,
					   .gone = true };
FIXTURE_VARIANT_ADD(scene, owner_gone){ .play = owner_gone,
					.kind = LAB_MUTEX,
					.owned = true,
					.gone = true };
FIXTURE_VARIANT_ADD(scene, rwlock_reader){ .play = rwlock_reader,
					   .kind = LAB_RWLOCK,
					   .access = LAB_SHARED,
					   .owned = true };
FIXTURE_VARIANT_ADD(scene, rwlock_reader_w){ .play = rwlock_reader_w,
					     .kind = LAB_RWLOCK,
					     .attrs = LAB_PREFER_WRITER,
					     .access = LAB_SHARED,
					     .owned = true };
FIXTURE_VARIANT_ADD(scene, rwlock_reader_timed){ .play = rwlock_reader_timed,
						 .kind = LAB_RWLOCK,
						 .access = LAB_SHARED,
						 .timed = true,
						 .owned = true };
FIXTURE_VARIANT_ADD(scene,
		    rwlock_writer){ .play = rwlock_writer, .kind = LAB_RWLOCK, .owned = true };
FIXTURE_VARIANT_ADD(scene, rwlock_writer_w){ .play = rwlock_writer_w,
					     .kind = LAB_RWLOCK,
					     .attrs = LAB_PREFER_WRITER,
					     .owned = true };
FIXTURE_VARIANT_ADD(scene, rwlock_writer_shared){ .play = rwlock_writer_shared,
						  .kind = LAB_RWLOCK,
						  .attrs = LAB_PSHARED,
						  .owned = true };
FIXTURE_VARIANT_ADD(scene, rwlock_writer_after_reader){ .play = rwlock_writer_after_reader,
							.kind = LAB_RWLOCK,
							.owned = true };
FIXTURE_VARIANT_ADD(scene, rwlock_readers){ .play = rwlock_readers,
					    .kind = LAB_RWLOCK,
					    .attrs = LAB_READ_HELD };
FIXTURE_VARIANT_ADD(scene, rwlock_readers_timed){ .play = rwlock_readers_timed,
						  .kind = LAB_RWLOCK,
						  .attrs = LAB_READ_HELD,
						  .timed = true };
FIXTURE_VARIANT_ADD(scene, rwlock_readers_w){ .play = rwlock_readers_w,
					      .kind = LAB_RWLOCK,
					      .attrs = LAB_READ_HELD | LAB_PREFER_WRITER };
FIXTURE_VARIANT_ADD(scene, rwlock_second_writer){ .play = rwlock_second_writer,
						  .kind = LAB_RWLOCK,
						  .attrs = LAB_READ_HELD };
FIXTURE_VARIANT_ADD(scene, rwlock_yielding_reader){ .play = rwlock_yielding_reader,
						    .kind = LAB_RWLOCK,
						    .attrs = LAB_READ_HELD | LAB_PREFER_WRITER,
						    .access = LAB_SHARED };
FIXTURE_VARIANT_ADD(scene,
		    rwlock_yielding_reader_timed){ .play = rwlock_yielding_reader_timed,
						   .kind = LAB_RWLOCK,
						   .attrs = LAB_READ_HELD | LAB_PREFER_WRITER,
						   .access = LAB_SHARED,
						   .timed = true };
FIXTURE_VARIANT_ADD(scene, cond){ .play = cond, .kind = LAB_CONDVAR };
FIXTURE_VARIANT_ADD(scene, cond_timed){ .play = cond_timed, .kind = LAB_CONDVAR, .timed = true };
FIXTURE_VARIANT_ADD(scene, cond_second_group){ .play = cond_second_group, .kind = LAB_CONDVAR };
FIXTURE_VARIANT_ADD(scene, sem){ .play = sem, .kind = LAB_SEMAPHORE };
FIXTURE_VARIANT_ADD(scene, sem_timed){ .play = sem_timed, .kind = LAB_SEMAPHORE, .timed = true };
FIXTURE_VARIANT_ADD(scene, sem_named){ .play = sem_named, .kind = LAB_SEMAPHORE };
FIXTURE_VARIANT_ADD(scene, sem_on_stack){ .play = sem_on_stack, .kind = LAB_SEMAPHORE };
FIXTURE_VARIANT_ADD(scene, barrier){ .play = barrier, .kind = LAB_BARRIER };
FIXTURE_VARIANT_ADD(scene, barrier_second_round){ .play = barrier_second_round,
						  .kind = LAB_BARRIER };
FIXTURE_VARIANT_ADD(scene, once){ .play = once, .kind = LAB_ONCE };
FIXTURE_VARIANT_ADD(scene, join){ .play = join,
				  .kind = LAB_THREAD,
				  .owned = true,
				  .source = LAB_HOLD_TARGET };
FIXTURE_VARIANT_ADD(scene, join_timed){ .play = join_timed,
					.kind = LAB_THREAD,
					.timed = true,
					.owned = true,
					.source = LAB_HOLD_TARGET };
FIXTURE_VARIANT_ADD(scene, stdio){ .play = stdio, .kind = LAB_STDIO, .owned = true, .depth = 2 };
FIXTURE_VARIANT_ADD(scene, foreign){ .play = foreign, .kind = LAB_FUTEX };
FIXTURE_VARIANT_ADD(scene, foreign_likeness){ .play = foreign_likeness, .kind = LAB_FUTEX };
FIXTURE_VARIANT_ADD(scene, futex2){ .play = futex2, .kind = LAB_FUTEX };
FIXTURE_VARIANT_ADD(scene, foreign_pi){ .play = foreign_pi,
					.kind = LAB_FUTEX,
					.attrs = LAB_PI,
					.owned = true };

static const struct lab_task *task_of(const struct lab_picture *p, pid_t tid)
{
	for (u32 i = 0; i < p->nr_tasks; i++)
		if (p->tasks[i].tid == (u32)tid)
			return &p->tasks[i];
	return NULL;
}

static void judge_scene(struct __test_metadata *_metadata, FIXTURE_DATA(scene) * self,
			const FIXTURE_VARIANT(scene) * variant, enum look_source source)
{
	struct look_options options = { .tgids = (u32 *)&self->child,
					.nr_tgids = 1,
					.source = source,
					.progress = &self->progress };
	const struct lab_picture *p;
	const struct lab_task *t;
	const struct lab_lock *l;
	const struct lab_hold *h;
	struct look *look;
	char why[256] = "";
	u32 attrs;

	look = look_open(&options, why, sizeof(why));
	ASSERT_NE(NULL, look)
	TH_LOG("%s", why);
	ASSERT_EQ(0, look_once(look, &p, why, sizeof(why)))
	TH_LOG("%s", why);
	t = task_of(p, stage->waiter);
	ASSERT_NE(NULL, t);
	ASSERT_EQ(1, t->nr_waits);
	l = &p->locks[p->waits[t->first_wait].lock];
	EXPECT_EQ(variant->kind, l->kind)
	TH_LOG("%s", lab_lock_kind_name(l->kind));
	if (variant->parked && source == LOOK_PROC && !l->nr_holds) {
		EXPECT_EQ(LAB_PI | LAB_EDEADLK, l->attrs);
		EXPECT_NE(LAB_NONE, l->wakers);
		look_close(look);
		return;
	}
	attrs = l->attrs & ALL_ATTRS;
	EXPECT_EQ(variant->attrs, attrs)
	TH_LOG("attrs 0x%x, not 0x%x", attrs, variant->attrs);
	EXPECT_EQ(variant->access, p->waits[t->first_wait].access);
	EXPECT_EQ(variant->timed, !!(t->status & LAB_TASK_WAITS_TIMED));
	EXPECT_FALSE(l->unseen);
	EXPECT_NE(NULL, t->call);
	if (variant->play == sem_named ||
	    (stage->lock >= (u64)stage && stage->lock < (u64)(stage + 1))) {
		EXPECT_EQ(LAB_SPACE_INODE, l->space)
		TH_LOG("source %d", source);
	} else if (stage->lock) {
		EXPECT_EQ(stage->lock, l->address);
	}
	if (!variant->owned) {
		EXPECT_EQ(0, l->nr_holds);
		EXPECT_NE(LAB_NONE, l->wakers);
	} else {
		EXPECT_EQ(LAB_NONE, l->wakers);
		ASSERT_EQ(1, l->nr_holds);
		h = &p->holds[p->lock_holds[l->first_hold]];
		EXPECT_EQ((u32)stage->holder, p->tasks[h->task].tid);
		EXPECT_EQ(variant->gone, !!(p->tasks[h->task].status & LAB_TASK_IS_GONE));
		EXPECT_EQ(variant->depth ? variant->depth : 1, h->depth);
		EXPECT_EQ(variant->source, h->source);
	}
	look_close(look);
}

TEST_F(scene, is_recognised)
{
	int sysno = variant->play == futex2 ? 455 : __NR_futex;

	while (!stage->waiter || !asleep_in(self->child, stage->waiter, sysno)) {
		if (stage->lacks)
			SKIP(return, "this machine has no such call, or no right to it");
		ASSERT_EQ(0, waitpid(self->child, NULL, WNOHANG));
		usleep(200);
	}
	judge_scene(_metadata, self, variant, LOOK_PROC);
	judge_scene(_metadata, self, variant, LOOK_BPF);
}

TEST_HARNESS_MAIN
