/* SPDX-License-Identifier: MIT */

/*
 * What the window says: title, the badge on a picture that is not live, the names in a grid, short
 * messages, help.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "names.h"
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

const char *window_format_name(const struct fr_frame *frame)
{
    const struct fr_format_info *info = fr_format_info(frame->format);
    return info ? info->name : "?";
}

static long long seconds_since(int64_t time_ns)
{
    return (long long)((fr_now_ns() - time_ns) / FR_S(1));
}

/* Whoever waits for a stream may have mistyped its name: the others are shown too. */
static void print_waiting(const struct view *view, char *text, size_t size)
{
    struct names names;
    char others[256];
    names_read(&names);
    names_text(&names, others, sizeof others);
    names_free(&names);
    snprintf(text, size, "waiting for %s... %lld s%s%s", view->tally->name,
             seconds_since(view->state.since_ns), others[0] ? "\nthere are: " : "", others);
}

void window_badge_text(const struct window *window, const struct view *view, char *text,
                       size_t size)
{
    const struct feed_state *state = &view->state;
    text[0] = '\0';
    if (state->signal == FEED_WAITING)
        print_waiting(view, text, size);
    else if (state->signal == FEED_FAILED)
        snprintf(text, size, "cannot read %s: %s", view->tally->name, state->message);
    else if (state->signal == FEED_GONE)
        snprintf(text, size, "no signal %lld s", seconds_since(state->since_ns));
    else if (state->signal == FEED_ENDED)
        snprintf(text, size, "ended");
    else if (view->is_paused)
        snprintf(text, size, "PAUSED  %" PRIu64 " frames passed", state->passed);
    else if (state->signal == FEED_STILL && window->overlay != OVERLAY_OFF)
        snprintf(text, size, "no change %lld s", seconds_since(state->since_ns));
}

const char *window_help_text(void)
{
    return "q  ESC        quit (ESC: first back to the grid, out of fullscreen)\n"
           "f  F11        fullscreen (or double-click)\n"
           "SPACE  p      pause\n"
           ".             next frame while paused\n"
           "i  I          overlay: off, brief, full; I keeps it\n"
           "g             graph of latency and frame interval\n"
           "d             mark what has changed\n"
           "s  S          screenshot as PNG: the frame, the window\n"
           "1  2  0       1:1, double, fit to window\n"
           "+  -  arrows  zoom (or wheel) and move (or drag)\n"
           "w             window as large as the picture\n"
           "a  r          keep the picture's shape or not; rotate\n"
           "m             mouse cursor of the stream on, off\n"
           "c             colours: auto, BT.601, BT.709, full range\n"
           "l             newest frame only, or every frame\n"
           "n  N          next, previous stream\n"
           "RETURN  TAB   grid or one view (or click); next view\n"
           "t  v          always on top; wait for the screen (vsync)\n"
           "x  R          reset the statistics; connect again\n"
           "h  ?          this help";
}

static void print_state(const struct view *view, char *text, size_t size)
{
    const struct feed_state *state = &view->state;
    text[0] = '\0';
    if (state->signal == FEED_GONE)
        snprintf(text, size, "[no signal %lld s] ", seconds_since(state->since_ns));
    else if (view->is_paused)
        snprintf(text, size, "[paused] ");
    else if (!view->frame)
        snprintf(text, size, "[waiting] ");
}

/* For the strip over a view, and the title. */
static void print_view(const struct view *view, char *text, size_t size)
{
    const struct fr_frame *frame = view->frame;
    char state[48];
    print_state(view, state, sizeof state);
    if (frame)
        snprintf(text, size, "%s%s - %" PRIu32 "x%" PRIu32 " %s @ %.1f", state, view->tally->name,
                 frame->width, frame->height, window_format_name(frame), view->rate);
    else
        snprintf(text, size, "%s%s", state, view->tally->name);
}

void window_strip_text(const struct view *view, char *text, size_t size)
{
    print_view(view, text, size);
}

static void print_names(const struct window *window, char *title, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < window->count && used < size; i++) {
        int printed = snprintf(title + used, size - used, "%s%s", i > 0 ? ", " : "",
                               window->views[i].tally->name);
        used += printed > 0 ? (size_t)printed : 0;
    }
}

void window_update_title(struct window *window)
{
    char subject[160];
    char title[sizeof window->title];
    if (window->is_grid)
        print_names(window, subject, sizeof subject);
    else
        print_view(window_view(window), subject, sizeof subject);
    snprintf(title, sizeof title, "%s - framering viewer", subject);
    if (strcmp(title, window->title) == 0)
        return;
    memcpy(window->title, title, sizeof title);
    SDL_SetWindowTitle(window->window, title);
}
