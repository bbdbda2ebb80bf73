// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * memory - another process's memory and mappings, through /proc
 *
 * A read must not wait for what the target (or somebody it chose) has to do:
 *
 *   userfaultfd    access_remote_vm() takes pages without FAULT_FLAG_ALLOW_RETRY;
 *                  handle_userfault() fails the fault instead of waiting, and the read ends there.
 *   FUSE, network  a page fault waits for the server, unkillable. So a page of a file system
 *                  that is not known to be served by this kernel alone is read only if the target
 *                  has it
 *                  mapped already (its pagemap says so).
 *
 * Mappings are read once; one that came later is treated as the second sort.
 */
#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshotter.h"

#define PAGE_PRESENT (1ull << 63) /* in a pagemap entry */
#define MAPS_CHUNK   (256 * 1024)

struct memory {
	u32 tgid;
	struct look_progress *progress;
	int mem; /* -1 not opened yet */
	int pagemap;
	int err; /* why mem could not be opened */
	char *text; /* /proc/PID/maps; the paths point into it */
	struct mapping *mappings;
	int nr_mappings; /* -1 not read yet */
	int mappings_err;
	u32 *local; /* devices that this kernel serves alone */
	u32 nr_local;
	bool local_known;
	u64 page;
};

/* Whether a thread still has memory: one that has ended, a leader above all, is a zombie without.
 */
static bool is_ended(int task, const char *tid)
{
	char text[256], *state;
	ssize_t got = -1;
	int dir, fd;

	dir = openat(task, tid, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return true;
	fd = openat(dir, "stat", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		got = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	close(dir);
	if (got <= 0)
		return true;
	text[got] = 0;
	/* The name before it may hold anything, also parentheses. */
	state = strrchr(text, ')');
	return !state || !state[1] || strchr("ZX", state[2]);
}

/* A file of the process, taken from its leader, or where that has ended before its threads, from
 * one that has not. */
static int open_proc(u32 tgid, const char *name)
{
	char path[320], leader[16];
	struct dirent *entry;
	int fd = -1;
	DIR *task;

	snprintf(path, sizeof(path), "/proc/%u/task", tgid);
	snprintf(leader, sizeof(leader), "%u", tgid);
	task = opendir(path);
	if (!task)
		return -1;
	if (!is_ended(dirfd(task), leader)) {
		snprintf(path, sizeof(path), "%u/%s", tgid, name);
		fd = openat(dirfd(task), path, O_RDONLY | O_CLOEXEC);
		goto out;
	}
	errno = ESRCH;
	while ((entry = readdir(task))) {
		if (entry->d_name[0] == '.' || is_ended(dirfd(task), entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/%s", entry->d_name, name);
		fd = openat(dirfd(task), path, O_RDONLY | O_CLOEXEC);
		break;
	}
out : {
	int err = errno;

	closedir(task);
	errno = err;
}
	return fd;
}

struct memory *memory_open(u32 tgid, struct look_progress *progress)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->tgid = tgid;
	m->progress = progress;
	m->mem = -1;
	m->pagemap = -1;
	m->nr_mappings = -1;
	m->page = sysconf(_SC_PAGESIZE);
	return m;
}

void memory_close(struct memory *m)
{
	if (!m)
		return;
	if (m->mem >= 0)
		close(m->mem);
	if (m->pagemap >= 0)
		close(m->pagemap);
	free(m->text);
	free(m->mappings);
	free(m->local);
	free(m);
}

/* The whole of a file in /proc, NUL-terminated, to be freed. */
static char *read_whole(int fd, size_t *len)
{
	size_t size = MAPS_CHUNK, total = 0;
	char *text = malloc(size), *larger;
	ssize_t got;

	while (text) {
		got = read(fd, text + total, size - total - 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int err = errno;

			free(text);
			errno = err;
			return NULL;
		}
		if (!got)
			break;
		total += got;
		if (size - total < MAPS_CHUNK / 2) {
			larger = realloc(text, size *= 2);
			if (!larger)
				free(text);
			text = larger;
		}
	}
	if (!text) {
		errno = ENOMEM;
		return NULL;
	}
	text[total] = 0;
	*len = total;
	return text;
}

static u32 encode_dev(u32 major, u32 minor)
{
	return (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
}

static bool is_local_type(const char *type, size_t len)
{
	static const char *const types[] = { "tmpfs", "devtmpfs", "ramfs", "rootfs",
					     "hugetlbfs", "ext2", "ext3", "ext4",
					     "xfs", "btrfs", "f2fs", "erofs",
					     "squashfs", "overlay", "iso9660", "vfat" };

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strlen(types[i]) == len && !memcmp(types[i], type, len))
			return true;
	return false;
}

static void add_local(struct memory *m, u32 dev)
{
	u32 *larger;

	if (!(m->nr_local & (m->nr_local - 1))) {
		larger = realloc(m->local, (m->nr_local ? m->nr_local * 2 : 1) * sizeof(*larger));
		if (!larger)
			return;
		m->local = larger;
	}
	m->local[m->nr_local++] = dev;
}

/* Lines of mountinfo: "36 35 98:0 /root /point options optional... - type source super"; strings
 * are escaped. */
static void add_mounts(struct memory *m, u32 tgid)
{
	int fd = open_proc(tgid, "mountinfo");
	char *text, *line, *dash, *save;
	unsigned int major, minor;
	size_t len;

	if (fd < 0)
		return;
	text = read_whole(fd, &len);
	close(fd);
	if (!text)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		dash = strstr(line, " - ");
		if (!dash || sscanf(line, "%*u %*u %u:%u", &major, &minor) != 2)
			continue;
		if (is_local_type(dash + 3, strcspn(dash + 3, " ")))
			add_local(m, encode_dev(major, minor));
	}
	free(text);
}

static bool is_local(struct memory *m, const struct mapping *mapping)
{
	if (!mapping->ino)
		return true; /* anonymous */
	if (!m->local_known) {
		struct stat st;
		int fd;

		m->local_known = true;
		/* The kernel's own tmpfs (memfd, SysV and anonymous shared memory) is mounted
		 * nowhere. */
		fd = memfd_create("locklab", MFD_CLOEXEC);
		if (fd >= 0) {
			if (!fstat(fd, &st))
				add_local(m, st.st_dev);
			close(fd);
		}
		add_mounts(m, m->tgid);
	}
	for (u32 i = 0; i < m->nr_local; i++)
		if (m->local[i] == mapping->dev)
			return true;
	return false;
}

static bool is_present(struct memory *m, u64 address)
{
	u64 entry;

	if (m->pagemap < 0)
		m->pagemap = open_proc(m->tgid, "pagemap");
	if (m->pagemap < 0)
		return false;
	if (pread(m->pagemap, &entry, sizeof(entry), address / m->page * sizeof(entry)) !=
	    sizeof(entry))
		return false;
	return entry & PAGE_PRESENT;
}

/* How much from @address on, up to @size, may be read without waiting for somebody else? */
static size_t harmless(struct memory *m, u64 address, size_t size)
{
	size_t total = 0;

	/* Most reads are of a few bytes that are there: no need to know the mappings for that. */
	if (size && address / m->page == (address + size - 1) / m->page && is_present(m, address))
		return size;
	while (total < size) {
		const struct mapping *mapping = memory_mapping_at(m, address + total);
		size_t step;

		if (mapping && is_local(m, mapping)) {
			step = mapping->end - (address + total);
		} else {
			if (!is_present(m, address + total))
				break;
			step = m->page - (address + total) % m->page;
		}
		total += step < size - total ? step : size - total;
	}
	return total;
}

static ssize_t read_now(struct memory *m, u64 address, void *buffer, size_t size)
{
	size_t total = 0, may;
	ssize_t got = 0;

	if (m->mem < 0 && !m->err) {
		m->mem = open_proc(m->tgid, "mem");
		if (m->mem < 0)
			m->err = errno == ENOENT ? ESRCH : errno;
	}
	if (m->mem < 0)
		return -m->err;
	may = harmless(m, address, size);
	if (!may && m->mappings_err == -ESRCH)
		return -ESRCH;
	while (total < may) {
		got = pread(m->mem, (char *)buffer + total, may - total, address + total);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		total += got;
	}
	if (total)
		return total;
	if (got < 0)
		return errno == EIO ? -EFAULT : -errno;
	return may || !size ? -ESRCH * !!size
			    : -EFAULT; /* nothing read without an error: its memory is gone */
}

ssize_t memory_read(struct memory *m, u64 address, void *buffer, size_t size)
{
	u32 before = m->progress->tgid;
	ssize_t got;

	if (progress_skips(m->progress, m->tgid))
		return -EACCES;
	if (address + size < address || address > INT64_MAX)
		return -EFAULT;
	progress_step(m->progress, m->tgid);
	got = read_now(m, address, buffer, size);
	/* What comes next may take long without any fault of the target's. */
	progress_step(m->progress, before);
	return got;
}

static u64 hex(const char **at)
{
	u64 value = 0;

	for (;; (*at)++) {
		char c = **at;

		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (c >= 'a' && c <= 'f')
			value = value << 4 | (c - 'a' + 10);
		else
			return value;
	}
}

/* A newline is all that the kernel escapes in these paths; other backslashes are the file's own. */
static void unescape(char *path)
{
	char *to = strstr(path, "\\012"), *from = to;

	if (!to)
		return;
	while (*from) {
		if (!strncmp(from, "\\012", 4)) {
			*to++ = '\n';
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
}

/* "start-end rwxp pgoff major:minor inode   path". Return: 0, or -1 if it is not like that. */
static int parse_line(char *line, struct mapping *mapping)
{
	const char *at = line;
	u32 major, minor;

	memset(mapping, 0, sizeof(*mapping));
	mapping->start = hex(&at);
	if (*at++ != '-')
		return -1;
	mapping->end = hex(&at);
	if (*at++ != ' ' || strnlen(at, 5) < 5 || mapping->end <= mapping->start)
		return -1;
	mapping->flags = (at[0] == 'r' ? MAPPING_READ : 0) | (at[1] == 'w' ? MAPPING_WRITE : 0) |
			 (at[2] == 'x' ? MAPPING_EXEC : 0) | (at[3] == 's' ? MAPPING_SHARED : 0);
	at += 5;
	mapping->pgoff = hex(&at);
	if (*at++ != ' ')
		return -1;
	major = hex(&at);
	if (*at++ != ':')
		return -1;
	minor = hex(&at);
	if (*at++ != ' ')
		return -1;
	mapping->dev = encode_dev(major, minor);
	while (*at >= '0' && *at <= '9')
		mapping->ino = mapping->ino * 10 + (*at++ - '0');
	while (*at == ' ')
		at++;
	unescape(line + (at - line));
	mapping->path = at;
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static int read_mappings(struct memory *m)
{
	char *line, *next;
	size_t len, capacity = 0;
	int fd, nr = 0;
	u64 last = 0;
	bool sorted = true;

	progress_step(m->progress, m->tgid);
	fd = open_proc(m->tgid, "maps");
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	m->text = read_whole(fd, &len);
	if (!m->text) {
		int err = errno;

		close(fd);
		return -err;
	}
	close(fd);
	for (line = m->text; *line; line = next) {
		next = strchrnul(line, '\n');
		if (*next)
			*next++ = 0;
		if ((size_t)nr == capacity) {
			struct mapping *larger;

			capacity = capacity ? capacity * 2 : 256;
			larger = realloc(m->mappings, capacity * sizeof(*larger));
			if (!larger)
				return -ENOMEM;
			m->mappings = larger;
		}
		if (parse_line(line, &m->mappings[nr]))
			continue;
		sorted &= m->mappings[nr].start >= last;
		last = m->mappings[nr].start;
		nr++;
	}
	/* The file is made piece by piece while the process goes on; each piece is in order. */
	if (!sorted)
		qsort(m->mappings, nr, sizeof(*m->mappings), by_start);
	return nr;
}

int memory_mappings(struct memory *m, const struct mapping **mappings)
{
	if (m->nr_mappings < 0 && !m->mappings_err) {
		u32 before = m->progress->tgid;
		int nr = progress_skips(m->progress, m->tgid) ? -EACCES : read_mappings(m);

		progress_step(m->progress, before);

		if (nr < 0)
			m->mappings_err = nr;
		else
			m->nr_mappings = nr;
	}
	if (m->mappings_err)
		return m->mappings_err;
	*mappings = m->mappings;
	return m->nr_mappings;
}

const struct mapping *memory_mapping_at(struct memory *m, u64 address)
{
	const struct mapping *mappings;
	int low = 0, high = memory_mappings(m, &mappings);

	while (low < high) {
		int middle = low + (high - low) / 2;

		if (mappings[middle].end <= address)
			low = middle + 1;
		else if (mappings[middle].start > address)
			high = middle;
		else
			return &mappings[middle];
	}
	return NULL;
}
