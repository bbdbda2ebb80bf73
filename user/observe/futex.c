// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * futex - what a thread that sleeps in a futex call waits for, and who would have to act
 *
 * The call says how it waits, the memory round the word says on what (glibc.h), the code it slept
 * from says whose library that is. Owners are taken only from a lock of known shape, and only if
 * the owner can reach the word at all: a TID of a thread that does not share this memory is a
 * number that happens to look like one. What records no owner gets a group of those who could end
 * the wait. Whatever is not recognised stays a plain futex word without an owner: a miss is better
 * than a false edge.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "glibc.h"
#include "look.h"

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif
#define NR_FUTEX_WAITV	   449
#define NR_FUTEX_WAIT	   455 /* the same numbers on every architecture */
#define FUTEX2_MAX_WAITERS 128 /* FUTEX_WAITV_MAX */
#define FUTEX2_MASK_32	   0x02

/* A park in the C library lies this close above the stack pointer. */
#define PARK_REACH 1024

/* How much of a module's constants is read to find out who compiled it. */
#define RUST_BYTES  (8u << 20)
#define RUST_COMMIT 40

/* Code a thread went to sleep from. */
enum code {
	CODE_UNKNOWN, /* could not be read */
	/* libc's syscall(): somebody's own futex, never one of libc's locks */
	CODE_SYSCALL_FUNCTION,
	CODE_GO, /* Go's runtime.futex */
	CODE_FOREIGN, /* another library, another libc */
	CODE_PROGRAM, /* the program itself: libc linked into it, or its own code */
	CODE_GLIBC,
	CODE_GLIBC_LOWLEVEL, /* glibc, with the flags of a one-word lock compiled in */
};

struct code_entry {
	u64 mm, ip;
	enum code code;
	bool is_known;
};

struct rust_entry {
	u64 mm, module; /* where its mapping begins */
	bool is_rust;
	struct rust_entry *next;
};

/* Who has a shared mapping of an inode. */
struct shared_inode {
	u64 dev, ino;
	u32 group;
	const struct lab_task_record *first; /* a task that maps it */
	bool several_ns; /* TIDs in its words may mean different tasks to different readers */
	bool unreadable; /* so they may because of processes whose mappings can not be read */
	struct shared_inode *next;
};

struct mm_entry {
	u64 mm;
	u32 tgid; /* lowest, 0: free slot */
};

#define NR_CODES 512

/* This file's own part of a look. */
struct futexes {
	struct mm_entry *mms; /* open addressing, mm_mask + 1 slots */
	u32 mm_mask;
	struct shared_inode *inodes;
	struct rust_entry *rusts;
	struct code_entry codes[NR_CODES]; /* direct mapped */
};

/* A futex call, whatever its number. */
struct call {
	u64 address;
	u32 op; /* FUTEX_WAIT and so on, without flags */
	u32 value;
	u32 bitset;
	bool is_private, is_realtime, is_timed;
	const char *name;
};

/* What a thread waits for, as far as its record and memory tell. */
struct guess {
	enum lab_lock_kind kind;
	u32 attrs;
	u64 base; /* where the lock begins: its identity */
	u32 word;
	u32 owner; /* TID recorded in it, 0 none */
	u64 owner_at; /* word that records it, and its bits */
	u32 owner_mask, owner_word;
	enum lab_access access;
	enum lab_hold_source source;
	u32 depth;
	bool is_parked; /* refused by the kernel: never to be woken */
};

enum fate {
	FATE_LIVE,
	FATE_GONE, /* no such task any more */
	FATE_REUSED, /* somebody else bears its TID now */
	FATE_UNKNOWN, /* can not be told from here */
};

static struct mm_entry *mm_slot(const struct futexes *f, u64 mm)
{
	/* Fibonacci hashing: the values are addresses or process IDs. */
	u32 i = (u32)((mm * 0x9e3779b97f4a7c15ull) >> 32) & f->mm_mask;

	while (f->mms[i].tgid && f->mms[i].mm != mm)
		i = (i + 1) & f->mm_mask;
	return &f->mms[i];
}

static struct futexes *futexes_of(struct look_context *c)
{
	u32 nr = 1, slots = 16;
	struct futexes *f;

	if (c->futexes)
		return c->futexes;
	f = builder_alloc(c->builder, sizeof(*f));
	for (u32 i = 1; i < c->now->nr; i++)
		nr += c->now->records[i].tgid != c->now->records[i - 1].tgid;
	while (slots < 2 * nr)
		slots *= 2;
	f->mm_mask = slots - 1;
	f->mms = builder_alloc(c->builder, slots * sizeof(*f->mms));
	/*
	 * Sorted by tgid: the first is the lowest. One thread of each process will do, unless it
	 * has left its memory.
	 */
	for (u32 i = 0; i < c->now->nr; i++) {
		const struct lab_task_record *r = &c->now->records[i];
		struct mm_entry *slot;

		if (!r->mm || (i && r[-1].tgid == r->tgid && r[-1].mm == r->mm))
			continue;
		slot = mm_slot(f, r->mm);
		if (!slot->tgid)
			*slot = (struct mm_entry){ .mm = r->mm, .tgid = r->tgid };
	}
	c->futexes = f;
	return f;
}

static u32 lowest_tgid(struct look_context *c, const struct lab_task_record *r)
{
	const struct futexes *f = futexes_of(c);

	/* Only what is in the table may be looked up: nr < slots keeps a free slot for the rest. */
	return r->mm && mm_slot(f, r->mm)->tgid ? mm_slot(f, r->mm)->tgid : r->tgid;
}

bool look_word_id(struct look_context *c, const struct lab_task_record *r, u64 address,
		  struct lab_lock_id *id)
{
	u64 start, pgoff, dev, ino;
	bool is_shared, is_known = true;

	if ((r->flags & LAB_TASK_VMA) && address >= r->vma_start && address < r->args[0] + 128 &&
	    address + 128 > r->args[0]) {
		start = r->vma_start;
		pgoff = r->vma_pgoff;
		dev = r->vma_dev;
		ino = r->vma_ino;
		is_shared = r->flags & LAB_TASK_VMA_SHARED;
	} else {
		struct memory *m = c->memory(c, r->tgid);
		const struct mapping *map = m ? memory_mapping_at(m, address) : NULL;

		is_known = map;
		start = map ? map->start : 0;
		pgoff = map ? map->pgoff : 0;
		dev = map ? map->dev : 0;
		ino = map ? map->ino : 0;
		is_shared = map && (map->flags & MAPPING_SHARED);
	}
	memset(id, 0, sizeof(*id));
	if (is_shared && ino) {
		id->space = LAB_SPACE_INODE;
		id->a = dev;
		id->b = ino;
		id->address = address - start + pgoff;
	} else {
		id->space = LAB_SPACE_MM;
		id->a = lowest_tgid(c, r);
		id->address = address;
	}
	return is_known;
}

/* From the record's window alone, so that it can be compared between passes. */
static bool window(const struct lab_task_record *r, u64 address, void *out, u32 size)
{
	u64 first = r->args[0] - LAB_WINDOW_BEFORE;
	u64 begin = r->flags & LAB_TASK_BEFORE ? first : r->args[0];
	u64 end = r->args[0];
	u32 after = r->after_len < LAB_WINDOW_AFTER ? r->after_len : LAB_WINDOW_AFTER;

	if (r->args[0] < LAB_WINDOW_BEFORE)
		return false;
	if (r->flags & LAB_TASK_AFTER)
		end += after;
	if (address < begin || address > end || end - address < size)
		return false;
	memcpy(out, r->window + (address - first), size);
	return true;
}

static bool read_memory(struct look_context *c, const struct lab_task_record *r, u64 address,
			void *out, u32 size)
{
	struct memory *m = c->memory(c, r->tgid);

	return m && memory_read(m, address, out, size) == (ssize_t)size;
}

/* The window if it is there: it was read in the same moment as the call. */
static bool peek(struct look_context *c, const struct lab_task_record *r, u64 address, void *out,
		 u32 size)
{
	return (r->syscall == __NR_futex && window(r, address, out, size)) ||
	       read_memory(c, r, address, out, size);
}

/* Whether a word near the futex had these bits in every pass, its waiter being in the same call. */
static bool word_is_steady(const struct look_context *c, const struct lab_task_record *r,
			   u64 address, u32 mask, u32 value)
{
	for (size_t i = 0; i < sizeof(c->before) / sizeof(c->before[0]); i++) {
		const struct lab_task_record *q;
		u32 v;

		q = c->before[i] ? snapshot_find(c->before[i], r->tid) : NULL;
		if (!q || q->start_ns != r->start_ns || q->syscall != r->syscall ||
		    memcmp(q->args, r->args, 4 * sizeof(r->args[0])))
			return false;
		if (!window(q, address, &v, sizeof(v)) || (v & mask) != value)
			return false;
	}
	return true;
}

/* Whether a task slept through all passes without running. */
static bool slept_through(const struct look_context *c, const struct lab_task_record *o)
{
	for (size_t i = 0; i < sizeof(c->before) / sizeof(c->before[0]); i++) {
		const struct lab_task_record *q;

		q = c->before[i] ? snapshot_find(c->before[i], o->tid) : NULL;
		if (!q || q->start_ns != o->start_ns || q->switches != o->switches ||
		    q->state == 'R' || o->state == 'R')
			return false;
	}
	return true;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static enum code code_of_mapping(const struct mapping *map)
{
	static const char *const glibc[] = { "libc.so.6", "libc-2.", "libpthread.so.0",
					     "libpthread-2.", "ld-linux-", "ld-2." };
	const char *name = strrchr(map->path, '/');

	name = name ? name + 1 : map->path;
	for (size_t i = 0; i < sizeof(glibc) / sizeof(glibc[0]); i++)
		if (has_prefix(name, glibc[i]))
			return CODE_GLIBC;
	return strstr(name, ".so") || strstr(name, "musl") ? CODE_FOREIGN : CODE_PROGRAM;
}

static enum code read_code(struct look_context *c, const struct lab_task_record *r)
{
	struct memory *m = c->memory(c, r->tgid);
	const struct mapping *map = m ? memory_mapping_at(m, r->regs[LAB_REG_IP]) : NULL;
	enum code code;

	if (!map || !(map->flags & MAPPING_EXEC))
		return CODE_UNKNOWN;
	code = code_of_mapping(map);
#if defined(__x86_64__)
	{
		/*
		 * The end of glibc's syscall(): sixth argument from the caller's stack, then the
		 * call.
		 */
		static const u8 syscall_end[] = { 0x4c, 0x8b, 0x4c, 0x24, 0x08, 0x0f, 0x05 };
		/*
		 * After the call in runtime.futex of Go (ABI0): the result to the caller's frame,
		 * return.
		 */
		static const u8 go_begin[] = { 0x89, 0x44, 0x24, 0x30, 0xc3 };
		/* FUTEX_WAIT | FUTEX_PRIVATE_FLAG as a constant into the second argument. */
		static const u8 constant[] = { 0xbe, 0x80, 0x00, 0x00, 0x00 };
		enum {
			BEFORE = 24,
			AFTER = 8
		};
		u8 bytes[BEFORE + AFTER];

		if (!read_memory(c, r, r->regs[LAB_REG_IP] - BEFORE, bytes, sizeof(bytes)))
			return code;
		if (!memcmp(bytes + BEFORE - sizeof(syscall_end), syscall_end, sizeof(syscall_end)))
			return CODE_SYSCALL_FUNCTION;
		if (!memcmp(bytes + BEFORE, go_begin, sizeof(go_begin)))
			return CODE_GO;
		if (code == CODE_GLIBC && memmem(bytes, BEFORE, constant, sizeof(constant)))
			return CODE_GLIBC_LOWLEVEL;
	}
#endif
	return code;
}

/* All threads of a program sleep in a handful of places: each is read once. */
static enum code code_of(struct look_context *c, const struct lab_task_record *r)
{
	struct futexes *f = futexes_of(c);
	u64 ip = r->regs[LAB_REG_IP];
	struct code_entry *e;

	e = &f->codes[((ip ^ r->mm) * 0x9e3779b97f4a7c15ull >> 32) % NR_CODES];
	if (!e->is_known || e->mm != r->mm || e->ip != ip)
		*e = (struct code_entry){
			.mm = r->mm, .ip = ip, .code = read_code(c, r), .is_known = true
		};
	return e->code;
}

/*
 * Rust's compiler leaves the path of its library's sources, /rustc/ and a commit in 40 hexadecimal
 * digits, in every module that uses it, for panics.
 */
static bool has_rust_path(const char *text, size_t size)
{
	static const char mark[] = "/rustc/";
	const char *at = text;

	while ((at = memmem(at, size - (size_t)(at - text), mark, sizeof(mark) - 1))) {
		at += sizeof(mark) - 1;
		if (size - (size_t)(at - text) < RUST_COMMIT)
			return false;
		if (strspn(at, "0123456789abcdef") >= RUST_COMMIT)
			return true;
	}
	return false;
}

static bool has_rust_paths(struct memory *m, const struct mapping *code)
{
	const struct mapping *maps;
	u32 left = RUST_BYTES;
	int nr;

	nr = code->ino ? memory_mappings(m, &maps) : 0;
	for (int i = 0; i < nr; i++) {
		char buffer[16384 + 1];
		u64 at = maps[i].start;

		if (maps[i].ino != code->ino || maps[i].dev != code->dev ||
		    (maps[i].flags & MAPPING_WRITE))
			continue;
		while (at < maps[i].end && left) {
			u64 size = maps[i].end - at < sizeof(buffer) - 1 ? maps[i].end - at
									 : sizeof(buffer) - 1;
			ssize_t got = memory_read(m, at, buffer, size);

			if (got <= 2 * RUST_COMMIT)
				break;
			buffer[got] = '\0';
			if (has_rust_path(buffer, (size_t)got))
				return true;
			left -= (u64)got < left ? (u32)got : left;
			if ((u64)got < size || at + (u64)got == maps[i].end)
				break;
			/* The path may straddle two reads. */
			at += (u64)got - 2 * RUST_COMMIT;
		}
	}
	return false;
}

static bool is_rust(struct look_context *c, const struct lab_task_record *r)
{
	struct memory *m = c->memory(c, r->tgid);
	struct futexes *f = futexes_of(c);
	const struct mapping *code;
	struct rust_entry *e;
	u64 caller;

	/* syscall() has no frame: its caller is on top of the stack. */
	if (!m || !read_memory(c, r, r->regs[LAB_REG_SP], &caller, sizeof(caller)))
		return false;
	code = memory_mapping_at(m, caller);
	if (!code)
		return false;
	for (e = f->rusts; e; e = e->next)
		if (e->mm == r->mm && e->module == code->start)
			return e->is_rust;
	e = builder_alloc(c->builder, sizeof(*e));
	e->mm = r->mm;
	e->module = code->start;
	e->is_rust = has_rust_paths(m, code);
	e->next = f->rusts;
	f->rusts = e;
	return e->is_rust;
}

/* 1 it does, 0 it does not, or is no more; -1 can not be told. */
static int maps_inode(struct memory *m, u64 dev, u64 ino)
{
	const struct mapping *maps;
	int nr = m ? memory_mappings(m, &maps) : -EPERM;

	if (nr < 0)
		return nr == -ESRCH || nr == -ENOENT ? 0 : -1;
	for (int i = 0; i < nr; i++)
		if (maps[i].ino == ino && maps[i].dev == dev && (maps[i].flags & MAPPING_SHARED))
			return 1;
	return 0;
}

/*
 * Whether a TID written by one means the same task to the other. Whose namespace may not be read
 * has the numbers to tell.
 */
static bool same_namespace(const struct lab_task_record *a, const struct lab_task_record *b)
{
	if (a->ns && b->ns)
		return a->ns == b->ns;
	return a->tid == a->ns_tid && b->tid == b->ns_tid;
}

/*
 * Everybody who maps the inode, found by reading the mappings of every process: once per look and
 * inode, and only when somebody waits for a word in it whose owner is not plain.
 */
static struct shared_inode *shared_inode(struct look_context *c,
					 const struct lab_task_record *waiter, u64 dev, u64 ino)
{
	struct futexes *f = futexes_of(c);
	char key[64], what[96];
	struct shared_inode *s;
	u32 last = 0;
	bool maps = false;

	for (s = f->inodes; s; s = s->next)
		if (s->dev == dev && s->ino == ino)
			return s;
	s = builder_alloc(c->builder, sizeof(*s));
	s->dev = dev;
	s->ino = ino;
	s->next = f->inodes;
	f->inodes = s;
	snprintf(key, sizeof(key), "inode:%llx:%llx", (unsigned long long)dev,
		 (unsigned long long)ino);
	snprintf(what, sizeof(what), "the threads of all processes that map inode %llu",
		 (unsigned long long)ino);
	/* Whoever opens the file next may act as well. */
	s->group = builder_group(c->builder, key, what, true);
	for (u32 i = 0; i < c->now->nr; i++) {
		const struct lab_task_record *r = &c->now->records[i];

		if ((r->flags & (LAB_TASK_KTHREAD | LAB_TASK_EXITED)) || !r->mm)
			continue;
		if (r->tgid != last) {
			int answer = maps_inode(c->memory(c, r->tgid), dev, ino);

			last = r->tgid;
			maps = answer > 0;
			s->unreadable |= answer < 0 && !same_namespace(r, waiter);
			if (maps && !s->first)
				s->first = r;
			s->several_ns |= maps && !same_namespace(r, s->first);
		}
		if (maps)
			builder_member(c->builder, s->group, builder_task(c->builder, r));
	}
	return s;
}

/* 1 both share one address space, 0 they do not, -1 can not be told. */
static int same_memory(const struct lab_task_record *a, const struct lab_task_record *b)
{
	long answer;

	if (a->tgid == b->tgid || a->mm == b->mm)
		return 1;
	if (a->mm != a->tgid || b->mm != b->tgid)
		return 0;
	/* From /proc: processes that share memory (vfork, CLONE_VM) look like two. */
	answer = syscall(SYS_kcmp, (pid_t)a->tgid, (pid_t)b->tgid, KCMP_VM, 0, 0);
	return answer < 0 ? -1 : answer == 0;
}

static u64 boottime_of(u64 monotonic_ns)
{
	struct timespec boot, mono;

	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return monotonic_ns + (u64)(boot.tv_sec - mono.tv_sec) * 1000000000ull +
	       (u64)(boot.tv_nsec - mono.tv_nsec);
}

/* Whether @q waits for the object of @id too: a word of it, in the same memory. */
static bool waits_there(const struct lab_task_record *q, const struct lab_task_record *r,
			const struct lab_lock_id *id, u64 base)
{
	u64 offset;

	if (q->syscall != __NR_futex && q->syscall != NR_FUTEX_WAIT)
		return false;
	if (id->space == LAB_SPACE_MM)
		return q->mm == r->mm && q->args[0] >= base &&
		       q->args[0] < base + GLIBC_RWLOCK_SIZE;
	if (!(q->flags & LAB_TASK_VMA) || q->vma_ino != id->b || q->vma_dev != id->a)
		return false;
	offset = q->args[0] - q->vma_start + q->vma_pgoff;
	return offset >= id->address && offset < id->address + GLIBC_RWLOCK_SIZE;
}

/*
 * Whether the task that bears the recorded TID is too young to have taken the lock.
 *
 * Suppose that it had. Then the lock was free after it was born, so whoever held it before released
 * it; a release with waiters wakes one, and a woken waiter that does not get the lock goes to sleep
 * again: from then on, one waiter has been asleep for less long than the new owner has lived. If
 * every waiter there is has been asleep since before that birth, there was no such release (or the
 * one it woke is gone: killed, or timed out, which is the lost wake-up; then the word is wrong
 * either way, so this is evidence, not proof: judge.c sees the mark).
 *
 * Clocks: from BPF, off_cpu_ns was measured to be up to 10 ms too small and never too large, a tick
 * being 10 ms at the slowest; OWNER_MARGIN_NS allows for as much again and more the other way. A
 * suspended machine, a signal handled in between, and the time the pass takes all make the wait
 * look younger than it is, which only makes this test fail. From /proc, off_cpu_ns compares the
 * clocks of two CPUs, which on a guest drift apart by what the host stole (0.8 s was seen): no
 * argument is built on that.
 */
#define OWNER_MARGIN_NS 40000000ull

static bool is_born_too_late(struct look_context *c, const struct lab_task_record *r,
			     const struct lab_lock_id *id, u64 base,
			     const struct lab_task_record *owner)
{
	u64 taken;

	if (owner->tid == r->tid || !(r->flags & LAB_TASK_REGS) || !r->off_cpu_ns ||
	    !owner->start_ns)
		return false;
	taken = boottime_of(c->now->taken_ns);
	/* The common case first: this waiter alone says no. */
	if (taken - r->off_cpu_ns + OWNER_MARGIN_NS >= owner->start_ns)
		return false;
	for (u32 i = 0; i < c->now->nr; i++) {
		const struct lab_task_record *q = &c->now->records[i];

		if (!waits_there(q, r, id, base))
			continue;
		if (!q->off_cpu_ns || q->off_cpu_ns > taken ||
		    taken - q->off_cpu_ns + OWNER_MARGIN_NS >= owner->start_ns)
			return false;
	}
	return true;
}

static enum fate owner_fate(struct look_context *c, const struct lab_task_record *r,
			    const struct lab_lock_id *id, const struct guess *g,
			    const struct lab_task_record **owner)
{
	u32 tid = look_translate_tid(c, r, g->owner);
	const struct lab_task_record *o = tid ? snapshot_find(c->now, tid) : NULL;
	int reaches = 0;

	*owner = o;
	if (id->space == LAB_SPACE_INODE) {
		const struct lab_task_record *other = snapshot_find(c->now, g->owner);
		const struct shared_inode *s;

		/* Somebody whose namespace may not be read bears that number. */
		if (!o && other && !other->ns)
			return FATE_UNKNOWN;

		if (o && !(o->flags & LAB_TASK_EXITED)) {
			reaches = o->tgid == r->tgid
					  ? 1
					  : maps_inode(c->memory(c, o->tgid), id->a, id->b);
			if (reaches < 0)
				return FATE_UNKNOWN;
		}
		if (!reaches) {
			/*
			 * TIDs of another namespace, or of processes that we can not see, are not
			 * ours to judge.
			 */
			s = shared_inode(c, r, id->a, id->b);
			if (s->several_ns || s->unreadable || !c->now->whole)
				return FATE_UNKNOWN;
			/*
			 * A leader that ended before its threads is gone, and is the owner if they
			 * map the word.
			 */
			return o && !(o->flags & LAB_TASK_EXITED) ? FATE_REUSED : FATE_GONE;
		}
	} else {
		if (!o)
			return FATE_GONE;
		if (o->flags & LAB_TASK_EXITED)
			return o->tgid == r->tgid ? FATE_GONE : FATE_REUSED;
		reaches = same_memory(r, o);
		if (reaches < 0)
			return FATE_UNKNOWN;
		if (!reaches)
			return FATE_REUSED;
	}
	/*
	 * A waiter that the kernel refused is owed no wake-up, nor is one whose lock the kernel
	 * hands over: no such argument.
	 */
	if (!g->is_parked && !(g->attrs & LAB_PI) && g->source == LAB_HOLD_OWNER &&
	    is_born_too_late(c, r, id, g->base, o))
		return FATE_REUSED;
	return FATE_LIVE;
}

static u32 wakers_of(struct look_context *c, const struct lab_task_record *r,
		     const struct lab_lock_id *id)
{
	if (id->space == LAB_SPACE_INODE)
		return shared_inode(c, r, id->a, id->b)->group;
	return look_mm_group(c, r);
}

/* The guess becomes a lock, a wait, and a holder or a group that could help. */
static void record_wait(struct look_context *c, const struct lab_task_record *r, u32 task,
			const struct guess *g)
{
	const struct lab_task_record *owner = NULL;
	struct builder *b = c->builder;
	enum fate fate = FATE_LIVE;
	u32 lock, holder, group = LAB_NONE;
	u32 attrs = g->attrs;
	struct lab_lock_id id;
	bool is_placed, is_steady, is_held;
	struct lab_lock *l;

	is_placed = look_word_id(c, r, g->base, &id);
	if (g->owner)
		fate = owner_fate(c, r, &id, g, &owner);
	if (fate == FATE_REUSED)
		attrs |= LAB_OWNER_REUSED;
	if ((attrs & LAB_ROBUST) && id.space == LAB_SPACE_INODE)
		attrs |= LAB_PSHARED;
	if (!g->owner)
		is_steady = false;
	else if (g->is_parked)
		/*
		 * Read after the passes: it is the same owner if that one did not run, or does not
		 * exist.
		 */
		is_steady = slept_through(c, owner ? owner : r);
	else
		is_steady = word_is_steady(c, r, g->owner_at, g->owner_mask, g->owner_word);
	/*
	 * Held by one and then by another: the lock moves. In the first pass nothing is known of
	 * that, and each owner counts.
	 */
	is_held = g->owner && fate != FATE_UNKNOWN && (is_steady || !c->before[1] || g->is_parked);

	lock = builder_lock(b, &id, g->kind, attrs);
	builder_wait(b, task, lock, g->access);
	if (!is_held)
		group = wakers_of(c, r, &id);

	l = builder_lock_at(b, lock);
	l->word = g->word;
	l->owner_tid = g->owner;
	if (group != LAB_NONE)
		l->wakers = group;
	/*
	 * A TID that means nothing to us, or a word whose mapping is not known: somebody unseen may
	 * act.
	 */
	if (fate == FATE_UNKNOWN || !is_placed)
		l->unseen = true;
	if (!is_held)
		return;

	if (fate == FATE_LIVE || (fate == FATE_GONE && owner))
		holder = builder_task(b, owner);
	else
		holder = builder_gone_task(b, id.space == LAB_SPACE_INODE ? g->owner : r->tgid,
					   g->owner);
	builder_hold(b, holder, lock, g->source, LAB_EXCLUSIVE, is_steady, g->depth);
}

static void set_owner(struct guess *g, u32 owner, u64 at, u32 mask, u32 value)
{
	g->owner = owner;
	g->owner_at = at;
	g->owner_mask = mask;
	g->owner_word = value & mask;
}

static bool read_mutex(struct look_context *c, const struct lab_task_record *r, u64 address,
		       struct glibc_mutex *m)
{
	u8 bytes[GLIBC_MUTEX_SIZE];

	if ((address & 3) || !peek(c, r, address, bytes, sizeof(bytes)))
		return false;
	glibc_mutex_parse(m, bytes);
	return glibc_mutex_kind_is_valid(m->kind);
}

/*
 * Robust and PI: the kernel knows these words, so they name their owner whatever library they are
 * from.
 */
static void guess_tid_word(struct guess *g, const struct glibc_mutex *m, u32 word)
{
	u32 tid = word & GLIBC_TID_MASK;

	g->word = word;
	if (!tid || (word & GLIBC_OWNER_DIED)) {
		/* The next to take it gets EOWNERDEAD: nobody holds it now. */
		g->attrs |= LAB_FREE;
		return;
	}
	set_owner(g, tid, g->base, GLIBC_TID_MASK, word);
	if (m && m->owner && m->owner != tid)
		g->attrs |= LAB_INCONSISTENT;
	g->depth = m ? glibc_mutex_depth(m) : 1;
}

static bool guess_pi(struct look_context *c, const struct lab_task_record *r,
		     const struct call *call, struct guess *g)
{
	struct glibc_mutex m;
	u32 word;

	if (!peek(c, r, call->address, &word, sizeof(word)))
		return false;
	g->base = call->address;
	if (read_mutex(c, r, call->address, &m) && (m.kind & GLIBC_MUTEX_PI)) {
		g->kind = LAB_MUTEX;
		g->attrs = glibc_mutex_attrs(m.kind);
		guess_tid_word(g, &m, word);
	} else {
		g->kind = LAB_FUTEX;
		g->attrs = LAB_PI;
		guess_tid_word(g, NULL, word);
	}
	return true;
}

/* glibc takes the call with a bitset for mutexes only if it has a deadline. */
static bool may_be_mutex(const struct call *call)
{
	return call->op == FUTEX_WAIT || call->is_timed;
}

static bool guess_robust_mutex(struct look_context *c, const struct lab_task_record *r,
			       const struct call *call, struct guess *g)
{
	struct glibc_mutex m;

	/* It sleeps only with the bit set, on a word that had an owner. */
	if (!(call->value & GLIBC_WAITERS) || !(call->value & GLIBC_TID_MASK) ||
	    !may_be_mutex(call))
		return false;
	if (!read_mutex(c, r, call->address, &m) || !(m.kind & GLIBC_MUTEX_ROBUST) ||
	    (m.kind & GLIBC_MUTEX_PI))
		return false;
	g->kind = LAB_MUTEX;
	g->attrs = glibc_mutex_attrs(m.kind);
	guess_tid_word(g, &m, m.word);
	return true;
}

static bool guess_owned_mutex(struct look_context *c, const struct lab_task_record *r,
			      const struct call *call, struct guess *g)
{
	struct glibc_mutex m;
	u32 state;

	if ((call->value & 3) != GLIBC_CONTENDED || !may_be_mutex(call) ||
	    !read_mutex(c, r, call->address, &m))
		return false;
	if (m.kind & (GLIBC_MUTEX_ROBUST | GLIBC_MUTEX_PI))
		return false;
	if (m.kind & GLIBC_MUTEX_PP) {
		/*
		 * The ceiling stands above the state, and was the same when the waiter went to
		 * sleep.
		 */
		if ((call->value & ~3u) != (m.word & ~3u))
			return false;
		state = m.word & 3;
	} else {
		if (call->value != GLIBC_CONTENDED)
			return false;
		state = m.word;
	}
	if (state > GLIBC_CONTENDED || !m.owner || (m.owner & ~GLIBC_TID_MASK) || !m.nusers ||
	    m.nusers > GLIBC_TID_MASK)
		return false;
	g->kind = LAB_MUTEX;
	g->attrs = glibc_mutex_attrs(m.kind);
	g->word = m.word;
	g->depth = glibc_mutex_depth(&m);
	if (state == GLIBC_FREE) {
		/* Released, and its owner not yet read anew. */
		g->attrs |= LAB_FREE | LAB_INCONSISTENT;
		return true;
	}
	set_owner(g, m.owner, g->base + GLIBC_MUTEX_OWNER_AT, ~0u, m.owner);
	return true;
}

/* A one-word lock with nothing to tell its owner, or a mutex between two owners. */
static bool guess_ownerless_mutex(struct look_context *c, const struct lab_task_record *r,
				  const struct call *call, enum code code, struct guess *g)
{
	struct glibc_mutex m;
	u32 word;

	if (call->value == GLIBC_CONTENDED && code == CODE_GLIBC_LOWLEVEL) {
		if (!peek(c, r, call->address, &word, sizeof(word)))
			return false;
		g->kind = LAB_MALLOC;
		g->word = word;
		if (word == GLIBC_FREE)
			g->attrs |= LAB_FREE;
		return true;
	}
	if ((call->value & 3) != GLIBC_CONTENDED || !may_be_mutex(call) ||
	    !read_mutex(c, r, call->address, &m))
		return false;
	if (m.kind & (GLIBC_MUTEX_ROBUST | GLIBC_MUTEX_PI))
		return false;
	if (!(m.kind & GLIBC_MUTEX_PP) && call->value != GLIBC_CONTENDED)
		return false;
	if (m.owner || (m.kind & GLIBC_MUTEX_PP ? m.word & 3 : m.word) > GLIBC_CONTENDED)
		return false;
	g->word = m.word;
	/* Nothing but its place in libc vouches for a word 2 with zeros behind it. */
	if (code != CODE_GLIBC) {
		g->kind = LAB_FUTEX;
		return true;
	}
	g->kind = LAB_MUTEX;
	g->attrs = glibc_mutex_attrs(m.kind);
	if (!(m.kind & GLIBC_MUTEX_PP ? m.word & 3 : m.word))
		g->attrs |= LAB_FREE;
	return true;
}

/*
 * A FILE's lock names its owner by the address of its thread descriptor, which must look like one.
 */
static bool guess_stdio(struct look_context *c, const struct lab_task_record *r,
			const struct call *call, struct guess *g)
{
	const struct glibc_thread_layout *t = &glibc_thread_layout;
	u64 owner, self;
	u32 words[2], tid;

	if (call->value != GLIBC_CONTENDED || call->is_timed || !call->is_private)
		return false;
	if (!peek(c, r, call->address, words, sizeof(words)) ||
	    !peek(c, r, call->address + 8, &owner, sizeof(owner)))
		return false;
	if (words[0] > GLIBC_CONTENDED || owner < 4096 || (owner & 15) || !t->nr_self)
		return false;
	for (u32 i = 0; i < t->nr_self; i++)
		if (!read_memory(c, r, owner + t->self_at[i], &self, sizeof(self)) || self != owner)
			return false;
	if (!read_memory(c, r, owner + t->tid_at, &tid, sizeof(tid)) || !tid ||
	    (tid & ~GLIBC_TID_MASK))
		return false;
	g->kind = LAB_STDIO;
	g->word = words[0];
	g->depth = words[1] ? words[1] : 1;
	if (words[0] == GLIBC_FREE)
		g->attrs |= LAB_FREE | LAB_INCONSISTENT;
	else
		set_owner(g, tid, g->base + 8, ~0u, (u32)owner);
	return true;
}

static bool read_rwlock(struct look_context *c, const struct lab_task_record *r, u64 address,
			struct glibc_rwlock *l)
{
	u8 bytes[GLIBC_RWLOCK_SIZE];

	if ((address & 3) || !peek(c, r, address, bytes, sizeof(bytes)))
		return false;
	glibc_rwlock_parse(l, bytes);
	return glibc_rwlock_is_plausible(l);
}

static void guess_rwlock_at(struct guess *g, u64 base, const struct glibc_rwlock *l,
			    enum lab_access access)
{
	u32 readers = l->readers / GLIBC_RWLOCK_ONE_READER;

	g->kind = LAB_RWLOCK;
	g->base = base;
	g->word = l->readers;
	g->access = access;
	if (l->shared)
		g->attrs |= LAB_PSHARED;
	if (l->flags == 2)
		g->attrs |= LAB_PREFER_WRITER;
	if (l->owner)
		set_owner(g, l->owner, base + GLIBC_RWLOCK_OWNER_AT, ~0u, l->owner);
	else if (readers && !(l->readers & GLIBC_RWLOCK_WRITE_PHASE))
		g->attrs |= LAB_READ_HELD;
	else if (!(l->readers & GLIBC_RWLOCK_WRITE_LOCKED))
		g->attrs |= LAB_FREE;
}

/*
 * The word that is waited on tells the role, but one call fits two words of the lock. The writers'
 * word is tried first: if it is wrong, the lock's field for its writers (1 or 3, as somebody
 * writes) lands on padding, which must be 0.
 */
static bool guess_rwlock(struct look_context *c, const struct lab_task_record *r,
			 const struct call *call, struct guess *g)
{
	struct glibc_rwlock l;
	u64 base;

	base = call->address - GLIBC_RWLOCK_WRITERS_AT;
	if (call->value == 3 && read_rwlock(c, r, base, &l) &&
	    (l.readers & GLIBC_RWLOCK_WRITE_LOCKED) && (l.writers_futex & 1)) {
		guess_rwlock_at(g, base, &l, LAB_EXCLUSIVE);
		return true;
	}
	base = call->address - GLIBC_RWLOCK_PHASE_AT;
	/* A reader is counted before it waits for the writers' phase to end. */
	if (call->value == 3 && read_rwlock(c, r, base, &l) &&
	    l.readers >= GLIBC_RWLOCK_ONE_READER &&
	    (l.owner || (l.readers & GLIBC_RWLOCK_WRITE_PHASE))) {
		guess_rwlock_at(g, base, &l, LAB_SHARED);
		return true;
	}
	if (call->value == 2 && read_rwlock(c, r, base, &l) &&
	    (l.readers & GLIBC_RWLOCK_WRITE_LOCKED)) {
		guess_rwlock_at(g, base, &l, LAB_EXCLUSIVE);
		return true;
	}
	/*
	 * Where writers come first, a reader waits on the whole state: a writer in line, the
	 * readers' phase not over.
	 */
	if ((call->value & 7) == (GLIBC_RWLOCK_READERS_WAIT | GLIBC_RWLOCK_WRITE_LOCKED) &&
	    call->value >= GLIBC_RWLOCK_ONE_READER && read_rwlock(c, r, call->address, &l) &&
	    l.flags == 2) {
		guess_rwlock_at(g, call->address, &l, LAB_SHARED);
		return true;
	}
	return false;
}

static bool guess_cond(struct look_context *c, const struct lab_task_record *r,
		       const struct call *call, struct guess *g)
{
	u8 bytes[GLIBC_COND_SIZE];

	for (size_t i = 0; i < sizeof(glibc_cond_layouts) / sizeof(glibc_cond_layouts[0]); i++) {
		const struct glibc_cond_layout *layout = &glibc_cond_layouts[i];

		for (u32 group = 0; group < 2; group++) {
			u64 base = call->address - layout->signals_at - 4 * group;

			/* It begins with a 64-bit counter. */
			if ((base & 7) || !peek(c, r, base, bytes, sizeof(bytes)) ||
			    !glibc_cond_is_plausible(layout, bytes, group))
				continue;
			g->kind = LAB_CONDVAR;
			g->base = base;
			memcpy(&g->word, bytes + layout->signals_at + 4 * group, sizeof(g->word));
			if (g->word != call->value)
				g->attrs |= LAB_FREE;
			return true;
		}
	}
	return false;
}

static bool guess_join(struct look_context *c, const struct lab_task_record *r,
		       const struct call *call, struct guess *g)
{
	const struct glibc_thread_layout *t = &glibc_thread_layout;
	u64 base = call->address - t->tid_at, self;
	u32 word;

	if (call->is_private || !call->value || (call->value & ~GLIBC_TID_MASK) ||
	    !peek(c, r, call->address, &word, sizeof(word)))
		return false;
	/*
	 * Where descriptors know themselves, this must be one; elsewhere the TID has to be enough.
	 */
	for (u32 i = 0; i < t->nr_self; i++)
		if (!read_memory(c, r, base + t->self_at[i], &self, sizeof(self)) || self != base)
			return false;
	if (word && word != call->value)
		return false;
	if (!t->nr_self && word && !look_translate_tid(c, r, word))
		return false;
	g->kind = LAB_THREAD;
	g->word = word;
	g->source = LAB_HOLD_TARGET;
	if (word)
		set_owner(g, word, call->address, ~0u, word);
	else
		g->attrs |= LAB_FREE;
	return true;
}

static bool guess_sem(struct look_context *c, const struct lab_task_record *r,
		      const struct call *call, struct guess *g)
{
	u8 bytes[GLIBC_SEM_SIZE];

	if (call->value || (call->address & 7) ||
	    !peek(c, r, call->address, bytes, sizeof(bytes)) || !glibc_sem_is_plausible(bytes))
		return false;
	memcpy(&g->word, bytes, sizeof(g->word));
	g->kind = LAB_SEMAPHORE;
	if (g->word)
		g->attrs |= LAB_FREE;
	return true;
}

static bool guess_barrier(struct look_context *c, const struct lab_task_record *r,
			  const struct call *call, struct guess *g)
{
	u8 bytes[GLIBC_BARRIER_SIZE];

	if (call->is_timed || !peek(c, r, call->address - 4, bytes, sizeof(bytes)) ||
	    !glibc_barrier_is_plausible(bytes, call->value))
		return false;
	g->kind = LAB_BARRIER;
	g->base = call->address - 4;
	memcpy(&g->word, bytes + 4, sizeof(g->word));
	if (g->word != call->value)
		g->attrs |= LAB_FREE;
	return true;
}

static bool guess_once(struct look_context *c, const struct lab_task_record *r,
		       const struct call *call, enum code code, struct guess *g)
{
	u32 word;

	/*
	 * Bit 0: somebody runs the routine; from bit 2 on, how often this process's ancestors
	 * forked.
	 */
	if (code != CODE_GLIBC && code != CODE_GLIBC_LOWLEVEL)
		return false;
	if (call->is_timed || !call->is_private || (call->value & 3) != 1 ||
	    !peek(c, r, call->address, &word, sizeof(word)))
		return false;
	g->kind = LAB_ONCE;
	g->word = word;
	if (word != call->value)
		g->attrs |= LAB_FREE;
	return true;
}

#define MAX_CANDIDATES 8

struct candidates {
	u64 address[MAX_CANDIDATES];
	struct glibc_mutex mutex[MAX_CANDIDATES];
	u32 nr;
};

/* A pointer to a held PI mutex, or to its kind, as the compiler likes to keep it. */
static void try_candidate(struct look_context *c, const struct lab_task_record *r, u64 pointer,
			  struct candidates *found)
{
	struct memory *memory = c->memory(c, r->tgid);

	for (u32 i = 0; i < 2; i++) {
		u64 address = pointer - i * GLIBC_MUTEX_KIND_AT;
		const struct mapping *map;
		struct glibc_mutex m;
		u8 bytes[GLIBC_MUTEX_SIZE];
		bool again = false;

		if (!memory || (address & 7) || address < 4096 || found->nr >= MAX_CANDIDATES)
			continue;
		map = memory_mapping_at(memory, address);
		if (!map || !(map->flags & MAPPING_WRITE) ||
		    memory_read(memory, address, bytes, sizeof(bytes)) != sizeof(bytes))
			continue;
		glibc_mutex_parse(&m, bytes);
		if (!(m.kind & GLIBC_MUTEX_PI) || !glibc_mutex_is_held(&m))
			continue;
		for (u32 j = 0; j < found->nr; j++)
			again |= found->address[j] == address;
		if (again)
			continue;
		found->address[found->nr] = address;
		found->mutex[found->nr++] = m;
	}
}

/*
 * The only one; or the only one that another thread holds, which is the one to wait for. -1 none,
 * or several.
 */
static int choose_candidate(const struct candidates *found, u32 self)
{
	int chosen = -1;
	u32 nr = 0;

	if (found->nr == 1)
		return 0;
	for (u32 i = 0; i < found->nr; i++)
		if (found->mutex[i].owner != self) {
			chosen = (int)i;
			nr++;
		}
	return nr == 1 ? chosen : -1;
}

/*
 * The kernel refuses a PI lock that would deadlock (EDEADLK) or whose owner is dead (ESRCH). POSIX
 * knows no such error for a plain mutex, so glibc sleeps for ever instead, on a 0 in the frame of
 * __pthread_mutex_lock_full that nobody else knows of. What else sleeps in glibc on a 0 on its own
 * stack is a semaphore or a condition there, whose shapes have been tried before.
 *
 * Which mutex: from the registers, in 2.36 as the address of its kind in R14, which must be a held
 * PI mutex; without them from the pointers that lie on the stack.
 */
static bool guess_parked(struct look_context *c, const struct lab_task_record *r,
			 const struct call *call, struct guess *g)
{
	u64 sp = r->regs[LAB_REG_SP];
	struct candidates found = { .nr = 0 };
	u64 stack[PARK_REACH / sizeof(u64)];
	struct memory *m = c->memory(c, r->tgid);
	ssize_t got;
	int chosen;

	if (call->value || call->is_timed || !sp || call->address < sp ||
	    call->address - sp >= PARK_REACH || !m)
		return false;
	g->kind = LAB_MUTEX;
	g->attrs = LAB_PI | LAB_EDEADLK;
	g->is_parked = true;
	if (r->flags & LAB_TASK_REGS) {
		for (u32 i = 0; i < LAB_REG_IP; i++)
			if (i != LAB_REG_SP)
				try_candidate(c, r, r->regs[i], &found);
		for (u32 i = 0; i < found.nr; i++)
			if (found.address[i] == r->regs[LAB_REG_R14] - GLIBC_MUTEX_KIND_AT) {
				found.address[0] = found.address[i];
				found.mutex[0] = found.mutex[i];
				found.nr = 1;
			}
	}
	if (!found.nr) {
		got = memory_read(m, sp, stack, sizeof(stack));
		for (ssize_t i = 0; i < got / (ssize_t)sizeof(u64); i++)
			try_candidate(c, r, stack[i], &found);
	}
	chosen = choose_candidate(&found, r->ns_tid);
	if (chosen < 0)
		return true; /* nobody will wake it, but for what it asked can not be told */
	g->base = found.address[chosen];
	g->attrs |= glibc_mutex_attrs(found.mutex[chosen].kind);
	guess_tid_word(g, &found.mutex[chosen], found.mutex[chosen].word);
	return true;
}

static void guess_foreign(struct look_context *c, const struct lab_task_record *r,
			  const struct call *call, enum code code, struct guess *g)
{
	u32 word = 0;

	peek(c, r, call->address, &word, sizeof(word));
	g->kind = LAB_FUTEX;
	g->attrs = 0;
	g->base = call->address;
	g->word = word;
	if (code == CODE_GO)
		g->attrs |= LAB_GO;
	/*
	 * std waits with a bitset but without CLOCK_REALTIME, which glibc never does without a
	 * timeout.
	 */
	if (r->syscall == __NR_futex && code == CODE_SYSCALL_FUNCTION &&
	    call->op == FUTEX_WAIT_BITSET && call->is_private && !call->is_realtime &&
	    call->bitset == FUTEX_BITSET_MATCH_ANY && is_rust(c, r))
		g->attrs |= LAB_RUST;
}

static void guess_wait(struct look_context *c, const struct lab_task_record *r,
		       const struct call *call, struct guess *g)
{
	enum code code = code_of(c, r);
	const struct guess blank = *g;

	if (call->op == FUTEX_LOCK_PI || call->op == FUTEX_LOCK_PI2) {
		if (guess_pi(c, r, call, g))
			return;
		code = CODE_FOREIGN;
	}
	/*
	 * glibc adds CLOCK_REALTIME to every wait without a timeout; Rust's std, also where its
	 * libc is another one, does not.
	 */
	if (call->op == FUTEX_WAIT_BITSET && !call->is_realtime && !call->is_timed &&
	    code != CODE_SYSCALL_FUNCTION)
		code = CODE_FOREIGN;
	if (call->op == FUTEX_WAIT_REQUEUE_PI || code == CODE_SYSCALL_FUNCTION || code == CODE_GO ||
	    code == CODE_FOREIGN) {
		guess_foreign(c, r, call, code, g);
		return;
	}
	if (code == CODE_GLIBC_LOWLEVEL) {
		if (guess_stdio(c, r, call, g) || guess_ownerless_mutex(c, r, call, code, g) ||
		    guess_once(c, r, call, code, g))
			return;
		*g = blank;
		guess_foreign(c, r, call, code, g);
		return;
	}
	if (guess_robust_mutex(c, r, call, g) || guess_owned_mutex(c, r, call, g) ||
	    guess_rwlock(c, r, call, g) || guess_cond(c, r, call, g) || guess_join(c, r, call, g) ||
	    guess_sem(c, r, call, g) || guess_parked(c, r, call, g) ||
	    guess_barrier(c, r, call, g) || guess_stdio(c, r, call, g) ||
	    guess_ownerless_mutex(c, r, call, code, g) || guess_once(c, r, call, code, g))
		return;
	*g = blank;
	guess_foreign(c, r, call, code, g);
}

/*
 * restart_syscall carries on with a timed wait after a stop or a signal; the registers still hold
 * the arguments of the call, but not which it was. The kernel function it sleeps in tells, if it
 * may be read.
 */
static bool is_restarted_futex(struct look_context *c, const struct lab_task_record *r)
{
	u32 op = (u32)r->args[1] & FUTEX_CMD_MASK;
	char path[64], name[64] = "";
	ssize_t got;
	u32 word;
	int fd;

	if ((r->args[1] & ~(u64)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME)) > 15 ||
	    (op != FUTEX_WAIT && op != FUTEX_WAIT_BITSET) || !r->args[3] || (r->args[0] & 3))
		return false;
	if (!read_memory(c, r, r->args[0], &word, sizeof(word)))
		return false;
	snprintf(path, sizeof(path), "/proc/%u/task/%u/wchan", r->tgid, r->tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, name, sizeof(name) - 1);
		name[got > 0 ? got : 0] = '\0';
		close(fd);
	}
	if (name[0] && strcmp(name, "0"))
		return strstr(name, "futex");
	return word == (u32)r->args[2];
}

static bool parse_call(struct look_context *c, const struct lab_task_record *r, struct call *call)
{
	*call = (struct call){ .address = r->args[0], .bitset = FUTEX_BITSET_MATCH_ANY };
	switch (r->syscall) {
	case __NR_restart_syscall:
		if (!is_restarted_futex(c, r))
			return false;
		/* fall through */
	case __NR_futex:
		call->op = (u32)r->args[1] & FUTEX_CMD_MASK;
		call->is_private = r->args[1] & FUTEX_PRIVATE_FLAG;
		call->is_realtime = r->args[1] & FUTEX_CLOCK_REALTIME;
		call->value = (u32)r->args[2];
		call->is_timed = r->args[3];
		if (call->op == FUTEX_WAIT_BITSET)
			call->bitset = (u32)r->args[5];
		break;
	case NR_FUTEX_WAIT:
		call->op = FUTEX_WAIT_BITSET;
		call->value = (u32)r->args[1];
		call->bitset = (u32)r->args[2];
		call->is_private = r->args[3] & FUTEX_PRIVATE_FLAG;
		call->is_timed = r->args[4];
		call->name = "futex_wait";
		return true;
	default:
		return false;
	}
	switch (call->op) {
	case FUTEX_WAIT:
		call->name = "futex(FUTEX_WAIT)";
		return true;
	case FUTEX_WAIT_BITSET:
		call->name = "futex(FUTEX_WAIT_BITSET)";
		return true;
	case FUTEX_LOCK_PI:
		call->name = "futex(FUTEX_LOCK_PI)";
		return true;
	case FUTEX_LOCK_PI2:
		call->name = "futex(FUTEX_LOCK_PI2)";
		return true;
	case FUTEX_WAIT_REQUEUE_PI:
		call->name = "futex(FUTEX_WAIT_REQUEUE_PI)";
		return true;
	default:
		return false;
	}
}

/* As in linux/futex.h, which Debian 12's headers have, but older ones do not. */
struct waitv {
	u64 value;
	u64 address;
	u32 flags;
	u32 reserved;
};

static bool classify_waitv(struct look_context *c, const struct lab_task_record *r, u32 task)
{
	struct memory *m = c->memory(c, r->tgid);
	struct waitv words[FUTEX2_MAX_WAITERS];
	u32 nr = (u32)r->args[1];
	struct lab_task *t;

	if (!nr || nr > FUTEX2_MAX_WAITERS)
		return false;
	if (!m || memory_read(m, r->args[0], words, nr * sizeof(words[0])) !=
			  (ssize_t)(nr * sizeof(words[0])))
		return false;
	for (u32 i = 0; i < nr; i++) {
		struct guess g = { .kind = LAB_FUTEX, .base = words[i].address, .depth = 1 };

		if ((words[i].flags & 3) != FUTEX2_MASK_32 ||
		    !read_memory(c, r, words[i].address, &g.word, sizeof(g.word)))
			continue;
		record_wait(c, r, task, &g);
	}
	t = builder_task_at(c->builder, task);
	t->status |= LAB_TASK_WAITS_ANY;
	if (r->args[3])
		t->status |= LAB_TASK_WAITS_TIMED;
	t->call = "futex_waitv";
	return true;
}

/**
 * futex_classify() - what a thread asleep in a futex call waits for
 * @r: its record
 * @task: its index in the picture
 *
 * Return: false if it does not sleep in a futex call.
 */
bool futex_classify(struct look_context *c, const struct lab_task_record *r, u32 task)
{
	struct lab_task *t;
	struct guess g;
	struct call call;

	if ((r->flags & (LAB_TASK_KTHREAD | LAB_TASK_COMPAT | LAB_TASK_UNREADABLE)) ||
	    r->state == 'R')
		return false;
	if (r->syscall == NR_FUTEX_WAITV)
		return classify_waitv(c, r, task);
	if (!parse_call(c, r, &call))
		return false;

	g = (struct guess){ .kind = LAB_FUTEX, .base = call.address, .depth = 1 };
	guess_wait(c, r, &call, &g);
	record_wait(c, r, task, &g);
	t = builder_task_at(c->builder, task);
	if (call.is_timed)
		t->status |= LAB_TASK_WAITS_TIMED;
	t->call = g.is_parked ? "futex(FUTEX_LOCK_PI), refused by the kernel" : call.name;
	return true;
}
