/* SPDX-License-Identifier: MIT */

/*
 * See tally.h.
 */

#include "tally.h"

#include <string.h>

int tally_init(struct tally *tally, int verify)
{
    memset(tally, 0, sizeof *tally);
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

void tally_count(struct tally *tally, const struct fr_frame *frame, int64_t now_ns)
{
    if (frame->session != tally->session || tally->sessions == 0) {
        tally->session = frame->session;
        tally->sessions++;
    }
    if (tally->frames == 0)
        tally->first_ns = now_ns;
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
    histogram_add(&tally->latency, now_ns - frame->publish_ns);
    histogram_add(&tally->capture_latency, now_ns - frame->capture_ns);
}

void tally_reset(struct tally *tally)
{
    tally->frames = 0;
    tally->loss = (struct fr_loss){ 0 };
    histogram_reset(&tally->latency);
    histogram_reset(&tally->capture_latency);
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
