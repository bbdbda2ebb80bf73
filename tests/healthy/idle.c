// SPDX-License-Identifier: GPL-2.0
/*
 * idle [KIND] - a pool of workers waits for jobs that come when something happens outside
 *
 * Main is in: poll (default), read (of a pipe whose writer is alive), accept, epoll, nanosleep,
 * sigwait, pause, timerfd, selfpipe (that its own signal handler writes to). timed: main waits for
 * the workers, which wake up once an hour. eventfd: a worker waits for an eventfd that another
 * process has.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>

#include "../hang/stage.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t job = PTHREAD_COND_INITIALIZER;
static bool is_timed;

static void *worker(void *arg)
{
	struct timespec deadline = in_an_hour(CLOCK_REALTIME);

	role_nr("worker%d", (int)(long)arg);
	pthread_mutex_lock(&lock);
	for (;;) {
		if (is_timed)
			pthread_cond_timedwait(&job, &lock, &deadline);
		else
			pthread_cond_wait(&job, &lock);
	}
	return NULL;
}

static int self_pipe[2];

static void note_signal(int signal_number)
{
	char byte = (char)signal_number;

	if (write(self_pipe[1], &byte, 1) != 1)
		_exit(1);
}

static int listen_somewhere(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = must_not_fail(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));

	/* Autobind: an abstract name that the kernel chooses. */
	must_not_fail(bind(fd, (struct sockaddr *)&name, sizeof(name.sun_family)));
	must_not_fail(listen(fd, 8));
	return fd;
}

int main(int argc, char **argv)
{
	const char *kind = argc > 1 ? argv[1] : "poll";
	pthread_t thread = 0;
	char buffer[64];

	stage_enter();
	role("main");
	is_timed = !strcmp(kind, "timed");
	for (long i = 0; i < 4; i++)
		thread = start(worker, (void *)i);
	if (!strcmp(kind, "poll")) {
		struct pollfd fd = { .fd = listen_somewhere(), .events = POLLIN };

		poll(&fd, 1, -1);
	} else if (!strcmp(kind, "accept")) {
		accept(listen_somewhere(), NULL, NULL);
	} else if (!strcmp(kind, "read")) {
		int ends[2];

		must_not_fail(pipe(ends));
		if (start_process("writer") == 0) {
			close(ends[0]);
			for (;;)
				pause();
		}
		close(ends[1]);
		if (read(ends[0], buffer, sizeof(buffer)) < 0)
			return 1;
	} else if (!strcmp(kind, "epoll")) {
		struct epoll_event event = { .events = EPOLLIN };
		int epoll = must_not_fail(epoll_create1(EPOLL_CLOEXEC));

		must_not_fail(epoll_ctl(epoll, EPOLL_CTL_ADD, listen_somewhere(), &event));
		epoll_wait(epoll, &event, 1, -1);
	} else if (!strcmp(kind, "timerfd")) {
		int timer = must_not_fail(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
		struct itimerspec when = { .it_value.tv_sec = 3600 };

		must_not_fail(timerfd_settime(timer, 0, &when, NULL));
		if (read(timer, buffer, sizeof(buffer)) < 0)
			return 1;
	} else if (!strcmp(kind, "eventfd")) {
		int event = must_not_fail(eventfd(0, 0));

		if (start_process("notifier") == 0) {
			for (;;)
				pause();
		}
		if (read(event, buffer, sizeof(buffer)) < 0)
			return 1;
	} else if (!strcmp(kind, "selfpipe")) {
		must_not_fail(pipe(self_pipe));
		signal(SIGTERM, note_signal);
		if (read(self_pipe[0], buffer, sizeof(buffer)) < 0)
			return 1;
	} else if (!strcmp(kind, "nanosleep")) {
		struct timespec hour = { .tv_sec = 3600 };

		nanosleep(&hour, NULL);
	} else if (!strcmp(kind, "sigwait")) {
		sigset_t set;
		int sig;

		sigemptyset(&set);
		sigaddset(&set, SIGTERM);
		pthread_sigmask(SIG_BLOCK, &set, NULL);
		sigwait(&set, &sig);
	} else if (!strcmp(kind, "pause")) {
		pause();
	} else {
		pthread_join(thread, NULL);
	}
	return 0;
}
