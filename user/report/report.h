/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * report - a picture, shown
 */
#ifndef LOCKLAB_REPORT_REPORT_H
#define LOCKLAB_REPORT_REPORT_H

#include <stdio.h>

#include "core/model.h"

struct report_style {
	bool color;
	bool all_tasks; /* list every task, not only those in trouble */
	unsigned int width; /* columns of the terminal, 0: 80 */
};

/*
 * All but JSON and DOT (always UTF-8) follow the locale's character set: call setlocale(LC_CTYPE,
 * "") first, or non-ASCII characters come out as \xNN and lines are drawn in ASCII.
 */

void report_text(FILE *out, const struct lab_picture *picture, const struct report_style *style);
void report_dot(FILE *out, const struct lab_picture *picture);
int report_json(FILE *out, const struct lab_picture *picture, bool one_line); /* 0 or -errno */

/*
 * One short line on a finding, its newline included: "deadlock (proven): 12 (a) -> A -> 13 (b) -> B
 * -> 12".
 */
void report_line(FILE *out, const struct lab_picture *picture, const struct lab_finding *finding);

/*
 * Sentences, shared by all faces. What a target chose is made safe in them, so they are printable
 * UTF-8; on a terminal that may take ASCII only, pass them to report_escape(). Return: @buffer,
 * NUL-terminated, ending in "..." if it is too small.
 */
const char *evidence_condition(const struct lab_picture *p, const struct lab_finding *f,
			       enum lab_coffman c, char *buffer, size_t size);
const char *evidence_remedy(const struct lab_picture *p, const struct lab_finding *f, char *buffer,
			    size_t size);

/*
 * A string that a target chose, made safe for a terminal: control characters and broken UTF-8 as
 * \xNN.
 */
void report_escape(FILE *out, const char *s);

#endif
