/* SPDX-License-Identifier: MIT */

/*
 * See card.h. A row of noise is a sequence of 64-bit words, each the mix of a counter that begins at
 * a hash of picture, plane and row: any row can be made again without the others.
 */

#define _GNU_SOURCE

#include "card.h"

#include <stdlib.h>
#include <string.h>

#include "../demo-capture/pattern.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15) /* 2^64 over the golden ratio: counters spread evenly */
#define MARK_BYTES 16                       /* of the number at the start of a picture of noise */

struct card {
    enum card_kind kind;
    uint32_t width;
    uint32_t height;
    enum fr_format format;
    struct pattern *pattern; /* of bars */
    uint8_t *line;           /* of noise: a row, rounded up to whole words */
};

/* A mix of all bits into all bits, as in Vigna's splitmix64. */
static uint64_t mix(uint64_t word)
{
    word = (word ^ (word >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    word = (word ^ (word >> 27)) * UINT64_C(0x94d049bb133111eb);
    return word ^ (word >> 31);
}

int card_create(enum card_kind kind, uint32_t width, uint32_t height, enum fr_format format,
                struct card **out)
{
    int error = 0;
    *out = calloc(1, sizeof **out);
    if (!*out)
        return FR_ENOMEM;
    **out = (struct card){ .kind = kind, .width = width, .height = height, .format = format };
    if (kind == CARD_BARS)
        error = pattern_create(width, height, format, &(*out)->pattern);
    (*out)->line = calloc((size_t)width + 8, 8); /* no format has more bytes for a pixel */
    if (!(*out)->line)
        error = FR_ENOMEM;
    if (error < 0)
        card_destroy(out);
    return error;
}

void card_destroy(struct card **card)
{
    if (!*card)
        return;
    pattern_destroy(&(*card)->pattern);
    free((*card)->line);
    free(*card);
    *card = NULL;
}

static void make_noise(struct card *card, uint64_t number, uint32_t plane, uint32_t y, size_t bytes)
{
    uint64_t counter = mix(number + GOLDEN) ^ mix(((uint64_t)plane << 32 | y) * GOLDEN);
    for (size_t at = 0; at < bytes; at += 8) {
        counter += GOLDEN;
        uint64_t word = mix(counter);
        memcpy(card->line + at, &word, sizeof word);
    }
    if (plane > 0 || y > 0 || bytes < MARK_BYTES)
        return;
    const uint64_t mark[2] = { number, mix(number) };
    memcpy(card->line, mark, sizeof mark);
}

static void draw_noise(struct card *card, uint64_t number, const struct fr_frame *frame)
{
    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];
        uint8_t *to = plane->data;
        for (uint32_t y = 0; y < plane->rows; y++, to += plane->stride) {
            make_noise(card, number, i, y, plane->row_bytes);
            memcpy(to, card->line, plane->row_bytes);
        }
    }
}

static int check_noise(struct card *card, uint64_t number, const struct fr_frame *frame)
{
    for (uint32_t i = 0; i < frame->planes; i++) {
        const struct fr_plane *plane = &frame->plane[i];
        const uint8_t *is = plane->data;
        for (uint32_t y = 0; y < plane->rows; y++, is += plane->stride) {
            make_noise(card, number, i, y, plane->row_bytes);
            if (memcmp(is, card->line, plane->row_bytes) != 0)
                return -1;
        }
    }
    return 0;
}

void card_draw(struct card *card, uint64_t number, struct fr_frame *frame)
{
    frame->source_number = number + 1; /* 0 would be unknown */
    if (card->kind == CARD_BARS)
        pattern_draw(card->pattern, number, frame);
    if (card->kind == CARD_NOISE)
        draw_noise(card, number, frame);
}

/* The number in the pixels, or the one beside them where there is no room for it. */
static int read_number(const struct card *card, const struct fr_frame *frame, uint64_t *number)
{
    uint64_t mark[2];
    *number = frame->source_number - 1;
    if (card->kind == CARD_BARS) {
        int has_number = frame->width >= 160 && frame->height >= 12; /* as pattern.h promises */
        return has_number ? pattern_number(card->pattern, frame, number) : 0;
    }
    if (frame->plane[0].row_bytes < MARK_BYTES)
        return 0;
    memcpy(mark, frame->plane[0].data, sizeof mark);
    *number = mark[0];
    return mark[1] == mix(mark[0]) ? 0 : -1;
}

int card_check(struct card *card, const struct fr_frame *frame, uint64_t *number)
{
    uint32_t at[3];
    if (frame->width != card->width || frame->height != card->height ||
        frame->format != card->format || read_number(card, frame, number) < 0 ||
        *number != frame->source_number - 1)
        return -1;
    if (card->kind == CARD_BARS)
        return pattern_check(card->pattern, *number, frame, &at[0], &at[1], &at[2]);
    return check_noise(card, *number, frame);
}

uint64_t card_number(uint32_t writer, uint64_t count)
{
    return pattern_number_make((uint16_t)writer, count);
}

uint32_t card_writer(uint64_t number)
{
    return pattern_number_writer(number);
}

uint64_t card_count(uint64_t number)
{
    return pattern_number_count(number);
}
