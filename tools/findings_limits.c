/* SPDX-License-Identifier: MIT */

/* See findings.h: what this process may have, by its own limits and by those of its container. */

#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "findings.h"
#include "words.h"

#define ENOUGH_MEMORY UINT64_C(1000000000)
#define ENOUGH_FILES 64

struct limit {
    int resource;
    const char *check;
    const char *what;
    const char *option; /* of ulimit */
    uint64_t enough;
    enum finding_level level; /* below that */
};

static const struct limit limits[] = {
    { RLIMIT_AS, "address space", "a process may map", "-v", ENOUGH_MEMORY, FINDING_WARN },
    { RLIMIT_FSIZE, "file size", "a file, and so a ring, may have", "-f", ENOUGH_MEMORY,
      FINDING_BAD },
    { RLIMIT_MEMLOCK, "locked memory", "a process may lock (framering locks none)", "-l", 0,
      FINDING_OK },
};

static void check_limit(struct findings *findings, const struct limit *limit)
{
    struct rlimit now;
    char bytes[WORDS_SIZE];
    if (getrlimit((__rlimit_resource_t)limit->resource, &now) < 0)
        return;
    if (now.rlim_cur == RLIM_INFINITY) {
        finding_add(findings, FINDING_OK, limit->check, "no limit to what %s", limit->what);
        return;
    }
    int is_low = now.rlim_cur < limit->enough;
    finding_add(findings, is_low ? limit->level : FINDING_OK, limit->check, "%s is what %s",
                words_bytes(now.rlim_cur, bytes), limit->what);
    if (is_low)
        finding_fix(findings, "ulimit %s unlimited, or a line in /etc/security/limits.conf",
                    limit->option);
}

static void check_files(struct findings *findings)
{
    static const char check[] = "open files";
    struct rlimit now;
    if (getrlimit(RLIMIT_NOFILE, &now) < 0)
        return;
    int is_low = now.rlim_cur < ENOUGH_FILES;
    finding_add(findings, is_low ? FINDING_WARN : FINDING_OK, check,
                "a process may have %" PRIu64 " files open", (uint64_t)now.rlim_cur);
    if (is_low)
        finding_fix(findings, "ulimit -n 1024");
}

/* Shared memory counts towards the group of whoever touched it first. */
static void check_group(struct findings *findings)
{
    static const char check[] = "memory of the group";
    char line[64] = "";
    char limit[WORDS_SIZE];
    struct statfs shm;
    FILE *file = fopen("/sys/fs/cgroup/memory.max", "r");
    if (!file)
        return;
    int has_line = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    uint64_t most = strtoull(line, NULL, 10);
    if (!has_line || most == 0 || statfs("/dev/shm", &shm) < 0)
        return;
    uint64_t size = shm.f_blocks * (uint64_t)shm.f_bsize;
    enum finding_level level = most < size ? FINDING_WARN : FINDING_OK;
    finding_add(findings, level, check, "this container may use %s, rings included",
                words_bytes(most, limit));
    if (level != FINDING_OK)
        finding_fix(findings, "a larger limit (docker: --memory), or a /dev/shm smaller than it");
}

static void check_container(struct findings *findings)
{
    static const char *const marks[] = { "/.dockerenv", "/run/.containerenv",
                                         "/run/systemd/container" };
    int is_container = 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        is_container |= access(marks[i], F_OK) == 0;
    if (!is_container) {
        finding_add(findings, FINDING_OK, "container", "no sign of one");
        return;
    }
    finding_add(findings, FINDING_OK, "container",
                "this is one: streams outside are not seen here");
    finding_fix(findings, "to share them start both sides with --ipc=host, or the second with "
                          "--ipc=container:FIRST");
}

void findings_of_limits(struct findings *findings)
{
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        check_limit(findings, &limits[i]);
    check_files(findings);
    check_group(findings);
    check_container(findings);
}
