// SPDX-License-Identifier: GPL-2.0
/*
 * owner_killed [KIND] - a process is killed holding a lock in shared memory. KIND: reaped
 * (default), zombie
 */
#include "stage.h"

struct shared {
	struct meeting held;
	pthread_mutex_t lock;
};

static struct shared *shared;

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;
	pid_t owner;

	stage_enter();
	role("survivor");
	shared = must_not_fail(mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
				    MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	meeting_init(&shared->held, 2);
	must(pthread_mutexattr_init(&attr));
	must(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	must(pthread_mutex_init(&shared->lock, &attr));
	owner = start_process("owner");
	if (owner == 0) {
		pthread_mutex_lock(&shared->lock);
		meet(&shared->held);
		pause();
		_exit(0);
	}
	meet(&shared->held);
	kill(owner, SIGKILL);
	must_not_fail(waitid(P_PID, owner, NULL,
			     WEXITED | (is_kind(argc, argv, "zombie") ? WNOWAIT : 0)));
	pthread_mutex_lock(&shared->lock); /* stuck in main */
	pthread_mutex_unlock(&shared->lock);
	return 0;
}
