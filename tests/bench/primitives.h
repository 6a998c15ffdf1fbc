/* SPDX-License-Identifier: MIT */
#ifndef BENCH_PRIMITIVES_H
#define BENCH_PRIMITIVES_H

/*
 * Part 4 in pieces: each function measures some primitives once, for the seconds that it is given
 * for each, and puts the values into cells that are made when they are first put.
 */

#include "bench.h"

struct primitives {
    const struct bench *bench;
    double slice_s; /* for one primitive in one round */
    uint32_t round; /* from 0 */
    struct cells cells;
    char skipped[200]; /* why system calls were not counted, or empty */
};

/* A value; limit is what the same thing costs without the library, 0 if there is nothing like it. */
void primitive_put(struct primitives *primitives, const char *group, const char *name,
                   const char *unit, double value, double limit);
void primitive_fail(struct primitives *primitives, const char *group, const char *name, int error);

void primitives_of_rings(struct primitives *primitives);
void primitives_of_readers(struct primitives *primitives);
void primitives_of_regions(struct primitives *primitives);
void primitives_of_setup(struct primitives *primitives);
void primitives_of_calls(struct primitives *primitives);

/* Durations of equal batches; what one operation took in the median batch, without the clock. */
#define MAX_BATCHES 20000
struct batches {
    uint32_t count;
    int64_t ns[MAX_BATCHES];
};
void batches_add(struct batches *batches, int64_t ns);
double batches_ns(struct batches *batches, uint32_t operations);

#endif
