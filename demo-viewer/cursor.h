/* SPDX-License-Identifier: MIT */
#ifndef CURSOR_H
#define CURSOR_H

/*
 * The mouse cursor that travels beside the picture (FR_META_CURSOR), drawn over it. Its picture is
 * kept by its serial; where it never came, a cross marks the place.
 *
 * Threads: that of the window.
 */

#include <framering/meta.h>

#include "canvas.h"
#include "layout.h"

struct cursor {
    struct fr_cursor now;  /* of the last frame; width is 0 if there is none to be seen */
    uint32_t *pixels;      /* alpha, red, green, blue from the high bits down, not premultiplied */
    uint32_t serial;       /* of the pixels */
    uint32_t pixel_width;  /* of the pixels */
    uint32_t pixel_height; /* of the pixels */
    SDL_Texture *texture;  /* with them */
    uint32_t generation;   /* of the canvas that it was made with */
    int is_new;            /* the texture does not hold them yet */
};

/* Reads the frame's cursor. */
void cursor_take(struct cursor *cursor, const struct fr_frame *frame);

/* What it covers of the frame; without width if it is hidden. */
struct fr_rect cursor_part(const struct cursor *cursor);

void cursor_draw(struct cursor *cursor, struct canvas *canvas, const struct layout *layout,
                 const struct fr_frame *frame, const SDL_Rect *place);

void cursor_finish(struct cursor *cursor, const struct canvas *canvas);

#endif
