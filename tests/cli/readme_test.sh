#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What README.md tells people to type works as written: each block marked sh is run, in order, in one shell at the top of a tree whose
# .output is the one under test. Of make, only whether it knows the target.
#
# suite: timeout=300 live
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
top=$PWD
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# The lines of the blocks marked sh.
script()
{
	awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$top/README.md"
}

# A make of this name does nothing but look.
fake_make()
{
	mkdir -p "$dir/bin" || return
	cat >"$dir/bin/make" <<-END
	#!/bin/sh
	[ \$# -gt 0 ] || set -- all
	cd "$top" || exit 9
	for target; do
		cat Makefile tests/*/*.mk | grep -q "^\$target:" || { echo "no target \$target" >&2; exit 9; }
	done
	END
	chmod +x "$dir/bin/make"
}

# Each command by itself: 0 and 1 are answers of locklab, anything else is a README that is wrong.
run_blocks()
{
	fake_make || return 1
	ln -s "$LOCKLAB_OUTPUT" "$dir/.output" || return 1
	cd "$dir" || return 1
	script >commands
	[ "$(wc -l <commands)" -ge 6 ] || { echo "only $(wc -l <commands) commands found"; return 1; }
	while IFS= read -r line; do
		printf '%s\n' "$line" "status=\$?" \
			"[ \$status -le 1 ] || { printf '%s: exit status %s\\n' '${line//\'/}' \$status; bad=1; }"
	done <commands >steps
	echo 'kill $! 2>/dev/null; exit ${bad:-0}' >>steps
	PATH=$dir/bin:$PATH bash ./steps >out 2>&1 </dev/null
	status=$?
	[ "$status" -eq 0 ] || tail -n 40 out
	return "$status"
}

picture_was_drawn()
{
	grep -q '<svg' "$dir/hang.svg"
}

watch_explained()
{
	# The last command does not depend on how fast the machine is: it ends by the finding.
	grep -q '^DEADLOCK, proven: 2 threads of mutex_abba' "$dir/out" && grep -q '^Contention' "$dir/out"
}

# What stays the same from run to run: not numbers and where lines end, and not which of the pair comes first, which is chance.
shape()
{
	sed -E 's/0x[0-9a-f]*/N/g; s/[0-9][0-9.]*/N/g; s/teller|auditor/T/g; s/ledger|accounts/L/g; s/N ms/N s/g' | tr -s ' \n' ' '
}

is_what_it_prints_now()
{
	want=$(awk '/^```text$/ { n++; inside = 1; next } /^```$/ { inside = 0 } inside && n == 1' "$top/README.md" | shape)
	got=$(awk '/^DEADLOCK/ { inside = 1 } inside && /^(Command|\{|Not seen)/ { exit } inside' "$dir/out" | shape)
	[ -n "$want" ] && [ "${got% }" = "${want% }" ] || { printf '%s\n%s\n' "$want" "$got"; return 1; }
}

plan 4
check "every command works as written" run_blocks
check "the picture is one" picture_was_drawn
check "watch ends with the deadlock and the contention" watch_explained
LC_ALL=C.UTF-8 check "captured output is what the command prints" is_what_it_prints_now
finish
