// SPDX-License-Identifier: GPL-2.0
/* waitv - a thread waits for any of two events (futex_waitv), and nobody is left to raise either */
#include <linux/futex.h>

#include "stage.h"

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

static unsigned int data_ready, shutdown_requested;

static void *reactor(void *arg)
{
	struct futex_waitv events[2] = {
		{ .uaddr = (unsigned long)&data_ready, .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG },
		{ .uaddr = (unsigned long)&shutdown_requested,
		  .flags = FUTEX_32 | FUTEX_PRIVATE_FLAG },
	};
	long n;

	role("reactor");
	n = syscall(SYS_futex_waitv, events, 2, 0, NULL, 0); /* stuck in reactor */
	if (n < 0 && errno == ENOSYS)
		stage_lacks("no futex_waitv in this kernel");
	return arg;
}

int main(void)
{
	stage_enter();
	pthread_join(start(reactor, NULL), NULL); /* stuck in main */
	return 0;
}
