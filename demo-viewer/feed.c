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
#define QUIET_NS FR_MS(500)  /* without a frame: time to look whether the writer lives, or */
#define QUIET_FRAMES 2       /* this many times what a frame takes, if that is longer */
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
    int64_t changed_ns;    /* the thread's own: the last frame that was no repetition */
    int64_t look_ns;       /* the thread's own: when the ring was looked at last */
    int64_t quiet_ns;      /* the thread's own */
    uint64_t received;     /* the thread's own */
    uint64_t session;      /* the thread's own: of the last frame, and its number */
    uint64_t sequence;     /* the thread's own */
    uint64_t gap_session;  /* the thread's own: one that was left and joined again */
    int is_behind;         /* the thread's own: the window was not left the last frame */
    int wants_last;        /* the thread's own: which is asked for once more */

    pthread_mutex_t lock; /* for all that follows */
    pthread_cond_t changed;
    struct tally *tally;
    struct rate rate;
    const struct fr_frame *newest;
    int64_t newest_ns;
    struct feed_state state; /* the parts that are not made from the tally */
    struct stream_look look;
    int is_paused;
    int wants_step;
    int must_reopen;
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

/* How long a stream may be silent before somebody asks why. */
static int64_t quiet_ns(const struct fr_frame *frame)
{
    const struct fr_rational rate = frame->frame_rate;
    if (rate.num <= 0 || rate.den <= 0)
        return QUIET_NS;
    int64_t frames_ns = QUIET_FRAMES * FR_S(1) * rate.den / rate.num;
    return frames_ns > QUIET_NS ? frames_ns : QUIET_NS;
}

/* A ring that is opened again hands out its newest frame, which may be one that we had. */
static int is_repeated(const struct feed *feed, const struct fr_frame *frame)
{
    return frame->session == feed->session && frame->sequence <= feed->sequence;
}

/* The frames that passed between leaving and joining a ring were missed by nobody's fault. */
static void check(struct feed *feed, const struct fr_frame *frame, int64_t now_ns)
{
    int is_unaccounted = frame->session == feed->gap_session;
    tally_check(feed->tally, frame, is_unaccounted || stream_is_shared(&feed->stream));
    feed->session = frame->session;
    feed->sequence = frame->sequence;
    feed->quiet_ns = quiet_ns(frame);
    if (now_ns - feed->look_ns >= LOOK_NS) {
        stream_look(&feed->stream);
        feed->look_ns = now_ns;
    }
}

/* Leaves a frame for the window, or, while paused, gives it back. */
static void hand_over(struct feed *feed, const struct fr_frame *frame, int64_t now_ns)
{
    pthread_mutex_lock(&feed->lock);
    const struct fr_frame *unwanted = frame;
    int is_kept = !feed->is_paused || feed->wants_step;
    if (is_kept) {
        unwanted = feed->newest;
        feed->newest = frame;
        feed->newest_ns = now_ns;
        feed->wants_step = 0;
    } else {
        feed->state.passed++;
    }
    pthread_mutex_unlock(&feed->lock);
    fr_frame_release(&unwanted);
    feed->is_behind = !is_kept;
    feed->wants_last = 0;
    if (is_kept)
        feed->notify(feed->user);
}

/* Counts a frame, once, and hands it over. */
static void deliver(struct feed *feed, const struct fr_frame *frame)
{
    int64_t now_ns = fr_now_ns();
    if (is_repeated(feed, frame)) {
        if (feed->wants_last)
            hand_over(feed, frame, now_ns);
        else
            fr_frame_release(&frame);
        return;
    }
    int is_unchanged = frame->session == feed->session && (frame->flags & FR_FRAME_REPEAT);
    check(feed, frame, now_ns);
    pthread_mutex_lock(&feed->lock);
    tally_count(feed->tally, frame, now_ns);
    rate_add(&feed->rate, now_ns);
    feed->look = feed->stream.look;
    pthread_mutex_unlock(&feed->lock);
    feed->last_frame_ns = now_ns;
    feed->received++;
    if (is_unchanged) {
        set_signal(feed, FEED_STILL, feed->changed_ns, "");
    } else {
        feed->changed_ns = now_ns;
        set_signal(feed, FEED_LIVE, now_ns, "");
    }
    hand_over(feed, frame, now_ns);
}

/* A frame that passed during a pause and was the last: who joins again gets it once more, but for
 * that of a queue, so this is tried only once. */
static void catch_up(struct feed *feed)
{
    if (!feed->is_behind)
        return;
    pthread_mutex_lock(&feed->lock);
    int is_wanted = !feed->is_paused || feed->wants_step;
    feed->must_reopen |= is_wanted;
    pthread_mutex_unlock(&feed->lock);
    feed->wants_last = is_wanted;
    feed->is_behind = !is_wanted;
}

/* No frame for a while: a picture that does not change, or nobody there? */
static void look_for_writer(struct feed *feed)
{
    if (feed->last_frame_ns == 0 || fr_now_ns() - feed->last_frame_ns < feed->quiet_ns)
        return;
    struct fr_info info = fr_info();
    int is_alive = fr_inspect(feed->tally->name, &info) == 0 && info.status == 0;
    if (is_alive) {
        set_signal(feed, FEED_STILL, feed->changed_ns, "");
        catch_up(feed);
    } else {
        set_signal(feed, FEED_GONE, feed->last_frame_ns, "");
    }
}

static int is_over(const struct feed *feed)
{
    const struct options *options = feed->options;
    if (options->frames > 0 && feed->received >= options->frames)
        return 1;
    return options->duration_ns > 0 && fr_now_ns() - feed->tally->open_ns >= options->duration_ns;
}

/* The reader moves over by itself if there is another ring of the name later. */
static void handle_end_of_stream(struct feed *feed, int error)
{
    const struct options *options = feed->options;
    if (error == FR_ECLOSED && (options->exit_on_eos || options->no_reconnect)) {
        end(feed, STATUS_FINE, "");
    } else if (options->no_reconnect) {
        end(feed, STATUS_LOST, "");
    } else {
        look_for_writer(feed);
        nap(feed, SLICE_NS);
    }
}

/* 0, or -1 if the stream has to be opened again. */
static int handle_read_error(struct feed *feed, int error)
{
    if (error == FR_ETIMEDOUT) {
        look_for_writer(feed);
    } else if (error == FR_EBUSY) {
        nap(feed, CROWDED_NS);
    } else if (error == FR_ECLOSED || error == FR_EOWNERDEAD) {
        handle_end_of_stream(feed, error);
    } else {
        set_signal(feed, FEED_FAILED, fr_now_ns(), fr_error_detail(error));
        nap(feed, RETRY_NS);
        return -1;
    }
    return 0;
}

static int must_reopen(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    int result = feed->must_reopen;
    pthread_mutex_unlock(&feed->lock);
    return result;
}

static void read_frames(struct feed *feed)
{
    while (!must_stop(feed) && !must_reopen(feed)) {
        if (is_over(feed)) {
            end(feed, STATUS_FINE, "");
            return;
        }
        const struct fr_frame *frame;
        int error = stream_wait(&feed->stream, SLICE_NS, &frame);
        if (error == 0)
            deliver(feed, frame);
        else if (handle_read_error(feed, error) < 0)
            return;
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

static int open_stream(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    int every = feed->state.every;
    feed->must_reopen = 0;
    pthread_mutex_unlock(&feed->lock);
    /* Whoever wants to end with the stream has to be told of its end. */
    int follow = !feed->options->exit_on_eos && !feed->options->no_reconnect;
    return stream_open(&feed->stream, feed->tally->name, every, follow, SLICE_NS);
}

static void mark_open(struct feed *feed)
{
    feed->gap_session = feed->session;
    pthread_mutex_lock(&feed->lock);
    if (feed->tally->open_ns == 0)
        feed->tally->open_ns = fr_now_ns();
    pthread_mutex_unlock(&feed->lock);
}

static void *run(void *argument)
{
    struct feed *feed = argument;
    while (!must_stop(feed)) {
        int error = open_stream(feed);
        if (error == 0) {
            mark_open(feed);
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
    feed->quiet_ns = QUIET_NS;
    feed->state.since_ns = feed->begin_ns;
    feed->state.every = tally->every;
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

const struct fr_frame *feed_take(struct feed *feed, int64_t *held_ns)
{
    pthread_mutex_lock(&feed->lock);
    const struct fr_frame *frame = feed->newest;
    *held_ns = feed->newest_ns;
    feed->newest = NULL;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
    return frame;
}

void feed_state(struct feed *feed, struct feed_state *state)
{
    pthread_mutex_lock(&feed->lock);
    *state = feed->state;
    state->sessions = feed->tally->sessions;
    state->open_ns = feed->tally->open_ns;
    state->per_second = rate_per_second(&feed->rate, fr_now_ns());
    pthread_mutex_unlock(&feed->lock);
}

static struct feed_stage stage_of(const struct histogram *histogram)
{
    return (struct feed_stage){
        .least_ns = histogram_percentile(histogram, 0),
        .latency = histogram_latency(histogram),
    };
}

void feed_figures(struct feed *feed, struct feed_figures *figures)
{
    pthread_mutex_lock(&feed->lock);
    const struct tally *tally = feed->tally;
    figures->frames = tally->frames;
    figures->lost = tally_lost(tally);
    figures->loss = tally->loss;
    figures->wrong = tally->wrong;
    figures->interval_ns = intervals_mean_ns(&tally->intervals);
    figures->deviation_ns = intervals_deviation_ns(&tally->intervals);
    figures->made = stage_of(&tally->made);
    figures->held = stage_of(&tally->latency);
    figures->held_since_capture = stage_of(&tally->capture_latency);
    figures->look = feed->look;
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

void feed_reopen(struct feed *feed, int every)
{
    pthread_mutex_lock(&feed->lock);
    feed->state.every = every;
    feed->tally->every = every;
    feed->must_reopen = 1;
    pthread_cond_signal(&feed->changed);
    pthread_mutex_unlock(&feed->lock);
}

void feed_reset(struct feed *feed)
{
    pthread_mutex_lock(&feed->lock);
    tally_reset(feed->tally);
    pthread_mutex_unlock(&feed->lock);
}
