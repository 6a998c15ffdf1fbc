/* SPDX-License-Identifier: MIT */

/*
 * See adapt.h. libswscale cannot read NV16, which is given to it as three planes.
 */

#define _GNU_SOURCE

#include "adapt.h"

#include <framering/av.h>
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 64
#define TAIL 128 /* libswscale reads and writes a little beyond a row */
#define RANGE_FULL 2
#define FIRST_HD_HEIGHT 720
#define MAX_FORMATS 64

struct adapt {
    struct SwsContext *sws;
    struct fr_frame frame; /* the result; its planes are in pixels */
    uint8_t *pixels;
    uint8_t *chroma; /* of NV16, split: U, then V */
};

static enum AVPixelFormat readable_as(enum fr_format format)
{
    return format == FR_FORMAT_NV16 ? AV_PIX_FMT_YUV422P : fr_av_pix_fmt(format);
}

enum fr_format adapt_choose(enum fr_format from, int (*is_acceptable)(enum fr_format format))
{
    enum AVPixelFormat list[MAX_FORMATS];
    size_t count = 0;
    if (is_acceptable(from))
        return from;
    enum AVPixelFormat source = readable_as(from);
    if (source == AV_PIX_FMT_NONE || !sws_isSupportedInput(source))
        return FR_FORMAT_NONE;
    for (size_t i = 0; fr_format_at(i) && count < MAX_FORMATS - 1; i++) {
        enum AVPixelFormat format = fr_av_pix_fmt(fr_format_at(i)->format);
        if (format != AV_PIX_FMT_NONE && sws_isSupportedOutput(format) &&
            is_acceptable(fr_format_at(i)->format))
            list[count++] = format;
    }
    list[count] = AV_PIX_FMT_NONE;
    int loss = 0;
    return fr_av_format(avcodec_find_best_pix_fmt_of_list(list, source, 0, &loss));
}

static size_t stride_of(size_t row_bytes)
{
    return (row_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

/* Lays out the planes of the result and gets memory for them. */
static int lay_out(struct adapt *adapt)
{
    struct fr_frame *frame = &adapt->frame;
    const struct fr_format_info *info = fr_format_info(frame->format);
    size_t offset[FR_MAX_PLANES];
    size_t size = TAIL;
    frame->planes = info->planes;
    for (uint32_t i = 0; i < info->planes; i++) {
        const struct fr_plane_info *plane = &info->plane[i];
        uint32_t columns = (frame->width + (1u << plane->log2_w) - 1) >> plane->log2_w;
        uint32_t rows = (frame->height + (1u << plane->log2_h) - 1) >> plane->log2_h;
        size_t row_bytes = (size_t)columns * plane->group_bytes;
        frame->plane[i] = (struct fr_plane){ .stride = (ptrdiff_t)stride_of(row_bytes),
                                             .rows = rows,
                                             .row_bytes = (uint32_t)row_bytes };
        offset[i] = size - TAIL;
        size += stride_of(row_bytes) * rows;
    }
    adapt->pixels = aligned_alloc(ALIGNMENT, stride_of(size));
    if (!adapt->pixels)
        return FR_ENOMEM;
    memset(adapt->pixels, 0, stride_of(size)); /* what is beside the pixels is looked at, too */
    for (uint32_t i = 0; i < info->planes; i++)
        frame->plane[i].data = adapt->pixels + offset[i];
    return 0;
}

static int make_chroma(struct adapt *adapt, const struct fr_frame *like)
{
    if (like->format != FR_FORMAT_NV16)
        return 0;
    size_t size = 2 * stride_of(like->plane[1].row_bytes / 2) * like->plane[1].rows + TAIL;
    adapt->chroma = calloc(1, size);
    return adapt->chroma ? 0 : FR_ENOMEM;
}

static int coefficients_of(uint8_t matrix, uint32_t height)
{
    if (matrix == 9 || matrix == 10)
        return SWS_CS_BT2020;
    if (matrix == 1 || matrix == 4 || matrix == 5 || matrix == 6 || matrix == 7)
        return matrix; /* libswscale counts as H.273 does */
    return height >= FIRST_HD_HEIGHT ? SWS_CS_ITU709 : SWS_CS_ITU601;
}

static int make_context(struct adapt *adapt, const struct fr_frame *like)
{
    struct fr_frame *frame = &adapt->frame;
    int was_rgb = !fr_format_info(like->format)->is_yuv;
    if (was_rgb && fr_format_info(frame->format)->is_yuv) {
        frame->color.matrix = like->height >= FIRST_HD_HEIGHT ? 1 : 6;
        frame->color.range = 1;
        frame->color.chroma_location = 0;
    }
    int width = (int)like->width;
    int height = (int)like->height;
    adapt->sws =
        sws_getContext(width, height, readable_as(like->format), width, height,
                       fr_av_pix_fmt(frame->format),
                       SWS_BILINEAR | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
    if (!adapt->sws)
        return FR_ENOTSUP;
    int full = like->color.range == RANGE_FULL || was_rgb;
    const int *coefficients =
        sws_getCoefficients(coefficients_of(frame->color.matrix, frame->height));
    /* Between two RGB formats there is nothing to say, and it answers so. */
    sws_setColorspaceDetails(adapt->sws, coefficients, full, coefficients,
                             frame->color.range == RANGE_FULL, 0, 1 << 16, 1 << 16);
    return 0;
}

int adapt_create(const struct fr_frame *like, enum fr_format to, struct adapt **out)
{
    *out = NULL;
    struct adapt *adapt = calloc(1, sizeof *adapt);
    if (!adapt)
        return FR_ENOMEM;
    adapt->frame = *like;
    adapt->frame.format = to;
    int error = lay_out(adapt);
    if (error == 0)
        error = make_chroma(adapt, like);
    if (error == 0)
        error = make_context(adapt, like);
    if (error < 0) {
        adapt_destroy(&adapt);
        return error;
    }
    *out = adapt;
    return 0;
}

void adapt_destroy(struct adapt **adapt)
{
    if (!*adapt)
        return;
    sws_freeContext((*adapt)->sws);
    free((*adapt)->pixels);
    free((*adapt)->chroma);
    free(*adapt);
    *adapt = NULL;
}

/* Replaces the plane of U and V side by side by two. */
static void split_chroma(struct adapt *adapt, const struct fr_plane *both, const uint8_t *data[4],
                         int linesize[4])
{
    size_t width = both->row_bytes / 2;
    size_t stride = stride_of(width);
    uint8_t *u = adapt->chroma;
    uint8_t *v = adapt->chroma + stride * both->rows;
    data[1] = u;
    data[2] = v;
    linesize[1] = (int)stride;
    linesize[2] = (int)stride;
    const uint8_t *from = both->data;
    for (uint32_t y = 0; y < both->rows; y++, from += both->stride, u += stride, v += stride) {
        for (size_t x = 0; x < width; x++) {
            u[x] = from[2 * x];
            v[x] = from[2 * x + 1];
        }
    }
}

/* What a copy of the frame's description would spoil. */
static void take_times(struct fr_frame *to, const struct fr_frame *from)
{
    to->pts = from->pts;
    to->duration = from->duration;
    to->time_base = from->time_base;
    to->capture_ns = from->capture_ns;
    to->publish_ns = from->publish_ns;
    to->session = from->session;
    to->sequence = from->sequence;
    to->flags = from->flags;
}

int adapt_frame(struct adapt *adapt, const struct fr_frame *frame, const struct fr_frame **out)
{
    const uint8_t *data[4] = { NULL };
    int linesize[4] = { 0 };
    uint8_t *to[4] = { NULL };
    int to_linesize[4] = { 0 };
    for (uint32_t i = 0; i < frame->planes; i++) {
        if (frame->plane[i].stride > INT_MAX || frame->plane[i].stride < -INT_MAX)
            return FR_ENOTSUP;
        data[i] = frame->plane[i].data;
        linesize[i] = (int)frame->plane[i].stride;
    }
    for (uint32_t i = 0; i < adapt->frame.planes; i++) {
        to[i] = adapt->frame.plane[i].data;
        to_linesize[i] = (int)adapt->frame.plane[i].stride;
    }
    if (adapt->chroma)
        split_chroma(adapt, &frame->plane[1], data, linesize);
    int rows = sws_scale(adapt->sws, data, linesize, 0, (int)frame->height, to, to_linesize);
    if (rows != (int)frame->height)
        return FR_ENOTSUP;
    take_times(&adapt->frame, frame);
    *out = &adapt->frame;
    return 0;
}
