// SPDX-License-Identifier: GPL-2.0
/*
 * descriptor_test - waits for pipes, sockets, children and file locks: explained when stuck, never
 * accused when somebody can act
 *
 * Each scene is a few processes of this program. An actor says which call it is about to block in;
 * the scene is set when /proc says that each of them is asleep in that call.
 *
 * suite: timeout=300 live
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/look.h"

#define MAX_ACTORS  8
#define PATIENCE_MS 20000

static struct stage {
	int nr;
	struct {
		pid_t tid;
		long call;
	} actors[MAX_ACTORS];
	int step; /* for scenes in which the order matters */
	char directory[64];
} * stage;

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	_exit(2);
}

#define MUST(call) check((call) != -1, #call)

/* The last thing before a call that blocks. */
static void about_to(long call)
{
	int i = __atomic_fetch_add(&stage->nr, 1, __ATOMIC_RELAXED);

	stage->actors[i].call = call;
	__atomic_store_n(&stage->actors[i].tid, gettid(), __ATOMIC_RELEASE);
}

static pid_t start(void (*actor)(void))
{
	pid_t pid = fork();

	check(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	actor();
	_exit(0);
}

static void *thread_of(void *actor)
{
	((void (*)(void))actor)();
	return NULL;
}

static void start_thread(void (*actor)(void))
{
	pthread_t thread;

	check(!pthread_create(&thread, NULL, thread_of, (void *)actor), "pthread_create");
}

static void step(int n)
{
	__atomic_store_n(&stage->step, n, __ATOMIC_RELEASE);
}

static void wait_step(int n)
{
	while (__atomic_load_n(&stage->step, __ATOMIC_ACQUIRE) < n)
		sched_yield();
}

static void read_one(int fd)
{
	char bytes[8]; /* as many as an eventfd insists on */

	about_to(__NR_read);
	check(read(fd, bytes, sizeof(bytes)) >= 0, "read");
}

static void write_forever(int fd)
{
	static char block[65536];

	/* Until it is full, without blocking; then for good. */
	MUST(fcntl(fd, F_SETFL, O_NONBLOCK));
	while (write(fd, block, sizeof(block)) > 0)
		;
	MUST(fcntl(fd, F_SETFL, 0));
	about_to(__NR_write);
	check(write(fd, block, 1) >= 0, "write");
}

/* Somebody who can act: a timer will wake it. */
static void sleep_long(void)
{
	struct timespec t = { .tv_sec = 1000 };

	about_to(__NR_clock_nanosleep);
	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

static void wait_child(void)
{
	about_to(__NR_wait4);
	waitpid(-1, NULL, 0);
}

static int ends[2], others[2];

static void read_first(void)
{
	read_one(ends[0]);
}

/* ---- stuck ---- */

static void pipe_read_self(void)
{
	MUST(pipe(ends));
	read_one(ends[0]);
}

static void pipe_write_self(void)
{
	MUST(pipe(ends));
	write_forever(ends[1]);
}

static void fifo_self(void)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/fifo", stage->directory);
	MUST(mkfifo(path, 0600));
	read_one(open(path, O_RDWR));
}

static void readv_other_side(void)
{
	struct iovec vector = { .iov_base = others, .iov_len = 1 };

	close(ends[1]);
	close(others[0]);
	about_to(__NR_readv);
	check(readv(ends[0], &vector, 1) >= 0, "readv");
}

static void pipes_crossed(void)
{
	MUST(pipe(ends));
	MUST(pipe(others));
	start(readv_other_side);
	close(ends[0]);
	close(others[1]);
	read_one(others[0]);
}

static void socket_peer_reads(void)
{
	close(ends[0]);
	about_to(__NR_recvfrom);
	check(recv(ends[1], others, 1, 0) >= 0, "recv");
}

static void socket_pair(void)
{
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	start(socket_peer_reads);
	close(ends[1]);
	about_to(__NR_recvfrom);
	check(recv(ends[0], others, 1, 0) >= 0, "recv");
}

static void datagram_pair(void)
{
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
	start(socket_peer_reads);
	close(ends[1]);
	read_one(ends[0]);
}

static void connect_loopback(int family)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} address = { .any.sa_family = (sa_family_t)family };
	socklen_t size = family == AF_INET ? sizeof(address.in) : sizeof(address.in6);
	int listener = socket(family, SOCK_STREAM, 0);

	if (family == AF_INET)
		address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		address.in6.sin6_addr = in6addr_loopback;
	MUST(bind(listener, &address.any, size));
	MUST(listen(listener, 1));
	MUST(getsockname(listener, &address.any, &size));
	MUST(ends[0] = socket(family, SOCK_STREAM, 0));
	MUST(connect(ends[0], &address.any, size));
	MUST(ends[1] = accept(listener, NULL, NULL));
	close(listener);
}

static void tcp_loopback(void)
{
	connect_loopback(AF_INET);
	start(socket_peer_reads);
	close(ends[1]);
	read_one(ends[0]);
}

static void event_nobody_signals(void)
{
	read_one(eventfd(0, 0));
}

static void poll_two_pipes(void)
{
	struct pollfd fds[3];

	MUST(pipe(ends));
	MUST(pipe(others));
	fds[0] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = -1 };
	fds[2] = (struct pollfd){ .fd = others[0], .events = POLLIN };
	about_to(__NR_poll);
	poll(fds, 3, -1);
}

static void select_pipe(void)
{
	fd_set set;

	MUST(pipe(ends));
	FD_ZERO(&set);
	FD_SET(ends[0], &set);
	about_to(__NR_pselect6); /* as the C library does */
	select(ends[0] + 1, &set, NULL, NULL, NULL);
}

static int epoll_on(int fd)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0);

	MUST(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
	return set;
}

static void epoll_pipe(void)
{
	struct epoll_event event;
	int set;

	MUST(pipe(ends));
	set = epoll_on(ends[0]);
	about_to(__NR_epoll_wait);
	epoll_wait(set, &event, 1, -1);
}

static void splice_pipes(void)
{
	MUST(pipe(ends));
	MUST(pipe(others));
	about_to(__NR_splice);
	splice(ends[0], NULL, others[1], NULL, 1, 0);
}

static void wait_for_blocked_child(void)
{
	MUST(pipe(ends));
	start(read_first);
	close(ends[0]);
	wait_child();
}

static void waitid_pidfd(void)
{
	siginfo_t info;
	pid_t child;
	int pidfd;

	MUST(pipe(ends));
	child = start(read_first);
	MUST(pidfd = (int)syscall(__NR_pidfd_open, child, 0));
	about_to(__NR_waitid);
	waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED);
}

static int open_file(const char *name)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", stage->directory, name);
	MUST(fd = open(path, O_RDWR | O_CREAT, 0600));
	return fd;
}

static void flock_twice(void)
{
	int fd = open_file("a");

	MUST(flock(open_file("a"), LOCK_EX));
	about_to(__NR_flock);
	flock(fd, LOCK_EX);
}

static void lock_range(int fd, int call, off_t from, off_t length)
{
	struct flock l = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = from, .l_len = length
	};

	if (call == F_SETLKW || call == F_OFD_SETLKW)
		about_to(__NR_fcntl);
	MUST(fcntl(fd, call, &l));
}

static void second_range_first(void)
{
	int fd = open_file("a");

	lock_range(fd, F_OFD_SETLK, 100, 10);
	step(1);
	wait_step(2);
	lock_range(fd, F_OFD_SETLKW, 0, 1);
}

static void ranges_crossed(void)
{
	int fd;

	start(second_range_first);
	fd = open_file("a"); /* not inherited: who has it open can undo its locks */
	lock_range(fd, F_OFD_SETLK, 0, 10);
	wait_step(1);
	step(2);
	lock_range(fd, F_OFD_SETLKW, 105, 1);
}

static void unshared_waiter(void)
{
	MUST(unshare(CLONE_FILES));
	/* Only this thread's table has the pipe. */
	MUST(pipe(ends));
	about_to(__NR_read);
	check(read(ends[0], others, 1) >= 0, "read");
}

static void own_table(void)
{
	start_thread(unshared_waiter);
	MUST(pipe(others));
	/* Under the same number as the other thread's, perhaps: another pipe. */
	read_one(others[0]);
}

static void descriptors_in_flight(void)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vector = { .iov_base = control, .iov_len = 1 };
	struct msghdr message = { .msg_iov = &vector,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	MUST(pipe(ends));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, others));
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
	MUST(sendmsg(others[0], &message, 0));
	read_one(ends[0]);
}

/* ---- alive ---- */

static void pipe_with_live_writer(void)
{
	MUST(pipe(ends));
	start(sleep_long);
	read_one(ends[0]);
}

static void pipe_with_live_thread(void)
{
	MUST(pipe(ends));
	start_thread(sleep_long);
	read_one(ends[0]);
}

static void unshared_holder(void)
{
	MUST(unshare(CLONE_FILES));
	step(1);
	wait_step(2);
	sleep_long();
}

static void live_writer_in_own_table(void)
{
	MUST(pipe(ends));
	start_thread(unshared_holder);
	wait_step(1);
	/* Closed here; the thread's own table still has it. */
	close(ends[1]);
	step(2);
	read_one(ends[0]);
}

static void poll_with_timer(void)
{
	struct pollfd fds[2];

	MUST(pipe(ends));
	fds[0] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = timerfd_create(CLOCK_MONOTONIC, 0), .events = POLLIN };
	about_to(__NR_poll);
	poll(fds, 2, -1);
}

static void poll_timed(void)
{
	struct pollfd fd;

	MUST(pipe(ends));
	fd = (struct pollfd){ .fd = ends[0], .events = POLLIN };
	about_to(__NR_poll);
	poll(&fd, 1, 1000000);
}

static void epoll_with_live_thread(void)
{
	start_thread(sleep_long);
	epoll_pipe();
}

static void epoll_reused_number(void)
{
	struct epoll_event event;
	int set, kept;

	/* The set knows a terminal-like thing under a number that is now a pipe's. */
	MUST(kept = timerfd_create(CLOCK_MONOTONIC, 0));
	MUST(ends[0] = dup(kept));
	set = epoll_on(ends[0]);
	MUST(pipe(others));
	MUST(dup2(others[0], ends[0]));
	about_to(__NR_epoll_wait);
	epoll_wait(set, &event, 1, -1);
}

static void socket_with_timeout(void)
{
	struct timeval t = { .tv_sec = 1000 };

	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	MUST(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)));
	read_one(ends[0]);
}

static void socket_with_live_thread(void)
{
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	start_thread(sleep_long); /* may call shutdown() */
	read_one(ends[0]);
}

static void datagram_with_name(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };

	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends));
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/name", stage->directory);
	MUST(bind(ends[0], (struct sockaddr *)&name, sizeof(name)));
	read_one(ends[0]);
}

static void datagram_from_anywhere(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	MUST(bind(fd, (struct sockaddr *)&address, sizeof(address)));
	read_one(fd);
}

static void wait_for_sleeping_child(void)
{
	start(sleep_long);
	wait_child();
}

static void wait_for_any_of_two(void)
{
	MUST(pipe(ends));
	start(read_first);
	start(sleep_long);
	wait_child();
}

static void child_with_live_thread(void)
{
	start_thread(sleep_long);
	read_one(ends[0]);
}

static void wait_for_child_of_two_threads(void)
{
	MUST(pipe(ends));
	start(child_with_live_thread);
	wait_child();
}

static void third_holds_range(void)
{
	int fd = open_file("a");

	lock_range(fd, F_OFD_SETLK, 500, 10);
	step(2);
	sleep_long();
}

static void second_waits_for_third(void)
{
	int fd = open_file("a");

	lock_range(fd, F_OFD_SETLK, 100, 10);
	step(1);
	wait_step(2);
	lock_range(fd, F_OFD_SETLKW, 505, 1);
}

static void ranges_apart(void)
{
	int fd = open_file("a");

	lock_range(fd, F_OFD_SETLK, 0, 10);
	start(second_waits_for_third);
	wait_step(1);
	start(third_holds_range);
	wait_step(2);
	lock_range(fd, F_OFD_SETLKW, 105, 1);
}

static void shared_description(void)
{
	wait_step(1);
	sleep_long();
}

static void flock_that_a_child_can_undo(void)
{
	int fd = open_file("a");

	MUST(flock(open_file("a"), LOCK_EX));
	start(shared_description); /* inherits the lock's open file */
	step(1);
	about_to(__NR_flock);
	flock(fd, LOCK_EX);
}

/* ---- */

#define ALIVE LAB_NR_FINDING_KINDS

FIXTURE(descriptor)
{
	struct look_progress progress;
	struct look *look;
	pid_t pid;
};

/* An actor's wait that a proof can rest on is PROVEN; where somebody else could act after all,
 * PROBABLE. */
FIXTURE_VARIANT(descriptor)
{
	void (*scene)(void);
	int actors;
	enum lab_finding_kind kind;
	enum lab_certainty certainty;
	u32 tasks; /* in the finding */
};

#define SCENE(name, nr, what, how, stuck)                                                    \
	FIXTURE_VARIANT_ADD(descriptor, name)                                                \
	{                                                                                    \
		.scene = name, .actors = nr, .kind = what, .certainty = how, .tasks = stuck, \
	}
#define STUCK_SCENE(name, nr) SCENE(name, nr, LAB_IO_CYCLE, LAB_PROVEN, nr)
#define ALIVE_SCENE(name, nr) SCENE(name, nr, ALIVE, LAB_PROVEN, 0)

STUCK_SCENE(pipe_read_self, 1);
STUCK_SCENE(pipe_write_self, 1);
SCENE(fifo_self, 1, LAB_IO_CYCLE, LAB_PROBABLE, 1);
STUCK_SCENE(pipes_crossed, 2);
STUCK_SCENE(socket_pair, 2);
STUCK_SCENE(datagram_pair, 2);
STUCK_SCENE(tcp_loopback, 2);
SCENE(event_nobody_signals, 1, LAB_STALL, LAB_PROBABLE, 1);
STUCK_SCENE(poll_two_pipes, 1);
STUCK_SCENE(select_pipe, 1);
STUCK_SCENE(epoll_pipe, 1);
STUCK_SCENE(splice_pipes, 1);
STUCK_SCENE(wait_for_blocked_child, 2);
STUCK_SCENE(waitid_pidfd, 2);
SCENE(flock_twice, 1, LAB_SELF_DEADLOCK, LAB_PROVEN, 1);
SCENE(ranges_crossed, 2, LAB_DEADLOCK, LAB_PROVEN, 2);
STUCK_SCENE(own_table, 2);
SCENE(descriptors_in_flight, 1, LAB_IO_CYCLE, LAB_PROBABLE, 1);

ALIVE_SCENE(pipe_with_live_writer, 2);
ALIVE_SCENE(pipe_with_live_thread, 2);
ALIVE_SCENE(live_writer_in_own_table, 2);
ALIVE_SCENE(poll_with_timer, 1);
ALIVE_SCENE(poll_timed, 1);
ALIVE_SCENE(epoll_with_live_thread, 2);
ALIVE_SCENE(epoll_reused_number, 1);
ALIVE_SCENE(socket_with_timeout, 1);
ALIVE_SCENE(socket_with_live_thread, 2);
ALIVE_SCENE(datagram_with_name, 1);
ALIVE_SCENE(datagram_from_anywhere, 1);
ALIVE_SCENE(wait_for_sleeping_child, 2);
ALIVE_SCENE(wait_for_any_of_two, 3);
ALIVE_SCENE(wait_for_child_of_two_threads, 3);
ALIVE_SCENE(ranges_apart, 3);
ALIVE_SCENE(flock_that_a_child_can_undo, 2);

static bool is_asleep_in(pid_t tid, long call)
{
	char path[64], text[256] = { 0 };
	char *rest;
	long nr;
	int fd;

	if (!tid)
		return false;
	/* "running" while it runs; the number of the call and its arguments when it is blocked. */
	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) <= 0)
		text[0] = '\0';
	close(fd);
	nr = strtol(text, &rest, 10);
	return rest != text && nr == call;
}

static bool is_set(int actors)
{
	for (int i = 0; i < actors; i++)
		if (!is_asleep_in(__atomic_load_n(&stage->actors[i].tid, __ATOMIC_ACQUIRE),
				  stage->actors[i].call))
			return false;
	return true;
}

FIXTURE_SETUP(descriptor)
{
	int patience = PATIENCE_MS;
	int status;

	if (geteuid())
		SKIP(return, "needs root: a proof needs the descriptors of everybody");
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, stage);
	strcpy(stage->directory, "/tmp/descriptor_test.XXXXXX");
	ASSERT_NE(NULL, mkdtemp(stage->directory));
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		/* What the harness has open is nobody's business here: it would be one more way
		 * out. */
		syscall(__NR_close_range, 3, ~0u, 0);
		signal(SIGALRM, SIG_DFL);
		variant->scene();
		_exit(0);
	}
	while (!is_set(variant->actors) && patience--) {
		if (waitpid(self->pid, &status, WNOHANG))
			break;
		poll(NULL, 0, 1);
	}
	ASSERT_TRUE(is_set(variant->actors))
	{
		TH_LOG("the scene was not set");
	}
}

FIXTURE_TEARDOWN(descriptor)
{
	char command[128];

	if (!stage)
		return;
	kill(-self->pid, SIGKILL);
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
	look_close(self->look);
	snprintf(command, sizeof(command), "rm -rf '%s'", stage->directory);
	EXPECT_EQ(0, system(command));
}

static void check_picture(struct __test_metadata *_metadata, const FIXTURE_VARIANT(descriptor) * v,
			  const struct lab_picture *p)
{
	const struct lab_finding *f = NULL;

	for (u32 i = 0; i < p->nr_findings && !f; i++)
		if (p->findings[i].asked && lab_finding_is_fault(p->findings[i].kind))
			f = &p->findings[i];
	if (v->kind == ALIVE) {
		EXPECT_EQ(NULL, f);
		EXPECT_NE(LAB_FOUND, p->verdict);
		return;
	}
	ASSERT_NE(NULL, f);
	EXPECT_EQ(v->kind, f->kind);
	EXPECT_EQ(v->certainty, f->certainty);
	EXPECT_EQ(v->tasks, f->nr_tasks);
	for (u32 i = 0; i < f->nr_tasks; i++) {
		const struct lab_task *t = &p->tasks[p->finding_tasks[f->first_task + i]];
		bool is_actor = false;

		for (int j = 0; j < v->actors; j++)
			is_actor |= stage->actors[j].tid == (pid_t)t->tid;
		EXPECT_TRUE(is_actor);
		EXPECT_NE(NULL, t->call);
	}
}

static void look_and_check(struct __test_metadata *_metadata, FIXTURE_DATA(descriptor) * self,
			   const FIXTURE_VARIANT(descriptor) * variant, enum look_source source)
{
	u32 tgid = (u32)self->pid;
	struct look_options options = {
		.tgids = &tgid,
		.nr_tgids = 1,
		.source = source,
		.progress = &self->progress,
	};
	const struct lab_picture *picture;
	char why[256] = "";
	int err;

	self->look = look_open(&options, why, sizeof(why));
	if (!self->look && source == LOOK_BPF)
		SKIP(return, "%s", why);
	ASSERT_NE(NULL, self->look);
	err = look_once(self->look, &picture, why, sizeof(why));
	ASSERT_EQ(0, err)
	{
		TH_LOG("%s", why);
	}
	check_picture(_metadata, variant, picture);
	/* Nobody was woken by being looked at. */
	EXPECT_TRUE(is_set(variant->actors));
	EXPECT_EQ(0u, self->progress.tgid);
}

TEST_F(descriptor, judged_right_by_bpf)
{
	look_and_check(_metadata, self, variant, LOOK_BPF);
}

TEST_F(descriptor, judged_right_from_proc)
{
	look_and_check(_metadata, self, variant, LOOK_PROC);
}

TEST_HARNESS_MAIN
