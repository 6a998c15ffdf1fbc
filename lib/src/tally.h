/* SPDX-License-Identifier: MIT */
#ifndef FRI_TALLY_H
#define FRI_TALLY_H

/*
 * Floor 4: counting, where everybody can see it. A tally lies in the ring's memory (an observer's,
 * which may not write there, in its own), so others may scribble over it: its numbers are shown and
 * never used.
 */

#include <framering/framering.h>

#include "base.h"
#include "layout.h"

/* One thread counts: a load and a store. */
static inline void tally_add(fri_word *counter, uint64_t increment)
{
    word_poke(counter, word_peek(counter) + increment);
}

/* The times may be anybody's, so that their difference may be anything. */
static inline unsigned tally_bin(int64_t from_ns, int64_t to_ns)
{
    uint64_t ns = to_ns > from_ns ? (uint64_t)to_ns - (uint64_t)from_ns : 0;
    unsigned bin = ns < 2 ? 0 : 63 - (unsigned)__builtin_clzll(ns);

    return bin < FRI_BINS ? bin : FRI_BINS - 1;
}

/* Any thread may count. */
static inline void tally_time(fri_word bins[FRI_BINS], int64_t from_ns, int64_t to_ns)
{
    word_count(&bins[tally_bin(from_ns, to_ns)], 1);
}

/* What the handle's thread counts. */
static inline void tally_delivery(struct fri_tally *tally, int64_t from_ns, int64_t to_ns)
{
    tally_add(&tally->latency[tally_bin(from_ns, to_ns)], 1);
}

/* A copy that only changes where it is. */
void fri_tally_copy_bins(const fri_word bins[FRI_BINS], struct fr_histogram *out);

/* A new member's: all zero, but for who it is. Nobody is told of it before it has joined. */
void fri_tally_begin(struct fri_tally *tally);
void fri_tally_joined(struct fri_tally *tally);

#endif
