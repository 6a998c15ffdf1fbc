/* SPDX-License-Identifier: MIT */
#ifndef FEED_H
#define FEED_H

/*
 * The thread that reads a stream for a window. It sleeps in the library until a frame comes, keeps
 * only the newest one for the window to take, and tells the window. It finds the stream again when
 * the capture is started anew, and knows whether a stream that stands still is alive.
 *
 * Threads: all functions are for the window's thread; notify is called from the feed's.
 */

#include <framering/framering.h>
#include <signal.h>

#include "histogram.h"
#include "options.h"
#include "sink.h"
#include "stream.h"
#include "tally.h"

enum feed_signal {
    FEED_WAITING, /* there is no stream yet */
    FEED_LIVE,    /* frames come */
    FEED_STILL,   /* none, or only repetitions, but the writer lives: the picture is up to date */
    FEED_GONE,    /* no new ones, and no writer: the picture is old */
    FEED_FAILED,  /* the stream cannot be read; message says why. It is tried again */
    FEED_ENDED,   /* limits were reached, or there is no hope: see status and message */
};

/* How things stand. */
struct feed_state {
    enum feed_signal signal;
    int64_t since_ns;   /* when that began; for STILL and GONE, the last frame that counts */
    enum status status; /* for FEED_ENDED */
    char message[256];
    int every;         /* every frame is asked for, not only the newest */
    uint64_t passed;   /* frames, while paused */
    uint64_t sessions; /* rings of the name so far */
    double per_second; /* new frames */
    int64_t open_ns;   /* when the stream was opened first; 0 not yet */
};

/* What was counted, for those who read it. */
struct feed_figures {
    uint64_t frames;
    uint64_t lost;
    struct fr_loss loss;
    struct verify_counts wrong;
    double interval_ns;  /* mean */
    double deviation_ns; /* of the intervals */
    struct feed_stage {
        int64_t least_ns;
        struct latency latency;
    } made, held, held_since_capture;
    struct stream_look look;
};

struct feed;

/*
 * Starts reading the stream that the tally names. notify is told of each new frame to take, and of
 * each change of signal; stop is looked at a few times a second, and notify called if it is true.
 *
 * Returns: 0 or FR_ENOMEM
 */
int feed_start(const struct options *options, const volatile sig_atomic_t *stop,
               struct tally *tally, void (*notify)(void *user), void *user, struct feed **out);

/* Ends the thread. Afterwards the tally belongs to the caller again. */
void feed_stop(struct feed **feed);

/* The newest frame that was not taken yet, now the caller's to release, or NULL. *held_ns is when it
 * came. */
const struct fr_frame *feed_take(struct feed *feed, int64_t *held_ns);

void feed_state(struct feed *feed, struct feed_state *state);
void feed_figures(struct feed *feed, struct feed_figures *figures);

/* While paused, frames are counted but not kept. */
void feed_pause(struct feed *feed, int is_paused);

/* While paused: keep the next frame that comes. */
void feed_step(struct feed *feed);

/* Opens the stream again, for every frame or the newest only. */
void feed_reopen(struct feed *feed, int every);

/* Starts the statistics again. */
void feed_reset(struct feed *feed);

#endif
