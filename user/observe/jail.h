/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jail - run a function in a child without privilege, for bytes that a target controls
 *
 * The child sees the caller's memory as it was (fork), may compute, and may answer. It has no file
 * but those given to it, no identity, no capability and, by seccomp, no system call that reaches
 * anything outside itself. Whatever the bytes do to it, the caller gets an answer, or none, by the
 * deadline.
 */
#ifndef LOCKLAB_OBSERVE_JAIL_H
#define LOCKLAB_OBSERVE_JAIL_H

#include <sys/types.h>

#include "core/env.h"

#define JAIL_MAX_FDS	 64 /* kept open in the child */
#define JAIL_MAX_MESSAGE 8192 /* bytes of a question or an answer */

/* The child's end. */
struct jail_child;

/**
 * struct jail - what a child may use
 * @fds: descriptors that stay open in it, under the same numbers; at most JAIL_MAX_FDS. Open
 *	them read-only
 * @deadline_ns: absolute, CLOCK_MONOTONIC: then the child is killed
 * @memory: bytes it may map beyond what the caller has mapped
 * @reply_size: bytes it may answer; only those that it touches cost memory
 * @serve: answers a question of the child, in the caller's process; NULL: it may not ask. The
 *	question is not to be trusted. It stores at most @size bytes at @answer and returns how
 *	many, or -errno; a descriptor stored in @fd (-1 before) goes to the child and is closed here
 * @max_questions: after so many the child is killed
 */
struct jail {
	const int *fds;
	u32 nr_fds;
	u64 deadline_ns;
	size_t memory;
	size_t reply_size;
	ssize_t (*serve)(void *arg, const void *question, size_t question_size, void *answer,
			 size_t size, int *fd);
	void *serve_arg;
	u32 max_questions;
};

/**
 * jail_run() - run a function in a child without privilege
 * @function: what to run there. Its memory is a copy; shared mappings of the caller are read-only
 * @arg: for it
 * @reply: what it answered: to be freed by the caller, NULL if nothing. Not to be trusted. Set in
 * every case
 * @reply_size: bytes of it
 *
 * Blocks until the child is done or its deadline is over. The child is killed and reaped in every
 * case; only one that the kernel will not let die (a dead network or FUSE file system under a page
 * fault) is left to die later, after 500 ms more.
 *
 * Return: 0 if @function returned; -ETIMEDOUT at the deadline; -EFAULT if it crashed, ran out of
 * memory or CPU time or asked too much; else -errno: it never ran. What was answered until then is
 * kept in the first three cases.
 */
int jail_run(const struct jail *jail, void (*function)(struct jail_child *child, void *arg),
	     void *arg, void **reply, size_t *reply_size);

/**
 * jail_reply() - in the child: answer, after what was answered before
 *
 * All or nothing, and safe once it returns: a crash or the deadline later does not take it back.
 *
 * Return: 0 or -ENOSPC.
 */
int jail_reply(struct jail_child *child, const void *data, size_t size);

/**
 * jail_ask() - in the child: ask the caller's @serve
 * @question: at most JAIL_MAX_MESSAGE bytes, at least one
 * @fd: receives a descriptor, or -1; NULL if none is wanted
 *
 * Return: bytes stored at @answer, or -errno.
 */
ssize_t jail_ask(struct jail_child *child, const void *question, size_t question_size, void *answer,
		 size_t size, int *fd);

/* CLOCK_MONOTONIC. */
u64 jail_now_ns(void);

#endif
