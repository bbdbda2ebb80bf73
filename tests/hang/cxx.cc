// SPDX-License-Identifier: GPL-2.0
/*
 * cxx [KIND] - C++ threads. KIND: mutex (default): std::mutex ABBA; shared: std::shared_mutex ABBA;
 * condvar: lost wake-up
 */
#include <condition_variable>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <thread>

#include <sys/prctl.h>

extern "C" {
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
}

namespace bank {
std::mutex accounts, ledger;
std::shared_mutex rates, limits;
std::condition_variable changed;
} // namespace bank

static pthread_barrier_t both;

static void role(const char *name)
{
	prctl(PR_SET_NAME, name);
}

template <typename Lock>
static __attribute__((noinline)) void hold_both(Lock &first, Lock &second)
{
	std::unique_lock<Lock> outer(first);
	pthread_barrier_wait(&both);
	std::unique_lock<Lock> inner(second); /* stuck in hold_both */
}

static __attribute__((noinline)) void wait_for_change()
{
	std::unique_lock<std::mutex> hold(bank::accounts);
	bank::changed.wait(hold); /* stuck in wait_for_change */
}

template <typename Lock>
static void play(Lock &a, Lock &b)
{
	std::thread teller([&] {
		role("teller");
		hold_both(a, b);
	});
	std::thread auditor([&] {
		role("auditor");
		hold_both(b, a);
	});
	teller.join();
	auditor.join();
}

int main(int argc, char **argv)
{
	std::string kind = argc > 1 ? argv[1] : "mutex";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pthread_barrier_init(&both, nullptr, 2);
	if (kind == "shared") {
		play(bank::rates, bank::limits);
	} else if (kind == "condvar") {
		bank::changed.notify_one();
		std::thread waiter([] {
			role("waiter");
			wait_for_change();
		});
		waiter.join();
	} else {
		play(bank::accounts, bank::ledger);
	}
	return 0;
}
