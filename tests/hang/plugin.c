// SPDX-License-Identifier: GPL-2.0
/*
 * plugin - the locks and the code that takes them live in a library that is loaded at run time
 * (plugin.so beside it)
 */
#include <dlfcn.h>
#include <libgen.h>

#include "stage.h"

static struct meeting both;

static void meet_both(void)
{
	meet(&both);
}

static void *play(void *arg)
{
	void (*entry)(void (*)(void)) = (void (*)(void (*)(void)))arg;

	entry(meet_both);
	return NULL;
}

int main(void)
{
	char self[4096] = "", path[4200];
	pthread_t thread;
	void *library;

	stage_enter();
	meeting_init(&both, 2);
	must_not_fail(readlink("/proc/self/exe", self, sizeof(self) - 1));
	snprintf(path, sizeof(path), "%s/plugin.so", dirname(self));
	library = dlopen(path, RTLD_NOW);
	if (!library)
		stage_fail(dlerror(), ENOENT);
	thread = start(play, dlsym(library, "plugin_encode"));
	start(play, dlsym(library, "plugin_decode"));
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
