// SPDX-License-Identifier: LGPL-2.1-or-later
#include "events.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "bpf_log.h"
#include "events.skel.h"

#define INITIAL_PID_NAMESPACE \
	0xeffffffcu /* PROC_PID_INIT_INO: an inode number that is the same everywhere */

struct events {
	struct events_bpf *skeleton;
	struct ring_buffer *ring;
	struct lab_suspicion last;
	u64 received;
};

static int receive(void *context, void *data, size_t size)
{
	struct events *e = context;

	if (size < sizeof(e->last))
		return 0;
	e->last = *(const struct lab_suspicion *)data;
	e->received++;
	return 0;
}

void events_close(struct events *e)
{
	if (!e)
		return;
	ring_buffer__free(e->ring);
	events_bpf__destroy(e->skeleton);
	free(e);
}

static int add_targets(struct events *e, const u32 *tgids, u32 nr)
{
	int fd = bpf_map__fd(e->skeleton->maps.targets);
	u8 yes = 1;

	for (u32 i = 0; i < nr; i++)
		if (bpf_map_update_elem(fd, &tgids[i], &yes, BPF_ANY))
			return -errno;
	if (nr > 1)
		e->skeleton->bss->many = true;
	return 0;
}

struct events *events_open(const u32 *tgids, u32 nr, size_t ring_bytes, char *why, size_t why_size)
{
	struct stat ns;
	struct events *e;
	int err;

	/* The kernel's half knows processes by the numbers that the initial namespace gives them.
	 */
	if (!stat("/proc/self/ns/pid", &ns) && ns.st_ino != INITIAL_PID_NAMESPACE) {
		snprintf(
			why, why_size,
			"events need the initial PID namespace: run outside the container, or without --events");
		errno = EINVAL;
		return NULL;
	}
	e = calloc(1, sizeof(*e));
	if (!e) {
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	bpf_log_start();
	e->skeleton = events_bpf__open();
	if (!e->skeleton) {
		err = -errno;
		goto fail;
	}
	e->skeleton->rodata->first_tgid = tgids[0];
	if (ring_bytes)
		bpf_map__set_max_entries(e->skeleton->maps.suspicions, ring_bytes);
	err = events_bpf__load(e->skeleton);
	if (!err)
		err = add_targets(e, tgids, nr);
	if (!err)
		err = events_bpf__attach(e->skeleton);
	if (err)
		goto fail;
	e->ring = ring_buffer__new(bpf_map__fd(e->skeleton->maps.suspicions), receive, e, NULL);
	if (!e->ring) {
		err = -errno;
		goto fail;
	}
	return e;

fail:
	bpf_log_explain(err, why, why_size);
	events_close(e);
	errno = -err;
	return NULL;
}

int events_wait(struct events *e, int timeout_ms, struct lab_suspicion *last)
{
	int got =
		timeout_ms ? ring_buffer__poll(e->ring, timeout_ms) : ring_buffer__consume(e->ring);

	if (got == -EINTR)
		return 0;
	if (got > 0 && last)
		*last = e->last;
	return got;
}

void events_count(const struct events *e, struct events_count *count)
{
	/* Lost first: what is lost meanwhile is then counted as sent, never the other way round. */
	count->lost = __atomic_load_n(&e->skeleton->bss->nr_lost, __ATOMIC_ACQUIRE);
	count->sent = __atomic_load_n(&e->skeleton->bss->nr_sent, __ATOMIC_ACQUIRE);
	count->received = e->received;
}

bool events_waker(const struct events *e, u32 tgid, u64 uaddr, struct lab_waker *waker)
{
	struct lab_waker_key key = { .uaddr = uaddr, .tgid = tgid };

	return !bpf_map_lookup_elem(bpf_map__fd(e->skeleton->maps.wakers), &key, waker);
}
