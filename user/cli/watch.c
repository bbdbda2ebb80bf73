// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * locklab watch - keep looking: report each finding once and at once, sum up the contention at the
 * end
 *
 * Three processes. The command that is watched, if we start one. The looker, which looks, judges
 * and reports; a hostile target can make it hang, so everything that must outlive it (what was
 * reported already, the contention) lies in shared memory. And this one, which attends to both, to
 * signals and to the terminal, starts a looker anew without the process that the last one hung
 * with, and tells the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "contention.h"
#include "observe/events.h"
#include "report/report.h"

#define MAX_PID		 4194304ul
#define MAX_PIDS	 64
#define INTERVAL_MS	 60 /* with a look of a few ms, a deadlock is reported within 100 ms */
#define PROC_INTERVAL_MS 250
#define EVENTS_BETWEEN_NS \
	20000 /* the suspicion was a first look; so that a report takes less than 1 ms */
#define MIN_GAP_NS    500000ull /* between looks for suspicions that come to nothing; doubles */
#define DUTY	      4 /* a look that takes long is not repeated sooner than so many times that */
#define STUCK_NS      1000000000ull
#define END_NS	      5000000000ull /* how long a looker may take to end when told to */
#define MAX_REPORTED  4096
#define FIRST_SITE_NS 500000000ull
#define MAX_SITES     24
#define POLL_MS	      50

enum looker_state {
	LOOKER_STARTING,
	LOOKER_LOOKING
};

struct shared {
	struct look_progress progress;
	u32 looker_state;
	u32 stop; /* told to end */
	u32 gone; /* the looker found all targets gone */
	u32 faulty; /* something was found that counts */
	u32 nr_findings; /* reported, near-misses too */
	u32 unknown; /* the last look could not tell */
	u32 nr_sites; /* stacks taken for call sites */
	struct events_count events;
	u32 nr_reported; /* the newest MAX_REPORTED are kept */
	u64 reported[MAX_REPORTED];
	struct contention contention;
};

struct watch {
	u32 tgids[MAX_PIDS];
	u32 nr_tgids;
	char **command; /* NULL: -p */
	unsigned int interval_ms; /* 0 default */
	enum look_source source;
	bool events;
	bool json, verbose;
	bool exit_on_finding, kill_on_finding;
	double timeout_seconds;
	const char *output;
	FILE *out;
	enum cli_color color;
	struct report_style style;
	struct shared *shared;
	bool progress_line;
	struct events *probes; /* the looker's; NULL without --events */
};

static const char usage[] =
	"Usage: locklab watch [OPTION...] -p PID [-p PID...]\n"
	"       locklab watch [OPTION...] -- COMMAND [ARG...]\n"
	"\n"
	"Keep looking at processes and their children: report each deadlock, dead owner or stall once, when it is found, and sum up\n"
	"the contention at the end. Nothing is stopped, attached or slowed. Ends with the processes, or with Ctrl-C.\n"
	"\n"
	"  -p, --pid PID          a running process (may be given more than once)\n"
	"  -i, --interval MS      time between looks (60; 250 without BPF; more if a look takes long)\n"
	"  -e, --events           also be told by the scheduler: findings within 1 ms, and who used to wake whom; needs root, and costs\n"
	"                         the target something at each context switch\n"
	"  -1, --exit-on-finding  end when something is wrong; COMMAND stays as it is, for a debugger (--once is the same)\n"
	"  -k, --kill-on-finding  end when something is wrong, and kill COMMAND\n"
	"      --timeout SECONDS  end after so long\n"
	"  -j, --json             one JSON document a line: at each new finding, and at the end\n"
	"  -o, --output FILE      write there instead of to standard output\n"
	"      --source SOURCE    bpf (needs root) or proc; without it bpf where it can be had\n"
	"      --color WHEN       auto, always or never (auto: on a terminal, without NO_COLOR)\n"
	"  -v, --verbose          list every task in a report\n"
	"  -h, --help             this\n"
	"\n"
	"Under sudo COMMAND runs as the user who called sudo. A first Ctrl-C reaches COMMAND too, and watch waits for its end; a second\n"
	"one kills it.\n"
	"Exit status: 1 something found, 2 wrong usage, 3 could not look or could not tell; otherwise COMMAND's own, or 0.\n";

enum {
	OPTION_TIMEOUT = 256,
	OPTION_SOURCE,
	OPTION_COLOR,
};

static const struct option options[] = {
	{ "pid", required_argument, NULL, 'p' },
	{ "interval", required_argument, NULL, 'i' },
	{ "events", no_argument, NULL, 'e' },
	{ "exit-on-finding", no_argument, NULL, '1' },
	{ "once", no_argument, NULL, '1' },
	{ "kill-on-finding", no_argument, NULL, 'k' },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "json", no_argument, NULL, 'j' },
	{ "output", required_argument, NULL, 'o' },
	{ "source", required_argument, NULL, OPTION_SOURCE },
	{ "color", required_argument, NULL, OPTION_COLOR },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static void sleep_ns(u64 ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / 1000000000ull),
			      .tv_nsec = (long)(ns % 1000000000ull) };

	nanosleep(&t, NULL);
}

/* ---- the command line */

/* Return: -1 to go on, or the exit status. */
static int parse_option(struct watch *w, int c, int argc, char **argv)
{
	unsigned long number;

	switch (c) {
	case 'p':
		if (!cli_number(optarg, MAX_PID, &number))
			return cli_usage("watch", "-p %s: wants a process ID", optarg);
		if (w->nr_tgids == MAX_PIDS)
			return cli_usage("watch", "at most %d processes", MAX_PIDS);
		w->tgids[w->nr_tgids++] = (u32)number;
		return -1;
	case 'i':
		if (!cli_number(optarg, 3600000, &number))
			return cli_usage("watch", "--interval %s: wants milliseconds, from 1 on",
					 optarg);
		w->interval_ms = (unsigned int)number;
		return -1;
	case 'e':
		w->events = true;
		return -1;
	case '1':
		w->exit_on_finding = true;
		return -1;
	case 'k':
		w->kill_on_finding = true;
		return -1;
	case OPTION_TIMEOUT:
		if (!cli_seconds(optarg, &w->timeout_seconds))
			return cli_usage("watch", "--timeout %s: wants seconds, as in 2.5", optarg);
		return -1;
	case 'j':
		w->json = true;
		return -1;
	case 'o':
		w->output = optarg;
		return -1;
	case OPTION_SOURCE:
		if (!strcmp(optarg, "bpf"))
			w->source = LOOK_BPF;
		else if (!strcmp(optarg, "proc"))
			w->source = LOOK_PROC;
		else
			return cli_usage("watch", "--source %s: there are bpf and proc", optarg);
		return -1;
	case OPTION_COLOR:
		if (!cli_parse_color(optarg, &w->color))
			return cli_usage("watch", "--color %s: there are auto, always and never",
					 optarg);
		return -1;
	case 'v':
		w->verbose = true;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return 0;
	default:
		return cli_bad_option("watch", argc, argv, c);
	}
}

static int parse(struct watch *w, int argc, char **argv)
{
	int c, status;

	optind = 1;
	while ((c = getopt_long(argc, argv, "+:p:i:e1kjo:vh", options, NULL)) != -1) {
		status = parse_option(w, c, argc, argv);
		if (status >= 0)
			return status;
	}
	if (optind < argc)
		w->command = argv + optind;
	if (w->command && w->nr_tgids)
		return cli_usage("watch", "-p PID and a command: one of the two");
	if (!w->command && !w->nr_tgids)
		return cli_usage("watch", "nothing to watch: -p PID, or -- COMMAND");
	if (w->kill_on_finding && !w->command)
		return cli_usage("watch",
				 "--kill-on-finding is for a command that watch has started");
	return -1;
}

/* ---- the looker */

static u64 mix(u64 hash, u64 value)
{
	for (int i = 0; i < 8; i++) { /* FNV-1a */
		hash ^= value >> (8 * i) & 0xff;
		hash *= 0x100000001b3ull;
	}
	return hash;
}

/* The same for the same finding in a later look, however its tasks are listed. */
static u64 fingerprint(const struct lab_picture *p, const struct lab_finding *f)
{
	u64 sum = 0, start = 0xcbf29ce484222325ull;

	for (u32 i = 0; i < f->nr_tasks; i++) {
		const struct lab_task *t = &p->tasks[p->finding_tasks[f->first_task + i]];

		sum += mix(mix(start, t->tgid), t->tid);
	}
	for (u32 i = 0; i < f->nr_locks; i++) {
		const struct lab_lock *l = &p->locks[p->finding_locks[f->first_lock + i]];

		sum += mix(mix(mix(mix(start, l->space), l->space_a), l->space_b), l->address);
	}
	return mix(mix(start, f->kind), sum);
}

static bool is_reported(const struct shared *s, u64 print)
{
	u32 nr = s->nr_reported < MAX_REPORTED ? s->nr_reported : MAX_REPORTED;

	for (u32 i = 0; i < nr; i++)
		if (s->reported[i] == print)
			return true;
	return false;
}

/* All at once, so that no half of it is seen if we are killed. */
static void put(struct watch *w, const char *text, size_t len)
{
	if (w->progress_line)
		fputs("\r\033[K", stderr);
	fwrite(text, 1, len, w->out);
	fflush(w->out);
}

static void show_line(struct watch *w, const struct lab_picture *p, const struct lab_finding *f)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	report_line(out, p, f);
	fclose(out);
	put(w, text, len);
	free(text);
}

/*
 * Who used to end the wait of @task, if nobody is recorded to hold what it waits for? glibc's
 * condition variable and rwlock use neighbouring words in turn.
 */
static bool find_waker(struct watch *w, const struct look *look, const struct lab_picture *p,
		       u32 task, struct lab_waker *waker, u64 *uaddr)
{
	const struct lab_task_record *r = look_record(look, task);
	const struct lab_task *t = &p->tasks[task];

	if (!w->probes || !r || !t->nr_waits || p->locks[p->waits[t->first_wait].lock].nr_holds)
		return false;
	for (int i = 0; i < 3; i++) {
		static const int near[] = { 0, 4, -4 };

		*uaddr = r->args[0] + (u64)near[i];
		if (events_waker(w->probes, r->tgid, *uaddr, waker))
			return true;
	}
	return false;
}

static void history_text(struct watch *w, FILE *out, const struct look *look,
			 const struct lab_picture *p)
{
	u64 now = now_ns();

	for (u32 i = 0; i < p->nr_findings; i++)
		for (u32 j = 0; p->findings[i].asked && j < p->findings[i].nr_tasks; j++) {
			u32 task = p->finding_tasks[p->findings[i].first_task + j];
			struct lab_waker waker;
			u64 uaddr;

			if (!find_waker(w, look, p, task, &waker, &uaddr))
				continue;
			fprintf(out, "History: thread %u (", p->tasks[task].tid);
			report_escape(out, p->tasks[task].comm);
			fprintf(out,
				") waits at %#llx, where waiters were woken %llu times, the last time %.3f s ago by thread %u (",
				(unsigned long long)uaddr, (unsigned long long)waker.count,
				(now - waker.last_ns) / 1e9, waker.tid);
			waker.comm[sizeof(waker.comm) - 1] = 0;
			report_escape(out, waker.comm);
			fputs(").\n", out);
		}
}

static json_t *history_json(struct watch *w, const struct look *look, const struct lab_picture *p)
{
	json_t *list = json_array();

	for (u32 i = 0; i < p->nr_findings; i++)
		for (u32 j = 0; p->findings[i].asked && j < p->findings[i].nr_tasks; j++) {
			u32 task = p->finding_tasks[p->findings[i].first_task + j];
			struct lab_waker waker;
			char address[32];
			u64 uaddr;

			if (!find_waker(w, look, p, task, &waker, &uaddr))
				continue;
			snprintf(address, sizeof(address), "%#llx", (unsigned long long)uaddr);
			waker.comm[sizeof(waker.comm) - 1] = 0;
			json_array_append_new(
				list, json_pack("{s:i,s:s,s:i,s:i,s:o,s:I,s:I}", "waiter",
						(int)p->tasks[task].tid, "address", address, "tgid",
						(int)waker.tgid, "tid", (int)waker.tid, "comm",
						contention_string(waker.comm), "count",
						(json_int_t)waker.count, "ago_ns",
						(json_int_t)(now_ns() - waker.last_ns)));
		}
	return list;
}

/* The picture's own document, and the history beside it. */
static void picture_json(struct watch *w, FILE *out, const struct look *look,
			 const struct lab_picture *p)
{
	char *text = NULL;
	size_t len;
	FILE *plain;
	json_t *doc;

	if (!w->probes) {
		report_json(out, p, true);
		return;
	}
	plain = open_memstream(&text, &len);
	if (!plain)
		return;
	report_json(plain, p, true);
	fclose(plain);
	doc = json_loads(text, JSON_ALLOW_NUL, NULL);
	free(text);
	if (!doc)
		return;
	json_object_set_new(doc, "history", history_json(w, look, p));
	json_dumpf(doc, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(doc);
}

static void show_picture(struct watch *w, const struct look *look, const struct lab_picture *p)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	if (w->json) {
		picture_json(w, out, look, p);
	} else {
		report_text(out, p, &w->style);
		history_text(w, out, look, p);
	}
	fclose(out);
	put(w, text, len);
	free(text);
}

/* Return: whether one of them is a fault. */
static bool report(struct watch *w, struct look *look, const struct lab_picture **picture)
{
	const struct lab_picture *p = *picture;
	struct shared *s = w->shared;
	bool fault = false, fresh = false;

	for (u32 i = 0; i < p->nr_findings; i++) {
		const struct lab_finding *f = &p->findings[i];
		u64 print;

		if (!f->asked)
			continue;
		print = fingerprint(p, f);
		if (is_reported(s, print))
			continue;
		if (!w->json)
			show_line(w, p, f);
		s->reported[s->nr_reported++ % MAX_REPORTED] = print;
		s->nr_findings++;
		fresh = true;
		fault |= lab_finding_is_fault(f->kind);
	}
	if (!fresh)
		return false;
	if (fault)
		s->faulty = true;
	/* The line is out; stacks and names take their time. */
	if (!look_detail(look, picture)) {
		p = *picture;
		((struct lab_picture *)p)->mode = w->probes ? LAB_EVENTS : LAB_SAMPLED;
		((struct lab_picture *)p)->lost_events = s->events.lost;
		show_picture(w, look, p);
	}
	return fault;
}

/* A call site now and then, ever more seldom: it costs us, though not the target, more than the
 * looks do. */
static void find_site(struct watch *w, const struct look *look, const struct lab_picture *p,
		      u64 *next, u64 now)
{
	struct shared *s = w->shared;

	if (now < *next || s->nr_sites >= MAX_SITES)
		return;
	if (!contention_find_site(&s->contention, look, p, &s->progress))
		return;
	s->nr_sites++;
	*next = now + FIRST_SITE_NS * (1 + s->nr_sites / 2);
}

/*
 * Until the next look is due, or somebody is suspected. Suspicions that come to nothing (threads
 * that all sleep for a moment) make looks that come after each other ever more slowly; the gap is
 * closed again by a quiet time or by a finding.
 *
 * What the ring loses is no finding lost: what was suspected and is true stays so, and the next
 * look sees it.
 */
struct pace {
	u64 interval_ns, gap_ns;
	u64 last_suspicion;
};

static bool should_stop(const struct shared *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE);
}

/* Return: whether somebody is suspected. */
static bool await_next(struct watch *w, struct pace *pace, u64 begin, bool useful)
{
	u64 now = now_ns(), took = now - begin, end, slice = POLL_MS * 1000000ull;
	bool suspected = false;

	end = begin + (pace->interval_ns > DUTY * took ? pace->interval_ns : DUTY * took);
	if (w->probes) {
		u64 open = now + pace->gap_ns;

		for (; (now = now_ns()) < open && now < end && !should_stop(w->shared);)
			sleep_ns(open - now < slice ? open - now : slice);
	}
	while ((now = now_ns()) < end && !should_stop(w->shared)) {
		u64 rest = end - now < slice ? end - now : slice;

		if (!w->probes) {
			sleep_ns(rest);
			continue;
		}
		if (events_wait(w->probes, (int)((rest + 999999) / 1000000), NULL) > 0) {
			while (events_wait(w->probes, 0, NULL) > 0)
				;
			now = now_ns();
			if (useful || now - pace->last_suspicion > pace->interval_ns)
				pace->gap_ns = 0;
			else if (pace->gap_ns < pace->interval_ns)
				pace->gap_ns = pace->gap_ns ? 2 * pace->gap_ns : MIN_GAP_NS;
			pace->last_suspicion = now;
			suspected = true;
			break;
		}
	}
	if (w->probes)
		events_count(w->probes, &w->shared->events);
	return suspected;
}

static int look_on(struct watch *w, struct look *look)
{
	u64 last = 0, next_site = now_ns() + FIRST_SITE_NS;
	struct pace pace = { .interval_ns = w->interval_ms * 1000000ull };
	struct shared *s = w->shared;
	char why[512];

	if (!pace.interval_ns)
		pace.interval_ns =
			(look_source(look) == SNAPSHOT_BPF ? INTERVAL_MS : PROC_INTERVAL_MS) *
			1000000ull;
	/* The command waits for us and is not itself yet: this look only warms up. */
	if (w->command && s->looker_state == LOOKER_STARTING) {
		const struct lab_picture *p;

		look_once(look, &p, why, sizeof(why));
	}
	__atomic_store_n(&s->looker_state, LOOKER_LOOKING, __ATOMIC_RELEASE);
	for (;;) {
		const struct lab_picture *p;
		u32 nr_findings = s->nr_findings;
		u64 begin = now_ns();
		/* Asked for before the look: after the word comes one more look. */
		bool stop = should_stop(s);
		int err;

		err = look_once(look, &p, why, sizeof(why));
		if (err == -ESRCH) {
			if (!s->contention.samples && !w->command)
				return cli_unable("watch", "%s", why);
			s->gone = true;
			return 0;
		}
		if (err)
			return cli_unable("watch", "%s", why);
		s->unknown = p->verdict == LAB_UNKNOWN;
		if (report(w, look, &p) && (w->exit_on_finding || w->kill_on_finding))
			stop = true;
		contention_add(&s->contention, look, p, last ? begin - last : 0);
		last = begin;
		if (stop)
			return 0;
		find_site(w, look, p, &next_site, begin);
		if (await_next(w, &pace, begin, s->nr_findings != nr_findings))
			look_expect_finding(look);
	}
}

static int looker(struct watch *w)
{
	struct look_options look_options = {
		.tgids = w->tgids,
		.nr_tgids = w->nr_tgids,
		.descendants = true,
		.source = w->source,
		.stacks = true,
		.held = true,
		.later = true,
		.progress = &w->shared->progress,
	};
	char why[512];
	struct look *look;
	int status;

	if (w->events) {
		prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
		look_options.between_ns = EVENTS_BETWEEN_NS;
		look_options.near = true;
		w->probes = events_open(w->tgids, w->nr_tgids, 0, why, sizeof(why));
		if (!w->probes)
			return cli_unable("watch", "--events: %s", why);
	}
	look = look_open(&look_options, why, sizeof(why));
	if (!look) {
		events_close(w->probes);
		return cli_unable("watch", "%s", why);
	}
	status = look_on(w, look);
	look_close(look);
	events_close(w->probes);
	return status;
}

/* ---- the command */

struct child {
	pid_t pid;
	int pidfd; /* -1: none, or gone */
	int go; /* write end: closing it lets the command begin */
	int status;
};

/* Under sudo the command is the caller's, not root's. */
static int drop_to_caller(void)
{
	const char *uid = getenv("SUDO_UID"), *gid = getenv("SUDO_GID");
	struct passwd *who;
	unsigned long u, g;

	if (geteuid() || !uid || !cli_number(uid, UINT32_MAX - 1, &u))
		return 0;
	who = getpwuid((uid_t)u);
	if (!gid || !cli_number(gid, UINT32_MAX - 1, &g))
		g = who ? who->pw_gid : u;
	if (who ? initgroups(who->pw_name, (gid_t)g) : setgroups(0, NULL))
		return -errno;
	if (setresgid((gid_t)g, (gid_t)g, (gid_t)g) || setresuid((uid_t)u, (uid_t)u, (uid_t)u))
		return -errno;
	if (who) {
		setenv("HOME", who->pw_dir, 1);
		setenv("USER", who->pw_name, 1);
		setenv("LOGNAME", who->pw_name, 1);
	}
	return 0;
}

static void __attribute__((noreturn))
become_command(struct watch *w, int go, int failed, const sigset_t *mask)
{
	char byte;
	int err;

	/* End of file: whoever is to watch is ready. Nothing read and an error, or we died: then
	 * begin all the same. */
	while (read(go, &byte, 1) < 0 && errno == EINTR)
		;
	close(go);
	sigprocmask(SIG_SETMASK, mask, NULL);
	err = -drop_to_caller();
	if (!err) {
		execvp(w->command[0], w->command);
		err = errno;
	}
	if (write(failed, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

static int start_command(struct watch *w, struct child *c, int *failed, const sigset_t *mask)
{
	int go[2], fail[2];

	if (pipe2(go, O_CLOEXEC))
		return -errno;
	if (pipe2(fail, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return -errno;
	}
	fflush(NULL);
	c->pid = fork();
	if (!c->pid) {
		close(go[1]);
		close(fail[0]);
		become_command(w, go[0], fail[1], mask);
	}
	close(go[0]);
	close(fail[1]);
	c->go = go[1];
	*failed = fail[0];
	if (c->pid < 0)
		return -errno;
	c->pidfd = (int)syscall(SYS_pidfd_open, c->pid, 0);
	return c->pidfd < 0 ? -errno : 0;
}

/* Let it begin. Return: 0, or the error number that kept it from being executed. */
static int release_command(struct child *c, int failed)
{
	int err = 0;

	close(c->go);
	c->go = -1;
	if (read(failed, &err, sizeof(err)) != sizeof(err))
		err = 0;
	close(failed);
	return err;
}

static void reap_command(struct child *c)
{
	if (waitpid(c->pid, &c->status, 0) != c->pid)
		c->status = 0;
	close(c->pidfd);
	c->pidfd = -1;
}

static int command_status(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ---- attending */

struct attendant {
	struct watch *w;
	struct child command, looker;
	int signals;
	int nr_signals; /* how often we were asked to end */
	int looker_status;
	u64 begin, deadline, stop_at;
	u64 steps, since;
	u32 suspect;
	sigset_t mask; /* as it was */
};

static int start_looker(struct attendant *a)
{
	struct watch *w = a->w;

	w->shared->progress.tgid = 0;
	w->shared->progress.looking_map = 0;
	a->steps = 0;
	a->suspect = 0;
	fflush(NULL);
	a->looker.pid = fork();
	if (a->looker.pid < 0)
		return -errno;
	if (!a->looker.pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* Ctrl-C stays blocked here: it is for the one that attends, who says when to stop.
		 */
		if (a->command.go >= 0)
			close(a->command.go);
		_exit(looker(w));
	}
	a->looker.pidfd = (int)syscall(SYS_pidfd_open, a->looker.pid, 0);
	return a->looker.pidfd < 0 ? -errno : 0;
}

static void stop(struct attendant *a)
{
	if (!a->stop_at)
		a->stop_at = now_ns();
	__atomic_store_n(&a->w->shared->stop, 1, __ATOMIC_RELEASE);
}

/* Kills it. Return: false if it sleeps uninterruptibly and has to be left to init. */
static bool kill_looker(struct attendant *a)
{
	struct pollfd fd = { .fd = a->looker.pidfd, .events = POLLIN };

	kill(a->looker.pid, SIGKILL);
	if (poll(&fd, 1, 1000) > 0)
		waitpid(a->looker.pid, &a->looker.status, 0);
	close(a->looker.pidfd);
	a->looker.pidfd = -1;
	return fd.revents;
}

static bool looker_is_stuck(struct attendant *a, u64 now)
{
	const struct look_progress *progress = &a->w->shared->progress;
	u64 steps = __atomic_load_n(&progress->steps, __ATOMIC_RELAXED);
	u32 suspect = snapshotter_suspect(progress);

	if (steps != a->steps || suspect != a->suspect || !suspect) {
		a->steps = steps;
		a->suspect = suspect;
		a->since = now;
		return false;
	}
	return now - a->since > STUCK_NS;
}

static int skip_suspect(struct attendant *a)
{
	struct look_progress *progress = &a->w->shared->progress;

	kill_looker(a);
	if (progress->nr_skip == LOOK_MAX_SKIP)
		return cli_unable("watch",
				  "more than %d processes do not let themselves be looked at",
				  LOOK_MAX_SKIP);
	progress->skip[progress->nr_skip++] = a->suspect;
	if (start_looker(a))
		return cli_unable("watch", "fork: %s", strerror(errno));
	return 0;
}

static void on_signal(struct attendant *a)
{
	struct signalfd_siginfo info;

	if (read(a->signals, &info, sizeof(info)) != sizeof(info))
		return;
	a->nr_signals++;
	if (a->command.pidfd < 0) {
		stop(a);
		return;
	}
	/* The terminal has sent it to the whole foreground group, COMMAND included; anybody else to
	 * us alone. */
	if (a->nr_signals > 1)
		kill(a->command.pid, SIGKILL);
	else if (info.ssi_code != SI_KERNEL)
		kill(a->command.pid, (int)info.ssi_signo);
}

static void on_looker_end(struct attendant *a)
{
	waitpid(a->looker.pid, &a->looker.status, 0);
	close(a->looker.pidfd);
	a->looker.pidfd = -1;
}

static void show_progress(struct attendant *a, u64 now)
{
	const struct shared *s = a->w->shared;

	if (!a->w->progress_line || a->stop_at)
		return;
	fprintf(stderr, "\r\033[Kwatching %u%s: %.0f s, %llu looks, %u waiting for locks, %s",
		a->w->tgids[0], a->w->nr_tgids > 1 ? " and more" : "", (now - a->begin) / 1e9,
		(unsigned long long)s->contention.samples, s->contention.waiting_now,
		s->nr_findings ? "see above" : "nothing wrong so far");
	if (a->nr_signals)
		fputs("; waiting for the command to end, Ctrl-C again kills it", stderr);
}

/* Until all is over. Return: 0 or an exit status already explained. */
static int attend(struct attendant *a)
{
	u64 next_progress = 0;

	while (a->looker.pidfd >= 0) {
		struct pollfd fds[] = { { .fd = a->signals, .events = POLLIN },
					{ .fd = a->looker.pidfd, .events = POLLIN },
					{ .fd = a->command.pidfd, .events = POLLIN } };
		u64 now;
		int err;

		poll(fds, 3, POLL_MS);
		now = now_ns();
		if (fds[0].revents)
			on_signal(a);
		if (fds[1].revents) {
			on_looker_end(a);
			break;
		}
		if (a->command.pidfd >= 0 && fds[2].revents) {
			reap_command(&a->command);
			stop(a);
		}
		if (a->deadline && now >= a->deadline)
			stop(a);
		if (a->stop_at && now - a->stop_at > END_NS) {
			kill_looker(a);
			break;
		}
		if (looker_is_stuck(a, now)) {
			err = skip_suspect(a);
			if (err)
				return err;
		}
		if (now >= next_progress) {
			show_progress(a, now);
			next_progress = now + 500000000ull;
		}
	}
	return 0;
}

/* ---- the end */

static void end_json(struct watch *w, const struct child *command, bool unknown)
{
	const struct shared *s = w->shared;
	json_t *doc = json_pack("{s:i,s:s,s:s,s:I,s:[],s:[],s:[],s:[],s:b,s:i,s:o}", "locklab", 1,
				"mode", w->events ? "events" : "sampled", "verdict",
				s->faulty ? "found"
				: unknown ? "unknown"
					  : "none",
				"lost_events", (json_int_t)s->events.lost, "not_seen", "tasks",
				"locks", "findings", "end", 1, "reported", (int)s->nr_findings,
				"contention", contention_json(&s->contention));

	if (!doc)
		return;
	for (u32 i = 0; i < s->progress.nr_skip; i++) {
		char line[80];

		snprintf(line, sizeof(line),
			 "process %u: a look at its memory did not come back in time",
			 s->progress.skip[i]);
		json_array_append_new(json_object_get(doc, "not_seen"), json_string(line));
	}
	if (w->command && command->pidfd < 0)
		json_object_set_new(doc, "command_status",
				    json_integer(command_status(command->status)));
	json_dumpf(doc, w->out, JSON_COMPACT);
	fputc('\n', w->out);
	json_decref(doc);
}

static void end_text(struct watch *w, const struct child *command, bool unknown)
{
	const struct shared *s = w->shared;

	fputc('\n', w->out);
	if (w->command && command->pidfd < 0) {
		if (WIFSIGNALED(command->status))
			fprintf(w->out, "Command %u was ended by signal %d (%s).\n", command->pid,
				WTERMSIG(command->status), strsignal(WTERMSIG(command->status)));
		else
			fprintf(w->out, "Command %u ended with status %d.\n", command->pid,
				WEXITSTATUS(command->status));
	} else if (w->command) {
		fprintf(w->out, "Command %u is left as it is: kill %u ends it.\n", command->pid,
			command->pid);
	}
	for (u32 i = 0; i < s->progress.nr_skip; i++)
		fprintf(w->out,
			"Not seen: process %u: a look at its memory did not come back in time.\n",
			s->progress.skip[i]);
	fprintf(w->out, "%u finding%s reported%s.\n", s->nr_findings,
		s->nr_findings == 1 ? "" : "s",
		!s->nr_findings && unknown ? "; the last look could not tell" : "");
	if (w->events)
		fprintf(w->out, "Events: %llu suspicions, %llu lost (looks go on without them).\n",
			(unsigned long long)s->events.sent, (unsigned long long)s->events.lost);
	contention_text(w->out, &s->contention);
}

static int end(struct attendant *a)
{
	struct watch *w = a->w;
	const struct shared *s = w->shared;
	bool crashed =
		!WIFEXITED(a->looker.status) && !(WIFSIGNALED(a->looker.status) && a->stop_at);
	int looker_status = WIFEXITED(a->looker.status) ? WEXITSTATUS(a->looker.status) : 0;
	bool unknown = s->unknown || s->progress.nr_skip;

	if (w->progress_line)
		fputs("\r\033[K", stderr);
	if (crashed)
		looker_status = cli_unable(
			"watch", "the look was ended by signal %d: please report this as a bug",
			WTERMSIG(a->looker.status));
	/* Ended because it found something: the command is killed, or left to a debugger; otherwise
	 * it goes on without us. */
	if (a->command.pidfd >= 0 && (w->kill_on_finding || a->nr_signals)) {
		kill(a->command.pid, SIGKILL);
		reap_command(&a->command);
	} else if (a->command.pidfd >= 0 && looker_status) {
		/* We can not look, but it was started: its end is still ours to wait for. */
		reap_command(&a->command);
	}
	if (!looker_status || s->contention.samples) {
		if (w->json)
			end_json(w, &a->command, unknown);
		else
			end_text(w, &a->command, unknown);
		fflush(w->out);
	}
	if (s->faulty)
		return CLI_FOUND;
	if (looker_status)
		return looker_status;
	if (unknown)
		return CLI_UNABLE;
	return w->command && a->command.pidfd < 0 ? command_status(a->command.status)
						  : CLI_NOTHING_WRONG;
}

/* The looker is ready, or will never be. */
static void await_looker(struct attendant *a)
{
	while (__atomic_load_n(&a->w->shared->looker_state, __ATOMIC_ACQUIRE) == LOOKER_STARTING) {
		struct pollfd fd = { .fd = a->looker.pidfd, .events = POLLIN };

		if (poll(&fd, 1, 1) > 0)
			return;
	}
}

static int run(struct watch *w)
{
	struct attendant a = { .w = w, .begin = now_ns() };
	int failed = -1, status, err;
	sigset_t signals;

	a.command.pidfd = a.looker.pidfd = a.command.go = -1;
	if (w->timeout_seconds > 0)
		a.deadline = a.begin + (u64)(w->timeout_seconds * 1e9);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &a.mask);
	a.signals = signalfd(-1, &signals, SFD_CLOEXEC);

	if (w->command) {
		err = start_command(w, &a.command, &failed, &a.mask);
		if (err)
			return cli_unable("watch", "can not start a process: %s", strerror(-err));
		w->tgids[0] = (u32)a.command.pid;
		w->nr_tgids = 1;
	}
	err = start_looker(&a);
	if (err)
		return cli_unable("watch", "fork: %s", strerror(-err));
	if (w->command) {
		await_looker(&a);
		err = release_command(&a.command, failed);
		if (err) {
			kill_looker(&a);
			reap_command(&a.command);
			return cli_unable("watch", "can not run %s: %s", w->command[0],
					  strerror(err));
		}
	}
	status = attend(&a);
	if (a.looker.pidfd >= 0)
		kill_looker(&a);
	if (!status)
		status = end(&a);
	close(a.signals);
	sigprocmask(SIG_SETMASK, &a.mask, NULL);
	return status;
}

int cmd_watch(int argc, char **argv)
{
	struct watch w = { .out = stdout };
	int status = parse(&w, argc, argv);

	if (status >= 0)
		return status;
	for (u32 i = 0; i < w.nr_tgids; i++)
		if (kill((pid_t)w.tgids[i], 0) && errno == ESRCH)
			return cli_unable("watch", "no process %u", w.tgids[i]);
	if (w.output) {
		w.out = fopen(w.output, "we");
		if (!w.out)
			return cli_unable("watch", "can not write %s: %s", w.output,
					  strerror(errno));
	}
	w.style = (struct report_style){
		.color = cli_use_color(w.color, fileno(w.out)),
		.all_tasks = w.verbose,
		.width = cli_width(fileno(w.out)),
	};
	w.progress_line = isatty(STDERR_FILENO) && !w.json && !w.command;
	w.shared = mmap(NULL, sizeof(*w.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			-1, 0);
	if (w.shared == MAP_FAILED)
		return cli_unable("watch", "out of memory");
	status = run(&w);
	munmap(w.shared, sizeof(*w.shared));
	if (w.output && fclose(w.out))
		return cli_unable("watch", "can not write %s: %s", w.output, strerror(errno));
	return status;
}
