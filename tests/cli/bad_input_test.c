// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever it is given: one line on stderr that says what is wrong, the right exit status, and
 * nothing left behind.
 *
 * suite: timeout=300 live
 */
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/zoo.h"
#include "kselftest_harness.h"

#define LOOK_S 30

enum {
	NOTHING_WRONG,
	FOUND,
	USAGE,
	UNABLE
};

static char *read_all(const char *path)
{
	static char text[65536];
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;

	if (f)
		fclose(f);
	text[n] = 0;
	return strdup(text);
}

static unsigned int nr_entries(const char *path)
{
	DIR *dir = opendir(path);
	unsigned int nr = 0;

	while (dir && readdir(dir))
		nr++;
	if (dir)
		closedir(dir);
	return nr;
}

static void check_one_line(const struct zoo_run *r, const char *what)
{
	const char *newline = strchr(r->err, '\n');

	if (!r->err[0] || !newline || newline[1])
		zoo_complain("%s: not one line on stderr: '%.400s'", what, r->err);
	if (r->out_len)
		zoo_complain("%s: output as well: %.100s", what, r->out);
	if (strncmp(r->err, "locklab", 7))
		zoo_complain("%s: does not say who speaks: %.200s", what, r->err);
	zoo_check_clean(what, r->err, r->err_len);
}

/* Runs "locklab WORDS"; expects one line and @status. */
static void refuse(const char *words, int status, uid_t uid)
{
	char program[PATH_MAX], text[512], *save = NULL;
	unsigned int pinned = nr_entries("/sys/fs/bpf");
	char *before = read_all("/proc/self/mounts"), *after;
	char *argv[ZOO_MOST_ARGS] = { program };
	struct zoo_run run;
	int n = 1;

	snprintf(program, sizeof(program), "%s", zoo_locklab());
	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok_r(text, " ", &save); w && n < ZOO_MOST_ARGS - 1;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	zoo_run(&run, argv, uid, LOOK_S);
	if (run.status != status)
		zoo_complain("locklab %s: exit status %d instead of %d: %.300s", words, run.status,
			     status, run.err);
	check_one_line(&run, words);
	after = read_all("/proc/self/mounts");
	if (strcmp(before, after))
		zoo_complain("locklab %s: left a mount", words);
	if (nr_entries("/sys/fs/bpf") != pinned)
		zoo_complain("locklab %s: left something pinned", words);
	free(before);
	free(after);
	zoo_run_free(&run);
}

static void refuse_pid(const char *format, pid_t pid, int status, uid_t uid)
{
	char words[256];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(words, sizeof(words), format, (int)pid);
#pragma GCC diagnostic pop
	refuse(words, status, uid);
}

FIXTURE(bad_input)
{
	struct zoo zoo;
};

FIXTURE_SETUP(bad_input)
{
	self->zoo.errors = -1;
	ASSERT_EQ(0, access(zoo_locklab(), X_OK));
}

FIXTURE_TEARDOWN(bad_input)
{
	zoo_stop(&self->zoo);
}

TEST_F(bad_input, wrong_usage_is_2)
{
	static const char *const wrong[] = {
		"",
		"frobnicate",
		"--frobnicate",
		"diagnose",
		"diagnose --json",
		"diagnose 0",
		"diagnose -1",
		"diagnose abc",
		"diagnose 12x",
		"diagnose 0x10",
		"diagnose 1.5",
		"diagnose 99999999999999999999",
		"diagnose 4294967297",
		"diagnose --frobnicate 1",
		"diagnose -z 1",
		"diagnose --all 1",
		"diagnose --stacks",
		"diagnose --stacks none 1",
		"diagnose --source ebpf 1",
		"diagnose --timeout soon 1",
		"diagnose --timeout -1 1",
		"diagnose --color blue 1",
		"watch",
		"watch -p",
		"watch -p abc",
		"watch --frobnicate -p 1",
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuse(wrong[i], USAGE, 0);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F(bad_input, control_bytes_in_arguments_are_not_echoed)
{
	refuse("diagnose \033[31m\a", USAGE, 0);
	refuse("\033]0;owned\a\xff", USAGE, 0);
	refuse("diagnose --\x9b\x80", USAGE, 0);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F(bad_input, no_such_process_is_3)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	refuse_pid("diagnose %d", pid, UNABLE, 0);
	refuse_pid("diagnose --json %d", pid, UNABLE, 0);
	refuse_pid("diagnose --source proc %d", pid, UNABLE, 0);
	refuse_pid("watch --once -p %d", pid, UNABLE, 0);
	refuse("diagnose 4194304", UNABLE, 0);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F(bad_input, zombie_is_3)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ASSERT_GT(pid, 0);
	ASSERT_EQ(0, waitid(P_PID, (id_t)pid, NULL, WEXITED | WNOWAIT));
	refuse_pid("diagnose %d", pid, UNABLE, 0);
	refuse_pid("diagnose --source proc %d", pid, UNABLE, 0);
	waitpid(pid, NULL, 0);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F(bad_input, kernel_thread_is_3)
{
	char *comm = read_all("/proc/2/comm");
	bool visible = !strcmp(comm, "kthreadd\n");

	free(comm);
	if (!visible)
		SKIP(return, "no kernel threads to be seen here");
	refuse("diagnose 2", UNABLE, 0);
	refuse("diagnose --source proc 2", UNABLE, 0);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F(bad_input, process_of_another_user_is_3)
{
	if (geteuid())
		SKIP(return, "needs root, to be somebody else");
	ASSERT_EQ(0, zoo_start(&self->zoo, "hang/mutex_abba", NULL, 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_hung(&self->zoo, "teller auditor", NULL));
	refuse_pid("diagnose %d", self->zoo.pid, UNABLE, ZOO_NOBODY);
	refuse_pid("diagnose --source bpf %d", self->zoo.pid, UNABLE, ZOO_NOBODY);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F(bad_input, without_btf_it_looks_through_proc)
{
	struct zoo_run run;

	if (geteuid())
		SKIP(return, "needs root, to hide the kernel's BTF");
	ASSERT_EQ(0, zoo_start(&self->zoo, "hang/mutex_abba", NULL, 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_hung(&self->zoo, "teller auditor", NULL));
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP(return, "no mount namespace: %s", strerror(errno));
	if (mount("/dev/null", "/sys/kernel/btf/vmlinux", NULL, MS_BIND, NULL))
		SKIP(return, "no /sys/kernel/btf/vmlinux to hide");
	refuse_pid("diagnose --source bpf %d", self->zoo.pid, UNABLE, 0);
	zoo_diagnose(&run, &self->zoo.tree, "", 0, LOOK_S);
	EXPECT_EQ(FOUND, run.status)
	TH_LOG("%s", run.err);
	zoo_run_free(&run);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F(bad_input, without_bpffs_it_still_looks)
{
	struct zoo_run run;

	if (geteuid())
		SKIP(return, "needs root, to unmount");
	ASSERT_EQ(0, zoo_start(&self->zoo, "hang/mutex_abba", NULL, 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_hung(&self->zoo, "teller auditor", NULL));
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		SKIP(return, "no mount namespace: %s", strerror(errno));
	while (!umount2("/sys/fs/bpf", MNT_DETACH))
		;
	umount2("/sys/kernel/tracing", MNT_DETACH);
	umount2("/sys/kernel/debug", MNT_DETACH);
	zoo_diagnose(&run, &self->zoo.tree, "--source bpf", 0, LOOK_S);
	EXPECT_EQ(FOUND, run.status)
	TH_LOG("%s", run.err);
	zoo_run_free(&run);
}

/* The smallest 32-bit program: for (;;) pause(), by int 0x80. */
static bool write_program_32(const char *path)
{
	static const unsigned char code[] = { 0xb8, 29, 0, 0, 0, 0xcd, 0x80, 0xeb, 0xf7 };
	struct {
		Elf32_Ehdr header;
		Elf32_Phdr segment;
		unsigned char code[sizeof(code)];
	} __attribute__((packed)) file = {
		.header = {
			.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT },
			.e_type = ET_EXEC,
			.e_machine = EM_386,
			.e_version = EV_CURRENT,
			.e_entry = 0x8048000 + sizeof(Elf32_Ehdr) + sizeof(Elf32_Phdr),
			.e_phoff = sizeof(Elf32_Ehdr),
			.e_ehsize = sizeof(Elf32_Ehdr),
			.e_phentsize = sizeof(Elf32_Phdr),
			.e_phnum = 1,
		},
		.segment = {
			.p_type = PT_LOAD,
			.p_vaddr = 0x8048000,
			.p_filesz = sizeof(file),
			.p_memsz = sizeof(file),
			.p_flags = PF_R | PF_X,
			.p_align = 0x1000,
		},
	};
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	bool written;

	memcpy(file.code, code, sizeof(code));
	written = fd >= 0 && write(fd, &file, sizeof(file)) == sizeof(file);
	if (fd >= 0)
		close(fd);
	return written;
}

TEST_F(bad_input, process_of_32_bits_is_3)
{
	char directory[] = "/tmp/locklab-zoo-XXXXXX", path[64];
	enum zoo_outcome outcome;

	ASSERT_NE(NULL, mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/i386", directory);
	ASSERT_TRUE(write_program_32(path));
	ASSERT_EQ(0, zoo_start(&self->zoo, path, NULL, 0));
	outcome = zoo_wait_hung(&self->zoo, "i386", NULL);
	unlink(path);
	rmdir(directory);
	if (outcome != ZOO_READY && strstr(zoo_reason(), strerror(ENOEXEC)))
		SKIP(return, "this kernel runs no 32-bit programs");
	ASSERT_EQ(ZOO_READY, outcome)
	TH_LOG("%s", zoo_reason());
	refuse_pid("diagnose %d", self->zoo.pid, UNABLE, 0);
	refuse_pid("diagnose --source proc %d", self->zoo.pid, UNABLE, 0);
	EXPECT_EQ(0, zoo_complaints());
}

/*
 * What was there when the look began need not be there any more: any of the three answers, but one
 * of them, in one piece.
 */
static void check_fleeting(const struct zoo_run *run, const char *what)
{
	json_t *doc;

	if (run->status == UNABLE && !run->out_len) {
		check_one_line(run, what);
		return;
	}
	doc = json_loads(run->out, 0, NULL);
	if (run->status < 0 || run->status > 3 || run->status == USAGE)
		zoo_complain("%s: exit status %d: %.300s", what, run->status, run->err);
	if (!doc)
		zoo_complain("%s: no JSON: %.300s", what, run->err);
	else
		zoo_check_document(doc);
	json_decref(doc);
}

TEST_F_TIMEOUT(bad_input, process_that_ends_under_the_look, 150)
{
	struct zoo_run run;

	ASSERT_EQ(0, zoo_start(&self->zoo, "hostile/hostile", "dies", 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_alive(&self->zoo, "mortals"));
	for (int i = 0; i < 60 && !zoo_complaints(); i++) {
		struct zoo_thread last;
		struct zoo_tree one = { .threads = &last, .nr = 1 };

		ASSERT_EQ(0, zoo_tree_take(&self->zoo.tree, self->zoo.pid));
		ASSERT_GT(self->zoo.tree.nr, 0);
		last = self->zoo.tree.threads[self->zoo.tree.nr - 1];
		last.tid = last.tgid;
		last.state = '?'; /* even if it is a zombie by now */
		zoo_diagnose(&run, &one, i & 1 ? "--json" : "--json --source proc", 0, LOOK_S);
		check_fleeting(&run, "mortal");
		zoo_run_free(&run);
	}
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(bad_input, process_that_execs_under_the_look, 150)
{
	struct zoo_run run;

	ASSERT_EQ(0, zoo_start(&self->zoo, "hostile/hostile", "execs", 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_alive(&self->zoo, ""));
	for (int i = 0; i < 40 && !zoo_complaints(); i++) {
		struct zoo_thread itself = { .tgid = self->zoo.pid, .tid = self->zoo.pid };
		struct zoo_tree one = { .threads = &itself, .nr = 1 };

		zoo_diagnose(&run, &one, i & 1 ? "--json" : "--json --source proc", 0, LOOK_S);
		check_fleeting(&run, "changeling");
		if (run.status == FOUND)
			zoo_complain("a program that runs on was accused: %.600s", run.out);
		zoo_run_free(&run);
	}
	EXPECT_EQ(0, zoo_complaints());
}

TEST_HARNESS_MAIN
