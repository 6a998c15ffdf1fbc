/* SPDX-License-Identifier: MIT */
#ifndef BENCH_COPYING_H
#define BENCH_COPYING_H

/*
 * What the memory of this machine can do, measured with the same processes, items and marks as the
 * transports, but without a transport between them: nobody waits for anybody.
 */

#include "sides.h"
#include "work.h"

enum copying_kind {
    COPYING_TO_NODES,   /* a source at random to the next node, as a writer does */
    COPYING_FROM_NODES, /* the next node to memory of its own, as a reader does */
    COPYING_READ,       /* one word of each cache line of the next node */
    COPYING_FILL,       /* memset of the next node */
};

struct copying {
    const struct work_sources *sources;
    uint8_t *nodes; /* shared_new of nodes_count * item_size, at least */
    size_t item_size;
    uint32_t nodes_count;
    bool is_streamed;           /* writes go past the caches */
    enum copying_kind kinds[4]; /* of the processes */
    uint32_t processes;
    bool is_pinned;
    double warm_s;
    double run_s;
};

/* Bytes in a second, the sum of all processes; 0 if it cannot be measured. */
double copying_run(const struct copying *copying);

#endif
