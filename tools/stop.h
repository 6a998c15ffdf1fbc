/* SPDX-License-Identifier: MIT */
#ifndef STOP_H
#define STOP_H

/*
 * How a command that runs on and on ends: SIGINT and SIGTERM set a flag, on which everything that
 * waits looks at least ten times a second. A pipe whose reader is gone is an error of write, never a
 * signal.
 */

#include <signal.h>
#include <stdint.h>

extern volatile sig_atomic_t stop_asked;

/* What a wait is cut into. */
#define STOP_SLICE_MS 100

void stop_on_signals(void);

/* Sleeps until fr_now_ns says due_ns. 0, or -1 as soon as the user wants to end. */
int stop_sleep_until(int64_t due_ns);

#endif
