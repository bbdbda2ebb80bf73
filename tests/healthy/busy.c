// SPDX-License-Identifier: GPL-2.0
/*
 * busy [KIND] - threads that burn CPU for good reasons
 *
 * KIND: reader (default): walks a list for ever, storing nothing; waits-for-flag: spins for a flag
 * that a sleeping thread will set;
 *       timed-spin: spins until a time; counter: spins on a counter that another thread moves on;
 *       main joins them
 */
#include "../hang/stage.h"

struct node {
	struct node *next;
	long value;
};

static struct node ring[64];
static int stop_requested;
static unsigned long ticks;

static void *walker(void *arg)
{
	const struct node *n = ring;
	long found = 0;

	role("walker");
	while (!__atomic_load_n(&stop_requested, __ATOMIC_RELAXED)) {
		found += n->value == 42;
		n = n->next;
	}
	return (void *)found;
}

/*
 * Reads the same words again and again: the answer will not change, but it does not wait for it
 * either.
 */
static void *summer(void *arg)
{
	long rounds = 0, sum;

	role("walker");
	do {
		sum = 0;
		for (int i = 0; i < 64; i++)
			sum += __atomic_load_n(&ring[i].value, __ATOMIC_RELAXED);
		rounds++;
	} while (sum + rounds != -1);
	return NULL;
}

static void *flag_waiter(void *arg)
{
	role("walker");
	while (!__atomic_load_n(&stop_requested, __ATOMIC_ACQUIRE))
		__builtin_ia32_pause();
	return arg;
}

static void *timed_waiter(void *arg)
{
	struct timespec now, deadline = in_an_hour(CLOCK_MONOTONIC);

	role("walker");
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (!__atomic_load_n(&stop_requested, __ATOMIC_ACQUIRE) &&
		 now.tv_sec < deadline.tv_sec);
	return arg;
}

static void *sleeper(void *arg)
{
	struct timespec hour = { .tv_sec = 3600 };

	role("sleeper");
	nanosleep(&hour, NULL);
	__atomic_store_n(&stop_requested, 1, __ATOMIC_RELEASE);
	return arg;
}

static void *ticker(void *arg)
{
	role("ticker");
	for (;;)
		__atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED);
	return arg;
}

static void *tick_watcher(void *arg)
{
	unsigned long last = 0;

	role("walker");
	for (;;) {
		while (__atomic_load_n(&ticks, __ATOMIC_RELAXED) == last)
			;
		last = __atomic_load_n(&ticks, __ATOMIC_RELAXED);
	}
	return arg;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "reader";
	void *(*player)(void *) = walker;

	stage_enter();
	role("main");
	for (int i = 0; i < 64; i++)
		ring[i].next = &ring[(i + 1) % 64];
	if (!strcmp(kind, "sum"))
		player = summer;
	if (!strcmp(kind, "waits-for-flag")) {
		player = flag_waiter;
		start(sleeper, NULL);
	}
	if (!strcmp(kind, "timed-spin"))
		player = timed_waiter;
	if (!strcmp(kind, "counter")) {
		player = tick_watcher;
		start(ticker, NULL);
	}
	pthread_join(start(player, NULL), NULL);
	return 0;
}
