/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * unwind - the child's half of stack.c: from copied stacks to frames, by libdwfl
 *
 * Runs in the jail only. Order is by worth: return addresses of all stacks first, then names that
 * cost little (ELF symbols), then what costs most (DWARF); each is answered as soon as it is known,
 * so that a deadline or a crash takes the rest only.
 *
 * Unwinding is by call frame information (DWARF 5, 6.4; .eh_frame of the x86-64 psABI), with
 * libdwfl's frame-pointer walk where a module has none. A frame counts only if its address lies in
 * executable memory.
 */
#include "inspector.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

bool inspector_late(const struct inspector *in, u64 before_ns)
{
	return jail_now_ns() + before_ns >= in->job->deadline_ns;
}

void inspector_say(struct inspector *in, struct inspect_reply *reply, const char *function,
		   const char *file)
{
	u8 buffer[sizeof(*reply) + INSPECT_MAX_NAME + INSPECT_MAX_FILE + 8] = { 0 };
	size_t size = sizeof(*reply);

	reply->function_size = function ? strnlen(function, INSPECT_MAX_NAME) : 0;
	reply->file_size = file ? strnlen(file, INSPECT_MAX_FILE) : 0;
	memcpy(buffer, reply, sizeof(*reply));
	if (function)
		memcpy(buffer + size, function, reply->function_size);
	size += reply->function_size;
	if (file)
		memcpy(buffer + size, file, reply->file_size);
	size += reply->file_size;
	jail_reply(in->child, buffer, (size + 7) & ~7ul);
}

void inspector_working(struct inspector *in, u32 module, enum inspect_trust trust)
{
	struct inspect_reply reply = { .says = SAYS_WORKING, .module = module, .code = trust };

	if (module == in->working_module && trust == in->working_trust)
		return;
	in->working_module = module;
	in->working_trust = trust;
	inspector_say(in, &reply, NULL, NULL);
}

ssize_t inspector_ask(struct inspector *in, const struct inspect_question *question, void *answer,
		      size_t size, int *fd)
{
	return jail_ask(in->child, question, sizeof(*question), answer, size, fd);
}

u32 inspector_module_at(const struct inspector *in, u64 address)
{
	u32 low = 0, high = in->job->nr_modules;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (in->job->modules[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < in->job->modules[low - 1].data_end ? low - 1 : INSPECT_NONE;
}

static bool is_code(const struct inspector *in, u64 address)
{
	u32 low = 0, high = in->job->nr_code;

	while (low < high) {
		u32 middle = low + (high - low) / 2;

		if (in->job->code[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < in->job->code[low - 1].end;
}

static bool read_stack(const struct inspect_stack *s, u64 address, void *buffer, size_t size)
{
	if (address < s->start || address - s->start > s->size ||
	    size > s->size - (address - s->start))
		return false;
	memcpy(buffer, s->bytes + (address - s->start), size);
	return true;
}

static struct page *page_at(struct inspector *in, u64 address)
{
	struct page *page = &in->pages[address / INSPECT_PAGE % PAGE_SLOTS];
	struct inspect_question question = { .what = ASK_MEMORY, .address = address };
	ssize_t n;

	if (page->used && page->address == address)
		return page;
	if (!page->bytes)
		page->bytes = malloc(INSPECT_PAGE);
	if (!page->bytes)
		return NULL;
	n = inspector_ask(in, &question, page->bytes, INSPECT_PAGE, NULL);
	page->used = true;
	page->address = address;
	page->size = n > 0 ? n : 0;
	return page;
}

/*
 * From the copied stacks, the current one first; else a page is fetched: alternate signal stacks,
 * coroutines, data.
 */
bool inspector_read(struct inspector *in, u64 address, void *buffer, size_t size)
{
	u32 i;

	if (in->current < in->job->nr_stacks &&
	    read_stack(&in->job->stacks[in->current], address, buffer, size))
		return true;
	for (i = 0; i < in->job->nr_stacks; i++) {
		if (read_stack(&in->job->stacks[i], address, buffer, size))
			return true;
	}
	while (size) {
		u64 base = address & ~(u64)(INSPECT_PAGE - 1);
		u64 offset = address - base;
		size_t part = size < INSPECT_PAGE - offset ? size : INSPECT_PAGE - offset;
		struct page *page = page_at(in, base);

		if (!page || offset + part > page->size)
			return false;
		memcpy(buffer, page->bytes + offset, part);
		buffer = (u8 *)buffer + part;
		address += part;
		size -= part;
	}
	return true;
}

/* Modules */

static Elf *vdso_elf(struct inspector *in, const struct inspect_module *module)
{
	size_t size = module->end - module->start;
	char *bytes;

	if (!size || size > 16 * INSPECT_PAGE)
		return NULL;
	bytes = malloc(size);
	if (!bytes || !inspector_read(in, module->start, bytes, size)) {
		free(bytes);
		return NULL;
	}
	return elf_memory(bytes, size); /* keeps @bytes */
}

static bool is_native(Elf *elf)
{
	GElf_Ehdr header;

	if (elf_kind(elf) != ELF_K_ELF || !gelf_getehdr(elf, &header) ||
	    gelf_getclass(elf) != ELFCLASS64)
		return false;
	return header.e_machine == EM_X86_64 &&
	       (header.e_type == ET_DYN || header.e_type == ET_EXEC);
}

/* libdwfl asks for a module's file when it needs it first. */
static int find_elf(Dwfl_Module *dwfl_module, void **data, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	struct inspector *in = *data;
	u32 index = inspector_module_at(in, base);
	struct inspect_question question = { .what = ASK_FILE, .module = index };
	struct inspect_reply none = { .says = SAYS_NO_FILE, .module = index };
	int fd = -1;

	*elf = NULL;
	if (index == INSPECT_NONE || in->job->modules[index].trust >= TRUST_NOTHING)
		return -1;
	inspector_working(in, index, TRUST_NO_DEBUG);
	if (in->job->modules[index].vdso) {
		*elf = vdso_elf(in, &in->job->modules[index]);
	} else {
		inspector_ask(in, &question, NULL, 0, &fd);
		/*
		 * Read-only: a private writable mapping of a large file would count as memory of
		 * ours.
		 */
		if (fd >= 0)
			*elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	}
	if (*elf && !is_native(*elf)) {
		elf_end(*elf);
		*elf = NULL;
	}
	if (!*elf) {
		if (fd >= 0)
			close(fd);
		inspector_say(in, &none, NULL, NULL);
		return -1;
	}
	*file_name = strdup(name);
	return fd;
}

static bool report_modules(struct inspector *in)
{
	static const Dwfl_Callbacks callbacks = { .find_elf = find_elf,
						  .find_debuginfo = symbol_find_debuginfo };
	char name[32];
	void **data;
	u32 i;

	in->dwfl = dwfl_begin(&callbacks);
	if (!in->dwfl)
		return false;
	dwfl_report_begin(in->dwfl);
	for (i = 0; i < in->job->nr_modules; i++) {
		const struct inspect_module *m = &in->job->modules[i];

		/* The number as name: the target's own path is of no use here. */
		snprintf(name, sizeof(name), "%u", i);
		in->modules[i].dwfl = dwfl_report_module(in->dwfl, name, m->start, m->end);
		if (!in->modules[i].dwfl)
			continue;
		dwfl_module_info(in->modules[i].dwfl, &data, NULL, NULL, NULL, NULL, NULL, NULL);
		*data = in;
	}
	return !dwfl_report_end(in->dwfl, NULL, NULL);
}

/* Unwinding */

/* Threads are numbered from 1: a tid may be asked for twice. */
static bool get_thread(Dwfl *dwfl, pid_t number, void *arg, void **thread_arg)
{
	*thread_arg = arg;
	return true;
}

static pid_t next_thread(Dwfl *dwfl, void *arg, void **thread_arg)
{
	return 0;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *word, void *arg)
{
	struct inspector *in = arg;
	bool read = inspector_read(in, address, word, sizeof(*word));

	in->unread |= !read;
	return read;
}

static bool set_registers(Dwfl_Thread *thread, void *arg)
{
	struct inspector *in = arg;
	const struct inspect_stack *s = &in->job->stacks[in->current];
	Dwarf_Word regs[LAB_NR_REGS];
	u32 i;

	for (i = 0; i < LAB_NR_REGS; i++)
		regs[i] = s->regs[i];
	if (s->whole)
		return dwfl_thread_state_registers(thread, 0, LAB_NR_REGS, regs);
	dwfl_thread_state_register_pc(thread, regs[LAB_REG_IP]);
	return dwfl_thread_state_registers(thread, LAB_REG_IP, 1, &regs[LAB_REG_IP]) &&
	       dwfl_thread_state_registers(thread, LAB_REG_SP, 1, &regs[LAB_REG_SP]);
}

enum {
	STOP_DEEP = DWARF_CB_ABORT + 1,
	STOP_LOST
};

static int take_frame(Dwfl_Frame *frame, void *arg)
{
	struct inspector *in = arg;
	struct stack_state *stack = &in->stacks[in->current];
	struct frame_state *f;
	struct inspect_reply reply = { .says = SAYS_FRAME, .index = in->current };
	bool activation = false;
	Dwarf_Addr pc;
	u32 i;

	if (!dwfl_frame_pc(frame, &pc, &activation))
		return STOP_LOST;
	if (stack->nr_frames == INSPECT_MAX_FRAMES)
		return STOP_DEEP;
	if (!stack->nr_frames)
		activation = !in->job->stacks[in->current].in_call;
	/*
	 * A return address is past its call, which may be the last instruction of its function or
	 * line.
	 */
	reply.address = pc;
	reply.lookup = activation ? pc : pc - 1;
	if (!is_code(in, reply.lookup))
		return STOP_LOST;
	reply.module = inspector_module_at(in, reply.lookup);

	in->unread = false;
	f = &stack->frames[stack->nr_frames++];
	f->pc = pc;
	f->lookup = reply.lookup;
	f->module = reply.module;
	for (i = 0; i < LAB_NR_REGS; i++) {
		Dwarf_Word value;

		if (!dwfl_frame_reg(frame, i, &value)) {
			f->regs[i] = value;
			f->known |= 1u << i;
		}
	}
	inspector_say(in, &reply, NULL, NULL);
	/* What is read next is this module's unwind information. */
	if (reply.module != INSPECT_NONE)
		inspector_working(in, reply.module, TRUST_NO_DEBUG);
	return DWARF_CB_OK;
}

static bool has_unwind_information(struct inspector *in, u32 module)
{
	Dwarf_Addr bias;

	return module != INSPECT_NONE && in->modules[module].dwfl &&
	       (dwfl_module_eh_cfi(in->modules[module].dwfl, &bias) ||
		dwfl_module_dwarf_cfi(in->modules[module].dwfl, &bias));
}

static void unwind(struct inspector *in)
{
	const struct inspect_stack *s = &in->job->stacks[in->current];
	struct stack_state *stack = &in->stacks[in->current];
	struct inspect_reply reply = { .says = SAYS_END,
				       .index = in->current,
				       .module = INSPECT_NONE };
	int result;

	stack->frames = calloc(INSPECT_MAX_FRAMES, sizeof(*stack->frames));
	if (!stack->frames)
		return;
	if (!is_code(in, s->in_call ? s->regs[LAB_REG_IP] - 1 : s->regs[LAB_REG_IP])) {
		reply.code = END_LOST;
		inspector_say(in, &reply, NULL, NULL);
		return;
	}
	in->unread = false;
	result = dwfl_getthread_frames(in->dwfl, in->current + 1, take_frame, in);
	if (stack->nr_frames)
		reply.module = stack->frames[stack->nr_frames - 1].module;
	switch (result) {
	case 0:
		/* libdwfl takes a return address that it can not read for the end. */
		reply.code = in->unread ? END_UNREAD : END_WHOLE;
		break;
	case STOP_DEEP:
		reply.code = END_DEEP;
		break;
	case STOP_LOST:
		reply.code = END_LOST;
		break;
	default:
		reply.code = has_unwind_information(in, reply.module) ? END_FAILED : END_NO_CFI;
	}
	inspector_say(in, &reply, NULL, NULL);
}

/*
 * An ELF header of our own says which machine this is: it must not depend on what the first module
 * claims.
 */
static Elf *machine(void)
{
	static Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(header),
	};

	return elf_memory((char *)&header, sizeof(header));
}

static bool add_lookup(struct inspector *in, u64 lookup, u32 module)
{
	u32 i;

	for (i = 0; i < in->nr_lookups; i++) {
		if (in->lookups[i] == lookup)
			return true;
	}
	in->lookups[in->nr_lookups] = lookup;
	in->lookup_modules[in->nr_lookups++] = module;
	return true;
}

static bool collect_lookups(struct inspector *in)
{
	u32 total = 0, i, j;

	for (i = 0; i < in->job->nr_stacks; i++)
		total += in->stacks[i].nr_frames;
	in->lookups = calloc(total + 1, sizeof(*in->lookups));
	in->lookup_modules = calloc(total + 1, sizeof(*in->lookup_modules));
	if (!in->lookups || !in->lookup_modules)
		return false;
	for (i = 0; i < in->job->nr_stacks; i++) {
		for (j = 0; j < in->stacks[i].nr_frames; j++)
			add_lookup(in, in->stacks[i].frames[j].lookup,
				   in->stacks[i].frames[j].module);
	}
	return true;
}

void inspect_run(struct jail_child *child, void *arg)
{
	static const Dwfl_Thread_Callbacks callbacks = { .next_thread = next_thread,
							 .get_thread = get_thread,
							 .memory_read = read_memory,
							 .set_initial_registers = set_registers };
	static struct inspector inspector;
	struct inspector *in = &inspector;

	in->child = child;
	in->job = arg;
	in->working_module = INSPECT_NONE;
	in->current = INSPECT_NONE;
	in->modules = calloc(in->job->nr_modules + 1, sizeof(*in->modules));
	in->stacks = calloc(in->job->nr_stacks + 1, sizeof(*in->stacks));
	elf_version(EV_CURRENT);
	if (!in->modules || !in->stacks || !report_modules(in))
		return;
	if (in->job->nr_stacks && dwfl_attach_state(in->dwfl, machine(), 1, &callbacks, in)) {
		for (in->current = 0; in->current < in->job->nr_stacks && !inspector_late(in, 0);
		     in->current++)
			unwind(in);
		in->current = INSPECT_NONE;
	}
	if (!collect_lookups(in))
		return;
	symbol_functions(in);
	symbol_locks_from_elf(in);
	symbol_places(in);
	symbol_locks_from_dwarf(in);
}
