/* SPDX-License-Identifier: MIT */
#ifndef FRI_COPY_H
#define FRI_COPY_H

/*
 * Floor 0: copying into memory that another processor reads next. There are two ways: through the
 * caches, or around them with stores that fetch no lines. Which is faster, by up to three times, is
 * the machine's: whether the two processors share a cache, how large that is, how fast a line comes
 * from the other one. No machine tells, least of all a virtual one, so the writer's own large copies
 * are the measurement (tests/bench/NOTES.md has numbers of two machines):
 *
 *      copies of a period   way          counted
 *      0 to 31              through      the last eight
 *      32 to 63             around       the last eight
 *      64 to 2047           the better   -
 *
 * The first ones of a way are not counted, because readers still have items that went the other way.
 * What counts is the time of the copy, and that from its beginning to the next one's, which is longer
 * when readers cannot keep up; of a writer that waits for something else no more than four copies'.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "atomic.h"

enum fri_copy_way { FRI_COPY_THROUGH, FRI_COPY_AROUND, FRI_COPY_WAYS };

/* What a writer's copies have shown. Any of its threads: they decide nothing but speed by it. */
struct fri_copier {
    fri_word count;
    fri_word cost[FRI_COPY_WAYS]; /* mean of all trials, the last ones most; 0 none yet */
    fri_word trial_cost;          /* of the trial that is on */
    fri_word began_ns;            /* the copy before */
    fri_word copy_ns;             /* 0: it does not count */
    fri_word size;
};

/* One copy, of any number of pieces. */
struct fri_copying {
    struct fri_copier *copier;
    size_t size;
    int64_t began_ns;
    enum fri_copy_way way;
    bool is_counted;
};

/* Whether so many bytes in all are worth choosing a way for; if not, memcpy is all there is to it. */
bool fri_copy_is_large(size_t size);

/*
 * A large copy: begin, all of its pieces, end. Only then may anybody be told of the bytes, because
 * stores around the caches keep no order with others.
 */
struct fri_copying fri_copy_begin(struct fri_copier *copier, size_t size, int64_t now_ns);
void fri_copy_piece(const struct fri_copying *copying, void *dst, const void *src, size_t size);
void fri_copy_end(const struct fri_copying *copying, int64_t now_ns);

#endif
