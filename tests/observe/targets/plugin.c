// SPDX-License-Identifier: GPL-2.0
/* plugin - a shared object that sleeps on a lock it is given, and one of its own to name */
#include <pthread.h>

static volatile int sink;
pthread_mutex_t plugin_lock = PTHREAD_MUTEX_INITIALIZER;

static __attribute__((noinline)) void hidden_work(pthread_mutex_t *lock)
{
	pthread_mutex_lock(lock); /* stuck: plugin */
	sink++;
}

void plugin_work(pthread_mutex_t *lock)
{
	hidden_work(lock); /* plugin: call */
	sink++;
}

pthread_mutex_t *plugin_own(void)
{
	return &plugin_lock;
}
