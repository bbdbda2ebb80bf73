// SPDX-License-Identifier: LGPL-2.1-or-later
#include "contention.h"

#include <stdlib.h>
#include <string.h>

#include "report/report.h"

#define SITE_TRIES 3 /* stacks of one lock that may come to nothing */

/* Waiting for one of these is waiting for another thread to let go of it; for the rest, waiting may
 * be a thread's purpose. */
static bool is_held_kind(enum lab_lock_kind kind)
{
	switch (kind) {
	case LAB_MUTEX:
	case LAB_RWLOCK:
	case LAB_SPINLOCK:
	case LAB_STDIO:
	case LAB_MALLOC:
	case LAB_FLOCK:
	case LAB_RECORD_LOCK:
	case LAB_ONCE:
		return true;
	default:
		return false;
	}
}

static struct contended *find(struct contention *c, const struct lab_lock *lock)
{
	struct contended *e;

	for (u32 i = 0; i < c->nr_locks; i++) {
		e = &c->locks[i];
		if (e->address == lock->address && e->space == lock->space &&
		    e->space_a == lock->space_a && e->space_b == lock->space_b)
			return e;
	}
	return NULL;
}

static struct contended *find_or_add(struct contention *c, const struct lab_lock *lock)
{
	struct contended *e = find(c, lock);

	if (e)
		return e;
	if (c->nr_locks == CONTENTION_LOCKS) {
		c->not_kept++;
		return NULL;
	}
	e = &c->locks[c->nr_locks++];
	*e = (struct contended){ .kind = lock->kind,
				 .space = lock->space,
				 .space_a = lock->space_a,
				 .space_b = lock->space_b,
				 .address = lock->address };
	return e;
}

static bool add_person(struct contention_person *people, u32 *nr, const struct lab_task *t)
{
	struct contention_person *p;

	for (u32 i = 0; i < *nr; i++)
		if (people[i].tid == t->tid && people[i].tgid == t->tgid) {
			people[i].samples++;
			return true;
		}
	if (*nr == CONTENTION_PEOPLE)
		return false;
	p = &people[(*nr)++];
	*p = (struct contention_person){ .tgid = t->tgid, .tid = t->tid, .samples = 1 };
	snprintf(p->comm, sizeof(p->comm), "%s", t->comm ? t->comm : "");
	return true;
}

static void add_lock(struct contention *c, const struct lab_picture *p, u32 index, u64 since_ns)
{
	const struct lab_lock *lock = &p->locks[index];
	struct contended *e = NULL;
	u32 nr = 0;

	for (u32 i = 0; i < lock->nr_waits; i++) {
		const struct lab_task *t =
			&p->tasks[p->waits[p->lock_waits[lock->first_wait + i]].task];

		if (!(t->status & LAB_TASK_IS_ASKED))
			continue;
		if (!e)
			e = find_or_add(c, lock);
		if (!e)
			return;
		nr++;
		if (!add_person(e->waiters, &e->nr_waiters, t))
			e->more_waiters++;
	}
	if (!nr)
		return;
	if (lock->symbol && !e->symbol[0])
		snprintf(e->symbol, sizeof(e->symbol), "%s", lock->symbol);
	e->wait_ns += nr * since_ns;
	e->samples++;
	if (nr > e->most_waiters)
		e->most_waiters = nr;
	if (is_held_kind(lock->kind))
		c->waiting_now += nr;
	for (u32 i = 0; i < lock->nr_holds; i++)
		add_person(e->owners, &e->nr_owners,
			   &p->tasks[p->holds[p->lock_holds[lock->first_hold + i]].task]);
}

void contention_add(struct contention *c, const struct look *look,
		    const struct lab_picture *picture, u64 since_ns)
{
	c->samples++;
	c->watched_ns += since_ns;
	c->waiting_now = 0;
	for (u32 i = 0; i < picture->nr_locks; i++)
		add_lock(c, picture, i, since_ns);
}

static void format_frame(char *text, size_t size, const struct lab_frame *f)
{
	char *safe = NULL;
	size_t len;
	FILE *out = open_memstream(&safe, &len);

	if (!out)
		return;
	report_escape(out, f->function ? f->function : "?");
	if (f->file) {
		const char *slash = strrchr(f->file, '/');

		fputs(" (", out);
		report_escape(out, slash ? slash + 1 : f->file);
		fprintf(out, ":%u)", f->line);
	} else if (f->module) {
		fputs(" in ", out);
		report_escape(out, f->module);
	}
	fclose(out);
	snprintf(text, size, "%s", safe ? safe : "?");
	free(safe);
}

/* The innermost frame that is not the C library's or the threading runtime's own. */
static const struct lab_frame *caller(const struct stack_request *s)
{
	for (u32 i = 0; i < s->nr_frames; i++) {
		const char *module = s->frames[i].module;

		if (!module || (!strstr(module, "libc.so") && !strstr(module, "libc-") &&
				!strstr(module, "libpthread") && !strstr(module, "libstdc++") &&
				!strstr(module, "[vdso]")))
			return &s->frames[i];
	}
	return NULL;
}

/* A stack read while its thread ran is no stack. */
static bool has_moved(const struct lab_task_record *r)
{
	unsigned long long voluntary = 0, involuntary = 0;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/status", r->tgid, r->tid);
	f = fopen(path, "re");
	if (!f)
		return true;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "voluntary_ctxt_switches: %llu", &voluntary) != 1)
			sscanf(line, "nonvoluntary_ctxt_switches: %llu", &involuntary);
	fclose(f);
	return voluntary + involuntary != r->switches;
}

static void resolve(struct contended *e, const struct lab_task_record *r,
		    struct look_progress *progress)
{
	struct symbol_request symbol = { .address = r->args[0] };
	struct stack_request stack = { .record = r };
	struct builder *b = builder_new();
	struct memory *m = memory_open(r->tgid, progress);
	const struct lab_frame *f;
	struct contention_site site = { .samples = 1 };

	if (!b || !m)
		goto out;
	/* In its own memory a lock has its own address; a mapped file's offset is not one. */
	if (e->space == LAB_SPACE_MM)
		symbol.address = e->address;
	if (stacks_resolve(b, m, r->tgid, &stack, 1, &symbol, e->symbol[0] ? 0 : 1, 0))
		goto out;
	if (symbol.symbol && !e->symbol[0])
		snprintf(e->symbol, sizeof(e->symbol), "%s", symbol.symbol);
	f = caller(&stack);
	if (!f || !f->function || has_moved(r))
		goto out;
	format_frame(site.text, sizeof(site.text), f);
	for (u32 i = 0; i < e->nr_sites; i++)
		if (!strcmp(e->sites[i].text, site.text)) {
			e->sites[i].samples++;
			goto out;
		}
	if (e->nr_sites < CONTENTION_SITES)
		e->sites[e->nr_sites++] = site;
out:
	memory_close(m);
	builder_free(b);
}

bool contention_find_site(struct contention *c, const struct look *look,
			  const struct lab_picture *picture, struct look_progress *progress)
{
	struct contended *best = NULL;
	const struct lab_lock *best_lock = NULL;

	for (u32 i = 0; i < picture->nr_locks; i++) {
		const struct lab_lock *lock = &picture->locks[i];
		struct contended *e =
			lock->nr_waits && is_held_kind(lock->kind) ? find(c, lock) : NULL;

		if (!e || e->site_tries >= SITE_TRIES + e->nr_sites ||
		    e->nr_sites == CONTENTION_SITES)
			continue;
		if (!best ||
		    e->wait_ns / (1 + e->site_tries) > best->wait_ns / (1 + best->site_tries)) {
			best = e;
			best_lock = lock;
		}
	}
	if (!best)
		return false;
	/* The waiters take turns: each try asks another one. */
	for (u32 i = 0; i < best_lock->nr_waits; i++) {
		u32 wait = best_lock->first_wait + (i + best->site_tries) % best_lock->nr_waits;
		u32 task = picture->waits[picture->lock_waits[wait]].task;
		const struct lab_task_record *r = look_record(look, task);

		if (!r || !(picture->tasks[task].status & LAB_TASK_IS_ASKED))
			continue;
		best->site_tries++;
		resolve(best, r, progress);
		return true;
	}
	return false;
}

static int by_wait(const void *a, const void *b)
{
	const struct contended *x = *(const struct contended *const *)a,
			       *y = *(const struct contended *const *)b;

	return (x->wait_ns < y->wait_ns) - (x->wait_ns > y->wait_ns);
}

static u32 sorted(const struct contention *c, bool held, const struct contended **into)
{
	u32 nr = 0;

	for (u32 i = 0; i < c->nr_locks; i++)
		if (is_held_kind(c->locks[i].kind) == held)
			into[nr++] = &c->locks[i];
	qsort(into, nr, sizeof(*into), by_wait);
	return nr;
}

static void people(FILE *out, const char *what, const struct contention_person *p, u32 nr, u32 more)
{
	if (!nr)
		return;
	fprintf(out, "      %s ", what);
	for (u32 i = 0; i < nr; i++) {
		fprintf(out, "%s%u (", i ? ", " : "", p[i].tid);
		report_escape(out, p[i].comm);
		fprintf(out, ") %llux", (unsigned long long)p[i].samples);
	}
	if (more)
		fputs(", and others", out);
	fputc('\n', out);
}

static void one(FILE *out, const struct contended *e)
{
	fprintf(out, "  %10.3f s  %7llu  %7u  ", e->wait_ns / 1e9, (unsigned long long)e->samples,
		e->most_waiters);
	/* A join waits for a thread, which is known by its number and not by the address of it. */
	if (e->kind == LAB_THREAD && e->nr_owners == 1) {
		fprintf(out, "the end of thread %u", e->owners[0].tid);
	} else {
		fprintf(out, "%s ", lab_lock_kind_name(e->kind));
		if (e->symbol[0])
			report_escape(out, e->symbol);
		else
			fprintf(out, "%#llx", (unsigned long long)e->address);
	}
	fputc('\n', out);
	people(out, "waiters", e->waiters, e->nr_waiters, e->more_waiters);
	people(out, "owners ", e->owners, e->nr_owners, 0);
	for (u32 i = 0; i < e->nr_sites; i++)
		fprintf(out, "      %s %s\n", i ? "       " : "from   ", e->sites[i].text);
}

void contention_text(FILE *out, const struct contention *c)
{
	const struct contended *list[CONTENTION_LOCKS];
	u32 nr = sorted(c, true, list);

	fprintf(out,
		"Contention, sampled: %llu looks in %.1f s; a wait shorter than the interval is seen by chance.\n",
		(unsigned long long)c->samples, c->watched_ns / 1e9);
	if (!nr) {
		fputs("  nobody was seen waiting for a lock\n", out);
	} else {
		fputs("  total wait    looks  waiters  lock\n", out);
		for (u32 i = 0; i < nr && i < 10; i++)
			one(out, list[i]);
		if (nr > 10)
			fprintf(out, "  and %u more locks\n", nr - 10);
	}
	nr = sorted(c, false, list);
	if (nr) {
		fputs("Waits for events (conditions, semaphores, other threads), which may be what they are for:\n",
		      out);
		for (u32 i = 0; i < nr && i < 5; i++)
			one(out, list[i]);
		if (nr > 5)
			fprintf(out, "  and %u more\n", nr - 5);
	}
	if (c->not_kept)
		fprintf(out, "  (%u sightings of further locks not kept: more than %d)\n",
			c->not_kept, CONTENTION_LOCKS);
}

json_t *contention_string(const char *s)
{
	json_t *whole = json_string(s);
	char wide[2 * CONTENTION_TEXT + 1], *to = wide;

	if (whole)
		return whole;
	for (; *s && to < wide + sizeof(wide) - 3; s++) {
		unsigned char c = *s;

		if (c < 0x80) {
			*to++ = c;
		} else {
			*to++ = 0xc0 | c >> 6;
			*to++ = 0x80 | (c & 0x3f);
		}
	}
	*to = 0;
	return json_string(wide);
}

static json_t *people_json(const struct contention_person *p, u32 nr)
{
	json_t *array = json_array();

	for (u32 i = 0; i < nr; i++)
		json_array_append_new(array,
				      json_pack("{s:i,s:i,s:o,s:I}", "tgid", (int)p[i].tgid, "tid",
						(int)p[i].tid, "comm", contention_string(p[i].comm),
						"samples", (json_int_t)p[i].samples));
	return array;
}

json_t *contention_json(const struct contention *c)
{
	const struct contended *list[CONTENTION_LOCKS];
	json_t *locks = json_array();

	for (int held = 1; held >= 0; held--) {
		u32 nr = sorted(c, held, list);

		for (u32 i = 0; i < nr; i++) {
			const struct contended *e = list[i];
			json_t *sites = json_array();
			char address[32];

			snprintf(address, sizeof(address), "%#llx", (unsigned long long)e->address);
			for (u32 j = 0; j < e->nr_sites; j++)
				json_array_append_new(sites, contention_string(e->sites[j].text));
			json_array_append_new(
				locks,
				json_pack("{s:s,s:o,s:s,s:b,s:I,s:I,s:i,s:o,s:o,s:o}", "address",
					  address, "symbol",
					  e->symbol[0] ? contention_string(e->symbol) : json_null(),
					  "kind", lab_lock_kind_name(e->kind), "is_lock", held,
					  "wait_ns", (json_int_t)e->wait_ns, "samples",
					  (json_int_t)e->samples, "most_waiters",
					  (int)e->most_waiters, "waiters",
					  people_json(e->waiters, e->nr_waiters), "owners",
					  people_json(e->owners, e->nr_owners), "call_sites",
					  sites));
		}
	}
	return json_pack("{s:I,s:I,s:i,s:o}", "samples", (json_int_t)c->samples, "watched_ns",
			 (json_int_t)c->watched_ns, "not_kept", (int)c->not_kept, "locks", locks);
}
