// SPDX-License-Identifier: GPL-2.0
/*
 * file_lock [KIND] - two processes lock two files in opposite orders. KIND: flock (default), ofd:
 * fcntl's locks of an open file description, which the kernel does not search for cycles
 */
#include <sys/file.h>

#include "stage.h"

static bool is_ofd;
static struct meeting *both;

static __attribute__((noinline)) void lock_file(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (is_ofd)
		must_not_fail(fcntl(fd, F_OFD_SETLKW, &whole)); /* stuck in lock_file */
	else
		must_not_fail(flock(fd, LOCK_EX)); /* stuck in lock_file */
}

static int open_own(int memfd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	return must_not_fail(open(path, O_RDWR | O_CLOEXEC));
}

static void copy(int from, int to)
{
	int source = open_own(from), sink = open_own(to);

	lock_file(source);
	meet(both);
	lock_file(sink);
}

int main(int argc, char **argv)
{
	int mailbox, archive;

	stage_enter();
	is_ofd = is_kind(argc, argv, "ofd");
	mailbox = must_not_fail(memfd_create("mailbox", MFD_CLOEXEC));
	archive = must_not_fail(memfd_create("archive", MFD_CLOEXEC));
	both = must_not_fail(mmap(NULL, sizeof(*both), PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0));
	meeting_init(both, 2);
	if (start_process("restore") == 0) {
		copy(archive, mailbox);
		_exit(0);
	}
	role("backup");
	copy(mailbox, archive);
	return 0;
}
