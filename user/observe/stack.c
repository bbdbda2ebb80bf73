/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * stack - file:line stacks and the names of locks: the parent's half
 *
 * This half touches the target (its memory, its files) and believes nothing; the other half
 * (unwind.c, symbol.c) believes the target's files and can touch nothing. Between them goes
 * inspect.h.
 *
 * A child that crashes or does not come back is started again without the module that it was
 * reading: one broken file costs its own names only.
 */
#include "stack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "inspect.h"

#define UTHASH_ALLOC_FAILED 1
#define HASH_NONFATAL_OOM   1
#include <uthash.h>

#define MAX_STACKS	256 /* of one process */
#define MAX_STACK_BYTES (256ul << 10)
#define ALL_STACK_BYTES (32ul << 20)
#define MAX_REPLY_BYTES (16ul << 20)
#define MAX_CHILD_BYTES (4ul << 30)
#define MAX_QUESTIONS	4096
#define MAX_ATTEMPTS	4
#define MAX_NOTE	512

/* Source of one program counter, innermost function first. */
struct place {
	u64 lookup;
	char *function; /* by ELF */
	struct {
		char *function, *file;
		u32 line;
	} entries[INSPECT_MAX_INLINE];
	u32 nr_entries;
	bool whole;
	UT_hash_handle hh;
};

struct found_frame {
	u64 address, lookup;
	u32 module;
};

struct found_stack {
	struct found_frame frames[INSPECT_MAX_FRAMES];
	u32 nr_frames;
	bool ended;
	u16 end;
	u32 end_module;
};

struct found_lock {
	char *name;
	u16 quality;
};

struct resolver {
	struct builder *builder;
	struct memory *memory;
	u32 tgid;
	const struct mapping *mappings;
	u32 nr_mappings;
	u32 *module_mapping; /* first mapping of each module */
	struct inspect_module *modules;
	bool *no_file;
	struct inspect_job job;
	struct inspect_stack *stacks;
	struct found_stack *found; /* best of all attempts */
	struct found_stack *attempt;
	struct found_lock *locks;
	struct place *places;
	int root; /* the target's root directory */
	u32 working_module, working_trust;
};

/* What the target maps */

static bool is_system_path(const char *path)
{
	static const char *const prefixes[] = { "/lib/", "/lib64/", "/usr/lib/", "/usr/lib64/" };
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (!strncmp(path, prefixes[i], strlen(prefixes[i])))
			return true;
	}
	return false;
}

static bool is_c_library(const char *path)
{
	static const char *const names[] = { "libc.so.", "libc-", "ld-linux",
					     "ld-2", "libpthread", "ld-musl" };
	const char *slash = strrchr(path, '/');
	size_t i;

	for (i = 0; slash && i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strncmp(slash + 1, names[i], strlen(names[i])))
			return true;
	}
	return false;
}

static bool same_file(const struct mapping *a, const struct mapping *b)
{
	return a->ino && a->ino == b->ino && a->dev == b->dev;
}

/*
 * Mappings of one file in a row are one loaded object, up to the next that begins at its start, if
 * a part of them is code.
 */
static int find_modules(struct resolver *r)
{
	struct inspect_range *code;
	u32 i, next, nr = 0, nr_code = 0;

	r->modules = calloc(r->nr_mappings + 1, sizeof(*r->modules));
	r->module_mapping = calloc(r->nr_mappings + 1, sizeof(*r->module_mapping));
	r->no_file = calloc(r->nr_mappings + 1, sizeof(*r->no_file));
	code = calloc(r->nr_mappings + 1, sizeof(*code));
	r->job.code = code;
	if (!r->modules || !r->module_mapping || !r->no_file || !code)
		return -ENOMEM;
	for (i = 0; i < r->nr_mappings; i++) {
		if (r->mappings[i].flags & MAPPING_EXEC)
			code[nr_code++] =
				(struct inspect_range){ r->mappings[i].start, r->mappings[i].end };
	}
	for (i = 0; i < r->nr_mappings; i = next) {
		const struct mapping *first = &r->mappings[i];
		const struct mapping *last = first;
		struct inspect_module *m = &r->modules[nr];
		bool exec = first->flags & MAPPING_EXEC;

		next = i + 1;
		m->vdso = !first->ino && !strcmp(first->path, "[vdso]");
		if (!m->vdso && !first->ino)
			continue;
		while (!m->vdso && next < r->nr_mappings && same_file(&r->mappings[next], first) &&
		       r->mappings[next].pgoff && r->mappings[next].pgoff >= last->pgoff) {
			last = &r->mappings[next++];
			exec |= last->flags & MAPPING_EXEC;
		}
		if (!exec)
			continue;
		m->start = first->start;
		m->end = m->data_end = last->end;
		m->late = is_system_path(first->path);
		m->runtime = m->late && is_c_library(first->path);
		if (!m->vdso && next < r->nr_mappings && r->mappings[next].start == m->end &&
		    !r->mappings[next].ino && r->mappings[next].flags & MAPPING_WRITE &&
		    !*r->mappings[next].path)
			m->data_end = r->mappings[next].end;
		r->module_mapping[nr++] = i;
	}
	r->job.modules = r->modules;
	r->job.nr_modules = nr;
	r->job.nr_code = nr_code;
	return 0;
}

static int copy_stacks(struct resolver *r, const struct stack_request *requests, u32 nr)
{
	size_t limit = nr ? ALL_STACK_BYTES / nr : 0;
	u32 i;

	if (limit > MAX_STACK_BYTES)
		limit = MAX_STACK_BYTES;
	r->stacks = calloc(nr + 1, sizeof(*r->stacks));
	r->found = calloc(nr + 1, sizeof(*r->found));
	r->attempt = calloc(nr + 1, sizeof(*r->attempt));
	if (!r->stacks || !r->found || !r->attempt)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		const struct lab_task_record *record = requests[i].record;
		struct inspect_stack *s = &r->stacks[i];
		const struct mapping *mapping;
		u64 size;
		u8 *bytes;
		ssize_t n;

		memcpy(s->regs, record->regs, sizeof(s->regs));
		s->whole = record->flags & LAB_TASK_REGS;
		s->in_call = record->syscall >= 0;
		s->tid = record->tid;
		s->start = s->regs[LAB_REG_SP];
		mapping = memory_mapping_at(r->memory, s->start);
		if (!mapping || !s->start)
			continue;
		size = mapping->end - s->start;
		if (size > limit)
			size = limit;
		bytes = malloc(size);
		if (!bytes)
			return -ENOMEM;
		n = memory_read(r->memory, s->start, bytes, size);
		s->size = n > 0 ? n : 0;
		s->bytes = bytes;
	}
	r->job.stacks = r->stacks;
	r->job.nr_stacks = nr;
	return 0;
}

/* Files */

/* Without the word that the kernel adds to the name of a file that has none any more. */
static size_t path_length(const char *path)
{
	static const char deleted[] = " (deleted)";
	size_t length = strlen(path), tail = sizeof(deleted) - 1;

	return length > tail && !strcmp(path + length - tail, deleted) ? length - tail : length;
}

/*
 * What the kernel says of a mapping of @fd, to compare with what it says of the target's: stat(2)
 * names other devices on btrfs and overlayfs than /proc/PID/maps does.
 */
static bool maps_as(int fd, const struct mapping *mapping)
{
	unsigned long start, end, pgoff, ino;
	unsigned int major, minor;
	char line[512], flags[8];
	bool same = false;
	FILE *maps;
	void *p;

	p = mmap(NULL, 1, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return false;
	maps = fopen("/proc/self/maps", "re");
	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu", &start, &end, flags, &pgoff, &major,
			   &minor, &ino) == 7 &&
		    start <= (unsigned long)p && (unsigned long)p < end)
			same = ino == mapping->ino && makedev(major, minor) == mapping->dev;
	}
	if (maps)
		fclose(maps);
	munmap(p, 1);
	return same;
}

/*
 * Only a regular file is opened for reading, so that opening does nothing by itself. Return:
 * descriptor or -1.
 */
static int open_regular(int directory, const char *path, u64 resolve)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = resolve };
	char self[64];
	struct stat st;
	int fd, path_fd;

	path_fd = syscall(SYS_openat2, directory, path, &how, sizeof(how));
	if (path_fd < 0)
		return -1;
	if (fstat(path_fd, &st) || !S_ISREG(st.st_mode)) {
		close(path_fd);
		return -1;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", path_fd);
	fd = open(self, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	close(path_fd);
	return fd;
}

static int open_mapped(struct resolver *r, u32 module)
{
	const struct mapping *m = &r->mappings[r->module_mapping[module]];
	char path[4096];
	struct stat st;
	size_t length;
	int fd, way;

	/*
	 * The mapping's own file, whatever became of its name. Needs CAP_CHECKPOINT_RESTORE or
	 * CAP_SYS_ADMIN.
	 */
	snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", r->tgid,
		 (unsigned long long)m->start, (unsigned long long)m->end);
	fd = open_regular(AT_FDCWD, path, 0);
	if (fd >= 0)
		return fd;
	length = path_length(m->path);
	if (m->path[0] != '/' || length >= sizeof(path))
		return -1;
	memcpy(path, m->path, length);
	path[length] = 0;
	/*
	 * By name it may be another file by now, or another's: only the one that is mapped will do.
	 */
	for (way = 0; way < 3; way++) {
		char exe[64];

		snprintf(exe, sizeof(exe), "/proc/%u/exe", r->tgid);
		if (way == 0)
			fd = open_regular(AT_FDCWD, exe, 0);
		else if (way == 1)
			fd = r->root >= 0 ? open_regular(r->root, path, RESOLVE_IN_ROOT) : -1;
		else
			fd = open_regular(AT_FDCWD, path, 0);
		if (fd < 0)
			continue;
		if (!fstat(fd, &st) &&
		    ((st.st_dev == m->dev && st.st_ino == m->ino) || maps_as(fd, m)))
			return fd;
		close(fd);
	}
	return -1;
}

/*
 * A name that the child asks for is the target's wish. It may have an ELF file, if that is no core
 * dump; a file with secrets is none.
 */
static int open_debug(int directory, const char *path, u64 resolve)
{
	u8 header[18];
	int fd = open_regular(directory, path, resolve);
	u16 type;

	if (fd < 0)
		return -1;
	if (pread(fd, header, sizeof(header), 0) == sizeof(header) &&
	    !memcmp(header, "\177ELF", 4)) {
		memcpy(&type, header + 16, sizeof(type));
		if (type >= 1 && type <= 3)
			return fd;
	}
	close(fd);
	return -1;
}

/* Where the target's own system keeps it, and where ours does. */
static int open_debug_anywhere(struct resolver *r, const char *path)
{
	int fd = open_debug(AT_FDCWD, path, 0);

	if (fd < 0 && r->root >= 0)
		fd = open_debug(r->root, path, RESOLVE_IN_ROOT);
	return fd;
}

static int open_by_build_id(struct resolver *r, const u8 *id, size_t size)
{
	char path[64 + 2 * 256];
	int n;
	size_t i;

	if (size < 2)
		return -1;
	n = snprintf(path, sizeof(path), "/usr/lib/debug/.build-id/%02x/", id[0]);
	for (i = 1; i < size; i++)
		n += snprintf(path + n, sizeof(path) - n, "%02x", id[i]);
	snprintf(path + n, sizeof(path) - n, ".debug");
	return open_debug_anywhere(r, path);
}

static int open_by_link(struct resolver *r, u32 module, const char *name, size_t size)
{
	static const char *const ways[] = { "%.*s/%.*s", "%.*s/.debug/%.*s",
					    "/usr/lib/debug%.*s/%.*s" };
	const char *path = r->mappings[r->module_mapping[module]].path;
	const char *slash = strrchr(path, '/');
	char full[4096];
	size_t i;
	int fd;

	if (!slash || path[0] != '/' || !size || memchr(name, '/', size) || memchr(name, 0, size))
		return -1;
	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int n = snprintf(full, sizeof(full), ways[i], (int)(slash - path), path, (int)size,
				 name);

		if (n < 0 || (size_t)n >= sizeof(full))
			continue;
		fd = open_debug_anywhere(r, full);
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static ssize_t serve(void *arg, const void *bytes, size_t question_size, void *answer, size_t size,
		     int *fd)
{
	struct resolver *r = arg;
	struct inspect_question q;

	if (question_size != sizeof(q))
		return -EINVAL;
	memcpy(&q, bytes, sizeof(q));
	if (q.size > sizeof(q.bytes))
		return -EINVAL;
	switch (q.what) {
	case ASK_FILE:
		if (q.module >= r->job.nr_modules || r->modules[q.module].vdso)
			return -EINVAL;
		*fd = open_mapped(r, q.module);
		return *fd < 0 ? -ENOENT : 0;
	case ASK_BUILD_ID:
		*fd = open_by_build_id(r, q.bytes, q.size);
		return *fd < 0 ? -ENOENT : 0;
	case ASK_DEBUG_LINK:
		if (q.module >= r->job.nr_modules || r->modules[q.module].vdso)
			return -EINVAL;
		*fd = open_by_link(r, q.module, (const char *)q.bytes, q.size);
		return *fd < 0 ? -ENOENT : 0;
	case ASK_MEMORY:
		if (q.address % INSPECT_PAGE || size < INSPECT_PAGE)
			return -EINVAL;
		return memory_read(r->memory, q.address, answer, INSPECT_PAGE);
	}
	return -EINVAL;
}

/* Answers */

static struct place *place_of(struct resolver *r, u64 lookup)
{
	struct place *p;

	HASH_FIND(hh, r->places, &lookup, sizeof(lookup), p);
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->lookup = lookup;
	HASH_ADD(hh, r->places, lookup, sizeof(lookup), p);
	return p;
}

static char *copy_text(const u8 *bytes, size_t size)
{
	char *s;

	/* A string of the target: any bytes but NUL. */
	if (!size || memchr(bytes, 0, size))
		return NULL;
	s = malloc(size + 1);
	if (s) {
		memcpy(s, bytes, size);
		s[size] = 0;
	}
	return s;
}

static void take_place(struct resolver *r, const struct inspect_reply *reply, const u8 *text)
{
	struct place *p = place_of(r, reply->lookup);

	if (!p || p->whole)
		return;
	if (reply->says == SAYS_FUNCTION) {
		free(p->function);
		p->function = copy_text(text, reply->function_size);
		return;
	}
	if (p->nr_entries == INSPECT_MAX_INLINE)
		return;
	p->entries[p->nr_entries].function = copy_text(text, reply->function_size);
	p->entries[p->nr_entries].file = copy_text(text + reply->function_size, reply->file_size);
	p->entries[p->nr_entries++].line = reply->line;
	p->whole = reply->code == 1;
}

static void forget_half_places(struct resolver *r)
{
	struct place *p = NULL, *next;
	u32 i;

	HASH_ITER(hh, r->places, p, next) {
		if (p->whole)
			continue;
		for (i = 0; i < p->nr_entries; i++) {
			free(p->entries[i].function);
			free(p->entries[i].file);
		}
		p->nr_entries = 0;
	}
}

static bool take_reply(struct resolver *r, const struct inspect_reply *reply, const u8 *text)
{
	struct found_stack *s;

	if (reply->module != INSPECT_NONE && reply->module >= r->job.nr_modules)
		return false;
	switch (reply->says) {
	case SAYS_WORKING:
		if (reply->module == INSPECT_NONE || reply->code > TRUST_NO_DEBUG)
			return false;
		r->working_module = reply->module;
		r->working_trust = reply->code;
		return true;
	case SAYS_FRAME:
		if (reply->index >= r->job.nr_stacks)
			return false;
		s = &r->attempt[reply->index];
		if (s->ended || s->nr_frames == INSPECT_MAX_FRAMES)
			return false;
		s->frames[s->nr_frames++] = (struct found_frame){ .address = reply->address,
								  .lookup = reply->lookup,
								  .module = reply->module };
		return true;
	case SAYS_END:
		if (reply->index >= r->job.nr_stacks || reply->code > END_UNREAD)
			return false;
		s = &r->attempt[reply->index];
		s->ended = true;
		s->end = reply->code;
		s->end_module = reply->module;
		return true;
	case SAYS_FUNCTION:
	case SAYS_PLACE:
		take_place(r, reply, text);
		return true;
	case SAYS_NO_FILE:
		if (reply->module == INSPECT_NONE)
			return false;
		r->no_file[reply->module] = true;
		return true;
	case SAYS_LOCK:
		if (reply->index >= r->job.nr_addresses || reply->code > QUALITY_DWARF)
			return false;
		if (!r->locks[reply->index].name || reply->code >= r->locks[reply->index].quality) {
			free(r->locks[reply->index].name);
			r->locks[reply->index].name = copy_text(text, reply->function_size);
			r->locks[reply->index].quality = reply->code;
		}
		return true;
	}
	return false;
}

/*
 * The child may have been taken over by what it read: every field is checked, and the first that is
 * wrong ends it.
 */
static void take_replies(struct resolver *r, const u8 *bytes, size_t size)
{
	u32 i;

	memset(r->attempt, 0, r->job.nr_stacks * sizeof(*r->attempt));
	r->working_module = INSPECT_NONE;
	while (size >= sizeof(struct inspect_reply)) {
		struct inspect_reply reply;
		size_t whole;

		memcpy(&reply, bytes, sizeof(reply));
		if (reply.function_size > INSPECT_MAX_NAME || reply.file_size > INSPECT_MAX_FILE)
			break;
		whole = (sizeof(reply) + reply.function_size + reply.file_size + 7) & ~7ul;
		if (whole > size || !take_reply(r, &reply, bytes + sizeof(reply)))
			break;
		bytes += whole;
		size -= whole;
	}
	forget_half_places(r);
	for (i = 0; i < r->job.nr_stacks; i++) {
		if (r->attempt[i].nr_frames > r->found[i].nr_frames ||
		    (r->attempt[i].nr_frames == r->found[i].nr_frames && r->attempt[i].ended &&
		     !r->found[i].ended))
			r->found[i] = r->attempt[i];
	}
}

static size_t child_bytes(void)
{
	struct sysinfo info;
	u64 half;

	if (sysinfo(&info))
		return MAX_CHILD_BYTES;
	half = (u64)info.totalram * info.mem_unit / 2;
	return half < MAX_CHILD_BYTES ? half : MAX_CHILD_BYTES;
}

static int ask_child(struct resolver *r, u64 deadline_ns)
{
	int error = 0, attempt;

	for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
		struct jail jail = { .memory = child_bytes(),
				     .reply_size = MAX_REPLY_BYTES,
				     .serve = serve,
				     .serve_arg = r,
				     .max_questions = MAX_QUESTIONS };
		u64 now = jail_now_ns();
		void *reply;
		size_t size;

		if (now >= deadline_ns)
			return -ETIMEDOUT;
		/* Leave time to try again without the one that takes it all. */
		jail.deadline_ns = attempt == MAX_ATTEMPTS - 1 ? deadline_ns
							       : now + (deadline_ns - now) * 6 / 10;
		/* The child stops by itself before it is stopped, with all that it has. */
		r->job.deadline_ns = jail.deadline_ns - 20000000;
		error = jail_run(&jail, inspect_run, &r->job, &reply, &size);
		take_replies(r, reply, size);
		free(reply);
		if (error != -ETIMEDOUT && error != -EFAULT)
			return error;
		if (r->working_module == INSPECT_NONE ||
		    r->modules[r->working_module].trust > r->working_trust)
			return error;
		r->modules[r->working_module].trust = r->working_trust + 1;
	}
	return error;
}

/* What is handed out */

static const char *module_path(struct resolver *r, u32 module)
{
	char path[4096];
	const char *whole;

	if (module == INSPECT_NONE)
		return NULL;
	whole = r->mappings[r->module_mapping[module]].path;
	snprintf(path, sizeof(path), "%.*s", (int)path_length(whole), whole);
	return builder_string(r->builder, path);
}

static const char *module_name(struct resolver *r, u32 module)
{
	const char *path = module_path(r, module);
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path ? path
					: "code that is not in a file";
}

static const char *string(struct resolver *r, const char *s)
{
	return s ? builder_string(r->builder, s) : NULL;
}

static void add_note(char *note, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_note(char *note, const char *format, ...)
{
	size_t used = strlen(note);
	va_list args;

	if (used && used < MAX_NOTE - 3) {
		strcpy(note + used, "; ");
		used += 2;
	}
	va_start(args, format);
	vsnprintf(note + used, MAX_NOTE - used, format, args);
	va_end(args);
}

static void note_end(struct resolver *r, const struct found_stack *s, char *note)
{
	if (!s->ended) {
		add_note(note, s->nr_frames ? "not finished in time" : "not taken in time");
		return;
	}
	switch (s->end) {
	case END_WHOLE:
		return;
	case END_DEEP:
		add_note(note, "deeper than %u frames", INSPECT_MAX_FRAMES);
		return;
	case END_NO_CFI:
		add_note(note, "no unwind information in %s", module_name(r, s->end_module));
		return;
	case END_LOST:
		add_note(note, s->nr_frames ? "lost after %u frames" : "its registers lead nowhere",
			 s->nr_frames);
		return;
	case END_FAILED:
		add_note(note, "unwind information of %s does not fit this stack",
			 module_name(r, s->end_module));
		return;
	case END_UNREAD:
		add_note(note, "its stack could not be read further");
		return;
	}
}

static int hand_out_stack(struct resolver *r, struct stack_request *request,
			  const struct found_stack *s)
{
	u32 nr = 0, nameless = INSPECT_NONE, i, j;
	char note[MAX_NOTE] = "";
	bool cut = false;

	for (i = 0; i < s->nr_frames; i++) {
		struct place *p;

		HASH_FIND(hh, r->places, &s->frames[i].lookup, sizeof(s->frames[i].lookup), p);
		nr += p && p->nr_entries ? p->nr_entries : 1;
	}
	if (nr > INSPECT_MAX_FRAMES) {
		nr = INSPECT_MAX_FRAMES;
		cut = true;
	}
	request->frames = nr ? builder_alloc(r->builder, nr * sizeof(*request->frames)) : NULL;
	if (nr && !request->frames)
		return -ENOMEM;
	for (i = 0, request->nr_frames = 0; i < s->nr_frames && request->nr_frames < nr; i++) {
		const struct found_frame *f = &s->frames[i];
		const char *module = module_path(r, f->module);
		struct place *p;

		HASH_FIND(hh, r->places, &f->lookup, sizeof(f->lookup), p);
		j = 0;
		do {
			struct lab_frame *frame = &request->frames[request->nr_frames++];
			bool outermost = !p || j + 1 >= p->nr_entries;

			frame->address = f->address;
			frame->module = module;
			if (p && j < p->nr_entries) {
				frame->function = string(r, p->entries[j].function);
				frame->file = string(r, p->entries[j].file);
				frame->line = p->entries[j].line;
			}
			if (!frame->function && outermost && p)
				frame->function = string(r, p->function);
			if (!frame->function && nameless == INSPECT_NONE &&
			    f->module != INSPECT_NONE && !r->modules[f->module].late)
				nameless = f->module;
			j++;
		} while (p && j < p->nr_entries && request->nr_frames < nr);
	}
	if (!s->nr_frames && !request->record->regs[LAB_REG_IP])
		add_note(note, "its registers could not be read");
	else if (cut)
		add_note(note, "deeper than %u frames", INSPECT_MAX_FRAMES);
	else
		note_end(r, s, note);
	if (nameless != INSPECT_NONE && r->no_file[nameless])
		add_note(note, "the file of %s can not be had", module_name(r, nameless));
	else if (nameless != INSPECT_NONE)
		add_note(note, "no symbols in %s", module_name(r, nameless));
	request->note = *note ? builder_string(r->builder, note) : NULL;
	return 0;
}

/* For a lock that no symbol covers: what its memory is. */
static const char *region_name(struct resolver *r, u64 address)
{
	const struct mapping *m = memory_mapping_at(r->memory, address);
	const u64 arena_size =
		/* HEAP_MAX_SIZE of glibc's malloc: a thread's arena is aligned to it */
		64ull << 20;
	const struct mapping *arena;
	char text[4200];
	u64 start = address & ~(arena_size - 1);
	u64 pointer;

	if (!m)
		return NULL;
	if (!strcmp(m->path, "[heap]"))
		return "heap object";
	if (m->ino) {
		const char *path = m->path;
		size_t length = path_length(path);

		if (!strncmp(path, "/memfd:", 7)) {
			path++;
			length--;
		} else if (!strcmp(path, "/dev/zero (deleted)")) {
			path = "shared memory"; /* MAP_SHARED | MAP_ANONYMOUS */
			length = strlen(path);
		}
		snprintf(text, sizeof(text), "%.*s+0x%llx", (int)length, path,
			 (unsigned long long)(m->pgoff + address - m->start));
		return builder_string(r->builder, text);
	}
	/*
	 * Such an arena begins with a pointer to its state, which for the first piece lies right
	 * behind.
	 */
	arena = memory_mapping_at(r->memory, start);
	if (arena && arena->start == start && !arena->ino && address < arena->end &&
	    memory_read(r->memory, start, &pointer, sizeof(pointer)) == sizeof(pointer) &&
	    pointer > start && pointer < start + INSPECT_PAGE)
		return "heap object";
	return NULL;
}

static void free_resolver(struct resolver *r)
{
	struct place *p, *next;
	u32 i;

	HASH_ITER(hh, r->places, p, next) {
		HASH_DEL(r->places, p);
		for (i = 0; i < p->nr_entries; i++) {
			free(p->entries[i].function);
			free(p->entries[i].file);
		}
		free(p->function);
		free(p);
	}
	for (i = 0; r->stacks && i < r->job.nr_stacks; i++)
		free((void *)r->stacks[i].bytes);
	for (i = 0; r->locks && i < r->job.nr_addresses; i++)
		free(r->locks[i].name);
	free(r->stacks);
	free(r->found);
	free(r->attempt);
	free(r->locks);
	free(r->modules);
	free(r->module_mapping);
	free(r->no_file);
	free((void *)r->job.code);
	free((void *)r->job.addresses);
	if (r->root >= 0)
		close(r->root);
}

int stacks_resolve(struct builder *b, struct memory *m, u32 tgid, struct stack_request *stacks,
		   u32 nr_stacks, struct symbol_request *symbols, u32 nr_symbols, u64 budget_ns)
{
	u64 deadline_ns = jail_now_ns() + (budget_ns ? budget_ns : STACKS_BUDGET_NS);
	u32 taken = nr_stacks < MAX_STACKS ? nr_stacks : MAX_STACKS;
	struct resolver r = { .builder = b, .memory = m, .tgid = tgid, .root = -1 };
	char path[64];
	u64 *addresses;
	int error, n;
	u32 i;

	for (i = 0; i < nr_stacks; i++) {
		stacks[i].frames = NULL;
		stacks[i].nr_frames = 0;
		stacks[i].note = "not taken";
	}
	for (i = 0; i < nr_symbols; i++)
		symbols[i].symbol = NULL;
	n = memory_mappings(m, &r.mappings);
	if (n < 0)
		return n;
	r.nr_mappings = n;
	snprintf(path, sizeof(path), "/proc/%u/root", tgid);
	r.root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	addresses = calloc(nr_symbols + 1, sizeof(*addresses));
	r.locks = calloc(nr_symbols + 1, sizeof(*r.locks));
	r.job.addresses = addresses;
	r.job.nr_addresses = nr_symbols;
	error = addresses && r.locks ? find_modules(&r) : -ENOMEM;
	if (!error)
		error = copy_stacks(&r, stacks, taken);
	if (error)
		goto out;
	for (i = 0; i < nr_symbols; i++)
		addresses[i] = symbols[i].address;

	error = ask_child(&r, deadline_ns);
	for (i = 0; i < taken; i++) {
		if (hand_out_stack(&r, &stacks[i], &r.found[i])) {
			error = -ENOMEM;
			goto out;
		}
	}
	for (i = 0; i < nr_symbols; i++)
		symbols[i].symbol = r.locks[i].name ? builder_string(b, r.locks[i].name)
						    : region_name(&r, addresses[i]);
	/* Late or broken off in parts: the notes say where. */
	if (error == -ETIMEDOUT || error == -EFAULT)
		error = 0;
out:
	free_resolver(&r);
	return error;
}
