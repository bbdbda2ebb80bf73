// SPDX-License-Identifier: GPL-2.0 OR LGPL-2.1-or-later
/*
 * wfg - wait-for graph: reduction, circles, knots
 *
 * Why what is left by the reduction is exactly what never acts: a node acts once what it needs has
 * acted, so the set of those that can act is the least fixpoint, and the worklist computes it: each
 * edge is looked at once, when its target acts (Holt, "Some Deadlock Properties of Computer
 * Systems", ACM Computing Surveys 4:3, 1972).
 *
 * Why the circles explain all of it: from a stuck node that is not WFG_DEAD some edge leads to a
 * stuck node (ALL: at least one; ANY: every one). Follow them: the walk ends in a terminal strongly
 * connected component of the stuck nodes. That is a WFG_DEAD node, or has a cycle of single-minded
 * nodes in it, or is a knot; so every stuck node reaches a circle, and wfg_behind() is a
 * breadth-first search backwards, first from all cycles and dead nodes at once. What that leaves
 * out reaches only knots, which are looked for only there.
 *
 * Components: Tarjan, "Depth-first search and linear graph algorithms", SIAM J. Computing 1:2,
 * 1972; its recursion is the array path[] here.
 */
#include "carve.h"
#include "wfg.h"

enum mark {
	MARK_SINGLE =
		1 << 0, /* needs every one of its edges: ALL, or ANY with one distinct target */
	MARK_ACTS = 1 << 1, /* reached by the first reduction */
	MARK_ENDS = 1 << 2, /* reached by the second one */
};

struct wfg_edge {
	u32 from, to;
};

/* All of a node together: whoever looks at one of these soon looks at the others. */
struct wfg_node {
	u32 out; /* first edge in to[], up to that of the next node */
	u32 in; /* first edge in from[], likewise */
	u32 behind;
	u32 component;
	/* What for changes from step to step. */
	/*
	 * reduction: edges still missing. Tarjan: low link. Cycles: stamp of the search that saw it
	 */
	u32 left;
	u32 number; /* Tarjan: order of discovery. Cycles: where a search came from */
	u32 next; /* Tarjan: the next edge to follow. Cycles: distance */
	u8 flags; /* enum wfg_flags */
	u8 marks; /* enum mark */
	bool chosen; /* Tarjan: goes through it. Cycles: begins a search at it */
};

struct wfg {
	u32 max_nodes, max_edges;
	u32 nr_nodes, nr_edges;
	u32 nr_circles, nr_circle_nodes;
	struct wfg_edge *edges; /* as they were added */
	struct wfg_node *node; /* [max_nodes + 1] */
	u32 *to;
	u32 *from;
	struct wfg_circle *circles;
	u32 *circle_nodes;
	/* Scratch, each [max_nodes]. */
	u32 *queue; /* worklist; Tarjan: his stack */
	/* Tarjan: the nodes between the root and here. Cycles: the best so far, backwards */
	u32 *path;
	u32 *order; /* nodes, component after component, successors first */
};

/*
 * How many edges the search for the shortest cycle of a component may look at: any number in small
 * ones, few times their own in large ones.
 */
#define CYCLE_EFFORT	      4096u
#define CYCLE_EFFORT_PER_EDGE 8u

/* Both the size (@g and @memory NULL) and the layout. */
static u64 lay_out(struct wfg *g, void *memory, u32 max_nodes, u32 max_edges)
{
	struct wfg unused;
	u64 nodes = max_nodes, edges = max_edges, offset = 0;

	carve(&offset, memory, 1, sizeof(*g));
	if (!g)
		g = &unused;
	g->edges = carve(&offset, memory, edges, sizeof(*g->edges));
	g->node = carve(&offset, memory, nodes + 1, sizeof(*g->node));
	g->to = carve(&offset, memory, edges, sizeof(*g->to));
	g->from = carve(&offset, memory, edges, sizeof(*g->from));
	g->circles = carve(&offset, memory, nodes, sizeof(*g->circles));
	g->circle_nodes = carve(&offset, memory, nodes, sizeof(*g->circle_nodes));
	g->queue = carve(&offset, memory, nodes, sizeof(*g->queue));
	g->path = carve(&offset, memory, nodes, sizeof(*g->path));
	g->order = carve(&offset, memory, nodes, sizeof(*g->order));
	return offset;
}

size_t wfg_bytes(u32 max_nodes, u32 max_edges)
{
	u64 bytes = lay_out(NULL, NULL, max_nodes, max_edges);

	/* Half the range of an index, so that no sum of two overflows. */
	if (max_nodes > (WFG_NONE >> 1) - 1 || max_edges > (WFG_NONE >> 1) - 1)
		return 0;
	if (bytes > (size_t)-1)
		return 0;
	return (size_t)bytes;
}

struct wfg *wfg_init(void *memory, u32 max_nodes, u32 max_edges)
{
	struct wfg *g = memory;

	lay_out(g, memory, max_nodes, max_edges);
	g->max_nodes = max_nodes;
	g->max_edges = max_edges;
	g->nr_nodes = 0;
	g->nr_edges = 0;
	g->nr_circles = 0;
	g->nr_circle_nodes = 0;
	return g;
}

u32 wfg_add_node(struct wfg *g, u32 flags)
{
	if (g->nr_nodes == g->max_nodes)
		return WFG_NONE;
	g->node[g->nr_nodes].flags = (u8)flags;
	return g->nr_nodes++;
}

int wfg_add_edge(struct wfg *g, u32 from, u32 to)
{
	if (g->nr_edges == g->max_edges || from >= g->nr_nodes || to >= g->nr_nodes)
		return -1;
	g->edges[g->nr_edges].from = from;
	g->edges[g->nr_edges].to = to;
	g->nr_edges++;
	return 0;
}

/*
 * Counting sort of the edges by either end; stable, so that the order in which they were added
 * decides what is found.
 */
static void index_edges(struct wfg *g)
{
	u32 n = g->nr_nodes;
	u32 i;

	for (i = 0; i <= n; i++) {
		g->node[i].out = 0;
		g->node[i].in = 0;
	}
	for (i = 0; i < g->nr_edges; i++) {
		g->node[g->edges[i].from + 1].out++;
		g->node[g->edges[i].to + 1].in++;
	}
	for (i = 0; i < n; i++) {
		g->node[i + 1].out += g->node[i].out;
		g->node[i + 1].in += g->node[i].in;
		g->node[i].left = g->node[i].out;
		g->node[i].number = g->node[i].in;
	}
	for (i = 0; i < g->nr_edges; i++) {
		g->to[g->node[g->edges[i].from].left++] = g->edges[i].to;
		g->from[g->node[g->edges[i].to].number++] = g->edges[i].from;
	}
}

static void mark_single_minded(struct wfg *g)
{
	u32 n, e;

	for (n = 0; n < g->nr_nodes; n++) {
		bool single = true;

		if (g->node[n].flags & WFG_ANY)
			for (e = g->node[n].out; e < g->node[n + 1].out && single; e++)
				single = g->to[e] == g->to[g->node[n].out];
		g->node[n].marks = single ? MARK_SINGLE : 0;
		g->node[n].behind = WFG_NONE;
		if (g->node[n].flags & WFG_LIVE)
			g->node[n].flags &= (u8)~WFG_DEAD;
	}
}

/*
 * Mark with @mark all that can act when the nodes with one of the flags in @free act by themselves.
 * Return: how many.
 */
static u32 reduce(struct wfg *g, u32 free, u8 mark)
{
	u32 nr = 0, done, n, e;

	for (n = 0; n < g->nr_nodes; n++) {
		u32 needs = g->node[n + 1].out - g->node[n].out;

		g->node[n].left = needs && (g->node[n].flags & WFG_ANY) ? 1 : needs;
		if (g->node[n].flags & WFG_DEAD)
			continue;
		if (!needs || (g->node[n].flags & free)) {
			g->node[n].marks |= mark;
			g->queue[nr++] = n;
		}
	}
	for (done = 0; done < nr; done++) {
		n = g->queue[done];
		for (e = g->node[n].in; e < g->node[n + 1].in; e++) {
			u32 p = g->from[e];

			if ((g->node[p].marks & mark) || (g->node[p].flags & WFG_DEAD) ||
			    --g->node[p].left)
				continue;
			g->node[p].marks |= mark;
			g->queue[nr++] = p;
		}
	}
	return nr;
}

/*
 * Tarjan's algorithm over the chosen nodes and the edges between them. Afterwards the components
 * lie one after the other in order[], those that others lead to first, and component[] tells them
 * apart.
 *
 * Return: number of nodes in order[].
 */
static u32 find_components(struct wfg *g)
{
	u32 nr_order = 0, nr_numbers = 0, nr_components = 0;
	u32 root, n;

	for (n = 0; n < g->nr_nodes; n++) {
		g->node[n].number = WFG_NONE;
		g->node[n].component = WFG_NONE;
	}
	for (root = 0; root < g->nr_nodes; root++) {
		u32 depth = 0, nr_stack = 0;

		if (!g->node[root].chosen || g->node[root].number != WFG_NONE)
			continue;
		g->path[depth++] = root;
		g->queue[nr_stack++] = root;
		g->node[root].number = nr_numbers;
		g->node[root].left = nr_numbers++;
		g->node[root].next = g->node[root].out;
		while (depth) {
			n = g->path[depth - 1];
			if (g->node[n].next < g->node[n + 1].out) {
				u32 to = g->to[g->node[n].next++];

				if (!g->node[to].chosen || g->node[to].component != WFG_NONE)
					continue;
				if (g->node[to].number != WFG_NONE) { /* on the stack */
					if (g->node[to].number < g->node[n].left)
						g->node[n].left = g->node[to].number;
					continue;
				}
				g->path[depth++] = to;
				g->queue[nr_stack++] = to;
				g->node[to].number = nr_numbers;
				g->node[to].left = nr_numbers++;
				g->node[to].next = g->node[to].out;
				continue;
			}
			depth--;
			if (depth && g->node[n].left < g->node[g->path[depth - 1]].left)
				g->node[g->path[depth - 1]].left = g->node[n].left;
			if (g->node[n].left == g->node[n].number) {
				u32 member;

				do {
					member = g->queue[--nr_stack];
					g->node[member].component = nr_components;
					g->order[nr_order++] = member;
				} while (member != n);
				nr_components++;
			}
		}
	}
	return nr_order;
}

static u32 component_end(const struct wfg *g, u32 begin, u32 nr)
{
	u32 end = begin + 1;

	while (end < nr && g->node[g->order[end]].component == g->node[g->order[begin]].component)
		end++;
	return end;
}

static struct wfg_circle *add_circle(struct wfg *g, bool is_cycle, bool is_timed)
{
	struct wfg_circle *circle = &g->circles[g->nr_circles++];

	circle->first = g->nr_circle_nodes;
	circle->nr = 0;
	circle->is_cycle = is_cycle;
	circle->is_timed = is_timed;
	return circle;
}

static void add_to_circle(struct wfg *g, struct wfg_circle *circle, u32 node)
{
	g->circle_nodes[g->nr_circle_nodes++] = node;
	circle->nr++;
}

/* An edge of the component that @n is in. */
static bool is_inside(const struct wfg *g, u32 n, u32 to)
{
	return g->node[to].component == g->node[n].component;
}

/*
 * Breadth-first from @start inside its component, back to @start; left[] is the stamp of the
 * search, next[] the distance and number[] the node that we came from. Gives up at a length of
 * @limit.
 *
 * Return: length of the cycle, with its last node in @last; WFG_NONE if none is shorter than
 * @limit.
 */
static u32 cycle_through(struct wfg *g, u32 start, u32 limit, u64 *work, u32 *last)
{
	u32 nr = 0, done, e;

	g->queue[nr++] = start;
	g->node[start].left = start;
	g->node[start].next = 0;
	for (done = 0; done < nr; done++) {
		u32 n = g->queue[done];

		if (g->node[n].next + 1 >= limit)
			break;
		for (e = g->node[n].out; e < g->node[n + 1].out; e++) {
			u32 to = g->to[e];

			++*work;
			if (!is_inside(g, n, to))
				continue;
			if (to == start) {
				*last = n;
				return g->node[n].next + 1;
			}
			if (g->node[to].left == start)
				continue;
			g->node[to].left = start;
			g->node[to].next = g->node[n].next + 1;
			g->node[to].number = n;
			g->queue[nr++] = to;
		}
	}
	return WFG_NONE;
}

/*
 * The cycle that path[] holds, @nr nodes backwards, as a circle that begins with its lowest node.
 */
static void add_cycle(struct wfg *g, u32 nr, bool is_timed)
{
	struct wfg_circle *circle = add_circle(g, true, is_timed);
	u32 lowest = 0, i;

	for (i = 1; i < nr; i++)
		if (g->path[i] < g->path[lowest])
			lowest = i;
	for (i = 0; i < nr; i++)
		add_to_circle(g, circle, g->path[(lowest + nr - i) % nr]);
}

/*
 * The shortest cycle of the component order[begin, end), if it has one.
 *
 * If no node has a choice inside the component, the component is the cycle. Otherwise every cycle
 * goes through a node that has one (a cycle of nodes without a choice could not be left), so a
 * search from each of those finds the shortest. All of them would be O(V E); with CYCLE_EFFORT used
 * up, the best so far is good enough: it is a true cycle, and the shortest through each of the
 * nodes that were tried.
 */
static void shortest_cycle(struct wfg *g, u32 begin, u32 end, bool is_timed)
{
	u32 best = WFG_NONE, last = WFG_NONE;
	u64 size = 0, work = 0;
	bool choice = false;
	u32 i, e, n;

	for (i = begin; i < end; i++) {
		u32 inside = 0;

		n = g->order[i];
		g->node[n].left = WFG_NONE;
		for (e = g->node[n].out; e < g->node[n + 1].out; e++)
			inside += is_inside(g, n, g->to[e]);
		size += g->node[n + 1].out - g->node[n].out;
		if (!inside)
			return; /* a node on its own */
		g->node[n].chosen = inside > 1;
		choice |= inside > 1;
	}
	if (!choice)
		g->node[g->order[begin]].chosen = true;
	for (i = begin; i < end && work <= CYCLE_EFFORT + CYCLE_EFFORT_PER_EDGE * size; i++) {
		u32 length;

		n = g->order[i];
		if (!g->node[n].chosen)
			continue;
		length = cycle_through(g, n, best, &work, &last);
		if (length == WFG_NONE)
			continue;
		best = length;
		g->path[0] = last;
		for (e = 1; e < best; e++)
			g->path[e] = g->node[g->path[e - 1]].number;
	}
	add_cycle(g, best, is_timed);
}

static bool is_single_minded(const struct wfg *g, u32 n)
{
	return (g->node[n].marks & MARK_SINGLE) && !(g->node[n].flags & WFG_DEAD);
}

/*
 * Cycles of single-minded nodes: of stuck ones, or else of those that only time keeps from being
 * stuck.
 */
static void find_cycles(struct wfg *g, bool timed)
{
	u32 nr, begin, end, n;

	for (n = 0; n < g->nr_nodes; n++) {
		bool in = timed ? wfg_is_held_up(g, n) && !wfg_is_stuck(g, n) : wfg_is_stuck(g, n);

		g->node[n].chosen = in && is_single_minded(g, n);
	}
	nr = find_components(g);
	for (begin = 0; begin < nr; begin = end) {
		end = component_end(g, begin, nr);
		shortest_cycle(g, begin, end, timed);
	}
}

static void find_needed_dead(struct wfg *g)
{
	u32 n, e;

	for (n = 0; n < g->nr_nodes; n++) {
		if (!(g->node[n].flags & WFG_DEAD))
			continue;
		for (e = g->node[n].in; e < g->node[n + 1].in; e++) {
			u32 p = g->from[e];

			if (!wfg_is_held_up(g, p) || (g->node[p].flags & WFG_DEAD))
				continue;
			add_to_circle(g, add_circle(g, true, false), n);
			break;
		}
	}
}

/*
 * Among those that no circle explains; they lead nowhere else, so a component that none leaves is a
 * knot.
 */
static void find_knots(struct wfg *g)
{
	u32 nr, begin, end, i, e, n;

	for (n = 0; n < g->nr_nodes; n++)
		g->node[n].chosen = wfg_is_stuck(g, n) && !(g->node[n].flags & WFG_DEAD) &&
				    g->node[n].behind == WFG_NONE;
	nr = find_components(g);
	for (begin = 0; begin < nr; begin = end) {
		bool is_knot = true;
		struct wfg_circle *circle;

		end = component_end(g, begin, nr);
		for (i = begin; i < end && is_knot; i++) {
			n = g->order[i];
			for (e = g->node[n].out; e < g->node[n + 1].out && is_knot; e++)
				if (wfg_is_stuck(g, g->to[e]) && !is_inside(g, n, g->to[e]))
					is_knot = false;
		}
		if (!is_knot)
			continue;
		circle = add_circle(g, false, false);
		for (i = begin; i < end; i++)
			add_to_circle(g, circle, g->order[i]);
	}
}

/*
 * Whoever needs one of queue[0, nr) is behind what that one is behind, and so on backwards, through
 * nodes that are stuck or held up.
 */
static void spread(struct wfg *g, u32 nr, bool held_up)
{
	u32 done, e;

	for (done = 0; done < nr; done++) {
		u32 n = g->queue[done];

		for (e = g->node[n].in; e < g->node[n + 1].in; e++) {
			u32 p = g->from[e];

			if (g->node[p].behind != WFG_NONE || (g->node[p].flags & WFG_DEAD))
				continue;
			if (held_up ? !wfg_is_held_up(g, p) : !wfg_is_stuck(g, p))
				continue;
			g->node[p].behind = g->node[n].behind;
			g->queue[nr++] = p;
		}
	}
}

/* Put the nodes of the circles from @circle on into queue[nr...]. */
static u32 seed(struct wfg *g, u32 nr, u32 circle)
{
	u32 i;

	for (; circle < g->nr_circles; circle++) {
		for (i = 0; i < g->circles[circle].nr; i++) {
			u32 n = g->circle_nodes[g->circles[circle].first + i];

			g->node[n].behind = circle;
			g->queue[nr++] = n;
		}
	}
	return nr;
}

static void find_held_up(struct wfg *g)
{
	u32 first_timed = g->nr_circles, nr = 0, n;

	find_cycles(g, true);
	for (n = 0; n < g->nr_nodes; n++)
		if (g->node[n].behind != WFG_NONE)
			g->queue[nr++] = n;
	spread(g, seed(g, nr, first_timed), true);
}

void wfg_solve(struct wfg *g)
{
	u32 nr_act, nr_end, first_knot;

	index_edges(g);
	mark_single_minded(g);
	nr_act = reduce(g, WFG_LIVE | WFG_TIMED, MARK_ACTS);
	nr_end = reduce(g, WFG_LIVE, MARK_ENDS);
	if (nr_act < g->nr_nodes) {
		find_cycles(g, false);
		find_needed_dead(g);
		spread(g, seed(g, 0, 0), false);
		first_knot = g->nr_circles;
		find_knots(g);
		spread(g, seed(g, 0, first_knot), false);
	}
	if (nr_end < nr_act)
		find_held_up(g);
}

bool wfg_is_stuck(const struct wfg *g, u32 node)
{
	return !(g->node[node].marks & MARK_ACTS);
}

bool wfg_is_held_up(const struct wfg *g, u32 node)
{
	return !(g->node[node].marks & MARK_ENDS);
}

u32 wfg_circles(const struct wfg *g, const struct wfg_circle **circles, const u32 **nodes)
{
	*circles = g->circles;
	*nodes = g->circle_nodes;
	return g->nr_circles;
}

u32 wfg_behind(const struct wfg *g, u32 node)
{
	return g->node[node].behind;
}
