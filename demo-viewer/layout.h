/* SPDX-License-Identifier: MIT */
#ifndef LAYOUT_H
#define LAYOUT_H

/*
 * Where things stand in a window: the cells of a grid, a picture in its cell, and parts of a picture
 * on the screen. Nothing here draws.
 */

#include <SDL.h>
#include <framering/meta.h>

/* How the user wants to see a picture. */
struct layout {
    double zoom; /* 0 fits the picture to its cell */
    int pan_x;   /* pixels of the screen away from the middle */
    int pan_y;
    int is_stretched; /* fills the cell, whatever the picture's shape */
    int turns;        /* quarter turns to the right, 0 to 3 */
};

/* Cell number index of count in a window. */
SDL_Rect layout_cell(size_t index, size_t count, int width, int height);

/* The size of a frame on the screen at zoom 1: turned, and its pixels made square. */
void layout_size(const struct layout *layout, const struct fr_frame *frame, int *width,
                 int *height);

/* Where a picture of that size stands in its cell. */
SDL_Rect layout_place(const struct layout *layout, int width, int height, const SDL_Rect *cell);

/* How many pixels of the screen one of the picture takes, if that is a whole number both ways (and
 * the picture is not turned); else 0. */
int layout_whole(const struct layout *layout, const struct fr_frame *frame, const SDL_Rect *place);

/* Where a part of the frame is on the screen, rounded outwards. */
SDL_Rect layout_part(const struct layout *layout, const struct fr_frame *frame,
                     const SDL_Rect *place, const struct fr_rect *part);

/* Zooms by a factor, so that the point of the cell at x, y of the window stays where it is. */
void layout_zoom(struct layout *layout, double factor, int width, int height, const SDL_Rect *cell,
                 int x, int y);

#endif
