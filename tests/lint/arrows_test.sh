#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# arrows.sh has to let right arrows pass and to find each kind of wrong one.
. tests/ktap.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# file PATH LINE...
file()
{
	mkdir -p "$tree/$(dirname "$1")"
	path=$1
	shift
	printf '%s\n' "$@" >"$tree/$path"
}

fresh()
{
	rm -rf "${tree:?}"/*
	file module/uapi/record.h '#include <linux/types.h>'
	file module/core/env.h '#include <stdint.h>'
	file module/core/graph.h '#include "env.h"'
	file module/core/graph.c '#include "graph.h"' '#include "uapi/record.h"'
	file bpf/look.bpf.c '#include "vmlinux.h"' '#include <bpf/bpf_helpers.h>' '#include "uapi/record.h"'
	file user/observe/look.h '#include <stdio.h>' '#include "core/graph.h"'
	file user/observe/look.c '#include "look.h"' '#include "look.skel.h"'
	file user/report/text.h '#include "core/graph.h"'
	file user/cli/main.c '#include "observe/look.h"' '#include "report/text.h"' '#include "core/graph.h"'
}

right()
{
	tests/lint/arrows.sh "$tree"
}

# A wrong arrow is found, and named by file and line.
wrong()
{
	if output=$(tests/lint/arrows.sh "$tree"); then
		echo "not found"
		return 1
	fi
	printf '%s\n' "$output"
	printf '%s\n' "$output" | grep -q "^$1:"
}

plan 10
fresh
check "right arrows pass" right
file module/core/graph.c '#include "graph.h"' '#include "observe/look.h"'
check "core includes user" wrong module/core/graph.c:2
fresh
file module/core/graph.c '#include <stdio.h>'
check "core includes the outside other than through env.h" wrong module/core/graph.c:1
fresh
file module/uapi/record.h '#include "core/env.h"'
check "uapi includes core" wrong module/uapi/record.h:1
fresh
file user/report/text.h '#include "core/graph.h"' '' '  #  include "observe/look.h"'
check "report includes observe" wrong user/report/text.h:3
fresh
file user/report/text.h '#include "look.skel.h"'
check "report includes a skeleton" wrong user/report/text.h:1
fresh
file bpf/look.bpf.c '#include "core/graph.h"'
check "bpf includes core" wrong bpf/look.bpf.c:1
fresh
file user/observe/look.c '#include "../report/text.h"'
check "a path that climbs" wrong user/observe/look.c:1
fresh
file user/attic/old.c '#include <stdio.h>'
check "a room that is not in the table" wrong user/attic/old.c:1
fresh
file user/observe/look.c '#include "gone.h"'
check "a file that is not there" wrong user/observe/look.c:1
finish
