# SPDX-License-Identifier: GPL-2.0
# locklab: the Linux concurrency lab. 'make help' lists what can be made.

O ?= .output
CC ?= gcc
CXX ?= g++
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
PREFIX ?= /usr/local
VMLINUX ?= /sys/kernel/btf/vmlinux

# The environment's CC=cc is fine; make's own default is too.
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CXX),default)
CXX := g++
endif

# Debian packages, by what needs them. 'make setup' installs those that are missing.
packages := gcc libc6-dev clang bpftool libbpf-dev libelf-dev libdw-dev libjansson-dev uthash-dev libseccomp-dev libcapstone-dev
packages += xz-utils			# the kernel's test harness, out of its source package
packages += g++ procps rsync perl	# make check: programs that hang, the kernel's way of running tests
packages += graphviz			# diagnose --svg
packages += clang-format cppcheck shellcheck mandoc libc6-dev-arm64-cross	# make lint
packages += linux-headers-amd64		# make core-kernel
packages += qemu-system-x86 busybox-static cpio kmod	# make check-vm

CFLAGS ?= -O2 -g
LAB_CFLAGS := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -Iuser -Imodule -I$(O)/bpf
TEST_CFLAGS := -Itests -isystem $(O)/kselftest
LAB_LIBS := -lm -lbpf -ldw -lelf -ljansson -lseccomp -lcapstone -lpthread
BPF_CFLAGS := -O2 -g -Wall -target bpf -D__TARGET_ARCH_x86 -Imodule -I$(O)/bpf
# Programs to look at: as users build theirs, no frame pointers, nothing of ours, no sanitizer ever.
PROGRAM_CFLAGS := -O2 -g -Wall -Wextra -Wno-unused-parameter -fomit-frame-pointer -pthread -D_GNU_SOURCE

SAN :=
ifneq ($(SAN),)
SAN_FLAGS := -fsanitize=$(SAN) -fno-omit-frame-pointer
endif

ifeq ($(V),1)
Q :=
say := @:
else
Q := @
say = @printf '  %-8s %s\n'
endif

core_src := $(wildcard module/core/*.c)
observe_src := $(wildcard user/observe/*.c)
report_src := $(wildcard user/report/*.c)
cli_src := $(filter-out user/cli/main.c,$(wildcard user/cli/*.c))
bpf_src := $(wildcard bpf/*.bpf.c)
skeletons := $(bpf_src:bpf/%.bpf.c=$(O)/bpf/%.skel.h)

# tests/ROOM/X_test.c and X_bench.c are programs, linked with the rooms; other .c files there are shared by all of them.
# tests/{hang,healthy,hostile}/X.c or .cc are programs to look at, each on its own.
program_dirs := tests/hang tests/healthy tests/hostile
programs_c := $(wildcard $(addsuffix /*.c,$(program_dirs)))
programs_cc := $(wildcard $(addsuffix /*.cc,$(program_dirs)))
programs := $(programs_c:%.c=$(O)/%) $(programs_cc:%.cc=$(O)/%)
other_test_dirs := $(program_dirs) tests/vm tests/run
test_c := $(filter-out $(addsuffix /%,$(other_test_dirs)),$(sort $(wildcard tests/*.c tests/*/*.c)))
test_src := $(filter %_test.c,$(test_c)) $(wildcard tests/run/*_test.c)
bench_src := $(filter %_bench.c,$(test_c))
tests_src := $(filter-out %_test.c %_bench.c,$(test_c))
test_sh := $(sort $(wildcard tests/*_test.sh tests/*/*_test.sh))
test_bin := $(test_src:%.c=$(O)/%)
bench_bin := $(bench_src:%.c=$(O)/%)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

.PHONY: all
all: $(if $(wildcard user/cli/main.c),$(O)/locklab) $(O)/compile_commands.json ## build the command, .output/locklab (V=1: show commands; O=DIR: build there)

$(O)/locklab: $(call obj,user/cli/main.c) $(O)/libcli.a $(O)/libreport.a $(O)/libobserve.a $(O)/libcore.a
	$(say) LD $@
	$(Q)$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LAB_LIBS)

# What things are made with and of, in files that change only when it does: everything depends on the first, so that other flags
# build everything anew; an archive depends on the list of its members, so that a removed source file leaves it.
define keep
$(1): $(O)/always
	@mkdir -p $$(@D)
	@printf '%s\n' '$$(subst ','\'',$(2))' | cmp -s - $$@ || printf '%s\n' '$$(subst ','\'',$(2))' >$$@
endef
.PHONY: $(O)/always
$(O)/always:

$(eval $(call keep,$(O)/flags,$$(CC) $$(CXX) $$(CLANG) $$(BPFTOOL) $$(CFLAGS) $$(SAN_FLAGS) $$(LDFLAGS) $$(LAB_CFLAGS) $$(TEST_CFLAGS) $$(LAB_LIBS) $$(BPF_CFLAGS) $$(PROGRAM_CFLAGS)))
flags := $(O)/flags Makefile

define archive
$(eval $(call keep,$(O)/lib$(1).members,$$($(1)_src)))
$(O)/lib$(1).a: $$(call obj,$$($(1)_src)) $(O)/lib$(1).members
	$$(say) AR $$@
	$$(Q)rm -f $$@ && ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach room,core observe report cli tests,$(eval $(call archive,$(room))))

# Before there is a .d file that says which skeletons it needs, a file waits for all.
$(call obj,$(observe_src) $(cli_src) $(test_src) $(bench_src)): | $(skeletons)
$(call obj,$(test_src) $(bench_src) $(tests_src)): | $(O)/kernel/package

comma := ,
# One entry of compile_commands.json beside each object file.
entry = printf '{"directory": "%s"$(comma) "file": "%s"$(comma) "command": "%s"}\n' '$(CURDIR)' '$<' '$(subst ",\\",$(1))' >$@.json

compile = $(CC) $(CFLAGS) $(SAN_FLAGS) $(LAB_CFLAGS) $(if $(filter tests/%,$<),$(TEST_CFLAGS)) -MMD -MP -c -o $@ $<
$(O)/obj/%.o: %.c $(flags)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(compile)
	@$(call entry,$(compile))

$(O)/compile_commands.json: $(call obj,$(wildcard user/cli/main.c) $(cli_src) $(report_src) $(observe_src) $(core_src))
	@mkdir -p $(@D)
	@{ echo '['; find $(O)/obj -name '*.o.json' -exec cat {} + | sed '$$!s/$$/,/'; echo ']'; } >$@.tmp && mv $@.tmp $@

$(O)/bpf/vmlinux.h: $(O)/flags
	$(say) BTF $@
	@mkdir -p $(@D)
	@if [ ! -r $(VMLINUX) ]; then \
		echo "no $(VMLINUX): this kernel has no BTF; make VMLINUX=FILE takes it from a kernel that has" \
			"(FILE: a vmlinux, as $(O)/checkpatch/extract-vmlinux gets it out of /boot/vmlinuz-* of a linux-image package)" >&2; \
		exit 1; \
	fi
	$(Q)$(BPFTOOL) btf dump file $(VMLINUX) format c > $@.tmp && { cmp -s $@.tmp $@ || mv $@.tmp $@; } && touch $@

$(O)/bpf/%.bpf.o: bpf/%.bpf.c $(O)/bpf/vmlinux.h $(flags)
	$(say) BPF $<
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/bpf/%.skel.h: $(O)/bpf/%.bpf.o
	$(say) SKEL $@
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@.tmp && mv $@.tmp $@

# ---- tests

$(O)/kernel/package: tests/setup-harness.sh
	@tests/setup-harness.sh $(O)

$(test_bin) $(bench_bin): $(O)/%: $(O)/obj/%.o $(O)/libtests.a $(O)/libcli.a $(O)/libreport.a $(O)/libobserve.a $(O)/libcore.a
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LAB_LIBS) $(TEST_LIBS)

$(programs_c:%.c=$(O)/%): $(O)/%: %.c $(flags)
	$(say) PROG $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(PROGRAM_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(PROGRAM_LIBS)

$(programs_cc:%.cc=$(O)/%): $(O)/%: %.cc $(flags)
	$(say) PROG $<
	@mkdir -p $(@D)
	$(Q)$(CXX) -std=c++17 $(PROGRAM_CFLAGS) -MMD -MP -MF $@.d -o $@ $< $(PROGRAM_LIBS)

$(O)/run: tests/run/run.c $(flags)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -std=gnu11 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -MMD -MP -MF $@.d -o $@ $<

run_suites = LOCKLAB_OUTPUT=$(abspath $(O)) LOCKLAB=$(abspath $(O))/locklab $(O)/run -o $(O) $(if $(SUITE),-s '$(SUITE)')

.PHONY: tests
tests: $(O)/run $(test_bin) $(programs) ## build all tests and the programs they look at

.PHONY: check
check: all tests ## run all tests (SUITE='core/wfg cli': only those)
	@$(run_suites) $(test_src) $(test_sh) $(check_suites)

include tests/hang/hang.mk
-include tests/vm/vm.mk

.SECONDARY:
.DELETE_ON_ERROR:
-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: clean distclean help
clean: ## remove what was built (the downloaded test harness stays)
	$(Q)if [ -d $(O) ]; then find $(O) -mindepth 1 -maxdepth 1 ! -name kernel ! -name kselftest ! -name checkpatch -exec rm -rf {} +; fi

distclean: ## remove everything that make ever made
	$(Q)rm -rf $(O)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(filter-out %.d,$(MAKEFILE_LIST)) | expand -t 22
