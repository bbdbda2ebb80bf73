/* SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later */
/*
 * wfg - wait-for graph: who can never go on, and in what circle
 *
 * Nodes are tasks, locks and groups; an edge says "needs". A node needs ALL of its edges (a task
 * that waits for a mutex, a writer that waits for every reader) or ANY of them (futex_waitv, poll,
 * a group of possible wakers). A node without edges is free to act unless it is WFG_DEAD. What can
 * act is found by graph reduction (Holt 1972): start from the nodes that can, and follow the edges
 * backwards. What is left over can never act. In it, every circle of ALL nodes is a deadlock by
 * itself, and every other terminal strongly connected component (Tarjan 1972) is a knot.
 *
 * No allocation, no recursion: the caller passes memory. O(V + E).
 */
#ifndef LOCKLAB_CORE_WFG_H
#define LOCKLAB_CORE_WFG_H

#include "env.h"

#define WFG_NONE (~0u)

enum wfg_flags {
	WFG_ANY = 1 << 0, /* one of its edges is enough; otherwise it needs all */
	WFG_DEAD = 1 << 1, /* will never act, whatever happens; its edges say nothing */
	WFG_LIVE =
		1
		/* can always act, whatever its edges say; wins over WFG_DEAD (never accuse) */
		<< 2,
	WFG_TIMED =
		1
		/*
		 * acts by itself some day: live in the first reduction, not in the second; WFG_DEAD
		 * wins
		 */
		<< 3,
};

/**
 * struct wfg_circle - why the nodes in it, and all that wait behind them, never act
 * @first: into the nodes of wfg_circles(); @nr of them
 * @is_cycle: nodes in cycle order: each needs the next, the last needs the first; begins with its
 * lowest node. Otherwise a
 *	knot, in no order
 * @is_timed: closed only by counting timed waits as waits for ever; always a cycle
 *
 * Three sorts, no node is in two circles:
 * - A cycle of nodes each of which needs the next, whatever else happens: ALL nodes, and ANY nodes
 * whose edges all lead to one node. One for each strongly connected component of such nodes, the
 * shortest (see shortest_cycle() in wfg.c for how hard it looks); the other members of the
 * component wait behind it.
 * - A WFG_DEAD node that somebody needs: a cycle of one.
 * - A knot: a strongly connected component of stuck nodes that no edge to another stuck node
 * leaves, and that has no cycle of the first sort in it.
 */
struct wfg_circle {
	u32 first, nr;
	bool is_cycle;
	bool is_timed;
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
 * @memory must be wfg_bytes() large, aligned for u64, and stay until the graph is done with. Its
 * contents do not matter.
 */
struct wfg *wfg_init(void *memory, u32 max_nodes, u32 max_edges);

/*
 * @flags: enum wfg_flags. Return: index of the new node (0, 1, 2 ...), or WFG_NONE when full. Only
 * before wfg_solve().
 */
u32 wfg_add_node(struct wfg *g, u32 flags);

/*
 * @from needs @to; twice is as good as once. Return: 0, or -1 when full or out of range. Only
 * before wfg_solve().
 */
int wfg_add_edge(struct wfg *g, u32 from, u32 to);

/**
 * wfg_solve() - find all that is stuck, its circles and knots
 *
 * Once for a graph. Afterwards wfg_is_stuck(), wfg_is_held_up(), wfg_circles() and wfg_behind() may
 * be asked. The same nodes and edges in the same order give the same answer.
 */
void wfg_solve(struct wfg *g);

bool wfg_is_stuck(const struct wfg *g, u32 node); /* for ever */
bool wfg_is_held_up(const struct wfg *g,
		    u32 node); /* stuck, or would be if timed waits counted as waits for ever */

/* Return: number of circles; those that are not timed come first. */
u32 wfg_circles(const struct wfg *g, const struct wfg_circle **circles, const u32 **nodes);

/**
 * wfg_behind() - which circle a node is in, or waits behind
 *
 * A stuck node has one that is not timed, unless it is a WFG_DEAD node that nobody needs: of
 * several, a cycle rather than a knot, then one that the fewest edges lead to. A node that is held
 * up but not stuck has one of either sort, or none: behind a knot that only timed waits close there
 * is no circle.
 *
 * Return: index of the circle, WFG_NONE if none.
 */
u32 wfg_behind(const struct wfg *g, u32 node);

#endif
