#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What runs in a guest: all that depends on the kernel, and of the kinds of hang those that the kernel takes part in, one of each.
# An emulated machine is some twenty times slower, so the table of all kinds stays on the machine itself, and watchdogs wait longer.
cd /lab || exit 1
export LOCKLAB_OUTPUT=/lab/.output LOCKLAB=/lab/.output/locklab

kinds="mutex_abba_normal mutex_abba_pi_parked mutex_abba_robust mutex_abba_timed mutex_abba_process_shared
	mutex_abba_pid_namespace mutex_self_pi mutex_cycle_16 rwlock_abba_prefer_writer condvar_lost_wakeup semaphore_nobody_posts
	barrier_one_short join_ring owner_thread_exited owner_tid_reused_by_thread processes_abba pipe_cycle pipe_and_waitpid
	socket_pair flock_abba record_lock_abba spin_abba futex_waitv cxx_mutex_abba"
tests=$(for kind in $kinds; do printf ' -r diagnose.%s.explains_it' "$kind"; done)
unprivileged="-r diagnose.mutex_abba_normal.explains_it_without_privilege -r diagnose.condvar_lost_wakeup.explains_it_without_privilege"

exec .output/run -o .output -x 4 \
	tests/observe/snapshot_test.c tests/observe/memory_test.c tests/observe/events_test.c tests/observe/jail_test.c \
	"cli/diagnose@600=.output/tests/cli/diagnose_test $tests" \
	"cli/diagnose-user@300=.output/tests/cli/diagnose_test $unprivileged" \
	"cli/watch@300=.output/tests/cli/watch_test -r watch.a_deadlock_is_reported_once_and_the_command_killed -r watch.with_events_as_well"
