/* SPDX-License-Identifier: MIT */

/*
 * See label.h.
 */

#include "label.h"

#include <stdlib.h>
#include <string.h>

#include "overlay.h"

#define EDGE 12          /* between a text and the area's edge, times the text's scale */
#define TALL_SCREEN 1440 /* from this height of the window on texts are twice as large */

void label_forget(struct label *label, const struct canvas *canvas)
{
    if (label->texture && label->generation == canvas->generation)
        SDL_DestroyTexture(label->texture);
    label->texture = NULL;
}

/* Makes the texture if the text is another one than before. False without one. */
static int prepare(struct label *label, struct canvas *canvas, const char *text, uint32_t scale)
{
    if (label->texture && label->generation == canvas->generation && label->scale == scale &&
        strcmp(label->text, text) == 0)
        return 1;
    label_forget(label, canvas);
    SDL_strlcpy(label->text, text, sizeof label->text);
    label->scale = scale;
    label->generation = canvas->generation;
    struct overlay_box box;
    if (overlay_render(label->text, scale, &box) < 0)
        return 0;
    label->width = (int)box.width;
    label->height = (int)box.height;
    label->texture = SDL_CreateTexture(canvas->renderer, SDL_PIXELFORMAT_ARGB8888,
                                       SDL_TEXTUREACCESS_STATIC, label->width, label->height);
    if (label->texture) {
        SDL_UpdateTexture(label->texture, NULL, box.pixels, label->width * 4);
        SDL_SetTextureBlendMode(label->texture, SDL_BLENDMODE_BLEND);
    }
    free(box.pixels);
    return label->texture != NULL;
}

void label_draw(struct label *label, struct canvas *canvas, const char *text, const SDL_Rect *area,
                enum label_side across, enum label_side down)
{
    uint32_t scale = canvas->height >= TALL_SCREEN ? 2 : 1;
    if (text[0] == '\0' || !prepare(label, canvas, text, scale))
        return;
    int edge = EDGE * (int)scale;
    int x = edge + (area->w - label->width - 2 * edge) * (int)across / 2;
    int y = edge + (area->h - label->height - 2 * edge) * (int)down / 2;
    const SDL_Rect place = {
        .x = area->x + SDL_max(x, 0),
        .y = area->y + SDL_max(y, 0),
        .w = label->width,
        .h = label->height,
    };
    SDL_RenderCopy(canvas->renderer, label->texture, NULL, &place);
}

void label_draw_at(struct label *label, struct canvas *canvas, const char *text, int x, int y)
{
    if (text[0] == '\0' || !prepare(label, canvas, text, 1))
        return;
    const SDL_Rect place = { .x = x, .y = y, .w = label->width, .h = label->height };
    SDL_RenderCopy(canvas->renderer, label->texture, NULL, &place);
}
