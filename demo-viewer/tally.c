/* SPDX-License-Identifier: MIT */

/*
 * See tally.h.
 */

#include "tally.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void tally_begin(struct tally *tally, const char *name, int every)
{
    struct verify *verify = tally->verify;
    memset(tally, 0, sizeof *tally);
    tally->verify = verify;
    tally->every = every;
    snprintf(tally->name, sizeof tally->name, "%s", name);
}

int tally_init(struct tally *tally, const char *name, int every, int verify)
{
    tally->verify = NULL;
    tally_begin(tally, name, every);
    return verify ? verify_create(&tally->verify) : 0;
}

void tally_finish(struct tally *tally)
{
    verify_destroy(&tally->verify);
}

void tally_check(struct tally *tally, const struct fr_frame *frame, int shares_frames)
{
    if (tally->verify)
        verify_frame(tally->verify, frame, shares_frames);
}

static void add_interval(struct intervals *intervals, int64_t interval_ns)
{
    double value = (double)interval_ns;
    intervals->count++;
    intervals->sum_ns += value;
    intervals->sum_squares += value * value;
}

double intervals_mean_ns(const struct intervals *intervals)
{
    return intervals->count > 0 ? intervals->sum_ns / (double)intervals->count : 0;
}

double intervals_deviation_ns(const struct intervals *intervals)
{
    if (intervals->count == 0)
        return 0;
    double mean = intervals_mean_ns(intervals);
    double variance = intervals->sum_squares / (double)intervals->count - mean * mean;
    return variance > 0 ? sqrt(variance) : 0;
}

void tally_count(struct tally *tally, const struct fr_frame *frame, int64_t now_ns)
{
    if (frame->session != tally->session || tally->sessions == 0) {
        tally->session = frame->session;
        tally->sessions++;
    }
    if (tally->frames == 0)
        tally->first_ns = now_ns;
    else
        add_interval(&tally->intervals, now_ns - tally->last_ns);
    tally->frames++;
    tally->last_ns = now_ns;
    tally->width = frame->width;
    tally->height = frame->height;
    tally->format = frame->format;
    tally->loss.skipped += frame->loss.skipped;
    tally->loss.overwritten += frame->loss.overwritten;
    tally->loss.dropped += frame->loss.dropped;
    if (tally->verify)
        tally->wrong = verify_counts(tally->verify);
    if (frame->publish_ns < tally->open_ns)
        return;
    histogram_add(&tally->made, frame->publish_ns - frame->capture_ns);
    histogram_add(&tally->latency, now_ns - frame->publish_ns);
    histogram_add(&tally->capture_latency, now_ns - frame->capture_ns);
}

void tally_show(struct tally *tally, const struct fr_frame *frame, int64_t held_ns,
                int64_t drawn_ns, int64_t now_ns)
{
    histogram_add(&tally->drawn, drawn_ns - held_ns);
    histogram_add(&tally->given, now_ns - drawn_ns);
    histogram_add(&tally->shown, now_ns - frame->capture_ns);
}

void tally_reset(struct tally *tally)
{
    tally->frames = 0;
    tally->loss = (struct fr_loss){ 0 };
    tally->intervals = (struct intervals){ 0 };
    histogram_reset(&tally->made);
    histogram_reset(&tally->latency);
    histogram_reset(&tally->capture_latency);
    histogram_reset(&tally->drawn);
    histogram_reset(&tally->given);
    histogram_reset(&tally->shown);
}

double tally_fps(const struct tally *tally)
{
    int64_t elapsed_ns = tally->last_ns - tally->first_ns;
    if (tally->frames < 2 || elapsed_ns <= 0)
        return 0;
    return (double)(tally->frames - 1) * 1e9 / (double)elapsed_ns;
}

uint64_t tally_lost(const struct tally *tally)
{
    return tally->loss.overwritten + tally->loss.dropped + tally->wrong.unexplained;
}

int tally_is_wrong(const struct tally *tally)
{
    return tally->wrong.torn > 0 || tally->wrong.out_of_order > 0 || tally->wrong.unexplained > 0;
}
