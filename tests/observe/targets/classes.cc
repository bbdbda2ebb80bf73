// SPDX-License-Identifier: GPL-2.0
/*
 * classes - C++: methods, templates, lambdas, std::mutex in all sorts of places. Prints "=NAME
 * ADDRESS" and "NAME TID".
 */
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <shared_mutex>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>
#include <vector>

static volatile int sink;

namespace bank {

class account {
      public:
	long balance = 0;
	std::mutex lock;

	__attribute__((noinline)) void deposit(long amount)
	{
		std::lock_guard<std::mutex> guard(lock); /* stuck: method */
		balance += amount;
	}
};

struct branch {
	int number;
	account accounts[3];
	std::shared_mutex books;
};

static branch main_branch;
std::mutex vault;

template <typename T>
__attribute__((noinline)) void twice(T &&work)
{
	work(); /* template: call */
	sink = sink + 1;
}

} // namespace bank

static bank::account *richest = new bank::account;

static void say(const char *name)
{
	printf("%s %ld\n", name, syscall(SYS_gettid));
	fflush(stdout);
}

int main()
{
	prctl(PR_SET_PDEATHSIG, 9);
	printf("=bank::main_branch.accounts[2].lock %p\n",
	       (void *)&bank::main_branch.accounts[2].lock);
	printf("=bank::main_branch.books %p\n", (void *)&bank::main_branch.books);
	printf("=bank::vault %p\n", (void *)&bank::vault);
	printf("=richest->lock %p\n", (void *)&richest->lock);

	bank::main_branch.accounts[2].lock.lock();
	std::thread method([] {
		say("method");
		bank::main_branch.accounts[2].deposit(5);
		sink = sink + 1;
	});
	std::thread lambda([] {
		say("lambda");
		bank::twice([] {
			bank::main_branch.accounts[2].lock.lock(); /* stuck: lambda */
			sink = sink + 1;
		});
	});
	say("main");
	method.join();
	lambda.join();
}
