/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TRAFFIC_SIDE_H
#define BENCH_TRAFFIC_SIDE_H

/*
 * Inside a measurement: what its sides share (for traffic.c only). The loops of the writer and of
 * the reader are in traffic_side.c; each side writes only what is its own.
 */

#include "traffic.h"

#define MAX_WRITERS 4
#define MAX_READERS 32

enum sample_kind { SAMPLE_PUBLISHED, SAMPLE_DUE, SAMPLE_BARE, SAMPLE_KINDS };

struct writer_tally {
    _Alignas(128) uint64_t written;
    uint64_t late;
};

struct reader_tally {
    _Alignas(128) uint64_t received[MAX_WRITERS];
    uint64_t last[MAX_WRITERS];
    uint64_t torn;
    uint64_t disordered;
    uint64_t looked;
    uint64_t samples[SAMPLE_KINDS];
};

/* The bare futex: a number that the writer raises and wakes for, and its stamp. */
struct bare_wake {
    _Alignas(128) _Atomic uint32_t word;
    _Atomic uint32_t is_closed;
    _Atomic int64_t stamp_ns;
};

struct job_shared {
    struct bare_wake bare;
    struct writer_tally writer[MAX_WRITERS];
    struct reader_tally reader[MAX_READERS];
    int64_t samples[]; /* [reader][kind][sample_room] */
};

struct job {
    const struct traffic *traffic;
    void *channel;
    uint64_t sample_room;
    struct job_shared *shared;
};

int64_t *job_samples(const struct job *job, uint32_t reader, enum sample_kind kind);

/* Bodies of sides; user is the job. */
int traffic_writer(struct side *side, void *user);
int traffic_reader(struct side *side, void *user);

#endif
