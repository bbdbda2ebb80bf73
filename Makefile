# SPDX-License-Identifier: GPL-2.0
# locklab: the Linux concurrency lab. 'make help' lists what can be made.

O ?= .output
# The same folder by another name is no reason to build anew.
override O := $(patsubst $(CURDIR)/%,%,$(O))
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

# Debian packages. 'make setup' installs those that are missing; 'make run' is content with those that build.
build_packages := gcc libc6-dev clang bpftool libbpf-dev libelf-dev libdw-dev libjansson-dev uthash-dev \
	libseccomp-dev libcapstone-dev libiberty-dev zlib1g-dev
# The kernel's test harness, out of its source package; programs that hang; the kernel's way to run tests.
check_packages := xz-utils g++ procps rsync perl
# Pictures.
check_packages += graphviz
# make lint; clang finds the other machine's headers in libc6-dev-arm64-cross, no cross gcc is needed.
check_packages += clang-format cppcheck shellcheck mandoc libc6-dev-arm64-cross
# make core-kernel
check_packages += linux-headers-amd64
# make check-vm
check_packages += qemu-system-x86 busybox-static cpio kmod

CFLAGS ?= -O2 -g
LAB_CFLAGS := -std=gnu11 -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE -Iuser -Imodule -I$(O)/bpf $(WERROR)
TEST_CFLAGS := -Itests -isystem $(O)/kselftest
LAB_LIBS := -lm -lbpf -ldw -lelf -ljansson -lseccomp -lcapstone -liberty -lpthread
BPF_CFLAGS := -O2 -g -Wall -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -Imodule -I$(O)/bpf $(WERROR)
# Programs to look at: as users build theirs, no frame pointers, nothing of ours, no sanitizer ever.
PROGRAM_CFLAGS := -O2 -g -Wall -Wextra -Wno-unused-parameter -fomit-frame-pointer -pthread -D_GNU_SOURCE $(WERROR)

SAN :=
ifneq ($(SAN),)
SAN_FLAGS := -fsanitize=$(SAN) -fno-sanitize-recover=all -fno-omit-frame-pointer
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
# Suites that look at nothing but themselves (tests/run/run.c says how a source says so): for sanitizer builds.
live_src := $(if $(test_src),$(shell grep -lE '^[/*[:space:]]*suite:.*\<live\>' $(test_src)))
unit_bin := $(patsubst %.c,$(O)/%,$(filter-out $(live_src),$(test_src)))
test_bin := $(test_src:%.c=$(O)/%)
bench_bin := $(bench_src:%.c=$(O)/%)

man_pages := $(wildcard user/cli/*.1)
completion := $(wildcard user/cli/locklab.bash)
schema := $(wildcard user/report/locklab.schema.json)

obj = $(patsubst %.c,$(O)/obj/%.o,$(1))

.PHONY: all
all: $(O)/locklab $(O)/compile_commands.json ## build the command, .output/locklab (V=1 shows how, O=DIR builds there)

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

# Asked once: what is missing is said before compilers say it in their way. Elsewhere than on Debian, make tries nevertheless.
$(O)/tools:
	@mkdir -p $(@D)
	@if tests/setup.sh --check $(build_packages); then touch $@; else \
		echo "setup: or: make setup"; command -v $(CC) >/dev/null && command -v $(CLANG) >/dev/null; fi

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
$(O)/obj/%.o: %.c $(flags) | $(O)/tools
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(compile)
	@$(call entry,$(compile))

$(O)/compile_commands.json: $(call obj,user/cli/main.c $(cli_src) $(report_src) $(observe_src) $(core_src))
	@mkdir -p $(@D)
	@{ echo '['; find $(O)/obj -name '*.o.json' -exec cat {} + | sed '$$!s/$$/,/'; echo ']'; } >$@.tmp && mv $@.tmp $@

$(O)/bpf/vmlinux.h: $(O)/flags | $(O)/tools
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
	$(Q)$(if $(HARNESS),mkdir -p $(O) && for d in kernel kselftest checkpatch; do ln -sfn $(HARNESS)/$$d $(O)/$$d; done,tests/setup-harness.sh $(O))

$(test_bin) $(bench_bin): $(O)/%: $(O)/obj/%.o $(O)/libtests.a $(O)/libcli.a $(O)/libreport.a $(O)/libobserve.a $(O)/libcore.a
	$(say) LD $@
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(SAN_FLAGS) $(LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LAB_LIBS) $(TEST_LIBS)

# It has the schema in it, which no .d file knows.
$(call obj,tests/report/schema.c): user/report/locklab.schema.json

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

# What tests find in their environment.
run_environment = LOCKLAB_OUTPUT=$(abspath $(O)) LOCKLAB=$(abspath $(O))/locklab MAKE='$(MAKE)' KDIR='$(KDIR)'
run_suites = $(run_environment) $(O)/run -o $(O) $(if $(SUITE),-s '$(SUITE)')

.PHONY: tests check lint run setup bench
tests: $(O)/run $(test_bin) $(programs) ## build all tests and the programs they look at

# Packages first; a make of its own then sees what they brought. Everything that can be built is built before the first test runs.
check: setup ## run all tests; SUITE='core/wfg cli' only those
	@$(MAKE) --no-print-directory check-suites

.PHONY: check-suites
check-suites: all tests $(check_deps)
	@$(run_suites) $(test_src) $(test_sh) $(check_suites)

lint: ## judge the code by its looks: format, checkpatch, cppcheck, arrows, headers, scripts, licences
	@tests/setup.sh $(build_packages) $(check_packages)
	@$(MAKE) --no-print-directory lint-suites

.PHONY: lint-suites
lint-suites: $(O)/run $(O)/kernel/package $(O)/bpf/vmlinux.h $(skeletons)
	@$(run_suites) $(filter tests/lint/%,$(test_sh))

.PHONY: format
format: ## give all C files the form that lint wants
	$(Q)tests/lint/format.sh

run: ## set up, build, make a program hang, explain it
	@tests/setup.sh $(build_packages)
	@$(MAKE) --no-print-directory all $(O)/tests/hang/mutex_abba
	@tests/demo.sh $(O)

setup: ## install the Debian packages that are missing, or say which
	@tests/setup.sh $(build_packages) $(check_packages)

bench: all $(bench_bin) ## run the benchmarks
	$(Q)set -e; for bench in $(bench_bin); do echo "== $$bench"; $(run_environment) $$bench; done

# Sanitizers: a build of its own in each, and the suites that look at nothing but themselves. What is looked at is never built so.
.PHONY: tsan asan check-unit
tsan: $(O)/kernel/package ## run the unit tests under ThreadSanitizer
	@$(MAKE) --no-print-directory O=$(O)/tsan SAN=thread HARNESS=$(abspath $(O)) check-unit

asan: $(O)/kernel/package ## run the unit tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory O=$(O)/asan SAN=address,undefined HARNESS=$(abspath $(O)) check-unit

# Tests crash children on purpose: a sanitizer must not turn that into an exit.
check-unit: $(O)/run $(unit_bin)
	@$(run_environment) ASAN_OPTIONS=handle_segv=0 TSAN_OPTIONS=handle_segv=0 $(O)/run -u -t 900 -o $(O) $(if $(SUITE),-s '$(SUITE)') $(test_src)

# ---- the core as kernel code

KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) $(lastword $(sort $(wildcard /lib/modules/*/build))))

# Kbuild leaves its objects beside the sources: those it sees are links. Our O= is not for it.
.PHONY: core-kernel
core-kernel: ## compile module/core as kernel code, W=1 (KDIR=DIR: against those headers)
	@test -n "$(KDIR)" || { echo "no kernel headers: 'make setup', or KDIR=DIR" >&2; exit 3; }
	@mkdir -p $(O)/core-kernel/module/core $(O)/core-kernel/module/uapi
	@for f in Kbuild $(wildcard module/core/* module/uapi/*); do ln -sfn $(CURDIR)/$$f $(O)/core-kernel/$$f; done
	$(Q)MAKEFLAGS= $(MAKE) $(if $(V),V=$(V),-s) -C $(KDIR) M=$(abspath $(O))/core-kernel W=1 modules

# ---- install

.PHONY: install uninstall
install: $(O)/locklab ## install the command, its page and its completion (PREFIX=/usr/local DESTDIR=)
	$(say) INSTALL $(DESTDIR)$(PREFIX)/bin/locklab
	$(Q)install -D -m 755 $(O)/locklab $(DESTDIR)$(PREFIX)/bin/locklab
	$(Q)set -e; for page in $(man_pages); do install -D -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man1/$${page##*/}; done
	$(Q)set -e; for file in $(completion); do install -D -m 644 $$file $(DESTDIR)$(PREFIX)/share/bash-completion/completions/locklab; done
	$(Q)set -e; for file in $(schema); do install -D -m 644 $$file $(DESTDIR)$(PREFIX)/share/locklab/locklab.schema.json; done

uninstall: ## remove what install put there
	$(Q)rm -f $(DESTDIR)$(PREFIX)/bin/locklab $(DESTDIR)$(PREFIX)/share/bash-completion/completions/locklab \
		$(DESTDIR)$(PREFIX)/share/locklab/locklab.schema.json \
		$(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(notdir $(man_pages)))

# What a folder needs beyond the common rules. tests/vm/vm.mk: check-vm, and what check waits for and runs in its place
# (check_deps, check_suites).
include $(wildcard tests/*/*.mk user/*/*.mk)

.SECONDARY: $(bpf_src:bpf/%.bpf.c=$(O)/bpf/%.bpf.o)
.DELETE_ON_ERROR:
-include $(shell find $(O) -name '*.d' 2>/dev/null)

.PHONY: clean distclean help
clean: ## remove what was built (the downloaded test harness stays)
	$(Q)if [ -d $(O) ]; then find $(O) -mindepth 1 -maxdepth 1 ! -name kernel ! -name kselftest ! -name checkpatch -exec rm -rf {} +; fi

distclean: ## remove everything that make ever made
	$(Q)rm -rf $(O)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(filter-out %.d,$(MAKEFILE_LIST)) | expand -t 22
