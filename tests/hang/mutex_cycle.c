// SPDX-License-Identifier: GPL-2.0
/*
 * mutex_cycle [N] - N philosophers (2 to 128, default 3), each with the fork at its left, want the
 * one at their right
 */
#include "stage.h"

#define MOST 128

struct fork {
	long uses;
	pthread_mutex_t lock;
};

static struct fork forks[MOST];
static struct meeting table;
static int nr_philosophers = 3;

static void *philosopher(void *arg)
{
	int seat = (int)(long)arg;
	struct fork *left = &forks[seat], *right = &forks[(seat + 1) % nr_philosophers];

	role_nr("phil%d", seat);
	pthread_mutex_lock(&left->lock);
	left->uses++;
	meet(&table);
	pthread_mutex_lock(&right->lock); /* stuck in philosopher */
	right->uses++;
	pthread_mutex_unlock(&right->lock);
	pthread_mutex_unlock(&left->lock);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST];

	stage_enter();
	if (argc > 1)
		nr_philosophers = atoi(argv[1]);
	if (nr_philosophers < 2 || nr_philosophers > MOST)
		stage_fail("philosophers", EINVAL);
	meeting_init(&table, nr_philosophers);
	for (int i = 0; i < nr_philosophers; i++)
		must(pthread_mutex_init(&forks[i].lock, NULL));
	for (long i = 0; i < nr_philosophers; i++)
		threads[i] = start(philosopher, (void *)i);
	for (int i = 0; i < nr_philosophers; i++)
		pthread_join(threads[i], NULL); /* stuck in main */
	return 0;
}
