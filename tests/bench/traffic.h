/* SPDX-License-Identifier: MIT */
#ifndef BENCH_TRAFFIC_H
#define BENCH_TRAFFIC_H

/*
 * One measurement of one transport: writers and readers do the work of work.h with it for a while,
 * as fast as it goes or paced. Every item is counted and looked at; a result says how many were
 * torn, lost or out of order beside how fast it was.
 */

#include <stdbool.h>
#include <stdint.h>

#include "sides.h"
#include "transport.h"
#include "work.h"

enum traffic_make {
    MAKE_PRODUCE, /* fill the whole item, where the transport lends memory */
    MAKE_COPY,    /* from a source at random */
    MAKE_NUMBER,  /* only the head: the item is there already */
};

enum traffic_take {
    TAKE_SUM,    /* one word of each cache line, compared */
    TAKE_COPY,   /* into memory of the reader's own; every 32nd is then summed and compared */
    TAKE_NUMBER, /* only the head */
};

struct traffic {
    const struct transport *transport;
    struct transport_spec spec; /* its name is made up */
    enum traffic_make make;
    enum traffic_take take;
    enum sides_kind sides;
    bool is_pinned; /* writer i on CPU i, reader i on CPU writers + i */
    double hz;      /* paced at absolute deadlines; 0 is as fast as it goes */
    bool is_beside; /* paced, one writer: every second item is a bare futex wake instead */
    double warm_s;
    double run_s;
    double most_s; /* that these may be extended by, each; 0 is the default of sides.h */
    const struct work_sources *sources; /* for MAKE_COPY */
};

/* Nanoseconds, over all readers. */
struct latency {
    uint64_t count;
    int64_t p50, p90, p99, p999, most;
};

struct traffic_result {
    double written_s; /* items in a second, the sum of all writers */
    double read_s;
    double cpu_per_1000_s; /* CPU seconds of all sides for 1000 items written */
    double faults;         /* minor page faults for each item written */
    double sleeps;         /* times that a side slept for each item written */
    uint64_t torn;
    uint64_t lost;
    uint64_t missed; /* by readers of a transport that is lossy */
    uint64_t disordered;
    uint64_t late;            /* deadlines that the writer came to more than half a period late */
    struct latency published; /* paced: from just before publishing to holding the pointer */
    struct latency due;       /* from when it should have been published */
    struct latency bare;      /* of the futex beside it */
    char error[160];
};

/* 0, or a negative errno with result->error. */
int traffic_run(const struct traffic *traffic, struct traffic_result *result);

/* Whether the transport can do this at all; the sentence why not, or NULL. */
const char *traffic_misfit(const struct traffic *traffic);

/* A name that no other has: "bench-PID-NUMBER". Static, until the next one. */
const char *fresh_name(void);

#endif
