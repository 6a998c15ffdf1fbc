/* SPDX-License-Identifier: MIT */

/*
 * framering hz: a stream's rate as seen from outside. It looks at the ring's counter and at the
 * newest frame's time of publication, several times an interval, and attaches to nothing. Frames
 * that came between two looks share the time between them evenly; they are reported as "merged".
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "command.h"
#include "look.h"
#include "words.h"

#define LINE_NS FR_S(1)
#define MIN_LOOK_NS FR_US(250)
#define MAX_LOOK_NS FR_MS(20)
#define LOOKS_PER_INTERVAL 4

struct options {
    const char *name;
    uint64_t lines; /* 0: until the stream ends */
    int as_json;
};

/* What was seen since the last line. */
struct intervals {
    uint64_t count;
    uint64_t merged;
    double sum_ns;
    double square_sum; /* of nanoseconds */
    double min_ns;
    double max_ns;
};

struct gauge {
    uint64_t session;
    uint64_t published;
    int64_t publish_ns; /* of the newest item that was seen */
    int64_t look_ns;    /* between two looks */
    uint64_t frame_bytes;
    int64_t line_ns; /* when the current line began, and at which item */
    uint64_t line_published;
    struct intervals seen;
};

static const struct argp_option table[] = {
    { .name = "lines", .key = 'n', .arg = "N", .doc = "Stop after N lines, one a second" },
    { .name = "json", .key = 'j', .doc = "Print an object a line instead" },
    { 0 },
};

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    struct options *options = state->input;
    switch (key) {
    case 'n':
        options->lines = command_number(text, 1, UINT32_MAX, "The number of lines", state);
        return 0;
    case 'j':
        options->as_json = 1;
        return 0;
    case ARGP_KEY_ARG:
        if (options->name)
            argp_error(state, "it measures one stream, so '%s' is too much", text);
        options->name = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which stream? framering ls shows those there are");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void count_items(struct intervals *seen, uint64_t items, int64_t elapsed_ns)
{
    double each_ns = (double)elapsed_ns / (double)items;
    if (seen->count == 0 || each_ns < seen->min_ns)
        seen->min_ns = each_ns;
    if (each_ns > seen->max_ns)
        seen->max_ns = each_ns;
    seen->count += items;
    seen->merged += items - 1;
    seen->sum_ns += (double)elapsed_ns;
    seen->square_sum += each_ns * each_ns * (double)items;
}

static int64_t next_look(const struct intervals *seen)
{
    if (seen->count == 0)
        return MIN_LOOK_NS;
    int64_t look_ns = (int64_t)(seen->sum_ns / (double)seen->count) / LOOKS_PER_INTERVAL;
    if (look_ns < MIN_LOOK_NS)
        return MIN_LOOK_NS;
    return look_ns > MAX_LOOK_NS ? MAX_LOOK_NS : look_ns;
}

static void observe(struct gauge *gauge, const struct fr_info *info)
{
    int is_new = info->session != gauge->session || info->published < gauge->published;
    if (!is_new && info->published == gauge->published)
        return;
    int64_t publish_ns = fr_now_ns();
    if (info->publish_ns > 0)
        publish_ns = info->publish_ns;
    if (!is_new && gauge->publish_ns > 0 && publish_ns > gauge->publish_ns)
        count_items(&gauge->seen, info->published - gauge->published,
                    publish_ns - gauge->publish_ns);
    if (is_new)
        gauge->line_published = 0;
    gauge->session = info->session;
    gauge->published = info->published;
    gauge->publish_ns = publish_ns;
    gauge->look_ns = next_look(&gauge->seen);
    if (info->format != FR_FORMAT_NONE)
        gauge->frame_bytes = look_frame_bytes(info);
}

static int print_line(const struct options *options, const struct gauge *gauge, int64_t now_ns)
{
    const struct intervals *seen = &gauge->seen;
    double seconds = (double)(now_ns - gauge->line_ns) / 1e9;
    uint64_t items = gauge->published - gauge->line_published;
    double fps = (double)items / seconds;
    double bytes = fps * (double)gauge->frame_bytes;
    double mean_ns = seen->count > 0 ? seen->sum_ns / (double)seen->count : 0;
    double variance =
        seen->count > 0 ? seen->square_sum / (double)seen->count - mean_ns * mean_ns : 0;
    double jitter_ns = variance > 0 ? sqrt(variance) : 0;
    char text[4][WORDS_SIZE];
    if (options->as_json)
        return command_json(json_pack("{s:s, s:f, s:f, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}",
                                      "name", options->name, "fps", fps, "bytes_per_second", bytes,
                                      "items", (json_int_t)items, "merged",
                                      (json_int_t)seen->merged, "published",
                                      (json_int_t)gauge->published, "interval_ns", "min",
                                      (json_int_t)seen->min_ns, "mean", (json_int_t)mean_ns, "max",
                                      (json_int_t)seen->max_ns, "jitter", (json_int_t)jitter_ns));
    printf("%s: %.1f fps, %.1f MB/s, interval %s min, %s mean, %s max, %s jitter, %" PRIu64
           " merged\n",
           options->name, fps, bytes / 1e6, words_duration((int64_t)seen->min_ns, text[0]),
           words_duration((int64_t)mean_ns, text[1]),
           words_duration((int64_t)seen->max_ns, text[2]),
           words_duration((int64_t)jitter_ns, text[3]), seen->merged);
    return command_flush() == COMMAND_OK ? 0 : -1;
}

/* A stream that is gone is the orderly end, one whose writers died is not. */
static int ended(const struct options *options, int error, const struct fr_info *info)
{
    if (error == FR_ENOENT || (error == 0 && info->status == FR_ECLOSED)) {
        command_error("the stream \"%s\" has ended", options->name);
        return COMMAND_OK;
    }
    if (error < 0)
        return command_refused(options->name, error);
    command_error("the writers of \"%s\" died; framering gc removes what is left", options->name);
    return COMMAND_FAILED;
}

static int measure(const struct options *options, struct gauge *gauge)
{
    uint64_t lines = 0;
    while (options->lines == 0 || lines < options->lines) {
        struct fr_info info = fr_info();
        int error = fr_inspect(options->name, &info);
        if (error < 0 || info.status != 0)
            return ended(options, error, &info);
        observe(gauge, &info);
        int64_t now_ns = fr_now_ns();
        if (now_ns - gauge->line_ns >= LINE_NS) {
            if (print_line(options, gauge, now_ns) < 0)
                return COMMAND_FAILED;
            lines++;
            gauge->line_ns = now_ns;
            gauge->line_published = gauge->published;
            gauge->seen = (struct intervals){ 0 };
        }
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){ .tv_nsec = gauge->look_ns }, NULL);
    }
    return COMMAND_OK;
}

int cmd_hz(int argc, char **argv)
{
    static const struct argp parser = {
        .options = table,
        .parser = parse_option,
        .args_doc = "NAME",
        .doc =
            "Measures a stream from outside, one line a second: frames and bytes per second, the "
            "interval between publications and its jitter (standard deviation).\vFrames that "
            "came faster than they can be watched are counted as merged: they share their time "
            "evenly.",
    };
    struct options options = { 0 };
    command_parse(&parser, argc, argv, &options);
    struct fr_info info = fr_info();
    int error = fr_inspect(options.name, &info);
    if (error < 0)
        return command_refused(options.name, error);
    if (info.kind != FR_KIND_RING) {
        command_error("\"%s\" is no stream but plain memory: framering info %s tells of it",
                      options.name, options.name);
        return COMMAND_FAILED;
    }
    struct gauge gauge = { .session = info.session,
                           .published = info.published,
                           .publish_ns = info.publish_ns,
                           .look_ns = MIN_LOOK_NS,
                           .frame_bytes = look_frame_bytes(&info),
                           .line_ns = fr_now_ns(),
                           .line_published = info.published };
    return measure(&options, &gauge);
}
