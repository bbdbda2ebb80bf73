#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# bash completion completes verbs, options, values, PIDs and files; in a bash without anything of the user's.
#
# suite: timeout=60
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
here=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# What is offered for the last of these words.
offer()
{
	(
		cd "$dir" || exit
		bash --norc --noprofile -c '
			. "$1"; shift
			compopt() { :; }
			COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
			_locklab
			printf "%s\n" "${COMPREPLY[@]}"
		' bash "$here/user/cli/locklab.bash" "$@"
	)
}

# offers LINES WORD...: exactly these, in any order
offers()
{
	local want got
	want=$(printf '%s\n' "$1" | sort)
	shift
	got=$(offer "$@" | sort)
	[ "$got" = "$want" ] || { echo "offered"; echo "$got"; echo "instead of"; echo "$want"; return 1; }
}

has()
{
	local want=$1
	shift
	offer "$@" | grep -qxF -- "$want" || { offer "$@" | head -n 20; return 1; }
}

lacks()
{
	! has "$@" >/dev/null
}

pid_is_offered()
{
	has "$1" locklab diagnose "$1" || return 1
	has "$1" locklab watch -p "$1" || return 1
	# Where others are offered too, each has its name.
	has "$1 (sleeper)" locklab diagnose ""
}

own_pids()
{
	local pid status=1

	cp "$(command -v sleep)" "$dir/sleeper" || return 1
	# Its output must not be this test's, which is read to its end.
	"$dir/sleeper" 60 >/dev/null 2>&1 &
	pid=$!
	# Between fork and exec it bears the shell's name.
	until [ "$(cat /proc/"$pid"/comm 2>/dev/null)" = sleeper ]; do
		kill -0 "$pid" 2>/dev/null || return 1
	done
	pid_is_offered "$pid" && status=0
	kill "$pid"
	wait "$pid" 2>/dev/null
	return "$status"
}

plan 13
check "verbs" offers $'diagnose\nwatch\nhelp\n-h\n--help\n--version' locklab ""
check "a verb from its beginning" offers "diagnose" locklab dia
check "options of diagnose" offers $'--source\n--stacks\n--svg' locklab diagnose --s
check "long options after two dashes" has --svg locklab diagnose --
check "options of watch" offers $'--exit-on-finding\n--events' locklab watch --e
check "values of --color" offers $'auto\nalways\nnever' locklab diagnose --color ""
check "values of --color=" offers "always" locklab diagnose --color = al
check "values of --source" offers "bpf" locklab watch --source b
touch "$dir/out one.json" "$dir/other"
check "files for -o" offers $'other\nout one.json' locklab diagnose -o o
check "PIDs, with names where there are several" own_pids
check "no kernel thread" lacks "2 (kthreadd)" locklab diagnose ""
check "a command after --" has sleep locklab watch -- slee
check "help on a verb" offers "watch" locklab help w
finish
