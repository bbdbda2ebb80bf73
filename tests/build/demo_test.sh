#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# suite: live
#
# What 'make run' shows: 0 when the deadlock was explained, and not otherwise.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

explained()
{
	output=$(tests/demo.sh "$LOCKLAB_OUTPUT") || { echo "$output"; return 1; }
	echo "$output"
	case $output in
	*deadlock*) ;;
	*) return 1 ;;
	esac
}

# A locklab that finds nothing, one that finds something else, one that fails.
mute()
{
	mkdir -p "$dir/tests/hang"
	ln -sf "$LOCKLAB_OUTPUT/tests/hang/mutex_abba" "$dir/tests/hang/"
	for answer in 'exit 0' 'exit 3' 'echo "{\"findings\": [{ \"kind\": \"stall\" }]}"; exit 1'; do
		printf '#!/bin/sh\n%s\n' "$answer" >"$dir/locklab"
		chmod +x "$dir/locklab"
		! tests/demo.sh "$dir" || { echo "called explained: $answer"; return 1; }
	done
}

plan 2
check "the deadlock is explained" explained
check "anything else is not called an explanation" mute
finish
