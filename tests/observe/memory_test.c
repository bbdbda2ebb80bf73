// SPDX-License-Identifier: GPL-2.0
/*
 * memory_test - another process's memory and mappings
 *
 * suite: timeout=60 live
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "observe/memory.h"
#include "subject.h"

#define PAGE 4096

static struct look_progress progress;

FIXTURE(memory)
{
	struct subject target;
	struct memory *m;
};

FIXTURE_SETUP(memory)
{
	memset(&progress, 0, sizeof(progress));
}

FIXTURE_TEARDOWN(memory)
{
	memory_close(self->m);
	subject_stop(&self->target);
}

static bool open_target(FIXTURE_DATA(memory) * self, void (*body)(struct subject_page *))
{
	if (subject_start(&self->target, body) || !subject_await_sleep(&self->target, 0, SYS_pause))
		return false;
	self->m = memory_open((u32)self->target.pid, &progress);
	return self->m;
}

static void show(struct subject_page *page)
{
	page->tid = own_tid();
	for (;;)
		pause();
}

static void has_two_pages(struct subject_page *page)
{
	char *map =
		mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	munmap(map + 2 * PAGE, PAGE);
	for (int i = 0; i < 2 * PAGE; i++)
		map[i] = (char)(i * 7);
	page->address = (u64)map;
	show(page);
}

TEST_F(memory, is_read_up_to_the_first_page_that_is_not_there)
{
	char buffer[3 * PAGE];
	u64 steps;

	ASSERT_TRUE(open_target(self, has_two_pages));
	steps = progress.steps;
	ASSERT_EQ(2 * PAGE - 100,
		  memory_read(self->m, self->target.page->address + 100, buffer, 2 * PAGE));
	for (int i = 0; i < 2 * PAGE - 100; i++)
		ASSERT_EQ((char)((i + 100) * 7), buffer[i]);
	EXPECT_LT(steps, progress.steps);
	EXPECT_EQ(0, progress.tgid);
	EXPECT_EQ(-EFAULT, memory_read(self->m, self->target.page->address + 2 * PAGE, buffer, 1));
	EXPECT_EQ(0, memory_read(self->m, self->target.page->address, buffer, 0));
}

TEST_F(memory, at_impossible_addresses_is_an_error)
{
	char buffer[16];

	ASSERT_TRUE(open_target(self, show));
	EXPECT_EQ(-EFAULT, memory_read(self->m, 0, buffer, sizeof(buffer)));
	EXPECT_EQ(-EFAULT, memory_read(self->m, ~0ull - 4, buffer, sizeof(buffer)));
	EXPECT_EQ(-EFAULT, memory_read(self->m, 0x8000000000000000ull, buffer, sizeof(buffer)));
	EXPECT_EQ(-EFAULT, memory_read(self->m, 0x7ffffffff000ull, buffer, sizeof(buffer)));
}

TEST_F(memory, of_a_process_to_be_left_alone_is_not_read)
{
	const struct mapping *mappings;
	char byte;

	ASSERT_TRUE(open_target(self, has_two_pages));
	progress.skip[0] = (u32)self->target.pid;
	progress.nr_skip = 1;
	EXPECT_EQ(-EACCES, memory_read(self->m, self->target.page->address, &byte, 1));
	EXPECT_EQ(-EACCES, memory_mappings(self->m, &mappings));
}

TEST_F(memory, of_a_process_that_ended_is_gone)
{
	u64 address;
	char byte;

	ASSERT_TRUE(open_target(self, has_two_pages));
	address = self->target.page->address;
	ASSERT_EQ(1, memory_read(self->m, address, &byte, 1));
	kill(self->target.pid, SIGKILL);
	waitpid(self->target.pid, NULL, 0);
	EXPECT_EQ(-ESRCH, memory_read(self->m, address, &byte, 1));
	memory_close(self->m);
	self->m = memory_open((u32)self->target.pid, &progress);
	EXPECT_EQ(-ESRCH, memory_read(self->m, address, &byte, 1));
	self->target.pid = 0;
}

static void maps_odd_files(struct subject_page *page)
{
	static const char odd[] = "/tmp/locklab \n(\\x) 00-00 rwxp -test";
	int fd = open(odd, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct stat st;
	void *map;

	if (fd < 0 || ftruncate(fd, 4 * PAGE) || fstat(fd, &st))
		return;
	map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 3 * PAGE);
	page->address = (u64)map;
	page->second = st.st_ino;
	page->count = (u32)st.st_dev;
	unlink(odd);
	show(page);
}

TEST_F(memory, a_mapping_is_what_stat_says_and_keeps_its_odd_name)
{
	const struct mapping *mapping;

	ASSERT_TRUE(open_target(self, maps_odd_files));
	mapping = memory_mapping_at(self->m, self->target.page->address + 17);
	ASSERT_NE(NULL, mapping);
	EXPECT_EQ(self->target.page->address, mapping->start);
	EXPECT_EQ(PAGE, mapping->end - mapping->start);
	EXPECT_EQ(3 * PAGE, mapping->pgoff);
	EXPECT_EQ(self->target.page->second, mapping->ino);
	EXPECT_EQ(self->target.page->count, mapping->dev);
	EXPECT_EQ(MAPPING_READ | MAPPING_SHARED, mapping->flags);
	EXPECT_STREQ("/tmp/locklab \n(\\x) 00-00 rwxp -test (deleted)", mapping->path);
	EXPECT_EQ(NULL, memory_mapping_at(self->m, 0));
	EXPECT_EQ(NULL, memory_mapping_at(self->m, 0x7fffffffffffull));
}

#define NR_MAPPINGS 32000

static void has_many_mappings(struct subject_page *page)
{
	char *map = mmap(NULL, 2ul * NR_MAPPINGS * PAGE, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	for (size_t i = 0; i < NR_MAPPINGS; i++)
		if (mprotect(map + 2 * i * PAGE, PAGE, PROT_READ | PROT_WRITE))
			page->lacks = 1;
	page->address = (u64)map;
	show(page);
}

TEST_F(memory, thirty_thousand_mappings_are_found_one_by_one)
{
	const struct mapping *mappings, *at;
	int nr;

	ASSERT_TRUE(open_target(self, has_many_mappings));
	if (self->target.page->lacks)
		SKIP(return, "vm.max_map_count is too small");
	nr = memory_mappings(self->m, &mappings);
	ASSERT_LE(2 * NR_MAPPINGS, nr);
	for (int i = 1; i < nr; i++)
		ASSERT_GE(mappings[i].start, mappings[i - 1].end);
	for (u64 i = 0; i < NR_MAPPINGS; i += 7) {
		at = memory_mapping_at(self->m, self->target.page->address + 2 * i * PAGE + 5);
		ASSERT_NE(NULL, at);
		ASSERT_EQ(self->target.page->address + 2 * i * PAGE, at->start);
		ASSERT_EQ(MAPPING_READ | MAPPING_WRITE, at->flags);
		at = memory_mapping_at(self->m, self->target.page->address + (2 * i + 1) * PAGE);
		ASSERT_NE(NULL, at);
		ASSERT_EQ(MAPPING_READ, at->flags);
	}
}

/* procfs is served by code that may wait for anybody: its pages are read only where they are mapped
 * in already. */
static void maps_a_file_of_no_known_file_system(struct subject_page *page)
{
	int fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	char *map = MAP_FAILED;

	if (fd >= 0)
		map = mmap(NULL, 64 * PAGE, PROT_READ, MAP_PRIVATE, fd, 0);
	if (map == MAP_FAILED)
		page->lacks = 1;
	else
		madvise(map, 64 * PAGE, MADV_RANDOM);
	page->address = (u64)map;
	show(page);
}

TEST_F(memory, of_a_file_system_not_known_is_read_only_where_it_is_present)
{
	const struct mapping *mapping;
	u64 entry = 0;
	char path[64], byte;
	int fd;

	ASSERT_TRUE(open_target(self, maps_a_file_of_no_known_file_system));
	if (self->target.page->lacks)
		SKIP(return, "no file of an unknown file system that can be mapped");
	mapping = memory_mapping_at(self->m, self->target.page->address);
	ASSERT_NE(NULL, mapping);
	snprintf(path, sizeof(path), "/proc/%d/pagemap", self->target.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(8, pread(fd, &entry, 8, (off_t)(self->target.page->address / PAGE * 8)));
	close(fd);
	EXPECT_EQ(entry >> 63 ? 1 : -EFAULT,
		  memory_read(self->m, self->target.page->address, &byte, 1));
}

TEST_HARNESS_MAIN
