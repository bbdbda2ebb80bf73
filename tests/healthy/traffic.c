// SPDX-License-Identifier: GPL-2.0
/*
 * traffic [KIND] - locks in heavy and correct use, until killed
 *
 * KIND: storm (default): eight threads on one mutex
 *       gate: two locks in both orders, always under a third
 *       inversion: one thread takes two locks in both orders, another only one of them
 *       trylock: both orders, but the second only if it is free
 *       timed: both orders, the second with a timeout of a millisecond, then back off
 *       robust: an owner ends holding the lock, the next one makes it consistent
 *       pi: hand-offs of a priority-inheritance mutex
 *       rwlock: readers and now and then a writer, two locks
 *       exits: threads lock, unlock and end, others take their place
 */
#include "../hang/stage.h"

#define NR_THREADS 8

static pthread_mutex_t a = PTHREAD_MUTEX_INITIALIZER, b = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_rwlock_t table = PTHREAD_RWLOCK_INITIALIZER, names = PTHREAD_RWLOCK_INITIALIZER;
static volatile long counter;

static void work(int rounds)
{
	for (int i = 0; i < rounds; i++)
		counter++;
}

static void *storm(void *arg)
{
	role_nr("worker%d", (int)(long)arg);
	for (;;) {
		pthread_mutex_lock(&a);
		work(50);
		pthread_mutex_unlock(&a);
	}
	return NULL;
}

static void *gated(void *arg)
{
	bool forward = (long)arg & 1;
	pthread_mutex_t *first = forward ? &a : &b, *second = forward ? &b : &a;

	role_nr("worker%d", (int)(long)arg);
	for (;;) {
		pthread_mutex_lock(&gate);
		pthread_mutex_lock(first);
		pthread_mutex_lock(second);
		work(50);
		pthread_mutex_unlock(second);
		pthread_mutex_unlock(first);
		pthread_mutex_unlock(&gate);
	}
	return NULL;
}

static void *both_orders(void *arg)
{
	long nr = (long)arg;

	role_nr("worker%d", (int)nr);
	for (bool forward = false;; forward = !forward) {
		pthread_mutex_t *first = forward ? &a : &b, *second = forward ? &b : &a;

		/* Only the first thread holds two at once, so its orders never meet. */
		pthread_mutex_lock(first);
		if (nr == 0)
			pthread_mutex_lock(second);
		work(50);
		if (nr == 0)
			pthread_mutex_unlock(second);
		pthread_mutex_unlock(first);
	}
	return NULL;
}

static void *careful(void *arg)
{
	bool forward = (long)arg & 1;
	pthread_mutex_t *first = forward ? &a : &b, *second = forward ? &b : &a;

	role_nr("worker%d", (int)(long)arg);
	for (;;) {
		pthread_mutex_lock(first);
		work(50);
		if (pthread_mutex_trylock(second) == 0) {
			work(50);
			pthread_mutex_unlock(second);
		}
		pthread_mutex_unlock(first);
		sched_yield();
	}
	return NULL;
}

static void *patient(void *arg)
{
	bool forward = (long)arg & 1;
	pthread_mutex_t *first = forward ? &a : &b, *second = forward ? &b : &a;

	role_nr("worker%d", (int)(long)arg);
	for (;;) {
		struct timespec deadline;

		pthread_mutex_lock(first);
		work(50);
		clock_gettime(CLOCK_REALTIME, &deadline);
		deadline.tv_nsec += 1000000;
		if (deadline.tv_nsec >= 1000000000) {
			deadline.tv_nsec -= 1000000000;
			deadline.tv_sec++;
		}
		if (pthread_mutex_timedlock(second, &deadline) == 0)
			pthread_mutex_unlock(second);
		pthread_mutex_unlock(first);
	}
	return NULL;
}

static void *readers(void *arg)
{
	long nr = (long)arg;

	role_nr("worker%d", (int)nr);
	for (long i = 0;; i++) {
		bool write = nr < 2 && i % 16 == 0;

		if (write)
			pthread_rwlock_wrlock(&table);
		else
			pthread_rwlock_rdlock(&table);
		if (write && nr == 1)
			pthread_rwlock_wrlock(&names);
		else
			pthread_rwlock_rdlock(&names);
		work(50);
		pthread_rwlock_unlock(&names);
		pthread_rwlock_unlock(&table);
	}
	return NULL;
}

static void *take_and_end(void *arg)
{
	pthread_mutex_lock(&a);
	work(100);
	if (!arg)
		pthread_mutex_unlock(&a);
	return NULL;
}

/* Threads that come, lock and go: orderly, or (robust) holding the lock. */
static void *employer(void *arg)
{
	bool holding = arg;

	role("worker0");
	for (;;) {
		pthread_t hands[4];

		for (int i = 0; i < 4; i++)
			hands[i] = start(take_and_end, holding && i == 0 ? arg : NULL);
		for (int i = 0; i < 4; i++)
			pthread_join(hands[i], NULL);
	}
	return NULL;
}

static void *heir(void *arg)
{
	role_nr("worker%d", (int)(long)arg);
	for (;;) {
		int err = pthread_mutex_lock(&a);

		if (err == EOWNERDEAD)
			must(pthread_mutex_consistent(&a));
		else if (err)
			stage_fail("pthread_mutex_lock", err);
		work(50);
		pthread_mutex_unlock(&a);
	}
	return NULL;
}

static void *robust_hand(void *arg)
{
	int err = pthread_mutex_lock(&a);

	if (err == EOWNERDEAD)
		must(pthread_mutex_consistent(&a));
	work(100);
	if (!arg)
		pthread_mutex_unlock(&a);
	return NULL;
}

static void *robust_employer(void *arg)
{
	role("worker0");
	for (;;)
		pthread_join(start(robust_hand, arg), NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "storm";
	void *(*player)(void *) = storm;
	pthread_mutexattr_t attr;
	long first = 0;

	stage_enter();
	must(pthread_mutexattr_init(&attr));
	if (!strcmp(kind, "gate"))
		player = gated;
	else if (!strcmp(kind, "inversion"))
		player = both_orders;
	else if (!strcmp(kind, "trylock"))
		player = careful;
	else if (!strcmp(kind, "timed"))
		player = patient;
	else if (!strcmp(kind, "rwlock"))
		player = readers;
	else if (!strcmp(kind, "pi"))
		must(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	else if (!strcmp(kind, "robust"))
		must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
	must(pthread_mutex_init(&a, &attr));
	if (!strcmp(kind, "robust")) {
		start(robust_employer, &a);
		player = heir;
		first = 1;
	} else if (!strcmp(kind, "exits")) {
		start(employer, NULL);
		first = 1;
	}
	for (long i = first; i < NR_THREADS; i++)
		start(player, (void *)i);
	pthread_exit(NULL);
}
