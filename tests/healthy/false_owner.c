// SPDX-License-Identifier: GPL-2.0
/*
 * false_owner [KIND] - locks of another make whose neighbouring data look like the TID of an owner
 *
 * KIND: rust (default), futex-wait: two threads wait for words that only main knows the meaning of;
 * the data that follow name the
 *       other one as "owner". Main is alive and would wake them.
 */
#include <linux/futex.h>

#include "../hang/stage.h"

struct guarded {
	unsigned int futex;
	unsigned int poisoned;
	unsigned int value; /* lies where a glibc mutex has its owner */
	unsigned int one; /* and its number of users */
	unsigned int more[8];
};

static struct guarded data[2];
static pid_t tids[2];
static struct meeting both;
static int op = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;

static void *waiter(void *arg)
{
	int me = (int)(long)arg;

	role_nr("waiter%d", me);
	tell_tid(&tids[me]);
	meet(&both);
	data[me] = (struct guarded){ .futex = 2, .value = (unsigned int)tids[!me], .one = 1 };
	for (;;)
		syscall(SYS_futex, &data[me].futex, op, 2, NULL, NULL, ~0u);
	return NULL;
}

int main(int argc, char **argv)
{
	struct timespec hour = { .tv_sec = 3600 };

	stage_enter();
	role("main");
	if (is_kind(argc, argv, "futex-wait"))
		op = FUTEX_WAIT;
	meeting_init(&both, 2);
	start(waiter, (void *)0);
	start(waiter, (void *)1);
	nanosleep(&hour, NULL);
	return 0;
}
