/* SPDX-License-Identifier: MIT */

/*
 * Draws the window: the picture, and texts over it. One texture is kept for the picture, made anew
 * when its size changes; texts are textures too, made anew when they change.
 */

#include <stdlib.h>
#include <string.h>

#include "overlay.h"
#include "window.h"

#define EDGE 12          /* between a text and the window's edge, times the text's scale */
#define TALL_SCREEN 1440 /* from this height on texts are twice as large */

static void forget(SDL_Texture **texture)
{
    if (*texture)
        SDL_DestroyTexture(*texture);
    *texture = NULL;
}

void window_forget_textures(struct window *window)
{
    forget(&window->picture);
    forget(&window->overlay_label.texture);
    forget(&window->badge_label.texture);
    forget(&window->toast_label.texture);
    forget(&window->help_label.texture);
}

/* Never blends: the fourth byte of a pixel means nothing. */
static int prepare_picture(struct window *window, const struct picture *picture)
{
    int width = (int)picture->width;
    int height = (int)picture->height;
    if (window->picture && window->picture_width == width && window->picture_height == height)
        return 0;
    forget(&window->picture);
    window->picture = SDL_CreateTexture(window->renderer, SDL_PIXELFORMAT_RGB888,
                                        SDL_TEXTUREACCESS_STREAMING, width, height);
    if (!window->picture)
        return -1;
    SDL_SetTextureBlendMode(window->picture, SDL_BLENDMODE_NONE);
    window->picture_width = width;
    window->picture_height = height;
    return 0;
}

int window_upload(struct window *window)
{
    int64_t begin_ns = fr_now_ns();
    struct picture picture;
    int error = convert_frame(window->convert, window->frame, &picture);
    if (error < 0) {
        window_toast(window, "cannot show this picture: %s", fr_strerror(error));
        return -1;
    }
    if (picture.stride > SDL_MAX_SINT32 || prepare_picture(window, &picture) < 0 ||
        SDL_UpdateTexture(window->picture, NULL, picture.pixels, (int)picture.stride) < 0) {
        window_toast(window, "cannot show this picture: %s", SDL_GetError());
        return -1;
    }
    window->upload_ns = fr_now_ns() - begin_ns;
    return 0;
}

void window_picture_size(const struct window *window, int *width, int *height)
{
    const struct fr_rational aspect = window->frame->sample_aspect;
    int64_t wide = window->frame->width;
    int64_t high = window->frame->height;
    if (aspect.num > 0 && aspect.den > 0 && aspect.num != aspect.den) {
        /* One side grows, so that no pixel is lost. */
        if (aspect.num > aspect.den)
            wide = wide * aspect.num / aspect.den;
        else
            high = high * aspect.den / aspect.num;
    }
    *width = (int)SDL_min(wide, 1 << 20);
    *height = (int)SDL_min(high, 1 << 20);
}

static SDL_Rect place_picture(const struct window *window, int output_width, int output_height)
{
    int width;
    int height;
    window_picture_size(window, &width, &height);
    SDL_Rect place;
    if (window->zoom > 0) {
        place.w = width * (int)window->zoom;
        place.h = height * (int)window->zoom;
    } else if ((int64_t)output_width * height <= (int64_t)output_height * width) {
        place.w = output_width;
        place.h = (int)SDL_max(1, (int64_t)output_width * height / width);
    } else {
        place.h = output_height;
        place.w = (int)SDL_max(1, (int64_t)output_height * width / height);
    }
    place.x = (output_width - place.w) / 2;
    place.y = (output_height - place.h) / 2;
    return place;
}

void window_fit_to_picture(struct window *window)
{
    if (!window->frame || window->is_fullscreen)
        return;
    int width;
    int height;
    window_picture_size(window, &width, &height);
    SDL_Rect room;
    int display = SDL_GetWindowDisplayIndex(window->window);
    if (display >= 0 && SDL_GetDisplayUsableBounds(display, &room) == 0 &&
        (width > room.w || height > room.h)) {
        double share = SDL_min((double)room.w / width, (double)room.h / height);
        width = (int)SDL_max(1.0, width * share);
        height = (int)SDL_max(1.0, height * share);
    }
    SDL_SetWindowSize(window->window, width, height);
    SDL_SetWindowPosition(window->window, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED);
}

/* Makes the label's texture if the text is another one than before. False without one. */
static int prepare_label(struct window *window, struct label *label, const char *text,
                         uint32_t scale)
{
    if (label->texture && label->scale == scale && strcmp(label->text, text) == 0)
        return 1;
    forget(&label->texture);
    SDL_strlcpy(label->text, text, sizeof label->text);
    label->scale = scale;
    struct overlay_box box;
    if (overlay_render(label->text, scale, &box) < 0)
        return 0;
    label->width = (int)box.width;
    label->height = (int)box.height;
    label->texture = SDL_CreateTexture(window->renderer, SDL_PIXELFORMAT_ARGB8888,
                                       SDL_TEXTUREACCESS_STATIC, label->width, label->height);
    if (label->texture) {
        SDL_UpdateTexture(label->texture, NULL, box.pixels, label->width * 4);
        SDL_SetTextureBlendMode(label->texture, SDL_BLENDMODE_BLEND);
    }
    free(box.pixels);
    return label->texture != NULL;
}

/* Draws a text; across and down are 0 for the left and upper edge, 1 for the middle, 2 the others. */
static void draw_label(struct window *window, struct label *label, const char *text, int across,
                       int down)
{
    if (text[0] == '\0')
        return;
    int width;
    int height;
    SDL_GetRendererOutputSize(window->renderer, &width, &height);
    uint32_t scale = height >= TALL_SCREEN ? 2 : 1;
    if (!prepare_label(window, label, text, scale))
        return;
    int edge = EDGE * (int)scale;
    SDL_Rect place = {
        .x = edge + (width - label->width - 2 * edge) * across / 2,
        .y = edge + (height - label->height - 2 * edge) * down / 2,
        .w = label->width,
        .h = label->height,
    };
    /* What does not fit loses its end, not its beginning. */
    place.x = SDL_max(place.x, 0);
    place.y = SDL_max(place.y, 0);
    SDL_RenderCopy(window->renderer, label->texture, NULL, &place);
}

static void draw_picture(struct window *window)
{
    int width;
    int height;
    SDL_GetRendererOutputSize(window->renderer, &width, &height);
    const SDL_Rect place = place_picture(window, width, height);
    /* Whole multiples stay sharp; everything else is smoothed. */
    int is_whole = place.w % window->picture_width == 0 && place.h % window->picture_height == 0;
    SDL_SetTextureScaleMode(window->picture, is_whole ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    SDL_RenderCopy(window->renderer, window->picture, NULL, &place);
    if (window->state.signal != FEED_GONE)
        return;
    SDL_SetRenderDrawBlendMode(window->renderer, SDL_BLENDMODE_BLEND);
    SDL_SetRenderDrawColor(window->renderer, 0, 0, 0, 128);
    SDL_RenderFillRect(window->renderer, &place);
}

static void draw_texts(struct window *window)
{
    char text[sizeof window->overlay_label.text];
    window_overlay_text(window, text, sizeof text);
    draw_label(window, &window->overlay_label, text, 0, 0);
    window_badge_text(window, text, sizeof text);
    draw_label(window, &window->badge_label, text, 1, 1);
    if (fr_now_ns() < window->toast_until_ns)
        draw_label(window, &window->toast_label, window->toast, 1, 2);
    if (window->has_help)
        draw_label(window, &window->help_label, window_help_text(), 1, 1);
}

void window_draw(struct window *window)
{
    SDL_SetRenderDrawColor(window->renderer, 0, 0, 0, 255);
    SDL_RenderClear(window->renderer);
    if (window->frame && window->picture)
        draw_picture(window);
    draw_texts(window);
    SDL_RenderPresent(window->renderer);
    window->drawn_ns = fr_now_ns();
}
