// SPDX-License-Identifier: GPL-2.0
/*
 * evidence_test - every condition, reason and remedy makes a sentence, whatever the finding and the
 * lock
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "kselftest_harness.h"

#include "report/picture.h"
#include "report/report.h"
#include "report/scribble.h"

enum {
	BYTES = 4096
};

#define TWICE(word) " " word " " word " "

/* What no sentence of ours may have in it; an ellipsis apart. */
static const char *flaw(const char *s)
{
	static const char *const flaws[] = { "(null)", "  ", " .", " ,",
					     "..", ",,", ";;", "()(",
					     "( ", " )", " a a ", " 1 threads",
					     " 1 tasks", " 1 locks", TWICE("for"), TWICE("the"),
					     TWICE("in"), TWICE("of"), " is are ", ": :" };
	static char copy[BYTES];
	size_t i, n = strlen(s);
	char *dots;

	if (!n)
		return "is empty";
	if (s[n - 1] != '.')
		return "has no full stop";
	if (scribble_unprintable(s, true))
		return "is not printable";
	strcpy(copy, s);
	while ((dots = strstr(copy, "...")))
		memcpy(dots, "xxx", 3);
	for (i = 0; i < sizeof(flaws) / sizeof(flaws[0]); i++)
		if (strstr(copy, flaws[i]))
			return flaws[i];
	return NULL;
}

static u32 nr_bad;

static void judge_sentence(const struct lab_finding *f, const char *what, enum lab_lock_kind kind,
			   u32 reason, const char *s)
{
	const char *why = flaw(s);

	if (!why || nr_bad++ > 10)
		return;
	printf("# %s of %s, lock %s, %u tasks, reason %u: '%s': %s\n", what,
	       lab_finding_kind_name(f->kind), lab_lock_kind_name(kind), f->nr_tasks, reason, why,
	       s);
}

static void judge_conditions(const struct drawing *d, struct lab_finding *f,
			     enum lab_lock_kind kind)
{
	char s[BYTES];
	u32 c, reason;
	int holds;

	for (c = 0; c < LAB_NR_CONDITIONS; c++)
		for (reason = 0; reason < LAB_NR_REASONS; reason++)
			for (holds = -1; holds <= 1; holds++) {
				f->conditions[c].holds = (s8)holds;
				f->conditions[c].reason = (enum lab_reason)reason;
				judge_sentence(f, lab_condition_name((enum lab_coffman)c), kind,
					       reason,
					       evidence_condition(&d->p, f, (enum lab_coffman)c, s,
								  sizeof(s)));
			}
}

static void judge_remedies(const struct drawing *d, struct lab_finding *f, enum lab_lock_kind kind)
{
	char s[BYTES];
	u32 remedy, cheapest;

	for (remedy = 0; remedy < LAB_NR_REMEDIES; remedy++)
		for (cheapest = 0; cheapest < LAB_NR_CONDITIONS; cheapest++) {
			f->remedy = (enum lab_remedy)remedy;
			f->cheapest = (enum lab_coffman)cheapest;
			judge_sentence(f, "remedy", kind, remedy,
				       evidence_remedy(&d->p, f, s, sizeof(s)));
		}
}

TEST(every_kind_of_finding_and_lock_makes_sentences)
{
	static const u32 sizes[] = { 1, 2, 3, 64 };
	u32 kind, lock_kind, size;

	setlocale(LC_CTYPE, "C.UTF-8");
	nr_bad = 0;
	for (size = 0; size < 4; size++)
		for (lock_kind = 0; lock_kind < LAB_NR_KINDS; lock_kind++)
			for (kind = 0; kind < LAB_NR_FINDING_KINDS; kind++) {
				struct drawing d;
				struct lab_finding *f;

				drawing_cycle(&d, sizes[size], (enum lab_lock_kind)lock_kind, 0);
				f = &d.p.findings[0];
				f->kind = (enum lab_finding_kind)kind;
				judge_conditions(&d, f, (enum lab_lock_kind)lock_kind);
				judge_remedies(&d, f, (enum lab_lock_kind)lock_kind);
				f->is_cycle = false;
				judge_conditions(&d, f, (enum lab_lock_kind)lock_kind);
				judge_remedies(&d, f, (enum lab_lock_kind)lock_kind);
				drawing_free(&d);
			}
	EXPECT_EQ(0, nr_bad);
}

TEST(a_flaw_is_seen)
{
	EXPECT_NE(NULL, flaw(""));
	EXPECT_NE(NULL, flaw("No stop"));
	EXPECT_NE(NULL, flaw("It is (null)."));
	EXPECT_NE(NULL, flaw("It is \033[1m."));
	EXPECT_EQ(NULL, flaw("It is ... well."));
}

/* The numbers that prove it: address, type, word, owner, how long, where. */
TEST(a_mutex_cycle_is_proven_by_its_numbers)
{
	struct lab_finding *f;
	struct drawing d;
	char s[BYTES];

	drawing_cycle(&d, 2, LAB_MUTEX, 0);
	f = &d.p.findings[0];
	EXPECT_STREQ(
		"mutex accounts (0x555555558040, normal): word 2 (locked, waiters), owner 4713 (worker), re-read "
		"unchanged; mutex journal (0x555555558080, normal): word 2 (locked, waiters), owner 4712 (worker), "
		"re-read unchanged.",
		evidence_condition(&d.p, f, LAB_MUTUAL_EXCLUSION, s, sizeof(s)));
	EXPECT_STREQ(
		"thread 4712 (worker) holds mutex journal and has waited 12.3 s for mutex accounts in transfer() "
		"(bank.c:41); thread 4713 (worker) holds mutex accounts and has waited 12.3 s for mutex journal in "
		"transfer_back() (bank.c:52).",
		evidence_condition(&d.p, f, LAB_HOLD_AND_WAIT, s, sizeof(s)));
	EXPECT_STREQ(
		"Neither wait has a timeout, no signal is pending, and neither mutex is robust.",
		evidence_condition(&d.p, f, LAB_NO_PREEMPTION, s, sizeof(s)));
	EXPECT_STREQ("4712 (worker) -> mutex accounts -> 4713 (worker) -> mutex journal -> 4712.",
		     evidence_condition(&d.p, f, LAB_CIRCULAR_WAIT, s, sizeof(s)));
	drawing_free(&d);
}

TEST(an_owner_that_changed_between_reads_is_not_called_unchanged)
{
	struct drawing d;
	char s[BYTES];

	drawing_cycle(&d, 2, LAB_MUTEX, 0);
	d.p.holds[0].steady = false;
	evidence_condition(&d.p, &d.p.findings[0], LAB_MUTUAL_EXCLUSION, s, sizeof(s));
	EXPECT_NE(NULL, strstr(s, "changed between reads"));
	drawing_free(&d);
}

TEST(words_of_robust_and_pi_mutexes_are_told_apart)
{
	struct drawing d;
	char s[BYTES];

	drawing_cycle(&d, 1, LAB_MUTEX, 0);
	d.p.locks[0].attrs = LAB_PI | LAB_ROBUST;
	d.p.locks[0].word = 0x80000000 | 4712;
	evidence_condition(&d.p, &d.p.findings[0], LAB_MUTUAL_EXCLUSION, s, sizeof(s));
	EXPECT_NE(NULL,
		  strstr(s,
			 "priority-inheriting, robust): word 0x80001268 (locked by 4712, waiters)"))
	{
		TH_LOG("%s", s);
	}
	d.p.locks[0].word = 0x40000000;
	evidence_condition(&d.p, &d.p.findings[0], LAB_MUTUAL_EXCLUSION, s, sizeof(s));
	EXPECT_NE(NULL, strstr(s, "(free, owner died)"));
	d.p.locks[0].attrs = LAB_PRIO_PROTECT;
	d.p.locks[0].word = 7 << 19 | 2;
	evidence_condition(&d.p, &d.p.findings[0], LAB_MUTUAL_EXCLUSION, s, sizeof(s));
	EXPECT_NE(NULL, strstr(s, "(locked, waiters)"));
	drawing_free(&d);
}

TEST(a_timed_wait_is_named)
{
	struct drawing d;
	char s[BYTES];

	drawing_cycle(&d, 2, LAB_MUTEX, 0);
	d.p.tasks[2].status |= LAB_TASK_WAITS_TIMED;
	d.p.findings[0].conditions[LAB_NO_PREEMPTION] =
		(struct lab_condition){ 0, LAB_BECAUSE_TIMED, 2, 1 };
	EXPECT_STREQ(
		"The wait of thread 4713 (worker) for mutex journal in transfer_back() (bank.c:52) has a timeout: it ends "
		"by itself.",
		evidence_condition(&d.p, &d.p.findings[0], LAB_NO_PREEMPTION, s, sizeof(s)));
	drawing_free(&d);
}

TEST(the_order_to_take_is_the_one_the_other_takes)
{
	struct drawing d;
	char s[BYTES];

	drawing_cycle(&d, 2, LAB_MUTEX, 0);
	evidence_remedy(&d.p, &d.p.findings[0], s, sizeof(s));
	/*
	 * 4712 holds journal and wants accounts; 4713 holds accounts and wants journal: accounts
	 * first.
	 */
	EXPECT_EQ(
		&s[0],
		strstr(s,
		       "Take mutex accounts before mutex journal in transfer() (bank.c:41) (thread 4712 (worker)): "
		       "thread 4713 (worker) takes them in that order in transfer_back() (bank.c:52)."))
	{
		TH_LOG("%s", s);
	}
	EXPECT_NE(
		NULL,
		strstr(s,
		       "Cheapest condition to break: circular wait (one order) in transfer() (bank.c:41)."));
	drawing_free(&d);
}

TEST(two_locks_of_one_name_are_told_apart)
{
	struct drawing d;
	char s[BYTES];

	drawing_cycle(&d, 2, LAB_MUTEX, 0);
	d.p.locks[0].symbol = d.p.locks[1].symbol = "pool->lock";
	EXPECT_STREQ(
		"4712 (worker) -> mutex pool->lock (0x555555558040) -> 4713 (worker) -> mutex pool->lock "
		"(0x555555558080) -> 4712.",
		evidence_condition(&d.p, &d.p.findings[0], LAB_CIRCULAR_WAIT, s, sizeof(s)));
	drawing_free(&d);
}

TEST(a_long_circle_is_told_by_its_ends)
{
	struct drawing d;
	char s[BYTES];

	drawing_cycle(&d, 64, LAB_MUTEX, 0);
	evidence_condition(&d.p, &d.p.findings[0], LAB_CIRCULAR_WAIT, s, sizeof(s));
	EXPECT_NE(NULL, strstr(s, "4712 (worker)"));
	EXPECT_NE(NULL, strstr(s, "... 59 more tasks ..."));
	EXPECT_NE(NULL, strstr(s, "4775 (worker)"));
	EXPECT_GT(600, strlen(s));
	drawing_free(&d);
}

/* Every size of buffer: ends in a NUL inside it, at a whole character, and says that it was cut. */
TEST(a_buffer_too_small_is_cut_at_a_character)
{
	static char s[BYTES], whole[BYTES];
	struct drawing d;
	size_t size;

	drawing_cycle(&d, 3, LAB_MUTEX, 0);
	d.p.tasks[1].comm = "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e";
	setlocale(LC_CTYPE, "C.UTF-8");
	evidence_condition(&d.p, &d.p.findings[0], LAB_CIRCULAR_WAIT, whole, sizeof(whole));
	for (size = 1; size <= strlen(whole); size++) {
		memset(s, 'x', sizeof(s));
		evidence_condition(&d.p, &d.p.findings[0], LAB_CIRCULAR_WAIT, s, size);
		ASSERT_GT(size, strlen(s));
		ASSERT_EQ(NULL, scribble_unprintable(s, true));
		ASSERT_EQ('x', s[size]);
		if (size > 3)
			ASSERT_EQ(0, strcmp(s + strlen(s) - 3, "..."));
	}
	evidence_condition(&d.p, &d.p.findings[0], LAB_CIRCULAR_WAIT, s, size);
	EXPECT_STREQ(whole, s);
	drawing_free(&d);
}

TEST(scribbles_make_printable_sentences)
{
	u64 seed;

	setlocale(LC_CTYPE, "C.UTF-8");
	for (seed = 1; seed <= 2000; seed++) {
		struct drawing d;
		char s[BYTES];
		u32 i, c;

		scribble(&d, seed);
		for (i = 0; i < d.p.nr_findings; i++) {
			const struct lab_finding *f = &d.p.findings[i];

			for (c = 0; c < LAB_NR_CONDITIONS; c++) {
				evidence_condition(&d.p, f, (enum lab_coffman)c, s, sizeof(s));
				ASSERT_NE(0, s[0]);
				ASSERT_EQ(NULL, scribble_unprintable(s, true))
				{
					TH_LOG("seed %llu: %s", (unsigned long long)seed, s);
				}
			}
			evidence_remedy(&d.p, f, s, sizeof(s));
			ASSERT_NE(0, s[0]);
			ASSERT_EQ(NULL, scribble_unprintable(s, true));
		}
		drawing_free(&d);
	}
}

TEST_HARNESS_MAIN
