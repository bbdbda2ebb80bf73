/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * contention - what a watch saw waited for, summed up
 *
 * A fixed table of plain data, so that it can lie in memory shared with a process that may have to
 * be killed.
 */
#ifndef LOCKLAB_CLI_CONTENTION_H
#define LOCKLAB_CLI_CONTENTION_H

#include <jansson.h>
#include <stdio.h>

#include "observe/look.h"
#include "observe/stack.h"

#define CONTENTION_LOCKS  256
#define CONTENTION_PEOPLE 6
#define CONTENTION_SITES  4
#define CONTENTION_TEXT	  96

struct contention_person {
	u32 tgid, tid;
	char comm[LAB_COMM_LEN];
	u64 samples;
};

struct contention_site {
	char text[CONTENTION_TEXT]; /* "push (queue.c:12)", made safe for a terminal */
	u64 samples;
};

struct contended {
	enum lab_lock_kind kind;
	enum lab_space space;
	u64 space_a, space_b, address;
	char symbol[CONTENTION_TEXT];
	u64 wait_ns; /* estimated: each waiter of each sample counts for the time since the sample
			before */
	u64 samples; /* that found somebody waiting */
	u32 most_waiters;
	u32 nr_waiters, nr_owners, nr_sites;
	u32 more_waiters; /* beyond those kept by name: sightings, not people */
	struct contention_person waiters[CONTENTION_PEOPLE], owners[CONTENTION_PEOPLE];
	struct contention_site sites[CONTENTION_SITES];
	u32 site_tries;
};

struct contention {
	u64 samples; /* looks */
	u64 watched_ns;
	u32 nr_locks;
	u32 not_kept; /* sightings of locks for which there was no room */
	u32 waiting_now; /* threads that wait for a lock (not for an event) in the last sample */
	struct contended locks[CONTENTION_LOCKS];
};

/* One sample; @since_ns: time since the one before. */
void contention_add(struct contention *c, const struct look *look,
		    const struct lab_picture *picture, u64 since_ns);

/*
 * Takes the stack of one waiter of the most contended lock that lacks a call site, and the lock's
 * name. Costs the watcher (not the target) some 50 ms, so callers ration it. Return: true if a
 * stack was tried.
 */
bool contention_find_site(struct contention *c, const struct look *look,
			  const struct lab_picture *picture, struct look_progress *progress);

void contention_text(FILE *out, const struct contention *c);
/* A string that a target chose: UTF-8 as it is, otherwise each byte as the character of its number.
 */
json_t *contention_string(const char *s);
json_t *contention_json(const struct contention *c); /* NULL without memory */

#endif
