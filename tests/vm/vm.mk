# SPDX-License-Identifier: GPL-2.0
# Other kernels than the one we run on: the suites that look at running programs, in QEMU, on Debian's 6.1 and 6.12.

vm_kernels := 6.1 6.12
vm_suites := $(wildcard tests/observe/*_test.c tests/cli/*_test.c)	# packed; guest-suites.sh says which of them run

$(O)/vm/leave: tests/vm/leave.c $(flags)
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -O2 -Wall -static -o $@ $<

$(O)/vm/initramfs: tests/vm/initramfs.sh tests/vm/guest-init.sh tests/vm/guest-suites.sh $(O)/vm/leave $(O)/locklab $(O)/run $(vm_suites:%.c=$(O)/%) $(programs)
	$(say) CPIO $@
	$(Q)tests/vm/initramfs.sh $(O) $(vm_suites)

$(O)/vm/%/vmlinuz: tests/vm/fetch-kernel.sh
	@mkdir -p $(O)/vm
	@tests/vm/fetch-kernel.sh $(O) $*

vm_ready := $(O)/vm/initramfs $(vm_kernels:%=$(O)/vm/%/vmlinuz)
# @N: seconds that a guest may take.
vm_checks := $(foreach kernel,$(vm_kernels),'vm/$(kernel)@1200=tests/vm/vm.sh $(O) $(kernel)')

check-suites: $(vm_ready)
check_suites += $(vm_checks)

.PHONY: check-vm
check-vm: $(O)/run $(vm_ready) ## run the suites that look at programs on Debian's 6.1 and 6.12 in QEMU (KERNEL=vmlinuz: on that one)
	@$(run_suites) $(if $(KERNEL),'vm/given@1200=tests/vm/vm.sh $(O) $(abspath $(KERNEL))',$(vm_checks))
