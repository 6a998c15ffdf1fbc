/* SPDX-License-Identifier: MIT */

/*
 * The overlay: a line, or all that is known of a stream, its frames and its ring.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "overlay.h"
#include "window.h"

#define FRESH_NS FR_MS(250)
#define WARN_SHARE 0.01
#define ALARM_SHARE 0.05

static double ms(int64_t time_ns)
{
    return (double)time_ns / 1e6;
}

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

static const char *range_name(uint8_t range)
{
    return range == 1 ? "limited" : range == 2 ? "full" : "range ?";
}

static const char *matrix_name(const struct fr_frame *frame)
{
    switch (frame->color.matrix) {
    case 0:
        return "RGB";
    case 1:
        return "BT.709";
    case 5:
    case 6:
        return "BT.601";
    case 9:
    case 10:
        return "BT.2020";
    default:
        return "matrix ?";
    }
}

static const char *signal_name(enum feed_signal signal)
{
    static const char *const names[] = {
        [FEED_WAITING] = "waiting", [FEED_LIVE] = "live",     [FEED_STILL] = "no change",
        [FEED_GONE] = "no signal",  [FEED_FAILED] = "failed", [FEED_ENDED] = "ended",
    };
    return names[signal];
}

static const char *overflow_name(enum fr_overflow overflow)
{
    static const char *const names[] = {
        [FR_BLOCK] = "block",
        [FR_DROP_OLDEST] = "drop oldest",
        [FR_DROP_NEWEST] = "drop newest",
    };
    return overflow <= FR_DROP_NEWEST ? names[overflow] : "?";
}

/* A number in yellow or red if it is more than a small share of what came. */
static void print_loss(FILE *to, const char *what, uint64_t lost, uint64_t frames)
{
    double share = lost > 0 ? (double)lost / (double)(lost + frames) : 0;
    const char *color = share > ALARM_SHARE  ? OVERLAY_ALARM
                        : share > WARN_SHARE ? OVERLAY_WARN
                                             : OVERLAY_NORMAL;
    fprintf(to, "%s%s %" PRIu64 OVERLAY_NORMAL, color, what, lost);
}

static void print_brief(const struct view *view, const struct feed_figures *figures, FILE *to)
{
    const struct fr_frame *frame = view->frame;
    const struct latency shown = histogram_latency(&view->tally->shown);
    fprintf(to, "%s", view->tally->name);
    if (frame)
        fprintf(to, " %" PRIu32 "x%" PRIu32 " %s", frame->width, frame->height,
                window_format_name(frame));
    fprintf(to, "  %.1f new/s  %.1f drawn/s  lat %.1f ms (p99 %.1f)  ", view->state.per_second,
            rate_per_second(&view->drawn, fr_now_ns()), ms(shown.p50_ns), ms(shown.p99_ns));
    print_loss(to, "lost", figures->lost, figures->frames);
}

static void print_session(const struct view *view, const struct feed_figures *figures, FILE *to)
{
    const struct stream_look *look = &figures->look;
    int64_t up_ns = fr_now_ns() - look->info.created_ns;
    fprintf(to, "\n%s, %s; session %" PRIu64 " (%016" PRIx64 ")", signal_name(view->state.signal),
            view->state.every ? "every frame" : "newest frame", view->state.sessions,
            look->info.session);
    if (look->process > 0)
        fprintf(to, " of %.16s, process %" PRIu32, look->program, look->process);
    if (look->info.created_ns > 0)
        fprintf(to, ", up %" PRId64 ":%02" PRId64 ":%02" PRId64, up_ns / FR_S(3600),
                up_ns / FR_S(60) % 60, up_ns / FR_S(1) % 60);
}

static void print_format(const struct view *view, FILE *to)
{
    const struct fr_frame *frame = view->frame;
    uint32_t code = (uint32_t)frame->format;
    fprintf(to, "\n%c%c%c%c, %" PRIu32 " plane%s, stride%s", (int)(code & 127),
            (int)(code >> 8 & 127), (int)(code >> 16 & 127), (int)(code >> 24 & 127), frame->planes,
            plural(frame->planes), plural(frame->planes));
    for (uint32_t i = 0; i < frame->planes; i++)
        fprintf(to, " %td", frame->plane[i].stride);
    fprintf(to, "; %s, %s, primaries %d, transfer %d", matrix_name(frame),
            range_name(frame->color.range), frame->color.primaries, frame->color.transfer);
    if (frame->sample_aspect.num > 0)
        fprintf(to, "; pixels %" PRId32 ":%" PRId32, frame->sample_aspect.num,
                frame->sample_aspect.den);
    if (view->layout.turns > 0)
        fprintf(to, "; turned by %d", view->layout.turns * 90);
}

static void print_frame(const struct view *view, FILE *to)
{
    const struct fr_frame *frame = view->frame;
    fprintf(to, "\nframe %" PRIu64, frame->sequence);
    if (frame->pts != FR_NO_PTS)
        fprintf(to, ", pts %" PRId64 " x %" PRId32 "/%" PRId32 " s", frame->pts,
                frame->time_base.num, frame->time_base.den);
    if (frame->source_number > 0)
        fprintf(to, ", source %" PRIu64 " (it lost %" PRIu64 ")", frame->source_number,
                frame->source_drops);
    fprintf(to, ", %.1f ms old", ms(fr_now_ns() - frame->capture_ns));
}

static void print_stage(FILE *to, const char *what, int64_t least_ns, const struct latency *latency)
{
    fprintf(to, "\n  %-18s%9.2f%9.2f%9.2f%9.2f", what, ms(least_ns), ms(latency->p50_ns),
            ms(latency->p99_ns), ms(latency->max_ns));
}

static void print_histogram(FILE *to, const char *what, const struct histogram *histogram)
{
    const struct latency latency = histogram_latency(histogram);
    print_stage(to, what, histogram_percentile(histogram, 0), &latency);
}

static void print_stages(const struct view *view, const struct feed_figures *figures, FILE *to)
{
    fprintf(to, "\nlatency in ms          least   median     99 %%     most");
    print_stage(to, "capture to publish", figures->made.least_ns, &figures->made.latency);
    print_stage(to, "publish to viewer", figures->held.least_ns, &figures->held.latency);
    print_histogram(to, "viewer to picture", &view->tally->drawn);
    print_histogram(to, "picture to screen", &view->tally->given);
    print_histogram(to, "capture to screen", &view->tally->shown);
    fprintf(to, "\ninterval %.2f ms +- %.2f", figures->interval_ns / 1e6,
            figures->deviation_ns / 1e6);
}

static void print_losses(const struct window *window, const struct feed_figures *figures, FILE *to)
{
    fprintf(to, "\n%" PRIu64 " frame%s; ", figures->frames, plural(figures->frames));
    print_loss(to, "skipped by me", figures->loss.skipped, figures->frames);
    fputs(", ", to);
    print_loss(to, "overwritten", figures->loss.overwritten, figures->frames);
    fputs(", ", to);
    print_loss(to, "dropped by writers", figures->loss.dropped, figures->frames);
    if (!window->options->verify)
        return;
    fputs("\nchecks: ", to);
    print_loss(to, "torn", figures->wrong.torn, 0);
    fputs(", ", to);
    print_loss(to, "out of order", figures->wrong.out_of_order, 0);
}

static void print_ring(const struct feed_figures *figures, FILE *to)
{
    const struct fr_info *info = &figures->look.info;
    if (info->slots == 0)
        return;
    fprintf(to,
            "\nring: %" PRIu32 " slots of %.1f MB, %" PRIu32 " held by members, %" PRIu32
            " by observers\n%" PRIu32 " writer%s, %" PRIu32 " reader%s; %s, %s; %" PRIu64
            " published",
            info->slots, (double)info->slot_size / 1e6, figures->look.held, info->observed,
            info->writers, plural(info->writers), info->readers, plural(info->readers),
            info->delivery == FR_QUEUE ? "queue" : "broadcast", overflow_name(info->overflow),
            info->published);
}

static double frame_bytes(const struct fr_frame *frame)
{
    double bytes = 0;
    for (uint32_t i = 0; i < frame->planes; i++)
        bytes += (double)frame->plane[i].rows * frame->plane[i].row_bytes;
    return bytes;
}

static void print_work(const struct window *window, const struct view *view, FILE *to)
{
    fprintf(to, "\n%.1f MB/s, ready in %.2f ms, changed %.0f %%; %s, vsync %s",
            frame_bytes(view->frame) * view->state.per_second / 1e6, ms(view->load_ns),
            100 * view->damage_share, canvas_kind(&window->canvas),
            window->is_vsync ? "on" : "off");
}

static void print_full(const struct window *window, const struct view *view,
                       const struct feed_figures *figures, FILE *to)
{
    print_session(view, figures, to);
    if (view->frame) {
        print_format(view, to);
        print_frame(view, to);
    }
    print_stages(view, figures, to);
    print_losses(window, figures, to);
    print_ring(figures, to);
    if (view->frame)
        print_work(window, view, to);
}

static void print_overlay(const struct window *window, struct view *view)
{
    struct feed_figures figures;
    size_t size = sizeof view->overlay_text;
    FILE *to = fmemopen(view->overlay_text, size, "w");
    if (!to)
        return;
    feed_figures(view->feed, &figures);
    print_brief(view, &figures, to);
    if (window->overlay == OVERLAY_FULL)
        print_full(window, view, &figures, to);
    fclose(to);
    view->overlay_text[size - 1] = '\0';
}

const char *window_overlay_text(const struct window *window, struct view *view)
{
    if (window->overlay == OVERLAY_OFF)
        return "";
    if (fr_now_ns() - view->overlay_ns >= FRESH_NS || view->is_paused) {
        print_overlay(window, view);
        view->overlay_ns = fr_now_ns();
    }
    return view->overlay_text;
}
