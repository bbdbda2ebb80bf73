// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * descriptor_lock - flock() and fcntl(): waits for somebody to unlock a file
 *
 * The kernel prints the locks on a file with each descriptor that holds one, which says more than
 * /proc/locks does: also who has inherited an open file with its lock.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "descriptor.h"

struct held_lock {
	u64 ino;
	u32 dev;
	u32 tgid;
	u32 tid;
	s32 fd;
	char type; /* 'F'lock, 'P'OSIX, 'O'pen file description */
	bool write;
	u64 start, end;
};

struct request {
	char type; /* as held_lock.type */
	bool write;
	u64 start, end;
};

static void parse_lock(struct look_context *c, struct descriptors *d, const struct end *end,
		       const char *line)
{
	struct held_lock held = {
		.dev = end->dev,
		.ino = end->ino,
		.tgid = end->tgid,
		.tid = end->tid,
		.fd = end->fd,
	};
	char type[16], how[16], access[16], last[32];
	long long start;

	if (sscanf(line, "lock: %*d: %15s %15s %15s %*d %*[^ ] %lld %31s", type, how, access,
		   &start, last) != 5)
		return;
	if (strcmp(type, "FLOCK") && strcmp(type, "POSIX") && strcmp(type, "OFDLCK"))
		return;
	held.type = type[0];
	held.write = !strcmp(access, "WRITE");
	held.start = (u64)start;
	held.end = strcmp(last, "EOF") ? strtoull(last, NULL, 10) : OFFSET_EOF;
	if (d->nr_locks == d->max_locks)
		d->locks = descriptor_grow(c->builder, d->locks, d->nr_locks, &d->max_locks,
					   sizeof(*d->locks));
	d->locks[d->nr_locks++] = held;
}

/* The locks on one file, from everybody who has it open: the kernel prints them with the descriptor
 * that holds them. */
static void read_locks(struct look_context *c, const struct target *t)
{
	struct descriptors *d = descriptors_of(c);
	const struct ends *files = descriptors_files(c);
	char *text;

	for (u32 i = 0; i < d->nr_locks; i++)
		if (d->locks[i].dev == t->end.dev && d->locks[i].ino == t->end.ino)
			return;
	text = malloc(MAX_FDINFO);
	if (!text)
		return;
	for (u32 i = ends_find(files, &t->end); ends_match(files, i, &t->end); i++) {
		const struct end *end = &files->at[i];
		const char *line = text;

		if (descriptor_read_fdinfo(c, end->tgid, end->tid, end->fd, text, MAX_FDINFO) < 0)
			continue;
		for (; line; line = strchr(line, '\n')) {
			line += *line == '\n';
			if (!strncmp(line, "lock:", 5))
				parse_lock(c, d, end, line);
		}
	}
	free(text);
}

static bool is_same_description(const struct lab_task_record *r, s32 fd,
				const struct held_lock *held)
{
	if (held->tgid == r->tgid && held->fd == fd)
		return true;
	return !syscall(SYS_kcmp, (long)r->tid, (long)held->tid, KCMP_FILE, (long)fd,
			(long)held->fd);
}

static bool is_in_the_way(const struct lab_task_record *r, s32 fd, const struct request *q,
			  const struct held_lock *held)
{
	if ((q->type == 'F') != (held->type == 'F'))
		return false;
	if (!q->write && !held->write)
		return false;
	if (q->start > held->end || held->start > q->end)
		return false;
	/* One's own lock is never in the way: a POSIX one belongs to the process, the others to the
	 * open file. */
	if (q->type == 'P')
		return held->type != 'P' || held->tgid != r->tgid;
	return held->type == 'P' || !is_same_description(r, fd, held);
}

/*
 * One lock of the picture for each locked range that is in the way (all of them have to go). A
 * file's locks are told apart by where they begin, above every address that a mapping of the file
 * could have. Read locks that begin at the same place count as one that any of their holders can
 * give up: that errs on the safe side.
 */
static u32 file_lock(struct look_context *c, const struct lab_task_record *r,
		     const struct target *t, const struct request *q, const struct held_lock *held)
{
	struct descriptors *d = descriptors_of(c);
	struct lab_lock_id id = {
		.space = LAB_SPACE_INODE,
		.a = t->dev,
		.b = t->end.ino,
		.address = held->type == 'F' ? ~0ull : 1ull << 63 | held->start,
	};
	enum lab_lock_kind kind = held->type == 'F' ? LAB_FLOCK : LAB_RECORD_LOCK;
	const struct lab_task_record *only;
	struct tgids set = { 0 };
	bool unseen = false, doubtful = false;
	char name[320], key[96], what[384];
	bool is_new;
	u32 lock;

	if (held->type == 'F' || (!held->start && held->end == OFFSET_EOF))
		snprintf(name, sizeof(name), "%s", t->path);
	else if (held->end == OFFSET_EOF)
		snprintf(name, sizeof(name), "%s from byte %" PRIu64, t->path, held->start);
	else
		snprintf(name, sizeof(name), "%s bytes %" PRIu64 "-%" PRIu64, t->path, held->start,
			 held->end);
	lock = descriptor_lock(c, &id, kind, 0, name, &is_new);
	if (!is_new)
		return lock;
	for (u32 i = 0; i < d->nr_locks; i++) {
		const struct held_lock *h = &d->locks[i];

		if (h->dev == held->dev && h->ino == held->ino &&
		    (h->type == 'F') == (held->type == 'F') && h->start == held->start)
			descriptor_add_tgid(c->builder, &set, h->tgid);
	}
	only = set.nr == 1 ? descriptor_only_thread(c, set.at[0]) : NULL;
	if (only) {
		/* A POSIX lock is its process's alone; an open file may have been handed on. */
		if (held->type != 'P') {
			unseen = descriptor_may_be_unreadable(c, r, &set, &doubtful);
			doubtful |= descriptor_may_be_in_flight(c, r, &set);
		}
		builder_lock_at(c->builder, lock)->unseen = unseen;
		builder_hold(c->builder, builder_task(c->builder, only), lock, LAB_HOLD_KERNEL,
			     held->write ? LAB_EXCLUSIVE : LAB_SHARED, !doubtful, 1);
		return lock;
	}
	snprintf(key, sizeof(key), "lock:%x:%" PRIu64 ":%" PRIx64, id.a ? (u32)id.a : 0, id.b,
		 id.address);
	snprintf(what, sizeof(what), "the threads that can unlock %s", name);
	descriptor_wakers(c, r, lock, &set, key, what, false);
	return lock;
}

static void wait_file_lock(struct look_context *c, const struct lab_task_record *r, struct waits *w,
			   const struct target *t, const struct request *q)
{
	struct descriptors *d = descriptors_of(c);

	read_locks(c, t);
	for (u32 i = 0; i < d->nr_locks; i++) {
		const struct held_lock *held = &d->locks[i];

		if (held->dev != t->end.dev || held->ino != t->end.ino ||
		    !is_in_the_way(r, t->end.fd, q, held))
			continue;
		if (w->nr == MAX_POLLED) {
			/* All of them have to go; those seen so far are a part of what it needs,
			 * which is still true. */
			return;
		}
		w->locks[w->nr++] = file_lock(c, r, t, q, held);
	}
}

void descriptor_flock(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct request q = { .type = 'F', .end = OFFSET_EOF };
	struct target t;

	if ((r->args[1] & LOCK_NB) || !descriptor_target(c, r, (s32)r->args[0], &t) ||
	    t.end.type != END_FILE)
		return;
	q.write = !(r->args[1] & LOCK_SH);
	w->shared = !q.write;
	wait_file_lock(c, r, w, &t, &q);
}

static bool resolve_range(struct look_context *c, const struct lab_task_record *r,
			  const struct flock *l, struct request *q)
{
	char path[64], text[4096];
	s64 base = 0, start, end;
	struct statx stx;
	const char *field;

	switch (l->l_whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (descriptor_read_fdinfo(c, r->tgid, r->tid, (s32)r->args[0], text,
					   sizeof(text)) < 0)
			return false;
		field = descriptor_field(text, "pos");
		base = field ? strtoll(field, NULL, 10) : -1;
		break;
	case SEEK_END:
		snprintf(path, sizeof(path), "/proc/%u/task/%u/fd/%d", r->tgid, r->tid,
			 (s32)r->args[0]);
		if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_SIZE, &stx))
			return false;
		base = (s64)stx.stx_size;
		break;
	default:
		return false;
	}
	if (base < 0 || __builtin_add_overflow(base, l->l_start, &start))
		return false;
	if (!l->l_len) {
		end = OFFSET_EOF;
	} else if (l->l_len > 0) {
		if (__builtin_add_overflow(start, l->l_len - 1, &end))
			return false;
	} else {
		end = start - 1;
		if (__builtin_add_overflow(start, l->l_len, &start))
			return false;
	}
	if (start < 0 || end < start)
		return false;
	q->start = (u64)start;
	q->end = (u64)end;
	return true;
}

void descriptor_fcntl(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct request q = { .type = r->args[1] == F_OFD_SETLKW ? 'O' : 'P' };
	struct target t;
	struct flock l;

	if (!descriptor_target(c, r, (s32)r->args[0], &t) || t.end.type != END_FILE)
		return;
	if (!descriptor_read_target(c, r, r->args[2], &l, sizeof(l)) ||
	    !resolve_range(c, r, &l, &q))
		return;
	q.write = l.l_type == F_WRLCK;
	w->shared = !q.write;
	wait_file_lock(c, r, w, &t, &q);
}
