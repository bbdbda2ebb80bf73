// SPDX-License-Identifier: GPL-2.0
/*
 * spin_test - loops that only wait are told from loops that work, and spinning threads from busy
 * ones
 *
 * suite: timeout=300 live
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/look.h"
#include "observe/loop.h"

/* ---- the decoder ---- */

#if defined(__x86_64__)

/* Machine code that is never run, between traps; each body has the label "ip_NAME" where the task
 * is supposed to be. */
#define CODE(name, body)             \
	extern const u8 ip_##name[]; \
	__asm__(".pushsection .rodata\n.skip 128, 0xcc\n" body "\n.skip 128, 0xcc\n.popsection\n")

/* As the C library's pthread_spin_lock() is: decrement, and while it is not free, look at it. */
CODE(spin_lock, "1: lock decl (%rdi)\n jne 2f\n xor %eax,%eax\n ret\n"
		"2: ip_spin_lock: pause\n cmpl $0,(%rdi)\n jg 1b\n jmp 2b");
CODE(test_and_set,
     "1: mov $1,%eax\n xchg %al,(%rdx)\n ip_test_and_set: test %al,%al\n jne 1b\n ret");
CODE(with_owner,
     "1: xor %eax,%eax\n lock cmpxchg %ecx,(%rdi)\n je 3f\n"
     "2: ip_with_owner: mov (%rdi),%eax\n test %eax,%eax\n je 1b\n pause\n jmp 2b\n3: ret");
CODE(ticket, "1: ip_ticket: movzwl 4(%rbx,%rcx,2),%eax\n cmp %ax,%dx\n jne 1b\n ret");
CODE(unoptimised,
     "1: ip_unoptimised: mov -8(%rbp),%rax\n mov (%rax),%eax\n test %eax,%eax\n jne 1b\n ret");
CODE(a_flag, "1: ip_a_flag: cmpb $0,0x1000(%rip)\n je 1b\n ret");
CODE(counter, "1: inc %rcx\n ip_counter: cmpl $0,(%rdi)\n jne 1b\n ret");

CODE(stores, "1: ip_stores: addl $1,(%rdi)\n cmpl $0,(%rsi)\n jne 1b\n ret");
CODE(stores_elsewhere, "1: ip_stores_elsewhere: mov %eax,8(%rsp)\n cmpl $0,(%rsi)\n jne 1b\n ret");
CODE(calls, "1: ip_calls: call 2f\n cmpl $0,(%rdi)\n jne 1b\n2: ret");
CODE(asks_the_kernel, "1: ip_asks_the_kernel: syscall\n cmpl $0,(%rdi)\n jne 1b\n ret");
CODE(reads_the_clock, "1: ip_reads_the_clock: rdtsc\n cmp (%rdi),%eax\n jb 1b\n ret");
CODE(no_memory, "1: ip_no_memory: pause\n jmp 1b");
CODE(no_loop, "ip_no_loop: mov (%rdi),%eax\n test %eax,%eax\n je 1f\n nop\n1: ret");
CODE(sums, "1: ip_sums: add (%rdi),%eax\n add $4,%rdi\n cmp %rsi,%rdi\n jne 1b\n ret");
CODE(chases, "1: ip_chases: mov (%rdi),%rdi\n test %rdi,%rdi\n jne 1b\n ret");
CODE(thread_local, "1: ip_thread_local: cmpl $0,%fs:16\n je 1b\n ret");
CODE(vectors, "1: ip_vectors: movdqa (%rdi),%xmm0\n ptest %xmm0,%xmm0\n je 1b\n ret");
CODE(strings, "1: ip_strings: lodsb\n test %al,%al\n jne 1b\n ret");
CODE(uses_the_stack, "1: ip_uses_the_stack: push %rax\n pop %rax\n cmpl $0,(%rdi)\n jne 1b\n ret");
CODE(indirect, "1: ip_indirect: mov (%rdi),%eax\n jmp *%rax\n jmp 1b");

/* The compiler thinks that a label is where an array begins. */
static const u8 *as_address(const u8 *label)
{
	__asm__(""
		: "+r"(label));
	return label;
}

static void decode(const u8 *ip, struct loop_shape *shape)
{
	ip = as_address(ip);
	loop_decode(ip - LOOP_BEFORE, 0, LOOP_BEFORE + LOOP_AFTER, (u64)(uintptr_t)ip, shape);
}

static const struct loop_operand *modified(const struct loop_shape *s)
{
	for (u32 i = 0; i < s->nr_operands; i++)
		if (s->operands[i].is_modified)
			return &s->operands[i];
	return NULL;
}

TEST(locks_that_wait_are_understood)
{
	static const u8 *const codes[] = { ip_spin_lock, ip_test_and_set, ip_with_owner,
					   ip_ticket, ip_unoptimised, ip_a_flag };
	struct loop_shape s;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		decode(codes[i], &s);
		EXPECT_TRUE(s.waits)
		{
			TH_LOG("code %zu", i);
		}
		EXPECT_TRUE(loop_is_sane(&s));
		EXPECT_FALSE(s.accumulates);
	}
	decode(ip_with_owner, &s);
	ASSERT_NE(NULL, modified(&s));
	EXPECT_EQ(LAB_REG_CX, modified(&s)->takes_with);
	EXPECT_EQ(LAB_REG_DI, modified(&s)->base);
	EXPECT_EQ(1u << LAB_REG_AX, s.written);
	decode(ip_ticket, &s);
	ASSERT_EQ(1u, s.nr_operands);
	EXPECT_EQ(LAB_REG_BX, s.operands[0].base);
	EXPECT_EQ(LAB_REG_CX, s.operands[0].index);
	EXPECT_EQ(2, s.operands[0].scale);
	EXPECT_EQ(4, s.operands[0].disp);
	EXPECT_EQ(2, s.operands[0].size);
	decode(ip_unoptimised, &s);
	ASSERT_EQ(2u, s.nr_operands);
	EXPECT_EQ(LAB_REG_BP, s.operands[0].base);
	EXPECT_EQ(-8, s.operands[0].disp);
	EXPECT_TRUE(s.operands[0].is_pointer);
	EXPECT_EQ(0, s.operands[1].via);
	/* Relative to the next instruction, which begins 7 bytes on. */
	decode(ip_a_flag, &s);
	EXPECT_EQ((s64)(uintptr_t)ip_a_flag + 7 + 0x1000, s.operands[0].disp);
}

TEST(a_register_that_counts_is_noticed)
{
	struct loop_shape s;

	decode(ip_counter, &s);
	EXPECT_TRUE(s.waits);
	EXPECT_TRUE(s.accumulates);
}

TEST(loops_that_do_more_than_wait_are_left_alone)
{
	static const u8 *const codes[] = {
		ip_stores, ip_stores_elsewhere, ip_calls, ip_asks_the_kernel,
		ip_reads_the_clock, ip_no_memory, ip_no_loop, ip_sums,
		ip_chases, ip_thread_local, ip_vectors, ip_strings,
		ip_uses_the_stack, ip_indirect
	};
	struct loop_shape s;

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		decode(codes[i], &s);
		EXPECT_FALSE(s.waits)
		{
			TH_LOG("code %zu", i);
		}
	}
}

/* The lock's own code with bytes changed, and bytes of no meaning at all: whatever comes out is
 * well formed. */
TEST(broken_code_is_survived)
{
	u8 code[LOOP_BEFORE + LOOP_AFTER];
	struct loop_shape s;
	u32 nr_waits = 0;

	srandom(1);
	for (int round = 0; round < 10000; round++) {
		u32 skip = (u32)random() % (LOOP_BEFORE + 1);
		u32 valid = (u32)random() % (LOOP_BEFORE + LOOP_AFTER - skip + 1);

		memcpy(code, as_address(ip_with_owner) - LOOP_BEFORE, sizeof(code));
		if (round % 2)
			for (int i = 0; i < 3; i++)
				code[LOOP_BEFORE - 8 + random() % 24] = (u8)random();
		else
			for (size_t i = 0; i < sizeof(code); i++)
				code[i] = (u8)random();
		loop_decode(code, skip, valid, 0x400000, &s);
		nr_waits += s.waits;
		if (s.waits)
			ASSERT_TRUE(loop_is_sane(&s));
	}
	/* Some of the changes leave a lock, so that this tested more than a refusal. */
	EXPECT_LT(0u, nr_waits);
}

TEST(lies_of_the_decoder_are_refused)
{
	struct loop_shape good, s;

	decode(ip_unoptimised, &good);
	ASSERT_TRUE(loop_is_sane(&good));
	s = good;
	s.nr_operands = LOOP_MAX_OPERANDS + 1;
	EXPECT_FALSE(loop_is_sane(&s));
	s = good;
	s.nr_code = ~0u;
	EXPECT_FALSE(loop_is_sane(&s));
	s = good;
	s.operands[1].base = LAB_NR_REGS;
	EXPECT_FALSE(loop_is_sane(&s));
	s = good;
	s.operands[0].via = 1; /* a circle */
	EXPECT_FALSE(loop_is_sane(&s));
	s = good;
	s.operands[0].size = 64;
	EXPECT_FALSE(loop_is_sane(&s));
	s = good;
	s.operands[1].takes_with = LAB_REG_IP;
	EXPECT_FALSE(loop_is_sane(&s));
}

#endif

/* ---- live ---- */

static struct stage {
	int nr_ready;
} * stage;

static pthread_spinlock_t spin;
static volatile int flag;
static volatile unsigned long sink;
static int data[1 << 16];
static struct {
	unsigned short now, next;
} tickets;

static void ready(void)
{
	__atomic_fetch_add(&stage->nr_ready, 1, __ATOMIC_RELEASE);
}

static void work(int n)
{
	for (int i = 0; i < n; i++)
		sink += (unsigned long)i;
}

static void start(void *(*body)(void *))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, NULL))
		_exit(2);
}

static void *wait_for_flag(void *arg)
{
	ready();
	while (!flag)
		;
	return arg;
}

static void *take_again(void *arg)
{
	pthread_spin_lock(&spin);
	ready();
	pthread_spin_lock(&spin);
	return arg;
}

static void *sleep_and_set(void *arg)
{
	ready();
	sleep(1000);
	flag = 1;
	return arg;
}

static void *contend(void *arg)
{
	ready();
	for (;;) {
		pthread_spin_lock(&spin);
		work(1000);
		pthread_spin_unlock(&spin);
	}
	return arg;
}

static void *hold_and_work(void *arg)
{
	pthread_spin_lock(&spin);
	ready();
	for (;;)
		work(1000);
	return arg;
}

static void *take_ticket(void *arg)
{
	ready();
	for (;;) {
		unsigned short mine = __atomic_fetch_add(&tickets.next, 1, __ATOMIC_RELAXED);

		while (__atomic_load_n(&tickets.now, __ATOMIC_ACQUIRE) != mine)
			__builtin_ia32_pause();
		work(1000);
		__atomic_store_n(&tickets.now, mine + 1, __ATOMIC_RELEASE);
	}
	return arg;
}

static void stuck_self(void)
{
	take_again(NULL);
}

static void stuck_on_a_flag_nobody_sets(void)
{
	start(wait_for_flag);
	wait_for_flag(NULL);
}

static void *block_on(void *arg)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static int taken;

	if (!__atomic_exchange_n(&taken, 1, __ATOMIC_ACQ_REL)) {
		pthread_mutex_lock(&mutex);
		start(block_on);
		take_again(NULL);
	}
	ready();
	pthread_mutex_lock(&mutex);
	return arg;
}

/* One spins for ever with a mutex that the other sleeps for. */
static void stuck_with_a_sleeper(void)
{
	block_on(NULL);
}

static void alive_contended(void)
{
	start(contend);
	contend(NULL);
}

static void alive_contended_by_more_than_cpus(void)
{
	for (int i = 0; i < 4; i++)
		start(contend);
	contend(NULL);
}

static void alive_owner_works(void)
{
	start(hold_and_work);
	while (__atomic_load_n(&stage->nr_ready, __ATOMIC_ACQUIRE) < 1)
		usleep(1000);
	ready();
	pthread_spin_lock(&spin);
}

static void alive_tickets(void)
{
	start(take_ticket);
	start(take_ticket);
	take_ticket(NULL);
}

static void alive_flag_of_a_sleeper(void)
{
	start(sleep_and_set);
	wait_for_flag(NULL);
}

static void set_flag(int signal)
{
	flag = 1;
}

static void alive_flag_of_a_handler(void)
{
	signal(SIGUSR1, set_flag);
	wait_for_flag(NULL);
}

static void alive_flag_in_shared_memory(void)
{
	ready();
	/* Somebody else may have it mapped, as the test has. */
	while (__atomic_load_n(&stage->nr_ready, __ATOMIC_RELAXED) < 1000)
		;
}

static void alive_clock(void)
{
	struct timespec t;

	ready();
	do
		clock_gettime(CLOCK_MONOTONIC, &t);
	while (t.tv_sec >= 0);
}

static void alive_scan(void)
{
	ready();
	for (;;) {
		int sum = 0;

		for (size_t i = 0; i < sizeof(data) / sizeof(data[0]); i++)
			sum += data[i];
		sink = (unsigned long)sum;
	}
}

static void alive_counting(void)
{
	ready();
	for (unsigned long i = 0; !flag; i++)
		__asm__ volatile(""
				 :
				 : "r"(i));
}

static void alive_endless(void)
{
	ready();
	for (;;)
		__asm__ volatile(""
				 :
				 :
				 : "memory");
}

FIXTURE(spin)
{
	struct look_progress progress;
	struct look *look;
	pid_t pid;
};

FIXTURE_VARIANT(spin)
{
	void (*scene)(void);
	int nr_ready;
	bool is_stuck;
};

#define SCENE(name, ready_at, stuck)                                    \
	FIXTURE_VARIANT_ADD(spin, name)                                 \
	{                                                               \
		.scene = name, .nr_ready = ready_at, .is_stuck = stuck, \
	}

SCENE(stuck_self, 1, true);
SCENE(stuck_on_a_flag_nobody_sets, 2, true);
SCENE(stuck_with_a_sleeper, 2, true);
SCENE(alive_contended, 2, false);
SCENE(alive_contended_by_more_than_cpus, 5, false);
SCENE(alive_owner_works, 2, false);
SCENE(alive_tickets, 3, false);
SCENE(alive_flag_of_a_sleeper, 2, false);
SCENE(alive_flag_of_a_handler, 1, false);
SCENE(alive_flag_in_shared_memory, 1, false);
SCENE(alive_clock, 1, false);
SCENE(alive_scan, 1, false);
SCENE(alive_counting, 1, false);
SCENE(alive_endless, 1, false);

FIXTURE_SETUP(spin)
{
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	ASSERT_NE(MAP_FAILED, stage);
	self->pid = fork();
	ASSERT_LE(0, self->pid);
	if (!self->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGALRM, SIG_DFL);
		pthread_spin_init(&spin, PTHREAD_PROCESS_PRIVATE);
		variant->scene();
		_exit(0);
	}
	while (__atomic_load_n(&stage->nr_ready, __ATOMIC_ACQUIRE) < variant->nr_ready) {
		ASSERT_EQ(0, waitpid(self->pid, NULL, WNOHANG));
		poll(NULL, 0, 1);
	}
}

FIXTURE_TEARDOWN(spin)
{
	kill(self->pid, SIGKILL);
	waitpid(self->pid, NULL, 0);
	look_close(self->look);
	munmap(stage, sizeof(*stage));
}

static const struct lab_finding *fault_of(const struct lab_picture *p)
{
	for (u32 i = 0; i < p->nr_findings; i++)
		if (p->findings[i].asked && lab_finding_is_fault(p->findings[i].kind))
			return &p->findings[i];
	return NULL;
}

static const struct lab_picture *look_again(struct __test_metadata *_metadata,
					    FIXTURE_DATA(spin) * self)
{
	const struct lab_picture *picture = NULL;
	char why[256] = "";

	EXPECT_EQ(0, look_once(self->look, &picture, why, sizeof(why)))
	{
		TH_LOG("%s", why);
	}
	return picture;
}

TEST_F_TIMEOUT(spin, is_told_from_work, 120)
{
	u32 tgid = (u32)self->pid;
	struct look_options options = {
		.tgids = &tgid,
		.nr_tgids = 1,
		.source = LOOK_BPF,
		.progress = &self->progress,
	};
	const struct lab_finding *f = NULL;
	const struct lab_picture *p;
	char why[256] = "";

	self->look = look_open(&options, why, sizeof(why));
	if (!self->look)
		SKIP(return, "%s", why);
	/*
	 * Never accused, however often; found at the latest when the thread has had the CPU time.
	 */
	for (int i = 0; i < 20 && !f; i++) {
		p = look_again(_metadata, self);
		ASSERT_NE(NULL, p);
		f = fault_of(p);
	}
	if (!variant->is_stuck) {
		EXPECT_EQ(NULL, f);
		return;
	}
	ASSERT_NE(NULL, f);
	EXPECT_EQ(LAB_SPIN_DEADLOCK, f->kind);
}

TEST_F(spin, without_registers_it_says_that_it_can_not_tell)
{
	u32 tgid = (u32)self->pid;
	struct look_options options = {
		.tgids = &tgid,
		.nr_tgids = 1,
		.source = LOOK_PROC,
		.progress = &self->progress,
	};
	const struct lab_picture *p;
	char why[256] = "";
	bool said = false;

	self->look = look_open(&options, why, sizeof(why));
	ASSERT_NE(NULL, self->look);
	p = look_again(_metadata, self);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(NULL, fault_of(p));
	for (u32 i = 0; i < p->nr_not_seen; i++)
		said |= !!strstr(p->not_seen[i], "running threads spin");
	EXPECT_TRUE(said);
}

TEST_HARNESS_MAIN
