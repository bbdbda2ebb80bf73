// SPDX-License-Identifier: GPL-2.0
/*
 * Healthy programs are never accused, however often one looks and however busy the machine is.
 *
 * suite: timeout=900 live
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/zoo.h"
#include "kselftest_harness.h"
#include "observe/look.h"

#define NR_LOOKS   100 /* by the library: no start-up between them */
#define NR_RUNS	   3 /* of the command, as root and as nobody */
#define NR_BURNERS 2 /* processes that load the machine */
#define LOOK_S	   30

FIXTURE(healthy)
{
	struct zoo zoo;
	pid_t burners[NR_BURNERS];
};

FIXTURE_VARIANT(healthy)
{
	const char *program, *args;
	const char *threads; /* that must be there before the first look */
	const char *near_miss; /* a kind of finding that may be reported, NULL none */
	const char *says; /* what the text must mention */
};

#define HEALTHY(name, ...)                 \
	FIXTURE_VARIANT_ADD(healthy, name) \
	{                                  \
		__VA_ARGS__                \
	}
#define WORKERS "worker0 worker1 worker2 worker3"
#define PLAYERS "player0 player1"

HEALTHY(mutex_storm, .program = "healthy/traffic", .args = "storm", .threads = WORKERS);
HEALTHY(gate_lock, .program = "healthy/traffic", .args = "gate", .threads = WORKERS);
HEALTHY(one_thread_inversion, .program = "healthy/traffic", .args = "inversion",
	.threads = WORKERS);
HEALTHY(trylock_with_back_off, .program = "healthy/traffic", .args = "trylock", .threads = WORKERS);
HEALTHY(timed_lock_cycles, .program = "healthy/traffic", .args = "timed", .threads = WORKERS,
	.near_miss = "preemptable_cycle");
HEALTHY(robust_recovery, .program = "healthy/traffic", .args = "robust", .threads = WORKERS);
HEALTHY(priority_inheritance, .program = "healthy/traffic", .args = "pi", .threads = WORKERS);
HEALTHY(readers_and_writers, .program = "healthy/traffic", .args = "rwlock", .threads = WORKERS);
HEALTHY(threads_come_and_go, .program = "healthy/traffic", .args = "exits", .threads = WORKERS);

HEALTHY(condvar_ping_pong, .program = "healthy/hand_off", .args = "condvar", .threads = PLAYERS);
HEALTHY(producer_and_consumer, .program = "healthy/hand_off", .args = "semaphore",
	.threads = PLAYERS);
HEALTHY(barrier_rounds, .program = "healthy/hand_off", .args = "barrier", .threads = PLAYERS);
HEALTHY(joins, .program = "healthy/hand_off", .args = "join", .threads = PLAYERS);
HEALTHY(spin_with_progress, .program = "healthy/hand_off", .args = "spin", .threads = PLAYERS);
HEALTHY(pipe_ping_pong, .program = "healthy/hand_off", .args = "pipe", .threads = PLAYERS);
HEALTHY(socket_ping_pong, .program = "healthy/hand_off", .args = "socket", .threads = PLAYERS);
HEALTHY(flock_hand_off, .program = "healthy/hand_off", .args = "flock", .threads = PLAYERS);
HEALTHY(shared_memory_ping_pong, .program = "healthy/hand_off", .args = "shm", .threads = PLAYERS);

HEALTHY(idle_pool_main_in_poll, .program = "healthy/idle", .args = "poll", .threads = WORKERS);
HEALTHY(idle_pool_main_in_accept, .program = "healthy/idle", .args = "accept", .threads = WORKERS);
HEALTHY(idle_pool_main_in_read, .program = "healthy/idle", .args = "read",
	.threads = WORKERS " writer");
HEALTHY(idle_pool_main_in_epoll, .program = "healthy/idle", .args = "epoll", .threads = WORKERS);
HEALTHY(idle_pool_main_in_nanosleep, .program = "healthy/idle", .args = "nanosleep",
	.threads = WORKERS);
HEALTHY(idle_pool_main_in_sigwait, .program = "healthy/idle", .args = "sigwait",
	.threads = WORKERS);
HEALTHY(idle_pool_main_in_pause, .program = "healthy/idle", .args = "pause", .threads = WORKERS);
HEALTHY(idle_pool_main_on_timerfd, .program = "healthy/idle", .args = "timerfd",
	.threads = WORKERS);
HEALTHY(idle_pool_main_on_eventfd, .program = "healthy/idle", .args = "eventfd",
	.threads = WORKERS " notifier");
HEALTHY(idle_pool_main_on_its_own_pipe, .program = "healthy/idle", .args = "selfpipe",
	.threads = WORKERS);
HEALTHY(timed_pool, .program = "healthy/idle", .args = "timed", .threads = WORKERS);

HEALTHY(parent_of_working_child, .program = "healthy/processes", .args = "working-child",
	.threads = "parent child");
HEALTHY(parent_of_sleeping_child, .program = "healthy/processes", .args = "sleeping-child",
	.threads = "parent child");
HEALTHY(parent_reads_from_child, .program = "healthy/processes", .args = "subprocess",
	.threads = "parent child");
HEALTHY(job_server_in_pselect, .program = "healthy/processes", .args = "job-server",
	.threads = "parent child");
HEALTHY(job_server_in_read, .program = "healthy/processes", .args = "job-server-read",
	.threads = "parent child");
HEALTHY(fork_storm, .program = "healthy/processes", .args = "fork-storm", .threads = "forker");
HEALTHY(stopped_owner, .program = "healthy/processes", .args = "stopped-owner",
	.threads = "waiter owner", .says = "stopped");
HEALTHY(traced_process, .program = "healthy/processes", .args = "traced",
	.threads = "tracer tracee");

HEALTHY(reads_memory, .program = "healthy/busy", .args = "reader", .threads = "main walker");
HEALTHY(sums_memory, .program = "healthy/busy", .args = "sum", .threads = "main walker");
HEALTHY(spins_for_a_flag, .program = "healthy/busy", .args = "waits-for-flag",
	.threads = "main walker sleeper");
HEALTHY(spins_until_a_time, .program = "healthy/busy", .args = "timed-spin",
	.threads = "main walker");
HEALTHY(spins_on_a_counter, .program = "healthy/busy", .args = "counter",
	.threads = "main walker ticker");

HEALTHY(rust_payload_like_owner, .program = "healthy/false_owner", .args = "rust",
	.threads = "main waiter0 waiter1");
HEALTHY(shared_payload_like_owner, .program = "healthy/false_owner", .args = "futex-wait",
	.threads = "main waiter0 waiter1");

FIXTURE_SETUP(healthy)
{
	pid_t parent = getpid();

	self->zoo.errors = -1;
	for (int i = 0; i < NR_BURNERS; i++) {
		self->burners[i] = fork();
		ASSERT_GE(self->burners[i], 0);
		if (self->burners[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (getppid() == parent)
				for (volatile int j = 0; j < 1000000; j++)
					;
			_exit(0);
		}
	}
}

FIXTURE_TEARDOWN(healthy)
{
	zoo_stop(&self->zoo);
	for (int i = 0; i < NR_BURNERS; i++) {
		if (self->burners[i] > 0) {
			kill(self->burners[i], SIGKILL);
			waitpid(self->burners[i], NULL, 0);
		}
	}
}

static void check_finding(const FIXTURE_VARIANT(healthy) * v, const char *kind,
			  const char *certainty, const char *how, int i)
{
	if (!v->near_miss || strcmp(v->near_miss, kind))
		zoo_complain("look %d %s: accused of %s (%s)", i, how, kind, certainty);
}

static void check_picture(const FIXTURE_VARIANT(healthy) * v, const struct lab_picture *p, int i)
{
	for (u32 f = 0; f < p->nr_findings; f++) {
		const struct lab_finding *finding = &p->findings[f];

		check_finding(v, lab_finding_kind_name(finding->kind),
			      lab_certainty_name(finding->certainty), "(library)", i);
		if (zoo_complaints() > 3)
			return;
		for (u32 t = 0; zoo_complaints() && t < finding->nr_tasks && t < 8; t++) {
			const struct lab_task *task =
				&p->tasks[p->finding_tasks[finding->first_task + t]];

			printf("#   %u/%u '%s' %c %s, status 0x%x\n", task->tgid, task->tid,
			       task->comm, task->state, task->call ? task->call : "-",
			       task->status);
		}
		for (u32 l = 0; zoo_complaints() && l < finding->nr_locks && l < 8; l++) {
			const struct lab_lock *lock =
				&p->locks[p->finding_locks[finding->first_lock + l]];

			printf("#   %s attrs 0x%x word 0x%x owner %u at 0x%llx, %u hold, %u wait\n",
			       lab_lock_kind_name(lock->kind), lock->attrs, lock->word,
			       lock->owner_tid, (unsigned long long)lock->address, lock->nr_holds,
			       lock->nr_waits);
		}
	}
}

static void check_run(const FIXTURE_VARIANT(healthy) * v, const struct zoo_run *run,
		      const char *how, int i)
{
	json_t *doc = json_loads(run->out, 0, NULL), *finding;
	size_t j;

	/* Somebody without privilege may be unable to tell, never wrong. */
	if (run->status != 0 && !(run->status == 3 && !strcmp(how, "as nobody")))
		zoo_complain("run %d %s: exit status %d: %.300s", i, how, run->status, run->err);
	if (!doc)
		zoo_complain("run %d %s: no JSON", i, how);
	json_array_foreach(json_object_get(doc, "findings"), j, finding)
		check_finding(v, json_string_value(json_object_get(finding, "kind")),
			      json_string_value(json_object_get(finding, "certainty")), how, i);
	json_decref(doc);
}

static const char *set_scene(FIXTURE_DATA(healthy) * self, const FIXTURE_VARIANT(healthy) * v,
			     uid_t uid)
{
	int error = zoo_start(&self->zoo, v->program, v->args, uid);

	if (error) {
		zoo_complain("%s: not started: %s", v->program, strerror(-error));
		return NULL;
	}
	switch (zoo_wait_alive(&self->zoo, v->threads)) {
	case ZOO_LACKS:
		return zoo_reason();
	case ZOO_FAILED:
		zoo_complain("%s: %s", v->program, zoo_reason());
		break;
	default:
		break;
	}
	return NULL;
}

TEST_F_TIMEOUT(healthy, is_not_accused, 240)
{
	const char *lacks = set_scene(self, variant, 0);
	const struct lab_picture *picture;
	struct look_progress *progress;
	struct look_options options = { .held = true };
	char why[256] = "";
	struct look *look;
	u32 tgid;

	if (lacks)
		SKIP(return, "%s", lacks);
	ASSERT_EQ(0, zoo_complaints());
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	ASSERT_NE(MAP_FAILED, progress);
	tgid = (u32)self->zoo.pid;
	options.tgids = &tgid;
	options.nr_tgids = 1;
	options.progress = progress;
	look = look_open(&options, why, sizeof(why));
	ASSERT_NE(NULL, look)
	TH_LOG("%s", why);
	for (int i = 0; i < NR_LOOKS && !zoo_complaints(); i++) {
		int error = look_once(look, &picture, why, sizeof(why));

		if (error)
			zoo_complain("look %d: %s", i, why);
		else
			check_picture(variant, picture, i);
	}
	look_close(look);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(healthy, exits_with_0, 240)
{
	struct zoo_tree root = { 0 };
	struct zoo_thread thread = { 0 };
	const char *lacks = set_scene(self, variant, geteuid() ? 0 : ZOO_NOBODY);
	struct zoo_run run;

	if (lacks)
		SKIP(return, "%s", lacks);
	ASSERT_EQ(0, zoo_complaints());
	/* Descendants may be gone by now: only the program itself. */
	thread.tid = thread.tgid = self->zoo.pid;
	root.threads = &thread;
	root.nr = 1;
	for (int i = 0; i < NR_RUNS; i++) {
		zoo_diagnose(&run, &root, "--json", 0, LOOK_S);
		check_run(variant, &run, "as we are", i);
		zoo_run_free(&run);
		if (geteuid() == 0) {
			zoo_diagnose(&run, &root, "--json", ZOO_NOBODY, LOOK_S);
			check_run(variant, &run, "as nobody", i);
			zoo_run_free(&run);
		}
	}
	zoo_diagnose(&run, &root, "", 0, LOOK_S);
	zoo_check_clean("text", run.out, run.out_len);
	if (variant->says && !strstr(run.out, variant->says))
		zoo_complain("the text does not mention '%s'", variant->says);
	zoo_run_free(&run);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_HARNESS_MAIN
