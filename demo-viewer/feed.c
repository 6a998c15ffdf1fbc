/* SPDX-License-Identifier: MIT */

/*
 * See feed.h. The thread owns the stream and the checking; everything that the window looks at is
 * behind one mutex, which is never held while something slow happens.
 */

#define _GNU_SOURCE

#include "feed.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rate.h"
#include "report.h"
#include "stream.h"

#define SLICE_NS FR_MS(250)  /* how long a wait may keep us from looking at stop */
#define QUIET_NS FR_MS(500)  /* without a frame: time to look whether the writer lives */
#define LOOK_NS FR_S(1)      /* between two looks at the ring, for the overlay */
#define RETRY_NS FR_S(1)     /* after a failure */
#define CROWDED_NS FR_MS(20) /* when the window has to take a frame first */

struct feed {
    const struct options *options;
    const volatile sig_atomic_t *user_stop;
    void (*notify)(void *user);
    void *user;
    pthread_t thread;
    struct stream stream;  /* the thread's own */
    int64_t begin_ns;      /* the thread's own */
    int64_t last_frame_ns; /* the thread's own */
    int64_t look_ns;       /* the thread's own: when the ring was looked at last */
    uint64_t received;     /* the thread's own */

    pthread_mutex_t lock; /* for all that follows */
    pthread_cond_t changed;
    struct tally *tally;
    struct rate rate;
    const struct fr_frame *newest;
    struct feed_state state; /* the parts that are not made from the tally */
    int is_paused;
    int wants_step;
    int must_stop;
};

static void set_signal(struct feed *feed, enum feed_signal signal, int64_t since_ns,
                       const char *message)
{
    pthread_mutex_lock(&feed->lock);
    int is_new = feed->state.signal != signal || strcmp(feed->state.message, message) != 0;
    feed->state.signal = signal;
    if (is_new) {
        feed->state.since_ns = since_ns;
        snprintf(feed->state.message, sizeof feed->state.message, "%s", message);
    }
    pthread_mutex_unlock(&feed->lock);
    if (is_new)
        feed->notify(feed->user);
}

static void end(struct feed *feed, enum status status, const char *message)
{
    pthread_mutex_lock(&feed->lock);
    feed->state.status = status;
    feed->must_stop = 1;
    pthread_mutex_unlock(&feed->lock);
    set_signal(feed, FEED_ENDED, fr_now_ns(), message);
}

static int must_stop(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    int result = feed->must_stop;
    pthread_mutex_unlock(&feed->lock);
    if (*feed->user_stop) {
        feed->notify(feed->user);
        return 1;
    }
    return result;
}

/* Ends early when the window takes a frame, or wants the feed to stop. */
static void nap(struct feed *feed, int64_t duration_ns)
{
    int64_t until_ns = fr_now_ns() + duration_ns;
    const struct timespec until = {
        .tv_sec = until_ns / FR_S(1),
        .tv_nsec = until_ns % FR_S(1),
    };
    pthread_mutex_lock(&feed->lock);
    if (!feed->must_stop)
        pthread_cond_clockwait(&feed->changed, &feed->lock, CLOCK_MONOTONIC, &until);
    pthread_mutex_unlock(&feed->lock);
}

/* Counts a frame and leaves it for the window, or, while paused, gives it back. */
static void deliver(struct feed *feed, const struct fr_frame *frame)
{
    int64_t now_ns = fr_now_ns();
    tally_check(feed->tally, frame, stream_is_shared(&feed->stream));
    if (now_ns - feed->look_ns >= LOOK_NS) {
        stream_look(&feed->stream);
        feed->look_ns = now_ns;
    }
    pthread_mutex_lock(&feed->lock);
    tally_count(feed->tally, frame, now_ns);
    rate_add(&feed->rate, now_ns);
    feed->state.info = feed->stream.info;
    const struct fr_frame *unwanted = frame;
    int is_kept = !feed->is_paused || feed->wants_step;
    if (is_kept) {
        unwanted = feed->newest;
        feed->newest = frame;
        feed->wants_step = 0;
    } else {
        feed->state.passed++;
    }
    pthread_mutex_unlock(&feed->lock);
    fr_frame_release(&unwanted);
    feed->last_frame_ns = now_ns;
    feed->received++;
    set_signal(feed, FEED_LIVE, now_ns, "");
    if (is_kept)
        feed->notify(feed->user);
}

/* No frame for a while: a picture that does not change, or nobody there? */
static void look_for_writer(struct feed *feed)
{
    if (feed->last_frame_ns == 0 || fr_now_ns() - feed->last_frame_ns < QUIET_NS)
        return;
    struct fr_info info = fr_info();
    int is_alive = fr_inspect(feed->options->name, &info) == 0 && info.status == 0;
    set_signal(feed, is_alive ? FEED_STILL : FEED_GONE, feed->last_frame_ns, "");
}

static int is_over(const struct feed *feed)
{
    const struct options *options = feed->options;
    if (options->frames > 0 && feed->received >= options->frames)
        return 1;
    return options->duration_ns > 0 && fr_now_ns() - feed->tally->open_ns >= options->duration_ns;
}

static void read_frames(struct feed *feed)
{
    while (!must_stop(feed)) {
        if (is_over(feed)) {
            end(feed, STATUS_FINE, "");
            return;
        }
        const struct fr_frame *frame;
        int error = stream_wait(&feed->stream, SLICE_NS, &frame);
        if (error == 0) {
            deliver(feed, frame);
        } else if (error == FR_ETIMEDOUT) {
            look_for_writer(feed);
        } else if (error == FR_EBUSY) {
            nap(feed, CROWDED_NS);
        } else {
            set_signal(feed, FEED_FAILED, fr_now_ns(), fr_error_detail(error));
            nap(feed, RETRY_NS);
            return;
        }
    }
}

/* Ends when there is no hope, or no more time; else the window says how it stands. */
static void handle_open_error(struct feed *feed, int error)
{
    const struct options *options = feed->options;
    int is_late = options->wait_ns >= 0 && feed->last_frame_ns == 0 &&
                  fr_now_ns() - feed->begin_ns >= options->wait_ns;
    if (error == FR_ENOENT && !is_late) {
        look_for_writer(feed);
        return;
    }
    if (error == FR_ENOENT) {
        end(feed, STATUS_NO_STREAM, "");
    } else if (is_late || error == FR_EINVAL) {
        end(feed, STATUS_FAILED, fr_error_detail(error));
    } else {
        set_signal(feed, FEED_FAILED, fr_now_ns(), fr_error_detail(error));
        nap(feed, RETRY_NS);
    }
}

static void *run(void *argument)
{
    struct feed *feed = argument;
    const struct options *options = feed->options;
    while (!must_stop(feed)) {
        int error = stream_open(&feed->stream, options, 1, SLICE_NS);
        if (error == 0) {
            if (feed->tally->open_ns == 0)
                feed->tally->open_ns = fr_now_ns();
            read_frames(feed);
            stream_close(&feed->stream);
            continue;
        }
        handle_open_error(feed, error);
    }
    return NULL;
}

int feed_start(const struct options *options, const volatile sig_atomic_t *stop,
               struct tally *tally, void (*notify)(void *user), void *user, struct feed **out)
{
    *out = NULL;
    struct feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return FR_ENOMEM;
    feed->options = options;
    feed->user_stop = stop;
    feed->tally = tally;
    feed->notify = notify;
    feed->user = user;
    feed->begin_ns = fr_now_ns();
    feed->state.since_ns = feed->begin_ns;
    pthread_mutex_init(&feed->lock, NULL);
    pthread_cond_init(&feed->changed, NULL);
    if (pthread_create(&feed->thread, NULL, run, feed) != 0) {
        pthread_cond_destroy(&feed->changed);
        pthread_mutex_destroy(&feed->lock);
        free(feed);
        return FR_ENOMEM;
    }
    *out = feed;
    return 0;
}

void feed_stop(struct feed **feed)
{
    if (!*feed)
        return;
    pthread_mutex_lock(&(*feed)->lock);
    (*feed)->must_stop = 1;
    pthread_cond_signal(&(*feed)->changed);
    pthread_mutex_unlock(&(*feed)->lock);
    pthread_join((*feed)->thread, NULL);
    fr_frame_release(&(*feed)->newest);
    pthread_cond_destroy(&(*feed)->changed);
    pthread_mutex_destroy(&(*feed)->lock);
    free(*feed);
    *feed = NULL;
}

const struct fr_frame *feed_take(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    const struct fr_frame *frame = feed->newest;
    feed->newest = NULL;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    return frame;
}

void feed_state(struct feed *feed, struct feed_state *state)
{
    pthread_mutex_lock(&feed->lock);
    const struct tally *tally = feed->tally;
    *state = feed->state;
    state->frames = tally->frames;
    state->lost = tally_lost(tally);
    state->loss = tally->loss;
    state->sessions = tally->sessions;
    state->wrong = tally->wrong;
    state->per_second = rate_per_second(&feed->rate, fr_now_ns());
    state->latency = histogram_latency(&tally->latency);
    state->capture_latency = histogram_latency(&tally->capture_latency);
    pthread_mutex_unlock(&feed->lock);
}

void feed_pause(struct feed *feed, int is_paused)
{
    pthread_mutex_lock(&feed->lock);
    const struct fr_frame *unwanted = is_paused ? feed->newest : NULL;
    if (is_paused)
        feed->newest = NULL;
    feed->is_paused = is_paused;
    feed->wants_step = 0;
    feed->state.passed = 0;
    pthread_mutex_unlock(&feed->lock);
    fr_frame_release(&unwanted);
}

void feed_step(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    feed->wants_step = feed->is_paused;
    pthread_mutex_unlock(&feed->lock);
}

void feed_reset(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    tally_reset(feed->tally);
    pthread_mutex_unlock(&feed->lock);
}
