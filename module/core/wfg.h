/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * wfg - wait-for graph: who can never go on, and in what circle
 *
 * Nodes are tasks, locks and groups; an edge says "needs". A node needs ALL of its edges (a task that waits for a mutex, a
 * writer that waits for every reader) or ANY of them (futex_waitv, poll, a group of possible wakers). A node without edges is
 * free to act unless it is WFG_DEAD. What can act is found by graph reduction (Holt 1972): start from the nodes that can, and
 * follow the edges backwards. What is left over can never act. In it, every circle of ALL nodes is a deadlock by itself, and
 * every other terminal strongly connected component (Tarjan 1972) is a knot.
 *
 * No allocation, no recursion: the caller passes memory. O(V + E).
 */
#ifndef LOCKLAB_CORE_WFG_H
#define LOCKLAB_CORE_WFG_H

#include "env.h"

enum wfg_flags {
	WFG_ANY = 1 << 0,	/* one of its edges is enough; otherwise it needs all */
	WFG_DEAD = 1 << 1,	/* will never act, whatever happens */
	WFG_LIVE = 1 << 2,	/* can always act, whatever its edges say */
	WFG_TIMED = 1 << 3,	/* acts by itself some day: live in the first reduction, not in the second */
};

struct wfg_node {
	u32 first;	/* into edges, after wfg_seal() */
	u32 nr;
	u32 flags;
};

struct wfg_edge {
	u32 from, to;
};

/* A circle or a knot: nodes in cycle order if is_cycle, otherwise in no order. A single WFG_DEAD node is a circle of one. */
struct wfg_circle {
	u32 first, nr;	/* into circle_nodes */
	bool is_cycle;
	bool is_timed;	/* closed only by counting timed waits as waits for ever */
};

struct wfg;

/**
 * wfg_bytes() - memory that a graph needs
 * @max_nodes: most nodes
 * @max_edges: most edges
 *
 * Return: bytes to pass to wfg_init(), 0 if the sizes overflow.
 */
size_t wfg_bytes(u32 max_nodes, u32 max_edges);

/**
 * wfg_init() - an empty graph in @memory
 *
 * @memory must be aligned for u64 and stay until the graph is done with.
 */
struct wfg *wfg_init(void *memory, u32 max_nodes, u32 max_edges);

/* Return: index of the new node, or -1 as u32 when full. */
u32 wfg_add_node(struct wfg *g, u32 flags);

/* Return: 0, or -1 when full or out of range. Only before wfg_seal(). */
int wfg_add_edge(struct wfg *g, u32 from, u32 to);

/**
 * wfg_solve() - find all that is stuck, its circles and knots
 *
 * Afterwards wfg_is_stuck(), wfg_circles() and wfg_behind() may be asked.
 */
void wfg_solve(struct wfg *g);

bool wfg_is_stuck(const struct wfg *g, u32 node);	/* for ever */
bool wfg_is_held_up(const struct wfg *g, u32 node);	/* stuck if timed waits counted as waits for ever */
u32 wfg_circles(const struct wfg *g, const struct wfg_circle **circles, const u32 **nodes);

/* Return: index of the circle that @node is in or stuck behind, -1 as u32 if none. */
u32 wfg_behind(const struct wfg *g, u32 node);

#endif
