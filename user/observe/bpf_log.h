/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * bpf_log - libbpf kept quiet, and one line on why a BPF program could not be loaded
 */
#ifndef LOCKLAB_OBSERVE_BPF_LOG_H
#define LOCKLAB_OBSERVE_BPF_LOG_H

#include <stddef.h>

/*
 * From now on libbpf prints nothing unless LOCKLAB_DEBUG is in the environment; its last warnings
 * are kept instead. Process- wide, as libbpf's own setting is; not thread-safe.
 */
void bpf_log_start(void);

/* One line, without a newline: why loading failed with -@err, and the way out. */
void bpf_log_explain(int err, char *why, size_t why_size);

#endif
