// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * descriptor - waits that are not futexes: pipes, sockets, eventfds, child processes, file locks
 *
 * Such a wait names no owner. Who could end it is whoever has the other end open, so each becomes a
 * group of which any one member is enough. /proc/PID/fd says who has what open. That table is read
 * once a look, when the first task needs it.
 *
 *   blocked in             waits for any thread of
 *   --------------------   ------------------------------------------------------------------
 *   read from a pipe       the processes with its write end open: itself too, if it left one open
 *   write to a pipe        the processes with its read end open
 *   read, write, socket    those with the peer's descriptor, or this one (shutdown(2) ends it)
 *   read from an eventfd   those that have it open
 *   poll, select, epoll    any one of these; anything else in the set counts as alive
 *   wait4, waitid          the child; any one child if any will do
 *   flock, fcntl           those whose lock is in the way; one thread alone is its holder
 *
 * Why nothing is accused in a race. The table is read after the snapshot. The first task of a
 * supposed knot to be woken was woken by somebody who had the other end then. If the table was read
 * before that, he is in it (a copy can only come from somebody who ran meanwhile, and all who have
 * one are in the knot, asleep); if after, the task has been switched since the snapshot, and
 * still_waiting() sees that. Whoever has an end open, but is not in the snapshot, counts as alive.
 *
 * Doubtful (never "proven"): descriptors are in flight in some socket's queue (SCM_RIGHTS); a
 * member uses io_uring, which acts without a thread; a FIFO, which anybody may open by name; an
 * eventfd, which the kernel may signal (AIO, KVM); processes that may not be looked at and are no
 * relatives of those that have the other end.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <unistd.h>

#include "descriptor.h"

#define MAX_SELECT 65536 /* highest descriptor in an fd_set that is looked at */

/* ---- groups ---- */

bool descriptor_add_process(struct look_context *c, u32 group, u32 tgid)
{
	u32 i = descriptor_first_record(c, tgid);
	bool any = false;

	for (; i < c->now->nr && c->now->records[i].tgid == tgid; i++) {
		const struct lab_task_record *r = &c->now->records[i];

		if (r->flags & LAB_TASK_EXITED)
			continue;
		builder_member(c->builder, group, builder_task(c->builder, r));
		any = true;
	}
	return any;
}

const struct lab_task_record *descriptor_only_thread(const struct look_context *c, u32 tgid)
{
	const struct lab_task_record *only = NULL;

	for (u32 i = descriptor_first_record(c, tgid);
	     i < c->now->nr && c->now->records[i].tgid == tgid; i++) {
		if (c->now->records[i].flags & LAB_TASK_EXITED)
			continue;
		if (only)
			return NULL;
		only = &c->now->records[i];
	}
	return only;
}

bool descriptor_uses_io_uring(const struct look_context *c, u32 tgid)
{
	for (u32 i = descriptor_first_record(c, tgid);
	     i < c->now->nr && c->now->records[i].tgid == tgid; i++)
		if (c->now->records[i].flags & LAB_TASK_IO_URING)
			return true;
	return false;
}

bool descriptor_is_descendant(const struct look_context *c, u32 tgid, u32 ancestor)
{
	/* Bounded: a snapshot is not one instant, its parents might form a circle. */
	for (int depth = 0; depth < 64 && tgid; depth++) {
		u32 i = descriptor_first_record(c, tgid);

		if (tgid == ancestor)
			return true;
		if (i == c->now->nr)
			return false;
		tgid = c->now->records[i].ppid;
	}
	return false;
}

void descriptor_add_tgid(struct builder *b, struct tgids *set, u32 tgid)
{
	/* They come sorted within one inode, so that the last one is nearly always the one. */
	for (u32 i = set->nr; i-- > 0;)
		if (set->at[i] == tgid)
			return;
	if (set->nr == set->capacity)
		set->at = descriptor_grow(b, set->at, set->nr, &set->capacity, sizeof(*set->at));
	set->at[set->nr++] = tgid;
}

static void collect(struct look_context *c, struct tgids *set, const struct ends *ends,
		    const struct end *key, u8 mode)
{
	for (u32 i = ends_find(ends, key); ends_match(ends, i, key); i++)
		if (descriptor_mode(&ends->at[i]) & mode)
			descriptor_add_tgid(c->builder, set, ends->at[i].tgid);
}

bool descriptor_may_be_unreadable(struct look_context *c, const struct lab_task_record *r,
				  const struct tgids *set, bool *doubtful)
{
	const struct descriptors *d = descriptors_of(c);

	descriptors_ends(c);
	if (!d->nr_unreadable && c->now->whole)
		return false;
	*doubtful = true;
	if (!set->nr)
		return true;
	for (u32 i = 0; i < d->nr_unreadable; i++) {
		if (!d->unreadable[i] || descriptor_is_descendant(c, d->unreadable[i], r->tgid))
			return true;
		for (u32 j = 0; j < set->nr; j++)
			if (descriptor_is_descendant(c, d->unreadable[i], set->at[j]))
				return true;
	}
	return false;
}

static bool is_among(const struct tgids *set, u32 tgid)
{
	for (u32 i = 0; i < set->nr; i++)
		if (set->at[i] == tgid)
			return true;
	return false;
}

void descriptor_wakers(struct look_context *c, const struct lab_task_record *r, u32 lock,
		       const struct tgids *set, const char *key, const char *what, bool doubtful)
{
	bool unseen = descriptor_may_be_unreadable(c, r, set, &doubtful);
	u32 group;

	if (unseen)
		builder_not_seen(
			c->builder, false,
			"process %u: who has the other end of a descriptor: processes of other users",
			r->tgid);
	doubtful |= descriptor_may_be_in_flight(c, r, set);
	for (u32 i = 0; i < set->nr; i++)
		doubtful |= descriptor_uses_io_uring(c, set->at[i]);
	group = builder_group(c->builder, key, what, doubtful);
	for (u32 i = 0; i < set->nr; i++)
		unseen |= !descriptor_add_process(c, group, set->at[i]);
	/*
	 * Reading a pipe of one's own that a signal handler writes to is how programs wait for
	 * signals.
	 */
	unseen |= is_among(set, r->tgid) && (r->flags & LAB_TASK_SIGCAUGHT);
	/* Nobody at all: the wait ends by itself, with end of file or an error, as soon as the task
	 * runs. */
	unseen |= !set->nr;
	builder_lock_at(c->builder, lock)->wakers = group;
	builder_lock_at(c->builder, lock)->unseen = unseen;
}

u32 descriptor_lock(struct look_context *c, const struct lab_lock_id *id, enum lab_lock_kind kind,
		    u32 attrs, const char *symbol, bool *is_new)
{
	u32 lock = builder_lock(c->builder, id, kind, attrs);
	struct lab_lock *l = builder_lock_at(c->builder, lock);

	*is_new = !l->symbol;
	if (*is_new) {
		const char *kept = builder_string(c->builder, symbol);

		builder_lock_at(c->builder, lock)->symbol = kept;
	}
	return lock;
}

/*
 * A pipe has two things to wait for: data (address 0) and room (address 1).
 */
static u32 pipe_lock(struct look_context *c, const struct lab_task_record *r,
		     const struct target *t, u8 side)
{
	struct lab_lock_id id = {
		.space = LAB_SPACE_INODE,
		.a = t->dev,
		.b = t->end.ino,
		.address = side == END_READ ? 0 : 1,
	};
	u8 other = side == END_READ ? END_WRITE : END_READ;
	const struct ends *ends;
	struct tgids set = { 0 };
	char key[64], what[384];
	bool is_new;
	u32 lock = descriptor_lock(c, &id, LAB_PIPE, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	ends = t->end.type == END_FIFO ? descriptors_files(c) : descriptors_ends(c);
	collect(c, &set, ends, &t->end, other);
	snprintf(key, sizeof(key), "pipe:%u:%x:%" PRIu64 ":%u", t->end.type, t->end.dev, t->end.ino,
		 other);
	snprintf(what, sizeof(what), "whoever has the %s end of %s open",
		 other == END_WRITE ? "write" : "read", t->path);
	descriptor_wakers(c, r, lock, &set, key, what, t->end.type == END_FIFO);
	return lock;
}

static u32 socket_lock(struct look_context *c, const struct lab_task_record *r,
		       const struct target *t, u8 side)
{
	struct lab_lock_id id = {
		.space = LAB_SPACE_INODE,
		.a = t->dev,
		.b = t->end.ino,
		.address = side == END_READ ? 0 : 1,
	};
	struct end peer = { .type = END_SOCKET };
	struct tgids set = { 0 };
	char key[64], what[384];
	bool is_new;
	u32 lock = descriptor_lock(c, &id, LAB_SOCKET, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	peer.ino = descriptor_peer(c, r->tgid, t->end.ino);
	if (!peer.ino) {
		builder_lock_at(c->builder, lock)->unseen = true;
		return lock;
	}
	collect(c, &set, descriptors_ends(c), &peer, END_READ | END_WRITE);
	if (!set.nr) {
		/* Sent to somebody who has not taken it yet, or the kernel's own. */
		builder_lock_at(c->builder, lock)->unseen = true;
		return lock;
	}
	/* shutdown(2) on this end ends a wait here too. */
	collect(c, &set, descriptors_ends(c), &t->end, END_READ | END_WRITE);
	snprintf(key, sizeof(key), "socket:%" PRIu64, t->end.ino);
	snprintf(what, sizeof(what), "whoever has either end of %s - socket:[%" PRIu64 "] open",
		 t->path, peer.ino);
	descriptor_wakers(c, r, lock, &set, key, what, false);
	return lock;
}

static u32 event_lock(struct look_context *c, const struct lab_task_record *r,
		      const struct target *t, u8 side)
{
	struct lab_lock_id id = {
		.space = LAB_SPACE_INODE,
		.a = t->dev,
		.b = t->end.ino,
		.address = side == END_READ ? 0 : 1,
	};
	struct tgids set = { 0 };
	char key[64], what[384];
	bool is_new;
	u32 lock = descriptor_lock(c, &id, LAB_SEMAPHORE, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	collect(c, &set, descriptors_events(c), &t->end, END_READ | END_WRITE);
	snprintf(key, sizeof(key), "eventfd:%" PRIu64, t->end.ino);
	snprintf(what, sizeof(what), "whoever has %s open", t->path);
	descriptor_wakers(c, r, lock, &set, key, what, true);
	return lock;
}

bool descriptor_target(struct look_context *c, const struct lab_task_record *r, s32 fd,
		       struct target *t)
{
	char path[64], link[PATH_MAX];
	struct statx stx;

	if (descriptor_is_skipped(c, r->tgid))
		return false;
	descriptor_looking_at(c, r->tgid);
	memset(t, 0, sizeof(*t));
	t->end.tgid = r->tgid;
	t->end.tid = r->tid;
	t->end.fd = fd;
	snprintf(path, sizeof(path), "/proc/%u/task/%u/fd/%d", r->tgid, r->tid, fd);
	if (!descriptor_describe(AT_FDCWD, path, &t->end, link, sizeof(link)))
		return false;
	memccpy(t->path, link, 0, sizeof(t->path) - 1);
	if (t->end.type == END_EVENT) {
		if (!descriptor_event_id(c, r->tgid, r->tid, fd, &t->end.ino))
			return false;
		snprintf(t->path, sizeof(t->path), "eventfd:[%" PRIu64 "]", t->end.ino);
	}
	if (!statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx))
		t->dev = (u32)makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return true;
}

/* The lock that waiting for @side of @t means; LAB_NONE: something that may come to life by itself.
 */
static u32 lock_of(struct look_context *c, const struct lab_task_record *r, const struct target *t,
		   u8 side)
{
	switch (t->end.type) {
	case END_PIPE:
	case END_FIFO:
		/* Each end has one thing to wait for. */
		return t->end.mode & side ? pipe_lock(c, r, t, side) : LAB_NONE;
	case END_SOCKET:
		return socket_lock(c, r, t, side);
	case END_EVENT:
		return event_lock(c, r, t, side);
	default:
		return LAB_NONE;
	}
}

/* ---- the waits of one task ---- */

bool descriptor_wants(struct look_context *c, struct waits *w, u32 lock)
{
	if (lock == LAB_NONE || w->nr == MAX_POLLED)
		return false;
	w->locks[w->nr++] = lock;
	return !builder_lock_at(c->builder, lock)->unseen;
}

/* Is it still in the wait of the snapshot, after all that was read since? */
static bool still_waiting(struct look_context *c, const struct lab_task_record *r)
{
	char path[64], text[8192];
	const char *voluntary, *involuntary;

	descriptor_looking_at(c, r->tgid);
	snprintf(path, sizeof(path), "/proc/%u/task/%u/status", r->tgid, r->tid);
	if (descriptor_read_text(path, text, sizeof(text)) < 0)
		return false;
	voluntary = descriptor_field(text, "voluntary_ctxt_switches");
	involuntary = descriptor_field(text, "nonvoluntary_ctxt_switches");
	if (!voluntary || !involuntary)
		return false;
	return strtoull(voluntary, NULL, 10) + strtoull(involuntary, NULL, 10) == r->switches;
}

/*
 * SO_RCVTIMEO and SO_SNDTIMEO end a wait, and only the socket itself can tell: it is borrowed for
 * one getsockopt().
 *
 * Return: 1 timed, 0 not, -1 can not tell.
 */
static int socket_is_timed(const struct lab_task_record *r, s32 fd, int option)
{
	int pidfd = (int)syscall(SYS_pidfd_open, r->tgid, 0);
	struct timeval t = { 0 };
	socklen_t size = sizeof(t);
	int borrowed, ret = -1;

	if (pidfd < 0)
		return -1;
	borrowed = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	if (borrowed >= 0) {
		if (!getsockopt(borrowed, SOL_SOCKET, option, &t, &size))
			ret = t.tv_sec || t.tv_usec;
		close(borrowed);
	}
	close(pidfd);
	return ret;
}

static void wait_one(struct look_context *c, const struct lab_task_record *r, struct waits *w,
		     s32 fd, u8 side)
{
	struct target t;
	u32 lock;
	int timed;

	if (!descriptor_target(c, r, fd, &t))
		return;
	lock = lock_of(c, r, &t, side);
	if (lock == LAB_NONE)
		return;
	if (t.end.type == END_SOCKET && !builder_lock_at(c->builder, lock)->unseen) {
		timed = socket_is_timed(r, fd, side == END_READ ? SO_RCVTIMEO : SO_SNDTIMEO);
		/* A socket that can not be asked might be timed: then it must not look as if
		 * nothing ended the wait. */
		w->timed |= timed != 0;
	}
	w->locks[w->nr++] = lock;
}

/* splice, tee, sendfile: which of the two it waits for is not known from outside; a regular file it
 * does not wait for. */
static void wait_two(struct look_context *c, const struct lab_task_record *r, struct waits *w,
		     s32 in, s32 out)
{
	struct target from, to;

	if (!descriptor_target(c, r, in, &from) || !descriptor_target(c, r, out, &to))
		return;
	w->any = true;
	if (from.end.type != END_FILE && !descriptor_wants(c, w, lock_of(c, r, &from, END_READ)))
		w->nr = 0;
	else if (to.end.type != END_FILE && !descriptor_wants(c, w, lock_of(c, r, &to, END_WRITE)))
		w->nr = 0;
}

/* Return: false if this descriptor alone makes it a live wait. */
static bool wait_polled(struct look_context *c, const struct lab_task_record *r, struct waits *w,
			s32 fd, bool in, bool out)
{
	struct target t;
	u8 side;

	if (!descriptor_target(c, r, fd, &t))
		return false;
	if (t.end.type == END_SOCKET || t.end.type == END_EVENT) {
		/* Both directions end by the same people. */
		side = in || !out ? END_READ : END_WRITE;
	} else if (t.end.mode == (END_READ | END_WRITE)) {
		return false; /* a FIFO opened for both */
	} else {
		/* Whatever was asked for: hang-up and error come from the other side, and always
		 * wake. */
		side = t.end.mode;
	}
	return descriptor_wants(c, w, lock_of(c, r, &t, side));
}

bool descriptor_read_target(struct look_context *c, const struct lab_task_record *r, u64 address,
			    void *buffer, size_t size)
{
	struct memory *m = c->memory(c, r->tgid);

	return m && memory_read(m, address, buffer, size) == (ssize_t)size;
}

static void wait_poll(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct pollfd fds[MAX_POLLED];
	u64 nr = r->args[1];

	w->any = true;
	if (!nr || nr > MAX_POLLED ||
	    !descriptor_read_target(c, r, r->args[0], fds, nr * sizeof(*fds)))
		return;
	for (u64 i = 0; i < nr; i++) {
		if (fds[i].fd < 0)
			continue;
		if (!wait_polled(c, r, w, fds[i].fd, fds[i].events & (POLLIN | POLLRDNORM),
				 fds[i].events & (POLLOUT | POLLWRNORM))) {
			w->nr = 0;
			return;
		}
	}
}

static void wait_select(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	u64 nr = (u32)r->args[0];
	u8 sets[3][MAX_SELECT / 8];

	w->any = true;
	if (!nr || nr > MAX_SELECT)
		return;
	memset(sets, 0, sizeof(sets));
	for (int i = 0; i < 3; i++)
		if (r->args[1 + i] &&
		    !descriptor_read_target(c, r, r->args[1 + i], sets[i], (nr + 63) / 64 * 8))
			return;
	for (u64 fd = 0; fd < nr; fd++) {
		u8 bit = (u8)(1u << fd % 8);
		bool in = sets[0][fd / 8] & bit, out = sets[1][fd / 8] & bit;

		if (!in && !out && !(sets[2][fd / 8] & bit))
			continue;
		if (!wait_polled(c, r, w, (s32)fd, in, out)) {
			w->nr = 0;
			return;
		}
	}
}

/* Any other thread of the process may add to an epoll set, which is one more way out. */
static u32 epoll_lock(struct look_context *c, const struct lab_task_record *r,
		      const struct target *t)
{
	struct lab_lock_id id = {
		.space = LAB_SPACE_INODE,
		.a = t->dev,
		.b = r->tgid,
		.address = ~0ull,
	};
	struct tgids set = { 0 };
	char key[32], what[64];
	bool is_new;
	u32 lock = descriptor_lock(c, &id, LAB_SOCKET, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	descriptor_add_tgid(c->builder, &set, r->tgid);
	snprintf(key, sizeof(key), "epoll:%u", r->tgid);
	snprintf(what, sizeof(what), "the threads of process %u", r->tgid);
	descriptor_wakers(c, r, lock, &set, key, what, false);
	return lock;
}

/* An epoll set names descriptors as they were called when they were added: each is used only if it
 * still is that inode. */
static void wait_epoll(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct target set;
	const char *line;
	ssize_t got;
	char *text;

	w->any = true;
	if (!descriptor_target(c, r, (s32)r->args[0], &set) || set.end.type != END_EPOLL)
		return;
	text = malloc(MAX_FDINFO);
	if (!text)
		return;
	got = descriptor_read_fdinfo(c, r->tgid, r->tid, (s32)r->args[0], text, MAX_FDINFO);
	for (line = got > 0 ? text : NULL; line; line = strchr(line, '\n')) {
		unsigned int fd, events;
		unsigned long long ino;
		struct statx stx;
		char path[64];

		line += *line == '\n';
		if (strncmp(line, "tfd:", 4))
			continue;
		if (sscanf(line, "tfd: %u events: %x data: %*x pos:%*d ino:%llx", &fd, &events,
			   &ino) != 3)
			goto live;
		snprintf(path, sizeof(path), "/proc/%u/task/%u/fd/%u", r->tgid, r->tid, fd);
		if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx) ||
		    stx.stx_ino != ino)
			goto live;
		if (!wait_polled(c, r, w, (s32)fd, events & EPOLLIN, events & EPOLLOUT))
			goto live;
	}
	if (w->nr && !descriptor_only_thread(c, r->tgid) &&
	    !descriptor_wants(c, w, epoll_lock(c, r, &set)))
		goto live;
	free(text);
	return;
live:
	w->nr = 0;
	free(text);
}

/* ---- which system call ---- */

enum shape {
	CALL_READ, /* from descriptor args[0] */
	CALL_WRITE, /* to it */
	CALL_SPLICE,
	CALL_TEE,
	CALL_SENDFILE,
	CALL_POLL,
	CALL_PPOLL,
	CALL_SELECT,
	CALL_EPOLL,
	CALL_EPOLL2,
	CALL_WAIT4,
	CALL_WAITID,
	CALL_FLOCK,
	CALL_FCNTL,
	CALL_RECVMMSG,
};

static const struct call {
	s64 nr;
	enum shape shape;
	const char *name;
} calls[] = {
	{ __NR_read, CALL_READ, "read" },
	{ __NR_readv, CALL_READ, "readv" },
	{ __NR_preadv2, CALL_READ, "preadv2" },
	{ __NR_recvfrom, CALL_READ, "recvfrom" },
	{ __NR_recvmsg, CALL_READ, "recvmsg" },
	{ __NR_recvmmsg, CALL_RECVMMSG, "recvmmsg" },
	{ __NR_write, CALL_WRITE, "write" },
	{ __NR_writev, CALL_WRITE, "writev" },
	{ __NR_pwritev2, CALL_WRITE, "pwritev2" },
	{ __NR_vmsplice, CALL_WRITE, "vmsplice" },
	{ __NR_sendto, CALL_WRITE, "sendto" },
	{ __NR_sendmsg, CALL_WRITE, "sendmsg" },
	{ __NR_sendmmsg, CALL_WRITE, "sendmmsg" },
	{ __NR_splice, CALL_SPLICE, "splice" },
	{ __NR_tee, CALL_TEE, "tee" },
	{ __NR_sendfile, CALL_SENDFILE, "sendfile" },
	{ __NR_ppoll, CALL_PPOLL, "ppoll" },
	{ __NR_pselect6, CALL_SELECT, "pselect6" },
	{ __NR_epoll_pwait, CALL_EPOLL, "epoll_pwait" },
	{ __NR_epoll_pwait2, CALL_EPOLL2, "epoll_pwait2" },
#ifdef __NR_poll /* newer architectures have only the general forms */
	{ __NR_poll, CALL_POLL, "poll" },
	{ __NR_select, CALL_SELECT, "select" },
	{ __NR_epoll_wait, CALL_EPOLL, "epoll_wait" },
#endif
	{ __NR_wait4, CALL_WAIT4, "wait4" },
	{ __NR_waitid, CALL_WAITID, "waitid" },
	{ __NR_flock, CALL_FLOCK, "flock" },
	{ __NR_fcntl, CALL_FCNTL, "fcntl" },
};

static const struct call *call_of(const struct lab_task_record *r)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if (calls[i].nr != r->syscall)
			continue;
		if (calls[i].shape == CALL_FCNTL && r->args[1] != F_SETLKW &&
		    r->args[1] != F_OFD_SETLKW)
			return NULL;
		return &calls[i];
	}
	return NULL;
}

static void find_waits(struct look_context *c, const struct lab_task_record *r, enum shape shape,
		       struct waits *w)
{
	switch (shape) {
	case CALL_RECVMMSG:
		w->timed = r->args[4];
		wait_one(c, r, w, (s32)r->args[0], END_READ);
		break;
	case CALL_READ:
		wait_one(c, r, w, (s32)r->args[0], END_READ);
		break;
	case CALL_WRITE:
		wait_one(c, r, w, (s32)r->args[0], END_WRITE);
		break;
	case CALL_SPLICE:
		wait_two(c, r, w, (s32)r->args[0], (s32)r->args[2]);
		break;
	case CALL_TEE:
		wait_two(c, r, w, (s32)r->args[0], (s32)r->args[1]);
		break;
	case CALL_SENDFILE:
		wait_two(c, r, w, (s32)r->args[1], (s32)r->args[0]);
		break;
	case CALL_POLL:
		w->timed = (s32)r->args[2] >= 0;
		wait_poll(c, r, w);
		break;
	case CALL_PPOLL:
		w->timed = r->args[2];
		wait_poll(c, r, w);
		break;
	case CALL_SELECT:
		w->timed = r->args[4];
		wait_select(c, r, w);
		break;
	case CALL_EPOLL:
		w->timed = (s32)r->args[3] >= 0;
		wait_epoll(c, r, w);
		break;
	case CALL_EPOLL2:
		w->timed = r->args[3];
		wait_epoll(c, r, w);
		break;
	case CALL_WAIT4:
		descriptor_wait4(c, r, w);
		break;
	case CALL_WAITID:
		descriptor_waitid(c, r, w);
		break;
	case CALL_FLOCK:
		descriptor_flock(c, r, w);
		break;
	case CALL_FCNTL:
		descriptor_fcntl(c, r, w);
		break;
	}
}

/*
 * A call that changes the signal mask for as long as it waits, in a process with handlers, waits
 * for signals as well: make's job server does so for SIGCHLD, beside a pipe of which it holds both
 * ends.
 */
static bool waits_for_signals(struct look_context *c, const struct lab_task_record *r)
{
	u64 mask = 0;

	if (!(r->flags & LAB_TASK_SIGCAUGHT))
		return false;
	switch (r->syscall) {
	case __NR_ppoll:
		return r->args[3];
	case __NR_epoll_pwait:
	case __NR_epoll_pwait2:
		return r->args[4];
	case __NR_pselect6:
		/* A pointer to the pointer to the mask, and its size. */
		return r->args[5] &&
		       (!descriptor_read_target(c, r, r->args[5], &mask, sizeof(mask)) || mask);
	default:
		return false;
	}
}

/**
 * descriptor_classify() - waits for pipes, sockets, eventfds, children and file locks
 * @c: the look
 * @r: a task that is blocked in a system call
 * @task: its index
 *
 * Fills in what it waits for; a wait that may end by something outside the model is left without,
 * which is "alive".
 *
 * Return: true if the system call is one of these, whatever came of it.
 */
bool descriptor_classify(struct look_context *c, const struct lab_task_record *r, u32 task)
{
	const struct call *call = call_of(r);
	struct waits w = { .nr = 0 };
	struct lab_task *t;

	if (!call || r->state == 'R' ||
	    (r->flags & (LAB_TASK_EXITED | LAB_TASK_EXITING | LAB_TASK_COMPAT)))
		return false;
	builder_task_at(c->builder, task)->call = call->name;
	if (waits_for_signals(c, r))
		return true;
	find_waits(c, r, call->shape, &w);
	descriptor_looking_at(c, 0);
	if (!w.nr)
		return true;
	if (!still_waiting(c, r))
		return true;
	t = builder_task_at(c->builder, task);
	if (w.any && w.nr > 1)
		t->status |= LAB_TASK_WAITS_ANY;
	if (w.timed)
		t->status |= LAB_TASK_WAITS_TIMED;
	for (u32 i = 0; i < w.nr; i++)
		builder_wait(c->builder, task, w.locks[i], w.shared ? LAB_SHARED : LAB_EXCLUSIVE);
	descriptor_looking_at(c, 0);
	return true;
}
