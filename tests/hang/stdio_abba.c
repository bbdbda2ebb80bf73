// SPDX-License-Identifier: GPL-2.0
/* stdio_abba - two threads hold a stream each (flockfile) and write to the other's */
#include "stage.h"

static struct meeting both;

static void *reporter(void *arg)
{
	role("reporter");
	flockfile(stdout);
	meet(&both);
	fputs("report done\n", stderr); /* stuck in reporter */
	funlockfile(stdout);
	return arg;
}

static void *complainer(void *arg)
{
	role("complainer");
	flockfile(stderr);
	meet(&both);
	fputs("something is wrong\n", stdout); /* stuck in complainer */
	funlockfile(stderr);
	return arg;
}

int main(void)
{
	pthread_t thread;

	stage_enter();
	meeting_init(&both, 2);
	thread = start(reporter, NULL);
	start(complainer, NULL);
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
