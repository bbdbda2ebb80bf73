/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshot - one pass over the tasks of the system, from the BPF task iterator or from /proc
 */
#ifndef LOCKLAB_OBSERVE_SNAPSHOT_H
#define LOCKLAB_OBSERVE_SNAPSHOT_H

#include "core/env.h"
#include "uapi/snapshot.h"

enum snapshot_source {
	SNAPSHOT_BPF,
	SNAPSHOT_PROC
};

/*
 * Shared (MAP_SHARED) between a look and whoever supervises it: what it is doing now, so that a
 * look that hangs with its target can be killed and started again without that target.
 */
#define LOOK_MAX_SKIP 16
struct look_progress {
	u32 tgid; /* being looked at, 0 none: written before each thing that may block on it */
	u64 steps; /* grows with each step, so that slow is told from stuck */
	u32 skip[LOOK_MAX_SKIP]; /* processes whose memory must not be read */
	u32 nr_skip;
	u32 looking_map; /* BPF map that says whom a pass is looking at, 0 none */
};

/**
 * snapshotter_suspect() - whom a look that does not come back hangs with
 * @progress: of that look, which may be another process's
 *
 * For the supervisor. Never blocks on a target. Asks the kernel's half of a pass as well, which can
 * not write to @progress.
 *
 * Return: tgid, 0 nobody in particular.
 */
u32 snapshotter_suspect(const struct look_progress *progress);

/* All tasks of one pass, sorted by (tgid, tid). */
struct snapshot {
	struct lab_task_record *records;
	u32 nr;
	u32 capacity;
	u64 taken_ns; /* CLOCK_MONOTONIC at its end */
	u64 duration_ns;
	bool whole; /* all tasks of the system were seen */
	u32 *by_tid; /* index for snapshot_find(), by_tid_size slots (a power of two) */
	u32 by_tid_size;
};

struct snapshotter;

/**
 * snapshotter_open() - get ready to take snapshots
 * @source: BPF needs CAP_BPF + CAP_PERFMON (root) and a kernel with BTF
 * @tgid: only this process, 0 all
 * @progress: where to say what is being looked at, and read whom to leave alone; never NULL
 * @why: receives one line on why it failed
 *
 * Return: NULL with @why set, and errno (EPERM, ENOENT: no BTF, ESRCH, ...).
 */
struct snapshotter *snapshotter_open(enum snapshot_source source, u32 tgid,
				     struct look_progress *progress, char *why, size_t why_size);

/**
 * snapshotter_take() - one pass
 * @s: its arrays are reused from call to call; zero it before the first, snapshot_free() it at the
 * end
 *
 * Return: 0 or -errno.
 */
int snapshotter_take(struct snapshotter *snapshotter, struct snapshot *s);
void snapshotter_close(struct snapshotter *snapshotter);
void snapshot_free(struct snapshot *s);

/* By thread id. NULL if it was not there. */
const struct lab_task_record *snapshot_find(const struct snapshot *s, u32 tid);

#endif
