// SPDX-License-Identifier: GPL-2.0
/* once_self - an initialiser that needs what it initialises */
#include "stage.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int limit;

static void load(void);

static __attribute__((noinline)) int get_limit(void)
{
	pthread_once(&once, load); /* stuck in get_limit */
	return limit;
}

static void load(void)
{
	limit = 10;
	if (get_limit() > 5)
		limit = 5;
}

int main(void)
{
	stage_enter();
	role("loader");
	return get_limit() != 5;
}
