// SPDX-License-Identifier: GPL-2.0
/*
 * names [KIND] - where the locks lie. KIND: nested (default): deep in a static structure; heap: in
 * objects that only pointers lead to; stack: in main's frame
 */
#include "stage.h"

struct vault {
	long gold;
	pthread_mutex_t lock;
};

struct branch {
	char name[16];
	struct vault vaults[3];
};

struct company {
	int nr_branches;
	struct branch branches[4];
};

static struct company company;
static struct vault *north, *south;
static struct meeting both;

struct pair {
	const char *name;
	struct vault *from, *to;
};

static void *mover(void *arg)
{
	struct pair *p = arg;

	role(p->name);
	pthread_mutex_lock(&p->from->lock);
	p->from->gold--;
	meet(&both);
	pthread_mutex_lock(&p->to->lock); /* stuck in mover */
	p->to->gold++;
	pthread_mutex_unlock(&p->to->lock);
	pthread_mutex_unlock(&p->from->lock);
	return NULL;
}

static struct vault *new_vault(void)
{
	struct vault *v = calloc(1, sizeof(*v));

	if (!v)
		stage_fail("calloc", ENOMEM);
	must(pthread_mutex_init(&v->lock, NULL));
	return v;
}

int main(int argc, char **argv)
{
	struct vault local[2] = { { .lock = PTHREAD_MUTEX_INITIALIZER },
				  { .lock = PTHREAD_MUTEX_INITIALIZER } };
	struct vault *a = &company.branches[2].vaults[1], *b = &company.branches[3].vaults[0];
	struct pair there, back;
	pthread_t thread;

	stage_enter();
	meeting_init(&both, 2);
	if (is_kind(argc, argv, "heap")) {
		a = north = new_vault();
		b = south = new_vault();
	} else if (is_kind(argc, argv, "stack")) {
		a = &local[0];
		b = &local[1];
	}
	there = (struct pair){ "there", a, b };
	back = (struct pair){ "back", b, a };
	thread = start(mover, &there);
	start(mover, &back);
	pthread_join(thread, NULL); /* stuck in main */
	return 0;
}
