// SPDX-License-Identifier: GPL-2.0
#include "subject.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int subject_start(struct subject *t, void (*body)(struct subject_page *page))
{
	pid_t parent = getpid();

	t->page = mmap(NULL, sizeof(*t->page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (t->page == MAP_FAILED)
		return -errno;
	fflush(NULL);
	t->pid = fork();
	if (t->pid < 0)
		return -errno;
	if (!t->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(0);
		body(t->page);
		_exit(0);
	}
	return 0;
}

void subject_stop(struct subject *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, NULL, 0);
	}
	if (t->page)
		munmap(t->page, sizeof(*t->page));
	memset(t, 0, sizeof(*t));
}

static ssize_t read_proc(pid_t pid, u32 tid, const char *name, char *text, size_t size)
{
	char path[96];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%u/%s", pid, tid, name);
	f = fopen(path, "re");
	if (!f)
		return -1;
	n = fread(text, 1, size - 1, f);
	fclose(f);
	text[n] = 0;
	return (ssize_t)n;
}

bool subject_is_asleep(pid_t pid, u32 tid, long nr)
{
	char text[1024], *close;
	long in;

	if (read_proc(pid, tid, "stat", text, sizeof(text)) <= 0)
		return false;
	close = strrchr(text, ')');
	if (!close || close[2] != 'S')
		return false;
	if (nr < 0)
		return true;
	return read_proc(pid, tid, "syscall", text, sizeof(text)) > 0 &&
	       sscanf(text, "%ld", &in) == 1 && in == nr;
}

bool subject_await_sleep(struct subject *t, u32 tid, long nr)
{
	for (;;) {
		u32 who = tid ? tid : __atomic_load_n(&t->page->tid, __ATOMIC_ACQUIRE);

		if (who && subject_is_asleep(t->pid, who, nr))
			return true;
		if (waitpid(t->pid, NULL, WNOHANG) == t->pid) {
			t->pid = 0;
			return false;
		}
		poll(NULL, 0, 1);
	}
}

u32 own_tid(void)
{
	return (u32)syscall(SYS_gettid);
}

u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

long futex(void *word, int op, u32 value)
{
	return syscall(SYS_futex, word, op, value, NULL, NULL, 0xffffffff);
}

void sleep_on(struct subject_page *page, void *word, int op, u32 value)
{
	page->address = (u64)word;
	page->when_ns = clock_ns();
	__atomic_store_n(&page->tid, own_tid(), __ATOMIC_RELEASE);
	for (;;)
		futex(word, op, value);
}

void await_asleep(u32 tid, long nr)
{
	while (!subject_is_asleep(getpid(), tid, nr))
		poll(NULL, 0, 1);
}
