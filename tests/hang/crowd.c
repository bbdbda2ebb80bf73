// SPDX-License-Identifier: GPL-2.0
/*
 * crowd [N] - two threads deadlock, N - 2 more (default: 5,000 in all) wait behind them for one of
 * the two locks
 */
#include "stage.h"

static pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER, ledger = PTHREAD_MUTEX_INITIALIZER;
static struct meeting both;

static void *teller(void *arg)
{
	role("teller");
	pthread_mutex_lock(&accounts);
	meet(&both);
	pthread_mutex_lock(&ledger); /* stuck in teller */
	return arg;
}

static void *auditor(void *arg)
{
	role("auditor");
	pthread_mutex_lock(&ledger);
	meet(&both);
	pthread_mutex_lock(&accounts); /* stuck in auditor */
	return arg;
}

static void *customer(void *arg)
{
	role("customer");
	pthread_mutex_lock(arg); /* stuck in customer */
	pthread_mutex_unlock(arg);
	return NULL;
}

int main(int argc, char **argv)
{
	int nr = argc > 1 ? atoi(argv[1]) : 5000;
	pthread_attr_t small;
	pthread_t first, thread;

	stage_enter();
	if (nr < 2)
		stage_fail("crowd", EINVAL);
	meeting_init(&both, 3);
	first = start(teller, NULL);
	start(auditor, NULL);
	meet(&both);
	must(pthread_attr_init(&small));
	must(pthread_attr_setstacksize(&small, 64 * 1024));
	for (int i = 2; i < nr; i++)
		must(pthread_create(&thread, &small, customer, i & 1 ? &accounts : &ledger));
	pthread_join(first, NULL); /* stuck in main */
	return 0;
}
