/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inspector - what unwind.c and symbol.c share inside the jail
 */
#ifndef LOCKLAB_OBSERVE_INSPECTOR_H
#define LOCKLAB_OBSERVE_INSPECTOR_H

#include <elfutils/libdwfl.h>

#include "inspect.h"

#define PAGE_SLOTS 1024

struct cu_range {
	u64 start, end; /* in the file's own addresses */
	Dwarf_Off cu; /* offset of the unit's DIE */
};

/**
 * struct module_state - what is known of a module so far
 * @dwarf: NULL: none, or not asked yet (@dwarf_asked)
 * @bias: of @dwarf: file address + bias = run-time address
 * @ranges: which unit covers which addresses, sorted; NULL not built
 */
struct module_state {
	Dwfl_Module *dwfl;
	Dwarf *dwarf;
	Dwarf *alternate;
	u64 bias;
	bool dwarf_asked;
	bool file_asked;
	bool ranges_built;
	struct cu_range *ranges;
	size_t nr_ranges;
};

struct frame_state {
	u64 pc, lookup;
	u64 regs[LAB_NR_REGS];
	u32 known; /* bits of regs */
	u32 module;
};

struct stack_state {
	struct frame_state *frames;
	u32 nr_frames;
};

struct page {
	u64 address;
	u32 size;
	bool used;
	u8 *bytes;
};

struct inspector {
	struct jail_child *child;
	const struct inspect_job *job;
	Dwfl *dwfl;
	struct module_state *modules;
	struct stack_state *stacks;
	u64 *lookups; /* distinct, sorted by first appearance */
	u32 *lookup_modules;
	u32 nr_lookups;
	struct page pages[PAGE_SLOTS];
	u32 working_module, working_trust;
	u32 current; /* stack being unwound */
	bool unread; /* memory could not be read since its last frame */
};

/* unwind.c */
bool inspector_read(struct inspector *in, u64 address, void *buffer, size_t size);
u32 inspector_module_at(const struct inspector *in,
			u64 address); /* INSPECT_NONE if none; its data included */
void inspector_working(struct inspector *in, u32 module, enum inspect_trust trust);
void inspector_say(struct inspector *in, struct inspect_reply *reply, const char *function,
		   const char *file);
ssize_t inspector_ask(struct inspector *in, const struct inspect_question *question, void *answer,
		      size_t size, int *fd);
bool inspector_late(const struct inspector *in, u64 before_ns); /* fewer than @before_ns are left */

/* symbol.c */
char *symbol_demangle(const char *name); /* malloced; NULL without memory */
void symbol_functions(struct inspector *in); /* of all lookups, from ELF */
void symbol_places(struct inspector *in); /* of all lookups, from DWARF */
void symbol_locks_from_elf(struct inspector *in);
void symbol_locks_from_dwarf(struct inspector *in);
int symbol_find_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **found);

#endif
