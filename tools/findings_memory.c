/* SPDX-License-Identifier: MIT */

/* See findings.h: /dev/shm, where all that has a name lives. */

#define _GNU_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "findings.h"
#include "look.h"
#include "words.h"

#define SHM "/dev/shm"
#define TMPFS 0x01021994
#define HUGE_PAGES "/sys/kernel/mm/transparent_hugepage/shmem_enabled"
#define DOCKER_DEFAULT UINT64_C(67108864)
#define ENOUGH UINT64_C(100000000) /* a ring of eight 1080p frames takes 67 MB, and then some */

static void check_size(struct findings *findings, const struct statfs *shm)
{
    static const char check[] = "size";
    char total[WORDS_SIZE];
    char free_[WORDS_SIZE];
    uint64_t block = (uint64_t)shm->f_bsize;
    uint64_t size = shm->f_blocks * block;
    uint64_t available = shm->f_bavail * block;
    int is_small = size > 0 && size <= DOCKER_DEFAULT;
    enum finding_level level = is_small || available < ENOUGH ? FINDING_WARN : FINDING_OK;
    finding_add(findings, level, check,
                "%s has %s, %s of it free; eight frames of 1080p take 67 MB", SHM,
                words_bytes(size, total), words_bytes(available, free_));
    if (is_small)
        finding_fix(findings, "in a container start it with --shm-size=1g, else: mount -o "
                              "remount,size=1G /dev/shm");
    else if (level != FINDING_OK)
        finding_fix(findings, "framering gc, or remove what else is there (ls -l /dev/shm), or: "
                              "mount -o remount,size=4G /dev/shm");
}

static void check_access(struct findings *findings)
{
    static const char check[] = "permissions";
    struct stat status;
    if (access(SHM, W_OK | X_OK) < 0) {
        finding_add(findings, FINDING_BAD, check, "%s cannot be written: %s", SHM, strerror(errno));
        finding_fix(findings, "chmod 1777 /dev/shm, or mount -o remount,rw /dev/shm");
        return;
    }
    if (stat(SHM, &status) == 0 && (status.st_mode & S_IWOTH) && !(status.st_mode & S_ISVTX)) {
        finding_add(findings, FINDING_WARN, check, "anybody may remove anybody's streams in %s",
                    SHM);
        finding_fix(findings, "chmod 1777 /dev/shm");
        return;
    }
    finding_add(findings, FINDING_OK, check, "%s can be written", SHM);
}

static void check_leftovers(struct findings *findings)
{
    static const char check[] = "leftovers";
    struct look_list list;
    char size[WORDS_SIZE];
    uint64_t bytes = 0;
    size_t count = 0;
    if (look_read_all(&list) < 0)
        return;
    for (size_t i = 0; i < list.count; i++) {
        int is_dead = list.look[i].error == 0 && list.look[i].info.status != 0;
        bytes += is_dead ? list.look[i].info.total_size : 0;
        count += is_dead ? 1 : 0;
    }
    look_list_free(&list);
    if (count == 0) {
        finding_add(findings, FINDING_OK, check, "no dead program left a stream behind");
        return;
    }
    finding_add(findings, FINDING_WARN, check, "dead programs left %zu behind, %s", count,
                words_bytes(bytes, size));
    finding_fix(findings, "framering gc");
}

/* Only a hint: what they bring is less work when a ring is made and mapped. */
static void check_huge_pages(struct findings *findings)
{
    static const char check[] = "huge pages";
    char line[128] = "";
    FILE *file = fopen(HUGE_PAGES, "r");
    if (file && !fgets(line, sizeof line, file))
        line[0] = '\0';
    if (file)
        fclose(file);
    const char *open = strchr(line, '[');
    const char *close = open ? strchr(open, ']') : NULL;
    if (!close) {
        finding_add(findings, FINDING_OK, check, "this kernel has none for shared memory");
        return;
    }
    int length = (int)(close - open - 1);
    int is_off = strncmp(open + 1, "never", 5) == 0 || strncmp(open + 1, "deny", 4) == 0;
    finding_add(findings, FINDING_OK, check, "shared memory %s them (shmem_enabled is %.*s)%s",
                is_off ? "does without" : "may have", length, open + 1,
                is_off ? ", so rings take longer to make and to open" : "");
    if (is_off)
        finding_fix(findings, "if that matters: echo advise > %s", HUGE_PAGES);
}

void findings_of_memory(struct findings *findings)
{
    struct statfs shm;
    if (statfs(SHM, &shm) < 0 || shm.f_type != TMPFS) {
        finding_add(findings, FINDING_BAD, "size", "there is no shared memory at %s", SHM);
        finding_fix(findings, "mount -t tmpfs -o mode=1777 tmpfs /dev/shm");
        return;
    }
    check_size(findings, &shm);
    check_access(findings);
    check_leftovers(findings);
    check_huge_pages(findings);
}
