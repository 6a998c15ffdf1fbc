/* SPDX-License-Identifier: MIT */

/*
 * framering replay: makes a stream of a recording, with the intervals between the frames that they
 * had, and all that they carried.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "outlet.h"
#include "recording.h"
#include "stop.h"
#include "transfer.h"

struct replay {
    struct outlet_opts outlet;
    const char *path;
    double speed; /* 0: as fast as it goes */
    int must_loop;
    struct fr_writer *writer;
    struct recording *recording;
    uint64_t published;
    uint64_t dropped;     /* no slot was free */
    uint64_t damaged;     /* in the file */
    int follows;          /* the frame published last is the one recorded before this one */
    int64_t due_ns;       /* of the frame before */
    int64_t published_ns; /* when that was published in its time */
};

enum key { KEY_SPEED = 's', KEY_LOOP = 'l' };

static const struct argp_option table[] = {
    { .name = "speed",
      .key = KEY_SPEED,
      .arg = "X",
      .doc = "X times as fast (default: 1); 0 is as fast as it goes" },
    { .name = "loop", .key = KEY_LOOP, .doc = "Begin again at the end" },
    { .doc = "The stream:" },
    { 0 },
};

static double parse_speed(const char *text, const struct argp_state *state)
{
    char *end = NULL;
    double speed = strtod(text, &end);
    if (end == text || *end != '\0' || !(speed == 0 || (speed >= 0.001 && speed <= 1000)))
        argp_error(state, "The speed has to be 0, or from 0.001 to 1000, not '%s'.", text);
    return speed;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct replay *replay = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &replay->outlet;
        return 0;
    case KEY_SPEED:
        replay->speed = parse_speed(text, state);
        return 0;
    case KEY_LOOP:
        replay->must_loop = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            argp_error(state, "One file into one stream, not '%s' as well.", text);
        if (state->arg_num == 0)
            replay->path = text;
        replay->outlet.name = text;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "Which file into which stream?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* When the frame is due; after a restart of the recorded stream, and at a loop's seam, at once. */
static int64_t due_ns(const struct replay *replay, const struct recording_head *head)
{
    int64_t interval_ns = head->publish_ns - replay->published_ns;
    if (replay->due_ns == 0 || interval_ns < 0)
        interval_ns = 0;
    int64_t from_ns = replay->due_ns == 0 ? fr_now_ns() : replay->due_ns;
    return from_ns + (int64_t)((double)interval_ns / replay->speed);
}

/* Waits until it is time. -1 if the user wants to end. */
static int keep_pace(struct replay *replay, const struct recording_head *head)
{
    if (replay->speed == 0)
        return stop_asked ? -1 : 0;
    replay->due_ns = due_ns(replay, head);
    replay->published_ns = head->publish_ns;
    return stop_sleep_until(replay->due_ns);
}

/* As recording_fill, but tries on while it has to wait for a slot. */
static enum recording_result fill(struct replay *replay, struct fr_frame **frame, int *error)
{
    enum recording_result result;
    do
        result = recording_fill(replay->recording, replay->writer, replay->follows,
                                FR_MS(STOP_SLICE_MS), frame, error);
    while (result == RECORDING_FULL && replay->outlet.policy != FR_DROP_NEWEST && !stop_asked);
    return result;
}

/* 1, 0 if the user wants to end, -1 after a sentence. */
static int publish(struct replay *replay, const struct recording_head *head, struct fr_frame *frame)
{
    if (keep_pace(replay, head) < 0) {
        fr_frame_abort(&frame);
        return 0;
    }
    int64_t delay_ns = head->publish_ns - head->capture_ns;
    frame->capture_ns = fr_now_ns() - (delay_ns > 0 ? delay_ns : 0);
    int error = fr_frame_publish(&frame);
    if (error < 0) {
        outlet_refused(&replay->outlet, error);
        fr_frame_abort(&frame);
        return -1;
    }
    replay->published++;
    replay->follows = 1;
    return 1;
}

/* The frame that the recording is at. As publish. */
static int play_frame(struct replay *replay, const struct recording_head *head)
{
    struct fr_frame *frame;
    int error;
    switch (fill(replay, &frame, &error)) {
    case RECORDING_OK:
        return publish(replay, head, frame);
    case RECORDING_DAMAGED:
        replay->damaged++;
        break;
    case RECORDING_FULL:
        replay->dropped++;
        break;
    case RECORDING_FAILED:
        outlet_refused(&replay->outlet, error);
        return -1;
    }
    replay->follows = 0;
    return stop_asked ? 0 : 1;
}

/* Once from beginning to end. As publish. */
static int play(struct replay *replay)
{
    int more = 1;
    const struct recording_head *head = recording_next(replay->recording);
    while (head && more > 0) {
        more = play_frame(replay, head);
        if (more > 0)
            head = recording_next(replay->recording);
    }
    return more;
}

static int tell_refusal(const char *path, int error)
{
    if (error == FR_EFOREIGN)
        command_error("%s is not a recording; make one with: framering record NAME %s", path, path);
    else if (error == FR_EVERSION)
        command_error("%s was recorded by a newer version of framering: replay it with that one",
                      path);
    else
        command_error("cannot read %s: %s", path, transfer_strerror(error));
    return COMMAND_FAILED;
}

static void tell_rest(const struct replay *replay, const struct recording_info *info)
{
    if (info->rest_bytes > 0)
        command_error("%s was cut off: %" PRIu64 " frames are whole, the last %" PRIu64
                      " bytes are not a frame",
                      replay->path, info->frames, info->rest_bytes);
}

static void tell_missing(const struct replay *replay)
{
    if (replay->damaged > 0)
        command_error("%s is damaged: %" PRIu64 " frames have wrong checksums and were left out",
                      replay->path, replay->damaged);
    if (replay->dropped > 0)
        command_error("\"%s\": no slot was free for %" PRIu64 " frames, which were left out",
                      replay->outlet.name, replay->dropped);
}

static int run(struct replay *replay, const struct recording_info *info)
{
    if (info->frames == 0) {
        command_error("%s has no whole frame in it", replay->path);
        return COMMAND_FAILED;
    }
    tell_rest(replay, info);
    int status = outlet_open(&replay->outlet, info->slot_size, &replay->writer);
    if (status != COMMAND_OK)
        return status;
    replay->follows = 1; /* the first damage of a recording is right behind any frame */
    int more = stop_asked ? 0 : play(replay);
    while (replay->must_loop && more > 0 && replay->published > 0) {
        replay->follows = 0;
        more = play(replay);
    }
    tell_missing(replay);
    fr_writer_close(&replay->writer);
    return more < 0 || replay->damaged > 0 ? COMMAND_FAILED : COMMAND_OK;
}

int cmd_replay(int argc, char **argv)
{
    static const struct argp_child children[] = { { .argp = &outlet_argp }, { 0 } };
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .args_doc = "FILE NAME",
        .doc = "Makes a stream of a recording: the same pixels, metadata and intervals.\v"
               "A file that was cut off is played up to its last whole frame.",
        .children = children,
    };
    struct replay replay = { .speed = 1 };
    struct recording_info info;
    command_parse(&parser, argc, argv, &replay);
    stop_on_signals();
    int error = recording_open(replay.path, &replay.recording, &info);
    if (error < 0)
        return tell_refusal(replay.path, error);
    int status = run(&replay, &info);
    recording_close(&replay.recording);
    return status;
}
