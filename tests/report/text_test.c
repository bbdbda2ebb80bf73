// SPDX-License-Identifier: GPL-2.0
/*
 * text_test - the page for people: what is on it, that it fits, and that nothing of a target's gets
 * through raw
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

#include "report/picture.h"
#include "report/report.h"
#include "report/scribble.h"

enum {
	SCREEN = 60
}; /* lines */

static unsigned int lines(const char *s)
{
	unsigned int n = 0;

	for (; *s; s++)
		n += *s == '\n';
	return n;
}

FIXTURE(text)
{
	struct drawing d;
	char *s;
};

FIXTURE_SETUP(text)
{
	ASSERT_NE(NULL, setlocale(LC_CTYPE, "C.UTF-8"));
	drawing_cycle(&self->d, 2, LAB_MUTEX, 0);
}

FIXTURE_TEARDOWN(text)
{
	free(self->s);
	drawing_free(&self->d);
}

static void show(FIXTURE_DATA(text) * self, unsigned int width)
{
	free(self->s);
	self->s = scribble_text(&self->d, width, false, false);
}

static void redraw(FIXTURE_DATA(text) * self, u32 n, u32 nr_victims)
{
	drawing_free(&self->d);
	drawing_cycle(&self->d, n, LAB_MUTEX, nr_victims);
}

/* The page that README and manual promise, whole: it is the specification. */
TEST_F(text, a_deadlock_of_two_is_one_page)
{
	show(self, 80);
	EXPECT_STREQ(
		"DEADLOCK, proven: 2 threads of bank (pid 4711) wait for each other and will\n"
		"never go on.\n"
		"\n"
		"  ┌─► thread 4712 (worker) waits for mutex accounts,\n"
		"  │   held by thread 4713 (worker), which waits for mutex journal,\n"
		"  └── held by thread 4712 (worker).\n"
		"\n"
		"  thread 4712 (worker) of bank (pid 4711)\n"
		"    holds    mutex journal\n"
		"    awaits   mutex accounts, for 12.3 s, in futex(FUTEX_WAIT)\n"
		"    at       pthread_mutex_lock() of libc.so.6, 1 more above it\n"
		"             transfer() (bank.c:41)\n"
		"             worker() (bank.c:77)\n"
		"  thread 4713 (worker) of bank (pid 4711)\n"
		"    holds    mutex accounts\n"
		"    awaits   mutex journal, for 12.3 s, in futex(FUTEX_WAIT)\n"
		"    at       pthread_mutex_lock() of libc.so.6, 1 more above it\n"
		"             transfer_back() (bank.c:52)\n"
		"             worker() (bank.c:77)\n"
		"\n"
		"All four conditions of a deadlock hold:\n"
		"  ✔ mutual exclusion: mutex accounts (0x555555558040, normal): word 2 (locked,\n"
		"    waiters), owner 4713 (worker), re-read unchanged; mutex journal\n"
		"    (0x555555558080, normal): word 2 (locked, waiters), owner 4712 (worker),\n"
		"    re-read unchanged.\n"
		"  ✔ hold and wait: thread 4712 (worker) holds mutex journal and has waited\n"
		"    12.3 s for mutex accounts in transfer() (bank.c:41); thread 4713 (worker)\n"
		"    holds mutex accounts and has waited 12.3 s for mutex journal in\n"
		"    transfer_back() (bank.c:52).\n"
		"  ✔ no preemption: Neither wait has a timeout, no signal is pending, and neither\n"
		"    mutex is robust.\n"
		"  ✔ circular wait: 4712 (worker) -> mutex accounts -> 4713 (worker) -> mutex\n"
		"    journal -> 4712.\n"
		"\n"
		"What to do: Take mutex accounts before mutex journal in transfer() (bank.c:41)\n"
		"  (thread 4712 (worker)): thread 4713 (worker) takes them in that order in\n"
		"  transfer_back() (bank.c:52). Or release journal first, or try (trylock) and on\n"
		"  failure let go of it. Cheapest condition to break: circular wait (one order)\n"
		"  in transfer() (bank.c:41).\n",
		self->s);
}

TEST_F(text, ascii_where_the_locale_is_ascii)
{
	setlocale(LC_CTYPE, "C");
	self->d.p.tasks[1].comm = "na\xc3\xafve";
	show(self, 80);
	EXPECT_EQ(NULL, scribble_unprintable(self->s, false));
	EXPECT_NE(
		NULL,
		strstr(self->s,
		       "  +-> thread 4712 (na\\xc3\\xafve) waits for mutex accounts,\n  |   held by"));
	EXPECT_NE(NULL, strstr(self->s, "  [yes] mutual exclusion: "));
}

TEST_F(text, verdict_comes_first)
{
	show(self, 0);
	EXPECT_EQ(self->s, strstr(self->s, "DEADLOCK, proven: "));
	self->d.p.findings[0].certainty = LAB_PROBABLE;
	show(self, 0);
	EXPECT_EQ(self->s, strstr(self->s, "DEADLOCK, probable: "));
	EXPECT_NE(NULL, strstr(self->s, "probably never go on"));
}

TEST_F(text, every_tid_of_a_small_finding_is_named)
{
	char tid[32];
	u32 n, i;

	for (n = 1; n <= 6; n++) {
		redraw(self, n, 3);
		show(self, 80);
		for (i = 0; i < n + 3; i++) {
			snprintf(tid, sizeof(tid), "%u (%s)", 4712 + i,
				 i < n ? "worker" : "client");
			EXPECT_NE(NULL, strstr(self->s, tid))
			{
				TH_LOG("%u tasks, no %s", n, tid);
			}
		}
	}
}

TEST_F(text, large_findings_stay_on_one_screen)
{
	static const u32 sizes[][2] = {
		{ 2, 5000 },
		{ 6, 0 },
		{ 7, 7 },
		{ 64, 0 },
		{ 100, 900 },
		{ 5000, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		redraw(self, sizes[i][0], sizes[i][1]);
		show(self, 80);
		EXPECT_GE(SCREEN, lines(self->s))
		{
			TH_LOG("%u tasks and %u victims: %u lines", sizes[i][0], sizes[i][1],
			       lines(self->s));
		}
	}
	EXPECT_NE(NULL, strstr(self->s, "... 4993 more ..."));
	EXPECT_NE(NULL, strstr(self->s, "... and 4998 more: "));
}

TEST_F(text, all_tasks_leaves_none_out)
{
	char tid[32];
	u32 i;

	redraw(self, 20, 20);
	free(self->s);
	self->s = scribble_text(&self->d, 120, true, false);
	for (i = 0; i < 40; i++) {
		snprintf(tid, sizeof(tid), "%u (", 4712 + i);
		EXPECT_NE(NULL, strstr(self->s, tid));
	}
}

TEST_F(text, victims_are_counted)
{
	redraw(self, 2, 1);
	show(self, 80);
	EXPECT_NE(NULL, strstr(self->s, "1 more task waits behind it: 4714 (client)."));
	redraw(self, 2, 30);
	show(self, 500);
	EXPECT_NE(NULL, strstr(self->s, "30 more tasks wait behind it: "));
	EXPECT_NE(NULL, strstr(self->s, "and 22 more."));
}

TEST_F(text, a_condition_that_fails_is_marked_without_colour)
{
	self->d.p.findings[0].kind = LAB_PREEMPTABLE_CYCLE;
	self->d.p.findings[0].conditions[LAB_NO_PREEMPTION] =
		(struct lab_condition){ 0, LAB_BECAUSE_TIMED, 1, 0 };
	self->d.p.findings[0].conditions[LAB_HOLD_AND_WAIT].holds = -1;
	self->d.p.verdict = LAB_NONE_WRONG;
	show(self, 100);
	EXPECT_NE(NULL, strstr(self->s, "NEAR-MISS, no deadlock"));
	EXPECT_NE(NULL, strstr(self->s, "  ✘ no preemption: "));
	EXPECT_NE(NULL, strstr(self->s, "  ? hold and wait: "));
	EXPECT_EQ(NULL, strstr(self->s, "All four conditions"));
	EXPECT_EQ(NULL, strchr(self->s, '\033'));
}

TEST_F(text, several_findings_are_numbered)
{
	u32 tasks[] = { 1, 2 }, locks[] = { 0, 1 }, i;

	for (i = 0; i < 19; i++)
		drawing_finding(&self->d, LAB_DEADLOCK, tasks, 1, locks, 1, NULL, 0);
	show(self, 80);
	EXPECT_EQ(self->s, strstr(self->s, "20 findings.\n"));
	EXPECT_NE(NULL, strstr(self->s, "\n1. DEADLOCK, proven: "));
	EXPECT_NE(NULL, strstr(self->s, "\n3. DEADLOCK, proven: "));
	EXPECT_NE(NULL, strstr(self->s, "... and 9 more."));
}

TEST_F(text, nothing_wrong_is_a_table_longest_first)
{
	char *first, *second;

	self->d.p.nr_findings = 0;
	self->d.p.verdict = LAB_NONE_WRONG;
	self->d.p.tasks[2].wait_ns = 99000000000LL;
	self->d.p.tasks[1].status |= LAB_TASK_WAITS_TIMED;
	show(self, 120);
	EXPECT_EQ(
		self->s,
		strstr(self->s,
		       "NOTHING WRONG FOUND: 3 tasks of bank (pid 4711) looked at, 2 of them wait"));
	first = strstr(self->s, "4713 (worker)");
	second = strstr(self->s, "4712 (worker)");
	ASSERT_NE(NULL, first);
	ASSERT_NE(NULL, second);
	EXPECT_LT(first, second);
	EXPECT_NE(NULL, strstr(self->s, "1 min 39 s"));
	EXPECT_NE(NULL, strstr(self->s, "(timed)"));
}

TEST_F(text, table_counts_what_it_leaves_out)
{
	redraw(self, 2, 39);
	self->d.p.nr_findings = 0;
	self->d.p.verdict = LAB_NONE_WRONG;
	show(self, 80);
	EXPECT_NE(NULL, strstr(self->s, "... and 31 more"));
	EXPECT_GE(24, lines(self->s));
}

TEST_F(text, unknown_says_why_and_how_many)
{
	self->d.p.nr_findings = 0;
	self->d.p.verdict = LAB_UNKNOWN;
	self->d.p.lost_events = 12;
	show(self, 80);
	EXPECT_EQ(self->s,
		  strstr(self->s, "UNKNOWN: nothing wrong was found, but 12 events were lost"));
	self->d.p.lost_events = 0;
	drawing_not_seen(&self->d, "tid 12: no permission");
	show(self, 80);
	EXPECT_EQ(self->s,
		  strstr(self->s,
			 "UNKNOWN: nothing wrong was found, but not everything could be seen"));
	EXPECT_NE(NULL, strstr(self->s, "\nNot seen: tid 12: no permission\n"));
}

TEST_F(text, what_was_not_seen_is_said_beside_a_finding)
{
	drawing_not_seen(&self->d, "process 9: 32-bit\033[1m");
	show(self, 80);
	EXPECT_NE(NULL, strstr(self->s, "\nNot seen: process 9: 32-bit\\x1b[1m\n"));
}

TEST_F(text, a_stopped_owner_is_named)
{
	self->d.p.nr_findings = 0;
	self->d.p.verdict = LAB_NONE_WRONG;
	self->d.p.tasks[1].status |= LAB_TASK_IS_STOPPED;
	self->d.p.tasks[1].state = 'T';
	show(self, 200);
	EXPECT_NE(
		NULL,
		strstr(self->s,
		       "Stopped: thread 4712 (worker) is stopped (state T) and holds mutex journal, for which 1 "
		       "task waits: 'kill -CONT 4711' lets it go on."));
}

TEST_F(text, findings_elsewhere_are_not_called_yours)
{
	self->d.p.findings[0].asked = false;
	self->d.p.verdict = LAB_NONE_WRONG;
	show(self, 80);
	EXPECT_EQ(self->s, strstr(self->s, "NOTHING WRONG FOUND: "));
	EXPECT_NE(NULL, strstr(self->s,
			       "Elsewhere, in processes that were not asked about:\n1. DEADLOCK"));
}

TEST_F(text, colour_only_repeats_what_is_said)
{
	char *plain, *colored, *to, *from;

	plain = scribble_text(&self->d, 80, false, false);
	colored = scribble_text(&self->d, 80, false, true);
	EXPECT_EQ(NULL, strchr(plain, '\033'));
	EXPECT_NE(NULL, strchr(colored, '\033'));
	for (to = from = colored; *from;) {
		if (!strncmp(from, "\033[", 2)) {
			from += 2 + strspn(from + 2, "0123456789;");
			ASSERT_EQ('m', *from);
			from++;
		} else {
			*to++ = *from++;
		}
	}
	*to = 0;
	EXPECT_STREQ(plain, colored);
	free(plain);
	free(colored);
}

TEST_F_TIMEOUT(text, width_is_obeyed, 120)
{
	static const unsigned int widths[] = { 20, 33, 40, 51, 60, 80, 100, 132, 250 };
	size_t i;
	u64 seed;

	for (seed = 1; seed <= 300; seed++) {
		drawing_free(&self->d);
		scribble(&self->d, seed);
		for (i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
			free(self->s);
			self->s = scribble_text(&self->d, widths[i], seed % 4 == 0, false);
			ASSERT_GE(widths[i], scribble_widest(self->s))
			{
				TH_LOG("seed %llu, width %u: %u", (unsigned long long)seed,
				       widths[i], scribble_widest(self->s));
			}
		}
	}
}

TEST_F_TIMEOUT(text, nothing_gets_through_raw, 120)
{
	u64 seed;

	for (seed = 1; seed <= 1000; seed++) {
		bool utf8 = seed % 2;
		u32 i;

		setlocale(LC_CTYPE, utf8 ? "C.UTF-8" : "C");
		drawing_free(&self->d);
		scribble(&self->d, seed);
		free(self->s);
		self->s = scribble_text(&self->d, 80, seed % 3 == 0, false);
		ASSERT_NE(0, self->s[0]);
		ASSERT_EQ(NULL, scribble_unprintable(self->s, utf8))
		{
			TH_LOG("seed %llu: %.60s", (unsigned long long)seed,
			       scribble_unprintable(self->s, utf8));
		}
		for (i = 0; i < self->d.p.nr_findings; i++) {
			char *line = scribble_line(&self->d, i);

			ASSERT_EQ(NULL, scribble_unprintable(line, utf8));
			ASSERT_EQ(1, lines(line));
			free(line);
		}
	}
}

TEST_F(text, one_line_on_a_finding)
{
	char *line = scribble_line(&self->d, 0);

	EXPECT_STREQ(
		"deadlock (proven): 4712 (worker) -> accounts -> 4713 (worker) -> journal -> 4712\n",
		line);
	free(line);
	redraw(self, 64, 10);
	line = scribble_line(&self->d, 0);
	EXPECT_NE(NULL, strstr(line, "(60 more) -> "));
	EXPECT_NE(NULL, strstr(line, "; 10 more behind\n"));
	EXPECT_GT(200, strlen(line));
	free(line);
}

/* Headlines of each kind, with one and with two tasks: whole sentences, the right number. */
TEST_F(text, headlines_are_sentences)
{
	u32 kind, n;

	for (kind = 0; kind < LAB_NR_FINDING_KINDS; kind++)
		for (n = 1; n <= 3; n++) {
			redraw(self, n, 0);
			self->d.p.findings[0].kind = (enum lab_finding_kind)kind;
			show(self, 1000);
			*strchr(self->s, '\n') = 0;
			EXPECT_EQ('.', self->s[strlen(self->s) - 1]);
			EXPECT_EQ(NULL, strstr(self->s, "  "));
			EXPECT_EQ(NULL, strstr(self->s, n == 1 ? "threads" : "which it"));
			TH_LOG("%s", self->s);
		}
}

static void escape(const char *s, char *out, size_t size)
{
	FILE *f = fmemopen(out, size, "w");

	report_escape(f, s);
	fclose(f);
}

TEST_F(text, escape_leaves_what_is_fit)
{
	char out[256];

	escape("plain \xc3\xa9 \xe6\x97\xa5", out, sizeof(out));
	EXPECT_STREQ("plain \xc3\xa9 \xe6\x97\xa5", out);
	escape("\033]0;x\a\x7f\xc2\x9b\xff\xe2\x80\xae\xed\xa0\x80\xc0\x80", out, sizeof(out));
	EXPECT_STREQ("\\x1b]0;x\\x07\\x7f\\xc2\\x9b\\xff\\xe2\\x80\\xae\\xed\\xa0\\x80\\xc0\\x80",
		     out);
	setlocale(LC_CTYPE, "C");
	escape("\xc3\xa9", out, sizeof(out));
	EXPECT_STREQ("\\xc3\\xa9", out);
}

TEST_HARNESS_MAIN
