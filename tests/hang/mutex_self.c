// SPDX-License-Identifier: GPL-2.0
/*
 * mutex_self [KIND] - a function that holds a lock calls another that takes it again. KIND: normal
 * (default), pi, robust, adaptive, signal (the second is a signal handler)
 */
#include "stage.h"

struct account {
	long balance;
	pthread_mutex_t lock;
};

static struct account savings = { .balance = 1000 };

static __attribute__((noinline)) void print_balance(struct account *a)
{
	pthread_mutex_lock(&a->lock); /* stuck in print_balance */
	fprintf(stderr, "balance %ld\n", a->balance);
	pthread_mutex_unlock(&a->lock);
}

static void on_signal(int sig)
{
	print_balance(&savings);
	(void)sig;
}

static __attribute__((noinline)) void withdraw(struct account *a, long amount, bool by_signal)
{
	pthread_mutex_lock(&a->lock);
	a->balance -= amount;
	if (by_signal)
		raise(SIGUSR1);
	else
		print_balance(a);
	pthread_mutex_unlock(&a->lock);
}

int main(int argc, char **argv)
{
	pthread_mutexattr_t attr;

	stage_enter();
	role("clerk");
	must(pthread_mutexattr_init(&attr));
	if (is_kind(argc, argv, "pi"))
		must(pthread_mutexattr_setprotocol(&attr, PTHREAD_PRIO_INHERIT));
	if (is_kind(argc, argv, "robust"))
		must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
	if (is_kind(argc, argv, "adaptive"))
		must(pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP));
	must(pthread_mutex_init(&savings.lock, &attr));
	signal(SIGUSR1, on_signal);
	if (!is_kind(argc, argv, "signal"))
		signal(SIGUSR1, SIG_DFL);
	withdraw(&savings, 100, is_kind(argc, argv, "signal"));
	return 0;
}
