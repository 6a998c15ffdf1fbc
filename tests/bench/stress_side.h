/* SPDX-License-Identifier: MIT */
#ifndef BENCH_STRESS_SIDE_H
#define BENCH_STRESS_SIDE_H

/*
 * A paced writer of frames under FR_DROP_OLDEST, and readers of three kinds, for part 7. Every frame
 * is verified, and every number that a reader did not get must be one that the library says was
 * lost, with its cause. Losses, stalls and latencies are those of the measured time.
 */

#include "sides.h"

#define STRESS_READERS 9
#define STRESS_SAMPLES 8192

enum stress_kind {
    STRESS_FAST,
    STRESS_SLOW, /* holds each frame for five periods */
    STRESS_DIES, /* is killed while it holds a frame, and comes again */
};

struct stress_tally {
    _Alignas(128) uint64_t torn;
    uint64_t disordered;
    uint64_t overwritten; /* the causes of loss, as the library counts them */
    uint64_t skipped;
    uint64_t dropped;
    uint64_t unexplained; /* numbers that are missing without a cause */
    uint64_t deaths;
    uint64_t measured; /* frames in the measured time; all but the first count for the losses */
    uint64_t samples;
    int64_t latency_ns[STRESS_SAMPLES]; /* from just before publishing to having the frame */
};

struct stress {
    char name[48];
    uint32_t width;
    uint32_t height;
    uint32_t slots;
    double hz;
    enum stress_kind kind[STRESS_READERS];
    uint32_t readers;
    struct {
        uint64_t late;
        int64_t longest_stall_ns; /* in one call of the library */
        uint64_t deadlines;
    } writer;
    struct stress_tally tally[STRESS_READERS];
};

/* Bodies of sides; user is a struct stress that all of them share. */
int stress_writer(struct side *side, void *user);
int stress_reader(struct side *side, void *user);

#endif
