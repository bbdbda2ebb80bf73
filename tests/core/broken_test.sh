#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# suite: timeout=1500
#
# The tests of the core earn their trust by failing: each mutant below is the core with one line made wrong, as somebody might well
# have written it, and has to be caught. LAB_TEST_EFFORT thins out the enumerations; the unchanged core has to pass just so.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
out=${LOCKLAB_OUTPUT:-.output}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export LAB_TEST_EFFORT=3

# FILE | what is wrong | what to change, for sed: exactly one line
mutants()
{
	cat <<'MUTANTS'
wfg|ANY needs all of its edges|s/needs && (g->node\[n\].flags & WFG_ANY) ? 1 : needs/needs/
wfg|ALL is content with one edge|s/needs && (g->node\[n\].flags & WFG_ANY) ? 1 : needs/needs ? 1 : 0/
wfg|a dead node without edges acts|s/^\t\tif (g->node\[n\].flags & WFG_DEAD)$/\t\tif (0)/;
wfg|a dead node acts when what it needs has acted|s/(g->node\[p\].marks & mark) || (g->node\[p\].flags & WFG_DEAD) ||/(g->node[p].marks \& mark) ||/
wfg|a timed wait is a wait for ever|s/reduce(g, WFG_LIVE | WFG_TIMED, MARK_ACTS)/reduce(g, WFG_LIVE, MARK_ACTS)/
wfg|a timed wait never ends, not even in the end|s/reduce(g, WFG_LIVE, MARK_ENDS)/reduce(g, WFG_LIVE | WFG_TIMED, MARK_ENDS)/
wfg|dead wins over live|s/g->node\[n\].flags &= (u8)~WFG_DEAD;/;/
wfg|every ANY node is single-minded|s/single = g->to\[e\] == g->to\[g->node\[n\].out\];/single = true;/
wfg|no ANY node is single-minded|s/single = g->to\[e\] == g->to\[g->node\[n\].out\];/single = false;/
wfg|components forget who is on the stack|s/if (!g->node\[to\].chosen || g->node\[to\].component != WFG_NONE)/if (!g->node[to].chosen)/
wfg|the low link is not handed up|s/if (depth && g->node\[n\].left < g->node\[g->path\[depth - 1\]\].left)/if (0)/
wfg|a cross edge lowers nothing|s/if (g->node\[to\].number < g->node\[n\].left)/if (0)/
wfg|the first cycle instead of the shortest|s/i < end && work <= .*; i++/i < end \&\& best == WFG_NONE; i++/
wfg|cycles one too long are good enough|s/if (g->node\[n\].next + 1 >= limit)/if (g->node[n].next + 2 >= limit)/
wfg|searches leave their component|s/^\t\t\tif (!is_inside(g, n, to))$/\t\t\tif (0)/
wfg|a cycle told backwards|s/g->path\[(lowest + nr - i) % nr\]/g->path[(lowest + i) % nr]/
wfg|a cycle that begins anywhere|s/if (g->path\[i\] < g->path\[lowest\])/if (0)/
wfg|dead though nobody needs it|s/if (!wfg_is_held_up(g, p) || (g->node\[p\].flags & WFG_DEAD))/if (0)/
wfg|dead nodes only count for untimed waits|s/if (!wfg_is_held_up(g, p) || (g->node\[p\].flags & WFG_DEAD))/if (!wfg_is_stuck(g, p) || (g->node[p].flags \& WFG_DEAD))/
wfg|components that can be left are knots|s/if (wfg_is_stuck(g, g->to\[e\]) && !is_inside(g, n, g->to\[e\]))/if (0)/
wfg|components with a free way out are no knots|s/if (wfg_is_stuck(g, g->to\[e\]) && !is_inside(g, n, g->to\[e\]))/if (!is_inside(g, n, g->to[e]))/
wfg|knots are looked for behind cycles too|s/^\(\t* *\)g->node\[n\].behind == WFG_NONE;$/\1true;/
wfg|victims of knots are forgotten|s/^\t\tspread(g, seed(g, 0, first_knot), false);/\t\tseed(g, 0, first_knot);/
wfg|who is held up behind a deadlock is not told|s/^\tspread(g, seed(g, nr, first_timed), true);/\tspread(g, seed(g, 0, first_timed), true);/
wfg|timed cycles go through the stuck|s/wfg_is_held_up(g, n) && !wfg_is_stuck(g, n)/wfg_is_held_up(g, n)/
kinds|a zombie may still unlock|s/ || task->state == 'Z' || task->state == 'X'//
kinds|robust locks die with their owner|s/((lock->attrs & LAB_ROBUST) && !(lock->attrs & LAB_EDEADLK))/0/
kinds|a parked waiter hears of its owner's death|s/((lock->attrs & LAB_ROBUST) && !(lock->attrs & LAB_EDEADLK))/(lock->attrs \& LAB_ROBUST)/
kinds|groups even where the owner is known|s/(!lock->nr_holds || kind_is(lock, KINDS_ANY_HOLDER))/true/
judge|who can not be looked at is accused|s/else if (status & LAB_TASK_OPAQUE)/else if (0)/
judge|a pending signal ends nothing|s/(status & (LAB_TASK_WAITS_TIMED | LAB_TASK_SIGNALLED))$/(status \& LAB_TASK_WAITS_TIMED)/
judge|unseen releasers are ignored|s/if (!lock->nr_waits || lock->unseen)$/if (!lock->nr_waits)/
judge|a TID that was handed on names the owner|s/if ((lock->attrs & LAB_OWNER_REUSED) && j->gone_holder\[l\] == LAB_NONE)/if (0)/
judge|an empty group never acts|s/j->group_alive\[lock->wakers\] || !j->p->groups\[lock->wakers\].nr_members/j->group_alive[lock->wakers]/
judge|gone members may act|s/^\t\t\tif (!is_task_gone(j, member))/\t\t\tif (1)/
judge|readers wait for readers|s/^\t\tif (!readers_wait || !readers_hold)$/\t\tif (1)/
judge|any writer in front lets a reader in|s/if (!writer_holds && !(lock->attrs & LAB_PREFER_WRITER))/if (!writer_holds)/
judge|file locks queue like rwlocks|s/if (writer_holds || !kind_is(lock, KINDS_WRITER_BLOCKS_READER))/if (writer_holds)/
judge|sleepers with timeouts are near-misses|s/return !circle->is_timed || (near_miss && !d->through_group);/return true;/
judge|a lone sleeper is a self-deadlock|s/if (is_cycle && d->nr_tasks == 1 && !d->through_group)/if (is_cycle \&\& d->nr_tasks == 1)/
judge|a stall is a deadlock|s/return d->through_group ? LAB_STALL : LAB_DEADLOCK;/return LAB_DEADLOCK;/
judge|timed waits behind a deadlock are victims|s/if (!j->circles\[circle\].is_timed && !wfg_is_stuck(j->g, task))/if (0)/
judge|victims do not count for what was asked|s/j->drafts\[d\].asked |= (j->p->tasks\[t\].status & LAB_TASK_IS_ASKED) != 0;/;/
judge|the smaller findings first|s/(u64)(most - size) << 32/(u64)size << 32/
judge|cycles begin where the graph began them|s/j->p->tasks\[node\].tid < j->p->tasks\[circle_node(j, d->circle, start)\].tid))/0))/
judge|near-misses count as faults|s/if (p->findings\[i\].asked && lab_finding_is_fault(p->findings\[i\].kind))/if (p->findings[i].asked)/
judge|what nobody asked about counts|s/if (p->findings\[i\].asked && lab_finding_is_fault(p->findings\[i\].kind))/if (lab_finding_is_fault(p->findings[i].kind))/
judge|lost events are forgotten|s/return p->lost_events || p->blind ? LAB_UNKNOWN : LAB_NONE_WRONG;/return p->blind ? LAB_UNKNOWN : LAB_NONE_WRONG;/
judge|ranges are not checked|s/return first <= limit && nr <= limit - first;/return first + nr <= limit;/
judge|kinds are not checked|s/if ((u32)lock->kind >= LAB_NR_KINDS ||/if (/
judge|shared members are not refused|s/return sum <= p->nr_members;/return sum == sum;/
coffman|unsteady tasks are proof|s/if (!(task_at(c, i)->status & LAB_TASK_IS_STEADY))/if (0)/
coffman|unsteady holds are proof|s/if (!hold_of(c, lock, h)->steady)/if (0)/
coffman|outsiders do not matter|s/if (lock_has_group(lock) && c->picture->groups\[lock->wakers\].doubtful)/if (0)/
coffman|signal handlers do not matter|s/if (c->through_group || has_kind(c, KINDS_INTERRUPTIBLE))/if (0)/
coffman|lost events do not matter|s/if (c->picture->lost_events || /if (/
coffman|a word that contradicts itself is proof|s/if (lock->attrs & LAB_INCONSISTENT)/if (0)/
coffman|the one that waits longest closed it|s/task_at(c, i)->wait_ns < task_at(c, newest)->wait_ns/task_at(c, i)->wait_ns > task_at(c, newest)->wait_ns/
coffman|an untimed wait at an abandoned lock ends too|s/i < c->finding->nr_tasks && c->is_dead; i++/0; i++/
MUTANTS
}

flags="-O1 -std=gnu11 -D_GNU_SOURCE -Itests -isystem $out/kselftest"

# build NAME: the tests with the core in $dir/core
build()
{
	# shellcheck disable=SC2086
	${CC:-gcc} $flags -w -I"$dir" -o "$dir/$1" "$dir/$1.o" "$dir/sketch.o" "$dir"/core/*.c
}

# Some mutants never come to an end: that is caught, too.
passes()
{
	build "$1" && timeout 60 "$dir/$1" >"$dir/log" 2>&1
}

# Tests of the graph do for the graph; the others look at the judge.
suites_of()
{
	case $1 in
	wfg) echo wfg_test ;;
	*) echo "judge_test pictures_test" ;;
	esac
}

sound()
{
	for test in wfg_test judge_test pictures_test; do
		passes "$test" || { cat "$dir/log"; return 1; }
	done
}

# caught FILE SED
caught()
{
	for extension in c h; do
		[ -f "module/core/$1.$extension" ] && source=module/core/$1.$extension && break
	done
	mutant=$dir/core/${source##*/}
	sed "$2" "$source" >"$mutant"
	changed=$(diff "$source" "$mutant" | grep -c '^>')
	status=0
	if [ "$changed" != 1 ]; then
		echo "changes $changed lines of $source, not one: it has to follow the code"
		status=1
	else
		for test in $(suites_of "$1"); do
			build "$test" || { status=1; break; }
			status=2
			timeout 60 "$dir/$test" >"$dir/log" 2>&1 || { status=0; break; }
		done
		[ $status != 2 ] || echo "not caught"
	fi
	cp "$source" "$mutant"
	return $status
}

mkdir "$dir/core"
cp module/core/*.[ch] "$dir/core/"
for file in wfg_test judge_test pictures_test sketch; do
	# shellcheck disable=SC2086
	${CC:-gcc} $flags -w -I"$dir" -c -o "$dir/$file.o" "tests/core/$file.c" || exit 1
done

plan $((1 + $(mutants | wc -l)))
check "the core as it is passes" sound
# The pipe is a shell of its own, so the counting is done by a file.
mutants >"$dir/mutants"
while IFS='|' read -r file name change; do
	rest=$change
	check "caught: $file: $name" caught "$file" "$rest"
done <"$dir/mutants"
finish
