/* SPDX-License-Identifier: MIT */
#ifndef LABEL_H
#define LABEL_H

/*
 * A text on the canvas, kept as a texture until it changes.
 */

#include "canvas.h"

struct label {
    char text[2048];
    uint32_t scale;
    SDL_Texture *texture;
    uint32_t generation; /* of the canvas that the texture was made with */
    int width;
    int height;
};

/* Where in an area a text stands: against one edge, in the middle, or against the other. */
enum label_side { LABEL_FIRST, LABEL_MIDDLE, LABEL_LAST };

/* Draws a text; what does not fit loses its end, not its beginning. Nothing for an empty one. */
void label_draw(struct label *label, struct canvas *canvas, const char *text, const SDL_Rect *area,
                enum label_side across, enum label_side down);

/* The same without a margin, at one place, and for small areas. */
void label_draw_at(struct label *label, struct canvas *canvas, const char *text, int x, int y);

void label_forget(struct label *label, const struct canvas *canvas);

#endif
