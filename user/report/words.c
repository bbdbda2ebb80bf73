// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * words - the phrases that all faces share: names of tasks, locks and places, made safe to show
 */
#include <langinfo.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "report.h"
#include "words.h"

#define NSEC_PER_MSEC 1000000LL
#define NSEC_PER_SEC  1000000000LL

void words_init(struct words *w, char *buffer, size_t size)
{
	w->s = buffer;
	w->size = size;
	w->len = 0;
	w->cut = false;
	if (size)
		buffer[0] = 0;
}

/* Makes room for the dots by taking whole characters off the end. */
static void words_end_in_dots(struct words *w)
{
	static const char dots[] = "...";

	w->cut = true;
	if (w->size < sizeof(dots))
		return;
	if (w->len > w->size - sizeof(dots))
		w->len = w->size - sizeof(dots);
	while (w->len && ((unsigned char)w->s[w->len] & 0xc0) == 0x80)
		w->len--;
	memcpy(w->s + w->len, dots, sizeof(dots));
	w->len += sizeof(dots) - 1;
}

/*
 * @s is safe: our own words, or already escaped. All of it or, at the end of the buffer, as much as
 * fits.
 */
static void words_put(struct words *w, const char *s, size_t n)
{
	if (w->cut || !w->size)
		return;
	if (n < w->size - w->len) {
		memcpy(w->s + w->len, s, n);
		w->len += n;
		w->s[w->len] = 0;
		return;
	}
	n = w->size - 1 - w->len;
	memcpy(w->s + w->len, s, n);
	w->len += n;
	w->s[w->len] = 0;
	words_end_in_dots(w);
}

void words_add(struct words *w, const char *format, ...)
{
	char piece[512];
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(piece, sizeof(piece), format, ap);
	va_end(ap);
	if (n < 0)
		return;
	words_put(w, piece, (size_t)n < sizeof(piece) ? (size_t)n : sizeof(piece) - 1);
}

size_t words_decode(const char *str, u32 *code)
{
	const unsigned char *s = (const unsigned char *)str;
	static const u32 smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n, i;
	u32 c;

	if (s[0] < 0x80) {
		*code = s[0];
		return 1;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if ((s[0] & 0xf0) == 0xe0)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	c = s[0] & (0x7f >> n);
	for (i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < smallest[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*code = c;
	return n;
}

/*
 * Controls (C0, DEL, C1), what reorders or hides text (bidi, zero-width, fillers, tags: Unicode's
 * Default_Ignorable and Bidi_Control), line and paragraph separators, and what is no character at
 * all.
 */
bool words_is_unsafe(u32 code)
{
	static const struct {
		u32 first, last;
	} unsafe[] = {
		{ 0x0000, 0x001f },
		{ 0x007f, 0x009f },
		{ 0x00ad, 0x00ad },
		{ 0x034f, 0x034f },
		{ 0x061c, 0x061c },
		{ 0x115f, 0x1160 },
		{ 0x17b4, 0x17b5 },
		{ 0x180b, 0x180f },
		{ 0x200b, 0x200f },
		{ 0x2028, 0x202e },
		{ 0x2060, 0x206f },
		{ 0x3164, 0x3164 },
		{ 0xd800, 0xdfff },
		{ 0xfdd0, 0xfdef },
		{ 0xfe00, 0xfe0f },
		{ 0xfeff, 0xfeff },
		{ 0xffa0, 0xffa0 },
		{ 0xfff0, 0xfffb },
		{ 0x1bca0, 0x1bca3 },
		{ 0x1d173, 0x1d17a },
		{ 0xe0000, 0xe0fff },
	};
	size_t i;

	if ((code & 0xfffe) == 0xfffe || code > 0x10ffff)
		return true;
	for (i = 0; i < sizeof(unsafe) / sizeof(unsafe[0]); i++)
		if (code >= unsafe[i].first && code <= unsafe[i].last)
			return true;
	return false;
}

bool words_utf8(void)
{
	const char *codeset = nl_langinfo(CODESET);

	return codeset && !strcmp(codeset, "UTF-8");
}

/*
 * A character that the C library does not know may be wide: then two columns, so that a line is
 * rather too short.
 */
static unsigned int code_columns(u32 code)
{
	int n;

	if (code < 0x80)
		return 1;
	n = wcwidth((wchar_t)code);
	return n < 0 ? 2 : (unsigned int)n;
}

size_t words_next(const char *s, bool utf8, char out[WORDS_CHAR], unsigned int *columns)
{
	static const char hex[] = "0123456789abcdef";
	u32 code = 0;
	size_t n = words_decode(s, &code), i;

	if (n && !words_is_unsafe(code) && (code < 0x80 || utf8)) {
		memcpy(out, s, n);
		out[n] = 0;
		*columns = code_columns(code);
		return n;
	}
	if (!n)
		n = 1;
	for (i = 0; i < n; i++) {
		out[4 * i] = '\\';
		out[4 * i + 1] = 'x';
		out[4 * i + 2] = hex[(unsigned char)s[i] >> 4];
		out[4 * i + 3] = hex[(unsigned char)s[i] & 0xf];
	}
	out[4 * n] = 0;
	*columns = 4 * n;
	return n;
}

void report_escape(FILE *out, const char *s)
{
	bool utf8 = words_utf8();
	char piece[WORDS_CHAR];
	unsigned int columns;

	while (s && *s) {
		s += words_next(s, utf8, piece, &columns);
		fputs(piece, out);
	}
}

unsigned int words_columns(const char *s)
{
	unsigned int sum = 0, columns;
	char piece[WORDS_CHAR];

	while (*s) {
		s += words_next(s, true, piece, &columns);
		sum += columns;
	}
	return sum;
}

/*
 * The end of a long name tells more of it than the middle: keep two thirds of the head, one third
 * of the tail.
 */
static void put_name(struct words *w, const char *name, unsigned int max)
{
	const unsigned int head = max - max / 3 - 3, tail = max / 3;
	unsigned int columns, all = 0, at = 0;
	char piece[WORDS_CHAR];
	const char *s;
	bool dots = false;

	if (!name)
		return;
	for (s = name; *s;) {
		s += words_next(s, true, piece, &columns);
		all += columns;
	}
	for (s = name; *s;) {
		s += words_next(s, true, piece, &columns);
		at += columns;
		if (all <= max || at <= head || at > all - tail) {
			words_put(w, piece, strlen(piece));
		} else if (!dots) {
			words_put(w, "...", 3);
			dots = true;
		}
	}
}

void words_name(struct words *w, const char *name)
{
	put_name(w, name, WORDS_NAME_COLUMNS);
}

void words_text(struct words *w, const char *text)
{
	put_name(w, text, ~0u);
}

void words_join(struct words *w, u32 i, u32 n)
{
	if (i)
		words_add(w, "%s", i + 1 == n ? " and " : ", ");
}

void words_duration(struct words *w, s64 ns)
{
	s64 s = ns / NSEC_PER_SEC;

	if (ns < NSEC_PER_MSEC)
		words_add(w, "under 1 ms");
	else if (ns < NSEC_PER_SEC)
		words_add(w, "%lld ms", (long long)(ns / NSEC_PER_MSEC));
	else if (s < 60)
		words_add(w, "%lld.%lld s", (long long)s,
			  (long long)(ns % NSEC_PER_SEC / (NSEC_PER_SEC / 10)));
	else if (s < 3600)
		words_add(w, "%lld min %lld s", (long long)(s / 60), (long long)(s % 60));
	else if (s < 86400)
		words_add(w, "%lld h %lld min", (long long)(s / 3600), (long long)(s % 3600 / 60));
	else
		words_add(w, "%lld d %lld h", (long long)(s / 86400),
			  (long long)(s % 86400 / 3600));
}

const struct lab_task *words_task_at(const struct lab_picture *p, u32 task)
{
	return task < p->nr_tasks ? &p->tasks[task] : NULL;
}

const struct lab_lock *words_lock_at(const struct lab_picture *p, u32 lock)
{
	return lock < p->nr_locks ? &p->locks[lock] : NULL;
}

u32 words_finding_task(const struct lab_picture *p, const struct lab_finding *f, u32 i)
{
	return i < f->nr_tasks ? p->finding_tasks[f->first_task + i] : LAB_NONE;
}

u32 words_finding_lock(const struct lab_picture *p, const struct lab_finding *f, u32 i)
{
	return i < f->nr_locks ? p->finding_locks[f->first_lock + i] : LAB_NONE;
}

u32 words_finding_victim(const struct lab_picture *p, const struct lab_finding *f, u32 i)
{
	return i < f->nr_victims ? p->finding_tasks[f->first_victim + i] : LAB_NONE;
}

u32 words_wait_of(const struct lab_picture *p, const struct lab_finding *f, u32 i)
{
	const struct lab_task *t;

	if (f->is_cycle && i < f->nr_locks)
		return words_finding_lock(p, f, i);
	t = words_task_at(p, words_finding_task(p, f, i));
	return t && t->nr_waits ? p->waits[t->first_wait].lock : LAB_NONE;
}

u32 words_hold_of(const struct lab_picture *p, const struct lab_finding *f, u32 i)
{
	u32 lock;

	if (!f->is_cycle || !f->nr_locks || f->nr_locks != f->nr_tasks)
		return LAB_NONE;
	lock = words_finding_lock(p, f, (i + f->nr_locks - 1) % f->nr_locks);
	return words_holds(p, words_finding_task(p, f, i), lock) ? lock : LAB_NONE;
}

bool words_holds(const struct lab_picture *p, u32 task, u32 lock)
{
	const struct lab_task *t = words_task_at(p, task);
	u32 i;

	for (i = 0; t && i < t->nr_holds; i++)
		if (p->holds[t->first_hold + i].lock == lock)
			return true;
	return false;
}

bool words_waits(const struct lab_picture *p, u32 task, u32 lock)
{
	const struct lab_task *t = words_task_at(p, task);
	u32 i;

	for (i = 0; t && i < t->nr_waits; i++)
		if (p->waits[t->first_wait + i].lock == lock)
			return true;
	return false;
}

const char *words_kind(enum lab_lock_kind kind)
{
	switch (kind) {
	case LAB_FUTEX:
		return "futex";
	case LAB_MUTEX:
		return "mutex";
	case LAB_RWLOCK:
		return "rwlock";
	case LAB_CONDVAR:
		return "condition variable";
	case LAB_SEMAPHORE:
		return "semaphore";
	case LAB_BARRIER:
		return "barrier";
	case LAB_ONCE:
		return "once control";
	case LAB_THREAD:
		return "thread";
	case LAB_SPINLOCK:
		return "spinlock";
	case LAB_STDIO:
		return "FILE lock";
	case LAB_MALLOC:
		return "libc-internal lock";
	case LAB_PIPE:
		return "pipe";
	case LAB_SOCKET:
		return "socket";
	case LAB_PROCESS:
		return "process";
	case LAB_FLOCK:
		return "flock";
	case LAB_RECORD_LOCK:
		return "record lock";
	case LAB_KERNEL_LOCK:
		return "kernel lock";
	case LAB_NR_KINDS:
		break;
	}
	return "lock";
}

const char *words_gift(enum lab_lock_kind kind)
{
	switch (kind) {
	case LAB_CONDVAR:
		return "a signal";
	case LAB_SEMAPHORE:
		return "a post";
	case LAB_BARRIER:
		return "the last arrival";
	case LAB_ONCE:
		return "the end of the initialiser";
	case LAB_THREAD:
		return "the end of that thread";
	case LAB_PROCESS:
		return "the end of that process";
	case LAB_PIPE:
	case LAB_SOCKET:
		return "the other end (data, space or a close)";
	case LAB_FUTEX:
		return "a wake-up";
	case LAB_MUTEX:
	case LAB_RWLOCK:
	case LAB_SPINLOCK:
	case LAB_STDIO:
	case LAB_MALLOC:
	case LAB_FLOCK:
	case LAB_RECORD_LOCK:
	case LAB_KERNEL_LOCK:
	case LAB_NR_KINDS:
		break;
	}
	return "an unlock";
}

bool words_is_exclusive(enum lab_lock_kind kind)
{
	switch (kind) {
	case LAB_MUTEX:
	case LAB_RWLOCK:
	case LAB_SPINLOCK:
	case LAB_STDIO:
	case LAB_MALLOC:
	case LAB_ONCE:
	case LAB_FLOCK:
	case LAB_RECORD_LOCK:
	case LAB_KERNEL_LOCK:
	case LAB_FUTEX:
		return true;
	case LAB_CONDVAR:
	case LAB_SEMAPHORE:
	case LAB_BARRIER:
	case LAB_THREAD:
	case LAB_PIPE:
	case LAB_SOCKET:
	case LAB_PROCESS:
	case LAB_NR_KINDS:
		break;
	}
	return false;
}

const char *words_attr(u32 attr, bool for_people)
{
	switch (attr) {
	case LAB_RECURSIVE:
		return "recursive";
	case LAB_ERRORCHECK:
		return for_people ? "error-checking" : "errorcheck";
	case LAB_ADAPTIVE:
		return "adaptive";
	case LAB_PI:
		return for_people ? "priority-inheriting" : "pi";
	case LAB_ROBUST:
		return "robust";
	case LAB_PRIO_PROTECT:
		return for_people ? "priority-protected" : "prio_protect";
	case LAB_PSHARED:
		return for_people ? "process-shared" : "pshared";
	case LAB_PREFER_WRITER:
		return for_people ? "writer-preferring" : "prefer_writer";
	case LAB_READ_HELD:
		return for_people ? "held by readers" : "read_held";
	case LAB_FREE:
		return for_people ? "free by its word" : "free";
	case LAB_RUST:
		return for_people ? "Rust std" : "rust";
	case LAB_GO:
		return for_people ? "Go runtime" : "go";
	case LAB_INCONSISTENT:
		return for_people ? "word and owner disagree" : "inconsistent";
	case LAB_EDEADLK:
		return for_people ? "refused by the kernel" : "edeadlk";
	case LAB_OWNER_REUSED:
		return for_people ? "owner's TID used anew" : "owner_reused";
	}
	return NULL;
}

/* A process that the picture has one task of, or a thread of a process. */
static const char *task_noun(const struct lab_picture *p, const struct lab_task *t)
{
	u32 i;

	if (t->tid != t->tgid || t->status & LAB_TASK_IS_GONE)
		return "thread";
	for (i = 0; i < p->nr_tasks; i++)
		if (p->tasks[i].tgid == t->tgid && p->tasks[i].tid != t->tid)
			return "thread";
	return "process";
}

void words_task_short(struct words *w, const struct lab_picture *p, u32 task)
{
	const struct lab_task *t = words_task_at(p, task);

	if (!t) {
		words_add(w, "somebody");
		return;
	}
	words_add(w, "%u", t->tid);
	if (t->comm && *t->comm) {
		words_add(w, " (");
		words_name(w, t->comm);
		words_add(w, "%s)", t->status & LAB_TASK_IS_GONE ? ", gone" : "");
	} else if (t->status & LAB_TASK_IS_GONE) {
		words_add(w, " (gone)");
	}
}

void words_task(struct words *w, const struct lab_picture *p, u32 task)
{
	const struct lab_task *t = words_task_at(p, task);

	if (t)
		words_add(w, "%s ", task_noun(p, t));
	words_task_short(w, p, task);
}

void words_process(struct words *w, const struct lab_picture *p, u32 tgid)
{
	const char *comm = NULL;
	u32 i;

	for (i = 0; i < p->nr_tasks; i++)
		if (p->tasks[i].tgid == tgid && p->tasks[i].tid == tgid)
			comm = p->tasks[i].comm;
	if (comm && *comm) {
		words_name(w, comm);
		words_add(w, " (pid %u)", tgid);
	} else {
		words_add(w, "process %u", tgid);
	}
}

/* Who has to end, for a lock that is the end of something. */
static u32 lock_target(const struct lab_picture *p, const struct lab_lock *l)
{
	u32 i;

	for (i = 0; i < l->nr_holds; i++) {
		const struct lab_hold *h = &p->holds[p->lock_holds[l->first_hold + i]];

		if (h->source == LAB_HOLD_TARGET)
			return h->task;
	}
	return LAB_NONE;
}

/*
 * Two objects of one type have members of one name: then the name alone would make two locks look
 * like one.
 */
static bool symbol_is_taken(const struct lab_picture *p, const struct lab_lock *l)
{
	u32 i;

	for (i = 0; i < p->nr_locks; i++) {
		const struct lab_lock *other = &p->locks[i];

		if (other != l && other->symbol && other->kind == l->kind &&
		    !strcmp(other->symbol, l->symbol))
			return true;
	}
	return false;
}

static void lock_address(struct words *w, const struct lab_lock *l)
{
	words_add(w, "0x%llx", (unsigned long long)l->address);
	if (l->space == LAB_SPACE_INODE)
		words_add(w, " of inode %llu", (unsigned long long)l->space_b);
}

static void lock_name(struct words *w, const struct lab_picture *p, u32 lock, bool with_kind)
{
	const struct lab_lock *l = words_lock_at(p, lock);
	const char *kind;
	u32 target;

	if (!l) {
		words_add(w, "something");
		return;
	}
	kind = words_kind(l->kind);
	switch (l->kind) {
	case LAB_THREAD:
		target = lock_target(p, l);
		words_add(w, "the end of ");
		if (target != LAB_NONE)
			words_task(w, p, target);
		else if (l->owner_tid || l->word)
			words_add(w, "thread %u", l->owner_tid ? l->owner_tid : l->word);
		else
			words_add(w, "a thread");
		return;
	case LAB_PROCESS:
		words_add(w, "the end of ");
		if (l->space == LAB_SPACE_TASK && l->space_a)
			words_process(w, p, (u32)l->space_a);
		else
			words_add(w, "a child process");
		return;
	default:
		break;
	}
	if (l->symbol && *l->symbol) {
		/* A pipe's name in /proc says that it is one. */
		if (with_kind && strncmp(l->symbol, kind, strlen(kind)))
			words_add(w, "%s ", kind);
		if (with_kind && (l->kind == LAB_FLOCK || l->kind == LAB_RECORD_LOCK))
			words_add(w, "on ");
		words_name(w, l->symbol);
		if (symbol_is_taken(p, l)) {
			words_add(w, " (");
			lock_address(w, l);
			words_add(w, ")");
		}
	} else if (l->space == LAB_SPACE_INODE && (l->kind == LAB_PIPE || l->kind == LAB_SOCKET)) {
		words_add(w, "%s %llu", kind, (unsigned long long)l->space_b);
	} else if (l->space == LAB_SPACE_INODE &&
		   (l->kind == LAB_FLOCK || l->kind == LAB_RECORD_LOCK)) {
		words_add(w, "%s on inode %llu", kind, (unsigned long long)l->space_b);
		if (l->kind == LAB_RECORD_LOCK)
			words_add(w, ", byte %llu", (unsigned long long)l->address);
	} else {
		words_add(w, "%s at ", kind);
		lock_address(w, l);
	}
}

void words_lock(struct words *w, const struct lab_picture *p, u32 lock)
{
	lock_name(w, p, lock, true);
}

void words_lock_short(struct words *w, const struct lab_picture *p, u32 lock)
{
	lock_name(w, p, lock, false);
}

/* What the word of a glibc 2.36 object says; other kinds keep their number. */
static void lock_word(struct words *w, const struct lab_lock *l)
{
	enum {
		TID_MASK = 0x3fffffff,
		OWNER_DIED = 0x40000000,
		WAITERS = 0x80000000,
		CEILING_SHIFT = 19
	};
	u32 low = l->word & ((1u << CEILING_SHIFT) - 1);

	switch (l->kind) {
	case LAB_MUTEX:
		if (l->attrs & (LAB_PI | LAB_ROBUST)) {
			words_add(w, "word 0x%x (", l->word);
			if (l->word & TID_MASK)
				words_add(w, "locked by %u", l->word & TID_MASK);
			else
				words_add(w, "free");
			if (l->word & WAITERS)
				words_add(w, ", waiters");
			if (l->word & OWNER_DIED)
				words_add(w, ", owner died");
			words_add(w, ")");
			return;
		}
		if (!(l->attrs & LAB_PRIO_PROTECT))
			low = l->word;
		words_add(w, "word %u", l->word);
		if (low <= 2)
			words_add(w, " (%s)",
				  low == 0   ? "free"
				  : low == 1 ? "locked"
					     : "locked, waiters");
		return;
	case LAB_STDIO:
	case LAB_MALLOC:
		words_add(w, "word %u", l->word);
		if (l->word <= 2)
			words_add(w, " (%s)",
				  l->word == 0	 ? "free"
				  : l->word == 1 ? "locked"
						 : "locked, waiters");
		return;
	case LAB_FUTEX:
		words_add(w, "word 0x%x", l->word);
		return;
	case LAB_RWLOCK:
	case LAB_ONCE:
	case LAB_SPINLOCK:
	case LAB_BARRIER:
	case LAB_CONDVAR:
	case LAB_KERNEL_LOCK:
		words_add(w, "word %u", l->word);
		return;
	case LAB_SEMAPHORE:
		words_add(w, "value %u", l->word);
		return;
	case LAB_THREAD:
	case LAB_PIPE:
	case LAB_SOCKET:
	case LAB_PROCESS:
	case LAB_FLOCK:
	case LAB_RECORD_LOCK:
	case LAB_NR_KINDS:
		return;
	}
}

static bool is_word(enum lab_lock_kind kind)
{
	return kind <= LAB_MALLOC && kind != LAB_THREAD;
}

/* "mutex A (0x5555..40, normal): word 2 (locked, waiters), owner 4711, re-read unchanged" */
void words_lock_facts(struct words *w, const struct lab_picture *p, u32 lock)
{
	const struct lab_lock *l = words_lock_at(p, lock);
	u32 i, bit, nr_shown = 0;
	bool steady = true;

	words_lock(w, p, lock);
	if (!l)
		return;
	if (is_word(l->kind)) {
		bool named = l->symbol && *l->symbol, typed = false;
		const char *gap = " (";

		if (named) {
			words_add(w, "%s", gap);
			lock_address(w, l);
			gap = ", ";
		}
		for (bit = 1; bit <= LAB_OWNER_REUSED; bit <<= 1) {
			const char *attr = l->attrs & bit ? words_attr(bit, true) : NULL;

			if (attr) {
				words_add(w, "%s%s", gap, attr);
				gap = ", ";
				typed = true;
			}
		}
		if (l->kind == LAB_MUTEX && !typed) {
			words_add(w, "%snormal", gap);
			typed = true;
		}
		words_add(w, "%s: ", named || typed ? ")" : "");
		lock_word(w, l);
	}
	for (i = 0; i < l->nr_holds && nr_shown < 3; i++) {
		const struct lab_hold *h = &p->holds[p->lock_holds[l->first_hold + i]];
		const char *what;

		if (h->source == LAB_HOLD_TARGET)
			continue;
		what = h->access == LAB_SHARED	     ? "reader"
		       : words_is_exclusive(l->kind) ? "owner"
						     : "holder";
		words_add(w, "%s%s ", nr_shown || is_word(l->kind) ? ", " : ": ", what);
		words_task_short(w, p, h->task);
		if (h->depth > 1)
			words_add(w, " %u times over", h->depth);
		steady &= h->steady;
		nr_shown++;
	}
	if (i < l->nr_holds)
		words_add(w, " and %u more", l->nr_holds - i);
	if (nr_shown)
		words_add(w, "%s", steady ? ", re-read unchanged" : ", changed between reads");
	else if (l->owner_tid && l->kind != LAB_THREAD)
		words_add(w, ", owner field %u, which is no task that could hold it", l->owner_tid);
}

const char *words_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

bool words_is_plumbing(const struct lab_frame *frame)
{
	static const char *const modules[] = { "libc.so", "libc-", "libpthread", "ld-linux",
					       "ld-2", "ld.so", "[vdso]", "linux-vdso",
					       "libstdc++", "libgcc_s" };
	/* For a static binary, where the module is the program's own. */
	static const char *const functions[] = { "__lll_", "___pthread_", "__pthread_",
						 "pthread_", "__futex_", "futex_",
						 "__new_sem_", "__GI_", "__libc_start_",
						 "sem_wait", "sem_timedwait", "clone3",
						 "__clone", "start_thread", "_start" };
	static const char *const sources[] = { "./nptl/", "../nptl/", "./sysdeps/", "../sysdeps/",
					       "./csu/", "../csu/", "/usr/include/" };
	size_t i;

	if (frame->module) {
		const char *base = words_basename(frame->module);

		for (i = 0; i < sizeof(modules) / sizeof(modules[0]); i++)
			if (has_prefix(base, modules[i]))
				return true;
	}
	if (frame->file) {
		for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
			if (has_prefix(frame->file, sources[i]))
				return true;
		return false;
	}
	if (frame->function)
		for (i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
			if (has_prefix(frame->function, functions[i]))
				return true;
	return false;
}

const struct lab_frame *words_place(const struct lab_task *t)
{
	u32 i;

	for (i = 0; t->stack && i < t->nr_frames; i++)
		if (!words_is_plumbing(&t->stack[i]))
			return &t->stack[i];
	return NULL;
}

void words_frame(struct words *w, const struct lab_frame *frame)
{
	if (frame->function) {
		const char *name = frame->function;

		/*
		 * The C library's own names for what programs call: __GI___pthread_mutex_lock is
		 * pthread_mutex_lock.
		 */
		if (words_is_plumbing(frame) && name[0] == '_') {
			name += strspn(name, "_");
			if (has_prefix(name, "GI_"))
				name += 3 + strspn(name + 3, "_");
		}
		words_name(w, *name ? name : frame->function);
		words_add(w, "%s", strchr(frame->function, '(') ? "" : "()");
	} else {
		words_add(w, "0x%llx", (unsigned long long)frame->address);
	}
	if (frame->file) {
		words_add(w, " (");
		words_name(w, words_basename(frame->file));
		if (frame->line)
			words_add(w, ":%u", frame->line);
		words_add(w, ")");
	} else if (frame->module) {
		words_add(w, " of ");
		words_name(w, words_basename(frame->module));
	}
}

bool words_where(struct words *w, const struct lab_picture *p, u32 task)
{
	const struct lab_task *t = words_task_at(p, task);
	const struct lab_frame *frame = t ? words_place(t) : NULL;

	if (!frame)
		return false;
	words_add(w, " in ");
	words_frame(w, frame);
	return true;
}

/*
 * "2 threads of bank (pid 4711)", "3 threads of 2 processes (bank (pid 4711) and ...)", "thread
 * 4712 (audit) of ...".
 */
static void headline_who(struct words *w, const struct lab_picture *p, const struct lab_finding *f)
{
	enum {
		MAX_NAMED = 3
	};
	u32 tgids[MAX_NAMED], nr = 0, i, j;
	bool processes = true, more = false;

	for (i = 0; i < f->nr_tasks; i++) {
		const struct lab_task *t = words_task_at(p, words_finding_task(p, f, i));

		if (!t)
			continue;
		if (t->tid != t->tgid)
			processes = false;
		for (j = 0; j < nr; j++)
			if (tgids[j] == t->tgid)
				break;
		if (j < nr)
			continue;
		if (nr < MAX_NAMED)
			tgids[nr++] = t->tgid;
		else
			more = true;
	}
	if (f->nr_tasks == 0) {
		words_add(w, "nobody we can name");
		return;
	}
	if (f->nr_tasks == 1) {
		const struct lab_task *t = words_task_at(p, words_finding_task(p, f, 0));

		words_task(w, p, words_finding_task(p, f, 0));
		if (t && t->tid != t->tgid) {
			words_add(w, " of ");
			words_process(w, p, t->tgid);
		}
		return;
	}
	processes &= nr == f->nr_tasks || more;
	if (!processes || more)
		words_add(w, "%u %s", f->nr_tasks, processes ? "processes" : "threads");
	if (more) {
		if (!processes)
			words_add(w, " of several processes");
		return;
	}
	if (!processes)
		words_add(w, " of ");
	for (i = 0; i < nr; i++) {
		words_join(w, i, nr);
		words_process(w, p, tgids[i]);
	}
}

/* "and will never go on", as sure as the finding is. */
static const char *for_ever(const struct lab_finding *f)
{
	switch (f->certainty) {
	case LAB_PROVEN:
		return "will never go on";
	case LAB_PROBABLE:
		return "will probably never go on";
	case LAB_POTENTIAL:
		break;
	}
	return "may never go on";
}

static bool through_pipes(const struct lab_picture *p, const struct lab_finding *f)
{
	u32 i;

	for (i = 0; i < f->nr_locks; i++) {
		const struct lab_lock *l = words_lock_at(p, words_finding_lock(p, f, i));

		if (l && (l->kind == LAB_PIPE || l->kind == LAB_SOCKET))
			return true;
	}
	return false;
}

static u32 gone_owner(const struct lab_picture *p, u32 lock)
{
	const struct lab_lock *l = words_lock_at(p, lock);
	u32 i;

	for (i = 0; l && i < l->nr_holds; i++) {
		const struct lab_hold *h = &p->holds[p->lock_holds[l->first_hold + i]];

		if (p->tasks[h->task].status & LAB_TASK_IS_GONE)
			return h->task;
	}
	return LAB_NONE;
}

void words_headline(struct words *w, const struct lab_picture *p, const struct lab_finding *f)
{
	bool one = f->nr_tasks == 1, two = f->nr_tasks == 2;
	u32 lock = words_finding_lock(p, f, 0);
	const struct lab_lock *l = words_lock_at(p, lock);
	u32 i, spinning = 0;

	for (i = 0; i < f->nr_tasks; i++) {
		const struct lab_task *t = words_task_at(p, words_finding_task(p, f, i));

		spinning += t && t->status & LAB_TASK_SPINS;
	}
	switch (f->kind) {
	case LAB_DEADLOCK:
	case LAB_SPIN_DEADLOCK:
		headline_who(w, p, f);
		if (one) {
			words_add(w, " %s for ", spinning ? "spins" : "waits");
			words_lock(w, p, f->is_cycle ? lock : words_wait_of(p, f, 0));
			words_add(w, "%s and %s.", f->is_cycle ? ", which it holds itself," : "",
				  for_ever(f));
			return;
		}
		if (!f->is_cycle) {
			words_add(w, " %s, each for somebody else among them: they %s.",
				  !spinning		    ? "wait"
				  : spinning == f->nr_tasks ? "spin"
							    : "wait or spin",
				  for_ever(f));
			return;
		}
		words_add(w, " %s for each other%s and %s.",
			  !spinning		    ? "wait"
			  : spinning == f->nr_tasks ? "spin"
						    : "wait and spin",
			  !two && f->is_cycle ? " in a circle" : "", for_ever(f));
		return;
	case LAB_SELF_DEADLOCK:
		headline_who(w, p, f);
		words_add(w, one ? " waits for " : " wait for ");
		words_lock(w, p, lock);
		if (l && !words_is_exclusive(l->kind))
			words_add(w, ", which only %s could end,", one ? "it" : "they");
		else
			words_add(w, ", which %s,",
				  one ? "it holds itself" : "they hold themselves");
		words_add(w, " and %s.", for_ever(f));
		return;
	case LAB_ABANDONED_LOCK:
		if (f->nr_locks == 1)
			words_lock(w, p, lock);
		else
			words_add(w, "%u locks", f->nr_locks);
		words_add(w, " %s never released: ", f->nr_locks == 1 ? "was" : "were");
		if (gone_owner(p, lock) != LAB_NONE) {
			words_add(w, "the owner, thread %u, is gone; ",
				  p->tasks[gone_owner(p, lock)].tid);
		} else {
			words_add(w, "the owner is gone; ");
		}
		headline_who(w, p, f);
		words_add(w, " %s for %s and %s.", one ? "waits" : "wait",
			  f->nr_locks == 1 ? "it" : "them", for_ever(f));
		return;
	case LAB_STALL:
		headline_who(w, p, f);
		words_add(w, " %s, and nobody is left to wake %s: %s %s.", one ? "sleeps" : "sleep",
			  one ? "it" : "any of them", one ? "it" : "they", for_ever(f));
		return;
	case LAB_PREEMPTABLE_CYCLE:
		headline_who(w, p, f);
		if (one)
			words_add(w,
				  " waits for itself, but not for ever: the wait ends by itself.");
		else
			words_add(
				w,
				" wait for each other%s, but not for ever: a wait among them ends by itself.",
				two ? "" : " in a circle");
		return;
	case LAB_IO_CYCLE:
		headline_who(w, p, f);
		if (one)
			words_add(w, " waits for itself through ");
		else
			words_add(w, " wait for each other through ");
		if (f->nr_locks == 1 && through_pipes(p, f))
			words_lock(w, p, lock);
		else
			words_add(w, "%s",
				  through_pipes(p, f) ? "pipes or sockets"
						      : "the ends of processes");
		words_add(w, " and %s.", for_ever(f));
		return;
	case LAB_LOCK_ORDER_INVERSION:
		headline_who(w, p, f);
		words_add(w, " %s %u %s in orders that differ: not stuck now, but %s can deadlock.",
			  one ? "takes" : "take", f->nr_locks, f->nr_locks == 1 ? "lock" : "locks",
			  one ? "it" : "they");
		return;
	case LAB_PRIORITY_INVERSION:
		headline_who(w, p, f);
		words_add(w, " %s for ", one ? "waits" : "wait");
		words_lock(w, p, lock);
		words_add(w, ", which somebody of lower priority holds.");
		return;
	case LAB_CONVOY:
		headline_who(w, p, f);
		words_add(w, " %s in a queue for ", one ? "stands" : "stand");
		words_lock(w, p, lock);
		words_add(w, ", which goes from one to the next and never rests.");
		return;
	case LAB_STARVATION:
		headline_who(w, p, f);
		words_add(w, " %s for ", one ? "waits" : "wait");
		words_lock(w, p, lock);
		words_add(w, " while others take it again and again.");
		return;
	case LAB_NR_FINDING_KINDS:
		break;
	}
	headline_who(w, p, f);
	words_add(w, " %s in trouble.", one ? "is" : "are");
}
