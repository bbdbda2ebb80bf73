// SPDX-License-Identifier: GPL-2.0
/*
 * condvar [KIND] - a job queue whose wake-ups go astray
 *
 * KIND: lost (default): signalled before anybody waits, and the waiter does not look at the state
 * first
 *       nobody: workers wait for jobs, main joins them and has told nobody to stop
 *       nested: the consumer waits holding an outer lock that the producer needs to get to the
 *       queue
 */
#include "stage.h"

struct queue {
	int nr_jobs;
	pthread_mutex_t lock;
	pthread_cond_t ready;
};

static struct queue queue = { .lock = PTHREAD_MUTEX_INITIALIZER,
			      .ready = PTHREAD_COND_INITIALIZER };
static pthread_mutex_t config = PTHREAD_MUTEX_INITIALIZER;
static struct meeting both;

static void *producer(void *arg)
{
	role("producer");
	pthread_mutex_lock(&queue.lock);
	queue.nr_jobs++;
	pthread_cond_signal(&queue.ready);
	pthread_mutex_unlock(&queue.lock);
	return arg;
}

static void *hasty_consumer(void *arg)
{
	role("consumer");
	pthread_mutex_lock(&queue.lock);
	pthread_cond_wait(&queue.ready, &queue.lock); /* stuck in hasty_consumer */
	queue.nr_jobs--;
	pthread_mutex_unlock(&queue.lock);
	return arg;
}

static void *worker(void *arg)
{
	role_nr("worker%d", (int)(long)arg);
	pthread_mutex_lock(&queue.lock);
	while (queue.nr_jobs == 0)
		pthread_cond_wait(&queue.ready, &queue.lock); /* stuck in worker */
	queue.nr_jobs--;
	pthread_mutex_unlock(&queue.lock);
	return NULL;
}

static void *nested_consumer(void *arg)
{
	role("consumer");
	pthread_mutex_lock(&config);
	meet(&both);
	pthread_mutex_lock(&queue.lock);
	while (queue.nr_jobs == 0)
		pthread_cond_wait(&queue.ready, &queue.lock); /* stuck in nested_consumer */
	queue.nr_jobs--;
	pthread_mutex_unlock(&queue.lock);
	pthread_mutex_unlock(&config);
	return arg;
}

static void *nested_producer(void *arg)
{
	role("producer");
	meet(&both);
	pthread_mutex_lock(&config); /* stuck in nested_producer */
	pthread_mutex_lock(&queue.lock);
	queue.nr_jobs++;
	pthread_cond_signal(&queue.ready);
	pthread_mutex_unlock(&queue.lock);
	pthread_mutex_unlock(&config);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[4];

	stage_enter();
	meeting_init(&both, 2);
	if (is_kind(argc, argv, "nobody")) {
		for (long i = 0; i < 4; i++)
			threads[i] = start(worker, (void *)i);
		for (int i = 0; i < 4; i++)
			pthread_join(threads[i], NULL); /* stuck in main */
	} else if (is_kind(argc, argv, "nested")) {
		threads[0] = start(nested_consumer, NULL);
		threads[1] = start(nested_producer, NULL);
		pthread_join(threads[0], NULL); /* stuck in main */
		pthread_join(threads[1], NULL);
	} else {
		pthread_join(start(producer, NULL), NULL);
		pthread_join(start(hasty_consumer, NULL), NULL); /* stuck in main */
	}
	return 0;
}
