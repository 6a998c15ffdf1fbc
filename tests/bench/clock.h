/* SPDX-License-Identifier: MIT */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

/*
 * Time for the benchmark: CLOCK_MONOTONIC in nanoseconds, sleeping until a moment of it, and a word
 * that processes sleep on (the bare futex that everything else is compared with).
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define NS_PER_S INT64_C(1000000000)

int64_t clock_now_ns(void);

/* Sleeps until that moment; goes on sleeping after a signal only if told to. */
void clock_sleep_until(int64_t at_ns);

int64_t clock_ns(double seconds);
double clock_seconds(int64_t ns);

/* Sleeps while *word is value; may return early. Wakes count sleepers, in any process. */
void word_wait(_Atomic uint32_t *word, uint32_t value);
void word_wake(_Atomic uint32_t *word, int count);

/* Ctrl-C, TERM and HUP: everything that lasts looks here, comes to an end and cleans up. */
void interrupt_catch(void);
bool interrupted(void);

/* Keeps the calling thread on one CPU, number cpu (from 0, wrapping) of those it may use. Negative:
 * leaves it as it is. */
void pin_to_cpu(int cpu);
uint32_t cpu_count(void);

#endif
