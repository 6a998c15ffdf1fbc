/* SPDX-License-Identifier: MIT */

/*
 * What keys do. Keys are those of mpv and ffplay where these agree.
 */

#include <inttypes.h>
#include <stdio.h>

#include "picture_png.h"
#include "window.h"

void window_toggle_fullscreen(struct window *window)
{
    window->is_fullscreen = !window->is_fullscreen;
    SDL_SetWindowFullscreen(window->window,
                            window->is_fullscreen ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    SDL_ShowCursor(window->is_fullscreen ? SDL_DISABLE : SDL_ENABLE);
}

static void leave(struct window *window)
{
    if (window->is_fullscreen)
        window_toggle_fullscreen(window);
    else
        window->is_over = 1;
}

static void toggle_pause(struct window *window)
{
    window->is_paused = !window->is_paused;
    window->is_stepping = 0;
    feed_pause(window->feed, window->is_paused);
}

static void step(struct window *window)
{
    if (!window->is_paused)
        return;
    window->is_stepping = 1;
    feed_step(window->feed);
}

static void take_screenshot(struct window *window)
{
    if (!window->frame) {
        window_toast(window, "there is no picture yet");
        return;
    }
    char path[128];
    const char *why;
    snprintf(path, sizeof path, "framering-%s-%" PRIu64 ".png", window->options->name,
             window->frame->sequence);
    if (picture_png_write_frame(path, window->frame, &why) == 0)
        window_toast(window, "wrote %s", path);
    else
        window_toast(window, "cannot write %s: %s", path, why);
}

static void toggle_vsync(struct window *window)
{
    if (SDL_RenderSetVSync(window->renderer, !window->is_vsync) == 0)
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
    feed_reset(window->feed);
    histogram_reset(&window->shown);
    window_toast(window, "statistics start again");
}

/* Keys that change what is shown, not how. */
static void stream_key(struct window *window, SDL_Keycode key)
{
    switch (key) {
    case SDLK_SPACE:
    case SDLK_p:
        toggle_pause(window);
        break;
    case SDLK_PERIOD:
        step(window);
        break;
    case SDLK_s:
        take_screenshot(window);
        break;
    case SDLK_x:
        reset_statistics(window);
        break;
    case SDLK_i:
        window->overlay = (enum overlay_level)((window->overlay + 1) % (OVERLAY_FULL + 1));
        break;
    case SDLK_h:
    case SDLK_QUESTION:
    case SDLK_SLASH: /* where the question mark is on many keyboards */
        window->has_help = !window->has_help;
        break;
    default:
        break;
    }
}

void window_key(struct window *window, SDL_Keycode key)
{
    window->is_dirty = 1;
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
    case SDLK_0:
    case SDLK_1:
    case SDLK_2:
        window->zoom = (uint32_t)(key - SDLK_0);
        break;
    case SDLK_w:
        window_fit_to_picture(window);
        break;
    case SDLK_t:
        toggle_on_top(window);
        break;
    case SDLK_v:
        toggle_vsync(window);
        break;
    default:
        stream_key(window, key);
        break;
    }
}
