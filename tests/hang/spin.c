// SPDX-License-Identifier: GPL-2.0
/*
 * spin [KIND] - threads that burn CPU for a lock that never comes
 *
 * KIND: abba (default): two pthread spinlocks; self: one, twice; tas: test-and-set locks whose word
 * is the owner's TID;
 *       xchg: an exchange loop without a read
 */
#include "stage.h"

static pthread_spinlock_t rx, tx;
static unsigned int rx_word, tx_word;
static struct meeting both;
static enum {
	ABBA,
	SELF,
	TAS,
	XCHG
} kind;

static inline void tas_lock(unsigned int *word)
{
	unsigned int free = 0, me = (unsigned int)syscall(SYS_gettid);

	for (;;) {
		while (__atomic_load_n(word, __ATOMIC_RELAXED)) /* stuck in tas_lock */
			__builtin_ia32_pause(); /* stuck in tas_lock */
		free = 0;
		if (__atomic_compare_exchange_n(word, &free, me, false, __ATOMIC_ACQUIRE,
						__ATOMIC_RELAXED))
			return;
	}
}

static inline void xchg_lock(unsigned int *word)
{
	while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE)) /* stuck in xchg_lock */
		__builtin_ia32_pause(); /* stuck in xchg_lock */
}

static __attribute__((noinline)) void take(pthread_spinlock_t *lock, unsigned int *word)
{
	if (kind == TAS)
		tas_lock(word);
	else if (kind == XCHG)
		xchg_lock(word);
	else
		pthread_spin_lock(lock); /* stuck in take */
	__asm__ volatile("" ::
				 : "memory"); /* no tail call: the frame stays */
}

static void *receiver(void *arg)
{
	role("receiver");
	take(&rx, &rx_word);
	if (kind == SELF) {
		take(&rx, &rx_word);
		return arg;
	}
	meet(&both);
	take(&tx, &tx_word);
	return arg;
}

static void *sender(void *arg)
{
	role("sender");
	take(&tx, &tx_word);
	meet(&both);
	take(&rx, &rx_word);
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	stage_enter();
	kind = is_kind(argc, argv, "self")   ? SELF
	       : is_kind(argc, argv, "tas")  ? TAS
	       : is_kind(argc, argv, "xchg") ? XCHG
					     : ABBA;
	pthread_spin_init(&rx, PTHREAD_PROCESS_PRIVATE);
	pthread_spin_init(&tx, PTHREAD_PROCESS_PRIVATE);
	meeting_init(&both, 2);
	thread = start(receiver, NULL);
	if (kind != SELF)
		start(sender, NULL);
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
