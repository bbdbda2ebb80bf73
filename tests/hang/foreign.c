// SPDX-License-Identifier: GPL-2.0
/*
 * foreign [KIND] - the system calls of other languages' locks, two of them in two orders
 *
 * KIND: rust (default): std::sync::Mutex: word 0/1/2, FUTEX_WAIT_BITSET|PRIVATE for 2, no timeout;
 * the protected value follows
 *       the word and here happens to be the TID of the other thread
 *       go: runtime.mutex: FUTEX_WAIT|PRIVATE for 2
 */
#include <linux/futex.h>

#include "stage.h"

struct guarded {
	unsigned int futex;
	unsigned char poisoned;
	unsigned int value; /* lies where a glibc mutex has its owner */
	unsigned int more[8];
};

static struct guarded cache, index_data;
static struct meeting both;
static bool is_go;

static __attribute__((noinline)) void take(unsigned int *word)
{
	int op = is_go ? FUTEX_WAIT_PRIVATE : FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
	unsigned int free = 0;

	if (__atomic_compare_exchange_n(word, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE))
		syscall(SYS_futex, word, op, 2, NULL, NULL, ~0u); /* stuck in take */
}

static void *filler(void *arg)
{
	role("filler");
	take(&cache.futex);
	index_data.value = (unsigned int)syscall(SYS_gettid);
	meet(&both);
	take(&index_data.futex);
	return arg;
}

static void *cleaner(void *arg)
{
	role("cleaner");
	take(&index_data.futex);
	cache.value = (unsigned int)syscall(SYS_gettid);
	meet(&both);
	take(&cache.futex);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	stage_enter();
	is_go = is_kind(argc, argv, "go");
	meeting_init(&both, 2);
	thread = start(filler, NULL);
	start(cleaner, NULL);
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
