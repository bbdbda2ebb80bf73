// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * text - a picture for people, on one screen: the verdict first, the circle drawn, the evidence,
 * what to do
 *
 * Long findings lose their middle, never their ends; what was left out is always counted. Colour
 * repeats what words and marks say already. Nothing is wider than the terminal: sentences are
 * wrapped, table cells and frames elided.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "words.h"

enum {
	DEFAULT_WIDTH = 80,
	MIN_WIDTH = 20,
	SENTENCE_BYTES = 4096,
	MAX_FINDINGS = 3, /* told in full */
	MAX_MORE = 8, /* told in a line each */
	MAX_DRAWN = 8, /* tasks of a circle; longer ones lose their middle */
	MAX_TASKS = 4, /* told with their stacks; if there are more, MAX_HEAD of them */
	MAX_HEAD = 2,
	MAX_NAMED = 8, /* in a list of names */
	MAX_FRAMES = 8,
	MAX_ROWS = 10,
	MAX_NOT_SEEN = 5,
	MAX_STOPPED = 5,
	CELL_BYTES = 512,
};

enum tint {
	PLAIN,
	BAD,
	WARN,
	GOOD,
	STRONG,
	DIM
};

struct page {
	FILE *out;
	const struct lab_picture *p;
	unsigned int width;
	bool utf8, color, all;
};

static void tint(const struct page *g, enum tint t)
{
	static const char *const codes[] = { "0", "1;31", "1;33", "1;32", "1", "2" };

	if (g->color)
		fprintf(g->out, "\033[%sm", codes[t]);
}

/*
 * Prints as much of @s as fits into @room columns, elided at the end if it is longer. Return:
 * columns used.
 */
static unsigned int put_elided(const struct page *g, const char *s, unsigned int room)
{
	const char *dots = g->utf8 ? "…" : "...";
	unsigned int nr_dots = g->utf8 ? 1 : 3, used = 0, columns, all = 0;
	char piece[WORDS_CHAR];
	const char *c;

	for (c = s; *c;) {
		c += words_next(c, g->utf8, piece, &columns);
		all += columns;
	}
	for (c = s; *c;) {
		c += words_next(c, g->utf8, piece, &columns);
		if (all > room && used + columns + nr_dots > room) {
			if (used + nr_dots <= room) {
				fputs(dots, g->out);
				used += nr_dots;
			}
			break;
		}
		fputs(piece, g->out);
		used += columns;
	}
	return used;
}

/* One line, elided. */
static void line(const struct page *g, enum tint t, const char *prefix, const char *s)
{
	unsigned int used = put_elided(g, prefix, g->width);

	if (t != PLAIN)
		tint(g, t);
	put_elided(g, s, g->width - used);
	if (t != PLAIN)
		tint(g, PLAIN);
	fputc('\n', g->out);
}

static void blank(const struct page *g)
{
	fputc('\n', g->out);
}

/* A number and its unit stay together: "12.3 s" is one word. */
static bool is_gap(const char *start, const char *s)
{
	static const char *const units[] = { "ms", "s", "min", "h", "d" };
	size_t i, n;

	if (*s != ' ' || s == start || s[-1] < '0' || s[-1] > '9')
		return *s == ' ';
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		n = strlen(units[i]);
		if (!strncmp(s + 1, units[i], n) && !isalnum((unsigned char)s[1 + n]))
			return false;
	}
	return true;
}

static unsigned int word_columns(const struct page *g, const char *start, const char *s)
{
	unsigned int sum = 0, columns;
	char piece[WORDS_CHAR];

	while (*s && !is_gap(start, s)) {
		s += words_next(s, g->utf8, piece, &columns);
		sum += columns;
	}
	return sum;
}

/*
 * A paragraph: @first (tinted) before its first line, @rest before the others. A word that is
 * longer than a line is broken where the line ends.
 */
static void paragraph(const struct page *g, enum tint t, const char *first, const char *rest,
		      const char *s)
{
	unsigned int margin = words_columns(first), next = words_columns(rest), at, columns;
	char piece[WORDS_CHAR];
	const char *start = s;
	bool begun = false;

	if (next + 8 > g->width) {
		rest = "";
		next = 0;
	}
	if (t != PLAIN && *first)
		tint(g, t);
	if (margin + 8 > g->width) { /* no room beside the label: under it */
		put_elided(g, first, g->width);
		fputc('\n', g->out);
		fputs(rest, g->out);
		margin = next;
	} else {
		fputs(first, g->out);
	}
	if (t != PLAIN && *first)
		tint(g, PLAIN);
	at = margin;
	while (*s) {
		unsigned int word;

		while (*s == ' ')
			s++;
		if (!*s)
			break;
		word = word_columns(g, start, s);
		if (begun && at + 1 + word > g->width) {
			fprintf(g->out, "\n%s", rest);
			at = margin = next;
		} else if (begun) {
			fputc(' ', g->out);
			at++;
		}
		begun = true;
		while (*s && !is_gap(start, s)) {
			s += words_next(s, g->utf8, piece, &columns);
			if (at + columns > g->width && at > margin) {
				fprintf(g->out, "\n%s", rest);
				at = margin = next;
			}
			fputs(piece, g->out);
			at += columns;
		}
	}
	fputc('\n', g->out);
}

static const char *title(enum lab_finding_kind kind)
{
	static const char *const titles[LAB_NR_FINDING_KINDS] = {
		[LAB_DEADLOCK] = "DEADLOCK",
		[LAB_SELF_DEADLOCK] = "SELF-DEADLOCK",
		[LAB_ABANDONED_LOCK] = "ABANDONED LOCK",
		[LAB_STALL] = "STALL",
		[LAB_PREEMPTABLE_CYCLE] = "NEAR-MISS, no deadlock (preemptable cycle)",
		[LAB_SPIN_DEADLOCK] = "SPIN DEADLOCK",
		[LAB_IO_CYCLE] = "I/O CYCLE",
		[LAB_LOCK_ORDER_INVERSION] = "NEAR-MISS, no deadlock yet (lock order inversion)",
		[LAB_PRIORITY_INVERSION] = "PRIORITY INVERSION",
		[LAB_CONVOY] = "CONVOY",
		[LAB_STARVATION] = "STARVATION",
	};

	return kind < LAB_NR_FINDING_KINDS ? titles[kind] : "FINDING";
}

/* Names of tasks, at most @max of them unless all are asked for. */
static void names(struct words *w, const struct page *g, const u32 *tasks, u32 nr, u32 max)
{
	u32 i, shown = nr > max && !g->all ? max : nr;

	for (i = 0; i < shown; i++) {
		words_join(w, i, nr > shown ? shown + 1 : shown);
		words_task_short(w, g->p, tasks[i]);
	}
	if (nr > shown)
		words_add(w, " and %u more", nr - shown);
}

/* How the next in a circle has to do with what the one before waits for. */
static void relation(struct words *w, const struct lab_picture *p, u32 lock, u32 next)
{
	const struct lab_lock *l = words_lock_at(p, lock);

	if (!words_holds(p, next, lock))
		words_add(w, l && l->kind == LAB_RWLOCK && words_waits(p, next, lock) ? "behind "
										      : "up to ");
	else
		words_add(w, l && words_is_exclusive(l->kind) ? "held by " : "up to ");
}

/* In a line that continues: the task has a finite verb of its own. */
static void draw_wait(struct words *w, const struct lab_picture *p, const struct lab_finding *f,
		      u32 i)
{
	const struct lab_task *t = words_task_at(p, words_finding_task(p, f, i));

	words_add(w, t && t->status & LAB_TASK_SPINS ? "spins for " : "waits for ");
	words_lock(w, p, words_finding_lock(p, f, i));
	if (t && t->status & LAB_TASK_WAITS_TIMED)
		words_add(w, " (with a timeout)");
}

static void draw_cycle(const struct page *g, const struct lab_finding *f)
{
	const char *top = g->utf8 ? "  ┌─► " : "  +-> ", *side = g->utf8 ? "  │   " : "  |   ";
	const char *bottom = g->utf8 ? "  └── " : "  +-- ";
	u32 i, n = f->nr_tasks, head = MAX_DRAWN / 2, tail = MAX_DRAWN - MAX_DRAWN / 2 - 1;

	for (i = 0; i < n; i++) {
		WORDS(w, SENTENCE_BYTES);

		if (n > MAX_DRAWN && i == head && !g->all) {
			words_add(&w, "... %u more ...", n - head - tail);
			paragraph(g, PLAIN, side, side, w.s);
			i = n - tail - 1;
			continue;
		}
		if (i) {
			relation(&w, g->p, words_finding_lock(g->p, f, i - 1),
				 words_finding_task(g->p, f, i));
			words_task(&w, g->p, words_finding_task(g->p, f, i));
			words_add(&w, ", which ");
		} else {
			words_task(&w, g->p, words_finding_task(g->p, f, i));
			words_add(&w, " ");
		}
		draw_wait(&w, g->p, f, i);
		words_add(&w, ",");
		paragraph(g, PLAIN, i ? side : top, side, w.s);
	}
	WORDS(last, SENTENCE_BYTES);
	relation(&last, g->p, words_finding_lock(g->p, f, f->nr_locks - 1),
		 words_finding_task(g->p, f, 0));
	if (n == 1)
		words_add(&last, "itself");
	else
		words_task(&last, g->p, words_finding_task(g->p, f, 0));
	words_add(&last, ".");
	paragraph(g, PLAIN, bottom, "      ", last.s);
}

/* What a task is stuck for, when it is no circle: its locks, and who could give them. */
static void held_by(struct words *w, const struct lab_picture *p, u32 lock)
{
	const struct lab_lock *l = words_lock_at(p, lock);
	u32 i, n;

	if (!l)
		return;
	n = l->nr_holds > 3 ? 3 : l->nr_holds;
	for (i = 0; i < n; i++) {
		words_join(w, i, l->nr_holds > n ? n + 1 : n);
		words_task_short(w, p, p->holds[p->lock_holds[l->first_hold + i]].task);
	}
	if (l->nr_holds > n)
		words_add(w, " and %u more", l->nr_holds - n);
	if (n)
		return;
	if (l->attrs & LAB_READ_HELD)
		words_add(w, "readers, not recorded");
	else if (l->attrs & LAB_FREE)
		words_add(w, "nobody: its word says free");
	else if (l->wakers < p->nr_groups && p->groups[l->wakers].what)
		words_name(w, p->groups[l->wakers].what);
	else if (l->unseen)
		words_add(w, "somebody outside");
	else
		words_add(w, "not known");
}

static void show_stack(const struct page *g, const struct lab_task *t, u32 max)
{
	u32 i = 0, shown = 0;
	const char *label = "    at       ";

	while (t->stack && i < t->nr_frames) {
		WORDS(w, CELL_BYTES);
		u32 run = 0;

		if (!g->all)
			while (i + run < t->nr_frames && words_is_plumbing(&t->stack[i + run]))
				run++;
		/* Below the last of the program's own frames there is only how threads begin. */
		if (run && i && i + run == t->nr_frames)
			break;
		if (shown == max) {
			words_add(&w, "%s %u more", g->utf8 ? "…" : "...", t->nr_frames - i);
			line(g, DIM, label, w.s);
			break;
		}
		if (run) {
			const struct lab_frame *entry =
				&t->stack[i + run - 1]; /* what the program called */

			words_frame(&w, entry);
			if (run > 1)
				words_add(&w, ", %u more above it", run - 1);
			line(g, DIM, label, w.s);
			i += run;
		} else {
			words_frame(&w, &t->stack[i]);
			line(g, PLAIN, label, w.s);
			i++;
		}
		shown++;
		label = "             ";
	}
	if (t->stack_note) {
		WORDS(w, CELL_BYTES);

		words_add(&w, "(");
		words_text(&w, t->stack_note);
		words_add(&w, ")");
		line(g, DIM, label, w.s);
	}
}

static void show_task(const struct page *g, u32 task, u32 max_frames)
{
	const struct lab_picture *p = g->p;
	const struct lab_task *t = words_task_at(p, task);
	u32 i, nr = 0;

	if (!t)
		return;
	WORDS(head, SENTENCE_BYTES);
	words_task(&head, p, task);
	if (t->tid != t->tgid) {
		words_add(&head, " of ");
		words_process(&head, p, t->tgid);
	}
	if (t->status & LAB_TASK_IS_STOPPED)
		words_add(&head, ", stopped");
	line(g, STRONG, "  ", head.s);

	WORDS(holds, SENTENCE_BYTES);
	for (i = 0; i < t->nr_holds; i++) {
		const struct lab_hold *h = &p->holds[t->first_hold + i];

		if (h->source == LAB_HOLD_TARGET)
			continue;
		if (nr < MAX_NAMED || g->all) {
			words_add(&holds, "%s", nr ? ", " : "");
			words_lock(&holds, p, h->lock);
			if (h->access == LAB_SHARED)
				words_add(&holds, " (to read)");
			if (h->depth > 1)
				words_add(&holds, " (%u times over)", h->depth);
		}
		nr++;
	}
	if (nr > MAX_NAMED && !g->all)
		words_add(&holds, " and %u more", nr - MAX_NAMED);
	paragraph(g, PLAIN, "    holds    ", "             ", nr ? holds.s : "nothing known");

	WORDS(waits, SENTENCE_BYTES);
	if (t->nr_waits > 1)
		words_add(&waits, t->status & LAB_TASK_WAITS_ANY ? "any of " : "all of ");
	for (i = 0; i < t->nr_waits && (i < MAX_NAMED || g->all); i++) {
		const struct lab_wait *wait = &p->waits[t->first_wait + i];

		words_join(&waits, i, t->nr_waits);
		words_lock(&waits, p, wait->lock);
		if (wait->access == LAB_SHARED)
			words_add(&waits, " (to read)");
	}
	if (i < t->nr_waits)
		words_add(&waits, " and %u more", t->nr_waits - i);
	if (!t->nr_waits)
		words_add(&waits, "nothing");
	if (t->wait_ns >= 0 && t->nr_waits) {
		words_add(&waits, ", for ");
		words_duration(&waits, t->wait_ns);
	}
	if (t->call && *t->call) {
		words_add(&waits, ", in ");
		words_name(&waits, t->call);
	}
	if (t->status & LAB_TASK_WAITS_TIMED)
		words_add(&waits, ", with a timeout");
	paragraph(g, PLAIN, t->status & LAB_TASK_SPINS ? "    spins on " : "    awaits   ",
		  "             ", waits.s);
	show_stack(g, t, max_frames);
}

static void show_tasks(const struct page *g, const struct lab_finding *f)
{
	u32 shown = f->nr_tasks > MAX_TASKS && !g->all ? MAX_HEAD : f->nr_tasks;
	u32 i, frames = g->all ? ~0u : f->nr_tasks <= 2 ? MAX_FRAMES
							: 3;
	const u32 *tasks = g->p->finding_tasks + f->first_task;

	for (i = 0; i < shown; i++)
		show_task(g, tasks[i], frames);
	if (shown < f->nr_tasks) {
		WORDS(w, SENTENCE_BYTES);

		words_add(&w, "... and %u more: ", f->nr_tasks - shown);
		names(&w, g, tasks + shown, f->nr_tasks - shown, MAX_NAMED);
		words_add(&w, ".");
		paragraph(g, PLAIN, "  ", "  ", w.s);
	}
}

static void show_victims(const struct page *g, const struct lab_finding *f)
{
	WORDS(w, SENTENCE_BYTES);

	if (!f->nr_victims)
		return;
	words_add(&w, "%u more %s behind it: ", f->nr_victims,
		  f->nr_victims == 1 ? "task waits" : "tasks wait");
	names(&w, g, g->p->finding_tasks + f->first_victim, f->nr_victims, MAX_NAMED);
	words_add(&w, ".");
	paragraph(g, PLAIN, "", "", w.s);
	blank(g);
}

static void show_conditions(const struct page *g, const struct lab_finding *f)
{
	static const char *const labels[LAB_NR_CONDITIONS] = {
		[LAB_MUTUAL_EXCLUSION] = "mutual exclusion",
		[LAB_HOLD_AND_WAIT] = "hold and wait",
		[LAB_NO_PREEMPTION] = "no preemption",
		[LAB_CIRCULAR_WAIT] = "circular wait",
	};
	static const struct {
		const char *utf8, *ascii;
		enum tint tint;
	} marks[] = { { "?", "[?]", WARN }, { "✘", "[no]", GOOD }, { "✔", "[yes]", BAD } };
	char evidence[SENTENCE_BYTES];
	u32 c, holding = 0;

	for (c = 0; c < LAB_NR_CONDITIONS; c++)
		holding += f->conditions[c].holds > 0;
	if (holding == LAB_NR_CONDITIONS)
		line(g, STRONG, "", "All four conditions of a deadlock hold:");
	else
		line(g, STRONG, "", "The four conditions of a deadlock:");
	for (c = 0; c < LAB_NR_CONDITIONS; c++) {
		int holds = f->conditions[c].holds, mark = holds < 0 ? 0 : holds ? 2
										 : 1;
		char first[64];

		snprintf(first, sizeof(first),
			 "  %s %s: ", g->utf8 ? marks[mark].utf8 : marks[mark].ascii, labels[c]);
		paragraph(g, marks[mark].tint, first, "    ",
			  evidence_condition(g->p, f, (enum lab_coffman)c, evidence,
					     sizeof(evidence)));
	}
	blank(g);
}

static void show_finding(const struct page *g, const struct lab_finding *f, u32 number, u32 of)
{
	char label[128], remedy[SENTENCE_BYTES];
	WORDS(w, SENTENCE_BYTES);

	if (of > 1)
		snprintf(label, sizeof(label), "%u. %s, %s: ", number, title(f->kind),
			 lab_certainty_name(f->certainty));
	else
		snprintf(label, sizeof(label), "%s, %s: ", title(f->kind),
			 lab_certainty_name(f->certainty));
	words_headline(&w, g->p, f);
	paragraph(g, lab_finding_is_fault(f->kind) ? BAD : WARN, label, "", w.s);
	blank(g);
	if (f->is_cycle && f->nr_tasks && f->nr_locks == f->nr_tasks) {
		draw_cycle(g, f);
		blank(g);
	}
	show_tasks(g, f);
	blank(g);
	show_victims(g, f);
	show_conditions(g, f);
	paragraph(g, STRONG, "What to do: ", "  ",
		  evidence_remedy(g->p, f, remedy, sizeof(remedy)));
}

/* A line on each finding from @first on. */
static void show_more(const struct page *g, const u32 *order, u32 first, u32 nr)
{
	u32 i;

	for (i = first; i < nr && (i - first < MAX_MORE || g->all); i++) {
		const struct lab_finding *f = &g->p->findings[order[i]];
		char label[128];
		WORDS(w, SENTENCE_BYTES);

		snprintf(label, sizeof(label), "%u. %s, %s: ", i + 1, title(f->kind),
			 lab_certainty_name(f->certainty));
		words_headline(&w, g->p, f);
		paragraph(g, lab_finding_is_fault(f->kind) ? BAD : WARN, label, "   ", w.s);
	}
	if (i < nr) {
		char text[64];

		snprintf(text, sizeof(text), "... and %u more.", nr - i);
		line(g, PLAIN, "", text);
	}
}

/* Longest wait first; unknown ones last; then by tid, so that the order is always the same. */
static int by_wait(const void *a, const void *b, void *picture)
{
	const struct lab_picture *p = picture;
	const struct lab_task *x = &p->tasks[*(const u32 *)a], *y = &p->tasks[*(const u32 *)b];

	if (!x->nr_waits != !y->nr_waits)
		return !x->nr_waits - !y->nr_waits;
	if (x->wait_ns != y->wait_ns)
		return x->wait_ns < y->wait_ns ? 1 : -1;
	return (x->tid > y->tid) - (x->tid < y->tid);
}

static void cell(const struct page *g, const char *s, unsigned int width, bool last)
{
	unsigned int used = put_elided(g, s, width);

	if (last)
		fputc('\n', g->out);
	else
		fprintf(g->out, "%*s  ", (int)(width - used), "");
}

static void show_row(const struct page *g, const unsigned int *widths, const struct lab_task *t)
{
	const struct lab_picture *p = g->p;
	u32 lock = t->nr_waits ? p->waits[t->first_wait].lock : LAB_NONE;

	WORDS(since, CELL_BYTES);
	WORDS(who, CELL_BYTES);
	WORDS(what, CELL_BYTES);
	WORDS(whose, CELL_BYTES);
	if (t->wait_ns >= 0)
		words_duration(&since, t->wait_ns);
	else
		words_add(&since, "-");
	words_task_short(&who, p, (u32)(t - p->tasks));
	if (lock != LAB_NONE) {
		words_lock(&what, p, lock);
		if (t->nr_waits > 1)
			words_add(&what, " + %u", t->nr_waits - 1);
		held_by(&whose, p, lock);
	} else if (t->call && *t->call) {
		words_name(&what, t->call);
	} else {
		words_add(&what, t->state == 'R' ? "running" : "-");
	}
	if (t->status & LAB_TASK_WAITS_TIMED)
		words_add(&whose, "%s", whose.len ? " (timed)" : "timed");
	fputs("  ", g->out);
	cell(g, since.s, widths[0], false);
	cell(g, who.s, widths[1], false);
	cell(g, what.s, widths[2], false);
	cell(g, whose.s, widths[3], true);
}

/* Who waits for what; those that wait for nothing known only if all tasks are asked for. */
static void show_table(const struct page *g)
{
	static const char *const heads[] = { "WAITED", "THREAD", "WAITS FOR", "HELD BY, OR UP TO" };
	const struct lab_picture *p = g->p;
	unsigned int widths[4], room = g->width > 50 ? g->width - 2 - 3 * 2 - 12 : 32;
	u32 *order, i, n = 0, rows;

	if (g->width <= 50) { /* too narrow for a table */
		line(g, DIM, "", "(a wider terminal shows who waits for what)");
		return;
	}
	order = malloc((p->nr_tasks + 1) * sizeof(*order));
	if (!order) {
		line(g, WARN, "", "(no memory for a table of who waits for what)");
		return;
	}
	for (i = 0; i < p->nr_tasks; i++)
		if (g->all || p->tasks[i].nr_waits)
			order[n++] = i;
	qsort_r(order, n, sizeof(*order), by_wait, (void *)p);
	widths[0] = 12;
	widths[1] = room * 3 / 10;
	widths[2] = room * 4 / 10;
	widths[3] = room - widths[1] - widths[2];
	rows = n > MAX_ROWS && !g->all ? MAX_ROWS : n;
	if (rows) {
		fputs("  ", g->out);
		for (i = 0; i < 4; i++)
			cell(g, heads[i], widths[i], i == 3);
	}
	for (i = 0; i < rows; i++)
		show_row(g, widths, &p->tasks[order[i]]);
	if (rows < n) {
		char text[64];

		snprintf(text, sizeof(text), "... and %u more", n - rows);
		line(g, PLAIN, "  ", text);
	}
	free(order);
}

/* A lock whose owner is stopped looks like a deadlock from where its waiters stand; it is none. */
static void show_stopped(const struct page *g)
{
	const struct lab_picture *p = g->p;
	u32 i, shown = 0, nr = 0;

	for (i = 0; i < p->nr_holds; i++) {
		const struct lab_hold *h = &p->holds[i];
		const struct lab_task *t = &p->tasks[h->task];
		const struct lab_lock *l = &p->locks[h->lock];
		WORDS(w, SENTENCE_BYTES);

		if (!(t->status & LAB_TASK_IS_STOPPED) || !l->nr_waits ||
		    h->source == LAB_HOLD_TARGET)
			continue;
		if (nr++ >= MAX_STOPPED)
			continue;
		words_task(&w, p, h->task);
		if (t->state == 'T')
			words_add(&w, " is stopped (state T)");
		else if (t->state == 't')
			words_add(&w, " is held by a debugger (state t)");
		else
			words_add(&w, " is frozen or stopped");
		words_add(&w, " and holds ");
		words_lock(&w, p, h->lock);
		words_add(&w, ", for which %u %s", l->nr_waits,
			  l->nr_waits == 1 ? "task waits" : "tasks wait");
		if (t->state == 'T')
			words_add(&w, ": 'kill -CONT %u' lets it go on", t->tgid);
		words_add(&w, ".");
		paragraph(g, WARN, "Stopped: ", "  ", w.s);
		shown++;
	}
	if (nr > shown) {
		char text[64];

		snprintf(text, sizeof(text), "Stopped: %u more of these.", nr - shown);
		line(g, WARN, "", text);
	}
}

static void show_not_seen(const struct page *g)
{
	const struct lab_picture *p = g->p;
	u32 i, n = p->nr_not_seen > MAX_NOT_SEEN && !g->all ? MAX_NOT_SEEN : p->nr_not_seen;

	if (p->lost_events) {
		char text[96];

		snprintf(text, sizeof(text), "%llu %s lost.", (unsigned long long)p->lost_events,
			 p->lost_events == 1 ? "event was" : "events were");
		line(g, WARN, "Lost: ", text);
	}
	for (i = 0; i < n; i++) {
		WORDS(w, SENTENCE_BYTES);

		words_text(&w, p->not_seen[i]);
		paragraph(g, WARN, "Not seen: ", "  ", w.s);
	}
	if (n < p->nr_not_seen) {
		char text[64];

		snprintf(text, sizeof(text), "Not seen: %u more things.", p->nr_not_seen - n);
		line(g, WARN, "", text);
	}
}

static void show_nothing(const struct page *g)
{
	const struct lab_picture *p = g->p;
	u32 i, asked = 0, waiting = 0, tgid = 0;
	bool one = true;
	WORDS(w, SENTENCE_BYTES);

	for (i = 0; i < p->nr_tasks; i++) {
		const struct lab_task *t = &p->tasks[i];

		if (!(t->status & LAB_TASK_IS_ASKED))
			continue;
		one &= !asked || t->tgid == tgid;
		tgid = t->tgid;
		asked++;
		waiting += t->nr_waits > 0;
	}
	if (p->verdict == LAB_UNKNOWN) {
		if (p->lost_events)
			words_add(
				&w,
				"nothing wrong was found, but %llu %s lost: something may have been missed.",
				(unsigned long long)p->lost_events,
				p->lost_events == 1 ? "event was" : "events were");
		else
			words_add(&w,
				  "nothing wrong was found, but not everything could be seen: "
				  "something may be wrong there (%u %s).",
				  p->nr_not_seen, p->nr_not_seen == 1 ? "place" : "places");
		paragraph(g, WARN, "UNKNOWN: ", "", w.s);
	} else {
		words_add(&w, "%u %s", asked, asked == 1 ? "task" : "tasks");
		if (one && asked) {
			words_add(&w, " of ");
			words_process(&w, p, tgid);
		}
		words_add(&w, " looked at");
		if (asked == 1 && waiting)
			words_add(&w, "; it waits for something that can still come");
		else if (waiting == 1)
			words_add(&w, ", 1 of them waits, for something that can still come");
		else if (waiting)
			words_add(&w, ", %u of them wait, each for something that can still come",
				  waiting);
		else
			words_add(&w, "%s",
				  asked == 1 ? "; it waits for nobody"
					     : ", none of them waits for another");
		words_add(&w, ".");
		paragraph(g, GOOD, "NOTHING WRONG FOUND: ", "", w.s);
	}
}

void report_text(FILE *out, const struct lab_picture *picture, const struct report_style *style)
{
	unsigned int width = style->width ? style->width : DEFAULT_WIDTH;
	struct page g = { .out = out,
			  .p = picture,
			  .width = width < MIN_WIDTH ? MIN_WIDTH : width,
			  .utf8 = words_utf8(),
			  .color = style->color,
			  .all = style->all_tasks };
	u32 *order, i, asked = 0, n = 0, full;

	/* Those that touch what was asked about first; the judge has them in order of weight. */
	order = calloc((size_t)picture->nr_findings + 1, sizeof(*order));
	if (!order) {
		fputs("out of memory\n", out);
		return;
	}
	for (i = 0; i < picture->nr_findings; i++)
		if (picture->findings[i].asked)
			order[n++] = i;
	asked = n;
	for (i = 0; i < picture->nr_findings; i++)
		if (!picture->findings[i].asked)
			order[n++] = i;

	if (picture->verdict != LAB_FOUND) {
		show_nothing(&g);
		blank(&g);
	} else if (asked > 1) {
		char text[64];

		snprintf(text, sizeof(text), "%u findings.", asked);
		line(&g, BAD, "", text);
		blank(&g);
	}
	full = asked > MAX_FINDINGS && !g.all ? MAX_FINDINGS : asked;
	for (i = 0; i < full; i++) {
		show_finding(&g, &picture->findings[order[i]], i + 1, asked);
		if (i + 1 < n)
			blank(&g);
	}
	show_more(&g, order, full, asked);
	if (n > asked) {
		line(&g, STRONG, "", "Elsewhere, in processes that were not asked about:");
		show_more(&g, order, asked, n);
	}
	free(order);
	if (picture->verdict != LAB_FOUND || g.all) {
		if (n)
			blank(&g);
		show_table(&g);
	}
	show_stopped(&g);
	show_not_seen(&g);
}
