/* SPDX-License-Identifier: MIT */

/*
 * See histogram.h. Values below HISTOGRAM_STEPS have a bucket each. Above, the highest bit of a
 * value chooses a group of HISTOGRAM_STEPS buckets and the next six bits the bucket in it.
 */

#include "histogram.h"

#include <string.h>

#define STEP_BITS 6

static uint32_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return (uint32_t)value;
    uint32_t shift = 63 - (uint32_t)__builtin_clzll(value) - STEP_BITS;
    return shift * HISTOGRAM_STEPS + (uint32_t)(value >> shift);
}

/* The middle of what falls into a bucket. */
static int64_t value_of(uint32_t bucket)
{
    if (bucket < 2 * HISTOGRAM_STEPS)
        return bucket;
    uint32_t shift = bucket / HISTOGRAM_STEPS - 1;
    uint64_t low = (uint64_t)(bucket - shift * HISTOGRAM_STEPS) << shift;
    return (int64_t)(low + (UINT64_C(1) << shift) / 2);
}

void histogram_add(struct histogram *histogram, int64_t value_ns)
{
    int64_t value = value_ns < 0 ? 0 : value_ns;
    histogram->count++;
    histogram->bucket[bucket_of((uint64_t)value)]++;
    if (value > histogram->max_ns)
        histogram->max_ns = value;
}

int64_t histogram_percentile(const struct histogram *histogram, double share)
{
    if (histogram->count == 0)
        return 0;
    double below = share * (double)histogram->count;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->bucket[i];
        if (histogram->bucket[i] == 0 || (double)seen < below)
            continue;
        int64_t value = value_of(i);
        return value < histogram->max_ns ? value : histogram->max_ns;
    }
    return histogram->max_ns;
}

struct latency histogram_latency(const struct histogram *histogram)
{
    return (struct latency){
        .p50_ns = histogram_percentile(histogram, 0.50),
        .p99_ns = histogram_percentile(histogram, 0.99),
        .max_ns = histogram->max_ns,
    };
}

void histogram_reset(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
}
