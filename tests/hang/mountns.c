// SPDX-License-Identifier: GPL-2.0
/*
 * mountns DIRECTORY - runs mutex_abba from a file system that only it sees: a tmpfs over DIRECTORY
 * in its own mount namespace
 */
#include <libgen.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "stage.h"

static void copy_file(const char *from, const char *to)
{
	static char buffer[65536];
	int in = must_not_fail(open(from, O_RDONLY | O_CLOEXEC));
	int out = must_not_fail(open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
	ssize_t n;

	while ((n = must_not_fail(read(in, buffer, sizeof(buffer)))) > 0) {
		if (write(out, buffer, (size_t)n) != n)
			stage_fail(to, EIO);
	}
	close(in);
	close(out);
}

int main(int argc, char **argv)
{
	char self[4096] = "", source[4200], copy[4200];

	stage_enter();
	if (argc != 2)
		stage_fail("usage: mountns DIRECTORY", EINVAL);
	must_not_fail(readlink("/proc/self/exe", self, sizeof(self) - 1));
	snprintf(source, sizeof(source), "%s/mutex_abba", dirname(self));
	if (unshare(CLONE_NEWNS)) {
		if (errno == EPERM)
			stage_lacks("no right to make a mount namespace");
		stage_fail("unshare", errno);
	}
	must_not_fail(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	must_not_fail(mount("hidden", argv[1], "tmpfs", 0, NULL));
	snprintf(copy, sizeof(copy), "%s/hidden_abba", argv[1]);
	copy_file(source, copy);
	execl(copy, copy, (char *)NULL);
	stage_fail(copy, errno);
}
