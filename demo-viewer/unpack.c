/* SPDX-License-Identifier: MIT */

/*
 * See unpack.h.
 */

#include "unpack.h"

#include <math.h>
#include <string.h>

#define RANGE_LIMITED 1
#define TRANSFER_LINEAR 8

typedef void (*unpack_row)(const uint8_t *level, const uint8_t *from, uint32_t width, uint8_t *to);

static uint32_t load16(const uint8_t *from)
{
    uint16_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static void gray8_row(const uint8_t *level, const uint8_t *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++)
        memset(to + 4 * (size_t)x, level[from[x]], 4);
}

static void gray16_row(const uint8_t *level, const uint8_t *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++)
        memset(to + 4 * (size_t)x, level[load16(from + 2 * (size_t)x)], 4);
}

static void rgba16_row(const uint8_t *level, const uint8_t *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++, from += 8, to += 4) {
        to[0] = level[load16(from + 4)];
        to[1] = level[load16(from + 2)];
        to[2] = level[load16(from)];
        to[3] = 255;
    }
}

static void x2rgb10_row(const uint8_t *level, const uint8_t *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++, from += 4, to += 4) {
        uint32_t pixel;
        memcpy(&pixel, from, sizeof pixel);
        to[0] = level[pixel & 1023];
        to[1] = level[pixel >> 10 & 1023];
        to[2] = level[pixel >> 20 & 1023];
        to[3] = 255;
    }
}

static void x2bgr10_row(const uint8_t *level, const uint8_t *from, uint32_t width, uint8_t *to)
{
    for (uint32_t x = 0; x < width; x++, from += 4, to += 4) {
        uint32_t pixel;
        memcpy(&pixel, from, sizeof pixel);
        to[0] = level[pixel >> 20 & 1023];
        to[1] = level[pixel >> 10 & 1023];
        to[2] = level[pixel & 1023];
        to[3] = 255;
    }
}

static unpack_row row_of(enum fr_format format)
{
    switch (format) {
    case FR_FORMAT_GRAY8:
        return gray8_row;
    case FR_FORMAT_GRAY10:
    case FR_FORMAT_GRAY12:
    case FR_FORMAT_GRAY16:
        return gray16_row;
    case FR_FORMAT_RGBA64:
    case FR_FORMAT_RGBAF16:
        return rgba16_row;
    case FR_FORMAT_X2RGB10:
        return x2rgb10_row;
    case FR_FORMAT_X2BGR10:
        return x2bgr10_row;
    default:
        return NULL;
    }
}

int unpack_knows(enum fr_format format)
{
    return row_of(format) != NULL;
}

static double half_value(uint32_t bits)
{
    int exponent = (int)(bits >> 10 & 31);
    double mantissa = bits & 1023;
    double sign = bits & 0x8000 ? -1 : 1;
    if (exponent == 31)
        return mantissa > 0 ? 0 : sign * HUGE_VAL; /* what is not a number is shown black */
    if (exponent == 0)
        return sign * ldexp(mantissa, -24);
    return sign * ldexp(1024 + mantissa, exponent - 25);
}

/* Light as a screen wants it; IEC 61966-2-1. */
static double srgb_from_linear(double light)
{
    if (light <= 0.0031308)
        return 12.92 * light;
    return 1.055 * pow(light, 1 / 2.4) - 0.055;
}

/* A sample as a share of white, before it is clipped. */
static double sample_value(const struct unpack *unpack, const struct fr_format_info *info,
                           uint32_t sample)
{
    if (info->format == FR_FORMAT_RGBAF16) {
        double value = half_value(sample);
        return unpack->transfer == TRANSFER_LINEAR ? srgb_from_linear(value) : value;
    }
    double max = (double)((1u << info->bits) - 1);
    if (!info->is_yuv || unpack->range != RANGE_LIMITED)
        return sample / max;
    double one = (double)(1u << (info->bits - 8));
    return (sample / one - 16) / 219;
}

static void make_levels(struct unpack *unpack, const struct fr_frame *frame)
{
    const struct fr_format_info *info = fr_format_info(frame->format);
    unpack->format = frame->format;
    unpack->range = frame->color.range;
    unpack->transfer = frame->color.transfer;
    for (uint32_t sample = 0; sample < 65536; sample++) {
        double value = sample_value(unpack, info, sample);
        unpack->level[sample] = (uint8_t)(value <= 0 ? 0 : value >= 1 ? 255 : lrint(value * 255));
    }
    unpack->is_ready = 1;
}

void unpack_frame(struct unpack *unpack, const struct fr_frame *frame, uint8_t *pixels,
                  size_t stride)
{
    if (!unpack->is_ready || unpack->format != frame->format ||
        unpack->range != frame->color.range || unpack->transfer != frame->color.transfer)
        make_levels(unpack, frame);
    unpack_row row = row_of(frame->format);
    const uint8_t *from = frame->plane[0].data;
    for (uint32_t y = 0; y < frame->height; y++, from += frame->plane[0].stride)
        row(unpack->level, from, frame->width, pixels + (size_t)y * stride);
}
