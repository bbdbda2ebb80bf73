// SPDX-License-Identifier: GPL-2.0
/*
 * events - suspicions at the moment when a thread goes to sleep, and who wakes whom
 *
 * Only suspicions: user space confirms each by a look. So it is enough to be cheap and to miss
 * little. A slot for each thread (by its TID, as lock words have it) says what it sleeps on; a
 * collision or a race makes a suspicion false or misses one, and the looks that watch makes anyway
 * find what was missed.
 *
 *   asleep   by
 *   ------   -----------------------------------------------------------------
 *   0 -> 1   sched_switch of a target that leaves the CPU in a futex wait
 *   1 -> 0   sched_waking of it; or its return to a CPU, when its waking came
 *            before it was asleep
 *
 * Both ends are exchanges, which are full barriers: of two threads that fall asleep at once on two
 * CPUs and close a cycle, at least one sees the other's slot.
 *
 * Everything here runs with a run queue locked: nothing may wake a task directly. The ring buffer
 * wakes through irq_work.
 */
#include "task.bpf.h"
#include "uapi/events.h"

#define SLOTS		65536
#define PROCESSES	1024
#define MAX_HOPS	256
#define TID_MASK	0x3fffffff
#define ROBUST_VALUE	0x80000000
#define FUTEX_PRIVATE	128
#define STACK_REACH	4096 /* a PI park's word is a local variable of the C library */
#define NR_FUTEX_WAKE	454
#define CMD_REQUEUE	3
#define CMD_CMP_REQUEUE 4
#define CMD_WAKE_OP	5
#define CMD_UNLOCK_PI	7
#define CMD_WAKE_BITSET 10

const volatile __u32 first_tgid; /* the process watched; more of them in targets */
bool many; /* there are more */

__u64 nr_sent; /* suspicions, those lost included */
__u64 nr_lost; /* for which the ring had no room */

struct slot {
	__u64 uaddr;
	__u32 tid; /* as lock words have it; whose slot it is */
	__u32 tgid;
	__u32 asleep;
	__u32 untimed;
	__u32 owner; /* when it went to sleep: for those who can not read its memory */
	__u8 in_word; /* the word itself names the owner */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SLOTS);
	__type(key, __u32);
	__type(value, struct slot);
} slots SEC(".maps");

struct process {
	__u32 tgid;
	__s32 nr_asleep; /* in an untimed futex wait */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PROCESSES);
	__type(key, __u32);
	__type(value, struct process);
} processes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u32);
	__type(value, __u8);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct lab_waker_key);
	__type(value, struct lab_waker);
} wakers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} suspicions SEC(".maps");

static __always_inline bool is_target(__u32 tgid)
{
	if (tgid == first_tgid)
		return true;
	return many && bpf_map_lookup_elem(&targets, &tgid);
}

static __always_inline __u32 lock_word_tid(struct task_struct *task)
{
	struct pid *pid = task->thread_pid;
	__u32 level;

	if (!pid)
		return 0;
	level = pid->level;
	return level ? pid_number(pid, level) : task->pid;
}

static __always_inline struct slot *slot_of(__u32 tid)
{
	__u32 index = tid & (SLOTS - 1);

	return bpf_map_lookup_elem(&slots, &index);
}

static __always_inline struct process *process_of(__u32 tgid)
{
	__u32 index = tgid & (PROCESSES - 1);
	struct process *p = bpf_map_lookup_elem(&processes, &index);

	if (p && p->tgid != tgid) { /* first seen, or a collision: its count begins anew */
		p->tgid = tgid;
		p->nr_asleep = 0;
	}
	return p;
}

static __always_inline void awake(struct slot *s)
{
	struct process *p;

	if (!__sync_lock_test_and_set(&s->asleep, 0) || !s->untimed)
		return;
	p = process_of(s->tgid);
	if (p)
		__sync_fetch_and_add(&p->nr_asleep, -1);
}

static __always_inline void suspect(const struct slot *s, __u32 tid, __u32 kind)
{
	struct lab_suspicion *e;

	__sync_fetch_and_add(&nr_sent, 1);
	e = bpf_ringbuf_reserve(&suspicions, sizeof(*e), 0);
	if (!e) {
		__sync_fetch_and_add(&nr_lost, 1);
		return;
	}
	e->when_ns = bpf_ktime_get_ns();
	e->uaddr = s->uaddr;
	e->tgid = s->tgid;
	e->tid = tid;
	e->kind = kind;
	e->unused = 0;
	bpf_ringbuf_submit(e, 0);
}

static __always_inline bool sleeps(__u32 tid)
{
	struct slot *s = tid ? slot_of(tid) : NULL;

	return s && s->tid == tid && s->asleep;
}

/*
 * Who holds what @s waits for? Where the word does not say it, the lock's kind is not known here:
 * of the places where glibc's mutex (+8) and rwlock (+16 and +12 from the words waited on) have
 * their owner, the one that names a sleeper is taken.
 */
static __always_inline __u32 owner_of(const struct slot *s)
{
	__u32 word[5] = {};

	if (bpf_probe_read_user(word, sizeof(word), (void *)s->uaddr))
		return 0;
	if (s->in_word)
		return word[0] & TID_MASK;
	if (sleeps(word[2]))
		return word[2];
	if (sleeps(word[4]))
		return word[4];
	if (sleeps(word[3]))
		return word[3];
	return word[2];
}

struct chase {
	__u32 start, tgid, at;
	__u32 closed;
};

static long hop(__u32 index, void *context)
{
	struct chase *c = context;
	struct slot *s;

	s = slot_of(c->at);
	if (!s || s->tid != c->at || !s->asleep)
		return 1;
	/* Only the memory of the one who goes to sleep can be read here. */
	c->at = s->tgid == c->tgid ? owner_of(s) : s->owner;
	if (c->at == c->start)
		c->closed = 1;
	return !c->at || c->closed;
}

static __always_inline void fall_asleep(struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct chase chase = {};
	struct process *p;
	struct slot *s;
	__u64 uaddr, op, value, timeout;
	__s64 nr = regs->orig_ax;
	__u32 tid, command;
	__s32 nr_asleep = 0;

	if (nr != NR_FUTEX && nr != NR_FUTEX_WAIT)
		return;
	uaddr = regs->di;
	if (nr == NR_FUTEX) {
		op = regs->si;
		value = regs->dx & 0xffffffff;
		timeout = regs->r10;
	} else {
		op = CMD_WAIT;
		value = regs->si & 0xffffffff;
		timeout = regs->r8;
	}
	if (!uaddr || uaddr & 3 || !futex_op_waits(op))
		return;
	tid = lock_word_tid(task);
	s = slot_of(tid);
	if (!s)
		return;
	awake(s); /* somebody else's, or left over */
	command = op & 0xffffffff & ~FUTEX_OPTIONS;
	s->uaddr = uaddr;
	s->tid = tid;
	s->tgid = task->tgid;
	s->untimed = !timeout;
	s->in_word =
		command == CMD_LOCK_PI || command == CMD_LOCK_PI2 || value & ROBUST_VALUE ||
		(command == CMD_WAIT_BITSET && !(op & FUTEX_PRIVATE)); /* the last: pthread_join */
	s->owner = owner_of(s);
	__sync_lock_test_and_set(&s->asleep, 1);

	p = process_of(s->tgid);
	if (p && s->untimed)
		nr_asleep = __sync_fetch_and_add(&p->nr_asleep, 1) + 1;

	if (s->owner == tid) {
		suspect(s, tid, LAB_SUSPECT_CYCLE);
		return;
	}
	if (s->owner && sleeps(s->owner)) {
		chase.start = tid;
		chase.tgid = s->tgid;
		chase.at = s->owner;
		bpf_loop(MAX_HOPS, hop, &chase, 0);
		if (chase.closed) {
			suspect(s, tid, LAB_SUSPECT_CYCLE);
			return;
		}
	}
	if (!s->untimed)
		return;
	if (uaddr - regs->sp < STACK_REACH)
		suspect(s, tid, LAB_SUSPECT_PARKED);
	else if (nr_asleep >= task->signal->nr_threads)
		suspect(s, tid, LAB_SUSPECT_ALONE);
}

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev, struct task_struct *next)
{
	struct slot *s;

	if (is_target(next->tgid)) {
		s = slot_of(lock_word_tid(next));
		if (s && s->asleep && s->tgid == next->tgid)
			awake(s);
	}
	if (!preempt && prev->__state && is_target(prev->tgid))
		fall_asleep(bpf_get_current_task_btf()); /* that is prev */
	return 0;
}

/* Is the one that runs now in a system call that wakes futexes? Otherwise a timer, a signal or a
 * device woke. */
static __always_inline bool wakes_futexes(struct task_struct *task)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

	if (task->flags & PF_KTHREAD)
		return false;
	if (regs->orig_ax == NR_FUTEX_WAKE)
		return true;
	if (regs->orig_ax != NR_FUTEX)
		return false;
	switch (regs->si & 0xffffffff & ~FUTEX_OPTIONS) {
	case CMD_WAKE:
	case CMD_REQUEUE:
	case CMD_CMP_REQUEUE:
	case CMD_WAKE_OP:
	case CMD_UNLOCK_PI:
	case CMD_WAKE_BITSET:
		return true;
	}
	return false;
}

SEC("tp_btf/sched_waking")
int BPF_PROG(on_waking, struct task_struct *task)
{
	struct task_struct *current;
	struct lab_waker_key key = {};
	struct lab_waker fresh = {}, *w;
	struct slot *s;

	if (!is_target(task->tgid))
		return 0;
	s = slot_of(lock_word_tid(task));
	if (!s || !s->asleep || s->tgid != task->tgid)
		return 0;
	key.uaddr = s->uaddr;
	key.tgid = s->tgid;
	awake(s);
	current = bpf_get_current_task_btf();
	if (!wakes_futexes(current))
		return 0;
	w = bpf_map_lookup_elem(&wakers, &key);
	if (!w) {
		bpf_map_update_elem(&wakers, &key, &fresh, BPF_NOEXIST);
		w = bpf_map_lookup_elem(&wakers, &key);
		if (!w)
			return 0;
	}
	w->last_ns = bpf_ktime_get_ns();
	if (w->tid !=
	    current->pid) { /* a torn record of two wakers at once is put right by the next */
		w->tid = current->pid;
		w->tgid = current->tgid;
		bpf_probe_read_kernel(w->comm, sizeof(w->comm), &current->comm);
	}
	__sync_fetch_and_add(&w->count, 1);
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	__u32 tgid = child->tgid;
	__u8 yes = 1;

	if (tgid == parent->tgid || !is_target(parent->tgid))
		return 0;
	bpf_map_update_elem(&targets, &tgid, &yes, BPF_ANY);
	many = true;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
