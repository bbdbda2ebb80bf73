// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * descriptor_peer - which socket is at the other end of a socket
 *
 * UNIX sockets: the kernel's socket diagnostics name the peer. TCP within one network namespace:
 * the connection with both endpoints exchanged. All else may be talked to from anywhere.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "descriptor.h"

struct unix_socket {
	u32 ino, peer;
	bool named; /* anybody may send to it */
	bool is_stream;
	bool connected;
	bool queued; /* something lies in its queue */
};

struct tcp_socket {
	u32 ino;
	u16 local_port, remote_port;
	u8 local[16], remote[16]; /* IPv4 as ::ffff:a.b.c.d */
};

/* The sockets of one network namespace. */
struct net {
	u64 ns;
	struct unix_socket *unixes; /* by inode */
	struct tcp_socket *tcps; /* by inode */
	u32 nr_unixes, nr_tcps;
	bool tcps_known; /* read only when needed: the kernel walks its whole hash table */
	struct net *next;
};

static u64 net_ns_of(const char *who)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/ns/net", who);
	return stat(path, &st) ? 0 : st.st_ino;
}

/* A diagnostic socket in the network namespace of @tgid, which is @ns. */
static int open_diag(u32 tgid, u64 ns)
{
	int own, other, fd = -1;
	char path[64];

	if (net_ns_of("thread-self") == ns)
		return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	/* Only this thread moves, and only for one call. */
	snprintf(path, sizeof(path), "/proc/%u/ns/net", tgid);
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	other = open(path, O_RDONLY | O_CLOEXEC);
	if (own >= 0 && other >= 0 && !setns(other, CLONE_NEWNET)) {
		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		if (setns(own, CLONE_NEWNET))
			abort(); /* we would go on looking from somebody else's namespace */
	}
	if (own >= 0)
		close(own);
	if (other >= 0)
		close(other);
	return fd;
}

static void add_unix(struct look_context *c, struct net *net, u32 *capacity,
		     const struct unix_diag_msg *m, size_t length)
{
	struct unix_socket s = {
		.ino = m->udiag_ino,
		.is_stream = m->udiag_type != SOCK_DGRAM,
		.connected = m->udiag_state == TCP_ESTABLISHED,
	};
	const struct rtattr *a = (const void *)(m + 1);

	for (; RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		size_t size = RTA_PAYLOAD(a);

		if (a->rta_type == UNIX_DIAG_PEER && size >= sizeof(u32))
			memcpy(&s.peer, RTA_DATA(a), sizeof(u32));
		else if (a->rta_type == UNIX_DIAG_NAME)
			s.named = true;
		else if (a->rta_type == UNIX_DIAG_RQLEN && size >= sizeof(u32))
			s.queued = *(const u32 *)RTA_DATA(a) && m->udiag_state != TCP_LISTEN;
	}
	if (net->nr_unixes == *capacity)
		net->unixes = descriptor_grow(c->builder, net->unixes, net->nr_unixes, capacity,
					      sizeof(*net->unixes));
	net->unixes[net->nr_unixes++] = s;
}

static void read_unix(struct look_context *c, struct net *net, u32 tgid)
{
	struct {
		struct nlmsghdr header;
		struct unix_diag_req request;
	} ask = {
		.header = {
			.nlmsg_len = sizeof(ask),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.request = {
			.sdiag_family = AF_UNIX,
			.udiag_states = ~0u,
			.udiag_show = UDIAG_SHOW_PEER | UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN,
		},
	};
	struct timeval deadline = { .tv_sec = 1 };
	static _Alignas(struct nlmsghdr) char buffer[32768];
	u32 capacity = 0;
	bool done = false;
	int fd = open_diag(tgid, net->ns);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline));
	if (send(fd, &ask, sizeof(ask), 0) != (ssize_t)sizeof(ask))
		done = true;
	while (!done) {
		ssize_t got = recv(fd, buffer, sizeof(buffer), 0);
		const struct nlmsghdr *h = (const void *)buffer;

		if (got <= 0)
			break;
		for (; NLMSG_OK(h, (size_t)got); h = NLMSG_NEXT(h, got)) {
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR) {
				done = true;
				break;
			}
			if (h->nlmsg_len >= NLMSG_LENGTH(sizeof(struct unix_diag_msg)))
				add_unix(c, net, &capacity, NLMSG_DATA(h),
					 h->nlmsg_len - NLMSG_LENGTH(sizeof(struct unix_diag_msg)));
		}
	}
	close(fd);
}

/* "0100007F:1F90" or 32 digits: as the kernel prints network-order words on this machine. */
static bool parse_endpoint(const char *text, u8 address[16], u16 *port)
{
	const char *colon = strchr(text, ':');
	size_t digits = colon ? (size_t)(colon - text) : 0;
	u32 words[4] = { 0, 0, htonl(0xffff), 0 };

	if (digits != 8 && digits != 32)
		return false;
	for (size_t i = 0; i < digits / 8; i++) {
		char word[9] = { 0 };

		memcpy(word, text + 8 * i, 8);
		words[digits == 8 ? 3 : i] = (u32)strtoul(word, NULL, 16);
	}
	memcpy(address, words, 16);
	*port = (u16)strtoul(colon + 1, NULL, 16);
	return true;
}

static int compare_unix(const void *a, const void *b)
{
	const struct unix_socket *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static int compare_tcp(const void *a, const void *b)
{
	const struct tcp_socket *x = a, *y = b;

	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static void read_tcp(struct look_context *c, struct net *net, u32 tgid, const char *name,
		     u32 *capacity)
{
	char path[64], line[512];
	FILE *file;

	descriptor_looking_at(c, tgid);
	snprintf(path, sizeof(path), "/proc/%u/net/%s", tgid, name);
	file = fopen(path, "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		char local[64], remote[64];
		struct tcp_socket s = { 0 };
		unsigned int state;
		unsigned long ino;

		if (sscanf(line, " %*d: %63s %63s %x %*s %*s %*s %*s %*s %lu", local, remote,
			   &state, &ino) != 4 ||
		    !ino || state == TCP_LISTEN)
			continue;
		if (!parse_endpoint(local, s.local, &s.local_port) ||
		    !parse_endpoint(remote, s.remote, &s.remote_port))
			continue;
		s.ino = (u32)ino;
		if (net->nr_tcps == *capacity)
			net->tcps = descriptor_grow(c->builder, net->tcps, net->nr_tcps, capacity,
						    sizeof(*net->tcps));
		net->tcps[net->nr_tcps++] = s;
	}
	fclose(file);
}

/* How many descriptors lie in a socket's queue: Linux 5.6 says so. What can not be read counts as
 * some. */
static bool has_descriptors_queued(struct look_context *c, const struct end *end)
{
	char text[1024];
	const char *field;

	if (descriptor_read_fdinfo(c, end->tgid, end->tid, end->fd, text, sizeof(text)) < 0)
		return true;
	field = descriptor_field(text, "scm_fds");
	return !field || strtoul(field, NULL, 10);
}

static void note_in_flight(struct look_context *c, const struct net *net)
{
	struct descriptors *d = descriptors_of(c);
	const struct ends *ends = descriptors_ends(c);

	for (u32 i = 0; i < net->nr_unixes; i++) {
		u32 both[2] = { net->unixes[i].ino, net->unixes[i].peer };
		struct end key = { .type = END_SOCKET, .ino = both[0] };
		u32 at = ends_find(ends, &key);

		if (!net->unixes[i].queued || !key.ino)
			continue;
		if (ends_match(ends, at, &key) && !has_descriptors_queued(c, &ends->at[at]))
			continue;
		for (int j = 0; j < 2; j++) {
			key.ino = both[j];
			for (at = ends_find(ends, &key); key.ino && ends_match(ends, at, &key);
			     at++)
				descriptor_add_tgid(c->builder, &d->in_flight, ends->at[at].tgid);
		}
	}
}

bool descriptor_may_be_in_flight(struct look_context *c, const struct lab_task_record *r,
				 const struct tgids *set)
{
	const struct descriptors *d = descriptors_of(c);

	descriptor_net(c, r->tgid);
	for (u32 i = 0; i < d->in_flight.nr; i++) {
		u32 tgid = d->in_flight.at[i];

		if (descriptor_is_descendant(c, tgid, r->tgid) ||
		    descriptor_is_descendant(c, r->tgid, tgid))
			return true;
		for (u32 j = 0; j < set->nr; j++)
			if (descriptor_is_descendant(c, tgid, set->at[j]))
				return true;
	}
	return false;
}

struct net *descriptor_net(struct look_context *c, u32 tgid)
{
	struct descriptors *d = descriptors_of(c);
	struct net *net;
	char who[16];
	u64 ns;

	descriptor_looking_at(c, tgid);
	snprintf(who, sizeof(who), "%u", tgid);
	ns = net_ns_of(who);
	if (!ns)
		return NULL;
	for (net = d->nets; net; net = net->next)
		if (net->ns == ns)
			return net;
	net = builder_alloc(c->builder, sizeof(*net));
	net->ns = ns;
	net->next = d->nets;
	d->nets = net;
	read_unix(c, net, tgid);
	if (net->nr_unixes)
		qsort(net->unixes, net->nr_unixes, sizeof(*net->unixes), compare_unix);
	note_in_flight(c, net);
	return net;
}

static void read_tcps(struct look_context *c, struct net *net, u32 tgid)
{
	u32 capacity = 0;

	if (net->tcps_known)
		return;
	net->tcps_known = true;
	read_tcp(c, net, tgid, "tcp", &capacity);
	read_tcp(c, net, tgid, "tcp6", &capacity);
	if (net->nr_tcps)
		qsort(net->tcps, net->nr_tcps, sizeof(*net->tcps), compare_tcp);
}

static u32 tcp_peer(const struct net *net, const struct tcp_socket *s)
{
	for (u32 i = 0; i < net->nr_tcps; i++) {
		const struct tcp_socket *o = &net->tcps[i];

		if (o->local_port == s->remote_port && o->remote_port == s->local_port &&
		    !memcmp(o->local, s->remote, sizeof(o->local)) &&
		    !memcmp(o->remote, s->local, sizeof(o->local)))
			return o->ino;
	}
	return 0;
}

u32 descriptor_peer(struct look_context *c, u32 tgid, u64 ino)
{
	struct unix_socket ukey = { .ino = (u32)ino };
	struct tcp_socket tkey = { .ino = (u32)ino };
	struct net *net = descriptor_net(c, tgid);
	const struct unix_socket *u = NULL;
	const struct tcp_socket *t = NULL;

	if (!net || ino != (u32)ino)
		return 0;
	if (net->nr_unixes)
		u = bsearch(&ukey, net->unixes, net->nr_unixes, sizeof(ukey), compare_unix);
	if (u)
		return u->connected && (u->is_stream || !u->named) ? u->peer : 0;
	read_tcps(c, net, tgid);
	if (net->nr_tcps)
		t = bsearch(&tkey, net->tcps, net->nr_tcps, sizeof(tkey), compare_tcp);
	return t ? tcp_peer(net, t) : 0;
}
