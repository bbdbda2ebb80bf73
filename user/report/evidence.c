// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * evidence - the four conditions (Coffman, Elphick, Shoshani 1971) and the way out, in sentences
 *
 * The judge says which condition holds, by which reason, and who shows it best; here that becomes
 * what a person can check: the lock's word and owner, who holds and waits since when and where.
 * Nothing is said that the picture does not support: a path that is not in it ("every other path")
 * is never spoken of.
 */
#include "report.h"
#include "words.h"

enum {
	MAX_LOCKS = 3, /* whose facts are told in full */
	MAX_TASKS = 3,
	MAX_CYCLE = 6, /* longest circle that is written out whole */
};

/* The task that shows a condition best: the judge's choice, or the first of the finding. */
static u32 shown_task(const struct lab_picture *p, const struct lab_finding *f, u32 task)
{
	return words_task_at(p, task) ? task : words_finding_task(p, f, 0);
}

static u32 shown_lock(const struct lab_picture *p, const struct lab_finding *f, u32 task, u32 lock)
{
	const struct lab_task *t;

	if (words_lock_at(p, lock))
		return lock;
	t = words_task_at(p, task);
	if (t && t->nr_waits)
		return p->waits[t->first_wait].lock;
	return words_finding_lock(p, f, 0);
}

static bool is_end_of_somebody(const struct lab_picture *p, u32 lock)
{
	const struct lab_lock *l = words_lock_at(p, lock);

	return l && (l->kind == LAB_THREAD || l->kind == LAB_PROCESS);
}

/*
 * Among those stuck for want of a wake-up, one that waits for more than the end of another: who
 * joins the others tells nothing about what went wrong. Return: its position; that of @task if
 * there is none such.
 */
static u32 telling_member(const struct lab_picture *p, const struct lab_finding *f, u32 task)
{
	u32 i, given = 0;

	for (i = 0; i < f->nr_tasks; i++)
		if (words_finding_task(p, f, i) == task)
			given = i;
	if (!is_end_of_somebody(p, words_wait_of(p, f, given)))
		return given;
	for (i = 0; i < f->nr_tasks; i++)
		if (words_lock_at(p, words_wait_of(p, f, i)) &&
		    !is_end_of_somebody(p, words_wait_of(p, f, i)))
			return i;
	return given;
}

/*
 * The task that the remedy speaks of: the judge's choice, unless another tells more or that one is
 * gone.
 */
static u32 remedy_task(const struct lab_picture *p, const struct lab_finding *f)
{
	const struct lab_task *t = words_task_at(p, f->remedy_task);
	u32 task =
		t && !(t->status & LAB_TASK_IS_GONE) ? f->remedy_task : words_finding_task(p, f, 0);

	if (f->remedy == LAB_REMEDY_WAKE)
		return words_finding_task(p, f, telling_member(p, f, task));
	return task;
}

static u32 gone_holder(const struct lab_picture *p, u32 lock)
{
	const struct lab_lock *l = words_lock_at(p, lock);
	u32 i;

	for (i = 0; l && i < l->nr_holds; i++) {
		u32 task = p->holds[p->lock_holds[l->first_hold + i]].task;

		if (p->tasks[task].status & LAB_TASK_IS_GONE)
			return task;
	}
	return LAB_NONE;
}

static void tell_owner_gone(struct words *w, const struct lab_picture *p, u32 lock)
{
	const struct lab_lock *l = words_lock_at(p, lock);
	u32 owner = gone_holder(p, lock);

	if (owner != LAB_NONE)
		words_add(w, "thread %u", p->tasks[owner].tid);
	else if (l && l->owner_tid)
		words_add(w, "thread %u", l->owner_tid);
	else
		words_add(w, "the owner");
	if (l && l->attrs & LAB_OWNER_REUSED)
		words_add(w, " (its TID is used anew by a task that is younger than the wait)");
}

static void tell_wait(struct words *w, const struct lab_picture *p, u32 task, u32 lock)
{
	const struct lab_task *t = words_task_at(p, task);

	if (t && t->status & LAB_TASK_SPINS)
		words_add(w, "spins for ");
	else if (t && t->wait_ns >= 0)
		words_add(w, "has waited ");
	else
		words_add(w, "waits for ");
	if (t && t->wait_ns >= 0 && !(t->status & LAB_TASK_SPINS)) {
		words_duration(w, t->wait_ns);
		words_add(w, " for ");
	}
	words_lock(w, p, lock);
	if (t && t->nr_waits > 1)
		words_add(w, t->status & LAB_TASK_WAITS_ANY ? " (any of %u)" : " (and %u more)",
			  t->status & LAB_TASK_WAITS_ANY ? t->nr_waits : t->nr_waits - 1);
	words_where(w, p, task);
}

/* What a task holds, its own end apart. Return: whether there was anything. */
static bool tell_holds(struct words *w, const struct lab_picture *p, u32 task)
{
	const struct lab_task *t = words_task_at(p, task);
	u32 i, nr = 0, told = 0;

	for (i = 0; t && i < t->nr_holds; i++)
		if (p->holds[t->first_hold + i].source != LAB_HOLD_TARGET)
			nr++;
	for (i = 0; t && i < t->nr_holds && told < MAX_LOCKS; i++) {
		const struct lab_hold *h = &p->holds[t->first_hold + i];

		if (h->source == LAB_HOLD_TARGET)
			continue;
		words_join(w, told, nr > MAX_LOCKS ? nr + 1 : nr);
		words_lock(w, p, h->lock);
		told++;
	}
	if (nr > MAX_LOCKS)
		words_add(w, " and %u more", nr - MAX_LOCKS);
	return nr > 0;
}

static void tell_lock_facts(struct words *w, const struct lab_picture *p,
			    const struct lab_finding *f)
{
	u32 i;

	for (i = 0; i < f->nr_locks && i < MAX_LOCKS; i++) {
		words_add(w, "%s", i ? "; " : "");
		words_lock_facts(w, p, words_finding_lock(p, f, i));
	}
	if (f->nr_locks > MAX_LOCKS)
		words_add(w, "; and %u more", f->nr_locks - MAX_LOCKS);
	if (!f->nr_locks)
		words_add(w, "no lock is known by name");
}

static bool has_attr(const struct lab_picture *p, const struct lab_finding *f, u32 attr)
{
	u32 i;

	for (i = 0; i < f->nr_locks; i++) {
		const struct lab_lock *l = words_lock_at(p, words_finding_lock(p, f, i));

		if (l && l->attrs & attr)
			return true;
	}
	return false;
}

static void say_mutual_exclusion(struct words *w, const struct lab_picture *p,
				 const struct lab_finding *f, const struct lab_condition *c)
{
	u32 lock = shown_lock(p, f, LAB_NONE, c->lock), i;
	const struct lab_lock *l;

	switch (c->reason) {
	case LAB_BECAUSE_NOT_A_LOCK:
		words_add(w, "Nobody holds ");
		for (i = 0; i < f->nr_locks && i < MAX_LOCKS; i++) {
			words_join(w, i, f->nr_locks > MAX_LOCKS ? MAX_LOCKS + 1 : f->nr_locks);
			words_lock(w, p, words_finding_lock(p, f, i));
		}
		if (!f->nr_locks)
			words_add(w, "anything");
		if (f->nr_locks > MAX_LOCKS)
			words_add(w, " and %u more", f->nr_locks - MAX_LOCKS);
		words_add(w, " exclusively. A wait for ");
		lock = words_wait_of(p, f, telling_member(p, f, shown_task(p, f, c->task)));
		if (!words_lock_at(p, lock))
			lock = words_finding_lock(p, f, 0);
		l = words_lock_at(p, lock);
		words_lock(w, p, lock);
		words_add(w, " ends with %s.", words_gift(l ? l->kind : LAB_FUTEX));
		return;
	case LAB_BECAUSE_SHARED:
		words_lock_facts(w, p, lock);
		words_add(w, c->holds > 0 ? ". Readers share it, but keep every writer out."
					  : ". Several may hold it at once.");
		return;
	case LAB_BECAUSE_OWNER_GONE:
		tell_lock_facts(w, p, f);
		words_add(w, ". It still bears the mark of ");
		tell_owner_gone(w, p, lock);
		words_add(w, ", which is gone and can not unlock it.");
		return;
	default:
		break;
	}
	tell_lock_facts(w, p, f);
	words_add(w, ".");
	if (has_attr(p, f, LAB_EDEADLK))
		words_add(
			w,
			" The kernel refused a lock (EDEADLK), and the C library put the caller to sleep for ever.");
	if (c->reason == LAB_BECAUSE_OWNER_UNKNOWN)
		words_add(w, " Who holds %s is not recorded.", f->nr_locks == 1 ? "it" : "them");
	else if (!c->holds)
		words_add(w, " Not held exclusively.");
	else if (c->holds < 0)
		words_add(w, " Whether it is held exclusively can not be told.");
}

static void say_hold_and_wait(struct words *w, const struct lab_picture *p,
			      const struct lab_finding *f, const struct lab_condition *c)
{
	const struct lab_lock *l;
	u32 i, lock;

	for (i = 0; i < f->nr_tasks && i < MAX_TASKS; i++) {
		u32 task = words_finding_task(p, f, i);
		u32 held = words_hold_of(p, f, i), wanted = words_wait_of(p, f, i);
		const struct lab_lock *h = words_lock_at(p, held);

		words_add(w, "%s", i ? "; " : "");
		words_task(w, p, task);
		words_add(w, " ");
		if (h && words_is_exclusive(h->kind) && c->reason != LAB_BECAUSE_OWNER_GONE) {
			words_add(w, "holds ");
			words_lock(w, p, held);
			words_add(w, " and ");
			if (held == wanted) {
				words_add(w, "asks for it once more");
				words_where(w, p, task);
				continue;
			}
		} else {
			WORDS(holds, 400);

			if (tell_holds(&holds, p, task))
				words_add(w, "holds %s and ", holds.s);
		}
		tell_wait(w, p, task, wanted);
	}
	if (f->nr_tasks > MAX_TASKS)
		words_add(w, "; and %u more", f->nr_tasks - MAX_TASKS);
	if (!f->nr_tasks)
		words_add(w, "nobody is known by name");
	words_add(w, ".");
	switch (c->reason) {
	case LAB_BECAUSE_NONE_KNOWN_HELD:
		lock = words_wait_of(p, f, telling_member(p, f, shown_task(p, f, c->task)));
		l = words_lock_at(p, lock);
		if (l && is_end_of_somebody(p, lock))
			words_add(w, " None of these waits is for a lock that somebody holds.");
		else if (l)
			words_add(w, " Who could end a wait for a %s is not recorded in it.",
				  words_kind(l->kind));
		break;
	case LAB_BECAUSE_OWNER_GONE:
		lock = shown_lock(p, f, shown_task(p, f, c->task), c->lock);
		words_add(w, " ");
		words_lock(w, p, lock);
		words_add(w, " is still marked as held by ");
		tell_owner_gone(w, p, lock);
		words_add(w, ", which is gone and waits for nothing.");
		break;
	default:
		if (!c->holds)
			words_add(w, " Not everybody here holds something and waits.");
		else if (c->holds < 0)
			words_add(w, " What they hold can not be told for all of them.");
		break;
	}
}

static void say_no_preemption(struct words *w, const struct lab_picture *p,
			      const struct lab_finding *f, const struct lab_condition *c)
{
	u32 task = shown_task(p, f, c->task);
	u32 lock = shown_lock(p, f, task, c->lock);
	const struct lab_task *t = words_task_at(p, task);
	const char *wait = t && t->status & LAB_TASK_SPINS ? "spin" : "wait";
	u32 i, timed = 0, mutexes = 0;

	switch (c->reason) {
	case LAB_BECAUSE_TIMED:
		for (i = 0; i < f->nr_tasks; i++) {
			const struct lab_task *other =
				words_task_at(p, words_finding_task(p, f, i));

			timed += other && other->status & LAB_TASK_WAITS_TIMED;
		}
		words_add(w, "The %s of ", wait);
		words_task(w, p, task);
		words_add(w, " for ");
		words_lock(w, p, lock);
		words_where(w, p, task);
		words_add(w, " has a timeout: it ends by itself");
		if (timed > 1)
			words_add(w, " (and so for %u more)", timed - 1);
		words_add(w, ".");
		return;
	case LAB_BECAUSE_SIGNALLED:
		words_add(w, "A signal is pending for ");
		words_task(w, p, task);
		words_add(w, ": its %s for ", wait);
		words_lock(w, p, lock);
		words_add(w, " may end by itself.");
		return;
	case LAB_BECAUSE_SIGNAL_HANDLER:
		words_add(w, "No wait has a timeout, but ");
		if (t)
			words_process(w, p, t->tgid);
		else
			words_add(w, "the process");
		words_add(w, " catches signals: a handler could still end the wait of ");
		words_task(w, p, task);
		words_add(w, " for ");
		words_lock(w, p, lock);
		words_add(w, ".");
		return;
	default:
		break;
	}
	if (c->holds > 0) {
		if (f->nr_tasks == 1)
			words_add(w, "The wait has no timeout, no signal is pending");
		else if (f->nr_tasks == 2)
			words_add(w, "Neither wait has a timeout, no signal is pending");
		else
			words_add(w, "None of the %u waits has a timeout, no signal is pending",
				  f->nr_tasks);
		for (i = 0; i < f->nr_locks; i++) {
			const struct lab_lock *l = words_lock_at(p, words_finding_lock(p, f, i));

			mutexes += l && l->kind == LAB_MUTEX;
		}
		if (has_attr(p, f, LAB_ROBUST))
			words_add(w, ", and a robust mutex is of no help while its owner lives");
		else if (mutexes)
			words_add(w, ", and %s robust",
				  mutexes == 1	 ? "the mutex is not"
				  : mutexes == 2 ? "neither mutex is"
						 : "none of the mutexes is");
		else
			words_add(w, ", and nothing else ends %s",
				  f->nr_tasks == 1 ? "it" : "them");
		words_add(w, ".");
		if (c->reason == LAB_BECAUSE_OWNER_GONE)
			words_add(w, " So nobody takes it from an owner that is gone.");
		return;
	}
	words_add(w, "%s ", c->holds ? "It can not be told whether" : "It is not so:");
	words_add(w, "the %s of ", wait);
	words_task(w, p, task);
	words_add(w, " for ");
	words_lock(w, p, lock);
	words_add(w, c->holds ? " may end by itself." : " ends by itself.");
}

/* "4712 (audit) -> mutex A -> 4713 (post) -> mutex B -> 4712", a long one without its middle. */
static void tell_cycle(struct words *w, const struct lab_picture *p, const struct lab_finding *f)
{
	const struct lab_task *first = words_task_at(p, words_finding_task(p, f, 0));
	u32 i;

	for (i = 0; i < f->nr_tasks; i++) {
		if (f->nr_tasks > MAX_CYCLE && i == MAX_CYCLE / 2) {
			i = f->nr_tasks - (MAX_CYCLE - MAX_CYCLE / 2 - 1);
			words_add(w, "... %u more tasks ... -> ", i - MAX_CYCLE / 2);
		}
		words_task_short(w, p, words_finding_task(p, f, i));
		words_add(w, " -> ");
		words_lock(w, p, words_wait_of(p, f, i));
		words_add(w, " -> ");
	}
	if (first)
		words_add(w, "%u", first->tid);
	else
		words_add(w, "itself");
}

static void say_circular_wait(struct words *w, const struct lab_picture *p,
			      const struct lab_finding *f, const struct lab_condition *c)
{
	u32 task = shown_task(p, f, c->task);
	u32 lock = shown_lock(p, f, task, c->lock);
	const struct lab_lock *l = words_lock_at(p, lock);

	switch (c->reason) {
	case LAB_BECAUSE_KNOT:
		words_add(w, "Whoever could end %s waits as well",
			  f->nr_tasks == 1 ? "this wait" : "these waits");
		if (l && l->wakers < p->nr_groups && p->groups[l->wakers].what) {
			words_add(w, " (");
			words_name(w, p->groups[l->wakers].what);
			words_add(w, ")");
		}
		words_add(w, ".");
		return;
	case LAB_BECAUSE_OUTSIDER:
		words_add(
			w,
			"Everybody seen here who could end %s waits as well, but somebody outside could act too",
			f->nr_tasks == 1 ? "this wait" : "these waits");
		if (l && l->wakers < p->nr_groups && p->groups[l->wakers].what) {
			words_add(w, ", beside ");
			words_name(w, p->groups[l->wakers].what);
		}
		words_add(w, ".");
		return;
	case LAB_BECAUSE_SELF:
		words_task(w, p, task);
		words_add(w, " waits for ");
		words_lock(w, p, lock);
		words_add(w, "%s.",
			  l && !words_is_exclusive(l->kind) ? ", which only itself could end"
							    : ", which it holds itself");
		return;
	case LAB_BECAUSE_NO_CYCLE:
	case LAB_BECAUSE_OWNER_GONE:
		if (!words_waits(p, task, lock))
			task = words_finding_task(p, f, 0);
		words_add(w, "No circle: ");
		words_task(w, p, task);
		words_add(w, " waits for ");
		words_lock(w, p, lock);
		if (gone_holder(p, lock) != LAB_NONE || (l && l->attrs & LAB_OWNER_REUSED)) {
			words_add(w, ", whose owner, ");
			tell_owner_gone(w, p, lock);
			words_add(w, ", is gone.");
		} else {
			words_add(
				w,
				", and the one who could end that wait will not act, without waiting in a circle.");
		}
		return;
	default:
		break;
	}
	if (f->is_cycle && f->nr_tasks) {
		tell_cycle(w, p, f);
		words_add(w, ".");
		return;
	}
	words_add(w, "%s",
		  c->holds > 0	  ? "They wait for each other."
		  : c->holds == 0 ? "Nobody here waits in a circle."
				  : "Whether they wait in a circle can not be told.");
}

const char *evidence_condition(const struct lab_picture *p, const struct lab_finding *f,
			       enum lab_coffman c, char *buffer, size_t size)
{
	struct words w;

	words_init(&w, buffer, size);
	switch (c) {
	case LAB_MUTUAL_EXCLUSION:
		say_mutual_exclusion(&w, p, f, &f->conditions[c]);
		break;
	case LAB_HOLD_AND_WAIT:
		say_hold_and_wait(&w, p, f, &f->conditions[c]);
		break;
	case LAB_NO_PREEMPTION:
		say_no_preemption(&w, p, f, &f->conditions[c]);
		break;
	case LAB_CIRCULAR_WAIT:
		say_circular_wait(&w, p, f, &f->conditions[c]);
		break;
	case LAB_NR_CONDITIONS:
		break;
	}
	return buffer;
}

/* Position of @task in the finding, LAB_NONE if it is not a member. */
static u32 member_index(const struct lab_picture *p, const struct lab_finding *f, u32 task)
{
	u32 i;

	for (i = 0; i < f->nr_tasks; i++)
		if (words_finding_task(p, f, i) == task)
			return i;
	return LAB_NONE;
}

static bool is_same_place(const struct lab_picture *p, u32 a, u32 b)
{
	const struct lab_task *x = words_task_at(p, a), *y = words_task_at(p, b);
	const struct lab_frame *f = x ? words_place(x) : NULL, *g = y ? words_place(y) : NULL;

	return f && g && f->address == g->address &&
	       (f->module == g->module || (f->line && f->line == g->line));
}

/*
 * One order for all: who takes @wanted while holding @held should take @wanted first. In a circle
 * of two that already is the other's order; in a longer one it says so of one link, and any link
 * does.
 */
static void advise_order(struct words *w, const struct lab_picture *p, const struct lab_finding *f,
			 u32 task)
{
	u32 i = member_index(p, f, task), held, wanted, other;
	const struct lab_lock *h, *l;

	if (i == LAB_NONE) {
		task = words_finding_task(p, f, 0);
		i = 0;
	}
	held = words_hold_of(p, f, i);
	wanted = words_wait_of(p, f, i);
	h = words_lock_at(p, held);
	l = words_lock_at(p, wanted);
	if (!h || !l || held == wanted || !words_is_exclusive(h->kind)) {
		words_add(w, "Do not wait for ");
		words_lock(w, p, wanted);
		words_where(w, p, task);
		words_add(w, " while ");
		words_task(w, p, task);
		words_add(w, " is what the others wait for.");
		return;
	}
	if (!words_is_exclusive(l->kind)) {
		words_add(w, "Release ");
		words_lock(w, p, held);
		words_add(w, " before waiting for ");
		words_lock(w, p, wanted);
		words_where(w, p, task);
		words_add(w, " (");
		words_task(w, p, task);
		words_add(w, ").");
		return;
	}
	words_add(w, "Take ");
	words_lock(w, p, wanted);
	words_add(w, " before ");
	words_lock(w, p, held);
	words_where(w, p, task);
	words_add(w, " (");
	words_task(w, p, task);
	if (f->nr_tasks == 2) {
		other = words_finding_task(p, f, 1 - i);
		if (is_same_place(p, task, other)) {
			words_add(w, "): ");
			words_task(w, p, other);
			words_add(
				w,
				" takes them the other way round in the same line, so give them an order that does not depend "
				"on the caller (by address or name, say). Or release ");
		} else {
			words_add(w, "): ");
			words_task(w, p, other);
			words_add(w, " takes them in that order");
			words_where(w, p, other);
			words_add(w, ". Or release ");
		}
	} else {
		words_add(w, "), and so on everywhere: one order for all %u locks. Or release ",
			  f->nr_locks);
	}
	words_lock_short(w, p, held);
	words_add(w, " first, or try (trylock) and on failure let go of it.");
}

static void advise(struct words *w, const struct lab_picture *p, const struct lab_finding *f)
{
	u32 task = remedy_task(p, f);
	u32 lock = shown_lock(p, f, task, task == f->remedy_task ? f->remedy_lock : LAB_NONE);
	const struct lab_lock *l = words_lock_at(p, lock);
	enum lab_lock_kind kind = l ? l->kind : LAB_FUTEX;

	switch (f->remedy) {
	case LAB_REMEDY_ORDER:
		advise_order(w, p, f, task);
		return;
	case LAB_REMEDY_RECURSIVE:
		words_add(w, "Release ");
		words_lock(w, p, lock);
		words_add(w, " before asking for it again");
		words_where(w, p, task);
		words_add(
			w,
			", or split that function into one that locks and one that is called with it held.");
		if (kind == LAB_MUTEX)
			words_add(
				w,
				" An error-checking mutex would have said EDEADLK here; a recursive one would go on.");
		return;
	case LAB_REMEDY_ROBUST:
		words_add(w, "Release ");
		words_lock(w, p, lock);
		words_add(w, " on every path out of its owner");
		if (gone_holder(p, lock) != LAB_NONE)
			words_add(w, " (thread %u, gone)", p->tasks[gone_holder(p, lock)].tid);
		if (kind == LAB_MUTEX)
			words_add(
				w,
				", cancellation and exit among them; or make it robust "
				"(pthread_mutexattr_setrobust): the next to lock it then gets EOWNERDEAD and can repair.");
		else
			words_add(w, ", cancellation and exit among them.");
		return;
	case LAB_REMEDY_WAKE:
		if (is_end_of_somebody(p, lock)) {
			words_add(w, "Find out why ");
			words_lock(w, p, lock);
			words_add(w, " does not come; ");
		} else if (words_is_exclusive(kind) && kind != LAB_FUTEX && kind != LAB_ONCE) {
			words_add(w, "Find who took ");
			words_lock(w, p, lock);
			words_add(w, " and did not let go of it; ");
		} else {
			words_add(w, "Find who should give %s to ", words_gift(kind));
			words_lock(w, p, lock);
			words_add(w, " and did not, or did too early; ");
		}
		words_task(w, p, task);
		words_add(w, " waits for it");
		words_where(w, p, task);
		words_add(w, ".");
		if (kind == LAB_CONDVAR)
			words_add(
				w,
				" Test the predicate under the mutex before each wait, and signal after changing it.");
		return;
	case LAB_REMEDY_DRAIN:
		words_add(w, "Close the ends of ");
		words_lock(w, p, lock);
		words_add(
			w,
			" that are not used, and read while writing (poll, or a thread for each direction); ");
		words_task(w, p, task);
		words_add(w, " is stuck");
		if (!words_where(w, p, task))
			words_add(w, " there");
		words_add(w, ".");
		return;
	case LAB_REMEDY_UPGRADE:
		words_add(w, "Do not ask for ");
		words_lock(w, p, lock);
		words_add(w, " again while holding it");
		words_where(w, p, task);
		words_add(w, ": release it first, or take it for writing from the start.");
		return;
	case LAB_REMEDY_LET_TIME_OUT:
		words_add(w, "Nothing to do at once: the wait of ");
		words_task(w, p, task);
		words_add(w, " for ");
		words_lock(w, p, lock);
		words_where(w, p, task);
		words_add(
			w,
			" ends by itself. Mind what it does then: trying again at once may only move the circle (livelock); "
			"one order for the locks ends it for good.");
		return;
	case LAB_REMEDY_REAP:
		words_add(w, "Let nobody wait for the end of somebody who waits for it: ");
		words_task(w, p, task);
		words_add(w, " waits for ");
		words_lock(w, p, lock);
		words_where(w, p, task);
		words_add(w, ". Finish or cancel that one first, or detach it.");
		return;
	case LAB_NR_REMEDIES:
		break;
	}
	words_add(w, "Look at ");
	words_task(w, p, task);
	words_add(w, ", which waits for ");
	words_lock(w, p, lock);
	words_where(w, p, task);
	words_add(w, ".");
}

static const char *how_to_break(const struct lab_finding *f)
{
	switch (f->cheapest) {
	case LAB_MUTUAL_EXCLUSION:
		return "mutual exclusion (share it, or let it be taken again)";
	case LAB_HOLD_AND_WAIT:
		return "hold and wait (let go before waiting)";
	case LAB_NO_PREEMPTION:
		return "no preemption (a timeout, a trylock or a robust lock)";
	case LAB_CIRCULAR_WAIT:
		return f->is_cycle && f->nr_tasks > 1 ? "circular wait (one order)"
						      : "circular wait";
	case LAB_NR_CONDITIONS:
		break;
	}
	return "not known";
}

const char *evidence_remedy(const struct lab_picture *p, const struct lab_finding *f, char *buffer,
			    size_t size)
{
	u32 task = remedy_task(p, f);
	struct words w;

	words_init(&w, buffer, size);
	advise(&w, p, f);
	words_add(&w, " Cheapest condition to break: %s", how_to_break(f));
	/*
	 * It is the owner's path that lacks the unlock, and the owner is gone: where its waiters
	 * are is not the place.
	 */
	if (f->kind != LAB_ABANDONED_LOCK)
		words_where(&w, p, task);
	words_add(&w, ".");
	return buffer;
}
