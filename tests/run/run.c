// SPDX-License-Identifier: GPL-2.0
/*
 * run - runs test suites, one after the other, and judges what they print
 *
 *	run -o OUTPUT [-s PATTERN]... [-t SECONDS] [-x FACTOR] [-u] SUITE...
 *
 * A suite is a program that prints KTAP (Documentation/dev-tools/ktap.rst): tests/core/wfg_test.c
 * stands for the program OUTPUT/tests/core/wfg_test made of it, tests/cli/bash_test.sh for itself,
 * NAME=COMMAND for a shell command. The source of a suite may carry one line with "suite:" in a
 * comment and after it any of
 *
 *	timeout=N	seconds until the watchdog ends it (default 120)
 *	live		looks at running programs or needs the kernel: not for sanitizers (see -u)
 *
 * What is not told apart by a plan is told apart here: a suite that dies, hangs, prints fewer
 * results than it planned, exits with an error although nothing failed, or leaves processes behind
 * has failed. Everything a suite starts is a descendant of this process (PR_SET_CHILD_SUBREAPER),
 * also what put itself into another group or session, so nothing of it survives its suite.
 *
 * The output is KTAP itself, so that a run can be a suite of another run. Its last line is "N
 * passed, N failed, N skipped". Exit status: 0 none failed, 1 something failed, 2 wrong usage or
 * nothing to run, 4 everything was skipped.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEFAULT_TIMEOUT_S 120
#define GRACE_MS	  2000 /* for processes that are just on their way out */
#define MAX_DETAILS	  60 /* lines of diagnostics kept for one failure */
#define MAX_LINE	  4096
#define SKIP_STATUS	  4

struct details {
	char *lines[MAX_DETAILS]; /* the last ones, as a ring */
	unsigned int nr; /* ever added */
};

struct failure {
	char *what;
	struct details details;
	const char *log;
	struct failure *next;
};

struct suite {
	char name[256];
	char command[PATH_MAX + 64];
	char log[PATH_MAX];
	unsigned int timeout_s;
	bool live;
	bool is_shell;

	long plan; /* -1: none seen */
	bool bailed_out;
	unsigned int passed, failed, skipped;
	char skip_reason[512];
	struct details details; /* since the last result */
	char line[MAX_LINE];
	size_t len;
	FILE *log_file;
};

struct totals {
	unsigned int passed, failed, skipped;
	struct failure *failures, **end;
};

static struct totals totals = { .end = &totals.failures };
static int signal_fd = -1;

static u_int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u_int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void die(int status, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));
static void die(int status, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, format);
	fputs("run: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(status);
}

/*
 * Suites show what hostile programs print: nothing of it may reach a terminal as a control
 * sequence.
 */
static void put_safe(const char *s)
{
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '\t' || c >= 0x80 || isprint(c))
			putchar(c);
		else
			printf("\\x%02x", c);
	}
}

static void details_add(struct details *d, const char *line)
{
	char **slot = &d->lines[d->nr++ % MAX_DETAILS];

	free(*slot);
	*slot = strdup(line);
}

static void details_drop(struct details *d)
{
	for (unsigned int i = 0; i < MAX_DETAILS; i++)
		free(d->lines[i]);
	memset(d, 0, sizeof(*d));
}

static void details_print(const struct details *d)
{
	unsigned int first = d->nr > MAX_DETAILS ? d->nr - MAX_DETAILS : 0;

	if (first)
		printf("#     (%u lines before these are in the log)\n", first);
	for (unsigned int i = first; i < d->nr; i++) {
		const char *line = d->lines[i % MAX_DETAILS];

		printf("#     ");
		put_safe(line ? line + strspn(line, "# ") : "");
		putchar('\n');
	}
}

static void result(struct suite *s, const char *verdict, const char *name, const char *directive)
{
	unsigned int nr = totals.passed + totals.failed + totals.skipped;

	printf("%s %u %s: ", verdict, nr, s->name);
	put_safe(*name ? name : "(no name)");
	if (*directive) {
		printf(" # ");
		put_safe(directive);
	}
	putchar('\n');
	fflush(stdout);
}

static void pass(struct suite *s, const char *name)
{
	s->passed++;
	totals.passed++;
	result(s, "ok", name, "");
	details_drop(&s->details);
}

static void skip(struct suite *s, const char *name, const char *directive)
{
	s->skipped++;
	totals.skipped++;
	result(s, "ok", name, directive);
	details_drop(&s->details);
}

static void fail(struct suite *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void fail(struct suite *s, const char *format, ...)
{
	struct failure *f = calloc(1, sizeof(*f));
	char what[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);

	s->failed++;
	totals.failed++;
	result(s, "not ok", what, "");
	if (!f || asprintf(&f->what, "%s: %s", s->name, what) < 0)
		die(2, "no memory");
	f->details = s->details;
	memset(&s->details, 0, sizeof(s->details));
	f->log = strdup(s->log);
	*totals.end = f;
	totals.end = &f->next;
}

/* "ok 3 - name # SKIP why", as in KTAP and TAP 13; @rest is what comes after "ok" or "not ok". */
static void read_result(struct suite *s, char *rest, bool ok)
{
	char *directive;

	rest += strspn(rest, " ");
	rest += strspn(rest, "0123456789");
	rest += strspn(rest, " ");
	if (rest[0] == '-' && rest[1] == ' ')
		rest += 2;
	directive = strstr(rest, "# ");
	while (directive) {
		char *word = directive + 1 + strspn(directive + 1, " ");

		if (!strncasecmp(word, "SKIP", 4) || !strncasecmp(word, "XFAIL", 5) ||
		    !strncasecmp(word, "XPASS", 5) || !strncasecmp(word, "TODO", 4)) {
			for (char *end = directive; end > rest && end[-1] == ' '; end--)
				end[-1] = '\0';
			*directive = '\0';
			directive = word;
			break;
		}
		directive = strstr(directive + 1, "# ");
	}
	if (!directive)
		directive = "";

	if (!ok)
		fail(s, "%s", rest);
	else if (!strncasecmp(directive, "XPASS", 5))
		fail(s, "%s # %s: passed, but is marked as failing", rest, directive);
	else if (*directive && !directive[4 + strspn(directive + 4, " ")] &&
		 !strncasecmp(directive, "SKIP", 4))
		fail(s, "%s # SKIP without a reason", rest);
	else if (*directive)
		skip(s, rest, directive);
	else
		pass(s, rest);
}

static void read_line(struct suite *s)
{
	char *line = s->line;
	char *end;

	s->line[s->len] = '\0';
	s->len = 0;
	if (!strncmp(line, "ok ", 3)) {
		read_result(s, line + 3, true);
	} else if (!strncmp(line, "not ok ", 7)) {
		read_result(s, line + 7, false);
	} else if (!strncmp(line, "1..", 3) && isdigit((unsigned char)line[3])) {
		s->plan = strtol(line + 3, &end, 10);
		end += strspn(end, " #");
		if (!strncasecmp(end, "SKIP", 4))
			snprintf(s->skip_reason, sizeof(s->skip_reason), "%s",
				 end + 4 + strspn(end + 4, " "));
	} else if (!strncmp(line, "Bail out!", 9)) {
		s->bailed_out = true;
		details_add(&s->details, line);
	} else {
		details_add(&s->details, line);
	}
}

static void read_bytes(struct suite *s, const char *bytes, size_t nr)
{
	fwrite(bytes, 1, nr, s->log_file);
	for (size_t i = 0; i < nr; i++) {
		if (bytes[i] == '\n')
			read_line(s);
		/* the rest of an endless line is in the log only */
		else if (s->len < sizeof(s->line) - 1)
			s->line[s->len++] = bytes[i] ?: '?';
	}
}

/* What is there now. Return: false at the end of the output. */
static bool read_output(struct suite *s, int fd)
{
	char bytes[65536];
	ssize_t nr;

	for (;;) {
		nr = read(fd, bytes, sizeof(bytes));
		if (nr > 0)
			read_bytes(s, bytes, nr);
		else if (nr < 0 && errno == EINTR)
			continue;
		else
			return nr < 0 && errno == EAGAIN;
	}
}

static void read_file(pid_t pid, const char *file, char *buffer, size_t size)
{
	char path[64];
	ssize_t nr = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		nr = read(fd, buffer, size - 1);
		close(fd);
	}
	buffer[nr > 0 ? nr : 0] = '\0';
	buffer[strcspn(buffer, "\n")] = '\0';
}

/*
 * Visit the descendants of @pid that live, children last. A process that is reparented to us while
 * we walk is met in the next round: callers repeat until there are none.
 */
static unsigned int visit_descendants(pid_t pid, void (*visit)(pid_t, void *), void *arg)
{
	char path[64], *word, *save;
	char *children = NULL;
	unsigned int nr = 0;
	size_t size = 0;
	struct dirent *e;
	FILE *f;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", pid, e->d_name);
		f = fopen(path, "re");
		if (!f)
			continue;
		if (getdelim(&children, &size, '\0', f) > 0) {
			for (word = strtok_r(children, " \n", &save); word;
			     word = strtok_r(NULL, " \n", &save)) {
				pid_t child = atoi(word);

				if (child <= 0)
					continue;
				nr += visit_descendants(child, visit, arg);
				nr++;
				visit(child, arg);
			}
		}
		fclose(f);
	}
	free(children);
	if (d)
		closedir(d);
	return nr;
}

static void visit_nothing(pid_t pid, void *arg)
{
}

static void visit_kill(pid_t pid, void *arg)
{
	kill(pid, SIGKILL);
}

static void visit_describe(pid_t pid, void *arg)
{
	char line[512], comm[64], stat[256], wchan[64];
	const char *state;

	read_file(pid, "comm", comm, sizeof(comm));
	read_file(pid, "stat", stat, sizeof(stat));
	read_file(pid, "wchan", wchan, sizeof(wchan));
	state = strrchr(stat, ')');
	snprintf(line, sizeof(line), "process %d (%s), state %c, %s", pid, comm,
		 state && state[1] ? state[2] : '?', wchan);
	details_add(arg, line);
}

static void reap(void)
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

/*
 * Every descendant dies; those that cannot yet (state D) are waited for up to @ms. Return: those
 * that are left.
 */
static unsigned int end_all(unsigned int ms)
{
	u_int64_t end = now_ms() + ms;
	unsigned int left;

	for (;;) {
		left = visit_descendants(getpid(), visit_kill, NULL);
		reap();
		if (!left || now_ms() >= end)
			return left;
		poll(NULL, 0, 5);
	}
}

/* Ctrl-C: what we started ends with us. */
static void check_signals(void)
{
	struct signalfd_siginfo info;

	if (read(signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	end_all(GRACE_MS);
	fflush(stdout);
	fprintf(stderr, "run: ended by signal %u\n", info.ssi_signo);
	_exit(128 + info.ssi_signo);
}

static pid_t start(struct suite *s, int *out)
{
	sigset_t none;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC))
		die(2, "pipe: %s", strerror(errno));
	fflush(stdout);
	fflush(s->log_file);
	pid = fork();
	if (pid < 0)
		die(2, "fork: %s", strerror(errno));
	if (!pid) {
		int null = open("/dev/null", O_RDONLY);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		setsid();
		dup2(null, 0);
		dup2(fds[1], 1);
		dup2(fds[1], 2);
		if (s->is_shell)
			execl("/bin/sh", "sh", "-c", s->command, NULL);
		else
			execl(s->command, s->command, NULL);
		fprintf(stderr, "can not run %s: %s\n", s->command, strerror(errno));
		_exit(127);
	}
	close(fds[1]);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*out = fds[0];
	return pid;
}

/* How the suite itself ended, after all of its output was read. */
static void judge_end(struct suite *s, int status)
{
	unsigned int results = s->passed + s->failed + s->skipped;
	const char *last = NULL;

	if (WIFSIGNALED(status)) {
		fail(s, "the suite was killed by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
		return;
	}
	status = WEXITSTATUS(status);
	if (s->bailed_out) {
		fail(s, "the suite bailed out");
		return;
	}
	if (!results && (s->plan == 0 || (s->plan < 0 && status == SKIP_STATUS))) {
		if (s->details.nr)
			last = s->details.lines[(s->details.nr - 1) % MAX_DETAILS];
		if (!*s->skip_reason && last)
			snprintf(s->skip_reason, sizeof(s->skip_reason), "%s",
				 last + strspn(last, "# "));
		if (status && status != SKIP_STATUS) {
			fail(s, "the suite exited with %d and no result", status);
		} else if (!*s->skip_reason) {
			fail(s, "the suite ran no test and gave no reason");
		} else {
			char directive[600];

			snprintf(directive, sizeof(directive), "SKIP %s", s->skip_reason);
			skip(s, "all of it", directive);
		}
		return;
	}
	if (s->plan < 0)
		fail(s, "the suite printed no plan (\"1..N\"); it exited with %d after %u results",
		     status, results);
	else if (s->plan != results)
		fail(s, "the suite planned %ld results and printed %u; it exited with %d", s->plan,
		     results, status);
	else if (status && status != SKIP_STATUS && !s->failed)
		fail(s, "the suite exited with %d although none of its tests failed", status);
	else if (status == SKIP_STATUS && !s->skipped && !s->failed)
		fail(s, "the suite exited with %d (skip) although it skipped nothing", status);
}

static void run(struct suite *s)
{
	u_int64_t started = now_ms(), end = started + s->timeout_s * 1000ull, left;
	bool timed_out = false, open_ended = true;
	unsigned int remaining;
	int fd, pid_fd, status;
	double seconds;
	pid_t pid;

	s->log_file = fopen(s->log, "we");
	if (!s->log_file)
		die(2, "%s: %s", s->log, strerror(errno));
	s->plan = -1;
	pid = start(s, &fd);
	pid_fd = syscall(SYS_pidfd_open, pid, 0);
	if (pid_fd < 0)
		die(2, "pidfd_open: %s", strerror(errno));

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = pid_fd, .events = POLLIN },
			{ .fd = open_ended ? fd : -1, .events = POLLIN },
		};
		u_int64_t t = now_ms();

		if (t >= end) {
			timed_out = true;
			break;
		}
		left = end - t;
		if (poll(fds, 3, left > 1000000 ? 1000000 : (int)left) < 0 && errno != EINTR)
			die(2, "poll: %s", strerror(errno));
		if (fds[0].revents)
			check_signals();
		if (fds[2].revents)
			open_ended = read_output(s, fd);
		if (fds[1].revents)
			break;
	}
	if (timed_out) {
		struct details processes = { 0 };

		visit_descendants(getpid(), visit_describe, &processes);
		read_output(s, fd);
		for (unsigned int i = 0; i < processes.nr && i < MAX_DETAILS; i++)
			details_add(&s->details, processes.lines[i]);
		details_drop(&processes);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid)
		die(2, "waitpid: %s", strerror(errno));
	if (open_ended)
		read_output(s, fd);
	if (timed_out) {
		fail(s, "the suite hung: its watchdog ended it after %u s", s->timeout_s);
	} else {
		if (s->len)
			read_line(s);
		judge_end(s, status);
		/* Somebody may be just about to exit. Whoever does not is left behind. */
		end = now_ms() + GRACE_MS;
		do {
			reap();
			remaining = visit_descendants(getpid(), visit_nothing, NULL);
		} while (remaining && now_ms() < end && poll(NULL, 0, 5) == 0);
		if (remaining) {
			visit_descendants(getpid(), visit_describe, &s->details);
			fail(s, "the suite left %u processes behind", remaining);
		}
	}
	if (end_all(GRACE_MS))
		fail(s, "a process of the suite can not be killed");
	close(fd);
	close(pid_fd);
	fclose(s->log_file);
	details_drop(&s->details);

	seconds = (now_ms() - started) / 1000.0;
	printf("# %s: %u passed, %u failed, %u skipped in %.1f s\n", s->name, s->passed, s->failed,
	       s->skipped, seconds);
	fflush(stdout);
}

static void read_settings(struct suite *s, const char *source)
{
	char line[1024], *words;
	FILE *f = fopen(source, "re");

	if (!f)
		die(2, "%s: %s", source, strerror(errno));
	while (fgets(line, sizeof(line), f)) {
		words = line + strspn(line, "/*# \t");
		if (words == line || strncmp(words, "suite:", 6))
			continue;
		for (char *save, *word = strtok_r(words + 6, " \t\n*/", &save); word;
		     word = strtok_r(NULL, " \t\n*/", &save)) {
			if (!strcmp(word, "live"))
				s->live = true;
			else if (sscanf(word, "timeout=%u", &s->timeout_s) != 1 || !s->timeout_s)
				die(2, "%s: '%s' is no suite setting; known are timeout=N and live",
				    source, word);
		}
		break;
	}
	fclose(f);
}

static bool ends_with(const char *s, const char *end)
{
	size_t len = strlen(s), end_len = strlen(end);

	return len >= end_len && !strcmp(s + len - end_len, end);
}

static void setup(struct suite *s, const char *arg, const char *output, unsigned int timeout_s)
{
	const char *equals = strchr(arg, '=');
	const char *name = strncmp(arg, "tests/", 6) ? arg : arg + 6;
	char *slash;

	memset(s, 0, sizeof(*s));
	s->timeout_s = timeout_s;
	if (equals) {
		snprintf(s->name, sizeof(s->name), "%.*s", (int)(equals - arg), arg);
		snprintf(s->command, sizeof(s->command), "%s", equals + 1);
		if (sscanf(s->name, "%*[^@]@%u", &s->timeout_s) == 1)
			s->name[strcspn(s->name, "@")] = '\0';
		s->is_shell = true;
		s->live = true;
	} else if (ends_with(arg, "_test.sh")) {
		snprintf(s->name, sizeof(s->name), "%.*s", (int)(strlen(name) - strlen("_test.sh")),
			 name);
		snprintf(s->command, sizeof(s->command), "%s%s", *arg == '/' ? "" : "./", arg);
		read_settings(s, arg);
		s->live = true;
	} else if (ends_with(arg, "_test.c")) {
		snprintf(s->name, sizeof(s->name), "%.*s", (int)(strlen(name) - strlen("_test.c")),
			 name);
		snprintf(s->command, sizeof(s->command), "%s/%.*s", output, (int)(strlen(arg) - 2),
			 arg);
		read_settings(s, arg);
	} else {
		die(2, "%s: a suite is *_test.c, *_test.sh or NAME=COMMAND", arg);
	}
	snprintf(s->log, sizeof(s->log), "%s/tests/logs/%s", output, s->name);
	for (slash = s->log + strlen(output) + strlen("/tests/logs/"); *slash; slash++)
		if (*slash == '/')
			*slash = '-';
	strncat(s->log, ".log", sizeof(s->log) - strlen(s->log) - 1);
}

/* "core/wfg", "core/w*", "core" for all in that folder, "wfg" wherever it is. */
static bool is_selected(const char *name, const char *pattern)
{
	const char *base = strrchr(name, '/');
	size_t len = strlen(pattern);

	return !fnmatch(pattern, name, 0) || (base && !fnmatch(pattern, base + 1, 0)) ||
	       (!strncmp(name, pattern, len) && name[len] == '/');
}

int main(int argc, char **argv)
{
	unsigned int timeout_s = DEFAULT_TIMEOUT_S, nr_patterns = 0, nr_run = 0, nr;
	bool no_live = false;
	unsigned int factor = 1;
	const char *output = NULL;
	const char *patterns[64];
	char path[PATH_MAX];
	u_int64_t started = now_ms();
	struct suite *s;
	sigset_t signals;
	int opt;

	while ((opt = getopt(argc, argv, "o:s:t:x:u")) != -1) {
		switch (opt) {
		case 'o':
			output = optarg;
			break;
		case 's':
			for (char *save, *p = strtok_r(optarg, " ,", &save); p;
			     p = strtok_r(NULL, " ,", &save))
				if (nr_patterns < 64)
					patterns[nr_patterns++] = p;
			break;
		case 't':
			timeout_s = atoi(optarg);
			break;
		case 'x':
			/*
			 * A slower machine (an emulated one): every watchdog waits so many times
			 * longer.
			 */
			factor = atoi(optarg);
			break;
		case 'u':
			no_live = true;
			break;
		default:
			output = NULL;
			argc = 0;
		}
	}
	if (!output || optind >= argc || !timeout_s || !factor)
		die(2,
		    "usage: run -o OUTPUT [-s PATTERN]... [-t SECONDS] [-x FACTOR] [-u] SUITE...");
	snprintf(path, sizeof(path), "%s/tests", output);
	mkdir(path, 0777);
	snprintf(path, sizeof(path), "%s/tests/logs", output);
	if (mkdir(path, 0777) && errno != EEXIST)
		die(2, "%s: %s", path, strerror(errno));

	s = malloc(sizeof(*s));
	if (!s || prctl(PR_SET_CHILD_SUBREAPER, 1))
		die(2, "can not become a subreaper: %s", strerror(errno));
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);

	printf("TAP version 13\n");
	for (int i = optind; i < argc; i++) {
		bool selected = !nr_patterns;

		setup(s, argv[i], output, timeout_s);
		s->timeout_s *= factor;
		for (unsigned int p = 0; p < nr_patterns; p++)
			selected |= is_selected(s->name, patterns[p]);
		if (!selected || (no_live && s->live))
			continue;
		run(s);
		nr_run++;
	}
	nr = totals.passed + totals.failed + totals.skipped;
	printf("1..%u\n", nr);
	if (totals.failures)
		printf("# failed:\n");
	for (struct failure *f = totals.failures; f; f = f->next) {
		printf("#   ");
		put_safe(f->what);
		putchar('\n');
		details_print(&f->details);
		printf("#     full log: %s\n", f->log);
	}
	printf("# %u suites in %.1f s\n", nr_run, (now_ms() - started) / 1000.0);
	if (!nr_run) {
		printf("# no suite matches; there are:");
		for (int i = optind; i < argc; i++) {
			setup(s, argv[i], output, timeout_s);
			printf(" %s", s->name);
		}
		putchar('\n');
	}
	printf("%u passed, %u failed, %u skipped\n", totals.passed, totals.failed, totals.skipped);
	if (totals.failed)
		return 1;
	if (totals.skipped && !totals.passed)
		return SKIP_STATUS;
	return totals.passed ? 0 : 2;
}
