/* SPDX-License-Identifier: MIT */

/*
 * See cursor.h.
 */

#include "cursor.h"

#include <stdlib.h>
#include <string.h>

#define MAX_SIDE 256 /* of a cursor; others are taken for nonsense */
#define CROSS 8      /* from the middle of the cross to its ends */
#define CROSS_COLOR 0xffff40ffu
#define PIXEL_BYTES 4

/* SDL mixes pixels that are not premultiplied. */
static uint32_t straighten(const uint8_t *pixel)
{
    uint32_t alpha = pixel[3];
    if (alpha == 0)
        return 0;
    uint32_t color = alpha << 24;
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t value = (pixel[i] * 255u + alpha / 2) / alpha;
        color |= (value > 255 ? 255 : value) << (8 * i);
    }
    return color;
}

static void take_pixels(struct cursor *cursor, const uint8_t *from)
{
    size_t count = (size_t)cursor->now.width * cursor->now.height;
    uint32_t *pixels = realloc(cursor->pixels, count * sizeof *pixels);
    if (!pixels)
        return;
    for (size_t i = 0; i < count; i++)
        pixels[i] = straighten(from + i * PIXEL_BYTES);
    cursor->pixels = pixels;
    cursor->serial = cursor->now.serial;
    cursor->pixel_width = cursor->now.width;
    cursor->pixel_height = cursor->now.height;
    cursor->is_new = 1;
}

static int has_pixels(const struct cursor *cursor)
{
    return cursor->pixels && cursor->serial == cursor->now.serial &&
           cursor->pixel_width == cursor->now.width && cursor->pixel_height == cursor->now.height;
}

static int is_near(int32_t at)
{
    return at >= -FR_MAX_SIDE && at <= FR_MAX_SIDE;
}

static int is_sensible(const struct fr_cursor *now)
{
    return now->width <= MAX_SIDE && now->height <= MAX_SIDE && now->hot_x <= MAX_SIDE &&
           now->hot_y <= MAX_SIDE && is_near(now->x) && is_near(now->y);
}

void cursor_take(struct cursor *cursor, const struct fr_frame *frame)
{
    size_t size = 0;
    const void *entry = fr_frame_meta(frame, FR_META_CURSOR, &size);
    memset(&cursor->now, 0, sizeof cursor->now);
    if (!entry || size < sizeof cursor->now)
        return;
    memcpy(&cursor->now, entry, sizeof cursor->now);
    if (!is_sensible(&cursor->now)) {
        memset(&cursor->now, 0, sizeof cursor->now);
        return;
    }
    size_t need = (size_t)cursor->now.width * cursor->now.height * PIXEL_BYTES;
    if (need > 0 && size - sizeof cursor->now >= need && !has_pixels(cursor))
        take_pixels(cursor, (const uint8_t *)entry + sizeof cursor->now);
}

static struct fr_rect cross_part(const struct fr_cursor *now)
{
    return (struct fr_rect){ now->x - CROSS, now->y - CROSS, 2 * CROSS + 1, 2 * CROSS + 1 };
}

struct fr_rect cursor_part(const struct cursor *cursor)
{
    const struct fr_cursor *now = &cursor->now;
    if (now->width == 0 || now->height == 0)
        return (struct fr_rect){ 0 };
    if (!has_pixels(cursor))
        return cross_part(now);
    return (struct fr_rect){ now->x - (int32_t)now->hot_x, now->y - (int32_t)now->hot_y, now->width,
                             now->height };
}

static int prepare(struct cursor *cursor, struct canvas *canvas)
{
    int is_mine = cursor->texture && cursor->generation == canvas->generation;
    if (is_mine && !cursor->is_new)
        return 1;
    if (is_mine)
        SDL_DestroyTexture(cursor->texture);
    int width = (int)cursor->pixel_width;
    cursor->texture = SDL_CreateTexture(canvas->renderer, SDL_PIXELFORMAT_ARGB8888,
                                        SDL_TEXTUREACCESS_STATIC, width, (int)cursor->pixel_height);
    cursor->generation = canvas->generation;
    cursor->is_new = 0;
    if (!cursor->texture)
        return 0;
    SDL_SetTextureBlendMode(cursor->texture, SDL_BLENDMODE_BLEND);
    SDL_UpdateTexture(cursor->texture, NULL, cursor->pixels, width * PIXEL_BYTES);
    return 1;
}

static void draw_cross(struct canvas *canvas, const SDL_Rect *place)
{
    const SDL_Rect across = { place->x, place->y + place->h / 2, place->w, 1 };
    const SDL_Rect down = { place->x + place->w / 2, place->y, 1, place->h };
    canvas_fill(canvas, &across, CROSS_COLOR);
    canvas_fill(canvas, &down, CROSS_COLOR);
}

/* SDL turns about the middle of the rectangle that it would fill unturned. */
static SDL_Rect unturn(const SDL_Rect *place)
{
    return (SDL_Rect){ place->x + (place->w - place->h) / 2, place->y + (place->h - place->w) / 2,
                       place->h, place->w };
}

void cursor_draw(struct cursor *cursor, struct canvas *canvas, const struct layout *layout,
                 const struct fr_frame *frame, const SDL_Rect *place)
{
    const struct fr_rect part = cursor_part(cursor);
    if (part.width == 0)
        return;
    SDL_Rect to = layout_part(layout, frame, place, &part);
    if (!has_pixels(cursor)) {
        draw_cross(canvas, &to);
        return;
    }
    if (!prepare(cursor, canvas))
        return;
    if (layout->turns == 0) {
        SDL_RenderCopy(canvas->renderer, cursor->texture, NULL, &to);
        return;
    }
    if (layout->turns % 2 != 0)
        to = unturn(&to);
    SDL_RenderCopyEx(canvas->renderer, cursor->texture, NULL, &to, 90.0 * layout->turns, NULL,
                     SDL_FLIP_NONE);
}

void cursor_finish(struct cursor *cursor, const struct canvas *canvas)
{
    if (cursor->texture && cursor->generation == canvas->generation)
        SDL_DestroyTexture(cursor->texture);
    free(cursor->pixels);
    *cursor = (struct cursor){ .pixels = NULL };
}
