/* SPDX-License-Identifier: MIT */

/*
 * See rate.h. A second is closed by the first event after it, so that it contains whole intervals
 * and a steady 60 reads 60.0.
 */

#include "rate.h"

#define SECOND_NS INT64_C(1000000000)

void rate_add(struct rate *rate, int64_t now_ns)
{
    if (rate->begin_ns == 0) {
        rate->begin_ns = now_ns;
        return;
    }
    rate->count++;
    int64_t elapsed_ns = now_ns - rate->begin_ns;
    if (elapsed_ns < SECOND_NS)
        return;
    rate->last = (double)rate->count * 1e9 / (double)elapsed_ns;
    rate->begin_ns = now_ns;
    rate->count = 0;
}

double rate_per_second(const struct rate *rate, int64_t now_ns)
{
    int64_t elapsed_ns = now_ns - rate->begin_ns;
    if (rate->begin_ns == 0 || elapsed_ns <= 0)
        return 0;
    /* A second that is long overdue says more than the one before it, and so does the very first. */
    if (elapsed_ns > 2 * SECOND_NS || rate->last <= 0)
        return (double)rate->count * 1e9 / (double)elapsed_ns;
    return rate->last;
}
