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
pid=
trap 'rm -rf "$dir"; [ -z "$pid" ] || kill "$pid" 2>/dev/null' EXIT

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

own_pids()
{
	cp "$(command -v sleep)" "$dir/sleeper" || return 1
	"$dir/sleeper" 60 &
	pid=$!
	# Between fork and exec it bears the shell's name.
	until [ "$(cat /proc/"$pid"/comm)" = sleeper ]; do
		kill -0 "$pid" || return 1
	done
	has "$pid" locklab diagnose "$pid" && has "$pid" locklab watch -p "$pid" || return 1
	# A PID that begins another is shown with its name, and so are all that begin alike.
	offer locklab diagnose "" | grep -qx "$pid (sleeper)"
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
