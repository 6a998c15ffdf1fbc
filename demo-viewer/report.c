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

static json_t *pack_latency(const struct histogram *histogram)
{
    const struct latency latency = histogram_latency(histogram);
    return json_pack("{s:I, s:I, s:I}", "p50", (json_int_t)latency.p50_ns, "p99",
                     (json_int_t)latency.p99_ns, "max", (json_int_t)latency.max_ns);
}

static json_t *pack(const struct options *options, const struct tally *tally)
{
    const struct fr_format_info *format = fr_format_info(tally->format);
    const struct verify_counts *wrong = &tally->wrong;
    return json_pack(
        "{s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:f, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s,"
        " s:f, s:f}",
        "name", options->name, "mode", options->every ? "every" : "latest", "verified",
        options->verify, "frames", (json_int_t)tally->frames, "lost", (json_int_t)tally_lost(tally),
        "torn", (json_int_t)wrong->torn, "out_of_order", (json_int_t)wrong->out_of_order,
        "unexplained", (json_int_t)wrong->unexplained, "fps", tally_fps(tally), "latency_ns",
        pack_latency(&tally->latency), "capture_latency_ns", pack_latency(&tally->capture_latency),
        "skipped", (json_int_t)tally->loss.skipped, "overwritten",
        (json_int_t)tally->loss.overwritten, "dropped", (json_int_t)tally->loss.dropped, "sessions",
        (json_int_t)tally->sessions, "width", (json_int_t)tally->width, "height",
        (json_int_t)tally->height, "format", format ? format->name : "", "seconds",
        (double)(tally->last_ns - tally->first_ns) / 1e9, "cpu_seconds", cpu_seconds());
}

static int write_json(const struct options *options, const struct tally *tally)
{
    json_t *json = pack(options, tally);
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
    fprintf(to,
            "%s: %" PRIu32 "x%" PRIu32 " %s, %" PRIu64 " frames, %.1f fps, latency p50 %.2f ms p99 "
            "%.2f ms, ",
            options->name, tally->width, tally->height, format ? format->name : "", tally->frames,
            tally_fps(tally), (double)latency.p50_ns / 1e6, (double)latency.p99_ns / 1e6);
    if (options->verify)
        fprintf(to, "%" PRIu64 " torn, %" PRIu64 " out of order, ", tally->wrong.torn,
                tally->wrong.out_of_order);
    fprintf(to, "%" PRIu64 " lost\n", tally_lost(tally));
    fflush(to);
}

int report_finish(const struct options *options, const struct tally *tally)
{
    if (!options->quiet && tally->frames > 0) {
        int is_taken = options->json && strcmp(options->json, "-") == 0;
        print_summary(options, tally, is_taken ? stderr : stdout);
    }
    if (!options->json)
        return 0;
    errno = 0;
    if (write_json(options, tally) < 0) {
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
