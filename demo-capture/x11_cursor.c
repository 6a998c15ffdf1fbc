/* SPDX-License-Identifier: MIT */

/*
 * The mouse cursor, which the server keeps out of what it lets others copy: its shape by XFixes, its
 * place from the pointer, both put over the picture here or sent beside it.
 */

#define _GNU_SOURCE

#include <stdlib.h>
#include <string.h>

#include "x11.h"

#define MAX_SIDE 1024 /* of a cursor; larger ones are left out */

void x11_cursor_refresh(struct x11 *x11)
{
    struct x11_cursor *cursor = &x11->cursor;
    if (cursor->mode == CURSOR_NONE || !cursor->is_stale)
        return;
    xcb_xfixes_get_cursor_image_reply_t *image =
        xcb_xfixes_get_cursor_image_reply(x11->connection,
                                          xcb_xfixes_get_cursor_image(x11->connection), NULL);
    /* Servers refuse the cursor of a client that is gone: the last one is kept and it is asked for
     * again, for nothing tells when they no longer refuse. */
    if (!image)
        return;
    cursor->is_stale = 0;
    free(cursor->pixels);
    cursor->pixels = NULL;
    cursor->width = 0;
    cursor->height = 0;
    cursor->where = (struct fr_rect){ 0 };
    if (image->width <= MAX_SIDE && image->height <= MAX_SIDE)
        cursor->pixels = malloc((size_t)image->width * image->height * PIXEL_BYTES + 1);
    if (cursor->pixels) {
        cursor->serial = image->cursor_serial;
        cursor->hot_x = image->xhot;
        cursor->hot_y = image->yhot;
        cursor->width = image->width;
        cursor->height = image->height;
        memcpy(cursor->pixels, xcb_xfixes_get_cursor_image_cursor_image(image),
               (size_t)image->width * image->height * PIXEL_BYTES);
    }
    free(image);
}

void x11_cursor_place(struct x11 *x11, const xcb_query_pointer_reply_t *pointer)
{
    struct x11_cursor *cursor = &x11->cursor;
    cursor->where = (struct fr_rect){ 0 };
    if (!pointer || !pointer->same_screen)
        return;
    cursor->where = (struct fr_rect){ .x = pointer->win_x - x11->x - (int32_t)cursor->hot_x,
                                      .y = pointer->win_y - x11->y - (int32_t)cursor->hot_y,
                                      .width = cursor->width,
                                      .height = cursor->height };
}

int x11_cursor_has_changed(const struct x11 *x11, uint32_t width, uint32_t height)
{
    const struct x11_cursor *cursor = &x11->cursor;
    if (cursor->mode == CURSOR_NONE)
        return 0;
    struct fr_rect is = cursor->where;
    struct fr_rect was = x11->shown_cursor;
    if (rects_clip(is, width, height).width == 0 && rects_clip(was, width, height).width == 0)
        return 0;
    return !rects_are_equal(is, was) || x11->shown_serial != cursor->serial;
}

/* All four bytes of a pixel: what shines through, rounded, and the cursor's own colour. */
static uint32_t blend(uint32_t below, uint32_t above)
{
    uint32_t rest = 255 - (above >> 24);
    uint32_t result = 0;
    for (int shift = 0; shift < 32; shift += 8) {
        uint32_t sum = ((below >> shift & 255) * rest + 127) / 255 + (above >> shift & 255);
        result |= (sum < 255 ? sum : 255) << shift;
    }
    return result;
}

struct fr_rect x11_cursor_draw(const struct x11_cursor *cursor, struct fr_frame *frame)
{
    struct fr_rect part = rects_clip(cursor->where, frame->width, frame->height);
    for (uint32_t y = 0; y < part.height; y++) {
        size_t row = (size_t)(part.y - cursor->where.y) + y;
        const uint32_t *from =
            cursor->pixels + row * cursor->width + (size_t)(part.x - cursor->where.x);
        uint8_t *to = frame->plane[0].data + (part.y + (ptrdiff_t)y) * frame->plane[0].stride +
                      (ptrdiff_t)part.x * PIXEL_BYTES;
        for (uint32_t x = 0; x < part.width; x++, to += PIXEL_BYTES) {
            uint32_t pixel;
            memcpy(&pixel, to, sizeof pixel);
            pixel = blend(pixel, from[x]);
            memcpy(to, &pixel, sizeof pixel);
        }
    }
    return part;
}

void x11_cursor_describe(const struct x11_cursor *cursor, struct fr_frame *frame)
{
    struct {
        struct fr_cursor head;
        uint8_t pixels[FR_MAX_META];
    } entry = { .head = { .x = cursor->where.x + (int32_t)cursor->hot_x,
                          .y = cursor->where.y + (int32_t)cursor->hot_y,
                          .hot_x = cursor->hot_x,
                          .hot_y = cursor->hot_y,
                          .width = cursor->where.width,
                          .height = cursor->where.height,
                          .serial = cursor->serial } };
    size_t size = (size_t)cursor->where.width * cursor->where.height * PIXEL_BYTES;
    if (size > 0 && size <= sizeof entry.pixels) {
        memcpy(entry.pixels, cursor->pixels, size);
        if (fr_frame_set_meta(frame, FR_META_CURSOR, &entry, sizeof entry.head + size) == 0)
            return;
    }
    /* Too large to be sent: the place and the size are known all the same. */
    (void)!fr_frame_set_meta(frame, FR_META_CURSOR, &entry, sizeof entry.head);
}
