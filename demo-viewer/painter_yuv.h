/* SPDX-License-Identifier: MIT */
#ifndef PAINTER_YUV_H
#define PAINTER_YUV_H

/*
 * SDL's own YUV textures, for canvases of a graphics card: which frames they show right, and how
 * these get into them.
 */

#include <SDL.h>
#include <framering/framering.h>

struct yuv_texture {
    uint32_t format;
    SDL_YUV_CONVERSION_MODE mode;
};

/* True if there is a texture for the frame's format and colours, with chroma in every pixel pair. */
int painter_yuv_find(const struct fr_frame *frame, struct yuv_texture *out);

/* 0, or -1 and SDL_GetError says why. */
int painter_yuv_upload(SDL_Texture *texture, const struct fr_frame *frame);

#endif
