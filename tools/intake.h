/* SPDX-License-Identifier: MIT */
#ifndef INTAKE_H
#define INTAKE_H

/*
 * Frames out of a stream, for commands that carry them elsewhere: the options that say which and how
 * many, the wait for the next one, and the account of what was lost on the way.
 *
 * A stream that may only be looked at (another user's) is observed; see fr_reader_opts.
 */

#include <argp.h>
#include <framering/framering.h>

enum intake_mode {
    INTAKE_LIVE,   /* in order, and the writer never waits for us */
    INTAKE_LATEST, /* only the newest */
    INTAKE_EVERY,  /* in order, and a writer that blocks waits for us */
};

struct intake_opts {
    const char *name;
    enum intake_mode mode;
    uint64_t frames;     /* 0: no limit */
    int64_t duration_ns; /* 0: no limit */
    int64_t wait_ns;     /* for the stream to appear */
};

struct intake {
    struct intake_opts opts;
    int watched_fd; /* the intake ends when nobody reads this pipe any more; -1: no such thing */
    struct fr_reader *reader;
    uint64_t frames;
    struct fr_loss loss;
    int64_t start_ns;
    int64_t end_ns;
};

/* The options -n, -t, --latest, --every, --wait; as a child, with a struct intake_opts for input. */
extern const struct argp intake_argp;

/* COMMAND_OK, or the exit status after a sentence. */
int intake_open(struct intake *intake, const struct intake_opts *opts, int watched_fd);

/* Waits for a frame. 1: it is *frame, to be released; 0: that was all; -1: failed, it has said so. */
int intake_next(struct intake *intake, const struct fr_frame **frame);

/* One sentence on standard error about frames that were lost, if there were any. */
void intake_tell_loss(const struct intake *intake);

void intake_close(struct intake *intake);

#endif
