/* SPDX-License-Identifier: MIT */

/*
 * See report.h.
 */

#define _GNU_SOURCE

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "names.h"
#include "picture_png.h"

void report_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    flockfile(stderr);
    fputs("demo-viewer: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(arguments);
}

static double seconds_of(const struct timeval *time)
{
    return (double)time->tv_sec + (double)time->tv_usec / 1e6;
}

static double cpu_seconds(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) < 0)
        return 0;
    return seconds_of(&usage.ru_utime) + seconds_of(&usage.ru_stime);
}

void report_no_stream(const char *name)
{
    struct names names;
    char text[256];
    names_read(&names);
    names_text(&names, text, sizeof text);
    names_free(&names);
    report_error(
        "there is no stream '%s'; start demo-capture -o %s, or wait longer with --wait%s%s", name,
        name, text[0] ? "; there are: " : "", text);
}

static json_t *pack_latency(const struct histogram *histogram)
{
    const struct latency latency = histogram_latency(histogram);
    return json_pack("{s:I, s:I, s:I}", "p50", (json_int_t)latency.p50_ns, "p99",
                     (json_int_t)latency.p99_ns, "max", (json_int_t)latency.max_ns);
}

static double us(int64_t time_ns)
{
    return (double)time_ns / 1e3;
}

static json_t *pack_histogram(const struct histogram *histogram)
{
    return json_pack("{s:I, s:f, s:f, s:f, s:f, s:f}", "count", (json_int_t)histogram->count, "p50",
                     us(histogram_percentile(histogram, 0.5)), "p90",
                     us(histogram_percentile(histogram, 0.9)), "p99",
                     us(histogram_percentile(histogram, 0.99)), "p99.9",
                     us(histogram_percentile(histogram, 0.999)), "max", us(histogram->max_ns));
}

static json_t *pack(const struct options *options, const struct tally *tally)
{
    const struct fr_format_info *format = fr_format_info(tally->format);
    const struct verify_counts *wrong = &tally->wrong;
    return json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I,"
        " s:I, s:s, s:f, s:f}",
        "name", tally->name, "mode", tally->every ? "every" : "latest", "verified", options->verify,
        "frames", (json_int_t)tally->frames, "lost", (json_int_t)tally_lost(tally), "torn",
        (json_int_t)wrong->torn, "out_of_order", (json_int_t)wrong->out_of_order, "unexplained",
        (json_int_t)wrong->unexplained, "fps", tally_fps(tally), "latency_ns",
        pack_latency(&tally->latency), "capture_latency_ns", pack_latency(&tally->capture_latency),
        "held_us", pack_histogram(&tally->latency), "shown_us", pack_histogram(&tally->shown),
        "skipped", (json_int_t)tally->loss.skipped, "overwritten",
        (json_int_t)tally->loss.overwritten, "dropped", (json_int_t)tally->loss.dropped, "sessions",
        (json_int_t)tally->sessions, "width", (json_int_t)tally->width, "height",
        (json_int_t)tally->height, "format", format ? format->name : "", "seconds",
        (double)(tally->last_ns - tally->first_ns) / 1e9, "cpu_seconds", cpu_seconds());
}

static json_t *pack_all(const struct options *options, const struct tally *tallies)
{
    if (options->count == 1)
        return pack(options, tallies);
    json_t *all = json_array();
    for (size_t i = 0; all && i < options->count; i++)
        json_array_append_new(all, pack(options, &tallies[i]));
    return all;
}

static int write_json(const struct options *options, const struct tally *tallies)
{
    json_t *json = pack_all(options, tallies);
    if (!json)
        return -1;
    FILE *file = strcmp(options->json, "-") == 0 ? stdout : fopen(options->json, "w");
    int result = file ? json_dumpf(json, file, JSON_REAL_PRECISION(9)) : -1;
    json_decref(json);
    if (!file)
        return -1;
    if (fputc('\n', file) == EOF)
        result = -1;
    int flushed = file == stdout ? fflush(file) : fclose(file);
    return result < 0 || flushed != 0 ? -1 : 0;
}

static void print_summary(const struct options *options, const struct tally *tally, FILE *to)
{
    const struct fr_format_info *format = fr_format_info(tally->format);
    const struct latency latency = histogram_latency(&tally->latency);
    if (tally->frames == 0)
        return;
    fprintf(to,
            "%s: %" PRIu32 "x%" PRIu32 " %s, %" PRIu64 " frames, %.1f fps, latency p50 %.2f ms p99 "
            "%.2f ms, ",
            tally->name, tally->width, tally->height, format ? format->name : "", tally->frames,
            tally_fps(tally), (double)latency.p50_ns / 1e6, (double)latency.p99_ns / 1e6);
    if (options->verify)
        fprintf(to, "%" PRIu64 " torn, %" PRIu64 " out of order, ", tally->wrong.torn,
                tally->wrong.out_of_order);
    fprintf(to, "%" PRIu64 " lost\n", tally_lost(tally));
    fflush(to);
}

int report_finish(const struct options *options, const struct tally *tallies)
{
    int is_taken = options->json && strcmp(options->json, "-") == 0;
    for (size_t i = 0; i < options->count && !options->quiet; i++)
        print_summary(options, &tallies[i], is_taken ? stderr : stdout);
    if (!options->json)
        return 0;
    errno = 0;
    if (write_json(options, tallies) < 0) {
        report_error("cannot write the statistics to %s: %s", options->json,
                     errno ? strerror(errno) : "no more memory");
        return -1;
    }
    return 0;
}

int report_screenshot(const struct options *options, const struct fr_frame *frame)
{
    if (!options->screenshot)
        return 0;
    const char *why = "there was no frame";
    if (frame && picture_png_write_frame(options->screenshot, frame, &why) == 0)
        return 0;
    report_error("cannot write the picture to %s: %s", options->screenshot, why);
    return -1;
}
