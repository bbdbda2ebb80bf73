/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * cli - what the verbs share
 */
#ifndef LOCKLAB_CLI_CLI_H
#define LOCKLAB_CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "observe/look.h"

#ifndef LOCKLAB_VERSION
#define LOCKLAB_VERSION "0.1"
#endif

/* Exit status of every verb. */
enum cli_status {
	CLI_NOTHING_WRONG = 0,
	CLI_FOUND = 1,
	CLI_USAGE = 2, /* one line that says what is wrong and what is right */
	CLI_UNABLE = 3, /* could not look or could not tell */
};

int cmd_diagnose(int argc, char **argv);
int cmd_watch(int argc, char **argv);

/* One line on stderr, "locklab VERB: ...". Return: CLI_USAGE, CLI_UNABLE. */
int cli_usage(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_unable(const char *verb, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Says what getopt_long() (with an option string that begins with ':') did not like. Return:
 * CLI_USAGE.
 */
int cli_bad_option(const char *verb, int argc, char **argv, int c);

/* A positive number with nothing behind it. Return: false if it is not. */
bool cli_number(const char *text, unsigned long max, unsigned long *value);
bool cli_seconds(const char *text, double *seconds);

enum cli_color {
	CLI_COLOR_AUTO,
	CLI_COLOR_ALWAYS,
	CLI_COLOR_NEVER
};
bool cli_parse_color(const char *text, enum cli_color *color);

/* Colour only on a terminal, and never with NO_COLOR, unless asked for. */
bool cli_use_color(enum cli_color color, int fd);

/* Columns of the terminal, or COLUMNS; 0 unknown. */
unsigned int cli_width(int fd);

/**
 * struct supervised - a body that looks at hostile processes, to be run in a child that can be
 * abandoned
 * @body: runs in the child; what it prints to @out and @err is shown once it has come to its end.
 * Return: exit status
 * @timeout_seconds: for the whole, 0 none
 */
struct supervised {
	int (*body)(void *argument, struct look_progress *progress, FILE *out, FILE *err);
	void *argument;
	double timeout_seconds;
	const char *verb;
};

/**
 * cli_supervise() - run @s->body so that it can not hang with the process it looks at
 * @out: where its output goes
 *
 * A child that makes no step for a second while it looks at a process is killed and started again
 * without that process.
 *
 * Return: the body's exit status, or CLI_UNABLE with one line said.
 */
int cli_supervise(const struct supervised *s, FILE *out);

#endif
