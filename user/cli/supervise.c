// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * supervise - a look that can not hang with what it looks at
 *
 * A process can make whoever reads it wait: a page that its server never brings, an address space
 * that it keeps locked. So the look runs in a child, which says in shared memory whose memory it is
 * about to touch. If it then makes no step for a second, the child is killed and the look starts
 * again without that process. The output is kept in memory files until the child has come to its
 * end, so that nobody sees half of it. A child that can not be killed (it sleeps uninterruptibly)
 * is left to init.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

#define STUCK_NS 1000000000ull
#define POLL_MS	 50

enum outcome {
	ENDED,
	STUCK,
	TIMED_OUT,
	INTERRUPTED
};

struct attempt {
	pid_t pid;
	int pidfd;
	int out_fd, err_fd;
	int signals; /* signalfd of those that end us */
	int signal_number;
	u32 suspect; /* the process that it is stuck with */
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static void __attribute__((noreturn))
child(const struct supervised *s, struct look_progress *progress, const struct attempt *a,
      const sigset_t *mask)
{
	FILE *out = fdopen(a->out_fd, "w");
	FILE *err = fdopen(a->err_fd, "w");
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	if (!out || !err)
		_exit(CLI_UNABLE);
	status = s->body(s->argument, progress, out, err);
	if (fflush(out) || fflush(err))
		status = CLI_UNABLE;
	_exit(status);
}

/* Until the child ends, makes no step, or its time is over. */
static enum outcome attend(struct attempt *a, const struct look_progress *progress, u64 deadline)
{
	u64 steps = 0, since = now_ns();
	u32 suspect = 0;

	for (;;) {
		struct pollfd fds[] = { { .fd = a->pidfd, .events = POLLIN },
					{ .fd = a->signals, .events = POLLIN } };
		struct signalfd_siginfo info;
		u64 now, seen;

		poll(fds, 2, POLL_MS);
		if (fds[0].revents)
			return ENDED;
		if (fds[1].revents && read(a->signals, &info, sizeof(info)) == sizeof(info)) {
			a->signal_number = (int)info.ssi_signo;
			return INTERRUPTED;
		}
		now = now_ns();
		if (deadline && now >= deadline)
			return TIMED_OUT;
		seen = __atomic_load_n(&progress->steps, __ATOMIC_RELAXED);
		if (seen != steps || !suspect || snapshotter_suspect(progress) != suspect) {
			steps = seen;
			suspect = snapshotter_suspect(progress);
			since = now;
		} else if (now - since > STUCK_NS) {
			a->suspect = suspect;
			return STUCK;
		}
	}
}

/* Return: its wait status, or -1 if it had to be left behind. */
static int reap(const struct attempt *a, bool kill_it)
{
	struct pollfd fd = { .fd = a->pidfd, .events = POLLIN };
	int status;

	if (kill_it) {
		kill(a->pid, SIGKILL);
		if (poll(&fd, 1, 1000) <= 0)
			return -1;
	}
	return waitpid(a->pid, &status, 0) == a->pid ? status : -1;
}

static int copy(int from, FILE *to)
{
	char buffer[65536];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(from, buffer, sizeof(buffer), at)) > 0) {
		if (fwrite(buffer, 1, (size_t)n, to) != (size_t)n)
			return -1;
		at += n;
	}
	return fflush(to);
}

static int ended(const struct supervised *s, const struct attempt *a, int wait_status, FILE *out)
{
	if (wait_status < 0 || !WIFEXITED(wait_status))
		return cli_unable(s->verb,
				  "the look was ended by signal %d: please report this as a bug",
				  wait_status < 0 ? 0 : WTERMSIG(wait_status));
	copy(a->err_fd, stderr);
	if (copy(a->out_fd, out))
		return cli_unable(s->verb, "can not write the report: %s", strerror(errno));
	return WEXITSTATUS(wait_status);
}

static int run_once(const struct supervised *s, struct look_progress *progress, struct attempt *a,
		    const sigset_t *mask, u64 deadline, FILE *out, bool *again)
{
	enum outcome outcome;
	int wait_status;

	*again = false;
	progress->tgid = 0;
	progress->looking_map = 0;
	fflush(NULL);
	a->pid = fork();
	if (a->pid < 0)
		return cli_unable(s->verb, "fork: %s", strerror(errno));
	if (!a->pid)
		child(s, progress, a, mask);
	a->pidfd = (int)syscall(SYS_pidfd_open, a->pid, 0);
	outcome = attend(a, progress, deadline);
	wait_status = reap(a, outcome != ENDED);
	close(a->pidfd);

	switch (outcome) {
	case STUCK:
		if (progress->nr_skip == LOOK_MAX_SKIP)
			return cli_unable(
				s->verb,
				"more than %d processes do not let themselves be looked at",
				LOOK_MAX_SKIP);
		progress->skip[progress->nr_skip++] = a->suspect;
		*again = true;
		return 0;
	case TIMED_OUT:
		return cli_unable(s->verb, "no answer within %g s: --timeout allows it more",
				  s->timeout_seconds);
	case INTERRUPTED:
		/* Die of it, as any program would: shells stop their scripts for that. */
		signal(a->signal_number, SIG_DFL);
		sigprocmask(SIG_SETMASK, mask, NULL);
		raise(a->signal_number);
		return CLI_UNABLE;
	default:
		return ended(s, a, wait_status, out);
	}
}

int cli_supervise(const struct supervised *s, FILE *out)
{
	u64 deadline = s->timeout_seconds > 0 ? now_ns() + (u64)(s->timeout_seconds * 1e9) : 0;
	struct look_progress *progress;
	sigset_t mask, old;
	bool again = false;
	struct attempt a;
	int status;

	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (progress == MAP_FAILED)
		return cli_unable(s->verb, "out of memory");
	sigemptyset(&mask);
	sigaddset(&mask, SIGINT);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGHUP);
	sigprocmask(SIG_BLOCK, &mask, &old);
	a.signals = signalfd(-1, &mask, SFD_CLOEXEC);
	do {
		a.out_fd = memfd_create("locklab-out", MFD_CLOEXEC);
		a.err_fd = memfd_create("locklab-err", MFD_CLOEXEC);
		if (a.out_fd < 0 || a.err_fd < 0)
			status = cli_unable(s->verb, "no memory for the report: %s",
					    strerror(errno));
		else
			status = run_once(s, progress, &a, &old, deadline, out, &again);
		close(a.out_fd);
		close(a.err_fd);
	} while (again);
	close(a.signals);
	sigprocmask(SIG_SETMASK, &old, NULL);
	munmap(progress, sizeof(*progress));
	return status;
}
