// SPDX-License-Identifier: GPL-2.0
/* barrier_short - a barrier for four, reached by three */
#include "stage.h"

static pthread_barrier_t phase;

static void *solver(void *arg)
{
	role_nr("solver%d", (int)(long)arg);
	pthread_barrier_wait(&phase); /* stuck in solver */
	return NULL;
}

int main(void)
{
	pthread_t threads[3];

	stage_enter();
	must(pthread_barrier_init(&phase, NULL, 4));
	for (long i = 0; i < 3; i++)
		threads[i] = start(solver, (void *)i);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL); /* stuck in main */
	return 0;
}
