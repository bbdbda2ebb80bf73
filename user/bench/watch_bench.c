// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * watch_bench - what it costs a program to be watched, and how soon a deadlock is reported
 *
 *	watch_bench [REPEATS]	(7; at least 5)
 *
 * Each repeat does every mode (alone, watched, watched with events) once, in an order that rotates,
 * so that what the machine does meanwhile falls on all of them; ratios are of the same repeat.
 * LOCKLAB names the command under test.
 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LOCKS	    5000000u
#define HAND_OFFS   60000u
#define NR_BLOCKED  5000
#define MAX_REPEATS 51
#define WATCHDOG_S  60

enum mode {
	ALONE,
	WATCHED,
	EVENTS,
	NR_MODES
};

static const char *const mode_names[] = { "alone", "watch", "watch --events" };

/* Shared between the bench and the programs it starts. */
struct stage {
	uint32_t go, done;
	uint32_t turn;
	uint64_t ns, cpu_ns;
	uint64_t counter;
	uint64_t closing_ns;
	uint32_t ready;
};

static struct stage *stage;
static const char *locklab;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "watch_bench: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void futex_wait(uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static void futex_wake(uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

/* ---- the programs that are measured; each runs a round when told to */

static uint64_t uncontended_round(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t begin = now_ns();

	for (uint32_t i = 0; i < LOCKS; i++) {
		pthread_mutex_lock(&lock);
		stage->counter++;
		pthread_mutex_unlock(&lock);
	}
	return now_ns() - begin;
}

static void pass_the_turn(uint32_t mine)
{
	for (uint32_t i = 0; i < HAND_OFFS; i++) {
		uint32_t turn;

		while ((turn = __atomic_load_n(&stage->turn, __ATOMIC_ACQUIRE)) != mine)
			futex_wait(&stage->turn, turn);
		stage->counter++; /* whose turn it is, owns it */
		__atomic_store_n(&stage->turn, !mine, __ATOMIC_RELEASE);
		futex_wake(&stage->turn);
	}
}

static void *second_player(void *arg)
{
	pass_the_turn(1);
	return NULL;
}

static uint64_t hand_off_round(void)
{
	pthread_t second;
	uint64_t begin;

	if (pthread_create(&second, NULL, second_player, NULL))
		die("pthread_create");
	begin = now_ns();
	pass_the_turn(0);
	pthread_join(second, NULL);
	return now_ns() - begin;
}

static pid_t start_worker(uint64_t (*round)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (!pid) {
		cpu_set_t one;
		uint64_t cpu;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		CPU_ZERO(&one);
		CPU_SET(0, &one);
		sched_setaffinity(0, sizeof(one), &one);
		for (;;) {
			while (!__atomic_load_n(&stage->go, __ATOMIC_ACQUIRE))
				futex_wait(&stage->go, 0);
			__atomic_store_n(&stage->go, 0, __ATOMIC_RELAXED);
			cpu = cpu_ns();
			stage->ns = round();
			stage->cpu_ns = cpu_ns() - cpu;
			__atomic_store_n(&stage->done, 1, __ATOMIC_RELEASE);
			futex_wake(&stage->done);
		}
	}
	return pid;
}

static uint64_t run_round(void)
{
	stage->counter = 0;
	stage->turn = 0;
	stage->done = 0;
	__atomic_store_n(&stage->go, 1, __ATOMIC_RELEASE);
	futex_wake(&stage->go);
	while (!__atomic_load_n(&stage->done, __ATOMIC_ACQUIRE))
		futex_wait(&stage->done, 0);
	return stage->ns;
}

/* ---- the watcher */

static long call_of(pid_t pid)
{
	char path[64];
	long nr = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (fscanf(f, "%ld", &nr) != 1)
		nr = -1;
	fclose(f);
	return nr;
}

static pid_t child_of(pid_t pid)
{
	char path[64];
	int child = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	if (fscanf(f, "%d", &child) != 1)
		child = 0;
	fclose(f);
	return child;
}

/* Until it has looked once: its looker then sleeps until the next look is due. */
static pid_t start_watcher(enum mode mode, pid_t target)
{
	uint64_t end = now_ns() + WATCHDOG_S * 1000000000ull;
	char pid_text[16];
	pid_t pid;

	snprintf(pid_text, sizeof(pid_text), "%d", target);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(locklab, locklab, "watch", "-o", "/dev/null", "-p", pid_text,
		      mode == EVENTS ? "--events" : NULL, NULL);
		_exit(127);
	}
	for (;;) {
		pid_t looker = child_of(pid);
		long nr = looker ? call_of(looker) : -1;

		if (nr == SYS_nanosleep || nr == SYS_clock_nanosleep || nr == SYS_epoll_wait ||
		    nr == SYS_epoll_pwait)
			return pid;
		if (now_ns() > end || waitpid(pid, NULL, WNOHANG) == pid) {
			fprintf(stderr, "watch_bench: the watcher did not begin\n");
			exit(2);
		}
		poll(NULL, 0, 5);
	}
}

static void stop_watcher(pid_t pid)
{
	kill(pid, SIGINT);
	waitpid(pid, NULL, 0);
}

/* ---- numbers */

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(const double *values, int nr, double *low, double *high)
{
	double sorted[MAX_REPEATS];

	memcpy(sorted, values, (size_t)nr * sizeof(*values));
	qsort(sorted, (size_t)nr, sizeof(*sorted), by_value);
	*low = sorted[0];
	*high = sorted[nr - 1];
	return nr % 2 ? sorted[nr / 2] : (sorted[nr / 2 - 1] + sorted[nr / 2]) / 2;
}

static void row(const char *what, const char *unit, const double *values, int nr)
{
	double low, high, middle = median(values, nr, &low, &high);

	printf("  %-28s %10.3f %-6s (%.3f .. %.3f)\n", what, middle, unit, low, high);
}

/* ---- the benchmarks */

static void bench_cost(const char *title, uint64_t (*round)(void), uint64_t operations, int repeats)
{
	double cost[NR_MODES][MAX_REPEATS], ratio[NR_MODES][MAX_REPEATS];
	double cpu[NR_MODES][MAX_REPEATS];
	pid_t worker = start_worker(round);

	run_round(); /* warm */
	for (int i = 0; i < repeats; i++) {
		for (int j = 0; j < NR_MODES; j++) {
			enum mode mode = (enum mode)((i + j) % NR_MODES);
			pid_t watcher = mode == ALONE ? 0 : start_watcher(mode, worker);

			cost[mode][i] = (double)run_round() / (double)operations;
			cpu[mode][i] = (double)stage->cpu_ns / (double)operations;
			if (stage->counter != operations) {
				fprintf(stderr, "watch_bench: %llu of %llu operations counted\n",
					(unsigned long long)stage->counter,
					(unsigned long long)operations);
				exit(1);
			}
			if (watcher)
				stop_watcher(watcher);
		}
		for (int mode = 0; mode < NR_MODES; mode++)
			ratio[mode][i] = cost[mode][i] / cost[ALONE][i];
		for (int mode = NR_MODES - 1; mode >= 0; mode--)
			cpu[mode][i] /= cpu[ALONE][i];
	}
	kill(worker, SIGKILL);
	waitpid(worker, NULL, 0);

	printf("%s, median of %d (least .. most):\n", title, repeats);
	for (int mode = 0; mode < NR_MODES; mode++)
		row(mode_names[mode], "ns", cost[mode], repeats);
	for (int mode = WATCHED; mode < NR_MODES; mode++) {
		char what[40];

		snprintf(what, sizeof(what), "%s / alone", mode_names[mode]);
		row(what, "x", ratio[mode], repeats);
		/* What others take away does not count here; what watching costs does. */
		snprintf(what, sizeof(what), "%s / alone, CPU", mode_names[mode]);
		row(what, "x", cpu[mode], repeats);
	}
}

static pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER, second = PTHREAD_MUTEX_INITIALIZER;

static void *other_order(void *arg)
{
	pthread_mutex_lock(&second);
	__atomic_store_n(&stage->ready, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&first);
	return NULL;
}

/* The second process: closes a cycle at any moment between two looks, and says when. */
static void deadlock(unsigned int phase_us)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	usleep(phase_us);
	pthread_mutex_lock(&first);
	stage->ready = 0;
	if (pthread_create(&thread, NULL, other_order, NULL))
		die("pthread_create");
	while (!__atomic_load_n(&stage->ready, __ATOMIC_ACQUIRE))
		sched_yield();
	/* Let it reach its wait: ours is the one that closes the cycle. */
	usleep(2000);
	stage->closing_ns = now_ns();
	pthread_mutex_lock(&second);
}

static double report_delay_ms(bool events, int stage_fd, int phase_us)
{
	char fd_text[16], phase_text[16], self[512], buffer[65536];
	int out[2];
	uint64_t seen = 0;
	ssize_t n;
	pid_t pid;

	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	if (n < 0 || pipe(out))
		die("pipe");
	self[n] = 0;
	snprintf(fd_text, sizeof(fd_text), "%d", stage_fd);
	snprintf(phase_text, sizeof(phase_text), "%d", phase_us);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		execl(locklab, locklab, "watch", "-k", events ? "--events" : "--interval",
		      events ? "--interval" : "60", events ? "60" : "--", events ? "--" : self,
		      events ? self : "deadlock", events ? "deadlock" : fd_text,
		      events ? fd_text : phase_text, events ? phase_text : NULL, NULL);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], buffer, sizeof(buffer) - 1)) > 0) {
		buffer[n] = 0;
		if (!seen && strstr(buffer, "deadlock"))
			seen = now_ns();
	}
	close(out[0]);
	waitpid(pid, NULL, 0);
	if (!seen) {
		fprintf(stderr, "watch_bench: no deadlock reported\n");
		exit(1);
	}
	return (double)(seen - stage->closing_ns) / 1e6;
}

static void bench_delay(int stage_fd, int repeats)
{
	double delay[2][MAX_REPEATS];

	for (int i = 0; i < repeats; i++)
		for (int j = 0; j < 2; j++)
			delay[(i + j) % 2][i] = report_delay_ms((i + j) % 2, stage_fd,
								100000 + i * 60000 / repeats);
	printf("Deadlock closed until its line is read, median of %d (least .. most):\n", repeats);
	row("watch", "ms", delay[0], repeats);
	row("watch --events", "ms", delay[1], repeats);
}

static void *blocked(void *arg)
{
	__atomic_fetch_add(&stage->ready, 1, __ATOMIC_RELEASE);
	pthread_mutex_lock(&first);
	return NULL;
}

static uint64_t switches_of(pid_t pid, int *asleep)
{
	char path[96], line[256];
	uint64_t sum = 0;
	FILE *list, *f;
	int tid;

	*asleep = 0;
	snprintf(path, sizeof(path), "ls /proc/%d/task", pid);
	list = popen(path, "re");
	while (list && fscanf(list, "%d", &tid) == 1) {
		unsigned long long n;

		snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
		f = fopen(path, "re");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1 ||
			    sscanf(line, "nonvoluntary_ctxt_switches: %llu", &n) == 1)
				sum += n;
			else if (!strncmp(line, "State:\tS", 8))
				(*asleep)++;
		}
		fclose(f);
	}
	if (list)
		pclose(list);
	return sum;
}

static void bench_crowd(int repeats)
{
	double seconds[MAX_REPEATS], megabytes[MAX_REPEATS];
	uint64_t before, after;
	int asleep;
	pid_t crowd;

	stage->ready = 0;
	crowd = fork();
	if (!crowd) {
		pthread_attr_t attr;
		pthread_t thread;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 65536);
		pthread_mutex_lock(&first);
		for (int i = 0; i < NR_BLOCKED; i++)
			if (pthread_create(&thread, &attr, blocked, NULL))
				die("pthread_create");
		for (;;)
			pause();
	}
	do {
		poll(NULL, 0, 50);
		before = switches_of(crowd, &asleep);
	} while (asleep <= NR_BLOCKED);
	for (int i = 0; i < repeats; i++) {
		uint64_t begin = now_ns();
		struct rusage usage;
		char pid_text[16];
		pid_t pid;

		snprintf(pid_text, sizeof(pid_text), "%d", crowd);
		pid = fork();
		if (!pid) {
			execl(locklab, locklab, "diagnose", "-o", "/dev/null", pid_text, NULL);
			_exit(127);
		}
		wait4(pid, NULL, 0, &usage);
		seconds[i] = (double)(now_ns() - begin) / 1e9;
		megabytes[i] = (double)usage.ru_maxrss / 1024;
	}
	after = switches_of(crowd, &asleep);
	printf("diagnose on %d blocked threads, median of %d (least .. most):\n", NR_BLOCKED,
	       repeats);
	row("whole command", "s", seconds, repeats);
	row("resident, largest process", "MiB", megabytes, repeats);
	printf("  context switches of the target: %llu before, %llu after\n",
	       (unsigned long long)before, (unsigned long long)after);
	kill(crowd, SIGKILL);
	waitpid(crowd, NULL, 0);
	if (before != after)
		exit(1);
}

int main(int argc, char **argv)
{
	int fd, repeats = 7;
	struct utsname kernel;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "deadlock")) {
		stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED,
			     atoi(argv[2]), 0);
		if (stage == MAP_FAILED)
			die("mmap");
		deadlock((unsigned int)atoi(argv[3]));
		return 0;
	}
	if (argc > 1)
		repeats = atoi(argv[1]);
	if (repeats < 5 || repeats > MAX_REPEATS) {
		fprintf(stderr, "watch_bench: REPEATS from 5 to %d\n", MAX_REPEATS);
		return 2;
	}
	locklab = getenv("LOCKLAB");
	if (!locklab)
		locklab = ".output/locklab";
	if (geteuid()) {
		printf("skipped: watching with BPF needs root\n");
		return 4;
	}
	fd = memfd_create("watch_bench", 0);
	if (fd < 0 || ftruncate(fd, sizeof(*stage)))
		die("memfd_create");
	stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (stage == MAP_FAILED)
		die("mmap");
	uname(&kernel);
	printf("kernel %s, %ld CPUs\n", kernel.release, sysconf(_SC_NPROCESSORS_ONLN));
	bench_cost("Uncontended mutex, lock + unlock", uncontended_round, LOCKS, repeats);
	bench_cost("Futex hand-off, two threads on one CPU", hand_off_round, 2ull * HAND_OFFS,
		   repeats);
	bench_delay(fd, repeats);
	bench_crowd(repeats);
	return 0;
}
