# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For tests in shell: source it, then plan N, and check NAME COMMAND... N times (or pass, fail, skip). A command that exits with 4 is
# a skip, and the last line that it printed the reason.

ktap_nr=0
ktap_failed=0
ktap_skipped=0

plan()
{
	echo "TAP version 13"
	echo "1..$1"
}

pass()
{
	ktap_nr=$((ktap_nr + 1))
	echo "ok $ktap_nr $1"
}

# fail NAME [what the reader should know]
fail()
{
	ktap_nr=$((ktap_nr + 1))
	ktap_failed=$((ktap_failed + 1))
	if [ -n "${2:-}" ]; then
		printf '%s\n' "$2" | sed 's/^/# /'
	fi
	echo "not ok $ktap_nr $1"
}

# skip NAME REASON
skip()
{
	ktap_nr=$((ktap_nr + 1))
	ktap_skipped=$((ktap_skipped + 1))
	echo "ok $ktap_nr $1 # SKIP $2"
}

# check NAME COMMAND...
check()
{
	ktap_name=$1
	shift
	ktap_status=0
	ktap_output=$("$@" 2>&1) || ktap_status=$?
	case $ktap_status in
	0) pass "$ktap_name" ;;
	4) skip "$ktap_name" "$(printf '%s\n' "$ktap_output" | tail -n 1)" ;;
	*) fail "$ktap_name" "$ktap_output
exit status $ktap_status" ;;
	esac
}

finish()
{
	[ "$ktap_failed" -eq 0 ] || exit 1
	exit 0
}
