// SPDX-License-Identifier: GPL-2.0
/*
 * semaphore [KIND] - KIND: unnamed (default), named: nobody posts; abba: two semaphores used as
 * locks in two orders
 */
#include <semaphore.h>

#include "stage.h"

static sem_t items, disk, tape;
static struct meeting both;

static void *taker(void *arg)
{
	sem_t *sem = arg;

	role("taker");
	while (sem_wait(sem)) /* stuck in taker */
		;
	return NULL;
}

static void *dumper(void *arg)
{
	role("dumper");
	sem_wait(&disk);
	meet(&both);
	sem_wait(&tape); /* stuck in dumper */
	sem_post(&tape);
	sem_post(&disk);
	return arg;
}

static void *restorer(void *arg)
{
	role("restorer");
	sem_wait(&tape);
	meet(&both);
	sem_wait(&disk); /* stuck in restorer */
	sem_post(&disk);
	sem_post(&tape);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	stage_enter();
	must_not_fail(sem_init(&items, 0, 0));
	must_not_fail(sem_init(&disk, 0, 1));
	must_not_fail(sem_init(&tape, 0, 1));
	meeting_init(&both, 2);
	if (is_kind(argc, argv, "abba")) {
		thread = start(dumper, NULL);
		start(restorer, NULL);
	} else if (is_kind(argc, argv, "named")) {
		char name[64];
		sem_t *sem;

		snprintf(name, sizeof(name), "/locklab-zoo-%d", (int)getpid());
		sem = sem_open(name, O_CREAT | O_EXCL, 0600, 0);
		if (sem == SEM_FAILED)
			stage_fail("sem_open", errno);
		sem_unlink(name);
		thread = start(taker, sem);
	} else {
		thread = start(taker, &items);
	}
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
