// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * look - one look at running (or hung) processes
 *
 *   pass      every task of the system, in a few milliseconds, nobody stopped
 *   build     from the processes asked about outwards: each task is classified, whom it waits for
 *   is added, and classified
 *   judge     nothing wrong: done. Otherwise two more passes; only what did not change in any of
 *   them is called proven
 *   detail    for those in a finding: what else they hold, their stacks, the names of the locks
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "look.h"
#include "stack.h"

#define NR_PASSES      3
#define DEFAULT_STACKS 16
#define BETWEEN_NS     500000
#define MAX_DEPTH      64 /* of generations, and what a reused PID can make of them */
#define MAX_NAMES      1024 /* of locks in a finding: a circle is of little use without */

struct cached_memory {
	u32 tgid;
	struct memory *memory;
	UT_hash_handle hh;
};

/* A TID as its own PID namespace knows it, sorted by (ns, ns_tid). */
struct inner_tid {
	u32 ns, ns_tid, tid;
};

struct look {
	bool expects; /* look_expect_finding() was called */
	struct snapshotter *near; /* sees only the process asked about, in a tenth of the time */
	struct look_options options;
	u32 *tgids;
	struct snapshotter *snapshotter;
	enum snapshot_source source;
	char degraded[160]; /* why not by BPF, "" if it is */
	struct snapshot passes[NR_PASSES];
	struct builder *builder;
	struct cached_memory *memories;
	struct inner_tid *inner;
	struct look_context context;
	struct look_timing timing;
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static void memories_close(struct look *look)
{
	struct cached_memory *m, *next;

	HASH_ITER(hh, look->memories, m, next) {
		HASH_DEL(look->memories, m);
		memory_close(m->memory);
		free(m);
	}
}

static struct memory *memory_of(struct look_context *c, u32 tgid)
{
	struct look *look = c->private;
	struct cached_memory *m;

	for (u32 i = 0; i < c->progress->nr_skip; i++)
		if (c->progress->skip[i] == tgid)
			return NULL;
	HASH_FIND(hh, look->memories, &tgid, sizeof(tgid), m);
	if (m)
		return m->memory;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->tgid = tgid;
	m->memory = memory_open(tgid, c->progress);
	HASH_ADD(hh, look->memories, tgid, sizeof(tgid), m);
	return m->memory;
}

static int compare_inner(const void *a, const void *b)
{
	const struct inner_tid *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	if (x->ns_tid != y->ns_tid)
		return x->ns_tid < y->ns_tid ? -1 : 1;
	return 0;
}

static int index_inner(struct look *look, const struct snapshot *s)
{
	free(look->inner);
	look->inner = calloc(s->nr ? s->nr : 1, sizeof(*look->inner));
	if (!look->inner)
		return -ENOMEM;
	for (u32 i = 0; i < s->nr; i++)
		look->inner[i] = (struct inner_tid){
			.ns = s->records[i].ns,
			.ns_tid = s->records[i].ns_tid,
			.tid = s->records[i].tid,
		};
	qsort(look->inner, s->nr, sizeof(*look->inner), compare_inner);
	return 0;
}

u32 look_translate_tid(struct look_context *c, const struct lab_task_record *r, u32 ns_tid)
{
	const struct look *look = c->private;
	struct inner_tid key = { .ns = r->ns, .ns_tid = ns_tid };
	const struct inner_tid *found;

	if (!ns_tid)
		return 0;
	found = bsearch(&key, look->inner, c->now->nr, sizeof(key), compare_inner);
	return found ? found->tid : 0;
}

u32 look_mm_group(struct look_context *c, const struct lab_task_record *r)
{
	struct builder *b = c->builder;
	bool doubtful = false;
	char key[40], what[80];
	u32 group;

	snprintf(key, sizeof(key), "mm:%llx", (unsigned long long)r->mm);
	group = builder_find_group(b, key);
	if (group != LAB_NONE)
		return group;
	for (u32 i = 0; i < c->now->nr; i++)
		if (c->now->records[i].mm == r->mm)
			doubtful |= !!(c->now->records[i].flags & LAB_TASK_IO_URING);
	snprintf(what, sizeof(what), "the other threads of process %u", r->tgid);
	group = builder_group(b, key, what, doubtful);
	for (u32 i = 0; i < c->now->nr; i++)
		if (c->now->records[i].mm == r->mm &&
		    !(c->now->records[i].flags & LAB_TASK_EXITED))
			builder_member(b, group, builder_task(b, &c->now->records[i]));
	return group;
}

/* Asleep in the same call as before, and not switched since. */
static bool is_same(const struct lab_task_record *a, const struct lab_task_record *b)
{
	return a && a->tgid == b->tgid && a->start_ns == b->start_ns && a->state == b->state &&
	       a->switches == b->switches && a->syscall == b->syscall &&
	       !memcmp(a->args, b->args, sizeof(a->args));
}

/* The last pass of several: what is found now will be said. */
static bool is_confirming(const struct look_context *c)
{
	return c->before[sizeof(c->before) / sizeof(c->before[0]) - 1];
}

static bool is_steady(const struct look_context *c, const struct lab_task_record *r)
{
	for (size_t i = 0; i < sizeof(c->before) / sizeof(c->before[0]); i++)
		if (!c->before[i] || !is_same(snapshot_find(c->before[i], r->tid), r))
			return false;
	return true;
}

/*
 * Whether a stopped task is stopped inside a wait that it will take up again: the kernel has put a
 * restart code, or the "not finished" of system call entry, where the result will be. Anything else
 * is a result that it has not seen yet.
 */
static bool will_wait_again(const struct lab_task_record *r)
{
	s64 ax = (s64)r->regs[LAB_REG_AX];

	return (r->flags & LAB_TASK_REGS) && ((ax <= -512 && ax >= -516) || ax == -ENOSYS);
}

static void classify(struct look_context *c, u32 task)
{
	const struct lab_task_record *r = builder_record(c->builder, task);
	struct lab_task *t = builder_task_at(c->builder, task);

	if (!r || (t->status & (LAB_TASK_IS_GONE | LAB_TASK_OPAQUE)))
		return;
	if (is_steady(c, r))
		t->status |= LAB_TASK_IS_STEADY;
	/* Who spins runs all the time; spin.c gathers its own evidence that nothing changes. */
	if (r->state == 'R') {
		spin_classify(c, r, task);
		return;
	}
	/*
	 * Who ran between the passes is not stuck, whatever it waits for now: on a busy machine
	 * many a circle can be pieced together from records of different moments.
	 */
	if (!(t->status & LAB_TASK_IS_STEADY) && is_confirming(c))
		return;
	if ((t->status & LAB_TASK_IS_STOPPED) && !will_wait_again(r))
		return;
	if (!futex_classify(c, r, task))
		descriptor_classify(c, r, task);
}

static bool is_named(const struct look *look, u32 tgid)
{
	for (u32 i = 0; i < look->options.nr_tgids; i++)
		if (look->tgids[i] == tgid)
			return true;
	return false;
}

static bool is_asked(const struct look *look, u32 tgid)
{
	const struct snapshot *now = look->context.now;

	if (look->options.all || is_named(look, tgid))
		return true;
	if (!look->options.descendants || !now)
		return false;
	for (u32 depth = 0; depth < MAX_DEPTH; depth++) {
		const struct lab_task_record *r = snapshot_find(now, tgid);

		if (!r || r->ppid <= 1)
			return false;
		tgid = r->ppid;
		if (is_named(look, tgid))
			return true;
	}
	return false;
}

/* What of the processes asked about can not be looked at. Return: -EPERM if that is all of them. */
static int say_unseen(struct look *look, const struct snapshot *s, char *why, size_t why_size)
{
	u32 nr_readable = 0, nr_unreadable = 0, nr_compat = 0, last = 0;
	struct builder *b = look->builder;

	for (u32 i = 0; i < s->nr; i++) {
		const struct lab_task_record *r = &s->records[i];

		if (!is_asked(look, r->tgid) || (r->flags & (LAB_TASK_KTHREAD | LAB_TASK_EXITED)))
			continue;
		if (r->flags & LAB_TASK_COMPAT) {
			nr_compat++;
			if (!look->options.all)
				builder_not_seen(b, true, "process %u: 32-bit code", r->tgid);
		} else if (r->flags & LAB_TASK_UNREADABLE) {
			nr_unreadable++;
			last = r->tgid;
			if (!look->options.all)
				builder_not_seen(b, true, "process %u: no permission", r->tgid);
		} else {
			nr_readable++;
		}
	}
	if (look->options.all && nr_unreadable)
		builder_not_seen(b, false, "%u threads of other users: no permission",
				 nr_unreadable);
	if (look->options.all && nr_compat)
		builder_not_seen(b, false, "%u threads that run 32-bit code", nr_compat);
	for (u32 i = 0; i < look->options.progress->nr_skip; i++)
		builder_not_seen(b, is_asked(look, look->options.progress->skip[i]),
				 "process %u: a look at its memory did not come back in time",
				 look->options.progress->skip[i]);
	if (look->degraded[0])
		builder_not_seen(b, false, "%s", look->degraded);
	if (nr_readable || look->options.all || !nr_unreadable)
		return 0;
	snprintf(
		why, why_size,
		"process %u belongs to somebody else: run as its user or as root (CAP_SYS_PTRACE; Yama may ask for it too)",
		last);
	return -EPERM;
}

static int build(struct look *look, u32 nr_passes, const struct lab_picture **picture, char *why,
		 size_t why_size)
{
	struct look_context *c = &look->context;
	const struct snapshot *now = &look->passes[nr_passes - 1];
	int err;

	builder_free(look->builder);
	look->builder = builder_new();
	if (!look->builder || index_inner(look, now))
		return -ENOMEM;
	*c = (struct look_context){
		.builder = look->builder,
		.now = now,
		.progress = look->options.progress,
		.options = &look->options,
		.memory = memory_of,
		.private = look,
	};
	for (u32 i = 0; i + 1 < nr_passes; i++)
		c->before[i] = &look->passes[i];

	err = say_unseen(look, now, why, why_size);
	if (err)
		return err;
	for (u32 i = 0; i < now->nr; i++) {
		const struct lab_task_record *r = &now->records[i];
		u32 task;

		if (!is_asked(look, r->tgid) || (r->flags & LAB_TASK_KTHREAD))
			continue;
		task = builder_task(look->builder, r);
		builder_task_at(look->builder, task)->status |= LAB_TASK_IS_ASKED;
	}
	/* Outwards: classifying one task may add those it waits for. */
	for (u32 task = 0; task < builder_nr_tasks(look->builder); task++)
		classify(c, task);
	c->progress->tgid = 0;
	*picture = builder_finish(look->builder);
	return *picture ? 0 : -ENOMEM;
}

/*
 * The processes asked about, as the user named them: a thread's id stands for its process. One
 * clear line if one can not be had.
 */
static int check_asked(struct look *look, const struct snapshot *s, char *why, size_t why_size)
{
	for (u32 i = 0; i < look->options.nr_tgids; i++) {
		const struct lab_task_record *r = snapshot_find(s, look->tgids[i]);

		if (!r) {
			snprintf(why, why_size, "no process %u", look->tgids[i]);
			return -ESRCH;
		}
		look->tgids[i] = r->tgid;
		if (r->flags & LAB_TASK_KTHREAD) {
			snprintf(why, why_size,
				 "%u is a kernel thread: it has no user-space locks to look at",
				 r->tgid);
			return -EINVAL;
		}
		if (r->flags & LAB_TASK_COMPAT) {
			snprintf(
				why, why_size,
				"process %u runs 32-bit code: only 64-bit processes can be explained",
				r->tgid);
			return -EINVAL;
		}
		if (r->flags & LAB_TASK_EXITED) {
			bool any = false;

			for (u32 j = 0; j < s->nr && !any; j++)
				any = s->records[j].tgid == r->tgid &&
				      !(s->records[j].flags & LAB_TASK_EXITED);
			if (any)
				continue;
			snprintf(
				why, why_size,
				"process %u has ended (a zombie): its parent %u has not waited for it",
				r->tgid, r->ppid);
			return -ESRCH;
		}
	}
	return 0;
}

/* Every process with a task in a finding that touches what was asked. */
static u32 processes_in_findings(const struct lab_picture *p, u32 *tgids, u32 max)
{
	u32 nr = 0;

	for (u32 i = 0; i < p->nr_findings; i++) {
		const struct lab_finding *f = &p->findings[i];

		if (!f->asked)
			continue;
		for (u32 j = 0; j < f->nr_tasks; j++) {
			const struct lab_task *t = &p->tasks[p->finding_tasks[f->first_task + j]];
			bool known = !!(t->status & LAB_TASK_IS_GONE);

			for (u32 k = 0; k < nr && !known; k++)
				known = tgids[k] == t->tgid;
			if (!known && nr < max)
				tgids[nr++] = t->tgid;
		}
	}
	return nr;
}

/* Where a lock lies in the address space of @tgid; 0 if it does not. */
static u64 lock_address(struct memory *m, const struct lab_lock *lock)
{
	const struct mapping *maps;
	int nr;

	if (lock->space == LAB_SPACE_MM)
		return lock->address;
	if (lock->space != LAB_SPACE_INODE || lock->kind == LAB_PIPE || lock->kind == LAB_SOCKET)
		return 0;
	nr = memory_mappings(m, &maps);
	for (int i = 0; i < nr; i++)
		if (maps[i].ino == lock->space_b && maps[i].dev == lock->space_a &&
		    lock->address >= maps[i].pgoff &&
		    lock->address < maps[i].pgoff + (maps[i].end - maps[i].start))
			return maps[i].start + (lock->address - maps[i].pgoff);
	return 0;
}

struct detail {
	struct stack_request *stacks;
	u32 *stack_tasks;
	u32 nr_stacks;
	struct symbol_request *symbols;
	u32 *symbol_locks;
	u32 nr_symbols;
};

static void want_stack(struct detail *d, const struct builder *b, u32 task, u32 limit)
{
	for (u32 i = 0; i < d->nr_stacks; i++)
		if (d->stack_tasks[i] == task)
			return;
	if (d->nr_stacks >= limit || !builder_record(b, task))
		return;
	d->stack_tasks[d->nr_stacks] = task;
	d->stacks[d->nr_stacks++] = (struct stack_request){ .record = builder_record(b, task) };
}

static void want_symbol(struct detail *d, struct memory *m, const struct lab_picture *p, u32 lock,
			u32 limit)
{
	u64 address;

	for (u32 i = 0; i < d->nr_symbols; i++)
		if (d->symbol_locks[i] == lock)
			return;
	if (d->nr_symbols >= limit || p->locks[lock].symbol)
		return;
	address = lock_address(m, &p->locks[lock]);
	if (!address)
		return;
	d->symbol_locks[d->nr_symbols] = lock;
	d->symbols[d->nr_symbols++] = (struct symbol_request){ .address = address };
}

/*
 * Stacks and names for the tasks of one process that are in a finding, the first max_stacks of each
 * finding.
 */
static void detail_process(struct look *look, struct lab_picture *p, u32 tgid)
{
	u32 max = look->options.max_stacks ? look->options.max_stacks : DEFAULT_STACKS;
	u32 most_stacks = 0, most_symbols = 0;
	struct memory *m = memory_of(&look->context, tgid);
	struct detail d = { 0 };

	if (!m)
		return;
	for (u32 i = 0; i < p->nr_findings; i++)
		most_stacks += p->findings[i].nr_tasks < max ? p->findings[i].nr_tasks : max;
	most_symbols = 8 * most_stacks + MAX_NAMES;
	d.stacks = calloc(most_stacks, sizeof(*d.stacks));
	d.stack_tasks = calloc(most_stacks, sizeof(*d.stack_tasks));
	d.symbols = calloc(most_symbols, sizeof(*d.symbols));
	d.symbol_locks = calloc(most_symbols, sizeof(*d.symbol_locks));
	if (!d.stacks || !d.stack_tasks || !d.symbols || !d.symbol_locks)
		goto out;

	for (u32 i = 0; i < p->nr_findings; i++) {
		const struct lab_finding *f = &p->findings[i];

		if (!f->asked)
			continue;
		for (u32 j = 0; j < f->nr_locks && j < MAX_NAMES; j++)
			want_symbol(&d, m, p, p->finding_locks[f->first_lock + j], most_symbols);
		for (u32 j = 0; j < f->nr_tasks && j < max; j++) {
			u32 task = p->finding_tasks[f->first_task + j];
			const struct lab_task *t = &p->tasks[task];

			if (t->tgid != tgid || (t->status & LAB_TASK_IS_GONE))
				continue;
			if (look->options.stacks)
				want_stack(&d, look->builder, task, most_stacks);
			for (u32 k = 0; k < t->nr_holds; k++)
				want_symbol(&d, m, p, p->holds[t->first_hold + k].lock,
					    most_symbols);
		}
	}
	/*
	 * This has a deadline of its own, and waits for our own children: no reason to suspect the
	 * target.
	 */
	look->context.progress->tgid = 0;
	stacks_resolve(look->builder, m, tgid, d.stacks, d.nr_stacks, d.symbols, d.nr_symbols,
		       look->options.patience_ns);
	for (u32 i = 0; i < d.nr_stacks; i++) {
		struct lab_task *t = &p->tasks[d.stack_tasks[i]];

		t->stack = d.stacks[i].frames;
		t->nr_frames = d.stacks[i].nr_frames;
		t->stack_note = d.stacks[i].note;
	}
	for (u32 i = 0; i < d.nr_symbols; i++)
		if (d.symbols[i].symbol)
			p->locks[d.symbol_locks[i]].symbol = d.symbols[i].symbol;
out:
	free(d.stacks);
	free(d.stack_tasks);
	free(d.symbols);
	free(d.symbol_locks);
}

static int detail(struct look *look, const struct lab_picture **picture)
{
	u32 tgids[64];
	u32 nr = processes_in_findings(*picture, tgids, 64);
	u64 begin = now_ns();

	if (look->options.held && nr) {
		for (u32 i = 0; i < nr; i++)
			held_scan(&look->context, tgids[i]);
		/*
		 * A hold that was found by scanning may add a lock, never a wait: the findings stay
		 * what they are.
		 */
		*picture = builder_finish(look->builder);
		if (!*picture)
			return -ENOMEM;
	}
	look->timing.held_ns = now_ns() - begin;
	begin = now_ns();
	for (u32 i = 0; i < nr; i++)
		detail_process(look, (struct lab_picture *)*picture, tgids[i]);
	look->timing.stacks_ns = now_ns() - begin;
	look->context.progress->tgid = 0;
	return 0;
}

static bool has_asked_finding(const struct lab_picture *p)
{
	for (u32 i = 0; i < p->nr_findings; i++)
		if (p->findings[i].asked)
			return true;
	return false;
}

static int take(struct look *look, struct snapshotter *from, u32 pass, char *why, size_t why_size)
{
	u64 begin = now_ns();
	int err = snapshotter_take(from, &look->passes[pass]);

	if (err)
		snprintf(why, why_size, "the look at the tasks failed: %s", strerror(-err));
	look->timing.snapshot_ns[pass] = now_ns() - begin;
	return err;
}

/*
 * Passes @from .. NR_PASSES - 1, with a pause before each but the first of a look. The last one
 * sees everybody; those that confirm it may see less.
 */
static int take_from(struct look *look, u32 from, struct snapshotter *confirm, char *why,
		     size_t why_size)
{
	u64 ns = look->options.between_ns ? look->options.between_ns : BETWEEN_NS;
	const struct timespec between = { .tv_nsec = (long)ns };

	for (u32 pass = from; pass < NR_PASSES; pass++) {
		int err;

		if (pass)
			nanosleep(&between, NULL);
		err = take(look, pass + 1 < NR_PASSES ? confirm : look->snapshotter, pass, why,
			   why_size);
		if (err)
			return err;
	}
	return 0;
}

static int judge_passes(struct look *look, u32 nr_passes, const struct lab_picture **picture,
			char *why, size_t why_size)
{
	u64 begin;
	int err;

	memories_close(look);
	err = check_asked(look, &look->passes[nr_passes - 1], why, why_size);
	if (err)
		return err;
	begin = now_ns();
	err = build(look, nr_passes, picture, why, why_size);
	look->timing.judge_ns += now_ns() - begin;
	return err;
}

void look_expect_finding(struct look *look)
{
	look->expects = true;
}

static bool is_proven(const struct lab_picture *p)
{
	for (u32 i = 0; i < p->nr_findings; i++)
		if (p->findings[i].asked && p->findings[i].certainty != LAB_PROVEN)
			return false;
	return true;
}

/* Return: 1 if that was enough, 0 if a whole look is needed, or -errno. */
static int look_near(struct look *look, const struct lab_picture **picture, char *why,
		     size_t why_size)
{
	int err = take_from(look, 0, look->near, why, why_size);

	if (!err)
		err = judge_passes(look, NR_PASSES, picture, why, why_size);
	if (err)
		return err;
	/* Tasks of other processes were seen but once: with them in it, nothing is proven yet. */
	return has_asked_finding(*picture) && is_proven(*picture);
}

int look_once(struct look *look, const struct lab_picture **picture, char *why, size_t why_size)
{
	bool expects = look->expects;
	int err;

	look->timing = (struct look_timing){ 0 };
	look->expects = false;
	if (expects && look->near) {
		err = look_near(look, picture, why, why_size);
		if (err < 0)
			return err;
		if (err)
			return look->options.later ? 0 : detail(look, picture);
	}
	err = take(look, look->snapshotter, 0, why, why_size);
	if (!err)
		err = judge_passes(look, 1, picture, why, why_size);
	if (err || !has_asked_finding(*picture))
		return err;
	/* Something is wrong, or seems so: look again, twice. */
	err = take_from(look, 1, look->snapshotter, why, why_size);
	if (!err)
		err = judge_passes(look, NR_PASSES, picture, why, why_size);
	if (err || !has_asked_finding(*picture))
		return err;
	return look->options.later ? 0 : detail(look, picture);
}

int look_detail(struct look *look, const struct lab_picture **picture)
{
	return has_asked_finding(*picture) ? detail(look, picture) : 0;
}

const struct lab_task_record *look_record(const struct look *look, u32 task)
{
	return look->builder ? builder_record(look->builder, task) : NULL;
}

const struct look_timing *look_timing(const struct look *look)
{
	return &look->timing;
}

enum snapshot_source look_source(const struct look *look)
{
	return look->source;
}

struct look *look_open(const struct look_options *options, char *why, size_t why_size)
{
	struct look *look = calloc(1, sizeof(*look));
	int err;

	if (!look)
		goto out_memory;
	look->options = *options;
	look->tgids = calloc(options->nr_tgids ? options->nr_tgids : 1, sizeof(*look->tgids));
	if (!look->tgids)
		goto out_memory;
	for (u32 i = 0; i < options->nr_tgids; i++)
		look->tgids[i] = options->tgids[i];
	look->options.tgids = look->tgids;

	if (options->source != LOOK_PROC) {
		look->source = SNAPSHOT_BPF;
		look->snapshotter =
			snapshotter_open(SNAPSHOT_BPF, 0, options->progress, why, why_size);
		if (!look->snapshotter && options->source == LOOK_BPF)
			goto out_free;
		if (!look->snapshotter)
			snprintf(look->degraded, sizeof(look->degraded),
				 "running threads (spin loops) and how long waits have lasted: %s",
				 why);
	}
	if (!look->snapshotter) {
		look->source = SNAPSHOT_PROC;
		look->snapshotter =
			snapshotter_open(SNAPSHOT_PROC, 0, options->progress, why, why_size);
	}
	if (!look->snapshotter)
		goto out_free;
	if (options->near && look->source == SNAPSHOT_BPF && options->nr_tgids == 1)
		look->near = snapshotter_open(SNAPSHOT_BPF, options->tgids[0],
					      options->progress, why, why_size);
	return look;

out_memory:
	snprintf(why, why_size, "out of memory");
	errno = ENOMEM;
out_free:
	err = errno;
	look_close(look);
	errno = err;
	return NULL;
}

void look_close(struct look *look)
{
	if (!look)
		return;
	memories_close(look);
	builder_free(look->builder);
	for (u32 i = 0; i < NR_PASSES; i++)
		snapshot_free(&look->passes[i]);
	snapshotter_close(look->near);
	snapshotter_close(look->snapshotter);
	free(look->inner);
	free(look->tgids);
	free(look);
}
