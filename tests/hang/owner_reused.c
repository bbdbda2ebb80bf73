// SPDX-License-Identifier: GPL-2.0
/*
 * owner_reused [KIND] - the owner is gone, and its TID now belongs to somebody innocent. KIND:
 * thread (default): of the same process; process: of another
 */
#include <linux/sched.h>

#include "stage.h"

static pthread_mutex_t cache = PTHREAD_MUTEX_INITIALIZER;
static pid_t owner_tid, clerk_tid;
static char imposter_stack[16384] __attribute__((aligned(16)));

static void *owner(void *arg)
{
	role("owner");
	tell_tid(&owner_tid);
	pthread_mutex_lock(&cache);
	return arg;
}

static void *clerk(void *arg)
{
	role("clerk");
	tell_tid(&clerk_tid);
	pthread_mutex_lock(&cache); /* stuck in clerk */
	pthread_mutex_unlock(&cache);
	return arg;
}

/*
 * TIDs come round late, long after the clerk went to sleep: later than what the kernel's clocks
 * (ticks) leave in doubt.
 */
static void until_later(void)
{
	struct timespec began, now;

	clock_gettime(CLOCK_BOOTTIME, &began);
	do {
		clock_gettime(CLOCK_BOOTTIME, &now);
	} while ((now.tv_sec - began.tv_sec) * 1000000000l + now.tv_nsec - began.tv_nsec <
		 100000000l);
}

/*
 * A thread with a chosen TID, which the C library knows nothing of: it only ever sits in pause().
 */
static long clone_thread(struct clone_args *args)
{
	long ret = SYS_clone3;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 2f\n"
			 "1:\tmov %[pause], %%eax\n\t"
			 "syscall\n\t"
			 "jmp 1b\n"
			 "2:"
			 : "+a"(ret)
			 : "D"(args), "S"(sizeof(*args)), [pause] "i"(SYS_pause)
			 : "rcx", "r11", "memory");
	return ret;
}

int main(int argc, char **argv)
{
	bool process = is_kind(argc, argv, "process");
	struct clone_args args = { .set_tid = (unsigned long)&owner_tid, .set_tid_size = 1 };
	pthread_t thread;
	char path[64];
	long ret;
	FILE *f;

	stage_enter();
	pthread_join(start(owner, NULL), NULL);
	thread = start(clerk, NULL);
	until_asleep(&clerk_tid);
	until_later();
	if (process) {
		args.exit_signal = SIGCHLD;
	} else {
		args.flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			     CLONE_SYSVSEM;
		args.stack = (unsigned long)imposter_stack;
		args.stack_size = sizeof(imposter_stack);
	}
	/* EEXIST: the kernel has not yet let go of the TID. */
	do {
		ret = process ? syscall(SYS_clone3, &args, sizeof(args)) : clone_thread(&args);
		if (process && ret < 0)
			ret = -errno;
	} while (ret == -EEXIST);
	if (ret == -EPERM)
		stage_lacks("no right to choose a TID");
	if (ret < 0)
		stage_fail("clone3", (int)-ret);
	if (ret == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		role("imposter");
		for (;;)
			pause();
	}
	if (!process) {
		snprintf(path, sizeof(path), "/proc/self/task/%ld/comm", ret);
		f = fopen(path, "w");
		if (f) {
			fputs("imposter", f);
			fclose(f);
		}
	}
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
