// SPDX-License-Identifier: GPL-2.0
/*
 * scribble - pictures without sense, but with indices that are valid and names that no face would
 * wish for
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "report/report.h"
#include "scribble.h"

#define LONG_NAME \
	"a_very_long_name_such_as_templates_make::inner<int, std::allocator<std::pair<const K, V> > >::"

const char *const scribble_names[] = {
	"worker",
	"",
	"two words",
	"\033[2J\033[31mred",
	"line\nbreak\rback",
	"tab\tbell\a",
	"\x7f",
	"\xff\xfe\x80",
	"cut \xe2\x80",
	"\xc0\xafoverlong",
	"\xed\xa0\x80surrogate",
	"\xf4\x90\x80\x80",
	"\xc2\x9b"
	"31mC1",
	"\xe2\x80\xae"
	"bidi\xe2\x80\xac",
	"\xe2\x80\x8b"
	"zero\xef\xbb\xbfwidth",
	"\xef\xbf\xbf",
	"na\xc3\xafve",
	"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	"e\xcc\x81",
	"\xf0\x9f\x98\x80",
	"quote\"back\\slash\\",
	"\\N\\G\\l\\",
	"%s%n%d%",
	"&#x1b;&amp;<b>]]>",
	"{|}<->[]",
	"\x01\x02\x03\x04\x05\x06\x0e\x0f\x10\x11\x12\x13\x14\x15",
	LONG_NAME LONG_NAME LONG_NAME,
	"\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b\x1b",
	NULL,
};

static u64 next(u64 *state)
{
	/* splitmix64 (Steele, Lea, Flood 2014) */
	u64 z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static u32 below(u64 *state, u32 n)
{
	return n ? (u32)(next(state) % n) : 0;
}

static const char *name(u64 *state)
{
	u32 n = 0;

	while (scribble_names[n])
		n++;
	return scribble_names[below(state, n + 1)]; /* the last is NULL */
}

/* Stacks outlive the picture that shows them: a few, made once. */
enum {
	NR_FRAMES = 64
};
static struct lab_frame frames[NR_FRAMES];

static void make_frames(u64 seed)
{
	static const char *const modules[] = { "/lib/x86_64-linux-gnu/libc.so.6", "/opt/bank", NULL,
					       "[vdso]", "\033/lib" };
	u32 i;

	for (i = 0; i < NR_FRAMES; i++) {
		frames[i].function = name(&seed);
		frames[i].file = below(&seed, 2) ? name(&seed) : NULL;
		frames[i].module = modules[below(&seed, 5)];
		frames[i].line = below(&seed, 3) ? below(&seed, 100000) : 0;
		frames[i].address = next(&seed);
	}
}

static u32 some(u64 *state, u32 n)
{
	return below(state, 8) ? below(state, n) : LAB_NONE;
}

static void scribble_finding(struct drawing *d, u64 *s, u32 kind)
{
	u32 tasks[40], locks[40], victims[40], nr_tasks, nr_locks, nr_victims, c, i;
	struct lab_finding *f;

	nr_tasks = d->p.nr_tasks ? below(s, below(s, 4) ? 5 : 40) : 0;
	nr_locks = d->p.nr_locks ? (below(s, 2) ? nr_tasks : below(s, 40)) : 0;
	nr_victims = d->p.nr_tasks ? (below(s, 2) ? 0 : below(s, 40)) : 0;
	for (i = 0; i < nr_tasks; i++)
		tasks[i] = below(s, d->p.nr_tasks);
	for (i = 0; i < nr_locks; i++)
		locks[i] = below(s, d->p.nr_locks);
	for (i = 0; i < nr_victims; i++)
		victims[i] = below(s, d->p.nr_tasks);
	f = drawing_finding(d, (enum lab_finding_kind)kind, tasks, nr_tasks, locks, nr_locks,
			    victims, nr_victims);
	f->certainty = (enum lab_certainty)below(s, 3);
	f->is_cycle = nr_tasks == nr_locks && below(s, 2);
	f->asked = below(s, 4);
	f->remedy = (enum lab_remedy)below(s, LAB_NR_REMEDIES);
	f->cheapest = (enum lab_coffman)below(s, LAB_NR_CONDITIONS);
	f->remedy_task = some(s, d->p.nr_tasks);
	f->remedy_lock = some(s, d->p.nr_locks);
	for (c = 0; c < LAB_NR_CONDITIONS; c++) {
		f->conditions[c].holds = (s8)((int)below(s, 3) - 1);
		f->conditions[c].reason = (enum lab_reason)below(s, LAB_NR_REASONS);
		f->conditions[c].task = some(s, d->p.nr_tasks);
		f->conditions[c].lock = some(s, d->p.nr_locks);
	}
}

void scribble(struct drawing *d, u64 seed)
{
	u64 state = seed, *s = &state;
	u32 nr_tasks = below(s, 30), nr_locks = below(s, 30), nr_groups = below(s, 4), i, n;

	if (!frames[0].address)
		make_frames(1);
	drawing_init(d, 1000);
	for (i = 0; i < nr_tasks; i++) {
		u32 tgid = 1 + below(s, 4);
		u32 id = drawing_task(d, tgid, below(s, 4) ? 10 + i : tgid, name(s));
		struct lab_task *t = &d->p.tasks[id];

		t->status = (u32)next(s) & 0x3ff;
		t->state = "RSDTtZXI?-\x1b\xff"[below(s, 12)];
		t->wait_ns = below(s, 4) ? (s64)(next(s) >> below(s, 64)) : -1;
		if (t->wait_ns < -1)
			t->wait_ns = INT64_MAX;
		t->call = name(s);
		t->stack_note = below(s, 3) ? NULL : name(s);
		if (below(s, 3)) {
			t->nr_frames = below(s, NR_FRAMES);
			t->stack = frames + below(s, NR_FRAMES - t->nr_frames);
		}
	}
	for (i = 0; i < nr_groups; i++) {
		u32 group = drawing_group(d, name(s));

		d->p.groups[group].doubtful = below(s, 2);
		for (n = nr_tasks ? below(s, 10) : 0; n; n--)
			drawing_member(d, group, below(s, nr_tasks));
	}
	for (i = 0; i < nr_locks; i++) {
		u32 id = drawing_lock(d, (enum lab_lock_kind)below(s, LAB_NR_KINDS), name(s),
				      next(s) >> below(s, 64));
		struct lab_lock *l = &d->p.locks[id];

		l->attrs = (u32)(next(s) & next(s) & 0x7fff);
		l->space = (enum lab_space)below(s, 4);
		l->space_a = next(s) >> below(s, 64);
		l->space_b = next(s) >> below(s, 64);
		l->word = (u32)next(s) >> below(s, 32);
		l->owner_tid = below(s, 2) ? (u32)next(s) : 0;
		l->wakers = below(s, 2) && nr_groups ? below(s, nr_groups) : LAB_NONE;
		l->unseen = !below(s, 4);
	}
	if (nr_tasks && nr_locks) {
		for (n = below(s, 60); n; n--)
			drawing_wait(d, below(s, nr_tasks), below(s, nr_locks));
		for (n = below(s, 60); n; n--)
			drawing_hold(d, below(s, nr_tasks), below(s, nr_locks),
				     (enum lab_hold_source)below(s, 5));
		for (i = 0; i < d->p.nr_waits; i++)
			d->p.waits[i].access = (enum lab_access)below(s, 2);
		for (i = 0; i < d->p.nr_holds; i++) {
			d->p.holds[i].access = (enum lab_access)below(s, 2);
			d->p.holds[i].steady = below(s, 2);
			d->p.holds[i].depth = below(s, 4);
		}
	}
	for (n = below(s, 8); n; n--) {
		const char *what = name(s);

		drawing_not_seen(d, what ? what : "");
	}
	drawing_index(d);
	for (n = below(s, 6); n; n--)
		scribble_finding(d, s, below(s, LAB_NR_FINDING_KINDS));
	d->p.mode = (enum lab_mode)below(s, 3);
	d->p.verdict = (enum lab_verdict)below(s, 3);
	d->p.lost_events = below(s, 3) ? 0 : next(s) >> 1;
	d->p.blind = below(s, 2);
}

static FILE *open_text(char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (!out)
		abort();
	return out;
}

char *scribble_text(const struct drawing *d, unsigned int width, bool all_tasks, bool color)
{
	struct report_style style = { .color = color, .all_tasks = all_tasks, .width = width };
	size_t size;
	char *text;
	FILE *out = open_text(&text, &size);

	report_text(out, &d->p, &style);
	fclose(out);
	return text;
}

char *scribble_json(const struct drawing *d, bool one_line)
{
	size_t size;
	char *text;
	FILE *out = open_text(&text, &size);

	if (report_json(out, &d->p, one_line))
		abort();
	fclose(out);
	return text;
}

char *scribble_dot(const struct drawing *d)
{
	size_t size;
	char *text;
	FILE *out = open_text(&text, &size);

	report_dot(out, &d->p);
	fclose(out);
	return text;
}

char *scribble_line(const struct drawing *d, u32 finding)
{
	size_t size;
	char *text;
	FILE *out = open_text(&text, &size);

	report_line(out, &d->p, &d->p.findings[finding]);
	fclose(out);
	return text;
}

/*
 * Not by the decoder under test: the C library's, in a UTF-8 locale, and a list of its own of what
 * must not be seen. Return: bytes, 0 if it is not fit for a terminal.
 */
static size_t one(const char *s, bool utf8, wchar_t *code)
{
	static const char *const bad[] = { "\xc2\xad", "\xd8\x9c", "\xef\xbb\xbf", "\xef\xbf\xbf",
					   "\xef\xbf\xbe" };
	const unsigned char *u = (const unsigned char *)s;
	mbstate_t state = { 0 };
	size_t n, i;

	*code = u[0];
	if (u[0] < 0x80)
		return u[0] >= 0x20 && u[0] != 0x7f;
	if (!utf8)
		return 0;
	n = mbrtowc(code, s, strlen(s), &state);
	if (n == (size_t)-1 || n == (size_t)-2)
		return 0;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (!strncmp(s, bad[i], strlen(bad[i])))
			return 0;
	/* C1; U+200B to U+200F, U+2028 to U+202E, U+2060 to U+206F. */
	if (u[0] == 0xc2 && u[1] < 0xa0)
		return 0;
	if (u[0] == 0xe2 && u[1] == 0x80 &&
	    ((u[2] >= 0x8b && u[2] <= 0x8f) || (u[2] >= 0xa8 && u[2] <= 0xae)))
		return 0;
	if (u[0] == 0xe2 && u[1] == 0x81 && u[2] >= 0xa0 && u[2] <= 0xaf)
		return 0;
	return n;
}

const char *scribble_unprintable(const char *s, bool utf8)
{
	wchar_t code;
	size_t n;

	while (*s) {
		n = *s == '\n' ? 1 : one(s, utf8, &code);
		if (!n)
			return s;
		s += n;
	}
	return NULL;
}

unsigned int scribble_widest(const char *s)
{
	unsigned int widest = 0, columns = 0;
	wchar_t code;
	size_t n;

	for (; *s; s += n) {
		if (*s == '\n') {
			columns = 0;
			n = 1;
			continue;
		}
		n = one(s, true, &code);
		if (!n)
			n = 1;
		columns += wcwidth(code) > 0 ? (unsigned int)wcwidth(code) : 0;
		if (columns > widest)
			widest = columns;
	}
	return widest;
}
