// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * descriptor_child - wait4() and waitid(): waits for the end of a process
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "descriptor.h"

/* Whether @child is who @r's process calls @pid. */
static bool is_called(const struct lab_task_record *r, const struct lab_task_record *child, u32 pid)
{
	char path[64], text[8192], *at;
	const char *field;

	if (child->ns == r->ns)
		return child->ns_tgid == pid;
	if (r->ns_tgid == r->tgid && child->tgid == pid)
		return true;
	/* A child in a namespace of its own has a number in each. */
	snprintf(path, sizeof(path), "/proc/%u/status", child->tgid);
	if (descriptor_read_text(path, text, sizeof(text)) < 0)
		return false;
	field = descriptor_field(text, "NStgid");
	for (at = field ? (char *)field : NULL; at && *at && *at != '\n';) {
		if (strtoul(at, &at, 10) == pid)
			return true;
		at += strspn(at, " \t");
	}
	return false;
}

static u32 child_lock(struct look_context *c, const struct lab_task_record *child)
{
	struct lab_lock_id id = { .space = LAB_SPACE_TASK, .a = child->tgid };
	const struct lab_task_record *only = NULL;
	char key[32], what[64], name[40];
	u32 nr = 0, lock, group;
	bool is_new;

	snprintf(name, sizeof(name), "the end of process %u", child->tgid);
	lock = descriptor_lock(c, &id, LAB_PROCESS, 0, name, &is_new);
	if (!is_new)
		return lock;
	for (u32 i = descriptor_first_record(c, child->tgid);
	     i < c->now->nr && c->now->records[i].tgid == child->tgid; i++) {
		if (c->now->records[i].flags & LAB_TASK_EXITED)
			continue;
		only = &c->now->records[i];
		nr++;
	}
	if (!nr) {
		builder_lock_at(c->builder, lock)->unseen =
			true; /* has ended: may be collected now */
	} else if (nr == 1) {
		builder_hold(c->builder, builder_task(c->builder, only), lock, LAB_HOLD_TARGET,
			     LAB_EXCLUSIVE, true, 1);
	} else {
		/* Any thread can end them all. */
		snprintf(key, sizeof(key), "process:%u", child->tgid);
		snprintf(what, sizeof(what), "the threads of process %u", child->tgid);
		group = builder_group(c->builder, key, what,
				      descriptor_uses_io_uring(c, child->tgid));
		descriptor_add_process(c, group, child->tgid);
		builder_lock_at(c->builder, lock)->wakers = group;
	}
	return lock;
}

/* Somebody @tgid traces: wait4() reports each of its stops, whoever's child it is. */
static bool is_tracer(struct look_context *c, u32 tgid)
{
	for (u32 i = 0; i < c->now->nr; i++) {
		const struct lab_task_record *r = &c->now->records[i];
		char path[64], text[8192];
		const char *field;

		if (!(r->flags & LAB_TASK_PTRACED))
			continue;
		snprintf(path, sizeof(path), "/proc/%u/task/%u/status", r->tgid, r->tid);
		if (descriptor_read_text(path, text, sizeof(text)) < 0)
			return true;
		field = descriptor_field(text, "TracerPid");
		if (field && strtoul(field, NULL, 10) == tgid)
			return true;
	}
	return false;
}

struct children_asked {
	s64 pid; /* > 0 this one, 0 all, < 0 process group -pid */
	bool own_group;
};

static void wait_children(struct look_context *c, const struct lab_task_record *r, struct waits *w,
			  const struct children_asked *asked)
{
	struct descriptors *d = descriptors_of(c);
	u32 low = 0, high = d->nr_children;

	w->any = true;
	/* The first process of a PID namespace inherits all its orphans: children it does not have
	 * yet. */
	if (!c->now->whole || r->ns_tgid == 1 || is_tracer(c, r->tgid))
		return;
	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (d->children[middle]->ppid < r->tgid)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < d->nr_children && d->children[low]->ppid == r->tgid; low++) {
		const struct lab_task_record *child = d->children[low];

		if (asked->pid > 0 && !is_called(r, child, (u32)asked->pid))
			continue;
		if (asked->pid < 0 && getpgid((pid_t)child->tgid) != -asked->pid)
			continue;
		if (asked->own_group && getpgid((pid_t)child->tgid) != getpgid((pid_t)r->tgid))
			continue;
		if (!descriptor_wants(c, w, child_lock(c, child))) {
			w->nr = 0;
			return;
		}
	}
}

void descriptor_wait4(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	s32 pid = (s32)r->args[0];
	struct children_asked asked = { .pid = pid == -1 ? 0 : pid, .own_group = !pid };

	/* A process group has another number in another namespace. */
	if (pid < -1 && r->ns_tgid != r->tgid)
		return;
	wait_children(c, r, w, &asked);
}

void descriptor_waitid(struct look_context *c, const struct lab_task_record *r, struct waits *w)
{
	struct children_asked asked = { 0 };
	char text[1024];
	const char *field;

	if (!(r->args[3] & WEXITED))
		return;
	switch (r->args[0]) {
	case P_ALL:
		break;
	case P_PID:
		asked.pid = (s32)r->args[1];
		break;
	case P_PGID:
		if (r->args[1] && r->ns_tgid != r->tgid)
			return;
		asked.pid = -(s64)(s32)r->args[1];
		asked.own_group = !asked.pid;
		break;
	case 3: /* P_PIDFD */
		if (descriptor_read_fdinfo(c, r->tgid, r->tid, (s32)r->args[1], text,
					   sizeof(text)) < 0)
			return;
		/* In the numbers of the /proc that is read: ours. */
		field = descriptor_field(text, "Pid");
		asked.pid = field ? strtol(field, NULL, 10) : 0;
		if (asked.pid <= 0 || r->ns_tgid != r->tgid)
			return;
		break;
	default:
		return;
	}
	wait_children(c, r, w, &asked);
}
