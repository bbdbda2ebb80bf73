// SPDX-License-Identifier: GPL-2.0
/*
 * A look ends, in time and with the truth, whatever the target does to it; and nothing the target
 * chose reaches a terminal raw.
 *
 * suite: timeout=600 live
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/zoo.h"
#include "kselftest_harness.h"

#define LOOK_S 40 /* generous: the command's own deadline is 10 s */

FIXTURE(hostile)
{
	struct zoo zoo;
	char directory[64], copy[80];
};

FIXTURE_SETUP(hostile)
{
	self->zoo.errors = -1;
}

FIXTURE_TEARDOWN(hostile)
{
	zoo_stop(&self->zoo);
	if (self->copy[0])
		unlink(self->copy);
	if (self->directory[0])
		rmdir(self->directory);
}

static bool has_finding(const json_t *doc, const char *kind)
{
	json_t *finding;
	size_t i;

	json_array_foreach(json_object_get(doc, "findings"), i, finding) {
		if (zoo_matches(json_string_value(json_object_get(finding, "kind")), kind,
				strlen(kind)))
			return true;
	}
	return false;
}

/* DOT is indented with tabs, which mean nothing to a terminal. */
static void untab(struct zoo_run *r)
{
	for (size_t i = 0; i < r->out_len; i++) {
		if (r->out[i] == '\t')
			r->out[i] = ' ';
	}
}

/* All faces, all sources: the finding (or, if it is optional, that or none); never a raw byte. */
static void look(const struct zoo *z, const char *kind, bool optional)
{
	static const char *const ways[] = { "--json", "--json --source proc", "", "--verbose",
					    "--dot" };

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		struct zoo_run run;

		zoo_diagnose(&run, &z->tree, ways[i], 0, LOOK_S);
		if (!strcmp(ways[i], "--dot"))
			untab(&run);
		zoo_check_clean(ways[i], run.out, run.out_len);
		zoo_check_clean("stderr", run.err, run.err_len);
		if (run.status < 0)
			zoo_complain("'%s' did not end in %d s", ways[i], LOOK_S);
		else if (optional && run.status == 0)
			;
		else if (kind && run.status != 1)
			zoo_complain("'%s': exit status %d: %.300s", ways[i], run.status, run.err);
		else if (!kind && run.status != 0 && run.status != 3)
			zoo_complain("'%s': exit status %d: %.600s", ways[i], run.status, run.out);
		if (!strncmp(ways[i], "--json", 6)) {
			json_t *doc = json_loads(run.out, 0, NULL);

			if (!doc && run.status != 3)
				zoo_complain("'%s': no JSON", ways[i]);
			if (doc)
				zoo_check_document(doc);
			if (kind && run.status == 1 && !has_finding(doc, kind))
				zoo_complain("'%s': no finding of kind %s", ways[i], kind);
			json_decref(doc);
		}
		zoo_run_free(&run);
	}
}

#define START(kind, names)                                                       \
	do {                                                                     \
		ASSERT_EQ(0, zoo_start(&self->zoo, "hostile/hostile", kind, 0)); \
		switch (zoo_wait_hung(&self->zoo, names, NULL)) {                \
		case ZOO_LACKS:                                                  \
			SKIP(return, "%s", zoo_reason());                        \
		case ZOO_FAILED:                                                 \
			zoo_complain("%s: %s", kind, zoo_reason());              \
			break;                                                   \
		default:                                                         \
			break;                                                   \
		}                                                                \
		ASSERT_EQ(0, zoo_complaints());                                  \
	} while (0)

TEST_F_TIMEOUT(hostile, names_reach_nobody_raw, 250)
{
	struct zoo_run run;

	/*
	 * The kernel shows a thread's name as it is, newlines too, so they are looked for by their
	 * beginnings.
	 */
	START("names", "");
	look(&self->zoo, "deadlock", false);
	zoo_diagnose(&run, &self->zoo.tree, "", 0, LOOK_S);
	if (!strstr(run.out, "\\x1b[31mred"))
		zoo_complain("the name is not shown escaped");
	zoo_run_free(&run);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(hostile, page_that_is_never_served, 250)
{
	START("unserved", "waiter teller auditor");
	look(&self->zoo, "deadlock", false);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(hostile, stopped_target_is_explained_and_stays_stopped, 250)
{
	struct zoo_tree after = { 0 };

	START("stopped", "teller auditor");
	ASSERT_EQ(0, kill(self->zoo.pid, SIGSTOP));
	for (bool stopped = false; !stopped;) {
		ASSERT_EQ(0, zoo_tree_take(&self->zoo.tree, self->zoo.pid));
		stopped = true;
		for (size_t i = 0; i < self->zoo.tree.nr; i++)
			stopped &= self->zoo.tree.threads[i].state == 'T';
	}
	/* They would still be stuck if somebody let them go on: both answers are true. */
	look(&self->zoo, "deadlock", true);
	ASSERT_EQ(0, zoo_tree_take(&after, self->zoo.pid));
	for (size_t i = 0; i < after.nr; i++)
		EXPECT_EQ('T', after.threads[i].state);
	zoo_tree_free(&after);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(hostile, thousands_of_short_lived_threads, 250)
{
	ASSERT_EQ(0, zoo_start(&self->zoo, "hostile/hostile", "threads", 0));
	ASSERT_EQ(ZOO_READY, zoo_wait_alive(&self->zoo, "hostile"));
	self->zoo.tree.nr = 1;
	for (int i = 0; i < 5; i++)
		look(&self->zoo, NULL, false);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(hostile, tens_of_thousands_of_mappings, 250)
{
	START("mappings", "teller auditor");
	look(&self->zoo, "deadlock", false);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(hostile, words_that_lie_about_their_owners, 250)
{
	struct zoo_run run;

	START("owners", "liar hostile");
	/*
	 * One of them says that its own waiter owns it: that is believed. None of the others may
	 * be.
	 */
	zoo_diagnose(&run, &self->zoo.tree, "--json", 0, LOOK_S);
	zoo_check_clean("JSON", run.out, run.out_len);
	{
		json_t *doc = json_loads(run.out, 0, NULL), *finding;
		size_t i;

		ASSERT_NE(NULL, doc);
		zoo_check_document(doc);
		json_array_foreach(json_object_get(doc, "findings"), i, finding) {
			if (zoo_matches(json_string_value(json_object_get(finding, "kind")),
					"deadlock|stall", 14))
				zoo_complain("believed a liar: %s",
					     json_string_value(json_object_get(finding, "kind")));
		}
		json_decref(doc);
	}
	zoo_run_free(&run);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(hostile, robust_lists_that_lead_nowhere, 250)
{
	START("robust", "circle nowhere teller auditor");
	look(&self->zoo, "deadlock", false);
	EXPECT_EQ(0, zoo_complaints());
}

TEST_F_TIMEOUT(hostile, stack_pointers_that_lead_nowhere, 250)
{
	START("stack", "null wild teller auditor");
	look(&self->zoo, "deadlock", false);
	EXPECT_EQ(0, zoo_complaints());
}

/* ---- a file that lies: only what the kernel and the dynamic linker need is left whole */

struct image {
	unsigned char *bytes;
	size_t size;
	Elf64_Ehdr *header;
	Elf64_Shdr *sections;
	size_t loaded_end; /* file bytes from here on are never mapped */
};

static bool load_image(struct image *m, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const Elf64_Phdr *segments;

	if (fd < 0 || fstat(fd, &st))
		return false;
	m->size = (size_t)st.st_size;
	m->bytes = malloc(m->size);
	if (!m->bytes || read(fd, m->bytes, m->size) != (ssize_t)m->size) {
		close(fd);
		return false;
	}
	close(fd);
	m->header = (Elf64_Ehdr *)m->bytes;
	m->sections = (Elf64_Shdr *)(m->bytes + m->header->e_shoff);
	segments = (const Elf64_Phdr *)(m->bytes + m->header->e_phoff);
	m->loaded_end = 0;
	for (int i = 0; i < m->header->e_phnum; i++) {
		size_t end = segments[i].p_offset + segments[i].p_filesz;

		if (segments[i].p_type == PT_LOAD && end > m->loaded_end)
			m->loaded_end = end;
	}
	return true;
}

static Elf64_Shdr *section(const struct image *m, const char *name)
{
	const char *strings = (const char *)m->bytes + m->sections[m->header->e_shstrndx].sh_offset;

	for (int i = 0; i < m->header->e_shnum; i++) {
		if (!strcmp(strings + m->sections[i].sh_name, name))
			return &m->sections[i];
	}
	return NULL;
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return *state >> 33;
}

static void fill(const struct image *m, const char *name, int byte)
{
	Elf64_Shdr *s = section(m, name);

	if (s)
		memset(m->bytes + s->sh_offset, byte, s->sh_size);
}

/* Return: what was done to it, NULL after the last. */
static const char *spoil(struct image *m, int way)
{
	uint64_t seed = (uint64_t)way * 0x9e3779b97f4a7c15ull + 1;
	Elf64_Shdr *s;

	switch (way) {
	case 0:
		m->size = m->loaded_end;
		return "truncated behind the last segment";
	case 1:
		m->header->e_shoff = 0xfffffffffffffff0ull;
		return "section headers beyond everything";
	case 2:
		m->header->e_shnum = 0xffff;
		return "65,535 sections";
	case 3:
		m->header->e_shentsize = 0;
		m->header->e_shstrndx = 0xfffe;
		return "section headers of no size";
	case 4:
		for (int i = 0; i < m->header->e_shnum; i++)
			m->sections[i].sh_size = 0x7fffffffffffffffull;
		return "huge sections";
	case 5:
		for (int i = 0; i < m->header->e_shnum; i++)
			m->sections[i].sh_offset += m->size;
		return "sections behind the end";
	case 6:
		for (int i = 0; i < m->header->e_shnum; i++)
			m->sections[i].sh_entsize = 0;
		return "entries of no size";
	case 7:
		for (int i = 0; i < m->header->e_shnum; i++)
			m->sections[i].sh_link = (Elf64_Word)i;
		return "sections that link to themselves";
	case 8:
		fill(m, ".debug_info", 0xff);
		return "debug_info of ones";
	case 9:
		fill(m, ".debug_abbrev", 0x01);
		return "abbreviations of ones";
	case 10:
		fill(m, ".debug_line", 0);
		fill(m, ".debug_str", 'A');
		fill(m, ".debug_line_str", 'A');
		return "strings without an end";
	case 11:
		fill(m, ".symtab", 0xff);
		fill(m, ".strtab", 0x1b);
		return "a symbol table of ones, names of escapes";
	case 12:
		/*
		 * DW_FORM_ref4 everywhere: whatever is a reference leads to the unit's first entry
		 * and round again.
		 */
		s = section(m, ".debug_info");
		for (size_t i = 12; s && i + 4 < s->sh_size; i += 4)
			memcpy(m->bytes + s->sh_offset + i, "\x0c\0\0\0", 4);
		return "references in a circle";
	case 13 ... 32:
		/* Whatever is not loaded, a little of it at random; seeds are fixed. */
		for (int i = 0; i < 200; i++) {
			size_t at = m->loaded_end + next_random(&seed) % (m->size - m->loaded_end);

			m->bytes[at] ^= (unsigned char)(1u << (next_random(&seed) % 8));
		}
		return "random bits";
	}
	return NULL;
}

TEST_F_TIMEOUT(hostile, broken_elf_and_dwarf, 400)
{
	char original[PATH_MAX];
	const char *what;

	strcpy(self->directory, "/tmp/locklab-zoo-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->directory));
	snprintf(self->copy, sizeof(self->copy), "%s/spoilt", self->directory);
	zoo_output_path("tests/hang/mutex_abba", original, sizeof(original));
	for (int way = 0; !zoo_complaints(); way++) {
		struct image image;
		struct zoo_run run;
		json_t *doc;
		int fd;

		ASSERT_TRUE(load_image(&image, original));
		what = spoil(&image, way);
		if (!what) {
			free(image.bytes);
			break;
		}
		fd = open(self->copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
		ASSERT_GE(fd, 0);
		ASSERT_EQ((ssize_t)image.size, write(fd, image.bytes, image.size));
		close(fd);
		free(image.bytes);
		ASSERT_EQ(0, zoo_start(&self->zoo, self->copy, NULL, 0));
		ASSERT_EQ(ZOO_READY, zoo_wait_hung(&self->zoo, "teller auditor", NULL))
		{
			TH_LOG("%s: %s", what, zoo_reason());
		}
		zoo_diagnose(&run, &self->zoo.tree, way & 1 ? "--json" : "--json --source proc", 0,
			     LOOK_S);
		zoo_check_clean(what, run.out, run.out_len);
		doc = json_loads(run.out, 0, NULL);
		if (run.status != 1 || !has_finding(doc, "deadlock"))
			zoo_complain("%s (%d): exit status %d: %.300s", what, way, run.status,
				     run.err);
		json_decref(doc);
		zoo_run_free(&run);
		zoo_stop(&self->zoo);
		unlink(self->copy);
	}
	EXPECT_EQ(0, zoo_complaints());
}

TEST_HARNESS_MAIN
