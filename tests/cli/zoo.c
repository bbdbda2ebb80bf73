// SPDX-License-Identifier: GPL-2.0
#include "zoo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WATCHDOG_S 60 /* for a program to get where it gets stuck */
#define SPIN_TICKS 5 /* 50 ms at USER_HZ */

static char reason[512];
static unsigned int complaints;

void zoo_complain(const char *format, ...)
{
	va_list args;

	complaints++;
	fputs("# ", stdout);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

unsigned int zoo_complaints(void)
{
	return complaints;
}

const char *zoo_reason(void)
{
	return reason;
}

static double now_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void poll_pause(void)
{
	struct timespec t = { .tv_nsec = 3000000 };

	nanosleep(&t, NULL);
}

bool zoo_word(const char **list, const char **word, size_t *len)
{
	const char *p = *list;

	while (p && *p == ' ')
		p++;
	if (!p || !*p)
		return false;
	*word = p;
	*len = strcspn(p, " ");
	*list = p + *len;
	return true;
}

bool zoo_matches(const char *value, const char *alternatives, size_t len)
{
	const char *end = alternatives + len;

	for (const char *p = alternatives; p < end;) {
		const char *bar = memchr(p, '|', (size_t)(end - p));
		size_t n = (size_t)((bar ? bar : end) - p);

		if (n == 1 && *p == '*')
			return true;
		if (value && strlen(value) == n && !memcmp(value, p, n))
			return true;
		p += n + 1;
	}
	return false;
}

static bool has_word(const char *list, const char *name)
{
	const char *word;
	size_t len;

	while (zoo_word(&list, &word, &len)) {
		if (strlen(name) == len && !memcmp(word, name, len))
			return true;
	}
	return false;
}

/* ---- paths */

const char *zoo_output_path(const char *below, char *buffer, size_t size)
{
	const char *output = getenv("LOCKLAB_OUTPUT");
	char self[PATH_MAX];
	ssize_t n;

	if (output) {
		if ((size_t)snprintf(buffer, size, "%s/%s", output, below) >= size)
			buffer[0] = 0;
		return buffer;
	}
	/* We are OUTPUT/tests/cli/X_test. */
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	self[n > 0 ? n : 0] = 0;
	for (int i = 0; i < 3; i++) {
		char *slash = strrchr(self, '/');

		if (slash)
			*slash = 0;
	}
	if ((size_t)snprintf(buffer, size, "%s/%s", self, below) >= size)
		buffer[0] = 0;
	return buffer;
}

const char *zoo_locklab(void)
{
	static char path[PATH_MAX];

	if (getenv("LOCKLAB"))
		return getenv("LOCKLAB");
	return zoo_output_path("locklab", path, sizeof(path));
}

/* ---- /proc */

static char *read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return NULL;
	n = read(fd, buffer, size - 1);
	close(fd);
	if (n <= 0)
		return NULL;
	buffer[n] = 0;
	return buffer;
}

static bool read_thread(struct zoo_thread *t, pid_t tgid, pid_t tid)
{
	char path[64], text[4096], *p;
	unsigned long long user;
	long parent;

	*t = (struct zoo_thread){ .tgid = tgid, .tid = tid };
	snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)tgid, (int)tid);
	if (!read_file(path, text, sizeof(text)))
		return false;
	p = strrchr(text, ')');
	if (!p || sscanf(p, ") %c %ld %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu", &t->state, &parent,
			 &user) != 3)
		return false;
	t->ppid = (pid_t)parent;
	t->user_ticks = user;
	*p = 0;
	p = strchr(text, '(');
	snprintf(t->comm, sizeof(t->comm), "%.15s", p ? p + 1 : "");
	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", (int)tgid, (int)tid);
	if (!read_file(path, text, sizeof(text)))
		return false;
	p = strstr(text, "\nTracerPid:");
	t->tracer = p ? atoi(p + 11) : 0;
	p = strstr(text, "\nvoluntary_ctxt_switches:");
	t->switches = p ? strtoull(p + 25, NULL, 10) : 0;
	p = strstr(text, "\nnonvoluntary_ctxt_switches:");
	t->switches += p ? strtoull(p + 28, NULL, 10) : 0;
	return true;
}

static int add_process(struct zoo_tree *tree, pid_t tgid)
{
	char path[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)tgid);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (tree->nr == tree->capacity) {
			size_t capacity = tree->capacity ? 2 * tree->capacity : 64;
			void *threads = realloc(tree->threads, capacity * sizeof(*tree->threads));

			if (!threads) {
				closedir(dir);
				return -ENOMEM;
			}
			tree->threads = threads;
			tree->capacity = capacity;
		}
		if (read_thread(&tree->threads[tree->nr], tgid, atoi(entry->d_name)))
			tree->nr++;
	}
	closedir(dir);
	return 0;
}

static int by_ids(const void *a, const void *b)
{
	const struct zoo_thread *x = a, *y = b;

	if (x->tgid != y->tgid)
		return x->tgid < y->tgid ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

int zoo_tree_take(struct zoo_tree *tree, pid_t root)
{
	struct {
		pid_t pid, ppid;
	} *all = NULL;
	size_t nr = 0, capacity = 0;
	struct dirent *entry;
	DIR *dir = opendir("/proc");
	pid_t *queue;
	size_t head = 0, tail = 0;
	int ret = 0;

	tree->nr = 0;
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		struct zoo_thread t;
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 || !read_thread(&t, pid, pid))
			continue;
		if (nr == capacity) {
			void *more;

			capacity = capacity ? 2 * capacity : 256;
			more = realloc(all, capacity * sizeof(*all));
			if (!more)
				break;
			all = more;
		}
		all[nr].pid = pid;
		all[nr++].ppid = t.ppid;
	}
	closedir(dir);
	queue = calloc(nr + 1, sizeof(*queue));
	if (!queue) {
		free(all);
		return -ENOMEM;
	}
	queue[tail++] = root;
	while (head < tail && !ret) {
		ret = add_process(tree, queue[head]);
		for (size_t i = 0; i < nr && tail < nr; i++) {
			if (all[i].ppid == queue[head])
				queue[tail++] = all[i].pid;
		}
		head++;
	}
	free(queue);
	free(all);
	if (tree->nr)
		qsort(tree->threads, tree->nr, sizeof(*tree->threads), by_ids);
	return ret;
}

void zoo_tree_free(struct zoo_tree *tree)
{
	free(tree->threads);
	*tree = (struct zoo_tree){ 0 };
}

const struct zoo_thread *zoo_by_name(const struct zoo_tree *tree, const char *name, size_t len)
{
	for (size_t i = 0; i < tree->nr; i++) {
		if (strlen(tree->threads[i].comm) == len &&
		    !memcmp(tree->threads[i].comm, name, len))
			return &tree->threads[i];
	}
	return NULL;
}

const struct zoo_thread *zoo_by_tid(const struct zoo_tree *tree, pid_t tid)
{
	for (size_t i = 0; i < tree->nr; i++) {
		if (tree->threads[i].tid == tid)
			return &tree->threads[i];
	}
	return NULL;
}

/* ---- programs */

static bool become(uid_t uid)
{
	return !uid || (!setresgid(uid, uid, uid) && !setresuid(uid, uid, uid));
}

static void split(const char *args, char *storage, size_t size, char **argv, size_t nr)
{
	char *save = NULL;

	snprintf(storage, size, "%s", args ? args : "");
	for (char *word = strtok_r(storage, " ", &save); word && nr < ZOO_MOST_ARGS - 1;
	     word = strtok_r(NULL, " ", &save))
		argv[nr++] = word;
	argv[nr] = NULL;
}

int zoo_start(struct zoo *z, const char *program, const char *args, uid_t uid)
{
	char path[PATH_MAX], words[512], below[PATH_MAX];
	char *argv[ZOO_MOST_ARGS];
	pid_t parent = getpid();
	int ends[2], null;

	*z = (struct zoo){ .uid = uid, .errors = -1 };
	snprintf(below, sizeof(below), "tests/%s", program);
	if (program[0] == '/')
		snprintf(path, sizeof(path), "%s", program);
	else
		zoo_output_path(below, path, sizeof(path));
	argv[0] = path;
	split(args, words, sizeof(words), argv, 1);
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	z->pid = fork();
	if (z->pid < 0)
		return -errno;
	if (!z->pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, 0);
		dup2(null, 1);
		dup2(ends[1], 2);
		/*
		 * Our own group would be killed as a whole by the harness' watchdog anyway; a new
		 * one keeps signals apart.
		 */
		setpgid(0, 0);
		if (!become(uid))
			_exit(126);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(126);
		execv(path, argv);
		dprintf(2, "%s: %s\n", path, strerror(errno));
		_exit(uid && errno == EACCES ? 4 : 127);
	}
	close(ends[1]);
	z->errors = ends[0];
	return 0;
}

/* What it said when it ended. */
static enum zoo_outcome ended(struct zoo *z, int status)
{
	char text[400] = "";
	ssize_t n = read(z->errors, text, sizeof(text) - 1);

	if (n > 0)
		text[n] = 0;
	text[strcspn(text, "\n")] = 0;
	z->pid = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 4) {
		snprintf(reason, sizeof(reason), "%s", text);
		return ZOO_LACKS;
	}
	snprintf(reason, sizeof(reason), "ended with wait status 0x%x: %s", (unsigned int)status,
		 text);
	return ZOO_FAILED;
}

static bool all_named(const struct zoo_tree *tree, const char *names)
{
	const char *word;
	size_t len;

	while (zoo_word(&names, &word, &len)) {
		if (!zoo_by_name(tree, word, len)) {
			snprintf(reason, sizeof(reason), "no thread '%.*s' after %d s", (int)len,
				 word, WATCHDOG_S);
			return false;
		}
	}
	return true;
}

static bool hangs(const struct zoo_tree *before, const struct zoo_tree *now, const char *spinners)
{
	if (before->nr != now->nr)
		return false;
	for (size_t i = 0; i < now->nr; i++) {
		const struct zoo_thread *a = &before->threads[i], *b = &now->threads[i];

		if (a->tid != b->tid || strcmp(a->comm, b->comm)) {
			snprintf(reason, sizeof(reason), "threads still come and go");
			return false;
		}
		if (spinners && has_word(spinners, b->comm)) {
			if (b->state != 'R' || b->user_ticks < SPIN_TICKS) {
				snprintf(reason, sizeof(reason), "'%s' does not spin", b->comm);
				return false;
			}
			continue;
		}
		if (!strchr("SZX", b->state) || a->state != b->state ||
		    a->switches != b->switches) {
			snprintf(reason, sizeof(reason), "'%s' still runs (%c)", b->comm, b->state);
			return false;
		}
	}
	return true;
}

enum zoo_outcome zoo_wait_hung(struct zoo *z, const char *names, const char *spinners)
{
	struct zoo_tree before = { 0 };
	double deadline = now_seconds() + WATCHDOG_S;
	bool named;
	int status;

	for (;;) {
		struct zoo_tree swap = before;

		if (waitpid(z->pid, &status, WNOHANG) == z->pid) {
			zoo_tree_free(&before);
			return ended(z, status);
		}
		before = z->tree;
		z->tree = swap;
		if (zoo_tree_take(&z->tree, z->pid))
			break;
		named = all_named(&z->tree, names);
		if (named && hangs(&before, &z->tree, spinners)) {
			zoo_tree_free(&before);
			return ZOO_READY;
		}
		if (now_seconds() > deadline)
			break;
		poll_pause();
	}
	zoo_tree_free(&before);
	return ZOO_FAILED;
}

enum zoo_outcome zoo_wait_alive(struct zoo *z, const char *names)
{
	double deadline = now_seconds() + WATCHDOG_S;
	int status;

	while (now_seconds() < deadline) {
		if (waitpid(z->pid, &status, WNOHANG) == z->pid)
			return ended(z, status);
		if (zoo_tree_take(&z->tree, z->pid))
			break;
		if (all_named(&z->tree, names))
			return ZOO_READY;
		poll_pause();
	}
	return ZOO_FAILED;
}

void zoo_stop(struct zoo *z)
{
	struct zoo_tree tree = { 0 };

	if (z->pid > 0) {
		zoo_tree_take(&tree, z->pid);
		kill(z->pid, SIGKILL);
		for (size_t i = 0; i < tree.nr; i++) {
			if (tree.threads[i].tid == tree.threads[i].tgid &&
			    tree.threads[i].tgid != z->pid)
				kill(tree.threads[i].tgid, SIGKILL);
		}
		waitpid(z->pid, NULL, 0);
		zoo_tree_free(&tree);
	}
	if (z->errors >= 0)
		close(z->errors);
	zoo_tree_free(&z->tree);
	*z = (struct zoo){ .errors = -1 };
}

/* ---- commands */

struct sink {
	int fd;
	char *text;
	size_t len, capacity;
};

/* Return: false at the end. */
static bool drain(struct sink *s)
{
	ssize_t n;

	if (s->capacity - s->len < 65536) {
		size_t capacity = s->capacity ? 2 * s->capacity : 131072;
		char *text = realloc(s->text, capacity + 1);

		if (!text)
			return false;
		s->text = text;
		s->capacity = capacity;
	}
	n = read(s->fd, s->text + s->len, s->capacity - s->len);
	if (n <= 0) {
		s->text[s->len] = 0;
		return n < 0 && errno == EINTR;
	}
	s->len += (size_t)n;
	s->text[s->len] = 0;
	return true;
}

void zoo_run(struct zoo_run *r, char *const *argv, uid_t uid, unsigned int seconds)
{
	struct sink sinks[2] = { 0 };
	int out[2], err[2], status = 0, open_sinks = 2;
	double started = now_seconds();
	pid_t pid, parent = getpid();
	bool late = false;

	*r = (struct zoo_run){ .status = -1 };
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		setpgid(0, 0);
		if (!become(uid))
			_exit(126);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(126);
		execvp(argv[0], argv);
		dprintf(2, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	sinks[0].fd = out[0];
	sinks[1].fd = err[0];
	while (open_sinks) {
		struct pollfd fds[2] = { { .fd = sinks[0].fd, .events = POLLIN },
					 { .fd = sinks[1].fd, .events = POLLIN } };
		int left_ms = (int)((started + seconds - now_seconds()) * 1000);

		if (left_ms <= 0 && !late) {
			late = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
		if (late && left_ms < -5000)
			break; /* somebody out of our reach holds the pipe */
		poll(fds, 2, late ? 100 : left_ms);
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents && !drain(&sinks[i])) {
				close(sinks[i].fd);
				sinks[i].fd = -1;
				open_sinks--;
			}
		}
	}
	waitpid(pid, &status, 0);
	r->seconds = now_seconds() - started;
	r->out = sinks[0].text ? sinks[0].text : calloc(1, 1);
	r->err = sinks[1].text ? sinks[1].text : calloc(1, 1);
	r->out_len = sinks[0].len;
	r->err_len = sinks[1].len;
	if (!late)
		r->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void zoo_run_free(struct zoo_run *r)
{
	free(r->out);
	free(r->err);
	*r = (struct zoo_run){ 0 };
}

void zoo_diagnose(struct zoo_run *r, const struct zoo_tree *tree, const char *options, uid_t uid,
		  unsigned int seconds)
{
	char words[256], verb[] = "diagnose", timeout[] = "--timeout=60", program[PATH_MAX];
	char *argv[ZOO_MOST_ARGS + 64], pids[64][12];
	size_t nr;
	int nr_pids = 0;

	snprintf(program, sizeof(program), "%s", zoo_locklab());
	argv[0] = program;
	argv[1] = verb;
	/* A loaded or emulated machine gets the time it needs. */
	argv[2] = timeout;
	split(options, words, sizeof(words), argv, 3);
	for (nr = 3; argv[nr]; nr++)
		;
	for (size_t i = 0; i < tree->nr && nr_pids < 64; i++) {
		bool alone =
			i + 1 == tree->nr || tree->threads[i + 1].tgid != tree->threads[i].tgid;

		/*
		 * The leader is a process; a zombie is none any more, unless other threads live on.
		 */
		if (tree->threads[i].tid != tree->threads[i].tgid ||
		    (tree->threads[i].state == 'Z' && alone))
			continue;
		snprintf(pids[nr_pids], sizeof(pids[0]), "%d", (int)tree->threads[i].tgid);
		argv[nr++] = pids[nr_pids++];
	}
	argv[nr] = NULL;
	zoo_run(r, argv, uid, seconds);
}

/* ---- checks */

void zoo_check_untouched(const struct zoo_tree *before, pid_t root, const char *spinners)
{
	struct zoo_tree after = { 0 };

	if (zoo_tree_take(&after, root) || after.nr != before->nr) {
		zoo_complain("the target had %zu threads before the look and has %zu after it",
			     before->nr, after.nr);
		zoo_tree_free(&after);
		return;
	}
	for (size_t i = 0; i < after.nr; i++) {
		const struct zoo_thread *a = &before->threads[i], *b = &after.threads[i];

		if (b->tracer)
			zoo_complain("'%s' is traced by %d after the look", b->comm, b->tracer);
		if (spinners && has_word(spinners, b->comm))
			continue;
		if (a->tid != b->tid || a->state != b->state || a->switches != b->switches)
			zoo_complain(
				"the look touched '%s': state %c, %llu switches, then %c, %llu",
				b->comm, a->state, (unsigned long long)a->switches, b->state,
				(unsigned long long)b->switches);
	}
	zoo_tree_free(&after);
}

void zoo_check_clean(const char *what, const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		unsigned int c = *p;
		int more = c < 0x80		? 0
			   : (c & 0xe0) == 0xc0 ? 1
			   : (c & 0xf0) == 0xe0 ? 2
			   : (c & 0xf8) == 0xf0 ? 3
						: -1;

		if (more < 0 || end - p <= more) {
			zoo_complain("%s: broken UTF-8 at byte %zu", what,
				     (size_t)((const char *)p - text));
			return;
		}
		for (int i = 1; i <= more; i++) {
			if ((p[i] & 0xc0) != 0x80) {
				zoo_complain("%s: broken UTF-8 at byte %zu", what,
					     (size_t)((const char *)p - text));
				return;
			}
		}
		if ((c < 0x20 && c != '\n') || c == 0x7f || (c == 0xc2 && p[1] < 0xa0)) {
			zoo_complain("%s: raw control byte 0x%02x at byte %zu", what, c,
				     (size_t)((const char *)p - text));
			return;
		}
		p += more + 1;
	}
}

static bool is_in(const json_t *array, json_int_t number)
{
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)array, i, item) {
		if (json_is_integer(item) && json_integer_value(item) == number)
			return true;
	}
	return false;
}

static json_t *by_key(const json_t *array, const char *key, const json_t *value)
{
	size_t i;
	json_t *item;

	json_array_foreach((json_t *)array, i, item) {
		if (json_equal(json_object_get(item, key), value))
			return item;
	}
	return NULL;
}

static void check_conditions(const json_t *finding)
{
	static const char *const names[] = { "mutual_exclusion", "hold_and_wait", "no_preemption",
					     "circular_wait" };
	const json_t *conditions = json_object_get(finding, "conditions");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *condition = json_object_get(conditions, names[i]);
		const json_t *holds = json_object_get(condition, "holds");
		const char *evidence = json_string_value(json_object_get(condition, "evidence"));

		if (!json_is_boolean(holds) && !json_is_null(holds))
			zoo_complain("condition %s: 'holds' is neither true, false nor null",
				     names[i]);
		if (!evidence || strlen(evidence) < 10)
			zoo_complain("condition %s: no evidence", names[i]);
	}
	if (!json_string_length(json_object_get(finding, "remedy")))
		zoo_complain("a finding without a remedy");
}

void zoo_check_document(const json_t *doc)
{
	static const char *const keys[] = { "mode", "verdict", "lost_events", "not_seen",
					    "tasks", "locks", "findings" };
	const json_t *tasks = json_object_get(doc, "tasks"), *locks = json_object_get(doc, "locks");
	json_t *finding, *item;
	size_t i, j;

	if (json_integer_value(json_object_get(doc, "locklab")) != 1)
		zoo_complain("\"locklab\" is not 1");
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!json_object_get(doc, keys[i]))
			zoo_complain("no key \"%s\"", keys[i]);
	}
	json_array_foreach(json_object_get(doc, "findings"), i, finding) {
		check_conditions(finding);
		if (!json_array_size(json_object_get(finding, "tasks")))
			zoo_complain("a finding without tasks");
		json_array_foreach(json_object_get(finding, "tasks"), j, item) {
			if (!by_key(tasks, "tid", item))
				zoo_complain(
					"a finding names task %lld, which is not among the tasks",
					(long long)json_integer_value(item));
		}
		json_array_foreach(json_object_get(finding, "locks"), j, item) {
			if (!by_key(locks, "id", item))
				zoo_complain(
					"a finding names lock %s, which is not among the locks",
					json_string_value(item));
		}
	}
	json_array_foreach(tasks, i, item) {
		json_t *waits = json_object_get(item, "waits_for"), *id;

		json_array_foreach(waits, j, id) {
			json_t *lock = by_key(locks, "id", id);

			if (!lock || !is_in(json_object_get(lock, "waiters"),
					    json_integer_value(json_object_get(item, "tid"))))
				zoo_complain(
					"task %lld waits for %s, which does not know it",
					(long long)json_integer_value(json_object_get(item, "tid")),
					json_string_value(id));
		}
	}
}
