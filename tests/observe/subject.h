/* SPDX-License-Identifier: GPL-2.0 */
/*
 * subject - a child process to be looked at: a body of code, a page shared with it, and waiting for
 * what /proc says of it
 */
#ifndef LOCKLAB_TESTS_OBSERVE_SUBJECT_H
#define LOCKLAB_TESTS_OBSERVE_SUBJECT_H

#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "core/env.h"

/* In shared memory: what the child tells, by whatever names suit it. */
struct subject_page {
	u32 tid; /* of the thread to be looked at, set just before it goes to sleep */
	u32 other_tid;
	u32 word;
	u32 lacks; /* the machine lacks something */
	u64 address, second;
	u64 when_ns;
	u32 count;
	u32 go;
};

struct subject {
	pid_t pid;
	struct subject_page *page;
};

/* Starts @body(page) in a child that dies with us. Return: 0 or -errno. */
int subject_start(struct subject *t, void (*body)(struct subject_page *page));
void subject_stop(struct subject *t);

/* Until thread @tid (0: the one that the page names) sleeps in system call @nr (-1: any). Return:
 * false if it ends before. */
bool subject_await_sleep(struct subject *t, u32 tid, long nr);
bool subject_is_asleep(pid_t pid, u32 tid, long nr);

/* For the child. */
u32 own_tid(void);
u64 clock_ns(void);
long futex(void *word, int op, u32 value);
void sleep_on(struct subject_page *page, void *word, int op,
	      u32 value); /* for ever; says first who */
void await_asleep(u32 tid, long nr); /* of the caller's own process */

#endif
