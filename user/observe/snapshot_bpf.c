// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * snapshot_bpf - snapshots from the BPF task iterator
 */
#include "snapshotter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bpf_log.h"
#include "snapshot.skel.h"

#define READ_RECORDS 256 /* asked for at once: more than the kernel's own buffer holds */

struct bpf_snapshotter {
	struct snapshotter base;
	struct snapshot_bpf *skeleton;
	struct bpf_link
		*one; /* walks the threads of base.tgid; NULL: not asked, or the kernel can not */
	struct bpf_link *all; /* walks everybody */
	u32 looking_map; /* ID of the map behind looking, 0 if it can not be known */
};

/* Value of the map behind looking in bpf/snapshot.bpf.c. */
struct looking {
	u32 tgid;
	u32 unused;
	u64 steps;
};

u32 snapshotter_suspect(const struct look_progress *progress)
{
	u32 tgid = __atomic_load_n(&progress->tgid, __ATOMIC_RELAXED);
	u32 id = __atomic_load_n(&progress->looking_map, __ATOMIC_RELAXED), key = 0;
	struct looking looking = { 0 };
	int fd;

	if (tgid || !id)
		return tgid;
	fd = bpf_map_get_fd_by_id(id);
	if (fd < 0)
		return 0;
	if (bpf_map_lookup_elem(fd, &key, &looking))
		looking.tgid = 0;
	close(fd);
	return looking.tgid;
}

static int read_pass(struct bpf_link *link, struct snapshot *s)
{
	ssize_t got;
	int fd, err = 0;
	size_t bytes = 0;

	fd = bpf_iter_create(bpf_link__fd(link));
	if (fd < 0)
		return -errno;
	for (;;) {
		err = snapshot_reserve(s, bytes / sizeof(*s->records) + READ_RECORDS);
		if (err)
			break;
		got = read(fd, (char *)s->records + bytes,
			   (size_t)s->capacity * sizeof(*s->records) - bytes);
		if (got < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (got < 0)
			err = -errno;
		if (got <= 0)
			break;
		bytes += got;
	}
	close(fd);
	s->nr = bytes / sizeof(*s->records);
	return err;
}

static int take(struct snapshotter *base, struct snapshot *s)
{
	struct bpf_snapshotter *b = (struct bpf_snapshotter *)base;
	struct look_progress *progress = base->progress;
	u32 nr_skip = progress->nr_skip;
	int err;

	if (nr_skip > LOOK_MAX_SKIP)
		nr_skip = LOOK_MAX_SKIP;
	memcpy(b->skeleton->bss->skip, progress->skip, nr_skip * sizeof(*progress->skip));
	b->skeleton->bss->nr_skip = nr_skip;
	progress->looking_map = b->looking_map; /* of several snapshotters, the one at work */
	progress_step(progress, 0);

	if (b->one) {
		b->skeleton->bss->nr_visited = 0;
		b->skeleton->bss->nr_threads = 0;
		err = read_pass(b->one, s);
		if (err)
			return err;
		/*
		 * The walk of one process ends early when the thread that it stands on goes away
		 * between two reads. Who sees fewer threads than there are walks the PIDs of the
		 * whole system, which has no such end.
		 */
		if (b->skeleton->bss->nr_visited >= b->skeleton->bss->nr_threads)
			return 0;
		s->nr = 0;
	}
	return read_pass(b->all, s);
}

static void close_bpf(struct snapshotter *base)
{
	struct bpf_snapshotter *b = (struct bpf_snapshotter *)base;

	if (base->progress->looking_map == b->looking_map)
		base->progress->looking_map = 0;
	bpf_link__destroy(b->one);
	bpf_link__destroy(b->all);
	snapshot_bpf__destroy(b->skeleton);
	free(b);
}

static struct bpf_link *attach(struct bpf_snapshotter *b, u32 tgid)
{
	union bpf_iter_link_info info = { .task.pid = tgid };
	LIBBPF_OPTS(bpf_iter_attach_opts, opts, .link_info = &info, .link_info_len = sizeof(info));

	return bpf_program__attach_iter(b->skeleton->progs.take_snapshot, tgid ? &opts : NULL);
}

static void find_map(struct bpf_snapshotter *b)
{
	struct bpf_map_info info = { 0 };
	u32 size = sizeof(info);

	if (!bpf_obj_get_info_by_fd(bpf_map__fd(b->skeleton->maps.data_looking), &info, &size))
		b->looking_map = info.id;
}

struct snapshotter *snapshotter_bpf_open(u32 tgid, struct look_progress *progress, char *why,
					 size_t why_size)
{
	struct bpf_snapshotter *b = calloc(1, sizeof(*b));
	int err;

	if (!b) {
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	b->base = (struct snapshotter){
		.take = take, .close = close_bpf, .progress = progress, .tgid = tgid
	};
	bpf_log_start();
	b->skeleton = snapshot_bpf__open();
	if (!b->skeleton) {
		err = -errno;
		goto fail;
	}
	b->skeleton->rodata->only_tgid = tgid;
	err = snapshot_bpf__load(b->skeleton);
	if (err)
		goto fail;
	b->all = attach(b, 0);
	if (!b->all) {
		err = -errno;
		goto fail;
	}
	if (tgid)
		b->one = attach(b, tgid); /* or NULL: kernels before 6.1 do not know this */
	find_map(b);
	return &b->base;

fail:
	bpf_log_explain(err, why, why_size);
	close_bpf(&b->base);
	errno = -err;
	return NULL;
}
