// SPDX-License-Identifier: GPL-2.0
/*
 * shm_abba [KIND] - processes that lock two records of a shared table in their own orders
 *
 * KIND: fork (default): memory inherited over fork; memfd: a file mapped at a different address in
 * each;
 *       three: a circle of three processes; robust
 */
#include "stage.h"

#define MOST 3

struct record {
	pthread_mutex_t lock;
	long amount;
};

struct bank {
	struct meeting all;
	struct record records[MOST];
};

static struct bank *bank;
static int nr_branches = 2;

static __attribute__((noinline)) void move_money(int from, int to)
{
	pthread_mutex_lock(&bank->records[from].lock);
	bank->records[from].amount--;
	meet(&bank->all);
	pthread_mutex_lock(&bank->records[to].lock); /* stuck in move_money */
	bank->records[to].amount++;
	pthread_mutex_unlock(&bank->records[to].lock);
	pthread_mutex_unlock(&bank->records[from].lock);
}

int main(int argc, char **argv)
{
	bool by_file = is_kind(argc, argv, "memfd");
	pthread_mutexattr_t attr;
	char name[32];
	int fd = -1;

	stage_enter();
	role("branch0");
	if (is_kind(argc, argv, "three"))
		nr_branches = 3;
	if (by_file) {
		fd = must_not_fail(memfd_create("bank", MFD_CLOEXEC));
		must_not_fail(ftruncate(fd, sizeof(*bank)));
	}
	bank = must_not_fail(mmap(NULL, sizeof(*bank), PROT_READ | PROT_WRITE,
				  MAP_SHARED | (by_file ? 0 : MAP_ANONYMOUS), fd, 0));
	meeting_init(&bank->all, nr_branches);
	must(pthread_mutexattr_init(&attr));
	must(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	if (is_kind(argc, argv, "robust"))
		must(pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST));
	for (int i = 0; i < nr_branches; i++)
		must(pthread_mutex_init(&bank->records[i].lock, &attr));
	for (int i = 1; i < nr_branches; i++) {
		snprintf(name, sizeof(name), "branch%d", i);
		if (start_process(name) == 0) {
			if (by_file) {
				void *old = bank;

				/*
				 * The old mapping stays until the new one is there, so the address
				 * differs.
				 */
				bank = must_not_fail(mmap(NULL, sizeof(*bank),
							  PROT_READ | PROT_WRITE, MAP_SHARED, fd,
							  0));
				munmap(old, sizeof(*bank));
			}
			move_money(i, (i + 1) % nr_branches);
			_exit(0);
		}
	}
	move_money(0, 1);
	return 0;
}
