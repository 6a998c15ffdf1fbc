/* SPDX-License-Identifier: MIT */

/*
 * framering gen: a stream of test pictures, and a load for as many writers and readers as one wants,
 * with a report of what they achieved.
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "load.h"
#include "load_report.h"
#include "shape.h"
#include "stop.h"

struct gen {
    struct load_opts load;
    int as_json;
};

enum key {
    KEY_SIZE = 's',
    KEY_FORMAT = 'x',
    KEY_RATE = 'r',
    KEY_FRAMES = 'n',
    KEY_DURATION = 't',
    KEY_PATTERN = 256,
    KEY_WRITERS,
    KEY_READERS,
    KEY_SLOW_READER,
    KEY_KILL_WRITER,
    KEY_KILL_READER,
    KEY_RESIZE,
    KEY_VERIFY,
    KEY_JSON,
};

static const struct argp_option table[] = {
    { .name = "size", .key = KEY_SIZE, .arg = "WxH", .doc = "Default: 1280x720" },
    { .name = "pixel-format",
      .key = KEY_FORMAT,
      .arg = "FORMAT",
      .doc = "By FFmpeg's name (default: bgr0)" },
    { .name = "format", .key = KEY_FORMAT, .flags = OPTION_ALIAS },
    { .name = "rate",
      .key = KEY_RATE,
      .arg = "N[/D]",
      .doc = "Frames per second of each writer; 0 is as fast as it goes (default: 60)" },
    { .name = "pattern",
      .key = KEY_PATTERN,
      .arg = "WORD",
      .doc = "bars (default: moving, with their number), noise, or none: nothing is drawn" },
    { .name = "resize-every",
      .key = KEY_RESIZE,
      .arg = "SECONDS",
      .doc = "Take half the size after SECONDS, the whole after as many, and so on" },
    { .name = "writers", .key = KEY_WRITERS, .arg = "N", .doc = "Processes (default: 1)" },
    { .name = "readers", .key = KEY_READERS, .arg = "N", .doc = "Processes (default: 0)" },
    { .name = "slow-reader",
      .key = KEY_SLOW_READER,
      .arg = "MS",
      .doc = "The last reader holds each frame for MS milliseconds" },
    { .name = "kill-reader",
      .key = KEY_KILL_READER,
      .arg = "P",
      .doc = "Kill each reader with probability P a second; it begins anew" },
    { .name = "kill-writer", .key = KEY_KILL_WRITER, .arg = "P", .doc = "The same with writers" },
    { .name = "verify",
      .key = KEY_VERIFY,
      .doc =
          "The readers check every byte of every frame (with one reader if none was asked for)" },
    { .name = "frames", .key = KEY_FRAMES, .arg = "N", .doc = "Each writer stops after N frames" },
    { .name = "duration", .key = KEY_DURATION, .arg = "SECONDS", .doc = "Stop after that time" },
    { .name = "json", .key = KEY_JSON, .doc = "The report as JSON" },
    { .doc = "The stream:" },
    { 0 },
};

static enum card_kind parse_pattern(const char *text, const struct argp_state *state)
{
    if (strcmp(text, "bars") == 0)
        return CARD_BARS;
    if (strcmp(text, "noise") == 0)
        return CARD_NOISE;
    if (strcmp(text, "none") != 0)
        argp_error(state, "The pattern has to be bars, noise or none, not '%s'.", text);
    return CARD_NONE;
}

static double parse_chance(const char *text, const struct argp_state *state)
{
    char *end = NULL;
    double chance = strtod(text, &end);
    if (end == text || *end != '\0' || !(chance >= 0 && chance <= 10))
        argp_error(state, "A probability in a second has to be from 0 to 10, not '%s'.", text);
    return chance;
}

static void parse_crowd(int key, const char *text, const struct argp_state *state)
{
    struct load_opts *load = &((struct gen *)state->input)->load;
    switch ((enum key)key) {
    case KEY_WRITERS:
        load->writers =
            (uint32_t)command_number(text, 1, LOAD_MAX_WORKERS / 2, "The number of writers", state);
        break;
    case KEY_READERS:
        load->readers =
            (uint32_t)command_number(text, 0, LOAD_MAX_WORKERS / 2, "The number of readers", state);
        break;
    case KEY_SLOW_READER:
        load->slow_ns =
            FR_MS(command_number(text, 1, 60000, "The slow reader's milliseconds", state));
        break;
    case KEY_KILL_WRITER:
        load->kill_writer = parse_chance(text, state);
        break;
    case KEY_KILL_READER:
        load->kill_reader = parse_chance(text, state);
        break;
    default:
        break;
    }
}

static void parse_picture(int key, const char *text, const struct argp_state *state)
{
    struct load_opts *load = &((struct gen *)state->input)->load;
    switch ((enum key)key) {
    case KEY_SIZE:
        shape_size(text, &load->width, &load->height, state);
        break;
    case KEY_FORMAT:
        load->format = shape_format(text, state);
        break;
    case KEY_RATE:
        load->rate = shape_rate(text, state);
        break;
    case KEY_PATTERN:
        load->pattern = parse_pattern(text, state);
        break;
    case KEY_FRAMES:
        load->frames = command_number(text, 1, UINT64_C(1) << 40, "The number of frames", state);
        break;
    case KEY_DURATION:
        load->duration_ns = command_seconds(text, "The duration", state);
        break;
    case KEY_RESIZE:
        load->resize_ns = command_seconds(text, "The time of a size", state);
        break;
    default:
        break;
    }
}

/* What only all options together tell. */
static void complete(struct load_opts *load, const struct argp_state *state)
{
    if (load->readers == 0 && (load->must_verify || load->slow_ns > 0 || load->kill_reader > 0))
        load->readers = 1;
    if (load->must_verify && load->pattern == CARD_NONE)
        argp_error(state, "Nothing is drawn with --pattern none, so that nothing can be verified.");
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct gen *gen = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &gen->load.outlet;
        return 0;
    case KEY_VERIFY:
        gen->load.must_verify = 1;
        return 0;
    case KEY_JSON:
        gen->as_json = 1;
        return 0;
    case KEY_WRITERS:
    case KEY_READERS:
    case KEY_SLOW_READER:
    case KEY_KILL_WRITER:
    case KEY_KILL_READER:
        parse_crowd(key, text, state);
        return 0;
    case KEY_SIZE:
    case KEY_FORMAT:
    case KEY_RATE:
    case KEY_PATTERN:
    case KEY_RESIZE:
    case KEY_FRAMES:
    case KEY_DURATION:
        parse_picture(key, text, state);
        return 0;
    case ARGP_KEY_ARG:
        if (gen->load.outlet.name)
            argp_error(state, "One stream at a time, not '%s' as well.", text);
        gen->load.outlet.name = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "What shall the stream be called?");
        return 0;
    case ARGP_KEY_SUCCESS:
        complete(&gen->load, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int cmd_gen(int argc, char **argv)
{
    static const struct argp_child children[] = { { .argp = &outlet_argp }, { 0 } };
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .args_doc = "NAME",
        .doc =
            "Makes a stream of test pictures, and a load of writers and readers to test with.\v"
            "  framering gen test                                      something to look at\n"
            "  framering gen load -r 0 --readers 4 --verify -t 10      how fast, and is it right?\n"
            "  framering gen load --readers 3 --slow-reader 50 --kill-reader 0.5 --verify",
        .children = children,
    };
    struct gen gen = { .load = { .width = 1280,
                                 .height = 720,
                                 .format = FR_FORMAT_BGRX,
                                 .rate = { 60, 1 },
                                 .writers = 1 } };
    struct load load;
    struct load_line line = { 0 };
    command_parse(&parser, argc, argv, &gen);
    stop_on_signals();
    int status = load_run(&load, &gen.load, load_report_tick, &line);
    if (status != COMMAND_OK)
        return status;
    if (load_report(&load, &line, gen.as_json) < 0 || load_report_wrong(&load) > 0)
        status = COMMAND_FAILED;
    load_free(&load);
    return status;
}
