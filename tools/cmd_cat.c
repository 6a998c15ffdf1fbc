/* SPDX-License-Identifier: MIT */

/*
 * framering cat: frames of a stream on standard output, for programs that read a pipe. A pipe whose
 * other end is closed is a normal end.
 */

#define _GNU_SOURCE

#include <string.h>
#include <unistd.h>

#include "command.h"
#include "container.h"
#include "intake.h"
#include "stop.h"
#include "transfer.h"

struct cat {
    struct intake_opts intake;
    enum container_kind kind;
};

static const struct argp_option table[] = {
    { .name = "format",
      .key = 'f',
      .arg = "WORD",
      .doc = "nut (default: with times), y4m, or raw (only pixels)" },
    { 0 },
};

static enum container_kind parse_kind(const char *text, const struct argp_state *state)
{
    if (strcmp(text, "nut") == 0)
        return CONTAINER_NUT;
    if (strcmp(text, "y4m") == 0)
        return CONTAINER_Y4M;
    if (strcmp(text, "raw") != 0)
        argp_error(state, "The format has to be nut, y4m or raw, not '%s'.", text);
    return CONTAINER_RAW;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct cat *cat = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &cat->intake;
        return 0;
    case 'f':
        cat->kind = parse_kind(text, state);
        return 0;
    case ARGP_KEY_ARG:
        if (cat->intake.name)
            argp_error(state, "One stream at a time, not '%s' as well.", text);
        cat->intake.name = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "Which stream? framering ls shows those there are.");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Until the stream or the user ends, or the one at the other end of the pipe. */
static int copy_frames(struct intake *intake, enum container_kind kind)
{
    struct container *container = NULL;
    const struct fr_frame *frame;
    enum container_result result = CONTAINER_OK;
    int more = intake_next(intake, &frame);
    while (more > 0) {
        if (!container)
            container = container_open(kind, STDOUT_FILENO, frame);
        result = container ? container_write(container, frame) : CONTAINER_FAILED;
        fr_frame_release(&frame);
        if (result != CONTAINER_OK)
            break;
        more = intake_next(intake, &frame);
    }
    container_close(&container);
    return more < 0 || result == CONTAINER_FAILED ? COMMAND_FAILED : COMMAND_OK;
}

int cmd_cat(int argc, char **argv)
{
    static const struct argp_child children[] = { { .argp = &intake_argp }, { 0 } };
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .args_doc = "NAME",
        .doc = "Writes the frames of a stream to a pipe or file.\v"
               "What the container cannot name is converted, and said so.\n\n"
               "  framering cat desk | ffmpeg -i - desk.mp4\n"
               "  framering cat desk --format y4m | ffplay -",
        .children = children,
    };
    struct cat cat = { .kind = CONTAINER_NUT };
    struct intake intake;
    command_parse(&parser, argc, argv, &cat);
    if (isatty(STDOUT_FILENO)) {
        command_error("frames are not for a terminal; for instance: framering cat %s | ffplay -",
                      cat.intake.name);
        return COMMAND_USAGE;
    }
    stop_on_signals();
    transfer_widen_pipe(STDOUT_FILENO);
    int status = intake_open(&intake, &cat.intake, STDOUT_FILENO);
    if (status != COMMAND_OK)
        return status;
    status = copy_frames(&intake, cat.kind);
    intake_tell_loss(&intake);
    intake_close(&intake);
    return status;
}
