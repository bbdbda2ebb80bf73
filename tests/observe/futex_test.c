// SPDX-License-Identifier: GPL-2.0
/*
 * futex_test - who may be called an owner, and what a hostile or unlucky target can not make us say
 *
 * Records by hand, memory that is not there: memory.c, snapshot.c and look.c are replaced by the
 * few lines below.
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "kselftest_harness.h"

#include "observe/glibc.h"
#include "observe/look.h"

#define MM_A	 0xffff888000001000ull
#define MM_B	 0xffff888000002000ull
#define NS	 0xf0000001u
#define NS_INNER 0xf0000002u
#define TEXT	 0x400000ull /* of a libc */
#define PROGRAM	 0x500000ull
#define DATA	 0x600000ull
#define SHARED	 0x700000ull
#define STACK	 0x7f0000000000ull
#define SIZE	 0x10000ull
#define INO	 77

/* ---- a world without processes */

struct memory {
	u32 tgid;
	bool is_unreadable, is_gone, no_shared;
};

static struct {
	u8 text[SIZE], program[SIZE], data[SIZE], shared[SIZE], stack[SIZE];
	struct memory memories[16];
	u32 nr_memories;
	struct lab_task_record now[32], before[2][32];
	u32 nr;
	u64 seed;
	bool is_random;
} * world;

static struct mapping maps[] = {
	{ .start = TEXT,
	  .end = TEXT + SIZE,
	  .ino = 5,
	  .flags = MAPPING_READ | MAPPING_EXEC,
	  .path = "/lib/libc.so.6" },
	{ .start = PROGRAM,
	  .end = PROGRAM + SIZE,
	  .ino = 6,
	  .flags = MAPPING_READ | MAPPING_EXEC,
	  .path = "/bin/program" },
	{ .start = DATA, .end = DATA + SIZE, .flags = MAPPING_READ | MAPPING_WRITE, .path = "" },
	{ .start = SHARED,
	  .end = SHARED + SIZE,
	  .pgoff = 0x2000,
	  .dev = 3,
	  .ino = INO,
	  .flags = MAPPING_READ | MAPPING_WRITE | MAPPING_SHARED,
	  .path = "/dev/shm/x" },
	{ .start = STACK,
	  .end = STACK + SIZE,
	  .flags = MAPPING_READ | MAPPING_WRITE,
	  .path = "[stack]" },
};

static u8 *byte_at(u64 address)
{
	u8 *const bytes[] = { world->text, world->program, world->data, world->shared,
			      world->stack };

	for (size_t i = 0; i < sizeof(maps) / sizeof(maps[0]); i++)
		if (address >= maps[i].start && address < maps[i].end)
			return bytes[i] + (address - maps[i].start);
	return NULL;
}

ssize_t memory_read(struct memory *m, u64 address, void *buffer, size_t size)
{
	size_t done;

	if (m->is_unreadable)
		return -EPERM;
	if (m->is_gone)
		return -ESRCH;
	for (done = 0; done < size; done++) {
		u8 *byte = byte_at(address + done);

		if (!byte)
			break;
		((u8 *)buffer)[done] = *byte;
	}
	return done ? (ssize_t)done : -EIO;
}

int memory_mappings(struct memory *m, const struct mapping **mappings)
{
	if (m->is_unreadable)
		return -EACCES;
	if (m->is_gone)
		return -ESRCH;
	*mappings = maps;
	/* The shared one and the stack come last. */
	return m->no_shared ? 3 : 5;
}

const struct mapping *memory_mapping_at(struct memory *m, u64 address)
{
	const struct mapping *all;
	int nr = memory_mappings(m, &all);

	for (int i = 0; i < nr; i++)
		if (address >= all[i].start && address < all[i].end)
			return &all[i];
	return NULL;
}

const struct lab_task_record *snapshot_find(const struct snapshot *s, u32 tid)
{
	for (u32 i = 0; i < s->nr; i++)
		if (s->records[i].tid == tid)
			return &s->records[i];
	return NULL;
}

struct memory *memory_open(u32 tgid, struct look_progress *progress)
{
	return NULL;
}

void memory_close(struct memory *m)
{
}

u32 look_translate_tid(struct look_context *c, const struct lab_task_record *r, u32 ns_tid)
{
	for (u32 i = 0; i < c->now->nr; i++)
		if (c->now->records[i].ns == r->ns && c->now->records[i].ns_tid == ns_tid)
			return c->now->records[i].tid;
	return 0;
}

u32 look_mm_group(struct look_context *c, const struct lab_task_record *r)
{
	u32 group = builder_group(c->builder, "mm", "the others", false);

	return group;
}

static struct memory *memory_of(struct look_context *c, u32 tgid)
{
	for (u32 i = 0; i < world->nr_memories; i++)
		if (world->memories[i].tgid == tgid)
			return &world->memories[i];
	if (world->nr_memories == 16)
		return NULL;
	world->memories[world->nr_memories].tgid = tgid;
	return &world->memories[world->nr_memories++];
}

FIXTURE(futex)
{
	struct snapshot now, before[2];
	struct look_context c;
	struct look_progress progress;
	const struct lab_picture *p;
};

FIXTURE_SETUP(futex)
{
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, world);
	self->now.whole = true;
	self->c.builder = builder_new();
	self->c.memory = memory_of;
	self->c.progress = &self->progress;
	self->c.now = &self->now;
}

FIXTURE_TEARDOWN(futex)
{
	builder_free(self->c.builder);
	munmap(world, sizeof(*world));
}

/* Records come in the order of (tgid, tid). */
static struct lab_task_record *add(u32 tgid, u32 tid, u64 mm)
{
	struct lab_task_record *r = &world->now[world->nr++];

	*r = (struct lab_task_record){ .tgid = tgid,
				       .tid = tid,
				       .ns_tid = tid,
				       .ns_tgid = tgid,
				       .ns = NS,
				       .mm = mm,
				       .state = 'S',
				       .flags = LAB_TASK_REGS,
				       .switches = 10,
				       .start_ns = 1000000000,
				       .syscall = -1 };
	r->regs[LAB_REG_IP] = TEXT + 0x100;
	r->regs[LAB_REG_SP] = STACK + 0x8000;
	return r;
}

static void sleeps(struct lab_task_record *r, u64 address, u32 op, u32 value)
{
	bool is_shared = address >= SHARED && address < SHARED + SIZE;

	r->syscall = __NR_futex;
	r->args[0] = address;
	r->args[1] = op;
	r->args[2] = value;
	r->flags |= LAB_TASK_BEFORE | LAB_TASK_AFTER | LAB_TASK_VMA;
	r->after_len = LAB_WINDOW_AFTER;
	r->vma_start = is_shared ? SHARED : DATA;
	if (is_shared) {
		r->flags |= LAB_TASK_VMA_SHARED;
		r->vma_pgoff = 0x2000;
		r->vma_dev = 3;
		r->vma_ino = INO;
	}
	memcpy(r->window, byte_at(address - LAB_WINDOW_BEFORE), sizeof(r->window));
}

static void put(u64 address, const void *bytes, size_t size)
{
	memcpy(byte_at(address), bytes, size);
}

static void put_mutex(u64 address, u32 word, u32 owner, u32 kind)
{
	u32 m[10] = { word, 0, owner, 1, kind };

	put(address, m, sizeof(m));
}

/* The passes before this one, as they are now; change them afterwards. */
static void settle(FIXTURE_DATA(futex) * self)
{
	for (u32 i = 0; i < 2; i++) {
		memcpy(world->before[i], world->now, sizeof(world->now));
		self->before[i] = (struct snapshot){ .records = world->before[i],
						     .nr = world->nr,
						     .whole = true };
		self->c.before[i] = &self->before[i];
	}
}

static const struct lab_lock *look_at(FIXTURE_DATA(futex) * self, const struct lab_task_record *r)
{
	u32 task;

	self->now.records = world->now;
	self->now.nr = world->nr;
	task = builder_task(self->c.builder, r);
	if (!futex_classify(&self->c, r, task))
		return NULL;
	self->p = builder_finish(self->c.builder);
	return &self->p->locks[self->p->waits[self->p->tasks[task].first_wait].lock];
}

static const struct lab_task *holder(FIXTURE_DATA(futex) * self, const struct lab_lock *l)
{
	return l->nr_holds == 1
		       ? &self->p->tasks[self->p->holds[self->p->lock_holds[l->first_hold]].task]
		       : NULL;
}

TEST_F(futex, owner_of_the_same_memory_is_believed)
{
	struct lab_task_record *w = add(100, 100, MM_A);
	const struct lab_lock *l;

	add(100, 101, MM_A);
	put_mutex(DATA + 0x100, 2, 101, 0);
	sleeps(w, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	settle(self);
	l = look_at(self, w);
	ASSERT_NE(NULL, l);
	EXPECT_EQ(LAB_MUTEX, l->kind);
	EXPECT_EQ(LAB_SPACE_MM, l->space);
	EXPECT_EQ(100, l->space_a);
	ASSERT_NE(NULL, holder(self, l));
	EXPECT_EQ(101, holder(self, l)->tid);
	EXPECT_TRUE(self->p->holds[0].steady);
	EXPECT_EQ(LAB_NONE, l->wakers);
}

TEST_F(futex, owner_of_other_memory_is_a_stranger)
{
	struct lab_task_record *w = add(100, 100, MM_A);
	const struct lab_lock *l;

	add(200, 200, MM_B);
	put_mutex(DATA + 0x100, 2, 200, 0);
	sleeps(w, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	l = look_at(self, w);
	ASSERT_NE(NULL, holder(self, l));
	EXPECT_TRUE(l->attrs & LAB_OWNER_REUSED);
	EXPECT_TRUE(holder(self, l)->status & LAB_TASK_IS_GONE);
	EXPECT_EQ(LAB_NONE, builder_find_task(self->c.builder, 200));
}

TEST_F(futex, owner_is_looked_up_in_the_waiters_namespace)
{
	struct lab_task_record *w = add(1000, 1000, MM_A), *o;
	const struct lab_lock *l;

	add(7, 7, MM_B);
	world->now[2] = world->now[1];
	world->now[1] = world->now[0];
	world->now[0] = world->now[2];
	world->nr = 2;
	w = &world->now[1];
	o = add(1000, 1001, MM_A);
	w->ns = o->ns = NS_INNER;
	w->ns_tid = 1;
	o->ns_tid = 7;
	put_mutex(DATA + 0x100, 2, 7, 0);
	sleeps(w, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	l = look_at(self, w);
	ASSERT_NE(NULL, holder(self, l));
	EXPECT_EQ(1001, holder(self, l)->tid);
	EXPECT_FALSE(l->attrs & LAB_OWNER_REUSED);
}

TEST_F(futex, owner_that_changes_is_no_owner)
{
	struct lab_task_record *w = add(100, 100, MM_A);
	const struct lab_lock *l;
	u32 other = 102;

	add(100, 101, MM_A);
	add(100, 102, MM_A);
	put_mutex(DATA + 0x100, 2, 101, 0);
	sleeps(w, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	settle(self);
	memcpy(world->before[1][0].window + LAB_WINDOW_BEFORE + GLIBC_MUTEX_OWNER_AT, &other,
	       sizeof(other));
	l = look_at(self, w);
	EXPECT_EQ(LAB_MUTEX, l->kind);
	EXPECT_EQ(NULL, holder(self, l));
	EXPECT_NE(LAB_NONE, l->wakers);
}

TEST_F(futex, free_word_has_no_owner)
{
	struct lab_task_record *w = add(100, 100, MM_A);
	const struct lab_lock *l;

	put_mutex(DATA + 0x100, 0, 0, 1);
	sleeps(w, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	l = look_at(self, w);
	EXPECT_EQ(LAB_MUTEX, l->kind);
	EXPECT_EQ(LAB_FREE | LAB_RECURSIVE, l->attrs);
	EXPECT_EQ(0, l->nr_holds);
	EXPECT_NE(LAB_NONE, l->wakers);
}

static u64 boottime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static u64 monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

/* All slept @first and @second ago; the owner was born one second ago. */
static const struct lab_lock *reuse(FIXTURE_DATA(futex) * self, u64 first_ms, u64 second_ms,
				    u32 flags)
{
	struct lab_task_record *w = add(100, 100, MM_A), *v = add(100, 101, MM_A);
	struct lab_task_record *o = add(100, 102, MM_A);

	put_mutex(DATA + 0x100, 2, 102, 0);
	sleeps(w, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	sleeps(v, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	w->flags &= ~(u32)LAB_TASK_REGS | flags;
	w->off_cpu_ns = first_ms * 1000000;
	v->off_cpu_ns = second_ms * 1000000;
	o->start_ns = boottime() - 1000000000;
	self->now.taken_ns = monotonic();
	return look_at(self, w);
}

TEST_F(futex, owner_younger_than_every_wait_is_another)
{
	const struct lab_lock *l = reuse(self, 3000, 2000, LAB_TASK_REGS);

	EXPECT_TRUE(l->attrs & LAB_OWNER_REUSED);
	ASSERT_NE(NULL, holder(self, l));
	EXPECT_TRUE(holder(self, l)->status & LAB_TASK_IS_GONE);
}

TEST_F(futex, owner_younger_than_one_wait_may_have_been_handed_the_lock)
{
	const struct lab_lock *l = reuse(self, 3000, 500, LAB_TASK_REGS);

	EXPECT_FALSE(l->attrs & LAB_OWNER_REUSED);
	EXPECT_EQ(102, holder(self, l)->tid);
}

TEST_F(futex, clocks_too_coarse_to_tell_do_not)
{
	const struct lab_lock *l = reuse(self, 1020, 1020, LAB_TASK_REGS);

	EXPECT_FALSE(l->attrs & LAB_OWNER_REUSED);
}

TEST_F(futex, clocks_from_proc_are_not_trusted)
{
	const struct lab_lock *l = reuse(self, 3000, 2000, 0);

	EXPECT_FALSE(l->attrs & LAB_OWNER_REUSED);
}

/* Process 100 waits for a word in shared memory that names 200. */
static struct lab_task_record *share(void)
{
	struct lab_task_record *w = add(100, 100, MM_A);

	add(200, 200, MM_B);
	put_mutex(SHARED + 0x100, 2, 200, GLIBC_MUTEX_PSHARED);
	sleeps(w, SHARED + 0x100, FUTEX_WAIT, 2);
	return w;
}

TEST_F(futex, owner_in_another_process_that_maps_the_word)
{
	const struct lab_lock *l = look_at(self, share());

	EXPECT_EQ(LAB_SPACE_INODE, l->space);
	EXPECT_EQ(3, l->space_a);
	EXPECT_EQ(INO, l->space_b);
	EXPECT_EQ(0x2100, l->address);
	ASSERT_NE(NULL, holder(self, l));
	EXPECT_EQ(200, holder(self, l)->tid);
}

TEST_F(futex, owner_in_another_process_that_does_not)
{
	struct lab_task_record *w = share();
	const struct lab_lock *l;

	memory_of(&self->c, 200)->no_shared = true;
	l = look_at(self, w);
	EXPECT_TRUE(l->attrs & LAB_OWNER_REUSED);
	ASSERT_NE(NULL, holder(self, l));
	EXPECT_TRUE(holder(self, l)->status & LAB_TASK_IS_GONE);
}

TEST_F(futex, owner_that_may_not_be_looked_at_stays_unknown)
{
	struct lab_task_record *w = share();
	const struct lab_lock *l;

	memory_of(&self->c, 200)->is_unreadable = true;
	l = look_at(self, w);
	EXPECT_TRUE(l->unseen);
	EXPECT_EQ(0, l->nr_holds);
	EXPECT_FALSE(l->attrs & LAB_OWNER_REUSED);
}

TEST_F(futex, no_such_owner_is_gone)
{
	struct lab_task_record *w = share();
	const struct lab_lock *l;

	put_mutex(SHARED + 0x100, 2, 300, GLIBC_MUTEX_PSHARED);
	sleeps(w, SHARED + 0x100, FUTEX_WAIT, 2);
	/* Nor does a process matter that ends under the look. */
	add(400, 400, MM_B + 0x1000);
	memory_of(&self->c, 400)->is_gone = true;
	l = look_at(self, w);
	ASSERT_NE(NULL, holder(self, l));
	EXPECT_EQ(300, holder(self, l)->tid);
	EXPECT_TRUE(holder(self, l)->status & LAB_TASK_IS_GONE);
}

TEST_F(futex, no_such_owner_here_may_be_one_in_another_namespace)
{
	struct lab_task_record *w = share();
	const struct lab_lock *l;

	world->now[1].ns = NS_INNER;
	world->now[1].ns_tid = 1;
	put_mutex(SHARED + 0x100, 2, 300, GLIBC_MUTEX_PSHARED);
	sleeps(w, SHARED + 0x100, FUTEX_WAIT, 2);
	l = look_at(self, w);
	EXPECT_TRUE(l->unseen);
	EXPECT_EQ(0, l->nr_holds);
}

TEST_F(futex, ownerless_shared_word_is_for_those_who_map_it)
{
	struct lab_task_record *w = add(100, 100, MM_A);
	u32 sem[4] = { 0, 1, 128, 0 };
	const struct lab_group *g;
	const struct lab_lock *l;

	add(200, 200, MM_B);
	add(200, 201, MM_B);
	add(300, 300, MM_B + 0x1000);
	memory_of(&self->c, 300)->no_shared = true;
	put(SHARED + 0x100, sem, sizeof(sem));
	sleeps(w, SHARED + 0x100, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 0);
	l = look_at(self, w);
	EXPECT_EQ(LAB_SEMAPHORE, l->kind);
	ASSERT_NE(LAB_NONE, l->wakers);
	g = &self->p->groups[l->wakers];
	EXPECT_TRUE(g->doubtful);
	EXPECT_EQ(3, g->nr_members);
	for (u32 i = 0; i < g->nr_members; i++)
		EXPECT_NE(300, self->p->tasks[self->p->members[g->first_member + i]].tgid);
}

#if defined(__x86_64__)
TEST_F(futex, code_of_others_never_has_an_owner)
{
	static const u8 syscall_end[] = { 0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05 };
	static const u8 go[] = { 0x0f, 0x05, 0x89, 0x44, 0x24, 0x30, 0xc3 };
	struct lab_task_record *w = add(100, 100, MM_A), *v = add(100, 101, MM_A);
	const struct lab_lock *l;

	put_mutex(DATA + 0x100, 2, 101, 0);
	put_mutex(DATA + 0x200, 2, 100, 0);
	put(TEXT + 0x100 - sizeof(syscall_end), syscall_end, sizeof(syscall_end));
	sleeps(w, DATA + 0x100, FUTEX_WAIT_PRIVATE, 2);
	l = look_at(self, w);
	EXPECT_EQ(LAB_FUTEX, l->kind);
	EXPECT_EQ(0, l->attrs);
	EXPECT_EQ(0, l->nr_holds);

	put(PROGRAM + 0x200 - 2, go, sizeof(go));
	v->regs[LAB_REG_IP] = PROGRAM + 0x200;
	sleeps(v, DATA + 0x200, FUTEX_WAIT_PRIVATE, 2);
	l = look_at(self, v);
	EXPECT_EQ(LAB_FUTEX, l->kind);
	EXPECT_EQ(LAB_GO, l->attrs);
	EXPECT_EQ(0, l->nr_holds);
}
#endif

TEST_F(futex, waitv_waits_for_any_and_believes_no_count)
{
	struct lab_task_record *w = add(100, 100, MM_A);
	struct {
		u64 value, address;
		u32 flags, reserved;
	} words[3] = { { 1, DATA + 0x100, 0x82, 0 },
		       { 1, 0xdead0000, 0x82, 0 },
		       { 1, DATA + 0x200, 0x82, 0 } };

	put(DATA + 0x400, words, sizeof(words));
	w->syscall = 449;
	w->args[0] = DATA + 0x400;
	w->args[1] = 0xffffffff;
	EXPECT_EQ(NULL, look_at(self, w));
	w->args[1] = 3;
	w->args[0] = 0xdead0000;
	EXPECT_EQ(NULL, look_at(self, w));
	w->args[0] = DATA + 0x400;
	ASSERT_NE(NULL, look_at(self, w));
	EXPECT_EQ(2, self->p->tasks[0].nr_waits);
	EXPECT_TRUE(self->p->tasks[0].status & LAB_TASK_WAITS_ANY);
	EXPECT_FALSE(self->p->tasks[0].status & LAB_TASK_WAITS_TIMED);
}

static u64 dice(void)
{
	/* xorshift64 (Marsaglia 2003) */
	world->seed ^= world->seed << 13;
	world->seed ^= world->seed >> 7;
	world->seed ^= world->seed << 17;
	return world->seed;
}

/* Words that mean something somewhere, mixed with noise. */
static u32 dice_word(void)
{
	static const u32 words[] = { 0, 1, 2, 3, 100, 101,
				     102, 200, 0x80000064, 0xc0000064, 0x10, 0x20,
				     0x30, 0x80, 0x200, 6, 10, 0xffffffff,
				     128, 0x600100, 0x600000 };
	u64 d = dice();

	return d % 8 ? words[(d >> 8) % (sizeof(words) / sizeof(words[0]))] : (u32)(d >> 32);
}

TEST_F(futex, nothing_a_target_writes_breaks_a_rule)
{
	static const u32 ops[] = { FUTEX_WAIT_PRIVATE,
				   FUTEX_WAIT,
				   FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME,
				   FUTEX_WAIT_BITSET_PRIVATE | FUTEX_CLOCK_REALTIME,
				   FUTEX_LOCK_PI_PRIVATE,
				   FUTEX_LOCK_PI,
				   13,
				   FUTEX_WAIT_REQUEUE_PI,
				   FUTEX_WAIT_BITSET_PRIVATE };
	static const u64 places[] = { DATA, DATA + 0x100, DATA + SIZE - 0x80, SHARED + 0x100,
				      STACK + 0x8010 };
	u32 nr_held = 0;

	world->seed = 88172645463325252ull;
	for (u32 round = 0; round < 20000; round++) {
		struct lab_task_record *w;
		const struct lab_lock *l;
		u64 place;

		world->nr = 0;
		w = add(100, 100, MM_A);
		add(100, 101, MM_A);
		add(100, 102, MM_A)->flags |= dice() % 2 ? LAB_TASK_EXITED : 0;
		add(200, 200, MM_B);
		place = places[dice() % 5] + (dice() % 16) * 4;
		for (u32 i = 0; i < 48; i++) {
			u32 word = dice_word();

			if (byte_at(place - 48 + 4 * i))
				put(place - 48 + 4 * i, &word, sizeof(word));
		}
		w->syscall = __NR_futex;
		w->args[0] = place;
		w->args[1] = ops[dice() % (sizeof(ops) / sizeof(ops[0]))];
		w->args[2] = dice_word();
		w->args[3] = dice() % 4 ? 0 : DATA;
		w->args[5] = 0xffffffff;
		w->regs[LAB_REG_IP] = dice() % 4 ? TEXT + 0x100 : dice();
		w->regs[LAB_REG_SP] = dice() % 4 ? STACK + 0x8000 : dice();
		w->regs[LAB_REG_R14] = dice() % 2 ? place + 16 : dice();
		if (dice() % 2) {
			memcpy(w->window, byte_at(place), 48);
			w->flags |= LAB_TASK_AFTER | (dice() % 2 ? LAB_TASK_BEFORE : 0);
			w->after_len = (u32)dice() % 200;
		}
		builder_free(self->c.builder);
		self->c.builder = builder_new();
		self->c.futexes = NULL;
		l = look_at(self, w);
		ASSERT_NE(NULL, l);
		ASSERT_LE(1, self->p->nr_waits);
		/* Somebody, or a group that could help. */
		ASSERT_TRUE(l->nr_holds || l->wakers != LAB_NONE);
		nr_held += l->nr_holds;
		for (u32 i = 0; i < self->p->nr_holds; i++) {
			const struct lab_task *t = &self->p->tasks[self->p->holds[i].task];

			ASSERT_TRUE(t->tgid == 100 || t->status & LAB_TASK_IS_GONE ||
				    l->space == LAB_SPACE_INODE);
			ASSERT_TRUE(!(t->tid == 102 && world->now[2].flags & LAB_TASK_EXITED) ||
				    t->status & LAB_TASK_IS_GONE);
		}
	}
	/* The noise was not so noisy that nothing was recognised. */
	EXPECT_LT(200, nr_held);
	TH_LOG("%u owners in 20000 rounds", nr_held);
}

TEST_HARNESS_MAIN
