// SPDX-License-Identifier: GPL-2.0
/*
 * stacks - threads that sleep with a story to tell on their stacks; a line with "stuck: NAME" is
 * where NAME sleeps
 *
 * Usage: stacks [PLUGIN]. Prints "NAME TID" for each thread; all sleep on one mutex that main
 * holds.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static volatile int sink;
static void (*plugin_work)(pthread_mutex_t *lock);
static int empty_pipe[2];

/* Not a tail call, and with something on the stack of its own. */
static NOINLINE int descend(int levels)
{
	volatile char room[48];
	int result;

	room[levels % 48] = levels;
	if (levels <= 1)
		result = pthread_mutex_lock(&gate); /* stuck: deep */
	else
		result = descend(levels - 1); /* deeper */
	return result + room[levels % 48];
}

static inline __attribute__((always_inline)) void innermost(void)
{
	pthread_mutex_lock(&gate); /* stuck: inlined */
	sink++;
}

static inline __attribute__((always_inline)) void middle(void)
{
	sink++;
	innermost(); /* inlined: call of innermost */
	sink++;
}

static NOINLINE void outer(void)
{
	middle(); /* inlined: call of middle */
	sink++;
}

static void handler(int number)
{
	pthread_mutex_lock(&gate); /* stuck: handler */
	sink++;
}

static NOINLINE void interrupted(void)
{
	pthread_kill(pthread_self(), SIGUSR1); /* interrupted here */
	sink++;
}

static NOINLINE void interrupted_elsewhere(void)
{
	pthread_kill(pthread_self(), SIGUSR2); /* interrupted on another stack */
	sink++;
}

static NOINLINE void read_line(void)
{
	char line[64];
	FILE *f = fdopen(empty_pipe[0], "r");

	if (fgets(line, sizeof(line), f)) /* stuck: stdio */
		sink++;
}

/* A frame whose size is known at run time only: its CFA is kept in rbp. */
static NOINLINE void variable_frame(int size)
{
	char room[size];

	memset(room, size, size);
	__asm__ volatile(""
			 :
			 : "r"(room)
			 : "memory");
	pthread_mutex_lock(&gate); /* stuck: alloca */
	sink += room[size / 2];
}

/*
 * The last thing that a function that does not return does is a call: its return address is in the
 * next function.
 */
static NOINLINE __attribute__((noreturn)) void never_returns(void)
{
	pthread_mutex_lock(&gate); /* stuck: noreturn */
	abort();
}

static NOINLINE void calls_never_returns(void)
{
	never_returns(); /* call that does not return */
}

static void say(const char *name)
{
	printf("%s %ld\n", name, syscall(SYS_gettid));
	fflush(stdout);
}

static void *deep(void *arg)
{
	say("deep");
	sink += descend(30);
	return NULL;
}

static void *too_deep(void *arg)
{
	say("too_deep");
	sink += descend(200);
	return NULL;
}

static void *inlined(void *arg)
{
	say("inlined");
	outer();
	return NULL;
}

static void *on_signal(void *arg)
{
	say("handler");
	interrupted();
	return NULL;
}

static void *on_other_stack(void *arg)
{
	stack_t stack = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&stack, NULL);
	say("altstack");
	interrupted_elsewhere();
	return NULL;
}

static void *in_stdio(void *arg)
{
	say("stdio");
	read_line();
	return NULL;
}

static void *in_variable_frame(void *arg)
{
	say("alloca");
	variable_frame(100 + (arg != NULL));
	return NULL;
}

static void *in_noreturn(void *arg)
{
	say("noreturn");
	calls_never_returns();
	return NULL;
}

static void *in_plugin(void *arg)
{
	say("plugin");
	plugin_work(&gate);
	return NULL;
}

static void *reads_clock(void *arg)
{
	struct timespec t;

	say("clock");
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC, &t); /* in the vdso */
		sink = t.tv_nsec;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = handler };
	void *(*all[])(void *) = { deep, too_deep, inlined, on_signal,
				   on_other_stack, in_stdio, in_variable_frame, in_noreturn };
	pthread_t thread;
	size_t i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGUSR1, &action, NULL);
	action.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &action, NULL);
	if (pipe(empty_pipe))
		return 1;
	pthread_mutex_lock(&gate);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		pthread_create(&thread, NULL, all[i], NULL);
	if (argc > 1 && strcmp(argv[1], "clock")) {
		void *plugin = dlopen(argv[1], RTLD_NOW);

		if (!plugin)
			return 1;
		plugin_work = (void (*)(pthread_mutex_t *))dlsym(plugin, "plugin_work");
		pthread_create(&thread, NULL, in_plugin, NULL);
	}
	if (argc > 1 && !strcmp(argv[1], "clock"))
		pthread_create(&thread, NULL, reads_clock, NULL);
	say("main");
	pthread_join(thread, NULL); /* stuck: main */
	return 0;
}
