/* SPDX-License-Identifier: MIT */
#ifndef BENCH_SIDES_H
#define BENCH_SIDES_H

/*
 * Processes, or threads of one process, that are measured together: started, brought to the same
 * line, let run for a while between two marks, and ended, whatever state they are in. Memory is
 * slow when a process touches it first, on some virtual machines even if it is in its page table:
 * what is measured must have been used before the first mark.
 *
 *      struct sides *sides = sides_new(SIDES_PROCESSES);
 *      sides_add(sides, writer_body, 0, job);
 *      sides_add(sides, reader_body, 0, job);
 *      int error = sides_run(sides, warm_s, run_s);
 *      … sides->side[i].begin, .end …
 *      sides_free(&sides);
 *
 * A body opens what it needs, calls side_ready(), works while side_look() is not PHASE_STOP, and
 * returns 0 or side_fail(). Sides are killed with the process that started them, and when they
 * fail, take too long, or the user interrupts.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MAX_SIDES 40

enum phase { PHASE_OPENING, PHASE_WARM, PHASE_RUN, PHASE_STOP };

enum sides_kind {
    SIDES_PROCESSES,
    SIDES_THREADS, /* of one process, which is not the caller's */
};

/* Where a side stood at one moment. */
struct side_mark {
    int64_t at_ns;
    uint64_t items;
    int64_t cpu_ns;
    uint64_t faults;   /* minor */
    uint64_t switches; /* voluntary: times that it slept */
};

struct side;
struct sides;
typedef int (*side_body)(struct side *side, void *user);

struct side {
    _Alignas(128) _Atomic uint64_t items; /* only the side itself counts */
    enum phase phase;                     /* as the side has seen it */
    struct side_mark begin;               /* when it saw PHASE_RUN; at_ns is 0 if it did not */
    struct side_mark end;                 /* when it saw PHASE_STOP, or returned */
    uint32_t index;                       /* as given to sides_add */
    side_body body;
    void *user;
    int cpu;
    struct sides *sides;
    _Atomic uint32_t state;
    pid_t pid;
    int error;
    char what[96]; /* that failed */
};

/* In memory that all the sides share. */
struct sides {
    _Atomic uint32_t phase;
    _Atomic uint32_t failed; /* the number of sides that did */
    enum sides_kind kind;
    uint32_t count;
    uint32_t warm_items;  /* the time before it is extended until every side has these */
    uint32_t least_items; /* the measured time is extended until every side has these */
    double most_s;        /* the longest of these extensions */
    char error[160];      /* a sentence, after sides_run failed */
    struct side side[MAX_SIDES];
};

struct sides *sides_new(enum sides_kind kind);
void sides_free(struct sides **sides);

/* One more side. cpu as pin_to_cpu. */
void sides_add(struct sides *sides, side_body body, uint32_t index, int cpu, void *user);

/* Runs all of them: warm_s seconds, then run_s between the marks. 0 or a negative errno, with
 * sides->error saying what happened. */
int sides_run(struct sides *sides, double warm_s, double run_s);

/* For bodies. side_ready waits until all the others are, too. */
void side_ready(struct side *side);
int side_fail(struct side *side, int error, const char *what);
void side_turn(struct side *side, enum phase phase);

static inline enum phase side_look(struct side *side)
{
    const enum phase phase =
        (enum phase)atomic_load_explicit(&side->sides->phase, memory_order_relaxed);

    if (phase != side->phase)
        side_turn(side, phase);
    return phase;
}

static inline void side_count(struct side *side)
{
    const uint64_t items = atomic_load_explicit(&side->items, memory_order_relaxed);

    atomic_store_explicit(&side->items, items + 1, memory_order_relaxed);
}

/* Between the marks: items in a second, and CPU seconds. 0 if it did not get there. */
double side_rate(const struct side *side);
double side_cpu_s(const struct side *side);
uint64_t side_items(const struct side *side);

/* Memory that children share, all zero and present; or NULL. */
void *shared_new(size_t size);
void shared_free(void *memory, size_t size);

#endif
