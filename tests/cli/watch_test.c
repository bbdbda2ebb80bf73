// SPDX-License-Identifier: GPL-2.0
/*
 * watch_test - locklab watch: what it reports and when it ends, with the commands and processes it
 * looks at
 *
 * suite: timeout=300 live
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "zoo.h"

#define WATCHDOG 60

FIXTURE(watch)
{
	struct zoo_run r;
	char program[512];
	json_t *docs[32];
	int nr_docs;
};

FIXTURE_SETUP(watch)
{
}

FIXTURE_TEARDOWN(watch)
{
	for (int i = 0; i < self->nr_docs; i++)
		json_decref(self->docs[i]);
	zoo_run_free(&self->r);
}

/* locklab watch OPTIONS, split at blanks; "%" stands for the program. */
static void watch(FIXTURE_DATA(watch) * self, const char *options, const char *program)
{
	char words[1024], *argv[32], *save, *word;
	int nr = 0;

	zoo_run_free(&self->r);
	memset(&self->r, 0, sizeof(self->r));
	if (program)
		zoo_output_path(program, self->program, sizeof(self->program));
	snprintf(words, sizeof(words), "%s", options);
	argv[nr++] = (char *)zoo_locklab();
	argv[nr++] = "watch";
	for (word = strtok_r(words, " ", &save); word && nr < 31; word = strtok_r(NULL, " ", &save))
		argv[nr++] = strcmp(word, "%") ? word : self->program;
	argv[nr] = NULL;
	zoo_run(&self->r, argv, 0, WATCHDOG);
}

/* One document a line. Return: false if a line is none. */
static bool parse_lines(FIXTURE_DATA(watch) * self)
{
	char *save, *line, *text = strdup(self->r.out);
	bool fine = true;

	for (line = strtok_r(text, "\n", &save); line && self->nr_docs < 32;
	     line = strtok_r(NULL, "\n", &save)) {
		self->docs[self->nr_docs] = json_loads(line, 0, NULL);
		if (!self->docs[self->nr_docs]) {
			printf("# not JSON: %.80s\n", line);
			fine = false;
			break;
		}
		self->nr_docs++;
	}
	free(text);
	return fine;
}

static int lines(const char *text)
{
	int nr = 0;

	for (; *text; text++)
		nr += *text == '\n';
	return nr;
}

TEST_F(watch, passes_the_status_of_a_healthy_command_on)
{
	char *const argv[] = { (char *)zoo_locklab(), "watch", "--", "sh", "-c", "exit 7", NULL };

	zoo_run(&self->r, argv, 0, WATCHDOG);
	EXPECT_EQ(7, self->r.status);
	EXPECT_NE(NULL, strstr(self->r.out, "ended with status 7"));
}

TEST_F(watch, passes_the_signal_that_ended_a_command_on)
{
	char *const argv[] = { (char *)zoo_locklab(), "watch", "--", "sh", "-c",
			       "kill -TERM $$", NULL };

	zoo_run(&self->r, argv, 0, WATCHDOG);
	EXPECT_EQ(128 + SIGTERM, self->r.status);
}

TEST_F(watch, a_command_that_is_not_there_is_one_line)
{
	watch(self, "-- /nonexistent/command", NULL);
	EXPECT_EQ(3, self->r.status);
	EXPECT_EQ(1, lines(self->r.err));
	EXPECT_NE(NULL, strstr(self->r.err, "/nonexistent/command"));
}

TEST_F(watch, wrong_usage_is_one_line)
{
	static const char *const wrong[] = { "",
					     "-p",
					     "-p 0",
					     "-p 12x",
					     "--interval 0 -p 1",
					     "--frob",
					     "-p 1 -- true",
					     "-k -p 1",
					     "--source x -- true",
					     "--timeout x -- true" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		watch(self, wrong[i], NULL);
		EXPECT_EQ(2, self->r.status)
		{
			printf("# %s\n", wrong[i]);
		}
		EXPECT_EQ(1, lines(self->r.err));
		EXPECT_EQ(0, self->r.out_len);
	}
}

TEST_F(watch, a_process_that_is_not_there_is_one_line)
{
	watch(self, "-p 4194304", NULL);
	EXPECT_EQ(3, self->r.status);
	EXPECT_EQ(1, lines(self->r.err));
}

static void check_deadlock(struct __test_metadata *_metadata, FIXTURE_DATA(watch) * self,
			   const char *mode)
{
	json_t *finding, *end;

	ASSERT_TRUE(parse_lines(self));
	ASSERT_EQ(2, self->nr_docs);
	zoo_check_document(self->docs[0]);
	EXPECT_EQ(0, zoo_complaints());
	EXPECT_STREQ(mode, json_string_value(json_object_get(self->docs[0], "mode")));
	finding = json_array_get(json_object_get(self->docs[0], "findings"), 0);
	EXPECT_STREQ("deadlock", json_string_value(json_object_get(finding, "kind")));
	EXPECT_STREQ("proven", json_string_value(json_object_get(finding, "certainty")));
	EXPECT_EQ(2, json_array_size(json_object_get(finding, "tasks")));

	end = self->docs[1];
	EXPECT_TRUE(json_is_true(json_object_get(end, "end")));
	EXPECT_STREQ(mode, json_string_value(json_object_get(end, "mode")));
	EXPECT_STREQ("found", json_string_value(json_object_get(end, "verdict")));
	EXPECT_EQ(1, json_integer_value(json_object_get(end, "reported")));
	EXPECT_LT(0, json_integer_value(
			     json_object_get(json_object_get(end, "contention"), "samples")));
	EXPECT_EQ(128 + SIGKILL, json_integer_value(json_object_get(end, "command_status")));
}

TEST_F(watch, a_deadlock_is_reported_once_and_the_command_killed)
{
	watch(self, "--json --kill-on-finding -- %", "tests/hang/mutex_abba");
	EXPECT_EQ(1, self->r.status);
	check_deadlock(_metadata, self, "sampled");
}

TEST_F(watch, with_events_as_well)
{
	if (geteuid())
		SKIP(return, "BPF needs root");
	watch(self, "--json --events --kill-on-finding -- %", "tests/hang/mutex_abba");
	EXPECT_EQ(1, self->r.status);
	check_deadlock(_metadata, self, "events");
}

TEST_F(watch, from_proc_alone_as_well)
{
	watch(self, "--json --source proc --kill-on-finding -- %", "tests/hang/mutex_abba");
	EXPECT_EQ(1, self->r.status);
	check_deadlock(_metadata, self, "sampled");
}

TEST_F(watch, goes_on_after_a_finding_and_does_not_repeat_it)
{
	char *first;

	watch(self, "--timeout 2 --interval 20 -- %", "tests/hang/mutex_abba");
	EXPECT_EQ(1, self->r.status);
	first = strstr(self->r.out, "deadlock (proven)");
	ASSERT_NE(NULL, first);
	EXPECT_EQ(NULL, strstr(first + 1, "deadlock (proven)"));
	EXPECT_NE(NULL, strstr(self->r.out, "1 finding reported"));
	EXPECT_NE(NULL, strstr(self->r.out, "accounts"));
}

TEST_F(watch, children_of_the_command_are_watched_too)
{
	char words[1024], path[512];
	char *const argv[] = {
		(char *)zoo_locklab(), "watch", "--json", "-k", "--", "sh", "-c", words, NULL
	};

	zoo_output_path("tests/hang/mutex_abba", path, sizeof(path));
	snprintf(words, sizeof(words), "'%s'; true", path);
	zoo_run(&self->r, argv, 0, WATCHDOG);
	EXPECT_EQ(1, self->r.status);
	check_deadlock(_metadata, self, "sampled");
}

TEST_F(watch, heavy_traffic_is_contention_and_no_finding)
{
	json_t *contention, *lock, *end;

	watch(self, "--json --timeout 2 --interval 10 -- %", "tests/healthy/traffic");
	ASSERT_TRUE(parse_lines(self));
	ASSERT_EQ(1, self->nr_docs);
	end = self->docs[0];
	EXPECT_EQ(0, self->r.status);
	EXPECT_STREQ("none", json_string_value(json_object_get(end, "verdict")));
	EXPECT_EQ(0, json_integer_value(json_object_get(end, "reported")));
	contention = json_object_get(end, "contention");
	lock = json_array_get(json_object_get(contention, "locks"), 0);
	ASSERT_NE(NULL, lock);
	EXPECT_STREQ("mutex", json_string_value(json_object_get(lock, "kind")));
	EXPECT_LT(0, json_integer_value(json_object_get(lock, "wait_ns")));
	EXPECT_LT(1, json_integer_value(json_object_get(lock, "most_waiters")));
	EXPECT_LE(json_integer_value(json_object_get(lock, "samples")),
		  json_integer_value(json_object_get(contention, "samples")));
	EXPECT_LT(1, json_array_size(json_object_get(lock, "waiters")));
}

/* Starts it with its output in a file; to be ended with a signal. */
static pid_t start(char *const *argv, int out)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/*
		 * Whoever runs the tests in the background of a script ignores it, and so would we.
		 */
		signal(SIGINT, SIG_DFL);
		dup2(out, STDOUT_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static bool contains(int fd, const char *what)
{
	static char text[65536];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = 0;
	return strstr(text, what);
}

static bool await_text(int fd, const char *what)
{
	for (int i = 0; i < WATCHDOG * 100; i++) {
		if (contains(fd, what))
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

TEST_F(watch, an_interrupt_ends_the_watch_and_not_the_process_watched)
{
	struct zoo z;
	char pid_text[16];
	char *argv[] = { (char *)zoo_locklab(), "watch", "-p", pid_text, NULL };
	FILE *out = tmpfile();
	int status;
	pid_t pid;

	ASSERT_EQ(0, zoo_start(&z, "hang/mutex_abba", NULL, 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_hung(&z, "teller auditor", NULL));
	snprintf(pid_text, sizeof(pid_text), "%d", z.pid);
	pid = start(argv, fileno(out));
	ASSERT_TRUE(await_text(fileno(out), "deadlock (proven)"));
	kill(pid, SIGINT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(1, WEXITSTATUS(status));
	EXPECT_TRUE(contains(fileno(out), "Contention"));
	zoo_check_untouched(&z.tree, z.pid, NULL);
	EXPECT_EQ(0, zoo_complaints());
	zoo_stop(&z);
	fclose(out);
}

TEST_F(watch, an_interrupt_reaches_the_command)
{
	char path[512];
	char *argv[] = { (char *)zoo_locklab(), "watch", "--", path, NULL };
	FILE *out = tmpfile();
	int status;
	pid_t pid;

	zoo_output_path("tests/hang/mutex_abba", path, sizeof(path));
	pid = start(argv, fileno(out));
	ASSERT_TRUE(await_text(fileno(out), "What to do"));
	kill(pid, SIGINT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(1, WEXITSTATUS(status));
	EXPECT_TRUE(contains(fileno(out), "ended by signal 2"));
	EXPECT_TRUE(contains(fileno(out), "Contention"));
	fclose(out);
}

TEST_F(watch, a_second_interrupt_kills_a_command_that_ignores_the_first)
{
	char *argv[] = { (char *)zoo_locklab(),
			 "watch",
			 "--",
			 "sh",
			 "-c",
			 "trap 'echo caught' INT; echo ready; while :; do sleep 0.1; done",
			 NULL };
	FILE *out = tmpfile();
	int status;
	pid_t pid;

	pid = start(argv, fileno(out));
	ASSERT_TRUE(await_text(fileno(out), "ready"));
	kill(pid, SIGINT);
	ASSERT_TRUE(await_text(fileno(out), "caught"));
	kill(pid, SIGINT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(128 + SIGKILL, WEXITSTATUS(status));
	fclose(out);
}

TEST_F(watch, under_sudo_the_command_is_the_callers)
{
	if (geteuid())
		SKIP(return, "needs root to play sudo");
	setenv("SUDO_UID", "65534", 1);
	setenv("SUDO_GID", "65534", 1);
	watch(self, "-- id -u", NULL);
	EXPECT_EQ(0, self->r.status);
	EXPECT_EQ(0, strncmp(self->r.out, "65534\n", 6));
	watch(self, "-- id -G", NULL);
	EXPECT_EQ(0, strncmp(self->r.out, "65534\n", 6));
}

TEST_F(watch, an_ownerless_wait_names_who_used_to_end_it)
{
	json_t *history = NULL, *one;

	if (geteuid())
		SKIP(return, "BPF needs root");
	watch(self, "--json --events -k -- %", "tests/hang/condvar");
	EXPECT_EQ(1, self->r.status);
	ASSERT_TRUE(parse_lines(self));
	history = json_object_get(self->docs[0], "history");
	ASSERT_TRUE(json_is_array(history));
	for (size_t i = 0; i < json_array_size(history); i++) {
		one = json_array_get(history, i);
		EXPECT_LT(0, json_integer_value(json_object_get(one, "count")));
		EXPECT_LT(0, json_integer_value(json_object_get(one, "tid")));
		EXPECT_LE(0, json_integer_value(json_object_get(one, "ago_ns")));
	}
}

TEST_HARNESS_MAIN
