// SPDX-License-Identifier: GPL-2.0
/*
 * dot_test - graphs that Graphviz takes, whatever the names in them, and that stay small enough to
 * be drawn
 */
#include <ctype.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "report/picture.h"
#include "report/scribble.h"

static bool have_graphviz(void)
{
	return !system("command -v dot >/dev/null 2>&1");
}

/* Runs @dot through "dot -Tsvg". Return: the picture, free() it; NULL if Graphviz did not like it.
 */
static char *draw(const char *dot)
{
	char in[] = "/tmp/locklab-dot-XXXXXX", command[128], *svg = NULL;
	size_t size = 0;
	FILE *pipe, *out;
	int c, fd = mkstemp(in);

	if (fd < 0)
		return NULL;
	if (write(fd, dot, strlen(dot)) != (ssize_t)strlen(dot))
		abort();
	close(fd);
	/* What it has to say (a warning, too) goes where a failure shows. */
	snprintf(command, sizeof(command), "dot -Tsvg %s 2>&1", in);
	pipe = popen(command, "r");
	out = open_memstream(&svg, &size);
	if (!pipe || !out)
		abort();
	while ((c = getc(pipe)) != EOF)
		putc(c, out);
	fclose(out);
	c = pclose(pipe);
	unlink(in);
	if (c) {
		fprintf(stderr, "# dot: %.200s\n", svg);
		free(svg);
		return NULL;
	}
	return svg;
}

static const char *skip_to(const char *s, const char *end)
{
	s = strstr(s, end);
	return s ? s + strlen(end) : NULL;
}

/*
 * One entity of XML's own five, or a character by its number. Return: behind it, NULL if it is
 * none.
 */
static const char *entity(const char *s)
{
	static const char *const names[] = { "&amp;", "&lt;", "&gt;", "&quot;", "&apos;" };
	size_t i;
	char *end;
	long code;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(s, names[i], strlen(names[i])))
			return s + strlen(names[i]);
	if (strncmp(s, "&#", 2))
		return NULL;
	code = s[2] == 'x' ? strtol(s + 3, &end, 16) : strtol(s + 2, &end, 10);
	return *end == ';' && (code >= 32 || code == '\n' || code == '\t') ? end + 1 : NULL;
}

/*
 * Well-formed as far as a target could break it: tags close in order, entities are XML's, no
 * control characters, < and & nowhere else. Return: NULL, or the first place that is not so.
 */
static const char *malformed(const char *s)
{
	const char *open[64], *next;
	size_t depth = 0, n;

	for (; *s; s = next) {
		next = s + 1;
		if ((unsigned char)*s < 32 && *s != '\n' && *s != '\t' && *s != '\r')
			return s;
		if (*s == '&') {
			next = entity(s);
			if (!next)
				return s;
		} else if (!strncmp(s, "<!--", 4)) {
			next = skip_to(s, "-->");
			if (!next)
				return s;
		} else if (s[0] == '<' && (s[1] == '?' || s[1] == '!')) {
			next = skip_to(s, ">");
			if (!next)
				return s;
		} else if (*s == '<') {
			const char *name = s + (s[1] == '/' ? 2 : 1);
			char quote = 0;

			for (n = 0; isalnum((unsigned char)name[n]); n++)
				;
			if (!n)
				return s;
			for (next = name; *next && (quote || *next != '>'); next++) {
				if (quote ? *next == quote : *next == '"' || *next == '\'')
					quote = quote ? 0 : *next;
				if (*next == '<' || (*next == '&' && !entity(next)))
					return next;
			}
			if (!*next)
				return s;
			if (s[1] == '/') {
				if (!depth || strncmp(open[depth - 1], name, n) ||
				    isalnum((unsigned char)open[depth - 1][n]))
					return s;
				depth--;
			} else if (next[-1] != '/') {
				if (depth == sizeof(open) / sizeof(open[0]))
					return s;
				open[depth++] = name;
			}
			next++;
		}
	}
	return depth ? open[depth - 1] : NULL;
}

TEST(checker_notices_what_is_malformed)
{
	EXPECT_EQ(NULL, malformed("<?xml?><!-- x --><a b=\"&lt;\"><c/>t &amp; &#233;</a>\n"));
	EXPECT_NE(NULL, malformed("<a><b></a></b>"));
	EXPECT_NE(NULL, malformed("<a>&nbsp;</a>"));
	EXPECT_NE(NULL, malformed("<a>& </a>"));
	EXPECT_NE(NULL, malformed("<a>\033</a>"));
	EXPECT_NE(NULL, malformed("<a>&#x1b;</a>"));
	EXPECT_NE(NULL, malformed("<a"));
	EXPECT_NE(NULL, malformed("<a>"));
	EXPECT_NE(NULL, malformed("<a b=\"<\"></a>"));
}

TEST(a_cycle_is_drawn_and_red)
{
	struct drawing d;
	char *dot;

	drawing_cycle(&d, 2, LAB_MUTEX, 1);
	dot = scribble_dot(&d);
	EXPECT_NE(NULL, strstr(dot, "\tt1 [shape=box, label=\"thread 4712 (worker) of 4711\\n"
				    "transfer() (bank.c:41)\", color="));
	EXPECT_NE(NULL, strstr(dot, "\tt1 -> l0 [label=\"waits for\", color="));
	EXPECT_NE(NULL, strstr(dot, "\tl0 -> t2 [label=\"held by\", color="));
	/* The one behind it is drawn, but not accused. */
	EXPECT_NE(NULL, strstr(dot, "\tt3 -> l0 [label=\"waits for\"];"));
	free(dot);
	drawing_free(&d);
}

TEST(a_crowd_is_one_node)
{
	struct drawing d;
	char *dot;

	drawing_cycle(&d, 2, LAB_MUTEX, 5000);
	dot = scribble_dot(&d);
	EXPECT_NE(NULL, strstr(dot, "label=\"2492 more tasks\""));
	EXPECT_GT(20000, strlen(dot));
	free(dot);
	drawing_free(&d);
	drawing_cycle(&d, 5000, LAB_MUTEX, 0);
	dot = scribble_dot(&d);
	EXPECT_GT(200000, strlen(dot));
	free(dot);
	drawing_free(&d);
}

TEST(graphviz_takes_hostile_names)
{
	struct drawing d;
	u32 i;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (!have_graphviz())
		SKIP(return, "no dot: Graphviz is not installed");
	for (i = 0; scribble_names[i]; i++) {
		const char *bad;
		char *dot, *svg;

		drawing_cycle(&d, 2, LAB_MUTEX, 1);
		d.p.tasks[1].comm = d.p.locks[0].symbol = scribble_names[i];
		dot = scribble_dot(&d);
		EXPECT_EQ(NULL, scribble_unprintable(dot, true) &&
						*scribble_unprintable(dot, true) != '\t'
					? dot
					: NULL);
		svg = draw(dot);
		ASSERT_NE(NULL, svg)
		{
			TH_LOG("name %u", i);
		}
		bad = malformed(svg);
		EXPECT_EQ(NULL, bad)
		{
			TH_LOG("name %u: %.60s", i, bad);
		}
		/* Nothing but the picture: no warnings of Graphviz before it. */
		EXPECT_EQ(0, strncmp(svg, "<?xml", 5))
		{
			TH_LOG("name %u: %.200s", i, svg);
		}
		free(svg);
		free(dot);
		drawing_free(&d);
	}
}

TEST(graphviz_takes_scribbles)
{
	u64 seed;

	setlocale(LC_CTYPE, "C.UTF-8");
	if (!have_graphviz())
		SKIP(return, "no dot: Graphviz is not installed");
	for (seed = 1; seed <= 20; seed++) {
		struct drawing d;
		char *dot, *svg;

		scribble(&d, seed);
		dot = scribble_dot(&d);
		svg = draw(dot);
		ASSERT_NE(NULL, svg)
		{
			TH_LOG("seed %llu", (unsigned long long)seed);
		}
		EXPECT_EQ(NULL, malformed(svg))
		{
			TH_LOG("seed %llu: %.60s", (unsigned long long)seed, malformed(svg));
		}
		free(svg);
		free(dot);
		drawing_free(&d);
	}
}

TEST_HARNESS_MAIN
