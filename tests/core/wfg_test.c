// SPDX-License-Identifier: GPL-2.0
/*
 * The graph against oracles that share nothing with it: for small graphs, every set of nodes is
 * tried as the set of the stuck, and every path as a cycle; for large ones, naive fixpoints and one
 * search a node. LAB_TEST_EFFORT (percent, 100 normally) thins out the enumeration and the fuzz,
 * for sanitizers and for the mutants of broken_test.sh.
 *
 * suite: timeout=400
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "core/wfg.h"

#define MAX_NODES 2048
#define MAX_EDGES 16384
#define GUARD	  64

struct graph {
	u32 nr_nodes, nr_edges;
	u32 flags[MAX_NODES];
	struct {
		u32 from, to;
	} edges[MAX_EDGES];
};

struct solved {
	void *memory;
	size_t bytes;
	struct wfg *g;
	u32 nr_circles;
	const struct wfg_circle *circles;
	const u32 *nodes;
};

/* Nothing to set up; a fixture is what the harness lets have a timeout of its own. */
FIXTURE(wfg)
{
	char nothing;
};

FIXTURE_SETUP(wfg)
{
	self->nothing = 0;
}

FIXTURE_TEARDOWN(wfg)
{
}

static u32 effort(void)
{
	const char *percent = getenv("LAB_TEST_EFFORT");

	if (percent)
		return (u32)atoi(percent);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return 5;
#else
	return 100;
#endif
}

static u64 random_state;

static u32 random_below(u32 limit)
{
	/* xorshift64*, Vigna 2016 */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (u32)((random_state * 0x2545f4914f6cdd1dull >> 32) * limit >> 32);
}

/* Memory is filled with garbage first: a solver that reads what it has not written shows. */
static bool solve(struct solved *s, const struct graph *graph)
{
	size_t bytes = wfg_bytes(graph->nr_nodes, graph->nr_edges);

	if (bytes + GUARD > s->bytes) {
		free(s->memory);
		s->bytes = bytes + GUARD;
		s->memory = malloc(s->bytes);
		if (!s->memory)
			abort();
	}
	memset(s->memory, 0xa5, bytes + GUARD);
	s->g = wfg_init(s->memory, graph->nr_nodes, graph->nr_edges);
	for (u32 n = 0; n < graph->nr_nodes; n++)
		if (wfg_add_node(s->g, graph->flags[n]) != n)
			return false;
	for (u32 e = 0; e < graph->nr_edges; e++)
		if (wfg_add_edge(s->g, graph->edges[e].from, graph->edges[e].to))
			return false;
	wfg_solve(s->g);
	s->nr_circles = wfg_circles(s->g, &s->circles, &s->nodes);
	for (u32 i = 0; i < GUARD; i++)
		if (((u8 *)s->memory)[bytes + i] != 0xa5)
			return false;
	return true;
}

static void print_graph(const struct graph *graph)
{
	printf("# flags");
	for (u32 n = 0; n < graph->nr_nodes && n < 40; n++)
		printf(" %u", graph->flags[n]);
	printf("; edges");
	for (u32 e = 0; e < graph->nr_edges && e < 80; e++)
		printf(" %u>%u", graph->edges[e].from, graph->edges[e].to);
	printf("\n");
}

/* ---- small graphs: sets of nodes are the bits of a byte */

#define SMALL 5

struct small {
	u32 nr;
	u32 flags[SMALL];
	u32 to[SMALL]; /* set of targets, by node */
	u32 stuck, held_up; /* what the oracle says */
	u32 reach[SMALL]; /* nodes on paths of at least one edge, in the graph asked about last */
};

static bool small_is_dead(const struct small *s, u32 n)
{
	return (s->flags[n] & WFG_DEAD) && !(s->flags[n] & WFG_LIVE);
}

/* Could exactly the nodes of @set be stuck for ever, each because of the others? */
static bool stays_stuck(const struct small *s, u32 set, u32 free)
{
	for (u32 n = 0; n < s->nr; n++) {
		if (!(set >> n & 1) || small_is_dead(s, n))
			continue;
		if ((s->flags[n] & free) || !s->to[n])
			return false;
		if (s->flags[n] & WFG_ANY ? (s->to[n] & ~set) != 0 : !(s->to[n] & set))
			return false;
	}
	return true;
}

static u32 largest_stuck(const struct small *s, u32 free)
{
	u32 all = 0;

	for (u32 set = 0; set < 1u << s->nr; set++)
		if (stays_stuck(s, set, free))
			all |= set;
	return all;
}

static bool small_is_single(const struct small *s, u32 n)
{
	return !small_is_dead(s, n) &&
	       (!(s->flags[n] & WFG_ANY) || __builtin_popcount(s->to[n]) == 1);
}

static u32 singles_of(const struct small *s, u32 set)
{
	u32 singles = 0;

	for (u32 n = 0; n < s->nr; n++)
		if ((set >> n & 1) && small_is_single(s, n))
			singles |= 1u << n;
	return singles;
}

static void find_reach(struct small *s, u32 inside)
{
	for (u32 n = 0; n < s->nr; n++)
		s->reach[n] = inside >> n & 1 ? s->to[n] & inside : 0;
	for (u32 k = 0; k < s->nr; k++)
		for (u32 n = 0; n < s->nr; n++)
			if (s->reach[n] >> k & 1)
				s->reach[n] |= s->reach[k];
}

static u32 component_of(const struct small *s, u32 n)
{
	u32 set = 0;

	for (u32 m = 0; m < s->nr; m++)
		if ((s->reach[n] >> m & 1) && (s->reach[m] >> n & 1))
			set |= 1u << m;
	return set;
}

/* Shortest of all simple paths from @at back to @start inside @set; every one is walked. */
static u32 shortest_path_back(const struct small *s, u32 start, u32 at, u32 set, u32 length)
{
	u32 best = ~0u;

	if (s->to[at] >> start & 1)
		return length;
	for (u32 n = 0; n < s->nr; n++) {
		u32 found;

		if (!(s->to[at] & set & (1u << n)) || n == start)
			continue;
		found = shortest_path_back(s, start, n, set & ~(1u << n), length + 1);
		if (found < best)
			best = found;
	}
	return best;
}

static u32 shortest_in(const struct small *s, u32 component)
{
	u32 best = ~0u;

	for (u32 n = 0; n < s->nr; n++) {
		if (component >> n & 1) {
			u32 found = shortest_path_back(s, n, n, component & ~(1u << n), 1);

			if (found < best)
				best = found;
		}
	}
	return best;
}

static u32 circle_set(const struct solved *v, u32 c)
{
	u32 set = 0;

	for (u32 i = 0; i < v->circles[c].nr; i++)
		set |= 1u << v->nodes[v->circles[c].first + i];
	return set;
}

static bool is_true_cycle(const struct small *s, const struct solved *v, u32 c)
{
	const struct wfg_circle *circle = &v->circles[c];
	const u32 *nodes = &v->nodes[circle->first];

	for (u32 i = 0; i < circle->nr; i++) {
		if (nodes[i] < nodes[0])
			return false;
		if (!(s->to[nodes[i]] >> nodes[(i + 1) % circle->nr] & 1))
			return false;
	}
	return true;
}

/*
 * Exactly one circle, the shortest, in each component of single-minded nodes of @set. Return: NULL,
 * or what is wrong.
 */
static const char *check_cycles(struct small *s, const struct solved *v, u32 set, bool timed,
				u32 *used)
{
	u32 singles = singles_of(s, set);

	find_reach(s, singles);
	for (u32 n = 0; n < s->nr; n++) {
		u32 component = component_of(s, n), found = 0;

		/* once a component, at its lowest node */
		if (!component || component & ((1u << n) - 1))
			continue;
		for (u32 c = 0; c < v->nr_circles; c++) {
			u32 members = circle_set(v, c);

			if (v->circles[c].is_timed != timed || !(members & component) ||
			    !v->circles[c].is_cycle)
				continue;
			found++;
			*used |= 1u << c;
			if (members & ~component)
				return "a cycle leaves its component";
			if (!is_true_cycle(s, v, c))
				return "not a cycle, or not from its lowest node";
			if (v->circles[c].nr != shortest_in(s, component))
				return "not the shortest";
		}
		if (found != 1)
			return "not one cycle a component";
	}
	return NULL;
}

static const char *check_dead(struct small *s, const struct solved *v, u32 *used)
{
	for (u32 n = 0; n < s->nr; n++) {
		bool needed = false, found = false;

		if (!small_is_dead(s, n))
			continue;
		for (u32 p = 0; p < s->nr; p++)
			needed |= (s->to[p] >> n & 1) && (s->held_up >> p & 1) &&
				  !small_is_dead(s, p);
		for (u32 c = 0; c < v->nr_circles; c++) {
			if (circle_set(v, c) & (1u << n)) {
				found = true;
				*used |= 1u << c;
				if (v->circles[c].nr != 1 || !v->circles[c].is_cycle ||
				    v->circles[c].is_timed)
					return "a dead node is not a circle of one";
			}
		}
		if (found != needed)
			return "dead and needed, but no circle, or the other way round";
	}
	return NULL;
}

static const char *check_knots(struct small *s, const struct solved *v, u32 *used)
{
	u32 inside = s->stuck, singles;

	for (u32 n = 0; n < s->nr; n++)
		if (small_is_dead(s, n))
			inside &= ~(1u << n);
	singles = singles_of(s, inside);
	for (u32 n = 0; n < s->nr; n++) {
		u32 component, leaves = 0;
		bool is_knot, found = false;

		find_reach(s, inside);
		component = component_of(s, n);
		if (!component || component & ((1u << n) - 1))
			continue;
		for (u32 m = 0; m < s->nr; m++)
			if (component >> m & 1)
				leaves |= s->to[m] & s->stuck & ~component;
		is_knot = !leaves;
		find_reach(s, singles & component);
		for (u32 m = 0; m < s->nr; m++)
			if (component_of(s, m))
				is_knot = false;
		for (u32 c = 0; c < v->nr_circles; c++) {
			if (v->circles[c].is_cycle || !(circle_set(v, c) & component))
				continue;
			found = true;
			*used |= 1u << c;
			if (circle_set(v, c) != component || v->circles[c].is_timed)
				return "a knot is not its whole component";
		}
		if (found != is_knot)
			return "a knot missed, or seen where there is none";
	}
	return NULL;
}

/* Circles that distance_to() looks for. */
static bool is_wanted(const struct solved *v, u32 c, bool cycles, u32 circle)
{
	return (circle == WFG_NONE || circle == c) && (!cycles || v->circles[c].is_cycle);
}

/*
 * Fewest edges from @n through @through to @circle, or to any of them (WFG_NONE), or only to
 * cycles.
 */
static u32 distance_to(const struct small *s, const struct solved *v, u32 n, u32 through,
		       bool cycles, u32 circle)
{
	u32 at = 1u << n, steps = 0;

	for (; steps <= s->nr; steps++) {
		u32 next = at;

		for (u32 c = 0; c < v->nr_circles; c++)
			if (is_wanted(v, c, cycles, circle) && (circle_set(v, c) & at))
				return steps;
		for (u32 m = 0; m < s->nr; m++)
			if ((at >> m & 1) && !small_is_dead(s, m))
				next |= s->to[m] & through;
		at = next;
	}
	return ~0u;
}

static const char *check_behind(const struct small *s, const struct solved *v)
{
	for (u32 n = 0; n < s->nr; n++) {
		u32 behind = wfg_behind(v->g, n);

		if (!(s->held_up >> n & 1)) {
			if (behind != WFG_NONE)
				return "behind a circle, but not held up";
			continue;
		}
		if (s->stuck >> n & 1) {
			u32 nearest = distance_to(s, v, n, s->stuck, true, WFG_NONE);

			if (nearest == ~0u)
				nearest = distance_to(s, v, n, s->stuck, false, WFG_NONE);

			/* unless it is dead and nobody cares */
			if (behind == WFG_NONE && (nearest != ~0u || !small_is_dead(s, n)))
				return "stuck behind nothing";
			if (behind == WFG_NONE)
				continue;
			if (v->circles[behind].is_timed)
				return "stuck behind a timed circle";
			if (distance_to(s, v, n, s->stuck, false, behind) != nearest)
				return "not behind the nearest circle";
		} else if (behind == WFG_NONE) {
			if (distance_to(s, v, n, s->held_up, false, WFG_NONE) != ~0u)
				return "held up behind nothing, though a circle is there";
		} else if (distance_to(s, v, n, s->held_up, false, behind) == ~0u) {
			return "held up behind a circle that it does not need";
		}
	}
	return NULL;
}

static const char *check_small(struct small *s, const struct solved *v)
{
	u32 used = 0, seen = 0;
	const char *wrong;
	bool timed = false;

	s->stuck = largest_stuck(s, WFG_LIVE | WFG_TIMED);
	s->held_up = largest_stuck(s, WFG_LIVE);
	for (u32 n = 0; n < s->nr; n++) {
		if (wfg_is_stuck(v->g, n) != (s->stuck >> n & 1))
			return "stuck";
		if (wfg_is_held_up(v->g, n) != (s->held_up >> n & 1))
			return "held up";
	}
	for (u32 c = 0; c < v->nr_circles; c++) {
		if (circle_set(v, c) & seen)
			return "a node in two circles";
		if ((u32)__builtin_popcount(circle_set(v, c)) != v->circles[c].nr)
			return "a node twice in a circle";
		seen |= circle_set(v, c);
		if (timed && !v->circles[c].is_timed)
			return "timed circles do not come last";
		timed = v->circles[c].is_timed;
	}
	wrong = check_cycles(s, v, s->stuck, false, &used);
	if (!wrong)
		wrong = check_cycles(s, v, s->held_up & ~s->stuck, true, &used);
	if (!wrong)
		wrong = check_dead(s, v, &used);
	if (!wrong)
		wrong = check_knots(s, v, &used);
	if (!wrong && used != (1u << v->nr_circles) - 1)
		wrong = "a circle that is none of the three";
	if (!wrong)
		wrong = check_behind(s, v);
	return wrong;
}

/*
 * All graphs of @nr nodes, with loops or without, whose flags are of @choices; of graphs that
 * differ only in the numbering of nodes with different flags, one: flags do not descend.
 */
static u64 enumerate(struct __test_metadata *_metadata, u32 nr, bool loops, u32 nr_choices,
		     const u32 *choices)
{
	u32 nr_bits = loops ? nr * nr : nr * (nr - 1);
	struct graph *graph = calloc(1, sizeof(*graph));
	struct solved v = { 0 };
	u32 pick[SMALL] = { 0 };
	u64 nr_graphs = 0;
	bool more = true;

	ASSERT_NE(graph, NULL);
	random_state = 0x9e3779b97f4a7c15ull + nr;
	while (more) {
		for (u64 bits = 0; bits < 1ull << nr_bits; bits++) {
			struct small s = { .nr = nr };
			const char *wrong;
			u32 bit = 0;

			if (effort() < 100 && random_below(100) >= effort())
				continue;
			graph->nr_nodes = nr;
			graph->nr_edges = 0;
			for (u32 n = 0; n < nr; n++) {
				graph->flags[n] = s.flags[n] = choices[pick[n]];
				for (u32 m = 0; m < nr; m++) {
					if (n == m && !loops)
						continue;
					if (!(bits >> bit++ & 1))
						continue;
					s.to[n] |= 1u << m;
					graph->edges[graph->nr_edges].from = n;
					graph->edges[graph->nr_edges++].to = m;
				}
			}
			ASSERT_TRUE(solve(&v, graph));
			wrong = check_small(&s, &v);
			if (wrong)
				print_graph(graph);
			ASSERT_EQ(wrong, NULL)
			{
				TH_LOG("%s", wrong);
			}
			nr_graphs++;
		}
		more = false;
		for (u32 n = nr; n-- > 0 && !more;) {
			if (pick[n] + 1 == nr_choices)
				continue;
			pick[n]++;
			for (u32 m = n + 1; m < nr; m++)
				pick[m] = pick[n];
			more = true;
		}
	}
	free(v.memory);
	free(graph);
	return nr_graphs;
}

TEST_F_TIMEOUT(wfg, every_graph_of_up_to_three_nodes_with_all_flags, 110)
{
	u32 flags[16];
	u64 nr = 0;

	for (u32 i = 0; i < 16; i++)
		flags[i] = i;
	for (u32 n = 1; n <= 3; n++)
		nr += enumerate(_metadata, n, true, 16, flags);
	TH_LOG("%llu graphs", (unsigned long long)nr);
	if (effort() == 100)
		EXPECT_EQ(nr, 2ull * 16 + 16 * 136 + 512 * 816);
}

TEST_F_TIMEOUT(wfg, every_graph_of_four_nodes, 110)
{
	static const u32 flags[] = { 0, WFG_ANY, WFG_DEAD, WFG_TIMED, WFG_ANY | WFG_TIMED };
	u64 nr = enumerate(_metadata, 4, true, 5, flags);

	TH_LOG("%llu graphs", (unsigned long long)nr);
	if (effort() == 100)
		EXPECT_EQ(nr, 65536ull * 70);
}

TEST_F_TIMEOUT(wfg, every_graph_of_five_nodes_that_need_all_or_any, 110)
{
	static const u32 flags[] = { 0, WFG_ANY };
	u64 nr = enumerate(_metadata, 5, false, 2, flags);

	TH_LOG("%llu graphs", (unsigned long long)nr);
	if (effort() == 100)
		EXPECT_EQ(nr, 1048576ull * 6);
}

/* ---- large graphs: O(V E) and worse, but plain */

struct oracle {
	bool acts[MAX_NODES], ends[MAX_NODES];
	u32 reach_from[MAX_NODES], reach_to[MAX_NODES]; /* stamps */
	u32 distance[MAX_NODES], component[MAX_NODES];
};

static bool large_is_dead(const struct graph *g, u32 n)
{
	return (g->flags[n] & WFG_DEAD) && !(g->flags[n] & WFG_LIVE);
}

static void naive_fixpoint(const struct graph *g, u32 free, bool *acts)
{
	static bool all[MAX_NODES], any[MAX_NODES], has[MAX_NODES];
	bool changed = true;

	memset(acts, 0, MAX_NODES);
	while (changed) {
		changed = false;
		memset(has, 0, sizeof(has));
		memset(any, 0, sizeof(any));
		memset(all, 1, sizeof(all));
		for (u32 e = 0; e < g->nr_edges; e++) {
			has[g->edges[e].from] = true;
			any[g->edges[e].from] |= acts[g->edges[e].to];
			all[g->edges[e].from] &= acts[g->edges[e].to];
		}
		for (u32 n = 0; n < g->nr_nodes; n++) {
			bool can = !has[n] || (g->flags[n] & free) ||
				   (g->flags[n] & WFG_ANY ? any[n] : all[n]);

			if (acts[n] || large_is_dead(g, n) || !can)
				continue;
			acts[n] = true;
			changed = true;
		}
	}
}

/*
 * Components of the edges between nodes of @inside: forwards and backwards from each node that has
 * none yet.
 */
static void naive_components(const struct graph *g, const bool *inside, struct oracle *o)
{
	u32 stamp = 0;

	for (u32 n = 0; n < g->nr_nodes; n++) {
		o->component[n] = WFG_NONE;
		o->reach_from[n] = o->reach_to[n] = WFG_NONE;
	}
	for (u32 n = 0; n < g->nr_nodes; n++) {
		bool changed = true;

		if (!inside[n] || o->component[n] != WFG_NONE)
			continue;
		o->reach_from[n] = o->reach_to[n] = stamp;
		while (changed) {
			changed = false;
			for (u32 e = 0; e < g->nr_edges; e++) {
				u32 a = g->edges[e].from, b = g->edges[e].to;

				if (!inside[a] || !inside[b])
					continue;
				if (o->reach_from[a] == stamp && o->reach_from[b] != stamp) {
					o->reach_from[b] = stamp;
					changed = true;
				}
				if (o->reach_to[b] == stamp && o->reach_to[a] != stamp) {
					o->reach_to[a] = stamp;
					changed = true;
				}
			}
		}
		for (u32 m = 0; m < g->nr_nodes; m++)
			if (o->reach_from[m] == stamp && o->reach_to[m] == stamp)
				o->component[m] = stamp;
		stamp++;
	}
}

static u32 naive_shortest(const struct graph *g, struct oracle *o, u32 component)
{
	u32 best = ~0u;

	for (u32 n = 0; n < g->nr_nodes; n++) {
		bool changed = true;

		if (o->component[n] != component)
			continue;
		for (u32 m = 0; m < g->nr_nodes; m++)
			o->distance[m] = ~0u;
		o->distance[n] = 0;
		while (changed) { /* Bellman-Ford */
			changed = false;
			for (u32 e = 0; e < g->nr_edges; e++) {
				u32 a = g->edges[e].from, b = g->edges[e].to;

				if (o->component[a] != component || o->component[b] != component ||
				    o->distance[a] == ~0u)
					continue;
				if (b == n && o->distance[a] + 1 < best)
					best = o->distance[a] + 1;
				if (o->distance[a] + 1 < o->distance[b]) {
					o->distance[b] = o->distance[a] + 1;
					changed = true;
				}
			}
		}
	}
	return best;
}

static bool large_is_single(const struct graph *g, u32 n)
{
	u32 target = WFG_NONE;

	if (large_is_dead(g, n))
		return false;
	for (u32 e = 0; e < g->nr_edges && (g->flags[n] & WFG_ANY); e++) {
		if (g->edges[e].from != n)
			continue;
		if (target != WFG_NONE && target != g->edges[e].to)
			return false;
		target = g->edges[e].to;
	}
	return true;
}

static bool has_edge(const struct graph *g, u32 a, u32 b)
{
	for (u32 e = 0; e < g->nr_edges; e++)
		if (g->edges[e].from == a && g->edges[e].to == b)
			return true;
	return false;
}

/* Sizes up to which the shortest cycle is promised, not only a cycle. */
#define EXACT 32

static const char *check_large_cycles(const struct graph *g, const struct solved *v,
				      struct oracle *o, bool timed, bool *in_cycle)
{
	static bool inside[MAX_NODES];
	static u32 found[MAX_NODES];

	for (u32 n = 0; n < g->nr_nodes; n++)
		inside[n] =
			(timed ? o->acts[n] && !o->ends[n] : !o->acts[n]) && large_is_single(g, n);
	naive_components(g, inside, o);
	memset(found, 0, sizeof(found));
	for (u32 c = 0; c < v->nr_circles; c++) {
		const struct wfg_circle *circle = &v->circles[c];
		const u32 *nodes = &v->nodes[circle->first];
		u32 size = 0;

		if (circle->is_timed != timed || !circle->is_cycle || large_is_dead(g, nodes[0]))
			continue;
		for (u32 i = 0; i < circle->nr; i++) {
			if (!inside[nodes[i]] || o->component[nodes[i]] != o->component[nodes[0]])
				return "a cycle leaves its component";
			if (!has_edge(g, nodes[i], nodes[(i + 1) % circle->nr]))
				return "not a cycle";
			if (i && nodes[i] <= nodes[0])
				return "does not begin with its lowest node";
		}
		if (found[o->component[nodes[0]]]++)
			return "two cycles in one component";
		for (u32 n = 0; n < g->nr_nodes; n++)
			size += o->component[n] == o->component[nodes[0]];
		if (size <= EXACT && circle->nr != naive_shortest(g, o, o->component[nodes[0]]))
			return "not the shortest";
	}
	for (u32 e = 0; e < g->nr_edges; e++) {
		u32 a = g->edges[e].from;

		if (!inside[a] || o->component[a] != o->component[g->edges[e].to])
			continue;
		for (u32 n = 0; n < g->nr_nodes && !timed; n++)
			in_cycle[n] |= o->component[n] == o->component[a];
		if (!found[o->component[a]])
			return "a component without its cycle";
	}
	return NULL;
}

static const char *check_large_knots(const struct graph *g, const struct solved *v,
				     struct oracle *o, const bool *in_cycle)
{
	static bool inside[MAX_NODES], is_knot[MAX_NODES], has_node[MAX_NODES];
	u32 nr_knots = 0, nr_found = 0;

	for (u32 n = 0; n < g->nr_nodes; n++)
		inside[n] = !o->acts[n] && !large_is_dead(g, n);
	naive_components(g, inside, o);
	memset(is_knot, 1, sizeof(is_knot));
	memset(has_node, 0, sizeof(has_node));
	for (u32 n = 0; n < g->nr_nodes; n++) {
		if (!inside[n])
			continue;
		has_node[o->component[n]] = true;
		if (in_cycle[n])
			is_knot[o->component[n]] = false;
	}
	for (u32 e = 0; e < g->nr_edges; e++) {
		u32 a = g->edges[e].from, b = g->edges[e].to;

		if (inside[a] && !o->acts[b] && o->component[a] != o->component[b])
			is_knot[o->component[a]] = false;
	}
	for (u32 c = 0; c < MAX_NODES; c++)
		nr_knots += has_node[c] && is_knot[c];
	for (u32 c = 0; c < v->nr_circles; c++) {
		u32 size = 0, first = v->nodes[v->circles[c].first];

		if (v->circles[c].is_cycle)
			continue;
		nr_found++;
		if (!inside[first] || !is_knot[o->component[first]])
			return "a knot where there is none";
		for (u32 i = 0; i < v->circles[c].nr; i++)
			if (o->component[v->nodes[v->circles[c].first + i]] != o->component[first])
				return "a knot leaves its component";
		for (u32 n = 0; n < g->nr_nodes; n++)
			size += inside[n] && o->component[n] == o->component[first];
		if (size != v->circles[c].nr)
			return "a knot is not its whole component";
	}
	return nr_found == nr_knots ? NULL : "a knot missed";
}

static const char *check_large(const struct graph *g, const struct solved *v, struct oracle *o)
{
	static bool in_cycle[MAX_NODES], needed[MAX_NODES], in_circle[MAX_NODES];
	const char *wrong;
	u32 nr_dead = 0;

	naive_fixpoint(g, WFG_LIVE | WFG_TIMED, o->acts);
	naive_fixpoint(g, WFG_LIVE, o->ends);
	for (u32 n = 0; n < g->nr_nodes; n++)
		if (wfg_is_stuck(v->g, n) == o->acts[n] || wfg_is_held_up(v->g, n) == o->ends[n])
			return "stuck or held up";
	memset(in_cycle, 0, sizeof(in_cycle));
	memset(needed, 0, sizeof(needed));
	memset(in_circle, 0, sizeof(in_circle));
	wrong = check_large_cycles(g, v, o, false, in_cycle);
	if (!wrong)
		wrong = check_large_cycles(g, v, o, true, in_cycle);
	if (!wrong)
		wrong = check_large_knots(g, v, o, in_cycle);
	if (wrong)
		return wrong;
	for (u32 e = 0; e < g->nr_edges; e++) {
		u32 a = g->edges[e].from, b = g->edges[e].to;

		needed[b] |= large_is_dead(g, b) && !o->ends[a] && !large_is_dead(g, a);
	}
	for (u32 c = 0; c < v->nr_circles; c++) {
		for (u32 i = 0; i < v->circles[c].nr; i++) {
			u32 n = v->nodes[v->circles[c].first + i];

			if (in_circle[n])
				return "a node in two circles";
			in_circle[n] = true;
			if (wfg_behind(v->g, n) != c)
				return "in one circle, behind another";
			nr_dead += large_is_dead(g, n);
		}
	}
	for (u32 n = 0; n < g->nr_nodes; n++) {
		nr_dead -= needed[n];
		if (needed[n] && !in_circle[n])
			return "dead and needed, but no circle";
		if (!o->acts[n] && wfg_behind(v->g, n) == WFG_NONE &&
		    !(large_is_dead(g, n) && !needed[n]))
			return "stuck behind nothing";
		if (o->ends[n] && wfg_behind(v->g, n) != WFG_NONE)
			return "free behind something";
	}
	if (nr_dead)
		return "a dead circle that nobody needs";
	/* one step towards the circle, always */
	for (u32 n = 0; n < g->nr_nodes; n++) {
		bool step = in_circle[n] || wfg_behind(v->g, n) == WFG_NONE;

		for (u32 e = 0; e < g->nr_edges && !step; e++)
			step = g->edges[e].from == n &&
			       wfg_behind(v->g, g->edges[e].to) == wfg_behind(v->g, n);
		if (!step)
			return "behind a circle that no edge leads to";
	}
	return NULL;
}

/* Sparse enough that much is stuck and much is not. */
static void random_graph(struct graph *g, u32 max_nodes)
{
	u32 shape = random_below(4);

	g->nr_nodes = 10 + random_below(max_nodes - 9);
	g->nr_edges = g->nr_nodes / 2 + random_below(shape == 0 ? g->nr_nodes * 3 : g->nr_nodes);
	for (u32 n = 0; n < g->nr_nodes; n++) {
		u32 dice = random_below(100);

		g->flags[n] = random_below(100) < (shape == 1 ? 60u : 15u) ? WFG_ANY : 0;
		if (dice < 2)
			g->flags[n] |= WFG_DEAD;
		else if (dice < 8)
			g->flags[n] |= WFG_TIMED;
		else if (dice < 10)
			g->flags[n] |= WFG_LIVE;
	}
	for (u32 e = 0; e < g->nr_edges; e++) {
		u32 from = random_below(g->nr_nodes);
		/* some near, so that components are small; some twice */
		u32 to = random_below(2) ? (from + random_below(6)) % g->nr_nodes
					 : random_below(g->nr_nodes);

		g->edges[e].from = from;
		g->edges[e].to = shape == 2 ? (from + 1 + random_below(2)) % g->nr_nodes : to;
	}
	if (shape == 3)
		for (u32 e = 0; e + 1 < g->nr_nodes && e < g->nr_edges; e++)
			g->edges[e].from = e;
}

static void fuzz(struct __test_metadata *_metadata, u32 nr_graphs, u32 max_nodes, u64 seed)
{
	struct graph *g = calloc(1, sizeof(*g));
	struct oracle *o = calloc(1, sizeof(*o));
	struct solved v = { 0 };
	u32 nr_stuck = 0, nr_nodes = 0, nr_circles = 0;

	ASSERT_NE(g, NULL);
	ASSERT_NE(o, NULL);
	random_state = seed;
	nr_graphs = nr_graphs * effort() / 100 + 1;
	for (u32 i = 0; i < nr_graphs; i++) {
		const char *wrong;

		random_graph(g, max_nodes);
		ASSERT_TRUE(solve(&v, g));
		wrong = check_large(g, &v, o);
		if (wrong)
			print_graph(g);
		ASSERT_EQ(wrong, NULL)
		{
			TH_LOG("graph %u: %s", i, wrong);
		}
		nr_nodes += g->nr_nodes;
		nr_circles += v.nr_circles;
		for (u32 n = 0; n < g->nr_nodes; n++)
			nr_stuck += !o->acts[n];
	}
	TH_LOG("%u graphs, %u nodes, %u of them stuck, %u circles", nr_graphs, nr_nodes, nr_stuck,
	       nr_circles);
	/* a fuzz in which nothing or everything is stuck tests nothing */
	EXPECT_GT(nr_stuck, nr_nodes / 20);
	EXPECT_LT(nr_stuck, nr_nodes - nr_nodes / 20);
	EXPECT_GT(nr_circles, nr_graphs / 2);
	free(v.memory);
	free(g);
	free(o);
}

TEST_F_TIMEOUT(wfg, random_graphs_of_tens_of_nodes, 110)
{
	fuzz(_metadata, 20000, 60, 1);
}

TEST_F_TIMEOUT(wfg, random_graphs_of_hundreds_of_nodes, 110)
{
	fuzz(_metadata, 500, 400, 2);
}

TEST_F_TIMEOUT(wfg, random_graphs_of_two_thousand_nodes, 110)
{
	fuzz(_metadata, 30, 2000, 3);
}

/* ---- edges of the interface */

TEST_F(wfg, too_many_nodes_or_edges_are_refused)
{
	u64 memory[512];
	struct wfg *g;

	ASSERT_LE(wfg_bytes(2, 1), sizeof(memory));
	g = wfg_init(memory, 2, 1);
	EXPECT_EQ(wfg_add_edge(g, 0, 0), -1);
	EXPECT_EQ(wfg_add_node(g, 0), 0);
	EXPECT_EQ(wfg_add_edge(g, 0, 1), -1);
	EXPECT_EQ(wfg_add_node(g, 0), 1);
	EXPECT_EQ(wfg_add_node(g, 0), WFG_NONE);
	EXPECT_EQ(wfg_add_edge(g, 2, 0), -1);
	EXPECT_EQ(wfg_add_edge(g, 0, 2), -1);
	EXPECT_EQ(wfg_add_edge(g, 0, 1), 0);
	EXPECT_EQ(wfg_add_edge(g, 1, 0), -1);
	wfg_solve(g);
	EXPECT_FALSE(wfg_is_stuck(g, 0));
}

TEST_F(wfg, sizes_that_overflow_are_refused)
{
	EXPECT_EQ(wfg_bytes(~0u, 1), 0);
	EXPECT_EQ(wfg_bytes(1, ~0u), 0);
	EXPECT_EQ(wfg_bytes(~0u, ~0u), 0);
	EXPECT_EQ(wfg_bytes(1u << 31, 1), 0);
	EXPECT_GT(wfg_bytes(4000000, 8000000), 4000000);
}

TEST_F(wfg, an_empty_graph_has_no_circles)
{
	const struct wfg_circle *circles;
	u64 memory[512];
	const u32 *nodes;
	struct wfg *g;

	ASSERT_LE(wfg_bytes(0, 0), sizeof(memory));
	g = wfg_init(memory, 0, 0);
	wfg_solve(g);
	EXPECT_EQ(wfg_circles(g, &circles, &nodes), 0);
}

/* One cycle of all, far deeper than any stack would bear if anything here were recursive. */
TEST_F(wfg, four_million_nodes_in_one_cycle)
{
	u32 nr = 4000000 / (effort() < 100 ? 100 : 1);
	const struct wfg_circle *circles;
	const u32 *nodes;
	void *memory = malloc(wfg_bytes(nr, nr));
	struct wfg *g;
	bool in_order = true;

	ASSERT_NE(memory, NULL);
	g = wfg_init(memory, nr, nr);
	for (u32 n = 0; n < nr; n++)
		ASSERT_EQ(wfg_add_node(g, 0), n);
	for (u32 n = 0; n < nr; n++)
		ASSERT_EQ(wfg_add_edge(g, n, (n + 1) % nr), 0);
	wfg_solve(g);
	ASSERT_EQ(wfg_circles(g, &circles, &nodes), 1);
	ASSERT_EQ(circles[0].nr, nr);
	for (u32 n = 0; n < nr; n++)
		in_order &= nodes[n] == n;
	EXPECT_TRUE(in_order);
	free(memory);
}

TEST_HARNESS_MAIN
