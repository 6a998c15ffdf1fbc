/* SPDX-License-Identifier: MIT */

/*
 * See painter.h.
 */

#include "painter.h"

#include <math.h>

#include "painter_yuv.h"

#define PIXEL_BYTES 4
#define RANGE_FULL 2

int painter_open(struct painter *painter)
{
    return convert_create(CONVERT_FAST, &painter->convert);
}

void painter_forget(struct painter *painter)
{
    if (painter->surface)
        SDL_FreeSurface(painter->surface);
    painter->surface = NULL;
    painter->picture = (struct picture){ .pixels = NULL };
    painter->is_own = 0;
}

static void forget_texture(struct painter *painter)
{
    if (painter->texture)
        SDL_DestroyTexture(painter->texture);
    painter->texture = NULL;
}

void painter_close(struct painter *painter)
{
    painter_forget(painter);
    forget_texture(painter);
    rotate_finish(&painter->rotate);
    convert_destroy(&painter->convert);
}

int painter_has_picture(const struct painter *painter)
{
    return painter->picture.width > 0;
}

/* The frame as the user wants it to be understood; the pixels are still the frame's. */
static struct fr_frame recolor(const struct fr_frame *frame, enum painter_color color)
{
    struct fr_frame result = *frame;
    if (color == COLOR_BT601)
        result.color.matrix = 6;
    else if (color == COLOR_BT709)
        result.color.matrix = 1;
    else if (color == COLOR_FULL)
        result.color.range = RANGE_FULL;
    return result;
}

/* Keeps the texture if it is the right one. 1 if it is new, so that nothing is in it yet. */
static int prepare_texture(struct painter *painter, struct canvas *canvas, uint32_t format,
                           int width, int height)
{
    if (painter->texture && painter->texture_format == format && painter->texture_width == width &&
        painter->texture_height == height)
        return 0;
    forget_texture(painter);
    painter->texture =
        SDL_CreateTexture(canvas->renderer, format, SDL_TEXTUREACCESS_STREAMING, width, height);
    if (!painter->texture)
        return -1;
    /* Never blends: the fourth byte of a pixel means nothing. */
    SDL_SetTextureBlendMode(painter->texture, SDL_BLENDMODE_NONE);
    painter->texture_format = format;
    painter->texture_width = width;
    painter->texture_height = height;
    return 1;
}

static int upload_parts(struct painter *painter, const struct damage *damage)
{
    const struct picture *picture = &painter->picture;
    for (size_t i = 0; i < damage->count; i++) {
        const struct fr_rect *part = &damage->rect[i];
        const SDL_Rect place = { part->x, part->y, (int)part->width, (int)part->height };
        const uint8_t *pixels =
            picture->pixels + (size_t)place.y * picture->stride + (size_t)place.x * PIXEL_BYTES;
        if (SDL_UpdateTexture(painter->texture, &place, pixels, (int)picture->stride) < 0)
            return -1;
    }
    return 0;
}

/* damage is NULL if all of it is new. */
static int upload(struct painter *painter, struct canvas *canvas, const struct damage *damage)
{
    const struct picture *picture = &painter->picture;
    int is_new = prepare_texture(painter, canvas, SDL_PIXELFORMAT_RGB888, (int)picture->width,
                                 (int)picture->height);
    if (is_new < 0)
        return -1;
    if (damage && !is_new)
        return upload_parts(painter, damage);
    return SDL_UpdateTexture(painter->texture, NULL, picture->pixels, (int)picture->stride);
}

/* The frame's memory is mapped for reading only, and SDL does not write to what it copies from. */
static int wrap(struct painter *painter)
{
    const struct picture *picture = &painter->picture;
    if (painter->surface)
        SDL_FreeSurface(painter->surface);
    painter->surface =
        SDL_CreateRGBSurfaceWithFormatFrom((void *)(uintptr_t)picture->pixels, (int)picture->width,
                                           (int)picture->height, 32, (int)picture->stride,
                                           SDL_PIXELFORMAT_RGB888);
    return painter->surface ? 0 : -1;
}

/* The chip converts YUV by itself where SDL has a texture for it. 1 if it does, 0 if not. */
static int load_yuv(struct painter *painter, struct canvas *canvas, const struct fr_frame *frame)
{
    struct yuv_texture kind;
    if (!painter_yuv_find(frame, &kind))
        return 0;
    int width = (int)frame->width;
    int height = (int)frame->height;
    if (prepare_texture(painter, canvas, kind.format, width, height) < 0 ||
        painter_yuv_upload(painter->texture, frame) < 0)
        return 0;
    painter->yuv_mode = kind.mode;
    painter->picture = (struct picture){ .width = frame->width, .height = frame->height };
    return 1;
}

int painter_load(struct painter *painter, struct canvas *canvas, const struct fr_frame *frame,
                 enum painter_color color, int turns, const struct damage *damage, const char **why)
{
    const struct fr_frame shown = recolor(frame, color);
    if (!canvas->has_surface && turns == 0 && load_yuv(painter, canvas, &shown))
        return 0;
    int is_same = damage && damage->count == 0 && painter->is_own;
    if (is_same)
        return 0; /* the pixels were converted before, and nothing has changed */
    int error = convert_frame(painter->convert, &shown, &painter->picture);
    *why = fr_strerror(error);
    if (error == 0 && painter->picture.stride > SDL_MAX_SINT32)
        error = FR_ENOTSUP;
    painter->is_own = painter->picture.pixels != frame->plane[0].data || turns != 0;
    if (error == 0 && rotate_picture(&painter->rotate, turns, &painter->picture) < 0)
        error = FR_ENOMEM;
    if (error < 0) {
        *why = fr_strerror(error);
        painter_forget(painter);
        return -1;
    }
    error = canvas->has_surface ? wrap(painter) : upload(painter, canvas, turns ? NULL : damage);
    if (error == 0)
        return 0;
    *why = SDL_GetError();
    painter_forget(painter);
    return -1;
}

/* The visible part of the place, and the part of the picture that belongs there. */
static int cut(const struct painter *painter, const SDL_Rect *place, const SDL_Rect *clip,
               SDL_Rect *from, SDL_Rect *to)
{
    if (!SDL_IntersectRect(place, clip, to))
        return 0;
    int width = (int)painter->picture.width;
    int height = (int)painter->picture.height;
    double across = (double)width / place->w;
    double down = (double)height / place->h;
    from->x = (int)((to->x - place->x) * across);
    from->y = (int)((to->y - place->y) * down);
    from->w = (int)ceil((to->x + to->w - place->x) * across) - from->x;
    from->h = (int)ceil((to->y + to->h - place->y) * down) - from->y;
    from->w = SDL_max(1, SDL_min(from->w, width - from->x));
    from->h = SDL_max(1, SDL_min(from->h, height - from->y));
    return 1;
}

static int can_smooth(const struct painter *painter, const SDL_Surface *to)
{
    return to->format->format == painter->surface->format->format;
}

static void blit(struct painter *painter, struct canvas *canvas, const SDL_Rect *place,
                 const SDL_Rect *clip, int is_whole)
{
    SDL_Surface *to = canvas->surface;
    SDL_Rect from;
    SDL_Rect part = *place;
    SDL_Rect inside;
    const SDL_Rect all = { 0, 0, to->w, to->h };
    if (!SDL_IntersectRect(clip, &all, &inside))
        return;
    SDL_RenderFlush(canvas->renderer);
    SDL_SetClipRect(to, &inside);
    if (place->w == painter->surface->w && place->h == painter->surface->h)
        SDL_BlitSurface(painter->surface, NULL, to, &part);
    else if (is_whole || !can_smooth(painter, to))
        SDL_BlitScaled(painter->surface, NULL, to, &part);
    else if (cut(painter, place, &inside, &from, &part))
        SDL_SoftStretchLinear(painter->surface, &from, to, &part);
}

void painter_draw(struct painter *painter, struct canvas *canvas, const SDL_Rect *place,
                  const SDL_Rect *clip)
{
    int is_whole =
        place->w % (int)painter->picture.width == 0 && place->h % (int)painter->picture.height == 0;
    if (canvas->has_surface) {
        if (painter->surface)
            blit(painter, canvas, place, clip, is_whole);
        return;
    }
    SDL_SetTextureScaleMode(painter->texture,
                            is_whole ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
    SDL_SetYUVConversionMode(painter->yuv_mode);
    SDL_RenderCopy(canvas->renderer, painter->texture, NULL, place);
    SDL_RenderFlush(canvas->renderer);
}
