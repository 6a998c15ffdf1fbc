/* SPDX-License-Identifier: MIT */

/*
 * See stop.h. The handlers do not restart system calls: a read or write that blocks has to return.
 */

#define _GNU_SOURCE

#include "stop.h"

#include <framering/framering.h>
#include <stddef.h>
#include <time.h>

#define SECOND_NS INT64_C(1000000000)

volatile sig_atomic_t stop_asked;

static void ask(int signal)
{
    (void)signal;
    stop_asked = 1;
}

void stop_on_signals(void)
{
    struct sigaction action = { .sa_handler = ask };
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

int stop_sleep_until(int64_t due_ns)
{
    int64_t now_ns = fr_now_ns();
    while (now_ns < due_ns && !stop_asked) {
        int64_t slice_ns = FR_MS(STOP_SLICE_MS);
        int64_t until_ns = due_ns - now_ns > slice_ns ? now_ns + slice_ns : due_ns;
        struct timespec until = { .tv_sec = until_ns / SECOND_NS, .tv_nsec = until_ns % SECOND_NS };
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
        now_ns = fr_now_ns();
    }
    return stop_asked ? -1 : 0;
}
