/* SPDX-License-Identifier: MIT */

/* See intake.h. */

#define _GNU_SOURCE

#include "intake.h"

#include <inttypes.h>
#include <poll.h>

#include "command.h"
#include "stop.h"

enum key {
    KEY_FRAMES = 'n',
    KEY_DURATION = 't',
    KEY_LATEST = 256,
    KEY_EVERY,
    KEY_WAIT,
};

static const struct argp_option table[] = {
    { .name = "frames", .key = KEY_FRAMES, .arg = "N", .doc = "Stop after N frames" },
    { .name = "duration", .key = KEY_DURATION, .arg = "SECONDS", .doc = "Stop after that time" },
    { .name = "latest", .key = KEY_LATEST, .doc = "Only the newest frame each time" },
    { .name = "every",
      .key = KEY_EVERY,
      .doc = "Every frame: a writer whose policy is block waits for this reader" },
    { .name = "wait",
      .key = KEY_WAIT,
      .arg = "SECONDS",
      .doc = "Wait that long for the stream to appear" },
    { 0 },
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct intake_opts *opts = state->input;
    switch (key) {
    case KEY_FRAMES:
        opts->frames = command_number(text, 1, UINT64_C(1) << 48, "The number of frames", state);
        return 0;
    case KEY_DURATION:
        opts->duration_ns = command_seconds(text, "The duration", state);
        return 0;
    case KEY_LATEST:
        opts->mode = INTAKE_LATEST;
        return 0;
    case KEY_EVERY:
        opts->mode = INTAKE_EVERY;
        return 0;
    case KEY_WAIT:
        opts->wait_ns = command_seconds(text, "The time to wait", state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp intake_argp = { .options = table, .parser = parse_option };

/* Waits for the stream in slices, so that the user can end it. */
static int open_reader(struct intake *intake, const struct fr_reader_opts *opts)
{
    int64_t deadline_ns = fr_now_ns() + intake->opts.wait_ns;
    for (;;) {
        int64_t left_ns = deadline_ns - fr_now_ns();
        int64_t slice_ns = FR_MS(STOP_SLICE_MS);
        int64_t timeout_ns = left_ns < 0 ? 0 : left_ns < slice_ns ? left_ns : slice_ns;
        int error = fr_reader_open(intake->opts.name, opts, timeout_ns, &intake->reader);
        if (error != FR_ENOENT || left_ns <= 0 || stop_asked)
            return error;
    }
}

int intake_open(struct intake *intake, const struct intake_opts *opts, int watched_fd)
{
    *intake = (struct intake){ .opts = *opts, .watched_fd = watched_fd };
    struct fr_reader_opts how = fr_reader_opts(.lossy = opts->mode != INTAKE_EVERY);
    int error = open_reader(intake, &how);
    if (error == FR_EACCES && opts->mode != INTAKE_EVERY) {
        how = fr_reader_opts(.observe = 1);
        error = open_reader(intake, &how);
    }
    if (error < 0)
        return command_refused(opts->name, error);
    intake->start_ns = fr_now_ns();
    intake->end_ns = intake->start_ns;
    return COMMAND_OK;
}

/* The longest wait until the next look at everything that may end the intake; 0: it has ended. */
static int64_t slice_ns(const struct intake *intake)
{
    const struct intake_opts *opts = &intake->opts;
    struct pollfd poll_fd = { .fd = intake->watched_fd };
    if (stop_asked || (opts->frames > 0 && intake->frames >= opts->frames))
        return 0;
    /* Only ends of pipes that nobody reads report an error. */
    if (poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLERR))
        return 0;
    if (opts->duration_ns == 0)
        return FR_MS(STOP_SLICE_MS);
    int64_t left_ns = intake->start_ns + opts->duration_ns - fr_now_ns();
    if (left_ns <= 0)
        return 0;
    return left_ns < FR_MS(STOP_SLICE_MS) ? left_ns : FR_MS(STOP_SLICE_MS);
}

static int tell_end(const struct intake *intake, int error)
{
    const char *name = intake->opts.name;
    switch (error) {
    case FR_ECLOSED:
        return 0;
    case FR_EOWNERDEAD:
        command_error("the writer of \"%s\" died after frame %" PRIu64 " of this command", name,
                      intake->frames);
        return -1;
    default:
        command_error("cannot read \"%s\": %s", name, fr_error_detail(error));
        return -1;
    }
}

int intake_next(struct intake *intake, const struct fr_frame **frame)
{
    enum fr_which which = intake->opts.mode == INTAKE_LATEST ? FR_LATEST : FR_NEXT;
    for (int64_t timeout_ns = slice_ns(intake); timeout_ns > 0; timeout_ns = slice_ns(intake)) {
        int error = fr_frame_wait(intake->reader, which, timeout_ns, frame);
        if (error == FR_ETIMEDOUT)
            continue;
        if (error < 0)
            return tell_end(intake, error);
        intake->frames++;
        intake->loss.skipped += (*frame)->loss.skipped;
        intake->loss.overwritten += (*frame)->loss.overwritten;
        intake->loss.dropped += (*frame)->loss.dropped;
        intake->end_ns = fr_now_ns();
        return 1;
    }
    return 0;
}

void intake_tell_loss(const struct intake *intake)
{
    const struct fr_loss *loss = &intake->loss;
    if (loss->skipped + loss->overwritten + loss->dropped == 0)
        return;
    command_error("lost of \"%s\": %" PRIu64 " skipped for newer ones, %" PRIu64
                  " overwritten before they were read, %" PRIu64 " dropped by the writer",
                  intake->opts.name, loss->skipped, loss->overwritten, loss->dropped);
}

void intake_close(struct intake *intake)
{
    fr_reader_close(&intake->reader);
}
