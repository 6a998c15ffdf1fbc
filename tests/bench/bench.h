/* SPDX-License-Identifier: MIT */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/*
 * What the parts of the benchmark have in common: how much is to be measured, how the time is
 * shared out, and where results go. Each part is a function that measures its cells in rounds, one
 * after the other in every round, so that a slow minute of the machine falls on all of them alike;
 * prints its table; and gives back its object for the JSON.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "series.h"
#include "traffic.h"

enum bench_mode { BENCH_SMOKE, BENCH_QUICK, BENCH_FULL };

struct bench {
    enum bench_mode mode;
    bool is_pinned;
    uint32_t rounds;
    double budget_s;         /* for this part; kept as far as the machine can */
    uint64_t most_source_mb; /* of prepared buffers */
    const char *only;        /* peers: the names that are wanted, with commas; NULL is all */
    const char *self;        /* the path of this program */
};

typedef json_t *(*bench_part)(const struct bench *bench);

json_t *part_matrix(const struct bench *bench);
json_t *part_frames(const struct bench *bench);
json_t *part_latency(const struct bench *bench);
json_t *part_primitives(const struct bench *bench);
json_t *part_limits(const struct bench *bench);
json_t *part_peers(const struct bench *bench);
json_t *part_stress(const struct bench *bench);

/* The time that is left, shared out among the measurements that are left. */
struct schedule {
    int64_t end_ns;
    int64_t begun_ns;
    uint32_t left;
    uint32_t done;
    double least_s;
    double most_s;
    double given_s;
    double overhead_s; /* of one measurement, beside the time it was given */
};

struct schedule schedule_new(const struct bench *bench, uint32_t measurements, double least_s,
                             double most_s);

/* Whether there is time for another round of so many measurements. There is for the first one. */
bool schedule_allows(const struct schedule *schedule, uint32_t measurements);

/* How long the next measurement may run; schedule_took after it. */
double schedule_give(struct schedule *schedule);
void schedule_took(struct schedule *schedule);

/* Runs a traffic for its share of the time, and puts what was wrong, or the error, into the cell.
 * False if there is no result. */
bool bench_traffic(const struct bench *bench, struct schedule *schedule, struct traffic *traffic,
                   struct cell *cell, struct traffic_result *result);

/* "1 KB", "1 MB", "1080p", "4K", for those sizes. */
const char *size_name(size_t size);

#define SIZE_KB 1024u
#define SIZE_MB 1048576u
#define SIZE_1080P (1920u * 1080u * 4u)
#define SIZE_4K (3840u * 2160u * 4u)

/* The two sizes of frames: 1080p and 4K, or smaller ones when nothing but running is tested. */
struct picture {
    const char *name;
    uint32_t width;
    uint32_t height;
};
const struct picture *bench_picture(const struct bench *bench, bool is_large);
uint32_t picture_bytes(const struct picture *picture);

/* How long a warm-up may be extended. */
double bench_most_s(const struct bench *bench);

/* Whether so many bytes fit into /dev/shm with some to spare; what is free there. */
bool shm_has_room(uint64_t bytes);

/* This part's object, with what is common to all: rounds, seconds, complete. */
json_t *part_json(const struct bench *bench, int64_t begun_ns);

/* "(no result)" lines for the cells that failed, and a line if anything was torn, lost or out of
 * order. */
void print_wrongs(const struct cells *cells);

/* The machine: CPU, cores, kernel, memory, huge pages, noise. */
json_t *machine_json(void);
void machine_print(const json_t *machine);

/* Removes shared memory of benchmarks that were killed. */
void sweep_names(void);

#endif
