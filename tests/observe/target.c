// SPDX-License-Identifier: GPL-2.0
/*
 * target - small programs of tests/observe/targets, built and run to be looked at
 */
#include "target.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "observe/jail.h"

#define FLAGS "-O2 -g -fomit-frame-pointer -pthread -D_GNU_SOURCE"

const char *target_source(const char *name)
{
	static char path[4200];
	char here[4096];
	ssize_t n;
	char *slash;

	snprintf(path, sizeof(path), "tests/observe/targets/%s", name);
	if (!access(path, R_OK))
		return path;
	/* Up from the test program: the tree is above its build directory. */
	n = readlink("/proc/self/exe", here, sizeof(here) - 1);
	if (n < 0)
		return NULL;
	here[n] = 0;
	while ((slash = strrchr(here, '/'))) {
		*slash = 0;
		snprintf(path, sizeof(path), "%s/tests/observe/targets/%s", here, name);
		if (!access(path, R_OK))
			return path;
	}
	return NULL;
}

bool target_build(const char *source, const char *flags, const char *output)
{
	const char *path = target_source(source);
	const char *compiler = strstr(source, ".cc") ? "g++" : "gcc";
	char command[8192];

	if (!path)
		return false;
	if (strstr(flags, "clang"))
		compiler = "";
	snprintf(command, sizeof(command), "%s %s %s -o %s %s", compiler,
		 strstr(flags, "clang") ? flags : FLAGS, strstr(flags, "clang") ? FLAGS : flags,
		 output, path);
	return !system(command);
}

u32 target_line(const char *source, const char *marker)
{
	const char *path = target_source(source);
	FILE *f = path ? fopen(path, "r") : NULL;
	char line[1024], comment[256];
	u32 number = 0, found = 0;

	snprintf(comment, sizeof(comment), "/* %s */", marker);
	while (f && fgets(line, sizeof(line), f)) {
		number++;
		if (strstr(line, comment))
			found = number;
	}
	if (f)
		fclose(f);
	return found;
}

static bool is_asleep(pid_t pid, pid_t tid)
{
	char path[64], line[512];
	const char *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = 0;
	end = strrchr(line, ')');
	if (!end || end[2] != 'S')
		return false;
	/* In the call it is meant to stay in: futex, or read. */
	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = 0;
	return !strncmp(line, "202 ", 4) || !strncmp(line, "0 ", 2);
}

static bool all_asleep(const struct target *t)
{
	u32 i;

	for (i = 0; i < t->nr_threads; i++) {
		if (strcmp(t->threads[i].name, "clock") && !is_asleep(t->pid, t->threads[i].tid))
			return false;
	}
	return true;
}

bool target_start(struct target *t, const char *path, const char *argument)
{
	u64 deadline = jail_now_ns() + 30000000000ull;
	struct timespec tick = { .tv_nsec = 1000000 };
	struct pollfd ready;
	char text[16384];
	size_t length = 0;
	int fds[2];

	memset(t, 0, sizeof(*t));
	if (pipe(fds))
		return false;
	t->pid = fork();
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		execl(path, path, argument, NULL);
		_exit(127);
	}
	close(fds[1]);
	if (t->pid < 0)
		goto fail;
	/*
	 * It says all that it has to say before it sleeps; main's threads may come later than main.
	 */
	for (;;) {
		bool heard = false;
		ssize_t n;

		ready = (struct pollfd){ .fd = fds[0], .events = POLLIN };
		while (poll(&ready, 1, 0) > 0) {
			n = read(fds[0], text + length, sizeof(text) - 1 - length);
			if (n <= 0)
				goto fail;
			length += n;
			heard = true;
		}
		if (heard) {
			char copy[sizeof(text)], *line, *rest = copy;

			memcpy(copy, text, length);
			copy[length] = 0;
			t->nr_threads = t->nr_locks = 0;
			while ((line = strsep(&rest, "\n"))) {
				char *space = strrchr(line, ' ');

				if (!rest || !space)
					continue;
				*space = 0;
				if (*line == '=' && t->nr_locks < TARGET_MAX) {
					snprintf(t->locks[t->nr_locks].name,
						 sizeof(t->locks[0].name), "%s", line + 1);
					t->locks[t->nr_locks++].address =
						strtoull(space + 1, NULL, 16);
				} else if (t->nr_threads < TARGET_MAX) {
					snprintf(t->threads[t->nr_threads].name,
						 sizeof(t->threads[0].name), "%s", line);
					t->threads[t->nr_threads++].tid = atoi(space + 1);
				}
			}
		}
		if (target_tid(t, "main") && !heard && all_asleep(t)) {
			char path_of_tasks[64];
			u32 tasks = 0;
			FILE *f;

			/* Every thread has said its name? */
			snprintf(path_of_tasks, sizeof(path_of_tasks), "/proc/%d/status", t->pid);
			f = fopen(path_of_tasks, "r");
			while (f && fgets(text + length, sizeof(text) - length, f))
				sscanf(text + length, "Threads: %u", &tasks);
			if (f)
				fclose(f);
			if (tasks == t->nr_threads) {
				close(fds[0]);
				return true;
			}
		}
		if (jail_now_ns() > deadline)
			goto fail;
		nanosleep(&tick, NULL);
	}
fail:
	close(fds[0]);
	target_stop(t);
	return false;
}

void target_stop(struct target *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	t->pid = 0;
}

pid_t target_tid(const struct target *t, const char *name)
{
	u32 i;

	for (i = 0; i < t->nr_threads; i++) {
		if (!strcmp(t->threads[i].name, name))
			return t->threads[i].tid;
	}
	return 0;
}

void target_resolve(struct target_look *l, const struct target *t)
{
	u64 start = jail_now_ns();

	if (l->builder)
		builder_free(l->builder);
	l->builder = builder_new();
	l->result = stacks_resolve(l->builder, l->memory, t->pid, l->stacks, l->nr_stacks,
				   l->symbols, l->nr_symbols, 0);
	l->duration_ns = jail_now_ns() - start;
}

const char *target_look(struct target_look *l, const struct target *t, enum snapshot_source source)
{
	static char why[256];
	struct snapshotter *s;
	u32 i;
	int error;

	memset(l, 0, sizeof(*l));
	s = snapshotter_open(source, t->pid, &l->progress, why, sizeof(why));
	if (!s)
		return why;
	error = snapshotter_take(s, &l->snapshot);
	snapshotter_close(s);
	l->builder = builder_new();
	l->memory = memory_open(t->pid, &l->progress);
	if (error || !l->builder || !l->memory) {
		target_look_end(l);
		return "no snapshot or memory";
	}
	for (i = 0; i < l->snapshot.nr && l->nr_stacks < TARGET_MAX; i++) {
		if (l->snapshot.records[i].tgid == (u32)t->pid)
			l->stacks[l->nr_stacks++].record = &l->snapshot.records[i];
	}
	for (i = 0; i < t->nr_locks; i++)
		l->symbols[l->nr_symbols++].address = t->locks[i].address;
	target_resolve(l, t);
	return NULL;
}

void target_look_end(struct target_look *l)
{
	if (l->memory)
		memory_close(l->memory);
	if (l->builder)
		builder_free(l->builder);
	snapshot_free(&l->snapshot);
	memset(l, 0, sizeof(*l));
}

const struct stack_request *target_stack(const struct target_look *l, pid_t tid)
{
	static const struct stack_request none;
	u32 i;

	for (i = 0; i < l->nr_stacks; i++) {
		if (l->stacks[i].record->tid == (u32)tid)
			return &l->stacks[i];
	}
	return &none;
}

int target_frame(const struct stack_request *s, const char *function)
{
	u32 i;

	for (i = 0; i < s->nr_frames; i++) {
		if (s->frames[i].function && !strcmp(s->frames[i].function, function))
			return i;
	}
	return -1;
}
