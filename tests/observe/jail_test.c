// SPDX-License-Identifier: GPL-2.0
/*
 * jail_test - what runs in the jail can neither reach out nor hold up its caller
 *
 * Every attempt is made twice where it can be: outside the jail, to show that the test would notice
 * a success, and inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/jail.h"

#define MS 1000000ull

static struct jail small_jail(u64 ms)
{
	struct jail jail = { .deadline_ns = jail_now_ns() + ms * MS,
			     .memory = 64 << 20,
			     .reply_size = 1 << 20 };

	return jail;
}

static bool has_children(void)
{
	siginfo_t info;

	return !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || errno != ECHILD;
}

static void say_hello(struct jail_child *child, void *arg)
{
	jail_reply(child, "hello ", 6);
	jail_reply(child, arg, strlen(arg));
}

TEST(answer_arrives_whole)
{
	struct jail jail = small_jail(5000);
	char name[] = "you";
	void *reply;
	size_t size;

	ASSERT_EQ(0, jail_run(&jail, say_hello, name, &reply, &size));
	ASSERT_EQ(9, size);
	EXPECT_EQ(0, memcmp(reply, "hello you", 9));
	EXPECT_FALSE(has_children());
	free(reply);
}

static void fill(struct jail_child *child, void *arg)
{
	static char block[1000];
	s32 error;

	do {
		error = jail_reply(child, block, sizeof(block));
	} while (!error);
	if (error != -ENOSPC)
		abort();
}

TEST(answer_has_a_limit)
{
	struct jail jail = small_jail(5000);
	void *reply;
	size_t size;

	jail.reply_size = 4500;
	ASSERT_EQ(0, jail_run(&jail, fill, NULL, &reply, &size));
	EXPECT_EQ(4000, size);
	free(reply);
}

/* What may not work inside. Each returns 0 if it worked, else errno. */
struct attempt {
	const char *name;
	int (*try)(void);
	bool by_root_only; /* the control outside needs privilege */
};

static char file_path[64];
static char socket_path[64];
static pid_t victim;
static int passed_fd = -1;

static int try_create(void)
{
	int fd = open(file_path, O_CREAT | O_WRONLY, 0600);

	return fd < 0 ? errno : (close(fd), 0);
}

static int try_read_open(void)
{
	int fd = open("/proc/self/status", O_RDONLY);

	return fd < 0 ? errno : (close(fd), 0);
}

static int try_reopen(void)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", passed_fd);
	fd = open(path, O_RDWR);
	return fd < 0 ? errno : (close(fd), 0);
}

static int try_unlink(void)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "%s.gone", file_path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	if (fd >= 0)
		close(fd);
	return unlink(path) ? errno : 0;
}

static int try_connect(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), error = 0;

	if (fd < 0)
		return errno;
	strcpy(address.sun_path, socket_path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)))
		error = errno;
	close(fd);
	return error;
}

static int try_kill(void)
{
	return kill(victim, SIGCONT) ? errno : 0;
}

static int try_ptrace(void)
{
	if (ptrace(PTRACE_SEIZE, victim, 0, 0))
		return errno;
	ptrace(PTRACE_INTERRUPT, victim, 0, 0);
	waitpid(victim, NULL, __WALL);
	return ptrace(PTRACE_DETACH, victim, 0, 0) ? errno : 0;
}

static int try_read_memory(void)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { file_path, 1 };

	return process_vm_readv(victim, &here, 1, &there, 1, 0) == 1 ? 0 : errno;
}

static int try_fork(void)
{
	pid_t pid = syscall(SYS_fork);

	if (!pid)
		syscall(SYS_exit_group, 0);
	if (pid < 0)
		return errno;
	waitpid(pid, NULL, 0);
	return 0;
}

static int try_exec(void)
{
	/* ENOENT would say that the call itself was allowed. */
	char *none[] = { NULL };

	execve("/nonexistent/program", none, none);
	return errno == ENOENT ? 0 : errno;
}

static int try_exec_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		       -1, 0);

	return p == MAP_FAILED ? errno : (munmap(p, 4096), 0);
}

static int try_mprotect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error = mprotect(p, 4096, PROT_READ | PROT_WRITE) ? errno : 0;

	munmap(p, 4096);
	return error;
}

static int try_setuid(void)
{
	return setresuid(0, 0, 0) ? errno : 0;
}

static int try_namespace(void)
{
	/* An invalid flag: EINVAL says that the call itself was allowed. */
	if (syscall(SYS_unshare, 1) && errno == EINVAL)
		return 0;
	return errno;
}

static const struct attempt attempts[] = {
	{ "create a file", try_create, false },
	{ "open a file for reading", try_read_open, false },
	{ "reopen a descriptor for writing", try_reopen, false },
	{ "unlink a file", try_unlink, false },
	{ "connect", try_connect, false },
	{ "kill", try_kill, false },
	{ "ptrace", try_ptrace, false },
	{ "read another's memory", try_read_memory, false },
	{ "fork", try_fork, false },
	{ "exec", try_exec, false },
	{ "map executable memory", try_exec_memory, false },
	{ "make memory writable again", try_mprotect, false },
	{ "become root", try_setuid, true },
	{ "unshare", try_namespace, false },
};

#define NR_ATTEMPTS (sizeof(attempts) / sizeof(attempts[0]))

static void try_all(struct jail_child *child, void *arg)
{
	int results[NR_ATTEMPTS];
	size_t i;

	for (i = 0; i < NR_ATTEMPTS; i++)
		results[i] = attempts[i].try();
	jail_reply(child, results, sizeof(results));
}

FIXTURE(reach)
{
	int listener;
};

FIXTURE_VARIANT(reach)
{
	uid_t uid;
};

FIXTURE_VARIANT_ADD(reach, by_root){
	.uid = 0,
};

FIXTURE_VARIANT_ADD(reach, by_a_user){
	.uid = 12345,
};

FIXTURE_SETUP(reach)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	static char directory[] = "/tmp/jail_test.XXXXXX";

	if (geteuid())
		SKIP(return, "needs root to change identity");
	ASSERT_NE(NULL, mkdtemp(directory));
	if (variant->uid) {
		ASSERT_EQ(0, chown(directory, variant->uid, variant->uid));
		ASSERT_EQ(0, setresgid(variant->uid, variant->uid, variant->uid));
		ASSERT_EQ(0, setresuid(variant->uid, variant->uid, variant->uid));
		/* Undo what the change of identity did, so that the controls work. */
		ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	}
	snprintf(file_path, sizeof(file_path), "%s/file", directory);
	snprintf(socket_path, sizeof(socket_path), "%s/socket", directory);
	strcpy(address.sun_path, socket_path);
	self->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&address, sizeof(address)));
	ASSERT_EQ(0, listen(self->listener, 10));
	victim = fork();
	ASSERT_LE(0, victim);
	if (!victim) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		for (;;)
			pause();
	}
}

FIXTURE_TEARDOWN(reach)
{
	kill(victim, SIGKILL);
	waitpid(victim, NULL, 0);
	unlink(file_path);
	unlink(socket_path);
	*strrchr(file_path, '/') = 0;
	rmdir(file_path);
}

TEST_F(reach, nothing_outside_can_be_touched)
{
	struct jail jail = small_jail(5000);
	int *results;
	void *reply;
	size_t size, i;

	passed_fd = open(file_path, O_CREAT | O_RDONLY, 0600);
	ASSERT_LE(0, passed_fd);
	for (i = 0; i < NR_ATTEMPTS; i++) {
		int error = attempts[i].by_root_only && variant->uid ? 0 : attempts[i].try();

		EXPECT_EQ(0, error)
		{
			TH_LOG("control: %s does not work outside either: %s", attempts[i].name,
			       strerror(error));
		}
	}
	jail.fds = &passed_fd;
	jail.nr_fds = 1;
	ASSERT_EQ(0, jail_run(&jail, try_all, NULL, &reply, &size));
	ASSERT_EQ(sizeof(int) * NR_ATTEMPTS, size);
	results = reply;
	for (i = 0; i < NR_ATTEMPTS; i++) {
		EXPECT_EQ(EPERM, results[i])
		{
			TH_LOG("%s: %s", attempts[i].name, strerror(results[i]));
		}
	}
	free(reply);
	close(passed_fd);
}

struct view {
	int open_fds;
	int given_fd_reads;
	char byte;
};

static void look_round(struct jail_child *child, void *arg)
{
	struct view v = { 0 };
	int fd;

	for (fd = 0; fd < 1024; fd++)
		v.open_fds += fcntl(fd, F_GETFD) >= 0;
	v.given_fd_reads = pread(passed_fd, &v.byte, 1, 0) == 1;
	jail_reply(child, &v, sizeof(v));
}

TEST_F(reach, only_given_descriptors_are_open)
{
	struct jail jail = small_jail(5000);
	struct view *v;
	void *reply;
	size_t size;
	int fd;

	fd = open(file_path, O_CREAT | O_RDWR, 0600);
	ASSERT_EQ(1, write(fd, "x", 1));
	close(fd);
	passed_fd = open(file_path, O_RDONLY);
	jail.fds = &passed_fd;
	jail.nr_fds = 1;
	ASSERT_EQ(0, jail_run(&jail, look_round, NULL, &reply, &size));
	ASSERT_EQ(sizeof(*v), size);
	v = reply;
	EXPECT_EQ(1, v->open_fds);
	EXPECT_EQ(1, v->given_fd_reads);
	EXPECT_EQ('x', v->byte);
	free(reply);
	close(passed_fd);
}

/* Seen from outside, while it waits for an answer that is given last. */
struct status_seen {
	char text[8192];
};

static ssize_t read_status(void *arg, const void *question, size_t question_size, void *answer,
			   size_t size, int *fd)
{
	struct status_seen *seen = arg;
	char path[64];
	ssize_t n;
	FILE *f;
	int pid = 0;

	/* Our only child that is not the victim. */
	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)syscall(SYS_gettid));
	f = fopen(path, "r");
	if (!f)
		return -errno;
	while (fscanf(f, "%d", &pid) == 1 && pid == victim)
		;
	fclose(f);
	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	n = fread(seen->text, 1, sizeof(seen->text) - 1, f);
	fclose(f);
	return n > 0 ? 0 : -EIO;
}

static void ask_once(struct jail_child *child, void *arg)
{
	char none;
	s32 result = jail_ask(child, "?", 1, &none, 1, NULL);

	jail_reply(child, &result, sizeof(result));
}

TEST_F(reach, identity_and_capabilities_are_gone)
{
	struct jail jail = small_jail(5000);
	struct status_seen seen = { 0 };
	char expected[64];
	void *reply;
	size_t size;

	jail.serve = read_status;
	jail.serve_arg = &seen;
	jail.max_questions = 1;
	if (access("/proc/self/task", X_OK))
		SKIP(return, "no /proc");
	ASSERT_EQ(0, jail_run(&jail, ask_once, NULL, &reply, &size));
	ASSERT_EQ(sizeof(s32), size);
	ASSERT_EQ(0, *(s32 *)reply)
	{
		TH_LOG("serve: %s", strerror(-*(s32 *)reply));
	}
	snprintf(expected, sizeof(expected), "Uid:\t%d\t%d",
		 variant->uid ? (int)variant->uid : 65534,
		 variant->uid ? (int)variant->uid : 65534);
	EXPECT_NE(NULL, strstr(seen.text, expected));
	EXPECT_NE(NULL, strstr(seen.text, "CapPrm:\t0000000000000000"));
	EXPECT_NE(NULL, strstr(seen.text, "CapEff:\t0000000000000000"));
	EXPECT_NE(NULL, strstr(seen.text, "CapAmb:\t0000000000000000"));
	EXPECT_NE(NULL, strstr(seen.text, "NoNewPrivs:\t1"));
	EXPECT_NE(NULL, strstr(seen.text, "Seccomp:\t2"));
	free(reply);
}

static void raise_fault(void)
{
	volatile uintptr_t nowhere = 8;

	*(volatile char *)nowhere = 1;
}

static void crash(struct jail_child *child, void *arg)
{
	jail_reply(child, "before", 6);
	raise_fault();
	jail_reply(child, "after", 5);
}

TEST(crash_costs_what_follows_only)
{
	struct jail jail = small_jail(5000);
	void *reply;
	size_t size;

	ASSERT_EQ(-EFAULT, jail_run(&jail, crash, NULL, &reply, &size));
	ASSERT_EQ(6, size);
	EXPECT_EQ(0, memcmp(reply, "before", 6));
	EXPECT_FALSE(has_children());
	free(reply);
}

static void loop(struct jail_child *child, void *arg)
{
	jail_reply(child, "before", 6);
	for (;;)
		__asm__ volatile("" ::
					 : "memory");
}

TEST(endless_loop_ends_at_the_deadline)
{
	struct jail jail = small_jail(50);
	u64 start = jail_now_ns();
	void *reply;
	size_t size;

	ASSERT_EQ(-ETIMEDOUT, jail_run(&jail, loop, NULL, &reply, &size));
	EXPECT_LE(50 * MS, jail_now_ns() - start);
	EXPECT_EQ(6, size);
	EXPECT_FALSE(has_children());
	free(reply);
}

TEST(deadline_in_the_past_does_not_block)
{
	struct jail jail = small_jail(0);
	void *reply;
	size_t size;

	ASSERT_EQ(-ETIMEDOUT, jail_run(&jail, loop, NULL, &reply, &size));
	EXPECT_FALSE(has_children());
	free(reply);
}

static void hog(struct jail_child *child, void *arg)
{
	size_t got = 0;
	void *p;

	/* Touched, so that only the limit can end it. */
	while ((p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0)) != MAP_FAILED)
		got += 1 << 20;
	jail_reply(child, &got, sizeof(got));
}

TEST(memory_has_a_limit)
{
	struct jail jail = small_jail(5000);
	void *reply;
	size_t size;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	SKIP(return, "no limit on address space under a sanitizer");
#endif
	ASSERT_EQ(0, jail_run(&jail, hog, NULL, &reply, &size));
	ASSERT_EQ(sizeof(size_t), size);
	EXPECT_LT(0, *(size_t *)reply);
	EXPECT_GE(64 << 20, *(size_t *)reply);
	free(reply);
}

static void lie_about_size(struct jail_child *child, void *arg)
{
	/*
	 * What a child that was taken over can do: write over everything that it can write, its own
	 * page before all.
	 */
	void *page = *(void **)child;
	size_t i;

	for (i = 0; i < 4096; i++)
		((volatile u8 *)page)[i] = 0xff;
	_exit(0);
}

TEST(reply_that_lies_is_dropped)
{
	struct jail jail = small_jail(5000);
	void *reply;
	size_t size;

	EXPECT_GT(0, jail_run(&jail, lie_about_size, NULL, &reply, &size));
	EXPECT_EQ(0, size);
	EXPECT_EQ(NULL, reply);
	EXPECT_FALSE(has_children());
}

static void write_shared(struct jail_child *child, void *arg)
{
	char seen = *(char *)arg;

	jail_reply(child, &seen, 1);
	*(volatile char *)arg = 'B';
	jail_reply(child, "written", 7);
}

TEST(shared_memory_is_read_only)
{
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct jail jail = small_jail(5000);
	void *reply;
	size_t size;

	*shared = 'A';
	ASSERT_EQ(-EFAULT, jail_run(&jail, write_shared, shared, &reply, &size));
	ASSERT_EQ(1, size);
	EXPECT_EQ('A', *(char *)reply);
	EXPECT_EQ('A', *shared);
	free(reply);
	munmap(shared, 4096);
}

static ssize_t square(void *arg, const void *question, size_t question_size, void *answer,
		      size_t size, int *fd)
{
	u32 n, *asked = arg;

	if (question_size != sizeof(n))
		return -EINVAL;
	memcpy(&n, question, sizeof(n));
	(*asked)++;
	if (n == 13)
		return -ENOENT;
	if (n == 14) {
		*fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
		return 0;
	}
	n *= n;
	memcpy(answer, &n, sizeof(n));
	return sizeof(n);
}

struct asked {
	s32 square, refused, too_long, file;
	char first;
};

static void ask(struct jail_child *child, void *arg)
{
	static char huge[JAIL_MAX_MESSAGE + 1];
	struct asked a = { 0 };
	u32 n = 12, answer = 0;
	int fd;

	if (jail_ask(child, &n, sizeof(n), &answer, sizeof(answer), &fd) == sizeof(answer) &&
	    fd == -1)
		a.square = answer;
	n = 13;
	a.refused = jail_ask(child, &n, sizeof(n), &answer, sizeof(answer), &fd);
	a.too_long = jail_ask(child, huge, sizeof(huge), &answer, sizeof(answer), &fd);
	n = 14;
	a.file = jail_ask(child, &n, sizeof(n), &answer, sizeof(answer), &fd);
	if (fd >= 0 && read(fd, &a.first, 1) != 1)
		a.first = '?';
	jail_reply(child, &a, sizeof(a));
}

TEST(questions_are_answered)
{
	struct jail jail = small_jail(5000);
	struct asked *a;
	u32 asked = 0;
	void *reply;
	size_t size;

	jail.serve = square;
	jail.serve_arg = &asked;
	jail.max_questions = 10;
	ASSERT_EQ(0, jail_run(&jail, ask, NULL, &reply, &size));
	ASSERT_EQ(sizeof(*a), size);
	a = reply;
	EXPECT_EQ(144, a->square);
	EXPECT_EQ(-ENOENT, a->refused);
	EXPECT_EQ(-EINVAL, a->too_long);
	EXPECT_EQ(0, a->file);
	EXPECT_EQ('N', a->first);
	EXPECT_EQ(3, asked);
	free(reply);
}

static void ask_for_ever(struct jail_child *child, void *arg)
{
	u32 n = 1, answer;

	for (;;)
		jail_ask(child, &n, sizeof(n), &answer, sizeof(answer), NULL);
}

TEST(questions_are_counted)
{
	struct jail jail = small_jail(5000);
	u32 asked = 0;
	void *reply;
	size_t size;

	jail.serve = square;
	jail.serve_arg = &asked;
	jail.max_questions = 10;
	EXPECT_EQ(-EFAULT, jail_run(&jail, ask_for_ever, NULL, &reply, &size));
	EXPECT_EQ(10, asked);
	EXPECT_FALSE(has_children());
	free(reply);
}

static ssize_t die(void *arg, const void *question, size_t question_size, void *answer, size_t size,
		   int *fd)
{
	kill(getpid(), SIGKILL);
	return 0;
}

static void ask_and_loop(struct jail_child *child, void *arg)
{
	char none;

	jail_ask(child, "?", 1, &none, 1, NULL);
	loop(child, arg);
}

TEST(child_dies_with_its_caller)
{
	int pipe_fds[2], status;
	pid_t caller;
	char byte;

	/*
	 * The child holds the write end, as a descriptor given to it: reading sees the end when
	 * nobody has it any more.
	 */
	ASSERT_EQ(0, pipe(pipe_fds));
	caller = fork();
	ASSERT_LE(0, caller);
	if (!caller) {
		struct jail jail = small_jail(60000);
		void *reply;
		size_t size;

		jail.fds = &pipe_fds[1];
		jail.nr_fds = 1;
		jail.serve = die;
		jail.max_questions = 1;
		jail_run(&jail, ask_and_loop, NULL, &reply, &size);
		_exit(1);
	}
	close(pipe_fds[1]);
	EXPECT_EQ(0, read(pipe_fds[0], &byte, 1));
	ASSERT_EQ(caller, waitpid(caller, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	close(pipe_fds[0]);
}

TEST_HARNESS_MAIN
