/* SPDX-License-Identifier: MIT */

/*
 * The command line, read with argp: one table from which --help is made too. A mistake is answered
 * by one sentence on standard error and exit status 2.
 */

#define _GNU_SOURCE

#include "options.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sink.h"

#define HEADLESS_WAIT_NS FR_S(5)
#define MAX_WINDOW_SIDE 16384

enum key {
    KEY_FRAMES = 'n',
    KEY_DURATION = 't',
    KEY_QUIET = 'q',
    KEY_HEADLESS = 256, /* from here on without a short form */
    KEY_MODE,
    KEY_WAIT,
    KEY_NO_WAIT,
    KEY_FOLLOW,
    KEY_EXIT_ON_EOS,
    KEY_NO_RECONNECT,
    KEY_VERIFY,
    KEY_SCREENSHOT,
    KEY_JSON,
    KEY_FULLSCREEN,
    KEY_SIZE,
    KEY_FOLLOW_SIZE,
    KEY_VSYNC,
};

/* What cannot be settled before the whole command line was read. */
struct parsing {
    struct options *options;
    int has_wait;
    int has_mode;
};

static const struct argp_option table[] = {
    { .doc = "What to watch:" },
    { .name = "wait",
      .key = KEY_WAIT,
      .arg = "SECONDS",
      .doc = "How long to wait for the stream (default: a window for ever, --headless 5)" },
    { .name = "no-wait", .key = KEY_NO_WAIT, .doc = "The same as --wait 0" },
    { .name = "mode",
      .key = KEY_MODE,
      .arg = "WORD",
      .doc =
          "latest (always the newest frame, default) or every (no frame is left out, and a writer "
          "that blocks waits for it; default with --headless --verify)" },
    { .name = "follow",
      .key = KEY_FOLLOW,
      .doc =
          "With --headless: when the stream ends, wait for the next one of that name, as a window "
          "always does" },
    { .name = "exit-on-eos",
      .key = KEY_EXIT_ON_EOS,
      .doc = "Close the window when the writers close the stream" },
    { .name = "no-reconnect",
      .key = KEY_NO_RECONNECT,
      .doc = "End when the stream is over, with status 4 if its writers died" },
    { .name = "verify",
      .key = KEY_VERIFY,
      .doc = "Check every pixel of demo-capture's test picture and the order of the frames" },
    { .doc = "The window:" },
    { .name = "fullscreen", .key = KEY_FULLSCREEN, .doc = "Fill the screen" },
    { .name = "size",
      .key = KEY_SIZE,
      .arg = "WxH",
      .doc = "Of the window (default: that of the first picture)" },
    { .name = "follow-size",
      .key = KEY_FOLLOW_SIZE,
      .doc = "Make the window as large as the picture whenever that changes" },
    { .name = "vsync", .key = KEY_VSYNC, .doc = "Wait for the screen before each picture" },
    { .name = "headless", .key = KEY_HEADLESS, .doc = "Without a window; needs no display" },
    { .doc = "When to stop and what to say:" },
    { .name = "frames", .key = KEY_FRAMES, .arg = "N", .doc = "Stop after N frames" },
    { .name = "duration",
      .key = KEY_DURATION,
      .arg = "SECONDS",
      .doc = "Stop that long after the stream was opened" },
    { .name = "screenshot",
      .key = KEY_SCREENSHOT,
      .arg = "FILE",
      .doc = "At the end write the last picture to FILE as PNG, pixel for pixel" },
    { .name = "json",
      .key = KEY_JSON,
      .arg = "FILE",
      .doc = "Write the statistics to FILE at the end (- is standard output)" },
    { .name = "quiet", .key = KEY_QUIET, .doc = "Say nothing but errors" },
    { 0 },
};

static int64_t parse_seconds(const char *text, double min, const char *what,
                             struct argp_state *state)
{
    char *end = NULL;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= min && seconds <= 1e9))
        argp_error(state, "%s has to be seconds from %g to 1000000000, not '%s'.", what, min, text);
    return (int64_t)(seconds * 1e9);
}

static uint64_t parse_frames(const char *text, struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value == 0)
        argp_error(state, "The number of frames has to be a number from 1 on, not '%s'.", text);
    return value;
}

static void parse_size(const char *text, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    unsigned width = 0;
    unsigned height = 0;
    char rest = 0;
    /* Five digits always fit. NOLINTNEXTLINE(cert-err34-c) */
    if (sscanf(text, "%5ux%5u%c", &width, &height, &rest) != 2 || width == 0 || height == 0 ||
        width > MAX_WINDOW_SIDE || height > MAX_WINDOW_SIDE)
        argp_error(state, "The size has to be WxH with sides from 1 to %d, not '%s'.",
                   MAX_WINDOW_SIDE, text);
    parsing->options->width = width;
    parsing->options->height = height;
}

static void parse_mode(const char *text, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    int is_every = strcmp(text, "every") == 0;
    if (!is_every && strcmp(text, "latest") != 0)
        argp_error(state, "The mode has to be latest or every, not '%s'.", text);
    parsing->options->every = is_every;
    parsing->has_mode = 1;
}

static void parse_name(char *text, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    if (state->arg_num >= MAX_STREAMS)
        argp_error(state, "A window has room for %d streams, and '%s' is one more.", MAX_STREAMS,
                   text);
    parsing->options->names[state->arg_num] = text;
    parsing->options->count = state->arg_num + 1;
}

/* What only one stream can have is refused for several. */
static void check_count(const struct options *options, int is_headless, struct argp_state *state)
{
    if (options->count == 1)
        return;
    if (is_headless)
        argp_error(state, "--headless watches one stream, not %zu; start it once for each.",
                   options->count);
    if (options->screenshot)
        argp_error(state,
                   "--screenshot is of one stream, not of %zu; the key S takes a picture of "
                   "the window.",
                   options->count);
}

static void settle(struct argp_state *state)
{
    struct parsing *parsing = state->input;
    struct options *options = parsing->options;
    int is_headless = strcmp(options->sink, sink_headless.name) == 0;
    check_count(options, is_headless, state);
    if (!parsing->has_wait)
        options->wait_ns = is_headless ? HEADLESS_WAIT_NS : FR_FOREVER;
    if (!parsing->has_mode)
        options->every = is_headless && options->verify;
}

/* Those that take no argument; 0 if it was one. */
static error_t parse_switch(int key, struct options *options)
{
    switch (key) {
    case KEY_FOLLOW:
        options->follow = 1;
        return 0;
    case KEY_EXIT_ON_EOS:
        options->exit_on_eos = 1;
        return 0;
    case KEY_NO_RECONNECT:
        options->no_reconnect = 1;
        return 0;
    case KEY_VERIFY:
        options->verify = 1;
        return 0;
    case KEY_FULLSCREEN:
        options->fullscreen = 1;
        return 0;
    case KEY_FOLLOW_SIZE:
        options->follow_size = 1;
        return 0;
    case KEY_VSYNC:
        options->vsync = 1;
        return 0;
    case KEY_HEADLESS:
        options->sink = sink_headless.name;
        return 0;
    case KEY_QUIET:
        options->quiet = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct parsing *parsing = state->input;
    struct options *options = parsing->options;
    switch (key) {
    case KEY_WAIT:
        options->wait_ns = parse_seconds(text, 0, "The time to wait", state);
        parsing->has_wait = 1;
        return 0;
    case KEY_NO_WAIT:
        options->wait_ns = 0;
        parsing->has_wait = 1;
        return 0;
    case KEY_MODE:
        parse_mode(text, state);
        return 0;
    case KEY_SIZE:
        parse_size(text, state);
        return 0;
    case KEY_FRAMES:
        options->frames = parse_frames(text, state);
        return 0;
    case KEY_DURATION:
        options->duration_ns = parse_seconds(text, 0.001, "The duration", state);
        return 0;
    case KEY_SCREENSHOT:
        options->screenshot = text;
        return 0;
    case KEY_JSON:
        options->json = text;
        return 0;
    case ARGP_KEY_ARG:
        parse_name(text, state);
        return 0;
    case ARGP_KEY_END:
        settle(state);
        return 0;
    default:
        return parse_switch(key, options);
    }
}

/* What sinks there are comes from the sinks. The caller frees the text, as argp does. */
static char *help_filter(int key, const char *text, void *input)
{
    (void)input;
    if (key != ARGP_KEY_HELP_POST_DOC)
        return text ? strdup(text) : NULL;
    char *help = NULL;
    size_t size = 0;
    FILE *to = open_memstream(&help, &size);
    if (!to)
        return NULL;
    for (size_t i = 0; sinks[i]; i++)
        fputs(sinks[i]->help, to);
    fputs("\nExamples:\n"
          "  demo-viewer                                 'demo', in a window\n"
          "  demo-viewer camera --fullscreen\n"
          "  demo-viewer door yard street desk           four streams in one window\n"
          "  demo-viewer --headless --verify -t 5 --json -   is any frame torn?\n"
          "  demo-viewer --headless -n 1 --screenshot a.png\n"
          "\nExit status: 0 fine, 1 failed (a check, or no display), 2 usage, 3 no\n"
          "such stream, 4 the stream was lost (--no-reconnect).",
          to);
    fclose(to);
    return help;
}

static void print_version(FILE *to, struct argp_state *state)
{
    (void)state;
    fprintf(to, "demo-viewer %d.%d.%d, library %s\n", FR_VERSION_MAJOR, FR_VERSION_MINOR,
            FR_VERSION_PATCH, fr_version_string());
}

void options_parse(int argc, char **argv, struct options *options)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .args_doc = "[NAME...]",
        .doc = "Shows the frames of rings in shared memory (NAME, by default demo)."
               "\vSinks",
        .help_filter = help_filter,
    };
    *options = (struct options){ .names = { "demo" }, .count = 1, .sink = sink_window.name };
    struct parsing parsing = { .options = options };
    argp_err_exit_status = STATUS_USAGE;
    argp_program_version_hook = print_version;
    argp_parse(&parser, argc, argv, 0, NULL, &parsing);
}
