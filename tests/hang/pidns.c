// SPDX-License-Identifier: GPL-2.0
/*
 * pidns - an ABBA in a process of its own PID namespace, as in a container: the TIDs in the lock
 * words are inner ones
 *
 * The inner TIDs are 1, 2, 3: outside they belong to others, if to anybody.
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
	pthread_mutex_unlock(&ledger);
	pthread_mutex_unlock(&accounts);
	return arg;
}

static void *auditor(void *arg)
{
	role("auditor");
	pthread_mutex_lock(&ledger);
	meet(&both);
	pthread_mutex_lock(&accounts); /* stuck in auditor */
	pthread_mutex_unlock(&accounts);
	pthread_mutex_unlock(&ledger);
	return arg;
}

int main(void)
{
	pthread_t threads[2];
	pid_t pid;

	stage_enter();
	meeting_init(&both, 2);
	if (unshare(CLONE_NEWPID)) {
		if (errno == EPERM)
			stage_lacks("no right to make a PID namespace");
		stage_fail("unshare", errno);
	}
	pid = start_process("init");
	if (pid) {
		waitpid(pid, NULL, 0); /* stuck in main */
		return 0;
	}
	threads[0] = start(teller, NULL);
	threads[1] = start(auditor, NULL);
	pthread_join(threads[0], NULL); /* stuck in main */
	pthread_join(threads[1], NULL);
	return 0;
}
