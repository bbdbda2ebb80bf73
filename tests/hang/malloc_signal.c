// SPDX-License-Identifier: GPL-2.0
/*
 * malloc_signal - a crash handler that allocates, called while malloc holds its own lock
 *
 * The crash is arranged: the page with the head of the free space behind the heap's last object is
 * made unreadable, so that the next malloc() that needs it faults inside, with the arena locked. A
 * second thread keeps malloc from taking its single-threaded short cut.
 */
#include "stage.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
static pid_t idle_tid;

static void on_crash(int sig)
{
	char *report = malloc(5000); /* stuck in on_crash */

	if (report) {
		snprintf(report, 5000, "signal %d\n", sig);
		fputs(report, stderr);
	}
	_exit(1);
}

static void *idler(void *arg)
{
	role("idler");
	pthread_mutex_lock(&lock);
	tell_tid(&idle_tid);
	for (;;)
		pthread_cond_wait(&never, &lock); /* stuck in idler */
	return arg;
}

int main(void)
{
	unsigned long page = (unsigned long)sysconf(_SC_PAGESIZE);
	unsigned long top;
	char *last;

	stage_enter();
	role("crasher");
	start(idler, NULL);
	until_asleep(&idle_tid);
	/*
	 * The end of this object, and with it the size field of the free space, lies in a page of
	 * its own.
	 */
	last = malloc(3 * page);
	top = ((unsigned long)last + 3 * page + 8) & ~(page - 1);
	signal(SIGSEGV, on_crash);
	must_not_fail(mprotect((void *)top, page, PROT_NONE));
	return malloc(64 * 1024) == NULL; /* crashes with the arena locked */
}
