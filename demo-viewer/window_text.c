/* SPDX-License-Identifier: MIT */

/*
 * What the window says: title, overlay, the badge on a picture that is not live, short messages,
 * help.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "window.h"

#define TOAST_NS FR_S(2)

void window_toast(struct window *window, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(window->toast, sizeof window->toast, format, arguments);
    va_end(arguments);
    window->toast_until_ns = fr_now_ns() + TOAST_NS;
    window->is_dirty = 1;
}

static const char *format_name(const struct fr_frame *frame)
{
    const struct fr_format_info *info = fr_format_info(frame->format);
    return info ? info->name : "?";
}

static double ms(int64_t time_ns)
{
    return (double)time_ns / 1e6;
}

static long long seconds_since(int64_t time_ns)
{
    return (long long)((fr_now_ns() - time_ns) / FR_S(1));
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

static void print_brief(const struct window *window, FILE *to)
{
    const struct fr_frame *frame = window->frame;
    const struct latency shown = histogram_latency(&window->shown);
    fprintf(to, "%s", window->options->name);
    if (frame)
        fprintf(to, " %" PRIu32 "x%" PRIu32 " %s", frame->width, frame->height, format_name(frame));
    fprintf(to, "  %.1f new/s  %.1f drawn/s  lat %.1f ms (p99 %.1f)  lost %" PRIu64,
            window->state.per_second, rate_per_second(&window->drawn, fr_now_ns()),
            ms(shown.p50_ns), ms(shown.p99_ns), window->state.lost);
}

static void print_frame(const struct fr_frame *frame, FILE *to)
{
    fprintf(to, "\nframe %" PRIu64 " of session %016" PRIx64, frame->sequence, frame->session);
    if (frame->pts != FR_NO_PTS)
        fprintf(to, ", pts %" PRId64 " x %" PRId32 "/%" PRId32 " s", frame->pts,
                frame->time_base.num, frame->time_base.den);
    if (frame->source_number > 0)
        fprintf(to, ", source %" PRIu64 " (it lost %" PRIu64 ")", frame->source_number,
                frame->source_drops);
    fprintf(to, "\n%s, %s, primaries %d, transfer %d", matrix_name(frame),
            range_name(frame->color.range), frame->color.primaries, frame->color.transfer);
    if (frame->sample_aspect.num > 0)
        fprintf(to, ", pixels %" PRId32 ":%" PRId32, frame->sample_aspect.num,
                frame->sample_aspect.den);
    fprintf(to, "\n%" PRIu32 " planes, strides", frame->planes);
    for (uint32_t i = 0; i < frame->planes; i++)
        fprintf(to, " %td", frame->plane[i].stride);
}

static void print_latency(FILE *to, const char *what, const struct latency *latency)
{
    fprintf(to, "\n  %s %8.2f %8.2f %8.2f", what, ms(latency->p50_ns), ms(latency->p99_ns),
            ms(latency->max_ns));
}

static void print_full(const struct window *window, FILE *to)
{
    const struct feed_state *state = &window->state;
    const struct fr_info *info = &state->info;
    const struct latency shown = histogram_latency(&window->shown);
    if (window->frame)
        print_frame(window->frame, to);
    fprintf(to, "\nlatency in ms (median, 99 %%, most)");
    print_latency(to, "publish to viewer", &state->latency);
    print_latency(to, "capture to viewer", &state->capture_latency);
    print_latency(to, "capture to screen", &shown);
    fprintf(to,
            "\n%" PRIu64 " frames, skipped %" PRIu64 " (mine), overwritten %" PRIu64
            ", dropped %" PRIu64 ", sessions %" PRIu64,
            state->frames, state->loss.skipped, state->loss.overwritten, state->loss.dropped,
            state->sessions);
    if (window->options->verify)
        fprintf(to, ", torn %" PRIu64 ", out of order %" PRIu64, state->wrong.torn,
                state->wrong.out_of_order);
    if (info->slots > 0)
        fprintf(to,
                "\nring: %" PRIu32 " slots of %.1f MB, %" PRIu32 " writers, %" PRIu32
                " readers, %" PRIu64 " published, %s",
                info->slots, (double)info->slot_size / 1e6, info->writers, info->readers,
                info->published, info->delivery == FR_QUEUE ? "queue" : "broadcast");
    fprintf(to, "\nrenderer %s, vsync %s, upload %.2f ms", window->renderer_info.name,
            window->is_vsync ? "on" : "off", ms(window->upload_ns));
}

void window_overlay_text(const struct window *window, char *text, size_t size)
{
    text[0] = '\0';
    if (window->overlay == OVERLAY_OFF)
        return;
    FILE *to = fmemopen(text, size, "w");
    if (!to)
        return;
    print_brief(window, to);
    if (window->overlay == OVERLAY_FULL)
        print_full(window, to);
    fclose(to);
    text[size - 1] = '\0';
}

void window_badge_text(const struct window *window, char *text, size_t size)
{
    const struct feed_state *state = &window->state;
    const char *name = window->options->name;
    text[0] = '\0';
    if (state->signal == FEED_WAITING)
        snprintf(text, size, "waiting for %s... %lld s", name, seconds_since(state->since_ns));
    else if (state->signal == FEED_FAILED)
        snprintf(text, size, "cannot read %s: %s", name, state->message);
    else if (state->signal == FEED_GONE)
        snprintf(text, size, "no signal %lld s", seconds_since(state->since_ns));
    else if (window->is_paused)
        snprintf(text, size, "PAUSED  %" PRIu64 " frames passed", state->passed);
    else if (state->signal == FEED_STILL && window->overlay != OVERLAY_OFF)
        snprintf(text, size, "no change %lld s", seconds_since(state->since_ns));
}

const char *window_help_text(void)
{
    return "q  ESC        quit (ESC: leave fullscreen first)\n"
           "f  F11        fullscreen (or double-click)\n"
           "SPACE  p      pause\n"
           ".             next frame while paused\n"
           "i             overlay: off, brief, full\n"
           "s             screenshot as PNG, pixel for pixel\n"
           "1  2  0       1:1, double, fit to window\n"
           "w             window as large as the picture\n"
           "t             always on top\n"
           "v             wait for the screen (vsync)\n"
           "x             reset the statistics\n"
           "h  ?          this help";
}

static void print_title(const struct window *window, char *title, size_t size)
{
    const struct fr_frame *frame = window->frame;
    const struct feed_state *state = &window->state;
    char prefix[48] = "";
    if (state->signal == FEED_GONE)
        snprintf(prefix, sizeof prefix, "[no signal %lld s] ", seconds_since(state->since_ns));
    else if (window->is_paused)
        snprintf(prefix, sizeof prefix, "[paused] ");
    else if (!frame)
        snprintf(prefix, sizeof prefix, "[waiting] ");
    if (frame)
        snprintf(title, size, "%s%s - %" PRIu32 "x%" PRIu32 " %s @ %.1f - framering viewer", prefix,
                 window->options->name, frame->width, frame->height, format_name(frame),
                 state->per_second);
    else
        snprintf(title, size, "%s%s - framering viewer", prefix, window->options->name);
}

void window_update_title(struct window *window)
{
    char title[sizeof window->title];
    print_title(window, title, sizeof title);
    if (strcmp(title, window->title) == 0)
        return;
    memcpy(window->title, title, sizeof title);
    SDL_SetWindowTitle(window->window, title);
}
