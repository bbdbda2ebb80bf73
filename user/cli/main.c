// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * locklab - the Linux concurrency lab
 */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
} verbs[] = {
	{ "diagnose", cmd_diagnose,
	  "one look at running (or hung) processes: who waits for whom, and what is wrong" },
	{ "watch", cmd_watch,
	  "keep looking; report at once when something is wrong, contention at the end" },
};

#define NR_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static int help(void)
{
	puts("Usage: locklab VERB [OPTION...] [ARG...]\n"
	     "\n"
	     "Explains why a program hangs: any program, unmodified, even one that hung an hour ago.\n");
	for (size_t i = 0; i < NR_VERBS; i++)
		printf("  %-10s %s\n", verbs[i].name, verbs[i].what);
	puts("  help       this, or 'locklab help VERB'\n"
	     "\n"
	     "  --help     this; 'locklab VERB --help' for the verb's options\n"
	     "  --version  the version\n"
	     "\n"
	     "Exit status: 0 nothing wrong, 1 something found, 2 wrong usage, 3 could not look or could not tell.\n"
	     "Manual: man locklab");
	return 0;
}

static int run(const char *name, int argc, char **argv)
{
	for (size_t i = 0; i < NR_VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return verbs[i].run(argc, argv);
	return cli_usage("", "no verb '%s': 'locklab --help' lists them", name);
}

int main(int argc, char **argv)
{
	/* Only the character set: numbers are read and written with a point everywhere. */
	setlocale(LC_CTYPE, "");
	if (argc < 2)
		return cli_usage("",
				 "no verb given: try 'locklab diagnose PID', or 'locklab --help'");
	if (!strcmp(argv[1], "--version")) {
		puts("locklab " LOCKLAB_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help();
	if (!strcmp(argv[1], "help")) {
		static char ask[] = "--help";
		char *words[] = { argv[2], ask, NULL };

		return argc == 2 ? help() : run(argv[2], 2, words);
	}
	return run(argv[1], argc - 1, argv + 1);
}
