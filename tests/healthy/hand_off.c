// SPDX-License-Identifier: GPL-2.0
/*
 * hand_off [KIND] - threads and processes that wait for each other all the time, and always get
 * what they wait for
 *
 * KIND: condvar (default), semaphore, barrier, join: threads; pipe, socket: two processes;
 *       flock: two processes and one lock file; shm: two processes and a condition variable in
 *       shared memory;
 *       spin: two threads that spin for a flag each, in turn
 */
#include <semaphore.h>
#include <sys/file.h>
#include <sys/socket.h>

#include "../hang/stage.h"

struct table {
	pthread_mutex_t lock;
	pthread_cond_t moved;
	int turn;
};

static struct table local = { .lock = PTHREAD_MUTEX_INITIALIZER,
			      .moved = PTHREAD_COND_INITIALIZER };
static sem_t full, empty;
static pthread_barrier_t round_end;
static int flag;

static void play(struct table *t, int me)
{
	pthread_mutex_lock(&t->lock);
	for (;;) {
		while (t->turn != me)
			pthread_cond_wait(&t->moved, &t->lock);
		t->turn = !me;
		pthread_cond_signal(&t->moved);
	}
}

static void *by_condvar(void *arg)
{
	role_nr("player%d", (int)(long)arg);
	play(&local, (int)(long)arg);
	return NULL;
}

static void *by_semaphore(void *arg)
{
	bool produces = arg;

	role_nr("player%d", produces);
	for (;;) {
		sem_wait(produces ? &empty : &full);
		sem_post(produces ? &full : &empty);
	}
	return NULL;
}

static void *by_barrier(void *arg)
{
	role_nr("player%d", (int)(long)arg);
	for (;;)
		pthread_barrier_wait(&round_end);
	return NULL;
}

static void *brief(void *arg)
{
	return arg;
}

static void *by_join(void *arg)
{
	role_nr("player%d", (int)(long)arg);
	for (;;)
		pthread_join(start(brief, NULL), NULL);
	return NULL;
}

static void *by_spinning(void *arg)
{
	int me = (int)(long)arg;

	role_nr("player%d", me);
	for (;;) {
		while (__atomic_load_n(&flag, __ATOMIC_ACQUIRE) != me)
			__builtin_ia32_pause();
		for (volatile int i = 0; i < 1000; i++)
			;
		__atomic_store_n(&flag, !me, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void echo(int in, int out, bool begins)
{
	char byte = 0;

	for (;;) {
		if (begins && write(out, &byte, 1) != 1)
			_exit(1);
		if (read(in, &byte, 1) != 1)
			_exit(1);
		if (!begins && write(out, &byte, 1) != 1)
			_exit(1);
	}
}

static void by_pipe(bool socket)
{
	int there[2], back[2];

	if (socket) {
		must_not_fail(socketpair(AF_UNIX, SOCK_STREAM, 0, there));
		if (start_process("player1") == 0) {
			close(there[0]);
			echo(there[1], there[1], false);
		}
		role("player0");
		close(there[1]);
		echo(there[0], there[0], true);
	}
	must_not_fail(pipe(there));
	must_not_fail(pipe(back));
	if (start_process("player1") == 0) {
		close(there[1]);
		close(back[0]);
		echo(there[0], back[1], false);
	}
	role("player0");
	close(there[0]);
	close(back[1]);
	echo(back[0], there[1], true);
}

static void by_flock(void)
{
	int memfd = must_not_fail(memfd_create("lock", MFD_CLOEXEC)), fd;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	role("player0");
	if (start_process("player1") == 0)
		role("player1");
	fd = must_not_fail(open(path, O_RDWR));
	for (;;) {
		must_not_fail(flock(fd, LOCK_EX));
		must_not_fail(flock(fd, LOCK_UN));
	}
}

static void by_shared_memory(void)
{
	struct table *t = must_not_fail(
		mmap(NULL, sizeof(*t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pthread_mutexattr_t lock_attr;
	pthread_condattr_t cond_attr;

	must(pthread_mutexattr_init(&lock_attr));
	must(pthread_mutexattr_setpshared(&lock_attr, PTHREAD_PROCESS_SHARED));
	must(pthread_mutex_init(&t->lock, &lock_attr));
	must(pthread_condattr_init(&cond_attr));
	must(pthread_condattr_setpshared(&cond_attr, PTHREAD_PROCESS_SHARED));
	must(pthread_cond_init(&t->moved, &cond_attr));
	if (start_process("player1") == 0)
		play(t, 1);
	role("player0");
	play(t, 0);
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "condvar";
	void *(*player)(void *) = by_condvar;

	stage_enter();
	if (!strcmp(kind, "pipe") || !strcmp(kind, "socket"))
		by_pipe(!strcmp(kind, "socket"));
	if (!strcmp(kind, "flock"))
		by_flock();
	if (!strcmp(kind, "shm"))
		by_shared_memory();
	if (!strcmp(kind, "semaphore"))
		player = by_semaphore;
	if (!strcmp(kind, "barrier"))
		player = by_barrier;
	if (!strcmp(kind, "join"))
		player = by_join;
	if (!strcmp(kind, "spin"))
		player = by_spinning;
	must_not_fail(sem_init(&full, 0, 0));
	must_not_fail(sem_init(&empty, 0, 1));
	must(pthread_barrier_init(&round_end, NULL, 2));
	start(player, (void *)0);
	pthread_join(start(player, (void *)1), NULL);
	return 0;
}
