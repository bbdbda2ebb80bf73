/* SPDX-License-Identifier: GPL-2.0 */
/*
 * scribble - pictures without sense, but with indices that are valid and names that no face would
 * wish for
 */
#ifndef LOCKLAB_TESTS_REPORT_SCRIBBLE_H
#define LOCKLAB_TESTS_REPORT_SCRIBBLE_H

#include "picture.h"

extern const char *const scribble_names[]; /* hostile strings, NULL at the end */

/* The same picture for the same seed. drawing_free() it. */
void scribble(struct drawing *d, u64 seed);

/* What a face shows of it; free() it. */
char *scribble_text(const struct drawing *d, unsigned int width, bool all_tasks, bool color);
char *scribble_json(const struct drawing *d, bool one_line);
char *scribble_dot(const struct drawing *d);
char *scribble_line(const struct drawing *d, u32 finding);

/* Only what may reach a terminal, and newlines. Return: NULL, or the first place that is not so. */
const char *scribble_unprintable(const char *s, bool utf8);

/* Return: columns of the longest line of a printable text. */
unsigned int scribble_widest(const char *s);

#endif
