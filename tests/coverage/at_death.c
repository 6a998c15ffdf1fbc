/* SPDX-License-Identifier: MIT */
/*
 * Counts that are kept although the process does not end by exit(): children of the tests leave by
 * _exit, and those that are to die at a point of the library kill themselves. These
 * names stand before the C library's: what was counted is written, then the system is called. Who is
 * killed by somebody else still loses his counts.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef __clang__
int __llvm_profile_write_file(void);

static void keep_counts(void)
{
    __llvm_profile_write_file();
}
#else
void __gcov_dump(void);

static void keep_counts(void)
{
    __gcov_dump();
}
#endif

void _exit(int status)
{
    keep_counts();
    for (;;)
        syscall(SYS_exit_group, status);
}

int kill(pid_t process, int number)
{
    if (process == getpid() && number == SIGKILL)
        keep_counts();
    return (int)syscall(SYS_kill, process, number);
}

int raise(int number)
{
    if (number == SIGKILL)
        keep_counts();
    return (int)syscall(SYS_tgkill, getpid(), gettid(), number);
}
