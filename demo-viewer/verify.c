/* SPDX-License-Identifier: MIT */

/*
 * See verify.h.
 *
 * Missing numbers are compared with the reported losses as sums over a session, not frame by frame:
 * a frame that was dropped may be reported with the frame before the gap or the one behind it.
 */

#include "verify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../demo-capture/pattern.h"
#include "report.h"

#define WRITERS 65536
#define MAX_MESSAGES 10

struct verify {
    struct pattern *pattern;
    struct verify_counts counts; /* of the sessions before this one, as far as unexplained goes */
    uint64_t session;
    uint64_t sequence;
    uint64_t missing;   /* numbers, in this session */
    uint64_t reported;  /* losses, in this session */
    uint32_t writers;   /* seen in this session */
    int is_uncountable; /* missing numbers prove nothing in this session */
    uint32_t messages;
    uint64_t last[WRITERS]; /* the number of each one's last frame, plus 1; 0 if there was none */
};

int verify_create(struct verify **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : FR_ENOMEM;
}

void verify_destroy(struct verify **verify)
{
    if (!*verify)
        return;
    pattern_destroy(&(*verify)->pattern);
    free(*verify);
    *verify = NULL;
}

/* True while there are few messages: a stream of something else must not flood the terminal. */
static int may_tell(struct verify *verify)
{
    verify->messages++;
    if (verify->messages == MAX_MESSAGES)
        report_error("frame checks: more of this is counted, but not told");
    return verify->messages < MAX_MESSAGES;
}

static uint64_t unexplained(const struct verify *verify)
{
    if (verify->is_uncountable || verify->writers != 1 || verify->missing <= verify->reported)
        return 0;
    return verify->missing - verify->reported;
}

static void begin_session(struct verify *verify, uint64_t session)
{
    verify->counts.unexplained += unexplained(verify);
    verify->session = session;
    verify->sequence = 0;
    verify->missing = 0;
    verify->reported = 0;
    verify->writers = 0;
    verify->is_uncountable = 0;
    memset(verify->last, 0, sizeof verify->last);
}

static int prepare_pattern(struct verify *verify, const struct fr_frame *frame)
{
    if (verify->pattern && pattern_fits(verify->pattern, frame))
        return 0;
    pattern_destroy(&verify->pattern);
    return pattern_create(frame->width, frame->height, frame->format, &verify->pattern);
}

/* As pattern.h promises. */
static int has_cells(const struct fr_frame *frame)
{
    return frame->width >= 160 && frame->height >= 12;
}

static int read_number(struct verify *verify, const struct fr_frame *frame, uint64_t *number)
{
    if (pattern_number(verify->pattern, frame, number) == 0)
        return 0;
    if (has_cells(frame) || frame->source_number == 0)
        return -1;
    *number = pattern_number_make(0, frame->source_number - 1);
    return 0;
}

/* 0 if the picture is whole. */
static int check_pixels(struct verify *verify, const struct fr_frame *frame, uint64_t *number)
{
    if (prepare_pattern(verify, frame) < 0) {
        if (may_tell(verify))
            report_error("frame %" PRIu64 ": there is no test picture of its size and format",
                         frame->sequence);
        return -1;
    }
    if (read_number(verify, frame, number) < 0) {
        if (may_tell(verify))
            report_error("frame %" PRIu64 ": no number can be read in it; is it the picture of "
                         "'demo-capture -i test'?",
                         frame->sequence);
        return -1;
    }
    uint32_t plane;
    uint32_t x;
    uint32_t y;
    if (pattern_check(verify->pattern, *number, frame, &plane, &x, &y) == 0)
        return 0;
    if (may_tell(verify))
        report_error("frame %" PRIu64 " is torn: it is not picture %" PRIu64 " of writer %d from "
                     "plane %" PRIu32 ", x %" PRIu32 ", y %" PRIu32 " on",
                     frame->sequence, pattern_number_count(*number),
                     (int)pattern_number_writer(*number), plane, x, y);
    return -1;
}

static void check_order(struct verify *verify, const struct fr_frame *frame, uint64_t number)
{
    uint64_t *last = &verify->last[pattern_number_writer(number)];
    uint64_t count = pattern_number_count(number) + 1;
    int is_late = count <= *last || frame->sequence <= verify->sequence;
    if (is_late) {
        verify->counts.out_of_order++;
        if (may_tell(verify))
            report_error("frame %" PRIu64 " is out of order: picture %" PRIu64 " of writer %d came "
                         "after frame %" PRIu64,
                         frame->sequence, count - 1, (int)pattern_number_writer(number),
                         verify->sequence);
    } else if (*last == 0) {
        verify->writers++;
    } else {
        verify->missing += count - *last - 1;
        verify->reported += frame->loss.skipped + frame->loss.overwritten + frame->loss.dropped;
    }
    *last = count;
    verify->sequence = frame->sequence;
}

void verify_frame(struct verify *verify, const struct fr_frame *frame, int shares_frames)
{
    if (frame->session != verify->session)
        begin_session(verify, frame->session);
    uint64_t number = 0;
    if (check_pixels(verify, frame, &number) < 0) {
        /* A number that may be wrong proves nothing about the order, nor about what is missing. */
        verify->counts.torn++;
        verify->is_uncountable = 1;
        return;
    }
    check_order(verify, frame, number);
    if (shares_frames)
        verify->is_uncountable = 1;
}

struct verify_counts verify_counts(const struct verify *verify)
{
    struct verify_counts counts = verify->counts;
    counts.unexplained += unexplained(verify);
    return counts;
}
