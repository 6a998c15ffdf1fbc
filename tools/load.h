/* SPDX-License-Identifier: MIT */
#ifndef LOAD_H
#define LOAD_H

/*
 * A load for a ring: writers and readers as processes of their own, each with its own handle, some of
 * which are slow or get killed and begin anew. They count in memory that all share, where counts
 * outlive those who made them.
 */

#include <framering/framering.h>
#include <stdatomic.h>

#include "../demo-viewer/histogram.h"
#include "card.h"
#include "outlet.h"

#define LOAD_MAX_WORKERS 60 /* a ring has FR_MAX_MEMBERS places, and some are held by the dead */

struct load_opts {
    struct outlet_opts outlet;
    uint32_t width;
    uint32_t height;
    enum fr_format format;
    struct fr_rational rate; /* of each writer; 0/1: as fast as it goes */
    enum card_kind pattern;
    uint32_t writers;
    uint32_t readers;
    int64_t slow_ns;    /* how long the last reader holds each frame */
    double kill_writer; /* how probably each is killed in a second */
    double kill_reader;
    int must_verify;
    uint64_t frames;     /* of each writer; 0: no limit */
    int64_t duration_ns; /* 0: no limit */
    int64_t resize_ns;   /* how long writers stay with one size; 0: forever */
};

/* What one writer or reader counts, through all its lives. */
struct load_counts {
    _Atomic uint64_t number;  /* writer: of its next picture */
    _Atomic uint64_t frames;  /* published, or read */
    _Atomic uint64_t bytes;   /* writer: of their pictures */
    _Atomic uint64_t resizes; /* frames of another size than the one before */
    _Atomic uint64_t full;    /* writer: no slot was free */
    _Atomic uint64_t late;    /* writer: beats of the rate that passed without a picture */
    _Atomic uint64_t skipped;
    _Atomic uint64_t overwritten;
    _Atomic uint64_t dropped;
    _Atomic uint64_t torn;
    _Atomic uint64_t disordered; /* came after a younger one of its writer, or twice */
    _Atomic uint64_t unseen;     /* numbers missing between two frames of a writer */
    _Atomic uint64_t kills;
    double interval_sum_ns; /* writer: between two publications of one life */
    double interval_square_sum;
    struct histogram times; /* writer: those intervals; reader: from publication to delivery */
};

struct load {
    struct load_opts opts;
    struct load_counts *counts; /* the writers', then the readers' */
    int64_t start_ns;
    int64_t end_ns;
};

/* Called about ten times a second, and once more at the end. */
typedef void (*load_tick_fn)(const struct load *load, void *user);

/*
 * Makes the ring, sets everybody to work, and waits for the end: the limits of opts, or the user.
 * An exit status; the counts are there if it is COMMAND_OK, until load_free.
 */
int load_run(struct load *load, const struct load_opts *opts, load_tick_fn tick, void *user);
void load_free(struct load *load);

/* What the processes do; exit statuses. */
int load_write(const struct load *load, uint32_t writer);
int load_read(const struct load *load, uint32_t reader);

#endif
