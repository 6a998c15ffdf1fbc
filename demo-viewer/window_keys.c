/* SPDX-License-Identifier: MIT */

/*
 * What keys do. Keys are those of mpv and ffplay where these agree. In a grid, those that are about a
 * picture are for the view that has the focus.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "names.h"
#include "picture_png.h"
#include "window.h"

#define ZOOM_STEP 1.25
#define PAN_STEP 32
#define OVERLAY_NS FR_S(8) /* how long it is shown by i; I keeps it */

void window_toggle_fullscreen(struct window *window)
{
    window->is_fullscreen = !window->is_fullscreen;
    SDL_SetWindowFullscreen(window->window,
                            window->is_fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    SDL_ShowCursor(window->is_fullscreen && !window->is_grid ? SDL_DISABLE : SDL_ENABLE);
}

/* Out of whatever is innermost. */
static void leave(struct window *window)
{
    if (window->count > 1 && !window->is_grid)
        window_set_grid(window, 1);
    else if (window->is_fullscreen)
        window_toggle_fullscreen(window);
    else
        window->is_over = 1;
}

static void toggle_pause(struct view *view)
{
    view->is_paused = !view->is_paused;
    view->is_stepping = 0;
    feed_pause(view->feed, view->is_paused);
}

static void step(struct view *view)
{
    if (!view->is_paused)
        return;
    view->is_stepping = 1;
    feed_step(view->feed);
}

static void print_path(const struct view *view, const char *what, char *path, size_t size)
{
    snprintf(path, size, "framering-%s-%" PRIu64 "%s.png", view->tally->name, view->frame->sequence,
             what);
}

static void tell_screenshot(struct window *window, const char *path, const char *why)
{
    if (why)
        window_toast(window, "cannot write %s: %s", path, why);
    else
        window_toast(window, "wrote %s", path);
}

/* The frame, pixel for pixel. */
static void save_frame(struct window *window)
{
    const struct view *view = window_view(window);
    char path[128];
    const char *why;
    if (!view->frame) {
        window_toast(window, "there is no picture yet");
        return;
    }
    print_path(view, "", path, sizeof path);
    int result = picture_png_write_frame(path, view->frame, &why);
    tell_screenshot(window, path, result < 0 ? why : NULL);
}

/* The window as it is seen. */
static void save_window(struct window *window)
{
    const struct view *view = window_view(window);
    char path[128];
    const char *why;
    struct picture picture;
    void *pixels;
    if (!view->frame) {
        window_toast(window, "there is no picture yet");
        return;
    }
    print_path(view, "-window", path, sizeof path);
    if (window_read(window, &picture, &pixels) < 0) {
        tell_screenshot(window, path, SDL_GetError());
        return;
    }
    int result = picture_png_write(path, &picture, &why);
    free(pixels);
    tell_screenshot(window, path, result < 0 ? why : NULL);
}

static void toggle_vsync(struct window *window)
{
    if (canvas_set_vsync(&window->canvas, !window->is_vsync) == 0)
        window->is_vsync = !window->is_vsync;
    window_toast(window, "vsync %s", window->is_vsync ? "on" : "off");
}

static void toggle_on_top(struct window *window)
{
    window->is_on_top = !window->is_on_top;
    SDL_SetWindowAlwaysOnTop(window->window, window->is_on_top ? SDL_TRUE : SDL_FALSE);
    window_toast(window, "always on top %s", window->is_on_top ? "on" : "off");
}

static void reset_statistics(struct window *window)
{
    struct view *view = window_view(window);
    feed_reset(view->feed);
    view->graph.count = 0;
    view->graph.last_ns = 0;
    view->overlay_ns = 0;
    window_toast(window, "statistics start again");
}

static void cycle_overlay(struct window *window)
{
    window->overlay = (enum overlay_level)((window->overlay + 1) % (OVERLAY_FULL + 1));
    int is_sticky = window->overlay_until_ns == 0 && window->overlay > OVERLAY_BRIEF;
    window->overlay_until_ns =
        window->overlay == OVERLAY_OFF || is_sticky ? 0 : fr_now_ns() + OVERLAY_NS;
}

static void keep_overlay(struct window *window)
{
    if (window->overlay == OVERLAY_OFF) {
        window->overlay = OVERLAY_BRIEF;
    } else if (window->overlay_until_ns == 0) {
        window->overlay = OVERLAY_OFF;
        return;
    }
    window->overlay_until_ns = 0;
    window_toast(window, "the overlay stays");
}

static void cycle_color(struct window *window, struct view *view)
{
    static const char *const names[COLOR_CHOICES] = {
        [COLOR_AUTO] = "as the frame says",
        [COLOR_BT601] = "BT.601",
        [COLOR_BT709] = "BT.709",
        [COLOR_FULL] = "full range",
    };
    view->color = (enum painter_color)((view->color + 1) % COLOR_CHOICES);
    window_reload(window, view);
    window_toast(window, "colours: %s", names[view->color]);
}

static void rotate(struct window *window, struct view *view)
{
    view->layout.turns = (view->layout.turns + 1) % 4;
    window_reload(window, view);
}

static void toggle_stretch(struct window *window, struct view *view)
{
    view->layout.is_stretched = !view->layout.is_stretched;
    window_toast(window, "%s",
                 view->layout.is_stretched ? "fills the window" : "keeps the picture's shape");
}

static void toggle_policy(struct window *window, struct view *view)
{
    int every = !view->state.every;
    feed_reopen(view->feed, every);
    window_toast(window, "%s", every ? "every frame, in order" : "the newest frame only");
}

static void reconnect(struct window *window, struct view *view)
{
    feed_reopen(view->feed, view->state.every);
    window_toast(window, "connecting again");
}

static void switch_stream(struct window *window, int steps)
{
    struct names names;
    names_read(&names);
    const char *name = names_beside(&names, window_view(window)->tally->name, steps);
    if (name)
        window_switch(window, name);
    window_toast(window, "%s", name ? name : "there is no other stream");
    names_free(&names);
}

static void zoom(struct view *view, double factor)
{
    if (!view->frame)
        return;
    int width;
    int height;
    layout_size(&view->layout, view->frame, &width, &height);
    const SDL_Rect area = view_area(view);
    layout_zoom(&view->layout, factor, width, height, &area, area.x + area.w / 2,
                area.y + area.h / 2);
}

static void set_zoom(struct view *view, int times)
{
    view->layout.zoom = times;
    view->layout.pan_x = 0;
    view->layout.pan_y = 0;
}

/* Arrows move over an enlarged picture, and from view to view in a grid. */
static void move(struct window *window, int right, int down)
{
    struct view *view = window_view(window);
    if (!window->is_grid) {
        view->layout.pan_x -= right * PAN_STEP;
        view->layout.pan_y -= down * PAN_STEP;
        return;
    }
    const SDL_Rect cell = view->cell;
    for (size_t i = 0; i < window->count; i++) {
        const SDL_Rect other = window->views[i].cell;
        const SDL_Point point = { cell.x + cell.w / 2 + right * cell.w,
                                  cell.y + cell.h / 2 + down * cell.h };
        if (SDL_PointInRect(&point, &other))
            window->focus = i;
    }
}

static void next_view(struct window *window)
{
    if (window->count == 1)
        return;
    window->focus = (window->focus + 1) % window->count;
    window_set_grid(window, window->is_grid);
}

/* Keys that may be held down. False if this is none. */
static int handle_repeating(struct window *window, SDL_Keycode key)
{
    struct view *view = window_view(window);
    switch (key) {
    case SDLK_PERIOD:
        step(view);
        return 1;
    case SDLK_PLUS:
    case SDLK_EQUALS: /* the same key without shift, on many keyboards */
    case SDLK_KP_PLUS:
        zoom(view, ZOOM_STEP);
        return 1;
    case SDLK_MINUS:
    case SDLK_KP_MINUS:
        zoom(view, 1 / ZOOM_STEP);
        return 1;
    case SDLK_LEFT:
        move(window, -1, 0);
        return 1;
    case SDLK_RIGHT:
        move(window, 1, 0);
        return 1;
    case SDLK_UP:
        move(window, 0, -1);
        return 1;
    case SDLK_DOWN:
        move(window, 0, 1);
        return 1;
    default:
        return 0;
    }
}

/* Keys that change how the picture is seen. False if this is none. */
static int handle_picture(struct window *window, SDL_Keycode key)
{
    struct view *view = window_view(window);
    switch (key) {
    case SDLK_0:
    case SDLK_1:
    case SDLK_2:
        set_zoom(view, key - SDLK_0);
        return 1;
    case SDLK_a:
        toggle_stretch(window, view);
        return 1;
    case SDLK_c:
        cycle_color(window, view);
        return 1;
    case SDLK_d:
        window->has_flash = !window->has_flash;
        window_toast(window, "changes are %s", window->has_flash ? "marked" : "not marked");
        return 1;
    case SDLK_g:
        window->has_graph = !window->has_graph;
        return 1;
    case SDLK_m:
        view->hides_cursor = !view->hides_cursor;
        window_toast(window, "the cursor is %s", view->hides_cursor ? "hidden" : "shown");
        return 1;
    case SDLK_w:
        window_fit_to_picture(window);
        return 1;
    default:
        return 0;
    }
}

/* Keys that change what comes. False if this is none. */
static int handle_stream(struct window *window, SDL_Keycode key)
{
    struct view *view = window_view(window);
    switch (key) {
    case SDLK_SPACE:
    case SDLK_p:
        toggle_pause(view);
        return 1;
    case SDLK_l:
        toggle_policy(window, view);
        return 1;
    case SDLK_x:
        reset_statistics(window);
        return 1;
    case SDLK_h:
    case SDLK_QUESTION:
    case SDLK_SLASH: /* where the question mark is on many keyboards */
        window->has_help = !window->has_help;
        return 1;
    default:
        return 0;
    }
}

/* Letters that mean something else with shift. False if this is none. */
static int handle_shifted(struct window *window, SDL_Keycode key, int is_shifted)
{
    struct view *view = window_view(window);
    switch (key) {
    case SDLK_i:
        is_shifted ? keep_overlay(window) : cycle_overlay(window);
        view->overlay_ns = 0;
        return 1;
    case SDLK_n:
        switch_stream(window, is_shifted ? -1 : 1);
        return 1;
    case SDLK_r:
        is_shifted ? reconnect(window, view) : rotate(window, view);
        return 1;
    case SDLK_s:
        is_shifted ? save_window(window) : save_frame(window);
        return 1;
    default:
        return 0;
    }
}

static void handle_window(struct window *window, SDL_Keycode key)
{
    switch (key) {
    case SDLK_q:
        window->is_over = 1;
        break;
    case SDLK_ESCAPE:
        leave(window);
        break;
    case SDLK_f:
    case SDLK_F11:
        window_toggle_fullscreen(window);
        break;
    case SDLK_RETURN:
    case SDLK_KP_ENTER:
        window_set_grid(window, !window->is_grid);
        break;
    case SDLK_TAB:
        next_view(window);
        break;
    case SDLK_t:
        toggle_on_top(window);
        break;
    case SDLK_v:
        toggle_vsync(window);
        break;
    default:
        break;
    }
}

void window_key(struct window *window, const SDL_KeyboardEvent *event)
{
    SDL_Keycode key = event->keysym.sym;
    window->is_dirty = 1;
    if (handle_repeating(window, key) || event->repeat)
        return;
    int is_shifted = (event->keysym.mod & KMOD_SHIFT) != 0;
    if (handle_shifted(window, key, is_shifted) || handle_picture(window, key) ||
        handle_stream(window, key))
        return;
    handle_window(window, key);
}
