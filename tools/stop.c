/* SPDX-License-Identifier: MIT */

/*
 * See stop.h. The handlers do not restart system calls: a read or write that blocks has to return.
 */

#define _GNU_SOURCE

#include "stop.h"

#include <stddef.h>

#include "../demo-capture/pace.h"

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
    pace_sleep_until(due_ns, &stop_asked);
    return stop_asked ? -1 : 0;
}
