// SPDX-License-Identifier: GPL-2.0
/*
 * rwlock [KIND] - a table and an index under reader/writer locks
 *
 * KIND: reader (default), writer, writer-nonrecursive: two writers, ABBA, with that preference
 *       mixed: one holds the table for writing and wants a mutex, whose holder wants to read the
 *       table
 *       recursion: a reader asks again while a writer waits (writers preferred)
 *       upgrade: a reader asks for the same lock for writing
 *       read-abba: each reads one and wants to write the other
 */
#include "stage.h"

static pthread_rwlock_t table, index_lock;
static pthread_mutex_t journal = PTHREAD_MUTEX_INITIALIZER;
static struct meeting both;
static pid_t writer_tid;
static long rows;

static void init_lock(pthread_rwlock_t *lock, const char *kind)
{
	pthread_rwlockattr_t attr;
	int preference = PTHREAD_RWLOCK_PREFER_READER_NP;

	if (!strcmp(kind, "writer"))
		preference = PTHREAD_RWLOCK_PREFER_WRITER_NP;
	if (!strcmp(kind, "writer-nonrecursive") || !strcmp(kind, "recursion"))
		preference = PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
	must(pthread_rwlockattr_init(&attr));
	must(pthread_rwlockattr_setkind_np(&attr, preference));
	must(pthread_rwlock_init(lock, &attr));
}

static void *inserter(void *arg)
{
	role("inserter");
	pthread_rwlock_wrlock(&table);
	rows++;
	meet(&both);
	pthread_rwlock_wrlock(&index_lock); /* stuck in inserter */
	pthread_rwlock_unlock(&index_lock);
	pthread_rwlock_unlock(&table);
	return arg;
}

static void *rebuilder(void *arg)
{
	role("rebuilder");
	pthread_rwlock_wrlock(&index_lock);
	meet(&both);
	pthread_rwlock_wrlock(&table); /* stuck in rebuilder */
	rows--;
	pthread_rwlock_unlock(&table);
	pthread_rwlock_unlock(&index_lock);
	return arg;
}

static void *logging_inserter(void *arg)
{
	role("inserter");
	pthread_rwlock_wrlock(&table);
	rows++;
	meet(&both);
	pthread_mutex_lock(&journal); /* stuck in logging_inserter */
	pthread_mutex_unlock(&journal);
	pthread_rwlock_unlock(&table);
	return arg;
}

static void *archiver(void *arg)
{
	role("archiver");
	pthread_mutex_lock(&journal);
	meet(&both);
	pthread_rwlock_rdlock(&table); /* stuck in archiver */
	rows += 0;
	pthread_rwlock_unlock(&table);
	pthread_mutex_unlock(&journal);
	return arg;
}

static void *waiting_writer(void *arg)
{
	role("writer");
	meet(&both);
	tell_tid(&writer_tid);
	pthread_rwlock_wrlock(&table); /* stuck in waiting_writer */
	rows++;
	pthread_rwlock_unlock(&table);
	return arg;
}

static void *recursive_reader(void *arg)
{
	role("reader");
	pthread_rwlock_rdlock(&table);
	meet(&both);
	until_asleep(&writer_tid);
	pthread_rwlock_rdlock(&table); /* stuck in recursive_reader */
	pthread_rwlock_unlock(&table);
	pthread_rwlock_unlock(&table);
	return arg;
}

static void *upgrader(void *arg)
{
	role("upgrader");
	pthread_rwlock_rdlock(&table);
	if (rows == 0)
		pthread_rwlock_wrlock(&table); /* stuck in upgrader */
	rows++;
	pthread_rwlock_unlock(&table);
	return arg;
}

static void *read_table(void *arg)
{
	role("reader0");
	pthread_rwlock_rdlock(&table);
	meet(&both);
	pthread_rwlock_wrlock(&index_lock); /* stuck in read_table */
	pthread_rwlock_unlock(&index_lock);
	pthread_rwlock_unlock(&table);
	return arg;
}

static void *read_index(void *arg)
{
	role("reader1");
	pthread_rwlock_rdlock(&index_lock);
	meet(&both);
	pthread_rwlock_wrlock(&table); /* stuck in read_index */
	pthread_rwlock_unlock(&table);
	pthread_rwlock_unlock(&index_lock);
	return arg;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "reader";
	void *(*first)(void *) = inserter, *(*second)(void *) = rebuilder;
	pthread_t threads[2];

	stage_enter();
	init_lock(&table, kind);
	init_lock(&index_lock, kind);
	meeting_init(&both, 2);
	if (!strcmp(kind, "mixed")) {
		first = logging_inserter;
		second = archiver;
	} else if (!strcmp(kind, "recursion")) {
		first = waiting_writer;
		second = recursive_reader;
	} else if (!strcmp(kind, "upgrade")) {
		first = upgrader;
		second = NULL;
	} else if (!strcmp(kind, "read-abba")) {
		first = read_table;
		second = read_index;
	}
	threads[0] = start(first, NULL);
	if (second)
		threads[1] = start(second, NULL);
	pthread_join(threads[0], NULL); /* stuck in main */
	if (second)
		pthread_join(threads[1], NULL);
	return 0;
}
