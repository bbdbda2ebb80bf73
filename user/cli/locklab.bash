# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# bash completion for locklab. Works with the package bash-completion and without.

# PIDs that begin with $1: those of one's own processes (root's are all). Where there are several, each has its name, which a
# chosen word does not keep: a terminal shows "4711 (bank)", and the word is 4711.
_locklab_pids()
{
	local cur=$1 dir pid name=
	local -a found=()

	for dir in /proc/"$cur"[0-9]* /proc/"$cur"; do
		pid=${dir#/proc/}
		[[ $pid =~ ^[1-9][0-9]*$ && ( $EUID -eq 0 || -O $dir ) ]] || continue
		# A kernel thread and a zombie have no command line, and nothing to explain. Any may be gone by now.
		name=
		{ IFS= read -r -d '' name <"$dir/cmdline"; } 2>/dev/null
		[[ -n $name ]] || continue
		{ read -r name <"$dir/comm"; } 2>/dev/null || continue
		# What a process calls itself is its own choice: only what is harmless is shown.
		found+=("$pid (${name//[^[:alnum:]._:+-]/?})")
	done
	if [[ ${#found[@]} -eq 1 ]]; then
		COMPREPLY+=("${found[0]%% *}")
	else
		COMPREPLY+=("${found[@]}")
	fi
}

_locklab()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} verb=${COMP_WORDS[1]} i
	local verbs='diagnose watch help'
	local diagnose='-a --all -j --json -d --dot -s --svg -o --output --stacks --no-stacks --no-held --source --timeout
		--color -v --verbose -h --help'
	local watch='-p --pid -i --interval -e --events -1 --exit-on-finding --once -k --kill-on-finding --timeout -j --json
		-o --output --source --color -v --verbose -h --help'

	COMPREPLY=()
	# "--color=al" comes as three words where = breaks words.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]] && ((COMP_CWORD > 1)); then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$verbs -h --help --version" -- "$cur")
		return
	fi
	if [[ $verb == watch ]]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			[[ ${COMP_WORDS[i]} == -- ]] || continue
			# The command: as the shell would complete it, and its arguments as files.
			if ((i + 1 == COMP_CWORD)); then
				mapfile -t COMPREPLY < <(compgen -c -- "$cur")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$cur")
				compopt -o filenames 2>/dev/null
			fi
			return
		done
	fi
	case $prev in
	--color)
		mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$cur")
		return
		;;
	--source)
		mapfile -t COMPREPLY < <(compgen -W 'bpf proc' -- "$cur")
		return
		;;
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		compopt -o filenames 2>/dev/null
		return
		;;
	-p | --pid)
		_locklab_pids "$cur"
		return
		;;
	-i | --interval | --timeout | --stacks)
		return
		;;
	esac
	case $verb in
	diagnose)
		if [[ $cur == -* ]]; then
			mapfile -t COMPREPLY < <(compgen -W "$diagnose" -- "$cur")
		else
			_locklab_pids "$cur"
		fi
		;;
	watch)
		mapfile -t COMPREPLY < <(compgen -W "$watch --" -- "$cur")
		;;
	help)
		mapfile -t COMPREPLY < <(compgen -W 'diagnose watch' -- "$cur")
		;;
	esac
}

complete -F _locklab locklab
