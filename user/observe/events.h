/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * events - told when a thread goes to sleep in a way that deserves a look, and who used to wake
 * whom
 *
 * Costs the target something at each of its context switches, so it is asked for. What it says is a
 * suspicion: look_once() tells.
 */
#ifndef LOCKLAB_OBSERVE_EVENTS_H
#define LOCKLAB_OBSERVE_EVENTS_H

#include "core/env.h"
#include "uapi/events.h"

struct events;

/**
 * events_open() - begin
 * @tgids: processes, their later children included; @nr of them, at least one
 * @ring_bytes: of the ring buffer, rounded up to a power of two of whole pages; 0: the default,
 * room for some 6,000 suspicions
 * @why: receives one line on why it failed
 *
 * Needs root (CAP_BPF + CAP_PERFMON), BTF and the initial PID namespace; no tracefs.
 *
 * Return: NULL with @why set and errno.
 */
struct events *events_open(const u32 *tgids, u32 nr, size_t ring_bytes, char *why, size_t why_size);
void events_close(struct events *e);

/**
 * events_wait() - until there is a suspicion
 * @timeout_ms: 0: only what is there already
 * @last: receives the newest, may be NULL
 *
 * Takes all that are there.
 *
 * Return: how many, 0 after @timeout_ms or a signal, or -errno.
 */
int events_wait(struct events *e, int timeout_ms, struct lab_suspicion *last);

/* sent = received + lost, once events_wait() has returned 0. */
struct events_count {
	u64 sent, received, lost;
};
void events_count(const struct events *e, struct events_count *count);

/* Who used to wake those who sleep on the futex at @uaddr of @tgid? Return: false if nobody was
 * seen to. */
bool events_waker(const struct events *e, u32 tgid, u64 uaddr, struct lab_waker *waker);

#endif
