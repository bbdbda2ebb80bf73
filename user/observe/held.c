// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * held - which locks the threads of a process hold, also those that nobody waits for
 *
 * Two sources: the robust list that each thread keeps for the kernel, and a scan of the writable
 * memory for what has, byte for byte, the shape of a mutex or rwlock held by a live thread of this
 * process (glibc.h). A hit that is not there any more when read again is dropped: a hold that is
 * invented is worse than one that is missed.
 *
 * The scan never makes the target grow: only pages that are present are read (pagemap), so that
 * nothing is faulted in, swapped in, or asked of a userfaultfd. Stacks are read from the stack
 * pointer on; what lies below is left over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "glibc.h"
#include "look.h"

#define SCAN_MAX_BYTES	   (256ull << 20)
#define SCAN_MAX_HITS	   4096
#define SCAN_CHUNK	   (1u << 20)
#define SCAN_MAX_NS	   500000000ull
#define RED_ZONE	   128
#define ROBUST_MAX_ENTRIES 2048 /* as far as the kernel itself walks (ROBUST_LIST_LIMIT) */

/* /proc/PID/pagemap, Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ull << 63)

struct tid_task {
	u32 ns_tid;
	const struct lab_task_record *record;
};

struct hit {
	u64 address;
	u32 owner;
	bool is_rwlock;
};

struct scan {
	struct look_context *c;
	struct memory *memory;
	u32 tgid;
	const struct lab_task_record *records; /* of this process */
	u32 nr_records;
	struct tid_task *tids; /* live ones, sorted */
	u32 nr_tids;
	u32 min_tid, max_tid;
	u8 *is_tid; /* bitmap from min_tid to max_tid */
	struct hit *hits;
	u32 nr_hits;
	u64 bytes, deadline_ns;
	bool is_cut;
	u8 *buffer;
	u64 *pages;
	u32 page_size;
	int pagemap;
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static int compare_tids(const void *a, const void *b)
{
	const struct tid_task *x = a, *y = b;

	return x->ns_tid < y->ns_tid ? -1 : x->ns_tid > y->ns_tid;
}

/* The live thread of this process that calls itself @ns_tid. */
static const struct lab_task_record *owner_of(const struct scan *s, u32 ns_tid)
{
	struct tid_task key = { .ns_tid = ns_tid };
	const struct tid_task *found;

	found = s->nr_tids ? bsearch(&key, s->tids, s->nr_tids, sizeof(key), compare_tids) : NULL;
	return found ? found->record : NULL;
}

static void add_hold(struct scan *s, const struct lab_task_record *owner, u64 address,
		     enum lab_lock_kind kind, u32 attrs, u32 word, enum lab_hold_source source,
		     u32 depth)
{
	struct builder *b = s->c->builder;
	u32 task = builder_task(b, owner);
	struct lab_lock_id id;
	struct lab_lock *l;
	u32 lock;

	look_word_id(s->c, owner, address, &id);
	lock = builder_lock(b, &id, kind, attrs);
	l = builder_lock_at(b, lock);
	/*
	 * Who holds what is waited for was read together with the waits; this is later, and another
	 * owner now must not be mixed with the waits of then.
	 */
	if (l->nr_waits)
		return;
	l->owner_tid = owner->ns_tid;
	l->word = word;
	/* Seen twice in this look, and its owner did not run between the passes. */
	builder_hold(b, task, lock, source, LAB_EXCLUSIVE,
		     builder_task_at(b, task)->status & LAB_TASK_IS_STEADY, depth);
}

static bool is_tid(const struct scan *s, u32 tid)
{
	u32 i = tid - s->min_tid;

	return tid >= s->min_tid && tid <= s->max_tid && (s->is_tid[i / 8] >> (i % 8) & 1);
}

static void add_hit(struct scan *s, u64 address, u32 owner, bool is_rwlock)
{
	if (s->nr_hits == SCAN_MAX_HITS) {
		s->is_cut = true;
		return;
	}
	s->hits[s->nr_hits++] =
		(struct hit){ .address = address, .owner = owner, .is_rwlock = is_rwlock };
}

/*
 * Objects that begin in the first @starts bytes, @size of which were read. Both kinds of lock are
 * aligned to 8 bytes and have their owner 8 and 24 bytes from the start: one look at each aligned
 * word finds either, and most words are no TID of this process.
 */
static void scan_bytes(struct scan *s, u64 address, const u8 *bytes, u32 starts, u32 size)
{
	u32 range = s->max_tid - s->min_tid;

	for (u32 i = GLIBC_MUTEX_OWNER_AT; i + sizeof(u32) <= size; i += 8) {
		u32 mutex = i - GLIBC_MUTEX_OWNER_AT, rwlock = i - GLIBC_RWLOCK_OWNER_AT;
		struct glibc_mutex m;
		struct glibc_rwlock l;
		u32 v;

		memcpy(&v, bytes + i, sizeof(v));
		if (v - s->min_tid > range || !is_tid(s, v))
			continue;
		if (mutex < starts && mutex + GLIBC_MUTEX_SIZE <= size) {
			glibc_mutex_parse(&m, bytes + mutex);
			if (glibc_mutex_is_held(&m))
				add_hit(s, address + mutex, v, false);
		}
		if (i >= GLIBC_RWLOCK_OWNER_AT && rwlock < starts &&
		    rwlock + GLIBC_RWLOCK_SIZE <= size) {
			glibc_rwlock_parse(&l, bytes + rwlock);
			if (glibc_rwlock_is_write_held(&l))
				add_hit(s, address + rwlock, v, true);
		}
	}
}

static void scan_run(struct scan *s, u64 start, u64 end)
{
	while (start < end && !s->is_cut) {
		u64 size = end - start < SCAN_CHUNK ? end - start : SCAN_CHUNK;
		ssize_t got = memory_read(s->memory, start, s->buffer, size);
		u64 done;

		if (got <= 0)
			return;
		s->bytes += (u64)got;
		s->is_cut |= s->bytes >= SCAN_MAX_BYTES || now_ns() > s->deadline_ns;
		/* What is not whole at the end of this chunk begins the next. */
		done = start + (u64)got == end || (u64)got < size ? (u64)got
								  : (u64)got - GLIBC_RWLOCK_SIZE;
		scan_bytes(s, start, s->buffer, (u32)done, (u32)got);
		if ((u64)got < size)
			return;
		start += done;
	}
}

/* Only runs of pages that are there. */
static void scan_range(struct scan *s, u64 start, u64 end)
{
	u64 page = start / s->page_size, last = (end - 1) / s->page_size;
	u32 per_chunk = SCAN_CHUNK / sizeof(*s->pages);
	u64 run = 0;

	while (page <= last && !s->is_cut) {
		u64 want = last - page + 1 < per_chunk ? last - page + 1 : per_chunk;
		ssize_t got = pread(s->pagemap, s->pages, want * sizeof(*s->pages),
				    (off_t)(page * sizeof(*s->pages)));

		if (got < (ssize_t)sizeof(*s->pages))
			break;
		s->is_cut |= now_ns() > s->deadline_ns;
		for (u64 i = 0; i < (u64)got / sizeof(*s->pages); i++, page++) {
			u64 at = page * s->page_size < start ? start : page * s->page_size;

			if (s->pages[i] & PAGEMAP_PRESENT) {
				if (!run)
					run = at;
			} else if (run) {
				scan_run(s, run, at);
				run = 0;
			}
		}
	}
	if (run)
		scan_run(s, run, page * s->page_size < end ? page * s->page_size : end);
}

static bool is_device(const struct mapping *map)
{
	return !strncmp(map->path, "/dev/", 5) && strncmp(map->path, "/dev/shm/", 9) &&
	       strncmp(map->path, "/dev/zero", 9);
}

/* The lowest stack pointer in the mapping: a stack then, below which nothing counts. 0: none. */
static u64 stack_pointer_in(const struct scan *s, const struct mapping *map)
{
	u64 lowest = 0;

	for (u32 i = 0; i < s->nr_records; i++) {
		u64 sp = s->records[i].regs[LAB_REG_SP];

		if (sp >= map->start && sp < map->end && (!lowest || sp < lowest))
			lowest = sp;
	}
	return lowest;
}

static void scan_memory(struct scan *s)
{
	const struct mapping *maps;
	int nr = memory_mappings(s->memory, &maps);
	char path[64];

	/* Of a thread that lives: the leader may have ended before it. */
	snprintf(path, sizeof(path), "/proc/%u/task/%u/pagemap", s->tgid, s->tids[0].record->tid);
	s->c->progress->tgid = s->tgid;
	s->pagemap = open(path, O_RDONLY | O_CLOEXEC);
	if (s->pagemap < 0) {
		builder_not_seen(s->c->builder, false,
				 "process %u: locks that nobody waits for (%s: %s)", s->tgid, path,
				 strerror(errno));
		return;
	}
	for (int i = 0; i < nr && !s->is_cut; i++) {
		u64 start = maps[i].start, sp;

		if ((maps[i].flags & (MAPPING_READ | MAPPING_WRITE)) !=
			    (MAPPING_READ | MAPPING_WRITE) ||
		    is_device(&maps[i]) || maps[i].end <= start)
			continue;
		sp = stack_pointer_in(s, &maps[i]);
		if (sp >= start + RED_ZONE)
			start = (sp - RED_ZONE) & ~7ull;
		s->c->progress->tgid = s->tgid;
		s->c->progress->steps++;
		scan_range(s, start, maps[i].end);
	}
	close(s->pagemap);
	if (s->is_cut)
		builder_not_seen(
			s->c->builder, false,
			"process %u: locks that nobody waits for, beyond the first %llu MiB",
			s->tgid, (unsigned long long)(s->bytes >> 20));
}

/* Once more, for those found: still held, by the same thread. */
static void confirm_hits(struct scan *s)
{
	for (u32 i = 0; i < s->nr_hits; i++) {
		const struct hit *h = &s->hits[i];
		const struct lab_task_record *owner = owner_of(s, h->owner);
		u32 size = h->is_rwlock ? GLIBC_RWLOCK_SIZE : GLIBC_MUTEX_SIZE;
		u8 bytes[GLIBC_RWLOCK_SIZE];
		struct glibc_rwlock l;
		struct glibc_mutex m;

		if (!owner || memory_read(s->memory, h->address, bytes, size) != (ssize_t)size)
			continue;
		if (h->is_rwlock) {
			u32 attrs;

			glibc_rwlock_parse(&l, bytes);
			if (!glibc_rwlock_is_write_held(&l) || l.owner != h->owner)
				continue;
			attrs = (l.shared ? LAB_PSHARED : 0) |
				(l.flags == 2 ? LAB_PREFER_WRITER : 0);
			add_hold(s, owner, h->address, LAB_RWLOCK, attrs, l.readers, LAB_HOLD_SCAN,
				 1);
		} else {
			glibc_mutex_parse(&m, bytes);
			if (!glibc_mutex_is_held(&m) || m.owner != h->owner)
				continue;
			add_hold(s, owner, h->address, LAB_MUTEX, glibc_mutex_attrs(m.kind), m.word,
				 LAB_HOLD_SCAN, glibc_mutex_depth(&m));
		}
	}
}

/*
 * One entry of a robust list. Its word is the kernel's business (linux/futex.h), so it is believed
 * whatever library it is from; if it is a glibc mutex, the rest of it says more.
 */
static void robust_entry(struct scan *s, const struct lab_task_record *r, u64 entry, u64 offset)
{
	u64 address = entry + offset;
	u8 bytes[GLIBC_MUTEX_SIZE];
	struct glibc_mutex m;
	u32 word;

	if ((address & 3) || memory_read(s->memory, address, &word, sizeof(word)) != sizeof(word) ||
	    (word & GLIBC_TID_MASK) != r->ns_tid || (word & GLIBC_OWNER_DIED))
		return;
	if (offset == (u64)-GLIBC_MUTEX_LIST_AT &&
	    memory_read(s->memory, address, bytes, sizeof(bytes)) == sizeof(bytes)) {
		glibc_mutex_parse(&m, bytes);
		if (glibc_mutex_kind_is_valid(m.kind) && (m.kind & GLIBC_MUTEX_ROBUST)) {
			add_hold(s, r, address, LAB_MUTEX, glibc_mutex_attrs(m.kind), m.word,
				 LAB_HOLD_ROBUST, glibc_mutex_depth(&m));
			return;
		}
	}
	add_hold(s, r, address, LAB_FUTEX, LAB_ROBUST, word, LAB_HOLD_ROBUST, 1);
}

/*
 * The list may be anything: its links are the target's. As the kernel does, stop after a fixed
 * number of entries, which also ends a circle; a wild pointer ends at the first read that fails.
 */
static void robust_list(struct scan *s, const struct lab_task_record *r)
{
	struct {
		u64 next, offset, pending;
	} head;
	u64 at, entry;
	void *list = NULL;
	size_t size = 0;

	/* Needs the right to trace, and takes the TID as this process's namespace has it. */
	if (syscall(SYS_get_robust_list, (pid_t)r->tid, &list, &size) || !list ||
	    size != sizeof(head))
		return;
	at = (u64)(uintptr_t)list;
	if (memory_read(s->memory, at, &head, sizeof(head)) != sizeof(head))
		return;
	/* Bit 0 of a link says PI. */
	entry = head.next & ~1ull;
	for (u32 i = 0; i < ROBUST_MAX_ENTRIES && entry && entry != at; i++) {
		u64 next;

		robust_entry(s, r, entry, head.offset);
		if (memory_read(s->memory, entry, &next, sizeof(next)) != sizeof(next))
			return;
		entry = next & ~1ull;
	}
}

static bool find_threads(struct scan *s)
{
	const struct snapshot *now = s->c->now;
	u32 first = 0, last;

	while (first < now->nr && now->records[first].tgid != s->tgid)
		first++;
	for (last = first; last < now->nr && now->records[last].tgid == s->tgid;)
		last++;
	s->records = now->records + first;
	s->nr_records = last - first;
	s->tids = calloc(s->nr_records ? s->nr_records : 1, sizeof(*s->tids));
	if (!s->tids)
		return false;
	s->min_tid = ~0u;
	for (u32 i = 0; i < s->nr_records; i++) {
		const struct lab_task_record *r = &s->records[i];

		if (!r->ns_tid || (r->ns_tid & ~GLIBC_TID_MASK) ||
		    (r->flags &
		     (LAB_TASK_EXITED | LAB_TASK_KTHREAD | LAB_TASK_COMPAT | LAB_TASK_UNREADABLE)))
			continue;
		s->tids[s->nr_tids++] = (struct tid_task){ .ns_tid = r->ns_tid, .record = r };
		s->min_tid = r->ns_tid < s->min_tid ? r->ns_tid : s->min_tid;
		s->max_tid = r->ns_tid > s->max_tid ? r->ns_tid : s->max_tid;
	}
	if (!s->nr_tids)
		return false;
	qsort(s->tids, s->nr_tids, sizeof(*s->tids), compare_tids);
	/* TIDs end at 4 million (PID_MAX_LIMIT): at most half a megabyte. */
	s->is_tid = calloc((s->max_tid - s->min_tid) / 8 + 1, 1);
	if (!s->is_tid)
		return false;
	for (u32 i = 0; i < s->nr_tids; i++) {
		u32 bit = s->tids[i].ns_tid - s->min_tid;

		s->is_tid[bit / 8] |= (u8)(1 << bit % 8);
	}
	return true;
}

/**
 * held_scan() - find what the threads of a process hold, and add it to the picture
 * @tgid: process, as the looker sees it
 *
 * Best effort: what could not be looked at is said with builder_not_seen().
 */
void held_scan(struct look_context *c, u32 tgid)
{
	struct scan s = { .c = c,
			  .tgid = tgid,
			  .memory = c->memory(c, tgid),
			  .page_size = (u32)sysconf(_SC_PAGESIZE),
			  .deadline_ns = now_ns() + SCAN_MAX_NS };

	if (!s.memory || !find_threads(&s))
		goto out;
	for (u32 i = 0; i < s.nr_tids; i++)
		robust_list(&s, s.tids[i].record);
	s.hits = calloc(SCAN_MAX_HITS, sizeof(*s.hits));
	s.buffer = malloc(SCAN_CHUNK);
	s.pages = malloc(SCAN_CHUNK);
	if (!s.hits || !s.buffer || !s.pages)
		goto out;
	scan_memory(&s);
	confirm_hits(&s);
out:
	free(s.tids);
	free(s.is_tid);
	free(s.hits);
	free(s.buffer);
	free(s.pages);
}
