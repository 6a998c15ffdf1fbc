/* SPDX-License-Identifier: MIT */
/* What the tests of odd surroundings share: see environs.h. */
#define _GNU_SOURCE
#include "environs.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static unsigned checks;
static unsigned failures;

bool env_expect(bool holds, const char *format, ...)
{
    va_list arguments;

    checks++;
    if (holds)
        return true;
    failures++;
    printf("FAILED: ");
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("\n");
    fflush(stdout);
    return false;
}

bool env_expect_code(const char *what, int code, int expected)
{
    return env_expect(code == expected, "%s: %d (%s: %s), expected %s", what, code,
                      fr_errname(code), fr_error_detail(code), fr_errname(expected));
}

int env_end(const char *program)
{
    printf("%s: %u checks, %u failures\n", program, checks, failures);
    return failures ? 1 : 0;
}

void env_skip(const char *program, const char *why)
{
    printf("%s: skipped: %s\n", program, why);
    exit(77);
}

/* ---- Namespaces ---------------------------------------------------------------------------------- */

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return done;
}

/* Users and groups keep their numbers. */
static bool unshare_with_same_user(int namespaces)
{
    unsigned user = geteuid();
    unsigned group = getegid();
    char map[64];

    if (unshare(namespaces | CLONE_NEWUSER) < 0)
        return false;
    snprintf(map, sizeof map, "%u %u 1", user, user);
    if (!write_file("/proc/self/uid_map", map) || !write_file("/proc/self/setgroups", "deny"))
        return false;
    snprintf(map, sizeof map, "%u %u 1", group, group);
    return write_file("/proc/self/gid_map", map);
}

bool env_own_mounts(void)
{
    if (unshare(CLONE_NEWNS) < 0 && !unshare_with_same_user(CLONE_NEWNS))
        return false;
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool env_mount_shm(const char *options)
{
    return mount("tmpfs", "/dev/shm", "tmpfs", 0, options) == 0;
}

void env_unmount_shm(void)
{
    umount2("/dev/shm", MNT_DETACH);
}

/* ---- What lies in /dev/shm ---------------------------------------------------------------------- */

uint64_t env_shm_used(void)
{
    struct statvfs shm;

    if (statvfs("/dev/shm", &shm) < 0)
        return 0;
    return (uint64_t)(shm.f_blocks - shm.f_bfree) * shm.f_frsize;
}

int env_names(const char *part)
{
    DIR *directory = opendir("/dev/shm");
    int count = 0;

    for (struct dirent *entry = directory ? readdir(directory) : NULL; entry;
         entry = readdir(directory))
        count += entry->d_name[0] != '.' && strstr(entry->d_name, part);
    if (directory)
        closedir(directory);
    return count;
}

const char *env_path(const char *name)
{
    static char path[128];

    snprintf(path, sizeof path, "/dev/shm/framering.%u.%s", geteuid(), name);
    return path;
}

/* ---- Children ------------------------------------------------------------------------------------ */

static _Noreturn void be_a_child(int (*work)(void *argument), void *argument)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    failures = 0;
    int result = work(argument);
    fflush(stdout);
    _exit(result != 0 ? result : failures ? 1 : 0);
}

pid_t env_start(int (*work)(void *argument), void *argument)
{
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        be_a_child(work, argument);
    return child;
}

/* The one in between is only there because one's own process id and clock cannot change. */
static _Noreturn void start_inside(int namespaces, int64_t clock_offset_s, _Atomic uint32_t *inside,
                                   int (*work)(void *argument), void *argument)
{
    char offset[64];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    bool done = namespaces & CLONE_NEWUSER ? unshare_with_same_user(namespaces & ~CLONE_NEWUSER)
                                           : unshare(namespaces) == 0;
    snprintf(offset, sizeof offset, "monotonic %lld 0", (long long)clock_offset_s);
    if (done && namespaces & CLONE_NEWTIME)
        done = write_file("/proc/self/timens_offsets", offset);
    if (!done)
        _exit(77);
    pid_t child = fork();
    if (child == 0)
        be_a_child(work, argument);
    *inside = (uint32_t)child;
    _exit(env_wait(child));
}

pid_t env_start_in(int namespaces, int64_t clock_offset_s, int (*work)(void *argument),
                   void *argument)
{
    _Atomic uint32_t *inside = env_flags();

    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        start_inside(namespaces, clock_offset_s, inside, work, argument);
    return child;
}

int env_wait(pid_t child)
{
    int status = 0;

    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whoever waits for a child inside namespaces is gone first; the child follows, told by the kernel. */
void env_kill(pid_t child)
{
    kill(child, SIGKILL);
    env_wait(child);
}

_Atomic uint32_t *env_flags(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        exit(2);
    return page;
}

bool env_await(const _Atomic uint32_t *flag, uint32_t value)
{
    for (int i = 0; i < 50000; i++) {
        if (*flag >= value)
            return true;
        env_nap_us(200);
    }
    return false;
}

void env_nap_us(int64_t us)
{
    const struct timespec nap = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000 };

    nanosleep(&nap, NULL);
}
