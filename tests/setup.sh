#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Installs those of the Debian packages named on the command line that are missing: through apt as root or through sudo, otherwise
# says which and how. With --check it only says. Exit status: 0 all there, 3 something is missing.
set -eu

check=
if [ "${1:-}" = --check ]; then
	check=yes
	shift
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "setup: no apt here; install what these Debian packages hold: $*" >&2
	exit 3
fi

# An unknown package is an error to dpkg-query, and not printed: missing too.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
missing=
for package; do
	case "
$installed
" in
	*"
$package
"*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

command="apt-get install --no-install-recommends$missing"
if [ "$(id -u)" -eq 0 ]; then
	as_root=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
	as_root=sudo
else
	as_root=none
fi

if [ -n "$check" ] || [ "$as_root" = none ]; then
	{
		echo "setup: missing packages:$missing"
		echo "setup: as root: $command"
	} >&2
	exit 3
fi

apt()
{
	# sudo keeps no environment, so env sets it behind sudo.
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}

# What apt can not simulate it has no list of, or an old one.
# shellcheck disable=SC2086 # a list of words
if ! apt -s install --no-install-recommends $missing >/dev/null 2>&1; then
	echo "setup: reading the package lists"
	apt update >/dev/null
fi
echo "setup: installing$missing"
# shellcheck disable=SC2086
if ! apt install --no-install-recommends $missing; then
	# A list may name a version that has since been replaced.
	apt update >/dev/null
	# shellcheck disable=SC2086
	apt install --no-install-recommends $missing || {
		echo "setup: apt could not install them all; as root: $command" >&2
		exit 3
	}
fi
