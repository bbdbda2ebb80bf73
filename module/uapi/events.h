/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * events - what bpf/events.bpf.c sends and keeps
 */
#ifndef LOCKLAB_UAPI_EVENTS_H
#define LOCKLAB_UAPI_EVENTS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "uapi/snapshot.h"

enum lab_suspicion_kind {
	LAB_SUSPECT_CYCLE, /* whoever it waits for waits, and so on, back to itself */
	LAB_SUSPECT_PARKED, /* sleeps for ever on a word of its own stack: a PI mutex that the
			       kernel refused */
	LAB_SUSPECT_ALONE, /* every thread of its process sleeps without a timeout */
};

/**
 * struct lab_suspicion - worth a look at once
 * @when_ns: CLOCK_MONOTONIC, when the thread went to sleep
 * @kind: enum lab_suspicion_kind
 */
struct lab_suspicion {
	__u64 when_ns;
	__u64 uaddr;
	__u32 tgid;
	__u32 tid;
	__u32 kind;
	__u32 unused;
};

/* Where somebody was woken. */
struct lab_waker_key {
	__u64 uaddr;
	__u32 tgid;
	__u32 unused;
};

/**
 * struct lab_waker - who did it last
 * @count: how often anybody was woken there
 * @last_ns: CLOCK_MONOTONIC of the last time
 */
struct lab_waker {
	__u64 count;
	__u64 last_ns;
	__u32 tgid;
	__u32 tid;
	char comm[LAB_COMM_LEN];
};

#endif
