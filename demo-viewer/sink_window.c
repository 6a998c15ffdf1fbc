/* SPDX-License-Identifier: MIT */

/*
 * The sink that is a window (SDL2). The loop sleeps until SDL has an event: of the user, of the
 * screen, or of the feed (feed.h), which reads frames in a thread of its own. It draws when there is
 * something new to see, and once a second while a text counts seconds.
 *
 * The window draws in software, which is faster than a software OpenGL and looks the same
 * everywhere; SDL_RENDER_DRIVER=opengl in the environment chooses the graphics card.
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "window.h"

#define FIRST_WIDTH 960 /* while nothing is known of the picture */
#define FIRST_HEIGHT 540
#define TICK_NS FR_S(1)

static void notify(void *user)
{
    struct window *window = user;
    if (!SDL_AtomicCAS(&window->is_waking, 0, 1))
        return;
    SDL_Event event = { .type = window->wake_event };
    if (SDL_PushEvent(&event) != 1)
        SDL_AtomicSet(&window->is_waking, 0);
}

static enum status no_display(void)
{
    report_error("no display (set DISPLAY, or use --headless)");
    return STATUS_FAILED;
}

/* SDL falls back to drivers that show nothing to anybody; those have to be asked for by name. */
static int has_display(void)
{
    return getenv("DISPLAY") || getenv("WAYLAND_DISPLAY") || getenv("SDL_VIDEODRIVER");
}

static int is_invisible(void)
{
    const char *driver = SDL_GetCurrentVideoDriver();
    if (!driver || getenv("SDL_VIDEODRIVER"))
        return !driver;
    return strcmp(driver, "offscreen") == 0 || strcmp(driver, "dummy") == 0 ||
           strcmp(driver, "evdev") == 0;
}

/* Presenting through a software OpenGL would cost ten times as much as plain X (measured). */
static int start_sdl(void)
{
    if (!SDL_GetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION) &&
        !getenv(SDL_HINT_FRAMEBUFFER_ACCELERATION))
        SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    return SDL_Init(SDL_INIT_VIDEO);
}

static int open_window(struct window *window)
{
    const struct options *options = window->options;
    int width = options->width ? (int)options->width : FIRST_WIDTH;
    int height = options->height ? (int)options->height : FIRST_HEIGHT;
    uint32_t flags = SDL_WINDOW_RESIZABLE;
    if (options->fullscreen)
        flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
    window->window = SDL_CreateWindow("framering viewer", SDL_WINDOWPOS_UNDEFINED,
                                      SDL_WINDOWPOS_UNDEFINED, width, height, flags);
    if (!window->window)
        return -1;
    uint32_t kind = getenv("SDL_RENDER_DRIVER") ? 0 : SDL_RENDERER_SOFTWARE;
    window->renderer = SDL_CreateRenderer(window->window, -1, kind);
    if (!window->renderer)
        return -1;
    SDL_GetRendererInfo(window->renderer, &window->renderer_info);
    window->is_fullscreen = options->fullscreen;
    SDL_ShowCursor(options->fullscreen ? SDL_DISABLE : SDL_ENABLE);
    return 0;
}

static enum status window_open(void *self, const struct options *options)
{
    struct window *window = self;
    window->options = options;
    if (!has_display() || start_sdl() < 0 || is_invisible())
        return no_display();
    window->wake_event = SDL_RegisterEvents(1);
    if (open_window(window) < 0) {
        report_error("cannot open a window: %s; --headless needs none", SDL_GetError());
        return STATUS_FAILED;
    }
    if (convert_create(CONVERT_FAST, &window->convert) < 0) {
        report_error("out of memory");
        return STATUS_FAILED;
    }
    return STATUS_FINE;
}

static void handle_window_event(struct window *window, const SDL_WindowEvent *event)
{
    if (event->event == SDL_WINDOWEVENT_EXPOSED || event->event == SDL_WINDOWEVENT_SIZE_CHANGED)
        window->is_dirty = 1;
}

static void handle_event(struct window *window, const SDL_Event *event)
{
    if (event->type == SDL_QUIT)
        window->is_over = 1;
    else if (event->type == SDL_WINDOWEVENT)
        handle_window_event(window, &event->window);
    else if (event->type == SDL_KEYDOWN && !event->key.repeat)
        window_key(window, event->key.keysym.sym);
    else if (event->type == SDL_MOUSEBUTTONDOWN && event->button.clicks == 2 &&
             event->button.button == SDL_BUTTON_LEFT)
        window_toggle_fullscreen(window);
    else if (event->type == SDL_RENDER_TARGETS_RESET || event->type == SDL_RENDER_DEVICE_RESET)
        window->is_dirty = 1;
}

/* True while something on the screen changes with time alone. */
static int is_ticking(const struct window *window)
{
    enum feed_signal signal = window->state.signal;
    return window->overlay != OVERLAY_OFF || window->is_paused || window->toast[0] != '\0' ||
           signal == FEED_WAITING || signal == FEED_GONE;
}

/* Milliseconds until the next tick, -1 if there is none. */
static int next_tick(const struct window *window)
{
    if (!is_ticking(window))
        return -1;
    int64_t until_ns = window->drawn_ns + TICK_NS;
    if (window->toast[0] != '\0' && window->toast_until_ns < until_ns)
        until_ns = window->toast_until_ns;
    int64_t left_ns = until_ns - fr_now_ns();
    return left_ns > 0 ? (int)(left_ns / FR_MS(1)) + 1 : 0;
}

static void wait_for_events(struct window *window)
{
    SDL_Event event;
    int timeout = next_tick(window);
    /* A timeout of 0 would not sleep, and the X server would not be listened to. */
    int has_event = timeout < 0 ? SDL_WaitEvent(&event) : SDL_WaitEventTimeout(&event, timeout);
    if (!has_event)
        window->is_dirty = 1;
    for (; has_event; has_event = SDL_PollEvent(&event))
        handle_event(window, &event);
    if (window->toast[0] != '\0' && fr_now_ns() >= window->toast_until_ns) {
        window->toast[0] = '\0';
        window->is_dirty = 1;
    }
}

/* The frame that was shown before is given back first: a viewer should hold one slot, not two. */
static void take_frame(struct window *window)
{
    /* Before taking, so that a frame which comes right after that wakes the loop again. */
    SDL_AtomicSet(&window->is_waking, 0);
    const struct fr_frame *frame = feed_take(window->feed);
    if (!frame)
        return;
    if (window->is_paused && !window->is_stepping) {
        fr_frame_release(&frame);
        return;
    }
    window->is_stepping = 0;
    int is_first = window->shown_session == 0;
    int is_another = !is_first && window->shown_session != frame->session;
    fr_frame_release(&window->frame);
    window->frame = frame;
    window->shown_session = frame->session;
    if (is_first && window->options->width == 0)
        window_fit_to_picture(window);
    if (is_another)
        window_toast(window, "connected again");
    window_upload(window);
    rate_add(&window->drawn, fr_now_ns());
    window->is_dirty = 1;
}

static void look_at_feed(struct window *window)
{
    enum feed_signal before = window->state.signal;
    feed_state(window->feed, &window->state);
    if (window->state.signal != before)
        window->is_dirty = 1;
    if (window->state.signal == FEED_ENDED) {
        window->status = window->state.status;
        window->is_over = 1;
    }
    if (*window->stop)
        window->is_over = 1;
}

static void refresh(struct window *window)
{
    uint64_t before = window->frame ? window->frame->sequence : 0;
    take_frame(window);
    look_at_feed(window);
    if (!window->is_dirty)
        return;
    window->is_dirty = 0;
    window_draw(window);
    if (window->frame && window->frame->sequence != before && window->state.frames > 1)
        histogram_add(&window->shown, window->drawn_ns - window->frame->capture_ns);
    if (window->drawn_ns - window->title_ns >= TICK_NS || window->title[0] == '\0') {
        window->title_ns = window->drawn_ns;
        window_update_title(window);
    }
}

static enum status window_show(void *self, const volatile sig_atomic_t *stop, struct tally *tally)
{
    struct window *window = self;
    const struct options *options = window->options;
    window->stop = stop;
    if (feed_start(options, stop, tally, notify, window, &window->feed) < 0) {
        report_error("cannot start a thread");
        return STATUS_FAILED;
    }
    window->is_dirty = 1;
    refresh(window);
    while (!window->is_over) {
        wait_for_events(window);
        refresh(window);
    }
    feed_stop(&window->feed);
    if (window->status == STATUS_NO_STREAM)
        report_error(
            "there is no stream '%s'; start demo-capture -o %s, or wait longer with --wait",
            options->name, options->name);
    else if (window->status == STATUS_FAILED)
        report_error("cannot open the stream '%s': %s", options->name, window->state.message);
    else if (report_screenshot(options, window->frame) < 0)
        window->status = STATUS_FAILED;
    return window->status;
}

static void window_close(void *self)
{
    struct window *window = self;
    fr_frame_release(&window->frame);
    convert_destroy(&window->convert);
    window_forget_textures(window);
    if (window->renderer)
        SDL_DestroyRenderer(window->renderer);
    if (window->window)
        SDL_DestroyWindow(window->window);
    SDL_Quit();
}

const struct sink sink_window = {
    .name = "window",
    .help = "A window shows the newest frame and waits when there is none; h in it\n"
            "lists its keys. It draws in software; SDL_RENDER_DRIVER=opengl in the\n"
            "environment chooses the graphics card.\n",
    .private_size = sizeof(struct window),
    .open = window_open,
    .show = window_show,
    .close = window_close,
};
