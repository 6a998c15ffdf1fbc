/* SPDX-License-Identifier: MIT */
#ifndef TALLY_H
#define TALLY_H

/*
 * What is counted of the frames that a viewer received. Latency is the time from a frame's
 * publication until the viewer has it; the frame that a new reader finds waiting is left out of
 * that, since it was published before there was anybody to deliver it to.
 *
 * Threads: tally_check and tally_count belong to the thread that receives; whoever reads what
 * tally_count changes needs a lock in common with it.
 */

#include <framering/framering.h>

#include "histogram.h"
#include "names.h"
#include "verify.h"

/* The times between frames as they came; enough for mean and deviation. */
struct intervals {
    uint64_t count;
    double sum_ns;
    double sum_squares;
};

struct tally {
    struct verify *verify; /* NULL if nothing is to be checked; only tally_check touches it */
    char name[NAME_SIZE];  /* of the stream */
    int every;             /* every frame was asked for, not only the newest */
    uint64_t frames;
    uint64_t sessions;
    struct fr_loss loss;
    struct verify_counts wrong;
    int64_t open_ns; /* when this session's stream was opened */
    int64_t first_ns;
    int64_t last_ns;
    uint64_t session;
    uint32_t width; /* of the last frame */
    uint32_t height;
    enum fr_format format;
    struct intervals intervals;
    struct histogram made;            /* from capture_ns to publish_ns */
    struct histogram latency;         /* from publish_ns until it is held */
    struct histogram capture_latency; /* from capture_ns until it is held */

    /* What only a window fills in, and only its own thread looks at. */
    struct histogram drawn; /* from held until the picture is in the window's memory */
    struct histogram given; /* from there until the server has it */
    struct histogram shown; /* from capture_ns until the server has it */
};

/* 0 or FR_ENOMEM. */
int tally_init(struct tally *tally, const char *name, int every, int verify);
void tally_finish(struct tally *tally);

/* Another stream is counted from now on: all that was counted before is forgotten. */
void tally_begin(struct tally *tally, const char *name, int every);

/* The slow part: looks at the pixels. shares_frames as in verify.h. */
void tally_check(struct tally *tally, const struct fr_frame *frame, int shares_frames);

/* The quick part. now_ns is when the frame was received. */
void tally_count(struct tally *tally, const struct fr_frame *frame, int64_t now_ns);

/* Starts the statistics again; what is wrong stays counted, and so do the sessions. */
void tally_reset(struct tally *tally);

/* What the server has got of a frame at now_ns; drawn_ns and held_ns are when the stages before
 * that ended. */
void tally_show(struct tally *tally, const struct fr_frame *frame, int64_t held_ns,
                int64_t drawn_ns, int64_t now_ns);

/* Mean and standard deviation of the intervals; 0 without any. */
double intervals_mean_ns(const struct intervals *intervals);
double intervals_deviation_ns(const struct intervals *intervals);

/* Frames per second from the first to the last. */
double tally_fps(const struct tally *tally);

/* Frames that did not arrive and that nobody chose to leave out. */
uint64_t tally_lost(const struct tally *tally);

/* True if a check failed. */
int tally_is_wrong(const struct tally *tally);

#endif
