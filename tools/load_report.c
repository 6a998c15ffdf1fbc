/* SPDX-License-Identifier: MIT */

/* See load_report.h. */

#define _GNU_SOURCE

#include "load_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "command.h"

/* The sums over all writers or all readers. */
struct sums {
    uint64_t frames;
    uint64_t bytes;
    uint64_t resizes;
    uint64_t full;
    uint64_t late;
    struct fr_loss loss;
    uint64_t torn;
    uint64_t disordered;
    uint64_t unexplained;
    uint64_t kills;
    double interval_sum_ns;
    double interval_square_sum;
};

static uint64_t get(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

static uint64_t loss_of(const struct fr_loss *loss)
{
    return loss->skipped + loss->overwritten + loss->dropped;
}

/* Who is killed does not tell what it had missed, and several writers' losses cannot be told apart. */
static int can_explain(const struct load_opts *opts)
{
    return opts->writers == 1 && opts->kill_writer == 0 && opts->kill_reader == 0;
}

static void add_worker(struct sums *sums, const struct load_counts *counts, int explains)
{
    const struct fr_loss loss = { .skipped = get(&counts->skipped),
                                  .overwritten = get(&counts->overwritten),
                                  .dropped = get(&counts->dropped) };
    uint64_t unseen = get(&counts->unseen);
    sums->frames += get(&counts->frames);
    sums->bytes += get(&counts->bytes);
    sums->resizes += get(&counts->resizes);
    sums->full += get(&counts->full);
    sums->late += get(&counts->late);
    sums->loss.skipped += loss.skipped;
    sums->loss.overwritten += loss.overwritten;
    sums->loss.dropped += loss.dropped;
    sums->torn += get(&counts->torn);
    sums->disordered += get(&counts->disordered);
    sums->unexplained += explains && unseen > loss_of(&loss) ? unseen - loss_of(&loss) : 0;
    sums->kills += get(&counts->kills);
    sums->interval_sum_ns += counts->interval_sum_ns;
    sums->interval_square_sum += counts->interval_square_sum;
}

static struct sums sum_up(const struct load *load, uint32_t first, uint32_t count)
{
    struct sums sums = { 0 };
    for (uint32_t i = first; i < first + count; i++)
        add_worker(&sums, &load->counts[i], can_explain(&load->opts));
    return sums;
}

static struct sums sum_writers(const struct load *load)
{
    return sum_up(load, 0, load->opts.writers);
}

static struct sums sum_readers(const struct load *load)
{
    return sum_up(load, load->opts.writers, load->opts.readers);
}

static double per_second(uint64_t count, int64_t elapsed_ns)
{
    return elapsed_ns > 0 ? (double)count * 1e9 / (double)elapsed_ns : 0;
}

void load_report_tick(const struct load *load, void *user)
{
    struct load_line *line = user;
    int64_t now_ns = fr_now_ns();
    if (line->last_ns == 0)
        line->last_ns = load->start_ns;
    if (now_ns - line->last_ns < FR_S(1))
        return;
    struct sums writers = sum_writers(load);
    struct sums readers = sum_readers(load);
    int64_t elapsed_ns = now_ns - line->last_ns;
    int is_terminal = isatty(STDERR_FILENO);
    fprintf(stderr,
            "%s%s: written %.1f fps, %.1f MB/s, read %.1f fps, lost %" PRIu64 ", torn %" PRIu64
            ", killed %" PRIu64 "%s",
            is_terminal ? "\r\033[K" : "", load->opts.outlet.name,
            per_second(writers.frames - line->written, elapsed_ns),
            per_second(writers.bytes - line->bytes, elapsed_ns) / 1e6,
            per_second(readers.frames - line->read, elapsed_ns), loss_of(&readers.loss),
            readers.torn, writers.kills + readers.kills, is_terminal ? "" : "\n");
    fflush(stderr);
    *line = (struct load_line){ .last_ns = now_ns,
                                .written = writers.frames,
                                .bytes = writers.bytes,
                                .read = readers.frames,
                                .is_open = is_terminal };
}

/* The times of all writers or readers together. */
static void merge(const struct load *load, uint32_t first, uint32_t count, struct histogram *out)
{
    histogram_reset(out);
    for (uint32_t i = first; i < first + count; i++) {
        const struct histogram *times = &load->counts[i].times;
        out->count += times->count;
        out->max_ns = times->max_ns > out->max_ns ? times->max_ns : out->max_ns;
        for (size_t k = 0; k < HISTOGRAM_BUCKETS; k++)
            out->bucket[k] += times->bucket[k];
    }
}

/* The standard deviation of the intervals between publications. */
static double jitter_ns(const struct sums *writers, uint64_t count, double *mean_ns)
{
    *mean_ns = count > 0 ? writers->interval_sum_ns / (double)count : 0;
    double square = count > 0 ? writers->interval_square_sum / (double)count : 0;
    double variance = square - *mean_ns * *mean_ns;
    return variance > 0 ? sqrt(variance) : 0;
}

struct report {
    const struct load *load;
    struct sums writers;
    struct sums readers;
    struct histogram intervals;
    struct histogram latency;
    double mean_ns;
    double jitter_ns;
    int64_t elapsed_ns;
};

static void print_text(const struct report *report)
{
    const struct load_opts *opts = &report->load->opts;
    const struct sums *writers = &report->writers;
    const struct sums *readers = &report->readers;
    struct latency interval = histogram_latency(&report->intervals);
    struct latency latency = histogram_latency(&report->latency);
    printf("stream    %s, %" PRIu32 "x%" PRIu32 " %s, policy %s\n", opts->outlet.name, opts->width,
           opts->height, fr_format_info(opts->format)->name,
           outlet_policy_name(opts->outlet.policy));
    printf("written   %" PRIu64 " frames by %" PRIu32
           " writers in %.2f s: %.1f fps, %.1f MB/s; %" PRIu64 " without a slot, %" PRIu64
           " too late\n",
           writers->frames, opts->writers, (double)report->elapsed_ns / 1e9,
           per_second(writers->frames, report->elapsed_ns),
           per_second(writers->bytes, report->elapsed_ns) / 1e6, writers->full, writers->late);
    printf("interval  mean %.3f ms, jitter %.3f ms, p50 %.3f, p99 %.3f, max %.3f ms\n",
           report->mean_ns / 1e6, report->jitter_ns / 1e6, (double)interval.p50_ns / 1e6,
           (double)interval.p99_ns / 1e6, (double)interval.max_ns / 1e6);
    printf("read      %" PRIu64 " frames by %" PRIu32 " readers: %.1f fps\n", readers->frames,
           opts->readers, per_second(readers->frames, report->elapsed_ns));
    printf("latency   p50 %.1f us, p99 %.1f, p99.9 %.1f, max %.1f us\n",
           (double)latency.p50_ns / 1e3, (double)latency.p99_ns / 1e3,
           (double)histogram_percentile(&report->latency, 0.999) / 1e3,
           (double)latency.max_ns / 1e3);
    printf("lost      %" PRIu64 " skipped, %" PRIu64 " overwritten, %" PRIu64 " dropped\n",
           readers->loss.skipped, readers->loss.overwritten, readers->loss.dropped);
    if (opts->must_verify)
        printf("verified  %" PRIu64 " torn, %" PRIu64 " out of order, %" PRIu64
               " missing without a reason\n",
               readers->torn, readers->disordered, readers->unexplained);
    if (opts->resize_ns > 0)
        printf("resized   %" PRIu64 " times as written, %" PRIu64 " as read\n", writers->resizes,
               readers->resizes);
    if (writers->kills + readers->kills > 0)
        printf("killed    %" PRIu64 " writers, %" PRIu64 " readers\n", writers->kills,
               readers->kills);
}

static json_t *pack_times(const struct histogram *times)
{
    struct latency latency = histogram_latency(times);
    return json_pack("{s:I, s:I, s:I, s:I, s:I}", "count", (json_int_t)times->count, "p50_ns",
                     (json_int_t)latency.p50_ns, "p99_ns", (json_int_t)latency.p99_ns, "p999_ns",
                     (json_int_t)histogram_percentile(times, 0.999), "max_ns",
                     (json_int_t)latency.max_ns);
}

static json_t *pack_writers(const struct report *report)
{
    const struct sums *writers = &report->writers;
    return json_pack("{s:I, s:I, s:f, s:f, s:I, s:I, s:I, s:I, s:f, s:f, s:o}", "count",
                     (json_int_t)report->load->opts.writers, "frames", (json_int_t)writers->frames,
                     "fps", per_second(writers->frames, report->elapsed_ns), "bytes_per_second",
                     per_second(writers->bytes, report->elapsed_ns), "resizes",
                     (json_int_t)writers->resizes, "full", (json_int_t)writers->full, "late",
                     (json_int_t)writers->late, "killed", (json_int_t)writers->kills,
                     "interval_mean_ns", report->mean_ns, "jitter_ns", report->jitter_ns,
                     "interval", pack_times(&report->intervals));
}

static json_t *pack_readers(const struct report *report)
{
    const struct sums *readers = &report->readers;
    return json_pack("{s:I, s:I, s:f, s:I, s:I, s:{s:I, s:I, s:I}, s:o}", "count",
                     (json_int_t)report->load->opts.readers, "frames", (json_int_t)readers->frames,
                     "fps", per_second(readers->frames, report->elapsed_ns), "resizes",
                     (json_int_t)readers->resizes, "killed", (json_int_t)readers->kills, "lost",
                     "skipped", (json_int_t)readers->loss.skipped, "overwritten",
                     (json_int_t)readers->loss.overwritten, "dropped",
                     (json_int_t)readers->loss.dropped, "latency", pack_times(&report->latency));
}

static int print_json(const struct report *report)
{
    const struct load_opts *opts = &report->load->opts;
    const struct sums *readers = &report->readers;
    return command_json(
        json_pack("{s:s, s:I, s:I, s:s, s:[i,i], s:s, s:f, s:o, s:o, s:b, s:I, s:I, s:I}", "name",
                  opts->outlet.name, "width", (json_int_t)opts->width, "height",
                  (json_int_t)opts->height, "format", fr_format_info(opts->format)->name, "rate",
                  (int)opts->rate.num, (int)opts->rate.den, "policy",
                  outlet_policy_name(opts->outlet.policy), "seconds",
                  (double)report->elapsed_ns / 1e9, "writers", pack_writers(report), "readers",
                  pack_readers(report), "verified", opts->must_verify, "torn",
                  (json_int_t)readers->torn, "out_of_order", (json_int_t)readers->disordered,
                  "unexplained", (json_int_t)readers->unexplained));
}

int load_report(const struct load *load, struct load_line *line, int as_json)
{
    struct report *report = calloc(1, sizeof *report);
    if (!report) {
        command_error("out of memory");
        return -1;
    }
    report->load = load;
    report->writers = sum_writers(load);
    report->readers = sum_readers(load);
    report->elapsed_ns = load->end_ns - load->start_ns;
    merge(load, 0, load->opts.writers, &report->intervals);
    merge(load, load->opts.writers, load->opts.readers, &report->latency);
    report->jitter_ns = jitter_ns(&report->writers, report->intervals.count, &report->mean_ns);
    if (line->is_open)
        fputs("\r\033[K", stderr);
    int result = 0;
    if (as_json)
        result = print_json(report);
    else
        print_text(report);
    free(report);
    return result == 0 && command_flush() == COMMAND_OK ? 0 : -1;
}

uint64_t load_report_wrong(const struct load *load)
{
    struct sums readers = sum_readers(load);
    return readers.torn + readers.disordered + readers.unexplained;
}
