/* SPDX-License-Identifier: MIT */
#ifndef BENCH_WAKES_H
#define BENCH_WAKES_H

/* Two processes that wake each other in turn: half of the time of a round is one way. */

#include <stdbool.h>

enum wake_kind { WAKE_FUTEX, WAKE_EVENTFD, WAKE_SPIN };

/* Nanoseconds from one process to the other, both awake but for this; on one CPU or on two. 0 if
 * it cannot be measured (spinning on one CPU, a machine with one CPU). */
double wakes_one_way_ns(enum wake_kind kind, bool is_same_cpu, double seconds);

#endif
