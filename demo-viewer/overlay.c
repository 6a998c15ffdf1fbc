/* SPDX-License-Identifier: MIT */

/*
 * See overlay.h.
 */

#include "overlay.h"

#include <stdlib.h>
#include <string.h>

#include <font.h>

#define GLYPH_WIDTH 8
#define GLYPH_HEIGHT 16
#define MARGIN 6 /* in dots of the font */
#define BACKGROUND 0xd8101418u

static const uint32_t colors[] = { 0xffffffffu, 0xffffd23cu, 0xffff5a4bu };

/* The index in colors that a character of the text asks for, or -1 if it is to be drawn. */
static int color_of(char character)
{
    int index = character - OVERLAY_NORMAL[0];
    return index >= 0 && index < (int)(sizeof colors / sizeof colors[0]) ? index : -1;
}

static void measure(const char *text, uint32_t *columns, uint32_t *lines)
{
    uint32_t column = 0;
    *columns = 0;
    *lines = 1;
    for (; *text; text++) {
        if (*text == '\n') {
            column = 0;
            (*lines)++;
            continue;
        }
        if (color_of(*text) >= 0)
            continue;
        column++;
        if (column > *columns)
            *columns = column;
    }
}

static void fill(const struct overlay_box *box, uint32_t x, uint32_t y, uint32_t side,
                 uint32_t color)
{
    for (uint32_t row = y; row < y + side; row++)
        for (uint32_t column = x; column < x + side; column++)
            box->pixels[(size_t)row * box->width + column] = color;
}

static void draw_glyph(const struct overlay_box *box, uint32_t scale, char character, uint32_t x,
                       uint32_t y, uint32_t color)
{
    uint32_t index = character >= ' ' && character <= '~' ? (uint32_t)(character - ' ') : '?' - ' ';
    for (uint32_t row = 0; row < GLYPH_HEIGHT; row++)
        for (uint32_t column = 0; column < GLYPH_WIDTH; column++)
            if (font_8x16[index][row] & (0x80u >> column))
                fill(box, x + column * scale, y + row * scale, scale, color);
}

int overlay_render(const char *text, uint32_t scale, struct overlay_box *box)
{
    uint32_t columns;
    uint32_t lines;
    measure(text, &columns, &lines);
    box->width = (columns * GLYPH_WIDTH + 2 * MARGIN) * scale;
    box->height = (lines * GLYPH_HEIGHT + 2 * MARGIN) * scale;
    size_t count = (size_t)box->width * box->height;
    box->pixels = malloc(count * sizeof *box->pixels);
    if (!box->pixels)
        return -1;
    for (size_t i = 0; i < count; i++)
        box->pixels[i] = BACKGROUND;
    uint32_t color = colors[0];
    uint32_t x = MARGIN * scale;
    uint32_t y = MARGIN * scale;
    for (; *text; text++) {
        if (*text == '\n') {
            x = MARGIN * scale;
            y += GLYPH_HEIGHT * scale;
            continue;
        }
        if (color_of(*text) >= 0) {
            color = colors[color_of(*text)];
            continue;
        }
        draw_glyph(box, scale, *text, x, y, color);
        x += GLYPH_WIDTH * scale;
    }
    return 0;
}
