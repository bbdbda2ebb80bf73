// SPDX-License-Identifier: GPL-2.0
/*
 * Every kind of hang, explained: started by somebody else, looked at only after it hung.
 *
 * suite: timeout=900 live
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/zoo.h"
#include "kselftest_harness.h"

#define LOOK_S 30 /* watchdog of one look */

enum {
	CYCLE = 1 << 0, /* tasks and locks come in cycle order */
	NO_LINES = 1 << 1, /* no file and line to be had: stripped */
	NO_FUNCTIONS = 1 << 2, /* nor function names of the program's own */
	PREEMPTABLE = 1 << 3, /* a near-miss: reported, exit status 0 */
	STRIPPED = 1 << 4, /* look at a stripped copy */
	DELETED = 1 << 5, /* look at a copy that is deleted once it runs */
	OWN_DIRECTORY = 1 << 6, /* pass a new directory as the argument */
	ROOT_ONLY = 1 << 7, /* needs registers of running threads, or what only root may do */
	NOT_UNPRIVILEGED = 1 << 8, /* the program itself needs root */
};

/*
 * tasks, locks: in cycle order, beginning anywhere, for a CYCLE; otherwise those that must be among
 * the finding's. "a|b": either, "*": any, also null. In them "#" stands for a philosopher's number.
 */
FIXTURE(diagnose)
{
	struct zoo zoo;
	char directory[64];
	char copy[PATH_MAX];
};

FIXTURE_VARIANT(diagnose)
{
	const char *program, *args;
	const char *kind, *certainty;
	const char *tasks, *locks, *lock_kind;
	const char *spinners;
	unsigned int flags;
	int philosophers;
};

#define HANG(name, ...)                     \
	FIXTURE_VARIANT_ADD(diagnose, name) \
	{                                   \
		__VA_ARGS__                 \
	}

#define MUTEX_ABBA(name, how, more)                                                            \
	HANG(mutex_abba_##name, .program = "hang/mutex_abba", .args = how, .kind = "deadlock", \
	     .certainty = "proven", .tasks = "teller auditor", .locks = "ledger accounts",     \
	     .lock_kind = "mutex", .flags = CYCLE | (more))

MUTEX_ABBA(normal, "normal", 0);
MUTEX_ABBA(recursive, "recursive", 0);
MUTEX_ABBA(errorcheck, "errorcheck", 0);
MUTEX_ABBA(adaptive, "adaptive", 0);
MUTEX_ABBA(pi_parked, "pi", 0);
MUTEX_ABBA(robust, "robust", 0);
MUTEX_ABBA(pi_robust, "pi-robust", 0);
MUTEX_ABBA(process_shared, "pshared", 0);
MUTEX_ABBA(priority_protect, "protect", NOT_UNPRIVILEGED);
MUTEX_ABBA(stripped, "normal", NO_LINES | NO_FUNCTIONS | STRIPPED);
MUTEX_ABBA(deleted, "normal", DELETED);

HANG(mutex_abba_timed, .program = "hang/mutex_abba", .args = "timed", .kind = "preemptable_cycle",
     .certainty = "proven|probable|potential", .tasks = "teller auditor",
     .locks = "ledger accounts", .lock_kind = "mutex", .flags = CYCLE | PREEMPTABLE);
HANG(mutex_abba_static, .program = "hang/mutex_static", .kind = "deadlock", .certainty = "proven",
     .tasks = "teller auditor", .locks = "ledger accounts", .lock_kind = "mutex", .flags = CYCLE);
HANG(mutex_abba_other_mounts, .program = "hang/mountns", .kind = "deadlock", .certainty = "proven",
     .tasks = "teller auditor", .locks = "ledger accounts", .lock_kind = "mutex",
     .flags = CYCLE | OWN_DIRECTORY | NOT_UNPRIVILEGED);
HANG(mutex_abba_pid_namespace, .program = "hang/pidns", .kind = "deadlock", .certainty = "proven",
     .tasks = "teller auditor", .locks = "ledger accounts", .lock_kind = "mutex",
     .flags = CYCLE | NOT_UNPRIVILEGED);
HANG(mutex_abba_in_plugin, .program = "hang/plugin", .kind = "deadlock", .certainty = "proven",
     .tasks = "encode decode", .locks = "decoder.lock encoder.lock", .lock_kind = "mutex",
     .flags = CYCLE);
HANG(mutex_abba_nested_struct, .program = "hang/names", .args = "nested", .kind = "deadlock",
     .certainty = "proven", .tasks = "there back",
     .locks = "company.branches[3].vaults[0].lock company.branches[2].vaults[1].lock",
     .lock_kind = "mutex", .flags = CYCLE);
HANG(mutex_abba_heap, .program = "hang/names", .args = "heap", .kind = "deadlock",
     .certainty = "proven", .tasks = "there back", .locks = "* *", .lock_kind = "mutex",
     .flags = CYCLE);
HANG(mutex_abba_on_stack, .program = "hang/names", .args = "stack", .kind = "deadlock",
     .certainty = "proven", .tasks = "there back", .locks = "* *", .lock_kind = "mutex",
     .flags = CYCLE);

#define PHILOSOPHERS(n)                                                                      \
	HANG(mutex_cycle_##n, .program = "hang/mutex_cycle", .args = #n, .kind = "deadlock", \
	     .certainty = "proven", .tasks = "phil#", .locks = "forks[#].lock",              \
	     .lock_kind = "mutex", .flags = CYCLE, .philosophers = (n))

PHILOSOPHERS(2);
PHILOSOPHERS(3);
PHILOSOPHERS(4);
PHILOSOPHERS(5);
PHILOSOPHERS(8);
PHILOSOPHERS(16);
PHILOSOPHERS(32);
PHILOSOPHERS(64);
PHILOSOPHERS(100);

#define SELF(name, how)                                                        \
	HANG(mutex_self_##name, .program = "hang/mutex_self", .args = how,     \
	     .kind = "self_deadlock", .certainty = "proven", .tasks = "clerk", \
	     .locks = "savings.lock", .lock_kind = "mutex", .flags = CYCLE)

SELF(normal, "normal");
SELF(pi, "pi");
SELF(robust, "robust");
SELF(adaptive, "adaptive");
SELF(in_signal_handler, "signal");

#define RWLOCK_ABBA(name, how)                                                                  \
	HANG(rwlock_abba_##name, .program = "hang/rwlock", .args = how, .kind = "deadlock",     \
	     .certainty = "proven", .tasks = "inserter rebuilder", .locks = "index_lock table", \
	     .lock_kind = "rwlock", .flags = CYCLE)

RWLOCK_ABBA(prefer_reader, "reader");
RWLOCK_ABBA(prefer_writer, "writer");
RWLOCK_ABBA(prefer_writer_nonrecursive, "writer-nonrecursive");

HANG(rwlock_and_mutex, .program = "hang/rwlock", .args = "mixed", .kind = "deadlock",
     .certainty = "proven", .tasks = "inserter archiver", .locks = "journal table",
     .lock_kind = "mutex|rwlock", .flags = CYCLE);
HANG(rwlock_reader_recursion, .program = "hang/rwlock", .args = "recursion",
     .kind = "stall|deadlock", .certainty = "proven", .tasks = "reader", .locks = "table",
     .lock_kind = "rwlock");
HANG(rwlock_upgrade, .program = "hang/rwlock", .args = "upgrade", .kind = "stall|self_deadlock",
     .certainty = "proven", .tasks = "upgrader", .locks = "table", .lock_kind = "rwlock");
HANG(rwlock_read_then_write, .program = "hang/rwlock", .args = "read-abba",
     .kind = "stall|deadlock", .certainty = "proven", .tasks = "reader0 reader1",
     .locks = "index_lock table", .lock_kind = "rwlock");

HANG(condvar_lost_wakeup, .program = "hang/condvar", .args = "lost", .kind = "stall",
     .certainty = "proven", .tasks = "consumer", .locks = "queue.ready", .lock_kind = "condvar");
HANG(condvar_nobody_signals, .program = "hang/condvar", .args = "nobody", .kind = "stall",
     .certainty = "proven", .tasks = "worker0 worker1 worker2 worker3", .locks = "queue.ready",
     .lock_kind = "condvar");
HANG(condvar_nested_monitor, .program = "hang/condvar", .args = "nested", .kind = "stall",
     .certainty = "proven", .tasks = "consumer", .locks = "queue.ready", .lock_kind = "condvar");
HANG(semaphore_nobody_posts, .program = "hang/semaphore", .args = "unnamed", .kind = "stall",
     .certainty = "proven", .tasks = "taker", .locks = "items", .lock_kind = "semaphore");
HANG(semaphore_named, .program = "hang/semaphore", .args = "named", .kind = "stall",
     .certainty = "probable", .tasks = "taker", .locks = "*", .lock_kind = "semaphore");
HANG(semaphore_abba, .program = "hang/semaphore", .args = "abba", .kind = "stall",
     .certainty = "proven", .tasks = "dumper restorer", .locks = "tape disk",
     .lock_kind = "semaphore");
HANG(barrier_one_short, .program = "hang/barrier_short", .kind = "stall", .certainty = "proven",
     .tasks = "solver0 solver1 solver2", .locks = "phase", .lock_kind = "barrier");
HANG(once_recursion, .program = "hang/once_self", .kind = "stall|self_deadlock",
     .certainty = "proven", .tasks = "loader", .locks = "once", .lock_kind = "once");
HANG(join_ring, .program = "hang/join_cycle", .args = "ring", .kind = "deadlock",
     .certainty = "proven", .tasks = "member0 member1 member2", .locks = "* * *",
     .lock_kind = "thread", .flags = CYCLE);
HANG(join_holding_lock, .program = "hang/join_cycle", .args = "holding", .kind = "deadlock",
     .certainty = "proven", .tasks = "owner worker", .locks = "* state",
     .lock_kind = "thread|mutex", .flags = CYCLE);

HANG(owner_thread_exited, .program = "hang/owner_exited", .args = "thread",
     .kind = "abandoned_lock", .certainty = "proven", .tasks = "reader", .locks = "cache",
     .lock_kind = "mutex");
HANG(owner_main_exited, .program = "hang/owner_exited", .args = "leader", .kind = "abandoned_lock",
     .certainty = "proven", .tasks = "reader", .locks = "cache", .lock_kind = "mutex");
HANG(owner_exited_pi, .program = "hang/owner_exited", .args = "pi", .kind = "abandoned_lock",
     .certainty = "proven|probable", .tasks = "reader", .locks = "cache", .lock_kind = "mutex");
HANG(owner_process_killed, .program = "hang/owner_killed", .args = "reaped",
     .kind = "abandoned_lock", .certainty = "proven|probable", .tasks = "survivor", .locks = "*",
     .lock_kind = "mutex");
HANG(owner_process_zombie, .program = "hang/owner_killed", .args = "zombie",
     .kind = "abandoned_lock", .certainty = "proven|probable", .tasks = "survivor", .locks = "*",
     .lock_kind = "mutex");
HANG(owner_tid_reused_by_thread, .program = "hang/owner_reused", .args = "thread",
     .kind = "abandoned_lock", .certainty = "proven|probable", .tasks = "clerk", .locks = "cache",
     .lock_kind = "mutex", .flags = NOT_UNPRIVILEGED);
HANG(owner_tid_reused_by_process, .program = "hang/owner_reused", .args = "process",
     .kind = "abandoned_lock", .certainty = "proven|probable", .tasks = "clerk", .locks = "cache",
     .lock_kind = "mutex", .flags = NOT_UNPRIVILEGED);
HANG(fork_child_of_locked, .program = "hang/fork_child", .kind = "abandoned_lock",
     .certainty = "proven|probable", .tasks = "child", .locks = "log_lock", .lock_kind = "mutex");

#define PROCESSES(name, how, who, what)                                                     \
	HANG(processes_##name, .program = "hang/shm_abba", .args = how, .kind = "deadlock", \
	     .certainty = "proven", .tasks = who, .locks = what, .lock_kind = "mutex",      \
	     .flags = CYCLE)

PROCESSES(abba, "fork", "branch0 branch1", "* *");
PROCESSES(abba_by_file, "memfd", "branch0 branch1", "* *");
PROCESSES(cycle_of_three, "three", "branch0 branch1 branch2", "* * *");
PROCESSES(abba_robust, "robust", "branch0 branch1", "* *");

HANG(pipe_cycle, .program = "hang/pipe_cycle", .args = "full", .kind = "io_cycle",
     .certainty = "proven|probable", .tasks = "client server", .locks = "* *", .lock_kind = "pipe");
HANG(pipe_own_end_open, .program = "hang/pipe_cycle", .args = "self", .kind = "io_cycle",
     .certainty = "proven|probable", .tasks = "collector", .locks = "*", .lock_kind = "pipe");
HANG(pipe_and_waitpid, .program = "hang/pipe_cycle", .args = "subprocess", .kind = "io_cycle",
     .certainty = "proven|probable", .tasks = "builder compiler", .locks = "* *",
     .lock_kind = "pipe|process");
HANG(socket_pair, .program = "hang/pipe_cycle", .args = "socketpair", .kind = "io_cycle",
     .certainty = "proven|probable", .tasks = "client server", .locks = "* *",
     .lock_kind = "socket");
HANG(flock_abba, .program = "hang/file_lock", .args = "flock", .kind = "deadlock",
     .certainty = "proven|probable", .tasks = "backup restore", .locks = "* *",
     .lock_kind = "flock", .flags = CYCLE);
HANG(record_lock_abba, .program = "hang/file_lock", .args = "ofd", .kind = "deadlock",
     .certainty = "proven|probable", .tasks = "backup restore", .locks = "* *",
     .lock_kind = "record_lock", .flags = CYCLE);

#define SPIN(name, how, who, what)                                                                 \
	HANG(spin_##name, .program = "hang/spin", .args = how, .kind = "spin_deadlock",            \
	     .certainty = "proven|probable", .tasks = who, .locks = what, .lock_kind = "spinlock", \
	     .spinners = who, .flags = ROOT_ONLY)

SPIN(abba, "abba", "receiver sender", "tx rx");
SPIN(self, "self", "receiver", "rx");
SPIN(test_and_set_with_owner, "tas", "receiver sender", "tx_word rx_word");
SPIN(exchange, "xchg", "receiver sender", "tx_word rx_word");

HANG(futex_waitv, .program = "hang/waitv", .kind = "stall", .certainty = "proven",
     .tasks = "reactor", .locks = "data_ready shutdown_requested", .lock_kind = "futex");
HANG(stdio_abba, .program = "hang/stdio_abba", .kind = "deadlock", .certainty = "proven",
     .tasks = "reporter complainer", .locks = "* *", .lock_kind = "stdio", .flags = CYCLE);
HANG(malloc_in_signal_handler, .program = "hang/malloc_signal", .kind = "stall",
     .certainty = "probable", .tasks = "crasher", .locks = "*", .lock_kind = "malloc");
HANG(cxx_mutex_abba, .program = "hang/cxx", .args = "mutex", .kind = "deadlock",
     .certainty = "proven", .tasks = "teller auditor",
     .locks = "bank::ledger|ledger bank::accounts|accounts", .lock_kind = "mutex", .flags = CYCLE);
HANG(cxx_shared_mutex_abba, .program = "hang/cxx", .args = "shared", .kind = "deadlock",
     .certainty = "proven", .tasks = "teller auditor", .locks = "* *", .lock_kind = "rwlock",
     .flags = CYCLE);
HANG(cxx_condvar_lost_wakeup, .program = "hang/cxx", .args = "condvar", .kind = "stall",
     .certainty = "proven", .tasks = "waiter", .locks = "bank::changed|changed|*",
     .lock_kind = "condvar");
HANG(thread_pool, .program = "hang/pool", .kind = "deadlock", .certainty = "proven",
     .tasks = "bill ship", .locks = "pool.orders.lock pool.users.lock", .lock_kind = "mutex",
     .flags = CYCLE);
HANG(crowd_of_5000, .program = "hang/crowd", .args = "5000", .kind = "deadlock",
     .certainty = "proven", .tasks = "teller auditor", .locks = "ledger accounts",
     .lock_kind = "mutex", .flags = CYCLE);
HANG(rust_mutexes, .program = "hang/foreign", .args = "rust", .kind = "stall",
     .certainty = "proven", .tasks = "filler cleaner", .locks = "*", .lock_kind = "futex");
HANG(go_mutexes, .program = "hang/foreign", .args = "go", .kind = "stall",
     .certainty = "proven|probable", .tasks = "filler cleaner", .locks = "*",
     .lock_kind = "futex|mutex");

FIXTURE_SETUP(diagnose)
{
	self->zoo.errors = -1;
}

FIXTURE_TEARDOWN(diagnose)
{
	zoo_stop(&self->zoo);
	if (self->copy[0])
		unlink(self->copy);
	if (self->directory[0])
		rmdir(self->directory);
}

/* ---- expectations */

#define MOST_WORDS 128

struct words {
	char text[MOST_WORDS][64];
	size_t nr;
};

/*
 * The list, with "#" spelled out for each philosopher; @shift: his own fork, or the one he wants.
 */
static void expand(struct words *w, const char *list, int philosophers, int shift)
{
	const char *word, *hash;
	size_t len;

	w->nr = 0;
	if (!philosophers) {
		while (zoo_word(&list, &word, &len) && w->nr < MOST_WORDS)
			snprintf(w->text[w->nr++], sizeof(w->text[0]), "%.*s", (int)len, word);
		return;
	}
	hash = strchr(list, '#');
	for (int i = 0; i < philosophers; i++)
		snprintf(w->text[w->nr++], sizeof(w->text[0]), "%.*s%d%s", (int)(hash - list), list,
			 (i + shift) % philosophers, hash + 1);
}

static void join(const struct words *w, char *buffer, size_t size)
{
	size_t at = 0;

	buffer[0] = 0;
	for (size_t i = 0; i < w->nr && at < size; i++)
		at += (size_t)snprintf(buffer + at, size - at, "%s%s", i ? " " : "", w->text[i]);
}

static const json_t *find(const json_t *doc, const char *array, const char *key,
			  const json_t *value)
{
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(doc, array), i, item) {
		if (json_equal(json_object_get(item, key), value))
			return item;
	}
	return NULL;
}

static const char *string(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool one_of(const char *value, const char *alternatives)
{
	return zoo_matches(value, alternatives, strlen(alternatives));
}

static bool is_fault(const json_t *finding)
{
	return one_of(string(finding, "kind"),
		      "deadlock|self_deadlock|abandoned_lock|stall|spin_deadlock|io_cycle");
}

/*
 * tasks[i] waits for locks[i], which tasks[i + 1] holds: by name, by symbol, and by what tasks and
 * locks say of each other.
 */
static void check_cycle(const json_t *doc, const json_t *finding, const struct zoo_tree *tree,
			const struct words *tasks, const struct words *locks)
{
	const json_t *tids = json_object_get(finding, "tasks"),
		     *ids = json_object_get(finding, "locks");
	size_t nr = json_array_size(tids), first = nr;

	if (nr != tasks->nr || json_array_size(ids) != nr) {
		zoo_complain("a cycle of %zu tasks and %zu locks instead of %zu", nr,
			     json_array_size(ids), tasks->nr);
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		const struct zoo_thread *t =
			zoo_by_tid(tree, (pid_t)json_integer_value(json_array_get(tids, i)));

		if (t && !strcmp(t->comm, tasks->text[0]))
			first = i;
	}
	if (first == nr) {
		zoo_complain("'%s' is not in the cycle", tasks->text[0]);
		return;
	}
	for (size_t i = 0; i < nr; i++) {
		const json_t *tid = json_array_get(tids, (first + i) % nr);
		const json_t *next = json_array_get(tids, (first + i + 1) % nr);
		const json_t *id = json_array_get(ids, (first + i) % nr);
		const struct zoo_thread *t = zoo_by_tid(tree, (pid_t)json_integer_value(tid));
		const json_t *task = find(doc, "tasks", "tid", tid),
			     *lock = find(doc, "locks", "id", id);
		bool waits = false, owned = false, held = false;
		json_t *item;
		size_t j;

		if (!t || strcmp(t->comm, tasks->text[i]))
			zoo_complain("place %zu of the cycle: '%s' instead of '%s'", i,
				     t ? t->comm : "?", tasks->text[i]);
		if (!one_of(string(lock, "symbol"), locks->text[i]))
			zoo_complain("'%s' waits for lock '%s' instead of '%s'", tasks->text[i],
				     string(lock, "symbol") ? string(lock, "symbol") : "(null)",
				     locks->text[i]);
		json_array_foreach(json_object_get(task, "waits_for"), j, item)
			waits |= json_equal(item, id);
		json_array_foreach(json_object_get(lock, "owners"), j, item)
			owned |= json_equal(item, next);
		json_array_foreach(json_object_get(find(doc, "tasks", "tid", next), "holds"), j,
				   item)
			held |= json_equal(item, id);
		if (!waits || !owned || !held)
			zoo_complain("place %zu of the cycle: waits_for %d, owners %d, holds %d", i,
				     waits, owned, held);
	}
}

static void check_members(const json_t *doc, const json_t *finding, const struct zoo_tree *tree,
			  const struct words *tasks, const struct words *locks,
			  const char *lock_kind)
{
	const json_t *tids = json_object_get(finding, "tasks"),
		     *ids = json_object_get(finding, "locks");
	bool right_kind = false;
	json_t *item;
	size_t j;

	for (size_t i = 0; i < tasks->nr; i++) {
		bool there = false;

		json_array_foreach(tids, j, item) {
			const struct zoo_thread *t =
				zoo_by_tid(tree, (pid_t)json_integer_value(item));

			there |= t && !strcmp(t->comm, tasks->text[i]);
		}
		if (!there)
			zoo_complain("'%s' is not in the finding", tasks->text[i]);
	}
	for (size_t i = 0; i < locks->nr; i++) {
		bool there = false;

		json_array_foreach(ids, j, item) {
			const json_t *lock = find(doc, "locks", "id", item);

			there |= one_of(string(lock, "symbol"), locks->text[i]);
		}
		if (!there)
			zoo_complain("lock '%s' is not in the finding", locks->text[i]);
	}
	json_array_foreach(tids, j, item) {
		if (!zoo_by_tid(tree, (pid_t)json_integer_value(item)))
			zoo_complain("task %lld of the finding is none of the target's",
				     (long long)json_integer_value(item));
	}
	json_array_foreach(ids, j, item)
		right_kind |= one_of(string(find(doc, "locks", "id", item), "kind"), lock_kind);
	if (!right_kind)
		zoo_complain("no lock of kind %s in the finding", lock_kind);
}

/* The source line, if the source is at hand. Return: @buffer, or NULL. */
static const char *source_line(const char *file, long line, char *buffer, size_t size)
{
	const char *base = strrchr(file, '/');
	char output[PATH_MAX], path[PATH_MAX + 64];
	const char *const places[] = { "%stests/hang/%s", "%stests/hang/plugin/%s",
				       "%s/../tests/hang/%s", "%s/../tests/hang/plugin/%s" };
	FILE *f = fopen(file, "r");

	base = base ? base + 1 : file;
	zoo_output_path("", output, sizeof(output));
	for (int i = 0; !f && i < 4; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(path, sizeof(path), places[i], i < 2 ? "" : output, base);
#pragma GCC diagnostic pop
		f = fopen(path, "r");
	}
	if (!f)
		return NULL;
	while (line > 0 && fgets(buffer, (int)size, f))
		line--;
	fclose(f);
	return line == 0 ? buffer : NULL;
}

/*
 * The innermost frame of the program's own code is the line where the source says that it gets
 * stuck.
 */
static void check_stack(const json_t *task, const char *name, unsigned int flags)
{
	const json_t *stack = json_object_get(task, "stack");
	char line[512], function[64] = "";
	const char *text, *mark;
	json_t *frame;
	size_t i;

	if (!json_array_size(stack)) {
		zoo_complain("'%s' has no stack", name);
		return;
	}
	if (flags & NO_LINES)
		return;
	json_array_foreach(stack, i, frame) {
		const char *file = string(frame, "file");

		if (!file || !strstr(file, "tests/hang/"))
			continue;
		text = source_line(file, (long)json_integer_value(json_object_get(frame, "line")),
				   line, sizeof(line));
		if (!text) {
			if (json_integer_value(json_object_get(frame, "line")) <= 0)
				zoo_complain("'%s': a frame in %s without a line", name, file);
			return; /* the source is not at hand */
		}
		mark = strstr(text, "stuck in ");
		if (!mark || sscanf(mark, "stuck in %63[A-Za-z0-9_]", function) != 1) {
			zoo_complain("'%s' is shown at %s:%lld (%s), where nobody gets stuck", name,
				     file,
				     (long long)json_integer_value(json_object_get(frame, "line")),
				     string(frame, "function") ? string(frame, "function") : "?");
			return;
		}
		if (!string(frame, "function") || !strstr(string(frame, "function"), function))
			zoo_complain("'%s' is shown in %s instead of %s", name,
				     string(frame, "function") ? string(frame, "function")
							       : "(null)",
				     function);
		return;
	}
	zoo_complain("'%s': no frame of the program's own source among %zu", name,
		     json_array_size(stack));
}

static void check_stacks(const json_t *doc, const json_t *finding, const struct zoo_tree *tree,
			 const struct words *tasks, unsigned int flags)
{
	json_t *tid;
	size_t i;

	json_array_foreach(json_object_get(finding, "tasks"), i, tid) {
		const struct zoo_thread *t = zoo_by_tid(tree, (pid_t)json_integer_value(tid));

		/* Stacks are for the first 16 of a finding. */
		if (i >= 16)
			break;
		for (size_t j = 0; t && j < tasks->nr; j++) {
			if (!strcmp(t->comm, tasks->text[j]))
				check_stack(find(doc, "tasks", "tid", tid), t->comm, flags);
		}
	}
}

/*
 * What a circle rests on. The end of a thread is waited for, but nobody holds it to the exclusion
 * of others.
 */
static void check_cycle_conditions(const json_t *finding, bool is_exclusive, bool preemptable)
{
	const json_t *conditions = json_object_get(finding, "conditions");

#define HOLDS(name) json_object_get(json_object_get(conditions, name), "holds")
	if (is_exclusive ? !json_is_true(HOLDS("mutual_exclusion"))
			 : json_is_true(HOLDS("mutual_exclusion")))
		zoo_complain("mutual_exclusion is wrong");
	if (!json_is_true(HOLDS("hold_and_wait")))
		zoo_complain("hold_and_wait is wrong");
	if (!json_is_true(HOLDS("circular_wait")))
		zoo_complain("circular_wait is wrong");
	if (preemptable ? !json_is_false(HOLDS("no_preemption"))
			: !json_is_true(HOLDS("no_preemption")))
		zoo_complain("no_preemption is wrong");
#undef HOLDS
}

static void check_json(const FIXTURE_VARIANT(diagnose) * v, const struct zoo_tree *tree,
		       const struct zoo_run *run, bool privileged)
{
	int expected = v->flags & PREEMPTABLE ? 0 : 1;
	const json_t *wanted = NULL;
	struct words tasks, locks;
	json_t *doc, *finding;
	json_error_t error;
	size_t i, nr_faults = 0;

	if (run->status != expected)
		zoo_complain("exit status %d instead of %d: %.300s", run->status, expected,
			     run->err);
	zoo_check_clean("JSON", run->out, run->out_len);
	doc = json_loads(run->out, 0, &error);
	if (!doc) {
		zoo_complain("no JSON: %s", error.text);
		return;
	}
	zoo_check_document(doc);
	if (!one_of(string(doc, "verdict"), expected ? "found" : "none"))
		zoo_complain("verdict %s", string(doc, "verdict"));
	json_array_foreach(json_object_get(doc, "findings"), i, finding) {
		nr_faults += is_fault(finding);
		if (!wanted && one_of(string(finding, "kind"), v->kind))
			wanted = finding;
		else
			zoo_complain("an extra finding: %s of %zu tasks", string(finding, "kind"),
				     json_array_size(json_object_get(finding, "tasks")));
	}
	if (!wanted) {
		zoo_complain("no finding of kind %s among %zu", v->kind,
			     json_array_size(json_object_get(doc, "findings")));
		json_decref(doc);
		return;
	}
	if (nr_faults != (size_t)expected)
		zoo_complain("%zu faults", nr_faults);
	if (!one_of(string(wanted, "certainty"), v->certainty))
		zoo_complain("certainty %s instead of %s", string(wanted, "certainty"),
			     v->certainty);
	expand(&tasks, v->tasks, v->philosophers, 0);
	expand(&locks, v->locks, v->philosophers, 1);
	if (v->flags & CYCLE) {
		if (v->flags & STRIPPED)
			for (i = 0; i < locks.nr; i++)
				strcpy(locks.text[i], "*");
		check_cycle(doc, wanted, tree, &tasks, &locks);
		check_cycle_conditions(wanted, !strstr(v->lock_kind, "thread"),
				       v->flags & PREEMPTABLE);
	}
	check_members(doc, wanted, tree, &tasks, &locks, v->lock_kind);
	check_stacks(doc, wanted, tree, &tasks, v->flags);
	(void)privileged;
	json_decref(doc);
}

static void check_text(const FIXTURE_VARIANT(diagnose) * v, const struct zoo_run *run)
{
	struct words tasks;

	if (run->status != (v->flags & PREEMPTABLE ? 0 : 1))
		zoo_complain("text: exit status %d: %.300s", run->status, run->err);
	zoo_check_clean("text", run->out, run->out_len);
	expand(&tasks, v->tasks, v->philosophers, 0);
	for (size_t i = 0; i < tasks.nr && tasks.nr <= 8; i++) {
		if (!strstr(run->out, tasks.text[i]))
			zoo_complain("text: '%s' is not mentioned", tasks.text[i]);
	}
}

static bool copy_file(const char *from, const char *to)
{
	char *argv[] = { "cp", (char *)from, (char *)to, NULL };
	struct zoo_run run;
	int status;

	zoo_run(&run, argv, 0, 20);
	status = run.status;
	zoo_run_free(&run);
	return status == 0 && !chmod(to, 0755);
}

static bool strip_file(const char *path)
{
	char *argv[] = { "strip", "-s", (char *)path, NULL };
	struct zoo_run run;
	int status;

	zoo_run(&run, argv, 0, 20);
	status = run.status;
	zoo_run_free(&run);
	return status == 0;
}

/* Start, wait until hung. Return: NULL, or why it must be skipped; complaints otherwise. */
static const char *set_scene(FIXTURE_DATA(diagnose) * self, const FIXTURE_VARIANT(diagnose) * v,
			     uid_t uid)
{
	const char *program = v->program, *args = v->args;
	char names[4096], original[PATH_MAX], below[256];
	struct words tasks;

	if (v->flags & (OWN_DIRECTORY | STRIPPED | DELETED)) {
		strcpy(self->directory, "/tmp/locklab-zoo-XXXXXX");
		if (!mkdtemp(self->directory) || chmod(self->directory, 0755)) {
			self->directory[0] = 0;
			return "no directory under /tmp";
		}
		args = v->flags & OWN_DIRECTORY ? self->directory : v->args;
	}
	if (v->flags & (STRIPPED | DELETED)) {
		snprintf(below, sizeof(below), "tests/%s", v->program);
		zoo_output_path(below, original, sizeof(original));
		snprintf(self->copy, sizeof(self->copy), "%s/program", self->directory);
		if (!copy_file(original, self->copy))
			return "cp: not found";
		if (v->flags & STRIPPED && !strip_file(self->copy))
			return "strip: not found";
		program = self->copy;
	}
	if (zoo_start(&self->zoo, program, args, uid)) {
		zoo_complain("%s: not started: %s", program, strerror(errno));
		return NULL;
	}
	expand(&tasks, v->tasks, v->philosophers, 0);
	join(&tasks, names, sizeof(names));
	switch (zoo_wait_hung(&self->zoo, names, v->spinners)) {
	case ZOO_READY:
		if (v->flags & DELETED)
			unlink(self->copy);
		break;
	case ZOO_LACKS:
		return zoo_reason();
	case ZOO_FAILED:
		zoo_complain("%s %s does not hang: %s", v->program, args ? args : "", zoo_reason());
	}
	return NULL;
}

TEST_F_TIMEOUT(diagnose, explains_it, 150)
{
	struct zoo_run run;
	const char *lacks = set_scene(self, variant, 0);

	if (!lacks && geteuid() && variant->flags & ROOT_ONLY)
		lacks = "needs root";
	if (lacks)
		SKIP(return, "%s", lacks);
	ASSERT_EQ(0, zoo_complaints());
	zoo_diagnose(&run, &self->zoo.tree, "--json", 0, LOOK_S);
	check_json(variant, &self->zoo.tree, &run, true);
	zoo_check_untouched(&self->zoo.tree, self->zoo.pid, variant->spinners);
	if (zoo_complaints())
		printf("# stderr: %s", run.err);
	zoo_run_free(&run);
	zoo_diagnose(&run, &self->zoo.tree, "", 0, LOOK_S);
	check_text(variant, &run);
	zoo_run_free(&run);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(diagnose, explains_it_without_privilege, 150)
{
	struct zoo_run run;
	const char *lacks;

	if (geteuid())
		SKIP(return, "needs root, to be somebody else");
	if (variant->flags & NOT_UNPRIVILEGED)
		SKIP(return, "the program itself needs root");
	lacks = set_scene(self, variant, ZOO_NOBODY);
	if (lacks)
		SKIP(return, "%s", lacks);
	ASSERT_EQ(0, zoo_complaints());
	zoo_diagnose(&run, &self->zoo.tree, "--json", ZOO_NOBODY, LOOK_S);
	if (variant->flags & ROOT_ONLY) {
		json_t *doc = json_loads(run.out, 0, NULL);

		/* It can not see what they spin on, and says that it can not. */
		if (run.status != 3 && run.status != 0)
			zoo_complain("exit status %d: %.300s", run.status, run.err);
		if (!json_array_size(json_object_get(doc, "not_seen")))
			zoo_complain("nothing said of what could not be seen");
		if (json_array_size(json_object_get(doc, "findings")))
			zoo_complain("a finding about what it can not see");
		json_decref(doc);
	} else {
		check_json(variant, &self->zoo.tree, &run, false);
	}
	zoo_check_untouched(&self->zoo.tree, self->zoo.pid, variant->spinners);
	if (zoo_complaints())
		printf("# stderr: %s", run.err);
	zoo_run_free(&run);
	EXPECT_EQ(0, zoo_complaints());
}

FIXTURE(rust)
{
	struct zoo zoo;
	char directory[64], program[128];
};

FIXTURE_SETUP(rust)
{
	self->zoo.errors = -1;
	strcpy(self->directory, "/tmp/locklab-zoo-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	snprintf(self->program, sizeof(self->program), "%s/rust_abba", self->directory);
}

FIXTURE_TEARDOWN(rust)
{
	zoo_stop(&self->zoo);
	unlink(self->program);
	rmdir(self->directory);
}

/* The real thing: nobody is recorded as owner, so nobody may be named as such. */
TEST_F_TIMEOUT(rust, program_stalls_and_no_owner_is_made_up, 150)
{
	char source[PATH_MAX], rustc[] = "rustc", debug[] = "-g", output[] = "-o";
	char optimise[] = "-O";
	char *argv[] = { rustc, debug, optimise, output, self->program, source, NULL };
	json_t *doc, *item;
	struct zoo_run run;
	size_t i;

	zoo_output_path("../tests/hang/rust_abba.rs", source, sizeof(source));
	if (access(source, R_OK))
		strcpy(source, "tests/hang/rust_abba.rs");
	zoo_run(&run, argv, 0, 60);
	if (run.status == 127)
		SKIP(return, "rustc: not found");
	ASSERT_EQ(0, run.status)
	TH_LOG("%s", run.err);
	zoo_run_free(&run);
	ASSERT_EQ(0, zoo_start(&self->zoo, self->program, NULL, 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_hung(&self->zoo, "filler cleaner", NULL))
	TH_LOG("%s", zoo_reason());
	zoo_diagnose(&run, &self->zoo.tree, "--json", 0, LOOK_S);
	EXPECT_EQ(1, run.status)
	TH_LOG("%s", run.err);
	doc = json_loads(run.out, 0, NULL);
	ASSERT_NE(NULL, doc);
	zoo_check_document(doc);
	ASSERT_EQ(1, json_array_size(json_object_get(doc, "findings")));
	item = json_array_get(json_object_get(doc, "findings"), 0);
	EXPECT_STREQ("stall", string(item, "kind"));
	json_array_foreach(json_object_get(doc, "locks"), i, item)
		EXPECT_EQ(0, json_array_size(json_object_get(item, "owners")));
	json_decref(doc);
	zoo_check_untouched(&self->zoo.tree, self->zoo.pid, NULL);
	zoo_run_free(&run);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_HARNESS_MAIN
