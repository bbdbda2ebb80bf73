/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * descriptor - shared by the files that explain waits for descriptors (descriptor.c says how they
 * work together)
 */
#ifndef LOCKLAB_OBSERVE_DESCRIPTOR_H
#define LOCKLAB_OBSERVE_DESCRIPTOR_H

#include <stdint.h>
#include <sys/types.h>

#include "look.h"

#define MAX_POLLED 256 /* things one task waits for at once; beyond that it counts as alive */
#define MAX_FDINFO (256 * 1024) /* bytes of one /proc/PID/fdinfo file */
#define OFFSET_EOF ((u64)INT64_MAX)

enum end_type {
	END_OTHER,
	END_PIPE,
	END_FIFO,
	END_SOCKET,
	END_EVENT,
	END_EPOLL,
	END_FILE
};
enum end_mode {
	END_READ = 1,
	END_WRITE = 2
};

/* One descriptor of one process. Sorted by (type, dev, ino, tgid). */
struct end {
	u64 ino; /* END_EVENT: the eventfd-id */
	u32 dev; /* 0 where the inode number alone is unique */
	u32 tgid;
	u32 tid; /* whose table it is in: a thread may have its own */
	s32 fd;
	u8 type; /* enum end_type */
	u8 mode; /* enum end_mode; 0: not asked yet, see descriptor_mode() */
};

struct ends {
	struct end *at;
	u32 nr, capacity;
};

/* Processes, each once. */
struct tgids {
	u32 *at;
	u32 nr, capacity;
};

struct net;
struct held_lock;

/* What has been found out during one look. Memory from the builder: it ends with the look. */
struct descriptors {
	struct ends ends; /* pipes and sockets, sorted */
	struct ends events; /* eventfds; sorted once events_known */
	struct ends files; /* what has a path; sorted once files_known */
	bool ends_known, events_known, files_known;
	u32 *unreadable; /* processes whose descriptors may not be seen */
	u32 nr_unreadable, max_unreadable;
	struct tgids in_flight; /* who has a socket with descriptors in its queue, or the socket
				   they came from */
	struct net *nets;
	const struct lab_task_record **children; /* thread group leaders by parent */
	u32 nr_children;
	struct held_lock *locks; /* of the files asked about so far */
	u32 nr_locks, max_locks;
};

/* What one descriptor of a waiting task turned out to be. */
struct target {
	struct end end;
	u32 dev; /* of the inode, also where end.dev is 0 */
	char path[256];
};

/* What one task waits for. None: it is alive, as far as we know. */
struct waits {
	u32 locks[MAX_POLLED];
	u32 nr;
	bool any, timed, shared;
};

/* descriptor_table.c: who has what open */

struct descriptors *descriptors_of(struct look_context *c);
const struct ends *descriptors_ends(struct look_context *c); /* pipes and sockets */
const struct ends *descriptors_events(struct look_context *c);
const struct ends *descriptors_files(struct look_context *c);

/* The first of those with @key's type, device and inode; ends->nr if there is none. From there on
 * as long as they match. */
u32 ends_find(const struct ends *ends, const struct end *key);
bool ends_match(const struct ends *ends, u32 i, const struct end *key);

/*
 * Type, device and inode of the descriptor that a link under /proc/PID/fd stands for, and the
 * link's text. Return: false if it is not open or may not be looked at.
 */
bool descriptor_describe(int dirfd, const char *name, struct end *end, char *link, size_t size);

/* For what @end is open; for both if it is not any more, which errs on the safe side. */
u8 descriptor_mode(const struct end *end);

bool descriptor_event_id(struct look_context *c, u32 tgid, u32 tid, s32 fd, u64 *id);

/* Return: bytes, NUL-terminated; -errno. A file that is too long is -E2BIG. */
ssize_t descriptor_read_text(const char *path, char *buffer, size_t size);
ssize_t descriptor_read_fdinfo(struct look_context *c, u32 tgid, u32 tid, s32 fd, char *text,
			       size_t size);

/* Return: the text after "@name:" at the start of a line, NULL if there is no such line. */
const char *descriptor_field(const char *text, const char *name);

bool descriptor_is_skipped(const struct look_context *c, u32 tgid);
void descriptor_looking_at(struct look_context *c, u32 tgid);

/* Index of the first record of @tgid in the snapshot; now->nr if it has none. */
u32 descriptor_first_record(const struct look_context *c, u32 tgid);

/* A larger array with the same @nr elements. What is not given back is at most as much again: it
 * doubles. */
void *descriptor_grow(struct builder *b, void *old, u32 nr, u32 *capacity, size_t size);

/* descriptor_peer.c: sockets */

/* The sockets of the network namespace that @tgid is in. NULL if that can not be known. */
struct net *descriptor_net(struct look_context *c, u32 tgid);

/*
 * Return: inode of the socket at the other end of @tgid's socket @ino, 0 if anybody unknown may be
 * there. A datagram socket with a name takes from all; one that was handed to a process in another
 * network namespace is not found here, which is the safe side.
 */
u32 descriptor_peer(struct look_context *c, u32 tgid, u64 ino);

/*
 * Whether a descriptor that @r waits for may lie in some socket's queue (SCM_RIGHTS), where nobody
 * has it. Who has that socket, or its peer, must then be of the family: one of @set, or born of
 * them or of @r, or one of whom @r was born.
 */
bool descriptor_may_be_in_flight(struct look_context *c, const struct lab_task_record *r,
				 const struct tgids *set);

/* descriptor.c: groups, and what all waits share */

bool descriptor_is_descendant(const struct look_context *c, u32 tgid, u32 ancestor);

void descriptor_add_tgid(struct builder *b, struct tgids *set, u32 tgid);
const struct lab_task_record *descriptor_only_thread(const struct look_context *c, u32 tgid);
bool descriptor_uses_io_uring(const struct look_context *c, u32 tgid);

/*
 * Somebody who may not be looked at might have the other end. A descriptor comes by birth, so a
 * descendant of the waiter or of somebody in @set counts as having it; so does anybody if nobody
 * else is known. A stranger leaves only doubt: it would have to have been sent to him. Return:
 * whether he counts.
 */
bool descriptor_may_be_unreadable(struct look_context *c, const struct lab_task_record *r,
				  const struct tgids *set, bool *doubtful);

/* Adds the threads of @tgid. Return: false if the snapshot does not have it. */
bool descriptor_add_process(struct look_context *c, u32 group, u32 tgid);

/* Any thread of these processes can end a wait of @r for @lock. */
void descriptor_wakers(struct look_context *c, const struct lab_task_record *r, u32 lock,
		       const struct tgids *set, const char *key, const char *what, bool doubtful);

u32 descriptor_lock(struct look_context *c, const struct lab_lock_id *id, enum lab_lock_kind kind,
		    u32 attrs, const char *symbol, bool *is_new);

/* @fd of the waiting task. Return: false if it is not open (any more) or may not be looked at. */
bool descriptor_target(struct look_context *c, const struct lab_task_record *r, s32 fd,
		       struct target *t);

/* One of several that would do. Return: false if this one makes the whole wait a live one. */
bool descriptor_wants(struct look_context *c, struct waits *w, u32 lock);

bool descriptor_read_target(struct look_context *c, const struct lab_task_record *r, u64 address,
			    void *buffer, size_t size);

/* descriptor_child.c and descriptor_lock.c: the waits of these system calls */

void descriptor_wait4(struct look_context *c, const struct lab_task_record *r, struct waits *w);
void descriptor_waitid(struct look_context *c, const struct lab_task_record *r, struct waits *w);
void descriptor_flock(struct look_context *c, const struct lab_task_record *r, struct waits *w);
void descriptor_fcntl(struct look_context *c, const struct lab_task_record *r, struct waits *w);

#endif
