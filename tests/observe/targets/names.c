// SPDX-License-Identifier: GPL-2.0
/*
 * names - locks in every place where programs keep them
 *
 * Usage: names [PLUGIN]. Prints "=NAME ADDRESS" for each lock, TID of a thread as "NAME TID"; then
 * sleeps.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <threads.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

struct entry {
	long key;
	pthread_mutex_t lock;
	char value[20];
};

struct table {
	char name[8];
	struct {
		int size;
		struct entry bucket[20];
	} part;
	union {
		sem_t semaphore;
		long words[8];
	};
	pthread_rwlock_t *indirect;
	pthread_cond_t changed[2][3];
};

typedef struct table table_t;

pthread_mutex_t A = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t B;
static struct entry pool;
static struct entry queue[5];
static table_t tables[3];
static mtx_t c11;
static const struct entry *heap_pool;
static struct table *heap_tables[4];
static pthread_rwlock_t *bare;
static void *opaque;
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static volatile int sink;

static void lock_at(const char *name, const void *address)
{
	printf("=%s %p\n", name, address);
}

static NOINLINE pthread_mutex_t *function_static(void)
{
	static pthread_mutex_t once;
	static struct entry counted[2];

	lock_at("once in function_static()", &once);
	lock_at("counted[1].lock in function_static()", &counted[1].lock);
	return &once;
}

static NOINLINE void use_local(struct entry *e)
{
	pthread_mutex_lock(&gate);
	sink += e->key;
}

static NOINLINE void use_heap(struct entry *borrowed)
{
	pthread_mutex_lock(&gate);
	sink += borrowed->key;
	use_local(borrowed);
}

static void *worker(void *arg)
{
	struct entry mine[2];
	char text[100];

	memset(mine, 0, sizeof(mine));
	printf("worker %ld\n", syscall(SYS_gettid));
	snprintf(text, sizeof(text), "mine[1].lock in worker() of tid %ld", syscall(SYS_gettid));
	lock_at(text, &mine[1].lock);
	fflush(stdout);
	use_local(&mine[1]);
	sink += mine[0].key;
	return NULL;
}

static void *borrower(void *arg)
{
	struct entry *e = calloc(1, sizeof(*e));
	char text[100];

	printf("borrower %ld\n", syscall(SYS_gettid));
	snprintf(text, sizeof(text), "borrowed->lock in use_heap() of tid %ld",
		 syscall(SYS_gettid));
	lock_at(text, &e->lock);
	fflush(stdout);
	use_heap(e);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[2];
	struct entry *e;
	void *unknown = malloc(100), *shared, *plugin;
	int fd, i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	heap_pool = malloc(sizeof(*heap_pool));
	for (i = 0; i < 4; i++)
		heap_tables[i] = malloc(sizeof(struct table));
	bare = malloc(sizeof(*bare));
	opaque = malloc(200);
	lock_at("A", &A);
	lock_at("B", &B);
	lock_at("pool.lock", &pool.lock);
	lock_at("queue[3].lock", &queue[3].lock);
	lock_at("queue[0].lock", (char *)&queue[0].lock + 4);
	lock_at("tables[2].part.bucket[17].lock", &tables[2].part.bucket[17].lock);
	lock_at("tables[1].semaphore", &tables[1].semaphore);
	lock_at("tables[0].changed[1][2]", &tables[0].changed[1][2]);
	lock_at("tables[0].changed[1][2]", (char *)&tables[0].changed[1][2] + 0x28);
	lock_at("c11", &c11);
	lock_at("heap_pool->lock", &heap_pool->lock);
	lock_at("heap_tables[3]->part.bucket[1].lock", &heap_tables[3]->part.bucket[1].lock);
	lock_at("*bare", bare);
	lock_at("heap object", (char *)unknown + 32);
	lock_at("stdout", *(void **)((char *)stdout + offsetof(struct _IO_FILE, _lock)));
	function_static();
	if (argc > 1) {
		plugin = dlopen(argv[1], RTLD_NOW);
		if (!plugin)
			return 1;
		lock_at("plugin_lock", ((void *(*)(void))dlsym(plugin, "plugin_own"))());
	}
	fd = memfd_create("ring", 0);
	if (fd < 0 || ftruncate(fd, 8192))
		return 1;
	shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 4096);
	lock_at("memfd:ring+0x1040", (char *)shared + 64);

	e = calloc(1, sizeof(*e));
	sink += e->key;
	pthread_mutex_lock(&gate);
	pthread_create(&threads[0], NULL, worker, NULL);
	pthread_create(&threads[1], NULL, borrower, NULL);
	printf("main %ld\n", syscall(SYS_gettid));
	fflush(stdout);
	pthread_join(threads[0], NULL);
	return sink + function_static()->__data.__lock + (opaque != NULL);
}
