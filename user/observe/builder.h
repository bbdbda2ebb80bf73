/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * builder - collects what the sources see into one lab_picture
 *
 * Everything is idempotent: asking twice for the same task or lock gives the same index. Strings
 * are copied.
 */
#ifndef LOCKLAB_OBSERVE_BUILDER_H
#define LOCKLAB_OBSERVE_BUILDER_H

#include "core/model.h"
#include "uapi/snapshot.h"

struct builder;

struct lab_lock_id {
	enum lab_space space;
	u64 a, b;
	u64 address;
};

struct builder *builder_new(void);
void builder_free(struct builder *b); /* and the picture with it */

/* @record must outlive it */
u32 builder_task(struct builder *b, const struct lab_task_record *record);
u32 builder_nr_tasks(const struct builder *b);
/* NULL: gone */
const struct lab_task_record *builder_record(const struct builder *b, u32 task);
/* by tid as the looker sees it; LAB_NONE if unknown */
u32 builder_find_task(const struct builder *b, u32 tid);
/* an owner that does not exist any more */
u32 builder_gone_task(struct builder *b, u32 tgid, u32 tid);
u32 builder_lock(struct builder *b, const struct lab_lock_id *id, enum lab_lock_kind kind,
		 u32 attrs);
u32 builder_find_group(const struct builder *b, const char *key); /* LAB_NONE: not made yet */
/* same key: same group */
u32 builder_group(struct builder *b, const char *key, const char *what, bool doubtful);
void builder_member(struct builder *b, u32 group, u32 task);
void builder_wait(struct builder *b, u32 task, u32 lock, enum lab_access access);
void builder_hold(struct builder *b, u32 task, u32 lock, enum lab_hold_source source,
		  enum lab_access access, bool steady, u32 depth);
void builder_not_seen(struct builder *b, bool blind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
const char *builder_string(struct builder *b, const char *s); /* kept as long as the picture */
void *builder_alloc(struct builder *b, size_t bytes); /* zeroed, likewise */

/* Valid until the next call that adds one. */
struct lab_task *builder_task_at(struct builder *b, u32 task);
struct lab_lock *builder_lock_at(struct builder *b, u32 lock);

/*
 * Sorts, indexes, judges. Return: the picture, owned by the builder; NULL without memory. May be
 * called again after more was added; the tasks and locks of the picture are the builder's own, so
 * that what is set in them through builder_task_at() shows.
 */
struct lab_picture *builder_finish(struct builder *b);

#endif
