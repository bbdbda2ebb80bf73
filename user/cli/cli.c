// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * cli - what the verbs share
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "report/report.h"

/* The message may carry the user's words or a target's names: no control characters, one line. */
static void say(const char *verb, const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	fprintf(stderr, "locklab%s%s: ", *verb ? " " : "", verb);
	report_escape(stderr, text);
	fputc('\n', stderr);
}

int cli_usage(const char *verb, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(verb, format, args);
	va_end(args);
	return CLI_USAGE;
}

int cli_unable(const char *verb, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(verb, format, args);
	va_end(args);
	return CLI_UNABLE;
}

int cli_bad_option(const char *verb, int argc, char **argv, int c)
{
	/* optind is past a long option, but may still be at a cluster of short ones. */
	const char *word = optind > 0 && optind <= argc ? argv[optind - 1] : "";

	if (c == ':')
		return cli_usage(verb, "%s wants a value: 'locklab %s --help' says which", word,
				 verb);
	if (optopt && isprint(optopt) && strncmp(word, "--", 2))
		return cli_usage(verb, "no option -%c: 'locklab %s --help' lists them", optopt,
				 verb);
	return cli_usage(verb, "no option %s: 'locklab %s --help' lists them", word, verb);
}

bool cli_number(const char *text, unsigned long max, unsigned long *value)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*value = strtoul(text, &end, 10);
	return !errno && !*end && *value > 0 && *value <= max;
}

bool cli_seconds(const char *text, double *seconds)
{
	char *end;

	errno = 0;
	*seconds = strtod(text, &end);
	return !errno && end != text && !*end && isfinite(*seconds) && *seconds > 0 &&
	       *seconds < 1e7;
}

bool cli_parse_color(const char *text, enum cli_color *color)
{
	static const char *const names[] = { "auto", "always", "never" };

	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i])) {
			*color = (enum cli_color)i;
			return true;
		}
	return false;
}

bool cli_use_color(enum cli_color color, int fd)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	if (color != CLI_COLOR_AUTO)
		return color == CLI_COLOR_ALWAYS;
	return isatty(fd) && !(no_color && *no_color) && !(term && !strcmp(term, "dumb"));
}

unsigned int cli_width(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	unsigned long n;

	if (!ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		return size.ws_col;
	return columns && cli_number(columns, 1000, &n) ? (unsigned int)n : 0;
}
