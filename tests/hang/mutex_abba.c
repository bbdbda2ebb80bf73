// SPDX-License-Identifier: GPL-2.0
/*
 * mutex_abba [KIND] - a teller moves money, an auditor checks the books; each takes the two locks
 * in its own order
 *
 * KIND: normal (default), recursive, errorcheck, adaptive, pi, robust, pi-robust, pshared, protect,
 * timed.
 */
#include "stage.h"

static pthread_mutex_t accounts, ledger;
static struct meeting both;
static long balance, entries;
static bool is_timed, is_realtime;

static void init_lock(pthread_mutex_t *m, const char *kind)
{
	pthread_mutexattr_t attr;

	must(pthread_mutexattr_init(&attr));
	if (!strcmp(kind, "recursive"))
		must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE));
	else if (!strcmp(kind, "errorcheck"))
		must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK));
	else if (!strcmp(kind, "adaptive"))
		must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP));
	else if (!strcmp(kind, "pshared"))
		must(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	if (strstr(kind, "pi"))
		must(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	if (strstr(kind, "robust"))
		must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
	if (!strcmp(kind, "protect")) {
		must(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_PROTECT));
		must(pthread_mutexattr_setprioceiling(&attr, 10));
	}
	must(pthread_mutex_init(m, &attr));
	must(pthread_mutexattr_destroy(&attr));
}

static void enter(const char *name)
{
	struct sched_param priority = { .sched_priority = 1 };

	role(name);
	if (is_realtime && pthread_setschedparam(pthread_self(), SCHED_FIFO, &priority))
		stage_lacks("no right to real-time priorities");
}

static void *teller(void *arg)
{
	struct timespec deadline = in_an_hour(CLOCK_REALTIME);

	enter("teller");
	pthread_mutex_lock(&accounts);
	balance -= 100;
	meet(&both);
	if (is_timed)
		pthread_mutex_timedlock(&ledger, &deadline); /* stuck in teller */
	else
		pthread_mutex_lock(&ledger); /* stuck in teller */
	entries++;
	pthread_mutex_unlock(&ledger);
	pthread_mutex_unlock(&accounts);
	return arg;
}

static void *auditor(void *arg)
{
	enter("auditor");
	pthread_mutex_lock(&ledger);
	entries++;
	meet(&both);
	pthread_mutex_lock(&accounts); /* stuck in auditor */
	balance += entries;
	pthread_mutex_unlock(&accounts);
	pthread_mutex_unlock(&ledger);
	return arg;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "normal";
	pthread_t threads[2];

	stage_enter();
	is_timed = !strcmp(kind, "timed");
	is_realtime = !strcmp(kind, "protect");
	init_lock(&accounts, kind);
	init_lock(&ledger, kind);
	meeting_init(&both, 2);
	threads[0] = start(teller, NULL);
	threads[1] = start(auditor, NULL);
	pthread_join(threads[0], NULL); /* stuck in main */
	pthread_join(threads[1], NULL);
	printf("balance %ld\n", balance);
	return 0;
}
