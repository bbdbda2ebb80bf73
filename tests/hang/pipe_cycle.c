// SPDX-License-Identifier: GPL-2.0
/*
 * pipe_cycle [KIND] - programs that talk past each other
 *
 * KIND: full (default): both fill their pipe and read none; self: a reader left its own write end
 * open;
 *       subprocess: a parent waits for the end of a child whose output nobody reads; socketpair:
 *       each waits for the other's word
 */
#include <sys/socket.h>

#include "stage.h"

#define PLENTY (4u << 20) /* more than a pipe can be made to hold without privilege */

static char text[PLENTY];

static __attribute__((noinline)) void send_all(int fd)
{
	size_t done = 0;

	while (done < sizeof(text)) {
		ssize_t n = write(fd, text + done, sizeof(text) - done); /* stuck in send_all */

		if (n < 0)
			stage_fail("write", errno);
		done += (size_t)n;
	}
}

static __attribute__((noinline)) void receive_all(int fd)
{
	static char buffer[4096];

	while (read(fd, buffer, sizeof(buffer)) > 0) /* stuck in receive_all */
		;
}

static void both_full(void)
{
	int request[2], reply[2];

	must_not_fail(pipe(request));
	must_not_fail(pipe(reply));
	if (start_process("server") == 0) {
		close(request[1]);
		close(reply[0]);
		send_all(reply[1]);
		receive_all(request[0]);
		_exit(0);
	}
	role("client");
	close(request[0]);
	close(reply[1]);
	send_all(request[1]);
	receive_all(reply[0]);
}

static void own_end_open(void)
{
	int results[2];
	pid_t pid;

	must_not_fail(pipe(results));
	pid = start_process("measure");
	if (pid == 0) {
		if (write(results[1], "42\n", 3) != 3)
			_exit(1);
		_exit(0);
	}
	role("collector");
	receive_all(results[0]);
	waitpid(pid, NULL, 0);
}

static __attribute__((noinline)) void wait_for(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0); /* stuck in wait_for */
}

static void output_unread(void)
{
	int output[2];
	pid_t pid;

	must_not_fail(pipe(output));
	pid = start_process("compiler");
	if (pid == 0) {
		close(output[0]);
		send_all(output[1]);
		_exit(0);
	}
	role("builder");
	close(output[1]);
	wait_for(pid);
	receive_all(output[0]);
}

static void both_listen(void)
{
	int ends[2];

	must_not_fail(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
	if (start_process("server") == 0) {
		close(ends[0]);
		receive_all(ends[1]);
		_exit(0);
	}
	role("client");
	close(ends[1]);
	receive_all(ends[0]);
}

int main(int argc, char **argv)
{
	stage_enter();
	if (is_kind(argc, argv, "self"))
		own_end_open();
	else if (is_kind(argc, argv, "subprocess"))
		output_unread();
	else if (is_kind(argc, argv, "socketpair"))
		both_listen();
	else
		both_full();
	return 0;
}
