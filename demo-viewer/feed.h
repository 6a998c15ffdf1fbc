/* SPDX-License-Identifier: MIT */
#ifndef FEED_H
#define FEED_H

/*
 * The thread that reads for a window. It sleeps in the library until a frame comes, keeps only the
 * newest one for the window to take, and tells the window. It finds the stream again when the
 * capture is started anew, and knows whether a stream that stands still is alive.
 *
 * Threads: all functions are for the window's thread; notify is called from the feed's.
 */

#include <framering/framering.h>
#include <signal.h>

#include "histogram.h"
#include "options.h"
#include "sink.h"
#include "tally.h"

enum feed_signal {
    FEED_WAITING, /* there is no stream yet */
    FEED_LIVE,    /* frames come */
    FEED_STILL,   /* no new ones, but the writer is there: the picture is up to date */
    FEED_GONE,    /* no new ones, and no writer: the picture is old */
    FEED_FAILED,  /* the stream cannot be read; message says why. It is tried again */
    FEED_ENDED,   /* limits were reached, or there is no hope: see status and message */
};

/* How things stand. */
struct feed_state {
    enum feed_signal signal;
    int64_t since_ns;   /* when that began; for STILL and GONE, the last frame */
    enum status status; /* for FEED_ENDED */
    char message[256];
    uint64_t frames;
    uint64_t passed; /* while paused */
    uint64_t lost;
    struct fr_loss loss;
    uint64_t sessions;
    struct verify_counts wrong;
    double per_second; /* new frames */
    struct latency latency;
    struct latency capture_latency;
    struct fr_info info; /* of the ring */
};

struct feed;

/*
 * Starts reading. notify is told of each new frame to take, and of each change of signal; stop is
 * looked at a few times a second, and notify called if it is true.
 *
 * Returns: 0 or FR_ENOMEM
 */
int feed_start(const struct options *options, const volatile sig_atomic_t *stop,
               struct tally *tally, void (*notify)(void *user), void *user, struct feed **out);

/* Ends the thread. Afterwards the tally belongs to the caller again. */
void feed_stop(struct feed **feed);

/* The newest frame that was not taken yet, now the caller's to release, or NULL. */
const struct fr_frame *feed_take(struct feed *feed);

void feed_state(struct feed *feed, struct feed_state *state);

/* While paused, frames are counted but not kept. */
void feed_pause(struct feed *feed, int is_paused);

/* While paused: keep the next frame that comes. */
void feed_step(struct feed *feed);

/* Starts the statistics again. */
void feed_reset(struct feed *feed);

#endif
