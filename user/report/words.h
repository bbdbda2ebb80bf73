/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * words - the phrases that all faces share: names of tasks, locks and places, made safe to show
 *
 * What a target chose (comm, symbol, path) enters a sentence only through words_name(): control
 * characters, bidi and zero-width marks and broken UTF-8 become \xNN there, so that a finished
 * sentence is printable UTF-8 whatever the target did.
 */
#ifndef LOCKLAB_REPORT_WORDS_H
#define LOCKLAB_REPORT_WORDS_H

#include "core/model.h"

/*
 * A sentence under construction, in a buffer of fixed size. What does not fit is cut at a character
 * and ends in "...".
 */
struct words {
	char *s;
	size_t size; /* of the buffer, with its NUL */
	size_t len;
	bool cut;
};

#define WORDS(name, bytes)         \
	char name##_buffer[bytes]; \
	struct words name;         \
	words_init(&name, name##_buffer, sizeof(name##_buffer))

/* Longest name of a target's that a sentence takes before it is elided in the middle, in columns.
 */
#define WORDS_NAME_COLUMNS 64

void words_init(struct words *w, char *buffer, size_t size);
void words_add(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
void words_name(struct words *w, const char *name);
void words_text(struct words *w, const char *text); /* however long */
void words_duration(struct words *w, s64 ns);

/* Before item @i of @n in a list: nothing, ", " or " and ". */
void words_join(struct words *w, u32 i, u32 n);

/**
 * words_next() - the next character of a string, made safe
 * @s: not at its end
 * @utf8: characters beyond ASCII may stay
 * @out: receives what to print instead, NUL-terminated
 * @columns: that a terminal needs for it
 *
 * Return: bytes of @s that it stands for.
 */
#define WORDS_CHAR 24
size_t words_next(const char *s, bool utf8, char out[WORDS_CHAR], unsigned int *columns);

/* Return: bytes of the valid UTF-8 character at @s, 0 if broken. @code receives it. */
size_t words_decode(const char *s, u32 *code);
bool words_is_unsafe(u32 code); /* must not reach a terminal as it is */
bool words_utf8(void); /* the locale's terminal takes UTF-8 */
unsigned int words_columns(const char *s); /* of a string that is safe already */

/* NULL if the index says "no such thing". */
const struct lab_task *words_task_at(const struct lab_picture *p, u32 task);
const struct lab_lock *words_lock_at(const struct lab_picture *p, u32 lock);
u32 words_finding_task(const struct lab_picture *p, const struct lab_finding *f, u32 i);
u32 words_finding_lock(const struct lab_picture *p, const struct lab_finding *f, u32 i);
u32 words_finding_victim(const struct lab_picture *p, const struct lab_finding *f, u32 i);

/* The lock that the @i-th task of a finding is stuck for; LAB_NONE if it waits for nothing known.
 */
u32 words_wait_of(const struct lab_picture *p, const struct lab_finding *f, u32 i);

bool words_holds(const struct lab_picture *p, u32 task, u32 lock);
bool words_waits(const struct lab_picture *p, u32 task, u32 lock);

/*
 * In a cycle, the lock that the @i-th task holds and the one before it waits for; LAB_NONE
 * otherwise, also if that one only waits for it to be served before (a reader behind a queued
 * writer, a member of a group of possible wakers).
 */
u32 words_hold_of(const struct lab_picture *p, const struct lab_finding *f, u32 i);

void words_task(struct words *w, const struct lab_picture *p, u32 task); /* "thread 4712 (audit)" */
void words_task_short(struct words *w, const struct lab_picture *p, u32 task); /* "4712 (audit)" */
void words_process(struct words *w, const struct lab_picture *p, u32 tgid); /* "bank (pid 4711)" */
void words_lock(struct words *w, const struct lab_picture *p, u32 lock); /* "mutex A" */
void words_lock_short(struct words *w, const struct lab_picture *p, u32 lock); /* "A" */
void words_lock_facts(struct words *w, const struct lab_picture *p,
		      u32 lock); /* address, type, word, owner */
const char *words_kind(enum lab_lock_kind kind); /* "condition variable" */
const char *words_gift(enum lab_lock_kind kind); /* what ends a wait on it: "a signal" */
bool words_is_exclusive(enum lab_lock_kind kind); /* something that is held by somebody */
const char *words_attr(u32 attr, bool for_people); /* of one bit; NULL none such */

/* Code of a C library or of a header's wrapper round it: never where a program's own fault lies. */
bool words_is_plumbing(const struct lab_frame *frame);
const struct lab_frame *
words_place(const struct lab_task *t); /* innermost that is not; NULL unknown */
void words_frame(struct words *w, const struct lab_frame *frame); /* "transfer() (bank.c:41)" */
bool words_where(struct words *w, const struct lab_picture *p,
		 u32 task); /* " in transfer() (bank.c:41)", or nothing */
const char *words_basename(const char *path);

/*
 * The line that says it all, without the certainty: "2 threads of bank (pid 4711) wait for each
 * other ...".
 */
void words_headline(struct words *w, const struct lab_picture *p, const struct lab_finding *f);

#endif
