# SPDX-License-Identifier: GPL-2.0
# locklab: the Linux concurrency lab. 'make help' lists what can be made.

O ?= .output
CC ?= gcc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)

CFLAGS ?= -O2 -g
LAB_CFLAGS := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -Iuser -Imodule -I$(O)/bpf
LAB_LIBS := -lbpf -ldw -lelf -ljansson -lseccomp -lcapstone -lpthread
BPF_CFLAGS := -O2 -g -Wall -target bpf -D__TARGET_ARCH_x86 -Imodule -I$(O)/bpf

ifeq ($(V),1)
Q :=
say :=
else
Q := @
say = @printf '  %-8s %s\n'
endif

core_src := $(wildcard module/core/*.c)
observe_src := $(wildcard user/observe/*.c)
report_src := $(wildcard user/report/*.c)
cli_src := $(wildcard user/cli/*.c)
bpf_src := $(wildcard bpf/*.bpf.c)
skeletons := $(bpf_src:bpf/%.bpf.c=$(O)/bpf/%.skel.h)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

.PHONY: all clean
all: $(O)/locklab

$(O)/locklab: $(call obj,$(cli_src)) $(O)/libreport.a $(O)/libobserve.a $(O)/libcore.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LAB_LIBS)

define archive
$(O)/lib$(1).a: $$(call obj,$$($(1)_src))
	$$(say) AR $$@
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach room,core observe report,$(eval $(call archive,$(room))))

$(call obj,$(observe_src)): | $(skeletons)

$(O)/obj/%.o: %.c
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LAB_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/bpf/vmlinux.h:
	$(say) BTF $@
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) btf dump file /sys/kernel/btf/vmlinux format c > $@.tmp && mv $@.tmp $@

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/bpf/vmlinux.h
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

.SECONDARY:
-include $(shell find $(O) -name '*.d' 2>/dev/null)

clean:
	$(Q)rm -rf $(O)
