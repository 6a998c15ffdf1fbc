/* SPDX-License-Identifier: MIT */
#ifndef RATE_H
#define RATE_H

/*
 * How many times a second something happens, over the last second or so. All zero is the start.
 */

#include <stdint.h>

struct rate {
    int64_t begin_ns; /* of the second that is being counted */
    uint64_t count;
    double last; /* of the second before */
};

void rate_add(struct rate *rate, int64_t now_ns);

/* Falls to 0 by itself when nothing happens any more. */
double rate_per_second(const struct rate *rate, int64_t now_ns);

#endif
