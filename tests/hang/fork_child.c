// SPDX-License-Identifier: GPL-2.0
/*
 * fork_child - a process forks while another of its threads holds a lock; in the child that thread
 * does not exist
 */
#include "stage.h"

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static struct meeting both;

static void *logger(void *arg)
{
	role("logger");
	pthread_mutex_lock(&log_lock);
	meet(&both);
	for (;;)
		pause(); /* an uncommonly slow disk */
	return arg;
}

static __attribute__((noinline)) void log_line(const char *text)
{
	pthread_mutex_lock(&log_lock); /* stuck in log_line */
	fputs(text, stderr);
	pthread_mutex_unlock(&log_lock);
}

int main(void)
{
	pid_t pid;

	stage_enter();
	role("server");
	meeting_init(&both, 2);
	start(logger, NULL);
	meet(&both);
	pid = start_process("child");
	if (pid == 0) {
		log_line("child starts\n");
		_exit(0);
	}
	waitpid(pid, NULL, 0); /* stuck in main */
	return 0;
}
