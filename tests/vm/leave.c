// SPDX-License-Identifier: GPL-2.0
/*
 * leave - ends a QEMU guest with an exit status
 *
 * A byte v written to the isa-debug-exit device makes QEMU end with (v << 1) | 1. QEMU's own
 * failures end with 1, so v is 16 + status: what never reported can not look like success.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/io.h>

int main(int argc, char **argv)
{
	int status = argc > 1 ? atoi(argv[1]) : 1;

	if (ioperm(0xf4, 1, 1)) {
		perror("ioperm");
		return 1;
	}
	outb((unsigned char)(16 + (status > 47 ? 47 : status)), 0xf4);
	return 0;
}
