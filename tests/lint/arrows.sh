#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The rooms of the tree and the arrows between them: who may include whom. Usage: arrows.sh [ROOT]. Prints every include that goes
# against an arrow, and exits with 1 if there is one.
#
# The table says whom a room may include; whom those may include, it may too. A file that belongs to no room is wrong as well.
set -eu
cd "${1:-.}"

find module bpf user -name '*.[ch]' 2>/dev/null | sort | xargs -r awk '
BEGIN {
	allow["module/uapi"] = ""
	allow["module/core"] = "module/uapi"
	allow["module"] = "module/core module/uapi"
	allow["bpf"] = "module/uapi"
	allow["user/sync"] = "module/core module/uapi"
	allow["user/task"] = "user/sync"
	allow["user/observe"] = "module/core module/uapi skeleton"
	allow["user/report"] = "module/core"
	allow["user/explore"] = "user/sync user/task"
	allow["user/lab"] = "user/sync user/task user/observe user/report user/explore"
	allow["user/bench"] = "user/sync"
	allow["user/preload"] = "user/sync module/core"
	allow["user/cli"] = "user/observe user/report user/lab user/bench user/preload user/include"
	allow["user/include"] = ""
	for (room in allow) {
		split("", seen)
		reach(room, room)
	}
}

function reach(from, room,	n, i, to) {
	if (room in seen)
		return
	seen[room] = 1
	may[from, room] = 1
	n = split(allow[room], to, " ")
	for (i = 1; i <= n; i++)
		reach(from, to[i])
}

function room_of(path,	part) {
	split(path, part, "/")
	if (part[1] == "module" && part[3] == "")
		return "module"
	if (part[1] == "bpf")
		return "bpf"
	return part[1] "/" part[2]
}

function exists(path,	line) {
	if (!(path in known)) {
		known[path] = (getline line < path) >= 0
		close(path)
	}
	return known[path]
}

# The file that an include in quotes means, as the -I of the Makefile have it.
function resolve(name,	dir) {
	dir = FILENAME
	sub(/[^\/]*$/, "", dir)
	if (exists(dir name))
		return dir name
	if (exists("user/" name))
		return "user/" name
	if (exists("module/" name))
		return "module/" name
	return ""
}

function wrong(why) {
	print FILENAME ":" FNR ": " why
	bad = 1
}

FNR == 1 {
	room = room_of(FILENAME)
	if (!(room in allow))
		wrong("no such room: " room)
}

/^[ \t]*#[ \t]*include[ \t]/ {
	name = $0
	sub(/^[ \t]*#[ \t]*include[ \t]*/, "", name)
	if (name ~ /^</) {
		sub(/^</, "", name)
		sub(/>.*/, "", name)
		# Pure C: the world comes in through env.h alone.
		if (room == "module/core" && FILENAME != "module/core/env.h")
			wrong("only env.h of the core includes the outside: <" name ">")
		if (room == "module/uapi" && name != "linux/types.h")
			wrong("uapi includes nothing but <linux/types.h>: <" name ">")
		next
	}
	sub(/^"/, "", name)
	sub(/".*/, "", name)
	if (name == "vmlinux.h") {
		if (room != "bpf")
			wrong("vmlinux.h is for bpf/ alone")
		next
	}
	if (name ~ /\.skel\.h$/) {
		if (!((room, "skeleton") in may))
			wrong(room " may not include a BPF skeleton: " name)
		next
	}
	path = resolve(name)
	if (path == "") {
		wrong("no such file: " name)
		next
	}
	if (path ~ /\.\.\//)
		wrong("say it from the root of the include path: " name)
	else if (!((room, room_of(path)) in may))
		wrong(room " may not include " room_of(path) ": " name)
}

END { exit bad }
'
