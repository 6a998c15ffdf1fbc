/* SPDX-License-Identifier: MIT */
#ifndef CANVAS_H
#define CANVAS_H

/*
 * What a window is drawn on. Without a graphics card that is the window's own memory: only what has
 * changed is drawn and handed to the server. With one (SDL_RENDER_DRIVER in the environment) it is
 * drawn anew each time.
 *
 * Threads: that of the window.
 */

#include <SDL.h>

#include "picture.h"

struct canvas {
    SDL_Window *window;
    SDL_Renderer *renderer; /* draws everything but pictures */
    SDL_Surface *surface;   /* the window's memory, or NULL if the graphics card draws */
    int has_surface;        /* the window's memory is to be had */
    int width;
    int height;
    uint32_t generation; /* textures of an earlier one are gone */
    int is_vsync;
    int64_t presented_ns;
};

/* 0, or -1 and SDL_GetError says why. */
int canvas_open(struct canvas *canvas, SDL_Window *window);
void canvas_close(struct canvas *canvas);

/* Before drawing. 1: all of it has to be drawn; 0: the rest is as it was left; -1: nothing can be. */
int canvas_begin(struct canvas *canvas);

/* Nothing is drawn outside this rectangle from now on. */
void canvas_clip(struct canvas *canvas, const SDL_Rect *clip);

/* Fills a rectangle; the colour is 0xAARRGGBB, and what is not opaque is mixed with what is there. */
void canvas_fill(struct canvas *canvas, const SDL_Rect *rect, uint32_t color);

/* One pixel wide, inside the rectangle. */
void canvas_frame(struct canvas *canvas, const SDL_Rect *rect, uint32_t color);

/* Gives the server what was drawn, of which these rectangles changed. */
void canvas_present(struct canvas *canvas, const SDL_Rect *rects, int count);

/* A copy of what was drawn, before it is presented; pixels are the caller's to free. 0 or -1. */
int canvas_read(struct canvas *canvas, struct picture *picture, void **pixels);

int canvas_set_vsync(struct canvas *canvas, int is_vsync);

/* "window memory", or the name of the renderer. Static. */
const char *canvas_kind(const struct canvas *canvas);

#endif
