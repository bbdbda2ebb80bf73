/* SPDX-License-Identifier: GPL-2.0 */
/*
 * zoo - start programs of tests/hang, healthy and hostile, know by /proc alone what became of them,
 * and run locklab on them
 */
#ifndef LOCKLAB_TESTS_CLI_ZOO_H
#define LOCKLAB_TESTS_CLI_ZOO_H

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ZOO_NOBODY    65534 /* an unprivileged user */
#define ZOO_MOST_ARGS 16

struct zoo_thread {
	pid_t tgid, tid, ppid;
	char comm[16];
	char state;
	uint64_t switches; /* voluntary and involuntary */
	uint64_t user_ticks; /* user CPU time */
	int tracer;
};

/* All threads of a process and of its descendants, by (tgid, tid). */
struct zoo_tree {
	struct zoo_thread *threads;
	size_t nr, capacity;
};

struct zoo {
	pid_t pid;
	uid_t uid;
	int errors; /* read end of its stderr */
	struct zoo_tree tree; /* when it was found hung */
};

enum zoo_outcome {
	ZOO_READY,
	ZOO_LACKS, /* it says that the machine lacks something: zoo_reason() */
	ZOO_FAILED, /* it ended, or did not get there: zoo_reason() */
};

/**
 * zoo_start() - start a program
 * @program: a path, or "hang/NAME": one of ours, as built
 * @args: its arguments, separated by blanks; NULL none
 * @uid: whom it runs as; 0: as we do
 *
 * It dies with the calling thread. Return: 0 or -errno.
 */
int zoo_start(struct zoo *z, const char *program, const char *args, uid_t uid);

/**
 * zoo_wait_hung() - wait until nobody in it will run again by itself
 * @names: threads (by name, separated by blanks) that must exist
 * @spinners: those of them that spin instead of sleeping: each must have used 50 ms of CPU in user
 * mode since its last voluntary
 *            switch was seen; NULL none
 *
 * Two passes in which each thread sleeps and has the same switch count prove that all slept at once
 * between them; nobody inside was left to wake anybody then.
 */
enum zoo_outcome zoo_wait_hung(struct zoo *z, const char *names, const char *spinners);

/* Waits only until threads of these names exist: for programs that stay alive. */
enum zoo_outcome zoo_wait_alive(struct zoo *z, const char *names);

void zoo_stop(struct zoo *z); /* kills it and its descendants, reaps it */
const char *zoo_reason(void);

int zoo_tree_take(struct zoo_tree *tree, pid_t root);
void zoo_tree_free(struct zoo_tree *tree);
const struct zoo_thread *zoo_by_name(const struct zoo_tree *tree, const char *name, size_t len);
const struct zoo_thread *zoo_by_tid(const struct zoo_tree *tree, pid_t tid);

/* Next word of a list separated by blanks. Return: false at its end. */
bool zoo_word(const char **list, const char **word, size_t *len);

/*
 * Is @value one of the alternatives "a|b|c" (len bytes of them)? "*" matches everything, NULL too.
 */
bool zoo_matches(const char *value, const char *alternatives, size_t len);

struct zoo_run {
	int status; /* exit status; 128 + signal; -1: the watchdog ended it */
	char *out, *err;
	size_t out_len, err_len;
	double seconds;
};

/* Path of the command under test. */
const char *zoo_locklab(void);
/* Path below the build's output directory, in @buffer. */
const char *zoo_output_path(const char *below, char *buffer, size_t size);

/* Runs a command to its end, or to that of its time. */
void zoo_run(struct zoo_run *r, char *const *argv, uid_t uid, unsigned int seconds);
void zoo_run_free(struct zoo_run *r);

/* locklab diagnose OPTIONS PID...: all processes of the tree. */
void zoo_diagnose(struct zoo_run *r, const struct zoo_tree *tree, const char *options, uid_t uid,
		  unsigned int seconds);

/* Complaints: "# ..." lines on stdout, counted. */
void zoo_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned int zoo_complaints(void);

/* What the look must not have changed. */
void zoo_check_untouched(const struct zoo_tree *before, pid_t root, const char *spinners);
/* No control bytes but newline, no broken UTF-8. */
void zoo_check_clean(const char *what, const char *text, size_t len);
/*
 * Every finding, task and lock of the document is what DESIGN.md says: keys, types, references,
 * four conditions.
 */
void zoo_check_document(const json_t *doc);

#endif
