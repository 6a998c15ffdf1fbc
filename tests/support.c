/* SPDX-License-Identifier: MIT */
/* What the test programs share: see support.h. */
#define _GNU_SOURCE
#include "support.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static pid_t runner;
static unsigned next_name;

/* check runs each test in a child, so the runner's pid makes the prefix and the child's is part. */
static void name_prefix(char *prefix, size_t size)
{
    snprintf(prefix, size, "framering.%u.test-%d-", geteuid(), (int)runner);
}

static void remove_leftovers(void)
{
    char prefix[64];
    char path[512];
    DIR *directory = opendir("/dev/shm");

    name_prefix(prefix, sizeof prefix);
    for (struct dirent *entry = directory ? readdir(directory) : NULL; entry;
         entry = readdir(directory)) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(path, sizeof path, "/dev/shm/%s", entry->d_name);
        unlink(path);
    }
    if (directory)
        closedir(directory);
}

int fr_test_main(Suite *suite)
{
    SRunner *tests = srunner_create(suite);

    runner = getpid();
    srunner_run_all(tests, CK_ENV);
    int failed = srunner_ntests_failed(tests);
    srunner_free(tests);
    remove_leftovers();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

const char *fr_test_name(void)
{
    static char names[64][64];
    char *name = names[next_name % 64];

    if (runner == 0)
        runner = getpid();
    snprintf(name, sizeof names[0], "test-%d-%d-%u", (int)runner, (int)getpid(), next_name++);
    return name;
}

pid_t fr_test_child(int (*work)(void *argument), void *argument)
{
    pid_t child = fork();

    if (child != 0)
        return child;
    /* A test that fails leaves by a long jump or an exit: its children must not outlive it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    _exit(work(argument));
}

int fr_test_wait(pid_t child)
{
    int status = 0;

    if (waitpid(child, &status, 0) != child)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void fr_test_kill(pid_t child)
{
    kill(child, SIGKILL);
    fr_test_wait(child);
}

uint32_t *fr_test_flag(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return page == MAP_FAILED ? NULL : page;
}

void fr_test_raise(uint32_t *flag, uint32_t value)
{
    __atomic_store_n(flag, value, __ATOMIC_SEQ_CST);
}

uint32_t fr_test_flag_value(const uint32_t *flag)
{
    return __atomic_load_n(flag, __ATOMIC_SEQ_CST);
}

bool fr_test_await(const uint32_t *flag, uint32_t value)
{
    const struct timespec nap = { .tv_nsec = 200000 };

    for (int i = 0; i < 50000; i++) {
        if (fr_test_flag_value(flag) >= value)
            return true;
        nanosleep(&nap, NULL);
    }
    return false;
}

int fr_test_descriptors(void)
{
    DIR *directory = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

bool fr_test_exists(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "/dev/shm/framering.%u.%s", geteuid(), name);
    return access(path, F_OK) == 0;
}
