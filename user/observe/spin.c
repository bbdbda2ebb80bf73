// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * spin - threads that wait without a system call
 *
 * A thread that spins looks like one that works: it is running. What tells them apart is that
 * nothing changes. First, for nearly nothing: is the code round its instruction pointer a loop that
 * only reads and tries (loop.c)? Threads at work are hardly ever found in one. Only then the
 * process is sampled, for at least a tenth of a second:
 *
 * - the registers of a running thread are those of its last entry into the kernel, a timer tick as
 * a rule. A look counts only after 10 ms more of CPU time, which is a tick at every HZ that Linux
 * has, so that it is not the same look again;
 * - NR_LOOKS such looks each find it in the same loop, with the same values in every register that
 * the loop does not write, and in all registers where the instruction pointer repeats;
 * - in between, the words that the loop reads are read thousands of times and never change. A lock
 * that changes hands, however often it is found held, shows here: it is free or has another owner
 * or number of waiters now and then;
 * - and no other thread of the process ran at all in that time, unless the lock itself says who its
 * owner is.
 *
 * Then it waits for that word. Its owner is known only if the thread is about to put its own TID
 * there: the register that its compare-and-exchange would store. Then what stands there now is a
 * TID as well. Otherwise any other thread of the process could be the one to change it: a group.
 * Not accused, because somebody unseen may write: shared memory without such an owner, threads with
 * a debugger, or a signal handler in the process (the flag that a handler sets is a usual sight).
 *
 * What is not found: loops with a call in them (an inlined lock is needed; pthread_spin_lock is one
 * loop), with a back-off that counts, with sched_yield(), or that read through thread-local
 * storage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "jail.h"
#include "look.h"
#include "loop.h"

#define NR_LOOKS	6
#define LOOK_RUNTIME_NS 10000000ull /* CPU time between two looks that count */
#define SAMPLE_NS	100000000ull /* at least */
/* At most, unless told: machines are busy, and the thread has to get its CPU time. */
#define SAMPLE_LIMIT_NS 2000000000ull
#define READS_PER_BURST 16
#define BURSTS_PER_LOOK 20
#define MAX_SPINNERS	256 /* in one process */
#define DECODE_NS	500000000ull
#define DECODE_MEMORY	(32u << 20)
#define SAME_IP_LOOKS \
	4 /* of NR_LOOKS or more, for a loop with a register that might be a counter */
#define MAX_LOOKS 64

struct code {
	u8 bytes[LOOP_BEFORE + LOOP_AFTER];
	u32 skip, valid;
};

struct spinner {
	const struct lab_task_record *r;
	struct code code;
	struct loop_shape shape;
	u64 address[LOOP_MAX_OPERANDS];
	u64 value[LOOP_MAX_OPERANDS];
	u64 ips[MAX_LOOKS];
	__u64 regs[MAX_LOOKS][LAB_NR_REGS];
	u32 nr_looks;
	u64 runtime_ns;
	bool is_out; /* does something else than wait */
	u32 word; /* the operand that is waited for */
};

/* One address space. */
struct spin_process {
	u64 mm;
	u32 tgid;
	struct spinner *spinners;
	u32 nr_spinners;
	bool others_ran;
	struct spin_process *next;
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static void pause_ns(long ns)
{
	struct timespec t = { .tv_nsec = ns };

	nanosleep(&t, NULL);
}

static bool is_running(const struct lab_task_record *r)
{
	return r->state == 'R' && !(r->flags & (LAB_TASK_KTHREAD | LAB_TASK_EXITED |
						LAB_TASK_EXITING | LAB_TASK_COMPAT));
}

/* As much of the code round the instruction pointer as can be had. */
static bool read_code(struct memory *m, u64 ip, struct code *code)
{
	ssize_t got;

	if (ip < LOOP_BEFORE || ip + LOOP_AFTER < ip)
		return false;
	got = memory_read(m, ip - LOOP_BEFORE, code->bytes, sizeof(code->bytes));
	code->skip = 0;
	if (got <= LOOP_BEFORE) {
		/* Near the first page of the text: without what comes before. */
		got = memory_read(m, ip, code->bytes + LOOP_BEFORE, LOOP_AFTER);
		code->skip = LOOP_BEFORE;
	}
	if (got <= 0)
		return false;
	code->valid = (u32)got;
	return true;
}

struct decode {
	const struct spinner *spinners;
	u32 nr;
};

static void decode_in_jail(struct jail_child *child, void *arg)
{
	const struct decode *d = arg;

	for (u32 i = 0; i < d->nr; i++) {
		const struct spinner *s = &d->spinners[i];
		struct loop_shape shape;

		loop_decode(s->code.bytes, s->code.skip, s->code.valid, s->r->regs[LAB_REG_IP],
			    &shape);
		if (jail_reply(child, &shape, sizeof(shape)))
			return;
	}
}

/* The bytes are the target's choice, and a disassembler is a parser: it runs where it can do no
 * harm. */
static void decode(struct spinner *spinners, u32 nr)
{
	struct decode d = { .spinners = spinners, .nr = nr };
	struct jail jail = {
		.deadline_ns = jail_now_ns() + DECODE_NS,
		.memory = DECODE_MEMORY,
		.reply_size = nr * sizeof(struct loop_shape),
	};
	const struct loop_shape *shapes;
	size_t size;
	void *reply;

	jail_run(&jail, decode_in_jail, &d, &reply, &size);
	shapes = reply;
	for (u32 i = 0; i < nr; i++) {
		bool answered = (i + 1) * sizeof(*shapes) <= size;

		spinners[i].is_out = !answered || !shapes[i].waits || !loop_is_sane(&shapes[i]);
		if (!spinners[i].is_out)
			memcpy(&spinners[i].shape, &shapes[i], sizeof(*shapes));
	}
	free(reply);
}

static bool read_word(struct memory *m, u64 address, u8 size, u64 *value)
{
	*value = 0;
	return memory_read(m, address, value, size) == size;
}

/* Where the operands lie, from registers that the loop does not change. */
static bool find_operands(struct memory *m, struct spinner *s)
{
	for (u32 i = 0; i < s->shape.nr_operands; i++) {
		const struct loop_operand *o = &s->shape.operands[i];
		u64 address = (u64)o->disp;

		if (o->via != LOOP_NO_REG)
			address += s->value[o->via];
		if (o->base != LOOP_NO_REG)
			address += s->r->regs[o->base];
		if (o->index != LOOP_NO_REG)
			address += s->r->regs[o->index] * o->scale;
		s->address[i] = address;
		if (!read_word(m, address, o->is_pointer ? 8 : o->size, &s->value[i]))
			return false;
	}
	return true;
}

static bool is_on_own_stack(struct memory *m, const struct spinner *s, u64 address)
{
	const struct mapping *stack = memory_mapping_at(m, s->r->regs[LAB_REG_SP]);

	return stack && address >= s->r->regs[LAB_REG_SP] && address < stack->end &&
	       address - s->r->regs[LAB_REG_SP] < 4096;
}

/*
 * Which of the operands it waits for: the one that it tries to take; otherwise the first that is no
 * pointer and not in its own frame (its ticket). The one word that is modified must be the only
 * one, or the loop does more than wait.
 */
static bool choose_word(struct memory *m, struct spinner *s)
{
	u32 chosen = LAB_NONE, modified = LAB_NONE;

	for (u32 i = 0; i < s->shape.nr_operands; i++) {
		const struct loop_operand *o = &s->shape.operands[i];

		if (o->is_modified) {
			if (modified != LAB_NONE && s->address[modified] != s->address[i])
				return false;
			modified = i;
		} else if (chosen == LAB_NONE && !o->is_pointer &&
			   !is_on_own_stack(m, s, s->address[i])) {
			chosen = i;
		}
	}
	s->word = modified != LAB_NONE ? modified : chosen;
	return s->word != LAB_NONE;
}

/* The vvar page changes with the clock, and whatever else has brackets is the kernel's too; but the
 * heap and the stacks. */
static bool is_kernels(const struct mapping *map)
{
	return map && map->path[0] == '[' && strncmp(map->path, "[heap", 5) &&
	       strncmp(map->path, "[stack", 6) && strncmp(map->path, "[anon", 5);
}

static bool prepare(struct memory *m, struct spinner *s)
{
	if (!find_operands(m, s) || !choose_word(m, s))
		return false;
	for (u32 i = 0; i < s->shape.nr_operands; i++)
		if (is_kernels(memory_mapping_at(m, s->address[i])))
			return false;
	return true;
}

static bool words_hold_still(struct memory *m, const struct spinner *s)
{
	for (u32 i = 0; i < s->shape.nr_operands; i++) {
		u64 value;

		if (!read_word(m, s->address[i],
			       s->shape.operands[i].is_pointer ? 8 : s->shape.operands[i].size,
			       &value) ||
		    value != s->value[i])
			return false;
	}
	return true;
}

static bool is_in_loop(const struct spinner *s, u64 ip)
{
	for (u32 i = 0; i < s->shape.nr_code; i++)
		if (s->r->regs[LAB_REG_IP] + (u64)(s64)s->shape.code[i] == ip)
			return true;
	return false;
}

static bool same_registers(const __u64 *a, const __u64 *b, u32 but)
{
	for (u32 i = 0; i < LAB_REG_IP; i++)
		if (!(but & 1u << i) && a[i] != b[i])
			return false;
	return true;
}

/* Return: false if this look shows that it does something else. */
static bool look_at(struct spinner *s, const struct lab_task_record *r)
{
	if (!r || r->start_ns != s->r->start_ns || r->state != 'R' || !(r->flags & LAB_TASK_REGS) ||
	    (r->flags & LAB_TASK_SIGNAL))
		return false;
	if (!is_in_loop(s, r->regs[LAB_REG_IP]) ||
	    !same_registers(s->r->regs, r->regs, s->shape.written))
		return false;
	for (u32 i = 0; i < s->nr_looks; i++)
		if (s->regs[i][LAB_REG_IP] == r->regs[LAB_REG_IP] &&
		    !same_registers(s->regs[i], r->regs, 0))
			return false;
	if (s->nr_looks && r->runtime_ns - s->runtime_ns < LOOK_RUNTIME_NS)
		return true;
	if (s->nr_looks < MAX_LOOKS) {
		memcpy(s->regs[s->nr_looks], r->regs, sizeof(r->regs));
		s->nr_looks++;
		s->runtime_ns = r->runtime_ns;
	}
	return true;
}

static bool has_looks_enough(const struct spinner *s)
{
	u32 most = 0;

	if (s->nr_looks < NR_LOOKS)
		return false;
	if (!s->shape.accumulates)
		return true;
	for (u32 i = 0; i < s->nr_looks; i++) {
		u32 same = 0;

		for (u32 j = 0; j < s->nr_looks; j++)
			same += s->regs[i][LAB_REG_IP] == s->regs[j][LAB_REG_IP];
		if (same > most)
			most = same;
	}
	return most >= SAME_IP_LOOKS;
}

static struct spinner *spinner_of(struct spin_process *p, u32 tid)
{
	for (u32 i = 0; i < p->nr_spinners; i++)
		if (p->spinners[i].r->tid == tid && !p->spinners[i].is_out)
			return &p->spinners[i];
	return NULL;
}

/* Did anybody of this address space run who does not spin? */
static bool others_ran(const struct look_context *c, struct spin_process *p,
		       const struct snapshot *s)
{
	for (u32 i = 0; i < s->nr; i++) {
		const struct lab_task_record *r = &s->records[i], *then;

		if (r->tgid != p->tgid || (r->flags & LAB_TASK_EXITED) || spinner_of(p, r->tid))
			continue;
		then = snapshot_find(c->now, r->tid);
		if (!then || then->start_ns != r->start_ns || then->switches != r->switches ||
		    r->state == 'R')
			return true;
	}
	return false;
}

static u32 nr_left(const struct spin_process *p)
{
	u32 nr = 0;

	for (u32 i = 0; i < p->nr_spinners; i++)
		nr += !p->spinners[i].is_out;
	return nr;
}

static bool is_done(const struct spin_process *p, u64 begin)
{
	if (!nr_left(p))
		return true;
	if (now_ns() - begin < SAMPLE_NS)
		return false;
	for (u32 i = 0; i < p->nr_spinners; i++)
		if (!p->spinners[i].is_out && !has_looks_enough(&p->spinners[i]))
			return false;
	return true;
}

static void read_words(struct look_context *c, struct spin_process *p, struct memory *m)
{
	for (u32 burst = 0; burst < BURSTS_PER_LOOK; burst++) {
		c->progress->tgid = p->tgid;
		c->progress->steps++;
		for (u32 i = 0; i < p->nr_spinners; i++)
			for (u32 n = 0; n < READS_PER_BURST && !p->spinners[i].is_out; n++)
				p->spinners[i].is_out = !words_hold_still(m, &p->spinners[i]);
		/* It is the machine that decides how long we sleep, not the target. */
		c->progress->tgid = 0;
		/* Uneven, so that nothing that is regular hides between the bursts. */
		pause_ns(50000 + (long)(burst * 37 % 11) * 10000);
	}
}

static void sample(struct look_context *c, struct spin_process *p, struct memory *m)
{
	u64 begin, limit;
	struct snapshot s = { 0 };
	struct snapshotter *snapshotter;
	u32 outer_map = c->progress->looking_map;
	char why[256];

	/* The kernel verifies a program meanwhile, which takes long on a busy machine: not the
	 * target's doing. */
	c->progress->tgid = 0;
	c->progress->steps++;
	snapshotter = snapshotter_open(SNAPSHOT_BPF, p->tgid, c->progress, why, sizeof(why));
	if (!snapshotter) {
		builder_not_seen(c->builder, false, "process %u: threads that may spin: %s",
				 p->tgid, why);
		goto out_none;
	}
	begin = now_ns();
	limit = begin + (c->options->patience_ns ? c->options->patience_ns : SAMPLE_LIMIT_NS);
	do {
		c->progress->steps++;
		if (snapshotter_take(snapshotter, &s))
			goto out_close;
		for (u32 i = 0; i < p->nr_spinners; i++) {
			struct spinner *spinner = &p->spinners[i];

			if (!spinner->is_out)
				spinner->is_out =
					!look_at(spinner, snapshot_find(&s, spinner->r->tid));
		}
		p->others_ran |= others_ran(c, p, &s);
		read_words(c, p, m);
	} while (!is_done(p, begin) && now_ns() < limit);

	for (u32 i = 0; i < p->nr_spinners; i++) {
		struct spinner *spinner = &p->spinners[i];
		struct code code;

		if (spinner->is_out)
			continue;
		if (!has_looks_enough(spinner)) {
			builder_not_seen(
				c->builder, false,
				"tid %u: whether it spins: it had too little CPU time to be told",
				spinner->r->tid);
			spinner->is_out = true;
		} else if (!read_code(m, spinner->r->regs[LAB_REG_IP], &code) ||
			   code.valid != spinner->code.valid ||
			   memcmp(code.bytes + code.skip, spinner->code.bytes + code.skip,
				  code.valid)) {
			spinner->is_out = true; /* its code was changed meanwhile */
		}
	}
	snapshot_free(&s);
	snapshotter_close(snapshotter);
	c->progress->looking_map = outer_map; /* the look's own, whose place ours took */
	return;

out_close:
	snapshot_free(&s);
	snapshotter_close(snapshotter);
out_none:
	c->progress->looking_map = outer_map;
	for (u32 i = 0; i < p->nr_spinners; i++)
		p->spinners[i].is_out = true;
}

/*
 * The TID that stands in the word if TIDs are what this lock is taken with: the thread's own is
 * what its compare-and-exchange would put there. The two upper bits are flags in every such word
 * (FUTEX_WAITERS, FUTEX_OWNER_DIED).
 */
static u32 owner_in_word(const struct spinner *s)
{
	const struct loop_operand *o = &s->shape.operands[s->word];

	if (o->takes_with == LOOP_NO_REG || o->size < 4 || (s->shape.written & 1u << o->takes_with))
		return 0;
	if (((u32)s->r->regs[o->takes_with] & 0x3fffffff) != s->r->ns_tid)
		return 0;
	return (u32)s->value[s->word] & 0x3fffffff;
}

/* Somebody unseen may change the word: then it is no use to know that the thread waits for it. */
static bool may_be_changed_from_outside(struct memory *m, const struct spinner *s)
{
	const struct mapping *map = memory_mapping_at(m, s->address[s->word]);

	return !map || (map->flags & MAPPING_SHARED) ||
	       (s->r->flags & (LAB_TASK_SIGCAUGHT | LAB_TASK_PTRACED));
}

/* Runs, or wakes by itself. */
static bool is_alive(const struct lab_task_record *r)
{
	return is_running(r) || r->syscall == __NR_nanosleep ||
	       r->syscall == __NR_clock_nanosleep || r->syscall == __NR_restart_syscall;
}

/*
 * Who is left of those that could spin, if it can matter. Somebody in this address space who is
 * alive and does not spin may change any word; then only a lock that names its owner can tell us
 * more.
 */
static bool is_worth_sampling(const struct look_context *c, struct spin_process *p,
			      struct memory *m)
{
	bool is_somebody_alive = false;

	for (u32 i = 0; i < p->nr_spinners; i++)
		if (!p->spinners[i].is_out && !owner_in_word(&p->spinners[i]))
			p->spinners[i].is_out = may_be_changed_from_outside(m, &p->spinners[i]);
	for (u32 i = 0; i < c->now->nr && !is_somebody_alive; i++)
		is_somebody_alive = c->now->records[i].mm == p->mm &&
				    is_alive(&c->now->records[i]) &&
				    !spinner_of(p, c->now->records[i].tid);
	for (u32 i = 0; i < p->nr_spinners && is_somebody_alive; i++)
		if (!p->spinners[i].is_out)
			p->spinners[i].is_out = !owner_in_word(&p->spinners[i]);
	return nr_left(p) > 0;
}

static struct spin_process *process_of(struct look_context *c, const struct lab_task_record *r)
{
	struct memory *m = c->memory(c, r->tgid);
	struct spin_process *p;
	u32 nr = 0;

	for (p = c->spins; p; p = p->next)
		if (p->mm == r->mm)
			return p;
	p = builder_alloc(c->builder, sizeof(*p));
	p->mm = r->mm;
	p->tgid = r->tgid;
	p->next = c->spins;
	c->spins = p;
	if (!m)
		return p;
	for (u32 i = 0; i < c->now->nr; i++)
		nr += c->now->records[i].mm == r->mm && is_running(&c->now->records[i]);
	/* More runnable threads than that are a load, not a deadlock. */
	if (nr > MAX_SPINNERS)
		return p;
	p->spinners = builder_alloc(c->builder, nr * sizeof(*p->spinners));
	for (u32 i = 0; i < c->now->nr; i++) {
		const struct lab_task_record *other = &c->now->records[i];
		struct spinner *s = &p->spinners[p->nr_spinners];

		if (other->mm != r->mm || !is_running(other))
			continue;
		/* Two processes in one address space (vfork) are not sampled together. */
		if (other->tgid != r->tgid)
			p->others_ran = true;
		else if ((other->flags & LAB_TASK_REGS) &&
			 read_code(m, other->regs[LAB_REG_IP], &s->code))
			p->spinners[p->nr_spinners++].r = other;
	}
	if (!p->nr_spinners)
		return p;
	/* From here on in a jail: nothing of the target is waited for. */
	c->progress->tgid = 0;
	c->progress->steps++;
	decode(p->spinners, p->nr_spinners);
	for (u32 i = 0; i < p->nr_spinners; i++)
		p->spinners[i].is_out = p->spinners[i].is_out || !prepare(m, &p->spinners[i]);
	if (is_worth_sampling(c, p, m)) {
		sample(c, p, m);
	} else {
		for (u32 i = 0; i < p->nr_spinners; i++)
			p->spinners[i].is_out = true;
	}
	c->progress->tgid = 0;
	return p;
}

/* Records the owner that the word names. Return: false if it is nobody who could be. */
static bool add_owner(struct look_context *c, const struct lab_task_record *r, u32 lock, u32 owner)
{
	u32 tid = look_translate_tid(c, r, owner);
	const struct lab_task_record *holder = tid ? snapshot_find(c->now, tid) : NULL;
	char path[64];
	u32 task;

	if (holder && holder->mm != r->mm)
		return false;
	/* Gone, or so new that the snapshot does not have it? */
	snprintf(path, sizeof(path), "/proc/%u/task/%u", r->tgid, owner);
	if (!holder && (!c->now->whole || !access(path, F_OK)))
		return false;
	builder_lock_at(c->builder, lock)->owner_tid = owner;
	task = holder ? builder_task(c->builder, holder)
		      : builder_gone_task(c->builder, r->tgid, owner);
	builder_hold(c->builder, task, lock, LAB_HOLD_OWNER, LAB_EXCLUSIVE, true, 1);
	return true;
}

/**
 * spin_classify() - a running thread that only waits for a word of memory
 * @c: the look
 * @r: a task in state R
 * @task: its index
 *
 * Takes a tenth of a second or more, but only for a process with a thread in a loop that can do
 * nothing but wait.
 *
 * Return: true if it waits, and then its wait is filled in.
 */
bool spin_classify(struct look_context *c, const struct lab_task_record *r, u32 task)
{
	const struct mapping *map;
	struct spin_process *p;
	struct lab_lock_id id;
	struct spinner *s;
	u64 address;
	u32 lock, owner, wakers;
	bool unseen = false;

	if (!is_running(r) || !r->mm)
		return false;
	if (!(r->flags & LAB_TASK_REGS)) {
		builder_not_seen(
			c->builder, false,
			"process %u: whether its running threads spin (their registers need BPF: root)",
			r->tgid);
		return false;
	}
	p = process_of(c, r);
	s = spinner_of(p, r->tid);
	if (!s)
		return false;
	address = s->address[s->word];
	map = memory_mapping_at(c->memory(c, r->tgid), address);
	if (!map)
		return false;
	if (!look_word_id(c, r, address, &id))
		return false;
	lock = builder_lock(c->builder, &id, LAB_SPINLOCK, 0);
	builder_lock_at(c->builder, lock)->word = (u32)s->value[s->word];
	owner = owner_in_word(s);
	if (!owner || !add_owner(c, r, lock, owner)) {
		/* Anybody with this memory may be the one: was somebody not asleep all the time? */
		unseen = id.space != LAB_SPACE_MM || (map->flags & MAPPING_SHARED) ||
			 p->others_ran || (r->flags & (LAB_TASK_SIGCAUGHT | LAB_TASK_PTRACED));
		wakers = look_mm_group(c, r);
		builder_lock_at(c->builder, lock)->wakers = wakers;
		builder_lock_at(c->builder, lock)->unseen |= unseen;
	}
	builder_wait(c->builder, task, lock, LAB_EXCLUSIVE);
	builder_task_at(c->builder, task)->status |= LAB_TASK_SPINS | LAB_TASK_IS_STEADY;
	builder_task_at(c->builder, task)->call = "a spin loop";
	return true;
}
