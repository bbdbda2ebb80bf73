// SPDX-License-Identifier: GPL-2.0
/*
 * join_cycle [KIND] - KIND: ring (default): three threads, each waits for the end of the next
 * (glibc refuses a ring of two)
 *       holding: stop() joins a worker while it holds the lock that the worker needs to finish
 */
#include "stage.h"

static pthread_t threads[3];
static struct meeting all;
static pthread_mutex_t state = PTHREAD_MUTEX_INITIALIZER;
static bool stopping;

static void *member(void *arg)
{
	int i = (int)(long)arg;

	role_nr("member%d", i);
	meet(&all);
	pthread_join(threads[(i + 1) % 3], NULL); /* stuck in member */
	return NULL;
}

static void *worker(void *arg)
{
	role("worker");
	meet(&all);
	pthread_mutex_lock(&state); /* stuck in worker */
	if (stopping)
		stopping = false;
	pthread_mutex_unlock(&state);
	return arg;
}

static __attribute__((noinline)) void stop(pthread_t thread)
{
	pthread_mutex_lock(&state);
	stopping = true;
	meet(&all);
	pthread_join(thread, NULL); /* stuck in stop */
	pthread_mutex_unlock(&state);
}

int main(int argc, char **argv)
{
	stage_enter();
	if (is_kind(argc, argv, "holding")) {
		role("owner");
		meeting_init(&all, 2);
		stop(start(worker, NULL));
		return 0;
	}
	meeting_init(&all, 4);
	for (long i = 0; i < 3; i++)
		threads[i] = start(member, (void *)i);
	meet(&all);
	pthread_exit(NULL);
}
