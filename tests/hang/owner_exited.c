// SPDX-License-Identifier: GPL-2.0
/*
 * owner_exited [KIND] - a thread ends on an error path with the lock held
 *
 * KIND: thread (default); leader: it is the main thread, which stays a zombie; pi; robust-none: PI
 * without robustness, the kernel answers ESRCH and the C library parks the caller
 */
#include "stage.h"

static pthread_mutex_t cache;
static struct meeting both;

static void *loader(void *arg)
{
	role("loader");
	pthread_mutex_lock(&cache);
	return arg;
}

static void *reader(void *arg)
{
	role("reader");
	meet(&both);
	pthread_mutex_lock(&cache); /* stuck in reader */
	pthread_mutex_unlock(&cache);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;
	pthread_t thread;

	stage_enter();
	must(pthread_mutexattr_init(&attr));
	if (is_kind(argc, argv, "pi"))
		must(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	must(pthread_mutex_init(&cache, &attr));
	meeting_init(&both, 2);
	if (is_kind(argc, argv, "leader")) {
		pthread_mutex_lock(&cache);
		start(reader, NULL);
		meet(&both);
		pthread_exit(NULL);
	}
	pthread_join(start(loader, NULL), NULL);
	thread = start(reader, NULL);
	meet(&both);
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
