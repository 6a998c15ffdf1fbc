/* SPDX-License-Identifier: MIT */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

/*
 * Counts times so that percentiles can be asked for at any moment, in fixed memory: buckets whose
 * width grows with the value. Any percentile is within 0.8 % of the true one, the maximum is exact.
 */

#include <stdint.h>

#define HISTOGRAM_STEPS 64     /* buckets for each doubling of the value */
#define HISTOGRAM_BUCKETS 3776 /* enough for every int64_t that is not negative */

struct histogram {
    uint64_t count;
    int64_t max_ns;
    uint64_t bucket[HISTOGRAM_BUCKETS];
};

/* The usual three; all 0 while nothing was counted. */
struct latency {
    int64_t p50_ns;
    int64_t p99_ns;
    int64_t max_ns;
};

/* A negative time counts as 0. */
void histogram_add(struct histogram *histogram, int64_t value_ns);

/* The value that the given share of all values (0 to 1) does not exceed; 0 without values. */
int64_t histogram_percentile(const struct histogram *histogram, double share);

struct latency histogram_latency(const struct histogram *histogram);

/* Forgets everything. */
void histogram_reset(struct histogram *histogram);

#endif
