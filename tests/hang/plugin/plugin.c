// SPDX-License-Identifier: GPL-2.0
/* The library of tests/hang/plugin.c. */
#include "../stage.h"

static struct codec {
	long frames;
	pthread_mutex_t lock;
} encoder = { .lock = PTHREAD_MUTEX_INITIALIZER }, decoder = { .lock = PTHREAD_MUTEX_INITIALIZER };

void plugin_encode(void (*meet_both)(void));
void plugin_decode(void (*meet_both)(void));

void plugin_encode(void (*meet_both)(void))
{
	role("encode");
	pthread_mutex_lock(&encoder.lock);
	meet_both();
	pthread_mutex_lock(&decoder.lock); /* stuck in plugin_encode */
	decoder.frames++;
	pthread_mutex_unlock(&decoder.lock);
	pthread_mutex_unlock(&encoder.lock);
}

void plugin_decode(void (*meet_both)(void))
{
	role("decode");
	pthread_mutex_lock(&decoder.lock);
	meet_both();
	pthread_mutex_lock(&encoder.lock); /* stuck in plugin_decode */
	encoder.frames++;
	pthread_mutex_unlock(&encoder.lock);
	pthread_mutex_unlock(&decoder.lock);
}
