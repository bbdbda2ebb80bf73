// SPDX-License-Identifier: GPL-2.0
/*
 * hostile [KIND] - a target that means harm to whoever looks at it
 *
 * KIND: names (default): thread and file names with control bytes, escape sequences, newlines and
 * broken UTF-8, in an ABBA
 *       unserved: a lock in a page that is never served (userfaultfd): whoever touches it waits for
 *       ever
 *       stopped: an ABBA, and everybody stopped (SIGSTOP)
 *       execs: replaces itself again and again
 *       threads: thousands of short-lived threads
 *       mappings: an ABBA beside 30,000 mappings
 *       owners: words that lie about their owners: init, the waiter itself, another process, the
 *       largest TID
 *       robust: a robust list that is a circle, and one that leads nowhere
 *       stack: a thread whose stack pointer leads nowhere, one whose stack is one page
 *       dies: an ABBA that ends after some milliseconds, all over again in new processes
 */
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>

#include "../hang/stage.h"

static pthread_mutex_t accounts = PTHREAD_MUTEX_INITIALIZER, ledger = PTHREAD_MUTEX_INITIALIZER;
static struct meeting both;
static unsigned int never;
static const char *names[2] = { "teller", "auditor" };

static void *teller(void *arg)
{
	role(names[0]);
	pthread_mutex_lock(&accounts);
	meet(&both);
	pthread_mutex_lock(&ledger); /* stuck in teller */
	return arg;
}

static void *auditor(void *arg)
{
	role(names[1]);
	pthread_mutex_lock(&ledger);
	meet(&both);
	pthread_mutex_lock(&accounts); /* stuck in auditor */
	return arg;
}

static void deadlock(void)
{
	pthread_t thread;

	meeting_init(&both, 2);
	thread = start(teller, NULL);
	start(auditor, NULL);
	pthread_join(thread, NULL); /* stuck in main */
}

/*
 * Runs itself under a file name that is an attack on a terminal, deletes the file, and deadlocks.
 */
static void bad_names(bool again)
{
	static const char file[] = "/tmp/zoo\033]0;owned\007\n\xff\xfe";
	static char copy[4096];
	char bytes[4096];
	int in, out;
	ssize_t n;

	if (again) {
		unlink(file);
		names[0] = "\033[31mred\033[0m\n";
		names[1] = "\xc3(\xff\x9b"
			   "2J\r\t\x7f";
		deadlock();
	}
	snprintf(copy, sizeof(copy), "%s", file);
	in = must_not_fail(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
	unlink(file);
	out = must_not_fail(open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700));
	while ((n = must_not_fail(read(in, bytes, sizeof(bytes)))) > 0) {
		if (write(out, bytes, (size_t)n) != n)
			stage_fail("write", errno);
	}
	close(in);
	close(out);
	execl(copy, copy, "names-again", (char *)NULL);
	stage_fail("execl", errno);
}

/*
 * The word is served when the waiter goes to sleep, and taken away afterwards: from then on nobody
 * can read it.
 */
static void *unserved_waiter(void *arg)
{
	role("waiter");
	syscall(SYS_futex, arg, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static pid_t waiter_tid;

static void *tell_and_wait(void *arg)
{
	tell_tid(&waiter_tid);
	return unserved_waiter(arg);
}

static void unserved(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	char *memory;

	if (fd < 0)
		stage_lacks("no userfaultfd: %s", strerror(errno));
	memory = must_not_fail(
		mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	memory[page] = 0;
	start(tell_and_wait, memory + page);
	until_asleep(&waiter_tid);
	must_not_fail(ioctl(fd, UFFDIO_API, &api));
	range.range.start = (unsigned long)memory;
	range.range.len = 4 * page;
	must_not_fail(ioctl(fd, UFFDIO_REGISTER, &range));
	must_not_fail(madvise(memory, 4 * page, MADV_DONTNEED));
	deadlock();
}

static void execs(char *self, int round)
{
	char number[16];

	role("changeling");
	meeting_init(&both, 3);
	for (int i = 0; i < round % 3; i++)
		start(teller, NULL);
	snprintf(number, sizeof(number), "%d", round + 1);
	execl("/proc/self/exe", self, "execs", number, (char *)NULL);
	stage_fail("execl", errno);
}

static void *brief(void *arg)
{
	pthread_mutex_lock(&accounts);
	pthread_mutex_unlock(&accounts);
	return arg;
}

static void *employer(void *arg)
{
	for (;;) {
		pthread_t hands[16];

		for (int i = 0; i < 16; i++)
			hands[i] = start(brief, NULL);
		for (int i = 0; i < 16; i++)
			pthread_join(hands[i], NULL);
	}
	return arg;
}

static void many_mappings(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = must_not_fail(mmap(NULL, 60000 * page, PROT_NONE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	/* Every other page its own protection: nothing merges. */
	for (size_t i = 0; i < 30000; i += 2) {
		if (mprotect(memory + i * page, page, PROT_READ | PROT_WRITE))
			break;
		memory[i * page] = 1;
	}
	deadlock();
}

struct lie {
	pthread_mutex_t lock;
	pid_t owner;
};

static void *liar(void *arg)
{
	struct lie *l = arg;
	pid_t me = (pid_t)syscall(SYS_gettid);

	role("liar");
	pthread_mutex_lock(&l->lock);
	l->lock.__data.__owner = l->owner == -1 ? me : l->owner;
	l->lock.__data.__lock = 2;
	syscall(SYS_futex, &l->lock.__data.__lock, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
	return NULL;
}

static void lying_owners(void)
{
	static struct lie lies[] = {
		{ PTHREAD_MUTEX_INITIALIZER, 1 },
		{ PTHREAD_MUTEX_INITIALIZER, -1 },
		{ PTHREAD_MUTEX_INITIALIZER, 0 },
		{ PTHREAD_MUTEX_INITIALIZER, 0x3fffffff },
		{ PTHREAD_MUTEX_INITIALIZER, (pid_t)0x80000001 },
	};

	lies[2].owner = getppid();
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++)
		start(liar, &lies[i]);
	/* Alive: whatever the words say, main could wake them. */
	for (;;)
		pause();
}

static void *robust_liar(void *arg)
{
	/* The head and one entry, each of which points at the other; or at nothing mapped. */
	static struct robust_list_head circle, nowhere;
	static struct robust_list entry;
	struct robust_list_head *head = arg ? &circle : &nowhere;

	role(arg ? "circle" : "nowhere");
	entry.next = &entry;
	circle.list.next = &entry;
	circle.futex_offset = -32;
	circle.list_op_pending = &entry;
	nowhere.list.next = (struct robust_list *)0x10;
	nowhere.futex_offset = 0x7fffffffffffffffl;
	nowhere.list_op_pending = (struct robust_list *)0xdead000000000000ul;
	must_not_fail(syscall(SYS_set_robust_list, head, sizeof(*head)));
	syscall(SYS_futex, &never, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
	return NULL;
}

static void lying_lists(void)
{
	start(robust_liar, (void *)1);
	start(robust_liar, NULL);
	deadlock();
}

/*
 * Waits for a lock with a stack pointer that leads nowhere: only registers are needed to make a
 * system call.
 */
static void *without_stack(void *arg)
{
	unsigned long wild = (unsigned long)arg;

	role(wild ? "wild" : "null");
	__asm__ volatile("mov %[sp], %%rsp\n"
			 "1:\tmov %[futex], %%eax\n\t"
			 "xor %%r10d, %%r10d\n\t"
			 "syscall\n\t"
			 "jmp 1b\n"
			 :
			 : [sp] "r"(wild), [futex] "i"(SYS_futex), "D"(&never),
			   "S"(FUTEX_WAIT_PRIVATE), "d"(0)
			 : "rax", "rcx", "r10", "r11", "memory");
	return NULL;
}

static void wild_stacks(void)
{
	start(without_stack, (void *)0);
	start(without_stack, (void *)0x7ffffffff000ul);
	start(without_stack, (void *)0xffff888000000000ul);
	deadlock();
}

static void dies(void)
{
	role("mortals");
	for (unsigned int i = 0;; i++) {
		pid_t pid = start_process("mortal");
		struct timespec life = { .tv_nsec = (i % 20) * 1000000 };

		if (pid == 0)
			deadlock();
		nanosleep(&life, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "names";

	stage_enter();
	if (!strcmp(kind, "names") || !strcmp(kind, "names-again"))
		bad_names(!strcmp(kind, "names-again"));
	else if (!strcmp(kind, "unserved"))
		unserved();
	else if (!strcmp(kind, "execs"))
		execs(argv[0], argc > 2 ? atoi(argv[2]) : 0);
	else if (!strcmp(kind, "threads"))
		for (int i = 0; i < 4; i++)
			pthread_join(start(employer, NULL), NULL);
	else if (!strcmp(kind, "mappings"))
		many_mappings();
	else if (!strcmp(kind, "owners"))
		lying_owners();
	else if (!strcmp(kind, "robust"))
		lying_lists();
	else if (!strcmp(kind, "stack"))
		wild_stacks();
	else if (!strcmp(kind, "dies"))
		dies();
	else
		deadlock();
	return 0;
}
