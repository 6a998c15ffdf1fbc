/* SPDX-License-Identifier: MIT */

/*
 * The sink that is a window (SDL2), of one stream or a grid of several. The loop sleeps until SDL has
 * an event: of the user, of the screen, or of the feeds (feed.h), which read frames in threads of
 * their own. It draws when there is something new to see, and once a second while a text counts
 * seconds.
 *
 * The window draws in software, which is faster than a software OpenGL and looks the same
 * everywhere; SDL_RENDER_DRIVER=opengl in the environment chooses the graphics card.
 */

#define _GNU_SOURCE

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "window.h"

#define FIRST_WIDTH 960 /* while nothing is known of the picture */
#define FIRST_HEIGHT 540
#define GRID_WIDTH 1280 /* of a window with several streams */
#define GRID_HEIGHT 720
#define TICK_NS FR_S(1)
#define FLASH_NS FR_MS(250)

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
    int width = window->is_grid ? GRID_WIDTH : FIRST_WIDTH;
    int height = window->is_grid ? GRID_HEIGHT : FIRST_HEIGHT;
    if (options->width > 0) {
        width = (int)options->width;
        height = (int)options->height;
    }
    uint32_t flags = SDL_WINDOW_RESIZABLE;
    if (options->fullscreen)
        flags |= SDL_WINDOW_FULLSCREEN_DESKTOP;
    window->window = SDL_CreateWindow("framering viewer", SDL_WINDOWPOS_UNDEFINED,
                                      SDL_WINDOWPOS_UNDEFINED, width, height, flags);
    if (!window->window || canvas_open(&window->canvas, window->window) < 0)
        return -1;
    window->is_fullscreen = options->fullscreen;
    window->is_vsync = options->vsync && canvas_set_vsync(&window->canvas, 1) == 0;
    SDL_ShowCursor(options->fullscreen && !window->is_grid ? SDL_DISABLE : SDL_ENABLE);
    return 0;
}

static enum status window_open(void *self, const struct options *options)
{
    struct window *window = self;
    window->options = options;
    window->is_grid = options->count > 1;
    if (!has_display() || start_sdl() < 0 || is_invisible())
        return no_display();
    window->wake_event = SDL_RegisterEvents(1);
    if (open_window(window) < 0) {
        report_error("cannot open a window: %s; --headless needs none", SDL_GetError());
        return STATUS_FAILED;
    }
    window->views = calloc(options->count, sizeof *window->views);
    if (window->views)
        return STATUS_FINE;
    report_error("out of memory");
    return STATUS_FAILED;
}

static void handle_window_event(struct window *window, const SDL_WindowEvent *event)
{
    if (event->event == SDL_WINDOWEVENT_EXPOSED || event->event == SDL_WINDOWEVENT_SIZE_CHANGED)
        window->is_dirty = 1;
}

static void handle_event(struct window *window, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_QUIT:
        window->is_over = 1;
        break;
    case SDL_WINDOWEVENT:
        handle_window_event(window, &event->window);
        break;
    case SDL_KEYDOWN:
        window_key(window, &event->key);
        break;
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEMOTION:
    case SDL_MOUSEWHEEL:
        window_mouse(window, event);
        break;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        window->is_dirty = 1;
        break;
    default:
        break;
    }
}

/* True while something of the view changes with time alone. */
static int is_ticking(const struct window *window, const struct view *view)
{
    enum feed_signal signal = view->state.signal;
    return window->overlay != OVERLAY_OFF || window->is_grid || view->is_paused ||
           signal == FEED_WAITING || signal == FEED_GONE;
}

static int64_t earlier(int64_t a_ns, int64_t b_ns)
{
    return a_ns < b_ns ? a_ns : b_ns;
}

/* When something has to be drawn even if nothing happens; INT64_MAX never. */
static int64_t next_tick_ns(const struct window *window)
{
    int64_t tick_ns = INT64_MAX;
    for (size_t i = 0; i < window->count; i++) {
        const struct view *view = &window->views[i];
        if (!window_shows(window, view))
            continue;
        if (is_ticking(window, view))
            tick_ns = earlier(tick_ns, view->drawn_ns + TICK_NS);
        if (view->flash_until_ns > 0)
            tick_ns = earlier(tick_ns, view->flash_until_ns);
    }
    if (window->toast[0] != '\0')
        tick_ns = earlier(tick_ns, window->toast_until_ns);
    if (window->overlay_until_ns > 0)
        tick_ns = earlier(tick_ns, window->overlay_until_ns);
    return tick_ns;
}

/* What shows the time, or is over now, has to be drawn. */
static void handle_time(struct window *window)
{
    int64_t now_ns = fr_now_ns();
    if (window->toast[0] != '\0' && now_ns >= window->toast_until_ns) {
        window->toast[0] = '\0';
        window->is_dirty = 1;
    }
    if (window->overlay_until_ns > 0 && now_ns >= window->overlay_until_ns) {
        window->overlay_until_ns = 0;
        window->overlay = OVERLAY_OFF;
        window->is_dirty = 1;
    }
    for (size_t i = 0; i < window->count; i++) {
        struct view *view = &window->views[i];
        int is_flash_over = view->flash_until_ns > 0 && now_ns >= view->flash_until_ns;
        if (is_flash_over)
            view->flash_until_ns = 0;
        int is_tick = now_ns - view->drawn_ns >= TICK_NS && is_ticking(window, view);
        if (is_flash_over || is_tick)
            view->is_dirty = 1;
    }
}

static void wait_for_events(struct window *window)
{
    SDL_Event event;
    int64_t tick_ns = next_tick_ns(window);
    int64_t left_ns = tick_ns - fr_now_ns();
    /* A timeout of 0 would not sleep, and the X server would not be listened to. */
    int timeout = left_ns > 0 ? (int)(left_ns / FR_MS(1)) + 1 : 0;
    int has_event =
        tick_ns == INT64_MAX ? SDL_WaitEvent(&event) : SDL_WaitEventTimeout(&event, timeout);
    for (; has_event; has_event = SDL_PollEvent(&event))
        handle_event(window, &event);
    handle_time(window);
}

void window_reload(struct window *window, struct view *view)
{
    const char *why;
    if (view->frame && view_load(view, &window->canvas, 1, &why) < 0)
        window_toast(window, "cannot show this picture: %s", why);
    view->is_dirty = 1;
}

static void take_frame(struct window *window, struct view *view)
{
    unsigned news = view_take(view);
    if (news == 0)
        return;
    int is_alone = window->count == 1;
    int is_wanted = news & VIEW_FIRST ? window->options->width == 0 && is_alone
                                      : window->options->follow_size && news & VIEW_RESIZED;
    if (is_wanted)
        window_fit_to_picture(window);
    if (news & VIEW_SESSION) {
        feed_state(view->feed, &view->state);
        window_toast(window, "%s%sreconnected (session %" PRIu64 ")",
                     is_alone ? "" : view->tally->name, is_alone ? "" : " ", view->state.sessions);
    }
    if (!window_shows(window, view))
        return;
    if (window->has_flash)
        view->flash_until_ns = fr_now_ns() + FLASH_NS;
    const char *why;
    if (view_load(view, &window->canvas, 0, &why) < 0)
        window_toast(window, "cannot show this picture: %s", why);
}

/* A picture that is up to date looks the same whether it moves or not. */
static int is_fine(enum feed_signal signal)
{
    return signal == FEED_LIVE || signal == FEED_STILL;
}

static void look_at_feed(const struct window *window, struct view *view)
{
    enum feed_signal before = view->state.signal;
    feed_state(view->feed, &view->state);
    int is_seen =
        window->overlay != OVERLAY_OFF || !is_fine(before) || !is_fine(view->state.signal);
    int is_another = view->state.signal != before;
    if (is_another && is_seen)
        view->is_dirty = 1;
    int64_t now_ns = fr_now_ns();
    if (is_another || now_ns - view->rate_ns >= TICK_NS) {
        view->rate_ns = now_ns;
        view->rate = view->state.signal == FEED_LIVE ? view->state.per_second : 0;
    }
}

/* The window ends with the last of its streams, and as badly as any of them. */
static void look_for_end(struct window *window)
{
    size_t ended = 0;
    enum status status = STATUS_FINE;
    for (size_t i = 0; i < window->count; i++) {
        const struct feed_state *state = &window->views[i].state;
        ended += state->signal == FEED_ENDED;
        if (state->signal == FEED_ENDED && state->status > status)
            status = state->status;
    }
    if (ended == window->count) {
        window->status = status;
        window->is_over = 1;
    }
    if (*window->stop)
        window->is_over = 1;
}

static int has_news(const struct window *window)
{
    if (window->is_dirty)
        return 1;
    for (size_t i = 0; i < window->count; i++) {
        const struct view *view = &window->views[i];
        if (window_shows(window, view) && (view->is_dirty || view->has_change))
            return 1;
    }
    return 0;
}

static void refresh(struct window *window)
{
    /* Before taking, so that a frame which comes right after that wakes the loop again. */
    SDL_AtomicSet(&window->is_waking, 0);
    for (size_t i = 0; i < window->count; i++) {
        look_at_feed(window, &window->views[i]);
        take_frame(window, &window->views[i]);
    }
    look_for_end(window);
    if (has_news(window))
        window_draw(window);
    window_update_title(window);
}

static int start_views(struct window *window, struct tally *tallies)
{
    int error = 0;
    for (size_t i = 0; i < window->options->count && error == 0; i++) {
        struct view *view = &window->views[window->count++];
        error = view_open(view, &tallies[i]);
        if (error == 0)
            error = view_start(view, window->options, window->stop, notify, window);
    }
    return error;
}

void window_switch(struct window *window, const char *name)
{
    struct view *view = window_view(window);
    view_switch(view, name);
    if (view_start(view, window->options, window->stop, notify, window) < 0) {
        report_error("cannot start a thread");
        window->status = STATUS_FAILED;
        window->is_over = 1;
    }
}

/* Says what went wrong with any of the streams. */
static enum status report_end(const struct window *window)
{
    for (size_t i = 0; i < window->count; i++) {
        const struct view *view = &window->views[i];
        if (view->state.status == STATUS_NO_STREAM)
            report_no_stream(view->tally->name);
        else if (view->state.status == STATUS_FAILED)
            report_error("cannot open the stream '%s': %s", view->tally->name, view->state.message);
        else if (view->state.status == STATUS_LOST)
            report_error("the writers of the stream '%s' died", view->tally->name);
    }
    if (window->status == STATUS_FINE &&
        report_screenshot(window->options, window->views[0].frame) < 0)
        return STATUS_FAILED;
    return window->status;
}

static enum status window_show(void *self, const volatile sig_atomic_t *stop, struct tally *tallies)
{
    struct window *window = self;
    window->stop = stop;
    if (start_views(window, tallies) < 0) {
        report_error("cannot start a thread");
        return STATUS_FAILED;
    }
    window->is_dirty = 1;
    refresh(window);
    while (!window->is_over) {
        wait_for_events(window);
        refresh(window);
    }
    for (size_t i = 0; i < window->count; i++)
        view_stop(&window->views[i]);
    return report_end(window);
}

static void window_close(void *self)
{
    struct window *window = self;
    for (size_t i = 0; i < window->count; i++)
        view_close(&window->views[i], &window->canvas);
    free(window->views);
    label_forget(&window->toast_label, &window->canvas);
    label_forget(&window->help_label, &window->canvas);
    canvas_close(&window->canvas);
    if (window->window)
        SDL_DestroyWindow(window->window);
    SDL_Quit();
}

const struct sink sink_window = {
    .name = "window",
    .help = "A window shows the newest frame and waits when there is none; h in it\n"
            "lists its keys. Several streams stand in a grid; a click enlarges one. It\n"
            "draws in software; SDL_RENDER_DRIVER=opengl in the environment chooses\n"
            "the graphics card.\n",
    .private_size = sizeof(struct window),
    .open = window_open,
    .show = window_show,
    .close = window_close,
};
