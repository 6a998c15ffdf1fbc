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

#include "source.h"

enum key {
    KEY_INPUT = 'i',
    KEY_OUTPUT = 'o',
    KEY_SIZE = 's',
    KEY_RATE = 'r',
    KEY_FORMAT = 'x',
    KEY_CONTAINER = 'f',
    KEY_GEOMETRY = 'g',
    KEY_NO_DAMAGE = 'D',
    KEY_FRAMES = 'n',
    KEY_DURATION = 't',
    KEY_QUIET = 'q',
    KEY_SLOTS = 256, /* from here on without a short form */
    KEY_POLICY,
    KEY_DELIVERY,
    KEY_MODE,
    KEY_JOIN,
    KEY_WRITER_ID,
    KEY_LOOP,
    KEY_JSON,
    KEY_LIST_FORMATS,
    KEY_WINDOW_ID,
    KEY_WINDOW_NAME,
    KEY_DRAW_MOUSE,
    KEY_CURSOR,
};

static const struct argp_option table[] = {
    { .doc = "Where the pictures come from:" },
    { .name = "input", .key = KEY_INPUT, .arg = "INPUT", .doc = "See below (default: test)" },
#ifdef HAVE_AV
    { .name = "input-format",
      .key = KEY_CONTAINER,
      .arg = "FORMAT",
      .doc = "What FFmpeg shall take it for: a device (v4l2, lavfi) or a file format (mpegts)" },
#endif
    { .name = "video-size", .key = KEY_SIZE, .arg = "WxH", .doc = "Default: the input's own" },
    { .name = "framerate",
      .key = KEY_RATE,
      .arg = "N[/D]",
      .doc = "Frames per second; 0 is as fast as it goes (default: the input's own, or 60)" },
    { .name = "pixel-format",
      .key = KEY_FORMAT,
      .arg = "FORMAT",
      .doc = "By FFmpeg's name (default: the input's own)" },
    { .name = "list-formats", .key = KEY_LIST_FORMATS, .doc = "Print the names of all formats" },
    { .name = "loop", .key = KEY_LOOP, .doc = "Begin a file again at its end" },
    { .name = "writer-id",
      .key = KEY_WRITER_ID,
      .arg = "N",
      .doc = "Mark the test pictures' numbers with N (0 to 65535)" },
    { .doc = "Of a screen (each of these means -i x11, if nothing else is said):" },
    { .name = "geometry", .key = KEY_GEOMETRY, .arg = "X,Y WxH", .doc = "That piece of it" },
    { .name = "window-id",
      .key = KEY_WINDOW_ID,
      .arg = "NUMBER",
      .doc = "That window of X11, also where others cover it (xwininfo tells numbers)" },
    { .name = "window-name",
      .key = KEY_WINDOW_NAME,
      .arg = "TITLE",
      .doc = "The one with that "
             "title" },
    { .name = "cursor",
      .key = KEY_CURSOR,
      .arg = "WORD",
      .doc = "The mouse cursor: draw (default), none, or on X11 meta (sent beside the picture)" },
    { .name = "draw-mouse",
      .key = KEY_DRAW_MOUSE,
      .arg = "0|1",
      .doc = "As --cursor none or draw" },
    { .name = "no-damage",
      .key = KEY_NO_DAMAGE,
      .doc = "Capture all of it at the frame rate, not only what changes" },
    { .doc = "Where they go:" },
    { .name = "output", .key = KEY_OUTPUT, .arg = "NAME", .doc = "The ring (default: demo)" },
    { .name = "slots", .key = KEY_SLOTS, .arg = "N", .doc = "Frames in the ring (default: 8)" },
    { .name = "policy",
      .key = KEY_POLICY,
      .arg = "WORD",
      .doc = "When no slot is free: block, drop-oldest (default) or drop-newest" },
    { .name = "delivery",
      .key = KEY_DELIVERY,
      .arg = "WORD",
      .doc = "broadcast (every viewer gets every frame, default) or queue (one of them does)" },
    { .name = "mode",
      .key = KEY_MODE,
      .arg = "OCTAL",
      .doc = "Permissions of the ring (default: 0600); 0640 lets the group watch a broadcast" },
    { .name = "join",
      .key = KEY_JOIN,
      .doc = "Be one more writer of a ring that is there, whatever its slots and policy are" },
    { .doc = "When to stop and what to say:" },
    { .name = "frames", .key = KEY_FRAMES, .arg = "N", .doc = "Stop after N frames" },
    { .name = "duration", .key = KEY_DURATION, .arg = "SECONDS", .doc = "Stop after that time" },
    { .name = "quiet", .key = KEY_QUIET, .doc = "Say nothing but errors" },
    { .name = "json",
      .key = KEY_JSON,
      .arg = "FILE",
      .doc = "Write the statistics to FILE at the end (- is standard output)" },
    { 0 },
};

static uint64_t parse_number(const char *text, uint64_t min, uint64_t max, const char *what,
                             struct argp_state *state)
{
    char *end = NULL;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < min || value > max)
        argp_error(state, "%s has to be a number from %" PRIu64 " to %" PRIu64 ", not '%s'.", what,
                   min, max, text);
    return value;
}

/* Two numbers with a separator between them; false if the text is anything else. */
static int split_numbers(const char *text, char separator, uint64_t max, uint64_t *first,
                         uint64_t *second)
{
    char *end = NULL;
    if (!text || text[0] < '0' || text[0] > '9')
        return 0;
    *first = strtoull(text, &end, 10);
    if (*end != separator || end[1] < '0' || end[1] > '9')
        return 0;
    *second = strtoull(end + 1, &end, 10);
    return *end == '\0' && *first <= max && *second <= max;
}

static void parse_size(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    uint64_t width = 0;
    uint64_t height = 0;
    if (!split_numbers(text, 'x', FR_MAX_SIDE, &width, &height) || width == 0 || height == 0)
        argp_error(state, "The size has to be WxH with sides from 1 to %d, not '%s'.", FR_MAX_SIDE,
                   text);
    options->width = (uint32_t)width;
    options->height = (uint32_t)height;
}

static void parse_rate(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    uint64_t num = 0;
    uint64_t den = 1;
    if (strchr(text, '/')) {
        if (!split_numbers(text, '/', INT32_MAX, &num, &den) || den == 0)
            argp_error(state,
                       "The frame rate has to be N or N/D, for instance 30000/1001, not '%s'.",
                       text);
    } else {
        num = parse_number(text, 0, 1000000, "The frame rate", state);
    }
    options->rate = (struct fr_rational){ (int32_t)num, (int32_t)(num == 0 ? 1 : den) };
    options->has_rate = 1;
}

static void parse_duration(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    char *end = NULL;
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0.001 && seconds <= 1e9))
        argp_error(state, "The duration has to be seconds from 0.001 to 1000000000, not '%s'.",
                   text);
    options->duration_ns = (int64_t)(seconds * 1e9);
}

static void parse_format(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    options->format = fr_format_by_name(text);
    if (options->format == FR_FORMAT_NONE)
        argp_error(state,
                   "There is no pixel format '%s' here; --list-formats prints those there "
                   "are.",
                   text);
}

static const char *const policies[] = {
    [FR_BLOCK] = "block",
    [FR_DROP_OLDEST] = "drop-oldest",
    [FR_DROP_NEWEST] = "drop-newest",
};
static const char *const deliveries[] = { [FR_BROADCAST] = "broadcast", [FR_QUEUE] = "queue" };

const char *options_policy_name(enum fr_overflow policy)
{
    return policies[policy];
}

const char *options_delivery_name(enum fr_delivery delivery)
{
    return deliveries[delivery];
}

static void parse_policy(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
        if (strcmp(text, policies[i]) == 0) {
            options->policy = (enum fr_overflow)i;
            return;
        }
    }
    argp_error(state, "The policy has to be block, drop-oldest or drop-newest, not '%s'.", text);
}

static void parse_mode(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    char *end;
    unsigned long mode = strtoul(text, &end, 8);
    if (end == text || *end != '\0' || mode == 0 || mode > 0777)
        argp_error(state, "The mode has to be permission bits in octal, as 0640, not '%s'.", text);
    options->mode = (uint32_t)mode;
}

static void parse_delivery(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    for (size_t i = 0; i < sizeof deliveries / sizeof *deliveries; i++) {
        if (strcmp(text, deliveries[i]) == 0) {
            options->delivery = (enum fr_delivery)i;
            return;
        }
    }
    argp_error(state, "The delivery has to be broadcast or queue, not '%s'.", text);
}

/* What slurp prints: the place and the size. */
static void parse_geometry(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    const char *space = strchr(text, ' ');
    char place[32] = "";
    uint64_t x = 0;
    uint64_t y = 0;
    if (space && (size_t)(space - text) < sizeof place)
        memcpy(place, text, (size_t)(space - text));
    if (!split_numbers(place, ',', INT16_MAX, &x, &y))
        argp_error(state,
                   "The geometry has to be 'X,Y WxH', for instance '100,50 640x480', not "
                   "'%s'.",
                   text);
    parse_size(space + 1, state);
    options->x = (uint32_t)x;
    options->y = (uint32_t)y;
    options->is_screen = 1;
}

static void parse_window_id(const char *text, struct argp_state *state)
{
    struct options *options = state->input;
    char *end = NULL;
    unsigned long id = strtoul(text, &end, 0);
    if (end == text || *end != '\0' || id == 0 || id > UINT32_MAX)
        argp_error(state, "The window has to be a number such as 0x1c00007, not '%s'.", text);
    options->window_id = (uint32_t)id;
    options->is_screen = 1;
}

static void parse_cursor(const char *text, struct argp_state *state)
{
    static const char *const words[] = {
        [CURSOR_DRAW] = "draw", [CURSOR_META] = "meta", [CURSOR_NONE] = "none"
    };
    struct options *options = state->input;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) == 0) {
            options->cursor = (enum cursor_mode)i;
            return;
        }
    }
    argp_error(state, "The cursor has to be draw, meta or none, not '%s'.", text);
}

static void list_formats(void)
{
    for (size_t i = 0; fr_format_at(i); i++) {
        const struct fr_format_info *info = fr_format_at(i);
        printf("%-12s %s, %d bits, %d plane%s%s\n", info->name, info->is_yuv ? "YUV" : "RGB",
               info->bits, info->planes, info->planes == 1 ? "" : "s",
               info->has_alpha ? ", alpha" : "");
    }
    exit(0);
}

static void parse_where(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch ((enum key)key) {
    case KEY_INPUT:
        options->input = text;
        break;
    case KEY_CONTAINER:
        options->container = text;
        break;
    case KEY_OUTPUT:
        options->output = text;
        break;
    case KEY_FORMAT:
        parse_format(text, state);
        break;
    case KEY_SIZE:
        parse_size(text, state);
        break;
    case KEY_RATE:
        parse_rate(text, state);
        break;
    case KEY_POLICY:
        parse_policy(text, state);
        break;
    case KEY_DELIVERY:
        parse_delivery(text, state);
        break;
    case KEY_MODE:
        parse_mode(text, state);
        break;
    default:
        break;
    }
}

static void parse_screen(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch ((enum key)key) {
    case KEY_GEOMETRY:
        parse_geometry(text, state);
        break;
    case KEY_WINDOW_ID:
        parse_window_id(text, state);
        break;
    case KEY_WINDOW_NAME:
        options->window_name = text;
        options->is_screen = 1;
        break;
    case KEY_CURSOR:
        parse_cursor(text, state);
        break;
    case KEY_DRAW_MOUSE:
        options->cursor =
            parse_number(text, 0, 1, "--draw-mouse", state) ? CURSOR_DRAW : CURSOR_NONE;
        break;
    case KEY_NO_DAMAGE:
        options->no_damage = 1;
        break;
    default:
        break;
    }
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case KEY_FRAMES:
        options->frames = parse_number(text, 1, UINT64_C(1) << 48, "The number of frames", state);
        return 0;
    case KEY_DURATION:
        parse_duration(text, state);
        return 0;
    case KEY_SLOTS:
        options->slots =
            (uint32_t)parse_number(text, FR_MIN_SLOTS, FR_MAX_SLOTS, "The number of slots", state);
        return 0;
    case KEY_WRITER_ID:
        options->writer_id = (uint16_t)parse_number(text, 0, UINT16_MAX, "The writer's id", state);
        return 0;
    case KEY_JOIN:
        options->join = 1;
        return 0;
    case KEY_LOOP:
        options->loop = 1;
        return 0;
    case KEY_QUIET:
        options->quiet = 1;
        return 0;
    case KEY_JSON:
        options->json = text;
        return 0;
    case KEY_LIST_FORMATS:
        list_formats();
        return 0;
    case KEY_INPUT:
    case KEY_CONTAINER:
    case KEY_OUTPUT:
    case KEY_SIZE:
    case KEY_RATE:
    case KEY_FORMAT:
    case KEY_POLICY:
    case KEY_DELIVERY:
    case KEY_MODE:
        parse_where(key, text, state);
        return 0;
    case KEY_GEOMETRY:
    case KEY_WINDOW_ID:
    case KEY_WINDOW_NAME:
    case KEY_CURSOR:
    case KEY_DRAW_MOUSE:
    case KEY_NO_DAMAGE:
        parse_screen(key, text, state);
        return 0;
    case ARGP_KEY_END:
        if (!options->input)
            options->input = options->is_screen ? "x11" : "test";
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "'%s' is not an option; the input is given with -i, the ring with -o.",
                   text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The list of inputs comes from the sources themselves. The caller frees the text, as argp does. */
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
    fputs("Inputs:\n", to);
    for (size_t i = 0; sources[i]; i++)
        fputs(sources[i]->help, to);
#ifndef HAVE_AV
    fputs(
        "Other files, and devices: not in this build, which was made without FFmpeg's libavdevice\n",
        to);
#endif
    fputs("\nExamples:\n"
          "  demo-capture                               the test picture, 1080p, 60 fps\n"
          "  demo-capture -i x11 -r 30                  the screen\n"
          "  demo-capture -g '100,50 640x480'           a piece of it\n"
          "  demo-capture --window-name xclock          a window\n"
#ifdef HAVE_AV
          "  demo-capture -i film.mkv --loop            a file, at its own pace\n"
          "  demo-capture -f v4l2 -i /dev/video0        a camera\n"
#endif
          "  ffmpeg -v error -i film.mkv -f yuv4mpegpipe - | demo-capture -i -\n"
          "  demo-capture -s 640x480 -x yuv420p -r 0 -t 10 --policy block --json -\n"
          "\nWatch with demo-viewer. Exit status: 0 fine, 1 failed, 2 usage.",
          to);
    fclose(to);
    return help;
}

static void print_version(FILE *to, struct argp_state *state)
{
    (void)state;
    fprintf(to, "demo-capture %d.%d.%d, library %s\n", FR_VERSION_MAJOR, FR_VERSION_MINOR,
            FR_VERSION_PATCH, fr_version_string());
}

void options_parse(int argc, char **argv, struct options *options)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .doc = "Puts moving pictures into a ring in shared memory, for any number of viewers."
               "\vInputs",
        .help_filter = help_filter,
    };
    *options =
        (struct options){ .output = "demo", .policy = FR_DROP_OLDEST, .delivery = FR_BROADCAST };
    argp_err_exit_status = 2;
    argp_program_version_hook = print_version;
    argp_parse(&parser, argc, argv, 0, NULL, options);
}
