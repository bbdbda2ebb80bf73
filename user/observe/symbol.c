/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * symbol - the child's half of stack.c: names and places, from ELF symbols and DWARF
 *
 * Runs in the jail only. A program counter becomes the chain of functions inlined there, each with
 * file and line (DWARF 5, 3.3.8). A lock's address becomes the variable that covers it and the way
 * to it through the variable's type: "queue[3].lock". One that no variable covers is looked for on
 * the stacks, by the frame it lies in, and behind pointers: of globals, then of the frames' own
 * variables, one level.
 */
#include "inspector.h"

#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <libiberty/demangle.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MS		  1000000ull
#define MAX_DEPTH	  48 /* of nested DIEs and types */
#define MAX_ELEMENTS	  4096 /* of an array of pointers that is searched */
#define DIRECT_BUDGET_NS  (500 * MS) /* to find variables by address */
#define POINTER_BUDGET_NS (150 * MS) /* to find pointers to what no variable covers */

/* Names */

char *symbol_demangle(const char *name)
{
	/* What gcc adds to the parts of a function it took apart. */
	static const char *const parts[] = { ".constprop.", ".isra.", ".part.",
					     ".cold", ".lto_priv.", ".llvm." };
	char *plain, *whole = strndup(name, INSPECT_MAX_NAME * 4);
	size_t i;

	if (!whole)
		return NULL;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		char *part = strstr(whole, parts[i]);

		if (part && part != whole)
			*part = 0;
	}
	/* Versions of exported symbols. */
	whole[strcspn(whole, "@")] = 0;
	if (whole[0] != '_' || (whole[1] != 'Z' && whole[1] != 'R'))
		return whole;
	/* Without parameters; recursion is limited by default. */
	plain = cplus_demangle(whole, DMGL_AUTO);
	if (!plain)
		return whole;
	free(whole);
	return plain;
}

/* Debug files */

static u32 crc_of(int fd)
{
	static u32 table[256];
	u8 buffer[16384];
	u32 crc = ~0u, i, bit;
	off_t at = 0;
	ssize_t n;

	for (i = 0; i < 256 && !table[255]; i++) {
		table[i] = i;
		for (bit = 0; bit < 8; bit++)
			table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xedb88320u : table[i] >> 1;
	}
	while ((n = pread(fd, buffer, sizeof(buffer), at)) > 0) {
		for (i = 0; i < n; i++)
			crc = table[(crc ^ buffer[i]) & 0xff] ^ crc >> 8;
		at += n;
	}
	return ~crc;
}

static bool has_build_id(int fd, const void *id, size_t size)
{
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const void *found;
	bool same;

	same = elf && dwelf_elf_gnu_build_id(elf, &found) == (ssize_t)size &&
	       !memcmp(found, id, size);
	elf_end(elf);
	return same;
}

static int ask_by_build_id(struct inspector *in, const void *id, size_t size)
{
	struct inspect_question question = { .what = ASK_BUILD_ID, .size = size };
	int fd = -1;

	if (!size || size > sizeof(question.bytes))
		return -1;
	memcpy(question.bytes, id, size);
	inspector_ask(in, &question, NULL, 0, &fd);
	if (fd >= 0 && !has_build_id(fd, id, size)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int symbol_find_debuginfo(Dwfl_Module *module, void **data, const char *name, Dwarf_Addr base,
			  const char *file, const char *link, GElf_Word crc, char **found)
{
	struct inspector *in = *data;
	struct inspect_question question = { .what = ASK_DEBUG_LINK };
	u32 index = inspector_module_at(in, base);
	const unsigned char *id;
	GElf_Addr address;
	int size, fd;

	if (index == INSPECT_NONE || in->job->modules[index].trust >= TRUST_NO_DEBUG ||
	    in->job->modules[index].vdso)
		return -1;
	/*
	 * A second time it is for the file that dwz moved common parts to: module_dwarf() finds
	 * that one.
	 */
	if (in->modules[index].file_asked)
		return -1;
	in->modules[index].file_asked = true;
	inspector_working(in, index, TRUST_ALL);
	size = dwfl_module_build_id(module, &id, &address);
	if (size > 0) {
		fd = ask_by_build_id(in, id, size);
		if (fd >= 0)
			return fd;
	}
	if (!link || strlen(link) > sizeof(question.bytes))
		return -1;
	question.module = index;
	question.size = strlen(link);
	memcpy(question.bytes, link, question.size);
	inspector_ask(in, &question, NULL, 0, &fd);
	if (fd >= 0 && (size > 0 ? !has_build_id(fd, id, size) : crc_of(fd) != crc)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static Dwarf *module_dwarf(struct inspector *in, u32 index)
{
	struct module_state *m = &in->modules[index];
	const void *id;
	const char *name;
	Dwarf_Addr bias = 0;
	ssize_t size;

	if (in->job->modules[index].trust >= TRUST_NO_DEBUG || in->job->modules[index].runtime ||
	    !m->dwfl)
		return NULL;
	inspector_working(in, index, TRUST_ALL);
	if (m->dwarf_asked)
		return m->dwarf;
	m->dwarf_asked = true;
	m->dwarf = dwfl_module_getdwarf(m->dwfl, &bias);
	m->bias = bias;
	if (!m->dwarf)
		return NULL;
	size = dwelf_dwarf_gnu_debugaltlink(m->dwarf, &name, &id);
	if (size > 0) {
		int fd = ask_by_build_id(in, id, size);

		m->alternate = fd >= 0 ? dwarf_begin(fd, DWARF_C_READ) : NULL;
		if (m->alternate)
			dwarf_setalt(m->dwarf, m->alternate);
	}
	return m->dwarf;
}

/* Walking DIEs. A sibling that does not lie further on would be a circle. */
static bool next_die(Dwarf_Die *die)
{
	Dwarf_Off before = dwarf_dieoffset(die);

	return !dwarf_siblingof(die, die) && dwarf_dieoffset(die) > before;
}

/* Functions */

static char *elf_function(struct inspector *in, u32 index, u64 address)
{
	GElf_Off offset;
	GElf_Sym symbol;
	const char *name;

	if (index == INSPECT_NONE || !in->modules[index].dwfl ||
	    in->job->modules[index].trust >= TRUST_NOTHING)
		return NULL;
	inspector_working(in, index, TRUST_NO_DEBUG);
	name = dwfl_module_addrinfo(in->modules[index].dwfl, address, &offset, &symbol, NULL, NULL,
				    NULL);
	/*
	 * Symbols without a size are labels of assembly code: they reach a little way. In a
	 * stripped file they would reach anywhere.
	 */
	if (!name || !*name || (symbol.st_size ? offset >= symbol.st_size : offset >= 256))
		return NULL;
	return symbol_demangle(name);
}

static char *elf_object(struct inspector *in, u32 index, u64 address)
{
	GElf_Off offset;
	GElf_Sym symbol;
	const char *name;

	name = dwfl_module_addrinfo(in->modules[index].dwfl, address, &offset, &symbol, NULL, NULL,
				    NULL);
	return name && *name && offset < symbol.st_size ? symbol_demangle(name) : NULL;
}

void symbol_functions(struct inspector *in)
{
	u32 i;

	for (i = 0; i < in->nr_lookups && !inspector_late(in, 0); i++) {
		struct inspect_reply reply = { .says = SAYS_FUNCTION, .lookup = in->lookups[i] };
		char *name = elf_function(in, in->lookup_modules[i], in->lookups[i]);

		if (name)
			inspector_say(in, &reply, name, NULL);
		free(name);
	}
}

/* Places */

static int compare_ranges(const void *a, const void *b)
{
	const struct cu_range *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

/* From each unit's own ranges: clang writes no .debug_aranges. */
static void build_ranges(struct inspector *in, struct module_state *m)
{
	Dwarf_CU *cu = NULL;
	size_t capacity = 0;
	Dwarf_Die die;

	m->ranges_built = true;
	while (!dwarf_get_units(m->dwarf, cu, &cu, NULL, NULL, &die, NULL) &&
	       !inspector_late(in, 50 * MS)) {
		Dwarf_Addr base, start, end;
		ptrdiff_t offset = 0;

		while ((offset = dwarf_ranges(&die, offset, &base, &start, &end)) > 0) {
			if (start >= end)
				continue;
			if (m->nr_ranges == capacity) {
				struct cu_range *more;

				capacity = capacity ? capacity * 2 : 256;
				more = realloc(m->ranges, capacity * sizeof(*more));
				if (!more)
					return;
				m->ranges = more;
			}
			m->ranges[m->nr_ranges++] = (struct cu_range){
				.start = start, .end = end, .cu = dwarf_dieoffset(&die)
			};
		}
	}
	qsort(m->ranges, m->nr_ranges, sizeof(*m->ranges), compare_ranges);
}

static bool unit_at(struct inspector *in, struct module_state *m, u64 address, Dwarf_Die *unit)
{
	size_t low = 0, high;

	if (dwarf_addrdie(m->dwarf, address, unit))
		return true;
	if (!m->ranges_built)
		build_ranges(in, m);
	high = m->nr_ranges;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (m->ranges[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low && address < m->ranges[low - 1].end &&
	       dwarf_offdie(m->dwarf, m->ranges[low - 1].cu, unit);
}

/*
 * Functions that cover @address, outermost first: one that exists in code, then those inlined into
 * each other.
 */
static u32 functions_at(struct inspector *in, Dwarf_Die *parent, u64 address, Dwarf_Die *chain,
			u32 nr, u32 depth)
{
	Dwarf_Die die;
	u32 found;

	if (depth == MAX_DEPTH || nr == INSPECT_MAX_INLINE || dwarf_child(parent, &die))
		return nr;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
		case DW_TAG_inlined_subroutine:
			if (dwarf_haspc(&die, address) > 0) {
				chain[nr++] = die;
				return functions_at(in, &die, address, chain, nr, depth + 1);
			}
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			if (dwarf_haspc(&die, address) > 0)
				return functions_at(in, &die, address, chain, nr, depth + 1);
			break;
		case DW_TAG_namespace:
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_module:
			found = functions_at(in, &die, address, chain, nr, depth + 1);
			if (found > nr)
				return found;
			break;
		}
	} while (next_die(&die));
	return nr;
}

/* malloced */
static char *die_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute) ||
	    dwarf_attr_integrate(die, DW_AT_MIPS_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	if (!name)
		name = dwarf_diename(die);
	return name ? symbol_demangle(name) : NULL;
}

static u64 die_number(Dwarf_Die *die, unsigned int which, u64 otherwise)
{
	Dwarf_Attribute attribute;
	Dwarf_Word value;

	if (!dwarf_attr_integrate(die, which, &attribute) || dwarf_formudata(&attribute, &value))
		return otherwise;
	return value;
}

/* Colons in template arguments do not count. */
static bool is_qualified(const char *name)
{
	const char *colons = strstr(name, "::");

	return colons && colons < name + strcspn(name, "<(");
}

static char *prefer_qualified(char *name, char *other)
{
	if (other && is_qualified(other) && (!name || !is_qualified(name))) {
		free(name);
		return other;
	}
	free(other);
	return name;
}

static void say_places(struct inspector *in, u64 lookup, u32 module)
{
	struct module_state *m = &in->modules[module];
	u64 address = lookup - m->bias;
	Dwarf_Die unit, chain[INSPECT_MAX_INLINE];
	Dwarf_Files *files = NULL;
	const char *file = NULL;
	size_t nr_files = 0;
	Dwarf_Line *source;
	u32 nr, line = 0;
	int number;

	if (!unit_at(in, m, address, &unit))
		return;
	source = dwarf_getsrc_die(&unit, address);
	if (source) {
		file = dwarf_linesrc(source, NULL, NULL);
		if (!dwarf_lineno(source, &number) && number > 0)
			line = number;
	}
	nr = functions_at(in, &unit, address, chain, 0, 0);
	if (!nr && !file)
		return;
	do {
		struct inspect_reply reply = {
			.says = SAYS_PLACE, .lookup = lookup, .line = line, .code = nr <= 1
		};
		char *name = nr ? die_name(&chain[nr - 1]) : NULL;

		/* A C++ function that is not inlined has its whole name in the symbol table. */
		if (nr == 1)
			name = prefer_qualified(name, elf_function(in, module, lookup));

		inspector_say(in, &reply, name, file);
		free(name);
		if (nr > 1) {
			u64 call_file = die_number(&chain[nr - 1], DW_AT_call_file, 0);

			line = die_number(&chain[nr - 1], DW_AT_call_line, 0);
			if (!files && dwarf_getsrcfiles(&unit, &files, &nr_files))
				nr_files = 0;
			file = call_file < nr_files ? dwarf_filesrc(files, call_file, NULL, NULL)
						    : NULL;
		}
	} while (nr && --nr);
}

void symbol_places(struct inspector *in)
{
	bool late;
	u32 i;

	/* The program's own code first: of libraries that came with the system less is learned. */
	for (late = false;; late = true) {
		for (i = 0; i < in->nr_lookups; i++) {
			u32 module = in->lookup_modules[i];

			if (module == INSPECT_NONE || in->job->modules[module].late != late)
				continue;
			if (inspector_late(in, 10 * MS))
				return;
			if (module_dwarf(in, module))
				say_places(in, in->lookups[i], module);
		}
		if (late)
			return;
	}
}

/* Locks */

struct wanted {
	u64 address;
	u32 module; /* whose data covers it; INSPECT_NONE: stack, heap */
	u32 stack, frame; /* on which stack it lies; INSPECT_NONE: none */
	bool done; /* has the best name it can get */
};

static void say_lock(struct inspector *in, u32 index, enum inspect_quality quality,
		     const char *name)
{
	struct inspect_reply reply = { .says = SAYS_LOCK, .index = index, .code = quality };

	inspector_say(in, &reply, name, NULL);
}

static void find_on_stacks(const struct inspector *in, struct wanted *w)
{
	u32 i, j;

	w->stack = w->frame = INSPECT_NONE;
	for (i = 0; i < in->job->nr_stacks; i++) {
		const struct stack_state *s = &in->stacks[i];

		if (!s->nr_frames)
			continue;
		for (j = 0; j + 1 < s->nr_frames; j++) {
			const struct frame_state *f = &s->frames[j];

			if (f->known & f[1].known & 1u << LAB_REG_SP &&
			    w->address >= f->regs[LAB_REG_SP] &&
			    w->address < f[1].regs[LAB_REG_SP]) {
				w->stack = i;
				w->frame = j;
				return;
			}
		}
	}
}

static const char *well_known(const char *symbol)
{
	/* glibc's standard streams, and the locks that they point to. */
	static const char *const names[][2] = {
		{ "_IO_2_1_stdin_", "stdin" },
		{ "_IO_2_1_stdout_", "stdout" },
		{ "_IO_2_1_stderr_", "stderr" },
		{ "_IO_stdfile_0_lock", "stdin" },
		{ "_IO_stdfile_1_lock", "stdout" },
		{ "_IO_stdfile_2_lock", "stderr" },
	};
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(symbol, names[i][0]))
			return names[i][1];
	}
	return NULL;
}

/*
 * In a stripped libc the streams' locks have no symbol, but the streams are exported and point to
 * them.
 */
static const char *stream_of_lock(struct inspector *in, u32 module, u64 lock)
{
	int count = dwfl_module_getsymtab(in->modules[module].dwfl), i;

	for (i = 0; i < count; i++) {
		GElf_Sym symbol;
		GElf_Addr address;
		const char *name = dwfl_module_getsym_info(in->modules[module].dwfl, i, &symbol,
							   &address, NULL, NULL, NULL);
		u64 pointer;

		if (!name || strncmp(name, "_IO_2_1_std", 11) || !well_known(name))
			continue;
		if (inspector_read(in, address + offsetof(struct _IO_FILE, _lock), &pointer,
				   sizeof(pointer)) &&
		    pointer == lock)
			return well_known(name);
	}
	return NULL;
}

void symbol_locks_from_elf(struct inspector *in)
{
	char text[INSPECT_MAX_NAME];
	u32 i;

	for (i = 0; i < in->job->nr_addresses && !inspector_late(in, 0); i++) {
		struct wanted w = { .address = in->job->addresses[i] };
		const char *name, *known;
		GElf_Off offset;
		GElf_Sym symbol;
		char *plain;

		w.module = inspector_module_at(in, w.address);
		if (w.module == INSPECT_NONE) {
			const struct frame_state *f;

			find_on_stacks(in, &w);
			if (w.stack == INSPECT_NONE)
				continue;
			f = &in->stacks[w.stack].frames[w.frame];
			plain = elf_function(in, f->module, f->lookup);
			if (plain)
				snprintf(text, sizeof(text), "a local of %.400s() of tid %u", plain,
					 in->job->stacks[w.stack].tid);
			else
				snprintf(text, sizeof(text), "a local on the stack of tid %u",
					 in->job->stacks[w.stack].tid);
			say_lock(in, i, QUALITY_ELF, text);
			free(plain);
			continue;
		}
		if (!in->modules[w.module].dwfl ||
		    in->job->modules[w.module].trust >= TRUST_NOTHING)
			continue;
		inspector_working(in, w.module, TRUST_NO_DEBUG);
		name = dwfl_module_addrinfo(in->modules[w.module].dwfl, w.address, &offset, &symbol,
					    NULL, NULL, NULL);
		if (!name || !*name || offset >= symbol.st_size ||
		    GELF_ST_TYPE(symbol.st_info) == STT_FUNC) {
			known = stream_of_lock(in, w.module, w.address);
			if (known)
				say_lock(in, i, QUALITY_DWARF, known);
			continue;
		}
		known = well_known(name);
		plain = symbol_demangle(name);
		if (known)
			say_lock(in, i, QUALITY_DWARF, known);
		else if (plain && offset)
			snprintf(text, sizeof(text), "%.400s+0x%llx", plain,
				 (unsigned long long)offset);
		else if (plain)
			snprintf(text, sizeof(text), "%.400s", plain);
		if (plain && !known)
			say_lock(in, i, QUALITY_ELF, text);
		free(plain);
	}
}

/* Types */

struct text {
	char bytes[INSPECT_MAX_NAME];
	size_t length;
};

static __attribute__((format(printf, 2, 3))) void append(struct text *t, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(t->bytes + t->length, sizeof(t->bytes) - t->length, format, args);
	va_end(args);
	if (n > 0)
		t->length += n;
	if (t->length >= sizeof(t->bytes))
		t->length = sizeof(t->bytes) - 1;
}

/* What people call a lock is not looked into. */
static bool is_lock_type(const char *name)
{
	static const char *const names[] = {
		"sem_t",
		"mtx_t",
		"cnd_t",
		"once_flag",
		"mutex",
		"recursive_mutex",
		"timed_mutex",
		"recursive_timed_mutex",
		"shared_mutex",
		"shared_timed_mutex",
		"condition_variable",
		"condition_variable_any",
		"counting_semaphore",
		"binary_semaphore",
		"barrier",
		"latch",
		"atomic_flag",
		"__mutex_base",
		"_IO_FILE",
		"FILE",
	};
	size_t i;

	if (!name)
		return false;
	if (!strncmp(name, "pthread_", 8))
		return true;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i]))
			return true;
	}
	return false;
}

static bool type_of(Dwarf_Die *die, Dwarf_Die *type)
{
	Dwarf_Attribute attribute;

	return dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	       dwarf_formref_die(&attribute, type);
}

/* Without names and qualifiers. */
static bool plain_type(Dwarf_Die *type)
{
	u32 depth;

	for (depth = 0; depth < MAX_DEPTH; depth++) {
		switch (dwarf_tag(type)) {
		case DW_TAG_typedef:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_atomic_type:
		case DW_TAG_restrict_type:
			if (!type_of(type, type))
				return false;
			continue;
		default:
			return true;
		}
	}
	return false;
}

static u64 type_size(Dwarf_Die *type)
{
	Dwarf_Word size;

	return dwarf_aggregate_size(type, &size) ? 0 : size;
}

static bool append_index(Dwarf_Die *array, u64 index, struct text *t)
{
	u64 counts[8], indices[8];
	Dwarf_Die die;
	u32 nr = 0, i;

	if (dwarf_child(array, &die))
		return false;
	do {
		u64 count;

		if (dwarf_tag(&die) != DW_TAG_subrange_type)
			continue;
		count = die_number(&die, DW_AT_count, 0);
		if (!count)
			count = die_number(&die, DW_AT_upper_bound, 0) + 1;
		if (nr == 8 || !count)
			return false;
		counts[nr++] = count;
	} while (next_die(&die));
	if (!nr)
		return false;
	for (i = nr; i-- > 1;) {
		indices[i] = index % counts[i];
		index /= counts[i];
	}
	indices[0] = index;
	for (i = 0; i < nr; i++)
		append(t, "[%llu]", (unsigned long long)indices[i]);
	return true;
}

/* Into @member of @type at @offset; false if there is none. */
static bool member_at(Dwarf_Die *type, u64 offset, Dwarf_Die *member, u64 *start)
{
	if (dwarf_child(type, member))
		return false;
	do {
		Dwarf_Die inner;
		u64 size;

		if (dwarf_tag(member) != DW_TAG_member && dwarf_tag(member) != DW_TAG_inheritance)
			continue;
		if (dwarf_hasattr(member, DW_AT_external) ||
		    dwarf_hasattr(member, DW_AT_declaration) || !type_of(member, &inner))
			continue;
		*start = die_number(member, DW_AT_data_member_location, 0);
		size = type_size(&inner);
		if (offset >= *start && offset - *start < size)
			return true;
	} while (next_die(member));
	return false;
}

/* The way from the start of a @type to @offset in it: ".lock", "[3].lock", "". */
static void append_path(struct inspector *in, Dwarf_Die *type, u64 offset, struct text *t)
{
	u32 depth;

	for (depth = 0; depth < MAX_DEPTH; depth++) {
		Dwarf_Die member;
		const char *name;
		u64 size, start;

		switch (dwarf_tag(type)) {
		case DW_TAG_typedef:
			if (is_lock_type(dwarf_diename(type)))
				return;
			/* fallthrough */
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_atomic_type:
			if (!type_of(type, type))
				return;
			break;
		case DW_TAG_array_type:
			member = *type;
			if (!type_of(type, type))
				return;
			size = type_size(type);
			if (!size || !append_index(&member, offset / size, t))
				return;
			offset %= size;
			break;
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			if (is_lock_type(dwarf_diename(type)) ||
			    !member_at(type, offset, &member, &start))
				return;
			name = dwarf_tag(&member) == DW_TAG_member ? dwarf_diename(&member) : NULL;
			if (name)
				append(t, ".%.100s", name);
			offset -= start;
			if (!type_of(&member, type))
				return;
			break;
		default:
			return;
		}
	}
}

/* Variables */

struct search {
	struct inspector *in;
	struct wanted *wanted;
	u32 nr_wanted;
	u32 module;
	bool statics; /* look into functions too */
	bool pointers; /* follow pointers: there are locks that no variable covers */
	u64 deadline_ns; /* when to give up: there may be nothing to find in gigabytes of DWARF */
};

static void set_budget(struct search *s, u64 budget_ns)
{
	u64 late_ns = s->in->job->deadline_ns - 100 * MS;

	s->deadline_ns = jail_now_ns() + budget_ns;
	if (s->deadline_ns > late_ns)
		s->deadline_ns = late_ns;
}

static bool all_done(const struct search *s)
{
	u32 i;

	for (i = 0; i < s->nr_wanted; i++) {
		const struct wanted *w = &s->wanted[i];

		if (!w->done &&
		    (w->module == s->module || (s->pointers && w->module == INSPECT_NONE)))
			return false;
	}
	return true;
}

/* Does @pointer, of a variable called @name and of @type (a pointer type), lead to a lock? */
static void follow(struct search *s, u64 pointer, Dwarf_Die *type, const char *name,
		   const char *where, u32 tid)
{
	Dwarf_Die pointee, plain;
	u64 size;
	u32 i;

	if (!pointer)
		return;
	for (i = 0; i < s->nr_wanted; i++) {
		struct wanted *w = &s->wanted[i];
		struct text t = { .length = 0 };

		if (w->done || w->module != INSPECT_NONE || w->stack != INSPECT_NONE ||
		    pointer > w->address)
			continue;
		/* What a void pointer points to is anybody's guess. */
		if (!type_of(type, &plain) || !plain_type(&plain) || !type_of(type, &pointee))
			return;
		size = type_size(&pointee);
		if (w->address - pointer >= (size ? size : 1))
			continue;
		append(&t, "%.200s", name);
		append_path(s->in, &pointee, w->address - pointer, &t);
		/* The first step is through the pointer: p.lock is p->lock, p alone is *p. */
		if (t.bytes[strnlen(name, 200)] == '.') {
			size_t at = strnlen(name, 200);

			if (t.length + 2 < sizeof(t.bytes)) {
				memmove(t.bytes + at + 2, t.bytes + at + 1, t.length - at);
				memcpy(t.bytes + at, "->", 2);
				t.length++;
			}
		} else {
			memmove(t.bytes + 1, t.bytes, sizeof(t.bytes) - 2);
			t.bytes[0] = '*';
			t.length++;
		}
		if (where)
			append(&t, " in %.100s() of tid %u", where, tid);
		say_lock(s->in, w - s->wanted, QUALITY_REACHED, t.bytes);
		w->done = true;
	}
}

static bool fixed_address(Dwarf_Die *die, u64 *address)
{
	Dwarf_Attribute attribute, indexed;
	Dwarf_Op *ops;
	size_t nr;
	Dwarf_Addr a;

	if (!dwarf_attr_integrate(die, DW_AT_location, &attribute) ||
	    dwarf_getlocation(&attribute, &ops, &nr) || nr != 1)
		return false;
	switch (ops[0].atom) {
	case DW_OP_addr:
		*address = ops[0].number;
		return true;
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
		if (dwarf_getlocation_attr(&attribute, &ops[0], &indexed) ||
		    dwarf_formaddr(&indexed, &a))
			return false;
		*address = a;
		return true;
	}
	return false;
}

static void try_variable(struct search *s, Dwarf_Die *die, Dwarf_Die *function)
{
	struct inspector *in = s->in;
	Dwarf_Die type, plain, inner;
	u64 address, size = 0;
	char *name = NULL;
	u32 i;

	if (!fixed_address(die, &address))
		return;
	address += in->modules[s->module].bias;
	for (i = 0; i < s->nr_wanted; i++) {
		struct wanted *w = &s->wanted[i];
		struct text t = { .length = 0 };

		if (w->done || w->module != s->module || w->address < address)
			continue;
		if (!size) {
			if (!type_of(die, &type))
				return;
			size = type_size(&type);
			if (!size)
				return;
		}
		if (w->address - address >= size)
			continue;
		if (!name)
			name = prefer_qualified(die_name(die),
						function ? NULL
							 : elf_object(in, s->module, w->address));
		if (!name)
			return;
		append(&t, "%.200s", name);
		inner = type;
		append_path(in, &inner, w->address - address, &t);
		if (function && dwarf_diename(function) && !strchr(name, ':'))
			append(&t, " in %.100s()", dwarf_diename(function));
		say_lock(in, i, QUALITY_DWARF, t.bytes);
		w->done = true;
	}
	if (s->pointers && type_of(die, &type)) {
		u64 count = 1, pointer;

		plain = type;
		if (!plain_type(&plain))
			goto out;
		if (dwarf_tag(&plain) == DW_TAG_array_type) {
			count = type_size(&plain) / sizeof(pointer);
			if (!type_of(&plain, &plain) || !plain_type(&plain))
				goto out;
		}
		if (dwarf_tag(&plain) != DW_TAG_pointer_type)
			goto out;
		name = name ? name : die_name(die);
		if (!name)
			goto out;
		for (i = 0; i < count && i < MAX_ELEMENTS; i++) {
			char element[256];

			if (!inspector_read(in, address + i * sizeof(pointer), &pointer,
					    sizeof(pointer)))
				break;
			snprintf(element, sizeof(element), count > 1 ? "%.180s[%u]" : "%.180s",
				 name, i);
			follow(s, pointer, &plain, element, NULL, 0);
		}
	}
out:
	free(name);
}

static void search_dies(struct search *s, Dwarf_Die *parent, Dwarf_Die *function, u32 depth)
{
	Dwarf_Die die;

	if (depth == MAX_DEPTH || dwarf_child(parent, &die))
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_variable:
			try_variable(s, &die, function);
			break;
		case DW_TAG_namespace:
		case DW_TAG_module:
			search_dies(s, &die, NULL, depth + 1);
			break;
		case DW_TAG_subprogram:
			if (s->statics)
				search_dies(s, &die, &die, depth + 1);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_inlined_subroutine:
			if (s->statics)
				search_dies(s, &die, function, depth + 1);
			break;
		}
	} while (next_die(&die) && jail_now_ns() < s->deadline_ns);
}

/*
 * Where the stacks are in is likely where their locks are: those units first, functions and all.
 * Then every unit, twice.
 */
static void search_module(struct search *s)
{
	struct inspector *in = s->in;
	struct module_state *m = &in->modules[s->module];
	Dwarf_Die unit;
	Dwarf_Off seen[32];
	u32 nr_seen = 0, i, j;
	int pass;

	if (all_done(s) || !module_dwarf(in, s->module))
		return;
	s->statics = true;
	for (i = 0; i < in->nr_lookups && nr_seen < 32; i++) {
		if (in->lookup_modules[i] != s->module ||
		    !unit_at(in, m, in->lookups[i] - m->bias, &unit))
			continue;
		for (j = 0; j < nr_seen && seen[j] != dwarf_dieoffset(&unit); j++)
			;
		if (j < nr_seen)
			continue;
		seen[nr_seen++] = dwarf_dieoffset(&unit);
		search_dies(s, &unit, NULL, 0);
	}
	/* Pointers in the static variables of functions are too rare for a second pass. */
	for (pass = 0; pass < (s->pointers ? 1 : 2); pass++) {
		Dwarf_CU *cu = NULL;

		s->statics = pass == 1;
		while (!all_done(s) && jail_now_ns() < s->deadline_ns &&
		       !dwarf_get_units(m->dwarf, cu, &cu, NULL, NULL, &unit, NULL))
			search_dies(s, &unit, NULL, 0);
	}
}

/* Frames */

struct frame_search {
	struct search *s;
	const struct frame_state *frame;
	bool has_cfa;
	u64 cfa;
	u64 base;
	bool has_base;
	u64 pc; /* in the file's addresses */
	u32 tid;
	const char *function;
};

static bool register_value(const struct frame_search *f, u32 number, u64 *value)
{
	if (number >= LAB_NR_REGS || !(f->frame->known & 1u << number))
		return false;
	*value = f->frame->regs[number];
	return true;
}

/* The simple expressions that compilers write for what lies in memory or in a register. */
static bool evaluate(const struct frame_search *f, Dwarf_Attribute *attribute, u64 *value,
		     bool *in_memory)
{
	Dwarf_Op *ops;
	size_t nr;
	u64 base;

	if (dwarf_getlocation_addr(attribute, f->pc, &ops, &nr, 1) != 1 || nr != 1)
		return false;
	*in_memory = true;
	switch (ops[0].atom) {
	case DW_OP_fbreg:
		*value = f->base + ops[0].number;
		return f->has_base;
	case DW_OP_call_frame_cfa:
		*value = f->cfa;
		return f->has_cfa;
	case DW_OP_breg0 ... DW_OP_breg31:
		if (!register_value(f, ops[0].atom - DW_OP_breg0, &base))
			return false;
		*value = base + ops[0].number;
		return true;
	case DW_OP_reg0 ... DW_OP_reg31:
		*in_memory = false;
		return register_value(f, ops[0].atom - DW_OP_reg0, value);
	}
	return false;
}

static void try_local(struct frame_search *f, Dwarf_Die *die)
{
	struct search *s = f->s;
	Dwarf_Attribute attribute;
	Dwarf_Die type, plain;
	bool in_memory;
	u64 value, size;
	char *name;
	u32 i;

	if (!dwarf_attr_integrate(die, DW_AT_location, &attribute) ||
	    !evaluate(f, &attribute, &value, &in_memory) || !type_of(die, &type))
		return;
	name = die_name(die);
	if (!name)
		return;
	size = type_size(&type);
	for (i = 0; in_memory && i < s->nr_wanted; i++) {
		struct wanted *w = &s->wanted[i];
		struct text t = { .length = 0 };
		Dwarf_Die inner = type;

		if (w->done || w->module != INSPECT_NONE || w->address < value ||
		    w->address - value >= size)
			continue;
		append(&t, "%.200s", name);
		append_path(s->in, &inner, w->address - value, &t);
		append(&t, " in %.100s() of tid %u", f->function, f->tid);
		say_lock(s->in, i, QUALITY_DWARF, t.bytes);
		w->done = true;
	}
	plain = type;
	if (plain_type(&plain) &&
	    (dwarf_tag(&plain) == DW_TAG_pointer_type ||
	     dwarf_tag(&plain) == DW_TAG_reference_type) &&
	    (!in_memory || inspector_read(s->in, value, &value, sizeof(value))))
		follow(s, value, &plain, name, f->function, f->tid);
	free(name);
}

static void search_locals(struct frame_search *f, Dwarf_Die *parent, u32 depth)
{
	Dwarf_Die die;

	if (depth == MAX_DEPTH || dwarf_child(parent, &die))
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_variable:
		case DW_TAG_formal_parameter:
			try_local(f, &die);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_inlined_subroutine:
			search_locals(f, &die, depth + 1);
			break;
		}
	} while (next_die(&die));
}

static void search_frame(struct search *s, u32 stack, u32 frame)
{
	struct inspector *in = s->in;
	const struct stack_state *state = &in->stacks[stack];
	struct frame_search f = { .s = s,
				  .frame = &state->frames[frame],
				  .tid = in->job->stacks[stack].tid };
	Dwarf_Die unit, chain[INSPECT_MAX_INLINE];
	Dwarf_Attribute attribute;
	struct module_state *m;
	bool in_memory;
	char *name;

	if (f.frame->module == INSPECT_NONE || in->job->modules[f.frame->module].late ||
	    !module_dwarf(in, f.frame->module))
		return;
	m = &in->modules[f.frame->module];
	f.pc = f.frame->lookup - m->bias;
	if (!unit_at(in, m, f.pc, &unit) || !functions_at(in, &unit, f.pc, chain, 0, 0))
		return;
	/* On x86-64 the canonical frame address is the caller's stack pointer. */
	if (frame + 1 < state->nr_frames && state->frames[frame + 1].known & 1u << LAB_REG_SP) {
		f.has_cfa = true;
		f.cfa = state->frames[frame + 1].regs[LAB_REG_SP];
	}
	if (dwarf_attr_integrate(&chain[0], DW_AT_frame_base, &attribute))
		f.has_base = evaluate(&f, &attribute, &f.base, &in_memory);
	name = die_name(&chain[0]);
	if (name) {
		f.function = name;
		search_locals(&f, &chain[0], 0);
	}
	free(name);
}

void symbol_locks_from_dwarf(struct inspector *in)
{
	struct search s = { .in = in, .nr_wanted = in->job->nr_addresses };
	u32 i, j;

	s.wanted = calloc(s.nr_wanted + 1, sizeof(*s.wanted));
	if (!s.wanted)
		return;
	for (i = 0; i < s.nr_wanted; i++) {
		struct wanted *w = &s.wanted[i];

		w->address = in->job->addresses[i];
		w->module = inspector_module_at(in, w->address);
		w->stack = w->frame = INSPECT_NONE;
		if (w->module == INSPECT_NONE)
			find_on_stacks(in, w);
		/* The C library's own have got their names. */
		else
			w->done = in->job->modules[w->module].late;
	}
	set_budget(&s, DIRECT_BUDGET_NS);
	for (i = 0; i < in->job->nr_modules; i++) {
		s.module = i;
		if (!in->job->modules[i].late && !in->job->modules[i].vdso)
			search_module(&s);
	}
	for (i = 0; i < s.nr_wanted; i++) {
		if (!s.wanted[i].done && s.wanted[i].stack != INSPECT_NONE &&
		    !inspector_late(in, 0))
			search_frame(&s, s.wanted[i].stack, s.wanted[i].frame);
	}
	s.pointers = true;
	set_budget(&s, POINTER_BUDGET_NS);
	s.module = INSPECT_NONE;
	if (!all_done(&s)) {
		for (i = 0; i < in->job->nr_modules; i++) {
			s.module = i;
			if (!in->job->modules[i].late && !in->job->modules[i].vdso)
				search_module(&s);
		}
	}
	s.module = INSPECT_NONE;
	for (i = 0; i < in->job->nr_stacks && !all_done(&s); i++) {
		for (j = 0; j < in->stacks[i].nr_frames && !inspector_late(in, 0); j++)
			search_frame(&s, i, j);
	}
	free(s.wanted);
}
