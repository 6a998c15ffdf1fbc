/* SPDX-License-Identifier: MIT */

/*
 * framering record: everything of a stream into a file that framering replay plays again. It ends
 * with a sentence about what is in the file and what got lost on the way, and why.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <string.h>

#include "command.h"
#include "intake.h"
#include "recording.h"
#include "stop.h"
#include "transfer.h"

struct record {
    struct intake_opts intake;
    const char *path;
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct record *record = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &record->intake;
        return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1)
            argp_error(state, "One stream into one file, not '%s' as well.", text);
        if (state->arg_num == 0)
            record->intake.name = text;
        record->path = text;
        return 0;
    case ARGP_KEY_END:
        if (state->arg_num < 2)
            argp_error(state, "Which stream (framering ls shows those there are) into which file?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int tell_failure(const struct record *record, int error)
{
    command_error("cannot write %s: %s", record->path, transfer_strerror(error));
    return COMMAND_FAILED;
}

static int copy_frames(const struct record *record, struct intake *intake,
                       struct recorder *recorder)
{
    const struct fr_frame *frame;
    int more = intake_next(intake, &frame);
    while (more > 0) {
        int error = recorder_add(recorder, frame);
        fr_frame_release(&frame);
        if (error < 0) {
            intake->frames--; /* that one is not in the file */
            return tell_failure(record, error);
        }
        more = intake_next(intake, &frame);
    }
    return more < 0 ? COMMAND_FAILED : COMMAND_OK;
}

static void tell(const struct record *record, const struct intake *intake, uint64_t bytes)
{
    const struct fr_loss *loss = &intake->loss;
    command_error("%s: %" PRIu64 " frames in %.1f s, %.1f MB; lost: %" PRIu64 " skipped, %" PRIu64
                  " overwritten, %" PRIu64 " dropped by the writer",
                  record->path, intake->frames, (double)(intake->end_ns - intake->start_ns) / 1e9,
                  (double)bytes / 1e6, loss->skipped, loss->overwritten, loss->dropped);
}

static int run(const struct record *record, struct intake *intake)
{
    struct recorder *recorder;
    int error = recorder_create(record->path, &recorder);
    if (error < 0)
        return tell_failure(record, error);
    int status = copy_frames(record, intake, recorder);
    uint64_t bytes = recorder_bytes(recorder);
    error = recorder_close(&recorder);
    if (error < 0)
        return tell_failure(record, error);
    tell(record, intake, bytes);
    return status;
}

int cmd_record(int argc, char **argv)
{
    static const struct argp_child children[] = { { .argp = &intake_argp }, { 0 } };
    static const struct argp parser = {
        .parser = parse_option,
        .args_doc = "NAME FILE",
        .doc = "Records a stream with all its pixels, times and metadata.\v"
               "The file is good up to its last whole frame, also if it is cut off there. What was "
               "in it before is lost. Play it with framering replay.",
        .children = children,
    };
    struct record record = { .path = NULL };
    struct intake intake;
    command_parse(&parser, argc, argv, &record);
    stop_on_signals();
    int status = intake_open(&intake, &record.intake, -1);
    if (status != COMMAND_OK)
        return status;
    status = run(&record, &intake);
    intake_close(&intake);
    return status;
}
