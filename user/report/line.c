// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * line - a finding in one line, for a tool that keeps looking
 */
#include "report.h"
#include "words.h"

enum {
	LINE_BYTES = 1024,
	MAX_LINKS = 4,
	MAX_STUCK = 3
};

static void cycle(struct words *w, const struct lab_picture *p, const struct lab_finding *f)
{
	const struct lab_task *first = words_task_at(p, words_finding_task(p, f, 0));
	u32 i;

	for (i = 0; i < f->nr_tasks; i++) {
		if (f->nr_tasks > MAX_LINKS && i == MAX_LINKS - 1) {
			words_add(w, "(%u more) -> ", f->nr_tasks - MAX_LINKS);
			i = f->nr_tasks - 1;
		}
		words_task_short(w, p, words_finding_task(p, f, i));
		words_add(w, " -> ");
		words_lock_short(w, p, words_finding_lock(p, f, i));
		words_add(w, " -> ");
	}
	words_add(w, "%u", first ? first->tid : 0);
}

static void stuck(struct words *w, const struct lab_picture *p, const struct lab_finding *f)
{
	u32 i, n = f->nr_tasks > MAX_STUCK ? MAX_STUCK : f->nr_tasks;

	for (i = 0; i < n; i++) {
		words_add(w, "%s", i ? ", " : "");
		words_task_short(w, p, words_finding_task(p, f, i));
		words_add(w, " -> ");
		words_lock_short(w, p, words_wait_of(p, f, i));
	}
	if (f->nr_tasks > n)
		words_add(w, " and %u more", f->nr_tasks - n);
}

void report_line(FILE *out, const struct lab_picture *picture, const struct lab_finding *finding)
{
	WORDS(w, LINE_BYTES);

	words_add(&w, "%s (%s): ", lab_finding_kind_name(finding->kind),
		  lab_certainty_name(finding->certainty));
	if (finding->is_cycle && finding->nr_tasks && finding->nr_locks == finding->nr_tasks)
		cycle(&w, picture, finding);
	else
		stuck(&w, picture, finding);
	if (finding->nr_victims)
		words_add(&w, "; %u more behind", finding->nr_victims);
	report_escape(out, w.s);
	fputc('\n', out);
}
