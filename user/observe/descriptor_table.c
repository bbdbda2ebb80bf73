// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * descriptor_table - who has which pipe, socket, eventfd and file open, in the whole system
 *
 * Read at most once a look: by the text of the links under /proc/PID/fd as far as that says enough,
 * which costs about a microsecond a descriptor; files and eventfds, which need another call each,
 * only when somebody waits for one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "descriptor.h"

void *descriptor_grow(struct builder *b, void *old, u32 nr, u32 *capacity, size_t size)
{
	u32 more = *capacity ? 2 * *capacity : 256;
	void *bigger = builder_alloc(b, more * size);

	if (nr)
		memcpy(bigger, old, nr * size);
	*capacity = more;
	return bigger;
}

static void ends_add(struct builder *b, struct ends *ends, const struct end *end)
{
	if (ends->nr == ends->capacity)
		ends->at =
			descriptor_grow(b, ends->at, ends->nr, &ends->capacity, sizeof(*ends->at));
	ends->at[ends->nr++] = *end;
}

static int compare_ends(const void *a, const void *b)
{
	const struct end *x = a, *y = b;

	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return 0;
}

u32 ends_find(const struct ends *ends, const struct end *key)
{
	u32 low = 0, high = ends->nr;
	struct end first = *key;

	first.tgid = 0;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (compare_ends(&ends->at[middle], &first) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ends_match(const struct ends *ends, u32 i, const struct end *key)
{
	return i < ends->nr && ends->at[i].type == key->type && ends->at[i].dev == key->dev &&
	       ends->at[i].ino == key->ino;
}

bool descriptor_is_skipped(const struct look_context *c, u32 tgid)
{
	for (u32 i = 0; i < c->progress->nr_skip; i++)
		if (c->progress->skip[i] == tgid)
			return true;
	return false;
}

void descriptor_looking_at(struct look_context *c, u32 tgid)
{
	c->progress->tgid = tgid;
	c->progress->steps++;
}

u32 descriptor_first_record(const struct look_context *c, u32 tgid)
{
	u32 low = 0, high = c->now->nr;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (c->now->records[middle].tgid < tgid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->now->nr && c->now->records[low].tgid == tgid ? low : c->now->nr;
}

ssize_t descriptor_read_text(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t got = 0;

	if (fd < 0)
		return -errno;
	while (have < size - 1) {
		got = read(fd, buffer + have, size - 1 - have);
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	if (got < 0)
		got = -errno;
	close(fd);
	buffer[have] = '\0';
	if (got < 0)
		return got;
	return have == size - 1 ? -E2BIG : (ssize_t)have;
}

static bool number_of(const char *link, const char *prefix, u64 *number)
{
	size_t length = strlen(prefix);

	if (strncmp(link, prefix, length) || link[length] != '[')
		return false;
	*number = strtoull(link + length + 1, NULL, 10);
	return true;
}

static u8 mode_of(int dirfd, const char *name)
{
	struct stat st;

	/* The link's own permission bits are the file's f_mode. */
	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		return END_READ | END_WRITE;
	return ((st.st_mode & S_IRUSR) ? END_READ : 0) | ((st.st_mode & S_IWUSR) ? END_WRITE : 0);
}

/*
 * Type, device and inode of one descriptor. AT_STATX_DONT_SYNC: a network or FUSE file system is
 * not asked, so that nobody who serves one can hold us up.
 */
bool descriptor_describe(int dirfd, const char *name, struct end *end, char *link, size_t size)
{
	ssize_t length = readlinkat(dirfd, name, link, size - 1);
	struct statx stx;

	if (length < 0)
		return false;
	link[length] = '\0';
	end->mode = mode_of(dirfd, name);
	if (number_of(link, "pipe:", &end->ino)) {
		end->type = END_PIPE;
		return true;
	}
	if (number_of(link, "socket:", &end->ino)) {
		end->type = END_SOCKET;
		return true;
	}
	if (!strcmp(link, "anon_inode:[eventfd]")) {
		end->type = END_EVENT;
		return true;
	}
	if (!strcmp(link, "anon_inode:[eventpoll]")) {
		end->type = END_EPOLL;
		return true;
	}
	end->type = END_OTHER;
	if (link[0] != '/' || statx(dirfd, name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &stx))
		return true;
	end->dev = (u32)makedev(stx.stx_dev_major, stx.stx_dev_minor);
	end->ino = stx.stx_ino;
	if (S_ISFIFO(stx.stx_mode))
		end->type = END_FIFO;
	else if (S_ISREG(stx.stx_mode) || S_ISDIR(stx.stx_mode))
		end->type = END_FILE;
	return true;
}

u8 descriptor_mode(const struct end *end)
{
	char path[64];

	if (end->mode)
		return end->mode;
	snprintf(path, sizeof(path), "/proc/%u/task/%u/fd/%d", end->tgid, end->tid, end->fd);
	return mode_of(AT_FDCWD, path);
}

/* One descriptor table into the lists: only what somebody can wait for, and by link text alone as
 * far as that goes. */
static int read_table(struct look_context *c, struct descriptors *d, u32 tgid, u32 tid)
{
	struct builder *b = c->builder;
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/fd", tgid, tid);
	dir = opendir(path);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct end end = { .tgid = tgid, .tid = tid };
		char link[64];
		ssize_t length;

		if (entry->d_name[0] == '.')
			continue;
		length = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (length <= 0)
			continue;
		link[length] = '\0';
		end.fd = atoi(entry->d_name);
		if (number_of(link, "pipe:", &end.ino)) {
			end.type = END_PIPE;
			ends_add(b, &d->ends, &end);
		} else if (number_of(link, "socket:", &end.ino)) {
			end.type = END_SOCKET;
			end.mode = END_READ | END_WRITE;
			ends_add(b, &d->ends, &end);
		} else if (!strcmp(link, "anon_inode:[eventfd]")) {
			end.type = END_EVENT;
			end.mode = END_READ | END_WRITE;
			end.type = END_EVENT;
			ends_add(b, &d->events, &end);
		} else if (link[0] == '/') {
			ends_add(b, &d->files, &end);
		}
	}
	closedir(dir);
	return 0;
}

static void note_unreadable(struct look_context *c, struct descriptors *d, u32 tgid)
{
	if (d->nr_unreadable == d->max_unreadable)
		d->unreadable = descriptor_grow(c->builder, d->unreadable, d->nr_unreadable,
						&d->max_unreadable, sizeof(*d->unreadable));
	d->unreadable[d->nr_unreadable++] = tgid;
}

static bool has_own_table(u32 tid, u32 other)
{
	return syscall(SYS_kcmp, (long)tid, (long)other, KCMP_FILES, 0, 0) > 0;
}

static void read_process(struct look_context *c, struct descriptors *d, u32 tgid)
{
	u32 first = descriptor_first_record(c, tgid), seen = 0;
	int err = 0;

	if (descriptor_is_skipped(c, tgid)) {
		note_unreadable(c, d, tgid);
		return;
	}
	descriptor_looking_at(c, tgid);
	if (first == c->now->nr) {
		/* Not in the snapshot: newer than it, or the snapshot is of few. */
		err = read_table(c, d, tgid, tgid);
		if (err == -EACCES || err == -EPERM)
			note_unreadable(c, d, tgid);
		return;
	}
	for (u32 i = first; i < c->now->nr && c->now->records[i].tgid == tgid; i++) {
		const struct lab_task_record *r = &c->now->records[i];

		if (r->flags & LAB_TASK_KTHREAD)
			return;
		/* A leader that has ended has no table; its threads have. */
		if (r->flags & LAB_TASK_EXITED)
			continue;
		if (seen && !has_own_table(seen, r->tid))
			continue;
		err = read_table(c, d, tgid, r->tid);
		if (!seen && !err)
			seen = r->tid;
		if (err == -EACCES || err == -EPERM) {
			note_unreadable(c, d, tgid);
			return;
		}
	}
}

static int compare_parents(const void *a, const void *b)
{
	const struct lab_task_record *x = *(const struct lab_task_record *const *)a;
	const struct lab_task_record *y = *(const struct lab_task_record *const *)b;

	if (x->ppid != y->ppid)
		return x->ppid < y->ppid ? -1 : 1;
	return x->tgid < y->tgid ? -1 : x->tgid > y->tgid;
}

struct descriptors *descriptors_of(struct look_context *c)
{
	struct descriptors *d = c->descriptors;

	if (d)
		return d;
	d = c->descriptors = builder_alloc(c->builder, sizeof(*d));
	d->children = builder_alloc(c->builder, (c->now->nr + 1) * sizeof(*d->children));
	for (u32 i = 0; i < c->now->nr; i++)
		if (c->now->records[i].tid == c->now->records[i].tgid)
			d->children[d->nr_children++] = &c->now->records[i];
	qsort(d->children, d->nr_children, sizeof(*d->children), compare_parents);
	return d;
}

static void read_all(struct look_context *c, struct descriptors *d)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	if (!proc) {
		builder_not_seen(c->builder, false, "who has which pipe open: no /proc");
		note_unreadable(c, d, 0);
		return;
	}
	while ((entry = readdir(proc))) {
		char *rest;
		unsigned long tgid = strtoul(entry->d_name, &rest, 10);

		if (tgid && !*rest)
			read_process(c, d, (u32)tgid);
	}
	closedir(proc);
	if (d->ends.nr)
		qsort(d->ends.at, d->ends.nr, sizeof(*d->ends.at), compare_ends);
}

const struct ends *descriptors_ends(struct look_context *c)
{
	struct descriptors *d = descriptors_of(c);

	if (!d->ends_known) {
		d->ends_known = true;
		read_all(c, d);
	}
	return &d->ends;
}

const struct ends *descriptors_files(struct look_context *c)
{
	struct descriptors *d = descriptors_of(c);

	if (d->files_known)
		return &d->files;
	descriptors_ends(c);
	d->files_known = true;
	for (u32 i = 0; i < d->files.nr; i++) {
		struct end *end = &d->files.at[i];
		char path[64], link[PATH_MAX];

		descriptor_looking_at(c, end->tgid);
		snprintf(path, sizeof(path), "/proc/%u/task/%u/fd/%d", end->tgid, end->tid,
			 end->fd);
		if (!descriptor_describe(AT_FDCWD, path, end, link, sizeof(link)))
			end->type = END_OTHER;
	}
	if (d->files.nr)
		qsort(d->files.at, d->files.nr, sizeof(*d->files.at), compare_ends);
	return &d->files;
}

const char *descriptor_field(const char *text, const char *name)
{
	size_t length = strlen(name);

	while (text) {
		if (!strncmp(text, name, length) && text[length] == ':')
			return text + length + 1 + strspn(text + length + 1, " \t");
		text = strchr(text, '\n');
		if (text)
			text++;
	}
	return NULL;
}

ssize_t descriptor_read_fdinfo(struct look_context *c, u32 tgid, u32 tid, s32 fd, char *text,
			       size_t size)
{
	char path[64];

	descriptor_looking_at(c, tgid);
	snprintf(path, sizeof(path), "/proc/%u/task/%u/fdinfo/%d", tgid, tid, fd);
	return descriptor_read_text(path, text, size);
}

bool descriptor_event_id(struct look_context *c, u32 tgid, u32 tid, s32 fd, u64 *id)
{
	char text[1024];
	const char *field;

	if (descriptor_read_fdinfo(c, tgid, tid, fd, text, sizeof(text)) < 0)
		return false;
	/* Linux 5.2 and later; without it nobody can tell one from another. */
	field = descriptor_field(text, "eventfd-id");
	if (!field)
		return false;
	*id = strtoull(field, NULL, 10);
	return true;
}

const struct ends *descriptors_events(struct look_context *c)
{
	struct descriptors *d = descriptors_of(c);

	if (d->events_known)
		return &d->events;
	descriptors_ends(c);
	d->events_known = true;
	for (u32 i = 0; i < d->events.nr; i++) {
		struct end *end = &d->events.at[i];

		if (!descriptor_event_id(c, end->tgid, end->tid, end->fd, &end->ino))
			end->type = END_OTHER;
	}
	if (d->events.nr)
		qsort(d->events.at, d->events.nr, sizeof(*d->events.at), compare_ends);
	return &d->events;
}
