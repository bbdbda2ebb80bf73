// SPDX-License-Identifier: LGPL-2.1-or-later
#include "bpf_log.h"

#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define KEPT 8192

static char kept[KEPT]; /* the newest warnings, cut at the front */
static size_t kept_len;

static int keep(enum libbpf_print_level level, const char *format, va_list args)
{
	char line[2048];
	int len;

	if (getenv("LOCKLAB_DEBUG"))
		return vfprintf(stderr, format, args);
	if (level != LIBBPF_WARN)
		return 0;
	len = vsnprintf(line, sizeof(line), format, args);
	if (len < 0)
		return 0;
	if (len >= (int)sizeof(line))
		len = sizeof(line) - 1;
	if (kept_len + len >= KEPT) {
		size_t drop = kept_len + len - (KEPT - 1);

		memmove(kept, kept + drop, kept_len - drop);
		kept_len -= drop;
	}
	memcpy(kept + kept_len, line, len);
	kept_len += len;
	kept[kept_len] = 0;
	return 0;
}

void bpf_log_start(void)
{
	kept_len = 0;
	kept[0] = 0;
	libbpf_set_print(keep);
}

static bool has_capability(int capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[capability / 32].effective >> capability % 32 & 1;
}

static bool is_locked_down(void)
{
	char line[128] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (!f)
		return false;
	if (!fgets(line, sizeof(line), f))
		line[0] = 0;
	fclose(f);
	return strstr(line, "[confidentiality]");
}

/* The verifier's complaint: the last line of the log that is neither a statistic nor an
 * instruction. */
static bool complaint(char *line, size_t size)
{
	char *copy = strdup(kept), *save, *l;
	bool found = false;

	if (!copy)
		return false;
	for (l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		if (!strncmp(l, "processed ", 10) || !strncmp(l, "libbpf:", 7) ||
		    !strncmp(l, "--", 2) || isdigit(*l) || *l == ';' || *l == '\t' || *l == ' ')
			continue;
		snprintf(line, size, "%s", l);
		found = true;
	}
	free(copy);
	return found;
}

void bpf_log_explain(int err, char *why, size_t why_size)
{
	char line[200];

	if (access("/sys/kernel/btf/vmlinux", R_OK) && errno == ENOENT)
		snprintf(why, why_size,
			 "this kernel has no BTF (CONFIG_DEBUG_INFO_BTF), which BPF needs here");
	else if (is_locked_down())
		snprintf(why, why_size,
			 "kernel lockdown (confidentiality) keeps BPF from reading memory");
	else if (err == -EPERM && (has_capability(CAP_SYS_ADMIN) ||
				   (has_capability(CAP_BPF) && has_capability(CAP_PERFMON))))
		snprintf(
			why, why_size,
			"BPF is refused although we are privileged (a container's seccomp filter or user "
			"namespace?)");
	else if (err == -EPERM)
		snprintf(why, why_size, "BPF needs root (CAP_BPF and CAP_PERFMON)");
	else if (err == -ENOSYS)
		snprintf(why, why_size, "this kernel has no BPF (CONFIG_BPF_SYSCALL)");
	else if (err == -ENOMEM)
		snprintf(why, why_size, "no memory for BPF (RLIMIT_MEMLOCK?)");
	else if (complaint(line, sizeof(line)))
		snprintf(why, why_size, "this kernel's BPF verifier refuses the program: %s", line);
	else
		snprintf(why, why_size, "BPF program not loaded: %s", strerror(-err));
}
