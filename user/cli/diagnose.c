// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * locklab diagnose - one look at running (or hung) processes
 */
#include <errno.h>
#include <getopt.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "report/report.h"

#define MAX_PID	   4194304ul
#define MAX_STACKS 100000ul

enum face {
	FACE_TEXT,
	FACE_JSON,
	FACE_DOT,
	FACE_SVG
};

struct diagnose {
	struct look_options look;
	u32 *tgids;
	enum face face;
	const char *output;
	double timeout_seconds;
	enum cli_color color;
	bool verbose;
	struct report_style style;
};

static const char usage[] =
	"Usage: locklab diagnose [OPTION...] PID...\n"
	"       locklab diagnose [OPTION...] --all\n"
	"\n"
	"One look at running (or hung) processes: who waits for whom, what is wrong, and the evidence.\n"
	"Nothing is stopped, attached or slowed.\n"
	"\n"
	"  -a, --all              every process that you may look at\n"
	"  -j, --json             one JSON document\n"
	"  -d, --dot              the wait-for graph, for Graphviz\n"
	"  -s, --svg              the same as a picture (needs Graphviz)\n"
	"  -o, --output FILE      write there instead of to standard output\n"
	"      --stacks N         at most N stacks a finding (16)\n"
	"      --no-stacks        no stacks\n"
	"      --no-held          do not search memory for locks that are held but not waited for\n"
	"      --source SOURCE    bpf (needs root) or proc; without it bpf where it can be had\n"
	"      --timeout SECONDS  give up after so long (10)\n"
	"      --color WHEN       auto, always or never (auto: on a terminal, without NO_COLOR)\n"
	"  -v, --verbose          list every task; say how the look was done and what it took\n"
	"  -h, --help             this\n"
	"\n"
	"Exit status: 0 nothing wrong (near-misses are reported), 1 something found, 2 wrong usage,\n"
	"3 could not look or could not tell.\n";

enum {
	OPTION_STACKS = 256,
	OPTION_NO_STACKS,
	OPTION_NO_HELD,
	OPTION_SOURCE,
	OPTION_TIMEOUT,
	OPTION_COLOR,
};

static const struct option options[] = {
	{ "all", no_argument, NULL, 'a' },
	{ "json", no_argument, NULL, 'j' },
	{ "dot", no_argument, NULL, 'd' },
	{ "svg", no_argument, NULL, 's' },
	{ "output", required_argument, NULL, 'o' },
	{ "stacks", required_argument, NULL, OPTION_STACKS },
	{ "no-stacks", no_argument, NULL, OPTION_NO_STACKS },
	{ "no-held", no_argument, NULL, OPTION_NO_HELD },
	{ "source", required_argument, NULL, OPTION_SOURCE },
	{ "timeout", required_argument, NULL, OPTION_TIMEOUT },
	{ "color", required_argument, NULL, OPTION_COLOR },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

/* Return: -1 to go on, or the exit status. */
static int parse_option(struct diagnose *d, int c, int argc, char **argv)
{
	unsigned long number;

	switch (c) {
	case 'a':
		d->look.all = true;
		return -1;
	case 'j':
		d->face = FACE_JSON;
		return -1;
	case 'd':
		d->face = FACE_DOT;
		return -1;
	case 's':
		d->face = FACE_SVG;
		return -1;
	case 'o':
		d->output = optarg;
		return -1;
	case OPTION_STACKS:
		if (!cli_number(optarg, MAX_STACKS, &number))
			return cli_usage("diagnose", "--stacks %s: wants a number from 1 to %lu",
					 optarg, MAX_STACKS);
		d->look.max_stacks = (u32)number;
		return -1;
	case OPTION_NO_STACKS:
		d->look.stacks = false;
		return -1;
	case OPTION_NO_HELD:
		d->look.held = false;
		return -1;
	case OPTION_SOURCE:
		if (!strcmp(optarg, "bpf"))
			d->look.source = LOOK_BPF;
		else if (!strcmp(optarg, "proc"))
			d->look.source = LOOK_PROC;
		else
			return cli_usage("diagnose", "--source %s: there are bpf and proc", optarg);
		return -1;
	case OPTION_TIMEOUT:
		if (!cli_seconds(optarg, &d->timeout_seconds))
			return cli_usage("diagnose", "--timeout %s: wants seconds, as in 2.5",
					 optarg);
		return -1;
	case OPTION_COLOR:
		if (!cli_parse_color(optarg, &d->color))
			return cli_usage("diagnose", "--color %s: there are auto, always and never",
					 optarg);
		return -1;
	case 'v':
		d->verbose = true;
		return -1;
	case 'h':
		fputs(usage, stdout);
		return 0;
	default:
		return cli_bad_option("diagnose", argc, argv, c);
	}
}

static int parse_pids(struct diagnose *d, int nr, char **words)
{
	if (d->look.all && nr)
		return cli_usage("diagnose", "--all and PIDs: one of the two");
	if (!d->look.all && !nr)
		return cli_usage("diagnose", "which process? 'locklab diagnose PID', or --all");
	d->tgids = calloc((size_t)nr + 1, sizeof(*d->tgids));
	if (!d->tgids)
		return cli_unable("diagnose", "out of memory");
	for (int i = 0; i < nr; i++) {
		unsigned long pid;

		if (!cli_number(words[i], MAX_PID, &pid))
			return cli_usage("diagnose",
					 "'%s' is no process ID: wants a number from 1 to %lu",
					 words[i], MAX_PID);
		d->tgids[d->look.nr_tgids++] = (u32)pid;
	}
	d->look.tgids = d->tgids;
	return -1;
}

/* The graph through Graphviz. Return: 0, or -1 with one line said. */
static int draw(const struct lab_picture *picture, FILE *out, FILE *err)
{
	static char program[] = "dot", format[] = "-Tsvg";
	char *const arguments[] = { program, format, NULL };
	posix_spawn_file_actions_t actions;
	int fd = memfd_create("locklab-dot", MFD_CLOEXEC);
	FILE *graph = fd >= 0 ? fdopen(fd, "w") : NULL;
	int status = -1;
	pid_t pid;

	if (!graph) {
		fprintf(err, "locklab diagnose: no memory for the graph\n");
		return -1;
	}
	report_dot(graph, picture);
	fflush(graph);
	lseek(fd, 0, SEEK_SET);
	fflush(out);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(out), 1);
	errno = posix_spawnp(&pid, program, &actions, NULL, arguments, environ);
	if (errno)
		fprintf(err,
			"locklab diagnose: --svg needs Graphviz's 'dot' (%s): install graphviz, or use --dot\n",
			strerror(errno));
	else if (waitpid(pid, &status, 0) != pid || status)
		fprintf(err,
			"locklab diagnose: Graphviz's 'dot' could not draw the graph: --dot shows it as text\n");
	posix_spawn_file_actions_destroy(&actions);
	fclose(graph);
	return status ? -1 : 0;
}

static void say_timing(const struct look *look, FILE *err)
{
	const struct look_timing *t = look_timing(look);

	fprintf(err,
		"locklab diagnose: source %s; passes %.1f %.1f %.1f ms, judged %.1f ms, held %.1f ms, stacks %.1f ms\n",
		look_source(look) == SNAPSHOT_BPF ? "bpf" : "proc", (double)t->snapshot_ns[0] / 1e6,
		(double)t->snapshot_ns[1] / 1e6, (double)t->snapshot_ns[2] / 1e6,
		(double)t->judge_ns / 1e6, (double)t->held_ns / 1e6, (double)t->stacks_ns / 1e6);
}

static int show(const struct diagnose *d, const struct lab_picture *picture, FILE *out, FILE *err)
{
	switch (d->face) {
	case FACE_TEXT:
		report_text(out, picture, &d->style);
		return 0;
	case FACE_JSON:
		return report_json(out, picture, false);
	case FACE_DOT:
		report_dot(out, picture);
		return 0;
	default:
		return draw(picture, out, err);
	}
}

static int body(void *argument, struct look_progress *progress, FILE *out, FILE *err)
{
	const struct lab_picture *picture;
	struct diagnose *d = argument;
	char why[256] = "";
	struct look *look;
	int status = CLI_UNABLE;
	int error;

	d->look.progress = progress;
	d->look.patience_ns = (u64)(d->timeout_seconds * 1e9 / 5);
	look = look_open(&d->look, why, sizeof(why));
	if (!look) {
		fprintf(err, "locklab diagnose: %s\n", why);
		return CLI_UNABLE;
	}
	error = look_once(look, &picture, why, sizeof(why));
	if (error)
		fprintf(err, "locklab diagnose: %s\n", why[0] ? why : strerror(-error));
	else if (!show(d, picture, out, err))
		status = picture->verdict == LAB_FOUND	      ? CLI_FOUND
			 : picture->verdict == LAB_NONE_WRONG ? CLI_NOTHING_WRONG
							      : CLI_UNABLE;
	if (!error && d->verbose)
		say_timing(look, err);
	look_close(look);
	return status;
}

/* What a failed look leaves of an older FILE is all of it. */
static int save(const char *path, FILE *report)
{
	FILE *file;
	int c, error;

	rewind(report);
	c = getc(report);
	if (c == EOF)
		return 0;
	file = fopen(path, "we");
	if (!file)
		return cli_unable("diagnose", "%s: %s", path, strerror(errno));
	for (; c != EOF; c = getc(report))
		putc(c, file);
	error = ferror(file) ? EIO : 0;
	if (fclose(file))
		error = errno;
	return error ? cli_unable("diagnose", "%s: %s", path, strerror(error)) : 0;
}

static int run(struct diagnose *d)
{
	struct supervised s = {
		.body = body,
		.argument = d,
		.timeout_seconds = d->timeout_seconds,
		.verb = "diagnose",
	};
	FILE *report;
	int status;

	d->style.color = cli_use_color(d->color, d->output ? -1 : STDOUT_FILENO);
	d->style.width = d->output ? 0 : cli_width(STDOUT_FILENO);
	d->style.all_tasks = d->verbose;
	if (!d->output)
		return cli_supervise(&s, stdout);
	report = tmpfile();
	if (!report)
		return cli_unable("diagnose", "no temporary file: %s", strerror(errno));
	status = cli_supervise(&s, report);
	if (save(d->output, report))
		status = CLI_UNABLE;
	fclose(report);
	return status;
}

int cmd_diagnose(int argc, char **argv)
{
	struct diagnose d = {
		.look = { .stacks = true, .held = true },
		.timeout_seconds = 10,
	};
	int status = -1;
	int c;

	optind = 1;
	opterr = 0;
	while (status < 0 && (c = getopt_long(argc, argv, ":ajdso:vh", options, NULL)) >= 0)
		status = parse_option(&d, c, argc, argv);
	if (status < 0)
		status = parse_pids(&d, argc - optind, argv + optind);
	if (status < 0)
		status = run(&d);
	free(d.tgids);
	return status;
}
