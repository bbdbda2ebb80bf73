// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * builder - collects what the sources see into one lab_picture
 *
 * Tasks and locks are found again by hash (uthash); waits, holds and memberships are kept in the
 * order in which they came and sorted at the end by counting, so that a look at N tasks is O(N).
 */
#include <errno.h>
#include <obstack.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utarray.h>
#include <uthash.h>

#include "builder.h"
#include "core/judge.h"

#define obstack_chunk_alloc malloc
#define obstack_chunk_free  free

struct task_entry {
	u64 key; /* tid, and the tgid above it for a task that is gone */
	u32 index;
	UT_hash_handle hh;
};

struct lock_entry {
	struct lab_lock_id id;
	u32 index;
	UT_hash_handle hh;
};

struct group_entry {
	const char *key;
	u32 index;
	UT_hash_handle hh;
};

struct membership {
	u32 group, task;
};

struct builder {
	struct obstack strings;
	struct task_entry *task_entries;
	struct lock_entry *lock_entries;
	struct group_entry *group_entries;
	UT_array tasks, records, locks, waits, holds, groups, memberships, not_seen;
	bool blind;
	struct lab_picture picture;
	void *indices; /* sorted copies that the picture points to */
	void *verdict; /* judge's memory */
};

static const UT_icd task_icd = { sizeof(struct lab_task), NULL, NULL, NULL };
static const UT_icd record_icd = { sizeof(struct lab_task_record *), NULL, NULL, NULL };
static const UT_icd lock_icd = { sizeof(struct lab_lock), NULL, NULL, NULL };
static const UT_icd wait_icd = { sizeof(struct lab_wait), NULL, NULL, NULL };
static const UT_icd hold_icd = { sizeof(struct lab_hold), NULL, NULL, NULL };
static const UT_icd group_icd = { sizeof(struct lab_group), NULL, NULL, NULL };
static const UT_icd membership_icd = { sizeof(struct membership), NULL, NULL, NULL };
static const UT_icd string_icd = { sizeof(char *), NULL, NULL, NULL };

struct builder *builder_new(void)
{
	struct builder *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	obstack_init(&b->strings);
	utarray_init(&b->tasks, &task_icd);
	utarray_init(&b->records, &record_icd);
	utarray_init(&b->locks, &lock_icd);
	utarray_init(&b->waits, &wait_icd);
	utarray_init(&b->holds, &hold_icd);
	utarray_init(&b->groups, &group_icd);
	utarray_init(&b->memberships, &membership_icd);
	utarray_init(&b->not_seen, &string_icd);
	return b;
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	/* The entries themselves lie in the obstack. */
	HASH_CLEAR(hh, b->task_entries);
	HASH_CLEAR(hh, b->lock_entries);
	HASH_CLEAR(hh, b->group_entries);
	utarray_done(&b->tasks);
	utarray_done(&b->records);
	utarray_done(&b->locks);
	utarray_done(&b->waits);
	utarray_done(&b->holds);
	utarray_done(&b->groups);
	utarray_done(&b->memberships);
	utarray_done(&b->not_seen);
	obstack_free(&b->strings, NULL);
	free(b->indices);
	free(b->verdict);
	free(b);
}

const char *builder_string(struct builder *b, const char *s)
{
	return s ? obstack_copy0(&b->strings, s, strlen(s)) : NULL;
}

void *builder_alloc(struct builder *b, size_t bytes)
{
	void *p = obstack_alloc(&b->strings, bytes);

	memset(p, 0, bytes);
	return p;
}

struct lab_task *builder_task_at(struct builder *b, u32 task)
{
	return (struct lab_task *)utarray_eltptr(&b->tasks, task);
}

struct lab_lock *builder_lock_at(struct builder *b, u32 lock)
{
	return (struct lab_lock *)utarray_eltptr(&b->locks, lock);
}

u32 builder_nr_tasks(const struct builder *b)
{
	return utarray_len(&b->tasks);
}

const struct lab_task_record *builder_record(const struct builder *b, u32 task)
{
	return *(const struct lab_task_record **)utarray_eltptr(&b->records, task);
}

static u32 find_task(const struct builder *b, u64 key)
{
	struct task_entry *entry;

	HASH_FIND(hh, b->task_entries, &key, sizeof(key), entry);
	return entry ? entry->index : LAB_NONE;
}

u32 builder_find_task(const struct builder *b, u32 tid)
{
	return find_task(b, tid);
}

static u32 add_task(struct builder *b, u64 key, const struct lab_task *task,
		    const struct lab_task_record *record)
{
	struct task_entry *entry = builder_alloc(b, sizeof(*entry));

	entry->key = key;
	entry->index = utarray_len(&b->tasks);
	HASH_ADD(hh, b->task_entries, key, sizeof(key), entry);
	utarray_push_back(&b->tasks, task);
	utarray_push_back(&b->records, &record);
	return entry->index;
}

static u32 status_of(const struct lab_task_record *r)
{
	static const struct {
		u32 flag, status;
	} map[] = {
		{ LAB_TASK_EXITED, LAB_TASK_IS_GONE },
		{ LAB_TASK_FREEZING, LAB_TASK_IS_STOPPED },
		{ LAB_TASK_SIGNAL, LAB_TASK_SIGNALLED },
		{ LAB_TASK_SIGCAUGHT, LAB_TASK_HANDLES_SIGNALS },
		{ LAB_TASK_KTHREAD | LAB_TASK_COMPAT | LAB_TASK_UNREADABLE, LAB_TASK_OPAQUE },
	};
	u32 status = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (r->flags & map[i].flag)
			status |= map[i].status;
	if (r->state == 'T' || r->state == 't')
		status |= LAB_TASK_IS_STOPPED;
	return status;
}

u32 builder_task(struct builder *b, const struct lab_task_record *record)
{
	u32 task = find_task(b, record->tid);
	char comm[LAB_COMM_LEN + 1];
	struct lab_task t;

	if (task != LAB_NONE)
		return task;
	memcpy(comm, record->comm, LAB_COMM_LEN);
	comm[LAB_COMM_LEN] = '\0';
	t = (struct lab_task){
		.tgid = record->tgid,
		.tid = record->tid,
		.status = status_of(record),
		.state = record->state ? (char)record->state : '?',
		.comm = builder_string(b, comm),
		.wait_ns = -1,
	};
	/* A task that is on a CPU, or wants to be, does not wait. */
	if (t.state != 'R' && record->off_cpu_ns)
		t.wait_ns = (s64)record->off_cpu_ns;
	return add_task(b, record->tid, &t, record);
}

u32 builder_gone_task(struct builder *b, u32 tgid, u32 tid)
{
	u64 key = (u64)tgid << 32 | tid;
	u32 task = find_task(b, key);
	struct lab_task t = {
		.tgid = tgid,
		.tid = tid,
		.status = LAB_TASK_IS_GONE | LAB_TASK_IS_STEADY,
		.state = '-',
		.comm = "",
		.wait_ns = -1,
	};

	return task != LAB_NONE ? task : add_task(b, key, &t, NULL);
}

u32 builder_lock(struct builder *b, const struct lab_lock_id *id, enum lab_lock_kind kind,
		 u32 attrs)
{
	struct lab_lock_id key;
	struct lock_entry *entry;
	struct lab_lock lock;

	/* Padding is part of what is hashed. */
	memset(&key, 0, sizeof(key));
	key.space = id->space;
	key.a = id->a;
	key.b = id->b;
	key.address = id->address;
	HASH_FIND(hh, b->lock_entries, &key, sizeof(key), entry);
	if (entry) {
		struct lab_lock *known = builder_lock_at(b, entry->index);

		/*
		 * One waiter may tell more than another: a bare futex word becomes what it is known
		 * to be.
		 */
		if (known->kind == LAB_FUTEX)
			known->kind = kind;
		known->attrs |= attrs;
		return entry->index;
	}
	entry = builder_alloc(b, sizeof(*entry));
	memcpy(&entry->id, &key, sizeof(key));
	entry->index = utarray_len(&b->locks);
	HASH_ADD(hh, b->lock_entries, id, sizeof(key), entry);
	lock = (struct lab_lock){
		.kind = kind,
		.attrs = attrs,
		.space = id->space,
		.space_a = id->a,
		.space_b = id->b,
		.address = id->address,
		.wakers = LAB_NONE,
	};
	utarray_push_back(&b->locks, &lock);
	return entry->index;
}

u32 builder_find_group(const struct builder *b, const char *key)
{
	struct group_entry *entry;

	HASH_FIND_STR(b->group_entries, key, entry);
	return entry ? entry->index : LAB_NONE;
}

u32 builder_group(struct builder *b, const char *key, const char *what, bool doubtful)
{
	u32 group = builder_find_group(b, key);
	struct group_entry *entry;
	struct lab_group g;

	if (group != LAB_NONE)
		return group;
	entry = builder_alloc(b, sizeof(*entry));
	entry->key = builder_string(b, key);
	entry->index = utarray_len(&b->groups);
	HASH_ADD_KEYPTR(hh, b->group_entries, entry->key, strlen(entry->key), entry);
	g = (struct lab_group){ .what = builder_string(b, what), .doubtful = doubtful };
	utarray_push_back(&b->groups, &g);
	return entry->index;
}

void builder_member(struct builder *b, u32 group, u32 task)
{
	struct membership m = { .group = group, .task = task };

	utarray_push_back(&b->memberships, &m);
}

void builder_wait(struct builder *b, u32 task, u32 lock, enum lab_access access)
{
	struct lab_wait w = { .task = task, .lock = lock, .access = access };

	utarray_push_back(&b->waits, &w);
}

void builder_hold(struct builder *b, u32 task, u32 lock, enum lab_hold_source source,
		  enum lab_access access, bool steady, u32 depth)
{
	struct lab_hold h = {
		.task = task,
		.lock = lock,
		.source = source,
		.access = access,
		.steady = steady,
		.depth = depth,
	};

	utarray_push_back(&b->holds, &h);
}

void builder_not_seen(struct builder *b, bool blind, const char *format, ...)
{
	const char *line;
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	b->blind |= blind;
	for (u32 i = 0; i < utarray_len(&b->not_seen); i++)
		if (!strcmp(*(const char **)utarray_eltptr(&b->not_seen, i), text))
			return;
	line = builder_string(b, text);
	utarray_push_back(&b->not_seen, &line);
}

/*
 * Where each bucket begins, for a stable counting sort: first[i] for i in [0, nr], from the bucket
 * of every element.
 */
static void counts_to_firsts(u32 *first, u32 nr)
{
	u32 sum = 0;

	for (u32 i = 0; i <= nr; i++) {
		u32 count = first[i];

		first[i] = sum;
		sum += count;
	}
}

static bool same_hold(const struct lab_hold *a, const struct lab_hold *b)
{
	return a->task == b->task && a->lock == b->lock;
}

static void sort_waits(struct builder *b, struct lab_wait *out, u32 *first)
{
	const struct lab_wait *in = (const void *)utarray_front(&b->waits);
	struct lab_picture *p = &b->picture;
	u32 nr = utarray_len(&b->waits);
	u32 kept = 0;

	memset(first, 0, (p->nr_tasks + 1) * sizeof(*first));
	for (u32 i = 0; i < nr; i++)
		first[in[i].task]++;
	counts_to_firsts(first, p->nr_tasks);
	for (u32 i = 0; i < nr; i++)
		out[first[in[i].task]++] = in[i];
	for (u32 i = 0; i < nr; i++) {
		bool again = false;

		/* A task waits for few things at once. */
		for (u32 j = kept; j-- > 0 && out[j].task == out[i].task;)
			again |= out[j].lock == out[i].lock;
		if (!again)
			out[kept++] = out[i];
	}
	p->waits = out;
	p->nr_waits = kept;
	for (u32 i = 0; i < p->nr_tasks; i++)
		p->tasks[i].nr_waits = 0;
	for (u32 i = kept; i-- > 0;) {
		p->tasks[out[i].task].first_wait = i;
		p->tasks[out[i].task].nr_waits++;
	}
}

/*
 * Two sources may know of the same hold: the lock's own owner field wins over a scan, and the
 * deeper depth.
 */
static int compare_holds(const void *a, const void *b)
{
	const struct lab_hold *x = a, *y = b;

	if (x->task != y->task)
		return x->task < y->task ? -1 : 1;
	if (x->lock != y->lock)
		return x->lock < y->lock ? -1 : 1;
	return (int)x->source - (int)y->source;
}

static void sort_holds(struct builder *b, struct lab_hold *out)
{
	const struct lab_hold *in = (const void *)utarray_front(&b->holds);
	struct lab_picture *p = &b->picture;
	u32 nr = utarray_len(&b->holds);
	u32 kept = 0;

	for (u32 i = 0; i < nr; i++)
		out[i] = in[i];
	qsort(out, nr, sizeof(*out), compare_holds);
	for (u32 i = 0; i < nr; i++) {
		if (kept && same_hold(&out[kept - 1], &out[i])) {
			if (out[i].depth > out[kept - 1].depth)
				out[kept - 1].depth = out[i].depth;
			continue;
		}
		out[kept++] = out[i];
	}
	p->holds = out;
	p->nr_holds = kept;
	for (u32 i = 0; i < p->nr_tasks; i++)
		p->tasks[i].nr_holds = 0;
	for (u32 i = kept; i-- > 0;) {
		p->tasks[out[i].task].first_hold = i;
		p->tasks[out[i].task].nr_holds++;
	}
}

static void index_locks(struct lab_picture *p, u32 *lock_waits, u32 *lock_holds)
{
	u32 at;

	p->lock_waits = lock_waits;
	p->lock_holds = lock_holds;
	for (u32 i = 0; i < p->nr_locks; i++)
		p->locks[i].nr_waits = p->locks[i].nr_holds = 0;
	for (u32 i = 0; i < p->nr_waits; i++)
		p->locks[p->waits[i].lock].nr_waits++;
	for (u32 i = 0; i < p->nr_holds; i++)
		p->locks[p->holds[i].lock].nr_holds++;
	at = 0;
	for (u32 i = 0; i < p->nr_locks; i++) {
		p->locks[i].first_wait = at;
		at += p->locks[i].nr_waits;
		p->locks[i].nr_waits = 0;
	}
	at = 0;
	for (u32 i = 0; i < p->nr_locks; i++) {
		p->locks[i].first_hold = at;
		at += p->locks[i].nr_holds;
		p->locks[i].nr_holds = 0;
	}
	for (u32 i = 0; i < p->nr_waits; i++) {
		struct lab_lock *lock = &p->locks[p->waits[i].lock];

		lock_waits[lock->first_wait + lock->nr_waits++] = i;
	}
	for (u32 i = 0; i < p->nr_holds; i++) {
		struct lab_lock *lock = &p->locks[p->holds[i].lock];

		lock_holds[lock->first_hold + lock->nr_holds++] = i;
	}
}

static void sort_members(struct builder *b, u32 *out, u32 *first)
{
	const struct membership *in = (const void *)utarray_front(&b->memberships);
	u32 nr = utarray_len(&b->memberships);
	struct lab_picture *p = &b->picture;

	memset(first, 0, (p->nr_groups + 1) * sizeof(*first));
	for (u32 i = 0; i < nr; i++)
		first[in[i].group]++;
	counts_to_firsts(first, p->nr_groups);
	for (u32 i = 0; i < p->nr_groups; i++) {
		p->groups[i].first_member = first[i];
		p->groups[i].nr_members = 0;
	}
	for (u32 i = 0; i < nr; i++) {
		struct lab_group *g = &p->groups[in[i].group];

		out[g->first_member + g->nr_members++] = in[i].task;
	}
	p->members = out;
	p->nr_members = nr;
}

struct lab_picture *builder_finish(struct builder *b)
{
	struct lab_picture *p = &b->picture;
	u32 nr_waits = utarray_len(&b->waits);
	u32 nr_holds = utarray_len(&b->holds);
	u32 nr_members = utarray_len(&b->memberships);
	u32 scratch;
	size_t bytes;
	char *at;

	p->tasks = (void *)utarray_front(&b->tasks);
	p->nr_tasks = utarray_len(&b->tasks);
	p->locks = (void *)utarray_front(&b->locks);
	p->nr_locks = utarray_len(&b->locks);
	p->groups = (void *)utarray_front(&b->groups);
	p->nr_groups = utarray_len(&b->groups);
	p->not_seen = (void *)utarray_front(&b->not_seen);
	p->nr_not_seen = utarray_len(&b->not_seen);
	p->blind = b->blind;

	scratch = (p->nr_tasks > p->nr_groups ? p->nr_tasks : p->nr_groups) + 1;
	free(b->indices);
	b->indices = malloc(nr_waits * (sizeof(struct lab_wait) + sizeof(u32)) +
			    nr_holds * (sizeof(struct lab_hold) + sizeof(u32)) +
			    ((size_t)nr_members + scratch) * sizeof(u32) + sizeof(u64));
	if (!b->indices)
		return NULL;
	at = b->indices;
	sort_holds(b, (void *)at);
	at += nr_holds * sizeof(struct lab_hold);
	sort_waits(b, (void *)at, (u32 *)(at + nr_waits * sizeof(struct lab_wait)));
	at += nr_waits * sizeof(struct lab_wait);
	/* sort_waits() is done with its scratch; from here on the memory is laid out for good. */
	sort_members(b, (u32 *)at, (u32 *)at + nr_members + nr_waits + nr_holds);
	at += nr_members * sizeof(u32);
	index_locks(p, (u32 *)at, (u32 *)at + nr_waits);

	bytes = judge_bytes(p);
	free(b->verdict);
	b->verdict = bytes ? malloc(bytes) : NULL;
	if (!b->verdict)
		return NULL;
	judge(p, b->verdict);
	return p;
}
