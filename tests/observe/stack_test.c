// SPDX-License-Identifier: GPL-2.0
/*
 * stack_test - stacks of sleeping threads say where they sleep, whatever their program is made of
 *
 * Lines are looked up in the target's source by their comments, so that a stack off by one call or
 * one line fails.
 *
 * suite: live timeout=300
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/jail.h"
#include "observe/target.h"

#define S 1000000000ull

static bool has_children(void)
{
	siginfo_t info;

	return !waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || errno != ECHILD;
}

/* From the calls that must not change by a look. */
static bool was_left_alone(pid_t pid, pid_t tid, unsigned long *switches)
{
	unsigned long voluntary = 0, forced = 0, tracer = 1;
	char path[64], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "TracerPid: %lu", &tracer);
		sscanf(line, "voluntary_ctxt_switches: %lu", &voluntary);
		sscanf(line, "nonvoluntary_ctxt_switches: %lu", &forced);
	}
	if (f)
		fclose(f);
	if (!*switches)
		*switches = voluntary + forced;
	return !tracer && *switches == voluntary + forced;
}

struct expected {
	const char *function;
	const char *marker; /* of its line; NULL: any */
};

/* @thread's stack has these frames, one right after the other; all from @source. */
static void check(struct __test_metadata *_metadata, const struct target_look *look,
		  const struct target *target, const char *thread, const char *source,
		  const struct expected *expected, bool whole)
{
	const struct stack_request *s = target_stack(look, target_tid(target, thread));
	int at = target_frame(s, expected->function);

	EXPECT_LE(0, at)
	{
		TH_LOG("%s: no %s among %u frames: %s", thread, expected->function, s->nr_frames,
		       s->note ? s->note : "");
	}
	if (at < 0)
		return;
	for (; expected->function; expected++, at++) {
		const struct lab_frame *f = &s->frames[at];

		if ((u32)at >= s->nr_frames || !f->function) {
			TH_LOG("%s: %s is missing", thread, expected->function);
			EXPECT_TRUE(false);
			return;
		}
		EXPECT_STREQ(expected->function, f->function);
		if (!expected->marker)
			continue;
		ASSERT_NE(NULL, f->file);
		EXPECT_NE(NULL, strstr(f->file, source));
		EXPECT_EQ(target_line(source, expected->marker), f->line)
		{
			TH_LOG("%s: %s at %s:%u", thread, f->function, f->file, f->line);
		}
	}
	if (whole && s->note) {
		TH_LOG("%s: %s", thread, s->note);
		EXPECT_EQ(NULL, s->note);
	}
}

#define CHECK(thread, source, ...)                       \
	check(_metadata, &look, &target, thread, source, \
	      (struct expected[]){ __VA_ARGS__, { NULL, NULL } }, true)

FIXTURE(stacks)
{
	char directory[32];
	char program[64];
	char plugin[64];
};

FIXTURE_VARIANT(stacks)
{
	const char *flags;
	enum snapshot_source source;
	bool no_plugin;
};

FIXTURE_VARIANT_ADD(stacks, plain){
	.flags = "",
	.source = SNAPSHOT_BPF,
};

/* Only the stack and instruction pointers are known. */
FIXTURE_VARIANT_ADD(stacks, from_proc){
	.flags = "",
	.source = SNAPSHOT_PROC,
};

FIXTURE_VARIANT_ADD(stacks, not_pie){
	.flags = "-no-pie -fno-pie",
	.source = SNAPSHOT_BPF,
};

FIXTURE_VARIANT_ADD(stacks, static_program){
	.flags = "-static",
	.source = SNAPSHOT_BPF,
	.no_plugin = true,
};

FIXTURE_VARIANT_ADD(stacks, dwarf4){
	.flags = "-gdwarf-4",
	.source = SNAPSHOT_BPF,
};

FIXTURE_VARIANT_ADD(stacks, compressed){
	.flags = "-gz=zlib",
	.source = SNAPSHOT_BPF,
};

/* Writes no .debug_aranges. */
FIXTURE_VARIANT_ADD(stacks, clang){
	.flags = "clang",
	.source = SNAPSHOT_BPF,
};

FIXTURE_SETUP(stacks)
{
	strcpy(self->directory, "/tmp/stack_test.XXXXXX");
	if (!target_source("stacks.c"))
		SKIP(return, "the sources of the targets are not here");
	if (system("gcc --version >/dev/null 2>&1") || system("g++ --version >/dev/null 2>&1"))
		SKIP(return, "no compiler");
	if (strstr(variant->flags, "clang") && system("clang --version >/dev/null 2>&1"))
		SKIP(return, "no clang");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	snprintf(self->program, sizeof(self->program), "%s/stacks", self->directory);
	snprintf(self->plugin, sizeof(self->plugin), "%s/plugin.so", self->directory);
	ASSERT_TRUE(target_build("stacks.c", variant->flags, self->program));
	ASSERT_TRUE(target_build("plugin.c", "-shared -fPIC", self->plugin));
}

FIXTURE_TEARDOWN(stacks)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", self->directory);
	if (system(command))
		TH_LOG("%s failed", command);
}

#define START_AND_LOOK(argument)                                             \
	do {                                                                 \
		const char *why;                                             \
		ASSERT_TRUE(target_start(&target, self->program, argument)); \
		why = target_look(&look, &target, variant->source);          \
		if (why) {                                                   \
			target_stop(&target);                                \
			SKIP(return, "%s", why);                             \
		}                                                            \
		EXPECT_EQ(0, look.result);                                   \
	} while (0)

TEST_F(stacks, lead_to_where_each_thread_sleeps)
{
	const struct stack_request *s;
	struct target_look look;
	struct target target;

	START_AND_LOOK(variant->no_plugin ? NULL : self->plugin);
	CHECK("main", "stacks.c", { "main", "stuck: main" });
	CHECK("inlined", "stacks.c", { "innermost", "stuck: inlined" },
	      { "middle", "inlined: call of innermost" }, { "outer", "inlined: call of middle" },
	      { "inlined", NULL });
	CHECK("handler", "stacks.c", { "handler", "stuck: handler" });
	CHECK("handler", "stacks.c", { "interrupted", "interrupted here" }, { "on_signal", NULL });
	CHECK("altstack", "stacks.c", { "handler", "stuck: handler" });
	CHECK("altstack", "stacks.c", { "interrupted_elsewhere", "interrupted on another stack" },
	      { "on_other_stack", NULL });
	CHECK("stdio", "stacks.c", { "read_line", "stuck: stdio" }, { "in_stdio", NULL });
	CHECK("noreturn", "stacks.c", { "never_returns", "stuck: noreturn" },
	      { "calls_never_returns", "call that does not return" }, { "in_noreturn", NULL });
	CHECK("deep", "stacks.c", { "descend", "stuck: deep" }, { "descend", "deeper" },
	      { "descend", "deeper" });
	s = target_stack(&look, target_tid(&target, "deep"));
	EXPECT_EQ(target_frame(s, "descend") + 30, target_frame(s, "deep"));
	/* Its frame is found through rbp, which /proc does not tell. */
	if (variant->source == SNAPSHOT_BPF)
		CHECK("alloca", "stacks.c", { "variable_frame", "stuck: alloca" },
		      { "in_variable_frame", NULL });
	if (!variant->no_plugin)
		CHECK("plugin", "plugin.c", { "hidden_work", "stuck: plugin" },
		      { "plugin_work", "plugin: call" });
	s = target_stack(&look, target_tid(&target, "too_deep"));
	EXPECT_EQ(64, s->nr_frames);
	EXPECT_STREQ("deeper than 64 frames", s->note);
	target_look_end(&look);
	target_stop(&target);
	EXPECT_FALSE(has_children());
}

FIXTURE(one)
{
	char directory[32];
	char program[64];
	char plugin[64];
};

FIXTURE_VARIANT(one)
{
	enum snapshot_source source;
};

FIXTURE_VARIANT_ADD(one, look){
	.source = SNAPSHOT_BPF,
};

FIXTURE_SETUP(one)
{
	strcpy(self->directory, "/tmp/stack_test.XXXXXX");
	if (!target_source("stacks.c"))
		SKIP(return, "the sources of the targets are not here");
	if (system("gcc --version >/dev/null 2>&1") || system("g++ --version >/dev/null 2>&1"))
		SKIP(return, "no compiler");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	snprintf(self->program, sizeof(self->program), "%s/stacks", self->directory);
	snprintf(self->plugin, sizeof(self->plugin), "%s/plugin.so", self->directory);
	ASSERT_TRUE(target_build("stacks.c", "", self->program));
	ASSERT_TRUE(target_build("plugin.c", "-shared -fPIC", self->plugin));
}

FIXTURE_TEARDOWN(one)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", self->directory);
	if (system(command))
		TH_LOG("%s failed", command);
}

static bool run(const char *format, const char *a, const char *b)
{
	char command[512];

	snprintf(command, sizeof(command), format, a, b);
	return !system(command);
}

TEST_F(one, leaves_the_target_alone)
{
	unsigned long switches[TARGET_MAX] = { 0 };
	struct target_look look;
	struct target target;
	u32 i;

	START_AND_LOOK(self->plugin);
	target_look_end(&look);
	for (i = 0; i < target.nr_threads; i++)
		EXPECT_TRUE(was_left_alone(target.pid, target.threads[i].tid, &switches[i]));
	EXPECT_EQ(NULL, target_look(&look, &target, SNAPSHOT_BPF));
	for (i = 0; i < target.nr_threads; i++)
		EXPECT_TRUE(was_left_alone(target.pid, target.threads[i].tid, &switches[i]));
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, cplusplus_names_are_readable)
{
	struct target_look look;
	struct target target;

	ASSERT_TRUE(target_build("classes.cc", "", self->program));
	START_AND_LOOK(NULL);
	CHECK("method", "classes.cc", { "bank::account::deposit", "stuck: method" });
	CHECK("lambda", "classes.cc", { "operator()", "stuck: lambda" });
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, stripped_program_says_so)
{
	const struct stack_request *s;
	struct target_look look;
	struct target target;

	ASSERT_TRUE(run("strip %s", self->program, NULL));
	START_AND_LOOK(self->plugin);
	check(_metadata, &look, &target, "plugin", "plugin.c",
	      (struct expected[]){ { "hidden_work", "stuck: plugin" },
				   { "plugin_work", "plugin: call" },
				   { NULL, NULL } },
	      false);
	s = target_stack(&look, target_tid(&target, "main"));
	EXPECT_LE(5, s->nr_frames);
	EXPECT_STREQ("no symbols in stacks", s->note);
	EXPECT_EQ(-1, target_frame(s, "main"));
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, debug_file_beside_the_program_is_used)
{
	struct target_look look;
	struct target target;

	ASSERT_TRUE(run("objcopy --only-keep-debug %s %s.debug", self->program, self->program));
	ASSERT_TRUE(run("strip %s", self->program, NULL));
	ASSERT_TRUE(run("objcopy --add-gnu-debuglink=%s.debug %s", self->program, self->program));
	START_AND_LOOK(NULL);
	CHECK("main", "stacks.c", { "main", "stuck: main" });
	CHECK("handler", "stacks.c", { "handler", "stuck: handler" });
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, debug_file_of_another_program_is_not_used)
{
	const struct stack_request *s;
	struct target_look look;
	struct target target;

	ASSERT_TRUE(run("objcopy --only-keep-debug %s %s.debug", self->program, self->program));
	ASSERT_TRUE(run("strip %s", self->program, NULL));
	ASSERT_TRUE(run("objcopy --add-gnu-debuglink=%s.debug %s", self->program, self->program));
	ASSERT_TRUE(run("objcopy --only-keep-debug %s %s.debug", self->plugin, self->program));
	START_AND_LOOK(NULL);
	s = target_stack(&look, target_tid(&target, "main"));
	EXPECT_STREQ("no symbols in stacks", s->note);
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, debug_file_is_no_way_to_other_files)
{
	const struct stack_request *s;
	struct target_look look;
	struct target target;

	/*
	 * A secret under the name that the target wishes for, and a core dump, are not handed to
	 * the child: it stays without.
	 */
	ASSERT_TRUE(run("objcopy --only-keep-debug %s %s.debug", self->program, self->program));
	ASSERT_TRUE(run("strip %s", self->program, NULL));
	ASSERT_TRUE(run("objcopy --add-gnu-debuglink=%s.debug %s", self->program, self->program));
	ASSERT_TRUE(run("rm %s.debug; mkfifo %s.debug", self->program, self->program));
	START_AND_LOOK(NULL);
	s = target_stack(&look, target_tid(&target, "main"));
	EXPECT_STREQ("no symbols in stacks", s->note);
	EXPECT_GT(2 * S, look.duration_ns);
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, deleted_program_is_still_read)
{
	struct target_look look;
	struct target target;
	const struct stack_request *s;

	ASSERT_TRUE(target_start(&target, self->program, self->plugin));
	ASSERT_EQ(0, unlink(self->program));
	ASSERT_EQ(0, unlink(self->plugin));
	ASSERT_EQ(NULL, target_look(&look, &target, SNAPSHOT_PROC));
	CHECK("main", "stacks.c", { "main", "stuck: main" });
	CHECK("plugin", "plugin.c", { "hidden_work", "stuck: plugin" });
	s = target_stack(&look, target_tid(&target, "plugin"));
	EXPECT_STREQ(self->plugin, s->frames[target_frame(s, "hidden_work")].module);
	target_look_end(&look);
	target_stop(&target);
}

/* Without privilege there is only the name, and that leads to another file by now. */
TEST_F(one, replaced_program_is_not_taken_for_it)
{
	const struct stack_request *s;
	struct target_look look;
	struct target target;
	char other[80];

	ASSERT_EQ(0, chown(self->directory, 12345, 12345));
	ASSERT_EQ(0, chmod(self->directory, 0755));
	ASSERT_EQ(0, setresgid(12345, 12345, 12345));
	ASSERT_EQ(0, setresuid(12345, 12345, 12345));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
	ASSERT_TRUE(target_start(&target, self->program, self->plugin));
	snprintf(other, sizeof(other), "%s.new", self->plugin);
	ASSERT_TRUE(target_build("plugin.c", "-shared -fPIC -O0", other));
	ASSERT_EQ(NULL, target_look(&look, &target, SNAPSHOT_PROC));
	CHECK("main", "stacks.c", { "main", "stuck: main" });
	CHECK("plugin", "plugin.c", { "hidden_work", "stuck: plugin" });
	target_look_end(&look);

	ASSERT_EQ(0, rename(other, self->plugin));
	ASSERT_EQ(NULL, target_look(&look, &target, SNAPSHOT_PROC));
	CHECK("main", "stacks.c", { "main", "stuck: main" });
	s = target_stack(&look, target_tid(&target, "plugin"));
	EXPECT_EQ(-1, target_frame(s, "hidden_work"));
	ASSERT_NE(NULL, s->note);
	EXPECT_NE(NULL, strstr(s->note, "plugin.so"));
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, program_that_only_its_own_mounts_show_is_found)
{
	struct target_look look;
	struct target target;
	char path[128];
	FILE *f;

	if (geteuid() || system("unshare -m true 2>/dev/null"))
		SKIP(return, "no right to a mount namespace of its own");
	snprintf(path, sizeof(path), "%s/enter", self->directory);
	f = fopen(path, "w");
	ASSERT_NE(NULL, f);
	fprintf(f,
		"#!/bin/sh\ncd %s && mkdir inner && exec unshare -m sh -c 'mount -t tmpfs none inner && "
		"cp stacks inner/other && exec ./inner/other'\n",
		self->directory);
	fclose(f);
	ASSERT_EQ(0, chmod(path, 0755));
	ASSERT_TRUE(target_start(&target, path, NULL));
	snprintf(path, sizeof(path), "%s/inner/other", self->directory);
	EXPECT_EQ(-1, access(path, F_OK));
	ASSERT_EQ(NULL, target_look(&look, &target, SNAPSHOT_BPF));
	CHECK("main", "stacks.c", { "main", "stuck: main" });
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(one, clock_in_the_vdso)
{
	struct target_look look;
	struct target target;
	const struct stack_request *s;
	bool found = false;
	int tries, at;

	ASSERT_TRUE(target_start(&target, self->program, "clock"));
	/*
	 * The registers of a running thread are those of its last interrupt: wait for one that came
	 * in the vdso.
	 */
	for (tries = 0; tries < 500 && !found; tries++) {
		ASSERT_EQ(NULL, target_look(&look, &target, SNAPSHOT_BPF));
		s = target_stack(&look, target_tid(&target, "clock"));
		if (s->nr_frames && s->frames[0].module && !strcmp(s->frames[0].module, "[vdso]")) {
			found = true;
			EXPECT_NE(NULL, s->frames[0].function);
			at = target_frame(s, "reads_clock");
			EXPECT_LT(0, at);
			if (at > 0)
				EXPECT_EQ(target_line("stacks.c", "in the vdso"),
					  s->frames[at].line);
		}
		target_look_end(&look);
	}
	EXPECT_TRUE(found);
	target_stop(&target);
}

TEST_F(one, registers_that_lead_nowhere_are_said_to)
{
	static const u64 nowhere[] = {
		0, 8, 0x7fffffffffff, 0xffffffffff600000, ~0ull, 0x8000000000000000
	};
	struct lab_task_record record;
	struct target_look look;
	struct target target;
	size_t i, j;

	START_AND_LOOK(NULL);
	record = *target_stack(&look, target_tid(&target, "deep"))->record;
	for (i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
		for (j = 0; j < 3; j++) {
			struct lab_task_record lies = record;
			struct stack_request request = { .record = &lies };
			struct symbol_request symbol = { .address = nowhere[i] };

			if (j != 1)
				lies.regs[LAB_REG_SP] = nowhere[i];
			if (j != 0)
				lies.regs[LAB_REG_IP] = nowhere[i];
			EXPECT_EQ(0, stacks_resolve(look.builder, look.memory, target.pid, &request,
						    1, &symbol, 1, 0));
			EXPECT_GE(1, request.nr_frames);
			EXPECT_NE(NULL, request.note);
			EXPECT_EQ(NULL, symbol.symbol);
		}
	}
	target_look_end(&look);
	target_stop(&target);
	EXPECT_FALSE(has_children());
}

TEST_F(one, target_that_dies_costs_no_more_than_its_answer)
{
	struct stack_request request;
	struct target_look look;
	struct target target;

	START_AND_LOOK(self->plugin);
	request.record = target_stack(&look, target_tid(&target, "deep"))->record;
	target_stop(&target);
	stacks_resolve(look.builder, look.memory, look.stacks[0].record->tgid, &request, 1, NULL,
		       0, 0);
	EXPECT_EQ(0, request.nr_frames && !request.note);
	EXPECT_FALSE(has_children());
	target_look_end(&look);
}

/* xorshift64*: the same files every time. */
static u64 random_next(u64 *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

static void mutate(u8 *bytes, size_t size, u64 *seed, size_t *length)
{
	u64 headers, kind = random_next(seed) % 8;
	u32 i, count;

	*length = size;
	memcpy(&headers, bytes + 40, sizeof(headers)); /* e_shoff */
	switch (kind) {
	case 0: /* truncated */
		*length = random_next(seed) % size;
		break;
	case 1: /* a field of a section header */
	case 2:
		for (i = 0; i < 1 + random_next(seed) % 4; i++) {
			u64 at = headers + random_next(seed) % (size - headers) / 8 * 8;
			u64 value = random_next(seed) >> random_next(seed) % 64;

			if (at + 8 <= size)
				memcpy(bytes + at, &value, 8);
		}
		break;
	case 3: /* the ELF and program headers */
		bytes[random_next(seed) % 700] = random_next(seed);
		break;
	case 4: /* a run of one byte: huge LEB128s, no ends */
		count = random_next(seed) % 64;
		for (i = 0; i < count; i++)
			bytes[(random_next(seed) % size + i) % size] = 0xff;
		break;
	default: /* bits everywhere */
		count = 1 + random_next(seed) % 200;
		for (i = 0; i < count; i++)
			bytes[random_next(seed) % size] ^= 1 << random_next(seed) % 8;
	}
}

/*
 * The plug-in's file is changed under the sleeping target: its thread's stack, its lock and its
 * functions are then looked up in a broken file. LAB_FUZZ=N in the environment makes it longer than
 * the quick default.
 */
static void fuzz(struct __test_metadata *_metadata, const char *program, const char *plugin,
		 const char *flags, u64 seed)
{
	u32 rounds = getenv("LAB_FUZZ") ? atoi(getenv("LAB_FUZZ")) : 250;
	u32 round, with_names = 0, without = 0, slow = 0;
	u8 *original, *bytes;
	struct target_look look;
	struct target target;
	struct stat st;
	const char *why;
	int fd;

	ASSERT_TRUE(target_build("plugin.c", flags, plugin));
	fd = open(plugin, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, fstat(fd, &st));
	original = malloc(st.st_size);
	bytes = malloc(st.st_size);
	ASSERT_EQ(st.st_size, pread(fd, original, st.st_size, 0));
	ASSERT_TRUE(target_start(&target, program, plugin));
	why = target_look(&look, &target, SNAPSHOT_BPF);
	if (why)
		why = target_look(&look, &target, SNAPSHOT_PROC);
	ASSERT_EQ(NULL, why);
	for (round = 0; round < rounds; round++) {
		const struct stack_request *s;
		size_t length;

		memcpy(bytes, original, st.st_size);
		mutate(bytes, st.st_size, &seed, &length);
		/*
		 * Never shorter than its code while mapped code may run: nothing of it runs, all
		 * threads sleep.
		 */
		ASSERT_EQ(0, ftruncate(fd, length));
		ASSERT_EQ((ssize_t)length, pwrite(fd, bytes, length, 0));
		target_resolve(&look, &target);
		EXPECT_GT(3 * S, look.duration_ns);
		slow += look.duration_ns > S;
		/* The others' names do not suffer. */
		s = target_stack(&look, target_tid(&target, "main"));
		EXPECT_LE(0, target_frame(s, "main"))
		{
			TH_LOG("round %u: %u frames: %s", round, s->nr_frames,
			       s->note ? s->note : "");
		}
		s = target_stack(&look, target_tid(&target, "plugin"));
		if (target_frame(s, "hidden_work") >= 0)
			with_names++;
		else
			without++;
		EXPECT_FALSE(kill(target.pid, 0));
	}
	TH_LOG("%u rounds: %u with names, %u without, %u took over a second", rounds, with_names,
	       without, slow);
	/* Both kinds happen, or it was no test. */
	EXPECT_LT(0, with_names);
	EXPECT_LT(0, without);
	target_look_end(&look);
	target_stop(&target);
	EXPECT_FALSE(has_children());
	free(original);
	free(bytes);
	close(fd);
}

TEST_F_TIMEOUT(one, broken_files_cost_only_their_own_names, 600)
{
	fuzz(_metadata, self->program, self->plugin, "-shared -fPIC", 0x9e3779b97f4a7c15);
}

TEST_F_TIMEOUT(one, broken_compressed_files_cost_only_their_own_names, 600)
{
	fuzz(_metadata, self->program, self->plugin, "-shared -fPIC -gz=zlib", 0xc2b2ae3d27d4eb4f);
}

TEST_HARNESS_MAIN
