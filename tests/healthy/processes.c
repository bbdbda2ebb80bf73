// SPDX-License-Identifier: GPL-2.0
/*
 * processes [KIND] - processes that are well, or would be if they were let
 *
 * KIND: working-child (default): a parent waits for a child that computes; sleeping-child: that
 * sleeps a while
 *       fork-storm: children come and go, each with a lock of its own memory
 *       stopped-owner: the owner of a lock in shared memory is stopped (SIGSTOP), another process
 *       waits for it
 *       traced: a process in a ptrace stop, a thread of another waits for it
 *       subprocess: a parent reads what a working child writes
 *       job-server, job-server-read: a parent waits for a token in a pipe of its own, or for the
 *       end of a working child (SIGCHLD); as make does, in pselect() or read()
 */
#include <sys/ptrace.h>
#include <sys/select.h>

#include "../hang/stage.h"

static volatile unsigned long sum;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void compute(void)
{
	for (;;)
		sum += sum * 3 + 1;
}

static void *locker(void *arg)
{
	for (int i = 0; i < 100; i++) {
		pthread_mutex_lock(&lock);
		sum++;
		pthread_mutex_unlock(&lock);
	}
	return arg;
}

static void storm(void)
{
	role("forker");
	for (;;) {
		pid_t pid = start_process("spark");

		if (pid == 0) {
			pthread_t thread = start(locker, NULL);

			locker(NULL);
			pthread_join(thread, NULL);
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

struct shared {
	struct meeting held;
	pthread_mutex_t lock;
};

static void owner_stopped(void)
{
	struct shared *shared = must_not_fail(mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
						   MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	pthread_mutexattr_t attr;

	meeting_init(&shared->held, 2);
	must(pthread_mutexattr_init(&attr));
	must(pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED));
	must(pthread_mutex_init(&shared->lock, &attr));
	if (start_process("owner") == 0) {
		pthread_mutex_lock(&shared->lock);
		meet(&shared->held);
		raise(SIGSTOP);
		pthread_mutex_unlock(&shared->lock);
		_exit(0);
	}
	role("waiter");
	meet(&shared->held);
	pthread_mutex_lock(&shared->lock);
}

static void traced(void)
{
	pid_t pid = start_process("tracee");

	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	role("tracer");
	waitpid(pid, NULL, 0); /* its stop */
	for (;;)
		pause();
}

static void reads_output(void)
{
	int ends[2];
	char byte;

	must_not_fail(pipe(ends));
	if (start_process("child") == 0) {
		close(ends[0]);
		compute();
	}
	role("parent");
	close(ends[1]);
	if (read(ends[0], &byte, 1) < 0)
		_exit(1);
}

static int tokens[2];

static void on_child(int sig)
{
	if (write(tokens[1], "+", 1) < 0)
		_exit(1);
	(void)sig;
}

static void job_server(bool by_read)
{
	sigset_t blocked, during;
	char token;

	must_not_fail(pipe(tokens));
	signal(SIGCHLD, on_child);
	sigemptyset(&during);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	if (!by_read)
		sigprocmask(SIG_BLOCK, &blocked, NULL);
	if (start_process("child") == 0) {
		close(tokens[0]);
		close(tokens[1]);
		compute();
	}
	role("parent");
	for (;;) {
		fd_set set;

		FD_ZERO(&set);
		FD_SET(tokens[0], &set);
		if (!by_read && pselect(tokens[0] + 1, &set, NULL, NULL, NULL, &during) < 0)
			continue;
		if (read(tokens[0], &token, 1) < 0 && errno != EINTR)
			_exit(1);
	}
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "working-child";
	pid_t pid;

	stage_enter();
	if (!strcmp(kind, "fork-storm"))
		storm();
	if (!strcmp(kind, "stopped-owner"))
		owner_stopped();
	if (!strcmp(kind, "traced"))
		traced();
	if (!strncmp(kind, "job-server", 10))
		job_server(!strcmp(kind, "job-server-read"));
	if (!strcmp(kind, "subprocess"))
		reads_output();
	pid = start_process("child");
	if (pid == 0) {
		if (!strcmp(kind, "sleeping-child")) {
			struct timespec hour = { .tv_sec = 3600 };

			nanosleep(&hour, NULL);
			_exit(0);
		}
		compute();
	}
	role("parent");
	waitpid(pid, NULL, 0);
	return 0;
}
