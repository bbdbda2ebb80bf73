# SPDX-License-Identifier: LGPL-2.1-or-later
# What it costs to be watched: needs root, a quiet machine and a few minutes.

$(O)/user/bench/watch_bench: user/bench/watch_bench.c $(flags)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LAB_CFLAGS) -MMD -MP -MF $@.d -o $@ $< -lpthread

.PHONY: bench-watch
bench-watch: all $(O)/user/bench/watch_bench ## measure what being watched costs, and how soon a deadlock is told (REPEATS=7)
	$(Q)$(run_environment) $(O)/user/bench/watch_bench $(REPEATS)
