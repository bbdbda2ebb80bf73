/* SPDX-License-Identifier: GPL-2.0 */
/*
 * stage - what the programs of the zoo share: tests/hang, tests/healthy, tests/hostile
 *
 * The programs get stuck (or stay healthy) by themselves and announce nothing. Whoever looks at
 * them knows the players by their thread names alone, and knows that the scene is set when /proc
 * says that everybody sleeps. A line on which a player gets stuck ends in a comment "stuck in
 * FUNCTION": tests compare stacks with it.
 *
 * Everybody dies with the thread that started it. Status 4: the machine lacks something, said on
 * stderr.
 */
#ifndef LOCKLAB_TESTS_STAGE_H
#define LOCKLAB_TESTS_STAGE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STAGE_LACKS 4 /* kselftest's SKIP */

__attribute__((noreturn, format(printf, 1, 2))) static inline void stage_lacks(const char *format,
									       ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(STAGE_LACKS);
}

__attribute__((noreturn)) static inline void stage_fail(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(err));
	exit(2);
}

/* For calls that return 0 or a positive errno, as pthread_* do. */
#define must(call)                                   \
	do {                                         \
		int must_err = (call);               \
		if (must_err)                        \
			stage_fail(#call, must_err); \
	} while (0)

/* For calls that return -1 with errno. */
#define must_not_fail(call)                               \
	({                                                \
		__typeof__(call) must_ret = (call);       \
		if (must_ret == (__typeof__(must_ret))-1) \
			stage_fail(#call, errno);         \
		must_ret;                                 \
	})

/* First thing in main() and in each forked child. */
static inline void stage_enter(void)
{
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(2);
}

/* The calling thread's name, by which tests know it. */
static inline void role(const char *name)
{
	prctl(PR_SET_NAME, name);
}

/* The same, numbered: @format has one %d. */
static inline void role_nr(const char *format, int nr)
{
	char name[16];

	snprintf(name, sizeof(name), format, nr);
	role(name);
}

static inline pthread_t start(void *(*player)(void *), void *arg)
{
	pthread_t thread;

	must(pthread_create(&thread, NULL, player, arg));
	return thread;
}

/* Fork; the child has entered the stage, dies with us, and bears @name. */
static inline pid_t start_process(const char *name)
{
	pid_t parent = getpid();
	pid_t pid = must_not_fail(fork());

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Behind a PID namespace the parent is 0. */
		if (getppid() != parent && getppid() != 0)
			_exit(2);
		role(name);
	}
	return pid;
}

static inline bool stage_is_asleep(const char *stat_path)
{
	char line[512], *state;
	FILE *f = fopen(stat_path, "r");
	bool asleep;

	if (!f)
		return false;
	asleep = fgets(line, sizeof(line), f) && (state = strrchr(line, ')')) && state[1] == ' ' &&
		 state[2] == 'S';
	fclose(f);
	return asleep;
}

/*
 * Waits until a thread of this process, whose TID appears in *@tid, sleeps: it has reached the call
 * that blocks it.
 */
static inline void until_asleep(pid_t *tid)
{
	char path[64];
	pid_t t;

	while ((t = __atomic_load_n(tid, __ATOMIC_ACQUIRE)) == 0)
		sched_yield();
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)t);
	while (!stage_is_asleep(path))
		sched_yield();
}

static inline void tell_tid(pid_t *tid)
{
	__atomic_store_n(tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
}

/*
 * A point that a known number of players reach before any goes on; works across processes in shared
 * memory.
 */
struct meeting {
	pthread_barrier_t barrier;
};

static inline void meeting_init(struct meeting *m, unsigned int players)
{
	pthread_barrierattr_t attr;

	must(pthread_barrierattr_init(&attr));
	must(pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	must(pthread_barrier_init(&m->barrier, &attr, players));
}

static inline void meet(struct meeting *m)
{
	pthread_barrier_wait(&m->barrier);
}

static inline struct timespec in_an_hour(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	t.tv_sec += 3600;
	return t;
}

static inline bool is_kind(int argc, char **argv, const char *kind)
{
	return argc > 1 && strcmp(argv[1], kind) == 0;
}

#endif
