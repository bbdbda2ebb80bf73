/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * memory - another process's memory and mappings, as far as they can be had without stopping it
 *
 * Reads go through /proc/PID/mem: it takes pages as they are and, unlike process_vm_readv, does not
 * wait for a page that nobody serves (userfaultfd). Each read says in look_progress whose memory it
 * is after.
 */
#ifndef LOCKLAB_OBSERVE_MEMORY_H
#define LOCKLAB_OBSERVE_MEMORY_H

#include <sys/types.h>

#include "core/env.h"
#include "snapshot.h"

enum mapping_flags {
	MAPPING_READ = 1,
	MAPPING_WRITE = 2,
	MAPPING_EXEC = 4,
	MAPPING_SHARED = 8
};

struct mapping {
	u64 start, end, pgoff;
	u32 dev; /* as LAB_ records: stat(2)'s st_dev */
	u64 ino;
	u32 flags;
	const char
		*path; /* as in /proc/PID/maps, escapes undone; "" anonymous; " (deleted)" kept */
};

struct memory; /* of one process */

/* Return: NULL with errno. Cheap; opens what it needs on first use. */
struct memory *memory_open(u32 tgid, struct look_progress *progress);
void memory_close(struct memory *m);

/* Return: bytes read from @address on (short at the first page that can not be had), or -errno. */
ssize_t memory_read(struct memory *m, u64 address, void *buffer, size_t size);

/* Sorted by address; read once, kept. Return: number, or -errno. */
int memory_mappings(struct memory *m, const struct mapping **mappings);
const struct mapping *memory_mapping_at(struct memory *m,
					u64 address); /* NULL: nothing mapped there */

#endif
