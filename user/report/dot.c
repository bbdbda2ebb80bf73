// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * dot - the wait-for graph for Graphviz: tasks are boxes, locks ellipses, groups of possible wakers
 * dashed
 *
 * An arrow leads from who waits to what it waits for, and from a lock to who holds it; what is in a
 * finding is red and thick. A crowd before one lock is drawn as one node, for a picture of 5,000
 * nodes shows nothing and takes minutes.
 */
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "words.h"

enum {
	LABEL_BYTES = 1024,
	MAX_BYSTANDERS = 8, /* that wait before one lock, drawn one by one */
	MAX_MEMBERS = 64, /* of findings, drawn one by one */
	MAX_NODES = 400,
};

enum mark {
	HIDDEN,
	SHOWN,
	IN_NEAR_MISS,
	IN_FAULT
};

struct graph {
	FILE *out;
	const struct lab_picture *p;
	unsigned char *tasks; /* enum mark */
	unsigned char *locks;
	unsigned char *waits; /* edges of a cycle */
	unsigned char *holds;
	unsigned char *groups; /* has been drawn */
	u32 nr_shown;
};

/* In a DOT string a backslash begins an escape and & an entity: both are only themselves here. */
static void put_label(FILE *out, const char *s)
{
	unsigned int columns;
	char piece[WORDS_CHAR];
	const char *c;

	while (*s) {
		if (*s == '\n') {
			fputs("\\n", out);
			s++;
			continue;
		}
		s += words_next(s, true, piece, &columns);
		for (c = piece; *c; c++) {
			if (*c == '"' || *c == '\\')
				fputc('\\', out);
			if (*c == '&')
				fputs("&amp;", out);
			else
				fputc(*c, out);
		}
	}
}

static const char *tint(enum mark mark)
{
	return mark == IN_FAULT	      ? ", color=\"#c00000\", penwidth=2.5"
	       : mark == IN_NEAR_MISS ? ", color=\"#b07000\", penwidth=2.5"
				      : "";
}

static void raise_mark(unsigned char *mark, enum mark to)
{
	if (*mark < to)
		*mark = (unsigned char)to;
}

static void mark_finding(struct graph *g, const struct lab_finding *f)
{
	const struct lab_picture *p = g->p;
	enum mark mark = lab_finding_is_fault(f->kind) ? IN_FAULT : IN_NEAR_MISS;
	u32 i, j;

	for (i = 0; i < f->nr_tasks && i < MAX_MEMBERS && g->nr_shown < MAX_NODES;
	     i++, g->nr_shown++) {
		u32 task = words_finding_task(p, f, i), lock = words_wait_of(p, f, i),
		    held = words_hold_of(p, f, i);
		const struct lab_task *t = words_task_at(p, task);

		if (!t)
			continue;
		raise_mark(&g->tasks[task], mark);
		for (j = 0; j < t->nr_waits; j++)
			if (p->waits[t->first_wait + j].lock == lock)
				raise_mark(&g->waits[t->first_wait + j], mark);
		for (j = 0; j < t->nr_holds; j++)
			if (p->holds[t->first_hold + j].lock == held)
				raise_mark(&g->holds[t->first_hold + j], mark);
		if (lock < p->nr_locks)
			raise_mark(&g->locks[lock], mark);
	}
}

/* Whoever waits or holds something that somebody waits for, as far as there is room. */
static void mark_bystanders(struct graph *g)
{
	const struct lab_picture *p = g->p;
	u32 i, j;

	for (i = 0; i < p->nr_locks; i++) {
		const struct lab_lock *l = &p->locks[i];
		u32 drawn = 0;

		if (!l->nr_waits && g->locks[i] == HIDDEN)
			continue;
		if (g->nr_shown >= MAX_NODES && g->locks[i] == HIDDEN)
			continue;
		raise_mark(&g->locks[i], SHOWN);
		g->nr_shown++;
		for (j = 0; j < l->nr_holds && j < MAX_BYSTANDERS; j++)
			raise_mark(&g->tasks[p->holds[p->lock_holds[l->first_hold + j]].task],
				   SHOWN);
		for (j = 0; j < l->nr_waits && drawn < MAX_BYSTANDERS; j++) {
			u32 task = p->waits[p->lock_waits[l->first_wait + j]].task;

			if (g->tasks[task] == HIDDEN) {
				raise_mark(&g->tasks[task], SHOWN);
				g->nr_shown++;
				drawn++;
			}
		}
	}
}

static void draw_task(const struct graph *g, u32 task)
{
	const struct lab_task *t = &g->p->tasks[task];
	WORDS(w, LABEL_BYTES);

	words_task(&w, g->p, task);
	if (t->tid != t->tgid)
		words_add(&w, " of %u", t->tgid);
	fprintf(g->out, "\tt%u [shape=box, label=\"", task);
	put_label(g->out, w.s);
	words_init(&w, w_buffer, sizeof(w_buffer));
	if (words_place(t)) {
		words_frame(&w, words_place(t));
		fputs("\\n", g->out);
		put_label(g->out, w.s);
	}
	fprintf(g->out, "\"%s%s];\n", t->status & LAB_TASK_IS_GONE ? ", style=dotted" : "",
		tint((enum mark)g->tasks[task]));
}

static void draw_lock(const struct graph *g, u32 lock)
{
	WORDS(w, LABEL_BYTES);

	words_lock(&w, g->p, lock);
	fprintf(g->out, "\tl%u [shape=ellipse, label=\"", lock);
	put_label(g->out, w.s);
	fprintf(g->out, "\"%s];\n", tint((enum mark)g->locks[lock]));
}

static void draw_group(struct graph *g, u32 lock)
{
	const struct lab_lock *l = &g->p->locks[lock];
	const struct lab_group *group;
	u32 i;

	if (l->nr_holds || l->wakers >= g->p->nr_groups)
		return;
	group = &g->p->groups[l->wakers];
	if (!g->groups[l->wakers]) {
		WORDS(w, LABEL_BYTES);

		g->groups[l->wakers] = 1;
		words_add(&w, "any of: ");
		words_name(&w, group->what ? group->what : "those who could wake it");
		fprintf(g->out, "\tg%u [shape=box, style=\"dashed,rounded\", label=\"", l->wakers);
		put_label(g->out, w.s);
		fputs("\"];\n", g->out);
		for (i = 0; i < group->nr_members && i < MAX_MEMBERS; i++) {
			u32 task = g->p->members[group->first_member + i];

			if (g->tasks[task] != HIDDEN)
				fprintf(g->out, "\tg%u -> t%u [style=dashed];\n", l->wakers, task);
		}
	}
	fprintf(g->out, "\tl%u -> g%u [style=dashed, label=\"up to\"];\n", lock, l->wakers);
}

static void draw_edges(struct graph *g, u32 lock)
{
	const struct lab_picture *p = g->p;
	const struct lab_lock *l = &p->locks[lock];
	u32 i, crowd = 0;

	for (i = 0; i < l->nr_waits; i++) {
		u32 index = p->lock_waits[l->first_wait + i];
		const struct lab_wait *wait = &p->waits[index];
		const struct lab_task *t = &p->tasks[wait->task];

		if (g->tasks[wait->task] == HIDDEN) {
			crowd++;
			continue;
		}
		fprintf(g->out, "\tt%u -> l%u [label=\"%s%s\"%s%s];\n", wait->task, lock,
			t->status & LAB_TASK_SPINS ? "spins for" : "waits for",
			t->status & LAB_TASK_WAITS_TIMED ? " (timed)" : "",
			t->status & (LAB_TASK_WAITS_ANY | LAB_TASK_WAITS_TIMED) ? ", style=dashed"
										: "",
			tint((enum mark)g->waits[index]));
	}
	for (i = 0; i < l->nr_holds; i++) {
		u32 index = p->lock_holds[l->first_hold + i];
		const struct lab_hold *h = &p->holds[index];

		if (g->tasks[h->task] == HIDDEN)
			continue;
		fprintf(g->out, "\tl%u -> t%u [label=\"%s\"%s];\n", lock, h->task,
			h->source == LAB_HOLD_TARGET || !words_is_exclusive(l->kind) ? "up to"
			: h->access == LAB_SHARED				     ? "read by"
										     : "held by",
			tint((enum mark)g->holds[index]));
	}
	if (crowd) {
		fprintf(g->out, "\tc%u [shape=box, style=dotted, label=\"%u more %s\"];\n", lock,
			crowd, crowd == 1 ? "task" : "tasks");
		fprintf(g->out, "\tc%u -> l%u [label=\"%s\"];\n", lock, lock,
			crowd == 1 ? "waits for" : "wait for");
	}
}

/* The verdict, as the picture's caption. */
static void draw_caption(const struct graph *g)
{
	const struct lab_picture *p = g->p;
	u32 i;

	fputs("\tlabel=\"", g->out);
	if (p->verdict == LAB_UNKNOWN)
		fputs("unknown: not everything could be seen\\n", g->out);
	else if (!p->nr_findings)
		fputs("nothing wrong found\\n", g->out);
	for (i = 0; i < p->nr_findings && i < 5; i++) {
		const struct lab_finding *f = &p->findings[i];
		WORDS(w, LABEL_BYTES);

		words_add(&w, "%s, %s: ", lab_finding_kind_name(f->kind),
			  lab_certainty_name(f->certainty));
		words_headline(&w, p, f);
		put_label(g->out, w.s);
		fputs("\\n", g->out);
	}
	if (p->nr_findings > 5)
		fprintf(g->out, "and %u more findings\\n", p->nr_findings - 5);
	fputs("\";\n", g->out);
}

void report_dot(FILE *out, const struct lab_picture *picture)
{
	struct graph g = { .out = out, .p = picture };
	unsigned char *marks;
	u32 i;

	marks = calloc(1, (size_t)picture->nr_tasks + picture->nr_locks + picture->nr_waits +
				  picture->nr_holds + picture->nr_groups + 1);
	if (!marks) {
		fputs("digraph locklab { label=\"out of memory\"; }\n", out);
		return;
	}
	g.tasks = marks;
	g.locks = g.tasks + picture->nr_tasks;
	g.waits = g.locks + picture->nr_locks;
	g.holds = g.waits + picture->nr_waits;
	g.groups = g.holds + picture->nr_holds;
	for (i = 0; i < picture->nr_findings; i++)
		mark_finding(&g, &picture->findings[i]);
	mark_bystanders(&g);

	fputs("digraph locklab {\n"
	      "\tcharset=\"UTF-8\";\n"
	      "\trankdir=LR;\n"
	      "\tlabelloc=t;\n"
	      "\tlabeljust=l;\n"
	      "\tfontname=\"sans-serif\";\n"
	      "\tnode [fontname=\"sans-serif\"];\n"
	      "\tedge [fontname=\"sans-serif\", fontsize=10];\n",
	      out);
	draw_caption(&g);
	for (i = 0; i < picture->nr_tasks; i++)
		if (g.tasks[i] != HIDDEN)
			draw_task(&g, i);
	for (i = 0; i < picture->nr_locks; i++) {
		if (g.locks[i] == HIDDEN)
			continue;
		draw_lock(&g, i);
		draw_edges(&g, i);
		draw_group(&g, i);
	}
	fputs("}\n", out);
	free(marks);
}
