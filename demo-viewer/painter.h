/* SPDX-License-Identifier: MIT */
#ifndef PAINTER_H
#define PAINTER_H

/*
 * Makes a frame ready for the screen, and paints it. On a canvas of the window's memory the pixels
 * are taken from the frame's own slot if they need no conversion; so the frame has to be held as
 * long as it is painted. On a graphics card they go into a texture, and only what has changed does.
 *
 * Threads: that of the window.
 */

#include <framering/meta.h>

#include "canvas.h"
#include "convert.h"
#include "rotate.h"

/* How YUV is understood where the user knows better than the frame. */
enum painter_color { COLOR_AUTO, COLOR_BT601, COLOR_BT709, COLOR_FULL, COLOR_CHOICES };

/* What has changed since the frame that was loaded before. */
struct damage {
    struct fr_rect rect[FR_MAX_DAMAGE];
    size_t count;
};

struct painter {
    struct convert *convert;
    struct rotate rotate;
    struct picture picture; /* what is shown; no pixels if there is nothing */
    SDL_Surface *surface;   /* around it, for the window's memory */
    SDL_Texture *texture;   /* with it, for a graphics card */
    uint32_t texture_format;
    int texture_width;
    int texture_height;
    SDL_YUV_CONVERSION_MODE yuv_mode;
    int is_own; /* the pixels are the painter's, not the frame's */
};

/* 0 or FR_ENOMEM. */
int painter_open(struct painter *painter);
void painter_close(struct painter *painter);

/* Nothing is to be shown any more. */
void painter_forget(struct painter *painter);

/*
 * Makes the frame the one to be painted. 0, or -1 and *why says what is wrong; then there is none.
 */
int painter_load(struct painter *painter, struct canvas *canvas, const struct fr_frame *frame,
                 enum painter_color color, int turns, const struct damage *damage,
                 const char **why);

/*
 * Paints it into a rectangle, of which only what lies inside clip is touched. Whole multiples of
 * its size stay sharp, everything else is smoothed.
 */
void painter_draw(struct painter *painter, struct canvas *canvas, const SDL_Rect *place,
                  const SDL_Rect *clip);

/* True if there is something to paint. */
int painter_has_picture(const struct painter *painter);

#endif
