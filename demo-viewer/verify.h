/* SPDX-License-Identifier: MIT */
#ifndef VERIFY_H
#define VERIFY_H

/*
 * Proves that what comes out of the ring is what demo-capture put in: every pixel of the test
 * picture, and that the numbers of each writer's frames rise. Says on standard error which frame is
 * wrong, and where.
 *
 * Pictures too small to carry their number in the pixels (pattern.h) are checked against the number
 * that travels beside them, which only writer 0 sends.
 *
 * Threads: one at a time.
 */

#include <framering/framering.h>

struct verify;

struct verify_counts {
    uint64_t torn; /* frames of which a pixel is not right, or whose number cannot be read */
    uint64_t out_of_order; /* frames that came after a younger one, or twice */
    uint64_t unexplained;  /* numbers that are missing though the ring reported no loss */
};

/* 0 or FR_ENOMEM. */
int verify_create(struct verify **out);
void verify_destroy(struct verify **verify);

/*
 * Checks a frame. shares_frames: other readers take frames too (a queue), so that missing numbers
 * prove nothing.
 */
void verify_frame(struct verify *verify, const struct fr_frame *frame, int shares_frames);

/* The sums so far. */
struct verify_counts verify_counts(const struct verify *verify);

#endif
