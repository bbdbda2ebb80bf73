// SPDX-License-Identifier: GPL-2.0
/*
 * symbol_test - locks are called what the program calls them
 *
 * The targets print each lock's address with the name that a reader of their source would give it.
 *
 * suite: live
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/target.h"

FIXTURE(names)
{
	char directory[32];
	char program[64];
	char plugin[64];
};

FIXTURE_VARIANT(names)
{
	const char *source;
	const char *flags;
};

FIXTURE_VARIANT_ADD(names, c){
	.source = "names.c",
	.flags = "",
};

FIXTURE_VARIANT_ADD(names, c_dwarf4){
	.source = "names.c",
	.flags = "-gdwarf-4 -gno-column-info",
};

FIXTURE_VARIANT_ADD(names, c_not_pie){
	.source = "names.c",
	.flags = "-no-pie -fno-pie",
};

FIXTURE_VARIANT_ADD(names, c_compressed){
	.source = "names.c",
	.flags = "-gz=zlib",
};

FIXTURE_VARIANT_ADD(names, c_clang){
	.source = "names.c",
	.flags = "clang",
};

FIXTURE_VARIANT_ADD(names, cplusplus){
	.source = "classes.cc",
	.flags = "",
};

FIXTURE_SETUP(names)
{
	strcpy(self->directory, "/tmp/symbol_test.XXXXXX");
	if (!target_source(variant->source))
		SKIP(return, "the sources of the targets are not here");
	if (system("gcc --version >/dev/null 2>&1") || system("g++ --version >/dev/null 2>&1"))
		SKIP(return, "no compiler");
	if (strstr(variant->flags, "clang") && system("clang --version >/dev/null 2>&1"))
		SKIP(return, "no clang");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	snprintf(self->program, sizeof(self->program), "%s/names", self->directory);
	snprintf(self->plugin, sizeof(self->plugin), "%s/plugin.so", self->directory);
	ASSERT_TRUE(target_build(variant->source, variant->flags, self->program));
	ASSERT_TRUE(target_build("plugin.c", "-shared -fPIC", self->plugin));
}

FIXTURE_TEARDOWN(names)
{
	unlink(self->program);
	unlink(self->plugin);
	rmdir(self->directory);
}

TEST_F(names, are_those_of_the_source)
{
	struct target_look look;
	struct target target;
	const char *why;
	u32 i;

	ASSERT_TRUE(target_start(&target, self->program, self->plugin));
	why = target_look(&look, &target, SNAPSHOT_BPF);
	if (why) {
		target_stop(&target);
		SKIP(return, "%s", why);
	}
	EXPECT_EQ(0, look.result);
	EXPECT_LT(0, target.nr_locks);
	for (i = 0; i < target.nr_locks; i++) {
		const char *name = look.symbols[i].symbol;

		EXPECT_STREQ(target.locks[i].name, name ? name : "(none)");
	}
	target_look_end(&look);
	target_stop(&target);
}

TEST_F(names, of_a_stripped_program_say_nothing_false)
{
	struct target_look look;
	struct target target;
	char command[256];
	const char *why;
	u32 i;

	snprintf(command, sizeof(command), "strip %s", self->program);
	ASSERT_EQ(0, system(command));
	ASSERT_TRUE(target_start(&target, self->program, self->plugin));
	why = target_look(&look, &target, SNAPSHOT_BPF);
	if (why) {
		target_stop(&target);
		SKIP(return, "%s", why);
	}
	EXPECT_EQ(0, look.result);
	for (i = 0; i < target.nr_locks; i++) {
		const char *name = look.symbols[i].symbol;

		/* Its place in a file, or the exact name out of a file that is not stripped. */
		if (name && strcmp(name, target.locks[i].name) && !strstr(name, self->program) &&
		    strcmp(name, "heap object") &&
		    strncmp(name, "a local on the stack of tid ", 28)) {
			TH_LOG("%s became %s", target.locks[i].name, name);
			EXPECT_TRUE(false);
		}
	}
	target_look_end(&look);
	target_stop(&target);
}

TEST_HARNESS_MAIN
