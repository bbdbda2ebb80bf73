// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * json - a picture as one JSON document; locklab.schema.json says what is in it
 *
 * Keys come in a fixed order and are always there; what is not known is null. Strings that a target
 * chose are UTF-8 where they are UTF-8; each other byte XX becomes the character U+00XX, so that
 * every string is valid and no byte is lost.
 */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "words.h"

enum {
	EVIDENCE_BYTES = 4096,
	ID_BYTES = 16,
	SPACE_BYTES = 64,
	ADDRESS_BYTES = 24
};

/*
 * Takes over @value. jansson answers NULL without memory; then one -ENOMEM at the end says so for
 * all.
 */
struct object {
	json_t *json;
	bool failed;
};

static void set(struct object *o, const char *key, json_t *value)
{
	if (json_object_set_new(o->json, key, value))
		o->failed = true;
}

static void append(json_t *array, json_t *value, bool *failed)
{
	if (json_array_append_new(array, value))
		*failed = true;
}

static json_t *string(const char *s)
{
	size_t len, n, used = 0;
	json_t *json;
	char *out;
	u32 code;

	if (!s)
		return json_null();
	len = strlen(s);
	out = malloc(2 * len + 1); /* one broken byte becomes two */
	if (!out)
		return NULL;
	while (*s) {
		n = words_decode(s, &code);
		if (n) {
			memcpy(out + used, s, n);
			used += n;
			s += n;
		} else {
			out[used++] = (char)(0xc0 | (unsigned char)*s >> 6);
			out[used++] = (char)(0x80 | ((unsigned char)*s & 0x3f));
			s++;
		}
	}
	json = json_stringn_nocheck(out, used);
	free(out);
	return json;
}

static json_t *maybe(bool known, json_int_t value)
{
	return known ? json_integer(value) : json_null();
}

static json_t *address(u64 value)
{
	char text[ADDRESS_BYTES];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)value);
	return json_string(text);
}

static json_t *lock_id(const struct lab_picture *p, u32 lock)
{
	char text[ID_BYTES];

	if (lock >= p->nr_locks)
		return json_null();
	snprintf(text, sizeof(text), "L%u", lock + 1);
	return json_string(text);
}

static json_t *group_id(const struct lab_picture *p, u32 group)
{
	char text[ID_BYTES];

	if (group >= p->nr_groups)
		return json_null();
	snprintf(text, sizeof(text), "G%u", group + 1);
	return json_string(text);
}

static json_t *task_id(const struct lab_picture *p, u32 task)
{
	return maybe(task < p->nr_tasks, task < p->nr_tasks ? p->tasks[task].tid : 0);
}

static json_t *space(const struct lab_lock *l)
{
	char text[SPACE_BYTES];

	switch (l->space) {
	case LAB_SPACE_MM:
		snprintf(text, sizeof(text), "mm:%llu", (unsigned long long)l->space_a);
		return json_string(text);
	case LAB_SPACE_INODE:
		snprintf(text, sizeof(text), "inode:%llu:%llu", (unsigned long long)l->space_a,
			 (unsigned long long)l->space_b);
		return json_string(text);
	case LAB_SPACE_TASK:
		snprintf(text, sizeof(text), "task:%llu", (unsigned long long)l->space_a);
		return json_string(text);
	case LAB_SPACE_KERNEL:
		break;
	}
	return json_string("kernel");
}

static json_t *status_names(u32 status)
{
	static const char *const names[] = { "asked", "gone", "stopped", "steady",
					     "timed", "any", "spins", "signalled",
					     "handles_signals", "opaque" };
	json_t *array = json_array();
	bool failed = false;
	u32 i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (status & 1u << i)
			append(array, json_string(names[i]), &failed);
	return array;
}

static json_t *stack(const struct lab_task *t, bool *failed)
{
	json_t *array = json_array();
	u32 i;

	for (i = 0; t->stack && i < t->nr_frames; i++) {
		const struct lab_frame *f = &t->stack[i];
		struct object o = { json_object(), false };

		set(&o, "function", string(f->function));
		set(&o, "file", string(f->file));
		set(&o, "line", maybe(f->line, f->line));
		set(&o, "module", string(f->module));
		set(&o, "address", address(f->address));
		*failed |= o.failed;
		append(array, o.json, failed);
	}
	return array;
}

static json_t *task_json(const struct lab_picture *p, u32 task, bool *failed)
{
	const struct lab_task *t = &p->tasks[task];
	struct object o = { json_object(), false };
	json_t *waits = json_array(), *holds = json_array();
	char state[2] = { t->state, 0 };
	u32 i;

	for (i = 0; i < t->nr_waits; i++)
		append(waits, lock_id(p, p->waits[t->first_wait + i].lock), failed);
	for (i = 0; i < t->nr_holds; i++)
		append(holds, lock_id(p, p->holds[t->first_hold + i].lock), failed);
	set(&o, "tgid", json_integer(t->tgid));
	set(&o, "tid", json_integer(t->tid));
	set(&o, "comm", string(t->comm));
	set(&o, "state", t->state && t->state != '?' ? string(state) : json_null());
	set(&o, "waits_for", waits);
	set(&o, "wait_mode",
	    !t->nr_waits ? json_null()
			 : json_string(t->status & LAB_TASK_WAITS_ANY ? "any" : "all"));
	set(&o, "timed", json_boolean(t->status & LAB_TASK_WAITS_TIMED));
	set(&o, "wait_ns", maybe(t->wait_ns >= 0, t->wait_ns));
	set(&o, "holds", holds);
	set(&o, "stack", stack(t, failed));
	set(&o, "stack_note", string(t->stack_note));
	set(&o, "call", string(t->call));
	set(&o, "status", status_names(t->status));
	*failed |= o.failed;
	return o.json;
}

static json_t *holder_json(const struct lab_picture *p, const struct lab_hold *h, bool *failed)
{
	static const char *const sources[] = {
		[LAB_HOLD_OWNER] = "owner",
		[LAB_HOLD_ROBUST] = "robust",
		[LAB_HOLD_SCAN] = "scan",
		[LAB_HOLD_KERNEL] = "kernel",
		[LAB_HOLD_TARGET] = "target",
	};
	struct object o = { json_object(), false };

	set(&o, "tid", task_id(p, h->task));
	set(&o, "source",
	    h->source <= LAB_HOLD_TARGET ? json_string(sources[h->source]) : json_null());
	set(&o, "access", json_string(h->access == LAB_SHARED ? "shared" : "exclusive"));
	set(&o, "steady", json_boolean(h->steady));
	set(&o, "depth", json_integer(h->depth));
	*failed |= o.failed;
	return o.json;
}

static json_t *lock_json(const struct lab_picture *p, u32 lock, bool *failed)
{
	const struct lab_lock *l = &p->locks[lock];
	struct object o = { json_object(), false };
	json_t *owners = json_array(), *waiters = json_array(), *attributes = json_array(),
	       *holders = json_array();
	u32 i, bit;

	for (i = 0; i < l->nr_holds; i++) {
		const struct lab_hold *h = &p->holds[p->lock_holds[l->first_hold + i]];

		append(owners, task_id(p, h->task), failed);
		append(holders, holder_json(p, h, failed), failed);
	}
	for (i = 0; i < l->nr_waits; i++)
		append(waiters, task_id(p, p->waits[p->lock_waits[l->first_wait + i]].task),
		       failed);
	for (bit = 1; bit; bit <<= 1)
		if (l->attrs & bit && words_attr(bit, false))
			append(attributes, json_string(words_attr(bit, false)), failed);
	set(&o, "id", lock_id(p, lock));
	set(&o, "space", space(l));
	set(&o, "address", address(l->address));
	set(&o, "kind", json_string(lab_lock_kind_name(l->kind)));
	set(&o, "symbol", string(l->symbol));
	set(&o, "shared", json_boolean(l->attrs & LAB_PSHARED || l->space == LAB_SPACE_INODE));
	set(&o, "owners", owners);
	set(&o, "waiters", waiters);
	set(&o, "attributes", attributes);
	set(&o, "word", json_integer(l->word));
	set(&o, "owner_tid", maybe(l->owner_tid, l->owner_tid));
	set(&o, "holders", holders);
	set(&o, "wakers", group_id(p, l->wakers));
	set(&o, "unseen", json_boolean(l->unseen));
	*failed |= o.failed;
	return o.json;
}

static json_t *group_json(const struct lab_picture *p, u32 group, bool *failed)
{
	const struct lab_group *g = &p->groups[group];
	struct object o = { json_object(), false };
	json_t *tasks = json_array();
	u32 i;

	for (i = 0; i < g->nr_members; i++)
		append(tasks, task_id(p, p->members[g->first_member + i]), failed);
	set(&o, "id", group_id(p, group));
	set(&o, "what", string(g->what));
	set(&o, "doubtful", json_boolean(g->doubtful));
	set(&o, "tasks", tasks);
	*failed |= o.failed;
	return o.json;
}

static json_t *conditions(const struct lab_picture *p, const struct lab_finding *f, bool *failed)
{
	struct object all = { json_object(), false };
	char evidence[EVIDENCE_BYTES];
	u32 c;

	for (c = 0; c < LAB_NR_CONDITIONS; c++) {
		const struct lab_condition *condition = &f->conditions[c];
		struct object o = { json_object(), false };

		set(&o, "holds",
		    condition->holds < 0 ? json_null() : json_boolean(condition->holds));
		set(&o, "evidence",
		    string(evidence_condition(p, f, (enum lab_coffman)c, evidence,
					      sizeof(evidence))));
		set(&all, lab_condition_name((enum lab_coffman)c), o.json);
		*failed |= o.failed;
	}
	*failed |= all.failed;
	return all.json;
}

static json_t *finding_json(const struct lab_picture *p, const struct lab_finding *f, bool *failed)
{
	json_t *tasks = json_array(), *locks = json_array(), *victims = json_array();
	struct object o = { json_object(), false };
	char remedy[EVIDENCE_BYTES];
	u32 i;

	WORDS(summary, EVIDENCE_BYTES);
	words_headline(&summary, p, f);
	for (i = 0; i < f->nr_tasks; i++)
		append(tasks, task_id(p, words_finding_task(p, f, i)), failed);
	for (i = 0; i < f->nr_locks; i++)
		append(locks, lock_id(p, words_finding_lock(p, f, i)), failed);
	for (i = 0; i < f->nr_victims; i++)
		append(victims, task_id(p, words_finding_victim(p, f, i)), failed);
	set(&o, "kind", json_string(lab_finding_kind_name(f->kind)));
	set(&o, "certainty", json_string(lab_certainty_name(f->certainty)));
	set(&o, "tasks", tasks);
	set(&o, "locks", locks);
	set(&o, "remedy", string(evidence_remedy(p, f, remedy, sizeof(remedy))));
	set(&o, "conditions", conditions(p, f, failed));
	set(&o, "summary", string(summary.s));
	set(&o, "is_fault", json_boolean(lab_finding_is_fault(f->kind)));
	set(&o, "is_cycle", json_boolean(f->is_cycle));
	set(&o, "asked", json_boolean(f->asked));
	set(&o, "victims", victims);
	set(&o, "cheapest",
	    f->cheapest < LAB_NR_CONDITIONS ? json_string(lab_condition_name(f->cheapest))
					    : json_null());
	set(&o, "remedy_task", task_id(p, f->remedy_task));
	set(&o, "remedy_lock", lock_id(p, f->remedy_lock));
	*failed |= o.failed;
	return o.json;
}

static json_t *picture_json(const struct lab_picture *p, bool *failed)
{
	static const char *const modes[] = { "snapshot", "sampled", "events" };
	static const char *const verdicts[] = { "none", "found", "unknown" };
	json_t *not_seen = json_array(), *tasks = json_array(), *locks = json_array(),
	       *groups = json_array(), *findings = json_array();
	struct object o = { json_object(), false };
	u32 i;

	for (i = 0; i < p->nr_not_seen; i++)
		append(not_seen, string(p->not_seen[i] ? p->not_seen[i] : ""), failed);
	for (i = 0; i < p->nr_tasks; i++)
		append(tasks, task_json(p, i, failed), failed);
	for (i = 0; i < p->nr_locks; i++)
		append(locks, lock_json(p, i, failed), failed);
	for (i = 0; i < p->nr_groups; i++)
		append(groups, group_json(p, i, failed), failed);
	for (i = 0; i < p->nr_findings; i++)
		append(findings, finding_json(p, &p->findings[i], failed), failed);
	set(&o, "locklab", json_integer(1));
	set(&o, "mode", json_string(modes[p->mode]));
	set(&o, "verdict", json_string(verdicts[p->verdict]));
	set(&o, "lost_events", json_integer((json_int_t)p->lost_events));
	set(&o, "not_seen", not_seen);
	set(&o, "tasks", tasks);
	set(&o, "locks", locks);
	set(&o, "groups", groups);
	set(&o, "findings", findings);
	*failed |= o.failed;
	return o.json;
}

/*
 * jansson writes U+007F and up as they are. A terminal must not see the unsafe ones, and a byte
 * that was broken has to be told from the character it could be taken for: those, and all up to
 * U+00FF, go out as \uXXXX, which is the same string to a parser.
 */
static void put(FILE *out, const char *s)
{
	size_t n;
	u32 code;

	for (; *s; s += n) {
		n = words_decode(s, &code);
		if (!n) {
			n = 1; /* jansson checks its strings: not reached */
			continue;
		}
		if (code < 0x7f || (code > 0xff && !words_is_unsafe(code)))
			fwrite(s, 1, n, out);
		else if (code > 0xffff)
			fprintf(out, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
				0xdc00 + ((code - 0x10000) & 0x3ff));
		else
			fprintf(out, "\\u%04x", code);
	}
}

int report_json(FILE *out, const struct lab_picture *picture, bool one_line)
{
	bool failed = false;
	json_t *document = picture_json(picture, &failed);
	char *text = NULL;

	if (document && !failed)
		text = json_dumps(document, one_line ? JSON_COMPACT : JSON_INDENT(2));
	json_decref(document);
	if (!text)
		return -ENOMEM;
	put(out, text);
	fputc('\n', out);
	free(text);
	return ferror(out) ? -EIO : 0;
}
