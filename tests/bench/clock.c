/* SPDX-License-Identifier: MIT */
/* Time, sleeping, interrupts and CPUs for the benchmark: see clock.h. */
#define _GNU_SOURCE
#include "clock.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t was_interrupted;

int64_t clock_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * NS_PER_S + now.tv_nsec;
}

void clock_sleep_until(int64_t at_ns)
{
    const struct timespec at = { .tv_sec = at_ns / NS_PER_S, .tv_nsec = at_ns % NS_PER_S };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR && !was_interrupted)
        continue;
}

int64_t clock_ns(double seconds)
{
    return (int64_t)(seconds * (double)NS_PER_S);
}

double clock_seconds(int64_t ns)
{
    return (double)ns / (double)NS_PER_S;
}

void word_wait(_Atomic uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void word_wake(_Atomic uint32_t *word, int count)
{
    syscall(SYS_futex, word, FUTEX_WAKE, count, NULL, NULL, 0);
}

static void remember(int signal_number)
{
    (void)signal_number;
    was_interrupted = 1;
}

void interrupt_catch(void)
{
    struct sigaction action = { .sa_handler = remember };

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN; /* a closed pager must not end us before we have cleaned up */
    sigaction(SIGPIPE, &action, NULL);
}

bool interrupted(void)
{
    return was_interrupted != 0;
}

uint32_t cpu_count(void)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return 1;
    return (uint32_t)CPU_COUNT(&allowed);
}

void pin_to_cpu(int cpu)
{
    cpu_set_t allowed;

    if (cpu < 0 || sched_getaffinity(0, sizeof allowed, &allowed) < 0)
        return;
    int wanted = cpu % CPU_COUNT(&allowed);
    for (size_t i = 0; i < CPU_SETSIZE; i++) {
        if (!CPU_ISSET(i, &allowed))
            continue;
        if (wanted == 0) {
            cpu_set_t one;

            CPU_ZERO(&one);
            CPU_SET(i, &one);
            sched_setaffinity(0, sizeof one, &one);
            return;
        }
        wanted--;
    }
}
