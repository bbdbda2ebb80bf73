#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Formats the C files named, or all: comments and code to at most 100 columns, the rest as clang-format has it. Lines of code that
# fit are never joined or broken: where they break is for people to say.
set -eu

if [ $# -eq 0 ]; then
	cd "$(dirname "$0")/../.."
	# shellcheck disable=SC2046 # no file of ours has a space in its name
	set -- $(find module user bpf tests -name '*.[ch]' -o -name '*.cc')
fi

perl -CSD -i -e '
use strict;
use warnings;

sub width
{
	my $line = shift;
	1 while $line =~ s/^([^\t]*)\t/$1 . " " x (8 - length($1) % 8)/e;
	return length($line);
}

# The longest head of @words that fits behind $prefix; at least one word.
sub head
{
	my ($prefix, @words) = @_;
	my $nr = 1;
	$nr++ while $nr < @words && width($prefix . join(" ", @words[0 .. $nr])) <= 100;
	return $nr;
}

sub block
{
	my ($indent, $text) = @_;
	my @words = split(/ +/, $text);
	my @lines = ("$indent/*");
	while (@words) {
		push @lines, "$indent * " . join(" ", splice(@words, 0, head("$indent * ", @words)));
	}
	return (@lines, "$indent */");
}

sub format_lines
{
	my @in = @_;
	my @out;
	while (@in) {
		my $line = shift @in;
		if (width($line) <= 100) {
			push @out, $line;
		} elsif ($line =~ m{^(\s*)/\* (.*\S) ?\*/$}) {
			push @out, block($1, $2);
		} elsif ($line =~ m{^(\s*)([^\s/#*][^"]*?)\s*/\*\s*(.*\S)\s*\*/$}) {
			# A comment behind code goes before it.
			my ($indent, $code, $text) = ($1, $2, $3);
			my $one = "$indent/* $text */";
			push @out, width($one) <= 100 ? $one : block($indent, $text);
			push @out, "$indent$code";
		} elsif ($line =~ m{^(\s*)(/\*| \*)( +)(\S.*)$} && $line !~ m{\*/.*\S}) {
			# Inside a comment: what is too much goes to the next line, or one of its own before a new paragraph.
			my ($indent, $mark, $gap, $text) = ($1, $2, $3, $4);
			my $prefix = "$indent$mark$gap";
			my @words = split(/ /, $text);
			my $nr = head($prefix, grep { 1 } @words);
			push @out, $prefix . join(" ", splice(@words, 0, $nr));
			next if !@words;
			my $rest = join(" ", @words);
			$prefix = "$indent *$gap";
			if ($rest ne "*/" && @in && $in[0] =~ m{^\Q$indent\E \* {1,3}([^\s@*|-][^\t]*?)$} && $in[0] !~ m{ {3,}\S+ {2,}}) {
				$in[0] = "$prefix$rest $1";
			} elsif ($rest eq "*/") {
				unshift @in, "$indent */";
			} else {
				unshift @in, "$prefix$rest";
			}
		} else {
			push @out, $line;
		}
	}
	return @out;
}

local $/;
while (<>) {
	print join("\n", format_lines(split(/\n/, $_, -1)));
}' "$@"
clang-format -i "$@"

style=$(mktemp)
trap 'rm -f "$style"' EXIT
sed 's/^ColumnLimit:.*/ColumnLimit: 100/' .clang-format >"$style"
for file; do
	lines=$(expand "$file" | awk 'length > 100 { print "--lines=" NR ":" NR }')
	# shellcheck disable=SC2086 # a list of words
	[ -z "$lines" ] || clang-format -i --style=file:"$style" $lines "$file"
done
clang-format -i "$@"
