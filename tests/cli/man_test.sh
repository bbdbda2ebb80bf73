#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The manual says what the command does: its options are those of --help and of the completion, and it is well-formed.
#
# suite: timeout=120
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
page=user/cli/locklab.1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
completion=user/cli/locklab.bash

# Options of a verb, one a line, out of its --help: what begins an indented line, and "(--b is the same)" behind it.
options_of_help()
{
	"$LOCKLAB" "$1" --help | sed -n 's/^ \{2,6\}\(-.*\)$/\1/p' >"$dir/lines"
	{
		sed 's/  .*$//' "$dir/lines" | grep -o -- '-[-a-z0-9]*'
		sed -n 's/.*(\(--[a-z-]*\) is the same).*/\1/p' "$dir/lines"
	} | sort -u
}

# Those of the section on it in the manual: .It Fl a , Fl \-all
options_of_page()
{
	sed -n "/^\.Ss locklab $1/,/^\.S[sh] /p" "$page" | sed -n 's/^\.It //p' | sed 's/\\-/-/g' |
		grep -o 'Fl [-a-z0-9]*' | sed 's/^Fl /-/' | sort -u
}

options_of_completion()
{
	sed -n "/local $1='/,/'\$/p" "$completion" | tr -d "'" | sed 's/.*local [a-z]*=//' | tr -s ' \t' '\n' | grep '^-' | sort -u
}

same()
{
	[ -n "$1" ] || { echo "no options found"; return 1; }
	[ "$1" = "$2" ] && return 0
	printf 'these:\n%s\nthose:\n%s\n' "$1" "$2"
	return 1
}

page_has_options()
{
	same "$(options_of_help "$1")" "$(options_of_page "$1")"
}

completion_has_options()
{
	same "$(options_of_help "$1")" "$(options_of_completion "$1")"
}

no_verb_forgotten()
{
	verbs=$("$LOCKLAB" --help | sed -n 's/^  \([a-z]\{3,\}\)  .*/\1/p')
	[ -n "$verbs" ] || { echo "--help names no verb"; return 1; }
	for verb in $verbs; do
		grep -q "^\.Ss locklab $verb\$" "$page" || { echo "no section on $verb"; return 1; }
		grep -q "local verbs='.*\b$verb\b" "$completion" || { echo "no completion of $verb"; return 1; }
	done
}

no_verb_invented()
{
	verbs=$(sed -n 's/^\.Ss locklab //p' "$page")
	for verb in $verbs; do
		[ "$verb" = help ] || "$LOCKLAB" "$verb" --help >/dev/null || { echo "$verb does not exist"; return 1; }
	done
}

# What other pages the machine has is not the page's fault.
lints()
{
	command -v mandoc >/dev/null || { echo "no mandoc"; return 4; }
	found=$(mandoc -T lint "$page" 2>/dev/null | grep -v 'referenced manual not found')
	[ -z "$found" ] || { echo "$found"; return 1; }
}

statuses()
{
	for status in 0 1 2 3; do
		sed -n '/^\.Sh EXIT STATUS/,/^\.Sh /p' "$page" | grep -q "^\.It $status\$" || { echo "no $status"; return 1; }
	done
}

# Each top-level key that the schema demands is named, and where the file is.
names_keys()
{
	for key in $(sed -n '/^  "required"/s/.*\[\(.*\)\].*/\1/p' user/report/locklab.schema.json | tr -d '",'); do
		grep -q "\b$key\b" "$page" || { echo "no $key"; return 1; }
	done
	grep -q locklab.schema.json "$page"
}

plan 10
check "diagnose: the manual has the options of --help" page_has_options diagnose
check "watch: the manual has the options of --help" page_has_options watch
check "diagnose: completion has the options of --help" completion_has_options diagnose
check "watch: completion has the options of --help" completion_has_options watch
check "every verb is in manual and completion" no_verb_forgotten
check "every verb in the manual exists" no_verb_invented
check "mandoc -T lint finds nothing" lints
check "exit statuses are there" statuses
check "keys of the JSON document are there" names_keys
check "the example is a deadlock explained" grep -q '^DEADLOCK, proven: ' "$page"
finish
