/* SPDX-License-Identifier: MIT */

/*
 * See report.h. Statistics go to standard error, so that standard output can carry the JSON.
 */

#define _GNU_SOURCE

#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A statistics line stands on the terminal without its end; an error must not be glued to it. */
static int line_is_open;

static void end_line(void)
{
    if (line_is_open)
        fputc('\n', stderr);
    line_is_open = 0;
}

void report_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    end_line();
    fputs("demo-capture: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

static double per_second(uint64_t count, int64_t elapsed_ns)
{
    return elapsed_ns > 0 ? (double)count * 1e9 / (double)elapsed_ns : 0;
}

static void print_line(const struct report *report, double fps)
{
    fprintf(stderr,
            "%s: %" PRIu32 "x%" PRIu32 " %s, %.1f fps, %" PRIu64 " frames, %" PRIu64
            " dropped, %" PRIu64 " late",
            report->options->output, report->width, report->height,
            fr_format_info(report->format)->name, fps, report->frames, report->dropped,
            report->late);
}

void report_start(struct report *report)
{
    report->is_live = !report->options->quiet && isatty(STDERR_FILENO);
    report->start_ns = fr_now_ns();
    report->line_ns = report->start_ns;
}

void report_tick(struct report *report)
{
    if (!report->is_live)
        return;
    int64_t now_ns = fr_now_ns();
    if (now_ns - report->line_ns < FR_S(1))
        return;
    fputs("\r\033[K", stderr);
    print_line(report, per_second(report->frames - report->line_frames, now_ns - report->line_ns));
    fflush(stderr);
    line_is_open = 1;
    report->line_ns = now_ns;
    report->line_frames = report->frames;
}

static int write_json(const struct report *report, int64_t elapsed_ns)
{
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:s, s:[i,i], s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:s, s:s, s:i}",
        "input", report->options->input, "name", report->options->output, "width",
        (json_int_t)report->width, "height", (json_int_t)report->height, "format",
        fr_format_info(report->format)->name, "rate", (int)report->rate.num, (int)report->rate.den,
        "frames", (json_int_t)report->frames, "dropped", (json_int_t)report->dropped, "late",
        (json_int_t)report->late, "copied", (json_int_t)report->copied, "lost",
        (json_int_t)report->lost, "bytes", (json_int_t)report->bytes, "seconds",
        (double)elapsed_ns / 1e9, "fps", per_second(report->frames, elapsed_ns), "slots",
        (json_int_t)report->slots, "policy", options_policy_name(report->policy), "delivery",
        options_delivery_name(report->delivery), "writer_id", (int)report->options->writer_id);
    if (!json)
        return -1;
    const char *path = report->options->json;
    FILE *file = strcmp(path, "-") == 0 ? stdout : fopen(path, "w");
    int result = file ? json_dumpf(json, file, JSON_REAL_PRECISION(9)) : -1;
    json_decref(json);
    if (!file)
        return -1;
    if (fputc('\n', file) == EOF)
        result = -1;
    int flushed = file == stdout ? fflush(file) : fclose(file);
    return result < 0 || flushed != 0 ? -1 : 0;
}

int report_finish(struct report *report)
{
    int64_t elapsed_ns = report->end_ns - report->start_ns;
    if (!report->options->quiet) {
        if (line_is_open)
            fputs("\r\033[K", stderr);
        print_line(report, per_second(report->frames, elapsed_ns));
        line_is_open = 1;
        end_line();
    }
    if (!report->options->json)
        return 0;
    errno = 0;
    if (write_json(report, elapsed_ns) < 0) {
        report_error("cannot write the statistics to %s: %s", report->options->json,
                     errno ? strerror(errno) : "no more memory");
        return -1;
    }
    return 0;
}
