// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * descriptor - waits that are not futexes: pipes, sockets, eventfds, child processes, file locks
 *
 * Such a wait names no owner. Who could end it is whoever has the other end open, so each becomes a group of which any one
 * member is enough. /proc/PID/fd says who has what open. That table is read once a look, when the first task needs it.
 *
 *   blocked in             waits for any thread of
 *   --------------------   -------------------------------------------------------------------------------
 *   read from a pipe       the processes with its write end open, itself too: an end left open by mistake shows
 *   write to a pipe        the processes with its read end open
 *   read, write, socket    those with the peer's descriptor, or this very socket (shutdown(2) ends a wait)
 *   read from an eventfd   those that have it open
 *   poll, select, epoll    any one of these; anything else in the set (terminal, timer, signalfd, ...) is taken as alive
 *   wait4, waitid          the child; any one child if any will do
 *   flock, fcntl           those whose lock is in the way; one thread alone is its holder
 *
 * Why nothing is accused in a race. The table is read after the snapshot. The first task of a supposed knot to be woken was
 * woken by somebody who had the other end then. If the table was read before that, he is in it (a copy can only come from
 * somebody who ran meanwhile, and all who have one are in the knot, asleep); if after, the task has been switched since
 * the snapshot, and still_waiting() sees that. Whoever has an end open, but is not in the snapshot, counts as alive.
 *
 * Doubtful (never "proven"): descriptors are in flight in some socket's queue (SCM_RIGHTS); a member uses io_uring, which acts
 * without a thread; a FIFO, which anybody may open by name; an eventfd, which the kernel may signal (AIO, KVM); processes
 * that may not be looked at and are no relatives of those that have the other end.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/kcmp.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "look.h"

#define MAX_POLLED 256 /* descriptors one task waits for at once; beyond that it counts as alive */
#define MAX_FDINFO (256 * 1024) /* bytes of one /proc/PID/fdinfo file */
#define MAX_SELECT 65536 /* highest descriptor in an fd_set that is looked at */
#define OFFSET_EOF INT64_MAX

enum end_type { END_OTHER, END_PIPE, END_FIFO, END_SOCKET, END_EVENT, END_EPOLL, END_FILE };
enum end_mode { END_READ = 1, END_WRITE = 2 };

/* One descriptor of one process. Sorted by (type, dev, ino, tgid). */
struct end {
	u64 ino; /* END_EVENT: the eventfd-id */
	u32 dev; /* 0 where the inode number alone is unique */
	u32 tgid;
	u32 tid; /* whose table it is in: a thread may have its own */
	s32 fd;
	u8 type; /* enum end_type */
	u8 mode; /* enum end_mode */
};

struct ends {
	struct end *at;
	u32 nr, capacity;
};

struct unix_socket {
	u32 ino, peer;
	bool named; /* anybody may send to it */
	bool is_stream;
	bool connected;
	bool queued; /* something lies in its queue */
};

struct tcp_socket {
	u32 ino;
	u16 local_port, remote_port;
	u8 local[16], remote[16]; /* IPv4 as ::ffff:a.b.c.d */
};

/* The sockets of one network namespace. */
struct net {
	u64 ns;
	struct unix_socket *unixes; /* by inode */
	struct tcp_socket *tcps; /* by inode */
	u32 nr_unixes, nr_tcps;
	struct net *next;
};

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

struct descriptors {
	struct ends ends; /* pipes, sockets, eventfds: sorted */
	struct ends events; /* eventfds, before they are known by id */
	struct ends files; /* what has a path; sorted once files_known */
	bool events_known, files_known;
	u32 *unreadable; /* processes whose descriptors may not be seen */
	u32 nr_unreadable, max_unreadable;
	struct net *nets;
	const struct lab_task_record **children; /* thread group leaders by parent */
	u32 nr_children;
	struct held_lock *locks; /* of the files asked about so far */
	u32 nr_locks, max_locks;
	bool in_flight;
};

/* What one descriptor of a waiting task turned out to be. */
struct target {
	struct end end;
	u32 dev; /* of the inode, also where end.dev is 0 */
	char path[256];
};

/* Memory from the builder is not given back: doubling wastes at most as much again. */
static void *grow(struct builder *b, void *old, u32 nr, u32 *capacity, size_t size)
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
		ends->at = grow(b, ends->at, ends->nr, &ends->capacity, sizeof(*ends->at));
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

/* The first of those with @key's type, device and inode; ends->nr if there is none. */
static u32 ends_find(const struct ends *ends, const struct end *key)
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

static bool ends_match(const struct ends *ends, u32 i, const struct end *key)
{
	return i < ends->nr && ends->at[i].type == key->type && ends->at[i].dev == key->dev &&
	       ends->at[i].ino == key->ino;
}

static bool is_skipped(const struct look_context *c, u32 tgid)
{
	for (u32 i = 0; i < c->progress->nr_skip; i++)
		if (c->progress->skip[i] == tgid)
			return true;
	return false;
}

static void looking_at(struct look_context *c, u32 tgid)
{
	c->progress->tgid = tgid;
	c->progress->steps++;
}

/* Index of the first record of @tgid; now->nr if it has none. */
static u32 first_record(const struct look_context *c, u32 tgid)
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

/* Return: bytes, NUL-terminated; -errno. A file that is too long is -E2BIG. */
static ssize_t read_text(const char *path, char *buffer, size_t size)
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
 * Type, device and inode of one descriptor. AT_STATX_DONT_SYNC: a network or FUSE file system is not asked, so that nobody
 * who serves one can hold us up.
 */
static bool describe(int dirfd, const char *name, struct end *end, char *link, size_t size)
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

/* One descriptor table into the lists: only what somebody can wait for, and by link text alone as far as that goes. */
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
			end.mode = mode_of(dirfd(dir), entry->d_name);
			ends_add(b, &d->ends, &end);
		} else if (number_of(link, "socket:", &end.ino)) {
			end.type = END_SOCKET;
			end.mode = END_READ | END_WRITE;
			ends_add(b, &d->ends, &end);
		} else if (!strcmp(link, "anon_inode:[eventfd]")) {
			end.type = END_EVENT;
			ends_add(b, &d->events, &end);
		} else if (link[0] == '/' && strncmp(link, "/dev/", 5)) {
			ends_add(b, &d->files, &end);
		}
	}
	closedir(dir);
	return 0;
}

static void note_unreadable(struct look_context *c, struct descriptors *d, u32 tgid)
{
	if (d->nr_unreadable == d->max_unreadable)
		d->unreadable = grow(c->builder, d->unreadable, d->nr_unreadable,
				     &d->max_unreadable, sizeof(*d->unreadable));
	d->unreadable[d->nr_unreadable++] = tgid;
}

static bool has_own_table(u32 tid, u32 other)
{
	return syscall(SYS_kcmp, (long)tid, (long)other, KCMP_FILES, 0, 0) > 0;
}

static void read_process(struct look_context *c, struct descriptors *d, u32 tgid)
{
	u32 first = first_record(c, tgid), seen = 0;
	int err = 0;

	if (is_skipped(c, tgid)) {
		note_unreadable(c, d, tgid);
		return;
	}
	looking_at(c, tgid);
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

static struct descriptors *descriptors_new(struct look_context *c)
{
	struct descriptors *d = builder_alloc(c->builder, sizeof(*d));

	d->children = builder_alloc(c->builder, (c->now->nr + 1) * sizeof(*d->children));
	for (u32 i = 0; i < c->now->nr; i++)
		if (c->now->records[i].tid == c->now->records[i].tgid)
			d->children[d->nr_children++] = &c->now->records[i];
	qsort(d->children, d->nr_children, sizeof(*d->children), compare_parents);
	return d;
}

/* Who has which pipe, socket and eventfd open, in the whole system. */
static struct descriptors *descriptors_of(struct look_context *c)
{
	struct descriptors *d = c->descriptors;
	struct dirent *entry;
	DIR *proc;

	if (d)
		return d;
	d = c->descriptors = descriptors_new(c);
	proc = opendir("/proc");
	if (!proc) {
		builder_not_seen(c->builder, false, "who has which pipe open: no /proc");
		note_unreadable(c, d, 0);
		return d;
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
	return d;
}

static const struct ends *files_of(struct look_context *c)
{
	struct descriptors *d = descriptors_of(c);

	if (d->files_known)
		return &d->files;
	d->files_known = true;
	for (u32 i = 0; i < d->files.nr; i++) {
		struct end *end = &d->files.at[i];
		char path[64], link[PATH_MAX];

		looking_at(c, end->tgid);
		snprintf(path, sizeof(path), "/proc/%u/task/%u/fd/%d", end->tgid, end->tid,
			 end->fd);
		if (!describe(AT_FDCWD, path, end, link, sizeof(link)))
			end->type = END_OTHER;
	}
	if (d->files.nr)
		qsort(d->files.at, d->files.nr, sizeof(*d->files.at), compare_ends);
	return &d->files;
}

/* Return: the text after "@name:" in a /proc/PID/fdinfo file, NULL if it has no such line. */
static const char *fdinfo_field(const char *text, const char *name)
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

static ssize_t read_fdinfo(struct look_context *c, u32 tgid, u32 tid, s32 fd, char *text,
			   size_t size)
{
	char path[64];

	looking_at(c, tgid);
	snprintf(path, sizeof(path), "/proc/%u/task/%u/fdinfo/%d", tgid, tid, fd);
	return read_text(path, text, size);
}

static bool event_id(struct look_context *c, u32 tgid, u32 tid, s32 fd, u64 *id)
{
	char text[1024];
	const char *field;

	if (read_fdinfo(c, tgid, tid, fd, text, sizeof(text)) < 0)
		return false;
	/* Linux 5.2 and later; without it nobody can tell one from another. */
	field = fdinfo_field(text, "eventfd-id");
	if (!field)
		return false;
	*id = strtoull(field, NULL, 10);
	return true;
}

static const struct ends *events_of(struct look_context *c)
{
	struct descriptors *d = descriptors_of(c);

	if (d->events_known)
		return &d->events;
	d->events_known = true;
	for (u32 i = 0; i < d->events.nr; i++) {
		struct end *end = &d->events.at[i];

		if (!event_id(c, end->tgid, end->tid, end->fd, &end->ino))
			end->type = END_OTHER;
	}
	if (d->events.nr)
		qsort(d->events.at, d->events.nr, sizeof(*d->events.at), compare_ends);
	return &d->events;
}

/* ---- sockets and their peers ---- */

static u64 net_ns_of(const char *who)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/net", who);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* A diagnostic socket in the network namespace of @tgid, which is @ns. */
static int open_diag(u32 tgid, u64 ns)
{
	int own, other, fd = -1;
	char path[64];

	if (net_ns_of("thread-self") == ns)
		return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	/* Only this thread moves, and only for one call. */
	snprintf(path, sizeof(path), "/proc/%u/ns/net", tgid);
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	other = open(path, O_RDONLY | O_CLOEXEC);
	if (own >= 0 && other >= 0 && !setns(other, CLONE_NEWNET)) {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		if (setns(own, CLONE_NEWNET))
			abort(); /* we would go on looking from somebody else's namespace */
	}
	if (own >= 0)
		close(own);
	if (other >= 0)
		close(other);
	return fd;
}

static void add_unix(struct look_context *c, struct net *net, u32 *capacity,
		     const struct unix_diag_msg *m, size_t length)
{
	struct unix_socket s = {
		.ino = m->udiag_ino,
		.is_stream = m->udiag_type != SOCK_DGRAM,
		.connected = m->udiag_state == TCP_ESTABLISHED,
	};
	const struct rtattr *a = (const void *)(m + 1);

	for (; RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		size_t size = RTA_PAYLOAD(a);

		if (a->rta_type == UNIX_DIAG_PEER && size >= sizeof(u32))
			memcpy(&s.peer, RTA_DATA(a), sizeof(u32));
		else if (a->rta_type == UNIX_DIAG_NAME)
			s.named = true;
		else if (a->rta_type == UNIX_DIAG_RQLEN && size >= sizeof(u32))
			s.queued = *(const u32 *)RTA_DATA(a) && m->udiag_state != TCP_LISTEN;
	}
	if (net->nr_unixes == *capacity)
		net->unixes = grow(c->builder, net->unixes, net->nr_unixes, capacity,
				   sizeof(*net->unixes));
	net->unixes[net->nr_unixes++] = s;
}

static void read_unix(struct look_context *c, struct net *net, u32 tgid)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {
		.header = {
			.nlmsg_len = sizeof(ask),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.request = {
			.sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN,
		},
	};
	struct timeval deadline = { .tv_sec = 1 };
	static _Alignas(struct nlmsghdr) char buffer[32768];
	u32 capacity = 0;
	bool done = false;
	int fd = open_diag(tgid, net->ns);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (send(fd, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		done = true;
	while (!done) {
		ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *h = (const void *)buffer;

		if (got <= 0)
			break;
		for (; NLMSG_OK(h, (size_t)got); h = NLMSG_NEXT(h, got)) {
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
				done = true;
				break;
			}
			if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
				add_unix(c, net, &capacity, NLMSG_DATA(h),
					 h->nlmsg_len - NLMSG_LENGTH(sizeof(struct unix_diag_msg)));
		}
	}
	close(fd);
}

/* "0100007F:1F90" or 32 digits: as the kernel prints network-order words on this machine. */
static bool parse_endpoint(const char *text, u8 address[16], u16 *port)
{
	const char *colon = strchr(text, ':');
	size_t digits = colon ? (size_t)(colon - text) : 0;
	u32 words[4] = { 0, 0, htonl(0xffff), 0 };

	if (digits != 8 && digits != 32)
		return false;
	for (size_t i = 0; i < digits / 8; i++) {
		char word[9] = { 0 };

		memcpy(word, text + 8 * i, 8);
		words[digits == 8 ? 3 : i] = (u32)strtoul(word, NULL, 16);
	}
	memcpy(address, words, 16);
	*port = (u16)strtoul(colon + 1, NULL, 16);
	return true;
}

static int compare_unix(const void *a, const void *b)
{
	const struct unix_socket *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int compare_tcp(const void *a, const void *b)
{
	const struct tcp_socket *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static void read_tcp(struct look_context *c, struct net *net, u32 tgid, const char *name,
		     u32 *capacity)
{
	char path[64], line[512];
	FILE *file;

	looking_at(c, tgid);
	snprintf(path, sizeof(path), "/proc/%u/net/%s", tgid, name);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		char local[64], remote[64];
		struct tcp_socket s = { 0 };
		unsigned int state;
		unsigned long ino;

		if (sscanf(line, " %*d: %63s %63s %x %*s %*s %*s %*s %*s %lu", local, remote,
			   &state, &ino) != 4 ||
		    !ino || state == TCP_LISTEN)
			continue;
		if (!parse_endpoint(local, s.local, &s.local_port) ||
		    !parse_endpoint(remote, s.remote, &s.remote_port))
			continue;
		s.ino = (u32)ino;
		if (net->nr_tcps == *capacity)
			net->tcps = grow(c->builder, net->tcps, net->nr_tcps, capacity,
					 sizeof(*net->tcps));
		net->tcps[net->nr_tcps++] = s;
	}
	fclose(file);
}

/* A socket with a queue and no SCM_RIGHTS in it holds nobody's pipe; Linux 5.6 says how many descriptors lie there. */
static bool has_descriptors_in_flight(struct look_context *c, const struct net *net)
{
	const struct descriptors *d = descriptors_of(c);

	for (u32 i = 0; i < net->nr_unixes; i++) {
		struct end key = { .type = END_SOCKET, .ino = net->unixes[i].ino };
		u32 at = ends_find(&d->ends, &key);
		char text[1024];
		const char *field;

		if (!net->unixes[i].queued || !key.ino)
			continue;
		if (!ends_match(&d->ends, at, &key))
			return true;
		if (read_fdinfo(c, d->ends.at[at].tgid, d->ends.at[at].tid, d->ends.at[at].fd, text,
				sizeof(text)) < 0)
			return true;
		field = fdinfo_field(text, "scm_fds");
		if (!field || strtoul(field, NULL, 10))
			return true;
	}
	return false;
}

/* The sockets of the network namespace that @tgid is in. NULL if that can not be known. */
static const struct net *net_of(struct look_context *c, u32 tgid)
{
	struct descriptors *d = descriptors_of(c);
	u32 capacity = 0;
	struct net *net;
	char who[16];
	u64 ns;

	looking_at(c, tgid);
	snprintf(who, sizeof(who), "%u", tgid);
	ns = net_ns_of(who);
	if (!ns)
		return NULL;
	for (net = d->nets; net; net = net->next)
		if (net->ns == ns)
			return net;
	net = builder_alloc(c->builder, sizeof(*net));
	net->ns = ns;
	net->next = d->nets;
	d->nets = net;
	read_unix(c, net, tgid);
	read_tcp(c, net, tgid, "tcp", &capacity);
	read_tcp(c, net, tgid, "tcp6", &capacity);
	if (net->nr_unixes)
		qsort(net->unixes, net->nr_unixes, sizeof(*net->unixes), compare_unix);
	if (net->nr_tcps)
		qsort(net->tcps, net->nr_tcps, sizeof(*net->tcps), compare_tcp);
	d->in_flight |= has_descriptors_in_flight(c, net);
	return net;
}

static u32 tcp_peer(const struct net *net, const struct tcp_socket *s)
{
	for (u32 i = 0; i < net->nr_tcps; i++) {
		const struct tcp_socket *o = &net->tcps[i];

		if (o->local_port == s->remote_port && o->remote_port == s->local_port &&
		    !memcmp(o->local, s->remote, sizeof(o->local)) &&
		    !memcmp(o->remote, s->local, sizeof(o->local)))
			return o->ino;
	}
	return 0;
}

/*
 * Return: inode of the socket at the other end, 0 if anybody unknown may be there. A datagram socket with a name takes from all;
 * one that was handed to a process in another network namespace is not found here, which is the safe side.
 */
static u32 peer_of(const struct net *net, u64 ino)
{
	struct unix_socket ukey = { .ino = (u32)ino };
	struct tcp_socket tkey = { .ino = (u32)ino };
	const struct unix_socket *u;
	const struct tcp_socket *t;

	if (!net || ino != (u32)ino)
		return 0;
	u = net->nr_unixes ? bsearch(&ukey, net->unixes, net->nr_unixes, sizeof(ukey), compare_unix)
			   : NULL;
	if (u)
		return u->connected && (u->is_stream || !u->named) ? u->peer : 0;
	t = net->nr_tcps ? bsearch(&tkey, net->tcps, net->nr_tcps, sizeof(tkey), compare_tcp)
			 : NULL;
	return t ? tcp_peer(net, t) : 0;
}

/* ---- groups ---- */

/* Adds the threads of @tgid. Return: false if the snapshot does not have it. */
static bool add_process(struct look_context *c, u32 group, u32 tgid)
{
	u32 i = first_record(c, tgid);
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

static const struct lab_task_record *only_thread(const struct look_context *c, u32 tgid)
{
	const struct lab_task_record *only = NULL;

	for (u32 i = first_record(c, tgid); i < c->now->nr && c->now->records[i].tgid == tgid;
	     i++) {
		if (c->now->records[i].flags & LAB_TASK_EXITED)
			continue;
		if (only)
			return NULL;
		only = &c->now->records[i];
	}
	return only;
}

static bool uses_io_uring(const struct look_context *c, u32 tgid)
{
	for (u32 i = first_record(c, tgid); i < c->now->nr && c->now->records[i].tgid == tgid; i++)
		if (c->now->records[i].flags & LAB_TASK_IO_URING)
			return true;
	return false;
}

static bool is_descendant(const struct look_context *c, u32 tgid, u32 ancestor)
{
	/* Bounded: a snapshot is not one instant, its parents might form a circle. */
	for (int depth = 0; depth < 64 && tgid; depth++) {
		u32 i = first_record(c, tgid);

		if (tgid == ancestor)
			return true;
		if (i == c->now->nr)
			return false;
		tgid = c->now->records[i].ppid;
	}
	return false;
}

/* Processes, each once. */
struct tgids {
	u32 *at;
	u32 nr, capacity;
};

static void tgids_add(struct builder *b, struct tgids *set, u32 tgid)
{
	/* They come sorted within one inode, so that the last one is nearly always the one. */
	for (u32 i = set->nr; i-- > 0;)
		if (set->at[i] == tgid)
			return;
	if (set->nr == set->capacity)
		set->at = grow(b, set->at, set->nr, &set->capacity, sizeof(*set->at));
	set->at[set->nr++] = tgid;
}

static void collect(struct look_context *c, struct tgids *set, const struct ends *ends,
		    const struct end *key, u8 mode)
{
	for (u32 i = ends_find(ends, key); ends_match(ends, i, key); i++)
		if (ends->at[i].mode & mode)
			tgids_add(c->builder, set, ends->at[i].tgid);
}

/*
 * Somebody who may not be looked at might have the other end. A descriptor comes by birth, so a descendant of the waiter or of
 * somebody who has it counts as having it; so does anybody if nobody else is known. A stranger leaves only doubt: it would
 * have to have been sent to him.
 */
static bool may_be_unreadable(struct look_context *c, const struct lab_task_record *r,
			      const struct tgids *set, bool *doubtful)
{
	const struct descriptors *d = descriptors_of(c);

	if (!d->nr_unreadable && c->now->whole)
		return false;
	*doubtful = true;
	if (!set->nr)
		return true;
	for (u32 i = 0; i < d->nr_unreadable; i++) {
		if (!d->unreadable[i] || is_descendant(c, d->unreadable[i], r->tgid))
			return true;
		for (u32 j = 0; j < set->nr; j++)
			if (is_descendant(c, d->unreadable[i], set->at[j]))
				return true;
	}
	return false;
}

/* Any thread of these processes can end a wait for @lock. */
static void wakers(struct look_context *c, const struct lab_task_record *r, u32 lock,
		   const struct tgids *set, const char *key, const char *what, bool doubtful)
{
	bool unseen = may_be_unreadable(c, r, set, &doubtful);
	u32 group;

	if (unseen)
		builder_not_seen(
			c->builder, false,
			"process %u: who has the other end of a descriptor: processes of other users",
			r->tgid);
	doubtful |= ((struct descriptors *)c->descriptors)->in_flight;
	for (u32 i = 0; i < set->nr; i++)
		doubtful |= uses_io_uring(c, set->at[i]);
	group = builder_group(c->builder, key, what, doubtful);
	for (u32 i = 0; i < set->nr; i++)
		unseen |= !add_process(c, group, set->at[i]);
	/* Nobody at all: the wait ends by itself, with end of file or an error, as soon as the task runs. */
	unseen |= !set->nr;
	builder_lock_at(c->builder, lock)->wakers = group;
	builder_lock_at(c->builder, lock)->unseen = unseen;
}

static u32 new_lock(struct look_context *c, const struct lab_lock_id *id, enum lab_lock_kind kind,
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
	u32 lock = new_lock(c, &id, LAB_PIPE, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	ends = t->end.type == END_FIFO ? files_of(c) : &descriptors_of(c)->ends;
	collect(c, &set, ends, &t->end, other);
	net_of(c, r->tgid);
	snprintf(key, sizeof(key), "pipe:%u:%x:%" PRIu64 ":%u", t->end.type, t->end.dev, t->end.ino,
		 other);
	snprintf(what, sizeof(what), "whoever has the %s end of %s open",
		 other == END_WRITE ? "write" : "read", t->path);
	wakers(c, r, lock, &set, key, what, t->end.type == END_FIFO);
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
	u32 lock = new_lock(c, &id, LAB_SOCKET, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	peer.ino = peer_of(net_of(c, r->tgid), t->end.ino);
	if (!peer.ino) {
		builder_lock_at(c->builder, lock)->unseen = true;
		return lock;
	}
	collect(c, &set, &descriptors_of(c)->ends, &peer, END_READ | END_WRITE);
	if (!set.nr) {
		/* Sent to somebody who has not taken it yet, or the kernel's own. */
		builder_lock_at(c->builder, lock)->unseen = true;
		return lock;
	}
	/* shutdown(2) on this end ends a wait here too. */
	collect(c, &set, &descriptors_of(c)->ends, &t->end, END_READ | END_WRITE);
	snprintf(key, sizeof(key), "socket:%" PRIu64, t->end.ino);
	snprintf(what, sizeof(what), "whoever has either end of %s - socket:[%" PRIu64 "] open",
		 t->path, peer.ino);
	wakers(c, r, lock, &set, key, what, false);
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
	u32 lock = new_lock(c, &id, LAB_SEMAPHORE, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	collect(c, &set, events_of(c), &t->end, END_READ | END_WRITE);
	snprintf(key, sizeof(key), "eventfd:%" PRIu64, t->end.ino);
	snprintf(what, sizeof(what), "whoever has %s open", t->path);
	wakers(c, r, lock, &set, key, what, true);
	return lock;
}

/* @fd of the waiting task. Return: false if it is not open (any more) or may not be looked at. */
static bool target_of(struct look_context *c, const struct lab_task_record *r, s32 fd,
		      struct target *t)
{
	char path[64], link[PATH_MAX];
	struct statx stx;

	if (is_skipped(c, r->tgid))
		return false;
	looking_at(c, r->tgid);
	memset(t, 0, sizeof(*t));
	t->end.tgid = r->tgid;
	t->end.tid = r->tid;
	t->end.fd = fd;
	snprintf(path, sizeof(path), "/proc/%u/task/%u/fd/%d", r->tgid, r->tid, fd);
	if (!describe(AT_FDCWD, path, &t->end, link, sizeof(link)))
		return false;
	memccpy(t->path, link, 0, sizeof(t->path) - 1);
	if (t->end.type == END_EVENT) {
		if (!event_id(c, r->tgid, r->tid, fd, &t->end.ino))
			return false;
		snprintf(t->path, sizeof(t->path), "eventfd:[%" PRIu64 "]", t->end.ino);
	}
	if (!statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_INO, &stx))
		t->dev = (u32)makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return true;
}

/* The lock that waiting for @side of @t means; LAB_NONE: something that may come to life by itself. */
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

struct waits {
	u32 locks[MAX_POLLED];
	u32 nr;
	bool any, timed, shared;
};

/* Return: false if this one makes the whole wait a live one (any of many is enough). */
static bool wants(struct look_context *c, struct waits *w, u32 lock)
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

	looking_at(c, r->tgid);
	snprintf(path, sizeof(path), "/proc/%u/task/%u/status", r->tgid, r->tid);
	if (read_text(path, text, sizeof(text)) < 0)
		return false;
	voluntary = fdinfo_field(text, "voluntary_ctxt_switches");
	involuntary = fdinfo_field(text, "nonvoluntary_ctxt_switches");
	if (!voluntary || !involuntary)
		return false;
	return strtoull(voluntary, NULL, 10) + strtoull(involuntary, NULL, 10) == r->switches;
}

/*
 * SO_RCVTIMEO and SO_SNDTIMEO end a wait, and only the socket itself can tell: it is borrowed for one getsockopt().
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

	if (!target_of(c, r, fd, &t))
		return;
	lock = lock_of(c, r, &t, side);
	if (lock == LAB_NONE)
		return;
	if (t.end.type == END_SOCKET && !builder_lock_at(c->builder, lock)->unseen) {
		timed = socket_is_timed(r, fd, side == END_READ ? SO_RCVTIMEO : SO_SNDTIMEO);
		/* A socket that can not be asked might be timed: then it must not look as if nothing ended the wait. */
		w->timed |= timed != 0;
	}
	w->locks[w->nr++] = lock;
}

/* splice, tee, sendfile: which of the two it waits for is not known from outside; a regular file it does not wait for. */
static void wait_two(struct look_context *c, const struct lab_task_record *r, struct waits *w,
		     s32 in, s32 out)
{
	struct target from, to;

	if (!target_of(c, r, in, &from) || !target_of(c, r, out, &to))
		return;
	w->any = true;
	if (from.end.type != END_FILE && !wants(c, w, lock_of(c, r, &from, END_READ)))
		w->nr = 0;
	else if (to.end.type != END_FILE && !wants(c, w, lock_of(c, r, &to, END_WRITE)))
		w->nr = 0;
}

/* Return: false if this descriptor alone makes it a live wait. */
static bool wait_polled(struct look_context *c, const struct lab_task_record *r, struct waits *w,
			s32 fd, bool in, bool out)
{
	struct target t;
	u8 side;

	if (!target_of(c, r, fd, &t))
		return false;
	if (t.end.type == END_SOCKET || t.end.type == END_EVENT) {
		/* Both directions end by the same people. */
		side = in || !out ? END_READ : END_WRITE;
	} else if (t.end.mode == (END_READ | END_WRITE)) {
		return false; /* a FIFO opened for both */
	} else {
		/* Whatever was asked for: hang-up and error come from the other side, and always wake. */
		side = t.end.mode;
	}
	return wants(c, w, lock_of(c, r, &t, side));
}

static bool read_target(struct look_context *c, const struct lab_task_record *r, u64 address,
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
	if (!nr || nr > MAX_POLLED || !read_target(c, r, r->args[0], fds, nr * sizeof(*fds)))
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
		    !read_target(c, r, r->args[1 + i], sets[i], (nr + 63) / 64 * 8))
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
	u32 lock = new_lock(c, &id, LAB_SOCKET, 0, t->path, &is_new);

	if (!is_new)
		return lock;
	tgids_add(c->builder, &set, r->tgid);
	snprintf(key, sizeof(key), "epoll:%u", r->tgid);
	snprintf(what, sizeof(what), "the threads of process %u", r->tgid);
	wakers(c, r, lock, &set, key, what, false);
	return lock;
}

/* An epoll set names descriptors as they were called when they were added: each is used only if it still is that inode. */
static void wait_epoll(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct target set;
	const char *line;
	ssize_t got;
	char *text;

	w->any = true;
	if (!target_of(c, r, (s32)r->args[0], &set) || set.end.type != END_EPOLL)
		return;
	text = malloc(MAX_FDINFO);
	if (!text)
		return;
	got = read_fdinfo(c, r->tgid, r->tid, (s32)r->args[0], text, MAX_FDINFO);
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
	if (w->nr && !only_thread(c, r->tgid) && !wants(c, w, epoll_lock(c, r, &set)))
		goto live;
	free(text);
	return;
live:
	w->nr = 0;
	free(text);
}

/* ---- children ---- */

/* Whether @child is who @r's process calls @pid. */
static bool is_called(const struct lab_task_record *r, const struct lab_task_record *child, u32 pid)
{
	char path[64], text[8192], *at;
	const char *field;

	if (child->ns == r->ns)
		return child->ns_tgid == pid;
	if (r->ns_tgid == r->tgid && child->tgid == pid)
		return true;
	/* A child in a namespace of its own has a number in each. */
	snprintf(path, sizeof(path), "/proc/%u/status", child->tgid);
	if (read_text(path, text, sizeof(text)) < 0)
		return false;
	field = fdinfo_field(text, "NStgid");
	for (at = field ? (char *)field : NULL; at && *at && *at != '\n';) {
		if (strtoul(at, &at, 10) == pid)
			return true;
		at += strspn(at, " \t");
	}
	return false;
}

static u32 child_lock(struct look_context *c, const struct lab_task_record *child)
{
	struct lab_lock_id id = { .space = LAB_SPACE_TASK, .a = child->tgid };
	const struct lab_task_record *only = NULL;
	char key[32], what[64], name[40];
	u32 nr = 0, lock, group;
	bool is_new;

	snprintf(name, sizeof(name), "the end of process %u", child->tgid);
	lock = new_lock(c, &id, LAB_PROCESS, 0, name, &is_new);
	if (!is_new)
		return lock;
	for (u32 i = first_record(c, child->tgid);
	     i < c->now->nr && c->now->records[i].tgid == child->tgid; i++) {
		if (c->now->records[i].flags & LAB_TASK_EXITED)
			continue;
		only = &c->now->records[i];
		nr++;
	}
	if (!nr) {
		builder_lock_at(c->builder, lock)->unseen =
			true; /* has ended: may be collected now */
	} else if (nr == 1) {
		builder_hold(c->builder, builder_task(c->builder, only), lock, LAB_HOLD_TARGET,
			     LAB_EXCLUSIVE, true, 1);
	} else {
		/* Any thread can end them all. */
		snprintf(key, sizeof(key), "process:%u", child->tgid);
		snprintf(what, sizeof(what), "the threads of process %u", child->tgid);
		group = builder_group(c->builder, key, what, uses_io_uring(c, child->tgid));
		add_process(c, group, child->tgid);
		builder_lock_at(c->builder, lock)->wakers = group;
	}
	return lock;
}

/* Somebody @tgid traces: wait4() reports each of its stops, whoever's child it is. */
static bool is_tracer(struct look_context *c, u32 tgid)
{
	for (u32 i = 0; i < c->now->nr; i++) {
		const struct lab_task_record *r = &c->now->records[i];
		char path[64], text[8192];
		const char *field;

		if (!(r->flags & LAB_TASK_PTRACED))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/task/%u/status", r->tgid, r->tid);
		if (read_text(path, text, sizeof(text)) < 0)
			return true;
		field = fdinfo_field(text, "TracerPid");
		if (field && strtoul(field, NULL, 10) == tgid)
			return true;
	}
	return false;
}

struct children_asked {
	s64 pid; /* > 0 this one, 0 all, < 0 process group -pid */
	bool own_group;
};

static void wait_children(struct look_context *c, const struct lab_task_record *r, struct waits *w,
			  const struct children_asked *asked)
{
	struct descriptors *d = descriptors_of(c);
	u32 low = 0, high = d->nr_children;

	w->any = true;
	/* The first process of a PID namespace inherits all its orphans: children it does not have yet. */
	if (!c->now->whole || r->ns_tgid == 1 || is_tracer(c, r->tgid))
		return;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (d->children[middle]->ppid < r->tgid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < d->nr_children && d->children[low]->ppid == r->tgid; low++) {
		const struct lab_task_record *child = d->children[low];

		if (asked->pid > 0 && !is_called(r, child, (u32)asked->pid))
			continue;
		if (asked->pid < 0 && getpgid((pid_t)child->tgid) != -asked->pid)
			continue;
		if (asked->own_group && getpgid((pid_t)child->tgid) != getpgid((pid_t)r->tgid))
			continue;
		if (!wants(c, w, child_lock(c, child))) {
			w->nr = 0;
			return;
		}
	}
}

static void wait_wait4(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	s32 pid = (s32)r->args[0];
	struct children_asked asked = { .pid = pid == -1 ? 0 : pid, .own_group = !pid };

	/* A process group has another number in another namespace. */
	if (pid < -1 && r->ns_tgid != r->tgid)
		return;
	wait_children(c, r, w, &asked);
}

static void wait_waitid(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct children_asked asked = { 0 };
	char text[1024];
	const char *field;

	if (!(r->args[3] & WEXITED))
		return;
	switch (r->args[0]) {
	case P_ALL:
		break;
	case P_PID:
		asked.pid = (s32)r->args[1];
		break;
	case P_PGID:
		if (r->args[1] && r->ns_tgid != r->tgid)
			return;
		asked.pid = -(s64)(s32)r->args[1];
		asked.own_group = !asked.pid;
		break;
	case 3: /* P_PIDFD */
		if (read_fdinfo(c, r->tgid, r->tid, (s32)r->args[1], text, sizeof(text)) < 0)
			return;
		/* In the numbers of the /proc that is read: ours. */
		field = fdinfo_field(text, "Pid");
		asked.pid = field ? strtol(field, NULL, 10) : 0;
		if (asked.pid <= 0 || r->ns_tgid != r->tgid)
			return;
		break;
	default:
		return;
	}
	wait_children(c, r, w, &asked);
}

/* ---- file locks ---- */

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
		d->locks =
			grow(c->builder, d->locks, d->nr_locks, &d->max_locks, sizeof(*d->locks));
	d->locks[d->nr_locks++] = held;
}

/* The locks on one file, from everybody who has it open: the kernel prints them with the descriptor that holds them. */
static void read_locks(struct look_context *c, const struct target *t)
{
	struct descriptors *d = descriptors_of(c);
	const struct ends *files = files_of(c);
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

		if (read_fdinfo(c, end->tgid, end->tid, end->fd, text, MAX_FDINFO) < 0)
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
	/* One's own lock is never in the way: a POSIX one belongs to the process, the others to the open file. */
	if (q->type == 'P')
		return held->type != 'P' || held->tgid != r->tgid;
	return held->type == 'P' || !is_same_description(r, fd, held);
}

/*
 * One lock of the picture for each locked range that is in the way (all of them have to go). A file's locks are told apart by
 * where they begin, above every address that a mapping of the file could have. Read locks that begin at the same place
 * count as one that any of their holders can give up: that errs on the safe side.
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
	char name[320], key[96], what[384];
	bool is_new;
	u32 lock;

	if (held->type == 'F')
		snprintf(name, sizeof(name), "%s", t->path);
	else if (held->end == OFFSET_EOF)
		snprintf(name, sizeof(name), "%s from byte %" PRIu64, t->path, held->start);
	else
		snprintf(name, sizeof(name), "%s bytes %" PRIu64 "-%" PRIu64, t->path, held->start,
			 held->end);
	lock = new_lock(c, &id, kind, 0, name, &is_new);
	if (!is_new)
		return lock;
	for (u32 i = 0; i < d->nr_locks; i++) {
		const struct held_lock *h = &d->locks[i];

		if (h->dev == held->dev && h->ino == held->ino &&
		    (h->type == 'F') == (held->type == 'F') && h->start == held->start)
			tgids_add(c->builder, &set, h->tgid);
	}
	only = set.nr == 1 ? only_thread(c, set.at[0]) : NULL;
	if (only) {
		builder_hold(c->builder, builder_task(c->builder, only), lock, LAB_HOLD_KERNEL,
			     held->write ? LAB_EXCLUSIVE : LAB_SHARED, true, 1);
		return lock;
	}
	snprintf(key, sizeof(key), "lock:%x:%" PRIu64 ":%" PRIx64, id.a ? (u32)id.a : 0, id.b,
		 id.address);
	snprintf(what, sizeof(what), "the threads that can unlock %s", name);
	wakers(c, r, lock, &set, key, what, false);
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
			/* All of them have to go; those seen so far are a part of what it needs, which is still true. */
			return;
		}
		w->locks[w->nr++] = file_lock(c, r, t, q, held);
	}
}

static void wait_flock(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct request q = { .type = 'F', .end = OFFSET_EOF };
	struct target t;

	if ((r->args[1] & LOCK_NB) || !target_of(c, r, (s32)r->args[0], &t) ||
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
		if (read_fdinfo(c, r->tgid, r->tid, (s32)r->args[0], text, sizeof(text)) < 0)
			return false;
		field = fdinfo_field(text, "pos");
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

static void wait_fcntl(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct request q = { .type = r->args[1] == F_OFD_SETLKW ? 'O' : 'P' };
	struct target t;
	struct flock l;

	if (!target_of(c, r, (s32)r->args[0], &t) || t.end.type != END_FILE)
		return;
	if (!read_target(c, r, r->args[2], &l, sizeof(l)) || !resolve_range(c, r, &l, &q))
		return;
	q.write = l.l_type == F_WRLCK;
	w->shared = !q.write;
	wait_file_lock(c, r, w, &t, &q);
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
		wait_wait4(c, r, w);
		break;
	case CALL_WAITID:
		wait_waitid(c, r, w);
		break;
	case CALL_FLOCK:
		wait_flock(c, r, w);
		break;
	case CALL_FCNTL:
		wait_fcntl(c, r, w);
		break;
	}
}

/**
 * descriptor_classify() - waits for pipes, sockets, eventfds, children and file locks
 * @c: the look
 * @r: a task that is blocked in a system call
 * @task: its index
 *
 * Fills in what it waits for; a wait that may end by something outside the model is left without, which is "alive".
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
	find_waits(c, r, call->shape, &w);
	looking_at(c, 0);
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
	looking_at(c, 0);
	return true;
}
