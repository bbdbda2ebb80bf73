#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# suite: timeout=900
#
# The code, judged without running it.
cd "$(dirname "$0")/../.." || exit 1
. tests/ktap.sh
PATH=$PATH:/usr/sbin
out=${LOCKLAB_OUTPUT:-.output}
clang=${CLANG:-clang}
cflags="-std=gnu11 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -Iuser -Imodule -I$out/bpf -Itests -I$out/kselftest"

needs()
{
	command -v "$1" >/dev/null || { echo "no $1 (make setup)"; exit 4; }
}

# All files of the tree: what is not committed yet is judged as well.
files()
{
	find . \( -path ./.git -o -path ./.output -o -path ./LICENSES \) -prune -o -type f "$@" -print | sed 's|^\./||' | sort
}

c_files()
{
	files \( -name '*.c' -o -name '*.h' -o -name '*.cc' \)
}

scripts()
{
	files | while read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*.*) ;;
		*) ! head -n 1 "$file" | grep -qE '^#!.*\<(ba|da)?sh\>' || echo "$file" ;;
		esac
	done
	echo .ci/run
}

format()
{
	needs clang-format
	c_files | xargs clang-format --dry-run -Werror --ferror-limit=5
}

# Tabs count 8, a character 1. No line of prose or code is wider; a string that people search for and a table row may be (checkpatch).
columns()
{
	c_files | LC_ALL=C.UTF-8 xargs perl -CSD -ne '
		chomp;
		1 while s/^([^\t]*)\t/$1 . " " x (8 - length($1) % 8)/e;
		if (length > 100 && !/^[^"]*"[^"]*"[);,]*$/) { print "$ARGV:$.: ", length, " columns\n"; $bad = 1 }
		close ARGV if eof;
		END { exit ($bad // 0) }'
}

# What checkpatch says that does not fit a program:
#   PREFER_KERNEL_TYPES, PREFER_DEFINED_ATTRIBUTE_MACRO, ARRAY_SIZE, STRCPY, STRLCPY, ENOSYS, BIT_MACRO, SIZEOF_ADDRESS, MINMAX,
#   CONSIDER_KSTRTO, NAKED_SSCANF, SSCANF_TO_KSTRTO, DEEP_INDENTATION
#					name helpers that only the kernel has, or rules of its interfaces
#   LONG_LINE*				columns (above) counts strings, too
#   VOLATILE, AVOID_EXTERNS, MACRO_ARG_REUSE, COMPLEX_MACRO, MACRO_WITH_FLOW_CONTROL, SPLIT_STRING, MULTIPLE_ASSIGNMENTS, ASSIGN_IN_IF,
#   STATIC_CONST_CHAR_ARRAY, EMBEDDED_FUNCTION_NAME, INITIALISED_STATIC, USE_NEGATIVE_ERRNO, LINE_SPACING, CAMELCASE
#					taste, which the reader of a patch judges better
#   LEADING_SPACE, CODE_INDENT, OPEN_ENDED_LINE, PARENTHESIS_ALIGNMENT, MISSING_SPACE, QUOTED_WHITESPACE_BEFORE_NEWLINE
#					layout is clang-format's, strings are what they have to be
#   TYPO_SPELLING			its word list does not like "preemptable", which our JSON has
#   FILE_PATH_CHANGES, COMMIT_MESSAGE, SPDX_LICENSE_TAG, UNDOCUMENTED_DT_STRING, NEW_TYPEDEFS, CVS_KEYWORD, FSF_MAILING_ADDRESS
#					about patches and the kernel tree; the licence has a check of its own
ignored=PREFER_KERNEL_TYPES,PREFER_DEFINED_ATTRIBUTE_MACRO,ARRAY_SIZE,STRCPY,STRLCPY,ENOSYS,BIT_MACRO,MINMAX,CONSIDER_KSTRTO
ignored=$ignored,NAKED_SSCANF,SSCANF_TO_KSTRTO,DEEP_INDENTATION,LONG_LINE,LONG_LINE_COMMENT,LONG_LINE_STRING,VOLATILE,AVOID_EXTERNS
ignored=$ignored,MACRO_ARG_REUSE,COMPLEX_MACRO,MACRO_WITH_FLOW_CONTROL,SPLIT_STRING,MULTIPLE_ASSIGNMENTS,ASSIGN_IN_IF
ignored=$ignored,STATIC_CONST_CHAR_ARRAY,EMBEDDED_FUNCTION_NAME,INITIALISED_STATIC,USE_NEGATIVE_ERRNO,LINE_SPACING,CAMELCASE
ignored=$ignored,LEADING_SPACE,CODE_INDENT,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT,MISSING_SPACE,QUOTED_WHITESPACE_BEFORE_NEWLINE
ignored=$ignored,TYPO_SPELLING,FILE_PATH_CHANGES,COMMIT_MESSAGE,SPDX_LICENSE_TAG,NEW_TYPEDEFS

checkpatch()
{
	needs perl
	[ -f "$out/checkpatch/checkpatch.pl" ] || { echo "no checkpatch.pl in $out (make lint fetches it)"; return 4; }
	# env.h makes the kernel's short type names in user space: typedefs are its purpose.
	# It leaves a file where there is a .git.
	c_files | grep -vx -e module/core/env.h -e '.*\.cc' | sed "s|^|$PWD/|" |
		(cd "$out" && xargs perl checkpatch/checkpatch.pl --no-tree --no-summary --strict --terse --show-types --ignore "$ignored" -f) |
		sed "s|$PWD/||"
	return "${PIPESTATUS[2]}"
}

cpp_check()
{
	needs cppcheck
	mkdir -p "$out/cppcheck"
	# What is ours to keep right: programs that hang leak on purpose, and the harness is all macros. invalidFunctionArg: its table
	# forbids mmap(..., -1, 0). readdir and getpwuid are called by one thread. uninitvar:
	# gcc sees that better, and 'warnings' below asks it.
	find module user tests/run -name '*.c' | sort |
		xargs cppcheck -j2 --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
			--cppcheck-build-dir="$out/cppcheck" --error-exitcode=1 --suppress='*:/usr/include/*' \
			--suppress=missingIncludeSystem --suppress=varFuncNullUB --suppress=invalidFunctionArg \
			--suppress=uninitvar --suppress=readdirCalled --suppress=getpwuidCalled --library=posix \
			-Iuser -Imodule -D__x86_64__ -D_GNU_SOURCE '-DLIBBPF_OPTS(type,name,...)=struct type name = { __VA_ARGS__ }'
}

shell_check()
{
	needs shellcheck
	# Below a warning are matters of taste, and functions that 'check' calls by name.
	scripts | sort -u | xargs shellcheck -x -S warning
}

headers()
{
	bad=0
	for header in $(c_files | grep '\.h$' | grep -v '\.bpf\.h$'); do
		# Twice: the second time must be free.
		printf '#include "%s"\n#include "%s"\n' "$PWD/$header" "$PWD/$header" |
			gcc $cflags -Wno-unused-function -Werror -fsyntax-only -x c - || { echo "$header does not compile alone"; bad=1; }
	done
	for header in $(c_files | grep '\.bpf\.h$'); do
		printf '#include "vmlinux.h"\n#include "%s"\n' "$PWD/$header" |
			$clang -O2 -target bpf -D__TARGET_ARCH_x86 -Imodule -I"$out/bpf" -Werror -fsyntax-only -x c - ||
			{ echo "$header does not compile alone"; bad=1; }
	done
	return $bad
}

warnings()
{
	${MAKE:-make} --no-print-directory -j2 -k O="$out/werror" WERROR=-Werror HARNESS="$(realpath "$out")" all tests 2>&1 | tail -n 60
	return "${PIPESTATUS[0]}"
}

# The core and what it is made for must not know what machine they are on.
other_machine()
{
	needs "$clang"
	[ -d /usr/aarch64-linux-gnu/include ] || { echo "no headers for aarch64 (libc6-dev-arm64-cross)"; return 4; }
	bad=0
	for source in module/core/*.c user/report/*.c user/cli/*.c; do
		[ -f "$source" ] || continue
		$clang --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include -idirafter /usr/include \
			-O2 $cflags -Wno-gnu-variable-sized-type-not-at-end -Werror -c -o /dev/null "$source" || bad=1
	done
	for header in module/uapi/*.h; do
		$clang --target=aarch64-linux-gnu -isystem /usr/aarch64-linux-gnu/include -O2 $cflags -Werror -fsyntax-only -x c "$header" || bad=1
	done
	return $bad
}

# On line one (two in a script): the licence that CONVENTIONS gives the room, and its text is here.
licences()
{
	bad=0
	for file in $(files \( -name '*.[ch]' -o -name '*.cc' -o -name '*.sh' -o -name '*.mk' -o -name Makefile -o -name Kbuild \
		-o -name '*.bash' \)) .ci/run; do
		case $file in
		module/uapi/*) want="GPL-2.0 WITH Linux-syscall-note" ;;
		module/core/Kbuild) want="GPL-2.0" ;;
		module/core/*) want="GPL-2.0 OR LGPL-2.1-or-later" ;;
		user/*) want="LGPL-2.1-or-later" ;;
		*) want="GPL-2.0" ;;
		esac
		head -n 2 "$file" | sed '/^#!/d' | head -n 1 |
			grep -qE "^(//|/\*|#|\.\\\\\") SPDX-License-Identifier: $want( \*/)?\$" || { echo "$file: not $want"; bad=1; }
	done
	for text in GPL-2.0 LGPL-2.1 Linux-syscall-note; do
		grep -q '^License-Text:' "LICENSES/$text" || { echo "no text: LICENSES/$text"; bad=1; }
	done
	return $bad
}

# Where this tree lies, and whose it is, is nobody's business: no path of this machine in any file. Directories that every system
# has say nothing about this one.
no_path_of_here()
{
	top=$(dirname "$(realpath "$(git rev-parse --git-common-dir 2>/dev/null || echo .git)")")
	{
		printf '%s/\n' "$PWD" "$top" "$(dirname "$PWD")" "$(dirname "$top")" "${HOME:-}" |
			grep -vxE '/*|/(home|media|mnt|opt|root|run|src|srv|tmp|usr|usr/src|var|var/tmp)/'
		hostname 2>/dev/null | awk 'length > 5 && $0 != "localhost"'
	} | sort -u >"$out/places"
	! files | xargs grep -nIF -f "$out/places"
}

# The top of the tree says what the project is made of.
top_level()
{
	others=$(find . -mindepth 1 -maxdepth 1 | sed 's|^\./||' |
		grep -vxE 'Kbuild|Makefile|module|user|bpf|tests|README\.md|LICENSES|\.git|\.output|\.ci|\.gitignore|\.clang-format')
	[ -z "$others" ] || { echo "does not belong to the top level: $others"; return 1; }
}

completion()
{
	[ -f user/cli/locklab.bash ] || { echo "user/cli/locklab.bash is missing"; return 1; }
	bash -n user/cli/locklab.bash
}

manual()
{
	needs mandoc
	pages=$(files -name '*.1')
	[ -n "$pages" ] || { echo "no manual page"; return 1; }
	# shellcheck disable=SC2086
	mandoc -Tlint -Wwarning $pages
}

plan 14
check "clang-format changes nothing" format
check "no line is wider than 100 columns" columns
check "checkpatch has nothing to say" checkpatch
check "cppcheck has nothing to say" cpp_check
check "includes go along the arrows" tests/lint/arrows.sh
check "each header compiles alone" headers
check "everything compiles without a warning" warnings
check "the core, the faces and the contract compile for aarch64" other_machine
check "shellcheck has nothing to say" shell_check
check "the licence is on line one, and its text in LICENSES" licences
check "no path of this machine" no_path_of_here
check "nothing else at the top level" top_level
check "the bash completion is bash" completion
check "the manual page is without fault" manual
finish
