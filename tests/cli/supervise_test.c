// SPDX-License-Identifier: GPL-2.0
/*
 * A look can not hang with what it looks at: the supervisor abandons it, and starts it again
 * without that process.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"
#include "kselftest_harness.h"

/* suite: timeout=60 */

struct plan {
	u32 hangs[20]; /* processes that hang whoever looks at them */
	int nr;
};

static bool is_skipped(const struct look_progress *progress, u32 tgid)
{
	for (u32 i = 0; i < progress->nr_skip; i++)
		if (progress->skip[i] == tgid)
			return true;
	return false;
}

/* Looks at each process in turn; one that hangs is never come back from. */
static int look_at_all(void *argument, struct look_progress *progress, FILE *out, FILE *err)
{
	const struct plan *plan = argument;

	fprintf(out, "begin\n");
	for (int i = 0; i < plan->nr; i++) {
		if (is_skipped(progress, plan->hangs[i]))
			continue;
		progress->steps++;
		progress->tgid = plan->hangs[i];
		for (;;)
			pause();
	}
	progress->tgid = 0;
	fprintf(out, "skipped %u\n", progress->nr_skip);
	return CLI_FOUND;
}

static int works_slowly(void *argument, struct look_progress *progress, FILE *out, FILE *err)
{
	/* 2.5 s on one process, in steps that each come back: slow, not stuck. */
	progress->tgid = 7;
	for (int i = 0; i < 25; i++) {
		poll(NULL, 0, 100);
		progress->steps++;
	}
	fprintf(out, "done\n");
	return CLI_NOTHING_WRONG;
}

static int never_ends(void *argument, struct look_progress *progress, FILE *out, FILE *err)
{
	fprintf(out, "half of a report\n");
	fflush(out);
	for (;;)
		pause();
	return 0;
}

static int crashes(void *argument, struct look_progress *progress, FILE *out, FILE *err)
{
	fprintf(out, "half of a report\n");
	fflush(out);
	raise(SIGSEGV);
	return 0;
}

FIXTURE(supervise)
{
	FILE *out;
	char text[256];
};

FIXTURE_SETUP(supervise)
{
	self->out = tmpfile();
	ASSERT_NE(NULL, self->out);
	/* What is said on stderr must not look like KTAP. */
	ASSERT_NE(NULL, freopen("/dev/null", "w", stderr));
}

FIXTURE_TEARDOWN(supervise)
{
	fclose(self->out);
}

static int run(FIXTURE_DATA(supervise) * self,
	       int (*body)(void *, struct look_progress *, FILE *, FILE *), void *argument,
	       double timeout)
{
	struct supervised s = {
		.body = body,
		.argument = argument,
		.timeout_seconds = timeout,
		.verb = "test",
	};
	int status = cli_supervise(&s, self->out);
	size_t n;

	rewind(self->out);
	n = fread(self->text, 1, sizeof(self->text) - 1, self->out);
	self->text[n] = '\0';
	return status;
}

TEST_F(supervise, passes_output_and_status_on)
{
	struct plan plan = { .nr = 0 };

	EXPECT_EQ(CLI_FOUND, run(self, look_at_all, &plan, 0));
	EXPECT_STREQ("begin\nskipped 0\n", self->text);
}

TEST_F(supervise, skips_a_process_that_hangs_the_look)
{
	struct plan plan = { .hangs = { 41, 42 }, .nr = 2 };

	EXPECT_EQ(CLI_FOUND, run(self, look_at_all, &plan, 0));
	EXPECT_STREQ("begin\nskipped 2\n", self->text);
}

TEST_F(supervise, slow_is_not_stuck)
{
	EXPECT_EQ(CLI_NOTHING_WRONG, run(self, works_slowly, NULL, 0));
	EXPECT_STREQ("done\n", self->text);
}

TEST_F(supervise, shows_no_half_report_when_its_time_is_over)
{
	EXPECT_EQ(CLI_UNABLE, run(self, never_ends, NULL, 0.2));
	EXPECT_STREQ("", self->text);
}

TEST_F(supervise, shows_no_half_report_of_a_crash)
{
	EXPECT_EQ(CLI_UNABLE, run(self, crashes, NULL, 0));
	EXPECT_STREQ("", self->text);
}

TEST_F(supervise, leaves_no_child)
{
	struct plan plan = { .hangs = { 41 }, .nr = 1 };

	run(self, look_at_all, &plan, 0);
	run(self, never_ends, NULL, 0.2);
	run(self, crashes, NULL, 0);
	EXPECT_EQ(-1, waitpid(-1, NULL, 0));
	EXPECT_EQ(ECHILD, errno);
}

TEST_F(supervise, dies_of_the_signal_that_interrupts_it_and_takes_the_look_with_it)
{
	int ready[2], status;
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* The look holds the write end as long as it lives. */
		close(ready[0]);
		write(ready[1], "x", 1);
		run(self, never_ends, NULL, 0);
		_exit(0);
	}
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	kill(pid, SIGINT);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGINT, WTERMSIG(status));
	/* End of file: nobody is left who has it open. */
	EXPECT_EQ(0, read(ready[0], &byte, 1));
	close(ready[0]);
}

TEST_HARNESS_MAIN
