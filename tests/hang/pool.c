// SPDX-License-Identifier: GPL-2.0
/*
 * pool - a thread pool: two workers deadlock over two tables, 15 more wait for the tables behind
 * them, 15 idle for a job
 */
#include "stage.h"

#define NR_BEHIND 15
#define NR_IDLE	  15

struct table {
	pthread_mutex_t lock;
	long rows;
};

static struct pool {
	struct table users, orders;
	pthread_mutex_t lock;
	pthread_cond_t job;
	bool stop;
} pool = { .users.lock = PTHREAD_MUTEX_INITIALIZER,
	   .orders.lock = PTHREAD_MUTEX_INITIALIZER,
	   .lock = PTHREAD_MUTEX_INITIALIZER,
	   .job = PTHREAD_COND_INITIALIZER };
static struct meeting both;

static void *bill(void *arg)
{
	role("bill");
	pthread_mutex_lock(&pool.users.lock);
	meet(&both);
	pthread_mutex_lock(&pool.orders.lock); /* stuck in bill */
	pthread_mutex_unlock(&pool.orders.lock);
	pthread_mutex_unlock(&pool.users.lock);
	return arg;
}

static void *ship(void *arg)
{
	role("ship");
	pthread_mutex_lock(&pool.orders.lock);
	meet(&both);
	pthread_mutex_lock(&pool.users.lock); /* stuck in ship */
	pthread_mutex_unlock(&pool.users.lock);
	pthread_mutex_unlock(&pool.orders.lock);
	return arg;
}

static void *look_up(void *arg)
{
	long nr = (long)arg;
	struct table *t = nr & 1 ? &pool.users : &pool.orders;

	role_nr("lookup%d", (int)nr);
	meet(&both);
	pthread_mutex_lock(&t->lock); /* stuck in look_up */
	t->rows++;
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void *idle(void *arg)
{
	role_nr("idle%d", (int)(long)arg);
	pthread_mutex_lock(&pool.lock);
	while (!pool.stop)
		pthread_cond_wait(&pool.job, &pool.lock); /* stuck in idle */
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

int main(void)
{
	pthread_t threads[2];

	stage_enter();
	meeting_init(&both, 2 + NR_BEHIND);
	threads[0] = start(bill, NULL);
	threads[1] = start(ship, NULL);
	for (long i = 0; i < NR_BEHIND; i++)
		start(look_up, (void *)i);
	for (long i = 0; i < NR_IDLE; i++)
		start(idle, (void *)i);
	pthread_join(threads[0], NULL); /* stuck in main */
	pthread_join(threads[1], NULL);
	return 0;
}
