# SPDX-License-Identifier: GPL-2.0
# What some programs of tests/hang need beyond the common rule.

$(O)/tests/hang/mutex_static: PROGRAM_LIBS += -static
$(O)/tests/hang/mutex_static: tests/hang/mutex_abba.c
$(O)/tests/hang/plugin: | $(O)/tests/hang/plugin.so

$(O)/tests/hang/plugin.so: tests/hang/plugin/plugin.c tests/hang/stage.h $(flags)
	$(say) PROG $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(PROGRAM_CFLAGS) -fPIC -shared -o $@ $<
