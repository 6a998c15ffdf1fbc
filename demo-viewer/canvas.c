/* SPDX-License-Identifier: MIT */

/*
 * See canvas.h. SDL forgets the window's memory when the size changes, and with it goes the renderer
 * that draws on it and everything that was made by that.
 */

#include "canvas.h"

#include <framering/framering.h>
#include <stdlib.h>

#define USUAL_REFRESH 60
#define PIXEL_BYTES 4

int canvas_open(struct canvas *canvas, SDL_Window *window)
{
    *canvas = (struct canvas){ .window = window, .generation = 1 };
    canvas->has_surface = !getenv("SDL_RENDER_DRIVER") && SDL_GetWindowSurface(window);
    if (canvas->has_surface)
        return 0;
    canvas->renderer = SDL_CreateRenderer(window, -1, 0);
    return canvas->renderer ? 0 : -1;
}

void canvas_close(struct canvas *canvas)
{
    if (canvas->renderer)
        SDL_DestroyRenderer(canvas->renderer);
    *canvas = (struct canvas){ .window = NULL };
}

/* A new surface may lie where the old one lay, but it does not carry our mark. */
static int renew_surface(struct canvas *canvas, SDL_Surface *surface)
{
    if (canvas->renderer)
        SDL_DestroyRenderer(canvas->renderer);
    canvas->surface = surface;
    canvas->renderer = SDL_CreateSoftwareRenderer(surface);
    canvas->generation++;
    if (!canvas->renderer)
        return -1;
    surface->userdata = canvas;
    canvas->width = surface->w;
    canvas->height = surface->h;
    return 1;
}

int canvas_begin(struct canvas *canvas)
{
    if (!canvas->has_surface) {
        SDL_GetRendererOutputSize(canvas->renderer, &canvas->width, &canvas->height);
        return 1;
    }
    SDL_Surface *surface = SDL_GetWindowSurface(canvas->window);
    if (!surface)
        return -1;
    if (surface->userdata != canvas || !canvas->renderer)
        return renew_surface(canvas, surface);
    return 0;
}

void canvas_clip(struct canvas *canvas, const SDL_Rect *clip)
{
    SDL_RenderSetClipRect(canvas->renderer, clip);
}

static void set_color(struct canvas *canvas, uint32_t color)
{
    uint8_t alpha = (uint8_t)(color >> 24);
    SDL_SetRenderDrawBlendMode(canvas->renderer,
                               alpha == 255 ? SDL_BLENDMODE_NONE : SDL_BLENDMODE_BLEND);
    SDL_SetRenderDrawColor(canvas->renderer, (uint8_t)(color >> 16), (uint8_t)(color >> 8),
                           (uint8_t)color, alpha);
}

void canvas_fill(struct canvas *canvas, const SDL_Rect *rect, uint32_t color)
{
    if (rect->w <= 0 || rect->h <= 0)
        return;
    set_color(canvas, color);
    SDL_RenderFillRect(canvas->renderer, rect);
}

void canvas_frame(struct canvas *canvas, const SDL_Rect *rect, uint32_t color)
{
    if (rect->w <= 0 || rect->h <= 0)
        return;
    set_color(canvas, color);
    SDL_RenderDrawRect(canvas->renderer, rect);
}

/* The window's memory knows nothing of the screen's beat; we sleep until about the next one. */
static void wait_for_beat(struct canvas *canvas)
{
    SDL_DisplayMode mode;
    int display = SDL_GetWindowDisplayIndex(canvas->window);
    int refresh = USUAL_REFRESH;
    if (display >= 0 && SDL_GetCurrentDisplayMode(display, &mode) == 0 && mode.refresh_rate > 0)
        refresh = mode.refresh_rate;
    int64_t left_ns = canvas->presented_ns + FR_S(1) / refresh - fr_now_ns();
    if (left_ns > 0)
        SDL_Delay((uint32_t)(left_ns / FR_MS(1)));
}

void canvas_present(struct canvas *canvas, const SDL_Rect *rects, int count)
{
    if (canvas->has_surface) {
        SDL_RenderFlush(canvas->renderer);
        if (canvas->is_vsync)
            wait_for_beat(canvas);
        SDL_UpdateWindowSurfaceRects(canvas->window, rects, count);
    } else {
        SDL_RenderPresent(canvas->renderer);
    }
    canvas->presented_ns = fr_now_ns();
}

int canvas_read(struct canvas *canvas, struct picture *picture, void **pixels)
{
    size_t stride = (size_t)canvas->width * PIXEL_BYTES;
    *pixels = malloc(stride * (size_t)canvas->height);
    if (!*pixels)
        return -1;
    *picture = (struct picture){
        .pixels = *pixels,
        .stride = stride,
        .width = (uint32_t)canvas->width,
        .height = (uint32_t)canvas->height,
    };
    canvas_clip(canvas, NULL);
    if (SDL_RenderReadPixels(canvas->renderer, NULL, SDL_PIXELFORMAT_RGB888, *pixels,
                             (int)stride) == 0)
        return 0;
    free(*pixels);
    *pixels = NULL;
    return -1;
}

int canvas_set_vsync(struct canvas *canvas, int is_vsync)
{
    if (!canvas->has_surface && SDL_RenderSetVSync(canvas->renderer, is_vsync) < 0)
        return -1;
    canvas->is_vsync = is_vsync;
    return 0;
}

const char *canvas_kind(const struct canvas *canvas)
{
    SDL_RendererInfo info;
    if (canvas->has_surface || SDL_GetRendererInfo(canvas->renderer, &info) < 0)
        return "window memory";
    return info.name;
}
