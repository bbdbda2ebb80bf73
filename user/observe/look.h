/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * look - one look at running (or hung) processes: snapshot, classify, find holds, name, judge
 */
#ifndef LOCKLAB_OBSERVE_LOOK_H
#define LOCKLAB_OBSERVE_LOOK_H

#include "builder.h"
#include "core/model.h"
#include "memory.h"
#include "snapshot.h"

enum look_source {
	LOOK_AUTO,
	LOOK_BPF,
	LOOK_PROC
};

struct look_options {
	const u32 *tgids; /* processes asked about */
	u32 nr_tgids;
	bool all; /* everything that may be seen */
	bool descendants; /* their children as well, and those of these */
	enum look_source source;
	bool stacks; /* take stacks and names of those in a finding */
	u32 max_stacks; /* at most so many a finding, 0: the default of 16 */
	u64 patience_ns; /* how long stacks, or samples of spinners, may take a process, 0: 2 s */
	bool held; /* scan memory for locks that nobody waits for */
	bool later; /* stacks, names and held locks only when look_detail() is called */
	/* from one pass to the next that confirms it, 0: the default of 0.5 ms */
	bool near; /* be quick after look_expect_finding(): costs a second snapshotter */
	u64 between_ns;
	struct look_progress *progress; /* never NULL */
};

struct look;

/* Return: NULL with one line in @why and errno. */
struct look *look_open(const struct look_options *options, char *why, size_t why_size);

/**
 * look_once() - look, confirm, judge
 * @picture: belongs to the look, until the next look_once() or look_close()
 * @why: one line if it fails
 *
 * Return: 0; -ESRCH all processes asked about are gone; -EPERM none may be looked at; or another
 * -errno.
 */
int look_once(struct look *look, const struct lab_picture **picture, char *why, size_t why_size);
void look_close(struct look *look);

/*
 * Something is known to be wrong: the next look_once() takes the passes that confirm it at once,
 * and judges but once. For a look that was opened with "near".
 */
void look_expect_finding(struct look *look);

/**
 * look_detail() - what a look that was opened with "later" has left out
 * @picture: of the last look_once(); replaced by the same with stacks, names and held locks in it
 *
 * Return: 0 or -ENOMEM.
 */
int look_detail(struct look *look, const struct lab_picture **picture);

/* What was seen of a task of the last look_once(), NULL for one that is gone. */
const struct lab_task_record *look_record(const struct look *look, u32 task);

/* Of the last look_once(), in ns. */
struct look_timing {
	u64 snapshot_ns[3];
	u64 judge_ns; /* classify, build and judge, all passes together */
	u64 held_ns;
	u64 stacks_ns;
};
const struct look_timing *look_timing(const struct look *look);
enum snapshot_source look_source(const struct look *look);

/*
 * What the classifiers see of a look. One of them fills in the waits of its kind of task and
 * returns true, or leaves the task to the next.
 */
struct look_context {
	struct builder *builder;
	const struct snapshot *now; /* the last pass; records are taken from here */
	const struct snapshot *before[2]; /* earlier passes of the same look */
	struct look_progress *progress;
	const struct look_options *options;
	/* cached; NULL if it may not be read */
	struct memory *(*memory)(struct look_context *c, u32 tgid);
	void *private;
	void *descriptors; /* descriptor.c's own and */
	/* spin.c's own: NULL when a look begins, memory from builder_alloc() */
	void *spins;
	void *futexes; /* futex.c's own, likewise */
};

/* futex.c */
bool futex_classify(struct look_context *c, const struct lab_task_record *r, u32 task);
/* descriptor.c */
bool descriptor_classify(struct look_context *c, const struct lab_task_record *r, u32 task);
/* spin.c */
bool spin_classify(struct look_context *c, const struct lab_task_record *r, u32 task);
/* held.c */
void held_scan(struct look_context *c, u32 tgid);

/*
 * Where a word of @r's process lives: the inode behind a shared mapping, otherwise the address
 * space (futex.c). Return: false if its mapping could not be found, and @id is a guess.
 */
bool look_word_id(struct look_context *c, const struct lab_task_record *r, u64 address,
		  struct lab_lock_id *id);

/*
 * The group "the other threads that share this memory" of a private word, built once per address
 * space.
 */
u32 look_mm_group(struct look_context *c, const struct lab_task_record *r);

/*
 * The tid as the looker sees it of a TID written by @r's process into a lock word; 0 if no such
 * task (any more).
 */
u32 look_translate_tid(struct look_context *c, const struct lab_task_record *r, u32 ns_tid);

#endif
