/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshotter - what the two sources of snapshots share
 */
#ifndef LOCKLAB_OBSERVE_SNAPSHOTTER_H
#define LOCKLAB_OBSERVE_SNAPSHOTTER_H

#include "snapshot.h"

struct snapshotter {
	int (*take)(struct snapshotter *s, struct snapshot *into);
	void (*close)(struct snapshotter *s);
	struct look_progress *progress;
	u32 tgid; /* 0 all */
};

struct snapshotter *snapshotter_bpf_open(u32 tgid, struct look_progress *progress, char *why,
					 size_t why_size);
struct snapshotter *snapshotter_proc_open(u32 tgid, struct look_progress *progress, char *why,
					  size_t why_size);

/* Room for @nr records. Return: 0 or -ENOMEM. */
int snapshot_reserve(struct snapshot *s, u32 nr);

bool progress_skips(const struct look_progress *progress, u32 tgid);
void progress_step(struct look_progress *progress, u32 tgid);

#endif
