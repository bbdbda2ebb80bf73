/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * jail - run a function in a child without privilege
 *
 * The walls, outermost last, each enough against a different mistake in the others:
 * - descriptors closed, so nothing to write to; shared mappings read-only, so nothing to write
 * through
 * - identity and capabilities dropped: nothing to be allowed by
 * - resource limits: nothing to exhaust
 * - a seccomp allow-list: memory, reading and talking to the parent; every other call fails with
 * EPERM, so that a library that looks for a file it can do without goes on without it
 *
 * The answer lies in a shared mapping with its length, and is read after the child's death only:
 * there is nobody left to change it between check and use, and it survives a crash up to the last
 * jail_reply().
 */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* nobody and nogroup: the kernel's own default overflow IDs, present without any /etc/passwd. */
#define JAIL_ID 65534
#define REAP_NS 500000000ull

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* shadow memory: no limit on address space is possible */
#else
#define SANITIZED 0
#endif

enum jail_stage {
	STAGE_NONE,
	STAGE_RUNS,
	STAGE_DONE
};

struct jail_page {
	u32 stage;
	s32 error;
	u64 used;
	u8 data[];
};

struct jail_child {
	struct jail_page *page;
	size_t size; /* of page->data */
	int socket; /* -1: may not ask */
};

struct answer_header {
	s64 result;
};

u64 jail_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

/* The child */

int jail_reply(struct jail_child *child, const void *data, size_t size)
{
	struct jail_page *page = child->page;

	if (size > child->size - page->used)
		return -ENOSPC;
	memcpy(page->data + page->used, data, size);
	/* After the data, for a death between the two; the compiler must not swap them. */
	__atomic_store_n(&page->used, page->used + size, __ATOMIC_RELEASE);
	return 0;
}

ssize_t jail_ask(struct jail_child *child, const void *question, size_t question_size, void *answer,
		 size_t size, int *fd)
{
	struct answer_header header;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec parts[2] = { { &header, sizeof(header) }, { answer, size } };
	struct msghdr message = { .msg_iov = parts,
				  .msg_iovlen = 2,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *c;
	int got = -1;
	ssize_t n;

	if (fd)
		*fd = -1;
	if (child->socket < 0 || !question_size || question_size > JAIL_MAX_MESSAGE)
		return -EINVAL;
	n = write(child->socket, question, question_size);
	if (n < 0)
		return -errno;
	n = recvmsg(child->socket, &message, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return -errno;
	c = CMSG_FIRSTHDR(&message);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&got, CMSG_DATA(c), sizeof(got));
	if (fd)
		*fd = got;
	else if (got >= 0)
		close(got);
	if ((size_t)n < sizeof(header))
		return -EPIPE;
	if (header.result < 0)
		return header.result;
	return n - sizeof(header);
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close everything but @keep. Return: the highest that stays, or -errno. */
static int close_others(int *keep, u32 nr)
{
	unsigned int first = 0;
	u32 i;

	qsort(keep, nr, sizeof(*keep), compare_fds);
	for (i = 0; i < nr; i++) {
		if ((unsigned int)keep[i] > first &&
		    syscall(SYS_close_range, first, keep[i] - 1, 0))
			return -errno;
		first = keep[i] + 1;
	}
	if (syscall(SYS_close_range, first, ~0u, 0))
		return -errno;
	return (int)first - 1;
}

/*
 * What is shared with the caller (a progress page, BPF maps) must not be written by a child that
 * was taken over. mprotect is not on the allow-list, so it stays so.
 */
static int lock_shared_mappings(const void *but)
{
	char buffer[4096], line[64];
	size_t length = 0;
	bool skip = false;
	ssize_t n, i;
	int fd, error = 0;

	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		for (i = 0; i < n; i++) {
			unsigned long start, end;
			char *at;

			if (buffer[i] == '\n') {
				skip = false;
				length = 0;
				continue;
			}
			if (skip)
				continue;
			line[length++] = buffer[i];
			/* "start-end rwxs " is all that is wanted of a line, and fits. */
			if (length < 6 || line[length - 1] != ' ' || line[length - 6] != ' ') {
				if (length == sizeof(line) - 1)
					skip = true;
				continue;
			}
			line[length] = 0;
			skip = true;
			if (line[length - 2] != 's')
				continue;
			start = strtoul(line, &at, 16);
			end = *at == '-' ? strtoul(at + 1, &at, 16) : 0;
			if (end <= start || start == (unsigned long)but)
				continue;
			if (mprotect((void *)start, end - start,
				     line[length - 5] == 'r' ? PROT_READ : PROT_NONE) &&
			    munmap((void *)start, end - start))
				error = -errno;
		}
	}
	close(fd);
	return error;
}

static int drop_identity(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	/*
	 * An ordinary user can not become another one, nor can root in a user namespace that maps
	 * nobody else: there the walls are the capability set and seccomp alone.
	 */
	if (!geteuid()) {
		setgroups(0, NULL);
		if (!setresgid(JAIL_ID, JAIL_ID, JAIL_ID) && setresuid(JAIL_ID, JAIL_ID, JAIL_ID))
			return -errno;
	}
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (syscall(SYS_capset, &header, none))
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	/* After the change of identity, which clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return 0;
}

static size_t mapped_bytes(void)
{
	char buffer[64] = "";
	ssize_t n;
	int fd;

	fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, buffer, sizeof(buffer) - 1);
	close(fd);
	return n > 0 ? strtoul(buffer, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

/* If memory runs out all the same, this is the process to end. */
static void offer_to_oom_killer(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1000", 4) != 4) {
		/* Then not; the limits stand. */
	}
	close(fd);
}

static int limit(int resource, u64 value)
{
	struct rlimit old, new;

	if (getrlimit(resource, &old))
		return -errno;
	if (old.rlim_max < value)
		value = old.rlim_max;
	new.rlim_cur = new.rlim_max = value;
	return setrlimit(resource, &new) ? -errno : 0;
}

static int set_limits(const struct jail *jail, size_t mapped, int highest_fd)
{
	u64 now = jail_now_ns();
	u64 seconds = jail->deadline_ns > now ? (jail->deadline_ns - now) / 1000000000ull : 0;
	int error;

	if ((error = limit(RLIMIT_CORE, 0)) || (error = limit(RLIMIT_FSIZE, 0)) ||
	    (error = limit(RLIMIT_CPU, seconds + 2)) ||
	    (error = limit(RLIMIT_NOFILE, highest_fd + 1 + (jail->serve ? 256 : 0))))
		return error;
	if (!SANITIZED && (error = limit(RLIMIT_AS, mapped + jail->memory)))
		return error;
	return 0;
}

static int set_filter(int socket)
{
	static const int calls[] = {
		SCMP_SYS(read),
		SCMP_SYS(pread64),
		SCMP_SYS(lseek),
		SCMP_SYS(fstat),
		SCMP_SYS(newfstatat),
		SCMP_SYS(close),
		SCMP_SYS(munmap),
		SCMP_SYS(mremap),
		SCMP_SYS(madvise),
		SCMP_SYS(brk),
		SCMP_SYS(exit),
		SCMP_SYS(exit_group),
		SCMP_SYS(rt_sigreturn),
		SCMP_SYS(futex),
		SCMP_SYS(clock_gettime),
		SCMP_SYS(gettimeofday),
		SCMP_SYS(getrandom),
		SCMP_SYS(restart_syscall),
	};
	scmp_filter_ctx filter;
	int error = -ENOMEM;
	size_t i;

	filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (!filter)
		return error;
	for (i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
		if (error)
			goto out;
	}
	if ((error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0))) ||
	    (error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				      SCMP_A1(SCMP_CMP_EQ, F_GETFD))) ||
	    (error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
				      SCMP_A1(SCMP_CMP_EQ, F_GETFL))))
		goto out;
	if (socket >= 0 && ((error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
						      SCMP_A0(SCMP_CMP_EQ, socket))) ||
			    (error = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1,
						      SCMP_A0(SCMP_CMP_EQ, socket)))))
		goto out;
	error = seccomp_load(filter);
out:
	seccomp_release(filter);
	return error;
}

static void reset_signals(void)
{
	struct sigaction action = { .sa_handler = SIG_DFL };
	sigset_t none;
	int i;

	for (i = 1; i < NSIG; i++)
		sigaction(i, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int enter(const struct jail *jail, struct jail_child *child, pid_t parent)
{
	int keep[JAIL_MAX_FDS + 1];
	size_t mapped = mapped_bytes();
	int highest, error;
	u32 nr = 0, i;

	reset_signals();
	offer_to_oom_killer();
	error = lock_shared_mappings(child->page);
	if (error)
		return error;
	for (i = 0; i < jail->nr_fds; i++) {
		if (jail->fds[i] >= 0)
			keep[nr++] = jail->fds[i];
	}
	if (child->socket >= 0)
		keep[nr++] = child->socket;
	highest = close_others(keep, nr);
	if (highest < -1)
		return highest;
	/*
	 * Before the limits: libseccomp needs memory of its own. The filter itself comes last, as
	 * it allows none of the rest.
	 */
	error = drop_identity();
	if (!error)
		error = set_limits(jail, mapped, highest);
	if (!error && getppid() != parent)
		error = -ESRCH; /* the parent died before PDEATHSIG was set */
	if (!error)
		error = set_filter(child->socket);
	return error;
}

static __attribute__((noreturn)) void
run_child(const struct jail *jail, struct jail_child *child, pid_t parent,
	  void (*function)(struct jail_child *child, void *arg), void *arg)
{
	child->page->error = enter(jail, child, parent);
	if (child->page->error)
		_exit(1);
	child->page->stage = STAGE_RUNS;
	function(child, arg);
	__atomic_store_n(&child->page->stage, STAGE_DONE, __ATOMIC_RELEASE);
	_exit(0);
}

/* The parent */

static void answer(const struct jail *jail, int socket, const void *question, size_t question_size)
{
	static __thread u8 buffer[JAIL_MAX_MESSAGE];
	struct answer_header header;
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec parts[2] = { { &header, sizeof(header) }, { buffer, 0 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	int fd = -1;

	header.result =
		jail->serve(jail->serve_arg, question, question_size, buffer, sizeof(buffer), &fd);
	if (header.result > 0)
		parts[1].iov_len = header.result;
	if (fd >= 0) {
		struct cmsghdr *c = &control.align;

		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	/* A child that does not read must not block us; it asked only once, so there is room. */
	sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (fd >= 0)
		close(fd);
}

/* Return: as jail_run(), but 0 if the child ended, whichever way. */
static int attend(const struct jail *jail, int pidfd, int socket)
{
	static __thread u8 question[JAIL_MAX_MESSAGE];
	struct pollfd fds[2] = { { .fd = pidfd, .events = POLLIN },
				 { .fd = socket, .events = POLLIN } };
	u32 questions = 0;

	for (;;) {
		u64 now = jail_now_ns();
		u64 left = jail->deadline_ns > now ? jail->deadline_ns - now : 0;
		struct timespec timeout = { .tv_sec = left / 1000000000ull,
					    .tv_nsec = left % 1000000000ull };
		int n;

		n = ppoll(fds, 2, &timeout, NULL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0 && fds[0].revents)
			return 0;
		if (!left)
			return -ETIMEDOUT;
		if (n > 0 && fds[1].revents & POLLIN) {
			ssize_t size = recv(socket, question, sizeof(question), MSG_DONTWAIT);

			if (size > 0) {
				if (questions++ >= jail->max_questions)
					return -EFAULT;
				answer(jail, socket, question, size);
				continue;
			}
		}
		if (n > 0 && fds[1].revents & (POLLHUP | POLLERR))
			fds[1].fd = -1; /* it closed its end; it may still compute */
	}
}

/* Return: whether it is dead and gone. */
static bool reap(pid_t pid, int pidfd)
{
	struct pollfd dead = { .fd = pidfd, .events = POLLIN };
	u64 deadline = jail_now_ns() + REAP_NS;

	/*
	 * By pidfd: the number may be another's already if somebody else's waitpid() took our
	 * child.
	 */
	if (pidfd < 0 || syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0))
		kill(pid, SIGKILL);
	for (;;) {
		pid_t got = waitpid(pid, NULL, WNOHANG);
		u64 now = jail_now_ns();

		/* ECHILD: SIGCHLD is ignored and the kernel reaped it, or somebody else did. */
		if (got == pid || (got < 0 && errno == ECHILD))
			return true;
		if (now >= deadline)
			return false;
		poll(&dead, 1, pidfd < 0 ? 1 : (int)((deadline - now) / 1000000 + 1));
	}
}

int jail_run(const struct jail *jail, void (*function)(struct jail_child *child, void *arg),
	     void *arg, void **reply, size_t *reply_size)
{
	struct jail_child child = { .size = jail->reply_size, .socket = -1 };
	size_t page_size = sizeof(struct jail_page) + jail->reply_size;
	int sockets[2] = { -1, -1 }, pidfd = -1, error;
	struct jail_page *page;
	pid_t parent = getpid(), pid;
	size_t used;

	*reply = NULL;
	*reply_size = 0;
	if (jail->nr_fds > JAIL_MAX_FDS)
		return -EINVAL;
	page = mmap(NULL, page_size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (jail->serve && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets)) {
		error = -errno;
		goto out;
	}
	child.page = page;
	child.socket = sockets[1];

	pid = fork();
	if (pid < 0) {
		error = -errno;
		goto out;
	}
	if (!pid)
		run_child(jail, &child, parent, function, arg);
	if (sockets[1] >= 0) {
		close(sockets[1]);
		sockets[1] = -1;
	}
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	error = pidfd < 0 ? -errno : attend(jail, pidfd, sockets[0]);
	if (!reap(pid, pidfd)) {
		error = -ETIMEDOUT;
		goto out;
	}
	if (!error && page->stage != STAGE_DONE) {
		if (page->stage == STAGE_RUNS)
			error = -EFAULT;
		else
			error = page->error < 0 && page->error > -4096 ? page->error : -EPERM;
	}
	used = page->used;
	if (used > jail->reply_size)
		used = 0; /* it overwrote its own page: nothing in there means anything */
	if (used) {
		*reply = malloc(used);
		if (*reply) {
			memcpy(*reply, page->data, used);
			*reply_size = used;
		} else {
			error = -ENOMEM;
		}
	}
out:
	if (pidfd >= 0)
		close(pidfd);
	if (sockets[0] >= 0)
		close(sockets[0]);
	if (sockets[1] >= 0)
		close(sockets[1]);
	munmap(page, page_size);
	return error;
}
