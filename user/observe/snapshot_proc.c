// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * snapshot_proc - snapshots from /proc, for whoever has no BPF
 *
 * The same records, slower (some system calls a thread), and only as far as the caller may trace
 * the process: the system call a thread is in needs PTRACE_MODE_ATTACH (Yama may keep even one's
 * own processes from it); what is refused is marked LAB_TASK_UNREADABLE.
 *
 * How long a thread has slept is not said: /proc has only when it was last accounted for, on a
 * clock of its CPU that lags behind by the time stolen from that CPU, and not by how much.
 *
 * A thread may move while its files are read one by one. Its switch count is read first, so if the
 * next pass finds the same count, nothing that this pass read after it had changed: two passes that
 * agree are as good as one atomic one.
 */
#include "snapshotter.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "memory.h"

#ifndef SYS_futex_wait
#define SYS_futex_wait 455
#endif

#define PF_EXITING   0x00000004
#define PF_IO_WORKER 0x00000010
#define PF_KTHREAD   0x00200000

#define MAX_FDS 4096 /* of a process, looked through for an io_uring */

/* What all threads of a process have in common. */
struct process {
	u32 tgid;
	int dir; /* /proc/TGID/task */
	u32 ns;
	bool compat;
	bool io_uring;
	struct memory *memory; /* opened when a window is wanted */
	struct look_progress *progress;
};

/* Return: bytes, NUL-terminated in @buffer, or -errno. */
static ssize_t read_file(int dir, const char *name, char *buffer, size_t size)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t total = 0;
	ssize_t got;

	if (fd < 0)
		return -errno;
	for (;;) {
		got = read(fd, buffer + total, size - 1 - total);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int err = errno;

			close(fd);
			return -err;
		}
		total += got;
		if (!got || total == size - 1)
			break;
	}
	close(fd);
	buffer[total] = 0;
	return total;
}

/* Value of a line "Name:\t..." of a status file, which escapes newlines in the one string it has.
 */
static const char *field(const char *status, const char *name)
{
	size_t len = strlen(name);
	const char *line = status;

	while (line) {
		if (!strncmp(line, name, len) && line[len] == ':')
			return line + len + 1;
		line = strchr(line, '\n');
		if (line)
			line++;
	}
	return NULL;
}

static u64 number_field(const char *status, const char *name, int base)
{
	const char *value = field(status, name);

	return value ? strtoull(value, NULL, base) : 0;
}

/* The last number of the line: that of the innermost PID namespace. */
static u32 last_number(const char *status, const char *name)
{
	const char *value = field(status, name);
	u32 last = 0;

	if (!value)
		return 0;
	while (*value && *value != '\n') {
		char *end;
		unsigned long n = strtoul(value, &end, 10);

		if (end == value)
			break;
		last = n;
		value = end;
		while (*value == ' ' || *value == '\t')
			value++;
	}
	return last;
}

static void parse_status(const char *status, struct lab_task_record *r)
{
	u64 pending, caught;

	r->ppid = number_field(status, "PPid", 10);
	r->ns_tid = last_number(status, "NSpid");
	r->ns_tgid = last_number(status, "NStgid");
	r->switches = number_field(status, "voluntary_ctxt_switches", 10) +
		      number_field(status, "nonvoluntary_ctxt_switches", 10);
	if (number_field(status, "TracerPid", 10))
		r->flags |= LAB_TASK_PTRACED;
	pending = number_field(status, "SigPnd", 16) | number_field(status, "ShdPnd", 16);
	if (pending & ~number_field(status, "SigBlk", 16))
		r->flags |= LAB_TASK_SIGNAL;
	caught = number_field(status, "SigCgt", 16);
	if (caught & ~(3ull << 31)) /* 32 and 33 are the C library's own */
		r->flags |= LAB_TASK_SIGCAUGHT;
}

/* The comm may contain anything, closing brackets too; no field behind it does. */
static int parse_stat(const char *stat, size_t len, struct lab_task_record *r)
{
	const char *open = memchr(stat, '(', len), *close = memrchr(stat, ')', len);
	unsigned long flags = 0, utime = 0, stime = 0;
	unsigned long long start = 0;
	char state;
	size_t comm;
	long tick = sysconf(_SC_CLK_TCK);

	if (!open || !close || close < open)
		return -EINVAL;
	comm = close - open - 1;
	if (comm > sizeof(r->comm) - 1)
		comm = sizeof(r->comm) - 1;
	memcpy(r->comm, open + 1, comm);
	if (sscanf(close + 1,
		   " %c %*d %*d %*d %*d %*d %lu %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %llu",
		   &state, &flags, &utime, &stime, &start) != 5)
		return -EINVAL;
	r->state = state;
	r->runtime_ns = (utime + stime) * (1000000000ull / tick);
	r->start_ns = start * (1000000000ull / tick);
	if (flags & PF_KTHREAD)
		r->flags |= LAB_TASK_KTHREAD;
	if (flags & PF_EXITING)
		r->flags |= LAB_TASK_EXITING;
	if (flags & PF_IO_WORKER)
		r->flags |= LAB_TASK_IO_URING;
	if (state == 'Z' || state == 'X' || state == 'x')
		r->flags |= LAB_TASK_EXITED;
	return 0;
}

static void parse_syscall(const char *line, struct lab_task_record *r)
{
	unsigned long long a[6], sp, ip;
	long long nr;

	if (sscanf(line, "%lld %llx %llx %llx %llx %llx %llx %llx %llx", &nr, &a[0], &a[1], &a[2],
		   &a[3], &a[4], &a[5], &sp, &ip) == 9 &&
	    nr >= 0) {
		r->syscall = nr;
		for (int i = 0; i < 6; i++)
			r->args[i] = a[i];
		r->regs[LAB_REG_SP] = sp;
		r->regs[LAB_REG_IP] = ip;
	} else if (sscanf(line, "-1 %llx %llx", &sp, &ip) ==
		   2) { /* asleep, but not by a system call */
		r->regs[LAB_REG_SP] = sp;
		r->regs[LAB_REG_IP] = ip;
	} /* else "running" */
}

static bool waits_on_word(const struct lab_task_record *r)
{
	if (!r->args[0] || r->args[0] & 3)
		return false;
	switch (r->syscall) {
	case SYS_futex:
	case SYS_restart_syscall: /* keeps the arguments of the call it takes up again */
		switch ((u32)r->args[1] & FUTEX_CMD_MASK) {
		case FUTEX_WAIT:
		case FUTEX_WAIT_BITSET:
		case FUTEX_WAIT_REQUEUE_PI:
		case FUTEX_LOCK_PI:
		case FUTEX_LOCK_PI2:
			return true;
		}
		return false;
	case SYS_futex_wait:
		return true;
	}
	return false;
}

static void read_window(struct process *p, struct lab_task_record *r)
{
	const struct mapping *mapping;
	u64 word = r->args[0], end;
	ssize_t got;

	if (progress_skips(p->progress, p->tgid))
		return;
	if (!p->memory)
		p->memory = memory_open(p->tgid, p->progress);
	if (!p->memory)
		return;
	mapping = memory_mapping_at(p->memory, word);
	if (!mapping)
		return;
	r->flags |= LAB_TASK_VMA;
	if (mapping->flags & MAPPING_SHARED)
		r->flags |= LAB_TASK_VMA_SHARED;
	r->vma_start = mapping->start;
	r->vma_pgoff = mapping->pgoff;
	r->vma_dev = mapping->dev;
	r->vma_ino = mapping->ino;
	if (word - mapping->start >= LAB_WINDOW_BEFORE &&
	    memory_read(p->memory, word - LAB_WINDOW_BEFORE, r->window, LAB_WINDOW_BEFORE) ==
		    LAB_WINDOW_BEFORE)
		r->flags |= LAB_TASK_BEFORE;
	end = mapping->end - word < LAB_WINDOW_AFTER ? mapping->end - word : LAB_WINDOW_AFTER;
	got = memory_read(p->memory, word, r->window + LAB_WINDOW_BEFORE, end);
	if (got >= 4) {
		r->flags |= LAB_TASK_AFTER;
		r->after_len = got;
	}
}

static void read_thread(struct process *p, u32 tid, struct snapshot *s)
{
	struct lab_task_record *r;
	char name[32], text[4096];
	ssize_t len;
	int dir;

	if (snapshot_reserve(s, s->nr + 1))
		return;
	r = &s->records[s->nr];
	memset(r, 0, sizeof(*r));
	snprintf(name, sizeof(name), "%u", tid);
	dir = openat(p->dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return; /* gone meanwhile: no error */

	r->tgid = p->tgid;
	r->tid = tid;
	r->ns = p->ns;
	r->mm = p->tgid;
	r->syscall = -1;
	len = read_file(dir, "status", text, sizeof(text));
	if (len <= 0)
		goto out;
	parse_status(text, r);
	len = read_file(dir, "stat", text, sizeof(text));
	if (len <= 0 || parse_stat(text, len, r))
		goto out;
	if (p->compat)
		r->flags |= LAB_TASK_COMPAT;
	if (p->io_uring)
		r->flags |= LAB_TASK_IO_URING;
	if (r->flags & (LAB_TASK_KTHREAD | LAB_TASK_EXITED)) {
		r->mm = 0;
	} else {
		len = read_file(dir, "syscall", text, sizeof(text));
		if (len == -EPERM || len == -EACCES)
			r->flags |= LAB_TASK_UNREADABLE;
		else if (len > 0)
			parse_syscall(text, r);
		if (len > 0 && !strncmp(text, "running", 7))
			r->state = 'R';
		if (r->state == 'R' || r->flags & LAB_TASK_COMPAT) {
			r->syscall = -1;
			memset(r->args, 0, sizeof(r->args));
		}
		if (waits_on_word(r))
			read_window(p, r);
	}
	s->nr++;
out:
	close(dir);
}

/* A 32-bit program's auxiliary vector has 32-bit entries; AT_PHENT (4) is the size of an ELF
 * program header. */
static bool is_compat(int proc)
{
	struct {
		u32 type, value;
	} aux[64];
	ssize_t len = 0;
	int fd = openat(proc, "auxv", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		len = read(fd, aux, sizeof(aux));
		close(fd);
	}
	for (size_t i = 0; len > 0 && i < len / sizeof(*aux); i++)
		if (aux[i].type == 4 && aux[i].value == 32)
			return true;
	return false;
}

static bool has_io_uring(int proc)
{
	int fd = openat(proc, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	char link[64];
	bool found = false;
	u32 nr = 0;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!found && (entry = readdir(dir))) {
		ssize_t len;

		if (!isdigit(entry->d_name[0]))
			continue;
		/* Too many to look through: say that there may be one. */
		if (++nr > MAX_FDS) {
			found = true;
			break;
		}
		len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);
		if (len <= 0)
			continue;
		link[len] = 0;
		found = !strcmp(link, "anon_inode:[io_uring]");
	}
	closedir(dir);
	return found;
}

static u32 namespace_of(int proc)
{
	char link[64];
	ssize_t len = readlinkat(proc, "ns/pid", link, sizeof(link) - 1);
	unsigned int ns = 0;

	if (len <= 0)
		return 0;
	link[len] = 0;
	return sscanf(link, "pid:[%u]", &ns) == 1 ? ns : 0;
}

static void read_process(struct snapshotter *base, u32 tgid, struct snapshot *s)
{
	struct process p = { .tgid = tgid, .progress = base->progress };
	struct dirent *entry;
	char name[32];
	int proc, fd;
	DIR *dir;

	progress_step(base->progress, tgid);
	snprintf(name, sizeof(name), "/proc/%u", tgid);
	proc = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (proc < 0)
		return;
	fd = openat(proc, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		goto out;
	}
	p.dir = fd;
	p.ns = namespace_of(proc);
	p.compat = is_compat(proc);
	p.io_uring = has_io_uring(proc);
	while ((entry = readdir(dir)))
		if (isdigit(entry->d_name[0]))
			read_thread(&p, strtoul(entry->d_name, NULL, 10), s);
	closedir(dir);
	memory_close(p.memory);
out:
	close(proc);
}

static int take(struct snapshotter *base, struct snapshot *s)
{
	struct dirent *entry;
	DIR *dir;

	if (base->tgid) {
		read_process(base, base->tgid, s);
		return 0;
	}
	dir = opendir("/proc");
	if (!dir)
		return -errno;
	while ((entry = readdir(dir)))
		if (isdigit(entry->d_name[0]))
			read_process(base, strtoul(entry->d_name, NULL, 10), s);
	closedir(dir);
	return 0;
}

static void close_proc(struct snapshotter *base)
{
	free(base);
}

struct snapshotter *snapshotter_proc_open(u32 tgid, struct look_progress *progress, char *why,
					  size_t why_size)
{
	struct snapshotter *s;

	if (access("/proc/self/stat", R_OK)) {
		snprintf(why, why_size, "/proc is not mounted");
		errno = ENOENT;
		return NULL;
	}
	s = calloc(1, sizeof(*s));
	if (!s) {
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	*s = (struct snapshotter){
		.take = take, .close = close_proc, .progress = progress, .tgid = tgid
	};
	return s;
}
