/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * inspect - what stack.c and its child (unwind.c, symbol.c, in the jail) say to each other
 *
 * The child gets a struct inspect_job with its memory, asks struct inspect_question, and answers a
 * sequence of struct inspect_reply. Nothing in a question or reply is a pointer, and stack.c
 * believes none of it.
 */
#ifndef LOCKLAB_OBSERVE_INSPECT_H
#define LOCKLAB_OBSERVE_INSPECT_H

#include "core/env.h"
#include "jail.h"
#include "uapi/snapshot.h"

#define INSPECT_MAX_FRAMES 64 /* a stack */
#define INSPECT_MAX_NAME   512 /* bytes of a function or lock name */
#define INSPECT_MAX_FILE   1024 /* bytes of a source path */
#define INSPECT_MAX_INLINE 16 /* functions inlined into one place */
#define INSPECT_PAGE	   4096 /* granularity of memory questions */
#define INSPECT_NONE	   (~0u)

/* How far a module is trusted: lowered after it crashed or held up a child. */
enum inspect_trust {
	TRUST_ALL,
	TRUST_NO_DEBUG, /* its DWARF is not read */
	TRUST_NOTHING, /* nor its ELF */
};

/**
 * struct inspect_module - a mapped ELF file, by its mappings in a row
 * @start: lowest address
 * @end: past the last mapping of the file
 * @data_end: past the anonymous memory that continues it (.bss), or @end
 * @trust: enum inspect_trust
 * @vdso: not a file, to be read from memory
 * @late: came with the system: its DWARF is read last, and not searched for variables
 * @runtime: the C library: names from its ELF symbols only. Where in libc a thread sleeps tells
 * nobody anything, and its compressed
 *	debug file costs more than all the rest
 */
struct inspect_module {
	u64 start, end, data_end;
	u32 trust;
	bool vdso, late, runtime;
};

struct inspect_range {
	u64 start, end;
};

/**
 * struct inspect_stack - a thread to unwind
 * @regs: by enum lab_reg
 * @whole: all of them; otherwise only SP and IP
 * @in_call: it is in a system call: IP is past the instruction that made it
 * @start: address of @bytes
 */
struct inspect_stack {
	u64 regs[LAB_NR_REGS];
	bool whole, in_call;
	u32 tid;
	u64 start;
	size_t size;
	const u8 *bytes;
};

struct inspect_job {
	const struct inspect_module *modules; /* sorted by address */
	u32 nr_modules;
	const struct inspect_range *code; /* executable mappings, sorted */
	u32 nr_code;
	const struct inspect_stack *stacks;
	u32 nr_stacks;
	const u64 *addresses; /* of locks, to be named */
	u32 nr_addresses;
	u64 deadline_ns;
};

enum inspect_what {
	ASK_FILE, /* the file of @module: a descriptor */
	ASK_BUILD_ID, /* the debug file with the build ID in @bytes: a descriptor */
	ASK_DEBUG_LINK, /* the debug file of @module with the name in @bytes: a descriptor */
	ASK_MEMORY, /* the page at @address: up to INSPECT_PAGE bytes */
};

struct inspect_question {
	u32 what;
	u32 module;
	u64 address;
	u32 size;
	u8 bytes[256];
};

enum inspect_says {
	SAYS_WORKING, /* about to read @module: @code is the trust that this takes */
	/* next outer frame of stack @index: @address is its pc, @lookup the one to name it by */
	SAYS_FRAME,
	SAYS_END, /* of stack @index: @code is an enum inspect_end, @module where */
	SAYS_FUNCTION, /* the ELF symbol at @lookup: @function */
	SAYS_PLACE, /* source of @lookup, innermost function first; @code 1 on the last one */
	SAYS_NO_FILE, /* the file of @module can not be had */
	/* name of the lock @index: @function; @code is an enum inspect_quality, the highest wins */
	SAYS_LOCK,
};

enum inspect_end {
	END_WHOLE, /* reached the outermost frame */
	END_DEEP, /* more than INSPECT_MAX_FRAMES */
	END_NO_CFI, /* no unwind information in @module, and no frame pointer */
	END_LOST, /* a return address that is not in code */
	END_FAILED, /* its unwind information did not make sense */
	END_UNREAD, /* the stack could not be read */
};

enum inspect_quality {
	QUALITY_REGION,
	QUALITY_ELF,
	QUALITY_REACHED,
	QUALITY_DWARF
};

/* Followed by @function_size and @file_size bytes of text, padded to 8. */
struct inspect_reply {
	u16 says;
	u16 code;
	u32 index;
	u32 module;
	u32 line;
	u64 address;
	u64 lookup;
	u16 function_size;
	u16 file_size;
	u32 zero;
};

/* The child's function; @job is a struct inspect_job. */
void inspect_run(struct jail_child *child, void *job);

#endif
