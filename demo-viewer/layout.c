/* SPDX-License-Identifier: MIT */

/*
 * See layout.h.
 */

#include "layout.h"

#include <math.h>

#define MAX_SIDE (1 << 20) /* of a picture on the screen: sums of a few fit an int */
#define MIN_ZOOM (1.0 / 64)
#define MAX_ZOOM 64.0

SDL_Rect layout_cell(size_t index, size_t count, int width, int height)
{
    int columns = 1;
    while ((size_t)columns * (size_t)columns < count)
        columns++;
    int rows = ((int)count + columns - 1) / columns;
    int column = (int)index % columns;
    int row = (int)index / columns;
    SDL_Rect cell = { .x = column * width / columns, .y = row * height / rows };
    cell.w = (column + 1) * width / columns - cell.x;
    cell.h = (row + 1) * height / rows - cell.y;
    return cell;
}

void layout_size(const struct layout *layout, const struct fr_frame *frame, int *width, int *height)
{
    const struct fr_rational aspect = frame->sample_aspect;
    int64_t wide = frame->width;
    int64_t high = frame->height;
    if (aspect.num > 0 && aspect.den > 0 && aspect.num != aspect.den) {
        /* One side grows, so that no pixel is lost. */
        if (aspect.num > aspect.den)
            wide = wide * aspect.num / aspect.den;
        else
            high = high * aspect.den / aspect.num;
    }
    int is_sideways = layout->turns % 2 != 0;
    *width = (int)SDL_min(is_sideways ? high : wide, MAX_SIDE);
    *height = (int)SDL_min(is_sideways ? wide : high, MAX_SIDE);
}

/* The zoom at which a picture just fits. */
static double fitting_zoom(int width, int height, const SDL_Rect *cell)
{
    return SDL_min((double)cell->w / width, (double)cell->h / height);
}

static int scaled(int side, double zoom)
{
    double result = side * zoom;
    return (int)lrint(result < 1 ? 1 : result > MAX_SIDE ? MAX_SIDE : result);
}

SDL_Rect layout_place(const struct layout *layout, int width, int height, const SDL_Rect *cell)
{
    if (layout->is_stretched && layout->zoom <= 0)
        return *cell;
    double zoom = layout->zoom > 0 ? layout->zoom : fitting_zoom(width, height, cell);
    SDL_Rect place = { .w = scaled(width, zoom), .h = scaled(height, zoom) };
    place.x = cell->x + (cell->w - place.w) / 2 + layout->pan_x;
    place.y = cell->y + (cell->h - place.h) / 2 + layout->pan_y;
    return place;
}

int layout_whole(const struct layout *layout, const struct fr_frame *frame, const SDL_Rect *place)
{
    int width = (int)frame->width;
    int height = (int)frame->height;
    if (layout->turns != 0 || place->w % width != 0 || place->h % height != 0)
        return 0;
    return place->w / width == place->h / height ? place->w / width : 0;
}

/* The part as it lies in the turned picture, whose sides are *width and *height. */
static SDL_Rect turn(const struct layout *layout, const struct fr_frame *frame,
                     const struct fr_rect *part, int *width, int *height)
{
    const SDL_Rect old = { part->x, part->y, (int)part->width, (int)part->height };
    int wide = (int)frame->width;
    int high = (int)frame->height;
    *width = layout->turns % 2 != 0 ? high : wide;
    *height = layout->turns % 2 != 0 ? wide : high;
    switch (layout->turns) {
    case 1:
        return (SDL_Rect){ high - old.y - old.h, old.x, old.h, old.w };
    case 2:
        return (SDL_Rect){ wide - old.x - old.w, high - old.y - old.h, old.w, old.h };
    case 3:
        return (SDL_Rect){ old.y, wide - old.x - old.w, old.h, old.w };
    default:
        return old;
    }
}

SDL_Rect layout_part(const struct layout *layout, const struct fr_frame *frame,
                     const SDL_Rect *place, const struct fr_rect *part)
{
    int width;
    int height;
    const SDL_Rect turned = turn(layout, frame, part, &width, &height);
    double across = (double)place->w / width;
    double down = (double)place->h / height;
    int left = (int)floor(turned.x * across);
    int top = (int)floor(turned.y * down);
    int right = (int)ceil((turned.x + turned.w) * across);
    int bottom = (int)ceil((turned.y + turned.h) * down);
    return (SDL_Rect){ place->x + left, place->y + top, right - left, bottom - top };
}

void layout_zoom(struct layout *layout, double factor, int width, int height, const SDL_Rect *cell,
                 int x, int y)
{
    double before = layout->zoom > 0 ? layout->zoom : fitting_zoom(width, height, cell);
    double after = before * factor;
    layout->zoom = after < MIN_ZOOM ? MIN_ZOOM : after > MAX_ZOOM ? MAX_ZOOM : after;
    double change = layout->zoom / before;
    double from_middle_x = x - (cell->x + cell->w / 2.0);
    double from_middle_y = y - (cell->y + cell->h / 2.0);
    layout->pan_x = (int)lrint(from_middle_x - (from_middle_x - layout->pan_x) * change);
    layout->pan_y = (int)lrint(from_middle_y - (from_middle_y - layout->pan_y) * change);
}
